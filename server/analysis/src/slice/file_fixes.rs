//! Ways to let a file travel that does not yet.

use std::path::Path;

use super::paths::tidy;
use super::tree_path;
use crate::files::Files;
use crate::opening::line_break_of;
use crate::python::Source;
use crate::{Edit, FileChange, Fix};

/// The comment above the function around a place that lets the files of a pattern travel; none outside of functions.
pub(super) fn letting_travel(source: &Source, at: usize, pattern: &str) -> Option<Fix> {
    // The comment's values end at white space.
    if pattern.contains(char::is_whitespace) {
        return None;
    }
    let lines = source.document.lines();
    let function = function_around(source, at)?;
    let start = lines.line_start(lines.line_of(function));
    let indentation = source.text().get(start..function)?;
    let line_break = line_break_of(source.text());
    let edit = Edit {
        range: start..start,
        text: format!("{indentation}# hoist: data={pattern}{line_break}"),
    };
    Some(Fix::here(format!("Let {pattern} travel"), vec![edit]))
}

/// Where the outermost function around a place begins, decorators included: its comment goes above.
fn function_around(source: &Source, at: usize) -> Option<usize> {
    source
        .scopes
        .functions()
        .map(|id| &source.scopes.get(id).range)
        .filter(|range| range.contains(&at))
        .map(|range| range.start)
        .min()
}

/// The most folders that are looked into for a file that is not where its name says.
const MOST_FOLDERS: usize = 20;

/// The only file that may be meant by a name that leads nowhere, as the code finds it: one that is written the same but for
/// capital letters, else one of this name in the module's or the workspace's folder, or in one below.
pub(super) fn nearest(files: &dyn Files, name: &str, folders: (&Path, &Path)) -> Option<String> {
    if Path::new(name).is_absolute() {
        return None;
    }
    let path = tidy(&folders.0.join(name));
    let own = path.file_name()?.to_str()?;
    let list = |folder: &Path| files.list(folder).unwrap_or_default();
    let mut found: Vec<String> = list(path.parent()?)
        .into_iter()
        .filter(|(other, is_dir)| !is_dir && other.to_lowercase() == own.to_lowercase())
        .filter_map(|(other, _)| tree_path(folders.0, &path.with_file_name(other)))
        .collect();
    let tops = match folders.0 == folders.1 {
        true => vec![folders.0],
        false => vec![folders.0, folders.1],
    };
    if found.is_empty() {
        for top in tops {
            let below = list(top).into_iter().filter(|(folder, is_dir)| {
                *is_dir && !folder.starts_with('.') && folder != "__pycache__"
            });
            let below = below.take(MOST_FOLDERS).map(|(folder, _)| top.join(folder));
            for folder in std::iter::once(top.to_path_buf()).chain(below) {
                if list(&folder)
                    .iter()
                    .any(|(other, is_dir)| !is_dir && other == own)
                {
                    found.extend(tree_path(top, &folder.join(own)));
                }
            }
        }
        found.sort();
        found.dedup();
    }
    match found.as_slice() {
        [only] => Some(only.clone()),
        _ => None,
    }
}

/// The largest text that is copied into the workspace by a change of the editor's.
const LARGEST_COPY: u64 = 64 * 1024;

/// The change that puts a copy of a file beside the module, and its name there. Only of texts that an editor writes as they
/// are, and where nothing is in the way.
pub(super) fn copied(
    files: &dyn Files,
    path: &Path,
    folder: &Path,
) -> Option<(String, FileChange)> {
    let name = path.file_name()?.to_str()?.to_owned();
    let copy = folder.join(&name);
    if files.metadata(&copy).is_ok() || files.metadata(path).ok()?.len > LARGEST_COPY {
        return None;
    }
    let text = String::from_utf8(files.read(path).ok()?).ok()?;
    if text.contains(['\r', '\0']) || text.starts_with('\u{feff}') || text.is_empty() {
        return None;
    }
    let change = FileChange {
        path: copy,
        before: None,
        edits: vec![Edit { range: 0..0, text }],
    };
    Some((name, change))
}
