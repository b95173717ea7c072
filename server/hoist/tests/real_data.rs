//! Data files on a real sshd and a real Slurm, which tests/clusters starts.

mod cli_home;

use std::process::Command;

use cli_home::Home;
use serde_json::{Value, json};

const SIZE: usize = 30_000_000;

/// What a job sees of its file: which one it is, what it is, and whether it may change it.
const PROGRAMME: &str = "\
import hashlib
import os
STORE = os.path.expanduser('~/.hoist/data')

def look(n=1):
    with open('data/big.bin', 'rb') as file:
        sum = hashlib.sha256(file.read()).hexdigest()
    info = os.stat('data/big.bin')
    is_stored = info.st_ino == os.stat(os.path.join(STORE, sum)).st_ino
    return sum, info.st_size, info.st_ino, is_stored, os.access('data/big.bin', os.W_OK)

def leave(seed, count, sum):
    data = seed.encode() + bytes(range(251)) * 120000
    with open(os.path.join(STORE, '.' + sum + '.part'), 'wb') as file:
        file.write(data[:count])
        return os.fstat(file.fileno()).st_ino

def age(sum):
    os.utime(os.path.join(STORE, sum + '.seal'), (1, 1))
";

/// A word that no other run of a test has.
fn seed(target: &str) -> String {
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .expect("after 1970");
    format!("{target}-{}-{}", std::process::id(), now.as_nanos())
}

fn home(seed: &str) -> Home {
    let home = Home::of_the_rig();
    home.write("study.py", PROGRAMME);
    let mut bytes = seed.as_bytes().to_vec();
    while bytes.len() < SIZE {
        bytes.extend(0..251);
    }
    bytes.truncate(SIZE);
    home.write("data/big.bin", bytes);
    home
}

/// The value of a run that succeeded.
fn value(home: &Home, entry: &str, target: &str, args: &str) -> Value {
    let entry = format!("study.py::{entry}");
    let run = ["run", &entry, "--target", target, "--args", args];
    let (status, events) = home.events(&run);
    let last = &events[events.len() - 1];
    assert_eq!(status, 0, "{target}: {last}");
    last["result"]["json"].clone()
}

#[test]
fn thirty_megabytes_are_sent_once_and_linked_into_each_job() {
    for target in ["ssh", "slurm"] {
        let home = home(&seed(target));
        let first = value(&home, "look", target, "1");
        assert_eq!(first[1], json!(SIZE), "{target}");
        assert_eq!((&first[3], &first[4]), (&json!(true), &json!(false)));

        // Another package, the same data: it would be another file if it had been sent again.
        home.write("study.py", PROGRAMME.replace("n=1", "n=2"));
        assert_eq!(value(&home, "look", target, "2"), first, "{target}");

        let run = ["run", "study.py::look", "--target", target];
        let (status, events) = home.events(&[&run[..], &["--sweep", "n=range(3)"]].concat());
        let last = &events[events.len() - 1];
        assert_eq!(status, 0, "{target}: {last}");
        let tasks = last["tasks"].as_array().expect("tasks").iter();
        let seen: Vec<&Value> = tasks.map(|task| &task["result"]["json"]).collect();
        assert_eq!(seen, [&first; 3], "{target}");
    }
}

#[test]
fn an_upload_that_was_cut_off_goes_on_where_it_was() {
    let seed = seed("cut");
    let home = home(&seed);
    let sum = Command::new("sha256sum")
        .arg(home.workspace().join("data/big.bin"))
        .output()
        .expect("it runs");
    let sum = String::from_utf8_lossy(&sum.stdout);
    let sum = sum.split(' ').next().expect("a sum");
    // The store is made by the first job that needs it.
    let other = self::home(&format!("{seed}-other"));
    value(&other, "look", "ssh", "1");
    let part = value(
        &home,
        "leave",
        "ssh",
        &format!("{seed:?}, 20_000_001, {sum:?}"),
    );
    let seen = value(&home, "look", "ssh", "1");
    assert_eq!(seen[0], sum);
    assert_eq!(seen[2], part, "what was there was gone on with");
}

#[test]
fn what_is_in_the_store_of_a_host_is_listed_and_removed() {
    let home = home(&seed("removed"));
    let first = value(&home, "look", "ssh", "1");
    let sum = first[0].as_str().expect("a sum").to_owned();
    let listed = || {
        let told = home
            .hoist(&["data", "ls", "ssh", "--format", "json"])
            .ended(0);
        let lines = told
            .stdout
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
        lines.into_iter().find(|file| file["sha256"] == json!(sum))
    };
    let file = listed().expect("it is in the list");
    assert_eq!(
        (&file["size"], &file["paths"]),
        (&json!(SIZE), &json!(["data/big.bin"]))
    );
    assert_eq!(file["over"].as_array().map(Vec::len), Some(1), "{file}");
    home.hoist(&["data", "rm", "ssh", &sum]).ended(3);
    value(&home, "age", "ssh", &format!("{sum:?}"));
    home.hoist(&["data", "rm", "ssh", &sum[..20]]).ended(0);
    assert_eq!(listed(), None);
    // It comes again when a job needs it.
    assert_eq!(value(&home, "look", "ssh", "1")[0], json!(sum));
}
