//! The programmes of tests/workflows as their own heads say that they are run: on real targets, in environments that are built there
//! of packages from PyPI, in the versions of their requirements.txt.

mod cli_home;

use std::path::Path;

use cli_home::Home;
use serde_json::{Value, json};

const TARGETS: &str = "\
default_target = 'lab'
[targets.lab]
host = 'hoist-ssh'
[targets.slurm]
scheduler = 'slurm'
host = 'hoist-slurm'
";

/// A copy of the programmes, so that nothing is written beside them.
fn home() -> Home {
    let home = Home::of_the_rig();
    let folder = Path::new(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../tests/workflows"
    ));
    copy(&home, folder, "");
    home.write("hoist.toml", TARGETS);
    home
}

fn copy(home: &Home, folder: &Path, below: &str) {
    for entry in std::fs::read_dir(folder).expect("listed") {
        let entry = entry.expect("read");
        let name = format!("{below}{}", entry.file_name().to_string_lossy());
        if entry.file_type().expect("known").is_dir() {
            copy(home, &entry.path(), &format!("{name}/"));
        } else {
            home.write(&name, std::fs::read(entry.path()).expect("read"));
        }
    }
}

/// Where it is not reached, these tests fail with this one line.
fn needs_pypi() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let fetch = [
        "-m",
        "pip",
        "download",
        "--quiet",
        "--no-deps",
        "--retries",
        "1",
        "six==1.16.0",
        "-d",
    ];
    let fetched = std::process::Command::new("python3")
        .args(fetch)
        .arg(folder.path())
        .output()
        .expect("python3 runs");
    assert!(
        fetched.status.success(),
        "this test needs PyPI, which cannot be reached from here"
    );
}

/// The last event of a run.
fn result_of(home: &Home, args: &[&str]) -> (Value, String) {
    let (status, events) = home.events(&[&["run"], args].concat());
    let last = events.last().cloned().unwrap_or_default();
    assert_eq!(status, 0, "{args:?}: {last}");
    let of_stdout = |event: &&Value| event["stream"] == "stdout";
    let texts = events.iter().filter(of_stdout);
    let texts = texts.filter_map(|event| event["text"].as_str());
    (last["result"]["json"].clone(), texts.collect())
}

#[test]
fn a_table_is_made_tidy_with_pandas() {
    needs_pypi();
    let home = home();
    let (means, printed) = result_of(&home, &["cleanup.py::means"]);
    // numpy comes with pandas; requirements.txt says which.
    home.write("which.py", "import pandas\n\ndef numpy():\n    import numpy\n    return pandas.__version__, numpy.__version__\n");
    let (versions, _) = result_of(&home, &["which.py::numpy"]);
    assert_eq!(versions, json!(["2.2.3", "1.26.4"]));
    assert_eq!(means, json!({"east": 7.5, "north": 4.75, "south": 12.0}));
    assert_eq!(printed, "10 lines, 7 kept\n");
}

#[test]
fn a_cross_validation_is_a_sweep_with_a_table_of_scores() {
    needs_pypi();
    let home = home();
    home.hoist(&[
        "run",
        "scores.py::score",
        "--target",
        "slurm",
        "--sweep",
        "depth=[1, 2, 4], share=[0.5, 1.0]",
    ])
    .ended(0);
    let csv = home
        .hoist(&["result", "last", "--format", "csv"])
        .ended(0)
        .stdout;
    let rows: Vec<Vec<&str>> = csv
        .lines()
        .map(|line| line.trim().split(',').collect())
        .collect();
    assert_eq!(rows.len(), 7, "{csv}");
    let column = |name: &str| {
        rows[0]
            .iter()
            .position(|title| *title == name)
            .expect("a column")
    };
    let (depth, result) = (column("depth"), column("result"));
    for row in &rows[1..] {
        let score: f64 = row[result].parse().expect("a score");
        // One cut tells one of the three kinds apart; two tell nearly all.
        let expected = if row[depth] == "1" {
            0.6..0.7
        } else {
            0.85..1.0
        };
        assert!(expected.contains(&score), "{csv}");
    }
}

#[test]
fn a_figure_is_drawn_where_there_is_no_screen() {
    needs_pypi();
    let home = home();
    let (result, _) = result_of(&home, &["figure.py::draw", "--args", "points=50"]);
    assert_eq!(result, json!({"points": 5000, "at_3_2": [0.513, 0.799]}));
    let listed = home
        .hoist(&["files", "last", "--format", "json"])
        .ended(0)
        .stdout;
    assert!(listed.contains("figures/1.png"), "{listed}");
}

#[test]
fn a_folder_of_pictures_is_measured() {
    needs_pypi();
    let home = home();
    let (shares, printed) = result_of(&home, &["leaves.py::measure_all"]);
    assert_eq!(
        shares,
        json!({"leaf1": 0.284, "leaf2": 0.117, "leaf3": 0.378})
    );
    assert!(printed.starts_with("leaf1.pgm: 28.4%\n"), "{printed}");
}

#[test]
fn the_environments_of_a_target_are_listed_and_removed() {
    needs_pypi();
    let home = Home::of_the_rig();
    home.write(
        "hoist.toml",
        "[targets.lab]\nhost = 'hoist-ssh'\nwork_dir = '~/.hoist-environments'\n",
    );
    home.write("requirements.txt", "six==1.16.0\n");
    home.write(
        "pairs.py",
        "import six\n\ndef version():\n    return six.__version__\n",
    );
    let run = || {
        let args = ["pairs.py::version", "--target", "lab"];
        assert_eq!(result_of(&home, &args).0, json!("1.16.0"));
    };
    let listed = || {
        let (status, lines) = home.events(&["env", "ls", "lab"]);
        assert_eq!(status, 0);
        lines
    };
    // What a run that was ended has left.
    home.hoist(&["env", "rm", "lab", "--all"]).ended(0);
    run();
    let lines = listed();
    let [one] = &lines[..] else {
        panic!("{lines:?}")
    };
    assert_eq!(
        (&one["state"], &one["requirements"]),
        (&json!("ready"), &json!(["six==1.16.0"]))
    );
    let name = one["name"].as_str().expect("a name");
    let log = home
        .hoist(&["logs", "last", "--stream", "environment"])
        .ended(0)
        .stdout;
    assert!(log.contains("six"), "{log}");
    home.hoist(&["env", "rm", "lab", "nothing"]).ended(2);
    let removed = home.hoist(&["env", "rm", "lab", name]).ended(0).stdout;
    assert_eq!(removed, format!("{name} is removed\n"));
    assert!(listed().is_empty());
    run();
    home.hoist(&["env", "rm", "lab", "--all"]).ended(0);
}

#[test]
fn a_project_with_its_package_under_src_travels_with_its_table() {
    let home = home();
    let entry = "layout/src/harbour/tide.py::highest";
    let (result, _) = result_of(&home, &[entry, "--args", "days=14"]);
    assert_eq!(result, json!({"hour": 0.17, "metres": 2.342}));
}

#[test]
fn a_script_from_windows_runs_as_it_is() {
    let home = home();
    let (result, _) = result_of(&home, &["windows.py::zaehle", "--args", "ab=10"]);
    assert_eq!(result, json!("Summe:\n\t42.5"));
}
