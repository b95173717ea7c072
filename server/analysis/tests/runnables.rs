//! What can run in a file.

use std::path::Path;

use hoist_analysis::{Module, Runnable, RunnableKind, runnables};
use hoist_syntax::Document;

fn of(text: &str) -> Vec<Runnable> {
    let document = Document::new(text.to_owned());
    runnables(&Module {
        path: Path::new("/w/train.py"),
        document: &document,
        workspace: Path::new("/w"),
        environment: None,
    })
}

fn names(text: &str) -> Vec<String> {
    of(text)
        .into_iter()
        .map(|runnable| runnable.qualname)
        .collect()
}

#[test]
fn functions_and_what_can_be_reached_like_them() {
    let text = r#"
class A:
    def method(self):
        def g(n):
            return n
        return g(1)
    @staticmethod
    def static(x): return x
    @classmethod
    def make(cls, x): return x
    @property
    def size(self): return 1

square = lambda x: x * x
async def later(): pass

if __name__ == "__main__":
    def only_here(): pass
"#;
    let found: Vec<_> = of(text)
        .into_iter()
        .map(|r| (r.qualname, r.kind, r.line))
        .collect();
    assert_eq!(
        found,
        [
            ("A.method.<locals>.g".to_owned(), RunnableKind::Nested, 3),
            ("A.static".to_owned(), RunnableKind::StaticMethod, 7),
            ("A.make".to_owned(), RunnableKind::ClassMethod, 9),
            ("square".to_owned(), RunnableKind::Lambda, 13),
            ("later".to_owned(), RunnableKind::Function, 14),
        ]
    );
}

#[test]
fn of_two_definitions_the_last_counts() {
    let text = "def f(a): pass\n\ndef f(b): pass\n";
    let found = of(text);
    assert_eq!(found.len(), 1);
    assert_eq!(
        (found[0].line, found[0].required.as_slice()),
        (2, &["b".to_owned()][..])
    );
}

#[test]
fn nested_functions_run_when_what_they_capture_travels() {
    let text = r#"
def outer(parameter):
    import math
    limit = 3
    table = {"a": 1}
    computed = helper(1)
    for item in []: pass
    def helper(x): return x + limit
    def safe(n): return helper(n) * math.pi + safe(n - 1)
    def reads_table(): return table["a"]
    def unsafe(): return parameter
    def unsafe_too(): return computed
    def loops(): return item
"#;
    assert_eq!(
        names(text),
        [
            "outer",
            "outer.<locals>.helper",
            "outer.<locals>.safe",
            "outer.<locals>.reads_table"
        ]
    );
}

#[test]
fn a_list_that_the_outer_function_fills_does_not_travel() {
    let filled = "def f():\n    xs = []\n    xs.append(1)\n    def g(): return xs\n";
    assert_eq!(names(filled), ["f"]);
    let own = "def f():\n    xs = []\n    def g(): xs.append(1); return xs\n    return g()\n";
    assert_eq!(names(own), ["f", "f.<locals>.g"]);
}

#[test]
fn comments_and_decorators_set_the_run() {
    let text = r#"
# hoist: target=slurm cores=8 memory=16G time=2h args(lr=0.1, name="a)b")
@cache
# hoist: partition="long queue"
def train(lr, name): pass

@cluster(cores=4, memory='16GB', time="02:00:00", parallel=True)
def old(): pass
"#;
    let found = of(text);
    let first = &found[0].directives;
    assert_eq!(first.target.as_deref(), Some("slurm"));
    assert_eq!(first.args.as_deref(), Some(r#"lr=0.1, name="a)b""#));
    let resources: Vec<_> = first
        .resources
        .iter()
        .map(|(k, v)| format!("{k}={v}"))
        .collect();
    assert_eq!(
        resources,
        ["cores=8", "memory=16G", "partition=long queue", "time=2h"]
    );
    let resources: Vec<_> = found[1]
        .directives
        .resources
        .iter()
        .map(|(k, v)| format!("{k}={v}"))
        .collect();
    assert_eq!(resources, ["cores=4", "memory=16GB", "time=02:00:00"]);
}

#[test]
fn broken_code_keeps_the_functions_that_stand() {
    let text = "def a():\n    return 1\n\nx = (\n\ndef b():\n    return 2\n";
    assert!(names(text).contains(&"a".to_owned()));
}
