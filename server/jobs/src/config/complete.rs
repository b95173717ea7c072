//! What may stand at a place of a configuration file, and what it means: read from the schema, while the text is half written.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::Path;

use serde_json::Value;
use toml::de::{DeTable, DeValue};

use super::cursor::{Cursor, Word, cursor};
use super::{keys, prefix_of};

/// What kind of thing is proposed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CompletionKind {
    /// A key.
    Key,
    /// A value.
    Value,
    /// The header of a table.
    Table,
}

/// One proposal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completion {
    /// What the user reads and what filters.
    pub label: String,
    /// What takes the place of `replace`.
    pub insert: String,
    /// The bytes that it takes the place of.
    pub replace: Range<usize>,
    /// What it is, in a sentence.
    pub documentation: String,
    /// What kind of thing.
    pub kind: CompletionKind,
}

/// What a key or value means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The bytes that it is about.
    pub range: Range<usize>,
    /// In a sentence or two.
    pub text: String,
}

/// What may stand at a byte offset. `targets` are the names of the targets that the other files define.
pub fn complete(file: &Path, text: &str, offset: usize, targets: &[String]) -> Vec<Completion> {
    let schema = keys::schema();
    let prefix = prefix_of(file);
    let Some(cursor) = cursor(text, offset) else {
        return Vec::new();
    };
    let table = document(text);
    let mut names: BTreeSet<String> = targets.iter().cloned().collect();
    names.extend(children(&table, &[prefix, &["targets"]].concat()));
    match &cursor.word {
        Word::Header => headers(prefix, &names, &cursor),
        Word::Key => {
            let Some(path) = ours(&cursor.path, prefix) else {
                return Vec::new();
            };
            let Some(node) = node(&schema, &path) else {
                return Vec::new();
            };
            let full: Vec<&str> = cursor.path.iter().map(String::as_str).collect();
            let present = children(&table, &full);
            proposed_keys(node, &present, &cursor)
        }
        Word::Value { in_string } => {
            let Some(path) = ours(&cursor.path, prefix) else {
                return Vec::new();
            };
            let Some(mut node) = node(&schema, &path) else {
                return Vec::new();
            };
            if cursor.in_list {
                node = &node["items"];
            }
            let names: Vec<(String, String)> = if path == ["default_target"] {
                names.insert(super::LOCAL.to_owned());
                names
                    .into_iter()
                    .map(|name| (name.clone(), format!("The target {name}.")))
                    .collect()
            } else {
                values(node)
            };
            let quoted = |value: &str| match in_string {
                true => value.to_owned(),
                false => format!("{value:?}"),
            };
            names
                .into_iter()
                .map(|(value, documentation)| Completion {
                    insert: quoted(&value),
                    label: value,
                    replace: cursor.range.clone(),
                    documentation,
                    kind: CompletionKind::Value,
                })
                .collect()
        }
    }
}

/// What the key or value at a byte offset means.
pub fn explain(file: &Path, text: &str, offset: usize) -> Option<Explanation> {
    let cursor = cursor(text, offset)?;
    let schema = keys::schema();
    let word = text.get(cursor.range.clone())?.trim_matches(['"', '\'']);
    let mut path = ours(&cursor.path, prefix_of(file))?;
    let said = match cursor.word {
        Word::Header => return None,
        Word::Key => {
            path.push(word);
            let node = node(&schema, &path)?;
            described(node)?
        }
        Word::Value { .. } => {
            let mut node = node(&schema, &path)?;
            if cursor.in_list {
                node = &node["items"];
            }
            values(node)
                .into_iter()
                .find(|(value, _)| value == word)
                .map(|(_, said)| said)
                .filter(|said| !said.is_empty())?
        }
    };
    Some(Explanation {
        range: cursor.range,
        text: said,
    })
}

/// The part of a path below Hoist's own table; `None` for a place that is not ours.
fn ours<'p>(path: &'p [String], prefix: &[&str]) -> Option<Vec<&'p str>> {
    let mut path = path.iter().map(String::as_str);
    for part in prefix {
        if path.next() != Some(part) {
            return None;
        }
    }
    Some(path.collect())
}

/// The schema of what stands at a path.
fn node<'s>(schema: &'s Value, path: &[&str]) -> Option<&'s Value> {
    path.iter().try_fold(schema, |node, key| {
        let property = node.get("properties").and_then(|keys| keys.get(key));
        property.or_else(|| {
            node.get("additionalProperties")
                .filter(|inner| inner.is_object())
        })
    })
}

