//! Real files cut, spliced and with bytes left out: names are still read, and nothing panics.

mod real;

use hoist_syntax::{Document, Encoding, Position, Range};
use real::Random;

#[test]
fn broken_files_are_read_without_a_panic() {
    let mut random = Random(1);
    let texts = real::texts(12);
    for text in &texts {
        let other = &texts[random.below(texts.len())];
        let mut place = |text: &str| text.floor_char_boundary(random.below(text.len()));
        let cut = &text[..place(text)];
        let spliced = format!("{cut}{}", &other[place(other)..]);
        let (one, two) = (place(text), place(text));
        let hole = format!(
            "{}{}",
            &text[..one.min(two)],
            &text[text.floor_char_boundary(one.min(two) + 40)..]
        );
        for broken in [cut.to_owned(), spliced, hole] {
            let mut document = Document::new(broken);
            for _ in 0..3 {
                let scopes = document.scopes();
                for (id, scope) in scopes.iter() {
                    assert!(
                        document.text().get(scope.range.clone()).is_some(),
                        "{:?}",
                        scope.range
                    );
                    scopes.captures(id);
                    scopes.definition_names(id);
                }
                scopes.globals(scopes.module());
                let line = random.below(document.lines().line_count() as usize) as u32;
                let range = Range::new(Position::new(line, 0), Position::new(line, 7));
                document.edit(
                    Some(range),
                    ["(", "'''", "def f(", "}", ":\n"][random.below(5)],
                    Encoding::Utf16,
                );
            }
            // What is too broken for Python is refused, and that is all.
            drop(document.check());
        }
    }
}
