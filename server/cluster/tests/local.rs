//! Jobs on this machine, end to end, with a stand-in for the runner.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use common::{array, converse, eventually, job, listen, run, run_array};
use hoist_cluster::{
    ErrorKind, FollowEvent, Made, Nobody, Offsets, SchedulerState, Submission, Target,
    TargetSettings, connect,
};

fn settings(work: &std::path::Path) -> TargetSettings {
    TargetSettings {
        work_dir: work.to_str().unwrap().to_owned(),
        ..TargetSettings::local()
    }
}

async fn local(work: &tempfile::TempDir) -> Target {
    connect(&settings(work.path()), Arc::new(Nobody))
        .await
        .expect("this machine can be reached")
}

/// A file of the job's folder.
fn in_job(work: &tempfile::TempDir, job: &Submission, file: &str) -> PathBuf {
    work.path().join("jobs").join(&job.job).join(file)
}

#[tokio::test]
async fn a_job_runs_and_is_heard_to_its_end() {
    let work = tempfile::tempdir().unwrap();
    let target = local(&work).await;
    let job = job("import sys\nfor i in range(3): print(i)\nprint('oh', file=sys.stderr)");
    let (_, heard) = run(&target, &job).await;
    assert_eq!(
        (
            heard.out().as_str(),
            heard.err().as_str(),
            heard.state().as_str()
        ),
        ("0\n1\n2\n", "oh\n", "succeeded")
    );
    assert_eq!(heard.started, 1);
    assert_eq!(
        heard.result.as_deref(),
        Some(br#"{"repr": "None"}"#.as_slice())
    );
    let left: Vec<_> = std::fs::read_dir(work.path().join("packages"))
        .unwrap()
        .collect();
    assert_eq!(left.len(), 1, "one package and no temporary file: {left:?}");
}

#[tokio::test]
async fn a_job_whose_answer_was_lost_runs_once() {
    let work = tempfile::tempdir().unwrap();
    let target = local(&work).await;
    let job = job("open(job + '/times', 'a').write('x'); import time; time.sleep(0.5)");
    // As after a submission that broke off between the lock and the start.
    std::fs::create_dir_all(work.path().join("jobs").join(&job.job)).unwrap();
    std::fs::write(in_job(&work, &job, "submitted"), "").unwrap();
    std::fs::write(in_job(&work, &job, "request.json"), &job.request).unwrap();
    std::fs::write(
        in_job(&work, &job, "script.sh"),
        target.script(&job).unwrap(),
    )
    .unwrap();
    let (_, heard) = run(&target, &job).await;
    assert_eq!(heard.state(), "succeeded");
    // As after one whose answer got lost.
    std::fs::remove_file(in_job(&work, &job, "native_id")).unwrap();
    target.submit(&job, |_| {}).await.unwrap();
    tokio::time::sleep(Duration::from_millis(700)).await;
    assert_eq!(
        std::fs::read_to_string(in_job(&work, &job, "times")).unwrap(),
        "x"
    );
}

#[tokio::test]
async fn each_line_is_seen_before_the_next_one_is_printed() {
    let work = tempfile::tempdir().unwrap();
    converse(&local(&work).await).await;
}

#[tokio::test]
async fn following_goes_on_where_it_stopped() {
    let work = tempfile::tempdir().unwrap();
    let target = local(&work).await;
    let job = job("print('abc'); print('def')");
    run(&target, &job).await;
    let mut events = target
        .follow(
            &job.job,
            Made::Before,
            Offsets {
                stdout: 4,
                stderr: 0,
            },
        )
        .unwrap();
    let mut out = Vec::new();
    while let Some(event) = events.recv().await {
        match event {
            FollowEvent::Output { offset, bytes, .. } => {
                assert_eq!(offset, 4);
                out.extend_from_slice(&bytes);
            }
            FollowEvent::Exit(_) => break,
            _ => {}
        }
    }
    assert_eq!(out, b"def\n");
}

#[tokio::test]
async fn many_megabytes_and_a_slow_reader_beside_a_quick_one() {
    let work = tempfile::tempdir().unwrap();
    let target = local(&work).await;
    let big = job("import sys\nfor i in range(20000): sys.stdout.write('%07d' % i * 64 + '\\n')");
    let expected: String = (0..20_000)
        .map(|i| format!("{i:07}").repeat(64) + "\n")
        .collect();
    target.submit(&big, |_| {}).await.unwrap();
    // Nobody reads these events for now.
    let stalled = target
        .follow(&big.job, Made::Before, Offsets::default())
        .unwrap();
    let (_, quick) = run(&target, &job("print('quick')")).await;
    assert_eq!(quick.out(), "quick\n");
    let heard = listen(stalled).await;
    assert!(
        heard.stdout == expected.as_bytes(),
        "{} of {} bytes",
        heard.stdout.len(),
        expected.len()
    );
}

#[tokio::test]
async fn a_follower_that_is_killed_again_and_again_loses_and_repeats_no_byte() {
    let work = tempfile::tempdir().unwrap();
    let target = local(&work).await;
    let job = job(
        "import time\nfor i in range(3000):\n  print('line', i, 'x' * (i % 97), flush=True)\n  if i % 10 == 0: time.sleep(0.01)",
    );
    let expected: String = (0..3_000)
        .map(|i| format!("line {i} {}\n", "x".repeat(i % 97)))
        .collect();
    target.submit(&job, |_| {}).await.unwrap();
    let events = target
        .follow(&job.job, Made::Before, Offsets::default())
        .unwrap();
    let me = std::process::id();
    let killer = tokio::spawn(async move {
        let mut killed = 0;
        for round in 0_u64..12 {
            tokio::time::sleep(Duration::from_millis(120 + 37 * round % 90)).await;
            for pid in children(me) {
                let command =
                    std::fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
                if command.contains("hoist-follower") {
                    killed += usize::from(
                        std::process::Command::new("kill")
                            .args(["-KILL", &pid.to_string()])
                            .status()
                            .unwrap()
                            .success(),
                    );
                }
            }
        }
        killed
    });
    let heard = listen(events).await;
    assert!(
        killer.await.unwrap() > 3,
        "the follower was killed while the job ran"
    );
    assert!(
        heard.stdout == expected.as_bytes(),
        "{} of {} bytes",
        heard.stdout.len(),
        expected.len()
    );
    assert_eq!(heard.state(), "succeeded");
}

fn children(parent: u32) -> Vec<u32> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let Ok(pid) = entry.file_name().to_string_lossy().parse::<u32>() else {
            continue;
        };
        let stat = std::fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        let after = stat.rsplit(") ").next().unwrap_or_default().to_owned();
        if after.split(' ').nth(1) == Some(parent.to_string().as_str()) {
            found.push(pid);
        }
    }
    found
}

