//! Each finding of a Python file under the place that it is about, with the ways to mend it.
//!
//! Below a line stand carets under what is underlined, then the code and the titles of the fixes. What needs an environment or
//! a target is in `imports.rs` and `targets.rs`, what refuses a run in `slices.rs`, the configuration in the room that reads it.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::collections::{BTreeMap, BTreeSet};

use hoist_analysis::{Code, DataRules, Settings};
use support::{Workspace, marked};

const CASES: &[&str] = &[
    // A file that does not parse.
    "\
x = = 1
    ^ HST001
",
    // Nested functions.
    "\
def outer(scale):
    limit = 3
    def carried(n):
        ^^^^^^^ HST002 Hoist `carried` to module level
        return n * limit
    def captures(n):
        ^^^^^^^^ HST003 Hoist `captures` to module level, Pass `scale` to `captures` as a parameter
        return n * scale
    return carried(1), captures(2)
",
    // What cannot be a parameter is not made one.
    "\
def outer(n):
    best = [n]
    def search(x):
        ^^^^^^ HST003
        nonlocal n
        n = x + best[0]
    def draws(x, best=best):
        ^^^^^ HST003
        return x
    return search, draws

def f():
    global rate
    return rate
           ^^^^ HST008

if __name__ == '__main__':
    rate = 3
",
    "\
def outer(register):
    def named():
        ^^^^^ HST003 Hoist `named` to module level
        return named.title
    named.title = 'a'
    register(named)
",
    "\
class A:
    class B:
        def method(self):
            ^^^^^^ HST006
            def inner():
                ^^^^^ HST015
                return super().method()
            return inner
",
    // Names.
    "\
def f():
    return numpy_is_not_imported, math.pi
           ^^^^^^^^^^^^^^^^^^^^^ HST004
                                  ^^^^ HST004 Put `import math` into `f`
",
    "\
def train():
    return settings['lr'], np.sum(1)
           ^^^^^^^^ HST008 Pass `settings` to `train` as a parameter
                           ^^ HST008 Put `import numpy as np` into `train`

if __name__ == '__main__':
    import numpy as np
    settings = {'lr': 0.1}
",
    "\
def f(name):
    return eval(name), globals()[name]
           ^ HST009
                       ^ HST009
",
    // Entries of other kinds.
    "\
class A:
    def run(self):
        ^^^ HST006
        return 1

def steps():
    ^^^^^ HST007
    yield 1

async def crawl():
          ^^^^^ HST035
    return 1

class B:
    @staticmethod
    def kept():
        ^^^^ HST007
        yield 1

@contextlib.contextmanager
def opened():
    yield 1

import contextlib
",
    // Imports.
    "\
from . import gone
^^^^^^^^^^^^^^^^^^ HST005
from unknown_to_all import *
^^^^^^^^^^^^^^^^^^^^^^^^^^^^ HST017
import importlib

def f(name):
    return gone, importlib.import_module('plugins.' + name)
                 ^ HST018
",
    // What is optional or for types alone is silent.
    "\
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from unknown_to_all import Frame
try:
    import not_installed_anywhere
except ImportError:
    not_installed_anywhere = None

def f(x: 'Frame'):
    return not_installed_anywhere
",
    // Files.
    "\
from pathlib import Path

HERE = Path(__file__).parent

def f(name):
    open('here.csv')
         ^^^^^^^^^^ HST036
    (HERE / 'tables' / '1.csv').read_text()
     ^^^^^^^^^^^^^^^^^^^^^^^^^ HST036
    open('gone.csv')
         ^^^^^^^^^^ HST012
    open('/scratch/me/x.csv')
         ^^^^^^^^^^^^^^^^^^^ HST013
    open('big.bin')
         ^^^^^^^^^ HST014
    open('../beside.csv')
         ^^^^^^^^^^^^^^^ HST037 Copy it to beside.csv and read that
    open('C:/data/x.csv')
         ^^^^^^^^^^^^^^^ HST038
    open('tables\\\\x.csv')
         ^^^^^^^^^^^^^^^ HST038 Write the path with /: tables/x.csv
    open(f'tables/{name}.csv')
         ^^^^^^^^^^^^^^^^^^^^ HST042 Let tables/*.csv travel
    (HERE / 'out.txt').write_text(name)
     ^^^^^^^^^^^^^^^^ HST048
",
    // Nobody answers, nobody looks.
    "\
import tkinter
import matplotlib.pyplot as plt

def f():
    breakpoint()
    ^^^^^^^^^^ HST040
    plt.show()
    ^^^^^^^^ HST041
    tkinter.Tk()
    ^^^^^^^^^^ HST041
    return input('name? ')
           ^^^^^ HST039
",
    // What the module does, and what stays in a job.
    "\
import os

os.makedirs('out', exist_ok=True)
^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ HST043
count = 0

def f():
    global count
    count += 1
    ^^^^^ HST044
    return lambda: 1
           ^^^^^^^^^ HST045

def g():
    return f(), os, count
",
    "\
def f(connect):
    return connect(password='tr0ub4dor&3')
                            ^^^^^^^^^^^^^ HST047
",
    // Comments of ours.
    "\
# hoist: cores==
def f(): return 1

# hoist: what is this
         ^^^^^^^^^^^^ HST020
def g(): return 1

# hoist: target=discovry
                ^^^^^^^^ HST053
def h(): return 1
",
    // What a comment silences.
    "\
def f():
    open('gone.csv')  # hoist: ignore[HST012]
    # hoist: ignore[HST004, HST012]
    return nothing, open('gone.csv')
",
];

/// A workspace with the files that the cases name, one of them beside it.
fn workspace() -> Workspace {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap();
    std::fs::create_dir_all(root.join("work/tables")).unwrap();
    std::fs::write(root.join("beside.csv"), "1,2\n").unwrap();
    let workspace = Workspace::at(root.join("work"), folder);
    workspace.write("here.csv", "1");
    workspace.write("tables/1.csv", "1");
    let big = std::fs::File::create(workspace.path("big.bin")).unwrap();
    big.set_len(11 * 1024 * 1024).unwrap();
    workspace
}

#[test]
fn each_finding_stands_where_it_belongs_and_says_how_to_mend_it() {
    let workspace = workspace();
    let limited = DataRules {
        target: "local".to_owned(),
        limit: Some(10 << 20),
        ..DataRules::default()
    };
    let settings = Settings {
        targets: Some(BTreeSet::from(["discovery".to_owned(), "local".to_owned()])),
        default_target: Some("local".to_owned()),
        data_rules: BTreeMap::from([("local".to_owned(), limited)]),
        ..Settings::default()
    };
    let told: Vec<String> = CASES
        .iter()
        .map(|case| marked(&workspace, case, &settings))
        .collect();
    let (told, cases) = (told.join("\n"), CASES.join("\n"));
    assert!(told == cases, "{}", difference(&cases, &told));
}

/// The lines of two texts that differ.
fn difference(expected: &str, told: &str) -> String {
    let lacks = |text: &str, line: &str| !text.lines().any(|other| other == line);
    let lines = |text: &str, other: &str, mark: char| -> Vec<String> {
        let own = text.lines().filter(|line| lacks(other, line));
        own.map(|line| format!("{mark} {line}")).collect()
    };
    [lines(expected, told, '-'), lines(told, expected, '+')]
        .concat()
        .join("\n")
}

#[test]
fn each_code_of_a_python_file_has_its_mark() {
    let elsewhere = [
        // Refusals of a run.
        Code::NoSuchEntry,
        Code::Arguments,
        Code::NotRunnable,
        Code::Unreadable,
        // What needs an environment or a target.
        Code::NotInstalled,
        Code::NotDeclared,
        Code::LocalExtension,
        Code::Hidden,
        Code::OtherVersion,
        Code::NotOnTarget,
        Code::OtherPython,
        Code::UnfitPackage,
        Code::NotThere,
        // The configuration, and jobs.
        Code::ConfigSyntax,
        Code::ConfigKey,
        Code::ConfigValue,
        Code::RemoteFailure,
        Code::RemoteEnd,
    ];
    for code in Code::ALL.iter().filter(|code| !elsewhere.contains(code)) {
        let marks = CASES.iter().flat_map(|case| case.lines());
        let has = marks.filter(|line| line.trim_start().starts_with('^'));
        assert!(
            has.clone().any(|line| line.contains(&code.to_string())),
            "{code}"
        );
    }
}
