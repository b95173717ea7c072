//! Data files of a run: in the package, in the target's store, or on the target already. On this machine.

mod cli_home;

use std::path::PathBuf;

use cli_home::Home;
use serde_json::json;

const PROGRAMME: &str = "\
def total(n=1):
    with open('numbers/big.txt') as file:
        return n * sum(map(int, file)) + int(open('numbers/small.txt').read())
";

/// Two megabytes of numbers, whose sum is 500,000.
fn numbers() -> String {
    "0001\n".repeat(500_000)
}

fn home(settings: &str) -> Home {
    let home = Home::new();
    home.write("study.py", PROGRAMME);
    home.write("numbers/big.txt", numbers());
    home.write("numbers/small.txt", "7");
    home.write(
        "hoist.toml",
        format!("[targets.here]\nwork_dir = \"~/work\"\n{settings}"),
    );
    home
}

/// The files of the store, seals and all.
fn stored(home: &Home) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(home.home().join("work/data"));
    let entries = entries.into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

const RUN: [&str; 4] = ["run", "study.py::total", "--target", "here"];

#[test]
fn a_large_file_is_sent_once_and_again_when_it_changes() {
    let home = home("");
    let ran = home.hoist(&RUN).ended(0);
    assert_eq!(ran.stdout, "result: 500007\n");
    let first = stored(&home);
    assert_eq!(first.len(), 2, "a file and its seal: {first:?}");

    // A change of the code sends the package anew, and no data.
    home.write("study.py", PROGRAMME.replace("int(open", "2 * int(open"));
    let ran = home.hoist(&RUN).ended(0);
    assert_eq!(ran.stdout, "result: 500014\n");
    assert_eq!(stored(&home), first);

    home.write("numbers/big.txt", numbers() + "5\n");
    let ran = home.hoist(&RUN).ended(0);
    assert_eq!(ran.stdout, "result: 500019\n");
    assert_eq!(stored(&home).len(), 4);

    // The package alone is small.
    let ran = home
        .hoist(&[
            "package",
            "study.py::total",
            "-o",
            "out.zip",
            "--target",
            "here",
        ])
        .ended(0);
    assert!(
        ran.stderr.contains("not in it, because a run sends them to the store of data files of here (`--all` puts them in)"),
        "{}",
        ran.stderr
    );
    home.hoist(&["package", "study.py::total", "-o", "all.zip", "--all"])
        .ended(0);
    let by_hand = |zip: &str| {
        let ran = std::process::Command::new("python3")
            .arg(home.workspace().join(zip))
            .output();
        let ran = ran.expect("it runs");
        String::from_utf8_lossy(&ran.stdout).into_owned() + &String::from_utf8_lossy(&ran.stderr)
    };
    assert_eq!(by_hand("all.zip"), "500019\n");
    let said = by_hand("out.zip");
    assert!(
        said.contains("`hoist package --all` writes one with everything in it"),
        "{said}"
    );
}

#[test]
fn all_tasks_of_a_sweep_share_one_file() {
    let home = home("");
    let (status, events) = home.events(&[&RUN[..], &["--sweep", "n=[1, 2, 3]"]].concat());
    let last = &events[events.len() - 1];
    assert_eq!(status, 0, "{last}");
    let tasks = last["tasks"].as_array().expect("tasks").iter();
    let values: Vec<&serde_json::Value> = tasks.map(|task| &task["result"]["json"]).collect();
    assert_eq!(values, [500_007, 1_000_007, 1_500_007]);
    assert_eq!(stored(&home).len(), 2);
}

#[test]
fn nobody_is_there_to_agree_so_nothing_is_sent() {
    let home = home("data_ask = \"1M\"\n");
    let (status, events) = home.events(&RUN);
    assert_eq!((status, events.len()), (2, 1), "{events:?}");
    assert_eq!(events[0]["code"], "not_sent");
    let sentence = "2.5 MB of data files would have to be sent to here first, and nobody has agreed to that; run it again and agree (`--yes` on the command line), or raise `data_ask` of the target";
    assert_eq!(events[0]["message"], sentence);
    assert!(stored(&home).is_empty());
    let jobs = std::fs::read_dir(home.store().join("jobs")).expect("jobs");
    assert_eq!(jobs.count(), 0);

    home.hoist(&[&RUN[..], &["--yes"]].concat()).ended(0);
    // What is there is not asked about.
    let ran = home.hoist(&RUN).ended(0);
    assert_eq!(ran.stdout, "result: 500007\n");
}

