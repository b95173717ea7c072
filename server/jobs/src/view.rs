//! What everyone who shows a job sees of it.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{JobId, State};

/// One of the two output streams of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

impl Stream {
    /// Both, standard output first.
    pub const BOTH: [Self; 2] = [Self::Stdout, Self::Stderr];

    /// `stdout` or `stderr`; also the name of its log.
    pub fn word(self) -> &'static str {
        match self {
            Self::Stdout => "stdout",
            Self::Stderr => "stderr",
        }
    }
}

/// A job as it is now. Times are milliseconds since 1970 UTC.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct JobView {
    /// Its name.
    pub job: JobId,
    /// Where it is on its way.
    pub state: State,
    /// The short name for lists: the function's own name, or the lines.
    pub name: String,
    /// What was asked for: a qualified name or lines.
    pub entry: String,
    /// The entry's file as people read it: relative to the workspace when inside it.
    pub file: String,
    /// The entry's file, absolute.
    pub path: PathBuf,
    /// The folder that `file` and the frames' files are relative to.
    pub workspace: PathBuf,
    /// The line of the entry's `def` (or its first line) when the job was made, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// The name of the target.
    pub target: String,
    /// The arguments, as Python source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub args: Option<String>,
    /// When it was made.
    pub created: u64,
    /// When it was first seen running.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started: Option<u64>,
    /// When its end was learnt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<u64>,
    /// One sentence: why it waits, or why it ended so. Always there when the state is `lost`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What goes on right now ("uploading 40 %", "connecting again").
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// What the function returned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<JobResult>,
    /// What the function raised.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<JobError>,
    /// The scheduler's own name of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub native_id: Option<String>,
    /// How long the entry ran.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wall_seconds: Option<f64>,
    /// The most memory it held.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peak_memory_bytes: Option<u64>,
    /// The Python over there, as `3.11.7`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub python: Option<String>,
    /// The machine it ran on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// What the person should know besides, a sentence each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// Files that the job wrote; they lie in its folder on the target, below `files/`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<WrittenFile>,
    /// Grows with every change in the process that drives the job, so that an older view is known as such.
    #[serde(skip)]
    pub(crate) revision: u64,
}

/// A file that a job wrote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WrittenFile {
    /// Its path below the job's working tree, with `/`.
    pub path: String,
    /// Its length in bytes.
    pub size: u64,
}

/// What a function returned.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct JobResult {
    /// `repr()` of the value, perhaps shortened by the runner.
    pub repr: String,
    /// The value as JSON text, exact, where it has one. It is text and stays text: an integer of a thousand digits
    /// would not survive a number type.
    #[serde(default)]
    pub json: Option<Box<RawValue>>,
}

/// What a function raised, or how its process died.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JobError {
    /// The exception's class name, as `ValueError`.
    #[serde(rename = "type")]
    pub kind: String,
    /// `str()` of the exception.
    pub message: String,
    /// From the outermost call to the raising one.
    pub frames: Vec<Frame>,
    /// The whole text as Python would print it, with the files of this machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceback: Option<String>,
}

/// One line of a traceback.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frame {
    /// The user's file, relative to the workspace when inside it; a library's keeps its own path over there.
    pub file: String,
    /// From 1, as Python counts.
    pub line: u32,
    /// The name of the function, `<module>` at the top level.
    pub function: String,
    /// The file on this machine, when it is one that travelled from here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<PathBuf>,
}
