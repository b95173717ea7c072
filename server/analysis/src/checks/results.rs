//! What a function gives back that cannot come back as a value.

use super::finding;
use crate::python::{Source, ast, range_of, start_of, statement_at};
use crate::uses::{Home, Use};
use crate::{Code, Finding, Severity};
use ast::visitor::{Visitor, walk_stmt};
use ast::{Expr, Stmt};
use hoist_syntax::scopes::{BindingKind, ScopeKind};
use std::borrow::Cow;

/// Through how many names a value is followed.
const FARTHEST: usize = 8;

/// Looks for a lambda, or an instance of a class that the function itself makes, in what is returned.
pub(super) fn returned(source: &Source, value: &Expr, found: &mut Vec<Finding>) {
    for part in parts(value) {
        if let Some(what) = what(source, part, 0) {
            let message = format!(
                "the result holds {what}, which cannot be pickled: of such a result only its text comes back"
            );
            found.push(finding(
                Code::TextOnly,
                Severity::Information,
                message,
                range_of(part),
            ));
        }
    }
}

/// Does a decorator leave what the function returns as it is? Of any other nobody knows.
pub(super) fn keeps_results(decorator: &ast::Decorator) -> bool {
    let expr = match &decorator.expression {
        Expr::Call(call) => &*call.func,
        other => other,
    };
    let name = crate::python::dotted(expr).and_then(|path| path.last().copied());
    matches!(name, Some("cache" | "lru_cache" | "cluster"))
}

/// The value itself, or what a tuple, list or dictionary holds.
fn parts(value: &Expr) -> Vec<&Expr> {
    match value {
        Expr::Tuple(tuple) => tuple.elts.iter().flat_map(parts).collect(),
        Expr::List(list) => list.elts.iter().flat_map(parts).collect(),
        Expr::Dict(dict) => dict
            .items
            .iter()
            .flat_map(|item| parts(&item.value))
            .collect(),
        other => vec![other],
    }
}

/// What a value surely is, where that has no other form than its text.
fn what(source: &Source, value: &Expr, followed: usize) -> Option<String> {
    match value {
        Expr::Lambda(_) => Some("a lambda".to_owned()),
        Expr::Call(call) => {
            let bindings = local_bindings(source, &call.func)?;
            match binding_statements(source, &bindings)?.as_slice() {
                [Stmt::FunctionDef(function)] => given_by(source, function, followed),
                classes => classes
                    .iter()
                    .all(|stmt| matches!(stmt, Stmt::ClassDef(class) if is_plain(class)))
                    .then(|| format!("an object of the local class `{}`", bindings[0].name)),
            }
        }
        Expr::Name(_) => {
            let bindings = local_bindings(source, value)?;
            if bindings
                .iter()
                .all(|a_use| a_use.binding == Some(BindingKind::Class))
            {
                return Some(format!("the local class `{}`", bindings[0].name));
            }
            if followed == FARTHEST {
                return None;
            }
            // Whatever path the code took, the name was bound by one of these.
            let mut values = binding_statements(source, &bindings)?
                .into_iter()
                .map(|stmt| what(source, assigned(stmt)?, followed + 1));
            let first = values.next()??;
            values.all(|value| value.is_some()).then_some(first)
        }
        _ => None,
    }
}

/// What every call of a nested function gives.
fn given_by(source: &Source, function: &ast::StmtFunctionDef, followed: usize) -> Option<String> {
    struct Returns<'a> {
        values: Vec<Option<&'a Expr>>,
        yields: bool,
    }
    impl<'a> Visitor<'a> for Returns<'a> {
        fn visit_stmt(&mut self, stmt: &'a Stmt) {
            match stmt {
                Stmt::FunctionDef(_) | Stmt::ClassDef(_) => {}
                Stmt::Return(returned) => self.values.push(returned.value.as_deref()),
                _ => crate::python::with_stack(|| walk_stmt(self, stmt)),
            }
        }

        fn visit_expr(&mut self, expr: &'a Expr) {
            self.yields |= expr.is_yield_expr() || expr.is_yield_from_expr();
            crate::python::with_stack(|| ast::visitor::walk_expr(self, expr));
        }
    }
    let ends_with_return = function.body.last().is_some_and(Stmt::is_return_stmt);
    if function.is_async
        || !function.decorator_list.is_empty()
        || !ends_with_return
        || followed == FARTHEST
    {
        return None;
    }
    let mut returns = Returns {
        values: Vec::new(),
        yields: false,
    };
    for stmt in &function.body {
        returns.visit_stmt(stmt);
    }
    if returns.yields {
        return None;
    }
    let mut values = returns
        .values
        .into_iter()
        .map(|value| what(source, value?, followed + 1));
    let first = values.next()??;
    values.all(|value| value.is_some()).then_some(first)
}

/// What binds a name, if it is one of a function and not declared global.
fn local_bindings<'a>(source: &'a Source, expr: &Expr) -> Option<Vec<Cow<'a, Use>>> {
    let Expr::Name(name) = expr else { return None };
    let a_use = source.uses.at(start_of(name))?;
    let Home::Scope(home) = a_use.home else {
        return None;
    };
    if source.scopes.get(home).kind != ScopeKind::Function {
        return None;
    }
    let bindings: Vec<Cow<'_, Use>> = source
        .uses
        .of(a_use.home, &a_use.name)
        .filter(|other| other.binding.is_some())
        .collect();
    (!bindings.is_empty()).then_some(bindings)
}

/// The statements that bind a name; none unless each does so by `=`, `def` or `class`.
fn binding_statements<'a>(source: &'a Source, bindings: &[Cow<'_, Use>]) -> Option<Vec<&'a Stmt>> {
    let statement = |a_use: &Cow<'_, Use>| {
        matches!(
            a_use.binding?,
            BindingKind::Assign | BindingKind::AnnAssign | BindingKind::Def | BindingKind::Class
        )
        .then(|| statement_at(source.body(), &a_use.statement))?
    };
    bindings.iter().map(statement).collect()
}

/// The value of `name = value`.
fn assigned(stmt: &Stmt) -> Option<&Expr> {
    match stmt {
        Stmt::Assign(assign) if assign.targets.iter().all(Expr::is_name_expr) => {
            Some(&assign.value)
        }
        Stmt::AnnAssign(assign) if assign.target.is_name_expr() => assign.value.as_deref(),
        _ => None,
    }
}

/// Has a class nothing by which its objects could be another thing, or come back after all?
fn is_plain(class: &ast::StmtClassDef) -> bool {
    let is_how = |name: &str| matches!(name, "__new__" | "__reduce__" | "__reduce_ex__");
    let is_other = |target: &Expr| !matches!(target, Expr::Name(name) if !is_how(&name.id));
    let says_how = |stmt: &Stmt| match stmt {
        Stmt::FunctionDef(function) => is_how(&function.name),
        Stmt::Assign(assign) => assign.targets.iter().any(is_other),
        Stmt::AnnAssign(assign) => is_other(&assign.target),
        Stmt::Pass(_) | Stmt::Expr(_) => false,
        _ => true,
    };
    let is_object = |base: &Expr| matches!(base, Expr::Name(name) if name.id == "object");
    let stands_alone = class.arguments.as_ref().is_none_or(|arguments| {
        arguments.keywords.is_empty() && arguments.args.iter().all(is_object)
    });
    stands_alone && class.decorator_list.is_empty() && !class.body.iter().any(says_how)
}
