//! Syntax, modules and names of Python's library that the target's Python does not have.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::Path;

use ruff_python_parser::{Mode, ParseOptions, parse_unchecked};

use super::finding;
use super::names::Names;
use crate::audience::Audience;
use crate::library::changes;
use crate::move_import::Moves;
use crate::python::{Source, ast, range_of, start_of, with_stack};
use crate::settings::{PythonVersion, TargetPython};
use crate::{Code, Finding, Severity};
use ast::visitor::{Visitor, walk_stmt};
use ast::{Expr, Stmt};

/// The newest version that the parser knows: what it reads, that one has.
const NEWEST: PythonVersion = PythonVersion {
    major: 3,
    minor: 14,
};

/// Tells what of the code that an entry may carry is not there on the target that it runs on.
pub(super) fn check(
    path: &Path,
    source: &Source,
    names: &Names<'_>,
    audience: &Audience<'_, TargetPython>,
    is_local: &dyn Fn(&str) -> bool,
    found: &mut Vec<Finding>,
) {
    let all = audience.all();
    if all.is_empty() {
        return;
    }
    let versions: BTreeSet<PythonVersion> = all.iter().map(|python| python.version).collect();
    for version in versions {
        syntax(source, version, audience, found);
    }
    let mut library = Library {
        moves: Moves::of(path, source),
        source,
        names,
        pythons: &[],
        is_local,
        forgiving: 0,
        found,
    };
    for stmt in source.body() {
        library.pythons = audience.of(start_of(stmt));
        if !library.pythons.is_empty() {
            library.visit_stmt(stmt);
        }
    }
}

fn has(python: &TargetPython) -> String {
    format!("the target {} has Python {}", python.target, python.version)
}

/// Tells what does not parse for a version, where the code meets it.
fn syntax(
    source: &Source,
    version: PythonVersion,
    audience: &Audience<'_, TargetPython>,
    found: &mut Vec<Finding>,
) {
    if version >= NEWEST {
        return;
    }
    let mut tell = |range: Range<usize>, what: &str, since: &str| {
        let met = audience.of(range.start).iter();
        for python in met.filter(|python| python.version == version) {
            let message = format!(
                "{}, which has no {what} ({since}), so nothing that carries this line can run there",
                has(python)
            );
            let range = range.clone();
            found.push(finding(Code::OtherPython, Severity::Error, message, range));
        }
    };
    let options = ParseOptions::from(Mode::Module).with_target_version(ast::PythonVersion {
        major: version.major,
        minor: version.minor,
    });
    let parsed = with_stack(|| parse_unchecked(source.text(), options));
    for error in parsed.unsupported_syntax_errors() {
        let said = error.to_string();
        // "Cannot use `match` statement on Python 3.6 (syntax was added in Python 3.10)"
        let (what, since) = match said.split_once(" on Python ") {
            Some((what, rest)) => (
                what.trim_start_matches("Cannot use "),
                rest.split_once("was ")
                    .map_or("", |(_, since)| since.trim_end_matches(')')),
            ),
            None => (said.as_str(), ""),
        };
        tell(range_of(error), what, since);
    }
    // An error of syntax before 3.7.
    if version < (PythonVersion { major: 3, minor: 7 })
        && let Some(range) = postponed_annotations(source)
    {
        tell(
            range,
            "`from __future__ import annotations`",
            "added in Python 3.7",
        );
    }
}

fn postponed_annotations(source: &Source) -> Option<Range<usize>> {
    source.body().iter().find_map(|stmt| match stmt {
        Stmt::ImportFrom(import) if import.module.as_ref()?.as_str() == "__future__" => {
            let names = &mut import.names.iter();
            let alias = names.find(|alias| alias.name.as_str() == "annotations")?;
            Some(range_of(alias))
        }
        _ => None,
    })
}

struct Library<'a> {
    moves: Moves<'a>,
    source: &'a Source,
    names: &'a Names<'a>,
    /// Those that the statement meets.
    pythons: &'a [&'a TargetPython],
    /// Are the files of a top-level module in the workspace?
    is_local: &'a dyn Fn(&str) -> bool,
    /// In how many blocks that are ready for the name not being there.
    forgiving: usize,
    found: &'a mut Vec<Finding>,
}

/// What is missed, and when.
#[derive(Clone, PartialEq, Eq)]
enum Missed {
    /// By an import at the top, which takes the whole file along: of all that a place names.
    Import(Range<usize>),
    /// When its line runs.
    Name,
    /// When its line runs: the keyword of a call.
    Keyword,
}

