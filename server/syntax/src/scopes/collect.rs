//! First pass: walk the tree once and note for every scope which names it uses and binds, and how.
//!
//! The walk keeps its own stack, so the depth of the code does not matter. Broken parts of the tree are read as
//! expressions: what stands there is at least looked up.

use super::mangle::mangle;
use super::model::*;
use super::names::Name;
use super::{Rules, flags};
use crate::kinds::{Kind, fields};
use rustc_hash::FxHashMap;
use std::borrow::Cow;
use std::ops::Range;
use tree_sitter::{Node, TreeCursor};
use unicode_normalization::UnicodeNormalization;

/// What the first pass found. `blocks` lie in the order in which their nodes begin, parents first.
pub(super) struct Collected {
    pub(super) names: Vec<Name>,
    pub(super) blocks: Vec<Block>,
    pub(super) flags: FxHashMap<(usize, NameId), u16>,
    pub(super) future_annotations: bool,
}

pub(super) type NameId = u32;

pub(super) struct Block {
    /// The scope, but for what only the second pass knows: symbols and qualified name.
    pub(super) scope: Scope,
    /// The scope's own name as its parent stores it.
    pub(super) stored_name: Option<NameId>,
    /// The names in it, in the order of their first appearance.
    pub(super) names: Vec<NameId>,
    /// The class whose private names are mangled here.
    private: Option<Name>,
    /// How many scopes are around it.
    depth: usize,
}

/// Scopes in scopes that are read. Python takes 100 blocks in blocks; what is deeper is no programme, and naming its
/// scopes would take memory by the square of the depth.
const DEEPEST: usize = 200;

/// What an expression is there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Context {
    Load,
    Store(BindingKind),
    Delete,
    /// A pattern of a `case`.
    Pattern,
}

/// Where in its scope something stands.
#[derive(Debug, Clone, Copy)]
struct Place {
    scope: usize,
    statement: (usize, usize),
    conditional: bool,
}

impl Place {
    fn in_scope(self, scope: usize) -> Place {
        Place { scope, ..self }
    }

    fn body_of(scope: usize, node: Node<'_>) -> Place {
        Place {
            scope,
            statement: (node.start_byte(), node.end_byte()),
            conditional: false,
        }
    }

    fn conditional(self) -> Place {
        Place {
            conditional: true,
            ..self
        }
    }
}

struct Task<'t> {
    node: Node<'t>,
    place: Place,
    context: Context,
}

struct Collector<'t> {
    text: &'t str,
    cursor: TreeCursor<'t>,
    tasks: Vec<Task<'t>>,
    blocks: Vec<Block>,
    names: Vec<Name>,
    numbers: FxHashMap<Name, NameId>,
    flags: FxHashMap<(usize, NameId), u16>,
    hide_annotations: bool,
}

/// Reads the names of the tree at `root`, a module.
pub(super) fn collect(text: &str, root: Node<'_>, rules: Rules) -> Collected {
    let future_annotations = has_future_annotations(text, root);
    let mut collector = Collector {
        text,
        cursor: root.walk(),
        tasks: Vec::new(),
        blocks: Vec::new(),
        names: Vec::new(),
        numbers: FxHashMap::default(),
        flags: FxHashMap::default(),
        hide_annotations: future_annotations && !rules.future_annotations_count,
    };
    let module = collector.open(ScopeKind::Module, "<module>", root, None);
    collector.blocks[module].scope.range = 0..text.len();
    collector.blocks[module].scope.def_range = 0..text.len();
    collector.blocks[module].scope.body_range = 0..text.len();
    collector.push(root, Place::body_of(module, root), Context::Load);
    while let Some(task) = collector.tasks.pop() {
        let mark = collector.tasks.len();
        collector.visit(task);
        // The stack gives back last what was put on first; the walk is to follow the text.
        collector.tasks[mark..].reverse();
    }
    Collected {
        names: collector.names,
        blocks: collector.blocks,
        flags: collector.flags,
        future_annotations,
    }
}

/// `from __future__ import annotations` among the first statements.
fn has_future_annotations(text: &str, root: Node<'_>) -> bool {
    let mut cursor = root.walk();
    let mut names = root.walk();
    root.named_children(&mut cursor)
        .filter(|child| Kind::of(*child) == Kind::FutureImportStatement)
        .any(|import| {
            import
                .children_by_field_id(fields().name, &mut names)
                .any(|name| {
                    let name = match Kind::of(name) {
                        Kind::AliasedImport => {
                            name.child_by_field_id(fields().name.get()).unwrap_or(name)
                        }
                        _ => name,
                    };
                    &text[name.byte_range()] == "annotations"
                })
        })
}

