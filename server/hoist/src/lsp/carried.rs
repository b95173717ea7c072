//! Findings of an earlier text at the places where they are by now.

use std::ops::Range;
use std::sync::Arc;

use hoist_analysis::Finding;

/// What was found when the text was last looked at whole, moved along with the edits since.
#[derive(Clone, Default)]
pub(super) struct Carried {
    found: Option<Arc<Vec<Finding>>>,
    /// Which finding, and its bytes in the text of now.
    places: Vec<(usize, Range<usize>)>,
}

impl Carried {
    /// The findings of the text as it is now.
    pub(super) fn new(found: Arc<Vec<Finding>>) -> Self {
        let places = found.iter().map(|finding| finding.range.clone());
        Self {
            places: places.enumerate().collect(),
            found: Some(found),
        }
    }

    /// Follows an edit that puts `inserted` bytes in the place of `edited`. What it leaves nothing of is gone.
    pub(super) fn follow(&mut self, edited: &Range<usize>, inserted: usize) {
        let moved = |at: usize| at - edited.len() + inserted;
        self.places.retain_mut(|(_, place)| {
            let was_between = place.start >= place.end;
            place.start = match place.start {
                at if at >= edited.end => moved(at),
                // What is put in takes the place of the beginning.
                at if at > edited.start => edited.start + inserted,
                at => at,
            };
            place.end = match place.end {
                at if at <= edited.start => at,
                at if at >= edited.end => moved(at),
                _ => edited.start,
            };
            was_between || place.start < place.end
        });
    }

    /// The findings with their places in the text of now; none when no text of this document was looked at whole yet.
    pub(super) fn placed(&self) -> Option<impl Iterator<Item = (&Finding, &Range<usize>)>> {
        let found = self.found.as_ref()?;
        let places = self.places.iter();
        Some(places.filter_map(|(index, place)| Some((found.get(*index)?, place))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn follow(place: Range<usize>, edited: Range<usize>, inserted: usize) -> Option<Range<usize>> {
        let mut carried = Carried {
            found: None,
            places: vec![(0, place)],
        };
        carried.follow(&edited, inserted);
        carried.places.pop().map(|(_, place)| place)
    }

    #[test]
    fn a_place_follows_what_is_typed_before_inside_and_behind_it() {
        assert_eq!(follow(10..14, 3..3, 2), Some(12..16));
        assert_eq!(follow(10..14, 10..10, 1), Some(11..15), "right before it");
        assert_eq!(follow(10..14, 12..12, 1), Some(10..15));
        assert_eq!(follow(10..14, 14..14, 5), Some(10..14), "right behind it");
        assert_eq!(follow(10..14, 20..30, 0), Some(10..14));
    }

    #[test]
    fn a_place_keeps_what_an_edit_leaves_of_it() {
        assert_eq!(follow(10..14, 8..12, 1), Some(9..11));
        assert_eq!(follow(10..14, 12..20, 3), Some(10..12));
        assert_eq!(follow(10..14, 10..14, 0), None);
        assert_eq!(follow(10..14, 5..20, 9), None);
        assert_eq!(
            follow(10..10, 4..6, 0),
            Some(8..8),
            "a place between two characters"
        );
    }
}
