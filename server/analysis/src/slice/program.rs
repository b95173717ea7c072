//! A module as regions of code that run together, with what each reads, binds and may change.
//!
//! A region is what one top-level statement runs by itself, or the body of a function (nested functions included). Values
//! are followed from name to name without regard to order: when `b` may hold a part of `a`, a change of `b` is one of `a`.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use hoist_syntax::scopes::{Name, ScopeId};
use rustc_hash::FxHashMap;

/// Something that code can change.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Var {
    /// A name of the module.
    Module(Name),
    /// A name of a function, lambda, class or comprehension.
    Local(ScopeId, Name),
    /// What a function returns.
    Returned(ScopeId),
    /// State outside of the names of this module.
    State(State),
}

/// State that is reached without a name of this module.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum State {
    /// The set-up of the process.
    Process,
    /// Files and folders that the code makes.
    Files,
    /// The generators of libraries.
    Seed,
    /// A generator of random numbers by its module.
    Random(&'static str),
    /// The state of a library by its top-level module.
    Library(String),
    /// The names of this module, by names that are computed.
    Names,
    /// The state of the local modules together.
    Local,
    /// Whatever a function of a local module of this name changes.
    LocalCall(String),
}

pub(super) type RegionId = usize;

/// What a region does.
#[derive(Clone, Debug, Default)]
pub(super) struct Region {
    /// The top-level statement that holds it.
    pub(super) unit: usize,
    /// The function; none for what the statement runs by itself.
    pub(super) scope: Option<ScopeId>,
    /// It does more than define or import something.
    pub(super) is_active: bool,
    /// Names of the module that it reads, with the first place of each.
    pub(super) reads: BTreeMap<Name, usize>,
    /// Names that it reads where they are bound, with a place; nothing is wrong where they are not.
    pub(super) soft: BTreeMap<Name, usize>,
    /// Those of the names that it reads which are read when something of it runs later: a lambda, a generator, a method.
    pub(super) later: BTreeSet<Name>,
    /// Names of the module that it binds or deletes.
    pub(super) binds: BTreeSet<Name>,
    /// Attributes that it reads: `x.attribute`.
    pub(super) attributes: BTreeSet<String>,
    /// What it may change directly.
    pub(super) changes: BTreeSet<Var>,
    /// Containers and objects whose own items it changes, but nothing inside of these.
    pub(super) outermost: BTreeSet<Var>,
    /// What it may change through calls of functions of this module.
    pub(super) pending: Vec<Pending>,
    /// Iterators that it may exhaust.
    pub(super) consumes: BTreeSet<Var>,
    /// Why it cannot be followed, and where.
    pub(super) uncertain: Vec<(usize, String)>,
    /// Where it reads objects that may need classes of the module which it does not name.
    pub(super) unpickles: Vec<usize>,
    /// Random generators that it sets.
    pub(super) seeds: BTreeSet<&'static str>,
    /// Functions of this module that it leaves to run when the process ends.
    pub(super) at_exit: Vec<ScopeId>,
    /// Modules that it imports by a computed name.
    pub(super) dynamic_imports: Vec<usize>,
}

/// A call of functions of this module.
#[derive(Clone, Debug)]
pub(super) struct Pending {
    pub(super) callees: Vec<ScopeId>,
    /// The object of a method call, which is the first parameter.
    pub(super) receiver: Option<BTreeSet<Var>>,
    /// The first parameter is filled by Python with a new object: a constructor.
    pub(super) skips_first: bool,
    pub(super) arguments: Vec<(Slot, BTreeSet<Var>)>,
}

/// Where an argument goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Slot {
    Position(usize),
    Keyword(String),
    /// `*args`, `**kwargs`, or a callback's unknown argument: any parameter.
    Any,
}

