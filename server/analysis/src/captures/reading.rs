//! Does the code around a captured value leave it as it is?

use std::borrow::Cow;
use std::ops::Range;

use hoist_syntax::scopes::ScopeKind;

use super::builtin::{READERS, READING};
use super::value::Value;
use super::{Carried, Judge, Root};
use crate::python::{ast, constant_text, nodes_around, range_of};
use crate::uses::{Home, Use};
use ast::{AnyNodeRef, CmpOp, Expr};

impl Judge<'_> {
    /// May a value be another one, where its function runs, than where its statement is carried? What does not travel may only
    /// read it; and where something that travels is made of it at once, nothing may have changed it by then.
    pub(super) fn may_change(
        &self,
        value: &Value,
        all: &[Value],
        root: &Root,
        carried: &Carried,
    ) -> bool {
        if !value.shape.is_mutable() {
            return false;
        }
        let uses = self.uses.of(Home::Scope(value.owner), &value.name);
        let reads: Vec<Cow<'_, Use>> = uses
            .filter(|a_use| !value.statement.contains(&a_use.range.start))
            .collect();
        let is_outside = |a_use: &Use| carried.statement_at(a_use.range.start).is_none();
        // In the value of a name, a class, or the head of a function.
        let is_at_once = |a_use: &Use| !is_outside(a_use) && !self.is_later(a_use);
        let computes = |a_use: &Use| {
            let is_in = |other: &Value| other.statement.contains(&a_use.range.start);
            all.iter().any(is_in) && !self.is_later(a_use)
        };
        let leaves_it = |a_use: &Use| self.only_reads(a_use, value, computes(a_use));
        reads.iter().enumerate().any(|(index, a_use)| {
            let Some(statement) = carried.statement_at(a_use.range.start) else {
                return !leaves_it(a_use);
            };
            // A function that changes it may have run by then, but for the root: what it changes itself, it finds as it was.
            let is_helper = *statement != root.statement && self.is_later(a_use);
            if is_helper && !leaves_it(a_use) && self.is_named_beside(statement, carried) {
                return true;
            }
            // In a loop, what stands below comes before the next time.
            let before = match is_at_once(a_use) {
                true if self.is_repeated(a_use, value) => reads.as_slice(),
                true => &reads[..index],
                false => &[],
            };
            let others = before.iter().filter(|other| other.range != a_use.range);
            !others.into_iter().all(|other| leaves_it(other))
        })
    }

    /// Does what stays behind name what a statement binds?
    fn is_named_beside(&self, statement: &Range<usize>, carried: &Carried) -> bool {
        let uses = self.uses.within(statement).iter();
        let bindings =
            uses.filter(|a_use| a_use.binding.is_some() && a_use.statement == *statement);
        bindings
            .flat_map(|binding| self.uses.of(binding.home, &binding.name))
            .any(|a_use| carried.statement_at(a_use.range.start).is_none())
    }

    /// Is a use in a loop that does not bind the value anew?
    fn is_repeated(&self, a_use: &Use, value: &Value) -> bool {
        let module = self.document.statements_at(a_use.range.start);
        let around = nodes_around(&module.body, &a_use.range);
        around.iter().any(|node| {
            matches!(node, AnyNodeRef::StmtFor(_) | AnyNodeRef::StmtWhile(_))
                && !range_of(node).contains(&value.statement.start)
                && self
                    .scopes
                    .get(value.owner)
                    .range
                    .contains(&range_of(node).start)
        })
    }

    /// Does the use happen when a function runs, not where it stands?
    fn is_later(&self, a_use: &Use) -> bool {
        let mut at = a_use.scope;
        while a_use.home != Home::Scope(at) {
            let scope = self.scopes.get(at);
            if matches!(scope.kind, ScopeKind::Lambda | ScopeKind::Function) {
                return true;
            }
            match scope.parent {
                Some(parent) => at = parent,
                None => return true,
            }
        }
        false
    }

    /// Does a use of a value neither change it nor give it to anybody who may? `computes` says that it stands in an expression
    /// that is made of Python's own types only.
    fn only_reads(&self, a_use: &Use, value: &Value, computes: bool) -> bool {
        if a_use.binding.is_some() {
            return false;
        }
        // What is in a flat value may be given away.
        let is_flat = value.shape.is_flat();
        let module = self.document.statements_at(a_use.range.start);
        let around = nodes_around(&module.body, &a_use.range);
        let [name, parent, rest @ ..] = around.as_slice() else {
            return false;
        };
        let is = |other: &Expr| name.ptr_eq(other.into());
        match parent {
            AnyNodeRef::ExprSubscript(parent) => {
                // A function may be given an attribute.
                let goes_on = matches!(rest.first(), Some(AnyNodeRef::ExprAttribute(_)));
                let goes_into_function = goes_on && !value.shape.is_printable();
                is_flat && !goes_into_function && is(&parent.value) && parent.ctx.is_load()
            }
            AnyNodeRef::ExprAttribute(attribute) => {
                let is_called = matches!(rest.first(), Some(AnyNodeRef::ExprCall(call))
                    if parent.ptr_eq(AnyNodeRef::from(&*call.func)));
                is_flat && is_called && READING.contains(&attribute.attr.as_str())
            }
            AnyNodeRef::ExprCompare(compare) => {
                let all = |may: &dyn Fn(&CmpOp) -> bool| compare.ops.iter().all(may);
                let is_sought = all(&|op| matches!(op, CmpOp::In | CmpOp::NotIn));
                is_sought && !is(&compare.left) || all(&|op| matches!(op, CmpOp::Is | CmpOp::IsNot))
            }
            AnyNodeRef::Arguments(_) => match rest.first() {
                Some(AnyNodeRef::ExprCall(call)) => match &*call.func {
                    Expr::Name(function) => {
                        let asks = ["all", "any", "bool", "len", "print", "repr", "str"];
                        let known = if is_flat { READERS } else { &asks };
                        known.contains(&function.id.as_str())
                            && self.is_builtin_at(range_of(function).start)
                    }
                    // ", ".join(names)
                    Expr::Attribute(method) => {
                        is_flat
                            && method.attr.as_str() == "join"
                            && constant_text(&method.value).is_some()
                    }
                    _ => false,
                },
                _ => false,
            },
            // f(**options)
            AnyNodeRef::Keyword(keyword) => is_flat && keyword.arg.is_none(),
            AnyNodeRef::ExprStarred(_) => is_flat,
            AnyNodeRef::StmtFor(each) => is_flat && is(&each.iter),
            AnyNodeRef::Comprehension(each) => is_flat && is(&each.iter) || each.ifs.iter().any(is),
            AnyNodeRef::StmtIf(choice) => is(&choice.test),
            AnyNodeRef::StmtWhile(each) => is(&each.test),
            AnyNodeRef::ExprIf(choice) => is(&choice.test),
            AnyNodeRef::ExprUnaryOp(unary) => unary.op == ast::UnaryOp::Not,
            AnyNodeRef::InterpolatedElement(_) | AnyNodeRef::StmtExpr(_) => true,
            AnyNodeRef::ExprBinOp(_) => is_flat && computes,
            _ => false,
        }
    }

    /// Does a name mean what Python itself gives it?
    fn is_builtin_at(&self, offset: usize) -> bool {
        let module = self.scopes.get(self.scopes.module());
        let is_free = |name: &str| {
            let mut uses = self.uses.of(Home::Module, name);
            uses.all(|a_use| a_use.binding.is_none())
        };
        !module.has_star_import
            && self
                .uses
                .at(offset)
                .is_some_and(|a_use| a_use.home == Home::Module && is_free(&a_use.name))
    }
}
