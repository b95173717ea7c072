//! The one reader of imports.

use std::ops::Range;

use crate::python::{ast, constant_text, dotted, is_main_test, range_of, start_of, with_stack};
use ast::visitor::{Visitor, walk_stmt};
use ast::{Expr, Stmt};
use hoist_syntax::Document;
use ruff_text_size::Ranged;

/// An import as it is written: one for each `from` statement, and one for each module of a plain `import`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Import {
    /// Dotted name after the dots.
    pub(crate) module: String,
    /// Number of leading dots.
    pub(crate) level: u32,
    /// Names of a `from` import; `*` for a star.
    pub(crate) names: Vec<ImportedName>,
    /// The name after `as` of a plain import.
    pub(crate) alias: Option<String>,
    /// Byte offset of the statement.
    pub(crate) at: usize,
    /// The module's name with its alias, or the whole `from` statement.
    pub(crate) range: Range<usize>,
    /// It stands in a function, so it runs when that is called.
    pub(crate) in_function: bool,
    /// What keeps the code running without it.
    pub(crate) guard: Option<Guard>,
    /// The same as "has a guard".
    pub(crate) optional: bool,
    /// It stands in a main block, which never runs.
    pub(crate) guarded: bool,
    /// It stands under a question about the version of Python or the system, so it may not be meant for this one.
    pub(crate) conditional: bool,
    /// It is no statement but a call with a constant name.
    pub(crate) dynamic: bool,
}

/// A name of a `from` import.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ImportedName {
    pub(crate) name: String,
    pub(crate) alias: Option<String>,
    pub(crate) range: Range<usize>,
}

/// Why code runs without an import.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Guard {
    /// Under `if TYPE_CHECKING:`, which never runs.
    TypeChecking,
    /// Where a failing import is caught.
    Optional,
}

impl Import {
    /// Is it `from module import *`?
    pub(crate) fn is_star(&self) -> bool {
        self.names.iter().any(|name| name.name == "*")
    }

    /// The module as it is written, with its dots.
    pub(crate) fn written(&self) -> String {
        format!("{}{}", ".".repeat(self.level as usize), self.module)
    }
}

/// All imports of a module, at every depth, and what is imported by a constant name, in source order.
pub(crate) fn imports_of(body: &[Stmt]) -> Vec<Import> {
    collect(body, None)
}

/// The same of a whole text, of which only what holds the word `import` is looked at.
pub(crate) fn imports_in(document: &Document, body: &[Stmt]) -> Vec<Import> {
    // In what imports the word stands as it is written, but for letters that Python takes for others.
    let words = document.has_plain_names().then(|| {
        let text = document.text().as_bytes();
        memchr::memmem::find_iter(text, "import").collect()
    });
    collect(body, words)
}

fn collect(body: &[Stmt], words: Option<Vec<usize>>) -> Vec<Import> {
    let mut found = Collector {
        words,
        ..Collector::default()
    };
    found.all(body);
    found.imports
}

/// How many blocks of each kind are around.
#[derive(Default)]
struct Collector {
    imports: Vec<Import>,
    /// Where the word stands; none when that is not known.
    words: Option<Vec<usize>>,
    functions: u32,
    typing: u32,
    forgiving: u32,
    guarded: u32,
    conditional: u32,
}

/// Exceptions that catch a failing import.
const CAUGHT: &[&str] = &[
    "ImportError",
    "ModuleNotFoundError",
    "Exception",
    "BaseException",
];

impl Collector {
    fn import(&self, module: &str, level: u32, at: usize, range: Range<usize>) -> Import {
        let guard = if self.typing > 0 {
            Some(Guard::TypeChecking)
        } else {
            (self.forgiving > 0).then_some(Guard::Optional)
        };
        Import {
            module: module.to_owned(),
            level,
            names: Vec::new(),
            alias: None,
            at,
            range,
            in_function: self.functions > 0,
            guard,
            optional: guard.is_some(),
            guarded: self.guarded > 0,
            conditional: self.conditional > 0,
            dynamic: false,
        }
    }

    /// May there be an import in a node?
    fn may_have(&self, node: &impl Ranged) -> bool {
        self.words.as_ref().is_none_or(|words| {
            let range = range_of(node);
            let next = words.partition_point(|at| *at < range.start);
            words.get(next).is_some_and(|at| *at < range.end)
        })
    }

    fn all(&mut self, body: &[Stmt]) {
        for stmt in body {
            self.visit_stmt(stmt);
        }
    }

    fn attempt(&mut self, attempt: &ast::StmtTry) {
        let forgives = attempt
            .handlers
            .iter()
            .any(|ast::ExceptHandler::ExceptHandler(handler)| {
                let caught = handler.type_.as_ref();
                caught.is_none_or(|caught| mentions(caught, CAUGHT))
            });
        self.forgiving += u32::from(forgives);
        self.all(&attempt.body);
        for ast::ExceptHandler::ExceptHandler(handler) in &attempt.handlers {
            self.all(&handler.body);
        }
        self.forgiving -= u32::from(forgives);
        self.all(&attempt.orelse);
        self.all(&attempt.finalbody);
    }

