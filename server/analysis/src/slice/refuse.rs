//! Refusals and the sentences in them.

use std::ops::Range;

use hoist_syntax::strict::SyntaxError;

use super::types::Refusal;
use crate::captures::{Obstacle, names_of};
use crate::{Code, EntrySpec, Finding, Severity};

/// A refusal about one place; `line` counts from 1.
pub(crate) fn refusal(
    code: Code,
    message: String,
    line: Option<u32>,
    range: Range<usize>,
    entry: Option<&EntrySpec>,
) -> Refusal {
    let finding = Finding {
        code,
        severity: Severity::Error,
        message: message.clone(),
        range,
        entry: entry.cloned(),
        fixes: Vec::new(),
    };
    Refusal {
        code,
        message,
        line,
        findings: vec![finding],
        can_force: false,
    }
}

/// A file that does not parse.
pub(super) fn syntax(error: &SyntaxError) -> Refusal {
    let line = error.line + 1;
    let message = format!("the file does not parse: line {line}: {}", error.message);
    refusal(
        Code::SyntaxError,
        message,
        Some(line),
        error.range.clone(),
        None,
    )
}

/// `a`, `b` and `c` in words.
pub(crate) fn listed(names: &[String]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    match quoted.as_slice() {
        [] => String::new(),
        [only] => only.clone(),
        [rest @ .., last] => format!("{} and {last}", rest.join(", ")),
    }
}

/// Why a nested function cannot run on its own: one sentence.
pub(crate) fn obstacles_in_words(qualname: &str, obstacles: &[Obstacle]) -> String {
    let values: Vec<String> = obstacles
        .iter()
        .filter_map(|obstacle| match obstacle {
            Obstacle::Value { name, owner, why } => {
                Some(format!("`{name}` ({})", why.words(owner)))
            }
            _ => None,
        })
        .collect();
    if !values.is_empty() {
        let them = if values.len() == 1 {
            "it as a parameter"
        } else {
            "them as parameters"
        };
        return format!(
            "`{qualname}` captures {}, which will not exist in the job; pass {them}, or hoist the function to module level",
            values.join(", ")
        );
    }
    let names = listed(&names_of(obstacles));
    match obstacles.first() {
        Some(Obstacle::Class(_)) => format!(
            "`{qualname}` uses {names} of the class around it, which it would not have outside of it; make it a method of its own"
        ),
        Some(Obstacle::Private(_)) => format!(
            "`{qualname}` uses {names}, which is private to the class around it and would be another name outside of it; rename it without the two underscores"
        ),
        Some(Obstacle::Nonlocal(_)) => format!(
            "`{qualname}` changes {names} of the function around it by `nonlocal`, which will not exist in the job; return the value instead"
        ),
        Some(Obstacle::Enclosing(_)) => format!(
            "`{qualname}` needs {names}, inside of which it stands; hoist it to module level to run it"
        ),
        _ => format!(
            "`{qualname}` needs {names} of the function around it and something else of the same name at module level; rename one of them"
        ),
    }
}

/// The code for a list of obstacles.
pub(crate) fn code_of(obstacles: &[Obstacle]) -> Code {
    match obstacles
        .iter()
        .any(|obstacle| matches!(obstacle, Obstacle::Value { .. } | Obstacle::Nonlocal(_)))
    {
        true => Code::NestedCaptures,
        false => Code::MeaningChanges,
    }
}
