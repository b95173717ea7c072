//! Jobs that come after others: what must have succeeded before they begin.
//!
//! Where all of them are on the same scheduler, it holds the job until they are over, whether anybody here looks on or not, and the
//! job itself sees how they ended. Where one of them runs elsewhere the engine holds the job back until that one's end is
//! known. What the job waits for stands in its record, by name, and is looked at anew each time: nothing of how it stands is kept.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use hoist_cluster::{NativeId, Parent, SchedulerKind, TargetSettings};
use tokio::time::Instant;

use crate::engine::Inner;
use crate::{JobId, RunError, State, Sweep};

/// How it stands with what a job comes after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It can be submitted: those that are not over yet are known to its own scheduler. None where all succeeded.
    Ready(Vec<Parent>),
    /// This one must end first, or reach its scheduler.
    Waits(JobId),
    /// It will never run, in one sentence.
    Never(String),
}

/// How often it is looked at.
pub(crate) const LOOK: Duration = Duration::from_secs(1);

/// What was seen within the last [`LOOK`], so that the tasks of a sweep which come after those of another do not each look at
/// each.
#[derive(Default)]
pub(crate) struct Standings(Mutex<Seen>);

/// How it stood for a job that comes after these and runs there, and when that was seen.
type Seen = HashMap<(Vec<JobId>, String), (Instant, Standing)>;

/// How it stands now, or stood a moment ago.
pub(crate) fn standing(inner: &Inner, after: &[JobId], settings: &TargetSettings) -> Standing {
    let key = (after.to_vec(), place(settings));
    let now = Instant::now();
    let mut known = inner
        .standings
        .0
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    known.retain(|_, (at, _)| now - *at < LOOK);
    if let Some((_, standing)) = known.get(&key) {
        return standing.clone();
    }
    let standing = look(inner, after, &key.1);
    known.insert(key, (now, standing.clone()));
    standing
}

fn look(inner: &Inner, after: &[JobId], place: &str) -> Standing {
    let mut parents = Vec::new();
    let mut waits = None;
    for name in after {
        // Where one task of a sweep is, all are.
        let mut is_beside = None;
        for job in members(inner, *name) {
            let Ok(view) = inner.last_attempt(job) else {
                return Standing::Never(format!("not run: {job} is not known here any more"));
            };
            let job = view.job;
            if let Some(how) = otherwise(view.state) {
                return Standing::Never(format!("not run: {job} {how}"));
            }
            if view.state == State::Succeeded {
                continue;
            }
            let is_beside = *is_beside.get_or_insert_with(|| {
                let record = inner.store.folder(job).read();
                record.is_ok_and(|record| {
                    // Jobs of Kubernetes know nothing of each other. Of one that may be run once more, its scheduler knows only
                    // this attempt.
                    record.settings.scheduler != SchedulerKind::Kubernetes
                        && self::place(&record.settings) == place
                        && record.resources.retries.unwrap_or_default() == 0
                })
            });
            match &view.native_id {
                Some(id) if is_beside => parents.push(Parent {
                    job: job.to_string(),
                    native_id: NativeId(id.clone()),
                }),
                _ => waits = waits.or(Some(job)),
            }
        }
    }
    waits.map_or(Standing::Ready(parents), Standing::Waits)
}

/// The jobs that a name stands for: itself, or the tasks of a sweep.
fn members(inner: &Inner, name: JobId) -> Vec<JobId> {
    match Sweep::read(&inner.store, name) {
        Ok(sweep) => sweep.tasks.iter().map(|task| task.job).collect(),
        Err(_) => vec![name],
    }
}

/// How a job ended that did not succeed.
fn otherwise(state: State) -> Option<&'static str> {
    match state {
        State::Failed => Some("failed"),
        State::Cancelled => Some("was cancelled"),
        State::TimedOut => Some("timed out"),
        State::Lost => Some("was lost"),
        _ => None,
    }
}

/// The same for targets whose jobs know each other: one scheduler, one work folder.
fn place(settings: &TargetSettings) -> String {
    let TargetSettings {
        host,
        scheduler,
        work_dir,
        ..
    } = settings;
    format!("{host:?} {scheduler:?} {work_dir}")
}

/// Why a job cannot come after these.
pub(crate) fn check(inner: &Inner, after: &[JobId]) -> Result<(), RunError> {
    // Whichever target it is for.
    match look(inner, after, "") {
        Standing::Never(why) => Err(RunError::After(why)),
        Standing::Ready(_) | Standing::Waits(_) => Ok(()),
    }
}

/// One job of each of these by which all of them are taken up.
pub(crate) fn first_of_each(inner: &Inner, after: &[JobId]) -> BTreeSet<JobId> {
    let firsts = after.iter().map(|name| members(inner, *name));
    let firsts = firsts.filter_map(|jobs| Some(inner.last_attempt(*jobs.first()?).ok()?.job));
    firsts.collect()
}
