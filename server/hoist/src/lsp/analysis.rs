//! The way from an open document to the analysis: its workspace, its neighbours, and what was found out already.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::SystemTime;

use hoist_analysis::environment::{Environment, Environments, Question};
use hoist_analysis::{
    Disk, Files, Finding, ImportReport, Meta, Module, RemotePath, Runnable, Settings,
};
use hoist_jobs::Config;

use super::documents::Open;
use super::snapshot::Snapshot;

/// What was found out about one version of a document. Nothing in here is computed twice for the same text.
#[derive(Default)]
pub(super) struct Cache {
    environment: OnceLock<Arc<Environment>>,
    runnables: OnceLock<Arc<Vec<Runnable>>>,
    findings: OnceLock<Arc<Vec<Finding>>>,
    imports: OnceLock<Arc<Vec<ImportReport>>>,
    remote_paths: OnceLock<Arc<Vec<RemotePath>>>,
}

/// A Python document that is saved in a file: what everything but the text itself needs.
pub(super) struct Source<'a> {
    /// The document.
    pub(super) open: &'a Open,
    /// Its file.
    pub(super) path: &'a Path,
    /// The folder in which its local modules are looked for and which its configuration is of.
    pub(super) workspace: PathBuf,
    environments: Arc<Environments>,
    /// The interpreter that the client names.
    python: Option<String>,
}

impl<'a> Source<'a> {
    /// `None` for documents without a file and for what is not Python.
    pub(super) fn of(snapshot: &Snapshot, open: &'a Open) -> Option<Self> {
        let path = open.path.as_deref().filter(|_| open.python)?;
        Some(Self {
            open,
            path,
            workspace: workspace(snapshot, path),
            environments: snapshot.environments.clone(),
            python: snapshot.profile.options.python.clone(),
        })
    }

    /// What is installed for it: for the interpreter that the client names, else the one of the target `local`, else the one
    /// that is found. A configuration that cannot be read names none.
    pub(super) fn environment(&self) -> &Environment {
        self.open.cache.environment.get_or_init(|| {
            let config = Config::load(Some(&self.workspace)).ok();
            let of_config = || config.as_ref().and_then(Config::local_python);
            let question = Question {
                workspace: &self.workspace,
                folder: self.path.parent().unwrap_or(&self.workspace),
                configured: self.python.as_deref().or_else(of_config),
            };
            self.environments.get(&Disk, &question)
        })
    }

    /// As the analysis wants it.
    pub(super) fn module(&self) -> Module<'_> {
        Module {
            path: self.path,
            document: &self.open.document,
            workspace: &self.workspace,
            environment: Some(self.environment()),
        }
    }

    /// What can run in it.
    pub(super) fn runnables(&self) -> Arc<Vec<Runnable>> {
        // What can run does not depend on what is installed.
        let module = Module {
            path: self.path,
            document: &self.open.document,
            workspace: &self.workspace,
            environment: None,
        };
        let compute = || Arc::new(hoist_analysis::runnables(&module));
        self.open.cache.runnables.get_or_init(compute).clone()
    }

    /// What there is to say about it, with the other documents as they are in the editor.
    pub(super) fn findings(&self, snapshot: &Snapshot) -> Arc<Vec<Finding>> {
        let files = Overlay::of(snapshot);
        let compute = || {
            let settings = self.settings(snapshot);
            Arc::new(hoist_analysis::findings_with(
                &self.module(),
                &files,
                &settings,
            ))
        };
        self.open.cache.findings.get_or_init(compute).clone()
    }

    /// Its imports with what each comes from.
    pub(super) fn imports(&self, snapshot: &Snapshot) -> Arc<Vec<ImportReport>> {
        let files = Overlay::of(snapshot);
        let compute = || Arc::new(hoist_analysis::imports(&self.module(), &files));
        self.open.cache.imports.get_or_init(compute).clone()
    }

    /// What it names on the machines on which its functions run.
    pub(super) fn remote_paths(&self, snapshot: &Snapshot) -> Arc<Vec<RemotePath>> {
        let files = Overlay::of(snapshot);
        let compute = || Arc::new(hoist_analysis::remote_paths(&self.module(), &files));
        self.open.cache.remote_paths.get_or_init(compute).clone()
    }

    /// What the configuration says of it; nothing while that cannot be read, which is told in its own file.
    fn settings(&self, snapshot: &Snapshot) -> Settings {
        self.config(snapshot)
            .map(|config| config.settings(self.path, &self.workspace))
            .unwrap_or_default()
    }

    /// The configuration of its workspace, as it is now; what is wrong with it as a sentence.
    pub(super) fn config(&self, snapshot: &Snapshot) -> Result<Config, String> {
        config(snapshot, Some(&self.workspace))
    }
}

