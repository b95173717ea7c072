//! A Python buffer: its text, its tree, its names.
//!
//! In: the text of one module, whole or as an editor's changes (UTF-8, UTF-16 or UTF-32 positions).
//! Out: the scopes and names as CPython's `symtable` sees them ([`Scopes`]), also for broken code, and a strict judgement of the
//! text ([`strict`]), both kept in step with the edits ([`Document`]); the strict parser's statements around a place; a syntax tree
//! of the grammar's; positions in the client's units ([`LineIndex`]).
//!
//! Lines in this interface count from 0 as in LSP, offsets are bytes. Line breaks are `\n`, `\r\n` and a lone `\r`.
//! This room knows nothing of files, clusters or LSP, and never runs the user's code. Nothing in here panics or recurses
//! with the depth of the code, whatever the text.

mod cut;
pub mod document;
pub mod lines;
pub mod position;
pub mod scopes;
pub mod strict;
mod view;
pub mod words;

pub use document::Document;
pub use lines::LineIndex;
pub use position::{Encoding, Position, Range};
pub use scopes::Scopes;

pub use tree_sitter;
