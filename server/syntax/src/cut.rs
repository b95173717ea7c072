//! Where the statements of a block begin, found by looking at the characters of its text only; and what of the cuts of an
//! earlier text still stands.
//!
//! The scan keeps brackets, strings and line continuations apart, and needs to know nothing of what stands before a place at
//! which it cuts. So it can go on from any such place, and the cuts of a text are the same however it came to be. What it takes
//! for a statement may be something else in code that is broken; the strict parser judges every part later.

use std::ops::Range;

/// Of the words that a scan knows, in bytes: `finally`.
const LONGEST_WORD: usize = 7;

const LONGEST_CHAR: usize = 4;

/// How a scan of `text` goes on: from the start of one part to that of the next.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scan<'t> {
    bytes: &'t [u8],
    /// What the lines of the block's statements begin with; empty for those of a module.
    indentation: &'t [u8],
    at: usize,
}

impl<'t> Scan<'t> {
    /// A scan of a block from `at` on, the start of the text or a place that a scan of an equal text would give.
    pub(crate) fn from(text: &'t str, indentation: &'t str, at: usize) -> Self {
        Scan {
            bytes: text.as_bytes(),
            indentation: indentation.as_bytes(),
            at,
        }
    }

    fn end_of_part(&self) -> usize {
        let Scan {
            bytes,
            indentation,
            at: start,
        } = *self;
        let mut at = start;
        let mut depth = 0_usize;
        // A decorator and what it decorates are one part; so is a text's beginning without a statement and its first one.
        let first = statement_on(bytes, indentation, start);
        let mut waits = first.is_none_or(|first| bytes[first] == b'@');
        let mut is_inside = false;
        loop {
            // Inside of a line: to its end.
            let Some(line) = next_line(bytes, &mut at, &mut depth) else {
                return bytes.len();
            };
            let statement = statement_on(bytes, indentation, line);
            if depth == 0 {
                is_inside = statement.is_none();
            }
            let Some(statement) = statement else {
                continue;
            };
            // Nobody goes on between brackets left of the line that opened them.
            let recovers = depth > 0 && (is_inside || begins_statement(bytes, statement));
            if depth > 0 && !recovers {
                continue;
            }
            let decorates = bytes[statement] == b'@';
            if !waits || recovers {
                return line;
            }
            // The statement that was waited for; it ends before the next one.
            waits = decorates;
        }
    }
}

impl Iterator for Scan<'_> {
    type Item = usize;

    /// Where the part that begins where the last one did ends, and the next begins; none for the last part.
    fn next(&mut self) -> Option<usize> {
        let end = self.end_of_part();
        self.at = end;
        (end < self.bytes.len()).then_some(end)
    }
}

/// Does a scan see a statement on the first line of a module?
pub(crate) fn begins_with_statement(text: &str) -> bool {
    statement_on(text.as_bytes(), "".as_bytes(), 0).is_some()
}

/// A part of a text that was cut anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Part {
    /// Its bytes in the text.
    pub(crate) range: Range<usize>,
    /// Which part of the earlier text reads the same.
    pub(crate) known: Option<usize>,
}

/// Cuts a block, given an earlier text of it and its parts, which is what a scan gave. The parts are those of a scan of all of it.
///
/// What is known of a part follows from its text alone. So a part of the text before stands for a part of the text now exactly
/// when both have the same text; there is no other bookkeeping of what an edit touched.
pub(crate) fn again(
    text: &str,
    indentation: &str,
    before: &str,
    known: &[Range<usize>],
) -> Vec<Part> {
    let (new, old) = (text.as_bytes(), before.as_bytes());
    let same = same_at_start(new, old);
    if same == new.len() && same == old.len() && !known.is_empty() {
        let part = |(index, range): (usize, &Range<usize>)| Part {
            range: range.clone(),
            known: Some(index),
        };
        return known.iter().enumerate().map(part).collect();
    }
    // Whether a part ends where it does hangs on the first word after it, and on what follows that.
    let ahead = indentation.len() + LONGEST_WORD + LONGEST_CHAR;
    let first = known.partition_point(|part| part.end + ahead <= same);
    let at = match first {
        0 => 0,
        _ => known[first - 1].end,
    };
    let same = same_at_end(&new[at..], &old[at.min(old.len())..]);
    let last = first + known[first..].partition_point(|part| part.start < old.len() - same);
    let moved = |offset: usize| offset + new.len() - old.len();
    let mut parts: Vec<Part> = (0..first)
        .map(|index| Part {
            range: known[index].clone(),
            known: Some(index),
        })
        .collect();
    let mut spare: Vec<usize> = (first..last).collect();
    let mut scan = Scan::from(text, indentation, at);
    let mut start = at;
    loop {
        // From a place on at which both texts were cut, and are the same, they are cut the same.
        let met = known[last..].binary_search_by_key(&start, |part| moved(part.start));
        if let Ok(met) = met {
            parts.extend((last + met..known.len()).map(|index| Part {
                range: moved(known[index].start)..moved(known[index].end),
                known: Some(index),
            }));
            return parts;
        }
        let end = scan.next().unwrap_or(text.len());
        let reads_so = |index: &usize| old[known[*index].clone()] == new[start..end];
        let found = spare.iter().position(reads_so);
        parts.push(Part {
            range: start..end,
            known: found.map(|found| spare.remove(found)),
        });
        if end == text.len() {
            return parts;
        }
        start = end;
    }
}

