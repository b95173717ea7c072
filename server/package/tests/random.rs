//! Programmes made up at random, each entry of them in its whole module and in its package.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

#[test]
fn packages_do_what_their_modules_do() {
    support::random::check(4);
}
