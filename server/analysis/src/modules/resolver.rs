//! Finds the file that a module's name means, in Python's own order.

use std::cell::RefCell;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hoist_syntax::Document;
use hoist_syntax::words::Word;
use rustc_hash::FxHashMap;

use super::standing::Standing;
use crate::environment::Environment;
use crate::files::paths::are_same;
use crate::files::{Files, Listing};
use crate::library::is_stdlib;
use crate::python::ast;
use crate::slice::paths::{Evaluator, Named, tidy};
use ast::visitor::Visitor;
use ast::{Expr, Stmt};

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

/// Finds local modules, and knows what is installed.
pub(crate) struct Resolver<'a> {
    pub(crate) files: &'a dyn Files,
    pub(crate) environment: Option<&'a Environment>,
    /// Folders that are searched, in order.
    pub(crate) roots: Vec<PathBuf>,
    /// How many of the roots come before Python's own library.
    sure: usize,
    /// How many come before what is installed; the rest only counts where nothing else is known.
    near: usize,
    /// Folders that were looked at.
    listings: RefCell<FxHashMap<OsString, Arc<Listing>>>,
}

impl<'a> Resolver<'a> {
    pub(crate) fn new(
        files: &'a dyn Files,
        environment: Option<&'a Environment>,
        path: &Path,
        workspace: &Path,
        standing: &Standing,
        (document, body): (&Document, &[Stmt]),
    ) -> Resolver<'a> {
        let folder = path.parent().unwrap_or(Path::new("/")).to_path_buf();
        let is_installed = |path: &Path| {
            environment.is_some_and(|environment| {
                environment.sites().iter().any(|site| are_same(site, path))
            }) || is_library_folder(files, path)
        };
        let mut roots: Vec<PathBuf> = Vec::new();
        let add = |path: PathBuf, roots: &mut Vec<PathBuf>| {
            if !roots.iter().any(|root| are_same(root, &path))
                && (files.known(&path).is_some()
                    || files.metadata(&path).is_ok_and(|meta| meta.is_dir))
                && !is_installed(&path)
            {
                roots.push(path);
            }
        };
        add(standing.root.clone(), &mut roots);
        let added = match may_add_paths(document) {
            true => added_paths(path, body),
            false => Vec::new(),
        };
        let (before, behind): (Vec<Added>, Vec<Added>) =
            added.into_iter().partition(|added| added.is_before);
        for added in before {
            add(added.path, &mut roots);
        }
        // A module in a package has the package's parent on the path, and its own folder only where it is run as a script.
        let is_script = are_same(&folder, &standing.root);
        if is_script {
            add(folder.clone(), &mut roots);
        }
        for added in environment.into_iter().flat_map(Environment::added_folders) {
            add(added.clone(), &mut roots);
        }
        let sure = roots.len();
        for added in behind {
            add(added.path, &mut roots);
        }
        add(workspace.join("src"), &mut roots);
        add(workspace.to_path_buf(), &mut roots);
        for linked in environment
            .into_iter()
            .flat_map(Environment::linked_folders)
        {
            add(linked.clone(), &mut roots);
        }
        let near = roots.len();
        add(folder, &mut roots);
        Resolver {
            files,
            environment,
            roots,
            sure,
            near,
            listings: RefCell::default(),
        }
    }

    /// What lies in a folder; each is listed once.
    fn listed(&self, folder: &Path) -> Arc<Listing> {
        if let Some(known) = self.listings.borrow().get(folder.as_os_str()) {
            return known.clone();
        }
        let listing = self.files.listing(folder);
        self.listings
            .borrow_mut()
            .insert(folder.as_os_str().to_owned(), listing.clone());
        listing
    }

    /// Has a folder an `__init__.py`?
    pub(super) fn is_package(&self, folder: &Path) -> bool {
        self.listed(folder).has_file("__init__.py")
    }

    /// One step: a name in a folder.
    pub(super) fn step(&self, folder: &Path, name: &str) -> Option<Target> {
        let listing = self.listed(folder);
        if !listing.may_have_module(name) {
            return None;
        }
        let is_folder = listing.has_folder(name);
        let inside = || folder.join(name);
        if is_folder && self.is_package(&inside()) {
            return Some(Target::Package(inside()));
        }
        if listing.has_module(name) {
            return Some(Target::File(folder.join(format!("{name}.py"))));
        }
        if let Some(compiled) = listing.extension(name) {
            return Some(Target::File(folder.join(compiled)));
        }
        is_folder.then(|| Target::Namespace(inside()))
    }

    /// Follows a dotted name from a folder. Gives what each part means, as far as it goes.
    pub(crate) fn follow(&self, folder: &Path, module: &str) -> Vec<Target> {
        let mut found: Vec<Target> = Vec::new();
        for part in module.split('.').filter(|part| !part.is_empty()) {
            let at = match found.last() {
                None => folder,
                Some(Target::Package(inside) | Target::Namespace(inside)) => inside,
                Some(Target::File(_)) => break,
            };
            let Some(target) = self.step(at, part) else {
                break;
            };
            found.push(target);
        }
        found
    }

    /// Is it a module of Python's own library?
    pub(crate) fn is_library(&self, module: &str) -> bool {
        match self.environment {
            Some(environment) => environment.is_library(module),
            None => is_stdlib(module),
        }
    }

    /// Does a folder that is searched not count for a name, because something else of the name comes before it?
    fn is_behind(&self, index: usize, top: &str) -> bool {
        index >= self.sure && self.is_library(top)
            || index >= self.near && self.environment.is_some_and(|all| all.has(top))
    }

    /// A folder without `__init__.py` is nothing beside a regular module of the name, wherever that is installed.
    fn is_hidden(&self, top: &str) -> bool {
        self.is_library(top)
            || self
                .environment
                .is_some_and(|all| all.has_regular(self.files, top))
    }

    /// Finds an absolute import: the root and what each part means. Folders without `__init__.py` count only when a file of
    /// Python is found in them.
    pub(crate) fn absolute<'n>(
        &self,
        module: &str,
        mut names: impl Iterator<Item = &'n str> + Clone,
    ) -> Option<(PathBuf, Vec<Target>)> {
        let top = module.split('.').next().unwrap_or(module);
        let mut namespace = None;
        for (index, root) in self.roots.iter().enumerate() {
            if self.is_behind(index, top) {
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
                                Target::Namespace(folder) => names.any(|name| {
                                    matches!(
                                        self.step(folder, name),
                                        Some(Target::File(_) | Target::Package(_))
                                    )
                                }),
                                _ => true,
                            });
                    if holds_code && namespace.is_none() && !self.is_hidden(top) {
                        namespace = Some((root.clone(), found));
                    }
                }
                Some(_) => return Some((root.clone(), found)),
            }
        }
        namespace.or_else(|| self.mapped(module))
    }

    /// A module that an editable install maps to a folder of its own name.
    fn mapped(&self, module: &str) -> Option<(PathBuf, Vec<Target>)> {
        let (name, place) = self.environment?.mapped(module)?;
        let mut root = place.with_extension("");
        for part in name.rsplit('.') {
            if root.file_name().is_none_or(|name| name != part) {
                return None;
            }
            root.pop();
        }
        let found = self.follow(&root, module);
        (!found.is_empty()).then_some((root, found))
    }

    /// Is a top-level name one of the workspace's own modules?
    pub(crate) fn is_local(&self, top: &str) -> bool {
        let in_root = |(index, root): (usize, &PathBuf)| {
            if self.is_behind(index, top) {
                return false;
            }
            match self.step(root, top) {
                Some(Target::File(_) | Target::Package(_)) => true,
                Some(Target::Namespace(folder)) => {
                    !self.is_hidden(top)
                        && self
                            .listed(&folder)
                            .files()
                            .any(|name| name.ends_with(".py"))
                }
                None => false,
            }
        };
        self.roots.iter().enumerate().any(in_root) || self.mapped(top).is_some()
    }
}

