//! Whether a text can be read at all: it is Python.

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
