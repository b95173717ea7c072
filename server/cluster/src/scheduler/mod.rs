//! What starts jobs on the other side. A scheduler of a machine is one file behind [`JobWords`] and [`Scheduler`]: the header of
//! its job script and a handful of short shell scripts. Its line in [`kinds!`] below is the only other place that knows it.
//! Kubernetes is no scheduler of a machine: it is reached by its own API ([`crate::kubernetes`]).

use std::collections::HashMap;
use std::fmt::Debug;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::resources::{ResourceError, Resources, TimeLimit};
use crate::settings::TargetSettings;

/// Each scheduler in one line: its file, its type there, its name here and what it is.
macro_rules! kinds {
    ($($file:ident::$type:ident => $(#[$attribute:meta])* $name:ident, $words:literal;)*) => {
        $(mod $file;)*

        /// Which scheduler a target has.
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(rename_all = "lowercase")]
        pub enum SchedulerKind {
            $(#[doc = $words] $(#[$attribute])* $name,)*
            /// Kubernetes: each job is a Job of the cluster's.
            Kubernetes,
        }

        impl SchedulerKind {
            /// All there are.
            pub const ALL: &[Self] = &[$(Self::$name,)* Self::Kubernetes];

            /// The scheduler of a machine; none for Kubernetes.
            pub(crate) fn of_machine(self) -> Option<&'static dyn Scheduler> {
                match self {
                    $(Self::$name => Some(&$file::$type),)*
                    Self::Kubernetes => None,
                }
            }

            /// What its job scripts are made of.
            pub(crate) fn words(self) -> &'static dyn JobWords {
                match self {
                    $(Self::$name => &$file::$type,)*
                    Self::Kubernetes => &crate::kubernetes::Pod,
                }
            }
        }
    };
}

kinds! {
    none::Plain => #[default] None, "A plain process.";
    slurm::Slurm => Slurm, "Slurm.";
    sge::GridEngine => Sge, "Grid Engine.";
    pbs::Pbs => Pbs, "OpenPBS and PBS Pro.";
    lsf::Lsf => Lsf, "LSF.";
}

/// How a job that left no exit marker ended, in the scheduler's opinion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It ended with status 0.
    Completed,
    /// It ended with another status.
    Failed,
    /// It never began, because the scheduler could not start it.
    NotStarted,
    /// Something killed it, and the scheduler does not say what.
    Killed,
    /// Somebody cancelled it.
    Cancelled,
    /// It reached its limit of time.
    TimedOut,
    /// It needed more memory than it had asked for.
    OutOfMemory,
    /// A node failed under it.
    NodeFailed,
    /// It had to make room for another job.
    Preempted,
    /// It is gone, and nothing says why.
    Vanished,
}

/// What the scheduler says of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SchedulerState {
    /// It waits.
    Pending {
        /// Why, in plain words, with what to do where something can be done.
        reason: String,
    },
    /// It runs, or is just starting or ending.
    Running,
    /// It will not run any more.
    Ended {
        /// How it ended.
        outcome: Outcome,
        /// One sentence about it.
        words: String,
    },
    /// The scheduler does not know, or was not asked because it must not be asked so often.
    Unknown,
}

/// What the header of a job script is made of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asking<'a> {
    /// What the scheduler's lists show.
    pub(crate) name: &'a str,
    /// The job's own name.
    pub(crate) job: &'a str,
    /// The job's folder.
    pub(crate) folder: &'a str,
    /// What it asks for, the target's own resources included.
    pub(crate) resources: &'a Resources,
    /// The target.
    pub(crate) settings: &'a TargetSettings,
    /// What [`Scheduler::survey`] printed.
    pub(crate) found: &'a str,
}

