//! What runs although nobody calls it by its name: methods behind operators, and functions that values hold.

use hoist_syntax::scopes::{Name, ScopeId};
use rustc_hash::FxHashMap;

use super::{Vars, Walk, last};
use crate::python::{ast, start_of};
use crate::slice::program::{RegionId, State, Var};
use ast::{Expr, Stmt};

/// Methods that Python calls with an object that is there already.
pub(super) fn methods(all: &FxHashMap<String, Vec<ScopeId>>) -> Vec<ScopeId> {
    let makes = [
        "__init__",
        "__new__",
        "__init_subclass__",
        "__post_init__",
        "__prepare__",
        "__set_name__",
    ];
    let is_implicit =
        |name: &str| name.starts_with("__") && name.ends_with("__") && !makes.contains(&name);
    let mut found: Vec<ScopeId> = all
        .iter()
        .filter(|(name, _)| is_implicit(name))
        .flat_map(|(_, scopes)| scopes.iter().copied())
        .collect();
    found.sort_unstable();
    found
}

/// Does a statement do more than define or import something? `is_foreign` knows the decorators of other modules.
pub(super) fn is_active(stmt: &Stmt, is_foreign: &dyn Fn(&ast::Decorator) -> bool) -> bool {
    match stmt {
        Stmt::Import(_) | Stmt::ImportFrom(_) | Stmt::Pass(_) => false,
        Stmt::FunctionDef(def) => {
            let mut defaults = def.parameters.iter().filter_map(|one| one.default());
            !def.decorator_list.iter().all(is_foreign)
                || defaults.any(|value| !value.is_literal_expr())
        }
        Stmt::ClassDef(class) => {
            let keywords = class.arguments.iter().any(|all| !all.keywords.is_empty());
            let mut body = class.body.iter();
            keywords
                || !class.decorator_list.iter().all(is_foreign)
                || body.any(|stmt| is_active_inside(stmt, is_foreign))
        }
        _ => true,
    }
}

/// Does a statement of a class's body do more than define something or name a constant?
fn is_active_inside(stmt: &Stmt, is_foreign: &dyn Fn(&ast::Decorator) -> bool) -> bool {
    match stmt {
        Stmt::Assign(assign) => {
            !assign.value.is_literal_expr() || !assign.targets.iter().all(Expr::is_name_expr)
        }
        Stmt::AnnAssign(assign) => {
            let mut value = assign.value.iter();
            !assign.target.is_name_expr() || value.any(|value| !value.is_literal_expr())
        }
        Stmt::Expr(expression) => !expression.value.is_literal_expr(),
        other => is_active(other, is_foreign),
    }
}

