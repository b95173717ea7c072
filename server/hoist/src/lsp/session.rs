//! Everything that changes while a client is connected, in one place and behind one lock.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};

use hoist_analysis::{Finding, Runnable};
use hoist_jobs::{Engine, JobId, JobView};
use serde::Deserialize;
use tokio::sync::Notify;
use tower_lsp::ls_types::{
    DidChangeConfigurationParams, DidChangeTextDocumentParams, DidChangeWorkspaceFoldersParams,
    DidCloseTextDocumentParams, DidOpenTextDocumentParams, InitializeParams,
    WorkDoneProgressCancelParams,
};

use super::analysis::Cache;
use super::carried::Carried;
use super::documents::{Documents, Open};
use super::ext;
use super::failures::{self, Failure, Failures};
use super::from_proto;
use super::placed::Held;
use super::profile::Profile;
use super::progress;
use super::remote;
use super::snapshot::Snapshot;
use super::transport::Wire;

/// One client's session.
pub(super) struct Session {
    state: Mutex<State>,
    /// Runs jobs; there from `initialized` on.
    pub(super) engine: OnceLock<Engine>,
    /// To the client.
    pub(super) wire: Wire,
    changed: Condvar,
    goodbye: AtomicBool,
    exit: Notify,
}

#[derive(Default)]
struct State {
    now: Snapshot,
    failures: Failures,
    /// What was open when a job that goes on was made.
    runs: HashMap<JobId, Documents>,
    /// Files whose diagnostics are to be told anew.
    stale: BTreeSet<Subject>,
    /// What was found out about texts that were edited since.
    old: Vec<Arc<Cache>>,
}

/// Something that has diagnostics.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Subject {
    /// A document that was opened, by its URI's text; it may be closed by now.
    Document(String),
    /// A file that may be open or not.
    File(PathBuf),
}

impl Session {
    /// Before the first message.
    pub(super) fn new(wire: Wire) -> Self {
        Self {
            state: Mutex::default(),
            engine: OnceLock::new(),
            wire,
            changed: Condvar::new(),
            goodbye: AtomicBool::new(false),
            exit: Notify::new(),
        }
    }

