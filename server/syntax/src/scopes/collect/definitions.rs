//! What opens a scope: functions, classes, lambdas, comprehensions, type parameters.

use super::{Collector, Context, Place, flags, normal};
use crate::kinds::{Kind, fields};
use crate::scopes::model::*;
use crate::scopes::names::Name;
use std::ops::Range;
use tree_sitter::Node;

impl<'t> Collector<'t> {
    pub(super) fn type_alias(&mut self, node: Node<'t>, place: Place) {
        let (Some(left), Some(right)) = (
            node.child_by_field_id(fields().left.get()),
            node.child_by_field_id(fields().right.get()),
        ) else {
            return self.push_children(node, place, Context::Load);
        };
        let mut inside = place.scope;
        let mut target = left;
        while Kind::of(target) == Kind::Type
            && let Some(child) = target.named_child(0)
        {
            target = child;
        }
        if Kind::of(target) == Kind::GenericType
            && let (Some(name), Some(parameters)) = (target.named_child(0), target.named_child(1))
        {
            target = name;
            inside = self.open(
                ScopeKind::TypeParameters,
                "<type parameters>",
                node,
                Some(place.scope),
            );
            self.type_parameters(parameters, place.in_scope(inside));
        } else if Kind::of(target) == Kind::Subscript
            && target
                .named_child(0)
                .is_some_and(|name| Kind::of(name) == Kind::Identifier)
        {
            let children = self.children(target);
            if let Some((_, name)) = children.first() {
                target = *name;
            }
            inside = self.open(
                ScopeKind::TypeParameters,
                "<type parameters>",
                node,
                Some(place.scope),
            );
            for (_, parameter) in children.into_iter().skip(1) {
                self.type_parameter(parameter, place.in_scope(inside));
            }
        }
        if Kind::of(target) != Kind::Identifier {
            return self.type_call(node, place);
        }
        self.push(target, place, Context::Store(BindingKind::TypeAlias));
        let value = self.open(ScopeKind::Annotation, "<type alias>", right, Some(inside));
        self.push(right, place.in_scope(value), Context::Load);
    }

    /// `type(x).y = z` looks like a type alias to the grammar.
    pub(super) fn type_call(&mut self, node: Node<'t>, place: Place) {
        if let Some(word) = node.child(0) {
            self.load(word.byte_range(), place);
        }
        self.push_children(node, place, Context::Load);
    }

    pub(super) fn type_parameters(&mut self, node: Node<'t>, place: Place) {
        for (_, child) in self.children(node) {
            self.type_parameter(child, place);
        }
    }

    pub(super) fn type_parameter(&mut self, mut node: Node<'t>, place: Place) {
        while Kind::of(node) == Kind::Type
            && let Some(child) = node.named_child(0)
        {
            node = child;
        }
        match Kind::of(node) {
            Kind::Identifier => {
                self.bind(
                    node.byte_range(),
                    BindingKind::TypeParameter,
                    flags::LOCAL | flags::TYPE_PARAMETER,
                    place,
                );
            }
            Kind::SplatType
            | Kind::ListSplat
            | Kind::ListSplatPattern
            | Kind::DictionarySplatPattern => {
                if let Some(name) = node.named_child(0) {
                    self.bind(
                        name.byte_range(),
                        BindingKind::TypeParameter,
                        flags::LOCAL | flags::TYPE_PARAMETER,
                        place,
                    );
                }
            }
            Kind::ConstrainedType => {
                let mut children = self.children(node).into_iter();
                if let Some((_, name)) = children.next() {
                    let mut name = name;
                    while Kind::of(name) == Kind::Type
                        && let Some(child) = name.named_child(0)
                    {
                        name = child;
                    }
                    let bits = flags::LOCAL | flags::TYPE_PARAMETER;
                    self.bind(name.byte_range(), BindingKind::TypeParameter, bits, place);
                }
                for (_, bound) in children {
                    let scope = self.open(
                        ScopeKind::Annotation,
                        "<type bound>",
                        bound,
                        Some(place.scope),
                    );
                    self.push(bound, place.in_scope(scope), Context::Load);
                }
            }
            _ => self.push(node, place, Context::Load),
        }
    }

