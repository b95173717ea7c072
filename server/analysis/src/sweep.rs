//! Sweeps: one call written with lists of values, taken apart into the calls that it stands for.
//!
//! Nothing is evaluated: each value stays the text that it was, and the run of its task evaluates it as it would evaluate
//! an argument that a person wrote.

use std::collections::BTreeSet;
use std::fmt;

use hoist_syntax::strict;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::python::ast::{Expr, Keyword, UnaryOp};
use crate::python::{expression, range_of};

/// The most tasks that one sweep may have.
pub const MOST_TASKS: usize = 100_000;

/// The tasks of a sweep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tasks {
    /// What differs between them: names of parameters, or `0`, `1`, ... for arguments without one.
    pub columns: Vec<String>,
    /// Each task in order.
    pub tasks: Vec<Task>,
    /// Arguments that hold all values of all tasks, for what must be known of them before: which names they read, which
    /// files they name.
    pub together: String,
}

/// One task of a sweep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// The arguments of its call, as Python source.
    pub args: String,
    /// The value of each column, as Python source; none where the task has none.
    pub values: Vec<Option<String>>,
}

/// Why a text describes no sweep.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SweepError {
    /// It is not Python.
    #[error(
        "the sweep `{text}` is not Python: {why}; write name=[values], as in lr=[0.1, 0.01], seed=range(10)"
    )]
    Syntax {
        /// The sweep.
        text: String,
        /// What the parser says.
        why: String,
    },
    /// A value without the name of a parameter.
    #[error("the sweep `{0}` has values without a name; write name=[values], as in lr=[0.1, 0.01]")]
    NoName(String),
    /// The values of a parameter cannot be counted without running code.
    #[error(
        "`{name}={value}` cannot be counted without running it; write the values as a list, as in {name}=[1, 2, 3], or as a range of whole numbers, as in {name}=range(10)"
    )]
    NotAList {
        /// The parameter.
        name: String,
        /// What stands there.
        value: String,
    },
    /// The same parameter is given twice.
    #[error(
        "`{0}` is given both a value for all tasks and values of the sweep; give it one of them"
    )]
    Twice(String),
    /// Nothing is left to run.
    #[error("the sweep has no tasks: `{0}` has no values")]
    Empty(String),
    /// More than anybody means.
    #[error("the sweep has more than {MOST_TASKS} tasks; make it smaller or cut it into several")]
    TooMany,
    /// A line of items is not JSON.
    #[error("line {line} of the items is not JSON: {why}")]
    NotJson {
        /// From 1.
        line: usize,
        /// What the parser says.
        why: String,
    },
    /// A key of an object is no name of a parameter.
    #[error(
        "line {line} of the items has the key {key:?}, which cannot be the name of a parameter; rename it"
    )]
    NotAName {
        /// From 1.
        line: usize,
        /// The key.
        key: String,
    },
    /// There are no items.
    #[error("there are no items; write one JSON value a line")]
    NoItems,
}

/// The values of one parameter.
struct Axis {
    name: String,
    values: Vec<String>,
}

/// Every combination of the values in `sweep` (`lr=[0.1, 0.01], seed=range(10)`), the last parameter changing fastest, each
/// with the arguments `fixed`.
pub fn grid(fixed: Option<&str>, sweep: &str) -> Result<Tasks, SweepError> {
    let axes = axes(sweep)?;
    let fixed = fixed.map(str::trim).filter(|fixed| !fixed.is_empty());
    let given = fixed.map(strict::arguments).and_then(Result::ok);
    if let Some(twice) = axes.iter().find(|axis| {
        given
            .as_ref()
            .is_some_and(|given| given.keywords.contains(&axis.name))
    }) {
        return Err(SweepError::Twice(twice.name.clone()));
    }
    let mut rows: Vec<Vec<&str>> = vec![Vec::new()];
    for axis in &axes {
        if axis.values.is_empty() {
            return Err(SweepError::Empty(axis.name.clone()));
        }
        if rows.len().saturating_mul(axis.values.len()) > MOST_TASKS {
            return Err(SweepError::TooMany);
        }
        rows = rows
            .iter()
            .flat_map(|row| {
                let values = axis.values.iter();
                values.map(move |value| [row.as_slice(), &[value.as_str()]].concat())
            })
            .collect();
    }
    let task = |row: &Vec<&str>| Task {
        args: joined(
            fixed,
            axes.iter()
                .zip(row)
                .map(|(axis, value)| format!("{}={value}", axis.name)),
        ),
        values: row.iter().map(|value| Some((*value).to_owned())).collect(),
    };
    Ok(Tasks {
        tasks: rows.iter().map(task).collect(),
        together: joined(
            fixed,
            axes.iter()
                .map(|axis| format!("{}=[{}]", axis.name, axis.values.join(", "))),
        ),
        columns: axes.into_iter().map(|axis| axis.name).collect(),
    })
}

