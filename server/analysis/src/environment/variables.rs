//! The environment variables that say which Python a person means.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

/// The variables that are looked at; no other one is ever kept.
const READ: &[&str] = &[
    "CONDA_PREFIX",
    "HOME",
    "PATH",
    "PYENV_ROOT",
    "PYENV_VERSION",
    "PYTHONNOUSERSITE",
    "PYTHONPATH",
    "PYTHONUSERBASE",
    "USERPROFILE",
    "UV_PROJECT_ENVIRONMENT",
    "UV_PYTHON_INSTALL_DIR",
    "VIRTUAL_ENV",
    "XDG_DATA_HOME",
];

/// Environment variables as a plain value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Variables(BTreeMap<String, OsString>);

impl Variables {
    /// Those of this process.
    pub fn here() -> Variables {
        let value = |name: &&str| Some(((*name).to_owned(), std::env::var_os(name)?));
        Variables(READ.iter().filter_map(value).collect())
    }

    /// Those that are given; empty ones count as not set, as everywhere.
    pub fn of<V: Into<OsString>>(values: impl IntoIterator<Item = (&'static str, V)>) -> Variables {
        let own = values
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.into()));
        Variables(own.collect())
    }

    /// A variable's text; none when it is empty or not UTF-8.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.to_str().filter(|text| !text.is_empty())
    }

    /// A folder that a variable names by an absolute path.
    pub(super) fn folder(&self, name: &str) -> Option<PathBuf> {
        let path = PathBuf::from(self.0.get(name)?);
        path.is_absolute().then_some(path)
    }

    /// The folders of a variable that lists them, such as `PATH`; relative ones depend on where one stands and are left out.
    pub(super) fn folders(&self, name: &str) -> Vec<PathBuf> {
        let Some(value) = self.0.get(name) else {
            return Vec::new();
        };
        std::env::split_paths(value)
            .filter(|path| path.is_absolute())
            .collect()
    }

    /// The home folder.
    pub(super) fn home(&self) -> Option<PathBuf> {
        self.folder("HOME").or_else(|| self.folder("USERPROFILE"))
    }
}
