//! Every place where a name stands, with the scope in which its value lives.

use std::ops::Range;

use hashbrown::HashTable;
use hoist_syntax::Scopes;
use hoist_syntax::scopes::{BindingKind, Name, Resolution, ScopeId, ScopeKind};
use rustc_hash::FxBuildHasher;
use std::hash::BuildHasher;

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

/// All uses of names in a module, by place and by variable.
#[derive(Debug, Default)]
pub(crate) struct Uses {
    /// In source order.
    all: Vec<Use>,
    /// For each use, the next one of the same variable.
    next: Vec<Option<usize>>,
    variables: HashTable<Variable>,
}

/// A variable by its uses, which tell what it is.
#[derive(Clone, Copy, Debug)]
struct Variable {
    first: usize,
    last: usize,
}

fn hash_of(home: Home, name: &str) -> u64 {
    FxBuildHasher.hash_one((home, name))
}

impl Uses {
    pub(crate) fn read(scopes: &Scopes) -> Uses {
        let mut all = Vec::new();
        for (id, scope) in scopes.iter() {
            if scope.is_detached {
                continue;
            }
            for reference in &scope.references {
                all.push(Use {
                    name: reference.name.clone(),
                    range: reference.range.clone(),
                    scope: id,
                    home: home(scopes, id, &reference.name),
                    binding: None,
                    statement: 0..0,
                });
            }
            for binding in &scope.bindings {
                all.push(Use {
                    name: binding.name.clone(),
                    range: binding.range.clone(),
                    scope: id,
                    home: home(scopes, id, &binding.name),
                    binding: Some(binding.kind),
                    statement: binding.statement.clone(),
                });
            }
        }
        all.sort_by_key(|a_use| (a_use.range.start, a_use.binding.is_some()));
        let mut next = vec![None; all.len()];
        let mut variables: HashTable<Variable> = HashTable::new();
        for (index, a_use) in all.iter().enumerate() {
            let same = |known: &Variable| {
                let first = &all[known.first];
                first.home == a_use.home && first.name == a_use.name
            };
            let hash = |known: &Variable| hash_of(all[known.first].home, &all[known.first].name);
            variables
                .entry(hash_of(a_use.home, &a_use.name), same, hash)
                .and_modify(|known| {
                    next[known.last] = Some(index);
                    known.last = index;
                })
                .or_insert(Variable {
                    first: index,
                    last: index,
                });
        }
        Uses {
            all,
            next,
            variables,
        }
    }

    /// The use whose name begins at a byte offset; the binding where a name is read and bound.
    pub(crate) fn at(&self, offset: usize) -> Option<&Use> {
        let after = self
            .all
            .partition_point(|a_use| a_use.range.start <= offset);
        let last = self.all.get(after.checked_sub(1)?)?;
        (last.range.start == offset).then_some(last)
    }

    /// The uses that begin inside of a range, in source order.
    pub(crate) fn within(&self, range: &Range<usize>) -> &[Use] {
        let from = self
            .all
            .partition_point(|a_use| a_use.range.start < range.start);
        let to = self
            .all
            .partition_point(|a_use| a_use.range.start < range.end);
        &self.all[from..to.max(from)]
    }

    /// Every use of one variable, in source order.
    pub(crate) fn of(&self, home: Home, name: &str) -> impl Iterator<Item = &Use> {
        let same = |known: &Variable| {
            let first = &self.all[known.first];
            first.home == home && first.name == *name
        };
        let found = self.variables.find(hash_of(home, name), same);
        std::iter::successors(found.map(|found| found.first), |index| self.next[*index])
            .map(|index| &self.all[index])
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
