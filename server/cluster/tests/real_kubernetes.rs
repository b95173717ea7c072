//! Jobs of a real Kubernetes, which tests/clusters/kubernetes.sh started; with a KUBECONFIG of your own, jobs of yours. A stand-in runs
//! in place of the runner.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use common::{Heard, asking, job, listen, run, sized_job, state, until_state};
use hoist_cluster::{
    ErrorKind, FollowEvent, Made, NativeId, Nobody, Offer, Offsets, Outcome, SchedulerKind,
    SchedulerState, Submission, Target, TargetSettings, connect, probe,
};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};

/// The kubeconfig of the rig, or the person's own.
fn rig() {
    if let Some(config) = std::env::var_os("HOIST_TEST_KUBECONFIG") {
        common::set("KUBECONFIG", config);
    }
    assert!(
        std::env::var_os("KUBECONFIG").is_some(),
        "start tests/clusters/kubernetes.sh and source its env, or set KUBECONFIG, or run tests/run"
    );
}

/// Whether what only the rig has is there: its contexts and its namespace with a quota.
fn is_rig() -> bool {
    std::env::var_os("HOIST_TEST_KUBERNETES_RIG").is_some()
}

fn settings() -> TargetSettings {
    TargetSettings {
        name: "lab".to_owned(),
        scheduler: SchedulerKind::Kubernetes,
        image: std::env::var("HOIST_TEST_IMAGE").ok(),
        ..TargetSettings::default()
    }
}

async fn reach(settings: &TargetSettings) -> Target {
    rig();
    connect(settings, Arc::new(Nobody))
        .await
        .unwrap_or_else(|e| panic!("{e}"))
}

