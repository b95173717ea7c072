//! The task of one job: connect, send, submit, follow, end. It goes on where the job's record and logs say it was.

use std::sync::Arc;
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use hoist_cluster::{FollowEvent, NativeId, Offsets, SchedulerState, Submission, Target, Upload};
use hoist_package::RunResult;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::end::{self, Circumstances, End};
use crate::engine::Inner;
use crate::hub::{Hub, Questions};
use crate::output::{Output, OutputError};
use crate::store::{Folder, Lock, Record, now};
use crate::{Event, State, Stream};

/// How often the job's folder is looked at for the wish of another process to cancel.
const LOOK: Duration = Duration::from_millis(500);
/// How long the files of a job may lag behind its scheduler's word that it is over (shared file systems do).
const GRACE: Duration = Duration::from_secs(15);
/// The same when someone wanted it ended: a job that never started leaves no files.
const GRACE_CANCELLED: Duration = Duration::from_secs(2);

/// Where a driven job comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Start {
    /// Someone has just asked for it, and wants to hear at once when its target cannot be reached.
    Fresh,
    /// An earlier process left it unfinished: its target may come back.
    TakenUp,
}

/// Drives one job.
pub(crate) struct Driver {
    inner: Arc<Inner>,
    hub: Arc<Hub>,
    folder: Folder,
    record: Record,
    output: Output,
    cancel: Arc<Notify>,
    /// Why the result will not come.
    too_large: Option<String>,
    /// Given back when the job is at its end.
    _lock: Lock,
}

impl Driver {
    pub(crate) fn new(
        inner: Arc<Inner>,
        hub: Arc<Hub>,
        folder: Folder,
        record: Record,
        lock: Lock,
        cancel: Arc<Notify>,
    ) -> Self {
        let output = Output::new(record.view.job, folder.clone(), inner.events.clone());
        Self {
            inner,
            hub,
            folder,
            record,
            output,
            cancel,
            too_large: None,
            _lock: lock,
        }
    }

    /// Until the end.
    pub(crate) async fn run(mut self, start: Start) {
        self.tell();
        let end = match self.submitted(start).await {
            Ok(native_id) => self.follow(native_id).await,
            Err(end) => end,
        };
        self.finish(end);
    }

    /// Submits the job if it is not submitted yet.
    async fn submitted(&mut self, start: Start) -> Result<NativeId, End> {
        if let Some(id) = &self.record.view.native_id {
            return Ok(NativeId(id.clone()));
        }
        let package = self
            .folder
            .package()
            .map_err(|error| End::lost(error.to_string()))?;
        let request = self
            .folder
            .request()
            .map_err(|error| End::lost(error.to_string()))?;
        let submission = Submission {
            job: self.record.view.job.to_string(),
            name: self.record.view.name.clone(),
            sha256: self.record.package.clone(),
            package: package.into(),
            request,
            resources: self.record.resources.clone(),
        };
        let mut waits = waits();
        // Once the target was asked to submit, it may have done so without our hearing of it.
        let mut began = start == Start::TakenUp && self.record.view.state == State::Uploading;
        loop {
            let target = match self.connected(start, began).await? {
                Some(target) => target,
                None => return Err(End::cancelled("cancelled before it was submitted")),
            };
            if !began && self.folder.is_cancel_wished() {
                return Err(End::cancelled("cancelled before it was submitted"));
            }
            began = true;
            self.change(State::Uploading, |_| {});
            let (inner, job) = (self.inner.clone(), self.record.view.job);
            let progress = move |upload: Upload| {
                let Upload { sent, total } = upload;
                // That nobody listens is no error.
                inner.events.send(Event::Upload { job, sent, total }).ok();
            };
            match target.submit(&submission, progress).await {
                Ok(id) => {
                    let text = id.to_string();
                    self.change(State::Queued, |view| view.native_id = Some(text));
                    self.folder.drop_package();
                    self.hub.look(&target);
                    return Ok(id);
                }
                Err(error) if error.is_transient() => {
                    self.hub.broken(&target).await;
                    self.say(format!("connecting again: {error}"));
                    tokio::time::sleep(waits.next().unwrap_or(LONGEST_WAIT)).await;
                }
                Err(error) => {
                    target.remove(&submission.job).await.ok();
                    return Err(End::lost(error.to_string()));
                }
            }
        }
    }

