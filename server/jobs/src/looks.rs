//! What is known of the files of targets, for who types their paths: asked in the background and kept for a while.
//!
//! A target that is this machine is looked at directly, and nothing is started for it. Any other is asked only over a connection
//! that a job or the user has opened and that is still up: none is made for this. One question is under way at a time for each
//! target, and it holds all that was wanted meanwhile.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hoist_cluster::{
    ClusterError, Glance, SchedulerKind, Seen, Sight, Target, TargetSettings, look_here,
};
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use crate::Engine;
use crate::hub::Hub;

/// For how long an answer is taken for the truth; an older one is told while it is asked for anew.
const FRESH: Duration = Duration::from_secs(20);
/// The shortest time between two questions that nobody waits for.
const PAUSE: Duration = Duration::from_secs(1);
/// For how long a target is left alone that could not be asked.
const LEFT_ALONE: Duration = Duration::from_secs(30);
/// So many paths are asked for in one question, and kept for a target.
const AT_ONCE: usize = 32;
const KEPT: usize = 256;
/// So many names are kept for a target.
const NAMES: usize = 100_000;

/// What was seen at a path.
#[derive(Clone, Debug)]
pub struct Look {
    /// What is there.
    pub sight: Sight,
    /// When that was learnt.
    pub at: Instant,
}

/// What is known of a path.
#[derive(Clone, Debug)]
pub enum Looked {
    /// This, now or a while ago.
    Known(Arc<Look>),
    /// Nothing yet: it is being asked for.
    Asked,
    /// Nothing, and nobody can be asked: there is no connection.
    Unreachable,
}

/// Whether what a path names is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is not known, or not for the machine on which the job will run.
    Unknown,
    /// It is there.
    There {
        /// It is a folder.
        folder: bool,
    },
    /// It is not there.
    Missing,
}

/// What is known of one target's files.
#[derive(Default)]
pub(crate) struct Looks {
    state: Mutex<State>,
    /// An answer has come, or a question failed.
    answered: watch::Sender<u64>,
    /// Somebody waits for an answer.
    hurry: Notify,
}

#[derive(Default)]
struct State {
    known: HashMap<Glance, Known>,
    wanted: BTreeSet<Glance>,
    is_asking: bool,
    /// What was learnt before may have changed.
    doubted: Option<Instant>,
    failed: Option<Instant>,
    /// Counts the questions, to know what was used last.
    clock: u64,
}

struct Known {
    look: Arc<Look>,
    used: u64,
}

impl Looks {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Everything that is known may have changed.
    pub(crate) fn doubt(&self) {
        self.state().doubted = Some(Instant::now());
    }
}

impl State {
    /// What is known, and whether it is to be asked for anew.
    fn get(&mut self, glance: &Glance) -> (Option<Arc<Look>>, bool) {
        self.clock += 1;
        let (clock, doubted) = (self.clock, self.doubted);
        match self.known.get_mut(glance) {
            Some(known) => {
                known.used = clock;
                let at = known.look.at;
                let is_old = at.elapsed() > FRESH || doubted.is_some_and(|doubted| doubted > at);
                (Some(known.look.clone()), is_old)
            }
            None => (None, true),
        }
    }

    /// Keeps an answer; true when it is another one than before.
    fn keep(&mut self, glance: Glance, sight: Sight, at: Instant) -> bool {
        let before = self.known.get(&glance);
        let is_news = before.is_none_or(|known| known.look.sight != sight);
        let look = Arc::new(Look { sight, at });
        let used = self.clock;
        self.known.insert(glance, Known { look, used });
        is_news
    }

    /// Lets go of what was not used for longest, when it is too much.
    fn trim(&mut self) {
        let mut names: usize = self.known.values().map(|known| weight(&known.look)).sum();
        while self.known.len() > KEPT || names > NAMES && self.known.len() > 1 {
            let oldest = self.known.iter().min_by_key(|(_, known)| known.used);
            let Some(oldest) = oldest.map(|(glance, _)| glance.clone()) else {
                return;
            };
            if let Some(known) = self.known.remove(&oldest) {
                names -= weight(&known.look);
            }
        }
    }
}

fn weight(look: &Look) -> usize {
    match &look.sight {
        Sight::There(Seen {
            holds: Some(Ok(names)),
            ..
        }) => names.names.len(),
        _ => 0,
    }
}

/// Where the files of a target are found.
enum Place {
    Here,
    There(Arc<Target>),
}

