//! What calls may change: of functions of this module, of other modules, of methods.

use super::{Vars, Walk, last};
use crate::python::{ast, constant_text, start_of};
use crate::slice::knowledge as known;
use crate::slice::knowledge::Reach;
use crate::slice::program::{Pending, Slot, State, Var, state_behind};
use ast::Expr;

impl Walk<'_> {
    /// A call of a function that is not of this module.
    pub(super) fn reached(&mut self, path: &str, bare: bool) {
        if !self.around.is_whole {
            return;
        }
        match known::reach(path) {
            Reach::Nothing => {}
            Reach::Process if bare || known::sets_up(path) || known::is_changing(last(path)) => {
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
            Reach::Library if bare => match state_behind(path) {
                // Python's own modules hold little; what they hold is put there by calls that say so.
                State::Process if known::sets_up(path) => {
                    let top = path.split('.').next().unwrap_or(path).to_owned();
                    self.change(Vars::from([Var::State(State::Library(top))]));
                }
                State::Process => {}
                other => self.change(Vars::from([Var::State(other)])),
            },
            _ => {}
        }
    }

    pub(super) fn arguments_of(&self, call: &ast::ExprCall) -> Vec<(Slot, Vars)> {
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
    pub(super) fn callbacks(&mut self, call: &ast::ExprCall) {
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

    /// A call may run what its callee and its arguments hold: `handlers["a"]()`, `map(step, xs)`
    fn hand_on(&mut self, call: &ast::ExprCall, arguments: &Vars) {
        let builtin = self.path(&call.func);
        let builtin = builtin
            .as_deref()
            .and_then(|path| path.strip_prefix("builtins."));
        let operands: Vec<&Expr> = call.arguments.args.iter().collect();
        self.operate(&operands);
        if let Some(name) = builtin
            && known::is_fresh_builtin(name)
            && !known::CONSUMING_BUILTINS.contains(&name)
        {
            return;
        }
        operands.iter().for_each(|one| self.go_through_foreign(one));
        let mut vars = match builtin {
            Some(_) => Vars::new(),
            None => self.sources(&call.func),
        };
        vars.extend(arguments.iter().cloned());
        self.here().calls.extend(vars);
    }

    pub(super) fn call(&mut self, call: &ast::ExprCall) {
        let is_whole = self.around.is_whole;
        let bare = self.bare == Some(start_of(call));
        let arguments = match is_whole {
            true => self.arguments_of(call),
            false => Vec::new(),
        };
        let all: Vars = arguments
            .iter()
            .flat_map(|(_, vars)| vars.iter().cloned())
            .collect();
        if is_whole {
            self.callbacks(call);
            self.hand_on(call, &all);
        }
        let hands_names_on = call
            .arguments
            .args
            .iter()
            .any(|argument| self.is_namespace(argument));
        if hands_names_on
            && self
                .path(&call.func)
                .is_none_or(|path| path.starts_with('.'))
        {
            self.binds_unknown();
        }
        if let Some(path) = self.path(&call.func) {
            self.foreign_call(call, &path, bare, &all);
            return;
        }
        match &*call.func {
            Expr::Name(_) if !is_whole => {}
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
                if (known::is_changing(method) || method.starts_with("__"))
                    && self.is_namespace(&attribute.value)
                {
                    self.binds_unknown();
                    for keyword in &call.arguments.keywords {
                        if let Some(name) = &keyword.arg {
                            let held = self.sources(&keyword.value);
                            self.bind_by_text(name, &held);
                        }
                    }
                    if let [key, value] = &*call.arguments.args
                        && let Some(name) = constant_text(key)
                    {
                        let held = self.sources(value);
                        self.bind_by_text(name, &held);
                    }
                }
                if !is_whole {
                    return;
                }
                let receiver = self.sources(&attribute.value);
                let receiver_vars = receiver.clone();
                let own = self.program.methods.get(method).cloned();
                if known::is_inserting(method) {
                    for owner in &receiver {
                        self.hold_items(owner.clone(), &all);
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
                        let called = (receiver.clone(), method.to_owned());
                        self.here().methods.push(called);
                        if method == "join" || method == "extend" || method == "update" {
                            self.here().consumes.extend(all.iter().cloned());
                        }
                        if known::is_changing(method) {
                            self.change_outermost(&attribute.value, receiver);
                        } else if !known::is_quiet_method(method) {
                            self.change(receiver);
                        }
                        if !known::spares_arguments(method) {
                            // What is not known may keep what it gets.
                            for owner in &receiver_vars {
                                self.hold_items(owner.clone(), &all);
                            }
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

    pub(super) fn foreign_call(
        &mut self,
        call: &ast::ExprCall,
        path: &str,
        bare: bool,
        all: &Vars,
    ) {
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
                "eval" => match first.and_then(constant_text) {
                    Some(text) => self.run_text(text, start_of(call)),
                    None if call.arguments.args.len() > 1 => {}
                    None => self.uncertain(
                        start_of(call),
                        "`eval` of a computed text can read any name of the module",
                    ),
                },
                "exec" => self.exec(call),
                "setattr" | "delattr" if self.sets_name(call) => return,
                "__import__" => self.import_by_name(call),
                _ => {}
            }
            if !self.around.is_whole {
                return;
            }
            if name == "next" || name == "setattr" || name == "delattr" {
                if let Some(first) = first {
                    let vars = self.sources(first);
                    if let Some(value) = call.arguments.args.get(2) {
                        let held = self.sources(value);
                        vars.iter()
                            .for_each(|owner| self.hold_items(owner.clone(), &held));
                    }
                    self.change(vars);
                    self.reach_owner(first);
                }
            } else if known::CONSUMING_BUILTINS.contains(&name) {
                self.here().consumes.extend(all.iter().cloned());
            } else if !known::is_quiet_builtin(name) {
                self.change(all.clone());
            }
            return;
        }
        if path.starts_with('.') {
            if !self.around.is_whole {
                return;
            }
            let name = last(path).to_owned();
            if !(self.around.spares)(&name) {
                self.change(all.clone());
            }
            let state = match known::is_changing(&name) {
                // `helper.ITEMS.append(1)`
                true => State::Local,
                false => State::LocalCall(name),
            };
            self.change(Vars::from([Var::State(state)]));
            // The other module may keep what it is given.
            self.hold_items(Var::State(State::Local), all);
            return;
        }
        match path {
            "importlib.import_module" => self.import_by_name(call),
            "atexit.register" => {
                let scopes = match first {
                    Some(Expr::Name(name)) => self
                        .var(name)
                        .and_then(|var| self.program.definitions.get(&var).cloned()),
                    _ => None,
                };
                self.here().at_exit.extend(scopes.unwrap_or_default());
                self.change(all.clone());
            }
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
        if !self.around.is_whole {
            return;
        }
        if path.starts_with("timeit.") {
            for argument in call
                .arguments
                .args
                .iter()
                .chain(call.arguments.keywords.iter().map(|k| &k.value))
            {
                if let Some(text) = constant_text(argument) {
                    self.run_text(text, start_of(argument));
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
            // `heappush(queue, item)`, `setitem(table, key, item)`
            let owners = first.map(|first| self.sources(first)).unwrap_or_default();
            owners
                .iter()
                .for_each(|owner| self.hold_items(owner.clone(), all));
            self.change(all.clone());
        }
        if path.starts_with("itertools.")
            || path.starts_with("functools.reduce")
            || path.starts_with("collections.")
        {
            self.here().consumes.extend(all.iter().cloned());
        }
    }

    pub(super) fn import_by_name(&mut self, call: &ast::ExprCall) {
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
    pub(super) fn texts_with_names(&mut self, method: &str, call: &ast::ExprCall) {
        if ["query", "eval", "evaluate", "timeit", "run", "runctx"].contains(&method) {
            for argument in &call.arguments.args {
                if let Some(text) = constant_text(argument) {
                    self.names_in_text(text, start_of(argument));
                }
            }
        }
    }
}
