//! Many ranges, asked whether one of them holds a place.

use std::ops::Range;

/// Ranges by where they begin, each with the end that reaches furthest of it and those before it.
pub(super) struct Ranges(Vec<(usize, usize)>);

impl Ranges {
    pub(super) fn new(ranges: &[Range<usize>]) -> Ranges {
        let mut sorted: Vec<(usize, usize)> = ranges
            .iter()
            .map(|range| (range.start, range.end))
            .collect();
        sorted.sort_unstable();
        let mut furthest = 0;
        for (_, end) in &mut sorted {
            furthest = furthest.max(*end);
            *end = furthest;
        }
        Ranges(sorted)
    }

    pub(super) fn hold(&self, at: usize) -> bool {
        let before = self.0.partition_point(|(start, _)| *start <= at);
        before > 0 && at < self.0[before - 1].1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_may_lie_in_each_other_and_come_in_any_order() {
        let all = [20..30, 2..10, 4..6, 12..12, 25..40];
        let ranges = Ranges::new(&all);
        for at in 0..50 {
            let held = all.iter().any(|range| range.contains(&at));
            assert_eq!(ranges.hold(at), held, "{at}");
        }
    }
}
