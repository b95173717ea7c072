//! What would go otherwise in a job than here: each finding in a file of its own, under the place that it is about.

#![allow(clippy::unwrap_used)]

mod support;

use hoist_analysis::{DataRules, Settings, Slice, apply};
use support::{Workspace, findings_of, lines, marked, unmarked};

/// The findings of a file that stands alone.
fn said(source: &str) -> String {
    lines(source, &findings_of(source))
}

#[test]
fn coroutines_run_to_their_end() {
    let source = "\
import asyncio

async def crawl(n=1):
    await asyncio.sleep(0)
    return n

async def stream():
    yield 1
";
    insta::assert_snapshot!(said(source));
}

#[test]
fn nobody_answers_and_nobody_looks_in_a_job() {
    let source = "\
import getpass
import pdb
import webbrowser as web
import tkinter as tk
import matplotlib
from matplotlib import pyplot as plt

matplotlib.use('TkAgg')

def ask():
    rate = input('rate? ')
    key = getpass.getpass()
    pdb.set_trace()
    breakpoint()
    return rate, key

def show(xs):
    root = tk.Tk()
    plt.plot(xs)
    plt.show()
    web.open('https://example.org')
    return root
";
    insta::assert_snapshot!(said(source));
}

#[test]
fn names_are_followed_and_not_words() {
    let source = "\
from mine import show as input

class Form:
    def input(self): return 1
    def show(self): return self.input()

def f(breakpoint, plt):
    def open(x): return x
    breakpoint()
    plt.show()
    open('nothing.csv')
    return input() + Form.input(Form())
";
    let said = said(source);
    assert!(
        !said.contains("HST039") && !said.contains("HST040") && !said.contains("HST041"),
        "{said}"
    );
}

#[test]
fn a_notebook_style_script_is_left_in_peace() {
    let source = "\
import os
import subprocess
import matplotlib.pyplot as plt

name = input('who? ')
print(name)
plt.plot([1, 2])
plt.show()
subprocess.run(['ls'])
password_hint = 'ask me'

def f(x=1):
    return x

if __name__ == '__main__':
    breakpoint()
    os.makedirs('out')
    f(input())
";
    assert_eq!(said(source), "");
}

#[test]
fn what_a_function_needs_of_a_script_is_told() {
    let source = "\
import os
import shutil
import subprocess

rate = float(input('rate? '))
COMMIT = subprocess.check_output(['git', 'rev-parse', 'HEAD'])
os.makedirs('out', exist_ok=True)
shutil.rmtree('old')

def train():
    return rate, COMMIT
";
    insta::assert_snapshot!(said(source));
}

#[test]
fn a_changed_global_is_told_where_somebody_here_reads_it() {
    let source = "\
best = None
calls = 0
cache = {}

def search():
    global best, calls
    best = 3
    calls += 1
    cache[1] = best
    return count()

def count():
    return calls

search()
print(best)
";
    insta::assert_snapshot!(said(source));
}

#[test]
fn results_that_come_back_as_text() {
    let source = "\
class Out: pass

def f(xs):
    class Local: pass
    if xs:
        return lambda x: x
    return {'a': Local(), 'b': Out()}, Local

def g():
    key = lambda x: x
    return sorted([2, 1], key=lambda x: x)
";
    insta::assert_snapshot!(said(source));
}

#[test]
fn secrets_are_told_where_they_stand() {
    let token = format!("ghp_{}", "A7f9K2m4Q8x1Z5c3V6b0N2a9S4d8F1g7H3j5");
    let source = format!(
        "\
TOKEN = '{token}'
password = 'hunter2'
token = 'word'
pad_token = '<pad>'

def connect(db):
    '''password = \"hunter2\"'''
    db.login(user='me', password='tr0ub4dor')
    return {{'api_key': 'your-key-here', 'db_password': 'correcthorse'}}, TOKEN, password

def ask(password='', passwd=None):
    prompt = 'password'
    return prompt
"
    );
    insta::assert_snapshot!(said(&source).replace(&token, "<token>"));
}

