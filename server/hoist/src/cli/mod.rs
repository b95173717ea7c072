//! The command line: thin, over the engine and the analysis. What each command does is in the file of its name.

mod analyze;
mod check;
mod collect;
mod data;
mod doctor;
mod drawing;
mod env;
mod files;
mod fs;
mod jobs;
mod package;
mod parallel;
mod print;
mod reference;
mod run;
mod snippet;
mod source;
mod sweep;
mod targets;
mod terminal;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Exit status of a refusal before submission, and of wrong usage (clap's own, too).
pub(crate) const REFUSED: u8 = 2;
/// Exit status when the target fails.
pub(crate) const TARGET_FAILED: u8 = 3;

/// What the exit statuses of commands that run something mean.
const STATUSES: &[(u8, &str)] = &[
    (0, "the function returned"),
    (
        1,
        "the function raised, or its own process died (a segmentation fault, `os._exit`)",
    ),
    (
        REFUSED,
        "wrong usage, or refused before anything was submitted (`hoist result`: the job is not at its end)",
    ),
    (
        TARGET_FAILED,
        "the target failed it: not reachable, killed from outside, lost; also when it was cancelled or its time was over",
    ),
    (130, "not waited for, after a second Ctrl-C"),
];

/// The same below the help of such a command.
fn statuses() -> String {
    let lines = STATUSES.iter();
    let lines = lines.map(|(status, meaning)| format!("\n  {status:<4} {meaning}"));
    "Exit status:".to_owned() + &lines.collect::<String>()
}

/// Run Python functions on clusters.
///
/// ENTRY is a qualified name (train, Tests.test_basic.<locals>.work) or lines (12-30). Targets are set in hoist.toml,
/// [tool.hoist] of pyproject.toml and ~/.config/hoist/config.toml; the target `local` always exists.
#[derive(Parser)]
#[command(name = "hoist", version, disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve an editor: the language server over standard input and output.
    Lsp(LspArgs),
    /// Run a function or lines of a file on a target, with its output as it comes and its result.
    #[command(after_help = statuses())]
    Run(RunArgs),
    /// Run a function once for each line of a file of items, all at once.
    #[command(after_help = statuses())]
    Map(MapArgs),
    /// Say what would fail on a target, before it is run. Exit status 1 when there are errors.
    Check(CheckArgs),
    /// Print the functions and imports of files as JSON, one object per file and line.
    Analyze(AnalyzeArgs),
    /// Write the package that would be sent, or show the script that would be submitted.
    Package(PackageArgs),
    /// List the jobs, newest first.
    Jobs(JobsArgs),
    /// Print what a job wrote.
    Logs(LogsArgs),
    /// End a job.
    Cancel(JobArgs),
    /// Print what a job returned or raised, or the table of a sweep. Exit status as of `hoist run`; 2 while it is not at its end.
    Result(ResultArgs),
    /// List what a job left besides its result (figures, files that it wrote, its value's pickle), or fetch some of it.
    Files(FilesArgs),
    /// Run a job once more as it was, or those tasks of a sweep that did not succeed.
    #[command(after_help = statuses())]
    Retry(RetryArgs),
    /// List the targets.
    Targets(FormatArgs),
    /// Walk the whole way of a job to a target, a real one of a second at the end, and say what stands in it. Exit status 3 when
    /// something does.
    Doctor(DoctorArgs),
    /// Print the JSON schema of `hoist.toml`.
    Schema,
    /// List and remove the environments that were built on a target for what the code imports.
    #[command(subcommand)]
    Env(EnvCommand),
    /// List and remove the data files in the store of a target.
    #[command(subcommand)]
    Data(DataCommand),
    /// Look at the files of a target.
    #[command(subcommand)]
    Fs(FsCommand),
    /// Write anew what is generated in the pages of the documentation.
    #[command(hide = true)]
    Reference {
        /// Their folder.
        docs: PathBuf,
    },
}

/// How results are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    #[default]
    Text,
    /// One JSON object per line.
    Json,
}

