//! Slices run: what the entry gives on its own is what it gives in its place.

#[path = "../support/mod.rs"]
mod support;

mod changes;
mod data;
mod definitions;
mod modules;
mod nested;
mod statements;

use support::{Workspace, run_all};

/// Checks a table of programmes: name, source, entry, arguments, result.
fn check(table: &[(&str, &str, &str, &str, &str)]) {
    let mut wrong = Vec::new();
    let mut slices = Vec::new();
    let mut expectations = Vec::new();
    for (name, source, entry, args, expected) in table {
        let workspace = Workspace::new(&[("train.py", source)]);
        match workspace.slice("train.py", entry, Some(args)) {
            Ok(slice) => {
                slices.push(slice);
                expectations.push((*name, *expected));
            }
            Err(refusal) => wrong.push(format!(
                "{name}: refused {}: {}",
                refusal.code, refusal.message
            )),
        }
    }
    for ((name, expected), found) in expectations.into_iter().zip(run_all(&slices)) {
        if found != expected {
            wrong.push(format!("{name}: expected {expected}, found {found}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
