//! From the list of a distribution's files to the names that one imports.
//!
//! A regular package is one name. What lies in a folder without `__init__.py` belongs to a namespace that others share, so
//! there the names are the dotted ones below it: `google.cloud.storage`.

use std::collections::BTreeSet;

/// The modules of a list of files. `shared` are regular packages that several distributions put files into: of these the
/// names one step below count as well.
pub(super) fn names<'a>(
    files: impl Iterator<Item = &'a str> + Clone,
    shared: &BTreeSet<String>,
) -> BTreeSet<String> {
    let regular: BTreeSet<&str> = files.clone().filter_map(regular_package).collect();
    let mut found = BTreeSet::new();
    let mut below: Vec<Module<'_>> = Vec::new();
    let mut last = "";
    for path in files {
        // Most of what an environment lists are the files of one package after the other.
        let inside = path.strip_prefix(last);
        if !last.is_empty() && inside.is_some_and(|inside| inside.starts_with('/')) {
            continue;
        }
        let Some(module) = Module::of(path) else {
            continue;
        };
        let top = module.folder.split('/').next().unwrap_or_default();
        if top.is_empty() {
            found.insert(module.stem.to_owned());
        } else if shared.contains(top) {
            found.insert(top.to_owned());
            let rest = module.folder.get(top.len() + 1..);
            let next = rest.and_then(|rest| rest.split('/').next());
            let next = next.unwrap_or(module.stem);
            if next != "__init__" && is_identifier(next) {
                found.insert(format!("{top}.{next}"));
            }
        } else if regular.contains(top) {
            found.insert(top.to_owned());
            last = top;
        } else {
            below.push(module);
        }
    }
    found.extend(namespaced(&below));
    found.retain(|name| name != "__init__");
    found
}

/// The folder at the top that this file makes a regular package.
fn regular_package(path: &str) -> Option<&str> {
    let at = memchr::memchr(b'/', path.as_bytes())?;
    if !path.get(at + 1..)?.starts_with("__init__.") {
        return None;
    }
    let module = Module::of(path)?;
    (module.stem == "__init__" && module.folder.len() == at).then_some(module.folder)
}

/// The names of modules in namespaces: of the outermost regular package of each, else of the module itself.
fn namespaced(modules: &[Module<'_>]) -> BTreeSet<String> {
    let regular: BTreeSet<&str> = modules
        .iter()
        .filter(|module| module.stem == "__init__")
        .map(|module| module.folder)
        .collect();
    let mut found = BTreeSet::new();
    for module in modules {
        if !module.folder.split('/').all(is_identifier) {
            continue;
        }
        let ends = module.folder.match_indices('/').map(|(at, _)| at);
        let package = ends
            .chain([module.folder.len()])
            .map(|end| &module.folder[..end])
            .find(|folder| regular.contains(folder));
        found.insert(match package {
            Some(folder) => folder.replace('/', "."),
            None => format!("{}.{}", module.folder.replace('/', "."), module.stem),
        });
    }
    found
}

/// A file that can be imported.
#[derive(Clone, Copy)]
struct Module<'a> {
    /// `/`-separated; empty at the top.
    folder: &'a str,
    stem: &'a str,
}

impl<'a> Module<'a> {
    fn of(path: &'a str) -> Option<Module<'a>> {
        let (folder, file) = path.rsplit_once('/').unwrap_or(("", path));
        let stem = module_name(file)?;
        let is_outside = path.starts_with('/') || path.starts_with("..") || path.contains(':');
        let top = folder.split('/').next().unwrap_or_default();
        if is_outside || folder.ends_with("__pycache__") || !(top.is_empty() || is_identifier(top))
        {
            return None;
        }
        Some(Module { folder, stem })
    }
}

/// The module that a file is: `a` of `a.py`, `a.pyc`, `a.cpython-311-x86_64-linux-gnu.so` and `a.cp311-win_amd64.pyd`.
pub(crate) fn module_name(file: &str) -> Option<&str> {
    let (stem, suffix) = file.rsplit_once('.')?;
    let stem = match suffix {
        "py" | "pyc" => stem,
        "so" | "pyd" => stem.split('.').next().unwrap_or(stem),
        _ => return None,
    };
    is_identifier(stem).then_some(stem)
}

/// Whether a file is a compiled extension.
pub(crate) fn is_extension(file: &str) -> bool {
    file.ends_with(".so") || file.ends_with(".pyd")
}

/// Whether a name can stand in an import statement.
pub(crate) fn is_identifier(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(|c| c.is_alphabetic() || c == '_')
        && chars.all(|c| c.is_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(files: &[&str], shared: &[&str]) -> Vec<String> {
        let shared = shared.iter().map(|name| (*name).to_owned()).collect();
        names(files.iter().copied(), &shared).into_iter().collect()
    }

    #[test]
    fn packages_modules_and_extensions() {
        let files = [
            "yaml/__init__.py",
            "yaml/_yaml.cpython-311-x86_64-linux-gnu.so",
            "_yaml/__init__.py",
            "six.py",
            "_cffi_backend.cp311-win_amd64.pyd",
            "../../../bin/tool.py",
            "__pycache__/six.cpython-311.pyc",
            "PyYAML-6.0.dist-info/RECORD",
            "81d243__mypyc.so",
            "types-stubs/__init__.py",
            "bare.pyc",
        ];
        assert_eq!(
            of(&files, &[]),
            ["_cffi_backend", "_yaml", "bare", "six", "yaml"]
        );
    }

    #[test]
    fn namespaces_have_the_names_below_them() {
        let files = [
            "google/cloud/storage/__init__.py",
            "google/cloud/storage/blob.py",
            "google/cloud/_storage_v2/__init__.py",
            "google/one.py",
            "google/a-b/x.py",
        ];
        assert_eq!(
            of(&files, &[]),
            [
                "google.cloud._storage_v2",
                "google.cloud.storage",
                "google.one"
            ]
        );
    }

    #[test]
    fn a_package_that_several_share_is_looked_into() {
        let files = [
            "azure/__init__.py",
            "azure/storage/__init__.py",
            "azure/storage/x.py",
            "azure/core.py",
        ];
        assert_eq!(of(&files, &[]), ["azure"]);
        assert_eq!(
            of(&files, &["azure"]),
            ["azure", "azure.core", "azure.storage"]
        );
    }
}
