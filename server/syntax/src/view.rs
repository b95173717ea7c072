//! What the grammar is shown of a text, and the parsing itself, always afresh.
//!
//! The bytes shown are as many as the text has, so that a node's byte range is a range of the text.

use crate::lines::LineIndex;
use crate::strict;
use ruff_python_ast::token::TokenKind;
use ruff_text_size::Ranged;
use std::borrow::Cow;
use std::ops::Range;
use std::sync::OnceLock;
use tree_sitter::{Language, Parser, Point, Tree};

/// Parses a text. Where the grammar finds an error in a text that is Python, it is shown the text again without the line
/// breaks between brackets, which it takes for the end of a block when the next line stands further left.
pub(crate) fn parse(text: &str, lines: &LineIndex) -> Tree {
    parse_part(text, lines, &(0..text.len()))
}

/// Parses one part of a text, which begins with a line: the nodes' byte ranges are those of the whole text.
pub(crate) fn parse_part(text: &str, lines: &LineIndex, part: &Range<usize>) -> Tree {
    let bytes = as_lines(text, lines);
    let tree = run_in(&bytes, part);
    if tree.root_node().has_error()
        && let Some(joined) = without_breaks_in_brackets(&text[part.clone()])
    {
        let mut whole = bytes.into_owned();
        whole[part.clone()].copy_from_slice(&joined);
        let mended = run_in(&whole, part);
        if !mended.root_node().has_error() {
            return mended;
        }
    }
    tree
}

/// The bytes of the first place that the grammar could not read.
pub(crate) fn first_error(tree: &Tree) -> Option<Range<usize>> {
    let mut node = tree.root_node();
    if !node.has_error() {
        return None;
    }
    let mut cursor = node.walk();
    loop {
        if node.is_error() || node.is_missing() {
            return Some(node.byte_range());
        }
        match node
            .children(&mut cursor)
            .find(|child| child.has_error() || child.is_missing())
        {
            Some(child) => node = child,
            None => return Some(node.byte_range()),
        }
    }
}

/// The grammar breaks lines at `\n` only. A lone `\r` is shown to it as `\n`, as Python itself reads files.
fn as_lines<'t>(text: &'t str, lines: &LineIndex) -> Cow<'t, [u8]> {
    if !lines.has_lone_carriage_returns() {
        return Cow::Borrowed(text.as_bytes());
    }
    let mut bytes = text.as_bytes().to_vec();
    for at in memchr::memchr_iter(b'\r', text.as_bytes()) {
        if bytes.get(at + 1) != Some(&b'\n') {
            bytes[at] = b'\n';
        }
    }
    Cow::Owned(bytes)
}

/// The text with blanks for the line breaks and comments between brackets; none for a text that is not Python.
fn without_breaks_in_brackets(text: &str) -> Option<Vec<u8>> {
    let parsed = strict::module(text).ok()?;
    let mut bytes = text.as_bytes().to_vec();
    let mut depth = 0_usize;
    for token in parsed.tokens() {
        match token.kind() {
            TokenKind::Lpar | TokenKind::Lsqb | TokenKind::Lbrace => depth += 1,
            TokenKind::Rpar | TokenKind::Rsqb | TokenKind::Rbrace => {
                depth = depth.saturating_sub(1)
            }
            TokenKind::NonLogicalNewline | TokenKind::Comment if depth > 0 => {
                bytes[token.range().start().to_usize()..token.range().end().to_usize()].fill(b' ');
            }
            _ => {}
        }
    }
    Some(bytes)
}

fn run_in(bytes: &[u8], part: &Range<usize>) -> Tree {
    let mut parser = parser();
    let point = |offset: usize| {
        let before = &bytes[..offset];
        let row = memchr::memchr_iter(b'\n', before).count();
        let start = memchr::memrchr(b'\n', before).map_or(0, |at| at + 1);
        Point::new(row, offset - start)
    };
    let range = tree_sitter::Range {
        start_byte: part.start,
        end_byte: part.end,
        start_point: point(part.start),
        end_point: point(part.end),
    };
    // One range is always in order; without it the whole text would be parsed, which is only slower.
    let _ = parser.set_included_ranges(&[range]);
    #[allow(clippy::expect_used)]
    // `None` comes only of a missing language, a time limit or a cancellation; there is none.
    parser
        .parse(bytes, None)
        .expect("a parse without a time limit ends with a tree")
}

fn language() -> &'static Language {
    static LANGUAGE: OnceLock<Language> = OnceLock::new();
    LANGUAGE.get_or_init(|| tree_sitter_python::LANGUAGE.into())
}

fn parser() -> Parser {
    let mut parser = Parser::new();
    #[allow(clippy::expect_used)]
    // The language and the library are linked into this crate; no input decides this.
    parser
        .set_language(language())
        .expect("the linked grammar fits the linked tree-sitter");
    parser
}
