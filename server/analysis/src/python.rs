//! The strict parser's tree, behind one door.
//!
//! The live buffer's tree mends broken code; a slice is cut from the tree of the strict parser, which is right about every
//! statement of a text that it accepts. Names always come from [`hoist_syntax::Scopes`]; the two meet by byte offsets.

use std::ops::Range;
use std::sync::Arc;

use hoist_syntax::strict::{self, SyntaxError};
use hoist_syntax::{Document, Scopes};
pub(crate) use ruff_python_ast as ast;
use ruff_python_ast::visitor::source_order::{SourceOrderVisitor, TraversalSignal, walk_node};
use ruff_python_ast::visitor::{Visitor, walk_expr};
use ruff_python_ast::{AnyNodeRef, Expr, ModModule, Stmt};
use ruff_text_size::Ranged;

use crate::uses::Uses;

/// A text that Python accepts, with its statements and names.
pub(crate) struct Source {
    pub(crate) document: Document,
    pub(crate) scopes: Arc<Scopes>,
    pub(crate) uses: Uses,
    module: Arc<ModModule>,
    /// As it is written, when main blocks of `module` are opened.
    written: Option<Arc<ModModule>>,
}

impl Source {
    /// Parses afresh; the first error when Python would not accept the text.
    pub(crate) fn parse(text: &str) -> Result<Source, SyntaxError> {
        Source::of(&Document::new(text.to_owned()))
    }

    /// Takes the tree and the names of a document that is there already.
    pub(crate) fn of(document: &Document) -> Result<Source, SyntaxError> {
        let module = document.module()?;
        let document = document.clone();
        let scopes = document.scopes();
        let uses = Uses::read(scopes.clone());
        Ok(Source {
            document,
            scopes,
            uses,
            module,
            written: None,
        })
    }

    /// Puts the statements of main blocks among those of the module, as they run when the file is started as a programme.
    pub(crate) fn open_main_blocks(self, is_meant: impl Fn(&ast::StmtIf) -> bool) -> Source {
        let body = self
            .module
            .body
            .iter()
            .flat_map(|stmt| match stmt {
                Stmt::If(choice) if is_main_test(&choice.test) && is_meant(choice) => {
                    choice.body.to_vec()
                }
                other => vec![other.clone()],
            })
            .collect();
        let opened = ModModule {
            body,
            range: self.module.range,
            node_index: self.module.node_index.clone(),
        };
        Source {
            written: Some(self.module),
            module: Arc::new(opened),
            ..self
        }
    }

    /// Gives the statements of a text to `look`, also of one that does not parse: those that could be read. None when it is so
    /// deep or so large that only a text that parses is worth the reading.
    pub(crate) fn with_statements<T>(text: &str, look: impl FnOnce(&[Stmt]) -> T) -> Option<T> {
        if let Ok(parsed) = strict::module(text) {
            return Some(look(&parsed.into_syntax().body));
        }
        /// What the parser's recursion takes for a byte of the most nested text, and what is left as it is.
        const STACK_OF_A_BYTE: usize = 2 * 1024;
        const LARGEST: usize = 512 * 1024;
        let mut open = 0_usize;
        let mut deepest = 0;
        for byte in text.bytes() {
            match byte {
                b'(' | b'[' | b'{' => open += 1,
                b')' | b']' | b'}' => open = open.saturating_sub(1),
                _ => {}
            }
            deepest = deepest.max(open);
        }
        if text.len() > LARGEST || deepest > 200 {
            return None;
        }
        let stack = 8 * 1024 * 1024 + text.len() * STACK_OF_A_BYTE;
        Some(stacker::grow(stack, || {
            let parsed =
                ruff_python_parser::parse_unchecked_source(text, ast::PySourceType::Python);
            look(&parsed.into_syntax().body)
        }))
    }

    pub(crate) fn text(&self) -> &str {
        self.document.text()
    }

    /// The module's statements; those of opened main blocks are among them.
    pub(crate) fn body(&self) -> &[Stmt] {
        &self.module.body
    }

    /// The module's statements as they are written.
    pub(crate) fn written(&self) -> &[Stmt] {
        &self.written.as_ref().unwrap_or(&self.module).body
    }

    /// Line of a byte offset, from 1.
    pub(crate) fn line(&self, offset: usize) -> u32 {
        self.document.lines().line_of(offset) + 1
    }
}

/// The nodes around a place, the innermost first. Found without recursion, however deep it is.
pub(crate) fn nodes_around<'a>(body: &'a [Stmt], place: &Range<usize>) -> Vec<AnyNodeRef<'a>> {
    struct Inside<'a> {
        place: Range<usize>,
        of: AnyNodeRef<'a>,
        found: Option<AnyNodeRef<'a>>,
    }
    impl<'a> SourceOrderVisitor<'a> for Inside<'a> {
        fn enter_node(&mut self, node: AnyNodeRef<'a>) -> TraversalSignal {
            if node.ptr_eq(self.of) {
                return TraversalSignal::Traverse;
            }
            let range = range_of(&node);
            let holds = range.start <= self.place.start && self.place.end <= range.end;
            if holds && self.found.is_none() {
                self.found = Some(node);
            }
            TraversalSignal::Skip
        }
    }
    let after = body.partition_point(|stmt| range_of(stmt).end < place.end);
    let holds = |stmt: &&Stmt| range_of(*stmt).start <= place.start;
    let mut at = body.get(after).filter(holds).map(AnyNodeRef::from);
    let mut nodes = Vec::new();
    while let Some(node) = at {
        nodes.push(node);
        let mut inside = Inside {
            place: place.clone(),
            of: node,
            found: None,
        };
        walk_node(&mut inside, node);
        at = inside.found;
    }
    nodes.reverse();
    nodes
}

