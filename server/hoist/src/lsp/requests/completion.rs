//! `textDocument/completion`: keys and values of the configuration.

use hoist_jobs::{Completion, CompletionKind, complete};
use tower_lsp::ls_types::{
    CompletionItem, CompletionItemKind, CompletionParams, CompletionResponse, CompletionTextEdit,
    Documentation, TextEdit,
};

use crate::lsp::snapshot::Snapshot;
use crate::lsp::{analysis, from_proto, to_proto};

/// What may stand at the cursor; none in documents that are not of the configuration.
pub(in crate::lsp) fn completion(
    snapshot: &Snapshot,
    params: &CompletionParams,
) -> Option<CompletionResponse> {
    let place = &params.text_document_position;
    let open = snapshot.document(place.text_document.uri.as_str())?;
    let path = open.path.as_deref().filter(|_| open.config)?;
    let offset = from_proto::offset(&open.document, place.position, snapshot.profile.encoding);
    // While the file on the disk cannot be read, its own targets are still proposed: those come from the buffer.
    let targets: Vec<String> = analysis::config(snapshot, path.parent())
        .map(|config| config.targets().map(|target| target.name.clone()).collect())
        .unwrap_or_default();
    let item = |found: Completion| CompletionItem {
        label: found.label,
        kind: Some(match found.kind {
            CompletionKind::Key => CompletionItemKind::PROPERTY,
            CompletionKind::Value => CompletionItemKind::VALUE,
            CompletionKind::Table => CompletionItemKind::MODULE,
        }),
        documentation: (!found.documentation.is_empty())
            .then_some(Documentation::String(found.documentation)),
        text_edit: Some(CompletionTextEdit::Edit(TextEdit {
            range: to_proto::range(&open.document, found.replace, snapshot.profile.encoding),
            new_text: found.insert,
        })),
        ..CompletionItem::default()
    };
    let items = complete(path, open.document.text(), offset, &targets);
    Some(CompletionResponse::Array(
        items.into_iter().map(item).collect(),
    ))
}
