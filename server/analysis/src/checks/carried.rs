//! Which statements of a module a run of one of its functions may carry.

use std::collections::BTreeSet;

use hoist_syntax::scopes::{Name, ScopeId, ScopeKind};

use crate::python::{Source, ast, range_of};
use crate::uses::Home;
use ast::Stmt;

/// For each top-level statement: does a function of the module need it, be it through others? Definitions and imports count
/// as needed, for they are, or serve, entries themselves.
pub(super) fn carried(source: &Source) -> Vec<bool> {
    let body = source.body();
    let mut units: Vec<Unit> = Vec::with_capacity(body.len());
    let mut needed: BTreeSet<Name> = BTreeSet::new();
    for stmt in body {
        let mut unit = Unit {
            is_definition: matches!(
                stmt,
                Stmt::FunctionDef(_) | Stmt::ClassDef(_) | Stmt::Import(_) | Stmt::ImportFrom(_)
            ),
            ..Unit::default()
        };
        for a_use in source.uses.within(&range_of(stmt)) {
            if a_use.home != Home::Module {
                continue;
            }
            if a_use.binding.is_some() {
                unit.binds.insert(a_use.name.clone());
            } else if unit.is_definition || is_in_definition(source, a_use.scope) {
                needed.insert(a_use.name.clone());
            } else {
                unit.reads.push(a_use.name.clone());
            }
        }
        units.push(unit);
    }
    let mut carried: Vec<bool> = units.iter().map(|unit| unit.is_definition).collect();
    loop {
        let mut grew = false;
        for (unit, is_carried) in units.iter().zip(&mut carried) {
            if !*is_carried && unit.binds.iter().any(|name| needed.contains(name)) {
                *is_carried = true;
                grew = true;
                needed.extend(unit.reads.iter().cloned());
            }
        }
        if !grew {
            return carried;
        }
    }
}

#[derive(Default)]
struct Unit {
    is_definition: bool,
    binds: BTreeSet<Name>,
    reads: Vec<Name>,
}

/// Does a scope belong to a function or class?
fn is_in_definition(source: &Source, scope: ScopeId) -> bool {
    let mut at = Some(scope);
    while let Some(id) = at {
        let scope = source.scopes.get(id);
        if matches!(scope.kind, ScopeKind::Function | ScopeKind::Class) {
            return true;
        }
        at = scope.parent;
    }
    false
}
