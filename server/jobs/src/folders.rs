//! Where things of the user are kept.

use std::path::PathBuf;

/// A folder of the XDG base directories: what the variable says when it is an absolute path, else `below` in the home.
pub(crate) fn xdg(variable: &str, below: &str) -> Option<PathBuf> {
    let set = std::env::var_os(variable)
        .map(PathBuf::from)
        .filter(|path| path.is_absolute());
    set.or_else(|| Some(std::env::home_dir()?.join(below)))
}
