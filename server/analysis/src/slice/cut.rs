//! Which top-level statements an entry needs.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use hoist_syntax::scopes::{BindingKind, Name, ScopeId};

use super::program::{Effects, Program, State};
use super::readers::{Reader, Readers};
use super::reading::Reading;
use crate::library::{is_builtin, is_stdlib};
use crate::modules::{Import, imports_of};
use crate::python::{Source, ast, is_main_test, range_of, start_of};
use crate::uses::Home;
use ast::{Expr, Stmt};

/// What the entry asks for.
#[derive(Debug, Default)]
pub(super) struct Want {
    /// Names of the module, with the place that reads each (none for what the arguments read).
    pub(super) names: BTreeMap<Name, Option<usize>>,
    /// Statements that are the entry themselves.
    pub(super) units: BTreeSet<usize>,
    /// The function; calls of it in the module do not count as needed.
    pub(super) entry: Option<ScopeId>,
    /// The statement that holds a nested entry: it is opened, it cannot stay whole.
    pub(super) opened: Option<usize>,
    /// What the carried statements of a nested entry import.
    pub(super) imports: Vec<String>,
    /// Where the carried statements stand.
    pub(super) carried: Vec<Range<usize>>,
}

/// What stays.
#[derive(Debug, Default)]
pub(super) struct Cut {
    /// Indices of the top-level statements.
    pub(super) units: BTreeSet<usize>,
    /// Why all of it stays, and where that stands.
    pub(super) whole: Option<(usize, String)>,
    /// Names that nothing binds, with their places.
    pub(super) unresolved: Vec<(Name, Option<usize>)>,
    /// Names that are bound in the main block alone.
    pub(super) only_main: Vec<(Name, Option<usize>)>,
    /// Names that get a value only when some function has run, with that function.
    pub(super) only_after: Vec<(Name, Option<usize>, String)>,
    /// Names that may come from a star import that cannot be read.
    pub(super) from_star: Vec<(Name, Option<usize>)>,
    /// Needed names that the opened statement binds.
    pub(super) enclosing: Vec<Name>,
    /// Imports by computed names.
    pub(super) dynamic: Vec<usize>,
    /// All names that the kept statements read or bind.
    pub(super) used: BTreeSet<Name>,
}

struct Cutter<'a> {
    reading: &'a Reading<'a>,
    source: &'a Source,
    program: &'a Program,
    want: &'a Want,
    effects: Vec<Effects>,
    /// Imports of each statement.
    imports: Vec<Vec<Import>>,
    /// What loading the local modules changes that each statement imports.
    loading: Vec<BTreeSet<State>>,
    seeded: BTreeSet<&'static str>,
    units: BTreeSet<usize>,
    needed: BTreeMap<Name, Option<usize>>,
    readers: Readers,
    states: BTreeSet<State>,
    /// Top-level packages that are needed through a plain `import`.
    packages: BTreeSet<String>,
}

/// Chooses the statements. `foreign` are the modules that the local modules import.
pub(super) fn cut(reading: &Reading<'_>, want: &Want, foreign: &[String]) -> Cut {
    let Reading {
        source, program, ..
    } = reading;
    let imports: Vec<Vec<Import>> = source
        .body()
        .iter()
        .map(|stmt| imports_of(std::slice::from_ref(stmt)))
        .collect();
    let runs_now = |import: &&Import| !import.guarded && !import.in_function;
    let loading = imports
        .iter()
        .map(|imports| {
            let now = imports.iter().filter(runs_now);
            now.flat_map(|import| reading.loading(import)).collect()
        })
        .collect();
    let effects = program.effects(want.entry);
    let mut cutter = Cutter {
        reading,
        source,
        program,
        want,
        imports,
        loading,
        seeded: seeded_at_module_level(program)
            .into_iter()
            .chain(reading.local.seeds())
            .collect(),
        units: BTreeSet::new(),
        needed: BTreeMap::new(),
        readers: Readers::new(source, program, &effects, |unit| {
            may_stay(source, want, unit)
        }),
        effects,
        states: BTreeSet::from([State::Process, State::Files, State::Names]),
        packages: BTreeSet::new(),
    };
    for module in foreign {
        cutter.need_module(module);
    }
    for module in &want.imports {
        cutter.need_module(module);
    }
    for (name, at) in &want.names {
        cutter.need(name, *at, Reader::Anyone);
    }
    for unit in &want.units {
        cutter.take(*unit);
    }
    cutter.take_carried();
    cutter.close();
    cutter.finish()
}

