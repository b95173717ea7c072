//! Files that are asked each question once.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use rustc_hash::FxHashMap;

use super::paths::parted;
use super::{Files, Kept, Listing, Meta};

/// Files of which each question but for contents is asked once: for one run over many files, which all ask about the same
/// folders. What is not in a folder that was listed is not asked for at all. Modules that many files take all names of are
/// parsed once, too. What changes on the disk meanwhile is not seen.
#[derive(Debug, Default)]
pub struct Remembered<F> {
    files: F,
    metadata: Answers<Meta>,
    lists: Answers<Arc<Listing>>,
    reals: Answers<PathBuf>,
    /// The system's numbers of why files could not be read.
    unreadable: RwLock<FxHashMap<OsString, i32>>,
    kept: Kept,
}

/// Answers by path; of a failure only the kind, which is all that the system tells.
type Answers<T> = RwLock<FxHashMap<OsString, Result<T, io::ErrorKind>>>;

impl<F> Remembered<F> {
    /// Remembers what `files` answers.
    pub fn new(files: F) -> Self {
        Remembered {
            files,
            metadata: Answers::default(),
            lists: Answers::default(),
            reals: Answers::default(),
            unreadable: RwLock::default(),
            kept: Kept::default(),
        }
    }

    /// Takes what somebody else has found in a folder, in the form of [`Files::list`].
    pub fn learn(&self, folder: &Path, entries: Vec<(String, bool)>) {
        put(&self.lists, folder, Ok(Arc::new(Listing::new(entries))));
    }

    /// Is it known, from what was listed already, that there is nothing at a path?
    fn is_missing(&self, path: &Path) -> bool {
        let Some((folder, name)) = parted(path) else {
            return false;
        };
        match get(&self.lists, folder) {
            Some(Ok(listing)) => name.to_str().is_some_and(|name| listing.lacks(name)),
            Some(Err(kind)) => kind == io::ErrorKind::NotFound,
            None => self.is_missing(folder),
        }
    }
}

fn get<T: Clone>(answers: &Answers<T>, path: &Path) -> Option<Result<T, io::ErrorKind>> {
    let answers = answers.read().unwrap_or_else(PoisonError::into_inner);
    answers.get(path.as_os_str()).cloned()
}

fn put<T>(answers: &Answers<T>, path: &Path, answer: Result<T, io::ErrorKind>) {
    let mut answers = answers.write().unwrap_or_else(PoisonError::into_inner);
    answers.insert(path.as_os_str().to_owned(), answer);
}

impl<F: Files> Remembered<F> {
    fn once<T: Clone>(
        &self,
        answers: &Answers<T>,
        path: &Path,
        ask: impl FnOnce() -> io::Result<T>,
    ) -> io::Result<T> {
        if let Some(known) = get(answers, path) {
            return known.map_err(io::Error::from);
        }
        if self.is_missing(path) {
            return Err(io::ErrorKind::NotFound.into());
        }
        // No lock is held meanwhile; two who ask at the same time get the same answer.
        let answer = ask().map_err(|error| error.kind());
        put(answers, path, answer.clone());
        answer.map_err(io::Error::from)
    }

    fn listed(&self, path: &Path) -> io::Result<Arc<Listing>> {
        self.once(&self.lists, path, || {
            self.files
                .list(path)
                .map(|found| Arc::new(Listing::new(found)))
        })
    }
}

impl<F: Files> Files for Remembered<F> {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let known = self
            .unreadable
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(path.as_os_str())
            .copied();
        if let Some(number) = known {
            return Err(io::Error::from_raw_os_error(number));
        }
        if self.is_missing(path) {
            return Err(io::ErrorKind::NotFound.into());
        }
        let read = self.files.read(path);
        if let Err(error) = &read
            && let Some(number) = error.raw_os_error()
        {
            self.unreadable
                .write()
                .unwrap_or_else(PoisonError::into_inner)
                .insert(path.as_os_str().to_owned(), number);
        }
        read
    }

    fn metadata(&self, path: &Path) -> io::Result<Meta> {
        self.once(&self.metadata, path, || self.files.metadata(path))
    }

    fn list(&self, path: &Path) -> io::Result<Vec<(String, bool)>> {
        self.listed(path).map(|listing| listing.entries().to_vec())
    }

    fn listing(&self, path: &Path) -> Arc<Listing> {
        self.listed(path).unwrap_or_default()
    }

    fn known(&self, folder: &Path) -> Option<Arc<Listing>> {
        get(&self.lists, folder)?.ok()
    }

    fn kept(&self) -> Option<&Kept> {
        Some(&self.kept)
    }

    fn real(&self, path: &Path) -> io::Result<PathBuf> {
        self.once(&self.reals, path, || self.files.real(path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Disk;

    #[test]
    fn what_a_listed_folder_lacks_is_not_there_and_the_rest_is_asked_for_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::write(path("a.py"), "x = 1").unwrap();
        let files = Remembered::new(Disk);
        assert!(files.metadata(&path("early.py")).is_err());
        assert_eq!(
            files.list(folder.path()).unwrap(),
            [("a.py".to_owned(), false)]
        );

        // What comes after the listing is not seen: it is not asked for.
        std::fs::create_dir(path("late")).unwrap();
        std::fs::write(path("late/b.py"), "").unwrap();
        for missing in [path("late"), path("late/b.py"), path("early.py")] {
            let metadata = files.metadata(&missing).map(|_| ());
            for answer in [metadata, files.read(&missing).map(|_| ())] {
                assert_eq!(answer.unwrap_err().kind(), io::ErrorKind::NotFound);
            }
        }
        assert!(files.listing(&path("late")).files().next().is_none());

        assert_eq!(files.read(&path("a.py")).unwrap(), b"x = 1");
        let before = files.metadata(&path("a.py")).unwrap();
        std::fs::write(path("a.py"), "x = 123").unwrap();
        assert_eq!(files.metadata(&path("a.py")).unwrap(), before);
        assert_eq!(files.read(&path("a.py")).unwrap(), b"x = 123");
    }
}
