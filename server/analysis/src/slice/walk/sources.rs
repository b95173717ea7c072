//! What the value of an expression may hold a part of, and where values go.

use hoist_syntax::scopes::Name;

use super::declare::imported_by;
use super::names::words;
use super::{Vars, Walk, last, var_of};
use crate::library::is_builtin;
use crate::python::{ast, constant_text, start_of, with_stack};
use crate::slice::knowledge as known;
use crate::slice::program::{State, Var};
use crate::uses::Home;
use ast::Expr;
use ast::visitor::Visitor;

/// A name of the module, or whichever it is.
fn named(name: Option<&str>) -> Vars {
    Vars::from([match name {
        Some(name) => Var::Module(Name::new(name)),
        None => Var::State(State::Names),
    }])
}

impl Walk<'_> {
    pub(super) fn var(&self, name: &ast::ExprName) -> Option<Var> {
        self.source
            .uses
            .at(start_of(name))
            .map(|a_use| var_of(&a_use))
    }

    /// The full path of a function or attribute that an import or Python itself gives.
    pub(super) fn path(&self, expr: &Expr) -> Option<String> {
        match expr {
            Expr::Name(name) => {
                let var = self.var(name)?;
                if let Some(path) = self.program.imports.get(&var) {
                    return Some(path.clone());
                }
                match &var {
                    Var::Module(module_name) if is_builtin(module_name) && !self.is_bound(&var) => {
                        Some(format!("builtins.{module_name}"))
                    }
                    _ => None,
                }
            }
            Expr::Call(call) => {
                let module = imported_by(call)?;
                let top = module.split('.').next().unwrap_or(module);
                let is_local = !module.starts_with('.') && (self.around.is_local)(top);
                Some(if is_local {
                    format!(".{module}")
                } else {
                    module.to_owned()
                })
            }
            Expr::Attribute(attribute) => {
                let mut path = self.path(&attribute.value)?;
                path.push('.');
                path.push_str(&attribute.attr);
                Some(path)
            }
            _ => None,
        }
    }

    pub(super) fn is_bound(&self, var: &Var) -> bool {
        match var {
            Var::Module(name) => self
                .source
                .uses
                .of(Home::Module, name)
                .any(|a_use| a_use.binding.is_some()),
            _ => true,
        }
    }

    /// What the value of an expression may hold a part of.
    pub(super) fn sources(&self, expr: &Expr) -> Vars {
        let mut vars = Vars::new();
        if self.around.is_whole {
            with_stack(|| self.add_sources(expr, &mut vars));
        }
        vars
    }

    pub(super) fn add_sources(&self, expr: &Expr, vars: &mut Vars) {
        match expr {
            Expr::Name(name) => vars.extend(self.var(name)),
            Expr::Attribute(attribute) => {
                vars.extend(self.sources(&attribute.value));
                // `push = queue.push`
                let methods = self.program.methods.get(attribute.attr.as_str());
                for scope in methods.into_iter().flatten() {
                    if let Some(class) = self.source.scopes.get(*scope).parent {
                        vars.insert(Var::Local(class, Name::new(&attribute.attr)));
                    }
                }
            }
            Expr::Subscript(subscript) if self.is_namespace(&subscript.value) => {
                vars.extend(named(constant_text(&subscript.slice)));
            }
            Expr::Subscript(subscript) => vars.extend(self.sources(&subscript.value)),
            Expr::Starred(starred) => vars.extend(self.sources(&starred.value)),
            Expr::Await(awaited) => vars.extend(self.sources(&awaited.value)),
            Expr::Named(named) => vars.extend(self.sources(&named.value)),
            Expr::YieldFrom(inner) => vars.extend(self.sources(&inner.value)),
            Expr::If(choice) => {
                vars.extend(self.sources(&choice.body));
                vars.extend(self.sources(&choice.orelse));
            }
            Expr::BoolOp(both) => both
                .values
                .iter()
                .for_each(|value| vars.extend(self.sources(value))),
            Expr::BinOp(binary) => {
                vars.extend(self.sources(&binary.left));
                vars.extend(self.sources(&binary.right));
            }
            Expr::Tuple(tuple) => tuple
                .elts
                .iter()
                .for_each(|value| vars.extend(self.sources(value))),
            Expr::List(list) => list
                .elts
                .iter()
                .for_each(|value| vars.extend(self.sources(value))),
            Expr::Set(set) => set
                .elts
                .iter()
                .for_each(|value| vars.extend(self.sources(value))),
            Expr::Dict(dict) => dict
                .items
                .iter()
                .for_each(|item| vars.extend(self.sources(&item.value))),
            Expr::ListComp(comprehension) => {
                vars.extend(self.sources(&comprehension.elt));
            }
            Expr::SetComp(comprehension) => vars.extend(self.sources(&comprehension.elt)),
            Expr::Generator(comprehension) => {
                vars.extend(self.sources(&comprehension.elt));
                vars.insert(self.standing(expr));
            }
            Expr::DictComp(comprehension) => vars.extend(self.sources(&comprehension.value)),
            Expr::Lambda(lambda) => {
                vars.extend(self.sources(&lambda.body));
                vars.insert(self.standing(expr));
            }
            Expr::Call(call) => self.add_call_sources(call, vars),
            _ => {}
        }
    }

    pub(super) fn add_call_sources(&self, call: &ast::ExprCall, vars: &mut Vars) {
        let arguments = |vars: &mut Vars| {
            for argument in &call.arguments.args {
                vars.extend(self.sources(argument));
            }
            for keyword in &call.arguments.keywords {
                vars.extend(self.sources(&keyword.value));
            }
        };
        if let Some(found) = self.found_by_text(call) {
            vars.extend(found);
            return;
        }
        if let Some(path) = self.path(&call.func) {
            let fresh = match path.strip_prefix("builtins.") {
                Some(name) => known::is_fresh_builtin(name),
                None => known::is_fresh_function(&path),
            };
            if !fresh {
                arguments(vars);
            }
            if path.starts_with('.') {
                vars.insert(Var::State(State::LocalResult(last(&path).to_owned())));
            }
            return;
        }
        match &*call.func {
            Expr::Name(name) => {
                let var = self.var(name);
                match var
                    .as_ref()
                    .and_then(|var| self.program.definitions.get(var))
                {
                    Some(scopes) => vars.extend(scopes.iter().map(|scope| Var::Returned(*scope))),
                    None => vars.extend(var),
                }
                arguments(vars);
            }
            Expr::Attribute(attribute) => {
                let method = attribute.attr.as_str();
                if let Some(scopes) = self.program.methods.get(method) {
                    vars.extend(scopes.iter().map(|scope| Var::Returned(*scope)));
                } else if known::is_fresh_method(method) {
                    return;
                }
                vars.extend(self.sources(&attribute.value));
                arguments(vars);
            }
            other => {
                vars.extend(self.sources(other));
                arguments(vars);
            }
        }
    }

    /// What a call gives that looks names of the module up by a text: `eval("a")`, `globals().get("a")`.
    fn found_by_text(&self, call: &ast::ExprCall) -> Option<Vars> {
        let mut arguments = call.arguments.args.iter();
        let first = arguments.next().and_then(constant_text);
        if self.path(&call.func).as_deref() == Some("builtins.eval") {
            let of_others = call.arguments.args.len() > 1;
            return (first.is_some() || !of_others).then(|| match first {
                Some(text) => words(text).map(Name::new).map(Var::Module).collect(),
                None => named(None),
            });
        }
        if self.path(&call.func).as_deref() == Some("builtins.getattr") {
            let is_here = call
                .arguments
                .args
                .first()
                .is_some_and(|of| self.is_this_module(of));
            return is_here.then(|| named(arguments.next().and_then(constant_text)));
        }
        let Expr::Attribute(method) = &*call.func else {
            return None;
        };
        (self.is_namespace(&method.value) && method.attr.as_str() == "get").then(|| named(first))
    }

    /// A value goes to a target.
    pub(super) fn assign(&mut self, target: &Expr, held: &Vars, iterator: bool) {
        match target {
            Expr::Name(_) if !self.around.is_whole => {}
            Expr::Name(name) => {
                if let Some(var) = self.var(name) {
                    if self.assigns_items {
                        self.hold_items(var.clone(), held);
                    } else {
                        self.hold(var.clone(), held);
                    }
                    if iterator {
                        self.program.iterators.insert(var);
                    }
                }
            }
            Expr::Starred(starred) => self.assign(&starred.value, held, false),
            Expr::Tuple(tuple) => tuple
                .elts
                .iter()
                .for_each(|target| self.assign(target, held, iterator)),
            Expr::List(list) => list
                .elts
                .iter()
                .for_each(|target| self.assign(target, held, iterator)),
            Expr::Attribute(attribute) => {
                self.keeps_iterator(&attribute.value, iterator);
                if self.is_this_module(&attribute.value) {
                    self.bind_by_text(&attribute.attr, held);
                }
                self.store(&attribute.value, held);
                self.visit_expr(&attribute.value);
                if self.around.is_whole {
                    self.use_attribute(attribute, held);
                    // A property's setter runs.
                    self.here().attributes.insert(attribute.attr.to_string());
                }
            }
            Expr::Subscript(subscript) => {
                self.store(&subscript.value, held);
                self.keeps_iterator(&subscript.value, iterator);
                self.operate(&[&subscript.value, &subscript.slice]);
                if self.store_name(&subscript.value, &subscript.slice, held) {
                    return;
                }
                self.visit_expr(&subscript.value);
                self.visit_expr(&subscript.slice);
            }
            other => self.visit_expr(other),
        }
    }

    fn keeps_iterator(&mut self, object: &Expr, iterator: bool) {
        if iterator {
            let owners = self.sources(object);
            self.program.iterators.extend(owners);
        }
    }

    /// Something is stored into the object of an expression.
    pub(super) fn store(&mut self, object: &Expr, held: &Vars) {
        if !self.around.is_whole {
            return;
        }
        let owners = self.sources(object);
        for owner in &owners {
            self.hold_items(owner.clone(), held);
        }
        self.change_outermost(object, owners);
        self.reach_owner(object);
    }

    /// An object changes that a call of another module has given: `getcontext().prec = 50`
    pub(super) fn reach_owner(&mut self, object: &Expr) {
        let mut root = object;
        loop {
            match root {
                Expr::Attribute(attribute) => root = &attribute.value,
                Expr::Subscript(subscript) => root = &subscript.value,
                Expr::Call(call) => {
                    if let Some(path) = self.path(&call.func)
                        && !path.starts_with('.')
                    {
                        self.reached(&path, true);
                    }
                    return;
                }
                _ => return,
            }
        }
    }

    pub(super) fn makes_iterator(&self, value: &Expr) -> bool {
        match value {
            _ if !self.around.is_whole => false,
            Expr::Generator(_) => true,
            Expr::Tuple(tuple) => tuple.elts.iter().any(|one| self.makes_iterator(one)),
            Expr::List(list) => list.elts.iter().any(|one| self.makes_iterator(one)),
            Expr::Dict(dict) => dict.items.iter().any(|one| self.makes_iterator(&one.value)),
            Expr::Named(named) => self.makes_iterator(&named.value),
            Expr::If(choice) => {
                self.makes_iterator(&choice.body) || self.makes_iterator(&choice.orelse)
            }
            Expr::Call(call) => match self.path(&call.func) {
                Some(path) => known::makes_iterator(&path),
                None => match &*call.func {
                    Expr::Name(name) => self
                        .var(name)
                        .and_then(|var| self.program.definitions.get(&var))
                        .into_iter()
                        .flatten()
                        .any(|scope| self.source.scopes.get(*scope).is_generator),
                    Expr::Attribute(attribute) => known::is_iterator_method(&attribute.attr),
                    _ => false,
                },
            },
            _ => false,
        }
    }
}
