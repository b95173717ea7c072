//! The output of one job: appended to its logs first, then announced.

use bytes::Bytes;
use tokio::sync::broadcast;

use crate::event::whole_characters;
use crate::store::{Folder, StoreError};
use crate::{Event, JobId, Stream};

/// Why bytes from the other side were not taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OutputError {
    /// They are not the next ones; whoever sent them must be asked again from the end of the log.
    #[error("the output has a gap: byte {expected} was to come, {got} came")]
    Gap { expected: u64, got: u64 },
    /// This machine cannot keep them.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Takes the bytes of both streams of a job.
#[derive(Debug)]
pub(crate) struct Output {
    job: JobId,
    folder: Folder,
    events: broadcast::Sender<Event>,
    /// In the order of [`Stream::ALL`].
    streams: [Progress; 3],
}

#[derive(Debug)]
struct Progress {
    /// Bytes in the log.
    length: u64,
    /// The last bytes of the log that are not announced yet: the beginning of a character.
    held: Vec<u8>,
}

impl Output {
    /// Goes on at the end of the logs as they are.
    pub(crate) fn new(job: JobId, folder: Folder, events: broadcast::Sender<Event>) -> Self {
        let progress = |stream| {
            let length = folder.log_length(stream);
            // A character may be cut off at the end of a log that another process left.
            let last = folder
                .read_log(stream, length.saturating_sub(3), 3)
                .unwrap_or_default();
            let held = last[whole_characters(&last)..].to_vec();
            Progress { length, held }
        };
        let streams = Stream::ALL.map(progress);
        Self {
            job,
            folder,
            events,
            streams,
        }
    }

    /// The offset of the next byte that is wanted.
    pub(crate) fn length(&self, stream: Stream) -> u64 {
        self.streams[stream as usize].length
    }

    /// Takes bytes that begin at `offset` of the stream; what is there already is passed over.
    pub(crate) fn take(
        &mut self,
        stream: Stream,
        offset: u64,
        bytes: &[u8],
    ) -> Result<(), OutputError> {
        let progress = &mut self.streams[stream as usize];
        let expected = progress.length;
        if offset > expected {
            return Err(OutputError::Gap {
                expected,
                got: offset,
            });
        }
        let known = usize::try_from(expected - offset).unwrap_or(usize::MAX);
        let Some(new) = bytes.get(known..).filter(|new| !new.is_empty()) else {
            return Ok(());
        };
        self.folder.append(stream, new)?;
        progress.length += new.len() as u64;
        let from = expected - progress.held.len() as u64;
        let mut text = std::mem::take(&mut progress.held);
        text.extend_from_slice(new);
        progress.held = text.split_off(whole_characters(&text));
        self.announce(stream, from, text);
        Ok(())
    }

    /// Announces what was held back: nothing more will come to complete it.
    pub(crate) fn end(&mut self) {
        for stream in Stream::ALL {
            let progress = &mut self.streams[stream as usize];
            let held = std::mem::take(&mut progress.held);
            let from = progress.length - held.len() as u64;
            self.announce(stream, from, held);
        }
    }

    fn announce(&self, stream: Stream, offset: u64, bytes: Vec<u8>) {
        if !bytes.is_empty() {
            // That nobody listens is no error.
            self.events
                .send(Event::Output {
                    job: self.job,
                    stream,
                    offset,
                    bytes: Bytes::from(bytes),
                })
                .ok();
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::store::Store;

    fn announced(events: &mut broadcast::Receiver<Event>) -> Vec<(Stream, u64, Vec<u8>)> {
        let mut all = Vec::new();
        while let Ok(event) = events.try_recv() {
            if let Event::Output {
                stream,
                offset,
                bytes,
                ..
            } = event
            {
                all.push((stream, offset, bytes.to_vec()));
            }
        }
        all
    }

    fn folder() -> (tempfile::TempDir, Folder, JobId) {
        let root = tempfile::tempdir().expect("a temporary folder");
        let job = JobId::new();
        let folder = Store::open(root.path()).expect("opened").folder(job);
        std::fs::create_dir_all(folder.log_path(Stream::Stdout).parent().expect("inside"))
            .expect("made");
        (root, folder, job)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]
        #[test]
        fn however_the_bytes_come_the_log_and_the_events_hold_each_once(
            text in "[ab\u{e9}\u{20ac}\u{1f980}\n]{1,40}",
            pieces in prop::collection::vec((0usize..160, 1usize..20), 1..40),
            restart in 0usize..40,
        ) {
            let bytes = text.as_bytes();
            let (_root, folder, job) = folder();
            let (sender, mut events) = broadcast::channel(1000);
            let mut output = Output::new(job, folder.clone(), sender.clone());
            let mut seen = Vec::new();
            let rest = (0..bytes.len()).map(|at| (at, 1));
            for (index, (at, length)) in pieces.into_iter().chain(rest).enumerate() {
                if index == restart {
                    // Another process goes on with the job: it has only the log.
                    output = Output::new(job, folder.clone(), sender.clone());
                }
                let at = at.min(bytes.len());
                let piece = &bytes[at..(at + length).min(bytes.len())];
                let expected = output.length(Stream::Stdout);
                let taken = output.take(Stream::Stdout, at as u64, piece);
                prop_assert_eq!(taken.is_err(), at as u64 > expected, "at {} of {}", at, expected);
            }
            output.end();
            for (stream, offset, piece) in announced(&mut events) {
                prop_assert_eq!(stream, Stream::Stdout);
                prop_assert_eq!(offset, seen.len() as u64);
                prop_assert!(std::str::from_utf8(&piece).is_ok(), "a character was split");
                seen.extend(piece);
            }
            prop_assert_eq!(&seen, bytes);
            let log = folder.read_log(Stream::Stdout, 0, 10_000).expect("read");
            prop_assert_eq!(&log, bytes);
        }
    }

    #[test]
    fn what_never_becomes_a_character_comes_at_the_end() {
        let (_root, folder, job) = folder();
        let (sender, mut events) = broadcast::channel(10);
        let mut output = Output::new(job, folder, sender);
        output
            .take(Stream::Stderr, 0, b"ab\xe2\x82")
            .expect("taken");
        output.end();
        assert_eq!(
            announced(&mut events),
            [
                (Stream::Stderr, 0, b"ab".to_vec()),
                (Stream::Stderr, 2, b"\xe2\x82".to_vec())
            ]
        );
    }
}
