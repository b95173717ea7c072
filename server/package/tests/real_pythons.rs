//! Every programme of `support/cases` under every Python of this machine.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

#[test]
fn every_python_runs_every_programme_alike() {
    support::matrix::check(|_, _| true);
}
