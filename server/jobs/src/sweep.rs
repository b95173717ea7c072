//! Sweeps: many jobs of one package that reach their target as one submission.
//!
//! Each task is a job like any other; what belongs to all of them lies in the sweep's own folder of the store: `sweep.json`, as
//! it was made, `arrays.json`, which tasks were put into which array before the first of them was submitted, and `ids.json`,
//! what became of them at the submission. The second makes the submission safe to repeat: whoever goes on with a sweep after a
//! crash sends the same arrays under the same names.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use hoist_cluster::{
    ArraySubmission, ClusterError, ErrorKind, JobEnvironment, NativeId, Parent, Target, Upload,
};
use hoist_package::Request;
use serde::{Deserialize, Serialize};
use tokio::time::{Duration, Instant};

use crate::data;
use crate::engine::Inner;
use crate::plan::checkpoint;
use crate::store::{HALF, Lock, Record, Store, StoreError, make_private, now, replace};
use crate::view::TaskOf;
use crate::{Event, JobId, State};

/// A sweep as it was made.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Sweep {
    /// Its name.
    pub sweep: JobId,
    /// The short name for lists: the function's own name.
    pub name: String,
    /// What was asked for: a qualified name.
    pub entry: String,
    /// The entry's file as people read it: relative to the workspace when inside it.
    pub file: String,
    /// The name of the target.
    pub target: String,
    /// When it was made, in milliseconds since 1970 UTC.
    pub created: u64,
    /// What differs between the tasks: names of parameters, or `0`, `1`, ... for arguments without one.
    pub columns: Vec<String>,
    /// The tasks in order.
    pub tasks: Vec<SweepTask>,
    /// How many of them may run at the same time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_once: Option<u32>,
    /// The record of each task before anything is known of it, but for its name, number and arguments.
    pub(crate) record: Record,
    /// What each is asked, likewise.
    pub(crate) request: Request,
}

/// One task of a sweep.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SweepTask {
    /// Its job.
    pub job: JobId,
    /// The arguments of its call, as Python source.
    pub args: String,
    /// The value of each column, as Python source; none where the task has none.
    pub values: Vec<Option<String>>,
    /// The job that began this piece of work, when it is run once more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) began: Option<JobId>,
}

impl SweepTask {
    /// The job that began this piece of work.
    pub(crate) fn began(&self) -> JobId {
        self.began.unwrap_or(self.job)
    }
}

impl Sweep {
    fn path(store: &Store, sweep: JobId) -> PathBuf {
        store.sweep(sweep).join("sweep.json")
    }

    pub(crate) fn read(store: &Store, sweep: JobId) -> Result<Self, StoreError> {
        read(&Self::path(store, sweep), "the sweep cannot be read")
    }

    /// Writes it down and takes its lock: from here on its tasks exist.
    pub(crate) fn create(&self, store: &Store) -> Result<Lock, StoreError> {
        let folder = store.sweep(self.sweep);
        let fail = |error| StoreError::new(&folder, "the sweep cannot be recorded", error);
        // Filled under a name that nobody lists, so that no other process meets a task without the lock.
        let hidden = folder.with_extension(HALF);
        make_private(&hidden).map_err(fail)?;
        let made = (|| {
            let lock = Lock::first(&hidden)?;
            replace(&hidden.join("sweep.json"), &serde_json::to_vec(self)?)?;
            std::fs::rename(&hidden, &folder)?;
            Ok(lock)
        })();
        made.map_err(|error| {
            std::fs::remove_dir_all(&hidden).ok();
            fail(error)
        })
    }

