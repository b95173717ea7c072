//! One module's text as the user sees it now, with its tree kept in step.

use crate::lines::LineIndex;
use crate::position::{Encoding, Range};
use crate::scopes::Scopes;
use crate::strict::{self, SyntaxError};
use crate::view;
use rustc_hash::FxHashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use tree_sitter::{InputEdit, Point, Tree};

/// A text and what is known of it. A clone is cheap and is a snapshot: later edits of the original do not change it.
#[derive(Clone)]
pub struct Document {
    text: Arc<String>,
    lines: Arc<LineIndex>,
    tree: Arc<Lazy>,
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

/// A tree that is made when somebody looks at it first, from what is left of the last one: a burst of edits is parsed once,
/// and never by the thread that takes the edits in.
struct Lazy {
    from: From,
    parsed: OnceLock<Parsed>,
}

/// What a tree is made from.
#[derive(Clone)]
enum From {
    /// The text alone.
    Text,
    /// A tree of an earlier text that knows of every edit since.
    Edited(Tree),
}

struct Parsed {
    tree: Tree,
    /// The tree is of another view of the text.
    mended: bool,
}

impl Lazy {
    fn new(from: From) -> Arc<Self> {
        Arc::new(Lazy {
            from,
            parsed: OnceLock::new(),
        })
    }

    fn parsed(&self, text: &str, lines: &LineIndex) -> &Parsed {
        self.parsed.get_or_init(|| match &self.from {
            From::Text => {
                let (tree, mended) = view::parse(text, lines);
                Parsed { tree, mended }
            }
            From::Edited(old) => Parsed {
                tree: view::parse_again(text, lines, old),
                mended: false,
            },
        })
    }

    /// What the tree after one more edit is made from.
    fn edited(&self, edit: &InputEdit) -> From {
        let mut from = match self.parsed.get() {
            // An edit of a tree of another view would be of the wrong one.
            Some(Parsed { mended: true, .. }) => From::Text,
            Some(parsed) => From::Edited(parsed.tree.clone()),
            None => self.from.clone(),
        };
        if let From::Edited(tree) = &mut from {
            tree.edit(edit);
        }
        from
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
            tree: Lazy::new(From::Text),
            names: Arc::default(),
        }
    }

    /// The text, byte for byte the client's.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The tree over the text; its nodes' byte ranges are ranges of [`Document::text`]. For lines ask
    /// [`Document::lines`]: the rows of the tree's points may differ.
    pub fn tree(&self) -> &Tree {
        &self.tree.parsed(&self.text, &self.lines).tree
    }

    /// Where the lines begin.
    pub fn lines(&self) -> &LineIndex {
        &self.lines
    }

    /// The scopes and names of this version of the text; read on first use and kept.
    pub fn scopes(&self) -> Arc<Scopes> {
        self.names.of(self)
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
        // The break before or after the change may become another kind of break (`\r` + `\n`), so its bytes count as
        // changed too.
        let bytes = self.text.as_bytes();
        let mut seen_start = start;
        while seen_start > 0 && is_break(bytes[seen_start - 1]) && start - seen_start < 2 {
            seen_start -= 1;
        }
        let mut seen_end = end;
        while seen_end < bytes.len() && is_break(bytes[seen_end]) && seen_end - end < 2 {
            seen_end += 1;
        }
        let start_position = point(bytes, &self.lines, seen_start);
        let old_end_position = point(bytes, &self.lines, seen_end);

        let text = Arc::make_mut(&mut self.text);
        text.replace_range(start..end, new_text);
        let lines = LineIndex::new(text);
        let new_end = seen_end - (end - start) + new_text.len();
        let edit = InputEdit {
            start_byte: seen_start,
            old_end_byte: seen_end,
            new_end_byte: new_end,
            start_position,
            old_end_position,
            new_end_position: point(text.as_bytes(), &lines, new_end),
        };
        self.tree = Lazy::new(self.tree.edited(&edit));
        self.lines = Arc::new(lines);
        self.names = Names::after(&mut self.names);
    }
}

fn is_break(byte: u8) -> bool {
    byte == b'\n' || byte == b'\r'
}

fn point(bytes: &[u8], lines: &LineIndex, offset: usize) -> Point {
    let row = lines.line_of(offset.min(bytes.len()));
    Point::new(row as usize, offset - lines.line_start(row))
}
