//! What goes over the wire beyond LSP: names and shapes, nothing else.
//!
//! `editors/PROTOCOL.md` is the page for the people who write clients. `tests/lsp_protocol.rs` holds the two together: every
//! name here must stand there, and every example there must be of the shape here.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tower_lsp::ls_types::notification::Notification;
use tower_lsp::ls_types::request::Request;

/// Commands of `workspace/executeCommand`.
pub(crate) mod command {
    /// Runs an entry. Argument: [`super::RunArguments`].
    pub(crate) const RUN: &str = "hoist.run";
    /// Asks for the arguments, then runs. Argument: [`super::RunArguments`].
    pub(crate) const RUN_WITH: &str = "hoist.runWith";
    /// Asks for the target, then runs. Argument: [`super::RunArguments`].
    pub(crate) const RUN_ON: &str = "hoist.runOn";
    /// Runs the entry of a job once more. Argument: [`super::RerunArguments`].
    pub(crate) const RERUN: &str = "hoist.rerun";
    /// Runs a job once more as it was, from its checkpoint. Argument: [`super::RerunArguments`].
    pub(crate) const RETRY: &str = "hoist.retry";
    /// Asks for values, then runs once for every combination of them. Argument: [`super::SweepArguments`].
    pub(crate) const RUN_SWEEP: &str = "hoist.runSweep";
    /// Runs once for each item of a file. Argument: [`super::MapArguments`].
    pub(crate) const RUN_MAP: &str = "hoist.runMap";
    /// Shows the table of a sweep. Argument: [`super::ShowSweepArguments`].
    pub(crate) const SHOW_SWEEP: &str = "hoist.showSweep";
    /// Ends a job. Argument: [`super::CancelArguments`].
    pub(crate) const CANCEL: &str = "hoist.cancel";
    /// Shows what a job printed. Argument: [`super::ShowOutputArguments`].
    pub(crate) const SHOW_OUTPUT: &str = "hoist.showOutput";
    /// Shows what a job gave and left. Argument: [`super::CancelArguments`].
    pub(crate) const SHOW_RESULT: &str = "hoist.showResult";
    /// Opens files that a job left, and fetches them before. Argument: [`super::OpenFilesArguments`].
    pub(crate) const OPEN_FILES: &str = "hoist.openFiles";
    /// Connects to a target, and learns what the editor says of it. Argument: [`super::ConnectArguments`].
    pub(crate) const CONNECT: &str = "hoist.connect";
    /// Shows what would travel. Argument: [`super::PackageArguments`].
    pub(crate) const SHOW_PACKAGE: &str = "hoist.showPackage";

    /// Shows the script that would be submitted. Argument: [`super::RunArguments`].
    pub(crate) const SHOW_SCRIPT: &str = "hoist.showScript";

    /// All of them, as the server announces them.
    pub(crate) const ALL: [&str; 15] = [
        RUN,
        RUN_WITH,
        RUN_ON,
        RERUN,
        RETRY,
        RUN_SWEEP,
        RUN_MAP,
        SHOW_SWEEP,
        CANCEL,
        SHOW_OUTPUT,
        SHOW_RESULT,
        OPEN_FILES,
        CONNECT,
        SHOW_PACKAGE,
        SHOW_SCRIPT,
    ];
}

/// The code of the error with which a command is refused.
pub(crate) const REFUSED: i64 = 4001;

/// `capabilities.experimental` of a client.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Experimental {
    /// Ours among the experimental capabilities.
    pub(crate) hoist: Announced,
}

/// What a client can do beyond LSP.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Announced {
    /// It answers [`Ask`].
    pub(crate) ask: bool,
    /// It shows [`JobOutputs`] by itself.
    pub(crate) output: bool,
    /// It shows [`ShowTexts`] as documents that cannot be changed.
    pub(crate) text: bool,
    /// It opens [`ShowFiles`], pictures among them.
    pub(crate) file: bool,
}

/// `capabilities.experimental` of the server.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ServerExperimental {
    /// Ours among the experimental capabilities.
    pub(crate) hoist: ServerAnnounced,
}

