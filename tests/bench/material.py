"""What is measured on: one long module and one large tree, both of real code from the Pythons at hand."""

import ast
import pathlib
import shutil
import sysconfig

# Modules with many functions; the long module is made of their statements, in this order.
LONG = ["argparse", "inspect", "tarfile", "zipfile", "subprocess", "typing", "datetime", "logging/__init__",
        "threading", "pickle", "socket", "ssl", "doctest", "pdb"]
# Folders that ruff or Hoist would pass over by their names are called otherwise in the copy.
RENAMED = {"site-packages": "distributions", "node_modules": "node", "build": "built", "dist": "distributed",
           "venv": "environments", "buck-out": "buck"}


def standard_library():
    """The folder of the running Python's standard library."""
    return pathlib.Path(sysconfig.get_paths()["stdlib"])


def long_module(lines):
    """A module of at least so many lines: whole top-level statements of the standard library, comments included."""
    parts, count = [], 0
    for name in LONG:
        text = (standard_library() / f"{name}.py").read_text(encoding="utf-8")
        rows = text.splitlines(keepends=True)
        end = 0
        for statement in ast.parse(text).body:
            begin, end = end, statement.end_lineno
            is_future = isinstance(statement, ast.ImportFrom) and statement.module == "__future__"
            is_main = isinstance(statement, ast.If) and "__main__" in ast.unparse(statement.test)
            if is_future or is_main:
                continue
            parts.extend(rows[begin:end])
            count += end - begin
            if count >= lines:
                module = "".join(parts)
                compile(module, "long module", "exec")
                return module
    raise SystemExit("tests/bench: this Python's standard library is too small for a module of the length asked for")


def libraries():
    """The standard libraries at hand, the running Python's first: those of pyenv, then those of the system."""
    own = standard_library()
    roots = [pathlib.Path.home() / ".pyenv/versions", pathlib.Path("/usr/lib"), pathlib.Path("/usr/local/lib")]
    found = [own]
    for root in roots:
        for pattern in ("*/lib/python3.*", "python3*"):
            found += sorted((path for path in root.glob(pattern) if (path / "os.py").exists()), reverse=True)
    return list(dict.fromkeys(path.resolve() for path in found))


def tree(folder, files):
    """Copies so many Python files into `folder`, each library into a folder of its own."""
    copied = 0
    for number, library in enumerate(libraries()):
        for path in sorted(library.rglob("*.py")):
            inner = path.relative_to(library)
            if any(part.startswith(".") or part == "__pycache__" for part in inner.parts):
                continue
            target = folder.joinpath(f"library{number}", *(RENAMED.get(part, part) for part in inner.parts))
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
            copied += 1
            if copied == files:
                return
    raise SystemExit(f"tests/bench: the Pythons at hand have only {copied} of the {files} files asked for")
