//! Pushes diagnostics: findings of the analysis, failures of jobs, errors of the configuration.
//!
//! Every text is answered twice. At once, with what takes hardly longer than to parse what was typed: whether the text is Python,
//! and the findings of the last text that was looked at whole, moved along with the edits. Then, when it was looked at whole,
//! with its own findings, if these are others. Each answer is for the text that it was made of: when that has changed
//! meanwhile, it is thrown away, as the change has asked for another one.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::time::{Duration, Instant};

use hoist_analysis::{Code, Finding, readability};
use hoist_jobs::{Config, ConfigError};
use hoist_syntax::{Encoding, LineIndex};
use tower_lsp::ls_types::notification::PublishDiagnostics;
use tower_lsp::ls_types::{
    Diagnostic, DiagnosticRelatedInformation, Location, Position, PublishDiagnosticsParams, Range,
    Uri,
};

use super::analysis::Source;
use super::config;
use super::documents::Open;
use super::failures::Failure;
use super::remote;
use super::session::{Session, Subject};
use super::snapshot::Snapshot;
use super::to_proto;

/// How long a look at a whole text waits, so that on a busy machine the answer that was given at once reaches the client first.
const COURTESY: Duration = Duration::from_millis(2);

/// The longest pause between two looks at whole texts while someone types.
const PAUSE: Duration = Duration::from_millis(150);

/// Pushes until the client is gone.
pub(super) fn push(session: Arc<Session>) -> std::io::Result<()> {
    let publisher = Arc::new(Publisher {
        session,
        told: Mutex::default(),
    });
    let (wanted, subjects) = mpsc::channel();
    let at_once = publisher.clone();
    // Threads of their own: a keystroke is answered without waiting for a place among other work.
    let named = |name: &str| std::thread::Builder::new().name(name.to_owned());
    named("findings at once").spawn(move || answer_at_once(&at_once, &wanted))?;
    named("findings").spawn(move || answer_whole(&publisher, &subjects))?;
    Ok(())
}

/// Answers every change with what takes hardly longer than to parse what was typed, then hands it on.
fn answer_at_once(publisher: &Publisher, wanted: &mpsc::Sender<BTreeSet<Subject>>) {
    loop {
        let stale = publisher.session.stale();
        for subject in &stale {
            // A panic in there is reported; the next change asks again.
            let tell = AssertUnwindSafe(|| {
                let snapshot = publisher.session.snapshot();
                let open = open_of(&snapshot, subject)?;
                let diagnostics = find_at_once(&publisher.session, &snapshot, &open)?;
                publisher.tell(&open, diagnostics);
                Some(())
            });
            let _ = catch_unwind(tell);
        }
        if wanted.send(stale).is_err() {
            return;
        }
    }
}

/// Looks at whole texts, in as many pauses as work: fast typing costs half of one core at most.
fn answer_whole(publisher: &Publisher, wanted: &mpsc::Receiver<BTreeSet<Subject>>) {
    give_way();
    while let Ok(mut subjects) = wanted.recv() {
        std::thread::sleep(COURTESY);
        subjects.extend(wanted.try_iter().flatten());
        let begun = Instant::now();
        for subject in subjects {
            // A panic in there is reported; the next change asks again.
            let _ = catch_unwind(AssertUnwindSafe(|| look_at(publisher, subject)));
        }
        publisher.session.drop_old();
        std::thread::sleep(begun.elapsed().min(PAUSE));
    }
}

/// Lets this thread stand behind all others: when every core is busy, a keystroke does not wait for the end of its turn.
fn give_way() {
    // Linux counts the priority by thread. Without it, all is as right as before.
    #[cfg(target_os = "linux")]
    let _ = rustix::process::nice(10);
}

fn open_of(snapshot: &Snapshot, subject: &Subject) -> Option<Arc<Open>> {
    match subject {
        Subject::Document(uri) => snapshot.document(uri).cloned(),
        Subject::File(path) => snapshot.document_of(path).cloned(),
    }
}

