//! Every place where a name stands, with the scope in which its value lives.

use std::borrow::Cow;
use std::hash::BuildHasher;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use hashbrown::HashTable;
use hoist_syntax::Scopes;
use hoist_syntax::scopes::{
    Binding, BindingKind, Name, Reference, Resolution, Scope, ScopeId, ScopeKind,
};
use rustc_hash::FxBuildHasher;

/// Where the value of a name lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Home {
    /// In the module, or among the builtins.
    Module,
    /// In a function, class, comprehension or the like.
    Scope(ScopeId),
}

/// One place where a name stands.
#[derive(Clone, Debug)]
pub(crate) struct Use {
    pub(crate) name: Name,
    pub(crate) range: Range<usize>,
    /// The scope that reads or binds it.
    pub(crate) scope: ScopeId,
    /// Where its value lives.
    pub(crate) home: Home,
    /// What binds it here; none when it is read.
    pub(crate) binding: Option<BindingKind>,
    /// The statement that binds it; empty when it is read.
    pub(crate) statement: Range<usize>,
}

/// All uses of names in a module, by place and by variable. They are put together when somebody asks first: about most files
/// nobody does, and about many only for what is in one of the top-level statements.
#[derive(Debug)]
pub(crate) struct Uses {
    scopes: Arc<Scopes>,
    whole: OnceLock<Table>,
    /// The same of single pieces of the module, as [`Scopes::pieces`] cuts it.
    pieces: OnceLock<Vec<OnceLock<Table>>>,
    /// How many variables were asked for while there was no table of them.
    asked: AtomicUsize,
}

#[derive(Debug)]
struct Table {
    /// In source order.
    all: Vec<Use>,
    /// For each use, the next one of the same variable.
    next: Vec<Option<usize>>,
    variables: HashTable<Variable>,
}

/// A variable by its first use, which tells what it is.
#[derive(Clone, Copy, Debug)]
struct Variable {
    first: usize,
}

fn hash_of(home: Home, name: &str) -> u64 {
    FxBuildHasher.hash_one((home, name))
}

impl Table {
    /// Reads what stands in some of the scopes, of which each comes before those inside of it.
    fn read<'s>(scopes: &'s Scopes, these: impl Iterator<Item = (ScopeId, &'s Scope)>) -> Table {
        let counted = these.filter(|(_, scope)| !scope.is_detached);
        let counted: Vec<(ScopeId, &Scope)> = counted.collect();
        let many = counted.iter();
        let many = many.map(|(_, scope)| scope.references.len() + scope.bindings.len());
        // Where a name stands, whether it is bound, and which one it is of which scope: in one number, which is sorted faster.
        let mut order: Vec<u128> = Vec::with_capacity(many.sum());
        for (number, (_, scope)) in counted.iter().enumerate() {
            let key = |start: usize, is_bound: bool, index: usize| {
                let place = 2 * start as u128 + u128::from(is_bound);
                place << 64 | (number as u128) << 32 | index as u128
            };
            let read = scope.references.iter().enumerate();
            order.extend(read.map(|(index, read)| key(read.range.start, false, index)));
            let bound = scope.bindings.iter().enumerate();
            order.extend(bound.map(|(index, bound)| key(bound.range.start, true, index)));
        }
        order.sort_unstable();
        let mut linker = Linker::with_room_for(order.len());
        for key in order {
            let (number, index) = ((key >> 32) as u32 as usize, key as u32 as usize);
            let (id, scope) = counted[number];
            let a_use = match key >> 64 & 1 {
                0 => Use::of_reference(id, &scope.references[index]),
                _ => Use::of_binding(id, &scope.bindings[index]),
            };
            linker.add(scopes, a_use);
        }
        linker.table
    }
}

impl Use {
    fn of_reference(scope: ScopeId, reference: &Reference) -> Use {
        Use {
            name: reference.name.clone(),
            range: reference.range.clone(),
            scope,
            home: Home::Module,
            binding: None,
            statement: 0..0,
        }
    }

    fn of_binding(scope: ScopeId, binding: &Binding) -> Use {
        Use {
            name: binding.name.clone(),
            range: binding.range.clone(),
            scope,
            home: Home::Module,
            binding: Some(binding.kind),
            statement: binding.statement.clone(),
        }
    }
}

/// Finds out, use by use, where a name lives, and which is the next use of each variable.
struct Linker {
    table: Table,
    /// The numbers of names.
    numbers: HashTable<usize>,
    names: Vec<Known>,
    /// The variables that there are so far.
    variables: Vec<Latest>,
}

