//! Standard output and standard error.

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};

use super::{Failure, Format};
pub(super) use crate::table::columns as table;

/// One line on standard output.
pub(super) fn line(text: impl Display) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}")?;
    out.flush()
}

/// One sentence for the person, on standard error.
pub(super) fn error(message: &str) {
    say(&format!("error: {message}"));
}

/// A line on standard error. That nobody reads it is no error.
pub(super) fn say(text: &str) {
    writeln!(io::stderr().lock(), "{text}").ok();
}

/// Bytes as they are, at once.
pub(super) fn bytes(out: &mut dyn Write, bytes: &[u8]) -> io::Result<()> {
    out.write_all(bytes)?;
    out.flush()
}

/// What is printed by the way, on standard error; paler where that is a terminal.
pub(super) fn aside(bytes: &[u8]) {
    let mut err = io::stderr().lock();
    let (before, after): (&[u8], &[u8]) = match io::stderr().is_terminal() {
        true => (b"\x1b[2m", b"\x1b[22m"),
        false => (b"", b""),
    };
    // That nobody reads it is no error.
    err.write_all(&[before, bytes, after].concat()).ok();
}

/// One JSON value on a line of its own.
pub(super) fn json(value: &impl serde::Serialize) -> Result<(), Failure> {
    Ok(line(to_json(value)?)?)
}

/// One JSON value without a line break.
pub(super) fn to_json(value: &impl serde::Serialize) -> Result<String, Failure> {
    serde_json::to_string(value).map_err(|error| Failure::from(io::Error::from(error)))
}

/// A refusal in the wanted form: the sentence on standard error, and with JSON also as a line.
pub(super) fn refusal(format: Format, code: &str, message: &str, line_number: Option<u32>) {
    if format == Format::Json {
        let event = serde_json::json!({"event": "refused", "code": code, "message": message, "line": line_number});
        line(event).ok();
    }
    error(message);
}

/// One line on standard error that is written over while things go on; nothing where standard error is no terminal.
#[derive(Debug)]
pub(super) struct Status {
    is_terminal: bool,
    shown: String,
}

impl Status {
    pub(super) fn new(wanted: bool) -> Self {
        Self {
            is_terminal: wanted && io::stderr().is_terminal(),
            shown: String::new(),
        }
    }

    /// Whether there is a terminal that shows it.
    pub(super) fn is_shown(&self) -> bool {
        self.is_terminal
    }

    /// Shows a text in place of the one before.
    pub(super) fn show(&mut self, text: &str) {
        if self.is_terminal && self.shown != text {
            // One line of a terminal of the usual width: a longer one could not be taken back.
            let text: String = text
                .chars()
                .map(|c| if c.is_control() { ' ' } else { c })
                .take(78)
                .collect();
            write!(io::stderr().lock(), "\r\x1b[2K{text}").ok();
            self.shown = text;
        }
    }

    /// Takes the text away, so that output can be written.
    pub(super) fn clear(&mut self) {
        if !self.shown.is_empty() {
            write!(io::stderr().lock(), "\r\x1b[2K").ok();
            self.shown.clear();
        }
    }
}

impl Drop for Status {
    fn drop(&mut self) {
        self.clear();
    }
}
