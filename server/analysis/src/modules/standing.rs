//! Where a module stands: its name, and the folder that its name counts from.

use std::path::{Path, PathBuf};

use super::import::Import;
use crate::environment::provides::is_identifier;
use crate::files::Files;
use crate::files::paths::is_below;

/// Where the entry's module stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    /// The folder that is the top of the package's tree; everything that travels is below it.
    pub(crate) base: PathBuf,
    /// `pkg.sub.train`
    pub(crate) name: String,
    /// The folder from which the name counts.
    pub(crate) root: PathBuf,
}

impl Standing {
    /// Moves the tree's top up until it holds these folders, too: those of editable installs lie anywhere.
    pub(crate) fn reach(&mut self, folders: &[PathBuf]) {
        for folder in folders {
            while !is_below(folder, &self.base) && self.base.pop() {}
        }
    }
}

/// Finds a module's name and the folder that must be on `sys.path` for it.
pub(crate) fn standing(
    files: &dyn Files,
    path: &Path,
    workspace: &Path,
    imports: &[Import],
) -> Standing {
    let folder = path.parent().unwrap_or(Path::new("/")).to_path_buf();
    let stem = path
        .file_stem()
        .and_then(|stem| stem.to_str())
        .unwrap_or("module")
        .to_owned();
    let mut parts: Vec<String> = Vec::new();
    let mut root = folder.clone();
    let is_package = |folder: &Path| {
        const NAME: &str = "__init__.py";
        let is_file = |path: &Path| files.metadata(path).is_ok_and(|meta| meta.is_file);
        match files.known(folder) {
            Some(known) if known.has_file(NAME) => true,
            Some(known) if known.lacks(NAME) => false,
            _ => is_file(&folder.join(NAME)),
        }
    };
    while is_package(&root) {
        let Some(name) = root
            .file_name()
            .and_then(|name| name.to_str())
            .filter(|name| is_identifier(name))
        else {
            break;
        };
        parts.insert(0, name.to_owned());
        if !root.pop() {
            break;
        }
    }
    // Relative imports make a package of folders without `__init__.py`, too.
    let levels = imports
        .iter()
        .filter(|import| !import.guarded)
        .map(|import| import.level)
        .max()
        .unwrap_or(0) as usize;
    while parts.len() < levels {
        let Some(name) = root
            .file_name()
            .and_then(|name| name.to_str())
            .map(str::to_owned)
        else {
            break;
        };
        parts.insert(0, name);
        if !root.pop() {
            break;
        }
    }
    if stem != "__init__" {
        parts.push(stem);
    }
    let mut base = if is_below(path, workspace) {
        workspace.to_path_buf()
    } else {
        folder
    };
    while !is_below(&root, &base) {
        if !base.pop() {
            break;
        }
    }
    Standing {
        base,
        name: parts.join("."),
        root,
    }
}
