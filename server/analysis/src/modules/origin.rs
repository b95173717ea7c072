//! Where a module comes from.

use std::path::{Path, PathBuf};

use super::import::Import;
use super::resolver::{Resolver, Target};
use super::standing::Standing;
use crate::environment::{Distribution, distribution_for};
use crate::slice::ImportOrigin;

/// Where a module comes from, as far as it is known here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Provenance {
    pub(crate) origin: ImportOrigin,
    /// The distribution: the installed one, or the one that usually has a module of this name.
    pub(crate) distribution: Option<String>,
    /// Its installed version.
    pub(crate) version: Option<String>,
    /// What it says of itself.
    pub(crate) summary: Option<String>,
    /// Of a local module, the file that is loaded, or the folder of a namespace. [`Resolver::foreign_place`] has others'.
    pub(crate) path: Option<PathBuf>,
    /// It can be imported here.
    pub(crate) is_here: bool,
}

impl Provenance {
    fn plain(origin: ImportOrigin, path: Option<PathBuf>, is_here: bool) -> Provenance {
        Provenance {
            origin,
            distribution: None,
            version: None,
            summary: None,
            path,
            is_here,
        }
    }
}

impl Resolver<'_> {
    /// Where an import of the module at `path` comes from; for a name of a `from` import, where that name does, which may be
    /// a module of its own.
    pub(crate) fn source_of(
        &self,
        standing: &Standing,
        path: &Path,
        import: &Import,
        name: Option<&str>,
    ) -> Provenance {
        let name = name.filter(|name| *name != "*");
        if import.level > 0 {
            let found = self.relative(standing, path, import, name);
            return Provenance::plain(ImportOrigin::Local, found.clone(), found.is_some());
        }
        let local = self.absolute(&import.module, name.into_iter());
        if let Some((_, found)) = local {
            let is_whole = found.len() == import.module.split('.').count();
            let last = found.last().map(|target| self.place(target, name));
            return Provenance::plain(ImportOrigin::Local, last.filter(|_| is_whole), is_whole);
        }
        self.foreign(&import.module, name)
    }

    /// The file of a relative import.
    fn relative(
        &self,
        standing: &Standing,
        path: &Path,
        import: &Import,
        name: Option<&str>,
    ) -> Option<PathBuf> {
        let mut package: Vec<&str> = standing.name.split('.').collect();
        let is_init = path.file_stem().is_some_and(|stem| stem == "__init__");
        if !is_init {
            package.pop();
        }
        for _ in 1..import.level {
            package.pop()?;
        }
        let mut folder = standing.root.clone();
        folder.extend(&package);
        let wanted = import.module.split('.').filter(|part| !part.is_empty());
        let found = self.follow(&folder, &import.module);
        if found.len() < wanted.count() {
            return None;
        }
        let package = match found.last() {
            Some(target) => target.clone(),
            None if self.is_package(&folder) => Target::Package(folder),
            None => Target::Namespace(folder),
        };
        Some(self.place(&package, name))
    }

    /// The file of a module, or of the module of this name in it.
    fn place(&self, target: &Target, name: Option<&str>) -> PathBuf {
        let inner = match (target, name) {
            (Target::Package(folder) | Target::Namespace(folder), Some(name)) => {
                self.step(folder, name)
            }
            _ => None,
        };
        let own = |target: &Target| match target {
            Target::Namespace(folder) => folder.clone(),
            other => other.file().unwrap_or_default(),
        };
        match inner {
            Some(inner @ (Target::File(_) | Target::Package(_))) => own(&inner),
            _ => own(target),
        }
    }

    /// Where a module that is not local comes from: Python's own library, what is installed, the table, or nobody knows.
    pub(crate) fn foreign(&self, module: &str, name: Option<&str>) -> Provenance {
        let top = module.split('.').next().unwrap_or(module);
        let Some(environment) = self.environment else {
            return match self.is_library(top) {
                true => Provenance::plain(ImportOrigin::Stdlib, None, true),
                false => unknown(module, name),
            };
        };
        if environment.is_library(top) {
            return Provenance::plain(ImportOrigin::Stdlib, None, true);
        }
        if !environment.has(top) {
            // An editable install may map a name to a folder of another one.
            return match environment.mapped(module) {
                Some((_, place)) => {
                    Provenance::plain(ImportOrigin::Local, Some(place.to_path_buf()), true)
                }
                None => unknown(module, name),
            };
        }
        let provider = self.provider(module, name);
        Provenance {
            origin: ImportOrigin::Distribution,
            distribution: provider
                .map(|provider| provider.name.clone())
                .or_else(|| suggestion(module, name)),
            version: provider.map(|provider| provider.version.clone()),
            summary: provider.and_then(|provider| provider.summary.clone()),
            path: None,
            is_here: true,
        }
    }

    /// The file that is loaded, or the folder of a namespace, by an import of a module that is not local.
    pub(crate) fn foreign_place(&self, module: &str, name: Option<&str>) -> Option<PathBuf> {
        let top = module.split('.').next().unwrap_or(module);
        let environment = self.environment?;
        let file_in = |folder: &Path| {
            let found = self.follow(folder, module);
            let is_whole = found.len() == module.split('.').count();
            found
                .last()
                .filter(|_| is_whole)
                .map(|target| self.place(target, name))
        };
        if environment.is_library(top) {
            // `os.path` is no file of its own.
            let place = environment.library_place(top)?;
            let whole = place.parent().and_then(file_in);
            return whole.or_else(|| {
                let found = self.follow(place.parent()?, top);
                found.last().map(|target| self.place(target, None))
            });
        }
        environment.folder_of(top).and_then(file_in)
    }

    /// The installed distribution that a module, or the module of this name in it, is of.
    pub(crate) fn provider(&self, module: &str, name: Option<&str>) -> Option<&Distribution> {
        let environment = self.environment?;
        let inner = name.map(|name| format!("{module}.{name}"));
        [inner.as_deref(), Some(module)]
            .into_iter()
            .flatten()
            .find_map(|module| environment.providers(module).into_iter().next())
    }
}

fn suggestion(module: &str, name: Option<&str>) -> Option<String> {
    let inner = name.and_then(|name| distribution_for(&format!("{module}.{name}")));
    inner
        .or_else(|| distribution_for(module))
        .map(str::to_owned)
}

fn unknown(module: &str, name: Option<&str>) -> Provenance {
    Provenance {
        distribution: suggestion(module, name),
        ..Provenance::plain(ImportOrigin::Unknown, None, false)
    }
}