/// What the server says of itself.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ServerAnnounced {
    /// The version of `hoist`.
    pub(crate) version: String,
}

/// `initializationOptions`, and `settings.hoist` of `workspace/didChangeConfiguration`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Options {
    /// Where runs go by default; absent: where the configuration says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) target: Option<String>,
    /// The Python whose installed packages imports are looked up in; absent: the one that is found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) python: Option<String>,
    /// Which lenses are shown.
    pub(crate) lenses: Lenses,
    /// Figures are opened as they come.
    pub(crate) figures: Figures,
}

/// Whether figures are opened as they come.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Figures {
    /// They are.
    pub(crate) open: bool,
}

impl Default for Figures {
    fn default() -> Self {
        Self { open: true }
    }
}

/// Which lenses are shown.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Lenses {
    /// "Run on TARGET".
    pub(crate) run: bool,
    /// "Run with arguments...".
    pub(crate) run_with: bool,
    /// The state of the newest job of a function.
    pub(crate) state: bool,
}

impl Default for Lenses {
    fn default() -> Self {
        Self {
            run: true,
            run_with: true,
            state: true,
        }
    }
}

/// What to run: the argument of `hoist.run`, `hoist.runWith` and `hoist.runOn`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct RunArguments {
    /// The document.
    pub(crate) uri: String,
    /// A qualified name, or lines from 1, inclusive (`12-30`).
    pub(crate) entry: String,
    /// The target's name; absent: of the comment above the function, else the default of the configuration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) target: Option<String>,
    /// Python source of call arguments; absent: of the comment above the function, else none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) args: Option<String>,
    /// Resources as in the configuration; they go before those of comment and target.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) resources: BTreeMap<String, String>,
    /// Run in spite of a refusal that allows it.
    #[serde(default)]
    pub(crate) force: bool,
    /// Names of jobs and sweeps that must have succeeded before it begins.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) after: Vec<String>,
}

/// The answer to the commands that run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct RunStarted {
    /// The job's name; `null` while there is still something to ask.
    pub(crate) job: Option<String>,
}

/// The argument of `hoist.rerun` and `hoist.retry`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct RerunArguments {
    /// Absent: the newest job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) job: Option<String>,
    /// As of [`RunArguments`].
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) resources: BTreeMap<String, String>,
}

/// The argument of `hoist.connect`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct ConnectArguments {
    /// Absent: the only one that is not this machine; where there are several, the person is asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) target: Option<String>,
    /// The document whose workspace has the target; absent: that of the first folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) uri: Option<String>,
}

/// The argument of `hoist.runSweep`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SweepArguments {
    /// What to run; `args` are the arguments that all tasks have.
    #[serde(flatten)]
    pub(crate) run: RunArguments,
    /// `lr=[0.1, 0.01], seed=range(10)`; absent: the person is asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) values: Option<String>,
    /// How many may run at the same time; absent: as many as the target has room for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) at_once: Option<u32>,
}

/// The argument of `hoist.runMap`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MapArguments {
    /// What to run; `args` are the arguments that all items have.
    #[serde(flatten)]
    pub(crate) run: RunArguments,
    /// The file of items, as a URI or a path, which may begin at the workspace; absent: the person is asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) items: Option<String>,
    /// Run them without asking whether they are the ones that were meant.
    #[serde(default)]
    pub(crate) sure: bool,
    /// How many may run at the same time; absent: as many as the target has room for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) at_once: Option<u32>,
}

/// The answer to `hoist.runSweep` and `hoist.runMap`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct SweepStarted {
    /// The sweep's name; `null` while there is still something to ask.
    pub(crate) sweep: Option<String>,
}

/// The argument of `hoist.showSweep`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ShowSweepArguments {
    /// The sweep's name.
    pub(crate) sweep: String,
}

/// The answer to `hoist.showSweep`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct SweepTable {
    /// The arguments and results of its tasks, as comma-separated values (RFC 4180).
    pub(crate) csv: String,
}

