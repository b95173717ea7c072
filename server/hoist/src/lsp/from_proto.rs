//! From the protocol's shapes to ours.

use std::path::PathBuf;

use hoist_syntax::{Document, Encoding, Position, Range};
use tower_lsp::ls_types;

/// A place in a text.
pub(super) fn position(position: ls_types::Position) -> Position {
    Position {
        line: position.line,
        character: position.character,
    }
}

/// The byte offset of a place in a document.
pub(super) fn offset(document: &Document, place: ls_types::Position, encoding: Encoding) -> usize {
    let lines = document.lines();
    lines.offset(document.text(), position(place), encoding)
}

/// A piece of a text.
pub(super) fn range(range: ls_types::Range) -> Range {
    Range {
        start: position(range.start),
        end: position(range.end),
    }
}

/// The absolute path of a `file:` URI; none for everything else (`untitled:`, `vscode-vfs:`, ...).
pub(super) fn path(uri: &ls_types::Uri) -> Option<PathBuf> {
    if !uri.scheme().as_str().eq_ignore_ascii_case("file") {
        return None;
    }
    let path = uri.to_file_path()?.into_owned();
    path.is_absolute().then_some(path)
}

/// The unit in which both sides count characters: UTF-8 when the client knows it, because then nobody has to convert.
pub(super) fn encoding(offered: Option<&[ls_types::PositionEncodingKind]>) -> Encoding {
    match offered {
        Some(offered) if offered.contains(&ls_types::PositionEncodingKind::UTF8) => Encoding::Utf8,
        _ => Encoding::Utf16,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path_of(uri: &str) -> Option<PathBuf> {
        path(&uri.parse().unwrap())
    }

    #[test]
    fn only_files_have_a_path_and_it_is_decoded() {
        assert_eq!(
            path_of("file:///tmp/my%20work/50%25%20%C3%A9.py"),
            Some(PathBuf::from("/tmp/my work/50% é.py"))
        );
        assert_eq!(
            path_of("file:///tmp/a%23b.py"),
            Some(PathBuf::from("/tmp/a#b.py"))
        );
        assert_eq!(path_of("untitled:Untitled-1"), None);
        assert_eq!(path_of("vscode-vfs://github/a/b.py"), None);
    }

    #[test]
    fn utf_8_is_taken_when_offered() {
        use ls_types::PositionEncodingKind as Kind;
        assert_eq!(encoding(None), Encoding::Utf16);
        assert_eq!(encoding(Some(&[Kind::UTF16])), Encoding::Utf16);
        assert_eq!(encoding(Some(&[Kind::UTF32])), Encoding::Utf16);
        assert_eq!(encoding(Some(&[Kind::UTF16, Kind::UTF8])), Encoding::Utf8);
    }
}
