//! Which targets the statements of a module meet: what a function needs of its module travels to that function's target.

use std::collections::{BTreeMap, BTreeSet};

use hoist_syntax::scopes::Name;
use hoist_syntax::words::Word;
use hoist_syntax::{Document, Scopes};

use crate::python::{Source, ast, range_of, start_of};
use crate::runnables::directives_of;
use crate::uses::{Home, Uses};
use ast::Stmt;

/// What is known of a target.
pub(crate) trait Target {
    /// The target's name.
    fn name(&self) -> &str;
}

/// What is known of targets, and for each top-level statement what it meets of that.
pub(crate) struct Audience<'a, T> {
    /// Where each top-level statement begins, with the targets that it meets.
    statements: Vec<(usize, Vec<&'a T>)>,
    /// What all of them meet, when no function names a target.
    everywhere: Option<&'a T>,
}

impl<'a, T: Target> Audience<'a, T> {
    /// `default` is the target of functions that name none; `known` is by the targets' names.
    pub(crate) fn read(
        source: &Source,
        default: Option<&str>,
        known: &'a BTreeMap<String, T>,
    ) -> Audience<'a, T> {
        let everywhere = default.and_then(|name| known.get(name));
        let destinations = match known.is_empty() {
            true => Destinations::default(),
            false => Destinations::read(
                &source.document,
                &source.scopes,
                &source.uses,
                source.body(),
            ),
        };
        let known_of = |names: &[Option<String>]| {
            let mut met: Vec<&T> = names
                .iter()
                .filter_map(|name| match name {
                    Some(name) => known.get(name),
                    None => everywhere,
                })
                .collect();
            met.sort_by(|a, b| a.name().cmp(b.name()));
            met.dedup_by(|a, b| a.name() == b.name());
            met
        };
        let statements = destinations.statements.iter();
        Audience {
            statements: statements
                .map(|(at, names)| (*at, known_of(names)))
                .collect(),
            everywhere,
        }
    }

    /// What that which stands at a byte offset meets.
    pub(crate) fn of(&self, at: usize) -> &[&'a T] {
        met_at(&self.statements, at).unwrap_or(self.everywhere.as_slice())
    }

    /// Everything that some statement meets.
    pub(crate) fn all(&self) -> Vec<&'a T> {
        let met = self.statements.iter().flat_map(|(_, met)| met);
        let by_name: BTreeMap<&str, &T> = met
            .chain(self.everywhere.as_slice())
            .map(|target| (target.name(), *target))
            .collect();
        by_name.into_values().collect()
    }
}

/// For each top-level statement the targets that it meets, by name; none stands for the default target.
#[derive(Default)]
pub(crate) struct Destinations {
    /// Where each begins. There are none when no function names a target.
    statements: Vec<(usize, Vec<Option<String>>)>,
}

impl Destinations {
    pub(crate) fn read(
        document: &Document,
        scopes: &Scopes,
        uses: &Uses,
        body: &[Stmt],
    ) -> Destinations {
        if !document.words().have(Word::Target) {
            return Destinations::default();
        }
        let (named, unnamed) = roots(document, scopes, body);
        if named.is_empty() {
            return Destinations::default();
        }
        let needs = Needs::read(uses, body);
        let by_default = needs.closure(&unnamed);
        let by_name: Vec<(&String, BTreeSet<usize>)> = named
            .iter()
            .map(|(target, roots)| (target, needs.closure(roots)))
            .collect();
        let met_by = |index: usize| {
            let named = by_name.iter().filter(|(_, needed)| needed.contains(&index));
            let mut met: Vec<Option<String>> =
                named.map(|(target, _)| Some((*target).clone())).collect();
            // What no function needs runs, if at all, as a range of lines on the default target.
            if met.is_empty() || by_default.contains(&index) {
                met.push(None);
            }
            met
        };
        let starts = body.iter().map(start_of).enumerate();
        Destinations {
            statements: starts.map(|(index, at)| (at, met_by(index))).collect(),
        }
    }

    /// The targets that what stands at a byte offset meets.
    pub(crate) fn of(&self, at: usize) -> &[Option<String>] {
        met_at(&self.statements, at).unwrap_or(&[None])
    }
}

/// What the statement meets in which a byte offset lies; none before the first.
fn met_at<T>(statements: &[(usize, Vec<T>)], at: usize) -> Option<&[T]> {
    let behind = statements.partition_point(|(start, _)| *start <= at);
    let (_, met) = statements.get(behind.checked_sub(1)?)?;
    Some(met)
}

/// The top-level statements with functions that name a target, by that name, and those with functions that name none.
fn roots(
    document: &Document,
    scopes: &Scopes,
    body: &[Stmt],
) -> (BTreeMap<String, BTreeSet<usize>>, BTreeSet<usize>) {
    let mut named: BTreeMap<String, BTreeSet<usize>> = BTreeMap::new();
    let mut unnamed = BTreeSet::new();
    for id in scopes.functions() {
        let scope = scopes.get(id);
        let at = scope.name_range.start;
        let behind = body.partition_point(|stmt| start_of(stmt) <= at);
        let Some(index) = behind.checked_sub(1) else {
            continue;
        };
        match directives_of(document, scope, &mut Vec::new()).target {
            Some(target) => {
                named.entry(target).or_default().insert(index);
            }
            // A function inside of one that names a target goes there with it.
            None if scope.qualname.contains("<locals>") => {}
            None => {
                unnamed.insert(index);
            }
        }
    }
    (named, unnamed)
}

/// What each top-level statement binds and reads of the module's names.
struct Needs {
    binders: BTreeMap<Name, Vec<usize>>,
    reads: Vec<BTreeSet<Name>>,
}

impl Needs {
    fn read(uses: &Uses, body: &[Stmt]) -> Needs {
        let mut needs = Needs {
            binders: BTreeMap::new(),
            reads: Vec::new(),
        };
        for (index, stmt) in body.iter().enumerate() {
            let mut reads = BTreeSet::new();
            for a_use in uses.within(&range_of(stmt)) {
                if a_use.home != Home::Module {
                    continue;
                }
                if a_use.binding.is_some() {
                    let binders = needs.binders.entry(a_use.name.clone()).or_default();
                    binders.push(index);
                } else {
                    reads.insert(a_use.name.clone());
                }
            }
            needs.reads.push(reads);
        }
        needs
    }

    /// The statements that some of them need, be it through others.
    fn closure(&self, roots: &BTreeSet<usize>) -> BTreeSet<usize> {
        let mut reached = roots.clone();
        let mut waiting: Vec<usize> = roots.iter().copied().collect();
        while let Some(index) = waiting.pop() {
            let names = self.reads.get(index).into_iter().flatten();
            for needed in names.filter_map(|name| self.binders.get(name)).flatten() {
                if reached.insert(*needed) {
                    waiting.push(*needed);
                }
            }
        }
        reached
    }
}
