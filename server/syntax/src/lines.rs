//! Where the lines of a text begin, and the way between byte offsets and an editor's positions.

use crate::position::{Encoding, Position};
use std::ops::Range;

/// The starts of all lines of one text. The text itself is given with every question, so that an index can be kept beside
/// the text it belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineIndex {
    starts: Vec<usize>,
    lone_carriage_returns: bool,
}

impl LineIndex {
    /// Reads where the lines of `text` begin.
    pub fn new(text: &str) -> Self {
        let bytes = text.as_bytes();
        if memchr::memchr(b'\r', bytes).is_none() {
            let mut starts = Vec::with_capacity(1 + memchr::memchr_iter(b'\n', bytes).count());
            starts.push(0);
            starts.extend(memchr::memchr_iter(b'\n', bytes).map(|at| at + 1));
            return LineIndex {
                starts,
                lone_carriage_returns: false,
            };
        }
        let mut starts = vec![0];
        let mut lone_carriage_returns = false;
        for at in memchr::memchr2_iter(b'\n', b'\r', bytes) {
            if bytes[at] == b'\n' {
                starts.push(at + 1);
            } else if bytes.get(at + 1) != Some(&b'\n') {
                lone_carriage_returns = true;
                starts.push(at + 1);
            }
        }
        LineIndex {
            starts,
            lone_carriage_returns,
        }
    }

    /// The index of `text`, which came to be when `inserted` bytes took the place of `edited` of this index's text.
    pub(crate) fn edited(&self, text: &str, edited: Range<usize>, inserted: usize) -> Self {
        if self.lone_carriage_returns {
            return LineIndex::new(text);
        }
        // A `\r` before the edit and a `\n` behind it may have become one break, or two.
        let first = self.starts.partition_point(|start| *start < edited.start);
        let first = first.saturating_sub(1);
        let from = self.starts[first];
        let last = self
            .starts
            .partition_point(|start| *start <= edited.end + 1);
        let moved = |offset: usize| offset - edited.len() + inserted;
        let to = match self.starts.get(last) {
            Some(start) => moved(*start),
            None => text.len(),
        };
        let between = LineIndex::new(&text[from..to]);
        let mut starts = Vec::with_capacity(self.starts.len() + between.starts.len());
        starts.extend_from_slice(&self.starts[..first]);
        starts.extend(between.starts.iter().map(|start| from + start));
        if last < self.starts.len() {
            // What is between ends with the break before the next line.
            starts.pop();
            starts.extend(self.starts[last..].iter().map(|start| moved(*start)));
        }
        LineIndex {
            starts,
            lone_carriage_returns: between.lone_carriage_returns,
        }
    }

    /// Does a `\r` without a `\n` break a line somewhere?
    pub fn has_lone_carriage_returns(&self) -> bool {
        self.lone_carriage_returns
    }

    /// How many lines the text has; an empty text has one.
    pub fn line_count(&self) -> u32 {
        self.starts.len() as u32
    }

    /// The byte offset at which `line` begins; the last line's start for a line past the end.
    pub fn line_start(&self, line: u32) -> usize {
        let last = self.starts.len() - 1;
        self.starts[(line as usize).min(last)]
    }

    /// The line that holds the byte at `offset`; the last line for an offset past the end.
    pub fn line_of(&self, offset: usize) -> u32 {
        (self.starts.partition_point(|start| *start <= offset) - 1) as u32
    }

    /// The bytes of `line` without its line break; empty, at the end of the text, for a line past the end.
    pub fn line_range(&self, text: &str, line: u32) -> Range<usize> {
        let line = line as usize;
        let Some(&start) = self.starts.get(line) else {
            return text.len()..text.len();
        };
        let mut end = self.starts.get(line + 1).copied().unwrap_or(text.len());
        let bytes = text.as_bytes();
        if line + 1 < self.starts.len() {
            end -= 1;
            if bytes[end] == b'\n' && end > start && bytes[end - 1] == b'\r' {
                end -= 1;
            }
        }
        start..end
    }

    /// The byte offset of a client's `position`. A character past the line's end is the line's end (before its break), a
    /// line past the last is the end of the text.
    pub fn offset(&self, text: &str, position: Position, encoding: Encoding) -> usize {
        let range = self.line_range(text, position.line);
        let start = range.start;
        start + encoding.offset(&text[range], position.character as usize)
    }

    /// The client's position of a byte `offset`. An offset inside of a character means the character's start, one past the
    /// end means the end.
    pub fn position(&self, text: &str, offset: usize, encoding: Encoding) -> Position {
        let offset = text.floor_char_boundary(offset);
        let line = self.line_of(offset);
        let before = &text[self.line_start(line)..offset];
        Position {
            line,
            character: encoding.length(before) as u32,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_past_the_end_of_a_line_is_before_its_break() {
        let text = "ab\r\ncd\refg";
        let lines = LineIndex::new(text);
        assert_eq!(lines.line_count(), 3);
        assert_eq!(lines.offset(text, Position::new(0, 99), Encoding::Utf16), 2);
        assert_eq!(lines.offset(text, Position::new(1, 99), Encoding::Utf16), 6);
        assert_eq!(lines.offset(text, Position::new(2, 1), Encoding::Utf16), 8);
        assert_eq!(
            lines.offset(text, Position::new(9, 0), Encoding::Utf16),
            text.len()
        );
        assert_eq!(lines.line_of(3), 0);
        assert_eq!(lines.position(text, 8, Encoding::Utf8), Position::new(2, 1));
    }

    #[test]
    fn characters_outside_of_the_basic_plane_count_as_the_encoding_says() {
        let text = "é😀x";
        let lines = LineIndex::new(text);
        for (encoding, x) in [
            (Encoding::Utf8, 6),
            (Encoding::Utf16, 3),
            (Encoding::Utf32, 2),
        ] {
            assert_eq!(
                lines.offset(text, Position::new(0, x), encoding),
                6,
                "{encoding:?}"
            );
            assert_eq!(
                lines.position(text, 6, encoding),
                Position::new(0, x),
                "{encoding:?}"
            );
        }
        assert_eq!(
            lines.offset(text, Position::new(0, 2), Encoding::Utf16),
            2,
            "inside of a surrogate pair"
        );
    }
}
