//! The judge before a text leaves the machine: a strict parser behind one adapter.
//!
//! The tree of the live buffer accepts and mends nearly everything; what is packaged must be Python, as its compiler sees it.

mod arguments;
mod compiler;
mod depth;
mod parts;

pub use arguments::{CallArguments, arguments};
pub(crate) use parts::Judged;

use depth::TooDeep;
use ruff_python_ast::token::TokenKind;
use ruff_python_ast::{AtomicNodeIndex, ModModule, PySourceType, Stmt, Suite};
use ruff_python_parser::{
    ParseError, ParseOptions, Parsed, parse_cells_unchecked, parse_unchecked_source,
};
use ruff_text_size::{Ranged, TextRange, TextSize};
use std::ops::Range;

/// Why a text is not Python.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {}: {message}", line + 1)]
pub struct SyntaxError {
    /// What is wrong, in one sentence without the place.
    pub message: String,
    /// The line, from 0.
    pub line: u32,
    /// The bytes that are wrong.
    pub range: Range<usize>,
}

/// Is `text` a module that Python compiles? The first error if not.
pub fn check(text: &str) -> Result<(), SyntaxError> {
    module(text).map(drop)
}

/// What `read` makes of the statements of a part of a module: of those that are there in broken code, and of none in code that
/// is too deep. Beside it, whether the part does not parse by itself.
pub(crate) fn statements<T>(part: &str, read: impl Fn(&[Stmt]) -> T) -> (bool, T) {
    let read_of = |parsed: &Parsed<ModModule>| {
        let is_broken = !parsed.errors().is_empty();
        (is_broken, read(&parsed.syntax().body))
    };
    if let Some(parsed) = shallow(part) {
        return read_of(&parsed);
    }
    let parse = || read_of(&parse_unchecked_source(part, PySourceType::Python));
    with_depth(part, parse).unwrap_or_else(|_| (true, read(&[])))
}

/// The statements of a part of a module, also of one that is broken; their ranges are ranges of `text`. None of what is too deep.
pub(crate) fn part(text: &str, part: Range<usize>) -> ModModule {
    let place = TextRange::new(size(part.start), size(part.end));
    let options = ParseOptions::from(PySourceType::Python);
    let parse = || parse_cells_unchecked(text, [place], &options).into_syntax();
    with_depth(&text[part], parse).unwrap_or_else(|_| ModModule {
        node_index: AtomicNodeIndex::NONE,
        range: place,
        body: Suite::default(),
    })
}

fn size(offset: usize) -> TextSize {
    TextSize::try_from(offset).unwrap_or_default()
}

/// The tokens of a text, with their places; none of what is too deep.
pub fn tokens(text: &str) -> Vec<(TokenKind, Range<usize>)> {
    let parse = || parse_unchecked_source(text, PySourceType::Python);
    let parsed = with_depth(text, parse).ok();
    let tokens = parsed.iter().flat_map(|parsed| parsed.tokens());
    tokens
        .map(|token| (token.kind(), token.range().to_std_range()))
        .collect()
}

/// The strict parser's tree of a module that Python compiles; the first error if it does not.
///
/// The tree is never so deep that dropping it or walking over it with some care fails: what is deeper, Python refuses.
pub fn module(text: &str) -> Result<Parsed<ModModule>, SyntaxError> {
    let judge = |parsed: Parsed<ModModule>| {
        if let Some(error) = parsed.errors().first() {
            return Err(described(text, error, 0));
        }
        refused_by_compiler(text, &parsed)?;
        Ok(parsed)
    };
    match shallow(text) {
        Some(parsed) => judge(parsed),
        None => guarded(text, 0, || {
            judge(parse_unchecked_source(text, PySourceType::Python))
        }),
    }
}

/// What the parser makes of a text of ordinary length and depth; none for any other. Unlike [`with_depth`] it reads the text
/// once, with stack for whatever it may be: how deep it is shows in the tokens that the parser leaves.
fn shallow(text: &str) -> Option<Parsed<ModModule>> {
    if text.len() > SHORT {
        return None;
    }
    let stack = stack_for(text.len());
    stacker::maybe_grow(stack, stack, || {
        let parsed = parse_unchecked_source(text, PySourceType::Python);
        let depth = match parsed.errors() {
            [] => depth::of_tokens(parsed.tokens().iter().map(|token| token.kind())),
            // Where the parser mended something, the tokens are no more those of the text.
            _ => depth::depth(text),
        };
        let is_ordinary = depth.is_ok_and(|depth| depth <= ORDINARY);
        // What is deeper is dropped here, where there is stack for it.
        is_ordinary.then_some(parsed)
    })
}

