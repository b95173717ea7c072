//! Modules that were read for the sake of others: what they show to star imports, and, for a while, themselves.

use std::ffi::OsString;
use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use hoist_syntax::Document;
use rustc_hash::FxHashMap;

use crate::modules::Shown;

/// What modules show by their paths; none for one that is not Python. And those of the modules, as long as there are not many, that
/// nobody has taken yet: they are parsed.
#[derive(Default)]
pub struct Kept {
    shown: RwLock<FxHashMap<OsString, Option<Arc<Shown>>>>,
    documents: Mutex<FxHashMap<OsString, Document>>,
}

impl Kept {
    /// Keeps a module that was read, for who will look at it by itself.
    pub(crate) fn keep(&self, path: &Path, document: Document) {
        /// The tree of a module takes some tens of times as much memory as its text.
        const MOST: usize = 64;
        let mut documents = self
            .documents
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if documents.len() < MOST {
            documents.insert(path.as_os_str().to_owned(), document);
        }
    }

    /// The module of a file, where it was read already. It is not kept any longer.
    pub fn take(&self, path: &Path) -> Option<Document> {
        let mut documents = self
            .documents
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        documents.remove(path.as_os_str())
    }

    /// What the module in a file shows, which `look` finds out when nobody has. A failure is not kept.
    pub(crate) fn shown<E>(
        &self,
        path: &Path,
        look: impl FnOnce() -> Result<Option<Arc<Shown>>, E>,
    ) -> Result<Option<Arc<Shown>>, E> {
        let known = self.shown.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = known.get(path.as_os_str()) {
            return Ok(known.clone());
        }
        drop(known);
        let new = look()?;
        let mut known = self.shown.write().unwrap_or_else(PoisonError::into_inner);
        known.insert(path.as_os_str().to_owned(), new.clone());
        Ok(new)
    }
}

impl fmt::Debug for Kept {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Kept")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_is_taken_once_and_few_are_kept() {
        let kept = Kept::default();
        let path = |number: usize| format!("/m{number}.py");
        for number in 0..1_000 {
            kept.keep(
                Path::new(&path(number)),
                Document::new(format!("x = {number}")),
            );
        }
        let first = kept.take(Path::new(&path(0)));
        assert_eq!(
            first.map(|document| document.text().to_owned()).as_deref(),
            Some("x = 0")
        );
        assert!(kept.take(Path::new(&path(0))).is_none());
        assert!(kept.take(Path::new(&path(999))).is_none());
    }
}
