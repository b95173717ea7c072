//! How a job ended, from what its runner left and what its scheduler says.
//!
//! The one place where words of the other side become one of our five ends:
//! *failed* is the function's own doing (it raised, or it took its process down); *lost* is the target's (never submitted,
//! killed from outside, gone) and always says why; *cancelled* and *timed out* are what someone asked for.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use hoist_cluster::{Memory, Outcome as SchedulerOutcome};
use hoist_package::{ExitMarker, Outcome, RunResult};

use crate::plan::shown;
use crate::usage;
use crate::{Frame, JobError, JobResult, JobView, State, WrittenFile};

/// An end and what is to be said of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct End {
    /// One of the five ends.
    pub(crate) state: State,
    /// Why, in one sentence; none needed where the function returned.
    pub(crate) reason: Option<String>,
    /// Nothing but bad luck of the target's ended it: the same job may well succeed another time.
    pub(crate) is_bad_luck: bool,
}

impl End {
    /// The target failed it.
    pub(crate) fn lost(reason: impl Into<String>) -> Self {
        Self {
            is_bad_luck: false,
            ..Self::unlucky(reason)
        }
    }

    /// The target lost it, by no fault of what it is or asks for.
    pub(crate) fn unlucky(reason: impl Into<String>) -> Self {
        Self {
            state: State::Lost,
            reason: Some(reason.into()),
            is_bad_luck: true,
        }
    }

    /// An end that is what it is.
    fn of(state: State, reason: Option<String>) -> Self {
        Self {
            state,
            reason,
            is_bad_luck: false,
        }
    }

    /// Someone asked for it.
    pub(crate) fn cancelled(reason: impl Into<String>) -> Self {
        Self::of(State::Cancelled, Some(reason.into()))
    }
}

/// What else must be known to judge.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Circumstances {
    /// Someone here wanted it ended.
    pub(crate) cancel_wished: bool,
    /// The limit of time that was asked for, in seconds.
    pub(crate) time_limit: Option<u64>,
    /// The memory that was asked for.
    pub(crate) memory: Option<Memory>,
}

/// The end of a job whose exit marker came.
pub(crate) fn from_marker(
    exit: &[u8],
    result: Option<&RunResult>,
    result_problem: Option<String>,
    known: Circumstances,
) -> End {
    let marker = match ExitMarker::parse(exit) {
        Ok(marker) => marker,
        Err(error) => return End::lost(format!("it ended, but {error}")),
    };
    let said = match marker.reason.trim() {
        "" => result
            .map(|result| result.reason.trim())
            .unwrap_or_default(),
        reason => reason,
    };
    let reason = (!said.is_empty()).then(|| said.to_owned());
    let or = |otherwise: String| reason.clone().unwrap_or(otherwise);
    let raised = result.is_some_and(|result| result.error.is_some());
    match marker.state {
        Outcome::Succeeded if result.is_some() => End::of(State::Succeeded, None),
        Outcome::Succeeded => End::lost(result_problem.unwrap_or_else(|| {
            "it succeeded, but its result is missing from the job's folder".to_owned()
        })),
        // The runner itself could not do its work: the package is damaged, the folder cannot be used.
        Outcome::Failed | Outcome::Crashed if is_runner_refusal(result, marker.code) => {
            End::lost(or("the runner could not start it".to_owned()))
        }
        // Its output or result could not be written, whatever the process made of that.
        Outcome::Failed | Outcome::Crashed if let Some(note) = full_disk(result) => End::lost(
            format!("the disk is full where it ran: {note}; make room there"),
        ),
        Outcome::Failed if raised => End::of(State::Failed, reason),
        Outcome::Failed => {
            End::lost(result_problem.unwrap_or_else(|| {
                or(format!("it could not be run (exit status {})", marker.code))
            }))
        }
        Outcome::Cancelled => End::cancelled(or("cancelled".to_owned())),
        Outcome::TimedOut => End::of(State::TimedOut, Some(or("its time was over".to_owned()))),
        Outcome::Terminated => terminated(result, reason, known),
        Outcome::Lost if known.cancel_wished => End::cancelled("cancelled"),
        Outcome::Lost => End::unlucky(or(
            "it is gone, and nothing on the target says why".to_owned()
        )),
        Outcome::Crashed if is_own_doing(marker.code) => End::of(
            State::Failed,
            Some(or(format!("its process ended with status {}", marker.code))),
        ),
        Outcome::Crashed => {
            if known.cancel_wished {
                return End::cancelled("cancelled");
            }
            let killed = or(format!(
                "its process was killed (exit status {})",
                marker.code
            ));
            // SIGKILL: most often for want of it.
            match known.memory.filter(|_| marker.code == KILLED) {
                Some(memory) if !killed.contains("asked for") => {
                    End::lost(format!("{killed}; it had asked for {memory} of memory"))
                }
                _ => End::lost(killed),
            }
        }
    }
}