    /// The state as it is now.
    pub(super) fn snapshot(&self) -> Snapshot {
        self.lock().now.clone()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic while the lock was held leaves whole values: a text and its tree change in one call.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell_anew(
        &self,
        mut state: MutexGuard<'_, State>,
        subjects: impl IntoIterator<Item = Subject>,
    ) {
        state.stale.extend(subjects);
        drop(state);
        self.changed.notify_one();
    }

    /// Waits for something whose diagnostics are to be told anew, and takes all of it.
    pub(super) fn stale(&self) -> BTreeSet<Subject> {
        let mut state = self.lock();
        while state.stale.is_empty() {
            let woken = self.changed.wait(state);
            state = woken.unwrap_or_else(PoisonError::into_inner);
        }
        std::mem::take(&mut state.stale)
    }

    /// Drops what is known of texts that were edited since, which takes longer than an edit should.
    pub(super) fn drop_old(&self) {
        let old = std::mem::take(&mut self.lock().old);
        drop(old);
    }

    /// `initialize`: what the client is.
    pub(super) fn initialize(&self, params: &InitializeParams) {
        let mut folders: Vec<PathBuf> = params
            .workspace_folders
            .iter()
            .flatten()
            .filter_map(|folder| from_proto::path(&folder.uri))
            .collect();
        #[allow(deprecated)] // Old clients say it only there.
        if folders.is_empty() {
            folders.extend(params.root_uri.as_ref().and_then(from_proto::path));
        }
        let mut state = self.lock();
        state.now.profile = Arc::new(Profile::new(params));
        state.now.folders = Arc::new(folders);
    }

    /// `workspace/didChangeConfiguration`: what the user wants now. Settings without ours change nothing.
    pub(super) fn configure(&self, params: &DidChangeConfigurationParams) {
        let Some(options) = params
            .settings
            .get("hoist")
            .and_then(|ours| ext::Options::deserialize(ours).ok())
        else {
            return;
        };
        let mut state = self.lock();
        let is_other = state.now.profile.options.python != options.python;
        Arc::make_mut(&mut state.now.profile).options = options;
        drop(state);
        if is_other {
            self.files_changed();
        }
    }

    /// `workspace/didChangeWorkspaceFolders`.
    pub(super) fn change_folders(&self, params: DidChangeWorkspaceFoldersParams) {
        let mut state = self.lock();
        let folders = Arc::make_mut(&mut state.now.folders);
        for removed in params.event.removed {
            let path = from_proto::path(&removed.uri);
            folders.retain(|folder| Some(folder) != path.as_ref());
        }
        for added in params.event.added {
            folders.extend(from_proto::path(&added.uri));
        }
        drop(state);
        self.files_changed();
    }

    /// Files on the disk, or what is open of them, are not what they were: findings are to be made anew.
    pub(super) fn files_changed(&self) {
        if let Some(engine) = self.engine.get() {
            engine.doubt_looks();
        }
        let mut state = self.lock();
        state.now.environments.doubt();
        let mut subjects = Vec::new();
        for (uri, open) in documents(&mut state.now) {
            Arc::make_mut(open).cache = Arc::new(Cache::default());
            subjects.push(Subject::Document(uri.clone()));
        }
        self.tell_anew(state, subjects);
    }

    /// Something else is seen of a target's files than before: documents that name some are told of anew.
    pub(super) fn files_seen(&self) {
        let state = self.lock();
        let documents = state.now.documents.iter();
        let concerned = documents
            .filter(|(_, open)| remote::may_name(open.document.text(), open.path.as_deref()));
        let subjects: Vec<Subject> = concerned
            .map(|(uri, _)| Subject::Document(uri.clone()))
            .collect();
        self.tell_anew(state, subjects);
    }

    /// `textDocument/didOpen`. Opening twice replaces the text: the client's last word counts.
    pub(super) fn open(&self, params: DidOpenTextDocumentParams) {
        let document = Open::new(params.text_document);
        let uri = document.uri.as_str().to_owned();
        let mut state = self.lock();
        documents(&mut state.now).insert(uri.clone(), Arc::new(document));
        self.tell_anew(state, [Subject::Document(uri)]);
    }

    /// `textDocument/didChange`. Versions may skip numbers; the order of the wire is the order of the edits.
    pub(super) fn change(&self, params: DidChangeTextDocumentParams) {
        let mut guard = self.lock();
        let state = &mut *guard;
        let encoding = state.now.profile.encoding;
        let id = params.text_document;
        let Some(document) = documents(&mut state.now).get_mut(id.uri.as_str()) else {
            return;
        };
        let path = document.path.clone();
        let failures = &mut state.failures;
        let document = Arc::make_mut(document);
        document.change(id.version, params.content_changes, encoding, |edit| {
            if let Some(path) = &path {
                failures.follow(path, edit);
            }
        });
        state.old.push(std::mem::take(&mut document.cache));
        self.tell_anew(guard, [Subject::Document(id.uri.as_str().to_owned())]);
    }

    /// `textDocument/didClose`.
    pub(super) fn close(&self, params: &DidCloseTextDocumentParams) {
        let uri = params.text_document.uri.as_str();
        let mut state = self.lock();
        documents(&mut state.now).remove(uri);
        self.tell_anew(state, [Subject::Document(uri.to_owned())]);
    }

    /// What was found in a text, for those that it is edited into: findings, and what can run if it is whole. Left out when the
    /// text has changed since.
    pub(super) fn found(
        &self,
        open: &Open,
        findings: Arc<Vec<Finding>>,
        runnables: Option<&[Runnable]>,
    ) {
        let mut state = self.lock();
        if let Some(now) = documents(&mut state.now).get_mut(open.uri.as_str())
            && Arc::ptr_eq(&now.cache, &open.cache)
        {
            let now = Arc::make_mut(now);
            now.carried = Carried::new(findings);
            if let Some(runnables) = runnables {
                now.held = Held::new(runnables);
            }
        }
    }

    /// A job was made of what was open in `documents`: what an earlier run of its entry left is gone.
    pub(super) fn began(&self, job: JobId, path: &Path, entry: &str, documents: Documents) {
        let mut state = self.lock();
        state.runs.insert(job, documents);
        let cleared = state.failures.clear(path, entry);
        self.tell_anew(state, cleared.into_iter().map(Subject::File));
    }

    /// Takes over a job's view. `true` when its state is another one than before.
    pub(super) fn update_job(&self, view: Arc<JobView>) -> bool {
        let (was, then, mut now) = {
            let mut state = self.lock();
            let before = Arc::make_mut(&mut state.now.jobs).update(view.clone());
            let ended = view.state.is_end();
            let then = if ended {
                state.runs.remove(&view.job)
            } else {
                None
            };
            (before.map(|before| before.state), then, state.now.clone())
        };
        let newest = now.jobs.newest_of(&view.path, &view.entry);
        // A newer run of the same entry speaks for it now.
        let superseded = newest.is_some_and(|newest| newest.job != view.job);
        let changed = was != Some(view.state);
        if !changed || !view.state.is_end() || superseded {
            return changed;
        }
        // The texts are compared without the lock; when one was edited meanwhile, once more.
        loop {
            let found = failures::left_by(&view, then.as_ref(), &now.documents);
            let mut state = self.lock();
            if !same_texts(&now.documents, &state.now.documents) {
                now = state.now.clone();
                continue;
            }
            let files: Vec<_> = found
                .iter()
                .map(|(path, _)| Subject::File(path.clone()))
                .collect();
            state.failures.add(found);
            self.tell_anew(state, files);
            return changed;
        }
    }

    /// Takes over jobs of earlier sessions as they are, without any fuss.
    pub(super) fn know_jobs(&self, views: Vec<Arc<JobView>>) {
        let mut state = self.lock();
        let jobs = Arc::make_mut(&mut state.now.jobs);
        for view in views {
            jobs.update(view);
        }
    }

    /// The failures in a file.
    pub(super) fn failures(&self, path: &Path) -> Vec<Failure> {
        self.lock().failures.of(path).to_vec()
    }

    /// `window/workDoneProgress/cancel`: ends the job whose progress it is.
    pub(super) fn cancel_progress(&self, params: &WorkDoneProgressCancelParams) {
        if let (Some(job), Some(engine)) = (progress::job_of(&params.token), self.engine.get()) {
            let engine = engine.clone();
            // Writes the wish down, which may take a moment; the job's own view tells what came of it.
            tokio::task::spawn_blocking(move || engine.cancel(job));
        }
    }

    /// `shutdown`.
    pub(super) fn shut_down(&self) {
        self.goodbye.store(true, Ordering::Release);
    }

    /// Whether the client sent `shutdown`.
    pub(super) fn said_goodbye(&self) -> bool {
        self.goodbye.load(Ordering::Acquire)
    }

    /// `exit`.
    pub(super) fn exit(&self) {
        self.exit.notify_one();
    }

    /// Ends after `exit`.
    pub(super) async fn exited(&self) {
        self.exit.notified().await;
    }
}

/// Whether both hold the same documents at the same versions.
fn same_texts(one: &Documents, other: &Documents) -> bool {
    let texts = |documents: &Documents| -> Vec<*const Cache> {
        documents
            .values()
            .map(|open| Arc::as_ptr(&open.cache))
            .collect()
    };
    texts(one) == texts(other)
}

fn documents(now: &mut Snapshot) -> &mut BTreeMap<String, Arc<Open>> {
    Arc::make_mut(&mut now.documents)
}
