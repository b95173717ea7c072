//! What CPython's compiler refuses of a text that its parser takes: `return` outside of a function, a parameter twice, ...
//!
//! The rules are those of the strict parser's own checker; here it is told where in the module it is.

use ruff_python_ast::visitor::{Visitor, walk_expr, walk_pattern, walk_stmt};
use ruff_python_ast::{
    Comprehension, ExceptHandler, Expr, ExprContext, ModModule, Parameters, Pattern, PythonVersion,
    Stmt,
};
use ruff_python_parser::semantic_errors::{
    LazyImportContext, SemanticSyntaxChecker, SemanticSyntaxContext, SemanticSyntaxError,
};
use ruff_text_size::{Ranged, TextRange};
use rustc_hash::{FxHashMap, FxHashSet};
use std::cell::RefCell;

/// The first thing that the compiler would refuse: what, and where.
pub(super) fn first_error(text: &str, module: &ModModule) -> Option<(String, TextRange)> {
    let mut walk = Walk {
        checker: SemanticSyntaxChecker::new(),
        place: Place {
            text,
            declares: ["global", "nonlocal"]
                .iter()
                .any(|word| memchr::memmem::find(text.as_bytes(), word.as_bytes()).is_some()),
            scopes: Vec::new(),
            loops: 0,
            errors: RefCell::default(),
        },
    };
    let scope = walk.place.scope(ScopeKind::Module, &module.body, None);
    walk.place.scopes.push(scope);
    walk.visit_body(&module.body);
    walk.place
        .errors
        .into_inner()
        .into_iter()
        .min_by_key(|(_, range)| range.start())
}

/// Is there a `global` of a block's own, which counts for all of the block?
pub(super) fn declares_in(text: &str, body: &[Stmt]) -> bool {
    let mut names = Names::default();
    if text.contains("global") {
        names.visit_body(body);
    }
    !names.globals.is_empty()
}

enum ScopeKind {
    Module,
    Class,
    Function { is_async: bool },
    Lambda,
    Comprehension { is_async: bool, is_generator: bool },
}

struct Scope<'t> {
    kind: ScopeKind,
    parameters: FxHashSet<&'t str>,
    names: Names<'t>,
}

struct Place<'t> {
    text: &'t str,
    /// Does the text have `global` or `nonlocal` at all? Else nobody asks for names.
    declares: bool,
    scopes: Vec<Scope<'t>>,
    loops: usize,
    errors: RefCell<Vec<(String, TextRange)>>,
}

impl<'t> Place<'t> {
    fn scope(
        &self,
        kind: ScopeKind,
        body: &'t [Stmt],
        parameters: Option<&'t Parameters>,
    ) -> Scope<'t> {
        let mut names = Names::default();
        let mut own = FxHashSet::default();
        if self.declares {
            names.visit_body(body);
            own = parameters
                .into_iter()
                .flat_map(Parameters::iter)
                .map(|parameter| parameter.name().as_str())
                .collect();
        }
        Scope {
            kind,
            parameters: own,
            names,
        }
    }

    fn inner_to_outer(&self) -> impl Iterator<Item = &Scope<'t>> {
        self.scopes.iter().rev()
    }
}

/// The names that the statements of one scope bind or declare.
#[derive(Default)]
struct Names<'t> {
    bound: FxHashSet<&'t str>,
    globals: FxHashMap<&'t str, TextRange>,
    nonlocals: FxHashSet<&'t str>,
}

impl<'a> Visitor<'a> for Names<'a> {
    fn visit_stmt(&mut self, statement: &'a Stmt) {
        match statement {
            Stmt::FunctionDef(function) => {
                self.bound.insert(function.name.as_str());
            }
            Stmt::ClassDef(class) => {
                self.bound.insert(class.name.as_str());
            }
            Stmt::Global(global) => {
                for name in &global.names {
                    self.globals.entry(name.as_str()).or_insert(global.range());
                }
            }
            Stmt::Nonlocal(nonlocal) => self
                .nonlocals
                .extend(nonlocal.names.iter().map(|name| name.as_str())),
            Stmt::Import(import) => {
                self.bound
                    .extend(import.names.iter().map(|alias| match &alias.asname {
                        Some(name) => name.as_str(),
                        None => alias.name.split('.').next().unwrap_or_default(),
                    }))
            }
            Stmt::ImportFrom(import) => {
                self.bound.extend(
                    import
                        .names
                        .iter()
                        .map(|alias| alias.asname.as_ref().unwrap_or(&alias.name).as_str()),
                );
            }
            _ => walk_stmt(self, statement),
        }
    }

    fn visit_expr(&mut self, expression: &'a Expr) {
        match expression {
            Expr::Name(name) if name.ctx != ExprContext::Load => {
                self.bound.insert(name.id.as_str());
            }
            Expr::Lambda(_) => {}
            _ => walk_expr(self, expression),
        }
    }

    fn visit_except_handler(&mut self, handler: &'a ExceptHandler) {
        let ExceptHandler::ExceptHandler(inner) = handler;
        self.bound
            .extend(inner.name.iter().map(|name| name.as_str()));
        ruff_python_ast::visitor::walk_except_handler(self, handler);
    }

    fn visit_pattern(&mut self, pattern: &'a Pattern) {
        let name = match pattern {
            Pattern::MatchAs(captured) => captured.name.as_ref(),
            Pattern::MatchStar(captured) => captured.name.as_ref(),
            Pattern::MatchMapping(captured) => captured.rest.as_ref(),
            _ => None,
        };
        self.bound.extend(name.map(|name| name.as_str()));
        walk_pattern(self, pattern);
    }
}

