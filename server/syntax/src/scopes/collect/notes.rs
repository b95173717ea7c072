//! What the first pass writes down, whichever tree it walks over.

use crate::scopes::flags;
use crate::scopes::mangle::mangle;
use crate::scopes::model::*;
use crate::scopes::names::Name;
use crate::scopes::noted::{NameId, Noted, Notice};
use std::borrow::Cow;
use std::ops::Range;
use unicode_normalization::UnicodeNormalization;

/// What the first pass found in one piece of a module. `blocks` lie in the order in which their nodes begin, parents first;
/// the first is the module's own, as far as it is in this piece.
pub(in crate::scopes) struct Collected {
    pub(in crate::scopes) blocks: Vec<Block>,
    /// One of its statements says `from __future__ import annotations`.
    pub(in crate::scopes) future_annotations: bool,
}

pub(in crate::scopes) struct Block {
    /// The scope, but for what only the second pass knows: symbols and qualified name.
    pub(in crate::scopes) scope: Scope,
    /// The scope's own name as its parent stores it.
    pub(in crate::scopes) stored_name: Option<NameId>,
    /// What it does with names, in the order of their first appearance.
    pub(in crate::scopes) names: Vec<Notice>,
    /// The class whose private names are mangled here.
    pub(in crate::scopes) private: Option<Name>,
    /// How many scopes are around it.
    pub(in crate::scopes) depth: usize,
}

/// Scopes in scopes that are read. Python takes 100 blocks in blocks; what is deeper is no programme, and naming its
/// scopes would take memory by the square of the depth.
pub(super) const DEEPEST: usize = 200;

/// What is read: a piece of a module.
#[derive(Debug, Clone)]
pub(in crate::scopes) struct Piece<'t> {
    /// The text that the statements' places are places of.
    pub(in crate::scopes) text: &'t str,
    /// The piece's bytes in it.
    pub(in crate::scopes) range: Range<usize>,
    /// Its number among the pieces.
    pub(in crate::scopes) number: u32,
    /// Do names in annotations belong to no scope?
    pub(in crate::scopes) hide_annotations: bool,
}

/// The number of the module's own scope in its piece.
pub(super) const MODULE: usize = 0;

/// Where in its scope something stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) scope: usize,
    pub(super) statement: (usize, usize),
    pub(super) conditional: bool,
}

impl Place {
    pub(super) fn in_scope(self, scope: usize) -> Place {
        Place { scope, ..self }
    }

    pub(super) fn body_of(scope: usize, range: Range<usize>) -> Place {
        Place {
            scope,
            statement: (range.start, range.end),
            conditional: false,
        }
    }

    pub(super) fn conditional(self) -> Place {
        Place {
            conditional: true,
            ..self
        }
    }
}

/// The notes on one piece of a module.
pub(super) struct Notes<'t> {
    pub(super) piece: Piece<'t>,
    pub(super) blocks: Vec<Block>,
    noted: &'t mut Noted,
}

impl<'t> Notes<'t> {
    /// Notes that have only the module's own scope.
    pub(super) fn new(piece: Piece<'t>, noted: &'t mut Noted) -> Self {
        let range = piece.range.clone();
        let mut notes = Notes {
            piece,
            blocks: Vec::new(),
            noted,
        };
        notes.open(ScopeKind::Module, "<module>", range, None);
        notes
    }

    /// All that was written down.
    pub(super) fn collected(self, future_annotations: bool) -> Collected {
        Collected {
            blocks: self.blocks,
            future_annotations,
        }
    }

    pub(super) fn open(
        &mut self,
        kind: ScopeKind,
        name: &str,
        range: Range<usize>,
        parent: Option<usize>,
    ) -> usize {
        let scope = Scope {
            kind,
            name: Name::new(&normal(name)),
            qualname: String::new(),
            parent: parent.map(|parent| self.id(parent)),
            children: Vec::new(),
            range: range.clone(),
            def_range: range.clone(),
            name_range: range.start..range.start,
            body_range: range,
            is_async: false,
            is_generator: false,
            is_detached: parent.is_some_and(|parent| self.blocks[parent].scope.is_detached),
            has_star_import: false,
            parameters: Vec::new(),
            decorators: Vec::new(),
            symbols: Symbols::default(),
            bindings: Vec::new(),
            declarations: Vec::new(),
            references: Vec::new(),
        };
        let depth = parent.map_or(0, |parent| self.blocks[parent].depth + 1);
        let private = parent.and_then(|parent| self.blocks[parent].private.clone());
        self.blocks.push(Block {
            scope,
            stored_name: None,
            names: Vec::new(),
            private,
            depth,
        });
        let number = self.blocks.len() - 1;
        if let Some(parent) = parent {
            let id = self.id(number);
            self.blocks[parent].scope.children.push(id);
        }
        number
    }

