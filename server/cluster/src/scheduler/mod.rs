//! What starts jobs on the other side. A scheduler is one file behind [`Scheduler`]: the header of its job script and
//! four short shell scripts. `KINDS` of [`SchedulerKind`] is the only other place that knows it.

mod none;
mod slurm;

use std::collections::HashMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::resources::Resources;

/// Which scheduler a target has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SchedulerKind {
    /// A plain process.
    #[default]
    None,
    /// Slurm.
    Slurm,
}

impl SchedulerKind {
    pub(crate) fn get(self) -> &'static dyn Scheduler {
        match self {
            Self::None => &none::Plain,
            Self::Slurm => &slurm::Slurm,
        }
    }
}

/// How a job that left no exit marker ended, in the scheduler's opinion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It ended with status 0.
    Completed,
    /// It ended with another status.
    Failed,
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

/// One kind of scheduler.
///
/// Its scripts run in a POSIX shell in which `$hoist_job` is the job's folder and `$umask` the person's own mask,
/// `fail KIND TEXT` ends with an error and `hoist_start_of PID` prints when a process started.
pub(crate) trait Scheduler: Send + Sync {
    /// Lines of the job script directly below its first one.
    fn header(&self, name: &str, job: &str, resources: &Resources) -> Vec<String>;

    /// Whether the job script starts as a login shell, because the scheduler gives it a bare environment.
    fn wants_login_shell(&self) -> bool;

    /// Shell words that print the native id from within the job script.
    fn own_id(&self) -> &'static str;

    /// Submits `$hoist_job/script.sh` and sets `$id`; `fail scheduler ...` when it is refused.
    fn submit(&self) -> &'static str;

    /// Sets `$id` when the scheduler knows a job of this folder; `fail scheduler ...` when it cannot be asked.
    fn find(&self) -> &'static str;

    /// Prints what the scheduler knows of these native ids.
    fn query(&self, ids: &[&str]) -> String;

    /// Reads what [`Scheduler::query`]'s script printed; ids that are absent are unknown.
    fn read(&self, printed: &str) -> HashMap<String, SchedulerState>;

    /// Asks for the end of the job `$id`.
    fn cancel(&self) -> &'static str;

    /// Prints the scheduler's version; ends with another status than 0 when it is not there. None: nothing to check.
    fn version(&self) -> Option<&'static str>;
}
