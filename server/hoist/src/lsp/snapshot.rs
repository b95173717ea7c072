//! What a request sees: the state as it was when the request was read from the wire.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use hoist_analysis::environment::Environments;
use tower_lsp::jsonrpc::{Error, Result};
use tower_lsp::ls_types::Uri;

use super::documents::{Documents, Open};
use super::jobs::Jobs;
use super::profile::Profile;

/// The state at one moment. Cheap to clone; nothing in it changes.
#[derive(Clone, Default)]
pub(super) struct Snapshot {
    /// What is open.
    pub(super) documents: Documents,
    /// The client.
    pub(super) profile: Arc<Profile>,
    /// Its workspace folders.
    pub(super) folders: Arc<Vec<PathBuf>>,
    /// What is installed, as far as it was asked for.
    pub(super) environments: Arc<Environments>,
    /// The jobs that it was told of.
    pub(super) jobs: Arc<Jobs>,
}

tokio::task_local! {
    static CURRENT: Snapshot;
}

impl Snapshot {
    /// Runs `future`, a request's handler, with this as what [`Snapshot::current`] gives.
    pub(super) fn during<F: Future>(self, future: F) -> impl Future<Output = F::Output> {
        CURRENT.scope(self, future)
    }

    /// The snapshot of the request that is being handled.
    ///
    /// # Errors
    /// Outside of a handler there is none; that would be a mistake of ours.
    pub(super) fn current() -> Result<Self> {
        CURRENT
            .try_with(Self::clone)
            .map_err(|_| Error::internal_error())
    }

    /// The open document of this URI.
    pub(super) fn document(&self, uri: &str) -> Option<&Arc<Open>> {
        self.documents.get(uri)
    }

    /// The open document of this file.
    pub(super) fn document_of(&self, path: &Path) -> Option<&Arc<Open>> {
        let mut documents = self.documents.values();
        documents.find(|open| open.path.as_deref() == Some(path))
    }

    /// The URI of a file: as the client spells it when it is open.
    pub(super) fn uri_of(&self, path: &Path) -> Option<Uri> {
        match self.document_of(path) {
            Some(open) => Some(open.uri.clone()),
            None => Uri::from_file_path(path),
        }
    }
}
