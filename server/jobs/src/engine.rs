//! The engine: every job of this process, and a view of all others.

use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hoist_cluster::{Ask, ClusterError, TargetSettings};
use tokio::runtime::Handle;
use tokio::sync::{Notify, broadcast};

use crate::drive::{Driver, Start};
use crate::hub::Hubs;
use crate::plan::{Plan, RunRequest, plan};
use crate::store::{Folder, Lock, Record, Store, millis};
use crate::{Event, JobId, JobView, RunError, State, StoreError, Stream, Watch};

/// Events that a subscriber may fall behind by before it is told that it missed some.
const BACKLOG: usize = 4096;

/// How an engine is started.
pub struct EngineOptions {
    /// The folder of the jobs; see [`default_store`].
    pub store: PathBuf,
    /// Whom to ask for passwords, codes and unknown host keys.
    pub ask: Arc<dyn Ask>,
}

/// Runs jobs and shows them. A clone is the same engine.
#[derive(Clone)]
pub struct Engine {
    inner: Arc<Inner>,
}

/// What the tasks of an engine share.
pub(crate) struct Inner {
    pub(crate) store: Store,
    pub(crate) events: broadcast::Sender<Event>,
    pub(crate) hubs: Hubs,
    driven: Mutex<HashMap<JobId, Driven>>,
    runtime: Handle,
}

/// A job that this process drives.
struct Driven {
    view: Arc<JobView>,
    /// Wakes its task when someone wants it ended.
    cancel: Arc<Notify>,
}

/// The folder of the jobs: `hoist` under `XDG_STATE_HOME` or `~/.local/state`.
pub fn default_store() -> PathBuf {
    crate::folders::xdg("XDG_STATE_HOME", ".local/state")
        .unwrap_or_else(std::env::temp_dir)
        .join("hoist")
}

impl Engine {
    /// Opens the store. Must be called within a tokio runtime, which must live as long as the engine. Unfinished jobs are
    /// left alone until [`Engine::take_up_all`] or [`Engine::take_up`].
    ///
    /// # Errors
    /// The folder of the jobs cannot be made.
    pub fn start(options: EngineOptions) -> Result<Self, StoreError> {
        let store = Store::open(&options.store)?;
        let (events, _) = broadcast::channel(BACKLOG);
        Ok(Self {
            inner: Arc::new(Inner {
                store,
                events,
                hubs: Hubs::new(options.ask, options.store),
                driven: Mutex::default(),
                runtime: Handle::current(),
            }),
        })
    }

    /// Slices, packages and records a job, then returns; the rest is a task of its own and is heard of through events.
    /// Reads files and may take milliseconds: call it off the threads that must not wait.
    ///
    /// # Errors
    /// Every reason for which the job was not started. Nothing was begun then.
    pub fn run(&self, request: &RunRequest) -> Result<JobId, RunError> {
        let plan = plan(request)?;
        Ok(self.start_plan(request, plan)?)
    }

    /// As [`Engine::run`], for a plan that was made before.
    ///
    /// # Errors
    /// The job cannot be recorded here.
    pub fn start_plan(&self, request: &RunRequest, plan: Plan) -> Result<JobId, StoreError> {
        let job = JobId::new();
        let record = record(job, request, &plan);
        let folder = self.inner.store.folder(job);
        let lock = folder.create(&record, &plan.request(job).to_bytes(), &plan.package.bytes)?;
        self.drive(folder, record, lock, Start::Fresh);
        Ok(job)
    }

    /// Goes on with an unfinished job, unless this or another process already does. `true` when this process drives it
    /// now.
    ///
    /// # Errors
    /// The job's folder cannot be read.
    pub fn take_up(&self, job: JobId) -> Result<bool, StoreError> {
        if self.driven().contains_key(&job) {
            return Ok(true);
        }
        let folder = self.inner.store.folder(job);
        if folder.read()?.view.state.is_end() {
            return Ok(false);
        }
        let Some(lock) = folder.try_lock()? else {
            return Ok(false);
        };
        // Read again under the lock: the one who held it may just have finished.
        let record = folder.read()?;
        if record.view.state.is_end() {
            return Ok(false);
        }
        self.drive(folder, record, lock, Start::TakenUp);
        Ok(true)
    }

