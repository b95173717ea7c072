//! What a job leaves besides its result, with the real binary on this machine: files, figures, pickles.

mod cli_home;

use std::path::{Path, PathBuf};
use std::process::Command;

use cli_home::Home;
use serde_json::{Value, json};

const PROGRAMME: &str = "\
import os

class Point:
    def __init__(self, x):
        self.x = x
    def __eq__(self, other):
        return self.x == other.x

def write():
    os.makedirs('out/deep')
    with open('out/deep/scores.csv', 'w') as file:
        file.write('a,b\\n1,2\\n')
    with open('big.bin', 'wb') as file:
        file.write(b'0123456789' * 300000)
    open('none.txt', 'w').close()
    os.symlink('/etc/passwd', 'link.txt')
    os.mkfifo('pipe')
    return 1

def point(size):
    return Point('x' * size)

def unpicklable():
    return lambda: 1

def figures():
    # As matplotlib leaves them, and as no honest machine does.
    folder = os.environ['HOIST_JOB_DIR'] + '/figures'
    os.mkdir(folder)
    png = b'\\x89PNG\\r\\n\\x1a\\n\\0\\0\\0\\rIHDR\\0\\0\\0\\x02\\0\\0\\0\\x02'
    for number, data in ((1, png), (2, b'<svg onload=1>' * 10), (4, png[:16] + b'\\x7f\\xff\\xff\\xff' * 2)):
        with open('%s/%d.png' % (folder, number), 'wb') as file:
            file.write(data)
    os.symlink('/etc/passwd', folder + '/3.png')
    os.mkfifo(folder + '/5.png')
    return 2
";

fn home() -> Home {
    let home = Home::new();
    home.write(
        "hoist.toml",
        "default_target = 'here'\n[targets.here]\nfetch = '1M'\n",
    );
    home.write("left.py", PROGRAMME);
    home
}

/// The last event of a run that ends well.
fn finished(home: &Home, entry: &str, args: &str) -> Value {
    let (status, mut events) = home.events(&["run", &format!("left.py::{entry}"), "--args", args]);
    let last = events.pop().expect("a last event");
    assert_eq!((status, &last["state"]), (0, &json!("succeeded")), "{last}");
    last
}

/// The lines of a listing as (path, size, place).
fn listed(home: &Home) -> Vec<(String, u64, Option<PathBuf>)> {
    let ran = home.hoist(&["files", "last", "--format", "json"]).ended(0);
    let lines = ran.stdout.lines();
    let read = lines.map(|line| {
        let one: Value = serde_json::from_str(line).expect("JSON");
        let here = one["here"].as_str().map(PathBuf::from);
        (
            one["path"].as_str().expect("a path").to_owned(),
            one["size"].as_u64().expect("a size"),
            here,
        )
    });
    read.collect()
}

#[test]
fn a_folder_that_is_written_into_is_there_as_it_is_here() {
    let home = home();
    home.write(
        "save.py",
        "OUT = 'runs/first'\n\ndef save(seed):\n    with open(f'{OUT}/{seed}.txt', 'w') as file:\n        return file.write('x')\n",
    );
    std::fs::create_dir_all(home.workspace().join("runs/first")).expect("made");
    let (status, mut events) = home.events(&["run", "save.py::save", "--args", "7"]);
    let last = events.pop().expect("a last event");
    assert_eq!((status, &last["state"]), (0, &json!("succeeded")), "{last}");
    assert_eq!(last["files"][0]["path"], "runs/first/7.txt", "{last}");
    // What is written over there is not put here unasked.
    let here = std::fs::read_dir(home.workspace().join("runs/first")).expect("read");
    assert_eq!(here.count(), 0);
}

#[test]
fn small_files_come_back_by_themselves_and_large_ones_when_they_are_wanted() {
    let home = home();
    let last = finished(&home, "write", "");
    let files: Vec<_> = last["files"]
        .as_array()
        .expect("files")
        .iter()
        .map(|file| {
            (
                file["path"].as_str().expect("a path"),
                file["size"].as_u64().expect("a size"),
                file["here"].is_string(),
            )
        })
        .collect();
    assert_eq!(
        files,
        [
            ("big.bin", 3_000_000, false),
            ("none.txt", 0, true),
            ("out/deep/scores.csv", 8, true)
        ]
    );
    let here = Path::new(last["files"][2]["here"].as_str().expect("here"));
    assert_eq!(std::fs::read_to_string(here).expect("read"), "a,b\n1,2\n");
    assert!(here.starts_with(home.store()));

    let output = home.workspace().join("taken");
    let taken = output.to_str().expect("UTF-8");
    let ran = home
        .hoist(&["files", "last", "big.bin", "out", "-o", taken])
        .ended(0);
    assert_eq!(ran.stdout.lines().count(), 2, "{ran:?}");
    let big = std::fs::read(output.join("big.bin")).expect("read");
    assert!(big.len() == 3_000_000 && big.ends_with(b"0123456789"));
    assert!(output.join("out/deep/scores.csv").is_file());
    // It is here now, and what is there already is nobody's to overwrite.
    assert!(listed(&home).iter().all(|(_, _, here)| here.is_some()));
    let ran = home
        .hoist(&["files", "last", "big.bin", "-o", taken])
        .ended(2);
    assert!(ran.stderr.contains("is there already"), "{}", ran.stderr);
    let ran = home.hoist(&["files", "last", "nothing"]).ended(2);
    assert!(
        ran.stderr.contains("left no file \"nothing\""),
        "{}",
        ran.stderr
    );
}

