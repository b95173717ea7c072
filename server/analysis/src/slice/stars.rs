//! What star imports bind, as far as it can be read here.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use hoist_syntax::scopes::BindingKind;

use super::walk;
use crate::modules::{Collected, Resolver, Target};
use crate::python::{ast, constant_text};
use ast::Stmt;

/// For each star import, by its top-level statement, the names that it binds; none when they cannot be known.
pub(super) type Stars = BTreeMap<usize, Option<BTreeSet<String>>>;

/// The names that each star import binds; none when the module cannot be read here.
pub(super) fn stars(
    stars: &[(usize, String)],
    collected: &Collected,
    resolver: &Resolver<'_>,
    path: &Path,
) -> Stars {
    let mut found = BTreeMap::new();
    for (unit, module) in stars {
        let names = star_file(module, resolver, path)
            .and_then(|file| public_names(&file, collected, resolver, &mut BTreeSet::new()));
        found.insert(*unit, names);
    }
    found
}

fn star_file(module: &str, resolver: &Resolver<'_>, path: &Path) -> Option<PathBuf> {
    let level = module.chars().take_while(|c| *c == '.').count();
    let name = module.trim_start_matches('.');
    let found = if level == 0 {
        resolver.absolute(name, &[]).map(|(_, found)| found)?
    } else {
        let mut folder = path.parent()?.to_path_buf();
        for _ in 1..level {
            folder.pop();
        }
        if name.is_empty() {
            return Some(folder.join("__init__.py"));
        }
        resolver.follow(&folder, name)
    };
    let wanted = name.split('.').count();
    if found.len() < wanted {
        return None;
    }
    found.last().and_then(Target::file)
}

/// What `from module import *` binds: `__all__`, or every name without an underscore.
fn public_names(
    file: &Path,
    collected: &Collected,
    resolver: &Resolver<'_>,
    seen: &mut BTreeSet<PathBuf>,
) -> Option<BTreeSet<String>> {
    if !seen.insert(file.to_path_buf()) {
        return Some(BTreeSet::new());
    }
    let source = collected.modules.get(file)?.source.as_ref()?;
    let mut listed: Option<BTreeSet<String>> = None;
    let mut names: BTreeSet<String> = BTreeSet::new();
    for stmt in source.body() {
        if let Stmt::Assign(assign) = stmt
            && assign.targets.iter().any(
                |target| matches!(target, ast::Expr::Name(name) if name.id.as_str() == "__all__"),
            )
        {
            let elements = match &*assign.value {
                ast::Expr::List(list) => list.elts.as_slice(),
                ast::Expr::Tuple(tuple) => tuple.elts.as_slice(),
                _ => return None,
            };
            listed = Some(
                elements
                    .iter()
                    .filter_map(constant_text)
                    .map(str::to_owned)
                    .collect(),
            );
        }
        if let Stmt::ImportFrom(import) = stmt
            && import.names.iter().any(|alias| alias.name.as_str() == "*")
        {
            let module = walk::from_path(import);
            let inner = star_file(&module, resolver, file)?;
            names.extend(public_names(&inner, collected, resolver, seen)?);
        }
    }
    if let Some(listed) = listed {
        return Some(listed);
    }
    let module = source.scopes.get(source.scopes.module());
    names.extend(
        module
            .bindings
            .iter()
            .filter(|binding| {
                !matches!(binding.kind, BindingKind::Annotation | BindingKind::Delete)
            })
            .map(|binding| binding.name.to_string())
            .filter(|name| !name.starts_with('_')),
    );
    Some(names)
}
