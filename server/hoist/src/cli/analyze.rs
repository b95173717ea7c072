//! `hoist analyze`: functions and imports of files as JSON.

use std::path::Path;

use hoist_jobs::read_source;
use hoist_syntax::scopes::ScopeKind;
use hoist_syntax::{Document, strict};
use serde::Serialize;

use super::imports::{Import, imports};
use super::{AnalyzeArgs, Done, REFUSED, print};

pub(super) fn analyze(args: &AnalyzeArgs) -> Done {
    let mut status = 0;
    for file in &args.files {
        let analysis = match read_source(file) {
            Ok(text) => analysis(file, &Document::new(text)),
            Err(error) => {
                status = REFUSED;
                Analysis {
                    file,
                    functions: Vec::new(),
                    imports: Vec::new(),
                    errors: vec![Problem {
                        line: None,
                        message: error.to_string(),
                    }],
                }
            }
        };
        print::json(&analysis)?;
    }
    Ok(status)
}

/// One file. Lines count from 1, as Python's own.
#[derive(Serialize)]
struct Analysis<'a> {
    file: &'a Path,
    functions: Vec<Function>,
    imports: Vec<Import>,
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

fn analysis<'a>(file: &'a Path, document: &Document) -> Analysis<'a> {
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
    let errors = strict::check(document.text())
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
        imports: imports(document),
        errors,
    }
}
