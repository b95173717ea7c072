//! One module's text as the user sees it now, with what is known of it kept in step.

use crate::lines::LineIndex;
use crate::position::{Encoding, Range};
use crate::scopes::Scopes;
use crate::strict::{self, SyntaxError};
use crate::view;
use rustc_hash::FxHashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use tree_sitter::Tree;

/// A text and what is known of it. A clone is cheap and is a snapshot: later edits of the original do not change it.
#[derive(Clone)]
pub struct Document {
    text: Arc<String>,
    lines: Arc<LineIndex>,
    tree: Arc<OnceLock<Tree>>,
    names: Arc<Names>,
}

/// The scopes, read when somebody asks first, from what is left of those of an earlier text: a burst of edits is read once.
#[derive(Default)]
struct Names {
    before: Mutex<Option<Arc<Scopes>>>,
    now: OnceLock<Arc<Scopes>>,
    /// Trees of single pieces, by where they begin.
    trees: Mutex<FxHashMap<usize, Arc<Tree>>>,
}

impl Names {
    /// Names of a text of which an earlier version's are these.
    fn after(earlier: &mut Arc<Names>) -> Arc<Names> {
        let take = |before: &Mutex<Option<Arc<Scopes>>>| {
            before.lock().unwrap_or_else(PoisonError::into_inner).take()
        };
        let before = match Arc::get_mut(earlier) {
            // Nobody else has the earlier text: its scopes become those of the new one without being copied.
            Some(own) => own.now.take().or_else(|| take(&own.before)),
            None => earlier.now.get().cloned(),
        };
        Arc::new(Names {
            before: Mutex::new(before),
            ..Names::default()
        })
    }

    fn of(&self, document: &Document) -> Arc<Scopes> {
        let read = || {
            let before = self
                .before
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .take();
            Arc::new(match before {
                Some(before) => Arc::unwrap_or_clone(before).read_after(document),
                None => Scopes::read(document),
            })
        };
        self.now.get_or_init(read).clone()
    }
}

impl std::fmt::Debug for Document {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Document")
            .field("bytes", &self.text.len())
            .field("lines", &self.lines.line_count())
            .finish()
    }
}

impl Document {
    /// Takes a text (a BOM stays where it is). It is parsed on first use.
    pub fn new(text: String) -> Self {
        let lines = LineIndex::new(&text);
        Document {
            text: Arc::new(text),
            lines: Arc::new(lines),
            tree: Arc::default(),
            names: Arc::default(),
        }
    }

    /// The text, byte for byte the client's.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The tree over the text; its nodes' byte ranges are ranges of [`Document::text`]. It is parsed afresh, on first use, which
    /// in a long text takes a while: what an editor waits for asks for [`Document::tree_at`].
    pub fn tree(&self) -> &Tree {
        self.tree
            .get_or_init(|| view::parse(&self.text, &self.lines))
    }

    /// Where the lines begin.
    pub fn lines(&self) -> &LineIndex {
        &self.lines
    }

    /// The scopes and names of this version of the text; read on first use and kept.
    pub fn scopes(&self) -> Arc<Scopes> {
        self.names.of(self)
    }

    /// Drops the trees of single statements. They are made again when somebody asks; who has looked at a whole text calls it, so
    /// that the next edit does not have to wait for it.
    pub fn forget_trees(&self) {
        let mut trees = self
            .names
            .trees
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let dropped = std::mem::take(&mut *trees);
        drop(trees);
        drop(dropped);
    }

    /// Where the tree of the top-level statement around `offset` is wrong although Python takes the statement: it is newer than
    /// the grammar, or a corner that it does not know. None where all is well, and in code that is broken. Names do not hang on
    /// the tree there.
    pub fn misread_at(&self, offset: usize) -> Option<std::ops::Range<usize>> {
        let error = view::first_error(&self.tree_at(offset))?;
        let piece = self.scopes().piece_at(offset);
        strict::check(&self.text[piece]).is_ok().then_some(error)
    }

    /// Is the text Python? The first error of the strict parser if not: the answer of [`strict::check`], for which only what
    /// changed since the version before is parsed while the text is Python, and what follows the error while it is not.
    pub fn check(&self) -> Result<(), SyntaxError> {
        self.scopes().judged().clone()
    }

    /// The tree of the top-level statement around `offset`; its nodes' byte ranges are ranges of [`Document::text`]. It is
    /// parsed afresh, on first use.
    pub fn tree_at(&self, offset: usize) -> Arc<Tree> {
        let piece = self.scopes().piece_at(offset);
        let mut trees = self
            .names
            .trees
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let tree = trees
            .entry(piece.start)
            .or_insert_with(|| Arc::new(view::parse_part(&self.text, &self.lines, &piece)));
        tree.clone()
    }

    /// One change as LSP's `didChange` carries it: `new_text` takes the place of `range`, or of everything. Places past the
    /// end of a line or of the text mean its end, as the protocol asks; a range whose ends are swapped is turned around.
    pub fn edit(&mut self, range: Option<Range>, new_text: &str, encoding: Encoding) {
        let Some(range) = range else {
            let names = Names::after(&mut self.names);
            *self = Document::new(new_text.to_owned());
            self.names = names;
            return;
        };
        let mut start = self.lines.offset(&self.text, range.start, encoding);
        let mut end = self.lines.offset(&self.text, range.end, encoding);
        if end < start {
            std::mem::swap(&mut start, &mut end);
        }
        let text = Arc::make_mut(&mut self.text);
        text.replace_range(start..end, new_text);
        self.lines = Arc::new(LineIndex::new(text));
        self.tree = Arc::default();
        self.names = Names::after(&mut self.names);
    }
}
