//! Limits of time with a warning before the end, what is kept for the next attempt, and attempts that Hoist makes by itself; with
//! the real binary on this machine.

mod cli_home;

use std::path::PathBuf;

use cli_home::Home;
use serde_json::json;

fn home() -> Home {
    let home = Home::new();
    home.write(
        "hoist.toml",
        "default_target = 'here'\n[targets.here]\npoll_interval = '1s'\n",
    );
    home
}

/// The folders of checkpoints that are there.
fn checkpoints(home: &Home) -> Vec<PathBuf> {
    let folders = std::fs::read_dir(home.home().join(".hoist/checkpoints"));
    let folders = folders.into_iter().flatten().flatten();
    folders.map(|entry| entry.path()).collect()
}

/// The simulation that is shown to users.
fn simulation(home: &Home) {
    let example = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../tests/workflows/cooling.py"
    );
    home.write("cooling.py", std::fs::read(example).expect("it is there"));
}

#[test]
fn a_simulation_that_is_warned_keeps_where_it_is_and_goes_on_from_there() {
    let home = home();
    simulation(&home);
    let args = "steps=120, pause=0.05";
    let run = ["run", "cooling.py::cool", "--args", args];
    let whole = home.hoist(&run).ended(0).stdout;
    assert!(whole.starts_with("from step 0\n"), "{whole}");
    assert_eq!(checkpoints(&home), Vec::<PathBuf>::new(), "{whole}");

    let limited = [&run[..], &["--time", "4s", "--warning", "2s"]].concat();
    let ran = home.hoist(&limited).ended(3);
    assert!(ran.stdout.starts_with("from step 0\nkept step "), "{ran:?}");
    assert!(ran.stderr.contains("timed out"), "{}", ran.stderr);
    assert!(
        ran.stderr.contains("goes on from what it kept, "),
        "{}",
        ran.stderr
    );
    assert!(!ran.stderr.contains("twice as much"), "{}", ran.stderr);
    assert_eq!(checkpoints(&home).len(), 1);

    let kept: u32 = ran
        .stdout
        .trim()
        .rsplit(' ')
        .next()
        .and_then(|n| n.parse().ok())
        .expect("a step");
    let ran = home.hoist(&["retry", "last", "--time", "5m"]).ended(0);
    let result = whole.lines().last().expect("a result");
    assert_eq!(ran.stdout, format!("from step {kept}\n{result}\n"));
    assert_eq!(checkpoints(&home), Vec::<PathBuf>::new());
}

#[test]
fn a_warning_disturbs_nobody_who_does_not_listen_and_shows_as_a_file_too() {
    let home = home();
    home.write(
        "wait.py",
        "import os, subprocess, time\n\n\ndef deaf():\n    time.sleep(2.5)\n    return subprocess.call(['sleep', '0.5'])\n\n\n\
         def polls():\n    begun = time.time()\n    while not os.path.exists(os.environ['HOIST_WARNING_FILE']):\n        \
         time.sleep(0.05)\n    return time.time() - begun > 1\n",
    );
    for (entry, result) in [("deaf", "0"), ("polls", "True")] {
        let entry = format!("wait.py::{entry}");
        let ran = home
            .hoist(&["run", &entry, "--time", "60s", "--warning", "58s"])
            .ended(0);
        assert_eq!(ran.stdout, format!("result: {result}\n"));
    }
    // It is the end that it is before.
    for (asked, said) in [
        (vec!["--warning", "10s"], "which is not set; set it too"),
        (
            vec!["--warning", "10s", "--time", "10s"],
            "it is not before the end of time",
        ),
    ] {
        let ran = home
            .hoist(&[&["run", "wait.py::deaf"], &asked[..]].concat())
            .ended(2);
        assert!(ran.stderr.contains(said), "{}", ran.stderr);
    }
}

#[test]
fn what_was_kept_goes_with_the_last_job_that_could_go_on_from_it() {
    let home = home();
    home.write(
        "stay.py",
        "import os, time\n\n\ndef stay():\n    open(os.environ['HOIST_CHECKPOINT_DIR'] + '/kept', 'a').write('x')\n    time.sleep(60)\n",
    );
    home.hoist(&["run", "stay.py::stay", "--time", "1s"])
        .ended(3);
    home.hoist(&["retry", "last", "--time", "1s"]).ended(3);
    let kept = checkpoints(&home);
    assert_eq!(kept.len(), 1);
    let text = std::fs::read_to_string(kept[0].join("kept")).expect("kept");
    assert_eq!(text, "xx");
    home.hoist(&["retry", "last", "--time", "60s", "--detach"])
        .ended(0);
    home.hoist(&["jobs", "clean", "--older", "0"]).ended(0);
    assert_eq!(checkpoints(&home).len(), 1, "the third goes on from it");
    home.hoist(&["cancel", "last"]).ended(0);
    home.hoist(&["jobs", "clean", "--older", "0"]).ended(0);
    assert_eq!(checkpoints(&home), Vec::<PathBuf>::new());
}

/// Kills everything of its job the first time: its script, its runner and itself.
const UNLUCKY: &str = "\
import os
import signal


def work():
    print('here')
    kept = os.environ['HOIST_CHECKPOINT_DIR'] + '/been'
    if os.path.exists(kept):
        return 'the second time'
    open(kept, 'w').close()
    script = int(open(os.environ['HOIST_JOB_DIR'] + '/native_id').read().split(':')[1])
    for process in (script, os.getppid(), os.getpid()):
        os.kill(process, signal.SIGKILL)


def raises():
    raise ValueError('no')
";

#[test]
fn a_job_that_its_target_loses_is_run_once_more_by_itself_and_one_that_raises_is_not() {
    let home = home();
    home.write("work.py", UNLUCKY);
    let (status, events) = home.events(&["run", "work.py::work", "--retries", "2"]);
    let last = events.last().expect("an event");
    assert_eq!(
        (status, &last["result"]["json"]),
        (0, &json!("the second time")),
        "{events:?}"
    );
    let (_, jobs) = home.events(&["jobs"]);
    let [second, first] = jobs.as_slice() else {
        panic!("{jobs:?}");
    };
    assert_eq!(first["state"], json!("lost"));
    assert_eq!(
        (&first["next"], &second["again"], &second["attempt"]),
        (&second["job"], &first["job"], &json!(2))
    );
    let waited = second["started"].as_u64() > first["ended"].as_u64().map(|ended| ended + 5_000);
    assert!(waited, "{jobs:?}");

    home.hoist(&["run", "work.py::raises", "--retries", "2"])
        .ended(1);
    let (_, jobs) = home.events(&["jobs"]);
    assert_eq!(jobs.len(), 3);
}
