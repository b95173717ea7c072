//! Real files cut, spliced and with bytes left out: names are still read, and nothing panics.

use hoist_syntax::{Document, Encoding, Position, Range};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Every so manieth file of the standard library at hand, those of one folder.
fn files(step: usize) -> Vec<PathBuf> {
    let output = Command::new("python3")
        .args([
            "-c",
            "import sysconfig; print(sysconfig.get_paths()['stdlib'])",
        ])
        .output()
        .expect("python3 starts");
    let folder = String::from_utf8(output.stdout).expect("UTF-8");
    let entries = std::fs::read_dir(Path::new(folder.trim())).expect("the standard library");
    let mut files: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "py"));
    files.sort();
    files.into_iter().step_by(step).collect()
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
}

#[test]
fn broken_files_are_read_without_a_panic() {
    let mut random = Random(1);
    let texts: Vec<String> = files(12)
        .iter()
        .filter_map(|file| std::fs::read_to_string(file).ok())
        .collect();
    assert!(texts.len() > 5, "there are files to break");
    for text in &texts {
        let other = &texts[random.below(texts.len())];
        let mut place = |text: &str| text.floor_char_boundary(random.below(text.len()));
        let cut = &text[..place(text)];
        let spliced = format!("{cut}{}", &other[place(other)..]);
        let (one, two) = (place(text), place(text));
        let hole = format!(
            "{}{}",
            &text[..one.min(two)],
            &text[text.floor_char_boundary(one.min(two) + 40)..]
        );
        for broken in [cut.to_owned(), spliced, hole] {
            let mut document = Document::new(broken);
            for _ in 0..3 {
                let scopes = document.scopes();
                for (id, scope) in scopes.iter() {
                    assert!(
                        document.text().get(scope.range.clone()).is_some(),
                        "{:?}",
                        scope.range
                    );
                    scopes.captures(id);
                    scopes.definition_names(id);
                }
                scopes.globals(scopes.module());
                let line = random.below(document.lines().line_count() as usize) as u32;
                let range = Range::new(Position::new(line, 0), Position::new(line, 7));
                document.edit(
                    Some(range),
                    ["(", "'''", "def f(", "}", ":\n"][random.below(5)],
                    Encoding::Utf16,
                );
            }
            // What is too broken for Python is refused, and that is all.
            drop(document.check());
        }
    }
}
