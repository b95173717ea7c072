//! The parser's messages as sentences for a person.

use toml::Value;

/// serde's message as a sentence: its list of expected names becomes the nearest one and the list, Rust's words for types
/// those of TOML.
pub(super) fn sentence(message: &str) -> String {
    let unknown = [("unknown field `", "key"), ("unknown variant `", "value")]
        .into_iter()
        .find_map(|(start, what)| Some((what, message.strip_prefix(start)?)));
    if let Some((what, rest)) = unknown {
        let mut words = rest.split('`');
        let name = words.next().unwrap_or_default();
        // Between the others stand ", expected one of ", ", " and " or ".
        let known: Vec<&str> = words.skip(1).step_by(2).collect();
        let nearest = nearest(name, known.iter().copied());
        return format!(
            "there is no {what} {name:?} here{}; there are {}",
            did_you_mean(nearest),
            known.join(", ")
        );
    }
    if message.contains("untagged enum") {
        return "the value must be a text in quotes".to_owned();
    }
    let mistyped = ["invalid type: ", "invalid value: "]
        .iter()
        .find_map(|start| message.strip_prefix(start))
        .and_then(|rest| rest.trim().split_once(", expected "));
    match mistyped {
        Some((found, expected)) => {
            format!("{} is expected, not {}", wanted(expected), given(found))
        }
        None => message.trim().replace('\n', " "),
    }
}

/// What serde expects.
fn wanted(expected: &str) -> String {
    let words = match expected {
        "u32" | "u64" | "u8" => "a whole number",
        "a string" => "a text in quotes",
        "a sequence" => "a list",
        "a map" => "a table",
        "a boolean" => "true or false",
        other if other.starts_with("struct ") => "a table",
        other if other.contains("enum ") => "a text in quotes",
        other => other,
    };
    words.to_owned()
}

/// What serde found: `string "many"`, "integer `8`".
fn given(found: &str) -> String {
    let (kind, value) = found.split_once(' ').unwrap_or((found, ""));
    match kind {
        "string" => format!("the text {value}"),
        "sequence" => "a list".to_owned(),
        "map" => "a table".to_owned(),
        "integer" | "boolean" => value.trim_matches('`').to_owned(),
        "floating" => value
            .trim_start_matches("point ")
            .trim_matches('`')
            .to_owned(),
        _ => found.to_owned(),
    }
}

/// A value in a sentence.
pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => format!("the text {text:?}"),
        Value::Array(_) => "a list".to_owned(),
        Value::Table(_) => "a table".to_owned(),
        other => other.to_string(),
    }
}

/// The name that a person may have meant: near enough that a slip of the fingers explains it.
pub(super) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    known
        .map(|candidate| (strsim::damerau_levenshtein(name, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= candidate.chars().count().max(3) / 3)
        .min()
        .map(|(_, candidate)| candidate)
}

pub(super) fn did_you_mean(nearest: Option<&str>) -> String {
    nearest.map_or_else(String::new, |name| format!(" (did you mean {name:?}?)"))
}