#[derive(Args)]
pub(crate) struct LspArgs {
    /// Serve over standard input and output. There is no other way; many clients say it all the same.
    #[arg(long, hide = true)]
    stdio: bool,
}

#[derive(Args)]
pub(crate) struct RunArgs {
    #[command(flatten)]
    entry: EntryArgs,
    /// How to print: text, or events as one JSON object per line.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Do not ask before much data is sent to the target.
    #[arg(long)]
    yes: bool,
    /// Return as soon as the job is submitted.
    #[arg(long)]
    detach: bool,
    /// Only say what would run and when it would start, where the scheduler can tell; nothing is submitted. Exit status 3 when it
    /// would be refused.
    #[arg(long, conflicts_with_all = ["detach", "sweep"])]
    dry_run: bool,
    /// Begin only after this job, or all tasks of this sweep, succeeded; may be given several times. Names as of `hoist result`.
    #[arg(long, value_name = "JOB")]
    after: Vec<String>,
    /// Run once for every combination of values, as one submission: `'lr=[0.1, 0.01], seed=range(10)'`.
    #[arg(long, value_name = "VALUES")]
    sweep: Option<String>,
    /// Run at most so many tasks of the sweep at the same time.
    #[arg(long, value_name = "N", requires = "sweep", value_parser = clap::value_parser!(u32).range(1..))]
    at_once: Option<u32>,
}

#[derive(Args)]
pub(crate) struct MapArgs {
    #[command(flatten)]
    entry: EntryArgs,
    /// The items, one JSON value a line: an object's members are keyword arguments, an array's elements are arguments,
    /// anything else is the one argument. `-` is standard input.
    #[arg(long, value_name = "ITEMS.jsonl")]
    over: PathBuf,
    /// Run at most so many at the same time.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    at_once: Option<u32>,
    /// How to print: text, or events as one JSON object per line.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Do not ask before much data is sent to the target.
    #[arg(long)]
    yes: bool,
    /// Return as soon as the jobs are submitted.
    #[arg(long)]
    detach: bool,
    /// Begin only after this job, or all tasks of this sweep, succeeded; may be given several times. Names as of `hoist result`.
    #[arg(long, value_name = "JOB")]
    after: Vec<String>,
}

/// What to run, and where.
#[derive(Args)]
pub(crate) struct EntryArgs {
    /// The file and what of it: `train.py::fit`, `train.py::12-30`.
    #[arg(value_name = "FILE::ENTRY")]
    entry: std::ffi::OsString,
    /// Arguments of the call, as Python source: `'lr=0.1, epochs=3'`.
    #[arg(long, value_name = "ARGS", allow_hyphen_values = true)]
    args: Option<String>,
    /// The target; by default that of the comment above the function, else the configuration's.
    #[arg(long, value_name = "NAME")]
    target: Option<String>,
    /// Run in spite of a refusal that allows it.
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    resources: ResourceArgs,
}

/// What is asked of the scheduler.
#[derive(Args)]
pub(crate) struct ResourceArgs {
    /// Cores for each task.
    #[arg(long, value_name = "N", help_heading = "Resources")]
    cores: Option<String>,
    /// Memory for each node: `16G`.
    #[arg(long, value_name = "SIZE", help_heading = "Resources")]
    memory: Option<String>,
    /// Limit of time: `2h`, `02:00:00`.
    #[arg(long, value_name = "TIME", help_heading = "Resources")]
    time: Option<String>,
    /// Warn the job with SIGUSR1 so long before its time is over: `60s`.
    #[arg(long, value_name = "TIME", help_heading = "Resources")]
    warning: Option<String>,
    /// Run it up to so many times once more where the target loses it (a node fails, it has to make room).
    #[arg(long, value_name = "N", help_heading = "Resources")]
    retries: Option<String>,
    /// GPUs for each node.
    #[arg(long, value_name = "N", help_heading = "Resources")]
    gpus: Option<String>,
    /// Number of nodes.
    #[arg(long, value_name = "N", help_heading = "Resources")]
    nodes: Option<String>,
    /// Number of tasks, as of MPI.
    #[arg(long, value_name = "N", help_heading = "Resources")]
    tasks: Option<String>,
    /// The partition or queue.
    #[arg(long, value_name = "NAME", help_heading = "Resources")]
    partition: Option<String>,
    /// The account or project that pays.
    #[arg(long, value_name = "NAME", help_heading = "Resources")]
    account: Option<String>,
}

