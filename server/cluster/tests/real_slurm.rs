//! Jobs of a real Slurm over a real sshd; tests/clusters/sshd.sh and slurm.sh started both. A stand-in runs in place of
//! the runner.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use std::sync::Arc;
use std::time::Duration;

use common::{asking, clean, converse, eventually, job, left_nothing, listen, run, state};
use hoist_cluster::{
    ErrorKind, Made, NativeId, Nobody, Offsets, Outcome, SchedulerKind, SchedulerState, Target,
    TargetSettings, connect,
};

fn rig() {
    common::rig("HOIST_TEST_SLURM");
}

fn settings() -> TargetSettings {
    TargetSettings {
        host: Some("hoist-slurm".to_owned()),
        ..common::settings("slurm", SchedulerKind::Slurm)
    }
}

async fn slurm() -> Target {
    rig();
    common::reach(&settings()).await
}

#[tokio::test]
async fn a_job_runs_with_what_it_asked_for_and_is_heard_as_it_goes() {
    let mut settings = settings();
    settings
        .env
        .insert("NASTY".to_owned(), "a 'b' \"c\" $(id) \n é".to_owned());
    settings.setup.push("export FROM_SETUP=yes".to_owned());
    rig();
    let target = common::reach(&settings).await;
    let job = asking(
        "import os, sys\nprint(os.environ['SLURM_CPUS_PER_TASK'], os.environ['SLURM_JOB_PARTITION'], os.environ['FROM_SETUP'], flush=True)\n\
         print(os.environ['NASTY'], file=sys.stderr, flush=True, end='')\nfor i in range(3): print(i, flush=True)",
        &[
            ("cores", "2"),
            ("memory", "300M"),
            ("time", "5m"),
            ("partition", "standard"),
        ],
    );
    let (_, heard) = run(&target, &job).await;
    assert_eq!(heard.out(), "2 standard yes\n0\n1\n2\n");
    assert_eq!(heard.err(), "a 'b' \"c\" $(id) \n é");
    assert_eq!(heard.state(), "succeeded");
    converse(&target).await;
    clean(&target).await;
}

#[tokio::test]
async fn a_refused_job_is_one_sentence_with_the_words_of_sbatch_and_leaves_nothing() {
    let target = slurm().await;
    let error = target
        .submit(&asking("print(1)", &[("partition", "nowhere")]), |_| {})
        .await
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::Scheduler);
    let text = error.to_string();
    assert!(
        text.starts_with("slurm: sbatch refused the job: ")
            && text.contains("nvalid partition name specified"),
        "{text}"
    );
    assert!(
        text.ends_with(
            "correct `partition` in the target's resources; `sinfo` lists those there are"
        ),
        "{text}"
    );
    let error = target
        .submit(&asking("print(1)", &[("memory", "900T")]), |_| {})
        .await
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::Scheduler, "{error}");
    left_nothing(&target);
    clean(&target).await;
}

#[tokio::test]
async fn a_waiting_job_says_why_and_is_cancelled_at_once() {
    let target = slurm().await;
    let job = asking("print('never')", &[("partition", "down")]);
    let id = target.submit(&job, |_| {}).await.unwrap();
    let SchedulerState::Pending { reason } = state(&target, &job, &id).await else {
        panic!("it waits")
    };
    assert_eq!(
        reason,
        "the partition is down; choose another one (PartitionDown)"
    );
    target.cancel(&job.job, Made::Before, &id).await.unwrap();
    common::is_cancelled_while_it_waits(&target, &asking("", &[("partition", "down")])).await;
    clean(&target).await;
}

#[tokio::test]
async fn a_running_job_is_cancelled() {
    let target = slurm().await;
    common::is_cancelled_while_it_runs(&target).await;
    clean(&target).await;
}

