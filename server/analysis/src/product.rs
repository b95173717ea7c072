//! What slicing gives: the files that travel and how the entry is reached in them.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// A module cut down to what its entry needs, with the files that it needs beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slice {
    /// What `__name__` is in the job: `train`, `pkg.sub.train`.
    pub module_name: String,
    /// The module's path in the tree of the package, separated by `/`: `src/pkg/sub/train.py`.
    pub module_file: String,
    /// Folders of the tree that are put on `sys.path`, in this order; the empty string is the tree's top.
    pub roots: Vec<String>,
    /// The folder of the tree that is the job's working directory; the empty string is the tree's top.
    pub cwd: String,
    /// Everything that travels, sorted by path, the module itself included.
    pub files: Vec<SliceFile>,
    /// What is called or run.
    pub entry: EntryCall,
    /// The arguments, as they stand between the parentheses of a call.
    pub args: Option<String>,
}

/// One file that travels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SliceFile {
    /// Its place in the tree, separated by `/`, never absolute and without `..`.
    pub path: String,
    /// Its bytes as they travel.
    pub contents: Vec<u8>,
    /// Where it came from on the user's machine.
    pub origin: PathBuf,
    /// Why it travels, in words for the user.
    pub why: String,
    /// What it is.
    pub kind: FileKind,
}

/// What a file that travels is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileKind {
    /// The entry's module, cut down.
    Slice,
    /// A local module, whole.
    Module,
    /// The `__init__.py` of a local package.
    PackageInit,
    /// Anything else that the programme reads.
    Data,
}

/// How the runner reaches the entry in the module.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum EntryCall {
    /// A function that is called with the arguments.
    Function {
        /// Where it is found from the module: `A.run`, or `g` for a nested one that was carried out.
        qualname: String,
        /// Its `__qualname__` in the user's file: `A.f.<locals>.g`.
        source_qualname: String,
        /// Defined with `async def`.
        is_async: bool,
        /// Has a `yield` of its own.
        is_generator: bool,
    },
    /// Statements of the module; the value of the last one is the result when it is an expression.
    Statements {
        /// First line, from 1.
        first: u32,
        /// Last line, from 1, inclusive.
        last: u32,
    },
}
