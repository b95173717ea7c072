//! The programmes of `support/cases`, each under every fourth Python of this machine, each Python with every fourth of
//! them. All of them under all: `real_pythons.rs`.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

#[test]
fn pythons_run_programmes_alike() {
    support::matrix::check(|programme, python| (programme + python) % 4 == 0);
}
