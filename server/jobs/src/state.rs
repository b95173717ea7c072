//! The states of a job and the ways between them.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Where a job is on its way. The last five are ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Recorded here; nothing has touched the network.
    Preparing,
    /// The package is on its way to the target.
    Uploading,
    /// Submitted; the scheduler has it.
    Queued,
    /// The runner has started.
    Running,
    /// The function returned.
    Succeeded,
    /// The function raised, or took its own process down.
    Failed,
    /// Ended because someone asked for it.
    Cancelled,
    /// Ended because its time was over.
    TimedOut,
    /// The target failed it: never submitted, killed from outside, or gone. Always with a stated reason.
    Lost,
}

impl State {
    /// Every state, in the order in which a job meets them.
    pub const ALL: [Self; 9] = [
        Self::Preparing,
        Self::Uploading,
        Self::Queued,
        Self::Running,
        Self::Succeeded,
        Self::Failed,
        Self::Cancelled,
        Self::TimedOut,
        Self::Lost,
    ];

    /// The word that people and events use.
    pub fn word(self) -> &'static str {
        match self {
            Self::Preparing => "preparing",
            Self::Uploading => "uploading",
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::TimedOut => "timed_out",
            Self::Lost => "lost",
        }
    }

    /// Nothing comes after it.
    pub fn is_end(self) -> bool {
        matches!(
            self,
            Self::Succeeded | Self::Failed | Self::Cancelled | Self::TimedOut | Self::Lost
        )
    }

    /// Whether a job in this state may be in `next` next.
    ///
    /// A job can end without having been seen running (it was over before we looked), and a running one can be put
    /// back into the queue (preempted); but what has not been submitted can neither run nor return.
    pub fn can_become(self, next: Self) -> bool {
        use State::*;
        match self {
            Preparing => matches!(next, Uploading | Queued | Cancelled | Lost),
            Uploading => matches!(next, Queued | Cancelled | Lost),
            Queued => next == Running || next.is_end(),
            Running => next == Queued || next.is_end(),
            Succeeded | Failed | Cancelled | TimedOut | Lost => false,
        }
    }

    /// The exit status of `hoist run` for a job that ended so: 0 returned, 1 raised, 3 anything that the target, the
    /// clock or a person did to it. `None` while it goes on.
    pub fn exit_status(self) -> Option<u8> {
        match self {
            Self::Succeeded => Some(0),
            Self::Failed => Some(1),
            Self::Cancelled | Self::TimedOut | Self::Lost => Some(3),
            Self::Preparing | Self::Uploading | Self::Queued | Self::Running => None,
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_walk_ends_once_and_never_runs_before_it_is_submitted(steps in prop::collection::vec(0..9usize, 0..40)) {
            let mut state = State::Preparing;
            let mut submitted = false;
            let mut ends = 0;
            for next in steps.into_iter().map(|index| State::ALL[index]) {
                if !state.can_become(next) {
                    continue;
                }
                submitted |= next == State::Queued;
                if matches!(next, State::Running | State::Succeeded | State::Failed | State::TimedOut) {
                    prop_assert!(submitted, "{state} -> {next}");
                }
                ends += u32::from(next.is_end());
                state = next;
            }
            prop_assert!(ends <= 1);
            prop_assert_eq!(ends == 1, state.is_end());
            prop_assert_eq!(state.exit_status().is_some(), state.is_end());
        }
    }

    #[test]
    fn the_words_are_those_of_serde() {
        for state in State::ALL {
            assert_eq!(
                serde_json::to_string(&state).ok(),
                Some(format!("\"{}\"", state.word()))
            );
            assert!(
                !state.can_become(state),
                "{state} is no change, so no event"
            );
        }
    }

    #[test]
    fn from_every_state_an_end_can_be_reached() {
        for state in State::ALL.into_iter().filter(|state| !state.is_end()) {
            assert!(state.can_become(State::Lost) && state.can_become(State::Cancelled));
        }
    }
}
