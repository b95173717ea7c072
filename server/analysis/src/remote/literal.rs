//! What a plain string literal says, byte by byte with the place of each in the source, and how a name is written into it.

use std::ops::Range;

use ruff_python_ast::str_prefix::StringLiteralPrefix;
use ruff_python_ast::{Expr, StringFlags, StringLiteral};

use crate::python::range_of;

/// A string literal that Python takes as it stands: no substitutions, not put together of several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathLiteral {
    /// With its prefix and its quotes.
    pub range: Range<usize>,
    /// What stands between the quotes.
    pub content: Range<usize>,
    /// What it means, as the bytes of a file's name.
    pub value: Vec<u8>,
    /// Where in the source each byte begins that it means, and where the last one ends.
    places: Vec<usize>,
    style: Style,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Style {
    quote: char,
    is_raw: bool,
}

/// The part of a path in which the cursor is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// What stands before it, up to its last slash; empty where there is none.
    pub folder: Vec<u8>,
    /// What of it stands before the cursor.
    pub typed: Vec<u8>,
    /// The bytes of the source that another name takes the place of.
    pub replace: Range<usize>,
    /// A slash follows it already.
    pub has_slash: bool,
}

impl PathLiteral {
    /// Reads an expression; none when it is no plain string literal that is closed, or has an escape that no file's name can have.
    pub(super) fn read(text: &str, expression: &Expr) -> Option<PathLiteral> {
        let Expr::StringLiteral(literal) = expression else {
            return None;
        };
        let mut parts = literal.value.iter();
        match (parts.next(), parts.next()) {
            (Some(part), None) => PathLiteral::of(text, part),
            _ => None,
        }
    }

    fn of(text: &str, literal: &StringLiteral) -> Option<PathLiteral> {
        let flags = literal.flags;
        let range = range_of(literal);
        let start = range.start + flags.opener_len().to_usize();
        if flags.is_unclosed() {
            return None;
        }
        let end = range.end.checked_sub(flags.closer_len().to_usize())?;
        let style = Style {
            quote: flags.quote_style().as_char(),
            is_raw: matches!(flags.prefix(), StringLiteralPrefix::Raw { .. }),
        };
        let content = start..end;
        let mut read = Read {
            value: Vec::new(),
            places: Vec::new(),
        };
        read.all(text.get(content.clone())?, start, style.is_raw)?;
        read.places.push(end);
        Some(PathLiteral {
            range,
            content,
            value: read.value,
            places: read.places,
            style,
        })
    }

    /// Is a place of the source between its quotes, or right at one of them?
    pub(super) fn holds(&self, offset: usize) -> bool {
        (self.content.start..=self.content.end).contains(&offset)
    }

    /// The part of the path around a place of the source; none inside of an escape, and where it goes over several lines.
    pub fn segment(&self, text: &str, offset: usize) -> Option<Segment> {
        let at = self.places.partition_point(|place| *place < offset);
        if self.places.get(at) != Some(&offset) {
            return None;
        }
        let slash = |byte: &u8| *byte == b'/';
        let start = self.value[..at]
            .iter()
            .rposition(slash)
            .map_or(0, |at| at + 1);
        let rest = self.value[at..].iter().position(slash);
        let end = rest.map_or(self.value.len(), |rest| at + rest);
        let replace = self.places[start]..self.places[end];
        if text.get(replace.clone())?.contains(['\n', '\r']) {
            return None;
        }
        Some(Segment {
            folder: self.value[..start].to_vec(),
            typed: self.value[start..at].to_vec(),
            replace,
            has_slash: rest.is_some(),
        })
    }

    /// How a file's name is written in this literal; none where that cannot be done.
    pub fn write(&self, name: &[u8]) -> Option<String> {
        let mut written = String::new();
        for chunk in name.utf8_chunks() {
            for character in chunk.valid().chars() {
                self.style.write(character, &mut written)?;
            }
            for byte in chunk.invalid() {
                if self.style.is_raw {
                    return None;
                }
                // As Python reads the bytes of names that are no text.
                written.push_str(&format!("\\udc{byte:02x}"));
            }
        }
        // Before the quote that ends it.
        let is_open_end = self.style.is_raw && written.ends_with('\\');
        (!is_open_end).then_some(written)
    }
}