/// Generators that are set while the module is loaded.
fn seeded_at_module_level(program: &Program) -> BTreeSet<&'static str> {
    let mut seen: BTreeSet<usize> = BTreeSet::new();
    let mut waiting: Vec<usize> = program.now.clone();
    let mut seeded = BTreeSet::new();
    while let Some(region) = waiting.pop() {
        if !seen.insert(region) {
            continue;
        }
        seeded.extend(program.regions[region].seeds.iter().copied());
        waiting.extend(program.callees(region));
    }
    seeded
}

/// The classes that the module binds.
fn classes(source: &Source) -> impl Iterator<Item = Name> {
    let bindings = &source.scopes.get(source.scopes.module()).bindings;
    bindings
        .iter()
        .filter(|binding| binding.kind == BindingKind::Class)
        .map(|binding| binding.name.clone())
}

/// Is the statement a main block without anything else?
pub(super) fn is_main_block(stmt: &Stmt) -> bool {
    matches!(stmt, Stmt::If(choice) if is_main_test(&choice.test) && choice.elif_else_clauses.is_empty())
}

/// May the statement stay? Main blocks and the opened statement may not.
fn may_stay(source: &Source, want: &Want, unit: usize) -> bool {
    let Some(stmt) = source.body().get(unit) else {
        return false;
    };
    if is_main_block(stmt) || want.opened == Some(unit) {
        return false;
    }
    match want.units.first() {
        // Before the entry's own statements everything counts, after them only what defines something.
        Some(first) if unit > *first => {
            matches!(
                stmt,
                Stmt::FunctionDef(_) | Stmt::ClassDef(_) | Stmt::Import(_) | Stmt::ImportFrom(_)
            )
        }
        _ => true,
    }
}