#[tokio::test]
async fn a_cancelled_job_ends_as_cancelled() {
    let work = tempfile::tempdir().unwrap();
    let target = local(&work).await;
    let job = job("import time\nprint('on', flush=True)\ntime.sleep(60)");
    let id = target.submit(&job, |_| {}).await.unwrap();
    let mut events = target
        .follow(&job.job, Made::Before, Offsets::default())
        .unwrap();
    while !matches!(events.recv().await, Some(FollowEvent::Output { .. })) {}
    let states = target
        .query(&[(job.job.clone(), id.clone())])
        .await
        .unwrap();
    assert_eq!(states[&job.job], SchedulerState::Running);
    target.cancel(&job.job, Made::Before, &id).await.unwrap();
    let mut last = None;
    while let Some(event) = events.recv().await {
        last = Some(event);
    }
    let Some(FollowEvent::Exit(exit)) = last else {
        panic!("the last event is the exit: {last:?}")
    };
    assert!(String::from_utf8_lossy(&exit).contains("cancelled"));
}

#[tokio::test]
async fn a_job_that_was_killed_leaves_an_exit_marker_after_a_question() {
    let work = tempfile::tempdir().unwrap();
    let target = local(&work).await;
    let job = job("import time\nprint('on', flush=True)\ntime.sleep(60)");
    let id = target.submit(&job, |_| {}).await.unwrap();
    let mut events = target
        .follow(&job.job, Made::Before, Offsets::default())
        .unwrap();
    while !matches!(events.recv().await, Some(FollowEvent::Output { .. })) {}
    let pid = id.0.split(':').nth(1).unwrap();
    assert!(
        std::process::Command::new("kill")
            .args(["-KILL", "--", &format!("-{pid}")])
            .status()
            .unwrap()
            .success()
    );
    eventually("the process is gone", || async {
        !std::path::Path::new(&format!("/proc/{pid}/cwd")).exists()
    })
    .await;
    let states = target
        .query(&[(job.job.clone(), id.clone())])
        .await
        .unwrap();
    assert!(
        matches!(states[&job.job], SchedulerState::Ended { .. }),
        "{states:?}"
    );
    let mut last = None;
    while let Some(event) = events.recv().await {
        last = Some(event);
    }
    let Some(FollowEvent::Exit(exit)) = last else {
        panic!("the last event is the exit: {last:?}")
    };
    assert!(
        String::from_utf8_lossy(&exit).contains("\"lost\""),
        "{exit:?}"
    );
}

