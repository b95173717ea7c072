//! Long chains of random edits: ranges past the end, halves of surrogate pairs, mixed line breaks, in every position encoding.
//! After each the text is the client's, the tree that of a fresh parse, and the names and the
//! judgement are those that are read afresh. `HOIST_FUZZ` is the number of edits, `HOIST_SEED` where the numbers begin.

mod client;
mod real;

use client::{Client, Edit, PIECES, difference};
use hoist_syntax::{Document, Encoding, Position, Range, Scopes, strict};
use real::{Random, number};
use ruff_text_size::Ranged;

/// So long a text may get before it is begun anew.
const LONGEST: usize = 1_500;

fn position(random: &mut Random, lines: u32) -> Position {
    let line = match random.below(12) {
        0 => u32::MAX,
        1 => lines + 3,
        _ => random.below(lines as usize + 1) as u32,
    };
    let character = match random.below(12) {
        0 => u32::MAX,
        1 => 500,
        _ => random.below(30) as u32,
    };
    Position::new(line, character)
}

fn edit(random: &mut Random, lines: u32) -> Edit {
    let mut new_text = String::new();
    for _ in 0..random.below(3) {
        new_text.push_str(PIECES[random.below(PIECES.len())]);
    }
    let start = position(random, lines);
    let end = match random.below(3) {
        0 => position(random, lines),
        1 => Position::new(
            start.line,
            start.character.saturating_add(random.below(4) as u32),
        ),
        _ => start,
    };
    let all = random.below(200) == 0;
    Edit {
        range: (!all).then_some(Range::new(start, end)),
        new_text,
    }
}

#[test]
fn whatever_is_typed_the_document_is_what_a_fresh_one_would_be() {
    let seed = number("HOIST_SEED", 1);
    let edits = number("HOIST_FUZZ", 4_000);
    let mut random = Random(seed as u64);
    let encodings = [Encoding::Utf8, Encoding::Utf16, Encoding::Utf32];
    let mut encoding = encodings[0];
    let mut client = Client(String::new());
    let mut document = Document::new(String::new());
    for done in 0..edits {
        if client.0.len() > LONGEST || random.below(300) == 0 {
            encoding = encodings[random.below(3)];
            let pieces = (0..random.below(40)).map(|_| PIECES[random.below(PIECES.len())]);
            client = Client(pieces.collect());
            document = Document::new(client.0.clone());
            document.settle();
        }
        let edit = edit(&mut random, document.lines().line_count());
        let before = client.0.clone();
        document.edit(edit.range, &edit.new_text, encoding);
        client.edit(&edit, encoding);
        let about =
            || format!("HOIST_SEED={seed}, edit {done}: {edit:?} in {encoding:?} of {before:?}");
        assert_eq!(document.text(), client.0, "the text; {}", about());
        let fresh = Document::new(client.0.clone());
        assert_eq!(document.lines(), fresh.lines(), "the lines; {}", about());
        // Sometimes nobody looks between two edits.
        if random.below(4) == 0 {
            continue;
        }
        if random.below(8) == 0 {
            let differs = difference(document.tree(), fresh.tree());
            assert_eq!(differs, None, "the tree; {}", about());
        }
        let names = Scopes::read(&fresh);
        assert!(
            document.scopes().iter().eq(names.iter()),
            "the names; {}",
            about()
        );
        let judged = strict::check(document.text());
        assert_eq!(document.check(), judged, "the judgement; {}", about());
        let offset = random.below(document.text().len() + 1);
        let piece = document.scopes().piece_at(offset);
        let part = document.statements_at(offset);
        let ranges = part
            .body
            .iter()
            .map(|statement| statement.range().to_std_range());
        let is_known = document.module().is_ok();
        for range in ranges {
            assert!(
                is_known || piece.start <= range.start && range.end <= piece.end,
                "a statement of {piece:?} at {range:?}; {}",
                about()
            );
        }
    }
}