#[test]
fn files_that_are_named() {
    let source = "\
import os
from pathlib import Path

HERE = os.path.dirname(os.path.abspath(__file__))

def f():
    open('data.csv')
    open(os.path.join(HERE, 'data.csv'))
    open(Path(__file__).parent / 'gone.csv')
    open('../outside.csv')
    open('C:\\\\data\\\\x.csv')
    open('tables\\\\x.csv')
    open('/scratch/x.csv')
    open('big.bin')
    open('out.txt', 'w')
";
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap();
    std::fs::create_dir(root.join("work")).unwrap();
    std::fs::write(root.join("outside.csv"), "x").unwrap();
    let workspace = Workspace::at(root.join("work"), folder);
    workspace.write("train.py", source);
    workspace.write("data.csv", &"1,2\n".repeat(500));
    let big = std::fs::File::create(workspace.path("big.bin")).unwrap();
    big.set_len(11 * 1024 * 1024).unwrap();
    let found = workspace.findings("train.py");
    let shown = lines(source, &found).replace(&format!("{}/", root.display()), "");
    insta::assert_snapshot!(shown);
    let fix = found
        .iter()
        .flat_map(|finding| &finding.fixes)
        .find(|fix| fix.title.contains("with /"))
        .unwrap();
    assert!(apply(source, &fix.edits).contains("open('tables/x.csv')"));
}

#[test]
fn a_relative_import_brings_no_file_from_beside_the_workspace() {
    let source = "\
from os import path
from . import helper

def f():
    name = path.join(path.dirname(__file__), 'data.csv')
    return open(name), open('../outside.csv'), helper
";
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap();
    std::fs::create_dir(root.join("work")).unwrap();
    std::fs::write(root.join("outside.csv"), "x").unwrap();
    let workspace = Workspace::at(root.join("work"), folder);
    workspace.write("train.py", source);
    workspace.write("helper.py", "");
    workspace.write("data.csv", "1,2\n");
    let found = workspace.findings("train.py");
    let shown = lines(source, &found).replace(&format!("{}/", root.display()), "");
    insta::assert_snapshot!(shown);
}

#[test]
fn an_absolute_path_into_the_workspace_becomes_relative() {
    let workspace = Workspace::new(&[("tables/x.csv", "1\n")]);
    let path = workspace.path("tables/x.csv");
    let source = format!(
        "def f():\n    return open(r\"{}\").read()\n",
        path.display()
    );
    workspace.write("train.py", &source);
    let found = workspace.findings("train.py");
    assert_eq!(found[0].code.to_string(), "HST013");
    assert_eq!(
        found[0].fixes[0].title,
        "Make the path relative: tables/x.csv"
    );
    assert_eq!(
        apply(&source, &found[0].fixes[0].edits),
        "def f():\n    return open(\"tables/x.csv\").read()\n"
    );
}

#[test]
fn a_computed_name_can_be_told_to_travel() {
    let source = "\
import os
from pathlib import Path

HERE = Path(__file__).parent

@staticmethod
def load(year, name):
    open(f'tables/{year}.csv')
    open('tables/' + name + '.txt')
    open(os.path.join('tables', name))
    (HERE / 'tables' / name).read_text()
    open(f'gone/{year}.csv')
    open(f'{year}.csv')
    open(f'tables/{year}.csv', 'w')
    return year
";
    let workspace = Workspace::new(&[
        ("train.py", source),
        ("tables/1999.csv", "1\n"),
        ("tables/2000.csv", "2\n"),
        ("tables/notes.txt", "n\n"),
    ]);
    let found = workspace.findings("train.py");
    insta::assert_snapshot!(lines(source, &found));
    let fixed = apply(source, &found[0].fixes[0].edits);
    assert!(
        fixed.contains("\n# hoist: data=tables/*.csv\n@staticmethod\ndef load"),
        "{fixed}"
    );
    workspace.write("train.py", &fixed);
    assert_eq!(lines(&fixed, &workspace.findings("train.py")), "");

    // The files travel with whatever needs the function.
    let fixed = format!("{fixed}\ndef main():\n    return load(1999, 'x')\n");
    workspace.write("train.py", &fixed);
    let slice = workspace.included("train.py", "main", &["tables/n*".to_owned()]);
    let files: Vec<String> = slice
        .files
        .iter()
        .map(|file| format!("{}: {}", file.path, file.why))
        .collect();
    insta::assert_snapshot!("included", files.join("\n"));
    assert_eq!(slice.findings, []);

    workspace.write(
        "train.py",
        &fixed.replace("tables/*.csv", "tables/*.parquet"),
    );
    let found = workspace.findings("train.py");
    assert!(
        found[0]
            .message
            .contains("no file matches `tables/*.parquet`")
    );
    let slice = workspace.included("train.py", "main", &[]);
    assert!(slice.findings[0].message.contains("no file matches"));
}

