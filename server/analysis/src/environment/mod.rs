//! The Python environment of a workspace: which interpreter, and what is installed for it.
//!
//! Everything is read from files: no interpreter is started, no module is imported, no line of a `.pth` is run. In come the
//! files through [`Files`] and the environment variables as a value; out goes an [`Environment`], which answers which
//! distribution an import comes from.

mod cache;
mod distribution;
mod find;
mod interpreter;
mod links;
mod names;
pub(crate) mod provides;
mod site;
mod table;
mod variables;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

pub use cache::Environments;
pub use distribution::Distribution;
pub(crate) use distribution::path_of_url;
pub use find::Question;
pub use interpreter::{Choice, Interpreter};
pub use names::normalized;
pub use table::distribution_for;
pub use variables::Variables;

use rustc_hash::FxHashMap;

use crate::files::Files;
use crate::library;
use site::Sites;

/// What is installed for an interpreter.
#[derive(Debug, Default)]
pub struct Environment {
    interpreter: Option<Interpreter>,
    /// Top-level names of Python's own library that lie in its folder.
    library: Option<FxHashMap<String, PathBuf>>,
    /// Folders of `PYTHONPATH`.
    added: Vec<PathBuf>,
    sites: Sites,
    /// Indices of distributions by the dotted names that they are imported by, in the order of `sys.path`.
    by_module: HashMap<String, Vec<usize>>,
    /// The same by the normalised name of the distribution.
    by_name: HashMap<String, usize>,
    /// What everything was read from, as it was then.
    seen: Vec<(PathBuf, Stamp)>,
}

/// What changes when a file or folder does.
type Stamp = Option<(Option<SystemTime>, u64)>;

fn stamp(files: &dyn Files, path: &Path) -> Stamp {
    let meta = files.metadata(path).ok()?;
    Some((meta.modified, meta.len))
}

impl Environment {
    /// Finds the interpreter that is asked for and reads what is installed for it.
    pub fn read(files: &dyn Files, variables: &Variables, question: &Question<'_>) -> Environment {
        let everywhere = find::Everywhere::find(files, variables);
        let interpreter = find::find(files, variables, &everywhere, question);
        Environment::of(files, variables, interpreter)
    }

    /// Reads what is installed for an interpreter; without one, nothing is.
    fn of(
        files: &dyn Files,
        variables: &Variables,
        interpreter: Option<Interpreter>,
    ) -> Environment {
        let added = variables.folders("PYTHONPATH");
        let Some(interpreter) = interpreter else {
            return Environment {
                added,
                ..Environment::default()
            };
        };
        let folders = interpreter.sites(files, variables);
        let library = interpreter.library(files);
        let mut seen: Vec<PathBuf> = library.iter().chain(&folders).cloned().collect();
        let sites = Sites::read(files, folders, &mut seen);
        let mut by_module: HashMap<String, Vec<usize>> = HashMap::new();
        let mut by_name = HashMap::new();
        for (index, distribution) in sites.distributions.iter().enumerate() {
            by_name.entry(distribution.normalized()).or_insert(index);
            // The files of an editable one lie in the project's folder, and are local.
            if distribution.editable.is_none() {
                for name in &distribution.modules {
                    by_module.entry(name.clone()).or_default().push(index);
                }
            }
        }
        Environment {
            library: library.map(|folder| library_modules(files, &folder)),
            interpreter: Some(interpreter),
            added,
            sites,
            by_module,
            by_name,
            seen: seen
                .into_iter()
                .map(|path| {
                    let stamp = stamp(files, &path);
                    (path, stamp)
                })
                .collect(),
        }
    }

    /// Whether all of it would be read again as it is. No file is read for that.
    fn is_current(&self, files: &dyn Files, variables: &Variables) -> bool {
        let folders = match &self.interpreter {
            Some(interpreter) => interpreter.sites(files, variables),
            None => Vec::new(),
        };
        folders == self.sites.folders
            && self
                .seen
                .iter()
                .all(|(path, then)| stamp(files, path) == *then)
    }

    /// The interpreter; none when there is no Python here.
    pub fn interpreter(&self) -> Option<&Interpreter> {
        self.interpreter.as_ref()
    }

    /// The folders of what is installed, in the order of `sys.path`.
    pub fn sites(&self) -> &[PathBuf] {
        &self.sites.folders
    }

    /// Every distribution that is installed, in the order of `sys.path` and of their metadata's names.
    pub fn distributions(&self) -> &[Distribution] {
        &self.sites.distributions
    }

    /// An installed distribution by its name, however it is spelt.
    pub fn distribution(&self, name: &str) -> Option<&Distribution> {
        let index = *self.by_name.get(&normalized(name))?;
        self.sites.distributions.get(index)
    }

    /// Every name that can be imported, with the distributions that its metadata says it is of.
    pub fn modules(&self) -> impl Iterator<Item = (&str, Vec<&Distribution>)> {
        self.by_module
            .iter()
            .map(|(name, indices)| (name.as_str(), self.all(indices)))
    }

