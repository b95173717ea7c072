//! Where a line of an older text is now.
//!
//! A job fails minutes after the text that it runs was edited on; lenses of broken code stand where their functions last stood.
//! Both follow the edits through [`LineEdit`].

use std::ops::Range;

/// What one edit does to line numbers. All lines are 0-based.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct LineEdit {
    /// Lines before this one are untouched and keep their number.
    same_before: u32,
    /// Lines from this one on are untouched and move by `delta`.
    moved_from: u32,
    /// How far they move.
    delta: i64,
}

impl LineEdit {
    /// The edit that replaces the bytes `range` of `old` by `inserted`.
    pub(super) fn replacing(old: &str, range: Range<usize>, inserted: &[u8]) -> Self {
        let old = old.as_bytes();
        let Range { start, end } = range;
        let breaks = |bytes: &[u8]| u32::try_from(memchr::memchr_iter(b'\n', bytes).count());
        let first = breaks(&old[..start]).unwrap_or(u32::MAX);
        let removed = breaks(&old[start..end]).unwrap_or(u32::MAX);
        let added = breaks(inserted).unwrap_or(u32::MAX);
        let last = first.saturating_add(removed);

        let line_ends_at = |at: usize| matches!(old.get(at), None | Some(b'\n' | b'\r'));
        let line_starts_at = |at: usize| at == 0 || old[at - 1] == b'\n';
        // The line in which the edit starts is whole when the edit only adds behind its last character ...
        let first_survives = line_ends_at(start)
            && match inserted.first() {
                Some(byte) => matches!(byte, b'\n' | b'\r'),
                None => line_ends_at(end),
            };
        // ... and the one in which it ends, when the edit only takes or adds lines above it.
        let last_survives = line_starts_at(end)
            && match inserted.last() {
                Some(byte) => *byte == b'\n',
                None => line_starts_at(start),
            };
        let same_before = first + u32::from(first_survives);
        let moved_from = if last_survives {
            last
        } else {
            last.saturating_add(1)
        };
        Self {
            same_before,
            moved_from: moved_from.max(same_before),
            delta: i64::from(added) - i64::from(removed),
        }
    }

    /// Where `line` is after the edit; `None` when the edit touched it.
    pub(super) fn follow(self, line: u32) -> Option<u32> {
        if line < self.same_before {
            Some(line)
        } else if line >= self.moved_from {
            u32::try_from(i64::from(line) + self.delta).ok()
        } else {
            None
        }
    }

    /// As [`LineEdit::follow`], but a line that the edit touched without taking it away stays: the first of the touched
    /// lines where they were, for the others there is no telling.
    pub(super) fn follow_touched(self, line: u32) -> Option<u32> {
        let is_first = line == self.same_before && line < self.moved_from;
        let remains = i64::from(self.moved_from) + self.delta > i64::from(line);
        self.follow(line).or((is_first && remains).then_some(line))
    }
}

/// The smallest changed piece that explains the replacement of the bytes `range` of `old` by `new`: which bytes, and what takes
/// their place (clients may replace the whole text to change one letter). `None` when nothing changes.
pub(super) fn reduced<'n>(
    old: &str,
    range: Range<usize>,
    new: &'n str,
) -> Option<(Range<usize>, &'n [u8])> {
    let (before, after) = (old[range.clone()].as_bytes(), new.as_bytes());
    let shorter = before.len().min(after.len());
    let head = common(before, after, shorter);
    if head == before.len() && head == after.len() {
        return None;
    }
    let tail = before
        .iter()
        .rev()
        .zip(after.iter().rev())
        .take(shorter - head)
        .take_while(|(left, right)| left == right)
        .count();
    Some((
        range.start + head..range.end - tail,
        &after[head..after.len() - tail],
    ))
}

