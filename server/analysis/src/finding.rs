//! What the analysis has to say about a place in a file, and how to mend it.

use std::ops::Range;
use std::path::PathBuf;

use serde::Serialize;

use crate::{Code, EntrySpec};

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// A run would fail or be wrong, and is refused.
    Error,
    /// A run may fail on the other side.
    Warning,
    /// Good to know.
    Information,
    /// Shown only where the cursor is.
    Hint,
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What kind of finding.
    pub code: Code,
    /// How bad.
    pub severity: Severity,
    /// One sentence: what, why, what to do.
    pub message: String,
    /// Byte range in the file's text.
    pub range: Range<usize>,
    /// The function that it is about, when it is about one.
    pub entry: Option<EntrySpec>,
    /// Ways to mend it.
    pub fixes: Vec<Fix>,
}

impl Finding {
    /// A finding that is about a place in the file, and about no function.
    pub(crate) fn of_file(
        code: Code,
        severity: Severity,
        message: String,
        range: Range<usize>,
        fixes: Vec<Fix>,
    ) -> Finding {
        Finding {
            code,
            severity,
            message,
            range,
            entry: None,
            fixes,
        }
    }
}

/// A change that mends a finding: of the file itself, of others, or of both.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fix {
    /// What the user reads in the menu.
    pub title: String,
    /// The change of the file that the finding is in: ranges of the old text, not overlapping, in ascending order.
    pub edits: Vec<Edit>,
    /// The changes of other files.
    pub elsewhere: Vec<FileChange>,
}

impl Fix {
    /// A change of the file that the finding is in.
    pub fn here(title: impl Into<String>, edits: Vec<Edit>) -> Fix {
        Fix {
            title: title.into(),
            edits,
            elsewhere: Vec::new(),
        }
    }

    /// A change of another file alone.
    pub fn elsewhere(title: impl Into<String>, change: FileChange) -> Fix {
        Fix {
            title: title.into(),
            edits: Vec::new(),
            elsewhere: vec![change],
        }
    }
}

/// What a fix does to another file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FileChange {
    /// Absolute.
    pub path: PathBuf,
    /// The text that the edits are of; none when the file does not exist yet, and the edits then begin with nothing.
    /// Whoever applies them makes sure that the file still reads so.
    #[serde(skip)]
    pub before: Option<String>,
    /// Ranges of that text, not overlapping, in ascending order.
    pub edits: Vec<Edit>,
}

/// One replacement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Edit {
    /// Byte range of the old text.
    pub range: Range<usize>,
    /// What stands there afterwards.
    pub text: String,
}

/// The text after all edits; edits must not overlap. For tests and for tools that write files.
pub fn apply(text: &str, edits: &[Edit]) -> String {
    let mut sorted: Vec<&Edit> = edits.iter().collect();
    sorted.sort_by_key(|edit| (edit.range.start, edit.range.end));
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for edit in sorted {
        out.push_str(text.get(at..edit.range.start).unwrap_or_default());
        out.push_str(&edit.text);
        at = edit.range.end;
    }
    out.push_str(text.get(at..).unwrap_or_default());
    out
}