/// Whether an exit marker leaves open why the job ended, so that its scheduler should be asked: it was told to end, or killed,
/// from outside.
pub(crate) fn is_unexplained(exit: &[u8]) -> bool {
    ExitMarker::parse(exit).is_ok_and(|marker| match marker.state {
        Outcome::Terminated => true,
        Outcome::Crashed => marker.code == KILLED,
        Outcome::Lost => marker.reason.trim().is_empty(),
        _ => false,
    })
}

/// The end of a job by its scheduler's word, where that says more than its exit marker.
pub(crate) fn explained(
    outcome: SchedulerOutcome,
    words: &str,
    known: Circumstances,
) -> Option<End> {
    match outcome {
        SchedulerOutcome::Cancelled
        | SchedulerOutcome::TimedOut
        | SchedulerOutcome::OutOfMemory
        | SchedulerOutcome::NodeFailed
        | SchedulerOutcome::Preempted => Some(from_scheduler(outcome, words, known)),
        SchedulerOutcome::Completed
        | SchedulerOutcome::Failed
        | SchedulerOutcome::NotStarted
        | SchedulerOutcome::Killed
        | SchedulerOutcome::Vanished => None,
    }
}

/// The exit status of a process that SIGKILL ended.
pub(crate) const KILLED: i32 = 128 + 9;

/// Whether the error is the runner's word for "not begun" (its exit status is 3 then), not an exception.
fn is_runner_refusal(result: Option<&RunResult>, code: i32) -> bool {
    let error = result.and_then(|result| result.error.as_ref());
    code == 3 && error.is_some_and(|error| error.type_name == "Refused" && error.frames.is_empty())
}

/// What the runner notes of a full disk or a quota, in the words of the system over there.
fn full_disk(result: Option<&RunResult>) -> Option<&str> {
    result?.notes.iter().map(String::as_str).find(|note| {
        note.contains("No space left on device") || note.contains("Disk quota exceeded")
    })
}

/// Told to end, by someone who gave no reason: by us, by the clock, or by someone else.
fn terminated(result: Option<&RunResult>, reason: Option<String>, known: Circumstances) -> End {
    if known.cancel_wished {
        return End::cancelled("cancelled");
    }
    let ran = result.and_then(|result| result.wall_seconds);
    if let (Some(ran), Some(limit)) = (ran, known.time_limit) {
        // A scheduler counts from before the runner starts.
        #[expect(clippy::cast_precision_loss, reason = "a limit of time in seconds")]
        let limit = limit as f64;
        if ran + 10.0 >= limit {
            return End::of(
                State::TimedOut,
                Some(format!("its time was over (limit {limit:.0} s)")),
            );
        }
    }
    End::lost(reason.unwrap_or_else(|| {
        "it was told to end by someone else: the scheduler, or someone on the machine".to_owned()
    }))
}

/// Whether a process that ended so did it by itself: a signal of the processor or of `abort()`, or an exit status. Being
/// killed (the out-of-memory killer, a node that goes down) is the target's doing.
fn is_own_doing(code: i32) -> bool {
    // SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGSEGV, SIGPIPE, SIGSYS
    let own_signals = [4, 5, 6, 7, 8, 11, 13, 31];
    (0..127).contains(&code) || own_signals.iter().any(|signal| code == 128 + signal)
}

/// The end of a job that its scheduler says is over and that left no exit marker.
pub(crate) fn from_scheduler(outcome: SchedulerOutcome, words: &str, known: Circumstances) -> End {
    if known.cancel_wished {
        return End::cancelled("cancelled");
    }
    let words = words.trim();
    let or = |otherwise: &str| {
        if words.is_empty() {
            otherwise.to_owned()
        } else {
            words.to_owned()
        }
    };
    match outcome {
        SchedulerOutcome::Cancelled => End::cancelled(or(
            "cancelled by someone else, with the scheduler's own command",
        )),
        SchedulerOutcome::TimedOut => End::of(State::TimedOut, Some(or("its time was over"))),
        SchedulerOutcome::Completed | SchedulerOutcome::Failed => End::lost(format!(
            "the scheduler says that it is over, but it left no exit marker{}",
            if words.is_empty() {
                String::new()
            } else {
                format!(" ({words})")
            }
        )),
        SchedulerOutcome::OutOfMemory | SchedulerOutcome::Killed => {
            End::lost(or("it is gone, and nothing on the target says why"))
        }
        SchedulerOutcome::NotStarted
        | SchedulerOutcome::NodeFailed
        | SchedulerOutcome::Preempted
        | SchedulerOutcome::Vanished => {
            End::unlucky(or("it is gone, and nothing on the target says why"))
        }
    }
}

