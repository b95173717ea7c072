//! Kubernetes, which is a transport and a scheduler in one.
//!
//! A job is a Job of the cluster's, named after it: the API server takes it once. There is no shared folder: the job's own lies in its
//! pod, with the same files as on any machine, and is reached by commands in a second container of that pod, the keeper (`keeper.py`).
//! So the follower, the job script and the exit marker are those of every other target, and nothing but the API is needed. The keeper
//! waits until the job's end has been fetched, for a limited time; then it leaves what it has in its log.
//!
//! In: settings and submissions. Out: what [`crate::Target`] tells of any target. Who may do this needs the rights in
//! docs/kubernetes.md.

mod api;
mod check;
mod exec;
mod follow;
mod last;
mod looks;
mod manifest;
mod state;
mod volumes;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kube::api::{DeleteParams, PostParams};
use tokio::sync::mpsc::{self, Receiver};

use crate::array::ArraySubmission;
use crate::error::{ClusterError, ErrorKind};
use crate::fetch::{self, Fetched, Piece};
use crate::follower::{FollowEvent, Offsets};
use crate::scheduler::SchedulerState;
use crate::script::MARK_EXIT;
use crate::settings::TargetSettings;
use crate::submit::{NativeId, Submission, check_job};
use crate::target::Offer;
use crate::transport::exec;
use api::Api;
use exec::Container;
use looks::Looks;
use manifest::{JOB, JOB_LABEL, KEEPER, object_name};

pub(crate) use manifest::{
    Pod, is_dns_label, is_domain, is_label_key, is_label_value, job, toleration,
};
pub(crate) use volumes::{Volume, place_refusal};

/// The folder in each pod that takes the place of a machine's work folder.
pub(crate) const WORK: &str = "/hoist";

/// How old what is known of the jobs may be when the scheduler is asked about them.
const FRESH: Duration = Duration::from_secs(3);

/// A cluster whose API answered.
pub(crate) struct Cluster {
    settings: TargetSettings,
    api: Api,
    looks: Looks,
    /// Packages that may still have to be sent.
    offers: Mutex<HashMap<String, Arc<Offer>>>,
    /// Jobs whose end was asked for.
    cancelled: Mutex<HashSet<String>>,
}

