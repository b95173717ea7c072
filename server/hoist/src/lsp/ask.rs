//! Questions to the person at the editor. Every one has a time limit; none is put inside of a request's handler.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use hoist_cluster::{Question, QuestionKind};
use tower_lsp::Client;
use tower_lsp::ls_types::{MessageActionItem, MessageType};

use super::ext::{self, Answer, AskKind, AskParams};
use super::session::Session;

/// How long a person may take to answer.
const PATIENCE: Duration = Duration::from_secs(600);

/// Starts a request to the client such that it is on its way before anything that is sent after this returns, and waits for its
/// answer in a task of its own.
pub(super) async fn sent_before_the_answer<T: Send + 'static>(
    request: impl Future<Output = T> + Send + 'static,
    limit: Duration,
) {
    // A request is queued when it is polled for the first time.
    let mut request = Box::pin(request);
    if futures::poll!(request.as_mut()).is_pending() {
        tokio::spawn(async move {
            // Without an answer, or with a refusal, there is nothing to do differently.
            let _ = tokio::time::timeout(limit, request).await;
        });
    }
}

/// The person at the editor.
#[derive(Clone)]
pub(super) struct Person {
    client: Client,
    session: Arc<Session>,
}

impl Person {
    /// Whoever sits before this client.
    pub(super) fn new(client: Client, session: Arc<Session>) -> Self {
        Self { client, session }
    }

    /// Whether free text can be asked for.
    pub(super) fn can_type(&self) -> bool {
        self.session.snapshot().profile.announced.ask
    }

    /// Asks for a line of text.
    pub(super) async fn text(
        &self,
        title: String,
        detail: Option<String>,
        default: Option<String>,
    ) -> Option<String> {
        let params = AskParams {
            kind: AskKind::Text,
            title,
            detail,
            default,
            choices: Vec::new(),
        };
        self.ask(params).await
    }

    /// Asks for one of several; with buttons where the client knows no better.
    pub(super) async fn choice(
        &self,
        title: String,
        choices: Vec<String>,
        default: Option<String>,
    ) -> Option<String> {
        if !self.can_type() {
            return self.button(MessageType::INFO, title, &choices).await;
        }
        let params = AskParams {
            kind: AskKind::Choice,
            title,
            detail: None,
            default,
            choices: choices.clone(),
        };
        let answer = self.ask(params).await?;
        choices.contains(&answer).then_some(answer)
    }

    /// Asks whether to do it; with buttons where the client knows no better.
    pub(super) async fn confirms(&self, title: String, detail: String) -> bool {
        let question = Question::new(QuestionKind::Confirm, title, detail);
        self.question(question).await.as_deref() == Some("yes")
    }

    /// Shows a message with buttons; the text of the one that was taken.
    pub(super) async fn button(
        &self,
        kind: MessageType,
        message: String,
        buttons: &[String],
    ) -> Option<String> {
        let buttons = buttons.iter().map(|title| MessageActionItem {
            title: title.clone(),
            properties: std::collections::HashMap::new(),
        });
        let request = self
            .client
            .show_message_request(kind, message, Some(buttons.collect()));
        let answer = tokio::time::timeout(PATIENCE, request).await;
        Some(answer.ok()?.ok()??.title)
    }

    /// Shows a message.
    pub(super) async fn tell(&self, kind: MessageType, message: impl std::fmt::Display) {
        self.client.show_message(kind, message).await;
    }

    /// `hoist/ask`, with yes and no as the words of [`hoist_cluster::Ask`].
    async fn ask(&self, params: AskParams) -> Option<String> {
        let request = self.client.send_request::<ext::Ask>(params);
        let answer = tokio::time::timeout(PATIENCE, request).await;
        match answer.ok()?.ok()?? {
            Answer::Yes(true) => Some("yes".to_owned()),
            Answer::Yes(false) => Some("no".to_owned()),
            Answer::Text(text) => Some(text),
        }
    }

    async fn question(&self, question: Question) -> Option<String> {
        let sentence = if question.detail.is_empty() {
            question.title.clone()
        } else {
            format!("{}: {}", question.title, question.detail)
        };
        if self.can_type() {
            let kind = match question.kind {
                QuestionKind::Text => AskKind::Text,
                QuestionKind::Secret => AskKind::Secret,
                QuestionKind::Choice => AskKind::Choice,
                QuestionKind::Confirm => AskKind::Confirm,
            };
            let params = AskParams {
                kind,
                title: question.title,
                detail: Some(question.detail).filter(|detail| !detail.is_empty()),
                default: None,
                choices: question.choices,
            };
            return self.ask(params).await;
        }
        match question.kind {
            QuestionKind::Confirm => {
                let buttons = ["Yes".to_owned(), "No".to_owned()];
                let answer = self
                    .button(MessageType::WARNING, sentence, &buttons)
                    .await?;
                Some(answer.to_lowercase())
            }
            QuestionKind::Choice => {
                self.button(MessageType::INFO, sentence, &question.choices)
                    .await
            }
            QuestionKind::Text | QuestionKind::Secret => {
                let help = "This editor cannot be asked for text; use an SSH agent or a key without a passphrase, or run \
                            `hoist doctor` for this target in a terminal.";
                self.tell(MessageType::WARNING, format!("{sentence} {help}"))
                    .await;
                None
            }
        }
    }
}

impl hoist_cluster::Ask for Person {
    fn ask(&self, question: Question) -> BoxFuture<'_, Option<String>> {
        self.question(question).boxed()
    }
}