    /// The record of a task, by its number from 1, of which nothing was written down: it waits, here or over there.
    pub(crate) fn record_of(&self, folder: &Path, index: usize) -> Record {
        let mut record = self.record.clone();
        // It does not travel with the settings.
        record.settings.name.clone_from(&self.target);
        let view = &mut record.view;
        view.job = self.sweep.task(index);
        let task = index.checked_sub(1).and_then(|at| self.tasks.get(at));
        record.began = task.map(SweepTask::began);
        view.args = task
            .map(|task| task.args.clone())
            .filter(|args| !args.is_empty());
        view.sweep = Some(TaskOf {
            sweep: self.sweep,
            index,
            of: self.tasks.len(),
        });
        let submitted = Ids::read(folder);
        if let Some(Submitted::As(task)) = submitted.as_ref().and_then(|ids| ids.get(index)) {
            view.state = State::Queued;
            view.native_id = Some(task.id.to_string());
            view.submitted = task.at;
        }
        record
    }

    /// What a task is asked, by its number from 1.
    pub(crate) fn request_of(&self, index: usize) -> Request {
        let task = index.checked_sub(1).and_then(|at| self.tasks.get(at));
        Request {
            job: self.sweep.task(index).to_string(),
            args: task
                .map(|task| task.args.clone())
                .filter(|args| !args.is_empty()),
            checkpoint: task.and_then(|task| checkpoint(&self.record.settings, task.began())),
            ..self.request.clone()
        }
    }
}

fn read<T: for<'a> Deserialize<'a>>(path: &Path, what: &'static str) -> Result<T, StoreError> {
    let fail = |error| StoreError::new(path, what, error);
    let bytes = std::fs::read(path).map_err(fail)?;
    serde_json::from_slice(&bytes)
        .map_err(|error| fail(std::io::Error::new(std::io::ErrorKind::InvalidData, error)))
}

fn write(path: &Path, value: &impl Serialize, what: &'static str) -> Result<(), StoreError> {
    serde_json::to_vec(value)
        .map_err(std::io::Error::from)
        .and_then(|json| replace(path, &json))
        .map_err(|error| StoreError::new(path, what, error))
}

/// By what id a task is there.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(from = "Noted")]
pub(crate) struct Accepted {
    pub(crate) id: NativeId,
    /// Since when, in milliseconds since 1970 UTC.
    pub(crate) at: Option<u64>,
}

/// The same as it stands in `ids.json`: of a sweep that was submitted by an older version the time is not known.
#[derive(Deserialize)]
#[serde(untagged)]
enum Noted {
    Timed { id: NativeId, at: Option<u64> },
    Id(NativeId),
}

impl From<Noted> for Accepted {
    fn from(noted: Noted) -> Self {
        match noted {
            Noted::Timed { id, at } => Self { id, at },
            Noted::Id(id) => Self { id, at: None },
        }
    }
}

/// What became of a task at the submission.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Submitted {
    /// It is there.
    As(Accepted),
    /// It was refused, for this reason, and will not run.
    Refused(String),
    /// It was not among those that were sent: someone wanted it ended before.
    LeftOut,
}

/// What became of all tasks, in order; `ids.json`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Ids(Vec<Submitted>);

impl Ids {
    /// What a sweep's folder has; the same file is read once.
    fn read(folder: &Path) -> Option<Arc<Self>> {
        static KNOWN: Mutex<Option<(PathBuf, Arc<Ids>)>> = Mutex::new(None);
        let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((path, ids)) = &*known
            && path == folder
        {
            return Some(ids.clone());
        }
        let ids = Arc::new(read::<Self>(&folder.join("ids.json"), "").ok()?);
        *known = Some((folder.to_owned(), ids.clone()));
        Some(ids)
    }

    /// What became of a task, by its number from 1.
    pub(crate) fn get(&self, index: usize) -> Option<&Submitted> {
        self.0.get(index.checked_sub(1)?)
    }
}

/// The submissions of this process's sweeps. The first driver of a task that is connected submits for all.
#[derive(Default)]
pub(crate) struct Submitters(Mutex<HashMap<JobId, Arc<Submitter>>>);

#[derive(Default)]
struct Submitter(tokio::sync::Mutex<Turn>);

/// How far it is.
#[derive(Default)]
struct Turn {
    /// What became of each task; at the end.
    done: Option<Arc<Ids>>,
    /// Why the last attempt failed, which was not long ago.
    failed: Option<(Instant, ClusterError)>,
}

