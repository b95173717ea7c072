//! What would fail, or go otherwise than here, when a file's code runs in a job: one walk over the statements that an entry
//! may carry, and the questions that are asked at each of them.
//!
//! What stands under `if __name__ == "__main__":` never travels and is left alone, and so are statements of the module that
//! no function needs: a notebook-style script asks and plots as it likes.

mod calls;
mod carried;
mod effects;
mod globals;
mod names;
mod newer;
mod results;
mod secrets;

use std::borrow::Cow;
use std::ops::Range;
use std::path::Path;

use crate::TargetPython;
use crate::audience::Audience;
use crate::modules::Import;
use crate::python::{Source, ast, is_main_test, range_of, with_stack};
use crate::{Code, Finding, Fix, Severity};
use ast::visitor::{Visitor, walk_stmt};
use ast::{Expr, Stmt};

use names::Names;

/// Adds what there is to say about a file that parses.
pub(crate) fn check(
    path: &Path,
    source: &Source,
    imports: &[Import],
    audience: &Audience<'_, TargetPython>,
    is_local: &dyn Fn(&str) -> bool,
    found: &mut Vec<Finding>,
) {
    let names = Names::read(source, imports);
    let carried = carried::carried(source);
    let mut walk = Walk {
        source,
        names: &names,
        results: Results::default(),
        functions: 0,
        classes: 0,
        found,
    };
    for (stmt, is_carried) in source.body().iter().zip(carried) {
        if is_carried {
            walk.visit_stmt(stmt);
        }
        effects::at_top_level(&names, stmt, is_carried, walk.found);
    }
    globals::check(source, found);
    newer::check(path, source, &names, audience, is_local, found);
}

/// A finding without a fix.
fn finding(code: Code, severity: Severity, message: String, range: Range<usize>) -> Finding {
    Finding {
        code,
        severity,
        message,
        range,
        entry: None,
        fixes: Vec::<Fix>::new(),
    }
}

/// What the function that the walk is in gives back.
#[derive(Default)]
struct Results<'a> {
    returned: Vec<&'a Expr>,
    yielded: Vec<&'a Expr>,
    is_generator: bool,
    /// There is a lambda or a class in the function. Nothing else is told of.
    makes_some: bool,
}

struct Walk<'a> {
    source: &'a Source,
    names: &'a Names<'a>,
    results: Results<'a>,
    /// How many functions the walk is inside of.
    functions: usize,
    /// How many classes.
    classes: usize,
    found: &'a mut Vec<Finding>,
}

impl Walk<'_> {
    /// Looks at what a function of the module gives back; of a generator, that is what it yields.
    fn came_to_its_end(&mut self, function: &ast::StmtFunctionDef) {
        let results = std::mem::take(&mut self.results);
        if !results.makes_some || !function.decorator_list.iter().all(results::keeps_results) {
            return;
        }
        let values = match results.is_generator {
            true => results.yielded,
            false => results.returned,
        };
        for value in values {
            results::returned(self.source, value, self.found);
        }
    }
}

impl<'a> Visitor<'a> for Walk<'a> {
    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        match stmt {
            Stmt::If(choice) if is_main_test(&choice.test) => {
                for clause in &choice.elif_else_clauses {
                    clause.body.iter().for_each(|stmt| self.visit_stmt(stmt));
                }
                return;
            }
            // A docstring, or a text that is a comment.
            Stmt::Expr(expr) if expr.value.is_string_literal_expr() => return,
            Stmt::Return(returned) => {
                // What is nested or a method is seldom an entry: its callers deal with what it returns.
                if let Some(value) = &returned.value
                    && (self.functions, self.classes) == (1, 0)
                {
                    self.results.returned.push(value);
                }
            }
            Stmt::Assign(assign) => {
                for target in &assign.targets {
                    secrets::assigned(target, &assign.value, self.found);
                }
            }
            Stmt::AnnAssign(assign) => {
                if let Some(value) = &assign.value {
                    secrets::assigned(&assign.target, value, self.found);
                }
            }
            _ => {}
        }
        let is_function = stmt.is_function_def_stmt();
        let is_class = stmt.is_class_def_stmt();
        match (self.functions, self.classes) {
            // What stands before the function is none of it.
            (0, 0) => self.results.makes_some = false,
            _ => self.results.makes_some |= is_class,
        }
        self.functions += usize::from(is_function);
        self.classes += usize::from(is_class);
        with_stack(|| walk_stmt(self, stmt));
        self.functions -= usize::from(is_function);
        self.classes -= usize::from(is_class);
        if let Stmt::FunctionDef(function) = stmt
            && (self.functions, self.classes) == (0, 0)
        {
            self.came_to_its_end(function);
        }
    }

    fn visit_expr(&mut self, expr: &'a Expr) {
        match expr {
            Expr::Call(call) => {
                if let Some(path) = self.names.telling_path(&call.func) {
                    calls::called(call, &path, self.found);
                    if self.functions == 0 {
                        effects::in_value(call, &path, self.found);
                    }
                }
                for keyword in &call.arguments.keywords {
                    if let Some(name) = &keyword.arg {
                        secrets::named(name, &keyword.value, self.found);
                    }
                }
            }
            Expr::Yield(yielded) if (self.functions, self.classes) == (1, 0) => {
                self.results.is_generator = true;
                self.results.yielded.extend(yielded.value.as_deref());
            }
            Expr::YieldFrom(_) if (self.functions, self.classes) == (1, 0) => {
                self.results.is_generator = true;
            }
            Expr::Lambda(_) => self.results.makes_some = true,
            Expr::Dict(dict) => {
                for item in &dict.items {
                    if let Some(key) = item.key.as_ref().and_then(crate::python::constant_text) {
                        secrets::named(key, &item.value, self.found);
                    }
                }
            }
            Expr::StringLiteral(text) => {
                secrets::literal(text.value.to_str(), range_of(expr), self.found);
            }
            Expr::BytesLiteral(bytes) => {
                let mut parts = bytes.value.iter();
                let whole = match (parts.next(), parts.next()) {
                    (Some(part), None) => Cow::Borrowed(&*part.value),
                    _ => Cow::Owned(bytes.value.bytes().collect()),
                };
                if let Ok(text) = std::str::from_utf8(&whole) {
                    secrets::literal(text, range_of(expr), self.found);
                }
            }
            Expr::FString(text) => {
                for element in text.value.elements() {
                    if let ast::InterpolatedStringElement::Literal(literal) = element {
                        secrets::literal(&literal.value, range_of(expr), self.found);
                    }
                }
            }
            _ => {}
        }
        crate::python::walk_into(self, expr);
    }
}
