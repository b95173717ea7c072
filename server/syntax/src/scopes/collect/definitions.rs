//! What opens a scope: functions, classes, lambdas, comprehensions, type parameters.

use super::notes::normal;
use super::{Place, Walk, bytes};
use crate::scopes::flags;
use crate::scopes::model::*;
use crate::scopes::names::Name;
use ruff_python_ast::visitor::source_order::SourceOrderVisitor;
use ruff_python_ast::{
    Comprehension, Decorator, Expr, ExprLambda, Identifier, Parameter as StrictParameter,
    ParameterWithDefault, Parameters, Stmt, StmtClassDef, StmtFunctionDef, StmtTypeAlias,
    TypeParam, TypeParams,
};
use std::ops::Range;

impl Walk<'_> {
    pub(super) fn function(&mut self, definition: &StmtFunctionDef) {
        if self.is_too_deep() {
            return;
        }
        let whole = bytes(definition);
        let place = self.place;
        let (stored_name, header) = self.header(
            &definition.name,
            BindingKind::Def,
            definition.type_params.as_deref(),
            &whole,
            None,
        );
        let range = self.keyword(&definition.decorator_list, &whole)..whole.end;
        let written = self.written(&definition.name);
        let parent = Some(header.scope);
        let scope = self
            .notes
            .open(ScopeKind::Function, &written, range, parent);
        let body = body_range(&definition.body, whole.end);
        let block = &mut self.notes.blocks[scope];
        block.stored_name = Some(stored_name);
        block.scope.range = whole;
        block.scope.decorators = definition.decorator_list.iter().map(bytes).collect();
        block.scope.is_async = definition.is_async;
        block.scope.name_range = bytes(&definition.name);
        block.scope.body_range = body.clone();
        self.decorators(&definition.decorator_list);
        self.type_parameters(definition.type_params.as_deref(), header);
        self.parameters(&definition.parameters, scope, place, header);
        if let Some(returns) = &definition.returns {
            self.annotation(returns, header);
        }
        self.within(Place::body_of(scope, body), |walk| {
            walk.visit_body(&definition.body);
        });
    }

    pub(super) fn class(&mut self, definition: &StmtClassDef) {
        if self.is_too_deep() {
            return;
        }
        let whole = bytes(definition);
        let written = Name::new(&self.written(&definition.name));
        let (stored_name, header) = self.header(
            &definition.name,
            BindingKind::Class,
            definition.type_params.as_deref(),
            &whole,
            Some(&written),
        );
        let range = self.keyword(&definition.decorator_list, &whole)..whole.end;
        let parent = Some(header.scope);
        let scope = self.notes.open(ScopeKind::Class, &written, range, parent);
        let body = body_range(&definition.body, whole.end);
        let block = &mut self.notes.blocks[scope];
        block.private = Some(written);
        block.stored_name = Some(stored_name);
        block.scope.range = whole;
        block.scope.decorators = definition.decorator_list.iter().map(bytes).collect();
        block.scope.name_range = bytes(&definition.name);
        block.scope.body_range = body.clone();
        self.decorators(&definition.decorator_list);
        self.type_parameters(definition.type_params.as_deref(), header);
        if let Some(arguments) = &definition.arguments {
            self.within(header, |walk| walk.visit_arguments(arguments));
        }
        self.within(Place::body_of(scope, body), |walk| {
            walk.visit_body(&definition.body);
        });
    }

    /// Binds the name of a definition, and opens the scope of its type parameters if there are any: where its header is read.
    fn header(
        &mut self,
        name: &Identifier,
        kind: BindingKind,
        parameters: Option<&TypeParams>,
        whole: &Range<usize>,
        class: Option<&Name>,
    ) -> (super::NameId, Place) {
        let place = self.place;
        let stored = self
            .notes
            .stored(place.scope, &self.notes.piece.text[bytes(name)]);
        self.notes.bind(bytes(name), kind, flags::LOCAL, place);
        if parameters.is_none() {
            return (stored, place);
        }
        let scope = self.open_type_parameters(whole.clone(), place);
        if let Some(class) = class {
            self.notes.blocks[scope].private = Some(class.clone());
        }
        (stored, place.in_scope(scope))
    }

    fn open_type_parameters(&mut self, range: Range<usize>, place: Place) -> usize {
        let name = "<type parameters>";
        self.notes
            .open(ScopeKind::TypeParameters, name, range, Some(place.scope))
    }

    fn written(&self, name: &Identifier) -> String {
        normal(&self.notes.piece.text[bytes(name)]).into_owned()
    }

    /// Where the keyword of a definition stands, behind its decorators.
    fn keyword(&self, decorators: &[Decorator], whole: &Range<usize>) -> usize {
        let Some(last) = decorators.last() else {
            return whole.start;
        };
        let mut at = bytes(last).end;
        loop {
            let rest = self.notes.piece.text.get(at..whole.end).unwrap_or_default();
            let code = rest.trim_start_matches(|c: char| c.is_whitespace() || c == '\\');
            at = whole.end - code.len();
            if !code.starts_with('#') {
                return at;
            }
            at += code.find(['\n', '\r']).unwrap_or(code.len());
        }
    }

    fn decorators(&mut self, decorators: &[Decorator]) {
        for decorator in decorators {
            self.visit_expr(&decorator.expression);
        }
    }

    pub(super) fn type_alias(&mut self, alias: &StmtTypeAlias) {
        let place = self.place;
        let mut inside = place;
        if alias.type_params.is_some() {
            inside = place.in_scope(self.open_type_parameters(bytes(alias), place));
            self.type_parameters(alias.type_params.as_deref(), inside);
        }
        self.target(&alias.name, BindingKind::TypeAlias);
        self.lazily("<type alias>", &alias.value, inside);
    }

    /// An expression with a scope of its own that is evaluated when somebody asks.
    fn lazily(&mut self, name: &str, expression: &Expr, place: Place) {
        let range = bytes(expression);
        let scope = self
            .notes
            .open(ScopeKind::Annotation, name, range, Some(place.scope));
        self.within(place.in_scope(scope), |walk| walk.visit_expr(expression));
    }

    fn type_parameters(&mut self, parameters: Option<&TypeParams>, place: Place) {
        for parameter in parameters.into_iter().flat_map(|all| all.iter()) {
            let (name, bound, default) = match parameter {
                TypeParam::TypeVar(plain) => (&plain.name, plain.bound.as_deref(), &plain.default),
                TypeParam::TypeVarTuple(tuple) => (&tuple.name, None, &tuple.default),
                TypeParam::ParamSpec(spec) => (&spec.name, None, &spec.default),
            };
            let bits = flags::LOCAL | flags::TYPE_PARAMETER;
            self.notes
                .bind(bytes(name), BindingKind::TypeParameter, bits, place);
            if let Some(bound) = bound {
                self.lazily("<type bound>", bound, place);
            }
            if let Some(default) = default {
                self.lazily("<type default>", default, place);
            }
        }
    }

    pub(super) fn lambda(&mut self, lambda: &ExprLambda) {
        if self.is_too_deep() {
            return;
        }
        let place = self.place;
        let whole = bytes(lambda);
        let scope = self.notes.open(
            ScopeKind::Lambda,
            "<lambda>",
            whole.clone(),
            Some(place.scope),
        );
        if let Some(parameters) = &lambda.parameters {
            self.parameters(parameters, scope, place, place);
        }
        let body = self.with_parentheses(bytes(&*lambda.body), whole);
        self.notes.blocks[scope].scope.body_range = body.clone();
        self.within(Place::body_of(scope, body), |walk| {
            walk.visit_expr(&lambda.body);
        });
    }

    /// Defaults are read in the scope around (`outer`), annotations in `header`, which is the type parameters' if any.
    fn parameters(&mut self, parameters: &Parameters, scope: usize, outer: Place, header: Place) {
        let inside = Place::body_of(scope, bytes(parameters));
        let mut one = |kind, parameter: &StrictParameter, whole: Option<&ParameterWithDefault>| {
            let name = bytes(&parameter.name);
            self.notes.bind(
                name.clone(),
                BindingKind::Parameter,
                flags::PARAMETER,
                inside,
            );
            let annotation = parameter.annotation.as_deref();
            let default = whole.and_then(|whole| Some((whole, whole.default.as_deref()?)));
            let whole_range = whole.map_or(bytes(parameter), bytes);
            let before_annotation = name.end..whole_range.end;
            let model = Parameter {
                name: Name::new(&normal(&self.notes.piece.text[name.clone()])),
                kind,
                has_default: default.is_some(),
                range: name,
                annotation: annotation
                    .map(|annotation| self.with_parentheses(bytes(annotation), before_annotation)),
                default: default.map(|(whole, default)| {
                    let limits = bytes(&whole.parameter).end..whole_range.end;
                    self.with_parentheses(bytes(default), limits)
                }),
            };
            self.notes.blocks[scope].scope.parameters.push(model);
            if let Some(annotation) = annotation {
                self.annotation(annotation, header);
            }
            if let Some((_, default)) = default {
                self.within(outer, |walk| walk.visit_expr(default));
            }
        };
        for whole in &parameters.posonlyargs {
            one(ParameterKind::PositionalOnly, &whole.parameter, Some(whole));
        }
        for whole in &parameters.args {
            one(ParameterKind::Positional, &whole.parameter, Some(whole));
        }
        if let Some(rest) = &parameters.vararg {
            one(ParameterKind::VarPositional, rest, None);
        }
        for whole in &parameters.kwonlyargs {
            one(ParameterKind::KeywordOnly, &whole.parameter, Some(whole));
        }
        if let Some(rest) = &parameters.kwarg {
            one(ParameterKind::VarKeyword, rest, None);
        }
    }

    pub(super) fn comprehension(
        &mut self,
        name: &str,
        range: Range<usize>,
        elements: &[&Expr],
        generators: &[Comprehension],
    ) {
        if self.is_too_deep() {
            return;
        }
        let place = self.place;
        let parent = Some(place.scope);
        let scope = self
            .notes
            .open(ScopeKind::Comprehension, name, range, parent);
        self.notes.blocks[scope].scope.is_generator = name == "<genexpr>";
        self.within(place.in_scope(scope), |walk| {
            for element in elements {
                walk.visit_expr(element);
            }
            for (number, generator) in generators.iter().enumerate() {
                walk.notes.blocks[scope].scope.is_async |= generator.is_async;
                walk.target(&generator.target, BindingKind::For);
                // The outermost iterable is read in the scope around.
                let iterable = if number == 0 { place } else { walk.place };
                walk.within(iterable, |walk| walk.visit_expr(&generator.iter));
                for condition in &generator.ifs {
                    walk.visit_expr(condition);
                }
            }
        });
    }
}

/// The range of a definition's statements; its end when it has none.
fn body_range(body: &[Stmt], end: usize) -> Range<usize> {
    match (body.first(), body.last()) {
        (Some(first), Some(last)) => bytes(first).start..bytes(last).end,
        _ => end..end,
    }
}
