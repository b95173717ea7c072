//! Functions and classes: registries, decorators, and what kinds of them are entries.

use super::check;

#[test]
fn functions_and_classes() {
    check(&[
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
            "class body reads the module",
            "N = 3\nclass C:\n    N = N + 1\n    xs = [i for i in range(N)]\ndef f(): return C.N, C.xs\n",
            "f",
            "",
            "(4, [0, 1, 2, 3])",
        ),
        (
            "dataclass",
            "from dataclasses import dataclass, field\nfrom typing import List\n@dataclass\nclass P:\n    x: int\n    ys: List[int] = field(default_factory=list)\ndef f(): return P(1)\n",
            "f",
            "",
            "P(x=1, ys=[])",
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
        (
            "lazy annotations",
            "from __future__ import annotations\ndef f(x: Missing) -> AlsoMissing: return x\n",
            "f",
            "1",
            "1",
        ),
    ]);
}
