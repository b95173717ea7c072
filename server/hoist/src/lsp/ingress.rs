//! Where messages enter, in the order of the wire.
//!
//! The framework starts handlers in order but lets them overtake each other, and a cancel waits its turn behind slow requests. So
//! what must be in order or at once is done here, synchronously, in the one function that is called message by message: edits are
//! applied, cancels act, and a request takes its snapshot before the next edit is seen.

use std::sync::Arc;
use std::task::{Context, Poll};

use futures::FutureExt;
use futures::future::{self, BoxFuture};
use serde::de::DeserializeOwned;
use tower_lsp::LspService;
use tower_lsp::jsonrpc::{Request, Response};
use tower_service::Service;

use super::server::Backend;
use super::session::Session;

/// The framework's service with our door before it.
pub(super) struct Ingress {
    service: LspService<Backend>,
    session: Arc<Session>,
}

type Answer = BoxFuture<'static, Result<Option<Response>, tower_lsp::ExitedError>>;

impl Ingress {
    /// The door of `service`.
    pub(super) fn new(service: LspService<Backend>, session: Arc<Session>) -> Self {
        Self { service, session }
    }

    /// Applies what changes the session. `true` when the message is done with.
    fn apply(&self, request: &Request) -> bool {
        let session = &self.session;
        match request.method() {
            "textDocument/didOpen" => with(request, |params| session.open(params)),
            "textDocument/didChange" => with(request, |params| session.change(params)),
            "textDocument/didClose" => with(request, |params| session.close(&params)),
            "workspace/didChangeWorkspaceFolders" => {
                with(request, |params| session.change_folders(params));
            }
            "workspace/didChangeConfiguration" => {
                with(request, |params| session.configure(&params));
            }
            "workspace/didChangeWatchedFiles" | "textDocument/didSave" => session.files_changed(),
            "window/workDoneProgress/cancel" => {
                with(request, |params| session.cancel_progress(&params));
            }
            "exit" => {
                session.exit();
                return false;
            }
            "initialize" => {
                with(request, |params| session.initialize(&params));
                return false;
            }
            "shutdown" => {
                session.shut_down();
                return false;
            }
            _ => return false,
        }
        true
    }
}

/// Reads the parameters and hands them on; a notification that cannot be read cannot be answered either, so it is dropped.
fn with<P: DeserializeOwned>(request: &Request, act: impl FnOnce(P)) {
    if let Some(params) = request
        .params()
        .and_then(|params| P::deserialize(params).ok())
    {
        act(params);
    }
}

impl Service<Request> for Ingress {
    type Response = Option<Response>;
    type Error = tower_lsp::ExitedError;
    type Future = Answer;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.service.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Answer {
        if self.apply(&request) {
            return future::ok(None).boxed();
        }
        let at_once = matches!(
            request.method(),
            "initialize" | "shutdown" | "exit" | "$/cancelRequest"
        );
        let snapshot = self.session.snapshot();
        let mut answer = snapshot.during(self.service.call(request)).boxed();
        if at_once {
            // These do not wait for anything: the first poll finishes them, before the next message is read.
            if let Some(done) = (&mut answer).now_or_never() {
                return future::ready(done).boxed();
            }
        }
        answer
    }
}
