//! Real files of the standard library, broken: cut off, spliced, with pieces mutated. Whatever comes of them, the analysis answers,
//! soon and without a panic, with places that lie in the text. `HOIST_FUZZ` is the number of texts, `HOIST_SEED` where the numbers
//! begin.
#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use hoist_analysis::{
    Disk, EntrySpec, Module, findings, hoist_edits, runnables, slice, slice_anyway,
};
use hoist_syntax::Document;

/// What is put in.
const PUT: &[&str] = &[
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "'",
    "\"\"\"",
    "#",
    ":",
    ",",
    "\\\n",
    "\n",
    "    ",
    "\t",
    "\r",
    "é😀",
    "\0",
    "@",
    "*",
    "=",
    "def ",
    "class ",
    "lambda ",
    "async ",
    "await ",
    "yield ",
    "import ",
    "from . import *\n",
    "global ",
    "nonlocal ",
    "if ",
    "else:\n",
    "try:\n",
    "except ",
    "with ",
    "for x in ",
    "return ",
    "match x:\n",
    "case ",
    "del ",
    "type X = ",
    "__name__ == '__main__'",
    "# hoist: ",
    "# hoist: args(",
    "ignore[HST",
    "super()",
    "f'{",
    "u'\\ud800'",
];

/// Longer than any of these takes, on a busy machine and without optimisation.
const PATIENCE: Duration = Duration::from_secs(20);

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |given| given.parse().unwrap())
}

/// Numbers that look random and are the same each time (Knuth's linear congruential generator).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit.max(1)
    }

    fn place(&mut self, text: &str) -> usize {
        text.floor_char_boundary(self.below(text.len() + 1))
    }
}

fn texts() -> Vec<String> {
    let words = [
        "-c",
        "import sysconfig; print(sysconfig.get_paths()['stdlib'])",
    ];
    let output = Command::new("python3").args(words).output().unwrap();
    let folder = PathBuf::from(String::from_utf8(output.stdout).unwrap().trim());
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "py"))
        .collect();
    files.sort();
    let texts: Vec<String> = files
        .iter()
        .filter_map(|file| std::fs::read_to_string(file).ok())
        .filter(|text| text.len() < 40_000)
        .collect();
    assert!(texts.len() > 50, "there are files to break");
    texts
}

fn broken(random: &mut Random, texts: &[String]) -> String {
    let mut text = texts[random.below(texts.len())].clone();
    // A part of a file, so that there are many in little time.
    let start = random.place(&text);
    let end = text.floor_char_boundary((start + 200 + random.below(6_000)).min(text.len()));
    let start = text[..start].rfind('\n').map_or(0, |at| at + 1);
    text = text[start..end].to_owned();
    for _ in 0..random.below(4) {
        let at = random.place(&text);
        match random.below(4) {
            0 => text.truncate(at),
            1 => {
                let other = &texts[random.below(texts.len())];
                let from = random.place(other);
                let to = other.floor_char_boundary((from + random.below(300)).min(other.len()));
                text.insert_str(at, &other[from..to]);
            }
            2 => {
                let to = text.floor_char_boundary((at + random.below(80)).min(text.len()));
                text.replace_range(at..to, "");
            }
            _ => text.insert_str(at, PUT[random.below(PUT.len())]),
        }
    }
    text
}

#[test]
fn broken_files_are_analysed_without_a_panic() {
    let seed = number("HOIST_SEED", 1);
    let count = number("HOIST_FUZZ", 250);
    let mut random = Random(seed);
    let texts = texts();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("broken.py");
    for done in 0..count {
        let text = broken(&mut random, &texts);
        let shown = format!("HOIST_SEED={seed}, text {done}");
        let start = Instant::now();
        let looked = std::panic::catch_unwind(|| look(folder.path(), &path, &text));
        if looked.is_err() || start.elapsed() > PATIENCE {
            let kept = std::env::temp_dir().join("hoist-fuzz.py");
            std::fs::write(&kept, &text).unwrap();
            panic!("{shown}, {:?}, kept in {}", start.elapsed(), kept.display());
        }
    }
}

fn look(workspace: &Path, path: &Path, text: &str) {
    let document = Document::new(text.to_owned());
    let module = Module {
        path,
        document: &document,
        workspace,
        environment: None,
    };
    for finding in findings(&module, &Disk) {
        assert!(text.get(finding.range.clone()).is_some(), "{finding:?}");
        for edit in finding.fixes.iter().flat_map(|fix| &fix.edits) {
            assert!(text.get(edit.range.clone()).is_some(), "{edit:?}");
        }
    }
    let all = runnables(&module);
    for runnable in &all {
        assert!(text.get(runnable.range.clone()).is_some(), "{runnable:?}");
        assert!(
            text.get(runnable.name_range.clone()).is_some(),
            "{runnable:?}"
        );
    }
    let scopes = document.scopes();
    for id in scopes.functions() {
        hoist_edits(&document, &scopes.get(id).qualname);
    }
    for runnable in all.iter().take(3) {
        drop(slice(&module, &Disk, &runnable.entry, None));
        drop(slice_anyway(
            &module,
            &Disk,
            &runnable.entry,
            Some("1, *a, b=2"),
        ));
    }
    let last = document.lines().line_count();
    let entry = EntrySpec::Lines {
        // Line 0 is none; it must not matter.
        first: last / 2,
        last,
    };
    drop(slice_anyway(&module, &Disk, &entry, None));
}
