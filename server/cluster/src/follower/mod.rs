//! One small Python process per connection watches the folders of all its jobs and sends what is new.
//!
//! Bytes are told apart by their offsets, so a follower that dies, or is sent away to make room for a command, is
//! simply started again: each byte is asked for once. It sends at most four MiB of a job ahead of what has been taken,
//! so that a slow reader of one job stops neither the connection nor the other jobs. It ends when no job is followed.

mod frame;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::io::AsyncWriteExt;
use tokio::sync::mpsc::{self, Receiver, Sender, UnboundedReceiver, UnboundedSender};
use tokio::time::{Instant, timeout};

use crate::error::{ClusterError, ErrorKind};
use crate::shell::{MarkedReader, Markers, quote};
use crate::target::Made;
use crate::transport::{Hold, Piece, Process, Transport};
use frame::{Decoder, encode};

const PROGRAM: &str = include_str!("follower.py");
/// How long a follower without jobs stays.
const LINGER: Duration = Duration::from_secs(2);
const PING: Duration = Duration::from_secs(30);
/// How long a follower may take to say hello.
const HELLO: Duration = Duration::from_secs(60);

/// How much of a job's output is known already, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Offsets {
    /// Of standard output.
    pub stdout: u64,
    /// Of standard error.
    pub stderr: u64,
}

/// One of a job's two output streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// What is heard of a job, in this order: started, output, result, exit. After `Exit`, `Gone` or `Lost` nothing follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FollowEvent {
    /// The runner began; the bytes of `started`.
    Started(Bytes),
    /// Bytes of a stream. `offset` is where they stand in it: each byte comes once, in order.
    Output {
        /// Which stream.
        stream: Stream,
        /// Offset of the first byte.
        offset: u64,
        /// The bytes.
        bytes: Bytes,
    },
    /// The bytes of `result.json`.
    Result(Bytes),
    /// `result.json` is larger than 32 MiB and stays where it is; its size in bytes.
    ResultTooLarge(u64),
    /// The bytes of `exit`; all output came before.
    Exit(Bytes),
    /// The connection is lost; it is being tried again, and events go on where they stopped.
    Disconnected(String),
    /// The connection is back.
    Reconnected,
    /// The job's folder has disappeared.
    Gone(String),
    /// The connection is lost and cannot be made again without a person: connect again, then follow again.
    Lost(ClusterError),
}

enum Command {
    Follow {
        dir: String,
        made: Made,
        offsets: Offsets,
        events: Sender<FollowEvent>,
        /// Keeps the follower's task alive for as long as the job is followed.
        commands: UnboundedSender<Command>,
    },
    Ack {
        job: u32,
        bytes: u64,
    },
    Unfollow {
        job: u32,
    },
}

/// A follower that does not keep itself alive.
pub(crate) struct WeakFollower(mpsc::WeakUnboundedSender<Command>);

impl WeakFollower {
    pub(crate) fn upgrade(&self) -> Option<Follower> {
        let follower = Follower {
            commands: self.0.upgrade()?,
        };
        follower.alive().then_some(follower)
    }
}

/// The follower of one connection.
#[derive(Clone)]
pub(crate) struct Follower {
    commands: UnboundedSender<Command>,
}

impl Follower {
    /// A follower over `transport`, run by `python`. Nothing is started before the first job is followed.
    pub(crate) fn new(transport: Arc<dyn Transport>, python: String) -> Self {
        let (commands, inbox) = mpsc::unbounded_channel();
        let driver = Driver {
            transport,
            python,
            inbox,
            jobs: HashMap::new(),
            next: 0,
            failures: 0,
            lost: false,
        };
        tokio::spawn(driver.run());
        Self { commands }
    }

    /// For those who share it.
    pub(crate) fn downgrade(&self) -> WeakFollower {
        WeakFollower(self.commands.downgrade())
    }

    /// Whether its task still runs.
    pub(crate) fn alive(&self) -> bool {
        !self.commands.is_closed()
    }

    /// Follows the job whose folder is `dir` from `offsets` on.
    pub(crate) fn follow(
        &self,
        dir: String,
        made: Made,
        offsets: Offsets,
    ) -> Receiver<FollowEvent> {
        let (events, receiver) = mpsc::channel(64);
        // When the task has ended the receiver ends too.
        let commands = self.commands.clone();
        let _ = self.commands.send(Command::Follow {
            dir,
            made,
            offsets,
            events,
            commands,
        });
        receiver
    }
}

