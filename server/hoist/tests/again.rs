//! Jobs that are run once more, and jobs that are tidied up, with the real binary on this machine.

mod cli_home;

use std::process::Command;

use cli_home::Home;
use serde_json::Value;

/// Fails until there is a file beside the workspace.
fn home() -> Home {
    let home = Home::new();
    let gate = home.home().join("gate");
    home.write(
        "train.py",
        format!(
            "import os\n\ndef fit(n=1):\n    if n % 2 and not os.path.exists({:?}):\n        raise OSError('closed')\n    return n * 10\n",
            gate.to_str().expect("UTF-8")
        ),
    );
    home
}

fn open_gate(home: &Home) {
    std::fs::write(home.home().join("gate"), "").expect("written");
}

fn job_view(home: &Home) -> Value {
    let list = home
        .hoist(&["jobs", "--format", "json", "--limit", "1"])
        .ended(0);
    serde_json::from_str(list.stdout.trim()).expect("JSON")
}

#[test]
fn a_job_is_run_once_more_as_it_was() {
    let home = home();
    home.hoist(&["run", "train.py::fit", "--args", "3", "--force"])
        .ended(1);
    let first = job_view(&home)["job"].clone();
    open_gate(&home);
    // Whatever stands in the file by now.
    home.write("train.py", "def fit(n):\n    return 'changed'\n");
    let ran = home.hoist(&["retry", "last", "--cores", "2"]).ended(0);
    assert_eq!(ran.stdout, "result: 30\n");
    let view = job_view(&home);
    assert_eq!(view["again"], first);
    assert_eq!(
        (&view["args"], &view["state"]),
        (&Value::from("3"), &Value::from("succeeded"))
    );
    let wrong = home.hoist(&["retry", "last", "--memory", "lots"]).ended(2);
    assert!(wrong.stderr.contains("memory"), "{}", wrong.stderr);
}

#[test]
fn only_the_tasks_that_failed_are_run_once_more() {
    let home = home();
    home.hoist(&[
        "run",
        "train.py::fit",
        "--sweep",
        "n=range(1, 5)",
        "--force",
    ])
    .ended(1);
    open_gate(&home);
    let ran = home.hoist(&["retry", "last"]).ended(0);
    assert!(ran.stderr.contains("2 succeeded"), "{}", ran.stderr);
    let csv = home
        .hoist(&["result", "last", "--format", "csv"])
        .ended(0)
        .stdout;
    let results: Vec<(&str, &str)> = csv
        .lines()
        .skip(1)
        .map(|line| line.split(',').collect::<Vec<_>>())
        .map(|cells| (cells[2], cells[5]))
        .collect();
    assert_eq!(results, [("1", "10"), ("3", "30")]);
    let nothing = home.hoist(&["retry", "last"]).ended(2);
    assert!(
        nothing.stderr.contains("none of its tasks failed"),
        "{}",
        nothing.stderr
    );
}

#[test]
fn what_ran_out_of_memory_is_told_how_to_ask_for_more() {
    let home = Home::new();
    home.write("big.py", "def fit():\n    raise MemoryError('no more')\n");
    let ran = home
        .hoist(&["run", "big.py::fit", "--memory", "8G"])
        .ended(1);
    assert!(
        ran.stderr.contains("--memory 16G` runs it once more"),
        "{}",
        ran.stderr
    );
}

#[test]
fn what_is_kept_here_can_be_limited_and_the_oldest_goes_first() {
    let home = Home::new();
    home.write(
        "talk.py",
        "def talk(size):\n    print('x' * size)\n    return size\n",
    );
    for size in ["400_000", "300_000", "200_000"] {
        home.hoist(&["run", "talk.py::talk", "--args", size])
            .ended(0);
    }
    let dry = home
        .hoist(&["jobs", "clean", "--most", "350K", "--dry-run"])
        .ended(0);
    assert!(dry.stderr.contains("would remove 2 jobs"), "{}", dry.stderr);
    home.hoist(&["jobs", "clean", "--most", "600K"]).ended(0);
    let left = home.hoist(&["jobs", "--format", "json"]).ended(0).stdout;
    let sizes: Vec<Value> = left
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON")["args"].clone())
        .collect();
    assert_eq!(sizes, ["200_000", "300_000"]);
    let wrong = home.hoist(&["jobs", "clean", "--most", "600"]).ended(2);
    assert!(wrong.stderr.contains("it has no unit"), "{}", wrong.stderr);
}

#[test]
fn old_jobs_go_here_and_there_and_what_runs_stays() {
    let home = home();
    home.write("slow.py", "import time\ndef slow():\n    time.sleep(300)\n");
    home.hoist(&["run", "train.py::fit", "--args", "2", "--force"])
        .ended(0);
    home.hoist(&["run", "train.py::fit", "--sweep", "n=[2, 4]", "--force"])
        .ended(0);
    home.hoist(&["run", "slow.py::slow", "--detach"]).ended(0);
    let there = home.home().join(".hoist");
    // What the runner keeps of itself is no package.
    let is_own = |name: &std::ffi::OsStr| !name.to_string_lossy().starts_with(".runner-");
    let count = |folder: &str| {
        let entries = std::fs::read_dir(there.join(folder)).into_iter().flatten();
        entries
            .flatten()
            .filter(|entry| is_own(&entry.file_name()))
            .count()
    };
    // A job, two tasks, their array, and the one that runs.
    assert_eq!(count("jobs"), 5);

    let none = home.hoist(&["jobs", "clean"]).ended(0);
    assert!(none.stderr.contains("removed 0 jobs"), "{}", none.stderr);
    // Packages that were not used for long.
    let store = home
        .home()
        .parent()
        .expect("a folder")
        .join("state/hoist/packages");
    for folder in [store.as_path(), &there.join("packages")] {
        let old = Command::new("find")
            .arg(folder)
            .args([
                "-name",
                "*.zip",
                "-exec",
                "touch",
                "-d",
                "100 days ago",
                "{}",
                "+",
            ])
            .status();
        assert!(old.expect("find runs").success());
    }
    let dry = home
        .hoist(&["jobs", "clean", "--older", "0", "--dry-run"])
        .ended(0);
    assert!(
        dry.stderr.contains("would remove 3 jobs and 1 package"),
        "{}",
        dry.stderr
    );
    assert_eq!(count("jobs"), 5);
    let ran = home.hoist(&["jobs", "clean", "--older", "0"]).ended(0);
    assert!(
        ran.stderr.contains("removed 3 jobs and 1 package"),
        "{}",
        ran.stderr
    );
    assert_eq!((count("jobs"), count("packages")), (1, 1));
    let list = home.hoist(&["jobs"]).ended(0).stdout;
    assert_eq!(list.lines().count(), 2, "{list}");
    home.hoist(&["cancel", "last"]).ended(0);
    // What is gone cannot be run once more.
    home.hoist(&["jobs", "clean", "--older", "0", "--only-here"])
        .ended(0);
    assert_eq!(count("jobs"), 1);
}
