//! Pushes diagnostics: findings of the analysis, failures of jobs, errors of the configuration.
//!
//! Every text is answered twice. At once, with what takes hardly longer than to parse what was typed: whether the text is Python,
//! and the findings of the last text that was looked at whole, moved along with the edits. Then, when it was looked at whole,
//! with its own findings, if these are others. Each answer is for the text that it was made of: when that has changed
//! meanwhile, it is thrown away, as the change has asked for another one.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use hoist_analysis::{Code, readability};
use hoist_jobs::{Config, ConfigError};
use hoist_syntax::{Encoding, LineIndex};
use tokio::sync::{Mutex, Notify};
use tower_lsp::Client;
use tower_lsp::ls_types::{
    Diagnostic, DiagnosticRelatedInformation, Location, Position, Range, Uri,
};

use super::analysis::Source;
use super::config;
use super::documents::Open;
use super::failures::Failure;
use super::session::{Session, Subject};
use super::snapshot::Snapshot;
use super::to_proto;

/// The longest pause between two looks at whole texts while someone types.
const PAUSE: Duration = Duration::from_millis(150);

/// Pushes until the client is gone.
pub(super) async fn push(client: Client, session: Arc<Session>) {
    let publisher = Publisher {
        client,
        session,
        told: Mutex::default(),
    };
    let wanted = Wanted::default();
    tokio::join!(
        answer_at_once(&publisher, &wanted),
        answer_whole(&publisher, &wanted)
    );
}

/// What is to be looked at whole.
#[derive(Default)]
struct Wanted {
    subjects: std::sync::Mutex<BTreeSet<Subject>>,
    added: Notify,
}

impl Wanted {
    fn subjects(&self) -> std::sync::MutexGuard<'_, BTreeSet<Subject>> {
        // A set is whole at any moment.
        self.subjects
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn add(&self, subjects: BTreeSet<Subject>) {
        self.subjects().extend(subjects);
        self.added.notify_one();
    }

    async fn take(&self) -> BTreeSet<Subject> {
        loop {
            let subjects = std::mem::take(&mut *self.subjects());
            if !subjects.is_empty() {
                return subjects;
            }
            self.added.notified().await;
        }
    }
}

async fn answer_at_once(publisher: &Publisher, wanted: &Wanted) {
    loop {
        let stale = publisher.session.stale().await;
        for subject in &stale {
            let snapshot = publisher.session.snapshot();
            let Some(open) = open_of(&snapshot, subject) else {
                continue;
            };
            // Here, without a thread of its own to wait for. A panic in there is reported; the next change asks again.
            let find = || find_at_once(&publisher.session, &snapshot, &open);
            let found = tokio::task::block_in_place(|| catch_unwind(AssertUnwindSafe(find)));
            if let Ok(Some(diagnostics)) = found {
                publisher.tell(&open, diagnostics).await;
            }
        }
        wanted.add(stale);
    }
}

async fn answer_whole(publisher: &Publisher, wanted: &Wanted) {
    loop {
        let subjects = wanted.take().await;
        let begun = Instant::now();
        for subject in subjects {
            look_at(publisher, subject).await;
        }
        // As long a pause as the work took: fast typing costs half of one core at most.
        tokio::time::sleep(begun.elapsed().min(PAUSE)).await;
    }
}

fn open_of(snapshot: &Snapshot, subject: &Subject) -> Option<Arc<Open>> {
    match subject {
        Subject::Document(uri) => snapshot.document(uri).cloned(),
        Subject::File(path) => snapshot.document_of(path).cloned(),
    }
}

/// Tells all that there is to say about one document or file.
async fn look_at(publisher: &Publisher, subject: Subject) {
    let snapshot = publisher.session.snapshot();
    let Some(open) = open_of(&snapshot, &subject) else {
        publisher.tell_closed(&snapshot, subject).await;
        return;
    };
    let found = {
        let (session, snapshot) = (publisher.session.clone(), snapshot.clone());
        let open = open.clone();
        tokio::task::spawn_blocking(move || find(&session, &snapshot, &open)).await
    };
    // A panic in there was reported by the runtime; the next change asks again.
    let Ok(Found {
        diagnostics,
        problem,
    }) = found
    else {
        return;
    };
    if let Some((workspace, problem)) = problem {
        publisher.tell_problem(&snapshot, workspace, problem).await;
    }
    publisher.tell(&open, diagnostics).await;
}

