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

/// All uses of names in a module, by place and by variable. They are put together when somebody asks first: about most files
/// nobody does.
#[derive(Debug)]
pub(crate) struct Uses {
    scopes: Arc<Scopes>,
    table: OnceLock<Table>,
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
    fn read(scopes: &Scopes) -> Table {
        let counted = scopes.iter().filter(|(_, scope)| !scope.is_detached);
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

impl Uses {
    pub(crate) fn read(scopes: Arc<Scopes>) -> Uses {
        Uses {
            scopes,
            table: OnceLock::new(),
        }
    }

    fn table(&self) -> &Table {
        self.table.get_or_init(|| Table::read(&self.scopes))
    }

    /// The use whose name begins at a byte offset; the binding where a name is read and bound.
    pub(crate) fn at(&self, offset: usize) -> Option<&Use> {
        let all = &self.table().all;
        let after = all.partition_point(|a_use| a_use.range.start <= offset);
        let last = all.get(after.checked_sub(1)?)?;
        (last.range.start == offset).then_some(last)
    }

    /// The uses that begin inside of a range, in source order.
    pub(crate) fn within(&self, range: &Range<usize>) -> &[Use] {
        let all = &self.table().all;
        let before = |end: usize| all.partition_point(|a_use| a_use.range.start < end);
        let (from, to) = (before(range.start), before(range.end));
        &all[from..to.max(from)]
    }

    /// Every use of one variable, in source order.
    pub(crate) fn of(&self, home: Home, name: &str) -> impl Iterator<Item = &Use> {
        let Table {
            all,
            next,
            variables,
        } = self.table();
        let same = |known: &Variable| {
            let first = &all[known.first];
            first.home == home && first.name == *name
        };
        let found = variables.find(hash_of(home, name), same);
        std::iter::successors(found.map(|found| found.first), |index| next[*index])
            .map(|index| &all[index])
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
