//! Python files of the disk as text.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Why a file is not a Python source that can be read.
#[derive(Debug, thiserror::Error)]
#[error("{}{}: {why}", .path.display(), .line.map_or_else(String::new, |line| format!(":{line}")))]
pub struct SourceError {
    /// The file.
    pub path: PathBuf,
    /// The line that is to blame, from 1, where it is one.
    pub line: Option<u32>,
    /// What is wrong and what to do.
    pub why: String,
}

/// Reads a Python file as text, by the encoding that it declares. A byte order mark stays in the text, as it does in an
/// editor's.
///
/// # Errors
/// It is missing, a folder, or not in its encoding.
pub fn read_source(path: &Path) -> Result<String, SourceError> {
    let fail = |line, why| SourceError {
        path: path.to_owned(),
        line,
        why,
    };
    let mut bytes = fs::read(path).map_err(|error| {
        let why = match error.kind() {
            io::ErrorKind::NotFound => "there is no such file".to_owned(),
            io::ErrorKind::IsADirectory => "this is a folder; name a Python file in it".to_owned(),
            io::ErrorKind::PermissionDenied => {
                "you may not read it; change its permissions".to_owned()
            }
            _ => format!("it cannot be read ({error})"),
        };
        fail(None, why)
    })?;
    if !hoist_analysis::may_declare_encoding(&bytes) {
        // Without a copy.
        match String::from_utf8(bytes) {
            Ok(text) => return Ok(text),
            Err(error) => bytes = error.into_bytes(),
        }
    }
    hoist_analysis::decode(&bytes).map_err(|why| {
        // The first byte that is not UTF-8 is the one that a person looks for, whatever the file declares.
        let bad = std::str::from_utf8(&bytes).err();
        let line = bad.map(|bad| {
            bytes[..bad.valid_up_to()]
                .iter()
                .filter(|byte| **byte == b'\n')
                .count()
                + 1
        });
        fail(line.and_then(|line| u32::try_from(line).ok()), why)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Result<String, String> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("x.py");
        fs::write(&path, bytes).expect("written");
        let folder = format!("{}/", folder.path().display());
        read_source(&path).map_err(|error| error.to_string().replace(&folder, ""))
    }

    #[test]
    fn a_file_is_read_as_python_reads_it() {
        assert_eq!(
            read(b"# coding: latin-1\nx = '\xe9'\n"),
            Ok("# coding: latin-1\nx = 'é'\n".to_owned())
        );
        assert_eq!(
            read("\u{feff}x = 1\r\n".as_bytes()),
            Ok("\u{feff}x = 1\r\n".to_owned())
        );
        let refused = read(b"x = 1\ny = '\xe9'\n").expect_err("refused");
        assert!(
            refused.starts_with("x.py:2: ") && refused.contains("UTF-8"),
            "{refused}"
        );
        assert!(
            read_source(Path::new("/no/such/x.py"))
                .expect_err("refused")
                .to_string()
                .starts_with("/no/such/x.py: ")
        );
    }
}
