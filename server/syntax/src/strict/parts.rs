//! The judgement of a text kept in step with its edits: only the statement that an edit touched is parsed again.
//!
//! A text is cut at its top-level statements, and a long class at the statements of its body. What can be said of a part by itself,
//! its [`Standing`], follows from its text alone; the verdict on the whole is put together from the standings, and where
//! these do not settle it, as much is parsed as it hangs on. It is the answer of [`super::check`], whatever the edits were.

use super::{SyntaxError, compiler, described, with_depth};
use crate::LineIndex;
use crate::cut;
use ruff_python_ast::{ModModule, PySourceType, Stmt};
use ruff_python_parser::{parse_module, parse_unchecked_source};
use ruff_text_size::Ranged;
use std::ops::Range;
use std::sync::Arc;

/// The judgement of one text, with what is known of its parts.
#[derive(Debug, Clone)]
pub(crate) struct Judged {
    text: Arc<String>,
    parts: Vec<Part>,
    verdict: Result<(), SyntaxError>,
}

/// A top-level statement with what follows it up to the next one.
#[derive(Debug, Clone)]
struct Part {
    range: Range<usize>,
    what: Arc<What>,
}

#[derive(Debug)]
enum What {
    Whole(Standing),
    /// A class whose header is sound.
    Class(Class),
}

#[derive(Debug)]
struct Class {
    /// Where its body begins.
    header: usize,
    indentation: String,
    /// The statements of the body, by their bytes in it.
    members: Vec<(Range<usize>, Standing)>,
    /// All of them stand alone.
    is_alone: bool,
}

/// What can be said of a part by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Standing {
    /// Python compiles it, wherever it stands among others of which that is true.
    Alone,
    /// It parses, but whether it compiles may hang on what stands around it: `from __future__` must come first, a `global` of
    /// the block's own before the name's use. Or it ends the block.
    LooksBack,
    /// It does not parse by itself. With the first error, if that is the first one whatever comes after the part.
    Broken(Option<SyntaxError>),
    /// It is deeper than Python takes.
    TooDeep,
}

/// What a statement of a class's body is parsed behind.
const CLASS: &str = "class _:\n";

const MARK: &[u8] = "\u{feff}".as_bytes();

/// Shorter statements, in bytes, are not worth cutting.
const LONG: usize = 600;

impl Judged {
    /// Judges a text, given the judgement of an earlier one.
    pub(crate) fn read(text: &Arc<String>, lines: &LineIndex, before: Option<&Judged>) -> Judged {
        let known: Vec<Range<usize>> = before
            .iter()
            .flat_map(|before| &before.parts)
            .map(|part| part.range.clone())
            .collect();
        let earlier = before.map_or("", |before| before.text.as_str());
        let cut = cut::again(text, "", earlier, &known);
        let mut is_kept = vec![false; known.len()];
        for index in cut.iter().filter_map(|part| part.known) {
            is_kept[index] = true;
        }
        // One that is no more was probably edited into the first that is new.
        let mut edited = before.and_then(|before| {
            let mut parts = before.parts.iter().zip(is_kept);
            let (part, _) = parts.find(|(part, is_kept)| part.is_class() && !is_kept)?;
            Some((&before.text[part.range.clone()], &*part.what))
        });
        let judge = |part: cut::Part| {
            let kept = part.known.zip(before);
            let what = match kept {
                Some((index, before)) => before.parts[index].what.clone(),
                None => Arc::new(What::of(&text[part.range.clone()], edited.take())),
            };
            Part {
                range: part.range,
                what,
            }
        };
        let parts: Vec<Part> = cut.into_iter().map(judge).collect();
        let verdict = verdict(text, lines, &parts);
        Judged {
            text: text.clone(),
            parts,
            verdict,
        }
    }

    /// [`super::check`] of the text.
    pub(crate) fn verdict(&self) -> &Result<(), SyntaxError> {
        &self.verdict
    }
}

impl Part {
    fn is_class(&self) -> bool {
        matches!(*self.what, What::Class(_))
    }
}

impl What {
    fn of(text: &str, edited: Option<(&str, &What)>) -> What {
        match Class::of(text, edited) {
            Some(class) => What::Class(class),
            None => What::Whole(standing("", text)),
        }
    }
}