fn kubectl(words: &[&str]) -> String {
    let programme = std::env::var("HOIST_TEST_KUBECTL").unwrap_or_else(|_| "kubectl".to_owned());
    let output = Command::new(programme).args(words).output().unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// One field of the pods of a job.
fn pods(job: &Submission, field: &str) -> String {
    let label = format!("hoist/job={}", job.job);
    let field = format!("jsonpath={{.items[*].{field}}}");
    kubectl(&["get", "pods", "-l", &label, "-o", &field])
}

async fn eventually(what: &str, mut done: impl FnMut() -> bool) {
    // A kubelet looks around once a minute for what it has not heard of, and a busy one comes late to that.
    let end = Instant::now() + Duration::from_secs(180);
    while !done() {
        assert!(Instant::now() < end, "{what}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

fn follow(target: &Target, job: &Submission) -> tokio::sync::mpsc::Receiver<FollowEvent> {
    target
        .follow(&job.job, Made::Before, Offsets::default())
        .unwrap()
}

/// What the cluster says of a job's end.
async fn last_word(target: &Target, id: &NativeId) -> (Outcome, String) {
    let end = Instant::now() + Duration::from_secs(40);
    loop {
        let mut told = target.ask(std::slice::from_ref(id)).await.unwrap();
        match told.remove(id) {
            Some(SchedulerState::Ended { outcome, words }) => return (outcome, words),
            other => assert!(Instant::now() < end, "{other:?}"),
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Listens until the output has this text.
async fn hear(
    events: &mut tokio::sync::mpsc::Receiver<FollowEvent>,
    heard: &mut Heard,
    text: &str,
) {
    let listen = async {
        while !heard.out().contains(text) {
            let event = events.recv().await.expect("more is to come");
            assert!(!heard.take(event), "it ended: {heard:?}");
        }
    };
    tokio::time::timeout(Duration::from_secs(60), listen)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_job_runs_in_its_pod_and_is_heard_as_it_goes() {
    let mut settings = settings();
    let nasty = "a 'b' \"c\" $(id) $(HOME) \\ \n é";
    settings.env.insert("NASTY".to_owned(), nasty.to_owned());
    settings.setup.push("export FROM_SETUP=yes".to_owned());
    let target = reach(&settings).await;
    let mut job = asking(
        "import os, sys\nprint(os.environ['FROM_SETUP'], flush=True)\n\
         print(os.environ['NASTY'], file=sys.stderr, flush=True, end='')\nfor i in range(3): print(i, flush=True)",
        &[("cores", "1"), ("memory", "200M"), ("time", "5m")],
    );
    job.name = "Zürich's \"best\" $(id)\n".to_owned();
    let (id, heard) = run(&target, &job).await;
    assert_eq!(heard.out(), "yes\n0\n1\n2\n");
    assert_eq!(heard.err(), nasty);
    assert_eq!(heard.state(), "succeeded");
    assert_eq!((heard.started, heard.result.is_some()), (1, true));
    // It waits for us, and only for us.
    assert_eq!(pods(&job, "status.phase"), "Running");
    target.release(&job.job).await;
    eventually("its pod ends", || pods(&job, "status.phase") == "Succeeded").await;
    let ended = until_state(&target, &job, &id, |state| {
        *state != SchedulerState::Running
    })
    .await;
    assert!(
        matches!(
            ended,
            SchedulerState::Ended {
                outcome: Outcome::Completed,
                ..
            }
        ),
        "{ended:?}"
    );
    target.remove(&job.job).await.unwrap();
    eventually("it is removed", || pods(&job, "metadata.name").is_empty()).await;
    until_state(&target, &job, &id, |state| {
        matches!(
            state,
            SchedulerState::Ended {
                outcome: Outcome::Vanished,
                ..
            }
        )
    })
    .await;
}

#[tokio::test]
async fn a_job_that_is_submitted_again_runs_once() {
    let target = reach(&settings()).await;
    let job = job("print('once')");
    let first = target.submit(&job, |_| {}).await.unwrap();
    assert_eq!(target.submit(&job, |_| {}).await.unwrap(), first);
    let heard = listen(follow(&target, &job)).await;
    assert_eq!(
        (heard.out().as_str(), heard.state().as_str()),
        ("once\n", "succeeded")
    );
    assert_eq!(pods(&job, "metadata.name").split(' ').count(), 1);
    // Whoever comes later hears the same.
    let again = reach(&settings()).await;
    let heard = listen(follow(&again, &job)).await;
    assert_eq!(
        (heard.out().as_str(), heard.state().as_str()),
        ("once\n", "succeeded")
    );
    target.remove(&job.job).await.unwrap();
}

#[tokio::test]
async fn a_function_that_fails_fails_its_job() {
    let target = reach(&settings()).await;
    let job = job("import sys\nprint('so far')\nsys.stdout.flush()\nraise ValueError('no')");
    let (id, heard) = run(&target, &job).await;
    assert_eq!(
        (heard.out().as_str(), heard.state().as_str()),
        ("so far\n", "failed")
    );
    assert!(heard.err().contains("ValueError: no"), "{}", heard.err());
    target.release(&job.job).await;
    let failed = until_state(&target, &job, &id, |state| {
        *state != SchedulerState::Running
    })
    .await;
    assert!(
        matches!(
            &failed,
            SchedulerState::Ended {
                outcome: Outcome::Failed,
                ..
            }
        ),
        "{failed:?}"
    );
    target.remove(&job.job).await.unwrap();
}

#[tokio::test]
async fn a_job_that_runs_is_cancelled_and_says_so_itself() {
    let target = reach(&settings()).await;
    let job = job("import time\nprint('on', flush=True)\ntime.sleep(100)");
    let id = target.submit(&job, |_| {}).await.unwrap();
    let (mut events, mut heard) = (follow(&target, &job), Heard::default());
    hear(&mut events, &mut heard, "on\n").await;
    assert_eq!(state(&target, &job, &id).await, SchedulerState::Running);
    let begun = Instant::now();
    target.cancel(&job.job, Made::Before, &id).await.unwrap();
    while !heard.take(events.recv().await.unwrap()) {}
    assert_eq!(
        (heard.state().as_str(), heard.out().as_str()),
        ("cancelled", "on\n")
    );
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(20), "{took:?}");
    target.release(&job.job).await;
    eventually("its pod goes", || pods(&job, "metadata.name").is_empty()).await;
}

#[tokio::test]
async fn a_job_that_waits_says_why_and_is_cancelled_at_once() {
    let mut settings = settings();
    let target = reach(&settings).await;
    let too_large = asking("print('never')", &[("cores", "5000")]);
    let id = target.submit(&too_large, |_| {}).await.unwrap();
    let is_told = |state: &SchedulerState| matches!(state, SchedulerState::Pending { reason } if reason.contains("Insufficient cpu"));
    let told = until_state(&target, &too_large, &id, is_told).await;
    assert!(
        format!("{told:?}").contains("ask for fewer cores, or wait until there is room"),
        "{told:?}"
    );
    let events = follow(&target, &too_large);
    target
        .cancel(&too_large.job, Made::Before, &id)
        .await
        .unwrap();
    let heard = listen(events).await;
    assert_eq!(
        (heard.state().as_str(), heard.reason().as_str()),
        ("cancelled", "cancelled before it began")
    );
    settings
        .node_selector
        .insert("disk".to_owned(), "none-has-it".to_owned());
    let target = reach(&settings).await;
    let nowhere = job("print('never')");
    let id = target.submit(&nowhere, |_| {}).await.unwrap();
    let told = until_state(&target, &nowhere, &id, |state| {
        matches!(state, SchedulerState::Pending { reason } if reason.contains("node_selector"))
    })
    .await;
    assert!(
        format!("{told:?}").contains("no node can take it now"),
        "{told:?}"
    );
    target.remove(&nowhere.job).await.unwrap();
}

#[tokio::test]
async fn an_image_that_is_not_there_is_named() {
    let settings = TargetSettings {
        image: Some("hoist.test/nothing/of-that-name:9".to_owned()),
        ..settings()
    };
    let target = reach(&settings).await;
    let job = job("print('never')");
    let id = target.submit(&job, |_| {}).await.unwrap();
    let told = until_state(&target, &job, &id, |state| {
        matches!(state, SchedulerState::Pending { reason } if reason.contains("cannot be pulled"))
    })
    .await;
    let told = format!("{told:?}");
    assert!(
        told.contains("the image hoist.test/nothing/of-that-name:9 cannot be pulled")
            && told.contains("check `image` of the target"),
        "{told}"
    );
    target.remove(&job.job).await.unwrap();
}

#[tokio::test]
async fn a_job_that_needs_more_memory_than_it_asked_for_is_told_how_much_that_was() {
    let target = reach(&settings()).await;
    // As with the runner, the one who watches is another process than the one that grows.
    let job = asking(
        "import os, signal\nprint('on', flush=True)\npid = os.fork()\nif not pid:\n  held = []\n  while True: held.append(b'x' * (1 << 20))\n\
         os.waitpid(pid, 0)\nos.kill(os.getpid(), signal.SIGKILL)",
        &[("memory", "64M")],
    );
    let (id, heard) = run(&target, &job).await;
    assert_eq!(
        (heard.state().as_str(), heard.out().as_str()),
        ("crashed", "on\n")
    );
    let told = last_word(&target, &id).await;
    let words =
        "the job needed more memory than the 64 MiB it had asked for; ask for more with memory=...";
    assert_eq!(told, (Outcome::OutOfMemory, words.to_owned()));
    target.remove(&job.job).await.unwrap();
}

#[tokio::test]
async fn a_pod_that_reaches_its_deadline_has_timed_out() {
    let target = reach(&settings()).await;
    let job = job("import time\nprint('on', flush=True)\ntime.sleep(100)");
    let id = target.submit(&job, |_| {}).await.unwrap();
    let (mut events, mut heard) = (follow(&target, &job), Heard::default());
    hear(&mut events, &mut heard, "on\n").await;
    let deadline = r#"{"spec":{"activeDeadlineSeconds":1}}"#;
    kubectl(&["patch", "pod", &pods(&job, "metadata.name"), "-p", deadline]);
    while !heard.take(events.recv().await.unwrap()) {}
    assert_eq!(
        (heard.state().as_str(), heard.out().as_str()),
        ("terminated", "on\n")
    );
    // A container that has ended is known before the reason of its pod.
    eventually("the pod says why", || {
        pods(&job, "status.reason") == "DeadlineExceeded"
    })
    .await;
    let words = "the job reached its limit of time (00:00:01); ask for more with time=... or make the work smaller";
    let told = last_word(&target, &id).await;
    assert_eq!(told, (Outcome::TimedOut, words.to_owned()));
    // Whoever was not there hears of it from the log.
    let heard = listen(follow(&target, &job)).await;
    assert_eq!(
        (heard.state().as_str(), heard.out().as_str()),
        ("terminated", "on\n")
    );
    target.remove(&job.job).await.unwrap();
}

#[tokio::test]
async fn a_container_that_is_killed_whole_is_noticed_and_keeps_its_output() {
    if !is_rig() {
        return;
    }
    let target = reach(&settings()).await;
    let job = job("import time\nprint('on', flush=True)\ntime.sleep(100)");
    target.submit(&job, |_| {}).await.unwrap();
    let (mut events, mut heard) = (follow(&target, &job), Heard::default());
    hear(&mut events, &mut heard, "on\n").await;
    // Its first process, which nothing within can kill; the rig's node is this machine.
    let script = format!("/hoist/jobs/{}/script.sh", job.job);
    let killed = Command::new("pkill")
        .args(["-KILL", "-f", &script])
        .status();
    assert!(killed.unwrap().success());
    while !heard.take(events.recv().await.unwrap()) {}
    assert_eq!(
        (heard.state().as_str(), heard.reason().as_str()),
        ("crashed", "the job's container was killed (SIGKILL)")
    );
    assert_eq!(heard.out(), "on\n");
    target.remove(&job.job).await.unwrap();
}

#[tokio::test]
async fn a_large_package_is_sent_into_the_pod_also_by_who_comes_later() {
    let target = reach(&settings()).await;
    let job = sized_job("print('arrived')", 6 << 20);
    target.submit(&job, |_| {}).await.unwrap();
    let watched = follow(&target, &job);
    eventually("it waits", || pods(&job, "status.phase") == "Running").await;
    drop(watched);
    let later = reach(&settings()).await;
    let (sent, package) = (Arc::new(AtomicU64::new(0)), job.package.clone());
    let told = sent.clone();
    later.offer(
        &job.job,
        Offer {
            package: Box::new(move || Ok(package.to_vec())),
            sha256: job.sha256.clone(),
            request: job.request.clone(),
            data: job.data.clone(),
            progress: Box::new(move |upload| told.store(upload.sent, Ordering::Relaxed)),
        },
    );
    let heard = listen(follow(&later, &job)).await;
    assert_eq!(
        (heard.out().as_str(), heard.state().as_str()),
        ("arrived\n", "succeeded")
    );
    assert_eq!(sent.load(Ordering::Relaxed), job.package.len() as u64);
    later.remove(&job.job).await.unwrap();
}

#[tokio::test]
async fn a_package_that_arrives_altered_is_refused() {
    let target = reach(&settings()).await;
    let mut job = job("print('never')");
    let mut altered = job.package.to_vec();
    altered.push(b'#');
    job.package = altered.into();
    let (_, heard) = run(&target, &job).await;
    assert_eq!(
        (heard.state().as_str(), heard.reason().as_str()),
        ("failed", "its package arrived altered")
    );
    assert_eq!(heard.out(), "");
    target.remove(&job.job).await.unwrap();
}

#[tokio::test]
async fn what_nobody_fetched_in_time_is_in_the_log_of_the_pod() {
    let settings = TargetSettings {
        keep: "2s".parse().ok(),
        ..settings()
    };
    let target = reach(&settings).await;
    let job = job(
        "import sys\nfor n in range(100000): print(n, 'line')\nsys.stdout.flush()\nsys.stderr.write('größer')\nsys.stderr.flush()",
    );
    let id = target.submit(&job, |_| {}).await.unwrap();
    eventually("its pod is over", || {
        pods(&job, "status.phase") == "Succeeded"
    })
    .await;
    // From the beginning, and from somewhere within.
    let heard = listen(follow(&target, &job)).await;
    let whole: String = (0..100_000).map(|n| format!("{n} line\n")).collect();
    assert_eq!(heard.out(), whole);
    assert_eq!(
        (heard.err().as_str(), heard.state().as_str()),
        ("größer", "succeeded")
    );
    assert!(heard.result.is_some());
    let have = Offsets {
        stdout: 700_001,
        stderr: 3,
    };
    let mut events = target.follow(&job.job, Made::Before, have).unwrap();
    let mut heard = Heard {
        stdout: whole.as_bytes()[..700_001].to_vec(),
        stderr: "größer".as_bytes()[..3].to_vec(),
        ..Heard::default()
    };
    while !heard.take(events.recv().await.unwrap()) {}
    assert_eq!((heard.out(), heard.err().as_str()), (whole, "größer"));
    let ended = state(&target, &job, &id).await;
    assert!(
        matches!(
            ended,
            SchedulerState::Ended {
                outcome: Outcome::Completed,
                ..
            }
        ),
        "{ended:?}"
    );
    target.remove(&job.job).await.unwrap();
}

#[tokio::test]
async fn output_that_is_lost_is_told_in_its_place() {
    let settings = TargetSettings {
        keep: "1s".parse().ok(),
        ..settings()
    };
    let target = reach(&settings).await;
    // Random bytes do not get smaller.
    let job = job("import os, sys\nsys.stdout.buffer.write(os.urandom(12 << 20) + b'the end')");
    target.submit(&job, |_| {}).await.unwrap();
    eventually("its pod is over", || {
        pods(&job, "status.phase") == "Succeeded"
    })
    .await;
    let heard = listen(follow(&target, &job)).await;
    let told = String::from_utf8_lossy(&heard.stdout[..200]);
    assert!(
        told.contains("bytes are missing here: nobody fetched them while the pod waited"),
        "{told}"
    );
    assert!(heard.stdout.ends_with(b"the end") && heard.stdout.len() > 4 << 20);
    assert_eq!(heard.state(), "succeeded");
    target.remove(&job.job).await.unwrap();
}

#[tokio::test]
async fn a_job_whose_pod_is_lost_is_started_again_and_heard_on() {
    let settings = TargetSettings {
        backoff_limit: Some(3),
        ..settings()
    };
    let target = reach(&settings).await;
    let job = job(
        "import os, time, socket\nprint('begun on', socket.gethostname(), flush=True)\nend = time.time() + 100\n\
         while time.time() < end and not os.path.exists('/hoist/go'): time.sleep(0.1)\nprint('done')",
    );
    target.submit(&job, |_| {}).await.unwrap();
    let (mut events, mut heard) = (follow(&target, &job), Heard::default());
    hear(&mut events, &mut heard, "begun on").await;
    let first = pods(&job, "metadata.name");
    kubectl(&["delete", "pod", &first, "--grace-period=1", "--wait=false"]);
    eventually("there is another", || {
        let names = pods(&job, "metadata.name");
        names
            .split(' ')
            .any(|name| name != first && !name.is_empty())
            && pods(&job, "status.phase").contains("Running")
            && !names.contains(&first)
    })
    .await;
    let second = pods(&job, "metadata.name");
    // Whoever comes now knows where its output stands.
    hear(&mut events, &mut heard, &format!("begun on {second}\n")).await;
    drop(events);
    let have = Offsets {
        stdout: heard.stdout.len() as u64,
        stderr: heard.stderr.len() as u64,
    };
    kubectl(&["exec", &second, "-c", "hoist", "--", "touch", "/hoist/go"]);
    let later = reach(&settings).await;
    let mut events = later.follow(&job.job, Made::Before, have).unwrap();
    heard.started = 0;
    while !heard.take(events.recv().await.unwrap()) {}
    assert_eq!(
        heard.out(),
        format!("begun on {first}\nbegun on {second}\ndone\n")
    );
    assert_eq!(heard.state(), "succeeded");
    later.remove(&job.job).await.unwrap();
}

#[tokio::test]
async fn a_pod_that_is_deleted_is_not_started_again_unless_that_is_wished() {
    let target = reach(&settings()).await;
    let job = job("import time\nprint('on', flush=True)\ntime.sleep(100)");
    target.submit(&job, |_| {}).await.unwrap();
    let (mut events, mut heard) = (follow(&target, &job), Heard::default());
    hear(&mut events, &mut heard, "on\n").await;
    let pod = pods(&job, "metadata.name");
    kubectl(&["delete", "pod", &pod, "--wait=false"]);
    while !heard.take(events.recv().await.unwrap()) {}
    assert_eq!(heard.state(), "lost");
    assert!(
        heard
            .reason()
            .starts_with("its pod was deleted, as when a node is drained"),
        "{}",
        heard.reason()
    );
    eventually("its Job goes", || pods(&job, "metadata.name").is_empty()).await;
}

#[tokio::test]
async fn two_jobs_at_once_do_not_meet() {
    let target = reach(&settings()).await;
    let text = |name: &str| {
        format!("import time\nfor n in range(20): print('{name}', n, flush=True); time.sleep(0.05)")
    };
    let (one, two) = (job(&text("one")), job(&text("two")));
    let (first, second) = tokio::join!(run(&target, &one), run(&target, &two));
    for (name, (id, heard), job) in [("one", &first, &one), ("two", &second, &two)] {
        let whole: String = (0..20).map(|n| format!("{name} {n}\n")).collect();
        assert_eq!(heard.out(), whole);
        assert_eq!(state(&target, job, id).await, SchedulerState::Running);
    }
    target.remove_all(&[one.job, two.job]).await.unwrap();
}

#[tokio::test]
async fn the_tasks_of_a_sweep_are_jobs_of_their_own() {
    let target = reach(&settings()).await;
    let mut array = common::array((0..2).map(|n| format!("print('task', {n})")));
    let ids = target.submit_array(&array, |_| {}).await.unwrap();
    assert_eq!(ids.len(), 2);
    for (number, (task, _)) in array.tasks.iter().enumerate() {
        let events = target
            .follow(task, Made::AtStart, Offsets::default())
            .unwrap();
        assert_eq!(listen(events).await.out(), format!("task {number}\n"));
        target.remove(task).await.unwrap();
    }
    array.at_once = Some(1);
    let error = target.submit_array(&array, |_| {}).await.unwrap_err();
    assert!(
        error
            .to_string()
            .contains("at most 1 tasks at once cannot be asked for"),
        "{error}"
    );
}

#[tokio::test]
async fn a_job_that_somebody_deletes_is_lost_with_that_reason() {
    let target = reach(&settings()).await;
    let job = job("import time\nprint('on', flush=True)\ntime.sleep(100)");
    target.submit(&job, |_| {}).await.unwrap();
    let (mut events, mut heard) = (follow(&target, &job), Heard::default());
    hear(&mut events, &mut heard, "on\n").await;
    let label = format!("hoist/job={}", job.job);
    kubectl(&["delete", "job", "-l", &label, "--wait=false"]);
    while !heard.take(events.recv().await.unwrap()) {}
    assert_eq!(
        (heard.state().as_str(), heard.reason().as_str()),
        ("cancelled", "somebody deleted its Job in the cluster")
    );
}

#[tokio::test]
async fn an_image_without_a_shell_or_without_python_says_so() {
    if !is_rig() {
        return;
    }
    let with = |image: &str| TargetSettings {
        image: Some(image.to_owned()),
        ..settings()
    };
    let target = reach(&with("hoist.test/pause:1")).await;
    let job = job("print('never')");
    let (_, heard) = run(&target, &job).await;
    assert_eq!(heard.state(), "failed");
    let reason = heard.reason();
    assert!(
        reason.contains("the job's container could not be started") && reason.contains("/bin/sh"),
        "{reason}"
    );
    target.remove(&job.job).await.unwrap();
    let target = reach(&with("hoist.test/shell:1")).await;
    let job = common::job("print('never')");
    let (_, heard) = run(&target, &job).await;
    assert_eq!(
        (heard.state().as_str(), heard.reason().as_str()),
        (
            "failed",
            "no python: there is no Python 3.6 or newer in the image hoist.test/shell:1"
        )
    );
    target.remove(&job.job).await.unwrap();
}

#[tokio::test]
async fn who_may_not_do_it_and_what_is_not_there_is_said_in_one_sentence() {
    if !is_rig() {
        return;
    }
    rig();
    let with = |change: fn(&mut TargetSettings)| {
        let mut settings = settings();
        change(&mut settings);
        settings
    };
    let stranger = with(|settings| settings.context = Some("stranger".to_owned()));
    let error = connect(&stranger, Arc::new(Nobody)).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Auth);
    assert_eq!(
        error.to_string(),
        "lab: the API server does not accept the credentials of context stranger (Unauthorized); log in to the cluster as usual, see that `kubectl get pods` works, then try again"
    );
    let nowhere = with(|settings| settings.context = Some("nowhere".to_owned()));
    let error = connect(&nowhere, Arc::new(Nobody)).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "lab: there is no context nowhere in the kubeconfig; set `context` of the target to one of admin, guest, stranger"
    );
    let guest = with(|settings| settings.context = Some("guest".to_owned()));
    let error = reach(&guest)
        .await
        .submit(&job(""), |_| {})
        .await
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::Auth);
    assert!(
        error.to_string().starts_with(
            "lab: your account of the cluster may not do that (jobs.batch is forbidden: User \"guest\" cannot create resource \"jobs\""
        ),
        "{error}"
    );
    let away = with(|settings| settings.namespace = Some("away".to_owned()));
    let error = reach(&away)
        .await
        .submit(&job(""), |_| {})
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "lab: namespaces \"away\" not found; set `namespace` of the target to one that exists"
    );
    let narrow = with(|settings| settings.namespace = Some("narrow".to_owned()));
    let target = reach(&narrow).await;
    let wide = asking("print('never')", &[("cores", "2")]);
    let id = target.submit(&wide, |_| {}).await.unwrap();
    let told = until_state(
        &target,
        &wide,
        &id,
        |state| matches!(state, SchedulerState::Pending { reason } if reason.contains("quota")),
    )
    .await;
    let told = format!("{told:?}");
    assert!(
        told.contains("the namespace does not let its pod be made")
            && told.contains("exceeded quota: small")
            && told.contains("ask for less"),
        "{told}"
    );
    target.remove(&wide.job).await.unwrap();
    let nobody = with(|settings| settings.service_account = Some("nobody".to_owned()));
    let target = reach(&nobody).await;
    let job = job("print('never')");
    let id = target.submit(&job, |_| {}).await.unwrap();
    let told = until_state(&target, &job, &id, |state| {
        matches!(state, SchedulerState::Pending { reason } if reason.contains("correct `service_account`"))
    })
    .await;
    assert!(format!("{told:?}").contains("nobody"), "{told:?}");
    target.remove(&job.job).await.unwrap();
}

#[tokio::test]
async fn doctor_says_what_is_missing() {
    rig();
    let said = async |settings: &TargetSettings| {
        let checks = probe(settings, Arc::new(Nobody)).await;
        let line = |check: &hoist_cluster::Check| match &check.found {
            Ok(found) => format!("ok {}: {found}", check.step),
            Err(error) => format!("no {}: {error}", check.step),
        };
        checks.iter().map(line).collect::<Vec<_>>().join("\n")
    };
    let all = said(&settings()).await;
    assert!(
        all.contains("ok cluster: v1.") && all.contains("ok rights: all that jobs need"),
        "{all}"
    );
    if is_rig() {
        let guest = TargetSettings {
            context: Some("guest".to_owned()),
            ..settings()
        };
        let missing = said(&guest).await;
        assert!(
            missing.contains("no rights: lab: your account may not create jobs to submit jobs")
                && missing.contains("create pods/exec to fetch output and results")
                && !missing.contains("list pods"),
            "{missing}"
        );
    }
}

#[tokio::test]
async fn what_is_printed_is_what_is_submitted() {
    let target = reach(&settings()).await;
    let job = job("print('as printed')");
    let text = target.script(&job).unwrap();
    assert!(
        text.contains("kind: Job") && text.contains("#!/bin/sh\n"),
        "{text}"
    );
    // Anybody may submit it by hand.
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), &text).unwrap();
    let said = kubectl(&["create", "-f", file.path().to_str().unwrap()]);
    assert!(said.contains("created"), "{said}");
    let (_, heard) = run(&target, &job).await;
    assert_eq!(heard.out(), "as printed\n");
    target.remove(&job.job).await.unwrap();
}

/// A way to the API server that can be cut.
struct Way {
    config: tempfile::NamedTempFile,
    cut: Arc<AtomicBool>,
}

impl Way {
    async fn new() -> Self {
        let config = std::fs::read_to_string(std::env::var("KUBECONFIG").unwrap()).unwrap();
        let server = config.split("https://").nth(1).unwrap();
        let server: String = server.chars().take_while(|c| *c != '"').collect();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let own = listener.local_addr().unwrap();
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), config.replace(&server, &own.to_string())).unwrap();
        let cut = Arc::new(AtomicBool::new(false));
        let is_cut = cut.clone();
        tokio::spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                if is_cut.load(Ordering::Relaxed) {
                    near.shutdown().await.ok();
                    continue;
                }
                let (server, is_cut) = (server.clone(), is_cut.clone());
                tokio::spawn(async move {
                    let mut far = TcpStream::connect(&server).await.unwrap();
                    let cut = async {
                        while !is_cut.load(Ordering::Relaxed) {
                            tokio::time::sleep(Duration::from_millis(10)).await;
                        }
                    };
                    tokio::select! {
                        _ = tokio::io::copy_bidirectional(&mut near, &mut far) => {}
                        () = cut => {}
                    }
                });
            }
        });
        Self { config: file, cut }
    }
}

