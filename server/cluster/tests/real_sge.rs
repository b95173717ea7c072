//! Jobs of a real Grid Engine, over a real sshd and on its own machine; tests/clusters/sshd.sh and sge.sh started both. A stand-in
//! runs in place of the runner.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use common::{
    asking, clean, converse, ended, job, left_nothing, listen, run, set, state, until_state,
};
use hoist_cluster::{
    ErrorKind, FollowEvent, Made, Offsets, Outcome, SchedulerKind, SchedulerState, Target,
    TargetSettings,
};

/// Here, and over SSH as another user.
const WAYS: [Option<&str>; 2] = [None, Some("hoist-sge")];

fn settings(host: Option<&str>) -> TargetSettings {
    TargetSettings {
        host: host.map(str::to_owned),
        ..common::settings("sge", SchedulerKind::Sge)
    }
}

async fn reach(settings: &TargetSettings) -> Target {
    common::rig("HOIST_TEST_SGE");
    common::reach(settings).await
}

async fn sge(host: Option<&str>) -> Target {
    reach(&settings(host)).await
}

#[tokio::test]
async fn a_job_runs_with_what_it_asked_for_and_is_heard_as_it_goes() {
    for way in WAYS {
        let mut settings = settings(way);
        let nasty = "a 'b' \"c\" $(id) \n#$ -l owned=1\n é";
        settings.env.insert("NASTY".to_owned(), nasty.to_owned());
        settings.setup.push("export FROM_SETUP=yes".to_owned());
        let target = reach(&settings).await;
        let job = asking(
            "import os, resource, sys\nprint(os.environ['NSLOTS'], os.environ['QUEUE'], os.environ['FROM_SETUP'], flush=True)\n\
             print(resource.getrlimit(resource.RLIMIT_AS)[0] >> 20)\n\
             print(os.environ['NASTY'], file=sys.stderr, flush=True, end='')\nfor i in range(3): print(i, flush=True)",
            &[
                ("cores", "2"),
                ("memory", "3G"),
                ("time", "5m"),
                ("queue", "all.q"),
                ("account", "lab"),
                ("gpus", "2"),
            ],
        );
        let (_, heard) = run(&target, &job).await;
        assert_eq!(
            heard.out(),
            "2 all.q yes\n3072\n0\n1\n2\n",
            "{}",
            heard.err()
        );
        assert_eq!(heard.err(), nasty);
        assert_eq!(heard.state(), "succeeded");
        converse(&target).await;
        clean(&target).await;
    }
}

#[tokio::test]
async fn a_folder_of_any_name_will_do_but_for_words_that_grid_engine_replaces() {
    for way in WAYS {
        let mut settings = settings(way);
        let top = settings.work_dir.clone();
        settings.work_dir = format!("{top}/it's \"$HOM\" `id` $(id) : é #$ -q x");
        let target = reach(&settings).await;
        let (_, heard) = run(&target, &job("print(1)")).await;
        assert_eq!(
            (heard.out().as_str(), heard.state().as_str()),
            ("1\n", "succeeded")
        );
        clean(&target).await;
        settings.work_dir = format!("{top}/a$HOME");
        let target = reach(&settings).await;
        let error = target.submit(&job("print(1)"), |_| {}).await.unwrap_err();
        let words = "Grid Engine would replace $HOME in it by something else; set `work_dir` of the target to another folder";
        assert!(error.to_string().ends_with(words), "{error}");
        left_nothing(&target);
        clean(&target).await;
    }
}

#[tokio::test]
async fn a_refused_job_is_one_sentence_with_the_words_of_qsub_and_leaves_nothing() {
    for way in WAYS {
        let target = sge(way).await;
        for (wanted, said, mend) in [
            (
                ("queue", "nowhere.q"),
                "job requests unknown queue \"nowhere.q\"",
                "`qconf -sql` lists the queues there are",
            ),
            (
                ("account", "nobody"),
                "the requested project \"nobody\" does not exist",
                "`qconf -sprjl` lists the projects there are",
            ),
            (
                ("extra", "-l nope=1"),
                "unknown resource \"nope\"",
                "`qconf -sc` lists the resources there are",
            ),
            (
                ("extra", "-pe nope 2"),
                "the requested parallel environment \"nope\" does not exist",
                "`qconf -spl` lists those there are",
            ),
        ] {
            let error = target
                .submit(&asking("print(1)", &[wanted]), |_| {})
                .await
                .unwrap_err();
            let text = error.to_string();
            assert_eq!(error.kind, ErrorKind::Scheduler, "{text}");
            assert!(
                text.starts_with("sge: qsub refused the job: ")
                    && text.contains(said)
                    && text.ends_with(mend),
                "{text}"
            );
        }
        let error = target
            .submit(&asking("print(1)", &[("nodes", "2")]), |_| {})
            .await
            .unwrap_err();
        assert_eq!(error.kind, ErrorKind::Settings);
        assert!(
            error
                .to_string()
                .starts_with("sge: nodes = 2 cannot be asked of Grid Engine"),
            "{error}"
        );
        left_nothing(&target);
        clean(&target).await;
    }
}

