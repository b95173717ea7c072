//! `hoist run` on a real sshd, a real Slurm and a real Grid Engine, which tests/clusters starts.

mod cli_home;

use std::io::{BufRead, BufReader, Read};
use std::time::{Duration, Instant};

use cli_home::{Home, Ran, signal};
use serde_json::{Value, json};

const TARGETS: [&str; 3] = ["ssh", "slurm", "sge"];

const PROGRAMME: &str = "\
import sys
import time

TABLE = {'a': 1}
TABLE['b'] = 2


class Study:
    def part(self):
        def nested(n):
            text = '''
touches column 0
'''
            print(text.strip(), n)
            if n > 2:
                raise RuntimeError('n is ' + str(n))
            return n, TABLE
        return nested(1)


def ticks(count, pause):
    for n in range(count):
        print('tick', n)
        print('tock', n, file=sys.stderr)
        time.sleep(pause)
    return count
";

fn home() -> Home {
    let home = Home::of_the_rig();
    home.write("study.py", PROGRAMME);
    home
}

/// `hoist run` of `ticks` on a target.
fn ticks<'a>(target: &'a str, args: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let run = ["run", "study.py::ticks", "--target", target, "--args", args];
    [&run, more].concat()
}

fn last(events: &[Value]) -> &Value {
    events.last().expect("a last event")
}

#[test]
fn a_nested_function_runs_and_fails_with_its_own_lines() {
    let home = home();
    let entry = "study.py::Study.part.<locals>.nested";
    for target in TARGETS {
        let ran = home
            .hoist(&["run", entry, "--target", target, "--args", "2"])
            .ended(0);
        assert_eq!(
            ran.stdout, "touches column 0 2\nresult: (2, {'a': 1, 'b': 2})\n",
            "{target}"
        );
        let (status, events) = home.events(&["run", entry, "--target", target, "--args", "n=3"]);
        assert_eq!(
            (status, &last(&events)["state"]),
            (1, &json!("failed")),
            "{target}: {events:?}"
        );
        let error = &last(&events)["error"];
        assert_eq!(
            (&error["type"], &error["message"]),
            (&json!("RuntimeError"), &json!("n is 3"))
        );
        let frame = error["frames"]
            .as_array()
            .and_then(|frames| frames.last())
            .expect("a frame");
        assert_eq!(
            (&frame["file"], &frame["line"]),
            (&json!("study.py"), &json!(16)),
            "{target}"
        );
    }
}

#[test]
fn what_is_printed_once_a_second_is_seen_once_a_second() {
    let home = home();
    for target in TARGETS {
        let args = ticks(target, "5, 1", &[]);
        let mut child = home.spawn(&args);
        let stdout = BufReader::new(child.stdout.take().expect("piped"));
        let seen: Vec<(String, Instant)> = stdout
            .lines()
            .map(|line| (line.expect("text"), Instant::now()))
            .collect();
        assert!(child.wait().expect("it ends").success(), "{target}");
        let lines: Vec<&str> = seen.iter().map(|(line, _)| line.as_str()).collect();
        assert_eq!(
            lines,
            [
                "tick 0",
                "tick 1",
                "tick 2",
                "tick 3",
                "tick 4",
                "result: 5"
            ],
            "{target}"
        );
        // On a busy machine a line may come late, but not all of them together.
        let over = seen[4].1 - seen[0].1;
        assert!(
            over > Duration::from_millis(2500),
            "{target}: all came within {over:?}"
        );
    }
}

