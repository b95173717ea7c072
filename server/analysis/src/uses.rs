//! Every place where a name stands, with the scope in which its value lives.

use std::ops::Range;

use hashbrown::HashTable;
use hoist_syntax::Scopes;
use hoist_syntax::scopes::{BindingKind, Name, Resolution, ScopeId, ScopeKind};
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
        let counted = || scopes.iter().filter(|(_, scope)| !scope.is_detached);
        let many = counted().map(|(_, scope)| scope.references.len() + scope.bindings.len());
        let mut gathered = Gathered::with_room_for(many.sum());
        for (id, scope) in counted() {
            for reference in &scope.references {
                gathered.add(
                    scopes,
                    Use {
                        name: reference.name.clone(),
                        range: reference.range.clone(),
                        scope: id,
                        home: Home::Module,
                        binding: None,
                        statement: 0..0,
                    },
                );
            }
            for binding in &scope.bindings {
                gathered.add(
                    scopes,
                    Use {
                        name: binding.name.clone(),
                        range: binding.range.clone(),
                        scope: id,
                        home: Home::Module,
                        binding: Some(binding.kind),
                        statement: binding.statement.clone(),
                    },
                );
            }
        }
        gathered.in_order()
    }
}

/// Uses scope by scope, before they are put in order.
struct Gathered {
    /// Each with the number of its name.
    uses: Vec<(Use, usize)>,
    /// The numbers of names.
    numbers: HashTable<usize>,
    names: Vec<Known>,
}

/// What is known of a name from the last scope in which it stood.
struct Known {
    name: Name,
    scope: ScopeId,
    home: Home,
}

impl Gathered {
    fn with_room_for(uses: usize) -> Gathered {
        Gathered {
            uses: Vec::with_capacity(uses),
            numbers: HashTable::new(),
            names: Vec::new(),
        }
    }

    /// Adds a use and finds out where its name lives.
    fn add(&mut self, scopes: &Scopes, mut a_use: Use) {
        let hash = |name: &Name| FxBuildHasher.hash_one(name);
        let found = self.numbers.find(hash(&a_use.name), |number| {
            self.names[*number].name == a_use.name
        });
        let number = match found {
            Some(number) => *number,
            None => {
                let number = self.names.len();
                self.names.push(Known {
                    name: a_use.name.clone(),
                    scope: a_use.scope,
                    home: home(scopes, a_use.scope, &a_use.name),
                });
                let names = &self.names;
                let of_number = |number: &usize| hash(&names[*number].name);
                self.numbers
                    .insert_unique(hash(&a_use.name), number, of_number);
                number
            }
        };
        let known = &mut self.names[number];
        if known.scope != a_use.scope {
            known.scope = a_use.scope;
            known.home = home(scopes, a_use.scope, &a_use.name);
        }
        a_use.home = known.home;
        self.uses.push((a_use, number));
    }

    fn in_order(self) -> Table {
        // Where it stands, whether it binds, and which it is: in one number, which is sorted faster.
        let place = |(index, (a_use, _)): (usize, &(Use, usize))| {
            let place = 2 * a_use.range.start as u128 + u128::from(a_use.binding.is_some());
            place << 64 | index as u128
        };
        let mut order: Vec<u128> = self.uses.iter().enumerate().map(place).collect();
        order.sort_unstable();
        let mut next = vec![None; order.len()];
        let mut variables: HashTable<Variable> = HashTable::new();
        // The variables of each name by their homes, with the last use of each. The one that is meant is mostly the latest.
        let mut last: Vec<Vec<(Home, usize)>> = vec![Vec::new(); self.names.len()];
        let mut all: Vec<Use> = Vec::with_capacity(order.len());
        for (index, place) in order.into_iter().enumerate() {
            let (a_use, number) = &self.uses[place as u64 as usize];
            all.push(a_use.clone());
            let of_name = &mut last[*number];
            match of_name
                .iter_mut()
                .rev()
                .find(|(home, _)| *home == a_use.home)
            {
                Some((_, last)) => {
                    next[*last] = Some(index);
                    *last = index;
                }
                None => {
                    of_name.push((a_use.home, index));
                    let hash = |known: &Variable| {
                        let first = &all[known.first];
                        hash_of(first.home, &first.name)
                    };
                    variables.insert_unique(
                        hash_of(a_use.home, &a_use.name),
                        Variable { first: index },
                        hash,
                    );
                }
            }
        }
        Table {
            all,
            next,
            variables,
        }
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
        let from = all.partition_point(|a_use| a_use.range.start < range.start);
        let to = all.partition_point(|a_use| a_use.range.start < range.end);
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
