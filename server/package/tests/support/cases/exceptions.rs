//! Exceptions, as the user would see them at home.

use hoist_package::Outcome;

use super::{Case, case, fails_with};

pub fn all() -> Vec<Case> {
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
