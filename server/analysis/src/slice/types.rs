//! What a slice is made of, and what is said when there is none.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::{Code, Finding};

/// The part of a module that an entry needs, with the files that it needs beside it: a small tree of source
/// that can be unpacked anywhere. `/`-separated paths, never absolute, never with `..`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Slice {
    /// What `__name__` is in the job: `train`, `pkg.sub.train`.
    pub module_name: String,
    /// The module's path in the tree: `train.py`, `src/pkg/sub/train.py`.
    pub module_file: String,
    /// Folders of the tree put on `sys.path`, in this order; `""` is the tree's top.
    pub roots: Vec<String>,
    /// Folder of the tree that is the job's working directory; `""` is the tree's top.
    pub cwd: String,
    /// Folders of the tree that are there before the entry starts because the code writes into them, sorted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub folders: Vec<String>,
    /// Everything that travels in the package, sorted by path; the module's file is among them.
    pub files: Vec<SliceFile>,
    /// Data files that go to the target's store, sorted by path.
    pub stored: Vec<StoredFile>,
    /// What lies on the target already, sorted.
    pub there: Vec<OnTarget>,
    /// What to run.
    pub entry: EntryCall,
    /// The arguments as the user wrote them, checked.
    pub args: Option<String>,
    /// The modules that the slice and the local modules with it import.
    pub imports: Vec<ImportedModule>,
    /// The distributions that these need, sorted by their normalised names.
    pub requirements: Vec<Requirement>,
    /// What the user should know though it runs.
    pub findings: Vec<Finding>,
}

impl Slice {
    /// The slice's own text: the bytes of `module_file`.
    pub fn module_contents(&self) -> &[u8] {
        self.files
            .iter()
            .find(|file| file.path == self.module_file)
            .map(|file| file.contents.as_slice())
            .unwrap_or_default()
    }
}

/// A file that travels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SliceFile {
    /// Where it stands in the tree, `/`-separated.
    pub path: String,
    /// Its bytes.
    #[serde(skip)]
    pub contents: Vec<u8>,
    /// Where it comes from on this machine; empty for what Hoist itself adds.
    pub origin: PathBuf,
    /// Why it travels, in a few words.
    pub why: String,
    /// What it is.
    pub kind: FileKind,
}

/// A data file that is too large for the package: it goes to the target's store once, and each job finds it at its place. Nobody has
/// read it yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StoredFile {
    /// Where it stands in the tree, `/`-separated.
    pub path: String,
    /// Where it comes from on this machine.
    pub origin: PathBuf,
    /// Its length in bytes.
    pub len: u64,
    /// Why it travels, in a few words.
    pub why: String,
}

/// A file or a folder that lies on the target already, as the configuration says.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct OnTarget {
    /// Where in the tree the job finds it, `/`-separated; none where the code names it by its path over there.
    pub place: Option<String>,
    /// Its path over there: absolute, or beginning with `~` or `$NAME`.
    pub path: String,
    /// What must be there before the entry starts, from `path` on; empty for that itself.
    pub needs: Vec<String>,
}

/// What a file of the tree is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileKind {
    /// The sliced module.
    Slice,
    /// A local module, whole.
    Module,
    /// An `__init__.py` that makes a package of a folder.
    PackageInit,
    /// A data file.
    Data,
}

/// What the runner runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum EntryCall {
    /// A function, called with the arguments.
    Function {
        /// Where the runner finds it from the module: `train`, `A.run`, or `g` for a nested one carried out.
        qualname: String,
        /// Its qualified name in the user's file: `A.f.<locals>.g`.
        source_qualname: String,
        /// `async def`.
        is_async: bool,
        /// Has a `yield` of its own.
        is_generator: bool,
    },
    /// The top-level statements in these lines, from 1, both included; the rest of the module runs before them.
    Statements {
        /// First line.
        first: u32,
        /// Last line.
        last: u32,
    },
}

/// A module that is imported somewhere in what travels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ImportedModule {
    /// Its absolute dotted name.
    pub module: String,
    /// The file that imports it first, on this machine.
    #[serde(skip)]
    pub path: PathBuf,
    /// Line of that import, from 1.
    pub line: u32,
    /// The code runs without it: under `except ImportError`, or only for type checkers.
    pub optional: bool,
    /// Where it comes from.
    pub origin: ImportOrigin,
}

/// A distribution that what travels needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Requirement {
    /// As its metadata spells it; where it is not installed here, the one that usually has a module of this name.
    pub distribution: String,
    /// The version that is installed here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The code runs without it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub optional: bool,
    /// The modules of it that are imported, sorted.
    pub modules: Vec<String>,
}

/// Where a module comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ImportOrigin {
    /// Python's own library.
    Stdlib,
    /// A file of the workspace; it travels.
    Local,
    /// A distribution, or another module that is installed here.
    Distribution,
    /// Not installed here, or nobody has looked.
    Unknown,
}

/// Why there is no slice: one sentence for the user, and the places in the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// What kind of refusal.
    pub code: Code,
    /// What, why, what to do: one sentence.
    pub message: String,
    /// The line it is about, from 1.
    pub line: Option<u32>,
    /// The findings behind it.
    pub findings: Vec<Finding>,
    /// Whether `slice_anyway` would still give something that can start.
    pub can_force: bool,
}
