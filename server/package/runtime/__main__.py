"""Runs this package: `python3 PACKAGE.zip JOBDIR`, or by hand `python3 PACKAGE.zip 'lr=0.1'`.

This file alone must also be valid Python 2.7: an interpreter that is too old gets a sentence and not a SyntaxError.
"""
import sys

if sys.version_info < (3, 6):
    import json
    import os

    reason = (
        "Python %d.%d (%s) is too old: the target needs Python 3.6 or newer; "
        "set `python` (or `modules`) of the target in the configuration of Hoist"
        % (sys.version_info[0], sys.version_info[1], sys.executable)
    )
    if len(sys.argv) > 1 and os.path.isdir(sys.argv[1]):
        marker = os.path.join(sys.argv[1], "exit")
        with open(marker + ".new", "w") as out:
            json.dump({"code": 3, "state": "failed", "reason": reason}, out)
        os.rename(marker + ".new", marker)
    sys.stderr.write("hoist: " + reason + "\n")
    sys.exit(3)

import marshal
import os
import zlib

# Put in when the package is made: a sum of the runner's files, and the names of its modules.
RUNNER = "@RUNNER@"
MODULES = "@MODULES@".split()


class Compiled(object):
    """Finds and loads the runner's modules as an earlier job of the same Python has compiled them.

    Compiling them takes longer than everything else before the first line of a function. They lie in one file beside the
    package, which only its owner may write; where there is none, the modules come from the package as any others.
    """

    def __init__(self, loader):
        self.loader = loader
        self.archive = loader.archive
        self.get_data = loader.get_data
        name = ".runner-%s-%s-%x" % (RUNNER, sys.implementation.cache_tag, sys.hexversion)
        self.kept = os.path.join(os.path.dirname(os.path.abspath(loader.archive)), name)
        self.codes = self.read()

    def read(self):
        try:
            with open(self.kept, "rb") as kept:
                info = os.fstat(kept.fileno())
                if info.st_uid != os.geteuid() or info.st_mode & 0o022:
                    return {}
                data = kept.read()
            is_whole = zlib.crc32(data[4:]) == int.from_bytes(data[:4], "big")
            return marshal.loads(data[4:]) if is_whole else {}
        except (AttributeError, EnvironmentError, EOFError, TypeError, ValueError):
            return {}

    def write(self):
        """Keeps them for the next job. That it cannot be done is nobody's trouble."""
        new = "%s.%d" % (self.kept, os.getpid())
        try:
            codes = {name: compile(self.get_source(name), name, "exec", 0, True) for name in MODULES}
            data = marshal.dumps(codes)
            number = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with open(number, "wb") as kept:
                kept.write(zlib.crc32(data).to_bytes(4, "big") + data)
            os.rename(new, self.kept)
        except Exception:
            try:
                os.unlink(new)
            except OSError:
                pass

    def file_of(self, name):
        """Where a module stands, as Python's own loader has it."""
        place = os.path.join(self.archive, *name.split("."))
        return os.path.join(place, "__init__.py") if name == "hoist_runner" else place + ".py"

    def get_source(self, name):
        return self.get_data(self.file_of(name)).decode("utf-8")

    def find_spec(self, name, path=None, target=None):
        if name not in self.codes:
            return None
        file = self.file_of(name)
        is_package = name == "hoist_runner"
        spec = type(__spec__)(name, self, origin=file, is_package=is_package)
        spec.has_location = True
        if is_package:
            spec.submodule_search_locations.append(os.path.dirname(file))
        return spec

    def create_module(self, spec):
        return None

    def exec_module(self, module):
        code = self.codes[module.__name__]
        # As if it had been compiled from this package, as Python's own loader does it.
        _imp._fix_co_filename(code, module.__file__)
        exec(code, module.__dict__)


compiled = Compiled(__loader__)
try:
    import _imp

    is_known = bool(compiled.codes) and hasattr(_imp, "_fix_co_filename")
except ImportError:
    is_known = False
if is_known:
    sys.meta_path.insert(0, compiled)

from hoist_runner import job

own = os.getpid()
# Both processes come back here after the fork, so that the one that ran the entry ends as any Python programme does:
# threads are waited for, atexit handlers run, streams are flushed.
code = job.main(sys.argv)
if os.getpid() == own and not compiled.codes and len(sys.argv) > 1 and os.path.isdir(sys.argv[1]):
    compiled.write()
sys.exit(code)
