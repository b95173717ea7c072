//! Imports, definitions and parameters: collected first, because code reads them before they stand.

use hoist_syntax::scopes::{ParameterKind, ScopeId, ScopeKind};
use rustc_hash::FxHashMap;

use super::{Surroundings, var_of};
use crate::modules::from_path;
use crate::python::{Source, ast, constant_text, dotted, start_of, with_stack};
use crate::slice::program::{Parameters, Program};
use ast::visitor::{Visitor, walk_stmt};
use ast::{Expr, Stmt};

/// The module that a call imports by a constant name.
pub(super) fn imported_by(call: &ast::ExprCall) -> Option<&str> {
    let text = call.arguments.args.first().and_then(constant_text)?;
    match *dotted(&call.func)?.last()? {
        "import_module" => Some(text),
        "__import__" => text.split('.').next(),
        _ => None,
    }
}

/// Collects imports, definitions and parameters first, because code reads them before they stand.
pub(super) struct Declarations<'a> {
    pub(super) source: &'a Source,
    pub(super) program: &'a mut Program,
    pub(super) scopes_by_start: &'a FxHashMap<usize, ScopeId>,
    pub(super) around: &'a Surroundings<'a>,
    /// The top-level statement that is being read.
    pub(super) unit: usize,
}

impl Declarations<'_> {
    pub(super) fn read(&mut self) {
        let scopes = &self.source.scopes;
        let all = scopes.iter().filter(|_| self.around.is_whole);
        for (id, scope) in all {
            if !matches!(scope.kind, ScopeKind::Function | ScopeKind::Lambda) {
                continue;
            }
            let mut parameters = Parameters::default();
            for parameter in &scope.parameters {
                parameters.all.insert(parameter.name.clone());
                match parameter.kind {
                    ParameterKind::PositionalOnly | ParameterKind::Positional => {
                        parameters.positional.push(parameter.name.clone());
                    }
                    ParameterKind::VarPositional => parameters.rest = Some(parameter.name.clone()),
                    ParameterKind::VarKeyword => parameters.keywords = Some(parameter.name.clone()),
                    ParameterKind::KeywordOnly => {}
                }
            }
            self.program.parameters.insert(id, parameters);
        }
        let source = self.source;
        for (unit, stmt) in source.body().iter().enumerate() {
            self.unit = unit;
            self.visit_stmt(stmt);
        }
    }

    fn bind(&mut self, at: usize, scope: ScopeId) {
        if let Some(a_use) = self.source.uses.at(at) {
            self.program
                .definitions
                .entry(var_of(&a_use))
                .or_default()
                .push(scope);
            if self.source.scopes.get(a_use.scope).kind == ScopeKind::Class {
                self.program
                    .methods
                    .entry(a_use.name.to_string())
                    .or_default()
                    .push(scope);
            }
        }
    }

    fn import(&mut self, at: usize, path: String) {
        if let Some(a_use) = self.source.uses.at(at) {
            let local = !path.starts_with('.')
                && (self.around.is_local)(path.split('.').next().unwrap_or(&path));
            let path = if local { format!(".{path}") } else { path };
            self.program.imports.insert(var_of(&a_use), path);
        }
    }
}

impl<'a> Visitor<'a> for Declarations<'_> {
    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        match stmt {
            Stmt::FunctionDef(def) if self.around.is_whole => {
                if let Some(scope) = self.scopes_by_start.get(&start_of(&def.name)) {
                    self.bind(start_of(&def.name), *scope);
                }
            }
            Stmt::ClassDef(class) if self.around.is_whole => {
                if let Some(scope) = self.scopes_by_start.get(&start_of(&class.name)).copied() {
                    self.bind(start_of(&class.name), scope);
                    let mut constructors = Vec::new();
                    for stmt in &class.body {
                        if let Stmt::FunctionDef(def) = stmt
                            && [
                                "__init__",
                                "__new__",
                                "__post_init__",
                                "__call__",
                                "__set_name__",
                            ]
                            .contains(&def.name.as_str())
                        {
                            constructors.extend(self.scopes_by_start.get(&start_of(&def.name)));
                        }
                    }
                    self.program.constructors.insert(scope, constructors);
                }
            }
            Stmt::Assign(assign) => {
                // `m = import_module("helper")` is `import helper as m`.
                if let (Expr::Call(call), [Expr::Name(name)]) =
                    (&*assign.value, assign.targets.as_slice())
                    && let Some(module) = imported_by(call)
                {
                    self.import(start_of(name), module.to_owned());
                }
                if let (Expr::Lambda(lambda), [Expr::Name(name)]) =
                    (&*assign.value, assign.targets.as_slice())
                    && let Some(scope) = self.scopes_by_start.get(&start_of(lambda))
                {
                    self.bind(start_of(name), *scope);
                }
            }
            Stmt::Import(import) => {
                for alias in &import.names {
                    match &alias.asname {
                        Some(name) => self.import(start_of(name), alias.name.to_string()),
                        None => {
                            let top = alias.name.split('.').next().unwrap_or_default();
                            self.import(start_of(&alias.name), top.to_owned());
                        }
                    }
                }
            }
            Stmt::ImportFrom(import) => {
                let module = from_path(import);
                if import.names.iter().any(|alias| alias.name.as_str() == "*") {
                    self.program.stars.push((self.unit, module));
                    return;
                }
                for alias in &import.names {
                    let name = alias.asname.as_ref().unwrap_or(&alias.name);
                    let between = if module.ends_with('.') { "" } else { "." };
                    self.import(start_of(name), format!("{module}{between}{}", alias.name));
                }
            }
            _ => {}
        }
        with_stack(|| walk_stmt(self, stmt));
    }

    fn visit_expr(&mut self, _: &'a Expr) {}
}
