//! A Python buffer, its tree, its symbols and scopes; it knows nothing of files, clusters or LSP.
