//! From our shapes to the protocol's.

use std::ops::Range;

use hoist_syntax::{Document, Encoding};
use tower_lsp::ls_types;

/// The name of the unit in which both sides count characters.
pub(super) fn encoding(encoding: Encoding) -> ls_types::PositionEncodingKind {
    match encoding {
        Encoding::Utf8 => ls_types::PositionEncodingKind::UTF8,
        Encoding::Utf16 => ls_types::PositionEncodingKind::UTF16,
        Encoding::Utf32 => ls_types::PositionEncodingKind::UTF32,
    }
}

/// Bytes of a document as a range of the protocol.
pub(super) fn range(
    document: &Document,
    bytes: Range<usize>,
    encoding: Encoding,
) -> ls_types::Range {
    let position = |offset| {
        let position = document.lines().position(document.text(), offset, encoding);
        ls_types::Position::new(position.line, position.character)
    };
    ls_types::Range::new(position(bytes.start), position(bytes.end))
}
