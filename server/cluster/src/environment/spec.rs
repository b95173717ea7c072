//! What an environment is made of, and which one a job gets.

use std::path::PathBuf;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::kind::index_refusal;
use crate::error::{ClusterError, ErrorKind};

/// A virtual environment as it is to be built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvironmentSpec {
    /// The name of its folder, `[a-z0-9.-]+`: whatever it is made of must be in it, as a hash. One that is there is taken as it is.
    pub name: String,
    /// The version of the Python that it is for, as `3.11` or `3.11.7`. Another one that is found there is refused.
    pub python: String,
    /// What is installed, a line of PEP 508 each.
    pub requirements: Vec<String>,
    /// Whether these are all, with what they need themselves: then nothing else is looked for.
    pub complete: bool,
    /// Versions that are allowed of whatever else is installed with them, a line of PEP 508 each.
    pub constraints: Vec<String>,
    /// Package indexes beside those that pip there is set up with. No logins in them.
    pub indexes: Vec<String>,
    /// Wheels here that are carried over and installed from, without any index. None: from the network.
    pub wheels: Vec<PathBuf>,
}

/// Which environment a job gets.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum JobEnvironment {
    /// What the target's own settings say; `venv` there, without a name, is the Python of the target as it is.
    #[default]
    Settings,
    /// A virtual environment that was built there: [`crate::Target::environment`].
    Venv {
        /// Its name.
        name: String,
    },
    /// A virtual environment that the job builds itself before it begins, unless it is there.
    Build(EnvironmentSpec),
}

/// What is heard of a build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BuildProgress {
    /// How far it is.
    Building {
        /// So many requirements have been fetched.
        done: usize,
        /// Of so many; 0 where that is not known.
        total: usize,
        /// What is being done, in words.
        what: String,
    },
    /// The next bytes of its log.
    Log(bytes::Bytes),
}

/// The longest list of requirements, in bytes: it travels in a command.
const LONGEST: usize = 100_000;

impl EnvironmentSpec {
    /// The sum and the name of each of its wheels.
    pub(super) fn sums(&self, target: &str) -> Result<Vec<(String, String)>, ClusterError> {
        let wheels = self.wheels.iter().map(|path| Wheel::read(target, path));
        wheels
            .map(|wheel| wheel.map(|wheel| (wheel.sha256, wheel.name)))
            .collect()
    }

    /// Whether it can be built at all.
    pub(super) fn check(&self, target: &str) -> Result<(), ClusterError> {
        let refuse = |why: String| {
            Err(ClusterError::new(
                target,
                ErrorKind::Settings,
                why,
                "correct it and run again",
            ))
        };
        let Self { name, python, .. } = self;
        check_name(target, name)?;
        let is_version = (1..=3).contains(&python.split('.').count())
            && python.split('.').all(|part| part.parse::<u8>().is_ok());
        if !is_version {
            return refuse(format!("{python:?} is not the version of a Python"));
        }
        for line in self.requirements.iter().chain(&self.constraints) {
            let is_plain = !line.trim().is_empty()
                && !line.starts_with(['-', '#'])
                && !line.chars().any(char::is_control);
            if !is_plain {
                return refuse(format!("{line:?} is not a requirement"));
            }
            if has_password(line) {
                return refuse(
                    "a requirement holds a login, and what is asked for is written down over there"
                        .to_owned(),
                );
            }
        }
        for index in &self.indexes {
            if let Some(why) = index_refusal(index) {
                return refuse(format!("a package index cannot be used, {why}"));
            }
        }
        let lines = self.requirements.iter().chain(&self.constraints);
        let size: usize = lines.map(|line| line.len() + 4).sum();
        if size > LONGEST {
            return refuse(format!("{size} bytes of requirements are too many"));
        }
        Ok(())
    }

    /// The same for the programme over there, with the sum and name of each wheel.
    pub(super) fn json(&self, wheels: &[(String, String)]) -> Value {
        json!({
            "name": self.name,
            "python": self.python,
            "requirements": self.requirements,
            "constraints": self.constraints,
            "complete": self.complete,
            "indexes": self.indexes,
            "wheels": wheels,
        })
    }
}

/// Whether this can be the name of an environment's folder.
///
/// # Errors
/// One sentence.
pub(super) fn check_name(target: &str, name: &str) -> Result<(), ClusterError> {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b".-".contains(&b);
    if (1..=100).contains(&name.len()) && !name.starts_with(['.', '-']) && name.bytes().all(plain) {
        return Ok(());
    }
    Err(ClusterError::new(
        target,
        ErrorKind::Settings,
        format!("{name:?} is not the name of an environment"),
        "such a name is made of small letters, digits, dots and dashes",
    ))
}

/// Whether an address in it has a password; a name alone, as in `git+ssh://git@host`, is none.
fn has_password(line: &str) -> bool {
    line.match_indices("://").any(|(at, _)| {
        let rest = &line[at + 3..];
        let authority = rest.split(['/', '?', '#', ' ']).next().unwrap_or_default();
        let login = authority.rsplit_once('@').map(|(login, _)| login);
        login.is_some_and(|login| login.contains(':'))
    })
}

/// A wheel that is to be carried over: its SHA-256 in hexadecimal, the name of its file, its bytes.
pub(super) struct Wheel {
    pub(super) sha256: String,
    pub(super) name: String,
    pub(super) bytes: Vec<u8>,
}

impl Wheel {
    /// Reads one.
    ///
    /// # Errors
    /// It cannot be read, or has no name of a wheel.
    pub(super) fn read(target: &str, path: &std::path::Path) -> Result<Self, ClusterError> {
        let refuse = |why: String| {
            ClusterError::new(
                target,
                ErrorKind::File,
                format!("the wheel {} cannot be sent, {why}", path.display()),
                "fetch it again",
            )
        };
        let name = path.file_name().and_then(|name| name.to_str());
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"_-.+!".contains(&b);
        let Some(name) = name.filter(|name| name.bytes().all(plain) && name.ends_with(".whl"))
        else {
            return Err(refuse("its name is not that of a wheel".to_owned()));
        };
        let bytes = std::fs::read(path).map_err(|error| refuse(error.to_string()))?;
        let sum = Sha256::digest(&bytes);
        Ok(Self {
            sha256: sum.iter().map(|byte| format!("{byte:02x}")).collect(),
            name: name.to_owned(),
            bytes,
        })
    }
}
