//! Names as a reader of the user's file sees them: one small module per rule.

use hoist_syntax::Document;
use hoist_syntax::scopes::{ScopeId, Scopes};
use std::sync::Arc;

fn scopes(text: &str) -> Arc<Scopes> {
    Document::new(text.to_owned()).scopes()
}

fn function(scopes: &Scopes, qualname: &str) -> ScopeId {
    let mut functions = scopes.functions();
    functions
        .find(|id| scopes.get(*id).qualname == qualname)
        .unwrap_or_else(|| panic!("no function {qualname}"))
}

#[track_caller]
fn names(text: &str, qualname: &str, captures: &[&str], globals: &[&str]) {
    let scopes = scopes(text);
    let id = function(&scopes, qualname);
    assert_eq!(scopes.captures(id), captures, "captures");
    assert_eq!(scopes.globals(id), globals, "globals");
}

#[test]
fn super_needs_the_class_of_the_method() {
    names(
        "class A:\n    def f(self): return super().f()\n",
        "A.f",
        &["__class__"],
        &["super"],
    );
    names("def f(): super\n", "f", &[], &["__class__", "super"]);
}

#[test]
fn names_of_a_class_are_not_seen_in_its_methods() {
    names(
        "class A:\n    x = 1\n    def f(self): return x\n",
        "A.f",
        &[],
        &["x"],
    );
}

#[test]
fn private_names_are_mangled_with_the_innermost_class() {
    names(
        "def f():\n    __a = 1\n    class B:\n        def g(self): return __a, __b\n",
        "f.<locals>.B.g",
        &[],
        &["_B__a", "_B__b"],
    );
}

#[test]
fn a_nested_function_captures_through_the_function_between() {
    let text =
        "def f(x):\n    def g():\n        def h(): return x\n        return h\n    return g\n";
    names(text, "f.<locals>.g", &["x"], &[]);
    names(text, "f.<locals>.g.<locals>.h", &["x"], &[]);
}

#[test]
fn a_global_statement_hides_the_variable_of_the_function_around() {
    names(
        "def f(x):\n    def g():\n        global x\n        return x\n    return g\n",
        "f.<locals>.g",
        &[],
        &["x"],
    );
}

#[test]
fn a_function_that_is_declared_global_has_a_short_name() {
    let scopes = scopes("def f():\n    global g\n    def g(): pass\n    def h(): pass\n");
    let all: Vec<_> = scopes
        .functions()
        .map(|id| scopes.get(id).qualname.clone())
        .collect();
    assert_eq!(all, ["f", "g", "f.<locals>.h"]);
}

#[test]
fn annotations_under_the_future_import_are_names_of_nothing() {
    let text =
        "from __future__ import annotations\ndef f(a: A) -> B:\n    c: C = 1\n    return d\n";
    names(text, "f", &[], &["d"]);
    let scopes = scopes(text);
    assert_eq!(
        scopes.definition_names(function(&scopes, "f")),
        Vec::<String>::new()
    );
}

#[test]
fn what_a_definition_reads_is_not_what_its_body_reads() {
    let text = "@deco(a)\ndef f(x: T = d, *, k=lambda y: y + z) -> R:\n    return body\n";
    let scopes = scopes(text);
    let f = function(&scopes, "f");
    assert_eq!(
        scopes.definition_names(f),
        ["R", "T", "a", "d", "deco", "z"]
    );
    assert_eq!(scopes.globals(f), ["body"]);
}

#[test]
fn a_walrus_in_a_comprehension_binds_in_the_function() {
    names(
        "def f(xs):\n    any((y := x) for x in xs)\n    return lambda: y\n",
        "f",
        &[],
        &["any"],
    );
}

#[test]
fn captures_of_a_case_are_local_and_dotted_names_are_values() {
    let text = "def f(x):\n    match x:\n        case [a, *b] | {'k': a, **b} as w if g: return w\n        case A.B(p=q): return q\n";
    names(text, "f", &[], &["A", "g"]);
}

#[test]
fn broken_code_keeps_the_functions_around_the_break() {
    let scopes = scopes("def f():\n    return a\n\nx = (1 +\n\ndef g():\n    return b\n");
    let all: Vec<_> = scopes
        .functions()
        .map(|id| scopes.get(id).qualname.clone())
        .collect();
    assert!(all.contains(&"f".to_owned()), "{all:?}");
}

#[test]
fn an_attribute_of_a_type_is_assigned_and_no_type_declared() {
    names("def f(m, p):\n    type(m).foo = p\n", "f", &[], &["type"]);
}

#[test]
fn spellings_that_python_takes_for_the_same_are_one_name() {
    names(
        "def f():\n    return ｗｉｄｔｈ, ﬁ\n",
        "f",
        &[],
        &["fi", "width"],
    );
}

#[test]
fn a_line_in_brackets_may_stand_left_of_its_block() {
    let text = "class A:\n    def f(self):\n        print(a +  # é: why\nb)\n        return c\n\n    def g(self): pass\n";
    names(text, "A.f", &[], &["a", "b", "c", "print"]);
    names(text, "A.g", &[], &[]);
}

#[test]
fn type_parameters_are_variables_of_a_scope_around_the_function() {
    let text = "def f[T: (A, B), *Ts, **P](x: T, y=d) -> R:\n    return T, U\n";
    names(text, "f", &["T"], &["U"]);
    let scopes = scopes(text);
    // Bounds are evaluated when somebody asks for them, not by the `def`.
    assert_eq!(scopes.definition_names(function(&scopes, "f")), ["R", "d"]);
}

#[test]
fn new_syntax_is_read() {
    names("def f():\n    return t'{a!r:{b}}'\n", "f", &[], &["a", "b"]);
    names(
        "def f():\n    return f'{x!r:{'nested' + y}}'\n",
        "f",
        &[],
        &["x", "y"],
    );
    names(
        "def f():\n    try: a\n    except B, C: pass\n",
        "f",
        &[],
        &["B", "C", "a"],
    );
    names(
        "def f():\n    type X[T] = list[T]\n    return X\n",
        "f",
        &[],
        &["list"],
    );
}