    /// Goes on with every unfinished job that no other process drives, and returns their names.
    ///
    /// # Errors
    /// The folder of the jobs cannot be read. A single job that cannot be read is passed over; [`Engine::damaged`] names it.
    pub fn take_up_all(&self) -> Result<Vec<JobId>, StoreError> {
        let jobs = self.inner.store.list()?;
        Ok(jobs
            .into_iter()
            .filter(|job| self.take_up(*job).unwrap_or(false))
            .collect())
    }

    fn drive(&self, folder: Folder, record: Record, lock: Lock, start: Start) {
        let job = record.view.job;
        let cancel = Arc::new(Notify::new());
        self.driven().insert(
            job,
            Driven {
                view: Arc::new(record.view.clone()),
                cancel: cancel.clone(),
            },
        );
        let hub = self.inner.hubs.get(&record.settings);
        let driver = Driver::new(self.inner.clone(), hub, folder, record, lock, cancel);
        self.inner.runtime.spawn(driver.run(start));
    }

    /// All events of jobs that this process drives, from now on. A subscriber that is too slow is told so by
    /// `RecvError::Lagged`; the logs and views hold what it missed.
    pub fn subscribe(&self) -> broadcast::Receiver<Event> {
        self.inner.events.subscribe()
    }

    /// The events of one job, its output from these offsets (stdout, stderr) on, whoever drives it.
    pub fn watch(&self, job: JobId, offsets: [u64; 2]) -> Watch {
        Watch::new(self.clone(), job, offsets)
    }

    /// Waits for the end of a job, whoever drives it.
    ///
    /// # Errors
    /// The job's folder cannot be read.
    pub async fn ended(&self, job: JobId) -> Result<Arc<JobView>, StoreError> {
        let mut watch = self.watch(
            job,
            Stream::BOTH.map(|stream| self.output_length(job, stream)),
        );
        loop {
            match watch.next().await? {
                Some(Event::Finished { job }) => return Ok(job),
                Some(_) => {}
                None => return self.job(job),
            }
        }
    }

    /// Wants a job ended. The wish is written down, so that it also reaches a job that another process drives; the job is
    /// `cancelled` when the other side has obeyed.
    ///
    /// # Errors
    /// There is no such job, or the wish cannot be written down.
    pub fn cancel(&self, job: JobId) -> Result<(), StoreError> {
        let folder = self.inner.store.folder(job);
        if folder.read()?.view.state.is_end() {
            return Ok(());
        }
        folder.wish_cancelled()?;
        if let Some(driven) = self.driven().get(&job) {
            driven.cancel.notify_one();
        }
        Ok(())
    }

    /// Takes the wish of [`Engine::cancel`] back; too late where the other side was told already.
    pub fn keep(&self, job: JobId) {
        self.inner.store.folder(job).unwish_cancelled();
    }

    /// A job as it is now.
    ///
    /// # Errors
    /// There is no such job, or its record is damaged.
    pub fn job(&self, job: JobId) -> Result<Arc<JobView>, StoreError> {
        if let Some(driven) = self.driven().get(&job) {
            return Ok(driven.view.clone());
        }
        Ok(Arc::new(self.inner.store.folder(job).read()?.view))
    }

    /// The target of a job, as it was configured when the job was made.
    ///
    /// # Errors
    /// As [`Engine::job`].
    pub fn settings(&self, job: JobId) -> Result<TargetSettings, StoreError> {
        Ok(self.inner.store.folder(job).read()?.settings)
    }

