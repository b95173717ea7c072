//! What a target's jobs find installed, as the configuration says it.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// Where the Python of a target's jobs and what it can import come from.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum EnvironmentKind {
    /// `system`: the Python of the target as it is, after modules, variables and set-up lines.
    System,
    /// `venv`: a virtual environment with what the code needs, built there once.
    Venv,
    /// `conda:NAME`: an environment of conda's that is there, by its name or its folder.
    Conda(EnvironmentPlace),
    /// `path:/...`: the folder of an environment that is there, or a Python itself.
    Path(EnvironmentPlace),
    /// `image:...`: a container image.
    Image(EnvironmentPlace),
}

/// What stands behind the colon: not empty, without line breaks and other control characters, and no option of a command.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct EnvironmentPlace(String);

impl EnvironmentPlace {
    /// As it is written in the configuration.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for EnvironmentPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A value of `environment` that cannot be used; the text is a sentence with the key and the value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("environment = {value:?} cannot be used, {why}")]
pub struct EnvironmentKindError {
    value: String,
    why: &'static str,
}

/// What may stand there.
const KINDS: &str =
    "it is none of \"system\", \"venv\", \"conda:NAME\", \"path:/...\" and \"image:...\"";

/// Whether a path names one place wherever a job begins: it is absolute once `~` and `$NAME` are read.
fn is_fixed(path: &str) -> bool {
    path.starts_with('/') || path.starts_with('$') || path == "~" || path.starts_with("~/")
}

impl FromStr for EnvironmentKind {
    type Err = EnvironmentKindError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refuse = |why| {
            Err(EnvironmentKindError {
                value: text.to_owned(),
                why,
            })
        };
        let (kind, place) = match text.split_once(':') {
            Some((kind, place)) => (kind, Some(place.trim())),
            None => (text, None),
        };
        if place.is_some_and(|place| place.chars().any(char::is_control)) {
            return refuse("it holds control characters");
        }
        if place.is_some_and(|place| place.starts_with('-')) {
            return refuse("it begins with a dash");
        }
        let given = || place.map(|place| EnvironmentPlace(place.to_owned()));
        match (kind, place) {
            ("system", None) => Ok(Self::System),
            ("venv", None) => Ok(Self::Venv),
            ("conda" | "path" | "image", None | Some("")) => {
                refuse("nothing stands behind the colon")
            }
            ("conda", Some(name)) if name.contains('/') && !is_fixed(name) => {
                refuse("it is neither the name of an environment nor the whole path of its folder")
            }
            ("path", Some(path)) if !is_fixed(path) => refuse("it is not a whole path"),
            ("conda", _) => given().map(Self::Conda).map_or_else(|| refuse(KINDS), Ok),
            ("path", _) => given().map(Self::Path).map_or_else(|| refuse(KINDS), Ok),
            ("image", _) => given().map(Self::Image).map_or_else(|| refuse(KINDS), Ok),
            _ => refuse(KINDS),
        }
    }
}

impl TryFrom<String> for EnvironmentKind {
    type Error = EnvironmentKindError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl fmt::Display for EnvironmentKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::System => f.write_str("system"),
            Self::Venv => f.write_str("venv"),
            Self::Conda(name) => write!(f, "conda:{name}"),
            Self::Path(path) => write!(f, "path:{path}"),
            Self::Image(image) => write!(f, "image:{image}"),
        }
    }
}

impl From<EnvironmentKind> for String {
    fn from(kind: EnvironmentKind) -> Self {
        kind.to_string()
    }
}

impl JsonSchema for EnvironmentKind {
    fn schema_name() -> Cow<'static, str> {
        "EnvironmentKind".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": "^(system|venv|conda:.+|path:[/~$].*|image:.+)$",
            "examples": ["venv", "system", "conda:lab", "path:/opt/lab/env", "image:/shared/torch.sif"],
        })
    }
}

/// Where a virtual environment is built.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum BuildPlace {
    /// On the machine that is reached, before the job is submitted.
    #[default]
    Login,
    /// In the job itself, before the function runs.
    Job,
}

/// Why a package index cannot be used; none where it can. What stands in the configuration is read by many: no passwords there.
pub(crate) fn index_refusal(url: &str) -> Option<&'static str> {
    let Some((scheme, rest)) = url.split_once("://") else {
        return Some("it is no address such as \"https://download.pytorch.org/whl/cu121\"");
    };
    if !["http", "https", "file"].contains(&scheme) {
        return Some("it begins with none of https://, http:// and file://");
    }
    if url.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Some("it holds spaces or control characters");
    }
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if host.contains('@') {
        return Some("it holds a login (put that into ~/.netrc or pip's configuration over there)");
    }
    if host.is_empty() && scheme != "file" {
        return Some("it names no host");
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_is_read_and_written_alike() {
        for text in [
            "system",
            "venv",
            "conda:lab",
            "conda:my env",
            "conda:/opt/conda/envs/lab",
            "conda:~/envs/lab",
            "path:/opt/it's $(env)",
            "path:~/venv",
            "path:$HOME/venv/bin/python",
            "image:/shared/torch.sif",
            "image:docker://python:3.12",
            "image:registry.example:5000/lab/torch@sha256:ab",
        ] {
            let kind: EnvironmentKind = text.parse().expect(text);
            assert_eq!(kind.to_string(), text);
            let json = serde_json::json!(text);
            assert_eq!(
                serde_json::from_value::<EnvironmentKind>(json.clone()).expect(text),
                kind
            );
            assert_eq!(serde_json::to_value(kind).expect(text), json);
        }
    }

    #[test]
    fn another_is_refused_in_one_sentence() {
        for (text, why) in [
            ("Venv", KINDS),
            ("", KINDS),
            ("venv:x", KINDS),
            ("pip:x", KINDS),
            ("conda", "nothing stands behind the colon"),
            ("conda: ", "nothing stands behind the colon"),
            ("conda:-n", "it begins with a dash"),
            (
                "conda:envs/lab",
                "it is neither the name of an environment nor the whole path of its folder",
            ),
            ("path:venv", "it is not a whole path"),
            ("path:~ada/venv", "it is not a whole path"),
            ("path:/a\nb", "it holds control characters"),
        ] {
            let error = serde_json::from_value::<EnvironmentKind>(serde_json::json!(text))
                .expect_err(text)
                .to_string();
            let wanted = format!("environment = {text:?} cannot be used, {why}");
            assert_eq!(error, wanted);
        }
    }

    #[test]
    fn an_index_is_an_address_without_a_login() {
        for good in [
            "https://download.pytorch.org/whl/cu121",
            "http://127.0.0.1:8080/simple/",
            "file:///shared/wheels",
            "https://host/path@1/simple",
        ] {
            assert_eq!(index_refusal(good), None, "{good}");
        }
        for bad in [
            "",
            "pypi.org/simple",
            "ftp://host/simple",
            "https://ada:secret@host/simple",
            "https://token@host",
            "https:///simple",
            "https://host/a b",
        ] {
            assert!(index_refusal(bad).is_some(), "{bad}");
        }
    }
}