/// A whole module.
#[derive(Debug, Default)]
pub(super) struct Program {
    pub(super) regions: Vec<Region>,
    /// The region of what each top-level statement runs by itself.
    pub(super) now: Vec<RegionId>,
    /// All regions in each top-level statement.
    pub(super) in_unit: Vec<Vec<RegionId>>,
    /// Functions and classes by the name that they are bound to.
    pub(super) definitions: FxHashMap<Var, Vec<ScopeId>>,
    /// Region of each function that has one of its own.
    pub(super) region_of: FxHashMap<ScopeId, RegionId>,
    /// Functions in classes by name.
    pub(super) methods: FxHashMap<String, Vec<ScopeId>>,
    /// The constructors of each class.
    pub(super) constructors: FxHashMap<ScopeId, Vec<ScopeId>>,
    /// Parameters of each function: names, and whether it takes `*args` and `**kwargs` by which name.
    pub(super) parameters: FxHashMap<ScopeId, Parameters>,
    /// Full paths of imported names.
    pub(super) imports: FxHashMap<Var, String>,
    /// What each variable may hold a part of.
    pub(super) holds: FxHashMap<Var, BTreeSet<Var>>,
    /// What each variable holds as an item: it changes with what is inside of the variable, not with the variable itself.
    pub(super) items: FxHashMap<Var, BTreeSet<Var>>,
    /// Variables that may hold an iterator.
    pub(super) iterators: BTreeSet<Var>,
    /// Bodies of main blocks.
    pub(super) guards: Vec<Range<usize>>,
    /// Where names are not read at all: annotations that are never evaluated.
    pub(super) skipped: Vec<Range<usize>>,
    /// Where a name that nothing binds is no mistake.
    pub(super) lenient: Vec<Range<usize>>,
    /// Decorators that only say where a function runs; they are not needed there.
    pub(super) removed: Vec<Range<usize>>,
    /// Star imports: unit and module.
    pub(super) stars: Vec<(usize, String)>,
}

/// The parameters of a function.
#[derive(Clone, Debug, Default)]
pub(super) struct Parameters {
    pub(super) positional: Vec<Name>,
    pub(super) all: BTreeSet<Name>,
    pub(super) rest: Option<Name>,
    pub(super) keywords: Option<Name>,
}

/// What running a region may do to the module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Effects {
    pub(super) binds: BTreeSet<Name>,
    pub(super) changes: BTreeSet<Name>,
    pub(super) states: BTreeSet<State>,
}

impl Effects {
    fn absorb(&mut self, other: &Effects) -> bool {
        let before = (self.binds.len(), self.changes.len(), self.states.len());
        self.binds.extend(other.binds.iter().cloned());
        self.changes.extend(other.changes.iter().cloned());
        self.states.extend(
            other
                .states
                .iter()
                .filter(|state| **state != State::Files)
                .cloned(),
        );
        before != (self.binds.len(), self.changes.len(), self.states.len())
    }
}

impl Program {
    /// Everything that a variable may hold a part of, itself included.
    fn reach_of(&self, from: impl IntoIterator<Item = Var>) -> BTreeSet<Var> {
        let mut seen: BTreeSet<Var> = BTreeSet::new();
        let mut waiting: Vec<Var> = from.into_iter().collect();
        while let Some(var) = waiting.pop() {
            if seen.contains(&var) {
                continue;
            }
            for held in [self.holds.get(&var), self.items.get(&var)]
                .into_iter()
                .flatten()
            {
                waiting.extend(held.iter().filter(|var| !seen.contains(*var)).cloned());
            }
            seen.insert(var);
        }
        seen
    }

