//! Measures what a keystroke costs in a file: the edit of the text, the strict judgement after it, and the names, for which
//! nobody waits; beside them the grammar's tree of the whole text, which is parsed afresh for nobody. Prints microseconds by the clock.
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
    let [edits, checks, names] = typed(&text, keystrokes);
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
        ("judgement", checks),
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

/// What is typed, letter by letter: most of the time it is broken, as code that is being typed is.
const TYPED: &str = "total = compute(items[0], key='a')";

/// A line typed into functions all over the file: what each edit takes, the judgement after it, and the names after that.
fn typed(text: &str, keystrokes: usize) -> [Vec<Duration>; 3] {
    let mut document = Document::new(text.to_owned());
    document.settle();
    let is_header = |line: &&str| line.trim_start().starts_with("def ") && line.ends_with("):");
    let headers: Vec<u32> = (0..)
        .zip(text.lines())
        .filter_map(|(number, line)| is_header(&line).then_some(number))
        .collect();
    let step = (headers.len() * TYPED.len()).div_ceil(keystrokes).max(1);
    let [mut edits, mut checks, mut names] = [const { Vec::new() }; 3];
    for header in headers.into_iter().step_by(step) {
        let line = header + 1;
        let blank = document.lines().line_range(document.text(), line);
        let blank = &document.text()[blank];
        let indent = blank.len() - blank.trim_start().len();
        let place = |character: usize| Position::new(line, character as u32);
        let start = Range::new(place(0), place(0));
        document.edit(
            Some(start),
            &format!("{}\n", " ".repeat(indent)),
            Encoding::Utf16,
        );
        for (number, letter) in TYPED.char_indices() {
            document.settle();
            let at = place(indent + number);
            let at = Range::new(at, at);
            let letter = letter.to_string();
            edits.push(taken(|| document.edit(Some(at), &letter, Encoding::Utf16)));
            checks.push(taken(|| {
                std::hint::black_box(document.check().is_ok());
            }));
            names.push(taken(|| drop(document.scopes())));
        }
        let end = Range::new(place(0), Position::new(line + 1, 0));
        document.edit(Some(end), "", Encoding::Utf16);
        document.settle();
    }
    [edits, checks, names]
}
