//! Every call of Python's own library that `tests/corpus/library.py` finds, in its whole module and in its slice; in two
//! parts, which run side by side.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

#[test]
fn one_half_gives_the_same_in_its_slices() {
    support::library::check(|number| number % 2 == 0);
}

#[test]
fn the_other_half_gives_the_same_in_its_slices() {
    support::library::check(|number| number % 2 == 1);
}