#[tokio::test]
async fn a_waiting_job_says_why_and_is_cancelled_at_once() {
    for way in WAYS {
        let target = sge(way).await;
        for (wanted, reason) in [
            (("queue", "shut.q"), "waiting for free slots (qw)".to_owned()),
            (
                ("memory", "900G"),
                "no queue can ever give what it asks for (it (-l h_vmem=921600M) cannot run at host \"localhost\" because it offers only \
                 hc:h_vmem=100.000G); cancel it and ask for less, or for another queue"
                    .to_owned(),
            ),
            (("extra", "-h"), "it is held, or waits for another job (hqw); `qrls ID` there releases it".to_owned()),
        ] {
            let job = asking("print('never')", &[wanted]);
            let id = target.submit(&job, |_| {}).await.unwrap();
            // A question a second.
            let said = until_state(&target, &job, &id, |state| *state != SchedulerState::Unknown).await;
            let reason = reason.replace("ID", &id.0);
            assert_eq!(said, SchedulerState::Pending { reason });
            target.cancel(&job.job, Made::Before, &id).await.unwrap();
        }
        common::is_cancelled_while_it_waits(&target, &asking("", &[("queue", "shut.q")])).await;
        clean(&target).await;
    }
}

#[tokio::test]
async fn a_job_that_cannot_be_started_says_why_and_what_to_do() {
    for way in WAYS {
        let target = sge(way).await;
        let job = asking("print('never')", &[("extra", "-h")]);
        let id = target.submit(&job, |_| {}).await.unwrap();
        let (folder, aside) = (
            target.job_dir(&job.job),
            format!("{}/aside", target.work_dir()),
        );
        std::fs::rename(&folder, &aside).unwrap();
        let released = Command::new("qrls").arg(&id.0).output().unwrap();
        assert!(released.status.success(), "{released:?}");
        let waits = |state: &SchedulerState| matches!(state, SchedulerState::Pending { reason } if reason.contains("Eqw"));
        let SchedulerState::Pending { reason } = until_state(&target, &job, &id, waits).await
        else {
            panic!("it waits")
        };
        assert!(
            reason
                .starts_with("Grid Engine could not start it and holds it (Eqw): can't chdir to ")
                && reason.ends_with(&format!(
                    "mend that and run `qmod -cj {id}` there, or cancel it"
                )),
            "{reason}"
        );
        // Which helps.
        std::fs::rename(&aside, &folder).unwrap();
        let cleared = Command::new("qmod").args(["-cj", &id.0]).output().unwrap();
        let words = String::from_utf8_lossy(&cleared.stdout);
        assert!(words.contains("cleared error state"), "{cleared:?}");
        let heard = listen(
            target
                .follow(&job.job, Made::Before, Offsets::default())
                .unwrap(),
        )
        .await;
        assert_eq!(heard.state(), "succeeded");
        clean(&target).await;
    }
}

#[tokio::test]
async fn a_running_job_is_cancelled() {
    for way in WAYS {
        let target = sge(way).await;
        common::is_cancelled_while_it_runs(&target).await;
        clean(&target).await;
    }
}

#[tokio::test]
async fn a_job_whose_answer_was_lost_is_found_in_the_queue_and_runs_once() {
    for way in WAYS {
        let target = sge(way).await;
        common::is_found_again(&target).await;
        // Also while it waits.
        let job = asking("print('never')", &[("queue", "shut.q")]);
        let id = target.submit(&job, |_| {}).await.unwrap();
        std::fs::remove_file(format!("{}/native_id", target.job_dir(&job.job))).unwrap();
        assert_eq!(target.submit(&job, |_| {}).await.unwrap(), id);
        target.cancel(&job.job, Made::Before, &id).await.unwrap();
        clean(&target).await;
    }
}

/// A programme that does not listen when it is told to end.
const DEAF: &str = "import signal, time\nsignal.signal(signal.SIGUSR2, signal.SIG_IGN)\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n";