    /// All jobs of the store, newest first; those that cannot be read are left out and named by [`Engine::damaged`].
    ///
    /// # Errors
    /// The folder of the jobs cannot be read.
    pub fn jobs(&self) -> Result<Vec<Arc<JobView>>, StoreError> {
        let jobs = self.inner.store.list()?;
        Ok(jobs
            .into_iter()
            .filter_map(|job| self.job(job).ok())
            .collect())
    }

    /// Why jobs of the store cannot be read, a sentence each.
    pub fn damaged(&self) -> Vec<StoreError> {
        let jobs = self.inner.store.list().unwrap_or_default();
        jobs.into_iter()
            .filter_map(|job| self.job(job).err())
            .collect()
    }

    /// At most `limit` bytes of a job's output from `offset` on, as they came; empty at the end of what there is.
    ///
    /// # Errors
    /// The log cannot be read.
    pub fn output(
        &self,
        job: JobId,
        stream: Stream,
        offset: u64,
        limit: usize,
    ) -> Result<Vec<u8>, StoreError> {
        self.inner.store.folder(job).read_log(stream, offset, limit)
    }

    /// How many bytes of output there are by now.
    pub fn output_length(&self, job: JobId, stream: Stream) -> u64 {
        self.inner.store.folder(job).log_length(stream)
    }

    /// The file that holds a job's output; it may not exist before the first byte.
    pub fn log_path(&self, job: JobId, stream: Stream) -> PathBuf {
        self.inner.store.folder(job).log_path(stream)
    }

    /// A connection to a target, shared with the jobs that run there.
    ///
    /// # Errors
    /// The target cannot be reached, in a sentence that says why.
    pub async fn target(
        &self,
        settings: &TargetSettings,
    ) -> Result<Arc<hoist_cluster::Target>, ClusterError> {
        self.inner.hubs.get(settings).target().await
    }

    /// Comes back when what is asked of targets beside their jobs, for findings, is answered. No job waits for that.
    pub async fn learnt(&self) {
        self.inner.hubs.looked().await;
    }

    fn driven(&self) -> MutexGuard<'_, HashMap<JobId, Driven>> {
        self.inner.driven()
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").finish_non_exhaustive()
    }
}

impl Inner {
    fn driven(&self) -> MutexGuard<'_, HashMap<JobId, Driven>> {
        self.driven.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes over a changed view and tells everyone.
    pub(crate) fn publish(&self, view: Arc<JobView>) {
        let is_end = view.state.is_end();
        {
            let mut driven = self.driven();
            if is_end {
                // From here on the disk answers for it, which has the end already.
                driven.remove(&view.job);
            } else if let Some(mine) = driven.get_mut(&view.job) {
                mine.view = view.clone();
            }
        }
        let event = if is_end {
            Event::Finished { job: view }
        } else {
            Event::State { job: view }
        };
        // That nobody listens is no error.
        self.events.send(event).ok();
    }
}

fn record(job: JobId, request: &RunRequest, plan: &Plan) -> Record {
    let view = JobView {
        job,
        state: State::Preparing,
        name: plan.name.clone(),
        entry: request.entry.to_string(),
        file: plan.file.clone(),
        path: request.path.clone(),
        workspace: request.workspace.clone(),
        line: plan.line,
        target: plan.settings.name.clone(),
        args: plan.slice.args.clone(),
        created: millis(job.created()),
        started: None,
        ended: None,
        reason: None,
        message: None,
        result: None,
        error: None,
        native_id: None,
        wall_seconds: None,
        peak_memory_bytes: None,
        python: None,
        host: None,
        notes: Vec::new(),
        files: Vec::new(),
        revision: 0,
    };
    Record {
        version: Record::VERSION,
        view,
        settings: plan.settings.clone(),
        resources: plan.resources.clone(),
        package: plan.package.sha256.clone(),
        origins: plan
            .package
            .origins
            .iter()
            .map(|(path, origin)| (path.to_string(), origin.clone()))
            .collect(),
    }
}
