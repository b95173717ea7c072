//! `hoist/text`: the text as the server holds it.

use crate::lsp::ext;
use crate::lsp::snapshot::Snapshot;

/// The text of an open document.
pub(in crate::lsp) fn text(snapshot: &Snapshot, params: &ext::TextParams) -> Option<ext::Text> {
    let open = snapshot.document(&params.uri)?;
    Some(ext::Text {
        version: open.version,
        text: open.document.text().to_owned(),
    })
}
