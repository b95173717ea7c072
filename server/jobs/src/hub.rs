//! One connection for all jobs of a target, and one question to its scheduler for all of them.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hoist_cluster::{
    Ask, ClusterError, NativeId, Nobody, Resources, SchedulerState, Target, TargetSettings, connect,
};
use tokio::sync::mpsc;

use crate::{JobId, sites};

/// How often the target is asked for what it knows of the scheduler's states. Asking the scheduler itself, and how seldom
/// that is polite, is the target's own business: in between it gives its last answer.
const QUESTION: Duration = Duration::from_secs(5);

/// Every target that this process has to do with.
pub(crate) struct Hubs {
    ask: Arc<dyn Ask>,
    /// Where it is written down what was learnt of targets.
    store: PathBuf,
    hubs: Mutex<HashMap<String, Arc<Hub>>>,
}

impl Hubs {
    pub(crate) fn new(ask: Arc<dyn Ask>, store: PathBuf) -> Self {
        Self {
            ask,
            store,
            hubs: Mutex::default(),
        }
    }

    /// The hub of a target. Jobs share one when everything but what they ask of the scheduler is the same.
    pub(crate) fn get(&self, settings: &TargetSettings) -> Arc<Hub> {
        let shared = TargetSettings {
            resources: Resources::default(),
            ..settings.clone()
        };
        // Strings, numbers and maps of them; should it fail, the target is not shared, which is right too.
        let key = serde_json::to_string(&(&shared.name, &shared)).unwrap_or_default();
        lock(&self.hubs)
            .entry(key)
            .or_insert_with(|| Arc::new(Hub::new(shared, self.ask.clone(), self.store.clone())))
            .clone()
    }

    /// Comes back when nothing is asked any more beside the jobs.
    pub(crate) async fn looked(&self) {
        let hubs: Vec<Arc<Hub>> = lock(&self.hubs).values().cloned().collect();
        for hub in hubs {
            hub.looked().await;
        }
    }
}

/// One target: its connection, made when first needed, and its scheduler.
pub(crate) struct Hub {
    settings: TargetSettings,
    ask: Arc<dyn Ask>,
    store: PathBuf,
    connection: tokio::sync::Mutex<Connection>,
    followed: Mutex<HashMap<JobId, Followed>>,
    /// The task that asks the scheduler runs.
    asking: Mutex<bool>,
    /// Held by the task that asks what the Python there can import.
    looking: Arc<tokio::sync::Mutex<()>>,
}

#[derive(Default)]
struct Connection {
    target: Option<Arc<Target>>,
    /// It was up once: whoever can be asked for a password was asked, and is not asked again behind their back.
    was_up: bool,
}

/// A job that the scheduler is asked about.
struct Followed {
    native_id: NativeId,
    tell: mpsc::UnboundedSender<SchedulerState>,
}

/// While it lives, the scheduler is asked about the job.
pub(crate) struct Questions {
    hub: Arc<Hub>,
    job: JobId,
    answers: mpsc::UnboundedReceiver<SchedulerState>,
}

impl Hub {
    fn new(settings: TargetSettings, ask: Arc<dyn Ask>, store: PathBuf) -> Self {
        Self {
            settings,
            ask,
            store,
            connection: tokio::sync::Mutex::default(),
            followed: Mutex::default(),
            asking: Mutex::new(false),
            looking: Arc::default(),
        }
    }

    /// Has it asked, beside everything else, what the Python there can import, unless it was asked lately.
    pub(crate) fn look(self: &Arc<Self>, target: &Arc<Target>) {
        let Ok(looking) = self.looking.clone().try_lock_owned() else {
            return;
        };
        if sites::is_fresh(&self.store, &self.settings) {
            return;
        }
        let (hub, target) = (self.clone(), target.clone());
        tokio::spawn(async move {
            // Only for findings: what cannot be learnt now is learnt another time.
            if let Ok(Some(packages)) = target.packages().await
                && let Some(version) = target.python_version()
            {
                sites::remember_packages(&hub.store, &hub.settings, version, packages);
            }
            drop(looking);
        });
    }

    /// Comes back when that question is answered, or when nobody asks.
    async fn looked(&self) {
        drop(self.looking.lock().await);
    }

    /// The connection, made if there is none. All who want it at the same time wait for the same one.
    pub(crate) async fn target(&self) -> Result<Arc<Target>, ClusterError> {
        let mut connection = self.connection.lock().await;
        if let Some(target) = &connection.target {
            return Ok(target.clone());
        }
        let ask: Arc<dyn Ask> = if connection.was_up {
            Arc::new(Nobody)
        } else {
            self.ask.clone()
        };
        let target = Arc::new(connect(&self.settings, ask).await?);
        if let Some(version) = target.python_version() {
            sites::remember(&self.store, &self.settings, version);
        }
        connection.target = Some(target.clone());
        connection.was_up = true;
        Ok(target)
    }

    /// Someone saw this connection break: the next who wants one makes a new one.
    pub(crate) async fn broken(&self, target: &Arc<Target>) {
        let mut connection = self.connection.lock().await;
        if connection
            .target
            .as_ref()
            .is_some_and(|current| Arc::ptr_eq(current, target))
        {
            connection.target = None;
        }
    }

    /// Has the scheduler asked about a job from now on.
    pub(crate) fn ask_about(self: &Arc<Self>, job: JobId, native_id: NativeId) -> Questions {
        let (tell, answers) = mpsc::unbounded_channel();
        lock(&self.followed).insert(job, Followed { native_id, tell });
        let mut asking = lock(&self.asking);
        if !*asking {
            *asking = true;
            tokio::spawn(ask_all(self.clone()));
        }
        Questions {
            hub: self.clone(),
            job,
            answers,
        }
    }

    /// What the scheduler says of these jobs now; nothing where it cannot be asked.
    async fn question(&self) -> HashMap<JobId, SchedulerState> {
        let asked: HashMap<String, (JobId, NativeId)> = lock(&self.followed)
            .iter()
            .map(|(job, followed)| (job.to_string(), (*job, followed.native_id.clone())))
            .collect();
        let Some(target) = self.connection.lock().await.target.clone() else {
            return HashMap::new();
        };
        let jobs: Vec<(String, NativeId)> = asked
            .iter()
            .map(|(name, (_, id))| (name.clone(), id.clone()))
            .collect();
        let Ok(answers) = target.query(&jobs).await else {
            return HashMap::new();
        };
        answers
            .into_iter()
            .filter_map(|(name, state)| Some((asked.get(&name)?.0, state)))
            .collect()
    }
}

impl Questions {
    /// The next answer of the scheduler about this job.
    pub(crate) async fn next(&mut self) -> Option<SchedulerState> {
        self.answers.recv().await
    }
}

impl Drop for Questions {
    fn drop(&mut self) {
        lock(&self.hub.followed).remove(&self.job);
    }
}

/// Asks about all jobs of a hub, one question for all, until there are none.
async fn ask_all(hub: Arc<Hub>) {
    loop {
        tokio::time::sleep(QUESTION).await;
        {
            let mut asking = lock(&hub.asking);
            if lock(&hub.followed).is_empty() {
                *asking = false;
                return;
            }
        }
        for (job, state) in hub.question().await {
            if let Some(followed) = lock(&hub.followed).get(&job) {
                // It may just have come to its end.
                followed.tell.send(state).ok();
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