fn is_here(settings: &TargetSettings) -> bool {
    settings.host.is_none() && settings.scheduler != SchedulerKind::Kubernetes
}

impl Hub {
    /// What is known of a path; it is asked for where that is nothing, or old.
    fn glance(self: &Arc<Self>, glance: &Glance) -> Looked {
        let looks = &self.looks;
        let mut state = looks.state();
        let (known, is_old) = state.get(glance);
        let nothing_yet = |looked| known.clone().map_or(looked, Looked::Known);
        if !is_old {
            return nothing_yet(Looked::Asked);
        }
        let is_left_alone = state
            .failed
            .is_some_and(|failed| failed.elapsed() < LEFT_ALONE);
        if is_left_alone || self.way_to_files().is_none() {
            return nothing_yet(Looked::Unreachable);
        }
        state.wanted.insert(glance.clone());
        if !state.is_asking {
            state.is_asking = true;
            tokio::spawn(ask_all(self.clone()));
        }
        nothing_yet(Looked::Asked)
    }

    /// The same; waits for a while where there is something to wait for.
    async fn glance_soon(self: &Arc<Self>, glance: &Glance, most: Duration) -> Looked {
        let mut answered = self.looks.answered.subscribe();
        let until = Instant::now() + most;
        loop {
            let looked = self.glance(glance);
            if !self.looks.state().wanted.contains(glance) {
                return looked;
            }
            self.looks.hurry.notify_one();
            if tokio::time::timeout_at(until, answered.changed())
                .await
                .is_err()
            {
                return looked;
            }
        }
    }

    /// The target can be asked again, whatever became of the last question.
    pub(crate) fn ask_again(&self) {
        self.looks.state().failed = None;
    }

    /// None where a connection would have to be made first, or is being made.
    fn way_to_files(&self) -> Option<Place> {
        if is_here(self.settings()) {
            return Some(Place::Here);
        }
        self.open_target().map(Place::There)
    }
}

/// Asks for all that is wanted, one question after the other, until nothing is.
async fn ask_all(hub: Arc<Hub>) {
    let looks = &hub.looks;
    loop {
        let glances: Vec<Glance> = {
            let mut state = looks.state();
            let place = hub.way_to_files();
            if place.is_none() {
                state.wanted.clear();
            }
            if state.wanted.is_empty() {
                state.is_asking = false;
                break;
            }
            state.wanted.iter().take(AT_ONCE).cloned().collect()
        };
        let at = Instant::now();
        let answer = ask(&hub, &glances).await;
        let mut is_news = false;
        {
            let mut state = looks.state();
            for glance in &glances {
                state.wanted.remove(glance);
            }
            match answer {
                Some(Ok(sights)) => {
                    state.failed = None;
                    for (glance, sight) in glances.into_iter().zip(sights) {
                        is_news |= state.keep(glance, sight, at);
                    }
                    state.trim();
                }
                Some(Err(_)) | None => {
                    state.failed = Some(Instant::now());
                    state.wanted.clear();
                }
            }
        }
        looks.answered.send_modify(|count| *count += 1);
        if is_news {
            hub.seen.send_modify(|count| *count += 1);
        }
        tokio::select! {
            () = tokio::time::sleep(PAUSE) => {}
            () = looks.hurry.notified() => {}
        }
    }
    looks.answered.send_modify(|count| *count += 1);
}

async fn ask(hub: &Hub, glances: &[Glance]) -> Option<Result<Vec<Sight>, ClusterError>> {
    match hub.way_to_files()? {
        Place::Here => {
            let glances = glances.to_vec();
            let looked = tokio::task::spawn_blocking(move || look_here(&glances));
            looked.await.ok().map(Ok)
        }
        Place::There(target) => Some(target.fs().look(glances).await),
    }
}

impl Engine {
    /// What is at a path of a target, as it was seen last. Never waits and never connects: where nothing is known it is asked for
    /// beside everything else, over a connection that is there, and [`Engine::seen`] tells of the answer.
    pub fn look(&self, settings: &TargetSettings, glance: &Glance) -> Looked {
        let _guard = self.runtime().enter();
        self.hubs().get(settings).glance(glance)
    }

    /// The same; an answer that is under way is waited for so long at most.
    pub async fn look_soon(
        &self,
        settings: &TargetSettings,
        glance: &Glance,
        most: Duration,
    ) -> Looked {
        self.hubs().get(settings).glance_soon(glance, most).await
    }

