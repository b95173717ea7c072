//! One job from wherever it is to its end, at the reader's own pace.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::broadcast::{self, error::RecvError};
use tokio::time::{Instant, timeout_at};

use crate::engine::Engine;
use crate::event::whole_characters;
use crate::{Event, JobId, JobView, StoreError, Stream};

/// How often a job that another process drives is looked at.
const LOOK: Duration = Duration::from_millis(100);
/// How often it is seen whether that process still drives it.
const TAKE_UP: Duration = Duration::from_secs(1);
/// How much of a log is read at once.
const CHUNK: usize = 256 << 10;

/// The events of one job: its output from given offsets on, read from its logs, so that a slow reader loses nothing
/// and holds nothing up; its changes of state; and last, once, [`Event::Finished`]. Works for jobs of other processes too, and
/// goes on with those whose process has died.
#[derive(Debug)]
pub struct Watch {
    engine: Engine,
    job: JobId,
    events: broadcast::Receiver<Event>,
    logs: [Log; 3],
    /// When it is looked at next, whatever else wakes us.
    look_at: Instant,
    /// When it is seen next whether anybody drives the job.
    take_up_at: Instant,
    /// The last view that was passed on.
    view: Option<Arc<JobView>>,
    /// Changes to pass on before anything else is read.
    ready: VecDeque<Event>,
    /// The job is at its end; what its logs still hold comes first.
    end: Option<Arc<JobView>>,
    finished: bool,
}

#[derive(Debug)]
struct Log {
    stream: Stream,
    /// Of the next byte to pass on.
    offset: u64,
    /// There may be more in it.
    unread: bool,
}

impl Watch {
    pub(crate) fn new(engine: Engine, job: JobId, offsets: [u64; 3]) -> Self {
        let events = engine.subscribe();
        let log = |stream, offset| Log {
            stream,
            offset,
            unread: true,
        };
        Self {
            engine,
            job,
            events,
            logs: [
                log(Stream::Stdout, offsets[0]),
                log(Stream::Stderr, offsets[1]),
                log(Stream::Environment, offsets[2]),
            ],
            look_at: Instant::now() + LOOK,
            take_up_at: Instant::now() + TAKE_UP,
            view: None,
            ready: VecDeque::new(),
            end: None,
            finished: false,
        }
    }

    /// The job that is watched.
    pub fn job(&self) -> JobId {
        self.job
    }

    /// The next event; `None` after the end.
    ///
    /// # Errors
    /// The job's folder cannot be read any more.
    pub async fn next(&mut self) -> Result<Option<Event>, StoreError> {
        loop {
            if self.view.is_none() {
                self.look()?;
            }
            if let Some(event) = self.ready.pop_front() {
                return Ok(Some(event));
            }
            if let Some(event) = self.read()? {
                return Ok(Some(event));
            }
            if self.finished {
                return Ok(None);
            }
            if let Some(job) = self.end.take() {
                self.finished = true;
                return Ok(Some(Event::Finished { job }));
            }
            // The events of a job of this process wake us; the clock does for a job of another one.
            match timeout_at(self.look_at, self.events.recv()).await {
                Ok(Ok(event)) if event.job() != self.job => {}
                Ok(Ok(Event::Output { stream, .. })) => {
                    for log in &mut self.logs {
                        log.unread |= log.stream == stream;
                    }
                }
                Ok(Ok(Event::State { job })) => self.pass(job),
                Ok(Ok(event @ (Event::Upload { .. } | Event::Fetch { .. }))) => {
                    return Ok(Some(event));
                }
                Ok(Ok(Event::Finished { .. }) | Err(RecvError::Lagged(_) | RecvError::Closed)) => {
                    self.look()?;
                }
                Err(_) => {
                    let now = Instant::now();
                    self.look_at = now + LOOK;
                    if now >= self.take_up_at {
                        self.take_up_at = now + TAKE_UP;
                        self.engine.take_up(self.job)?;
                    }
                    self.look()?;
                }
            }
        }
    }

    /// Compares with what is known. The view is read before the logs, so that an end is only believed with all the output
    /// that came before it.
    fn look(&mut self) -> Result<(), StoreError> {
        let view = self.engine.job(self.job)?;
        if view.state.is_end() {
            self.view = Some(view.clone());
            self.end = Some(view);
        } else {
            self.pass(view);
        }
        for log in &mut self.logs {
            log.unread = true;
        }
        Ok(())
    }

    /// Passes a view on when it says something new.
    fn pass(&mut self, view: Arc<JobView>) {
        let told = |view: &JobView| {
            (
                view.state,
                view.reason.clone(),
                view.message.clone(),
                view.native_id.clone(),
            )
        };
        if let Some(last) = &self.view
            && (view.revision < last.revision || told(last) == told(&view))
        {
            return;
        }
        self.view = Some(view.clone());
        self.ready.push_back(Event::State { job: view });
    }

    /// One piece of output beyond what was passed on.
    fn read(&mut self) -> Result<Option<Event>, StoreError> {
        for log in self.logs.iter_mut().filter(|log| log.unread) {
            let mut bytes = self
                .engine
                .output(self.job, log.stream, log.offset, CHUNK)?;
            let is_last = bytes.len() < CHUNK;
            log.unread = !is_last;
            // At the very end also the rest of a broken character goes out.
            if !(self.end.is_some() && is_last) {
                bytes.truncate(whole_characters(&bytes));
            }
            if bytes.is_empty() {
                continue;
            }
            let offset = log.offset;
            log.offset += bytes.len() as u64;
            return Ok(Some(Event::Output {
                job: self.job,
                stream: log.stream,
                offset,
                bytes: Bytes::from(bytes),
            }));
        }
        Ok(None)
    }
}