#[test]
fn more_than_the_limit_is_refused() {
    let home = home("data_limit = \"2M\"\n");
    let (status, events) = home.events(&RUN);
    assert_eq!((status, &events[0]["code"]), (2, &json!("HST014")));
    home.write(
        "hoist.toml",
        "default_target = \"here\"\n[targets.here]\ndata_limit = \"2M\"\n",
    );
    let told = home.hoist(&["check", "study.py"]).ended(1);
    let sentence =
        "`numbers/big.txt` is 2.5 MB, more than the 2.1 MB that `data_limit` of here allows";
    assert!(told.stdout.contains(sentence), "{}", told.stdout);
}

#[test]
fn what_lies_there_already_does_not_travel() {
    let home = home("");
    let lab = home.home().join("lab");
    std::fs::create_dir_all(&lab).expect("made");
    std::fs::write(lab.join("big.txt"), "30\n12\n").expect("written");
    std::fs::write(lab.join("small.txt"), "0").expect("written");
    let map = format!(
        "[targets.here]\nwork_dir = \"~/work\"\n[targets.here.paths]\nnumbers = \"{}\"\n",
        lab.display()
    );
    home.write("hoist.toml", &map);
    let ran = home.hoist(&RUN).ended(0);
    assert_eq!(ran.stdout, "result: 42\n");
    assert!(stored(&home).is_empty());

    // Nothing need be here.
    std::fs::remove_dir_all(home.workspace().join("numbers")).expect("removed");
    assert_eq!(home.hoist(&RUN).ended(0).stdout, "result: 42\n");
    assert_eq!(
        home.hoist(&RUN).ended(0).stderr.matches("warning").count(),
        0
    );

    std::fs::remove_file(lab.join("big.txt")).expect("removed");
    let ran = home.hoist(&RUN);
    assert_ne!(ran.status, 0);
    let sentence = "(No such file or directory), where `paths` of the target says that `numbers/big.txt` lies: put it there, or correct `paths`";
    assert!(ran.stderr.contains(sentence), "{}", ran.stderr);
}

#[test]
fn what_no_job_needs_any_more_goes_when_jobs_are_cleaned_away() {
    let home = home("");
    home.hoist(&RUN).ended(0);
    let first = stored(&home);
    home.write("numbers/big.txt", numbers() + "5\n");
    home.hoist(&RUN).ended(0);
    age(&stored(&home));
    // As if the older job were an old one: it is the only one to go.
    let older = {
        let jobs = std::fs::read_dir(home.store().join("jobs")).expect("jobs");
        let names = jobs.flatten().map(|job| job.file_name());
        names.min().expect("a job")
    };
    let record = home.store().join("jobs").join(&older).join("job.json");
    let text = std::fs::read_to_string(&record).expect("a record");
    let mut value: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    value["view"]["ended"] = json!(1_000_000_000_000_u64);
    std::fs::write(&record, value.to_string()).expect("written");
    home.hoist(&["jobs", "clean"]).ended(0);
    let left = stored(&home);
    assert_eq!(left.len(), 2, "{left:?}");
    assert!(left.iter().all(|path| !first.contains(path)), "{left:?}");
    // What is left serves the job that needs it.
    assert_eq!(home.hoist(&RUN).ended(0).stdout, "result: 500012\n");
}

/// As if what is in the store had not been used for a year.
fn age(paths: &[PathBuf]) {
    for path in paths {
        let old = std::time::SystemTime::now() - std::time::Duration::from_secs(400 * 86_400);
        let file = std::fs::File::open(path).expect("it is there");
        file.set_modified(old).expect("aged");
    }
}