struct Followed {
    dir: String,
    made: Made,
    offsets: Offsets,
    started: bool,
    /// To the task that hands events on at the reader's pace.
    events: UnboundedSender<FollowEvent>,
}

struct Driver {
    transport: Arc<dyn Transport>,
    python: String,
    inbox: UnboundedReceiver<Command>,
    jobs: HashMap<u32, Followed>,
    next: u32,
    failures: u32,
    /// The jobs have been told that the connection is lost.
    lost: bool,
}

/// Why a session with a follower process ended.
enum End {
    /// No job is left.
    Idle,
    /// Nobody can ask for a job any more.
    Closed,
    /// Somebody waits for the channel.
    Yield,
    /// The process or the connection ended.
    Broken(String),
}

/// A follower process that runs.
struct Session {
    process: Process,
    reader: MarkedReader,
    decoder: Decoder,
    said: Vec<u8>,
    /// It has said hello.
    greeted: bool,
}

impl Driver {
    async fn run(mut self) {
        loop {
            if self.jobs.is_empty() {
                match self.inbox.recv().await {
                    None => return,
                    Some(command) => drop(self.take(command)),
                }
                continue;
            }
            let end = match self.start().await {
                Err(error) => {
                    if !error.is_transient() {
                        self.give_up(&error);
                        continue;
                    }
                    End::Broken(error.why)
                }
                Ok(session) => self.session(session).await,
            };
            match end {
                End::Closed => return,
                End::Idle => {}
                // Those who wait stand before us in the queue for a channel.
                End::Yield => tokio::time::sleep(Duration::from_millis(10)).await,
                End::Broken(why) => self.broken(why).await,
            }
        }
    }

    /// Waits before the next attempt; tells the jobs when it is not the first.
    async fn broken(&mut self, why: String) {
        self.failures += 1;
        if (self.failures > 1 || !self.transport.alive()) && !self.lost {
            self.lost = true;
            for job in self.jobs.values() {
                let _ = job.events.send(FollowEvent::Disconnected(why.clone()));
            }
        }
        if self.failures > 8 && self.transport.alive() {
            let error = ClusterError::new(
                self.transport.target(),
                ErrorKind::Command,
                format!("the follower ends again and again there ({why})"),
                "look whether the machine kills processes of yours, then start Hoist again",
            );
            self.give_up(&error);
            return;
        }
        let pause = Duration::from_millis(100)
            .saturating_mul(1 << self.failures.min(9))
            .min(Duration::from_secs(30));
        let until = Instant::now() + pause;
        while let Ok(command) = tokio::time::timeout_at(until, self.inbox.recv()).await {
            match command {
                Some(command) => drop(self.take(command)),
                None => return,
            }
        }
    }

    fn give_up(&mut self, error: &ClusterError) {
        for (_, job) in self.jobs.drain() {
            let _ = job.events.send(FollowEvent::Lost(error.clone()));
        }
        self.failures = 0;
        self.lost = false;
    }

    /// Takes in a command; returns the frame that a running follower must be told.
    fn take(&mut self, command: Command) -> Option<Vec<u8>> {
        match command {
            Command::Follow {
                dir,
                made,
                offsets,
                events,
                commands,
            } => {
                self.next = self.next.wrapping_add(1).max(1);
                let number = self.next;
                let (sender, receiver) = mpsc::unbounded_channel();
                tokio::spawn(hand_on(number, receiver, events, commands));
                self.jobs.insert(
                    number,
                    Followed {
                        dir,
                        made,
                        offsets,
                        started: false,
                        events: sender,
                    },
                );
                self.follow_frame(number)
            }
            Command::Ack { job, bytes } => self
                .jobs
                .contains_key(&job)
                .then(|| encode(b'A', job, bytes, b"")),
            Command::Unfollow { job } => self.jobs.remove(&job).map(|_| encode(b'U', job, 0, b"")),
        }
    }

    fn follow_frame(&self, number: u32) -> Option<Vec<u8>> {
        let job = self.jobs.get(&number)?;
        let wanted = serde_json::json!({
            "dir": job.dir, "stdout": job.offsets.stdout, "stderr": job.offsets.stderr,
            "later": job.made == Made::AtStart,
        });
        Some(encode(b'F', number, 0, wanted.to_string().as_bytes()))
    }

