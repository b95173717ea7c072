//! The task of one job: connect, send, submit, follow, end. It goes on where the job's record and logs say it was.

mod before;
mod environment;

use std::sync::Arc;
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use hoist_cluster::{
    DataFile, ErrorKind, FollowEvent, JobEnvironment, Made, NativeId, Offer, Offsets, Outcome,
    Parent, Piece, SchedulerState, Submission, Target, Upload,
};
use hoist_package::RunResult;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::again::Lacked;
use crate::data;
use crate::end::{self, Circumstances, End};
use crate::engine::{Engine, Inner};
use crate::fetch;
use crate::hub::{Hub, Questions};
use crate::output::{Output, OutputError};
use crate::store::{Folder, Lock, Record, now};
use crate::sweep::{Accepted, Failed, Submitted};
use crate::usage;
use crate::view::TaskOf;
use crate::{Event, JobId, State, Stream};
pub(crate) use environment::Attempt;
use environment::Stopped;

/// How often the job's folder is looked at for the wish of another process to cancel.
const LOOK: Duration = Duration::from_millis(500);
/// How long the files of a job may lag behind its scheduler's word that it is over (shared file systems do).
const GRACE: Duration = Duration::from_secs(15);
/// The same when someone wanted it ended: a job that never started leaves no files.
const GRACE_CANCELLED: Duration = Duration::from_secs(2);

