//! The task that follows one job from wherever it is to its end.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{LogParams, Patch, PatchParams};
use serde_json::{Value, json};
use tokio::sync::mpsc::Sender;
use tokio::time::{Instant, sleep};

use super::exec::Container;
use super::last::{self, LastWords};
use super::manifest::{JOB, KEEPER, PACKAGE, object_name};
use super::state::{self, Seen};
use super::{Cluster, WORK, lock};
use crate::data::Store;
use crate::error::{ClusterError, ErrorKind};
use crate::follower::{FollowEvent, Follower, Offsets, Stream};
use crate::query::marker_of;
use crate::scheduler::SchedulerState;
use crate::script::MARK_EXIT;
use crate::shell::quote;
use crate::submit::Upload;
use crate::target::Made;
use crate::transport::{Hold, Process, Running, Transport, exec};
use crate::upload::never;

const RECEIVE: &str = include_str!("receive.py");
/// The Python of a pod, as its keeper found it.
pub(super) const PYTHON: &str = "/hoist/python";
/// The annotation of a Job that says where the output of its pod stands in ours: `UID STDOUT STDERR`.
const BASE: &str = "hoist/base";

/// How often a job that runs is looked at from outside.
const LOOK: Duration = Duration::from_secs(4);
/// How long a container that ended may have left no exit marker before one is written for it.
const GRACE: Duration = Duration::from_secs(3);
/// How long a pod that is over may take to say its last words: as long as its containers may take to end.
const LAST_WORDS: Duration = Duration::from_secs(20);

/// Until the job's end, or until nobody listens any more.
pub(super) async fn follow(
    cluster: Arc<Cluster>,
    job: String,
    have: Offsets,
    events: Sender<FollowEvent>,
) {
    let following = Following {
        cluster,
        job,
        have,
        base: Offsets::default(),
        pod: None,
        started: false,
        disconnected: false,
        events: events.clone(),
    };
    tokio::select! {
        () = following.run() => {}
        () = events.closed() => {}
    }
}

struct Following {
    cluster: Arc<Cluster>,
    job: String,
    /// What the listener has.
    have: Offsets,
    /// Where the output of this pod begins in that of the job: a pod that was lost may have said something before.
    base: Offsets,
    /// The pod that this is the base of, by its UID.
    pod: Option<String>,
    started: bool,
    disconnected: bool,
    events: Sender<FollowEvent>,
}

/// What became of a pod that was followed.
enum Then {
    /// The end has been told.
    Done,
    /// It must be looked at anew.
    Again,
}

impl Following {
    async fn run(mut self) {
        let mut waited = Duration::ZERO;
        loop {
            // Most pods are there within seconds; whoever waits for longer does so for hours.
            let pause = (waited / 20).clamp(Duration::from_millis(300), Duration::from_secs(5));
            match self.cluster.looks.of(&self.job, pause / 2).await {
                Ok(seen) => {
                    self.connected().await;
                    match self.go_on(&seen).await {
                        Ok(Then::Done) => return,
                        Ok(Then::Again) => {}
                        Err(error) => {
                            waited = Duration::ZERO;
                            self.broken(error).await;
                        }
                    }
                }
                Err(error) if error.is_transient() => self.broken(error).await,
                Err(error) => return self.tell(FollowEvent::Lost(error)).await,
            }
            sleep(pause).await;
            waited += pause;
        }
    }

    /// Does what can be done now.
    async fn go_on(&mut self, seen: &Seen) -> Result<Then, ClusterError> {
        let is_cancelled = lock(&self.cluster.cancelled).contains(&self.job);
        match seen.pod() {
            Some(pod) if state::is_up(pod) => self.through(seen, pod).await,
            Some(pod) if state::is_over(pod) => {
                if seen.goes_on() && seen.starts_again() {
                    return Ok(Then::Again);
                }
                self.enter(seen, pod);
                self.last_words(pod).await?;
                Ok(Then::Done)
            }
            // A pod that is deleted before it began may stay for a while.
            _ if is_cancelled && seen.is_deleted() => {
                self.end(143, "cancelled", "cancelled before it began")
                    .await;
                Ok(Then::Done)
            }
            Some(_) => Ok(Then::Again),
            None => match seen.state() {
                SchedulerState::Ended { outcome, words } => {
                    let (code, state, words) = marker_of(outcome, &words);
                    self.end(code, state, words).await;
                    Ok(Then::Done)
                }
                _ => Ok(Then::Again),
            },
        }
    }