    /// A connection; `None` when someone wants the job ended and nothing was begun yet.
    async fn connected(&mut self, start: Start, began: bool) -> Result<Option<Arc<Target>>, End> {
        let hub = self.hub.clone();
        let mut waits = waits();
        loop {
            let attempt = async {
                tokio::select! {
                    biased;
                    () = wish(&self.folder, &self.cancel), if !began => None,
                    attempt = hub.target() => Some(attempt),
                }
            };
            match attempt.await {
                None => return Ok(None),
                Some(Ok(target)) => {
                    self.say_nothing();
                    return Ok(Some(target));
                }
                Some(Err(error)) if start == Start::Fresh && !began => {
                    return Err(End::lost(error.to_string()));
                }
                Some(Err(error)) => {
                    // What a person must mend may be mended while we wait; a job that runs over there is not lost for it.
                    self.say(format!("not connected: {error}"));
                    let wait = waits.next().unwrap_or(LONGEST_WAIT);
                    tokio::select! {
                        () = tokio::time::sleep(wait) => {}
                        () = wish(&self.folder, &self.cancel), if !began => return Ok(None),
                    }
                }
            }
        }
    }

    /// Follows the job's files to its end.
    async fn follow(&mut self, native_id: NativeId) -> End {
        let mut questions = self.hub.ask_about(self.record.view.job, native_id.clone());
        let mut waits = waits();
        let mut following = Following::default();
        loop {
            let target = match self.connected(Start::TakenUp, true).await {
                Ok(Some(target)) => target,
                Ok(None) => continue,
                Err(end) => return end,
            };
            let connected_at = Instant::now();
            let why = match self
                .follow_on(&target, &native_id, &mut questions, &mut following)
                .await
            {
                Ok(end) => {
                    // The job itself may have changed it.
                    self.hub.look(&target);
                    return end;
                }
                Err(why) => why,
            };
            self.hub.broken(&target).await;
            if connected_at.elapsed() > LONGEST_WAIT {
                waits = self::waits();
            }
            self.say(format!("connecting again: {why}"));
            tokio::time::sleep(waits.next().unwrap_or(LONGEST_WAIT)).await;
        }
    }

    /// Follows over one connection; the error says why it is of no use any more.
    async fn follow_on(
        &mut self,
        target: &Arc<Target>,
        native_id: &NativeId,
        questions: &mut Questions,
        following: &mut Following,
    ) -> Result<End, String> {
        let job = self.record.view.job.to_string();
        let offsets = Offsets {
            stdout: self.output.length(Stream::Stdout),
            stderr: self.output.length(Stream::Stderr),
        };
        let mut events = target
            .follow(&job, offsets)
            .map_err(|error| error.to_string())?;
        loop {
            let over = following.over.as_ref().map(|over| over.1);
            tokio::select! {
                event = events.recv() => match event {
                    Some(FollowEvent::Lost(error)) => return Err(error.to_string()),
                    None => return Err("the connection ended".to_owned()),
                    Some(event) => if let Some(end) = self.hear(event).await? {
                        return Ok(end);
                    }
                },
                Some(state) = questions.next() => self.hear_scheduler(state, following),
                () = until(over) => if let Some((end, _)) = following.over.take() {
                    return Ok(end);
                },
                () = wish(&self.folder, &self.cancel), if !following.cancelled => {
                    self.say("cancelling".to_owned());
                    target.cancel(&job, native_id).await.map_err(|error| error.to_string())?;
                    following.cancelled = true;
                }
            }
        }
    }

    /// Takes in what came from the job's files; `Some` at the end.
    async fn hear(&mut self, event: FollowEvent) -> Result<Option<End>, String> {
        match event {
            FollowEvent::Started(_) => {
                self.change(State::Running, |view| {
                    view.started.get_or_insert_with(now);
                    view.reason = None;
                });
                Ok(None)
            }
            FollowEvent::Output {
                stream,
                offset,
                bytes,
            } => {
                let stream = match stream {
                    hoist_cluster::Stream::Stdout => Stream::Stdout,
                    hoist_cluster::Stream::Stderr => Stream::Stderr,
                };
                self.keep_output(stream, offset, &bytes).await?;
                Ok(None)
            }
            FollowEvent::Result(bytes) => {
                self.folder
                    .keep_result(&bytes)
                    .map_err(|error| error.to_string())?;
                Ok(None)
            }
            FollowEvent::ResultTooLarge(size) => {
                let limit = RunResult::LIMIT >> 20;
                self.too_large = Some(format!(
                    "its result is {} MiB long, more than the {limit} MiB that are fetched; it lies in the job's folder there",
                    size >> 20
                ));
                Ok(None)
            }
            FollowEvent::Exit(bytes) => Ok(Some(self.end_of(&bytes))),
            FollowEvent::Gone(reason) => Ok(Some(End::lost(reason))),
            FollowEvent::Disconnected(reason) => {
                self.say(format!("connecting again: {reason}"));
                Ok(None)
            }
            FollowEvent::Reconnected => {
                self.say_nothing();
                Ok(None)
            }
            FollowEvent::Lost(error) => Err(error.to_string()),
        }
    }

