//! The keys of the configuration, as the schema has them.

use std::fmt;

use hoist_cluster::{Resources, TargetSettings};
use serde::Serialize;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;

use super::markdown::{code, prose, table};

/// How a comment says what holds where a key is not there.
const WITHOUT: &str = " Without it: ";

/// The keys at the top.
pub(super) fn keys() -> String {
    of(&hoist_jobs::schema(), &[], &[])
}

/// The keys of a target.
pub(super) fn target() -> String {
    let schema = hoist_jobs::schema();
    let target = &schema["properties"]["targets"]["additionalProperties"];
    // They have a section of their own.
    of(target, &order(&TargetSettings::default()), &["resources"])
}

/// What a job can ask for.
pub(super) fn resources() -> String {
    let schema = hoist_jobs::schema();
    let target = &schema["properties"]["targets"]["additionalProperties"];
    of(
        &target["properties"]["resources"],
        &order(&Resources::default()),
        &[],
    )
}

/// A table of the keys of a schema, in this order, the others behind.
fn of(schema: &Value, order: &[String], left_out: &[&str]) -> String {
    let Some(keys) = schema["properties"].as_object() else {
        return String::new();
    };
    let place = |name: &str| {
        order
            .iter()
            .position(|known| known == name)
            .unwrap_or(usize::MAX)
    };
    let mut names: Vec<&String> = keys
        .keys()
        .filter(|name| !left_out.contains(&name.as_str()))
        .collect();
    names.sort_by_key(|name| (place(name), name.as_str()));
    let rows: Vec<_> = names
        .into_iter()
        .map(|name| row(name, &keys[name]))
        .collect();
    let titles = ["key", "value", "what it is", "without it"];
    // A column that is empty in most lines says nothing.
    let filled = rows
        .iter()
        .filter(|row| row.iter().all(|cell| !cell.is_empty()));
    let width = if filled.count() * 2 < rows.len() {
        3
    } else {
        4
    };
    let rows: Vec<Vec<String>> = rows
        .into_iter()
        .map(|row| row.into_iter().take(width).collect())
        .collect();
    table(&titles[..width], &rows)
}

fn row(name: &str, key: &Value) -> Vec<String> {
    let text = key["description"]
        .as_str()
        .unwrap_or_default()
        .replace('\n', " ");
    let (said, without) = match text.split_once(WITHOUT) {
        Some((said, without)) => (said.to_owned(), prose(without.trim_end_matches('.'))),
        None => (text, default(&key["default"])),
    };
    vec![code(name), value(key), prose(&said), without]
}

/// A default as TOML.
fn default(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Array(values) if values.is_empty() => "none".to_owned(),
        Value::Object(values) if values.is_empty() => "none".to_owned(),
        value => code(&value.to_string()),
    }
}

/// What may stand there.
fn value(key: &Value) -> String {
    let listed = |name: &str| key[name].as_array().into_iter().flatten();
    let choices: Vec<String> = listed("oneOf").map(choice).collect();
    // The codes of findings have a page.
    if !choices.is_empty() && choices.len() < 20 {
        return choices.join("<br>");
    }
    let kind = match key["type"].as_str() {
        Some("array") => "list of text".to_owned(),
        Some("object") if key["additionalProperties"]["type"] == "object" => "tables".to_owned(),
        Some("object") if key["additionalProperties"]["type"] == "array" => {
            "table of lists".to_owned()
        }
        Some("object") => "table of text".to_owned(),
        Some("integer") => {
            let least = key["minimum"]
                .as_f64()
                .map(|least| format!(" from {least}"));
            let most = key["maximum"].as_f64().map(|most| format!(" to {most}"));
            format!(
                "whole number{}{}",
                least.unwrap_or_default(),
                most.unwrap_or_default()
            )
        }
        _ => "text".to_owned(),
    };
    let examples: Vec<String> = listed("examples")
        .map(|value| code(&value.to_string()))
        .collect();
    match examples.is_empty() {
        true => kind,
        false => format!("{kind}, as {}", examples.join(", ")),
    }
}

fn choice(choice: &Value) -> String {
    let value = code(&choice["const"].to_string());
    match choice["description"].as_str() {
        Some(said) => format!("{value}: {}", prose(said)),
        None => value,
    }
}

/// The keys of a value in the order in which its type has them, which JSON values forget.
fn order(value: &impl Serialize) -> Vec<String> {
    struct Keys(Vec<String>);

    impl<'de> Deserialize<'de> for Keys {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            struct Each;

            impl<'de> Visitor<'de> for Each {
                type Value = Keys;

                fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    f.write_str("a table")
                }

                fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Keys, A::Error> {
                    let mut keys = Vec::new();
                    while let Some((key, IgnoredAny)) = map.next_entry()? {
                        keys.push(key);
                    }
                    Ok(Keys(keys))
                }
            }

            deserializer.deserialize_map(Each)
        }
    }

    let text = serde_json::to_string(value).unwrap_or_default();
    serde_json::from_str::<Keys>(&text)
        .map(|keys| keys.0)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_key_of_a_target_says_what_holds_without_it() {
        let schema = hoist_jobs::schema();
        let target = &schema["properties"]["targets"]["additionalProperties"];
        for (name, key) in target["properties"].as_object().expect("keys") {
            let row = row(name, key);
            assert!(
                !row[3].is_empty(),
                "{name}: say `Without it: ...` in its comment"
            );
            assert!(!row[2].contains("none: "), "{name}: {}", row[2]);
        }
    }

    #[test]
    fn keys_keep_the_order_of_their_type() {
        let keys = order(&Resources::default());
        assert_eq!(keys[..3], ["cores", "memory", "time"]);
    }
}