    /// Changes when something else is seen at a path than before.
    pub fn seen(&self) -> watch::Receiver<u64> {
        self.hubs().seen()
    }

    /// What was seen of all targets may have changed: it is asked for anew when somebody wants it.
    pub fn doubt_looks(&self) {
        self.hubs().doubt_looks();
    }

    /// Whether there is something at a path for a job that runs on a target; a folder's names are asked for, not each path.
    pub fn standing(&self, settings: &TargetSettings, path: &[u8]) -> Standing {
        if !is_shared(settings, path) {
            return Standing::Unknown;
        }
        let _guard = self.runtime().enter();
        let hub = self.hubs().get(settings);
        let standing = standing(&hub, path);
        // What nodes have for themselves the machine that is asked need not have.
        if standing == Standing::Missing && has_nodes(settings) {
            let top = path
                .split(|byte| *byte == b'/')
                .find(|part| !part.is_empty());
            let is_under_top = path.first() != Some(&b'/')
                || matches!(listed(&hub, b"/", top.unwrap_or_default()), Some(Some(_)));
            return if is_under_top {
                standing
            } else {
                Standing::Unknown
            };
        }
        standing
    }
}

/// Do jobs run on other machines than the one that is asked?
fn has_nodes(settings: &TargetSettings) -> bool {
    settings.scheduler != SchedulerKind::None
}

/// Is a path the same for a job as for the machine that is asked, as far as one can know?
fn is_shared(settings: &TargetSettings, path: &[u8]) -> bool {
    use hoist_cluster::EnvironmentKind::Image;
    const OWN: [&[u8]; 6] = [b"dev", b"proc", b"run", b"sys", b"tmp", b"var"];
    if matches!(settings.environment, Some(Image(_))) {
        return false;
    }
    if path.starts_with(b"~") {
        return !settings.env.contains_key("HOME");
    }
    let top = path
        .split(|byte| *byte == b'/')
        .find(|part| !part.is_empty());
    !has_nodes(settings) || top.is_none_or(|top| !OWN.contains(&top))
}

fn standing(hub: &Arc<Hub>, path: &[u8]) -> Standing {
    let end = path
        .iter()
        .rposition(|byte| *byte != b'/')
        .map_or(0, |at| at + 1);
    let path = &path[..end];
    let slash = path.iter().rposition(|byte| *byte == b'/');
    let has_dots = path
        .split(|byte| *byte == b'/')
        .any(|part| part == b"." || part == b"..");
    if let Some(slash) = slash.filter(|_| !has_dots) {
        let folder = match &path[..slash] {
            b"" => b"/".as_slice(),
            folder => folder,
        };
        match listed(hub, folder, &path[slash + 1..]) {
            Some(Some(folder)) => return Standing::There { folder },
            Some(None) => return Standing::Missing,
            None => {}
        }
        // Only where its folder has been seen, and does not tell, the path itself is asked for.
        if !matches!(hub.glance(&Glance::at(folder)), Looked::Known(_)) {
            return Standing::Unknown;
        }
    }
    let path = if path.is_empty() { b"/" } else { path };
    match hub.glance(&Glance::at(path)) {
        Looked::Known(look) => match &look.sight {
            Sight::There(seen) => Standing::There {
                folder: seen.holds.is_some(),
            },
            Sight::Absent { .. } => Standing::Missing,
            Sight::Unknown(_) => Standing::Unknown,
        },
        Looked::Asked | Looked::Unreachable => Standing::Unknown,
    }
}