    /// The parameters that each function may change, to a fixed point, and what each region may change.
    /// `without` is the entry: calls of it do not count.
    pub(super) fn changes(
        &self,
        without: Option<ScopeId>,
    ) -> (Vec<BTreeSet<Var>>, FxHashMap<ScopeId, BTreeSet<Name>>) {
        let mut changed: Vec<BTreeSet<Var>> = self
            .regions
            .iter()
            .map(|region| {
                let consumed = region.consumes.iter().filter(|var| {
                    self.iterators.contains(*var)
                        || self
                            .reach_of([(*var).clone()])
                            .iter()
                            .any(|var| self.iterators.contains(var))
                });
                let mut reached = self.reach_of(region.changes.iter().chain(consumed).cloned());
                for var in &region.outermost {
                    // What the variable stands for changes, and whatever that was taken from; its items do not.
                    let taken_from = self.holds.get(var).into_iter().flatten().cloned();
                    reached.extend(self.reach_of(taken_from));
                    reached.insert(var.clone());
                }
                reached
            })
            .collect();
        let mut parameters: FxHashMap<ScopeId, BTreeSet<Name>> = FxHashMap::default();
        loop {
            let mut grew = false;
            for changes in &changed {
                for var in changes {
                    if let Var::Local(scope, name) = var
                        && self
                            .parameters
                            .get(scope)
                            .is_some_and(|own| own.all.contains(name))
                    {
                        grew |= parameters.entry(*scope).or_default().insert(name.clone());
                    }
                }
            }
            for (id, region) in self.regions.iter().enumerate() {
                let mut added: BTreeSet<Var> = BTreeSet::new();
                for pending in &region.pending {
                    for callee in &pending.callees {
                        if Some(*callee) != without {
                            self.through_call(*callee, pending, &parameters, &mut added);
                        }
                    }
                }
                added.retain(|var| !changed[id].contains(var));
                if !added.is_empty() {
                    changed[id].extend(self.reach_of(added));
                    grew = true;
                }
            }
            if !grew {
                return (changed, parameters);
            }
        }
    }

    fn through_call(
        &self,
        callee: ScopeId,
        pending: &Pending,
        changed: &FxHashMap<ScopeId, BTreeSet<Name>>,
        added: &mut BTreeSet<Var>,
    ) {
        let (Some(changed), Some(parameters)) =
            (changed.get(&callee), self.parameters.get(&callee))
        else {
            return;
        };
        let mut shift = usize::from(pending.skips_first);
        if let Some(receiver) = &pending.receiver {
            shift = 1;
            if parameters
                .positional
                .first()
                .or(parameters.rest.as_ref())
                .is_some_and(|name| changed.contains(name))
            {
                added.extend(receiver.iter().cloned());
            }
        }
        for (slot, vars) in &pending.arguments {
            let hit = match slot {
                Slot::Any => true,
                Slot::Position(index) => parameters
                    .positional
                    .get(index + shift)
                    .or(parameters.rest.as_ref())
                    .is_none_or(|name| changed.contains(name)),
                Slot::Keyword(keyword) => match parameters.all.get(keyword.as_str()) {
                    Some(name) => changed.contains(name),
                    None => parameters
                        .keywords
                        .as_ref()
                        .is_none_or(|name| changed.contains(name)),
                },
            };
            if hit {
                added.extend(vars.iter().cloned());
            }
        }
    }

    /// What running each region may do to the module, calls included. Calls of the entry do not count.
    pub(super) fn effects(&self, without: Option<ScopeId>) -> Vec<Effects> {
        let (changed, _) = self.changes(without);
        let reaches_entry = self.reaching(without);
        let mut effects: Vec<Effects> = Vec::with_capacity(self.regions.len());
        for (id, region) in self.regions.iter().enumerate() {
            let mut own = Effects {
                binds: region.binds.clone(),
                ..Effects::default()
            };
            for var in &changed[id] {
                match var {
                    Var::Module(name) => match self.imports.get(var) {
                        // A change of what an import gave is one of the module behind it.
                        Some(path) => {
                            own.changes.insert(name.clone());
                            own.states.insert(state_behind(path));
                        }
                        None => {
                            own.changes.insert(name.clone());
                        }
                    },
                    Var::State(state) => {
                        own.states.insert(state.clone());
                    }
                    // A name of a function that an import bound there.
                    Var::Local(..) => {
                        if let Some(path) = self.imports.get(var) {
                            own.states.insert(state_behind(path));
                        }
                    }
                    Var::Returned(_) => {}
                }
            }
            // A function that runs at the end matters to those with whose variables it works.
            own.changes.extend(self.variables_of(&region.at_exit));
            effects.push(own);
        }
        let entry = without.and_then(|scope| self.region_of.get(&scope).copied());
        // Operators, `with`, loops and the like call methods that nobody names.
        let is_unnamed = |name: &String| name.starts_with("__") && name.ends_with("__");
        let unnamed: Vec<RegionId> = self
            .methods
            .iter()
            .filter(|(name, _)| is_unnamed(name))
            .flat_map(|(_, scopes)| scopes)
            .filter_map(|scope| self.region_of.get(scope).copied())
            .collect();
        let callees: Vec<Vec<RegionId>> = (0..self.regions.len())
            .map(|id| {
                let mut callees = self.callees(id);
                if self.regions[id].is_active {
                    callees.extend(&unnamed);
                }
                callees.retain(|callee| Some(*callee) != entry && *callee != id);
                callees
            })
            .collect();
        loop {
            let mut grew = false;
            for (id, callees) in callees.iter().enumerate() {
                for callee in callees {
                    let mut other = effects[*callee].clone();
                    if reaches_entry.contains(callee) {
                        // It is one of the ways to start the entry: what it sets up is not the entry's.
                        other.states.clear();
                    }
                    grew |= effects[id].absorb(&other);
                }
            }
            if !grew {
                return effects;
            }
        }
    }

