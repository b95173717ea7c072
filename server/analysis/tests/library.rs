//! Calls of a few modules of Python's own library, in their whole modules and in their slices. All of them: `real_library.rs`.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

#[test]
fn a_sample_gives_the_same_in_its_slices() {
    support::library::check(|number| number % 20 == 3);
}
