//! Where editable installs and `.pth` files lead. None of their code is run: of lines that begin with `import` only the
//! tables that installers write are read, as literals.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::provides::is_identifier;
use crate::files::Files;
use crate::python::{ast, constant_text, dotted};
use ast::{Expr, Stmt};

/// What the `.pth` files of a site folder say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Links {
    /// Folders that are put on `sys.path`, in order.
    pub(super) folders: Vec<PathBuf>,
    /// Modules by their dotted names: a package's folder, or a file.
    pub(super) modules: BTreeMap<String, PathBuf>,
    /// The files that this was read from, besides the `.pth` itself.
    pub(super) read: Vec<PathBuf>,
}

impl Links {
    /// Adds what one `.pth` file says.
    pub(super) fn add(&mut self, files: &dyn Files, site: &Path, pth: &Path) {
        let Ok(bytes) = files.read(pth) else { return };
        let text = String::from_utf8_lossy(&bytes);
        for line in text.trim_start_matches('\u{feff}').lines() {
            let line = line.trim_end();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if line.starts_with("import ") || line.starts_with("import\t") {
                for module in finders(line) {
                    let path = site.join(format!("{module}.py"));
                    if let Ok(bytes) = files.read(&path) {
                        self.modules
                            .extend(mapping(&String::from_utf8_lossy(&bytes)));
                        self.read.push(path);
                    }
                }
                continue;
            }
            let folder = site.join(line);
            if files.metadata(&folder).is_ok_and(|meta| meta.is_dir)
                && !self.folders.contains(&folder)
            {
                self.folders.push(folder);
            }
        }
    }
}

/// The modules of a line that are an installer's finder: `import __editable___x_1_0_finder; ...`.
fn finders(line: &str) -> Vec<&str> {
    let words = line.split(|c: char| !(c.is_alphanumeric() || c == '_'));
    let mut found: Vec<&str> = words
        .filter(|word| word.contains("editable") && is_identifier(word))
        .collect();
    found.sort_unstable();
    found.dedup();
    found
}

/// The tables of a finder: setuptools' `MAPPING`, the calls of `map_module`, and the first argument of `install`.
fn mapping(text: &str) -> Vec<(String, PathBuf)> {
    let Ok(parsed) = ruff_python_parser::parse_module(text) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for stmt in &parsed.into_syntax().body {
        match stmt {
            Stmt::AnnAssign(assign) if is_mapping(&assign.target) => {
                found.extend(assign.value.as_deref().map(table).unwrap_or_default());
            }
            Stmt::Assign(assign) if assign.targets.iter().any(is_mapping) => {
                found.extend(table(&assign.value));
            }
            Stmt::Expr(expr) => {
                let Expr::Call(call) = &*expr.value else {
                    continue;
                };
                let function = dotted(&call.func).unwrap_or_default();
                let arguments = &call.arguments.args;
                match (function.last(), arguments.first()) {
                    (Some(&"install"), Some(first)) => found.extend(table(first)),
                    (Some(&"map_module"), Some(first)) => {
                        let path = arguments.get(1).and_then(constant_text);
                        if let (Some(name), Some(path)) = (constant_text(first), path) {
                            found.push((name.to_owned(), PathBuf::from(path)));
                        }
                    }
                    _ => {}
                }
            }
            _ => {}
        }
    }
    for (_, path) in &mut found {
        if path.file_name().is_some_and(|name| name == "__init__.py") {
            path.pop();
        }
    }
    found.retain(|(name, path)| name.split('.').all(is_identifier) && path.is_absolute());
    found
}

fn is_mapping(target: &Expr) -> bool {
    matches!(target, Expr::Name(name) if name.id.as_str() == "MAPPING")
}

/// A dictionary of texts.
fn table(expr: &Expr) -> Vec<(String, PathBuf)> {
    let Expr::Dict(dict) = expr else {
        return Vec::new();
    };
    let pair = |item: &ast::DictItem| {
        let name = constant_text(item.key.as_ref()?)?;
        Some((name.to_owned(), PathBuf::from(constant_text(&item.value)?)))
    };
    dict.items.iter().filter_map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finders_are_read_as_literals() {
        assert_eq!(
            finders("import __editable___x_1_0_finder; __editable___x_1_0_finder.install()"),
            ["__editable___x_1_0_finder"]
        );
        assert!(finders("import os; os.system('rm')").is_empty());
        let text = "\
import sys
MAPPING: dict[str, str] = {'x': '/p/src/x', 'bad name': '/q', 'rel': 'q'}
NAMESPACES: dict[str, list[str]] = {}
F.map_module('y', '/p/y/__init__.py')
install({'z': '/p/z.py'}, {}, None)
";
        let shown: Vec<String> = mapping(text)
            .into_iter()
            .map(|(name, path)| format!("{name} {}", path.display()))
            .collect();
        assert_eq!(shown, ["x /p/src/x", "y /p/y", "z /p/z.py"]);
    }
}
