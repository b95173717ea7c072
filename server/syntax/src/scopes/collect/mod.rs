//! First pass: walk the tree once and note for every scope which names it uses and binds, and how.
//!
//! The walk keeps its own stack, so the depth of the code does not matter. Broken parts of the tree are read as
//! expressions: what stands there is at least looked up.

mod definitions;
mod statements;

use super::flags;
use super::mangle::mangle;
use super::model::*;
use super::names::Name;
use crate::kinds::{Kind, fields};
use rustc_hash::FxHashMap;
use std::borrow::Cow;
use std::ops::Range;
use tree_sitter::{Node, TreeCursor};
use unicode_normalization::UnicodeNormalization;

/// What the first pass found in one piece of a module. `blocks` lie in the order in which their nodes begin, parents first;
/// the first is the module's own, as far as it is in this piece.
pub(super) struct Collected {
    pub(super) names: Vec<Name>,
    pub(super) blocks: Vec<Block>,
    pub(super) flags: FxHashMap<(usize, NameId), u16>,
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
    piece: u32,
    cursor: TreeCursor<'t>,
    tasks: Vec<Task<'t>>,
    blocks: Vec<Block>,
    names: Vec<Name>,
    numbers: FxHashMap<Name, NameId>,
    flags: FxHashMap<(usize, NameId), u16>,
    hide_annotations: bool,
}

/// Reads the names of `nodes`, the statements of one piece of a module. Each is a statement of its own, unless `around` is
/// what takes the place of all of them in a text that is no module to the grammar.
pub(super) fn collect<'t>(
    text: &'t str,
    piece: u32,
    nodes: &[Node<'t>],
    around: Option<Node<'t>>,
    hide_annotations: bool,
) -> Collected {
    let mut collected = Collected {
        names: Vec::new(),
        blocks: Vec::new(),
        flags: FxHashMap::default(),
    };
    let Some(first) = nodes.first() else {
        return collected;
    };
    let mut collector = Collector {
        text,
        piece,
        cursor: first.walk(),
        tasks: Vec::new(),
        blocks: Vec::new(),
        names: Vec::new(),
        numbers: FxHashMap::default(),
        flags: FxHashMap::default(),
        hide_annotations,
    };
    let module = collector.open(ScopeKind::Module, "<module>", *first, None);
    for node in nodes.iter().rev() {
        if collector.may_hold_names(*node) {
            let place = Place::body_of(module, around.unwrap_or(*node));
            collector.push(*node, place, Context::Load);
        }
    }
    while let Some(task) = collector.tasks.pop() {
        let mark = collector.tasks.len();
        collector.visit(task);
        // The stack gives back last what was put on first; the walk is to follow the text.
        collector.tasks[mark..].reverse();
    }
    collected.names = collector.names;
    collected.blocks = collector.blocks;
    collected.flags = collector.flags;
    collected
}

/// Is `node` a `from __future__ import annotations`?
pub(super) fn is_future_annotations(text: &str, node: Node<'_>) -> bool {
    if Kind::of(node) != Kind::FutureImportStatement {
        return false;
    }
    let mut cursor = node.walk();
    node.children_by_field_id(fields().name, &mut cursor)
        .any(|name| {
            let name = match Kind::of(name) {
                Kind::AliasedImport => name.child_by_field_id(fields().name.get()).unwrap_or(name),
                _ => name,
            };
            &text[name.byte_range()] == "annotations"
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
            Kind::Block => self.statements(node, place),
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
            parent: parent.map(|parent| self.id(parent)),
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
            let id = self.id(number);
            self.blocks[parent].scope.children.push(id);
        }
        number
    }

    fn id(&self, number: usize) -> ScopeId {
        match number {
            0 => ScopeId::MODULE,
            _ => ScopeId {
                piece: self.piece,
                number: number as u32,
            },
        }
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
