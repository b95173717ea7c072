//! The configuration: `[tool.hoist]` of `pyproject.toml`, `hoist.toml`, and the user's `config.toml`.
//!
//! A file that cannot be read as a whole is an error with its place; it is never left out in silence, because a target
//! that is quietly another one costs more than a message.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use glob::{MatchOptions, Pattern};
use hoist_analysis::{
    Code, DataRules, Disk, Files, Settings, Severity, ancestors, pattern_finding,
};
use hoist_cluster::TargetSettings;
use toml::{Table, Value};

mod cache;
mod complete;
mod cursor;
mod edit;
mod keys;
mod read;
mod words;

pub use cache::Loaded;
pub use complete::{Completion, CompletionKind, Explanation, complete, explain};
pub use edit::{IgnoredIn, data_change, ignore_change};
pub use keys::schema;
pub use read::Problem;

use keys::Keys;
use words::{did_you_mean, nearest, sentence};

/// The name of the target that always exists.
pub const LOCAL: &str = "local";

/// What the configuration files say, put together.
#[derive(Clone, Debug)]
pub struct Config {
    default_target: String,
    targets: BTreeMap<String, TargetSettings>,
    /// Codes that are not told, each with the pattern of the files that it is for, or for all.
    ignored: Vec<(Option<String>, Code)>,
    data: Vec<String>,
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
    /// What kind of mistake.
    pub code: Code,
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
        Self::load_from(workspace, user_file, &from_disk)
    }

    /// As [`Config::load`], with the files read through `files`, which may remember what is not there.
    ///
    /// # Errors
    /// As there.
    pub fn load_in(files: &dyn Files, workspace: &Path) -> Result<Self, ConfigError> {
        let bytes = |file: &Path| files.read(file);
        Self::load_from(Some(workspace), user_file().as_deref(), &bytes)
    }

    /// As [`Config::load_with`], with the files' bytes from somewhere else: an editor has changes that are not saved.
    fn load_from(
        workspace: Option<&Path>,
        user_file: Option<&Path>,
        bytes: &dyn Fn(&Path) -> io::Result<Vec<u8>>,
    ) -> Result<Self, ConfigError> {
        let mut sources = Vec::new();
        if let Some(folder) = workspace {
            sources.extend(Source::read(&folder.join("pyproject.toml"), bytes)?);
            sources.extend(Source::read(&folder.join("hoist.toml"), bytes)?);
        }
        if let Some(file) = user_file {
            sources.extend(Source::read(file, bytes)?);
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
                code: Code::ConfigValue,
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
                    Code::ConfigValue,
                    &["targets", LOCAL, "host"],
                    "the target \"local\" is this machine and takes no host; give the target another name".to_owned(),
                ));
            }
            if let Err(error) = settings.check() {
                // The sentence begins with the key that does not go with another one.
                let key = error.why.split(['.', ' ']).next().unwrap_or_default();
                let path = ["targets", name, key];
                let stands = sources.iter().any(|source| source.locate(&path).is_some());
                return Err(blame(
                    sources,
                    Code::ConfigValue,
                    if stands { &path } else { &path[..2] },
                    format!("{}; {}", error.why, error.mend),
                ));
            }
        }
        let files = sources.iter().map(|source| source.file.clone()).collect();
        let default_target = keys.default_target.unwrap_or_else(|| LOCAL.to_owned());
        let all = keys.ignore.iter().map(|code| (None, code.0));
        let some = keys
            .ignore_in
            .iter()
            .flat_map(|(pattern, codes)| codes.iter().map(|code| (Some(pattern.clone()), code.0)));
        let config = Self {
            default_target,
            targets,
            ignored: all.chain(some).collect(),
            data: keys.data,
            files,
        };
        match config.target(&config.default_target) {
            Ok(_) => Ok(config),
            Err(unknown) => Err(blame(
                sources,
                Code::ConfigTarget,
                &["default_target"],
                unknown.to_string(),
            )),
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

    /// The codes that are not told of a file. `file` and `workspace` are absolute.
    pub fn ignored(&self, file: &Path, workspace: &Path) -> BTreeSet<Code> {
        if self.ignored.is_empty() {
            return BTreeSet::new();
        }
        let relative = crate::plan::shown(file, workspace);
        let is_in = |pattern: &str| {
            let options = MatchOptions {
                require_literal_separator: true,
                ..MatchOptions::default()
            };
            let name = relative.rsplit('/').next().unwrap_or(&relative);
            let subject = if pattern.contains('/') {
                &relative
            } else {
                name
            };
            Pattern::new(pattern).is_ok_and(|pattern| pattern.matches_with(subject, options))
        };
        self.ignored
            .iter()
            .filter(|(pattern, _)| pattern.as_deref().is_none_or(is_in))
            .map(|(_, code)| *code)
            .collect()
    }

    /// Patterns, from the workspace, of files that travel with every job.
    pub fn data(&self) -> &[String] {
        &self.data
    }

    /// How data files reach a target, by its name; none, or one that there is not: the default.
    pub fn data_rules(&self, target: Option<&str>) -> DataRules {
        let named = target.and_then(|name| self.target(name).ok());
        crate::data::rules_of(named.unwrap_or_else(|| self.default_target()))
    }

    /// What the findings of a file depend on: what is ignored there, what travels, and what is known of targets.
    pub fn settings(&self, file: &Path, workspace: &Path) -> Settings {
        Settings {
            ignore: self.ignored(file, workspace),
            ..self.shared_settings()
        }
    }

    /// As much of them as is the same for all files.
    pub fn shared_settings(&self) -> Settings {
        Settings {
            ignore: BTreeSet::new(),
            data: self.data.clone(),
            targets: Some(self.targets.keys().cloned().collect()),
            default_target: Some(self.default_target.clone()),
            pythons: self
                .targets
                .values()
                .filter_map(crate::sites::python_of)
                .map(|python| (python.target.clone(), python))
                .collect(),
            data_rules: self
                .targets
                .iter()
                .map(|(name, settings)| (name.clone(), crate::data::rules_of(settings)))
                .collect(),
        }
    }

    /// The files that were read, the first one first to be asked.
    pub fn files(&self) -> &[PathBuf] {
        &self.files
    }
}

