//! Questions to the person: passwords, passphrases, one-time codes, unknown host keys.

use futures::future::BoxFuture;

/// What kind of answer a question wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QuestionKind {
    /// A line of text that may be shown while it is typed.
    Text,
    /// A line that must not be shown, logged or kept on disk.
    Secret,
    /// One of `choices`, answered by its text.
    Choice,
    /// Yes or no; answered `"yes"` or `"no"`.
    Confirm,
}

/// One question to the person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// The kind of answer wanted.
    pub kind: QuestionKind,
    /// One line: what is asked, and for which target.
    pub title: String,
    /// What the person needs to know to answer; may be empty.
    pub detail: String,
    /// The answers to choose from; empty unless the kind is [`QuestionKind::Choice`].
    pub choices: Vec<String>,
}

impl Question {
    /// A question without choices.
    #[must_use]
    pub fn new(kind: QuestionKind, title: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            kind,
            title: title.into(),
            detail: detail.into(),
            choices: Vec::new(),
        }
    }
}

/// Whoever can put a question to a person: the terminal, the editor.
pub trait Ask: Send + Sync {
    /// The answer, or `None` when there is nobody to ask or the person declined.
    fn ask(&self, question: Question) -> BoxFuture<'_, Option<String>>;
}

/// Nobody is there: every question is declined at once.
#[derive(Debug, Clone, Copy, Default)]
pub struct Nobody;

impl Ask for Nobody {
    fn ask(&self, _question: Question) -> BoxFuture<'_, Option<String>> {
        Box::pin(async { None })
    }
}
