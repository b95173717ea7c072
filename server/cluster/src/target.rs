//! A target as the rest of Hoist sees it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::sync::mpsc::Receiver;

use crate::array::{self, ArraySubmission};
use crate::ask::Ask;
use crate::data::DataFile;
use crate::environment::{
    self, BuildError, BuildProgress, EnvironmentInfo, EnvironmentSpec, Facts, KeptEnvironment,
};
use crate::error::{ClusterError, ErrorKind};
use crate::fetch::{self, Fetched, Piece};
use crate::follower::{FollowEvent, Offsets};
use crate::forecast;
use crate::fs::Fs;
use crate::kubernetes::{self, Cluster};
use crate::machine::{self, Machine};
use crate::packages::{self, Packages};
use crate::query;
use crate::scheduler::SchedulerState;
use crate::settings::TargetSettings;
use crate::stored::{self, KeptFile, StoredFile};
use crate::submit::{NativeId, Submission, Upload, check_job};

/// A target that has been reached: its machine answered and its work folder can be written, or its cluster's API answered.
///
/// Cheap to clone. All targets on one host share one connection, which is made again after a loss when that needs no
/// person.
#[derive(Clone)]
pub struct Target {
    inner: Arc<Inner>,
}

struct Inner {
    settings: TargetSettings,
    way: Way,
}

/// What it is.
enum Way {
    Machine(Arc<Machine>),
    Kubernetes(Arc<Cluster>),
}

/// When the folder of a job is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Made {
    /// At the submission: when it is not there any more, the job is lost.
    Before,
    /// By the job itself when it begins, as the tasks of an array do.
    AtStart,
}

/// A package that may still have to be sent after the submission, and who hears of that.
pub struct Offer {
    /// Its bytes, read when they are needed.
    pub package: Box<dyn Fn() -> std::io::Result<Vec<u8>> + Send + Sync>,
    /// Their SHA-256 in hexadecimal, lower case.
    pub sha256: String,
    /// The bytes of `request.json`.
    pub request: Vec<u8>,
    /// The data files that the package names and does not hold.
    pub data: Arc<[DataFile]>,
    /// Hears how far it is.
    pub progress: Box<dyn Fn(Upload) + Send + Sync>,
}

impl std::fmt::Debug for Offer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Offer")
            .field("sha256", &self.sha256)
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut shown = f.debug_struct("Target");
        shown.field("settings", &self.inner.settings);
        if let Way::Machine(machine) = &self.inner.way {
            shown.field("site", &machine.site);
        }
        shown.finish_non_exhaustive()
    }
}

/// Reaches a target: connects, or shares the connection that there is, and looks around once.
///
/// `ask` is for this connection only: whatever must be asked is asked now, never later in the background.
///
/// # Errors
/// One sentence with the target, why it cannot be reached or used, and what to do.
pub async fn connect(settings: &TargetSettings, ask: Arc<dyn Ask>) -> Result<Target, ClusterError> {
    settings.check()?;
    let way = match settings.scheduler.of_machine() {
        Some(scheduler) => Way::Machine(Arc::new(machine::reach(settings, scheduler, ask).await?)),
        None => Way::Kubernetes(kubernetes::reach(settings).await?),
    };
    Ok(Target {
        inner: Arc::new(Inner {
            settings: settings.clone(),
            way,
        }),
    })
}

impl Target {
    /// The settings it was reached with.
    #[must_use]
    pub fn settings(&self) -> &TargetSettings {
        &self.inner.settings
    }

    /// Submits a job, once: calling it again for the same job gives the same native id.
    ///
    /// The package is sent only where it is not there yet; `progress` hears of that. Where there is no shared folder a large one is
    /// sent when the job begins: see [`Target::offer`].
    ///
    /// # Errors
    /// One sentence; then nothing is left behind, and the job will not run.
    pub async fn submit(
        &self,
        submission: &Submission,
        progress: impl Fn(Upload) + Send + Sync,
    ) -> Result<NativeId, ClusterError> {
        self.submit_unless(submission, progress, std::future::pending)
            .await
    }

