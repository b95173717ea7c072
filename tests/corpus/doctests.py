"""Runs the functions of a folder of programmes through `hoist run` and compares with their doctests.

    tests/corpus/doctests.py FOLDER [--hoist target/debug/hoist] [--nested] [--limit N] [--workers N] [--match TEXT]
                             [--list] [--json OUT]

Of every function at the top level of a file, the first doctests that are one call of it (`>>> f(1, [2])`) are taken,
as they stand or, with --nested, with the whole programme put into a method (see nest.py). Each must give the value, the
output or the exception of the doctest, or be refused in a sentence. What differs is run at home, too, by the same
Python: where home does not give the doctest's value either (a package is missing, a float differs), the doctest counts
as no known result. Exit status 1 when a result is wrong.
"""
import argparse
import ast
import collections
import concurrent.futures
import doctest
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import nest  # noqa: E402

PER_FUNCTION = 1
SECONDS = 60
CHECKER = doctest.OutputChecker()

Example = collections.namedtuple("Example", "file function args want error")


def examples(path, per_function):
    """The doctests of a file that are one call each."""
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError):
        return
    for node in tree.body:
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            continue
        taken = 0
        known = set()
        try:
            parsed = doctest.DocTestParser().get_examples(ast.get_docstring(node) or "")
        except ValueError:
            continue
        for example in parsed:
            args = call_arguments(example.source, node.name, known)
            if args is None or taken >= per_function:
                continue
            if not example.want and not example.exc_msg:
                continue
            taken += 1
            yield Example(path, node.name, args, example.want, example.exc_msg)


def call_arguments(source, name, known):
    """The text between the parentheses when the source is one call of the function; names that earlier lines of the
    doctest have bound are known to no one else."""
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return None
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            known.add(node.id)
        elif isinstance(node, ast.alias):
            known.add(node.asname or node.name)
    body = tree.body
    if len(body) != 1 or not isinstance(body[0], ast.Expr) or not isinstance(body[0].value, ast.Call):
        return None
    call = body[0].value
    if not isinstance(call.func, ast.Name) or call.func.id != name:
        return None
    if any(isinstance(node, ast.Name) and node.id in known for node in ast.walk(call)):
        return None
    # From after the callee to before the last parenthesis, whatever comments follow.
    text = ast.get_source_segment(source, call)
    return text[text.index("(") + 1 : -1].strip()


