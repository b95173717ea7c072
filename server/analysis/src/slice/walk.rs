//! Reads a parsed module into a [`Program`].

use std::collections::{BTreeSet, HashMap};
use std::ops::Range;

use hoist_syntax::scopes::{BindingKind, Name, ParameterKind, Resolution, ScopeId, ScopeKind};

use super::knowledge as known;
use super::knowledge::Reach;
use super::program::{Parameters, Pending, Program, Region, RegionId, Slot, State, Var};
use crate::library::is_builtin;
use crate::python::{Source, ast, constant_text, is_main_test, range_of, start_of, with_stack};
use crate::uses::{Home, Use};
use ast::visitor::{Visitor, walk_expr, walk_stmt};
use ast::{Expr, Stmt};

type Vars = BTreeSet<Var>;

/// What is known of the local modules that a module imports.
pub(super) struct Surroundings<'a> {
    /// Are the files of a top-level module in the workspace?
    pub(super) is_local: &'a dyn Fn(&str) -> bool,
    /// Does a function of a local module, by its last name, leave its arguments as they are?
    pub(super) spares: &'a dyn Fn(&str) -> bool,
}

/// Reads a module.
pub(super) fn read(source: &Source, around: &Surroundings<'_>) -> Program {
    let mut scopes_by_start = HashMap::new();
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
    Declarations {
        source,
        program: &mut program,
        scopes_by_start: &scopes_by_start,
        around,
    }
    .read();
    let mut walk = Walk {
        source,
        program,
        scopes_by_start: &scopes_by_start,
        around,
        region: 0,
        in_function: None,
        bare: None,
        lazy: source.scopes.future_annotations(),
    };
    for (unit, stmt) in source.body().iter().enumerate() {
        let region = walk.new_region(unit, None);
        walk.program.now.push(region);
        walk.region = region;
        walk.visit_stmt(stmt);
    }
    walk.finish()
}

/// Collects imports, definitions and parameters first, because code reads them before they stand.
struct Declarations<'a> {
    source: &'a Source,
    program: &'a mut Program,
    scopes_by_start: &'a HashMap<usize, ScopeId>,
    around: &'a Surroundings<'a>,
}

impl Declarations<'_> {
    fn read(&mut self) {
        let scopes = &self.source.scopes;
        for (id, scope) in scopes.iter() {
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
        for (unit, stmt) in self.source.body().iter().enumerate() {
            if let Stmt::ImportFrom(import) = stmt
                && import.names.iter().any(|alias| alias.name.as_str() == "*")
            {
                let module = from_path(import);
                self.program.stars.push((unit, module));
            }
        }
        let source = self.source;
        for stmt in source.body() {
            self.visit_stmt(stmt);
        }
    }

    fn bind(&mut self, at: usize, scope: ScopeId) {
        if let Some(a_use) = self.source.uses.at(at) {
            self.program
                .definitions
                .entry(var_of(a_use))
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
            self.program.imports.insert(var_of(a_use), path);
        }
    }
}

