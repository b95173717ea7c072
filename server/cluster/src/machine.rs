//! A target that is a machine, this one or one over SSH, with a scheduler that is reached by commands.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc::Receiver;
use tokio::sync::oneshot;

use crate::array::{self, ArraySubmission};
use crate::ask::Ask;
use crate::data::Store;
use crate::environment;
use crate::error::ClusterError;
use crate::follower::{FollowEvent, Follower, Offsets};
use crate::query::{self, Answers};
use crate::scheduler::{Scheduler, SchedulerState};
use crate::settings::TargetSettings;
use crate::shell::quote;
use crate::site::{self, Site};
use crate::submit::{self, NativeId, Submission, Upload, check_job};
use crate::target::Made;
use crate::transport::{self, Transport};
use crate::upload::{Stop, never};

/// A machine that answered and whose work folder can be written.
pub(crate) struct Machine {
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) site: Site,
    follower: Mutex<Option<Follower>>,
    answers: tokio::sync::Mutex<Answers>,
    /// Jobs whose end is about to be asked for.
    cancelled: Mutex<Vec<Cancelled>>,
}

/// How long those are waited for who want jobs ended at the same time.
const TOGETHER: Duration = Duration::from_millis(20);

/// A job whose end is wanted.
struct Cancelled {
    job: String,
    id: NativeId,
    made: Made,
    tell: oneshot::Sender<Result<(), ClusterError>>,
}

/// Connects, or shares the connection that there is, and looks around once.
pub(crate) async fn reach(
    settings: &TargetSettings,
    scheduler: &'static dyn Scheduler,
    ask: Arc<dyn Ask>,
) -> Result<Machine, ClusterError> {
    let transport = transport::open(settings, ask).await?;
    let site = site::look(&*transport, settings, scheduler).await?;
    Ok(Machine {
        transport,
        site,
        follower: Mutex::new(None),
        answers: tokio::sync::Mutex::default(),
        cancelled: Mutex::default(),
    })
}

impl Machine {
    fn has_python(&self, settings: &TargetSettings) -> Result<(), ClusterError> {
        match self.site.python {
            Some(_) => Ok(()),
            None => Err(site::no_python(settings, &self.site.host)),
        }
    }

    /// The store of data files there.
    pub(crate) fn store<'a>(
        &'a self,
        settings: &'a TargetSettings,
    ) -> Result<Store<'a>, ClusterError> {
        let python = self.site.python_path();
        let python = python.ok_or_else(|| site::no_python(settings, &self.site.host))?;
        Ok(Store {
            transport: &*self.transport,
            settings,
            python: quote(python),
            folder: format!("{}/data", self.site.work),
        })
    }

    pub(crate) async fn submit(
        &self,
        settings: &TargetSettings,
        submission: &Submission,
        progress: &(dyn Fn(Upload) + Send + Sync),
        stop: &Stop<'_>,
    ) -> Result<NativeId, ClusterError> {
        self.has_python(settings)?;
        environment::send_wheels(self, settings, &submission.environment).await?;
        self.store(settings)?
            .send(&submission.data, progress, stop)
            .await?;
        submit::submit(
            &*self.transport,
            settings,
            &self.site,
            submission,
            progress,
            stop,
        )
        .await
    }

    pub(crate) async fn submit_array(
        &self,
        settings: &TargetSettings,
        submission: &ArraySubmission,
        progress: &(dyn Fn(Upload) + Send + Sync),
    ) -> Result<Vec<NativeId>, ClusterError> {
        self.has_python(settings)?;
        environment::send_wheels(self, settings, &submission.environment).await?;
        self.store(settings)?
            .send(&submission.data, progress, &never)
            .await?;
        array::submit_array(&*self.transport, settings, &self.site, submission, progress).await
    }

    pub(crate) fn follow(
        &self,
        settings: &TargetSettings,
        job: &str,
        made: Made,
        offsets: Offsets,
    ) -> Result<Receiver<FollowEvent>, ClusterError> {
        check_job(&settings.name, job)?;
        self.follow_folder(settings, self.job_dir(job), made, offsets)
    }

    /// Follows any folder that is written as a job's is.
    pub(crate) fn follow_folder(
        &self,
        settings: &TargetSettings,
        folder: String,
        made: Made,
        offsets: Offsets,
    ) -> Result<Receiver<FollowEvent>, ClusterError> {
        let Some(python) = self.site.python_path() else {
            return Err(site::no_python(settings, &self.site.host));
        };
        let mut follower = self.follower.lock().unwrap_or_else(PoisonError::into_inner);
        let follower = match &mut *follower {
            Some(follower) if follower.alive() => follower,
            slot => slot.insert(Arc::clone(&self.transport).follower(python)),
        };
        Ok(follower.follow(folder, made, offsets))
    }

    pub(crate) async fn query(
        &self,
        settings: &TargetSettings,
        jobs: &[(String, NativeId)],
    ) -> Result<HashMap<String, SchedulerState>, ClusterError> {
        let mut answers = self.answers.lock().await;
        query::query(&*self.transport, settings, &self.site, &mut answers, jobs).await
    }

    /// Those who ask at the same time are asked for together.
    pub(crate) async fn cancel(
        self: &Arc<Self>,
        settings: &TargetSettings,
        job: &str,
        made: Made,
        id: &NativeId,
    ) -> Result<(), ClusterError> {
        let (tell, answer) = oneshot::channel();
        let is_first = {
            let mut waiting = self.lock_cancelled();
            waiting.push(Cancelled {
                job: job.to_owned(),
                id: id.clone(),
                made,
                tell,
            });
            waiting.len() == 1
        };
        if is_first {
            tokio::spawn(Arc::clone(self).cancel_all(settings.clone()));
        }
        match answer.await {
            Ok(answer) => answer,
            // The runtime is being shut down.
            Err(_) => Ok(()),
        }
    }

    async fn cancel_all(self: Arc<Self>, settings: TargetSettings) {
        tokio::time::sleep(TOGETHER).await;
        let waiting = std::mem::take(&mut *self.lock_cancelled());
        let jobs: Vec<(String, NativeId, Made)> = waiting
            .iter()
            .map(|one| (one.job.clone(), one.id.clone(), one.made))
            .collect();
        let answer = query::cancel(&*self.transport, &settings, &self.site, &jobs).await;
        for one in waiting {
            // Whoever asked may have gone.
            one.tell.send(answer.clone()).ok();
        }
    }

    fn lock_cancelled(&self) -> MutexGuard<'_, Vec<Cancelled>> {
        let cancelled = self.cancelled.lock();
        cancelled.unwrap_or_else(PoisonError::into_inner)
    }

    /// A job's folder there, absolute.
    pub(crate) fn job_dir(&self, job: &str) -> String {
        format!("{}/jobs/{job}", self.site.work)
    }
}
