//! The binary `hoist`: the command line and the language server over the same engine.

mod bar;
mod cli;
mod forecast;
mod lsp;
mod result_text;
mod table;
mod tasks;
mod words;

use std::process::ExitCode;

/// Many small pieces are made and dropped for every text, by one thread and another. The system's allocators are slower at that,
/// and their slow moments longer.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    cli::main()
}