struct Walk<'t> {
    checker: SemanticSyntaxChecker,
    place: Place<'t>,
}

impl<'t> Walk<'t> {
    fn inside(&mut self, scope: Scope<'t>, visit: impl FnOnce(&mut Self)) {
        let loops = std::mem::take(&mut self.place.loops);
        self.place.scopes.push(scope);
        visit(self);
        self.place.scopes.pop();
        self.place.loops = loops;
    }

    fn body_of_loop(&mut self, body: &'t [Stmt]) {
        self.place.loops += 1;
        self.visit_body(body);
        self.place.loops -= 1;
    }

    /// The outermost iterable belongs to the scope around the comprehension.
    fn comprehension(
        &mut self,
        generators: &'t [Comprehension],
        is_generator: bool,
        elements: &[&'t Expr],
    ) {
        if let Some(first) = generators.first() {
            self.visit_expr(&first.iter);
        }
        let is_async = generators.iter().any(|generator| generator.is_async);
        let scope = self.place.scope(
            ScopeKind::Comprehension {
                is_async,
                is_generator,
            },
            &[],
            None,
        );
        self.inside(scope, |walk| {
            for (number, generator) in generators.iter().enumerate() {
                if number > 0 {
                    walk.visit_expr(&generator.iter);
                }
                walk.visit_expr(&generator.target);
                for condition in &generator.ifs {
                    walk.visit_expr(condition);
                }
            }
            for element in elements {
                walk.visit_expr(element);
            }
        });
    }
}

impl<'a> Visitor<'a> for Walk<'a> {
    fn visit_stmt(&mut self, statement: &'a Stmt) {
        self.checker.visit_stmt(statement, &self.place);
        match statement {
            Stmt::FunctionDef(function) => {
                for decorator in &function.decorator_list {
                    self.visit_decorator(decorator);
                }
                if let Some(parameters) = &function.type_params {
                    self.visit_type_params(parameters);
                }
                self.visit_parameters(&function.parameters);
                if let Some(returns) = &function.returns {
                    self.visit_annotation(returns);
                }
                let kind = ScopeKind::Function {
                    is_async: function.is_async,
                };
                let scope = self
                    .place
                    .scope(kind, &function.body, Some(&function.parameters));
                self.inside(scope, |walk| walk.visit_body(&function.body));
            }
            Stmt::ClassDef(class) => {
                for decorator in &class.decorator_list {
                    self.visit_decorator(decorator);
                }
                if let Some(parameters) = &class.type_params {
                    self.visit_type_params(parameters);
                }
                if let Some(arguments) = &class.arguments {
                    self.visit_arguments(arguments);
                }
                let scope = self.place.scope(ScopeKind::Class, &class.body, None);
                self.inside(scope, |walk| walk.visit_body(&class.body));
            }
            Stmt::For(each) => {
                self.visit_expr(&each.iter);
                self.visit_expr(&each.target);
                self.body_of_loop(&each.body);
                self.visit_body(&each.orelse);
            }
            Stmt::While(each) => {
                self.visit_expr(&each.test);
                self.body_of_loop(&each.body);
                self.visit_body(&each.orelse);
            }
            Stmt::Expr(alone) => {
                if let Expr::Starred(starred) = &*alone.value {
                    let error = (
                        "can't use starred expression here".to_owned(),
                        starred.range(),
                    );
                    self.place.errors.borrow_mut().push(error);
                }
                walk_stmt(self, statement);
            }
            Stmt::Try(attempt) => {
                let before_last = attempt.handlers.iter().rev().skip(1);
                for ExceptHandler::ExceptHandler(handler) in before_last {
                    if handler.type_.is_none() {
                        let range = TextRange::at(
                            handler.start(),
                            "except".len().try_into().unwrap_or_default(),
                        );
                        self.place
                            .errors
                            .borrow_mut()
                            .push(("default 'except:' must be last".to_owned(), range));
                    }
                }
                walk_stmt(self, statement);
            }
            _ => walk_stmt(self, statement),
        }
    }

