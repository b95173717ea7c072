//! Everything that changes while a client is connected, in one place and behind one lock.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::Notify;
use tower_lsp::ls_types::{
    DidChangeTextDocumentParams, DidChangeWorkspaceFoldersParams, DidCloseTextDocumentParams,
    DidOpenTextDocumentParams, InitializeParams,
};

use super::documents::Open;
use super::from_proto;
use super::profile::Profile;
use super::snapshot::Snapshot;
use super::transport::Backlog;

/// One client's session.
pub(super) struct Session {
    now: Mutex<Snapshot>,
    goodbye: AtomicBool,
    exit: Notify,
    /// How far the client is behind in reading.
    pub(super) backlog: Backlog,
}

impl Session {
    /// Before the first message.
    pub(super) fn new(backlog: Backlog) -> Self {
        Self {
            now: Mutex::default(),
            goodbye: AtomicBool::new(false),
            exit: Notify::new(),
            backlog,
        }
    }

    /// The state as it is now.
    pub(super) fn snapshot(&self) -> Snapshot {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Snapshot> {
        // A panic while the lock was held leaves values of the last change: each change is one assignment.
        self.now
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// `initialize`: what the client is.
    pub(super) fn initialize(&self, params: &InitializeParams) {
        let mut folders: Vec<PathBuf> = params
            .workspace_folders
            .iter()
            .flatten()
            .filter_map(|folder| from_proto::path(&folder.uri))
            .collect();
        #[allow(deprecated)] // Old clients say it only there.
        if folders.is_empty() {
            folders.extend(params.root_uri.as_ref().and_then(from_proto::path));
        }
        let mut now = self.lock();
        now.profile = Arc::new(Profile::new(params));
        now.folders = Arc::new(folders);
    }

    /// `workspace/didChangeWorkspaceFolders`.
    pub(super) fn change_folders(&self, params: DidChangeWorkspaceFoldersParams) {
        let mut now = self.lock();
        let folders = Arc::make_mut(&mut now.folders);
        for removed in params.event.removed {
            let path = from_proto::path(&removed.uri);
            folders.retain(|folder| Some(folder) != path.as_ref());
        }
        for added in params.event.added {
            folders.extend(from_proto::path(&added.uri));
        }
    }

    /// `textDocument/didOpen`. Opening twice replaces the text: the client's last word counts.
    pub(super) fn open(&self, params: DidOpenTextDocumentParams) {
        let document = Open::new(params.text_document);
        let mut now = self.lock();
        documents(&mut now).insert(document.uri.as_str().to_owned(), Arc::new(document));
    }

    /// `textDocument/didChange`. Versions may skip numbers; the order of the wire is the order of the edits.
    pub(super) fn change(&self, params: DidChangeTextDocumentParams) {
        let mut now = self.lock();
        let encoding = now.profile.encoding;
        let id = params.text_document;
        let Some(document) = documents(&mut now).get_mut(id.uri.as_str()) else {
            return;
        };
        Arc::make_mut(document).change(id.version, params.content_changes, encoding, |_| {});
    }

    /// `textDocument/didClose`.
    pub(super) fn close(&self, params: &DidCloseTextDocumentParams) {
        let mut now = self.lock();
        documents(&mut now).remove(params.text_document.uri.as_str());
    }

    /// `shutdown`.
    pub(super) fn shut_down(&self) {
        self.goodbye.store(true, Ordering::Release);
    }

    /// Whether the client sent `shutdown`.
    pub(super) fn said_goodbye(&self) -> bool {
        self.goodbye.load(Ordering::Acquire)
    }

    /// `exit`.
    pub(super) fn exit(&self) {
        self.exit.notify_one();
    }

    /// Ends after `exit`.
    pub(super) async fn exited(&self) {
        self.exit.notified().await;
    }
}

fn documents(now: &mut Snapshot) -> &mut BTreeMap<String, Arc<Open>> {
    Arc::make_mut(&mut now.documents)
}
