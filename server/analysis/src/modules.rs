//! Local modules: where a module stands, which files its imports mean, and which of them travel.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::{Path, PathBuf};

use crate::files::Files;
use crate::library::is_stdlib;
use crate::python::{Source, ast, constant_text, start_of};
use crate::slice::paths::{Evaluator, Named, tidy};
use ast::visitor::{Visitor, walk_expr, walk_stmt};
use ast::{Expr, Stmt};

/// An import as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Import {
    /// Dotted name after the dots.
    pub(crate) module: String,
    /// Number of leading dots.
    pub(crate) level: u32,
    /// Names of a `from` import; `*` for a star.
    pub(crate) names: Vec<String>,
    /// Byte offset.
    pub(crate) at: usize,
    /// The code runs without it: under `except ImportError`, or only for type checkers.
    pub(crate) optional: bool,
    /// It stands in a main block, which never runs.
    pub(crate) guarded: bool,
}

/// All imports of a module, at every depth, and what is imported by a constant name.
pub(crate) fn imports_of(body: &[Stmt]) -> Vec<Import> {
    let mut found = Collector {
        imports: Vec::new(),
        optional: 0,
        guarded: 0,
    };
    for stmt in body {
        found.visit_stmt(stmt);
    }
    found.imports
}

struct Collector {
    imports: Vec<Import>,
    optional: u32,
    guarded: u32,
}

impl Collector {
    fn push(&mut self, module: &str, level: u32, names: Vec<String>, at: usize) {
        self.imports.push(Import {
            module: module.to_owned(),
            level,
            names,
            at,
            optional: self.optional > 0,
            guarded: self.guarded > 0,
        });
    }

    fn all(&mut self, body: &[Stmt]) {
        for stmt in body {
            self.visit_stmt(stmt);
        }
    }
}

fn mentions(expr: &Expr, words: &[&str]) -> bool {
    match expr {
        Expr::Name(name) => words.contains(&name.id.as_str()),
        Expr::Attribute(attribute) => words.contains(&attribute.attr.as_str()),
        Expr::Tuple(tuple) => tuple.elts.iter().any(|expr| mentions(expr, words)),
        _ => false,
    }
}

impl<'a> Visitor<'a> for Collector {
    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        match stmt {
            Stmt::Import(import) => {
                for alias in &import.names {
                    self.push(&alias.name, 0, Vec::new(), start_of(import));
                }
            }
            Stmt::ImportFrom(import) => {
                let names = import
                    .names
                    .iter()
                    .map(|alias| alias.name.to_string())
                    .collect();
                let module = import
                    .module
                    .as_ref()
                    .map(|name| name.as_str())
                    .unwrap_or_default();
                self.push(module, import.level, names, start_of(import));
            }
            Stmt::Try(attempt) => {
                let forgives =
                    attempt
                        .handlers
                        .iter()
                        .any(|ast::ExceptHandler::ExceptHandler(handler)| {
                            handler.type_.as_ref().is_none_or(|caught| {
                                mentions(
                                    caught,
                                    &[
                                        "ImportError",
                                        "ModuleNotFoundError",
                                        "Exception",
                                        "BaseException",
                                    ],
                                )
                            })
                        });
                self.optional += u32::from(forgives);
                self.all(&attempt.body);
                for ast::ExceptHandler::ExceptHandler(handler) in &attempt.handlers {
                    self.all(&handler.body);
                }
                self.optional -= u32::from(forgives);
                self.all(&attempt.orelse);
                self.all(&attempt.finalbody);
                return;
            }
            Stmt::If(choice) => {
                let typing = mentions(&choice.test, &["TYPE_CHECKING"]);
                let main = crate::python::is_main_test(&choice.test);
                self.optional += u32::from(typing);
                self.guarded += u32::from(main);
                self.all(&choice.body);
                self.optional -= u32::from(typing);
                self.guarded -= u32::from(main);
                for clause in &choice.elif_else_clauses {
                    self.all(&clause.body);
                }
                self.visit_expr(&choice.test);
                return;
            }
            _ => {}
        }
        crate::python::with_stack(|| walk_stmt(self, stmt));
    }

    fn visit_expr(&mut self, expr: &'a Expr) {
        if let Expr::Call(call) = expr
            && let Some(parts) = crate::python::dotted(&call.func)
            && matches!(parts.last(), Some(&"import_module" | &"__import__"))
            && let Some(text) = call.arguments.args.first().and_then(constant_text)
        {
            let level = text.chars().take_while(|c| *c == '.').count() as u32;
            self.push(
                text.trim_start_matches('.'),
                level,
                Vec::new(),
                start_of(call),
            );
        }
        crate::python::with_stack(|| walk_expr(self, expr));
    }
}

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
        files
            .metadata(&folder.join("__init__.py"))
            .is_ok_and(|meta| meta.is_file)
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
    let mut base = if path.starts_with(workspace) {
        workspace.to_path_buf()
    } else {
        folder
    };
    while !root.starts_with(&base) {
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

fn is_identifier(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(|c| c.is_alphabetic() || c == '_')
        && chars.all(|c| c.is_alphanumeric() || c == '_')
}

/// What a dotted name means in the workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// A file of Python.
    File(PathBuf),
    /// A folder with an `__init__.py`.
    Package(PathBuf),
    /// A folder without one.
    Namespace(PathBuf),
}