impl What {
    fn is_alone(&self) -> bool {
        match self {
            What::Whole(standing) => *standing == Standing::Alone,
            What::Class(class) => class.is_alone,
        }
    }
}

impl Class {
    /// Cuts a long class; none for what is none, or has to be judged in one.
    fn of(text: &str, edited: Option<(&str, &What)>) -> Option<Class> {
        if text.len() < LONG {
            return None;
        }
        let (header, indentation) = body_of_class(text)?;
        if !is_header(&text[..header], indentation) {
            return None;
        }
        let (before, known) = match edited {
            Some((before, What::Class(class))) if class.indentation == indentation => {
                (&before[class.header..], class.members.as_slice())
            }
            _ => ("", &[][..]),
        };
        let ranges: Vec<Range<usize>> = known.iter().map(|(range, _)| range.clone()).collect();
        let body = &text[header..];
        let members = cut::again(body, indentation, before, &ranges)
            .into_iter()
            .map(|member| {
                let standing = match member.known {
                    Some(index) => known[index].1.clone(),
                    None => standing(CLASS, &body[member.range.clone()]),
                };
                (member.range, standing)
            });
        let members: Vec<_> = members.collect();
        let looks_back = |(_, standing): &(_, Standing)| *standing == Standing::LooksBack;
        (!members.iter().any(looks_back)).then(|| Class {
            header,
            indentation: indentation.to_owned(),
            is_alone: members
                .iter()
                .all(|(_, standing)| *standing == Standing::Alone),
            members,
        })
    }
}

/// Where the body of the class that `text` looks like begins, and what its lines begin with.
fn body_of_class(text: &str) -> Option<(usize, &str)> {
    let bytes = text.as_bytes();
    let (mut at, mut depth) = (0, 0);
    let mut line = 0;
    while !cut::begins_with_word(bytes, line, "class") {
        line = cut::next_line(bytes, &mut at, &mut depth)?;
    }
    loop {
        line = cut::next_line(bytes, &mut at, &mut depth)?;
        let rest = &text[line..];
        let blank = rest.len() - rest.trim_start_matches([' ', '\t']).len();
        match bytes.get(line + blank) {
            _ if depth > 0 => {}
            Some(b'\n' | b'\r' | b'#' | b'\x0c') => {}
            Some(_) if blank > 0 => return Some((line, &rest[..blank])),
            _ => return None,
        }
    }
}

/// Is this, before a body, all of a class up to its body, and good wherever it stands?
fn is_header(header: &str, indentation: &str) -> bool {
    let text = format!("{header}{indentation}pass\n");
    let read = |module: &ModModule| match module.body.as_slice() {
        [Stmt::ClassDef(class)] => class
            .body
            .first()
            .is_some_and(|first| first.start().to_usize() == header.len() + indentation.len()),
        _ => false,
    };
    let parse = || {
        parse_module(&text).is_ok_and(|parsed| {
            read(parsed.syntax()) && compiler::first_error(&text, parsed.syntax()).is_none()
        })
    };
    with_depth(&text, parse).unwrap_or(false)
}

/// What can be said of `part` by itself, which stands behind `before`.
fn standing(before: &str, part: &str) -> Standing {
    let text = format!("{before}{part}");
    let parse = || {
        let parsed = parse_unchecked_source(&text, PySourceType::Python);
        let module = parsed.syntax();
        let looks_back = || {
            let (is_within, declares) = match module.body.as_slice() {
                // A form feed begins the line anew: what follows it may stand behind the class.
                body if !before.is_empty() => match body {
                    [Stmt::ClassDef(class)] => (true, compiler::declares_in(part, &class.body)),
                    _ => (false, false),
                },
                body => (true, compiler::declares_in(part, body)),
            };
            // Anywhere else than among the module's own statements the compiler refuses it anyway.
            !is_within
                || module.body.iter().any(is_future)
                || declares
                || compiler::first_error(&text, module).is_some()
        };
        match parsed.errors().first() {
            Some(error) => {
                let error = described(&text, error, before.len());
                Standing::Broken(settled(part, error))
            }
            None if looks_back() => Standing::LooksBack,
            None => Standing::Alone,
        }
    };
    with_depth(&text, parse).unwrap_or(Standing::TooDeep)
}

