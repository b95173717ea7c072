//! Jobs of a real Slurm over a real sshd; tests/clusters/sshd.sh and slurm.sh started both. A stand-in runs in place of
//! the runner.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use std::sync::Arc;
use std::time::Duration;

use common::{clean, converse, eventually, job, listen, run};
use hoist_cluster::{
    ErrorKind, FollowEvent, NativeId, Nobody, Offsets, Outcome, SchedulerKind, SchedulerState,
    Submission, Target, TargetSettings, connect,
};

/// Makes the rig's home this process's, as a user's HOME is.
fn rig() {
    let home = std::env::var_os("HOIST_TEST_HOME")
        .expect("HOIST_TEST_HOME is not set: start tests/clusters/sshd.sh and slurm.sh and source their env, or run tests/run");
    assert!(
        std::env::var_os("HOIST_TEST_SLURM").is_some(),
        "start tests/clusters/slurm.sh too"
    );
    // SAFETY: nextest gives each test a process of its own, and nothing else runs in it yet.
    #[allow(unsafe_code)]
    unsafe {
        std::env::set_var("HOME", home);
    }
}

fn settings() -> TargetSettings {
    TargetSettings {
        name: "slurm".to_owned(),
        scheduler: SchedulerKind::Slurm,
        host: Some("hoist-slurm".to_owned()),
        work_dir: format!("~/hoist test {}", common::job_name()),
        poll_interval: Some("1s".parse().unwrap()),
        ..TargetSettings::default()
    }
}

async fn slurm() -> Target {
    rig();
    connect(&settings(), Arc::new(Nobody))
        .await
        .unwrap_or_else(|e| panic!("{e}"))
}

fn asking(python: &str, wanted: &[(&str, &str)]) -> Submission {
    let mut job = job(python);
    for (key, value) in wanted {
        job.resources.set(key, value).unwrap();
    }
    job
}

async fn state(target: &Target, job: &Submission, id: &NativeId) -> SchedulerState {
    target
        .query(&[(job.job.clone(), id.clone())])
        .await
        .unwrap()
        .remove(&job.job)
        .unwrap()
}

#[tokio::test]
async fn a_job_runs_with_what_it_asked_for_and_is_heard_as_it_goes() {
    let mut settings = settings();
    settings
        .env
        .insert("NASTY".to_owned(), "a 'b' \"c\" $(id) \n é".to_owned());
    settings.setup.push("export FROM_SETUP=yes".to_owned());
    rig();
    let target = connect(&settings, Arc::new(Nobody))
        .await
        .unwrap_or_else(|e| panic!("{e}"));
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
    assert_eq!(
        std::fs::read_dir(format!("{}/jobs", target.work_dir()))
            .unwrap()
            .count(),
        0
    );
    clean(&target).await;
}

#[tokio::test]
async fn a_waiting_job_says_why_and_is_cancelled_at_once() {
    let target = slurm().await;
    let job = asking("print('never')", &[("partition", "down")]);
    let id = target.submit(&job, |_| {}).await.unwrap();
    let events = target.follow(&job.job, Offsets::default()).unwrap();
    let SchedulerState::Pending { reason } = state(&target, &job, &id).await else {
        panic!("it waits")
    };
    assert_eq!(
        reason,
        "the partition is down; choose another one (PartitionDown)"
    );
    let begun = std::time::Instant::now();
    target.cancel(&job.job, &id).await.unwrap();
    let heard = listen(events).await;
    assert!(
        begun.elapsed() < Duration::from_secs(15),
        "{:?}",
        begun.elapsed()
    );
    assert_eq!(
        (heard.state().as_str(), heard.reason().as_str()),
        ("cancelled", "cancelled before it began")
    );
    clean(&target).await;
}

#[tokio::test]
async fn a_running_job_is_cancelled() {
    let target = slurm().await;
    let job = job("import time\nprint('on', flush=True)\ntime.sleep(100)");
    let id = target.submit(&job, |_| {}).await.unwrap();
    let mut events = target.follow(&job.job, Offsets::default()).unwrap();
    while !matches!(events.recv().await, Some(FollowEvent::Output { .. })) {}
    assert_eq!(state(&target, &job, &id).await, SchedulerState::Running);
    target.cancel(&job.job, &id).await.unwrap();
    let heard = listen(target.follow(&job.job, Offsets::default()).unwrap()).await;
    assert_eq!(heard.state(), "cancelled");
    clean(&target).await;
}

#[tokio::test]
async fn the_death_of_a_job_that_could_not_write_it_down_is_learnt_from_slurm() {
    let target = slurm().await;
    let job = job(
        "import os, signal, time\nprint('on', flush=True)\ntime.sleep(1)\nos.kill(os.getppid(), signal.SIGKILL)\nos.kill(os.getpid(), signal.SIGKILL)",
    );
    let id = target.submit(&job, |_| {}).await.unwrap();
    let events = target.follow(&job.job, Offsets::default()).unwrap();
    let listener = tokio::spawn(listen(events));
    eventually("Slurm says that it ended", || async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        matches!(
            state(&target, &job, &id).await,
            SchedulerState::Ended {
                outcome: Outcome::Failed,
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
    let job = asking(
        "open(job + '/times', 'a').write('x'); import time; time.sleep(3)",
        &[],
    );
    let id = target.submit(&job, |_| {}).await.unwrap();
    let folder = target.job_dir(&job.job);
    // As after a submission whose answer and whose id were lost.
    eventually("it runs", || async {
        std::path::Path::new(&format!("{folder}/started")).exists()
    })
    .await;
    std::fs::remove_file(format!("{folder}/native_id")).unwrap();
    assert_eq!(target.submit(&job, |_| {}).await.unwrap(), id);
    let heard = listen(target.follow(&job.job, Offsets::default()).unwrap()).await;
    assert_eq!(heard.state(), "succeeded");
    assert_eq!(
        std::fs::read_to_string(format!("{folder}/times")).unwrap(),
        "x"
    );
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
    listen(target.follow(&running.job, Offsets::default()).unwrap()).await;
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
        target.cancel(job, id).await.unwrap();
    }
    // Within half a minute the answer is the old one: nobody was asked.
    assert_eq!(target.query(&jobs).await.unwrap(), first);
    for (job, _) in &jobs {
        listen(target.follow(job, Offsets::default()).unwrap()).await;
    }
    clean(&target).await;
}
