//! Sweeps and maps: many jobs as one submission, with the real binary on this machine.

mod cli_home;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;

use cli_home::{Home, Ran, signal};
use serde_json::{Value, json};

const TRAIN: &str = "\
import time

def fit(lr, seed=0, data=None):
    print('lr', lr, flush=True)
    if seed == 2:
        raise ValueError('bad seed')
    if data:
        return open(data).read()
    return lr * 10 + seed

def wait(n, seconds=300):
    print('begun', flush=True)
    time.sleep(seconds)
    return n
";

fn home() -> Home {
    let home = Home::new();
    home.write("train.py", TRAIN);
    home
}

#[test]
fn every_combination_runs_and_the_table_has_arguments_and_results() {
    let home = home();
    let ran = home
        .hoist(&[
            "run",
            "train.py::fit",
            "--sweep",
            "lr=[1, 0.5], seed=range(3)",
        ])
        .ended(1);
    let (output, table) = ran.stdout.split_once('#').expect("a table");
    let mut lines: Vec<&str> = output.lines().collect();
    lines.sort_unstable();
    let expected = [
        "[1] lr 1",
        "[2] lr 1",
        "[3] lr 1",
        "[4] lr 0.5",
        "[5] lr 0.5",
        "[6] lr 0.5",
    ];
    assert_eq!(lines, expected);
    let cells: Vec<Vec<&str>> = table
        .lines()
        .skip(1)
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert_eq!(cells.len(), 6, "{table}");
    assert_eq!(
        (&cells[0][..4], cells[0].last()),
        (&["1", "1", "0", "succeeded"][..], Some(&"10"))
    );
    assert_eq!(
        (&cells[4][..4], cells[4].last()),
        (&["5", "0.5", "1", "succeeded"][..], Some(&"6.0"))
    );
    assert!(
        cells[2][3] == "failed" && table.contains("ValueError: bad seed"),
        "{table}"
    );
    assert!(
        ran.stderr.contains("4 succeeded, 2 failed"),
        "{}",
        ran.stderr
    );

    let csv = home
        .hoist(&["result", "last", "--format", "csv"])
        .ended(1)
        .stdout;
    let rows: Vec<Vec<&str>> = csv.lines().map(|line| line.split(',').collect()).collect();
    assert_eq!(
        rows[0],
        [
            "index",
            "job",
            "lr",
            "seed",
            "state",
            "wall_seconds",
            "result",
            "error"
        ]
    );
    assert_eq!(
        (rows[6][2], rows[6][4], rows[6][7]),
        ("0.5", "failed", "ValueError: bad seed")
    );
    let json = home
        .hoist(&["result", "last", "--format", "json"])
        .ended(1)
        .stdout;
    let second: Value = serde_json::from_str(json.lines().nth(1).expect("a line")).expect("JSON");
    assert_eq!(second["arguments"], json!({"lr": "1", "seed": "1"}));
    assert_eq!(second["result"]["json"], json!(11));

    // A task is a job.
    assert_eq!(home.hoist(&["result", "last.2"]).ended(0).stdout, "11\n");
    assert_eq!(home.hoist(&["logs", "last.4"]).ended(0).stdout, "lr 0.5\n");
    home.hoist(&["result", "last.3"]).ended(1);
    let list = home.hoist(&["jobs"]).ended(0).stdout;
    assert_eq!(list.lines().count(), 2, "{list}");
    assert!(
        list.contains("6 of 6") && list.contains("4 succeeded, 2 failed"),
        "{list}"
    );
    let tasks = home.hoist(&["jobs", "last"]).ended(0).stdout;
    assert_eq!(tasks.lines().count(), 7, "{tasks}");
}