    /// `node` is the definition, `whole` has its decorators, too.
    pub(super) fn function(&mut self, node: Node<'t>, whole: Node<'t>, place: Place) {
        let decorators = self.decorators(whole, node, place);
        let name = node.child_by_field_id(fields().name.get());
        let mut header = place;
        let mut stored_name = None;
        if let Some(name) = name {
            stored_name = Some(self.stored(place.scope, &self.text[name.byte_range()]));
            self.bind(name.byte_range(), BindingKind::Def, flags::LOCAL, place);
        }
        if let Some(parameters) = node.child_by_field_id(fields().type_parameters.get()) {
            header.scope = self.open(
                ScopeKind::TypeParameters,
                "<type parameters>",
                whole,
                Some(place.scope),
            );
            self.type_parameters(parameters, header);
        }
        let written = name.map_or("", |name| &self.text[name.byte_range()]);
        let scope = self.open(ScopeKind::Function, written, node, Some(header.scope));
        let is_async = node.child(0).is_some_and(|first| first.kind() == "async");
        let block = &mut self.blocks[scope];
        block.stored_name = stored_name;
        block.scope.range = whole.byte_range();
        block.scope.decorators = decorators;
        block.scope.is_async = is_async;
        if let Some(name) = name {
            block.scope.name_range = name.byte_range();
        }
        for (field, child) in self.children(node) {
            match field {
                Some(field) if field == fields().name || field == fields().type_parameters => {}
                Some(field) if field == fields().parameters => {
                    self.parameters(child, scope, place, header)
                }
                Some(field) if field == fields().return_type => self.annotation(child, header),
                Some(field) if field == fields().body => {
                    self.blocks[scope].scope.body_range = child.byte_range();
                    self.push(child, Place::body_of(scope, child), Context::Load);
                }
                _ => self.push(child, place, Context::Load),
            }
        }
    }

    pub(super) fn class(&mut self, node: Node<'t>, whole: Node<'t>, place: Place) {
        let decorators = self.decorators(whole, node, place);
        let name = node.child_by_field_id(fields().name.get());
        let mut header = place;
        let mut stored_name = None;
        if let Some(name) = name {
            stored_name = Some(self.stored(place.scope, &self.text[name.byte_range()]));
            self.bind(name.byte_range(), BindingKind::Class, flags::LOCAL, place);
        }
        let written = Name::new(&normal(
            name.map_or("", |name| &self.text[name.byte_range()]),
        ));
        if let Some(parameters) = node.child_by_field_id(fields().type_parameters.get()) {
            header.scope = self.open(
                ScopeKind::TypeParameters,
                "<type parameters>",
                whole,
                Some(place.scope),
            );
            self.blocks[header.scope].private = Some(written.clone());
            self.type_parameters(parameters, header);
        }
        let scope = self.open(ScopeKind::Class, &written, node, Some(header.scope));
        let block = &mut self.blocks[scope];
        block.private = Some(written);
        block.stored_name = stored_name;
        block.scope.range = whole.byte_range();
        block.scope.decorators = decorators;
        if let Some(name) = name {
            block.scope.name_range = name.byte_range();
        }
        for (field, child) in self.children(node) {
            match field {
                Some(field) if field == fields().name || field == fields().type_parameters => {}
                Some(field) if field == fields().body => {
                    self.blocks[scope].scope.body_range = child.byte_range();
                    self.push(child, Place::body_of(scope, child), Context::Load);
                }
                _ => self.push(child, header, Context::Load),
            }
        }
    }

    pub(super) fn decorators(
        &mut self,
        whole: Node<'t>,
        definition: Node<'t>,
        place: Place,
    ) -> Vec<Range<usize>> {
        let mut ranges = Vec::new();
        if whole == definition {
            return ranges;
        }
        for (_, child) in self.children(whole) {
            if child == definition {
                continue;
            }
            if Kind::of(child) == Kind::Decorator {
                ranges.push(child.byte_range());
            }
            self.push(child, place, Context::Load);
        }
        ranges
    }

