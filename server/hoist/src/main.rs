//! The binary `hoist`: the command line and the language server over the same engine.

mod cli;
mod lsp;

use std::process::ExitCode;

/// Trees and names are many small pieces, made and dropped on several threads; the system's allocator is slow at that and keeps
/// twice the memory.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    cli::main()
}