/// One task for each line of `items` that is not empty: of a JSON object its members as keyword arguments, of an array its
/// elements as arguments, of anything else the one argument. Each has the arguments `fixed`, too.
pub fn items(fixed: Option<&str>, items: &str) -> Result<Tasks, SweepError> {
    let fixed = fixed.map(str::trim).filter(|fixed| !fixed.is_empty());
    let given = fixed.map(strict::arguments).and_then(Result::ok);
    let mut columns: Vec<String> = Vec::new();
    let mut found: Vec<Vec<(usize, String)>> = Vec::new();
    for (number, line) in items.lines().enumerate() {
        if line.trim().is_empty() {
            continue;
        }
        let not_json = |error: serde_json::Error| SweepError::NotJson {
            line: number + 1,
            why: error.to_string(),
        };
        let value: &RawValue = serde_json::from_str(line).map_err(not_json)?;
        let named = match read(value).map_err(not_json)? {
            Json::Object(members) => members,
            Json::Array(elements) => {
                let numbered = elements.into_iter().enumerate();
                numbered
                    .map(|(at, value)| (at.to_string(), value))
                    .collect()
            }
            Json::Other(value) => vec![("0".to_owned(), value)],
        };
        let mut row = Vec::new();
        for (name, value) in named {
            let is_place = name.bytes().all(|byte| byte.is_ascii_digit()) && !name.is_empty();
            if !is_place && !matches!(expression(&name), Some(Expr::Name(_))) {
                let line = number + 1;
                return Err(SweepError::NotAName { line, key: name });
            }
            if given
                .as_ref()
                .is_some_and(|given| given.keywords.contains(&name))
            {
                return Err(SweepError::Twice(name));
            }
            let column = columns.iter().position(|known| *known == name);
            let column = column.unwrap_or_else(|| {
                columns.push(name);
                columns.len() - 1
            });
            row.push((column, value));
        }
        found.push(row);
        if found.len() > MOST_TASKS {
            return Err(SweepError::TooMany);
        }
    }
    if found.is_empty() {
        return Err(SweepError::NoItems);
    }
    let is_place = |column: usize| columns[column].starts_with(|c: char| c.is_ascii_digit());
    let written = |column: usize, value: &str| match is_place(column) {
        true => value.to_owned(),
        false => format!("{}={value}", columns[column]),
    };
    let task = |row: &Vec<(usize, String)>| {
        let mut values = vec![None; columns.len()];
        for (column, value) in row {
            values[*column] = Some(value.clone());
        }
        // Arguments by place come before all that have a name.
        let placed = row.iter().filter(|(column, _)| is_place(*column));
        let placed: Vec<&str> = placed.map(|(_, value)| value.as_str()).collect();
        let placed = Some(placed.join(", ")).filter(|placed| !placed.is_empty());
        let named = row.iter().filter(|(column, _)| !is_place(*column));
        let named = named.map(|(column, value)| written(*column, value));
        let args = match (&placed, fixed) {
            (Some(placed), Some(fixed)) => Some(format!("{placed}, {fixed}")),
            (placed, fixed) => placed.clone().or(fixed.map(str::to_owned)),
        };
        Task {
            args: joined(args.as_deref(), named),
            values,
        }
    };
    let tasks: Vec<Task> = found.iter().map(task).collect();
    let of_column = |column: usize| {
        let values: BTreeSet<&str> = tasks
            .iter()
            .filter_map(|task| task.values[column].as_deref())
            .collect();
        let list: Vec<&str> = values.into_iter().collect();
        written(column, &format!("[{}]", list.join(", ")))
    };
    let mut order: Vec<usize> = (0..columns.len()).collect();
    order.sort_by_key(|column| !is_place(*column));
    let placed = order.iter().filter(|column| is_place(**column));
    let placed: Vec<String> = placed.map(|column| of_column(*column)).collect();
    let named = order.iter().filter(|column| !is_place(**column));
    let named = named.map(|column| of_column(*column));
    let first: Vec<&str> = placed.iter().map(String::as_str).chain(fixed).collect();
    let first = Some(first.join(", ")).filter(|first| !first.is_empty());
    Ok(Tasks {
        together: joined(first.as_deref(), named),
        tasks,
        columns,
    })
}

