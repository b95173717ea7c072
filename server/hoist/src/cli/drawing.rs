//! What a job draws over and over on its standard error, told apart from what it writes there, for a terminal.

use std::borrow::Cow;

use crate::bar::plain;

/// Longer than any bar.
const LONGEST: usize = 4096;

/// A line that the job draws with carriage returns. Everything else goes through as it came.
#[derive(Debug, Default)]
pub(super) struct Drawing {
    /// What was drawn last, up to here; none while the job writes lines.
    line: Option<Vec<u8>>,
    /// The last byte was a carriage return, whose line break may still come.
    returned: bool,
    /// It moves about on the screen by itself, as several bars at once do: only a terminal can follow that.
    raw: bool,
}

impl Drawing {
    /// Takes bytes in, and gives those that are to be written now.
    pub(super) fn take<'b>(&mut self, bytes: &'b [u8]) -> Cow<'b, [u8]> {
        if self.line.is_none() && !self.returned && !bytes.contains(&b'\r') || self.raw {
            return Cow::Borrowed(bytes);
        }
        let mut out = Vec::new();
        for (at, &byte) in bytes.iter().enumerate() {
            if std::mem::take(&mut self.returned) {
                if byte == b'\n' && self.line.is_none() {
                    out.extend(b"\r\n");
                    continue;
                }
                if byte != b'\n' {
                    // What was there is drawn over from here on.
                    self.line = Some(Vec::new());
                }
            }
            match (byte, &mut self.line) {
                (b'\r', _) => self.returned = true,
                (b'\n', Some(line)) => {
                    out.append(line);
                    out.push(b'\n');
                    self.line = None;
                }
                (_, Some(line)) => {
                    line.push(byte);
                    if line.ends_with(b"\x1b[A") || line.len() > LONGEST {
                        self.raw = true;
                        out.push(b'\r');
                        out.append(line);
                        self.line = None;
                        out.extend(&bytes[at + 1..]);
                        return Cow::Owned(out);
                    }
                }
                (_, None) => out.push(byte),
            }
        }
        Cow::Owned(out)
    }

    /// What is drawn right now.
    pub(super) fn shown(&self) -> Option<String> {
        let line = self.line.as_ref().filter(|line| !line.is_empty())?;
        Some(plain(&String::from_utf8_lossy(line)).trim_end().to_owned())
    }

    /// What is left to write at the end.
    pub(super) fn end(&mut self) -> Vec<u8> {
        match self.line.take() {
            Some(mut line) if !line.is_empty() => {
                line.push(b'\n');
                line
            }
            _ => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is written of these pieces, and what is drawn in the end.
    fn after(pieces: &[&str]) -> (String, Option<String>) {
        let mut drawing = Drawing::default();
        let mut written = Vec::new();
        for piece in pieces {
            written.extend_from_slice(&drawing.take(piece.as_bytes()));
        }
        let written = String::from_utf8(written).expect("text");
        (written, drawing.shown())
    }

    #[test]
    fn a_bar_is_one_line_and_stays_as_it_was_drawn_last() {
        let bar = [
            "start\n\r 10%|# |",
            "\r 50%|#",
            "## |",
            "\r100%|####|\n",
            "end\n",
        ];
        assert_eq!(
            after(&bar[..2]),
            ("start\n".to_owned(), Some(" 50%|#".to_owned()))
        );
        assert_eq!(after(&bar[..3]).1, Some(" 50%|### |".to_owned()));
        assert_eq!(after(&bar), ("start\n100%|####|\nend\n".to_owned(), None));
        assert_eq!(
            after(&["10%\r20%\r"]),
            ("10%".to_owned(), Some("20%".to_owned()))
        );
    }

    #[test]
    fn what_is_no_bar_goes_through_as_it_came() {
        for text in ["plain\r\nlines\r\n", "prompt: ", "a\nb"] {
            assert_eq!(after(&[text]), (text.to_owned(), None));
        }
        assert_eq!(
            after(&["cut at the return\r", "\nnext"]),
            ("cut at the return\r\nnext".to_owned(), None)
        );
        // Two bars, of which one is drawn above the other.
        let two = "\n\r 10%|# |\x1b[A\r 20%|# |";
        assert_eq!(
            after(&[two]),
            ("\n\r 10%|# |\x1b[A\r 20%|# |".to_owned(), None)
        );
    }

    #[test]
    fn a_bar_that_is_never_ended_is_seen_in_the_end() {
        let mut drawing = Drawing::default();
        assert_eq!(&*drawing.take(b"\r 10%|# |"), b"");
        assert_eq!(drawing.end(), b" 10%|# |\n");
        assert_eq!(drawing.end(), b"");
    }
}