/// The value's pickle in the job's folder, there and here.
pub(crate) const PICKLE: &str = "result.pickle";

/// Writes what the runner says of the run into the view: result, error, figures.
pub(crate) fn describe(view: &mut JobView, result: RunResult, origins: &BTreeMap<String, PathBuf>) {
    view.wall_seconds = usage::seconds(result.wall_seconds);
    view.cpu_seconds = usage::seconds(result.cpu_seconds);
    view.peak_memory_bytes = usage::bytes(result.peak_memory_bytes);
    view.python = result.python;
    view.host = result.host;
    view.notes = result.notes;
    view.checkpoint_bytes = result.checkpoint_bytes.filter(|bytes| *bytes > 0);
    view.files = result.files.iter().map(WrittenFile::from).collect();
    view.figures = result
        .figures
        .iter()
        // By its name an editor chooses what opens it.
        .filter(|file| is_figure(file.path.as_str()))
        .map(|file| {
            let file = WrittenFile::from(file);
            let path = format!("figures/{}", file.path);
            WrittenFile { path, ..file }
        })
        .collect();
    if result.state == Outcome::Succeeded {
        view.result = Some(JobResult {
            repr: result.repr.unwrap_or_default(),
            json: result.json,
            previews: result.previews,
            pickle: result.pickle.map(|pickle| WrittenFile {
                path: PICKLE.to_owned(),
                size: pickle.size,
                here: None,
            }),
            pickle_problem: result.pickle_problem,
        });
    }
    let workspace = view.workspace.clone();
    view.error = result.error.map(|error| JobError {
        kind: error.type_name,
        message: error.message,
        frames: error
            .frames
            .into_iter()
            .map(|frame| here(frame, origins, &workspace))
            .collect(),
        traceback: Some(error.traceback).filter(|text| !text.is_empty()),
    });
}

/// Whether the runner names figures so: `1.png`.
fn is_figure(name: &str) -> bool {
    let number = name.strip_suffix(".png").unwrap_or_default();
    !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
}

