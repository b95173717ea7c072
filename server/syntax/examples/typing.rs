//! Measures what a keystroke costs in a file: the edit of text and tree, the names and the strict judgement after it. Prints microseconds of
//! processor time (Linux), which a busy machine spoils less than a clock's.
//! `cargo run --release -p hoist-syntax --example typing -- FILE.py [KEYSTROKES]`

use hoist_syntax::{Document, Encoding, Position, Range, Scopes};
use std::time::Duration;

/// What this thread has used of the processor so far; zero where the system does not say.
fn processor_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = stat.split(' ').next().and_then(|first| first.parse().ok());
    Duration::from_nanos(nanoseconds.unwrap_or_default())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let file = arguments.next().ok_or("name a Python file")?;
    let keystrokes: usize = arguments.next().map_or(Ok(400), |count| count.parse())?;
    let text = std::fs::read_to_string(&file)?;

    let mut opened = Vec::new();
    let mut first = Vec::new();
    for _ in 0..5 {
        let text = text.clone();
        let start = processor_time();
        let document = Document::new(text);
        document.tree();
        opened.push(processor_time() - start);
        let start = processor_time();
        std::hint::black_box(Scopes::read(&document));
        first.push(processor_time() - start);
    }
    let mut document = Document::new(text);
    document.check().ok();
    let lines = document.lines().line_count();
    let mut edits = Vec::new();
    let mut names = Vec::new();
    let mut judgements = Vec::new();
    let mut all = Vec::new();
    let mut snapshots = Vec::new();
    for number in 0..keystrokes {
        // A word typed at the ends of lines all over the file, and taken away again.
        let line = (number / 8 * 7919) as u32 % lines;
        let end = document.lines().position(
            document.text(),
            document.lines().line_range(document.text(), line).end,
            Encoding::Utf16,
        );
        let (range, typed) = if number % 8 < 4 {
            (Range::new(end, end), ["x", "(", "y", ")"][number % 4])
        } else {
            (
                Range::new(
                    Position::new(end.line, end.character.saturating_sub(1)),
                    end,
                ),
                "",
            )
        };
        // Someone always still holds the version before.
        snapshots.push(document.clone());
        if snapshots.len() > 2 {
            snapshots.remove(0);
        }
        let start = processor_time();
        document.edit(Some(range), typed, Encoding::Utf16);
        std::hint::black_box(document.tree());
        let edited = processor_time() - start;
        std::hint::black_box(document.scopes());
        edits.push(edited);
        let named = processor_time() - start;
        names.push(named - edited);
        std::hint::black_box(document.check().is_ok());
        judgements.push(processor_time() - start - named);
        all.push(processor_time() - start);
    }
    let count = document.scopes().iter().count();
    eprintln!(
        "{file}: {lines} lines, {} bytes, {count} scopes",
        document.text().len()
    );
    for (what, mut times) in [
        ("open", opened),
        ("all names", first),
        ("edit", edits),
        ("names after it", names),
        ("judgement", judgements),
        ("all three", all),
    ] {
        times.sort();
        let at = |part: usize| times[(times.len() - 1) * part / 100].as_secs_f64() * 1e6;
        eprintln!(
            "{what:>15}: median {:8.0} µs, p95 {:8.0} µs, worst {:8.0} µs",
            at(50),
            at(95),
            at(100)
        );
    }
    Ok(())
}
