//! What a nested function needs of the functions around it, and whether that can travel.
//!
//! A nested definition is carried out of its place by leaving its lines where they stand and opening the blocks around it
//! with `if True:`; what it captures must then be there too. That is safe for names whose only binding is an import, a
//! definition or a literal: such a statement means the same wherever it runs. Everything else is an obstacle that the user
//! is told about by name.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use hoist_syntax::scopes::{BindingKind, DeclarationKind, Name, ScopeId, ScopeKind};
use hoist_syntax::tree_sitter::Node;
use hoist_syntax::{Document, Scopes};

use crate::python::{ast, range_of, statement};
use crate::uses::{Home, Use, Uses, home};
use ast::{Expr, Stmt};

/// A statement inside of a function that is to stand on its own.
#[derive(Clone, Debug)]
pub(crate) struct Root {
    /// The whole statement, decorators included.
    pub(crate) statement: Range<usize>,
    /// The function that holds it.
    pub(crate) function: ScopeId,
    /// The name that it binds.
    pub(crate) name: Name,
}

/// What travels with a root.
#[derive(Clone, Debug, Default)]
pub(crate) struct Carried {
    /// The statements, by where they begin; the root's own is among them.
    pub(crate) statements: BTreeMap<usize, Range<usize>>,
    /// The names that become names of the module, with the statement that binds each.
    pub(crate) names: BTreeMap<Name, Range<usize>>,
    /// The module's names (and builtins) that the statements read, with the first place of each.
    pub(crate) module_names: BTreeMap<Name, usize>,
}

/// Why a root cannot stand on its own.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Obstacle {
    /// It captures a value that exists only while the function around it runs.
    Value {
        name: String,
        /// The function in which the value lives.
        owner: String,
        why: Why,
    },
    /// It uses `super()` or `__class__` of a class around it.
    Class(String),
    /// It uses a name that is private to a class around it: `__x`.
    Private(String),
    /// It changes a variable of a function around it with `nonlocal`.
    Nonlocal(String),
    /// Two different things would have one name in the module.
    Collision(String),
    /// It needs, by its module-level name, the definition inside of which it stands.
    Enclosing(String),
}

/// Why a captured name's value cannot be had outside of its function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Why {
    Parameter,
    Loop,
    With,
    Except,
    Changed,
    Several,
    Conditional,
    Computed,
    Touched,
    TypeParameter,
    Unbound,
}

impl Why {
    /// In words, with the function whose value it is.
    pub(crate) fn words(self, owner: &str) -> String {
        match self {
            Why::Parameter => format!("a parameter of `{owner}`"),
            Why::Loop => format!("a loop variable of `{owner}`"),
            Why::With => format!("the target of a `with` in `{owner}`"),
            Why::Except => format!("an exception that `{owner}` catches"),
            Why::Changed => format!("changed in `{owner}` after it is bound"),
            Why::Several => format!("bound more than once in `{owner}`"),
            Why::Conditional => format!("bound in `{owner}` only on a condition"),
            Why::Computed => format!("computed when `{owner}` runs"),
            Why::Touched => format!("also used elsewhere in `{owner}`, which may change it"),
            Why::TypeParameter => format!("a type parameter of `{owner}`"),
            Why::Unbound => format!("never bound in `{owner}`"),
        }
    }
}

/// The names that a list of obstacles is about, in order and once each.
pub(crate) fn names_of(obstacles: &[Obstacle]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for obstacle in obstacles {
        let name = match obstacle {
            Obstacle::Value { name, .. }
            | Obstacle::Class(name)
            | Obstacle::Private(name)
            | Obstacle::Nonlocal(name)
            | Obstacle::Collision(name)
            | Obstacle::Enclosing(name) => name,
        };
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    names
}

/// One text with its names, in which roots are judged.
pub(crate) struct Judge<'a> {
    pub(crate) document: &'a Document,
    pub(crate) scopes: &'a Scopes,
    pub(crate) uses: &'a Uses,
}

