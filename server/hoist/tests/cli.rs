//! The command line as a person or a script uses it, on the target `local`.

mod cli_home;

use std::io::{BufRead, BufReader};
use std::process::Command;
use std::time::{Duration, Instant};

use cli_home::{Home, Ran, signal};
use serde_json::{Value, json};

const TRAIN: &str = "\
import sys

RATE = 0.5


def train(lr=RATE, epochs=2):
    for epoch in range(epochs):
        print('epoch', epoch)
    print('a warning', file=sys.stderr)
    return {'loss': lr / epochs, 'big': 2 ** 70}


def fails(n):
    check(n)


def check(n):
    raise ValueError(f'{n} is too large')


class Suite:
    def test(self):
        def inner(k=2):
            return [k] * k
        return inner()


train(epochs=1000)
";

#[test]
fn a_run_shows_output_as_it_is_and_the_result_last() {
    let home = Home::new();
    home.write("train.py", TRAIN);
    let ran = home.hoist(&["run", "train.py::train"]).ended(0);
    assert_eq!(
        ran.stdout,
        "epoch 0\nepoch 1\nresult: {'loss': 0.25, 'big': 1180591620717411303424}\n"
    );
    assert_eq!(ran.stderr, "a warning\n");
    let ran = home
        .hoist(&["run", "train.py::train", "--args", "lr=RATE * 2, epochs=1"])
        .ended(0);
    assert!(
        ran.stdout
            .ends_with("result: {'loss': 1.0, 'big': 1180591620717411303424}\n"),
        "{}",
        ran.stdout
    );
    let ran = home
        .hoist(&[
            "run",
            "train.py::Suite.test.<locals>.inner",
            "--args",
            "k=3",
        ])
        .ended(0);
    assert_eq!(ran.stdout, "result: [3, 3, 3]\n");
}

