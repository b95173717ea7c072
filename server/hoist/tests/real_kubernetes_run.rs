//! `hoist` on a real Kubernetes, which tests/clusters/kubernetes.sh started; with a KUBECONFIG of your own, on yours.

mod cli_home;

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use cli_home::{Home, Ran, signal};
use serde_json::{Value, json};

const PROGRAMME: &str = "\
import os
import sys
import time

WORDS = ['größer', \"it's\", '$(id)']


def ticks(count, pause):
    for n in range(count):
        print('tick', n, flush=True)
        print('tock', n, file=sys.stderr, flush=True)
        time.sleep(pause)
    return count, WORDS, os.environ['GREETING']


def fails(n):
    rest = 7 - n
    return 1 / rest


def grows():
    held = []
    while True:
        held.append(b'x' * (1 << 20))


def size():
    with open('large.bin', 'rb') as file:
        return len(file.read())
";

const GREETING: &str = "\"Grüße\" $HOME 'all'";

fn config() -> String {
    let set = std::env::var("HOIST_TEST_KUBECONFIG").or_else(|_| std::env::var("KUBECONFIG"));
    set.expect("start tests/clusters/kubernetes.sh and source its env, or set KUBECONFIG, or run tests/run")
}

fn home() -> Home {
    let home = Home::new();
    home.write("study.py", PROGRAMME);
    let image = std::env::var("HOIST_TEST_IMAGE").unwrap_or_else(|_| "python:3-slim".to_owned());
    let target = format!(
        "default_target = 'lab'\n[targets.lab]\nscheduler = 'kubernetes'\nimage = '{image}'\nenv = {{ GREETING = '''{GREETING}''' }}\n\
         [targets.nowhere]\nscheduler = 'kubernetes'\nimage = 'hoist.test/nothing:9'\n"
    );
    home.write("hoist.toml", target);
    home
}

fn command(home: &Home, args: &[&str]) -> Command {
    let mut command = home.command(args);
    command.env("KUBECONFIG", config());
    command
}

fn spawn(home: &Home, args: &[&str]) -> Child {
    command(home, args).spawn().expect("the binary starts")
}

fn hoist(home: &Home, args: &[&str]) -> Ran {
    Ran::of(spawn(home, args))
}

fn events(home: &Home, args: &[&str]) -> (i32, Vec<Value>) {
    let ran = hoist(home, &[args, &["--format", "json"]].concat());
    let lines = ran.stdout.lines();
    let events = lines.map(|line| serde_json::from_str(line).expect("JSON"));
    (ran.status, events.collect())
}

/// The text of a stream, put together from its events.
fn said(events: &[Value], stream: &str) -> String {
    let pieces = events
        .iter()
        .filter(|event| event["event"] == "output" && event["stream"] == stream);
    pieces.filter_map(|event| event["text"].as_str()).collect()
}

fn last(events: &[Value]) -> &Value {
    events.last().expect("a last event")
}

/// The fields of pods that are not over, of a job by its name.
fn running(job: &str) -> String {
    let programme = std::env::var("HOIST_TEST_KUBECTL").unwrap_or_else(|_| "kubectl".to_owned());
    let label = format!("hoist/job={job}");
    let running = "jsonpath={.items[?(@.status.phase==\"Running\")].metadata.name}";
    let output = Command::new(programme)
        .args(["get", "pods", "-l", &label, "-o", running])
        .env("KUBECONFIG", config())
        .output()
        .expect("kubectl runs");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn clean(home: &Home) {
    hoist(home, &["jobs", "clean", "--older", "1s"]).ended(0);
}

#[test]
fn a_function_runs_and_its_pod_goes_when_it_was_fetched() {
    let home = home();
    let (status, events) = events(&home, &["run", "study.py::ticks", "--args", "3, 0.1"]);
    assert_eq!(status, 0, "{events:?}");
    assert_eq!(said(&events, "stdout"), "tick 0\ntick 1\ntick 2\n");
    assert_eq!(said(&events, "stderr"), "tock 0\ntock 1\ntock 2\n");
    let end = last(&events);
    assert_eq!(
        end["result"]["json"],
        json!([3, ["größer", "it's", "$(id)"], GREETING])
    );
    let job = end["job"].as_str().expect("a job");
    let until = Instant::now() + Duration::from_secs(20);
    while !running(job).is_empty() {
        assert!(Instant::now() < until, "its pod waits on");
        std::thread::sleep(Duration::from_millis(200));
    }
    clean(&home);
}

#[test]
fn a_function_that_raises_is_told_with_its_line() {
    let home = home();
    let (status, events) = events(&home, &["run", "study.py::fails", "--args", "7"]);
    let end = last(&events);
    assert_eq!((status, &end["state"]), (1, &json!("failed")));
    assert_eq!(end["error"]["type"], "ZeroDivisionError");
    let frames = end["error"]["frames"].as_array().expect("frames");
    let frame = frames.last().expect("a frame");
    assert_eq!(
        (&frame["file"], &frame["line"]),
        (&json!("study.py"), &json!(18))
    );
    clean(&home);
}

#[test]
fn memory_and_time_that_are_over_are_told_with_what_was_asked_for() {
    let home = home();
    let run = ["run", "study.py::grows", "--memory", "96M"];
    let (status, heard) = events(&home, &run);
    let end = last(&heard);
    assert_eq!((status, &end["state"]), (3, &json!("lost")), "{end}");
    let reason = end["reason"].as_str().unwrap_or_default();
    assert!(
        reason.contains("96 MiB") && reason.contains("ask for more with memory="),
        "{end}"
    );
    let run = [
        "run",
        "study.py::ticks",
        "--args",
        "1000, 0.1",
        "--time",
        "5s",
    ];
    let (status, heard) = events(&home, &run);
    let end = last(&heard);
    assert_eq!((status, &end["state"]), (3, &json!("timed_out")), "{end}");
    assert!(said(&heard, "stdout").starts_with("tick 0\ntick 1\n"));
    clean(&home);
}

#[test]
fn an_image_that_is_not_there_is_told_while_it_waits_and_ctrl_c_cancels() {
    let home = home();
    let args = [
        "run",
        "study.py::fails",
        "--args",
        "1",
        "--target",
        "nowhere",
        "--format",
        "json",
    ];
    let mut child = spawn(&home, &args);
    let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    let mut until = |word: &str| {
        loop {
            let line = lines.next().expect("more lines").expect("text");
            if line.contains(word) {
                return line;
            }
        }
    };
    let line = until("cannot be pulled");
    assert!(
        line.contains("the image hoist.test/nothing:9")
            && line.contains("check `image` of the target"),
        "{line}"
    );
    signal(&child, "INT");
    let end = until("\"finished\"");
    assert!(end.contains("cancelled"), "{end}");
    child.wait().expect("it ends");
    clean(&home);
}

#[test]
fn what_is_too_large_for_the_job_itself_is_sent_into_the_pod() {
    let home = home();
    // What does not get smaller.
    let mut noise = 1_u64;
    // In the package, which is too large for the Job itself; then beside the package.
    for length in [700_000, 5 << 20] {
        let large: Vec<u8> = (0..length)
            .map(|_| {
                noise ^= noise << 13;
                noise ^= noise >> 7;
                noise ^= noise << 17;
                noise.to_le_bytes()[0]
            })
            .collect();
        home.write("large.bin", &large);
        let (status, events) = events(&home, &["run", "study.py::size"]);
        let end = last(&events);
        assert_eq!(
            (status, &end["result"]["json"]),
            (0, &json!(large.len())),
            "{end}"
        );
    }
    clean(&home);
}

#[test]
fn two_that_run_at_once_and_one_whose_client_is_killed_lose_nothing() {
    let home = home();
    let args = [
        "run",
        "study.py::ticks",
        "--args",
        "40, 0.2",
        "--format",
        "json",
    ];
    let mut killed = spawn(&home, &args);
    let other = spawn(&home, &["run", "study.py::ticks", "--args", "5, 0.1"]);
    let lines = BufReader::new(killed.stdout.take().expect("piped")).lines();
    let mut job = String::new();
    for line in lines {
        let event: Value = serde_json::from_str(&line.expect("text")).expect("JSON");
        job = event["job"].as_str().unwrap_or(&job).to_owned();
        if event["event"] == "output"
            && event["text"]
                .as_str()
                .is_some_and(|text| text.contains("tick 3"))
        {
            break;
        }
    }
    killed.kill().expect("killed");
    killed.wait().expect("it ends");
    let other = Ran::of(other).ended(0);
    assert!(
        other
            .stdout
            .starts_with("tick 0\ntick 1\ntick 2\ntick 3\ntick 4\nresult: (5, "),
        "{}",
        other.stdout
    );
    let (status, heard) = events(&home, &["logs", &job, "--follow"]);
    let whole: String = (0..40).map(|n| format!("tick {n}\n")).collect();
    assert_eq!(said(&heard, "stdout"), whole);
    assert_eq!(status, 0, "{heard:?}");
    let result = hoist(&home, &["result", &job]).ended(0);
    assert!(result.stdout.contains("40"), "{}", result.stdout);
    clean(&home);
}

#[test]
fn a_sweep_runs_as_jobs_of_their_own() {
    let home = home();
    let run = ["run", "study.py::fails", "--sweep", "n=[5, 6, 7]"];
    let ran = hoist(&home, &run);
    assert_eq!(ran.status, 1, "{} {}", ran.stdout, ran.stderr);
    assert!(
        ran.stdout.contains("0.5") && ran.stdout.contains("1.0"),
        "{}",
        ran.stdout
    );
    clean(&home);
}

#[test]
fn a_job_comes_after_another_and_not_after_one_that_failed() {
    let home = home();
    let started = |args: &[&str]| {
        let (status, events) = events(&home, &[args, &["--detach"]].concat());
        assert_eq!(status, 0, "{events:?}");
        let job = last(&events)["job"].as_str().expect("a job");
        job.to_owned()
    };
    let first = started(&["run", "study.py::ticks", "--args", "20, 0.1"]);
    let after = ["run", "study.py::fails", "--args", "1", "--after", &first];
    let ran = hoist(&home, &after).ended(0);
    assert_eq!(ran.stdout, "result: 0.16666666666666666\n");
    assert_eq!(hoist(&home, &["result", &first]).status, 0);
    let failing = started(&["run", "study.py::fails", "--args", "7"]);
    let after = ["run", "study.py::fails", "--args", "1", "--after", &failing];
    let (status, heard) = events(&home, &after);
    let end = last(&heard);
    assert_eq!((status, &end["state"]), (3, &json!("cancelled")), "{end}");
    assert!(
        end["reason"]
            .as_str()
            .is_some_and(|reason| reason.contains("not run")),
        "{end}"
    );
    clean(&home);
}

#[test]
fn a_programme_for_credentials_runs_when_somebody_acts_and_not_before() {
    let home = home();
    let config = std::fs::read_to_string(config()).expect("a kubeconfig");
    let Some(token) = config
        .split("token: \"")
        .nth(1)
        .and_then(|rest| rest.split('"').next())
    else {
        // A cluster of one's own may be logged in to otherwise.
        return;
    };
    let token = token.to_owned();
    let (mark, plugin) = (home.home().join("ran"), home.home().join("plugin"));
    let credential = json!({
        "apiVersion": "client.authentication.k8s.io/v1beta1", "kind": "ExecCredential", "status": { "token": token },
    });
    let text = format!(
        "#!/bin/sh\necho x >>'{}'\ncat <<'E'\n{credential}\nE\n",
        mark.display()
    );
    std::fs::write(&plugin, text).expect("written");
    let exec = format!(
        "exec: {{apiVersion: client.authentication.k8s.io/v1beta1, command: /bin/sh, args: [\"{}\"]}}",
        plugin.display()
    );
    let file = home.home().join("config");
    std::fs::write(&file, config.replace(&format!("token: \"{token}\""), &exec)).expect("written");
    let hoist = |args: &[&str]| {
        let mut command = home.command(args);
        Ran::of(command.env("KUBECONFIG", &file).spawn().expect("it starts")).ended(0)
    };
    let runs = || std::fs::read_to_string(&mark).map_or(0, |text| text.lines().count());
    for quiet in [
        &["targets"] as &[&str],
        &["check", "study.py"],
        &["jobs"],
        &["package", "study.py::fails", "--args", "1", "-o", "out.zip"],
    ] {
        hoist(quiet);
        assert_eq!(runs(), 0, "{quiet:?}");
    }
    hoist(&["run", "study.py::fails", "--args", "1"]);
    let ran = runs();
    assert!(ran > 0);
    hoist(&["jobs"]);
    assert_eq!(runs(), ran);
    hoist(&["jobs", "clean", "--older", "1s"]);
}

const READER: &str = "\
import os


def look():
    with open('/data/survey.txt') as file:
        survey = file.read()
    # What the path map names, and what is not on this machine.
    with open('sets/more.txt') as file:
        more = file.read()
    with open('/scratch/left.txt', 'w') as file:
        file.write('from the pod')
    refused = None
    try:
        open('/data/new.txt', 'w')
    except OSError as error:
        refused = error.errno
    return survey, more, refused, sorted(os.listdir('/claim'))
";

/// Has the cluster make something, or remove it.
fn kubectl(args: &[&str], input: &str) {
    let programme = std::env::var("HOIST_TEST_KUBECTL").unwrap_or_else(|_| "kubectl".to_owned());
    let mut child = Command::new(programme)
        .args(args)
        .env("KUBECONFIG", config())
        .stdin(std::process::Stdio::piped())
        .spawn()
        .expect("kubectl runs");
    let mut stdin = child.stdin.take().expect("piped");
    stdin.write_all(input.as_bytes()).expect("written");
    drop(stdin);
    assert!(child.wait().expect("it ends").success(), "{args:?}");
}

#[test]
fn a_job_finds_the_volumes_of_its_target_in_its_pod() {
    if std::env::var_os("HOIST_TEST_KUBERNETES_RIG").is_none() {
        // Only of the rig this machine is known to be the node.
        return;
    }
    let home = home();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    let node = tempfile::Builder::new().permissions(mode).tempdir();
    let node = node.expect("a folder");
    let write = |name: &str, text: &str| {
        let path = node.path().join(name);
        std::fs::create_dir_all(path.parent().expect("inside")).expect("made");
        std::fs::write(path, text).expect("written");
    };
    write("data/survey.txt", "1 2 3");
    write("data/sets/more.txt", "4 5 6");
    write("claimed/ada/notes.txt", "");
    std::fs::create_dir(node.path().join("scratch")).expect("made");
    let name = format!("hoist-volumes-{}", std::process::id());
    let claimed = node.path().join("claimed");
    let made = [
        json!({
            "apiVersion": "v1", "kind": "PersistentVolume", "metadata": { "name": name },
            "spec": {
                "capacity": { "storage": "1Mi" }, "accessModes": ["ReadWriteMany"], "storageClassName": name,
                "persistentVolumeReclaimPolicy": "Retain", "hostPath": { "path": claimed },
            },
        }),
        json!({
            "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": { "name": name },
            "spec": {
                "accessModes": ["ReadWriteMany"], "storageClassName": name,
                "resources": { "requests": { "storage": "1Mi" } },
            },
        }),
    ];
    let list = json!({ "apiVersion": "v1", "kind": "List", "items": made }).to_string();
    kubectl(&["apply", "-f", "-"], &list);
    home.write("reader.py", READER);
    let node = node.path().display();
    let target = std::fs::read_to_string(home.workspace().join("hoist.toml")).expect("read");
    home.write(
        "hoist.toml",
        format!(
            "{target}[targets.lab.volumes]\n'/data' = 'node:{node}/data:ro'\n'/scratch' = 'node:{node}/scratch'\n\
             '/claim' = 'pvc:{name}/ada'\n[targets.lab.paths]\n'sets' = '/data/sets'\n"
        ),
    );
    let (status, events) = events(&home, &["run", "reader.py::look"]);
    let end = last(&events);
    const READ_ONLY: i32 = 30;
    assert_eq!(
        (status, &end["result"]["json"]),
        (0, &json!(["1 2 3", "4 5 6", READ_ONLY, ["notes.txt"]])),
        "{end}"
    );
    let left = std::fs::read_to_string(format!("{node}/scratch/left.txt"));
    assert_eq!(left.expect("it was left"), "from the pod");
    clean(&home);
    kubectl(&["delete", "--wait=false", "-f", "-"], &list);
}

#[test]
fn what_would_be_submitted_is_printed_as_yaml() {
    let home = home();
    let args = ["package", "study.py::fails", "--args", "1", "--script"];
    let printed = hoist(&home, &args).ended(0).stdout;
    for part in [
        "kind: Job",
        "backoffLimit: 0",
        "hoist/script",
        "#!/bin/sh",
        "fieldPath",
    ] {
        assert!(printed.contains(part), "{part}: {printed}");
    }
    let targets = hoist(&home, &["targets"]).ended(0).stdout;
    assert!(targets.contains("kubernetes  current context"), "{targets}");
    let doctor = hoist(&home, &["doctor", "lab"]).ended(0).stdout;
    assert!(doctor.contains("ok  rights"), "{doctor}");
}
