//! What the functions of local modules do, by their last names, and what loading the modules does: enough to know which calls
//! and imports of them must stay.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use hoist_syntax::scopes::ScopeKind;

use super::knowledge;
use super::program::{Program, State, Var};
use super::walk::{self, Surroundings};
use crate::modules::Collected;
use crate::python::{Source, ast};
use ast::{Expr, Stmt};

/// The functions of all local modules together, and each module as it is loaded.
#[derive(Debug, Default)]
pub(super) struct Local {
    /// Functions and classes that exist.
    known: BTreeSet<String>,
    /// What functions change besides their arguments; the names of their own module are `State::Local`.
    changed: BTreeMap<String, BTreeSet<State>>,
    /// Functions that may change one of their arguments.
    changing: BTreeSet<String>,
    /// Functions, and classes, whose results may be or hold a part of a module.
    giving: BTreeSet<String>,
    /// Names of modules that are iterators.
    iterators: BTreeSet<String>,
    /// What loading each file changes besides its own names, with all that it imports.
    loading: BTreeMap<PathBuf, BTreeSet<State>>,
    /// Random generators that they set.
    seeds: BTreeSet<&'static str>,
}

impl Local {
    pub(super) fn read(collected: &Collected, is_local: &dyn Fn(&str) -> bool) -> Local {
        let mut local = Local::default();
        let around = Surroundings {
            is_local,
            spares: &|_| false,
            is_whole: true,
        };
        let mut results = BTreeMap::new();
        for module in collected.modules.values() {
            if let Some(source) = &module.source {
                local.add(&module.path, source, &around, &mut results);
            }
        }
        local.follow_results(&results);
        local.follow_calls();
        local.follow_imports(collected);
        local
    }

    fn add(
        &mut self,
        path: &Path,
        source: &Source,
        around: &Surroundings<'_>,
        results: &mut BTreeMap<String, BTreeSet<Var>>,
    ) {
        let program = walk::read(source, around);
        for (name, given) in given(source, &program) {
            results.entry(name).or_default().extend(given);
        }
        let (_, changed) = program.changes(None);
        let effects = program.effects(None);
        for (_, scope) in source.scopes.iter() {
            if scope.kind == ScopeKind::Class {
                self.known.insert(scope.name.to_string());
            }
        }
        let iterators = program.iterators.iter().filter_map(|var| match var {
            Var::Module(name) => Some(name.to_string()),
            _ => None,
        });
        self.iterators.extend(iterators);
        for (id, region) in program.regions.iter().enumerate() {
            self.seeds.extend(&region.seeds);
            let effects = &effects[id];
            let states = effects
                .states
                .iter()
                .filter(|state| **state != State::Files)
                .cloned();
            let Some(scope) = region.scope else {
                // Its own names are its own matter.
                let states = states.filter(|state| *state != State::Names);
                let loading = self.loading.entry(path.to_path_buf()).or_default();
                loading.extend(states);
                continue;
            };
            let mut states: BTreeSet<State> = states.collect();
            if !effects.binds.is_empty() || !effects.changes.is_empty() {
                states.insert(State::Local);
            }
            let mut names = vec![source.scopes.get(scope).name.to_string()];
            if (names[0] == "__init__" || names[0] == "__new__")
                && let Some(class) = source.scopes.get(scope).parent
            {
                names.push(source.scopes.get(class).name.to_string());
            }
            let is_changing = changed.get(&scope).is_some_and(|changed| {
                changed
                    .iter()
                    .any(|parameter| &**parameter != "self" && &**parameter != "cls")
            });
            for name in names {
                self.known.insert(name.clone());
                if is_changing {
                    self.changing.insert(name.clone());
                }
                self.changed
                    .entry(name)
                    .or_default()
                    .extend(states.iter().cloned());
            }
        }
    }

    /// A function gives a part of its module when it gives a name of the module, or what another one gives that does.
    fn follow_results(&mut self, results: &BTreeMap<String, BTreeSet<Var>>) {
        loop {
            let is_part = |var: &Var| match var {
                Var::Module(_) | Var::State(State::Local) => true,
                Var::State(State::LocalResult(name)) => self.gives(name),
                _ => false,
            };
            let more: Vec<String> = results
                .iter()
                .filter(|(name, given)| !self.giving.contains(*name) && given.iter().any(is_part))
                .map(|(name, _)| name.clone())
                .collect();
            if more.is_empty() {
                return;
            }
            self.giving.extend(more);
        }
    }

    /// A function changes what those change that it calls.
    fn follow_calls(&mut self) {
        loop {
            let mut grew = false;
            for name in self.changed.keys().cloned().collect::<Vec<String>>() {
                let states = self.changed.get(&name).cloned().unwrap_or_default();
                let more = self.resolved(&states);
                let known = self.changed.entry(name).or_default();
                let before = known.len();
                known.extend(more);
                grew |= known.len() > before;
            }
            if !grew {
                break;
            }
        }
        for states in self.changed.values_mut() {
            let is_call = |state: &State| {
                matches!(
                    state,
                    State::LocalCall(_)
                        | State::LocalResult(_)
                        | State::LocalHeld(_)
                        | State::LocalIterator(_)
                )
            };
            states.retain(|state| !is_call(state));
        }
    }

