//! Which statements of a module a run of one of its functions may carry.

use hoist_syntax::scopes::{Name, Scope, ScopeId, ScopeKind, Symbol};
use rustc_hash::FxHashSet;

use crate::python::{Source, ast, start_of};
use ast::Stmt;

/// For each top-level statement: does a function of the module need it, be it through others? Definitions and imports count
/// as needed, for they are, or serve, entries themselves.
pub(super) fn carried(source: &Source) -> Vec<bool> {
    let (mut units, mut needed) = read(source);
    loop {
        let mut grew = false;
        for unit in &mut units {
            if !unit.is_carried && unit.binds.iter().any(|name| needed.contains(name)) {
                unit.is_carried = true;
                grew = true;
                needed.extend(&unit.reads);
            }
        }
        if !grew {
            return units.iter().map(|unit| unit.is_carried).collect();
        }
    }
}

/// A top-level statement.
#[derive(Default)]
struct Unit<'a> {
    /// It is a definition or an import; later also, a function needs it.
    is_carried: bool,
    /// Of any other statement, the names of the module that it binds, and those that it reads itself.
    binds: Vec<&'a Name>,
    reads: Vec<&'a Name>,
}

/// The top-level statements, and the names that definitions read.
fn read(source: &Source) -> (Vec<Unit<'_>>, FxHashSet<&Name>) {
    let body = source.body();
    let is_definition = |stmt: &Stmt| {
        matches!(
            stmt,
            Stmt::FunctionDef(_) | Stmt::ClassDef(_) | Stmt::Import(_) | Stmt::ImportFrom(_)
        )
    };
    let unit = |stmt: &Stmt| Unit {
        is_carried: is_definition(stmt),
        ..Unit::default()
    };
    let mut units: Vec<Unit<'_>> = body.iter().map(unit).collect();
    let mut needed = FxHashSet::default();
    let scopes = &source.scopes;
    let unit_at = |at: usize| {
        let behind = body.partition_point(|stmt| start_of(stmt) <= at);
        behind.saturating_sub(1)
    };
    for (id, scope) in scopes.iter().filter(|(_, scope)| !scope.is_detached) {
        if id == scopes.module() {
            for reference in &scope.references {
                match units.get_mut(unit_at(reference.range.start)) {
                    Some(unit) if !unit.is_carried => unit.reads.push(&reference.name),
                    _ => {
                        needed.insert(&reference.name);
                    }
                }
            }
            for binding in &scope.bindings {
                if let Some(unit) = units.get_mut(unit_at(binding.range.start))
                    && !unit.is_carried
                {
                    unit.binds.push(&binding.name);
                }
            }
            continue;
        }
        let unit = units.get_mut(unit_at(scope.range.start));
        let unit = unit.filter(|unit| !unit.is_carried);
        let is_global = |symbol: &Symbol| symbol.resolution.is_global();
        let symbols = scope.symbols.iter();
        let reads = symbols
            .filter(|(name, symbol)| is_global(symbol) && is_read(scope, name, symbol))
            .map(|(name, _)| name);
        match unit {
            None => needed.extend(reads),
            Some(unit) => {
                let bindings = scope.bindings.iter().map(|binding| &binding.name);
                unit.binds
                    .extend(bindings.filter(|name| scope.symbols.get(name).is_some_and(is_global)));
                match is_in_definition(source, id) {
                    true => needed.extend(reads),
                    false => unit.reads.extend(reads),
                }
            }
        }
    }
    (units, needed)
}

/// Does a name stand in a scope to be read? `super()` reads `__class__` without naming it.
fn is_read(scope: &Scope, name: &Name, symbol: &Symbol) -> bool {
    let mut references = scope.references.iter();
    symbol.is_referenced
        && (*name != "__class__" || references.any(|reference| reference.name == *name))
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