#[tokio::test]
async fn a_connection_that_breaks_again_and_again_costs_no_byte() {
    if !is_rig() {
        return;
    }
    rig();
    let way = Way::new().await;
    common::set("KUBECONFIG", way.config.path());
    let target = connect(&settings(), Arc::new(Nobody)).await.unwrap();
    let job = job(
        "import sys, time\nfor n in range(400):\n  print(n, 'x' * 2000, flush=True)\n  print(n, file=sys.stderr, flush=True)\n  time.sleep(0.03)",
    );
    target.submit(&job, |_| {}).await.unwrap();
    let mut events = follow(&target, &job);
    let cut = way.cut.clone();
    let cutting = tokio::spawn(async move {
        for round in 0..3 {
            tokio::time::sleep(Duration::from_secs(4)).await;
            cut.store(true, Ordering::Relaxed);
            tokio::time::sleep(Duration::from_millis(300 + 700 * round)).await;
            cut.store(false, Ordering::Relaxed);
        }
    });
    let mut heard = Heard::default();
    let whole = async { while !heard.take(events.recv().await.unwrap()) {} };
    tokio::time::timeout(Duration::from_secs(100), whole)
        .await
        .unwrap();
    cutting.await.unwrap();
    let out: String = (0..400)
        .map(|n| format!("{n} {}\n", "x".repeat(2000)))
        .collect();
    let err: String = (0..400).map(|n| format!("{n}\n")).collect();
    assert!(heard.out() == out && heard.err() == err);
    assert_eq!((heard.state().as_str(), heard.started), ("succeeded", 1));
    target.remove(&job.job).await.unwrap();
}
