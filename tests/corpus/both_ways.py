"""Runs entries both ways, in their whole modules and in their packages, and says where the two differ.

    tests/corpus/both_ways.py JOBS.jsonl > REPORT.jsonl

A job is {"id", "top", "name", "file", "roots", "cwd", "entry", "args", "package", "folder"}: the module FILE of the tree TOP, called NAME;
`entry` is a qualified name, or the numbers of the first and the last line of statements; `package` is a ZIP that Hoist has made, and `folder` an
empty folder for its job. A line of the report is {"id", "verdict", "whole", "slice"}; the verdict is `same`, `different`, or `unsteady`
when the whole module, or the package, differs from itself. Compared are the value as `repr`, the type and message of an exception with its frames
in the tree, and what is printed from the call on. What is printed before it, by statements at the top level, may be less in the
slice, but nothing else. Each run has a process of its own, forked, so that neither Python's start nor the reading of the runner
is paid for each time.
"""
import ast
import asyncio
import atexit
import gc
import importlib
import inspect
import io
import json
import os
import random
import re
import signal
import sys
import threading
import traceback
import zipimport

# What the programmes import; read once, too.
for name in "bisect copy dataclasses decimal enum functools heapq logging math operator pathlib threading types typing warnings".split():
    importlib.import_module(name)

MARK = "\x02"
SECONDS = 5
# Put before the arguments: it says in the output where the call begins.
SAY = '*[__import__("sys").__stdout__.write("\\x02"), __import__("sys").__stdout__.flush()][2:]'


def fork(act, folder):
    """Runs it in a process of its own, with its output in files of the folder. Gives what it printed."""
    out = os.path.join(folder, "stdout")
    child = os.fork()
    if child == 0:
        number = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        null = os.open(os.devnull, os.O_RDWR)
        os.dup2(null, 0), os.dup2(number, 1), os.dup2(null, 2)
        random.seed()
        signal.alarm(SECONDS)
        leave(act)
    os.waitpid(child, 0)
    with open(out, encoding="utf-8", errors="replace", newline="") as file:
        return file.read()


def leave(act):
    """Ends the process as Python does, but for the freeing of each object, which takes longer than all the rest."""
    try:
        act()
    except SystemExit:
        pass
    finally:
        threading._shutdown()
        atexit._run_exitfuncs()
        sys.stdout.flush()
        os._exit(0)


def whole(job):
    """Imports the module, calls the entry, and writes down what came of it."""
    top = os.path.realpath(job["top"])
    roots = [os.path.join(top, root).rstrip(os.sep) for root in job["roots"]]
    path = os.path.join(top, job["file"])
    sys.path[:0] = roots
    sys.argv[:] = [path]
    os.chdir(os.path.join(top, job["cwd"]))
    sys.stdout = sys.__stdout__ = io.TextIOWrapper(
        io.FileIO(1, "wb", closefd=False), encoding="utf-8", errors="backslashreplace", newline="\n", write_through=True
    )
    try:
        if isinstance(job["entry"], str):
            module = importlib.import_module(job["name"])
            found = module
            for part in job["entry"].split("."):
                found = getattr(found, part)
            args = "%s, %s" % (SAY, job["args"])
            positional, named = eval("__given__(%s\n)" % args, module.__dict__, {"__given__": lambda *given, **named: (given, named)})
            value = settle(found(*positional, **named))
        else:
            value = settle(lines(job, path))
        outcome = {"value": repr(value)}
    except BaseException as error:
        frames = [
            [os.path.relpath(frame.filename, top), frame.lineno, frame.name]
            for frame in traceback.extract_tb(error.__traceback__)
            if frame.filename.startswith(top + os.sep)
        ]
        outcome = {"error": [named_type(error, job["name"]), str(error)], "frames": frames}
    with open(os.path.join(job["folder"], "whole.json"), "w") as file:
        json.dump(outcome, file)


