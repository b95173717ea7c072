//! The documents that the client has open.

use std::path::PathBuf;
use std::sync::Arc;

use hoist_syntax::{Document, Encoding};
use tower_lsp::ls_types::{TextDocumentContentChangeEvent, TextDocumentItem, Uri};

use super::analysis::Cache;
use super::carried::Carried;
use super::from_proto;
use super::placed::Held;
use super::tracking::{self, LineEdit};

/// One open document at one version.
#[derive(Clone)]
pub(super) struct Open {
    /// As the client spells it.
    pub(super) uri: Uri,
    /// Where it is saved; none for documents without a file.
    pub(super) path: Option<PathBuf>,
    /// Is it Python?
    pub(super) python: bool,
    /// Is it a file of the configuration?
    pub(super) config: bool,
    /// The client's number for this text.
    pub(super) version: i32,
    /// Text and tree.
    pub(super) document: Document,
    /// What was found out about this text.
    pub(super) cache: Arc<Cache>,
    /// What was found when the text was last looked at whole.
    pub(super) carried: Carried,
    /// What could run when the text was last whole.
    pub(super) held: Held,
}

impl Open {
    /// A document as the client opens it.
    pub(super) fn new(item: TextDocumentItem) -> Self {
        let path = from_proto::path(&item.uri);
        let config = path.as_deref().is_some_and(hoist_jobs::is_config);
        let python = item.language_id.eq_ignore_ascii_case("python")
            || path
                .as_ref()
                .and_then(|path| path.extension())
                .is_some_and(|extension| extension == "py" || extension == "pyi");
        Self {
            path,
            python,
            config,
            version: item.version,
            document: Document::new(item.text),
            cache: Arc::default(),
            carried: Carried::default(),
            held: Held::default(),
            uri: item.uri,
        }
    }

    /// Applies changes in their order; each counts in the text that the one before it left. What each did to the lines is
    /// told to `moved`. What was found out about the text before is for the caller to replace.
    pub(super) fn change(
        &mut self,
        version: i32,
        changes: Vec<TextDocumentContentChangeEvent>,
        encoding: Encoding,
        mut moved: impl FnMut(LineEdit),
    ) {
        for change in changes {
            let range = change.range.map(from_proto::range);
            let text = self.document.text();
            let bytes = range.map_or(0..text.len(), |range| {
                let offset = |position| self.document.lines().offset(text, position, encoding);
                let (start, end) = (offset(range.start), offset(range.end));
                start.min(end)..start.max(end)
            });
            if let Some((bytes, inserted)) = tracking::reduced(text, bytes, &change.text) {
                let edit = LineEdit::replacing(text, bytes.clone(), inserted);
                self.carried.follow(&bytes, inserted.len());
                self.document.edit(range, &change.text, encoding);
                self.held.follow(edit);
                moved(edit);
            }
        }
        self.version = version;
    }
}

/// All of them, by the URI's text; a clone is a snapshot.
pub(super) type Documents = Arc<std::collections::BTreeMap<String, Arc<Open>>>;
