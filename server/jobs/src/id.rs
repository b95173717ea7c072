//! A job's name: a ULID, made here and never by the other side.

use std::fmt;
use std::str::FromStr;
use std::sync::Mutex;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};
use ulid::{Generator, Ulid};

/// A job's name: 26 letters and digits that sort by the time at which the job was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct JobId(Ulid);

/// Within one process names grow even in the same millisecond, so that a list of jobs keeps the order of the clicks.
static GENERATOR: Mutex<Generator> = Mutex::new(Generator::new());

impl JobId {
    /// A new name, greater than every one made by this process before.
    pub fn new() -> Self {
        let mut generator = GENERATOR
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        // Overflow means 2^80 names in one millisecond; a name of its own is as good then.
        Self(generator.generate().unwrap_or_else(|_| Ulid::generate()))
    }

    /// The name of the task `index`, from 1, of the sweep of this name: so many after it.
    pub(crate) fn task(self, index: usize) -> Self {
        Self(Ulid(self.0.0.wrapping_add(index as u128)))
    }

    /// Which task a job is of the sweep of this name, if it is one of that many.
    pub(crate) fn index_of(self, job: Self, tasks: usize) -> Option<usize> {
        let index = usize::try_from(job.0.0.checked_sub(self.0.0)?).ok()?;
        (1..=tasks).contains(&index).then_some(index)
    }

    /// When the name was made.
    pub fn created(self) -> SystemTime {
        self.0.datetime()
    }
}

impl Default for JobId {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0.to_string())
    }
}

/// What a person typed is no job's name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a job's name (26 letters and digits; `hoist jobs` lists them)")]
pub struct NotAJobId(pub String);

impl FromStr for JobId {
    type Err = NotAJobId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ulid::from_string(text.trim())
            .map(Self)
            .map_err(|_| NotAJobId(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_one_process_grow_even_in_the_same_millisecond() {
        let names: Vec<JobId> = (0..10_000).map(|_| JobId::new()).collect();
        assert!(names.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(
            names
                .windows(2)
                .all(|pair| pair[0].to_string() < pair[1].to_string())
        );
    }

    #[test]
    fn a_name_reads_back_whatever_its_case() {
        let name = JobId::new();
        assert_eq!(name.to_string().parse(), Ok(name));
        assert_eq!(name.to_string().to_lowercase().parse(), Ok(name));
        assert!("../../etc/passwd".parse::<JobId>().is_err());
        assert!("".parse::<JobId>().is_err());
    }
}
