//! Names of the module that code reaches without writing them: through `globals()`, `sys.modules`, `exec` and the like.

use hoist_syntax::Document;
use hoist_syntax::scopes::{BindingKind, Name};

use super::{Vars, Walk};
use crate::python::{ast, constant_text, start_of};
use crate::slice::program::{State, Var};
use ast::Expr;

impl Walk<'_> {
    /// Is it a dictionary of the module's names: `globals()`, or at module level `vars()` and `locals()`?
    pub(super) fn is_namespace(&self, expr: &Expr) -> bool {
        let Expr::Call(call) = expr else { return false };
        match self.path(&call.func).as_deref() {
            Some("builtins.globals") => true,
            Some("builtins.vars") if !call.arguments.is_empty() => {
                call.arguments.args.iter().any(|of| self.is_this_module(of))
            }
            Some("builtins.vars" | "builtins.locals") => {
                let a_use = self.source.uses.at(start_of(&*call.func));
                a_use.is_some_and(|a_use| a_use.scope == self.source.scopes.module())
            }
            _ => false,
        }
    }

    /// Is it the module itself: `sys.modules[__name__]`?
    pub(super) fn is_this_module(&self, expr: &Expr) -> bool {
        matches!(expr, Expr::Subscript(subscript)
            if self.path(&subscript.value).as_deref() == Some("sys.modules")
                && constant_text(&subscript.slice).is_none())
    }

    /// The constant key of `globals()["key"]`.
    pub(super) fn key_of_namespace(&self, object: &Expr, key: &Expr) -> Option<String> {
        let is_namespace = self.is_namespace(object);
        is_namespace
            .then(|| constant_text(key).map(str::to_owned))
            .flatten()
    }

    /// Code binds names that cannot be known.
    pub(super) fn binds_unknown(&mut self) {
        self.change(Vars::from([Var::State(State::Names)]));
    }

    /// `globals()[key] = ...`; false when the object is no such dictionary.
    pub(super) fn store_name(&mut self, object: &Expr, key: &Expr, held: &Vars) -> bool {
        if !self.is_namespace(object) {
            return false;
        }
        match constant_text(key) {
            Some(name) => self.bind_by_text(name, held),
            None => {
                self.visit_key(object, key);
                self.binds_unknown();
            }
        }
        true
    }

    fn visit_key(&mut self, object: &Expr, key: &Expr) {
        use ast::visitor::Visitor;
        self.visit_expr(object);
        self.visit_expr(key);
    }

    /// `setattr(sys.modules[__name__], name, value)`; false when the object is not the module.
    pub(super) fn sets_name(&mut self, call: &ast::ExprCall) -> bool {
        let [object, name, ..] = &*call.arguments.args else {
            return false;
        };
        if !self.is_this_module(object) {
            return false;
        }
        let held = call.arguments.args.get(2).map(|value| self.sources(value));
        match constant_text(name) {
            Some(name) => self.bind_by_text(name, &held.unwrap_or_default()),
            None => self.binds_unknown(),
        }
        true
    }

    /// A name of the module gets a value.
    pub(super) fn bind_by_text(&mut self, name: &str, held: &Vars) {
        let name = Name::new(name);
        self.here().binds.insert(name.clone());
        self.hold(Var::Module(name), held);
    }

    /// `exec(text)`, where the text runs in the module's names.
    pub(super) fn exec(&mut self, call: &ast::ExprCall) {
        let in_module = match call.arguments.args.get(1) {
            Some(names) => self.is_namespace(names),
            None => self.in_function.is_none(),
        };
        let text = call.arguments.args.first().and_then(constant_text);
        match text {
            Some(text) => {
                if in_module {
                    let named: Vars = words(text).map(Name::new).map(Var::Module).collect();
                    for name in names_bound_by(text) {
                        self.hold(Var::Module(name.clone()), &named);
                        self.here().binds.insert(name);
                    }
                }
                self.run_text(text, start_of(call));
            }
            None if in_module || call.arguments.args.len() < 2 => {
                self.uncertain(
                    start_of(call),
                    "`exec` of a computed text can read and bind any name of the module",
                );
                if in_module {
                    self.binds_unknown();
                }
            }
            None => {}
        }
    }

    /// Takes every word of a text as a name that may be read.
    pub(super) fn names_in_text(&mut self, text: &str, at: usize) {
        if !self.around.is_whole {
            return;
        }
        let words = words(text).map(|word| (Name::new(word), at));
        self.here().soft.extend(words);
    }

    /// A text that is run: what its words name may be changed, too, unless it is a name and nothing else.
    pub(super) fn run_text(&mut self, text: &str, at: usize) {
        self.names_in_text(text, at);
        let is_plain = text
            .chars()
            .all(|c| c.is_alphanumeric() || "_. ".contains(c));
        if self.around.is_whole && !is_plain {
            let vars = words(text).map(Name::new).map(Var::Module);
            // What functions do is known from themselves.
            let changed = vars.filter(|var| !self.program.definitions.contains_key(var));
            self.change(changed.collect());
            let attributes = words(text).map(str::to_owned);
            self.here().attributes.extend(attributes);
        }
    }
}

/// The words of a text that may be names.
pub(super) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !(c.is_alphanumeric() || c == '_'))
        .filter(|word| word.chars().next().is_some_and(|c| !c.is_numeric()))
}

/// The names that a text would bind as a module.
fn names_bound_by(text: &str) -> Vec<Name> {
    let document = Document::new(text.to_owned());
    let scopes = document.scopes();
    let module = scopes.get(scopes.module());
    module
        .bindings
        .iter()
        .filter(|binding| binding.kind != BindingKind::Annotation)
        .map(|binding| binding.name.clone())
        .collect()
}
