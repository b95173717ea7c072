//! A module as regions of code that run together, with what each reads, binds and may change.
//!
//! A region is what one top-level statement runs by itself, or the body of a function (nested functions included). Values
//! are followed from name to name without regard to order: when `b` may hold a part of `a`, a change of `b` is one of `a`.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use hoist_syntax::scopes::{Name, ScopeId};
use rustc_hash::FxHashMap;

/// Methods that Python calls where an attribute is used.
const ACCESS: [&str; 3] = ["__getattr__", "__getattribute__", "__setattr__"];

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
    /// What a function or class of a local module of this name gives, which may be a part of that module.
    LocalResult(String),
    /// Whatever a function of a local module of this name changes, if there is one: it may be called.
    LocalHeld(String),
    /// What is left of a value of a local module of this name, if it is an iterator: it is gone through.
    LocalIterator(String),
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
    /// Methods that it calls, by name, of objects that this module does not define.
    pub(super) methods: Vec<(BTreeSet<Var>, String)>,
    /// What it calls, hands to calls or goes through, where functions may be among what these hold.
    pub(super) calls: BTreeSet<Var>,
    /// The regions in which the functions stand that it may call so.
    pub(super) called: BTreeSet<RegionId>,
    /// Values to which it applies operators, which may run methods of theirs.
    pub(super) operands: BTreeSet<Var>,
    /// Values of which it uses an attribute, which may be a property, by its name; and what it gives to it.
    pub(super) used: BTreeMap<String, BTreeSet<Var>>,
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
    /// Methods of the module's classes that Python itself calls: `__add__`, `__iter__`, `__bool__`.
    pub(super) implicit: Vec<ScopeId>,
    /// The constructors of each class.
    pub(super) constructors: FxHashMap<ScopeId, Vec<ScopeId>>,
    /// Parameters of each function: names, and whether it takes `*args` and `**kwargs` by which name.
    pub(super) parameters: FxHashMap<ScopeId, Parameters>,
    /// Full paths of imported names.
    pub(super) imports: FxHashMap<Var, String>,
    /// What each variable may hold a part of.
    pub(super) holds: FxHashMap<Var, BTreeSet<Var>>,
    /// What each parameter may be given. Only what comes to the parameter from elsewhere goes on to there.
    pub(super) passed: FxHashMap<Var, BTreeSet<Var>>,
    /// Parameters that take something up, by what they may be given.
    pub(super) taken_up: FxHashMap<Var, BTreeSet<Var>>,
    /// What each variable holds as an item: it changes with what is inside of the variable, not with the variable itself.
    pub(super) items: FxHashMap<Var, BTreeSet<Var>>,
    /// Lambdas, and expressions that run piece by piece, with the region in which each stands.
    pub(super) stands_in: FxHashMap<Var, RegionId>,
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

impl Parameters {
    /// The parameters that an argument may go to, in a function whose first `shift` ones are filled already.
    fn of(&self, slot: &Slot, shift: usize) -> Vec<&Name> {
        let rest = match slot {
            Slot::Any => return self.all.iter().collect(),
            Slot::Position(index) => match self.positional.get(index + shift) {
                Some(name) => return vec![name],
                None => &self.rest,
            },
            Slot::Keyword(keyword) => match self.all.get(keyword.as_str()) {
                Some(name) => return vec![name],
                None => &self.keywords,
            },
        };
        rest.iter().collect()
    }
}

/// What running a region may do to the module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Effects {
    pub(super) binds: BTreeSet<Name>,
    pub(super) changes: BTreeSet<Name>,
    pub(super) states: BTreeSet<State>,
}

impl Effects {
    /// Takes what another region does; true when something is new.
    fn absorb(&mut self, other: &Effects, with_states: bool) -> bool {
        let states = other.states.iter();
        let passes = |state: &&State| with_states && **state != State::Files;
        let grown = [
            add(&mut self.binds, other.binds.iter()),
            add(&mut self.changes, other.changes.iter()),
            add(&mut self.states, states.filter(passes)),
        ];
        grown.contains(&true)
    }
}

/// Adds what is missing; true when something was.
fn add<'a, T: Ord + Clone + 'a>(to: &mut BTreeSet<T>, from: impl Iterator<Item = &'a T>) -> bool {
    let before = to.len();
    for each in from {
        if !to.contains(each) {
            to.insert(each.clone());
        }
    }
    to.len() > before
}

