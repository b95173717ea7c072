//! Which targets the statements of a module meet: what a function needs of its module travels to that function's target.

use std::collections::{BTreeMap, BTreeSet};

use hoist_syntax::scopes::Name;

use crate::python::{Source, range_of, start_of};
use crate::runnables::directives_of;
use crate::uses::Home;

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
        let nobody = Audience {
            statements: Vec::new(),
            everywhere: default.and_then(|name| known.get(name)),
        };
        if known.is_empty() || !source.text().contains("target") {
            return nobody;
        }
        let (named, unnamed) = roots(source);
        if named.is_empty() {
            return nobody;
        }
        let needs = Needs::read(source);
        let by_default = needs.closure(&unnamed);
        let by_name: Vec<(Option<&T>, BTreeSet<usize>)> = named
            .iter()
            .map(|(target, roots)| (known.get(target), needs.closure(roots)))
            .collect();
        let met_by = |index: usize| {
            let is_named = by_name.iter().any(|(_, needed)| needed.contains(&index));
            // What no function needs runs, if at all, as a range of lines on the default target.
            let default = nobody
                .everywhere
                .filter(|_| !is_named || by_default.contains(&index));
            let named = by_name
                .iter()
                .filter(|(_, needed)| needed.contains(&index))
                .filter_map(|(target, _)| *target);
            let mut met: Vec<&T> = default.into_iter().chain(named).collect();
            met.sort_by(|a, b| a.name().cmp(b.name()));
            met.dedup_by(|a, b| a.name() == b.name());
            met
        };
        let starts = source.body().iter().map(start_of).enumerate();
        Audience {
            statements: starts.map(|(index, at)| (at, met_by(index))).collect(),
            everywhere: nobody.everywhere,
        }
    }

    /// What that which stands at a byte offset meets.
    pub(crate) fn of(&self, at: usize) -> &[&'a T] {
        let behind = self.statements.partition_point(|(start, _)| *start <= at);
        match behind
            .checked_sub(1)
            .and_then(|index| self.statements.get(index))
        {
            Some((_, met)) => met,
            None => self.everywhere.as_slice(),
        }
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

/// The top-level statements with functions that name a target, by that name, and those with functions that name none.
fn roots(source: &Source) -> (BTreeMap<String, BTreeSet<usize>>, BTreeSet<usize>) {
    let mut named: BTreeMap<String, BTreeSet<usize>> = BTreeMap::new();
    let mut unnamed = BTreeSet::new();
    let body = source.body();
    for id in source.scopes.functions() {
        let scope = source.scopes.get(id);
        let at = scope.name_range.start;
        let behind = body.partition_point(|stmt| start_of(stmt) <= at);
        let Some(index) = behind.checked_sub(1) else {
            continue;
        };
        match directives_of(&source.document, scope, &mut Vec::new()).target {
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
    fn read(source: &Source) -> Needs {
        let mut needs = Needs {
            binders: BTreeMap::new(),
            reads: Vec::new(),
        };
        for (index, stmt) in source.body().iter().enumerate() {
            let mut reads = BTreeSet::new();
            for a_use in source.uses.within(&range_of(stmt)) {
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
