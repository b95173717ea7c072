//! What a job left in its folder, fetched piece by piece.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::Deserialize;

use crate::error::{ClusterError, ErrorKind};
use crate::shell::quote;
use crate::transport::{Transport, exec};

const PROGRAM: &str = include_str!("fetch.py");

/// Most bytes that are asked for at once, all pieces together: a command has a limit of time.
pub const FETCH_AT_ONCE: u64 = 4 << 20;

/// A piece of a file in a job's folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// Its path below the job's folder, parts separated by `/`.
    pub path: String,
    /// Where it begins.
    pub offset: u64,
    /// How many bytes are wanted.
    pub length: u64,
}

/// What was read of a piece: its bytes, fewer than wanted at the file's end, or why there are none, in words of the other side.
pub type Fetched = Result<Vec<u8>, String>;

/// Reads pieces of files below the folder `dir`, by the command `python` there. One answer for each piece, in order.
pub(crate) async fn fetch(
    transport: &dyn Transport,
    python: &str,
    dir: &str,
    pieces: &[Piece],
) -> Result<Vec<Fetched>, ClusterError> {
    let boot = format!(
        "import base64;exec(base64.b64decode('{}'))",
        BASE64.encode(PROGRAM)
    );
    let script = format!("exec {} -I -S -c {}", quote(python), quote(&boot));
    let asked: Vec<_> = pieces
        .iter()
        .map(|piece| serde_json::json!([piece.path, piece.offset, piece.length]))
        .collect();
    let question = serde_json::json!({ "dir": dir, "pieces": asked });
    let output = exec(transport, &script, format!("{question}\n").as_bytes()).await?;
    let failed = |why: String| {
        ClusterError::new(
            transport.target(),
            ErrorKind::File,
            format!("the files of the job could not be read there ({why})"),
            "try again; `hoist files JOB` lists them",
        )
    };
    if output.status != 0 {
        return Err(failed(output.complaint()));
    }
    read(&output.stdout, pieces).ok_or_else(|| failed("its answer is broken".to_owned()))
}

/// The answer to so many pieces; nothing when it is not one. Nobody gets more than what was asked for.
fn read(mut bytes: &[u8], pieces: &[Piece]) -> Option<Vec<Fetched>> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Head {
        Some { length: u64 },
        None { error: String },
    }
    let mut fetched = Vec::with_capacity(pieces.len());
    for piece in pieces {
        let end = bytes.iter().position(|byte| *byte == b'\n')?;
        let head: Head = serde_json::from_slice(&bytes[..end]).ok()?;
        bytes = &bytes[end + 1..];
        fetched.push(match head {
            Head::None { error } => Err(crate::error::one_line(&error)),
            Head::Some { length } if length <= piece.length => {
                let length = usize::try_from(length).ok()?;
                let data = bytes.get(..length)?.to_vec();
                bytes = &bytes[length..];
                Ok(data)
            }
            Head::Some { .. } => return None,
        });
    }
    bytes.is_empty().then_some(fetched)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(length: u64) -> Piece {
        Piece {
            path: "files/a".to_owned(),
            offset: 0,
            length,
        }
    }

    #[test]
    fn an_answer_is_taken_whole_or_not_at_all() {
        let pieces = [piece(3), piece(5), piece(0)];
        let answer = b"{\"size\":3,\"length\":3}\na\nb{\"error\":\"No such\\nfile\"}\n{\"size\":9,\"length\":0}\n";
        let expected = vec![
            Ok(b"a\nb".to_vec()),
            Err("No such file".to_owned()),
            Ok(Vec::new()),
        ];
        assert_eq!(read(answer, &pieces), Some(expected));
        for broken in [
            &b""[..],
            b"{}\n",
            b"{\"size\":3,\"length\":3}\nab",
            b"{\"size\":3,\"length\":4}\nabcd{\"error\":\"\"}\n{\"error\":\"\"}\n",
            b"{\"size\":3,\"length\":18446744073709551615}\n",
            &answer[..answer.len() - 1],
        ] {
            assert_eq!(read(broken, &pieces), None, "{broken:?}");
        }
        assert_eq!(read(b"{\"size\":0,\"length\":0}\nmore", &[piece(1)]), None);
    }
}
