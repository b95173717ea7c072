//! Syntax, modules and names of Python's library that the target's Python does not have.

use ruff_python_parser::{Mode, ParseOptions, parse_unchecked};

use super::finding;
use super::names::Names;
use crate::python::{Source, ast, range_of, with_stack};
use crate::settings::{PythonVersion, TargetPython};
use crate::{Code, Finding, Severity};
use ast::visitor::{Visitor, walk_expr, walk_stmt};
use ast::{Expr, Stmt};

/// From which version of Python 3 on a module or a name of the library is there.
#[rustfmt::skip]
const ADDED: &[(&str, u8)] = &[
    ("annotationlib", 14), ("asyncio.Runner", 11), ("asyncio.TaskGroup", 11), ("asyncio.run", 7),
    ("asyncio.timeout", 11), ("asyncio.to_thread", 9), ("builtins.BaseExceptionGroup", 11),
    ("builtins.ExceptionGroup", 11), ("builtins.aiter", 10), ("builtins.anext", 10), ("builtins.breakpoint", 7),
    ("compression", 14), ("concurrent.interpreters", 14), ("contextlib.aclosing", 10), ("contextlib.chdir", 11),
    ("contextlib.nullcontext", 7), ("contextvars", 7), ("dataclasses", 7), ("datetime.UTC", 11),
    ("enum.StrEnum", 11), ("functools.cache", 9), ("functools.cached_property", 8),
    ("functools.singledispatchmethod", 8), ("graphlib", 9), ("importlib.metadata", 8),
    ("importlib.resources", 7), ("itertools.batched", 12), ("itertools.pairwise", 10), ("math.cbrt", 11),
    ("math.comb", 8), ("math.dist", 8), ("math.exp2", 11), ("math.isqrt", 8), ("math.lcm", 9), ("math.perm", 8),
    ("math.prod", 8), ("math.sumprod", 12), ("multiprocessing.shared_memory", 8), ("queue.SimpleQueue", 7),
    ("random.randbytes", 9), ("shlex.join", 8), ("statistics.fmean", 8), ("statistics.NormalDist", 8),
    ("statistics.correlation", 10), ("statistics.linear_regression", 10), ("string.templatelib", 14),
    ("time.perf_counter_ns", 7), ("time.time_ns", 7), ("tomllib", 11), ("types.EllipsisType", 10),
    ("types.NoneType", 10), ("typing.Annotated", 9), ("typing.Concatenate", 10), ("typing.Final", 8),
    ("typing.ForwardRef", 7), ("typing.Literal", 8), ("typing.LiteralString", 11), ("typing.Never", 11),
    ("typing.NotRequired", 11), ("typing.OrderedDict", 7), ("typing.ParamSpec", 10), ("typing.Protocol", 8),
    ("typing.Required", 11), ("typing.Self", 11), ("typing.TypeAlias", 10), ("typing.TypeGuard", 10),
    ("typing.TypedDict", 8), ("typing.Unpack", 11), ("typing.assert_never", 11), ("typing.override", 12),
    ("zoneinfo", 9),
];

/// From which version of Python 3 on a module is gone.
#[rustfmt::skip]
const REMOVED: &[(&str, u8)] = &[
    ("aifc", 13), ("asynchat", 12), ("asyncore", 12), ("audioop", 13), ("binhex", 11), ("cgi", 13), ("cgitb", 13),
    ("chunk", 13), ("crypt", 13), ("distutils", 12), ("dummy_threading", 9), ("formatter", 10), ("imghdr", 13),
    ("imp", 12), ("lib2to3", 13), ("mailcap", 13), ("msilib", 13), ("nis", 13), ("nntplib", 13), ("ossaudiodev", 13),
    ("parser", 10), ("pipes", 13), ("smtpd", 12), ("sndhdr", 13), ("spwd", 13), ("sunau", 13), ("symbol", 10),
    ("telnetlib", 13), ("uu", 13), ("xdrlib", 13),
];

/// Tells what of the code that an entry may carry is not there on the target.
pub(super) fn check(
    source: &Source,
    names: &Names<'_>,
    python: &TargetPython,
    is_local: &dyn Fn(&str) -> bool,
    found: &mut Vec<Finding>,
) {
    syntax(source, python, found);
    let mut library = Library {
        source,
        names,
        python,
        is_local,
        forgiving: 0,
        found,
    };
    for stmt in source.body() {
        library.visit_stmt(stmt);
    }
}

fn has(python: &TargetPython) -> String {
    format!("the target {} has Python {}", python.target, python.version)
}

