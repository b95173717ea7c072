//! The imports of a file with what each comes from, as `hoist analyze` and the editor tell it.

use std::ops::Range;
use std::path::PathBuf;

use hoist_syntax::Document;
use serde::Serialize;

use crate::Module;
use crate::files::Files;
use crate::modules::{Guard, Import, ImportedName, Resolver, Standing, imports_in, standing};
use crate::python::{Source, ast};
use crate::slice::ImportOrigin;

/// One imported name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ImportReport {
    /// The dotted name after `import` or `from`; empty for `from . import x`.
    pub module: String,
    /// The name taken from it; `*` for all; nothing for a plain `import`.
    pub name: Option<String>,
    /// The name after `as`.
    pub alias: Option<String>,
    /// Of the statement, from 1.
    pub line: u32,
    /// How many dots stand before the module.
    pub level: u32,
    /// When it runs.
    pub scope: ReportedScope,
    /// What keeps the code running without it.
    pub guard: Option<ReportedGuard>,
    /// What it comes from.
    pub origin: ImportOrigin,
    /// The distribution that it is of: the installed one, or the one that usually has a module of this name.
    pub distribution: Option<String>,
    /// The version that is installed.
    pub version: Option<String>,
    /// The file that is loaded, or the folder of a namespace.
    pub path: Option<PathBuf>,
    /// What the installed distribution says of itself.
    #[serde(skip)]
    pub summary: Option<String>,
    /// The bytes of the module's name with its alias, or of the whole `from` statement.
    #[serde(skip)]
    pub range: Range<usize>,
    /// The bytes of the imported name with its alias.
    #[serde(skip)]
    pub name_range: Range<usize>,
}

/// When an import runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ReportedScope {
    /// At the top level, or in a class of it: runs when the module is imported.
    Module,
    /// In a function: runs when that is called.
    Function,
}

/// What an import is guarded by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ReportedGuard {
    /// Under `if TYPE_CHECKING:`, which never runs.
    TypeChecking,
    /// Where a failing import is caught.
    Optional,
}

/// Every import statement of a file in source order, one report for each name, also of a file that does not parse.
pub fn imports(module: &Module<'_>, files: &dyn Files) -> Vec<ImportReport> {
    let report = |body: &[ast::Stmt]| {
        let imports = imports_in(module.document, body);
        let place = Place::of(module, files, body, &imports);
        let mut found = Vec::new();
        for import in imports.iter().filter(|import| !import.dynamic) {
            if import.names.is_empty() {
                found.push(place.report(import, None));
            }
            for name in &import.names {
                found.push(place.report(import, Some(name)));
            }
        }
        found
    };
    match module.document.module() {
        Ok(whole) => report(&whole.body),
        Err(_) => Source::with_statements(module.document.text(), report).unwrap_or_default(),
    }
}

/// A module with its resolver.
struct Place<'a> {
    module: Module<'a>,
    document: &'a Document,
    standing: Standing,
    resolver: Resolver<'a>,
}

impl<'a> Place<'a> {
    fn of(
        module: &Module<'a>,
        files: &'a dyn Files,
        body: &[ast::Stmt],
        imports: &[Import],
    ) -> Place<'a> {
        let standing = standing(files, module.path, module.workspace, imports);
        let resolver = Resolver::new(
            files,
            module.environment,
            module.path,
            module.workspace,
            &standing,
            (module.document, body),
        );
        Place {
            module: *module,
            document: module.document,
            standing,
            resolver,
        }
    }

    fn report(&self, import: &Import, imported: Option<&ImportedName>) -> ImportReport {
        let name = imported.map(|imported| imported.name.as_str());
        let alias = match imported {
            Some(imported) => imported.alias.clone(),
            None => import.alias.clone(),
        };
        let from = self
            .resolver
            .source_of(&self.standing, self.module.path, import, name);
        ImportReport {
            module: import.module.clone(),
            name: name.map(str::to_owned),
            alias,
            line: self.document.lines().line_of(import.at) + 1,
            level: import.level,
            scope: match import.in_function {
                true => ReportedScope::Function,
                false => ReportedScope::Module,
            },
            guard: import.guard.map(|guard| match guard {
                Guard::TypeChecking => ReportedGuard::TypeChecking,
                Guard::Optional => ReportedGuard::Optional,
            }),
            origin: from.origin,
            distribution: from.distribution,
            version: from.version,
            path: match from.origin {
                ImportOrigin::Stdlib | ImportOrigin::Distribution => {
                    let name = name.filter(|name| *name != "*");
                    self.resolver.foreign_place(&import.module, name)
                }
                _ => from.path,
            },
            summary: from.summary,
            range: import.range.clone(),
            name_range: imported
                .map_or(&import.range, |imported| &imported.range)
                .clone(),
        }
    }
}
