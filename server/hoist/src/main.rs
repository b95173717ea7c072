//! The binary `hoist`: the command line and the language server over the same engine.

mod lsp;

use std::process::ExitCode;

fn main() -> ExitCode {
    match std::env::args().nth(1).as_deref() {
        Some("lsp") => lsp::run(),
        _ => ExitCode::from(2),
    }
}
