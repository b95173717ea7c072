//! What a scope is.

use super::names::Name;
use std::ops::Range;

/// A scope among the [`super::Scopes`] that gave this number out. Numbers follow the text; a scope's own comes before those
/// of the scopes in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ScopeId {
    /// The piece of the module that holds it.
    pub(super) piece: u32,
    /// Its number among the scopes of the piece; 0 is the module's own scope, whatever the piece.
    pub(super) number: u32,
}

impl ScopeId {
    /// The module's own scope.
    pub(super) const MODULE: ScopeId = ScopeId {
        piece: 0,
        number: 0,
    };

    /// Where the scope lies among those of its piece.
    pub(super) fn number(self) -> usize {
        self.number as usize
    }
}

/// What makes a scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ScopeKind {
    /// The file.
    Module,
    /// `class`.
    Class,
    /// `def` or `async def`.
    Function,
    /// `lambda`.
    Lambda,
    /// A list, set or dictionary comprehension or a generator expression.
    Comprehension,
    /// An annotation that is never evaluated (`from __future__ import annotations`), the value of a `type` statement, or
    /// the bound of a type parameter.
    Annotation,
    /// The type parameters of a function, a class or a `type` statement: `[T]`.
    TypeParameters,
}

/// One scope. All ranges are byte ranges of the document's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// What makes it.
    pub kind: ScopeKind,
    /// The function's or class's name; `<module>`, `<lambda>`, `<listcomp>` ... else.
    pub name: Name,
    /// CPython's `__qualname__`: `A.f.<locals>.g`. The name alone at the top level; empty for the module.
    pub qualname: String,
    /// The scope around it; none for the module.
    pub parent: Option<ScopeId>,
    /// The scopes directly in it.
    pub children: Vec<ScopeId>,
    /// The whole node, decorators included.
    pub range: Range<usize>,
    /// From the keyword `async`, `def`, `class` or `lambda` on to the end.
    pub def_range: Range<usize>,
    /// The name after `def` or `class`; the keyword's place for other scopes.
    pub name_range: Range<usize>,
    /// The statements of a function, class or module, or the expression of a lambda; the whole of any other scope.
    pub body_range: Range<usize>,
    /// `async def`, or a comprehension that awaits.
    pub is_async: bool,
    /// Is there a `yield` in it? A generator expression is one, too.
    pub is_generator: bool,
    /// Python never makes this scope, its names count nowhere: an annotation under `from __future__ import annotations`,
    /// and all that is in it. It is kept because tools may evaluate the annotation's text later.
    pub is_detached: bool,
    /// Is there a `from ... import *` in it?
    pub has_star_import: bool,
    /// The parameters, in order.
    pub parameters: Vec<Parameter>,
    /// The decorators, with their `@`.
    pub decorators: Vec<Range<usize>>,
    /// What each name means here.
    pub symbols: Symbols,
    /// Where this scope binds (or deletes) names, in source order.
    pub bindings: Vec<Binding>,
    /// `global` and `nonlocal`, in source order.
    pub declarations: Vec<Declaration>,
    /// Where this very scope reads names, in source order.
    pub references: Vec<Reference>,
}

/// A parameter of a function or lambda.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    /// Its name, not mangled.
    pub name: Name,
    /// How a call reaches it.
    pub kind: ParameterKind,
    /// May a call leave it out because it has a default? (`*args` and `**kwargs` have none.)
    pub has_default: bool,
    /// The name's place.
    pub range: Range<usize>,
    /// The annotation's place.
    pub annotation: Option<Range<usize>>,
    /// The default's place.
    pub default: Option<Range<usize>>,
}

/// How a call reaches a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ParameterKind {
    /// Before `/`.
    PositionalOnly,
    /// By position or by name.
    Positional,
    /// `*args`
    VarPositional,
    /// After `*` or `*args`.
    KeywordOnly,
    /// `**kwargs`
    VarKeyword,
}