/// What is known of a name.
struct Known {
    name: Name,
    /// The scope in which it stood last, and where it lives there.
    scope: ScopeId,
    home: Home,
    /// The last of its variables among the [`Latest`].
    variable: Option<usize>,
}

/// A variable with its last use so far.
struct Latest {
    home: Home,
    last: usize,
    /// The variable before it that has the same name.
    before: Option<usize>,
}

impl Linker {
    fn with_room_for(uses: usize) -> Linker {
        // As code is mostly written.
        let variables = uses / 4;
        Linker {
            table: Table {
                all: Vec::with_capacity(uses),
                next: vec![None; uses],
                variables: HashTable::with_capacity(variables),
            },
            numbers: HashTable::with_capacity(variables),
            names: Vec::with_capacity(variables),
            variables: Vec::with_capacity(variables),
        }
    }

    /// Adds the next use in source order.
    fn add(&mut self, scopes: &Scopes, mut a_use: Use) {
        let number = self.number(&a_use.name, a_use.scope);
        let known = &mut self.names[number];
        if known.scope != a_use.scope || known.variable.is_none() {
            known.scope = a_use.scope;
            known.home = home(scopes, a_use.scope, &a_use.name);
        }
        a_use.home = known.home;
        let index = self.table.all.len();
        // The one that is meant is mostly the latest.
        let mut before = known.variable;
        while let Some(variable) = before.map(|before| &mut self.variables[before]) {
            if variable.home == a_use.home {
                self.table.next[variable.last] = Some(index);
                variable.last = index;
                self.table.all.push(a_use);
                return;
            }
            before = variable.before;
        }
        let new = Latest {
            home: a_use.home,
            last: index,
            before: known.variable,
        };
        known.variable = Some(self.variables.len());
        self.variables.push(new);
        let hash = hash_of(a_use.home, &a_use.name);
        self.table.all.push(a_use);
        let Table { all, variables, .. } = &mut self.table;
        let hash_of_known =
            |known: &Variable| hash_of(all[known.first].home, &all[known.first].name);
        variables.insert_unique(hash, Variable { first: index }, hash_of_known);
    }

    /// The number of a name among those that are known.
    fn number(&mut self, name: &Name, in_scope: ScopeId) -> usize {
        let hash = |name: &Name| FxBuildHasher.hash_one(name);
        let of_name = hash(name);
        let same = |number: &usize| self.names[*number].name == *name;
        if let Some(number) = self.numbers.find(of_name, same) {
            return *number;
        }
        let number = self.names.len();
        self.names.push(Known {
            name: name.clone(),
            scope: in_scope,
            home: Home::Module,
            variable: None,
        });
        let names = &self.names;
        let of_number = |number: &usize| hash(&names[*number].name);
        self.numbers.insert_unique(of_name, number, of_number);
        number
    }
}

impl Uses {
    pub(crate) fn read(scopes: Arc<Scopes>) -> Uses {
        Uses {
            scopes,
            whole: OnceLock::new(),
            pieces: OnceLock::new(),
            asked: AtomicUsize::new(0),
        }
    }

    /// Puts them all together now, for who will ask for most of them.
    pub(crate) fn prepare(&self) {
        self.whole();
    }

    fn whole(&self) -> &Table {
        let read = || Table::read(&self.scopes, self.scopes.iter());
        self.whole.get_or_init(read)
    }

    /// A table that has all that begins and ends in a range.
    fn around(&self, range: &Range<usize>) -> &Table {
        let piece = match self.whole.get() {
            Some(whole) => return whole,
            None => self.scopes.piece_around(range),
        };
        let unread = || self.scopes.pieces().map(|_| OnceLock::new()).collect();
        let Some((piece, table)) =
            piece.and_then(|piece| Some((piece, self.pieces.get_or_init(unread).get(piece)?)))
        else {
            return self.whole();
        };
        table.get_or_init(|| Table::read(&self.scopes, self.scopes.in_piece(piece)))
    }

