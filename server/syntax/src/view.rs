//! What the grammar is shown of a text, and the parsing itself, always afresh.
//!
//! The bytes shown are as many as the text has, so that a node's byte range is a range of the text.

use crate::lines::LineIndex;
use crate::strict;
use ruff_python_ast::token::TokenKind;
use ruff_text_size::Ranged;
use std::borrow::Cow;
use std::sync::OnceLock;
use tree_sitter::{Language, Parser, Tree};

/// Parses a text. Where the grammar finds an error in a text that is Python, it is shown the text again without the line
/// breaks between brackets, which it takes for the end of a block when the next line stands further left.
pub(crate) fn parse(text: &str, lines: &LineIndex) -> Tree {
    let bytes = as_lines(text, lines);
    let tree = run(&bytes);
    if tree.root_node().has_error()
        && let Some(joined) = without_breaks_in_brackets(text)
    {
        let mended = run(&joined);
        if !mended.root_node().has_error() {
            return mended;
        }
    }
    tree
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

fn run(bytes: &[u8]) -> Tree {
    let mut parser = parser();
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
