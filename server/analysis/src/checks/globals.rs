//! Globals that a function changes: the change is made in the job and stays there.

use std::collections::BTreeSet;

use hoist_syntax::scopes::{BindingKind, DeclarationKind, Name, ScopeId, ScopeKind};

use super::finding;
use crate::python::Source;
use crate::uses::Home;
use crate::{Code, Finding, Severity};

/// Tells each `global` name that a function binds, once for each function, where the function binds it first. It weighs more when
/// code that stays here reads it; a counter or a cache that functions keep among themselves is whole in the job as well, and
/// begins anew with the next one.
pub(super) fn check(source: &Source, found: &mut Vec<Finding>) {
    for id in source.scopes.functions() {
        let scope = source.scopes.get(id);
        let globals: BTreeSet<&Name> = scope
            .declarations
            .iter()
            .filter(|declaration| declaration.kind == DeclarationKind::Global)
            .map(|declaration| &declaration.name)
            .collect();
        for name in globals {
            let bound = scope.bindings.iter().find(|binding| {
                binding.name == *name
                    && !matches!(
                        binding.kind,
                        // A function, class or module that a function makes is there whenever that function has run.
                        BindingKind::Import
                            | BindingKind::Def
                            | BindingKind::Class
                            | BindingKind::Annotation
                    )
            });
            let Some(bound) = bound else {
                continue;
            };
            let by = &scope.qualname;
            let (severity, message) = match is_read_here(source, name) {
                true => (
                    Severity::Information,
                    format!(
                        "`{by}` changes the global `{name}`, and in a job the change stays there, while the module's own code reads `{name}` here: return the value instead"
                    ),
                ),
                false => (
                    Severity::Hint,
                    format!(
                        "`{by}` changes the global `{name}`, and in a job the change stays there: the next job begins with what the module gives it"
                    ),
                ),
            };
            let range = bound.range.clone();
            found.push(finding(Code::GlobalChanged, severity, message, range));
        }
    }
}

/// Does the module's own code, which does not travel as a whole, read a global?
fn is_read_here(source: &Source, name: &Name) -> bool {
    let is_own = |scope: ScopeId| {
        let mut at = Some(scope);
        while let Some(id) = at {
            let scope = source.scopes.get(id);
            if matches!(
                scope.kind,
                ScopeKind::Function | ScopeKind::Class | ScopeKind::Lambda
            ) {
                return false;
            }
            at = scope.parent;
        }
        true
    };
    source
        .uses
        .of(Home::Module, name)
        .any(|a_use| a_use.binding.is_none() && is_own(a_use.scope))
}
