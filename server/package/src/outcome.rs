//! What the runner left in the job's folder: `started`, `result.json`, `exit`. Written on a machine that is not
//! trusted, so everything here is bounded and checked before it is believed.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
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
    /// Previews of the value, or of what lies in it one level down, where it is an array, a frame, a series or a figure.
    #[serde(default)]
    pub previews: Vec<Preview>,
    /// The value's pickle (protocol 4), which lies in the job's folder as `result.pickle`.
    #[serde(default)]
    pub pickle: Option<Pickle>,
    /// Why there is none.
    #[serde(default)]
    pub pickle_problem: Option<String>,
    /// Figures that were shown, in this order, or still open at the end; they lie in the job's folder under `figures/`.
    #[serde(default)]
    pub figures: Listing,
    /// Files that the job wrote below its working tree; they lie in the job's folder under `files/`.
    #[serde(default)]
    pub files: Listing,
    /// What the folder for checkpoints holds after an end that was no success, in bytes.
    #[serde(default)]
    pub checkpoint_bytes: Option<u64>,
    /// Seconds from the start of the entry's process to its end.
    #[serde(default)]
    pub wall_seconds: Option<f64>,
    /// Seconds of processor time, of the entry's process and its children.
    #[serde(default)]
    pub cpu_seconds: Option<f64>,
    /// The most memory that the entry's processes held: of one of them as the kernel tells it, of all together as it was seen from
    /// time to time; in bytes.
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

/// What there is to see of a value: made by the classes of numpy, pandas and matplotlib themselves, where it ran. All texts are
/// short, and none of them is trusted to be anything but text.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Preview {
    /// Where it is in the value: empty for the value itself, `[0]`, `['loss']`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub at: String,
    /// `array`, `frame`, `series` or `figure`; `none` where none could be made.
    pub kind: String,
    /// Its type as Python names it: `pandas.core.frame.DataFrame`.
    #[serde(rename = "type")]
    pub type_name: String,
    /// The length of each axis; of a frame rows and columns.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub shape: Vec<u64>,
    /// Of an array or a series.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dtype: Option<String>,
    /// Of a series that has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The index of a frame or a series: its class, and the names of its levels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub index: Option<String>,
    /// The first columns of a frame.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<PreviewColumn>,
    /// The head, as numpy or pandas print it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The head is not all of it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub cut: bool,
    /// The file of a figure: `figures/1.png`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub figure: Option<String>,
    /// Why there is no text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// A column of a frame.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreviewColumn {
    /// Its name; of several levels as a tuple.
    pub name: String,
    /// What it holds.
    pub dtype: String,
}

/// The value's pickle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pickle {
    /// Its length in bytes.
    pub size: u64,
    /// The bytes in base64, where there are few of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<String>,
}

impl Pickle {
    /// The pickle itself, where it travelled in the result and is as long as it is said to be.
    pub fn bytes(&self) -> Option<Vec<u8>> {
        let bytes = BASE64.decode(self.data.as_ref()?).ok()?;
        (bytes.len() as u64 == self.size).then_some(bytes)
    }
}

impl Preview {
    /// More than this the runner never makes.
    const MOST: usize = 12;

    /// Keeps every text within what the runner makes, and free of what a terminal would obey.
    fn bound(&mut self) {
        let line = |text: &mut String| *text = bounded(text, 200, false);
        line(&mut self.at);
        line(&mut self.kind);
        line(&mut self.type_name);
        let fields = [
            &mut self.dtype,
            &mut self.name,
            &mut self.index,
            &mut self.figure,
        ];
        fields.into_iter().flatten().for_each(line);
        self.shape.truncate(64);
        self.columns.truncate(50);
        for column in &mut self.columns {
            line(&mut column.name);
            line(&mut column.dtype);
        }
        if let Some(text) = &mut self.text {
            *text = bounded(text, 4000, true);
        }
        if let Some(problem) = &mut self.problem {
            *problem = bounded(problem, 400, false);
        }
    }
}

/// At most so many characters of a text, control characters as spaces, but for the line breaks where there may be some.
fn bounded(text: &str, most: usize, lines: bool) -> String {
    text.chars()
        .take(most)
        .map(|c| match c {
            '\n' if lines => c,
            c if c.is_control() => ' ',
            c => c,
        })
        .collect()
}

/// A list of files. What cannot be a path below a folder is left out and counted: it is not fetched, and no reason to lose the
/// result.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<Named>", into = "Vec<WrittenFile>")]
pub struct Listing {
    files: Vec<WrittenFile>,
    left_out: usize,
}

/// A file with the name that it has over there.
#[derive(Deserialize)]
struct Named {
    path: String,
    size: u64,
}

impl From<Vec<Named>> for Listing {
    fn from(named: Vec<Named>) -> Self {
        let count = named.len();
        let files: Vec<WrittenFile> = named
            .into_iter()
            .filter_map(|Named { path, size }| {
                let path = TreePath::new(path).ok()?;
                Some(WrittenFile { path, size })
            })
            .take(RunResult::MOST_FILES)
            .collect();
        Self {
            left_out: count - files.len(),
            files,
        }
    }
}

impl From<Listing> for Vec<WrittenFile> {
    fn from(listing: Listing) -> Self {
        listing.files
    }
}

impl std::ops::Deref for Listing {
    type Target = [WrittenFile];

    fn deref(&self) -> &[WrittenFile] {
        &self.files
    }
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
    /// More files than this are not taken from a listing.
    const MOST_FILES: usize = 10_000;

    /// Reads the bytes of `result.json`.
    pub fn parse(bytes: &[u8]) -> Result<Self, OutcomeError> {
        let mut result: Self = parse("result.json", bytes, Self::LIMIT)?;
        result.json = result.json.as_deref().and_then(one_line);
        result.previews.truncate(Preview::MOST);
        result.previews.iter_mut().for_each(Preview::bound);
        let left_out = result.files.left_out + result.figures.left_out;
        if left_out > 0 {
            result.notes.push(format!(
                "{left_out} of its files stay in the job's folder there: their names cannot be paths here"
            ));
        }
        if let Some(problem) = &mut result.pickle_problem {
            *problem = bounded(problem, 400, false);
        }
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
