//! What modules show to star imports, kept for others who take from the same ones.

use std::ffi::OsString;
use std::fmt;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

use rustc_hash::FxHashMap;

use crate::modules::Shown;

/// What modules show by their paths, without the modules themselves; none for one that is not Python.
#[derive(Default)]
pub struct Kept(RwLock<FxHashMap<OsString, Option<Arc<Shown>>>>);

impl Kept {
    /// What the module in a file shows, which `look` finds out when nobody has. A failure is not kept.
    pub(crate) fn shown<E>(
        &self,
        path: &Path,
        look: impl FnOnce() -> Result<Option<Arc<Shown>>, E>,
    ) -> Result<Option<Arc<Shown>>, E> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = known.get(path.as_os_str()) {
            return Ok(known.clone());
        }
        drop(known);
        let new = look()?;
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        known.insert(path.as_os_str().to_owned(), new.clone());
        Ok(new)
    }
}

impl fmt::Debug for Kept {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Kept")
    }
}
