//! Who reads a name, and which statements' values reach them.
//!
//! Top-level statements run once and in their order, so a statement that reads a name when it runs sees the value of the last
//! one above it that surely binds the name. What a function or a lambda reads may be any value that the name ever has.
//!
//! A value also ends where its name gets another one. Statements that do nothing else (`del raw`, `raw = None`) stay below a
//! reader of the value, for its memory; and all stay in a module that may be told of the end of its objects.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeToInclusive;

use hoist_syntax::scopes::Name;

use super::program::{Effects, Program};
use crate::python::{Source, ast};
use ast::{Expr, Stmt};

/// Who reads a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reader {
    /// A top-level statement, when it runs.
    Statement(usize),
    /// A function, at any time.
    Anyone,
}

#[derive(Debug, Default)]
struct OfName {
    /// Statements that may bind it, in their order.
    binders: Vec<usize>,
    /// Those of them after which it surely has their value.
    sure: BTreeSet<usize>,
    /// Those that only let go of its value.
    releases: BTreeSet<usize>,
    statements: BTreeSet<usize>,
    anyone: bool,
}

/// The readers of all names.
#[derive(Debug, Default)]
pub(super) struct Readers {
    names: BTreeMap<Name, OfName>,
    /// Some code may be told when an object is freed.
    ends_are_told: bool,
}

impl Readers {
    /// The names that the statements bind. What `may_stay` says no to binds nothing: it does not run.
    pub(super) fn new(
        source: &Source,
        program: &Program,
        effects: &[Effects],
        may_stay: impl Fn(usize) -> bool,
    ) -> Readers {
        let mut readers = Readers {
            ends_are_told: ["weakref", "__del__"]
                .iter()
                .any(|word| source.text().contains(word)),
            ..Readers::default()
        };
        for (unit, stmt) in source.body().iter().enumerate() {
            if !may_stay(unit) {
                continue;
            }
            let region = program.now[unit];
            for name in &effects[region].binds {
                let of_name = readers.names.entry(name.clone()).or_default();
                of_name.binders.push(unit);
                if lets_go(stmt) {
                    of_name.releases.insert(unit);
                }
            }
            for name in surely_bound(stmt) {
                if let Some(of_name) = readers.names.get_mut(name) {
                    of_name.sure.insert(unit);
                }
            }
        }
        readers
    }

    pub(super) fn add(&mut self, name: &Name, reader: Reader) {
        // A name that nothing binds has nobody to wait for.
        if let Some(of_name) = self.names.get_mut(name) {
            match reader {
                Reader::Statement(unit) => {
                    of_name.statements.insert(unit);
                }
                Reader::Anyone => of_name.anyone = true,
            }
        }
    }

    /// Does a statement bind the name, by whatever means?
    pub(super) fn are_bound(&self, name: &Name) -> bool {
        self.names.contains_key(name)
    }

    /// Does one of these statements bind the name?
    pub(super) fn is_bound_in(&self, name: &Name, units: RangeToInclusive<usize>) -> bool {
        let of_name = self.names.get(name);
        of_name.is_some_and(|of_name| of_name.binders.iter().any(|unit| units.contains(unit)))
    }

    /// Does the value that a statement binds to a name reach a reader?
    pub(super) fn see(&self, name: &Name, binder: usize) -> bool {
        let Some(of_name) = self.names.get(name) else {
            return false;
        };
        let is_read_above = |unit: usize| of_name.statements.range(..unit).next().is_some();
        of_name.anyone
            || self.ends_are_told && !of_name.statements.is_empty()
            || of_name.releases.contains(&binder) && is_read_above(binder)
            || of_name.statements.iter().any(|reader| {
                let is_bound_before = of_name.binders.iter().any(|unit| unit < reader);
                // Read before it is bound: whoever binds it is kept, and Python says what is wrong.
                !is_bound_before
                    || binder < *reader && of_name.sure.range(binder + 1..*reader).next().is_none()
            })
    }
}

/// Does a statement only end the values that names had?
fn lets_go(stmt: &Stmt) -> bool {
    match stmt {
        Stmt::Delete(delete) => delete.targets.iter().all(Expr::is_name_expr),
        Stmt::Assign(assign) => {
            assign.value.is_literal_expr() && assign.targets.iter().all(Expr::is_name_expr)
        }
        _ => false,
    }
}

/// The names that a statement binds whatever happens.
fn surely_bound(stmt: &Stmt) -> Vec<&str> {
    match stmt {
        Stmt::Assign(assign) => assign.targets.iter().flat_map(target_names).collect(),
        Stmt::AnnAssign(assign) if assign.value.is_some() => target_names(&assign.target),
        Stmt::FunctionDef(def) => vec![def.name.as_str()],
        Stmt::ClassDef(class) => vec![class.name.as_str()],
        // `import a.b` adds to what `import a.c` gave.
        Stmt::Import(import) => import
            .names
            .iter()
            .filter_map(|alias| alias.asname.as_ref().map(|name| name.as_str()))
            .collect(),
        Stmt::ImportFrom(import) => import
            .names
            .iter()
            .map(|alias| alias.asname.as_ref().unwrap_or(&alias.name).as_str())
            .collect(),
        _ => Vec::new(),
    }
}

fn target_names(target: &Expr) -> Vec<&str> {
    match target {
        Expr::Name(name) => vec![name.id.as_str()],
        Expr::Tuple(tuple) => tuple.elts.iter().flat_map(target_names).collect(),
        Expr::List(list) => list.elts.iter().flat_map(target_names).collect(),
        Expr::Starred(starred) => target_names(&starred.value),
        _ => Vec::new(),
    }
}
