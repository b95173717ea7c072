//! What of a statement would mean something else outside of its class or function.

use std::collections::BTreeSet;
use std::ops::Range;

use hoist_syntax::scopes::{DeclarationKind, Resolution, ScopeId, ScopeKind};
use hoist_syntax::tree_sitter::Node;

use super::{Judge, Obstacle};
use crate::uses::{Home, Use, home};

impl Judge<'_> {
    /// Does the use change what the name means for others: `f.cache = {}`, `del A.x`, `@f.register`?
    pub(super) fn is_changed_through(&self, a_use: &Use) -> bool {
        if !self.may_be_changed_through(a_use) {
            return false;
        }
        let tree = self.document.tree_at(a_use.range.start);
        let root = tree.root_node();
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
        let tree = self.document.tree_at(range.start);
        let root = tree.root_node();
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
                if is_private(name) && !is_variable {
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
