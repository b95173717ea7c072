//! The one door to files: everything in this room that reads a file reads it through [`Files`].

mod kept;
mod listing;
pub(crate) mod paths;
mod remembered;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

pub use kept::Kept;
pub use listing::Listing;
pub use paths::{ancestors, is_tidy};
pub use remembered::Remembered;

/// What is known of a file without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Meta {
    /// A folder (links followed).
    pub is_dir: bool,
    /// A regular file (links followed).
    pub is_file: bool,
    /// Length in bytes.
    pub len: u64,
    /// Last change, where the file system tells it.
    pub modified: Option<SystemTime>,
}

/// Reads of files and folders. Editors put their unsaved buffers over the disk by implementing this.
pub trait Files: Send + Sync {
    /// The bytes of a file; fails as `std::fs::read` does.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;
    /// What a path is; fails as `std::fs::metadata` does.
    fn metadata(&self, path: &Path) -> io::Result<Meta>;
    /// The names in a folder with "is a folder", sorted by name; names that are not UTF-8 are left out.
    fn list(&self, path: &Path) -> io::Result<Vec<(String, bool)>>;
    /// The same for questions by name; of what is no folder that can be listed, nothing.
    fn listing(&self, path: &Path) -> Arc<Listing> {
        Arc::new(self.list(path).map(Listing::new).unwrap_or_default())
    }
    /// What lies in a folder, where that is known without looking; what it lacks need not be asked for.
    fn known(&self, _folder: &Path) -> Option<Arc<Listing>> {
        None
    }
    /// Where is kept what modules show to star imports, if the files are taken to stay as they are meanwhile.
    fn kept(&self) -> Option<&Kept> {
        None
    }
    /// The path with all links followed; fails as `std::fs::canonicalize` does. Files without links need none of their own.
    fn real(&self, path: &Path) -> io::Result<PathBuf> {
        self.metadata(path).map(|_| path.to_path_buf())
    }
}

/// The files of this machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct Disk;

impl Files for Disk {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        std::fs::read(path)
    }

    fn metadata(&self, path: &Path) -> io::Result<Meta> {
        let meta = std::fs::metadata(path)?;
        Ok(Meta {
            is_dir: meta.is_dir(),
            is_file: meta.is_file(),
            len: meta.len(),
            modified: meta.modified().ok(),
        })
    }

    fn list(&self, path: &Path) -> io::Result<Vec<(String, bool)>> {
        let mut names = Vec::new();
        for entry in std::fs::read_dir(path)? {
            let entry = entry?;
            let Ok(name) = entry.file_name().into_string() else {
                continue;
            };
            let is_dir = match entry.file_type() {
                Ok(kind) if kind.is_symlink() => entry.path().is_dir(),
                Ok(kind) => kind.is_dir(),
                Err(_) => continue,
            };
            names.push((name, is_dir));
        }
        names.sort();
        Ok(names)
    }

    fn real(&self, path: &Path) -> io::Result<PathBuf> {
        std::fs::canonicalize(path)
    }
}
