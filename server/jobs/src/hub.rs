//! One connection for all jobs of a target, and one question to its scheduler for all of them.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use hoist_cluster::{
    Ask, ClusterError, ErrorKind, Facts, JobEnvironment, NativeId, Nobody, Outcome, Question,
    Resources, SchedulerKind, SchedulerState, Submission, Target, TargetSettings, connect,
};
use tokio::sync::{Notify, OwnedRwLockReadGuard, broadcast, mpsc, oneshot, watch};
use tokio::time::Instant;

use crate::drive::Attempt;
use crate::looks::Looks;
use crate::{JobId, sites};

/// How often the target is asked for what it knows of the scheduler's states. Asking the scheduler itself, and how seldom
/// that is polite, is the target's own business: in between it gives its last answer.
const QUESTION: Duration = Duration::from_secs(5);

/// For how long the scheduler's word about a job that has just ended is waited for: it tidies up first.
const LAST_WORD: Duration = Duration::from_secs(20);
/// How long those are waited for who want a word at the same time, and then the pauses between two questions.
const LAST_WORD_PAUSES: [Duration; 4] = [
    Duration::from_millis(300),
    Duration::from_secs(1),
    Duration::from_secs(3),
    Duration::from_secs(6),
];

/// A target whose connection was lost and cannot be made again without a person, who is not asked behind their back.
#[derive(Clone, Debug)]
pub struct Lost {
    /// The target, for [`crate::Engine::reconnect`].
    pub settings: TargetSettings,
    /// Why it cannot, in one sentence.
    pub why: String,
}

/// What findings will lack, because a target did not say what its Python can import.
#[derive(Clone, Debug)]
pub struct Unlearnt {
    /// The target's name.
    pub target: String,
    /// Why it did not, in one sentence that begins with that name.
    pub why: String,
}

/// For how long a target that did not say what its Python can import is not asked again, unless a person connects to it.
const UNLEARNT: Duration = Duration::from_secs(600);

/// For how long a forecast is told again instead of a new one being asked for.
const FRESH: Duration = Duration::from_secs(60);

/// For how long the Python of a target is taken to be the same.
const FACTS: Duration = Duration::from_secs(300);

/// What the scheduler would make of a job if it were submitted now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Forecast {
    /// It would start about then.
    Starts(SystemTime),
    /// It would be refused: why, and what to do, in one sentence.
    Refused(String),
}

/// A forecast that was asked for.
struct Asked {
    at: Instant,
    /// None while nothing is known, and where the scheduler cannot say.
    answer: Option<Forecast>,
}

/// Every target that this process has to do with.
pub(crate) struct Hubs {
    ask: Arc<dyn Ask>,
    /// Tells of targets that want a person.
    lost: broadcast::Sender<Lost>,
    /// Tells of targets that did not say what their Python can import.
    unlearnt: broadcast::Sender<Unlearnt>,
    /// Where it is written down what was learnt of targets.
    store: PathBuf,
    /// Changes when something else is seen of a target's files than before.
    seen: watch::Sender<u64>,
    hubs: Mutex<HashMap<String, Arc<Hub>>>,
}

impl Hubs {
    /// Puts a question to whoever can be asked.
    pub(crate) async fn ask(&self, question: Question) -> Option<String> {
        self.ask.ask(question).await
    }

    pub(crate) fn new(ask: Arc<dyn Ask>, store: PathBuf) -> Self {
        let (lost, _) = broadcast::channel(16);
        let (unlearnt, _) = broadcast::channel(16);
        Self {
            ask,
            lost,
            unlearnt,
            store,
            seen: watch::Sender::default(),
            hubs: Mutex::default(),
        }
    }

    /// Changes when something else is seen of a target's files than before.
    pub(crate) fn seen(&self) -> watch::Receiver<u64> {
        self.seen.subscribe()
    }

    /// What was seen of all targets' files may have changed.
    pub(crate) fn doubt_looks(&self) {
        for hub in lock(&self.hubs).values() {
            hub.looks.doubt();
        }
    }