fn syntax(source: &Source, python: &TargetPython, found: &mut Vec<Finding>) {
    let version = ast::PythonVersion {
        major: python.version.major,
        minor: python.version.minor,
    };
    let options = ParseOptions::from(Mode::Module).with_target_version(version);
    let parsed = with_stack(|| parse_unchecked(source.text(), options));
    for error in parsed.unsupported_syntax_errors() {
        let said = error.to_string();
        // "Cannot use `match` statement on Python 3.6 (syntax was added in Python 3.10)"
        let (what, since) = match said.split_once(" on Python ") {
            Some((what, rest)) => (
                what.trim_start_matches("Cannot use ").to_owned(),
                rest.split_once("was ")
                    .map_or("", |(_, since)| since.trim_end_matches(')')),
            ),
            None => (said.clone(), ""),
        };
        let message = format!(
            "{}, which has no {what} ({since}), so nothing that carries this line can run there",
            has(python)
        );
        found.push(finding(
            Code::OtherPython,
            Severity::Error,
            message,
            range_of(error),
        ));
    }
    if python.version < (PythonVersion { major: 3, minor: 7 }) {
        annotations(source, python, found);
    }
}

/// `from __future__ import annotations` is an error of syntax before 3.7.
fn annotations(source: &Source, python: &TargetPython, found: &mut Vec<Finding>) {
    for stmt in source.body() {
        if let Stmt::ImportFrom(import) = stmt
            && import
                .module
                .as_ref()
                .is_some_and(|module| module.as_str() == "__future__")
            && let Some(alias) = import
                .names
                .iter()
                .find(|alias| alias.name.as_str() == "annotations")
        {
            let message = format!(
                "{}, which has no `from __future__ import annotations` (added in Python 3.7), so nothing that carries this line can run there",
                has(python)
            );
            found.push(finding(
                Code::OtherPython,
                Severity::Error,
                message,
                range_of(alias),
            ));
        }
    }
}

struct Library<'a> {
    source: &'a Source,
    names: &'a Names<'a>,
    python: &'a TargetPython,
    /// Are the files of a top-level module in the workspace?
    is_local: &'a dyn Fn(&str) -> bool,
    /// In how many blocks that are ready for the name not being there.
    forgiving: usize,
    found: &'a mut Vec<Finding>,
}

impl Library<'_> {
    /// Why a path of the library is not there, as a half sentence.
    fn lacks(&self, path: &str) -> Option<String> {
        let minor = match self.python.version {
            PythonVersion { major: 3, minor } => minor,
            _ => return None,
        };
        let exact = |list: &[(&str, u8)]| {
            list.iter()
                .find(|(known, _)| *known == path)
                .map(|(_, version)| *version)
        };
        if let Some(added) = exact(ADDED).filter(|added| minor < *added) {
            return Some(format!(
                "`{path}` is there from Python 3.{added} on",
                path = shown(path)
            ));
        }
        exact(REMOVED)
            .filter(|removed| minor >= *removed)
            .map(|removed| format!("`{path}` is gone since Python 3.{removed}"))
    }

    fn tell(&mut self, path: &str, range: std::ops::Range<usize>, is_import: bool) {
        let top = path.split('.').next().unwrap_or(path);
        if self.forgiving > 0 || (self.is_local)(top) {
            return;
        }
        if let Some(why) = self.lacks(path) {
            // An import at the top takes the whole file along; a name is missed when its line runs.
            let severity = if is_import {
                Severity::Error
            } else {
                Severity::Warning
            };
            let message = format!("{why}, and {}", has(self.python));
            self.found
                .push(finding(Code::OtherPython, severity, message, range));
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

fn shown(path: &str) -> &str {
    path.strip_prefix("builtins.").unwrap_or(path)
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
                    self.tell(alias.name.as_str(), range_of(&alias.name), true);
                }
                false
            }
            Stmt::ImportFrom(import) if import.level == 0 => {
                if let Some(module) = &import.module {
                    self.tell(module.as_str(), range_of(module), true);
                    for alias in &import.names {
                        let path = format!("{}.{}", module.as_str(), alias.name.as_str());
                        self.tell(&path, range_of(&alias.name), true);
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
                    self.tell(&path, range_of(&attribute.attr), false);
                }
            }
            Expr::Name(_) => {
                if let Some(path) = self.names.path(expr)
                    && path.starts_with("builtins.")
                {
                    self.tell(&path, range_of(expr), false);
                }
            }
            _ => {}
        }
        with_stack(|| walk_expr(self, expr));
    }
}
