//! First pass: walk over a piece of a module once and note for every scope which names it uses and binds, and how.
//!
//! The tree is the strict parser's. Where the code is broken, it has what the parser made of it, so the walk takes nothing for
//! granted that Python's grammar would: names may be missing, bodies empty, and parts may lie anywhere.

mod definitions;
mod notes;
mod statements;

pub(super) use notes::{Block, Collected, Piece};
pub(super) use statements::is_future_annotations;

use crate::scopes::flags;
use crate::scopes::model::*;
use crate::scopes::noted::{NameId, Noted};
use notes::{DEEPEST, MODULE, Notes, Place};
use ruff_python_ast::visitor::source_order::{SourceOrderVisitor, walk_expr, walk_stmt};
use ruff_python_ast::{Expr, Stmt};
use ruff_text_size::{Ranged, TextRange};
use std::ops::Range;

impl<'t> Piece<'t> {
    /// Reads the names of `body`, the statements of the piece, as far as there are any.
    pub(in crate::scopes) fn collect(self, body: &[Stmt], noted: &'t mut Noted) -> Collected {
        let range = self.range.clone();
        let mut walk = Walk {
            notes: Notes::new(self, noted),
            place: Place::body_of(MODULE, range),
        };
        walk.visit_body(body);
        walk.notes
            .collected(body.iter().any(statements::is_future_annotations))
    }
}

/// The walk follows the text. What it reads is shallow enough for the strict parser, hence for it, given room on the stack.
struct Walk<'t> {
    notes: Notes<'t>,
    place: Place,
}

impl<'a> SourceOrderVisitor<'a> for Walk<'_> {
    fn visit_stmt(&mut self, statement: &'a Stmt) {
        let range = bytes(statement);
        let inside = Place {
            statement: (range.start, range.end),
            ..self.place
        };
        self.within(inside, |walk| with_stack(|| walk.statement(statement)));
    }

    fn visit_expr(&mut self, expression: &'a Expr) {
        match expression {
            Expr::Name(name) => self.notes.load(&name.id, bytes(name), self.place),
            // Nothing is in them.
            Expr::StringLiteral(_)
            | Expr::BytesLiteral(_)
            | Expr::NumberLiteral(_)
            | Expr::BooleanLiteral(_)
            | Expr::NoneLiteral(_)
            | Expr::EllipsisLiteral(_) => {}
            _ => with_stack(|| self.expression(expression)),
        }
    }
}

