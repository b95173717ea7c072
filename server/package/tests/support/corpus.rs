//! The programmes of `tests/corpus/programmes`, sliced, packed and run: as they stand, and put whole into a method.
//!
//! What they must give stands at their head:
//! `#> CALL => REPR`, `#> CALL prints 'TEXT' => REPR`, `#> CALL raises TYPE[: MESSAGE][ at LINE]`, `#> CALL refused: WORDS`.
//! A line `#> nested NAME => REPR` or `#> nested NAME refused: WORDS` says what the entry must give in a method where that
//! differs: Python itself would not take it there, or a slice cannot carry what surrounds it and must say so.
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use hoist_analysis::{Disk, EntrySpec, Module, decode, slice};
use hoist_package::Request;
use hoist_syntax::Document;

use super::{Job, Ran, python3};

/// A line of a programme's head.
struct Expectation {
    entry: String,
    args: String,
    must: String,
}

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../tests/corpus")
        .canonicalize()
        .unwrap()
}

fn programmes() -> Vec<PathBuf> {
    let files = fs::read_dir(corpus().join("programmes")).unwrap();
    let mut paths: Vec<PathBuf> = files
        .map(|file| file.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "py"))
        .collect();
    paths.sort();
    assert!(paths.len() > 40, "the corpus is missing");
    paths
}

/// What the head says of each call; and what it says of entries that are nested.
fn expectations(text: &str) -> (Vec<Expectation>, Vec<(String, String)>) {
    let (mut calls, mut nested) = (Vec::new(), Vec::new());
    for line in text.trim_start_matches('\u{feff}').lines() {
        let Some(line) = line.strip_prefix("#> ") else {
            continue;
        };
        if let Some(rest) = line.strip_prefix("nested ") {
            let (entry, must) = rest.split_once(' ').unwrap();
            nested.push((entry.to_owned(), must.to_owned()));
            continue;
        }
        let at = [") => ", ") raises ", ") prints ", ") refused: "]
            .iter()
            .filter_map(|end| line.find(end))
            .min();
        let at = at.unwrap_or_else(|| panic!("no expectation: {line}"));
        let (entry, args) = line[..at].split_once('(').unwrap();
        calls.push(Expectation {
            entry: entry.to_owned(),
            args: args.to_owned(),
            must: line[at + 2..].to_owned(),
        });
    }
    assert!(!calls.is_empty(), "a programme without a known result");
    (calls, nested)
}

/// Runs an entry of a file; the sentence of a refusal is the error.
fn run_entry(path: &Path, entry: &str, args: &str) -> Result<Ran, String> {
    let text = decode(&fs::read(path).unwrap()).unwrap();
    let document = Document::new(text);
    let module = Module {
        path,
        document: &document,
        workspace: path.parent().unwrap(),
        environment: None,
    };
    let spec: EntrySpec = entry.parse().unwrap();
    let slice = slice(&module, &Disk, &spec, Some(args)).map_err(|refusal| refusal.message)?;
    let request = Request {
        job: "01J".to_owned(),
        args: slice.args.clone(),
        ..Request::default()
    };
    Ok(Job::new(&slice, &request).run(&python3()))
}

/// Runs an entry and compares; `down` is by how many lines the programme was moved.
fn check_run(path: &Path, entry: &str, args: &str, must: &str, down: u32) {
    match (run_entry(path, entry, args), must.strip_prefix("refused: ")) {
        (Ok(ran), None) => check(&ran, must, down),
        (Ok(ran), Some(_)) => panic!("{entry} was not refused and gave {:?}", ran.result.repr),
        (Err(refusal), None) => panic!("{entry}({args}) was refused: {refusal}"),
        (Err(refusal), Some(words)) => assert!(refusal.contains(words), "{refusal}"),
    }
}

