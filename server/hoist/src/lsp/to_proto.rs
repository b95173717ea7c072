//! From our shapes to the protocol's.

use std::ops::Range;
use std::path::Path;

use hoist_analysis::{Code, Finding, Severity};
use hoist_jobs::{JobResult, JobView, Preview, Stream, WrittenFile};
use hoist_syntax::{Document, Encoding, LineIndex};
use serde_json::Value;
use tower_lsp::ls_types::{
    self, Diagnostic, DiagnosticSeverity, Hover, HoverContents, MarkupContent, MarkupKind,
    NumberOrString,
};

use crate::result_text;
pub(super) use crate::words::{duration, size};

use super::analysis::Source;
use super::documents::Open;
use super::ext;
use super::placed::placed;
use super::snapshot::Snapshot;

/// The name of the unit in which both sides count characters.
pub(super) fn encoding(encoding: Encoding) -> ls_types::PositionEncodingKind {
    match encoding {
        Encoding::Utf8 => ls_types::PositionEncodingKind::UTF8,
        Encoding::Utf16 => ls_types::PositionEncodingKind::UTF16,
        Encoding::Utf32 => ls_types::PositionEncodingKind::UTF32,
    }
}

/// Bytes of a document as a range of the protocol.
pub(super) fn range(
    document: &Document,
    bytes: Range<usize>,
    encoding: Encoding,
) -> ls_types::Range {
    range_in(document.text(), document.lines(), bytes, encoding)
}

/// A hover over a piece of a document, with a text that is Markdown where the client shows it.
pub(super) fn hover(
    snapshot: &Snapshot,
    document: &Document,
    bytes: Range<usize>,
    value: String,
) -> Hover {
    let kind = match snapshot.profile.markdown {
        true => MarkupKind::Markdown,
        false => MarkupKind::PlainText,
    };
    Hover {
        contents: HoverContents::Markup(MarkupContent { kind, value }),
        range: Some(range(document, bytes, snapshot.profile.encoding)),
    }
}

/// Bytes of a text as a range of the protocol.
pub(super) fn range_in(
    text: &str,
    lines: &LineIndex,
    bytes: Range<usize>,
    encoding: Encoding,
) -> ls_types::Range {
    let position = |offset| {
        let position = lines.position(text, offset, encoding);
        ls_types::Position::new(position.line, position.character)
    };
    ls_types::Range::new(position(bytes.start), position(bytes.end))
}

/// Which of a job's streams; none for what clients are not sent.
pub(super) fn stream(stream: Stream) -> Option<ext::Stream> {
    match stream {
        Stream::Stdout => Some(ext::Stream::Stdout),
        Stream::Stderr => Some(ext::Stream::Stderr),
        Stream::Environment => None,
    }
}

/// A job, with its function where it is now.
pub(super) fn job(snapshot: &Snapshot, job: &JobView) -> ext::Job {
    let uri = |path: &Path| snapshot.uri_of(path).map(|uri| uri.as_str().to_owned());
    let error = job.error.as_ref().map(|error| ext::JobError {
        kind: error.kind.clone(),
        message: error.message.clone(),
        frames: error
            .frames
            .iter()
            .map(|frame| ext::Frame {
                file: frame.file.clone(),
                line: frame.line,
                function: frame.function.clone(),
                uri: frame.path.as_deref().and_then(uri),
            })
            .collect(),
        traceback: error.traceback.clone(),
    });
    ext::Job {
        job: job.job.to_string(),
        state: job.state.word().to_owned(),
        name: job.name.clone(),
        entry: job.entry.clone(),
        uri: uri(&job.path).unwrap_or_default(),
        line: line_of(snapshot, job),
        target: job.target.clone(),
        args: job.args.clone(),
        sweep: job.sweep.map(|task| ext::TaskOf {
            sweep: task.sweep.to_string(),
            index: task.index,
            of: task.of,
        }),
        after: job.after.iter().map(ToString::to_string).collect(),
        again: job.again.map(|name| name.to_string()),
        next: job.next.map(|name| name.to_string()),
        attempt: job.attempt,
        checkpoint_bytes: job.checkpoint_bytes,
        suggests: job.suggests.clone(),
        created: job.created,
        started: job.started,
        ended: job.ended,
        wall_seconds: job.wall_seconds,
        reason: job.reason.clone(),
        message: job.message.clone(),
        usage: result_text::usage(job).map(|text| ext::Usage {
            text,
            cpu_seconds: job.cpu_seconds,
            cores_asked: job.cores_asked,
            peak_memory_bytes: job.peak_memory_bytes,
            memory_asked_bytes: job.memory_asked_bytes,
            queue_seconds: job.queue_seconds,
        }),
        advice: job.advice.clone(),
        result: job.result.as_ref().map(result),
        error,
        figures: job.figures.iter().map(|file| left("", file)).collect(),
        files: job
            .files
            .iter()
            .take(FILES)
            .map(|file| left("files/", file))
            .collect(),
        more_files: job.files.len().checked_sub(FILES).filter(|more| *more > 0),
    }
}

