//! The files of items in a workspace: what a function may be run over.

use std::collections::{HashSet, VecDeque};
use std::path::Path;

use hoist_analysis::Files;

/// Ends of names of files that hold a JSON value a line.
const ENDS: [&str; 2] = [".jsonl", ".ndjson"];

/// Nobody chooses among more.
const MOST_FILES: usize = 200;

/// So many folders are looked into.
const MOST_FOLDERS: usize = 4_000;

/// Their paths relative to the workspace: first those beside the module, then the others from the outermost inwards. Hidden
/// folders and those of tools and environments are left out.
pub(super) fn find(files: &dyn Files, workspace: &Path, beside: Option<&Path>) -> Vec<String> {
    let mut found: Vec<(bool, usize, String)> = Vec::new();
    let mut folders = VecDeque::from([(workspace.to_owned(), 0)]);
    let mut looked = HashSet::new();
    while let Some((folder, depth)) = folders.pop_front() {
        if looked.len() >= MOST_FOLDERS || found.len() >= MOST_FILES {
            break;
        }
        // A link may lead upwards.
        if !looked.insert(files.real(&folder).unwrap_or_else(|_| folder.clone())) {
            continue;
        }
        let Ok(names) = files.list(&folder) else {
            continue;
        };
        if depth > 0 && names.iter().any(|(name, _)| name == "pyvenv.cfg") {
            continue;
        }
        for (name, is_folder) in names {
            let path = folder.join(&name);
            if is_folder && !is_left_out(&name) {
                folders.push_back((path, depth + 1));
            } else if !is_folder && ENDS.iter().any(|end| name.ends_with(end)) {
                let is_elsewhere = Some(folder.as_path()) != beside;
                let shown = path.strip_prefix(workspace).unwrap_or(&path);
                found.push((is_elsewhere, depth, shown.display().to_string()));
            }
        }
    }
    found.sort();
    found.truncate(MOST_FILES);
    found.into_iter().map(|(_, _, path)| path).collect()
}

fn is_left_out(name: &str) -> bool {
    name.starts_with('.') || matches!(name, "node_modules" | "__pycache__" | "site-packages")
}

#[cfg(test)]
mod tests {
    use hoist_analysis::Disk;

    use super::*;

    #[test]
    fn those_beside_the_module_come_first_and_those_of_tools_never() {
        let root = tempfile::tempdir().expect("a folder");
        let files = [
            "z.jsonl",
            "lab/deep/b.jsonl",
            "lab/a.ndjson",
            "lab/train.py",
            "lab/more.json",
            ".cache/c.jsonl",
            "node_modules/d.jsonl",
            "env/pyvenv.cfg",
            "env/lib/e.jsonl",
        ];
        for name in files {
            let path = root.path().join(name);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            std::fs::write(path, "").expect("written");
        }
        std::os::unix::fs::symlink(root.path(), root.path().join("lab/deep/up")).expect("linked");
        let found = find(&Disk, root.path(), Some(&root.path().join("lab")));
        assert_eq!(found, ["lab/a.ndjson", "z.jsonl", "lab/deep/b.jsonl"]);
    }
}
