//! The binary `hoist`: the command line and the language server over the same engine.

mod allocator;
mod bar;
mod cli;
mod forecast;
mod lsp;
mod result_text;
mod table;
mod tasks;
mod words;

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: allocator::Allocator = allocator::Allocator;

fn main() -> ExitCode {
    cli::main()
}
