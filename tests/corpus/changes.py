"""Gathers what came to Python's library and what left it, from the interpreters themselves.

    tests/corpus/changes.py PYTHON... > server/analysis/src/library/changes.txt

The interpreters are given oldest first, one for each minor version from 3.6 on; PYTHON is a path. What they cannot tell, C
functions without a signature, keywords that pass through `**kwargs`, and a version that is not at hand, is in BY_HAND.
"""
import json
import re
import subprocess
import sys

HEAD = """\
# What came to Python's library, or left it, between 3.6 and 3.14: a module, a name, or a keyword of a function, with the
# minor version of Python 3 from which on it is there and the one from which on it is gone. What lies below a row is told
# by it. Made by tests/corpus/changes.py from the interpreters themselves; constants that depend on the system are left out.
"""

# Minor version from which on it is there, from which on it is gone, and the rows.
BY_HAND = [
    (7, 0, "subprocess.run(capture_output) subprocess.Popen(text) subprocess.run(text) subprocess.call(text)"),
    (7, 0, "subprocess.check_call(text) subprocess.check_output(text)"),
    (8, 0, "builtins.pow(base) builtins.pow(exp) builtins.pow(mod) builtins.sum(start) itertools.accumulate(initial)"),
    (8, 0, "logging.basicConfig(force)"),
    (9, 0, "hashlib.md5(usedforsecurity) hashlib.new(usedforsecurity) hashlib.sha1(usedforsecurity)"),
    (9, 0, "hashlib.sha256(usedforsecurity) logging.basicConfig(encoding) logging.basicConfig(errors)"),
    (9, 0, "subprocess.run(group) subprocess.run(umask) subprocess.run(user)"),
    (10, 0, "builtins.zip(strict)"),
    (11, 0, "subprocess.Popen(process_group) subprocess.run(process_group)"),
    (13, 0, "itertools.batched(strict)"),
    (14, 0, "annotationlib ast.Interpolation ast.TemplateStr ast.compare asyncio.FrameCallGraphEntry asyncio.FutureCallGraph"),
    (14, 0, "asyncio.capture_call_graph asyncio.format_call_graph asyncio.future_add_to_awaited_by asyncio.print_call_graph"),
    (14, 0, "asyncio.future_discard_from_awaited_by builtins.complex.from_number builtins.float.from_number"),
    (14, 0, "builtins.map(strict) compression concurrent.futures.InterpreterPoolExecutor concurrent.interpreters"),
    (14, 0, "curses.assume_default_colors datetime.date.strptime datetime.time.strptime decimal.Decimal.from_number"),
    (14, 0, "decimal.IEEEContext fractions.Fraction.from_number functools.Placeholder heapq.heapify_max heapq.heappop_max"),
    (14, 0, "heapq.heappush_max heapq.heappushpop_max heapq.heapreplace_max io.Reader io.Writer operator.is_none"),
    (14, 0, "operator.is_not_none os.reload_environ pathlib.Path.copy pathlib.Path.copy_into pathlib.Path.info"),
    (14, 0, "pathlib.Path.move pathlib.Path.move_into pathlib.types pdb.get_default_backend pdb.set_default_backend"),
    (14, 0, "pdb.set_trace_async ssl.SSLContext.get_groups ssl.SSLContext.set_client_sigalgs ssl.SSLContext.set_groups"),
    (14, 0, "string.templatelib symtable.Function.get_cells symtable.Symbol.is_comp_cell symtable.Symbol.is_comp_iter"),
    (14, 0, "symtable.Symbol.is_free_class symtable.Symbol.is_type_parameter sys.is_remote_debug_enabled sys.remote_exec"),
    (14, 0, "tarfile.TarFile.zstopen typing.evaluate_forward_ref uuid.MAX uuid.NIL uuid.uuid6 uuid.uuid7 uuid.uuid8"),
    (0, 9, "json.load(encoding) json.loads(encoding)"),
    (0, 13, "msilib tkinter.tix"),
    (0, 14, "ast.Bytes ast.Ellipsis ast.NameConstant ast.Num ast.Str asyncio.AbstractChildWatcher asyncio.FastChildWatcher"),
    (0, 14, "asyncio.MultiLoopChildWatcher asyncio.PidfdChildWatcher asyncio.SafeChildWatcher asyncio.ThreadedChildWatcher"),
    (0, 14, "asyncio.get_child_watcher asyncio.set_child_watcher importlib.abc.ResourceReader importlib.abc.Traversable"),
    (0, 14, "importlib.abc.TraversableResources pkgutil.find_loader pkgutil.get_loader pty.master_open pty.slave_open"),
    (0, 14, "sqlite3.version sqlite3.version_info urllib.parse.Quoter urllib.request.FancyURLopener urllib.request.URLopener"),
]

LEFT_OUT = set(
    """
    curses dis distutils genericpath imp macurl2path nis ntpath nturl2path opcode ossaudiodev parser pdb posix posixpath pstats pydoc
    pyexpat spwd sre_compile sre_constants sre_parse symbol token turtle xxlimited xxlimited_35 xxsubtype bdb macpath
    """.split()
)
# Their constants are those of the system.
SYSTEM = set("errno fcntl http locale mmap os resource select signal socket sqlite3 ssl stat termios tty winreg zlib".split())
# Parts of asyncio whose names are known by the package.
INNER = re.compile(r"asyncio\.(?!tools)[a-z_]+\.")