/// How many bytes both have in common at their beginning.
fn same_at_start(one: &[u8], other: &[u8]) -> usize {
    const STRIDE: usize = 256;
    let strides = one.chunks_exact(STRIDE).zip(other.chunks_exact(STRIDE));
    let at = strides.take_while(|(one, other)| one == other).count() * STRIDE;
    let rest = one[at..].iter().zip(&other[at..]);
    at + rest.take_while(|(one, other)| one == other).count()
}

/// How many bytes both have in common at their end.
fn same_at_end(one: &[u8], other: &[u8]) -> usize {
    const STRIDE: usize = 256;
    let strides = one.rchunks_exact(STRIDE).zip(other.rchunks_exact(STRIDE));
    let count = strides.take_while(|(one, other)| one == other).count() * STRIDE;
    let (one, other) = (&one[..one.len() - count], &other[..other.len() - count]);
    let rest = one.iter().rev().zip(other.iter().rev());
    count + rest.take_while(|(one, other)| one == other).count()
}

/// Goes to the start of the next line that the line before does not continue into by a string or a backslash.
pub(crate) fn next_line(bytes: &[u8], at: &mut usize, depth: &mut usize) -> Option<usize> {
    while let Some(&byte) = bytes.get(*at) {
        *at += 1;
        match byte {
            b'\n' => return Some(*at),
            b'\r' => {
                *at += usize::from(bytes.get(*at) == Some(&b'\n'));
                return Some(*at);
            }
            b'\\' => *at = after_escaped(bytes, *at),
            b'#' => {
                let rest = &bytes[*at..];
                *at += memchr::memchr2(b'\n', b'\r', rest).unwrap_or(rest.len());
            }
            b'"' | b'\'' => *at = after_string(bytes, *at, byte),
            b'(' | b'[' | b'{' => *depth += 1,
            b')' | b']' | b'}' => *depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    None
}

/// After what a backslash before `at` escapes; `\r\n` is one character.
fn after_escaped(bytes: &[u8], at: usize) -> usize {
    match bytes.get(at) {
        None => at,
        Some(b'\r') if bytes.get(at + 1) == Some(&b'\n') => at + 2,
        Some(_) => at + 1,
    }
}

/// After the string whose first quote stands before `at`. One that is not closed ends with its line, a long one with the text.
fn after_string(bytes: &[u8], mut at: usize, quote: u8) -> usize {
    let is_long = bytes.get(at) == Some(&quote) && bytes.get(at + 1) == Some(&quote);
    if is_long {
        at += 2;
    }
    loop {
        let rest = bytes.get(at..).unwrap_or_default();
        let next = if is_long {
            memchr::memchr2(quote, b'\\', rest)
        } else {
            rest.iter()
                .position(|byte| *byte == quote || matches!(byte, b'\\' | b'\n' | b'\r'))
        };
        let Some(next) = next else {
            return bytes.len();
        };
        at += next;
        match bytes[at] {
            b'\\' => at = after_escaped(bytes, at + 1),
            b'\n' | b'\r' => return at,
            _ if !is_long => return at + 1,
            _ if bytes[at..].starts_with(&[quote; 3]) => return at + 3,
            _ => at += 1,
        }
    }
}

/// Where on the line at `line` a statement of the block begins, if one does rather than a block in it, a comment, or more of the
/// statement before.
fn statement_on(bytes: &[u8], indentation: &[u8], line: usize) -> Option<usize> {
    let is_indented = indentation.is_empty() || bytes.get(line..)?.starts_with(indentation);
    if !is_indented {
        return None;
    }
    let at = line + indentation.len();
    match bytes.get(at)? {
        // Behind a backslash the line goes on with an indentation that counts nowhere.
        b' ' | b'\t' | b'\x0c' | b'\n' | b'\r' | b'#' | b'\\' | b')' | b']' | b'}' => None,
        b'e' | b'f' => {
            let goes_on = ["else", "elif", "except", "finally"];
            let goes_on = goes_on.iter().any(|word| begins_with_word(bytes, at, word));
            (!goes_on).then_some(at)
        }
        _ => Some(at),
    }
}

/// Does something begin there that cannot stand between brackets? Then whatever is open was left open.
fn begins_statement(bytes: &[u8], line: usize) -> bool {
    let words = [
        "def", "class", "async", "import", "try", "while", "with", "raise", "return", "del",
        "assert",
    ];
    words.iter().any(|word| begins_with_word(bytes, line, word))
}

/// Does this word stand there, and not a longer name? `else` before a character that is in no name is the keyword.
pub(crate) fn begins_with_word(bytes: &[u8], at: usize, word: &str) -> bool {
    let Some(rest) = bytes[at..].strip_prefix(word.as_bytes()) else {
        return false;
    };
    // What is cut off behind the character does not matter.
    let next = rest[..rest.len().min(LONGEST_CHAR)].utf8_chunks().next();
    let next = next.and_then(|chunk| chunk.valid().chars().next());
    !next.is_some_and(|next| next == '_' || unicode_ident::is_xid_continue(next))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(parts: &[&str]) {
        let text = parts.concat();
        let mut starts = vec![0];
        starts.extend(Scan::from(&text, "", 0));
        starts.push(text.len());
        let found: Vec<&str> = starts
            .windows(2)
            .map(|pair| &text[pair[0]..pair[1]])
            .collect();
        assert_eq!(found, parts);
        for (number, start) in starts[..parts.len()].iter().enumerate() {
            let on: Vec<usize> = Scan::from(&text, "", *start).collect();
            assert_eq!(on, &starts[number + 1..parts.len()], "from {start}");
        }
    }

    #[test]
    fn every_top_level_statement_is_a_part() {
        check(&[
            "import os\n",
            "x = 1; y = 2\n\n# about f\n",
            "def f():\n    return 1\n\n",
            "x",
        ]);
        check(&[
            "# first\n\nimport os\n",
            "if a:\n    b\nelif c:\n    d\nelse:\n    e\n",
            "elsewhere = 1\n",
        ]);
        check(&["if a:\n    b\nelse\u{feff}\n", "else\u{e9} = 1\n"]);
        check(&["try:\n    a\nexcept E:\n    b\nfinally:\n    c\n", "d\n"]);
        check(&["a\r", "b\r\n", "c\n"]);
    }

    #[test]
    fn a_statement_behind_a_backslash_on_the_first_line_is_not_seen() {
        check(&["\\\nx = 1\ny = 2\n", "z = 3\n"]);
        assert!(!begins_with_statement("\\\nx = 1\n"));
        assert!(begins_with_statement("x = 1\n"));
    }

    #[test]
    fn a_decorator_stays_with_what_it_decorates() {
        check(&[
            "@a\n# why\n@b(1)\ndef f(): pass\n",
            "@c\nclass A: pass\n",
            "x\n",
        ]);
    }

    #[test]
    fn brackets_strings_and_backslashes_join_lines() {
        check(&[
            "x = (\n1,\n)\n",
            "y = '''\ndef f():\n'''\n",
            "z = 1 + \\\n2\n",
            "s = 'it\\'s' # (\n",
            "t\n",
        ]);
        check(&["x = 'a\\\r\nb'\n", "y\n"]);
        check(&["x\n\\\n = 1\n", "y\n"]);
    }

    #[test]
    fn what_is_left_open_ends_before_the_next_definition() {
        check(&["x = (1,\n\n", "def f():\n    pass\n"]);
        check(&["def f(a:\n    pass\n\n", "async def g(): pass\n"]);
        check(&["x = (1,\n", "import os\n", "y = 2\n"]);
        check(&["x = (a\nif b else c,\nd)\n", "y = [\n1\n] + [\ny\n]\n"]);
        check(&["x = 'a\n", "y = 1\n"]);
        check(&["x = '''a\ny = 1\n"]);
    }

    #[test]
    fn what_is_left_open_in_a_block_ends_with_the_block() {
        check(&["def f():\n    x = (1,\n    y\n\n", "a = 1\n", "b\n"]);
        check(&["if a:\n    x = (\nelse:\n    b\n)\n", "c\n"]);
        let body = "    def f(self):\n        x = (1,\n\n    a = 1\n    b\n";
        let starts: Vec<usize> = Scan::from(body, "    ", 0).collect();
        let starts_with = |start: &usize| &body[*start..][..5];
        assert_eq!(
            starts.iter().map(starts_with).collect::<Vec<_>>(),
            ["    a", "    b"]
        );
    }

    #[test]
    fn a_text_without_a_statement_is_one_part() {
        check(&["# nothing\n"]);
        let mut empty = Scan::from("", "", 0);
        assert_eq!(empty.next(), None);
    }

    #[test]
    fn a_word_that_goes_on_is_another_word() {
        let before = "x = (\nclass";
        let parts = [0..6, 6..11];
        let found = again("x = (\nclass1", "", before, &parts);
        let (range, known) = (0..12, None);
        assert_eq!(found, [Part { range, known }]);
    }
}
