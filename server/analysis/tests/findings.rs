//! What the editor says, under the places where it says it.

mod support;

use hoist_analysis::{apply, hoist_edits};
use hoist_syntax::Document;
use support::{Workspace, findings_of, line};

/// The findings as lines: severity, code, what is underlined, message.
fn said(source: &str) -> Vec<String> {
    findings_of(source)
        .iter()
        .map(|finding| line(source, finding))
        .collect()
}

#[test]
fn nested_functions_are_told_apart() {
    let source = "\
class A:
    @staticmethod
    def method(scale):
        limit = 3
        def carried(n):
            return n * limit
        def captures(n):
            return n * scale
        return carried(1) + captures(2)
";
    insta::assert_snapshot!(said(source).join("\n"), @r"
    information HST002 `carried`: `A.method.<locals>.carried` is nested and travels whole, with `limit`
    error HST003 `captures`: `A.method.<locals>.captures` captures `scale` (a parameter of `A.method`), which will not exist in the job; pass it as a parameter, or hoist the function to module level
    ");
}

#[test]
fn a_value_that_is_there_only_sometimes_is_not_carried() {
    let bound = [
        "if scale:\n        limit = 3",
        "if scale: limit = 3",
        "for n in range(scale):\n        limit = 3",
        "try:\n        limit = 3\n    finally:\n        pass",
        "if scale:\n        limit = 3\n        other = 4",
    ];
    for bound in bound {
        let source = format!(
            "def f(scale):\n    {bound}\n    def captures():\n        return limit\n    return captures\n"
        );
        assert_eq!(
            said(&source),
            [
                "error HST003 `captures`: `f.<locals>.captures` captures `limit` (bound in `f` only on a condition), which will not exist in the job; pass it as a parameter, or hoist the function to module level"
            ],
            "{source}"
        );
    }
    let together = "def f(scale):\n    if scale:\n        limit = 3\n        def carried():\n            return limit\n        return carried\n";
    assert_eq!(
        said(together),
        [
            "information HST002 `carried`: `f.<locals>.carried` is nested and travels whole, with `limit`"
        ]
    );
}

#[test]
fn names_that_nothing_binds() {
    let source = "\
import os

try:
    text = unicode
except NameError:
    text = str

def f():
    return missing + only_main + len(os.sep)

if __name__ == '__main__':
    only_main = 1
";
    insta::assert_snapshot!(said(source).join("\n"), @r#"
    error HST004 `missing`: `missing` is bound nowhere in the module and is no builtin; import or define it
    error HST008 `only_main`: `only_main` is bound only under `if __name__ == "__main__":`, which never runs in a job; bind it at module level or pass it as an argument
    "#);
}

#[test]
fn a_name_that_its_author_knows_to_be_bound_nowhere() {
    let source = "\
def f():
    return A + B  # noqa: E501, F821

def g():
    return C  # noqa

def h():
    return D  # noqa: E501
";
    assert_eq!(
        said(source),
        [
            "error HST004 `D`: `D` is bound nowhere in the module and is no builtin; import or define it"
        ]
    );
}

#[test]
fn a_comment_silences() {
    let source = "\
def f(a):
    def g(): return a  # hoist: ignore[HST003]
    # hoist: ignore[HST003]
    def h(): return a
    def i(): return a
";
    assert_eq!(said(source).len(), 1);
}

#[test]
fn the_wrapper_of_a_decorator_gets_no_error() {
    let source = "\
import functools
def logged(f):
    @functools.wraps(f)
    def wrapper(*args): return f(*args)
    return wrapper
";
    assert_eq!(said(source), Vec::<String>::new());
}

#[test]
fn what_is_handed_to_an_object_of_the_function_around_gets_no_error() {
    let source = "\
def make(name):
    app = Flask(name)
    @app.route('/')
    def index(): return app.name
    def other(): return app.name
    return app, other

class Flask: pass
";
    assert_eq!(
        said(source),
        [
            "error HST003 `other`: `make.<locals>.other` captures `app` (computed when `make` runs), which will not exist in the job; pass it as a parameter, or hoist the function to module level"
        ]
    );
}

#[test]
fn a_module_that_is_not_built_is_told_by_its_source() {
    let text = "from ._fast import loop\nfrom ._slow import *\nfrom pkg.deep.core import x\nfrom .none import y\n";
    let workspace = Workspace::new(&[
        ("pkg/__init__.py", ""),
        ("pkg/deep/__init__.py", ""),
        ("pkg/deep/core.c", ""),
        ("pkg/_fast.pyx", ""),
        ("pkg/_slow.pyx.in", ""),
        ("pkg/train.py", text),
    ]);
    let found = workspace.findings("pkg/train.py");
    let said: Vec<String> = found.iter().map(|finding| line(text, finding)).collect();
    insta::assert_snapshot!(said.join("\n"), @r"
    error HST005 `from ._fast import loop`: `._fast` is compiled from `_fast.pyx`, and is not built here: build it, here and on the cluster
    error HST005 `from ._slow import *`: `._slow` is compiled from `_slow.pyx.in`, and is not built here: build it, here and on the cluster
    error HST005 `from pkg.deep.core import x`: `pkg.deep.core` is compiled from `core.c`, and is not built here: build it, here and on the cluster
    error HST005 `from .none import y`: there is no module `.none` in the workspace; add the file or correct the import
    ");
}

#[test]
fn a_module_that_lets_another_stand_in_shows_nobody_knows_what() {
    let text = "from shim import *\n\ndef f():\n    return anything()\n";
    let workspace = Workspace::new(&[
        (
            "shim.py",
            "import sys, json\nsys.modules[__name__] = json\n",
        ),
        ("train.py", text),
    ]);
    let found = workspace.findings("train.py");
    let codes: Vec<String> = found
        .iter()
        .map(|finding| finding.code.to_string())
        .collect();
    assert_eq!(codes, ["HST017"]);
}

#[test]
fn broken_code_gets_its_error_and_what_still_can_be_said() {
    let found = said("def f(a):\n    def g(): return a\n    return g\n\nx = = 1\n");
    assert!(
        found.iter().any(|line| line.starts_with("error HST001")),
        "{found:?}"
    );
    assert!(
        found.iter().any(|line| line.starts_with("error HST003")),
        "{found:?}"
    );
}

#[test]
fn files_and_modules_that_are_not_there() {
    let workspace = Workspace::new(&[
        ("pkg/__init__.py", ""),
        (
            "pkg/train.py",
            "from . import other\nfrom .gone import x\nimport numpy\ndef f():\n    open('data.csv')\n    open('out.txt', 'w')\n    open('/scratch/in.csv')\n",
        ),
    ]);
    let found: Vec<String> = workspace
        .findings("pkg/train.py")
        .iter()
        .map(|finding| format!("{} {}", finding.code, finding.message))
        .collect();
    insta::assert_snapshot!(found.join("\n"), @r"
    HST005 there is no module `.gone` in the workspace; add the file or correct the import
    HST012 `data.csv` does not exist here, so it does not travel; a job has it only if it makes it itself
    HST013 `/scratch/in.csv` is an absolute path: it must exist on the cluster under the same name
    ");
}

#[test]
fn generators_and_methods() {
    let source = "def g():\n    yield 1\n\nclass A:\n    def run(self): pass\n";
    insta::assert_snapshot!(said(source).join("\n"), @r"
    information HST007 `g`: `g` is a generator: a run goes through it to its end, and the result is the list of what it yields
    hint HST006 `run`: `A.run` is a method and needs an instance: it runs with one as its first argument, such as `A(...)`
    ");
}

/// The file after the code action.
fn hoisted(source: &str, qualname: &str) -> String {
    match hoist_edits(&Document::new(source.to_owned()), qualname) {
        Some(fix) => apply(source, &fix.edits),
        None => "cannot be hoisted".to_owned(),
    }
}

#[test]
fn hoisting_passes_what_is_captured() {
    let source = r#"import math

# What it is.
class A:
    def method(self, scale):
        import json
        limit = 3
        def g(n, deep=2):
            """Doc
        indented"""
            text = """
        kept
col 0
"""
# at column 0
            if n == 0:
                return json.dumps([scale, limit, text])
            return g(n - 1,
                     deep=deep)
        print(g(1), g(n=2,), list(map(g, [1])))
        return g
"#;
    insta::assert_snapshot!(hoisted(source, "A.method.<locals>.g"));
}

#[test]
fn hoisting_keeps_a_taken_name_apart_and_a_block_full() {
    let source = "def g(): return 0\n\ndef outer(a):\r\n    if a:\r\n        def g(): return 1\r\n    return g() + a\r\n";
    assert_eq!(
        hoisted(source, "outer.<locals>.g"),
        "def g(): return 0\n\ndef outer_g(): return 1\n\n\ndef outer(a):\r\n    if a:\r\n        pass\n    return outer_g() + a\r\n"
    );
}

#[test]
fn what_is_tied_to_its_place_is_not_hoisted() {
    for source in [
        "def f():\n    n = 0\n    def g():\n        nonlocal n\n        n += 1\n    g()\n",
        "class A:\n    def f(self):\n        def g(): return super().f()\n        return g()\n",
        "class A:\n    def f(self):\n        def g(): return self.__x\n        return g()\n",
        "def f(d):\n    @d\n    def g(): return 1\n    return g()\n",
        "def f(d):\n    def g(n=d): return 1\n    return g()\n",
    ] {
        let name = if source.starts_with("class") {
            "A.f.<locals>.g"
        } else {
            "f.<locals>.g"
        };
        assert_eq!(hoisted(source, name), "cannot be hoisted", "{source}");
    }
}

#[test]
fn a_private_name_is_told_as_it_is_written() {
    let source = "class A:\n    def f(self):\n        return __slots\n";
    let workspace = Workspace::new(&[("train.py", source)]);
    let found = workspace.findings("train.py");
    let unbound: Vec<String> = found
        .iter()
        .filter(|finding| finding.code == hoist_analysis::Code::UnresolvedName)
        .map(|finding| line(source, finding))
        .collect();
    assert_eq!(
        unbound,
        [
            "error HST004 `__slots`: `__slots` is bound nowhere in the module and is no builtin; import or define it"
        ]
    );
}
