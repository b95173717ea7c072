//! Finds in a file what a qualified name means.

use std::ops::Range;

use hoist_syntax::Scopes;
use hoist_syntax::scopes::{BindingKind, Name, Scope, ScopeId, ScopeKind};

use crate::captures::Root;

/// What stands at a qualified name.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// The statement that binds the last name, decorators included.
    pub(crate) statement: Range<usize>,
    /// Where the last name stands.
    pub(crate) name_range: Range<usize>,
    /// How the last name is bound.
    pub(crate) binding: BindingKind,
    /// The scope of the function, class or lambda; none when the name is bound to something else.
    pub(crate) scope: Option<ScopeId>,
    /// The scope that holds the last name.
    pub(crate) parent: ScopeId,
    /// For a name inside of a function: the statement of that function that has to be carried out.
    pub(crate) root: Option<Root>,
    /// The way from the module, or from the carried statement, to the function: `A.run`.
    pub(crate) path: String,
}

/// Follows a qualified name; the last binding counts where there are several. None when there is none.
pub(crate) fn find(scopes: &Scopes, text: &str, qualname: &str) -> Option<Place> {
    let mut parent = scopes.module();
    let mut root = None;
    let mut path: Vec<&str> = Vec::new();
    let mut parts = qualname.split('.').peekable();
    loop {
        let part = parts.next()?;
        let holder = scopes.get(parent);
        let binding = holder.bindings.iter().rfind(|binding| {
            is_named(&binding.name, part, scopes, parent) && gives_value(binding.kind)
        })?;
        if path.is_empty() && parent != scopes.module() && root.is_none() {
            root = Some(Root {
                statement: binding.statement.clone(),
                function: parent,
                name: binding.name.clone(),
            });
        }
        path.push(part);
        let scope = scope_of(
            scopes,
            text,
            binding.kind,
            &binding.range,
            &binding.statement,
        );
        if parts.peek().is_none() {
            return Some(Place {
                statement: binding.statement.clone(),
                name_range: binding.range.clone(),
                binding: binding.kind,
                scope,
                parent,
                root,
                path: path.join("."),
            });
        }
        let scope = scope?;
        match scopes.get(scope).kind {
            ScopeKind::Function if parts.peek() == Some(&"<locals>") => {
                parts.next();
                // What is inside of a function is reached from there: start anew.
                path.clear();
                root = None;
                parent = scope;
            }
            ScopeKind::Class => parent = scope,
            _ => return None,
        }
    }
}

/// Private names of classes are stored mangled; the qualified name has them as written.
fn is_named(stored: &Name, written: &str, scopes: &Scopes, parent: ScopeId) -> bool {
    if &**stored == written {
        return true;
    }
    if !written.starts_with("__") || written.ends_with("__") {
        return false;
    }
    let mut at = Some(parent);
    while let Some(id) = at {
        let scope = scopes.get(id);
        if scope.kind == ScopeKind::Class {
            let class = scope.name.trim_start_matches('_');
            return stored
                .strip_prefix('_')
                .and_then(|rest| rest.strip_prefix(class))
                == Some(written);
        }
        at = scope.parent;
    }
    false
}

fn gives_value(kind: BindingKind) -> bool {
    !matches!(
        kind,
        BindingKind::Annotation | BindingKind::Delete | BindingKind::TypeParameter
    )
}

/// The scope that a binding makes: of a `def`, a `class`, or a lambda that is all of an assignment's value.
pub(crate) fn scope_of(
    scopes: &Scopes,
    text: &str,
    kind: BindingKind,
    name: &Range<usize>,
    statement: &Range<usize>,
) -> Option<ScopeId> {
    match kind {
        BindingKind::Def | BindingKind::Class => scopes
            .around(name.start)
            .find(|(_, scope)| {
                scope.name_range == *name
                    && matches!(scope.kind, ScopeKind::Function | ScopeKind::Class)
            })
            .map(|(id, _)| id),
        BindingKind::Assign | BindingKind::AnnAssign => scopes
            .around(name.start)
            .find(|(_, scope)| {
                scope.kind == ScopeKind::Lambda
                    && scope.range.start > name.end
                    && scope.range.end == statement.end
                    && is_whole_value(text, name.end, scope)
            })
            .map(|(id, _)| id),
        _ => None,
    }
}

/// Is there nothing but an annotation, `=` and space between a target and the lambda?
fn is_whole_value(text: &str, from: usize, scope: &Scope) -> bool {
    text.get(from..scope.range.start).is_some_and(|between| {
        between.trim_end().ends_with('=') && between.matches('=').count() == 1
    })
}
