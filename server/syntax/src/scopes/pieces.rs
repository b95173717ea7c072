//! A module cut at its top-level statements, so that after a change only what changed is read again.
//!
//! What is known of a piece follows from its text alone (and from whether annotations are hidden), but for the offsets, which
//! move with what is inserted before it.

use super::collect::{self, Collected};
use super::model::*;
use super::names::Name;
use super::noted::Noted;
use super::resolve;
use crate::cut::{self, Scan};
use crate::strict;
use ruff_python_ast::Stmt;
use ruff_text_size::Ranged;
use std::ops::Range;
use std::sync::Arc;

/// One piece: a top-level statement with what follows it up to the next one; the first begins with the text.
#[derive(Debug, Clone)]
pub(super) struct Piece {
    /// Its bytes in the module's text.
    pub(super) range: Range<usize>,
    /// The scopes in it, each before those inside of it. The first is the module's own as far as it is in this piece.
    pub(super) scopes: Vec<Scope>,
    /// What the module's own scope does with names in this piece.
    pub(super) names: Vec<(Name, u16)>,
    /// The functions in it in source order, by their numbers.
    pub(super) functions: Vec<u32>,
    /// `from __future__ import annotations`
    pub(super) future_annotations: bool,
    /// It does not parse by itself.
    pub(super) is_broken: bool,
}

/// Pieces of an earlier text, in their order.
pub(super) struct Earlier<'t> {
    pub(super) text: &'t str,
    pub(super) pieces: Vec<Arc<Piece>>,
}

impl Earlier<'static> {
    pub(super) const NONE: Earlier<'static> = Earlier {
        text: "",
        pieces: Vec::new(),
    };
}

/// Cuts `text` into pieces and reads them, but for those that are among the `earlier`.
pub(super) fn read(text: &str, earlier: Earlier<'_>, hide_annotations: bool) -> Vec<Arc<Piece>> {
    let Earlier {
        text: before,
        pieces: known,
    } = earlier;
    let ranges: Vec<Range<usize>> = known.iter().map(|piece| piece.range.clone()).collect();
    let cut = cut::again(text, "", before, &ranges);
    let mut known: Vec<Option<Arc<Piece>>> = known.into_iter().map(Some).collect();
    let parts = cut.into_iter().enumerate();
    let pieces = parts.map(|(index, part)| {
        let kept = part.known.and_then(|at| known.get_mut(at)?.take());
        let mut piece = kept.unwrap_or_else(|| {
            let own = &text[part.range.clone()];
            Arc::new(Piece::read_alone(own, hide_annotations))
        });
        if !piece.is_at(&part.range, index) {
            Arc::make_mut(&mut piece).place(part.range, index);
        }
        piece
    });
    pieces.collect()
}

/// Reads the pieces of a text that Python takes from its statements. They are cut where statements begin, which is where a scan
/// of the text would cut it but for the rarest code: [`are_scanned`] tells.
pub(super) fn of_module(text: &str, body: &[Stmt], hide_annotations: bool) -> Vec<Arc<Piece>> {
    let ends = body.iter().map(|statement| statement.end().to_usize());
    let starts = body.iter().map(|statement| statement.start().to_usize());
    let between = std::iter::once(0).chain(ends).zip(starts);
    let starts = between
        .filter(|(end, start)| text.get(*end..*start).is_some_and(ends_line))
        .map(|(_, start)| start);
    // What stands before the first statement that a scan sees is in its piece.
    let unseen = usize::from(!cut::begins_with_statement(text));
    let cuts: Vec<usize> = starts.skip(unseen).collect();
    let mut rest = body;
    let mut start = 0;
    let mut pieces = Vec::with_capacity(cuts.len() + 1);
    let mut noted = Noted::of_text(text.len());
    for (index, end) in cuts.into_iter().chain([text.len()]).enumerate() {
        let is_inside = |statement: &Stmt| statement.start().to_usize() < end;
        let (own, after) = rest.split_at(rest.partition_point(is_inside));
        rest = after;
        let place = collect::Piece {
            text,
            range: start..end,
            number: index as u32,
            hide_annotations,
        };
        let collected = place.collect(own, &mut noted);
        let piece = Piece::of(collected, &mut noted, start..end, false);
        pieces.push(Arc::new(piece));
        start = end;
    }
    pieces
}

/// Are the pieces of a text cut where a scan cuts it?
pub(super) fn are_scanned(text: &str, pieces: &[Arc<Piece>]) -> bool {
    let starts = pieces.iter().skip(1).map(|piece| piece.range.start);
    Scan::from(text, "", 0).eq(starts)
}

/// Does what lies between two statements end a line, rather than with a semicolon or a backslash? A comment's own backslash is a
/// part of the comment.
fn ends_line(between: &str) -> bool {
    let line = between
        .strip_suffix("\r\n")
        .or_else(|| between.strip_suffix(['\n', '\r']));
    line.is_some_and(|line| {
        !line.ends_with('\\')
            || line
                .rsplit(['\n', '\r'])
                .next()
                .is_some_and(|last| last.contains('#'))
    })
}

impl Piece {
    /// Reads a piece as if it were all of the text.
    fn read_alone(text: &str, hide_annotations: bool) -> Piece {
        let place = collect::Piece {
            text,
            range: 0..text.len(),
            number: 0,
            hide_annotations,
        };
        let (is_broken, (collected, mut noted)) = strict::statements(text, |body| {
            let mut noted = Noted::default();
            (place.clone().collect(body, &mut noted), noted)
        });
        Piece::of(collected, &mut noted, 0..text.len(), is_broken)
    }

    fn of(collected: Collected, noted: &mut Noted, range: Range<usize>, is_broken: bool) -> Piece {
        let future_annotations = collected.future_annotations;
        let (scopes, names) = resolve::resolve(collected, noted);
        let mut functions: Vec<u32> = (0..scopes.len() as u32)
            .filter(|number| scopes[*number as usize].kind == ScopeKind::Function)
            .collect();
        functions.sort_by_key(|number| scopes[*number as usize].def_range.start);
        Piece {
            range,
            scopes,
            names,
            functions,
            future_annotations,
            is_broken,
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
