//! What the first pass notes of a name in a scope, as the DEF_ flags of CPython's symbol table.

/// Named by `global`.
pub(super) const GLOBAL: u16 = 1;
/// Bound by something other than a parameter or an import.
pub(super) const LOCAL: u16 = 1 << 1;
/// A parameter.
pub(super) const PARAMETER: u16 = 1 << 2;
/// Named by `nonlocal`.
pub(super) const NONLOCAL: u16 = 1 << 3;
/// Read.
pub(super) const USE: u16 = 1 << 4;
/// Bound by an import.
pub(super) const IMPORT: u16 = 1 << 5;
/// Annotated.
pub(super) const ANNOTATED: u16 = 1 << 6;
/// A type parameter.
pub(super) const TYPE_PARAMETER: u16 = 1 << 7;
/// Not used here, but passed through to a scope inside.
pub(super) const PASSED: u16 = 1 << 8;
/// Bound in this class, and at the same time a free variable of a function in it.
pub(super) const FREE_CLASS: u16 = 1 << 9;
/// Used by a scope inside.
pub(super) const CELL: u16 = 1 << 10;

/// Bound in whatever way.
pub(super) const BOUND: u16 = LOCAL | PARAMETER | IMPORT;