#[tokio::test]
async fn variables_modules_and_setup_lines_reach_the_job_as_they_were_written() {
    let work = tempfile::tempdir().unwrap();
    let nasty = "a 'b' \"c\" $(id) `id` \\ \n é $HOME !";
    let mut settings = settings(work.path());
    settings.env.insert("NASTY".to_owned(), nasty.to_owned());
    settings.setup = vec!["FROM_SETUP=\"it's set\"\r\nexport FROM_SETUP".to_owned()];
    let target = connect(&settings, Arc::new(Nobody)).await.unwrap();
    let (_, heard) = run(
        &target,
        &job("import os\nprint(os.environ['NASTY'] + os.environ['FROM_SETUP'], end='')"),
    )
    .await;
    assert_eq!(heard.out(), format!("{nasty}it's set"));
}

#[tokio::test]
async fn a_setup_line_that_fails_ends_the_job_with_its_name() {
    let work = tempfile::tempdir().unwrap();
    let mut settings = settings(work.path());
    settings.setup = vec!["source ~/no-such-file".to_owned()];
    let target = connect(&settings, Arc::new(Nobody)).await.unwrap();
    let (_, heard) = run(&target, &job("print('never')")).await;
    assert_eq!(heard.state(), "failed");
    assert_eq!(
        heard.reason(),
        "the set-up line `source ~/no-such-file` ended with status 1"
    );
    assert_eq!(heard.out(), "");
}

#[tokio::test]
async fn a_python_that_is_not_there_is_named() {
    let work = tempfile::tempdir().unwrap();
    let mut settings = settings(work.path());
    settings.python = Some("/opt/none/bin/python3".to_owned());
    let target = connect(&settings, Arc::new(Nobody)).await.unwrap();
    let (_, heard) = run(&target, &job("print('never')")).await;
    assert!(
        heard
            .reason()
            .starts_with("no python: /opt/none/bin/python3 is not on "),
        "{}",
        heard.reason()
    );
}

#[tokio::test]
async fn a_work_folder_that_cannot_be_made_is_named() {
    let work = tempfile::tempdir().unwrap();
    let file = work.path().join("file");
    std::fs::write(&file, "").unwrap();
    let error = connect(&settings(&file.join("below")), Arc::new(Nobody))
        .await
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::WorkDir);
    let text = error
        .to_string()
        .replace(work.path().to_str().unwrap(), "WORK");
    assert!(
        text.starts_with("local: the work folder WORK/file/below cannot be written ("),
        "{text}"
    );
    let settings = TargetSettings {
        work_dir: "$HOIST_NO_SUCH_VARIABLE/x".to_owned(),
        ..TargetSettings::local()
    };
    let error = connect(&settings, Arc::new(Nobody)).await.unwrap_err();
    assert!(
        error
            .to_string()
            .contains("names a variable that is not set there"),
        "{error}"
    );
}

