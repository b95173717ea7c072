//! The jobs as the client was last told of them.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hoist_jobs::{JobId, JobView};

/// How long the end of a job is news above its function.
const NEWS: Duration = Duration::from_secs(24 * 3600);

/// All jobs by name, and the newest of each function. A clone is a snapshot.
#[derive(Clone, Default)]
pub(super) struct Jobs {
    views: BTreeMap<JobId, Arc<JobView>>,
    newest: HashMap<(PathBuf, String), JobId>,
}

impl Jobs {
    /// Takes over a view; after an end nothing else counts. Returns the view that it replaces.
    pub(super) fn update(&mut self, view: Arc<JobView>) -> Option<Arc<JobView>> {
        if let Some(known) = self.views.get(&view.job)
            && known.state.is_end()
            && !view.state.is_end()
        {
            return None;
        }
        let newest = self
            .newest
            .entry((view.path.clone(), view.entry.clone()))
            .or_insert(view.job);
        *newest = (*newest).max(view.job);
        self.views.insert(view.job, view)
    }

    /// One job.
    pub(super) fn get(&self, job: JobId) -> Option<&Arc<JobView>> {
        self.views.get(&job)
    }

    /// The job that was made last.
    pub(super) fn newest(&self) -> Option<&Arc<JobView>> {
        self.views.values().next_back()
    }

    /// The job that was made last among those that go on.
    pub(super) fn newest_going_on(&self) -> Option<&Arc<JobView>> {
        self.views.values().rev().find(|job| !job.state.is_end())
    }

    /// The newest job of a function, unless its end is old news.
    pub(super) fn newest_of(&self, path: &Path, entry: &str) -> Option<&Arc<JobView>> {
        let key = (path.to_owned(), entry.to_owned());
        let job = self.get(*self.newest.get(&key)?)?;
        let ended = job.ended.filter(|_| job.state.is_end());
        let is_old = ended.is_some_and(|ended| ended + millis(NEWS) < now());
        (!is_old).then_some(job)
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Milliseconds since 1970 UTC.
pub(super) fn now() -> u64 {
    millis(
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default(),
    )
}
