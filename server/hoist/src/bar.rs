//! Progress bars that a job draws with carriage returns, as tqdm and its like do, read from what it prints.
//!
//! In: the bytes of one stream, cut anywhere. Out: how far the bar is that is drawn last. The stream itself is left as it is. What is
//! kept is bounded, whatever a job prints.

/// Longer than any bar: what is beyond is not looked at.
const LONGEST: usize = 4096;
/// As many characters of a bar are told.
const TOLD: usize = 120;

/// How far a bar is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bar {
    /// In per cent, where it says so or says `n/m`.
    pub(crate) percent: Option<u32>,
    /// What it says, without the bar itself: `train: 3/10 [00:01<00:02, 3.10it/s]`.
    pub(crate) text: String,
}

/// What is left of a line when it is drawn over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Place {
    /// In a line that began after a line break.
    #[default]
    Line,
    /// In one that began after a carriage return.
    Redrawn,
}

/// Reads one stream.
#[derive(Debug, Default)]
pub(crate) struct Bars {
    segment: Vec<u8>,
    place: Place,
    /// The last byte was a carriage return, whose line break may still come.
    returned: bool,
    /// A bar was told of and not taken back.
    is_shown: bool,
}

impl Bars {
    /// Takes in what came. `None`: there is nothing new to tell; `Some(None)`: there is no bar any more.
    pub(crate) fn feed(&mut self, bytes: &[u8]) -> Option<Option<Bar>> {
        let mut news = None;
        for &byte in bytes {
            if std::mem::take(&mut self.returned) && byte != b'\n' {
                // It will be drawn over: it is one, however it began.
                news = self.drawn().or(news);
                self.place = Place::Redrawn;
            }
            match byte {
                b'\r' => self.returned = true,
                b'\n' => {
                    if self.place == Place::Redrawn || self.is_shown {
                        news = Some(None);
                    }
                    self.place = Place::Line;
                    self.segment.clear();
                }
                _ if self.segment.len() < LONGEST => self.segment.push(byte),
                _ => {}
            }
        }
        if self.place == Place::Redrawn && !self.returned && !self.segment.is_empty() {
            let kept = std::mem::take(&mut self.segment);
            news = read(&kept).map(Some).or(news);
            self.segment = kept;
        }
        if let Some(news) = &news {
            self.is_shown = news.is_some();
        }
        news
    }

    /// The segment as a bar; one of blanks takes the bar away.
    fn drawn(&mut self) -> Option<Option<Bar>> {
        let segment = std::mem::take(&mut self.segment);
        if segment.is_empty() {
            return None;
        }
        Some(read(&segment))
    }
}

/// A line that was drawn over, as it is seen at last: what follows its last carriage return.
pub(crate) fn as_seen(line: &[u8]) -> &[u8] {
    let end = line
        .iter()
        .rposition(|byte| !matches!(byte, b'\r' | b'\n'))
        .map_or(0, |last| last + 1);
    let start = line[..end].iter().rposition(|byte| *byte == b'\r');
    &line[start.map_or(0, |at| at + 1)..]
}

/// One drawing of a bar; nothing when it is blank.
fn read(segment: &[u8]) -> Option<Bar> {
    let whole = plain(&String::from_utf8_lossy(segment));
    let text = whole.trim();
    if text.is_empty() {
        return None;
    }
    let said = percent_said(text);
    let percent = said
        .map(|(percent, _)| percent)
        .or_else(|| fraction(&whole).map(|(done, all)| (100.0 * done / all) as u32));
    Some(Bar {
        percent,
        text: without_bar(text, said.map(|(_, end)| end)),
    })
}

/// Without what a terminal would obey: escape sequences and control characters.
pub(crate) fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c == '\u{1b}' {
            if chars.next_if_eq(&'[').is_some() {
                // Up to the letter that ends it.
                while chars.next_if(|c| !('@'..='~').contains(c)).is_some() {}
            }
            chars.next();
        } else if !c.is_control() {
            plain.push(c);
        } else if c == '\t' {
            plain.push(' ');
        }
    }
    plain
}

/// The number before a `%`, and where that sign ends; one that a bar follows (`40%|`) goes before others.
fn percent_said(text: &str) -> Option<(u32, usize)> {
    let mut found = None;
    for (at, _) in text.match_indices('%') {
        let Some(percent) = number_before(&text[..at]).filter(|number| *number <= 100.0) else {
            continue;
        };
        let end = at + 1;
        let is_first_choice = text[end..].starts_with('|');
        if is_first_choice || found.is_none() {
            found = Some((percent as u32, end));
        }
        if is_first_choice {
            break;
        }
    }
    found
}