/// So many files that could not be fetched are named one by one.
const PROBLEMS: usize = 5;

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
    /// What it had too little of, as far as its files or its scheduler tell.
    lacked: Option<Lacked>,
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
            lacked: None,
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
        let end = self.not_run(end).await;
        // Whoever waits for that to be done must not miss it.
        let releasing = self.hub.releasing();
        self.finish(end);
        // Only now that it is written down.
        if self.record.view.native_id.is_some() {
            self.hub.release(self.record.view.job, releasing);
        }
    }

    /// What a target may have to be sent once the job begins there.
    fn offer(&self) -> Option<Offer> {
        let package = self.inner.store.package(&self.record.package).ok()?;
        let data = data::files_of_package(&package, &self.record.origins).ok()?;
        let (inner, job) = (self.inner.clone(), self.record.view.job);
        let (store, sha256) = (self.inner.clone(), self.record.package.clone());
        Some(Offer {
            package: Box::new(move || {
                let package = store.store.package(&sha256);
                package.map_err(std::io::Error::other)
            }),
            sha256: self.record.package.clone(),
            request: self.folder.request().ok()?,
            data,
            progress: Box::new(move |upload| {
                let Upload { sent, total } = upload;
                // That nobody listens is no error.
                inner.events.send(Event::Upload { job, sent, total }).ok();
            }),
        })
    }

    /// Submits the job if it is not submitted yet.
    async fn submitted(&mut self, start: Start) -> Result<NativeId, End> {
        if let Some(id) = &self.record.view.native_id {
            return Ok(NativeId(id.clone()));
        }
        self.in_time().await?;
        let parents = self.parents().await?;
        if let Some(task) = self.record.view.sweep {
            return self.submitted_with(task, start, &parents).await;
        }
        let package = self
            .inner
            .store
            .package(&self.record.package)
            .map_err(|error| End::lost(error.to_string()))?;
        let data = data::files_of_package(&package, &self.record.origins)
            .map_err(|error| End::lost(error.to_string()))?;
        let request = self
            .folder
            .request()
            .map_err(|error| End::lost(error.to_string()))?;
        let mut submission = Submission {
            job: self.record.view.job.to_string(),
            name: self.record.view.name.clone(),
            sha256: self.record.package.clone(),
            package: package.into(),
            request,
            resources: self.record.resources.clone(),
            after: parents,
            environment: JobEnvironment::Settings,
            data,
        };
        let mut has_environment = false;
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
            if !has_environment {
                match self.environment(&target, began).await {
                    Ok(environment) => {
                        submission.environment = environment;
                        has_environment = true;
                    }
                    Err(Stopped::End(end)) => return Err(*end),
                    Err(Stopped::Broken(why)) => {
                        self.hub.broken(&target).await;
                        self.say(format!("connecting again: {why}"));
                        tokio::time::sleep(waits.next().unwrap_or(LONGEST_WAIT)).await;
                        continue;
                    }
                }
            }
            if !began && !submission.data.is_empty() {
                self.change(State::Uploading, |_| {});
                match self.send(&target, &submission.data).await {
                    Ok(()) => {}
                    Err(error) if may_help(start, &error) => {
                        self.hub.broken(&target).await;
                        self.say(format!("connecting again: {error}"));
                        tokio::time::sleep(waits.next().unwrap_or(LONGEST_WAIT)).await;
                        continue;
                    }
                    Err(error) if error.kind == ErrorKind::Stopped => {
                        return Err(End::cancelled("cancelled before it was submitted"));
                    }
                    Err(error) => return Err(End::lost(error.to_string())),
                }
            }
            began = true;
            self.change(State::Uploading, |_| {});
            let (inner, job) = (self.inner.clone(), self.record.view.job);
            let progress = move |upload: Upload| {
                let Upload { sent, total } = upload;
                // That nobody listens is no error.
                inner.events.send(Event::Upload { job, sent, total }).ok();
            };
            let submitted = target.submit_unless(&submission, progress, || self.wish());
            match submitted.await {
                Ok(id) => {
                    let text = id.to_string();
                    let first = submission.after.first();
                    let reason = first.map(|parent| format!("waiting for {}", parent.job));
                    self.change(State::Queued, |view| {
                        view.native_id = Some(text);
                        view.submitted = Some(now());
                        view.reason = reason;
                    });
                    self.hub.look(&target);
                    return Ok(id);
                }
                Err(error) if may_help(start, &error) => {
                    self.hub.broken(&target).await;
                    self.say(format!("connecting again: {error}"));
                    tokio::time::sleep(waits.next().unwrap_or(LONGEST_WAIT)).await;
                }
                Err(error) => {
                    target.remove(&submission.job).await.ok();
                    return Err(match error.kind {
                        ErrorKind::SchedulerSilent => End::unlucky(error.to_string()),
                        ErrorKind::Stopped => End::cancelled("cancelled before it was submitted"),
                        _ => End::lost(error.to_string()),
                    });
                }
            }
        }
    }

    /// Sends its data files, which may take long, unless someone wants the job ended meanwhile.
    async fn send(
        &self,
        target: &Target,
        files: &[DataFile],
    ) -> Result<(), hoist_cluster::ClusterError> {
        let (inner, job) = (self.inner.clone(), self.record.view.job);
        let progress = move |upload: Upload| {
            let Upload { sent, total } = upload;
            // That nobody listens is no error.
            inner.events.send(Event::Upload { job, sent, total }).ok();
        };
        target
            .send_data_unless(files, progress, || self.wish())
            .await
    }

    /// Submits the sweep that the job is a task of, if that is not done yet.
    async fn submitted_with(
        &mut self,
        task: TaskOf,
        start: Start,
        parents: &[Parent],
    ) -> Result<NativeId, End> {
        let sweep = task.sweep;
        let inner = self.inner.clone();
        let job = self.record.view.job;
        let mut waits = waits();
        let mut began = false;
        loop {
            let Some(target) = self.connected(start, began).await? else {
                if inner.submitters.leave_out(&inner, sweep).await {
                    return Err(End::cancelled("cancelled before it was submitted"));
                }
                // Too late: it is ended over there.
                began = true;
                continue;
            };
            let environment = match inner.submitters.is_done(&inner, sweep).await {
                true => JobEnvironment::Settings,
                false => match self.environment(&target, began).await {
                    Ok(environment) => environment,
                    Err(Stopped::End(end)) => {
                        if inner.submitters.leave_out(&inner, sweep).await {
                            return Err(*end);
                        }
                        continue;
                    }
                    Err(Stopped::Broken(why)) => {
                        self.hub.broken(&target).await;
                        self.say(format!("connecting again: {why}"));
                        tokio::time::sleep(waits.next().unwrap_or(LONGEST_WAIT)).await;
                        continue;
                    }
                },
            };
            began = true;
            let submitters = &inner.submitters;
            let submitted = submitters.submit(&inner, sweep, &target, job, parents, &environment);
            let submitted = submitted.await;
            match submitted.map(|ids| ids.get(task.index).cloned()) {
                Ok(Some(Submitted::As(Accepted { id, at }))) => {
                    // That is written down for all tasks together.
                    self.record.view.state = State::Queued;
                    self.record.view.message = None;
                    self.record.view.native_id = Some(id.to_string());
                    self.record.view.submitted = at;
                    self.tell();
                    self.hub.look(&target);
                    return Ok(id);
                }
                Ok(Some(Submitted::Refused(why))) => return Err(End::lost(why)),
                Ok(Some(Submitted::LeftOut) | None) => {
                    return Err(End::cancelled("cancelled before it was submitted"));
                }
                Err(Failed::Store(error)) => return Err(End::lost(error.to_string())),
                Err(Failed::Target(error)) if may_help(start, &error) => {
                    self.hub.broken(&target).await;
                    self.say(format!("connecting again: {error}"));
                    tokio::time::sleep(waits.next().unwrap_or(LONGEST_WAIT)).await;
                }
                Err(Failed::Target(error)) => return Err(End::lost(error.to_string())),
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
                    () = self.wish(), if !began => None,
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
                        () = hub.wait(wait) => {}
                        () = self.wish(), if !began => return Ok(None),
                    }
                }
            }
        }
    }

    /// Follows the job's files to its end.
    async fn follow(&mut self, native_id: NativeId) -> End {
        if self.record.view.started.is_none() {
            self.take_up_parents();
        }
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
        let (made, look) = (self.made(), self.look());
        let offsets = Offsets {
            stdout: self.output.length(Stream::Stdout),
            stderr: self.output.length(Stream::Stderr),
        };
        if target.may_ask_later()
            && let Some(offer) = self.offer()
        {
            target.offer(&job, offer);
        }
        let mut events = target
            .follow(&job, made, offsets)
            .map_err(|error| error.to_string())?;
        if let Some(over) = &mut following.over {
            // Its files were out of reach meanwhile.
            over.until = Instant::now() + over.grace;
        }
        loop {
            let over = following.over.as_ref().map(|over| over.until);
            tokio::select! {
                event = events.recv() => match event {
                    Some(FollowEvent::Lost(error)) => return Err(error.to_string()),
                    None => return Err("the connection ended".to_owned()),
                    Some(event) => if let Some(end) = self.hear(event, native_id, following).await? {
                        self.bring(target).await;
                        return Ok(end);
                    }
                },
                Some(state) = questions.next() => self.hear_scheduler(state, following),
                () = until(over) => if let Some(over) = &following.over {
                    if has_left_marker(target, &job).await? {
                        return Err("it is over there, and nothing tells of it".to_owned());
                    }
                    let known = self.circumstances();
                    return Ok(end::from_scheduler(over.outcome, &over.words, known));
                },
                () = wish(&self.folder, &self.cancel, look), if !following.cancelled => {
                    self.say("cancelling".to_owned());
                    target.cancel(&job, made, native_id).await.map_err(|error| error.to_string())?;
                    following.cancelled = true;
                }
            }
        }
    }

    /// How often its folder is looked at for a wish: those of many tasks together no more often than of a hundred jobs.
    fn look(&self) -> Duration {
        let tasks = self.record.view.sweep.map_or(1, |task| task.of);
        LOOK.mul_f64((tasks as f64 / 100.0).max(1.0))
    }

    async fn wish(&self) {
        wish(&self.folder, &self.cancel, self.look()).await;
    }

    /// When its folder is made over there.
    fn made(&self) -> Made {
        match self.record.view.sweep {
            Some(_) => Made::AtStart,
            None => Made::Before,
        }
    }

    /// Takes in what came from the job's files; `Some` at the end.
    async fn hear(
        &mut self,
        event: FollowEvent,
        native_id: &NativeId,
        following: &mut Following,
    ) -> Result<Option<End>, String> {
        match event {
            FollowEvent::Started(bytes) => {
                let began = self.began(&bytes);
                self.change(State::Running, |view| {
                    view.started.get_or_insert(began);
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
            FollowEvent::Exit(bytes) => Ok(Some(self.end_of(&bytes, native_id, following).await)),
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

    /// When it began: by the other side's clock, where that can be, as nobody here may have been looking.
    fn began(&self, started: &[u8]) -> u64 {
        let seen = now();
        let said = hoist_package::Started::parse(started).ok();
        let said = said.map(|started| started.time * 1000.0);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "what cannot be is not believed"
        )]
        let said = said.filter(|said| said.is_finite()).map(|said| said as u64);
        let earliest = self
            .record
            .view
            .submitted
            .unwrap_or(self.record.view.created);
        said.filter(|said| (earliest..=seen).contains(said))
            .unwrap_or(seen)
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
                if outcome == Outcome::OutOfMemory {
                    self.lacked = Some(Lacked::Memory);
                }
                let grace = if self.folder.is_cancel_wished() {
                    GRACE_CANCELLED
                } else {
                    GRACE
                };
                following.over.get_or_insert_with(|| Over {
                    outcome,
                    words,
                    grace,
                    until: Instant::now() + grace,
                });
            }
        }
    }

    /// The end that the exit marker tells, with the result in the view. Where it leaves open who ended the job, the scheduler's
    /// word goes before it.
    async fn end_of(
        &mut self,
        exit: &[u8],
        native_id: &NativeId,
        following: &mut Following,
    ) -> End {
        let parsed = self.folder.result().map(|bytes| RunResult::parse(&bytes));
        let (result, problem) = match parsed {
            Some(Ok(result)) => (Some(result), None),
            Some(Err(error)) => (None, Some(error.to_string())),
            None => (None, self.too_large.take()),
        };
        self.lacked = self.lacked.or(Lacked::from_marker(exit));
        if result.is_none()
            && let Some(end) = self.unbuilt(exit)
        {
            return end;
        }
        let end = end::from_marker(exit, result.as_ref(), problem, self.circumstances());
        if let Some(mut result) = result {
            self.keep_pickle(&mut result);
            end::describe(&mut self.record.view, result, &self.record.origins);
        }
        if !end::is_unexplained(exit) || self.folder.is_cancel_wished() {
            return end;
        }
        let word = match following.over.take() {
            Some(over) if over.outcome != Outcome::Vanished => Some((over.outcome, over.words)),
            _ => {
                self.say("asking the scheduler why it ended".to_owned());
                self.hub.last_word(native_id).await
            }
        };
        let Some((outcome, words)) = word else {
            return end;
        };
        let Some(explained) = end::explained(outcome, &words, self.circumstances()) else {
            return end;
        };
        self.lacked = match outcome {
            Outcome::OutOfMemory => Some(Lacked::Memory),
            _ => None,
        };
        // What the runner could say of it is less than what is known now; where it stood is still true.
        if let (Some(error), Some(reason)) = (&mut self.record.view.error, &explained.reason) {
            error.message.clone_from(reason);
        }
        explained
    }

    /// Keeps the value's pickle, where it came within the result; one that did not is fetched.
    fn keep_pickle(&self, result: &mut RunResult) {
        if let Some(bytes) = result.pickle.as_ref().and_then(|pickle| pickle.bytes())
            && let Err(error) = self.folder.keep(end::PICKLE, &bytes)
        {
            let note = format!("the pickle of its value could not be kept here ({error})");
            result.notes.push(note);
        }
    }

    /// Fetches what comes back by itself of what the job left. That it ended is known without it: what does not come is only said.
    async fn bring(&mut self, target: &Target) {
        self.folder.find_files(&mut self.record.view);
        let wanted = fetch::by_themselves(&self.record.view, &self.record.settings);
        if wanted.is_empty() {
            return;
        }
        let bytes = fetch::missing_bytes(&wanted);
        let (inner, job) = (self.inner.clone(), self.record.view.job);
        self.say(format!(
            "fetching {}, {} kB",
            match wanted.len() {
                1 => "1 file".to_owned(),
                count => format!("{count} files"),
            },
            bytes.div_ceil(1000)
        ));
        let tell = move |sent| {
            let total = bytes;
            // That nobody listens is no error.
            inner.events.send(Event::Fetch { job, sent, total }).ok();
        };
        let fetched = fetch::fetch(target, &self.folder, job, &wanted, &tell).await;
        let again = format!("`hoist files {job}` lists what it left");
        let notes = &mut self.record.view.notes;
        match fetched {
            Err(error) => notes.push(format!(
                "what it left could not be fetched: {error}; {again}"
            )),
            Ok(problems) => {
                let more = problems.len().saturating_sub(PROBLEMS);
                let told = problems.iter().take(PROBLEMS);
                notes.extend(told.map(|(path, why)| format!("{path} was not fetched: {why}")));
                if more > 0 {
                    notes.push(format!("{more} more files were not fetched; {again}"));
                }
            }
        }
        self.folder.find_files(&mut self.record.view);
    }

    fn circumstances(&self) -> Circumstances {
        Circumstances {
            cancel_wished: self.folder.is_cancel_wished(),
            time_limit: self.record.resources.time.map(|time| time.0),
            memory: self.record.resources.memory,
        }
    }

    /// Whether the job is to run once more by itself, after bad luck of its target's.
    fn may_run_once_more(&self, end: &End) -> bool {
        let attempt = self.record.view.attempt.unwrap_or(1);
        end.is_bad_luck
            && attempt <= self.record.resources.retries.unwrap_or_default()
            && !self.folder.is_cancel_wished()
    }

    /// Writes the end down, then tells it; the next attempt, if there is to be one, is there before.
    fn finish(&mut self, end: End) {
        self.output.end();
        if self.may_run_once_more(&end) {
            let next = *self.record.view.next.get_or_insert_with(JobId::new);
            // Whoever goes on after a crash makes the same one.
            let made = self
                .folder
                .write(&self.record)
                .and_then(|()| Engine::of(self.inner.clone()).run_once_more(&self.record, next));
            if let Err(error) = made {
                self.record.view.next = None;
                self.record
                    .view
                    .notes
                    .push(format!("it cannot be run once more: {error}"));
            }
        }
        let (lacked, asked) = (self.lacked, self.record.resources.clone());
        self.change(end.state, |view| {
            view.reason = end.reason;
            view.message = None;
            view.ended = Some(now());
            usage::conclude(view, &asked);
            // Who was cancelled or succeeded had enough.
            let lacked = match view.state {
                State::Failed | State::Lost => lacked,
                _ => None,
            };
            // The time that it had was not lost.
            let goes_on = view.state == State::TimedOut && view.goes_on();
            if let Some(lacked) = lacked.or(Lacked::from_end(view)).filter(|_| !goes_on) {
                view.suggests = lacked.twice(&asked, view);
            }
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

/// Whether another attempt may help: by itself, or, where nobody waits for the job, once a person has logged in again. Who runs
/// something is told at once what stands in its way.
fn may_help(start: Start, error: &hoist_cluster::ClusterError) -> bool {
    let wants_person = matches!(error.kind, ErrorKind::Auth | ErrorKind::HostKey);
    error.is_transient() || (wants_person && start == Start::TakenUp)
}

/// What was learnt of a submitted job besides its files; it outlives a connection.
#[derive(Default)]
struct Following {
    /// The target was asked to end it.
    cancelled: bool,
    /// Answers "pending" in a row while it ran.
    pending_while_running: u32,
    /// The scheduler says that it is over.
    over: Option<Over>,
}

/// How a job ended in its scheduler's opinion.
struct Over {
    outcome: Outcome,
    words: String,
    /// For so long its files are waited for, over a connection.
    grace: Duration,
    /// Until then.
    until: Instant,
}

/// Whether a job's exit marker is there, asked for past the follower: one that hangs, or has not come to it on a busy machine, must
/// not make a job lost.
async fn has_left_marker(target: &Target, job: &str) -> Result<bool, String> {
    if target.may_ask_later() {
        // Its folder went with its pod.
        return Ok(false);
    }
    let marker = Piece {
        path: "exit".to_owned(),
        offset: 0,
        length: 1,
    };
    match target.fetch(job, &[marker]).await {
        Ok(answers) => Ok(matches!(answers.first(), Some(Ok(_)))),
        Err(error) if error.is_transient() => Err(error.to_string()),
        Err(_) => Ok(false),
    }
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
async fn wish(folder: &Folder, cancel: &Notify, look: Duration) {
    while !folder.is_cancel_wished() {
        tokio::select! {
            () = cancel.notified() => {}
            () = tokio::time::sleep(look) => {}
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