/// The innermost block, not the module's own, that holds the statement at a place.
pub(crate) fn block_of<'b>(body: &'b [Stmt], statement: &Range<usize>) -> Option<&'b [Stmt]> {
    let mut around = None;
    let mut blocks = vec![body];
    while let Some(block) = blocks.pop() {
        let after = block.partition_point(|inner| range_of(inner).end <= statement.start);
        let Some(inner) = block.get(after).filter(|inner| {
            let inner = range_of(*inner);
            inner.start <= statement.start && statement.end <= inner.end
        }) else {
            continue;
        };
        around = Some(block);
        if range_of(inner) == *statement {
            break;
        }
        blocks = blocks_in(inner);
    }
    around.filter(|block| !std::ptr::eq(*block, body))
}

/// The statement that takes up a range.
pub(crate) fn statement_at<'a>(body: &'a [Stmt], range: &Range<usize>) -> Option<&'a Stmt> {
    let mut blocks = vec![body];
    while let Some(block) = blocks.pop() {
        let after = block.partition_point(|inner| range_of(inner).end <= range.start);
        let Some(inner) = block.get(after) else {
            continue;
        };
        if range_of(inner) == *range {
            return Some(inner);
        }
        if start_of(inner) <= range.start {
            blocks.extend(blocks_in(inner));
        }
    }
    None
}

/// The blocks of a compound statement.
pub(crate) fn blocks_in(statement: &Stmt) -> Vec<&[Stmt]> {
    match statement {
        Stmt::FunctionDef(function) => vec![&function.body],
        Stmt::ClassDef(class) => vec![&class.body],
        Stmt::For(each) => vec![&each.body, &each.orelse],
        Stmt::While(each) => vec![&each.body, &each.orelse],
        Stmt::With(with) => vec![&with.body],
        Stmt::If(choice) => {
            let others = choice.elif_else_clauses.iter().map(|clause| &*clause.body);
            std::iter::once(&*choice.body).chain(others).collect()
        }
        Stmt::Match(choice) => choice.cases.iter().map(|case| &*case.body).collect(),
        Stmt::Try(attempt) => {
            let handlers = attempt.handlers.iter().map(|handler| {
                let ast::ExceptHandler::ExceptHandler(handler) = handler;
                &*handler.body
            });
            let own = [&*attempt.body, &*attempt.orelse, &*attempt.finalbody];
            own.into_iter().chain(handlers).collect()
        }
        _ => Vec::new(),
    }
}

/// The byte range of a node.
pub(crate) fn range_of(node: &impl Ranged) -> Range<usize> {
    node.start().to_usize()..node.end().to_usize()
}

/// Where a node begins.
pub(crate) fn start_of(node: &impl Ranged) -> usize {
    node.start().to_usize()
}

/// Parses one expression; none when it is none.
pub(crate) fn expression(text: &str) -> Option<Expr> {
    let parsed = ruff_python_parser::parse_expression(text).ok()?;
    Some(parsed.into_expr())
}

/// Parses the text of one simple statement that is taken out of its place.
pub(crate) fn statement(text: &str) -> Option<Stmt> {
    let parsed = ruff_python_parser::parse_module(text).ok()?;
    parsed.into_syntax().body.into_iter().next()
}

/// The text of a string literal without substitutions.
pub(crate) fn constant_text(expression: &Expr) -> Option<&str> {
    match expression {
        Expr::StringLiteral(literal) => Some(literal.value.to_str()),
        _ => None,
    }
}

/// `a.b.c` as its names from the left; none for anything else.
pub(crate) fn dotted(expression: &Expr) -> Option<Vec<&str>> {
    let mut parts = Vec::new();
    let mut at = expression;
    loop {
        match at {
            Expr::Attribute(attribute) => {
                parts.push(attribute.attr.as_str());
                at = &attribute.value;
            }
            Expr::Name(name) => {
                parts.push(name.id.as_str());
                parts.reverse();
                return Some(parts);
            }
            _ => return None,
        }
    }
}

/// Is this the test of a main block, which is never true in a job: `__name__ == "__main__"`, also with `and`?
pub(crate) fn is_main_test(test: &Expr) -> bool {
    match test {
        Expr::Compare(compare) => {
            let [op] = &*compare.ops else { return false };
            let [right] = &*compare.comparators else {
                return false;
            };
            let is_name =
                |side: &Expr| matches!(side, Expr::Name(name) if name.id.as_str() == "__name__");
            let is_main = |side: &Expr| constant_text(side) == Some("__main__");
            *op == ast::CmpOp::Eq
                && ((is_name(&compare.left) && is_main(right))
                    || (is_main(&compare.left) && is_name(right)))
        }
        Expr::BoolOp(both) if both.op == ast::BoolOp::And => both.values.iter().any(is_main_test),
        _ => false,
    }
}

/// Has an expression no others in it? Most have none, and a walk ends there.
pub(crate) fn is_leaf(expr: &Expr) -> bool {
    matches!(
        expr,
        Expr::Name(_)
            | Expr::StringLiteral(_)
            | Expr::BytesLiteral(_)
            | Expr::NumberLiteral(_)
            | Expr::BooleanLiteral(_)
            | Expr::NoneLiteral(_)
            | Expr::EllipsisLiteral(_)
    )
}

/// Goes on with a walk into an expression.
pub(crate) fn walk_into<'a, V: Visitor<'a>>(visitor: &mut V, expr: &'a Expr) {
    if !is_leaf(expr) {
        with_stack(|| walk_expr(visitor, expr));
    }
}

/// Runs a step of a walk with enough stack for the deepest code.
pub(crate) fn with_stack<T>(step: impl FnOnce() -> T) -> T {
    stacker::maybe_grow(64 * 1024, 2 * 1024 * 1024, step)
}
