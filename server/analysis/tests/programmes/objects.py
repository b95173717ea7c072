### an alias of a table: f()
TABLE = []
t = TABLE; t.append(1)
u = list(TABLE)  #-
u.append(2)  #-
def f(): return TABLE
### a bound method as a name: f()
TABLE = []
add = TABLE.append
add(1)
def f(): return TABLE
### a bound method in a list: f()
TABLE = []
for put in (TABLE.append, TABLE.extend): put([1])
def f(): return TABLE
### functools.partial: f()
import functools
TABLE = []
put = functools.partial(TABLE.append, 1)
put()
def f(): return TABLE
### getattr and unbound methods: f()
D, L = {}, []
getattr(L, "append")(1)
list.append(L, 2)
dict.update(D, a=1)
D.__setitem__("b", 2)
def f(): return D, L
### operator and heapq: f()
import operator, heapq, bisect
D, H, B = {}, [3], [1, 3]
operator.setitem(D, "a", 1)
heapq.heappush(H, 1)
bisect.insort(B, 2)
def f(): return D, H, B
### an alias through a function: f()
TABLE = {"a": []}
def pick(key): return TABLE[key]
pick("a").append(1)
def f(): return TABLE
### an alias through an argument: f()
A = []
def fill(x, y): y.append(x)
fill(1, A)
fill(y=A, x=2)
fill(*[3, A])
fill(**{"x": 4, "y": A})
def f(): return A
### an alias through a class: f()
A = []
class Box:
    def __init__(self, items): self.items = items
box = Box(A)
box.items.append(1)
def put(b): b.items.append(2)
put(box)
def f(): return A
### an alias through a class attribute: f()
A = []
class Box: items = A
Box.items.append(1)
Box().items.append(2)
def f(): return A
### an alias through a default: f()
A = []
def put(x, to=A): to.append(x)
put(1)
def f(): return A
### an alias through a closure: f()
A = []
def maker(to):
    def put(x): to.append(x)
    return put
put = maker(A)
put(1)
def f(): return A
### an alias through a generator: f()
A = []
def each():
    yield A
next(each()).append(1)
for a in each(): a.append(2)
def f(): return A
### an alias through a dictionary's views: f()
D = {"a": []}
for v in D.values(): v.append(1)
for k, v in D.items(): v.append(k)
D.get("a").append(3)
D.setdefault("b", []).append(4)
def f(): return D
### a copy is another object: f()
import copy
A = [1, 2]
b = A.copy()  #-
b.append(3)  #-
c = A[:]
c.append(4)
d = copy.deepcopy(A)  #-
d.append(5)  #-
def f(): return A
### objects that refer to each other: f()
class Node:
    def __init__(self): self.links = []
a, b = Node(), Node()
a.links.append(b)
a.links[0].links.append(3)
def f(): return b.links
### a generator function that changes when it is read: f()
A = []
def steps():
    A.append(1)
    yield
    A.append(2)
for _ in steps(): pass
def f(): return A
### a property that changes: f()
A = []
class C:
    @property
    def p(self): A.append(1); return 0
C().p
x = C().p
def f(): return A
### __getattr__ and __call__ that change: f()
A = []
class C:
    def __getattr__(self, name): A.append(name)
    def __call__(self, x): A.append(x)
c = C()
c.anything
c(5)
def f(): return A
### iterating an object that changes: f()
A = []
class C:
    def __iter__(self): A.append("iter"); return iter(())
    def __len__(self): A.append("len"); return 0
    def __contains__(self, x): A.append("in"); return False
for _ in C(): pass
len(C())
1 in C()
def f(): return A
### a context manager by a decorator: f()
from contextlib import contextmanager
A = []
@contextmanager
def around(x):
    A.append(x)
    yield
    A.append("end")
with around(1): pass
def f(): return A
### class attributes that change afterwards: f()
class A: x = 1
A.x = 2
A.y = staticmethod(lambda: A.x + 1)
setattr(A, "z", 5)
class B(A): pass
B.x = 7
def f(): return A.x, A.y(), A.z
### function attributes: f()
def g(): return g.calls
g.calls = 3
def f(): f.n = getattr(f, "n", 0) + 1; return g(), f.n
### monkey patches of modules: f()
import json, textwrap
def loud(text): return text.upper()
textwrap.dedent = loud
setattr(json, "dumps", lambda x: "patched")
def f(): return textwrap.dedent("a"), json.dumps(1)
### a patch of a name that the function imports itself: f()
import textwrap
textwrap.dedent = lambda text: "patched"
def f():
    from textwrap import dedent
    return dedent("a")