#[test]
fn a_job_is_taken_up_by_another_process_and_no_byte_is_lost_or_repeated() {
    let home = home();
    for target in TARGETS {
        let args = ticks(target, "40, 0.1", &["--format", "json"]);
        let mut child = home.spawn(&args);
        let mut stdout = BufReader::new(child.stdout.take().expect("piped"));
        let mut job = String::new();
        for line in stdout.by_ref().lines() {
            let event: Value = serde_json::from_str(&line.expect("text")).expect("JSON");
            event["job"].as_str().expect("a job").clone_into(&mut job);
            if event["event"] == "output" {
                break;
            }
        }
        signal(&child, "KILL");
        child.wait().expect("it ends");
        let ran = home.hoist(&["logs", "--follow", &job]).ended(0);
        let expected =
            |word: &str| -> String { (0..40).map(|n| format!("{word} {n}\n")).collect() };
        assert_eq!(
            ran.stdout,
            format!("{}result: 40\n", expected("tick")),
            "{target}"
        );
        assert_eq!(ran.stderr, expected("tock"), "{target}");
    }
}

#[test]
fn a_job_is_cancelled_by_ctrl_c_and_from_another_terminal() {
    let home = home();
    for target in TARGETS {
        let mut child = home.spawn(&ticks(target, "600, 1", &[]));
        let mut first = String::new();
        let mut stdout = BufReader::new(child.stdout.take().expect("piped"));
        stdout.read_line(&mut first).expect("a line");
        signal(&child, "INT");
        let ran = Ran::of(child).ended(3);
        assert!(
            ran.stderr.contains("was cancelled"),
            "{target}: {}",
            ran.stderr
        );

        let detached = home.hoist(&ticks(target, "600, 1", &["--detach"]));
        let job = detached.ended(0).stdout.trim().to_owned();
        let ran = home.hoist(&["cancel", &job]).ended(0);
        assert_eq!(ran.stdout, format!("{job} cancelled\n"), "{target}");
    }
}

#[test]
fn a_limit_of_time_is_no_failure_of_the_function() {
    let home = home();
    for target in TARGETS {
        let args = ticks(target, "600, 1", &["--time", "3s"]);
        let (status, events) = home.events(&args);
        assert_eq!(
            (status, &last(&events)["state"]),
            (3, &json!("timed_out")),
            "{target}: {:?}",
            last(&events)
        );
    }
}

#[test]
fn a_target_that_cannot_be_used_is_one_sentence_and_status_3() {
    let home = home();
    home.write(
        "hoist.toml",
        "[targets]\nunknown = { host = 'hoist-unknown' }\nchanged = { host = 'hoist-changed' }\nrefused = { host = 'hoist-refused' }\n\
         nokey = { host = 'hoist-nokey' }\nnopython = { host = 'hoist-nopython' }\nnowhere = { host = 'no-such-host.invalid' }\n\
         blocked = { host = 'hoist-ssh', work_dir = '/proc/hoist' }\n",
    );
    let cases = [
        ("unknown", "SHA256:"),
        ("changed", "changed"),
        ("refused", "refuse"),
        ("nokey", "key"),
        ("nopython", "Python"),
        ("nowhere", "no-such-host.invalid"),
        ("blocked", "/proc/hoist"),
    ];
    for (target, part) in cases {
        let ran = home.hoist(&ticks(target, "1, 0", &[])).ended(3);
        assert_eq!(ran.stdout, "", "{target}");
        assert!(
            ran.stderr.starts_with(&format!("error: {target}: ")),
            "{target}: {}",
            ran.stderr
        );
        assert_eq!(ran.stderr.lines().count(), 1, "{target}: {}", ran.stderr);
        assert!(
            ran.stderr.contains(part),
            "{target}: {part:?} in {}",
            ran.stderr
        );
    }
}

