//! Running something once more: the same package with the same arguments, perhaps with more to run in.

use std::collections::BTreeMap;
use std::time::Duration;

use hoist_cluster::{Memory, Resources, TimeLimit};
use hoist_package::{ExitMarker, Outcome, Request};

use crate::end::KILLED;
use crate::engine::Inner;
use crate::plan::checkpoint;
use crate::store::{Record, millis, now};
use crate::sweep::{Sweep, SweepTask};
use crate::{JobId, JobView, RunError, State};

/// What a job had too little of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lacked {
    Memory,
    Time,
}

impl Lacked {
    /// What the exit marker tells: who is killed from outside was most often too large.
    pub(crate) fn from_marker(exit: &[u8]) -> Option<Self> {
        let marker = ExitMarker::parse(exit).ok()?;
        (marker.state == Outcome::Crashed && marker.code == KILLED).then_some(Self::Memory)
    }

    /// What an end tells.
    pub(crate) fn from_end(view: &JobView) -> Option<Self> {
        let ran_out = ["MemoryError", "OutOfMemoryError"];
        match (view.state, &view.error) {
            (State::TimedOut, _) => Some(Self::Time),
            (State::Failed, Some(error)) if ran_out.contains(&error.kind.as_str()) => {
                Some(Self::Memory)
            }
            _ => None,
        }
    }

    /// Twice as much, in the words in which it is asked for; nothing where it is not known how much that would be.
    pub(crate) fn twice(self, asked: &Resources, view: &JobView) -> BTreeMap<String, String> {
        let (name, value) = match self {
            Self::Memory => {
                let had = asked.memory.map(|memory| memory.0);
                ("memory", had.or(view.peak_memory_bytes).map(doubled))
            }
            Self::Time => {
                let had = asked.time.map(|time| time.0);
                let twice = had.map(|had| TimeLimit(had.saturating_mul(2)).to_string());
                ("time", twice)
            }
        };
        value
            .map(|value| (name.to_owned(), value))
            .into_iter()
            .collect()
    }
}

/// Twice the memory, in whole gigabytes where it is that much.
fn doubled(bytes: u64) -> String {
    let twice = bytes.saturating_mul(2);
    let unit: u64 = if twice >= 1 << 30 { 1 << 30 } else { 1 << 20 };
    Memory(twice.div_ceil(unit).saturating_mul(unit)).to_string()
}

/// The record of a job that runs the package of `old` once more, with what is `asked` now before what was asked then.
pub(crate) fn record(old: &Record, job: JobId, asked: &Resources) -> Record {
    // What it came after then is not asked about again: whoever runs it once more wants it now.
    let view = JobView {
        again: Some(old.view.job),
        ..JobView::new(job, old.view.about())
    };
    Record {
        view,
        resources: asked.over(&old.resources),
        began: Some(old.began()),
        not_before: None,
        ..old.clone()
    }
}

/// The record of a job that runs `old` once more by itself, after a while: each time it waits twice as long.
pub(crate) fn attempt(old: &Record, job: JobId) -> Record {
    let number = old.view.attempt.unwrap_or(1);
    let wait = FIRST_WAIT.saturating_mul(1 << number.min(16).saturating_sub(1));
    let wait = wait.min(LONGEST_WAIT);
    let mut new = record(old, job, &Resources::default());
    let of = old.resources.retries.unwrap_or_default().saturating_add(1);
    new.not_before = Some(now() + u64::try_from(wait.as_millis()).unwrap_or(u64::MAX));
    new.view.attempt = Some(number + 1);
    new.view.reason = Some(format!(
        "attempt {} of {of}, begins {} s after the one before",
        number + 1,
        wait.as_secs()
    ));
    // What had to come before has.
    new
}

const FIRST_WAIT: Duration = Duration::from_secs(10);
const LONGEST_WAIT: Duration = Duration::from_secs(600);

/// What the runner is asked for a job whose record this is, where it was asked that before.
pub(crate) fn request(new: &Record, asked: Request) -> Request {
    Request {
        job: new.view.job.to_string(),
        time_limit: new.resources.time.map(|time| time.0),
        warning: new.resources.warning.map(|warning| warning.0),
        checkpoint: checkpoint(&new.settings, new.began()),
        ..asked
    }
}

/// A sweep of those tasks of `old`, by their numbers from 0, that are to run once more.
pub(crate) fn sweep(old: &Sweep, name: JobId, tasks: &[usize], asked: &Resources) -> Sweep {
    let mut record = record(&old.record, name, asked);
    record.view.again = Some(old.sweep);
    let time_limit = record.resources.time.map(|time| time.0);
    let chosen = tasks.iter().filter_map(|number| old.tasks.get(*number));
    Sweep {
        sweep: name,
        created: millis(name.created()),
        tasks: chosen
            .enumerate()
            .map(|(at, task)| SweepTask {
                job: name.task(at + 1),
                began: Some(task.began()),
                ..task.clone()
            })
            .collect(),
        request: Request {
            time_limit,
            warning: record.resources.warning.map(|warning| warning.0),
            ..old.request.clone()
        },
        record,
        ..old.clone()
    }
}

/// Resources by the words in which people ask for them.
pub(crate) fn resources(words: &BTreeMap<String, String>) -> Result<Resources, RunError> {
    let mut asked = Resources::default();
    for (key, value) in words {
        asked
            .set(key, value)
            .map_err(|source| RunError::Resources { source, line: None })?;
    }
    Ok(asked)
}

/// Why a package cannot be sent once more.
pub(crate) fn check(inner: &Inner, record: &Record) -> Result<(), RunError> {
    match inner.store.has_package(&record.package) {
        true => Ok(()),
        false => Err(RunError::NoPackage),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twice_the_memory_is_a_round_number() {
        for (bytes, words) in [(8 << 30, "16G"), (100 << 20, "200M"), (3_000_000_000, "6G")] {
            assert_eq!(doubled(bytes), words);
        }
    }
}
