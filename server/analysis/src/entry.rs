//! What the user asked to run, as text: a qualified name or lines.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

/// What to run.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum EntrySpec {
    /// A function by its qualified name as CPython writes it: `train`, `A.f.<locals>.g`.
    Name(String),
    /// Lines of the file, from 1, both included.
    Lines {
        /// First line.
        first: u32,
        /// Last line, not before the first.
        last: u32,
    },
}

impl FromStr for EntrySpec {
    type Err = Infallible;

    /// Digits or digits-digits are lines; everything else is a name (whether it exists is found out later).
    fn from_str(text: &str) -> Result<Self, Infallible> {
        let text = text.trim();
        let (first, last) = match text.split_once('-') {
            Some((first, last)) => (first.trim(), last.trim()),
            None => (text, text),
        };
        Ok(match (first.parse::<u32>(), last.parse::<u32>()) {
            (Ok(first), Ok(last)) if first > 0 && first <= last => EntrySpec::Lines { first, last },
            (Ok(first), Ok(last)) if last > 0 && last < first => EntrySpec::Lines {
                first: last,
                last: first,
            },
            _ => EntrySpec::Name(text.to_owned()),
        })
    }
}

impl fmt::Display for EntrySpec {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            EntrySpec::Name(name) => out.write_str(name),
            EntrySpec::Lines { first, last } if first == last => write!(out, "{first}"),
            EntrySpec::Lines { first, last } => write!(out, "{first}-{last}"),
        }
    }
}

impl Serialize for EntrySpec {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
