//! Python files as text, and text as the bytes that Python will read: PEP 263.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Why a file is not a Python source that can be read.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The disk says no.
    #[error("{}: {why}", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What is wrong and what to do.
        why: String,
    },
    /// Its bytes are not what it declares to be.
    #[error("{}:{line}: {why}", .path.display())]
    Encoding {
        /// The file.
        path: PathBuf,
        /// The line that is to blame, from 1.
        line: u32,
        /// What is wrong and what to do.
        why: String,
    },
}

/// The encodings that a source file may declare. Python knows a hundred; a file in one of the others is refused, because
/// text that is read wrongly runs wrongly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Encoding {
    Utf8,
    /// Every byte is the character of the same number.
    Latin1,
    Ascii,
}

impl Encoding {
    /// As Python's tokenizer reads names: case, `-` and `_` do not matter, and `utf-8-unix` of editors is UTF-8.
    fn named(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase().replace('_', "-");
        let is = |known: &str| {
            name == known
                || name
                    .strip_prefix(known)
                    .is_some_and(|rest| rest.starts_with('-'))
        };
        if ["utf-8", "utf8"].into_iter().any(is) {
            Some(Self::Utf8)
        } else if [
            "latin-1",
            "latin1",
            "iso-8859-1",
            "iso8859-1",
            "iso-latin-1",
            "l1",
        ]
        .into_iter()
        .any(is)
        {
            Some(Self::Latin1)
        } else if ["ascii", "us-ascii"].contains(&name.as_str()) {
            Some(Self::Ascii)
        } else {
            None
        }
    }
}

/// The name that a coding cookie declares, with its line from 0: a comment in the first or second line, the first being a
/// comment or blank too.
fn cookie(bytes: &[u8]) -> Option<(u32, String)> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let head = &bytes[..bytes.len().min(1000)];
    let head = String::from_utf8_lossy(head).replace("\r\n", "\n");
    for (number, line) in head.split(['\n', '\r']).take(2).enumerate() {
        let line = line.trim_start_matches([' ', '\t', '\x0c']);
        if let Some(comment) = line.strip_prefix('#') {
            let declared = comment.match_indices("coding").find_map(|(at, word)| {
                let rest = comment[at + word.len()..].strip_prefix([':', '='])?;
                let rest = rest.trim_start_matches([' ', '\t']);
                let end = rest
                    .find(|c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c)))
                    .unwrap_or(rest.len());
                (end > 0).then(|| rest[..end].to_owned())
            });
            if let Some(name) = declared {
                return Some((u32::try_from(number).unwrap_or(0), name));
            }
        } else if !line.is_empty() {
            return None;
        }
    }
    None
}

/// Reads a Python file as text. A byte order mark stays in the text, as it does in an editor's.
///
/// # Errors
/// It is missing, a folder, or not in the encoding that it declares.
pub fn read_source(path: &Path) -> Result<String, SourceError> {
    let unreadable = |why: String| SourceError::Unreadable {
        path: path.to_owned(),
        why,
    };
    let bytes = fs::read(path).map_err(|error| {
        unreadable(match error.kind() {
            io::ErrorKind::NotFound => "there is no such file".to_owned(),
            io::ErrorKind::IsADirectory => "this is a folder; name a Python file in it".to_owned(),
            io::ErrorKind::PermissionDenied => {
                "you may not read it; change its permissions".to_owned()
            }
            _ => format!("it cannot be read ({error})"),
        })
    })?;
    let refuse = |line, why| SourceError::Encoding {
        path: path.to_owned(),
        line,
        why,
    };
    let declared = cookie(&bytes);
    let encoding = match &declared {
        None => Encoding::Utf8,
        Some((line, name)) => Encoding::named(name).ok_or_else(|| {
            refuse(
                line + 1,
                format!(
                    "the encoding {name:?} is not one that hoist reads; save the file as UTF-8"
                ),
            )
        })?,
    };
    match encoding {
        Encoding::Latin1 => Ok(bytes.iter().map(|byte| char::from(*byte)).collect()),
        Encoding::Utf8 | Encoding::Ascii => {
            let bad = match encoding {
                Encoding::Ascii => bytes.iter().position(|byte| !byte.is_ascii()),
                _ => std::str::from_utf8(&bytes)
                    .err()
                    .map(|error| error.valid_up_to()),
            };
            let Some(bad) = bad else {
                return String::from_utf8(bytes).map_err(|error| unreadable(error.to_string()));
            };
            let line = bytes[..bad].iter().filter(|byte| **byte == b'\n').count() + 1;
            let line = u32::try_from(line).unwrap_or(u32::MAX);
            let found = if bytes[..bad.min(1000)].contains(&0) || bytes[bad] == 0xff {
                "it is not UTF-8 (UTF-16, or no text at all)".to_owned()
            } else {
                let name = declared.map_or_else(|| "UTF-8".to_owned(), |(_, name)| name);
                format!("byte 0x{:02x} is not {name}", bytes[bad])
            };
            Err(refuse(
                line,
                format!(
                    "{found}, so Python cannot read the file; save it as UTF-8 or declare its encoding in the first line, as in `# -*- coding: latin-1 -*-`"
                ),
            ))
        }
    }
}