/// What is longer is asked for its depth before it is parsed: nearly no module is, and the stack for it would be half a gigabyte
/// of addresses.
const SHORT: usize = 256 * 1024;

/// The stack on which any text of so many bytes is parsed and its tree dropped.
const fn stack_for(bytes: usize) -> usize {
    /// What the parser's recursion takes for a byte of the most nested text.
    const OF_A_BYTE: usize = 2 * 1024;
    256 * 1024 + bytes * OF_A_BYTE
}

/// With this much stack a thread parses most modules without asking for more.
pub const ROOMY_STACK: usize = stack_for(64 * 1024) + 2 * 1024 * 1024;

fn refused_by_compiler(text: &str, parsed: &Parsed<ModModule>) -> Result<(), SyntaxError> {
    match compiler::first_error(text, parsed.syntax()) {
        Some((message, range)) => Err(at(text, message, range, 0)),
        None => Ok(()),
    }
}

/// Deeper than all code that people write; up to here a thread's own stack is enough.
const ORDINARY: usize = 100;

/// Runs what parses `text` with the stack that it needs, or says that no Python would take it.
fn with_depth<T>(text: &str, parse: impl FnOnce() -> T) -> Result<T, TooDeep> {
    match depth::depth(text)? {
        depth if depth <= ORDINARY => Ok(parse()),
        depth => Ok(stacker::grow(4 * 1024 * 1024 + depth * 16 * 1024, parse)),
    }
}

/// Runs what parses `text` (of which the first `before` bytes are not the user's) with the stack that it needs, or says
/// that no Python would take it.
fn guarded<T>(
    text: &str,
    before: usize,
    parse: impl FnOnce() -> Result<T, SyntaxError>,
) -> Result<T, SyntaxError> {
    match with_depth(text, parse) {
        Ok(parsed) => parsed,
        Err(too_deep) => {
            // The line on which it becomes too deep: the first after which the text up to there is.
            let lines = crate::LineIndex::new(text);
            let (mut low, mut high) = (0, lines.line_count() - 1);
            while low < high {
                let middle = low.midpoint(high);
                let end = lines.line_range(text, middle).end;
                if depth::depth(&text[..end]).is_err() {
                    high = middle
                } else {
                    low = middle + 1
                }
            }
            let range = lines.line_range(text, low);
            let range = range.start.saturating_sub(before)..range.end.saturating_sub(before);
            Err(SyntaxError {
                message: too_deep.message().to_owned(),
                line: low,
                range,
            })
        }
    }
}

fn described(text: &str, error: &ParseError, before: usize) -> SyntaxError {
    at(text, error.error.to_string(), error.location, before)
}

/// An error at a range of a text before whose user's part stand `before` bytes.
fn at(text: &str, message: String, range: TextRange, before: usize) -> SyntaxError {
    let inside = |offset: usize| offset.saturating_sub(before).min(text.len());
    let range = inside(range.start().to_usize())..inside(range.end().to_usize());
    let line = crate::LineIndex::new(text).line_of(range.start);
    SyntaxError {
        message,
        line,
        range,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_read_as_of_a_call() {
        let read = arguments("1, *rest, lr=rate * 2, **more, key=[x for x in xs]").unwrap();
        assert_eq!(
            (read.positional, read.has_star, read.has_double_star),
            (1, true, true)
        );
        assert_eq!(read.keywords, ["lr", "key"]);
        assert_eq!(read.names, ["more", "rate", "rest", "xs"]);
        assert_eq!(arguments("").unwrap(), CallArguments::default());
        assert_eq!(arguments("1, # one").unwrap().positional, 1);
    }

    #[test]
    fn what_is_not_the_arguments_of_one_call_is_refused() {
        for text in [
            "a)(b", "a) + (b", "1 +", "a b", "a)", "a=1, 2", "a=1, a=2", "x = 1; y", "return",
        ] {
            assert!(arguments(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_error_names_its_line() {
        let error = check("x = 1\ndef f(:\n    pass\n").unwrap_err();
        assert_eq!(error.line, 1);
    }
}