fn joined(first: Option<&str>, rest: impl Iterator<Item = String>) -> String {
    let first = first.map(|first| first.trim_end_matches([',', ' ']).to_owned());
    first.into_iter().chain(rest).collect::<Vec<_>>().join(", ")
}

fn axes(sweep: &str) -> Result<Vec<Axis>, SweepError> {
    let syntax = |why: String| SweepError::Syntax {
        text: sweep.to_owned(),
        why,
    };
    let given = strict::arguments(sweep).map_err(|error| syntax(error.message))?;
    if given.positional > 0 || given.has_star || given.has_double_star || given.keywords.is_empty()
    {
        return Err(SweepError::NoName(sweep.to_owned()));
    }
    const BEFORE: &str = "f(";
    let call = format!("{BEFORE}{sweep}\n)");
    let Some(Expr::Call(parsed)) = expression(&call) else {
        return Err(syntax("it is no list of arguments".to_owned()));
    };
    let text = |value: &Expr| call.get(range_of(value)).unwrap_or_default().to_owned();
    let axis = |keyword: &Keyword| {
        let name = keyword.arg.as_ref().map(ToString::to_string);
        let name = name.unwrap_or_default();
        let elements = match &keyword.value {
            Expr::List(list) => Some(&list.elts),
            Expr::Tuple(tuple) => Some(&tuple.elts),
            Expr::Set(set) => Some(&set.elts),
            _ => None,
        };
        let values = match elements {
            Some(elements) if !elements.iter().any(Expr::is_starred_expr) => Some(
                elements
                    .iter()
                    .map(|value| alone(&text(value), value))
                    .collect(),
            ),
            Some(_) => None,
            None => numbers(&keyword.value)?,
        };
        match values {
            Some(values) => Ok(Axis { name, values }),
            None => Err(SweepError::NotAList {
                name,
                value: text(&keyword.value),
            }),
        }
    };
    parsed.arguments.keywords.iter().map(axis).collect()
}

/// A value that stood between commas, as an argument; what needs brackets there may have had none.
fn alone(text: &str, value: &Expr) -> String {
    match value {
        Expr::Named(_) | Expr::Yield(_) | Expr::YieldFrom(_) => format!("({text})"),
        Expr::Generator(generator) if !generator.parenthesized => format!("({text})"),
        Expr::Tuple(tuple) if !tuple.parenthesized => format!("({text})"),
        _ => text.to_owned(),
    }
}

/// The numbers of a `range` of constants.
fn numbers(value: &Expr) -> Result<Option<Vec<String>>, SweepError> {
    let Expr::Call(call) = value else {
        return Ok(None);
    };
    let is_range = matches!(&*call.func, Expr::Name(name) if name.id.as_str() == "range");
    let arguments: Option<Vec<i64>> = call.arguments.args.iter().map(integer).collect();
    let (true, true, Some(arguments)) = (is_range, call.arguments.keywords.is_empty(), arguments)
    else {
        return Ok(None);
    };
    let (start, stop, step) = match arguments.as_slice() {
        [stop] => (0, *stop, 1),
        [start, stop] => (*start, *stop, 1),
        [start, stop, step] if *step != 0 => (*start, *stop, *step),
        _ => return Ok(None),
    };
    let mut found = Vec::new();
    let mut at = Some(start);
    while let Some(number) = at.filter(|at| if step > 0 { *at < stop } else { *at > stop }) {
        if found.len() == MOST_TASKS {
            return Err(SweepError::TooMany);
        }
        found.push(number.to_string());
        at = number.checked_add(step);
    }
    Ok(Some(found))
}

fn integer(value: &Expr) -> Option<i64> {
    match value {
        Expr::NumberLiteral(number) => number.value.as_int()?.as_i64(),
        Expr::UnaryOp(unary) if unary.op == UnaryOp::USub => integer(&unary.operand)?.checked_neg(),
        _ => None,
    }
}

/// A JSON value whose parts are Python source already.
enum Json {
    Object(Vec<(String, String)>),
    Array(Vec<String>),
    Other(String),
}