impl Style {
    fn write(self, character: char, written: &mut String) -> Option<()> {
        let is_special = character == self.quote || character == '\\' || character.is_control();
        match character {
            _ if !is_special => written.push(character),
            '\\' if self.is_raw => written.push('\\'),
            _ if self.is_raw => return None,
            '\n' => written.push_str("\\n"),
            '\r' => written.push_str("\\r"),
            '\t' => written.push_str("\\t"),
            _ if character.is_control() => {
                written.push_str(&format!("\\x{:02x}", u32::from(character)));
            }
            _ => written.extend(['\\', character]),
        }
        Some(())
    }
}

/// What was read of a literal so far.
struct Read {
    value: Vec<u8>,
    places: Vec<usize>,
}

impl Read {
    fn push(&mut self, bytes: &[u8], at: usize) {
        self.value.extend_from_slice(bytes);
        self.places.extend(bytes.iter().map(|_| at));
    }

    fn character(&mut self, character: char, at: usize) {
        self.push(character.encode_utf8(&mut [0; 4]).as_bytes(), at);
    }

    /// Reads what stands between the quotes; none for what is cut off and for escapes that no file's name has.
    fn all(&mut self, content: &str, start: usize, is_raw: bool) -> Option<()> {
        let mut characters = content.char_indices().peekable();
        while let Some((index, character)) = characters.next() {
            let at = start + index;
            match character {
                '\r' if characters.peek().is_some_and(|(_, next)| *next == '\n') => {}
                '\r' => self.character('\n', at),
                '\\' if !is_raw => {
                    let (_, kind) = characters.next()?;
                    let rest = content.get(index + 2..).unwrap_or_default();
                    let digits = match kind {
                        '\n' => 0,
                        '\r' => usize::from(rest.starts_with('\n')),
                        '\\' | '\'' | '"' => self.simple(kind, at),
                        'a' => self.simple('\x07', at),
                        'b' => self.simple('\x08', at),
                        'f' => self.simple('\x0c', at),
                        'n' => self.simple('\n', at),
                        'r' => self.simple('\r', at),
                        't' => self.simple('\t', at),
                        'v' => self.simple('\x0b', at),
                        '0'..='7' => self.octal(kind, rest, at)?,
                        'x' => self.number(rest, 2, at)?,
                        'u' => self.number(rest, 4, at)?,
                        'U' => self.number(rest, 8, at)?,
                        'N' => return None,
                        _ => {
                            self.character('\\', at);
                            self.character(kind, at + 1);
                            0
                        }
                    };
                    for _ in 0..digits {
                        characters.next()?;
                    }
                }
                _ => self.character(character, at),
            }
        }
        Some(())
    }

    fn simple(&mut self, character: char, at: usize) -> usize {
        self.character(character, at);
        0
    }

    fn octal(&mut self, first: char, rest: &str, at: usize) -> Option<usize> {
        let more = rest.bytes().take(2);
        let more = more
            .take_while(|digit| (b'0'..=b'7').contains(digit))
            .count();
        let digits = format!("{first}{}", rest.get(..more)?);
        self.code(u32::from_str_radix(&digits, 8).ok()?, at)?;
        Some(more)
    }

    fn number(&mut self, rest: &str, digits: usize, at: usize) -> Option<usize> {
        let text = rest.get(..digits)?;
        if !text.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        self.code(u32::from_str_radix(text, 16).ok()?, at)?;
        Some(digits)
    }