/// The user's configuration file: `$XDG_CONFIG_HOME/hoist/config.toml`, by default under `~/.config`.
pub fn user_file() -> Option<PathBuf> {
    let folder = crate::folders::xdg("XDG_CONFIG_HOME", ".config")?.join("hoist");
    Some(folder.join(USER_FILE))
}

/// Its name in its folder.
const USER_FILE: &str = "config.toml";

/// The workspace of a file: the nearest folder above it with `hoist.toml`, `pyproject.toml` or `.git`, else the file's
/// own folder. `file` is absolute.
pub fn workspace_of(file: &Path) -> PathBuf {
    workspace_in(&Disk, file)
}

/// The same, asked of `files`.
pub fn workspace_in(files: &dyn Files, file: &Path) -> PathBuf {
    let folder = file.parent().unwrap_or(file);
    ancestors(folder)
        .find(|above| {
            const MARKS: &[&str] = &["hoist.toml", "pyproject.toml", ".git"];
            let is_marked = |mark: &&str| files.metadata(&above.join(mark)).is_ok();
            !files.known(above).is_some_and(|own| own.lacks_all(MARKS))
                && MARKS.iter().any(is_marked)
        })
        .unwrap_or(folder)
        .to_owned()
}

/// Is this file one that says what Hoist does: by its name, or because it is the user's?
pub fn is_config(file: &Path) -> bool {
    let name = file.file_name().and_then(|name| name.to_str());
    matches!(name, Some("hoist.toml" | "pyproject.toml"))
        || name == Some(USER_FILE) && user_file().is_some_and(|own| own == file)
}