def lines(job, path):
    """The value of the last of the chosen statements, when what stands above has run."""
    first, last = job["entry"]
    spec = importlib.util.spec_from_file_location(job["name"], path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[job["name"]] = module
    above = job["name"].rpartition(".")[0]
    if above:
        importlib.import_module(above)
    with open(path, encoding="utf-8") as file:
        tree = ast.parse(file.read(), path)
    value, has_said, flags, chosen = None, False, 0, 0
    # Lines of a main block run as they do when the file is started.
    tree.body = [inner for statement in tree.body for inner in opened(statement, first, last)]
    for statement in tree.body:
        if isinstance(statement, ast.ImportFrom) and statement.module == "__future__":
            flags |= getattr(__import__("__future__"), statement.names[0].name).compiler_flag
        begin = min([statement.lineno] + [mark.lineno for mark in getattr(statement, "decorator_list", [])])
        if begin > last:
            break
        is_chosen = begin >= first
        chosen += is_chosen
        if is_chosen and not has_said:
            has_said = True
            sys.stdout.write(MARK)
        if is_chosen and isinstance(statement, ast.Expr):
            value = eval(compile(ast.Expression(statement.value), path, "eval", flags, True), module.__dict__)
        else:
            exec(compile(ast.Module([statement], []), path, "exec", flags, True), module.__dict__)
            value = assigned(statement, module.__dict__) if chosen == 1 else None
    return value


def opened(statement, first, last):
    is_main = isinstance(statement, ast.If) and any(getattr(node, "value", None) == "__main__" for node in ast.walk(statement.test))
    return statement.body if is_main and any(first <= inner.lineno <= last for inner in statement.body) else [statement]


def assigned(statement, names):
    """What an assignment to names alone has given to them: the value of lines that hold nothing else."""
    targets = getattr(statement, "targets", None) or [getattr(statement, "target", None)]
    if not isinstance(statement, (ast.Assign, ast.AnnAssign)) or statement.value is None:
        return None
    if not all(isinstance(node, (ast.Name, ast.Tuple, ast.List, ast.expr_context)) for node in ast.walk(targets[0])):
        return None

    def loaded(target):
        return names[target.id] if isinstance(target, ast.Name) else tuple(loaded(each) for each in target.elts)

    return loaded(targets[0])


def named_type(error, home):
    kind = type(error)
    return kind.__qualname__ if kind.__module__ in ("builtins", home) else "%s.%s" % (kind.__module__, kind.__qualname__)


def settle(value):
    if inspect.iscoroutine(value):
        return settle(asyncio.run(value))
    if inspect.isasyncgen(value):
        return asyncio.run(collect(value))
    return list(value) if inspect.isgenerator(value) else value


async def collect(values):
    return [value async for value in values]


def packaged(job):
    """Runs the package as `python3 PACKAGE FOLDER` does."""
    from hoist_runner import imports, job as runner

    archive = job["package"]
    runner.__loader__ = zipimport.zipimporter(archive)
    imports.PACKAGE = archive
    sys.path.insert(0, archive)
    request = {"job": "01J", "args": ("%s, %s" % (SAY, job["args"])) if isinstance(job["entry"], str) else None}
    with open(os.path.join(job["folder"], "request.json"), "w") as file:
        json.dump(request, file)
    runner.main([archive, job["folder"]])


def clean(text, tops):
    for top in tops:
        text = text.replace(top, "TOP")
    return re.sub(r"\b0x[0-9a-f]+\b", "0x", text)


def run_whole(job):
    printed = fork(lambda: whole(job), job["folder"])
    try:
        with open(os.path.join(job["folder"], "whole.json")) as file:
            outcome = json.load(file)
    except (OSError, ValueError):
        return None
    return shown(outcome, printed, [os.path.realpath(job["top"])])


def run_package(job):
    for name in ("exit", "result.json"):
        if os.path.exists(os.path.join(job["folder"], name)):
            os.unlink(os.path.join(job["folder"], name))
    printed = fork(lambda: packaged(job), job["folder"])
    try:
        with open(os.path.join(job["folder"], "result.json")) as file:
            result = json.load(file)
    except (OSError, ValueError):
        return None
    error = result.get("error")
    if error:
        frames = [[frame["file"], frame["line"], frame["function"]] for frame in error["frames"] if frame["user"]]
        outcome = {"error": [error["type"], error["message"]], "frames": frames}
    else:
        outcome = {"value": result.get("repr")}
    return shown(outcome, printed, [os.path.join(os.path.realpath(job["folder"]), "run", "src")])


def shown(outcome, printed, tops):
    before, mark, after = printed.partition(MARK)
    text = clean(json.dumps(outcome, ensure_ascii=False), tops)
    return {"outcome": json.loads(text), "before": clean(before, tops) if mark else "", "printed": clean(after if mark else printed, tops)}


def is_part(few, many):
    """Are the lines of one text lines of the other, in their order?"""
    lines = iter(many.split("\n"))
    return all(line in lines for line in few.split("\n"))


def agree(one, other, is_lines):
    if one is None or other is None:
        return one == other
    mine, theirs = one["outcome"], other["outcome"]
    # How deep a recursion gets depends on what has called it.
    if [each.get("error", [""])[0] for each in (mine, theirs)] == ["RecursionError"] * 2:
        return True
    if "frames" in mine and "frames" in theirs and not theirs["frames"]:
        mine = dict(mine, frames=[])
    # An error of the call itself is shown at the `def`.
    if "frames" in mine and not mine["frames"] and len(theirs.get("frames") or []) == 1:
        theirs = dict(theirs, frames=[])
    # What is not there is told in a sentence.
    if theirs.get("error", [""])[0] == "Refused" and mine.get("error", [""])[0] == "AttributeError":
        return True
    if mine != theirs:
        return False
    if is_lines:
        return is_part(other["printed"], one["before"] + one["printed"]) and other["printed"].endswith(one["printed"])
    return one["printed"] == other["printed"] and is_part(other["before"], one["before"])


def main():
    with open(sys.argv[1]) as file:
        jobs = [json.loads(line) for line in file]
    if jobs:
        # The runner is the same in every package; it is read once.
        sys.path.insert(0, jobs[0]["package"])
        import hoist_runner.child
        import hoist_runner.entry
        import hoist_runner.job

        sys.path.pop(0)
    sys.path[:] = [path for path in sys.path if path != os.path.dirname(os.path.abspath(__file__))]
    sys.dont_write_bytecode = True
    gc.collect()
    gc.freeze()
    for job in jobs:
        first, second = run_whole(job), run_package(job)
        is_lines = not isinstance(job["entry"], str)
        verdict = "same"
        if not agree(first, second, is_lines):
            # What is drawn by lot may be the same by chance.
            again = all(first == run_whole(job) and second == run_package(job) for _ in range(12))
            verdict = "different" if again else "unsteady"
        print(json.dumps({"id": job["id"], "verdict": verdict, "whole": first, "slice": second}), flush=True)


if __name__ == "__main__":
    main()
