//! `hoist analyze`: functions and imports of files as JSON.

use std::io::{self, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use hoist_analysis::{Files, ImportReport, imports};
use hoist_syntax::scopes::ScopeKind;
use serde::Serialize;

use super::parallel::in_order;
use super::source::{Around, Source};
use super::{AnalyzeArgs, Done, REFUSED};

pub(super) fn analyze(args: &AnalyzeArgs) -> Done {
    let around = Around::new(args.python.clone());
    let mut status = 0;
    let files = |found: &mut dyn FnMut(_) -> ControlFlow<()>| {
        let _ = args.files.iter().try_for_each(found);
    };
    let read = |file: &PathBuf| match Source::read(file, &around) {
        Ok(source) => (
            0,
            serde_json::to_string(&analysis(file, &source, &around.files)),
        ),
        Err(failure) => (
            REFUSED,
            serde_json::to_string(&unreadable(file, failure.message)),
        ),
    };
    let mut out = io::BufWriter::new(io::stdout().lock());
    in_order(files, read, |(this, line)| {
        status = status.max(this);
        writeln!(out, "{}", line?)
    })?;
    out.flush()?;
    Ok(status)
}

fn unreadable(file: &Path, message: String) -> Analysis<'_> {
    Analysis {
        file,
        functions: Vec::new(),
        imports: Vec::new(),
        errors: vec![Problem {
            line: None,
            message,
        }],
    }
}

/// One file. Lines count from 1, as Python's own.
#[derive(Serialize)]
struct Analysis<'a> {
    file: &'a Path,
    functions: Vec<Function>,
    imports: Vec<ImportReport>,
    errors: Vec<Problem>,
}

#[derive(Serialize)]
struct Function {
    qualname: String,
    /// Of the keyword `def` or `async`, as `ast` gives it.
    line: u32,
    end_line: u32,
    r#async: bool,
    parameters: Vec<String>,
    captures: Vec<String>,
    globals: Vec<String>,
    definition_names: Vec<String>,
}

#[derive(Serialize)]
struct Problem {
    line: Option<u32>,
    message: String,
}

fn analysis<'a>(file: &'a Path, source: &Source, files: &dyn Files) -> Analysis<'a> {
    let document = &source.document;
    let scopes = document.scopes();
    let lines = document.lines();
    let functions = scopes
        .functions()
        .map(|id| (id, scopes.get(id)))
        .filter(|(_, scope)| scope.kind == ScopeKind::Function)
        .map(|(id, scope)| Function {
            qualname: scope.qualname.clone(),
            line: lines.line_of(scope.def_range.start) + 1,
            end_line: lines.line_of(scope.def_range.end.saturating_sub(1)) + 1,
            r#async: scope.is_async,
            parameters: scope
                .parameters
                .iter()
                .map(|parameter| parameter.name.as_str().to_owned())
                .collect(),
            captures: scopes.captures(id),
            globals: scopes.globals(id),
            definition_names: scopes.definition_names(id),
        })
        .collect();
    let errors = document
        .check()
        .err()
        .map(|error| Problem {
            line: Some(error.line + 1),
            message: error.message,
        })
        .into_iter()
        .collect();
    Analysis {
        file,
        functions,
        imports: imports(&source.module(), files),
        errors,
    }
}
