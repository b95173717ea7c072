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
use super::profile::Profile;
use super::progress::Progress;
use super::requests::code_lens;
use super::session::Session;
use super::{ext, to_proto};
use crate::bar::Bars;

/// How long output is gathered, but for what comes after a silence.
const GATHER: Duration = Duration::from_millis(30);

/// How much output is gathered at most.
const ENOUGH: usize = 64 << 10;

/// Whose job it is, which decides how much fuss is made of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// Made by this session: progress is shown, and its output is opened for clients without a place of their own.
    Here,
    /// A task of a sweep that this session made: no fuss is made of one of many.
    Task,
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
        Origin::Here | Origin::Task => [0; 3],
        Origin::Earlier => Stream::ALL.map(|stream| engine.output_length(job, stream)),
    };
    let mut job = job;
    let mut watch = engine.watch(job, offsets);
    let mut teller = Teller {
        client,
        session,
        engine,
        origin,
        gathered: Gathered::default(),
        progress: None,
        opened: false,
        next: None,
        bars: Default::default(),
    };
    loop {
        let next = match teller.gathered.due() {
            Some(due) => tokio::time::timeout_at(due, watch.next()).await,
            None => Ok(watch.next().await),
        };
        match next {
            Err(_) => teller.flush(job).await,
            Ok(Ok(Some(event))) => teller.tell(event).await,
            Ok(Ok(None)) => match teller.next.take() {
                Some(next) => {
                    job = next;
                    watch = teller.engine.watch(job, [0; 3]);
                    teller.opened = false;
                    teller.bars = Default::default();
                }
                None => return,
            },
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
    /// The job that runs it once more.
    next: Option<JobId>,
    /// What it draws on standard output and on standard error, which is where bars usually are.
    bars: [Bars; 2],
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
            Event::Fetch { sent, total, .. } => {
                if let Some(progress) = &mut self.progress {
                    progress.fetch(sent, total).await;
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
                self.next = job.next;
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
        if self.origin == Origin::Here && snapshot.profile.options.figures.open {
            let here = job.figures.iter().filter_map(|figure| figure.here.as_ref());
            for path in here.take(FIGURES) {
                show_left(&self.client, &snapshot.profile, job.job, path, false).await;
            }
        }
        if self.origin != Origin::Here || snapshot.profile.announced.output {
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
            let Some(shown) = to_proto::stream(stream) else {
                continue;
            };
            self.session.wire.backlog().wait().await;
            self.client
                .send_notification::<ext::JobOutputs>(ext::JobOutput {
                    job: job.to_string(),
                    stream: shown,
                    offset: piece.offset,
                    next: piece.offset + piece.bytes.len() as u64,
                    text: String::from_utf8_lossy(&piece.bytes).into_owned(),
                })
                .await;
            self.open_log(job, stream).await;
            let bars = &mut self.bars[usize::from(stream == Stream::Stderr)];
            if let (Some(news), Some(progress)) = (bars.feed(&piece.bytes), &mut self.progress) {
                progress.bar(news).await;
            }
        }
    }

    /// A client without a place of its own for output sees the log itself, opened once, at the first output.
    async fn open_log(&mut self, job: JobId, stream: Stream) {
        if self.opened || self.origin != Origin::Here {
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

/// So many figures are opened by themselves.
const FIGURES: usize = 4;

/// Opens a file that a job left. To a client that cannot open just any file only texts are shown, and of others where they are; and
/// only when the person asked for it.
pub(super) async fn show_left(
    client: &Client,
    profile: &Profile,
    job: JobId,
    path: &std::path::Path,
    take_focus: bool,
) {
    let Some(uri) = tower_lsp::ls_types::Uri::from_file_path(path) else {
        return;
    };
    if profile.announced.file {
        let shown = ext::ShowFile {
            job: job.to_string(),
            uri: uri.as_str().to_owned(),
            take_focus,
        };
        client.send_notification::<ext::ShowFiles>(shown).await;
    } else if take_focus && is_text(path) && profile.show_document {
        show_file(client, path, true).await;
    } else if take_focus {
        let sentence = format!("It is in {}", path.display());
        client.show_message(MessageType::INFO, sentence).await;
    }
}

/// Whether an editor can show it, as far as its beginning tells.
fn is_text(path: &std::path::Path) -> bool {
    use std::io::Read;
    let mut head = Vec::new();
    let file = std::fs::File::open(path).map(|file| file.take(8192));
    let read = file.and_then(|mut file| file.read_to_end(&mut head));
    // What is cut in the middle of a character is text all the same.
    read.is_ok()
        && !head.contains(&0)
        && std::str::from_utf8(&head).map_or_else(|error| error.error_len().is_none(), |_| true)
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
    /// When something was sent last.
    sent: Option<Instant>,
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

    /// What comes after a silence is due at once, and what follows it closely is sent together.
    fn due(&self) -> Option<Instant> {
        let since = self.since?;
        Some(match self.sent {
            Some(sent) => since.max(sent + GATHER),
            None => since,
        })
    }

    /// Standard output first.
    fn take(&mut self) -> Vec<(Stream, Piece)> {
        self.since = None;
        if !self.pieces.is_empty() {
            self.sent = Some(Instant::now());
        }
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
        assert!(gathered.due().is_some_and(|due| due <= Instant::now()));
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
        gathered.add(Stream::Stdout, 8, b"three\n");
        assert!(gathered.due().is_some_and(|due| due > Instant::now()));
        assert_eq!(gathered.take().len(), 1);
        assert!(gathered.take().is_empty());
    }

    #[test]
    fn a_long_result_is_cut_at_a_character() {
        assert_eq!(brief("short"), "short");
        assert_eq!(brief("first\nsecond"), "first…");
        assert_eq!(brief(&"é".repeat(300)).chars().count(), 201);
    }
}