# Runs on each interpreter: {path: own}, where `f()` says that all keywords of f are known and `f(k)` is one of them.
LOOK = r'''
import importlib, inspect, json, os, pkgutil, sys, sysconfig, types, warnings
warnings.simplefilter("ignore")
folder = sysconfig.get_paths()["stdlib"]
tops = set(sys.builtin_module_names) | {"builtins", "os.path"}
for place in (folder, os.path.join(folder, "lib-dynload")):
    for name in os.listdir(place):
        if name.endswith((".py", ".so")) or os.path.exists(os.path.join(place, name, "__init__.py")):
            tops.add(name.split(".")[0])
tops -= {"idlelib", "lib2to3", "test", "turtledemo", "antigravity", "this", "pydoc_data", "tkinter"}
found = {}
def keywords(path, value):
    try:
        parameters = inspect.signature(value).parameters.values()
    except Exception:
        return
    if any(one.kind == one.VAR_KEYWORD for one in parameters):
        return
    found[path + "()"] = True
    for one in parameters:
        if one.kind in (one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY) and not one.name.startswith("_"):
            found["%s(%s)" % (path, one.name)] = True
def names(path, holder, listed, inside):
    for name in listed:
        try:
            value = getattr(holder, name)
        except Exception:
            continue
        home = str(getattr(value, "__module__", "") or "").split(".")[0].lstrip("_")
        foreign = inspect.isclass(value) or inspect.isfunction(value)
        foreign = foreign and not inside and not hasattr(holder, "__all__") and home in tops and home != path.split(".")[0]
        if name.startswith("_") or isinstance(value, types.ModuleType) or foreign and home not in ("builtins", "io", "functools"):
            continue
        found["%s.%s" % (path, name)] = not inside or name in vars(holder)
        if not inside:
            if callable(value):
                keywords("%s.%s" % (path, name), value)
            if inspect.isclass(value) and not issubclass(value, BaseException):
                names("%s.%s" % (path, name), value, dir(value), True)
def module(path, depth):
    try:
        one = importlib.import_module(path)
    except BaseException:
        return
    found[path] = True
    names(path, one, sorted(set(getattr(one, "__all__", None) or dir(one))), False)
    for _, name, _ in pkgutil.iter_modules(getattr(one, "__path__", [])) if depth < 2 and path != "encodings" else []:
        if not name.startswith("_") and name not in ("test", "tests"):
            module(path + "." + name, depth + 1)
for top in sorted(tops):
    if not top.startswith("_"):
        module(top, 0)
wanted = json.loads(sys.stdin.read() or "[]")
def is_there(path):
    # Some names are made when they are asked for.
    parts = path.split(".")
    for end in range(len(parts), 0, -1):
        try:
            value = importlib.import_module(".".join(parts[:end]))
        except BaseException:
            continue
        try:
            for part in parts[end:]:
                value = getattr(value, part)
        except BaseException:
            return False
        return True
    return False
for path in wanted:
    if path not in found and is_there(path):
        found[path] = False
sys.__stdout__.write("\n" + json.dumps(found) + "\n")
'''


def look(python, wanted=()):
    command = [python, "-I", "-c", LOOK]
    ran = subprocess.run(command, input=json.dumps(list(wanted)), stdout=subprocess.PIPE, universal_newlines=True, check=True)
    return json.loads(ran.stdout.strip().rsplit("\n", 1)[-1])


def is_told(path):
    parts = re.split(r"[.(]", path.rstrip(")"))
    if path.endswith("()") or INNER.match(path) or parts[0] in LEFT_OUT and len(parts) > 1 or parts[0].startswith("xx"):
        return False
    if parts[0] in SYSTEM and parts[-1].isupper():
        return False
    if path == "ctypes.wintypes":
        return False
    return not any(len(part) < 3 and part.islower() and part not in ("os", "re", "gc", "io", "uu") for part in parts)


def change(path, seen):
    """(added, removed) of a row, None where nothing is known to have changed."""
    function = path.partition("(")[0]
    versions = sorted(seen)
    if "(" in path:
        versions = [version for version in versions if function in seen[version]]
        if any(function + "()" not in seen[version] for version in versions):
            return None
    there = [version for version in versions if path in seen[version]]
    if not there or there == versions or versions[versions.index(there[0]) :][: len(there)] != there:
        return None
    if not any(seen[version][path] for version in there):
        return None
    added = there[0] if there[0] != versions[0] else 0
    removed = there[-1] + 1 if there[-1] != versions[-1] else 0
    return added, removed


def outer(path):
    while path:
        path = path.partition("(")[0] if "(" in path else path.rpartition(".")[0]
        if path:
            yield path


def main():
    pythons = dict(enumerate(sys.argv[1:], 6))
    seen = {version: look(python) for version, python in pythons.items()}
    paths = {path for found in seen.values() for path in found if is_told(path)}
    wanted = sorted(path for path in paths if "(" not in path and change(path, seen))
    seen = {version: look(python, wanted) for version, python in pythons.items()}
    rows = {path: change(path, seen) for path in paths if change(path, seen)}
    for added, removed, by_hand in BY_HAND:
        for path in by_hand.split():
            before = rows.get(path) or (0, 0)
            rows[path] = (added or before[0], removed or before[1])

    def is_new(path):
        added, removed = rows[path]
        for around in outer(path):
            theirs = rows.get(around)
            if theirs and theirs[0] >= added and (not removed or 0 < theirs[1] <= removed):
                return False
        return True

    sys.stdout.write(HEAD)
    for path in sorted(filter(is_new, rows)):
        added, removed = rows[path]
        print(path, added or "-", removed or "-")


if __name__ == "__main__":
    main()
