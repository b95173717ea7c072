//! This machine: scripts are child processes.

use std::process::Stdio;
use std::sync::Arc;

use futures::future::BoxFuture;
use tokio::process::{Child, Command};
use tokio::sync::mpsc::unbounded_channel;

use super::{Hold, Piece, Process, Transport, pump};
use crate::error::{ClusterError, ErrorKind};
use crate::follower::Follower;

/// The transport to this machine.
pub(crate) struct Local {
    target: String,
}

impl Local {
    pub(crate) fn new(target: &str) -> Self {
        Self {
            target: target.to_owned(),
        }
    }
}

impl Transport for Local {
    fn spawn<'a>(
        &'a self,
        script: &'a str,
        _hold: Hold,
    ) -> BoxFuture<'a, Result<Process, ClusterError>> {
        Box::pin(async move {
            let failed = |e: &dyn std::fmt::Display| {
                ClusterError::new(
                    &self.target,
                    ErrorKind::Command,
                    format!("/bin/sh cannot be started here ({e})"),
                    "check that /bin/sh exists and that the limit of processes is not reached",
                )
            };
            // A group of its own: Ctrl-C in the terminal is for Hoist, not for what it started.
            let mut child = Command::new("/bin/sh")
                .arg("-c")
                .arg(script)
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .process_group(0)
                .kill_on_drop(true)
                .spawn()
                .map_err(|e| failed(&e))?;
            let (Some(input), Some(stdout), Some(stderr)) =
                (child.stdin.take(), child.stdout.take(), child.stderr.take())
            else {
                return Err(failed(&"no pipes"));
            };
            let (sender, output) = unbounded_channel();
            tokio::spawn(pump(stdout, sender.clone(), Piece::Stdout));
            tokio::spawn(pump(stderr, sender, Piece::Stderr));
            Ok(Process {
                input: Box::new(input),
                output,
                _guard: Box::new(Killer(Some(child))),
            })
        })
    }

    fn target(&self) -> &str {
        &self.target
    }

    fn follower(self: Arc<Self>, python: &str) -> Follower {
        Follower::new(self, python.to_owned())
    }
}

/// Ends the child when the process is dropped, and reaps it.
struct Killer(Option<Child>);

impl Drop for Killer {
    fn drop(&mut self) {
        let Some(mut child) = self.0.take() else {
            return;
        };
        if matches!(child.try_wait(), Ok(Some(_))) {
            return;
        }
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => {
                runtime.spawn(async move {
                    // Its input is closed by now: give it a moment to end by itself.
                    let moment = std::time::Duration::from_millis(500);
                    if tokio::time::timeout(moment, child.wait()).await.is_err() {
                        let _ = child.kill().await;
                    }
                });
            }
            Err(_) => drop(child),
        }
    }
}
