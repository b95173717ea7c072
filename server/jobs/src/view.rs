//! What everyone who shows a job sees of it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use hoist_package::Preview;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::store::millis;
use crate::{JobId, State};

/// One of the two output streams of a job, or what was printed before it began.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
    /// What the building of its environment printed.
    Environment,
}

impl Stream {
    /// What the job itself prints, standard output first.
    pub const BOTH: [Self; 2] = [Self::Stdout, Self::Stderr];
    /// All, each at the place of its own number.
    pub const ALL: [Self; 3] = [Self::Stdout, Self::Stderr, Self::Environment];

    /// `stdout`, `stderr` or `environment`; also the name of its log.
    pub fn word(self) -> &'static str {
        match self {
            Self::Stdout => "stdout",
            Self::Stderr => "stderr",
            Self::Environment => "environment",
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
    /// The sweep that it is a task of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sweep: Option<TaskOf>,
    /// The job or sweep whose package it runs once more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub again: Option<JobId>,
    /// The job that runs it once more by itself, because the target lost it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<JobId>,
    /// Which attempt it is, from 2 on, when it was made by itself after one that the target lost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    /// The jobs and sweeps that must have succeeded before it begins.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<JobId>,
    /// When it was made.
    pub created: u64,
    /// When its target had it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub submitted: Option<u64>,
    /// When it began, as far as it was seen.
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
    /// Processor time of the entry and of all that it started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_seconds: Option<f64>,
    /// The most memory it held, all its processes together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peak_memory_bytes: Option<u64>,
    /// The environment over there that was built for what it imports.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// The cores that it asked for, where it ran on one machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cores_asked: Option<u32>,
    /// The memory that it asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_asked_bytes: Option<u64>,
    /// How long it waited at its target before it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue_seconds: Option<f64>,
    /// What to ask for next time, a sentence each, where that was far off.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub advice: Vec<String>,
    /// The Python over there, as `3.11.7`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub python: Option<String>,
    /// The machine it ran on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// What the person should know besides, a sentence each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// How many bytes it left for the next attempt to go on from, when it did not succeed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoint_bytes: Option<u64>,
    /// Figures that were shown, in this order, or still open at the end: `figures/1.png`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub figures: Vec<WrittenFile>,
    /// Files that the job wrote; they lie in its folder on the target, below `files/`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<WrittenFile>,
    /// What to ask for when it is run once more, because it had too little of it: `memory`, `time`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub suggests: BTreeMap<String, String>,
    /// Grows with every change in the process that drives the job, so that an older view is known as such.
    #[serde(skip)]
    pub(crate) revision: u64,
}

/// What is run, of whatever job.
#[derive(Clone, Debug)]
pub(crate) struct About {
    pub(crate) name: String,
    pub(crate) entry: String,
    pub(crate) file: String,
    pub(crate) path: PathBuf,
    pub(crate) workspace: PathBuf,
    pub(crate) line: Option<u32>,
    pub(crate) target: String,
    pub(crate) args: Option<String>,
}

impl JobView {
    /// A job of which nothing is known but what it is to run.
    pub(crate) fn new(job: JobId, about: About) -> Self {
        let About {
            name,
            entry,
            file,
            path,
            workspace,
            line,
            target,
            args,
        } = about;
        Self {
            job,
            state: State::Preparing,
            name,
            entry,
            file,
            path,
            workspace,
            line,
            target,
            args,
            sweep: None,
            again: None,
            next: None,
            attempt: None,
            after: Vec::new(),
            created: millis(job.created()),
            submitted: None,
            started: None,
            ended: None,
            reason: None,
            message: None,
            result: None,
            error: None,
            native_id: None,
            wall_seconds: None,
            cpu_seconds: None,
            peak_memory_bytes: None,
            environment: None,
            cores_asked: None,
            memory_asked_bytes: None,
            queue_seconds: None,
            advice: Vec::new(),
            python: None,
            host: None,
            notes: Vec::new(),
            checkpoint_bytes: None,
            figures: Vec::new(),
            files: Vec::new(),
            suggests: BTreeMap::new(),
            revision: 0,
        }
    }

    /// Whether the same code, run once more, would go on from what it kept: it was ended, by no fault of its own.
    pub fn goes_on(&self) -> bool {
        self.checkpoint_bytes.is_some()
            && self.next.is_none()
            && matches!(self.state, State::TimedOut | State::Lost | State::Cancelled)
    }

    /// What it runs.
    pub(crate) fn about(&self) -> About {
        About {
            name: self.name.clone(),
            entry: self.entry.clone(),
            file: self.file.clone(),
            path: self.path.clone(),
            workspace: self.workspace.clone(),
            line: self.line,
            target: self.target.clone(),
            args: self.args.clone(),
        }
    }
}

/// Which task of which sweep a job is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskOf {
    /// The sweep's name.
    pub sweep: JobId,
    /// The task's number, from 1.
    pub index: usize,
    /// How many tasks there are.
    pub of: usize,
}

/// A file that a job wrote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WrittenFile {
    /// Its path with `/`, below the job's working tree; of figures and pickles below the job's folder.
    pub path: String,
    /// Its length in bytes.
    pub size: u64,
    /// Where it is on this machine, once it has been fetched.
    #[serde(default, skip_deserializing, skip_serializing_if = "Option::is_none")]
    pub here: Option<PathBuf>,
}

impl From<&hoist_package::WrittenFile> for WrittenFile {
    fn from(file: &hoist_package::WrittenFile) -> Self {
        Self {
            path: file.path.to_string(),
            size: file.size,
            here: None,
        }
    }
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
    /// Previews of it, or of what lies in it one level down, where it is an array, a frame, a series or a figure.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub previews: Vec<Preview>,
    /// Its pickle, which nothing here ever loads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pickle: Option<WrittenFile>,
    /// Why there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pickle_problem: Option<String>,
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

impl JobError {
    /// The kind of the error of a job whose environment was not built: no function ran that could have raised one.
    pub(crate) const UNBUILT: &str = "EnvironmentError";

    /// The words of pip or uv about an environment that they did not build; none for every other error.
    pub fn build_words(&self) -> Option<&str> {
        // A class of the user's may have that name too.
        let is_own = |words: &&str| self.kind == Self::UNBUILT && !words.starts_with("Traceback");
        self.traceback.as_deref().filter(is_own)
    }
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
