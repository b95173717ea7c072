//! The engine: every job of this process, and a view of all others.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hoist_analysis::sweep::Tasks;
use hoist_cluster::{Ask, ClusterError, Question, Resources, TargetSettings};
use tokio::runtime::Handle;
use tokio::sync::{Notify, broadcast};

use crate::after::{self, Standings};
use crate::again;
use crate::drive::{Driver, Start};
use crate::environment;
use crate::hub::{self, Forecast, Hubs, Lost, Unlearnt};
use crate::plan::{Plan, RunRequest, plan};
use crate::store::{Folder, Lock, Record, Store, millis, remove_half_written};
use crate::sweep::{Submitters, Sweep, SweepTask};
use crate::view::About;
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
    pub(crate) submitters: Submitters,
    pub(crate) standings: Standings,
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
    /// The engine whose part this is.
    pub(crate) fn of(inner: Arc<Inner>) -> Self {
        Self { inner }
    }

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
                submitters: Submitters::default(),
                standings: Standings::default(),
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
        self.start_plan(request, plan)
    }

    /// As [`Engine::run`], for a plan that was made before.
    ///
    /// # Errors
    /// The job cannot be recorded here, or what it comes after did not succeed.
    pub fn start_plan(&self, request: &RunRequest, plan: Plan) -> Result<JobId, RunError> {
        after::check(&self.inner, &request.after)?;
        let job = JobId::new();
        let record = record(job, request, &plan, self.keep_plan(&plan)?);
        let folder = self.inner.store.folder(job);
        let lock = folder.create(&record, &plan.request(job).to_bytes())?;
        self.drive(folder, record, lock, Start::Fresh);
        Ok(job)
    }

    /// Keeps the package and what it needs installed; gives the name of the latter.
    fn keep_plan(&self, plan: &Plan) -> Result<Option<String>, StoreError> {
        let store = &self.inner.store;
        store.keep_package(&plan.package.sha256, &plan.package.bytes)?;
        plan.wanted
            .as_ref()
            .map(|wanted| store.keep_wanted(wanted))
            .transpose()
    }

    /// Starts the tasks of a sweep, each a job of its own, which reach the target as one submission. At most `at_once` of
    /// them run at the same time. Returns the sweep's name.
    ///
    /// # Errors
    /// As [`Engine::start_plan`]; nothing was begun then.
    pub fn start_sweep(
        &self,
        request: &RunRequest,
        plan: &Plan,
        tasks: &Tasks,
        at_once: Option<u32>,
    ) -> Result<JobId, RunError> {
        after::check(&self.inner, &request.after)?;
        let store = &self.inner.store;
        let columns = tasks.columns.clone();
        let wanted = self.keep_plan(plan)?;
        let name = JobId::new();
        let tasks = tasks.tasks.iter().enumerate().map(|(at, task)| SweepTask {
            job: name.task(at + 1),
            args: task.args.clone(),
            values: task.values.clone(),
            began: None,
        });
        let sweep = Sweep {
            sweep: name,
            name: plan.name.clone(),
            entry: request.entry.to_string(),
            file: plan.file.clone(),
            target: plan.settings.name.clone(),
            created: millis(name.created()),
            columns,
            tasks: tasks.collect(),
            at_once,
            record: record(name, request, plan, wanted),
            request: plan.request(name),
        };
        let lock = sweep.create(store)?;
        self.drive_sweep(&sweep, &lock, Start::Fresh)?;
        Ok(name)
    }

    /// Drives all tasks that are not at their end.
    fn drive_sweep(&self, sweep: &Sweep, lock: &Lock, start: Start) -> Result<(), StoreError> {
        for task in &sweep.tasks {
            let folder = self.inner.store.folder(task.job);
            let record = folder.read()?;
            if !record.view.state.is_end() && !self.driven().contains_key(&task.job) {
                self.drive(folder, record, lock.clone(), start);
            }
        }
        Ok(())
    }

    /// Runs the package of a job that is at its end once more, with the same arguments, on the same target as it was then.
    /// `asked` are resources by name; they go before what was asked for then.
    ///
    /// # Errors
    /// Every reason for which the job was not started. Nothing was begun then.
    pub fn again(&self, job: JobId, asked: &BTreeMap<String, String>) -> Result<JobId, RunError> {
        let old = self.inner.store.folder(job);
        let record = old.read()?;
        if !record.view.state.is_end() {
            return Err(RunError::GoesOn);
        }
        let name = JobId::new();
        let new = again::record(&record, name, &again::resources(asked)?);
        again::check(&self.inner, &new)?;
        let request = again::request(&new, old.asked()?);
        let folder = self.inner.store.folder(name);
        let lock = folder.create(&new, &request.to_bytes())?;
        self.drive(folder, new, lock, Start::Fresh);
        Ok(name)
    }

    /// Runs those tasks of a sweep once more that did not succeed, as a sweep of their own; see [`Engine::again`].
    ///
    /// # Errors
    /// Every reason for which they were not started, also that all succeeded or that some go on. Nothing was begun then.
    pub fn sweep_again(
        &self,
        sweep: JobId,
        asked: &BTreeMap<String, String>,
    ) -> Result<JobId, RunError> {
        let old = self.sweep(sweep)?;
        let asked = again::resources(asked)?;
        let states: Result<Vec<State>, StoreError> = old
            .tasks
            .iter()
            .map(|task| Ok(self.last_attempt(task.job)?.state))
            .collect();
        let states = states?;
        if !states.iter().all(|state| state.is_end()) {
            return Err(RunError::GoesOn);
        }
        let failed: Vec<usize> = (0..states.len())
            .filter(|number| states[*number] != State::Succeeded)
            .collect();
        if failed.is_empty() {
            return Err(RunError::NothingFailed);
        }
        let name = JobId::new();
        let new = again::sweep(&old, name, &failed, &asked);
        again::check(&self.inner, &new.record)?;
        let lock = new.create(&self.inner.store)?;
        self.drive_sweep(&new, &lock, Start::Fresh)?;
        Ok(name)
    }

    /// All sweeps of the store, newest first.
    ///
    /// # Errors
    /// The folder of the sweeps cannot be read.
    pub fn sweeps(&self) -> Result<Vec<Sweep>, StoreError> {
        let names = self.inner.store.sweeps()?.into_iter();
        Ok(names
            .filter_map(|name| Sweep::read(&self.inner.store, name).ok())
            .collect())
    }

    /// A sweep as it was made.
    ///
    /// # Errors
    /// There is no such sweep, or its record is damaged.
    pub fn sweep(&self, sweep: JobId) -> Result<Sweep, StoreError> {
        Sweep::read(&self.inner.store, sweep)
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
        if let Some(sweep) = folder.sweep().cloned() {
            // Who has the lock has it for all tasks.
            remove_half_written(&self.inner.store.sweep(sweep.sweep));
            self.drive_sweep(&sweep, &lock, Start::TakenUp)?;
            return Ok(self.driven().contains_key(&job));
        }
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

    /// Runs a job that the target lost once more, as that one says: `next` is the name of the new one. Doing it again after a
    /// crash does nothing more.
    ///
    /// # Errors
    /// The job cannot be recorded here.
    pub(crate) fn run_once_more(&self, old: &Record, next: JobId) -> Result<(), StoreError> {
        let folder = self.inner.store.folder(next);
        if folder.read().is_ok() {
            return Ok(());
        }
        let asked = self.inner.store.folder(old.view.job).asked()?;
        let new = again::attempt(old, next);
        let lock = folder.create(&new, &again::request(&new, asked).to_bytes())?;
        self.drive(folder, new, lock, Start::TakenUp);
        Ok(())
    }

    fn drive(&self, folder: Folder, record: Record, lock: Lock, start: Start) {
        let job = record.view.job;
        if start == Start::TakenUp {
            folder.remove_half_written();
        }
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

    /// The events of one job, its output from these offsets on, in the order of [`Stream::ALL`], whoever drives it.
    pub fn watch(&self, job: JobId, offsets: [u64; 3]) -> Watch {
        Watch::new(self.clone(), job, offsets)
    }

    /// Waits for the end of a job, whoever drives it.
    ///
    /// # Errors
    /// The job's folder cannot be read.
    pub async fn ended(&self, job: JobId) -> Result<Arc<JobView>, StoreError> {
        let mut watch = self.watch(
            job,
            Stream::ALL.map(|stream| self.output_length(job, stream)),
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
        self.inner.view(job)
    }

    /// The last attempt at what a job is to do: the job itself, or the one that runs it once more by itself.
    ///
    /// # Errors
    /// As [`Engine::job`].
    pub fn last_attempt(&self, job: JobId) -> Result<Arc<JobView>, StoreError> {
        self.inner.last_attempt(job)
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

    /// Targets whose connection was lost and cannot be made again without a person, from now on; each once until it is made.
    pub fn lost_connections(&self) -> broadcast::Receiver<Lost> {
        self.inner.hubs.lost()
    }

    /// Targets that did not say what their Python can import, from now on: findings lack what would follow from it.
    pub fn unlearnt(&self) -> broadcast::Receiver<Unlearnt> {
        self.inner.hubs.unlearnt()
    }

    /// The exact script that would be submitted for a plan.
    ///
    /// # Errors
    /// The target cannot be reached, or what is asked for cannot be said in its scheduler's words.
    pub async fn script(&self, plan: &Plan) -> Result<String, ClusterError> {
        let target = self.target(&plan.settings).await?;
        // The job's name stands in its script; this one will not be used.
        let mut submission = plan.submission(JobId::new());
        if let Some(wanted) = &plan.wanted {
            let facts = self.inner.hubs.get(&plan.settings).facts(&target).await?;
            let platform = facts.as_ref().and_then(environment::platform);
            // What stands in its way is told when it is run.
            if let Some(Ok(lock)) = platform.map(|platform| wanted.lock(&platform)) {
                let spec = environment::spec(&lock, &plan.settings);
                submission.environment = environment::of_job(spec, &plan.settings);
            }
        }
        target.script(&submission)
    }

    /// What the scheduler said lately of a job that asks for this. Never waits: where it was not asked it is asked now, over a
    /// connection that is there already, and the answer is told the next time, for a minute.
    pub fn forecast(&self, settings: &TargetSettings, resources: &Resources) -> Option<Forecast> {
        let _guard = self.inner.runtime.enter();
        self.inner.hubs.get(settings).forecast(resources)
    }

    /// The same, asked now; `None` where the scheduler cannot say.
    ///
    /// # Errors
    /// The target cannot be reached, or does not answer.
    pub async fn ask_forecast(&self, plan: &Plan) -> Result<Option<Forecast>, ClusterError> {
        let target = self.target(&plan.settings).await?;
        hub::forecast(&target, plan.resources.clone()).await
    }

    /// Comes back when what is asked of targets beside their jobs, for findings, is answered. No job waits for that.
    pub async fn learnt(&self) {
        self.inner.hubs.looked().await;
    }

    /// Comes back when the targets have been told of the ends that were kept here, so that nothing waits over there for being
    /// fetched.
    pub async fn released(&self) {
        self.inner.hubs.released().await;
    }

    /// Puts a question to whoever can be asked.
    pub(crate) async fn ask(&self, question: Question) -> Option<String> {
        self.inner.hubs.ask(question).await
    }

    pub(crate) fn store(&self) -> &Store {
        &self.inner.store
    }

    pub(crate) fn hubs(&self) -> &Hubs {
        &self.inner.hubs
    }

    pub(crate) fn runtime(&self) -> &Handle {
        &self.inner.runtime
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
    /// A job as it is now.
    pub(crate) fn view(&self, job: JobId) -> Result<Arc<JobView>, StoreError> {
        if let Some(driven) = self.driven().get(&job) {
            return Ok(driven.view.clone());
        }
        let folder = self.store.folder(job);
        let mut view = folder.read()?.view;
        folder.find_files(&mut view);
        Ok(Arc::new(view))
    }

    /// A job, or what runs it once more by itself.
    pub(crate) fn last_attempt(&self, job: JobId) -> Result<Arc<JobView>, StoreError> {
        let mut view = self.view(job)?;
        while let Some(next) = view.next {
            view = self.view(next)?;
        }
        Ok(view)
    }

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

fn record(job: JobId, request: &RunRequest, plan: &Plan, wanted: Option<String>) -> Record {
    let about = About {
        name: plan.name.clone(),
        entry: request.entry.to_string(),
        file: plan.file.clone(),
        path: request.path.clone(),
        workspace: request.workspace.clone(),
        line: plan.line,
        target: plan.settings.name.clone(),
        args: plan.slice.args.clone(),
    };
    let view = JobView {
        after: request.after.clone(),
        ..JobView::new(job, about)
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
        began: None,
        not_before: None,
        wanted,
    }
}
