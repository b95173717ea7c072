//! Settings of a run that stand in the source: `# hoist: target=slurm cores=8 args(lr=0.1)` and `@cluster(cores=8)`.

use std::ops::Range;

use crate::Directives;
use crate::python::{ast, expression, range_of};
use ast::Expr;

/// What is wrong with a `# hoist:` comment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mistake {
    pub(crate) range: Range<usize>,
    pub(crate) message: String,
}

/// The part of a comment after `# hoist:`; none for other comments. Takes and gives byte ranges of `text`.
pub(crate) fn hoist_comment(text: &str, line: Range<usize>) -> Option<Range<usize>> {
    let content = text.get(line.clone())?;
    let trimmed = content.trim_start();
    let body = trimmed.strip_prefix('#')?.trim_start();
    let rest = body.strip_prefix("hoist:")?;
    Some(line.end - rest.len()..line.end)
}

/// Reads the words of one comment into `directives`; a later comment wins.
pub(crate) fn read_comment(
    text: &str,
    range: Range<usize>,
    directives: &mut Directives,
    mistakes: &mut Vec<Mistake>,
) {
    let content = text.get(range.clone()).unwrap_or_default();
    let mut rest = content;
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',', '\r', '\n']);
        if rest.is_empty() {
            return;
        }
        let at = range.end - rest.len();
        let word_end = rest
            .find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '-'))
            .unwrap_or(rest.len());
        let (word, after) = rest.split_at(word_end);
        let mistake = |message: String| Mistake {
            range: at..range.end,
            message,
        };
        match after.chars().next() {
            Some('(') if word == "args" => match balanced(after, '(', ')') {
                Some(inside) => {
                    directives.args = Some(inside.trim().to_owned());
                    rest = after.get(inside.len() + 2..).unwrap_or_default();
                }
                None => {
                    mistakes.push(mistake("`args(` is not closed on this line".to_owned()));
                    return;
                }
            },
            Some('[') if word == "ignore" => match balanced(after, '[', ']') {
                Some(inside) => rest = after.get(inside.len() + 2..).unwrap_or_default(),
                None => {
                    mistakes.push(mistake("`ignore[` is not closed on this line".to_owned()));
                    return;
                }
            },
            Some('=') if !word.is_empty() => {
                let (value, remainder) = value(after.get(1..).unwrap_or_default());
                match word {
                    "target" => directives.target = Some(value),
                    "args" => directives.args = Some(value),
                    "data" => directives.data.push(value),
                    _ => {
                        directives.resources.insert(word.to_owned(), value);
                    }
                }
                rest = remainder;
            }
            _ => {
                mistakes.push(mistake(format!(
                    "expected `name=value`, `args(...)` or `ignore[...]`, found `{}`",
                    rest.trim_end()
                )));
                return;
            }
        }
    }
}

/// The codes that a comment silences: `# hoist: ignore[HST003, HST004]`; an empty list for `ignore[]` means none.
pub(crate) fn ignored(text: &str) -> Vec<crate::Code> {
    let mut codes = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find("ignore[") {
        let after = rest.get(at + "ignore".len()..).unwrap_or_default();
        let Some(inside) = balanced(after, '[', ']') else {
            break;
        };
        codes.extend(
            inside
                .split(',')
                .filter_map(|code| crate::Code::parse(code.trim())),
        );
        rest = after.get(inside.len() + 2..).unwrap_or_default();
    }
    codes
}

/// Reads `@cluster(cores=8, memory='16GB')`; true when the decorator is one of these.
pub(crate) fn read_decorator(text: &str, directives: &mut Directives) -> bool {
    let Some(expression) = expression(text.trim_start_matches('@').trim()) else {
        return false;
    };
    let (name, keywords) = match &expression {
        Expr::Call(call) => (&*call.func, Some(&call.arguments.keywords)),
        other => (other, None),
    };
    let is_cluster = match name {
        Expr::Name(name) => name.id.as_str() == "cluster",
        Expr::Attribute(attribute) => {
            attribute.attr.as_str() == "cluster"
                && matches!(&*attribute.value, Expr::Name(module) if ["clustrix", "hoist"].contains(&module.id.as_str()))
        }
        _ => false,
    };
    if !is_cluster {
        return false;
    }
    for keyword in keywords.into_iter().flatten() {
        let Some(key) = &keyword.arg else { continue };
        let value = match &keyword.value {
            Expr::StringLiteral(literal) => literal.value.to_str().to_owned(),
            Expr::NumberLiteral(number) => {
                let source = text.trim_start_matches('@').trim();
                source
                    .get(range_of(number))
                    .unwrap_or_default()
                    .replace('_', "")
            }
            _ => continue,
        };
        let key = match key.as_str() {
            "queue" => "partition",
            known @ ("cores" | "memory" | "time" | "warning" | "retries" | "gpus" | "nodes"
            | "tasks" | "partition" | "account") => known,
            "target" => {
                directives.target = Some(value);
                continue;
            }
            _ => continue,
        };
        directives.resources.entry(key.to_owned()).or_insert(value);
    }
    true
}

/// What stands between an opening sign at the start of `text` and the sign that closes it; quotes are respected.
fn balanced(text: &str, open: char, close: char) -> Option<&str> {
    let mut depth = 0usize;
    let mut quote = None;
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match quote {
            Some(q) => {
                if escaped {
                    escaped = false;
                } else if c == '\\' {
                    escaped = true;
                } else if c == q {
                    quote = None;
                }
            }
            None if c == '"' || c == '\'' => quote = Some(c),
            None if c == open => depth += 1,
            None if c == close => {
                depth -= 1;
                if depth == 0 {
                    return text.get(open.len_utf8()..at);
                }
            }
            None => {}
        }
    }
    None
}

/// A value with or without quotes, and what follows it.
fn value(text: &str) -> (String, &str) {
    if let Some(quote) = text.chars().next().filter(|c| *c == '"' || *c == '\'') {
        let inside = text.get(1..).unwrap_or_default();
        if let Some(end) = inside.find(quote) {
            return (
                inside.get(..end).unwrap_or_default().to_owned(),
                inside.get(end + 1..).unwrap_or_default(),
            );
        }
    }
    let end = text
        .find(|c: char| c.is_whitespace() || c == ',')
        .unwrap_or(text.len());
    let (value, rest) = text.split_at(end);
    (value.to_owned(), rest)
}
