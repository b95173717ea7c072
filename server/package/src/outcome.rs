//! What the runner left in the job's folder: `started`, `result.json`, `exit`. Written on a machine that is not
//! trusted, so everything here is bounded and checked before it is believed.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::TreePath;

/// How a job ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The entry returned.
    Succeeded,
    /// The entry raised, or could not be run at all.
    Failed,
    /// The user cancelled.
    Cancelled,
    /// The request's time limit was reached.
    TimedOut,
    /// The scheduler (or somebody on the machine) told the job to end.
    Terminated,
    /// The process died without a word: a segmentation fault, the out-of-memory killer, `os._exit`.
    Crashed,
    /// The target lost it: a node failed, it was preempted, its process is gone. Only written on the job's behalf.
    Lost,
}

/// `started`: the runner has begun.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Started {
    /// The runner's process.
    pub pid: u32,
    /// The machine it runs on.
    pub host: String,
    /// Its Python: `3.11.7`.
    pub python: String,
    /// Seconds since 1970.
    pub time: f64,
}

/// `exit`: the last file of a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExitMarker {
    /// Exit status of the runner: 0 succeeded, 1 raised, 3 could not run, 124 timed out, 143 cancelled or terminated,
    /// 128 + N ended by signal N.
    pub code: i32,
    /// How it ended.
    pub state: Outcome,
    /// Why, in one sentence; empty when it succeeded.
    #[serde(default)]
    pub reason: String,
}

/// `result.json`: what the entry gave or how it failed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RunResult {
    /// How it ended, as in [`ExitMarker`].
    pub state: Outcome,
    /// Why, in one sentence; empty when it succeeded.
    #[serde(default)]
    pub reason: String,
    /// `repr` of the value, at most a million characters; what is beyond is told at its end and in the notes.
    #[serde(default)]
    pub repr: Option<String>,
    /// The value's type as Python names it.
    #[serde(default, rename = "type")]
    pub type_name: Option<String>,
    /// The value as JSON where it truly has one. Kept as text: an int of a thousand digits must not become a float.
    /// On one line, so that it can stand in an event.
    #[serde(default)]
    pub json: Option<Box<RawValue>>,
    /// What was raised.
    #[serde(default)]
    pub error: Option<RunError>,
    /// What the user should know besides: a cut result, a crash after the end.
    #[serde(default)]
    pub notes: Vec<String>,
    /// Files that the job wrote below its working tree; they lie in the job's folder under `files/`.
    #[serde(default)]
    pub files: Vec<WrittenFile>,
    /// Seconds from the start of the entry's process to its end.
    #[serde(default)]
    pub wall_seconds: Option<f64>,
    /// Seconds of processor time, of the entry's process and its children.
    #[serde(default)]
    pub cpu_seconds: Option<f64>,
    /// The largest resident set of the entry's process or one of its children, in bytes.
    #[serde(default)]
    pub peak_memory_bytes: Option<u64>,
    /// The Python that ran it: `3.11.7`.
    #[serde(default)]
    pub python: Option<String>,
    /// The machine that ran it.
    #[serde(default)]
    pub host: Option<String>,
    /// The process that ran it.
    #[serde(default)]
    pub pid: Option<u32>,
}

/// A file that the job wrote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WrittenFile {
    /// Its place below `files/`.
    pub path: TreePath,
    /// Its length in bytes.
    pub size: u64,
}

/// An exception, as the user would have seen it at home.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunError {
    /// Its type: `ValueError`, `json.decoder.JSONDecodeError`; without a module for builtins and the entry's own module.
    #[serde(rename = "type")]
    pub type_name: String,
    /// `str` of it.
    #[serde(default)]
    pub message: String,
    /// Where, outermost call first. Hoist's own frames are not among them.
    #[serde(default)]
    pub frames: Vec<Frame>,
    /// The traceback as Python prints it, with the user's file names.
    #[serde(default)]
    pub traceback: String,
}

/// One level of a traceback.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frame {
    /// The file: in the package's tree (`src/train.py`) when [`Self::user`], else a path on the machine that ran it.
    pub file: String,
    /// Line, from 1.
    pub line: u32,
    /// The function's name; `<module>` at the top level.
    #[serde(default)]
    pub function: String,
    /// First column in characters, from 0, where the Python tells (3.11 and newer).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<u32>,
    /// Last line, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_line: Option<u32>,
    /// The column after the last, in characters, from 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_column: Option<u32>,
    /// The file travelled in the package, so it is one of the user's. Only set when `file` is a clean [`TreePath`].
    #[serde(default)]
    pub user: bool,
}