/// Reads a JSON value. Its numbers keep their digits and its members their order.
fn read(value: &RawValue) -> serde_json::Result<Json> {
    let text = value.get();
    Ok(match text.as_bytes().first() {
        Some(b'{') => {
            let Members(members) = serde_json::from_str(text)?;
            let members = members.into_iter();
            let read = members.map(|(key, value)| Ok((key, literal(value)?)));
            Json::Object(read.collect::<serde_json::Result<_>>()?)
        }
        Some(b'[') => {
            let elements: Vec<&RawValue> = serde_json::from_str(text)?;
            let read = elements.into_iter().map(literal);
            Json::Array(read.collect::<serde_json::Result<_>>()?)
        }
        Some(b'"') => Json::Other(quoted(&serde_json::from_str::<String>(text)?)),
        Some(b't') => Json::Other("True".to_owned()),
        Some(b'f') => Json::Other("False".to_owned()),
        Some(b'n') => Json::Other("None".to_owned()),
        _ => Json::Other(text.to_owned()),
    })
}

/// A JSON value as Python source.
fn literal(value: &RawValue) -> serde_json::Result<String> {
    Ok(match read(value)? {
        Json::Object(members) => {
            let member = |(key, value): (String, String)| format!("{}: {value}", quoted(&key));
            let members: Vec<String> = members.into_iter().map(member).collect();
            format!("{{{}}}", members.join(", "))
        }
        Json::Array(elements) => format!("[{}]", elements.join(", ")),
        Json::Other(text) => text,
    })
}

/// The members of a JSON object in their order; of those with the same key, the last.
struct Members<'t>(Vec<(String, &'t RawValue)>);

impl<'t> Deserialize<'t> for Members<'t> {
    fn deserialize<D: Deserializer<'t>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visit;
        impl<'t> Visitor<'t> for Visit {
            type Value = Members<'t>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'t>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members: Vec<(String, &'t RawValue)> = Vec::new();
                while let Some((key, value)) = map.next_entry::<String, &'t RawValue>()? {
                    members.retain(|(known, _)| *known != key);
                    members.push((key, value));
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Visit)
    }
}

