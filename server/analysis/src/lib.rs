//! Modules, slices, findings and fixes of Python files; it reads files only through one trait.

mod product;

pub use product::{EntryCall, FileKind, Slice, SliceFile};
