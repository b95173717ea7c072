# What this Python is and what there is to build an environment with: prints one line of JSON. Runs on Python 3.6 and newer.
import importlib.util
import json
import os
import platform
import re
import subprocess
import sys

SECONDS = 5  # for another program's answer


def said(*command):
    """What a program prints, errors too; nothing where there is none, or where it takes its time."""
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=SECONDS)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.decode("utf-8", "replace")


def first(pattern, text):
    found = re.search(pattern, text)
    return found.group(1) if found else None


def markers():
    """The variables of PEP 508, as it says how each is made."""
    version = sys.implementation.version
    full = "%d.%d.%d" % version[:3]
    if version.releaselevel != "final":
        full += version.releaselevel[0] + str(version.serial)
    return {
        "os_name": os.name,
        "sys_platform": sys.platform,
        "platform_machine": platform.machine(),
        "platform_python_implementation": platform.python_implementation(),
        "platform_release": platform.release(),
        "platform_system": platform.system(),
        "platform_version": platform.version(),
        "python_version": "%d.%d" % sys.version_info[:2],
        "python_full_version": platform.python_version(),
        "implementation_name": sys.implementation.name,
        "implementation_version": full,
    }


def libc():
    try:
        glibc = first(r"^glibc (\d+\.\d+)", os.confstr("CS_GNU_LIBC_VERSION") or "")
    except (AttributeError, ValueError, OSError):
        glibc = None
    if glibc:
        return {"glibc": glibc}
    try:
        names = [name for name in sorted(os.listdir("/lib")) if name.startswith("ld-musl-")]
    except OSError:
        names = []
    for name in names:
        musl = first(r"Version (\d+\.\d+)", said("/lib/" + name))
        if musl:
            return {"musl": musl}
    return None


def uv():
    home = os.path.expanduser("~")
    for program in ("uv", home + "/.local/bin/uv", home + "/.cargo/bin/uv"):
        version = first(r"^uv (\d+\.\d+\.\d+)", said(program, "--version"))
        if version:
            return version
    return None


def gpu_driver():
    """The driver's version. The kernel says it at once; nvidia-smi may take seconds to wake the cards."""
    try:
        with open("/proc/driver/nvidia/version") as file:
            return first(r"Kernel Module\D*(\d+(?:\.\d+)+)", file.read(4096))
    except OSError:
        pass
    return first(r"^\s*(\d+(?:\.\d+)+)", said("nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"))


def has(module):
    try:
        return importlib.util.find_spec(module) is not None
    except (ImportError, ValueError):
        return False


def pip():
    return first(r"^pip (\d+(?:\.\d+)*)", said(sys.executable, "-I", "-m", "pip", "--version")) if has("pip") else None


print()
print(json.dumps({
    "executable": sys.executable,
    "markers": markers(),
    "libc": libc(),
    "venv": has("venv"),
    "ensurepip": has("ensurepip"),
    "pip": pip(),
    "uv": uv(),
    "gpu_driver": gpu_driver(),
}))