/// Tells all that there is to say about one document or file.
fn look_at(publisher: &Publisher, subject: Subject) {
    let snapshot = publisher.session.snapshot();
    let Some(open) = open_of(&snapshot, &subject) else {
        publisher.tell_closed(&snapshot, subject);
        return;
    };
    let found = find(&publisher.session, &snapshot, &open);
    if let Some((workspace, problem)) = found.problem {
        publisher.tell_problem(&snapshot, workspace, problem);
    }
    publisher.tell(&open, found.diagnostics);
    open.document.settle();
}

/// The one way to the client's list of problems.
struct Publisher {
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
    fn told(&self) -> MutexGuard<'_, Told> {
        // What was told is written down after it was told; a panic between the two tells it twice.
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells the diagnostics of an open document, unless it has changed meanwhile or the client has just them.
    fn tell(&self, open: &Open, diagnostics: Vec<Diagnostic>) {
        let mut told = self.told();
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
        let diagnostics = self.publish(open.uri.clone(), diagnostics, Some(open.version));
        told.documents
            .insert(uri.to_owned(), (open.version, diagnostics));
    }

    /// Sends diagnostics and gives them back.
    fn publish(&self, uri: Uri, of: Vec<Diagnostic>, version: Option<i32>) -> Vec<Diagnostic> {
        let params = PublishDiagnosticsParams::new(uri, of, version);
        if !self.session.said_goodbye() {
            self.session.wire.notify::<PublishDiagnostics>(&params);
        }
        params.diagnostics
    }

    /// A file that is not open has only what jobs left in it.
    fn tell_closed(&self, snapshot: &Snapshot, subject: Subject) {
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
        let mut told = self.told();
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
        self.publish(uri, diagnostics, None);
    }

    fn tell_problem(&self, snapshot: &Snapshot, workspace: PathBuf, problem: Option<ConfigError>) {
        let mut told = self.told();
        for (uri, diagnostics) in told.problems.change(snapshot, workspace, problem) {
            self.publish(uri, diagnostics, None);
        }
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
    // First, as the lenses wait for it; who asks for them meanwhile is not disturbed.
    let runnables = open.document.check().is_ok().then(|| source.runnables());
    let findings = findings(session, snapshot, &source);
    let mut diagnostics: Vec<Diagnostic> = findings
        .iter()
        .map(|finding| to_proto::finding(open, finding, encoding))
        .collect();
    add_failures(session, snapshot, open, source.path, &mut diagnostics);
    session.found(open, findings, runnables.as_ref().map(|all| all.as_slice()));
    let problem = (*Config::load_kept(&source.workspace))
        .as_ref()
        .err()
        .cloned();
    Found {
        diagnostics,
        problem: Some((source.workspace, problem)),
    }
}

/// What the analysis finds in a text, and what the targets lack that it names.
fn findings(session: &Session, snapshot: &Snapshot, source: &Source<'_>) -> Arc<Vec<Finding>> {
    let findings = source.findings(snapshot);
    let engine = session.engine.get();
    let remote = engine.map(|engine| remote::findings(engine, snapshot, source));
    match remote.filter(|remote| !remote.is_empty()) {
        Some(remote) => Arc::new(findings.iter().cloned().chain(remote).collect()),
        None => findings,
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

    /// What to tell of each file when a workspace's configuration has this error now, or none: it is told in the file where it
    /// is, and taken back where it was; nothing when it is the same as before.
    fn change(
        &mut self,
        snapshot: &Snapshot,
        workspace: PathBuf,
        problem: Option<ConfigError>,
    ) -> Vec<(Uri, Vec<Diagnostic>)> {
        let before = match &problem {
            Some(problem) => self.0.insert(workspace, problem.clone()),
            None => self.0.remove(&workspace),
        };
        if before == problem {
            return Vec::new();
        }
        let files: BTreeSet<&Path> = [&before, &problem]
            .into_iter()
            .flatten()
            .map(|problem| problem.file.as_path())
            .collect();
        let telling = files.into_iter().filter_map(|file| {
            // What is open is told as it stands in the editor.
            if snapshot.document_of(file).is_some() {
                return None;
            }
            let errors = self.of(file);
            let diagnostics =
                errors.map(|problem| config_error(problem, snapshot.profile.encoding));
            Some((snapshot.uri_of(file)?, diagnostics.collect()))
        });
        telling.collect()
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