    /// The use whose name begins at a byte offset; the binding where a name is read and bound.
    pub(crate) fn at(&self, offset: usize) -> Option<Cow<'_, Use>> {
        let Some(whole) = self.whole.get() else {
            return self.pick(offset).map(Cow::Owned);
        };
        let all = &whole.all;
        let after = all.partition_point(|a_use| a_use.range.start <= offset);
        let last = all.get(after.checked_sub(1)?)?;
        (last.range.start == offset).then_some(Cow::Borrowed(last))
    }

    /// The same, looked for in the scopes.
    fn pick(&self, offset: usize) -> Option<Use> {
        let scopes = &self.scopes;
        let around = std::iter::once((scopes.module(), scopes.get(scopes.module())));
        let inside = scopes.around(offset);
        let in_scope = |(id, scope): (ScopeId, &Scope)| {
            let bound = scope.bindings.iter().rfind(|own| own.range.start == offset);
            let read = || {
                let mut reads = scope.references.iter();
                reads.rfind(|own| own.range.start == offset)
            };
            match bound {
                Some(bound) => Some(Use::of_binding(id, bound)),
                None => Some(Use::of_reference(id, read()?)),
            }
        };
        let found = around
            .chain(inside)
            .filter(|(_, scope)| {
                !scope.is_detached && scope.range.start <= offset && offset < scope.range.end
            })
            .filter_map(in_scope);
        let mut found = found.max_by_key(|a_use| a_use.binding.is_some())?;
        found.home = home(scopes, found.scope, &found.name);
        Some(found)
    }

    /// The uses that begin inside of a range, in source order.
    pub(crate) fn within(&self, range: &Range<usize>) -> &[Use] {
        let all = &self.around(range).all;
        let before = |end: usize| all.partition_point(|a_use| a_use.range.start < end);
        let (from, to) = (before(range.start), before(range.end));
        &all[from..to.max(from)]
    }

    /// Every use of one variable, in source order.
    pub(crate) fn of<'u>(&'u self, home: Home, name: &str) -> impl Iterator<Item = Cow<'u, Use>> {
        let Some(table) = self.linked(home) else {
            return Found::Gathered(self.gather(home, name).into_iter());
        };
        let same = |known: &Variable| {
            let first = &table.all[known.first];
            first.home == home && first.name == *name
        };
        let found = table.variables.find(hash_of(home, name), same);
        Found::Linked(table, found.map(|found| found.first))
    }

    /// A table that has the variables that live there; none as long as not many are asked for and there is none yet.
    fn linked(&self, home: Home) -> Option<&Table> {
        /// So many variables are looked for faster than a table is made.
        const FEW: usize = 24;
        let of_piece = || match home {
            Home::Module => None,
            // They stand only inside of the scope in which they live.
            Home::Scope(scope) => {
                let piece = self.scopes.piece_around(&self.scopes.get(scope).range)?;
                self.pieces.get()?.get(piece)?.get()
            }
        };
        let known = self.whole.get().or_else(of_piece);
        known.or_else(|| {
            let asked = self.asked.fetch_add(1, Ordering::Relaxed);
            (asked >= FEW).then(|| self.whole())
        })
    }

    /// The uses of one variable, picked from the scopes.
    fn gather(&self, of: Home, name: &str) -> Vec<Use> {
        let scopes = &self.scopes;
        let lives_there = |id: ScopeId, scope: &Scope| {
            !scope.is_detached && scope.symbols.contains(name) && home(scopes, id, name) == of
        };
        let mut found = Vec::new();
        let mut add = |(id, scope): (ScopeId, &Scope)| {
            if lives_there(id, scope) {
                let reads = scope.references.iter().filter(|read| read.name == *name);
                found.extend(reads.map(|read| Use::of_reference(id, read)));
                let bound = scope.bindings.iter().filter(|bound| bound.name == *name);
                found.extend(bound.map(|bound| Use::of_binding(id, bound)));
            }
        };
        match of {
            Home::Module => scopes.iter().for_each(add),
            Home::Scope(owner) => {
                // The module's own scope is none in which such a variable stands.
                let around = scopes.around(scopes.get(owner).range.start);
                around.for_each(&mut add);
            }
        }
        found.iter_mut().for_each(|a_use| a_use.home = of);
        found.sort_by_key(|a_use| (a_use.range.start, a_use.binding.is_some()));
        found
    }
}

/// The uses of a variable one by one.
enum Found<'u> {
    /// With the number of the next.
    Linked(&'u Table, Option<usize>),
    Gathered(std::vec::IntoIter<Use>),
}

impl<'u> Iterator for Found<'u> {
    type Item = Cow<'u, Use>;

    fn next(&mut self) -> Option<Cow<'u, Use>> {
        match self {
            Found::Linked(table, next) => {
                let index = (*next)?;
                *next = table.next[index];
                Some(Cow::Borrowed(&table.all[index]))
            }
            Found::Gathered(rest) => rest.next().map(Cow::Owned),
        }
    }
}