#[tokio::test]
async fn files_are_listed_found_measured_and_read() {
    let work = tempfile::tempdir().unwrap();
    let target = local(&work).await;
    let data = work.path().join("my data");
    std::fs::create_dir_all(data.join("sub")).unwrap();
    std::fs::write(data.join("a.csv"), "0123456789").unwrap();
    std::fs::write(data.join("sub/b.csv"), "abc").unwrap();
    std::fs::write(data.join("sub/it's $(odd)\n.txt"), "x").unwrap();
    std::os::unix::fs::symlink("nowhere", data.join("broken")).unwrap();
    let (fs, top) = (target.fs(), data.to_str().unwrap());
    let names = |listing: hoist_cluster::Listing| {
        listing
            .entries
            .into_iter()
            .map(|e| e.name)
            .collect::<Vec<_>>()
    };
    assert_eq!(names(fs.ls(top).await.unwrap()), ["a.csv", "broken", "sub"]);
    assert_eq!(
        names(fs.ls(&format!("{top}/sub")).await.unwrap()),
        ["b.csv", "it's $(odd)\n.txt"]
    );
    assert_eq!(
        names(fs.find(top, "*.csv").await.unwrap()),
        ["a.csv", "b.csv"]
    );
    assert_eq!(
        names(fs.glob(&format!("{top}/**/*.csv")).await.unwrap()),
        ["a.csv", "b.csv"]
    );
    let usage = fs.du(top).await.unwrap();
    assert_eq!((usage.bytes, usage.files), (10 + 3 + 1 + 7, 4));
    let info = fs.stat(&format!("{top}/a.csv")).await.unwrap();
    assert_eq!(
        (info.kind, info.size, info.link),
        (hoist_cluster::FileKind::File, 10, false)
    );
    let part = fs.read(&format!("{top}/a.csv"), 3, 4).await.unwrap();
    assert_eq!((part.bytes.as_slice(), part.size), (b"3456".as_slice(), 10));
    let error = fs.stat(&format!("{top}/none")).await.unwrap_err();
    assert_eq!(
        error.to_string().replace(top, "TOP"),
        "local: TOP/none cannot be read there (No such file or directory); check the path and that you may read it"
    );
}

#[tokio::test]
async fn a_probe_tells_each_thing_that_a_job_needs() {
    let work = tempfile::tempdir().unwrap();
    let checks = hoist_cluster::probe(&settings(work.path()), Arc::new(Nobody)).await;
    let steps: Vec<_> = checks.iter().map(|check| check.step).collect();
    assert_eq!(
        steps,
        [
            "settings",
            "shell",
            "home",
            "work folder",
            "free space",
            "python"
        ]
    );
    assert!(checks.iter().all(|check| check.found.is_ok()), "{checks:?}");
    let file = work.path().join("file");
    std::fs::write(&file, "").unwrap();
    let checks = hoist_cluster::probe(&settings(&file), Arc::new(Nobody)).await;
    let last = checks.last().unwrap();
    assert_eq!(last.step, "work folder");
    assert_eq!(last.found.as_ref().unwrap_err().kind, ErrorKind::WorkDir);
}

/// Puts stand-ins for Slurm's commands first on the path; they are no Slurm, they only say what one was seen to say.
fn stand_in(work: &std::path::Path, sbatch: &str, squeue: &str) {
    let bin = work.join("bin");
    std::fs::create_dir_all(&bin).unwrap();
    for (name, text) in [("sbatch", sbatch), ("squeue", squeue)] {
        std::fs::write(bin.join(name), format!("#!/bin/sh\n{text}\n")).unwrap();
        std::fs::set_permissions(
            bin.join(name),
            std::os::unix::fs::PermissionsExt::from_mode(0o755),
        )
        .unwrap();
    }
    let path = std::env::var("PATH").unwrap();
    // SAFETY: nextest gives each test a process of its own, and nothing else runs in it yet.
    #[allow(unsafe_code)]
    unsafe {
        std::env::set_var("PATH", format!("{}:{path}", bin.display()));
    }
}

const TIMED_OUT: &str = "echo 'sbatch: error: Batch job submission failed: Socket timed out on send/recv operation' >&2; exit 1";

#[tokio::test]
async fn a_submission_that_timed_out_but_was_queued_is_found_in_the_queue() {
    let work = tempfile::tempdir().unwrap();
    let count = work.path().join("count");
    let job = job("print(1)");
    stand_in(
        work.path(),
        &format!("echo x >>'{}'; {TIMED_OUT}", count.display()),
        &format!("echo '77|hoist:{0}|/somewhere/{0}'", job.job),
    );
    let settings = TargetSettings {
        scheduler: hoist_cluster::SchedulerKind::Slurm,
        ..settings(work.path())
    };
    let target = connect(&settings, Arc::new(Nobody)).await.unwrap();
    assert_eq!(target.submit(&job, |_| {}).await.unwrap().0, "77");
    assert_eq!(
        std::fs::read_to_string(count).unwrap(),
        "x\n",
        "submitted once"
    );
}

