//! `hoist/output`: what a job printed, piece by piece.

use hoist_jobs::{Engine, JobId, Stream};

use crate::lsp::ext;

/// The most that is answered at once, in bytes.
const MOST: usize = 1 << 20;

/// A piece of a job's output.
///
/// # Errors
/// A sentence: no such job, or its log cannot be read.
pub(in crate::lsp) fn output(
    engine: &Engine,
    params: &ext::OutputParams,
) -> Result<ext::OutputAnswer, String> {
    let job: JobId = params.job.parse().map_err(|error| format!("{error}"))?;
    let view = engine.job(job).map_err(|error| error.to_string())?;
    let stream = match params.stream {
        ext::Stream::Stdout => Stream::Stdout,
        ext::Stream::Stderr => Stream::Stderr,
    };
    let size = engine.output_length(job, stream);
    let mut bytes = engine
        .output(job, stream, params.offset, MOST)
        .map_err(|error| error.to_string())?;
    let at_end = view.state.is_end() && params.offset + bytes.len() as u64 >= size;
    if !at_end {
        bytes.truncate(whole(&bytes));
    }
    Ok(ext::OutputAnswer {
        offset: params.offset,
        next: params.offset + bytes.len() as u64,
        size,
        text: String::from_utf8_lossy(&bytes).into_owned(),
    })
}

/// How many of the first bytes do not end within a character that is still to come.
fn whole(bytes: &[u8]) -> usize {
    match std::str::from_utf8(bytes) {
        // No length: what follows the good part is only the beginning of a character.
        Err(error) if error.error_len().is_none() => error.valid_up_to(),
        // Somewhere within are bytes that are no text; what could be half a character at the very end is at most three bytes.
        Err(_) => {
            let tail = bytes.len().saturating_sub(3);
            (tail..bytes.len())
                .find(|&at| {
                    std::str::from_utf8(&bytes[at..])
                        .is_err_and(|error| error.valid_up_to() == 0 && error.error_len().is_none())
                })
                .unwrap_or(bytes.len())
        }
        Ok(_) => bytes.len(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_character_waits_for_its_other_half() {
        assert_eq!(whole(b"abc"), 3);
        assert_eq!(whole("a€".as_bytes()), 4);
        assert_eq!(whole(&"a€".as_bytes()[..3]), 1);
        assert_eq!(whole(b"\xff ab\xe2\x82"), 4);
        assert_eq!(whole(b"\xff ab"), 4);
        assert_eq!(whole(b"ab\xff"), 3);
    }
}
