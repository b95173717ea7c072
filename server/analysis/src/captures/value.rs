//! Can the value of a captured name be had outside of its function? Only where one statement gives it: an import, a
//! definition, or a literal.

use std::ops::Range;

use hoist_syntax::scopes::{BindingKind, Name, ScopeId, ScopeKind};

use super::{Judge, Root, Why};
use crate::python::{ast, block_of, range_of, start_of, statement};
use crate::uses::{Home, Use};
use ast::{Expr, Stmt};

/// The statement that gives a captured name its value.
pub(super) struct Found {
    pub(super) statement: Range<usize>,
    /// All names that it binds.
    pub(super) names: Vec<Name>,
    /// Can the value be changed in place?
    pub(super) mutable: bool,
}

impl Judge<'_> {
    /// Can the value of a captured name be had elsewhere, and by which statement?
    pub(super) fn verdict(&self, owner: ScopeId, name: &Name, root: &Root) -> Result<Found, Why> {
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
        if !self.runs_before(binding, root) {
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
    fn runs_before(&self, binding: &Use, root: &Root) -> bool {
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
                if !self.runs_before(binding, root) {
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
}