    /// Loading a module loads what it imports.
    fn follow_imports(&mut self, collected: &Collected) {
        let own: Vec<(PathBuf, BTreeSet<State>)> = self
            .loading
            .iter()
            .map(|(path, states)| (path.clone(), self.resolved(states)))
            .collect();
        self.loading = own.into_iter().collect();
        loop {
            let mut grew = false;
            for ((path, _), files) in &collected.leads {
                let more = self.loading(files);
                if let Some(known) = self.loading.get_mut(path) {
                    let before = known.len();
                    known.extend(more);
                    grew |= known.len() > before;
                }
            }
            if !grew {
                return;
            }
        }
    }

    /// The states, with those of the functions in the place of their calls.
    fn resolved(&self, states: &BTreeSet<State>) -> BTreeSet<State> {
        let mut found = BTreeSet::new();
        for state in states {
            match state {
                State::LocalCall(name) => found.extend(self.changed_by(name)),
                State::LocalResult(name) => {
                    found.extend(self.gives(name).then_some(State::Local));
                }
                State::LocalIterator(name) => {
                    found.extend(self.is_iterator(name).then_some(State::Local));
                }
                State::LocalHeld(name) => found.extend(self.surely_changed_by(name).cloned()),
                other => {
                    found.insert(other.clone());
                }
            }
        }
        found
    }

    /// What a call of this name may change besides its arguments.
    pub(super) fn changed_by(&self, name: &str) -> BTreeSet<State> {
        match self.changed.get(name) {
            Some(states) => states.clone(),
            // A method of Python's own changes its object and nothing else.
            None if self.known.contains(name)
                || knowledge::is_quiet_method(name)
                || knowledge::is_changing(name) =>
            {
                BTreeSet::new()
            }
            None => BTreeSet::from([State::Local]),
        }
    }

    /// What a function of this name changes, if there is one.
    pub(super) fn surely_changed_by(&self, name: &str) -> impl Iterator<Item = &State> {
        self.changed.get(name).into_iter().flatten()
    }

    /// May the result of a call of this name be or hold a part of a local module?
    pub(super) fn gives(&self, name: &str) -> bool {
        self.giving.contains(name) || !self.known.contains(name)
    }

    /// May a value of this name be an iterator?
    pub(super) fn is_iterator(&self, name: &str) -> bool {
        self.iterators.contains(name)
    }

    /// What loading files changes besides their own names.
    pub(super) fn loading(&self, files: &BTreeSet<PathBuf>) -> BTreeSet<State> {
        let states = files.iter().filter_map(|file| self.loading.get(file));
        states.flatten().cloned().collect()
    }

    /// The random generators that they set.
    pub(super) fn seeds(&self) -> impl Iterator<Item = &'static str> {
        self.seeds.iter().copied()
    }

    /// Does a call of this name leave its arguments as they are?
    pub(super) fn spares(&self, name: &str) -> bool {
        self.known.contains(name) && !self.changing.contains(name)
    }
}

/// What the results of the functions and classes of a module may hold, by their names.
fn given(source: &Source, program: &Program) -> Vec<(String, BTreeSet<Var>)> {
    let mut found = Vec::new();
    for (id, scope) in source.scopes.iter() {
        let from: Vec<Var> = match scope.kind {
            ScopeKind::Function => vec![Var::Returned(id)],
            ScopeKind::Class => {
                // An instance is what its methods have as their first parameter.
                let methods = program
                    .parameters
                    .iter()
                    .filter(|(method, _)| source.scopes.get(**method).parent == Some(id));
                methods
                    .filter_map(|(method, own)| {
                        let first = own.positional.first()?;
                        Some(Var::Local(*method, first.clone()))
                    })
                    .collect()
            }
            _ => continue,
        };
        let is_value = |var: &Var| match var {
            Var::Module(_) => !program.definitions.contains_key(var) && !is_foreign(program, var),
            Var::State(state) => matches!(state, State::Local | State::LocalResult(_)),
            _ => false,
        };
        let reached = program.reach_of(from);
        found.push((
            scope.name.to_string(),
            reached.into_iter().filter(is_value).collect(),
        ));
    }
    for stmt in source.body() {
        if let Stmt::ClassDef(class) = stmt
            && class.body.iter().any(holds_something)
        {
            let part = BTreeSet::from([Var::State(State::Local)]);
            found.push((class.name.to_string(), part));
        }
    }
    found
}

fn is_foreign(program: &Program, var: &Var) -> bool {
    let path = program.imports.get(var);
    path.is_some_and(|path| !path.starts_with('.'))
}

/// Does a statement of a class's body give all instances one object that may change?
fn holds_something(stmt: &Stmt) -> bool {
    let value = match stmt {
        Stmt::Assign(assign) => Some(&assign.value),
        Stmt::AnnAssign(assign) => assign.value.as_ref(),
        _ => None,
    };
    value.is_some_and(|value| match &**value {
        Expr::Tuple(tuple) => !tuple.elts.iter().all(Expr::is_literal_expr),
        other => !other.is_literal_expr(),
    })
}