impl Program {
    /// Everything that a variable may hold a part of, itself included.
    pub(super) fn reach_of(&self, from: impl IntoIterator<Item = Var>) -> BTreeSet<Var> {
        let mut seen: BTreeSet<Var> = BTreeSet::new();
        let mut waiting: Vec<Var> = from.into_iter().collect();
        let starts: BTreeSet<ScopeId> = waiting
            .iter()
            .filter_map(|var| match var {
                Var::Local(scope, _) => Some(*scope),
                _ => None,
            })
            .collect();
        // What was put into a parameter's place by the callers is known to others than its own function.
        let mut entered: BTreeSet<Var> = BTreeSet::new();
        while let Some(var) = waiting.pop() {
            if !seen.insert(var.clone()) {
                continue;
            }
            let held = [self.holds.get(&var), self.items.get(&var)];
            for held in held.into_iter().flatten().flatten() {
                if !seen.contains(held) {
                    waiting.push(held.clone());
                }
                let is_elsewhere = matches!(held, Var::Local(scope, _) if !starts.contains(scope));
                if is_elsewhere
                    && let Some(passed) = self.passed.get(held)
                    && entered.insert(held.clone())
                {
                    waiting.extend(passed.iter().cloned());
                }
            }
            waiting.extend(self.taken_up.get(&var).into_iter().flatten().cloned());
        }
        seen
    }

    /// Links what calls of functions of this module are given with the parameters that keep something.
    pub(super) fn link_arguments(&mut self) {
        // The parameter, what it may be given, and is it the object itself? One object of a class is not the others.
        let mut given: Vec<(Var, Var, bool)> = Vec::new();
        for pending in self.regions.iter().flat_map(|region| &region.pending) {
            for callee in &pending.callees {
                let Some(parameters) = self.parameters.get(callee) else {
                    continue;
                };
                let is_method = pending.skips_first || pending.receiver.is_some();
                let first = parameters.positional.first();
                let receiver = first.zip(pending.receiver.as_ref()).into_iter();
                let receiver = receiver.map(|(name, vars)| (vec![name], vars, true));
                let arguments = pending
                    .arguments
                    .iter()
                    .map(|(slot, vars)| (parameters.of(slot, usize::from(is_method)), vars, false));
                for (names, vars, is_object) in receiver.chain(arguments) {
                    for name in names {
                        let parameter = Var::Local(*callee, name.clone());
                        let all = vars.iter();
                        given.extend(all.map(|var| (parameter.clone(), var.clone(), is_object)));
                    }
                }
            }
        }
        for (parameter, var, is_object) in given {
            if var == parameter {
                continue;
            }
            let keeps = [self.holds.get(&parameter), self.items.get(&parameter)];
            if keeps.into_iter().flatten().any(|kept| !kept.is_empty()) {
                let taken_up = self.taken_up.entry(var.clone()).or_default();
                taken_up.insert(parameter.clone());
            }
            if !is_object {
                self.passed.entry(parameter).or_default().insert(var);
            }
        }
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
                    // What the variable stands for changes, and whatever that was taken from; its items do not. What a
                    // class makes was taken from nowhere.
                    let is_new = |var: &&Var| {
                        matches!(var, Var::Returned(scope) if self.constructors.contains_key(scope))
                    };
                    let held = self.holds.get(var).into_iter().flatten();
                    let taken_from = held.filter(|var| !is_new(var)).cloned();
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
                let mut run = |callees: &[ScopeId], operands: &BTreeSet<Var>| {
                    if callees.iter().any(|callee| parameters.contains_key(callee)) {
                        added.extend(operands.iter().cloned());
                    }
                };
                run(&self.implicit, &region.operands);
                for (attribute, operands) in &region.used {
                    for name in ACCESS.iter().copied().chain([attribute.as_str()]) {
                        if let Some(callees) = self.methods.get(name) {
                            run(callees, operands);
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
        // They stand together behind one more region, which every active one may run.
        let together = self.regions.len();
        effects.push(Effects::default());
        let mut callees: Vec<BTreeSet<RegionId>> = (0..together)
            .map(|id| {
                let mut callees: BTreeSet<RegionId> = self.callees(id).into_iter().collect();
                if self.regions[id].is_active {
                    callees.insert(together);
                }
                callees
            })
            .collect();
        callees.push(unnamed.into_iter().collect());
        for (id, callees) in callees.iter_mut().enumerate() {
            callees.retain(|callee| Some(*callee) != entry && *callee != id);
        }
        loop {
            let mut grew = false;
            for (id, callees) in callees.iter().enumerate() {
                let mut own = std::mem::take(&mut effects[id]);
                for callee in callees {
                    // It may be one of the ways to start the entry: what it sets up is not the entry's.
                    let with_states = !reaches_entry.contains(callee);
                    grew |= own.absorb(&effects[*callee], with_states);
                }
                effects[id] = own;
            }
            if !grew {
                effects.pop();
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

    /// The regions that a region may run: by a name that it reads, an attribute that a local class defines, or a value that
    /// holds functions.
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
            .chain(region.called.iter().copied())
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
