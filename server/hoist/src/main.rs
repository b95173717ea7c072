//! The binary `hoist`: the command line and the language server over the same engine.

mod cli;
mod lsp;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