/// Which task of which sweep a job is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TaskOf {
    /// The sweep's name.
    pub(crate) sweep: String,
    /// The task's number, from 1.
    pub(crate) index: usize,
    /// How many tasks there are.
    pub(crate) of: usize,
}

/// The argument of `hoist.cancel`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct CancelArguments {
    /// Absent: the newest job that is not at its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) job: Option<String>,
}

/// The argument of `hoist.showOutput`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct ShowOutputArguments {
    /// Absent: the newest job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) job: Option<String>,
    /// Absent: standard output, or standard error when only that has bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) stream: Option<Stream>,
}

/// The argument of `hoist.openFiles`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct OpenFilesArguments {
    /// Absent: the newest job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) job: Option<String>,
    /// Files, folders or patterns, as [`LeftFile::path`] has them; none: the person is asked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) paths: Vec<String>,
}

/// The argument of `hoist.showPackage`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct PackageArguments {
    /// The document.
    pub(crate) uri: String,
    /// As in [`RunArguments`].
    pub(crate) entry: String,
    /// As in [`RunArguments`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) args: Option<String>,
    /// Show it in spite of a refusal that allows it.
    #[serde(default)]
    pub(crate) force: bool,
}

/// What would travel.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct PackageView {
    /// The package's name, lower-case hexadecimal.
    pub(crate) sha256: String,
    /// Its size.
    pub(crate) bytes: u64,
    /// What is in it, sorted by path.
    pub(crate) files: Vec<PackageFile>,
}

/// One file that would travel.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct PackageFile {
    /// Its path on the other side, with '/'.
    pub(crate) path: String,
    /// Its size, uncompressed.
    pub(crate) bytes: u64,
    /// Why it is in.
    pub(crate) why: String,
    /// Where it comes from.
    pub(crate) origin: String,
    /// It is not in the package: it goes to the target's store of data files, once.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) stored: bool,
}

/// `data` of the error with which a command is refused.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct RefusedData {
    /// The finding's code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) code: Option<String>,
    /// The line that is to blame, 0-based.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) line: Option<u32>,
    /// The same command with `force` would run.
    pub(crate) forcible: bool,
}

/// One of a job's two streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// A job, as clients see it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Job {
    /// Its name, a ULID.
    pub(crate) job: String,
    /// `preparing uploading queued running succeeded failed cancelled timed_out lost`.
    pub(crate) state: String,
    /// For people.
    pub(crate) name: String,
    /// As in [`RunArguments`].
    pub(crate) entry: String,
    /// The document.
    pub(crate) uri: String,
    /// The `def` line, 0-based, where it is now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) line: Option<u32>,
    /// The target's name.
    pub(crate) target: String,
    /// Python source of call arguments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) args: Option<String>,
    /// Of a task of a sweep.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) sweep: Option<TaskOf>,
    /// The jobs and sweeps that must have succeeded before it begins.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) after: Vec<String>,
    /// Resources of which it had too little, with what to ask for when it is run again.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) suggests: BTreeMap<String, String>,
    /// The job or sweep that it runs once more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) again: Option<String>,
    /// The job that runs it once more by itself, because the target lost it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) next: Option<String>,
    /// Which attempt it is, from 2 on, when it was made so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) attempt: Option<u32>,
    /// How many bytes it kept for the next attempt to go on from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) checkpoint_bytes: Option<u64>,
    /// Milliseconds since 1970.
    pub(crate) created: u64,
    /// Milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) started: Option<u64>,
    /// Milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ended: Option<u64>,
    /// How long the function ran.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) wall_seconds: Option<f64>,
    /// Why it waits, or why it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
    /// What goes on right now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) message: Option<String>,
    /// What it used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) usage: Option<Usage>,
    /// What to ask for next time, a sentence each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) advice: Vec<String>,
    /// Of a job that succeeded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) result: Option<JobResult>,
    /// Of a job whose function raised.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<JobError>,
    /// Figures in the order in which they were shown.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) figures: Vec<LeftFile>,
    /// Files that it wrote, the first hundred.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) files: Vec<LeftFile>,
    /// How many more it wrote.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) more_files: Option<usize>,
}