/// The one way to the client's list of problems.
struct Publisher {
    client: Client,
    session: Arc<Session>,
    told: Mutex<Told>,
}

/// What the client was told last. Whoever tells more holds the lock from the question whether it still is so until it is told,
/// so that an older answer never overwrites a newer one.
#[derive(Default)]
struct Told {
    documents: BTreeMap<String, (i32, Vec<Diagnostic>)>,
    problems: Problems,
}

impl Publisher {
    /// Tells the diagnostics of an open document, unless it has changed meanwhile or the client has just them.
    async fn tell(&self, open: &Open, diagnostics: Vec<Diagnostic>) {
        let mut told = self.told.lock().await;
        let now = self.session.snapshot();
        let uri = open.uri.as_str();
        let is_current = now
            .document(uri)
            .is_some_and(|now| Arc::ptr_eq(&now.cache, &open.cache));
        let known = told
            .documents
            .get(uri)
            .is_some_and(|(version, known)| *version == open.version && *known == diagnostics);
        if !is_current || known {
            return;
        }
        let kept = (open.version, diagnostics.clone());
        told.documents.insert(uri.to_owned(), kept);
        self.client
            .publish_diagnostics(open.uri.clone(), diagnostics, Some(open.version))
            .await;
    }

    /// A file that is not open has only what jobs left in it.
    async fn tell_closed(&self, snapshot: &Snapshot, subject: Subject) {
        let (uri, path) = match subject {
            Subject::Document(uri) => {
                let Ok(uri) = uri.parse::<Uri>() else { return };
                let path = super::from_proto::path(&uri);
                (uri, path)
            }
            Subject::File(path) => {
                let Some(uri) = snapshot.uri_of(&path) else {
                    return;
                };
                (uri, Some(path))
            }
        };
        let failures = path
            .as_deref()
            .map_or_else(Vec::new, |path| self.session.failures(path));
        let mut told = self.told.lock().await;
        let problems = path.iter().flat_map(|path| told.problems.of(path));
        let diagnostics = failures
            .iter()
            .map(|failure| failed(snapshot, failure, None))
            .chain(problems.map(|problem| config_error(problem, snapshot.profile.encoding)))
            .collect();
        if self.session.snapshot().document(uri.as_str()).is_some() {
            return;
        }
        told.documents.remove(uri.as_str());
        self.client
            .publish_diagnostics(uri, diagnostics, None)
            .await;
    }

    async fn tell_problem(
        &self,
        snapshot: &Snapshot,
        workspace: PathBuf,
        problem: Option<ConfigError>,
    ) {
        let mut told = self.told.lock().await;
        told.problems
            .tell(&self.client, snapshot, workspace, problem)
            .await;
    }
}

/// What can be said about an open document before it is looked at whole; none for one of which no text was yet.
fn find_at_once(
    session: &Session,
    snapshot: &Snapshot,
    open: &Arc<Open>,
) -> Option<Vec<Diagnostic>> {
    if let Some(diagnostics) = config::diagnostics(snapshot, open) {
        return Some(diagnostics);
    }
    let path = open.path.as_deref().filter(|_| open.python)?;
    let encoding = snapshot.profile.encoding;
    let carried = open
        .carried
        .placed()?
        .filter(|(finding, _)| finding.code != Code::SyntaxError)
        .map(|(finding, place)| to_proto::moved_finding(open, finding, place, encoding));
    let mut diagnostics: Vec<Diagnostic> = readability(&open.document)
        .iter()
        .map(|finding| to_proto::finding(open, finding, encoding))
        .chain(carried)
        .collect();
    diagnostics.sort_by_key(|diagnostic| (diagnostic.range.start, diagnostic.range.end));
    add_failures(session, snapshot, open, path, &mut diagnostics);
    Some(diagnostics)
}

struct Found {
    diagnostics: Vec<Diagnostic>,
    problem: Option<(PathBuf, Option<ConfigError>)>,
}

