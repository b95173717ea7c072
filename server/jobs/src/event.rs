//! What changes in a job, as it changes.

use std::sync::Arc;

use bytes::Bytes;
use serde::Serialize;

use crate::{JobError, JobId, JobResult, JobView, State, Stream, WrittenFile};

/// What everything that shows jobs is fed by.
#[derive(Clone, Debug)]
pub enum Event {
    /// The job was made, or its state, reason or message changed.
    State {
        /// As it is now.
        job: Arc<JobView>,
    },
    /// Bytes of the package that the target has by now.
    Upload {
        /// Whose.
        job: JobId,
        /// Bytes sent.
        sent: u64,
        /// Bytes in all.
        total: u64,
    },
    /// Bytes that have come of what the job left, after its end.
    Fetch {
        /// Whose.
        job: JobId,
        /// Bytes that are here.
        sent: u64,
        /// Bytes in all.
        total: u64,
    },
    /// Output. Every byte comes once, in order, after it was appended to the log on this machine.
    Output {
        /// Whose.
        job: JobId,
        /// Which of its streams.
        stream: Stream,
        /// Where in the stream the first of these bytes is.
        offset: u64,
        /// As they came. A character is never split between two events; what is not UTF-8 is left as it is.
        bytes: Bytes,
    },
    /// The job is at its end; all its output came before.
    Finished {
        /// As it ended.
        job: Arc<JobView>,
    },
}

impl Event {
    /// The job that it is about.
    pub fn job(&self) -> JobId {
        match self {
            Self::State { job } | Self::Finished { job } => job.job,
            Self::Upload { job, .. } | Self::Fetch { job, .. } | Self::Output { job, .. } => *job,
        }
    }

    /// One line of JSON without its line break, as the design names the events; `None` for what only a progress bar
    /// wants.
    pub fn json(&self) -> Option<String> {
        let line = match self {
            Self::State { job } => Line::State {
                job: job.job,
                state: job.state,
                name: &job.name,
                target: &job.target,
                native_id: job.native_id.as_deref(),
                reason: job.reason.as_deref(),
                message: job.message.as_deref(),
            },
            Self::Upload { .. } | Self::Fetch { .. } => return None,
            Self::Output {
                job,
                stream,
                offset,
                bytes,
            } => Line::Output {
                job: *job,
                stream: *stream,
                offset: *offset,
                text: &String::from_utf8_lossy(bytes),
            },
            Self::Finished { job } => Line::Finished {
                job: job.job,
                state: job.state,
                next: job.next,
                checkpoint_bytes: job.checkpoint_bytes,
                result: job.result.as_ref(),
                error: job.error.as_ref(),
                reason: job.reason.as_deref(),
                figures: &job.figures,
                files: &job.files,
                wall_seconds: job.wall_seconds,
                cpu_seconds: job.cpu_seconds,
                peak_memory_bytes: job.peak_memory_bytes,
                queue_seconds: job.queue_seconds,
                cores_asked: job.cores_asked,
                memory_asked_bytes: job.memory_asked_bytes,
                advice: &job.advice,
            },
        };
        // Strings, numbers and JSON that was checked when it was read: there is nothing in it that could fail.
        serde_json::to_string(&line).ok()
    }
}

#[derive(Serialize)]
#[serde(tag = "event", rename_all = "lowercase")]
enum Line<'a> {
    State {
        job: JobId,
        state: State,
        name: &'a str,
        target: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        native_id: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        message: Option<&'a str>,
    },
    Output {
        job: JobId,
        stream: Stream,
        offset: u64,
        text: &'a str,
    },
    Finished {
        job: JobId,
        state: State,
        #[serde(skip_serializing_if = "Option::is_none")]
        next: Option<JobId>,
        #[serde(skip_serializing_if = "Option::is_none")]
        checkpoint_bytes: Option<u64>,
        result: Option<&'a JobResult>,
        error: Option<&'a JobError>,
        #[serde(skip_serializing_if = "<[WrittenFile]>::is_empty")]
        figures: &'a [WrittenFile],
        #[serde(skip_serializing_if = "<[WrittenFile]>::is_empty")]
        files: &'a [WrittenFile],
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        wall_seconds: Option<f64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        cpu_seconds: Option<f64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        peak_memory_bytes: Option<u64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        queue_seconds: Option<f64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        cores_asked: Option<u32>,
        #[serde(skip_serializing_if = "Option::is_none")]
        memory_asked_bytes: Option<u64>,
        #[serde(skip_serializing_if = "<[String]>::is_empty")]
        advice: &'a [String],
    },
}

/// How many of the first bytes end on a whole character: all, unless the last one is cut off in the middle of what
/// could still become one. Bytes that can never be UTF-8 count as whole.
pub(crate) fn whole_characters(bytes: &[u8]) -> usize {
    for back in 1..=bytes.len().min(3) {
        let at = bytes.len() - back;
        let needed = match bytes[at] {
            0x80..=0xBF => continue,
            0xC2..=0xDF => 2,
            0xE0..=0xEF => 3,
            0xF0..=0xF4 => 4,
            _ => 1,
        };
        return if needed > back { at } else { bytes.len() };
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn text_cut_anywhere_comes_back_whole(text in "[a-zé€🦀\r\n]{0,30}", cut in 0usize..200) {
            let bytes = text.as_bytes();
            let cut = cut.min(bytes.len());
            let whole = whole_characters(&bytes[..cut]);
            prop_assert!(cut - whole < 4);
            prop_assert!(text.is_char_boundary(whole));
        }

        #[test]
        fn any_bytes_hold_back_three_at_most(bytes in prop::collection::vec(any::<u8>(), 0..50)) {
            prop_assert!(bytes.len() - whole_characters(&bytes) <= 3);
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_not_held_back() {
        assert_eq!(whole_characters(b"ab\xff"), 3);
        assert_eq!(whole_characters(b"ab\x80\x80\x80\x80"), 6);
        assert_eq!(whole_characters("a€".as_bytes()), 4);
        assert_eq!(whole_characters(&"a€".as_bytes()[..3]), 1);
    }

    #[test]
    fn output_names_its_offset_in_bytes() {
        let job = JobId::new();
        let event = Event::Output {
            job,
            stream: Stream::Stderr,
            offset: 7,
            bytes: Bytes::from_static(b"\xff\n"),
        };
        let expected = format!(
            r#"{{"event":"output","job":"{job}","stream":"stderr","offset":7,"text":"{}\n"}}"#,
            '\u{fffd}'
        );
        assert_eq!(event.json(), Some(expected));
    }
}