/// How a scheduler runs one script many times.
pub(crate) struct Array {
    /// Lines of the job script for so many tasks, of which so many may run at once.
    pub(crate) header: fn(asking: &Asking<'_>, tasks: usize, at_once: Option<u32>) -> Vec<String>,
    /// How the line of [`Scheduler::header`] begins that those take the place of, if there is one.
    pub(crate) instead_of: Option<&'static str>,
    /// Fewer tasks than that are no array there and go one by one.
    pub(crate) least: usize,
    /// Shell words that stand for the number of a task, from 1, within the job script.
    pub(crate) index: &'static str,
    /// Where a task's own words of the scheduler go, a name in the array's folder; the value of `$log` at the submission.
    pub(crate) log: &'static str,
    /// Submits in place of [`Scheduler::submit`], where that differs; `$tasks` and `$at_once` are numbers.
    pub(crate) submit: Option<&'static str>,
    /// The native id of a task of an array.
    pub(crate) task: fn(array: &str, index: usize) -> String,
    /// Prints how many tasks one array may have at most; prints nothing where there is no such limit.
    pub(crate) limit: Option<&'static str>,
}

/// [`Scheduler::after`] of one that cannot hold a job back.
pub(crate) const CANNOT_HOLD: &str = "cat >/dev/null";

/// What to do about a refusal of the account or project that is to pay.
const ACCOUNT: &str = "correct `account` in the target's resources";

/// What a job script is made of, whoever starts it.
pub(crate) trait JobWords: Debug + Send + Sync {
    /// Lines of the job script directly below its first one.
    ///
    /// # Errors
    /// What is asked for cannot be said in this scheduler's words; with what to do.
    fn header(&self, asking: &Asking<'_>) -> Result<Vec<String>, ResourceError>;

    /// A line of the job script that comes before all others, once `$hoist_job` is known.
    fn prologue(&self) -> Option<&'static str> {
        None
    }

    /// What begins a line of the script that the scheduler reads, as `#SBATCH`.
    fn directive(&self) -> Option<&'static str>;

    /// Whether the job script starts as a login shell, because the scheduler gives it a bare environment.
    fn wants_login_shell(&self) -> bool;

    /// Shell words that print the native id from within the job script.
    fn own_id(&self) -> &'static str;
}

/// One kind of scheduler of a machine.
///
/// Its scripts run in a POSIX shell in which `$hoist_job` is the job's folder and `$umask` the person's own mask,
/// `fail KIND TEXT` ends with an error, `tools COMMAND [PREFIX]` looks for the scheduler's commands and variables, and
/// `hoist_start_of PID` prints when a process started.
pub(crate) trait Scheduler: JobWords {
    /// Prints what [`JobWords::header`] must know of the site; asked once for each connection.
    fn survey(&self) -> Option<&'static str> {
        None
    }

    /// A shell command that reads native ids, one a line, and prints what [`Scheduler::submit`] then finds in `$after`: the jobs
    /// that must be over before this one begins, in the words of the scheduler. How they ended the job script sees by itself,
    /// so where the scheduler cannot wait there is nothing to print.
    fn after(&self) -> &'static str {
        CANNOT_HOLD
    }

    /// Submits `$hoist_job/script.sh`, to begin after `$after`, and sets `$id`; `fail scheduler ...` when it is refused.
    fn submit(&self) -> &'static str;

    /// Sets `$id` when the scheduler knows a job of this folder; `fail scheduler ...` when it cannot be asked.
    fn find(&self) -> &'static str;

    /// Prints what the scheduler knows of these native ids.
    fn query(&self, ids: &[&str]) -> String;

    /// Reads what [`Scheduler::query`]'s script printed; ids that are absent are unknown.
    fn read(&self, printed: &str) -> HashMap<String, SchedulerState>;

    /// For how many intervals between two questions a job that [`Scheduler::read`] calls vanished is still held to be
    /// unknown, because the accounting may be late.
    fn patience(&self) -> u32 {
        0
    }

    /// What to do about refusals, by words in lower case that stand in them; the first that do count.
    fn mends(&self) -> &'static [(&'static str, &'static str)] {
        &[]
    }

    /// Asks for the end of the jobs `"$@"`, whose folders are named by the words of `$jobs`, in the same order.
    fn cancel(&self) -> &'static str;

    /// How many tasks are submitted as one; none when they are submitted one by one.
    fn array(&self) -> Option<Array> {
        None
    }

    /// Reads a job script from its input and prints `start SECONDS`, in how long it would start; `fail scheduler ...` when it
    /// would be refused. None when the scheduler cannot say.
    fn forecast(&self) -> Option<&'static str> {
        None
    }

    /// Prints the scheduler's version; ends with another status than 0 when it is not there. None: nothing to check.
    fn version(&self) -> Option<&'static str>;
}