#[tokio::test]
async fn the_death_of_a_job_that_could_not_write_it_down_is_learnt_from_slurm() {
    let target = slurm().await;
    let job = job(
        "import os, signal, time\nprint('on', flush=True)\ntime.sleep(1)\nos.kill(os.getppid(), signal.SIGKILL)\nos.kill(os.getpid(), signal.SIGKILL)",
    );
    let id = target.submit(&job, |_| {}).await.unwrap();
    let events = target
        .follow(&job.job, Made::Before, Offsets::default())
        .unwrap();
    let listener = tokio::spawn(listen(events));
    eventually("Slurm says that it ended", || async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        matches!(
            state(&target, &job, &id).await,
            SchedulerState::Ended {
                outcome: Outcome::Killed,
                ..
            }
        )
    })
    .await;
    let heard = listener.await.unwrap();
    assert_eq!(
        (heard.out().as_str(), heard.state().as_str()),
        ("on\n", "crashed")
    );
    assert!(heard.reason().contains("killed"), "{}", heard.reason());
    clean(&target).await;
}

#[tokio::test]
async fn a_job_whose_answer_was_lost_is_found_in_the_queue_and_runs_once() {
    let target = slurm().await;
    common::is_found_again(&target).await;
    clean(&target).await;
}

#[tokio::test]
async fn a_job_that_slurm_has_forgotten_is_said_to_be_so_without_accounting() {
    let target = slurm().await;
    let running = job("import time; time.sleep(4)");
    let id = target.submit(&running, |_| {}).await.unwrap();
    let forgotten = ("FORGOTTEN".to_owned(), NativeId("99999999".to_owned()));
    let states = target
        .query(&[forgotten, (running.job.clone(), id)])
        .await
        .unwrap();
    assert!(
        matches!(&states["FORGOTTEN"], SchedulerState::Ended { outcome: Outcome::Vanished, words } if words.contains("no longer knows")),
        "{states:?}"
    );
    assert!(
        !matches!(states[&running.job], SchedulerState::Ended { .. }),
        "{states:?}"
    );
    listen(
        target
            .follow(&running.job, Made::Before, Offsets::default())
            .unwrap(),
    )
    .await;
    clean(&target).await;
}

#[tokio::test]
async fn many_jobs_are_one_question_and_the_questions_are_few() {
    rig();
    let mut settings = settings();
    settings.poll_interval = None;
    let target = connect(&settings, Arc::new(Nobody)).await.unwrap();
    let mut jobs = Vec::new();
    for _ in 0..5 {
        let job = asking("import time; time.sleep(5)", &[]);
        let id = target.submit(&job, |_| {}).await.unwrap();
        jobs.push((job.job.clone(), id));
    }
    let first = target.query(&jobs).await.unwrap();
    assert!(
        first
            .values()
            .all(|s| matches!(s, SchedulerState::Running | SchedulerState::Pending { .. })),
        "{first:?}"
    );
    for (job, id) in &jobs {
        target.cancel(job, Made::Before, id).await.unwrap();
    }
    // Within half a minute the answer is the old one: nobody was asked.
    assert_eq!(target.query(&jobs).await.unwrap(), first);
    for (job, _) in &jobs {
        listen(
            target
                .follow(job, Made::Before, Offsets::default())
                .unwrap(),
        )
        .await;
    }
    clean(&target).await;
}

#[tokio::test]
async fn an_array_is_one_submission_and_its_tasks_end_each_in_its_own_way() {
    let target = slurm().await;
    common::tasks_end_each_in_its_own_way(&target, "SLURM_ARRAY_TASK_ID", "_").await;
    let limit = target.array_limit().await.unwrap();
    assert_eq!(limit, Some(100_000), "one less than MaxArraySize");
    clean(&target).await;
}

#[tokio::test]
async fn tasks_of_an_array_are_asked_about_and_cancelled_together() {
    let target = slurm().await;
    common::tasks_are_cancelled_together(&target).await;
    clean(&target).await;
}

#[tokio::test]
async fn a_job_that_comes_after_others_begins_only_when_they_succeeded() {
    let target = slurm().await;
    common::comes_after(&target, true).await;
    clean(&target).await;
}

#[tokio::test]
async fn the_tasks_of_an_array_build_one_environment_on_their_nodes() {
    rig();
    common::tasks_build_one_environment(&settings()).await;
}
