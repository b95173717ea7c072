//! Routes requests to their functions, away from the task that reads.

use std::sync::Arc;

use tower_lsp::jsonrpc::{Error, Result};
use tower_lsp::ls_types::{InitializeParams, InitializeResult};
use tower_lsp::{Client, LanguageServer};

use super::session::Session;
use super::snapshot::Snapshot;
use super::{ext, requests};

/// What the framework calls.
pub(super) struct Backend {
    client: Client,
    session: Arc<Session>,
}

impl Backend {
    /// The backend of one session.
    pub(super) fn new(client: Client, session: Arc<Session>) -> Self {
        Self { client, session }
    }

    /// `hoist/text`.
    pub(super) async fn text(&self, params: ext::TextParams) -> Result<Option<ext::Text>> {
        let snapshot = Snapshot::current()?;
        Ok(requests::text::text(&snapshot, &params))
    }
}

/// Computes on a thread for that, so that reading goes on; a panic there is this request's error and nobody else's.
async fn compute<T: Send + 'static>(
    work: impl FnOnce(&Snapshot) -> T + Send + 'static,
) -> Result<T> {
    let snapshot = Snapshot::current()?;
    tokio::task::spawn_blocking(move || work(&snapshot))
        .await
        .map_err(|_| Error::internal_error())
}

impl LanguageServer for Backend {
    async fn initialize(&self, _: InitializeParams) -> Result<InitializeResult> {
        // The ingress has read the parameters already.
        Ok(Snapshot::current()?.profile.answer())
    }

    async fn shutdown(&self) -> Result<()> {
        Ok(())
    }
}
