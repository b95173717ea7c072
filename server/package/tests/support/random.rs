//! Programmes that `tests/corpus/programmes_at_random.py` makes up, each entry of them run in its whole module and in its package
//! by `tests/corpus/both_ways.py`. Both must give the same value or exception, and print the same.
//!
//! `HOIST_FUZZ` is the number of programmes, `HOIST_SEED` that of the first.
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use hoist_analysis::{
    Code, Disk, EntryCall, EntrySpec, Module, RunnableKind, decode, runnables, slice, slice_anyway,
};
use hoist_syntax::Document;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::python3;

/// A programme as the generator tells of it.
#[derive(Deserialize)]
struct Programme {
    seed: u64,
    modules: Vec<MadeModule>,
}

#[derive(Deserialize)]
struct MadeModule {
    file: String,
    entries: Vec<MadeEntry>,
}

#[derive(Deserialize)]
struct MadeEntry {
    entry: String,
    args: String,
}

/// An entry to be run both ways.
#[derive(Serialize)]
struct Job {
    id: String,
    top: PathBuf,
    name: String,
    file: String,
    roots: Vec<String>,
    cwd: String,
    entry: serde_json::Value,
    args: String,
    package: PathBuf,
    folder: PathBuf,
    /// The module, with a `-` before each line that does not travel.
    #[serde(skip)]
    marked: String,
}

#[derive(Deserialize)]
struct Compared {
    verdict: String,
    whole: serde_json::Value,
    slice: serde_json::Value,
}

/// What came out.
#[derive(Default)]
struct Report {
    programmes: usize,
    broken: usize,
    entries: usize,
    verdicts: BTreeMap<String, usize>,
    refused: BTreeMap<String, usize>,
    whole: usize,
    lines: (usize, usize),
    different: Vec<String>,
}

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |given| given.parse().unwrap())
}

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../tests/corpus")
        .join(name)
}

fn python(script_name: &str, args: &[&Path]) -> String {
    let ran = Command::new(python3())
        .arg(script(script_name))
        .args(args)
        .env("PYTHONHASHSEED", "0")
        .output()
        .unwrap();
    assert!(
        ran.status.success(),
        "{}",
        String::from_utf8_lossy(&ran.stderr)
    );
    String::from_utf8(ran.stdout).unwrap()
}

fn lines_of_code(text: &str) -> usize {
    text.lines().filter(|line| !line.trim().is_empty()).count()
}

fn marked(whole: &str, slice: &str) -> String {
    let kept = slice.lines().chain(std::iter::repeat(""));
    let lines = whole.lines().zip(kept);
    lines
        .map(|(line, kept)| {
            let sign = if line == kept { ' ' } else { '-' };
            format!("    {sign} {line}\n")
        })
        .collect()
}

/// Slices an entry and lays its package down; a refusal is counted.
fn prepare(
    top: &Path,
    file: &str,
    entry: &MadeEntry,
    id: &str,
    report: &mut Report,
) -> Option<Job> {
    let path = top.join(file);
    let text = decode(&fs::read(&path).unwrap()).unwrap();
    let document = Document::new(text);
    let module = Module {
        path: &path,
        document: &document,
        workspace: top,
        environment: None,
    };
    let spec: EntrySpec = entry.entry.parse().unwrap();
    let args = Some(entry.args.as_str());
    let slice = match slice(&module, &Disk, &spec, args) {
        Ok(slice) => slice,
        Err(refusal) => {
            *report.refused.entry(refusal.code.to_string()).or_default() += 1;
            // What probably fails in the job fails here, too, and in the same way.
            slice_anyway(&module, &Disk, &spec, args).ok()?
        }
    };
    report.lines.0 += lines_of_code(document.text());
    report.lines.1 += lines_of_code(&String::from_utf8_lossy(slice.module_contents()));
    report.whole += usize::from(
        slice
            .findings
            .iter()
            .any(|finding| finding.code == Code::WholeModule),
    );
    let folder = top.with_extension(format!("{}.job", report.entries));
    fs::create_dir_all(&folder).unwrap();
    let package = folder.with_extension("zip");
    fs::write(&package, super::build(&slice).unwrap().bytes).unwrap();
    let above = path
        .ancestors()
        .nth(Path::new(&slice.module_file).components().count());
    Some(Job {
        id: id.to_owned(),
        top: above.unwrap().to_path_buf(),
        name: slice.module_name.clone(),
        file: slice.module_file.clone(),
        roots: slice.roots.clone(),
        cwd: slice.cwd.clone(),
        entry: match &slice.entry {
            EntryCall::Statements { first, last } => json!([first, last]),
            EntryCall::Function { qualname, .. } => qualname.clone().into(),
        },
        args: entry.args.clone(),
        package,
        folder,
        marked: marked(
            document.text(),
            &String::from_utf8_lossy(slice.module_contents()),
        ),
    })
}

