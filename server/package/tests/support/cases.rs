//! Programmes that must run alike under every Python. Each is a user's file, an entry, arguments, and what must come out.

use hoist_package::Outcome;

use super::{Ran, dedent};

/// One programme.
pub struct Case {
    pub name: &'static str,
    pub source: String,
    pub entry: &'static str,
    pub args: &'static str,
    pub check: fn(&Ran),
    /// The first minor version of Python 3 that has what the programme uses.
    pub since: u32,
}

fn case(
    name: &'static str,
    source: &str,
    entry: &'static str,
    args: &'static str,
    check: fn(&Ran),
) -> Case {
    Case {
        name,
        source: dedent(source),
        entry,
        args,
        check,
        since: 6,
    }
}

fn fails_with(ran: &Ran, type_name: &str, message: &str) {
    assert_eq!(
        (ran.code, ran.exit.state),
        (1, Outcome::Failed),
        "{}",
        ran.stderr
    );
    assert_eq!(ran.error(), (type_name.to_owned(), message.to_owned()));
}

pub fn all() -> Vec<Case> {
    let mut cases = values();
    cases.extend(at_home());
    cases.extend(processes());
    cases.extend(failures());
    cases
}

fn values() -> Vec<Case> {
    vec![
        case(
            "arguments are those of a call, in the module's namespace",
            "
            layers = [3, 4]
            def f(*args, **kwargs):
                return args, kwargs
            ",
            "f",
            "1, *layers, lr=0.1, # a comment\n **{'x': [n for n in layers]}",
            |ran| assert_eq!(ran.value(), "((1, 3, 4), {'lr': 0.1, 'x': [3, 4]})"),
        ),
        case(
            "an int of any size is exact",
            "
            def f():
                return 7 ** 9000
            ",
            "f",
            "",
            |ran| {
                assert_eq!(ran.json(), ran.value());
                assert_eq!(ran.json().len(), 7606);
                            },
        ),
        case(
            "what JSON cannot say exactly has no JSON",
            "
            def f(what):
                return {'nan': float('nan'), 'set': {1}, 'key': {1: 2}, 'half': '\\ud800', 'obj': object}[what]
            ",
            "f",
            "'half'",
            |ran| {
                assert_eq!((ran.value(), ran.json()), ("'\\ud800'", ""));
            },
        ),
        case(
            "subclasses count by their data",
            "
            import collections, enum
            class Colour(enum.IntEnum):
                RED = 3
            Point = collections.namedtuple('Point', 'x y')
            def f():
                ordered = collections.OrderedDict([('b', 1), ('a', Colour.RED)])
                ordered.move_to_end('b')
                return [Point(1, -0.0), ordered, collections.Counter('aab'), True, None, 'é\"']
            ",
            "f",
            "",
            |ran| {
                ran.value();
                assert_eq!(ran.json(), r#"[[1,-0.0],{"a":3,"b":1},{"a":2,"b":1},true,null,"\u00e9\""]"#);
            },
        ),
        case(
            "a repr that raises is no failure",
            "
            class Odd:
                def __repr__(self):
                    raise ValueError('no')
            def f():
                return Odd()
            ",
            "f",
            "",
            |ran| {
                assert_eq!(ran.value(), "<train.Odd object whose repr raised ValueError>");
                assert_eq!(ran.result.notes, ["the value's repr raised ValueError"]);
                assert_eq!(ran.result.type_name.as_deref(), Some("Odd"));
            },
        ),
        case(
            "a long repr is cut, with a note",
            "
            def f():
                return 'x' * 3000000
            ",
            "f",
            "",
            |ran| {
                assert!(ran.value().ends_with("xx [... 2000002 more characters]"));
                assert_eq!(ran.value().len(), 1_000_030);
                assert_eq!(ran.json().len(), 3_000_002);
                assert_eq!(ran.result.notes.len(), 1, "{:?}", ran.result.notes);
            },
        ),
        case(
            "a generator is collected",
            "
            def f(n):
                for i in range(n):
                    yield i * i
            ",
            "f",
            "4",
            |ran| assert_eq!(ran.value(), "[0, 1, 4, 9]"),
        ),
        case(
            "a coroutine is awaited",
            "
            import asyncio
            async def f():
                await asyncio.sleep(0.001)
                return await asyncio.gather(g(1), g(2))
            async def g(x):
                return x + 1
            ",
            "f",
            "",
            |ran| assert_eq!(ran.value(), "[2, 3]"),
        ),
        case(
            "an asynchronous generator is collected, and a lambda's coroutine awaited",
            "
            import asyncio
            async def numbers():
                for i in range(3):
                    await asyncio.sleep(0)
                    yield i
            f = lambda: g()
            async def g():
                return [x async for x in numbers()], numbers
            def h():
                return numbers()
            ",
            "h",
            "",
            |ran| assert_eq!(ran.value(), "[0, 1, 2]"),
        ),
        case(
            "a lambda's coroutine is awaited",
            "
            async def g():
                return 5
            f = lambda: g()
            ",
            "f",
            "",
            |ran| assert_eq!(ran.value(), "5"),
        ),
        case(
            "statements give the value of the last expression",
            "
            # -*- coding: latin-1 -*-
            x = 20
            def f(n):
                return n + x
            x += 1
            f(1)
            f(2)
            raise SystemError('after the chosen lines')
            ",
            "5-7",
            "",
            |ran| fails_with(ran, "SystemError", "after the chosen lines"),
        ),
        case(
            "statements end with an expression",
            "
            x = 20
            def f(n):
                return n + x
            x += 1
            f(1); f(2)
            ",
            "4-5",
            "",
            |ran| assert_eq!(ran.value(), "23"),
        ),
        case(
            "statements end without an expression",
            "
            x = 20
            print(x)
            if x:
                x
            ",
            "1-4",
            "",
            |ran| {
                assert_eq!(ran.value(), "None");
                assert_eq!(ran.stdout, "20\n");
            },
        ),
        case(
            "static and class methods, and methods with and without an instance",
            "
            class A:
                factor = 2
                def __init__(self, factor=3):
                    self.factor = factor
                def run(self, x=1):
                    return self.factor * x
                @classmethod
                def make(cls, x):
                    return cls.factor * x
                @staticmethod
                def twice(x):
                    return 2 * x
                @property
                def size(self):
                    return self.factor + 100
            def f():
                return 0
            ",
            "A.run",
            "x=5",
            |ran| assert_eq!(ran.value(), "15"),
        ),
        case(
            "a method with its instance as the first argument",
            "
            class A:
                def __init__(self, factor):
                    self.factor = factor
                def run(self, x):
                    return self.factor * x
            ",
            "A.run",
            "A(7), 6",
            |ran| assert_eq!(ran.value(), "42"),
        ),
        case(
            "a method whose class needs arguments is refused in plain words",
            "
            class A:
                def __init__(self, factor):
                    self.factor = factor
                def run(self):
                    return self.factor
            ",
            "A.run",
            "",
            |ran| {
                assert_eq!((ran.code, ran.exit.state), (3, Outcome::Failed));
                let reason = &ran.exit.reason;
                assert!(reason.starts_with("A.run is a method and A() cannot be called without arguments"), "{reason}");
            },
        ),
        case(
            "a property is read",
            "
            class A:
                @property
                def size(self):
                    return 100
            ",
            "A.size",
            "",
            |ran| assert_eq!(ran.value(), "100"),
        ),
        case(
            "a test of unittest runs with its setUp",
            "
            import unittest
            class Tests(unittest.TestCase):
                def setUp(self):
                    self.x = 1
                def test_x(self):
                    print('ran')
                    self.assertEqual(self.x, 2)
            ",
            "Tests.test_x",
            "",
            |ran| {
                fails_with(ran, "AssertionError", "1 != 2");
                assert_eq!(ran.stdout, "ran\n");
                assert_eq!(ran.frames()[0], "train.py:7 test_x");
            },
        ),
    ]
}

fn at_home() -> Vec<Case> {
    vec![
        case(
            "the module has its name, its file and its place",
            "
            import inspect, importlib, linecache, os, pickle, sys, threading
            class Model:
                pass
            def f():
                assert sys.modules['train'].f is f
                assert sys.argv == [__file__] and os.path.basename(__file__) == 'train.py'
                assert os.getcwd() == os.path.dirname(__file__) == sys.path[0]
                assert __spec__.name == 'train' and __package__ == ''
                assert 'class Model' in inspect.getsource(Model) and 'getsource' in inspect.getsource(f)
                assert type(pickle.loads(pickle.dumps(Model()))) is Model
                assert linecache.getline(__file__, 1).startswith('import inspect')
                assert importlib.reload(sys.modules[__name__]).f is not None
                assert not [name for name in sys.modules if 'hoist' in name]
                assert not [path for path in sys.path if path.endswith('.zip') and 'python' not in path]
                assert threading.current_thread() is threading.main_thread()
                return __name__
            if __name__ == '__main__':
                raise SystemExit('the guarded part ran')
            ",
            "f",
            "",
            |ran| assert_eq!(ran.value(), "'train'"),
        ),
        case(
            "__main__ is the module, too",
            "
            import doctest, timeit, __main__
            def double(x):
                '''
                >>> double(4)
                8
                '''
                return 2 * x
            def f():
                assert timeit.timeit('double(2)', setup='from __main__ import double', number=3) >= 0
                assert __main__.double is double and __main__.__file__ == __file__
                __main__.extra = 5
                return extra, tuple(doctest.testmod())
            ",
            "f",
            "",
            |ran| assert_eq!(ran.value(), "(5, (0, 1))"),
        ),
        case(
            "text is UTF-8 and shown line by line",
            "
            import sys, os, subprocess
            def f():
                print('Grüße \\U0001f600')
                print('half \\ud800')
                sys.stdout.write('no end of line')
                sys.stdout.flush()
                os.write(1, b' from C\\n')
                subprocess.check_call([sys.executable, '-c', 'print(\"fr\\xfch\"); import sys; sys.stderr.write(\"e\\\\n\")'])
                print('closing')
                sys.stdout.close()
                try:
                    print('lost')
                except ValueError as error:
                    return str(error)
            ",
            "f",
            "",
            |ran| {
                assert_eq!(ran.value(), "'I/O operation on closed file.'");
                assert_eq!(ran.stdout, "Grüße 😀\nhalf \\ud800\nno end of line from C\nfrüh\nclosing\n");
                assert_eq!(ran.stderr, "e\n");
            },
        ),
        case(
            "logging, threads, atexit and daemons end as at home",
            "
            import atexit, logging, threading, time
            logging.basicConfig(level='INFO')
            atexit.register(print, 'atexit')
            def later():
                time.sleep(0.05)
                print('thread')
            def f():
                logging.getLogger(__name__).info('from %s', __name__)
                threading.Thread(target=later).start()
                threading.Thread(target=time.sleep, args=(100,), daemon=True).start()
                return 1
            ",
            "f",
            "",
            |ran| {
                assert_eq!(ran.value(), "1");
                assert_eq!(ran.stdout, "thread\natexit\n");
                assert_eq!(ran.stderr, "INFO:train:from train\n");
            },
        ),
        case(
            "what the job writes is kept",
            "
            import os
            def f():
                os.makedirs('out/deep')
                for name in ('out/deep/a.txt', 'model.bin'):
                    with open(name, 'w') as file:
                        file.write('12345')
                os.symlink('/etc/passwd', 'link')
            ",
            "f",
            "",
            |ran| {
                assert_eq!(ran.value(), "None");
                let files: Vec<(&str, u64)> =
                    ran.result.files.iter().map(|file| (file.path.as_str(), file.size)).collect();
                assert_eq!(files, [("model.bin", 5), ("out/deep/a.txt", 5)]);
                assert_eq!(ran.job.read("files/out/deep/a.txt"), "12345");
            },
        ),
    ]
}

fn processes() -> Vec<Case> {
    let mut cases = vec![
        case(
            "subprocesses of the same Python find the module and write as they go",
            "
            import subprocess, sys
            VALUE = 42
            def f():
                return subprocess.check_output([sys.executable, '-c', 'import train; print(train.VALUE)']).strip()
            ",
            "f",
            "",
            |ran| assert_eq!(ran.value(), "b'42'"),
        ),
        case(
            "executors of concurrent.futures",
            "
            from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
            def square(x):
                return x * x
            def f():
                with ProcessPoolExecutor(2) as processes, ThreadPoolExecutor(2) as threads:
                    return list(processes.map(square, range(4))) + list(threads.map(square, range(2)))
            ",
            "f",
            "",
            |ran| assert_eq!(ran.value(), "[0, 1, 4, 9, 0, 1]"),
        ),
        case(
            "a terminated process of multiprocessing dies as at home",
            "
            import multiprocessing, time
            def f():
                process = multiprocessing.get_context('fork').Process(target=time.sleep, args=(100,))
                process.start()
                process.terminate()
                process.join()
                return process.exitcode
            ",
            "f",
            "",
            |ran| assert_eq!(ran.value(), "-15"),
        ),
    ];
    for (name, args) in [
        ("multiprocessing by fork", "'fork'"),
        ("multiprocessing by spawn", "'spawn'"),
        ("multiprocessing by forkserver", "'forkserver'"),
    ] {
        cases.push(case(
            name,
            "
            import multiprocessing, os
            print('top level', __name__, os.getpid() == int(os.environ.setdefault('TOP', str(os.getpid()))))
            class Point:
                def __init__(self, x):
                    self.x = x
            def move(point):
                return Point(point.x + 1)
            def f(method):
                context = multiprocessing.get_context(method)
                with context.Pool(2) as pool:
                    moved = pool.map(move, [Point(1), Point(2)])
                assert all(type(point) is Point for point in moved)
                queue = context.Queue()
                process = context.Process(target=put, args=(queue,))
                process.start()
                value = queue.get()
                process.join()
                return [point.x for point in moved], value, process.exitcode
            def put(queue):
                queue.put(__name__)
            ",
            "f",
            args,
            |ran| {
                assert_eq!(ran.value(), "([2, 3], 'train', 0)");
                // A spawned child imports the module once, under its own name, and never runs it as __main__.
                assert!(ran.stdout.starts_with("top level train True\n"), "{}", ran.stdout);
                assert!(!ran.stdout.contains("mp_main"), "{}", ran.stdout);
            },
        ));
    }
    cases
}

fn failures() -> Vec<Case> {
    let mut cases = vec![
        case(
            "an exception has the user's frames and lines",
            "
            import json
            class Odd(ValueError):
                pass
            def inner(x):
                raise Odd('bad %d' % x)
            def f():
                print('before')
                return inner(3)
            ",
            "f",
            "",
            |ran| {
                fails_with(ran, "Odd", "bad 3");
                assert_eq!(ran.frames(), ["train.py:8 f", "train.py:5 inner"]);
                let traceback = &ran.result.error.as_ref().unwrap().traceback;
                assert!(traceback.starts_with("Traceback (most recent call last):\n  File \"train.py\", line 8, in f\n    return inner(3)\n"), "{traceback}");
                assert!(traceback.ends_with("train.Odd: bad 3\n"), "{traceback}");
                assert_eq!(&ran.stderr, traceback);
                assert_eq!(ran.exit.reason, "Odd: bad 3");
            },
        ),
        case(
            "causes and contexts are shown, without the runner",
            "
            def f():
                try:
                    try:
                        {}['x']
                    except KeyError as error:
                        raise TypeError('second') from error
                except TypeError:
                    raise RuntimeError('third')
            ",
            "f",
            "",
            |ran| {
                fails_with(ran, "RuntimeError", "third");
                let text = &ran.stderr;
                assert!(
                    text.contains("KeyError: 'x'\n\nThe above exception was the direct cause"),
                    "{text}"
                );
                assert!(
                    text.contains("During handling of the above exception"),
                    "{text}"
                );
                assert!(!text.contains("hoist") && !text.contains(".zip"), "{text}");
            },
        ),
        case(
            "deep recursion is bounded",
            "
            import sys
            def ping(n):
                return pong(n)
            def pong(n):
                return ping(n)
            def f():
                sys.setrecursionlimit(3000)
                return ping(1)
            ",
            "f",
            "",
            |ran| {
                assert_eq!(ran.exit.state, Outcome::Failed, "{}", ran.stderr);
                assert_eq!(ran.error().0, "RecursionError");
                assert!(
                    ran.frames().len() <= 200 && ran.stderr.len() < 40_000,
                    "{}",
                    ran.stderr.len()
                );
                assert!(
                    ran.stderr.contains("earlier calls are not shown"),
                    "{}",
                    ran.stderr
                );
            },
        ),
        case(
            "an exception that cannot be shown",
            "
            class Odd(Exception):
                def __str__(self):
                    raise ZeroDivisionError
            def f():
                raise Odd
            ",
            "f",
            "",
            |ran| {
                fails_with(ran, "Odd", "<its message raised ZeroDivisionError>");
                assert_eq!(ran.frames(), ["train.py:5 f"]);
            },
        ),
        case(
            "a message of a megabyte is cut, and the reason is a sentence",
            "
            def f():
                raise ValueError('é' * 1000000 + '\\nmore')
            ",
            "f",
            "",
            |ran| {
                assert_eq!((ran.code, ran.exit.state), (1, Outcome::Failed));
                assert!(ran.error().1.len() < 200_000, "{}", ran.error().1.len());
                assert!(ran.exit.reason.starts_with("ValueError: \u{e9}\u{e9}"));
                assert!(ran.exit.reason.chars().count() <= 1003);
            },
        ),
        case(
            "a call with the wrong arguments is an error at the def",
            "
            # The second line is the entry's.
            def f(x):
                return x
            ",
            "f",
            "",
            |ran| {
                fails_with(
                    ran,
                    "TypeError",
                    "f() missing 1 required positional argument: 'x'",
                );
                assert_eq!(ran.frames(), ["train.py:2 f"]);
            },
        ),
        case(
            "arguments that raise",
            "
            def f(x):
                return x
            ",
            "f",
            "1 / 0",
            |ran| {
                assert_eq!((ran.code, ran.exit.state), (3, Outcome::Failed));
                assert_eq!(
                    ran.error(),
                    (
                        "ZeroDivisionError".to_owned(),
                        "division by zero".to_owned()
                    )
                );
                assert_eq!(ran.frames(), ["<arguments>:1 <module>"]);
                assert_eq!(
                    ran.exit.reason,
                    "the arguments raised ZeroDivisionError: division by zero"
                );
            },
        ),
        case(
            "arguments that are none",
            "
            def f(x):
                return x
            ",
            "f",
            "1,, 2",
            |ran| {
                assert_eq!((ran.code, ran.exit.state), (3, Outcome::Failed));
                let reason = &ran.exit.reason;
                assert!(
                    reason.starts_with("the arguments `1,, 2` are no argument list of Python"),
                    "{reason}"
                );
            },
        ),
        case(
            "the entry is not there",
            "
            def f():
                return 1
            del f
            ",
            "f",
            "",
            |ran| {
                assert_eq!((ran.code, ran.exit.state), (3, Outcome::Failed));
                assert!(
                    ran.exit
                        .reason
                        .starts_with("train.py has no f after its top level has run")
                );
            },
        ),
        case(
            "an error at the top level",
            "
            def f():
                return 1
            x = int('seven')
            ",
            "f",
            "",
            |ran| {
                fails_with(
                    ran,
                    "ValueError",
                    "invalid literal for int() with base 10: 'seven'",
                );
                assert_eq!(ran.frames(), ["train.py:3 <module>"]);
            },
        ),
        case(
            "a syntax error",
            "
            def f():
                return 1 +
            ",
            "f",
            "",
            |ran| {
                assert_eq!(
                    (ran.code, ran.error()),
                    (1, ("SyntaxError".to_owned(), "invalid syntax".to_owned()))
                );
                assert_eq!(ran.frames(), ["train.py:2 <module>"]);
                assert!(
                    ran.stderr.contains("File \"train.py\", line 2"),
                    "{}",
                    ran.stderr
                );
            },
        ),
        case(
            "a missing module",
            "
            def f():
                import no_such_module
            ",
            "f",
            "",
            |ran| {
                fails_with(
                    ran,
                    "ModuleNotFoundError",
                    "No module named 'no_such_module'",
                );
                assert_eq!(ran.frames(), ["train.py:2 f"]);
            },
        ),
        case(
            "sys.exit(3)",
            "
            import sys
            def f():
                sys.exit(3)
            ",
            "f",
            "",
            |ran| {
                fails_with(
                    ran,
                    "SystemExit",
                    "the programme ended itself with exit status 3",
                )
            },
        ),
        case(
            "sys.exit with a text",
            "
            import sys
            def f():
                sys.exit('no data')
            ",
            "f",
            "",
            |ran| {
                fails_with(ran, "SystemExit", "no data");
                assert_eq!(ran.stderr, "no data\n");
            },
        ),
        case(
            "sys.exit()",
            "
            import sys
            def f():
                sys.exit()
            ",
            "f",
            "",
            |ran| {
                assert_eq!(ran.value(), "None");
                assert_eq!(
                    ran.result.notes,
                    ["it ended by SystemExit with status 0 and so has no value"]
                );
            },
        ),
        case(
            "os._exit",
            "
            import os
            def f():
                os._exit(0)
            ",
            "f",
            "",
            |ran| {
                assert_eq!((ran.code, ran.exit.state), (1, Outcome::Crashed));
                assert!(
                    ran.exit
                        .reason
                        .starts_with("the process ended itself with exit status 0 before")
                );
            },
        ),
        case(
            "KeyboardInterrupt of its own",
            "
            def f():
                raise KeyboardInterrupt
            ",
            "f",
            "",
            |ran| fails_with(ran, "KeyboardInterrupt", ""),
        ),
        case(
            "a memory that is full",
            "
            def f():
                x = [0] * 10
                return x * (1 << 60)
            ",
            "f",
            "",
            |ran| {
                fails_with(ran, "MemoryError", "");
                assert_eq!(ran.frames(), ["train.py:3 f"]);
            },
        ),
        case(
            "an exception of a coroutine is without asyncio's frames at its head",
            "
            async def g():
                raise ValueError(1)
            async def f():
                await g()
            ",
            "f",
            "",
            |ran| {
                fails_with(ran, "ValueError", "1");
                assert_eq!(ran.frames(), ["train.py:4 f", "train.py:2 g"]);
            },
        ),
        case(
            "the programme's own excepthook is asked",
            "
            import sys
            def hook(kind, error, tb):
                print('hook', kind.__name__, tb.tb_frame.f_code.co_name)
            sys.excepthook = hook
            def f():
                raise ValueError(1)
            ",
            "f",
            "",
            |ran| {
                fails_with(ran, "ValueError", "1");
                assert_eq!(
                    (ran.stdout.as_str(), ran.stderr.as_str()),
                    ("hook ValueError f\n", "")
                );
            },
        ),
        case(
            "a segmentation fault tells where",
            "
            import ctypes
            def inner():
                ctypes.string_at(0)
            def f():
                inner()
            ",
            "f",
            "",
            |ran| {
                assert_eq!((ran.code, ran.exit.state), (139, Outcome::Crashed));
                assert_eq!(ran.error().0, "SIGSEGV");
                assert_eq!(ran.frames()[0], "train.py:5 f");
                assert_eq!(ran.frames()[1], "train.py:3 inner");
                assert!(
                    ran.stderr
                        .contains("hoist: the process crashed (SIGSEGV, a segmentation fault)"),
                    "{}",
                    ran.stderr
                );
            },
        ),
        case(
            "killed from outside",
            "
            import os, signal
            def f():
                os.kill(os.getpid(), signal.SIGKILL)
            ",
            "f",
            "",
            |ran| {
                assert_eq!((ran.code, ran.exit.state), (137, Outcome::Crashed));
                assert!(
                    ran.exit.reason.contains("most often for using more memory"),
                    "{}",
                    ran.exit.reason
                );
            },
        ),
        case(
            "closed file descriptors do not lose the result",
            "
            import os
            def f():
                os.closerange(0, 200)
                return 9
            ",
            "f",
            "",
            |ran| assert_eq!(ran.value(), "9"),
        ),
        case(
            "no file descriptors are left",
            "
            import os
            def f():
                held = []
                while True:
                    held.append(os.open('/dev/null', os.O_RDONLY))
            ",
            "f",
            "",
            |ran| {
                assert_eq!((ran.code, ran.exit.state), (1, Outcome::Failed));
                assert_eq!(ran.error().0, "OSError");
            },
        ),
    ];
    cases.push(Case {
        since: 11,
        ..case(
            "an exception group is shown whole, with columns",
            "
            def f():
                errors = [ValueError(1), KeyError('x')]
                raise ExceptionGroup('several', errors)
            ",
            "f",
            "",
            |ran| {
                assert_eq!(ran.error().0, "ExceptionGroup");
                assert!(ran.stderr.contains("| KeyError: 'x'"), "{}", ran.stderr);
                let frame = &ran.result.error.as_ref().unwrap().frames[0];
                assert_eq!(
                    (frame.line, frame.column, frame.end_column, frame.user),
                    (3, Some(4), Some(43), true)
                );
            },
        )
    });
    cases
}
