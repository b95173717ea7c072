//! The one offer to connect again, where that needs a person.

use hoist_jobs::{Engine, Lost};
use tokio::sync::broadcast::error::RecvError;
use tower_lsp::ls_types::MessageType;

use super::ask::Person;

const RECONNECT: &str = "Reconnect";

/// Offers it for every connection that is lost, as long as the session lasts.
pub(super) async fn offer(engine: Engine, person: Person) {
    let mut lost = engine.lost_connections();
    loop {
        match lost.recv().await {
            Ok(lost) => drop(tokio::spawn(offer_one(
                engine.clone(),
                person.clone(),
                lost,
            ))),
            // Those that were missed say so of their jobs.
            Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => return,
        }
    }
}

/// Until it is connected again, or the person turns away.
async fn offer_one(engine: Engine, person: Person, lost: Lost) {
    let target = &lost.settings.name;
    let mut sentence = format!(
        "The connection to {target} was lost, and logging in again needs you. Jobs there go on meanwhile."
    );
    loop {
        let buttons = [RECONNECT.to_owned()];
        let answer = person
            .button(MessageType::WARNING, sentence, &buttons)
            .await;
        if answer.as_deref() != Some(RECONNECT) {
            return;
        }
        match engine.connect(&lost.settings).await {
            Ok(_) => return,
            Err(error) => sentence = error.to_string(),
        }
    }
}
