//! Follows a job and tells the client: `hoist/jobChanged`, `hoist/jobOutput`, `$/progress`.
//!
//! Each job has a task of its own, which reads the job's logs at the client's pace; so nothing is lost however slow the client,
//! and one talkative job holds up no other.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use hoist_jobs::{Engine, Event, JobId, JobView, State, Stream};
use tokio::time::Instant;
use tower_lsp::Client;
use tower_lsp::ls_types::{MessageType, ShowDocumentParams};

use super::ask::sent_before_the_answer;
use super::progress::Progress;
use super::requests::code_lens;
use super::session::Session;
use super::{ext, to_proto};

/// How long output is gathered.
const GATHER: Duration = Duration::from_millis(30);

/// How much output is gathered at most.
const ENOUGH: usize = 64 << 10;

/// Whose job it is, which decides how much fuss is made of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// Made by this session: progress is shown, and its output is opened for clients without a place of their own.
    Here,
    /// Made before, and taken up: its output goes on from where its log ends now.
    Earlier,
}

/// Follows a job to its end.
pub(super) async fn follow(
    client: Client,
    session: Arc<Session>,
    engine: Engine,
    job: JobId,
    origin: Origin,
) {
    let offsets = match origin {
        Origin::Here => [0, 0],
        Origin::Earlier => Stream::BOTH.map(|stream| engine.output_length(job, stream)),
    };
    let mut watch = engine.watch(job, offsets);
    let mut teller = Teller {
        client,
        session,
        engine,
        origin,
        gathered: Gathered::default(),
        progress: None,
        opened: false,
    };
    loop {
        let next = match teller.gathered.due() {
            Some(due) => tokio::time::timeout_at(due, watch.next()).await,
            None => Ok(watch.next().await),
        };
        match next {
            Err(_) => teller.flush(job).await,
            Ok(Ok(Some(event))) => teller.tell(event).await,
            Ok(Ok(None)) => return,
            Ok(Err(error)) => {
                let sentence = format!("{job} cannot be followed any more: {error}");
                teller
                    .client
                    .show_message(MessageType::ERROR, sentence)
                    .await;
                return;
            }
        }
    }
}

struct Teller {
    client: Client,
    session: Arc<Session>,
    engine: Engine,
    origin: Origin,
    gathered: Gathered,
    progress: Option<Progress>,
    opened: bool,
}

impl Teller {
    async fn tell(&mut self, event: Event) {
        match event {
            Event::Output {
                job,
                stream,
                offset,
                bytes,
            } => {
                self.gathered.add(stream, offset, &bytes);
                if self.gathered.enough() {
                    self.flush(job).await;
                }
            }
            Event::Upload { sent, total, .. } => {
                if let Some(progress) = &mut self.progress {
                    progress.upload(sent, total).await;
                }
            }
            Event::State { job } => {
                self.flush(job.job).await;
                self.changed(&job).await;
                if let Some(progress) = &mut self.progress {
                    progress.report(&job).await;
                }
            }
            Event::Finished { job } => {
                self.flush(job.job).await;
                self.changed(&job).await;
                if let Some(progress) = self.progress.take() {
                    progress.end(code_lens::ending(&job)).await;
                }
                self.finished(&job).await;
                // What was learnt of its target beside it shows in findings.
                self.engine.learnt().await;
                self.session.files_changed();
            }
        }
    }

    /// Tells of a job's change, the lenses included.
    async fn changed(&mut self, job: &Arc<JobView>) {
        let shown = self.session.update_job(job.clone());
        let snapshot = self.session.snapshot();
        let is_new = self.progress.is_none() && self.origin == Origin::Here;
        if is_new && snapshot.profile.progress && !job.state.is_end() {
            self.progress = Some(Progress::begin(&self.client, job).await);
        }
        let told = to_proto::job(&snapshot, job);
        self.client.send_notification::<ext::JobChanged>(told).await;
        if shown && snapshot.profile.refresh_lenses {
            let client = self.client.clone();
            let refresh = async move { client.code_lens_refresh().await };
            sent_before_the_answer(refresh, Duration::from_secs(10)).await;
        }
    }

    /// The end of a job, for a client that has no place of its own for it.
    async fn finished(&mut self, job: &Arc<JobView>) {
        let snapshot = self.session.snapshot();
        if self.origin == Origin::Earlier || snapshot.profile.announced.output {
            return;
        }
        let ending = code_lens::ending(job);
        let mut sentence = format!("{} on {}: {ending}", job.name, job.target);
        let more = match (&job.result, &job.error, &job.reason) {
            (Some(result), _, _) => Some(format!(", returned {}", brief(&result.repr))),
            (_, Some(error), _) if !error.message.is_empty() => {
                Some(format!(": {}", brief(&error.message)))
            }
            (_, None, Some(reason)) => Some(format!(": {}", brief(reason))),
            _ => None,
        };
        sentence.extend(more);
        let kind = match job.state {
            State::Succeeded | State::Cancelled => MessageType::INFO,
            _ => MessageType::ERROR,
        };
        self.client.show_message(kind, sentence).await;
    }