impl Target {
    /// The file that runs when it is imported; none for a folder without `__init__.py`.
    pub(crate) fn file(&self) -> Option<PathBuf> {
        match self {
            Target::File(path) => Some(path.clone()),
            Target::Package(folder) => Some(folder.join("__init__.py")),
            Target::Namespace(_) => None,
        }
    }
}

/// Finds local modules.
pub(crate) struct Resolver<'a> {
    pub(crate) files: &'a dyn Files,
    /// Folders that are searched, in order; the first is the one that Python itself puts first.
    pub(crate) roots: Vec<PathBuf>,
    /// How many of the roots come before Python's own library.
    pub(crate) sure: usize,
}

impl<'a> Resolver<'a> {
    pub(crate) fn new(
        files: &'a dyn Files,
        path: &Path,
        workspace: &Path,
        standing: &Standing,
        body: &[Stmt],
    ) -> Resolver<'a> {
        let folder = path.parent().unwrap_or(Path::new("/")).to_path_buf();
        let mut roots = vec![standing.root.clone()];
        let add = |path: PathBuf, roots: &mut Vec<PathBuf>| {
            if !roots.contains(&path) && files.metadata(&path).is_ok_and(|meta| meta.is_dir) {
                roots.push(path);
            }
        };
        for added in added_paths(path, body) {
            add(added, &mut roots);
        }
        add(folder, &mut roots);
        let sure = roots.len();
        add(workspace.join("src"), &mut roots);
        add(workspace.to_path_buf(), &mut roots);
        Resolver { files, roots, sure }
    }

    fn is_file(&self, path: &Path) -> bool {
        self.files.metadata(path).is_ok_and(|meta| meta.is_file)
    }

    fn is_dir(&self, path: &Path) -> bool {
        self.files.metadata(path).is_ok_and(|meta| meta.is_dir)
    }

    /// One step: a name in a folder.
    fn step(&self, folder: &Path, name: &str) -> Option<Target> {
        let inside = folder.join(name);
        if self.is_file(&inside.join("__init__.py")) {
            return Some(Target::Package(inside));
        }
        let file = folder.join(format!("{name}.py"));
        if self.is_file(&file) {
            return Some(Target::File(file));
        }
        let compiled = self
            .files
            .list(folder)
            .ok()?
            .into_iter()
            .find(|(entry, is_dir)| {
                !is_dir
                    && entry.starts_with(&format!("{name}."))
                    && (entry.ends_with(".so") || entry.ends_with(".pyd"))
            });
        if let Some((entry, _)) = compiled {
            return Some(Target::File(folder.join(entry)));
        }
        self.is_dir(&inside).then_some(Target::Namespace(inside))
    }

    /// Follows a dotted name from a folder. Gives what each part means, as far as it goes.
    pub(crate) fn follow(&self, folder: &Path, module: &str) -> Vec<Target> {
        let mut found = Vec::new();
        let mut at = folder.to_path_buf();
        for part in module.split('.').filter(|part| !part.is_empty()) {
            match self.step(&at, part) {
                Some(target) => {
                    if let Target::Package(inside) | Target::Namespace(inside) = &target {
                        at = inside.clone();
                    } else {
                        at = PathBuf::from("/nonexistent");
                    }
                    found.push(target);
                }
                None => break,
            }
        }
        found
    }

    /// Finds an absolute import: the root and what each part means. Folders without `__init__.py` count only when a file of
    /// Python is found in them.
    pub(crate) fn absolute(
        &self,
        module: &str,
        names: &[String],
    ) -> Option<(PathBuf, Vec<Target>)> {
        let top = module.split('.').next().unwrap_or(module);
        let mut namespace = None;
        for (index, root) in self.roots.iter().enumerate() {
            if index >= self.sure && is_stdlib(top) {
                break;
            }
            let found = self.follow(root, module);
            match found.first() {
                None => continue,
                Some(Target::Namespace(_)) => {
                    let whole = found.len() == module.split('.').count();
                    let holds_code = found
                        .iter()
                        .any(|target| !matches!(target, Target::Namespace(_)))
                        || whole
                            && found.last().is_some_and(|last| match last {
                                Target::Namespace(folder) => names.iter().any(|name| {
                                    matches!(
                                        self.step(folder, name),
                                        Some(Target::File(_) | Target::Package(_))
                                    )
                                }),
                                _ => true,
                            });
                    if holds_code && namespace.is_none() && !is_stdlib(top) {
                        namespace = Some((root.clone(), found));
                    }
                }
                Some(_) => return Some((root.clone(), found)),
            }
        }
        namespace
    }

    /// Is a top-level name one of the workspace's own modules?
    pub(crate) fn is_local(&self, top: &str, own: &str) -> bool {
        // The module itself by its name is not another module.
        if top == own {
            return true;
        }
        self.roots.iter().enumerate().any(|(index, root)| {
            if index >= self.sure && is_stdlib(top) {
                return false;
            }
            match self.step(root, top) {
                Some(Target::File(_) | Target::Package(_)) => true,
                Some(Target::Namespace(folder)) => {
                    !is_stdlib(top)
                        && self.files.list(&folder).is_ok_and(|entries| {
                            entries.iter().any(|(name, _)| name.ends_with(".py"))
                        })
                }
                None => false,
            }
        })
    }
}

