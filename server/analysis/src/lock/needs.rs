//! What is needed, read from the metadata that is installed here and from what the script or the project declares.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use pep508_rs::{
    ExtraName, MarkerExpression, MarkerTree, MarkerValueExtra, Requirement, VerbatimUrl,
};

use super::declared::Declared;
use super::{Needs, Pin, Root, installed};
use crate::environment::normalized;
use crate::files::Files;
use crate::{ImportOrigin, Module, Slice};

/// What a slice of a module needs. What is declared goes before what is
/// installed: where a lock file names a release, that one; where a declaration does not allow the installed one, one that it allows.
/// For all else it is the release that is installed here.
pub fn needs(files: &dyn Files, module: &Module<'_>, slice: &Slice) -> Needs {
    let declared = Declared::of(files, module);
    let mut needs = Needs {
        roots: roots(&declared, slice),
        known: BTreeMap::new(),
        constraints: declared.constraints(),
        indexes: declared.indexes.clone(),
        python: declared.python.clone(),
    };
    if needs.roots.is_empty() {
        needs.indexes.clear();
        needs.constraints.clear();
        return needs;
    }
    let mut todo: Vec<String> = needs
        .roots
        .iter()
        .filter_map(|root| Some(normalized(parsed(&root.requirement)?.name.as_ref())))
        .collect();
    let mut seen = BTreeSet::new();
    while let Some(name) = todo.pop() {
        if !seen.insert(name.clone()) {
            continue;
        }
        let pins = pins(files, module, &declared, &name);
        for text in pins.iter().flat_map(|pin| pin.requires.iter().flatten()) {
            let Some(requirement) = parsed(text) else {
                continue;
            };
            let extras = extras_in(&requirement.marker);
            if extras.is_empty() || extras.iter().any(is_of_users) {
                todo.push(normalized(requirement.name.as_ref()));
            }
        }
        if !pins.is_empty() {
            needs.known.insert(name, pins);
        }
    }
    needs
}

/// What a distribution is known by: its releases in the lock file, else the one that is installed, else the one that is declared.
fn pins(files: &dyn Files, module: &Module<'_>, declared: &Declared, name: &str) -> Vec<Pin> {
    let here = module
        .environment
        .and_then(|environment| environment.distribution(name))
        .map(|distribution| installed::pin(files, distribution));
    let mut pins = declared.locked.get(name).cloned().unwrap_or_default();
    for pin in &mut pins {
        if let Some(here) = here.as_ref().filter(|here| here.version == pin.version) {
            // The same release: what its own metadata says is at hand where the lock file is silent.
            pin.requires = pin.requires.take().or_else(|| here.requires.clone());
            pin.python = pin.python.take().or_else(|| here.python.clone());
        }
    }
    if pins.is_empty() {
        pins.extend(here);
    }
    if pins.is_empty() {
        pins.extend(declared.pinned(name));
    }
    pins
}

fn roots(declared: &Declared, slice: &Slice) -> Vec<Root> {
    let mut roots: BTreeMap<String, Vec<Root>> = BTreeMap::new();
    for text in &declared.script {
        if let Some(requirement) = parsed(text) {
            let root = Root {
                requirement: requirement.to_string(),
                modules: Vec::new(),
            };
            let name = normalized(requirement.name.as_ref());
            roots.entry(name).or_default().push(root);
        }
    }
    // What the code does without here, it is to do without there.
    let installed = slice.requirements.iter();
    let installed = installed.filter(|it| !it.optional || it.version.is_some());
    let mut imported: Vec<(String, Vec<String>)> = installed
        .map(|it| (normalized(&it.distribution), it.modules.clone()))
        .collect();
    // What nobody knows may be declared under its own name.
    let unknown = slice.imports.iter();
    let unknown = unknown.filter(|it| it.origin == ImportOrigin::Unknown && !it.optional);
    for import in unknown {
        let name = normalized(import.module.split('.').next().unwrap_or_default());
        if declared.names(&name) && !imported.iter().any(|(known, _)| *known == name) {
            imported.push((name, vec![import.module.clone()]));
        }
    }
    for (name, modules) in imported {
        let modules = || modules.iter().cloned();
        if let Some(of_script) = roots.get_mut(&name) {
            of_script
                .iter_mut()
                .for_each(|root| root.modules.extend(modules()));
            continue;
        }
        let mut texts = declared.requirements(&name);
        let is_for_all =
            |text: &String| parsed(text).is_some_and(|it| it.marker == MarkerTree::TRUE);
        if !texts.iter().any(is_for_all) {
            // Whatever platform it is declared for: it is imported.
            texts.push(name.clone());
        }
        let all = texts.into_iter().map(|requirement| Root {
            requirement,
            modules: modules().collect(),
        });
        roots.insert(name, all.collect());
    }
    roots.into_values().flatten().collect()
}

/// A requirement as PEP 508 writes it; of an older way of writing, the name that it begins with.
pub(super) fn parsed(text: &str) -> Option<Requirement<VerbatimUrl>> {
    if let Ok(requirement) = Requirement::from_str(text) {
        return Some(requirement);
    }
    let is_of_name = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let end = text.find(|c| !is_of_name(c)).unwrap_or(text.len());
    let (name, rest) = text.split_at_checked(end)?;
    let marker = rest.split_once(';').map(|(_, marker)| marker);
    let marker = marker
        .map(|marker| format!(" ; {marker}"))
        .unwrap_or_default();
    Requirement::from_str(&format!("{name}{marker}")).ok()
}

/// The extras that a marker speaks of.
pub(super) fn extras_in(marker: &MarkerTree) -> Vec<ExtraName> {
    let mut found = Vec::new();
    for expression in marker.to_dnf().into_iter().flatten() {
        if let MarkerExpression::Extra { name, .. } = expression
            && let MarkerValueExtra::Extra(name) = name
            && !found.contains(&name)
        {
            found.push(name);
        }
    }
    found
}

/// Is an extra something that users of the library install, and not its authors? Of all at once one learns nothing.
pub(super) fn is_of_users(extra: &ExtraName) -> bool {
    const AUTHORS: &[&str] = &[
        "all",
        "bench",
        "benchmark",
        "benchmarks",
        "build",
        "check",
        "ci",
        "contrib",
        "cov",
        "coverage",
        "dev",
        "develop",
        "development",
        "doc",
        "docs",
        "documentation",
        "full",
        "lint",
        "linting",
        "maintainer",
        "mypy",
        "packaging",
        "qa",
        "release",
        "style",
        "test",
        "testing",
        "tests",
        "tutorial",
        "tutorials",
        "types",
        "typing",
    ];
    !extra
        .as_ref()
        .split('-')
        .any(|word| AUTHORS.contains(&word))
}