#[tokio::test]
async fn a_scheduler_that_never_answers_is_one_error_and_the_job_will_not_run() {
    let work = tempfile::tempdir().unwrap();
    stand_in(
        work.path(),
        TIMED_OUT,
        "echo 'slurm_load_jobs error: Unable to contact slurm controller' >&2; exit 1",
    );
    let settings = TargetSettings {
        scheduler: hoist_cluster::SchedulerKind::Slurm,
        ..settings(work.path())
    };
    let target = connect(&settings, Arc::new(Nobody)).await.unwrap();
    let job = job("open(job + '/ran', 'w')");
    let error = target.submit(&job, |_| {}).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::SchedulerSilent);
    assert!(
        error
            .to_string()
            .contains("the scheduler does not answer, the job was not submitted ("),
        "{error}"
    );
    // The script that the scheduler may have taken after all does nothing when it starts.
    let folder = in_job(&work, &job, "");
    assert!(
        std::process::Command::new("sh")
            .arg(folder.join("script.sh"))
            .status()
            .unwrap()
            .success()
    );
    assert!(!folder.join("ran").exists());
}

#[tokio::test]
async fn the_follower_runs_under_every_python_of_this_machine() {
    let Some(home) = std::env::var_os("HOME") else {
        return;
    };
    let versions = std::path::Path::new(&home).join(".pyenv/versions");
    let mut pythons: Vec<_> = std::fs::read_dir(versions)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path().join("bin/python3"))
        .filter(|python| python.exists())
        .collect();
    pythons.push("python3".into());
    for python in pythons {
        let work = tempfile::tempdir().unwrap();
        let settings = TargetSettings {
            python: Some(python.to_str().unwrap().to_owned()),
            ..settings(work.path())
        };
        let target = connect(&settings, Arc::new(Nobody)).await.unwrap();
        let (_, heard) = run(&target, &job("print('é' * 70000)")).await;
        assert_eq!(
            (heard.out(), heard.state()),
            ("é".repeat(70_000) + "\n", "succeeded".to_owned()),
            "{python:?}"
        );
        assert_eq!(
            target
                .fs()
                .ls(target.work_dir())
                .await
                .unwrap()
                .entries
                .len(),
            2,
            "{python:?}"
        );
    }
}

#[tokio::test]
async fn the_job_has_the_mask_of_the_person_and_its_folder_is_private() {
    let work = tempfile::tempdir().unwrap();
    let target = local(&work).await;
    let own = std::process::Command::new("sh")
        .args(["-c", "umask"])
        .output()
        .unwrap()
        .stdout;
    let own = u32::from_str_radix(String::from_utf8(own).unwrap().trim(), 8).unwrap();
    let job = job("import os\nmask = os.umask(0)\nprint(mask)");
    assert_eq!(run(&target, &job).await.1.out(), format!("{own}\n"));
    let mode = std::os::unix::fs::PermissionsExt::mode(
        &std::fs::metadata(target.job_dir(&job.job))
            .unwrap()
            .permissions(),
    );
    assert_eq!(mode & 0o777, 0o700);
}

#[tokio::test]
async fn variables_and_options_of_the_setup_lines_do_not_disturb_the_script() {
    let work = tempfile::tempdir().unwrap();
    let mut settings = settings(work.path());
    for name in ["job", "package", "python", "code", "work", "id"] {
        settings.env.insert(name.to_owned(), "/nowhere".to_owned());
    }
    settings.setup = vec![
        "set -euo pipefail".to_owned(),
        "stop() { echo mine; }".to_owned(),
    ];
    let target = connect(&settings, Arc::new(Nobody)).await.unwrap();
    let (_, heard) = run(
        &target,
        &job("import os\nprint(os.environ['job'])\nraise SystemExit(1)"),
    )
    .await;
    assert_eq!(
        (heard.out().as_str(), heard.state().as_str()),
        ("/nowhere\n", "failed")
    );
}

