//! Slices: what of a module travels so that an entry runs as it does here.

mod types;

pub use types::{EntryCall, FileKind, ImportOrigin, ImportedModule, Refusal, Slice, SliceFile};
