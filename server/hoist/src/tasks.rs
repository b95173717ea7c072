//! Many tasks of one function, for the terminal and the editor: read from a file of items, checked one kind after the other, and
//! told in the words of the function.

use std::collections::HashSet;
use std::fmt;

use hoist_analysis::Runnable;
use hoist_analysis::sweep::{SweepError, Task, Tasks, items};
use hoist_jobs::{Plan, RunError, RunRequest, plan};

/// So many kinds of items are checked against the function's parameters before anything is sent; more than anybody has.
const MOST_KINDS: usize = 20;

/// So much of one value is shown, and of a whole call, in characters.
const VALUE: usize = 60;
const CALL: usize = 300;

/// A file of items, one JSON value a line.
#[derive(Debug)]
pub(crate) struct Items {
    /// The file as people read it.
    pub(crate) file: String,
    /// A task for each item.
    pub(crate) tasks: Tasks,
    /// The line of each, from 1.
    lines: Vec<usize>,
}

/// What is wrong with a file of items, at which line.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ItemsError {
    /// A line is not JSON.
    #[error("{file}:{line}: this line is not JSON: {why}; each line is one item")]
    NotJson {
        /// As people read it.
        file: String,
        /// From 1.
        line: usize,
        /// What the parser says.
        why: String,
    },
    /// A key is no name of a parameter.
    #[error("{file}:{line}: the key {key:?} cannot be the name of a parameter; rename it")]
    NotAName {
        /// As people read it.
        file: String,
        /// From 1.
        line: usize,
        /// The key.
        key: String,
    },
    /// An argument that all have is in an item, too.
    #[error("{file}:{line}: `{key}` is given both here and for all items; give it one of them")]
    Twice {
        /// As people read it.
        file: String,
        /// From 1.
        line: usize,
        /// The parameter.
        key: String,
    },
    /// Nothing is in it.
    #[error("{file}: there are no items in it; write one JSON value a line")]
    None {
        /// As people read it.
        file: String,
    },
    /// Something that is about no line.
    #[error("{file}: {error}")]
    Other {
        /// As people read it.
        file: String,
        /// What it is.
        error: SweepError,
    },
}

impl Items {
    /// The items of a text, each with the arguments `fixed`.
    ///
    /// # Errors
    /// The first line that is no item.
    pub(crate) fn read(fixed: Option<&str>, file: &str, text: &str) -> Result<Self, ItemsError> {
        // Editors on Windows put a mark at the beginning.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let numbered = || {
            let lines = text.lines().enumerate();
            lines.filter(|(_, line)| !line.trim().is_empty())
        };
        match items(fixed, text) {
            Ok(tasks) => Ok(Self {
                file: file.to_owned(),
                tasks,
                lines: numbered().map(|(at, _)| at + 1).collect(),
            }),
            Err(error) => {
                let twice = || {
                    let is_it =
                        |line: &str| matches!(items(fixed, line), Err(SweepError::Twice(_)));
                    numbered()
                        .find(|(_, line)| is_it(line))
                        .map(|(at, _)| at + 1)
                };
                Err(ItemsError::of(error, file.to_owned(), twice))
            }
        }
    }

    /// The line of a task, by its number from 0; from 1.
    pub(crate) fn line(&self, number: usize) -> Option<usize> {
        self.lines.get(number).copied()
    }

    /// The file and the line of a task, by its number from 0.
    pub(crate) fn place(&self, number: usize) -> String {
        match self.line(number) {
            Some(line) => format!("{}:{line}", self.file),
            None => self.file.clone(),
        }
    }
}

impl ItemsError {
    /// The line, from 1, where it is about one.
    pub(crate) fn line(&self) -> Option<usize> {
        match self {
            Self::NotJson { line, .. } | Self::NotAName { line, .. } | Self::Twice { line, .. } => {
                Some(*line)
            }
            Self::None { .. } | Self::Other { .. } => None,
        }
    }

    fn of(error: SweepError, file: String, twice: impl FnOnce() -> Option<usize>) -> Self {
        match error {
            // The parser sees one line and counts from there: its number would be another one than that of the file.
            SweepError::NotJson { line, why } => Self::NotJson {
                why: why.replace(" at line 1 column ", " at column "),
                file,
                line,
            },
            SweepError::NotAName { line, key } => Self::NotAName { file, line, key },
            SweepError::NoItems => Self::None { file },
            SweepError::Twice(key) if let Some(line) = twice() => Self::Twice { file, line, key },
            error => Self::Other { file, error },
        }
    }
}

/// Why tasks cannot be run.
#[derive(Debug)]
pub(crate) struct Unfit {
    /// What is wrong.
    pub(crate) error: RunError,
    /// The first task that it is wrong with, by its number from 0, where it is not wrong with all.
    pub(crate) task: Option<usize>,
}

/// The package that all tasks have, with all that any of them needs. `request` has their arguments afterwards.
///
/// # Errors
/// As of [`plan`], of the first task of a kind that cannot run.
pub(crate) fn plan_of(request: &mut RunRequest, tasks: &Tasks) -> Result<Plan, Unfit> {
    // Do the arguments of each kind of task fit the function?
    let kind = |task: &Task| -> Vec<bool> { task.values.iter().map(Option::is_some).collect() };
    let mut known = HashSet::new();
    for (number, task) in tasks.tasks.iter().enumerate() {
        if known.len() < MOST_KINDS && known.insert(kind(task)) {
            request.args = Some(task.args.clone());
            let task = Some(number);
            plan(request).map_err(|error| Unfit { error, task })?;
        }
    }
    let first = tasks.tasks.first().map(|task| task.args.clone());
    request.args = Some(tasks.together.clone());
    let whole = |error| Unfit { error, task: None };
    match plan(request) {
        Ok(plan) => Ok(plan),
        // All together may be no call where each by itself is one: places and names of different items.
        Err(_) if tasks.tasks.len() > 1 && !tasks.columns.is_empty() => {
            request.args = first;
            plan(request).map_err(whole)
        }
        Err(error) => Err(whole(error)),
    }
}