### a patch of a library's class: f()
import collections
collections.OrderedDict.first = lambda self: next(iter(self))
def f(): return collections.OrderedDict(a=1).first()
### a patch through builtins: f()
import builtins
builtins.answer = 42
def f(): return answer
### dataclasses: f()
from dataclasses import dataclass, field, replace
DEFAULT = {"a": 1}
def make(): return dict(DEFAULT)
@dataclass(order=True)
class Base:
    n: int = 0
    d: dict = field(default_factory=make, compare=False)
@dataclass
class Point(Base):
    tags: "list[str]" = field(default_factory=list)
    def __post_init__(self): self.tags.append(PREFIX)
PREFIX = "p"
@dataclass  #-
class Unused: x: int  #-
def f(): return Point(1), replace(Point(2), n=5), Base(1) < Base(2)
### enums: f()
import enum
from enum import Enum, auto
BASE = 10
@enum.unique
class Color(Enum):
    RED = BASE
    BLUE = RED + 1
    @classmethod
    def default(cls): return cls.RED
class Flags(enum.Flag):
    A = auto()
    B = auto()
    AB = A | B
Number = enum.IntEnum("Number", "ONE TWO")
def f(): return Color.default(), list(Color), Flags.AB, Number.TWO
### named tuples: f()
from collections import namedtuple
from typing import NamedTuple
Pair = namedtuple("Pair", "a b")
Pair.__new__.__defaults__ = (9,)
ORIGIN = 0
class Point(NamedTuple):
    x: int = ORIGIN
    y: int = 1
    def sum(self): return self.x + self.y
def f(): return Pair(1), Point(2).sum(), Point()
### decorators with state: f()
import functools
CALLS = {}
def counted(name):
    def wrap(g):
        CALLS[name] = 0
        @functools.wraps(g)
        def inner(*a):
            CALLS[name] += 1
            return g(*a)
        return inner
    return wrap
@counted("g")
def g(x): return x
@counted("h")
def h(x): return x
def f(): return g(1), CALLS
### a registry by a decorator: f()
REGISTRY = {}
def register(cls):
    REGISTRY[cls.__name__] = cls
    return cls
@register
class A: size = 1
@register
class B: size = 2
class C: size = 3  #-
def f(): return {k: v.size for k, v in REGISTRY.items()}
### a registry by a method: f()
class Registry:
    def __init__(self): self.items = {}
    def add(self, name):
        def wrap(g):
            self.items[name] = g
            return g
        return wrap
models = Registry()
others = Registry()  #-
@models.add("a")
def a(): return 1
@others.add("b")  #-
def b(): return 2  #-
def f(): return {k: g() for k, g in models.items.items()}
### a registry by a dictionary of functions: f()
HANDLERS = {}
def a(): return 1
def b(): return 2
HANDLERS["a"] = a
HANDLERS.update(b=b)
def f(): return sorted((k, g()) for k, g in HANDLERS.items())
### a registry by __init_subclass__: f()
class Plugin:
    known = {}
    def __init_subclass__(cls, /, name=None, **rest):
        super().__init_subclass__(**rest)
        Plugin.known[name] = cls.__name__
class A(Plugin, name="a"): pass
class B(A, name="b"): pass
class Other: pass  #-
def f(): return Plugin.known
### a registry by a metaclass: f()
class Meta(type):
    known = []
    def __new__(mcls, name, bases, body):
        cls = super().__new__(mcls, name, bases, body)
        mcls.known.append(name)
        return cls
class Base(metaclass=Meta): pass
class A(Base): pass
def f(): return Meta.known
### a registry by __subclasses__: f()
class Base:
    @classmethod
    def all(cls): return sorted(c.__name__ for c in cls.__subclasses__())
class A(Base): pass
class B(Base): pass
def f(): return Base.all()
### a registry by __set_name__: f()
FIELDS = []
class Field:
    def __set_name__(self, owner, name): FIELDS.append((owner.__name__, name))
class Model:
    a = Field()
    b = Field()
def f(): return FIELDS
### singledispatch: f()
from functools import singledispatch, singledispatchmethod
@singledispatch
def show(x): return "any"
@show.register
def _(x: int): return "int"
@show.register(list)
def _(x): return "list"
def text(x): return "text"
show.register(str, text)
class C:
    @singledispatchmethod
    def go(self, x): return "any"
    @go.register
    def _(self, x: int): return "int"
def f(): return show(1), show([]), show(""), show(1.0), C().go(1)
### singledispatch on a class of the module: f()
from functools import singledispatch
class Shape: pass
class Square(Shape): pass
@singledispatch
def area(x): return 0
@area.register
def _(x: Square): return 4
def f(): return area(Square()), area(Shape())
### abc and register: f()
import abc, numbers
class Base(abc.ABC):
    @abc.abstractmethod
    def go(self): ...
