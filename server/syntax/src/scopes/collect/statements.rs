//! What binds and declares names in a scope: assignments, imports, patterns, `global`.

use super::{Walk, bytes};
use crate::scopes::flags;
use crate::scopes::model::*;
use ruff_python_ast::visitor::source_order::SourceOrderVisitor;
use ruff_python_ast::{
    Alias, ExceptHandler, Expr, Identifier, Pattern, Stmt, StmtAnnAssign, StmtFor, StmtIf,
    StmtMatch, StmtTry, StmtWith,
};

/// Is it `from __future__ import annotations`?
pub(in crate::scopes) fn is_future_annotations(statement: &Stmt) -> bool {
    let Stmt::ImportFrom(import) = statement else {
        return false;
    };
    let is_future = import.level == 0
        && import
            .module
            .as_ref()
            .is_some_and(|module| module.as_str() == "__future__");
    is_future
        && import
            .names
            .iter()
            .any(|alias| alias.name.as_str() == "annotations")
}

impl Walk<'_> {
    pub(super) fn annotated_assignment(&mut self, assignment: &StmtAnnAssign) {
        let has_value = assignment.value.is_some();
        match &*assignment.target {
            Expr::Name(name) if assignment.simple => {
                let kind = if has_value {
                    BindingKind::AnnAssign
                } else {
                    BindingKind::Annotation
                };
                let bits = flags::LOCAL | flags::ANNOTATED;
                self.notes.bind(bytes(name), kind, bits, self.place);
            }
            // `(x): int` declares nothing, `(x): int = 1` only assigns.
            Expr::Name(_) if !has_value => {}
            target => self.target(target, BindingKind::AnnAssign),
        }
        self.annotation(&assignment.annotation, self.place);
        if let Some(value) = &assignment.value {
            self.visit_expr(value);
        }
    }

    pub(super) fn for_statement(&mut self, each: &StmtFor) {
        self.conditionally(|walk| walk.target(&each.target, BindingKind::For));
        self.visit_expr(&each.iter);
        self.conditionally(|walk| {
            walk.visit_body(&each.body);
            walk.visit_body(&each.orelse);
        });
    }

    pub(super) fn if_statement(&mut self, choice: &StmtIf) {
        self.visit_expr(&choice.test);
        self.conditionally(|walk| {
            walk.visit_body(&choice.body);
            for clause in &choice.elif_else_clauses {
                if let Some(test) = &clause.test {
                    walk.visit_expr(test);
                }
                walk.visit_body(&clause.body);
            }
        });
    }

    pub(super) fn with_statement(&mut self, with: &StmtWith) {
        for item in &with.items {
            self.visit_expr(&item.context_expr);
            if let Some(target) = &item.optional_vars {
                self.target(target, BindingKind::With);
            }
        }
        self.conditionally(|walk| walk.visit_body(&with.body));
    }

    pub(super) fn try_statement(&mut self, attempt: &StmtTry) {
        self.conditionally(|walk| {
            walk.visit_body(&attempt.body);
            for ExceptHandler::ExceptHandler(handler) in &attempt.handlers {
                if let Some(caught) = &handler.type_ {
                    walk.visit_expr(caught);
                }
                if let Some(name) = &handler.name {
                    walk.bind_name(name, BindingKind::Except);
                }
                walk.visit_body(&handler.body);
            }
            walk.visit_body(&attempt.orelse);
            walk.visit_body(&attempt.finalbody);
        });
    }

    pub(super) fn match_statement(&mut self, choice: &StmtMatch) {
        self.visit_expr(&choice.subject);
        self.conditionally(|walk| {
            for case in &choice.cases {
                walk.pattern(&case.pattern);
                if let Some(guard) = &case.guard {
                    walk.visit_expr(guard);
                }
                walk.visit_body(&case.body);
            }
        });
    }

    fn pattern(&mut self, pattern: &Pattern) {
        super::with_stack(|| match pattern {
            Pattern::MatchValue(value) => self.visit_expr(&value.value),
            Pattern::MatchSingleton(_) => {}
            Pattern::MatchSequence(sequence) => self.patterns(&sequence.patterns),
            Pattern::MatchMapping(mapping) => {
                for (key, value) in mapping.keys.iter().zip(&mapping.patterns) {
                    self.visit_expr(key);
                    self.pattern(value);
                }
                self.capture(mapping.rest.as_ref());
            }
            Pattern::MatchClass(class) => {
                self.visit_expr(&class.cls);
                self.patterns(&class.arguments.patterns);
                for keyword in &class.arguments.keywords {
                    self.pattern(&keyword.pattern);
                }
            }
            Pattern::MatchStar(star) => self.capture(star.name.as_ref()),
            Pattern::MatchAs(alias) => {
                if let Some(inner) = &alias.pattern {
                    self.pattern(inner);
                }
                self.capture(alias.name.as_ref());
            }
            Pattern::MatchOr(either) => self.patterns(&either.patterns),
        });
    }

    fn patterns(&mut self, patterns: &[Pattern]) {
        for pattern in patterns {
            self.pattern(pattern);
        }
    }

    fn capture(&mut self, name: Option<&Identifier>) {
        if let Some(name) = name {
            self.bind_name(name, BindingKind::Match);
        }
    }

    fn bind_name(&mut self, name: &Identifier, kind: BindingKind) {
        self.notes.bind(bytes(name), kind, flags::LOCAL, self.place);
    }

    /// An annotation: names of the scope around, or under `from __future__ import annotations` of a scope that is never.
    pub(super) fn annotation(&mut self, annotation: &Expr, place: super::Place) {
        if !self.notes.piece.hide_annotations {
            return self.within(place, |walk| walk.visit_expr(annotation));
        }
        let scope = self.notes.open(
            ScopeKind::Annotation,
            "<annotation>",
            bytes(annotation),
            Some(place.scope),
        );
        self.notes.blocks[scope].scope.is_detached = true;
        self.within(place.in_scope(scope), |walk| walk.visit_expr(annotation));
    }

    pub(super) fn declare(&mut self, names: &[Identifier], kind: DeclarationKind) {
        for name in names {
            self.notes.declare(bytes(name), kind, self.place);
        }
    }

    /// `import a.b` binds `a`; a `from` import has no dots in its names.
    pub(super) fn import(&mut self, names: &[Alias], is_dotted: bool) {
        for alias in names {
            let mut range = bytes(alias.asname.as_ref().unwrap_or(&alias.name));
            let written = &self.notes.piece.text[range.clone()];
            if written == "*" {
                self.notes.blocks[self.place.scope].scope.has_star_import = true;
                continue;
            }
            if is_dotted && alias.asname.is_none() {
                let first = written.split('.').next().unwrap_or_default().trim_end();
                range.end = range.start + first.len();
            }
            self.notes
                .bind(range, BindingKind::Import, flags::IMPORT, self.place);
        }
    }
}
