//! Reads a parsed module into a [`Program`].

mod calls;
mod declare;
mod definitions;
mod implicit;
mod names;
pub(super) mod quiet;
mod sources;

use std::collections::BTreeSet;
use std::ops::Range;

use hoist_syntax::scopes::{BindingKind, Name, Resolution, ScopeId, ScopeKind};
use rustc_hash::FxHashMap;

use super::program::{Program, Region, RegionId, Var};
use super::ranges::Ranges;
use crate::library::is_builtin;
use crate::modules::from_path;
use crate::python::{Source, ast, constant_text, is_main_test, range_of, start_of, with_stack};
use crate::uses::{Home, Use};
use ast::visitor::{Visitor, walk_stmt};
use ast::{Expr, Stmt};

type Vars = BTreeSet<Var>;

/// What is known of the local modules that a module imports.
pub(super) struct Surroundings<'a> {
    /// Are the files of a top-level module in the workspace?
    pub(super) is_local: &'a dyn Fn(&str) -> bool,
    /// Does a function of a local module, by its last name, leave its arguments as they are?
    pub(super) spares: &'a dyn Fn(&str) -> bool,
    /// Is it asked what the statements change, and what they read and bind? Who only speaks about one file asks for less, and
    /// gets of what regions read the names that nothing binds but main blocks.
    pub(super) is_whole: bool,
}

/// Reads a module.
pub(super) fn read(source: &Source, around: &Surroundings<'_>) -> Program {
    source.uses.prepare();
    let mut scopes_by_start = FxHashMap::default();
    for (id, scope) in source.scopes.iter() {
        match scope.kind {
            ScopeKind::Function | ScopeKind::Class => {
                scopes_by_start.insert(scope.name_range.start, id);
            }
            ScopeKind::Lambda => {
                scopes_by_start.insert(scope.range.start, id);
            }
            _ => {}
        }
    }
    let mut program = Program::default();
    declare::Declarations {
        source,
        program: &mut program,
        scopes_by_start: &scopes_by_start,
        around,
        unit: 0,
    }
    .read();
    program.implicit = implicit::methods(&program.methods);
    let mut walk = Walk {
        source,
        program,
        scopes_by_start: &scopes_by_start,
        around,
        region: 0,
        in_function: None,
        bare: None,
        assigns_items: false,
        bound_around: Vec::new(),
        lazy: source.scopes.future_annotations(),
        hints_are_read: ["get_type_hints", "__annotations__", "eval_str"]
            .iter()
            .any(|word| source.text().contains(word)),
    };
    for (unit, stmt) in source.body().iter().enumerate() {
        let region = walk.new_region(unit, None);
        walk.program.now.push(region);
        walk.region = region;
        let is_active = implicit::is_active(stmt, &|decorator| walk.is_foreign(decorator));
        walk.program.regions[region].is_active = is_active;
        walk.visit_stmt(stmt);
    }
    walk.finish()
}

fn var_of(a_use: &Use) -> Var {
    match a_use.home {
        Home::Module => Var::Module(a_use.name.clone()),
        Home::Scope(scope) => Var::Local(scope, a_use.name.clone()),
    }
}

struct Walk<'a> {
    source: &'a Source,
    program: Program,
    scopes_by_start: &'a FxHashMap<usize, ScopeId>,
    around: &'a Surroundings<'a>,
    region: RegionId,
    /// The function whose body is being read.
    in_function: Option<ScopeId>,
    /// The call that is a statement by itself, by its start.
    bare: Option<usize>,
    lazy: bool,
    /// Some code evaluates annotations that Python itself leaves alone.
    hints_are_read: bool,
    /// Blocks of module-level loops and the like, each with a name that its header binds.
    bound_around: Vec<(Range<usize>, Name)>,
    /// The value that is being assigned is a new container of what it names.
    assigns_items: bool,
}