impl<'t> Collector<'t> {
    fn visit(&mut self, task: Task<'t>) {
        let Task {
            node,
            place,
            context,
        } = task;
        let kind = Kind::of(node);
        if self.blocks[place.scope].depth >= DEEPEST && opens_scope(kind) {
            return;
        }
        match kind {
            Kind::Token | Kind::Comment | Kind::KeywordSeparator | Kind::PositionalSeparator => {}
            Kind::Identifier => self.identifier(node, place, context),
            Kind::Module | Kind::Block => self.statements(node, place),
            Kind::FunctionDefinition => self.function(node, node, place),
            Kind::ClassDefinition => self.class(node, node, place),
            Kind::DecoratedDefinition => match node.child_by_field_id(fields().definition.get()) {
                Some(definition) if Kind::of(definition) == Kind::FunctionDefinition => {
                    self.function(definition, node, place)
                }
                Some(definition) if Kind::of(definition) == Kind::ClassDefinition => {
                    self.class(definition, node, place)
                }
                _ => self.push_children(node, place, Context::Load),
            },
            Kind::Lambda => self.lambda(node, place),
            Kind::ListComprehension => self.comprehension(node, "<listcomp>", place),
            Kind::SetComprehension => self.comprehension(node, "<setcomp>", place),
            Kind::DictionaryComprehension => self.comprehension(node, "<dictcomp>", place),
            Kind::GeneratorExpression => self.comprehension(node, "<genexpr>", place),
            Kind::ForInClause => self.for_in(node, place, place),
            Kind::IfStatement
            | Kind::WhileStatement
            | Kind::TryStatement
            | Kind::WithStatement
            | Kind::MatchStatement => {
                self.compound(node, place);
            }
            Kind::ForStatement => self.for_statement(node, place),
            Kind::ExceptClause => self.except(node, place),
            Kind::CaseClause => self.case(node, place),
            Kind::Assignment => self.assignment(node, place),
            Kind::AugmentedAssignment => self.by_field(node, place, |field| match field {
                Some(field) if field == fields().left => {
                    Some(Context::Store(BindingKind::AugAssign))
                }
                _ => Some(Context::Load),
            }),
            Kind::NamedExpression => self.named_expression(node, place),
            Kind::DeleteStatement => self.push_children(node, place, Context::Delete),
            Kind::GlobalStatement => self.declare(node, place, DeclarationKind::Global),
            Kind::NonlocalStatement => self.declare(node, place, DeclarationKind::Nonlocal),
            Kind::ImportStatement | Kind::ImportFromStatement | Kind::FutureImportStatement => {
                self.import(node, place)
            }
            Kind::TypeAliasStatement => self.type_alias(node, place),
            Kind::AsPattern if context == Context::Pattern => self.pattern_alias(node, place),
            Kind::AsPattern => self.as_pattern(node, place, BindingKind::With),
            Kind::Attribute | Kind::MemberType => {
                if let Some(object) = node.named_child(0) {
                    self.push(object, place, Context::Load);
                }
            }
            Kind::Subscript => self.push_children(node, place, Context::Load),
            Kind::KeywordArgument => self.by_field(node, place, |field| {
                if field == Some(fields().name) {
                    None
                } else {
                    Some(Context::Load)
                }
            }),
            Kind::PrintStatement | Kind::ExecStatement => {
                // Python 3 reads `print >>file, x` as an expression over the name `print`.
                if let Some(word) = node.child(0) {
                    self.load(word.byte_range(), place);
                }
                self.push_children(node, place, Context::Load);
            }
            Kind::Yield => {
                self.blocks[place.scope].scope.is_generator = true;
                self.push_children(node, place, Context::Load);
            }
            Kind::Await => {
                if self.blocks[place.scope].scope.kind == ScopeKind::Comprehension {
                    self.blocks[place.scope].scope.is_async = true;
                }
                self.push_children(node, place, Context::Load);
            }
            Kind::DottedName => match context {
                Context::Pattern => self.pattern_name(node, place),
                _ => self.first_child(node, place, context),
            },
            Kind::ClassPattern if context == Context::Pattern => self.class_pattern(node, place),
            Kind::KeywordPattern if context == Context::Pattern => {
                self.push_named(node, 1, place, Context::Pattern)
            }
            Kind::DictPattern if context == Context::Pattern => {
                self.by_field(node, place, |field| match field {
                    Some(field) if field == fields().key => Some(Context::Load),
                    _ => Some(Context::Pattern),
                })
            }
            kind => {
                let inside = match context {
                    Context::Store(_) | Context::Delete if !is_target_list(kind) => Context::Load,
                    context => context,
                };
                self.push_children(node, place, inside);
            }
        }
    }