    /// The same, but as long as its data files or its package are on their way it is given up when `stop` completes.
    ///
    /// # Errors
    /// As of [`Target::submit`]; of the kind [`ErrorKind::Stopped`] when it was given up. What has come of the package stays until
    /// the job is removed.
    pub async fn submit_unless<F: Future<Output = ()> + Send>(
        &self,
        submission: &Submission,
        progress: impl Fn(Upload) + Send + Sync,
        stop: impl Fn() -> F + Send + Sync,
    ) -> Result<NativeId, ClusterError> {
        match &self.inner.way {
            Way::Machine(machine) => {
                let stop = || Box::pin(stop()) as BoxFuture<'_, ()>;
                machine
                    .submit(self.settings(), submission, &progress, &stop)
                    .await
            }
            Way::Kubernetes(cluster) => cluster.submit(submission).await,
        }
    }

    /// Submits many jobs of one package as one array, each once; gives their native ids in order. Where the scheduler has no
    /// arrays they are submitted one by one.
    ///
    /// # Errors
    /// One sentence; then none of the jobs will run.
    pub async fn submit_array(
        &self,
        submission: &ArraySubmission,
        progress: impl Fn(Upload) + Send + Sync,
    ) -> Result<Vec<NativeId>, ClusterError> {
        match &self.inner.way {
            Way::Machine(machine) => {
                machine
                    .submit_array(self.settings(), submission, &progress)
                    .await
            }
            Way::Kubernetes(cluster) => cluster.submit_array(submission).await,
        }
    }

    /// Those data files that would have to be sent for a job there, as things are now; on Kubernetes all, as each pod is given its own.
    ///
    /// # Errors
    /// When the machine could not be asked.
    pub async fn missing_data(&self, files: &[DataFile]) -> Result<Vec<DataFile>, ClusterError> {
        match &self.inner.way {
            Way::Machine(machine) if !files.is_empty() => {
                machine.store(self.settings())?.missing(files).await
            }
            _ => Ok(files.to_vec()),
        }
    }

    /// Sends the data files that are not there yet, as [`Target::submit`] does before it submits; but nothing is lost when this is
    /// dropped: what was sent stays. When `stop` completes it ends, and what came of files that are not whole does not stay, unless
    /// somebody else sends the same. Nothing to do on Kubernetes, where each pod is given its own.
    ///
    /// # Errors
    /// One sentence; sending them again goes on where it was cut off. Of the kind [`ErrorKind::Stopped`] when `stop` completed.
    pub async fn send_data_unless<F: Future<Output = ()> + Send>(
        &self,
        files: &[DataFile],
        progress: impl Fn(Upload) + Send + Sync,
        stop: impl Fn() -> F + Send + Sync,
    ) -> Result<(), ClusterError> {
        match &self.inner.way {
            Way::Machine(machine) if !files.is_empty() => {
                let stop = || Box::pin(stop()) as BoxFuture<'_, ()>;
                let store = machine.store(self.settings())?;
                store.send(files, &progress, &stop).await
            }
            _ => Ok(()),
        }
    }

    /// How many tasks one array may have there; none where nothing limits them.
    ///
    /// # Errors
    /// When the machine could not be asked.
    pub async fn array_limit(&self) -> Result<Option<usize>, ClusterError> {
        match &self.inner.way {
            Way::Machine(machine) => array::limit(&*machine.transport, &machine.site).await,
            Way::Kubernetes(_) => Ok(None),
        }
    }

    /// Whether a package may have to be sent after the submission: [`Target::offer`].
    #[must_use]
    pub fn may_ask_later(&self) -> bool {
        matches!(self.inner.way, Way::Kubernetes(_))
    }

    /// Has the package of a job at hand, in case that it must still be sent: on a target without a shared folder a large one goes
    /// into the job's own pod when that has begun. Whoever follows a job there says this first.
    pub fn offer(&self, job: &str, offer: Offer) {
        if let Way::Kubernetes(cluster) = &self.inner.way {
            cluster.offer(job, offer);
        }
    }

    /// Follows a job from `offsets` on. Dropping the receiver ends it; the job goes on.
    ///
    /// # Errors
    /// When there is no Python for the follower.
    pub fn follow(
        &self,
        job: &str,
        made: Made,
        offsets: Offsets,
    ) -> Result<Receiver<FollowEvent>, ClusterError> {
        match &self.inner.way {
            Way::Machine(machine) => machine.follow(self.settings(), job, made, offsets),
            Way::Kubernetes(cluster) => cluster.follow(job, offsets),
        }
    }