    fn choice(&mut self, choice: &ast::StmtIf) {
        let clauses = choice.elif_else_clauses.iter();
        let tests = std::iter::once(&*choice.test)
            .chain(clauses.clone().filter_map(|clause| clause.test.as_ref()));
        let conditional = u32::from(tests.clone().any(asks_where_it_runs));
        self.conditional += conditional;
        self.branch(Some(&choice.test), &choice.body);
        for clause in clauses {
            self.branch(clause.test.as_ref(), &clause.body);
        }
        self.conditional -= conditional;
        for test in tests {
            self.visit_expr(test);
        }
    }

    fn branch(&mut self, test: Option<&Expr>, body: &[Stmt]) {
        let typing = u32::from(test.is_some_and(|test| mentions(test, &["TYPE_CHECKING"])));
        let main = u32::from(test.is_some_and(is_main_test));
        self.typing += typing;
        self.guarded += main;
        self.all(body);
        self.typing -= typing;
        self.guarded -= main;
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

/// Does a test ask for the version of Python or the system?
fn asks_where_it_runs(test: &Expr) -> bool {
    struct Asks(bool);
    impl Visitor<'_> for Asks {
        fn visit_expr(&mut self, expr: &Expr) {
            let words = [
                "version_info",
                "hexversion",
                "platform",
                "implementation",
                "python_implementation",
                "PY2",
                "PY3",
            ];
            let is_os_name = matches!(expr, Expr::Attribute(attribute)
                if attribute.attr.as_str() == "name"
                    && matches!(&*attribute.value, Expr::Name(name) if name.id.as_str() == "os"));
            self.0 |= is_os_name || mentions(expr, &words);
            crate::python::walk_into(self, expr);
        }
    }
    let mut asks = Asks(false);
    asks.visit_expr(test);
    asks.0
}

/// Is it `contextlib.suppress(ImportError)`?
fn suppresses(item: &ast::WithItem) -> bool {
    let Expr::Call(call) = &item.context_expr else {
        return false;
    };
    mentions(&call.func, &["suppress"])
        && call
            .arguments
            .args
            .iter()
            .any(|argument| mentions(argument, CAUGHT))
}

impl<'a> Visitor<'a> for Collector {
    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        match stmt {
            _ if !self.may_have(stmt) => {}
            Stmt::Import(import) => {
                for alias in &import.names {
                    let mut one = self.import(&alias.name, 0, start_of(import), range_of(alias));
                    one.alias = alias.asname.as_ref().map(ToString::to_string);
                    self.imports.push(one);
                }
            }
            Stmt::ImportFrom(import) => {
                let module = import.module.as_ref().map(|name| name.as_str());
                let mut one = self.import(
                    module.unwrap_or_default(),
                    import.level,
                    start_of(import),
                    range_of(import),
                );
                let names = import.names.iter().map(|alias| ImportedName {
                    name: alias.name.to_string(),
                    alias: alias.asname.as_ref().map(ToString::to_string),
                    range: range_of(alias),
                });
                one.names = names.collect();
                self.imports.push(one);
            }
            Stmt::Try(attempt) => with_stack(|| self.attempt(attempt)),
            Stmt::If(choice) => with_stack(|| self.choice(choice)),
            Stmt::With(with) => {
                let forgives = u32::from(with.items.iter().any(suppresses));
                self.forgiving += forgives;
                with_stack(|| walk_stmt(self, stmt));
                self.forgiving -= forgives;
            }
            Stmt::FunctionDef(_) => {
                self.functions += 1;
                with_stack(|| walk_stmt(self, stmt));
                self.functions -= 1;
            }
            _ => with_stack(|| walk_stmt(self, stmt)),
        }
    }

