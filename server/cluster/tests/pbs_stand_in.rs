//! Jobs of PBS: of a stand-in for its commands, which is in no package registry, and of a real one where HOIST_TEST_PBS is the alias of
//! an OpenSSH host that has it. A stand-in runs in place of the runner too.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use common::{
    StandIn, asking, clean, converse, ended, job, left_nothing, listen, run, state, until_state,
};
use hoist_cluster::{
    ErrorKind, Made, NativeId, Offsets, Outcome, SchedulerKind, SchedulerState, Target,
    TargetSettings,
};

/// A target, with the stand-in behind it unless it is a real one.
struct Pbs {
    target: Target,
    stand_in: Option<StandIn>,
}

async fn pbs_with(change: impl FnOnce(&mut TargetSettings)) -> Pbs {
    let host = std::env::var("HOIST_TEST_PBS")
        .ok()
        .filter(|alias| !alias.is_empty());
    let stand_in = match &host {
        Some(alias) => {
            // It may be an alias of the rig's own, with a stand-in behind it.
            let home = std::env::var("HOIST_TEST_HOME").unwrap_or_default();
            let known = std::fs::read_to_string(format!("{home}/.ssh/config")).unwrap_or_default();
            if known.lines().any(|line| line == format!("Host {alias}")) {
                common::set("HOME", home);
            }
            common::THERE.set(alias.clone()).unwrap();
            None
        }
        None => Some(StandIn::start(&["qsub", "qstat", "qselect", "qdel"])),
    };
    let mut settings = TargetSettings {
        host,
        ..common::settings("pbs", SchedulerKind::Pbs)
    };
    change(&mut settings);
    let target = common::reach(&settings).await;
    Pbs { target, stand_in }
}

async fn pbs() -> Pbs {
    pbs_with(|_| {}).await
}

#[tokio::test]
async fn a_job_runs_with_what_it_asked_for_and_is_heard_as_it_goes() {
    let nasty = "a 'b' \"c\", $(id) \\ \n#PBS -l owned=1\n é";
    let Pbs {
        target,
        stand_in: _stand_in,
    } = pbs_with(|settings| {
        settings.env.insert("NASTY".to_owned(), nasty.to_owned());
        settings.setup.push("export FROM_SETUP=yes".to_owned());
    })
    .await;
    let job = asking(
        "import os, sys\nprint(os.environ['PBS_JOBID'] == open(job + '/native_id').read(), os.environ['FROM_SETUP'], flush=True)\n\
         print(os.environ['NASTY'], file=sys.stderr, flush=True, end='')\nfor i in range(3): print(i, flush=True)",
        &[("cores", "2"), ("memory", "300M"), ("time", "5m")],
    );
    let (_, heard) = run(&target, &job).await;
    assert_eq!(heard.out(), "True yes\n0\n1\n2\n", "{}", heard.err());
    assert_eq!(heard.err(), nasty);
    assert_eq!(heard.state(), "succeeded");
    let (_, heard) = run(&target, &common::job("raise ValueError('no')")).await;
    assert_eq!(heard.state(), "failed");
    converse(&target).await;
    clean(&target).await;
}

#[tokio::test]
async fn a_refused_job_is_one_sentence_with_the_words_of_qsub_and_leaves_nothing() {
    let Pbs {
        target,
        stand_in: _stand_in,
    } = pbs().await;
    for (wanted, said, mend) in [
        (
            ("queue", "nowhere"),
            "Unknown queue",
            "`qstat -Q` lists the queues there are",
        ),
        (
            ("extra", "-l nope=1"),
            "Unknown resource",
            "correct the target's `extra` lines",
        ),
    ] {
        let error = target
            .submit(&asking("print(1)", &[wanted]), |_| {})
            .await
            .unwrap_err();
        let text = error.to_string();
        assert_eq!(error.kind, ErrorKind::Scheduler, "{text}");
        assert!(
            text.starts_with("pbs: qsub refused the job: ")
                && text.contains(said)
                && text.ends_with(mend),
            "{text}"
        );
    }
    left_nothing(&target);
    clean(&target).await;
}