    /// Follows a pod whose keeper runs.
    async fn through(&mut self, seen: &Seen, pod: &Pod) -> Result<Then, ClusterError> {
        self.enter(seen, pod);
        let name = pod.metadata.name.clone().unwrap_or_default();
        let keeper = Arc::new(Keeper(self.cluster.container(&name, KEEPER)));
        let annotations = pod.metadata.annotations.as_ref();
        if annotations.is_none_or(|all| !all.contains_key(PACKAGE)) {
            self.send_package(&keeper).await?;
        }
        let offsets = Offsets {
            stdout: self.have.stdout.saturating_sub(self.base.stdout),
            stderr: self.have.stderr.saturating_sub(self.base.stderr),
        };
        let follower = Follower::new(keeper.clone(), PYTHON.to_owned());
        let dir = format!("{WORK}/jobs/{}", self.job);
        let mut events = follower.follow(dir, Made::AtStart, offsets);
        let mut ended_at = None;
        loop {
            let event = tokio::select! {
                event = events.recv() => event,
                () = sleep(LOOK) => {
                    match self.look_beside(&name, &keeper, &mut ended_at).await {
                        Some(then) => return Ok(then),
                        None => continue,
                    }
                }
            };
            match event {
                None => return Ok(Then::Again),
                Some(FollowEvent::Gone(_)) => return Ok(Then::Again),
                Some(FollowEvent::Lost(error)) => return Err(error),
                Some(FollowEvent::Output {
                    stream,
                    offset,
                    bytes,
                }) => {
                    let base = match stream {
                        Stream::Stdout => self.base.stdout,
                        Stream::Stderr => self.base.stderr,
                    };
                    self.output(stream, base + offset, bytes).await;
                }
                Some(FollowEvent::Started(bytes)) if !self.started => {
                    self.started = true;
                    self.tell(FollowEvent::Started(bytes)).await;
                }
                Some(FollowEvent::Started(_)) => {}
                Some(FollowEvent::Exit(bytes)) => return self.exit(&name, bytes).await,
                Some(event) => self.tell(event).await,
            }
        }
    }

    /// Looks at a pod that is followed from outside: whether it is over, or its job's container ended without a word.
    async fn look_beside(
        &mut self,
        name: &str,
        keeper: &Keeper,
        ended_at: &mut Option<Instant>,
    ) -> Option<Then> {
        let seen = self.cluster.looks.of(&self.job, LOOK / 2).await.ok()?;
        let Some(pod) = seen.pod() else {
            return Some(Then::Again);
        };
        if pod.metadata.name.as_deref() != Some(name) || !state::is_up(pod) {
            return Some(Then::Again);
        }
        let end = state::end_of(pod, JOB)?;
        if ended_at.get_or_insert_with(Instant::now).elapsed() < GRACE {
            return None;
        }
        if let SchedulerState::Ended { outcome, words } = state::end_words(pod, end) {
            let (code, state, words) = marker_of(outcome, &words);
            let script = format!(
                "umask 077; hoist_job={WORK}/jobs/{}\n{MARK_EXIT}\nmkdir \"$hoist_job/claimed\" 2>/dev/null\nhoist_mark_exit {code} {state} {}\n",
                self.job,
                quote(words)
            );
            // Should it fail, the next look tries again.
            exec(&keeper.0, &script, b"").await.ok();
        }
        None
    }

    /// Where this pod's output stands in the job's. The cluster remembers it for whoever comes after us.
    fn enter(&mut self, seen: &Seen, pod: &Pod) {
        let uid = pod.metadata.uid.clone().unwrap_or_default();
        if self.pod.as_ref() == Some(&uid) {
            return;
        }
        let known = seen
            .job
            .as_ref()
            .and_then(|job| job.metadata.annotations.as_ref()?.get(BASE))
            .and_then(|text| base_of(text));
        let base = match &known {
            Some((of, base)) if *of == uid => Some(*base),
            // Another pod was there before, whose output we may have.
            Some(_) => None,
            None if self.pod.is_none() => Some(Offsets::default()),
            None => None,
        };
        self.base = base.unwrap_or(self.have);
        if base.is_none() || known.is_none() {
            self.remember(&uid);
        }
        self.pod = Some(uid);
    }

    fn remember(&self, uid: &str) {
        let Offsets { stdout, stderr } = self.base;
        let patch =
            json!({ "metadata": { "annotations": { BASE: format!("{uid} {stdout} {stderr}") } } });
        let (cluster, name) = (Arc::clone(&self.cluster), object_name(&self.job));
        tokio::spawn(async move {
            let jobs = cluster.api.jobs();
            let patch = Patch::Merge(&patch);
            let how = PatchParams::default();
            let patched = jobs.patch_metadata(&name, &how, &patch);
            // Without it only a pod that takes the place of a lost one is followed less exactly.
            cluster.api.call(patched).await.ok();
        });
    }