impl Walk<'_> {
    /// Does something at another place.
    fn within(&mut self, place: Place, read: impl FnOnce(&mut Self)) {
        let before = std::mem::replace(&mut self.place, place);
        read(self);
        self.place = before;
    }

    /// Does something that may not happen when the statement runs.
    fn conditionally(&mut self, read: impl FnOnce(&mut Self)) {
        self.within(self.place.conditional(), read);
    }

    fn is_too_deep(&self) -> bool {
        self.notes.blocks[self.place.scope].depth >= DEEPEST
    }

    fn statement(&mut self, statement: &Stmt) {
        match statement {
            Stmt::FunctionDef(definition) => self.function(definition),
            Stmt::ClassDef(definition) => self.class(definition),
            Stmt::TypeAlias(alias) => self.type_alias(alias),
            Stmt::Assign(assignment) => {
                for target in &assignment.targets {
                    self.target(target, BindingKind::Assign);
                }
                self.visit_expr(&assignment.value);
            }
            Stmt::AugAssign(assignment) => {
                self.target(&assignment.target, BindingKind::AugAssign);
                self.visit_expr(&assignment.value);
            }
            Stmt::AnnAssign(assignment) => self.annotated_assignment(assignment),
            Stmt::Delete(delete) => {
                for target in &delete.targets {
                    self.target(target, BindingKind::Delete);
                }
            }
            Stmt::For(each) => self.for_statement(each),
            Stmt::While(each) => {
                self.visit_expr(&each.test);
                self.conditionally(|walk| {
                    walk.visit_body(&each.body);
                    walk.visit_body(&each.orelse);
                });
            }
            Stmt::If(choice) => self.if_statement(choice),
            Stmt::With(with) => self.with_statement(with),
            Stmt::Try(attempt) => self.try_statement(attempt),
            Stmt::Match(choice) => self.match_statement(choice),
            Stmt::Import(import) => self.import(&import.names, true),
            Stmt::ImportFrom(import) => self.import(&import.names, false),
            Stmt::Global(global) => self.declare(&global.names, DeclarationKind::Global),
            Stmt::Nonlocal(nonlocal) => self.declare(&nonlocal.names, DeclarationKind::Nonlocal),
            _ => walk_stmt(self, statement),
        }
    }

    fn expression(&mut self, expression: &Expr) {
        match expression {
            Expr::Lambda(lambda) => self.lambda(lambda),
            Expr::ListComp(list) => {
                self.comprehension("<listcomp>", bytes(list), &[&list.elt], &list.generators);
            }
            Expr::SetComp(set) => {
                self.comprehension("<setcomp>", bytes(set), &[&set.elt], &set.generators);
            }
            Expr::DictComp(dictionary) => {
                let elements: Vec<&Expr> = dictionary
                    .key
                    .iter()
                    .map(|key| &**key)
                    .chain([&*dictionary.value])
                    .collect();
                let generators = &dictionary.generators;
                self.comprehension("<dictcomp>", bytes(dictionary), &elements, generators);
            }
            Expr::Generator(generator) => {
                let range = match generator.parenthesized {
                    true => bytes(generator),
                    // The parentheses of the call around it.
                    false => {
                        self.with_parentheses(bytes(generator), self.notes.piece.range.clone())
                    }
                };
                self.comprehension("<genexpr>", range, &[&generator.elt], &generator.generators);
            }
            Expr::Named(named) => {
                self.notes.named(bytes(&*named.target), self.place);
                self.visit_expr(&named.value);
            }
            Expr::Yield(_) | Expr::YieldFrom(_) => {
                self.notes.blocks[self.place.scope].scope.is_generator = true;
                walk_expr(self, expression);
            }
            Expr::Await(_) => {
                let scope = &mut self.notes.blocks[self.place.scope].scope;
                scope.is_async |= scope.kind == ScopeKind::Comprehension;
                walk_expr(self, expression);
            }
            _ => walk_expr(self, expression),
        }
    }

    /// The target of an assignment, a loop, `with` or `del`. What a target is reached through is read.
    fn target(&mut self, target: &Expr, kind: BindingKind) {
        match target {
            Expr::Name(name) => self.notes.bind(bytes(name), kind, flags::LOCAL, self.place),
            Expr::Starred(starred) => with_stack(|| self.target(&starred.value, kind)),
            Expr::Tuple(tuple) => {
                with_stack(|| tuple.elts.iter().for_each(|item| self.target(item, kind)));
            }
            Expr::List(list) => {
                with_stack(|| list.elts.iter().for_each(|item| self.target(item, kind)));
            }
            _ => self.visit_expr(target),
        }
    }

    /// A range, with the parentheses that stand right around it inside of `limits`.
    fn with_parentheses(&self, mut range: Range<usize>, limits: Range<usize>) -> Range<usize> {
        let text = self.notes.piece.text;
        loop {
            let before = text.get(limits.start..range.start).unwrap_or_default();
            let after = text.get(range.end..limits.end).unwrap_or_default();
            let (before, closing) = (before.trim_end(), after.trim_start());
            if !before.ends_with('(') || !closing.starts_with(')') {
                return range;
            }
            range.start = limits.start + before.len() - 1;
            range.end += after.len() - closing.len() + 1;
        }
    }
}

fn bytes(node: &impl Ranged) -> Range<usize> {
    of_range(node.range())
}

fn of_range(range: TextRange) -> Range<usize> {
    range.start().to_usize()..range.end().to_usize()
}

fn with_stack<T>(step: impl FnOnce() -> T) -> T {
    stacker::maybe_grow(64 * 1024, 2 * 1024 * 1024, step)
}
