//! Code of absurd depth: an answer in reasonable time and on an ordinary stack, never a crash.

use hoist_syntax::{Document, strict};
use std::time::{Duration, Instant};

fn survives(what: &str, text: String) {
    let start = Instant::now();
    let document = Document::new(text);
    let parsed = start.elapsed();
    let scopes = document.scopes();
    for id in scopes.functions().take(100) {
        scopes.captures(id);
        scopes.definition_names(id);
    }
    scopes.globals(scopes.module());
    let read = start.elapsed() - parsed;
    let verdict = strict::check(document.text());
    let all = start.elapsed();
    eprintln!(
        "{what}: parse {parsed:?}, names {read:?}, strict {:?}: {:?}",
        all - read - parsed,
        verdict.map_err(|error| error.message)
    );
    assert!(all < Duration::from_secs(20), "{what} took {all:?}");
}

#[test]
fn deep_code_neither_crashes_nor_takes_forever() {
    const DEPTH: usize = 4_000;
    for (what, open, middle, close) in [
        ("parentheses", "(", "1", ")"),
        ("open parentheses", "(", "", ""),
        ("brackets", "[", "1", "]"),
        ("calls", "f(", "1", ")"),
        ("signs", "-", "1", ""),
        ("not", "not ", "1", ""),
        ("lambdas", "lambda x: ", "x", ""),
        ("lambda defaults", "lambda x=", "1", ": 1"),
        ("conditions", "a if b else ", "c", ""),
        ("powers", "a**", "b", ""),
        ("sums", "a+", "b", ""),
        ("ands", "a and ", "b", ""),
        ("attributes", "", "a", ".b"),
        ("called", "", "a", "()"),
        ("assignments", "a = ", "b", ""),
        ("subscripts", "a[", "0", "]"),
        ("dictionaries", "{1: ", "2", "}"),
        ("comprehensions", "[", "1", " for x in y]"),
        ("iterables", "[x for x in ", "y", "]"),
        ("interpolations", "f'{", "1", "}'"),
        ("awaits", "await ", "x", ""),
        ("decorators", "@a\n", "def f(): pass", ""),
        ("strings", "'a' ", "'b'", ""),
        ("braces", "}", "", "{"),
        ("alternatives", "", "if a: pass\n", "elif b: pass\n"),
        ("classes on one line", "class A: ", "pass", ""),
        ("type bounds", "type X[T: ", "int", "] = int"),
        ("case patterns", "(", "x", ")"),
    ] {
        let body = format!("{}{middle}{}", open.repeat(DEPTH), close.repeat(DEPTH));
        let text = if what == "case patterns" {
            format!("match x:\n    case {body}: pass\n")
        } else {
            format!("{body}\n")
        };
        survives(what, text);
    }
}

#[test]
fn what_is_parsed_before_its_depth_is_known_is_dropped_unharmed() {
    const LENGTH: usize = 64 * 1024 - 1;
    for (what, open, middle, close) in [
        ("open parentheses", "(", "", ""),
        ("parentheses", "(", "1", ")"),
        ("signs", "-", "1", ""),
        ("lambdas", "lambda:", "x", ""),
        ("lambda defaults", "lambda x=", "1", ": 1"),
        ("attributes", "", "a", ".b"),
        ("called", "", "a", "()"),
    ] {
        let many = (LENGTH - middle.len()) / (open.len() + close.len());
        let text = format!("{}{middle}{}\n", open.repeat(many), close.repeat(many));
        assert!(strict::check(&text).is_err(), "{what}");
    }
}

#[test]
fn deep_indentation_neither_crashes_nor_takes_forever() {
    for header in [
        "if a:",
        "def f():",
        "class A:",
        "for x in y:",
        "with a:",
        "try:",
    ] {
        let mut text = String::new();
        for depth in 0..800 {
            text.push_str(&" ".repeat(depth));
            text.push_str(header);
            text.push('\n');
        }
        text.push_str(&" ".repeat(800));
        text.push_str("x\n");
        survives(header, text);
    }
}
