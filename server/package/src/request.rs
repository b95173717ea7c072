//! `request.json` of the job's folder: what this job asks of its package.

use serde::{Deserialize, Serialize};

/// What one job asks. A sweep is many of these over one package.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// The job's name, a ULID.
    pub job: String,
    /// The arguments as they stand between the parentheses of a call: `lr=0.1, *layers`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub args: Option<String>,
    /// Seconds after which the runner ends the job as timed out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_limit: Option<u64>,
    /// Seconds between asking the programme to end (SIGTERM) and ending it (SIGKILL); the runner's own choice if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grace: Option<u64>,
    /// So many seconds before `time_limit` the entry's process is sent SIGUSR1, once, and the file `warned` is made in the job's
    /// folder; without a handler of its own it is not disturbed by that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warning: Option<u64>,
    /// Names the folder, in `checkpoints` beside the folder of all jobs, that stays from one attempt at this work to the next and goes
    /// when one succeeds. Absent: there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<String>,
    /// The store of data files is this job's alone, so that they need no protection from it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub own_store: bool,
    /// SHA-256 of the package in lower-case hexadecimal digits. The runner refuses a package that differs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub package_sha256: Option<String>,
}

impl Request {
    /// The bytes of `request.json`.
    pub fn to_bytes(&self) -> Vec<u8> {
        // Strings, numbers and nothing else: there is no value of this type that JSON cannot hold.
        serde_json::to_vec(self).unwrap_or_default()
    }
}
