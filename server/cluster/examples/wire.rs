//! How fast bytes go to a host and come back: `wire HOST MEGABYTES`, beside what `tests/bench/cluster` does by hand.
//!
//! It sends a package that cannot be compressed, and follows a job whose output is there already. Standard output gets two numbers:
//! seconds for the one and for the other. The job is a Python programme, so that the package's bytes stand behind a `__END__` that
//! nobody reads.
#![allow(clippy::print_stdout, clippy::unwrap_used, missing_docs)]

use std::sync::Arc;
use std::time::Instant;

use hoist_cluster::{FollowEvent, Made, Nobody, Offsets, Submission, TargetSettings, connect};
use sha2::{Digest, Sha256};

const RUNNER: &[u8] = br#"import os, sys
job = sys.argv[1]
megabytes = int(open(job + "/request.json").read())
block = os.urandom(1 << 20)
with open(job + "/stdout", "ab") as out:
    for _ in range(megabytes): out.write(block)
open(job + "/.exit", "w").write('{"code": 0, "state": "succeeded", "reason": ""}')
os.rename(job + "/.exit", job + "/exit")
os._exit(0)
"#;

/// As the binary has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() {
    let mut args = std::env::args().skip(1);
    let host = args.next().expect("a host");
    let megabytes: usize = args.next().expect("a number").parse().unwrap();
    let settings = TargetSettings {
        name: "bench".to_owned(),
        host: Some(host),
        work_dir: "~/hoist bench".to_owned(),
        ..TargetSettings::default()
    };
    let target = connect(&settings, Arc::new(Nobody)).await.unwrap();

    // Of no use to any compressor; a comment as far as Python is concerned.
    let mut package = RUNNER.to_vec();
    let mut state = 0x9e37_79b9_7f4a_7c15_u64 ^ u64::from(std::process::id());
    package.push(b'#');
    while package.len() < megabytes << 20 {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        package.extend(state.to_le_bytes().map(|byte| byte % 64 + 48));
    }
    let sha256 = Sha256::digest(&package);
    let submission = Submission {
        job: format!("BENCH{}", std::process::id()),
        name: "bench".to_owned(),
        sha256: sha256.iter().map(|byte| format!("{byte:02x}")).collect(),
        package: Arc::from(package),
        request: megabytes.to_string().into_bytes(),
        resources: Default::default(),
        after: Vec::new(),
        environment: Default::default(),
        data: Default::default(),
    };
    let before = Instant::now();
    target.submit(&submission, |_| {}).await.unwrap();
    let sent = before.elapsed();

    // Until all of the output is there.
    let exit = format!("{}/exit", target.job_dir(&submission.job));
    while target.fs().stat(&exit).await.is_err() {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    let before = Instant::now();
    let mut events = target
        .follow(&submission.job, Made::Before, Offsets::default())
        .unwrap();
    let mut bytes = 0;
    while let Some(event) = events.recv().await {
        match event {
            FollowEvent::Output { bytes: more, .. } => bytes += more.len(),
            FollowEvent::Exit(_) => break,
            _ => {}
        }
    }
    let heard = before.elapsed();
    assert_eq!(bytes, megabytes << 20);
    println!("{:.3} {:.3}", sent.as_secs_f64(), heard.as_secs_f64());
}