    /// Keeps output; waits while this machine's disk is full, because what is not kept is not announced.
    async fn keep_output(
        &mut self,
        stream: Stream,
        offset: u64,
        bytes: &[u8],
    ) -> Result<(), String> {
        let mut waits = waits();
        loop {
            match self.output.take(stream, offset, bytes) {
                Ok(()) => return Ok(()),
                Err(gap @ OutputError::Gap { .. }) => return Err(gap.to_string()),
                Err(OutputError::Store(error)) => {
                    self.say(error.to_string());
                    tokio::time::sleep(waits.next().unwrap_or(LONGEST_WAIT)).await;
                }
            }
        }
    }

    fn hear_scheduler(&mut self, state: SchedulerState, following: &mut Following) {
        match state {
            SchedulerState::Pending { reason } => {
                following.over = None;
                if self.record.view.state == State::Running {
                    // One answer may be older than the start that we saw; two mean that it was put back.
                    following.pending_while_running += 1;
                    if following.pending_while_running < 2 {
                        return;
                    }
                }
                following.pending_while_running = 0;
                let reason = Some(reason).filter(|reason| !reason.is_empty());
                if self.record.view.state == State::Queued {
                    if self.record.view.reason != reason {
                        self.record.view.reason = reason;
                        self.save();
                    }
                } else {
                    self.change(State::Queued, |view| view.reason = reason);
                }
            }
            SchedulerState::Running => {
                following.over = None;
                following.pending_while_running = 0;
            }
            SchedulerState::Unknown => {}
            SchedulerState::Ended { outcome, words } => {
                let known = self.circumstances();
                let grace = if known.cancel_wished {
                    GRACE_CANCELLED
                } else {
                    GRACE
                };
                following.over.get_or_insert_with(|| {
                    (
                        end::from_scheduler(outcome, &words, known),
                        Instant::now() + grace,
                    )
                });
            }
        }
    }

    /// The end that the exit marker tells, with the result in the view.
    fn end_of(&mut self, exit: &[u8]) -> End {
        let parsed = self.folder.result().map(|bytes| RunResult::parse(&bytes));
        let (result, problem) = match parsed {
            Some(Ok(result)) => (Some(result), None),
            Some(Err(error)) => (None, Some(error.to_string())),
            None => (None, self.too_large.take()),
        };
        let end = end::from_marker(exit, result.as_ref(), problem, self.circumstances());
        if let Some(result) = result {
            end::describe(&mut self.record.view, result, &self.record.origins);
        }
        end
    }

    fn circumstances(&self) -> Circumstances {
        Circumstances {
            cancel_wished: self.folder.is_cancel_wished(),
            time_limit: self.record.resources.time.map(|time| time.0),
        }
    }

    /// Writes the end down, then tells it.
    fn finish(&mut self, end: End) {
        self.output.end();
        self.folder.drop_package();
        self.change(end.state, |view| {
            view.reason = end.reason;
            view.message = None;
            view.ended = Some(now());
        });
    }

    /// Changes the state, if there is such a way from the present one, and tells.
    fn change(&mut self, next: State, also: impl FnOnce(&mut crate::JobView)) {
        if !self.record.view.state.can_become(next) {
            return;
        }
        self.record.view.state = next;
        self.record.view.message = None;
        also(&mut self.record.view);
        self.save();
    }

    fn say(&mut self, message: String) {
        if self.record.view.message.as_ref() != Some(&message) {
            self.record.view.message = Some(message);
            self.save();
        }
    }

    fn say_nothing(&mut self) {
        if self.record.view.message.take().is_some() {
            self.save();
        }
    }

    /// Writes the record, then tells.
    fn save(&mut self) {
        if let Err(error) = self.folder.write(&self.record) {
            // The job goes on and so does what people see of it; the record is written again with the next change.
            self.record.view.message = Some(error.to_string());
        }
        self.tell();
    }

    fn tell(&mut self) {
        self.record.view.revision += 1;
        self.inner.publish(Arc::new(self.record.view.clone()));
    }
}

/// What was learnt of a submitted job besides its files; it outlives a connection.
#[derive(Default)]
struct Following {
    /// The target was asked to end it.
    cancelled: bool,
    /// Answers "pending" in a row while it ran.
    pending_while_running: u32,
    /// The scheduler says that it is over: how, and until when its files are waited for.
    over: Option<(End, Instant)>,
}

const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// How long to wait before each further attempt.
fn waits() -> impl Iterator<Item = Duration> + Send {
    ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(500))
        .with_max_delay(LONGEST_WAIT)
        .with_jitter()
        .without_max_times()
        .build()
}

/// Comes back when someone, here or in another process, wants the job ended.
async fn wish(folder: &Folder, cancel: &Notify) {
    while !folder.is_cancel_wished() {
        tokio::select! {
            () = cancel.notified() => {}
            () = tokio::time::sleep(LOOK) => {}
        }
    }
}

/// Comes back at a time, or never.
async fn until(time: Option<Instant>) {
    match time {
        Some(time) => tokio::time::sleep_until(time).await,
        None => std::future::pending().await,
    }
}
