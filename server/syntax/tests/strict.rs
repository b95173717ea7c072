//! What is Python and what is not, as CPython says.

use hoist_syntax::strict::check;
use std::io::Write;
use std::process::{Command, Stdio};

/// One module each, from Python 3.8 on judged alike by all versions.
const MODULES: &[&str] = &[
    "x = 1",
    "",
    "\u{feff}x = 1",
    "x = 1\r\ny = 2\rz = 3\n",
    "return 1",
    "class A: return 1",
    "def f(): return 1",
    "yield 1",
    "lambda: (yield)",
    "def f(): [(yield) for x in y]",
    "class A: yield 1",
    "await x",
    "def f(): await x",
    "async def f(): await x",
    "async def f(): return [await x for x in y]",
    "async def f(): return [x async for x in y]",
    "def f(): return [x async for x in y]",
    "async def f(): yield from x",
    "async def f():\n    yield 1\n    return 2",
    "async def f(): lambda: await x",
    "async with a: pass",
    "def f():\n    async for x in y: pass",
    "def f(a, a): pass",
    "lambda a, a: 0",
    "def f(a=1, b): pass",
    "f(a=1, 2)",
    "f(**a, *b)",
    "f(a=1, a=2)",
    "nonlocal x",
    "def f(): nonlocal x",
    "def f(x):\n    def g(): nonlocal x",
    "def f():\n    def g(): nonlocal x\n    x = 1",
    "def f():\n    import x.y\n    def g(): nonlocal x",
    "def f():\n    global x\n    def g(): nonlocal x",
    "class A:\n    x = 1\n    def g(self): nonlocal x",
    "class A:\n    def g(self): nonlocal __class__",
    "def f(x):\n    def g():\n        def h():\n            nonlocal x\n        return h",
    "def f(x): global x",
    "def f():\n    x = 1\n    global x",
    "def f():\n    print(x)\n    global x",
    "def f():\n    global x\n    x = 1",
    "x = 1\nglobal x",
    "def f():\n    global x\n    x: int = 1",
    "break",
    "continue",
    "if x: break",
    "while x: break",
    "for x in y:\n    def f(): break",
    "for x in y: pass\nelse: break",
    "for x in y:\n    class A: continue",
    "while x:\n    try: pass\n    finally: break",
    "def f(): from a import *",
    "class A: from a import *",
    "from a import *",
    "from __future__ import annotations",
    "x = 1\nfrom __future__ import annotations",
    "'''doc'''\nfrom __future__ import annotations",
    "from __future__ import nothing",
    "*a = b",
    "*a, = b",
    "*a, *b = c",
    "*a",
    "a, b = *c, *d",
    "del *a",
    "f() = 1",
    "f() += 1",
    "a + b = c",
    "(a, b) += 1",
    "a if b else c = 1",
    "x: int = 1",
    "x, y: int = 1",
    "None = 1",
    "__debug__ = 1",
    "def f(__debug__): pass",
    "try: pass\nexcept: pass\nexcept E: pass",
    "try: pass",
    "print 'x'",
    "exec 'x'",
    "if x:\npass",
    "if x:\n\tpass\n        pass",
    "  x = 1",
    "def f():\n    x\n  y",
    "class A:",
    "x = [i := 0 for j in k]",
    "[i := 0 for i in k]",
    "[j for j in (i := k)]",
    "class A: [i := 0 for j in k]",
    "[(i := j) for j in k]",
    "x := 1",
    "(x := 1)",
    "f'{x'",
    "f'{x!z}'",
    "f'{}'",
    "f'{x!r:>{y}}'",
    "'abc",
    "'''abc",
    "b'é'",
    "0777",
    "1_000",
    "1__0",
    "a = 1 +",
    "(",
    ")",
    "(]",
    "x = (1,\n2)",
    "\\",
    "x = \\\n1",
    "?",
    "$",
    "lambda: (x = 1)",
    "@x\ny = 1",
    "import a.b as c",
    "import a as b.c",
    "from . import a",
    "from .a import (b, c,)",
    "from a import (b, c",
    "assert x, y",
    "assert (x, y)",
    "raise x from y",
    "with a as b, c as d: pass",
    "with a as f(): pass",
    "def f(*): pass",
    "def f(*, a): pass",
    "def f(a, *, b=1, c, **d): pass",
    "def f(**a, b): pass",
    "def f(a, /, b): pass",
    "def f(/, a): pass",
    "{**a, 'b': 1}",
    "{a: 1, b}",
    "x = yield",
    "def f(): x = yield y",
    "a < b > c",
    "a <> b",
    "not x = 1",
    "pass;",
    "pass;;",
    "if a: pass\nelif b: pass\nelse: pass",
    "else: pass",
    "elif a: pass",
    "x\n    y",
    "\u{c}x = 1",
    "é = 1",
    "1é",
    "\u{a0}x = 1",
];

#[test]
fn the_judgement_is_that_of_cpython() {
    let mut python = Command::new("python3")
        .args([
            "-W",
            "ignore",
            "-c",
            "import json, sys\ndef judge(text):\n    try:\n        compile(text.encode(), 'm', 'exec', dont_inherit=True)\n    except SyntaxError as error:\n        return str(error)\nprint(json.dumps([judge(text) for text in json.load(sys.stdin)]))",
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3 starts");
    let modules = serde_json::to_vec(MODULES).expect("JSON");
    python
        .stdin
        .take()
        .expect("piped")
        .write_all(&modules)
        .expect("Python reads");
    let output = python.wait_with_output().expect("Python ends");
    let verdicts: Vec<Option<String>> =
        serde_json::from_slice(&output.stdout).expect("Python's JSON");
    let mut differences = String::new();
    for (text, theirs) in MODULES.iter().zip(verdicts) {
        let ours = check(text).err().map(|error| error.to_string());
        if ours.is_some() != theirs.is_some() {
            differences += &format!("{text:?}: CPython says {theirs:?}, we say {ours:?}\n");
        }
    }
    assert!(differences.is_empty(), "{differences}");
}

#[test]
fn what_is_too_deep_names_its_line() {
    let text = format!("x = 1\ny = {}{}\n", "(".repeat(300), ")".repeat(300));
    let error = check(&text).expect_err("CPython takes 200");
    assert_eq!(error.line, 1, "{error}");
    assert!(check(&format!("y = {}1{}\n", "(".repeat(150), ")".repeat(150))).is_ok());
}
