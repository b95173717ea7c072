"""For each file named on standard input: its functions as CPython's symbol table has them, one JSON object per line.

A name of "*" stands for every Python file below the standard library; with a number after it, for each so manieth.
"""
import _symtable
import ast
import io
import json
import os
import sys
import sysconfig
import tokenize
import warnings

warnings.simplefilter("ignore")
sys.setrecursionlimit(20000)
SCOPE_OFF = _symtable.SCOPE_OFF
SCOPE_MASK = getattr(_symtable, "SCOPE_MASK", 15)
GLOBALS = (_symtable.GLOBAL_IMPLICIT, _symtable.GLOBAL_EXPLICIT)
FREE = _symtable.FREE


def scope(flags):
    return (flags >> SCOPE_OFF) & SCOPE_MASK


def library(step):
    found = []
    for folder, folders, files in os.walk(sysconfig.get_paths()["stdlib"]):
        folders[:] = sorted(set(folders) - {"site-packages"})
        found += [os.path.join(folder, file) for file in sorted(files) if file.endswith(".py")]
    return found[::step]


def global_names(table):
    names = {name for name, flags in table.symbols.items() if scope(flags) in GLOBALS}
    for child in table.children:
        names |= global_names(child)
    return names


def qualified_names(code, found):
    for constant in code.co_consts:
        if hasattr(constant, "co_code"):
            if hasattr(constant, "co_qualname"):
                found[constant.co_firstlineno, constant.co_name] = constant.co_qualname
            qualified_names(constant, found)


def functions(text, file):
    tree = ast.parse(text, file)
    qualified = {}
    qualified_names(compile(text, file, "exec", dont_inherit=True), qualified)
    lines = {}
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            first = min([node.lineno] + [decorator.lineno for decorator in node.decorator_list])
            lines[node.lineno, node.name] = qualified.get((first, node.name))
    rows = []
    pending = [_symtable.symtable(text, file, "exec")]
    while pending:
        table = pending.pop()
        pending += table.children
        # The tables of a generic function's own parameters have its name and line, too; only the body's is a function.
        if (table.lineno, table.name) in lines and table.type in (getattr(_symtable, "TYPE_FUNCTION", 1), "function"):
            frees = sorted(name for name, flags in table.symbols.items() if scope(flags) == FREE)
            rows.append([table.lineno, table.name, lines[table.lineno, table.name], frees, sorted(global_names(table))])
    assert len(rows) == len(lines), (len(rows), len(lines))
    return sorted(rows)


for line in sys.stdin:
    line = line.rstrip("\n")
    for file in library(int(line[1:] or 1)) if line.startswith("*") else [line]:
        answer = {"file": file}
        try:
            with open(file, "rb") as stream:
                contents = stream.read()
            encoding = tokenize.detect_encoding(io.BytesIO(contents).readline)[0]
            text = contents.decode(encoding)
            if encoding not in ("utf-8", "utf-8-sig"):
                answer["text"] = text
            answer["functions"] = functions(text, file)
        except (SyntaxError, ValueError, LookupError, RecursionError) as error:
            answer["error"] = str(error)
        print(json.dumps(answer))
    sys.stdout.flush()
