//! Captures, globals and qualified names of every function of the standard libraries at hand (their tests, too) against
//! CPython's own `symtable`: of the Pythons of `HOIST_TEST_PYTHONS`, else of `python3` and of every version that pyenv has.

mod reference;

use std::collections::BTreeMap;
use std::path::PathBuf;

#[test]
fn every_function_of_the_standard_libraries_reads_as_in_cpython() {
    let mut pythons = reference::pythons();
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
        given || versions.contains_key(&11),
        "a Python 3.11 must be among the versions at hand: {versions:?}"
    );
    std::thread::scope(|scope| {
        for python in versions.values() {
            scope.spawn(|| reference::compare(python, "*\n").expect_none(python));
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