/// Of a half-written text as much as can be read.
fn document(text: &str) -> toml::Spanned<DeTable<'_>> {
    DeTable::parse_recoverable(text).0
}

/// The keys of a table, when it is there.
fn children(document: &toml::Spanned<DeTable<'_>>, path: &[&str]) -> BTreeSet<String> {
    let mut table = document.get_ref();
    for key in path {
        match table.get(*key).map(toml::Spanned::get_ref) {
            Some(DeValue::Table(inner)) => table = inner,
            _ => return BTreeSet::new(),
        }
    }
    table.keys().map(|key| key.get_ref().to_string()).collect()
}

fn headers(prefix: &[&str], targets: &BTreeSet<String>, cursor: &Cursor) -> Vec<Completion> {
    let mut paths: Vec<(Vec<&str>, &str)> = Vec::new();
    if !prefix.is_empty() {
        paths.push((Vec::new(), "Settings of Hoist."));
    }
    paths.push((
        vec!["ignore_in"],
        "Findings that are not told of some files.",
    ));
    for name in targets.iter().map(String::as_str).chain(["NAME"]) {
        paths.push((vec!["targets", name], "A target: where jobs run."));
        paths.push((
            vec!["targets", name, "resources"],
            "What a job asks for there unless it says otherwise.",
        ));
    }
    paths
        .into_iter()
        .map(|(path, documentation)| {
            let parts: Vec<String> = prefix.iter().chain(&path).map(|part| bare(part)).collect();
            let label = parts.join(".");
            Completion {
                insert: label.clone(),
                label,
                replace: cursor.range.clone(),
                documentation: documentation.to_owned(),
                kind: CompletionKind::Table,
            }
        })
        .collect()
}

/// A key as it may stand in a header.
fn bare(key: &str) -> String {
    let is_bare = !key.is_empty()
        && key
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    if is_bare {
        key.to_owned()
    } else {
        format!("{key:?}")
    }
}

fn proposed_keys(node: &Value, present: &BTreeSet<String>, cursor: &Cursor) -> Vec<Completion> {
    let Some(keys) = node.get("properties").and_then(Value::as_object) else {
        return Vec::new();
    };
    keys.iter()
        .filter(|(key, _)| !present.contains(*key))
        .map(|(key, schema)| {
            let insert = match (cursor.has_value, schema.get("type").and_then(Value::as_str)) {
                (true, _) => key.clone(),
                (false, Some("array")) => format!("{key} = []"),
                (false, Some("object")) => format!("{key} = {{}}"),
                (false, Some("integer")) => format!("{key} = "),
                _ => format!("{key} = \"\""),
            };
            Completion {
                label: key.clone(),
                insert,
                replace: cursor.range.clone(),
                documentation: described(schema).unwrap_or_default(),
                kind: CompletionKind::Key,
            }
        })
        .collect()
}

/// The description of a key, with its default where it has one that says something.
fn described(schema: &Value) -> Option<String> {
    let text = schema.get("description")?.as_str()?.replace('\n', " ");
    let default = schema.get("default").filter(|default| match default {
        Value::Array(values) => !values.is_empty(),
        Value::Object(values) => !values.is_empty(),
        _ => true,
    });
    // A table's default lists all of its keys; those say it themselves.
    match default.filter(|default| !default.is_object()) {
        Some(default) => Some(format!("{text} Without it: `{default}`.")),
        None => Some(text),
    }
}

/// The values that a schema names, each with what it means.
fn values(node: &Value) -> Vec<(String, String)> {
    let said = |choice: &Value| {
        let text = choice.get("description").and_then(Value::as_str);
        text.unwrap_or_default().to_owned()
    };
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let listed = |key: &str| {
        node.get(key)
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
    };
    let choices = listed("oneOf").flat_map(|choice| {
        let several = choice
            .get("enum")
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        let all = choice.get("const").into_iter().chain(several);
        all.filter_map(|value| Some((text(value)?, said(choice))))
            .collect::<Vec<_>>()
    });
    let words = listed("enum").filter_map(|value| Some((text(value)?, String::new())));
    let examples = listed("examples").filter_map(|value| Some((text(value)?, String::new())));
    choices.chain(words).chain(examples).collect()
}
