//! What there is to say about the files that the code of a module names.

use std::ops::Range;
use std::path::{Path, PathBuf};

use super::computed;
use super::data::{self, LARGEST, Mention};
use super::paths::{Named, tidy};
use super::tree_path;
use crate::files::Files;
use crate::modules::Standing;
use crate::python::{Source, constant_text, expression};
use crate::runnables::directives_of;
use crate::{Code, Edit, Finding, Fix, Module, Settings, Severity, include};

/// Adds what there is to say about the files that a module names, whatever its entry.
pub(super) fn named(
    module: &Module<'_>,
    files: &dyn Files,
    source: &Source,
    standing: &Standing,
    found: &mut Vec<Finding>,
) {
    let folder = module.path.parent().unwrap_or(Path::new("/"));
    let base = &standing.base;
    let mentions = data::mentions(module.path, source.body(), &|_| true);
    let (foreign, mentions): (Vec<Mention>, Vec<Mention>) = mentions
        .into_iter()
        .partition(|mention| mention.read && is_foreign(&mention.named));
    let mut say = |code, severity, message: String, range: Range<usize>, fixes: Vec<Fix>| {
        found.push(Finding {
            code,
            severity,
            message,
            range,
            entry: None,
            fixes,
        });
    };
    for mention in &foreign {
        let Named::Text(text) = &mention.named else {
            continue;
        };
        let message = if has_drive(text) {
            format!(
                "`{text}` is a path of Windows, which means nothing on a cluster: name the file relative to the module, so that it travels"
            )
        } else {
            format!(
                "`{text}` has backslashes, which part no folders on a cluster: write it with `/`"
            )
        };
        let fixes = with_slashes(source, &mention.range, text)
            .into_iter()
            .collect();
        say(
            Code::ForeignPath,
            Severity::Warning,
            message,
            mention.range.clone(),
            fixes,
        );
    }
    let located = data::locate(files, &mentions, (folder, module.workspace), base);
    // Where something stands in for `open`, nobody knows what a file's name finds.
    let missing = located.missing.into_iter();
    for (name, range) in missing.filter(|_| !stands_in_for_open(source.text())) {
        let message = format!(
            "`{name}` does not exist here, so it does not travel; a job has it only if it makes it itself"
        );
        say(
            Code::MissingData,
            Severity::Warning,
            message,
            range,
            Vec::new(),
        );
    }
    for (name, range) in located.absolute {
        let relative = from_folder(files, Path::new(&name), folder, module.workspace);
        let (message, fixes) = match relative {
            Some(relative) => (
                format!(
                    "`{name}` is an absolute path of this machine, but the file lies in the workspace: name it `{relative}`, so that it travels"
                ),
                replaced(
                    source,
                    &range,
                    &relative,
                    format!("Make the path relative: {relative}"),
                )
                .into_iter()
                .collect(),
            ),
            None => (
                format!(
                    "`{name}` is an absolute path: it must exist on the cluster under the same name"
                ),
                Vec::new(),
            ),
        };
        say(Code::AbsolutePath, Severity::Warning, message, range, fixes);
    }
    for (path, (len, range)) in located.found {
        let shown = tree_path(base, &path).unwrap_or_default();
        if len > LARGEST {
            let message = format!(
                "`{shown}` is {}, more than the {} that travel with a job; put it on the cluster and give its path there",
                size(len),
                size(LARGEST)
            );
            say(Code::TooLarge, Severity::Error, message, range, Vec::new());
        } else if mentions.iter().any(|mention| {
            // A path that counts from `__file__` says that a file is meant, wherever it is opened.
            let is_meant = matches!(mention.named, Named::File(_)) && path != module.path;
            mention.range == range && (mention.read || is_meant)
        }) {
            let message = format!("`{shown}` ({}) travels with the job", size(len));
            say(
                Code::DataTravels,
                Severity::Hint,
                message,
                range,
                Vec::new(),
            );
        }
    }
    for (path, range) in located.outside {
        let message = format!(
            "`{}` lies outside of the workspace and does not travel; move it into the workspace, or put it on the cluster and give its path there",
            path.display()
        );
        say(
            Code::OutsideWorkspace,
            Severity::Warning,
            message,
            range,
            Vec::new(),
        );
    }
}