/// The configuration of a workspace, as it is now, with the default target that the client's user has chosen.
pub(super) fn config(snapshot: &Snapshot, workspace: Option<&Path>) -> Result<Config, String> {
    let config = match workspace {
        Some(workspace) => (*Config::load_kept(workspace)).clone(),
        None => Config::load(None),
    };
    let config = config.map_err(|error| error.to_string())?;
    match &snapshot.profile.options.target {
        Some(target) => config
            .with_default_target(target)
            .map_err(|error| format!("the target that was chosen in the editor: {error}")),
        None => Ok(config),
    }
}

/// The workspace of a file: as the command line finds it, so that both make the same package; a file in a folder without
/// any mark belongs to the innermost folder that the client has open.
pub(super) fn workspace(snapshot: &Snapshot, path: &Path) -> PathBuf {
    let found = hoist_jobs::workspace_of(path);
    let marked = ["hoist.toml", "pyproject.toml", ".git"]
        .iter()
        .any(|mark| found.join(mark).exists());
    if marked {
        return found;
    }
    let innermost = snapshot
        .folders
        .iter()
        .filter(|folder| path.starts_with(folder))
        .max_by_key(|folder| folder.components().count());
    innermost.cloned().unwrap_or(found)
}

/// The files of this machine with the open documents over them, saved or not.
pub(super) struct Overlay {
    open: BTreeMap<PathBuf, Arc<Open>>,
}

impl Overlay {
    /// The documents of a snapshot over the disk.
    pub(super) fn of(snapshot: &Snapshot) -> Self {
        let open = snapshot.documents.values().filter_map(|open| {
            let path = open.path.clone()?;
            speaks_utf_8(open.document.text()).then(|| (path, open.clone()))
        });
        Self {
            open: open.collect(),
        }
    }
}

/// Whether the text, written as UTF-8, is the file: not when a coding cookie says otherwise and the text has more than ASCII.
/// Such a file is taken from the disk.
fn speaks_utf_8(text: &str) -> bool {
    let cookie = text
        .lines()
        .take(2)
        .take_while(|line| {
            line.trim_start_matches('\u{feff}')
                .trim_start()
                .starts_with('#')
        })
        .find_map(|line| {
            let after = line.split_once("coding")?.1;
            let name = after.strip_prefix([':', '='])?.trim_start();
            let end = name
                .find(|c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c)))
                .unwrap_or(name.len());
            Some(name[..end].to_ascii_lowercase().replace('_', "-"))
        });
    match cookie {
        None => true,
        Some(name) => {
            text.is_ascii() || matches!(name.as_str(), "utf-8" | "utf8" | "u8" | "utf-8-sig")
        }
    }
}

impl Files for Overlay {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        match self.open.get(path) {
            Some(open) => Ok(open.document.text().as_bytes().to_vec()),
            None => Disk.read(path),
        }
    }

    fn metadata(&self, path: &Path) -> io::Result<Meta> {
        match self.open.get(path) {
            Some(open) => Ok(Meta {
                is_dir: false,
                is_file: true,
                len: open.document.text().len() as u64,
                modified: Some(SystemTime::now()),
            }),
            None => Disk.metadata(path),
        }
    }

    fn list(&self, path: &Path) -> io::Result<Vec<(String, bool)>> {
        let mut names = match Disk.list(path) {
            Ok(names) => names,
            // A folder that exists only in the editor: its documents were never saved.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(error),
        };
        for open in self.open.keys() {
            if open.parent() == Some(path)
                && let Some(name) = open.file_name().and_then(|name| name.to_str())
                && !names.iter().any(|(there, _)| there == name)
            {
                names.push((name.to_owned(), false));
            }
        }
        if names.is_empty() && !path.is_dir() {
            return Err(io::ErrorKind::NotFound.into());
        }
        names.sort();
        Ok(names)
    }

    fn real(&self, path: &Path) -> io::Result<PathBuf> {
        Disk.real(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_decides_whether_the_buffer_is_the_file() {
        assert!(speaks_utf_8("x = 'é'\n"));
        assert!(speaks_utf_8("# -*- coding: utf-8 -*-\nx = 'é'\n"));
        assert!(!speaks_utf_8("# -*- coding: latin-1 -*-\nx = 'é'\n"));
        assert!(!speaks_utf_8(
            "#!/usr/bin/python\n# vim: set fileencoding=cp1252 :\nx = 'é'\n"
        ));
        assert!(speaks_utf_8("# coding: latin-1\nx = 'e'\n"));
        assert!(speaks_utf_8("x = 1\n# coding: latin-1\ny = 'é'\n"));
    }
}