    /// Targets that want a person, from now on.
    pub(crate) fn lost(&self) -> broadcast::Receiver<Lost> {
        self.lost.subscribe()
    }

    /// Targets that did not say what their Python can import, from now on.
    pub(crate) fn unlearnt(&self) -> broadcast::Receiver<Unlearnt> {
        self.unlearnt.subscribe()
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
            .or_insert_with(|| Arc::new(Hub::new(shared, self)))
            .clone()
    }

    /// Comes back when the targets have been told of all ends so far.
    pub(crate) async fn released(&self) {
        let hubs: Vec<Arc<Hub>> = lock(&self.hubs).values().cloned().collect();
        for hub in hubs {
            hub.released().await;
        }
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
    lost: broadcast::Sender<Lost>,
    unlearnt: broadcast::Sender<Unlearnt>,
    /// Wakes those who wait before they try to connect again.
    up: Notify,
    store: PathBuf,
    connection: tokio::sync::Mutex<Connection>,
    /// How many attempts to connect have failed.
    failures: AtomicU64,
    followed: Mutex<HashMap<JobId, Followed>>,
    /// The task that asks the scheduler runs.
    asking: Mutex<bool>,
    /// Jobs whose end wants a reason; one task asks for all of them while there are any.
    unexplained: Mutex<Vec<Unexplained>>,
    /// What was asked about jobs that may be submitted, by what they would ask for.
    forecasts: Mutex<HashMap<String, Asked>>,
    /// What became of the environments that its jobs want, by what they are to have.
    environments: Mutex<HashMap<String, Arc<tokio::sync::Mutex<Option<Attempt>>>>>,
    /// The Python there, with when it was asked.
    facts: tokio::sync::Mutex<Option<(Instant, Option<Facts>)>>,
    /// Held by the task that asks what the Python there can import.
    looking: Arc<tokio::sync::Mutex<()>>,
    /// Why it did not say so, and since when it is left alone for that.
    silent: Mutex<Option<(Option<Instant>, String)>>,
    /// Shared by those who tell it that a job's end has been kept.
    releasing: Arc<tokio::sync::RwLock<()>>,
    /// What is known of the files there.
    pub(crate) looks: Looks,
    /// Changes when something else is seen of them than before.
    pub(crate) seen: watch::Sender<u64>,
}

#[derive(Default)]
struct Connection {
    target: Option<Arc<Target>>,
    /// It was up once: whoever can be asked for a password was asked, and is not asked again behind their back.
    was_up: bool,
    /// It was told that a person is wanted.
    was_told: bool,
    /// Why the last attempt failed, with its number.
    failure: Option<(u64, ClusterError)>,
}

/// A job that the scheduler is asked about.
struct Followed {
    native_id: NativeId,
    tell: mpsc::UnboundedSender<SchedulerState>,
}

/// How a job ended, in the scheduler's opinion, with its words.
pub(crate) type LastWord = (Outcome, String);

/// A job whose files do not say why it ended.
struct Unexplained {
    native_id: NativeId,
    until: Instant,
    tell: oneshot::Sender<LastWord>,
}

/// While it lives, the scheduler is asked about the job.
pub(crate) struct Questions {
    hub: Arc<Hub>,
    job: JobId,
    answers: mpsc::UnboundedReceiver<SchedulerState>,
}

impl Hub {
    fn new(settings: TargetSettings, of: &Hubs) -> Self {
        Self {
            settings,
            ask: of.ask.clone(),
            lost: of.lost.clone(),
            unlearnt: of.unlearnt.clone(),
            up: Notify::new(),
            store: of.store.clone(),
            connection: tokio::sync::Mutex::default(),
            failures: AtomicU64::new(0),
            followed: Mutex::default(),
            asking: Mutex::new(false),
            unexplained: Mutex::default(),
            forecasts: Mutex::default(),
            environments: Mutex::default(),
            facts: tokio::sync::Mutex::default(),
            looking: Arc::default(),
            silent: Mutex::default(),
            releasing: Arc::default(),
            looks: Looks::default(),
            seen: of.seen.clone(),
        }
    }

