//! Jobs of a real Slurm with accounting (slurmdbd, MariaDB) and, where the machine allows, memory limited by cgroups;
//! tests/clusters/slurm.sh started it. A stand-in runs in place of the runner.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use common::{asking, clean, ended, job, listen, set, until_state};
use hoist_cluster::{
    ErrorKind, Made, NativeId, Offsets, Outcome, SchedulerKind, SchedulerState, Submission, Target,
};

async fn slurm() -> Target {
    common::rig("HOIST_TEST_SLURM_ACCOUNTING");
    set(
        "SLURM_CONF",
        std::env::var_os("HOIST_TEST_SLURM_ACCOUNTING").unwrap(),
    );
    common::reach(&common::settings("slurm", SchedulerKind::Slurm)).await
}

/// The node of this number. The tests share a Slurm, and one of them has a node fail: the second.
fn node(number: u32) -> String {
    let listed = Command::new("sinfo")
        .args(["-h", "-N", "-p", "standard", "-o", "%N"])
        .output()
        .unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    listed
        .lines()
        .find(|name| name.ends_with(&format!("-{number}")))
        .unwrap()
        .trim()
        .to_owned()
}

/// A job on the first node.
fn there(python: &str, wanted: &[(&str, &str)]) -> Submission {
    let on = format!("--nodelist={}", node(1));
    asking(python, &[wanted, &[("extra", &on)]].concat())
}

