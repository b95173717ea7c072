//! Can the value of a captured name be had outside of its function? Only where one statement gives it: an import, a
//! definition, or an expression that is computed from literals alone.

use std::borrow::Cow;
use std::ops::Range;

use hoist_syntax::scopes::{BindingKind, Name, ScopeId, ScopeKind};

use super::computed::Evaluation;
use super::shape::Shape;
use super::{Judge, Root, Why};
use crate::python::{ast, block_of, range_of, start_of, statement};
use crate::uses::{Home, Use};
use ast::{Expr, Stmt};

/// The statement that gives a captured name its value.
pub(super) struct Found {
    pub(super) statement: Range<usize>,
    /// All names that it binds.
    pub(super) names: Vec<Bound>,
    /// What is known of the value, where an expression gives it.
    pub(super) shape: Option<Shape>,
}

/// A name as it is written, and as it is stored: those private to a class differ.
pub(super) struct Bound {
    pub(super) written: Name,
    pub(super) stored: Name,
}

/// A captured name with the value that an expression gives it.
pub(super) struct Value {
    pub(super) owner: ScopeId,
    /// As it is stored.
    pub(super) name: Name,
    /// What binds it.
    pub(super) statement: Range<usize>,
    pub(super) shape: Shape,
}

impl Found {
    /// Puts its names among those with values, and those that are not changed in place among the plain ones.
    pub(super) fn sort(
        &self,
        owner: ScopeId,
        values: &mut Vec<Value>,
        plain: &mut Vec<(ScopeId, Name)>,
    ) {
        for name in &self.names {
            if !self.shape.as_ref().is_some_and(Shape::is_mutable) {
                plain.push((owner, name.stored.clone()));
            }
            values.extend(self.shape.as_ref().map(|shape| Value {
                owner,
                name: name.stored.clone(),
                statement: self.statement.clone(),
                shape: shape.clone(),
            }));
        }
    }
}

impl Judge<'_> {
    /// Can the value of a captured name be had elsewhere, and by which statement?
    pub(super) fn verdict(&self, owner: ScopeId, name: &Name, root: &Root) -> Result<Found, Why> {
        let bindings: Vec<Cow<'_, Use>> = self.bindings_of(owner, name).collect();
        let by_kind = |kind: BindingKind| bindings.iter().any(|a_use| a_use.binding == Some(kind));
        let binding = match bindings.as_slice() {
            [] => return Err(Why::Unbound),
            [only] => only,
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
        if !self.runs_before(binding, root) {
            return Err(Why::Conditional);
        }
        match kind {
            BindingKind::Assign | BindingKind::AnnAssign => {
                self.computed(owner, &binding.statement, root)
            }
            BindingKind::Import => {
                // One statement may bind several names; all of them become names of the module.
                let names = self
                    .uses
                    .within(&binding.statement)
                    .iter()
                    .filter(|a_use| a_use.binding == Some(BindingKind::Import))
                    .map(|a_use| self.bound(a_use))
                    .collect();
                Ok(Found {
                    statement: binding.statement.clone(),
                    names,
                    shape: None,
                })
            }
            _ => Ok(Found {
                statement: binding.statement.clone(),
                names: vec![self.bound(binding)],
                shape: None,
            }),
        }
    }

    /// Is the block that holds the statement one of the blocks around the root, so that the one runs whenever the other does?
    pub(super) fn runs_before(&self, binding: &Use, root: &Root) -> bool {
        let statement = &binding.statement;
        let owner = self.scopes.get(binding.scope);
        let place = owner
            .bindings
            .binary_search_by_key(&binding.range.start, |own| own.range.start);
        // What stands in no other block than the function's own needs no look at the tree.
        if let Ok(place) = place
            && !owner.bindings[place].is_conditional
            && owner.kind == ScopeKind::Function
        {
            let block = &owner.body_range;
            return block.start <= root.statement.start && root.statement.end <= block.end;
        }
        let module = self.document.statements_at(statement.start);
        let block = block_of(&module.body, statement).unwrap_or_default();
        let (Some(first), Some(last)) = (block.first(), block.last()) else {
            return false;
        };
        start_of(first) <= root.statement.start && root.statement.end <= range_of(last).end
    }

    fn computed(&self, owner: ScopeId, range: &Range<usize>, root: &Root) -> Result<Found, Why> {
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
        let shape = Evaluation::of(self, root, range.start).shape(value)?;
        // The parts of what is taken apart are not told apart.
        let shape = match targets.iter().all(|target| target.is_name_expr()) {
            true => shape,
            false => Shape::Any {
                mutable: shape.is_mutable(),
                printable: false,
            },
        };
        for name in &names {
            if self.bindings_of(owner, &name.stored).count() > 1 {
                return Err(Why::Several);
            }
        }
        Ok(Found {
            statement: range.clone(),
            names,
            shape: Some(shape),
        })
    }

    fn target_names(
        &self,
        owner: ScopeId,
        target: &Expr,
        base: usize,
        names: &mut Vec<Bound>,
    ) -> bool {
        match target {
            Expr::Name(name) => {
                let found = self.uses.at(base + range_of(name).start);
                match found {
                    Some(a_use) if a_use.home == Home::Scope(owner) => {
                        names.push(self.bound(&a_use));
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
}