    /// What it was configured as.
    pub(crate) fn settings(&self) -> &TargetSettings {
        &self.settings
    }

    /// The connection where it is up; whoever is just making it is not waited for.
    pub(crate) fn open_target(&self) -> Option<Arc<Target>> {
        let target = self.connection.try_lock().ok()?.target.clone()?;
        target.is_open().then_some(target)
    }

    /// Has it asked, beside everything else, what the Python there can import, unless it was asked lately. Modules and set-up lines run
    /// for that: where they fail, one sentence is told, and they are left alone for a while.
    pub(crate) fn look(self: &Arc<Self>, target: &Arc<Target>) {
        let Ok(looking) = self.looking.clone().try_lock_owned() else {
            return;
        };
        let is_left_alone = lock(&self.silent)
            .as_ref()
            .is_some_and(|(at, _)| at.is_some_and(|at| at.elapsed() < UNLEARNT));
        if is_left_alone || sites::is_fresh(&self.store, &self.settings) {
            return;
        }
        let (hub, target) = (self.clone(), target.clone());
        tokio::spawn(async move {
            match target.packages().await {
                Ok(Some(packages)) => {
                    *lock(&hub.silent) = None;
                    sites::remember_packages(&hub.store, &hub.settings, packages);
                }
                Ok(None) => *lock(&hub.silent) = None,
                // The connection broke: whoever needs it makes another one, and asks again.
                Err(error) if !target.is_open() => drop(error),
                Err(error) => hub.was_not_told(error.to_string()),
            }
            drop(looking);
        });
    }

    /// The target did not say what its Python can import. Only for findings: no job ends for it. The same is told once.
    fn was_not_told(&self, why: String) {
        let before = lock(&self.silent).replace((Some(Instant::now()), why.clone()));
        if before.is_none_or(|(_, told)| told != why) {
            let target = self.settings.name.clone();
            // That nobody listens is no error.
            self.unlearnt.send(Unlearnt { target, why }).ok();
        }
    }

    /// Why the target did not say what its Python can import, when it was asked last.
    pub(crate) fn silence(&self) -> Option<String> {
        let silent = lock(&self.silent);
        silent.as_ref().map(|(_, why)| why.clone())
    }

    /// A person wants to know what its Python can import, whatever became of the last question.
    pub(crate) fn look_again(&self) {
        if let Some((at, _)) = &mut *lock(&self.silent) {
            *at = None;
        }
    }

    /// What became of an environment that jobs want; who holds it looks after it.
    pub(crate) fn environment(&self, wanted: &str) -> Arc<tokio::sync::Mutex<Option<Attempt>>> {
        lock(&self.environments)
            .entry(wanted.to_owned())
            .or_default()
            .clone()
    }

    /// The Python there, asked now or a while ago.
    pub(crate) async fn facts(&self, target: &Target) -> Result<Option<Facts>, ClusterError> {
        let mut facts = self.facts.lock().await;
        if let Some((at, known)) = &*facts
            && at.elapsed() < FACTS
        {
            return Ok(known.clone());
        }
        let asked = target.facts().await?;
        *facts = Some((Instant::now(), asked.clone()));
        Ok(asked)
    }

    /// The version of that Python, where it can be known; of an environment of somebody else's it is asked.
    pub(crate) async fn version(&self, target: &Target) -> Result<Option<String>, ClusterError> {
        if let Some(version) = target.python_version() {
            return Ok(Some(version.to_owned()));
        }
        let facts = self.facts(target).await?;
        Ok(facts.map(|facts| facts.markers.python_full_version))
    }

    /// The version of that Python and how many distributions it has, when it was asked.
    pub(crate) fn known(&self) -> Option<(String, Option<usize>)> {
        sites::known_of(&self.store, &self.settings)
    }

