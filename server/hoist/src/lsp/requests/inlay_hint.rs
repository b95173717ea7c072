//! `textDocument/inlayHint`: the distribution and version behind an import.

use hoist_analysis::{ImportOrigin, ImportReport};
use tower_lsp::ls_types::{InlayHint, InlayHintLabel, InlayHintParams, InlayHintTooltip, Position};

use crate::lsp::analysis::Source;
use crate::lsp::snapshot::Snapshot;
use crate::lsp::to_proto;

/// A hint behind each import in the range that comes from an installed distribution, and behind no other.
pub(in crate::lsp) fn inlay_hint(
    snapshot: &Snapshot,
    params: &InlayHintParams,
) -> Option<Vec<InlayHint>> {
    let open = snapshot.document(params.text_document.uri.as_str())?;
    let source = Source::of(snapshot, open)?;
    let imports = source.imports(snapshot);
    let mut hints = Vec::new();
    for statement in imports.chunk_by(|one, other| one.range == other.range) {
        let Some(label) = label(statement) else {
            continue;
        };
        let first = statement.first()?;
        let text = open.document.text();
        let written = text.get(first.range.clone()).unwrap_or_default();
        let end = written.find(['\n', '\r']).unwrap_or(written.len());
        let end = first.range.start + end;
        let position = to_proto::range(&open.document, end..end, snapshot.profile.encoding).start;
        if params.range.start <= position && position <= params.range.end {
            hints.push(hint(position, label, first.summary.clone()));
        }
    }
    Some(hints)
}

/// `PyYAML 6.0.1`; several where one statement imports from several.
fn label(statement: &[ImportReport]) -> Option<String> {
    let mut words: Vec<String> = statement
        .iter()
        .filter(|import| import.origin == ImportOrigin::Distribution)
        .filter_map(|import| {
            Some(format!(
                "{} {}",
                import.distribution.as_ref()?,
                import.version.as_ref()?
            ))
        })
        .collect();
    words.dedup();
    (!words.is_empty()).then(|| words.join(", "))
}

fn hint(position: Position, label: String, summary: Option<String>) -> InlayHint {
    InlayHint {
        position,
        label: InlayHintLabel::String(label),
        kind: None,
        text_edits: None,
        tooltip: summary.map(InlayHintTooltip::String),
        padding_left: Some(true),
        padding_right: None,
        data: None,
    }
}
