### the search path: f()
import sys, os
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
sys.path.append("/nowhere")
def f(): return os.path.basename(sys.path[0]), sys.path[-1]
### warnings: f()
import warnings
warnings.filterwarnings("error", category=UserWarning)
warnings.simplefilter("ignore", DeprecationWarning)
def f():
    import warnings
    try: warnings.warn("x")
    except UserWarning: return "error"
### seeds: f()
import random
random.seed(3)
rng = random.Random(4)
x = random.random()
y = rng.random()
def f(): return random.random(), rng.random()
### a seed in a function that is called: f()
import random
def set_seed(n):
    random.seed(n)
set_seed(9)
def f(): return random.random()
### a state of the generator: f()
import random
random.seed(5)
before = random.getstate()
random.random()
random.setstate(before)
def f(): return random.random()
### logging: f()
import logging
logging.basicConfig(level=logging.DEBUG, format="%(message)s")
log = logging.getLogger("x")
log.setLevel(logging.ERROR)
log.propagate = False
logging.getLogger("y").setLevel(10)
class Keep(logging.Handler):
    def emit(self, record): RECORDS.append(record.getMessage())
RECORDS = []
log.addHandler(Keep())
def f():
    log.error("e"); log.info("i")
    return logging.getLogger().level, logging.getLogger("y").level, RECORDS
### the environment: f()
import os
os.environ["HOIST_A"] = "1"
os.environ.setdefault("HOIST_B", "2")
os.environ.update(HOIST_C="3")
os.putenv("HOIST_D", "4")
if "HOIST_E" not in os.environ: os.environ["HOIST_E"] = "5"
def f(): return [os.environ.get("HOIST_" + c) for c in "ABCE"]
### the environment by another name: f()
from os import environ as env
env["HOIST_X"] = "1"
def f():
    import os
    return os.environ["HOIST_X"]
### locale, decimal, recursion: f()
import locale, decimal, sys
locale.setlocale(locale.LC_ALL, "C")
decimal.getcontext().prec = 4
decimal.setcontext(decimal.Context(prec=6))
sys.setrecursionlimit(3210)
def f(): return decimal.Decimal(1) / 3, sys.getrecursionlimit()
### signals: f()
import signal
def handler(number, frame): raise KeyError(number)
signal.signal(signal.SIGUSR1, handler)
def f():
    import os
    try:
        os.kill(os.getpid(), signal.SIGUSR1)
        for _ in range(10000): pass
    except KeyError as error: return error.args
### a signal's old handler: f()
import signal
old = signal.signal(signal.SIGUSR2, signal.SIG_IGN)
def f(): return signal.getsignal(signal.SIGUSR2) == signal.SIG_IGN
### hooks: f()
import sys
def display(value): pass
sys.displayhook = display
sys.excepthook = lambda *a: None
def f(): return sys.displayhook is display
### standard streams: f()
import sys
class Twice:
    def __init__(self, out): self.out = out
    def write(self, text): self.out.write(text * 2)
    def flush(self): self.out.flush()
saved = sys.stdout
sys.stdout = Twice(sys.stdout)
def f():
    sys.stdout.write("x")
    name = type(sys.stdout).__name__
    sys.stdout = saved
    return name
### codecs and copyreg: f()
import codecs, copyreg, pickle
codecs.register_error("mine", lambda e: ("?!", e.end))
class P:
    def __init__(self, n): self.n = n
def reduce(p): return P, (p.n + 1,)
copyreg.pickle(P, reduce)
def f(): return "é".encode("ascii", "mine"), pickle.loads(pickle.dumps(P(1))).n
### json encoders and csv dialects: f()
import csv, io, json
csv.register_dialect("mine", delimiter="|")
def f():
    out = io.StringIO()
    csv.writer(out, "mine").writerow([1, 2])
    return out.getvalue()
### mimetypes: f()
import mimetypes
mimetypes.add_type("a/b", ".hoist")
def f(): return mimetypes.guess_type("x.hoist")
### sqlite adapters: f()
import sqlite3
class P: pass
sqlite3.register_adapter(P, lambda p: "p")
def f(): return sqlite3.connect(":memory:").execute("select ?", (P(),)).fetchone()
### adapters registered with what the module defines: f()
import json
class Encoder(json.JSONEncoder):
    def default(self, o): return "?"
json.JSONEncoder.default = Encoder.default
def f(): return json.dumps(object())
### an exit function that works with the entry's data: f()
import atexit
LOG = []
def show(x): print("at the end", x, LOG)
def close(): show(1)
atexit.register(close)
def f(): LOG.append(1)
### an exit function as a decorator: f()
import atexit
LOG = []
@atexit.register
def close(): print("at the end", LOG)
def f(): LOG.append(1)
### an exit function that is a method: f()
import atexit
class Log(list):
    def close(self): print("closed", self)
log = Log()
atexit.register(log.close)
def f(): log.append(1)
### an exit function for something else: f()
import atexit
OTHER = []  #-
def close(): OTHER.append("closed")  #-
atexit.register(close)  #-
def f(): return 1
### a working directory: f()
import os, tempfile
folder = tempfile.mkdtemp()
os.chdir(folder)
def f(): return os.path.samefile(os.getcwd(), folder)
### time zones: f()
import os, time
os.environ["TZ"] = "UTC-3"
time.tzset()
def f(): return time.strftime("%H", time.localtime(0))
### garbage collection and faulthandler: f()
import gc, faulthandler
gc.disable()
def f(): return gc.isenabled()
### a start method: f()
import multiprocessing as mp
mp.set_start_method("spawn", force=True)
def f(): return mp.get_start_method()
### event loop policy: f()
import asyncio
class Policy(asyncio.DefaultEventLoopPolicy): pass
asyncio.set_event_loop_policy(Policy())
def f(): return type(asyncio.get_event_loop_policy()).__name__
### default time-outs: f()
import socket
socket.setdefaulttimeout(7)
def f():
    import socket
    return socket.getdefaulttimeout()
### options of a kept module's object: f()
import pprint, reprlib
reprlib.aRepr.maxlist = 2
def f(): return reprlib.repr([1, 2, 3, 4])
### options by a call on a kept module: f()
import string, textwrap, fractions
textwrap.TextWrapper.x_width = 9
def f(): return textwrap.TextWrapper.x_width
### an attribute that is set by a call, of what a call gives: f()
import decimal
assert setattr(decimal.getcontext(), "prec", 5) is None
def f(): return decimal.Decimal(1) / 3
### a set-up whose value is taken: f()
import os, sys
[sys.path.append(p) for p in ("/a", "/b")]
unused = os.environ.setdefault("HOIST_SET_UP", "1")
def f(): return sys.path[-2:], os.environ.get("HOIST_SET_UP")