#[test]
fn each_task_tells_how_long_it_waited_itself() {
    let home = home();
    let run = ["run", "train.py::wait", "--at-once", "1", "--sweep"];
    let (status, events) = home.events(&[&run[..], &["n=range(3), seconds=[1]"]].concat());
    let last = events.last().expect("a last event");
    assert_eq!(status, 0, "{last}");
    let waited: Vec<f64> = last["tasks"]
        .as_array()
        .expect("tasks")
        .iter()
        .filter_map(|task| task["queue_seconds"].as_f64())
        .collect();
    // One comes after the other, and each lasts a second.
    assert_eq!(waited.len(), 3, "{last}");
    let (shortest, longest) = (
        waited.iter().copied().fold(f64::MAX, f64::min),
        waited.iter().copied().fold(0.0, f64::max),
    );
    assert!(shortest < longest - 1.5 && longest < 60.0, "{waited:?}");
    for task in ["last.1", "last.2", "last.3"] {
        let told = home.hoist(&["result", task]).ended(0).stderr;
        assert!(told.contains(" in the queue"), "{task}: {told}");
    }
}

#[test]
fn what_cannot_be_swept_is_refused_before_anything_is_sent() {
    let home = home();
    let cases = [
        (vec!["--sweep", "lr=0.1"], "cannot be counted"),
        (vec!["--sweep", "rate=[1]"], "no parameter `rate`"),
        (vec!["--sweep", "seed=[1, 2]"], "lr"),
        (vec!["--sweep", "lr=[1]", "--args", "lr=2"], "both"),
        (vec!["--at-once", "3"], "--sweep"),
    ];
    for (args, told) in cases {
        let args = [&["run", "train.py::fit"], args.as_slice()].concat();
        let ran = home.hoist(&args).ended(2);
        assert!(ran.stderr.contains(told), "{args:?}: {}", ran.stderr);
    }
    let none = home.hoist(&["jobs"]).ended(0);
    assert!(none.stderr.contains("no jobs yet"), "{none:?}");
    let (status, events) = home.events(&["run", "train.py::fit", "--sweep", "lr=x"]);
    assert_eq!(
        (status, &events[0]["event"], &events[0]["code"]),
        (2, &json!("refused"), &json!("sweep"))
    );
}

#[test]
fn a_map_runs_once_for_each_item_and_each_byte_of_output_is_told_once() {
    let home = home();
    home.write("in/a.txt", "first");
    home.write("in/b.txt", "second");
    let items =
        "{\"lr\": 1, \"data\": \"in/a.txt\"}\n\n{\"lr\": 2, \"data\": \"in/b.txt\"}\n{\"lr\": 3}\n";
    let mut child = home
        .command(&["map", "train.py::fit", "--over", "-", "--format", "json"])
        .stdin(Stdio::piped())
        .spawn()
        .expect("starts");
    let mut stdin = child.stdin.take().expect("piped");
    stdin.write_all(items.as_bytes()).expect("written");
    drop(stdin);
    let ran = Ran::of(child).ended(0);
    let events: Vec<Value> = ran
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(events[0]["event"], "sweep");
    let mut outputs: BTreeMap<&str, String> = BTreeMap::new();
    for event in events.iter().filter(|event| event["event"] == "output") {
        let text = outputs
            .entry(event["job"].as_str().expect("a name"))
            .or_default();
        assert_eq!(
            event["offset"],
            json!(text.len()),
            "each byte once and in order"
        );
        text.push_str(event["text"].as_str().expect("text"));
    }
    let last = events.last().expect("an end");
    assert_eq!(
        (&last["event"], &last["counts"]),
        (&json!("sweep_finished"), &json!({"succeeded": 3}))
    );
    let results: Vec<&Value> = (0..3)
        .map(|at| &last["tasks"][at]["result"]["json"])
        .collect();
    assert_eq!(results, [&json!("first"), &json!("second"), &json!(30)]);
    for (number, job) in (1..).zip(events[0]["jobs"].as_array().expect("jobs")) {
        assert_eq!(
            outputs[job.as_str().expect("a name")],
            format!("lr {number}\n")
        );
    }
    // What does not fit is told by its line.
    home.write("items.jsonl", "{\"lr\": 1}\n\n{\"rate\": 2}\n");
    let unfit = home
        .hoist(&["map", "train.py::fit", "--over", "items.jsonl"])
        .ended(2);
    assert!(
        unfit.stderr.contains("items.jsonl:3: ") && unfit.stderr.contains("`rate`"),
        "{}",
        unfit.stderr
    );
    let missing = home
        .hoist(&["map", "train.py::fit", "--over", "nowhere.jsonl"])
        .ended(2);
    assert!(
        missing.stderr.contains("cannot be read"),
        "{}",
        missing.stderr
    );
}