fn is_pyproject(file: &Path) -> bool {
    file.file_name()
        .is_some_and(|name| name == "pyproject.toml")
}

/// Where Hoist's own table is in a file.
fn prefix_of(file: &Path) -> &'static [&'static str] {
    if is_pyproject(file) {
        &["tool", "hoist"]
    } else {
        &[]
    }
}

fn from_disk(file: &Path) -> io::Result<Vec<u8>> {
    std::fs::read(file)
}

/// Everything that is wrong with one configuration file as its text stands in an editor, with the other files as they are on
/// the disk.
pub fn diagnose(file: &Path, text: &str) -> Vec<Problem> {
    diagnose_with(file, text, user_file().as_deref())
}

fn diagnose_with(file: &Path, text: &str, user_file: Option<&Path>) -> Vec<Problem> {
    if let Err(problems) = read::read(text, prefix_of(file)) {
        return problems;
    }
    let workspace = file.parent().filter(|_| user_file != Some(file));
    let bytes = |path: &Path| {
        if path == file {
            Ok(text.as_bytes().to_vec())
        } else {
            from_disk(path)
        }
    };
    match Config::load_from(workspace, user_file, &bytes) {
        Err(error) if error.file == file => vec![Problem {
            code: error.code,
            severity: Severity::Error,
            range: error.range.unwrap_or(0..0),
            message: error.message,
        }],
        config => workspace.map_or_else(Vec::new, |workspace| {
            let named = read::patterns(text, prefix_of(file)).into_iter();
            let problem = |(pattern, range): (String, Range<usize>)| {
                let targets = config.iter().flat_map(Config::targets);
                if crate::data::is_mapped(targets, workspace, &pattern) {
                    return None;
                }
                let found = pattern_finding(&Disk, workspace, &pattern)?;
                Some(Problem {
                    code: found.code,
                    severity: found.severity,
                    range,
                    message: found.message,
                })
            };
            named.filter_map(problem).collect()
        }),
    }
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
    fn read(
        file: &Path,
        bytes: &dyn Fn(&Path) -> io::Result<Vec<u8>>,
    ) -> Result<Option<Self>, ConfigError> {
        let fail = |message: String| ConfigError {
            file: file.to_owned(),
            range: None,
            position: None,
            message,
            code: Code::ConfigSyntax,
        };
        let text = match bytes(file) {
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
        let prefix = prefix_of(file);
        let table =
            read::read(&text, prefix).map_err(|problems| match problems.into_iter().next() {
                Some(first) => ConfigError {
                    file: file.to_owned(),
                    position: Some(position(&text, first.range.start)),
                    range: Some(first.range),
                    message: first.message,
                    code: first.code,
                },
                None => fail("it cannot be read".to_owned()),
            })?;
        Ok(table.map(|table| Self {
            file: file.to_owned(),
            text,
            prefix,
            table,
        }))
    }

    /// Where the value of a key stands, when this file has it; of a table its name.
    fn locate(&self, path: &[&str]) -> Option<Range<usize>> {
        let document = toml::de::DeTable::parse(&self.text).ok()?;
        let mut table = document.get_ref();
        let full: Vec<&str> = self.prefix.iter().chain(path).copied().collect();
        let (last, above) = full.split_last()?;
        for key in above {
            table = table.get(*key)?.get_ref().as_table()?;
        }
        let (key, value) = table.get_key_value(*last)?;
        let is_table = value.get_ref().as_table().is_some();
        Some(if is_table { key.span() } else { value.span() })
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
fn blame(sources: &[Source], code: Code, path: &[&str], message: String) -> ConfigError {
    for source in sources {
        if let Some(range) = source.locate(path) {
            return ConfigError {
                file: source.file.clone(),
                position: Some(position(&source.text, range.start)),
                range: Some(range),
                message,
                code,
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
        code,
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

#[cfg(test)]
#[path = "config/tests.rs"]
mod tests;
