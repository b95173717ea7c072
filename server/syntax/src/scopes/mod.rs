//! The scopes of a module and what each name in them means, as CPython's `symtable` has it.
//!
//! The rules are those of CPython's Python/symtable.c. A module is read by pieces, its top-level statements, from the
//! strict parser's tree; of one that is broken, as code is that is being typed, that tree has what could be made of it.

mod collect;
mod flags;
mod mangle;
mod model;
mod names;
mod noted;
mod pieces;
mod resolve;

pub use model::{
    Binding, BindingKind, Declaration, DeclarationKind, Parameter, ParameterKind, Reference,
    Resolution, Scope, ScopeId, ScopeKind, Symbol, Symbols,
};
pub use names::Name;

use crate::Document;
use pieces::{Earlier, Piece};
use rustc_hash::FxHashMap;
use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

/// All scopes of one version of a module.
#[derive(Debug, Clone)]
pub struct Scopes {
    module: Scope,
    pieces: Vec<Arc<Piece>>,
    future_annotations: bool,
    rules: Rules,
    text: Arc<String>,
    /// The pieces are known to be those that a scan of the text gives.
    is_scanned: bool,
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
        Scopes::assemble(document, rules, None)
    }

    /// Reads the scopes of a document of which an earlier version's are at hand: what stands there as it stood before is not
    /// read again. The answer is that of [`Scopes::read_by`] with the same rules.
    pub(crate) fn read_after(self, document: &Document) -> Self {
        Scopes::assemble(document, self.rules, Some(self))
    }

    fn assemble(document: &Document, rules: Rules, before: Option<Scopes>) -> Self {
        let hides = |future: bool| future && !rules.future_annotations_count;
        let from_tree = || {
            let module = document.module().ok()?;
            let future = module.body.iter().any(collect::is_future_annotations);
            let text = document.text();
            let pieces = pieces::of_module(text, &module.body, hides(future));
            Some((pieces, false, future))
        };
        let by_pieces = |guess: bool, earlier: Earlier<'_>| {
            let text = document.text();
            let mut pieces = pieces::read(text, earlier, hides(guess));
            let future = pieces.iter().any(|piece| piece.future_annotations);
            if hides(guess) != hides(future) {
                pieces = pieces::read(text, Earlier::NONE, hides(future));
            }
            (pieces, true, future)
        };
        let is_scanned =
            |known: &Scopes| known.is_scanned || pieces::are_scanned(&known.text, &known.pieces);
        let (pieces, is_scanned, future_annotations) = match before.filter(is_scanned) {
            Some(before) => {
                let earlier = Earlier {
                    text: &before.text,
                    pieces: before.pieces,
                };
                let read = by_pieces(before.future_annotations, earlier);
                let is_broken = read.0.iter().any(|piece| piece.is_broken);
                match is_broken && document.check().is_ok() {
                    // It was cut where no statement begins.
                    true => from_tree().unwrap_or(read),
                    false => read,
                }
            }
            None => from_tree().unwrap_or_else(|| {
                let guess = may_have_future_annotations(document.text());
                by_pieces(guess, Earlier::NONE)
            }),
        };
        Scopes {
            module: module(document.text().len(), &pieces),
            pieces,
            future_annotations,
            rules,
            text: document.shared_text(),
            is_scanned,
        }
    }

    /// The module's own scope.
    pub fn module(&self) -> ScopeId {
        ScopeId::MODULE
    }

    /// The scope of an id that these scopes gave out.
    pub fn get(&self, id: ScopeId) -> &Scope {
        match id {
            ScopeId::MODULE => &self.module,
            _ => &self.pieces[id.piece as usize].scopes[id.number()],
        }
    }

    /// Every scope, the module's first, each before those inside of it.
    pub fn iter(&self) -> impl Iterator<Item = (ScopeId, &Scope)> {
        let inside = self.pieces.iter().enumerate().flat_map(|(piece, own)| {
            let numbered = own.scopes.iter().enumerate().skip(1);
            numbered.map(move |(number, scope)| (id(piece, number as u32), scope))
        });
        std::iter::once((ScopeId::MODULE, &self.module)).chain(inside)
    }

    /// The scopes in the top-level statement around `offset`, each before those inside of it. All that begins and ends in the
    /// statement is among them.
    pub fn around(&self, offset: usize) -> impl Iterator<Item = (ScopeId, &Scope)> {
        let piece = self.piece_number(offset);
        let own = self.pieces.get(piece).into_iter();
        own.flat_map(move |own| {
            let numbered = own.scopes.iter().enumerate().skip(1);
            numbered.map(move |(number, scope)| (id(piece, number as u32), scope))
        })
    }

    /// The scopes of one of the pieces, by its number, each before those inside of it. The first is the module's own as far as it
    /// is in this piece, under the module's id.
    pub fn in_piece(&self, number: usize) -> impl Iterator<Item = (ScopeId, &Scope)> {
        let own = self.pieces.get(number).into_iter();
        own.flat_map(move |own| {
            let numbered = own.scopes.iter().enumerate();
            numbered.map(move |(scope, own)| match scope {
                0 => (ScopeId::MODULE, own),
                _ => (id(number, scope as u32), own),
            })
        })
    }

    /// The number of the piece that holds all of a range; none where it lies in several.
    pub fn piece_around(&self, range: &Range<usize>) -> Option<usize> {
        let number = self.piece_number(range.start);
        let piece = self.pieces.get(number)?;
        (piece.range.start <= range.start && range.end <= piece.range.end).then_some(number)
    }

    fn piece_number(&self, offset: usize) -> usize {
        let after = self
            .pieces
            .partition_point(|piece| piece.range.start <= offset);
        after.saturating_sub(1)
    }

    /// Every `def` and `async def`, in source order.
    pub fn functions(&self) -> impl Iterator<Item = ScopeId> + '_ {
        self.pieces
            .iter()
            .enumerate()
            .flat_map(|(piece, own)| own.functions.iter().map(move |number| id(piece, *number)))
    }

    /// Does the module say `from __future__ import annotations`?
    pub fn future_annotations(&self) -> bool {
        self.future_annotations
    }

    /// The top-level statements with what follows each, as they cover the text. In broken code they are what looks most like
    /// statements.
    pub fn pieces(&self) -> impl Iterator<Item = Range<usize>> + '_ {
        self.pieces.iter().map(|piece| piece.range.clone())
    }

    /// The one of the pieces that holds the byte at `offset`.
    pub fn piece_at(&self, offset: usize) -> Range<usize> {
        let piece = self.pieces.get(self.piece_number(offset));
        piece.map_or(0..0, |piece| piece.range.clone())
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
        let in_header = |range: &Range<usize>| {
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

/// A guess, which only saves reading a text twice.
fn may_have_future_annotations(text: &str) -> bool {
    text.find("from __future__ import").is_some_and(|at| {
        let line = text[at..].lines().next().unwrap_or_default();
        line.contains("annotations") || line.contains('(')
    })
}

fn id(piece: usize, number: u32) -> ScopeId {
    ScopeId {
        piece: piece as u32,
        number,
    }
}

/// The module's own scope, put together from its pieces.
fn module(length: usize, pieces: &[Arc<Piece>]) -> Scope {
    let own = || pieces.iter().filter_map(|piece| piece.scopes.first());
    let mut flags: FxHashMap<&Name, u16> = FxHashMap::default();
    for (name, bits) in pieces.iter().flat_map(|piece| &piece.names) {
        *flags.entry(name).or_insert(0) |= bits;
    }
    let mut symbols: Vec<(Name, Symbol)> = flags
        .into_iter()
        .map(|(name, bits)| (name.clone(), resolve::of_module(bits)))
        .collect();
    symbols.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
    Scope {
        kind: ScopeKind::Module,
        name: Name::new("<module>"),
        qualname: String::new(),
        parent: None,
        children: own().flat_map(|scope| &scope.children).copied().collect(),
        range: 0..length,
        def_range: 0..length,
        name_range: 0..0,
        body_range: 0..length,
        is_async: false,
        is_generator: own().any(|scope| scope.is_generator),
        is_detached: false,
        has_star_import: own().any(|scope| scope.has_star_import),
        parameters: Vec::new(),
        decorators: Vec::new(),
        symbols: Symbols(symbols),
        bindings: own().flat_map(|scope| &scope.bindings).cloned().collect(),
        declarations: own()
            .flat_map(|scope| &scope.declarations)
            .cloned()
            .collect(),
        references: own().flat_map(|scope| &scope.references).cloned().collect(),
    }
}
