//! Finds the interpreter that a person at a file would start, by looking at files and variables alone.

use std::path::{Path, PathBuf};

use super::interpreter::{Choice, Interpreter};
use super::variables::Variables;
use crate::files::Files;

/// Whose environment is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Question<'a> {
    /// The workspace's root, absolute.
    pub workspace: &'a Path,
    /// The folder of the file, absolute; environments are looked for in it and above it, up to the workspace's root.
    pub folder: &'a Path,
    /// What the configuration or an argument says: an executable, a name on `PATH`, or the folder of an environment.
    pub configured: Option<&'a str>,
}

/// The interpreter: the first of what is configured, what is activated, what lies in the workspace, conda's, the one that
/// a `.python-version` names, and what `PATH` has.
pub(super) fn find(
    files: &dyn Files,
    variables: &Variables,
    question: &Question<'_>,
) -> Option<Interpreter> {
    let activated =
        || Interpreter::of_prefix(files, &variables.folder("VIRTUAL_ENV")?, Choice::Activated);
    let conda = || Interpreter::of_prefix(files, &variables.folder("CONDA_PREFIX")?, Choice::Conda);
    configured(files, variables, question)
        .or_else(activated)
        .or_else(|| in_workspace(files, variables, question))
        .or_else(conda)
        .or_else(|| by_version(files, variables, question))
        .or_else(|| on_path(files, variables, &["python3", "python"]))
}

fn configured(
    files: &dyn Files,
    variables: &Variables,
    question: &Question<'_>,
) -> Option<Interpreter> {
    let text = question.configured?;
    if !text.contains(['/', '\\']) {
        let mut found = on_path(files, variables, &[text])?;
        found.choice = Choice::Configured;
        return Some(found);
    }
    let path = match text.strip_prefix("~/") {
        Some(rest) => variables.home()?.join(rest),
        None => question.workspace.join(text),
    };
    Interpreter::at(files, &path, Choice::Configured)
}

/// The file's folder and those above it, up to the workspace's root.
fn folders<'a>(question: &Question<'a>) -> Vec<&'a Path> {
    if !question.folder.starts_with(question.workspace) {
        return vec![question.folder, question.workspace];
    }
    question
        .folder
        .ancestors()
        .take_while(|folder| folder.starts_with(question.workspace))
        .collect()
}

fn in_workspace(
    files: &dyn Files,
    variables: &Variables,
    question: &Question<'_>,
) -> Option<Interpreter> {
    // uv puts a project's environment elsewhere when it is told so.
    let of_uv = variables.text("UV_PROJECT_ENVIRONMENT");
    for folder in folders(question) {
        for name in of_uv.into_iter().chain([".venv", "venv"]) {
            let found = Interpreter::of_prefix(files, &folder.join(name), Choice::Workspace);
            if found.as_ref().is_some_and(|found| found.is_virtual) {
                return found;
            }
        }
        for name in [".conda", ".pixi/envs/default", "env", "envs"] {
            let prefix = folder.join(name);
            let is_conda = files
                .metadata(&prefix.join("conda-meta"))
                .is_ok_and(|meta| meta.is_dir);
            if is_conda && let Some(found) = Interpreter::of_prefix(files, &prefix, Choice::Conda) {
                return Some(found);
            }
        }
    }
    None
}

/// The Python that `.python-version`, `PYENV_VERSION` or pyenv's own file names.
fn by_version(
    files: &dyn Files,
    variables: &Variables,
    question: &Question<'_>,
) -> Option<Interpreter> {
    let root = pyenv_root(variables);
    let read = |path: PathBuf| {
        let bytes = files.read(&path).ok()?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    };
    let of_shell = variables
        .text("PYENV_VERSION")
        .map(|text| text.replace(':', "\n"));
    let of_folder = || {
        let mut above = question.folder.ancestors();
        above.find_map(|folder| read(folder.join(".python-version")))
    };
    let of_pyenv = || read(root.clone()?.join("version"));
    let text = of_shell.or_else(of_folder).or_else(of_pyenv)?;
    text.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#') && *line != "system")
        .find_map(|wanted| {
            let folders = [
                root.as_ref().map(|root| root.join("versions")),
                uv_pythons(variables),
            ];
            folders
                .into_iter()
                .flatten()
                .find_map(|folder| installed(files, &folder, wanted))
                .or_else(|| on_path(files, variables, &[&format!("python{wanted}")]))
        })
        .map(|found| Interpreter {
            choice: Choice::Version,
            ..found
        })
}

fn pyenv_root(variables: &Variables) -> Option<PathBuf> {
    variables
        .folder("PYENV_ROOT")
        .or_else(|| Some(variables.home()?.join(".pyenv")))
}

fn uv_pythons(variables: &Variables) -> Option<PathBuf> {
    variables.folder("UV_PYTHON_INSTALL_DIR").or_else(|| {
        let data = variables
            .folder("XDG_DATA_HOME")
            .or_else(|| Some(variables.home()?.join(".local/share")))?;
        Some(data.join("uv/python"))
    })
}

/// A Python of a folder of Pythons: by its very name, else the newest whose version begins with what is wanted.
fn installed(files: &dyn Files, folder: &Path, wanted: &str) -> Option<Interpreter> {
    let is_name = wanted
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || "._-+".contains(c))
        && !wanted.contains("..");
    if !is_name {
        return None;
    }
    if let Some(found) = Interpreter::of_prefix(files, &folder.join(wanted), Choice::Version) {
        return Some(found);
    }
    let mut newest: Option<(Vec<u32>, Interpreter)> = None;
    for (name, _) in files.list(folder).ok()? {
        // `3.11.7`, or `cpython-3.11.7-linux-x86_64-gnu`.
        let version = name.strip_prefix("cpython-").unwrap_or(&name);
        let version = version.split('-').next().unwrap_or(version);
        let fits = version
            .strip_prefix(wanted)
            .is_some_and(|rest| rest.starts_with('.'))
            || version == wanted;
        let numbers: Option<Vec<u32>> = version.split('.').map(|part| part.parse().ok()).collect();
        let Some(numbers) = numbers.filter(|_| fits) else {
            continue;
        };
        if newest.as_ref().is_none_or(|(known, _)| *known < numbers)
            && let Some(found) = Interpreter::of_prefix(files, &folder.join(&name), Choice::Version)
        {
            newest = Some((numbers, found));
        }
    }
    newest.map(|(_, found)| found)
}

/// The first of these names on `PATH`. The shims of pyenv are scripts that choose when they run, so they are passed over.
fn on_path(files: &dyn Files, variables: &Variables, names: &[&str]) -> Option<Interpreter> {
    let shims = pyenv_root(variables).map(|root| root.join("shims"));
    let folders = variables.folders("PATH");
    for folder in folders.iter().filter(|folder| {
        Some(*folder) != shims.as_ref() && folder.file_name().is_none_or(|name| name != "shims")
    }) {
        for name in names {
            for file in [(*name).to_owned(), format!("{name}.exe")] {
                let path = folder.join(file);
                if files.metadata(&path).is_ok_and(|meta| meta.is_file)
                    && let Some(found) = Interpreter::at(files, &path, Choice::Path)
                {
                    return Some(found);
                }
            }
        }
    }
    None
}
