//! Measures what a keystroke costs in a file: the edit of the text, and the names with the strict judgement after it; beside
//! them the grammar's tree of the whole text, which nothing waits for. Prints microseconds by the clock.
//! `cargo run --release -p hoist-syntax --example typing -- FILE.py [KEYSTROKES]`

use hoist_syntax::{Document, Encoding, Position, Range, Scopes};
use std::time::{Duration, Instant};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let file = arguments.next().ok_or("name a Python file")?;
    let keystrokes: usize = arguments.next().map_or(Ok(400), |count| count.parse())?;
    let text = std::fs::read_to_string(&file)?;

    let mut trees = Vec::new();
    let mut first = Vec::new();
    for _ in 0..5 {
        let document = Document::new(text.clone());
        first.push(taken(|| drop(Scopes::read(&document))));
        trees.push(taken(|| {
            document.tree();
        }));
    }
    let (edits, names) = typed(&text, keystrokes);
    let document = Document::new(text);
    eprintln!(
        "{file}: {} lines, {} bytes, {} scopes",
        document.lines().line_count(),
        document.text().len(),
        document.scopes().iter().count()
    );
    for (what, mut times) in [
        ("all names", first),
        ("edit", edits),
        ("names after it", names),
        ("whole tree", trees),
    ] {
        times.sort();
        let at = |part: usize| times[(times.len() - 1) * part / 100].as_secs_f64() * 1e6;
        eprintln!(
            "{what:>15}: best {:8.0} µs, median {:8.0} µs, p95 {:8.0} µs",
            at(0),
            at(50),
            at(95)
        );
    }
    Ok(())
}

fn taken(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

/// A word typed at the ends of lines all over the file, and taken away again: what the edits and the names take.
fn typed(text: &str, keystrokes: usize) -> (Vec<Duration>, Vec<Duration>) {
    let mut document = Document::new(text.to_owned());
    document.check().ok();
    let lines = document.lines().line_count();
    let (mut edits, mut names) = (Vec::new(), Vec::new());
    for number in 0..keystrokes {
        let line = (number / 8 * 7919) as u32 % lines;
        let end = document.lines().position(
            document.text(),
            document.lines().line_range(document.text(), line).end,
            Encoding::Utf16,
        );
        let (range, typed) = if number % 8 < 4 {
            (Range::new(end, end), ["x", "(", "y", ")"][number % 4])
        } else {
            let before = Position::new(end.line, end.character.saturating_sub(1));
            (Range::new(before, end), "")
        };
        edits.push(taken(|| document.edit(Some(range), typed, Encoding::Utf16)));
        names.push(taken(|| {
            std::hint::black_box(document.check().is_ok());
        }));
    }
    (edits, names)
}