def hoist(binary, environment, file, entry, args):
    """What `hoist run` says: (kind, value, output) with kind value, error or refused."""
    command = [binary, "run", "%s::%s" % (file, entry), "--format", "json"]
    if args:
        command += ["--args", args]
    try:
        ran = subprocess.run(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            timeout=SECONDS,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return "timeout", "no end within %d s" % SECONDS, ""
    output, last = "", None
    for line in ran.stdout.decode("utf-8", "replace").splitlines():
        try:
            event = json.loads(line)
        except ValueError:
            return "broken", "a line that is no JSON: " + line[:200], ""
        if event.get("event") == "output" and event.get("stream") == "stdout":
            output += event["text"]
        last = event
    if ran.returncode == 2:
        return "refused", ran.stderr.decode("utf-8", "replace").strip(), ""
    if not last or last.get("event") != "finished":
        return "broken", "no last event; exit status %d; %s" % (ran.returncode, ran.stderr.decode()[-500:]), ""
    if last.get("state") == "succeeded":
        return "value", (last.get("result") or {}).get("repr"), output
    error = last.get("error") or {}
    return "error", "%s: %s" % (error.get("type") or last.get("state"), error.get("message") or last.get("reason")), output


HOME = """
import importlib.util, sys, os
path, name, args = sys.argv[1:]
sys.path[0:0] = [os.path.dirname(path), os.getcwd()]
spec = importlib.util.spec_from_file_location("programme", path)
module = importlib.util.module_from_spec(spec)
sys.modules["programme"] = module
spec.loader.exec_module(module)
print("\\0VALUE", repr(eval("%s(%s\\n)" % (name, args), module.__dict__)), end="")
"""


def home(example, folder):
    """The same call by the same Python, without Hoist."""
    try:
        ran = subprocess.run(
            [sys.executable, "-c", HOME, str(example.file), example.function, example.args], cwd=str(folder),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=SECONDS,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return "timeout", "", ""
    output, mark, value = ran.stdout.decode("utf-8", "replace").partition("\0VALUE ")
    if mark:
        return "value", value, output
    lines = ran.stderr.decode("utf-8", "replace").strip().splitlines()
    return "error", lines[-1] if lines else "", output


def matches(example, got):
    kind, value, output = got
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    if example.error is not None:
        if kind != "error":
            return False
        # A doctest names exceptions with or without their module.
        wanted, said = example.error.strip(), value.strip()
        return said.split(":")[0].rsplit(".", 1)[-1] == wanted.split(":")[0].rsplit(".", 1)[-1] and (
            CHECKER.check_output(wanted.partition(":")[2].strip(), said.partition(":")[2].strip(), flags)
        )
    if kind != "value":
        return False
    shown = output + ("" if value in (None, "None") else value + "\n")
    return CHECKER.check_output(example.want, shown, flags) or CHECKER.check_output(example.want, (value or "") + "\n", flags)


def is_cut(got, known):
    """A long value comes back without its end; is what came back the beginning of the known one?"""
    kept, mark, _ = (got[1] or "").rpartition(" [... ")
    return bool(mark) and known[0] == "value" and known[1].startswith(kept)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--hoist", default="hoist")
    parser.add_argument("--nested", action="store_true")
    parser.add_argument("--limit", type=int, default=0)
    parser.add_argument("--every", type=int, default=1, help="take every Nth of them")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--match", default="")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--json", type=pathlib.Path)
    options = parser.parse_args()
    folder = options.folder.resolve()
    found = [
        example
        for path in sorted(folder.rglob("*.py"))
        if options.match in str(path) and not any(part.startswith(".") for part in path.relative_to(folder).parts)
        for example in examples(path, PER_FUNCTION)
    ][:: options.every]
    if options.limit:
        found = found[: options.limit]
    if options.list:
        for example in found:
            print("%s::%s(%s)" % (example.file.relative_to(folder), example.function, example.args))
        return 0

    scratch = tempfile.mkdtemp(prefix="hoist-corpus-")
    tree = folder
    if options.nested:
        tree = pathlib.Path(scratch, "nested")
        shutil.copytree(str(folder), str(tree), ignore=shutil.ignore_patterns(".git"))
    environment = dict(os.environ, HOME=scratch, XDG_STATE_HOME=scratch + "/state", XDG_CONFIG_HOME=scratch + "/config")
    counts = collections.Counter()
    report = []
    lock = threading.Lock()

    def check(example):
        file, entry = example.file, example.function
        if options.nested:
            file = tree / example.file.relative_to(folder)
            with lock:
                text = example.file.read_text(encoding="utf-8")
                try:
                    nested = nest.nest(text)
                    compile(nested, str(file), "exec")
                except (SyntaxError, ValueError, IndexError) as error:
                    return example, "no nested form", str(error)
                # The other files stay as they are: they are imported.
                file = file.with_name(file.stem + "_nested_.py")
                file.write_text(nested, encoding="utf-8")
            entry = "Case.method.<locals>." + entry
        got = hoist(options.hoist, environment, file, entry, example.args)
        if matches(example, got):
            return example, "right", got[1]
        if got[0] == "refused":
            return example, "refused", got[1]
        # Twice: what is drawn by lot may be right once.
        known = home(example, folder)
        if not matches(example, known) or not matches(example, home(example, folder)):
            return example, "no known result", got[1]
        if is_cut(got, known):
            return example, "right", got[1]
        return example, "WRONG" if got[0] != "timeout" else "TIMEOUT", "%s; the doctest says %r" % (got[:2], example.want)

    with concurrent.futures.ThreadPoolExecutor(options.workers) as pool:
        for example, verdict, detail in pool.map(check, found):
            counts[verdict] += 1
            name = "%s::%s(%s)" % (example.file.relative_to(folder), example.function, example.args)
            report.append({"example": name, "verdict": verdict, "detail": detail})
            if verdict != "right":
                print("%s\n  %s: %.500s" % (name, verdict, (detail or "").replace("\n", "\n    ")), flush=True)
    shutil.rmtree(scratch, ignore_errors=True)
    print("%d examples: %s" % (len(found), ", ".join("%d %s" % (n, what) for what, n in counts.most_common())))
    if options.json:
        options.json.write_text(json.dumps(report, indent=1))
    return 1 if any(what in counts for what in ("WRONG", "broken", "TIMEOUT")) else 0


if __name__ == "__main__":
    sys.exit(main())