/// Compares with what the head says.
fn check(ran: &Ran, must: &str, down: u32) {
    if let Some(rest) = must.strip_prefix("raises ") {
        let (rest, line) = match rest.rsplit_once(" at ") {
            Some((rest, line)) => (rest, Some(line.parse::<u32>().unwrap() + down)),
            None => (rest, None),
        };
        let (kind, message) = rest.split_once(": ").unwrap_or((rest, ""));
        let (said_kind, said) = ran.error();
        assert_eq!(said_kind, kind, "{}", ran.stderr);
        assert!(said.ends_with(message), "{said:?} is not {message:?}");
        if let Some(line) = line {
            let error = ran.result.error.as_ref().unwrap();
            let last = error.frames.iter().rfind(|frame| frame.user).unwrap();
            assert_eq!(last.line, line, "{}", ran.stderr);
        }
        return;
    }
    let (printed, value) = match must.strip_prefix("prints ") {
        Some(rest) => rest
            .split_once(" => ")
            .map(|(printed, value)| (Some(printed), value))
            .unwrap(),
        None => (
            None,
            must.strip_prefix("=> ")
                .unwrap_or_else(|| panic!("no expectation: {must}")),
        ),
    };
    assert_eq!(ran.value(), value);
    if let Some(printed) = printed {
        assert_eq!(
            ran.stdout,
            printed[1..printed.len() - 1].replace("\\n", "\n")
        );
    }
}

/// Does it for all, in parallel, and fails with the names of those where it failed.
fn in_parallel(paths: &[PathBuf], act: impl Fn(&Path) + Sync) {
    let next = AtomicUsize::new(0);
    let failures = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while let Some(path) = paths.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| act(path))) {
                        let text = panic.downcast_ref::<String>().map_or("", String::as_str);
                        let name = path.file_name().unwrap_or_default().display();
                        failures.lock().unwrap().push(format!("{name}: {text}"));
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().unwrap();
    assert!(
        failures.is_empty(),
        "{} of {} failed:\n{}",
        failures.len(),
        paths.len(),
        failures.join("\n")
    );
}

/// Runs the programmes with these numbers as they stand.
pub fn as_they_stand(chosen: impl Fn(usize) -> bool) {
    in_parallel(&choose(chosen), |path| {
        let text = decode(&fs::read(path).unwrap()).unwrap();
        for Expectation { entry, args, must } in expectations(&text).0 {
            check_run(path, &entry, &args, &must, 0);
        }
    });
}

/// Runs the programmes with these numbers, each put whole into a method.
pub fn in_a_method(chosen: impl Fn(usize) -> bool) {
    in_parallel(&choose(chosen), |path| {
        let text = decode(&fs::read(path).unwrap()).unwrap();
        let (calls, nested) = expectations(&text);
        let folder = tempfile::tempdir().unwrap();
        let moved = folder.path().join(path.file_name().unwrap());
        let nest = Command::new(python3())
            .arg(corpus().join("nest.py"))
            .arg(path)
            .arg(&moved)
            .status()
            .unwrap();
        assert!(nest.success());
        let moved_text = decode(&fs::read(&moved).unwrap()).unwrap();
        let down = u32::try_from(moved_text.lines().count() - text.lines().count()).unwrap();
        // Lines of the programme are none of a method's.
        let calls = calls
            .into_iter()
            .filter(|call| !call.entry.starts_with(|c: char| c.is_ascii_digit()));
        for Expectation { entry, args, must } in calls {
            let must = nested
                .iter()
                .find(|(name, _)| *name == entry)
                .map_or(must.as_str(), |(_, must)| must);
            check_run(
                &moved,
                &format!("Case.method.<locals>.{entry}"),
                &args,
                must,
                down,
            );
        }
    });
}

fn choose(chosen: impl Fn(usize) -> bool) -> Vec<PathBuf> {
    programmes()
        .into_iter()
        .enumerate()
        .filter(|(number, _)| chosen(*number))
        .map(|(_, path)| path)
        .collect()
}
