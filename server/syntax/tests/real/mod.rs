//! Real files, and numbers that look random.
#![allow(dead_code)] // Not every test needs all of it.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Every so manieth file of the standard library at hand, those of one folder.
pub(crate) fn files(step: usize) -> Vec<PathBuf> {
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

/// The texts of such files.
pub(crate) fn texts(step: usize) -> Vec<String> {
    let texts: Vec<String> = files(step)
        .iter()
        .filter_map(|file| std::fs::read_to_string(file).ok())
        .collect();
    assert!(texts.len() > 5, "there are files to read");
    texts
}

/// Numbers that look random and are the same each time (Knuth's linear congruential generator).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit.max(1)
    }
}

/// A number that a variable of the environment gives.
pub(crate) fn number(name: &str, otherwise: usize) -> usize {
    match std::env::var(name) {
        Ok(given) => given
            .parse()
            .unwrap_or_else(|_| panic!("{name} is a number")),
        Err(_) => otherwise,
    }
}
