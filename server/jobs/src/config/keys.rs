//! The keys of the configuration. These types are the one place that knows them: they are the parser, the published schema is
//! made of them and of their comments, and completions and hovers are read from that schema.

use std::borrow::Cow;
use std::collections::BTreeMap;

use hoist_analysis::Code;
use hoist_cluster::TargetSettings;
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What `hoist.toml`, `[tool.hoist]` of `pyproject.toml` and `~/.config/hoist/config.toml` may say. For each key the first of
/// `pyproject.toml`, `hoist.toml` and the user's file that has it wins.
#[derive(Deserialize, Default, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(title = "Hoist")]
pub(super) struct Keys {
    /// The target of runs that name none: the name of a table `[targets.NAME]`, or `"local"`. Without it: `"local"`.
    #[schemars(extend("examples" = ["local"]))]
    pub(super) default_target: Option<String>,
    /// Codes of findings that are not told: `["HST012"]`. What is refused at a run stays refused.
    pub(super) ignore: Vec<FindingCode>,
    /// The same for some files: patterns from the workspace, `{ "notebooks/**" = ["HST012"] }`. A pattern without `/` means files
    /// of that name anywhere.
    pub(super) ignore_in: BTreeMap<String, Vec<FindingCode>>,
    /// Files that travel with every job though no line of the code names them whole: patterns from the workspace,
    /// `["tables/*.csv"]`. A folder stands for all that lies in it.
    pub(super) data: Vec<String>,
    /// Where jobs run, by name: `[targets.NAME]`. The target `local`, a plain process on this machine, always exists.
    pub(super) targets: BTreeMap<String, TargetSettings>,
}

/// The code of a finding.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, PartialEq, Eq)]
#[serde(transparent)]
pub(super) struct FindingCode(pub(super) Code);

impl JsonSchema for FindingCode {
    fn schema_name() -> Cow<'static, str> {
        "FindingCode".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let codes = Code::ALL.iter().map(
            |code| serde_json::json!({ "const": code.to_string(), "description": code.title() }),
        );
        json_schema!({ "type": "string", "oneOf": codes.collect::<Vec<_>>() })
    }
}

/// The JSON schema of `hoist.toml`.
pub fn schema() -> Value {
    let settings = SchemaSettings::draft07().with(|settings| settings.inline_subschemas = true);
    let mut schema = settings
        .into_generator()
        .into_root_schema_for::<Keys>()
        .to_value();
    without_null(&mut schema);
    if let Value::Object(schema) = &mut schema {
        schema.insert(
            "description".to_owned(),
            "Targets and settings of Hoist: docs/configuration.md".into(),
        );
    }
    schema
}

/// TOML has no null: what may be left out is left out.
fn without_null(schema: &mut Value) {
    match schema {
        Value::Array(parts) => parts.iter_mut().for_each(without_null),
        Value::Object(fields) => {
            if let Some(Value::Array(types)) = fields.get_mut("type") {
                types.retain(|name| name != "null");
                if let [only] = types.as_slice() {
                    let only = only.clone();
                    fields.insert("type".to_owned(), only);
                }
            }
            if let Some(Value::Array(choices)) = fields.remove("anyOf") {
                let mut choices: Vec<Value> = choices
                    .into_iter()
                    .filter(|choice| choice.get("type") != Some(&"null".into()))
                    .collect();
                match choices.as_mut_slice() {
                    [Value::Object(only)] => {
                        for (key, value) in std::mem::take(only) {
                            fields.entry(key).or_insert(value);
                        }
                    }
                    _ => {
                        fields.insert("anyOf".to_owned(), choices.into());
                    }
                }
            }
            if fields.get("default").is_some_and(Value::is_null) {
                fields.remove("default");
            }
            // Of Rust's numbers, not of ours.
            fields.remove("format");
            fields.values_mut().for_each(without_null);
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_says_what_it_is() {
        fn check(schema: &Value, path: &str) {
            for (name, key) in schema["properties"].as_object().into_iter().flatten() {
                let path = format!("{path}.{name}");
                assert!(key["description"].is_string(), "{path}");
                assert!(
                    key["type"].is_string() || key["oneOf"].is_array(),
                    "{path}: {key}"
                );
                check(key, &path);
                check(&key["additionalProperties"], &path);
            }
        }
        check(&schema(), "");
    }
}