impl Judge<'_> {
    /// Follows everything that a root needs of the functions around it. What could be found travels, also when there are
    /// obstacles: a user may want to run it all the same.
    ///
    /// `wanted` are more names that the caller reads beside it, in the arguments: they travel where they can.
    pub(crate) fn carry(&self, root: &Root, wanted: &[String]) -> (Carried, Vec<Obstacle>) {
        let mut carried = Carried::default();
        let mut obstacles: BTreeSet<Obstacle> = BTreeSet::new();
        let mut mutable: Vec<(ScopeId, Name)> = Vec::new();
        let mut plain: Vec<(ScopeId, Name)> = Vec::new();
        let mut judged: BTreeSet<(ScopeId, Name)> = BTreeSet::new();
        let mut waiting = vec![(root.statement.clone(), root.function)];
        carried
            .names
            .insert(root.name.clone(), root.statement.clone());
        plain.push((root.function, root.name.clone()));
        judged.insert((root.function, root.name.clone()));
        if self.bindings_of(root.function, &root.name).count() > 1
            && self
                .uses
                .within(&root.statement)
                .iter()
                .any(|a_use| self.reads(a_use, root.function, &root.name))
        {
            obstacles.insert(self.value(root.function, &root.name, Why::Several));
        }
        for name in wanted {
            if let Some((owner, found)) = self.beside(root, name) {
                for name in &found.names {
                    judged.insert((owner, name.clone()));
                    carried.names.insert(name.clone(), found.statement.clone());
                    let list = if found.mutable {
                        &mut mutable
                    } else {
                        &mut plain
                    };
                    list.push((owner, name.clone()));
                }
                waiting.push((found.statement, owner));
            }
        }
        while let Some((range, function)) = waiting.pop() {
            if carried
                .statements
                .insert(range.start, range.clone())
                .is_some()
            {
                continue;
            }
            self.find_private(&range, &mut obstacles);
            self.find_nonlocal(&range, &mut obstacles);
            self.find_class_cell(&range, &mut obstacles);
            for a_use in self.uses.within(&range) {
                let owner = match a_use.home {
                    Home::Module => {
                        carried
                            .module_names
                            .entry(a_use.name.clone())
                            .or_insert(a_use.range.start);
                        continue;
                    }
                    Home::Scope(owner) => owner,
                };
                let inside = &self.scopes.get(owner).range;
                if range.start <= inside.start && inside.end <= range.end && owner != function {
                    continue;
                }
                if &*a_use.name == "__class__" {
                    continue;
                }
                if !judged.insert((owner, a_use.name.clone())) {
                    continue;
                }
                match self.verdict(owner, &a_use.name, root) {
                    Ok(found) => {
                        for name in &found.names {
                            match carried.names.get(name) {
                                Some(other) if *other != found.statement => {
                                    obstacles.insert(Obstacle::Collision(name.to_string()));
                                }
                                _ => {
                                    carried.names.insert(name.clone(), found.statement.clone());
                                }
                            }
                            judged.insert((owner, name.clone()));
                            if found.mutable {
                                mutable.push((owner, name.clone()));
                            } else {
                                plain.push((owner, name.clone()));
                            }
                        }
                        waiting.push((found.statement, owner));
                    }
                    Err(why) => {
                        obstacles.insert(self.value(owner, &a_use.name, why));
                    }
                }
            }
        }
        let outside = |a_use: &Use| {
            let place = a_use.range.start;
            !carried
                .statements
                .range(..=place)
                .any(|(_, statement)| statement.contains(&place))
        };
        for (owner, name) in &mutable {
            if self.uses.of(Home::Scope(*owner), name).any(outside) {
                obstacles.insert(self.value(*owner, name, Why::Touched));
            }
        }
        for (owner, name) in &plain {
            let changed = |a_use: &Use| outside(a_use) && self.is_changed_through(a_use);
            if self.uses.of(Home::Scope(*owner), name).any(changed) {
                obstacles.insert(self.value(*owner, name, Why::Changed));
            }
        }
        for name in carried.module_names.keys() {
            if let Some(statement) = carried.names.get(name)
                && !self.is_same_import(statement, name)
            {
                obstacles.insert(Obstacle::Collision(name.to_string()));
            }
            if self.encloses(root, name) {
                obstacles.insert(Obstacle::Enclosing(name.to_string()));
            }
        }
        (carried, obstacles.into_iter().collect())
    }

    /// A name of the functions around a root that the module does not have, when its value can be had elsewhere.
    fn beside(&self, root: &Root, name: &str) -> Option<(ScopeId, Found)> {
        let name = Name::new(name);
        if name == root.name
            || self
                .uses
                .of(Home::Module, &name)
                .any(|a_use| a_use.binding.is_some())
        {
            return None;
        }
        let mut at = Some(root.function);
        while let Some(id) = at {
            let scope = self.scopes.get(id);
            if scope.kind != ScopeKind::Class && self.bindings_of(id, &name).next().is_some() {
                return self.verdict(id, &name, root).ok().map(|found| (id, found));
            }
            at = scope.parent;
        }
        None
    }

    /// Is the statement an import, and does the module bind the same name by the same import and by nothing else?
    pub(crate) fn is_same_import(&self, statement: &Range<usize>, name: &Name) -> bool {
        let text = self.text(statement);
        let normal = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let mut bindings = self
            .uses
            .of(Home::Module, name)
            .filter(|a_use| a_use.binding.is_some())
            .peekable();
        bindings.peek().is_some()
            && bindings.all(|a_use| {
                a_use.binding == Some(BindingKind::Import)
                    && normal(self.text(&a_use.statement)) == normal(text)
            })
    }

    /// Does a module-level name mean the definition inside of which the root stands?
    fn encloses(&self, root: &Root, name: &Name) -> bool {
        self.uses.of(Home::Module, name).any(|a_use| {
            a_use.binding.is_some()
                && a_use.scope == self.scopes.module()
                && a_use.statement.start <= root.statement.start
                && root.statement.end <= a_use.statement.end
        })
    }

    /// A name as it is written; the private ones of a class are stored otherwise.
    fn written(&self, a_use: &Use) -> Name {
        match self.text(&a_use.range) {
            text if text.starts_with("__") => Name::new(text),
            _ => a_use.name.clone(),
        }
    }

    fn text(&self, range: &Range<usize>) -> &str {
        self.document.text().get(range.clone()).unwrap_or_default()
    }

    fn value(&self, owner: ScopeId, name: &Name, why: Why) -> Obstacle {
        Obstacle::Value {
            name: name.to_string(),
            owner: self.scopes.get(owner).qualname.clone(),
            why,
        }
    }

    fn reads(&self, a_use: &Use, owner: ScopeId, name: &Name) -> bool {
        a_use.binding.is_none() && a_use.home == Home::Scope(owner) && a_use.name == *name
    }

    fn bindings_of<'s>(&'s self, owner: ScopeId, name: &Name) -> impl Iterator<Item = &'s Use> {
        self.uses.of(Home::Scope(owner), name).filter(|a_use| {
            a_use
                .binding
                .is_some_and(|kind| kind != BindingKind::Annotation)
        })
    }

    /// Can the value of a captured name be had elsewhere, and by which statement?
    fn verdict(&self, owner: ScopeId, name: &Name, root: &Root) -> Result<Found, Why> {
        let bindings: Vec<&Use> = self.bindings_of(owner, name).collect();
        let by_kind = |kind: BindingKind| bindings.iter().any(|a_use| a_use.binding == Some(kind));
        let binding = match bindings.as_slice() {
            [] => return Err(Why::Unbound),
            [only] => *only,
            _ if by_kind(BindingKind::Parameter) => return Err(Why::Parameter),
            _ if by_kind(BindingKind::AugAssign) => return Err(Why::Changed),
            _ => return Err(Why::Several),
        };
        if binding.scope != owner {
            return Err(Why::Changed);
        }
        let kind = binding.binding.unwrap_or(BindingKind::Assign);
        match kind {
            BindingKind::Parameter => return Err(Why::Parameter),
            BindingKind::For => return Err(Why::Loop),
            BindingKind::With => return Err(Why::With),
            BindingKind::Except => return Err(Why::Except),
            BindingKind::AugAssign | BindingKind::Delete => return Err(Why::Changed),
            BindingKind::TypeParameter => return Err(Why::TypeParameter),
            BindingKind::Named | BindingKind::Match | BindingKind::Annotation => {
                return Err(Why::Computed);
            }
            BindingKind::Import
            | BindingKind::Def
            | BindingKind::Class
            | BindingKind::Assign
            | BindingKind::AnnAssign
            | BindingKind::TypeAlias => {}
        }
        if !self.runs_before(&binding.statement, root) {
            return Err(Why::Conditional);
        }
        match kind {
            BindingKind::Assign | BindingKind::AnnAssign => {
                self.literal(owner, &binding.statement, root)
            }
            BindingKind::Import => {
                // One statement may bind several names; all of them become names of the module.
                let names = self
                    .uses
                    .within(&binding.statement)
                    .iter()
                    .filter(|a_use| a_use.binding == Some(BindingKind::Import))
                    .map(|a_use| self.written(a_use))
                    .collect();
                Ok(Found {
                    statement: binding.statement.clone(),
                    names,
                    mutable: false,
                })
            }
            _ => Ok(Found {
                statement: binding.statement.clone(),
                names: vec![self.written(binding)],
                mutable: false,
            }),
        }
    }

    /// Is the block that holds the statement one of the blocks around the root, so that the one runs whenever the other does?
    fn runs_before(&self, statement: &Range<usize>, root: &Root) -> bool {
        let Some(node) = self
            .document
            .tree()
            .root_node()
            .descendant_for_byte_range(statement.start, statement.end)
        else {
            return false;
        };
        let mut at = Some(node);
        while let Some(node) = at {
            if node.kind() == "block" && node.byte_range() != *statement {
                let block = node.byte_range();
                return block.start <= root.statement.start && root.statement.end <= block.end;
            }
            at = node.parent();
        }
        false
    }

    fn literal(&self, owner: ScopeId, range: &Range<usize>, root: &Root) -> Result<Found, Why> {
        let Some(parsed) = statement(self.text(range)) else {
            return Err(Why::Computed);
        };
        let (targets, value): (Vec<&Expr>, &Expr) = match &parsed {
            Stmt::Assign(assign) => (assign.targets.iter().collect(), &assign.value),
            Stmt::AnnAssign(assign) => match &assign.value {
                Some(value) => (vec![&*assign.target], value),
                None => return Err(Why::Unbound),
            },
            _ => return Err(Why::Computed),
        };
        let mut names = Vec::new();
        if !targets
            .iter()
            .all(|target| self.target_names(owner, target, range.start, &mut names))
        {
            return Err(Why::Computed);
        }
        if let Expr::Lambda(_) = value {
            return Ok(Found {
                statement: range.clone(),
                names,
                mutable: false,
            });
        }
        let mutable = self.is_literal(value, range.start, root, 0)?;
        for name in &names {
            if self.bindings_of(owner, name).count() > 1 {
                return Err(Why::Several);
            }
        }
        Ok(Found {
            statement: range.clone(),
            names,
            mutable,
        })
    }

    fn target_names(
        &self,
        owner: ScopeId,
        target: &Expr,
        base: usize,
        names: &mut Vec<Name>,
    ) -> bool {
        match target {
            Expr::Name(name) => {
                let found = self.uses.at(base + range_of(name).start);
                match found {
                    Some(a_use) if a_use.home == Home::Scope(owner) => {
                        names.push(self.written(a_use));
                        true
                    }
                    _ => false,
                }
            }
            Expr::Tuple(tuple) => tuple
                .elts
                .iter()
                .all(|target| self.target_names(owner, target, base, names)),
            Expr::List(list) => list
                .elts
                .iter()
                .all(|target| self.target_names(owner, target, base, names)),
            _ => false,
        }
    }

    /// Is the expression a literal, and can its value be changed in place?
    fn is_literal(&self, value: &Expr, base: usize, root: &Root, depth: u32) -> Result<bool, Why> {
        if depth > 200 {
            return Err(Why::Computed);
        }
        let all = |values: &mut dyn Iterator<Item = &Expr>| -> Result<bool, Why> {
            let mut mutable = false;
            for value in values {
                mutable |= self.is_literal(value, base, root, depth + 1)?;
            }
            Ok(mutable)
        };
        match value {
            Expr::StringLiteral(_)
            | Expr::BytesLiteral(_)
            | Expr::NumberLiteral(_)
            | Expr::BooleanLiteral(_)
            | Expr::NoneLiteral(_)
            | Expr::EllipsisLiteral(_) => Ok(false),
            Expr::Tuple(tuple) => all(&mut tuple.elts.iter()),
            Expr::List(list) => all(&mut list.elts.iter()).map(|_| true),
            Expr::Set(set) => all(&mut set.elts.iter()).map(|_| true),
            Expr::Dict(dict) => all(&mut dict
                .items
                .iter()
                .flat_map(|item| item.key.iter().chain(Some(&item.value))))
            .map(|_| true),
            Expr::Starred(starred) => self.is_literal(&starred.value, base, root, depth + 1),
            Expr::UnaryOp(unary) => self.is_literal(&unary.operand, base, root, depth + 1),
            Expr::BinOp(binary) => all(&mut [&*binary.left, &*binary.right].into_iter()),
            Expr::BoolOp(both) => all(&mut both.values.iter()),
            Expr::Compare(compare) => {
                all(&mut std::iter::once(&*compare.left).chain(&*compare.comparators))
                    .map(|_| false)
            }
            Expr::If(choice) => {
                all(&mut [&*choice.test, &*choice.body, &*choice.orelse].into_iter())
            }
            Expr::FString(text) => {
                for element in text.value.elements() {
                    if let ast::InterpolatedStringElement::Interpolation(inner) = element {
                        if inner.format_spec.is_some() {
                            return Err(Why::Computed);
                        }
                        self.is_literal(&inner.expression, base, root, depth + 1)?;
                    }
                }
                Ok(false)
            }
            Expr::Name(name) => {
                let Some(a_use) = self.uses.at(base + range_of(name).start) else {
                    return Err(Why::Computed);
                };
                let Home::Scope(home) = a_use.home else {
                    return Err(Why::Computed);
                };
                let binding = match self.bindings_of(home, &a_use.name).collect::<Vec<_>>()[..] {
                    [only] if only.scope == home => only,
                    _ => return Err(Why::Computed),
                };
                // A literal made of another literal: that one must stand before it and be one itself.
                let is_value = matches!(
                    binding.binding,
                    Some(BindingKind::Assign | BindingKind::AnnAssign)
                );
                if !is_value || binding.statement.start >= base || depth > 20 {
                    return Err(Why::Computed);
                }
                if !self.runs_before(&binding.statement, root) {
                    return Err(Why::Computed);
                }
                let parsed = statement(self.text(&binding.statement)).ok_or(Why::Computed)?;
                let inner = match &parsed {
                    Stmt::Assign(assign) => &*assign.value,
                    Stmt::AnnAssign(assign) => assign.value.as_deref().ok_or(Why::Computed)?,
                    _ => return Err(Why::Computed),
                };
                self.is_literal(inner, binding.statement.start, root, depth + 10)
                    .map_err(|_| Why::Computed)
            }
            Expr::Call(call) => {
                // Only constructors of empty or literal containers, by their builtin names.
                let Expr::Name(name) = &*call.func else {
                    return Err(Why::Computed);
                };
                let function = name.id.as_str();
                let is_builtin = ["set", "dict", "list", "tuple", "frozenset"].contains(&function)
                    && self
                        .uses
                        .at(base + range_of(name).start)
                        .is_some_and(|a_use| {
                            a_use.home == Home::Module
                                && !self
                                    .uses
                                    .of(Home::Module, &a_use.name)
                                    .any(|other| other.binding.is_some())
                        });
                if !is_builtin {
                    return Err(Why::Computed);
                }
                let mutable = all(&mut call
                    .arguments
                    .args
                    .iter()
                    .chain(call.arguments.keywords.iter().map(|keyword| &keyword.value)))?;
                Ok(match function {
                    "frozenset" => false,
                    "tuple" => mutable,
                    _ => true,
                })
            }
            _ => Err(Why::Computed),
        }
    }

    /// Does the use change what the name means for others: `f.cache = {}`, `del A.x`, `@f.register`?
    fn is_changed_through(&self, a_use: &Use) -> bool {
        let root = self.document.tree().root_node();
        let Some(mut node) = root.descendant_for_byte_range(a_use.range.start, a_use.range.end)
        else {
            return false;
        };
        let mut climbed = false;
        while let Some(parent) = node.parent() {
            let is_root_of = |field: &str| parent.child_by_field_name(field) == Some(node);
            match parent.kind() {
                "attribute" if is_root_of("object") => climbed = true,
                "subscript" if is_root_of("value") => climbed = true,
                "call" if climbed && is_root_of("function") => {
                    return parent
                        .parent()
                        .is_some_and(|node| node.kind() == "decorator");
                }
                "decorator" => return climbed,
                "assignment" | "augmented_assignment" => return climbed && is_root_of("left"),
                "delete_statement" => return climbed,
                "pattern_list" | "tuple_pattern" | "list_pattern" | "expression_list"
                    if climbed => {}
                "argument_list" if !climbed => {
                    return parent
                        .parent()
                        .and_then(|call| call.child_by_field_name("function"))
                        .is_some_and(|function| {
                            ["setattr", "delattr"].contains(&self.text(&function.byte_range()))
                        });
                }
                _ => return false,
            }
            node = parent;
        }
        false
    }

    fn find_nonlocal(&self, range: &Range<usize>, obstacles: &mut BTreeSet<Obstacle>) {
        for (id, scope) in self.scopes.iter() {
            if scope.range.start < range.start || scope.range.end > range.end {
                continue;
            }
            for declaration in &scope.declarations {
                if declaration.kind != DeclarationKind::Nonlocal {
                    continue;
                }
                let outside = match home(self.scopes, id, &declaration.name) {
                    Home::Module => true,
                    Home::Scope(owner) => {
                        let owner = &self.scopes.get(owner).range;
                        owner.start < range.start || owner.end > range.end
                    }
                };
                if outside {
                    obstacles.insert(Obstacle::Nonlocal(declaration.name.to_string()));
                }
            }
        }
    }

    fn find_class_cell(&self, range: &Range<usize>, obstacles: &mut BTreeSet<Obstacle>) {
        for (id, scope) in self.scopes.iter() {
            if scope.range.start < range.start || scope.range.end > range.end {
                continue;
            }
            let free = scope
                .symbols
                .get("__class__")
                .is_some_and(|symbol| symbol.resolution == hoist_syntax::scopes::Resolution::Free);
            if !free {
                continue;
            }
            let Some(class) = self.class_around(id) else {
                continue;
            };
            let class = self.scopes.get(class);
            if class.range.start < range.start || class.range.end > range.end {
                obstacles.insert(Obstacle::Class("super()".to_owned()));
            }
        }
    }

    fn class_around(&self, id: ScopeId) -> Option<ScopeId> {
        let mut at = Some(id);
        while let Some(scope) = at {
            if self.scopes.get(scope).kind == ScopeKind::Class {
                return Some(scope);
            }
            at = self.scopes.get(scope).parent;
        }
        None
    }

    /// Names with two leading underscores mean other names inside of a class; outside of it they would not.
    fn find_private(&self, range: &Range<usize>, obstacles: &mut BTreeSet<Obstacle>) {
        if !self.text(range).contains("__") {
            return;
        }
        let root = self.document.tree().root_node();
        let Some(node) = root.descendant_for_byte_range(range.start, range.end) else {
            return;
        };
        let mut waiting: Vec<Node<'_>> = vec![node];
        while let Some(node) = waiting.pop() {
            let place = node.byte_range();
            if place.end <= range.start || place.start >= range.end {
                continue;
            }
            if node.kind() == "identifier" {
                let name = self.text(&place);
                // A variable of a function is called the same in all of the code that is carried, private or not.
                let is_variable = self
                    .uses
                    .at(place.start)
                    .is_some_and(|a_use| matches!(a_use.home, Home::Scope(_)));
                if name.starts_with("__") && !name.ends_with("__") && !is_variable {
                    let class = self.class_around(self.scopes.scope_at(place.start));
                    let outside = class.is_some_and(|class| {
                        let class = &self.scopes.get(class).range;
                        class.start < range.start || class.end > range.end
                    });
                    if outside {
                        obstacles.insert(Obstacle::Private(name.to_owned()));
                    }
                }
            }
            let mut cursor = node.walk();
            waiting.extend(node.children(&mut cursor));
        }
    }
}

struct Found {
    statement: Range<usize>,
    names: Vec<Name>,
    mutable: bool,
}