/// Adds the places that read a file of a folder without saying which one, and the patterns of comments that name nothing.
pub(super) fn computed(
    module: &Module<'_>,
    files: &dyn Files,
    source: &Source,
    settings: &Settings,
    found: &mut Vec<Finding>,
) {
    let folder = module.path.parent().unwrap_or(Path::new("/"));
    let lines = source.document.lines();
    // Patterns above functions, with the folder that each begins in.
    let mut named: Vec<PathBuf> = settings
        .data
        .iter()
        .map(|pattern| tidy(&module.workspace.join(include::split(pattern).0)))
        .collect();
    if source.text().contains("hoist:") {
        for id in source.scopes.functions() {
            let scope = source.scopes.get(id);
            for pattern in directives_of(&source.document, scope, &mut Vec::new()).data {
                named.push(tidy(&folder.join(include::split(&pattern).0)));
                if include::matching(files, folder, &pattern).is_empty() {
                    found.push(Finding {
                        range: scope.name_range.clone(),
                        ..include::missing(&pattern)
                    });
                }
            }
        }
    }
    for place in computed::computed(module.path, source.body()) {
        let Some(path) = computed::folder_of(files, &place.folder, (folder, module.workspace))
        else {
            continue;
        };
        let shown = tree_path(folder, &path);
        let (true, Some(shown)) = (
            named
                .iter()
                .all(|named| !named.starts_with(&path) && !path.starts_with(named)),
            shown,
        ) else {
            continue;
        };
        let pattern = format!("{shown}/*{}", place.ending);
        let message = format!(
            "the file's name is computed when the code runs, so no file of `{shown}` travels for it: name them by `# hoist: data={pattern}` above the function"
        );
        let fix = function_around(source, place.range.start).map(|at| {
            let start = lines.line_start(lines.line_of(at));
            let indentation = source.text().get(start..at).unwrap_or_default();
            let line_break = if source.text().contains("\r\n") {
                "\r\n"
            } else {
                "\n"
            };
            let edit = Edit {
                range: start..start,
                text: format!("{indentation}# hoist: data={pattern}{line_break}"),
            };
            Fix::here(format!("Let {pattern} travel"), vec![edit])
        });
        found.push(Finding {
            code: Code::ComputedPath,
            severity: Severity::Information,
            message,
            range: place.range,
            entry: None,
            fixes: fix.into_iter().collect(),
        });
    }
}

/// Does a test put something else in the place of `open`, or of the whole file system?
fn stands_in_for_open(text: &str) -> bool {
    let open = ["open'", "open\"", "open =", "open=", "'open'", "\"open\""];
    text.contains("mock_open")
        || text.contains("pyfakefs")
        || text.match_indices("builtins").any(|(at, word)| {
            let behind = text.get(at + word.len()..).unwrap_or_default();
            let behind = behind.trim_start_matches(['.', ',', ' ']);
            open.iter().any(|written| behind.starts_with(written))
        })
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

/// A number of bytes as people say it.
fn size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{:.1} kB", bytes as f64 / 1e3),
        _ => format!("{:.1} MB", bytes as f64 / 1e6),
    }
}

/// `C:\data` or `C:/data`
fn has_drive(text: &str) -> bool {
    let mut chars = text.chars();
    chars.next().is_some_and(|c| c.is_ascii_alphabetic())
        && chars.next() == Some(':')
        && matches!(chars.next(), Some('/' | '\\'))
}

/// Is a path one that only Windows reads?
fn is_foreign(named: &Named) -> bool {
    let Named::Text(text) = named else {
        return false;
    };
    has_drive(text)
        || text.starts_with("\\\\")
        || text.contains('\\') && text.chars().all(|c| !c.is_control())
}

/// The literal with the parts of its path as every system reads them.
fn with_slashes(source: &Source, range: &Range<usize>, text: &str) -> Option<Fix> {
    if has_drive(text) || text.starts_with("\\\\") {
        return None;
    }
    let path = text.replace('\\', "/");
    replaced(
        source,
        range,
        &path,
        format!("Write the path with /: {path}"),
    )
}

/// The path of an existing file of the workspace as the module's code finds it: from the module's folder, else from the
/// workspace's.
fn from_folder(files: &dyn Files, path: &Path, folder: &Path, workspace: &Path) -> Option<String> {
    let path: PathBuf = tidy(path);
    if !files.metadata(&path).is_ok_and(|meta| meta.is_file) {
        return None;
    }
    tree_path(folder, &path).or_else(|| tree_path(workspace, &path))
}

/// Another text in place of a plain literal; none when it is no such literal.
fn replaced(source: &Source, range: &Range<usize>, text: &str, title: String) -> Option<Fix> {
    let old = source.text().get(range.clone())?;
    let literal = expression(old)?;
    constant_text(&literal)?;
    let quote = if old
        .trim_start_matches(['r', 'R', 'u', 'U'])
        .starts_with('\'')
    {
        '\''
    } else {
        '"'
    };
    if text.contains(['\\', quote, '\n']) {
        return None;
    }
    let edit = Edit {
        range: range.clone(),
        text: format!("{quote}{text}{quote}"),
    };
    Some(Fix::here(title, vec![edit]))
}