    /// Reads pieces of what a job left in its folder there, at most [`FETCH_AT_ONCE`](crate::FETCH_AT_ONCE) bytes in all; one
    /// answer for each piece, in order. Paths that lead out of the folder, links and what is no regular file are refused.
    ///
    /// # Errors
    /// When the machine could not be asked, or the folder is out of reach for good.
    pub async fn fetch(&self, job: &str, pieces: &[Piece]) -> Result<Vec<Fetched>, ClusterError> {
        check_job(&self.settings().name, job)?;
        match &self.inner.way {
            Way::Machine(machine) => {
                let python = machine
                    .site
                    .python_path()
                    .ok_or_else(|| crate::site::no_python(self.settings(), &machine.site.host))?;
                let dir = self.job_dir(job);
                fetch::fetch(&*machine.transport, python, &dir, pieces).await
            }
            Way::Kubernetes(cluster) => cluster.fetch(job, &self.job_dir(job), pieces).await,
        }
    }

    /// The end of a job, its output and its result have been kept here: what waits over there for being fetched may go.
    pub async fn release(&self, job: &str) {
        if let Way::Kubernetes(cluster) = &self.inner.way {
            cluster.release(job).await;
        }
    }

    /// What the scheduler says of these jobs; it is asked for all of them at once and not more often than is polite.
    ///
    /// For jobs that ended without an exit marker one is written, so that [`Target::follow`] tells of their end.
    ///
    /// # Errors
    /// When the scheduler does not answer; nothing is known then, and the jobs go on.
    pub async fn query(
        &self,
        jobs: &[(String, NativeId)],
    ) -> Result<HashMap<String, SchedulerState>, ClusterError> {
        match &self.inner.way {
            Way::Machine(machine) => machine.query(self.settings(), jobs).await,
            Way::Kubernetes(cluster) => cluster.query(jobs).await,
        }
    }

    /// What the scheduler says of these jobs right now, however lately it was asked: for jobs whose files do not say why they
    /// ended, and never to wait for something.
    ///
    /// # Errors
    /// When the scheduler does not answer.
    pub async fn ask(
        &self,
        ids: &[NativeId],
    ) -> Result<HashMap<NativeId, SchedulerState>, ClusterError> {
        match &self.inner.way {
            Way::Machine(machine) => {
                query::ask(&*machine.transport, self.settings(), &machine.site, ids).await
            }
            Way::Kubernetes(cluster) => cluster.ask(ids).await,
        }
    }

    /// Asks for the end of a job. What becomes of it is learnt by following it. Those who ask at the same time are asked for
    /// together.
    ///
    /// # Errors
    /// One sentence when it could not be asked for.
    pub async fn cancel(&self, job: &str, made: Made, id: &NativeId) -> Result<(), ClusterError> {
        match &self.inner.way {
            Way::Machine(machine) => machine.cancel(self.settings(), job, made, id).await,
            Way::Kubernetes(cluster) => cluster.cancel(job).await,
        }
    }

    /// Removes a job's folder there.
    ///
    /// # Errors
    /// One sentence when it could not be removed.
    pub async fn remove(&self, job: &str) -> Result<(), ClusterError> {
        self.remove_all(&[job.to_owned()]).await
    }

    /// Removes the folders of jobs and arrays there.
    ///
    /// # Errors
    /// One sentence when one of them could not be removed.
    pub async fn remove_all(&self, jobs: &[String]) -> Result<(), ClusterError> {
        match &self.inner.way {
            Way::Machine(machine) => {
                let (transport, site) = (&*machine.transport, &machine.site);
                query::remove(transport, self.settings(), site, "jobs", jobs).await
            }
            Way::Kubernetes(cluster) => cluster.remove_all(jobs).await,
        }
    }

    /// Removes what jobs of these names kept for the next attempt at their work.
    ///
    /// # Errors
    /// One sentence when one of the folders could not be removed.
    pub async fn remove_checkpoints(&self, jobs: &[String]) -> Result<(), ClusterError> {
        match &self.inner.way {
            Way::Machine(machine) => {
                let (transport, site) = (&*machine.transport, &machine.site);
                query::remove(transport, self.settings(), site, "checkpoints", jobs).await
            }
            // Nothing there outlives a job.
            Way::Kubernetes(_) => Ok(()),
        }
    }