#[derive(Args)]
pub(crate) struct CheckArgs {
    /// Files, or folders whose Python files are all checked.
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,
    /// The Python whose installed packages imports are looked up in, by default the one that is found.
    #[arg(long, value_name = "PYTHON")]
    python: Option<String>,
    /// How to print: text, or one JSON object per finding and line.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Args)]
pub(crate) struct AnalyzeArgs {
    /// Files in Python.
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// The Python whose installed packages imports are looked up in, by default the one that is found.
    #[arg(long, value_name = "PYTHON")]
    python: Option<String>,
    /// How to print: there is only JSON.
    #[arg(long, value_parser = ["json"], default_value = "json")]
    format: String,
}

#[derive(Args)]
pub(crate) struct PackageArgs {
    #[command(flatten)]
    entry: EntryArgs,
    /// Where to write the ZIP; `python3 OUT.zip` runs it without arguments.
    #[arg(
        short,
        long,
        value_name = "OUT.zip",
        required_unless_present = "script"
    )]
    output: Option<PathBuf>,
    /// Put all data files into the ZIP, also those that would go to the target's store.
    #[arg(long)]
    all: bool,
    /// Print the exact script that would be submitted to the target.
    #[arg(long)]
    script: bool,
}

#[derive(Args)]
pub(crate) struct FormatArgs {
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct JobsArgs {
    #[command(subcommand)]
    command: Option<JobsCommand>,
    /// Only the tasks of this sweep.
    #[arg(value_name = "SWEEP")]
    sweep: Option<String>,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// List at most so many; 0 for all.
    #[arg(long, value_name = "N", default_value_t = 20)]
    limit: usize,
}

#[derive(Subcommand)]
pub(crate) enum JobsCommand {
    /// Remove jobs that ended long ago, here and on their targets.
    Clean(CleanArgs),
}

#[derive(Args)]
pub(crate) struct CleanArgs {
    /// Jobs that ended longer ago than this: `30d`, `12h`.
    #[arg(long, value_name = "TIME", default_value = "30d")]
    older: String,
    /// And then those that ended first, until what is kept on this machine of all jobs takes no more than this: `2G`.
    #[arg(long, value_name = "SIZE")]
    most: Option<String>,
    /// Leave the folders on the targets alone.
    #[arg(long)]
    only_here: bool,
    /// Only say what would go.
    #[arg(long)]
    dry_run: bool,
}

#[derive(Args)]
pub(crate) struct JobArgs {
    /// The name of a job or a sweep, enough of its beginning or end, or `last`; SWEEP.3 is the third task of a sweep.
    #[arg(value_name = "JOB")]
    job: String,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Args)]
pub(crate) struct RetryArgs {
    /// The name of a job or a sweep, enough of its beginning or end, or `last`; SWEEP.3 is the third task of a sweep. The same
    /// code runs on the same arguments; changed code is run by `hoist run`.
    #[arg(value_name = "JOB")]
    job: String,
    #[command(flatten)]
    resources: ResourceArgs,
    /// How to print: text, or events as one JSON object per line.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Do not ask before much data is sent to the target.
    #[arg(long)]
    yes: bool,
    /// Return as soon as the job is submitted.
    #[arg(long)]
    detach: bool,
}