@Base.register
class A: pass
class B: pass
Base.register(B)
class Mine: pass
numbers.Number.register(Mine)
def f(): return isinstance(A(), Base), issubclass(B, Base)
### an abc of the library that the module extends: f()
import numbers
class Mine: pass
numbers.Number.register(Mine)
def f(): return isinstance(Mine(), numbers.Number)
### class bodies that read names: f()
SIZE = 3
names = ["a", "b"]
class C:
    size = SIZE
    squares = [i * i for i in range(SIZE)]
    for name in names:
        locals()[name] = len(name)
    del name
    class Inner:
        half = SIZE / 2
    def go(self, n=SIZE): return n
def f(): return C.size, C.squares, C.a, C.Inner.half, C().go()
### mixins and super: f()
class Loud:
    def say(self): return super().say().upper()
class Base:
    def say(self): return WORD
WORD = "hello"
class Both(Loud, Base): pass
def f(): return Both().say()
### slots, descriptors, class methods: f()
class Typed:
    def __init__(self, kind): self.kind = kind
    def __set_name__(self, owner, name): self.name = "_" + name
    def __get__(self, obj, owner): return getattr(obj, self.name, DEFAULT)
    def __set__(self, obj, value): setattr(obj, self.name, self.kind(value))
DEFAULT = -1
class C:
    x = Typed(int)
    @classmethod
    def make(cls): c = cls(); c.x = "7"; return c
def f(): return C().x, C.make().x
### a type made by a call: f()
def init(self): self.v = START
START = 4
Made = type("Made", (), {"__init__": init})
def f(): return Made().v
### generic classes and protocols: f()
from typing import Generic, Protocol, TypeVar, runtime_checkable
T = TypeVar("T")
@runtime_checkable
class Sized(Protocol):
    def size(self) -> int: ...
class Box(Generic[T]):
    def __init__(self, x: T): self.x = x
    def size(self): return 1
def f(): return isinstance(Box[int](1), Sized)
### an exception class with a module's table: f()
CODES = {1: "one"}
class Failed(Exception):
    def __str__(self): return CODES[self.args[0]]
def f():
    try: raise Failed(1)
    except Failed as error: return str(error)
### lru_cache filled before: f()
import functools
CALLS = []
@functools.lru_cache(None)
def slow(n):
    CALLS.append(n)
    return n * n
slow(3)
def f(): return slow(3), CALLS
### an iterator that is shared: f()
import itertools
ids = itertools.count()
first = next(ids)
second = next(ids)
def f(): return next(ids)
### weak references: f()
import weakref
class C: pass
keep = C()
cache = weakref.WeakValueDictionary()
cache["a"] = keep
def f(): return list(cache), cache["a"] is keep
### threads and locks: f()
import threading
lock = threading.Lock()
A = []
def work(n):
    with lock: A.append(n)
threads = [threading.Thread(target=work, args=(i,)) for i in range(2)]
for t in threads: t.start()
for t in threads: t.join()
def f(): return sorted(A)
### an executor: f()
from concurrent.futures import ThreadPoolExecutor
A = []
def work(n): A.append(n)
with ThreadPoolExecutor(1) as pool:
    pool.map(work, [1, 2])
def f(): return A
### contextvars and locals: f()
import contextvars, threading
level = contextvars.ContextVar("level", default=0)
level.set(3)
data = threading.local()
data.x = 4
def f(): return level.get(), data.x
### __del__ runs when replaced: f()
events = []
class R:
    def __del__(self): events.append("freed")
r = R()
r = None
def f(): return events
### weakref finalize when replaced: f()
import weakref
events = []
class R: pass
r = R()
weakref.finalize(r, events.append, "gone")
r = R()
def f(): return events
### subclasses of a replaced class: f()
class Base: pass
class D(Base): pass
keep = D()
class D(Base): pass
def f(): return len(Base.__subclasses__()), type(keep) is D
### a metaclass reads at its time: f()
tag = "a"
class M(type):
    def __new__(m, n, b, ns): ns["tag"] = tag; return super().__new__(m, n, b, ns)
class A(metaclass=M): pass
tag = "b"
class B(metaclass=M): pass
tag = "c"
def f(): return A.tag, B.tag
### dataclass defaults at their time: f()
import dataclasses
size = 1
@dataclasses.dataclass
class A:
    s: int = size
    t: list = dataclasses.field(default_factory=lambda: [size])
