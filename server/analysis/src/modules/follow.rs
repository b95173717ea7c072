//! Follows imports from one module through all local modules.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::import::{Import, imports_in};
use super::resolver::{Resolver, Target};
use super::shown::Shown;
use crate::python::Source;

/// A local module that travels.
pub(crate) struct Travelling {
    pub(crate) path: PathBuf,
    /// Its dotted name.
    pub(crate) name: String,
    /// Its bytes; none when only what it shows is asked for.
    pub(crate) contents: Vec<u8>,
    /// Parsed, when it is Python that parses; none when only what it shows is asked for.
    pub(crate) source: Option<Source>,
    /// What it shows, when it is Python that parses.
    pub(crate) shown: Option<Arc<Shown>>,
    /// Which module imports it.
    pub(crate) importer: String,
}

/// A module that is imported and is not local.
pub(crate) struct Foreign {
    /// The file of the first import.
    pub(crate) path: PathBuf,
    /// Where it stands there.
    pub(crate) at: usize,
    /// The code runs without it, wherever it is imported.
    pub(crate) optional: bool,
    /// What is taken from it.
    pub(crate) names: BTreeSet<String>,
}

/// What following the imports gave.
#[derive(Default)]
pub(crate) struct Collected {
    /// The modules by path.
    pub(crate) modules: BTreeMap<PathBuf, Travelling>,
    /// Folders that must be on `sys.path`.
    pub(crate) roots: Vec<PathBuf>,
    /// Folders of packages that travel whole.
    pub(crate) folders: BTreeSet<PathBuf>,
    /// Imports of local modules that do not exist: the file that imports, the import, and the name that is missing.
    pub(crate) missing: Vec<(PathBuf, Import, String)>,
    /// Imports that are not local, by their module.
    pub(crate) foreign: BTreeMap<String, Foreign>,
    /// Files that could not be read.
    pub(crate) unreadable: Vec<(PathBuf, String)>,
    /// The local files that each import loads, by its file and where it stands there.
    pub(crate) leads: BTreeMap<(PathBuf, usize), BTreeSet<PathBuf>>,
}

/// Follows imports from one module through all local modules.
pub(crate) struct Follower<'a> {
    pub(crate) resolver: &'a Resolver<'a>,
    pub(crate) collected: Collected,
    waiting: VecDeque<(PathBuf, String, PathBuf, String)>,
    /// The targets of star imports, when only these are read.
    only_stars: Option<BTreeSet<PathBuf>>,
}

/// What was read of a module, and which of its imports lead on.
#[derive(Default)]
struct Read {
    followed: Vec<Import>,
    contents: Vec<u8>,
    source: Option<Source>,
    shown: Option<Arc<Shown>>,
}

fn parsed(contents: &[u8]) -> Option<Source> {
    let text = crate::encoding::decode(contents).ok()?;
    Source::parse(&text).ok()
}

fn imports_by(source: &Source) -> Vec<Import> {
    imports_in(&source.document, source.body())
}

impl<'a> Follower<'a> {
    pub(crate) fn new(resolver: &'a Resolver<'a>) -> Self {
        Follower {
            resolver,
            collected: Collected::default(),
            waiting: VecDeque::new(),
            only_stars: None,
        }
    }

    /// One that looks whether modules are there but reads only those of star imports: enough to speak about one file, and
    /// quick in a workspace of any size.
    pub(crate) fn of_one_file(resolver: &'a Resolver<'a>) -> Self {
        Follower {
            only_stars: Some(BTreeSet::new()),
            ..Follower::new(resolver)
        }
    }

