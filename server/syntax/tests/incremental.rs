//! What is kept of the version before is what would be read afresh: random edits of real files, and after each the names and
//! the judgement compared. `HOIST_FUZZ` is the number of edits, `HOIST_SEED` where the numbers begin.

mod real;

use hoist_syntax::{Document, Encoding, Position, Range, Scopes, strict};
use real::{Random, number};

/// What is put in: keystrokes, whole lines, and what opens or closes things that reach far.
const PUT: &[&str] = &[
    "x",
    " ",
    "\n",
    "\r\n",
    "\r",
    "(",
    ")",
    "\"\"\"",
    "'",
    "#",
    ":",
    "    ",
    "\\\n",
    "é😀",
    "x = [i for i in y]\n",
    "\ndef f(a, *, b=lambda: c):\n    nonlocal d\n    return super().e\n",
    "\nclass A:\n    def __g(self): return __h\n",
    "from __future__ import annotations\n",
    "global z\n",
    "import os.path\n",
    "else:\n",
    "@deco\n",
    "if (w := x) > 1: pass\n",
    "\u{feff}",
    "\u{c}",
    "type X[T] = T\n",
];

#[test]
fn the_line_after_a_comment_that_ends_with_a_backslash_is_a_line() {
    for before in [
        "1# a\\\n",
        "# a\\\r\n",
        "x = '#'\n# '\\\n",
        "x = '#' + \\\n  1;\\\n",
        "\\\n",
    ] {
        let mut document = Document::new(before.to_owned());
        document.scopes();
        let end = document
            .lines()
            .position(before, before.len(), Encoding::Utf8);
        document.edit(
            Some(Range::new(end, end)),
            "type X = int\ny = 2\n",
            Encoding::Utf8,
        );
        let fresh = Scopes::read(&document);
        assert!(document.scopes().iter().eq(fresh.iter()), "{before:?}");
    }
}

#[test]
fn what_is_kept_is_what_is_read_afresh() {
    let seed = number("HOIST_SEED", 1);
    let edits = number("HOIST_FUZZ", 150);
    let mut random = Random(seed as u64);
    let texts = real::texts(7);
    let mut done = 0;
    while done < edits {
        let text = &texts[random.below(texts.len())];
        let mut document = Document::new(text.clone());
        document.settle();
        // Someone else may still hold an earlier version.
        let mut held = None;
        for _ in 0..25 {
            done += 1;
            let text = document.text();
            let start = text.floor_char_boundary(random.below(text.len() + 1));
            let removed = if random.below(3) == 0 {
                random.below(60)
            } else {
                0
            };
            let end = text.floor_char_boundary((start + removed).min(text.len()));
            let mut put = PUT[random.below(PUT.len())];
            if random.below(3) == 0 {
                // A line from elsewhere.
                put = text.lines().nth(random.below(500)).unwrap_or_default();
            }
            let put = put.to_owned();
            let place = |offset| document.lines().position(text, offset, Encoding::Utf16);
            let range = Range::new(place(start), place(end));
            if random.below(4) == 0 {
                held = Some(document.clone());
            }
            document.edit(Some(range), &put, Encoding::Utf16);
            let about = format!("seed {seed}, edit {done}: {put:?} at {start}..{end}");
            let fresh = Scopes::read(&document);
            assert!(
                document.scopes().iter().eq(fresh.iter()),
                "the names differ; {about}"
            );
            assert_eq!(
                document.scopes().functions().collect::<Vec<_>>(),
                fresh.functions().collect::<Vec<_>>(),
                "{about}"
            );
            assert_eq!(document.check(), strict::check(document.text()), "{about}");
            if random.below(4) == 0 {
                document.settle();
            }
        }
        if let Some(held) = held {
            let fresh = Scopes::read(&held);
            assert!(
                held.scopes().iter().eq(fresh.iter()),
                "a snapshot keeps its names; seed {seed}, edit {done}"
            );
        }
    }
}

/// Classes of real files that are long enough to be judged by their statements.
fn classes() -> Vec<String> {
    let mut classes = Vec::new();
    for text in real::texts(11) {
        let document = Document::new(text);
        for piece in document.scopes().pieces() {
            let text = &document.text()[piece];
            let is_class = text.starts_with("class ") || text.starts_with('@');
            if is_class && (600..5_000).contains(&text.len()) {
                classes.push(text.to_owned());
            }
        }
    }
    classes
}

/// What breaks a class's statements apart or joins them.
const PUT_IN_CLASS: &[&str] = &[
    "\n    ",
    "    def g(self):\n        return 1\n",
    "    return 1\n",
    "        yield\n",
    "    global x\n",
    "        global x\n",
    "        nonlocal x\n",
    "    @deco\n",
    "    else:\n",
    "  x\n",
    "\tx\n",
    "class B(A):\n",
    "pass",
    "await x",
    "break\n",
];

#[test]
fn a_class_is_judged_as_a_whole_whatever_is_typed_in_it() {
    let seed = number("HOIST_SEED", 1);
    let edits = number("HOIST_FUZZ", 1_500);
    let mut random = Random(seed as u64);
    let classes = classes();
    assert!(!classes.is_empty(), "the files at hand have long classes");
    let mut done = 0;
    while done < edits {
        let class = &classes[random.below(classes.len())];
        let other = &classes[random.below(classes.len())];
        let mut document = Document::new(format!("import os\n{class}x = 1\n{other}"));
        document.settle();
        for _ in 0..20 {
            done += 1;
            let text = document.text();
            let start = text.floor_char_boundary(random.below(text.len() + 1));
            let removed = match random.below(4) {
                0 => random.below(40),
                _ => 0,
            };
            let end = text.floor_char_boundary((start + removed).min(text.len()));
            let lines = document.lines();
            let mut place = lines.position(text, start, Encoding::Utf8);
            let put = match random.below(2) {
                0 => PUT[random.below(PUT.len())],
                _ => {
                    place = Position::new(place.line, 0);
                    PUT_IN_CLASS[random.below(PUT_IN_CLASS.len())]
                }
            };
            let end = lines.position(text, end, Encoding::Utf8);
            let about = format!("seed {seed}, edit {done}: {put:?} at {place:?} to {end:?}");
            document.edit(Some(Range::new(place, end)), put, Encoding::Utf8);
            assert_eq!(document.check(), strict::check(document.text()), "{about}");
        }
    }
}
