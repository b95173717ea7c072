//! `FILE::ENTRY` and what belongs to it: the text, the workspace, the configuration.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use hoist_analysis::environment::{Environment, Environments, Question};
use hoist_analysis::{
    Code, Disk, EntrySpec, Files, Module, Remembered, Runnable, Settings, is_tidy, runnables,
};
use hoist_jobs::{
    Config, ConfigError, RunError, RunRequest, SourceError, read_source, workspace_in,
};
use hoist_syntax::Document;
use rustc_hash::FxHashMap;

use super::{EntryArgs, Failure, ResourceArgs};

/// A Python file with its text.
pub(super) struct Source {
    /// As the person named it.
    pub(super) named: PathBuf,
    /// Absolute.
    pub(super) path: PathBuf,
    pub(super) workspace: PathBuf,
    pub(super) document: Document,
    pub(super) environment: Arc<Environment>,
    /// The workspace's.
    pub(super) configuration: Arc<Configuration>,
}

/// What lies around the files of a command, each thing looked at once.
pub(super) struct Around {
    pub(super) files: Remembered<Disk>,
    environments: Environments,
    /// The interpreter that the command line names.
    python: Option<String>,
    folders: Once<Folder>,
    /// By the workspace, where that has files of its own; all others have the user's alone, by the empty path.
    configurations: Once<Configuration>,
}

/// What is the same for all files of a folder.
struct Folder {
    workspace: PathBuf,
    environment: Arc<Environment>,
    configuration: Arc<Configuration>,
}

/// A configuration with what the findings of all files have from it, or why there is none.
pub(super) type Configuration = Result<(Config, Settings), ConfigError>;

impl Around {
    pub(super) fn new(python: Option<String>) -> Self {
        Self {
            files: Remembered::new(Disk),
            environments: Environments::here(),
            python,
            folders: Once::default(),
            configurations: Once::default(),
        }
    }

    /// The folder of a file, by its absolute path.
    fn folder_of(&self, path: &Path) -> Arc<Folder> {
        let folder = path.parent().unwrap_or(path);
        self.folders.get(folder, || {
            // What is in it is asked about many times.
            self.files.listing(folder);
            let workspace = workspace_in(&self.files, path);
            // A configuration that cannot be read names none; who runs something is told of it.
            let configuration = self.configuration(&workspace);
            let configured = configuration.as_ref().as_ref().ok();
            let configured = configured.and_then(|(config, _)| config.local_python());
            let question = Question {
                workspace: &workspace,
                folder,
                configured: self.python.as_deref().or(configured),
            };
            Folder {
                environment: self.environments.get(&self.files, &question),
                workspace,
                configuration,
            }
        })
    }

    fn configuration(&self, workspace: &Path) -> Arc<Configuration> {
        let has_own = ["hoist.toml", "pyproject.toml"]
            .iter()
            .any(|name| self.files.metadata(&workspace.join(name)).is_ok());
        let whose = if has_own { workspace } else { Path::new("") };
        self.configurations.get(whose, || {
            let config = Config::load_in(&self.files, workspace)?;
            let shared = config.shared_settings();
            Ok((config, shared))
        })
    }
}

/// Answers by the path that they are asked for.
struct Once<T>(RwLock<FxHashMap<OsString, Arc<T>>>);

impl<T> Default for Once<T> {
    fn default() -> Self {
        Self(RwLock::default())
    }
}

impl<T> Once<T> {
    /// The lock is not held meanwhile; two who ask at the same time get the same answer.
    fn get(&self, path: &Path, read: impl FnOnce() -> T) -> Arc<T> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = known.get(path.as_os_str()) {
            return known.clone();
        }
        drop(known);
        let new = Arc::new(read());
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let known = known.entry(path.as_os_str().to_owned());
        known.or_insert(new).clone()
    }
}

impl Source {
    pub(super) fn read(named: &Path, around: &Around) -> Result<Self, Failure> {
        let path = absolute(named)
            .map_err(|error| Failure::refused(format!("{}: {error}", named.display())))?;
        let read = || {
            let text = read_source(&path).map_err(|error| {
                Failure::refused(SourceError {
                    path: named.to_owned(),
                    ..error
                })
            })?;
            Ok::<_, Failure>(Document::new(text))
        };
        let known = around.files.kept().and_then(|kept| kept.take(&path));
        let document = known.map_or_else(read, Ok)?;
        let folder = around.folder_of(&path);
        Ok(Self {
            named: named.to_owned(),
            environment: folder.environment.clone(),
            configuration: folder.configuration.clone(),
            workspace: folder.workspace.clone(),
            document,
            path,
        })
    }

    pub(super) fn module(&self) -> Module<'_> {
        Module {
            path: &self.path,
            document: &self.document,
            workspace: &self.workspace,
            environment: Some(&self.environment),
        }
    }
}

/// The absolute path without `.` and `..`, with links left as they are where that can be.
fn absolute(named: &Path) -> std::io::Result<PathBuf> {
    if named.is_absolute() && is_tidy(named) {
        return Ok(named.to_owned());
    }
    let path = std::path::absolute(named)?;
    if path.components().all(|part| part != Component::ParentDir) {
        return Ok(path);
    }
    // What `..` means after a link only the disk knows.
    match (path.parent(), path.file_name()) {
        (Some(folder), Some(name)) => Ok(folder.canonicalize()?.join(name)),
        _ => path.canonicalize(),
    }
}

