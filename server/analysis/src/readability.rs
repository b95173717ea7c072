//! Whether a text can be read at all: it is Python, and the live tree has all of it.

use hoist_syntax::Document;

use crate::findings::Silenced;
use crate::{Code, Finding, Severity};

/// What there is to say about the text as a text, in source order: the error that stops Python, or the place that Python reads
/// and the live tree does not. Cheap after an edit: only what changed is judged again.
pub fn readability(document: &Document) -> Vec<Finding> {
    let silenced = Silenced::read(document);
    let mut found: Vec<Finding> = of(document).into_iter().collect();
    found.retain(|finding| !silenced.covers(document, finding));
    found
}

/// The same, silenced or not.
pub(crate) fn of(document: &Document) -> Option<Finding> {
    let about = |code, severity, message, range| Finding {
        code,
        severity,
        message,
        range,
        entry: None,
        fixes: Vec::new(),
    };
    if let Err(error) = document.check() {
        let message = format!(
            "the file does not parse, so nothing of it can run: {}",
            error.message
        );
        return Some(about(
            Code::SyntaxError,
            Severity::Error,
            message,
            error.range,
        ));
    }
    let misread = document.misread()?;
    let line = document.lines().line_of(misread.start);
    let end = document.lines().line_range(document.text(), line).end;
    Some(about(
        Code::Misread,
        Severity::Information,
        "this is Python that Hoist's grammar does not know yet: names in this statement may be missed, so try the run of a function that needs it before you rely on it".to_owned(),
        misread.start..misread.end.min(end.max(misread.start)),
    ))
}
