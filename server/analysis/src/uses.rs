//! Every place where a name stands, with the scope in which its value lives.

use std::ops::Range;

use hoist_syntax::Scopes;
use hoist_syntax::scopes::{BindingKind, Name, Resolution, ScopeId, ScopeKind};
use rustc_hash::FxHashMap;

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
    all: Vec<Use>,
    by_start: FxHashMap<usize, usize>,
    by_variable: FxHashMap<(Home, Name), Vec<usize>>,
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
        let mut by_start =
            FxHashMap::with_capacity_and_hasher(all.len(), rustc_hash::FxBuildHasher);
        let mut by_variable: FxHashMap<(Home, Name), Vec<usize>> = FxHashMap::default();
        for (index, a_use) in all.iter().enumerate() {
            by_start.insert(a_use.range.start, index);
            by_variable
                .entry((a_use.home, a_use.name.clone()))
                .or_default()
                .push(index);
        }
        Uses {
            all,
            by_start,
            by_variable,
        }
    }

    /// The use whose name begins at a byte offset.
    pub(crate) fn at(&self, offset: usize) -> Option<&Use> {
        self.by_start
            .get(&offset)
            .and_then(|index| self.all.get(*index))
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
    pub(crate) fn of(&self, home: Home, name: &Name) -> impl Iterator<Item = &Use> {
        self.by_variable
            .get(&(home, name.clone()))
            .into_iter()
            .flatten()
            .filter_map(|index| self.all.get(*index))
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
    match resolution(id) {
        Some(Resolution::Local | Resolution::Cell) if id != scopes.module() => Home::Scope(id),
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