/// The lines of what a scheduler's commands printed that `read` is made of: `KIND|ID|REST`.
fn facts(printed: &str) -> impl Iterator<Item = (&str, &str, &str)> {
    printed.lines().filter_map(|line| {
        let (kind, rest) = line.split_once('|')?;
        let (id, rest) = rest.split_once('|').unwrap_or((rest, ""));
        Some((kind, id, rest.trim()))
    })
}

/// The job has ended so.
pub(crate) fn ended(outcome: Outcome, words: impl Into<String>) -> SchedulerState {
    SchedulerState::Ended {
        outcome,
        words: words.into(),
    }
}

/// `H:MM:SS` with as many hours as there are.
fn hours(time: TimeLimit) -> String {
    let seconds = time.0;
    format!(
        "{:02}:{:02}:{:02}",
        seconds / 3_600,
        seconds / 60 % 60,
        seconds % 60
    )
}

/// `842.371MB`, `4s`, `300M`, `0:0:3`: bytes or seconds.
pub(crate) fn amount(text: &str) -> Option<f64> {
    let text = text.trim();
    if text.contains(':') {
        let mut parts = text.split(':').map(|part| part.parse::<f64>().ok());
        return parts.try_fold(0.0, |sum, part| Some(sum * 60.0 + part?));
    }
    let end = text.find(|c: char| !(c.is_ascii_digit() || c == '.'));
    let (number, unit) = text.split_at(end.unwrap_or(text.len()));
    let factor = match unit.trim_start().chars().next() {
        Some('k' | 'K') => 1024.0,
        Some('m' | 'M') => 1_048_576.0,
        Some('g' | 'G') => 1_073_741_824.0,
        Some('t' | 'T') => 1_099_511_627_776.0,
        None => 1.0,
        Some(other) if other.is_ascii_alphabetic() => 1.0,
        // `16?`: sacct's own words for what it does not know yet.
        Some(_) => return None,
    };
    Some(number.parse::<f64>().ok()? * factor)
}

/// An amount of memory in a sentence.
pub(crate) fn shown(bytes: f64) -> String {
    let mebibytes = bytes / 1_048_576.0;
    if mebibytes < 1024.0 {
        format!("{mebibytes:.0} MiB")
    } else {
        format!("{:.1} GiB", mebibytes / 1024.0)
    }
}

/// The sentence for a job that needed more memory than it had, with what it used and had asked for where that is known.
pub(crate) fn out_of_memory(used: Option<f64>, asked: Option<f64>) -> SchedulerState {
    let words = match (used, asked) {
        (Some(used), Some(asked)) => {
            format!(
                "the job used {} of memory and had asked for {}",
                shown(used),
                shown(asked)
            )
        }
        (None, Some(asked)) => {
            format!(
                "the job needed more memory than the {} it had asked for",
                shown(asked)
            )
        }
        _ => "the job needed more memory than it had asked for".to_owned(),
    };
    ended(
        Outcome::OutOfMemory,
        words + "; ask for more with memory=...",
    )
}

/// The sentence for a job whose time was over.
pub(crate) fn timed_out(limit: Option<f64>) -> SchedulerState {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a limit of time in seconds"
    )]
    let limit = limit.map_or_else(String::new, |seconds| {
        format!(" ({})", TimeLimit(seconds.max(0.0) as u64))
    });
    ended(
        Outcome::TimedOut,
        format!(
            "the job reached its limit of time{limit}; ask for more with time=... or make the work smaller"
        ),
    )
}

/// A job's name as one word that lists show and no parser trips over.
fn word(name: &str, length: usize) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    let word: String = name
        .chars()
        .take(length)
        .map(|c| if plain(c) { c } else { '_' })
        .collect();
    if word.is_empty() {
        "hoist".to_owned()
    } else {
        word
    }
}