/// Everything that there is to say about an open document.
fn find(session: &Session, snapshot: &Snapshot, open: &Arc<Open>) -> Found {
    let Some(source) = Source::of(snapshot, open) else {
        return Found {
            diagnostics: config::diagnostics(snapshot, open).unwrap_or_default(),
            problem: None,
        };
    };
    let encoding = snapshot.profile.encoding;
    let findings = source.findings(snapshot);
    let mut diagnostics: Vec<Diagnostic> = findings
        .iter()
        .map(|finding| to_proto::finding(open, finding, encoding))
        .collect();
    add_failures(session, snapshot, open, source.path, &mut diagnostics);
    let runnables = open.document.check().is_ok().then(|| source.runnables());
    session.found(open, findings, runnables.as_ref().map(|all| all.as_slice()));
    open.document.settle();
    let problem = (*Config::load_kept(&source.workspace))
        .as_ref()
        .err()
        .cloned();
    Found {
        diagnostics,
        problem: Some((source.workspace, problem)),
    }
}

fn add_failures(
    session: &Session,
    snapshot: &Snapshot,
    open: &Open,
    path: &Path,
    diagnostics: &mut Vec<Diagnostic>,
) {
    let failures = session.failures(path);
    diagnostics.extend(
        failures
            .iter()
            .map(|failure| failed(snapshot, failure, Some(open))),
    );
}

/// A failure as a diagnostic: under the whole line where its text is known.
fn failed(snapshot: &Snapshot, failure: &Failure, open: Option<&Open>) -> Diagnostic {
    let range = match open {
        Some(open) => {
            let document = &open.document;
            let line = document.lines().line_range(
                document.text(),
                failure.line.min(document.lines().line_count()),
            );
            let text = &document.text()[line.clone()];
            let indent = text.len() - text.trim_start().len();
            let end = line.start + text.trim_end().len();
            let start = (line.start + indent).min(end);
            to_proto::range(document, start..end, snapshot.profile.encoding)
        }
        None => whole_line(failure.line),
    };
    let related = failure.related.iter().filter_map(|(path, line, what)| {
        Some(DiagnosticRelatedInformation {
            location: Location::new(snapshot.uri_of(path)?, whole_line(*line)),
            message: what.clone(),
        })
    });
    let related: Vec<_> = related.collect();
    let can = snapshot.profile.related_information && !related.is_empty();
    Diagnostic {
        range,
        related_information: can.then_some(related),
        ..to_proto::diagnostic(failure.code, failure.message.clone())
    }
}

fn whole_line(line: u32) -> Range {
    Range::new(Position::new(line, 0), Position::new(line + 1, 0))
}

/// Configuration files with an error, by the workspace that they are of.
#[derive(Default)]
struct Problems(BTreeMap<PathBuf, ConfigError>);

impl Problems {
    /// The errors in one file.
    fn of<'p>(&'p self, file: &'p Path) -> impl Iterator<Item = &'p ConfigError> {
        self.0.values().filter(move |problem| problem.file == file)
    }

    /// Tells an error in the file where it is, and takes it back when it is mended; nothing when it is the same as before.
    async fn tell(
        &mut self,
        client: &Client,
        snapshot: &Snapshot,
        workspace: PathBuf,
        problem: Option<ConfigError>,
    ) {
        let before = match &problem {
            Some(problem) => self.0.insert(workspace, problem.clone()),
            None => self.0.remove(&workspace),
        };
        if before == problem {
            return;
        }
        let files: BTreeSet<&Path> = [&before, &problem]
            .into_iter()
            .flatten()
            .map(|problem| problem.file.as_path())
            .collect();
        for file in files {
            // What is open is told as it stands in the editor.
            if snapshot.document_of(file).is_some() {
                continue;
            }
            let Some(uri) = snapshot.uri_of(file) else {
                continue;
            };
            let diagnostics = self
                .of(file)
                .map(|problem| config_error(problem, snapshot.profile.encoding))
                .collect();
            client.publish_diagnostics(uri, diagnostics, None).await;
        }
    }
}

fn config_error(problem: &ConfigError, encoding: Encoding) -> Diagnostic {
    let range = problem.range.clone().and_then(|bytes| {
        let text = std::fs::read_to_string(&problem.file).ok()?;
        let lines = LineIndex::new(&text);
        let position = |offset| {
            let position = lines.position(&text, offset, encoding);
            Position::new(position.line, position.character)
        };
        Some(Range::new(position(bytes.start), position(bytes.end)))
    });
    Diagnostic {
        range: range.unwrap_or_else(|| whole_line(0)),
        ..to_proto::diagnostic(problem.code, problem.message.clone())
    }
}