/// Folders that the code puts on `sys.path` by a constant or by `__file__`.
pub(crate) fn added_paths(file: &Path, body: &[Stmt]) -> Vec<PathBuf> {
    struct Finder<'e> {
        evaluator: Evaluator<'e>,
        found: Vec<PathBuf>,
    }
    impl<'e> Visitor<'e> for Finder<'e> {
        fn visit_expr(&mut self, expr: &'e Expr) {
            if let Expr::Call(call) = expr
                && let Some(parts) = crate::python::dotted(&call.func)
                && matches!(
                    parts.as_slice(),
                    ["sys", "path", "insert" | "append"]
                        | ["path", "insert" | "append"]
                        | ["site", "addsitedir"]
                )
                && let Some(last) = call.arguments.args.last()
            {
                let folder = self
                    .evaluator
                    .file
                    .parent()
                    .unwrap_or(Path::new("/"))
                    .to_path_buf();
                match self.evaluator.path(last) {
                    Some(Named::File(path)) => self.found.push(tidy(&path)),
                    Some(Named::Text(text)) => self.found.push(tidy(&folder.join(text))),
                    None => {}
                }
            }
            crate::python::with_stack(|| walk_expr(self, expr));
        }
    }
    let mut finder = Finder {
        evaluator: Evaluator::new(file, body),
        found: Vec::new(),
    };
    for stmt in body {
        finder.visit_stmt(stmt);
    }
    finder.found
}

/// A local module that travels.
pub(crate) struct Travelling {
    pub(crate) path: PathBuf,
    /// Its dotted name.
    pub(crate) name: String,
    /// Its bytes.
    pub(crate) contents: Vec<u8>,
    /// Parsed, when it is Python that parses.
    pub(crate) source: Option<Source>,
    /// Which module imports it.
    pub(crate) importer: String,
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
    /// Imports that are not local, with the file of the first.
    pub(crate) foreign: BTreeMap<String, (PathBuf, usize, bool)>,
    /// Files that could not be read.
    pub(crate) unreadable: Vec<(PathBuf, String)>,
}

/// Follows imports from one module through all local modules.
pub(crate) struct Follower<'a> {
    pub(crate) resolver: &'a Resolver<'a>,
    pub(crate) collected: Collected,
    waiting: VecDeque<(PathBuf, String, PathBuf, String)>,
    /// The targets of star imports, when only these are read.
    only_stars: Option<BTreeSet<PathBuf>>,
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
            let contents = match self.resolver.files.read(&path) {
                Ok(contents) => contents,
                Err(error) => {
                    self.collected.unreadable.push((path, error.to_string()));
                    continue;
                }
            };
            let source = crate::encoding::decode(&contents)
                .ok()
                .and_then(|text| Source::parse(&text).ok());
            let imports = source
                .as_ref()
                .map(|source| imports_of(source.body()))
                .unwrap_or_default();
            self.collected.modules.insert(
                path.clone(),
                Travelling {
                    path: path.clone(),
                    name: name.clone(),
                    contents,
                    source,
                    importer,
                },
            );
            self.packages_around(&path, &name, &root);
            let all = self.only_stars.is_none();
            let active = imports.iter().filter(|import| !import.guarded);
            for import in active.filter(|import| all || import.names.iter().any(|name| name == "*"))
            {
                self.one(&path, &name, &root, import);
            }
        }
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
            if init != path && self.resolver.is_file(&init) {
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
                self.miss(
                    path,
                    import,
                    format!("{}{}", ".".repeat(import.level as usize), import.module),
                );
                return;
            }
            (package.join("."), found, (root.to_path_buf(), folder))
        } else {
            match self.resolver.absolute(&import.module, &import.names) {
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
                    let found = entry.or_insert((path.to_path_buf(), import.at, true));
                    found.2 &= import.optional;
                    return;
                }
            }
        };
        let (root, folder) = from;
        if let Some(stars) = &mut self.only_stars
            && import.names.iter().any(|name| name == "*")
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
        for wanted in &import.names {
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
                }
                _ if parts.is_empty() && import.level > 0 => {
                    let init = inside.join("__init__.py");
                    if !self.resolver.is_file(&init) {
                        self.miss(
                            path,
                            import,
                            format!("{}{wanted}", ".".repeat(import.level as usize)),
                        );
                    }
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
        if folder != root && !self.resolver.roots.iter().any(|known| known == folder) {
            self.collected.folders.insert(folder.to_path_buf());
        }
    }
}