/// Where a name that stands in a scope lives.
pub(crate) fn home(scopes: &Scopes, id: ScopeId, name: &str) -> Home {
    let resolution = |scope: ScopeId| {
        scopes
            .get(scope)
            .symbols
            .get(name)
            .map(|symbol| symbol.resolution)
    };
    if id == scopes.module() {
        return Home::Module;
    }
    match resolution(id) {
        Some(Resolution::Local | Resolution::Cell) => Home::Scope(id),
        Some(Resolution::Free) => {
            let mut at = scopes.get(id).parent;
            while let Some(scope) = at {
                let own = matches!(
                    resolution(scope),
                    Some(Resolution::Local | Resolution::Cell)
                );
                let holds = match scopes.get(scope).kind {
                    ScopeKind::Module => return Home::Module,
                    // Only `__class__` (and `__classdict__`) live in a class for the functions in it.
                    ScopeKind::Class => name == "__class__" || name == "__classdict__",
                    _ => own,
                };
                if holds {
                    return Home::Scope(scope);
                }
                at = scopes.get(scope).parent;
            }
            Home::Module
        }
        _ => Home::Module,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hoist_syntax::Document;
    use proptest::prelude::*;
    use proptest::sample::select;

    fn shown(a_use: &Use) -> String {
        format!("{a_use:?}")
    }

    /// Whatever is picked from the scopes is what the table of the whole module has.
    fn assert_picked_is_linked(text: &str) {
        let scopes = Document::new(text.to_owned()).scopes();
        let whole = Uses::read(scopes.clone());
        whole.prepare();
        let asked = || Uses::read(scopes.clone());
        for offset in 0..=text.len() {
            let (picked, linked) = (asked(), whole.at(offset));
            let picked = picked.at(offset);
            assert_eq!(
                picked.as_deref().map(shown),
                linked.as_deref().map(shown),
                "at {offset} of {text:?}"
            );
        }
        let ranges = scopes
            .pieces()
            .chain(scopes.iter().map(|(_, scope)| scope.range.clone()));
        for range in ranges {
            let parts = asked();
            let parts: Vec<String> = parts.within(&range).iter().map(shown).collect();
            let all: Vec<String> = whole.within(&range).iter().map(shown).collect();
            assert_eq!(parts, all, "within {range:?} of {text:?}");
        }
        for (id, scope) in scopes.iter() {
            for (name, _) in scope.symbols.iter() {
                let home = home(&scopes, id, name);
                let linked: Vec<String> = whole.of(home, name).map(|a_use| shown(&a_use)).collect();
                let picked = asked();
                let by_piece = asked();
                by_piece.within(&scope.range);
                for some in [&picked, &by_piece] {
                    let some: Vec<String> =
                        some.of(home, name).map(|a_use| shown(&a_use)).collect();
                    assert_eq!(some, linked, "{name} of {home:?} in {text:?}");
                }
            }
        }
    }

    #[test]
    fn many_variables_are_found_as_well_as_few() {
        let names: Vec<String> = (0..60).map(|number| format!("x{number}")).collect();
        let lines = names
            .iter()
            .map(|name| format!("{name} = 1\ndef f_{name}(): return {name}\n"));
        let uses = Uses::read(Document::new(lines.collect()).scopes());
        for name in &names {
            assert_eq!(uses.of(Home::Module, name).count(), 2, "{name}");
        }
    }

    proptest! {
        #[test]
        fn what_is_picked_is_what_is_linked(
            statements in prop::collection::vec(
                (
                    select(vec![
                        "", "def f(a, b=x):\n    ", "class A:\n    ", "def g():\n  x = 1\n  def h(y):\n    ", "x = 1; ", "if x:\n    ",
                        "@x\ndef f[T](a: T) -> x:\n    ", "class B(x):\n  x = 1\n  def f(self):\n    ", "async def f(*x, **y):\n    ",
                    ]),
                    select(vec![
                        "x = 1", "print(x, y)", "global x; x = y", "x += y", "del x", "[x for x in y if x]", "(y := x)", "[(y := x) for x in x]",
                        "lambda x, y=x: x + y", "import x.y", "from x import y as x", "from x import *", "x: y = x", "y: x", "super().x",
                        "__x = __x", "f'{x}{y!r}'", "for x, y in x: y", "with x as y: x", "match x:\n      case y: x", "type x = y",
                        "{x: y for x, y in x for y in x}", "return x", "yield x", "try: x\n    except y as x: x", "nonlocal x; x = 1", "é = x",
                    ]),
                ),
                1..6,
            ),
        ) {
            let lines = statements.iter().map(|(around, statement)| format!("{around}{statement}\n"));
            assert_picked_is_linked(&lines.collect::<String>());
        }
    }
}
