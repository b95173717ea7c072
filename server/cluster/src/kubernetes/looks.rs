//! One look at the cluster for all jobs: two lists, of Jobs and of pods.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::Pod;
use kube::api::ListParams;
use tokio::time::Instant;

use super::api::{Api, is_absent};
use super::manifest::{JOB_LABEL, OURS, object_name};
use super::state::Seen;
use crate::error::ClusterError;

/// A look at all jobs.
struct Look {
    begun: Instant,
    took: Duration,
    seen: Arc<HashMap<String, Seen>>,
}

/// The pause between two looks is at least so many times as long as a look takes: lists of thousands of jobs are long.
const POLITE: u32 = 10;

/// What is known of all our jobs, shared by all who ask.
pub(crate) struct Looks {
    api: Api,
    last: tokio::sync::Mutex<Option<Look>>,
}

impl Looks {
    pub(crate) fn new(api: Api) -> Self {
        Self {
            api,
            last: tokio::sync::Mutex::default(),
        }
    }

    /// One job, as it was about so long ago, or as it is now.
    pub(crate) async fn of(&self, job: &str, age: Duration) -> Result<Seen, ClusterError> {
        if age.is_zero() {
            return self.now(job).await;
        }
        let mut seen = self.of_all(&[job], age).await?;
        Ok(seen.remove(job).unwrap_or_default())
    }

    async fn now(&self, job: &str) -> Result<Seen, ClusterError> {
        let how = ListParams::default().labels(&format!("{JOB_LABEL}={job}"));
        let pods = self.api.pods();
        let (own, pods) = tokio::join!(self.get(job), self.api.call(pods.list(&how)));
        let mut seen = Seen {
            job: own?,
            pods: pods?.items,
            refused: None,
        };
        sort(&mut seen.pods);
        Ok(seen)
    }

    /// These jobs, as they were about so long ago. One without any object is not in the cluster.
    pub(crate) async fn of_all(
        &self,
        jobs: &[&str],
        age: Duration,
    ) -> Result<HashMap<String, Seen>, ClusterError> {
        let all = self.all(age).await?;
        let mut refusals = None;
        let mut found = HashMap::new();
        for job in jobs {
            let mut seen = all.get(*job).cloned().unwrap_or_default();
            if seen.job.is_none() && seen.pods.is_empty() {
                // A list may be a moment older than the Job.
                seen.job = self.get(job).await?;
            }
            if seen.job.is_some() && seen.pods.is_empty() && seen.goes_on() {
                if refusals.is_none() {
                    refusals = Some(self.refusals().await);
                }
                let name = object_name(job);
                seen.refused = refusals.as_ref().and_then(|all| all.get(&name).cloned());
            }
            found.insert((*job).to_owned(), seen);
        }
        Ok(found)
    }

    async fn get(&self, job: &str) -> Result<Option<Job>, ClusterError> {
        let jobs = self.api.jobs();
        match self.api.ask(jobs.get(&object_name(job))).await? {
            Ok(job) => Ok(Some(job)),
            Err(error) if is_absent(&error) => Ok(None),
            Err(error) => Err(self.api.failed(&error)),
        }
    }

    /// All jobs, as they were at most so long ago.
    pub(crate) async fn all(
        &self,
        age: Duration,
    ) -> Result<Arc<HashMap<String, Seen>>, ClusterError> {
        let asked = Instant::now();
        let mut last = self.last.lock().await;
        // Whoever waited for the same look has it.
        if let Some(look) = &*last
            && (look.begun >= asked
                || look.begun.elapsed() < age
                || (!age.is_zero() && look.begun.elapsed() < look.took * POLITE))
        {
            return Ok(look.seen.clone());
        }
        let begun = Instant::now();
        // From the API server's memory: whoever asks often must not make it read its database.
        let mut how = ListParams::default().labels(OURS).match_any();
        if age.is_zero() {
            how = ListParams::default().labels(OURS);
        }
        let (jobs, pods) = (self.api.jobs(), self.api.pods());
        let (jobs, pods) = tokio::join!(
            self.api.call(jobs.list(&how)),
            self.api.call(pods.list(&how))
        );
        let mut seen: HashMap<String, Seen> = HashMap::new();
        for mut job in jobs?.items {
            if let Some(name) = own_name(job.metadata.labels.as_ref()) {
                if let Some(spec) = &mut job.spec {
                    spec.template = Default::default();
                }
                seen.entry(name).or_default().job = Some(job);
            }
        }
        for mut pod in pods?.items {
            if let Some(name) = own_name(pod.metadata.labels.as_ref()) {
                // Packages and scripts are long, and nobody looks at them here.
                for value in pod
                    .metadata
                    .annotations
                    .iter_mut()
                    .flat_map(|all| all.values_mut())
                {
                    *value = String::new();
                }
                seen.entry(name).or_default().pods.push(pod);
            }
        }
        for one in seen.values_mut() {
            sort(&mut one.pods);
        }
        let seen = Arc::new(seen);
        *last = Some(Look {
            begun,
            took: begun.elapsed(),
            seen: seen.clone(),
        });
        Ok(seen)
    }

    /// Why pods of Jobs could not be made, by the name of the Job; nothing where we may not see events.
    async fn refusals(&self) -> HashMap<String, String> {
        let how = ListParams::default().fields("involvedObject.kind=Job,reason=FailedCreate");
        let events = self.api.events();
        let Ok(events) = self.api.call(events.list(&how)).await else {
            return HashMap::new();
        };
        let events = events.items.into_iter();
        events
            .filter_map(|event| Some((event.involved_object.name?, event.message?)))
            .collect()
    }
}

/// Oldest first.
fn sort(pods: &mut [Pod]) {
    pods.sort_by_key(|pod| {
        let created = pod.metadata.creation_timestamp.as_ref();
        (created.map(|time| time.0), pod.metadata.name.clone())
    });
}

fn own_name(labels: Option<&std::collections::BTreeMap<String, String>>) -> Option<String> {
    labels?.get(JOB_LABEL).cloned()
}
