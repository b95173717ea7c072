//! The programmes of `tests/corpus/programmes`, all of them, as they stand and put into a method.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

#[test]
fn all_programmes_as_they_stand() {
    support::corpus::as_they_stand(|_| true);
}

#[test]
fn all_programmes_in_a_method() {
    support::corpus::in_a_method(|_| true);
}