#[test]
fn a_full_disk_over_there_is_one_sentence_and_leaves_nothing() {
    let full = std::env::var("HOIST_TEST_FULL").unwrap_or_default();
    if full.is_empty() {
        // Only root can mount a small file system.
        return;
    }
    let home = home();
    home.write(
        "hoist.toml",
        format!("[targets]\nfull = {{ host = 'hoist-ssh', work_dir = '{full}/run' }}\n"),
    );
    // Something that no compression makes small enough.
    let mut state = 1_u64;
    let noise = std::iter::repeat_with(|| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 56) as u8
    });
    let noise: Vec<u8> = noise.take(300_000).collect();
    home.write("noise.bin", noise);
    home.write(
        "load.py",
        "def load():\n    return len(open('noise.bin', 'rb').read())\n",
    );
    let ran = home
        .hoist(&["run", "load.py::load", "--target", "full"])
        .ended(3);
    assert_eq!(ran.stdout, "");
    assert!(
        ran.stderr
            .starts_with("error: full: the disk there is full"),
        "{}",
        ran.stderr
    );
    assert_eq!(ran.stderr.lines().count(), 1, "{}", ran.stderr);
    for folder in ["jobs", "packages"] {
        let left = std::fs::read_dir(format!("{full}/run/{folder}"));
        assert_eq!(left.map_or(0, Iterator::count), 0, "{folder}");
    }
    std::fs::remove_dir_all(format!("{full}/run")).expect("removed");
    // With room it runs.
    let ran = home
        .hoist(&["run", "load.py::load", "--target", "ssh"])
        .ended(0);
    assert_eq!(ran.stdout, "result: 300000\n");
}

#[test]
fn a_disk_that_is_full_before_the_function_begins_is_the_reason_of_its_end() {
    let full = std::env::var("HOIST_TEST_FULL").unwrap_or_default();
    if full.is_empty() {
        // Only root can mount a small file system.
        return;
    }
    let home = home();
    // Filled when everything is submitted and the job has begun, by its own set-up line, which runs elsewhere too.
    home.write(
        "hoist.toml",
        format!(
            "[targets]\nfull = {{ host = 'hoist-ssh', work_dir = '{full}/begun', setup = ['[ -z \"$hoist_job\" ] || cat /dev/zero >\"{full}/ballast\" 2>/dev/null || true'] }}\n"
        ),
    );
    home.write("one.py", "def one():\n    return 1\n");
    let ran = home
        .hoist(&["run", "one.py::one", "--target", "full"])
        .ended(3);
    std::fs::remove_file(format!("{full}/ballast")).expect("it was filled");
    assert!(
        ran.stderr.contains("No space left on device"),
        "{}",
        ran.stderr
    );
    std::fs::remove_dir_all(format!("{full}/begun")).expect("removed");
}

#[test]
fn the_doctor_and_the_files_of_a_target() {
    let home = home();
    for target in TARGETS {
        let ran = home.hoist(&["doctor", target]).ended(0);
        assert!(
            ran.stdout.lines().all(|line| line.starts_with("ok ")),
            "{}",
            ran.stdout
        );
    }
    home.write(
        "hoist.toml",
        "[targets]\nnokey = { host = 'hoist-nokey' }\n",
    );
    let ran = home.hoist(&["doctor", "nokey"]).ended(3);
    assert!(ran.stdout.contains("no  login"), "{}", ran.stdout);

    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(folder.path().join("a.csv"), "x\n1\n").expect("written");
    std::fs::write(folder.path().join("b.txt"), "").expect("written");
    // The account over there is another one.
    let status = std::process::Command::new("chmod")
        .args(["-R", "a+rX"])
        .arg(folder.path())
        .status();
    assert!(status.expect("chmod is there").success());
    let place = format!("ssh:{}", folder.path().display());
    let (_, listed) = home.events(&["fs", "ls", &place]);
    let names: Vec<&Value> = listed.iter().map(|file| &file["name"]).collect();
    assert_eq!(names, [&json!("a.csv"), &json!("b.txt")]);
    let (_, found) = home.events(&["fs", "find", &place, "*.csv"]);
    assert_eq!(found.len(), 1);
    let (_, matching) = home.events(&["fs", "glob", &format!("{place}/*.txt")]);
    assert_eq!(matching.len(), 1);
    assert_eq!(
        home.hoist(&["fs", "cat", &format!("{place}/a.csv")])
            .ended(0)
            .stdout,
        "x\n1\n"
    );
    let (_, about) = home.events(&["fs", "stat", &format!("{place}/a.csv")]);
    assert_eq!(
        (&about[0]["kind"], &about[0]["size"]),
        (&json!("file"), &json!(4))
    );
    assert!(
        home.hoist(&["fs", "du", &place])
            .ended(0)
            .stdout
            .starts_with("4 in 2 files")
    );
    let ran = home
        .hoist(&["fs", "cat", &format!("{place}/missing")])
        .ended(3);
    assert!(
        ran.stderr.starts_with("error: ssh: ") && ran.stderr.contains("missing"),
        "{}",
        ran.stderr
    );
    home.hoist(&["fs", "ls", "nowhere"]).ended(2);
}