#[test]
fn what_is_in_the_store_is_listed_and_removed() {
    let home = home("");
    let none = home.hoist(&["data", "ls", "here"]).ended(0);
    assert!(
        none.stderr.contains("no data file is in the store of here"),
        "{}",
        none.stderr
    );
    home.hoist(&RUN).ended(0);
    let told = home.hoist(&["data", "ls", "here"]).ended(0);
    let line = told.stdout.lines().nth(1).unwrap_or_default().to_owned();
    for word in ["2.5 MB", "now", "1 over", "numbers/big.txt"] {
        assert!(line.contains(word), "{word}: {}", told.stdout);
    }
    let told = home
        .hoist(&["data", "ls", "here", "--format", "json"])
        .ended(0);
    let file: serde_json::Value = serde_json::from_str(&told.stdout).expect("one line of JSON");
    assert_eq!(file["size"], json!(2_500_000));
    assert_eq!(file["state"], json!("stored"));
    assert_eq!(file["paths"], json!(["numbers/big.txt"]));
    assert_eq!(file["jobs"], json!([]));
    let sum = file["sha256"].as_str().expect("a sum").to_owned();
    assert!(line.starts_with(&sum[..12]), "{line}");

    // It may be for a job that is just being submitted.
    let kept = home.hoist(&["data", "rm", "here", &sum[..8]]).ended(3);
    assert!(
        kept.stderr
            .contains("is kept: it was used less than a minute ago"),
        "{}",
        kept.stderr
    );
    assert_eq!(stored(&home).len(), 2);
    let unknown = home.hoist(&["data", "rm", "here", "zz"]).ended(2);
    assert!(
        unknown.stderr.contains("the store has no data file zz"),
        "{}",
        unknown.stderr
    );
    home.hoist(&["data", "rm", "here"]).ended(2);

    age(&stored(&home));
    let gone = home.hoist(&["data", "rm", "here", &sum[..8]]).ended(0);
    assert_eq!(gone.stdout, format!("{} is removed (2.5 MB)\n", &sum[..12]));
    assert!(stored(&home).is_empty());
    // The next job that needs it sends it anew.
    assert_eq!(home.hoist(&RUN).ended(0).stdout, "result: 500007\n");
    assert_eq!(stored(&home).len(), 2);
}

#[test]
fn what_a_job_needs_that_is_not_over_stays_in_the_store() {
    let home = home("");
    let go = home.home().join("go");
    let waits = format!(
        "import os, time\ndef total():\n    while not os.path.exists({:?}):\n        time.sleep(0.05)\n    return len(open('numbers/big.txt').read())\n",
        go.display().to_string()
    );
    home.write("study.py", waits);
    let ran = home.hoist(&[&RUN[..], &["--detach"]].concat()).ended(0);
    let job = ran.stdout.trim().to_owned();
    age(&stored(&home));
    let told = home
        .hoist(&["data", "ls", "here", "--format", "json"])
        .ended(0);
    let file: serde_json::Value = serde_json::from_str(&told.stdout).expect("one line of JSON");
    assert_eq!(file["jobs"], json!([job]));
    let sum = file["sha256"].as_str().expect("a sum").to_owned();
    let kept = home.hoist(&["data", "rm", "here", &sum]).ended(3);
    let sentence = format!("is kept: the job {job} needs it and is not over");
    assert!(kept.stderr.contains(&sentence), "{}", kept.stderr);
    for chosen in [&["--unused"][..], &["--older", "30d"]] {
        let ran = home
            .hoist(&[&["data", "rm", "here"], chosen].concat())
            .ended(0);
        assert!(
            ran.stderr.contains("nothing is to be removed"),
            "{}",
            ran.stderr
        );
    }
    assert_eq!(stored(&home).len(), 2);

    std::fs::write(&go, "").expect("written");
    home.hoist(&["logs", &job, "--follow"]).ended(0);
    // The job may have sealed it anew when it began.
    age(&stored(&home));
    let ran = home.hoist(&["data", "rm", "here", "--older", "5000d"]);
    assert_eq!(ran.status, 2, "more than ten years: {}", ran.stderr);
    let ran = home
        .hoist(&["data", "rm", "here", "--older", "500d"])
        .ended(0);
    assert!(
        ran.stderr.contains("nothing is to be removed"),
        "{}",
        ran.stderr
    );
    home.hoist(&["data", "rm", "here", "--older", "30d"])
        .ended(0);
    assert!(stored(&home).is_empty());
}
