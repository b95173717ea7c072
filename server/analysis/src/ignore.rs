//! The fix that silences a finding where it stands: `# hoist: ignore[HST012]` at the end of its line.

use hoist_syntax::Document;
use hoist_syntax::strict;

use crate::{Code, Edit, Finding, Fix};

/// The comment that silences a finding on its line, put into one that is there already. None where no comment can stand: the
/// line goes on inside of a text, or with a backslash, or the file does not parse.
pub fn ignore_here(document: &Document, finding: &Finding) -> Option<Fix> {
    let code = finding.code;
    if matches!(
        code,
        Code::SyntaxError | Code::RemoteFailure | Code::RemoteEnd
    ) {
        return None;
    }
    let text = document.text();
    let lines = document.lines();
    let line = lines.line_range(text, lines.line_of(finding.range.start));
    let content = text.get(line.clone())?;
    let edit = match into_existing(content, code) {
        Some((at, text)) => Edit {
            range: line.start + at..line.start + at,
            text,
        },
        None => {
            let end = line.start + content.trim_end().len();
            Edit {
                range: end..end,
                text: format!("  # hoist: ignore[{code}]"),
            }
        }
    };
    let changed = crate::apply(text, std::slice::from_ref(&edit));
    // Inside of a text it would be no comment, and behind a backslash no Python.
    let is_comment = is_in_comment(&changed, edit.range.start + edit.text.len() - 1)?;
    is_comment.then(|| Fix::here(format!("Ignore {code} here"), vec![edit]))
}

/// Where a code goes in a comment that ignores others, or sets something for Hoist, and what is put there.
fn into_existing(content: &str, code: Code) -> Option<(usize, String)> {
    let comment = content.rfind('#')?;
    let body = content.get(comment + 1..)?;
    let rest = body.trim_start().strip_prefix("hoist:")?;
    let rest_at = content.len() - rest.len();
    if let Some(open) = rest.find("ignore[") {
        let inside = rest_at + open + "ignore[".len();
        let close = inside + content.get(inside..)?.find(']')?;
        let known = content.get(inside..close)?.trim();
        let text = if known.is_empty() {
            code.to_string()
        } else {
            format!(", {code}")
        };
        return Some((close, text));
    }
    Some((content.trim_end().len(), format!(" ignore[{code}]")))
}

/// Is a place in a comment? None when the text is no Python.
fn is_in_comment(text: &str, at: usize) -> Option<bool> {
    let parsed = strict::module(text).ok()?;
    Some(parsed.tokens().iter().any(|token| {
        use ruff_text_size::Ranged;
        token.kind().is_comment()
            && (token.start().to_usize()..token.end().to_usize()).contains(&at)
    }))
}
