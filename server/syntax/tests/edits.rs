//! An editor's changes, random ones: the text is the client's byte for byte, the tree is that of a fresh parse, and nothing
//! panics. `PROPTEST_CASES` makes it longer.

use hoist_syntax::tree_sitter::{Tree, TreeCursor};
use hoist_syntax::{Document, Encoding, Position, Range, Scopes};
use proptest::prelude::*;
use proptest::sample::select;

/// What texts are made of: pieces of Python and what breaks positions.
const PIECES: &[&str] = &[
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

/// Whole statements.
const STATEMENTS: &[&str] = &[
    "def f(a, *b, c=1, **d):\n    x = [i for i in a if i]\n    return x\n\n",
    "@deco(1)\nclass A(B, metaclass=M):\n    \"\"\"doc é 😀\"\"\"\n    x: int = 3\n\n    async def g(self):\n        await self.h()\n\n",
    "import os.path as p\nfrom . import (a, b)\n",
    "if x:\n    y = f'{x!r:>{w}} 😀'\nelif z:\n    pass\nelse:\n    del q[0]\n",
    "try:\n    with a as b, c:\n        pass\nexcept (E, F) as e:\n    raise G from e\nfinally:\n    x = lambda y=1: y\n",
    "for i, (j, *k) in z:\n    print(i, j, sep='')\n",
    "x = (1,\n     2)  # comment\n",
    "match x:\n    case [a, *b] if c:\n        pass\n    case {'k': v, **r} | A.B(p=q):\n        pass\n",
    "\n",
    "# %%\n",
];

/// Between a `\r` and a `\n` there is no place that a client could name, hence none to take a change back from.
fn piece_in_line() -> impl Strategy<Value = &'static str> {
    select(PIECES).prop_filter("no carriage returns", |piece| !piece.contains('\r'))
}

fn text() -> impl Strategy<Value = String> {
    prop::collection::vec(select(PIECES), 0..30).prop_map(|pieces| pieces.concat())
}

fn position() -> impl Strategy<Value = Position> {
    // Mostly places that exist, now and then far past any end.
    (
        prop_oneof![9 => 0_u32..40, 1 => Just(u32::MAX)],
        prop_oneof![9 => 0_u32..30, 1 => Just(u32::MAX)],
    )
        .prop_map(|(line, character)| Position::new(line, character))
}

#[derive(Debug, Clone)]
struct Edit {
    range: Option<Range>,
    new_text: String,
}

fn edit() -> impl Strategy<Value = Edit> {
    let new_text =
        || prop::collection::vec(select(PIECES), 0..4).prop_map(|pieces| pieces.concat());
    prop_oneof![
        1 => new_text().prop_map(|new_text| Edit { range: None, new_text }),
        10 => (position(), position(), new_text()).prop_map(|(start, end, new_text)| {
            Edit { range: Some(Range::new(start, end)), new_text }
        }),
        // A keystroke.
        20 => (position(), select(PIECES)).prop_map(|(at, piece)| {
            Edit { range: Some(Range::new(at, at)), new_text: piece.chars().take(1).collect() }
        }),
    ]
}

/// The client's own text, kept the plain way: lines of characters, searched from the start each time.
#[derive(Debug, Clone)]
struct Client(String);

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

    fn edit(&mut self, edit: &Edit, encoding: Encoding) {
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
fn difference(one: &Tree, other: &Tree) -> Option<String> {
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

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_text_is_the_clients_and_the_tree_is_its(
        start in text(),
        edits in prop::collection::vec(edit(), 1..20),
        encoding in select(vec![Encoding::Utf8, Encoding::Utf16, Encoding::Utf32]),
    ) {
        let mut client = Client(start.clone());
        let mut document = Document::new(start);
        for edit in &edits {
            let before = document.clone();
            let text_before = client.0.clone();
            document.edit(edit.range, &edit.new_text, encoding);
            client.edit(edit, encoding);
            prop_assert_eq!(document.text(), client.0.as_str());
            prop_assert_eq!(before.text(), text_before, "a clone is a snapshot");
            let fresh = Document::new(client.0.clone());
            prop_assert_eq!(document.lines(), fresh.lines());
            if !fresh.tree().root_node().has_error() {
                prop_assert_eq!(difference(document.tree(), fresh.tree()), None);
            }
            // Whatever the text: names are read without a panic, and lie where they say.
            let scopes = document.scopes();
            prop_assert!(scopes.iter().eq(Scopes::read(&document).iter()), "names that are kept are those that are read afresh");
            for (id, scope) in scopes.iter() {
                prop_assert!(scopes.captures(id).iter().all(|name| scope.symbols.contains(name)));
                for reference in &scope.references {
                    prop_assert!(document.text().is_char_boundary(reference.range.start));
                    prop_assert!(document.text().is_char_boundary(reference.range.end));
                }
                scopes.globals(id);
                scopes.definition_names(id);
            }
        }
    }

    /// Python stays Python when a change is taken back, however broken it was in between.
    #[test]
    fn a_change_and_its_undoing_leave_the_fresh_tree(
        statements in prop::collection::vec(select(STATEMENTS), 1..20),
        changes in prop::collection::vec((0.0..1.0_f64, 0_usize..12, piece_in_line()), 1..4),
    ) {
        let start = statements.concat();
        let mut document = Document::new(start.clone());
        document.tree();
        let mut undo = Vec::new();
        for (from, length, piece) in changes {
            let text = document.text().to_owned();
            let at = text.floor_char_boundary((text.len() as f64 * from) as usize);
            let end = text.floor_char_boundary((at + length).min(text.len()));
            let place = |document: &Document, offset| document.lines().position(document.text(), offset, Encoding::Utf8);
            document.edit(Some(Range::new(place(&document, at), place(&document, end))), piece, Encoding::Utf8);
            document.tree();
            undo.push((Range::new(place(&document, at), place(&document, at + piece.len())), text[at..end].to_owned()));
        }
        for (range, old) in undo.into_iter().rev() {
            document.edit(Some(range), &old, Encoding::Utf8);
            document.tree();
        }
        prop_assert_eq!(document.text(), start.as_str());
        let fresh = Document::new(start);
        prop_assert!(!fresh.tree().root_node().has_error());
        prop_assert_eq!(difference(document.tree(), fresh.tree()), None);
    }

    #[test]
    fn an_offset_and_its_position_are_the_same_place(
        text in text(),
        encoding in select(vec![Encoding::Utf8, Encoding::Utf16, Encoding::Utf32]),
    ) {
        let document = Document::new(text.clone());
        for (offset, character) in text.char_indices() {
            // Between `\r` and `\n` there is no place that a position could name.
            if character == '\n' && text[..offset].ends_with('\r') {
                continue;
            }
            let position = document.lines().position(&text, offset, encoding);
            prop_assert_eq!(document.lines().offset(&text, position, encoding), offset);
        }
    }
}