impl Cutter<'_> {
    fn may_stay(&self, unit: usize) -> bool {
        may_stay(self.source, self.want, unit)
    }

    /// Does the statement stand below lines that are the entry?
    fn is_below(&self, unit: usize) -> bool {
        self.want.units.first().is_some_and(|first| unit > *first)
            && !self.want.units.contains(&unit)
    }

    fn need_module(&mut self, module: &str) {
        let top = module.split('.').next().unwrap_or(module);
        if module.starts_with('.') || self.reading.is_local(top) {
            self.states.insert(State::Local);
            return;
        }
        if top == "random" {
            self.states.insert(State::Random("random"));
        }
        self.states.insert(State::Library(top.to_owned()));
        if !is_stdlib(top) {
            self.states.insert(State::Seed);
            self.states.insert(State::Random("numpy.random"));
        }
    }

    fn need(&mut self, name: &Name, at: Option<usize>, reader: Reader) {
        self.needed.entry(name.clone()).or_insert(at);
        self.readers.add(name, reader);
    }

    fn take(&mut self, unit: usize) {
        if !self.units.insert(unit) {
            return;
        }
        let program = self.program;
        for id in &program.in_unit[unit] {
            let region = &program.regions[*id];
            let runs_now = *id == program.now[unit];
            for (name, at) in &region.reads {
                let reader = match runs_now && !region.later.contains(name) {
                    true => Reader::Statement(unit),
                    false => Reader::Anyone,
                };
                self.need(name, Some(*at), reader);
            }
            for name in region.soft.keys() {
                if self.binds_somewhere(name) {
                    self.need(name, None, Reader::Anyone);
                }
            }
            if !region.unpickles.is_empty() {
                for class in classes(self.source) {
                    self.need(&class, None, Reader::Anyone);
                }
            }
        }
        for import in std::mem::take(&mut self.imports[unit]) {
            if import.guarded {
                continue;
            }
            let dots = ".".repeat(import.level as usize);
            self.need_module(&format!("{dots}{}", import.module));
            if import.names.is_empty() {
                let top = import.module.split('.').next().unwrap_or_default();
                self.packages.insert(top.to_owned());
            }
        }
    }

    /// The regions of the opened statement with what of them is carried.
    fn opened_regions(&self) -> impl Iterator<Item = &super::program::Region> {
        let opened = self
            .want
            .opened
            .and_then(|unit| self.program.in_unit.get(unit));
        opened
            .into_iter()
            .flatten()
            .map(|id| &self.program.regions[*id])
    }

    fn is_carried(&self, at: usize) -> bool {
        self.want.carried.iter().any(|range| range.contains(&at))
    }

    /// What the carried statements read without naming it as code does.
    fn take_carried(&mut self) {
        let mut names: Vec<Name> = Vec::new();
        for region in self.opened_regions() {
            names.extend(
                region
                    .soft
                    .iter()
                    .filter(|(_, at)| self.is_carried(**at))
                    .map(|(name, _)| name.clone()),
            );
            if region.unpickles.iter().any(|at| self.is_carried(*at)) {
                // But for the class around it: that does not travel, and a pickle of it would say so itself.
                names.extend(classes(self.source).filter(|name| !self.opens(name)));
            }
        }
        for name in names {
            if self.binds_somewhere(&name) {
                self.need(&name, None, Reader::Anyone);
            }
        }
    }

    /// Is the name bound by the statement out of which the entry is carried?
    fn opens(&self, name: &Name) -> bool {
        self.want
            .opened
            .is_some_and(|opened| self.effects[self.program.now[opened]].binds.contains(name))
    }

    fn carried_uncertain(&self) -> Vec<(usize, String)> {
        let all = self
            .opened_regions()
            .flat_map(|region| region.uncertain.iter());
        all.filter(|(at, _)| self.is_carried(*at))
            .cloned()
            .collect()
    }

    fn binds_somewhere(&self, name: &Name) -> bool {
        self.source
            .uses
            .of(Home::Module, name)
            .any(|a_use| a_use.binding.is_some())
            || self.readers.are_bound(name)
    }

    fn is_needed(&self, unit: usize) -> bool {
        let stmt = &self.source.body()[unit];
        if let Stmt::ImportFrom(import) = stmt
            && import
                .module
                .as_ref()
                .is_some_and(|module| module.as_str() == "__future__")
        {
            return true;
        }
        let effects = &self.effects[self.program.now[unit]];
        let is_seen = |name: &Name| self.readers.see(name, unit);
        let is_needed = |name: &Name| self.needed.contains_key(name);
        if self.is_below(unit) {
            let last = self.want.units.last().copied().unwrap_or_default();
            // It stands below the lines that run, so it is there for a name that nothing above binds, and for nothing else.
            let is_new = |name: &Name| !self.readers.is_bound_in(name, ..=last);
            let reads = &self.program.regions[self.program.now[unit]].reads;
            let stands = reads
                .keys()
                .all(|name| is_builtin(name) || self.readers.are_bound(name));
            return stands
                && effects
                    .binds
                    .iter()
                    .any(|name| is_seen(name) && is_new(name));
        }
        if effects.binds.iter().any(is_seen) || effects.changes.iter().any(is_needed) {
            return true;
        }
        if let Some(names) = self.reading.stars.get(&unit) {
            match names {
                None => return true,
                Some(names) if self.needed.keys().any(|name| names.contains(&**name)) => {
                    return true;
                }
                Some(_) => {}
            }
        }
        // What a star import gives is another module's.
        let of_star = |name: &Name| {
            let mut all = self.reading.stars.values().flatten();
            all.any(|names| names.contains(&**name))
        };
        if self.states.contains(&State::Local) && effects.changes.iter().any(of_star) {
            return true;
        }
        let states = effects.states.iter().chain(&self.loading[unit]);
        states.into_iter().any(|state| self.is_needed_state(state)) || self.is_needed_import(unit)
    }

    fn is_needed_state(&self, state: &State) -> bool {
        match state {
            State::Random(generator) => {
                self.seeded.contains(generator) && self.states.contains(state)
            }
            State::LocalCall(name) => {
                let changed = self.reading.local.changed_by(name);
                changed.iter().any(|state| self.is_needed_state(state))
            }
            State::LocalResult(name) => {
                self.states.contains(&State::Local) && self.reading.local.gives(name)
            }
            State::LocalIterator(name) => {
                self.states.contains(&State::Local) && self.reading.local.is_iterator(name)
            }
            State::LocalHeld(name) => {
                let mut changed = self.reading.local.surely_changed_by(name);
                changed.any(|state| self.is_needed_state(state))
            }
            other => self.states.contains(other),
        }
    }

    /// Imports that do something besides binding their names.
    fn is_needed_import(&self, unit: usize) -> bool {
        let stmt = &self.source.body()[unit];
        let is_import = match stmt {
            Stmt::Import(_) | Stmt::ImportFrom(_) => true,
            Stmt::Try(attempt) => attempt
                .body
                .iter()
                .all(|stmt| matches!(stmt, Stmt::Import(_) | Stmt::ImportFrom(_))),
            _ => false,
        };
        if !is_import {
            return false;
        }
        let imports = &self.imports[unit];
        // `import scipy` uses what `from scipy import stats` has loaded.
        let loads_part = imports.iter().any(|import| {
            let top = import.module.split('.').next().unwrap_or_default();
            import.level == 0
                && self.packages.contains(top)
                && (import.module.contains('.') || !import.names.is_empty())
        });
        if loads_part {
            return true;
        }
        let range = range_of(stmt);
        let mut bound = self
            .source
            .uses
            .within(&range)
            .iter()
            .filter(|a_use| a_use.binding.is_some())
            .peekable();
        let unused = bound.peek().is_some()
            && bound.all(|a_use| {
                self.source
                    .uses
                    .of(a_use.home, &a_use.name)
                    .all(|other| other.binding.is_some())
            });
        if !unused {
            return false;
        }
        // An import whose name nobody reads was written for what it does.
        let line = self
            .source
            .document
            .lines()
            .line_range(self.source.text(), self.source.line(range.end) - 1);
        let is_marked = self
            .source
            .text()
            .get(line)
            .is_some_and(|line| line.contains("noqa"));
        imports.iter().any(|import| {
            let top = import.module.split('.').next().unwrap_or_default();
            let is_local = import.level > 0 || self.reading.is_local(top);
            is_local
                || (is_marked && !is_stdlib(top))
                || self.states.contains(&State::Library(top.to_owned()))
                || import.module.starts_with("mpl_toolkits")
        })
    }

    fn close(&mut self) {
        loop {
            let before = self.units.len();
            for unit in 0..self.source.body().len() {
                if !self.units.contains(&unit) && self.may_stay(unit) && self.is_needed(unit) {
                    self.take(unit);
                }
            }
            if self.units.len() == before {
                return;
            }
        }
    }

    fn keep_all(&mut self) {
        let entry = self.want.entry;
        for unit in 0..self.source.body().len() {
            let stmt = &self.source.body()[unit];
            let is_entry_call =
                matches!(stmt, Stmt::Expr(expr) if self.calls_entry(&expr.value, entry));
            if self.may_stay(unit) && !is_entry_call && !self.is_below(unit) {
                self.take(unit);
            }
        }
    }

    fn calls_entry(&self, expr: &Expr, entry: Option<ScopeId>) -> bool {
        let Expr::Call(call) = expr else { return false };
        let Expr::Name(name) = &*call.func else {
            return false;
        };
        if name.id.as_str() == "print" {
            return call
                .arguments
                .args
                .iter()
                .any(|argument| self.calls_entry(argument, entry));
        }
        let var = super::program::Var::Module(Name::new(name.id.as_str()));
        let scopes = self.program.definitions.get(&var);
        entry.is_some_and(|entry| scopes.is_some_and(|scopes| scopes.contains(&entry)))
    }

    fn finish(mut self) -> Cut {
        let mut cut = Cut::default();
        let kept: Vec<usize> = self.units.iter().copied().collect();
        let regions = kept
            .iter()
            .flat_map(|unit| &self.program.in_unit[*unit])
            .map(|id| &self.program.regions[*id]);
        cut.whole = regions
            .flat_map(|region| region.uncertain.iter().cloned())
            .chain(self.carried_uncertain())
            .min();
        let needed = self.needed.clone();
        if cut.whole.is_some() {
            self.keep_all();
        }
        let mut bound: BTreeSet<Name> = BTreeSet::new();
        for unit in &self.units {
            bound.extend(self.effects[self.program.now[*unit]].binds.iter().cloned());
            for region in &self.program.in_unit[*unit] {
                let region = &self.program.regions[*region];
                bound.extend(region.binds.iter().cloned());
                cut.dynamic.extend(&region.dynamic_imports);
                cut.used
                    .extend(region.reads.keys().chain(&region.binds).cloned());
            }
        }
        let star = self
            .reading
            .stars
            .iter()
            .any(|(unit, names)| names.is_none() && self.units.contains(unit));
        let computed = self.units.iter().any(|unit| {
            let effects = &self.effects[self.program.now[*unit]];
            effects.states.contains(&State::Names)
        });
        for (name, at) in needed {
            let from_star = self.reading.stars.iter().any(|(unit, names)| {
                self.units.contains(unit)
                    && names.as_ref().is_some_and(|names| names.contains(&*name))
            });
            if bound.contains(&name) || from_star {
                continue;
            }
            if self.opens(&name) {
                cut.enclosing.push(name);
                continue;
            }
            if is_builtin(&name) || at.is_none() && !self.want.names.contains_key(&name) {
                continue;
            }
            let in_guard = self.source.uses.of(Home::Module, &name).any(|a_use| {
                a_use.binding.is_some()
                    && self
                        .program
                        .guards
                        .iter()
                        .any(|guard| guard.contains(&a_use.range.start))
            });
            let after = self
                .program
                .regions
                .iter()
                .find(|region| region.scope.is_some() && region.binds.contains(&name));
            if in_guard {
                cut.only_main.push((name, at));
            } else if star {
                cut.from_star.push((name, at));
            } else if let Some(region) = after {
                let function = region
                    .scope
                    .map(|scope| self.source.scopes.get(scope).qualname.clone());
                cut.only_after
                    .push((name, at, function.unwrap_or_default()));
            } else if !computed && !self.is_put_into_builtins(&name) {
                cut.unresolved.push((name, at));
            }
        }
        cut.units = self.units;
        cut
    }

    /// `builtins.name = ...` somewhere in the file.
    fn is_put_into_builtins(&self, name: &Name) -> bool {
        let text = self.source.text();
        text.contains(&format!("builtins.{name}")) || text.contains(&format!("__builtin__.{name}"))
    }
}

/// The statements that begin inside of lines, both from 0 and included, or that these lines cross.
pub(super) fn units_in(source: &Source, first: u32, last: u32) -> Vec<usize> {
    let lines = source.document.lines();
    source
        .body()
        .iter()
        .enumerate()
        .filter(|(_, stmt)| {
            let range = range_of(*stmt);
            let begin = lines.line_of(start_of(*stmt));
            let end = lines.line_of(range.end.saturating_sub(1).max(range.start));
            begin <= last && end >= first
        })
        .map(|(unit, _)| unit)
        .collect()
}