    async fn start(&self) -> Result<Session, ClusterError> {
        let program = PROGRAM.as_bytes();
        let boot = format!(
            "import os\nb=b''\nwhile len(b)<{0}:\n d=os.read(0,{0}-len(b))\n if not d: os._exit(0)\n b+=d\nexec(compile(b,'hoist-follower','exec'))",
            program.len()
        );
        let markers = Markers::fresh();
        let script = markers.before(&format!(
            "exec {} -I -S -u -c {}",
            quote(&self.python),
            quote(&boot)
        ));
        let mut process = self.transport.spawn(&script, Hold::Long).await?;
        let mut first = program.to_vec();
        for number in self.jobs.keys() {
            first.extend(self.follow_frame(*number).unwrap_or_default());
        }
        // What is written to a process that has ended is lost; its end is seen below.
        let _ = process.input.write_all(&first).await;
        let _ = process.input.flush().await;
        Ok(Session {
            process,
            reader: markers.endless_reader(),
            decoder: Decoder::default(),
            said: Vec::new(),
            greeted: false,
        })
    }

    async fn session(&mut self, mut session: Session) -> End {
        let hello_by = Instant::now() + HELLO;
        let mut idle_since: Option<Instant> = None;
        let mut ping = tokio::time::interval(PING);
        let transport = Arc::clone(&self.transport);
        let mut wanted = transport.wanted();
        loop {
            let far = Instant::now() + Duration::from_secs(3_600);
            let deadline = match (session.greeted, idle_since) {
                (false, _) => hello_by,
                (true, Some(since)) => since + LINGER,
                (true, None) => far,
            };
            tokio::select! {
                piece = session.process.output.recv() => match piece {
                    None => return End::Broken(session.last_words()),
                    Some(Piece::Stderr(bytes)) => session.hear(&bytes),
                    Some(Piece::Stdout(bytes)) => {
                        if let Err(why) = self.heard(&mut session, &bytes) {
                            return End::Broken(why);
                        }
                    }
                },
                command = self.inbox.recv() => {
                    let Some(command) = command else { return End::Closed };
                    if let Some(frame) = self.take(command) {
                        session.tell(&frame).await;
                    }
                }
                () = &mut wanted, if session.greeted => return End::Yield,
                _ = ping.tick() => session.tell(&encode(b'P', 0, 0, b"")).await,
                () = tokio::time::sleep_until(deadline) => {
                    if !session.greeted {
                        return End::Broken(format!("the follower did not begin within {} s", HELLO.as_secs()));
                    }
                    if idle_since.is_some() {
                        session.leave().await;
                        return End::Idle;
                    }
                }
            }
            idle_since = if self.jobs.is_empty() {
                idle_since.or(Some(Instant::now()))
            } else {
                None
            };
        }
    }

    /// Takes in bytes of the follower and hands on what they say.
    fn heard(&mut self, session: &mut Session, bytes: &[u8]) -> Result<(), String> {
        let clean = session.reader.push(bytes);
        session.decoder.push(&clean);
        while let Some(frame) = session.decoder.next()? {
            if frame.kind == b'H' {
                session.greeted = true;
                self.failures = 0;
                if std::mem::take(&mut self.lost) {
                    for job in self.jobs.values() {
                        let _ = job.events.send(FollowEvent::Reconnected);
                    }
                }
                continue;
            }
            let Some(job) = self.jobs.get_mut(&frame.job) else {
                continue;
            };
            let length = frame.body.len() as u64;
            let (event, last) = match frame.kind {
                b'S' if job.started => continue,
                b'S' => {
                    job.started = true;
                    (FollowEvent::Started(frame.body), false)
                }
                b'O' | b'E' => {
                    let (stream, at) = if frame.kind == b'O' {
                        (Stream::Stdout, &mut job.offsets.stdout)
                    } else {
                        (Stream::Stderr, &mut job.offsets.stderr)
                    };
                    if frame.number != *at {
                        return Err(format!(
                            "the follower sent offset {} where {at} was due",
                            frame.number
                        ));
                    }
                    *at += length;
                    (
                        FollowEvent::Output {
                            stream,
                            offset: frame.number,
                            bytes: frame.body,
                        },
                        false,
                    )
                }
                b'R' => (FollowEvent::Result(frame.body), false),
                b'L' => (FollowEvent::ResultTooLarge(frame.number), false),
                b'X' => (FollowEvent::Exit(frame.body), true),
                _ => (
                    FollowEvent::Gone(String::from_utf8_lossy(&frame.body).into_owned()),
                    true,
                ),
            };
            let _ = job.events.send(event);
            if last {
                self.jobs.remove(&frame.job);
            }
        }
        Ok(())
    }
}