size = 2
def f(): return A()
### functions that values hold: f()
T, U, V = [], [], []
def add(): T.append(1)
def show(): print("shown")
HANDLERS = {"a": add, "b": lambda: U.append(2)}
SHOWN = {"c": show}
HANDLERS["a"]()
HANDLERS["b"]()
for handler in HANDLERS.values(): handler()
list(map(lambda h: h(), HANDLERS.values()))
SHOWN["c"]()  #-
def f(): return T, U, V
### a function that another one has made: f()
T = []
def make():
    held = T
    def step(): held.append(len(held))
    return step
step = make()
step()
step()
def f(): return T
### a method that got a name: f()
T = []
class Queue:
    def push(self, x): T.append(x)
queue = Queue()
push = queue.push
push(1)
def f(): return T
### generators run when they are gone through: f()
T = []
def numbers():
    for n in range(3):
        T.append(n)
        yield n
some = numbers()
others = (T.append(n) for n in range(5, 8))
before = len(T)
next(some)
list(some)
[*others]
def f(): return T, before
### coroutines run when they are awaited: f()
import asyncio
T = []
async def work(): T.append(1)
later = work()
asyncio.run(later)
def f(): return T
### methods behind operators: f()
class Counting:
    def __init__(self): self.seen = []
    def __contains__(self, x): self.seen.append(x); return True
    def __add__(self, x): self.seen.append(x); return self
    def __len__(self): self.seen.append("len"); return 1
    def __iter__(self): self.seen.append("iter"); return iter([1])
    def __getitem__(self, x): self.seen.append(x); return x
    def __str__(self): self.seen.append("str"); return "x"
    def __eq__(self, other): self.seen.append("eq"); return True
    @property
    def size(self): self.seen.append("size"); return 1
    @size.setter
    def size(self, value): self.seen.append(value)
a, b, c, d, e, g, h, i = [Counting() for _ in range(8)]
1 in a
a + 2
if b: pass
while not b: pass
for _ in c: pass
c["x"]
f"{d}"
print(d)
e == 1
e.size
g.size = 4
def unused(p=h[1]): pass
class Unused: x = [*i]
def f(): return [one.seen for one in (a, b, c, d, e, g, h, i)]
### a parameter of a lambda has its default: f()
T = []
(lambda q=T: q.append(1))()
def f(): return T
### what a call sets is held: f()
import operator, types
T, U, V = [], [], []
box = types.SimpleNamespace()
table = {}
setattr(box, "t", T)
operator.setitem(table, "u", U)
box.__setattr__("v", V)
box.t.append(1)
table["u"].append(2)
vars(box)["v"].append(3)
def f(): return T, U, V
### what a decorator puts in the place of a function and of a class: f()
import functools
T, U = [], []
def counted(function):
    @functools.wraps(function)
    def wrapper(*args): T.append(len(args)); return function(*args)
    return wrapper
def twice(n):
    def decorate(function):
        def wrapper(*args): U.append(n); return function(*args)
        return wrapper
    return decorate
@counted
def work(x): return x
@counted
class Model: pass
@twice(2)
def other(): pass
work(1)
Model()
other()
def f(): return T, U
### an object keeps what it is given: f()
T, U, V, W = [], [], [], []
class Trainer:
    def __init__(self, first): self.first = first; self.last = V; self.callbacks = []
    def add(self, callback): self.callbacks.append(callback)
    def run(self):
        for one in self.callbacks: one.append("run")
    def end(self): self.last.append("end")
trainer = Trainer(T)
trainer.add(U)
trainer.first.append(1)
trainer.run()
trainer.end()
other = Trainer([])  #-
other.count = 3  #-
def f(): return T, U, V
### functions keep what they are given: f()
T, U = [], []
REGISTRY = []
class Box: pass
box = Box()
def register(item): REGISTRY.append(item)
def put(into, item): into.item = item
register(T)
put(box, U)
REGISTRY[0].append(1)
box.item.append(2)
def f(): return T, U
### a copy holds the same objects: f()
rows = [[1], [2]]
again = rows.copy()
again[0].append(3)
for row in rows.copy(): row.append(4)
copied = rows.copy()  #-
copied.append([5])  #-
def f(): return rows
### iterators that something holds: f()
first, second = iter([1, 2, 3]), iter([4, 5, 6])
both = [first]
class Reader:
    def __init__(self): self.lines = iter([7, 8, 9])
def numbers(): return iter([10, 11, 12])
reader = Reader()
some = numbers()
if (named := iter([13, 14, 15])): pass
for _ in zip("a", both[0]): pass
list(zip("a", second))
[*zip("a", reader.lines)]
dict(zip("a", some))
set(zip("a", named))
def f(): return [next(each) for each in (first, second, reader.lines, some, named)]
