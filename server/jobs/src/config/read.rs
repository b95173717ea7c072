//! One configuration file as text: its values, or everything that is wrong with it, each at its place.

use std::ops::Range;

use hoist_analysis::{Code, Severity, pattern_mistake};
use hoist_cluster::{Resources, TargetSettings};
use serde::de::DeserializeOwned;
use toml::de::{DeTable, DeValue};
use toml::{Spanned, Table, Value};

use super::keys::Keys;
use super::words::sentence;

/// What is wrong with a configuration file, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What kind of mistake: HST050 and those after it, or that of a file that is named and not there.
    pub code: Code,
    /// How bad: with an error the file is not used.
    pub severity: Severity,
    /// The bytes that are to blame.
    pub range: Range<usize>,
    /// One sentence: what is wrong and what to do.
    pub message: String,
}

/// Hoist's own table of a file, `None` when it has none. `prefix` is where it is: `["tool", "hoist"]` in a pyproject.toml.
///
/// # Errors
/// All mistakes, in the order of the text.
pub(super) fn read(text: &str, prefix: &[&str]) -> Result<Option<Table>, Vec<Problem>> {
    let (document, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        let mut problems: Vec<Problem> = errors.iter().map(|error| no_toml(text, error)).collect();
        problems.sort_by_key(|problem| problem.range.start);
        return Err(problems);
    }
    let values: Table = toml::from_str(text).map_err(|error| vec![no_toml(text, &error)])?;
    let mut place = document.get_ref();
    let mut table = &values;
    for key in prefix {
        let (Some((_, inner)), Some(value)) = (place.get_key_value(*key), table.get(*key)) else {
            return Ok(None);
        };
        match (inner.get_ref(), value) {
            (DeValue::Table(inner), Value::Table(value)) => (place, table) = (inner, value),
            _ => {
                return Err(vec![Problem {
                    code: Code::ConfigValue,
                    severity: Severity::Error,
                    range: inner.span(),
                    message: format!("{} is a table: write [{}]", key, prefix.join(".")),
                }]);
            }
        }
    }
    let mut problems = Vec::new();
    keys(place, table, &mut problems);
    if problems.is_empty() {
        Ok(Some(table.clone()))
    } else {
        problems.sort_by_key(|problem| problem.range.start);
        Err(problems)
    }
}

/// The patterns of `data` in a file that reads, with their places.
pub(super) fn patterns(text: &str, prefix: &[&str]) -> Vec<(String, Range<usize>)> {
    let (document, _) = DeTable::parse_recoverable(text);
    let mut place = document.get_ref();
    for key in prefix {
        match place.get(*key).map(Spanned::get_ref) {
            Some(DeValue::Table(inner)) => place = inner,
            _ => return Vec::new(),
        }
    }
    let Some(DeValue::Array(patterns)) = place.get("data").map(Spanned::get_ref) else {
        return Vec::new();
    };
    let pattern = |value: &Spanned<DeValue<'_>>| match value.get_ref() {
        DeValue::String(pattern) => Some((pattern.to_string(), value.span())),
        _ => None,
    };
    patterns.iter().filter_map(pattern).collect()
}

fn no_toml(text: &str, error: &toml::de::Error) -> Problem {
    let mut range = error.span().unwrap_or(0..0);
    if range.is_empty() {
        // Nothing cannot be underlined: the character after it, at the end of a line the one before it.
        let after = text.get(range.start..).and_then(|rest| rest.chars().next());
        let before = text
            .get(..range.start)
            .and_then(|rest| rest.chars().next_back());
        match (after, before) {
            (Some(after), _) if !after.is_control() => range.end += after.len_utf8(),
            (_, Some(before)) => range.start -= before.len_utf8(),
            _ => {}
        }
    }
    Problem {
        code: Code::ConfigSyntax,
        severity: Severity::Error,
        range,
        message: format!(
            "this is no TOML: {}",
            error.message().trim().replace('\n', ", ")
        ),
    }
}

