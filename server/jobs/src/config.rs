//! The configuration: `[tool.hoist]` of `pyproject.toml`, `hoist.toml`, and the user's `config.toml`.
//!
//! A file that cannot be read as a whole is an error with its place; it is never left out in silence, because a target
//! that is quietly another one costs more than a message.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use hoist_cluster::TargetSettings;
use serde::Deserialize;
use toml::{Table, Value};

/// The name of the target that always exists.
pub const LOCAL: &str = "local";

/// What the configuration files say, put together.
#[derive(Clone, Debug)]
pub struct Config {
    default_target: String,
    targets: BTreeMap<String, TargetSettings>,
    files: Vec<PathBuf>,
}

/// Why the configuration cannot be used, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// The file that is to blame.
    pub file: PathBuf,
    /// The bytes of the file that are to blame; `None` when it is the file as a whole.
    pub range: Option<Range<usize>>,
    /// Line and column in characters, both from 1, where `range` starts.
    pub position: Option<(u32, u32)>,
    /// One sentence: what is wrong and what to do.
    pub message: String,
}

impl std::error::Error for ConfigError {}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if let Some((line, column)) = self.position {
            write!(f, ":{line}:{column}")?;
        }
        write!(f, ": {}", self.message)
    }
}

/// No target has this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no target {name:?}{}; {}", did_you_mean(.nearest.as_deref()), .known)]
pub struct UnknownTarget {
    /// What was asked for.
    pub name: String,
    /// The known name that looks most like it.
    pub nearest: Option<String>,
    /// Which there are, as a half sentence.
    known: String,
}

/// The keys at the top. What may stand in a target is `TargetSettings`' to say.
#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
struct Keys {
    default_target: Option<String>,
    targets: BTreeMap<String, TargetSettings>,
}

#[derive(Deserialize)]
struct PyProject {
    tool: Option<Tool>,
}

#[derive(Deserialize)]
struct Tool {
    hoist: Option<Keys>,
}

impl Config {
    /// Reads the files of a workspace and of the user.
    ///
    /// `workspace` is the folder that holds `pyproject.toml` and `hoist.toml`, where there is one. The user's file is
    /// `hoist/config.toml` under `XDG_CONFIG_HOME` or `~/.config`. Files that do not exist are no error.
    ///
    /// # Errors
    /// The first file that cannot be read, is not TOML, has an unknown key or a value that cannot be used.
    pub fn load(workspace: Option<&Path>) -> Result<Self, ConfigError> {
        Self::load_with(workspace, user_file().as_deref())
    }

    /// As [`Config::load`], with the user's file named.
    ///
    /// # Errors
    /// As there.
    pub fn load_with(
        workspace: Option<&Path>,
        user_file: Option<&Path>,
    ) -> Result<Self, ConfigError> {
        let mut sources = Vec::new();
        if let Some(folder) = workspace {
            sources.extend(Source::read(&folder.join("pyproject.toml"), true)?);
            sources.extend(Source::read(&folder.join("hoist.toml"), false)?);
        }
        if let Some(file) = user_file {
            sources.extend(Source::read(file, false)?);
        }
        let mut merged = Table::new();
        for source in &sources {
            fill(&mut merged, &source.table);
        }
        let keys: Keys = merged.try_into().map_err(|error: toml::de::Error| {
            let file = sources
                .first()
                .map_or_else(PathBuf::new, |source| source.file.clone());
            ConfigError {
                file,
                range: None,
                position: None,
                message: sentence(error.message()),
            }
        })?;
        Self::checked(keys, &sources)
    }

    fn checked(keys: Keys, sources: &[Source]) -> Result<Self, ConfigError> {
        let mut targets = keys.targets;
        targets
            .entry(LOCAL.to_owned())
            .or_insert_with(TargetSettings::local);
        for (name, settings) in &mut targets {
            settings.name.clone_from(name);
            if name == LOCAL && settings.host.is_some() {
                return Err(blame(
                    sources,
                    &["targets", LOCAL, "host"],
                    "the target \"local\" is this machine and takes no host; give the target another name".to_owned(),
                ));
            }
            if let Err(error) = settings.check() {
                return Err(blame(
                    sources,
                    &["targets", name],
                    format!("{}; {}", error.why, error.mend),
                ));
            }
        }
        let files = sources.iter().map(|source| source.file.clone()).collect();
        let default_target = keys.default_target.unwrap_or_else(|| LOCAL.to_owned());
        let config = Self {
            default_target,
            targets,
            files,
        };
        match config.target(&config.default_target) {
            Ok(_) => Ok(config),
            Err(unknown) => Err(blame(sources, &["default_target"], unknown.to_string())),
        }
    }

