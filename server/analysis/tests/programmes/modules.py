### a module that is imported for nothing changes another: f()
import store
from unread import ITEMS as others  #-
from filler import helper
def f(): return store.ITEMS
def unused(): return others, helper  #-
--- store.py
ITEMS = []
--- filler.py
import store
store.ITEMS.append("filler")
def helper(): pass
--- unread.py
ITEMS = []
ITEMS.append(1)
### a module that is imported by one that is imported: f()
import outer
import random
def f(): return random.random()
def unused(): return outer.inner  #-
--- outer.py
import inner
--- inner.py
import random
random.seed(7)
### a module that sets the process up: f()
import importlib
settings = importlib.import_module("settings")
import warnings
def f():
    warnings.warn("x")
def unused(): return settings.LEVEL  #-
--- settings.py
import warnings
LEVEL = 3
warnings.simplefilter("error")
### a seed in a function of another module: f()
import random
from tools import seed_everything
seed_everything(3)
first = random.random()
def f(): return random.random()
--- tools.py
import random
def seed_everything(n): start(n)
def start(n): random.seed(n)
### a draw in a function of another module: f()
import random, tools
random.seed(1)
tools.draw()
tools.show()  #-
def f(): return random.random()
--- tools.py
import random
def draw(): return random.random()
def show(): print("shown")
### what a star import gives is the other module's: f()
import store
from store import *
def unused(p=numbers.append(2)): pass
def f(): return store.same
--- store.py
numbers = [1]
same = numbers
### what another module gives is its own: f()
import store
rows = store.all_rows()
rows.append(1)
model = store.Model()
model.shared.append(2)
model.train()
fresh = store.fresh()  #-
fresh.append(3)  #-
def f(): return store.ROWS, store.Model.shared, store.LOG
--- store.py
ROWS, LOG = [], []
def all_rows(): return find()
def find(): return ROWS
def fresh(): return [1]
class Model:
    shared = []
    def train(self): LOG.append("trained")
### another module keeps what it is given: f()
import store
T = []
store.register(T)
store.LATEST[0].append(1)
store.fill()
def f(): return T
--- store.py
LATEST = []
def register(items): LATEST.append(items)
def fill(): LATEST[0].append("filled")
### a module that is imported by a call: f()
import importlib
from store import ITEMS
store = importlib.import_module("store")
store.ITEMS.append(1)
__import__("store").add()
def f(): return ITEMS
--- store.py
ITEMS = []
def add(): ITEMS.append("added")
### a decorator of another module: f()
from tools import CALLS, counted, step
handlers = {"step": step}
@counted
def work(): pass
work()
handlers["step"]()
def f(): return CALLS
--- tools.py
CALLS = []
def counted(function):
    def wrapper(): CALLS.append(1); return function()
    return wrapper
def step(): CALLS.append("step")
### iterators of another module: f()
import store
from store import *
from store import third as other
for _ in zip("ab", store.first): pass
list(zip("ab", second))
[*zip("ab", other)]
for name in store.NAMES: print(name)  #-
def f(): return next(store.first), next(store.second), next(store.third)
--- store.py
import itertools
NAMES = ["a"]
first, second, third = itertools.count(1), itertools.count(2), itertools.count(3)
