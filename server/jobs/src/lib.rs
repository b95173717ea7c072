//! A job from the click to its result: the engine, the store, the events.
//!
//! In: a [`RunRequest`] (a module's text, an entry, arguments, the name of a target), the configuration files, and what
//! the target's files and scheduler say of jobs that were made before.
//! Out: a [`JobId`] at once or a [`RunError`] in one sentence, then [`Event`]s: states, output, the end. Everything that
//! shows jobs is fed by them, and [`JobView`] is what it shows.
//!
//! A job is recorded on disk before anything touches the network, and output is appended to the job's log here before it is
//! announced. The length of that log is the only bookkeeping: whoever goes on with the job asks for the bytes after it.
//! One process drives a job, which a lock in its folder decides; all others read along. This room knows nothing of LSP.

mod after;
mod again;
mod clean;
mod config;
mod connect;
mod data;
mod drive;
mod end;
mod engine;
mod environment;
mod error;
mod event;
mod fetch;
mod folders;
mod hub;
mod id;
mod looks;
mod output;
mod plan;
mod sites;
mod source;
mod state;
mod store;
mod sums;
mod sweep;
mod usage;
mod view;
mod watch;
mod wheels;

pub use clean::{Cleaned, Old};
pub use config::{
    Completion, CompletionKind, Config, ConfigError, Explanation, IgnoredIn, LOCAL, Loaded,
    Problem, UnknownTarget, complete, data_change, diagnose, explain, ignore_change, is_config,
    schema, user_file, workspace_in, workspace_of,
};
pub use connect::Learnt;
pub use engine::{Engine, EngineOptions, default_store};
pub use environment::Wanted;
pub use error::RunError;
pub use event::Event;
pub use fetch::{FetchError, Kept, missing_bytes};
pub use hoist_package::{Preview, PreviewColumn};
pub use hub::{Forecast, Lost, Unlearnt};
pub use id::{JobId, NotAJobId};
pub use looks::{Look, Looked, Standing};
pub use plan::{Plan, RunRequest, destination, plan};
pub use source::{SourceError, read_source};
pub use state::State;
pub use store::StoreError;
pub use sweep::{Sweep, SweepTask};
pub use usage::of_memory;
pub use view::{Frame, JobError, JobResult, JobView, Stream, TaskOf, WrittenFile};
pub use watch::Watch;