    fn visit_expr(&mut self, expr: &'a Expr) {
        if !self.may_have(expr) {
            return;
        }
        if let Expr::Call(call) = expr
            && let Some(parts) = dotted(&call.func)
            && matches!(parts.last(), Some(&"import_module" | &"__import__"))
            && let Some(text) = call.arguments.args.first().and_then(constant_text)
        {
            let level = text.chars().take_while(|c| *c == '.').count() as u32;
            let module = text.trim_start_matches('.');
            let mut one = self.import(module, level, start_of(call), range_of(call));
            one.dynamic = true;
            self.imports.push(one);
        }
        crate::python::walk_into(self, expr);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use proptest::sample::select;

    proptest! {
        /// Whatever stands between the words of a call, around it and in its place.
        #[test]
        fn no_call_that_imports_is_passed_over(
            call in select(vec![
                vec!["(", "importlib", ".", "import_module", "(", "'a'", ")", ")"],
                vec!["(", "(", "importlib", ".", "import_module", ")", "(", "'.a'", ",", "'b'", ")", ")"],
                vec!["(", "import_module", "(", "'a'", ")", ")"],
                vec!["(", "__import__", "(", "'a'", ")", ")"],
                vec!["(", "builtins", ".", "__import__", "(", "'a' 'b'", ")", ")"],
                vec!["(", "importlib", ".", "ｉmport_module", "(", "'a'", ")", ")"],
            ]),
            between in prop::collection::vec(
                select(vec!["", "", "", "", " ", " ", "\t", "\n", "\r\n", "\\\n", " # c\n", "\x0c", " \\\n # c\n"]),
                12,
            ),
            around in select(vec![
                ("", ""), ("import b\nif x:\n    ", "\nimport c"), ("x = ", ""), ("def f(): return ", ""), ("x[", "] = 1"),
                ("f'''{", "}'''"), ("class A(", "): pass"), ("@", "\ndef f(): pass"), ("try: ", "\nexcept ImportError: import d"),
                ("match x:\n    case 1 if ", ": import e"), ("async def f():\n    async with ", ": pass"), ("del x[", "]"),
            ]),
        ) {
            let parts = call.iter().zip(&between).map(|(word, space)| format!("{word}{space}"));
            let call = parts.collect::<String>();
            let end = call.rfind(')').unwrap_or_default();
            let text = format!("{}{}{}", around.0, &call[..=end], around.1);
            let parsed = ruff_python_parser::parse_module(&text);
            let is_plain = between.iter().all(|space| space.trim().is_empty());
            prop_assert!(parsed.is_ok() || !is_plain || around.0.starts_with('f'), "{text:?}");
            if let Ok(parsed) = parsed {
                let body = parsed.into_syntax().body;
                let all = imports_of(&body);
                prop_assert!(all.iter().any(|import| import.dynamic), "{text:?}");
                prop_assert_eq!(imports_in(&Document::new(text.clone()), &body), all, "{}", text);
            }
        }
    }

    #[test]
    fn a_text_is_passed_over_only_without_a_call_that_imports() {
        for (text, found) in [
            ("importlib.import_module('a')", 1),
            ("importlib . \\\n import_module('a')", 1),
            ("x = [__import__('a') for _ in y]", 1),
            ("importlib.ｉmport_module('a')", 1),
            ("f'{import_module(\"a\")}'", 1),
            ("getattr(importlib, 'import_' 'module')('a')", 0),
            ("f('é')", 0),
        ] {
            let parsed = ruff_python_parser::parse_module(text).unwrap();
            let body = parsed.into_syntax().body;
            assert_eq!(imports_of(&body).len(), found, "{text}");
            assert_eq!(
                imports_in(&Document::new(text.to_owned()), &body),
                imports_of(&body),
                "{text}"
            );
        }
    }

    #[test]
    fn imports_are_read_as_they_are_written() {
        let text = "\
from __future__ import annotations
import os, numpy . linalg as la
from . import sibling
from ..up.there import (
    a,
    b as c,
)
from math import *
if TYPE_CHECKING:
    from typing import Any
elif other:
    import real
try:
    import fast
except ImportError:
    import slow as fast
else:
    import sure
with contextlib.suppress(ImportError):
    import maybe
def f():
    import inner
    importlib.import_module('.by_name', 'pkg')
if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib
if __name__ == '__main__':
    import argparse
";
        let parsed = ruff_python_parser::parse_module(text).unwrap();
        let shown: Vec<String> = imports_of(&parsed.into_syntax().body)
            .into_iter()
            .map(|import| {
                let names: Vec<String> = import
                    .names
                    .iter()
                    .map(|name| match &name.alias {
                        Some(alias) => format!("{} as {alias}", name.name),
                        None => name.name.clone(),
                    })
                    .collect();
                let flags = [
                    (import.in_function, "function"),
                    (import.guarded, "main"),
                    (import.conditional, "conditional"),
                    (import.dynamic, "dynamic"),
                ];
                let flags = flags.iter().filter(|(is, _)| *is).map(|(_, word)| *word);
                let line = text[..import.at].matches('\n').count() + 1;
                let guard = import.guard.map(|guard| format!("{guard:?}"));
                let alias = import.alias.as_ref().map(|alias| format!("as {alias}"));
                let mut words = vec![format!("{line}: {}", import.written())];
                words.extend(alias);
                if !names.is_empty() {
                    words.push(format!("[{}]", names.join(", ")));
                }
                words.extend(guard);
                words.extend(flags.map(str::to_owned));
                words.join(" ")
            })
            .collect();
        insta::assert_snapshot!(shown.join("\n"), @r"
        1: __future__ [annotations]
        2: os
        2: numpy.linalg as la
        3: . [sibling]
        4: ..up.there [a, b as c]
        8: math [*]
        10: typing [Any] TypeChecking
        12: real
        14: fast Optional
        16: slow as fast Optional
        18: sure
        20: maybe Optional
        22: inner function
        23: .by_name function dynamic
        25: tomllib conditional
        27: tomli as tomllib conditional
        29: argparse main
        ");
    }
}