    /// Takes the imports of one module, and of everything that these lead to.
    pub(crate) fn follow(&mut self, path: &Path, name: &str, root: &Path, imports: &[Import]) {
        self.packages_around(path, name, root);
        for import in imports {
            self.one(path, name, root, import);
        }
        while let Some((path, name, root, importer)) = self.waiting.pop_front() {
            let is_left = self
                .only_stars
                .as_ref()
                .is_some_and(|stars| !stars.contains(&path));
            if is_left || self.collected.modules.contains_key(&path) {
                continue;
            }
            let read = match self.only_stars {
                Some(_) => self.look_at(&path),
                None => self.read(&path),
            };
            let read = match read {
                Ok(read) => read,
                Err(error) => {
                    self.collected.unreadable.push((path, error.to_string()));
                    continue;
                }
            };
            self.collected.modules.insert(
                path.clone(),
                Travelling {
                    path: path.clone(),
                    name: name.clone(),
                    contents: read.contents,
                    source: read.source,
                    shown: read.shown,
                    importer,
                },
            );
            self.packages_around(&path, &name, &root);
            for import in &read.followed {
                self.one(&path, &name, &root, import);
            }
        }
    }

    fn read(&self, path: &Path) -> io::Result<Read> {
        let contents = self.resolver.files.read(path)?;
        let source = parsed(&contents);
        let imports = source.as_ref().map(imports_by).unwrap_or_default();
        let shown = source.as_ref().map(|source| Shown::by(source, &imports));
        let is_followed = |import: &Import| !import.guarded;
        Ok(Read {
            followed: imports.into_iter().filter(is_followed).collect(),
            contents,
            source,
            shown: shown.map(Arc::new),
        })
    }

    /// Only what star imports of it lead to.
    fn look_at(&self, path: &Path) -> io::Result<Read> {
        let files = self.resolver.files;
        let look = || -> io::Result<Option<Arc<Shown>>> {
            let source = parsed(&files.read(path)?);
            let shown = source.map(|source| {
                let shown = Shown::by(&source, &imports_by(&source));
                if let Some(kept) = files.kept() {
                    kept.keep(path, source.document);
                }
                shown
            });
            Ok(shown.map(Arc::new))
        };
        let shown = match files.kept() {
            Some(kept) => kept.shown(path, look)?,
            None => look()?,
        };
        let stars = shown.as_ref().map(|shown| shown.stars.clone());
        Ok(Read {
            followed: stars.unwrap_or_default(),
            shown,
            ..Read::default()
        })
    }

    /// The `__init__.py` files of the packages that hold a module run before it.
    fn packages_around(&mut self, path: &Path, name: &str, root: &Path) {
        let mut folder = root.to_path_buf();
        let mut dotted = String::new();
        let parts: Vec<&str> = name.split('.').collect();
        for part in parts.iter().take(parts.len().saturating_sub(1)) {
            folder.push(part);
            if !dotted.is_empty() {
                dotted.push('.');
            }
            dotted.push_str(part);
            let init = folder.join("__init__.py");
            if init != path && self.resolver.is_package(&folder) {
                self.waiting
                    .push_back((init, dotted.clone(), root.to_path_buf(), name.to_owned()));
            }
        }
    }

