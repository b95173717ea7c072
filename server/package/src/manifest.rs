//! `manifest.json`: what the runner needs to know of a package, and what a person may want to read in it.

use hoist_analysis::{EntryCall, FileKind, Requirement};
use serde::{Deserialize, Serialize};

use crate::TreePath;

/// The version of the manifest's format. The runner inside the package always understands its own manifest.
pub const MANIFEST_VERSION: u32 = 1;

/// `manifest.json` of a package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`MANIFEST_VERSION`].
    pub version: u32,
    /// What `__name__` is in the job.
    pub module_name: String,
    /// The module's file in the tree.
    pub module_file: TreePath,
    /// Folders of the tree on `sys.path`, in order; the empty string is the tree's top.
    pub roots: Vec<String>,
    /// The working directory in the tree; the empty string is the tree's top.
    pub cwd: String,
    /// Folders of the tree that are there before the entry starts because the code writes into them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub folders: Vec<TreePath>,
    /// What is called or run.
    pub entry: EntryCall,
    /// The distributions that the code imports, as they are installed where it was packaged.
    #[serde(default)]
    pub requirements: Vec<Requirement>,
    /// Every file below `src/`, sorted by path.
    pub files: Vec<ManifestFile>,
    /// Data files that are not in the package: they lie in the target's store by the name of their hash, and the runner puts them at
    /// their places. Sorted by path.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stored: Vec<ManifestFile>,
    /// What lies on the target already.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub there: Vec<ManifestLink>,
}

/// A file or a folder that lies on the target already.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestLink {
    /// Where the runner links it below the tree; none where the code names it by its path over there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<TreePath>,
    /// Its path over there: absolute, or beginning with `~` or `$NAME`.
    pub path: String,
    /// What must be there before the entry starts, from `path` on; empty for that itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<String>,
}

/// One file of the tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestFile {
    /// Its place below `src/`.
    pub path: TreePath,
    /// Its length in bytes.
    pub size: u64,
    /// SHA-256 of its bytes, in lower-case hexadecimal digits. The runner refuses a file that differs.
    pub sha256: String,
    /// What it is.
    pub kind: FileKind,
    /// Why it travels.
    pub why: String,
}
