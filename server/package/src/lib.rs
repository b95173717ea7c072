//! From a slice to the ZIP that runs on the other side, and back from the job's files to what happened.
//!
//! In: a [`hoist_analysis::Slice`], the files that travel and how the entry is reached in them.
//! Out: a [`Package`], a ZIP that `python3 PACKAGE.zip JOBDIR` runs with nothing but Python 3.6's standard library
//! (the runner of `runtime/` is its `__main__`). The same slice gives the same bytes, so a package is named by its
//! SHA-256 and sent once. What differs from job to job, the arguments above all, is a [`Request`] in the job's folder.
//!
//! The runner answers with files in the job's folder: [`Started`], [`RunResult`] and, last, [`ExitMarker`]. They come
//! from a machine that is not trusted: reading them is bounded, never panics and never yields a path to write to.
//! This crate does no input or output of its own but [`RunResult::read`] and its like; it knows no network.

mod build;
mod manifest;
mod outcome;
mod request;
mod tree_path;

pub use build::{Package, PackageError, Sum, Summing, build, manifest_of};
pub use manifest::{MANIFEST_VERSION, Manifest, ManifestFile, ManifestLink};
pub use outcome::{
    ExitMarker, Frame, Listing, Outcome, OutcomeError, Pickle, Preview, PreviewColumn, RunError,
    RunResult, Started, WrittenFile,
};
pub use request::Request;
pub use tree_path::{TreePath, TreePathError};
