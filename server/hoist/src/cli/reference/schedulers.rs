//! What each scheduler can do and is told, as the code says that submits to it.

use hoist_cluster::{Resources, SchedulerKind};

use super::markdown::{code, prose, table};

/// What the examples ask for, key by key.
const EXAMPLE: &[(&str, &str)] = &[
    ("cores", "4"),
    ("memory", "16G"),
    ("time", "2h"),
    ("warning", "60s"),
    ("gpus", "1"),
    ("nodes", "2"),
    ("tasks", "8"),
    ("partition", "long"),
    ("account", "lab"),
    ("extra", "--option"),
];

/// Those that the scripts at the end ask for.
const ALL_HAVE: &[&str] = &["cores", "memory", "time"];

fn asked(keys: &[&str]) -> Resources {
    let mut resources = Resources::default();
    let wanted = EXAMPLE.iter().filter(|(key, _)| keys.contains(key));
    // The examples can be used, which a test sees to.
    wanted.for_each(|(key, value)| drop(resources.set(key, value)));
    resources
}

/// What the configuration calls a scheduler, and what it is.
fn named(kind: SchedulerKind) -> (String, String) {
    let word = serde_json::to_value(kind).unwrap_or_default();
    let schema = hoist_jobs::schema();
    let keys = &schema["properties"]["targets"]["additionalProperties"]["properties"];
    let choices = keys["scheduler"]["oneOf"].as_array();
    let choice = choices
        .into_iter()
        .flatten()
        .find(|choice| choice["const"] == word);
    let title = choice
        .and_then(|choice| choice["description"].as_str())
        .unwrap_or_default();
    let title = title.split([':', '.']).next().unwrap_or_default();
    (
        word.as_str().unwrap_or_default().to_owned(),
        title.to_owned(),
    )
}

/// What each scheduler is and can do.
pub(super) fn abilities() -> String {
    let row = |kind: &SchedulerKind| {
        let (word, title) = named(*kind);
        let can = hoist_cluster::abilities(*kind);
        let say = |is_so: bool| if is_so { "yes" } else { "no" }.to_owned();
        vec![
            code(&format!("\"{word}\"")),
            title,
            say(can.arrays),
            say(can.holds),
            say(can.forecasts),
        ]
    };
    let rows: Vec<_> = SchedulerKind::ALL.iter().map(row).collect();
    let titles = [
        "`scheduler`",
        "what it is",
        "takes many runs as one",
        "holds a job back itself",
        "tells when a job would start",
    ];
    table(&titles, &rows)
}

/// What is asked for beside a resource that makes no sense by itself.
fn beside(key: &str) -> &'static [&'static str] {
    match key {
        // It is counted from the end of that.
        "warning" => &["time"],
        // What is spread over them.
        "nodes" => &["tasks"],
        _ => &[],
    }
}

/// What a scheduler hears of one resource; an error is its refusal.
fn of_one(kind: SchedulerKind, key: &str) -> Result<Vec<String>, String> {
    let beside = beside(key);
    let told = |keys: &[&str]| {
        let told = hoist_cluster::told(kind, &asked(keys));
        told.map_err(|error| error.to_string())
    };
    let before = told(beside)?;
    let all = told(&[beside, &[key]].concat())?;
    Ok(all
        .into_iter()
        .filter(|line| !before.contains(line))
        .collect())
}

/// Each resource with what each scheduler is told of it.
pub(super) fn words() -> String {
    let hears = |kind: &&SchedulerKind| {
        let mut keys = EXAMPLE.iter();
        keys.any(|(key, _)| of_one(**kind, key) != Ok(Vec::new()))
    };
    let kinds: Vec<SchedulerKind> = SchedulerKind::ALL.iter().filter(hears).copied().collect();
    let row = |(key, value): &(&str, &str)| {
        let quoted = if value.parse::<u32>().is_ok() {
            (*value).to_owned()
        } else {
            format!("{value:?}")
        };
        let value = if *key == "extra" {
            format!("[{quoted}]")
        } else {
            quoted
        };
        let cell = |kind: &SchedulerKind| match of_one(*kind, key) {
            Ok(lines) if lines.is_empty() => "-".to_owned(),
            Ok(lines) => lines
                .iter()
                .map(|line| code(option(line)))
                .collect::<Vec<_>>()
                .join("<br>"),
            Err(_) => "refused".to_owned(),
        };
        let cells = kinds.iter().map(cell);
        [code(&format!("{key} = {value}"))]
            .into_iter()
            .chain(cells)
            .collect::<Vec<_>>()
    };
    let rows: Vec<_> = EXAMPLE.iter().map(row).collect();
    let titles = kinds.iter().map(|kind| named(*kind).1);
    let titles: Vec<String> = ["resource".to_owned()].into_iter().chain(titles).collect();
    let titles: Vec<&str> = titles.iter().map(String::as_str).collect();
    table(&titles, &rows)
}

/// A line of a job script without the word that its scheduler knows it by.
fn option(line: &str) -> &str {
    match line.split_once(' ') {
        Some((word, rest)) if word.starts_with('#') => rest,
        _ => line,
    }
}

/// What is refused, in the words of the refusal.
pub(super) fn refusals() -> String {
    let mut lines = String::new();
    for kind in SchedulerKind::ALL {
        for (key, _) in EXAMPLE {
            if let Err(why) = of_one(*kind, key) {
                lines += &format!("- {}, {}: {}.\n", named(*kind).1, code(key), prose(&why));
            }
        }
    }
    lines
}

/// The beginning of a job script for each scheduler.
pub(super) fn examples() -> String {
    let mut page = String::new();
    for kind in SchedulerKind::ALL {
        let Ok(lines) = hoist_cluster::told(*kind, &asked(ALL_HAVE)) else {
            continue;
        };
        if !lines.is_empty() {
            page += &format!(
                "### {}\n\n```text\n{}\n```\n\n",
                named(*kind).1,
                lines.join("\n")
            );
        }
    }
    page
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn the_example_has_every_resource() {
        let fields: Value = serde_json::to_value(Resources::default()).expect("JSON");
        for key in fields.as_object().expect("keys").keys() {
            // No scheduler hears of it: Hoist makes the attempts.
            let is_there = EXAMPLE.iter().any(|(known, _)| known == key);
            assert!(is_there || key == "retries", "{key}");
        }
        for (key, value) in EXAMPLE {
            let set = Resources::default().set(key, value);
            assert_eq!(set, Ok(()), "{key}");
        }
        for kind in SchedulerKind::ALL {
            assert!(
                hoist_cluster::told(*kind, &asked(ALL_HAVE)).is_ok(),
                "{kind:?}"
            );
        }
    }
}
