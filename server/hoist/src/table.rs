//! What became of the tasks of a sweep, as a table: for the terminal, for the editor, for a spreadsheet.

use std::collections::BTreeMap;
use std::sync::Arc;

use hoist_jobs::{Engine, JobError, JobId, JobResult, JobView, State, Sweep};
use serde::Serialize;

/// The exit status of `hoist run` when the target fails, for a task whose record cannot be read.
const UNREADABLE: u8 = 3;

/// Rows of a table with the columns below their titles; the last column is not padded.
pub(crate) fn columns(titles: &[&str], rows: &[Vec<String>]) -> String {
    let width = |text: &str| unicode_width::UnicodeWidthStr::width(text);
    let mut widths: Vec<usize> = titles.iter().map(|title| width(title)).collect();
    for row in rows {
        for (column, cell) in row.iter().enumerate() {
            widths[column] = widths[column].max(width(cell));
        }
    }
    let mut out = String::new();
    let titles: Vec<String> = titles.iter().map(ToString::to_string).collect();
    for row in std::iter::once(&titles).chain(rows) {
        let mut text = String::new();
        for (column, cell) in row.iter().enumerate() {
            text.push_str(cell);
            let padding = widths[column] - width(cell) + 2;
            text.extend(std::iter::repeat_n(' ', padding));
        }
        out.push_str(text.trim_end());
        out.push('\n');
    }
    out
}

/// How many are in which state, in words: `3 succeeded, 1 failed, 6 running`.
pub(crate) fn counted(states: &[State]) -> String {
    let mut counts: BTreeMap<State, usize> = BTreeMap::new();
    for state in states {
        *counts.entry(*state).or_default() += 1;
    }
    // What is over first.
    let (over, going): (Vec<_>, Vec<_>) = counts.into_iter().partition(|(state, _)| state.is_end());
    let words = over
        .into_iter()
        .chain(going)
        .map(|(state, count)| format!("{count} {state}"));
    words.collect::<Vec<_>>().join(", ")
}

/// A sweep with what became of its tasks.
pub(crate) struct Table<'a> {
    sweep: &'a Sweep,
    /// None for one whose record cannot be read.
    tasks: Vec<Option<Arc<JobView>>>,
}

/// A task as a line of JSON.
#[derive(Serialize)]
pub(crate) struct Row<'a> {
    sweep: JobId,
    index: usize,
    job: JobId,
    arguments: BTreeMap<&'a str, &'a str>,
    state: Option<State>,
    result: Option<&'a JobResult>,
    error: Option<&'a JobError>,
    reason: Option<&'a str>,
    wall_seconds: Option<f64>,
    queue_seconds: Option<f64>,
    peak_memory_bytes: Option<u64>,
}

#[derive(Serialize)]
struct Finished<'a> {
    event: &'static str,
    sweep: JobId,
    counts: BTreeMap<&'static str, usize>,
    tasks: Vec<Row<'a>>,
}

impl<'a> Table<'a> {
    pub(crate) fn of(engine: &Engine, sweep: &'a Sweep) -> Self {
        let tasks = sweep.tasks.iter();
        Self {
            sweep,
            tasks: tasks
                .map(|task| engine.last_attempt(task.job).ok())
                .collect(),
        }
    }

    pub(crate) fn name(&self) -> JobId {
        self.sweep.sweep
    }

    pub(crate) fn states(&self) -> Vec<State> {
        let states = self.tasks.iter().flatten();
        states.map(|task| task.state).collect()
    }

    /// As of `hoist run`: that of the worst task; none while one goes on.
    pub(crate) fn exit_status(&self) -> Option<u8> {
        let statuses: Option<Vec<u8>> = self
            .tasks
            .iter()
            .map(|task| match task {
                Some(task) => task.state.exit_status(),
                None => Some(UNREADABLE),
            })
            .collect();
        statuses?.into_iter().max()
    }

