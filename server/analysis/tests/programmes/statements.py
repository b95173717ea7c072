### if and else that bind: f()
import sys
if sys.version_info >= (3,):
    kind = "three"
else:
    kind = "two"
if len(kind) > 100:  #-
    unused = 1  #-
def f(): return kind
### try, except, else, finally: f()
done = []
try:
    value = int("x")
except ValueError as error:
    value = str(error)[:7]
else:
    value = None
finally:
    done.append("finally")
def f(): return value, done
### with that binds: f()
import io
with io.StringIO("a\nb") as stream, io.StringIO("c") as other:
    lines = list(stream)
print(other)  #-
def f(): return lines
### for with else: f()
for n in range(2, 9):
    if n % 7 == 0:
        break
else:
    n = None
for unused in range(3): print(unused)  #-
def f(): return n
### while that binds: f()
total, step = 0, 3
while total < 10:
    total += step
def f(): return total
### nested blocks: f()
table = {}
for a in range(2):
    if a:
        try:
            with open("/dev/null") as null:
                table[a] = null.name
        finally:
            table["last"] = a
def f(): return table
### augmented assignments of all kinds: f()
n = 1
n += 2; n <<= 3
xs = [1]
xs += [2]
xs *= 2
d = {"a": 1}
d["a"] += 5
class C: v = 1
C.v -= 3
o = 0  #-
o += 1  #-
def f(): return n, xs, d, C.v
### slices and subscripts: f()
xs = [1, 2, 3, 4]
xs[1:3] = []
grid = [[0, 0], [0, 0]]
grid[1][0] = 7
del xs[0]
ys = [0]  #-
ys[0] = 1  #-
def f(): return xs, grid
### attributes of attributes: f()
from types import SimpleNamespace
cfg = SimpleNamespace(model=SimpleNamespace(lr=1))
cfg.model.lr = 3
cfg.extra = []
cfg.extra.append(1)
def f(): return cfg
### unpacking and chained assignments: f()
a, (b, *rest), [c] = 1, (2, 3, 4), [5]
x = y = z = [0]
y.append(1)
first, *_ = "abc"
def f(): return a, b, rest, c, x, z, first
### starred pieces share their objects: f()
a = [1]
b, *rest = a, a, a
rest[0].append(2)
def f(): return a
### del of names, items and attributes: f()
class C: x = 1; y = 2
d = {"a": 1, "b": 2}
name = 1
del C.x, d["a"]
del name
def f(): return hasattr(C, "x"), d, "name" in globals()
### walrus in several places: f()
if (n := 10) > 5 and (m := n * 2): pass
squares = [last := i * i for i in range(4)]
print(unused := 3)  #-
def f(): return n, m, last, squares
### walrus in an argument: f()
print(kept := 4)
def f(): return kept
### global statements in called functions: f()
def start():
    global state, count
    state = {"on": True}
    count = 1
def again():
    global count
    count += 1
start()
again()
for _ in range(2): again()
def f(): return state, count
### a global bound through a chain of calls: f()
def inner():
    global value
    value = 5
def outer(): inner()
class Setup:
    def run(self): outer()
Setup().run()
def f(): return value
### a global in a comprehension's call: f()
def put(i):
    global last
    last = i
[put(i) for i in range(3)]
def f(): return last
### match statements: f()
command = {"do": "add", "args": [1, 2]}
match command:
    case {"do": "add", "args": [a, *others]}:
        sum_ = a + others[0]
    case _:
        sum_ = None
match 3:  #-
    case unused: pass  #-
def f():
    match command:
        case {"args": [first, second]} if first < second: return sum_, first, others
### conditional definitions: f()
import os
if os.sep == "/":
    def join(*parts): return "/".join(parts)
else:
    def join(*parts): return "\\".join(parts)
try:
    import no_such_accelerator
    def fast(x): return no_such_accelerator.go(x)
except ImportError:
    def fast(x): return x * 2
def f(): return join("a", "b"), fast(2)
### a definition in a loop: f()
functions = []
for n in range(3):
    def add(x, n=n): return x + n
    functions.append(add)
def f(): return [g(1) for g in functions]
### definitions that replace others: f()
def helper(): return 1
old = helper
def helper(): return old() + 1
def f(): return helper()
### a decorated redefinition: f()
def double(g): return lambda *a: 2 * g(*a)
def helper(x): return x
helper = double(helper)
helper = double(helper)
def f(): return helper(1)
### the entry itself wrapped later: f()
def f(): return 1
def double(g): return lambda: 2 * g()
f = double(f)
### circular references: even(7)
def even(n): return n == 0 or odd(n - 1)
def odd(n): return n != 0 and even(n - 1)
def other(): return 1  #-
### circular classes: f()
class Node:
    def leaf(self): return Leaf(self)