    /// Sends a package that was too large to travel with the Job.
    async fn send_package(&self, keeper: &Keeper) -> Result<(), ClusterError> {
        let offer = lock(&self.cluster.offers).get(&self.job).cloned();
        let error = |kind, why: String, mend: &str| {
            ClusterError::new(&self.cluster.settings.name, kind, why, mend)
        };
        let Some(offer) = offer else {
            return Err(error(
                ErrorKind::Command,
                "its pod waits for its package, which is not at hand here".to_owned(),
                "run the job again",
            ));
        };
        // Before the package: with that the job begins.
        let store = Store {
            transport: keeper,
            settings: &self.cluster.settings,
            python: PYTHON.to_owned(),
            folder: format!("{WORK}/data"),
        };
        // Who does not want it any more has the pod deleted.
        store.send(&offer.data, &*offer.progress, &never).await?;
        let script = format!(
            "{PYTHON} -I -S -u -c {} {} {}\n",
            quote(RECEIVE),
            self.job,
            offer.sha256
        );
        let mut running = Running::start(keeper, &script).await?;
        let mut answer = running.line().await;
        if answer.as_deref() == Some("need") {
            let package = (offer.package)().map_err(|problem| {
                error(
                    ErrorKind::Command,
                    format!("its package cannot be read here ({problem})"),
                    "run the job again",
                )
            })?;
            let total = package.len() as u64;
            let sizes = json!({ "request": offer.request.len(), "package": package.len() });
            let mut whole = running.write(format!("{sizes}\n").as_bytes()).await
                && running.write(&offer.request).await;
            (offer.progress)(Upload { sent: 0, total });
            let mut sent = 0;
            for piece in package.chunks(64 * 1024) {
                whole = whole && running.write(piece).await;
                if !whole {
                    break;
                }
                sent += piece.len() as u64;
                (offer.progress)(Upload { sent, total });
            }
            answer = running.line().await;
        }
        match answer.as_deref() {
            Some("have" | "done") => Ok(()),
            Some("altered") => Err(crate::submit::altered(&self.cluster.settings.name)),
            _ => {
                let words = running.finish().await?.complaint();
                Err(error(
                    ErrorKind::Connection,
                    format!("its package could not be sent into its pod ({words})"),
                    "it is sent again",
                ))
            }
        }
    }

    /// Tells of the end of a job that left its marker, unless its pod was taken from it and it is started in another one.
    async fn exit(&mut self, pod: &str, marker: Bytes) -> Result<Then, ClusterError> {
        let is_cancelled = lock(&self.cluster.cancelled).contains(&self.job);
        let said = serde_json::from_slice::<Value>(&marker).unwrap_or_default();
        if said["state"] == "terminated" && !is_cancelled {
            let seen = self.cluster.looks.of(&self.job, Duration::ZERO).await?;
            let own = seen
                .pods
                .iter()
                .find(|one| one.metadata.name.as_deref() == Some(pod));
            if seen.is_deleted() {
                self.end(143, "cancelled", "somebody deleted its Job in the cluster")
                    .await;
                return Ok(Then::Done);
            }
            if own.is_none_or(state::is_deleted) && seen.goes_on() {
                if seen.backoff() > 0 {
                    return Ok(Then::Again);
                }
                // The cluster would start it in another pod all the same.
                self.cluster.delete(&self.job).await?;
                let words = "its pod was deleted, as when a node is drained; run it again, or set `backoff_limit` of the target, so that the cluster does";
                self.end(143, "lost", words).await;
                return Ok(Then::Done);
            }
        }
        self.tell(FollowEvent::Exit(marker)).await;
        Ok(Then::Done)
    }

    /// Tells of a job whose pod is over: from its keeper's log, else from what the cluster says.
    async fn last_words(&mut self, pod: &Pod) -> Result<(), ClusterError> {
        let name = pod.metadata.name.clone().unwrap_or_default();
        let until = Instant::now() + LAST_WORDS;
        let words = loop {
            let words = last::read(&self.log(&name).await?);
            // A pod may be called over while its containers are still told to end.
            let is_silent = state::end_of(pod, KEEPER).is_some() || Instant::now() > until;
            match words {
                Some(words) => break words,
                None if is_silent => break LastWords::default(),
                None => sleep(Duration::from_secs(1)).await,
            }
        };
        self.last_output(&words).await;
        if let Some(result) = words.result {
            self.tell(FollowEvent::Result(result)).await;
        } else if let Some(size) = words.missing_result {
            self.tell(FollowEvent::ResultTooLarge(size)).await;
        }
        let message = state::end_of(pod, KEEPER).and_then(|end| end.message.clone());
        let left = words.exit.or_else(|| {
            let message = message.filter(|text| serde_json::from_str::<Value>(text).is_ok());
            message.map(Bytes::from)
        });
        if let Some(marker) = left {
            self.tell(FollowEvent::Exit(marker)).await;
            return Ok(());
        }
        let outcome = state::outcome(pod);
        if lock(&self.cluster.cancelled).contains(&self.job) {
            self.end(143, "cancelled", "cancelled").await;
        } else if let SchedulerState::Ended { outcome, words } = outcome {
            let (code, state, words) = marker_of(outcome, &words);
            self.end(code, state, words).await;
        }
        Ok(())
    }

