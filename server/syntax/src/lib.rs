//! A Python buffer: its text, its tree, its names.
//!
//! In: the text of one module, whole or as an editor's changes (UTF-8, UTF-16 or UTF-32 positions).
//! Out: a syntax tree that is always there, also for broken code ([`Document`]), positions in the client's units
//! ([`LineIndex`]), the scopes and names as CPython's `symtable` sees them ([`Scopes`]), and a strict judgement of a text
//! that is about to leave the machine ([`strict`]).
//!
//! Lines in this interface count from 0 as in LSP, offsets are bytes. Line breaks are `\n`, `\r\n` and a lone `\r`.
//! This room knows nothing of files, clusters or LSP, and never runs the user's code. Nothing in here panics or recurses
//! with the depth of the code, whatever the text.

pub mod document;
pub mod kinds;
pub mod lines;
pub mod position;
pub mod scopes;
pub mod strict;
mod view;

pub use document::Document;
pub use kinds::Kind;
pub use lines::LineIndex;
pub use position::{Encoding, Position, Range};
pub use scopes::Scopes;

pub use tree_sitter;
