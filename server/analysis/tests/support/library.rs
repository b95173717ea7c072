//! Functions of Python's own library, each run in its whole module and in its slice. Both must give the same value, print
//! the same and raise the same.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use hoist_analysis::Slice;
use serde::Deserialize;

use super::{Workspace, run_all, run_whole};

/// A call that `tests/corpus/library.py` has found.
#[derive(Clone, Debug, Deserialize)]
pub struct Call {
    file: String,
    function: String,
    args: String,
}

/// What came out.
#[derive(Debug, Default)]
pub struct Report {
    pub same: usize,
    /// Two runs of the whole module differ by themselves.
    pub unsteady: usize,
    /// Refused with a sentence.
    pub refused: Vec<String>,
    pub different: Vec<String>,
    /// Lines that are code in the modules, and in the slices.
    pub lines: (usize, usize),
}

pub fn calls() -> Vec<Call> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/corpus/library.py");
    let ran = Command::new("python3").arg(script).output().unwrap();
    assert!(
        ran.status.success(),
        "{}",
        String::from_utf8_lossy(&ran.stderr)
    );
    String::from_utf8(ran.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn library() -> PathBuf {
    let ran = Command::new("python3")
        .args([
            "-c",
            "import sysconfig; print(sysconfig.get_path('stdlib'))",
        ])
        .output()
        .unwrap();
    PathBuf::from(String::from_utf8(ran.stdout).unwrap().trim())
}

/// The files of the library's modules and packages, the tests among them left out.
pub fn modules() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut waiting = vec![library()];
    while let Some(folder) = waiting.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if path.is_dir() {
                if !["test", "tests", "site-packages", "idlelib"].contains(&&*name) {
                    waiting.push(path);
                }
            } else if name.ends_with(".py") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// The name under which a copy of a module stands, so that nothing else imports the copy.
fn copied(file: &str) -> String {
    format!("copy_of_{file}")
}

/// A workspace with the module, or with the folder of its package.
fn workspace(library: &Path, file: &str) -> Workspace {
    let text = |path: &Path| {
        let bytes = std::fs::read(path).unwrap();
        hoist_analysis::decode(&bytes).unwrap_or_default()
    };
    let mut files = Vec::new();
    match file.rsplit_once('/') {
        None => files.push((copied(file), text(&library.join(file)))),
        Some((folder, _)) => {
            for entry in std::fs::read_dir(library.join(folder)).unwrap() {
                let path = entry.unwrap().path();
                if path.extension().is_some_and(|end| end == "py") {
                    let name = path.file_name().unwrap().to_string_lossy().into_owned();
                    files.push((copied(&format!("{folder}/{name}")), text(&path)));
                }
            }
            // `xml/etree` is a package in a package.
            let above: Vec<&str> = folder.split('/').collect();
            for end in 1..above.len() {
                files.push((
                    copied(&format!("{}/__init__.py", above[..end].join("/"))),
                    String::new(),
                ));
            }
        }
    }
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(path, text)| (path.as_str(), text.as_str()))
        .collect();
    Workspace::new(&files)
}

fn lines_of_code(text: &str) -> usize {
    text.lines().filter(|line| !line.trim().is_empty()).count()
}

/// Runs the calls both ways.
pub fn compare(calls: &[Call]) -> Report {
    let library = library();
    let mut report = Report::default();
    let mut workspaces: BTreeMap<&str, Workspace> = BTreeMap::new();
    for call in calls {
        let make = || workspace(&library, &call.file);
        workspaces.entry(&call.file).or_insert_with(make);
    }
    let mut slices: Vec<Slice> = Vec::new();
    let mut sliced: Vec<&Call> = Vec::new();
    for call in calls {
        let file = copied(&call.file);
        let workspace = &workspaces[call.file.as_str()];
        let name = format!("{}::{}({})", call.file, call.function, call.args);
        // Also what is called wrongly: the errors are compared.
        match workspace.slice_anyway(&file, &call.function, Some(&call.args)) {
            Ok(slice) => {
                let whole = std::fs::read_to_string(workspace.path(&file)).unwrap_or_default();
                report.lines.0 += lines_of_code(&whole);
                report.lines.1 += lines_of_code(&String::from_utf8_lossy(slice.module_contents()));
                slices.push(slice);
                sliced.push(call);
            }
            Err(refusal) => report.refused.push(format!("{name}: {}", refusal.message)),
        }
    }
    let files: Vec<String> = sliced.iter().map(|call| copied(&call.file)).collect();
    let whole: Vec<(&Workspace, &str, &str, &str)> = sliced
        .iter()
        .zip(&files)
        .map(|(call, file)| {
            let workspace = &workspaces[call.file.as_str()];
            (
                workspace,
                file.as_str(),
                call.function.as_str(),
                call.args.as_str(),
            )
        })
        .collect();
    let first = run_whole(&whole);
    let mut doubtful = Vec::new();
    for (at, (whole, slice)) in first.iter().zip(run_all(&slices)).enumerate() {
        if *whole == slice {
            report.same += 1;
        } else {
            doubtful.push((at, slice));
        }
    }
    // What differs by itself from run to run proves nothing.
    let again: Vec<_> = doubtful.iter().map(|(at, _)| whole[*at]).collect();
    for ((at, slice), second) in doubtful.into_iter().zip(run_whole(&again)) {
        let (call, first) = (sliced[at], &first[at]);
        if *first == second {
            report.different.push(format!(
                "{}::{}({})\n  whole: {first:.300}\n  slice: {slice:.300}",
                call.file, call.function, call.args
            ));
        } else {
            report.unsteady += 1;
        }
    }
    report
}

/// Compares the calls of the modules with these numbers, and prints the figures.
pub fn check(chosen: impl Fn(usize) -> bool) {
    let calls = calls();
    // Some systems leave the library's own tests out; its doctests are there always.
    assert!(calls.len() > 200, "only {} calls were found", calls.len());
    let mut files: Vec<&str> = calls.iter().map(|call| call.file.as_str()).collect();
    files.dedup();
    let is_chosen = |call: &&Call| {
        let number = files.iter().position(|file| *file == call.file);
        number.is_some_and(&chosen)
    };
    let calls: Vec<Call> = calls.iter().filter(is_chosen).cloned().collect();
    let report = compare(&calls);
    println!(
        "{} calls: {} the same, {} unsteady, {} refused, {} different; {} of {} lines travel",
        calls.len(),
        report.same,
        report.unsteady,
        report.refused.len(),
        report.different.len(),
        report.lines.1,
        report.lines.0,
    );
    println!("{}", report.refused.join("\n"));
    assert!(
        report.different.is_empty(),
        "{}",
        report.different.join("\n")
    );
    assert!(
        report.refused.len() * 100 < calls.len(),
        "too many are refused"
    );
}
