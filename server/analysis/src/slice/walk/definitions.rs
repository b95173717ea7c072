//! Functions, lambdas and classes: their headers run where they stand, their bodies are regions of their own.

use hoist_syntax::scopes::{BindingKind, Name, ScopeId, ScopeKind};

use super::{Vars, Walk, last, var_of};
use crate::python::{ast, constant_text, range_of, start_of};
use crate::slice::program::{State, Var};
use ast::visitor::Visitor;
use ast::{Expr, Stmt};

impl Walk<'_> {
    /// An annotation: evaluated, or kept as text.
    pub(super) fn annotation(&mut self, annotation: &Expr, evaluated: bool, read_later: bool) {
        if let Some(text) = constant_text(annotation) {
            if read_later {
                self.names_in_text(text, start_of(annotation));
            }
            return;
        }
        if evaluated {
            self.visit_expr(annotation);
        } else if read_later {
            let text = self
                .source
                .text()
                .get(range_of(annotation))
                .unwrap_or_default()
                .to_owned();
            self.names_in_text(&text, start_of(annotation));
            self.program.skipped.push(range_of(annotation));
        } else {
            self.program.skipped.push(range_of(annotation));
        }
    }

    pub(super) fn decorators(&mut self, decorators: &[ast::Decorator], name: usize) {
        let var = self.source.uses.at(name).map(|a_use| var_of(&a_use));
        for decorator in decorators {
            let expression = &decorator.expression;
            if let Some(var) = &var {
                // What stands for the function may be another one that the decorator has made.
                let held = self.sources(expression);
                self.hold_items(var.clone(), &held);
            }
            if self.is_ours(expression) {
                self.program.skipped.push(range_of(decorator));
                self.program.removed.push(range_of(decorator));
                continue;
            }
            self.visit_expr(expression);
            if !self.around.is_whole {
                continue;
            }
            match expression {
                // A decorator that is no call is called by Python.
                Expr::Attribute(attribute) if self.path(expression).is_none() => {
                    let method = attribute.attr.as_str();
                    if !["setter", "getter", "deleter"].contains(&method) {
                        let receiver = self.sources(&attribute.value);
                        self.change(receiver);
                    }
                }
                Expr::Attribute(_) => {
                    if let Some(path) = self.path(expression)
                        && path.starts_with('.')
                    {
                        let name = last(&path).to_owned();
                        self.change(Vars::from([Var::State(State::LocalCall(name))]));
                    }
                }
                Expr::Name(name) => {
                    let Some(var) = self.var(name) else { continue };
                    if let Some(path) = self.program.imports.get(&var) {
                        if path.starts_with('.') {
                            let name = last(path).to_owned();
                            self.change(Vars::from([Var::State(State::LocalCall(name))]));
                        }
                    } else if !self.program.definitions.contains_key(&var) && self.is_bound(&var) {
                        self.change(Vars::from([var]));
                    }
                }
                _ => {}
            }
        }
    }

    /// A decorator that only says where a function runs: `@cluster(...)`.
    pub(super) fn is_ours(&self, decorator: &Expr) -> bool {
        let function = match decorator {
            Expr::Call(call) => &call.func,
            other => other,
        };
        self.path(function).is_some_and(|path| {
            ["clustrix.", "hoist."]
                .iter()
                .any(|ours| path.starts_with(ours))
        })
    }

    pub(super) fn function(&mut self, def: &ast::StmtFunctionDef) {
        self.decorators(&def.decorator_list, start_of(&def.name));
        let read_later = self.hints_are_read
            || !def.decorator_list.is_empty()
            || self.in_class(start_of(&def.name));
        for parameter in def.parameters.iter() {
            if let Some(annotation) = parameter.annotation() {
                self.annotation(annotation, !self.lazy, read_later);
            }
            if let Some(default) = parameter.default() {
                self.visit_expr(default);
                let scope = self.scopes_by_start.get(&start_of(&def.name)).copied();
                self.hold_default(scope, parameter.name().as_str(), default);
            }
        }
        if let Some(returns) = &def.returns {
            self.annotation(returns, !self.lazy, read_later);
        }
        let scope = self.scopes_by_start.get(&start_of(&def.name)).copied();
        let runs_at_exit = self.around.is_whole
            && def.decorator_list.iter().any(|decorator| {
                self.path(&decorator.expression).as_deref() == Some("atexit.register")
            });
        if runs_at_exit {
            self.here().at_exit.extend(scope);
        }
        let (region, outer) = (self.region, self.in_function);
        if outer.is_none() {
            let unit = self.here().unit;
            self.region = self.new_region(unit, scope);
        }
        self.in_function = scope.or(outer);
        for stmt in &def.body {
            self.visit_stmt(stmt);
        }
        (self.region, self.in_function) = (region, outer);
    }

    pub(super) fn in_class(&self, at: usize) -> bool {
        self.source
            .uses
            .at(at)
            .is_some_and(|a_use| self.source.scopes.get(a_use.scope).kind == ScopeKind::Class)
    }

    pub(super) fn class(&mut self, class: &ast::StmtClassDef) {
        self.decorators(&class.decorator_list, start_of(&class.name));
        if let Some(arguments) = &class.arguments {
            for base in &arguments.args {
                self.visit_expr(base);
                self.inherit(base);
            }
            for keyword in &arguments.keywords {
                self.visit_expr(&keyword.value);
                self.inherit(&keyword.value);
            }
        }
        for stmt in &class.body {
            self.visit_stmt(stmt);
        }
        self.hold_attributes(class);
    }

    /// A class and its instances hold what its body assigns, and what its bases hold.
    fn hold_attributes(&mut self, class: &ast::StmtClassDef) {
        if !self.around.is_whole {
            return;
        }
        let Some(id) = self.scopes_by_start.get(&start_of(&class.name)).copied() else {
            return;
        };
        let bindings = &self.source.scopes.get(id).bindings;
        let mut held: Vars = bindings
            .iter()
            .filter(|binding| matches!(binding.kind, BindingKind::Assign | BindingKind::AnnAssign))
            .map(|binding| Var::Local(id, binding.name.clone()))
            .collect();
        let bases = class.arguments.iter().flat_map(|arguments| &arguments.args);
        held.extend(bases.filter_map(|base| match base {
            Expr::Name(name) => self.var(name),
            _ => None,
        }));
        // What a method knows as `self` is an instance of it.
        let methods = self
            .program
            .parameters
            .iter()
            .filter(|(method, _)| self.source.scopes.get(**method).parent == Some(id));
        held.extend(methods.filter_map(|(method, own)| {
            let first = own.positional.first()?;
            Some(Var::Local(*method, first.clone()))
        }));
        self.hold_items(Var::Returned(id), &held);
        if let Some(a_use) = self.source.uses.at(start_of(&class.name)) {
            self.hold_items(var_of(&a_use), &held);
        }
    }

    /// A class statement tells its bases and its metaclass of the new class.
    pub(super) fn inherit(&mut self, base: &Expr) {
        if !self.around.is_whole {
            return;
        }
        let Expr::Name(name) = base else { return };
        let Some(var) = self.var(name) else { return };
        if let Some(path) = self.program.imports.get(&var) {
            if path.starts_with('.') {
                self.change(Vars::from([Var::State(State::LocalCall(
                    "__init_subclass__".to_owned(),
                ))]));
            }
            return;
        }
        if !self.is_bound(&var) {
            return;
        }
        let is_class = self.program.definitions.contains_key(&var);
        let listens = ["__init_subclass__", "__prepare__", "__instancecheck__"]
            .iter()
            .any(|method| self.program.methods.contains_key(*method))
            || self.source.text().contains("metaclass")
            || self.source.text().contains("__subclasses__")
            || self.source.text().contains("(type)");
        if !is_class || listens {
            self.change(Vars::from([var]));
            let metaclasses = self.metaclasses();
            self.change(metaclasses);
            let region = self.here();
            for method in [
                "__init_subclass__",
                "__new__",
                "__init__",
                "__prepare__",
                "__call__",
            ] {
                if listens {
                    region.attributes.insert(method.to_owned());
                }
            }
        }
    }

    /// The classes of the module that look like classes of classes.
    fn metaclasses(&self) -> Vars {
        let looks_so = |base: &std::ops::Range<usize>| {
            let base = self.source.text().get(base.clone()).unwrap_or_default();
            base.ends_with("type") || base.ends_with("Meta")
        };
        self.source
            .body()
            .iter()
            .filter_map(|stmt| match stmt {
                Stmt::ClassDef(class) => Some(class),
                _ => None,
            })
            .filter(|class| {
                let arguments = class.arguments.iter().flat_map(|arguments| &arguments.args);
                arguments.map(range_of).any(|base| looks_so(&base))
            })
            .map(|class| Var::Module(Name::new(class.name.as_str())))
            .collect()
    }

    /// A parameter may have the value of its default.
    fn hold_default(&mut self, scope: Option<ScopeId>, name: &str, default: &Expr) {
        if let Some(scope) = scope.filter(|_| self.around.is_whole) {
            let held = self.sources(default);
            self.hold(Var::Local(scope, Name::new(name)), &held);
        }
    }

    pub(super) fn lambda(&mut self, lambda: &ast::ExprLambda) {
        let lambda_scope = self.scopes_by_start.get(&start_of(lambda)).copied();
        if let Some(parameters) = &lambda.parameters {
            for parameter in parameters.iter() {
                if let Some(default) = parameter.default() {
                    self.visit_expr(default);
                    self.hold_default(lambda_scope, parameter.name().as_str(), default);
                }
            }
        }
        let outer = self.in_function;
        let scope = lambda_scope;
        if let Some(scope) = scope {
            let held = self.sources(&lambda.body);
            self.hold(Var::Returned(scope), &held);
        }
        let region = self.region;
        if let Some(scope) = scope
            && outer.is_none()
            && self
                .program
                .definitions
                .values()
                .any(|scopes| scopes.contains(&scope))
        {
            let unit = self.here().unit;
            self.region = self.new_region(unit, Some(scope));
        }
        self.in_function = scope.or(outer);
        self.visit_expr(&lambda.body);
        self.region = region;
        self.in_function = outer;
    }
}