/// For how long a failed attempt is told to others instead of a new one being made.
const AGAIN: Duration = Duration::from_secs(2);

/// Why a sweep could not be submitted now.
pub(crate) enum Failed {
    /// The way to the target; another attempt may succeed.
    Target(ClusterError),
    /// This machine's own disk.
    Store(StoreError),
}

/// Which tasks are in which array, by their numbers from 0; each array has a name of its own.
#[derive(Serialize, Deserialize)]
struct Arrays(Vec<(JobId, Vec<usize>)>);

impl Submitters {
    fn get(&self, sweep: JobId) -> Arc<Submitter> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.entry(sweep).or_default().clone()
    }

    /// Ends a task before anything of the sweep was sent: true when it will never be sent.
    pub(crate) async fn leave_out(&self, inner: &Inner, sweep: JobId) -> bool {
        let submitter = self.get(sweep);
        let _turn = submitter.0.lock().await;
        // Those whose end is wished for by now are left out when the arrays are made.
        !inner.store.sweep(sweep).join("arrays.json").exists()
    }

    /// Is it known what became of its tasks?
    pub(crate) async fn is_done(&self, inner: &Inner, sweep: JobId) -> bool {
        let submitter = self.get(sweep);
        let turn = submitter.0.lock().await;
        turn.done.is_some() || Ids::read(&inner.store.sweep(sweep)).is_some()
    }

    /// Submits the sweep if that is not done yet, to begin after those, and gives what became of its tasks. `teller` is told how
    /// far the package is.
    pub(crate) async fn submit(
        &self,
        inner: &Inner,
        sweep: JobId,
        target: &Target,
        teller: JobId,
        after: &[Parent],
        environment: &JobEnvironment,
    ) -> Result<Arc<Ids>, Failed> {
        let submitter = self.get(sweep);
        let mut turn = submitter.0.lock().await;
        if turn.done.is_none() {
            turn.done = Ids::read(&inner.store.sweep(sweep));
        }
        if let Some(done) = &turn.done {
            return Ok(done.clone());
        }
        if let Some((at, error)) = &turn.failed
            && at.elapsed() < AGAIN
        {
            return Err(Failed::Target(error.clone()));
        }
        match submit(inner, sweep, target, teller, after, environment).await {
            Ok(done) => {
                let done = Arc::new(done);
                turn.done = Some(done.clone());
                Ok(done)
            }
            Err(Failed::Target(error)) => {
                turn.failed = Some((Instant::now(), error.clone()));
                Err(Failed::Target(error))
            }
            Err(error) => Err(error),
        }
    }
}

