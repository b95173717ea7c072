//! What of a statement would mean something else outside of its class or function.

use std::collections::BTreeSet;
use std::ops::Range;

use hoist_syntax::scopes::{DeclarationKind, Resolution, ScopeId, ScopeKind};
use hoist_syntax::strict;

use super::{Judge, Obstacle};
use crate::python::{ast, nodes_around, range_of};
use crate::uses::{Home, Use, home};
use ast::token::TokenKind;
use ast::{AnyNodeRef, Expr};

impl Judge<'_> {
    /// Does the use change what the name means for others: `f.cache = {}`, `del A.x`, `@f.register`?
    pub(super) fn is_changed_through(&self, a_use: &Use) -> bool {
        if !self.may_be_changed_through(a_use) {
            return false;
        }
        let module = self.document.statements_at(a_use.range.start);
        let around = nodes_around(&module.body, &a_use.range);
        let mut climbed = false;
        for (index, node) in around.iter().enumerate() {
            let is = |other: &Expr| node.ptr_eq(other.into());
            let is_among = |others: &[Expr]| others.iter().any(is);
            match around.get(index + 1) {
                Some(AnyNodeRef::ExprAttribute(parent)) if is(&parent.value) => climbed = true,
                Some(AnyNodeRef::ExprSubscript(parent)) if is(&parent.value) => climbed = true,
                Some(AnyNodeRef::ExprCall(parent)) if climbed && is(&parent.func) => {
                    return matches!(around.get(index + 2), Some(AnyNodeRef::Decorator(_)));
                }
                Some(AnyNodeRef::Decorator(_)) => return climbed,
                Some(AnyNodeRef::StmtAssign(parent)) => {
                    return climbed && is_among(&parent.targets);
                }
                Some(AnyNodeRef::StmtAnnAssign(parent)) => return climbed && is(&parent.target),
                Some(AnyNodeRef::StmtAugAssign(parent)) => return climbed && is(&parent.target),
                Some(AnyNodeRef::StmtDelete(_)) => return climbed,
                Some(AnyNodeRef::ExprTuple(parent)) if climbed && !parent.ctx.is_load() => {}
                Some(AnyNodeRef::ExprList(parent)) if climbed && !parent.ctx.is_load() => {}
                Some(AnyNodeRef::Arguments(_)) if !climbed => {
                    return match around.get(index + 2) {
                        Some(AnyNodeRef::ExprCall(call)) => {
                            ["setattr", "delattr"].contains(&self.text(&range_of(&*call.func)))
                        }
                        _ => false,
                    };
                }
                _ => return false,
            }
        }
        false
    }

    /// A guess by the text, which saves a look at the tree: only through an attribute, an item, or by name.
    fn may_be_changed_through(&self, a_use: &Use) -> bool {
        let text = self.document.text();
        let after = text.get(a_use.range.end..).unwrap_or_default();
        let before = text.get(..a_use.range.start).unwrap_or_default().trim_end();
        let called = before.strip_suffix('(').unwrap_or_default().trim_end();
        after.trim_start().starts_with(['.', '[', '\\', '#'])
            || called.ends_with("setattr")
            || called.ends_with("delattr")
    }

    pub(super) fn find_nonlocal(&self, range: &Range<usize>, obstacles: &mut BTreeSet<Obstacle>) {
        for (id, scope) in self.scopes.around(range.start) {
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

    pub(super) fn find_class_cell(&self, range: &Range<usize>, obstacles: &mut BTreeSet<Obstacle>) {
        for (id, scope) in self.scopes.around(range.start) {
            if scope.range.start < range.start || scope.range.end > range.end {
                continue;
            }
            let free = scope
                .symbols
                .get("__class__")
                .is_some_and(|symbol| symbol.resolution == Resolution::Free);
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
    pub(super) fn find_private(&self, range: &Range<usize>, obstacles: &mut BTreeSet<Obstacle>) {
        let is_private = |word: &str| word.starts_with("__") && !word.ends_with("__");
        let mut words = self
            .text(range)
            .split(|c: char| !(c.is_alphanumeric() || c == '_'));
        if !words.any(is_private) {
            return;
        }
        for (kind, place) in strict::tokens(self.text(range)) {
            let place = range.start + place.start..range.start + place.end;
            let name = self.text(&place);
            if kind != TokenKind::Name || !is_private(name) {
                continue;
            }
            // A variable of a function is called the same in all of the code that is carried, private or not.
            let is_variable = self
                .uses
                .at(place.start)
                .is_some_and(|a_use| matches!(a_use.home, Home::Scope(_)));
            let class = self.class_around(self.scopes.scope_at(place.start));
            let is_outside = class.is_some_and(|class| {
                let class = &self.scopes.get(class).range;
                class.start < range.start || class.end > range.end
            });
            if is_outside && !is_variable {
                obstacles.insert(Obstacle::Private(name.to_owned()));
            }
        }
    }
}
