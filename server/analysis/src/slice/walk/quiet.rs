//! Modules in which the walk finds nothing for who only speaks about one file, known without walking.
//!
//! Such a walk looks for names that nothing binds, and for ways to reach names without writing them. Of the first the scopes
//! tell; the second all go by words that are in the text, or by builtins that a scope reads.

use std::ops::Range;

use hoist_syntax::Document;
use hoist_syntax::scopes::{Name, Scope, ScopeKind};
use hoist_syntax::words::{Word, may_have_attribute};
use rustc_hash::FxHashSet;

use crate::library::is_builtin;
use crate::modules::Import;
use crate::python::{Source, ast, is_main_test, range_of, start_of};
use crate::slice::program::Program;
use crate::slice::ranges::Ranges;
use ast::Stmt;

/// What the walk would give of such a module; none when only the walk can tell. Takes all imports of the file.
pub(in crate::slice) fn program(source: &Source, imports: &[Import]) -> Option<Program> {
    let (text, words) = (source.text(), source.document.words());
    let guards = guards(source);
    let reaches_frames = || {
        let names = ["f_globals", "f_locals", "__globals__"];
        let is_there = words.have(Word::Globals) || words.have(Word::FrameLocals);
        is_there && names.iter().any(|name| may_have_attribute(text, name, &[]))
    };
    let is_quiet = source.document.has_plain_names()
        && !reaches_frames()
        && !imports_by_name(&source.document)
        && !imports
            .iter()
            .any(|import| reaches_names(text, import, &guards))
        && names_are_plain(source, &guards);
    is_quiet.then(|| Program {
        stars: stars(source, imports),
        ..Program::default()
    })
}

/// `importlib.import_module(name)`, `__import__(name)`
fn imports_by_name(document: &Document) -> bool {
    let words = document.words();
    words.have(Word::ImportModule) || words.have(Word::DunderImport)
}

/// May an import be of something by which the walk knows that names are reached? What main blocks do does not count.
fn reaches_names(text: &str, import: &Import, guards: &[Range<usize>]) -> bool {
    if import.level > 0 {
        return false;
    }
    let is_outside = !guards.iter().any(|guard| guard.contains(&import.at));
    let names = |name: &str| is_outside && import.names.iter().any(|own| own.name == name);
    let uses = |name: &str| names(name) || may_have_attribute(text, name, guards);
    match import.module.split('.').next().unwrap_or_default() {
        "__main__" | "builtins" => true,
        "sys" => uses("modules"),
        "doctest" => uses("testmod"),
        "unittest" | "pytest" => uses("main"),
        "fire" => uses("Fire"),
        "inspect" => uses("getmodule"),
        _ => false,
    }
}

/// Are all names that are read outside of main blocks bound outside of them, or builtins that reach no others?
fn names_are_plain(source: &Source, guards: &[Range<usize>]) -> bool {
    let scopes = &source.scopes;
    let module = scopes.get(scopes.module());
    let guards = Ranges::new(guards);
    let bound: FxHashSet<&Name> = module
        .bindings
        .iter()
        .filter(|binding| !guards.hold(binding.range.start))
        .map(|binding| &binding.name)
        .collect();
    let is_plain = |scope: &Scope, name: &Name| {
        let reads = || {
            let reads = scope.references.iter();
            reads.filter(|read| read.name == *name && !guards.hold(read.range.start))
        };
        bound.contains(name)
            || match name.as_str() {
                "eval" | "exec" | "globals" => false,
                // Of something else they list what that has, and in a function `locals()` is none of the module.
                "dir" | "locals" | "vars" => {
                    is_in_function(source, scope)
                        || reads().all(|read| is_called_with_some(source.text(), read.range.end))
                }
                name if is_builtin(name) => true,
                _ => reads().next().is_none(),
            }
    };
    let mut all = scopes.iter().filter(|(_, scope)| !scope.is_detached);
    all.all(|(id, scope)| {
        let is_module = id == scopes.module();
        scope.symbols.iter().all(|(name, symbol)| {
            !symbol.is_referenced
                || *name != "__annotations__"
                    && (!(is_module || symbol.resolution.is_global()) || is_plain(scope, name))
        })
    })
}

/// Is a scope that of a function, or in one?
fn is_in_function(source: &Source, scope: &Scope) -> bool {
    let mut at = Some(scope);
    while let Some(scope) = at {
        if matches!(scope.kind, ScopeKind::Function | ScopeKind::Lambda) {
            return true;
        }
        at = scope.parent.map(|parent| source.scopes.get(parent));
    }
    false
}

/// Is a name that ends there called, and not without arguments?
fn is_called_with_some(text: &str, end: usize) -> bool {
    let behind = text.get(end..).unwrap_or_default();
    let inside = behind.strip_prefix('(').unwrap_or_default();
    inside.starts_with(|first: char| first.is_ascii_alphanumeric() || first == '_')
}

