//! Reads whole messages from the wire, so that one that cannot be read is one message lost and not the end of the session.
//!
//! The framework stops reading at the first message that is no JSON. Editors do send such messages: half of a surrogate pair, cut off
//! by an edit in the middle of an emoji, is written as a lone `\ud83d`, which JSON allows and UTF-8 cannot hold. Such a half
//! becomes U+FFFD, which counts as one unit of UTF-16 like the half itself, so that positions still fit. What is no JSON at all is
//! answered by the framework as far as the protocol allows: it becomes a message without a method.

use std::borrow::Cow;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use serde::de::IgnoredAny;
use tokio::io::{AsyncRead, ReadBuf};

/// Stands for a message that cannot be read: valid, and without meaning.
const UNREADABLE: &[u8] = br#"{"jsonrpc":"2.0","method":"$/unreadable"}"#;

/// The largest message that is taken, in bytes; a length beyond it is a mistake of the client.
const LARGEST: usize = 1 << 30;

/// A reader whose bytes are always well-formed messages.
pub(super) struct Framing<R> {
    input: R,
    /// What was read and is not yet a whole message.
    raw: Vec<u8>,
    /// Where to look on for the end of the header, so that a large message is not searched again at every piece.
    need: usize,
    /// Whole messages to hand on.
    ready: Vec<u8>,
    given: usize,
    ended: bool,
}

impl<R> Framing<R> {
    /// The messages of `input`.
    pub(super) fn new(input: R) -> Self {
        Self {
            input,
            raw: Vec::new(),
            need: 0,
            ready: Vec::new(),
            given: 0,
            ended: false,
        }
    }

    /// Moves every message that is whole by now from `raw` to `ready`.
    fn sort(&mut self) {
        let mut at = 0;
        while self.raw.len() - at >= self.need {
            let rest = &self.raw[at..];
            let Some((header, length)) = header(rest) else {
                self.need = rest.len() + 1;
                break;
            };
            if rest.len() < header + length {
                self.need = header + length;
                break;
            }
            let body = readable(&rest[header..header + length]);
            self.ready
                .extend_from_slice(format!("Content-Length: {}\r\n\r\n", body.len()).as_bytes());
            self.ready.extend_from_slice(&body);
            at += header + length;
            self.need = 0;
        }
        self.raw.drain(..at);
    }
}

/// The length of the header with its empty line, and that of the body; `None` while the header is not whole. A header without a
/// usable length has an empty body, so that reading goes on after it.
fn header(bytes: &[u8]) -> Option<(usize, usize)> {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
    let text = String::from_utf8_lossy(&bytes[..end]);
    let length = text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        let is_length = name.trim().eq_ignore_ascii_case("content-length");
        is_length.then(|| value.trim().parse::<usize>().ok())?
    });
    Some((
        end + 4,
        length.filter(|length| *length <= LARGEST).unwrap_or(0),
    ))
}

/// The body itself when it is JSON, else the nearest thing to it.
fn readable(body: &[u8]) -> Cow<'_, [u8]> {
    let mut text = String::from_utf8_lossy(body);
    if text.contains("\\ud") || text.contains("\\uD") {
        text = mend_surrogates(&text).into();
    }
    // This looks at the structure only, which is fast; what it does not look at, the escapes, was looked at before.
    match serde_json::from_str::<IgnoredAny>(&text) {
        Ok(_) => match text {
            Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
            Cow::Owned(text) => Cow::Owned(text.into_bytes()),
        },
        Err(_) => Cow::Borrowed(UNREADABLE),
    }
}

