//! The binary `hoist`: the command line and the language server over the same engine.

fn main() {}