    fn visit_expr(&mut self, expression: &'a Expr) {
        self.checker.visit_expr(expression, &self.place);
        match expression {
            Expr::Lambda(lambda) => {
                if let Some(parameters) = &lambda.parameters {
                    self.visit_parameters(parameters);
                }
                let scope = self.place.scope(ScopeKind::Lambda, &[], None);
                self.inside(scope, |walk| walk.visit_expr(&lambda.body));
            }
            Expr::ListComp(list) => self.comprehension(&list.generators, false, &[&list.elt]),
            Expr::SetComp(set) => self.comprehension(&set.generators, false, &[&set.elt]),
            Expr::Generator(generator) => {
                self.comprehension(&generator.generators, true, &[&generator.elt])
            }
            Expr::DictComp(dictionary) => {
                let elements: Vec<&Expr> = dictionary
                    .key
                    .iter()
                    .map(|key| &**key)
                    .chain([&*dictionary.value])
                    .collect();
                self.comprehension(&dictionary.generators, false, &elements);
            }
            _ => walk_expr(self, expression),
        }
    }
}

impl SemanticSyntaxContext for Place<'_> {
    fn future_annotations_or_stub(&self) -> bool {
        // Only asked for what a version before 3.14 would allow in an annotation.
        false
    }

    fn lazy_import_context(&self) -> Option<LazyImportContext> {
        match self.scopes.last().map(|scope| &scope.kind) {
            Some(ScopeKind::Module) | None => None,
            Some(ScopeKind::Class) => Some(LazyImportContext::Class),
            Some(_) => Some(LazyImportContext::Function),
        }
    }

    fn python_version(&self) -> PythonVersion {
        // What is refused here must be refused by every Python that a target may have.
        PythonVersion::PY313
    }

    fn source(&self) -> &str {
        self.text
    }

    fn global(&self, name: &str) -> Option<TextRange> {
        self.scopes
            .last()
            .and_then(|scope| scope.names.globals.get(name).copied())
    }

    fn has_nonlocal_binding(&self, name: &str) -> bool {
        let mut around = self.inner_to_outer().skip(1);
        around.any(|scope| match scope.kind {
            ScopeKind::Function { .. } | ScopeKind::Lambda => {
                let names = &scope.names;
                scope.parameters.contains(name)
                    || (names.bound.contains(name)
                        && !names.globals.contains_key(name)
                        && !names.nonlocals.contains(name))
            }
            ScopeKind::Class => name == "__class__",
            ScopeKind::Module | ScopeKind::Comprehension { .. } => false,
        })
    }

    fn in_async_context(&self) -> bool {
        let mut scopes = self.inner_to_outer();
        scopes.find_map(|scope| match scope.kind {
            ScopeKind::Class | ScopeKind::Lambda => Some(false),
            ScopeKind::Function { is_async } => Some(is_async),
            ScopeKind::Comprehension { .. } | ScopeKind::Module => None,
        }) == Some(true)
    }

    fn in_await_allowed_context(&self) -> bool {
        let mut scopes = self.inner_to_outer();
        scopes.find_map(|scope| match scope.kind {
            ScopeKind::Class => Some(false),
            ScopeKind::Function { .. } | ScopeKind::Lambda => Some(true),
            ScopeKind::Comprehension { .. } | ScopeKind::Module => None,
        }) == Some(true)
    }

    fn in_yield_allowed_context(&self) -> bool {
        let innermost = self.scopes.last().map(|scope| &scope.kind);
        matches!(
            innermost,
            Some(ScopeKind::Function { .. } | ScopeKind::Lambda)
        )
    }

    fn in_sync_comprehension(&self) -> bool {
        self.inner_to_outer().any(|scope| {
            matches!(
                scope.kind,
                ScopeKind::Comprehension {
                    is_async: false,
                    ..
                }
            )
        })
    }

    fn in_class_body_comprehension(&self) -> bool {
        let mut scopes = self.inner_to_outer();
        scopes.find_map(|scope| match scope.kind {
            ScopeKind::Comprehension { .. } => None,
            ScopeKind::Class => Some(true),
            _ => Some(false),
        }) == Some(true)
    }

    fn in_module_scope(&self) -> bool {
        self.scopes.len() == 1
    }

    fn in_function_scope(&self) -> bool {
        matches!(
            self.scopes.last().map(|scope| &scope.kind),
            Some(ScopeKind::Function { .. })
        )
    }

    fn in_generator_context(&self) -> bool {
        self.inner_to_outer().any(|scope| {
            matches!(
                scope.kind,
                ScopeKind::Comprehension {
                    is_generator: true,
                    ..
                }
            )
        })
    }

    fn in_notebook(&self) -> bool {
        false
    }

    fn report_semantic_error(&self, error: SemanticSyntaxError) {
        self.errors
            .borrow_mut()
            .push((error.to_string(), error.range));
    }

    fn in_loop_context(&self) -> bool {
        self.loops > 0
    }

    fn is_bound_parameter(&self, name: &str) -> bool {
        self.scopes
            .last()
            .is_some_and(|scope| scope.parameters.contains(name))
    }
}
