//! What findings will not say, in the client's log: no target is asked on behalf of a text, so nothing in a text can tell it.

use hoist_jobs::{Engine, Unlearnt};
use tokio::sync::broadcast::error::RecvError;
use tower_lsp::Client;
use tower_lsp::ls_types::MessageType;

/// Writes it into the client's log, as long as the session lasts.
pub(super) async fn log(engine: Engine, client: Client) {
    let mut unlearnt = engine.unlearnt();
    loop {
        match unlearnt.recv().await {
            Ok(Unlearnt { target, why }) => {
                let sentence =
                    format!("Findings know nothing of what the Python of {target} has. {why}");
                client.log_message(MessageType::WARNING, sentence).await;
            }
            Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => return,
        }
    }
}