/// Writes U+FFFD for every escape of half a surrogate pair.
fn mend_surrogates(text: &str) -> String {
    let mut mended = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        mended.push_str(&rest[..at]);
        rest = &rest[at..];
        let length = match (unit(rest), unit(rest.get(6..).unwrap_or_default())) {
            (Some(0xD800..0xDC00), Some(0xDC00..0xE000)) => 12,
            (Some(0xD800..0xE000), _) => {
                mended.push_str("\\ufffd");
                rest = &rest[6..];
                continue;
            }
            (Some(_), _) => 6,
            // Another escape: the backslash and one character.
            (None, _) => 1 + rest[1..].chars().next().map_or(0, char::len_utf8),
        };
        mended.push_str(&rest[..length]);
        rest = &rest[length..];
    }
    mended.push_str(rest);
    mended
}

/// The unit of UTF-16 that an escape at the start of `text` stands for.
fn unit(text: &str) -> Option<u32> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    u32::from_str_radix(digits, 16).ok()
}

impl<R: AsyncRead + Unpin> AsyncRead for Framing<R> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let this = &mut *self;
        while this.given == this.ready.len() && !this.ended {
            let mut space = [0; 16 << 10];
            let mut piece = ReadBuf::new(&mut space);
            ready!(Pin::new(&mut this.input).poll_read(context, &mut piece))?;
            this.ready.clear();
            this.given = 0;
            this.ended = piece.filled().is_empty();
            this.raw.extend_from_slice(piece.filled());
            this.sort();
        }
        let length = buffer.remaining().min(this.ready.len() - this.given);
        buffer.put_slice(&this.ready[this.given..this.given + length]);
        this.given += length;
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tokio::io::AsyncReadExt;

    use super::*;

    fn message(body: &str) -> String {
        format!("Content-Length: {}\r\n\r\n{body}", body.len())
    }

    fn read(wire: &[u8], piece: usize) -> String {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let pieces: Vec<Result<Vec<u8>, std::io::Error>> =
            wire.chunks(piece).map(|piece| Ok(piece.to_vec())).collect();
        runtime.block_on(async {
            let (mut client, server) = tokio::io::duplex(1 << 20);
            for piece in pieces {
                tokio::io::AsyncWriteExt::write_all(&mut client, &piece.unwrap())
                    .await
                    .unwrap();
            }
            drop(client);
            let mut text = String::new();
            Framing::new(server)
                .read_to_string(&mut text)
                .await
                .unwrap();
            text
        })
    }

    #[test]
    fn half_a_character_is_one_unit_and_not_the_end() {
        let sent = message(r#"{"text":"a\ud83db \uD83D\uDE00 \udE00 \\ud83d \n"}"#);
        let expected = message(r#"{"text":"a\ufffdb \uD83D\uDE00 \ufffd \\ud83d \n"}"#);
        assert_eq!(read(sent.as_bytes(), 7), expected);
    }

    #[test]
    fn what_is_no_json_is_one_message_lost() {
        let good = message(r#"{"a":1}"#);
        let sent = format!("{}{good}", message(r#"{"json":]"#));
        let nothing = message(std::str::from_utf8(UNREADABLE).unwrap());
        assert_eq!(read(sent.as_bytes(), 3), format!("{nothing}{good}"));
    }

    #[test]
    fn other_headers_and_their_order_do_not_matter() {
        let sent = "content-type: application/vscode-jsonrpc; charset=utf-8\r\nCONTENT-LENGTH: 2\r\n\r\n{}";
        assert_eq!(read(sent.as_bytes(), 1000), message("{}"));
    }

    proptest! {
        #[test]
        fn good_messages_pass_as_they_are(
            texts in prop::collection::vec("[a-zé😀\\\\\"\n]{0,40}", 0..6), piece in 1usize..50,
        ) {
            let sent: String = texts
                .iter()
                .map(|text| message(&serde_json::json!({ "text": text }).to_string()))
                .collect();
            prop_assert_eq!(read(sent.as_bytes(), piece), sent);
        }

        #[test]
        fn any_bytes_end(wire in prop::collection::vec(any::<u8>(), 0..200), piece in 1usize..50) {
            let mut sent = b"Content-Length: 3\r\n\r\n".to_vec();
            sent.extend(wire);
            read(&sent, piece);
        }
    }
}
