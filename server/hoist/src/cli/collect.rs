//! Which files a command is about, when it is given folders.

use std::ffi::OsString;
use std::fs::{self, DirEntry};
use std::io;
use std::path::{Path, PathBuf};

use hoist_analysis::{Disk, Remembered};
use hoist_jobs::is_config;

use super::Failure;

/// The Python files of a path and the files of the configuration: itself, or all below a folder but those of environments,
/// caches and hidden folders. What lies in the folders is told to `known`.
pub(super) fn collect(
    path: &Path,
    known: &Remembered<Disk>,
    files: &mut Vec<PathBuf>,
) -> Result<(), Failure> {
    let meta = fs::metadata(path).map_err(|error| refused(path, &error))?;
    if !meta.is_dir() {
        files.push(path.to_owned());
        return Ok(());
    }
    let folder = list(path).map_err(|error| refused(path, &error))?;
    below(path, folder, known, files)
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
    files: &mut Vec<PathBuf>,
) -> Result<(), Failure> {
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
            let inside = list(&inner).map_err(|error| refused(&inner, &error))?;
            let is_environment =
                |entry: &Entry| entry.name == "pyvenv.cfg" && entry.leads_to.is_some();
            if !inside.iter().any(is_environment) {
                below(&inner, inside, known, files)?;
            }
        } else if entry.leads_to == Some(Lead::File) && (name.ends_with(".py") || is_config(&inner))
        {
            files.push(inner);
        }
    }
    Ok(())
}
