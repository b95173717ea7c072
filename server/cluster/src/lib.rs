//! How a job reaches a machine, runs there and is heard from: transports, schedulers, the follower, remote files.
//!
//! In: the settings of a target, a package's bytes with their SHA-256, the request that the runner reads, a job's name.
//! Out: a native id, the job's output byte for byte, its result and its exit marker as the runner wrote them,
//! what the scheduler says of it, and errors that name the target, the reason and the mend.
//!
//! A *transport* (`local`, `ssh`) starts a shell script on the other side and carries bytes; a *scheduler* (`none`,
//! `slurm`, `pbs`, `sge`, `lsf`) is a handful of shell scripts. Any scheduler runs over any transport; `kubernetes` is both in one, and
//! each of its pods a machine of its own. A job is a folder on the other side,
//! `WORK_DIR/jobs/JOB`, whose files say what became of it; one small Python process per connection, the follower,
//! watches the folders of all jobs and sends what is new. This room knows nothing of Python source or of the store.

mod array;
mod ask;
mod data;
mod environment;
mod error;
mod fetch;
mod follower;
mod forecast;
mod fs;
mod kubernetes;
mod look;
mod machine;
mod packages;
mod probe;
mod programme;
mod query;
mod resources;
mod scheduler;
mod script;
mod settings;
mod shell;
mod site;
mod size;
pub mod ssh;
mod stored;
mod submit;
mod target;
mod told;
mod transport;
mod upload;

pub use array::ArraySubmission;
pub use ask::{Ask, Nobody, Question, QuestionKind};
pub use data::DataFile;
pub use environment::{
    BuildError, BuildErrorKind, BuildPlace, BuildProgress, EnvironmentInfo, EnvironmentKind,
    EnvironmentKindError, EnvironmentPlace, EnvironmentSpec, EnvironmentState, Facts,
    JobEnvironment, KeptEnvironment, Libc, MarkerVariables,
};
pub use error::{ClusterError, ErrorKind};
pub use fetch::{FETCH_AT_ONCE, Fetched, Piece};
pub use follower::{FollowEvent, Offsets, Stream};
pub use fs::{FileInfo, FileKind, Fs, Listing, Part, READ_LIMIT, Usage};
pub use look::{Glance, LOOK_NAMES, Names, Seen, Sight, look_here};
pub use packages::Packages;
pub use probe::{Check, probe};
pub use resources::{Memory, ResourceError, Resources, TimeLimit};
pub use scheduler::{Outcome, SchedulerKind, SchedulerState};
pub use settings::{PullPolicy, TargetSettings};
pub use size::Size;
pub use stored::{KeptFile, StoredFile, StoredState};
pub use submit::{NativeId, Parent, Submission, Upload};
pub use target::{Made, Offer, Target, connect};
pub use told::{Abilities, abilities, told};