class Leaf:
    def __init__(self, parent): self.parent = parent
    def root(self): return type(self.parent) is Node
def f(): return Node().leaf().root()
### async helpers: f()
import asyncio
queue = []
async def work(i):
    await asyncio.sleep(0)
    queue.append(i)
    return i
async def source():
    for i in range(3): yield i
async def f():
    return [await work(i) async for i in source()], queue
### asynchronous set-up: f()
import asyncio
table = []
async def fill():
    async with Guard() as g: table.append(g)
class Guard:
    async def __aenter__(self): return 7
    async def __aexit__(self, *a): table.append(8)
asyncio.run(fill())
def f(): return table
### comprehensions and generators that change: f()
seen = []
[seen.append(i) for i in range(2)]
any(seen.append(i) for i in range(2, 4))
list(map(seen.append, [9]))
list(seen.append(i) for i in (8,))
def f(): return seen
### changes in odd places: f()
t = []
x = t.append(1)
t.append(2) if True else None
t and t.append(3)
assert t.append(4) is None
f"{t.append(5)}"
def g(x=t.append(6)): pass
class A: t.append(7)
class B(t.append(8) or object): pass
@(lambda h: t.append(9) or h)
def h(): pass
(lambda: t.append(10))()
y = [0][t.append(11) or 0]
z: t.append(12) = 1
while t.append(13): pass
for _ in [t.append(14)]: pass
def f(): return t
### assertions and raises that change nothing: f()
t = [1]
assert len(t) == 1, "one"  #-
if len(t) > 5: raise SystemExit("too many")  #-
def f(): return t
### changes through a name in a loop: f()
a, b, c = [], [], []
for x in (a, b):
    x.append(1)
for x in [c]:  #-
    print(x)  #-
def f(): return a, b
### zip and enumerate hand on what they get: f()
a, b = [1], [2]
for x, y in zip([a], [b]): x.append(y)
for i, x in enumerate([b]): x.append(i)
def f(): return a, b
### the last line of a block is no end of it: f()
if True:
    x = 1
    # a comment

    y = x + 1
def f(): return y
### semicolons: f()
a = 1; print("no"); b = a + 1
def f(): return b
### a bare annotation binds nothing: f()
x: int
x = 3
y: "list[Missing]" = []
def f(): return x, y
### a loop that fills and prints: f()
table = {}
for k in "ab":
    table[k] = ord(k)
    print(k)
print(table)  #-
def f(): return table
### a value that another replaces: f()
def costly(n): return n * 2
result = costly(1)  #-
result = costly(2)
table = [result]
result = costly(3)  #-
print(result)  #-
def f(): return table
### a value that is built on the one before: f()
x = 1  #-
x = 2
x = x + 1
y = x
x = max(9, 8)  #-
def f(): return y
### a value that a function reads at any time: f()
x = 1
def g(): return x
y = g()
x = 2
def f(): return y, g()
### a value that a lambda or a generator reads later: f()
k = 1
ys = map(lambda v: v + k, [1])
zs = (k for _ in [0])
k = 5
def f(): return list(ys), list(zs)
### a value that may be replaced: f()
import sys
x = 1
if sys.maxsize < 0: x = 2
y = x
def f(): return y
### an object that lives on under another name: f()
x = [1]
y = x
x = [2]  #-
y.append(3)
def f(): return y
### packages that are imported in parts: f()
import xml.dom
import xml.sax
nodes = xml.dom.Node.ELEMENT_NODE
errors = xml.sax.SAXException.__name__
def f(): return nodes, errors
### a name that is bound by a star and again: f()
from math import *
y = floor(1.5)
def floor(x): return "mine"
z = floor(1.5)
def f(): return y, z
### a loop variable of two loops: f()
rows = []
for i in range(3): rows.append(i)
for i in range(10**9): break  #-
for j, i in enumerate("ab"): print(i, j)  #-
def f(): return rows
### a loop variable that outlives its loop: f()
for i in range(3): pass
last = i
for i in range(7): pass
def f(): return last, i
### memory that is given back: f()
import tracemalloc
tracemalloc.start()
raw = bytes(30_000_000)
size = len(raw)
del raw
rows = [0] * 4_000_000
count = len(rows)
rows = None
def f(): return size, count, tracemalloc.get_traced_memory()[0] > 20_000_000
### a name that is deleted twice: f()
x = 1
y = x
del x
x = y + 1
z = x
del x
def f(): return y, z
