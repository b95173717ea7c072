//! What the script or the project around it says that it needs.

use std::collections::BTreeMap;
use std::path::Path;

use pep508_rs::{Requirement, VersionOrUrl};
use toml_edit::{DocumentMut, Item};

use super::lockfile::{self, Locked};
use super::{Pin, Source, inline};
use crate::Module;
use crate::dependencies::project::Project;
use crate::files::Files;

/// What is declared. A script with metadata of its own has nothing to do with the project around it, as its runners see it.
#[derive(Default)]
pub(super) struct Declared {
    /// The requirements of the script.
    pub(super) script: Vec<String>,
    /// The Pythons that the script runs with.
    pub(super) python: Option<String>,
    /// Further package indexes.
    pub(super) indexes: Vec<String>,
    /// The releases of a lock file, by their normalised names.
    pub(super) locked: BTreeMap<String, Vec<Pin>>,
    project: Option<Project>,
}

impl Declared {
    pub(super) fn of(files: &dyn Files, module: &Module<'_>) -> Declared {
        let mut declared = match inline::block(module.document.text()) {
            Some(block) => Declared::by_script(files, module.path, &block),
            None => Declared::by_project(files, module),
        };
        for index in &mut declared.indexes {
            *index = without_secrets(index);
        }
        declared.indexes.retain(|index| !is_usual(index));
        let mut seen = std::collections::BTreeSet::new();
        declared.indexes.retain(|index| seen.insert(index.clone()));
        declared
    }

    fn by_script(files: &dyn Files, path: &Path, block: &DocumentMut) -> Declared {
        let beside = path.file_name().unwrap_or_default().to_string_lossy();
        let locked = lockfile::read(files, &path.with_file_name(format!("{beside}.lock")));
        let Locked { pins, mut indexes } = locked.unwrap_or_default();
        indexes.extend(indexes_of(block));
        Declared {
            script: texts(block.get("dependencies")),
            python: block
                .get("requires-python")
                .and_then(Item::as_str)
                .map(str::to_owned),
            indexes,
            locked: pins,
            project: None,
        }
    }

    fn by_project(files: &dyn Files, module: &Module<'_>) -> Declared {
        let folder = module.path.parent().unwrap_or(module.workspace);
        let locked = folder
            .ancestors()
            .take_while(|above| above.starts_with(module.workspace))
            .find_map(|above| {
                lockfile::read(files, &above.join("uv.lock"))
                    .or_else(|| lockfile::read(files, &above.join("pylock.toml")))
            });
        let Locked { pins, mut indexes } = locked.unwrap_or_default();
        let project = Project::around(files, folder, module.workspace);
        indexes.extend(project.iter().flat_map(Project::indexes));
        Declared {
            indexes,
            locked: pins,
            project,
            ..Declared::default()
        }
    }

    /// What the project asks for by a name, each as PEP 508 writes it.
    pub(super) fn requirements(&self, name: &str) -> Vec<String> {
        let project = self.project.iter();
        project
            .flat_map(|project| project.requirements_of(name))
            .collect()
    }

    /// The versions that the project allows of all that it names.
    pub(super) fn constraints(&self) -> Vec<String> {
        let project = self.project.iter();
        let texts = project.flat_map(Project::requirements);
        let versions = texts.filter_map(|text| {
            let requirement = super::needs::parsed(text)?;
            let Some(VersionOrUrl::VersionSpecifier(_)) = requirement.version_or_url else {
                return None;
            };
            // pip takes no extras there.
            let extras = Vec::new();
            Some(
                Requirement {
                    extras,
                    ..requirement
                }
                .to_string(),
            )
        });
        versions.collect()
    }

    /// Does the lock file or the project name it?
    pub(super) fn names(&self, name: &str) -> bool {
        let declares = |project: &Project| project.declares(name);
        self.locked.contains_key(name) || self.project.as_ref().is_some_and(declares)
    }

    /// The one release that the project allows.
    pub(super) fn pinned(&self, name: &str) -> Option<Pin> {
        let version = self.project.as_ref()?.exact(name)?;
        Some(Pin {
            version,
            when: None,
            requires: None,
            python: None,
            source: Source::Index,
            by_conda: false,
        })
    }
}

/// Is it the index that installers ask anyway?
fn is_usual(index: &str) -> bool {
    let host = index
        .split_once("://")
        .map_or(index, |(_, rest)| rest)
        .trim_end_matches('/');
    matches!(host, "pypi.org/simple" | "pypi.python.org/simple" | "")
}

/// A URL without the name and the password in it: those stay here.
fn without_secrets(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_owned();
    };
    let end = rest.find('/').unwrap_or(rest.len());
    let (host, path) = rest.split_at(end);
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    format!("{scheme}://{host}{path}")
}

/// The indexes that a pyproject.toml or a script names for its installer.
pub(crate) fn indexes_of(document: &DocumentMut) -> Vec<String> {
    let Some(tools) = document.get("tool") else {
        return Vec::new();
    };
    let mut found = Vec::new();
    if let Some(uv) = tools.get("uv") {
        found.extend(
            uv.get("index-url")
                .and_then(Item::as_str)
                .map(str::to_owned),
        );
        found.extend(texts(uv.get("extra-index-url")));
    }
    let tables = [("uv", "index"), ("poetry", "source"), ("pdm", "source")];
    for (tool, key) in tables {
        let tables = tools.get(tool).and_then(|tool| tool.get(key));
        let tables = tables.and_then(Item::as_array_of_tables);
        let urls = tables.into_iter().flatten();
        found.extend(urls.filter_map(|table| Some(table.get("url")?.as_str()?.to_owned())));
    }
    found
}

/// The texts of an array.
fn texts(item: Option<&Item>) -> Vec<String> {
    let values = item.and_then(Item::as_array).into_iter().flatten();
    values
        .filter_map(|value| value.as_str().map(str::to_owned))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_stays_here() {
        assert_eq!(
            without_secrets("https://ada:${TOKEN}@packages.example.org/simple/@x"),
            "https://packages.example.org/simple/@x"
        );
        assert_eq!(without_secrets("https://x.org"), "https://x.org");
        assert!(is_usual("https://pypi.org/simple/") && !is_usual("https://x.org/simple"));
    }
}
