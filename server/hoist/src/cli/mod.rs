//! The command line: thin, over the engine and the analysis. What each command does is in the file of its name.

mod analyze;
mod check;
mod collect;
mod fs;
mod jobs;
mod package;
mod parallel;
mod print;
mod run;
mod snippet;
mod source;
mod targets;
mod terminal;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Exit status of a refusal before submission, and of wrong usage (clap's own, too).
pub(crate) const REFUSED: u8 = 2;
/// Exit status when the target fails.
pub(crate) const TARGET_FAILED: u8 = 3;

const STATUSES: &str = "\
Exit status:
  0    the function returned
  1    the function raised, or its own process died (a segmentation fault, os._exit)
  2    usage, or refused before anything was submitted
  3    the target failed it: not reachable, killed from outside, lost; also when it was cancelled or its time was over
  130  not waited for, after a second Ctrl-C";

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
    #[command(after_help = STATUSES)]
    Run(RunArgs),
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
    /// Print what a job returned or raised. Exit status as of `hoist run`; 2 while it is not at its end.
    Result(JobArgs),
    /// List the targets.
    Targets(FormatArgs),
    /// Say what is missing on a target, if something is. Exit status 3 when something is.
    Doctor(DoctorArgs),
    /// Print the JSON schema of hoist.toml.
    Schema,
    /// Look at the files of a target.
    #[command(subcommand)]
    Fs(FsCommand),
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
    /// The only way to serve; many clients say it all the same.
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
    /// Return as soon as the job is submitted.
    #[arg(long)]
    detach: bool,
}

/// What to run, and where.
#[derive(Args)]
pub(crate) struct EntryArgs {
    /// The file and what of it: train.py::fit, train.py::12-30.
    #[arg(value_name = "FILE::ENTRY")]
    entry: std::ffi::OsString,
    /// Arguments of the call, as Python source: 'lr=0.1, epochs=3'.
    #[arg(long, value_name = "ARGS", allow_hyphen_values = true)]
    args: Option<String>,
    /// The target; by default that of the comment above the function, else the configuration's.
    #[arg(long, value_name = "NAME")]
    target: Option<String>,
    /// Run in spite of a refusal that allows it.
    #[arg(long)]
    force: bool,
    /// Cores for each task.
    #[arg(long, value_name = "N", help_heading = "Resources")]
    cores: Option<String>,
    /// Memory for each node, as 16G.
    #[arg(long, value_name = "SIZE", help_heading = "Resources")]
    memory: Option<String>,
    /// Limit of time, as 2h or 02:00:00.
    #[arg(long, value_name = "TIME", help_heading = "Resources")]
    time: Option<String>,
    /// GPUs for each node.
    #[arg(long, value_name = "N", help_heading = "Resources")]
    gpus: Option<String>,
    /// Nodes.
    #[arg(long, value_name = "N", help_heading = "Resources")]
    nodes: Option<String>,
    /// Tasks.
    #[arg(long, value_name = "N", help_heading = "Resources")]
    tasks: Option<String>,
    /// Partition or queue.
    #[arg(long, value_name = "NAME", help_heading = "Resources")]
    partition: Option<String>,
    /// Account that pays.
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
    /// The files.
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// The Python whose installed packages imports are looked up in, by default the one that is found.
    #[arg(long, value_name = "PYTHON")]
    python: Option<String>,
    /// Only json is there.
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
pub(crate) struct JobsArgs {
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// List at most so many; 0 for all.
    #[arg(long, value_name = "N", default_value_t = 20)]
    limit: usize,
}

#[derive(Args)]
pub(crate) struct JobArgs {
    /// The job's name, enough of its beginning or end, or `last`.
    #[arg(value_name = "JOB")]
    job: String,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Args)]
pub(crate) struct LogsArgs {
    /// The job's name, enough of its beginning or end, or `last`.
    #[arg(value_name = "JOB")]
    job: String,
    /// Go on until the job is at its end. Exit status as of `hoist run`.
    #[arg(long, short)]
    follow: bool,
    /// Only one of the two streams.
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
}

#[derive(Args)]
pub(crate) struct DoctorArgs {
    /// The target's name.
    #[arg(value_name = "TARGET")]
    target: String,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Subcommand)]
pub(crate) enum FsCommand {
    /// List a folder.
    Ls(FsArgs),
    /// List what lies below a folder, with a pattern for the names: TARGET:FOLDER '*.csv'.
    Find(FsPatternArgs),
    /// Say what a path is.
    Stat(FsArgs),
    /// List the paths that match a pattern: 'TARGET:data/*.csv'.
    Glob(FsArgs),
    /// Add up what lies below a path.
    Du(FsArgs),
    /// Print a file.
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
    /// A pattern for the names, with * ? [].
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
        Command::Check(args) => check::check(&args),
        Command::Analyze(args) => analyze::analyze(&args),
        Command::Package(args) => package::package(&args),
        Command::Jobs(args) => jobs::list(&args),
        Command::Logs(args) => jobs::logs(&args),
        Command::Cancel(args) => jobs::cancel(&args),
        Command::Result(args) => jobs::result(&args),
        Command::Targets(args) => targets::list(&args),
        Command::Doctor(args) => targets::doctor(&args),
        Command::Schema => schema(),
        Command::Fs(command) => fs::fs(&command),
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
    let text = serde_json::to_string_pretty(&hoist_jobs::schema()).unwrap_or_default();
    print::line(text)?;
    Ok(0)
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
