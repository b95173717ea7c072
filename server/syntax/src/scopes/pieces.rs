//! A module cut at its top-level statements, so that after a change only what changed is read again.
//!
//! What is known of a piece follows from its text alone (and from whether annotations are hidden), but for the offsets, which
//! move with what is inserted before it. So a piece of the text before stands for a piece of the text now exactly when both
//! have the same text; there is no other bookkeeping of what an edit touched.

use super::collect;
use super::cut::Scan;
use super::model::*;
use super::names::Name;
use super::resolve;
use crate::strict::{self, Standing};
use std::ops::Range;
use std::sync::Arc;

/// One piece: a top-level statement with what follows it up to the next one; the first begins with the text.
#[derive(Debug, Clone)]
pub(super) struct Piece {
    /// Its bytes in the module's text.
    pub(super) range: Range<usize>,
    text: Box<str>,
    /// The scopes in it, each before those inside of it. The first is the module's own as far as it is in this piece.
    pub(super) scopes: Vec<Scope>,
    /// What the module's own scope does with names in this piece.
    pub(super) names: Vec<(Name, u16)>,
    /// The functions in it in source order, by their numbers.
    pub(super) functions: Vec<u32>,
    /// `from __future__ import annotations`
    pub(super) future_annotations: bool,
    /// The strict parser's word on it.
    pub(super) standing: Standing,
}

/// Cuts `text` into pieces and reads them, but for those that are among `known`, the pieces of an earlier text in their order.
pub(super) fn read(text: &str, known: Vec<Arc<Piece>>, hide_annotations: bool) -> Vec<Arc<Piece>> {
    let (first, at) = same_at_start(text, &known);
    let mut known = known;
    let mut rest = known.split_off(first);
    let last_starts = same_at_end(text, at, &rest);
    let mut last = rest.split_off(rest.len() - last_starts.len());
    let mut reader = Reader {
        text,
        pieces: known,
        spare: rest,
        hide_annotations,
    };
    if at == text.len() && first > 0 && last.is_empty() {
        return reader.pieces;
    }
    let mut start = at;
    let mut scan = Scan::from(text, at);
    loop {
        // From a place on at which both texts were cut, and are the same, they are cut the same.
        if let Ok(met) = last_starts.binary_search(&start) {
            for piece in last.drain(met..) {
                let range = reader.next(piece.text.len());
                reader.put(piece, range);
            }
            return reader.pieces;
        }
        let end = scan.next().unwrap_or(text.len());
        reader.read(start..end);
        if end == text.len() {
            return reader.pieces;
        }
        start = end;
    }
}

/// Cuts at given places instead, the starts of statements.
pub(super) fn read_at(text: &str, starts: &[usize], hide_annotations: bool) -> Vec<Arc<Piece>> {
    let mut reader = Reader {
        text,
        pieces: Vec::new(),
        spare: Vec::new(),
        hide_annotations,
    };
    let inner = starts.iter().copied().filter(|start| *start > 0);
    let mut start = 0;
    for end in inner.chain([text.len()]) {
        reader.read(start..end);
        start = end;
    }
    reader.pieces
}

/// How many of the pieces are the beginning of the text, and where the next one begins.
fn same_at_start(text: &str, known: &[Arc<Piece>]) -> (usize, usize) {
    let bytes = text.as_bytes();
    let (mut count, mut at) = (0, 0);
    while let Some(piece) = known.get(count)
        && bytes[at..].starts_with(piece.text.as_bytes())
    {
        at += piece.text.len();
        count += 1;
    }
    if count == known.len() && at == text.len() || count == 0 {
        return (count, at);
    }
    // Whether the last of them ends there hangs on what comes after it, which is another text now.
    (count - 1, at - known[count - 1].text.len())
}

/// Where in the text, after `from`, the last of the pieces stand, as many as are its end.
fn same_at_end(text: &str, from: usize, known: &[Arc<Piece>]) -> Vec<usize> {
    let bytes = text.as_bytes();
    let mut end = text.len();
    let mut starts = Vec::new();
    for piece in known.iter().rev() {
        if !bytes[from..end].ends_with(piece.text.as_bytes()) {
            break;
        }
        end -= piece.text.len();
        starts.push(end);
    }
    starts.reverse();
    starts
}

struct Reader<'t> {
    text: &'t str,
    pieces: Vec<Arc<Piece>>,
    /// Pieces of the earlier text whose place is not known.
    spare: Vec<Arc<Piece>>,
    hide_annotations: bool,
}

impl Reader<'_> {
    /// The bytes of the next piece, if it has that many.
    fn next(&self, length: usize) -> Range<usize> {
        let start = self.pieces.last().map_or(0, |piece| piece.range.end);
        start..start + length
    }

    fn read(&mut self, range: Range<usize>) {
        let text = &self.text[range.clone()];
        let known = self.spare.iter().position(|piece| *piece.text == *text);
        let piece = match known {
            Some(index) => self.spare.remove(index),
            None => Arc::new(Piece::read(text, self.hide_annotations)),
        };
        self.put(piece, range);
    }

    fn put(&mut self, mut piece: Arc<Piece>, range: Range<usize>) {
        let index = self.pieces.len();
        if !piece.is_at(&range, index) {
            Arc::make_mut(&mut piece).place(range, index);
        }
        self.pieces.push(piece);
    }
}

impl Piece {
    /// Reads a piece as if it were all of the text.
    fn read(text: &str, hide_annotations: bool) -> Piece {
        let (standing, collected) =
            strict::part(text, |body| collect::collect(text, body, hide_annotations));
        let future_annotations = collected.future_annotations;
        let (scopes, names) = resolve::resolve(collected);
        let mut functions: Vec<u32> = (0..scopes.len() as u32)
            .filter(|number| scopes[*number as usize].kind == ScopeKind::Function)
            .collect();
        functions.sort_by_key(|number| scopes[*number as usize].def_range.start);
        Piece {
            range: 0..text.len(),
            text: text.into(),
            scopes,
            names,
            functions,
            future_annotations,
            standing,
        }
    }

    fn is_at(&self, range: &Range<usize>, index: usize) -> bool {
        let id = self.scopes.first().and_then(|own| own.children.first());
        self.range == *range && id.is_none_or(|id| id.piece as usize == index)
    }

    /// Moves it to a place and to the number `index`.
    fn place(&mut self, range: Range<usize>, index: usize) {
        let mover = Mover {
            from: self.range.start,
            to: range.start,
            piece: index as u32,
        };
        self.range = range;
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