fn keys(place: &DeTable<'_>, table: &Table, problems: &mut Vec<Problem>) {
    each::<Keys>(place, table, &["targets"], problems, |keys| {
        let mut mistakes = keys
            .data
            .iter()
            .filter_map(|pattern| pattern_mistake(pattern));
        mistakes.next().map_or(Ok(()), Err)
    });
    let Some((targets, values)) = inner(place, table, "targets", problems) else {
        return;
    };
    for name in values.keys() {
        let Some((place, values)) = inner(targets, values, name, problems) else {
            continue;
        };
        each::<TargetSettings>(place, values, &["resources"], problems, |settings| {
            settings
                .check()
                .map_err(|error| format!("{}; {}", error.why, error.mend))
        });
        if let Some((place, values)) = inner(place, values, "resources", problems) {
            each::<Resources>(place, values, &[], problems, |resources| {
                resources.check().map_err(|error| error.to_string())
            });
        }
    }
}

/// A table in a table; `None` when it is not there, which is no mistake, or no table, which is one.
fn inner<'p>(
    place: &'p DeTable<'_>,
    table: &'p Table,
    key: &str,
    problems: &mut Vec<Problem>,
) -> Option<(&'p DeTable<'p>, &'p Table)> {
    let (_, at) = place.get_key_value(key)?;
    match (at.get_ref(), table.get(key)?) {
        (DeValue::Table(at), Value::Table(value)) => Some((at, value)),
        (_, value) => {
            problems.push(Problem {
                code: Code::ConfigValue,
                severity: Severity::Error,
                range: at.span(),
                message: format!("{key} is a table, not {}", super::words::shown(value)),
            });
            None
        }
    }
}

/// Reads each key of a table by itself, so that every mistake is found and has its own place. What is in `besides` is read
/// elsewhere.
fn each<T: DeserializeOwned>(
    place: &DeTable<'_>,
    table: &Table,
    besides: &[&str],
    problems: &mut Vec<Problem>,
    check: impl Fn(&T) -> Result<(), String>,
) {
    for (key, value) in table {
        let Some((at_key, at)) = place.get_key_value(key.as_str()) else {
            continue;
        };
        if besides.contains(&key.as_str()) {
            continue;
        }
        let read = |value: &Value| -> Result<(), (bool, String)> {
            let mut alone = Table::new();
            alone.insert(key.clone(), value.clone());
            let read: T = alone.try_into().map_err(|error: toml::de::Error| {
                let is_unknown = error.message().starts_with("unknown field");
                (is_unknown, sentence(error.message()))
            })?;
            check(&read).map_err(|message| (false, message))
        };
        let Err((is_unknown, message)) = read(value) else {
            continue;
        };
        let (code, range) = if is_unknown {
            (Code::ConfigKey, at_key.span())
        } else {
            (
                Code::ConfigValue,
                narrowed(value, at, &|value| read(value).is_ok()),
            )
        };
        problems.push(Problem {
            code,
            severity: Severity::Error,
            range,
            message,
        });
    }
}

/// The element of a list or entry of a table that is to blame, when it is one.
fn narrowed(
    value: &Value,
    at: &Spanned<DeValue<'_>>,
    is_good: &dyn Fn(&Value) -> bool,
) -> Range<usize> {
    match (value, at.get_ref()) {
        (Value::Array(values), DeValue::Array(places)) => {
            for (value, place) in values.iter().zip(places.iter()) {
                let good = |value: &Value| is_good(&Value::Array(vec![value.clone()]));
                if !good(value) {
                    return narrowed(value, place, &good);
                }
            }
        }
        (Value::Table(values), DeValue::Table(places)) => {
            for (key, value) in values {
                let good = |value: &Value| {
                    let mut table = Table::new();
                    table.insert(key.clone(), value.clone());
                    is_good(&Value::Table(table))
                };
                if let Some((_, place)) = places.get_key_value(key.as_str())
                    && !good(value)
                {
                    return narrowed(value, place, &good);
                }
            }
        }
        _ => {}
    }
    at.span()
}
