//! What a name means: the full path of what an import gave, or a builtin.

use std::collections::HashMap;

use crate::library::is_builtin;
use crate::python::{Source, ast, dotted, start_of};
use crate::uses::Home;
use ast::visitor::{Visitor, walk_stmt};
use ast::{Expr, Stmt};

/// The imports of a file, by the place where each binds its name.
pub(super) struct Names<'a> {
    source: &'a Source,
    imported: HashMap<usize, String>,
}

impl<'a> Names<'a> {
    pub(super) fn read(source: &'a Source) -> Names<'a> {
        let mut imports = Imports::default();
        for stmt in source.body() {
            imports.visit_stmt(stmt);
        }
        Names {
            source,
            imported: imports.imported,
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
                let imported = self.imported.get(&other.range.start)?;
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
    imported: HashMap<usize, String>,
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
