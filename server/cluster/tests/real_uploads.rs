//! Packages and data files on their way over a real sshd that tests/clusters/sshd.sh started: the process that receives them is killed,
//! and someone changes their mind. Both while bytes are on their way for certain: the receiver is halted first. A stand-in runs in
//! place of the runner.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use common::{clean, eventually, job_name, listen, rig, sum};
use hoist_cluster::{
    ClusterError, DataFile, ErrorKind, Made, Nobody, Offsets, Submission, Target, TargetSettings,
    connect,
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
    package.extend(noise(SIZE));
    job.sha256 = sum(&package);
    job.package = Arc::from(package);
    job
}

/// Lines of a comment that nobody has seen before.
fn noise(size: usize) -> Vec<u8> {
    let mut noise = Vec::new();
    let mut state = seed();
    while noise.len() < size {
        noise.push(b'#');
        for _ in 0..100 {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            // Printable, and neither a line break nor a quote.
            noise.push(b'0' + (state >> 32) as u8 % 64);
        }
        noise.push(b'\n');
    }
    noise
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

/// Waits until bytes of a package arrive, and halts whoever receives them; how many there are then.
async fn halted(target: &Target, job: &Submission) -> (Vec<i32>, u64) {
    let temporary = temporary(target, job);
    halted_at(&temporary, &temporary, job.package.len()).await
}

/// The same of any file that arrives in `temporary`, of so many bytes in all; the receiver has `word` among its arguments.
async fn halted_at(temporary: &Path, word: &Path, size: usize) -> (Vec<i32>, u64) {
    let there = || std::fs::metadata(temporary).map_or(0, |info| info.len());
    loop {
        if there() > 1 << 20 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let path = word.to_str().unwrap().as_bytes();
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
    assert!(there < size as u64, "bytes are on their way");
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

/// The store of data files over there.
fn store(target: &Target) -> PathBuf {
    PathBuf::from(target.work_dir()).join("data")
}

fn part(target: &Target, file: &DataFile) -> PathBuf {
    store(target).join(format!(".{}.part", file.sha256))
}

/// What is in the store besides whole files and their seals.
fn parts(target: &Target) -> Vec<String> {
    let entries = std::fs::read_dir(store(target)).unwrap().flatten();
    let names = entries.map(|entry| entry.file_name().into_string().unwrap());
    names.filter(|name| name.starts_with('.')).collect()
}

/// Data files of these sizes that nobody has seen before.
fn data(here: &tempfile::TempDir, sizes: &[usize]) -> Vec<DataFile> {
    let files = sizes.iter().enumerate().map(|(number, size)| {
        let bytes = noise(*size);
        let origin = here.path().join(number.to_string());
        std::fs::write(&origin, &bytes).unwrap();
        DataFile {
            path: format!("data/{number}"),
            size: bytes.len() as u64,
            sha256: sum(&bytes),
            origin,
        }
    });
    files.collect()
}

/// Someone who wants an upload, until they do not.
#[derive(Default)]
struct Mind {
    wish: Notify,
    is_heard: AtomicBool,
}

impl Mind {
    async fn changed(&self) {
        self.wish.notified().await;
        self.is_heard.store(true, Ordering::SeqCst);
    }

    async fn change(&self) {
        self.wish.notify_one();
        eventually("the wish is heard", || async {
            self.is_heard.load(Ordering::SeqCst)
        })
        .await;
    }
}

fn is_stopped(sent: Result<(), ClusterError>) {
    assert_eq!(sent.unwrap_err().kind, ErrorKind::Stopped);
}

#[tokio::test]
async fn data_files_that_nobody_wants_any_more_leave_nothing_but_those_that_are_whole() {
    let target = target(None).await;
    let here = tempfile::tempdir().unwrap();
    // One that is there before the wish, one on its way, one whose place is held, and one that is too small for that.
    let files = data(&here, &[1000, SIZE, 9 << 20, 2000]);
    let mut job = common::job("pass");
    job.data = files.clone().into();
    let mind = Mind::default();
    let changes_mind = async {
        let part = part(&target, &files[1]);
        let (receivers, _) = halted_at(&part, &store(&target), SIZE).await;
        assert!(self::part(&target, &files[2]).exists());
        mind.change().await;
        for pid in receivers {
            signal(pid, "CONT");
        }
    };
    let submitted = target.submit_unless(&job, |_| {}, || mind.changed());
    let (submitted, ()) = tokio::join!(submitted, changes_mind);
    is_stopped(submitted.map(drop));
    assert_eq!(parts(&target), [] as [String; 0]);
    assert!(store(&target).join(&files[0].sha256).exists());
    assert!(!store(&target).join(&files[1].sha256).exists());
    assert!(!Path::new(&target.job_dir(&job.job)).exists());
    let folder = store(&target);
    let folder = folder.to_str().unwrap().as_bytes();
    assert_eq!(processes(|word| word == folder), [] as [i32; 0]);
    clean(&target).await;
}

#[tokio::test]
async fn who_changes_their_mind_takes_nothing_from_somebody_else_who_sends_the_same_file() {
    let target = target(None).await;
    let here = tempfile::tempdir().unwrap();
    let files = data(&here, &[SIZE]);
    let part = part(&target, &files[0]);
    let (first, second, begin) = (Mind::default(), Mind::default(), Notify::new());
    let (second_waits, third_waits) = (Notify::new(), Notify::new());
    let second_is_gone = Notify::new();
    let changes_mind = async {
        let (receivers, _) = halted_at(&part, &store(&target), SIZE).await;
        begin.notify_one();
        second_waits.notified().await;
        third_waits.notified().await;
        // Who only waits for somebody else's upload goes at once, and it stays.
        second.change().await;
        second_is_gone.notified().await;
        assert!(part.exists());
        first.change().await;
        for pid in receivers {
            signal(pid, "CONT");
        }
    };
    let one = target.send_data_unless(&files, |_| {}, || first.changed());
    let two = async {
        begin.notified().await;
        begin.notify_one();
        let progress = |_| second_waits.notify_one();
        let sent = target.send_data_unless(&files, progress, || second.changed());
        let sent = sent.await;
        second_is_gone.notify_one();
        sent
    };
    let three = async {
        begin.notified().await;
        begin.notify_one();
        let progress = |_| third_waits.notify_one();
        let sent = target.send_data_unless(&files, progress, std::future::pending);
        sent.await
    };
    let (one, two, three, ()) = tokio::join!(one, two, three, changes_mind);
    is_stopped(one);
    is_stopped(two);
    three.unwrap_or_else(|e| panic!("{e}"));
    let whole = std::fs::read(store(&target).join(&files[0].sha256)).unwrap();
    assert_eq!(sum(&whole), files[0].sha256);
    assert_eq!(parts(&target), [] as [String; 0]);
    clean(&target).await;
}