#[test]
fn the_script_for_slurm_asks_for_what_was_asked() {
    let home = home();
    let args = [
        "package",
        "study.py::ticks",
        "--args",
        "1, 0",
        "--target",
        "slurm",
        "--script",
        "--cores",
        "2",
        "--time",
        "1h",
        "--memory",
        "200M",
    ];
    let script = home.hoist(&args).ended(0).stdout;
    for part in ["#SBATCH", "--cpus-per-task=2", "01:00:00", "200M"] {
        assert!(script.contains(part), "{part:?} in {script}");
    }
}

#[test]
fn what_a_target_lacks_is_learnt_from_its_own_python() {
    let home = home();
    home.install(&home.python(".venv"), "sunlit", "1.2");
    for target in TARGETS {
        let own =
            format!("default_target = {target:?}\n[targets.{target}]\nenvironment = 'system'\n");
        home.write("hoist.toml", own);
        home.write(
            "sun.py",
            "import json\nimport sunlit\n\n\ndef f():\n    return json, sunlit\n",
        );
        let checked = || home.hoist(&["check", "sun.py"]).ended(0).stdout;
        assert!(!checked().contains("HST026"), "{}", checked());
        home.hoist(&["run", "study.py::ticks", "--args", "1, 0"])
            .ended(0);
        let after = checked();
        let expected = format!(
            "sun.py:2:8: warning[HST026]: `sunlit` comes with `sunlit` 1.2 here, which the target {target} lacks"
        );
        assert!(after.contains(&expected), "{after}");
        assert_eq!(after.matches("HST026").count(), 1, "{after}");
    }
}

/// The native id of a job, once it runs.
fn running(home: &Home, job: &str) -> String {
    let by = Instant::now() + Duration::from_secs(30);
    loop {
        let (_, jobs) = home.events(&["jobs"]);
        let view = jobs.iter().find(|view| view["job"] == *job);
        let view = view.expect("it is listed");
        if view["state"] == "running" {
            return view["native_id"].as_str().expect("submitted").to_owned();
        }
        assert!(Instant::now() < by, "it does not begin: {view}");
    }
}

/// A command of a scheduler, as somebody gives it by hand.
fn by_hand(command: &str, args: &[&str]) {
    let mut command = std::process::Command::new(command);
    if let Some(conf) = std::env::var_os("HOIST_TEST_SLURM_CONF") {
        command.env("SLURM_CONF", conf);
    }
    let done = command.args(args).output().expect("it is there");
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
}

#[test]
fn a_job_that_somebody_ended_by_hand_says_so() {
    let home = home();
    for (target, command, reason) in [
        (
            "slurm",
            "scancel",
            "somebody cancelled the job with scancel",
        ),
        (
            "sge",
            "qdel",
            "somebody deleted the job with qdel, or told it to end on its host",
        ),
    ] {
        let detached = home.hoist(&ticks(target, "600, 1", &["--detach"]));
        let job = detached.ended(0).stdout.trim().to_owned();
        by_hand(command, &[&running(&home, &job)]);
        let (status, events) = home.events(&["logs", "--follow", &job]);
        let last = last(&events);
        assert_eq!(
            (status, &last["state"], &last["reason"]),
            (3, &json!("cancelled"), &json!(reason)),
            "{target}: {last}"
        );
    }
}

