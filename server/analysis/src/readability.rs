//! Whether a text can be read at all: it is Python, and the grammar has all of it.

use hoist_syntax::Document;

use crate::findings::Silenced;
use crate::{Code, Finding, Severity};

/// What there is to say about the text as a text: the error that stops Python. Cheap after an edit, as only what changed is
/// judged again.
pub fn readability(document: &Document) -> Vec<Finding> {
    let silenced = Silenced::read(document);
    let mut found: Vec<Finding> = syntax_error(document).into_iter().collect();
    found.retain(|finding| !silenced.covers(document, finding));
    found
}

/// The same, silenced or not.
pub(crate) fn syntax_error(document: &Document) -> Option<Finding> {
    let error = document.check().err()?;
    let message = format!(
        "the file does not parse, so nothing of it can run: {}",
        error.message
    );
    Some(Finding {
        code: Code::SyntaxError,
        severity: Severity::Error,
        message,
        range: error.range,
        entry: None,
        fixes: Vec::new(),
    })
}

/// What there is to say about the top-level statement around a nested function, whose place in it is judged by the grammar's
/// tree: that the grammar cannot read all of it. Told on the first line of what it cannot read.
pub(crate) fn misread(document: &Document, offset: usize) -> Option<Finding> {
    let place = document.misread_at(offset)?;
    let line = document.lines().line_of(place.start);
    let end = document.lines().line_range(document.text(), line).end;
    Some(Finding {
        code: Code::Misread,
        severity: Severity::Information,
        message: "this is Python that Hoist's grammar does not know yet, so what is said of nested functions in this statement may be incomplete; try one on a small input before you rely on it".to_owned(),
        range: place.start..place.end.min(end.max(place.start)),
        entry: None,
        fixes: Vec::new(),
    })
}
