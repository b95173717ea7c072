//! Why a run was refused before anything left this machine.

use hoist_analysis::{Code, Finding, Refusal};
use hoist_cluster::{ClusterError, ResourceError};
use hoist_package::PackageError;

use crate::{StoreError, UnknownTarget};

/// A refusal: one sentence, and nothing was begun.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The entry cannot run as it stands.
    #[error(transparent)]
    Refused(Box<Refusal>),
    /// No such target.
    #[error(transparent)]
    Target(#[from] UnknownTarget),
    /// The target's settings cannot be used.
    #[error(transparent)]
    Settings(#[from] ClusterError),
    /// A resource cannot be used.
    #[error("{source}{}", place(.line))]
    Resources {
        /// What is wrong with it.
        source: ResourceError,
        /// The line of the function whose comment or decorator asks for it, from 1; `None` when it was asked for at the run.
        line: Option<u32>,
    },
    /// The package cannot be written.
    #[error(transparent)]
    Package(#[from] PackageError),
    /// What would be run once more is not there any more.
    #[error(
        "its package was cleaned away, so it cannot be run once more as it was; run the function anew"
    )]
    NoPackage,
    /// Nothing of a sweep is to be run once more.
    #[error("none of its tasks failed, so there is nothing to run once more")]
    NothingFailed,
    /// It goes on.
    #[error("it is not at its end yet; cancel it first, or wait")]
    GoesOn,
    /// What it is to come after has ended otherwise, or is not known here.
    #[error("{0}; leave it out of `after`, or run that one again first")]
    After(String),
    /// Nobody agreed to that much being sent.
    #[error(
        "{bytes} of data files would have to be sent to {target} first, and nobody has agreed to that; run it again and agree (`--yes` on the command line), or raise `data_ask` of the target"
    )]
    NotSent {
        /// How much, in words.
        bytes: String,
        /// The target's name.
        target: String,
    },
    /// The target could not be asked what it has.
    #[error(transparent)]
    Unreached(ClusterError),
    /// The job cannot be recorded here.
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn place(line: &Option<u32>) -> String {
    line.map_or_else(String::new, |line| {
        format!(" (asked for above the function in line {line})")
    })
}

impl RunError {
    /// The finding's code where there is one.
    pub fn code(&self) -> Option<Code> {
        match self {
            Self::Refused(refusal) => Some(refusal.code),
            _ => None,
        }
    }

    /// A word for programmes: the finding's code, or what else was refused.
    pub fn word(&self) -> String {
        match self {
            Self::Refused(refusal) => refusal.code.to_string(),
            Self::Target(_) => "unknown_target".to_owned(),
            Self::Settings(_) => "settings".to_owned(),
            Self::Resources { .. } => "resources".to_owned(),
            Self::Package(_) => "package".to_owned(),
            Self::NoPackage => "no_package".to_owned(),
            Self::NothingFailed => "nothing_failed".to_owned(),
            Self::GoesOn => "goes_on".to_owned(),
            Self::After(_) => "after".to_owned(),
            Self::NotSent { .. } => "not_sent".to_owned(),
            Self::Unreached(_) => "unreached".to_owned(),
            Self::Store(_) => "store".to_owned(),
        }
    }

    /// The line of the entry's file that is to blame, from 1.
    pub fn line(&self) -> Option<u32> {
        match self {
            Self::Refused(refusal) => refusal.line,
            Self::Resources { line, .. } => *line,
            _ => None,
        }
    }

    /// Whether the same request with `force` would run.
    pub fn can_force(&self) -> bool {
        matches!(self, Self::Refused(refusal) if refusal.can_force)
    }

    /// The findings behind the refusal.
    pub fn findings(&self) -> &[Finding] {
        match self {
            Self::Refused(refusal) => &refusal.findings,
            _ => &[],
        }
    }
}

impl From<Refusal> for RunError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(Box::new(refusal))
    }
}
