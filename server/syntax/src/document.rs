//! One module's text as the user sees it now, with what is known of it kept in step.

use crate::lines::LineIndex;
use crate::position::{Encoding, Range};
use crate::scopes::Scopes;
use crate::strict::{self, Judged, SyntaxError};
use crate::view;
use crate::words::Words;
use ruff_python_ast::ModModule;
use rustc_hash::FxHashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use tree_sitter::Tree;

/// A text and what is known of it. A clone is cheap and is a snapshot: later edits of the original do not change it.
#[derive(Clone)]
pub struct Document {
    text: Arc<String>,
    lines: Arc<LineIndex>,
    tree: Arc<OnceLock<Tree>>,
    known: Arc<Known>,
}

/// What is known of a text: read when somebody asks first, from what is left of an earlier text's: a burst of edits is read once.
#[derive(Default)]
struct Known {
    before: Mutex<Earlier>,
    scopes: OnceLock<Arc<Scopes>>,
    judged: OnceLock<Arc<Judged>>,
    words: OnceLock<Words>,
    /// The strict parser's tree of all of the text, or why there is none.
    module: Mutex<Option<Result<Arc<ModModule>, SyntaxError>>>,
    /// The strict parser's trees of single pieces, by where they begin.
    parts: Mutex<FxHashMap<usize, Arc<ModModule>>>,
}

/// What is known of an earlier text.
#[derive(Default)]
struct Earlier {
    scopes: Option<Arc<Scopes>>,
    judged: Option<Arc<Judged>>,
}

impl Known {
    /// What is known of a text into which the one of which `earlier` is known was edited.
    fn after(earlier: &mut Arc<Known>) -> Arc<Known> {
        let before = match Arc::get_mut(earlier) {
            // Nobody else has the earlier text: its scopes become those of the new one without being copied.
            Some(own) => {
                let older =
                    std::mem::take(own.before.get_mut().unwrap_or_else(PoisonError::into_inner));
                Earlier {
                    scopes: own.scopes.take().or(older.scopes),
                    judged: own.judged.take().or(older.judged),
                }
            }
            None => {
                let older = locked(&earlier.before);
                Earlier {
                    scopes: earlier.scopes.get().or(older.scopes.as_ref()).cloned(),
                    judged: earlier.judged.get().or(older.judged.as_ref()).cloned(),
                }
            }
        };
        Arc::new(Known {
            before: Mutex::new(before),
            ..Known::default()
        })
    }
}

/// What the lock holds is whole at any moment, also after a panic.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
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
            known: Arc::default(),
        }
    }

    /// The text, byte for byte the client's.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The tree over the text; its nodes' byte ranges are ranges of [`Document::text`]. It is parsed afresh, on first use, which
    /// in a long text takes a while.
    pub fn tree(&self) -> &Tree {
        self.tree
            .get_or_init(|| view::parse(&self.text, &self.lines))
    }

    /// Where the lines begin.
    pub fn lines(&self) -> &LineIndex {
        &self.lines
    }

    /// Which of some words the text has at all; looked for on first use and kept.
    pub fn words(&self) -> &Words {
        self.known.words.get_or_init(|| Words::read(&self.text))
    }

    /// Does the text surely write every name as Python stores it? See [`crate::words::has_plain_names`].
    pub fn has_plain_names(&self) -> bool {
        self.words().are_plain(&self.text)
    }

    /// The scopes and names of this version of the text; read on first use and kept.
    pub fn scopes(&self) -> Arc<Scopes> {
        let read = || {
            let before = locked(&self.known.before).scopes.take();
            Arc::new(match before {
                Some(before) => Arc::unwrap_or_clone(before).read_after(self),
                None => Scopes::read(self),
            })
        };
        self.known.scopes.get_or_init(read).clone()
    }

    /// The strict parser's tree of the text, parsed on first use and kept until [`Document::settle`]; the first error when Python
    /// would not compile it.
    pub fn module(&self) -> Result<Arc<ModModule>, SyntaxError> {
        let mut module = locked(&self.known.module);
        let parse = || strict::module(&self.text).map(|parsed| Arc::new(parsed.into_syntax()));
        module.get_or_insert_with(parse).clone()
    }

    /// The tree of [`Document::module`], where it is there already.
    pub fn parsed_module(&self) -> Option<Arc<ModModule>> {
        match &*locked(&self.known.module) {
            Some(Ok(module)) => Some(module.clone()),
            _ => None,
        }
    }

    /// Drops the trees, which are made again when somebody asks, and makes ready for the next edit what it would have to wait
    /// for. Who has looked at a whole text calls it.
    pub fn settle(&self) {
        let parts = std::mem::take(&mut *locked(&self.known.parts));
        self.judged();
        let before = std::mem::take(&mut *locked(&self.known.before));
        let module = locked(&self.known.module).take();
        drop((parts, before, module));
    }

    /// Is the text Python? The first error of the strict parser if not: the answer of [`strict::check`]. After an edit only the
    /// statement that it touched is parsed for it, with what the answer hangs on.
    pub fn check(&self) -> Result<(), SyntaxError> {
        if let Some(judged) = self.known.judged.get() {
            return judged.verdict().clone();
        }
        if locked(&self.known.before).judged.is_some() {
            return self.judged().verdict().clone();
        }
        self.module().map(drop)
    }

    fn judged(&self) -> &Judged {
        self.known.judged.get_or_init(|| {
            let before = locked(&self.known.before).judged.clone();
            Arc::new(Judged::read(&self.text, &self.lines, before.as_deref()))
        })
    }

    /// The text, for who keeps it longer than the document.
    pub(crate) fn shared_text(&self) -> Arc<String> {
        self.text.clone()
    }

    /// The strict parser's statements around `offset`, in broken code what could be made of them; their ranges are ranges of
    /// [`Document::text`]. Where the whole is not parsed yet it is only the top-level statement, read on first use.
    pub fn statements_at(&self, offset: usize) -> Arc<ModModule> {
        if let Some(module) = self.parsed_module() {
            return module;
        }
        let piece = self.scopes().piece_at(offset);
        let mut parts = locked(&self.known.parts);
        let part = parts
            .entry(piece.start)
            .or_insert_with(|| Arc::new(strict::part(&self.text, piece)));
        part.clone()
    }

    /// One change as LSP's `didChange` carries it: `new_text` takes the place of `range`, or of everything. Places past the
    /// end of a line or of the text mean its end, as the protocol asks; a range whose ends are swapped is turned around.
    pub fn edit(&mut self, range: Option<Range>, new_text: &str, encoding: Encoding) {
        let Some(range) = range else {
            let known = Known::after(&mut self.known);
            *self = Document::new(new_text.to_owned());
            self.known = known;
            return;
        };
        let mut start = self.lines.offset(&self.text, range.start, encoding);
        let mut end = self.lines.offset(&self.text, range.end, encoding);
        if end < start {
            std::mem::swap(&mut start, &mut end);
        }
        let (before, after) = (&self.text[..start], &self.text[end..]);
        let text = [before, new_text, after].concat();
        self.lines = Arc::new(self.lines.edited(&text, start..end, new_text.len()));
        self.text = Arc::new(text);
        self.tree = Arc::default();
        self.known = Known::after(&mut self.known);
    }
}