    pub(super) fn lambda(&mut self, node: Node<'t>, place: Place) {
        let scope = self.open(ScopeKind::Lambda, "<lambda>", node, Some(place.scope));
        for (field, child) in self.children(node) {
            match field {
                Some(field) if field == fields().parameters => {
                    self.parameters(child, scope, place, place)
                }
                Some(field) if field == fields().body => {
                    self.blocks[scope].scope.body_range = child.byte_range();
                    self.push(child, Place::body_of(scope, child), Context::Load);
                }
                _ => self.push(child, place, Context::Load),
            }
        }
    }

    /// Defaults are read in the scope around (`outer`), annotations in `header`, which is the type parameters' if any.
    pub(super) fn parameters(&mut self, node: Node<'t>, scope: usize, outer: Place, header: Place) {
        let inside = Place::body_of(scope, node);
        let mut keyword_only = false;
        for (_, child) in self.children(node) {
            let default = child.child_by_field_id(fields().value.get());
            let annotation = child.child_by_field_id(fields().r#type.get());
            let target = match Kind::of(child) {
                Kind::PositionalSeparator => {
                    for parameter in &mut self.blocks[scope].scope.parameters {
                        parameter.kind = ParameterKind::PositionalOnly;
                    }
                    continue;
                }
                Kind::KeywordSeparator => {
                    keyword_only = true;
                    continue;
                }
                Kind::TypedParameter => child.named_child(0),
                Kind::DefaultParameter | Kind::TypedDefaultParameter => {
                    child.child_by_field_id(fields().name.get())
                }
                Kind::Comment => continue,
                _ => Some(child),
            };
            let Some(target) = target else { continue };
            let kind = match Kind::of(target) {
                Kind::ListSplatPattern => {
                    keyword_only = true;
                    ParameterKind::VarPositional
                }
                Kind::DictionarySplatPattern => ParameterKind::VarKeyword,
                _ if keyword_only => ParameterKind::KeywordOnly,
                _ => ParameterKind::Positional,
            };
            let name = match Kind::of(target) {
                Kind::Identifier => Some(target),
                Kind::ListSplatPattern | Kind::DictionarySplatPattern => target.named_child(0),
                _ => None,
            };
            match name.filter(|name| Kind::of(*name) == Kind::Identifier) {
                Some(name) => {
                    self.bind(
                        name.byte_range(),
                        BindingKind::Parameter,
                        flags::PARAMETER,
                        inside,
                    );
                    self.blocks[scope].scope.parameters.push(Parameter {
                        name: Name::new(&normal(&self.text[name.byte_range()])),
                        kind,
                        has_default: default.is_some(),
                        range: name.byte_range(),
                        annotation: annotation.map(|node| node.byte_range()),
                        default: default.map(|node| node.byte_range()),
                    });
                }
                None => self.push(target, outer, Context::Load),
            }
            if let Some(annotation) = annotation {
                self.annotation(annotation, header);
            }
            if let Some(default) = default {
                self.push(default, outer, Context::Load);
            }
        }
    }

    pub(super) fn comprehension(&mut self, node: Node<'t>, name: &str, place: Place) {
        let scope = self.open(ScopeKind::Comprehension, name, node, Some(place.scope));
        self.blocks[scope].scope.is_generator = Kind::of(node) == Kind::GeneratorExpression;
        let inside = Place { scope, ..place };
        let mut first = true;
        for (_, child) in self.children(node) {
            if Kind::of(child) == Kind::ForInClause {
                // The outermost iterable is read in the scope around.
                self.for_in(child, inside, if first { place } else { inside });
                first = false;
            } else {
                self.push(child, inside, Context::Load);
            }
        }
    }

    pub(super) fn for_in(&mut self, node: Node<'t>, target: Place, iterable: Place) {
        if node.child(0).is_some_and(|first| first.kind() == "async") {
            self.blocks[target.scope].scope.is_async |=
                self.blocks[target.scope].scope.kind == ScopeKind::Comprehension;
        }
        for (field, child) in self.children(node) {
            if field == Some(fields().left) {
                self.push(child, target, Context::Store(BindingKind::For));
            } else {
                self.push(child, iterable, Context::Load);
            }
        }
    }
}