#[test]
fn a_sweep_goes_on_without_us_and_is_found_again() {
    let home = home();
    let ran = home
        .hoist(&[
            "run",
            "train.py::wait",
            "--args",
            "seconds=0.5",
            "--sweep",
            "n=range(8)",
            "--detach",
        ])
        .ended(0);
    let sweep = ran.stdout.lines().last().expect("a name").to_owned();
    assert_eq!(sweep.len(), 26, "{ran:?}");
    assert!(
        ran.stderr.contains("8 tasks submitted to local"),
        "{}",
        ran.stderr
    );
    let give_up = std::time::Instant::now() + std::time::Duration::from_secs(60);
    let done = loop {
        let ran = home.hoist(&["result", &sweep, "--format", "csv"]);
        if ran.status != 2 || std::time::Instant::now() > give_up {
            break ran.ended(0);
        }
    };
    let results = done.stdout.lines().skip(1);
    let results: Vec<&str> = results.filter_map(|line| line.split(',').nth(5)).collect();
    assert_eq!(results, ["0", "1", "2", "3", "4", "5", "6", "7"]);
    assert_eq!(
        home.hoist(&["logs", &format!("{sweep}.8")]).ended(0).stdout,
        "begun\n"
    );
}

#[test]
fn all_tasks_are_cancelled_from_another_terminal_whether_they_run_or_wait() {
    let home = home();
    let arguments = [
        "run",
        "train.py::wait",
        "--sweep",
        "n=range(20)",
        "--at-once",
        "2",
    ];
    let mut child = home.spawn(&arguments);
    let mut first = String::new();
    let mut stdout = BufReader::new(child.stdout.take().expect("piped"));
    stdout.read_line(&mut first).expect("a line");
    assert!(first.ends_with("] begun\n"), "{first}");
    let ran = home.hoist(&["cancel", "last"]).ended(0);
    assert!(ran.stdout.contains("20 cancelled"), "{}", ran.stdout);
    Ran::of(child).ended(3);
}

#[test]
fn ctrl_c_cancels_the_whole_sweep() {
    let home = home();
    let mut child = home.spawn(&[
        "run",
        "train.py::wait",
        "--sweep",
        "n=range(5)",
        "--at-once",
        "1",
    ]);
    let mut first = String::new();
    let mut stdout = BufReader::new(child.stdout.take().expect("piped"));
    stdout.read_line(&mut first).expect("a line");
    assert_eq!(first, "[1] begun\n");
    signal(&child, "INT");
    let ran = Ran::of(child).ended(3);
    assert!(
        ran.stderr.contains("cancelling all tasks"),
        "{}",
        ran.stderr
    );
    assert!(ran.stderr.contains("5 cancelled"), "{}", ran.stderr);
}

#[test]
fn a_target_that_does_not_answer_is_tried_once_for_all_tasks() {
    let home = home();
    home.write(
        "hoist.toml",
        "[targets.far]\nhost = \"no-such-host.invalid\"\n",
    );
    let ran = home
        .hoist(&[
            "run",
            "train.py::fit",
            "--sweep",
            "lr=range(50)",
            "--target",
            "far",
        ])
        .ended(3);
    assert!(ran.stderr.contains("50 lost"), "{}", ran.stderr);
    let why = home.hoist(&["result", "last.7"]).ended(3).stderr;
    assert!(why.starts_with("error: far: "), "{why}");
}
