//! Modules that every job can import without their being installed anywhere: `hoist`, and `clustrix` in its place.

/// What one imports them by.
const NAMES: [&str; 2] = ["clustrix", "hoist"];

/// Their text.
pub(crate) const TEXT: &str = include_str!("supplied/cluster.py");

/// The folder of the tree that they travel in, behind all others on `sys.path`.
pub(crate) const FOLDER: &str = ".hoist";

/// Can every job import a module of this name, unless the workspace has one?
pub fn is_supplied(name: &str) -> bool {
    module(name).is_some()
}

/// The one that a module is, or is part of. Whether a file of the workspace has that name is for others to know.
pub(crate) fn module(module: &str) -> Option<&'static str> {
    let top = module.split('.').next().unwrap_or_default();
    NAMES.into_iter().find(|name| *name == top)
}