impl Walk<'_> {
    fn new_region(&mut self, unit: usize, scope: Option<ScopeId>) -> RegionId {
        let id = self.program.regions.len();
        self.program.regions.push(Region {
            unit,
            scope,
            is_active: scope.is_some(),
            ..Region::default()
        });
        if let Some(scope) = scope {
            self.program.region_of.insert(scope, id);
        }
        if self.program.in_unit.len() <= unit {
            self.program.in_unit.resize(unit + 1, Vec::new());
        }
        self.program.in_unit[unit].push(id);
        id
    }

    fn here(&mut self) -> &mut Region {
        &mut self.program.regions[self.region]
    }

    fn change(&mut self, vars: Vars) {
        self.here().changes.extend(vars);
    }

    fn hold(&mut self, var: Var, held: &Vars) {
        if !self.around.is_whole {
            return;
        }
        let held = held.iter().filter(|other| **other != var).cloned();
        self.program
            .holds
            .entry(var.clone())
            .or_default()
            .extend(held);
    }

    fn hold_items(&mut self, var: Var, held: &Vars) {
        if !self.around.is_whole {
            return;
        }
        let held = held.iter().filter(|other| **other != var).cloned();
        self.program
            .items
            .entry(var.clone())
            .or_default()
            .extend(held);
    }

    /// The object of an expression changes, not what is in it. When it is reached through something else, that changes.
    fn change_outermost(&mut self, object: &Expr, owners: Vars) {
        if owners.is_empty() {
            return;
        }
        if object.is_name_expr() {
            self.here().outermost.extend(owners);
        } else {
            self.change(owners);
        }
    }

    /// Does an expression make a new container of what it names?
    fn makes_container(&self, value: &Expr) -> bool {
        match value {
            _ if !self.around.is_whole => false,
            Expr::List(_) | Expr::Tuple(_) | Expr::Set(_) | Expr::Dict(_) => true,
            Expr::ListComp(_) | Expr::SetComp(_) | Expr::DictComp(_) => true,
            // `table.copy()`
            Expr::Call(call) if self.is_shallow_copy(call) => true,
            Expr::Call(call) => self.path(&call.func).is_some_and(|path| {
                let containers = ["dict", "frozenset", "list", "set", "sorted", "tuple"];
                path.strip_prefix("builtins.")
                    .is_some_and(|name| containers.contains(&name))
            }),
            _ => false,
        }
    }

    fn is_shallow_copy(&self, call: &ast::ExprCall) -> bool {
        matches!(&*call.func, Expr::Attribute(method) if method.attr.as_str() == "copy")
            && self.path(&call.func).is_none()
            && !self.program.methods.contains_key("copy")
    }

    /// Inside of a block its header's names are those that the header has bound, whatever else binds them elsewhere.
    fn bind_around(&mut self, header: Range<usize>, body: &[Stmt]) {
        let (Some(first), Some(last)) = (body.first(), body.last()) else {
            return;
        };
        let block = start_of(first)..range_of(last).end;
        let uses = &self.source.uses;
        for a_use in uses.within(&header) {
            let deletes = |other: &Use| {
                other.name == a_use.name && other.binding == Some(BindingKind::Delete)
            };
            if a_use.binding.is_some()
                && a_use.scope == self.source.scopes.module()
                && !uses.within(&block).iter().any(deletes)
            {
                let name = a_use.name.clone();
                self.bound_around.push((block.clone(), name));
            }
        }
    }

    fn uncertain(&mut self, at: usize, why: &str) {
        self.here().uncertain.push((at, why.to_owned()));
    }

    fn comprehension(&mut self, generators: &[ast::Comprehension]) {
        for generator in generators {
            let held = self.sources(&generator.iter);
            self.go_through(&held);
            self.go_through_foreign(&generator.iter);
            generator.ifs.iter().for_each(|test| self.operate(&[test]));
            self.assign(&generator.target, &held, false);
        }
    }

    /// Does a handler of a `try` catch a name that is not there?
    fn forgives(&self, handlers: &[ast::ExceptHandler]) -> bool {
        handlers.iter().any(
            |ast::ExceptHandler::ExceptHandler(handler)| match &handler.type_ {
                None => true,
                Some(caught) => {
                    let text = self
                        .source
                        .text()
                        .get(range_of(&**caught))
                        .unwrap_or_default();
                    ["NameError", "Exception", "BaseException"]
                        .iter()
                        .any(|name| {
                            text.split(|c: char| !(c.is_alphanumeric() || c == '_'))
                                .any(|word| word == *name)
                        })
                }
            },
        )
    }

    /// Does a test ask for the version of Python, or for something being there?
    fn asks_version(&self, test: &Expr) -> bool {
        let text = self.source.text().get(range_of(test)).unwrap_or_default();
        [
            "version_info",
            "PY2",
            "PY3",
            "hexversion",
            "sys.version",
            "hasattr(",
            "TYPE_CHECKING",
            "python_version",
        ]
        .iter()
        .any(|word| text.contains(word))
    }

    /// Deals every place where a name of the module stands to the region that holds it.
    fn finish(mut self) -> Program {
        let source = self.source;
        self.program.lenient.sort_by_key(|range| range.start);
        let skipped = Ranges::new(&self.program.skipped);
        let guards = Ranges::new(&self.program.guards);
        let lenient = Ranges::new(&self.program.lenient);
        let is_whole = self.around.is_whole;
        let is_bound = |name: &Name| {
            let mut uses = source.uses.of(Home::Module, name);
            is_builtin(name)
                || uses.any(|a_use| a_use.binding.is_some() && !guards.hold(a_use.range.start))
        };
        self.find_called();
        let bound_around = std::mem::take(&mut self.bound_around);
        let mut region_of_scope: FxHashMap<ScopeId, Option<RegionId>> = FxHashMap::default();
        let starts: Vec<usize> = source.body().iter().map(start_of).collect();
        let all = source.uses.within(&(0..source.text().len() + 1));
        for a_use in all {
            let at = a_use.range.start;
            let is_read = a_use.binding.is_none()
                || matches!(
                    a_use.binding,
                    Some(BindingKind::AugAssign | BindingKind::Delete)
                );
            if a_use.binding == Some(BindingKind::Annotation) || skipped.hold(at) || guards.hold(at)
            {
                continue;
            }
            if !is_whole
                && (!is_read
                    || a_use.home != Home::Module
                    || lenient.hold(at)
                    || is_bound(&a_use.name))
            {
                continue;
            }
            let region = *region_of_scope.entry(a_use.scope).or_insert_with(|| {
                let mut scope = Some(a_use.scope);
                while let Some(id) = scope {
                    if let Some(region) = self.program.region_of.get(&id) {
                        return Some(*region);
                    }
                    scope = source.scopes.get(id).parent;
                }
                None
            });
            // The module's own code, and the lambdas and comprehensions in it, belong to the statement that holds them.
            let unit = starts
                .partition_point(|start| *start <= at)
                .saturating_sub(1);
            let Some(region) = region.or_else(|| self.program.now.get(unit).copied()) else {
                continue;
            };
            let region = &mut self.program.regions[region];
            match a_use.home {
                Home::Module => {
                    if a_use.binding.is_some() {
                        region.binds.insert(a_use.name.clone());
                    }
                    let is_bound_around = a_use.scope == source.scopes.module()
                        && bound_around
                            .iter()
                            .any(|(block, name)| block.contains(&at) && *name == a_use.name);
                    if is_read && !is_bound_around {
                        if lenient.hold(at) {
                            region.soft.entry(a_use.name.clone()).or_insert(at);
                        } else {
                            region.reads.entry(a_use.name.clone()).or_insert(at);
                            if a_use.scope != source.scopes.module() {
                                region.later.insert(a_use.name.clone());
                            }
                        }
                    }
                }
                // A class's own name is looked up in the module until the class binds it.
                Home::Scope(scope)
                    if is_read && source.scopes.get(scope).kind == ScopeKind::Class =>
                {
                    let own = source.scopes.get(scope).symbols.get(&a_use.name);
                    if own.is_some_and(|symbol| symbol.resolution == Resolution::Local) {
                        region.soft.entry(a_use.name.clone()).or_insert(at);
                    }
                }
                Home::Scope(_) => {}
            }
        }
        self.program
    }
}

