//! Files that the user names for a run, beside those that the code names: `# hoist: data=tables/*.csv` above a function that
//! travels, and `data = ["tables/*.csv"]` of the configuration.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::{Path, PathBuf};

use glob::{MatchOptions, Pattern};
use hoist_syntax::Document;
use hoist_syntax::words::Word;

use crate::data_rules::{Load, PathMap, Way};
use crate::files::Files;
use crate::runnables::directives_of;
use crate::slice::paths::tidy;
use crate::slice::{refuse, too_much, tree_path};
use crate::{
    Code, EntrySpec, FileKind, Finding, Module, Refusal, Severity, Slice, SliceFile, StoredFile,
    Wishes,
};

/// The most files that one pattern may name.
const MOST: usize = 2000;
/// The most files and folders that are looked at for one pattern.
const MOST_SEEN: usize = 100_000;
/// How deep below the folder of a pattern is looked.
const DEEPEST: usize = 16;

/// Adds the files that comments and the configuration name to a slice. A pattern that names nothing becomes a finding of the slice.
///
/// # Errors
/// All data files together are more than the configuration allows.
pub(crate) fn include(
    slice: &mut Slice,
    module: &Module<'_>,
    files: &dyn Files,
    wishes: &Wishes<'_>,
    entry: &EntrySpec,
) -> Result<(), Refusal> {
    let Some(base) = base_of(slice, module.path) else {
        return Ok(());
    };
    let rules = &wishes.rules;
    let map = PathMap::new(rules, module.workspace, &base);
    let mut wanted = of_configuration(wishes.data, module.workspace);
    for file in &slice.files {
        wanted.extend(wanted_by(file, module));
    }
    let packed = slice.files.iter().map(|file| file.path.clone());
    let stored = slice.stored.iter().map(|file| file.path.clone());
    let mut there: BTreeSet<String> = packed.chain(stored).collect();
    let packed = slice
        .files
        .iter()
        .filter(|file| file.kind == FileKind::Data)
        .map(|file| file.contents.len() as u64);
    let stored = slice.stored.iter().map(|file| file.len);
    let mut load = Load::new(rules, packed.sum(), stored.sum());
    for wanted in &wanted {
        // What lies on the target is linked as a whole.
        if map.linked(&wanted.folder_of_all()).is_some() {
            continue;
        }
        let found = wanted.files(files);
        slice.findings.extend(found.trouble(&wanted.pattern));
        let limit = wanted.limit(module.workspace, &base);
        for path in found.files {
            let place = match tree_path(&base, &path) {
                Some(place) if path.starts_with(limit) => place,
                _ => {
                    slice.findings.push(outside(&path));
                    continue;
                }
            };
            if there.contains(&place) || map.linked(&path).is_some() {
                continue;
            }
            // Asked before it is read: it may be larger than the memory.
            let len = files.metadata(&path).map_or(0, |meta| meta.len);
            match load.take(len) {
                Way::Package => {}
                Way::Store => {
                    there.insert(place.clone());
                    slice.stored.push(StoredFile {
                        path: place,
                        origin: path,
                        len,
                        why: wanted.why.clone(),
                    });
                    continue;
                }
                Way::TooMuch(limit) => {
                    let message = too_much(&place, limit, &rules.target);
                    if !wishes.force {
                        let code = Code::TooLarge;
                        let mut refusal = refuse::refusal(code, message, None, 0..0, Some(entry));
                        refusal.can_force = true;
                        return Err(refusal);
                    }
                    slice.findings.push(about(Code::TooLarge, message));
                    break;
                }
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
            there.insert(place.clone());
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
    slice.stored.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(())
}

/// What is wrong with a pattern of the configuration, whatever files there are.
pub fn pattern_mistake(pattern: &str) -> Option<String> {
    if pattern.is_empty() {
        return Some(
            "an empty pattern names no file; write one such as \"tables/*.csv\"".to_owned(),
        );
    }
    let (folder, rest) = split(pattern);
    let leaves = folder.is_absolute()
        || pattern.contains('\\')
        || tidy(&folder).starts_with("..")
        || rest.split('/').any(|part| part == "..");
    if leaves {
        return Some(format!(
            "`{pattern}` does not stay in the workspace, and what lies outside of it does not travel: write it from the workspace's folder, with `/`"
        ));
    }
    let mistake = Pattern::new(&rest).err()?;
    Some(format!("`{pattern}` is no pattern: {}", mistake.msg))
}

/// The finding of a pattern of the configuration that does not name what it should; none when it does.
pub fn pattern_finding(files: &dyn Files, workspace: &Path, pattern: &str) -> Option<Finding> {
    matching(files, workspace, pattern).trouble(pattern)
}

/// The patterns of the configuration.
pub(crate) fn of_configuration(configured: &[String], workspace: &Path) -> Vec<Wanted> {
    let wanted = |pattern: &String| Wanted {
        pattern: pattern.clone(),
        folder: workspace.to_path_buf(),
        why: format!("`data` of the configuration names `{pattern}`"),
    };
    configured.iter().map(wanted).collect()
}

/// The patterns above those functions of a file whose names stand where `counts` says so, each with the name's place.
pub(crate) fn above_functions(
    document: &Document,
    path: &Path,
    counts: &dyn Fn(usize) -> bool,
) -> Vec<(Wanted, Range<usize>)> {
    if !document.words().have(Word::Hoist) {
        return Vec::new();
    }
    let scopes = document.scopes();
    let folder = path.parent().unwrap_or(Path::new("/"));
    let mut wanted = Vec::new();
    for id in scopes.functions() {
        let scope = scopes.get(id);
        if !counts(scope.name_range.start) {
            continue;
        }
        for pattern in directives_of(document, scope, &mut Vec::new()).data {
            let named = Wanted {
                why: format!("the comment above `{}` names `{pattern}`", scope.qualname),
                folder: folder.to_path_buf(),
                pattern,
            };
            wanted.push((named, scope.name_range.clone()));
        }
    }
    wanted
}

/// What a pattern that names no file is told.
fn missing(pattern: &str) -> Finding {
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

/// What a file that lies outside of the workspace is told.
pub(crate) fn outside(path: &Path) -> Finding {
    about(
        Code::OutsideWorkspace,
        format!(
            "`{}` is named by `data`, but lies outside of the workspace and does not travel; move it into the workspace",
            path.display()
        ),
    )
}

/// One pattern with the folder from which it counts.
pub(crate) struct Wanted {
    pub(crate) pattern: String,
    folder: PathBuf,
    why: String,
}

impl Wanted {
    /// The files that it names.
    pub(crate) fn files(&self, files: &dyn Files) -> Found {
        matching(files, &self.folder, &self.pattern)
    }

    /// The folder below which all lies that it can name.
    pub(crate) fn folder_of_all(&self) -> PathBuf {
        tidy(&self.folder.join(split(&self.pattern).0))
    }

    /// The folder in which all that it names must lie.
    pub(crate) fn limit<'f>(&self, workspace: &'f Path, base: &'f Path) -> &'f Path {
        match self.folder.starts_with(workspace) {
            true => workspace,
            // What stands beside the workspace, such as a project that is installed from there.
            false => base,
        }
    }
}

/// The files of a pattern.
pub(crate) struct Found {
    pub(crate) files: Vec<PathBuf>,
    /// There are more than may be looked at.
    is_cut: bool,
}

impl Found {
    /// What there is to say when it is not what the pattern's author meant.
    pub(crate) fn trouble(&self, pattern: &str) -> Option<Finding> {
        if self.is_cut {
            let message = format!(
                "`{pattern}`, which `data` names, means more files than may travel, so some are left out: name fewer, or put them on the cluster and give their path there"
            );
            return Some(about(Code::TooLarge, message));
        }
        self.files.is_empty().then(|| missing(pattern))
    }
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
    let lines = document.lines();
    let counts = |at: usize| {
        let line = lines.line_of(at) as usize;
        !is_own || kept.get(line).copied().unwrap_or(false)
    };
    let wanted = above_functions(&document, &file.origin, &counts);
    wanted.into_iter().map(|(wanted, _)| wanted).collect()
}

/// The files that a pattern names, from a folder; a folder that it names stands for all that lies in it. Hidden files are
/// named only by patterns that say so.
fn matching(files: &dyn Files, folder: &Path, pattern: &str) -> Found {
    let (fixed, rest) = split(pattern);
    let start = tidy(&folder.join(&fixed));
    let only = |files: Vec<PathBuf>| Found {
        files,
        is_cut: false,
    };
    if rest.is_empty() {
        return match files.metadata(&start) {
            Ok(meta) if meta.is_file => only(vec![start]),
            Ok(meta) if meta.is_dir => below(files, &start, &|_| true),
            _ => only(Vec::new()),
        };
    }
    let Ok(pattern) = Pattern::new(&rest) else {
        return only(Vec::new());
    };
    below(files, &start, &|path| pattern.matches_with(path, OPTIONS))
}

const OPTIONS: MatchOptions = MatchOptions {
    case_sensitive: true,
    require_literal_separator: true,
    require_literal_leading_dot: true,
};

/// The folder of a pattern, and what is left of it from its first part with a wildcard on.
fn split(pattern: &str) -> (PathBuf, String) {
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

/// Is a folder one whose files are not meant by a pattern that names a folder above it?
fn is_skipped(folder: &str) -> bool {
    folder.starts_with('.') || folder == "__pycache__"
}

/// The files below a folder whose path from there is wanted.
fn below(files: &dyn Files, start: &Path, wants: &dyn Fn(&str) -> bool) -> Found {
    let mut found = Vec::new();
    let mut is_cut = false;
    let mut seen = 0;
    let mut waiting = vec![(start.to_path_buf(), String::new(), 0)];
    'folders: while let Some((folder, prefix, depth)) = waiting.pop() {
        for (name, is_dir) in files.list(&folder).unwrap_or_default() {
            seen += 1;
            let relative = format!("{prefix}{name}");
            let path = folder.join(&name);
            if seen > MOST_SEEN {
                is_cut = true;
                break 'folders;
            }
            if is_dir {
                // Links may lead around in circles.
                if !is_skipped(&name) && depth < DEEPEST {
                    waiting.push((path, relative + "/", depth + 1));
                }
            } else if wants(&relative) {
                if found.len() >= MOST {
                    is_cut = true;
                    break 'folders;
                }
                found.push(path);
            }
        }
    }
    found.sort();
    Found {
        files: found,
        is_cut,
    }
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
                .files
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
