//! What is kept of the version before is what would be read afresh: random edits of real files, and after each the names and
//! the judgement compared. `HOIST_FUZZ` is the number of edits, `HOIST_SEED` where the numbers begin.

mod real;

use hoist_syntax::{Document, Encoding, Range, Scopes, strict};
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
fn what_is_kept_is_what_is_read_afresh() {
    let seed = number("HOIST_SEED", 1);
    let edits = number("HOIST_FUZZ", 150);
    let mut random = Random(seed as u64);
    let texts = real::texts(7);
    let mut done = 0;
    while done < edits {
        let text = &texts[random.below(texts.len())];
        let mut document = Document::new(text.clone());
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
