//! What a request sees: the state as it was when the request was read from the wire.

use std::path::PathBuf;
use std::sync::Arc;

use tower_lsp::jsonrpc::{Error, Result};

use super::documents::{Documents, Open};
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
}
