//! What the tests of targets share: a runner of ten lines that stands in for the real one, and a reader of events.
#![allow(dead_code, clippy::unwrap_used, missing_docs, unreachable_pub)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use hoist_cluster::{FollowEvent, NativeId, Offsets, Stream, Submission, Target};
use sha2::{Digest, Sha256};
use tokio::sync::mpsc::Receiver;

/// Stands in for the real runner: runs the request's text as Python and leaves the same files.
const RUNNER: &str = r#"
import json, os, signal, sys, traceback
job = sys.argv[1]
def put(name, text):
    with open(os.path.join(job, "." + name), "w") as f: f.write(text)
    os.rename(os.path.join(job, "." + name), os.path.join(job, name))
def end(code, state):
    sys.stdout.flush(); sys.stderr.flush()
    put("exit", json.dumps({"code": code, "state": state, "reason": ""}))
    os._exit(code)
signal.signal(signal.SIGTERM, lambda *a: end(143, "cancelled" if os.path.exists(job + "/cancel") else "terminated"))
put("started", json.dumps({"pid": os.getpid()}))
try:
    exec(open(os.path.join(job, "request.json")).read(), {"job": job})
    put("result.json", json.dumps({"repr": "None"}))
except BaseException:
    traceback.print_exc()
    end(1, "failed")
end(0, "succeeded")
"#;

/// A job name that no other test of this run has.
pub fn job_name() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .as_nanos();
    format!(
        "T{now:x}x{}x{}",
        std::process::id(),
        NEXT.fetch_add(1, Ordering::Relaxed)
    )
}

/// A job that runs these lines of Python.
pub fn job(python: &str) -> Submission {
    sized_job(python, 0)
}

/// The same with a package of at least `padding` bytes.
pub fn sized_job(python: &str, padding: usize) -> Submission {
    let mut package = RUNNER.as_bytes().to_vec();
    while package.len() < padding {
        package.extend_from_slice(
            b"#0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde\n",
        );
    }
    Submission {
        job: job_name(),
        name: "test job".to_owned(),
        sha256: sum(&package),
        package: Arc::from(package),
        request: python.as_bytes().to_vec(),
        resources: Default::default(),
    }
}

pub fn sum(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect()
}

/// What was heard of a job.
#[derive(Debug, Default)]
pub struct Heard {
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
    /// When each piece of standard output came.
    pub times: Vec<Instant>,
    pub started: usize,
    pub result: Option<Vec<u8>>,
    pub exit: Option<serde_json::Value>,
    pub disconnected: usize,
    pub other: Option<FollowEvent>,
}

impl Heard {
    /// Takes in one event and checks that each byte comes once and in order; true when it was the last.
    pub fn take(&mut self, event: FollowEvent) -> bool {
        assert!(
            self.exit.is_none(),
            "nothing may come after the exit: {event:?}"
        );
        match event {
            FollowEvent::Started(_) => self.started += 1,
            FollowEvent::Output {
                stream,
                offset,
                bytes,
            } => {
                if stream == Stream::Stdout {
                    self.times.push(Instant::now());
                }
                let log = if stream == Stream::Stdout {
                    &mut self.stdout
                } else {
                    &mut self.stderr
                };
                assert_eq!(offset, log.len() as u64, "the next byte of {stream:?}");
                log.extend_from_slice(&bytes);
            }
            FollowEvent::Result(bytes) => self.result = Some(bytes.to_vec()),
            FollowEvent::Exit(bytes) => {
                self.exit = Some(serde_json::from_slice(&bytes).expect("exit is JSON"));
                return true;
            }
            FollowEvent::Disconnected(_) => self.disconnected += 1,
            FollowEvent::Reconnected => {}
            other => {
                self.other = Some(other);
                return true;
            }
        }
        false
    }

    pub fn out(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    pub fn err(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }

    pub fn state(&self) -> String {
        match &self.exit {
            Some(exit) => exit["state"].as_str().unwrap_or_default().to_owned(),
            None => format!("no exit: {:?}", self.other),
        }
    }

    pub fn reason(&self) -> String {
        self.exit
            .as_ref()
            .and_then(|exit| exit["reason"].as_str())
            .unwrap_or_default()
            .to_owned()
    }
}

/// Listens until the end.
pub async fn listen(mut events: Receiver<FollowEvent>) -> Heard {
    let mut heard = Heard::default();
    let listen = async {
        while let Some(event) = events.recv().await {
            if heard.take(event) {
                break;
            }
        }
    };
    let limit = Duration::from_secs(90);
    let ended = tokio::time::timeout(limit, listen).await.is_ok();
    let (out, disconnected) = (heard.stdout.len(), heard.disconnected);
    assert!(
        ended,
        "the job must end in time: {out} bytes heard, {disconnected} times disconnected"
    );
    heard
}

/// Submits a job and listens to its end.
pub async fn run(target: &Target, job: &Submission) -> (NativeId, Heard) {
    let id = target.submit(job, |_| {}).await.expect("submitted");
    let heard = listen(
        target
            .follow(&job.job, Offsets::default())
            .expect("followed"),
    )
    .await;
    (id, heard)
}

/// Waits until `done` says so.
pub async fn eventually<F: Future<Output = bool>>(what: &str, mut done: impl FnMut() -> F) {
    let end = Instant::now() + Duration::from_secs(30);
    while !done().await {
        assert!(Instant::now() < end, "it never came true that {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