    /// A character by its number. Half of a pair stands for a byte that is no text, or for nothing that a name can have.
    fn code(&mut self, number: u32, at: usize) -> Option<()> {
        match (char::from_u32(number), number) {
            (Some('\0'), _) => None,
            (Some(character), _) => {
                self.character(character, at);
                Some(())
            }
            (None, 0xdc80..=0xdcff) => {
                self.push(&[u8::try_from(number - 0xdc00).ok()?], at);
                Some(())
            }
            (None, _) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::PathLiteral;
    use crate::python::expression;

    fn read(text: &str) -> Option<PathLiteral> {
        PathLiteral::read(text, &expression(text)?)
    }

    fn value(text: &str) -> Option<String> {
        Some(String::from_utf8_lossy(&read(text)?.value).into_owned())
    }

    #[test]
    fn a_literal_means_what_python_makes_of_it() {
        let means =
            |text: &str, wanted: &str| assert_eq!(value(text).as_deref(), Some(wanted), "{text}");
        means(r"'/data/é'", "/data/é");
        means(
            r#"u"/a\tb\\c\"d\x41\101\u00e9\U0001F600\q""#,
            "/a\tb\\c\"dAAé😀\\q",
        );
        means(r"r'/a\n'", r"/a\n");
        means("'''/a\r\nb\\\n/c'''", "/a\nb/c");
        assert_eq!(
            read(r"'\udcff'").map(|literal| literal.value),
            Some(vec![0xff])
        );
        for none in [
            r"b'/a'",
            r"f'/a'",
            r"'/a' '/b'",
            r"'\ud800'",
            r"'\N{BULLET}'",
            r"'a\0'",
            "x",
        ] {
            assert_eq!(value(none), None, "{none}");
        }
    }

    #[test]
    fn the_segment_around_the_cursor() {
        let text = r#"'/da\x74a/ré/x'"#;
        let literal = read(text).expect("plain");
        let segment = |of: &str| {
            let at = text.find(of).expect("there");
            literal.segment(text, at).map(|segment| {
                let replaced = &text[segment.replace.clone()];
                let typed = String::from_utf8_lossy(&segment.typed).into_owned();
                let folder = String::from_utf8_lossy(&segment.folder).into_owned();
                (folder, typed, replaced.to_owned(), segment.has_slash)
            })
        };
        let found = |folder: &str, typed: &str, replaced: &str, slash| {
            Some((
                folder.to_owned(),
                typed.to_owned(),
                replaced.to_owned(),
                slash,
            ))
        };
        assert_eq!(segment("/da"), found("", "", "", true));
        assert_eq!(segment("a\\x"), found("/", "d", r"da\x74a", true));
        assert_eq!(segment("74"), None);
        assert_eq!(segment("é"), found("/data/", "r", "ré", true));
        assert_eq!(segment("x'"), found("/data/ré/", "", "x", false));
    }

    #[test]
    fn a_raw_literal_cannot_have_every_name() {
        let literal = read(r"r'/'").expect("plain");
        assert_eq!(literal.write(br"a\b").as_deref(), Some(r"a\b"));
        for name in ["a'b", "a\nb", "a\\"] {
            assert_eq!(literal.write(name.as_bytes()), None, "{name}");
        }
        assert_eq!(literal.write(b"\xff"), None);
    }

    proptest! {
        // Whatever a file is called: what is written for it means its name again.
        #[test]
        fn a_name_that_is_written_is_read_as_it_was(
            name in prop::collection::vec(1u8..=255, 1..20),
            style in prop::sample::select(vec!["''", "\"\"", "'''\"'''", "r''", "r\"\"\"x\"\"\""]),
        ) {
            let empty = read(style).expect("plain");
            if let Some(written) = empty.write(&name) {
                let text = format!("{}{written}{}", &style[..empty.content.start], &style[empty.content.end..]);
                prop_assert_eq!(read(&text).map(|literal| literal.value), Some(name));
            } else {
                prop_assert!(style.starts_with('r'));
            }
        }

        #[test]
        fn any_text_is_read_without_a_panic(text in "[ru]?['\"]{1,3}(\\\\?[a-zN0-9{}é'\"/\r\n]){0,12}['\"]{1,3}", at in 0usize..40) {
            if let Some(literal) = read(&text) {
                let segment = literal.segment(&text, at);
                prop_assert!(segment.is_none_or(|segment| segment.replace.contains(&at) || segment.replace.end == at));
            }
        }
    }
}
