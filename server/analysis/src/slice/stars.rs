//! What star imports bind, as far as it can be read here.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::modules::{Collected, Names, Resolver, Target};

/// For each star import, by its top-level statement, the names that it binds; none when they cannot be known.
pub(super) type Stars = BTreeMap<usize, Option<BTreeSet<String>>>;

/// The names that each star import binds; none when the module cannot be read here.
pub(super) fn stars(
    stars: &[(usize, String)],
    collected: &Collected,
    resolver: &Resolver<'_>,
    path: &Path,
) -> Stars {
    let mut found = Stars::new();
    for (unit, module) in stars {
        let names = star_file(module, resolver, path)
            .and_then(|file| public_names(&file, collected, resolver, &mut BTreeSet::new()));
        // One statement may hold several: `try: from a import *`, `except ImportError: from b import *`.
        let known = found.entry(*unit).or_insert_with(|| Some(BTreeSet::new()));
        match (known.as_mut(), names) {
            (Some(known), Some(names)) => known.extend(names),
            _ => *known = None,
        }
    }
    found
}

fn star_file(module: &str, resolver: &Resolver<'_>, path: &Path) -> Option<PathBuf> {
    let level = module.chars().take_while(|c| *c == '.').count();
    let name = module.trim_start_matches('.');
    let found = if level == 0 {
        resolver
            .absolute(name, std::iter::empty())
            .map(|(_, found)| found)?
    } else {
        let mut folder = path.parent()?.to_path_buf();
        for _ in 1..level {
            folder.pop();
        }
        if name.is_empty() {
            return Some(folder.join("__init__.py"));
        }
        resolver.follow(&folder, name)
    };
    let wanted = name.split('.').count();
    if found.len() < wanted {
        return None;
    }
    found.last().and_then(Target::file)
}

/// What `from module import *` binds: `__all__`, or every name without an underscore.
fn public_names(
    file: &Path,
    collected: &Collected,
    resolver: &Resolver<'_>,
    seen: &mut BTreeSet<PathBuf>,
) -> Option<BTreeSet<String>> {
    if !seen.insert(file.to_path_buf()) {
        return Some(BTreeSet::new());
    }
    match collected
        .modules
        .get(file)?
        .shown
        .as_ref()?
        .names
        .as_ref()?
    {
        Names::Listed(names) => Some(names.clone()),
        Names::Public { own, of } => {
            let mut names = own.clone();
            for module in of {
                let inner = star_file(module, resolver, file)?;
                names.extend(public_names(&inner, collected, resolver, seen)?);
            }
            Some(names)
        }
    }
}
