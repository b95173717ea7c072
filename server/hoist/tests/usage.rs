//! What a job used of what it asked for, with the real binary on this machine.

mod cli_home;

use cli_home::Home;
use serde_json::{Value, json};

const PROGRAMME: &str = "\
import time

# hoist: memory=64G cores=16 time=2h
def idle(seconds):
    time.sleep(seconds)
    return 1
";

#[test]
fn a_request_that_was_far_off_gets_advice() {
    let home = Home::new();
    home.write("idle.py", PROGRAMME);
    let (status, events) = home.events(&["run", "idle.py::idle", "--args", "5.5"]);
    let last = events.last().expect("a last event");
    assert_eq!((status, &last["state"]), (0, &json!("succeeded")), "{last}");
    assert_eq!(
        (&last["cores_asked"], &last["memory_asked_bytes"]),
        (&json!(16), &json!(64_u64 << 30))
    );
    let number = |name: &str| last[name].as_f64().expect(name);
    assert!(
        (5.5..60.0).contains(&number("wall_seconds")) && number("cpu_seconds") < 5.0,
        "{last}"
    );
    assert!((0.0..60.0).contains(&number("queue_seconds")), "{last}");
    let advice: Vec<&str> = last["advice"]
        .as_array()
        .expect("advice")
        .iter()
        .filter_map(Value::as_str)
        .collect();
    assert_eq!(advice.len(), 3, "{advice:?}");
    assert!(
        advice[0].ends_with(" of 64 GB of memory: ask for 256M next time"),
        "{advice:?}"
    );
    assert!(
        advice[1].contains(" of 16 cores: ask for 1 next time"),
        "{advice:?}"
    );
    assert!(
        advice[2].ends_with("s of 02:00:00: with a limit of 00:10:00 it may start sooner"),
        "{advice:?}"
    );

    let ran = home.hoist(&["result", "last"]).ended(0);
    assert_eq!(ran.stdout, "1\n");
    assert!(
        ran.stderr.starts_with("note: used ") && ran.stderr.contains(" of 16 cores), 0.0"),
        "{}",
        ran.stderr
    );
    assert_eq!(ran.stderr.lines().count(), 4, "{}", ran.stderr);
    let ran = home.hoist(&["jobs"]).ended(0);
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert!(
        lines[0].contains("TIME") && lines[0].contains("MEMORY"),
        "{}",
        ran.stdout
    );
    assert!(lines[1].contains(" of 64 GB  1"), "{}", ran.stdout);
}

#[test]
fn who_asked_for_nothing_hears_nothing() {
    let home = Home::new();
    home.write("idle.py", "def quick():\n    return 1\n");
    let ran = home.hoist(&["run", "idle.py::quick"]).ended(0);
    assert_eq!(
        (ran.stdout.as_str(), ran.stderr.as_str()),
        ("result: 1\n", "")
    );
}
