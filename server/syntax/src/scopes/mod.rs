//! The scopes of a module and what each name in them means, as CPython's `symtable` has it.
//!
//! The rules are those of CPython's Python/symtable.c; the tree is the live buffer's, so that the answer is also there for
//! code that is being typed, where the broken part is read as far as it goes.

mod collect;
mod flags;
mod mangle;
mod model;
mod names;
mod resolve;

pub use model::{
    Binding, BindingKind, Declaration, DeclarationKind, Parameter, ParameterKind, Reference,
    Resolution, Scope, ScopeId, ScopeKind, Symbol, Symbols,
};
pub use names::Name;

use crate::Document;
use std::collections::BTreeSet;

/// All scopes of one version of a module.
#[derive(Debug, Clone)]
pub struct Scopes {
    scopes: Vec<Scope>,
    functions: Vec<ScopeId>,
    future_annotations: bool,
}

/// What differs between the versions of Python in which scopes are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rules {
    /// With `from __future__ import annotations`, are names in annotations still names of the block around? So it was in
    /// Python 3.7 to 3.9; since 3.10 such annotations have no effect on any scope.
    pub future_annotations_count: bool,
}

impl Rules {
    /// The rules of Python 3.`minor`.
    pub fn of_python(minor: u32) -> Self {
        Rules {
            future_annotations_count: minor < 10,
        }
    }
}

impl Scopes {
    /// Reads the scopes of a document by the rules of Python 3.10 and newer.
    pub fn read(document: &Document) -> Self {
        Scopes::read_by(document, Rules::default())
    }

    /// Reads the scopes of a document by the rules of a given version.
    pub fn read_by(document: &Document, rules: Rules) -> Self {
        let collected = collect::collect(document.text(), document.tree().root_node(), rules);
        let future_annotations = collected.future_annotations;
        let scopes = resolve::resolve(collected);
        let mut functions: Vec<ScopeId> = (0..scopes.len())
            .map(ScopeId)
            .filter(|id| scopes[id.0].kind == ScopeKind::Function)
            .collect();
        functions.sort_by_key(|id| scopes[id.0].def_range.start);
        Scopes {
            scopes,
            functions,
            future_annotations,
        }
    }

    /// The module's own scope.
    pub fn module(&self) -> ScopeId {
        ScopeId(0)
    }

    /// The scope of an id that these scopes gave out.
    pub fn get(&self, id: ScopeId) -> &Scope {
        &self.scopes[id.0]
    }

    /// Every scope, the module's first, each before those inside of it.
    pub fn iter(&self) -> impl Iterator<Item = (ScopeId, &Scope)> {
        self.scopes
            .iter()
            .enumerate()
            .map(|(index, scope)| (ScopeId(index), scope))
    }

    /// Every `def` and `async def`, in source order.
    pub fn functions(&self) -> impl Iterator<Item = ScopeId> + '_ {
        self.functions.iter().copied()
    }

    /// Does the module say `from __future__ import annotations`?
    pub fn future_annotations(&self) -> bool {
        self.future_annotations
    }

    /// The innermost scope whose whole node (decorators and header too) holds the byte at `offset`.
    pub fn scope_at(&self, offset: usize) -> ScopeId {
        let mut at = self.module();
        loop {
            let inside = self.get(at).children.iter().rev().find(|child| {
                let range = &self.get(**child).range;
                range.start <= offset && offset < range.end
            });
            match inside {
                Some(child) => at = *child,
                None => return at,
            }
        }
    }

    /// A scope and all scopes in it, however deep; those that Python never makes ([`Scope::is_detached`]) only when the
    /// given one is such a scope itself.
    pub fn nested(&self, id: ScopeId) -> Vec<ScopeId> {
        let detached = self.get(id).is_detached;
        let mut all = vec![id];
        let mut next = 0;
        while next < all.len() {
            let children = &self.get(all[next]).children;
            all.extend(
                children
                    .iter()
                    .filter(|child| detached || !self.get(**child).is_detached),
            );
            next += 1;
        }
        all
    }

    /// The free variables of a scope, sorted: `symtable`'s `Function.get_frees()`.
    pub fn captures(&self, id: ScopeId) -> Vec<String> {
        let symbols = self.get(id).symbols.iter();
        symbols
            .filter(|(_, symbol)| symbol.resolution == Resolution::Free)
            .map(|(name, _)| name.to_string())
            .collect()
    }

    /// Every name that a scope or any scope in it uses as a global, builtins included, sorted.
    pub fn globals(&self, id: ScopeId) -> Vec<String> {
        let mut names = BTreeSet::new();
        for scope in self.nested(id) {
            let symbols = self.get(scope).symbols.iter();
            names.extend(
                symbols
                    .filter(|(_, symbol)| symbol.resolution.is_global())
                    .map(|(name, _)| name),
            );
        }
        names.into_iter().map(|name| name.to_string()).collect()
    }

    /// The names that are read when the `def` statement of a function (or the `class` statement of a class) itself runs:
    /// decorators, defaults, annotations that are evaluated, bases; sorted. Of lambdas and comprehensions among these, the
    /// names that they take from outside.
    pub fn definition_names(&self, id: ScopeId) -> Vec<String> {
        let scope = self.get(id);
        let in_header = |range: &std::ops::Range<usize>| {
            scope.range.start <= range.start
                && range.end <= scope.range.end
                && !(scope.body_range.start <= range.start && range.end <= scope.body_range.end)
        };
        let mut names = BTreeSet::new();
        let Some(mut outer) = scope.parent else {
            return Vec::new();
        };
        // A generic function's annotations are read in the scope of its type parameters.
        loop {
            let around = self.get(outer);
            let own = |name: &Name| {
                around.kind == ScopeKind::TypeParameters
                    && around
                        .symbols
                        .get(name)
                        .is_some_and(|symbol| symbol.is_type_parameter)
            };
            for reference in around
                .references
                .iter()
                .filter(|reference| in_header(&reference.range))
            {
                if !own(&reference.name) {
                    names.insert(reference.name.clone());
                }
            }
            for child in around
                .children
                .iter()
                .filter(|child| **child != id && in_header(&self.get(**child).range))
            {
                let inner = self.get(*child);
                if inner.is_detached
                    || matches!(
                        inner.kind,
                        ScopeKind::TypeParameters | ScopeKind::Annotation
                    )
                {
                    continue;
                }
                names.extend(
                    self.captures(*child)
                        .iter()
                        .map(|name| Name::new(name))
                        .filter(|name| !own(name)),
                );
                names.extend(self.globals(*child).iter().map(|name| Name::new(name)));
            }
            match around.parent {
                Some(parent) if around.kind == ScopeKind::TypeParameters => outer = parent,
                _ => break,
            }
        }
        names.into_iter().map(|name| name.to_string()).collect()
    }
}
