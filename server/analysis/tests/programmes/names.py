### dunder names: f()
"""The module's text."""
def f():
    import os
    return __name__, os.path.basename(__file__), __doc__, __package__ or "", __spec__ is None or True
### annotations of the module: f()
x: int = 1
y: str = "a"
z = 3
def f(): return sorted(__annotations__)
### names through globals: f()
A = 1
B = 2
def f(): return globals()["A"], globals().get("B"), "C" in globals()
### names through a computed key: f()
limit_a, limit_b = 1, 2
def f(which="a"): return globals()["limit_" + which]
### names through vars and dir: f()
X_A, X_B = 1, 2
NAMES = sorted(n for n in dir() if n.startswith("X_"))
ALL = {k: v for k, v in vars().items() if k.startswith("X_")}
def f(): return NAMES, ALL
### names through eval: f()
a, b = 2, 3
def f(text="a * b"): return eval(text)
### names through a constant eval: f()
a, b = 2, 3
c = 4  #-
def f(): return eval("a * b")
### names through exec: f()
base = 5
def f():
    space = {}
    exec("result = base + 1", globals(), space)
    return space["result"]
### names through format: f()
name, size = "n", 3
unused = 1
def f(): return "{name}: {size}".format(**globals()), "%(name)s" % globals()
### names through the module itself: f()
import sys
A = 1
def helper(): return 2
def f(name="helper"): return getattr(sys.modules[__name__], name)()
### names through an import of the module itself: f()
A = 1
def f():
    import importlib
    return importlib.import_module(__name__).A
### names through a frame: f()
import sys
A = 1
def f(): return sys._getframe().f_globals["A"]
### names that code binds by computed keys: f()
for name in ("red", "blue"):
    globals()[name.upper()] = len(name)
def f(): return RED, BLUE
### names bound by an update: f()
settings = {"alpha": 1, "beta": 2}
globals().update(settings)
def f(): return alpha + beta
### names bound by exec: f()
exec("gamma = 3\ndelta = gamma + 1")
def f(): return gamma, delta
### names changed by exec: f()
rate = 1
exec("rate = 10")
def f(): return rate
### names changed by an exec of computed text: f()
rate = 1
override = "rate" + " = 7"
exec(override)
def f(): return rate
### names changed by a computed key: f()
rate = 1
for key in ["ra" + "te"]: globals()[key] = 8
def f(): return rate
### names changed through the module object: f()
import sys
rate = 1
setattr(sys.modules[__name__], "ra" + "te", 9)
def f(): return rate
### names changed through vars: f()
rate = 1
vars()["rate"] = 11
locals()["more"] = 12
def f(): return rate, more
### names changed by a function with a computed key: f()
rate = 1
def override(**given):
    for k, v in given.items(): globals()[k] = v
override(rate=13)
def f(): return rate
### __all__ itself: f()
__all__ = ["f"]
__all__ += ["g"]
def g(): pass
def f(): return __all__
### __getattr__ of the module: f()
import sys
def __getattr__(name):
    if name == "lazy": return 5
    raise AttributeError(name)
def f(): return sys.modules[__name__].lazy
### timeit in the module's names: f()
import timeit
def g(): CALLS.append(1)
CALLS = []
def f(): timeit.timeit("g()", globals=globals(), number=2); return CALLS
### a pickle of a class that nobody names: f()
import pickle
class P:
    def __eq__(self, other): return type(other) is P
data = pickle.dumps(P())
def f(): return type(pickle.loads(data)).__name__
### type hints of a class: f()
import typing
class Other: pass
class C:
    x: "Other"
    y: "typing.List[Other]"
def f(): return sorted(typing.get_type_hints(C))
### type hints of a function: f()
from __future__ import annotations
import typing
class Other: pass
def g(x: Other) -> typing.List[Other]: ...
def f(): return sorted(typing.get_type_hints(g))
### lazy annotations that a decorator reads: f()
from __future__ import annotations
from dataclasses import dataclass
from typing import ClassVar, Optional
@dataclass
class C:
    n: Optional[int] = None
    k: ClassVar[int] = 3
def f(): return C(1), C.k
### inspect reads the source: f()
import inspect
def g():
    # a comment
    return 1
def f(): return inspect.getsource(g)
### string templates and f-strings: f()
from string import Template
WHO = "you"
T = Template("hi $who")
def f(): return T.substitute(who=WHO), f"{WHO!r:>6}", f"{WHO + (lambda: WHO)()}"
### names shadowed by parameters and comprehensions: f()
x = 1  #-
i = 2  #-
def f(x=3): return x, [i for i in range(2)]
### a builtin that the module replaces later: f()
def f(): return len([1]), max(1, 2)
def len(x): return "mine"
from operator import add as max
### names in nested functions and lambdas: f()
A, B, C = 1, 2, 3
D = 4  #-
def f():
    def g(): return A + (lambda: B)()
    class K:
        v = C
    return g() + K.v
### a name that is deleted and bound again: f()
x = 1
del x
x = 2
def f(): return x
### a name that only a later statement binds: f()
def f(): return later
print("x")  #-
later = 5
### an exec between: f()
x = 1
exec("x = x + 1")
y = x
x = 7
def f(): return y
### globals between: f()
x = 1
globals()["x"] = 4
y = x
x = 7
def f(): return y
### globals update between: f()
x = 1
globals().update(x=5)
y = x
x = 7
def f(): return y
### setattr on the module between: f()
import sys
x = 1
setattr(sys.modules[__name__], "x", 6)
y = x
x = 7
def f(): return y
### nothing binds before: f()
try:
    seen = later
except NameError:
    seen = None
later = 1
def f(): return seen
### objects that a text names are changed: f()
T, U, V, W, X = [], [], [], [], {}
eval("T.append(1)")
exec("U.append(2); X['u'] = 1")
globals()["V"].append(3)
globals().get("W").append(4)
eval("X")["x"] = 5
print(eval("len(T)"))
def f(): return T, U, V, W, X
### objects of the module that are looked up in it: f()
import sys
T = []
getattr(sys.modules[__name__], "T").append(1)
def f(): return T
### objects whose names are computed are changed: f()
T = []
for name in "T": globals()[name].append(1)
def f(): return T
### a call of the entry in a text does not travel: f()
T = []
def f(): return T
eval("f()")  #-
### values that get their names by text: f()
import sys
T, U, V, W, X = [], [], [], [], []
globals()["t"] = T
setattr(sys.modules[__name__], "u", U)
sys.modules[__name__].v = V
globals().update(w=W)
exec("x = X")
t.append(1)
u.append(2)
v.append(3)
w.append(4)
x.append(5)
def f(): return T, U, V, W, X
### a text that runs reads what another text has bound: f()
import sys
setattr(sys.modules[__name__], "n", 1)
exec("m = n")
def f(): return m