/// The call of a task by the names of the parameters, as far as it fits into a line: `clean(path='a.txt', n=3)`. `fixed` are the
/// arguments that all tasks have.
pub(crate) fn bound(
    entry: &str,
    function: Option<&Runnable>,
    tasks: &Tasks,
    number: usize,
    fixed: Option<&str>,
) -> String {
    let parameters = function.map_or(&[][..], |function| &function.parameters);
    let named = |column: &str, value: &str| {
        let value = shortened(value, VALUE);
        let Ok(place) = column.parse::<usize>() else {
            return format!("{column}={value}");
        };
        // Behind a star all are the star's.
        let mut taken = parameters.iter().take(place + 1);
        match parameters.get(place) {
            Some(name) if !taken.any(|name| name.starts_with('*')) => format!("{name}={value}"),
            _ => value,
        }
    };
    let values = tasks.tasks.get(number).map_or(&[][..], |task| &task.values);
    let given = tasks.columns.iter().zip(values);
    let given = given.filter_map(|(column, value)| Some((column, value.as_deref()?)));
    let (placed, others): (Vec<_>, Vec<_>) =
        given.partition(|(column, _)| column.parse::<usize>().is_ok());
    let shown = |given: Vec<(&String, &str)>| -> Vec<String> {
        let given = given.into_iter();
        given.map(|(column, value)| named(column, value)).collect()
    };
    // As the call is made.
    let mut all = shown(placed);
    all.extend(fixed.map(|fixed| shortened(fixed, VALUE)));
    all.extend(shown(others));
    let shown = all;
    shortened(&format!("{entry}({})", shown.join(", ")), CALL)
}

/// In one line, and no longer than that.
fn shortened(text: &str, most: usize) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text,
    }
}

/// A number of items in words.
pub(crate) struct Counted(pub(crate) usize);

impl fmt::Display for Counted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            1 => f.write_str("1 item"),
            count => write!(f, "{count} items"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use hoist_analysis::{Module, runnables};
    use hoist_syntax::Document;

    use super::*;

    #[test]
    fn what_is_no_item_is_told_with_its_file_and_line() {
        let told = |fixed: Option<&str>, text: &str| match Items::read(fixed, "in/a.jsonl", text) {
            Ok(items) => panic!("{items:?}"),
            Err(error) => error.to_string(),
        };
        let texts = [
            "{\"n\": 1}\n\n{\"n\": }\n",
            "[1, 2\n",
            "1\n{\"a-b\": 1}\n",
            "{\"n\": 1}\n \n{\"k\": 2, \"n\": 1}\n",
            "\n\n",
        ];
        let all: Vec<String> = texts.iter().map(|text| told(Some("k=1"), text)).collect();
        insta::assert_snapshot!(all.join("\n"), @r#"
        in/a.jsonl:3: this line is not JSON: expected value at column 7; each line is one item
        in/a.jsonl:1: this line is not JSON: EOF while parsing a list at column 5; each line is one item
        in/a.jsonl:2: the key "a-b" cannot be the name of a parameter; rename it
        in/a.jsonl:3: `k` is given both here and for all items; give it one of them
        in/a.jsonl: there are no items in it; write one JSON value a line
        "#);
    }

    #[test]
    fn a_mark_at_the_beginning_and_empty_lines_move_no_line() {
        let text = "\u{feff}\r\n{\"n\": 1}\r\n\r\n{\"n\": 2}\r\n";
        let items = Items::read(None, "a.jsonl", text).expect("items");
        assert_eq!(items.tasks.tasks.len(), 2);
        assert_eq!([items.place(0), items.place(1)], ["a.jsonl:2", "a.jsonl:4"]);
    }

    #[test]
    fn the_first_item_is_told_by_the_names_that_it_is_bound_to() {
        let document =
            Document::new("def f(path, n=1, *rest, deep=None): ...\ndef g(*all): ...\n".to_owned());
        let module = Module {
            path: Path::new("/a.py"),
            document: &document,
            workspace: Path::new("/"),
            environment: None,
        };
        let functions = runnables(&module);
        let long = format!("[\"{}\", 2]", "x".repeat(90));
        let cases = [
            ("f", "[\"a\", 2]", None),
            ("f", "[\"a\", 2, 3, 4]", Some("deep=5")),
            ("f", "{\"n\": 3, \"path\": \"it's\"}", None),
            ("f", "1.50", Some("n=2")),
            ("g", "[1, 2]", None),
            ("f", long.as_str(), None),
        ];
        let told = cases.map(|(name, item, fixed)| {
            let of = functions.iter().find(|function| function.qualname == name);
            let items = Items::read(fixed, "a.jsonl", item).expect("an item");
            bound(name, of, &items.tasks, 0, fixed)
        });
        insta::assert_snapshot!(told.join("\n"), @r"
        f(path='a', n=2)
        f(path='a', n=2, 3, 4, deep=5)
        f(n=3, path='it\'s')
        f(path=1.50, n=2)
        g(1, 2)
        f(path='xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx..., n=2)
        ");
    }
}
