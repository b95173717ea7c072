//! Pushes diagnostics: findings of the analysis, failures of jobs, errors of the configuration.
//!
//! One task does all of it, so that an older answer can never overwrite a newer one. Each answer is for the text that it was made
//! of: when that has changed meanwhile, it is thrown away, as the change has asked for another one.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use hoist_jobs::{Config, ConfigError};
use hoist_syntax::{Encoding, LineIndex};
use tower_lsp::Client;
use tower_lsp::ls_types::{
    Diagnostic, DiagnosticRelatedInformation, DiagnosticSeverity, Location, Position, Range, Uri,
};

use super::analysis::Source;
use super::documents::Open;
use super::failures::Failure;
use super::session::{Session, Subject};
use super::snapshot::Snapshot;
use super::to_proto;

/// The longest pause between two answers while someone types.
const PAUSE: Duration = Duration::from_millis(150);

/// Pushes until the client is gone.
pub(super) async fn push(client: Client, session: Arc<Session>) {
    let mut problems = Problems::default();
    loop {
        let stale = session.stale().await;
        let begun = Instant::now();
        for subject in stale {
            push_one(&client, &session, &mut problems, subject).await;
        }
        // As long a pause as the work took: the first answer comes at once, and fast typing costs half of one core at most.
        tokio::time::sleep(begun.elapsed().min(PAUSE)).await;
    }
}

/// Tells the diagnostics of one document or file.
async fn push_one(
    client: &Client,
    session: &Arc<Session>,
    problems: &mut Problems,
    subject: Subject,
) {
    let snapshot = session.snapshot();
    let open = match &subject {
        Subject::Document(uri) => snapshot.document(uri),
        Subject::File(path) => snapshot.document_of(path),
    };
    let Some(open) = open.cloned() else {
        push_closed(client, session, &snapshot, subject).await;
        return;
    };
    let found = {
        let (session, snapshot, open) = (session.clone(), snapshot.clone(), open.clone());
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
        problems.tell(client, &snapshot, workspace, problem).await;
    }
    let now = session.snapshot();
    let is_current = now
        .document(open.uri.as_str())
        .is_some_and(|now| Arc::ptr_eq(&now.cache, &open.cache));
    if is_current {
        client
            .publish_diagnostics(open.uri.clone(), diagnostics, Some(open.version))
            .await;
    }
}

/// A file that is not open has only what jobs left in it.
async fn push_closed(client: &Client, session: &Session, snapshot: &Snapshot, subject: Subject) {
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
    let failures = path.map_or_else(Vec::new, |path| session.failures(&path));
    let diagnostics = failures
        .iter()
        .map(|failure| failed(snapshot, failure, None))
        .collect();
    client.publish_diagnostics(uri, diagnostics, None).await;
}

struct Found {
    diagnostics: Vec<Diagnostic>,
    problem: Option<(PathBuf, Option<ConfigError>)>,
}

/// Everything that there is to say about an open document.
fn find(session: &Session, snapshot: &Snapshot, open: &Arc<Open>) -> Found {
    let Some(source) = Source::of(snapshot, open) else {
        return Found {
            diagnostics: Vec::new(),
            problem: None,
        };
    };
    let encoding = snapshot.profile.encoding;
    let mut diagnostics: Vec<Diagnostic> = source
        .findings(snapshot)
        .iter()
        .map(|finding| to_proto::finding(open, finding, encoding))
        .collect();
    let failures = session.failures(source.path);
    diagnostics.extend(
        failures
            .iter()
            .map(|failure| failed(snapshot, failure, Some(open))),
    );
    if !open.document.tree().root_node().has_error() {
        session.hold(&open.uri, &open.cache, &source.runnables());
    }
    let problem = Config::load(Some(&source.workspace)).err();
    Found {
        diagnostics,
        problem: Some((source.workspace, problem)),
    }
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
            let Some(uri) = snapshot.uri_of(file) else {
                continue;
            };
            let here = self.0.values().filter(|problem| problem.file == file);
            let diagnostics = here
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
        severity: Some(DiagnosticSeverity::ERROR),
        source: Some("hoist".to_owned()),
        message: problem.message.clone(),
        ..Diagnostic::default()
    }
}