async fn submit(
    inner: &Inner,
    sweep: JobId,
    target: &Target,
    teller: JobId,
    after: &[Parent],
    environment: &JobEnvironment,
) -> Result<Ids, Failed> {
    let store = &inner.store;
    let sweep = Sweep::read(store, sweep).map_err(Failed::Store)?;
    let progress = |upload: Upload| {
        let (sent, total) = (upload.sent, upload.total);
        let job = teller;
        // That nobody listens is no error.
        inner.events.send(Event::Upload { job, sent, total }).ok();
    };
    let mut done = vec![Submitted::LeftOut; sweep.tasks.len()];
    let package = store
        .package(&sweep.record.package)
        .map_err(Failed::Store)?;
    // A package that is damaged is refused over there.
    let data = data::files_of_package(&package, &sweep.record.origins).unwrap_or_default();
    let package: Arc<[u8]> = package.into();
    if !store.sweep(sweep.sweep).join("arrays.json").exists() {
        // It may take long. When none of the tasks is wanted any more, none is in an array.
        let stop = || nobody_wants(store, &sweep);
        match target.send_data_unless(&data, progress, stop).await {
            Ok(()) => {}
            Err(error) if error.kind == ErrorKind::Stopped => {}
            Err(error) => return Err(Failed::Target(error)),
        }
    }
    let Arrays(arrays) = arrays(store, &sweep, target).await?;
    for (array, numbers) in arrays {
        if numbers.is_empty() {
            continue;
        }
        let task = |number: &usize| {
            let request = sweep.request_of(number + 1);
            (request.job.clone(), request.to_bytes())
        };
        let submission = ArraySubmission {
            array: array.to_string(),
            name: sweep.name.clone(),
            package: package.clone(),
            sha256: sweep.record.package.clone(),
            tasks: numbers.iter().map(task).collect(),
            resources: sweep.record.resources.clone(),
            at_once: sweep.at_once,
            after: after.to_vec(),
            environment: environment.clone(),
            data: data.clone(),
        };
        match target.submit_array(&submission, progress).await {
            Ok(ids) => {
                let at = Some(now());
                for (number, id) in numbers.iter().zip(ids) {
                    done[*number] = Submitted::As(Accepted { id, at });
                }
            }
            // The other arrays may still be taken; what was refused can be run again by itself.
            Err(error) if !error.is_transient() => {
                for number in &numbers {
                    done[*number] = Submitted::Refused(error.to_string());
                }
            }
            Err(error) => return Err(Failed::Target(error)),
        }
    }
    let ids = Ids(done);
    let path = store.sweep(sweep.sweep).join("ids.json");
    write(&path, &ids, "the ids of the sweep cannot be recorded").map_err(Failed::Store)?;
    Ok(ids)
}

/// Comes back when someone wants all tasks ended.
async fn nobody_wants(store: &Store, sweep: &Sweep) {
    let is_wanted = |task: &SweepTask| !store.folder(task.job).is_cancel_wished();
    while sweep.tasks.iter().any(is_wanted) {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

/// The arrays of a sweep: those that were written down before, or else as the target's limit cuts them now.
async fn arrays(store: &Store, sweep: &Sweep, target: &Target) -> Result<Arrays, Failed> {
    let path = store.sweep(sweep.sweep).join("arrays.json");
    if path.exists() {
        return read(&path, "the arrays of the sweep cannot be read").map_err(Failed::Store);
    }
    let limit = target.array_limit().await.map_err(Failed::Target)?;
    let wanted: Vec<usize> = (0..sweep.tasks.len())
        .filter(|number| {
            let folder = store.folder(sweep.tasks[*number].job);
            !folder.is_cancel_wished()
                && folder
                    .read()
                    .is_ok_and(|record| !record.view.state.is_end())
        })
        .collect();
    let arrays = wanted
        .chunks(limit.unwrap_or(usize::MAX).max(1))
        .map(|numbers| (JobId::new(), numbers.to_vec()));
    let arrays = Arrays(arrays.collect());
    write(&path, &arrays, "the arrays of the sweep cannot be recorded").map_err(Failed::Store)?;
    Ok(arrays)
}

/// The names of a sweep's arrays, as far as they were made.
pub(crate) fn arrays_of(store: &Store, sweep: JobId) -> Vec<JobId> {
    let arrays = read::<Arrays>(&store.sweep(sweep).join("arrays.json"), "");
    let arrays = arrays.map(|Arrays(arrays)| arrays).unwrap_or_default();
    arrays.into_iter().map(|(name, _)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_that_an_older_version_wrote_down_are_read() {
        let old = r#"[{"As": "7_1"}, {"Refused": "no"}, "LeftOut"]"#;
        let ids: Ids = serde_json::from_str(old).expect("read");
        assert!(
            matches!(ids.get(1), Some(Submitted::As(Accepted { id, at: None })) if id.to_string() == "7_1")
        );
        let (id, at) = (NativeId("7_1".to_owned()), Some(5));
        let new = serde_json::to_string(&Ids(vec![Submitted::As(Accepted { id, at })]));
        let ids: Ids = serde_json::from_str(&new.expect("written")).expect("read");
        assert!(
            matches!(ids.get(1), Some(Submitted::As(Accepted { id, at: Some(5) })) if id.to_string() == "7_1")
        );
        assert!(ids.get(2).is_none());
    }
}