impl Library<'_> {
    /// Tells it for each Python that it meets, when it came later or left earlier.
    fn tell(&mut self, path: &str, range: &Range<usize>, missed: Missed) -> bool {
        let Some(change) = changes::of(path) else {
            return false;
        };
        let top = path.split('.').next().unwrap_or(path);
        if self.forgiving > 0 || (self.is_local)(top) {
            return true;
        }
        let severity = match missed {
            Missed::Import(_) => Severity::Error,
            Missed::Name | Missed::Keyword => Severity::Warning,
        };
        for python in self.pythons {
            let PythonVersion { major: 3, minor } = python.version else {
                continue;
            };
            let what = named(path);
            let why = match change.added.filter(|added| minor < *added) {
                Some(added) => format!("{what} is there from Python 3.{added} on"),
                None => match change.removed.filter(|removed| minor >= *removed) {
                    Some(removed) => format!("{what} is gone since Python 3.{removed}"),
                    None => continue,
                },
            };
            let message = format!("{why}, and {}", has(python));
            let range = range.clone();
            let mut told = finding(Code::OtherPython, severity, message, range);
            if let Missed::Import(place) = &missed {
                told.fixes.extend(self.moves.edits(place));
            }
            self.found.push(told);
        }
        true
    }

    /// A module, by the outermost of its packages that came or left.
    fn tell_module(&mut self, module: &str, range: &Range<usize>, place: &Range<usize>) {
        let ends = module.match_indices('.').map(|(at, _)| at);
        for end in ends.chain(Some(module.len())) {
            let package = module.get(..end).unwrap_or_default();
            if self.tell(package, range, Missed::Import(place.clone())) {
                return;
            }
        }
    }

    /// Does a block ask for the version, or catch that the import fails?
    fn is_careful(&self, test: &Expr) -> bool {
        self.source.text().get(range_of(test)).is_some_and(|text| {
            ["version_info", "TYPE_CHECKING", "hasattr", "hexversion"]
                .iter()
                .any(|word| text.contains(word))
        })
    }
}

/// `tomllib`, or the keyword of `subprocess.run(text)`, in words.
fn named(path: &str) -> String {
    let shown = path.strip_prefix("builtins.").unwrap_or(path);
    match shown
        .strip_suffix(')')
        .and_then(|call| call.split_once('('))
    {
        Some((function, keyword)) => format!("the keyword `{keyword}` of `{function}`"),
        None => format!("`{shown}`"),
    }
}

impl<'a> Visitor<'a> for Library<'_> {
    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        let careful = match stmt {
            Stmt::Try(attempt) => !attempt.handlers.is_empty(),
            Stmt::If(choice) => {
                self.is_careful(&choice.test) || crate::python::is_main_test(&choice.test)
            }
            Stmt::Import(import) => {
                for alias in &import.names {
                    self.tell_module(
                        alias.name.as_str(),
                        &range_of(&alias.name),
                        &range_of(alias),
                    );
                }
                false
            }
            Stmt::ImportFrom(import) if import.level == 0 => {
                if let Some(module) = &import.module {
                    self.tell_module(module.as_str(), &range_of(module), &range_of(import));
                    for alias in &import.names {
                        let path = format!("{}.{}", module.as_str(), alias.name.as_str());
                        self.tell(
                            &path,
                            &range_of(&alias.name),
                            Missed::Import(range_of(alias)),
                        );
                    }
                }
                false
            }
            _ => false,
        };
        self.forgiving += usize::from(careful);
        with_stack(|| walk_stmt(self, stmt));
        self.forgiving -= usize::from(careful);
    }

    fn visit_expr(&mut self, expr: &'a Expr) {
        match expr {
            // What `from module import name` gave was told at the import.
            Expr::Attribute(attribute) => {
                if let Some(path) = self.names.path(expr) {
                    self.tell(&path, &range_of(&attribute.attr), Missed::Name);
                }
            }
            Expr::Name(name) if changes::is_of_builtin(name.id.as_str()) => {
                if let Some(path) = self.names.path(expr)
                    && path.starts_with("builtins.")
                {
                    self.tell(&path, &range_of(expr), Missed::Name);
                }
            }
            Expr::Call(call) if !call.arguments.keywords.is_empty() => {
                if let Some(path) = self.names.path(&call.func) {
                    for keyword in &call.arguments.keywords {
                        if let Some(name) = &keyword.arg {
                            let path = format!("{path}({name})");
                            self.tell(&path, &range_of(name), Missed::Keyword);
                        }
                    }
                }
            }
            _ => {}
        }
        crate::python::walk_into(self, expr);
    }
}
