//! The language server: LSP in, LSP out, over the same engine as the command line.
//!
//! `ingress` takes every message in the order of the wire: edits are applied there and requests get their [`Snapshot`] there,
//! so nothing that is slow can delay or reorder them. `server` routes, `requests` answers (pure functions of a snapshot),
//! `commands` acts, `diagnostics` and `events` push. What the protocol is beyond LSP is in [`ext`] and on the page
//! `editors/PROTOCOL.md`. All state is in `session`; nothing outside `from_proto` and `to_proto` translates between the
//! protocol's shapes and ours.

mod analysis;
mod ask;
mod carried;
mod commands;
mod config;
mod diagnostics;
mod documents;
mod ext;
mod failures;
mod follow;
mod framing;
mod from_proto;
mod ingress;
mod item_files;
mod jobs;
mod placed;
mod profile;
mod progress;
mod reconnect;
mod remote;
mod requests;
mod server;
mod session;
mod shown;
mod snapshot;
mod to_proto;
mod tracking;
mod transport;
mod unlearnt;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tower_lsp::ls_types::request::Request as _;
use tower_lsp::{LspService, Server};

use self::framing::Framing;
use self::ingress::Ingress;
use self::server::Backend;
use self::session::Session;
use self::transport::{Watched, queue_to, standard_input};

/// How many requests may be at work at once. No limit in practice: the framework stops reading at the limit, and reading must
/// never stop.
const CONCURRENCY: usize = 1 << 16;

/// How long the last answers may take to be written when the client leaves.
const FAREWELL: Duration = Duration::from_secs(2);

/// Serves one client over standard input and output until it leaves. The status is 0 when it said goodbye as the protocol asks
/// (`shutdown`, then `exit`), else 1.
pub(crate) fn run() -> ExitCode {
    keep_no_spare_memory();
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("hoist: the language server cannot start: {error}");
            return ExitCode::FAILURE;
        }
    };
    let polite = runtime.block_on(async { tokio::spawn(serve()).await });
    // The thread that reads standard input cannot be woken; nothing waits for it.
    runtime.shutdown_background();
    match polite {
        Ok(Ok(true)) => ExitCode::SUCCESS,
        Ok(Ok(false)) => ExitCode::FAILURE,
        Ok(Err(error)) => {
            eprintln!("hoist: the language server cannot start: {error}");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("hoist: the language server broke down: {error}");
            ExitCode::FAILURE
        }
    }
}

/// What the allocator has no use for goes back to the system at once, not after a moment: a server is resident all day, and most
/// of the time nobody types.
fn keep_no_spare_memory() {
    /// `mi_option_purge_delay` of mimalloc's header `mimalloc.h`, which the crate leaves unnamed. Milliseconds.
    const PURGE_DELAY: libmimalloc_sys::mi_option_t = 15;
    #[allow(unsafe_code)]
    // SAFETY: it sets a number, and no other thread runs yet.
    unsafe {
        libmimalloc_sys::mi_option_set(PURGE_DELAY, 0);
    }
}

/// Whether the client took its leave politely.
async fn serve() -> std::io::Result<bool> {
    let closed = Arc::new(Notify::new());
    let (output, wire, writer) = queue_to(unbuffered_stdout()?, closed.clone())?;
    let input = Framing::new(Watched::new(standard_input()?, closed.clone()));

    let session = Arc::new(Session::new(wire));
    let (service, socket) = LspService::build(|client| Backend::new(client, session.clone()))
        .custom_method(ext::TextOf::METHOD, Backend::text)
        .custom_method(ext::Jobs::METHOD, Backend::jobs)
        .custom_method(ext::Output::METHOD, Backend::output)
        .custom_method(ext::Targets::METHOD, Backend::targets)
        .finish();
    let ingress = Ingress::new(service, session.clone());
    {
        let serving = Server::new(input, output, socket)
            .concurrency_level(CONCURRENCY)
            .serve(ingress);
        tokio::select! {
            () = serving => {}
            () = gone(&session, &closed) => {}
        }
    }
    let polite = session.said_goodbye();
    tokio::task::spawn_blocking(move || writer.finish(FAREWELL)).await?;
    Ok(polite)
}

/// Standard output as it is: the library's own writes a message's header by itself, and the client wakes twice.
fn unbuffered_stdout() -> std::io::Result<std::fs::File> {
    #[cfg(unix)]
    let owned = std::os::fd::AsFd::as_fd(&std::io::stdout()).try_clone_to_owned()?;
    #[cfg(windows)]
    let owned =
        std::os::windows::io::AsHandle::as_handle(&std::io::stdout()).try_clone_to_owned()?;
    Ok(owned.into())
}

/// Ends when the client is gone, a moment later, so that what was being answered is written.
async fn gone(session: &Session, closed: &Notify) {
    tokio::select! {
        () = closed.notified() => {}
        () = session.exited() => {}
    }
    tokio::time::sleep(Duration::from_millis(50)).await;
}