fn is_future(statement: &Stmt) -> bool {
    let module = match statement {
        Stmt::ImportFrom(import) => import.module.as_deref(),
        _ => None,
    };
    module == Some("__future__")
}

/// The first error of a part, if it is the first one of every text that begins with the part: the parser goes from left to
/// right, and what it says of an error hangs on hardly more than the next statement, so an error well before the end is.
fn settled(part: &str, error: SyntaxError) -> Option<SyntaxError> {
    /// So many lines with code in them have to come after it.
    const LINES: usize = 4;
    let rest = part.get(error.range.end..)?;
    let has_code = |line: &&str| !matches!(line.trim().as_bytes(), [] | [b'#', ..] | b"\\");
    let after = rest.lines().skip(1).filter(has_code);
    (after.take(LINES).count() == LINES).then_some(error)
}

/// A part, or a statement of a class that is one: its bytes in the text, what it stands behind, and what can be said of it.
struct Piece<'p> {
    range: Range<usize>,
    before: &'static str,
    standing: &'p Standing,
}

/// [`super::check`] of a text that is made of these parts: only as much is parsed as the answer hangs on.
fn verdict(text: &str, lines: &LineIndex, parts: &[Part]) -> Result<(), SyntaxError> {
    // A byte order mark is one only where the text begins.
    let is_marked =
        |part: &Part| part.range.start > 0 && text.as_bytes()[part.range.clone()].starts_with(MARK);
    if parts.iter().any(is_marked) {
        return super::check(text);
    }
    if parts.iter().all(|part| part.what.is_alone()) {
        return Ok(());
    }
    let pieces: Vec<Piece<'_>> = parts.iter().flat_map(pieces_of).collect();
    if pieces
        .iter()
        .any(|piece| *piece.standing == Standing::TooDeep)
    {
        return super::check(text);
    }
    let broken = pieces
        .iter()
        .position(|piece| matches!(piece.standing, Standing::Broken(_)));
    let Some(broken) = broken else {
        let looks_back = |piece: &&Piece<'_>| *piece.standing == Standing::LooksBack;
        let last = pieces.iter().rfind(looks_back);
        let end = last.map_or(text.len(), |piece| piece.range.end);
        return super::check(&text[..end]).or_else(|_| super::check(text));
    };
    let first = &pieces[broken];
    let found = match first.standing {
        Standing::Broken(Some(error)) => Some(error.clone()),
        _ => error_with_more(text, first, &pieces[broken + 1..]),
    };
    match found {
        Some(error) => {
            let range = error.range.start + first.range.start..error.range.end + first.range.start;
            Err(SyntaxError {
                line: lines.line_of(range.start),
                range,
                ..error
            })
        }
        // What is broken by itself is none in its place.
        None => super::check(text),
    }
}

fn pieces_of(part: &Part) -> Vec<Piece<'_>> {
    match &*part.what {
        What::Whole(standing) => vec![Piece {
            range: part.range.clone(),
            before: "",
            standing,
        }],
        What::Class(class) => {
            let start = part.range.start + class.header;
            let members = class.members.iter();
            let pieces = members.map(|(range, standing)| Piece {
                range: start + range.start..start + range.end,
                before: CLASS,
                standing,
            });
            pieces.collect()
        }
    }
}

/// The first error from a broken piece on, by its place in the piece: looked for in ever more of what comes after.
fn error_with_more(text: &str, first: &Piece<'_>, rest: &[Piece<'_>]) -> Option<SyntaxError> {
    let error_up_to = |end: usize| {
        let window = &text[first.range.start..end];
        Some((window, parse_error(first.before, window)?))
    };
    for ahead in [2, 12] {
        if let Some(last) = rest.get(ahead)
            && let Some((window, error)) = error_up_to(last.range.end)
            && let Some(error) = settled(window, error)
        {
            return Some(error);
        }
    }
    error_up_to(text.len()).map(|(_, error)| error)
}

/// The first error of a text that stands behind `before`.
fn parse_error(before: &str, part: &str) -> Option<SyntaxError> {
    let text = format!("{before}{part}");
    super::guarded(&text, before.len(), || match parse_module(&text) {
        Ok(_) => Ok(()),
        Err(error) => Err(described(&text, &error, before.len())),
    })
    .err()
}