    /// Every target, by name; `local` is always among them.
    pub fn targets(&self) -> impl Iterator<Item = &TargetSettings> {
        self.targets.values()
    }

    /// The target of this name.
    ///
    /// # Errors
    /// There is none; the error names the nearest and all there are.
    pub fn target(&self, name: &str) -> Result<&TargetSettings, UnknownTarget> {
        self.targets.get(name).ok_or_else(|| {
            let names: Vec<&str> = self.targets.keys().map(String::as_str).collect();
            let nearest = nearest(name, names.iter().copied()).map(str::to_owned);
            let known = match names.as_slice() {
                [only] => {
                    format!(
                        "only {only:?} is there, others are made by [targets.NAME] in hoist.toml"
                    )
                }
                _ => format!("there are {}", names.join(", ")),
            };
            UnknownTarget {
                name: name.to_owned(),
                nearest,
                known,
            }
        })
    }

    /// The target of runs that name none.
    pub fn default_target(&self) -> &TargetSettings {
        // `checked` has seen it there.
        &self.targets[&self.default_target]
    }

    /// The Python of this machine that the target `local` names: the one that the workspace's imports are looked up in.
    pub fn local_python(&self) -> Option<&str> {
        self.targets.get(LOCAL)?.python.as_deref()
    }

    /// The same with another default target, as one chooses for a while in an editor.
    ///
    /// # Errors
    /// There is no target of this name.
    pub fn with_default_target(mut self, name: &str) -> Result<Self, UnknownTarget> {
        self.target(name)?;
        name.clone_into(&mut self.default_target);
        Ok(self)
    }

    /// The files that were read, the first one first to be asked.
    pub fn files(&self) -> &[PathBuf] {
        &self.files
    }
}

/// The user's configuration file: `$XDG_CONFIG_HOME/hoist/config.toml`, by default under `~/.config`.
pub fn user_file() -> Option<PathBuf> {
    Some(crate::folders::xdg("XDG_CONFIG_HOME", ".config")?.join("hoist/config.toml"))
}

/// The workspace of a file: the nearest folder above it with `hoist.toml`, `pyproject.toml` or `.git`, else the file's
/// own folder. `file` is absolute.
pub fn workspace_of(file: &Path) -> PathBuf {
    let folder = file.parent().unwrap_or(file);
    folder
        .ancestors()
        .find(|above| {
            ["hoist.toml", "pyproject.toml", ".git"]
                .iter()
                .any(|mark| above.join(mark).exists())
        })
        .unwrap_or(folder)
        .to_owned()
}

/// One file that exists.
struct Source {
    file: PathBuf,
    text: String,
    /// Where Hoist's own table is: `["tool", "hoist"]` in a pyproject.toml.
    prefix: &'static [&'static str],
    table: Table,
}