/// Whether a folder has an entry of this name, and whether that one is a folder; none where its names do not tell.
fn listed(hub: &Arc<Hub>, folder: &[u8], name: &[u8]) -> Option<Option<bool>> {
    let Looked::Known(look) = hub.glance(&Glance::at(folder)) else {
        return None;
    };
    match &look.sight {
        Sight::Absent { .. } => Some(None),
        Sight::There(Seen { holds: None, .. }) => Some(None),
        Sight::There(Seen {
            holds: Some(Ok(names)),
            ..
        }) => match names.find(name) {
            Some(folder) => Some(Some(folder)),
            None => (!names.more).then_some(None),
        },
        Sight::There(_) | Sight::Unknown(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStrExt;
    use std::path::Path;

    use hoist_cluster::Nobody;

    use super::*;
    use crate::EngineOptions;

    fn engine(store: &Path) -> Engine {
        let store = store.join("store");
        let ask = Arc::new(Nobody);
        Engine::start(EngineOptions { store, ask }).expect("started")
    }

    fn bytes(path: &Path) -> Vec<u8> {
        path.as_os_str().as_bytes().to_vec()
    }

    async fn settled(engine: &Engine, settings: &TargetSettings, path: &[u8]) -> Standing {
        let mut seen = engine.seen();
        loop {
            match engine.standing(settings, path) {
                Standing::Unknown => {
                    let changed = tokio::time::timeout(Duration::from_secs(60), seen.changed());
                    changed.await.expect("an answer").expect("the engine lives");
                }
                known => return known,
            }
        }
    }

    #[tokio::test]
    async fn this_machine_is_looked_at_without_anything_being_started() {
        let folder = tempfile::tempdir().expect("a folder");
        let engine = engine(folder.path());
        // What would be started there does not exist, and the work folder cannot be made.
        let settings = TargetSettings {
            python: Some("/nowhere/python".to_owned()),
            work_dir: "/proc/nowhere".to_owned(),
            ..TargetSettings::local()
        };
        let path = bytes(&folder.path().join("data"));
        assert_eq!(settled(&engine, &settings, &path).await, Standing::Missing);
        assert_eq!(
            settled(&engine, &settings, b"/").await,
            Standing::There { folder: true }
        );
        std::fs::write(folder.path().join("data"), "").expect("written");
        // Known for a while, and asked for anew when it is doubted.
        assert_eq!(engine.standing(&settings, &path), Standing::Missing);
        let mut seen = engine.seen();
        engine.doubt_looks();
        assert_eq!(engine.standing(&settings, &path), Standing::Missing);
        seen.changed().await.expect("the engine lives");
        assert_eq!(
            engine.standing(&settings, &path),
            Standing::There { folder: false }
        );
        let below = [path.as_slice(), b"/x/"].concat();
        assert_eq!(settled(&engine, &settings, &below).await, Standing::Missing);
    }

    #[tokio::test]
    async fn no_connection_is_made_for_a_look() {
        let folder = tempfile::tempdir().expect("a folder");
        let engine = engine(folder.path());
        let settings = TargetSettings {
            name: "far".to_owned(),
            host: Some("far".to_owned()),
            ..TargetSettings::local()
        };
        let glance = Glance::at(*b"/data");
        assert!(matches!(
            engine.look(&settings, &glance),
            Looked::Unreachable
        ));
        let soon = engine
            .look_soon(&settings, &glance, Duration::from_secs(60))
            .await;
        assert!(matches!(soon, Looked::Unreachable));
        assert_eq!(engine.standing(&settings, b"/data"), Standing::Unknown);
    }

    #[tokio::test]
    async fn what_may_be_otherwise_for_a_job_is_not_judged() {
        let folder = tempfile::tempdir().expect("a folder");
        let engine = engine(folder.path());
        let slurm = TargetSettings {
            scheduler: SchedulerKind::Slurm,
            ..TargetSettings::local()
        };
        let missing = bytes(&folder.path().join("none"));
        let below_usr = b"/usr/none".as_slice();
        assert_eq!(settled(&engine, &slurm, below_usr).await, Standing::Missing);
        assert!(!is_shared(&slurm, b"/tmp/none") && is_shared(&TargetSettings::local(), &missing));
        // A folder at the root that only the nodes may have.
        let top = Glance::at(*b"/");
        engine
            .look_soon(&slurm, &top, Duration::from_secs(60))
            .await;
        assert_eq!(engine.standing(&slurm, b"/nodes-only/x"), Standing::Unknown);
        let image = TargetSettings {
            environment: "image:x.sif".parse().ok(),
            ..TargetSettings::local()
        };
        assert!(!is_shared(&image, below_usr));
        let mut other_home = TargetSettings::local();
        other_home
            .env
            .insert("HOME".to_owned(), "/elsewhere".to_owned());
        assert!(!is_shared(&other_home, b"~/x"));
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let mut state = State::default();
        for number in 0..2 * KEPT {
            let glance = Glance::at(format!("/{number}"));
            state.get(&glance);
            state.keep(glance, Sight::Absent { link: false }, Instant::now());
        }
        state.trim();
        assert_eq!(state.known.len(), KEPT);
        assert!(
            state
                .known
                .contains_key(&Glance::at(format!("/{}", 2 * KEPT - 1)))
        );
    }
}