    fn id(&self, number: usize) -> ScopeId {
        match number {
            0 => ScopeId::MODULE,
            _ => ScopeId {
                piece: self.piece.number,
                number: number as u32,
            },
        }
    }

    /// A name that is read, in the form in which Python stores it, which is the tree's.
    pub(super) fn load(&mut self, text: &str, range: Range<usize>, place: Place) {
        if range.is_empty() {
            return;
        }
        let name = self.stored_normal(place.scope, text);
        self.mark(place.scope, name, flags::USE);
        let in_function = matches!(
            self.blocks[place.scope].scope.kind,
            ScopeKind::Function | ScopeKind::Lambda | ScopeKind::Comprehension
        );
        if text == "super" && in_function {
            let class = self.noted.number("__class__");
            self.mark(place.scope, class, flags::USE);
        }
        let name = self.noted.name(name).clone();
        self.blocks[place.scope]
            .scope
            .references
            .push(Reference { name, range });
    }

    pub(super) fn bind(&mut self, range: Range<usize>, kind: BindingKind, bits: u16, place: Place) {
        if range.is_empty() {
            return;
        }
        let name = self.stored(place.scope, &self.piece.text[range.clone()]);
        self.mark(place.scope, name, bits);
        self.blocks[place.scope].scope.bindings.push(Binding {
            name: self.noted.name(name).clone(),
            kind,
            range,
            statement: place.statement.0..place.statement.1,
            is_conditional: place.conditional,
        });
    }

    /// `:=`, which in a comprehension binds in the function or module around it.
    pub(super) fn named(&mut self, range: Range<usize>, place: Place) {
        let mut target = place.scope;
        while self.blocks[target].scope.kind == ScopeKind::Comprehension {
            match self.blocks[target].scope.parent {
                Some(parent) => target = parent.number(),
                None => break,
            }
        }
        if target == place.scope {
            return self.bind(range, BindingKind::Named, flags::LOCAL, place);
        }
        let name = self.stored(place.scope, &self.piece.text[range.clone()]);
        let around = place.in_scope(target);
        match self.blocks[target].scope.kind {
            ScopeKind::Function | ScopeKind::Lambda => {
                let is_global = self.flags_of(target, name) & flags::GLOBAL != 0;
                let taken = if is_global {
                    flags::GLOBAL
                } else {
                    flags::NONLOCAL
                };
                self.mark(place.scope, name, flags::LOCAL | taken);
                self.bind(range, BindingKind::Named, flags::LOCAL, around);
            }
            ScopeKind::Module => {
                self.mark(place.scope, name, flags::LOCAL | flags::GLOBAL);
                self.bind(range, BindingKind::Named, flags::GLOBAL, around);
            }
            // Python refuses it in a class's own comprehension.
            _ => self.bind(range, BindingKind::Named, flags::LOCAL, place),
        }
    }

    /// A name in a `global` or `nonlocal` statement.
    pub(super) fn declare(&mut self, range: Range<usize>, kind: DeclarationKind, place: Place) {
        let name = self.stored(place.scope, &self.piece.text[range.clone()]);
        let flag = match kind {
            DeclarationKind::Global => flags::GLOBAL,
            DeclarationKind::Nonlocal => flags::NONLOCAL,
        };
        self.mark(place.scope, name, flag);
        let declaration = Declaration {
            name: self.noted.name(name).clone(),
            kind,
            range,
        };
        self.blocks[place.scope]
            .scope
            .declarations
            .push(declaration);
    }

    /// The number of a name as CPython stores it in this scope.
    pub(super) fn stored(&mut self, scope: usize, written: &str) -> NameId {
        self.stored_normal(scope, &normal(written))
    }

    fn stored_normal(&mut self, scope: usize, name: &str) -> NameId {
        match &self.blocks[scope].private {
            Some(class) => self.noted.number(&mangle(Some(class), name)),
            None => self.noted.number(name),
        }
    }

    pub(super) fn flags_of(&self, scope: usize, name: NameId) -> u16 {
        self.noted.flags(&self.blocks, scope, name)
    }

    pub(super) fn mark(&mut self, scope: usize, name: NameId, bits: u16) {
        self.noted.notice(&mut self.blocks, scope, name).bits |= bits;
    }
}

/// Two spellings of a name that Python takes for the same are made one (PEP 3131: NFKC).
pub(super) fn normal(written: &str) -> Cow<'_, str> {
    if written.is_ascii() {
        Cow::Borrowed(written)
    } else {
        Cow::Owned(written.nfkc().collect())
    }
}
