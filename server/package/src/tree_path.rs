//! Paths inside a package's tree: the only paths that are ever joined to a folder.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A relative path, separated by `/`, that cannot leave the folder it is joined to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TreePath(String);

/// Why a text is no path of a package's tree.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path:?} cannot be a path in a package: {why}")]
pub struct TreePathError {
    path: String,
    why: &'static str,
}

impl TreePath {
    /// Checks a path. Refused are: nothing at all, absolute paths and drive letters, `.`, `..` and empty parts,
    /// backslashes, control characters and parts longer than 255 bytes, which file systems do not take.
    pub fn new(path: impl Into<String>) -> Result<Self, TreePathError> {
        let path = path.into();
        match objection(&path) {
            None => Ok(Self(path)),
            Some(why) => Err(TreePathError { path, why }),
        }
    }

    /// The path as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn objection(path: &str) -> Option<&'static str> {
    let drive = path.as_bytes().get(1) == Some(&b':') && path.as_bytes()[0].is_ascii_alphabetic();
    if path.is_empty() {
        Some("it is empty")
    } else if path.starts_with('/') || drive {
        Some("it is absolute")
    } else if path.contains('\\') {
        Some("it has a backslash")
    } else if path.chars().any(char::is_control) {
        Some("it has a control character")
    } else if path.split('/').any(|part| matches!(part, "" | "." | "..")) {
        Some("it has an empty part, '.' or '..'")
    } else if path.split('/').any(|part| part.len() > 255) {
        Some("a part of it is longer than 255 bytes")
    } else {
        None
    }
}

impl fmt::Display for TreePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for TreePath {
    type Error = TreePathError;

    fn try_from(path: String) -> Result<Self, TreePathError> {
        Self::new(path)
    }
}

impl From<TreePath> for String {
    fn from(path: TreePath) -> Self {
        path.0
    }
}