    fn identifier(&mut self, node: Node<'t>, place: Place, context: Context) {
        match context {
            Context::Load => self.load(node.byte_range(), place),
            Context::Store(kind) => self.bind(node.byte_range(), kind, flags::LOCAL, place),
            Context::Delete => {
                self.bind(node.byte_range(), BindingKind::Delete, flags::LOCAL, place)
            }
            Context::Pattern => {
                if &self.text[node.byte_range()] != "_" {
                    self.bind(node.byte_range(), BindingKind::Match, flags::LOCAL, place);
                }
            }
        }
    }

    fn statements(&mut self, node: Node<'t>, place: Place) {
        let mark = self.tasks.len();
        self.push_children(node, place, Context::Load);
        for task in &mut self.tasks[mark..] {
            if Kind::of(task.node) != Kind::CaseClause {
                task.place.statement = (task.node.start_byte(), task.node.end_byte());
            }
        }
    }

    fn compound(&mut self, node: Node<'t>, place: Place) {
        let mark = self.tasks.len();
        self.push_children(node, place, Context::Load);
        for task in &mut self.tasks[mark..] {
            task.place.conditional |= is_branch(Kind::of(task.node));
        }
    }

    fn for_statement(&mut self, node: Node<'t>, place: Place) {
        let mark = self.tasks.len();
        self.by_field(node, place, |field| match field {
            Some(field) if field == fields().left => Some(Context::Store(BindingKind::For)),
            _ => Some(Context::Load),
        });
        for task in &mut self.tasks[mark..] {
            task.place.conditional |=
                task.context != Context::Load || is_branch(Kind::of(task.node));
        }
    }

    fn except(&mut self, node: Node<'t>, place: Place) {
        for (field, child) in self.children(node) {
            if field == Some(fields().alias) {
                self.push(child, place, Context::Store(BindingKind::Except));
            } else if Kind::of(child) == Kind::AsPattern {
                self.as_pattern(child, place, BindingKind::Except);
            } else {
                self.push(child, place, Context::Load);
            }
        }
    }

    fn as_pattern(&mut self, node: Node<'t>, place: Place, kind: BindingKind) {
        self.by_field(node, place, |field| match field {
            Some(field) if field == fields().alias => Some(Context::Store(kind)),
            _ => Some(Context::Load),
        });
    }

    fn case(&mut self, node: Node<'t>, place: Place) {
        for (_, child) in self.children(node) {
            let context = if Kind::of(child) == Kind::CasePattern {
                Context::Pattern
            } else {
                Context::Load
            };
            self.push(child, place.conditional(), context);
        }
    }

    fn pattern_alias(&mut self, node: Node<'t>, place: Place) {
        self.push_children(node, place, Context::Pattern);
    }

    /// `name` captures, `a.b` is a value that is looked up.
    fn pattern_name(&mut self, node: Node<'t>, place: Place) {
        let context = if node.named_child_count() > 1 {
            Context::Load
        } else {
            Context::Pattern
        };
        self.first_child(node, place, context);
    }

    fn class_pattern(&mut self, node: Node<'t>, place: Place) {
        self.first_child(node, place, Context::Load);
        self.push_named(node, 1, place, Context::Pattern);
    }