impl Source {
    /// `None` when there is no such file, or nothing in it for Hoist.
    fn read(file: &Path, is_pyproject: bool) -> Result<Option<Self>, ConfigError> {
        let fail = |message: String| ConfigError {
            file: file.to_owned(),
            range: None,
            position: None,
            message,
        };
        let text = match std::fs::read(file) {
            Ok(bytes) => String::from_utf8(bytes).map_err(|_| {
                fail("it is not UTF-8, as TOML must be; save it as UTF-8".to_owned())
            })?,
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
                ) =>
            {
                return Ok(None);
            }
            Err(error) => return Err(fail(format!("it cannot be read ({error})"))),
        };
        let place = |error: toml::de::Error| {
            let range = error.span();
            ConfigError {
                file: file.to_owned(),
                position: range.as_ref().map(|range| position(&text, range.start)),
                range,
                message: sentence(error.message()),
            }
        };
        // Once for the keys and their places, once for the values to put together.
        let mut table: Table = toml::from_str(&text).map_err(place)?;
        let mut prefix: &[&str] = &[];
        if is_pyproject {
            let project: PyProject = toml::from_str(&text).map_err(place)?;
            prefix = &["tool", "hoist"];
            if project.tool.and_then(|tool| tool.hoist).is_none() {
                return Ok(None);
            }
            let inner = table.get_mut("tool").and_then(|tool| tool.get_mut("hoist"));
            table = match inner.map(Value::as_table_mut) {
                Some(Some(inner)) => std::mem::take(inner),
                _ => Table::new(),
            };
        } else {
            toml::from_str::<Keys>(&text).map_err(place)?;
        }
        Ok(Some(Self {
            file: file.to_owned(),
            text,
            prefix,
            table,
        }))
    }

    /// Where the value of a key stands, when this file has it.
    fn locate(&self, path: &[&str]) -> Option<Range<usize>> {
        let document = toml::de::DeTable::parse(&self.text).ok()?;
        let mut table = document.get_ref();
        let full: Vec<&str> = self.prefix.iter().chain(path).copied().collect();
        let (last, above) = full.split_last()?;
        for key in above {
            table = table.get(*key)?.get_ref().as_table()?;
        }
        let (key, _) = table.get_key_value(*last)?;
        Some(key.span())
    }
}

/// Takes from `below` what `above` does not have, table by table: the first found key wins.
fn fill(above: &mut Table, below: &Table) {
    for (key, value) in below {
        match (above.get_mut(key), value) {
            (None, _) => {
                above.insert(key.clone(), value.clone());
            }
            (Some(Value::Table(mine)), Value::Table(theirs)) => fill(mine, theirs),
            (Some(_), _) => {}
        }
    }
}

/// An error at the first file that has this key.
fn blame(sources: &[Source], path: &[&str], message: String) -> ConfigError {
    for source in sources {
        if let Some(range) = source.locate(path) {
            return ConfigError {
                file: source.file.clone(),
                position: Some(position(&source.text, range.start)),
                range: Some(range),
                message,
            };
        }
    }
    ConfigError {
        file: sources
            .first()
            .map_or_else(PathBuf::new, |source| source.file.clone()),
        range: None,
        position: None,
        message,
    }
}

/// Line and column, both from 1, the column in characters.
fn position(text: &str, offset: usize) -> (u32, u32) {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    let line = before.matches('\n').count() + 1;
    let column = before[line_start..].chars().count() + 1;
    (
        u32::try_from(line).unwrap_or(u32::MAX),
        u32::try_from(column).unwrap_or(u32::MAX),
    )
}

/// serde's message as a sentence for a person: its list of expected names becomes the nearest one and the list.
fn sentence(message: &str) -> String {
    let unknown = [("unknown field `", "key"), ("unknown variant `", "value")]
        .into_iter()
        .find_map(|(start, what)| Some((what, message.strip_prefix(start)?)));
    let Some((what, rest)) = unknown else {
        return message.trim().replace('\n', " ");
    };
    let mut words = rest.split('`');
    let name = words.next().unwrap_or_default();
    // Between the others stand ", expected one of ", ", " and " or ".
    let known: Vec<&str> = words.skip(1).step_by(2).collect();
    let nearest = nearest(name, known.iter().copied());
    format!(
        "there is no {what} {name:?} here{}; there are {}",
        did_you_mean(nearest),
        known.join(", ")
    )
}

/// The name that a person may have meant: near enough that a slip of the fingers explains it.
pub(crate) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    known
        .map(|candidate| (strsim::damerau_levenshtein(name, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= candidate.chars().count().max(3) / 3)
        .min()
        .map(|(_, candidate)| candidate)
}

fn did_you_mean(nearest: Option<&str>) -> String {
    nearest.map_or_else(String::new, |name| format!(", did you mean {name:?}?"))
}

#[cfg(test)]
#[path = "config/tests.rs"]
mod tests;
