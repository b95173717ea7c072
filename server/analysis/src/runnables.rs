//! The functions of a file that can be run.

use std::collections::BTreeMap;
use std::ops::Range;

use serde::Serialize;

use crate::EntrySpec;

/// A function that can be run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Runnable {
    /// What to ask for to run it.
    pub entry: EntrySpec,
    /// Its qualified name in the file.
    pub qualname: String,
    /// Line of the `def`, from 0.
    pub line: u32,
    /// Byte range of its name.
    pub name_range: Range<usize>,
    /// Byte range of the whole definition with its decorators.
    pub range: Range<usize>,
    /// The parameters that a caller can fill, in order, as they are written (`*args` with its star).
    pub parameters: Vec<String>,
    /// Those without a default, which a run must be given.
    pub required: Vec<String>,
    /// What kind of function.
    pub kind: RunnableKind,
    /// `async def`.
    pub is_async: bool,
    /// Has a `yield` of its own.
    pub is_generator: bool,
    /// What the comment or decorator above it asks for.
    pub directives: Directives,
}

/// Kinds of functions, by how they are reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RunnableKind {
    /// A function of the module.
    Function,
    /// A function inside a function or a method.
    Nested,
    /// A static method, run as `A.smeth`.
    StaticMethod,
    /// A class method, run as `A.cmeth`.
    ClassMethod,
    /// A name bound to a lambda.
    Lambda,
}

/// Settings of a run that stand in the source.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Directives {
    /// The target's name.
    pub target: Option<String>,
    /// The arguments, as for `--args`.
    pub args: Option<String>,
    /// `cores`, `memory`, `time`, `gpus`, `nodes`, `tasks`, `partition`, `account`...: as written, unquoted.
    pub resources: BTreeMap<String, String>,
}