    /// The log of a pod's keeper; empty where there is none any more.
    async fn log(&self, pod: &str) -> Result<String, ClusterError> {
        let how = LogParams {
            container: Some(KEEPER.to_owned()),
            ..LogParams::default()
        };
        let pods = self.cluster.api.pods();
        match self.cluster.api.ask(pods.logs(pod, &how)).await? {
            Ok(log) => Ok(log),
            Err(error) => {
                let error = self.cluster.api.failed(&error);
                if error.is_transient() {
                    return Err(error);
                }
                Ok(String::new())
            }
        }
    }

    /// The output of the last words that the listener does not have. What is missing before it is told in its place.
    async fn last_output(&mut self, words: &LastWords) {
        for (index, stream) in [Stream::Stdout, Stream::Stderr].into_iter().enumerate() {
            let (base, mut have) = match stream {
                Stream::Stdout => (self.base.stdout, self.have.stdout),
                Stream::Stderr => (self.base.stderr, self.have.stderr),
            };
            let mut at = have.saturating_sub(base);
            let mut pieces: Vec<&(Stream, u64, Bytes)> = words
                .pieces
                .iter()
                .filter(|piece| piece.0 == stream)
                .collect();
            pieces.sort_by_key(|piece| piece.1);
            let first = pieces.first().map_or(words.lengths[index], |piece| piece.1);
            if first > at {
                let gap = format!(
                    "\n[hoist: {} bytes are missing here: nobody fetched them while the pod waited; a longer `keep` of the target helps]\n",
                    first - at
                );
                let length = gap.len() as u64;
                self.output(stream, have, gap.into()).await;
                have += length;
                at = first;
            }
            for (_, offset, bytes) in pieces {
                let skip = usize::try_from(at.saturating_sub(*offset)).unwrap_or(usize::MAX);
                if skip < bytes.len() {
                    let new = bytes.slice(skip..);
                    let length = new.len() as u64;
                    self.output(stream, have, new).await;
                    have += length;
                    at += length;
                }
            }
        }
    }

    async fn output(&mut self, stream: Stream, offset: u64, bytes: Bytes) {
        let end = offset + bytes.len() as u64;
        match stream {
            Stream::Stdout => self.have.stdout = end,
            Stream::Stderr => self.have.stderr = end,
        }
        self.tell(FollowEvent::Output {
            stream,
            offset,
            bytes,
        })
        .await;
    }

    async fn end(&mut self, code: i32, state: &str, reason: &str) {
        let marker = json!({ "code": code, "state": state, "reason": reason });
        self.tell(FollowEvent::Exit(marker.to_string().into()))
            .await;
    }

    async fn broken(&mut self, error: ClusterError) {
        self.disconnected = true;
        let words = format!("{}; {}", error.why, error.mend);
        self.tell(FollowEvent::Disconnected(words)).await;
    }

    async fn connected(&mut self) {
        if std::mem::take(&mut self.disconnected) {
            self.tell(FollowEvent::Reconnected).await;
        }
    }

    async fn tell(&self, event: FollowEvent) {
        // Whoever listened may have gone; then this task ends.
        self.events.send(event).await.ok();
    }
}

/// `UID STDOUT STDERR`.
fn base_of(text: &str) -> Option<(String, Offsets)> {
    let mut words = text.split(' ');
    let uid = words.next()?.to_owned();
    let stdout = words.next()?.parse().ok()?;
    let stderr = words.next()?.parse().ok()?;
    Some((uid, Offsets { stdout, stderr }))
}

/// The keeper's container, in which commands wait until the keeper has found its Python.
struct Keeper(Container);

impl Transport for Keeper {
    fn spawn<'a>(
        &'a self,
        script: &'a str,
        hold: Hold,
    ) -> BoxFuture<'a, Result<Process, ClusterError>> {
        Box::pin(async move {
            let script = format!("{}\n{script}", Self::WAIT);
            self.0.spawn(&script, hold).await
        })
    }

    fn target(&self) -> &str {
        self.0.target()
    }

    fn follower(self: Arc<Self>, python: &str) -> Follower {
        Follower::new(self, python.to_owned())
    }
}

impl Keeper {
    const WAIT: &str = "while [ ! -e /hoist/python ] && [ ! -e /hoist/failed ]; do sleep 0.1 2>/dev/null || sleep 1; done;";
}