    /// Removes packages and data files there that no job needs any more and that were not used for so many days.
    ///
    /// # Errors
    /// When the machine could not be asked.
    pub async fn remove_packages(&self, days: u64) -> Result<(), ClusterError> {
        match &self.inner.way {
            Way::Machine(machine) => {
                query::remove_packages(&*machine.transport, &machine.site, days).await
            }
            // They go with their jobs.
            Way::Kubernetes(_) => Ok(()),
        }
    }

    /// The exact script, or Job, that is submitted for a job.
    ///
    /// # Errors
    /// What it asks for cannot be said in the scheduler's words.
    pub fn script(&self, submission: &Submission) -> Result<String, ClusterError> {
        let settings = self.settings();
        match &self.inner.way {
            Way::Machine(machine) => crate::script::render(
                settings,
                machine.site.scheduler,
                submission,
                &machine.site.place(),
            ),
            Way::Kubernetes(cluster) => cluster.script(submission),
        }
    }

    /// In how long a job would start if it were submitted now; `None` where the scheduler cannot say.
    ///
    /// # Errors
    /// The scheduler would refuse it, and why; or it cannot be asked.
    pub async fn forecast(
        &self,
        submission: &Submission,
    ) -> Result<Option<Duration>, ClusterError> {
        match &self.inner.way {
            Way::Machine(machine) => {
                forecast::forecast(
                    &*machine.transport,
                    self.settings(),
                    &machine.site,
                    submission,
                )
                .await
            }
            Way::Kubernetes(_) => Ok(None),
        }
    }

    /// The files there.
    #[must_use]
    pub fn fs(&self) -> Fs {
        Fs {
            target: self.clone(),
        }
    }

    /// Whether its machine can be asked without a connection being made for it, as far as one can know without trying.
    #[must_use]
    pub fn is_open(&self) -> bool {
        match &self.inner.way {
            Way::Machine(machine) => machine.transport.alive(),
            Way::Kubernetes(_) => false,
        }
    }

    /// The version of the Python that runs jobs there, as `3.6.8`, when one was found. That of conda's environment, of a folder's or of an
    /// image is not known so, nor that to which modules or set-up lines lead: see [`Target::packages`] and [`Target::facts`].
    #[must_use]
    pub fn python_version(&self) -> Option<&str> {
        use crate::EnvironmentKind::{Conda, Image, Path};
        let settings = self.settings();
        if let Some(Conda(_) | Path(_) | Image(_)) = settings.environment {
            return None;
        }
        if !settings.modules.is_empty() || !settings.setup.is_empty() {
            return None;
        }
        match &self.inner.way {
            Way::Machine(machine) => {
                let python = machine.site.python.as_ref();
                python.map(|(_, version)| version.as_str())
            }
            // It is the image's: nobody knows it before a job runs.
            Way::Kubernetes(_) => None,
        }
    }

    /// What the Python that runs jobs there can import, asked in the shell that a job gets, with modules, variables and set-up lines;
    /// `None` where that cannot be known.
    ///
    /// # Errors
    /// When the machine could not be asked, or one of the modules or set-up lines fails there.
    pub async fn packages(&self) -> Result<Option<Packages>, ClusterError> {
        match &self.inner.way {
            Way::Machine(machine) => {
                packages::ask(&*machine.transport, self.settings(), &machine.site).await
            }
            Way::Kubernetes(_) => Ok(None),
        }
    }

    /// The Python that runs jobs there, asked in the shell that a job gets, with modules, variables and set-up lines; `None` where that
    /// cannot be known before a job runs: in a container.
    ///
    /// # Errors
    /// When the machine could not be asked, or one of the modules or set-up lines fails there.
    pub async fn facts(&self) -> Result<Option<Facts>, ClusterError> {
        match &self.inner.way {
            Way::Machine(machine) => {
                environment::ask_facts(&*machine.transport, self.settings(), &machine.site).await
            }
            Way::Kubernetes(_) => Ok(None),
        }
    }

