//! Where in a half-written TOML file a place is: in which table, at a key or at the value of which key.

use std::ops::Range;

/// A place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cursor {
    /// The table that the key stands in; of a value, with its key.
    pub(super) path: Vec<String>,
    pub(super) word: Word,
    /// The word at the place, from its beginning to its end.
    pub(super) range: Range<usize>,
    /// The value is an element of a list.
    pub(super) in_list: bool,
    /// A `=` follows the key already.
    pub(super) has_value: bool,
}

/// What stands there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Word {
    /// Between the brackets of `[table]`.
    Header,
    Key,
    Value {
        in_string: bool,
    },
}

/// What is open around a place inside of a value.
#[derive(Clone, Debug)]
enum Open {
    List,
    /// An inline table, and how long the path was outside of it.
    Table {
        outer: usize,
    },
}

/// Where a byte offset is; `None` in comments, texts of several lines and numbers.
pub(super) fn cursor(text: &str, offset: usize) -> Option<Cursor> {
    let mut reader = Reader {
        text,
        offset: offset.min(text.len()),
        at: 0,
        table: Vec::new(),
    };
    reader.read()
}

struct Reader<'t> {
    text: &'t str,
    offset: usize,
    at: usize,
    table: Vec<String>,
}

impl Reader<'_> {
    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn next(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn skip(&mut self, wanted: impl Fn(char) -> bool) {
        let rest = self.rest();
        let end = rest.find(|c| !wanted(c)).unwrap_or(rest.len());
        self.at += end;
    }

    fn is_blank(c: char) -> bool {
        c == ' ' || c == '\t'
    }

    fn read(&mut self) -> Option<Cursor> {
        loop {
            let before = self.at;
            self.skip(char::is_whitespace);
            if (before..self.at).contains(&self.offset) || self.at >= self.text.len() {
                return self.at_empty_line();
            }
            match self.next() {
                Some('#') => {
                    let begin = self.at;
                    self.skip(|c| c != '\n');
                    if (begin + 1..=self.at).contains(&self.offset) {
                        return None;
                    }
                }
                Some('[') => {
                    if let Some(found) = self.header() {
                        return found;
                    }
                }
                _ => {
                    if let Some(found) = self.pair() {
                        return found;
                    }
                }
            }
        }
    }

    /// An empty line is the place of a new key.
    fn at_empty_line(&self) -> Option<Cursor> {
        let before = self.text.get(..self.offset)?;
        let line = before.rsplit('\n').next().unwrap_or_default();
        line.trim().is_empty().then(|| Cursor {
            path: self.table.clone(),
            word: Word::Key,
            range: self.offset..self.offset,
            in_list: false,
            has_value: false,
        })
    }

    /// `[a.b]`; the outer `Some` when the place is in it.
    fn header(&mut self) -> Option<Option<Cursor>> {
        self.skip(|c| c == '[');
        let begin = self.at;
        self.skip(|c| c != ']' && c != '\n' && c != '\r' && c != '#');
        let range = begin..self.at;
        if (range.start..=range.end).contains(&self.offset) {
            return Some(Some(Cursor {
                path: Vec::new(),
                word: Word::Header,
                range,
                in_list: false,
                has_value: false,
            }));
        }
        self.table = parts(self.text.get(range).unwrap_or_default());
        self.skip(|c| c == ']');
        None
    }

    /// `key = value`.
    fn pair(&mut self) -> Option<Option<Cursor>> {
        let mut path = self.table.clone();
        if let Some(found) = self.key(&mut path, "\n#") {
            return Some(found);
        }
        if self.next() != Some('=') {
            // No pair, or not yet: on with the next line.
            if self.next() != Some('#') {
                self.skip(|c| c != '\n');
            }
            return None;
        }
        self.at += 1;
        self.value(path)
    }

    /// A key up to its `=`, added to the path.
    fn key(&mut self, path: &mut Vec<String>, ends: &str) -> Option<Option<Cursor>> {
        let begin = self.at;
        let mut quote = None;
        loop {
            match (self.next(), quote) {
                (None, _) => break,
                (Some(c), Some(open)) => {
                    if c == open {
                        quote = None;
                    } else if c == '\n' {
                        break;
                    }
                }
                (Some(c @ ('"' | '\'')), None) => quote = Some(c),
                (Some(c), None) if c == '=' || ends.contains(c) => break,
                _ => {}
            }
            self.at += self.next().map_or(1, char::len_utf8);
        }
        let written = self.text.get(begin..self.at).unwrap_or_default();
        let end = begin + written.trim_end().len();
        if (begin..=end).contains(&self.offset) {
            // Of a dotted key the part at the place counts.
            let before = self
                .text
                .get(begin..self.offset.min(end))
                .unwrap_or_default();
            let start = before.rfind('.').map_or(begin, |dot| begin + dot + 1);
            if start > begin {
                path.extend(parts(self.text.get(begin..start - 1).unwrap_or_default()));
            }
            let own = self.text.get(start..end).unwrap_or_default();
            let stop = own.find('.').map_or(end, |dot| start + dot);
            return Some(Some(Cursor {
                path: path.clone(),
                word: Word::Key,
                range: start..stop.max(start),
                in_list: false,
                has_value: self.next() == Some('='),
            }));
        }
        if (begin..=self.at).contains(&self.offset) && self.next() != Some('=') {
            // Behind a word that is no pair yet.
            return Some(None);
        }
        path.extend(parts(written));
        None
    }

    /// What follows a `=`, to its end.
    fn value(&mut self, mut path: Vec<String>) -> Option<Option<Cursor>> {
        let mut open: Vec<Open> = Vec::new();
        loop {
            let begin = self.at;
            self.skip(Self::is_blank);
            let in_list = matches!(open.last(), Some(Open::List));
            let here = |range: Range<usize>, in_string: bool, path: &[String]| {
                Some(Some(Cursor {
                    path: path.to_vec(),
                    word: Word::Value { in_string },
                    range,
                    in_list,
                    has_value: true,
                }))
            };
            let next = self.next();
            let is_nothing = matches!(next, None | Some('\n' | '\r' | '#' | ',' | ']' | '}'));
            if (begin..=self.at).contains(&self.offset)
                && (is_nothing || self.offset < self.at)
                && !is_after_value(self.text, begin)
            {
                return here(self.offset..self.offset, false, &path);
            }
            match next {
                None => return None,
                Some('\n' | '\r') if open.is_empty() => return None,
                Some('\n' | '\r') => self.at += 1,
                Some('#') => {
                    let begin = self.at;
                    self.skip(|c| c != '\n');
                    if (begin + 1..=self.at).contains(&self.offset) {
                        return Some(None);
                    }
                }
                Some('[') => {
                    open.push(Open::List);
                    self.at += 1;
                }
                Some('{') => {
                    open.push(Open::Table { outer: path.len() });
                    self.at += 1;
                    self.skip(char::is_whitespace);
                    if let Some(found) = self.key(&mut path, ",}\n") {
                        return Some(found);
                    }
                    self.skip(|c| c == '=');
                }
                Some(']' | '}') => {
                    if let Some(Open::Table { outer }) = open.pop() {
                        path.truncate(outer);
                    }
                    self.at += 1;
                }
                Some(',') => {
                    self.at += 1;
                    if let Some(Open::Table { outer }) = open.last() {
                        path.truncate(*outer);
                        self.skip(char::is_whitespace);
                        if let Some(found) = self.key(&mut path, ",}\n") {
                            return Some(found);
                        }
                        self.skip(|c| c == '=');
                    }
                }
                Some(quote @ ('"' | '\'')) => {
                    let begin = self.at + 1;
                    if self.rest().starts_with(&quote.to_string().repeat(3)) {
                        let close = quote.to_string().repeat(3);
                        let body = self.text.get(self.at + 3..).unwrap_or_default();
                        let end = body
                            .find(&close)
                            .map_or(self.text.len(), |end| self.at + 6 + end);
                        if (self.at + 1..end).contains(&self.offset) {
                            return Some(None);
                        }
                        self.at = end;
                        continue;
                    }
                    self.at = begin;
                    let mut escaped = false;
                    while let Some(c) = self.next() {
                        if c == '\n' || (c == quote && !escaped) {
                            break;
                        }
                        escaped = c == '\\' && quote == '"' && !escaped;
                        self.at += c.len_utf8();
                    }
                    let range = begin..self.at;
                    if (range.start..=range.end).contains(&self.offset) {
                        return here(range, true, &path);
                    }
                    if self.next() == Some(quote) {
                        self.at += 1;
                    }
                }
                Some(_) => {
                    let begin = self.at;
                    self.skip(|c| !c.is_whitespace() && !",]}#".contains(c));
                    if (begin..=self.at).contains(&self.offset) {
                        return here(begin..self.at, false, &path);
                    }
                }
            }
        }
    }
}