    fn assignment(&mut self, node: Node<'t>, place: Place) {
        let annotation = node.child_by_field_id(fields().r#type.get());
        let has_value = node.child_by_field_id(fields().right.get()).is_some();
        for (field, child) in self.children(node) {
            let field = field.unwrap_or(fields().right);
            if field == fields().r#type {
                self.annotation(child, place);
            } else if field != fields().left {
                self.push(child, place, Context::Load);
            } else if annotation.is_none() {
                self.push(child, place, Context::Store(BindingKind::Assign));
            } else if Kind::of(child) == Kind::Identifier {
                let kind = if has_value {
                    BindingKind::AnnAssign
                } else {
                    BindingKind::Annotation
                };
                self.bind(
                    child.byte_range(),
                    kind,
                    flags::LOCAL | flags::ANNOTATED,
                    place,
                );
            } else if let Some(name) = self.parenthesized_name(child) {
                // `(x): int` declares nothing, `(x): int = 1` only assigns.
                if has_value {
                    self.push(name, place, Context::Store(BindingKind::AnnAssign));
                }
            } else {
                self.push(child, place, Context::Store(BindingKind::AnnAssign));
            }
        }
    }

    fn parenthesized_name(&self, mut node: Node<'t>) -> Option<Node<'t>> {
        while matches!(
            Kind::of(node),
            Kind::TuplePattern | Kind::ParenthesizedExpression
        ) && node.named_child_count() == 1
        {
            if (0..node.child_count() as u32)
                .any(|index| node.child(index).is_some_and(|child| child.kind() == ","))
            {
                return None;
            }
            node = node.named_child(0)?;
        }
        (Kind::of(node) == Kind::Identifier).then_some(node)
    }

    /// An annotation: names of the scope around, or under `from __future__ import annotations` of a scope that is never.
    fn annotation(&mut self, node: Node<'t>, place: Place) {
        if !self.hide_annotations {
            return self.push(node, place, Context::Load);
        }
        let scope = self.open(
            ScopeKind::Annotation,
            "<annotation>",
            node,
            Some(place.scope),
        );
        self.blocks[scope].scope.is_detached = true;
        self.push(node, place.in_scope(scope), Context::Load);
    }

    /// `:=` in a comprehension binds in the function or module around it.
    fn named_expression(&mut self, node: Node<'t>, place: Place) {
        for (field, child) in self.children(node) {
            if field != Some(fields().name) {
                self.push(child, place, Context::Load);
                continue;
            }
            let mut target = place.scope;
            while self.blocks[target].scope.kind == ScopeKind::Comprehension {
                match self.blocks[target].scope.parent {
                    Some(parent) => target = parent.0,
                    None => break,
                }
            }
            let range = child.byte_range();
            let name = self.stored(place.scope, &self.text[range.clone()]);
            match self.blocks[target].scope.kind {
                _ if target == place.scope => {
                    self.bind(range, BindingKind::Named, flags::LOCAL, place)
                }
                ScopeKind::Function | ScopeKind::Lambda => {
                    let is_global = self.flags_of(target, name) & flags::GLOBAL != 0;
                    self.mark(
                        place.scope,
                        name,
                        flags::LOCAL
                            | if is_global {
                                flags::GLOBAL
                            } else {
                                flags::NONLOCAL
                            },
                    );
                    self.bind(
                        range,
                        BindingKind::Named,
                        flags::LOCAL,
                        place.in_scope(target),
                    );
                }
                ScopeKind::Module => {
                    self.mark(place.scope, name, flags::LOCAL | flags::GLOBAL);
                    self.bind(
                        range,
                        BindingKind::Named,
                        flags::GLOBAL,
                        place.in_scope(target),
                    );
                }
                // Python refuses it in a class's own comprehension.
                _ => self.bind(range, BindingKind::Named, flags::LOCAL, place),
            }
        }
    }

    fn declare(&mut self, node: Node<'t>, place: Place, kind: DeclarationKind) {
        for (_, child) in self.children(node) {
            if Kind::of(child) != Kind::Identifier || child.byte_range().is_empty() {
                continue;
            }
            let name = self.stored(place.scope, &self.text[child.byte_range()]);
            let flag = match kind {
                DeclarationKind::Global => flags::GLOBAL,
                DeclarationKind::Nonlocal => flags::NONLOCAL,
            };
            self.mark(place.scope, name, flag);
            let declaration = Declaration {
                name: self.names[name as usize].clone(),
                kind,
                range: child.byte_range(),
            };
            self.blocks[place.scope]
                .scope
                .declarations
                .push(declaration);
        }
    }

    fn import(&mut self, node: Node<'t>, place: Place) {
        for (field, child) in self.children(node) {
            let bound = match Kind::of(child) {
                Kind::WildcardImport => {
                    self.blocks[place.scope].scope.has_star_import = true;
                    None
                }
                Kind::AliasedImport => child.child_by_field_id(fields().alias.get()),
                Kind::DottedName if field == Some(fields().name) => child.named_child(0),
                _ => None,
            };
            if let Some(name) = bound {
                self.bind(name.byte_range(), BindingKind::Import, flags::IMPORT, place);
            }
        }
    }

    fn type_alias(&mut self, node: Node<'t>, place: Place) {
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
    fn type_call(&mut self, node: Node<'t>, place: Place) {
        if let Some(word) = node.child(0) {
            self.load(word.byte_range(), place);
        }
        self.push_children(node, place, Context::Load);
    }

    fn type_parameters(&mut self, node: Node<'t>, place: Place) {
        for (_, child) in self.children(node) {
            self.type_parameter(child, place);
        }
    }

    fn type_parameter(&mut self, mut node: Node<'t>, place: Place) {
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
    fn function(&mut self, node: Node<'t>, whole: Node<'t>, place: Place) {
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

    fn class(&mut self, node: Node<'t>, whole: Node<'t>, place: Place) {
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

    fn decorators(
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

    fn lambda(&mut self, node: Node<'t>, place: Place) {
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
    fn parameters(&mut self, node: Node<'t>, scope: usize, outer: Place, header: Place) {
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

    fn comprehension(&mut self, node: Node<'t>, name: &str, place: Place) {
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

    fn for_in(&mut self, node: Node<'t>, target: Place, iterable: Place) {
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

    fn open(
        &mut self,
        kind: ScopeKind,
        name: &str,
        node: Node<'t>,
        parent: Option<usize>,
    ) -> usize {
        let range = node.byte_range();
        let scope = Scope {
            kind,
            name: Name::new(&normal(name)),
            qualname: String::new(),
            parent: parent.map(ScopeId),
            children: Vec::new(),
            range: range.clone(),
            def_range: range.clone(),
            name_range: range.start..range.start,
            body_range: range,
            is_async: false,
            is_generator: false,
            is_detached: parent.is_some_and(|parent| self.blocks[parent].scope.is_detached),
            has_star_import: false,
            parameters: Vec::new(),
            decorators: Vec::new(),
            symbols: Symbols::default(),
            bindings: Vec::new(),
            declarations: Vec::new(),
            references: Vec::new(),
        };
        let depth = parent.map_or(0, |parent| self.blocks[parent].depth + 1);
        let private = parent.and_then(|parent| self.blocks[parent].private.clone());
        self.blocks.push(Block {
            scope,
            stored_name: None,
            names: Vec::new(),
            private,
            depth,
        });
        let number = self.blocks.len() - 1;
        if let Some(parent) = parent {
            self.blocks[parent].scope.children.push(ScopeId(number));
        }
        number
    }

    fn load(&mut self, range: Range<usize>, place: Place) {
        if range.is_empty() {
            return;
        }
        let text = &self.text[range.clone()];
        let name = self.stored(place.scope, text);
        self.mark(place.scope, name, flags::USE);
        let in_function = matches!(
            self.blocks[place.scope].scope.kind,
            ScopeKind::Function | ScopeKind::Lambda | ScopeKind::Comprehension
        );
        if text == "super" && in_function {
            let class = self.number("__class__");
            self.mark(place.scope, class, flags::USE);
        }
        let name = self.names[name as usize].clone();
        self.blocks[place.scope]
            .scope
            .references
            .push(Reference { name, range });
    }

    fn bind(&mut self, range: Range<usize>, kind: BindingKind, bits: u16, place: Place) {
        if range.is_empty() {
            return;
        }
        let name = self.stored(place.scope, &self.text[range.clone()]);
        self.mark(place.scope, name, bits);
        self.blocks[place.scope].scope.bindings.push(Binding {
            name: self.names[name as usize].clone(),
            kind,
            range,
            statement: place.statement.0..place.statement.1,
            is_conditional: place.conditional,
        });
    }

    /// The number of a name as CPython stores it in this scope.
    fn stored(&mut self, scope: usize, written: &str) -> NameId {
        let normal = normal(written);
        let mangled = mangle(self.blocks[scope].private.as_deref(), &normal);
        self.number(&mangled)
    }

    fn number(&mut self, name: &str) -> NameId {
        match self.numbers.get(name) {
            Some(number) => *number,
            None => self.add_name(name),
        }
    }

    fn add_name(&mut self, name: &str) -> NameId {
        let number = self.names.len() as NameId;
        let name = Name::new(name);
        self.names.push(name.clone());
        self.numbers.insert(name, number);
        number
    }

    fn flags_of(&self, scope: usize, name: NameId) -> u16 {
        self.flags.get(&(scope, name)).copied().unwrap_or(0)
    }

    fn mark(&mut self, scope: usize, name: NameId, bits: u16) {
        let known = self.flags.entry((scope, name)).or_insert(0);
        if *known == 0 {
            self.blocks[scope].names.push(name);
        }
        *known |= bits;
    }

    fn push(&mut self, node: Node<'t>, place: Place, context: Context) {
        self.tasks.push(Task {
            node,
            place,
            context,
        });
    }

    fn push_children(&mut self, node: Node<'t>, place: Place, context: Context) {
        self.push_named(node, 0, place, context);
    }

    /// The named children from the one with the number `skip` on.
    fn push_named(&mut self, node: Node<'t>, skip: usize, place: Place, context: Context) {
        self.cursor.reset(node);
        if !self.cursor.goto_first_child() {
            return;
        }
        let mut seen = 0;
        loop {
            let child = self.cursor.node();
            if child.is_named() && Kind::of(child) != Kind::Comment {
                if seen >= skip && self.may_hold_names(child) {
                    self.tasks.push(Task {
                        node: child,
                        place,
                        context,
                    });
                }
                seen += 1;
            }
            if !self.cursor.goto_next_sibling() {
                return;
            }
        }
    }

    /// Numbers, plain strings and the like are most of a tree; there is nothing in them to visit.
    fn may_hold_names(&self, node: Node<'t>) -> bool {
        match Kind::of(node) {
            Kind::String => {
                let prefix = self.text.as_bytes()[node.byte_range()]
                    .iter()
                    .take_while(|byte| byte.is_ascii_alphabetic());
                prefix
                    .into_iter()
                    .any(|byte| matches!(byte.to_ascii_lowercase(), b'f' | b't'))
            }
            Kind::Other => node.child_count() > 0,
            _ => true,
        }
    }

    fn first_child(&mut self, node: Node<'t>, place: Place, context: Context) {
        if let Some(child) = node.named_child(0) {
            self.push(child, place, context);
        }
    }

    fn by_field(
        &mut self,
        node: Node<'t>,
        place: Place,
        context: impl Fn(Option<Field>) -> Option<Context>,
    ) {
        for (field, child) in self.children(node) {
            if let Some(context) = context(field) {
                self.push(child, place, context);
            }
        }
    }

    /// The named children with their fields, without comments.
    fn children(&mut self, node: Node<'t>) -> Vec<(Option<Field>, Node<'t>)> {
        let mut children = Vec::new();
        self.cursor.reset(node);
        if !self.cursor.goto_first_child() {
            return children;
        }
        loop {
            let child = self.cursor.node();
            if child.is_named() && Kind::of(child) != Kind::Comment {
                children.push((self.cursor.field_id(), child));
            }
            if !self.cursor.goto_next_sibling() {
                return children;
            }
        }
    }
}

/// Two spellings of a name that Python takes for the same are made one (PEP 3131: NFKC).
fn normal(written: &str) -> Cow<'_, str> {
    if written.is_ascii() {
        Cow::Borrowed(written)
    } else {
        Cow::Owned(written.nfkc().collect())
    }
}

type Field = std::num::NonZeroU16;

/// Nodes whose parts are targets when they are targets themselves.
fn is_target_list(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Tuple
            | Kind::List
            | Kind::PatternList
            | Kind::TuplePattern
            | Kind::ListPattern
            | Kind::ListSplat
            | Kind::ListSplatPattern
            | Kind::DictionarySplatPattern
            | Kind::ParenthesizedExpression
            | Kind::ExpressionList
            | Kind::AsPatternTarget
    )
}

/// Nodes that have a scope of their own.
fn opens_scope(kind: Kind) -> bool {
    kind.is_comprehension()
        || matches!(
            kind,
            Kind::FunctionDefinition
                | Kind::ClassDefinition
                | Kind::DecoratedDefinition
                | Kind::Lambda
        )
}

/// Parts of a compound statement that may not run.
fn is_branch(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Block
            | Kind::ElifClause
            | Kind::ElseClause
            | Kind::ExceptClause
            | Kind::FinallyClause
            | Kind::CaseClause
    )
}
