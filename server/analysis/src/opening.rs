//! The edit that puts statements at the beginning of a function.

use hoist_syntax::Document;

use crate::Edit;
use crate::python::{ast, range_of, start_of};
use ast::{Expr, Stmt};

/// Puts simple statements before all that a function does, behind its docstring. `comment` goes along where they get lines of
/// their own; `lost` is the indentation that the function loses at the same time. None when there is no place for them.
pub(crate) fn at_start_of(
    document: &Document,
    function: &ast::StmtFunctionDef,
    statements: &[String],
    comment: &str,
    lost: &str,
) -> Option<Edit> {
    let text = document.text();
    let lines = document.lines();
    let first = function.body.first()?;
    let (docstring, next) = match is_docstring(first) {
        true => (Some(range_of(first).end), function.body.get(1)?),
        false => (None, first),
    };
    let start = start_of(next);
    let line = lines.line_of(start);
    let indentation = text.get(lines.line_start(line)..start)?;
    let above = text.get(..lines.line_start(line))?;
    let goes_on = above.trim_end_matches(['\n', '\r']).ends_with('\\');
    if goes_on || !indentation.bytes().all(|byte| matches!(byte, b' ' | b'\t')) {
        // `def f(): return x`, or behind a `;`.
        let joined = statements.iter().map(|statement| format!("{statement}; "));
        return is_simple(next).then(|| Edit {
            range: start..start,
            text: joined.collect(),
        });
    }
    let is_blank = |line: u32| {
        let content = text.get(lines.line_range(text, line)).unwrap_or_default();
        content.trim().is_empty()
    };
    let line = match docstring {
        // Before what stands there, be it a comment.
        Some(end) => (lines.line_of(end) + 1..line)
            .find(|line| !is_blank(*line))
            .unwrap_or(line),
        None => line,
    };
    let indentation = indentation.strip_prefix(lost)?;
    let line_break = line_break_of(text);
    // Of a statement over several lines, all are indented.
    let lines_of = |statement: &String| -> String {
        let own = statement.lines();
        own.map(|line| format!("{indentation}{line}{line_break}"))
            .collect()
    };
    let mut added: String = statements.iter().map(lines_of).collect();
    if !comment.is_empty() {
        added.truncate(added.len() - line_break.len());
        added = format!("{added}  {comment}{line_break}");
    }
    let anchor = lines.line_start(line);
    Some(Edit {
        range: anchor..anchor,
        text: added,
    })
}

/// The line break of a text, as its first line has it.
pub(crate) fn line_break_of(text: &str) -> &'static str {
    match text.find(['\n', '\r']) {
        Some(at) if text.get(at..at + 2) == Some("\r\n") => "\r\n",
        Some(at) if text.get(at..at + 1) == Some("\r") => "\r",
        _ => "\n",
    }
}

/// As the first statement of a function, is it the docstring?
fn is_docstring(statement: &Stmt) -> bool {
    matches!(statement, Stmt::Expr(statement) if matches!(&*statement.value, Expr::StringLiteral(_)))
}

/// May it stand behind a `;`?
fn is_simple(statement: &Stmt) -> bool {
    !matches!(
        statement,
        Stmt::FunctionDef(_)
            | Stmt::ClassDef(_)
            | Stmt::If(_)
            | Stmt::For(_)
            | Stmt::While(_)
            | Stmt::With(_)
            | Stmt::Try(_)
            | Stmt::Match(_)
    )
}
