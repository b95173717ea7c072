//! What can be run: statements, methods of all kinds, properties, tests.

use hoist_package::Outcome;

use super::{Case, case, fails_with};

pub fn all() -> Vec<Case> {
    vec![
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
                assert!(
                    reason.starts_with(
                        "A.run is a method and A() cannot be called without arguments"
                    ),
                    "{reason}"
                );
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
