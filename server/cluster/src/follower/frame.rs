//! The frames between the follower and us: `!BIQI` (kind, job, number, length) and the body, as in follower.py.

use std::io::Read;

use bytes::{Buf, Bytes, BytesMut};
use flate2::read::ZlibDecoder;

const HEAD: usize = 17;
/// The most that a compressed body may become; `CHUNK` of follower.py.
const CHUNK: usize = 1 << 18;
/// No honest frame is longer: the largest is a result.
const LONGEST: usize = 40 << 20;

/// One frame; a body that was compressed is not any more.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) kind: u8,
    pub(super) job: u32,
    pub(super) number: u64,
    pub(super) body: Bytes,
}

/// The bytes of a frame.
pub(super) fn encode(kind: u8, job: u32, number: u64, body: &[u8]) -> Vec<u8> {
    let mut frame = Vec::with_capacity(HEAD + body.len());
    frame.push(kind);
    frame.extend_from_slice(&job.to_be_bytes());
    frame.extend_from_slice(&number.to_be_bytes());
    frame.extend_from_slice(&u32::try_from(body.len()).unwrap_or(u32::MAX).to_be_bytes());
    frame.extend_from_slice(body);
    frame
}

/// Puts frames together from pieces of any size.
#[derive(Default)]
pub(super) struct Decoder {
    held: BytesMut,
}

impl Decoder {
    pub(super) fn push(&mut self, piece: &[u8]) {
        self.held.extend_from_slice(piece);
    }

    /// The next whole frame; an error when what comes is no frame of the follower.
    pub(super) fn next(&mut self) -> Result<Option<Frame>, String> {
        if self.held.len() < HEAD {
            return Ok(None);
        }
        let mut head = &self.held[..HEAD];
        let (kind, job, number, length) = (
            head.get_u8(),
            head.get_u32(),
            head.get_u64(),
            head.get_u32() as usize,
        );
        if !b"HSOEoeRLXG".contains(&kind) || length > LONGEST {
            return Err(format!(
                "the follower sent something that is no frame (kind {kind}, length {length})"
            ));
        }
        if self.held.len() < HEAD + length {
            self.held.reserve(HEAD + length - self.held.len());
            return Ok(None);
        }
        self.held.advance(HEAD);
        let mut body = self.held.split_to(length).freeze();
        if kind.is_ascii_lowercase() {
            body = inflate(&body)?;
        }
        Ok(Some(Frame {
            kind: kind.to_ascii_uppercase(),
            job,
            number,
            body,
        }))
    }
}

fn inflate(body: &[u8]) -> Result<Bytes, String> {
    let mut whole = Vec::with_capacity(CHUNK.min(4 * body.len()));
    let read = ZlibDecoder::new(body)
        .take(CHUNK as u64 + 1)
        .read_to_end(&mut whole);
    match read {
        Ok(length) if length <= CHUNK => Ok(whole.into()),
        Ok(_) => Err("the follower sent more in one frame than it may".to_owned()),
        Err(error) => Err(format!("the follower sent a damaged frame ({error})")),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::ZlibEncoder;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn frames_come_back_however_they_are_cut(
            frames in proptest::collection::vec((any::<u32>(), any::<u64>(), proptest::collection::vec(any::<u8>(), 0..80)), 0..10),
            cut in 1_usize..40,
        ) {
            let bytes: Vec<u8> = frames.iter().flat_map(|(job, number, body)| encode(b'O', *job, *number, body)).collect();
            let mut decoder = Decoder::default();
            let mut got = Vec::new();
            for piece in bytes.chunks(cut) {
                decoder.push(piece);
                while let Some(frame) = decoder.next().expect("frames") {
                    got.push((frame.job, frame.number, frame.body.to_vec()));
                }
            }
            prop_assert_eq!(got, frames);
        }
    }

    fn packed(body: &[u8]) -> Vec<u8> {
        let mut packer = ZlibEncoder::new(Vec::new(), Compression::fast());
        packer.write_all(body).expect("into memory");
        encode(b'e', 3, 70, &packer.finish().expect("into memory"))
    }

    #[test]
    fn a_compressed_frame_is_as_any_other_and_no_more_than_it_may_be() {
        let next = |frame: &[u8]| {
            let mut decoder = Decoder::default();
            decoder.push(frame);
            decoder.next()
        };
        let frame = next(&packed(b"so so so so"))
            .expect("a frame")
            .expect("whole");
        assert_eq!(
            (frame.kind, frame.job, frame.number, &frame.body[..]),
            (b'E', 3, 70, &b"so so so so"[..])
        );
        assert!(next(&packed(&vec![0; CHUNK])).is_ok());
        assert!(next(&packed(&vec![0; 8 << 20])).is_err());
        assert!(next(&encode(b'o', 1, 0, b"no zlib")).is_err());
    }

    #[test]
    fn what_is_no_frame_is_refused() {
        let mut decoder = Decoder::default();
        decoder.push(b"Traceback (most recent call last):\n");
        assert!(decoder.next().is_err());
    }
}