fn last(path: &str) -> &str {
    path.rsplit('.').next().unwrap_or(path)
}

impl<'a> Visitor<'a> for Walk<'_> {
    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        match stmt {
            Stmt::FunctionDef(def) => return with_stack(|| self.function(def)),
            Stmt::ClassDef(class) => return with_stack(|| self.class(class)),
            Stmt::Assign(assign) => {
                let held = self.sources(&assign.value);
                let iterator = self.makes_iterator(&assign.value);
                if self.is_namespace(&assign.value) || self.is_this_module(&assign.value) {
                    self.binds_unknown();
                }
                self.visit_expr(&assign.value);
                // `a = b = []` are one object.
                let names: Vars = match assign.targets.as_slice() {
                    [_] => Vars::new(),
                    targets => targets
                        .iter()
                        .flat_map(|target| self.sources(target))
                        .collect(),
                };
                for target in &assign.targets {
                    self.assigns_items =
                        target.is_name_expr() && self.makes_container(&assign.value);
                    self.assign(target, &held, iterator);
                    self.assigns_items = false;
                    if target.is_name_expr() {
                        self.assign(target, &names, false);
                    }
                }
                return;
            }
            Stmt::AnnAssign(assign) => {
                let in_class = self.in_class(start_of(&*assign.target));
                // Annotations of a function's own variables are never evaluated.
                let evaluated = !self.lazy && (self.in_function.is_none() || in_class);
                self.annotation(&assign.annotation, evaluated, in_class);
                if let Some(value) = &assign.value {
                    let held = self.sources(value);
                    self.visit_expr(value);
                    let iterator = self.makes_iterator(value);
                    self.assign(&assign.target, &held, iterator);
                }
                return;
            }
            Stmt::AugAssign(assign) => {
                let held = self.sources(&assign.value);
                self.visit_expr(&assign.value);
                let own = self.sources(&assign.target);
                self.operate(&[&assign.target, &assign.value]);
                self.assign(&assign.target, &held, false);
                self.change(own);
                return;
            }
            Stmt::Delete(delete) => {
                for target in &delete.targets {
                    self.assign(target, &Vars::new(), false);
                }
                return;
            }
            Stmt::For(each) => {
                let held = self.sources(&each.iter);
                self.go_through(&held);
                self.go_through_foreign(&each.iter);
                let iterator = self.makes_iterator(&each.iter);
                self.assign(&each.target, &held, iterator);
                self.bind_around(range_of(&*each.target), &each.body);
            }
            Stmt::With(with) => {
                for item in &with.items {
                    let held = self.sources(&item.context_expr);
                    self.go_through(&held);
                    if matches!(item.context_expr, Expr::Name(_) | Expr::Attribute(_)) {
                        self.change(held.clone());
                    }
                    if let Some(target) = &item.optional_vars {
                        self.bind_around(range_of(&**target), &with.body);
                        let iterator = self.makes_iterator(&item.context_expr);
                        self.assign(target, &held, iterator);
                    }
                }
            }
            Stmt::Return(returned) => {
                if let (Some(scope), Some(value)) = (self.in_function, &returned.value) {
                    let held = self.sources(value);
                    self.hold(Var::Returned(scope), &held);
                    if self.makes_iterator(value) {
                        self.program.iterators.insert(Var::Returned(scope));
                    }
                }
            }
            Stmt::Expr(expression) => match &*expression.value {
                Expr::Call(call) => self.bare = Some(start_of(call)),
                Expr::Await(awaited) => {
                    if let Expr::Call(call) = &*awaited.value {
                        self.bare = Some(start_of(call));
                    }
                }
                // `first >> second` says something to both.
                Expr::BinOp(binary)
                    if matches!(binary.op, ast::Operator::LShift | ast::Operator::RShift) =>
                {
                    let vars = self.sources(&expression.value);
                    self.change(vars);
                }
                _ => {}
            },
            Stmt::Try(attempt) if self.forgives(&attempt.handlers) => {
                if let (Some(first), Some(end)) = (attempt.body.first(), attempt.body.last()) {
                    self.program
                        .lenient
                        .push(start_of(first)..range_of(end).end);
                }
            }
            Stmt::Match(matched) if self.around.is_whole => {
                let held = self.sources(&matched.subject);
                for a_use in self.source.uses.within(&range_of(matched)) {
                    if a_use.binding == Some(BindingKind::Match) {
                        let var = var_of(a_use);
                        self.hold(var, &held);
                    }
                }
            }
            Stmt::While(each) => self.operate(&[&each.test]),
            Stmt::Assert(assertion) => self.operate(&[&assertion.test]),
            Stmt::If(choice) => {
                self.operate(&[&choice.test]);
                let clauses = choice.elif_else_clauses.iter();
                clauses
                    .filter_map(|clause| clause.test.as_ref())
                    .for_each(|test| self.operate(&[test]));
                if self.in_function.is_none() && is_main_test(&choice.test) {
                    if let (Some(first), Some(end)) = (choice.body.first(), choice.body.last()) {
                        self.program.guards.push(start_of(first)..range_of(end).end);
                    }
                    self.visit_expr(&choice.test);
                    for clause in &choice.elif_else_clauses {
                        if let Some(test) = &clause.test {
                            self.visit_expr(test);
                        }
                        clause.body.iter().for_each(|stmt| self.visit_stmt(stmt));
                    }
                    return;
                }
                let asks = self.asks_version(&choice.test)
                    || choice
                        .elif_else_clauses
                        .iter()
                        .filter_map(|clause| clause.test.as_ref())
                        .any(|test| self.asks_version(test));
                if asks {
                    self.program.lenient.push(range_of(choice));
                }
            }
            Stmt::Import(import)
                if import
                    .names
                    .iter()
                    .any(|alias| alias.name.as_str() == "__main__") =>
            {
                self.uncertain(start_of(import), "the module imports itself as `__main__`");
            }
            Stmt::ImportFrom(import) if from_path(import) == "__main__" => {
                self.uncertain(start_of(import), "the module imports itself as `__main__`");
            }
            _ => {}
        }
        with_stack(|| walk_stmt(self, stmt));
    }

    fn visit_expr(&mut self, expr: &'a Expr) {
        self.use_implicitly(expr);
        match expr {
            Expr::Name(name) if name.id.as_str() == "__annotations__" && name.ctx.is_load() => {
                self.uncertain(
                    start_of(expr),
                    "`__annotations__` lists names of the whole module",
                );
            }
            Expr::Lambda(lambda) => return with_stack(|| self.lambda(lambda)),
            Expr::Call(call) => {
                if let Expr::Attribute(attribute) = &*call.func
                    && self.is_namespace(&attribute.value)
                    && attribute.attr.as_str() == "get"
                    && let Some(name) = call.arguments.args.first().and_then(constant_text)
                {
                    self.names_in_text(name, start_of(call));
                    return;
                }
                self.call(call);
            }
            Expr::Named(named) => {
                let held = self.sources(&named.value);
                let iterator = self.makes_iterator(&named.value);
                self.assign(&named.target, &held, iterator);
            }
            Expr::ListComp(comprehension) => self.comprehension(&comprehension.generators),
            Expr::SetComp(comprehension) => self.comprehension(&comprehension.generators),
            Expr::DictComp(comprehension) => self.comprehension(&comprehension.generators),
            Expr::Generator(comprehension) => self.comprehension(&comprehension.generators),
            Expr::Attribute(attribute) => {
                let name = attribute.attr.as_str();
                if name == "f_globals" || name == "f_locals" || name == "__globals__" {
                    self.uncertain(
                        start_of(expr),
                        "the names of a frame or function are read while it runs",
                    );
                }
                if self.around.is_whole {
                    self.here().attributes.insert(name.to_owned());
                }
            }
            Expr::Subscript(subscript) => {
                if let Some(name) = self.key_of_namespace(&subscript.value, &subscript.slice) {
                    self.names_in_text(&name, start_of(subscript));
                    return;
                }
                if self.path(&subscript.value).as_deref() == Some("sys.modules")
                    && constant_text(&subscript.slice).is_none()
                {
                    self.uncertain(
                        start_of(expr),
                        "the module is reached through `sys.modules`",
                    );
                }
            }
            Expr::Yield(given) => {
                if let (Some(scope), Some(value)) = (self.in_function, &given.value) {
                    let held = self.sources(value);
                    self.hold(Var::Returned(scope), &held);
                }
            }
            _ => {}
        }
        crate::python::walk_into(self, expr);
    }
}
