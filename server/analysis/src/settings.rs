//! What the configuration says that findings depend on. The rooms above read it; here it is a plain value.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::audience::Target;
use crate::{Code, DataRules};

/// What is known beside the files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// Codes that are not to be told of the file.
    pub ignore: BTreeSet<Code>,
    /// Files that travel with every job: patterns from the workspace.
    pub data: Vec<String>,
    /// The names of the targets that there are; none where nobody has read them.
    pub targets: Option<BTreeSet<String>>,
    /// The target of functions that name none.
    pub default_target: Option<String>,
    /// The Pythons of targets, by the target's name, where they are known.
    pub pythons: BTreeMap<String, TargetPython>,
    /// How data files reach the targets, by the target's name.
    pub data_rules: BTreeMap<String, DataRules>,
}

/// The Python of a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetPython {
    /// The target's name.
    pub target: String,
    /// Its version.
    pub version: PythonVersion,
    /// What it can import, when it was asked.
    pub packages: Option<Arc<Packages>>,
    /// What is imported is installed for each job there, in the versions that are here.
    pub builds: bool,
}

impl Target for TargetPython {
    fn name(&self) -> &str {
        &self.target
    }
}

/// What a Python can import.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Packages {
    /// The top-level modules and packages on its path.
    pub modules: BTreeSet<String>,
    /// The versions of its distributions, by their normalised names.
    pub distributions: BTreeMap<String, String>,
}

/// A version of Python as far as its language goes: 3.6.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PythonVersion {
    /// 3.
    pub major: u8,
    /// 6.
    pub minor: u8,
}

/// The text is no version.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no version of Python, write it as \"3.9\"")]
pub struct NotAVersion(String);

impl FromStr for PythonVersion {
    type Err = NotAVersion;

    /// `3.6`, and `3.6.8` as well.
    fn from_str(text: &str) -> Result<Self, NotAVersion> {
        let mut parts = text.trim().split('.');
        let mut number = || parts.next()?.parse::<u8>().ok();
        match (number(), number()) {
            (Some(major), Some(minor)) => Ok(PythonVersion { major, minor }),
            _ => Err(NotAVersion(text.to_owned())),
        }
    }
}

impl fmt::Display for PythonVersion {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}.{}", self.major, self.minor)
    }
}

#[cfg(test)]
mod tests {
    use super::PythonVersion;

    #[test]
    fn versions_are_read_as_people_and_interpreters_write_them() {
        let read = |text: &str| text.parse::<PythonVersion>().map(|v| v.to_string());
        assert_eq!(read("3.6"), Ok("3.6".to_owned()));
        assert_eq!(read(" 3.12.4 "), Ok("3.12".to_owned()));
        assert!(read("3").is_err() && read("three").is_err() && read("").is_err());
        assert_eq!(
            read("3.x").unwrap_err().to_string(),
            "\"3.x\" is no version of Python, write it as \"3.9\""
        );
        let version = |text: &str| text.parse::<PythonVersion>().unwrap();
        assert!(version("3.9") < version("3.10"));
    }
}