/// A frame with the file of this machine, where it is one that travelled.
fn here(
    frame: hoist_package::Frame,
    origins: &BTreeMap<String, PathBuf>,
    workspace: &Path,
) -> Frame {
    let path = if frame.user {
        origins.get(&frame.file).cloned()
    } else {
        None
    };
    Frame {
        file: match &path {
            Some(path) => shown(path, workspace),
            None => frame.file,
        },
        line: frame.line,
        function: frame.function,
        path,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The end of a job with these two files.
    fn end(exit: &str, result: Option<&str>, known: Circumstances) -> (State, String) {
        let result = result.map(|text| RunResult::parse(text.as_bytes()).expect("a result"));
        let end = from_marker(exit.as_bytes(), result.as_ref(), None, known);
        (end.state, end.reason.unwrap_or_default())
    }

    const RAISED: &str = r#"{"state":"failed","error":{"type":"ValueError","message":"no","frames":[{"file":"a.py","line":1,"function":"f"}]}}"#;

    #[test]
    fn what_the_function_did_is_told_apart_from_what_was_done_to_it() {
        let known = Circumstances::default();
        let wished = Circumstances {
            cancel_wished: true,
            ..known
        };
        let limited = Circumstances {
            time_limit: Some(60),
            ..known
        };
        let ok = r#"{"state":"succeeded","repr":"1"}"#;
        let refused =
            r#"{"state":"failed","error":{"type":"Refused","message":"the package is altered"}}"#;
        let full = r#"{"state":"crashed","notes":["the result could not be written ([Errno 28] No space left on device)"]}"#;
        let told = r#"{"state":"terminated","wall_seconds":58.0}"#;
        let cases = [
            (
                r#"{"code":0,"state":"succeeded"}"#,
                Some(ok),
                known,
                State::Succeeded,
            ),
            (
                r#"{"code":0,"state":"succeeded"}"#,
                None,
                known,
                State::Lost,
            ),
            (
                r#"{"code":1,"state":"failed"}"#,
                Some(RAISED),
                known,
                State::Failed,
            ),
            (
                r#"{"code":1,"state":"failed"}"#,
                Some(RAISED),
                wished,
                State::Failed,
            ),
            (
                r#"{"code":3,"state":"failed","reason":"altered"}"#,
                Some(refused),
                known,
                State::Lost,
            ),
            (
                r#"{"code":127,"state":"failed","reason":"no python"}"#,
                None,
                known,
                State::Lost,
            ),
            (
                r#"{"code":120,"state":"crashed"}"#,
                Some(full),
                known,
                State::Lost,
            ),
            (
                r#"{"code":139,"state":"crashed","reason":"SIGSEGV"}"#,
                None,
                known,
                State::Failed,
            ),
            (
                r#"{"code":137,"state":"crashed","reason":"SIGKILL"}"#,
                None,
                known,
                State::Lost,
            ),
            (
                r#"{"code":137,"state":"crashed"}"#,
                None,
                wished,
                State::Cancelled,
            ),
            (
                r#"{"code":124,"state":"timed_out"}"#,
                None,
                known,
                State::TimedOut,
            ),
            (
                r#"{"code":143,"state":"cancelled"}"#,
                None,
                known,
                State::Cancelled,
            ),
            (
                r#"{"code":143,"state":"terminated"}"#,
                Some(told),
                known,
                State::Lost,
            ),
            (
                r#"{"code":143,"state":"terminated"}"#,
                Some(told),
                limited,
                State::TimedOut,
            ),
            (
                r#"{"code":143,"state":"terminated"}"#,
                Some(told),
                wished,
                State::Cancelled,
            ),
            (
                r#"{"code":143,"state":"lost","reason":"node n1 failed"}"#,
                None,
                known,
                State::Lost,
            ),
            ("{\"code\":", None, known, State::Lost),
        ];
        for (exit, result, known, expected) in cases {
            let (state, reason) = end(exit, result, known);
            assert_eq!(state, expected, "{exit} {result:?}: {reason}");
            // Whoever did not do it himself is told why.
            assert!(
                state.exit_status() != Some(3) || !reason.is_empty(),
                "{exit}"
            );
        }
    }

    #[test]
    fn figures_have_the_names_that_the_runner_gives() {
        for (name, is) in [
            ("1.png", true),
            ("12.png", true),
            (".png", false),
            ("1.html", false),
            ("a/1.png", false),
            ("1.png.desktop", false),
        ] {
            assert_eq!(is_figure(name), is, "{name}");
        }
    }

    #[test]
    fn a_job_that_was_killed_says_how_much_memory_it_had_asked_for() {
        let known = Circumstances {
            memory: "16G".parse().ok(),
            ..Circumstances::default()
        };
        let exit = r#"{"code":137,"state":"crashed","reason":"the process was killed (SIGKILL)"}"#;
        let end = |known| from_marker(exit.as_bytes(), None, None, known);
        assert_eq!(
            end(known),
            End::lost("the process was killed (SIGKILL); it had asked for 16G of memory")
        );
        let known = Circumstances {
            memory: None,
            ..known
        };
        assert_eq!(end(known), End::lost("the process was killed (SIGKILL)"));
    }

    #[test]
    fn a_scheduler_that_says_it_is_over_is_quoted() {
        let known = Circumstances::default();
        let end = |outcome, words| from_scheduler(outcome, words, known);
        assert_eq!(end(SchedulerOutcome::TimedOut, "").state, State::TimedOut);
        assert_eq!(end(SchedulerOutcome::Cancelled, "").state, State::Cancelled);
        let lost = end(
            SchedulerOutcome::OutOfMemory,
            "it used 17G and had asked for 16G",
        );
        assert_eq!(lost, End::lost("it used 17G and had asked for 16G"));
        let over = end(SchedulerOutcome::Completed, "");
        assert!(
            over.state == State::Lost
                && over
                    .reason
                    .is_some_and(|reason| reason.contains("no exit marker"))
        );
    }

    #[test]
    fn the_scheduler_is_asked_only_where_its_word_may_say_more() {
        for (exit, asked) in [
            (
                r#"{"code":143,"state":"terminated","reason":"SIGTERM"}"#,
                true,
            ),
            (r#"{"code":137,"state":"crashed","reason":"SIGKILL"}"#, true),
            (r#"{"code":143,"state":"lost"}"#, true),
            (
                r#"{"code":143,"state":"lost","reason":"node n1 failed"}"#,
                false,
            ),
            (r#"{"code":139,"state":"crashed"}"#, false),
            (r#"{"code":1,"state":"failed"}"#, false),
            (r#"{"code":124,"state":"timed_out"}"#, false),
            ("{", false),
        ] {
            assert_eq!(is_unexplained(exit.as_bytes()), asked, "{exit}");
        }
        let known = Circumstances::default();
        let state = |outcome| explained(outcome, "why", known).map(|end| end.state);
        for (outcome, expected) in [
            (SchedulerOutcome::Cancelled, Some(State::Cancelled)),
            (SchedulerOutcome::TimedOut, Some(State::TimedOut)),
            (SchedulerOutcome::Preempted, Some(State::Lost)),
            (SchedulerOutcome::NodeFailed, Some(State::Lost)),
            (SchedulerOutcome::OutOfMemory, Some(State::Lost)),
            // It ended, which is known, and no word of why.
            (SchedulerOutcome::Failed, None),
            (SchedulerOutcome::Completed, None),
            (SchedulerOutcome::Killed, None),
            (SchedulerOutcome::Vanished, None),
        ] {
            assert_eq!(state(outcome), expected, "{outcome:?}");
        }
    }
}