/// The number that a text ends with.
fn number_before(text: &str) -> Option<f64> {
    let text = text.trim_end_matches(' ');
    let begin = text
        .rfind(|c: char| !c.is_ascii_digit() && c != '.')
        .map_or(0, |at| {
            at + text[at..].chars().next().map_or(1, char::len_utf8)
        });
    let digits = &text[begin..];
    // `-5%` and `v1.2.3%` are no progress.
    let before = text[..begin].chars().next_back();
    if digits.len() > 20 || before.is_some_and(|c| c == '-' || c.is_alphabetic()) {
        return None;
    }
    digits.parse().ok()
}

/// `n/m` of things done and all there are, `1.2k/3.4M` too; not dates, paths and speeds.
fn fraction(text: &str) -> Option<(f64, f64)> {
    for (at, _) in text.match_indices('/') {
        let before = &text[..at];
        let word = before.rfind(|c: char| !is_of_number(c)).map_or(0, |back| {
            back + before[back..].chars().next().map_or(1, char::len_utf8)
        });
        let after = &text[at + 1..];
        let end = after.find(|c: char| !is_of_number(c));
        // At the very end more digits may be on their way.
        let end = end?;
        let is_alone = |c: Option<char>| !c.is_some_and(|c| matches!(c, '/' | '-' | ':' | '_'));
        if !is_alone(before[..word].chars().next_back()) || !is_alone(after[end..].chars().next()) {
            continue;
        }
        if let (Some(done), Some(all)) = (counted(&before[word..]), counted(&after[..end]))
            && all > 0.0
            && done <= all
        {
            return Some((done, all));
        }
    }
    None
}

fn is_of_number(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '.'
}

/// `12`, `1.5k`, `3MB`, `2.0GiB`.
fn counted(text: &str) -> Option<f64> {
    let end = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let unit = text[end..].trim_end_matches('B').trim_end_matches('i');
    let shift = match unit {
        "" => 1.0,
        "k" | "K" => 1e3,
        "M" => 1e6,
        "G" => 1e9,
        "T" => 1e12,
        _ => return None,
    };
    let digits = &text[..end];
    if digits.is_empty() || digits.len() > 20 {
        return None;
    }
    Some(digits.parse::<f64>().ok()? * shift)
}

/// What a bar says besides its drawing. `percent` is where the sign of its percentage ends.
fn without_bar(text: &str, percent: Option<usize>) -> String {
    let mut said = text.to_owned();
    if let Some(end) = percent {
        let number = text[..end - 1].trim_end_matches([' ', '.']);
        let begin = number.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
        let rest = match text[end..].strip_prefix('|') {
            // From one end of the bar to the other.
            Some(bar) => bar.rfind('|').map_or(bar, |last| &bar[last + 1..]),
            None => &text[end..],
        };
        said = format!("{} {}", begin.trim_end(), rest.trim_start());
    }
    let mut words: Vec<String> = Vec::new();
    for word in said.split_whitespace() {
        let is_drawing = word.chars().count() >= 3 && word.chars().all(is_drawn);
        let kept: String = word.chars().filter(|c| !is_block(*c)).collect();
        if !is_drawing && !kept.is_empty() && kept != "||" && kept != "[]" {
            words.push(kept);
        }
    }
    words.join(" ").chars().take(TOLD).collect()
}

fn is_block(c: char) -> bool {
    ('\u{2500}'..='\u{259f}').contains(&c)
}