/// As many files of a job as a client is told of by itself.
const FILES: usize = 100;

fn left(prefix: &str, file: &WrittenFile) -> ext::LeftFile {
    let here = file.here.as_deref();
    let uri = here.and_then(ls_types::Uri::from_file_path);
    ext::LeftFile {
        path: format!("{prefix}{}", file.path),
        bytes: file.size,
        uri: uri.map(|uri| uri.as_str().to_owned()),
    }
}

/// Where the job's function is, 0-based: in the open document, else where it was.
fn line_of(snapshot: &Snapshot, job: &JobView) -> Option<u32> {
    let now = snapshot.document_of(&job.path).and_then(|open| {
        let source = Source::of(snapshot, open)?;
        let placed = placed(snapshot, &source);
        let found = placed
            .iter()
            .find(|placed| placed.runnable.entry.to_string() == job.entry)?;
        Some(found.range.start.line)
    });
    now.or_else(|| job.line.map(|line| line.saturating_sub(1)))
}

/// What a function returned. A JSON value goes through number types on its way to a client, so one with numbers that would not
/// survive goes as text.
fn result(result: &JobResult) -> ext::JobResult {
    let text = result.json.as_ref().map(|json| json.get());
    let value = text.and_then(|text| serde_json::from_str(text).ok());
    match value {
        Some(value) if survives(&value) => ext::JobResult {
            json: Some(value),
            ..besides_json(result)
        },
        _ => ext::JobResult {
            json_text: text.map(str::to_owned),
            ..besides_json(result)
        },
    }
}

fn besides_json(result: &JobResult) -> ext::JobResult {
    let preview = |preview: &Preview| ext::Preview {
        at: preview.at.clone(),
        kind: preview.kind.clone(),
        about: result_text::about(preview),
        text: preview.text.clone(),
        cut: preview.cut,
    };
    ext::JobResult {
        repr: result.repr.clone(),
        json: None,
        json_text: None,
        previews: result.previews.iter().map(preview).collect(),
        pickle: result.pickle.as_ref().map(|file| left("", file)),
        pickle_problem: result.pickle_problem.clone(),
    }
}

/// Whether every integer is one that a double holds exactly. Larger ones than 64 bits were read as doubles already: those have
/// no fraction and are out of range too.
fn survives(value: &Value) -> bool {
    const LIMIT: f64 = 9_007_199_254_740_992.0;
    match value {
        Value::Number(number) => number
            .as_f64()
            .is_some_and(|number| number.fract() != 0.0 || number.abs() < LIMIT),
        Value::Array(values) => values.iter().all(survives),
        Value::Object(fields) => fields.values().all(survives),
        Value::Null | Value::Bool(_) | Value::String(_) => true,
    }
}

/// A finding as a diagnostic.
pub(super) fn finding(open: &Open, finding: &Finding, encoding: Encoding) -> Diagnostic {
    moved_finding(open, finding, &finding.range, encoding)
}

/// A finding of an earlier text as a diagnostic, at the bytes where it is now.
pub(super) fn moved_finding(
    open: &Open,
    finding: &Finding,
    place: &Range<usize>,
    encoding: Encoding,
) -> Diagnostic {
    Diagnostic {
        range: range(&open.document, place.clone(), encoding),
        severity: Some(severity(finding.severity)),
        ..diagnostic(finding.code, finding.message.clone())
    }
}

pub(super) fn severity(of: Severity) -> DiagnosticSeverity {
    match of {
        Severity::Error => DiagnosticSeverity::ERROR,
        Severity::Warning => DiagnosticSeverity::WARNING,
        Severity::Information => DiagnosticSeverity::INFORMATION,
        Severity::Hint => DiagnosticSeverity::HINT,
    }
}

/// What all our diagnostics have in common.
pub(super) fn diagnostic(code: Code, message: String) -> Diagnostic {
    Diagnostic {
        severity: Some(DiagnosticSeverity::ERROR),
        code: Some(NumberOrString::String(code.to_string())),
        source: Some("hoist".to_owned()),
        message,
        ..Diagnostic::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(json: &str) -> ext::JobResult {
        result(&JobResult {
            repr: String::new(),
            json: serde_json::from_str(json).ok(),
            previews: Vec::new(),
            pickle: None,
            pickle_problem: None,
        })
    }

    #[test]
    fn numbers_that_clients_would_round_go_as_text() {
        assert_eq!(told("[1, 2.5, -9007199254740991]").json_text, None);
        assert_eq!(told("null").json, Some(Value::Null));
        for json in [
            "9007199254740993",
            "{\"a\":[123456789012345678901234567890]}",
        ] {
            assert_eq!(told(json).json, None, "{json}");
            assert_eq!(told(json).json_text.as_deref(), Some(json));
        }
    }
}
