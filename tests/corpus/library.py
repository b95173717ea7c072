"""Gathers calls of functions of Python's own library, as JSON lines: {"file", "function", "args"}.

    tests/corpus/library.py [MODULE...]

`file` is the module's path below the library's folder, `args` the text between the parentheses. Calls are taken from
doctests, from the library's own tests where their arguments are literals, and of functions that need no arguments. Modules
whose functions reach out of their process (files, processes, screens, networks) are left out.
"""
import ast
import doctest
import json
import pathlib
import sys
import sysconfig

LIBRARY = pathlib.Path(sysconfig.get_path("stdlib"))
PER_FUNCTION = 3
LONGEST = 400

LEFT_OUT = set(
    """
    __future__ __hello__ __phello__ _aix_support _bootsubprocess _collections_abc _compat_pickle _osx_support _pyio
    _sitebuiltins antigravity asynchat asyncore bdb cProfile cgi cgitb cmd code compileall crypt curses doctest ensurepip
    faulthandler filecmp fileinput ftplib getpass idlelib imaplib lib2to3 mailbox mailcap msilib nntplib nturl2path os
    pdb pipes poplib profile pstats pty py_compile pyclbr pydoc runpy sched shutil signal site smtpd smtplib socket
    socketserver ssl subprocess tabnanny telnetlib tempfile this threading tkinter trace turtle turtledemo tty uuid venv
    webbrowser wsgiref xmlrpc zipapp zipfile
    """.split()
)
PACKAGES = ["email", "html", "json", "urllib", "xml/etree", "concurrent/futures", "encodings"]
LEFT_OUT_IN_PACKAGES = {"request.py", "server.py", "tool.py", "__init__.py", "__main__.py", "process.py", "thread.py"}
# What waits, or speaks of the process in which it runs.
LEFT_OUT_FUNCTIONS = {"main", "test", "_test", "_demo", "demo", "browse", "interact", "input", "getuser", "_main"}


def files(chosen):
    single = [path for path in LIBRARY.glob("*.py") if path.stem not in LEFT_OUT]
    packed = [path for name in PACKAGES for path in (LIBRARY / name).glob("*.py") if path.name not in LEFT_OUT_IN_PACKAGES]
    for path in sorted(single + packed):
        if not chosen or path.stem in chosen or path.relative_to(LIBRARY).with_suffix("").as_posix() in chosen:
            yield path


def is_literal(node):
    try:
        ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return False
    return True


def needs_nothing(function):
    arguments = function.args
    required = len(arguments.posonlyargs) + len(arguments.args) - len(arguments.defaults)
    return required == 0 and all(default is not None for default in arguments.kw_defaults)


def call_of(node, names):
    """(function, text of the arguments) when the node is a call of `name` or `module.name` with literals."""
    if not isinstance(node, ast.Call):
        return None
    function = node.func
    name = function.id if isinstance(function, ast.Name) else getattr(function, "attr", None)
    if name not in names or isinstance(function, ast.Attribute) and not isinstance(function.value, (ast.Name, ast.Attribute)):
        return None
    values = node.args + [keyword.value for keyword in node.keywords]
    if any(keyword.arg is None for keyword in node.keywords) or not all(is_literal(value) for value in values):
        return None
    text = ", ".join(
        [ast.unparse(value) for value in node.args]
        + ["%s=%s" % (keyword.arg, ast.unparse(keyword.value)) for keyword in node.keywords]
    )
    return name, text


def calls(path):
    tree = ast.parse(path.read_bytes())
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    functions = {name: node for name, node in functions.items() if name not in LEFT_OUT_FUNCTIONS}
    found = {name: [] for name in functions}
    texts = []
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.Module)):
            try:
                examples = doctest.DocTestParser().get_examples(ast.get_docstring(node) or "")
            except ValueError:
                continue
            texts += [example.source for example in examples]
    tests = LIBRARY / "test" / ("test_%s.py" % path.stem)
    if tests.exists():
        texts.append(tests.read_text(encoding="utf-8", errors="replace"))
    for text in texts:
        try:
            parsed = ast.parse(text)
        except (SyntaxError, ValueError):
            continue
        for node in ast.walk(parsed):
            call = call_of(node, functions)
            if call and call[1] not in found[call[0]] and len(call[1]) < LONGEST:
                found[call[0]].append(call[1])
    for name, function in functions.items():
        if needs_nothing(function) and "" not in found[name]:
            found[name].append("")
    for name, arguments in found.items():
        # From the whole of them, not the first ones, which are alike.
        step = max(1, len(arguments) // PER_FUNCTION)
        for args in arguments[::step][:PER_FUNCTION]:
            yield name, args


def main():
    for path in files(sys.argv[1:]):
        for name, args in calls(path):
            relative = path.relative_to(LIBRARY).as_posix()
            print(json.dumps({"file": relative, "function": name, "args": args}))


if __name__ == "__main__":
    main()
