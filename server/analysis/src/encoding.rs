//! Python source as bytes: its text by the rules of PEP 263.

use crate::slice::emit::coding_cookie;

/// May a Python file say that it is not in UTF-8? Most say nothing of the kind.
pub fn may_declare_encoding(bytes: &[u8]) -> bool {
    memchr::memmem::find(bytes.get(..HEAD).unwrap_or(bytes), b"coding").is_some()
}

/// The bytes in which a declaration is looked for; it stands in the first two lines.
const HEAD: usize = 400;

/// Decodes a Python file as Python does: by its BOM or its coding comment, else as UTF-8. A BOM stays in the text, as it
/// does in an editor's buffer. The error is a sentence that says what is wrong.
pub fn decode(bytes: &[u8]) -> Result<String, String> {
    if !may_declare_encoding(bytes) {
        return utf8(bytes);
    }
    let head: String = bytes
        .iter()
        .take(HEAD)
        .map(|byte| char::from(*byte))
        .collect();
    let head = head.trim_start_matches("\u{ef}\u{bb}\u{bf}");
    let encoding = coding_cookie(head)
        .map(|(_, name)| name)
        .unwrap_or_else(|| "utf-8".to_owned());
    match encoding.as_str() {
        "utf-8" | "utf8" | "utf-8-sig" | "u8" => utf8(bytes),
        "ascii" | "us-ascii" => match bytes.iter().position(|byte| !byte.is_ascii()) {
            None => utf8(bytes),
            Some(at) => Err(format!("the file declares ASCII but byte {at} is none")),
        },
        "latin-1" | "latin1" | "iso-8859-1" | "iso8859-1" | "l1" => {
            Ok(bytes.iter().map(|byte| char::from(*byte)).collect())
        }
        "cp1252" | "windows-1252" => Ok(bytes.iter().map(|byte| cp1252(*byte)).collect()),
        "iso-8859-15" | "iso8859-15" | "latin-9" | "latin9" | "l9" => {
            Ok(bytes.iter().map(|byte| latin9(*byte)).collect())
        }
        other => match utf8(bytes) {
            Ok(text) if text.is_ascii() => Ok(text),
            _ => Err(format!(
                "the file is in `{other}`, which cannot be read here; save it as UTF-8"
            )),
        },
    }
}

fn utf8(bytes: &[u8]) -> Result<String, String> {
    String::from_utf8(bytes.to_vec()).map_err(|error| {
        format!(
            "the file is not UTF-8 at byte {}; save it as UTF-8 or declare its encoding",
            error.utf8_error().valid_up_to()
        )
    })
}

/// The upper half of Windows code page 1252.
fn cp1252(byte: u8) -> char {
    const HIGH: [char; 32] = [
        '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž',
        '\u{8f}', '\u{90}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}',
        'ž', 'Ÿ',
    ];
    match byte {
        0x80..=0x9f => HIGH[usize::from(byte - 0x80)],
        _ => char::from(byte),
    }
}

fn latin9(byte: u8) -> char {
    match byte {
        0xa4 => '€',
        0xa6 => 'Š',
        0xa8 => 'š',
        0xb4 => 'Ž',
        0xb8 => 'ž',
        0xbc => 'Œ',
        0xbd => 'œ',
        0xbe => 'Ÿ',
        _ => char::from(byte),
    }
}

#[cfg(test)]
mod tests {
    use super::decode;

    #[test]
    fn the_coding_comment_counts() {
        assert_eq!(
            decode(b"# -*- coding: latin-1 -*-\nx = '\xe9'\n").unwrap(),
            "# -*- coding: latin-1 -*-\nx = 'é'\n"
        );
        assert_eq!(decode("x = 'é'\n".as_bytes()).unwrap(), "x = 'é'\n");
        assert_eq!(
            decode(b"#!/bin/sh\n# vim: set fileencoding=cp1252 :\nx = '\x80'\n")
                .unwrap()
                .chars()
                .filter(|c| *c == '€')
                .count(),
            1
        );
        assert!(decode(b"x = '\xe9'\n").unwrap_err().contains("UTF-8"));
        assert_eq!(decode(b"\xef\xbb\xbfx = 1\n").unwrap(), "\u{feff}x = 1\n");
    }
}
