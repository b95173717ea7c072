//! Real files cut, spliced and with bytes left out: names are still read, and nothing panics.

mod real;

use hoist_syntax::{Document, Encoding, Position, Range, strict};
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

/// The parts of a text that was edited are judged one by one; what they say together is what the whole says.
#[test]
fn the_first_error_is_that_of_the_whole_text() {
    let mut member = "    x = '{}'\n".repeat(80);
    member.push_str(
        "    def f(self):\n        return 1\n    \x0cy = 2\n\n    def g(self):\n        return 2\n",
    );
    let class = format!("class A:\n{member}");
    for text in [
        "for i in x:\n    print(i)\nelse\u{feff}\n    pass\nwith a as b:\n    pass\n",
        "if a:\n    b\nelse:\n    # 1\n    # 2\n    # 3\n\n# 4\n# 5\nc = 1\nd = 2\n",
        "if a:\n    b\nelse:\n\\\n\\\n\\\n\\\n\\\n\\\nc = 1\nd = 2\n",
        &class,
    ] {
        let mut document = Document::new("#\n".to_owned());
        document.settle();
        let start = Position::new(0, 0);
        document.edit(Some(Range::new(start, start)), text, Encoding::Utf8);
        assert_eq!(document.check(), strict::check(document.text()), "{text:?}");
    }
}