#[test]
fn limits_are_those_of_the_target_and_of_the_command() {
    let home = home();
    home.write(
        "hoist.toml",
        "default_target = 'here'\n[targets.here]\nfetch = '0'\n",
    );
    finished(&home, "write", "");
    assert!(
        listed(&home)
            .iter()
            .all(|(path, _, here)| here.is_none() || path == "result.pickle")
    );
    home.write(
        "hoist.toml",
        "default_target = 'here'\n[targets.here]\nfetch_total = '10B'\n",
    );
    let last = finished(&home, "write", "");
    assert_eq!(last["files"][0]["here"], Value::Null);
    assert!(last["files"][2]["here"].is_string());
    let ran = home
        .hoist(&["files", "last", "*.bin", "--most", "1M"])
        .ended(2);
    assert!(
        ran.stderr
            .contains("3.0 MB would have to be fetched, more than 1M"),
        "{}",
        ran.stderr
    );
}

/// What Python loads from a pickle in a folder with the module.
fn load(home: &Home, pickle: &Path) -> String {
    let code = "import pickle, sys; value = pickle.load(open(sys.argv[1], 'rb')); print(type(value).__module__, len(value.x))";
    let ran = Command::new("python3")
        .current_dir(home.workspace())
        .args(["-c", code])
        .arg(pickle)
        .output()
        .expect("it runs");
    assert!(
        ran.status.success(),
        "{}",
        String::from_utf8_lossy(&ran.stderr)
    );
    String::from_utf8_lossy(&ran.stdout).trim().to_owned()
}

#[test]
fn a_pickle_of_any_size_can_be_loaded_with_the_users_own_module() {
    let home = home();
    // Within the result, by itself, and only when it is wanted.
    for (size, by_itself) in [(10, true), (200_000, true), (3_000_000, false)] {
        let last = finished(&home, "point", &size.to_string());
        let pickle = &last["result"]["pickle"];
        assert!(pickle["size"].as_u64().is_some_and(|bytes| bytes > size));
        assert_eq!(pickle["here"].is_string(), by_itself, "{size}");
        let output = home.workspace().join(format!("{size}.pickle"));
        let path = output.to_str().expect("UTF-8");
        home.hoist(&["result", "last", "--pickle", path]).ended(0);
        assert_eq!(load(&home, &output), format!("left {size}"));
    }
    let last = finished(&home, "unpicklable", "");
    assert!(last["result"]["pickle"].is_null());
    let ran = home
        .hoist(&["result", "last", "--pickle", "x.pickle"])
        .ended(2);
    assert!(
        ran.stderr.contains("could not be pickled (") && ran.stderr.contains("lambda"),
        "{}",
        ran.stderr
    );
    assert!(!home.workspace().join("x.pickle").exists());
}

#[test]
fn what_is_called_a_figure_must_be_one() {
    let home = home();
    let last = finished(&home, "figures", "");
    let here: Vec<_> = last["figures"]
        .as_array()
        .expect("figures")
        .iter()
        .map(|figure| {
            (
                figure["path"].as_str().expect("a path"),
                figure["here"].is_string(),
            )
        })
        .collect();
    let expected = [
        ("figures/1.png", true),
        ("figures/2.png", false),
        ("figures/3.png", false),
        ("figures/4.png", false),
        ("figures/5.png", false),
    ];
    assert_eq!(here, expected);
    let ran = home.hoist(&["jobs", "--format", "json"]).ended(0);
    let view: Value = serde_json::from_str(ran.stdout.trim()).expect("JSON");
    let notes: Vec<&str> = view["notes"]
        .as_array()
        .expect("notes")
        .iter()
        .filter_map(Value::as_str)
        .collect();
    assert_eq!(notes.len(), 4, "{notes:?}");
    assert!(
        notes.contains(&"figures/2.png was not fetched: it is no PNG"),
        "{notes:?}"
    );
    assert!(
        notes
            .iter()
            .any(|note| note.starts_with("figures/3.png was not fetched: ")),
        "{notes:?}"
    );
    assert!(
        notes.contains(&"figures/4.png was not fetched: it has 4611686014132420609 pixels"),
        "{notes:?}"
    );
    let folder = home
        .store()
        .join("jobs")
        .join(view["job"].as_str().expect("a name"))
        .join("figures");
    let names: Vec<_> = std::fs::read_dir(folder)
        .expect("read")
        .flatten()
        .map(|entry| entry.file_name())
        .collect();
    assert_eq!(names, ["1.png"]);
}
