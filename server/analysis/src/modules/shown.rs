//! What a module shows to `from module import *`.

use std::collections::BTreeSet;

use hoist_syntax::scopes::{BindingKind, Name};

use super::import::Import;
use crate::python::{Source, ast, constant_text};
use crate::uses::Home;
use ast::{Expr, Stmt};

/// What star imports of a module lead to; little beside the module itself.
pub(crate) struct Shown {
    /// Its own star imports, wherever they stand, but for those that never run.
    pub(crate) stars: Vec<Import>,
    /// None when the names cannot be known.
    pub(crate) names: Option<Names>,
}

/// The names that a star import takes from a module.
pub(crate) enum Names {
    /// The constant list in `__all__`.
    Listed(BTreeSet<String>),
    /// All that begin with no underscore: the module's own, and those of the modules that it takes all names of itself.
    Public {
        own: BTreeSet<String>,
        of: Vec<String>,
    },
}

impl Shown {
    /// What a module shows that has these imports.
    pub(crate) fn by(source: &Source, imports: &[Import]) -> Shown {
        let is_followed = |import: &&Import| !import.guarded && import.is_star();
        Shown {
            stars: imports.iter().filter(is_followed).cloned().collect(),
            names: Names::of(source),
        }
    }
}

impl Names {
    fn of(source: &Source) -> Option<Names> {
        // Another module stands in for it.
        if source.text().contains("sys.modules[__name__]") {
            return None;
        }
        let module = source.scopes.get(source.scopes.module());
        if module.symbols.contains("__all__") {
            return listed(source).map(Names::Listed);
        }
        if binds_by_text(source) {
            return None;
        }
        let bindings = module.bindings.iter();
        let binding = bindings.filter(|binding| {
            !matches!(binding.kind, BindingKind::Annotation | BindingKind::Delete)
        });
        let stars = source.body().iter().filter_map(|stmt| match stmt {
            Stmt::ImportFrom(import) if import.names.iter().any(is_star) => Some(import),
            _ => None,
        });
        Some(Names::Public {
            own: binding
                .map(|binding| binding.name.to_string())
                .filter(|name| !name.starts_with('_'))
                .collect(),
            of: stars.map(from_path).collect(),
        })
    }
}

fn is_star(alias: &ast::Alias) -> bool {
    alias.name.as_str() == "*"
}

/// The module of a `from` import with its dots.
pub(crate) fn from_path(import: &ast::StmtImportFrom) -> String {
    let module = import.module.as_ref().map(|name| name.as_str());
    format!(
        "{}{}",
        ".".repeat(import.level as usize),
        module.unwrap_or_default()
    )
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