/// What a job used of what it asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Usage {
    /// In a line, for people.
    pub(crate) text: String,
    /// Processor time, of all its processes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cpu_seconds: Option<f64>,
    /// Cores that it asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cores_asked: Option<u32>,
    /// The most memory that its processes held together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) peak_memory_bytes: Option<u64>,
    /// Memory that it asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) memory_asked_bytes: Option<u64>,
    /// How long it waited at its target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) queue_seconds: Option<f64>,
}

/// A file that a job left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LeftFile {
    /// Below the job's folder.
    pub(crate) path: String,
    /// Its length.
    pub(crate) bytes: u64,
    /// Where it is on this machine, once it has been fetched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) uri: Option<String>,
}

/// What there is to see of an array, a frame, a series or a figure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Preview {
    /// Where in the value: empty for the value itself, `[0]`, `['loss']`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) at: String,
    /// `array`, `frame`, `series`, `figure` or `none`.
    pub(crate) kind: String,
    /// What it is, in a line.
    pub(crate) about: String,
    /// Its head, in lines.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) text: Option<String>,
    /// The head is not all of it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) cut: bool,
}

/// What a function returned.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct JobResult {
    /// Python's `repr`.
    pub(crate) repr: String,
    /// The value, where it has a JSON form whose numbers every client can hold (integers below 2^53). A value that is
    /// `None` is `null` here, which is not the same as absent.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "present"
    )]
    pub(crate) json: Option<serde_json::Value>,
    /// The JSON as text, digit for digit, where `json` could not hold it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) json_text: Option<String>,
    /// Of the value, or of what lies in it one level down.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) previews: Vec<Preview>,
    /// Its pickle.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) pickle: Option<LeftFile>,
    /// Why there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) pickle_problem: Option<String>,
}

/// A field that is there with `null` is `Some(null)`; only a missing one is `None`.
fn present<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<serde_json::Value>, D::Error> {
    serde_json::Value::deserialize(deserializer).map(Some)
}

/// What a function raised.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct JobError {
    /// The exception's class.
    #[serde(rename = "type")]
    pub(crate) kind: String,
    /// Its text.
    pub(crate) message: String,
    /// Outermost call first, raising line last.
    pub(crate) frames: Vec<Frame>,
    /// As Python prints it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) traceback: Option<String>,
}

/// A line of a traceback.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Frame {
    /// As in the job: relative to the workspace for the user's files.
    pub(crate) file: String,
    /// From 1.
    pub(crate) line: u32,
    /// The function's name.
    pub(crate) function: String,
    /// The document, where the file is one of the user's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) uri: Option<String>,
}

/// A piece of a job's output.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct JobOutput {
    /// The job.
    pub(crate) job: String,
    /// Which of its streams.
    pub(crate) stream: Stream,
    /// Of the first byte of `text` in the stream.
    pub(crate) offset: u64,
    /// Of the first byte after `text`.
    pub(crate) next: u64,
    /// What was printed; bytes that are not UTF-8 are U+FFFD here.
    pub(crate) text: String,
}

/// Parameters of `hoist/showOutput`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ShowOutput {
    /// The job.
    pub(crate) job: String,
}

/// Parameters of `hoist/output`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct OutputParams {
    /// The job.
    pub(crate) job: String,
    /// Which of its streams.
    pub(crate) stream: Stream,
    /// Where to begin, in bytes.
    #[serde(default)]
    pub(crate) offset: u64,
}

/// Answer to `hoist/output`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct OutputAnswer {
    /// As asked.
    pub(crate) offset: u64,
    /// Where to ask next.
    pub(crate) next: u64,
    /// How many bytes the stream has by now.
    pub(crate) size: u64,
    /// The bytes from `offset` to `next`.
    pub(crate) text: String,
}

/// Parameters of `hoist/jobs`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct NoParams {}

/// Parameters of `hoist/targets`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct TargetsParams {
    /// The document whose workspace is meant; absent: the first workspace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) uri: Option<String>,
}

