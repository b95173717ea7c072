"""Where environments stand, and who builds one. Python 3.6+, standard library only.

    WORK/envs/NAME/               the environment itself
    WORK/envs/NAME/hoist/ready    it is whole: this file comes last, by rename
    WORK/envs/NAME/hoist/used     its age is that of the last use
    WORK/envs/NAME/hoist/spec.json                              what was asked for
    WORK/envs/NAME/hoist/jobs/J   the job J has begun in it
    WORK/envs/NAME/hoist/builds/N/
        by       host, process and start of the one who builds     child    the same of the group of processes that it started
        beat     changes every two seconds while it lives          wanted   touched by those who wait for it
        stdout   its log                                           exit     how it ended
        scratch  host and folder of what it only needs meanwhile

The lock is the folder of the newest build: who makes the next one has it, and that is exactly one. It is free once that build has
ended, or its process is gone from this machine, or its beat was seen to stand still for a minute. Who lost it touches nothing any more.
"""
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

BEAT = 2  # seconds between two signs of life
STALE = 60  # seconds without a sign of life, as seen from here
SCRATCH = "hoist-env-"  # how the name of a folder for what is only needed while one is built begins


def read(path):
    try:
        with open(path, errors="replace") as file:
            return file.read(1 << 20)
    except OSError:
        return None


def write(path, text):
    """Whole or not at all."""
    beside = os.path.join(os.path.dirname(path), ".%s.%d" % (os.path.basename(path), os.getpid()))
    with open(beside, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(beside, path)


def touch(path):
    try:
        os.utime(path)
    except OSError:
        try:
            open(path, "a").close()
        except OSError:
            pass


def start_of(pid):
    """When a process started, as the job scripts say it; empty when there is none, or only its zombie."""
    try:
        with open("/proc/%d/stat" % pid, errors="replace") as file:
            fields = file.read().rpartition(") ")[2].split()
        return "" if fields[0] == "Z" else fields[19]
    except OSError:
        if os.path.exists("/proc/self/stat"):
            return ""
    found = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return "_".join(found.stdout.decode().split())


def process(pid):
    return "%s %d %s\n" % (os.uname().nodename, pid, start_of(pid))


def is_gone(line):
    """Whether a process of this machine has ended; that of another one is not known to have."""
    try:
        host, pid, start = (line or "").split()
        return host == os.uname().nodename and start_of(int(pid)) != start
    except ValueError:
        return False


class Place:
    """An environment's folder."""

    def __init__(self, work, name):
        self.work, self.name = work, name
        self.home = os.path.join(work, "envs", name)
        self.state = os.path.join(self.home, "hoist")
        self.builds = os.path.join(self.state, "builds")
        self.python = os.path.join(self.home, "bin", "python")

    def is_ready(self):
        """Whether it is whole, and the Python that it was made of is still there."""
        # A list is asked of the server, where a file that was not there a moment ago may be remembered as such.
        try:
            return "ready" in os.listdir(self.state) and os.access(self.python, os.X_OK)
        except OSError:
            return False

    def newest(self):
        """The number of the newest build, 0 when there was none."""
        try:
            return max([int(name) for name in os.listdir(self.builds) if name.isdigit()] or [0])
        except OSError:
            return 0

    def folder(self, number):
        return os.path.join(self.builds, str(number))

    def is_over(self, number, stale=False):
        folder = self.folder(number)
        if number == 0 or stale or os.path.exists(os.path.join(folder, "exit")):
            return True
        if not is_gone(read(os.path.join(folder, "by"))):
            return False
        # A job may have process numbers of its own, which others on the machine do not see: its beat tells.
        beat = beat_of(folder)
        time.sleep(2.5 * BEAT)
        return beat == beat_of(folder)

    def take(self, stale=None):
        """Takes the lock: the number of the build that is ours. None when another one builds, or has just built it. `stale` is the
        number of a build that gave no sign of life, with its last one."""
        os.makedirs(os.path.join(self.state, "jobs"), mode=0o700, exist_ok=True)
        os.makedirs(self.builds, mode=0o700, exist_ok=True)
        last = self.newest()
        still = stale is not None and stale[0] == last and stale[1] == beat_of(self.folder(last))
        if not self.is_over(last, still):
            return None
        try:
            os.mkdir(self.folder(last + 1), 0o700)
        except FileExistsError:
            return None
        end_child(self.folder(last))
        return last + 1

    def clear(self):
        """Removes all but what is known of it."""
        for name in os.listdir(self.home):
            if name != "hoist":
                path = os.path.join(self.home, name)
                if os.path.isdir(path) and not os.path.islink(path):
                    shutil.rmtree(path, ignore_errors=True)
                else:
                    os.unlink(path)


def beat_of(folder):
    return (read(os.path.join(folder, "beat")) or "").strip()


def end_child(folder):
    """Ends what a build that is over left running on this machine, and removes its scratch folder."""
    line = read(os.path.join(folder, "child"))
    if line and not is_gone(line) and line.split()[0] == os.uname().nodename:
        end_group(int(line.split()[1]))
    host, _, scratch = (read(os.path.join(folder, "scratch")) or "").partition(" ")
    if host == os.uname().nodename and os.path.basename(scratch).startswith(SCRATCH):
        shutil.rmtree(scratch, ignore_errors=True)


def end_group(pid):
    for number, seconds in ((signal.SIGTERM, 3), (signal.SIGKILL, 3)):
        try:
            os.killpg(pid, number)
            until = time.monotonic() + seconds
            while time.monotonic() < until:
                os.killpg(pid, 0)
                time.sleep(0.05)
                # A child of ours stays a zombie until somebody waits for it.
                try:
                    os.waitpid(pid, os.WNOHANG)
                except OSError:
                    pass
        except OSError:
            return
