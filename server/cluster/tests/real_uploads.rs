//! Packages on their way over a real sshd that tests/clusters/sshd.sh started: the process that receives them is killed, and someone
//! changes their mind. Both while bytes are on their way for certain: the receiver is halted first. A stand-in runs in place of the
//! runner.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use common::{clean, eventually, job_name, listen, rig, sum};
use hoist_cluster::{
    ErrorKind, Made, Nobody, Offsets, Submission, Target, TargetSettings, connect,
};
use tokio::sync::Notify;

const SIZE: usize = 48 << 20;

async fn target(python: Option<String>) -> Target {
    rig("HOIST_TEST_CLUSTER");
    let settings = TargetSettings {
        name: "cluster".to_owned(),
        host: Some("hoist-ssh".to_owned()),
        work_dir: format!("~/hoist test {}", job_name()),
        python,
        ..TargetSettings::default()
    };
    connect(&settings, Arc::new(Nobody))
        .await
        .unwrap_or_else(|e| panic!("{e}"))
}

/// A job whose package no compression makes much smaller and nobody has seen before.
fn large_job() -> Submission {
    let mut job = common::job("print('whole')");
    let mut package = job.package.to_vec();
    let mut state = u64::from_str_radix(&job.sha256[..16], 16).unwrap() ^ seed();
    while package.len() < SIZE {
        package.push(b'#');
        for _ in 0..100 {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            // Printable, and neither a line break nor a quote.
            package.push(b'0' + (state >> 32) as u8 % 64);
        }
        package.push(b'\n');
    }
    job.sha256 = sum(&package);
    job.package = Arc::from(package);
    job
}

fn seed() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.unwrap().as_nanos() as u64
}

fn temporary(target: &Target, job: &Submission) -> PathBuf {
    let packages = PathBuf::from(target.work_dir()).join("packages");
    packages.join(format!(".{}.{}", job.sha256, job.job))
}

fn package(target: &Target, job: &Submission) -> PathBuf {
    let packages = PathBuf::from(target.work_dir()).join("packages");
    packages.join(format!("{}.zip", job.sha256))
}

/// The processes, on this machine, which is the other side, with a word that `is_it`.
fn processes(is_it: impl Fn(&[u8]) -> bool) -> Vec<i32> {
    let all = std::fs::read_dir("/proc").unwrap().flatten();
    let numbers = all.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    let matches = |pid: &i32| {
        let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        line.split(|byte| *byte == 0).any(&is_it)
    };
    numbers.filter(matches).collect()
}

fn signal(pid: i32, signal: &str) {
    let mut kill = std::process::Command::new("kill");
    kill.args([format!("-{signal}"), pid.to_string()]);
    assert!(kill.status().unwrap().success());
}

/// Waits until bytes arrive, and halts whoever receives them; how many there are then.
async fn halted(target: &Target, job: &Submission) -> (Vec<i32>, u64) {
    let temporary = temporary(target, job);
    let there = || std::fs::metadata(&temporary).map_or(0, |info| info.len());
    loop {
        if there() > 1 << 20 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let path = temporary.to_str().unwrap().as_bytes();
    let receivers = processes(|word| word == path);
    assert!(!receivers.is_empty(), "it has ended already");
    for pid in &receivers {
        signal(*pid, "STOP");
    }
    let all_halted = || async {
        receivers.iter().all(|pid| {
            let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
            stat.rsplit(") ").next().unwrap().starts_with('T')
        })
    };
    eventually("the receiver stands still", all_halted).await;
    let there = there();
    assert!(there < job.package.len() as u64, "bytes are on their way");
    (receivers, there)
}

async fn runs_and_is_whole(target: &Target, job: &Submission) {
    let events = target
        .follow(&job.job, Made::Before, Offsets::default())
        .unwrap();
    assert_eq!(listen(events).await.out(), "whole\n");
    assert_eq!(
        std::fs::read(package(target, job)).unwrap(),
        job.package.as_ref()
    );
    assert!(!temporary(target, job).exists());
}

#[tokio::test]
async fn an_upload_whose_receiver_is_killed_goes_on_from_what_had_arrived() {
    let target = target(None).await;
    let job = large_job();
    let told = std::sync::Mutex::new(Vec::new());
    let progress = |upload: hoist_cluster::Upload| told.lock().unwrap().push(upload.sent);
    let kill = async {
        let (receivers, there) = halted(&target, &job).await;
        for pid in receivers {
            signal(pid, "KILL");
        }
        there
    };
    let (submitted, there) = tokio::join!(target.submit(&job, progress), kill);
    submitted.unwrap_or_else(|e| panic!("{e}"));
    // The second attempt begins with what is there, which is told as sent.
    let told = told.into_inner().unwrap();
    assert_eq!(told.iter().filter(|sent| **sent == 0).count(), 1);
    assert!(told.contains(&there), "{there}: {told:?}");
    runs_and_is_whole(&target, &job).await;
    clean(&target).await;
}

#[tokio::test]
async fn an_upload_that_nobody_wants_any_more_stops_and_leaves_nothing() {
    let target = target(None).await;
    let job = large_job();
    let (wish, is_heard) = (Notify::new(), AtomicBool::new(false));
    let stop = || async {
        wish.notified().await;
        is_heard.store(true, Ordering::SeqCst);
    };
    let changes_mind = async {
        let (receivers, _) = halted(&target, &job).await;
        wish.notify_one();
        eventually("the wish is heard", || async {
            is_heard.load(Ordering::SeqCst)
        })
        .await;
        for pid in receivers {
            signal(pid, "CONT");
        }
    };
    let (submitted, ()) = tokio::join!(target.submit_unless(&job, |_| {}, stop), changes_mind);
    assert_eq!(submitted.unwrap_err().kind, ErrorKind::Stopped);
    target.remove(&job.job).await.unwrap();
    let name = job.job.as_bytes();
    let names_it = |word: &[u8]| word.windows(name.len()).any(|part| part == name);
    assert_eq!(processes(names_it), [] as [i32; 0]);
    assert!(!temporary(&target, &job).exists());
    assert!(!package(&target, &job).exists());
    assert!(!std::path::Path::new(&target.job_dir(&job.job)).exists());
    clean(&target).await;
}
