//! Files that the code writes at places which it names from `__file__`: over there that is another folder than here.

use std::ops::Range;
use std::path::PathBuf;

use hoist_syntax::words::Word;

use super::data::{writes, writes_by};
use super::paths::{Evaluator, Named, tidy};
use super::tree_path;
use crate::modules::Standing;
use crate::python::{Source, ast, dotted, is_main_test, range_of, with_stack};
use crate::{Code, Finding, Module, Severity};
use ast::visitor::{Visitor, walk_stmt};
use ast::{Expr, Stmt};

/// Functions and methods that write the file, or make the folder, which their first argument names.
const WRITERS: &[&str] = &[
    "imsave",
    "imwrite",
    "makedirs",
    "mkdir",
    "save",
    "savefig",
    "savetxt",
    "savez",
    "savez_compressed",
    "to_csv",
    "to_excel",
    "to_feather",
    "to_hdf",
    "to_json",
    "to_parquet",
    "to_pickle",
];

/// Adds the places that write beside the module.
pub(super) fn written(
    module: &Module<'_>,
    source: &Source,
    standing: &Standing,
    found: &mut Vec<Finding>,
) {
    if !source.document.words().have(Word::File) {
        return;
    }
    let mut finder = Finder {
        evaluator: Evaluator::new(module.path, source.body()),
        found: Vec::new(),
    };
    for stmt in source.body() {
        finder.visit_stmt(stmt);
    }
    for (path, range) in finder.found {
        let (severity, message) = match tree_path(&standing.base, &path) {
            Some(shown) => (
                Severity::Information,
                format!(
                    "`{shown}` is written beside the module: in a job that is the job's own folder, and the file is kept there with its result, not put here"
                ),
            ),
            None => (
                Severity::Warning,
                format!(
                    "`{}` leads from `__file__` out of what travels, so in a job it is another place, and what is written there is lost: write below the working directory, or at an absolute path of the cluster",
                    path.display()
                ),
            ),
        };
        found.push(Finding {
            code: Code::WrittenBeside,
            severity,
            message,
            range,
            entry: None,
            fixes: Vec::new(),
        });
    }
}

struct Finder<'a> {
    evaluator: Evaluator<'a>,
    found: Vec<(PathBuf, Range<usize>)>,
}

/// What a call writes to.
fn subject(call: &ast::ExprCall) -> Option<&Expr> {
    let first = call.arguments.args.first();
    match &*call.func {
        Expr::Name(name) => match name.id.as_str() {
            "open" if writes(call) => first,
            "makedirs" | "mkdir" => first,
            _ => None,
        },
        Expr::Attribute(attribute) => match attribute.attr.as_str() {
            "write_text" | "write_bytes" | "touch" => Some(&*attribute.value),
            "open"
                if matches!(
                    dotted(&call.func).as_deref(),
                    Some(["io" | "codecs" | "gzip" | "bz2" | "lzma", _])
                ) =>
            {
                first.filter(|_| writes(call))
            }
            "open" => Some(&*attribute.value).filter(|_| writes_by(call, 0)),
            // Path.mkdir takes no path.
            "mkdir" if dotted(&call.func).as_deref() != Some(&["os", "mkdir"]) => {
                Some(&*attribute.value)
            }
            name if WRITERS.contains(&name) => first,
            _ => None,
        },
        _ => None,
    }
}

impl<'a> Visitor<'a> for Finder<'_> {
    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        match stmt {
            Stmt::If(choice) if is_main_test(&choice.test) => {
                for clause in &choice.elif_else_clauses {
                    clause.body.iter().for_each(|stmt| self.visit_stmt(stmt));
                }
            }
            _ => with_stack(|| walk_stmt(self, stmt)),
        }
    }

    fn visit_expr(&mut self, expr: &'a Expr) {
        if let Expr::Call(call) = expr
            && let Some(subject) = subject(call)
            && let Some(Named::File(path)) = self.evaluator.path(subject)
        {
            self.found.push((tidy(&path), range_of(subject)));
        }
        crate::python::walk_into(self, expr);
    }
}