#[derive(Args)]
pub(crate) struct ResultArgs {
    /// The name of a job or a sweep, enough of its beginning or end, or `last`; SWEEP.3 is the third task of a sweep.
    #[arg(value_name = "JOB")]
    job: String,
    /// How to print; `csv` is for the table of a sweep.
    #[arg(long, value_enum, default_value_t)]
    format: TableFormat,
    /// Write the value's pickle (protocol 4) to this file, fetching it where it is too large to have come by itself. Load it only if
    /// you trust the code that ran: a pickle runs code of its own.
    #[arg(long, value_name = "OUT")]
    pickle: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct FilesArgs {
    /// The job's name, enough of its beginning or end, or `last`; SWEEP.3 is the third task of a sweep.
    #[arg(value_name = "JOB")]
    job: String,
    /// What to fetch: a file, a folder or a pattern (`'*.csv'`). Without any, all is listed, or with -o all is fetched.
    #[arg(value_name = "PATH")]
    paths: Vec<String>,
    /// Copy them into this folder; without it they stay in the job's own, and where they are is printed.
    #[arg(short, long, value_name = "DIR")]
    output: Option<PathBuf>,
    /// Fetch no more than this.
    #[arg(long, value_name = "SIZE", default_value = "2G")]
    most: String,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// How a table is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum TableFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object per line.
    Json,
    /// Comma-separated values with a first line of titles (RFC 4180).
    Csv,
}

#[derive(Args)]
pub(crate) struct LogsArgs {
    /// The job's name, enough of its beginning or end, or `last`; SWEEP.3 is the third task of a sweep.
    #[arg(value_name = "JOB")]
    job: String,
    /// Go on until the job is at its end. Exit status as of `hoist run`.
    #[arg(long, short)]
    follow: bool,
    /// Only this one of the streams.
    #[arg(long, value_enum)]
    stream: Option<StreamArg>,
    /// How to print: the bytes as they are, or events as one JSON object per line.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum StreamArg {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
    /// What the building of the job's environment printed.
    Environment,
}

#[derive(Args)]
pub(crate) struct DoctorArgs {
    /// The target's name.
    #[arg(value_name = "TARGET")]
    target: String,
    /// Do not run the job of one second that shows that jobs run.
    #[arg(long)]
    no_job: bool,
    /// How long to wait for that job.
    #[arg(long, value_name = "TIME", default_value = "2m")]
    wait: String,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Subcommand)]
pub(crate) enum EnvCommand {
    /// List the environments that were built on a target.
    Ls(EnvListArgs),
    /// Remove environments from a target; the next job that needs one builds it anew. Exit status 3 when one is kept, because it is in
    /// use.
    Rm(EnvRemoveArgs),
}

#[derive(Args)]
pub(crate) struct EnvListArgs {
    /// The target's name; by default the configuration's default.
    #[arg(value_name = "TARGET")]
    target: Option<String>,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Args)]
pub(crate) struct EnvRemoveArgs {
    /// The target's name.
    #[arg(value_name = "TARGET")]
    target: String,
    /// The environments' names.
    #[arg(value_name = "NAME", required_unless_present = "all")]
    names: Vec<String>,
    /// Remove all that nobody uses.
    #[arg(long, conflicts_with = "names")]
    all: bool,
}

#[derive(Subcommand)]
pub(crate) enum DataCommand {
    /// List the data files that were sent to the store of a target, with the jobs that need them.
    Ls(DataListArgs),
    /// Remove data files from the store of a target; the next job that needs one sends it anew. Exit status 3 when one is kept,
    /// because a job needs it.
    Rm(DataRemoveArgs),
}

#[derive(Args)]
pub(crate) struct DataListArgs {
    /// The target's name; by default the configuration's default.
    #[arg(value_name = "TARGET")]
    target: Option<String>,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Args)]
pub(crate) struct DataRemoveArgs {
    /// The target's name.
    #[arg(value_name = "TARGET")]
    target: String,
    /// The beginnings of the files' SHA-256.
    #[arg(value_name = "SHA256", required_unless_present_any = ["unused", "older"])]
    hashes: Vec<String>,
    /// Remove all that no job needs which is not over.
    #[arg(long, conflicts_with_all = ["hashes", "older"])]
    unused: bool,
    /// Remove those of them that were not used for so long: `30d`, `12h`.
    #[arg(long, value_name = "TIME", conflicts_with = "hashes")]
    older: Option<String>,
}

