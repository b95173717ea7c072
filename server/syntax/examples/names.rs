//! Prints the functions of Python files with their captures and globals, one JSON object per file and line.
//! Files are named as arguments, or one per line on standard input.

use hoist_syntax::{Document, scopes::Rules, scopes::Scopes};
use serde_json::json;
use std::io::{BufRead, Write};

fn main() -> std::io::Result<()> {
    let mut files: Vec<String> = std::env::args().skip(1).collect();
    if files.is_empty() {
        files = std::io::stdin().lock().lines().collect::<Result<_, _>>()?;
    }
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for file in files {
        let text = String::from_utf8_lossy(&std::fs::read(&file)?).into_owned();
        let document = Document::new(text);
        let scopes = Scopes::read_by(&document, Rules::default());
        let functions: Vec<_> = scopes
            .functions()
            .map(|id| {
                let scope = scopes.get(id);
                json!({
                    "qualname": scope.qualname,
                    "line": document.lines().line_of(scope.def_range.start) + 1,
                    "captures": scopes.captures(id),
                    "globals": scopes.globals(id),
                    "definition_names": scopes.definition_names(id),
                })
            })
            .collect();
        writeln!(
            out,
            "{}",
            json!({"file": file, "error_nodes": document.tree().root_node().has_error(), "functions": functions})
        )?;
    }
    out.flush()
}