/// Is a folder the one of Python's own library? Who analyses that has the library itself beside its files.
pub(crate) fn is_library_folder(files: &dyn Files, folder: &Path) -> bool {
    let names = ["os.py", "abc.py", "site.py"];
    let is_file = |path: &Path| files.metadata(path).is_ok_and(|meta| meta.is_file);
    let known = files.known(folder);
    !known.is_some_and(|known| names.iter().any(|name| known.lacks(name)))
        && names.iter().all(|name| is_file(&folder.join(name)))
}

/// A folder that code puts on `sys.path`.
struct Added {
    path: PathBuf,
    /// By `insert`, so that it goes before everything else.
    is_before: bool,
}

/// May the code put folders on `sys.path`? It does where `path` stands before a dot and that before `insert` or `append`, with
/// nothing but space, comments and brackets between them; letters that Python takes for others aside.
fn may_add_paths(document: &Document) -> bool {
    let text = document.text();
    let is_odd = |rest: &str| rest.starts_with(['#', '\\', ')']);
    !document.has_plain_names()
        || document.words().have(Word::AddSiteDir)
        || memchr::memmem::find_iter(text.as_bytes(), "path").any(|at| {
            let rest = text[at + "path".len()..].trim_start();
            let method = rest.strip_prefix('.').map(str::trim_start);
            is_odd(rest)
                || method.is_some_and(|method| {
                    is_odd(method) || method.starts_with("insert") || method.starts_with("append")
                })
        })
}

