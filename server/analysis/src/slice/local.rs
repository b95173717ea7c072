//! What the functions of local modules do, by their last names: enough to know which calls of them must stay.

use std::collections::{BTreeMap, BTreeSet};

use hoist_syntax::scopes::ScopeKind;

use super::program::State;
use super::walk::{self, Surroundings};
use crate::python::Source;

/// The functions of all local modules together.
#[derive(Debug, Default)]
pub(super) struct Local {
    /// Functions and classes that exist.
    known: BTreeSet<String>,
    /// Functions that change the state of a module.
    stateful: BTreeSet<String>,
    /// Functions that may change one of their arguments.
    changing: BTreeSet<String>,
}

impl Local {
    pub(super) fn read<'a>(
        sources: impl Iterator<Item = &'a Source>,
        is_local: &dyn Fn(&str) -> bool,
    ) -> Local {
        let mut local = Local::default();
        let mut calls: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let around = Surroundings {
            is_local,
            spares: &|_| false,
            is_whole: true,
        };
        for source in sources {
            let program = walk::read(source, &around);
            let (_, changed) = program.changes(None);
            let effects = program.effects(None);
            for (_, scope) in source.scopes.iter() {
                if scope.kind == ScopeKind::Class {
                    local.known.insert(scope.name.to_string());
                }
            }
            for (id, region) in program.regions.iter().enumerate() {
                let Some(scope) = region.scope else { continue };
                let mut names = vec![source.scopes.get(scope).name.to_string()];
                if (names[0] == "__init__" || names[0] == "__new__")
                    && let Some(class) = source.scopes.get(scope).parent
                {
                    names.push(source.scopes.get(class).name.to_string());
                }
                let effects = &effects[id];
                for name in names {
                    local.known.insert(name.clone());
                    if changed.get(&scope).is_some_and(|changed| {
                        changed
                            .iter()
                            .any(|parameter| &**parameter != "self" && &**parameter != "cls")
                    }) {
                        local.changing.insert(name.clone());
                    }
                    let own_state = effects.states.iter().any(|state| match state {
                        State::LocalCall(called) => {
                            calls
                                .entry(name.clone())
                                .or_default()
                                .insert(called.clone());
                            false
                        }
                        State::Files => false,
                        _ => true,
                    });
                    if own_state || !effects.binds.is_empty() || !effects.changes.is_empty() {
                        local.stateful.insert(name);
                    }
                }
            }
        }
        loop {
            let more: Vec<String> = calls
                .iter()
                .filter(|(name, called)| {
                    !local.stateful.contains(*name)
                        && called.iter().any(|called| local.changes_state(called))
                })
                .map(|(name, _)| name.clone())
                .collect();
            if more.is_empty() {
                return local;
            }
            local.stateful.extend(more);
        }
    }

    /// May a call of this name change the state of a local module?
    pub(super) fn changes_state(&self, name: &str) -> bool {
        self.stateful.contains(name)
            || !self.known.contains(name) && !super::knowledge::is_quiet_method(name)
    }

    /// Does a call of this name leave its arguments as they are?
    pub(super) fn spares(&self, name: &str) -> bool {
        self.known.contains(name) && !self.changing.contains(name)
    }
}
