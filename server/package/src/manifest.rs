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
    /// What is called or run.
    pub entry: EntryCall,
    /// The distributions that the code imports, as they are installed where it was packaged.
    #[serde(default)]
    pub requirements: Vec<Requirement>,
    /// Every file below `src/`, sorted by path.
    pub files: Vec<ManifestFile>,
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