/// The bodies of all main blocks that run with the module, wherever they stand.
fn guards(source: &Source) -> Vec<Range<usize>> {
    fn read(body: &[Stmt], found: &mut Vec<Range<usize>>) {
        for stmt in body {
            if let Stmt::If(choice) = stmt
                && is_main_test(&choice.test)
                && let (Some(first), Some(last)) = (choice.body.first(), choice.body.last())
            {
                found.push(start_of(first)..range_of(last).end);
            }
            if !stmt.is_function_def_stmt() {
                let blocks = crate::python::blocks_in(stmt);
                crate::python::with_stack(|| blocks.iter().for_each(|block| read(block, found)));
            }
        }
    }
    let mut found = Vec::new();
    if source.document.words().have(Word::Name) {
        read(source.body(), &mut found);
    }
    found
}

/// The star imports with the top-level statements that hold them.
fn stars(source: &Source, imports: &[Import]) -> Vec<(usize, String)> {
    let starts = source.body();
    let stars = imports.iter().filter(|import| import.is_star());
    stars
        .map(|import| {
            let behind = starts.partition_point(|stmt| start_of(stmt) <= import.at);
            (behind.saturating_sub(1), import.written())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::*;
    use crate::modules::imports_in;
    use crate::slice::walk::{self, Surroundings};

    /// Whether the module is taken for one in which nothing is found. Then the walk has to find nothing in it.
    fn is_quiet(text: &str) -> bool {
        let Ok(source) = Source::of(&Document::new(text.to_owned())) else {
            return false;
        };
        let imports = imports_in(&source.document, source.body());
        let Some(quiet) = program(&source, &imports) else {
            return false;
        };
        let around = Surroundings {
            is_local: &|_| false,
            spares: &|_| false,
            is_whole: false,
        };
        let walked = walk::read(&source, &around);
        assert_eq!(quiet.stars, walked.stars, "{text}");
        assert!(!walked.binds_unknown(), "{text}");
        for region in &walked.regions {
            assert!(region.reads.is_empty(), "{text}: {:?}", region.reads);
            assert!(
                region.uncertain.is_empty(),
                "{text}: {:?}",
                region.uncertain
            );
            assert!(region.dynamic_imports.is_empty(), "{text}");
        }
        true
    }

    #[test]
    fn a_module_is_quiet_while_no_name_is_reached_unseen() {
        for text in [
            "import os\ndef f(a): return os.path.join(a, 'b')",
            "import sys\nprint(sys.argv) # the modules",
            "from a import *\nx = 1",
            "import unittest\nclass T(unittest.TestCase): pass\nif __name__ == '__main__':\n    unittest.main()",
            "def f(): return locals()",
            "def f(x): return dir(x), vars(x)",
            "if __name__ == '__main__':\n    from argparse import Namespace as n\n    print(n())",
        ] {
            assert!(is_quiet(text), "{text}");
        }
        for text in [
            "def f(): return nowhere",
            "import sys\nsys.modules['a'].b = 1",
            "from sys import modules as m\nm[__name__]",
            "print(locals())",
            "class A:\n    x = dir()",
            "def f(): return eval(input())",
            "if __name__ == '__main__':\n    x = 1\ndef f(): return x",
            "import unittest as u\ndef f(): u.main()",
            "def f(g): return g.__globals__",
            "import sys\nsys.ｍodules['a'].b = 1",
        ] {
            assert!(!is_quiet(text), "{text}");
        }
    }

    proptest! {
        /// Ways to reach names, and to pass for one, in all kinds of places.
        #[test]
        fn in_a_quiet_module_the_walk_finds_nothing(
            statements in prop::collection::vec(
                (
                    select(vec![
                        "", "def f(a):\n    ", "class A:\n    ", "if __name__ == '__main__':\n    ",
                        "try:\n    import b\nexcept ImportError:\n    ", "def g():\n  if __name__ == '__main__':\n    ",
                        "class B:\n  if '__main__' == __name__:\n    ", "if x:\n    pass\nelse:\n    ", "x = lambda: 0;",
                    ]),
                    select(vec![
                        "x = 1", "print(x)", "x.modules", "import sys", "sys.modules[x]", "sys . modules[x]", "import sys as x",
                        "from sys import modules", "modules[x]", "import unittest", "unittest.main()", "from unittest import main",
                        "main()", "globals()", "vars()", "vars(x)", "vars", "dir()", "dir(x)", "locals()", "[locals() for x in x]",
                        "eval('x')", "eval(x)", "exec(x)", "x = globals()", "globals()[x] = 1", "setattr(sys.modules[x], x, 1)",
                        "from x import *", "from . import x", "x += 1", "del x", "y", "global x; x = 1", "x: int", "x.f_globals",
                        "__annotations__", "x.__annotations__", "importlib.import_module(x)", "import importlib", "import builtins",
                        "builtins.eval(x)", "import inspect", "inspect.getmodule(x)", "from inspect import getmodule as x", "x()",
                        "import __main__", "super().x", "lambda: y", "lambda y: y", "[y for y in x]", "(y := x)", "f'{x}{y}'",
                    ]),
                ),
                1..7,
            ),
        ) {
            let lines = statements.iter().map(|(around, statement)| format!("{around}{statement}\n"));
            is_quiet(&lines.collect::<String>());
        }
    }
}