/// A target of the configuration.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Target {
    /// Its name.
    pub(crate) name: String,
    /// `none`, `slurm`, ...
    pub(crate) scheduler: String,
    /// Absent: this machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) host: Option<String>,
    /// The one that runs where none is named.
    pub(crate) default: bool,
}

/// Parameters of `hoist/text`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct TextParams {
    /// The document.
    pub(crate) uri: String,
}

/// Answer to `hoist/text`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Text {
    /// The version of the last change.
    pub(crate) version: i32,
    /// The whole text.
    pub(crate) text: String,
}

/// Parameters of `hoist/ask`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct AskParams {
    /// What kind of answer is wanted.
    pub(crate) kind: AskKind,
    /// The question.
    pub(crate) title: String,
    /// A sentence for below it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) detail: Option<String>,
    /// What the answer starts with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) default: Option<String>,
    /// For `choice`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) choices: Vec<String>,
}

/// What kind of answer is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum AskKind {
    /// A line of text.
    Text,
    /// A line of text that is not shown.
    Secret,
    /// One of `choices`.
    Choice,
    /// Yes or no.
    Confirm,
}

/// Answer to `hoist/ask`; `null` is [`Option::None`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Answer {
    /// To `confirm`.
    Yes(bool),
    /// To the others.
    Text(String),
}

/// A job was made or changed.
#[derive(Debug)]
pub(crate) enum JobChanged {}
impl Notification for JobChanged {
    type Params = Job;
    const METHOD: &'static str = "hoist/jobChanged";
}

/// A job printed something.
#[derive(Debug)]
pub(crate) enum JobOutputs {}
impl Notification for JobOutputs {
    type Params = JobOutput;
    const METHOD: &'static str = "hoist/jobOutput";
}

/// The user wants to see a job's output.
#[derive(Debug)]
pub(crate) enum ShowOutputs {}
impl Notification for ShowOutputs {
    type Params = ShowOutput;
    const METHOD: &'static str = "hoist/showOutput";
}

/// A text for the person, who cannot change it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ShowText {
    /// What it is, in a few words, fit for the name of a file.
    pub(crate) title: String,
    /// The identifier of its language, as of `textDocument/didOpen`.
    pub(crate) language: String,
    /// The whole of it.
    pub(crate) text: String,
}

/// The user wants to see a text.
#[derive(Debug)]
pub(crate) enum ShowTexts {}
impl Notification for ShowTexts {
    type Params = ShowText;
    const METHOD: &'static str = "hoist/showText";
}

/// A file for the person.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ShowFile {
    /// Whose.
    pub(crate) job: String,
    /// Where it is on this machine.
    pub(crate) uri: String,
    /// The person asked to see it; else it came by itself, and nothing else may be covered by it.
    pub(crate) take_focus: bool,
}

/// A file is to be opened.
#[derive(Debug)]
pub(crate) enum ShowFiles {}
impl Notification for ShowFiles {
    type Params = ShowFile;
    const METHOD: &'static str = "hoist/showFile";
}

/// All jobs.
#[derive(Debug)]
pub(crate) enum Jobs {}
impl Request for Jobs {
    type Params = NoParams;
    type Result = Vec<Job>;
    const METHOD: &'static str = "hoist/jobs";
}

/// What a job printed.
#[derive(Debug)]
pub(crate) enum Output {}
impl Request for Output {
    type Params = OutputParams;
    type Result = OutputAnswer;
    const METHOD: &'static str = "hoist/output";
}

/// All targets.
#[derive(Debug)]
pub(crate) enum Targets {}
impl Request for Targets {
    type Params = TargetsParams;
    type Result = Vec<Target>;
    const METHOD: &'static str = "hoist/targets";
}

/// The text that the server holds.
#[derive(Debug)]
pub(crate) enum TextOf {}
impl Request for TextOf {
    type Params = TextParams;
    type Result = Option<Text>;
    const METHOD: &'static str = "hoist/text";
}

/// A question to the user.
#[derive(Debug)]
pub(crate) enum Ask {}
impl Request for Ask {
    type Params = AskParams;
    type Result = Option<Answer>;
    const METHOD: &'static str = "hoist/ask";
}