    /// Builds a virtual environment there unless it is there; the path of its Python. It is built once, whoever asks for it and from
    /// wherever, and what was begun goes on for a minute when nobody asks any more: dropping this is enough to end it.
    ///
    /// # Errors
    /// One sentence, with the requirement that failed and the words of pip or uv.
    pub async fn environment(
        &self,
        spec: &EnvironmentSpec,
        progress: impl Fn(BuildProgress) + Send + Sync,
    ) -> Result<String, BuildError> {
        match &self.inner.way {
            Way::Machine(machine) => {
                environment::build(machine, self.settings(), spec, &progress).await
            }
            Way::Kubernetes(_) => Err(ClusterError::new(
                &self.settings().name,
                ErrorKind::Settings,
                "nothing in a Kubernetes cluster outlives a job, so no environment can be built before one",
                "use an image that has what is needed",
            )
            .into()),
        }
    }

    /// The virtual environments of ours there, by name; none on Kubernetes, where nothing outlives a job.
    ///
    /// # Errors
    /// When the machine could not be asked.
    pub async fn environments(&self) -> Result<Vec<EnvironmentInfo>, ClusterError> {
        match &self.inner.way {
            Way::Machine(machine) => {
                environment::list(&*machine.transport, self.settings(), &machine.site).await
            }
            Way::Kubernetes(_) => Ok(Vec::new()),
        }
    }

    /// Removes environments there, but none that is being built or that a running job uses: gives those that are kept, with why.
    /// They cannot be used from now on; their files go in the background over there.
    ///
    /// # Errors
    /// When the machine could not be asked, or one of these cannot be a name.
    pub async fn remove_environments(
        &self,
        names: &[String],
    ) -> Result<Vec<KeptEnvironment>, ClusterError> {
        match &self.inner.way {
            Way::Machine(machine) => {
                environment::remove(&*machine.transport, self.settings(), &machine.site, names)
                    .await
            }
            Way::Kubernetes(_) => Ok(Vec::new()),
        }
    }

    /// The data files in the store there, by name; none on Kubernetes, where each pod is given its own.
    ///
    /// # Errors
    /// When the machine could not be asked.
    pub async fn stored_data(&self) -> Result<Vec<StoredFile>, ClusterError> {
        match &self.inner.way {
            Way::Machine(machine) => {
                stored::list(&*machine.transport, self.settings(), &machine.site).await
            }
            Way::Kubernetes(_) => Ok(Vec::new()),
        }
    }

    /// Removes data files from the store there, by their names, but none that a job needs which is not over, or that may be for one that
    /// is just being submitted: gives those that are kept, with why. Jobs that are over keep their links.
    ///
    /// # Errors
    /// When the machine could not be asked, or one of these is no name of the store's.
    pub async fn remove_data(&self, names: &[String]) -> Result<Vec<KeptFile>, ClusterError> {
        match &self.inner.way {
            Way::Machine(machine) => {
                stored::remove(&*machine.transport, self.settings(), &machine.site, names).await
            }
            Way::Kubernetes(_) => Ok(Vec::new()),
        }
    }

    /// The machine that it is.
    ///
    /// # Errors
    /// It is a cluster that has no files but those of its jobs.
    pub(crate) fn machine(&self) -> Result<&Machine, ClusterError> {
        match &self.inner.way {
            Way::Machine(machine) => Ok(machine),
            Way::Kubernetes(_) => Err(ClusterError::new(
                &self.settings().name,
                ErrorKind::File,
                "a Kubernetes target has no files but those in the pods of its jobs",
                "look into a pod with kubectl exec, or use a target with a host",
            )),
        }
    }

    /// The cluster that it is, if it is one.
    pub(crate) fn cluster(&self) -> Option<&Cluster> {
        match &self.inner.way {
            Way::Machine(_) => None,
            Way::Kubernetes(cluster) => Some(cluster),
        }
    }

    /// The work folder there, absolute; of a cluster that in each pod.
    #[must_use]
    pub fn work_dir(&self) -> &str {
        match &self.inner.way {
            Way::Machine(machine) => &machine.site.work,
            Way::Kubernetes(_) => kubernetes::WORK,
        }
    }

    /// A job's folder there, absolute.
    #[must_use]
    pub fn job_dir(&self, job: &str) -> String {
        format!("{}/jobs/{job}", self.work_dir())
    }
}