/// The settings of a workspace whose default target has these rules.
fn going_to(rules: DataRules) -> Settings {
    Settings {
        default_target: Some(rules.target.clone()),
        data_rules: [(rules.target.clone(), rules)].into(),
        ..Settings::default()
    }
}

/// A file of so many bytes, none of which take room.
fn sized(workspace: &Workspace, name: &str, len: u64) {
    let file = std::fs::File::create(workspace.path(name)).unwrap();
    file.set_len(len).unwrap();
}

#[test]
fn a_large_file_goes_to_the_store_of_the_target() {
    let source = "\
def load():
    return open('parts/big.bin'), open('parts/small.bin'), open('parts/huge.bin')

# hoist: target=tight
def elsewhere():
    import os
    return open('parts/big.bin'), os.listdir('parts')
";
    let workspace = Workspace::new(&[("parts/small.bin", "x"), ("train.py", source)]);
    sized(&workspace, "parts/big.bin", 11 << 20);
    sized(&workspace, "parts/huge.bin", 3 << 30);
    let lab = DataRules {
        target: "lab".to_owned(),
        ..DataRules::default()
    };
    let mut settings = going_to(lab.clone());
    let tight = DataRules {
        target: "tight".to_owned(),
        store_from: Some(100 << 20),
        limit: Some(1 << 30),
        ..DataRules::default()
    };
    settings
        .data_rules
        .insert("tight".to_owned(), tight.clone());
    let found = workspace.findings_with("train.py", &settings);
    insta::assert_snapshot!(lines(source, &found));

    let places = |slice: &Slice| {
        let stored: Vec<String> = slice.stored.iter().map(|file| file.path.clone()).collect();
        let packed = slice.files.iter().map(|file| file.path.clone());
        (packed.collect::<Vec<String>>().join(" "), stored.join(" "))
    };
    let slice = |entry: &str, data: &[&str], rules: &DataRules| {
        let data: Vec<String> = data.iter().map(|&pattern| pattern.to_owned()).collect();
        workspace.wished("train.py", entry, &data, rules)
    };
    let loaded = slice("load", &[], &lab).unwrap();
    let expected = (
        "parts/small.bin train.py".to_owned(),
        "parts/big.bin parts/huge.bin".to_owned(),
    );
    assert_eq!(places(&loaded), expected);
    assert!(loaded.findings.is_empty(), "{:?}", loaded.findings);
    let refused = slice("elsewhere", &[], &tight).unwrap_err();
    assert_eq!(
        (refused.code.to_string().as_str(), refused.can_force),
        ("HST014", true)
    );
    assert!(
        refused
            .message
            .starts_with("with `parts/huge.bin` the data files are more than the 1.1 GB that `data_limit` of tight allows"),
        "{refused}"
    );

    // What patterns name goes the same way.
    workspace.write("train.py", "def f():\n    pass\n");
    let loaded = slice("f", &["parts/*"], &lab).unwrap();
    assert_eq!(places(&loaded), expected);
    assert_eq!(
        slice("f", &["parts/*"], &tight)
            .unwrap_err()
            .code
            .to_string(),
        "HST014"
    );
}

