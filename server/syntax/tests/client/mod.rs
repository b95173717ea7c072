//! An editor's side of a text: what it is made of, its edits, and its own copy, kept the plain way.

use hoist_syntax::tree_sitter::{Tree, TreeCursor};
use hoist_syntax::{Encoding, Position, Range};

/// What texts are made of: pieces of Python and what breaks positions.
pub(crate) const PIECES: &[&str] = &[
    "def f(a, b=1):\n",
    "    return a\n",
    "class A:\n",
    "        ",
    "    ",
    "\t",
    "x = [i for i in y]\n",
    "if x:\n",
    "    pass\n",
    "# comment 😀\n",
    "'''",
    "\"",
    "f'{x!r:>{w}}'",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ":",
    ",",
    "\\\n",
    "\\",
    "\n",
    "\r\n",
    "\r",
    "\n\n",
    "é",
    "😀",
    "\u{feff}",
    "\u{2028}",
    "\u{b}",
    "\u{c}",
    "\0",
    "lambda: 0",
    "async ",
    "await ",
    "match x:\n    case [a, *b]: pass\n",
    "@deco\n",
    "x: int = 3\n",
    "import os\n",
    "from . import a\n",
    "global x\n",
    "del x\n",
    "with a as b:\n    pass\n",
    "try:\n    pass\nexcept E as e:\n    pass\n",
    "for i in x:\n    print(i)\nelse:\n    pass\n",
    "x",
    " = ",
    "1",
    "+",
    ".",
    "type X = int\n",
    "print(a +\nb)\n",
    " ",
    "else:\n",
    "e",
];

/// One change as LSP carries it.
#[derive(Debug, Clone)]
pub(crate) struct Edit {
    pub(crate) range: Option<Range>,
    pub(crate) new_text: String,
}

/// The client's own text, kept the plain way: lines of characters, searched from the start each time.
#[derive(Debug, Clone)]
pub(crate) struct Client(pub(crate) String);

impl Client {
    fn offset(&self, position: Position, encoding: Encoding) -> usize {
        let mut line = 0;
        let mut units = 0;
        let mut characters = self.0.char_indices().peekable();
        while let Some((offset, character)) = characters.next() {
            let breaks = matches!(character, '\n' | '\r');
            if line == position.line && (breaks || units >= position.character) {
                return offset;
            }
            let width = match encoding {
                Encoding::Utf8 => character.len_utf8(),
                Encoding::Utf16 => character.len_utf16(),
                Encoding::Utf32 => 1,
            } as u32;
            if line == position.line && units + width > position.character {
                return offset;
            }
            if breaks {
                if character == '\r' {
                    characters.next_if(|(_, next)| *next == '\n');
                }
                line += 1;
                units = 0;
            } else {
                units += width;
            }
        }
        self.0.len()
    }

    pub(crate) fn edit(&mut self, edit: &Edit, encoding: Encoding) {
        match edit.range {
            None => self.0 = edit.new_text.clone(),
            Some(range) => {
                let (start, end) = (
                    self.offset(range.start, encoding),
                    self.offset(range.end, encoding),
                );
                self.0
                    .replace_range(start.min(end)..start.max(end), &edit.new_text);
            }
        }
    }
}

/// The first node in which two trees differ.
pub(crate) fn difference(one: &Tree, other: &Tree) -> Option<String> {
    let (mut one, mut other) = (one.walk(), other.walk());
    let differs = |one: &TreeCursor<'_>, other: &TreeCursor<'_>| {
        let (a, b) = (one.node(), other.node());
        (a.kind_id() != b.kind_id()
            || a.range() != b.range()
            || a.is_missing() != b.is_missing()
            || a.child_count() != b.child_count()
            || one.field_id() != other.field_id())
        .then(|| format!("{a} at {:?}, fresh {b} at {:?}", a.range(), b.range()))
    };
    loop {
        if let Some(difference) = differs(&one, &other) {
            return Some(difference);
        }
        if one.goto_first_child() {
            other.goto_first_child();
            continue;
        }
        loop {
            if one.goto_next_sibling() {
                other.goto_next_sibling();
                break;
            }
            other.goto_parent();
            if !one.goto_parent() {
                return None;
            }
        }
    }
}
