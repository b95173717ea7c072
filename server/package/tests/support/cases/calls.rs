//! Calls that do not come to pass: arguments, entries and modules with mistakes.

use hoist_package::Outcome;

use super::{Case, case, fails_with};

pub fn all() -> Vec<Case> {
    vec![
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
    ]
}
