//! Environments: what the Python of a target's jobs can import, and how that comes there.
//!
//! A virtual environment of ours stands in `WORK_DIR/envs/NAME`, where NAME says what is in it. It is built once, by a small Python
//! programme on the other side ([`build`]), used by any number of jobs, and never seen half-built. What somebody else made
//! there, a conda environment, a folder, an image, is only used.

mod activate;
mod build;
mod facts;
mod kind;
mod manage;
mod progress;
mod shell;
mod spec;
mod words;

pub(crate) use activate::JobPython;
pub(crate) use build::{build, send_wheels};
pub use facts::{Facts, Libc, MarkerVariables};
pub(crate) use facts::{ask as ask_facts, is_version};
pub(crate) use kind::index_refusal;
pub use kind::{BuildPlace, EnvironmentKind, EnvironmentKindError, EnvironmentPlace};
pub use manage::{EnvironmentInfo, EnvironmentState, KeptEnvironment};
pub(crate) use manage::{list, remove};
pub(crate) use shell::JobShell;
pub use spec::{BuildProgress, EnvironmentSpec, JobEnvironment};
pub use words::{BuildError, BuildErrorKind};