    /// Writes down the version of the Python there.
    pub(crate) fn remember(&self, version: &str) {
        sites::remember(&self.store, &self.settings, version);
    }

    /// Comes back when that question is answered, or when nobody asks.
    pub(crate) async fn looked(&self) {
        drop(self.looking.lock().await);
    }

    /// A job is about to end: while this is held, [`Hub::released`] waits.
    pub(crate) fn releasing(&self) -> Option<OwnedRwLockReadGuard<()>> {
        self.releasing.clone().try_read_owned().ok()
    }

    /// Tells the target, beside everything else, that a job's end has been kept here.
    pub(crate) fn release(
        self: &Arc<Self>,
        job: JobId,
        releasing: Option<OwnedRwLockReadGuard<()>>,
    ) {
        let hub = self.clone();
        tokio::spawn(async move {
            let target = hub.connection.lock().await.target.clone();
            if let Some(target) = target {
                target.release(&job.to_string()).await;
            }
            drop(releasing);
        });
    }

    /// The connection, made if there is none. All who want it at the same time wait for the same attempt, however it ends.
    pub(crate) async fn target(&self) -> Result<Arc<Target>, ClusterError> {
        let before = self.failures.load(Ordering::Acquire);
        let mut connection = self.connection.lock().await;
        if let Some(target) = &connection.target {
            return Ok(target.clone());
        }
        if let Some((number, error)) = &connection.failure
            && *number > before
        {
            return Err(error.clone());
        }
        let ask: Arc<dyn Ask> = if connection.was_up {
            Arc::new(Nobody)
        } else {
            self.ask.clone()
        };
        let made = self.connect(&mut connection, ask).await;
        if let Err(error) = &made
            && connection.was_up
            && !connection.was_told
            && matches!(error.kind, ErrorKind::Auth | ErrorKind::HostKey)
        {
            connection.was_told = true;
            let (settings, why) = (self.settings.clone(), error.to_string());
            // That nobody listens is no error.
            self.lost.send(Lost { settings, why }).ok();
        }
        made
    }

    /// The connection, made anew with the help of whoever can be asked unless it is up. Those who wait for it go on.
    pub(crate) async fn reconnect(&self) -> Result<Arc<Target>, ClusterError> {
        let mut connection = self.connection.lock().await;
        let is_up = |target: &&Arc<Target>| target.is_open();
        if let Some(target) = connection.target.as_ref().filter(is_up) {
            return Ok(target.clone());
        }
        self.connect(&mut connection, self.ask.clone()).await
    }

    /// Waits, before another attempt to connect, for so long or until there is a connection.
    pub(crate) async fn wait(&self, most: Duration) {
        tokio::time::timeout(most, self.up.notified()).await.ok();
    }

