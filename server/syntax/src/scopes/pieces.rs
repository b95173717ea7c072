//! A module cut at its top-level statements, so that after a change only what changed is read again.
//!
//! What is known of a piece follows from its text alone (and from whether annotations are hidden), but for the offsets, which
//! move with what is inserted before it. So a piece of the text before stands for a piece of the text now exactly when both
//! have the same text and the grammar read both without an error; there is no other bookkeeping of what an edit touched.

use super::collect;
use super::model::*;
use super::names::Name;
use super::resolve;
use crate::kinds::Kind;
use crate::strict::{self, Standing};
use std::ops::Range;
use std::sync::OnceLock;
use tree_sitter::Node;

/// One piece: a top-level statement with what follows it up to the next one; the first begins with the text.
#[derive(Debug, Clone)]
pub(super) struct Piece {
    /// Its bytes in the module's text.
    range: Range<usize>,
    text: Box<str>,
    /// The grammar read it without an error.
    is_whole: bool,
    /// The scopes in it, each before those inside of it. The first is the module's own as far as it is in this piece; none
    /// in a piece without statements.
    pub(super) scopes: Vec<Scope>,
    /// What the module's own scope does with names in this piece.
    pub(super) names: Vec<(Name, u16)>,
    /// The functions in it in source order, by their numbers.
    pub(super) functions: Vec<u32>,
    /// The strict parser's word on it, asked when somebody wants to know.
    standing: OnceLock<Standing>,
}

/// Where a piece lies, and the nodes in it.
pub(super) struct Cut<'t> {
    range: Range<usize>,
    nodes: Vec<Node<'t>>,
    is_whole: bool,
}

/// Cuts the module at `root` into pieces that cover its text. Whatever `root` is, the first begins at 0 and the last ends
/// with the text.
pub(super) fn cut<'t>(text: &str, root: Node<'t>) -> Vec<Cut<'t>> {
    let is_module = Kind::of(root) == Kind::Module;
    let mut cuts = vec![Cut {
        range: 0..text.len(),
        nodes: Vec::new(),
        is_whole: is_module,
    }];
    let mut cursor = root.walk();
    if !cursor.goto_first_child() {
        return cuts;
    }
    loop {
        let node = cursor.node();
        let start = node.start_byte();
        let is_statement = node.is_named() && Kind::of(node) != Kind::Comment;
        let last = cuts.len() - 1;
        if is_module && is_statement && start > cuts[last].range.start && begins_line(text, start) {
            cuts[last].range.end = start;
            cuts.push(Cut {
                range: start..text.len(),
                nodes: Vec::new(),
                is_whole: true,
            });
        }
        if let Some(cut) = cuts.last_mut() {
            cut.is_whole &= !node.has_error() && !node.is_missing();
            if is_statement {
                cut.nodes.push(node);
            }
        }
        if !cursor.goto_next_sibling() {
            return cuts;
        }
    }
}

/// Is `offset` the first place of a line that the line before does not continue into?
fn begins_line(text: &str, offset: usize) -> bool {
    let before = &text[..offset];
    let line = before
        .strip_suffix("\r\n")
        .or_else(|| before.strip_suffix(['\n', '\r']));
    line.is_some_and(|line| !line.ends_with('\\'))
}

impl Cut<'_> {
    /// Does what is known of `piece` hold for this part of `text`, too?
    pub(super) fn has_text_of(&self, text: &str, piece: &Piece) -> bool {
        *piece.text == text[self.range.clone()]
    }

    /// May what is known of a piece of the same text be used?
    pub(super) fn can_take(&self, piece: &Piece) -> bool {
        self.is_whole && piece.is_whole
    }

    /// Does one of the statements say `from __future__ import annotations`?
    pub(super) fn has_future_annotations(&self, text: &str) -> bool {
        self.nodes
            .iter()
            .any(|node| collect::is_future_annotations(text, *node))
    }
}

impl Piece {
    /// Reads the piece with the number `index`.
    pub(super) fn read(
        text: &str,
        root: Node<'_>,
        index: usize,
        cut: &Cut<'_>,
        hide_annotations: bool,
    ) -> Piece {
        let around = (Kind::of(root) != Kind::Module).then_some(root);
        let collected = collect::collect(text, index as u32, &cut.nodes, around, hide_annotations);
        let (scopes, names) = resolve::resolve(collected);
        let mut functions: Vec<u32> = (0..scopes.len() as u32)
            .filter(|number| scopes[*number as usize].kind == ScopeKind::Function)
            .collect();
        functions.sort_by_key(|number| scopes[*number as usize].def_range.start);
        Piece {
            range: cut.range.clone(),
            text: text[cut.range.clone()].into(),
            is_whole: cut.is_whole,
            scopes,
            names,
            functions,
            standing: OnceLock::new(),
        }
    }

    /// Its bytes in the module's text.
    pub(super) fn range(&self) -> &Range<usize> {
        &self.range
    }

    /// The strict parser's word on it.
    pub(super) fn standing(&self) -> Standing {
        *self.standing.get_or_init(|| strict::standing(&self.text))
    }

    /// Is it what stands at the place of `cut` as the piece with the number `index`, without being moved?
    pub(super) fn is_at(&self, cut: &Cut<'_>, index: usize) -> bool {
        let id = self.scopes.first().and_then(|own| own.children.first());
        self.range == cut.range && id.is_none_or(|id| id.piece as usize == index)
    }

    /// Moves it to the place of `cut` and to the number `index`.
    pub(super) fn place(&mut self, cut: &Cut<'_>, index: usize) {
        let mover = Mover {
            from: self.range.start,
            to: cut.range.start,
            piece: index as u32,
        };
        self.range = cut.range.clone();
        for scope in &mut self.scopes {
            mover.scope(scope);
        }
    }
}

/// Moves everything that lies in a piece.
#[derive(Clone, Copy)]
struct Mover {
    from: usize,
    to: usize,
    piece: u32,
}

impl Mover {
    fn range(self, range: &mut Range<usize>) {
        range.start = range.start - self.from + self.to;
        range.end = range.end - self.from + self.to;
    }

    fn id(self, id: &mut ScopeId) {
        if *id != ScopeId::MODULE {
            id.piece = self.piece;
        }
    }

    fn scope(self, scope: &mut Scope) {
        scope.parent.iter_mut().for_each(|id| self.id(id));
        scope.children.iter_mut().for_each(|id| self.id(id));
        for range in [
            &mut scope.range,
            &mut scope.def_range,
            &mut scope.name_range,
            &mut scope.body_range,
        ] {
            self.range(range);
        }
        scope
            .decorators
            .iter_mut()
            .for_each(|range| self.range(range));
        for parameter in &mut scope.parameters {
            self.range(&mut parameter.range);
            parameter
                .annotation
                .iter_mut()
                .for_each(|range| self.range(range));
            parameter
                .default
                .iter_mut()
                .for_each(|range| self.range(range));
        }
        for binding in &mut scope.bindings {
            self.range(&mut binding.range);
            self.range(&mut binding.statement);
        }
        for declaration in &mut scope.declarations {
            self.range(&mut declaration.range);
        }
        for reference in &mut scope.references {
            self.range(&mut reference.range);
        }
    }
}
