//! A target as the rest of Hoist sees it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::mpsc::Receiver;

use crate::ask::Ask;
use crate::error::ClusterError;
use crate::follower::{FollowEvent, Follower, Offsets};
use crate::fs::Fs;
use crate::packages::{self, Packages};
use crate::query::{self, Answers};
use crate::scheduler::SchedulerState;
use crate::settings::TargetSettings;
use crate::site::{self, Site};
use crate::submit::{self, NativeId, Submission, Upload, check_job};
use crate::transport::{self, Transport};

/// A target that has been reached: its machine answered and its work folder can be written.
///
/// Cheap to clone. All targets on one host share one connection, which is made again after a loss when that needs no
/// person.
#[derive(Clone)]
pub struct Target {
    inner: Arc<Inner>,
}

struct Inner {
    settings: TargetSettings,
    transport: Arc<dyn Transport>,
    site: Site,
    follower: Mutex<Option<Follower>>,
    answers: tokio::sync::Mutex<Answers>,
}

impl std::fmt::Debug for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Target")
            .field("settings", &self.inner.settings)
            .field("site", &self.inner.site)
            .finish_non_exhaustive()
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
    let transport = transport::open(settings, ask).await?;
    let site = site::look(&*transport, settings).await?;
    Ok(Target {
        inner: Arc::new(Inner {
            settings: settings.clone(),
            transport,
            site,
            follower: Mutex::new(None),
            answers: tokio::sync::Mutex::default(),
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
    /// The package is sent only where it is not there yet; `progress` hears of that.
    ///
    /// # Errors
    /// One sentence; then nothing is left behind, and the job will not run.
    pub async fn submit(
        &self,
        submission: &Submission,
        progress: impl Fn(Upload) + Send + Sync,
    ) -> Result<NativeId, ClusterError> {
        let Inner {
            settings,
            transport,
            site,
            ..
        } = &*self.inner;
        if site.python.is_none() {
            return Err(site::no_python(settings, &site.host));
        }
        submit::submit(&**transport, settings, site, submission, &progress).await
    }

    /// Follows a job from `offsets` on. Dropping the receiver ends it; the job goes on.
    ///
    /// # Errors
    /// When there is no Python for the follower.
    pub fn follow(
        &self,
        job: &str,
        offsets: Offsets,
    ) -> Result<Receiver<FollowEvent>, ClusterError> {
        let Inner {
            settings,
            transport,
            site,
            follower,
            ..
        } = &*self.inner;
        check_job(&settings.name, job)?;
        let Some(python) = site.python_path() else {
            return Err(site::no_python(settings, &site.host));
        };
        let mut follower = follower.lock().unwrap_or_else(PoisonError::into_inner);
        let follower = match &mut *follower {
            Some(follower) if follower.alive() => follower,
            slot => slot.insert(Arc::clone(transport).follower(python)),
        };
        Ok(follower.follow(self.job_dir(job), offsets))
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
        let Inner {
            settings,
            transport,
            site,
            answers,
            ..
        } = &*self.inner;
        let mut answers = answers.lock().await;
        query::query(&**transport, settings, site, &mut answers, jobs).await
    }

    /// Asks for the end of a job. What becomes of it is learnt by following it.
    ///
    /// # Errors
    /// One sentence when it could not be asked for.
    pub async fn cancel(&self, job: &str, id: &NativeId) -> Result<(), ClusterError> {
        let Inner {
            settings,
            transport,
            site,
            ..
        } = &*self.inner;
        query::cancel(&**transport, settings, site, job, id).await
    }

    /// Removes a job's folder there.
    ///
    /// # Errors
    /// One sentence when it could not be removed.
    pub async fn remove(&self, job: &str) -> Result<(), ClusterError> {
        let Inner {
            settings,
            transport,
            site,
            ..
        } = &*self.inner;
        query::remove(&**transport, settings, site, job).await
    }

    /// The exact script that is submitted for a job.
    #[must_use]
    pub fn script(&self, submission: &Submission) -> String {
        let Inner { settings, site, .. } = &*self.inner;
        crate::script::render(
            settings,
            settings.scheduler.get(),
            submission,
            &site.work,
            site.python_path(),
        )
    }

    /// The files there.
    #[must_use]
    pub fn fs(&self) -> Fs {
        Fs {
            target: self.clone(),
        }
    }

    /// The version of the Python that runs jobs there, as `3.6.8`, when one was found.
    #[must_use]
    pub fn python_version(&self) -> Option<&str> {
        let (_, site) = self.reach();
        site.python.as_ref().map(|(_, version)| version.as_str())
    }

    /// What the Python that runs jobs there can import; `None` where that cannot be known.
    ///
    /// # Errors
    /// When the machine could not be asked.
    pub async fn packages(&self) -> Result<Option<Packages>, ClusterError> {
        let (transport, site) = self.reach();
        packages::ask(transport, self.settings(), site).await
    }

    /// The way there and what was found.
    pub(crate) fn reach(&self) -> (&dyn Transport, &Site) {
        (&*self.inner.transport, &self.inner.site)
    }

    /// The work folder there, absolute.
    #[must_use]
    pub fn work_dir(&self) -> &str {
        &self.inner.site.work
    }

    /// A job's folder there, absolute.
    #[must_use]
    pub fn job_dir(&self, job: &str) -> String {
        format!("{}/jobs/{job}", self.inner.site.work)
    }
}