#[test]
fn a_job_that_had_to_make_room_is_told_apart_from_one_that_somebody_ended() {
    let home = home();
    home.write(
        "hoist.toml",
        "[targets.low]\nscheduler = 'slurm'\nhost = 'hoist-slurm'\nresources = { partition = 'low', gpus = 4 }\n\
         [targets.high]\nscheduler = 'slurm'\nhost = 'hoist-slurm'\nresources = { partition = 'gpu', gpus = 4 }\n",
    );
    let detached = home.hoist(&ticks("low", "600, 1", &["--detach"]));
    let low = detached.ended(0).stdout.trim().to_owned();
    running(&home, &low);
    home.hoist(&ticks("high", "1, 0", &[])).ended(0);
    let ran = home.hoist(&["logs", "--follow", &low]).ended(3);
    assert!(
        ran.stderr.ends_with(
            "error: ticks was lost on low: the job had to make room for another one; run it again, or in a partition whose jobs are not put aside\n"
        ),
        "{}",
        ran.stderr
    );
}

#[test]
fn a_job_after_another_is_held_by_the_scheduler_itself() {
    let home = home();
    for target in TARGETS {
        let detached = |args: &[&str]| home.hoist(args).ended(0).stdout.trim().to_owned();
        let good = detached(&ticks(target, "5, 1", &["--detach"]));
        let good_child = detached(&ticks(target, "1, 0", &["--detach", "--after", &good]));
        let bad = detached(&ticks(target, "5, None", &["--detach"]));
        let (_, jobs) = home.events(&["jobs"]);
        let child = jobs.iter().find(|view| view["job"] == *good_child);
        assert!(
            child.expect("listed")["native_id"].is_string(),
            "{target}: it was submitted at once"
        );
        let (status, events) =
            home.events(&ticks(target, "1, 0", &["--after", &good, "--after", &bad]));
        // Whether that is known before it is submitted or only there.
        let last = last(&events);
        let said = last["reason"].as_str().or(last["message"].as_str());
        assert!(
            [2, 3].contains(&status)
                && said
                    .expect("why")
                    .starts_with(&format!("not run: {bad} failed")),
            "{target}: {last}"
        );
        let ran = home.hoist(&["logs", "--follow", &good_child]).ended(0);
        assert_eq!(ran.stdout, "tick 0\nresult: 1\n", "{target}");
        let exit = |job: &str| {
            let (_, jobs) = home.events(&["jobs"]);
            let view = jobs.into_iter().find(|view| view["job"] == *job);
            view.expect("listed")["ended"].as_u64().expect("it ended")
        };
        // Both ends may be learnt at once, in whatever order; the first job took five seconds that the other one waited for.
        assert!(exit(&good) <= exit(&good_child) + 2_000, "{target}");
    }
}

#[test]
fn a_job_that_slurm_drops_for_another_one_is_told_as_not_run() {
    let home = home();
    let detached = |args: &[&str]| home.hoist(args).ended(0).stdout.trim().to_owned();
    let bad = detached(&ticks("slurm", "20, 'x' if False else 1", &["--detach"]));
    running(&home, &bad);
    let child = detached(&ticks("slurm", "1, 0", &["--detach", "--after", &bad]));
    home.hoist(&["cancel", &bad]).ended(0);
    let ran = home.hoist(&["logs", "--follow", &child]).ended(3);
    assert!(
        ran.stderr.ends_with(&format!(
            "error: ticks was cancelled on slurm: not run: {bad} was cancelled\n"
        )),
        "{}",
        ran.stderr
    );
}

#[test]
fn a_dry_run_says_when_slurm_would_start_it_or_why_it_would_not() {
    let home = home();
    let ran = home
        .hoist(&ticks("slurm", "1, 0", &["--dry-run", "--time", "1m"]))
        .ended(0);
    assert!(
        ran.stdout.starts_with("ticks would start "),
        "{}",
        ran.stdout
    );
    let args = ticks("slurm", "1, 0", &["--dry-run", "--partition", "nowhere"]);
    let ran = home.hoist(&args).ended(3);
    assert!(
        ran.stdout
            .starts_with("ticks would not run: slurm: sbatch would refuse the job: "),
        "{}",
        ran.stdout
    );
    assert!(home.hoist(&["jobs"]).ended(0).stdout.is_empty());
}