/// Folders that the code puts on `sys.path` by a constant or by `__file__`.
fn added_paths(file: &Path, body: &[Stmt]) -> Vec<Added> {
    struct Finder<'e> {
        evaluator: Evaluator<'e>,
        found: Vec<Added>,
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
                let folder = self.evaluator.file.parent().unwrap_or(Path::new("/"));
                let path = match self.evaluator.path(last) {
                    Some(Named::File(path)) => Some(path),
                    Some(Named::Text(text)) => Some(folder.join(text)),
                    None => None,
                };
                self.found.extend(path.map(|path| Added {
                    path: tidy(&path),
                    is_before: parts.last() == Some(&"insert"),
                }));
            }
            crate::python::walk_into(self, expr);
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use proptest::sample::select;

    fn adds_paths(text: &str) -> bool {
        let Ok(parsed) = ruff_python_parser::parse_module(text) else {
            return false;
        };
        !added_paths(Path::new("/w/a.py"), &parsed.into_syntax().body).is_empty()
    }

    #[test]
    fn what_adds_paths_is_seen_however_it_is_written() {
        for text in [
            "sys.path.insert(0, 'lib')",
            "path.append('lib')",
            "(sys.path).append('lib')",
            "sys.path \\\n  . \\\n append('lib')",
            "x = (sys.path # why\n . # so\n insert(0, 'lib'))",
            "(sys.\n path\n .\n\x0cappend('lib'))",
            "site.addsitedir('lib')",
            "sys.ｐａｔｈ.append('lib')",
            "sys.path.ａppend('lib')",
        ] {
            assert!(adds_paths(text), "{text}");
            assert!(may_add_paths(&Document::new(text.to_owned())), "{text}");
        }
        for text in ["os.path.join('a', 'insert')", "pathlib.append", "path = x"] {
            assert!(!may_add_paths(&Document::new(text.to_owned())), "{text}");
        }
    }

    proptest! {
        /// Calls that do add paths, with whatever Python allows between their words, and around them.
        #[test]
        fn no_call_that_adds_paths_is_passed_over(
            call in select(vec![
                vec!["(", "sys", ".", "path", ".", "insert", "(0, 'a')", ")"],
                vec!["(", "(", "sys", ".", "path", ")", ".", "append", "('a')", ")"],
                vec!["(", "(", "(", "sys", ")", ".", "path", ")", ".", "insert", "(0, 'a')", ")"],
                vec!["(", "path", ".", "append", "('a')", ")"],
                vec!["(", "(", "path", ")", ".", "append", "('a')", ")"],
                vec!["(", "site", ".", "addsitedir", "('a')", ")"],
                vec!["[", "(", "path", ".", "append", ")", "('a')", "for x in y", "]"],
            ]),
            between in prop::collection::vec(
                select(vec!["", "", "", "", " ", " ", "\t", "\n", "\r\n", "\r", "\\\n", " # c\n", "# .insert\n", "\x0c", " \\\n # c\n"]),
                12,
            ),
            around in select(vec![
                ("", ""), ("if x:\n    ", ""), ("x = ", ""), ("def f(): ", ""), ("x[", "]"), ("lambda: ", ""),
                ("f'''{", "}'''"), ("class A(", "): pass"), ("@", "\ndef f(): pass"), ("'path' if x else ", ""),
            ]),
        ) {
            let parts = call.iter().zip(&between).map(|(word, space)| format!("{word}{space}"));
            // Behind the last one a line ends.
            let call = parts.collect::<String>();
            let end = call.rfind([')', ']']).unwrap_or_default();
            let text = format!("{}{}{}", around.0, &call[..=end], around.1);
            prop_assert!(!adds_paths(&text) || may_add_paths(&Document::new(text.clone())), "{text:?}");
            let is_plain = between.iter().all(|space| space.trim().is_empty());
            prop_assert!(!is_plain || around.0.starts_with('f') || adds_paths(&text), "{text:?}");
        }

        #[test]
        fn nothing_that_adds_paths_is_passed_over(
            before in prop::collection::vec(select(vec!["sys", ".", "(", " ", "x", "\n"]), 0..4),
            pieces in prop::collection::vec(
                select(vec![
                    "path", ".", "append", "insert", "(", ")", "('a')", "(0, 'a')", " ", "\t", "\n", "\r\n", "\\\n",
                    "# c\n", "\x0c", "ａppend", "path.append('a')", "\"",
                ]),
                1..8,
            ),
        ) {
            let text = before.concat() + "path" + &pieces.concat();
            prop_assert!(!adds_paths(&text) || may_add_paths(&Document::new(text.clone())), "{text:?}");
        }
    }
}
