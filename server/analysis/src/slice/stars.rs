//! What star imports bind, as far as it can be read here.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use hoist_syntax::scopes::{BindingKind, Name};

use super::walk;
use crate::modules::{Collected, Resolver, Target};
use crate::python::{Source, ast, constant_text};
use crate::uses::Home;
use ast::{Expr, Stmt};

/// For each star import, by its top-level statement, the names that it binds; none when they cannot be known.
pub(super) type Stars = BTreeMap<usize, Option<BTreeSet<String>>>;

/// The names that each star import binds; none when the module cannot be read here.
pub(super) fn stars(
    stars: &[(usize, String)],
    collected: &Collected,
    resolver: &Resolver<'_>,
    path: &Path,
) -> Stars {
    let mut found = Stars::new();
    for (unit, module) in stars {
        let names = star_file(module, resolver, path)
            .and_then(|file| public_names(&file, collected, resolver, &mut BTreeSet::new()));
        // One statement may hold several: `try: from a import *`, `except ImportError: from b import *`.
        let known = found.entry(*unit).or_insert_with(|| Some(BTreeSet::new()));
        match (known.as_mut(), names) {
            (Some(known), Some(names)) => known.extend(names),
            _ => *known = None,
        }
    }
    found
}

fn star_file(module: &str, resolver: &Resolver<'_>, path: &Path) -> Option<PathBuf> {
    let level = module.chars().take_while(|c| *c == '.').count();
    let name = module.trim_start_matches('.');
    let found = if level == 0 {
        resolver
            .absolute(name, std::iter::empty())
            .map(|(_, found)| found)?
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
    let module = source.scopes.get(source.scopes.module());
    if module.symbols.contains("__all__") {
        return listed(source);
    }
    if binds_by_text(source) {
        return None;
    }
    let mut names: BTreeSet<String> = BTreeSet::new();
    for stmt in source.body() {
        if let Stmt::ImportFrom(import) = stmt
            && import.names.iter().any(|alias| alias.name.as_str() == "*")
        {
            let module = walk::from_path(import);
            let inner = star_file(&module, resolver, file)?;
            names.extend(public_names(&inner, collected, resolver, seen)?);
        }
    }
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

/// May a module bind names that its text does not show? `globals().update(...)`, `exec(...)`
fn binds_by_text(source: &Source) -> bool {
    ["exec", "globals", "locals", "vars"]
        .iter()
        .any(|name| source.uses.of(Home::Module, &Name::new(name)).count() > 0)
}

/// What a module lists in `__all__`; none when anything but a constant list is put there.
fn listed(source: &Source) -> Option<BTreeSet<String>> {
    let is_all = |expr: &Expr| matches!(expr, Expr::Name(name) if name.id.as_str() == "__all__");
    let mut names = BTreeSet::new();
    let mut understood = 0;
    for stmt in source.body() {
        let added = match stmt {
            Stmt::Assign(assign) if assign.targets.iter().any(is_all) => {
                names.clear();
                constant_list(&assign.value)?
            }
            Stmt::AnnAssign(assign) if is_all(&assign.target) => {
                names.clear();
                constant_list(assign.value.as_deref()?)?
            }
            Stmt::AugAssign(assign) if is_all(&assign.target) => constant_list(&assign.value)?,
            Stmt::Expr(statement) => match added_by_call(&statement.value, is_all) {
                Some(added) => added,
                None => continue,
            },
            _ => continue,
        };
        understood += 1;
        names.extend(added);
    }
    let all = source.uses.of(Home::Module, &Name::new("__all__")).count();
    (all == understood).then_some(names)
}

/// `__all__.append("a")`, `__all__.extend(["a", "b"])`
fn added_by_call(expr: &Expr, is_all: impl Fn(&Expr) -> bool) -> Option<Vec<String>> {
    let Expr::Call(call) = expr else { return None };
    let Expr::Attribute(method) = &*call.func else {
        return None;
    };
    let [argument] = &*call.arguments.args else {
        return None;
    };
    match method.attr.as_str() {
        _ if !is_all(&method.value) => None,
        "append" => Some(vec![constant_text(argument)?.to_owned()]),
        "extend" => constant_list(argument),
        _ => None,
    }
}

fn constant_list(expr: &Expr) -> Option<Vec<String>> {
    let elements = match expr {
        Expr::List(list) => list.elts.as_slice(),
        Expr::Tuple(tuple) => tuple.elts.as_slice(),
        _ => return None,
    };
    elements
        .iter()
        .map(|element| constant_text(element).map(str::to_owned))
        .collect()
}
