//! Captures, globals and qualified names of every function of the standard libraries at hand (their tests, too) against
//! CPython's own `symtable`: all of `python3`'s, and every fifth file of each other version that pyenv has. With
//! `HOIST_TEST_PYTHONS` (paths with `:` between them) all files of those; that takes some minutes for each.

mod reference;

use std::collections::BTreeMap;
use std::path::PathBuf;

#[test]
fn every_function_of_the_standard_libraries_reads_as_in_cpython() {
    let first = reference::pythons();
    let mut pythons = first.clone();
    let given = std::env::var_os("HOIST_TEST_PYTHONS").is_some();
    if !given {
        pythons.extend(of_pyenv());
    }
    let mut versions = BTreeMap::new();
    for python in pythons {
        if let Some(minor) = reference::minor(&python) {
            versions.entry(minor).or_insert(python);
        }
    }
    assert!(
        !versions.is_empty(),
        "there is no Python 3.8 or newer at hand"
    );
    std::thread::scope(|scope| {
        for python in versions.values() {
            let files = if given || first.contains(python) {
                "*\n"
            } else {
                "*5\n"
            };
            scope.spawn(move || reference::compare(python, files).expect_none(python));
        }
    });
}

fn of_pyenv() -> Vec<PathBuf> {
    let root = std::env::var_os("PYENV_ROOT")
        .map(PathBuf::from)
        .or_else(|| std::env::home_dir().map(|home| home.join(".pyenv")))
        .unwrap_or_default();
    let versions = std::fs::read_dir(root.join("versions"))
        .into_iter()
        .flatten()
        .flatten();
    let mut pythons: Vec<_> = versions
        .map(|version| version.path().join("bin/python3"))
        .filter(|python| python.is_file())
        .collect();
    pythons.sort();
    pythons
}
