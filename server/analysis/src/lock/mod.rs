//! What must be installed somewhere else so that what travels runs there as it does here.
//!
//! [`needs`] reads it here, from the installed metadata and from what the project or the script declares, for any
//! platform; [`Needs::lock`] makes of it, once the Python over there is known, the list of what is installed there. Requirements and
//! versions are those of PEP 508 and PEP 440.

mod declared;
mod inline;
mod installed;
mod lockfile;
mod needs;
mod resolve;

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

pub(crate) use declared::indexes_of;
pub use needs::needs;
pub use resolve::{Lock, LockError, Platform};

/// What is imported, and all that this may need in turn, on whatever platform.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Needs {
    /// What is imported or declared, in the order of its names.
    pub roots: Vec<Root>,
    /// What is known of distributions, by their normalised names: the releases of which one fits, in the order in which they are
    /// looked at.
    pub known: BTreeMap<String, Vec<Pin>>,
    /// The versions that the project allows of whatever is installed, as PEP 508 writes them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub constraints: Vec<String>,
    /// Further package indexes, their URLs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub indexes: Vec<String>,
    /// The Pythons that the script says it runs with, as version specifiers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub python: Option<String>,
}

/// A distribution that is needed by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Root {
    /// As PEP 508 writes it: `ray[tune]>=2`. Which release it is, [`Needs::known`] tells where it can.
    pub requirement: String,
    /// The modules of it that are imported.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub modules: Vec<String>,
}

/// One release of a distribution.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pin {
    /// Its version.
    pub version: String,
    /// The platforms that it is for, a marker of PEP 508; none: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
    /// What it needs in turn, as PEP 508 writes it; none: nobody has said.
    pub requires: Option<Vec<String>>,
    /// The Pythons that it runs with, as version specifiers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub python: Option<String>,
    /// Where it comes from.
    #[serde(default, skip_serializing_if = "Source::is_index")]
    pub source: Source,
    /// Conda installed it here.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub by_conda: bool,
}

/// Where a release comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// A package index.
    #[default]
    Index,
    /// A URL of PEP 508: an archive, or a version control's with the commit.
    Url(String),
    /// An archive on this machine.
    Archive(PathBuf),
    /// A folder on this machine.
    Folder(PathBuf),
}

impl Source {
    fn is_index(&self) -> bool {
        *self == Source::Index
    }
}

impl Needs {
    /// Is nothing needed but Python's own library?
    pub fn is_empty(&self) -> bool {
        self.roots.is_empty()
    }

    /// The imported module for whose sake a distribution is installed: one of its own, else one of the first root that needs it.
    pub fn module_for(&self, distribution: &str) -> Option<&str> {
        resolve::module_for(self, distribution)
    }
}
