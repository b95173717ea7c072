//! What a name means: the full path of what an import gave, or a builtin.

use std::cell::OnceCell;
use std::sync::LazyLock;

use rustc_hash::{FxHashMap, FxHashSet};

use super::{calls, effects};
use crate::library::is_builtin;
use crate::modules::Import;
use crate::python::{Source, ast, dotted, start_of};
use crate::uses::Home;
use ast::visitor::{Visitor, walk_stmt};
use ast::{Expr, Stmt};

/// What the names of a file mean.
pub(super) struct Names<'a> {
    source: &'a Source,
    /// The imports, by the place where each binds its name; read when somebody asks.
    imported: OnceCell<FxHashMap<usize, String>>,
    /// Names by which an import may give something of which there is something to say, with the path that it gives.
    telling: Vec<(&'a str, String)>,
}

/// The functions of which there is something to say when they are called, by their full paths.
static TELLING: LazyLock<FxHashSet<&str>> =
    LazyLock::new(|| calls::told().chain(effects::told()).collect());

/// Those of them that are builtins, by their names.
static BUILTINS: LazyLock<FxHashSet<&str>> = LazyLock::new(|| {
    let name = |path: &&'static str| path.strip_prefix("builtins.");
    TELLING.iter().filter_map(name).collect()
});

/// The first of the names of these paths.
static TOPS: LazyLock<FxHashSet<&str>> = LazyLock::new(|| {
    TELLING
        .iter()
        .filter_map(|path| path.split('.').next())
        .collect()
});

/// The last of them.
static LASTS: LazyLock<FxHashSet<&str>> = LazyLock::new(|| {
    let last = |path: &&'static str| path.rsplit('.').next();
    TELLING.iter().filter_map(last).collect()
});

impl<'a> Names<'a> {
    /// Takes all imports of the file.
    pub(super) fn read(source: &'a Source, imports: &'a [Import]) -> Names<'a> {
        let mut telling = Vec::new();
        for import in imports {
            let module = import.module.as_str();
            let top = module.split('.').next().unwrap_or(module);
            if import.level > 0 || !TOPS.contains(top) {
                continue;
            }
            if import.names.is_empty() {
                telling.push(match &import.alias {
                    Some(alias) => (alias.as_str(), module.to_owned()),
                    None => (top, top.to_owned()),
                });
            }
            telling.extend(import.names.iter().map(|name| {
                let own = name.alias.as_ref().unwrap_or(&name.name);
                (own.as_str(), format!("{module}.{}", name.name))
            }));
        }
        Names {
            source,
            imported: OnceCell::new(),
            telling,
        }
    }

    fn imported(&self) -> &FxHashMap<usize, String> {
        self.imported.get_or_init(|| {
            let mut imports = Imports::default();
            for stmt in self.source.body() {
                imports.visit_stmt(stmt);
            }
            imports.imported
        })
    }

    /// The full path of a function of which there is something to say when it is called; none of most others.
    pub(super) fn telling_path(&self, function: &Expr) -> Option<String> {
        self.may_tell(function).then(|| self.path(function))?
    }

    /// Whether, if all else fits, the import of the name or Python itself gives such a function.
    fn may_tell(&self, function: &Expr) -> bool {
        let is_telling = |path: String| TELLING.contains(path.as_str());
        match function {
            Expr::Name(name) => {
                let name = name.id.as_str();
                let mut imported = self.telling.iter().filter(|(own, _)| *own == name);
                imported.any(|(_, path)| TELLING.contains(path.as_str())) || BUILTINS.contains(name)
            }
            Expr::Attribute(attribute) if LASTS.contains(attribute.attr.as_str()) => {
                let Some(parts) = dotted(function) else {
                    return false;
                };
                let Some((root, rest)) = parts.split_first() else {
                    return false;
                };
                let mut imported = self.telling.iter().filter(|(own, _)| own == root);
                imported.any(|(_, path)| is_telling(format!("{path}.{}", rest.join("."))))
            }
            _ => false,
        }
    }

    /// `plt.show` as `matplotlib.pyplot.show`, `open` as `builtins.open`. None for names that are bound by anything but imports.
    pub(super) fn path(&self, expr: &Expr) -> Option<String> {
        let parts = dotted(expr)?;
        let mut root = expr;
        while let Expr::Attribute(attribute) = root {
            root = &attribute.value;
        }
        let a_use = self.source.uses.at(start_of(root))?;
        let mut path: Option<&str> = None;
        for other in self.source.uses.of(a_use.home, &a_use.name) {
            if other.binding.is_some() {
                // Of `try: import a as x` / `except: import b as x` the first one is meant.
                let imported = self.imported().get(&other.range.start)?;
                path.get_or_insert(imported);
            }
        }
        let (first, rest) = parts.split_first()?;
        let head = match path {
            Some(path) => path.to_owned(),
            None if a_use.home == Home::Module && is_builtin(first) => format!("builtins.{first}"),
            None => return None,
        };
        Some(rest.iter().fold(head, |path, part| path + "." + part))
    }
}

#[derive(Default)]
struct Imports {
    imported: FxHashMap<usize, String>,
}

impl<'a> Visitor<'a> for Imports {
    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        match stmt {
            Stmt::Import(import) => {
                for alias in &import.names {
                    let name = alias.name.as_str();
                    let (at, path) = match &alias.asname {
                        Some(own) => (start_of(own), name),
                        None => (
                            start_of(&alias.name),
                            name.split('.').next().unwrap_or(name),
                        ),
                    };
                    self.imported.insert(at, path.to_owned());
                }
            }
            Stmt::ImportFrom(import) => {
                let module = import.module.as_ref().map_or("", |name| name.as_str());
                let dots = ".".repeat(import.level as usize);
                for alias in &import.names {
                    let at = start_of(alias.asname.as_ref().unwrap_or(&alias.name));
                    let path = format!("{dots}{module}.{}", alias.name.as_str());
                    self.imported.insert(at, path);
                }
            }
            // There is no statement in an expression, but for those that a function or a class holds.
            _ => crate::python::with_stack(|| walk_stmt(self, stmt)),
        }
    }

    fn visit_expr(&mut self, _: &'a Expr) {}
}
