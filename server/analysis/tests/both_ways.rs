//! Programmes run both ways: the entry in its whole module, and in its slice. Both must give the same.
//!
//! The programmes of `tests/programmes` stand one after the other under lines `### NAME: CALL`. A line that ends in `#-`
//! must not travel. Below a line `--- FILE` stands another file of the programme.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use support::{Workspace, run_all, run_whole};

struct Case {
    name: String,
    entry: String,
    args: String,
    source: String,
    /// The other files.
    others: Vec<(String, String)>,
}

fn cases(text: &str) -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    for line in text.lines() {
        if let Some(head) = line.strip_prefix("### ") {
            let (name, call) = head.rsplit_once(": ").unwrap();
            let (entry, args) = call.split_once('(').unwrap();
            cases.push(Case {
                name: name.to_owned(),
                entry: entry.to_owned(),
                args: args.strip_suffix(')').unwrap().to_owned(),
                source: String::new(),
                others: Vec::new(),
            });
        } else if let Some(file) = line.strip_prefix("--- ") {
            let case = cases.last_mut().unwrap();
            case.others.push((file.to_owned(), String::new()));
        } else {
            let case = cases.last_mut().unwrap();
            let others = case.others.last_mut().map(|(_, text)| text);
            let text = others.unwrap_or(&mut case.source);
            text.push_str(line);
            text.push('\n');
        }
    }
    cases
}

/// The lines that should not travel and do.
fn dragged(source: &str, slice: &str) -> Vec<String> {
    source
        .lines()
        .zip(slice.lines())
        .filter(|(line, kept)| line.ends_with("#-") && *line == *kept)
        .map(|(line, _)| line.to_owned())
        .collect()
}

fn check(text: &str) {
    let mut wrong = Vec::new();
    let mut workspaces = Vec::new();
    let mut slices = Vec::new();
    let mut names = Vec::new();
    for case in cases(text) {
        let others = case.others.iter();
        let files: Vec<(&str, &str)> = others
            .map(|(file, text)| (file.as_str(), text.as_str()))
            .chain([("train.py", case.source.as_str())])
            .collect();
        let workspace = Workspace::new(&files);
        match workspace.slice("train.py", &case.entry, Some(&case.args)) {
            Ok(slice) => {
                let text = String::from_utf8_lossy(slice.module_contents()).into_owned();
                let dragged = dragged(&case.source, &text);
                if !dragged.is_empty() {
                    wrong.push(format!("{}: kept {dragged:?}", case.name));
                }
                names.push((case.name.clone(), text));
                slices.push(slice);
                workspaces.push((workspace, case));
            }
            Err(refusal) => wrong.push(format!(
                "{}: refused {}: {}",
                case.name, refusal.code, refusal.message
            )),
        }
    }
    let whole: Vec<_> = workspaces
        .iter()
        .map(|(workspace, case)| (workspace, "train.py", &*case.entry, &*case.args))
        .collect();
    let whole = run_whole(&whole);
    for (((name, text), whole), slice) in names.into_iter().zip(whole).zip(run_all(&slices)) {
        if whole != slice {
            wrong.push(format!("{name}: whole {whole}, slice {slice}\n{text}"));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

#[test]
fn statements() {
    check(include_str!("programmes/statements.py"));
}

#[test]
fn objects() {
    check(include_str!("programmes/objects.py"));
}

#[test]
fn process() {
    check(include_str!("programmes/process.py"));
}

#[test]
fn names() {
    check(include_str!("programmes/names.py"));
}

#[test]
fn modules() {
    check(include_str!("programmes/modules.py"));
}

#[test]
fn star_imports() {
    let helper = "import math\n__all__ = ['a', '_b']\n__all__ += ['c']\n__all__.append('d')\n__all__.extend(('e', 'inner'))\na = _b = c = d = e = 1\nhidden = 2\nfrom pkg.inner import *\n";
    let files = [
        ("helper.py", helper),
        (
            "plain.py",
            "from math import *\nimport os as _os\nvalue = 3\n_private = 4\ndef shared(): return 'plain'\n",
        ),
        (
            "computed.py",
            "import plain\n__all__ = [n for n in ('x', 'y')]\nx = 5\ny = 6\n",
        ),
        (
            "joined.py",
            "import plain\nfrom pkg import inner\n__all__ = ['own'] + inner.__all__ + ['other']\nown = other = 7\nfrom pkg.inner import *\n",
        ),
        (
            "pkg/__init__.py",
            "from .inner import *\nfrom . import inner\n__all__ = inner.__all__\n",
        ),
        (
            "pkg/inner.py",
            "__all__ = ('inner',)\ndef inner(): return 'inner'\n",
        ),
    ];
    let programmes = [
        (
            "from helper import *\nfrom plain import *\ndef f(): return a, _b, c, d, e, inner(), value, floor(1.5)\n",
            "f",
        ),
        (
            "try:\n    from helper import *\nexcept ImportError:\n    a = 0\nif True:\n    from plain import *\ndef f(): return a, value\n",
            "f",
        ),
        ("from computed import *\ndef f(): return x + y\n", "f"),
        (
            "from joined import *\ndef f(): return own, other, inner()\n",
            "f",
        ),
        (
            "from pkg import *\nfrom pkg.inner import *\ndef f(): return inner()\n",
            "f",
        ),
        (
            "from plain import *\ndef shared(): return 'mine'\ndef f(): return shared()\n",
            "f",
        ),
        (
            "def shared(): return 'mine'\nfrom plain import *\ndef f(): return shared()\n",
            "f",
        ),
        (
            "import sys\nsys.path.insert(0, 'pkg')\nfrom pkg.inner import *  \nfrom computed import *\ndef f(): return inner()\n",
            "f",
        ),
    ];
    let mut wrong = Vec::new();
    let mut workspaces = Vec::new();
    let mut slices = Vec::new();
    for (source, entry) in &programmes {
        let all: Vec<_> = files
            .iter()
            .copied()
            .chain([("train.py", *source)])
            .collect();
        let workspace = Workspace::new(&all);
        match workspace.slice("train.py", entry, None) {
            Ok(slice) => {
                let text = String::from_utf8_lossy(slice.module_contents()).into_owned();
                wrong.extend(dragged(source, &text));
                slices.push(slice);
                workspaces.push(workspace);
            }
            Err(refusal) => wrong.push(format!("{source}: refused {}", refusal.message)),
        }
    }
    let whole: Vec<_> = workspaces
        .iter()
        .map(|workspace| (workspace, "train.py", "f", ""))
        .collect();
    for (index, (whole, slice)) in run_whole(&whole)
        .into_iter()
        .zip(run_all(&slices))
        .enumerate()
    {
        if whole != slice {
            wrong.push(format!("{index}: whole {whole}, slice {slice}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