impl Walk<'_> {
    /// Is it a decorator of another module, with nothing but constants as its arguments?
    pub(super) fn is_foreign(&self, decorator: &ast::Decorator) -> bool {
        let (function, arguments) = match &decorator.expression {
            Expr::Call(call) => (&*call.func, Some(&call.arguments)),
            other => (other, None),
        };
        let mut values = arguments.iter().flat_map(|all| {
            let keywords = all.keywords.iter().map(|keyword| &keyword.value);
            all.args.iter().chain(keywords)
        });
        values.all(Expr::is_literal_expr)
            && self
                .path(function)
                .is_some_and(|path| !path.starts_with('.'))
    }

    /// A lambda, or an expression that runs piece by piece, as something that variables hold.
    pub(super) fn standing(&self, expr: &Expr) -> Var {
        let name = format!("<{}>", start_of(expr));
        Var::Local(self.source.scopes.module(), Name::new(&name))
    }

    /// Operators on values may run methods of theirs.
    pub(super) fn operate(&mut self, operands: &[&Expr]) {
        if !self.program.implicit.is_empty() {
            let all: Vars = operands.iter().flat_map(|one| self.sources(one)).collect();
            self.here().operands.extend(all);
        }
    }

    /// Values are gone through: iterators come to their end, generators of this module run.
    pub(super) fn go_through(&mut self, held: &Vars) {
        let region = self.here();
        region.consumes.extend(held.iter().cloned());
        region.calls.extend(held.iter().cloned());
        region.operands.extend(held.iter().cloned());
    }

    /// The same of expressions that may be iterators of other modules.
    pub(super) fn go_through_foreign(&mut self, expr: &Expr) {
        let name = match self.path(expr) {
            Some(path) if path.starts_with('.') => last(&path).to_owned(),
            Some(_) => return,
            None => match expr {
                Expr::Name(name) if !self.program.stars.is_empty() => name.id.to_string(),
                _ => return,
            },
        };
        self.change(Vars::from([Var::State(State::LocalIterator(name))]));
    }

    /// An attribute may be a property.
    pub(super) fn use_attribute(&mut self, attribute: &ast::ExprAttribute, given: &Vars) {
        let mut operands = self.sources(&attribute.value);
        operands.extend(given.iter().cloned());
        let used = &mut self.here().used;
        used.entry(attribute.attr.to_string())
            .or_default()
            .extend(operands);
    }

    /// What an expression runs without naming it.
    pub(super) fn use_implicitly(&mut self, expr: &Expr) {
        if !self.around.is_whole {
            return;
        }
        match expr {
            Expr::Lambda(_) | Expr::Generator(_) => {
                let var = self.standing(expr);
                let region = self.region;
                self.program.stands_in.insert(var, region);
            }
            Expr::Attribute(attribute) => self.use_attribute(attribute, &Vars::new()),
            Expr::BinOp(binary) => self.operate(&[&binary.left, &binary.right]),
            Expr::UnaryOp(unary) => self.operate(&[&unary.operand]),
            Expr::BoolOp(both) => both.values.iter().for_each(|one| self.operate(&[one])),
            Expr::Compare(compare) => {
                let others = compare.comparators.iter();
                let all: Vec<&Expr> = std::iter::once(&*compare.left).chain(others).collect();
                self.operate(&all);
            }
            Expr::Subscript(subscript) => self.operate(&[&subscript.value, &subscript.slice]),
            Expr::If(choice) => self.operate(&[&choice.test]),
            Expr::FString(text) => {
                let elements = text.value.elements();
                for element in elements.filter_map(|element| element.as_interpolation()) {
                    self.operate(&[&element.expression]);
                }
            }
            Expr::Starred(starred) => {
                self.go_through_foreign(&starred.value);
                let held = self.sources(&starred.value);
                self.go_through(&held);
            }
            Expr::YieldFrom(inner) => {
                let held = self.sources(&inner.value);
                self.go_through(&held);
            }
            Expr::Await(awaited) => {
                let held = self.sources(&awaited.value);
                self.go_through(&held);
            }
            _ => {}
        }
    }

    /// Looks up which functions the values hold that each region calls, and which methods are those of local modules.
    pub(super) fn find_called(&mut self) {
        if !self.around.is_whole {
            return;
        }
        self.program.link_arguments();
        self.link_local_modules();
        let program = &self.program;
        let held = |var: &Var| {
            let path = program
                .imports
                .get(var)
                .filter(|path| path.starts_with('.'))?;
            Some(Var::State(State::LocalHeld(last(path).to_owned())))
        };
        let called: Vec<(Vec<RegionId>, Vars)> = program
            .regions
            .iter()
            .map(|region| {
                let reached = program.reach_of(region.calls.iter().cloned());
                let regions = reached.iter().flat_map(|var| self.regions_behind(var));
                (regions.collect(), reached.iter().filter_map(held).collect())
            })
            .collect();
        for (region, (called, states)) in self.program.regions.iter_mut().zip(called) {
            region.called.extend(called);
            region.changes.extend(states);
        }
    }

    /// What local modules give is theirs, and may hold whatever they were given.
    fn link_local_modules(&mut self) {
        let ours = self.program.imports.iter();
        let imported: Vec<Var> = ours
            .filter(|(_, path)| path.starts_with('.'))
            .map(|(var, _)| var.clone())
            .collect();
        for var in imported {
            let local = Vars::from([Var::State(State::Local)]);
            self.hold_items(var, &local);
        }
        let program = &self.program;
        let is_local = |var: &Var| matches!(var, Var::State(State::LocalResult(_) | State::Local));
        let calls: Vec<Vars> = program
            .regions
            .iter()
            .map(|region| {
                let methods = region.methods.iter().filter(|(receiver, _)| {
                    program
                        .reach_of(receiver.iter().cloned())
                        .iter()
                        .any(is_local)
                });
                methods
                    .map(|(_, name)| Var::State(State::LocalCall(name.clone())))
                    .collect()
            })
            .collect();
        for (region, calls) in self.program.regions.iter_mut().zip(calls) {
            region.changes.extend(calls);
        }
    }

    /// The regions that run when a value is called or gone through.
    fn regions_behind(&self, var: &Var) -> Vec<RegionId> {
        let is_lazy = |scope: &ScopeId| {
            let scope = self.source.scopes.get(*scope);
            scope.is_generator || scope.is_async
        };
        let scopes: Vec<ScopeId> = match var {
            Var::Returned(scope) if is_lazy(scope) => vec![*scope],
            _ => self
                .program
                .definitions
                .get(var)
                .cloned()
                .unwrap_or_default(),
        };
        let mut found: Vec<RegionId> = scopes
            .into_iter()
            .filter_map(|scope| self.region_around(scope))
            .collect();
        found.extend(self.program.stands_in.get(var));
        found
    }

    /// The region of the function, or of the one that it stands in.
    fn region_around(&self, scope: ScopeId) -> Option<RegionId> {
        let mut at = Some(scope);
        while let Some(id) = at {
            if let Some(region) = self.program.region_of.get(&id) {
                return Some(*region);
            }
            at = self.source.scopes.get(id).parent;
        }
        None
    }
}