#[tokio::test]
async fn the_tasks_of_an_array_run_each_once_and_not_more_at_once_than_wished() {
    let work = tempfile::tempdir().unwrap();
    let target = local(&work).await;
    // Each counts those that run beside it.
    let text = |number: usize| {
        format!(
            "import os, time\nhere = os.path.dirname(job)\nopen(here + '/ran', 'a').write('{number} ')\n\
             os.makedirs(here + '/now/{number}'); time.sleep(0.2)\n\
             print(len(os.listdir(here + '/now'))); os.rmdir(here + '/now/{number}')\n\
             if {number} == 3: raise ValueError('three')"
        )
    };
    let mut array = array((1..=9).map(text));
    array.at_once = Some(3);
    let (ids, heard) = run_array(&target, &array).await;
    assert_eq!(target.submit_array(&array, |_| {}).await.unwrap(), ids);
    let states: Vec<String> = heard.iter().map(common::Heard::state).collect();
    for (number, state) in (1..).zip(&states) {
        let expected = if number == 3 { "failed" } else { "succeeded" };
        assert_eq!(state, expected, "task {number} of {states:?}");
    }
    let most = heard.iter().map(|one| one.out().trim().parse().unwrap());
    let most: usize = most.max().unwrap();
    assert!((1..=3).contains(&most), "{most} ran at once");
    let ran = std::fs::read_to_string(work.path().join("jobs/ran")).unwrap();
    let mut ran: Vec<usize> = ran.split_whitespace().map(|n| n.parse().unwrap()).collect();
    ran.sort_unstable();
    assert_eq!(ran, (1..=9).collect::<Vec<_>>());
}

#[tokio::test]
async fn tasks_of_an_array_are_cancelled_together_whether_they_run_or_wait() {
    let work = tempfile::tempdir().unwrap();
    let target = local(&work).await;
    let text = |_| "import time\nprint('on', flush=True); time.sleep(60)".to_owned();
    let mut array = array((0..40).map(text));
    array.at_once = Some(2);
    let ids = target.submit_array(&array, |_| {}).await.unwrap();
    let jobs: Vec<(String, hoist_cluster::NativeId)> = array
        .tasks
        .iter()
        .map(|(job, _)| job.clone())
        .zip(ids)
        .collect();
    let runs = |job: &str| work.path().join("jobs").join(job).join("started").exists();
    eventually("two tasks run", || async {
        jobs.iter().filter(|(job, _)| runs(job)).count() == 2
    })
    .await;
    let states = target.query(&jobs).await.unwrap();
    assert!(
        states
            .values()
            .all(|state| *state == SchedulerState::Running)
    );
    let asked = jobs
        .iter()
        .map(|(job, id)| target.cancel(job, Made::AtStart, id));
    for answer in futures::future::join_all(asked).await {
        answer.unwrap();
    }
    let follow = |(job, _): &(String, _)| {
        target
            .follow(job, Made::AtStart, Offsets::default())
            .unwrap()
    };
    let ends = futures::future::join_all(jobs.iter().map(follow).map(listen)).await;
    for heard in &ends {
        assert_eq!(heard.state(), "cancelled", "{}", heard.reason());
    }
    assert_eq!(ends.iter().filter(|heard| heard.started > 0).count(), 2);
}

#[tokio::test]
async fn an_array_whose_submission_fails_leaves_nothing() {
    let work = tempfile::tempdir().unwrap();
    let mut settings = settings(work.path());
    settings.scheduler = hoist_cluster::SchedulerKind::Slurm;
    let target = connect(&settings, Arc::new(Nobody)).await.unwrap();
    let mut array = array(["pass".to_owned(), "pass".to_owned()]);
    array.resources.set("partition", "nosuch").unwrap();
    let error = target.submit_array(&array, |_| {}).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Scheduler, "{error}");
    let left = std::fs::read_dir(work.path().join("jobs")).unwrap();
    assert_eq!(left.count(), 0, "{error}");
}

#[tokio::test]
async fn a_process_that_comes_after_others_waits_for_them_by_itself() {
    let work = tempfile::Builder::new()
        .prefix("hoist test ")
        .tempdir()
        .unwrap();
    let target = local(&work).await;
    common::comes_after(&target, false).await;
    // While it waits it can be cancelled like any job that has not begun.
    let first = job("import time; time.sleep(30)");
    let id = target.submit(&first, |_| {}).await.unwrap();
    let mut waiting = job("print('never')");
    waiting.after = vec![hoist_cluster::Parent {
        job: first.job.clone(),
        native_id: id.clone(),
    }];
    let second = target.submit(&waiting, |_| {}).await.unwrap();
    let follow = |job: &Submission| {
        let events = target.follow(&job.job, Made::Before, Offsets::default());
        listen(events.unwrap())
    };
    target
        .cancel(&waiting.job, Made::Before, &second)
        .await
        .unwrap();
    assert_eq!(follow(&waiting).await.reason(), "cancelled before it began");
    target.cancel(&first.job, Made::Before, &id).await.unwrap();
    assert_eq!(follow(&first).await.state(), "cancelled");
}
