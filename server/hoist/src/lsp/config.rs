//! Files of the configuration that are open: what is wrong with them and what they mean, as the buffer stands.

use std::sync::Arc;

use hoist_jobs::{Explanation, diagnose, explain};
use tower_lsp::ls_types::{Diagnostic, Hover, Position};

use super::documents::Open;
use super::snapshot::Snapshot;
use super::{from_proto, to_proto};

/// What is wrong with a file of the configuration; none for other documents.
pub(super) fn diagnostics(snapshot: &Snapshot, open: &Arc<Open>) -> Option<Vec<Diagnostic>> {
    let path = open.path.as_deref().filter(|_| open.config)?;
    let document = &open.document;
    let diagnostic = |problem: hoist_jobs::Problem| Diagnostic {
        range: to_proto::range(document, problem.range, snapshot.profile.encoding),
        severity: Some(to_proto::severity(problem.severity)),
        ..to_proto::diagnostic(problem.code, problem.message)
    };
    let problems = diagnose(path, document.text());
    Some(problems.into_iter().map(diagnostic).collect())
}

/// What the key or value at a place means.
pub(super) fn hover(snapshot: &Snapshot, open: &Open, position: Position) -> Option<Hover> {
    let path = open.path.as_deref()?;
    let document = &open.document;
    let at = from_proto::offset(document, position, snapshot.profile.encoding);
    let Explanation { range, text } = explain(path, document.text(), at)?;
    let text = match snapshot.profile.markdown {
        true => text,
        false => text.replace('`', ""),
    };
    Some(to_proto::hover(snapshot, document, range, text))
}