impl<'a> Visitor<'a> for Declarations<'_> {
    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        match stmt {
            Stmt::FunctionDef(def) => {
                if let Some(scope) = self.scopes_by_start.get(&start_of(&def.name)) {
                    self.bind(start_of(&def.name), *scope);
                }
            }
            Stmt::ClassDef(class) => {
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

/// The module of a `from` import, with a dot for each level.
pub(super) fn from_path(import: &ast::StmtImportFrom) -> String {
    let mut path = ".".repeat(import.level as usize);
    path.push_str(
        import
            .module
            .as_ref()
            .map(|name| name.as_str())
            .unwrap_or_default(),
    );
    path
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
    scopes_by_start: &'a HashMap<usize, ScopeId>,
    around: &'a Surroundings<'a>,
    region: RegionId,
    /// The function whose body is being read.
    in_function: Option<ScopeId>,
    /// The call that is a statement by itself, by its start.
    bare: Option<usize>,
    lazy: bool,
}

impl Walk<'_> {
    fn new_region(&mut self, unit: usize, scope: Option<ScopeId>) -> RegionId {
        let id = self.program.regions.len();
        self.program.regions.push(Region {
            unit,
            scope,
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
        let held = held.iter().filter(|other| **other != var).cloned();
        self.program
            .holds
            .entry(var.clone())
            .or_default()
            .extend(held);
    }

    fn uncertain(&mut self, at: usize, why: &str) {
        self.here().uncertain.push((at, why.to_owned()));
    }

    fn var(&self, name: &ast::ExprName) -> Option<Var> {
        self.source.uses.at(start_of(name)).map(var_of)
    }

    /// The full path of a function or attribute that an import or Python itself gives.
    fn path(&self, expr: &Expr) -> Option<String> {
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
            Expr::Attribute(attribute) => {
                let mut path = self.path(&attribute.value)?;
                path.push('.');
                path.push_str(&attribute.attr);
                Some(path)
            }
            _ => None,
        }
    }

    fn is_bound(&self, var: &Var) -> bool {
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
    fn sources(&self, expr: &Expr) -> Vars {
        let mut vars = Vars::new();
        with_stack(|| self.add_sources(expr, &mut vars));
        vars
    }

    fn add_sources(&self, expr: &Expr, vars: &mut Vars) {
        match expr {
            Expr::Name(name) => vars.extend(self.var(name)),
            Expr::Attribute(attribute) => vars.extend(self.sources(&attribute.value)),
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
            Expr::Generator(comprehension) => vars.extend(self.sources(&comprehension.elt)),
            Expr::DictComp(comprehension) => vars.extend(self.sources(&comprehension.value)),
            Expr::Lambda(lambda) => vars.extend(self.sources(&lambda.body)),
            Expr::Call(call) => self.add_call_sources(call, vars),
            _ => {}
        }
    }

    fn add_call_sources(&self, call: &ast::ExprCall, vars: &mut Vars) {
        let arguments = |vars: &mut Vars| {
            for argument in &call.arguments.args {
                vars.extend(self.sources(argument));
            }
            for keyword in &call.arguments.keywords {
                vars.extend(self.sources(&keyword.value));
            }
        };
        if let Some(path) = self.path(&call.func) {
            let fresh = match path.strip_prefix("builtins.") {
                Some(name) => known::is_fresh_builtin(name),
                None => known::is_fresh_function(&path),
            };
            if !fresh {
                arguments(vars);
            }
            if path.starts_with('.') {
                vars.insert(Var::State(State::LocalCall(last(&path).to_owned())));
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

    /// A value goes to a target.
    fn assign(&mut self, target: &Expr, held: &Vars, iterator: bool) {
        match target {
            Expr::Name(name) => {
                if let Some(var) = self.var(name) {
                    self.hold(var.clone(), held);
                    if iterator {
                        self.program.iterators.insert(var);
                    }
                }
            }
            Expr::Starred(starred) => self.assign(&starred.value, held, false),
            Expr::Tuple(tuple) => tuple
                .elts
                .iter()
                .for_each(|target| self.assign(target, held, false)),
            Expr::List(list) => list
                .elts
                .iter()
                .for_each(|target| self.assign(target, held, false)),
            Expr::Attribute(attribute) => {
                self.store(&attribute.value, held, start_of(target));
                self.visit_expr(&attribute.value);
            }
            Expr::Subscript(subscript) => {
                self.store(&subscript.value, held, start_of(target));
                if let Some(name) = self.globals_key(&subscript.value, &subscript.slice) {
                    self.here().binds.insert(Name::new(&name));
                    return;
                }
                self.visit_expr(&subscript.value);
                self.visit_expr(&subscript.slice);
            }
            other => self.visit_expr(other),
        }
    }

    /// Something is stored into the object of an expression.
    fn store(&mut self, object: &Expr, held: &Vars, _at: usize) {
        let owners = self.sources(object);
        for owner in &owners {
            self.hold(owner.clone(), held);
        }
        self.change(owners);
        // `getcontext().prec = 50`, `builtins.x = 1`
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

    /// The constant key of `globals()["key"]`.
    fn globals_key(&self, object: &Expr, key: &Expr) -> Option<String> {
        let Expr::Call(call) = object else {
            return None;
        };
        let is_globals = self.path(&call.func).as_deref() == Some("builtins.globals");
        if is_globals {
            constant_text(key).map(str::to_owned)
        } else {
            None
        }
    }

    /// A call of a function that is not of this module.
    fn reached(&mut self, path: &str, bare: bool) {
        match known::reach(path) {
            Reach::Nothing => {}
            Reach::Process if bare || known::sets_up(path) => {
                self.change(Vars::from([Var::State(State::Process)]))
            }
            Reach::Files if bare => self.change(Vars::from([Var::State(State::Files)])),
            Reach::Seed => self.change(Vars::from([Var::State(State::Seed)])),
            Reach::Random(generator) => {
                if known::is_seed(path) {
                    self.here().seeds.insert(generator);
                    // Python's own is there for everything; a library's only for those who have libraries.
                    let state = if generator == "random" {
                        State::Process
                    } else {
                        State::Seed
                    };
                    self.change(Vars::from([Var::State(state)]));
                }
                self.change(Vars::from([Var::State(State::Random(generator))]));
            }
            Reach::Library if bare => {
                let state = super::program::state_behind(path);
                // Of Python's own library only what is named there sets up the process.
                let state = match state {
                    State::Process => {
                        State::Library(path.split('.').next().unwrap_or(path).to_owned())
                    }
                    other => other,
                };
                self.change(Vars::from([Var::State(state)]));
            }
            _ => {}
        }
    }

    fn arguments_of(&self, call: &ast::ExprCall) -> Vec<(Slot, Vars)> {
        let mut arguments = Vec::new();
        for (index, argument) in call.arguments.args.iter().enumerate() {
            let starred = call
                .arguments
                .args
                .iter()
                .take(index + 1)
                .any(|argument| argument.is_starred_expr());
            let slot = if starred {
                Slot::Any
            } else {
                Slot::Position(index)
            };
            arguments.push((slot, self.sources(argument)));
        }
        for keyword in &call.arguments.keywords {
            let slot = match &keyword.arg {
                Some(name) => Slot::Keyword(name.to_string()),
                None => Slot::Any,
            };
            arguments.push((slot, self.sources(&keyword.value)));
        }
        arguments
    }

    /// Functions of this module that are given as arguments, and what else is given: they may be called with it.
    fn callbacks(&mut self, call: &ast::ExprCall) {
        let mut callees = Vec::new();
        let mut others = Vars::new();
        let values = call
            .arguments
            .args
            .iter()
            .chain(call.arguments.keywords.iter().map(|keyword| &keyword.value));
        for value in values {
            match value {
                Expr::Lambda(lambda) => {
                    callees.extend(self.scopes_by_start.get(&start_of(lambda)).copied())
                }
                Expr::Name(name) => {
                    let var = self.var(name);
                    match var
                        .as_ref()
                        .and_then(|var| self.program.definitions.get(var))
                    {
                        Some(scopes) => callees.extend(scopes.iter().copied()),
                        None => others.extend(var),
                    }
                }
                // `map(T.append, xs)`
                Expr::Attribute(attribute)
                    if known::is_changing(&attribute.attr)
                        || self.program.methods.contains_key(attribute.attr.as_str()) =>
                {
                    let receiver = self.sources(&attribute.value);
                    self.change(receiver);
                }
                other => others.extend(self.sources(other)),
            }
        }
        if !callees.is_empty() && !others.is_empty() {
            self.here().pending.push(Pending {
                callees,
                receiver: None,
                skips_first: false,
                arguments: vec![(Slot::Any, others)],
            });
        }
    }

    fn call(&mut self, call: &ast::ExprCall) {
        let bare = self.bare == Some(start_of(call));
        let arguments = self.arguments_of(call);
        let all: Vars = arguments
            .iter()
            .flat_map(|(_, vars)| vars.iter().cloned())
            .collect();
        self.callbacks(call);
        if let Some(path) = self.path(&call.func) {
            self.foreign_call(call, &path, bare, &all);
            return;
        }
        match &*call.func {
            Expr::Name(name) => {
                let Some(var) = self.var(name) else { return };
                let definitions = self
                    .program
                    .definitions
                    .get(&var)
                    .cloned()
                    .unwrap_or_default();
                if definitions.is_empty() {
                    let mut vars = all;
                    vars.insert(var);
                    self.change(vars);
                    return;
                }
                for scope in definitions {
                    let constructors = self.program.constructors.get(&scope).cloned();
                    let (callees, skips_first) = match constructors {
                        Some(own) if own.is_empty() => (
                            self.program
                                .methods
                                .get("__init__")
                                .cloned()
                                .unwrap_or_default(),
                            true,
                        ),
                        Some(own) => (own, true),
                        None => (vec![scope], false),
                    };
                    let arguments = arguments.clone();
                    self.here().pending.push(Pending {
                        callees,
                        receiver: None,
                        skips_first,
                        arguments,
                    });
                }
            }
            Expr::Attribute(attribute) => {
                let method = attribute.attr.as_str();
                let receiver = self.sources(&attribute.value);
                let own = self.program.methods.get(method).cloned();
                if known::is_inserting(method) {
                    for owner in &receiver {
                        self.hold(owner.clone(), &all);
                    }
                }
                match own {
                    Some(callees) => {
                        if known::is_inserting(method)
                            || ["pop", "remove", "clear", "sort", "reverse"].contains(&method)
                        {
                            self.change(receiver.clone());
                        }
                        self.here().pending.push(Pending {
                            callees,
                            receiver: Some(receiver),
                            skips_first: false,
                            arguments,
                        });
                    }
                    None => {
                        if method == "join" || method == "extend" || method == "update" {
                            self.here().consumes.extend(all.iter().cloned());
                        }
                        if !known::is_quiet_method(method) {
                            self.change(receiver);
                        }
                        if !known::spares_arguments(method) {
                            self.change(all);
                        }
                    }
                }
                if let Expr::Call(inner) = &*attribute.value
                    && let Some(path) = self.path(&inner.func)
                    && !path.starts_with('.')
                    && bare
                {
                    // `logging.getLogger("x").setLevel(10)`, `Path("out").mkdir()`
                    self.reached(&path, !known::is_quiet_method(method));
                    self.reached(&format!("{path}.{method}"), true);
                }
                self.texts_with_names(method, call);
            }
            other => {
                let mut vars = self.sources(other);
                vars.extend(all);
                self.change(vars);
            }
        }
    }

    fn foreign_call(&mut self, call: &ast::ExprCall, path: &str, bare: bool, all: &Vars) {
        let first = call.arguments.args.first();
        if let Some(name) = path.strip_prefix("builtins.") {
            match name {
                "globals" => self.uncertain(
                    start_of(call),
                    "`globals()` reads names that cannot be known before the run",
                ),
                "vars" | "locals" | "dir"
                    if call.arguments.is_empty() && self.in_function.is_none() =>
                {
                    self.uncertain(
                        start_of(call),
                        "the module's own names are listed while it runs",
                    );
                }
                "eval" | "exec" => match first.and_then(constant_text) {
                    Some(text) => self.names_in_text(text, start_of(call)),
                    None if call.arguments.args.len() > 1 => {}
                    None => {
                        let why =
                            format!("`{name}` of a computed text can read any name of the module");
                        self.uncertain(start_of(call), &why);
                    }
                },
                "__import__" => self.import_by_name(call),
                _ => {}
            }
            if name == "next" || name == "setattr" || name == "delattr" {
                if let Some(first) = first {
                    let vars = self.sources(first);
                    self.change(vars);
                }
            } else if known::CONSUMING_BUILTINS.contains(&name) {
                self.here().consumes.extend(all.iter().cloned());
            } else if !known::is_quiet_builtin(name) {
                self.change(all.clone());
            }
            return;
        }
        if path.starts_with('.') {
            let name = last(path).to_owned();
            if !(self.around.spares)(&name) {
                self.change(all.clone());
            }
            self.change(Vars::from([Var::State(State::LocalCall(name))]));
            return;
        }
        match path {
            "importlib.import_module" => self.import_by_name(call),
            "doctest.testmod" | "unittest.main" | "pytest.main" | "fire.Fire"
            | "inspect.getmodule" => {
                self.uncertain(start_of(call), "tests look for names in the whole module");
            }
            "pickle.load" | "pickle.loads" | "pickle.Unpickler" | "joblib.load" | "torch.load"
            | "dill.load" | "dill.loads" | "cloudpickle.load" | "cloudpickle.loads"
            | "shelve.open" => {
                self.here().unpickles.push(start_of(call));
            }
            _ => {}
        }
        if path.starts_with("timeit.") {
            for argument in call
                .arguments
                .args
                .iter()
                .chain(call.arguments.keywords.iter().map(|k| &k.value))
            {
                if let Some(text) = constant_text(argument) {
                    self.names_in_text(text, start_of(argument));
                }
            }
        }
        self.reached(path, bare);
        let has_out = call.arguments.keywords.iter().any(|keyword| {
            keyword
                .arg
                .as_ref()
                .is_some_and(|name| name.as_str() == "out" || name.as_str() == "inplace")
        });
        if !known::is_quiet_function(path) || has_out {
            self.change(all.clone());
        }
        if path.starts_with("itertools.")
            || path.starts_with("functools.reduce")
            || path.starts_with("collections.")
        {
            self.here().consumes.extend(all.iter().cloned());
        }
    }

    fn import_by_name(&mut self, call: &ast::ExprCall) {
        match call.arguments.args.first() {
            Some(Expr::StringLiteral(_)) => {}
            Some(Expr::Name(name)) if name.id.as_str() == "__name__" => {
                self.uncertain(start_of(call), "the module imports itself by its name");
            }
            _ => {
                let at = start_of(call);
                self.here().dynamic_imports.push(at);
            }
        }
    }

    /// `df.query("a > @limit")`: texts that are read as code name what they use.
    fn texts_with_names(&mut self, method: &str, call: &ast::ExprCall) {
        if ["query", "eval", "evaluate", "timeit", "run", "runctx"].contains(&method) {
            for argument in &call.arguments.args {
                if let Some(text) = constant_text(argument) {
                    self.names_in_text(text, start_of(argument));
                }
            }
        }
    }

    /// Takes every word of a text as a name that may be read.
    fn names_in_text(&mut self, text: &str, at: usize) {
        let words: Vec<(Name, usize)> = text
            .split(|c: char| !(c.is_alphanumeric() || c == '_'))
            .filter(|word| word.chars().next().is_some_and(|c| !c.is_numeric()))
            .map(|word| (Name::new(word), at))
            .collect();
        self.here().soft.extend(words);
    }

    fn makes_iterator(&self, value: &Expr) -> bool {
        match value {
            Expr::Generator(_) => true,
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

    /// An annotation: evaluated, or kept as text.
    fn annotation(&mut self, annotation: &Expr, evaluated: bool, read_later: bool) {
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

    fn decorators(&mut self, decorators: &[ast::Decorator]) {
        for decorator in decorators {
            let expression = &decorator.expression;
            if self.is_ours(expression) {
                self.program.skipped.push(range_of(decorator));
                self.program.removed.push(range_of(decorator));
                continue;
            }
            self.visit_expr(expression);
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
    fn is_ours(&self, decorator: &Expr) -> bool {
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

    fn function(&mut self, def: &ast::StmtFunctionDef) {
        self.decorators(&def.decorator_list);
        let read_later = !def.decorator_list.is_empty() || self.in_class(start_of(&def.name));
        for parameter in def.parameters.iter() {
            if let Some(annotation) = parameter.annotation() {
                self.annotation(annotation, !self.lazy, read_later);
            }
            if let Some(default) = parameter.default() {
                self.visit_expr(default);
                if let Some(scope) = self.scopes_by_start.get(&start_of(&def.name)).copied() {
                    let held = self.sources(default);
                    let name = Name::new(parameter.name().as_str());
                    self.hold(Var::Local(scope, name), &held);
                }
            }
        }
        if let Some(returns) = &def.returns {
            self.annotation(returns, !self.lazy, read_later);
        }
        let scope = self.scopes_by_start.get(&start_of(&def.name)).copied();
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

    fn in_class(&self, at: usize) -> bool {
        self.source
            .uses
            .at(at)
            .is_some_and(|a_use| self.source.scopes.get(a_use.scope).kind == ScopeKind::Class)
    }

    fn class(&mut self, class: &ast::StmtClassDef) {
        self.decorators(&class.decorator_list);
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
    }

    /// A class statement tells its bases and its metaclass of the new class.
    fn inherit(&mut self, base: &Expr) {
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

    fn lambda(&mut self, lambda: &ast::ExprLambda) {
        if let Some(parameters) = &lambda.parameters {
            for parameter in parameters.iter() {
                if let Some(default) = parameter.default() {
                    self.visit_expr(default);
                }
            }
        }
        let outer = self.in_function;
        let scope = self.scopes_by_start.get(&start_of(lambda)).copied();
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

    fn comprehension(&mut self, generators: &[ast::Comprehension]) {
        for generator in generators {
            let held = self.sources(&generator.iter);
            self.here().consumes.extend(held.iter().cloned());
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
        let inside =
            |ranges: &[Range<usize>], at: usize| ranges.iter().any(|range| range.contains(&at));
        let mut region_of_scope: HashMap<ScopeId, Option<RegionId>> = HashMap::new();
        let starts: Vec<usize> = source.body().iter().map(start_of).collect();
        let all = source.uses.within(&(0..source.text().len() + 1));
        for a_use in all {
            let at = a_use.range.start;
            let is_read = a_use.binding.is_none()
                || matches!(
                    a_use.binding,
                    Some(BindingKind::AugAssign | BindingKind::Delete)
                );
            if a_use.binding == Some(BindingKind::Annotation)
                || inside(&self.program.skipped, at)
                || inside(&self.program.guards, at)
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
                    if is_read {
                        if inside(&self.program.lenient, at) {
                            region.soft.entry(a_use.name.clone()).or_insert(at);
                        } else {
                            region.reads.entry(a_use.name.clone()).or_insert(at);
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
                self.visit_expr(&assign.value);
                for target in &assign.targets {
                    self.assign(target, &held, iterator);
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
                self.here().consumes.extend(held.iter().cloned());
                self.assign(&each.target, &held, false);
            }
            Stmt::With(with) => {
                for item in &with.items {
                    let held = self.sources(&item.context_expr);
                    if matches!(item.context_expr, Expr::Name(_) | Expr::Attribute(_)) {
                        self.change(held.clone());
                    }
                    if let Some(target) = &item.optional_vars {
                        let iterator = self.makes_iterator(&item.context_expr);
                        self.assign(target, &held, iterator);
                    }
                }
            }
            Stmt::Return(returned) => {
                if let (Some(scope), Some(value)) = (self.in_function, &returned.value) {
                    let held = self.sources(value);
                    self.hold(Var::Returned(scope), &held);
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
            Stmt::Match(matched) => {
                let held = self.sources(&matched.subject);
                for a_use in self.source.uses.within(&range_of(matched)) {
                    if a_use.binding == Some(BindingKind::Match) {
                        let var = var_of(a_use);
                        self.hold(var, &held);
                    }
                }
            }
            Stmt::If(choice) => {
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
            Stmt::Import(import) => {
                if import
                    .names
                    .iter()
                    .any(|alias| alias.name.as_str() == "__main__")
                {
                    self.uncertain(start_of(import), "the module imports itself as `__main__`");
                }
            }
            Stmt::ImportFrom(import) => {
                if from_path(import) == "__main__" {
                    self.uncertain(start_of(import), "the module imports itself as `__main__`");
                }
            }
            _ => {}
        }
        with_stack(|| walk_stmt(self, stmt));
    }

    fn visit_expr(&mut self, expr: &'a Expr) {
        match expr {
            Expr::Lambda(lambda) => return with_stack(|| self.lambda(lambda)),
            Expr::Call(call) => {
                if let Expr::Attribute(attribute) = &*call.func
                    && let Expr::Call(inner) = &*attribute.value
                    && self.path(&inner.func).as_deref() == Some("builtins.globals")
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
                self.assign(&named.target, &held, false);
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
                self.here().attributes.insert(name.to_owned());
            }
            Expr::Subscript(subscript) => {
                if let Some(name) = self.globals_key(&subscript.value, &subscript.slice) {
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
        with_stack(|| walk_expr(self, expr));
    }
}
