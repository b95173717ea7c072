//! What a job waits for before it is submitted: its time, and the jobs that it comes after.

use std::time::Duration;

use hoist_cluster::Parent;
use tokio::time::Instant;

use super::{Driver, GRACE};
use crate::State;
use crate::after::{self, Standing};
use crate::end::End;
use crate::engine::Engine;
use crate::store::now;

impl Driver {
    /// Waits until the time comes at which the job may be submitted.
    pub(super) async fn in_time(&mut self) -> Result<(), End> {
        let Some(then) = self.record.not_before else {
            return Ok(());
        };
        let wait = Duration::from_millis(then.saturating_sub(now()));
        tokio::select! {
            () = tokio::time::sleep(wait) => Ok(()),
            () = self.wish() => Err(End::cancelled("cancelled before it was submitted")),
        }
    }

    /// Waits until the job can be submitted as far as what it comes after is concerned; gives what its scheduler is still to
    /// wait for.
    pub(super) async fn parents(&mut self) -> Result<Vec<Parent>, End> {
        let after = self.record.view.after.clone();
        if after.is_empty() {
            return Ok(Vec::new());
        }
        loop {
            self.take_up_parents();
            match after::standing(&self.inner, &after, &self.record.settings) {
                Standing::Ready(parents) => return Ok(parents),
                Standing::Never(why) => return Err(End::cancelled(why)),
                Standing::Waits(job) => {
                    let reason = Some(format!("waiting for {job}"));
                    if self.record.view.reason != reason {
                        self.record.view.reason = reason;
                        self.save();
                    }
                }
            }
            tokio::select! {
                () = tokio::time::sleep(after::LOOK) => {}
                () = self.wish() => return Err(End::cancelled("cancelled before it was submitted")),
            }
        }
    }

    /// Somebody must learn of their ends.
    pub(super) fn take_up_parents(&self) {
        let engine = Engine::of(self.inner.clone());
        for job in after::first_of_each(&self.inner, &self.record.view.after) {
            // One that cannot be read is told of by how it stands.
            engine.take_up(job).ok();
        }
    }

    /// The end of a job that has not begun, when that is because of another one: its scheduler knows only that it dropped it.
    pub(super) async fn not_run(&mut self, end: End) -> End {
        let view = &self.record.view;
        let may_be = matches!(end.state, State::Cancelled | State::Lost)
            && view.started.is_none()
            && !self.folder.is_cancel_wished();
        if view.after.is_empty() || !may_be {
            return end;
        }
        let after = view.after.clone();
        self.take_up_parents();
        let until = Instant::now() + GRACE;
        loop {
            match after::standing(&self.inner, &after, &self.record.settings) {
                Standing::Never(why) => return End::cancelled(why),
                Standing::Ready(parents) if parents.is_empty() => return end,
                _ if Instant::now() > until => return end,
                _ => tokio::time::sleep(after::LOOK).await,
            }
        }
    }
}