/// How many bytes from the front are the same, looked at in blocks because texts are long and edits are many.
fn common(left: &[u8], right: &[u8], most: usize) -> usize {
    const BLOCK: usize = 256;
    let mut at = 0;
    while at + BLOCK <= most && left[at..at + BLOCK] == right[at..at + BLOCK] {
        at += BLOCK;
    }
    at + left[at..most]
        .iter()
        .zip(&right[at..most])
        .take_while(|(left, right)| left == right)
        .count()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The edit that makes `new` of all of `old`.
    fn edit(old: &str, new: &str) -> Option<LineEdit> {
        let (range, inserted) = reduced(old, 0..old.len(), new)?;
        Some(LineEdit::replacing(old, range, inserted))
    }

    fn moved(old: &str, new: &str, line: u32) -> Option<u32> {
        edit(old, new).map_or(Some(line), |edit| edit.follow(line))
    }

    #[test]
    fn a_line_moves_with_what_is_put_above_it() {
        assert_eq!(moved("a\nb\nc\n", "new\na\nb\nc\n", 1), Some(2));
        assert_eq!(moved("a\nb\nc\n", "a\nx\ny\nb\nc\n", 1), Some(3));
        assert_eq!(moved("a\nb\nc\n", "b\nc\n", 1), Some(0));
        assert_eq!(moved("a\nb\nc\n", "a\nb\nc\nd", 1), Some(1));
    }

    #[test]
    fn a_touched_line_is_lost_and_its_neighbours_are_not() {
        assert_eq!(moved("a\nboo\nc\n", "a\nbaa\nc\n", 1), None);
        assert_eq!(moved("a\nboo\nc\n", "a\nbaa\nc\n", 0), Some(0));
        assert_eq!(moved("a\nboo\nc\n", "a\nbaa\nc\n", 2), Some(2));
        assert_eq!(moved("a\nboo\nc\n", "a\nc\n", 1), None);
        assert_eq!(moved("a\nboo\nc\n", "a\nb\noo\nc\n", 1), None);
        assert_eq!(moved("a\nboo\nc\n", "aboo\nc\n", 1), None);
    }

    #[test]
    fn enter_at_the_end_of_a_line_does_not_touch_it() {
        assert_eq!(
            moved("a\n    raise X\nc\n", "a\n    raise X\n    \nc\n", 1),
            Some(1)
        );
        assert_eq!(
            moved("a\r\nraise X\r\nc\r\n", "a\r\nraise X\r\n\r\nc\r\n", 2),
            Some(3)
        );
        assert_eq!(
            moved("a\r\nraise X\r\nc\r\n", "a\r\nraise X\r\n\r\nc\r\n", 1),
            Some(1)
        );
    }

    #[test]
    fn a_line_that_is_being_typed_stays_and_one_that_is_deleted_goes() {
        let touched =
            |old: &str, new: &str, line| edit(old, new).and_then(|edit| edit.follow_touched(line));
        assert_eq!(touched("a\ndef f():\nc\n", "a\ndef f(:\nc\n", 1), Some(1));
        assert_eq!(touched("a\ndef f():\nc\n", "a\nc\n", 1), None);
        assert_eq!(touched("a\nb\nc\n", "x\na\nb\nc\n", 1), Some(2));
    }

    #[test]
    fn nothing_changed_is_no_edit() {
        assert_eq!(edit("a\nb", "a\nb"), None);
    }

    proptest! {
        // A line that is said to be somewhere reads there as it read before.
        #[test]
        fn a_followed_line_keeps_its_text(
            old in "[ab\n]{0,40}", new in "[ab\n]{0,40}", line in 0u32..20,
        ) {
            let before: Vec<&str> = old.split('\n').collect();
            let after: Vec<&str> = new.split('\n').collect();
            prop_assume!((line as usize) < before.len());
            if let Some(to) = moved(&old, &new, line) {
                prop_assert_eq!(before[line as usize], after[to as usize]);
            }
        }

        // Whatever stands far from the edit is followed, never dropped.
        #[test]
        fn only_lines_of_the_edit_are_lost(
            head in prop::collection::vec("[ab]{1,3}", 1..6),
            middle in "[xy\n]{0,12}",
            tail in prop::collection::vec("[ab]{1,3}", 1..6),
        ) {
            let old = format!("{}\nOLD\n{}", head.join("\n"), tail.join("\n"));
            let new = format!("{}\n{middle}\n{}", head.join("\n"), tail.join("\n"));
            let count = u32::try_from(head.len()).unwrap_or(0);
            for line in 0..count {
                prop_assert_eq!(moved(&old, &new, line), Some(line));
            }
            let added = u32::try_from(middle.matches('\n').count()).unwrap_or(0);
            for line in 0..u32::try_from(tail.len()).unwrap_or(0) {
                prop_assert_eq!(moved(&old, &new, count + 1 + line), Some(count + 1 + added + line));
            }
        }
    }
}
