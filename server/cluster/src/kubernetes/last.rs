//! The last words of a pod whose end nobody fetched: what its keeper left in its log (`keeper.py` says how).

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use flate2::read::ZlibDecoder;
use serde::Deserialize;
use std::io::Read;

use crate::follower::Stream;

/// No honest piece is longer: results have a limit of their own.
const LONGEST: u64 = 33 << 20;

/// What is known of a job from its pod's log.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct LastWords {
    /// Pieces of the streams, in order, each with its offset.
    pub(crate) pieces: Vec<(Stream, u64, Bytes)>,
    /// How long the streams were: standard output and standard error.
    pub(crate) lengths: [u64; 2],
    /// The bytes of `result.json`.
    pub(crate) result: Option<Bytes>,
    /// The size of a result that is not in the log.
    pub(crate) missing_result: Option<u64>,
    /// The exit marker.
    pub(crate) exit: Option<Bytes>,
}

#[derive(Deserialize)]
struct Sizes {
    stdout: u64,
    stderr: u64,
    result: Option<u64>,
}

/// Reads a log; none when the keeper said no last words.
pub(crate) fn read(log: &str) -> Option<LastWords> {
    let mut lines = log.lines();
    let sizes = lines.find_map(|line| line.strip_prefix("hoist-last 1 "))?;
    let sizes: Sizes = serde_json::from_str(sizes).ok()?;
    let mut words = LastWords {
        lengths: [sizes.stdout, sizes.stderr],
        missing_result: sizes.result,
        ..LastWords::default()
    };
    for line in lines {
        let mut parts = line.split(' ');
        match (parts.next(), parts.next(), parts.next()) {
            (Some(kind @ ("o" | "e")), Some(offset), Some(text)) => {
                let stream = if kind == "o" {
                    Stream::Stdout
                } else {
                    Stream::Stderr
                };
                if let (Ok(offset), Some(bytes)) = (offset.parse(), inflated(text)) {
                    words.pieces.push((stream, offset, bytes));
                }
            }
            (Some("r"), Some(text), None) => {
                words.result = inflated(text);
                if words.result.is_some() {
                    words.missing_result = None;
                }
            }
            (Some("x"), Some(text), None) => words.exit = BASE64.decode(text).ok().map(Bytes::from),
            _ => {}
        }
    }
    Some(words)
}

fn inflated(text: &str) -> Option<Bytes> {
    let packed = BASE64.decode(text).ok()?;
    let mut bytes = Vec::new();
    let mut reader = ZlibDecoder::new(packed.as_slice()).take(LONGEST);
    reader.read_to_end(&mut bytes).ok()?;
    Some(bytes.into())
}
