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

/// Runs a job that goes on to its next line only when the line before was seen here, on both streams.
pub async fn converse(target: &Target) {
    const LINES: usize = 4;
    let job = job(&format!(
        "import os, sys, time
for i in range({LINES}):
  print(i, flush=True); print('e', i, file=sys.stderr, flush=True)
  end = time.time() + 60
  while not os.path.exists(job + '/seen%d' % i):
    if time.time() > end: sys.exit('line %d was not seen' % i)
    time.sleep(0.01)"
    ));
    target.submit(&job, |_| {}).await.expect("submitted");
    let follow = target.follow(&job.job, Offsets::default());
    let mut events = follow.expect("followed");
    let mut heard = Heard::default();
    let mut seen = 0;
    let listen = async {
        while let Some(event) = events.recv().await {
            if heard.take(event) {
                break;
            }
            let whole = |bytes: &[u8]| bytes.iter().filter(|byte| **byte == b'\n').count();
            while seen < whole(&heard.stdout).min(whole(&heard.stderr)) {
                std::fs::write(format!("{}/seen{seen}", target.job_dir(&job.job)), "").unwrap();
                seen += 1;
            }
        }
    };
    let limit = Duration::from_secs(90);
    assert!(
        tokio::time::timeout(limit, listen).await.is_ok(),
        "{seen} of {LINES} lines were seen"
    );
    assert_eq!(
        (heard.out().as_str(), heard.err().as_str()),
        ("0\n1\n2\n3\n", "e 0\ne 1\ne 2\ne 3\n")
    );
    assert_eq!(heard.state(), "succeeded");
}

/// Removes the work folder of a target that a test made for itself.
pub async fn clean(target: &Target) {
    assert!(target.work_dir().contains("hoist test"));
    // The script of a job that just ended may still be about its last lines.
    eventually("the work folder can be removed", || async {
        std::fs::remove_dir_all(target.work_dir()).is_ok()
    })
    .await;
}

/// Waits until `done` says so.
pub async fn eventually<F: Future<Output = bool>>(what: &str, mut done: impl FnMut() -> F) {
    let end = Instant::now() + Duration::from_secs(30);
    while !done().await {
        assert!(Instant::now() < end, "it never came true that {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