#[test]
fn json_is_one_event_a_line_and_exact() {
    let home = Home::new();
    home.write("train.py", TRAIN);
    let (status, events) = home.events(&["run", "train.py::train"]);
    assert_eq!(status, 0);
    let job = events[0]["job"].as_str().expect("a job").to_owned();
    assert_eq!(job.len(), 26);
    assert!(events.iter().all(|event| event["job"] == job.as_str()));
    let states: Vec<&Value> = events
        .iter()
        .filter(|event| event["event"] == "state")
        .map(|event| &event["state"])
        .collect();
    assert_eq!(states.first(), Some(&&json!("preparing")));
    assert!(states.contains(&&json!("running")), "{states:?}");
    let output = |stream: &str| -> String {
        let mut next = 0;
        let mut text = String::new();
        for event in events
            .iter()
            .filter(|event| event["event"] == "output" && event["stream"] == stream)
        {
            assert_eq!(event["offset"], json!(next));
            let piece = event["text"].as_str().expect("text");
            next += piece.len();
            text.push_str(piece);
        }
        text
    };
    assert_eq!(output("stdout"), "epoch 0\nepoch 1\n");
    assert_eq!(output("stderr"), "a warning\n");
    let last = events.last().expect("a last event");
    assert_eq!(
        (&last["event"], &last["state"], &last["error"]),
        (&json!("finished"), &json!("succeeded"), &Value::Null)
    );
    assert_eq!(
        last["result"]["repr"],
        "{'loss': 0.25, 'big': 1180591620717411303424}"
    );
    // Not through a float: the digits stand in the line.
    let ran = home
        .hoist(&["run", "train.py::train", "--format", "json"])
        .ended(0);
    assert!(
        ran.stdout.contains(r#""big":1180591620717411303424"#),
        "{}",
        ran.stdout
    );
}

#[test]
fn what_is_raised_comes_with_the_users_own_lines() {
    let home = Home::new();
    home.write("train.py", TRAIN);
    let ran = home
        .hoist(&["run", "train.py::fails", "--args", "7"])
        .ended(1);
    assert_eq!(ran.stdout, "");
    for part in [
        "Traceback (most recent call last):",
        "train.py\", line 14, in fails",
        "train.py\", line 18, in check",
        "ValueError: 7 is too large",
    ] {
        assert!(ran.stderr.contains(part), "{part:?} in {}", ran.stderr);
    }
    assert_eq!(ran.stderr.matches("Traceback").count(), 1, "{}", ran.stderr);
    let (status, events) = home.events(&["run", "train.py::fails", "--args", "7"]);
    assert_eq!(status, 1);
    let last = events.last().expect("a last event");
    assert_eq!(
        (&last["state"], &last["result"]),
        (&json!("failed"), &Value::Null)
    );
    let error = &last["error"];
    assert_eq!(
        (&error["type"], &error["message"]),
        (&json!("ValueError"), &json!("7 is too large"))
    );
    let frames: Vec<(&Value, &Value, &Value)> = error["frames"]
        .as_array()
        .expect("frames")
        .iter()
        .map(|frame| (&frame["file"], &frame["line"], &frame["function"]))
        .collect();
    let frame = |line: u32, function: &str| (json!("train.py"), json!(line), json!(function));
    let (first, second) = (frame(14, "fails"), frame(18, "check"));
    assert_eq!(
        frames,
        [
            (&first.0, &first.1, &first.2),
            (&second.0, &second.1, &second.2)
        ]
    );
}

/// What is refused before anything is submitted: one sentence on standard error, status 2, no job.
#[test]
fn bad_input_gets_one_sentence_and_leaves_nothing() {
    let home = Home::new();
    home.write("train.py", TRAIN);
    home.write("broken.py", "def f():\n    return 1\n\ndef g(:\n    pass\n");
    home.write("empty.py", "x = 1\n");
    home.write("bytes.py", b"def f():\n    return '\xe9'\n");
    home.write("folder.py/x.txt", "");
    home.write("captures.py", "def outer(n):\n    total = n + 1\n    def inner():\n        return total\n    return inner()\n");
    let cases: &[(&[&str], &[&str])] = &[
        (&["train.py::trian"], &["trian", "train"]),
        (
            &["train.py"],
            &["train.py::train", "train.py::Suite.test.<locals>.inner"],
        ),
        (&["train.py::"], &["train.py::train"]),
        (&["empty.py"], &["no function that can run"]),
        (&["broken.py::f"], &["broken.py:4:"]),
        (&["missing.py::f"], &["missing.py", "no such file"]),
        (&["folder.py::f"], &["folder.py", "folder"]),
        (&["bytes.py::f"], &["bytes.py:2:", "UTF-8"]),
        (&["train.py::train", "--args", "rate=1"], &["rate"]),
        (&["train.py::train", "--args", "lr="], &["lr="]),
        (&["train.py::fails"], &["n"]),
        (
            &["train.py::train", "--target", "slrum"],
            &["slrum", "local"],
        ),
        (&["train.py::train", "--memory", "lots"], &["lots", "16G"]),
        (&["train.py::train", "--cores", "0"], &["cores"]),
        (&["captures.py::outer.<locals>.inner"], &["total"]),
        (&["train.py::900-901"], &["900"]),
    ];
    for (args, parts) in cases {
        let args = [&["run"], *args].concat();
        let ran = home.hoist(&args);
        assert_eq!(ran.status, 2, "{args:?}: {ran:?}");
        assert_eq!(ran.stdout, "", "{args:?}");
        assert!(
            ran.stderr.starts_with("error: "),
            "{args:?}: {}",
            ran.stderr
        );
        assert_eq!(
            ran.stderr.matches("error:").count(),
            1,
            "{args:?}: {}",
            ran.stderr
        );
        for part in *parts {
            assert!(
                ran.stderr.contains(part),
                "{args:?}: {part:?} in {}",
                ran.stderr
            );
        }
    }
    assert_eq!(
        home.hoist(&["jobs", "--format", "json"]).ended(0).stdout,
        "",
        "no job was made"
    );
    assert!(!home.home().join(".hoist").exists(), "nothing was sent");
}

#[test]
fn a_refusal_is_an_event_too() {
    let home = Home::new();
    home.write("train.py", TRAIN);
    let ran = home
        .hoist(&["run", "train.py::trian", "--format", "json"])
        .ended(2);
    let event: Value = serde_json::from_str(ran.stdout.trim()).expect("one event");
    assert_eq!(event["event"], "refused");
    assert_eq!(event["code"], "HST010");
    assert!(
        event["message"]
            .as_str()
            .expect("a sentence")
            .contains("trian")
    );
    assert!(ran.stderr.starts_with("error: "), "{}", ran.stderr);
}

#[test]
fn a_configuration_that_cannot_be_read_is_refused_with_its_place() {
    let home = Home::new();
    home.write("train.py", TRAIN);
    home.write("hoist.toml", "[targets.big]\nschedular = 'slurm'\n");
    let ran = home.hoist(&["run", "train.py::train"]).ended(2);
    for part in [
        "hoist.toml:2:1: ",
        "schedular",
        "did you mean \"scheduler\"?",
    ] {
        assert!(ran.stderr.contains(part), "{part:?} in {}", ran.stderr);
    }
    assert!(
        home.hoist(&["targets"])
            .ended(2)
            .stderr
            .contains("hoist.toml:2:1")
    );
}

#[test]
fn a_target_that_does_not_answer_is_status_3_and_leaves_nothing() {
    let home = Home::new();
    home.write("train.py", TRAIN);
    home.write("hoist.toml", "[targets.far]\nhost = 'nobody@127.0.0.1:1'\n");
    let began = Instant::now();
    let ran = home
        .hoist(&["run", "train.py::train", "--target", "far"])
        .ended(3);
    assert!(began.elapsed() < Duration::from_secs(30));
    assert!(ran.stderr.starts_with("error: far: "), "{}", ran.stderr);
    assert_eq!(ran.stderr.lines().count(), 1, "{}", ran.stderr);
    let (status, events) = home.events(&["run", "train.py::train", "--target", "far"]);
    assert_eq!(
        (status, &events.last().expect("a last event")["state"]),
        (3, &json!("lost"))
    );
    assert!(
        events.last().expect("a last event")["reason"]
            .as_str()
            .is_some_and(|reason| reason.starts_with("far: "))
    );
}

#[test]
fn a_line_is_seen_when_it_is_printed() {
    let home = Home::new();
    home.write("slow.py", "import time\ndef slow():\n    for n in range(4):\n        print(n)\n        time.sleep(1)\n");
    let mut child = home.spawn(&["run", "slow.py::slow"]);
    let stdout = BufReader::new(child.stdout.take().expect("piped"));
    let mut seen = Vec::new();
    for line in stdout.lines() {
        seen.push((line.expect("text"), Instant::now()));
    }
    child.wait().expect("it ends");
    let lines: Vec<&str> = seen.iter().map(|(line, _)| line.as_str()).collect();
    assert_eq!(lines, ["0", "1", "2", "3", "result: None"]);
    // On a busy machine a line may come late, but not all of them together.
    let over = seen[3].1 - seen[0].1;
    assert!(
        over > Duration::from_millis(1500),
        "all came within {over:?}"
    );
}

#[test]
fn a_detached_job_can_be_listed_followed_and_asked_for_its_result() {
    let home = Home::new();
    home.write("slow.py", "import time\ndef slow(n):\n    for k in range(n):\n        print('line', k)\n        time.sleep(0.3)\n    return n\n");
    let job = home
        .hoist(&["run", "slow.py::slow", "--args", "6", "--detach"])
        .ended(0)
        .stdout
        .trim()
        .to_owned();
    assert_eq!(job.len(), 26, "{job}");
    let not_yet = home.hoist(&["result", &job]);
    assert!(matches!(not_yet.status, 0 | 2), "{not_yet:?}");
    let followed = home.hoist(&["logs", "--follow", &job]).ended(0);
    let expected: String = (0..6).map(|k| format!("line {k}\n")).collect();
    assert_eq!(followed.stdout, format!("{expected}result: 6\n"));
    assert_eq!(home.hoist(&["logs", &job]).ended(0).stdout, expected);
    assert_eq!(
        home.hoist(&["logs", "last", "--stream", "stderr"])
            .ended(0)
            .stdout,
        ""
    );
    assert_eq!(home.hoist(&["result", &job[16..]]).ended(0).stdout, "6\n");
    let result: Value = serde_json::from_str(
        home.hoist(&["result", &job, "--format", "json"])
            .ended(0)
            .stdout
            .trim(),
    )
    .expect("JSON");
    assert_eq!(
        (&result["event"], &result["result"]["json"]),
        (&json!("finished"), &json!(6))
    );
    let table = home.hoist(&["jobs"]).ended(0).stdout;
    assert!(
        table.starts_with("JOB ") && table.contains(&job) && table.contains("succeeded"),
        "{table}"
    );
    let line: Value = serde_json::from_str(
        home.hoist(&["jobs", "--format", "json"])
            .ended(0)
            .stdout
            .trim(),
    )
    .expect("JSON");
    assert_eq!(
        (&line["job"], &line["state"], &line["entry"]),
        (&json!(job), &json!("succeeded"), &json!("slow"))
    );
    let unknown = home
        .hoist(&["result", "01JD4T6Q3M8Z5W2N7K9V0B1C2D"])
        .ended(2);
    assert!(
        unknown.stderr.contains("there is no job"),
        "{}",
        unknown.stderr
    );
}

#[test]
fn a_job_is_cancelled_from_another_terminal() {
    let home = Home::new();
    home.write("slow.py", "import time\ndef slow():\n    time.sleep(300)\n");
    let job = home
        .hoist(&["run", "slow.py::slow", "--detach"])
        .ended(0)
        .stdout
        .trim()
        .to_owned();
    let ran = home.hoist(&["cancel", &job]).ended(0);
    assert_eq!(ran.stdout, format!("{job} cancelled\n"));
    home.hoist(&["result", &job]).ended(3);
}

#[test]
fn ctrl_c_cancels_and_waits_for_the_end() {
    let home = Home::new();
    home.write(
        "slow.py",
        "import time\ndef slow():\n    print('here')\n    time.sleep(300)\n",
    );
    let mut child = home.spawn(&["run", "slow.py::slow"]);
    let mut first = String::new();
    let mut stdout = BufReader::new(child.stdout.take().expect("piped"));
    stdout.read_line(&mut first).expect("a line");
    assert_eq!(first, "here\n");
    signal(&child, "INT");
    let ran = Ran::of(child).ended(3);
    assert!(
        ran.stderr.contains("cancelling") && ran.stderr.contains("was cancelled"),
        "{}",
        ran.stderr
    );
}

#[test]
fn the_server_starts_for_clients_that_name_its_only_transport() {
    // The client is gone at once, which is status 1; wrong usage would be 2.
    Home::new().hoist(&["lsp", "--stdio"]).ended(1);
}

#[test]
fn ctrl_c_is_heard_while_output_pours_in() {
    let home = Home::new();
    home.write(
        "flood.py",
        "import time\ndef flood():\n    end = time.time() + 100\n    while time.time() < end:\n        print('x' * 300)\n",
    );
    for _ in 0..5 {
        let mut child = home.spawn(&["run", "flood.py::flood"]);
        let mut stdout = BufReader::new(child.stdout.take().expect("piped"));
        let mut first = String::new();
        stdout.read_line(&mut first).expect("a line");
        // Read on, so that the process is always busy with showing what came.
        let reader = std::thread::spawn(move || std::io::copy(&mut stdout, &mut std::io::sink()));
        signal(&child, "INT");
        let ran = Ran::of(child).ended(3);
        assert!(ran.stderr.contains("was cancelled"), "{}", ran.stderr);
        reader.join().expect("no panic").expect("read");
    }
}

#[test]
fn a_package_runs_by_itself_and_its_script_can_be_read() {
    let home = Home::new();
    home.write("train.py", TRAIN);
    let ran = home
        .hoist(&["package", "train.py::train", "-o", "out.zip"])
        .ended(0);
    assert!(
        ran.stderr.contains("train.py") && ran.stderr.contains("sha256"),
        "{}",
        ran.stderr
    );
    let python = Command::new("python3")
        .arg(home.workspace().join("out.zip"))
        .output()
        .expect("python3 is there");
    let stdout = String::from_utf8_lossy(&python.stdout);
    assert!(
        stdout.contains("epoch 1") && stdout.contains("1180591620717411303424"),
        "{stdout}"
    );
    let first = std::fs::read(home.workspace().join("out.zip")).expect("written");
    home.hoist(&["package", "train.py::train", "-o", "again.zip"])
        .ended(0);
    assert_eq!(
        first,
        std::fs::read(home.workspace().join("again.zip")).expect("written"),
        "the same bytes"
    );
    let script = home
        .hoist(&["package", "train.py::train", "--script"])
        .ended(0)
        .stdout;
    assert!(script.starts_with("#!"), "{script}");
}

#[test]
fn check_shows_findings_at_their_lines_and_counts_errors() {
    let home = Home::new();
    home.write(
        "good.py",
        "def f():\n    return 1\n\nclass A:\n    def needs_an_instance(self):\n        return 1\n",
    );
    home.write("inner/bad.py", "def outer(n):\n    total = n + 1\n    def inner():\n        return total\n    return inner()\n");
    home.write(".venv/lib/x.py", "def broken(:\n");
    assert_eq!(home.hoist(&["check", "good.py"]).ended(0).stdout, "");
    let ran = home.hoist(&["check", "."]).ended(1);
    assert!(
        ran.stdout.contains("inner/bad.py:3:") && ran.stdout.contains("error[HST003]"),
        "{}",
        ran.stdout
    );
    assert!(
        ran.stdout.contains("3 |     def inner():") && ran.stdout.contains("^^^^^"),
        "{}",
        ran.stdout
    );
    assert!(!ran.stdout.contains("broken"), "{}", ran.stdout);
    // The configuration is one of them.
    assert!(
        ran.stderr.contains("3 files checked: 1 error"),
        "{}",
        ran.stderr
    );
    let (status, lines) = home.events(&["check", "."]);
    assert_eq!(status, 1);
    let error = lines
        .iter()
        .find(|line| line["severity"] == "error")
        .expect("an error");
    assert_eq!(
        (&error["code"], &error["line"]),
        (&json!("HST003"), &json!(3))
    );
    let fix = &error["fixes"][0];
    assert_eq!(fix["title"], "Hoist `inner` to module level");
    let edit = &fix["edits"][0];
    assert_eq!(
        (&edit["file"], &edit["line"], &edit["column"]),
        (&error["file"], &json!(1), &json!(1))
    );
    assert!(
        edit["text"]
            .as_str()
            .is_some_and(|text| text.starts_with("def inner(total)")),
        "{edit}"
    );
    home.hoist(&["check", "nowhere"]).ended(2);
}

#[test]
fn what_a_target_lacks_is_known_after_the_first_contact() {
    let home = Home::new();
    home.install(&home.python(".venv"), "sunlit", "1.2");
    let python = home.python("far");
    home.write(
        "hoist.toml",
        format!(
            "default_target = 'far'\n[targets.far]\nscheduler = 'none'\npython = {:?}\n",
            python.display().to_string()
        ),
    );
    home.write(
        "train.py",
        "import sunlit\n\n\ndef f():\n    return sunlit\n\n\ndef g():\n    return 1\n",
    );
    let checked = || home.hoist(&["check", "train.py"]).ended(0).stdout;
    assert!(!checked().contains("HST026"), "{}", checked());
    home.hoist(&["run", "train.py::g"]).ended(0);
    let after = checked();
    assert!(
        after.contains("train.py:1:8: warning[HST026]: `sunlit` comes with `sunlit` 1.2 here, which the target far lacks"),
        "{after}"
    );
}

#[test]
fn analyze_prints_one_object_a_file() {
    let home = Home::new();
    home.write("train.py", TRAIN);
    let ran = home
        .hoist(&["analyze", "train.py", "missing.py", "--format", "json"])
        .ended(2);
    let objects: Vec<Value> = ran
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(objects.len(), 2);
    let functions = objects[0]["functions"].as_array().expect("functions");
    let names: Vec<&str> = functions
        .iter()
        .filter_map(|function| function["qualname"].as_str())
        .collect();
    assert_eq!(
        names,
        [
            "train",
            "fails",
            "check",
            "Suite.test",
            "Suite.test.<locals>.inner"
        ]
    );
    assert_eq!(
        functions[0],
        json!({"qualname": "train", "line": 6, "end_line": 10, "async": false, "parameters": ["lr", "epochs"],
               "captures": [], "globals": ["print", "range", "sys"], "definition_names": ["RATE"]})
    );
    assert_eq!(objects[0]["imports"][0]["module"], "sys");
    assert_eq!(objects[1]["errors"].as_array().map(Vec::len), Some(1));
}

#[test]
fn source_in_latin_1_runs_as_it_is_written() {
    let home = Home::new();
    home.write(
        "old.py",
        b"# -*- coding: latin-1 -*-\ndef name():\n    return 'Ren\xe9', len('\xe9')\n",
    );
    let ran = home.hoist(&["run", "old.py::name"]).ended(0);
    assert_eq!(ran.stdout, "result: ('René', 1)\n");
}

#[test]
fn the_examples_of_the_readme_run() {
    let home = Home::new();
    let examples = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/workflows");
    let run = |entry: &str, args: &[&str]| {
        home.hoist(&[&["run", &format!("{examples}/{entry}")], args].concat())
            .ended(0)
            .stdout
    };
    let out = run("montecarlo.py::estimate", &["--args", "points=20_000"]);
    assert!(
        out.contains("round 10 of 10") && out.contains("result: {'pi': 3.1"),
        "{out}"
    );
    let out = run("wordcount.py::count", &["--args", "top=1"]);
    assert_eq!(
        out,
        "187 words, 101 different ones, in 15 lines\nthe longest is 'fishermen'\nresult: [('that', 4)]\n"
    );
    let out = run("survey.py::Survey.report.<locals>.rank", &[]);
    assert!(out.ends_with("result: ['Weir', 'Quay', 'Lock']\n"), "{out}");
    assert!(
        out.contains("Weir:\n                mean 5.02 m\n"),
        "{out}"
    );
}

#[test]
fn a_dry_run_says_what_would_run_and_submits_nothing() {
    let home = Home::new();
    home.write("train.py", "def fit(n=1):\n    return n\n");
    let ran = home.hoist(&["run", "train.py::fit", "--dry-run"]).ended(0);
    assert!(
        ran.stdout
            .starts_with("fit would run on local; it travels in 1 file, "),
        "{}",
        ran.stdout
    );
    let (status, events) = home.events(&["run", "train.py::fit", "--dry-run"]);
    assert_eq!((status, events.len()), (0, 1), "{events:?}");
    assert_eq!(events[0]["event"], "dry_run");
    assert_eq!(events[0]["starts_in_seconds"], Value::Null);
    assert!(home.hoist(&["jobs"]).ended(0).stdout.is_empty());
}