#[tokio::test]
async fn a_job_that_can_never_run_says_so_and_is_cancelled_at_once() {
    let Pbs {
        target,
        stand_in: _stand_in,
    } = pbs().await;
    let impossible = asking("print('never')", &[("cores", "4000")]);
    let id = target.submit(&impossible, |_| {}).await.unwrap();
    let never = |state: &SchedulerState| matches!(state, SchedulerState::Pending { reason } if reason.contains("Can Never Run"));
    let SchedulerState::Pending { reason } = until_state(&target, &impossible, &id, never).await
    else {
        panic!("it waits")
    };
    assert!(
        reason.starts_with(
            "no node can ever give what it asks for (Can Never Run: Insufficient amount of resource"
        ) && reason.ends_with("cancel it and ask for less, or for another queue"),
        "{reason}"
    );
    target
        .cancel(&impossible.job, Made::Before, &id)
        .await
        .unwrap();
    common::is_cancelled_while_it_waits(&target, &asking("", &[("cores", "4000")])).await;
    clean(&target).await;
}

#[tokio::test]
async fn a_running_job_is_cancelled() {
    let Pbs {
        target,
        stand_in: _stand_in,
    } = pbs().await;
    common::is_cancelled_while_it_runs(&target).await;
    clean(&target).await;
}

#[tokio::test]
async fn a_job_whose_answer_was_lost_is_found_and_runs_once() {
    let Pbs {
        target,
        stand_in: _stand_in,
    } = pbs().await;
    common::is_found_again(&target).await;
    clean(&target).await;
}

const DEAF: &str = "import os, signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n";

#[tokio::test]
async fn the_death_of_a_job_that_could_not_write_it_down_is_learnt_from_its_history() {
    let Pbs { target, stand_in } = pbs().await;
    let Some(stand_in) = stand_in else {
        // A real server may keep no history; then the next test is what holds.
        return clean(&target).await;
    };
    stand_in.is("history", true);
    let kill = "import os, signal\nos.kill(os.getppid(), signal.SIGKILL)\nos.kill(os.getpid(), signal.SIGKILL)";
    for (job, outcome, state, words) in [
        (
            asking(&format!("{DEAF}time.sleep(100)"), &[("time", "2s")]),
            Outcome::TimedOut,
            "timed_out",
            "limit of time (00:00:02); ask for more",
        ),
        (job(kill), Outcome::Killed, "crashed", "the job was killed"),
    ] {
        let id = target.submit(&job, |_| {}).await.unwrap();
        let events = target
            .follow(&job.job, Made::Before, Offsets::default())
            .unwrap();
        let said = until_state(&target, &job, &id, ended).await;
        let right = matches!(&said, SchedulerState::Ended { outcome: o, words: w } if *o == outcome && w.contains(words));
        assert!(right, "{said:?}");
        let heard = listen(events).await;
        assert_eq!(heard.state(), state);
        assert!(heard.reason().contains(words), "{}", heard.reason());
    }
    clean(&target).await;
}

#[tokio::test]
async fn without_a_history_a_job_is_unknown_for_a_while_and_others_are_told_of_all_the_same() {
    let Pbs { target, stand_in } = pbs().await;
    let kill = "import os, signal\nos.kill(os.getppid(), signal.SIGKILL)\nos.kill(os.getpid(), signal.SIGKILL)";
    let (killed, going) = (job(kill), job("import time; time.sleep(12)"));
    let id = target.submit(&killed, |_| {}).await.unwrap();
    let other = target.submit(&going, |_| {}).await.unwrap();
    let events = target
        .follow(&killed.job, Made::Before, Offsets::default())
        .unwrap();
    let server = other.0.split_once('.').unwrap().1;
    let forgotten = NativeId(format!("99999999.{server}"));
    let asked = [
        (killed.job.clone(), id.clone()),
        (going.job.clone(), other),
        ("FORGOTTEN".to_owned(), forgotten),
    ];
    let first = target.query(&asked).await.unwrap();
    assert!(
        matches!(
            first[&going.job],
            SchedulerState::Running | SchedulerState::Pending { .. }
        ),
        "{first:?}"
    );
    assert_eq!(first["FORGOTTEN"], SchedulerState::Unknown);
    let said = until_state(&target, &killed, &id, ended).await;
    if stand_in.is_some() {
        assert!(
            matches!(&said, SchedulerState::Ended { outcome: Outcome::Vanished, words } if words.contains("keeps no history of it")),
            "{said:?}"
        );
        assert_eq!(listen(events).await.state(), "lost");
    }
    let gone = target.query(&asked).await.unwrap();
    assert!(
        !matches!(
            gone[&going.job],
            SchedulerState::Ended {
                outcome: Outcome::Vanished,
                ..
            }
        ),
        "{gone:?}"
    );
    let heard = listen(
        target
            .follow(&going.job, Made::Before, Offsets::default())
            .unwrap(),
    )
    .await;
    assert_eq!(heard.state(), "succeeded");
    clean(&target).await;
}

