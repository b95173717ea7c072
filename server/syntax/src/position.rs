//! Places in a text as an editor's protocol names them.

/// The unit in which a client counts the characters of a line (LSP's position encoding).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Encoding {
    /// Bytes of UTF-8.
    Utf8,
    /// Units of UTF-16, what LSP clients use when nothing else is agreed on.
    #[default]
    Utf16,
    /// Unicode scalar values.
    Utf32,
}

impl Encoding {
    /// How many units `text` takes.
    pub fn length(self, text: &str) -> usize {
        match self {
            Encoding::Utf8 => text.len(),
            Encoding::Utf16 if text.is_ascii() => text.len(),
            Encoding::Utf16 => text.chars().map(char::len_utf16).sum(),
            Encoding::Utf32 => text.chars().count(),
        }
    }

    /// The byte offset in `text` that lies `units` units after its start. A place inside of a character is the
    /// character's start; a place past the end is the end.
    pub fn offset(self, text: &str, units: usize) -> usize {
        if units >= text.len() && self == Encoding::Utf8 {
            return text.len();
        }
        if text.is_ascii() {
            return units.min(text.len());
        }
        let mut left = units;
        for (offset, character) in text.char_indices() {
            let width = match self {
                Encoding::Utf8 => character.len_utf8(),
                Encoding::Utf16 => character.len_utf16(),
                Encoding::Utf32 => 1,
            };
            if width > left {
                return offset;
            }
            left -= width;
        }
        text.len()
    }
}

/// A place between two characters: a line, from 0, and how many units of the agreed [`Encoding`] lie before it in the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Position {
    /// The line, from 0.
    pub line: u32,
    /// Units from the line's start.
    pub character: u32,
}

impl Position {
    /// The place `character` units into `line`.
    pub fn new(line: u32, character: u32) -> Self {
        Position { line, character }
    }
}

/// From one place up to, not including, another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Range {
    /// The first place.
    pub start: Position,
    /// The place after the last character.
    pub end: Position,
}

impl Range {
    /// The range between two places.
    pub fn new(start: Position, end: Position) -> Self {
        Range { start, end }
    }
}