#[tokio::test]
async fn the_death_of_a_job_that_could_not_write_it_down_is_learnt_from_the_accounting() {
    for way in WAYS {
        let target = sge(way).await;
        let cases = [
            (
                asking(&format!("{DEAF}time.sleep(100)"), &[("time", "2s")]),
                Outcome::TimedOut,
                "timed_out",
                "the job reached its limit of time (00:00:02); ask for more",
            ),
            (
                asking(
                    &format!(
                        "{DEAF}import subprocess, sys\nlines = {DEAF:?} + 'x = bytearray(150 << 20)\\ntime.sleep(100)'\n\
                         [p.wait() for p in [subprocess.Popen([sys.executable, '-c', lines]) for _ in range(4)]]"
                    ),
                    &[("memory", "500M"), ("time", "5m")],
                ),
                Outcome::OutOfMemory,
                "crashed",
                "of memory and had asked for 500 MiB; ask for more with memory=...",
            ),
            (
                job(
                    "import os, signal\nos.kill(os.getppid(), signal.SIGKILL)\nos.kill(os.getpid(), signal.SIGKILL)",
                ),
                Outcome::Killed,
                "crashed",
                "the job was killed",
            ),
        ];
        let mut going = Vec::new();
        for (job, outcome, state, words) in cases {
            let id = target.submit(&job, |_| {}).await.unwrap();
            let events = target
                .follow(&job.job, Made::Before, Offsets::default())
                .unwrap();
            going.push((job, outcome, state, words, id, tokio::spawn(listen(events))));
        }
        for (job, outcome, state, words, id, heard) in going {
            let said = until_state(&target, &job, &id, ended).await;
            let right = matches!(&said, SchedulerState::Ended { outcome: o, words: w } if *o == outcome && w.contains(words));
            assert!(right, "{said:?}");
            let heard = heard.await.unwrap();
            assert_eq!(heard.state(), state, "{said:?}");
            assert!(heard.reason().contains(words), "{}", heard.reason());
        }
        clean(&target).await;
    }
}

#[tokio::test]
async fn one_process_beyond_its_memory_sees_it_itself() {
    for way in WAYS {
        let target = sge(way).await;
        let (_, heard) = run(
            &target,
            &asking("bytearray(900 << 20)", &[("memory", "400M")]),
        )
        .await;
        assert_eq!(heard.state(), "failed");
        assert!(heard.err().ends_with("MemoryError\n"), "{}", heard.err());
        clean(&target).await;
    }
}

#[tokio::test]
async fn a_job_that_is_nowhere_is_unknown_for_a_while_and_then_said_to_be_gone() {
    for way in WAYS {
        let target = sge(way).await;
        // Deleted before it began, by its own user with Grid Engine's own command: the accounting has no record of it.
        let job = asking("print('never')", &[("queue", "shut.q")]);
        let id = target.submit(&job, |_| {}).await.unwrap();
        let events = target
            .follow(&job.job, Made::Before, Offsets::default())
            .unwrap();
        let deleted = Command::new("qdel").arg(&id.0).output().unwrap();
        assert!(deleted.status.success(), "{deleted:?}");
        let begun = std::time::Instant::now();
        assert_eq!(state(&target, &job, &id).await, SchedulerState::Unknown);
        let said = until_state(&target, &job, &id, ended).await;
        assert!(
            matches!(&said, SchedulerState::Ended { outcome: Outcome::Vanished, words } if words.contains("no record of it in its accounting")),
            "{said:?}"
        );
        assert!(begun.elapsed().as_secs() >= 10, "{:?}", begun.elapsed());
        assert_eq!(listen(events).await.state(), "lost");
        clean(&target).await;
    }
}

#[tokio::test]
async fn a_running_job_is_not_run_again() {
    for way in WAYS {
        let target = sge(way).await;
        let job = job(
            "open(job + '/times', 'a').write('x'); import time; print('on', flush=True); time.sleep(4)",
        );
        let id = target.submit(&job, |_| {}).await.unwrap();
        let mut events = target
            .follow(&job.job, Made::Before, Offsets::default())
            .unwrap();
        while !matches!(events.recv().await, Some(FollowEvent::Output { .. })) {}
        // The queue would run jobs again.
        let refused = Command::new("qmod").args(["-rj", &id.0]).output().unwrap();
        let words = String::from_utf8_lossy(&refused.stdout);
        assert!(words.contains("is not restartable"), "{words}");
        let heard = listen(
            target
                .follow(&job.job, Made::Before, Offsets::default())
                .unwrap(),
        )
        .await;
        assert_eq!(heard.state(), "succeeded");
        assert_eq!(
            std::fs::read_to_string(format!("{}/times", target.job_dir(&job.job))).unwrap(),
            "x"
        );
        clean(&target).await;
    }
}