    async fn flush(&mut self, job: JobId) {
        for (stream, piece) in self.gathered.take() {
            self.session.wire.backlog().wait().await;
            self.client
                .send_notification::<ext::JobOutputs>(ext::JobOutput {
                    job: job.to_string(),
                    stream: to_proto::stream(stream),
                    offset: piece.offset,
                    next: piece.offset + piece.bytes.len() as u64,
                    text: String::from_utf8_lossy(&piece.bytes).into_owned(),
                })
                .await;
            self.open_log(job, stream).await;
        }
    }

    /// A client without a place of its own for output sees the log itself, opened once, at the first output.
    async fn open_log(&mut self, job: JobId, stream: Stream) {
        if self.opened || self.origin == Origin::Earlier {
            return;
        }
        self.opened = true;
        let profile = self.session.snapshot().profile;
        if profile.announced.output || !profile.show_document {
            return;
        }
        let path = self.engine.log_path(job, stream);
        show_file(&self.client, &path, false).await;
    }
}

/// Opens a file in the editor.
pub(super) async fn show_file(client: &Client, path: &std::path::Path, take_focus: bool) {
    let Some(uri) = tower_lsp::ls_types::Uri::from_file_path(path) else {
        return;
    };
    let client = client.clone();
    let show = async move {
        client
            .show_document(ShowDocumentParams {
                uri,
                external: Some(false),
                take_focus: Some(take_focus),
                selection: None,
            })
            .await
    };
    sent_before_the_answer(show, Duration::from_secs(60)).await;
}

/// The first line, shortened: for a message that is read in passing.
fn brief(text: &str) -> String {
    const MOST: usize = 200;
    let line = text.lines().next().unwrap_or_default();
    let short: String = line.chars().take(MOST).collect();
    if short.len() < text.len() {
        format!("{short}…")
    } else {
        short
    }
}

/// Output that waits to be sent.
#[derive(Default)]
struct Gathered {
    pieces: HashMap<Stream, Piece>,
    since: Option<Instant>,
}

struct Piece {
    offset: u64,
    bytes: Vec<u8>,
}

impl Gathered {
    /// The source cuts between characters and leaves no gaps.
    fn add(&mut self, stream: Stream, offset: u64, bytes: &[u8]) {
        self.since.get_or_insert_with(Instant::now);
        self.pieces
            .entry(stream)
            .or_insert_with(|| Piece {
                offset,
                bytes: Vec::new(),
            })
            .bytes
            .extend_from_slice(bytes);
    }

    fn enough(&self) -> bool {
        self.pieces
            .values()
            .any(|piece| piece.bytes.len() >= ENOUGH)
    }

    fn due(&self) -> Option<Instant> {
        self.since.map(|since| since + GATHER)
    }

    /// Standard output first.
    fn take(&mut self) -> Vec<(Stream, Piece)> {
        self.since = None;
        let mut pieces: Vec<_> = self.pieces.drain().collect();
        pieces.sort_by_key(|(stream, _)| *stream);
        pieces
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn output_is_gathered_and_streams_stay_apart() {
        let mut gathered = Gathered::default();
        assert_eq!(gathered.due(), None);
        gathered.add(Stream::Stderr, 7, b"warning\n");
        gathered.add(Stream::Stdout, 0, b"one\n");
        gathered.add(Stream::Stdout, 4, b"two\n");
        assert!(
            gathered
                .due()
                .is_some_and(|due| due > Instant::now() - GATHER)
        );
        let taken: Vec<_> = gathered
            .take()
            .into_iter()
            .map(|(stream, piece)| (stream, piece.offset, piece.bytes))
            .collect();
        assert_eq!(
            taken,
            [
                (Stream::Stdout, 0, b"one\ntwo\n".to_vec()),
                (Stream::Stderr, 7, b"warning\n".to_vec())
            ]
        );
        assert_eq!(gathered.due(), None);
        assert!(gathered.take().is_empty());
    }

    #[test]
    fn a_long_result_is_cut_at_a_character() {
        assert_eq!(brief("short"), "short");
        assert_eq!(brief("first\nsecond"), "first…");
        assert_eq!(brief(&"é".repeat(300)).chars().count(), 201);
    }
}
