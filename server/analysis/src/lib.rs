//! Modules, slices, findings and fixes of Python files.
//!
//! In: a [`Document`](hoist_syntax::Document) with its path and workspace, and files through the [`Files`] trait.
//! Out: what can run in it (`runnables`), what to tell the user about it (`findings`), and the [`Slice`] of an
//! entry: the lines of the module that the entry needs, each at its own line number, with the local modules and data
//! files that travel beside it, or a [`Refusal`] that says in one sentence why not.
//!
//! The promise of this room: a slice never changes a result silently. What cannot be followed is kept; what cannot be
//! kept is refused. The user's code is never run or imported, and nothing here touches the network.

mod audience;
mod captures;
mod checks;
mod chunks;
mod code;
mod data_rules;
mod dependencies;
mod directives;
mod encoding;
mod entry;
pub mod environment;
mod files;
mod finding;
mod findings;
mod hoist;
mod ignore;
mod imports;
mod include;
mod library;
pub mod lock;
mod module;
mod modules;
mod move_import;
mod opening;
mod place;
mod python;
mod readability;
mod remote;
mod runnables;
mod settings;
mod slice;
mod supplied;
pub mod sweep;
mod uses;

pub use chunks::{Chunk, chunk};
pub use code::Code;
pub use data_rules::{ASK_FROM, DataRules, STORE_FROM};
pub use encoding::{decode, may_declare_encoding};
pub use entry::EntrySpec;
pub use files::{Disk, Files, Kept, Listing, Meta, Remembered, ancestors, is_tidy};
pub use finding::{Edit, FileChange, Finding, Fix, Severity, apply};
pub use findings::{findings, findings_with, silence};
pub use hoist::hoist_edits;
pub use ignore::ignore_here;
pub use imports::{ImportReport, ReportedGuard, ReportedScope, imports};
pub use include::{pattern_finding, pattern_mistake};
pub use module::Module;
pub use move_import::moves_of_imports;
pub use readability::readability;
pub use remote::{PathLiteral, RemoteFunction, RemotePath, Segment, remote_path_at, remote_paths};
pub use runnables::{Directives, Runnable, RunnableKind, runnables};
pub use settings::{NotAVersion, Packages, PythonVersion, Settings, TargetPython};
pub use slice::{
    EntryCall, FileKind, ImportOrigin, ImportedModule, OnTarget, Refusal, Requirement, Slice,
    SliceFile, StoredFile, Wishes, data_pattern, slice, slice_anyway, slice_as_wished,
};
pub use supplied::is_supplied;
