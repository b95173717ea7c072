//! Functions inside of functions.

use super::check;
use super::support::{Workspace, run};

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
