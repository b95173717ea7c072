//! Programmes that must run alike under every Python. Each is a user's file, an entry, arguments, and what must come out.

mod at_home;
mod calls;
mod endings;
mod entries;
mod exceptions;
mod processes;
mod values;

use hoist_package::Outcome;

use super::{Ran, dedent};

/// One programme.
pub struct Case {
    pub name: &'static str,
    pub source: String,
    pub entry: &'static str,
    pub args: &'static str,
    pub check: fn(&Ran),
    /// The first minor version of Python 3 that has what the programme uses.
    pub since: u32,
}

fn case(
    name: &'static str,
    source: &str,
    entry: &'static str,
    args: &'static str,
    check: fn(&Ran),
) -> Case {
    Case {
        name,
        source: dedent(source),
        entry,
        args,
        check,
        since: 6,
    }
}

fn fails_with(ran: &Ran, type_name: &str, message: &str) {
    assert_eq!(
        (ran.code, ran.exit.state),
        (1, Outcome::Failed),
        "{}",
        ran.stderr
    );
    assert_eq!(ran.error(), (type_name.to_owned(), message.to_owned()));
}

pub fn all() -> Vec<Case> {
    let themes = [
        values::all(),
        entries::all(),
        at_home::all(),
        processes::all(),
        exceptions::all(),
        calls::all(),
        endings::all(),
    ];
    themes.into_iter().flatten().collect()
}