/// Why there is no request, with what a programme may want to know of it.
pub(super) struct Refused {
    pub(super) code: String,
    pub(super) message: String,
    pub(super) line: Option<u32>,
}

impl Refused {
    fn new(code: &str, message: impl ToString) -> Self {
        Self {
            code: code.to_owned(),
            message: message.to_string(),
            line: None,
        }
    }

    /// Values that are no sweep.
    pub(super) fn of_sweep(error: &impl ToString) -> Self {
        Self::new("sweep", error.to_string())
    }

    /// The same of one item, with the place of that before it.
    pub(super) fn of_item(self, place: Option<String>) -> Self {
        match place {
            Some(place) => Self {
                message: format!("{place}: {}", self.message),
                ..self
            },
            None => self,
        }
    }

    /// A refusal of the engine, with the file and the line before its sentence where it is about one.
    pub(super) fn by_engine(error: &RunError, file: &Path) -> Self {
        let message = match error.line() {
            Some(line) if error.code().is_some() => {
                format!("{}:{line}: {error}", file.display())
            }
            _ => error.to_string(),
        };
        let mut mends = Vec::new();
        if matches!(error.code(), Some(Code::Arguments | Code::InstanceMethod)) {
            mends.push("--args gives arguments");
        }
        if error.can_force() {
            mends.push("--force runs it all the same");
        }
        let mends = match mends.as_slice() {
            [] => String::new(),
            mends => format!(" ({})", mends.join(", ")),
        };
        Self {
            code: error.word(),
            message: format!("{message}{mends}"),
            line: error.line(),
        }
    }
}

impl From<Refused> for Failure {
    fn from(refused: Refused) -> Self {
        Self::refused(refused.message)
    }
}

/// Reads the file and the configuration, and puts the request together; with it goes the file as the person named it.
pub(super) fn request(args: &EntryArgs) -> Result<(PathBuf, RunRequest), Refused> {
    let (file, entry) = split(&args.entry);
    let source = Source::read(&file, &Around::new(None))
        .map_err(|failure| Refused::new("unreadable", failure.message))?;
    let Some(entry) = entry else {
        return Err(Refused::new("no_entry", name_one(&source)));
    };
    let Ok(entry) = entry.parse::<EntrySpec>();
    let config = Config::load(Some(&source.workspace))
        .map_err(|error| Refused::new("configuration", error))?;
    let request = RunRequest {
        args: args.args.clone(),
        target: args.target.clone(),
        resources: resources(&args.resources),
        force: args.force,
        ..RunRequest::new(
            source.path,
            source.document,
            source.workspace,
            Arc::new(config),
            entry,
        )
    };
    Ok((file, request))
}

pub(super) fn resources(args: &ResourceArgs) -> BTreeMap<String, String> {
    [
        ("cores", &args.cores),
        ("memory", &args.memory),
        ("time", &args.time),
        ("warning", &args.warning),
        ("retries", &args.retries),
        ("gpus", &args.gpus),
        ("nodes", &args.nodes),
        ("tasks", &args.tasks),
        ("partition", &args.partition),
        ("account", &args.account),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name.to_owned(), value.clone()?)))
    .collect()
}

/// The last `::` parts the file from the entry: a drive's colon and a `::` in a folder's name do not.
fn split(text: &OsStr) -> (PathBuf, Option<String>) {
    let whole = || (PathBuf::from(text), None);
    let Some(readable) = text.to_str() else {
        return whole();
    };
    match readable.rsplit_once("::") {
        Some((file, entry)) if !file.is_empty() => {
            let entry = entry.trim();
            (
                PathBuf::from(file),
                (!entry.is_empty()).then(|| entry.to_owned()),
            )
        }
        _ => whole(),
    }
}

fn name_one(source: &Source) -> String {
    let runnables = runnables(&source.module());
    let file = source.named.display();
    if runnables.is_empty() {
        return format!("{file} has no function that can run; name lines, as in {file}::1-10");
    }
    let list = |runnable: &Runnable| {
        format!(
            "\n  {file}::{}  (line {})",
            runnable.entry,
            runnable.line + 1
        )
    };
    let shown: String = runnables.iter().take(30).map(list).collect();
    let more = match runnables.len().saturating_sub(30) {
        0 => String::new(),
        more => format!("\n  and {more} more"),
    };
    format!("name what to run of {file}:{shown}{more}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_double_colon_parts_file_and_entry() {
        let cases = [
            ("train.py::fit", "train.py", Some("fit")),
            (
                "C:\\my code\\train.py::A.f.<locals>.g",
                "C:\\my code\\train.py",
                Some("A.f.<locals>.g"),
            ),
            ("a::b/train.py::12-30", "a::b/train.py", Some("12-30")),
            ("train.py", "train.py", None),
            ("train.py::", "train.py", None),
            ("::fit", "::fit", None),
        ];
        for (text, file, entry) in cases {
            assert_eq!(
                split(OsStr::new(text)),
                (PathBuf::from(file), entry.map(str::to_owned)),
                "{text}"
            );
        }
    }
}
