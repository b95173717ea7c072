//! The runnables of a document at the lines where they are now, also while the code is broken.

use std::sync::Arc;

use hoist_analysis::{Runnable, RunnableKind};
use tower_lsp::ls_types;

use super::analysis::Source;
use super::snapshot::Snapshot;
use super::to_proto;
use super::tracking::LineEdit;

/// What could run when the text was last whole, each with the line where its `def` is by now.
#[derive(Clone, Default)]
pub(super) struct Held(Vec<(Arc<Runnable>, u32)>);

impl Held {
    /// The runnables of a text that is whole.
    pub(super) fn new(runnables: &[Runnable]) -> Self {
        let held = runnables
            .iter()
            .map(|runnable| (Arc::new(runnable.clone()), runnable.line));
        Self(held.collect())
    }

    /// Follows an edit; what was edited itself keeps its line if the line is still there, as a name that is being typed.
    pub(super) fn follow(&mut self, edit: LineEdit) {
        self.0
            .retain_mut(|(_, line)| match edit.follow_touched(*line) {
                Some(to) => {
                    *line = to;
                    true
                }
                None => false,
            });
    }
}

/// A runnable and where it is shown.
pub(super) struct Placed {
    /// What it is; of an older text when `range` is only a line.
    pub(super) runnable: Arc<Runnable>,
    /// Its name in the text of now.
    pub(super) range: ls_types::Range,
}

/// Everything that can run, in the order of the lines. While the text does not parse, functions that the parser has lost stay
/// where they were, so that lenses do not jump at every keystroke; and so do all cells, whose marks a quote may seem to swallow.
pub(super) fn placed(snapshot: &Snapshot, source: &Source<'_>) -> Vec<Placed> {
    let document = &source.open.document;
    let runnables = source.runnables();
    let held = &source.open.held.0;
    let is_broken = document.check().is_err();
    let is_held =
        |runnable: &Runnable| is_broken && runnable.kind == RunnableKind::Cell && !held.is_empty();
    let mut placed: Vec<Placed> = runnables
        .iter()
        .filter(|runnable| !is_held(runnable))
        .map(|runnable| Placed {
            range: to_proto::range(
                document,
                runnable.name_range.clone(),
                snapshot.profile.encoding,
            ),
            runnable: Arc::new(runnable.clone()),
        })
        .collect();
    if is_broken {
        let is_found = |held: &Runnable, line: u32| {
            runnables
                .iter()
                .any(|found| found.qualname == held.qualname || found.line == line)
        };
        let lost = held.iter().filter(|(held, line)| {
            *line < document.lines().line_count() && (is_held(held) || !is_found(held, *line))
        });
        placed.extend(lost.map(|(runnable, line)| {
            let place = ls_types::Position::new(*line, 0);
            Placed {
                runnable: runnable.clone(),
                range: ls_types::Range::new(place, place),
            }
        }));
        placed.sort_by_key(|placed| placed.range.start);
    }
    placed
}
