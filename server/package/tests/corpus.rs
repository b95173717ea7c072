//! The programmes of `tests/corpus/programmes`, half of them as they stand and the other half put into a method. All of
//! them both ways: `real_corpus.rs`.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

#[test]
fn programmes_as_they_stand() {
    support::corpus::as_they_stand(|number| number % 2 == 0);
}

#[test]
fn programmes_in_a_method() {
    support::corpus::in_a_method(|number| number % 2 == 1);
}