/// Of what bars are drawn with in plain text: `[====>....]`.
fn is_drawn(c: char) -> bool {
    matches!(c, '[' | ']' | '=' | '#' | '>' | '.' | '-' | '|' | '*') || is_block(c)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What is told last after a text came at once.
    fn told(text: &str) -> Option<(Option<u32>, String)> {
        let bar = Bars::default().feed(text.as_bytes())??;
        Some((bar.percent, bar.text))
    }

    fn some(percent: impl Into<Option<u32>>, text: &str) -> Option<(Option<u32>, String)> {
        Some((percent.into(), text.to_owned()))
    }

    #[test]
    fn the_bars_of_the_usual_libraries_are_read() {
        let tqdm = "\r  0%|          | 0/10 [00:00<?, ?it/s]\r 30%|███       | 3/10 [00:01<00:02,  3.10it/s]";
        assert_eq!(told(tqdm), some(30, "3/10 [00:01<00:02, 3.10it/s]"));
        let described =
            "\rtrain fold 2/5:  45%|████▌     | 45/100 [00:04<00:05, 10.0it/s, loss=0.3]";
        assert_eq!(
            told(described),
            some(
                45,
                "train fold 2/5: 45/100 [00:04<00:05, 10.0it/s, loss=0.3]"
            )
        );
        assert_eq!(
            told("\r123it [00:12, 10.20it/s]"),
            some(None, "123it [00:12, 10.20it/s]")
        );
        let ascii = "\r 70%|#######   | 7.00M/10.0M [00:01<00:00, 5.00MB/s]";
        assert_eq!(told(ascii), some(70, "7.00M/10.0M [00:01<00:00, 5.00MB/s]"));
        let keras = "\r 32/100 [========>.....................] - ETA: 2s - loss: 0.5\u{8}";
        assert_eq!(told(keras), some(32, "32/100 - ETA: 2s - loss: 0.5"));
        let pip = "\r   ━━━━━╸━━━━ 1.2/2.4 MB 5.1 MB/s eta 0:00:01";
        assert_eq!(told(pip), some(50, "1.2/2.4 MB 5.1 MB/s eta 0:00:01"));
        assert_eq!(told("10 %\r20 %\r30 %\r"), some(20, ""));
        let coloured =
            "\r\u{1b}[32m 50%\u{1b}[0m|\u{1b}[31m█████     \u{1b}[0m| 1/2 [00:00]\u{1b}[A";
        assert_eq!(told(coloured), some(50, "1/2 [00:00]"));
    }

    #[test]
    fn what_is_no_progress_has_no_percentage() {
        for text in [
            "\r2024/05/01 12:00 waiting ",
            "\rreading data/7/9/x.csv now",
            "\r-5% change ",
            "\r250% of it ",
            "\rversion v1.2% ",
            "\r3/0 done ",
            "\r7/5 done ",
            "\r1/123456789012345678901234567890 ",
        ] {
            assert_eq!(
                told(text).map(|(percent, _)| percent),
                Some(None),
                "{text:?}"
            );
        }
        // Lines are no bars, whatever stands in them, and Windows' ends of lines are no returns.
        assert_eq!(told("50% done\n60%|██| 6/10\r\n"), None);
    }

    #[test]
    fn a_number_that_may_go_on_is_not_taken_for_whole() {
        let mut bars = Bars::default();
        assert_eq!(
            bars.feed(b"\rstep 5/1").flatten().map(|bar| bar.percent),
            Some(None)
        );
        assert_eq!(
            bars.feed(b"0 ").flatten().map(|bar| bar.percent),
            Some(Some(50))
        );
    }

    #[test]
    fn a_bar_goes_with_its_line_break_and_with_blanks() {
        let mut bars = Bars::default();
        assert!(bars.feed(b"\r 10%|# | 1/10 [0]").flatten().is_some());
        assert_eq!(bars.feed(b"\r100%|##| 10/10 [0]\n"), Some(None));
        assert_eq!(bars.feed(b"plain\n"), None);
        assert!(bars.feed(b"\r 10%|# | 1/10 [0]").flatten().is_some());
        bars.feed(b"\r                   \r");
        assert_eq!(bars.feed(b"next\n"), Some(None));
    }

    #[test]
    fn a_line_is_seen_as_it_was_drawn_last() {
        assert_eq!(as_seen(b"plain\n"), b"plain\n");
        assert_eq!(as_seen(b"plain\r\n"), b"plain\r\n");
        assert_eq!(as_seen(b"10%\r20%\r30%\n"), b"30%\n");
        assert_eq!(as_seen(b"\r10%\r20%"), b"20%");
        assert_eq!(as_seen(b"10%\r"), b"10%\r");
        assert_eq!(as_seen(b""), b"");
    }

    proptest! {
        #[test]
        fn however_a_bar_is_cut_it_ends_the_same(cuts in prop::collection::vec(1usize..9, 0..40)) {
            let text = "\r  0%|          | 0/10\r 30%|███       | 3/10 [00:01]\r 40%|████      | 4/10 [00:02]".as_bytes();
            let (mut bars, mut rest, mut last) = (Bars::default(), text, None);
            for cut in cuts {
                let (head, tail) = rest.split_at(cut.min(rest.len()));
                last = bars.feed(head).or(last);
                rest = tail;
            }
            last = bars.feed(rest).or(last);
            prop_assert_eq!(last, Some(Some(Bar { percent: Some(40), text: "4/10 [00:02]".to_owned() })));
        }

        #[test]
        fn nothing_panics_and_nothing_grows(bytes in prop::collection::vec(prop_oneof![Just(b'\r'), Just(b'\n'), Just(b'%'), Just(b'/'), Just(0x1b), Just(b'['), Just(b'|'), 0x30u8..0x3a, any::<u8>()], 0..300)) {
            let mut bars = Bars::default();
            if let Some(Some(bar)) = bars.feed(&bytes) {
                prop_assert!(bar.percent.is_none_or(|percent| percent <= 100));
                prop_assert!(bar.text.chars().count() <= TOLD);
            }
            bars.feed(&vec![b'x'; 3 * LONGEST]);
            prop_assert!(bars.segment.len() <= LONGEST);
        }
    }
}
