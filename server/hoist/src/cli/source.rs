//! `FILE::ENTRY` and what belongs to it: the text, the workspace, the configuration.

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use hoist_analysis::environment::{Environment, Environments, Question};
use hoist_analysis::{Code, Disk, EntrySpec, Module, Runnable, runnables};
use hoist_jobs::{Config, RunError, RunRequest, SourceError, read_source, workspace_of};
use hoist_syntax::Document;

use super::{EntryArgs, Failure};

/// A Python file with its text.
pub(super) struct Source {
    /// As the person named it.
    pub(super) named: PathBuf,
    /// Absolute.
    pub(super) path: PathBuf,
    pub(super) workspace: PathBuf,
    pub(super) document: Document,
    pub(super) environment: Arc<Environment>,
}

/// What is installed, for all the files of a command.
pub(super) struct Installed {
    environments: Environments,
    /// The interpreter that the command line names.
    python: Option<String>,
    /// The one that the configuration of a workspace names.
    configured: Mutex<HashMap<PathBuf, Option<String>>>,
}

impl Installed {
    pub(super) fn new(python: Option<String>) -> Self {
        Self {
            environments: Environments::here(),
            python,
            configured: Mutex::default(),
        }
    }

    /// For a file, by its absolute path.
    pub(super) fn of(&self, path: &Path, workspace: &Path) -> Arc<Environment> {
        let configured = self.python.clone().or_else(|| self.configured(workspace));
        let question = Question {
            workspace,
            folder: path.parent().unwrap_or(workspace),
            configured: configured.as_deref(),
        };
        self.environments.get(&Disk, &question)
    }

    fn configured(&self, workspace: &Path) -> Option<String> {
        let mut known = self
            .configured
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        // A configuration that cannot be read names none; who runs something is told of it.
        let read = || {
            let config = Config::load(Some(workspace)).ok()?;
            config.local_python().map(str::to_owned)
        };
        known
            .entry(workspace.to_owned())
            .or_insert_with(read)
            .clone()
    }
}

impl Source {
    pub(super) fn read(named: &Path, installed: &Installed) -> Result<Self, Failure> {
        let path = absolute(named)
            .map_err(|error| Failure::refused(format!("{}: {error}", named.display())))?;
        let text = read_source(&path).map_err(|error| {
            Failure::refused(SourceError {
                path: named.to_owned(),
                ..error
            })
        })?;
        let workspace = workspace_of(&path);
        Ok(Self {
            named: named.to_owned(),
            environment: installed.of(&path, &workspace),
            workspace,
            document: Document::new(text),
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
    let source = Source::read(&file, &Installed::new(None))
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
        resources: resources(args),
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

fn resources(args: &EntryArgs) -> BTreeMap<String, String> {
    [
        ("cores", &args.cores),
        ("memory", &args.memory),
        ("time", &args.time),
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
