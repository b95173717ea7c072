//! Which files a command is about, when it is given folders.

use std::ffi::OsString;
use std::fs::{self, DirEntry};
use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use hoist_analysis::{Disk, Remembered};
use hoist_jobs::is_config;

use super::Failure;

/// What is told of each file that is found, and of each folder that cannot be read; it may say that it is enough.
pub(super) type Found<'f> = dyn FnMut(Result<PathBuf, Failure>) -> ControlFlow<()> + 'f;

/// Is there something at a path?
pub(super) fn is_there(path: &Path) -> Result<(), Failure> {
    let meta = fs::metadata(path);
    meta.map(drop).map_err(|error| refused(path, &error))
}

/// The Python files of a path and the files of the configuration: itself, or all below a folder but those of environments,
/// caches and hidden folders. What lies in the folders is told to `known`.
pub(super) fn collect(path: &Path, known: &Remembered<Disk>, found: &mut Found) -> ControlFlow<()> {
    if fs::metadata(path).is_ok_and(|meta| !meta.is_dir()) {
        return found(Ok(path.to_owned()));
    }
    match list(path) {
        Ok(folder) => below(path, folder, known, found),
        Err(error) => found(Err(refused(path, &error))),
    }
}

fn refused(path: &Path, error: &io::Error) -> Failure {
    let why = match error.kind() {
        io::ErrorKind::NotFound => "there is no such file or folder".to_owned(),
        _ => format!("it cannot be read ({error})"),
    };
    Failure::refused(format!("{}: {why}", path.display()))
}

/// An entry of a folder.
struct Entry {
    name: OsString,
    /// It is a folder itself; a link to one may lead in a circle.
    is_folder: bool,
    /// It leads to a folder, or to a file.
    leads_to: Option<Lead>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Lead {
    Folder,
    File,
}

impl Entry {
    fn of(entry: &DirEntry) -> Option<Entry> {
        let kind = entry.file_type().ok()?;
        let lead = |is_folder, is_file| match (is_folder, is_file) {
            (true, _) => Some(Lead::Folder),
            (_, true) => Some(Lead::File),
            _ => None,
        };
        let leads_to = if kind.is_symlink() {
            let meta = fs::metadata(entry.path()).ok();
            meta.and_then(|meta| lead(meta.is_dir(), meta.is_file()))
        } else {
            lead(kind.is_dir(), kind.is_file())
        };
        Some(Entry {
            name: entry.file_name(),
            is_folder: kind.is_dir(),
            leads_to,
        })
    }
}

/// What is in a folder, by name.
fn list(folder: &Path) -> io::Result<Vec<Entry>> {
    let entries = fs::read_dir(folder)?.flatten();
    let mut entries: Vec<Entry> = entries.filter_map(|entry| Entry::of(&entry)).collect();
    entries.sort_unstable_by(|one, other| one.name.cmp(&other.name));
    Ok(entries)
}

fn below(
    folder: &Path,
    entries: Vec<Entry>,
    known: &Remembered<Disk>,
    found: &mut Found,
) -> ControlFlow<()> {
    let readable = entries.iter().filter_map(|entry| {
        let name = entry.name.to_str()?.to_owned();
        Some((name, entry.leads_to == Some(Lead::Folder)))
    });
    if let Ok(absolute) = std::path::absolute(folder) {
        known.learn(&absolute, readable.collect());
    }
    for entry in entries {
        let name = entry.name.to_string_lossy();
        let inner = folder.join(&entry.name);
        if entry.is_folder {
            if name.starts_with('.') || ["__pycache__", "node_modules"].contains(&&*name) {
                continue;
            }
            let inside = match list(&inner) {
                Ok(inside) => inside,
                Err(error) => {
                    found(Err(refused(&inner, &error)))?;
                    continue;
                }
            };
            let is_environment =
                |entry: &Entry| entry.name == "pyvenv.cfg" && entry.leads_to.is_some();
            if !inside.iter().any(is_environment) {
                below(&inner, inside, known, found)?;
            }
        } else if entry.leads_to == Some(Lead::File) && (name.ends_with(".py") || is_config(&inner))
        {
            found(Ok(inner))?;
        }
    }
    ControlFlow::Continue(())
}