#[test]
fn what_the_path_map_names_is_read_where_it_lies() {
    let source = "\
import os, sys
from pathlib import Path
YEARS = ['1999', '2000']
def f():
    one = open('data/survey/1999.csv'), open('data/own.csv'), open(Path(__file__).parent / 'data/survey/gone.csv')
    all = os.listdir('data/survey'), [open(f'data/survey/{year}.csv') for year in YEARS]
    over_there = open('/lab/survey/2000.csv'), open('/lab2/x.csv')
    here = open('/home/ada/tables/x.csv'), open('/home/ada/other.csv')
    return open('weights.bin')
";
    let workspace = Workspace::new(&[
        ("train.py", source),
        ("data/own.csv", "1"),
        ("data/survey/1999.csv", "2"),
    ]);
    let paths = [
        ("data/survey", "/lab/survey"),
        ("weights.bin", "$SCRATCH/weights.bin"),
        ("/home/ada/tables", "/lab/tables"),
    ];
    let rules = DataRules {
        target: "lab".to_owned(),
        paths: paths
            .iter()
            .map(|(here, there)| (here.into(), (*there).to_owned()))
            .collect(),
        ..DataRules::default()
    };
    let found = workspace.findings_with("train.py", &going_to(rules.clone()));
    insta::assert_snapshot!(lines(source, &found));
    let wanted = ["data/survey/*.csv".to_owned()];
    let slice = workspace.wished("train.py", "f", &wanted, &rules).unwrap();
    let files: Vec<&str> = slice.files.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(files, ["data/own.csv", "train.py"]);
    let there: Vec<String> = slice
        .there
        .iter()
        .map(|there| {
            let place = there.place.as_deref().unwrap_or("-");
            format!("{place} {} {:?}", there.path, there.needs)
        })
        .collect();
    assert_eq!(
        there,
        [
            "- /lab/survey/2000.csv [\"\"]",
            "data/survey /lab/survey [\"\", \"1999.csv\", \"gone.csv\"]",
            "weights.bin $SCRATCH/weights.bin [\"\"]",
        ]
    );
    let told: Vec<&str> = slice
        .findings
        .iter()
        .map(|finding| finding.message.as_str())
        .collect();
    assert_eq!(told.len(), 3, "{told:#?}");
}