    async fn connect(
        &self,
        connection: &mut Connection,
        ask: Arc<dyn Ask>,
    ) -> Result<Arc<Target>, ClusterError> {
        let target = match connect(&self.settings, ask).await {
            Ok(target) => Arc::new(target),
            Err(error) => {
                let number = self.failures.fetch_add(1, Ordering::AcqRel) + 1;
                connection.failure = Some((number, error.clone()));
                return Err(error);
            }
        };
        if let Some(version) = target.python_version() {
            sites::remember(&self.store, &self.settings, version);
        }
        connection.target = Some(target.clone());
        connection.was_up = true;
        connection.was_told = false;
        self.up.notify_waiters();
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

    /// Comes back when the targets have been told of all ends so far.
    async fn released(&self) {
        drop(self.releasing.write().await);
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

impl Hub {
    /// What the scheduler said lately of a job that asks for this; nothing where it was not asked, and then it is asked for the
    /// next time, beside everything else, over a connection that is there already.
    pub(crate) fn forecast(self: &Arc<Self>, resources: &Resources) -> Option<Forecast> {
        if self.settings.scheduler == SchedulerKind::None {
            return None;
        }
        // Strings, numbers and lists of them.
        let key = serde_json::to_string(resources).unwrap_or_default();
        let mut forecasts = lock(&self.forecasts);
        if let Some(asked) = forecasts.get(&key)
            && asked.at.elapsed() < FRESH
        {
            return asked.answer.clone();
        }
        // Whoever is just connecting holds it: then there is nothing to ask over yet.
        let target = self.connection.try_lock().ok()?.target.clone()?;
        forecasts.retain(|_, asked| asked.at.elapsed() < FRESH);
        let (at, answer) = (Instant::now(), None);
        forecasts.insert(key.clone(), Asked { at, answer });
        let (hub, resources) = (self.clone(), resources.clone());
        tokio::spawn(async move {
            let answer = forecast(&target, resources).await.unwrap_or(None);
            if let Some(asked) = lock(&hub.forecasts).get_mut(&key) {
                asked.answer = answer;
            }
        });
        None
    }

    /// Why a job ended of which its own files do not say it; nothing where the scheduler does not tell within
    /// [`LAST_WORD`], or where there is none.
    pub(crate) async fn last_word(self: &Arc<Self>, native_id: &NativeId) -> Option<LastWord> {
        if self.settings.scheduler == SchedulerKind::None {
            return None;
        }
        let (tell, answer) = oneshot::channel();
        let is_first = {
            let mut unexplained = lock(&self.unexplained);
            unexplained.push(Unexplained {
                native_id: native_id.clone(),
                until: Instant::now() + LAST_WORD,
                tell,
            });
            unexplained.len() == 1
        };
        if is_first {
            tokio::spawn(self.clone().ask_why());
        }
        answer.await.ok()
    }

    /// Asks for all who want a last word, one question for all, until each has it or has waited long enough.
    async fn ask_why(self: Arc<Self>) {
        let mut pauses = LAST_WORD_PAUSES.into_iter();
        let mut pause = Duration::ZERO;
        loop {
            pause = pauses.next().unwrap_or(pause);
            tokio::time::sleep(pause).await;
            let asked: Vec<NativeId> = lock(&self.unexplained)
                .iter()
                .map(|one| one.native_id.clone())
                .collect();
            let target = self.connection.lock().await.target.clone();
            let mut states = match target {
                Some(target) => target.ask(&asked).await.unwrap_or_default(),
                None => HashMap::new(),
            };
            let mut unexplained = lock(&self.unexplained);
            let now = Instant::now();
            for one in std::mem::take(&mut *unexplained) {
                match states.remove(&one.native_id) {
                    // That the scheduler has forgotten it, or not written it down yet, is no word.
                    Some(SchedulerState::Ended { outcome, words })
                        if outcome != Outcome::Vanished =>
                    {
                        // Its driver may be gone.
                        one.tell.send((outcome, words)).ok();
                    }
                    _ if one.until <= now => {}
                    _ => unexplained.push(one),
                }
            }
            if unexplained.is_empty() {
                return;
            }
        }
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

/// Asks the scheduler about a job that asks for this; nothing where it cannot say.
pub(crate) async fn forecast(
    target: &Target,
    resources: Resources,
) -> Result<Option<Forecast>, ClusterError> {
    // Of what it would run the scheduler wants to know nothing.
    let submission = Submission {
        job: JobId::new().to_string(),
        name: "forecast".to_owned(),
        package: Arc::from([]),
        sha256: "0".repeat(64),
        request: Vec::new(),
        resources,
        after: Vec::new(),
        environment: JobEnvironment::Settings,
        data: Arc::default(),
    };
    match target.forecast(&submission).await {
        Ok(wait) => Ok(wait.map(|wait| Forecast::Starts(SystemTime::now() + wait))),
        Err(error) if matches!(error.kind, ErrorKind::Scheduler | ErrorKind::Settings) => {
            Ok(Some(Forecast::Refused(error.to_string())))
        }
        Err(error) => Err(error),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