    /// The variables of the module that functions work with, through calls, too.
    fn variables_of(&self, functions: &[ScopeId]) -> BTreeSet<Name> {
        let regions = functions
            .iter()
            .filter_map(|scope| self.region_of.get(scope).copied());
        let mut seen: BTreeSet<RegionId> = BTreeSet::new();
        let mut waiting: Vec<RegionId> = regions.collect();
        while let Some(region) = waiting.pop() {
            if seen.insert(region) {
                waiting.extend(self.callees(region));
            }
        }
        let is_variable = |name: &&Name| {
            let var = Var::Module((*name).clone());
            !self.definitions.contains_key(&var) && !self.imports.contains_key(&var)
        };
        seen.iter()
            .flat_map(|region| self.regions[*region].reads.keys())
            .filter(is_variable)
            .cloned()
            .collect()
    }

    /// The regions from which the entry may be called.
    fn reaching(&self, entry: Option<ScopeId>) -> BTreeSet<RegionId> {
        let Some(entry) = entry.and_then(|scope| self.region_of.get(&scope).copied()) else {
            return BTreeSet::new();
        };
        let mut reaching = BTreeSet::from([entry]);
        loop {
            let more: Vec<RegionId> = (0..self.regions.len())
                .filter(|id| {
                    !reaching.contains(id)
                        && self
                            .callees(*id)
                            .iter()
                            .any(|callee| reaching.contains(callee))
                })
                .collect();
            if more.is_empty() {
                reaching.remove(&entry);
                return reaching;
            }
            reaching.extend(more);
        }
    }

    /// May a region bind names of the module that cannot be known?
    pub(super) fn binds_unknown(&self) -> bool {
        let names = Var::State(State::Names);
        self.regions
            .iter()
            .any(|region| region.changes.contains(&names))
    }

    /// The regions that a region may run: by a name that it reads, or an attribute that a local class defines.
    pub(super) fn callees(&self, id: RegionId) -> Vec<RegionId> {
        let region = &self.regions[id];
        let mut scopes: Vec<ScopeId> = Vec::new();
        for name in region.reads.keys().chain(region.soft.keys()) {
            for scope in self
                .definitions
                .get(&Var::Module(name.clone()))
                .into_iter()
                .flatten()
            {
                match self.constructors.get(scope) {
                    Some(constructors) => scopes.extend(constructors),
                    None => scopes.push(*scope),
                }
            }
        }
        for attribute in &region.attributes {
            scopes.extend(self.methods.get(attribute).into_iter().flatten());
        }
        scopes
            .iter()
            .filter_map(|scope| self.region_of.get(scope).copied())
            .collect()
    }
}

/// The state that stands behind a path that is imported.
pub(super) fn state_behind(path: &str) -> State {
    if path.starts_with('.') {
        return State::Local;
    }
    let top = path.split('.').next().unwrap_or(path);
    if crate::library::is_stdlib(top) {
        State::Process
    } else {
        State::Library(top.to_owned())
    }
}
