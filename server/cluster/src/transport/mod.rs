//! How commands and bytes reach a machine. A transport starts a shell script there; everything else is built on that.

mod local;

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures::future::BoxFuture;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};

use crate::error::{ClusterError, ErrorKind};
use crate::shell::{MarkedReader, Markers};

pub(crate) use local::Local;

use crate::ask::Ask;
use crate::follower::Follower;
use crate::settings::TargetSettings;

/// What comes from a running script.
#[derive(Debug)]
pub(crate) enum Piece {
    Stdout(Bytes),
    Stderr(Bytes),
}

/// Where a running script reads from; shutting it down is the end of its input.
pub(crate) type Input = Box<dyn AsyncWrite + Send + Unpin>;

/// A script that runs on the other side. Dropping it ends it.
pub(crate) struct Process {
    /// Its standard input.
    pub(crate) input: Input,
    /// What it prints, until both streams end.
    pub(crate) output: UnboundedReceiver<Piece>,
    /// Ends the script when dropped.
    pub(crate) _guard: Box<dyn Send>,
}

/// Hands on what comes from a stream of a script, until it ends.
pub(crate) async fn pump(
    mut from: impl AsyncRead + Unpin,
    to: UnboundedSender<Piece>,
    kind: fn(Bytes) -> Piece,
) {
    loop {
        let mut buffer = BytesMut::with_capacity(64 * 1024);
        match from.read_buf(&mut buffer).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {
                if to.send(kind(buffer.freeze())).is_err() {
                    return;
                }
            }
        }
    }
}

/// For how long a script means to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hold {
    /// A command: it ends by itself soon.
    Short,
    /// The follower: it stays, and goes when [`Transport::wanted`] completes.
    Long,
}

/// A way to a machine.
pub(crate) trait Transport: Send + Sync {
    /// Starts a script of a POSIX shell.
    fn spawn<'a>(
        &'a self,
        script: &'a str,
        hold: Hold,
    ) -> BoxFuture<'a, Result<Process, ClusterError>>;

    /// The target's name, for errors.
    fn target(&self) -> &str;

    /// Completes when somebody waits for the place that a long-lived script holds.
    fn wanted(&self) -> BoxFuture<'_, ()> {
        Box::pin(futures::future::pending())
    }

    /// The follower of this connection that `python` runs, shared with the other targets on it.
    fn follower(self: Arc<Self>, python: &str) -> Follower;

    /// Whether the way there is open as far as one can know without trying.
    fn alive(&self) -> bool {
        true
    }
}

/// The transport of a target.
pub(crate) async fn open(
    settings: &TargetSettings,
    ask: Arc<dyn Ask>,
) -> Result<Arc<dyn Transport>, ClusterError> {
    if let Some(host) = &settings.host {
        return crate::ssh::open(settings, host, ask).await;
    }
    Ok(Arc::new(Local::new(&settings.name)))
}

/// What a script left behind.
#[derive(Debug)]
pub(crate) struct Output {
    /// Its exit status.
    pub(crate) status: i32,
    /// What it printed, without the noise of start files.
    pub(crate) stdout: Vec<u8>,
    /// What it complained of, with that noise; at most 64 KiB of it.
    pub(crate) stderr: Vec<u8>,
}

impl Output {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// The last lines of standard error in one line.
    pub(crate) fn complaint(&self) -> String {
        let text = String::from_utf8_lossy(&self.stderr);
        let lines: Vec<&str> = text
            .lines()
            .map(str::trim)
            .filter(|l| !l.is_empty())
            .collect();
        crate::error::one_line(&lines[lines.len().saturating_sub(3)..].join(" "))
    }
}

const STDERR_KEPT: usize = 64 * 1024;

/// What a script has said so far, freed of noise.
struct Said {
    reader: MarkedReader,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
}

impl Said {
    fn take(&mut self, piece: Piece) {
        match piece {
            Piece::Stdout(bytes) => {
                let clean = self.reader.push(&bytes);
                self.stdout.extend_from_slice(&clean);
            }
            Piece::Stderr(bytes) => {
                self.stderr.extend_from_slice(&bytes);
                let cut = self.stderr.len().saturating_sub(STDERR_KEPT);
                self.stderr.drain(..cut);
            }
        }
    }
}

/// A script that runs.
pub(crate) struct Running {
    process: Process,
    said: Said,
    target: String,
}