/// Reads the kubeconfig, or what a pod is given, and asks the API for its version.
pub(crate) async fn reach(settings: &TargetSettings) -> Result<Arc<Cluster>, ClusterError> {
    let api = api::connect(settings).await?;
    Ok(Arc::new(Cluster {
        settings: settings.clone(),
        looks: Looks::new(api.clone()),
        api,
        offers: Mutex::default(),
        cancelled: Mutex::default(),
    }))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Cluster {
    /// Makes the Job, or finds that it is there.
    pub(crate) async fn submit(&self, submission: &Submission) -> Result<NativeId, ClusterError> {
        if submission.sha256.len() != 64
            || !submission.sha256.bytes().all(|b| b.is_ascii_hexdigit())
        {
            return Err(self.refuse(format!("{:?} is not a SHA-256", submission.sha256)));
        }
        if !submission.after.is_empty() {
            return Err(self.refuse("a Job cannot wait for others".to_owned()));
        }
        let resources = submission.resources.over(&self.settings.resources);
        if let Err(error) = resources.check() {
            return Err(self.refuse(error.to_string()));
        }
        let job = manifest::job(&self.settings, submission)?;
        let name = object_name(&submission.job);
        let id = NativeId(format!("{}/{name}", self.api.namespace));
        let jobs = self.api.jobs();
        match self
            .api
            .ask(jobs.create(&PostParams::default(), &job))
            .await?
        {
            Ok(_) => Ok(id),
            Err(kube::Error::Api(status)) if status.is_already_exists() => {
                let there = self.api.call(jobs.get(&name)).await?;
                let labels = there.metadata.labels.unwrap_or_default();
                if labels.get(JOB_LABEL) == Some(&submission.job) {
                    return Ok(id);
                }
                Err(self.refuse(format!("there is a Job {name} that is not this one")))
            }
            Err(error) => Err(self.api.failed(&error)),
        }
    }

    fn refuse(&self, why: String) -> ClusterError {
        ClusterError::new(
            &self.settings.name,
            ErrorKind::Settings,
            why,
            "correct it and run again",
        )
    }

    /// Makes a Job for each task: arrays of Jobs there are since Kubernetes 1.21, and theirs share one end.
    pub(crate) async fn submit_array(
        &self,
        submission: &ArraySubmission,
    ) -> Result<Vec<NativeId>, ClusterError> {
        let mut ids = Vec::with_capacity(submission.tasks.len());
        for one in submission.one_by_one(&self.settings.name)? {
            match self.submit(&one).await {
                Ok(id) => ids.push(id),
                // Whoever repeats it finds those that are there.
                Err(error) if error.is_transient() => return Err(error),
                Err(error) => {
                    let made: Vec<String> = submission.tasks[..ids.len()]
                        .iter()
                        .map(|(job, _)| job.clone())
                        .collect();
                    self.remove_all(&made).await?;
                    return Err(error);
                }
            }
        }
        Ok(ids)
    }

    /// The Job as it would be submitted, as YAML.
    pub(crate) fn script(&self, submission: &Submission) -> Result<String, ClusterError> {
        let mut job = manifest::job(&self.settings, submission)?;
        job.metadata.namespace = Some(self.api.namespace.clone());
        let text = serde_json::to_value(&job)
            .map_err(|error| error.to_string())
            .and_then(|job| serde_saphyr::to_string(&job).map_err(|error| error.to_string()));
        text.map_err(|error| self.refuse(format!("the Job cannot be written as YAML ({error})")))
    }

    pub(crate) fn offer(&self, job: &str, offer: Offer) {
        lock(&self.offers).insert(job.to_owned(), Arc::new(offer));
    }

    pub(crate) fn follow(
        self: &Arc<Self>,
        job: &str,
        offsets: Offsets,
    ) -> Result<Receiver<FollowEvent>, ClusterError> {
        check_job(&self.settings.name, job)?;
        let (events, receiver) = mpsc::channel(64);
        tokio::spawn(follow::follow(
            Arc::clone(self),
            job.to_owned(),
            offsets,
            events,
        ));
        Ok(receiver)
    }

    pub(crate) async fn query(
        &self,
        jobs: &[(String, NativeId)],
    ) -> Result<HashMap<String, SchedulerState>, ClusterError> {
        let names: Vec<&str> = jobs.iter().map(|(job, _)| job.as_str()).collect();
        let seen = self.looks.of_all(&names, FRESH).await?;
        let cancelled = lock(&self.cancelled).clone();
        let state = |job: &String| {
            let seen = seen.get(job)?;
            let is_gone = seen.job.is_none() && seen.pods.is_empty();
            // Its end is told by whoever follows it.
            (!(is_gone && cancelled.contains(job))).then(|| seen.state())
        };
        Ok(jobs
            .iter()
            .map(|(job, _)| (job.clone(), state(job).unwrap_or(SchedulerState::Unknown)))
            .collect())
    }

    /// The same right now, by what the cluster calls them, and of those whose pod only waits for us how they ended.
    pub(crate) async fn ask(
        &self,
        ids: &[NativeId],
    ) -> Result<HashMap<NativeId, SchedulerState>, ClusterError> {
        let seen = self.looks.all(Duration::ZERO).await?;
        let named = seen.values().filter_map(|seen| {
            let name = seen.job.as_ref()?.metadata.name.as_ref()?;
            let id = NativeId(format!("{}/{name}", self.api.namespace));
            Some((id, seen.end()))
        });
        let mut states: HashMap<NativeId, SchedulerState> = named.collect();
        states.retain(|id, _| ids.contains(id));
        Ok(states)
    }

    /// Asks for the end of a job: one that runs is told so, as everywhere, and keeps what it has to say; of one that does not yet the
    /// Job is deleted.
    pub(crate) async fn cancel(&self, job: &str) -> Result<(), ClusterError> {
        check_job(&self.settings.name, job)?;
        lock(&self.cancelled).insert(job.to_owned());
        let seen = self.looks.of(job, Duration::ZERO).await?;
        let up = seen.pod().filter(|pod| state::is_up(pod));
        let told = match up.and_then(|pod| pod.metadata.name.clone()) {
            Some(pod) => self.tell_to_end(job, pod).await,
            None => Ok(false),
        };
        match told {
            Ok(true) => Ok(()),
            // Commands in pods may be forbidden; what was written is lost then.
            Ok(false) | Err(_) => self.delete(job).await,
        }
    }

    /// Writes down that the job is to end, and tells its processes. False when it is not there to be told.
    async fn tell_to_end(&self, job: &str, pod: String) -> Result<bool, ClusterError> {
        let write = format!(
            r#"umask 077; hoist_job={WORK}/jobs/{job}
{MARK_EXIT}
mkdir -p "$hoist_job" || exit 1
[ ! -e "$hoist_job/exit" ] || exit 0
: >"$hoist_job/cancel" || exit 1
if mkdir "$hoist_job/claimed" 2>/dev/null; then hoist_mark_exit 143 cancelled "cancelled before it began"; fi
"#
        );
        let keeper = self.container(&pod, KEEPER);
        if exec(&keeper, &write, b"").await?.status != 0 {
            return Ok(false);
        }
        // The first process of a container is the job script, which hands the signal on; what does not end is ended ten seconds later.
        let tell = "kill -TERM 1; (sleep 10; kill -9 -1) </dev/null >/dev/null 2>&1 &\n";
        let job = self.container(&pod, JOB);
        // A container that has ended needs not to be told.
        exec(&job, tell, b"").await.ok();
        Ok(true)
    }

    fn container(&self, pod: &str, container: &'static str) -> Container {
        Container {
            api: self.api.clone(),
            pod: pod.to_owned(),
            container,
        }
    }

    /// Deletes the Job with its pods.
    async fn delete(&self, job: &str) -> Result<(), ClusterError> {
        let how = DeleteParams::background();
        let jobs = self.api.jobs();
        match self.api.ask(jobs.delete(&object_name(job), &how)).await? {
            Ok(_) => Ok(()),
            Err(error) if api::is_absent(&error) => Ok(()),
            Err(error) => Err(self.api.failed(&error)),
        }
    }

    /// The job's end has been kept: its pod need not wait any more. One that was cancelled goes at once.
    pub(crate) async fn release(&self, job: &str) {
        lock(&self.offers).remove(job);
        // What cannot be told now goes by itself, only later.
        if lock(&self.cancelled).remove(job) {
            self.delete(job).await.ok();
            return;
        }
        let Ok(seen) = self.looks.of(job, Duration::from_secs(60)).await else {
            return;
        };
        if let Some(pod) = seen.pod().filter(|pod| state::is_up(pod))
            && let Some(name) = &pod.metadata.name
        {
            let keeper = self.container(name, KEEPER);
            exec(&keeper, &format!(": >{WORK}/fetched\n"), b"")
                .await
                .ok();
        }
    }

    /// Reads pieces of files in the job's folder `dir`, as long as its pod waits.
    pub(crate) async fn fetch(
        &self,
        job: &str,
        dir: &str,
        pieces: &[Piece],
    ) -> Result<Vec<Fetched>, ClusterError> {
        let seen = self.looks.of(job, Duration::from_secs(60)).await?;
        let pod = seen.pod().filter(|pod| state::is_up(pod));
        let Some(name) = pod.and_then(|pod| pod.metadata.name.as_ref()) else {
            return Err(ClusterError::new(
                &self.settings.name,
                ErrorKind::File,
                "the pod of the job is gone, and with it what the job wrote",
                "raise `fetch` and `fetch_total` of the target, so that it comes back by itself, and run the job again",
            ));
        };
        let keeper = self.container(name, KEEPER);
        fetch::fetch(&keeper, follow::PYTHON, dir, pieces).await
    }

    pub(crate) async fn remove_all(&self, jobs: &[String]) -> Result<(), ClusterError> {
        for job in jobs {
            check_job(&self.settings.name, job)?;
        }
        for job in jobs {
            self.delete(job).await?;
        }
        Ok(())
    }

    pub(crate) async fn checks(&self) -> Vec<crate::Check> {
        check::checks(&self.settings, &self.api).await
    }
}