/// Why a file of the job's folder was not believed.
#[derive(Debug, thiserror::Error)]
pub enum OutcomeError {
    /// It is larger than anything the runner writes.
    #[error(
        "{what} of the job is {size} bytes long, more than the {limit} bytes that a runner writes: it was not read"
    )]
    TooLarge {
        /// The file's name.
        what: &'static str,
        /// Its length.
        size: u64,
        /// What would have been read.
        limit: u64,
    },
    /// It is no JSON of this shape.
    #[error("{what} of the job is broken: {source}")]
    Broken {
        /// The file's name.
        what: &'static str,
        /// Where it is broken.
        source: serde_json::Error,
    },
    /// It could not be read at all.
    #[error("{what} of the job could not be read: {source}")]
    Unreadable {
        /// The file's name.
        what: &'static str,
        /// Why.
        source: io::Error,
    },
}

impl RunResult {
    /// The largest `result.json` that is read, in bytes. The runner keeps its own below this.
    pub const LIMIT: u64 = 32 << 20;

    /// Reads the bytes of `result.json`.
    pub fn parse(bytes: &[u8]) -> Result<Self, OutcomeError> {
        let mut result: Self = parse("result.json", bytes, Self::LIMIT)?;
        result.json = result.json.as_deref().and_then(one_line);
        for frame in result.error.iter_mut().flat_map(|error| &mut error.frames) {
            frame.user &= TreePath::new(frame.file.as_str()).is_ok();
        }
        Ok(result)
    }

    /// Reads `result.json` from a file, never more than [`Self::LIMIT`].
    pub fn read(path: &Path) -> Result<Self, OutcomeError> {
        Self::parse(&read("result.json", path, Self::LIMIT)?)
    }
}

impl ExitMarker {
    const LIMIT: u64 = 64 << 10;

    /// Reads the bytes of `exit`.
    pub fn parse(bytes: &[u8]) -> Result<Self, OutcomeError> {
        parse("exit", bytes, Self::LIMIT)
    }

    /// Reads `exit` from a file.
    pub fn read(path: &Path) -> Result<Self, OutcomeError> {
        Self::parse(&read("exit", path, Self::LIMIT)?)
    }
}

impl Started {
    const LIMIT: u64 = 64 << 10;

    /// Reads the bytes of `started`.
    pub fn parse(bytes: &[u8]) -> Result<Self, OutcomeError> {
        parse("started", bytes, Self::LIMIT)
    }
}

fn parse<'a, T: Deserialize<'a>>(
    what: &'static str,
    bytes: &'a [u8],
    limit: u64,
) -> Result<T, OutcomeError> {
    let size = bytes.len() as u64;
    if size > limit {
        return Err(OutcomeError::TooLarge { what, size, limit });
    }
    serde_json::from_slice(bytes).map_err(|source| OutcomeError::Broken { what, source })
}

fn read(what: &'static str, path: &Path, limit: u64) -> Result<Vec<u8>, OutcomeError> {
    let unreadable = |source| OutcomeError::Unreadable { what, source };
    let file = File::open(path).map_err(unreadable)?;
    let size = file.metadata().map_err(unreadable)?.len();
    if size > limit {
        return Err(OutcomeError::TooLarge { what, size, limit });
    }
    let mut bytes = Vec::new();
    // It may grow while it is read, so the length that was asked is not enough.
    file.take(limit + 1)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    Ok(bytes)
}

/// How deep a value may be nested; readers of JSON commonly stop at 128.
const DEPTH: usize = 120;

/// The same JSON without white space between its parts; nothing when it is nested deeper than [`DEPTH`].
fn one_line(json: &RawValue) -> Option<Box<RawValue>> {
    let text = json.get();
    if text == "null" {
        // `null` is the value of a function that returns None: serde reads a missing value and null alike as None, so
        // the caller learns it from `repr`.
        return None;
    }
    let mut out = String::with_capacity(text.len());
    let (mut depth, mut in_string, mut escaped) = (0usize, false, false);
    for c in text.chars() {
        if in_string {
            in_string = escaped || c != '"';
            escaped = !escaped && c == '\\';
        } else {
            match c {
                ' ' | '\t' | '\n' | '\r' => continue,
                '"' => in_string = true,
                '[' | '{' => depth += 1,
                ']' | '}' => depth = depth.saturating_sub(1),
                _ => {}
            }
            if depth > DEPTH {
                return None;
            }
        }
        out.push(c);
    }
    RawValue::from_string(out).ok()
}
