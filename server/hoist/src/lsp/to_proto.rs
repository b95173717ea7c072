//! From our shapes to the protocol's.

use std::ops::Range;
use std::path::Path;

use hoist_analysis::{Code, Finding, Severity};
use hoist_jobs::{JobResult, JobView, Stream};
use hoist_syntax::{Document, Encoding, LineIndex};
use serde_json::Value;
use tower_lsp::ls_types::{self, Diagnostic, DiagnosticSeverity, NumberOrString};

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

/// Which of a job's streams.
pub(super) fn stream(stream: Stream) -> ext::Stream {
    match stream {
        Stream::Stdout => ext::Stream::Stdout,
        Stream::Stderr => ext::Stream::Stderr,
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
        created: job.created,
        started: job.started,
        ended: job.ended,
        wall_seconds: job.wall_seconds,
        reason: job.reason.clone(),
        message: job.message.clone(),
        result: job.result.as_ref().map(result),
        error,
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
            repr: result.repr.clone(),
            json: Some(value),
            json_text: None,
        },
        _ => ext::JobResult {
            repr: result.repr.clone(),
            json: None,
            json_text: text.map(str::to_owned),
        },
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
        severity: Some(match finding.severity {
            Severity::Error => DiagnosticSeverity::ERROR,
            Severity::Warning => DiagnosticSeverity::WARNING,
            Severity::Information => DiagnosticSeverity::INFORMATION,
            Severity::Hint => DiagnosticSeverity::HINT,
        }),
        ..diagnostic(finding.code, finding.message.clone())
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

/// A number of bytes as people say it.
pub(super) fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
    if bytes < 1000 {
        return format!("{bytes} B");
    }
    let mut size = bytes as f64 / 1000.0;
    let mut unit = 0;
    while size >= 999.5 && unit + 1 < UNITS.len() {
        size /= 1000.0;
        unit += 1;
    }
    let digits = usize::from(size < 9.95);
    format!("{size:.digits$} {}", UNITS[unit])
}

/// A length of time as people say it, two units at most.
pub(super) fn duration(seconds: f64) -> String {
    if seconds < 9.95 {
        return format!("{seconds:.1} s");
    }
    // Rounded first, so that 59.7 s is not "60 s".
    let seconds = seconds.round() as u64;
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86400);
    match () {
        () if seconds < 60 => format!("{seconds} s"),
        () if hours == 0 => format!("{minutes} min {} s", seconds % 60),
        () if days == 0 => format!("{hours} h {} min", minutes % 60),
        () => format!("{days} d {} h", hours % 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(json: &str) -> ext::JobResult {
        result(&JobResult {
            repr: String::new(),
            json: serde_json::from_str(json).ok(),
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

    #[test]
    fn sizes_are_said_as_people_say_them() {
        let said = [0, 999, 1000, 9_949, 14_210, 999_499, 999_500, 3_400_000_000].map(size);
        assert_eq!(
            said,
            [
                "0 B", "999 B", "1.0 kB", "9.9 kB", "14 kB", "999 kB", "1.0 MB", "3.4 GB"
            ]
        );
    }

    #[test]
    fn times_are_said_as_people_say_them() {
        let said: Vec<String> = [0.04, 1.0, 9.94, 9.96, 59.4, 59.7, 125.0, 7260.0, 200_000.0]
            .map(duration)
            .to_vec();
        assert_eq!(
            said,
            [
                "0.0 s",
                "1.0 s",
                "9.9 s",
                "10 s",
                "59 s",
                "1 min 0 s",
                "2 min 5 s",
                "2 h 1 min",
                "2 d 7 h"
            ]
        );
    }
}