    fn all(&self, indices: &[usize]) -> Vec<&Distribution> {
        indices
            .iter()
            .filter_map(|index| self.sites.distributions.get(*index))
            .collect()
    }

    /// The distributions that an installed module is of, the one that Python would take first. The longest dotted name that
    /// one is known by decides: `google.cloud.storage` is another distribution than `google.protobuf`.
    pub fn providers(&self, module: &str) -> Vec<&Distribution> {
        let ends = module.rmatch_indices('.').map(|(at, _)| at);
        let known = std::iter::once(module.len())
            .chain(ends)
            .find_map(|end| self.by_module.get(&module[..end]));
        if let Some(indices) = known {
            return self.all(indices);
        }
        // A module that lies in a folder which a `.pth` names: `win32/win32api.pyd`.
        let inner = self.sites.inner.iter().find_map(|prefix| {
            let found = self.providers_of(&format!("{prefix}.{module}"));
            (!found.is_empty()).then_some(found)
        });
        if let Some(found) = inner {
            return found;
        }
        // Some leave no list of their files: those are known by their name, or by the table's.
        let top = module.split('.').next().unwrap_or(module);
        if !self.sites.tops.contains_key(top) {
            return Vec::new();
        }
        let by_table = distribution_for(module).and_then(|name| self.distribution(name));
        by_table
            .or_else(|| self.distribution(top))
            .filter(|distribution| distribution.modules.is_empty())
            .into_iter()
            .collect()
    }

    fn providers_of(&self, module: &str) -> Vec<&Distribution> {
        let ends = module.rmatch_indices('.').map(|(at, _)| at);
        std::iter::once(module.len())
            .chain(ends)
            .find_map(|end| self.by_module.get(&module[..end]))
            .map(|indices| self.all(indices))
            .unwrap_or_default()
    }

    /// Is a top-level module installed, whether its metadata tells so or not?
    pub fn has(&self, top: &str) -> bool {
        self.sites.tops.contains_key(top)
    }

    /// Is it a regular package or a module, before which a folder without `__init__.py` elsewhere counts nothing?
    pub(crate) fn has_regular(&self, files: &dyn Files, top: &str) -> bool {
        self.sites.tops.get(top).is_some_and(|place| {
            let meta = files.metadata(place);
            let is_dir = meta.is_ok_and(|meta| meta.is_dir);
            let has_init = || {
                files
                    .metadata(&place.join("__init__.py"))
                    .is_ok_and(|meta| meta.is_file)
            };
            !is_dir || has_init()
        })
    }

    /// The folder from which an installed top-level module is found.
    pub(crate) fn folder_of(&self, top: &str) -> Option<&Path> {
        self.sites.tops.get(top)?.parent()
    }

    /// Folders of projects that are installed so that changes there count, and other folders that `.pth` files name.
    pub(crate) fn linked_folders(&self) -> &[PathBuf] {
        &self.sites.linked
    }

    /// Folders of `PYTHONPATH`.
    pub(crate) fn added_folders(&self) -> &[PathBuf] {
        &self.added
    }

    /// The place of the longest dotted name of a module that an editable install maps to a path.
    pub(crate) fn mapped<'m>(&self, module: &'m str) -> Option<(&'m str, &Path)> {
        let ends = module.rmatch_indices('.').map(|(at, _)| at);
        std::iter::once(module.len()).chain(ends).find_map(|end| {
            let name = &module[..end];
            Some((name, self.sites.mapped.get(name)?.as_path()))
        })
    }

    /// Is it a module of this Python's own library? Without an interpreter: of any version's.
    pub fn is_library(&self, module: &str) -> bool {
        let top = module.split('.').next().unwrap_or(module);
        let Some(modules) = &self.library else {
            return library::is_stdlib(top);
        };
        let minor = || {
            let minor = self.interpreter.as_ref().and_then(Interpreter::minor)?;
            minor.split_once('.')?.1.parse().ok()
        };
        modules.contains_key(top)
            || library::is_stdlib(top)
                && minor().is_none_or(|minor| !library::is_missing_in(top, minor))
    }

    /// The file or folder of a top-level module of Python's own library; none for one that is part of the interpreter.
    pub(crate) fn library_place(&self, top: &str) -> Option<&Path> {
        self.library.as_ref()?.get(top).map(PathBuf::as_path)
    }
}

/// The modules that lie in the folder of Python's own library.
fn library_modules(files: &dyn Files, folder: &Path) -> FxHashMap<String, PathBuf> {
    let mut found = FxHashMap::default();
    for folder in [folder.to_path_buf(), folder.join("lib-dynload")] {
        for (name, is_dir) in files.list(&folder).unwrap_or_default() {
            let is_other = matches!(
                name.as_str(),
                "site-packages" | "dist-packages" | "__pycache__"
            );
            let module = match is_dir {
                true => {
                    Some(name.as_str()).filter(|name| provides::is_identifier(name) && !is_other)
                }
                false => provides::module_name(&name),
            };
            if let Some(module) = module {
                found
                    .entry(module.to_owned())
                    .or_insert_with(|| folder.join(&name));
            }
        }
    }
    found
}
