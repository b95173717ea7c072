//! The file that is asked about.

use std::path::Path;

use hoist_syntax::Document;

use crate::environment::Environment;

/// A Python file with its place.
#[derive(Clone, Copy)]
pub struct Module<'a> {
    /// Its path, absolute.
    pub path: &'a Path,
    /// Its text as the editor has it.
    pub document: &'a Document,
    /// The workspace's root, absolute; the file's folder when there is none.
    pub workspace: &'a Path,
    /// What is installed for it; none where nobody has looked.
    pub environment: Option<&'a Environment>,
}