impl Running {
    /// Starts `script` over `transport`.
    pub(crate) async fn start(
        transport: &dyn Transport,
        script: &str,
    ) -> Result<Self, ClusterError> {
        let markers = Markers::fresh();
        let process = transport
            .spawn(&markers.around(script), Hold::Short)
            .await?;
        Ok(Self {
            process,
            said: Said {
                reader: markers.reader(),
                stdout: Vec::new(),
                stderr: Vec::new(),
            },
            target: transport.target().to_owned(),
        })
    }

    /// Writes to its standard input. False when the script has ended or stopped reading; its output says why.
    pub(crate) async fn write(&mut self, bytes: &[u8]) -> bool {
        let Process { input, output, .. } = &mut self.process;
        let mut write = std::pin::pin!(async {
            input.write_all(bytes).await.is_ok() && input.flush().await.is_ok()
        });
        loop {
            // A script that ends without reading all leaves a writer over SSH waiting for ever.
            tokio::select! {
                written = &mut write => return written,
                piece = output.recv() => {
                    let Some(piece) = piece else { return false };
                    self.said.take(piece);
                    if self.said.reader.status().is_some() {
                        return false;
                    }
                }
            }
        }
    }

    /// Ends its standard input.
    pub(crate) async fn close_input(&mut self) {
        // An input that is closed already is as good.
        let _ = self.process.input.shutdown().await;
        self.process.input = Box::new(tokio::io::sink());
    }

    /// Takes in the next piece; false at the end.
    async fn advance(&mut self) -> bool {
        match self.process.output.recv().await {
            None => false,
            Some(piece) => {
                self.said.take(piece);
                true
            }
        }
    }

    /// The next line of its output, without the line break; none at the end.
    pub(crate) async fn line(&mut self) -> Option<String> {
        loop {
            if let Some(at) = self.said.stdout.iter().position(|&b| b == b'\n') {
                let line: Vec<u8> = self.said.stdout.drain(..=at).collect();
                return Some(String::from_utf8_lossy(&line[..at]).into_owned());
            }
            if self.said.reader.status().is_some() || !self.advance().await {
                return None;
            }
        }
    }

    /// Waits for its end.
    pub(crate) async fn finish(mut self) -> Result<Output, ClusterError> {
        self.close_input().await;
        while self.said.reader.status().is_none() && self.advance().await {}
        let begun = self.said.reader.begun();
        match self.said.reader.status() {
            Some(status) => {
                // What it still says on standard error comes at once; a process it left behind may hold the stream.
                let _ = tokio::time::timeout(Duration::from_millis(20), async {
                    while self.advance().await {}
                })
                .await;
                Ok(Output {
                    status,
                    stdout: self.said.stdout,
                    stderr: self.said.stderr,
                })
            }
            None => {
                let said = Output {
                    status: -1,
                    stdout: Vec::new(),
                    stderr: self.said.stderr,
                }
                .complaint();
                let said = if said.is_empty() {
                    String::new()
                } else {
                    format!(" ({said})")
                };
                let (why, mend) = if begun {
                    (
                        format!("a command there was cut off before its end{said}"),
                        "try again",
                    )
                } else {
                    (
                        format!(
                            "its login shell ended or the connection broke off before a command ran{said}"
                        ),
                        "try again; if it stays so, check that /bin/sh and base64 work there and that no start file ends the shell",
                    )
                };
                Err(ClusterError::new(
                    &self.target,
                    ErrorKind::Connection,
                    why,
                    mend,
                ))
            }
        }
    }
}

/// Longest time that a short command may take.
pub(crate) const COMMAND_LIMIT: Duration = Duration::from_secs(120);

/// Runs a script with `input` to its end.
pub(crate) async fn exec(
    transport: &dyn Transport,
    script: &str,
    input: &[u8],
) -> Result<Output, ClusterError> {
    let work = async {
        let mut running = Running::start(transport, script).await?;
        if !input.is_empty() {
            running.write(input).await;
        }
        running.finish().await
    };
    match tokio::time::timeout(COMMAND_LIMIT, work).await {
        Ok(done) => done,
        Err(_) => Err(ClusterError::new(
            transport.target(),
            ErrorKind::Timeout,
            format!(
                "a command there did not end within {} s",
                COMMAND_LIMIT.as_secs()
            ),
            "look whether the machine or its file system hangs, then try again",
        )),
    }
}
