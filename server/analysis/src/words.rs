//! Whether a word stands in a text at all: most files lack most of the words by which something could be found in them, and
//! need no walk to find it.

use std::ops::Range;

use unicode_normalization::{IsNormalized, is_nfkc_quick};

/// Does a text hold a word, be it in a longer one or in a comment?
pub(crate) fn has(text: &str, word: &str) -> bool {
    memchr::memmem::find(text.as_bytes(), word.as_bytes()).is_some()
}

/// Does a text surely write every name as Python stores it (PEP 3131: NFKC)? Then a word that is not in it is no name in it.
pub(crate) fn has_plain_names(text: &str) -> bool {
    // Spaces and punctuation are in no name.
    let is_between = |c: char| matches!(c, '\u{a0}' | '\u{2000}'..='\u{206f}');
    let is_plain =
        |c: char| is_between(c) || is_nfkc_quick(std::iter::once(c)) == IsNormalized::Yes;
    let mut rest = text;
    while let Some(at) = end_of_ascii(rest.as_bytes()) {
        let mut from_there = rest[at..].chars();
        if !from_there.next().is_none_or(is_plain) {
            return false;
        }
        rest = from_there.as_str();
    }
    true
}

/// Where the first byte stands that is not ASCII.
fn end_of_ascii(bytes: &[u8]) -> Option<usize> {
    /// Bytes that are looked at together, which is far faster than one by one.
    const MANY: usize = 64;
    let before = bytes.chunks(MANY).position(|many| !many.is_ascii())? * MANY;
    let within = bytes[before..].iter().position(|byte| !byte.is_ascii());
    within.map(|within| before + within)
}

/// May an attribute of this name be used outside of some places? False only where surely none is: all names are plain, and
/// wherever the word stands something else than a dot is before it, or more letters follow it.
pub(crate) fn may_have_attribute(text: &str, name: &str, outside_of: &[Range<usize>]) -> bool {
    if !has_plain_names(text) {
        return true;
    }
    let bytes = text.as_bytes();
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    memchr::memmem::find_iter(bytes, name.as_bytes()).any(|at| {
        let goes_on = bytes.get(at + name.len()).is_some_and(is_part);
        !goes_on
            && may_be_behind_dot(&bytes[..at])
            && !outside_of.iter().any(|range| range.contains(&at))
    })
}

/// May the last thing before a place be a dot? Between the two may be space, and in brackets lines with comments.
fn may_be_behind_dot(before: &[u8]) -> bool {
    let code = before.trim_ascii_end();
    match code.last() {
        None => false,
        Some(b'.' | b'\\') => true,
        Some(_) => {
            // A comment on a line above may end with anything.
            let space = &before[code.len()..];
            let is_on_line_below = space.iter().any(|byte| matches!(byte, b'\n' | b'\r'));
            let line = code.iter().rposition(|byte| matches!(byte, b'\n' | b'\r'));
            let line = &code[line.map_or(0, |end| end + 1)..];
            is_on_line_below && line.contains(&b'#')
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attribute_is_seen_however_it_is_written() {
        for text in [
            "sys.modules[x]",
            "sys . modules",
            "(sys.\n  modules)",
            "(sys. # which\n  modules)",
            "(sys. # which\n  # and why\n  modules)",
            "sys.\\\n  modules",
            "sys\\\n.modules",
            "sys.\tmodules",
            "sys.\x0cmodules",
            "f'{sys.modules}'",
            "sys.ｍodules",
        ] {
            assert!(may_have_attribute(text, "modules", &[]), "{text}");
        }
        for text in [
            "modules",
            "# the modules",
            "x = modules",
            "a.submodules",
            "a.modules_of",
            "\"\"\"\nmodules that\n\"\"\"",
        ] {
            assert!(!may_have_attribute(text, "modules", &[]), "{text}");
        }
    }

    #[test]
    fn letters_of_other_scripts_are_plain_and_other_forms_of_letters_are_not() {
        assert!(has_plain_names("naïve = 'ß — …' if x else 'é'"));
        for text in ["ｘ = 1", "ﬁt()", "x² = 1", "e\u{301} = 1"] {
            assert!(!has_plain_names(text), "{text}");
        }
        assert!(!may_have_attribute("x = 'naïve'\nmodules", "modules", &[]));
    }

    proptest::proptest! {
        #[test]
        fn the_end_of_ascii_is_found_wherever_it_is(text in "[a-z]{0,200}[é…]{0,2}[a-zé]{0,9}") {
            let slowly = text.bytes().position(|byte| !byte.is_ascii());
            proptest::prop_assert_eq!(end_of_ascii(text.as_bytes()), slowly);
        }
    }

    #[test]
    fn places_that_do_not_count_are_left_out() {
        let text = "a\nunittest.main()\nb";
        assert!(may_have_attribute(text, "main", &[]));
        let place = 2..17;
        assert!(!may_have_attribute(
            text,
            "main",
            std::slice::from_ref(&place)
        ));
    }
}
