//! What binds and declares names in a scope: assignments, imports, patterns, `global`.

use super::{Collector, Context, Place, flags, is_branch};
use crate::kinds::{Kind, fields};
use crate::scopes::model::*;
use tree_sitter::Node;

impl<'t> Collector<'t> {
    pub(super) fn statements(&mut self, node: Node<'t>, place: Place) {
        let mark = self.tasks.len();
        self.push_children(node, place, Context::Load);
        for task in &mut self.tasks[mark..] {
            if Kind::of(task.node) != Kind::CaseClause {
                task.place.statement = (task.node.start_byte(), task.node.end_byte());
            }
        }
    }

    pub(super) fn compound(&mut self, node: Node<'t>, place: Place) {
        let mark = self.tasks.len();
        self.push_children(node, place, Context::Load);
        for task in &mut self.tasks[mark..] {
            task.place.conditional |= is_branch(Kind::of(task.node));
        }
    }

    pub(super) fn for_statement(&mut self, node: Node<'t>, place: Place) {
        let mark = self.tasks.len();
        self.by_field(node, place, |field| match field {
            Some(field) if field == fields().left => Some(Context::Store(BindingKind::For)),
            _ => Some(Context::Load),
        });
        for task in &mut self.tasks[mark..] {
            task.place.conditional |=
                task.context != Context::Load || is_branch(Kind::of(task.node));
        }
    }

    pub(super) fn except(&mut self, node: Node<'t>, place: Place) {
        for (field, child) in self.children(node) {
            if field == Some(fields().alias) {
                self.push(child, place, Context::Store(BindingKind::Except));
            } else if Kind::of(child) == Kind::AsPattern {
                self.as_pattern(child, place, BindingKind::Except);
            } else {
                self.push(child, place, Context::Load);
            }
        }
    }

    pub(super) fn as_pattern(&mut self, node: Node<'t>, place: Place, kind: BindingKind) {
        self.by_field(node, place, |field| match field {
            Some(field) if field == fields().alias => Some(Context::Store(kind)),
            _ => Some(Context::Load),
        });
    }

    pub(super) fn case(&mut self, node: Node<'t>, place: Place) {
        for (_, child) in self.children(node) {
            let context = if Kind::of(child) == Kind::CasePattern {
                Context::Pattern
            } else {
                Context::Load
            };
            self.push(child, place.conditional(), context);
        }
    }

    pub(super) fn pattern_alias(&mut self, node: Node<'t>, place: Place) {
        self.push_children(node, place, Context::Pattern);
    }

    /// `name` captures, `a.b` is a value that is looked up.
    pub(super) fn pattern_name(&mut self, node: Node<'t>, place: Place) {
        let context = if node.named_child_count() > 1 {
            Context::Load
        } else {
            Context::Pattern
        };
        self.first_child(node, place, context);
    }

    pub(super) fn class_pattern(&mut self, node: Node<'t>, place: Place) {
        self.first_child(node, place, Context::Load);
        self.push_named(node, 1, place, Context::Pattern);
    }

    pub(super) fn assignment(&mut self, node: Node<'t>, place: Place) {
        let annotation = node.child_by_field_id(fields().r#type.get());
        let has_value = node.child_by_field_id(fields().right.get()).is_some();
        for (field, child) in self.children(node) {
            let field = field.unwrap_or(fields().right);
            if field == fields().r#type {
                self.annotation(child, place);
            } else if field != fields().left {
                self.push(child, place, Context::Load);
            } else if annotation.is_none() {
                self.push(child, place, Context::Store(BindingKind::Assign));
            } else if Kind::of(child) == Kind::Identifier {
                let kind = if has_value {
                    BindingKind::AnnAssign
                } else {
                    BindingKind::Annotation
                };
                self.bind(
                    child.byte_range(),
                    kind,
                    flags::LOCAL | flags::ANNOTATED,
                    place,
                );
            } else if let Some(name) = self.parenthesized_name(child) {
                // `(x): int` declares nothing, `(x): int = 1` only assigns.
                if has_value {
                    self.push(name, place, Context::Store(BindingKind::AnnAssign));
                }
            } else {
                self.push(child, place, Context::Store(BindingKind::AnnAssign));
            }
        }
    }

