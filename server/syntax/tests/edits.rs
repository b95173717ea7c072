//! An editor's changes, random ones: the text is the client's byte for byte, the tree is that of a fresh parse, and nothing
//! panics. `PROPTEST_CASES` makes it longer.

mod client;

use client::{Client, Edit, PIECES, difference};
use hoist_syntax::{Document, Encoding, Position, Range, Scopes};
use proptest::prelude::*;
use proptest::sample::select;

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
            prop_assert_eq!(difference(document.tree(), fresh.tree()), None);
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

    /// A change that is taken back leaves what was, however broken the text was in between.
    #[test]
    fn a_change_and_its_undoing_leave_what_was(
        statements in prop::collection::vec(select(STATEMENTS), 1..20),
        changes in prop::collection::vec((0.0..1.0_f64, 0_usize..12, piece_in_line()), 1..4),
    ) {
        let start = statements.concat();
        let mut document = Document::new(start.clone());
        document.scopes();
        let mut undo = Vec::new();
        for (from, length, piece) in changes {
            let text = document.text().to_owned();
            let at = text.floor_char_boundary((text.len() as f64 * from) as usize);
            let end = text.floor_char_boundary((at + length).min(text.len()));
            let place = |document: &Document, offset| document.lines().position(document.text(), offset, Encoding::Utf8);
            document.edit(Some(Range::new(place(&document, at), place(&document, end))), piece, Encoding::Utf8);
            document.scopes();
            undo.push((Range::new(place(&document, at), place(&document, at + piece.len())), text[at..end].to_owned()));
        }
        for (range, old) in undo.into_iter().rev() {
            document.edit(Some(range), &old, Encoding::Utf8);
            document.scopes();
        }
        prop_assert_eq!(document.text(), start.as_str());
        let fresh = Document::new(start);
        prop_assert_eq!(document.check(), fresh.check());
        prop_assert!(document.scopes().iter().eq(fresh.scopes().iter()));
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