/// The cells of a file.
fn cells(path: &Path) -> Vec<MadeEntry> {
    let document = Document::new(decode(&fs::read(path).unwrap()).unwrap());
    let module = Module {
        path,
        document: &document,
        workspace: path.parent().unwrap(),
        environment: None,
    };
    let all = runnables(&module).into_iter();
    all.filter(|runnable| runnable.kind == RunnableKind::Cell)
        .map(|cell| MadeEntry {
            entry: cell.entry.to_string(),
            args: String::new(),
        })
        .collect()
}

/// Makes programmes, runs each entry both ways and compares.
pub fn check(programmes: u64) {
    let first = number("HOIST_SEED", 1);
    let count = number("HOIST_FUZZ", programmes);
    let folder = tempfile::tempdir().unwrap();
    let top = folder.path().canonicalize().unwrap();
    let mut report = Report::default();
    // Some at a time, so that the folder does not grow without end.
    let mut seed = first;
    while seed < first + count {
        let some = (first + count - seed).min(50);
        let place = top.join(seed.to_string());
        fs::create_dir(&place).unwrap();
        some_of(&place, seed, some, &mut report);
        fs::remove_dir_all(&place).unwrap();
        seed += some;
    }
    println!(
        "seeds {first} to {}: {} programmes, {} of their modules do not load, {} entries, {:?}, refused {:?}, whole {}, {} of {} lines travel",
        first + count - 1,
        report.programmes,
        report.broken,
        report.entries,
        report.verdicts,
        report.refused,
        report.whole,
        report.lines.1,
        report.lines.0,
    );
    assert!(
        report.different.is_empty(),
        "{} differ:\n{}",
        report.different.len(),
        report.different.join("\n")
    );
    assert!(
        report.broken * 5 < report.programmes,
        "too many do not load"
    );
    let refused: usize = report.refused.values().sum();
    assert!(refused * 5 < report.entries, "too many are refused");
}

fn some_of(place: &Path, seed: u64, count: u64, report: &mut Report) {
    let numbers = [seed.to_string(), count.to_string()];
    let made = python(
        "programmes_at_random.py",
        &[place, Path::new(&numbers[0]), Path::new(&numbers[1])],
    );
    let mut jobs: Vec<Job> = Vec::new();
    for line in made.lines() {
        let programme: Programme = serde_json::from_str(line).unwrap();
        report.programmes += 1;
        report.broken += usize::from(programme.modules.is_empty());
        let top = place.join(programme.seed.to_string());
        for module in &programme.modules {
            for entry in module.entries.iter().chain(&cells(&top.join(&module.file))) {
                report.entries += 1;
                let id = format!(
                    "HOIST_SEED={} {}::{}({})",
                    programme.seed, module.file, entry.entry, entry.args
                );
                jobs.extend(prepare(&top, &module.file, entry, &id, report));
            }
        }
    }
    let list = place.join("jobs.jsonl");
    let lines = jobs
        .iter()
        .map(|job| serde_json::to_string(job).unwrap() + "\n");
    fs::write(&list, lines.collect::<String>()).unwrap();
    let compared = python("both_ways.py", &[&list]);
    assert_eq!(compared.lines().count(), jobs.len());
    for (job, line) in jobs.iter().zip(compared.lines()) {
        let one: Compared = serde_json::from_str(line).unwrap();
        if one.verdict == "different" {
            let said = format!(
                "{}\n  whole: {:.2000}\n  slice: {:.2000}\n{}",
                job.id,
                one.whole.to_string(),
                one.slice.to_string(),
                job.marked
            );
            println!("{said}");
            report.different.push(said);
        }
        *report.verdicts.entry(one.verdict).or_default() += 1;
    }
}