    fn one(&mut self, path: &Path, name: &str, root: &Path, import: &Import) {
        let is_init = path.file_stem().is_some_and(|stem| stem == "__init__");
        let (start, found, from) = if import.level > 0 {
            // The package from which the dots count.
            let mut package: Vec<&str> = name.split('.').collect();
            if !is_init {
                package.pop();
            }
            for _ in 1..import.level {
                if package.pop().is_none() {
                    self.miss(path, import, import.module.clone());
                    return;
                }
            }
            let mut folder = root.to_path_buf();
            folder.extend(&package);
            let found = self.resolver.follow(&folder, &import.module);
            let wanted = import
                .module
                .split('.')
                .filter(|part| !part.is_empty())
                .count();
            if found.len() < wanted {
                self.miss(path, import, import.written());
                return;
            }
            (package.join("."), found, (root.to_path_buf(), folder))
        } else {
            match self.resolver.absolute(
                &import.module,
                import.names.iter().map(|name| name.name.as_str()),
            ) {
                Some((root, found)) => {
                    let parts: Vec<&str> = import.module.split('.').collect();
                    let in_package = found
                        .iter()
                        .all(|target| !matches!(target, Target::File(_)));
                    // A module that a package does not have is missing, unless a foreign package of the same name has it.
                    if found.len() < parts.len()
                        && in_package
                        && matches!(found.first(), Some(Target::Package(_)))
                    {
                        self.miss(path, import, import.module.clone());
                    }
                    (String::new(), found, (root.clone(), root))
                }
                None => {
                    let entry = self.collected.foreign.entry(import.module.clone());
                    let found = entry.or_insert_with(|| Foreign {
                        path: path.to_path_buf(),
                        at: import.at,
                        optional: true,
                        names: BTreeSet::new(),
                    });
                    found.optional &= import.optional || import.conditional;
                    found
                        .names
                        .extend(import.names.iter().map(|name| name.name.clone()));
                    return;
                }
            }
        };
        let (root, folder) = from;
        if let Some(stars) = &mut self.only_stars
            && import.is_star()
        {
            let target = match found.last() {
                Some(target) => target.file(),
                None => Some(folder.join("__init__.py")),
            };
            stars.extend(target);
        }
        if !self.collected.roots.contains(&root) {
            self.collected.roots.push(root.clone());
        }
        let mut dotted = start;
        let parts: Vec<&str> = import
            .module
            .split('.')
            .filter(|part| !part.is_empty())
            .collect();
        for (part, target) in parts.iter().zip(&found) {
            if !dotted.is_empty() {
                dotted.push('.');
            }
            dotted.push_str(part);
            self.take(target, &dotted, &root, name);
            self.lead(path, import, target);
        }
        // `from package import module`
        let inside = match found.last() {
            Some(Target::Package(folder) | Target::Namespace(folder))
                if found.len() == parts.len() =>
            {
                folder.clone()
            }
            None if parts.is_empty() => {
                self.take_folder(&folder, &root);
                folder
            }
            _ => return,
        };
        for wanted in import.names.iter().map(|name| &name.name) {
            if wanted == "*" {
                continue;
            }
            match self.resolver.step(&inside, wanted) {
                Some(target @ (Target::File(_) | Target::Package(_))) => {
                    let full = if dotted.is_empty() {
                        wanted.clone()
                    } else {
                        format!("{dotted}.{wanted}")
                    };
                    self.take(&target, &full, &root, name);
                    self.lead(path, import, &target);
                }
                _ if parts.is_empty() && import.level > 0 && !self.resolver.is_package(&inside) => {
                    let name = format!("{}{wanted}", ".".repeat(import.level as usize));
                    self.miss(path, import, name);
                }
                _ => {}
            }
        }
    }

    fn miss(&mut self, path: &Path, import: &Import, name: String) {
        if !import.optional && !import.guarded {
            self.collected
                .missing
                .push((path.to_path_buf(), import.clone(), name));
        }
    }

    fn lead(&mut self, path: &Path, import: &Import, target: &Target) {
        if self.only_stars.is_some() {
            return;
        }
        let place = (path.to_path_buf(), import.at);
        let files = self.collected.leads.entry(place).or_default();
        files.extend(target.file());
    }

    fn take(&mut self, target: &Target, name: &str, root: &Path, importer: &str) {
        match target {
            Target::File(file) => {
                if let Some(folder) = file.parent() {
                    self.take_folder(folder, root);
                }
            }
            Target::Package(folder) | Target::Namespace(folder) => {
                self.take_folder(folder, root);
            }
        }
        if let Some(file) = target.file() {
            self.waiting.push_back((
                file,
                name.to_owned(),
                root.to_path_buf(),
                importer.to_owned(),
            ));
        }
    }

    /// A package's folder travels whole; a folder that is itself on `sys.path` does not.
    fn take_folder(&mut self, folder: &Path, root: &Path) {
        if self.only_stars.is_none()
            && folder != root
            && !self.resolver.roots.iter().any(|known| known == folder)
        {
            self.collected.folders.insert(folder.to_path_buf());
        }
    }
}
