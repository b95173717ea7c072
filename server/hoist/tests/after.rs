//! Jobs that come after others, with the real binary on this machine.

mod cli_home;

use std::time::{Duration, Instant};

use cli_home::Home;
use serde_json::json;

/// Two targets of plain processes, which know nothing of each other's jobs.
fn home() -> Home {
    let home = Home::new();
    home.write(
        "hoist.toml",
        "default_target = 'here'\n[targets.here]\nwork_dir = '~/here'\n[targets.there]\nwork_dir = '~/there'\n",
    );
    home.write(
        "steps.py",
        "import os\nimport time\n\n\ndef first(pause, fail=False):\n    time.sleep(pause)\n    if fail:\n        raise ValueError('no')\n    \
         open(os.path.expanduser('~/done'), 'a').write('x')\n    return 'first'\n\n\ndef second():\n    \
         return len(open(os.path.expanduser('~/done')).read())\n",
    );
    home
}

/// Starts `first` and gives the name of its job.
fn first(home: &Home, args: &str) -> String {
    let run = [
        "run",
        "steps.py::first",
        "--detach",
        "--force",
        "--args",
        args,
    ];
    home.hoist(&run).ended(0).stdout.trim().to_owned()
}

fn second<'a>(after: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let run = ["run", "steps.py::second", "--force", "--after", after];
    [&run, more].concat()
}

#[test]
fn a_job_begins_when_the_one_before_it_succeeded_on_the_same_target_and_on_another() {
    let home = home();
    for target in ["here", "there"] {
        let parent = first(&home, "3");
        let ran = home.hoist(&second(&parent, &["--target", target])).ended(0);
        assert_eq!(ran.stdout, "result: 1\n", "{target}");
        // What succeeded long ago is nothing to wait for.
        let ran = home.hoist(&second(&parent, &[])).ended(0);
        assert_eq!(ran.stdout, "result: 1\n", "{target}");
        std::fs::remove_file(home.home().join("done")).expect("it was written");
    }
}

#[test]
fn a_job_after_one_that_failed_is_not_run_and_says_so_in_one_sentence() {
    let home = home();
    for target in ["here", "there"] {
        let parent = first(&home, "2, fail=True");
        let (status, events) = home.events(&second(&parent, &["--target", target]));
        let last = events.last().expect("an event");
        assert_eq!(
            (status, &last["state"], &last["reason"]),
            (
                3,
                &json!("cancelled"),
                &json!(format!("not run: {parent} failed"))
            ),
            "{target}"
        );
        // Once it is known, nothing is begun.
        let ran = home.hoist(&second(&parent, &[])).ended(2);
        let said = ran.stderr.lines().last().unwrap_or_default();
        assert_eq!(
            said,
            format!(
                "error: not run: {parent} failed; leave it out of `after`, or run that one again first"
            )
        );
    }
    let ran = home
        .hoist(&second("01ARZ3NDEKTSV4RRFFQ69G5FAV", &[]))
        .ended(2);
    assert!(ran.stderr.contains("there is no job"), "{}", ran.stderr);
}

#[test]
fn it_begins_though_nobody_looks_on() {
    let home = home();
    let parent = first(&home, "3");
    let child = home.hoist(&second(&parent, &["--detach"])).ended(0);
    let child = child.stdout.trim().to_owned();
    // No process of ours is there now.
    let by = Instant::now() + Duration::from_secs(60);
    let exit = home.home().join("here/jobs").join(&child).join("exit");
    while !exit.exists() {
        assert!(Instant::now() < by, "it did not run");
        std::thread::sleep(Duration::from_millis(100));
    }
    let (_, jobs) = home.events(&["jobs"]);
    assert_eq!(jobs[0]["job"], json!(child));
    assert_eq!(jobs[0]["after"], json!([parent]));
    assert_eq!(jobs[0]["result"]["json"], json!(1));
}

#[test]
fn all_tasks_of_a_sweep_come_before_all_tasks_of_another() {
    let home = home();
    for target in ["here", "there"] {
        let sweep = [
            "run",
            "steps.py::first",
            "--force",
            "--detach",
            "--sweep",
            "pause=[0, 1, 2]",
        ];
        let parent = home.hoist(&sweep).ended(0).stdout.trim().to_owned();
        let ran = home
            .hoist(&[
                "map",
                "steps.py::second",
                "--force",
                "--over",
                "two.jsonl",
                "--after",
                &parent,
                "--target",
                target,
            ])
            .status;
        assert_eq!(ran, 2, "there are no items yet");
        home.write("two.jsonl", "{}\n{}\n");
        let map = [
            "map",
            "steps.py::second",
            "--force",
            "--over",
            "two.jsonl",
            "--after",
            &parent,
            "--target",
            target,
        ];
        let ran = home.hoist(&map).ended(0);
        assert!(ran.stderr.contains("2 succeeded"), "{}", ran.stderr);
        let table = home.hoist(&["result", "last", "--format", "csv"]).ended(0);
        assert_eq!(table.stdout.matches(",3,").count(), 2, "{}", table.stdout);
        std::fs::remove_file(home.home().join("done")).expect("it was written");
        std::fs::remove_file(home.workspace().join("two.jsonl")).expect("it was written");
    }
}

#[test]
fn a_job_that_is_held_back_can_be_cancelled() {
    let home = home();
    let parent = first(&home, "60");
    let args = second(&parent, &["--target", "there"]);
    let mut child = home.spawn(&args);
    let by = Instant::now() + Duration::from_secs(30);
    loop {
        let (_, jobs) = home.events(&["jobs"]);
        if jobs[0]["reason"] == json!(format!("waiting for {parent}")) {
            break;
        }
        assert!(
            Instant::now() < by,
            "it does not say what it waits for: {jobs:?}"
        );
    }
    home.hoist(&["cancel", "last"]).ended(0);
    assert_eq!(child.wait().expect("it ends").code(), Some(3));
    home.hoist(&["cancel", &parent]).ended(0);
}
