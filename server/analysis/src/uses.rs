//! Every place where a name stands, with the scope in which its value lives.

use std::ops::Range;

use hashbrown::HashTable;
use hoist_syntax::Scopes;
use hoist_syntax::scopes::{
    Binding, BindingKind, Name, Reference, Resolution, Scope, ScopeId, ScopeKind,
};
use rustc_hash::FxBuildHasher;
use std::hash::BuildHasher;
use std::sync::{Arc, OnceLock};

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

/// All uses of names in a module, by place and by variable. They are put together when somebody asks first, and where only one
/// statement of the module is asked about only for that: about most files nobody asks more.
#[derive(Debug)]
pub(crate) struct Uses {
    scopes: Arc<Scopes>,
    whole: OnceLock<Table>,
    /// Those of single pieces, by the pieces' numbers.
    parts: Box<[OnceLock<Table>]>,
}

/// The uses of a module or of a piece of it.
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
    /// All of a module.
    fn read(scopes: &Scopes) -> Table {
        Table::of(scopes, scopes.iter(), 0..usize::MAX)
    }

    /// Those of one piece.
    fn read_piece(scopes: &Scopes, piece: usize) -> Table {
        let range = scopes.piece(piece).unwrap_or_default();
        let module = std::iter::once((scopes.module(), scopes.get(scopes.module())));
        Table::of(scopes, module.chain(scopes.in_piece(piece)), range)
    }

    /// Those of some scopes that begin in a range.
    fn of<'s>(
        scopes: &Scopes,
        all: impl Iterator<Item = (ScopeId, &'s Scope)>,
        range: Range<usize>,
    ) -> Table {
        let counted = all.filter(|(_, scope)| !scope.is_detached);
        let counted: Vec<(ScopeId, &Scope)> = counted.collect();
        // Where a name stands, whether it is bound, and which one it is of which scope: in one number, which is sorted faster.
        let mut order: Vec<u128> = Vec::new();
        for (number, (_, scope)) in counted.iter().enumerate() {
            let key = |start: usize, is_bound: bool, index: usize| {
                let place = 2 * start as u128 + u128::from(is_bound);
                place << 64 | (number as u128) << 32 | index as u128
            };
            let read = inside(&scope.references, &range, |read| read.range.start);
            order.extend(read.map(|(index, at)| key(at, false, index)));
            let bound = inside(&scope.bindings, &range, |bound| bound.range.start);
            order.extend(bound.map(|(index, at)| key(at, true, index)));
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

/// The places of what begins in a range, with their indices. `all` is in the order of the places.
fn inside<'t, T>(
    all: &'t [T],
    range: &Range<usize>,
    at: impl Fn(&T) -> usize + 't,
) -> impl Iterator<Item = (usize, usize)> + 't {
    let before = |end: usize| all.partition_point(|one| at(one) < end);
    let (from, to) = (before(range.start), before(range.end));
    (from..to).map(move |index| (index, at(&all[index])))
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
        Linker {
            table: Table {
                all: Vec::with_capacity(uses),
                next: vec![None; uses],
                variables: HashTable::new(),
            },
            numbers: HashTable::new(),
            names: Vec::new(),
            variables: Vec::new(),
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
        let same = |number: &usize| self.names[*number].name == *name;
        if let Some(number) = self.numbers.find(hash(name), same) {
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
        self.numbers.insert_unique(hash(name), number, of_number);
        number
    }
}

impl Table {
    fn at(&self, offset: usize) -> Option<&Use> {
        let after = self
            .all
            .partition_point(|a_use| a_use.range.start <= offset);
        let last = self.all.get(after.checked_sub(1)?)?;
        (last.range.start == offset).then_some(last)
    }

    fn within(&self, range: &Range<usize>) -> &[Use] {
        let before = |end: usize| self.all.partition_point(|a_use| a_use.range.start < end);
        let (from, to) = (before(range.start), before(range.end));
        &self.all[from..to.max(from)]
    }

    fn of_variable(&self, home: Home, name: &str) -> impl Iterator<Item = &Use> {
        let Table {
            all,
            next,
            variables,
        } = self;
        let same = |known: &Variable| {
            let first = &all[known.first];
            first.home == home && first.name == *name
        };
        let found = variables.find(hash_of(home, name), same);
        std::iter::successors(found.map(|found| found.first), |index| next[*index])
            .map(|index| &all[index])
    }
}

impl Uses {
    pub(crate) fn read(scopes: Arc<Scopes>) -> Uses {
        let parts = scopes.pieces().map(|_| OnceLock::new());
        Uses {
            parts: parts.collect(),
            whole: OnceLock::new(),
            scopes,
        }
    }

    fn whole(&self) -> &Table {
        self.whole.get_or_init(|| Table::read(&self.scopes))
    }

    /// The table of a piece, or that of the whole where it is there already or there is no such piece.
    fn part(&self, piece: usize) -> &Table {
        let part = self.parts.get(piece);
        match part.filter(|_| self.whole.get().is_none()) {
            Some(part) => part.get_or_init(|| Table::read_piece(&self.scopes, piece)),
            None => self.whole(),
        }
    }

    /// The use whose name begins at a byte offset; the binding where a name is read and bound.
    pub(crate) fn at(&self, offset: usize) -> Option<&Use> {
        self.part(self.scopes.piece_number(offset)).at(offset)
    }

    /// The uses that begin inside of a range, in source order.
    pub(crate) fn within(&self, range: &Range<usize>) -> &[Use] {
        let piece = self.scopes.piece_number(range.start);
        let around = self.scopes.piece(piece);
        let is_all =
            around.is_some_and(|around| around.start <= range.start && range.end <= around.end);
        match is_all {
            true => self.part(piece).within(range),
            false => self.whole().within(range),
        }
    }

    /// Every use of one variable, in source order.
    pub(crate) fn of(&self, home: Home, name: &str) -> impl Iterator<Item = &Use> {
        let piece = match home {
            Home::Scope(scope) => scope.piece(),
            Home::Module => None,
        };
        let table = piece.map_or_else(|| self.whole(), |piece| self.part(piece));
        table.of_variable(home, name)
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
    use hoist_syntax::Document;
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::*;

    fn told(a_use: &Use) -> String {
        format!("{a_use:?}")
    }

    proptest! {
        /// What is known of one statement alone is what is known of it in the whole.
        #[test]
        fn a_part_says_what_the_whole_says(
            lines in prop::collection::vec(select(vec![
                "x = 1", "y = x", "def f(a):\n    global x\n    x = a\n    def g():\n        nonlocal a\n        a = b = x\n        return b",
                "class A(x):\n    y = x\n    def f(self, y=y):\n        return [y for y in x if (z := y)]", "for x in y: print(x)",
                "import a.b as x, c", "del x; x: int = y", "lambda x: (x, y, __class__)", "def h():\n    z = 1\n    return lambda: z",
            ]), 1..8),
        ) {
            let document = Document::new(lines.join("\n") + "\n");
            let scopes = document.scopes();
            let whole = Uses::read(scopes.clone());
            whole.whole();
            for piece in scopes.pieces() {
                let parts = Uses::read(scopes.clone());
                let both = |uses: &Uses| uses.within(&piece).iter().map(told).collect::<Vec<_>>();
                prop_assert_eq!(both(&parts), both(&whole));
                for a_use in whole.within(&piece) {
                    prop_assert_eq!(parts.at(a_use.range.start).map(told), whole.at(a_use.range.start).map(told));
                    let of = |uses: &Uses| uses.of(a_use.home, &a_use.name).map(told).collect::<Vec<_>>();
                    if a_use.home != Home::Module {
                        prop_assert_eq!(of(&parts), of(&whole));
                        prop_assert!(parts.whole.get().is_none());
                    }
                }
            }
        }
    }
}