    pub(super) fn parenthesized_name(&self, mut node: Node<'t>) -> Option<Node<'t>> {
        while matches!(
            Kind::of(node),
            Kind::TuplePattern | Kind::ParenthesizedExpression
        ) && node.named_child_count() == 1
        {
            if (0..node.child_count() as u32)
                .any(|index| node.child(index).is_some_and(|child| child.kind() == ","))
            {
                return None;
            }
            node = node.named_child(0)?;
        }
        (Kind::of(node) == Kind::Identifier).then_some(node)
    }

    /// An annotation: names of the scope around, or under `from __future__ import annotations` of a scope that is never.
    pub(super) fn annotation(&mut self, node: Node<'t>, place: Place) {
        if !self.hide_annotations {
            return self.push(node, place, Context::Load);
        }
        let scope = self.open(
            ScopeKind::Annotation,
            "<annotation>",
            node,
            Some(place.scope),
        );
        self.blocks[scope].scope.is_detached = true;
        self.push(node, place.in_scope(scope), Context::Load);
    }

    /// `:=` in a comprehension binds in the function or module around it.
    pub(super) fn named_expression(&mut self, node: Node<'t>, place: Place) {
        for (field, child) in self.children(node) {
            if field != Some(fields().name) {
                self.push(child, place, Context::Load);
                continue;
            }
            let mut target = place.scope;
            while self.blocks[target].scope.kind == ScopeKind::Comprehension {
                match self.blocks[target].scope.parent {
                    Some(parent) => target = parent.number(),
                    None => break,
                }
            }
            let range = child.byte_range();
            let name = self.stored(place.scope, &self.text[range.clone()]);
            match self.blocks[target].scope.kind {
                _ if target == place.scope => {
                    self.bind(range, BindingKind::Named, flags::LOCAL, place)
                }
                ScopeKind::Function | ScopeKind::Lambda => {
                    let is_global = self.flags_of(target, name) & flags::GLOBAL != 0;
                    self.mark(
                        place.scope,
                        name,
                        flags::LOCAL
                            | if is_global {
                                flags::GLOBAL
                            } else {
                                flags::NONLOCAL
                            },
                    );
                    self.bind(
                        range,
                        BindingKind::Named,
                        flags::LOCAL,
                        place.in_scope(target),
                    );
                }
                ScopeKind::Module => {
                    self.mark(place.scope, name, flags::LOCAL | flags::GLOBAL);
                    self.bind(
                        range,
                        BindingKind::Named,
                        flags::GLOBAL,
                        place.in_scope(target),
                    );
                }
                // Python refuses it in a class's own comprehension.
                _ => self.bind(range, BindingKind::Named, flags::LOCAL, place),
            }
        }
    }

    pub(super) fn declare(&mut self, node: Node<'t>, place: Place, kind: DeclarationKind) {
        for (_, child) in self.children(node) {
            if Kind::of(child) != Kind::Identifier || child.byte_range().is_empty() {
                continue;
            }
            let name = self.stored(place.scope, &self.text[child.byte_range()]);
            let flag = match kind {
                DeclarationKind::Global => flags::GLOBAL,
                DeclarationKind::Nonlocal => flags::NONLOCAL,
            };
            self.mark(place.scope, name, flag);
            let declaration = Declaration {
                name: self.names[name as usize].clone(),
                kind,
                range: child.byte_range(),
            };
            self.blocks[place.scope]
                .scope
                .declarations
                .push(declaration);
        }
    }

    pub(super) fn import(&mut self, node: Node<'t>, place: Place) {
        for (field, child) in self.children(node) {
            let bound = match Kind::of(child) {
                Kind::WildcardImport => {
                    self.blocks[place.scope].scope.has_star_import = true;
                    None
                }
                Kind::AliasedImport => child.child_by_field_id(fields().alias.get()),
                Kind::DottedName if field == Some(fields().name) => child.named_child(0),
                _ => None,
            };
            if let Some(name) = bound {
                self.bind(name.byte_range(), BindingKind::Import, flags::IMPORT, place);
            }
        }
    }
}