impl Session {
    async fn tell(&mut self, frame: &[u8]) {
        // A follower that does not read is as good as dead; its end is noticed by its output.
        let write = async {
            let _ = self.process.input.write_all(frame).await;
            let _ = self.process.input.flush().await;
        };
        let _ = timeout(Duration::from_secs(10), write).await;
    }

    fn hear(&mut self, bytes: &[u8]) {
        self.said.extend_from_slice(bytes);
        let cut = self.said.len().saturating_sub(4_096);
        self.said.drain(..cut);
    }

    /// Closes its input, which ends it.
    async fn leave(&mut self) {
        let _ = self.process.input.shutdown().await;
        let end = async { while self.process.output.recv().await.is_some() {} };
        let _ = timeout(Duration::from_millis(500), end).await;
    }

    fn last_words(&self) -> String {
        let text = String::from_utf8_lossy(&self.said);
        match text.lines().map(str::trim).rfind(|line| !line.is_empty()) {
            Some(line) => format!("the follower ended: {}", crate::error::one_line(line)),
            None => "the follower or the connection ended".to_owned(),
        }
    }
}

/// Hands a job's events on at the pace of their reader and tells the follower what was taken.
async fn hand_on(
    job: u32,
    mut from: UnboundedReceiver<FollowEvent>,
    to: Sender<FollowEvent>,
    commands: UnboundedSender<Command>,
) {
    loop {
        let event = tokio::select! {
            event = from.recv() => event,
            () = to.closed() => None,
        };
        let Some(event) = event else { break };
        let bytes = match &event {
            FollowEvent::Output { bytes, .. } => bytes.len() as u64,
            _ => 0,
        };
        if to.send(event).await.is_err() {
            break;
        }
        if bytes > 0 {
            let _ = commands.send(Command::Ack { job, bytes });
        }
    }
    let _ = commands.send(Command::Unfollow { job });
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::process::{Command, Stdio};

    use super::*;

    /// What comes of so much text when it is taken no faster than this: the bytes on the way and those of the text.
    fn followed(text: &[u8], pause: Duration) -> (usize, Vec<u8>) {
        let folder = tempfile::tempdir().expect("a folder");
        let file = |name: &str| folder.path().join(name);
        std::fs::write(file("stdout"), text).expect("written");
        std::fs::write(file("exit"), "{}").expect("written");
        let mut child = Command::new("python3")
            .args(["-I", "-S", "-u", "-c", PROGRAM])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3 runs");
        let (mut input, mut output) = (
            child.stdin.take().expect("piped"),
            child.stdout.take().expect("piped"),
        );
        let wanted = serde_json::json!({
            "dir": folder.path(), "stdout": 0, "stderr": 0, "later": false,
        });
        let follow = encode(b'F', 1, 0, wanted.to_string().as_bytes());
        input.write_all(&follow).expect("it reads");
        let (mut decoder, mut sent, mut got) = (Decoder::default(), 0, Vec::new());
        let mut piece = vec![0; 1 << 16];
        let mut over = false;
        while !over {
            let length = output.read(&mut piece).expect("it writes");
            assert!(length > 0, "it ended");
            sent += length;
            decoder.push(&piece[..length]);
            while let Some(frame) = decoder.next().expect("frames") {
                match frame.kind {
                    b'O' => {
                        assert_eq!(frame.number, got.len() as u64);
                        got.extend_from_slice(&frame.body);
                        let taken = encode(b'A', 1, frame.body.len() as u64, b"");
                        input.write_all(&taken).expect("it reads");
                    }
                    b'X' => over = true,
                    _ => {}
                }
            }
            std::thread::sleep(pause);
        }
        drop(input);
        child.wait().expect("it ends");
        (sent, got)
    }

    #[test]
    fn output_is_compressed_where_the_way_is_slow() {
        let text: Vec<u8> = (0..300_000)
            .flat_map(|n| format!("epoch {n}: loss {}\n", n % 17).into_bytes())
            .collect();
        let (sent, got) = followed(&text, Duration::from_millis(8));
        assert!(got == text);
        assert!(sent < text.len() * 2 / 3, "{sent} of {}", text.len());
        // What has been compressed already is not made longer.
        let mut state = 1_u64;
        let noise = std::iter::repeat_with(|| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_le_bytes()
        });
        let noise: Vec<u8> = noise.take(400_000).flatten().collect();
        let (sent, got) = followed(&noise, Duration::from_millis(8));
        assert!(got == noise);
        assert!(sent < noise.len() + 1_000, "{sent} of {}", noise.len());
    }
}
