//! Files that the user names for a run, beside those that the code names: `# hoist: data=tables/*.csv` above a function that
//! travels, and `data = ["tables/*.csv"]` of the configuration.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use glob::{MatchOptions, Pattern};
use hoist_syntax::Document;

use crate::files::Files;
use crate::runnables::directives_of;
use crate::slice::paths::tidy;
use crate::slice::{TOGETHER, tree_path};
use crate::{Code, FileKind, Finding, Module, Severity, Slice, SliceFile};

/// The most files that one pattern may name.
const MOST: usize = 2000;
/// How deep below the folder of a pattern is looked.
const DEEPEST: usize = 16;

/// Adds the files that comments and the configuration name to a slice. `configured` are patterns from the workspace. A pattern
/// that names nothing, and what is too much to travel, become findings of the slice.
pub fn include(slice: &mut Slice, module: &Module<'_>, files: &dyn Files, configured: &[String]) {
    let Some(base) = base_of(slice, module.path) else {
        return;
    };
    let mut wanted: Vec<Wanted> = configured
        .iter()
        .map(|pattern| Wanted {
            pattern: pattern.clone(),
            folder: module.workspace.to_path_buf(),
            why: format!("`data` of the configuration names `{pattern}`"),
        })
        .collect();
    for file in &slice.files {
        wanted.extend(wanted_by(file, module));
    }
    let mut there: BTreeMap<String, u64> = slice
        .files
        .iter()
        .map(|file| (file.path.clone(), file.contents.len() as u64))
        .collect();
    let mut sum: u64 = slice
        .files
        .iter()
        .filter(|file| file.kind == FileKind::Data)
        .map(|file| file.contents.len() as u64)
        .sum();
    for wanted in &wanted {
        let found = matching(files, &wanted.folder, &wanted.pattern);
        if found.is_empty() {
            slice.findings.push(missing(&wanted.pattern));
        }
        for path in found {
            let Some(place) = tree_path(&base, &path) else {
                slice.findings.push(about(
                    Code::OutsideWorkspace,
                    format!(
                        "`{}` is named by `data`, but lies outside of the workspace and does not travel; move it into the workspace",
                        path.display()
                    ),
                ));
                continue;
            };
            if there.contains_key(&place) {
                continue;
            }
            let contents = match files.read(&path) {
                Ok(contents) => contents,
                Err(error) => {
                    let message =
                        format!("`{place}` cannot be read ({error}), so it does not travel");
                    slice.findings.push(about(Code::Unreadable, message));
                    continue;
                }
            };
            sum += contents.len() as u64;
            if sum > TOGETHER {
                let message = format!(
                    "the data files are more than {} MB together with `{place}`, so it does not travel; put it on the cluster and give its path there",
                    TOGETHER / 1_000_000
                );
                slice.findings.push(about(Code::TooLarge, message));
                break;
            }
            there.insert(place.clone(), contents.len() as u64);
            slice.files.push(SliceFile {
                path: place,
                contents,
                origin: path,
                why: wanted.why.clone(),
                kind: FileKind::Data,
            });
        }
    }
    slice.files.sort_by(|a, b| a.path.cmp(&b.path));
}

/// What a pattern that names no file is told.
pub(crate) fn missing(pattern: &str) -> Finding {
    about(
        Code::MissingData,
        format!("no file matches `{pattern}`, which `data` names; correct the pattern"),
    )
}

fn about(code: Code, message: String) -> Finding {
    Finding {
        code,
        severity: Severity::Warning,
        message,
        range: 0..0,
        entry: None,
        fixes: Vec::new(),
    }
}

/// One pattern with the folder from which it counts.
struct Wanted {
    pattern: String,
    folder: PathBuf,
    why: String,
}

/// The folder that is the tree's top on this machine.
fn base_of(slice: &Slice, path: &Path) -> Option<PathBuf> {
    let depth = slice.module_file.split('/').count();
    path.ancestors().nth(depth).map(Path::to_path_buf)
}

