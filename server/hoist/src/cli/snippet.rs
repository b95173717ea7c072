//! A place in a file as a compiler shows it: the line, and carets below what is meant.

use std::ops::Range;

use hoist_syntax::Document;
use unicode_width::UnicodeWidthChar;

/// How wide a tab is drawn.
const TAB: usize = 4;
/// Longer lines are cut around the place.
const WIDTH: usize = 120;

/// The line of `range` with carets below it, each line indented for the margin of its number.
pub(super) fn snippet(document: &Document, range: &Range<usize>) -> String {
    let text = document.text();
    let line = document.lines().line_of(range.start.min(text.len()));
    let start = document.lines().line_start(line);
    let rest = text.get(start..).unwrap_or_default();
    let content = rest.split(['\n', '\r']).next().unwrap_or_default();
    let (from, to) = (
        range.start - start,
        range.end.saturating_sub(start).min(content.len()),
    );

    let mut drawn = String::new();
    let mut carets = (None, 0);
    let mut column = 0;
    for (at, character) in content.char_indices() {
        let at_bom = at == 0 && start == 0 && character == '\u{feff}';
        let width = match character {
            '\t' => TAB - column % TAB,
            _ if at_bom => 0,
            _ => character.width().unwrap_or(0),
        };
        if at >= from && (at < to || carets.0.is_none()) {
            carets.0.get_or_insert(column);
            carets.1 = column + width.max(1);
        }
        match character {
            '\t' => drawn.extend(std::iter::repeat_n(' ', width)),
            _ if at_bom || character.is_control() => {}
            _ => drawn.push(character),
        }
        column += width;
    }
    let first = carets.0.unwrap_or(column);
    let last = carets.1.max(first + 1);
    let (drawn, first, last) = cut(&drawn, first, last);
    let number = (line + 1).to_string();
    let margin = " ".repeat(number.len());
    format!(
        "{margin} |\n{number} | {drawn}\n{margin} | {}{}",
        " ".repeat(first),
        "^".repeat(last - first)
    )
}

/// Cuts a long line around the columns `first..last`.
fn cut(drawn: &str, first: usize, last: usize) -> (String, usize, usize) {
    if drawn.chars().count() <= WIDTH {
        return (drawn.trim_end().to_owned(), first, last);
    }
    let skip = first.saturating_sub(WIDTH / 3);
    let text: String = drawn.chars().skip(skip).take(WIDTH).collect();
    let (dots, shift) = if skip > 0 { ("...", 3) } else { ("", 0) };
    let end = (last - skip).min(WIDTH).max(first - skip + 1);
    (
        format!("{dots}{}", text.trim_end()),
        first - skip + shift,
        end + shift,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(text: &str, what: &str) -> String {
        let at = text.find(what).expect("there");
        let document = Document::new(text.to_owned());
        format!("\n{}", snippet(&document, &(at..at + what.len())))
    }

    #[test]
    fn carets_stand_below_what_is_meant_whatever_is_before_it() {
        insta::assert_snapshot!(drawn("a = 1\n\tb = c\n", "b"), @r"
          |
        2 |     b = c
          |     ^
        ");
        insta::assert_snapshot!(drawn("x = '日本' + oops\r\n", "oops"), @r"
          |
        1 | x = '日本' + oops
          |              ^^^^
        ");
        insta::assert_snapshot!(drawn("\u{feff}def f(:\n", "f("), @r"
          |
        1 | def f(:
          |     ^^
        ");
    }

    #[test]
    fn the_end_of_a_line_and_of_the_file_can_be_meant() {
        let document = Document::new("x = (".to_owned());
        assert_eq!(snippet(&document, &(5..5)), "  |\n1 | x = (\n  |      ^");
        assert_eq!(snippet(&document, &(3..400)), "  |\n1 | x = (\n  |    ^^");
    }

    #[test]
    fn a_long_line_is_cut_around_the_place() {
        let text = format!("{}oops{}", "a".repeat(500), "b".repeat(500));
        let shown = drawn(&text, "oops");
        assert!(shown.lines().all(|line| line.len() < 140), "{shown}");
        let lines: Vec<&str> = shown.lines().collect();
        let at = lines[3].find('^').expect("carets");
        assert_eq!(&lines[2][at..at + 4], "oops");
    }
}
