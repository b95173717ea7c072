//! What a function gives back that cannot come back as a value.

use super::finding;
use crate::python::{Source, ast, range_of, start_of};
use crate::uses::Home;
use crate::{Code, Finding, Severity};
use ast::Expr;
use hoist_syntax::scopes::{BindingKind, ScopeId, ScopeKind};

/// Looks for a lambda, or an instance of a class that the function itself makes, in what is returned.
pub(super) fn returned(source: &Source, value: &Expr, found: &mut Vec<Finding>) {
    for part in parts(value) {
        let what = match part {
            Expr::Lambda(_) => Some("a lambda".to_owned()),
            Expr::Call(call) => local_class(source, &call.func)
                .map(|name| format!("an object of the local class `{name}`")),
            other => local_class(source, other).map(|name| format!("the local class `{name}`")),
        };
        if let Some(what) = what {
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

/// The name of a class that is bound in a function and not declared global.
fn local_class<'a>(source: &'a Source, expr: &'a Expr) -> Option<&'a str> {
    let Expr::Name(name) = expr else { return None };
    let a_use = source.uses.at(start_of(name))?;
    let Home::Scope(home) = a_use.home else {
        return None;
    };
    if !is_function(source, home) {
        return None;
    }
    let mut bindings = source
        .uses
        .of(a_use.home, &a_use.name)
        .filter_map(|other| other.binding)
        .peekable();
    bindings.peek()?;
    bindings
        .all(|kind| kind == BindingKind::Class)
        .then_some(name.id.as_str())
}

fn is_function(source: &Source, scope: ScopeId) -> bool {
    source.scopes.get(scope).kind == ScopeKind::Function
}