/// The end that Slurm tells of.
async fn end_of(target: &Target, job: &Submission, id: &NativeId) -> (Outcome, String) {
    match until_state(target, job, id, ended).await {
        SchedulerState::Ended { outcome, words } => (outcome, words),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_job_that_takes_more_memory_than_it_asked_for_is_told_how_much() {
    let target = slurm().await;
    if std::env::var("HOIST_TEST_SLURM_CGROUPS")
        .unwrap_or_default()
        .is_empty()
    {
        // No cgroup can be made here that limits memory.
        return clean(&target).await;
    }
    let greedy = there(
        "import time\nkept = []\nfor n in range(40):\n  kept.append(bytearray(8 << 20)); time.sleep(0.1)",
        &[("memory", "150M")],
    );
    let id = target.submit(&greedy, |_| {}).await.unwrap();
    let events = target
        .follow(&greedy.job, Made::Before, Offsets::default())
        .unwrap();
    let (outcome, words) = end_of(&target, &greedy, &id).await;
    assert_eq!(outcome, Outcome::OutOfMemory);
    // How much it used is known when Slurm looked late enough.
    assert!(
        (words.starts_with("the job used ")
            && words.contains(" of memory and had asked for 150 MiB"))
            || words.starts_with("the job needed more memory than the 150 MiB it had asked for"),
        "{words}"
    );
    assert!(words.ends_with("; ask for more with memory=..."), "{words}");
    let heard = listen(events).await;
    assert_eq!(heard.state(), "crashed");
    assert!(heard.reason().contains("memory"), "{}", heard.reason());
    clean(&target).await;
}

#[tokio::test]
async fn a_limit_of_time_is_told_with_the_limit() {
    let target = slurm().await;
    // Slurm counts minutes.
    let deaf = there(
        "import os, signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\ntime.sleep(300)",
        &[("time", "1m")],
    );
    let id = target.submit(&deaf, |_| {}).await.unwrap();
    tokio::time::sleep(Duration::from_secs(60)).await;
    let (outcome, words) = end_of(&target, &deaf, &id).await;
    assert_eq!(outcome, Outcome::TimedOut);
    assert_eq!(
        words,
        "the job reached its limit of time (00:01:00); ask for more with time=... or make the work smaller"
    );
    clean(&target).await;
}

#[tokio::test]
async fn a_job_that_had_to_make_room_says_so() {
    let target = slurm().await;
    let low = there(
        "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_DFL)\nprint('on', flush=True)\ntime.sleep(300)",
        &[("partition", "low"), ("gpus", "4")],
    );
    let id = target.submit(&low, |_| {}).await.unwrap();
    until_state(&target, &low, &id, |state| {
        *state == SchedulerState::Running
    })
    .await;
    let high = there(
        "print('first')",
        &[("partition", "standard"), ("gpus", "4")],
    );
    let first = target.submit(&high, |_| {}).await.unwrap();
    let (outcome, words) = end_of(&target, &low, &id).await;
    assert_eq!(outcome, Outcome::Preempted, "{words}");
    assert!(
        words.starts_with("the job had to make room for another one; run it again"),
        "{words}"
    );
    let heard = listen(
        target
            .follow(&high.job, Made::Before, Offsets::default())
            .unwrap(),
    )
    .await;
    assert_eq!(
        (heard.out().as_str(), heard.state().as_str()),
        ("first\n", "succeeded"),
        "{first}"
    );
    clean(&target).await;
}

#[tokio::test]
async fn what_keeps_a_job_waiting_is_said_with_what_to_do() {
    let target = slurm().await;
    let one = [("extra", "--qos=one"), ("account", "lab")];
    let first = there("import time; time.sleep(20)", &one);
    let first_id = target.submit(&first, |_| {}).await.unwrap();
    until_state(&target, &first, &first_id, |state| {
        *state == SchedulerState::Running
    })
    .await;
    let drained = node(2);
    for (job, reason) in [
        (
            there("", &one),
            "as many of your jobs run as may run at once; it starts when one of them ends (QOSMaxJobsPerUserLimit)".to_owned(),
        ),
        (
            there("", &[("partition", "short"), ("time", "10m")]),
            "it asks for more time than the partition allows; ask for less or choose another one (PartitionTimeLimit)".to_owned(),
        ),
        (
            asking("", &[("extra", &format!("--nodelist={drained}")), ("partition", "down")]),
            "the partition is down; choose another one (PartitionDown)".to_owned(),
        ),
    ] {
        let id = target.submit(&job, |_| {}).await.unwrap();
        let waits = |state: &SchedulerState| matches!(state, SchedulerState::Pending { reason: said } if *said == reason);
        until_state(&target, &job, &id, waits).await;
        target.cancel(&job.job, Made::Before, &id).await.unwrap();
    }
    target
        .cancel(&first.job, Made::Before, &first_id)
        .await
        .unwrap();
    let heard = listen(
        target
            .follow(&first.job, Made::Before, Offsets::default())
            .unwrap(),
    )
    .await;
    assert_eq!(heard.state(), "cancelled");
    clean(&target).await;
}

#[tokio::test]
async fn when_a_job_would_start_is_known_before_it_is_submitted() {
    let target = slurm().await;
    let soon = target
        .forecast(&asking("", &[("partition", "short"), ("time", "30s")]))
        .await
        .unwrap();
    // Others of these tests have the cores for a minute and a half at most.
    assert!(
        soon.is_some_and(|wait| wait < Duration::from_secs(600)),
        "{soon:?}"
    );
    for (wanted, said, mend) in [
        (
            ("partition", "nowhere"),
            "nvalid partition name specified",
            "`sinfo` lists those there are",
        ),
        (
            ("memory", "900T"),
            "onfiguration is not available",
            "correct the target's resources and run again",
        ),
        (
            ("extra", "--qos=nope"),
            "nvalid qos specification",
            "correct the quality of service in the target's `extra` lines",
        ),
        (
            ("cores", "4000"),
            "onfiguration is not available",
            "correct the target's resources and run again",
        ),
    ] {
        let error = target.forecast(&asking("", &[wanted])).await.unwrap_err();
        let text = error.to_string();
        assert_eq!(error.kind, ErrorKind::Scheduler, "{text}");
        assert!(
            text.starts_with("slurm: sbatch would refuse the job: ")
                && text.contains(said)
                && text.ends_with(mend),
            "{text}"
        );
    }
    common::left_nothing(&target);
    clean(&target).await;
}

#[tokio::test]
async fn a_node_that_fails_takes_its_job_with_it_and_is_named() {
    let target = slurm().await;
    let second = node(2);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/clusters/slurm.sh");
    let conf = std::env::var("HOIST_TEST_SLURM_ACCOUNTING").unwrap();
    let rig = Path::new(&conf).ancestors().nth(2).unwrap();
    let switch = |word: &str| {
        let done = Command::new(&script)
            .args(["node", word, &second])
            .arg(rig)
            .output()
            .unwrap();
        assert!(
            done.status.success(),
            "{}",
            String::from_utf8_lossy(&done.stderr)
        );
    };
    let doomed = asking(
        "import time\nprint('on', flush=True)\ntime.sleep(50)",
        &[("extra", &format!("--nodelist={second}"))],
    );
    let id = target.submit(&doomed, |_| {}).await.unwrap();
    let events = target
        .follow(&doomed.job, Made::Before, Offsets::default())
        .unwrap();
    until_state(&target, &doomed, &id, |state| {
        *state == SchedulerState::Running
    })
    .await;
    switch("stop");
    let said = end_of(&target, &doomed, &id).await;
    switch("start");
    assert_eq!(
        said,
        (
            Outcome::NodeFailed,
            format!("the node {second} failed under the job; run it again")
        )
    );
    let heard = listen(events).await;
    assert_eq!((heard.state().as_str(), heard.reason()), ("lost", said.1));
    // And the others go on.
    let next = job("print('next')");
    let (_, heard) = common::run(&target, &next).await;
    assert_eq!(heard.out(), "next\n");
    clean(&target).await;
}
