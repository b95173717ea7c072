//! Slices run: what the entry gives on its own is what it gives in its place.

mod support;

use support::{Workspace, run, run_all};

/// Checks a table of programmes: name, source, entry, arguments, result.
fn check(table: &[(&str, &str, &str, &str, &str)]) {
    let mut wrong = Vec::new();
    let mut slices = Vec::new();
    let mut expectations = Vec::new();
    for (name, source, entry, args, expected) in table {
        let workspace = Workspace::new(&[("train.py", source)]);
        match workspace.slice("train.py", entry, Some(args)) {
            Ok(slice) => {
                slices.push(slice);
                expectations.push((*name, *expected));
            }
            Err(refusal) => wrong.push(format!(
                "{name}: refused {}: {}",
                refusal.code, refusal.message
            )),
        }
    }
    for ((name, expected), found) in expectations.into_iter().zip(run_all(&slices)) {
        if found != expected {
            wrong.push(format!("{name}: expected {expected}, found {found}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn state_of_the_module() {
    check(&[
        (
            "one object, two names",
            "a = b = [1]\nb.append(2)\ndef f(): return a\n",
            "f",
            "",
            "[1, 2]",
        ),
        (
            "an element taken out",
            "a = [1]\nbox = {'k': [a]}\ny = box['k']\nfor z in y:\n    z.append(2)\ndef f(): return a\n",
            "f",
            "",
            "[1, 2]",
        ),
        (
            "put into a list and changed there",
            "a = [1]\nxs = []\nxs.append(a)\nxs[0].append(2)\ndef f(): return a\n",
            "f",
            "",
            "[1, 2]",
        ),
        (
            "a list that only collects does not run",
            "N = {'n': 1}\ndef f(): return dict(N)\nresults = []\nfor i in range(2):\n    results.append(f())\n    raise SystemExit\n",
            "f",
            "",
            "{'n': 1}",
        ),
        (
            "a context manager that changes",
            "S = []\nclass C:\n    def __enter__(self): S.append(1)\n    def __exit__(self, *a): S.append(2)\nwith C():\n    pass\ndef f(): return S\n",
            "f",
            "",
            "[1, 2]",
        ),
        (
            "an operator that changes",
            "S = []\nclass C:\n    def __add__(self, o): S.append(o)\nc = C()\nc + 5\ndef f(): return S\n",
            "f",
            "",
            "[5]",
        ),
        (
            "a setter that changes",
            "S = []\nclass C:\n    @property\n    def v(self): return 0\n    @v.setter\n    def v(self, x): S.append(x)\nc = C()\nc.v = 4\ndef f(): return S\n",
            "f",
            "",
            "[4]",
        ),
        (
            "a function fills a global",
            "T = []\ndef build():\n    T.extend([1, 2])\nbuild()\ndef f(): return T\n",
            "f",
            "",
            "[1, 2]",
        ),
        (
            "a function that calls one",
            "T = []\ndef fill(t): t.append(1)\ndef build(): fill(T)\nbuild()\ndef f(): return T\n",
            "f",
            "",
            "[1]",
        ),
        (
            "global statement",
            "def init():\n    global S\n    S = 7\ninit()\ndef f(): return S\n",
            "f",
            "",
            "7",
        ),
        (
            "augmented",
            "n = 1\nn += 2\ndef f(): return n\n",
            "f",
            "",
            "3",
        ),
        (
            "subscript and attribute",
            "d = {}\nd['a'] = 1\nclass C: pass\nC.x = 2\ndef f(): return d, C.x\n",
            "f",
            "",
            "({'a': 1}, 2)",
        ),
        (
            "alias",
            "a = [1]\nb = a\nb.append(2)\ndef f(): return a\n",
            "f",
            "",
            "[1, 2]",
        ),
        (
            "element of a container",
            "a = [1]\nbox = [a]\nbox[0].append(2)\ndef f(): return a\n",
            "f",
            "",
            "[1, 2]",
        ),
        (
            "loop over containers",
            "a = [1]\nb = [2]\nfor x in (a, b):\n    x.append(0)\ndef f(): return a\n",
            "f",
            "",
            "[1, 0]",
        ),
        (
            "returned from a function",
            "T = []\ndef get(): return T\nt = get()\nt.append(3)\ndef f(): return T\n",
            "f",
            "",
            "[3]",
        ),
        (
            "shuffle with a seed",
            "import random\nrandom.seed(3)\nT = list(range(5))\nrandom.shuffle(T)\ndef f(): return T == sorted(T), len(T)\n",
            "f",
            "",
            "(False, 5)",
        ),
        (
            "draws before",
            "import random\nrandom.seed(3)\nx = random.random()\ndef f():\n    return random.random() == __import__('random').Random(3).random()\n",
            "f",
            "",
            "False",
        ),
        (
            "heapify",
            "import heapq\nh = [3, 1, 2]\nheapq.heapify(h)\ndef f(): return h[0]\n",
            "f",
            "",
            "1",
        ),
        (
            "registry",
            "R = {}\ndef register(g):\n    R[g.__name__] = g\n    return g\n@register\ndef a(): return 1\ndef f(): return sorted(R)\n",
            "f",
            "",
            "['a']",
        ),
        (
            "registry by attribute",
            "class App:\n    def __init__(self): self.r = []\n    def route(self, p):\n        def d(g):\n            self.r.append(p)\n            return g\n        return d\napp = App()\n@app.route('/x')\ndef x(): pass\ndef f(): return app.r\n",
            "f",
            "",
            "['/x']",
        ),
        (
            "subclasses",
            "class B: pass\nclass C(B): pass\ndef f(): return [c.__name__ for c in B.__subclasses__()]\n",
            "f",
            "",
            "['C']",
        ),
        (
            "init_subclass",
            "class B:\n    known = []\n    def __init_subclass__(cls, **kw): B.known.append(cls.__name__)\nclass C(B): pass\ndef f(): return B.known\n",
            "f",
            "",
            "['C']",
        ),
        (
            "metaclass",
            "class M(type):\n    known = []\n    def __init__(cls, n, b, d): M.known.append(n)\nclass A(metaclass=M): pass\nclass C(A): pass\ndef f(): return M.known\n",
            "f",
            "",
            "['A', 'C']",
        ),
        (
            "singledispatch",
            "from functools import singledispatch\n@singledispatch\ndef area(x): return 0\n@area.register(int)\ndef _(x): return x * x\ndef f(): return area(3)\n",
            "f",
            "",
            "9",
        ),
        (
            "del",
            "x = 1\ny = x\ndel x\ndef f(): return y, 'x' in globals()\n",
            "f",
            "",
            "(1, False)",
        ),
        (
            "iterator half read",
            "it = iter([1, 2, 3])\nnext(it)\ndef f(): return list(it)\n",
            "f",
            "",
            "[2, 3]",
        ),
        (
            "iterator read to its end",
            "it = (i for i in range(3))\nall_ = list(it)\ndef f(): return list(it)\n",
            "f",
            "",
            "[]",
        ),
        (
            "decimal context",
            "from decimal import Decimal, getcontext\ngetcontext().prec = 5\ndef f(): return str(Decimal(1) / Decimal(3))\n",
            "f",
            "",
            "'0.33333'",
        ),
        (
            "recursion limit",
            "import sys\nsys.setrecursionlimit(12345)\ndef f(): return __import__('sys').getrecursionlimit()\n",
            "f",
            "",
            "12345",
        ),
        (
            "star import",
            "from math import *\ndef f(): return floor(pow(2, 3))\n",
            "f",
            "",
            "8",
        ),
        (
            "try import",
            "try:\n    import nonexistent_thing as n\nexcept ImportError:\n    n = None\ndef f(): return n\n",
            "f",
            "",
            "None",
        ),
        (
            "try else",
            "try:\n    v = int('3')\nexcept ValueError:\n    v = 0\nelse:\n    v += 1\nfinally:\n    w = v\ndef f(): return w\n",
            "f",
            "",
            "4",
        ),
        (
            "with at the top",
            "import io\nwith io.StringIO('abc') as s:\n    text = s.read()\ndef f(): return text\n",
            "f",
            "",
            "'abc'",
        ),
        (
            "walrus",
            "if (n := 5) > 3:\n    pass\ndef f(): return n\n",
            "f",
            "",
            "5",
        ),
        (
            "class body reads the module",
            "N = 3\nclass C:\n    N = N + 1\n    xs = [i for i in range(N)]\ndef f(): return C.N, C.xs\n",
            "f",
            "",
            "(4, [0, 1, 2, 3])",
        ),
        (
            "setattr",
            "class C: pass\nsetattr(C, 'v', 4)\ndef f(): return C.v\n",
            "f",
            "",
            "4",
        ),
        (
            "lambda that changes",
            "T = []\nadd = lambda x: T.append(x)\nadd(1)\ndef f(): return T\n",
            "f",
            "",
            "[1]",
        ),
        (
            "map that changes",
            "T = []\nlist(map(T.append, [1, 2]))\ndef f(): return T\n",
            "f",
            "",
            "[1, 2]",
        ),
        (
            "print that changes",
            "T = [1, 2]\nprint(T.pop())\ndef f(): return T\n",
            "f",
            "",
            "[1]",
        ),
        (
            "method changes another object",
            "class A:\n    def put(self, t): t.append(1)\nT = []\nA().put(T)\ndef f(): return T\n",
            "f",
            "",
            "[1]",
        ),
        (
            "thread",
            "import threading\nT = []\ndef work(): T.append(1)\nt = threading.Thread(target=work)\nt.start()\nt.join()\ndef f(): return T\n",
            "f",
            "",
            "[1]",
        ),
        (
            "environment",
            "import os\nos.environ['HOIST_X'] = 'y'\ndef f():\n    import os\n    return os.environ.get('HOIST_X')\n",
            "f",
            "",
            "'y'",
        ),
        (
            "globals of a constant",
            "X = 3\ndef f(): return globals()['X']\n",
            "f",
            "",
            "3",
        ),
        (
            "globals of a name",
            "X = 3\ndef f(n): return globals()[n]\n",
            "f",
            "'X'",
            "3",
        ),
        (
            "eval",
            "X = 3\ndef f(e): return eval(e)\n",
            "f",
            "'X + 1'",
            "4",
        ),
        (
            "lazy annotations",
            "from __future__ import annotations\ndef f(x: Missing) -> AlsoMissing: return x\n",
            "f",
            "1",
            "1",
        ),
        (
            "docstring",
            "'''Text.'''\ndef f(): return __doc__\n",
            "f",
            "",
            "'Text.'",
        ),
        (
            "dataclass",
            "from dataclasses import dataclass, field\nfrom typing import List\n@dataclass\nclass P:\n    x: int\n    ys: List[int] = field(default_factory=list)\ndef f(): return P(1)\n",
            "f",
            "",
            "P(x=1, ys=[])",
        ),
        (
            "one line, many statements",
            "a = 1; b = print('no'); c = '''x\ny'''; d = 4\ndef f(): return a, d\n",
            "f",
            "",
            "(1, 4)",
        ),
        (
            "arguments read the module",
            "RATES = [0.1, 0.2]\ndef f(r): return r\n",
            "f",
            "RATES[1]",
            "0.2",
        ),
        (
            "setdefault alias",
            "D = {}\nD.setdefault('a', []).append(1)\ndef f(): return D\n",
            "f",
            "",
            "{'a': [1]}",
        ),
        (
            "a name bound in a loop",
            "for i in range(4): last = i\ndef f(): return last, i\n",
            "f",
            "",
            "(3, 3)",
        ),
        (
            "match",
            "v = (1, 2)\nmatch v:\n    case (a, b): s = a + b\ndef f(): return s, a\n",
            "f",
            "",
            "(3, 1)",
        ),
        (
            "a builtin that is shadowed",
            "def sum(xs): return 'mine'\ndef f(): return sum([1])\n",
            "f",
            "",
            "'mine'",
        ),
        (
            "counter of calls",
            "calls = 0\ndef f():\n    global calls\n    calls += 1\n    return calls\nf()\nprint(f())\n",
            "f",
            "",
            "1",
        ),
        (
            "partial",
            "from functools import partial\ndef add(a, b): return a + b\ninc = partial(add, 1)\n",
            "inc",
            "2",
            "3",
        ),
        (
            "lambda entry",
            "k = 2\ndouble = lambda x: x * k\n",
            "double",
            "4",
            "8",
        ),
        (
            "async entry",
            "import asyncio\nasync def f(x):\n    await asyncio.sleep(0)\n    return x\n",
            "f",
            "3",
            "3",
        ),
        (
            "generator entry",
            "def f(n):\n    yield from range(n)\n",
            "f",
            "3",
            "[0, 1, 2]",
        ),
        (
            "static method",
            "class A:\n    k = 2\n    @staticmethod\n    def s(x): return x * A.k\n",
            "A.s",
            "4",
            "8",
        ),
        (
            "class method",
            "class A:\n    k = 2\n    @classmethod\n    def c(cls, x): return x * cls.k\n",
            "A.c",
            "4",
            "8",
        ),
        (
            "instance given",
            "class A:\n    def __init__(self, k): self.k = k\n    def m(self, x): return self.k * x\n",
            "A.m",
            "A(3), x=2",
            "6",
        ),
        (
            "last of two definitions",
            "def f(): return 1\nif True:\n    def f(): return 2\n",
            "f",
            "",
            "2",
        ),
        (
            "recursion through a cache",
            "from functools import lru_cache\n@lru_cache(maxsize=None)\ndef fib(n): return n if n < 2 else fib(n - 1) + fib(n - 2)\n",
            "fib",
            "30",
            "832040",
        ),
        (
            "cluster decorator of the older tool",
            "from clustrix import cluster\n@cluster(cores=4)\ndef f(x): return x + 1\n",
            "f",
            "1",
            "2",
        ),
    ]);
}

#[test]
fn nested_functions() {
    check(&[
        (
            "plain",
            "def o():\n    def g(n): return n + 1\n    return g(1)\n",
            "o.<locals>.g",
            "1",
            "2",
        ),
        (
            "text at column 0",
            "class A:\n    def m(self):\n        def g():\n            s = '''a\nb\n'''\n# comment\n            return s\n        return g()\n",
            "A.m.<locals>.g",
            "",
            "'a\\nb\\n'",
        ),
        (
            "text indented with the code",
            "class A:\n    def m(self):\n        def g():\n            return '''a\n            b'''\n",
            "A.m.<locals>.g",
            "",
            "'a\\n            b'",
        ),
        (
            "tabs",
            "class A:\n\tdef m(self):\n\t\tk = 2\n\t\tdef g(n):\n\t\t\tif n:\n\t\t\t\treturn k\n",
            "A.m.<locals>.g",
            "1",
            "2",
        ),
        (
            "CRLF",
            "class A:\r\n    def m(self):\r\n        def g():\r\n            return '''a\r\nb'''\r\n",
            "A.m.<locals>.g",
            "",
            "'a\\nb'",
        ),
        (
            "captures a constant and an import",
            "def o():\n    import math\n    k = 3\n    def g(): return math.floor(k / 2)\n",
            "o.<locals>.g",
            "",
            "1",
        ),
        (
            "a literal of literals",
            "def o():\n    k = 3\n    t = (k, -k, [k] * 2)\n    def g(): return t\n",
            "o.<locals>.g",
            "",
            "(3, -3, [3, 3])",
        ),
        (
            "calls itself and a neighbour defined later",
            "def o():\n    def g(n): return h(n) if n < 1 else g(n - 1)\n    def h(n): return n - 1\n",
            "o.<locals>.g",
            "3",
            "-1",
        ),
        (
            "decorated by a neighbour",
            "def o():\n    def twice(f):\n        def w(*a): return 2 * f(*a)\n        return w\n    @twice\n    def g(n): return n\n",
            "o.<locals>.g",
            "3",
            "6",
        ),
        (
            "a local class",
            "def o():\n    class P:\n        k = 2\n        def m(self): return self.k\n    def g(): return P().m()\n",
            "o.<locals>.g",
            "",
            "2",
        ),
        (
            "static method of a local class",
            "def o():\n    class P:\n        @staticmethod\n        def s(): return 5\n",
            "o.<locals>.P.s",
            "",
            "5",
        ),
        (
            "two levels down",
            "def o():\n    a = 1\n    def p():\n        b = 2\n        def g(): return a + b\n",
            "o.<locals>.p.<locals>.g",
            "",
            "3",
        ),
        (
            "under blocks",
            "class A:\n    def m(self, x):\n        with x:\n            try:\n                for i in x:\n                    if x:\n                        pass\n                    else:\n                        k = 4\n                        def g(): return k\n            finally:\n                pass\n",
            "A.m.<locals>.g",
            "",
            "4",
        ),
        (
            "in an except and a match",
            "def o(v):\n    match v:\n        case 1:\n            try: pass\n            except ValueError:\n                def g(): return 6\n        case _: pass\n",
            "o.<locals>.g",
            "",
            "6",
        ),
        (
            "headers that span lines",
            "class A(\n    object,\n):\n    def m(\n        self,\n        a=1,\n    ):\n        if (a and\n                self):\n            def g(): return 7\n",
            "A.m.<locals>.g",
            "",
            "7",
        ),
        (
            "one-liner",
            "def o(a):\n    if a: pass\n    else: f = lambda n: n * 2\n    return f\n",
            "o.<locals>.f",
            "4",
            "8",
        ),
        (
            "lambda",
            "def o():\n    k = 2\n    f = lambda n: n * k\n    return f\n",
            "o.<locals>.f",
            "4",
            "8",
        ),
        (
            "async in async",
            "async def o():\n    async with x as y:\n        async def g(): return 8\n",
            "o.<locals>.g",
            "",
            "8",
        ),
        (
            "own cache",
            "def o():\n    seen = {}\n    def g(n):\n        seen[n] = 1\n        return len(seen)\n    return g(1)\n",
            "o.<locals>.g",
            "5",
            "1",
        ),
        (
            "empty containers",
            "def o():\n    a = set()\n    b = dict()\n    c = frozenset({1})\n    d = tuple((1, 2))\n    def g(): return a, b, c, d\n",
            "o.<locals>.g",
            "",
            "(set(), {}, frozenset({1}), (1, 2))",
        ),
        (
            "module names too",
            "import math\nK = [1]\nK.append(2)\ndef help_(x): return x + len(K)\ndef o():\n    def g(n): return help_(n) + math.floor(0.5)\n",
            "o.<locals>.g",
            "1",
            "3",
        ),
        (
            "the same import twice",
            "import math\ndef area(r): return math.floor(r)\ndef o():\n    import math\n    def g(n): return area(n) + math.ceil(n)\n",
            "o.<locals>.g",
            "1.5",
            "3",
        ),
        (
            "nonlocal of its own",
            "def o():\n    def g():\n        n = 0\n        def h():\n            nonlocal n\n            n += 1\n        h()\n        return n\n",
            "o.<locals>.g",
            "",
            "1",
        ),
        (
            "several statements on a line",
            "def o():\n    a = 1; b = print('no'); c = 3\n    def g(): return a + c\n",
            "o.<locals>.g",
            "",
            "4",
        ),
        (
            "private names of its own class",
            "class A:\n    def m(self):\n        class B:\n            __x = 3\n            def get(self): return self.__x\n        def g(): return B().get()\n",
            "A.m.<locals>.g",
            "",
            "3",
        ),
        (
            "type hints on locals",
            "from typing import List\ndef o():\n    xs: List[int] = [1]\n    def g(): return xs\n",
            "o.<locals>.g",
            "",
            "[1]",
        ),
        (
            "text in a default",
            "def o():\n    sep = '-'\n    def g(a, s=sep): return s.join(a)\n",
            "o.<locals>.g",
            "'ab'",
            "'a-b'",
        ),
        (
            "a neighbour's default",
            "def o():\n    k = 2\n    def h(x=k): return x\n    def g(): return h()\n",
            "o.<locals>.g",
            "",
            "2",
        ),
        (
            "old tool's test",
            "import unittest\nclass T(unittest.TestCase):\n    def test_basic(self):\n        def work(n):\n            total = 0\n            for i in range(n):\n                total += i\n            return total\n        self.assertEqual(work(3), 3)\n",
            "T.test_basic.<locals>.work",
            "4",
            "6",
        ),
    ]);
}

#[test]
fn local_modules_travel() {
    let workspace = Workspace::new(&[
        (
            "train.py",
            "import helper\nfrom pkg.sub import tool\nfrom pkg import VERSION\nimport sys, os\nsys.path.insert(0, os.path.join(os.path.dirname(__file__), 'lib'))\nimport inlib\ndef f():\n    from late import value\n    return helper.x(), tool.run(), VERSION, inlib.name, value\n",
        ),
        ("helper.py", "import circle\ndef x(): return circle.y\n"),
        ("circle.py", "import helper\ny = 'circle'\n"),
        ("late.py", "value = 'late'\n"),
        ("unused.py", "raise SystemExit\n"),
        ("pkg/__init__.py", "from .version import VERSION\n"),
        ("pkg/version.py", "VERSION = '1'\n"),
        ("pkg/sub/__init__.py", ""),
        (
            "pkg/sub/tool.py",
            "from ..version import VERSION\nimport os\ndef run():\n    here = os.path.dirname(__file__)\n    return open(os.path.join(here, 'data.txt')).read() + VERSION\n",
        ),
        ("pkg/sub/data.txt", "text"),
        ("lib/inlib.py", "name = __name__\n"),
    ]);
    let slice = workspace.slice("train.py", "f", None).unwrap();
    assert_eq!(run(&slice), "('circle', 'text1', '1', 'inlib', 'late')");
    let paths: Vec<&str> = slice.files.iter().map(|file| file.path.as_str()).collect();
    assert!(!paths.contains(&"unused.py"), "{paths:?}");
}

#[test]
fn modules_of_packages_keep_their_names() {
    let workspace = Workspace::new(&[
        ("src/app/__init__.py", ""),
        (
            "src/app/train.py",
            "from .model import Model\nfrom . import config as c\nfrom app.deep.more import z\ndef f(): return Model.name, c.k, z, __name__\n",
        ),
        ("src/app/model.py", "class Model: name = 'm'\n"),
        ("src/app/config.py", "k = 1\n"),
        ("src/app/deep/more.py", "z = 3\n"),
    ]);
    let slice = workspace.slice("src/app/train.py", "f", None).unwrap();
    assert_eq!(run(&slice), "('m', 1, 3, 'app.train')");
    assert_eq!(
        (slice.module_file.as_str(), slice.roots.join("|").as_str()),
        ("src/app/train.py", "src")
    );
}

#[test]
fn state_of_local_modules() {
    let workspace = Workspace::new(&[
        (
            "store.py",
            "items = []\nflag = 0\ndef add(x): items.append(x)\ndef pure(x): return x\n",
        ),
        (
            "train.py",
            "import store\nfrom store import add as put\nimport loud\nput(1)\nstore.flag = 2\nx = store.pure(3)\nloud.shout()\ndef f(): return store.items, store.flag\n",
        ),
        ("loud.py", "def shout(): raise SystemExit('called')\n"),
    ]);
    let slice = workspace.slice("train.py", "f", None).unwrap();
    assert_eq!(run(&slice), "([1], 2)");
}

#[test]
fn star_imports_of_local_modules() {
    let workspace = Workspace::new(&[
        (
            "names.py",
            "from more import *\n__all__ = ['a', 'late']\na = 1\nhidden = 2\n",
        ),
        ("more.py", "late = 3\n_own = 4\n"),
        (
            "train.py",
            "from names import *\nfrom more import *\ndef f(): return a + late\ndef g(): return hidden\n",
        ),
    ]);
    assert_eq!(run(&workspace.slice("train.py", "f", None).unwrap()), "4");
    let refusal = workspace.slice("train.py", "g", None).unwrap_err();
    assert_eq!(
        refusal.message,
        "`hidden` (line 4) is bound nowhere in the module and is no builtin; import or define it"
    );
}

#[test]
fn data_files_travel() {
    let workspace = Workspace::new(&[
        (
            "sub/train.py",
            "import os\nfrom pathlib import Path\nHERE = Path(__file__).parent\nNAME = 'named.txt'\ndef f():\n    return open('near.txt').read() + (HERE / 'data' / 'deep.txt').read_text() + open(os.path.join('data', NAME)).read()\ndef g():\n    return open('sub/near.txt').read()\n",
        ),
        ("sub/near.txt", "1"),
        ("sub/data/deep.txt", "2"),
        ("sub/data/named.txt", "3"),
        ("sub/data/other.txt", "4"),
    ]);
    let slice = workspace.slice("sub/train.py", "f", None).unwrap();
    assert_eq!(run(&slice), "'123'");
    assert_eq!(slice.cwd, "sub");
    assert!(
        !slice
            .files
            .iter()
            .any(|file| file.path.ends_with("other.txt"))
    );
    let slice = workspace.slice("sub/train.py", "g", None).unwrap();
    assert_eq!((run(&slice).as_str(), slice.cwd.as_str()), ("'1'", ""));
}

#[test]
fn data_that_is_joined_or_listed_travels() {
    let workspace = Workspace::new(&[
        (
            "train.py",
            "import glob, os\nhere = os.path.split(os.path.realpath(__file__))\ndef f(name, folder='data'):\n    texts = [open(p).read() for p in sorted(glob.glob('data/*.csv'))]\n    return texts, open(here[0] + '/side.txt').read(), open(f'{folder}/deep.txt').read(), open(name).read()\n",
        ),
        ("data/a.csv", "1"),
        ("data/b.csv", "2"),
        ("data/deep.txt", "3"),
        ("side.txt", "4"),
        ("given.txt", "5"),
        ("else.txt", "6"),
    ]);
    let slice = workspace
        .slice("train.py", "f", Some("'given.txt'"))
        .unwrap();
    assert_eq!(run(&slice), "(['1', '2'], '4', '3', '5')");
    assert!(!slice.files.iter().any(|file| file.path == "else.txt"));
}

#[test]
fn arguments_read_what_stands_beside_a_nested_entry() {
    let source = "def o():\n    def make(n): return [n]\n    def g(xs): return xs\n";
    let workspace = Workspace::new(&[("train.py", source)]);
    assert_eq!(
        run(&workspace
            .slice("train.py", "o.<locals>.g", Some("make(2)"))
            .unwrap()),
        "[2]"
    );
}