/// Does a value end right before a place, so that none begins there?
fn is_after_value(text: &str, at: usize) -> bool {
    let before = text
        .get(..at)
        .unwrap_or_default()
        .trim_end_matches([' ', '\t']);
    before.ends_with(|c: char| c == '"' || c == '\'' || c == ']' || c == '}' || c.is_alphanumeric())
}

/// The parts of a dotted key, unquoted.
fn parts(key: &str) -> Vec<String> {
    let mut parts = Vec::new();
    let mut part = String::new();
    let mut quote = None;
    for c in key.trim().chars() {
        match quote {
            Some(open) if c == open => quote = None,
            Some(_) => part.push(c),
            None if c == '"' || c == '\'' => quote = Some(c),
            None if c == '.' => parts.push(std::mem::take(&mut part).trim().to_owned()),
            None => part.push(c),
        }
    }
    parts.push(part.trim().to_owned());
    parts.retain(|part| !part.is_empty());
    parts
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What the cursor says where `|` stands.
    fn at(marked: &str) -> String {
        let offset = marked.find('|').expect("a mark");
        let text = marked.replacen('|', "", 1);
        match cursor(&text, offset) {
            None => "nothing".to_owned(),
            Some(found) => format!(
                "{:?} {:?} of [{}]{}",
                found.word,
                &text[found.range],
                found.path.join("."),
                if found.in_list { " in a list" } else { "" }
            ),
        }
    }

    #[test]
    fn keys_and_values_are_told_apart() {
        let cases = [
            "|",
            "def|",
            "default_target = |",
            "default_target = \"|\"",
            "default_target = \"di|sc\" # x",
            "# comment |\n",
            "a = 1 # comment |\n",
            "[targets.|]\n",
            "[targets.far]\n|\n[other]\n",
            "[targets.far]\nhost = 'x'\nsch|\n",
            "[targets.far]\nscheduler = \"sl|\n",
            "[targets.far]\nresources.me| = \"8G\"\n",
            "[targets.\"a b\".resources]\n\nmemory = '|'\n",
            "ignore = [\"HST001\", \"|\"]\n",
            "ignore = [\n  \"HST001\",\n  |\n]\n",
            "ignore_in = { \"a.py\" = [\"|\"] }\n",
            "targets.far = { host = \"h\", sche| }\n",
            "targets.far = { scheduler = \"|\" }\n",
            "x = '''\n|\n'''\n",
            "x = 3|\n",
            "x = 3 |\n",
            "x = 3\n|",
        ];
        let shown: Vec<String> = cases
            .iter()
            .map(|case| format!("{:60} {}", format!("{case:?}"), at(case)))
            .collect();
        insta::assert_snapshot!(shown.join("\n"));
    }

    proptest! {
        #[test]
        fn every_place_of_every_text_ends(text in "[\\[\\]{}='\"#a.,|\\n \\r]{0,40}", offset in 0_usize..40) {
            let mut offset = offset.min(text.len());
            while !text.is_char_boundary(offset) {
                offset -= 1;
            }
            if let Some(found) = cursor(&text, offset) {
                prop_assert!(found.range.start <= offset && offset <= found.range.end, "{found:?}");
            }
        }
    }
}