/// A text as a string literal of Python.
fn quoted(text: &str) -> String {
    let mut out = String::from("'");
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\'' => out.push_str("\\'"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() || c == '\u{2028}' || c == '\u{2029}' => {
                out.push_str(&format!("\\U{:08x}", u32::from(c)));
            }
            c => out.push(c),
        }
    }
    out.push('\'');
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn calls(tasks: &Result<Tasks, SweepError>) -> String {
        match tasks {
            Err(error) => format!("error: {error}"),
            Ok(tasks) => {
                let calls = tasks.tasks.iter().map(|task| format!("f({})\n", task.args));
                calls.collect::<String>() + &format!("together f({})", tasks.together)
            }
        }
    }

    #[test]
    fn every_combination_is_a_task_and_each_value_stays_as_it_was_written() {
        insta::assert_snapshot!(calls(&grid(Some("data, epochs=3,"), "lr=[1e-3, 0.10], seed=range(2)")), @r"
        f(data, epochs=3, lr=1e-3, seed=0)
        f(data, epochs=3, lr=1e-3, seed=1)
        f(data, epochs=3, lr=0.10, seed=0)
        f(data, epochs=3, lr=0.10, seed=1)
        together f(data, epochs=3, lr=[1e-3, 0.10], seed=[0, 1])
        ");
        insta::assert_snapshot!(calls(&grid(None, "m=(Tree(2), 'a, b', (1, 2), lambda x: x), n=range(3, -1, -2)")), @r"
        f(m=Tree(2), n=3)
        f(m=Tree(2), n=1)
        f(m='a, b', n=3)
        f(m='a, b', n=1)
        f(m=(1, 2), n=3)
        f(m=(1, 2), n=1)
        f(m=lambda x: x, n=3)
        f(m=lambda x: x, n=1)
        together f(m=[Tree(2), 'a, b', (1, 2), lambda x: x], n=[3, 1])
        ");
    }

    #[test]
    fn what_is_no_sweep_is_told_with_how_to_write_it() {
        let texts = [
            "lr=0.1",
            "lr=[x for x in y]",
            "[1, 2]",
            "lr=[",
            "",
            "lr=[]",
            "lr=[*a]",
            "seed=range(n)",
            "seed=range(10**9)",
            "a=range(1000), b=range(1000)",
            "a=range(1, 2, 0)",
            "**options",
        ];
        let told: Vec<String> = texts.iter().map(|text| calls(&grid(None, text))).collect();
        insta::assert_snapshot!(told.join("\n"), @r#"
        error: `lr=0.1` cannot be counted without running it; write the values as a list, as in lr=[1, 2, 3], or as a range of whole numbers, as in lr=range(10)
        error: `lr=[x for x in y]` cannot be counted without running it; write the values as a list, as in lr=[1, 2, 3], or as a range of whole numbers, as in lr=range(10)
        error: the sweep `[1, 2]` has values without a name; write name=[values], as in lr=[0.1, 0.01]
        error: the sweep `lr=[` is not Python: Expected an expression; write name=[values], as in lr=[0.1, 0.01], seed=range(10)
        error: the sweep `` has values without a name; write name=[values], as in lr=[0.1, 0.01]
        error: the sweep has no tasks: `lr` has no values
        error: `lr=[*a]` cannot be counted without running it; write the values as a list, as in lr=[1, 2, 3], or as a range of whole numbers, as in lr=range(10)
        error: `seed=range(n)` cannot be counted without running it; write the values as a list, as in seed=[1, 2, 3], or as a range of whole numbers, as in seed=range(10)
        error: `seed=range(10**9)` cannot be counted without running it; write the values as a list, as in seed=[1, 2, 3], or as a range of whole numbers, as in seed=range(10)
        error: the sweep has more than 100000 tasks; make it smaller or cut it into several
        error: `a=range(1, 2, 0)` cannot be counted without running it; write the values as a list, as in a=[1, 2, 3], or as a range of whole numbers, as in a=range(10)
        error: the sweep `**options` has values without a name; write name=[values], as in lr=[0.1, 0.01]
        "#);
        insta::assert_snapshot!(calls(&grid(Some("lr=1"), "lr=[1, 2]")), @"error: `lr` is given both a value for all tasks and values of the sweep; give it one of them");
    }

    #[test]
    fn every_line_of_items_is_a_task() {
        let text = "{\"path\": \"it's \\\\ \\u00e9\", \"n\": 3}\n\n{\"n\": 123456789012345678901234567890, \"deep\": {\"a\": [true, null]}}\n";
        insta::assert_snapshot!(calls(&items(Some("scale=2"), text)), @r#"
        f(scale=2, path='it\'s \\ é', n=3)
        f(scale=2, n=123456789012345678901234567890, deep={'a': [True, None]})
        together f(scale=2, path=['it\'s \\ é'], n=[123456789012345678901234567890, 3], deep=[{'a': [True, None]}])
        "#);
        insta::assert_snapshot!(calls(&items(None, "[1, \"a\"]\n[2, \"b\"]\n")), @r#"
        f(1, 'a')
        f(2, 'b')
        together f([1, 2], ['a', 'b'])
        "#);
        insta::assert_snapshot!(calls(&items(Some("k=1"), "1.50\n\"x\"\n")), @r#"
        f(1.50, k=1)
        f('x', k=1)
        together f(['x', 1.50], k=1)
        "#);
        let wrong = ["{\"a-b\": 1}", "{", "", "{\"k\": 2}"];
        let told: Vec<String> = wrong
            .iter()
            .map(|text| calls(&items(Some("k=1"), text)))
            .collect();
        insta::assert_snapshot!(told.join("\n"), @r#"
        error: line 1 of the items has the key "a-b", which cannot be the name of a parameter; rename it
        error: line 1 of the items is not JSON: EOF while parsing an object at line 1 column 1
        error: there are no items; write one JSON value a line
        error: `k` is given both a value for all tasks and values of the sweep; give it one of them
        "#);
    }

    proptest! {
        #[test]
        fn any_text_of_an_item_is_one_argument(text in any::<String>()) {
            let line = serde_json::to_string(&serde_json::json!({ "text": text })).expect("JSON");
            let tasks = items(None, &line).expect("an item");
            let call = format!("f({})", tasks.tasks[0].args);
            let Some(Expr::Call(call)) = expression(&call) else { panic!("{call}") };
            prop_assert_eq!(call.arguments.keywords.len(), 1);
            let value = crate::python::constant_text(&call.arguments.keywords[0].value);
            prop_assert_eq!(value, Some(text.as_str()));
        }
    }
}