/// Where a name's value lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Resolution {
    /// In this scope.
    Local,
    /// In this scope, and scopes in it use it.
    Cell,
    /// In a function around this scope.
    Free,
    /// In the module, by a `global` statement.
    GlobalExplicit,
    /// In the module or among the builtins.
    GlobalImplicit,
}

impl Resolution {
    /// Does the name live in the module or among the builtins? (In the module's own scope, names that it binds are local.)
    pub fn is_global(self) -> bool {
        matches!(
            self,
            Resolution::GlobalExplicit | Resolution::GlobalImplicit
        )
    }
}

/// What a name means in one scope, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Symbol {
    /// Where the value lives.
    pub resolution: Resolution,
    /// A parameter of this scope.
    pub is_parameter: bool,
    /// Bound here by something other than a parameter or an import.
    pub is_assigned: bool,
    /// Bound here by an import.
    pub is_imported: bool,
    /// Read here.
    pub is_referenced: bool,
    /// Annotated here: `x: int`.
    pub is_annotated: bool,
    /// Named by a `nonlocal` statement here (or bound by `:=` in a comprehension of a function).
    pub is_nonlocal: bool,
    /// A type parameter of this scope.
    pub is_type_parameter: bool,
    /// In a class that binds this name itself: functions in the class use the variable of the same name of a function
    /// around the class.
    pub is_free_class: bool,
}

/// The names of one scope, sorted. Names private to a class are as CPython stores them: `_A__x`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Symbols(pub(super) Vec<(Name, Symbol)>);

impl Symbols {
    /// What a name means.
    pub fn get(&self, name: &str) -> Option<&Symbol> {
        let found = self.0.binary_search_by(|(own, _)| own.as_str().cmp(name));
        found.ok().map(|index| &self.0[index].1)
    }

    /// Is this name used or bound here?
    pub fn contains(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// All names in order.
    pub fn iter(&self) -> impl Iterator<Item = (&Name, &Symbol)> {
        self.0.iter().map(|(name, symbol)| (name, symbol))
    }

    /// How many names there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Are there none?
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// A place that binds a name, or deletes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    /// The name as CPython stores it (mangled when private to a class).
    pub name: Name,
    /// What binds it.
    pub kind: BindingKind,
    /// The name's place.
    pub range: Range<usize>,
    /// The whole innermost statement that binds it; of a `for` or a `def`, with its body (and decorators).
    pub statement: Range<usize>,
    /// Is it inside of an `if`, `for`, `while`, `try`, `with` or `match` of its scope, so that it may not happen?
    pub is_conditional: bool,
}

/// What binds a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BindingKind {
    /// `import a.b`, `from a import b`, with or without `as`.
    Import,
    /// `def`
    Def,
    /// `class`
    Class,
    /// A parameter.
    Parameter,
    /// `=`
    Assign,
    /// `+=` and the like, which read the name, too.
    AugAssign,
    /// `x: int = 1`
    AnnAssign,
    /// `x: int`, which makes the name local but gives it no value.
    Annotation,
    /// `for` of a statement or a comprehension.
    For,
    /// `with ... as`
    With,
    /// `except ... as`
    Except,
    /// `:=`
    Named,
    /// A capture in a `case`.
    Match,
    /// `del`
    Delete,
    /// `type X = ...`
    TypeAlias,
    /// `[T]` after a function's, class's or type's name.
    TypeParameter,
}

/// A name in a `global` or `nonlocal` statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declaration {
    /// The name as CPython stores it.
    pub name: Name,
    /// Which statement.
    pub kind: DeclarationKind,
    /// The name's place.
    pub range: Range<usize>,
}

/// Which statement declares a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DeclarationKind {
    /// `global`
    Global,
    /// `nonlocal`
    Nonlocal,
}

/// A place that reads a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// The name as CPython stores it (mangled when private to a class).
    pub name: Name,
    /// The name's place.
    pub range: Range<usize>,
}
