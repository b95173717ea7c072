//! Commands in a pod: the transport that everything in a job's folder is reached by.
//!
//! A command is an exec of the API's, over a WebSocket. Before Kubernetes 1.29 such a channel cannot be closed in one direction alone:
//! a script there never sees the end of its input, and reads as much as it is told instead.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use futures::future::BoxFuture;
use kube::api::{AttachParams, AttachedProcess};
use tokio::io::AsyncWriteExt;
use tokio::sync::mpsc::unbounded_channel;
use tokio::sync::watch;

use super::api::Api;
use crate::error::ClusterError;
use crate::follower::Follower;
use crate::transport::{Hold, Piece, Process, Transport, pump};

/// A longer script comes as the first line of its input: what is in the command stands in the request's address, and not every proxy
/// takes long ones.
const IN_ADDRESS: usize = 2 * 1024;

const BUFFER: usize = 128 * 1024;

/// How long what a command said last is waited for once it has ended.
const LAST: Duration = Duration::from_millis(300);

/// One container of one pod.
pub(crate) struct Container {
    pub(crate) api: Api,
    pub(crate) pod: String,
    pub(crate) container: &'static str,
}

impl Container {
    async fn start(&self, script: &str) -> Result<Process, ClusterError> {
        let encoded = BASE64.encode(script);
        let (command, first) = if script.len() <= IN_ADDRESS {
            (script.to_owned(), Vec::new())
        } else {
            // `read` takes no byte more than the line, so what follows is left to the script.
            let boot = r#"IFS= read -r s; eval "$(echo "$s" | base64 -d)""#;
            (boot.to_owned(), format!("{encoded}\n").into_bytes())
        };
        let how = AttachParams::default()
            .container(self.container)
            .stdin(true)
            .stdout(true)
            .stderr(true)
            .max_stdin_buf_size(BUFFER)
            .max_stdout_buf_size(BUFFER)
            .max_stderr_buf_size(BUFFER);
        let pods = self.api.pods();
        let exec = pods.exec(&self.pod, ["/bin/sh", "-c", &command], &how);
        let mut attached = self.api.call(exec).await?;
        let (sender, output) = unbounded_channel();
        // When the connection breaks the streams do not end, but nobody can tell of the command's end any more.
        let status = attached.take_status();
        let (ends, ended) = watch::channel(());
        tokio::spawn(async move {
            if let Some(status) = status {
                status.await;
            }
            drop(ends);
        });
        if let Some(stdout) = attached.stdout() {
            let pump = pump(stdout, sender.clone(), Piece::Stdout);
            tokio::spawn(until(ended.clone(), pump));
        }
        if let Some(stderr) = attached.stderr() {
            tokio::spawn(until(ended, pump(stderr, sender, Piece::Stderr)));
        }
        // The writer that we give away may be closed and dropped; the channel's own stays open until the guard goes, because closing it
        // would close the channel with all that the command has yet to say.
        let (input, mut reader) = tokio::io::duplex(BUFFER);
        let feeder = attached.stdin().map(|mut stdin| {
            tokio::spawn(async move {
                // An error is a command that has ended; its output says so.
                if stdin.write_all(&first).await.is_ok() && stdin.flush().await.is_ok() {
                    tokio::io::copy(&mut reader, &mut stdin).await.ok();
                }
                std::future::pending::<()>().await;
            })
        });
        Ok(Process {
            input: Box::new(input),
            output,
            _guard: Box::new(Guard {
                feeder,
                _attached: attached,
            }),
        })
    }
}

impl Transport for Container {
    fn spawn<'a>(
        &'a self,
        script: &'a str,
        _hold: Hold,
    ) -> BoxFuture<'a, Result<Process, ClusterError>> {
        Box::pin(self.start(script))
    }

    fn target(&self) -> &str {
        self.api.target()
    }

    fn follower(self: Arc<Self>, python: &str) -> Follower {
        Follower::new(self, python.to_owned())
    }
}

/// Hands on a stream until it ends, or until the command has ended and what it said last is through.
async fn until(mut ended: watch::Receiver<()>, pump: impl Future<Output = ()>) {
    let ended = async {
        ended.changed().await.ok();
        tokio::time::sleep(LAST).await;
    };
    tokio::select! {
        () = pump => {}
        () = ended => {}
    }
}

/// Ends the channel when dropped, and with it whatever reads from it over there.
struct Guard {
    feeder: Option<tokio::task::JoinHandle<()>>,
    _attached: AttachedProcess,
}

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some(feeder) = &self.feeder {
            feeder.abort();
        }
    }
}