    /// The tasks in order.
    pub(crate) fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        let numbered = self.sweep.tasks.iter().zip(&self.tasks).enumerate();
        numbered.map(|(index, (task, view))| {
            let view = view.as_ref();
            let columns = self.sweep.columns.iter().zip(&task.values);
            Row {
                sweep: self.sweep.sweep,
                index: index + 1,
                job: task.job,
                arguments: columns
                    .filter_map(|(column, value)| Some((column.as_str(), value.as_deref()?)))
                    .collect(),
                state: view.map(|view| view.state),
                result: view.and_then(|view| view.result.as_ref()),
                error: view.and_then(|view| view.error.as_ref()),
                reason: view.and_then(|view| view.reason.as_deref()),
                wall_seconds: view.and_then(|view| view.wall_seconds),
                queue_seconds: view.and_then(|view| view.queue_seconds),
                peak_memory_bytes: view.and_then(|view| view.peak_memory_bytes),
            }
        })
    }

    /// What stands in the last line of events.
    pub(crate) fn event(&self) -> impl Serialize {
        let mut counts: BTreeMap<&'static str, usize> = BTreeMap::new();
        for state in self.states() {
            *counts.entry(state.word()).or_default() += 1;
        }
        Finished {
            event: "sweep_finished",
            sweep: self.sweep.sweep,
            counts,
            tasks: self.rows().collect(),
        }
    }

    /// The arguments and results of all tasks, for people.
    pub(crate) fn text(&self) -> String {
        let mut titles = vec!["#"];
        titles.extend(self.sweep.columns.iter().map(String::as_str));
        titles.extend(["STATE", "TIME", "RESULT"]);
        let rows: Vec<Vec<String>> = self.rows().map(|row| self.cells(&row, true)).collect();
        columns(&titles, &rows)
    }

    fn cells(&self, row: &Row<'_>, short: bool) -> Vec<String> {
        let mut cells = vec![row.index.to_string()];
        let value = |column: &String| row.arguments.get(column.as_str()).copied();
        let columns = self.sweep.columns.iter();
        cells.extend(columns.map(|column| value(column).unwrap_or_default().to_owned()));
        let result = match (row.result, row.error, row.reason) {
            (Some(result), ..) => result.repr.clone(),
            (None, Some(error), _) => format!("{}: {}", error.kind, error.message),
            (None, None, reason) => reason.unwrap_or_default().to_owned(),
        };
        let time = row.wall_seconds.map(|seconds| match short {
            true => format!("{seconds:.1} s"),
            false => format!("{seconds}"),
        });
        let state = row.state.map(|state| state.to_string());
        cells.extend([
            state.unwrap_or_else(|| "unreadable".to_owned()),
            time.unwrap_or_default(),
            result,
        ]);
        if short {
            for cell in &mut cells {
                *cell = shortened(cell);
            }
        }
        cells
    }

    /// RFC 4180. A result that JSON has is written as that, so that numbers are numbers.
    pub(crate) fn csv(&self) -> String {
        let mut titles = vec!["index".to_owned(), "job".to_owned()];
        titles.extend(self.sweep.columns.iter().cloned());
        titles.extend(["state", "wall_seconds", "result", "error"].map(str::to_owned));
        let mut out = record(&titles);
        for row in self.rows() {
            let cells = self.cells(&row, false);
            let (first, rest) = cells
                .split_first()
                .map_or(("", &[][..]), |(first, rest)| (first, rest));
            let mut fields = vec![first.to_owned(), row.job.to_string()];
            fields.extend(rest[..rest.len().saturating_sub(1)].iter().cloned());
            let json = row.result.and_then(|result| result.json.as_ref());
            let text = |json: &serde_json::value::RawValue| {
                let text = serde_json::from_str::<String>(json.get());
                text.unwrap_or_else(|_| json.get().to_owned())
            };
            let result = json.map(|json| text(json));
            let result = result.or_else(|| row.result.map(|result| result.repr.clone()));
            let error = match (row.error, row.reason, row.result) {
                (Some(error), ..) => format!("{}: {}", error.kind, error.message),
                (None, Some(reason), None) => reason.to_owned(),
                _ => String::new(),
            };
            fields.extend([result.unwrap_or_default(), error]);
            out.push_str(&record(&fields));
        }
        out
    }
}

fn record(fields: &[String]) -> String {
    let field = |field: &String| match field.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", field.replace('"', "\"\"")),
        false => field.clone(),
    };
    fields.iter().map(field).collect::<Vec<_>>().join(",") + "\r\n"
}

/// So that a table stays a table.
fn shortened(text: &str) -> String {
    const MOST: usize = 60;
    let plain = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    let mut short: String = plain.take(MOST).collect();
    if text.chars().nth(MOST).is_some() {
        short.push_str("...");
    }
    short
}
