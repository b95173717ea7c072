//! What comes back: values, their text and their JSON; what is collected and awaited.

use super::{Case, case};

pub fn all() -> Vec<Case> {
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
            "a value of the module's own class is pickled under the module's name",
            "
            class Point:
                def __init__(self, x):
                    self.x = x
            def f():
                return Point(3)
            ",
            "f",
            "",
            |ran| {
                ran.value();
                let pickle = ran.result.pickle.as_ref().unwrap();
                let bytes = std::fs::read(ran.job.folder.join("result.pickle")).unwrap();
                assert_eq!(pickle.size, bytes.len() as u64);
                assert!(bytes.starts_with(b"\x80\x04"), "{bytes:?}");
                assert!(bytes.windows(5).any(|part| part == b"train") && !bytes.windows(8).any(|part| part == b"__main__"));
                assert!(pickle.data.is_some() && ran.result.pickle_problem.is_none());
            },
        ),
        case(
            "what cannot be pickled is said and is no failure",
            "
            import sys
            class Odd:
                def __reduce__(self):
                    print('asked')
                    sys.exit('no way')
            def f(what):
                return {'odd': Odd(), 'module': sys, 'local': lambda: 1}[what]
            ",
            "f",
            "'odd'",
            |ran| {
                ran.value();
                assert_eq!(ran.stdout, "asked\n");
                assert_eq!(ran.result.pickle_problem.as_deref(), Some("SystemExit: no way"));
                assert!(ran.result.pickle.is_none() && !ran.job.folder.join("result.pickle").exists());
            },
        ),
        case(
            "a value whose pickling kills the process is still the value",
            "
            import os
            class Deadly:
                def __reduce__(self):
                    os.kill(os.getpid(), 9)
                def __repr__(self):
                    return 'deadly'
            def f():
                return Deadly()
            ",
            "f",
            "",
            |ran| {
                assert_eq!(ran.value(), "deadly");
                assert_eq!(ran.result.pickle_problem.as_deref(), Some("the process ended while it was made"));
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
    ]
}
