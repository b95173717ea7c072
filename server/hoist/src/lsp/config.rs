//! Files of the configuration that are open: what is wrong with them and what they mean, as the buffer stands.

use std::sync::Arc;

use hoist_jobs::{Explanation, diagnose, explain};
use tower_lsp::ls_types::{Diagnostic, Hover, HoverContents, MarkupContent, MarkupKind, Position};

use super::documents::Open;
use super::snapshot::Snapshot;
use super::{from_proto, to_proto};

/// What is wrong with a file of the configuration; none for other documents.
pub(super) fn diagnostics(snapshot: &Snapshot, open: &Arc<Open>) -> Option<Vec<Diagnostic>> {
    let path = open.path.as_deref().filter(|_| open.config)?;
    let document = &open.document;
    let diagnostic = |problem: hoist_jobs::Problem| Diagnostic {
        range: to_proto::range(document, problem.range, snapshot.profile.encoding),
        ..to_proto::diagnostic(problem.code, problem.message)
    };
    let problems = diagnose(path, document.text());
    Some(problems.into_iter().map(diagnostic).collect())
}

/// The byte offset of a position.
pub(super) fn offset(snapshot: &Snapshot, open: &Open, position: Position) -> usize {
    let document = &open.document;
    document.lines().offset(
        document.text(),
        from_proto::position(position),
        snapshot.profile.encoding,
    )
}

/// What the key or value at a place means.
pub(super) fn hover(snapshot: &Snapshot, open: &Open, position: Position) -> Option<Hover> {
    let path = open.path.as_deref()?;
    let at = offset(snapshot, open, position);
    let Explanation { range, text } = explain(path, open.document.text(), at)?;
    let markdown = snapshot.profile.markdown;
    Some(Hover {
        contents: HoverContents::Markup(MarkupContent {
            kind: match markdown {
                true => MarkupKind::Markdown,
                false => MarkupKind::PlainText,
            },
            value: match markdown {
                true => text,
                false => text.replace('`', ""),
            },
        }),
        range: Some(to_proto::range(
            &open.document,
            range,
            snapshot.profile.encoding,
        )),
    })
}