#[derive(Subcommand)]
pub(crate) enum FsCommand {
    /// List a folder of a target.
    Ls(FsArgs),
    /// List what lies below a folder, with a pattern for the names: `TARGET:FOLDER '*.csv'`.
    Find(FsPatternArgs),
    /// Say what a path of a target is: its size, its times, its kind.
    Stat(FsArgs),
    /// List the paths that match a pattern: `'TARGET:data/*.csv'`.
    Glob(FsArgs),
    /// Add up the files that lie below a path of a target.
    Du(FsArgs),
    /// Print a file of a target.
    Cat(FsArgs),
}

#[derive(Args)]
pub(crate) struct FsArgs {
    /// The target and a path there; a relative one begins in the home folder.
    #[arg(value_name = "TARGET:PATH")]
    place: String,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Args)]
pub(crate) struct FsPatternArgs {
    #[command(flatten)]
    place: FsArgs,
    /// A pattern for the names, with `*`, `?` and `[]`.
    #[arg(value_name = "PATTERN", default_value = "*")]
    pattern: String,
}

/// Runs the command that the arguments name.
pub(crate) fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help goes to standard output with status 0, usage to standard error with 2.
            let status = if error.use_stderr() { REFUSED } else { 0 };
            error.print().ok();
            return ExitCode::from(status);
        }
    };
    let done = match cli.command {
        Command::Lsp(_) => return crate::lsp::run(),
        Command::Run(args) => run::run(&args),
        Command::Map(args) => sweep::map(&args),
        Command::Check(args) => check::check(&args),
        Command::Analyze(args) => analyze::analyze(&args),
        Command::Package(args) => package::package(&args),
        Command::Jobs(args) => jobs::list(&args),
        Command::Logs(args) => jobs::logs(&args),
        Command::Cancel(args) => jobs::cancel(&args),
        Command::Result(args) => jobs::result(&args),
        Command::Files(args) => files::files(&args),
        Command::Retry(args) => jobs::retry(&args),
        Command::Targets(args) => targets::list(&args),
        Command::Doctor(args) => doctor::doctor(&args),
        Command::Schema => schema(),
        Command::Env(command) => env::env(&command),
        Command::Data(command) => data::data(&command),
        Command::Fs(command) => fs::fs(&command),
        Command::Reference { docs } => reference::reference(&docs),
    };
    match done {
        Ok(status) => ExitCode::from(status),
        Err(failure) if failure.is_silent() => ExitCode::SUCCESS,
        Err(failure) => {
            print::error(&failure.message);
            ExitCode::from(failure.status)
        }
    }
}

fn schema() -> Done {
    print::line(schema_text())?;
    Ok(0)
}

fn schema_text() -> String {
    serde_json::to_string_pretty(&hoist_jobs::schema()).unwrap_or_default()
}

/// Why a command ends early: one sentence and an exit status.
#[derive(Debug)]
pub(crate) struct Failure {
    message: String,
    status: u8,
}

impl Failure {
    /// Refused before anything was begun.
    pub(crate) fn refused(message: impl ToString) -> Self {
        Self {
            message: message.to_string(),
            status: REFUSED,
        }
    }

    /// The target's doing.
    pub(crate) fn target(message: impl ToString) -> Self {
        Self {
            message: message.to_string(),
            status: TARGET_FAILED,
        }
    }

    /// Whoever read our output has gone away (`hoist logs JOB | head`): nothing is wrong and nothing can be said.
    pub(crate) fn reader_left() -> Self {
        Self {
            message: String::new(),
            status: 0,
        }
    }

    fn is_silent(&self) -> bool {
        self.message.is_empty()
    }
}

impl From<std::io::Error> for Failure {
    /// Of writing to our own standard output.
    fn from(error: std::io::Error) -> Self {
        if error.kind() == std::io::ErrorKind::BrokenPipe {
            return Self::reader_left();
        }
        Self {
            message: format!("standard output cannot be written ({error})"),
            status: TARGET_FAILED,
        }
    }
}

/// What a command gives: its exit status.
pub(crate) type Done = Result<u8, Failure>;
