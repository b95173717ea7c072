//! Whether a word stands in a text at all: most files lack most of the words by which something could be found in them, and
//! need no walk to find it.

use std::ops::Range;
use std::sync::{LazyLock, OnceLock};

use aho_corasick::packed::{MatchKind, Searcher};
use aho_corasick::{PatternID, Span};
use unicode_normalization::{IsNormalized, is_nfkc_quick};

/// Does a text hold a word, be it in a longer one or in a comment?
pub fn has(text: &str, word: &str) -> bool {
    memchr::memmem::find(text.as_bytes(), word.as_bytes()).is_some()
}

/// The words for which every text is searched, by what they may stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    /// `# hoist: ignore[...]`
    Ignore,
    /// `# hoist: ...`
    Hoist,
    /// `# hoist: target=...`, `@cluster(target=...)`
    Target,
    /// `if __name__ == "__main__":`
    Main,
    /// The same, whichever way it is written.
    Name,
    /// A path beside the module.
    File,
    /// `f.f_globals`, `f.__globals__`
    Globals,
    /// `frame.f_locals`
    FrameLocals,
    /// `importlib.import_module(...)`
    ImportModule,
    /// `__import__(...)`
    DunderImport,
    /// `site.addsitedir(...)`
    AddSiteDir,
}

/// As they are written, in the order of [`Word`]. None begins another.
const WRITTEN: [&str; 11] = [
    "ignore[",
    "hoist:",
    "target",
    "__main__",
    "__name__",
    "__file__",
    "_globals",
    "f_locals",
    "import_module",
    "__import__",
    "addsitedir",
];

/// Looks for all of them at once; none where the processor has no way to.
static SEARCHER: LazyLock<Option<Searcher>> = LazyLock::new(|| {
    let mut builder = aho_corasick::packed::Config::new()
        .match_kind(MatchKind::LeftmostFirst)
        .builder();
    builder.extend(WRITTEN);
    builder.build()
});

/// Which of these words a text has.
#[derive(Debug)]
pub struct Words {
    /// A bit for each.
    found: u16,
    has_plain_names: OnceLock<bool>,
}

impl Words {
    /// Looks for them.
    pub fn read(text: &str) -> Words {
        let found = match &*SEARCHER {
            Some(searcher) => found_at_once(searcher, text),
            None => WRITTEN.iter().enumerate().fold(0, |found, (bit, word)| {
                found | u16::from(has(text, word)) << bit
            }),
        };
        Words {
            found,
            has_plain_names: OnceLock::new(),
        }
    }

    /// Is it there, be it in a longer word or in a comment?
    pub fn have(&self, word: Word) -> bool {
        self.found & (1 << word as u16) != 0
    }

    /// [`has_plain_names`] of the text that they were read of.
    pub fn are_plain(&self, text: &str) -> bool {
        *self.has_plain_names.get_or_init(|| has_plain_names(text))
    }
}

fn found_at_once(searcher: &Searcher, text: &str) -> u16 {
    let mut found = 0;
    let mut rest = Span::from(0..text.len());
    while let Some(next) = searcher.find_in(text, rest) {
        found |= 1 << PatternID::as_usize(&next.pattern());
        // The next word may begin within this one.
        rest.start = next.start() + 1;
    }
    found
}

/// Does a text surely write every name as Python stores it (PEP 3131: NFKC)? Then a word that is not in it is no name in it.
pub fn has_plain_names(text: &str) -> bool {
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

/// May an attribute of this name be used outside of some places, in a text that [`has_plain_names`]? False only where surely none
/// is: wherever the word stands something else than a dot is before it, or more letters follow it.
pub fn may_have_attribute(text: &str, name: &str, outside_of: &[Range<usize>]) -> bool {
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
    use proptest::prelude::Strategy;

    #[test]
    fn each_word_has_its_bit() {
        let all = [
            Word::Ignore,
            Word::Hoist,
            Word::Target,
            Word::Main,
            Word::Name,
            Word::File,
            Word::Globals,
            Word::FrameLocals,
            Word::ImportModule,
            Word::DunderImport,
            Word::AddSiteDir,
        ];
        for (word, written) in all.into_iter().zip(WRITTEN) {
            let words = Words::read(&format!("x = {written}"));
            assert!(
                all.iter()
                    .all(|other| words.have(*other) == (*other == word)),
                "{written}"
            );
        }
        assert_eq!(all.len(), WRITTEN.len());
    }

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
        /// Words in words, words side by side, and what only looks like one.
        #[test]
        fn the_words_of_a_text_are_found_at_once(
            parts in proptest::collection::vec(
                proptest::prop_oneof![
                    proptest::sample::select(WRITTEN.to_vec()).prop_map(str::to_owned),
                    proptest::sample::select(WRITTEN.to_vec()).prop_map(|word| word[1..].to_owned()),
                    proptest::sample::select(WRITTEN.to_vec()).prop_map(|word| word[..word.len() - 2].to_owned()),
                    "[a-z_é \\n]{0,40}",
                ],
                0..12,
            ),
        ) {
            let text = parts.concat();
            let words = Words::read(&text);
            for (bit, word) in WRITTEN.iter().enumerate() {
                proptest::prop_assert_eq!(words.found >> bit & 1 == 1, text.contains(word), "{} in {:?}", word, text);
            }
        }

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
