//! Finds the interpreter that a person at a file would start, by looking at files and variables alone.

use std::path::{Path, PathBuf};

use super::interpreter::{Choice, Interpreter};
use super::variables::Variables;
use crate::files::Files;
use crate::files::paths::{ancestors, is_below};

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

/// What is the same for whoever asks.
#[derive(Debug)]
pub(super) struct Everywhere {
    activated: Option<Interpreter>,
    conda: Option<Interpreter>,
    by_version: Wanted,
    on_path: Option<Interpreter>,
}

/// The version that is wanted wherever one stands.
#[derive(Debug)]
enum Wanted {
    /// By the shell, whatever the folders say.
    ByShell(Option<Interpreter>),
    /// By pyenv, where no folder says anything else.
    ByPyenv(Option<Interpreter>),
}

impl Everywhere {
    pub(super) fn find(files: &dyn Files, variables: &Variables) -> Everywhere {
        let prefix = |name: &str, choice: Choice| {
            Interpreter::of_prefix(files, &variables.folder(name)?, choice)
        };
        let version = |text: &str| of_version(files, variables, text);
        let of_pyenv = || read(files, &pyenv_root(variables)?.join("version"));
        Everywhere {
            activated: prefix("VIRTUAL_ENV", Choice::Activated),
            conda: prefix("CONDA_PREFIX", Choice::Conda),
            by_version: match variables.text("PYENV_VERSION") {
                Some(text) => Wanted::ByShell(version(&text.replace(':', "\n"))),
                None => Wanted::ByPyenv(of_pyenv().and_then(|text| version(&text))),
            },
            on_path: on_path(files, variables, &["python3", "python"]),
        }
    }
}

/// The interpreter: the first of what is configured, what is activated, what lies in the workspace, conda's, the one that
/// a `.python-version` names, and what `PATH` has.
pub(super) fn find(
    files: &dyn Files,
    variables: &Variables,
    everywhere: &Everywhere,
    question: &Question<'_>,
) -> Option<Interpreter> {
    configured(files, variables, question)
        .or_else(|| everywhere.activated.clone())
        .or_else(|| in_workspace(files, variables, question))
        .or_else(|| everywhere.conda.clone())
        .or_else(|| by_version(files, variables, everywhere, question))
        .or_else(|| everywhere.on_path.clone())
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
    if !is_below(question.folder, question.workspace) {
        return vec![question.folder, question.workspace];
    }
    ancestors(question.folder)
        .take_while(|folder| is_below(folder, question.workspace))
        .collect()
}

fn in_workspace(
    files: &dyn Files,
    variables: &Variables,
    question: &Question<'_>,
) -> Option<Interpreter> {
    // uv puts a project's environment elsewhere when it is told so.
    let of_uv = variables.text("UV_PROJECT_ENVIRONMENT");
    let names = [".venv", "venv", ".conda", ".pixi", "env", "envs"];
    for folder in folders(question) {
        let known = files.known(folder).filter(|_| of_uv.is_none());
        if known.is_some_and(|known| known.lacks_all(&names)) {
            continue;
        }
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

/// The Python that `PYENV_VERSION`, a `.python-version` or pyenv's own file names.
fn by_version(
    files: &dyn Files,
    variables: &Variables,
    everywhere: &Everywhere,
    question: &Question<'_>,
) -> Option<Interpreter> {
    let by_pyenv = match &everywhere.by_version {
        Wanted::ByShell(found) => return found.clone(),
        Wanted::ByPyenv(found) => found,
    };
    const NAME: &str = ".python-version";
    let mut above = ancestors(question.folder);
    let of_folder = above.find_map(|folder| {
        let known = files.known(folder);
        let is_missing = known.is_some_and(|known| known.lacks_all(&[NAME]));
        if is_missing {
            None
        } else {
            read(files, &folder.join(NAME))
        }
    });
    match of_folder {
        Some(text) => of_version(files, variables, &text),
        None => by_pyenv.clone(),
    }
}

fn read(files: &dyn Files, path: &Path) -> Option<String> {
    let bytes = files.read(path).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// The first of the versions of a text that is there.
fn of_version(files: &dyn Files, variables: &Variables, text: &str) -> Option<Interpreter> {
    let root = pyenv_root(variables);
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
