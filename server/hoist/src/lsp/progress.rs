//! `$/progress` of one run.

use std::time::Duration;

use hoist_jobs::{JobId, JobView, State};
use tower_lsp::Client;
use tower_lsp::ls_types::notification::Progress as ProgressNotification;
use tower_lsp::ls_types::{
    ProgressParams, ProgressParamsValue, ProgressToken, WorkDoneProgress, WorkDoneProgressBegin,
    WorkDoneProgressEnd, WorkDoneProgressReport,
};

use super::ask::sent_before_the_answer;
use crate::bar::Bar;

/// How long a client may take to agree to a token before we stop caring.
const PATIENCE: Duration = Duration::from_secs(30);

/// The token of a job's progress. A string, because some clients refuse numbers.
pub(super) fn token(job: JobId) -> String {
    format!("hoist/{job}")
}

/// The job that a token is of.
pub(super) fn job_of(token: &ProgressToken) -> Option<JobId> {
    match token {
        ProgressToken::String(token) => token.strip_prefix("hoist/")?.parse().ok(),
        ProgressToken::Number(_) => None,
    }
}

/// The progress of one run, begun and not yet ended.
pub(super) struct Progress {
    client: Client,
    token: ProgressToken,
    last: (Option<String>, Option<u32>),
    /// What the job draws right now.
    bar: Option<Bar>,
    /// What is said of the job itself.
    words: String,
    /// Whether that is no more than that it runs.
    is_running: bool,
}

impl Progress {
    /// Makes the token known and begins. The client's answer is not waited for: a client that never gives it must not keep
    /// the job from being shown.
    pub(super) async fn begin(client: &Client, job: &JobView) -> Self {
        let words = describe(job);
        let progress = Self {
            words: words.clone(),
            is_running: is_running(job),
            last: (Some(words.clone()), None),
            ..Self::known(client, token(job.job)).await
        };
        let title = format!("{} on {}", job.name, job.target);
        progress.send_begin(title, Some(true), Some(words)).await;
        progress
    }

    /// That of something which is no job, and cannot be cancelled.
    pub(super) async fn of(client: &Client, token: String, title: String) -> Self {
        let progress = Self::known(client, token).await;
        progress.send_begin(title, None, None).await;
        progress
    }

    async fn known(client: &Client, token: String) -> Self {
        let token = ProgressToken::String(token);
        let create = {
            let (client, token) = (client.clone(), token.clone());
            async move { client.create_work_done_progress(token).await }
        };
        sent_before_the_answer(create, PATIENCE).await;
        Self {
            client: client.clone(),
            token,
            last: (None, None),
            bar: None,
            words: String::new(),
            is_running: false,
        }
    }

    async fn send_begin(&self, title: String, cancellable: Option<bool>, message: Option<String>) {
        self.send(WorkDoneProgress::Begin(WorkDoneProgressBegin {
            title,
            cancellable,
            message,
            percentage: None,
        }))
        .await;
    }

    /// Tells what goes on, if that is news.
    pub(super) async fn report(&mut self, job: &JobView) {
        self.words = describe(job);
        self.is_running = is_running(job);
        self.tell_bar().await;
    }

    /// Tells how far the bar is that the job draws, or that it draws none any more.
    pub(super) async fn bar(&mut self, bar: Option<Bar>) {
        self.bar = bar;
        self.tell_bar().await;
    }

    /// The percentage stands in the message, too: a client that was not told of one at the beginning need not show it.
    async fn tell_bar(&mut self) {
        let bar = self.bar.as_ref().filter(|_| self.is_running);
        let percentage = bar.and_then(|bar| bar.percent);
        let said = bar.map(|bar| match bar.percent {
            Some(percent) => format!("{percent} % {}", bar.text),
            None => bar.text.clone(),
        });
        let message = match said {
            Some(said) => said.trim_end().to_owned(),
            None => self.words.clone(),
        };
        self.tell(message, percentage).await;
    }

    /// Tells how much of the package is on the other side.
    pub(super) async fn upload(&mut self, sent: u64, total: u64) {
        let percentage = sent.min(total) * 100 / total.max(1);
        let percentage = u32::try_from(percentage).unwrap_or(100);
        self.tell(format!("uploading {percentage} %"), Some(percentage))
            .await;
    }

    /// Tells how much of what the job left is here.
    pub(super) async fn fetch(&mut self, sent: u64, total: u64) {
        let percentage = sent.min(total) * 100 / total.max(1);
        let percentage = u32::try_from(percentage).unwrap_or(100);
        self.tell(format!("fetching {percentage} %"), Some(percentage))
            .await;
    }

    async fn tell(&mut self, message: String, percentage: Option<u32>) {
        let news = (Some(message), percentage);
        if self.last == news {
            return;
        }
        self.last = news.clone();
        self.send(WorkDoneProgress::Report(WorkDoneProgressReport {
            cancellable: Some(true),
            message: news.0,
            percentage,
        }))
        .await;
    }

    /// Ends with a last word.
    pub(super) async fn end(self, message: String) {
        self.send(WorkDoneProgress::End(WorkDoneProgressEnd {
            message: Some(message),
        }))
        .await;
    }

    async fn send(&self, value: WorkDoneProgress) {
        self.client
            .send_notification::<ProgressNotification>(ProgressParams {
                token: self.token.clone(),
                value: ProgressParamsValue::WorkDone(value),
            })
            .await;
    }
}

/// Whether there is nothing to say of a job but that it runs.
fn is_running(job: &JobView) -> bool {
    job.state == State::Running && job.message.is_none() && job.reason.is_none()
}

/// What goes on, in a few words.
fn describe(job: &JobView) -> String {
    let more = job.message.as_ref().or(job.reason.as_ref());
    match more {
        Some(more) => format!("{}: {more}", job.state),
        None => job.state.to_string(),
    }
}