#[tokio::test]
async fn many_jobs_are_one_question() {
    let counted = tempfile::tempdir().unwrap();
    let log = counted.path().join("log");
    let path = std::env::var("PATH").unwrap();
    let mut folders = std::env::split_paths(&path);
    let real = folders.find(|folder| folder.join("qstat").exists());
    let real = real.unwrap().join("qstat");
    let counting = counted.path().join("qstat");
    std::fs::write(
        &counting,
        format!(
            "#!/bin/sh\necho \"$@\" >>{}\nexec {} \"$@\"\n",
            log.display(),
            real.display()
        ),
    )
    .unwrap();
    std::fs::set_permissions(&counting, std::fs::Permissions::from_mode(0o755)).unwrap();
    set("PATH", format!("{}:{path}", counted.path().display()));
    let mut settings = settings(None);
    settings.poll_interval = None;
    let target = reach(&settings).await;
    let mut jobs = Vec::new();
    for _ in 0..12 {
        let job = asking("import time; time.sleep(8)", &[]);
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
    assert_eq!(std::fs::read_to_string(&log).unwrap().lines().count(), 1);
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

/// A Grid Engine of this test's own.
struct Own(tempfile::TempDir);

impl Own {
    fn script(&self, words: &[&str]) {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/clusters/sge.sh");
        let done = Command::new(script)
            .args(words)
            .arg(self.0.path())
            .output()
            .unwrap();
        assert!(
            done.status.success(),
            "{words:?}: {}",
            String::from_utf8_lossy(&done.stderr)
        );
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        self.script(&["stop"]);
    }
}

#[tokio::test]
async fn a_master_that_is_away_for_a_while_is_waited_for() {
    common::rig("HOIST_TEST_SGE");
    let own = Own(tempfile::Builder::new()
        .prefix("hoist-sge-")
        .tempdir()
        .unwrap());
    own.script(&["start"]);
    for line in std::fs::read_to_string(own.0.path().join("env"))
        .unwrap()
        .lines()
    {
        let (name, value) = line.split_once('=').unwrap();
        set(name, value.trim_matches('\''));
    }
    let target = sge(None).await;
    let going = job("import time\nfor n in range(14): print(n, flush=True); time.sleep(1)");
    let id = target.submit(&going, |_| {}).await.unwrap();
    let mut events = target
        .follow(&going.job, Made::Before, Offsets::default())
        .unwrap();
    while !matches!(events.recv().await, Some(FollowEvent::Output { .. })) {}

    own.script(&["master", "stop"]);
    let error = target
        .cancel(&going.job, Made::Before, &id)
        .await
        .unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("sge: the job could not be cancelled (qdel said: "),
        "{error}"
    );
    std::fs::remove_file(format!("{}/cancel", target.job_dir(&going.job))).unwrap();
    let error = target
        .query(&[(going.job.clone(), id.clone())])
        .await
        .unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("sge: the scheduler does not answer ("),
        "{error}"
    );
    assert!(
        error
            .to_string()
            .ends_with("jobs go on meanwhile; Hoist asks again later"),
        "{error}"
    );
    let error = target
        .submit(&job("print('never')"), |_| {})
        .await
        .unwrap_err();
    assert!(
        error
            .to_string()
            .contains("the scheduler does not answer, the job was not submitted"),
        "{error}"
    );

    own.script(&["master", "start"]);
    let lines: String = (0..14).map(|n| format!("{n}\n")).collect();
    let heard = listen(
        target
            .follow(&going.job, Made::Before, Offsets::default())
            .unwrap(),
    )
    .await;
    assert_eq!(
        (heard.out().as_str(), heard.state().as_str()),
        (lines.as_str(), "succeeded")
    );
    let (_, heard) = run(&target, &job("print('again')")).await;
    assert_eq!(heard.out(), "again\n");
    clean(&target).await;
}

#[tokio::test]
async fn an_array_is_one_submission_and_its_tasks_end_each_in_its_own_way() {
    for way in WAYS {
        let target = sge(way).await;
        common::tasks_end_each_in_its_own_way(&target, "SGE_TASK_ID", ".").await;
        assert_eq!(
            target.array_limit().await.unwrap(),
            Some(75_000),
            "max_aj_tasks"
        );
        clean(&target).await;
    }
}

#[tokio::test]
async fn tasks_of_an_array_are_asked_about_and_cancelled_together() {
    for way in WAYS {
        let target = sge(way).await;
        common::tasks_are_cancelled_together(&target).await;
        clean(&target).await;
    }
}

#[tokio::test]
async fn a_job_that_comes_after_others_begins_only_when_they_succeeded() {
    let target = sge(None).await;
    common::comes_after(&target, false).await;
    clean(&target).await;
}