/// What several functions need is judged for the targets of them all.
#[test]
fn a_file_is_judged_for_every_target_that_its_statement_meets() {
    let source = "\
def read(year):
    table = open('big.bin')
                 ^^^^^^^^^ HST036
                 ^^^^^^^^^ HST036
    own = open('own.csv')
               ^^^^^^^^^ HST036
    gone = open('survey/gone.csv')
                ^^^^^^^^^^^^^^^^^ HST012
                ^^^^^^^^^^^^^^^^^ HST036
    over_there = open('/lab/x.csv')
                      ^^^^^^^^^^^^ HST013
                      ^^^^^^^^^^^^ HST036
    huge = open('huge.bin')
                ^^^^^^^^^^ HST014
                ^^^^^^^^^^ HST036
    return open(f'survey/{year}.csv')
                ^^^^^^^^^^^^^^^^^^^^ HST042 Let survey/*.csv travel

# hoist: data=maps/*.csv
def plain():
    ^^^^^ HST012
    return read(1)

# hoist: target=lab data=maps/*.csv
def at_the_lab():
    return read(2), open('survey/1999.csv')
                         ^^^^^^^^^^^^^^^^^ HST036

# hoist: target=tight
def where_it_is_tight():
    return read(3)
";
    let files = [("own.csv", "1"), ("survey/1999.csv", "2")];
    let workspace = Workspace::new(&files);
    sized(&workspace, "big.bin", 11 << 20);
    sized(&workspace, "huge.bin", 2 << 30);
    let rules = |target: &str| DataRules {
        target: target.to_owned(),
        ..DataRules::default()
    };
    let mut settings = going_to(rules("local"));
    let paths = [
        ("survey", "/lab/survey"),
        ("maps", "/lab/maps"),
        ("/x", "/lab"),
    ];
    let lab = DataRules {
        paths: paths
            .map(|(here, there)| (here.into(), there.to_owned()))
            .into(),
        ..rules("lab")
    };
    let tight = DataRules {
        store_from: None,
        limit: Some(1 << 30),
        ..rules("tight")
    };
    for rules in [lab, tight] {
        settings.data_rules.insert(rules.target.clone(), rules);
    }
    assert_eq!(marked(&workspace, source, &settings), source);
    let found = workspace.findings_with("train.py", &settings);
    insta::assert_snapshot!(lines(&unmarked(source), &found));

    // Rules that come to the same make one sentence, and a target that nobody knows makes none.
    settings.data_rules = ["local", "lab", "tight"]
        .map(|target| (target.to_owned(), rules(target)))
        .into();
    let found = workspace.findings_with("train.py", &settings);
    insta::assert_snapshot!("equal_rules", lines(&unmarked(source), &found));
    settings.data_rules.remove("lab");
    settings.data_rules.remove("tight");
    let found = workspace.findings_with("train.py", &settings);
    insta::assert_snapshot!("one_is_known", lines(&unmarked(source), &found));
}

#[test]
fn what_no_volume_of_a_pod_has_must_be_in_its_image() {
    let source = "def f():\n    return open('a/x'), open('b/x'), open('/lab/y'), open('c')\n";
    let workspace = Workspace::new(&[("train.py", source)]);
    let paths = [
        ("a", "/lab/a"),
        ("b", "/opt/b"),
        ("/l", "/lab"),
        ("c", "$SCRATCH/c"),
    ];
    let rules = DataRules {
        target: "pods".to_owned(),
        paths: paths
            .map(|(here, there)| (here.into(), there.to_owned()))
            .into(),
        volumes: Some(vec!["/lab".to_owned()]),
        ..DataRules::default()
    };
    let found = workspace.findings_with("train.py", &going_to(rules));
    insta::assert_snapshot!(lines(source, &found));
}

#[test]
fn a_missing_file_that_lies_elsewhere_is_named_there() {
    let source = "\
def f():
    open('data.csv')
         ^^^^^^^^^^ HST012 Read tables/data.csv, which is there
    open('readme.md')
         ^^^^^^^^^^^ HST012 Read README.md, which is there
    open('work/README.md')
         ^^^^^^^^^^^^^^^^ HST012 Read README.md, which is there
    open('twice.csv')
         ^^^^^^^^^^^ HST012
    open('nowhere.csv')
         ^^^^^^^^^^^^^ HST012
    open('../beside.csv')
         ^^^^^^^^^^^^^^^ HST037 Copy it to beside.csv and read that
    open('../bytes.bin')
         ^^^^^^^^^^^^^^ HST037
";
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap();
    std::fs::create_dir(root.join("work")).unwrap();
    std::fs::write(root.join("beside.csv"), "1,2\n").unwrap();
    std::fs::write(root.join("bytes.bin"), [0_u8, 255]).unwrap();
    let workspace = Workspace::at(root.join("work"), folder);
    for path in ["tables/data.csv", "a/twice.csv", "b/twice.csv", "README.md"] {
        std::fs::create_dir_all(workspace.path(path).parent().unwrap()).unwrap();
        workspace.write(path, "x");
    }
    assert_eq!(marked(&workspace, source, &Settings::default()), source);
    let text = unmarked(source);
    let found = workspace.findings("train.py");
    let fix = &found[5].fixes[0];
    assert!(apply(&text, &fix.edits).contains("open('beside.csv')"));
    let copy = &fix.elsewhere[0];
    assert_eq!(
        (copy.path.clone(), &copy.before),
        (workspace.path("beside.csv"), &None)
    );
    assert_eq!(apply("", &copy.edits), "1,2\n");
}

#[test]
fn what_the_code_writes_or_asks_for_is_not_missing() {
    let source = "\
import os
import numpy as np
import requests
from packaging.version import parse
from pathlib import Path

INPUT = os.path.join(os.path.dirname(__file__), 'input.txt')
META = os.path.join('data', 'meta.json')
release = 'v1.0'

def fetch():
    if not os.path.exists(INPUT):
        with open(INPUT, 'w') as file:
                  ^^^^^ HST048
            file.write(requests.get('https://example.org/x').text)
    Path('made.csv').write_text('1')
    np.savez_compressed('made.npz', x=1)
    return open(INPUT), open('made.csv'), parse(release), np.load('made.npz')

def read():
    if Path(META).exists():
        return open(META)
    return open('data/rates.json'), open(Path(__file__).parent / 'gone.txt')
                ^^^^^^^^^^^^^^^^^ HST012
                                         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ HST012
";
    let workspace = Workspace::new(&[]);
    std::fs::create_dir_all(workspace.path("")).unwrap();
    assert_eq!(marked(&workspace, source, &Settings::default()), source);
}

#[test]
fn a_file_that_counts_from_another_folder_is_told_as_that() {
    let source = "\
def f():
    return open('near.csv'), open('far.csv'), 'train.py'
";
    let workspace = Workspace::new(&[
        ("src/train.py", source),
        ("src/near.csv", "1"),
        ("far.csv", "2"),
    ]);
    assert_eq!(
        lines(source, &workspace.findings("src/train.py")),
        "2 hint HST036 `'near.csv'`: `src/near.csv` (1 B) travels with the job\n2 warning HST012 `'far.csv'`: `far.csv` counts from the workspace, but other files are read from `src`, where a job of this module begins: name it from there, or by a path from `__file__`"
    );
    // That the module names itself says nothing of where it begins.
    let source = source.replace("open('near.csv'), ", "");
    workspace.write("src/train.py", &source);
    let slice = workspace.slice("src/train.py", "f", None).unwrap();
    assert_eq!((slice.cwd.as_str(), slice.findings.len()), ("", 0));
}

#[test]
fn the_files_of_a_folder_are_told_together() {
    let source = "\
import os
from glob import glob
from pathlib import Path

def f():
    glob('/dev/tty*')
    glob('/scratch/*.csv')
    for path in (Path(__file__).parent / 'tables').glob('*.csv'):
        yield path
    yield from os.listdir('texts')
";
    let workspace = Workspace::new(&[
        ("train.py", source),
        ("tables/a.csv", "1"),
        ("tables/b.csv", "22"),
        ("texts/a.txt", "1"),
    ]);
    insta::assert_snapshot!(lines(source, &workspace.findings("train.py")), @r"
    5 information HST007 `f`: `f` is a generator: a run goes through it to its end, and the result is the list of what it yields
    7 warning HST013 `'/scratch/*.csv'`: `/scratch/*.csv` is an absolute path: it must exist on the cluster under the same name
    8 hint HST036 `Path(__file__).parent / 'tables'`: 2 files travel with the job, 3 B together, such as `tables/a.csv`
    10 hint HST036 `'texts'`: `texts/a.txt` (1 B) travels with the job
    ");
}

#[test]
fn patterns_stay_in_the_workspace() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap();
    std::fs::create_dir_all(root.join("work/sub")).unwrap();
    std::fs::write(root.join("beside.csv"), "1,2\n").unwrap();
    let workspace = Workspace::at(root.join("work"), folder);
    workspace.write("in.csv", "x");
    let source = "# hoist: data=../beside.csv\ndef f():\n    pass\n\n# hoist: data=../in.csv\ndef g():\n    pass\n";
    workspace.write("train.py", "from sub import a\n");
    workspace.write("hoist.toml", "");
    workspace.write("sub/a.py", source);
    let said = |name: &str| {
        let found = workspace.findings(name);
        found
            .iter()
            .map(|one| one.message.replace(&format!("{}/", root.display()), ""))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        said("sub/a.py"),
        ["no file matches `../beside.csv`, which `data` names; correct the pattern"]
    );
    workspace.write("train.py", &source.replace("../in", "in"));
    let outside = "`beside.csv` is named by `data`, but lies outside of the workspace and does not travel; move it into the workspace";
    assert_eq!(said("train.py"), [outside]);
    let slice = workspace.slice("train.py", "f", None).unwrap();
    assert_eq!(slice.files.len(), 1);
    assert!(slice.findings[0].message.ends_with(&outside[12..]));
}

#[test]
fn only_what_is_surely_a_file_is_missing() {
    let source = "\
import ast
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import spacy
import torch
from packaging import version

HERE = Path(__file__).parent
OUT = HERE / 'out.txt'


def load(name):
    return name


def read(archive, path):
    spacy.load('en_core_web_sm')
    torch.hub.load('pytorch/vision', 'resnet18')
    ast.parse('a + b.c')
    version.parse('1.0.dev1')
    load('weights.npy')
    archive.open('member.txt')
    path.open('r')
    OUT.open('w').write('')
    (HERE / 'log.bin').open('wb').write(b'')
    try:
        open('maybe.txt').read()
    except (KeyError, FileNotFoundError):
        pass
    open('/proc/cpuinfo').read()
    open('/dev/null').read()


def missing():
    np.load('weights.npy')
    ET.parse('plan.xml')
    (HERE / 'in.txt').open('rb').read()
    OUT.open().read()
    try:
        open('rates.txt').read()
    except KeyError:
        pass
    open('/scratch/me/rates.txt').read()
";
    let workspace = Workspace::new(&[("train.py", source)]);
    let told: Vec<String> = workspace
        .findings("train.py")
        .iter()
        .filter(|finding| ["HST012", "HST013"].contains(&finding.code.to_string().as_str()))
        .map(|finding| source[finding.range.clone()].to_owned())
        .collect();
    assert_eq!(
        told,
        [
            "'weights.npy'",
            "'plan.xml'",
            "HERE / 'in.txt'",
            "OUT",
            "'rates.txt'",
            "'/scratch/me/rates.txt'",
        ]
    );
}

#[test]
fn a_file_that_a_mock_stands_for_is_not_missing() {
    for mock in [
        "from unittest.mock import mock_open, patch",
        "import builtins; builtins.open = lambda name: name",
        "def test(monkeypatch): monkeypatch.setattr('builtins.open', print)",
        "import builtins\ndef test(monkeypatch): monkeypatch.setattr(builtins, \"open\", print)",
        "from pyfakefs.fake_filesystem_unittest import TestCase",
    ] {
        let source = format!("{mock}\n\ndef f():\n    return open('gone.txt').read()\n");
        assert!(!said(&source).contains("HST012"), "{mock}");
    }
    let source = "import builtins\n\ndef f():\n    return builtins.len(open('gone.txt').read())\n";
    assert!(said(source).contains("HST012"), "{}", said(source));
}

#[test]
fn a_helper_may_return_a_lambda() {
    let source = "\
class Steps:
    def step(self):
        return lambda x: x


def scaled(factor):
    def make():
        return lambda x: x * factor
    return make()(3)
";
    assert!(!said(source).contains("HST045"), "{}", said(source));
}

#[test]
fn a_result_is_followed_through_names_and_nested_functions() {
    let source = "\
import functools


def named():
    key = other = lambda x: x
    return {'key': key}, other


def by_any_path(flag):
    if flag:
        key: object = lambda x: x
    else:
        key = lambda x: -x
    return key


def made():
    class Step:
        size = 1
        def go(self): pass
    step = Step()
    return [step]


@functools.cache
def called():
    def make():
        return lambda x: x
    return make()


def yielded():
    yield lambda x: x
    return lambda x: x
";
    insta::assert_snapshot!("followed", said(source));
}

#[test]
fn what_may_come_back_after_all_is_no_text() {
    let source = "\
import contextlib


def maybe(flag):
    key = None
    if flag:
        key = lambda x: x
    return key


def counted(xs):
    key = lambda x: x
    for key in xs: pass
    return key


def replaced(xs):
    key = lambda x: x
    with open('f') as key: pass
    return key


def unpacked():
    key, other = lambda x: x, 1
    return other


def a_list():
    class Rows(list): pass
    class Row:
        def __reduce__(self): return (int, ())
    class Odd:
        def __new__(cls): return 1
    class Named(metaclass=type): pass
    class Taken:
        __reduce__ = Row.__reduce__
    return Rows(), Row(), Odd(), Named(), Taken()


@contextlib.contextmanager
def decorated():
    return lambda x: x


def deep(flag):
    def make():
        if flag:
            return lambda x: x
    async def later():
        return lambda x: x
    def each():
        yield 1
        return lambda x: x
    return make(), later(), each(), make


def given(key):
    return key


def circle():
    key = key
    return key
";
    assert!(!said(source).contains("HST045"), "{}", said(source));
}

#[test]
fn a_module_that_puts_names_into_itself_may_bring_any() {
    let source = "\
from codes import *

def first():
    return ASSERT
";
    let codes = |text: &str| {
        let workspace = Workspace::new(&[("train.py", source), ("codes.py", text)]);
        lines(source, &workspace.findings("train.py"))
    };
    let told = codes("globals().update({'ASSERT': 1})\n");
    assert!(!told.contains("HST004"), "{told}");
    let told = codes("OTHER = 1\n");
    assert!(told.contains("4 error HST004 `ASSERT`"), "{told}");
}

#[test]
fn what_is_written_beside_the_module_stays_with_the_job() {
    let source = "\
import os
from pathlib import Path

HERE = Path(__file__).parent
OUT = HERE / 'out'

def kept(rows):
    OUT.mkdir(exist_ok=True)
    (HERE / 'rows.csv').write_text(rows)
    with open(os.path.join(os.path.dirname(__file__), 'log.txt'), 'a') as log:
        log.write(rows)

def read():
    os.makedirs('here')
    open('there.csv', 'w').close()
    return Path(__file__).read_text(), open(HERE / 'train.py').read(), HERE.exists()

if __name__ == '__main__':
    (HERE / 'rows.csv').write_text('')
";
    insta::assert_snapshot!("written", said(source));
    let source = "\
from pathlib import Path

def lost(rows):
    (Path(__file__).parents[2] / 'rows.csv').write_text(rows)
";
    let said = said(source);
    let place = "4 warning HST048 `Path(__file__).parents[2] / 'rows.csv'`: `";
    assert!(said.starts_with(place), "{said}");
    assert!(said.contains("out of what travels"), "{said}");
}
