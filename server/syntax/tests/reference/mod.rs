//! CPython's own symbol table as the reference: runs `symtable` of a Python and compares every function of a set of files.

use hoist_syntax::Document;
use hoist_syntax::scopes::{Rules, Scopes};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

#[derive(Deserialize)]
struct Answer {
    file: String,
    text: Option<String>,
    error: Option<String>,
    #[serde(default)]
    functions: Vec<Row>,
}

/// A function: its line from 1, its name, its qualified name if its code was kept, its free variables, its globals.
#[derive(Deserialize)]
struct Row(u32, String, Option<String>, Vec<String>, Vec<String>);

/// What we say of a function: its qualified name, its free variables, its globals.
type Ours = (String, Vec<String>, Vec<String>);

/// What a comparison saw.
#[derive(Default)]
pub(crate) struct Comparison {
    pub(crate) files: usize,
    pub(crate) functions: usize,
    pub(crate) refused: usize,
    pub(crate) refused_by_us_only: usize,
    pub(crate) differences: Vec<String>,
}

/// The Pythons of `HOIST_TEST_PYTHONS` (a list as `PATH` is one), else `python3`.
pub(crate) fn pythons() -> Vec<PathBuf> {
    match std::env::var_os("HOIST_TEST_PYTHONS") {
        Some(list) => std::env::split_paths(&list).collect(),
        None => vec![PathBuf::from("python3")],
    }
}

/// The 3.x of an interpreter; none if it is not a Python 3.8 or newer.
pub(crate) fn minor(python: &Path) -> Option<u32> {
    let output = Command::new(python)
        .args(["-c", "import sys; print(*sys.version_info[:2])"])
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let (major, minor) = text.trim().split_once(' ')?;
    let minor = minor.parse().ok()?;
    (major == "3" && minor >= 8).then_some(minor)
}

/// Compares the files that `wanted` names (see symtable.py) as `python` reads them.
pub(crate) fn compare(python: &Path, wanted: &str) -> Comparison {
    let minor =
        minor(python).unwrap_or_else(|| panic!("{} is no Python 3.8 or newer", python.display()));
    let rules = Rules::of_python(minor);
    let mut reference = Command::new(python)
        .args(["-c", include_str!("symtable.py")])
        .env("PYTHONIOENCODING", "utf-8")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("Python starts");
    reference
        .stdin
        .take()
        .expect("piped")
        .write_all(wanted.as_bytes())
        .expect("Python reads its standard input");
    let mut comparison = Comparison::default();
    for line in BufReader::new(reference.stdout.take().expect("piped")).lines() {
        let answer: Answer =
            serde_json::from_str(&line.expect("UTF-8")).expect("the reference's JSON");
        comparison.add(answer, rules);
    }
    assert!(
        reference.wait().expect("Python ends").success(),
        "the reference failed"
    );
    comparison
}

impl Comparison {
    fn add(&mut self, answer: Answer, rules: Rules) {
        let bytes = std::fs::read(&answer.file).expect("a file that Python could read");
        let text = answer
            .text
            .unwrap_or_else(|| String::from_utf8_lossy(&bytes).into_owned());
        let strict = hoist_syntax::strict::check(&text);
        let document = Document::new(text);
        let scopes = Scopes::read_by(&document, rules);
        if answer.error.is_some() {
            // No reference; but it must not fall over, either.
            self.refused += 1;
            return;
        }
        self.files += 1;
        let file = &answer.file;
        if let Err(error) = strict {
            self.refused_by_us_only += 1;
            self.differences.push(format!(
                "{file}: CPython compiles it, the strict check says: {error}"
            ));
        }
        let mut ours: BTreeMap<(u32, String), Ours> = BTreeMap::new();
        for id in scopes.functions() {
            let scope = scopes.get(id);
            let line = document.lines().line_of(scope.def_range.start) + 1;
            ours.insert(
                (line, scope.name.to_string()),
                (
                    scope.qualname.clone(),
                    scopes.captures(id),
                    scopes.globals(id),
                ),
            );
        }
        for Row(line, name, qualname, captures, globals) in answer.functions {
            self.functions += 1;
            let Some((our_qualname, our_captures, our_globals)) =
                ours.remove(&(line, name.clone()))
            else {
                self.differences
                    .push(format!("{file}:{line}: {name} is not seen"));
                continue;
            };
            let mut difference = String::new();
            if qualname
                .as_ref()
                .is_some_and(|qualname| *qualname != our_qualname)
            {
                let _ = write!(difference, " qualname {our_qualname:?} is {qualname:?};");
            }
            for (what, ours, theirs) in [
                ("captures", our_captures, captures),
                ("globals", our_globals, globals),
            ] {
                let missing: Vec<_> = theirs.iter().filter(|name| !ours.contains(name)).collect();
                let extra: Vec<_> = ours.iter().filter(|name| !theirs.contains(name)).collect();
                if !missing.is_empty() || !extra.is_empty() {
                    let _ = write!(difference, " {what}: missing {missing:?}, extra {extra:?};");
                }
            }
            if !difference.is_empty() {
                self.differences
                    .push(format!("{file}:{line}: {name}:{difference}"));
            }
        }
        for (line, name) in ours.keys() {
            self.differences
                .push(format!("{file}:{line}: {name} is no function of CPython's"));
        }
    }

    /// Fails with the first differences.
    pub(crate) fn expect_none(&self, python: &Path) {
        eprintln!(
            "{}: {} functions in {} files, {} files that CPython refuses, {} differences",
            python.display(),
            self.functions,
            self.files,
            self.refused,
            self.differences.len()
        );
        assert!(self.functions > 0, "nothing was compared");
        // One wrong place often spoils the rest of its file; show a few of each.
        let mut of_file: BTreeMap<&str, usize> = BTreeMap::new();
        let mut shown = String::new();
        for difference in &self.differences {
            let count = of_file
                .entry(difference.split(':').next().unwrap_or_default())
                .or_default();
            *count += 1;
            if *count <= 3 {
                let _ = writeln!(shown, "{difference}");
            }
        }
        assert!(
            self.differences.is_empty(),
            "{} differences:\n{}",
            self.differences.len(),
            shown
        );
    }
}
