//! The judge before a text leaves the machine: a strict parser behind one adapter.
//!
//! The tree of the live buffer accepts and mends nearly everything; what is packaged must be Python, as its compiler sees it.

mod arguments;
mod compiler;
mod depth;

pub use arguments::{CallArguments, arguments};

use depth::TooDeep;
use ruff_python_ast::{ModModule, PySourceType, Stmt};
use ruff_python_parser::{ParseError, Parsed, parse_module, parse_unchecked_source};
use ruff_text_size::{Ranged, TextRange};
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
    guarded(text, 0, || {
        let parsed = parse_module(text).map_err(|error| described(text, &error, 0))?;
        refused_by_compiler(text, &parsed)
    })
}

/// What can be said of a part of a module that begins with a line, by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Python compiles it, wherever it stands among others of which that is true.
    Alone,
    /// It parses, but whether it compiles may hang on what stands before it: `from __future__` must come first, a `global` of
    /// the module's own before the name's use.
    LooksBack,
    /// It does not parse by itself. With the first error, if that is the first one whatever comes after the part.
    Broken(Option<SyntaxError>),
    /// It is deeper than Python takes.
    TooDeep,
}

/// Judges a part of a module, and gives what `read` makes of its statements: of those that are there in broken code, and of
/// none in code that is too deep. A part that parses closes all that it opens and begins with no mere continuation (`else:`),
/// so a text made of such parts parses.
pub(crate) fn part<T>(part: &str, read: impl Fn(&[Stmt]) -> T) -> (Standing, T) {
    let parse = || {
        let parsed = parse_unchecked_source(part, PySourceType::Python);
        let module = parsed.syntax();
        let looks_back = || {
            part.contains("__future__")
                || compiler::declares_in_module(part, module)
                || compiler::first_error(part, module).is_some()
        };
        let standing = match parsed.errors().first() {
            Some(error) => Standing::Broken(settled(part, described(part, error, 0))),
            None if looks_back() => Standing::LooksBack,
            None => Standing::Alone,
        };
        (standing, read(&module.body))
    };
    with_depth(part, parse).unwrap_or_else(|_| (Standing::TooDeep, read(&[])))
}

/// The first error of a part, if it is the first one of every text that begins with the part: the parser goes from left to
/// right, and what it says of an error hangs on hardly more than the next statement, so an error well before the end is.
fn settled(part: &str, error: SyntaxError) -> Option<SyntaxError> {
    /// So many lines with something in them have to come after it.
    const LINES: usize = 4;
    let rest = part.get(error.range.end..)?;
    let after = rest.lines().skip(1).filter(|line| !line.trim().is_empty());
    (after.take(LINES).count() == LINES).then_some(error)
}

/// [`check`] of a text that is made of these parts, each with what can be said of it: only as much is parsed as the answer
/// hangs on.
pub(crate) fn check_parts<'p>(
    text: &str,
    parts: impl DoubleEndedIterator<Item = (&'p Range<usize>, &'p Standing)> + Clone,
) -> Result<(), SyntaxError> {
    let mut all_alone = true;
    for (range, standing) in parts.clone() {
        all_alone &= *standing == Standing::Alone;
        // A byte order mark is one only where the text begins.
        let is_marked = range.start > 0 && text[range.clone()].starts_with('\u{feff}');
        if is_marked || *standing == Standing::TooDeep {
            return check(text);
        }
    }
    if all_alone {
        return Ok(());
    }
    let is_broken = |standing: &Standing| matches!(standing, Standing::Broken(_));
    let mut from_broken = parts
        .clone()
        .skip_while(|(_, standing)| !is_broken(standing));
    let Some((first, standing)) = from_broken.next() else {
        let mut from_end = parts.rev();
        let last = from_end.find(|(_, standing)| **standing == Standing::LooksBack);
        let end = last.map_or(text.len(), |(range, _)| range.end);
        return check(&text[..end]).or_else(|_| check(text));
    };
    let found = match standing {
        Standing::Broken(Some(error)) => Some(error.clone()),
        _ => {
            let ahead = from_broken.nth(AHEAD).map(|(range, _)| range.end);
            ahead
                .and_then(|end| {
                    let window = &text[first.start..end];
                    settled(window, parse_error(window)?)
                })
                .or_else(|| parse_error(&text[first.start..]))
        }
    };
    match found {
        Some(error) => {
            let range = error.range.start + first.start..error.range.end + first.start;
            Err(SyntaxError {
                line: crate::LineIndex::new(text).line_of(range.start),
                range,
                ..error
            })
        }
        // What is broken by itself is none in its place.
        None => check(text),
    }
}

/// How many parts after a broken one are parsed with it.
const AHEAD: usize = 2;

fn parse_error(text: &str) -> Option<SyntaxError> {
    guarded(text, 0, || {
        parse_module(text)
            .map(drop)
            .map_err(|error| described(text, &error, 0))
    })
    .err()
}

/// The strict parser's tree of a module that Python compiles; the first error if it does not.
///
/// The tree is never so deep that dropping it or walking over it with some care fails: what is deeper, Python refuses.
pub fn module(text: &str) -> Result<Parsed<ModModule>, SyntaxError> {
    guarded(text, 0, || {
        let parsed = parse_module(text).map_err(|error| described(text, &error, 0))?;
        refused_by_compiler(text, &parsed)?;
        Ok(parsed)
    })
}

/// Where in a text that Python takes lines begin with a top-level statement.
pub(crate) fn statements_on_lines(text: &str) -> Option<Vec<usize>> {
    let parsed = module(text).ok()?;
    let starts = parsed
        .syntax()
        .body
        .iter()
        .map(|statement| statement.start().to_usize());
    let begins_line = |start: &usize| {
        let before = &text[..*start];
        let line = before
            .strip_suffix("\r\n")
            .or_else(|| before.strip_suffix(['\n', '\r']));
        line.is_some_and(|line| !line.ends_with('\\'))
    };
    Some(starts.filter(begins_line).collect())
}

fn refused_by_compiler(text: &str, parsed: &Parsed<ModModule>) -> Result<(), SyntaxError> {
    match compiler::first_error(text, parsed.syntax()) {
        Some((message, range)) => Err(at(text, message, range, 0)),
        None => Ok(()),
    }
}

/// Runs what parses `text` with the stack that it needs, or says that no Python would take it.
fn with_depth<T>(text: &str, parse: impl FnOnce() -> T) -> Result<T, TooDeep> {
    /// Deeper than all code that people write; up to here a thread's own stack is enough.
    const ORDINARY: usize = 100;
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