/// The bytes of a text as Python will read them, by the cookie in the text.
///
/// # Errors
/// The line (from 1) and why: a character that the declared encoding does not have, or an encoding that is not known here.
pub(crate) fn encode(text: &[u8]) -> Result<Option<Vec<u8>>, (u32, String)> {
    let Some((line, name)) = cookie(text) else {
        return Ok(None);
    };
    let limit = match Encoding::named(&name) {
        Some(Encoding::Utf8) => return Ok(None),
        Some(Encoding::Latin1) => 0xff,
        Some(Encoding::Ascii) => 0x7f,
        None => {
            return Err((
                line + 1,
                format!(
                    "the encoding {name:?} is not one that hoist writes; save the file as UTF-8"
                ),
            ));
        }
    };
    let mut bytes = Vec::with_capacity(text.len());
    let mut line = 1;
    for character in String::from_utf8_lossy(text).chars() {
        match u8::try_from(u32::from(character)) {
            Ok(byte) if byte <= limit => bytes.push(byte),
            _ => {
                return Err((
                    line,
                    format!(
                        "{character:?} cannot be written in {name}, which the file declares; change the declaration to utf-8"
                    ),
                ));
            }
        }
        line += u32::from(character == '\n');
    }
    Ok(Some(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Result<String, String> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("x.py");
        fs::write(&path, bytes).expect("written");
        let folder = format!("{}/", folder.path().display());
        read_source(&path).map_err(|error| error.to_string().replace(&folder, ""))
    }

    #[test]
    fn the_cookie_is_found_where_python_finds_it() {
        let declared = |text: &str| cookie(text.as_bytes()).map(|(line, name)| (line, name));
        assert_eq!(
            declared("# -*- coding: latin-1 -*-\n"),
            Some((0, "latin-1".to_owned()))
        );
        assert_eq!(
            declared("#!/usr/bin/python\n# vim: set fileencoding=utf-8 :\n"),
            Some((1, "utf-8".to_owned()))
        );
        assert_eq!(
            declared("\r\n# coding=latin-1\r\n"),
            Some((1, "latin-1".to_owned()))
        );
        assert_eq!(
            declared("\u{feff}# coding: utf-8"),
            Some((0, "utf-8".to_owned()))
        );
        assert_eq!(declared("import x\n# coding: latin-1\n"), None);
        assert_eq!(declared("#\n#\n# coding: latin-1\n"), None);
        assert_eq!(declared("# no encoding here\n"), None);
    }

    #[test]
    fn latin_1_comes_back_byte_for_byte() {
        let bytes = b"# -*- coding: latin-1 -*-\nname = 'Ren\xe9'\n";
        let text = read(bytes).expect("read");
        assert!(text.contains("Ren\u{e9}"));
        assert_eq!(encode(text.as_bytes()), Ok(Some(bytes.to_vec())));
        assert_eq!(encode("# coding: utf-8\nx = '\u{e9}'".as_bytes()), Ok(None));
        assert_eq!(encode("x = '\u{e9}'".as_bytes()), Ok(None));
        let refused = encode("# coding: latin-1\n\nx = '\u{20ac}'\n".as_bytes());
        assert_eq!(refused.map_err(|(line, _)| line), Err(3));
    }

    #[test]
    fn what_python_cannot_read_is_refused_with_its_line() {
        insta::assert_snapshot!(read(b"x = 1\ny = '\xe9'\n").expect_err("refused"), @r"x.py:2: byte 0xe9 is not UTF-8, so Python cannot read the file; save it as UTF-8 or declare its encoding in the first line, as in `# -*- coding: latin-1 -*-`");
        insta::assert_snapshot!(read(b"\n# coding: klingon\n").expect_err("refused"), @r#"x.py:2: the encoding "klingon" is not one that hoist reads; save the file as UTF-8"#);
        insta::assert_snapshot!(read(b"\xff\xfex\0").expect_err("refused"), @r"x.py:1: it is not UTF-8 (UTF-16, or no text at all), so Python cannot read the file; save it as UTF-8 or declare its encoding in the first line, as in `# -*- coding: latin-1 -*-`");
        assert_eq!(
            read("\u{feff}x = 1\r\n".as_bytes()),
            Ok("\u{feff}x = 1\r\n".to_owned())
        );
    }
}
