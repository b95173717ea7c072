//! Ends of a process: exits, signals, a full memory, files that are closed.

use hoist_package::Outcome;

use super::{Case, case, fails_with};

pub fn all() -> Vec<Case> {
    vec![
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
    ]
}