/// The patterns above the functions of a file that travel.
fn wanted_by(file: &SliceFile, module: &Module<'_>) -> Vec<Wanted> {
    let text = match std::str::from_utf8(&file.contents) {
        Ok(text) if file.kind != FileKind::Data => text,
        _ => return Vec::new(),
    };
    let is_own = file.kind == FileKind::Slice;
    // A comment is no part of the slice, but its function's line is.
    let kept: Vec<bool> = text.lines().map(|line| !line.trim().is_empty()).collect();
    let document = if is_own {
        module.document.clone()
    } else {
        Document::new(text.to_owned())
    };
    if !document.text().contains("hoist:") {
        return Vec::new();
    }
    let scopes = document.scopes();
    let folder = file.origin.parent().unwrap_or(Path::new("/"));
    let mut wanted = Vec::new();
    for id in scopes.functions() {
        let scope = scopes.get(id);
        let line = document.lines().line_of(scope.name_range.start) as usize;
        if is_own && !kept.get(line).copied().unwrap_or(false) {
            continue;
        }
        for pattern in directives_of(&document, scope, &mut Vec::new()).data {
            wanted.push(Wanted {
                why: format!("the comment above `{}` names `{pattern}`", scope.qualname),
                folder: folder.to_path_buf(),
                pattern,
            });
        }
    }
    wanted
}

/// The files that a pattern names, from a folder; a folder that it names stands for all that lies in it. Hidden files are
/// named only by patterns that say so.
pub(crate) fn matching(files: &dyn Files, folder: &Path, pattern: &str) -> Vec<PathBuf> {
    let (fixed, rest) = split(pattern);
    let start = tidy(&folder.join(&fixed));
    if rest.is_empty() {
        return match files.metadata(&start) {
            Ok(meta) if meta.is_file => vec![start],
            Ok(meta) if meta.is_dir => below(files, &start, &|_| true),
            _ => Vec::new(),
        };
    }
    let Ok(pattern) = Pattern::new(&rest) else {
        return Vec::new();
    };
    let options = MatchOptions {
        case_sensitive: true,
        require_literal_separator: true,
        require_literal_leading_dot: true,
    };
    below(files, &start, &|path| pattern.matches_with(path, options))
}

/// The folder of a pattern, and what is left of it from its first part with a wildcard on.
pub(crate) fn split(pattern: &str) -> (PathBuf, String) {
    let parts: Vec<&str> = pattern.split('/').collect();
    let wild = parts
        .iter()
        .position(|part| part.contains(['*', '?', '[']))
        .unwrap_or(parts.len());
    let (fixed, rest) = parts.split_at(wild);
    let fixed = match fixed {
        [""] => "/".to_owned(),
        fixed => fixed.join("/"),
    };
    (PathBuf::from(fixed), rest.join("/"))
}

/// The files below a folder whose path from there is wanted.
fn below(files: &dyn Files, start: &Path, wants: &dyn Fn(&str) -> bool) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut waiting = vec![(start.to_path_buf(), String::new(), 0)];
    while let Some((folder, prefix, depth)) = waiting.pop() {
        for (name, is_dir) in files.list(&folder).unwrap_or_default() {
            let relative = format!("{prefix}{name}");
            let path = folder.join(&name);
            if is_dir {
                let is_skipped = name.starts_with('.') || name == "__pycache__";
                // Links may lead around in circles.
                if !is_skipped && depth < DEEPEST {
                    waiting.push((path, relative + "/", depth + 1));
                }
            } else if wants(&relative) {
                found.push(path);
                if found.len() >= MOST {
                    return found;
                }
            }
        }
    }
    found.sort();
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Disk;

    #[test]
    fn patterns_name_files_and_folders() {
        let folder = tempfile::tempdir().unwrap();
        for path in [
            "a.csv",
            "t/b.csv",
            "t/c.txt",
            "t/u/d.csv",
            "t/.hidden.csv",
            ".git/e.csv",
        ] {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "x").unwrap();
        }
        let named = |pattern: &str| -> Vec<String> {
            matching(&Disk, folder.path(), pattern)
                .iter()
                .map(|path| {
                    path.strip_prefix(folder.path())
                        .unwrap()
                        .display()
                        .to_string()
                })
                .collect()
        };
        assert_eq!(named("a.csv"), ["a.csv"]);
        assert_eq!(named("t/*.csv"), ["t/b.csv"]);
        assert_eq!(named("./t/*.csv"), ["t/b.csv"]);
        assert_eq!(named("**/*.csv"), ["a.csv", "t/b.csv", "t/u/d.csv"]);
        assert_eq!(named("t/u"), ["t/u/d.csv"]);
        assert_eq!(named("t/.*.csv"), ["t/.hidden.csv"]);
        assert_eq!(named("gone/*.csv"), Vec::<String>::new());
        assert_eq!(named("[").len(), 0);
    }
}