#[tokio::test]
async fn many_jobs_are_one_question_and_a_server_that_is_away_is_waited_for() {
    let Pbs { target, stand_in } =
        pbs_with(|settings| settings.poll_interval = Some("2s".parse().unwrap())).await;
    let Some(stand_in) = stand_in else {
        return clean(&target).await;
    };
    stand_in.is("history", true);
    let mut jobs = Vec::new();
    for _ in 0..8 {
        // However long the questions take: it runs until it is told.
        let job = job(
            "import os, time\nwhile not os.path.exists(os.path.dirname(job) + '/go'): time.sleep(0.1)",
        );
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
    assert_eq!(target.query(&jobs).await.unwrap(), first);
    assert_eq!(stand_in.calls("qstat"), 1);
    stand_in.is("down", true);
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    let error = target.query(&jobs).await.unwrap_err().to_string();
    assert!(
        error.starts_with("pbs: the scheduler does not answer (")
            && error.contains("cannot connect to server"),
        "{error}"
    );
    let error = target
        .submit(&job("print('never')"), |_| {})
        .await
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("the scheduler does not answer, the job was not submitted"),
        "{error}"
    );
    stand_in.is("down", false);
    let folder = std::path::PathBuf::from(target.job_dir(&jobs[0].0));
    std::fs::write(folder.with_file_name("go"), "").unwrap();
    for (job, _) in &jobs {
        let heard = listen(
            target
                .follow(job, Made::Before, Offsets::default())
                .unwrap(),
        )
        .await;
        assert_eq!(heard.state(), "succeeded");
    }
    let (_, heard) = run(&target, &job("print('again')")).await;
    assert_eq!(heard.out(), "again\n");
    clean(&target).await;
}

#[tokio::test]
async fn a_job_that_waits_says_the_servers_words() {
    let Pbs { target, stand_in } = pbs().await;
    if stand_in.is_some() {
        let job = asking("print('never')", &[("queue", "stopped")]);
        let id = target.submit(&job, |_| {}).await.unwrap();
        assert_eq!(
            state(&target, &job, &id).await,
            SchedulerState::Pending {
                reason: "PBS says: Not Running: Queue not started.".to_owned()
            }
        );
        target.cancel(&job.job, Made::Before, &id).await.unwrap();
    }
    clean(&target).await;
}

#[tokio::test]
async fn a_job_that_comes_after_others_begins_only_when_they_succeeded() {
    let Pbs {
        target,
        stand_in: _stand_in,
    } = pbs().await;
    common::comes_after(&target, true).await;
    clean(&target).await;
}

#[tokio::test]
async fn an_array_is_one_submission_and_its_tasks_end_each_in_its_own_way() {
    let Pbs { target, stand_in } = pbs().await;
    if let Some(stand_in) = &stand_in {
        stand_in.is("history", true);
    }
    common::tasks_end_each_in_its_own_way(&target, "PBS_ARRAY_INDEX", "[").await;
    if let Some(stand_in) = &stand_in {
        assert_eq!(stand_in.calls("qsub"), 1);
    }
    // One task is no array there.
    let one = common::array(["print('one')".to_owned()]);
    let (ids, heard) = common::run_array(&target, &one).await;
    assert_eq!(heard[0].out(), "one\n");
    assert!(!ids[0].0.contains('['), "{}", ids[0]);
    clean(&target).await;
}

#[tokio::test]
async fn tasks_of_an_array_are_asked_about_and_cancelled_together() {
    let Pbs {
        target,
        stand_in: _stand_in,
    } = pbs().await;
    common::tasks_are_cancelled_together(&target).await;
    clean(&target).await;
}
