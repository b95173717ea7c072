//! The folders of what is installed, read one after the other as they stand on `sys.path`.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use super::distribution::{Distribution, Entry};
use super::links::Links;
use super::provides;
use crate::files::Files;

/// What lies in all of them.
#[derive(Debug, Default)]
pub(super) struct Sites {
    pub(super) folders: Vec<PathBuf>,
    pub(super) distributions: Vec<Distribution>,
    /// The file or folder of each top-level module, whoever put it there.
    pub(super) tops: HashMap<String, PathBuf>,
    /// Folders elsewhere that are on `sys.path`.
    pub(super) linked: Vec<PathBuf>,
    /// Folders inside of a site that are on `sys.path` themselves, as dotted names.
    pub(super) inner: Vec<String>,
    /// Modules that an editable install maps to a path.
    pub(super) mapped: BTreeMap<String, PathBuf>,
}

impl Sites {
    /// Reads the folders; everything that decides what is in them is added to `seen`.
    pub(super) fn read(files: &dyn Files, folders: Vec<PathBuf>, seen: &mut Vec<PathBuf>) -> Sites {
        let mut sites = Sites::default();
        for folder in &folders {
            sites.add(files, folder, seen);
        }
        sites.folders = folders;
        sites
    }

    fn add(&mut self, files: &dyn Files, site: &Path, seen: &mut Vec<PathBuf>) {
        let listed = files.list(site).unwrap_or_default();
        let mut entries: Vec<Entry> = Vec::new();
        let mut links = Links::default();
        let mut tops: HashMap<&str, PathBuf> = HashMap::new();
        for (name, is_dir) in &listed {
            if let Some(entry) = Entry::of(site, name, *is_dir) {
                entries.push(entry);
            } else if name.ends_with(".pth") && !is_dir {
                let path = site.join(name);
                links.add(files, site, &path);
                seen.push(path);
            } else if *is_dir {
                // A regular package goes before a module of the same name.
                if provides::is_identifier(name) && name != "__pycache__" {
                    tops.insert(name, site.join(name));
                }
            } else if let Some(module) = provides::module_name(name) {
                tops.entry(module).or_insert_with(|| site.join(name));
            }
        }
        seen.append(&mut links.read);
        let eggs = links.folders.iter().filter(|folder| {
            folder
                .extension()
                .is_some_and(|extension| extension == "egg")
        });
        let eggs: Vec<PathBuf> = eggs.cloned().collect();
        seen.extend(entries.iter().map(|entry| entry.path().to_path_buf()));

        let is_there = |top: &str| tops.contains_key(top);
        let found = distributions(files, &entries, &is_there);
        for egg in &eggs {
            let listed = files.list(egg).unwrap_or_default();
            let modules: BTreeSet<String> = listed
                .iter()
                .filter_map(|(name, is_dir)| match is_dir {
                    true => provides::is_identifier(name).then_some(name.as_str()),
                    false => provides::module_name(name),
                })
                .map(str::to_owned)
                .collect();
            let entry = Entry::of_egg(egg);
            let there = |top: &str| modules.contains(top);
            if let Some(distribution) = entry.read(files, &there, &BTreeSet::new()) {
                seen.push(entry.path().to_path_buf());
                for module in &modules {
                    self.tops
                        .entry(module.clone())
                        .or_insert_with(|| egg.join(module));
                }
                self.distributions.push(distribution);
            }
        }

        let owned: Vec<(String, PathBuf)> = tops
            .into_iter()
            .map(|(name, path)| (name.to_owned(), path))
            .collect();
        for (name, path) in owned {
            self.tops.entry(name).or_insert(path);
        }
        for folder in links.folders {
            if eggs.contains(&folder) {
                continue;
            }
            match folder.strip_prefix(site).ok().and_then(Path::to_str) {
                Some(inside) => {
                    self.inner
                        .push(inside.trim_matches('/').replace(['/', '\\'], "."));
                    self.add_inner(files, &folder);
                    seen.push(folder);
                }
                None => self.link(folder),
            }
        }
        self.mapped.extend(links.modules);
        for distribution in &found {
            let Some(project) = &distribution.editable else {
                continue;
            };
            // Of installers whose tables are not known, the project's layout tells.
            let is_linked = self
                .linked
                .iter()
                .chain(self.mapped.values())
                .any(|path| path.starts_with(project));
            if !is_linked {
                for folder in [project.join("src"), project.clone()] {
                    if files.metadata(&folder).is_ok_and(|meta| meta.is_dir) {
                        self.link(folder);
                    }
                }
            }
        }
        self.distributions.extend(found);
    }

    fn link(&mut self, folder: PathBuf) {
        if !self.linked.contains(&folder) {
            self.linked.push(folder);
        }
    }

    fn add_inner(&mut self, files: &dyn Files, folder: &Path) {
        for (name, is_dir) in files.list(folder).unwrap_or_default() {
            let module = match is_dir {
                true => Some(name.as_str()).filter(|name| {
                    provides::is_identifier(name)
                        && *name != "__pycache__"
                        && files
                            .metadata(&folder.join(name).join("__init__.py"))
                            .is_ok()
                }),
                false => provides::module_name(&name),
            };
            if let Some(module) = module {
                self.tops
                    .entry(module.to_owned())
                    .or_insert_with(|| folder.join(&name));
            }
        }
    }
}

/// The distributions of one folder. Those that share a regular package are read once more, a step deeper.
fn distributions(
    files: &dyn Files,
    entries: &[Entry],
    is_there: &(dyn Fn(&str) -> bool + Sync),
) -> Vec<Distribution> {
    let none = BTreeSet::new();
    let read = |entry: &Entry| entry.read(files, is_there, &none);
    let found = on_all_processors(entries, &read).into_iter().enumerate();
    let mut found: Vec<(usize, Distribution)> = found
        .filter_map(|(index, one)| Some((index, one?)))
        .collect();
    let mut owners: HashMap<&str, usize> = HashMap::new();
    for name in found.iter().flat_map(|(_, one)| &one.modules) {
        *owners.entry(name).or_default() += 1;
    }
    let shared: BTreeSet<String> = owners
        .into_iter()
        .filter(|(name, count)| *count > 1 && !name.contains('.'))
        .map(|(name, _)| name.to_owned())
        .collect();
    if !shared.is_empty() {
        for (index, one) in &mut found {
            if one.modules.iter().any(|name| shared.contains(name))
                && let Some(again) = entries
                    .get(*index)
                    .and_then(|entry| entry.read(files, is_there, &shared))
            {
                *one = again;
            }
        }
    }
    found.into_iter().map(|(_, one)| one).collect()
}

/// What `read` makes of each entry. Who waits for an environment has nothing else to do.
fn on_all_processors<T: Send>(entries: &[Entry], read: &(dyn Fn(&Entry) -> T + Sync)) -> Vec<T> {
    /// As many for each thread are worth starting it.
    const MANY: usize = 16;
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let share = entries.len().div_ceil(threads).max(MANY);
    let mut shares = entries.chunks(share);
    let own = shares.next().unwrap_or_default();
    let all = |share: &[Entry]| share.iter().map(read).collect::<Vec<T>>();
    std::thread::scope(|scope| {
        let others: Vec<_> = shares
            .map(|share| (share, scope.spawn(move || all(share))))
            .collect();
        let mut found = all(own);
        for (share, other) in others {
            // A thread that broke is no reason to know less.
            found.extend(other.join().unwrap_or_else(|_| all(share)));
        }
        found
    })
}
