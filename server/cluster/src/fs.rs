//! The files of a target: list, find, stat, glob, measure, read. Nothing there is ever changed by this.

use serde::{Deserialize, Serialize};

use crate::error::{ClusterError, ErrorKind};
use crate::shell::{python_word, quote};
use crate::site::no_python;
use crate::target::Target;
use crate::transport::{Output, exec};

const PROGRAM: &str = include_str!("fs.py");

/// What an entry of a folder is, links followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FileKind {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// A device, a socket, a link to nothing.
    Other,
}

/// One file or folder there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FileInfo {
    /// Its name, without the folder. Bytes that are no UTF-8 are written as `\xff`.
    pub name: String,
    /// Its path, absolute when the question's path was.
    pub path: String,
    /// What it is, links followed.
    pub kind: FileKind,
    /// Whether it is a symbolic link.
    pub link: bool,
    /// Its size in bytes.
    pub size: u64,
    /// When it was last written, in seconds since 1970.
    pub modified: f64,
    /// Its permission bits, as in `0o644`.
    pub mode: u32,
}

/// A list of files.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Listing {
    /// The files, sorted by path.
    pub entries: Vec<FileInfo>,
    /// There are more than are listed (50,000).
    pub more: bool,
}

/// How much a file or a folder with all below it takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Bytes in files, each hard-linked file once.
    pub bytes: u64,
    /// Number of files.
    pub files: u64,
}

/// A part of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The bytes; fewer than asked for at the file's end.
    pub bytes: Vec<u8>,
    /// The whole file's size.
    pub size: u64,
}

/// Most bytes that [`Fs::read`] brings at once.
pub const READ_LIMIT: u64 = 8 << 20;

/// The files of a target. Paths may begin with `~` and hold `$NAME`; relative ones are below the home folder.
#[derive(Debug, Clone)]
pub struct Fs {
    pub(crate) target: Target,
}

#[derive(Serialize)]
struct Asked<'a> {
    what: &'a str,
    path: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pattern: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    offset: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<u64>,
}

impl<'a> Asked<'a> {
    fn new(what: &'a str, path: &'a str) -> Self {
        Self {
            what,
            path,
            pattern: None,
            offset: None,
            limit: None,
        }
    }
}

impl Fs {
    /// What a folder holds, or the file itself.
    ///
    /// # Errors
    /// One sentence with the path and why it cannot be read; so for all of these.
    pub async fn ls(&self, path: &str) -> Result<Listing, ClusterError> {
        self.ask(Asked::new("ls", path)).await
    }

    /// All below `path` whose name matches `pattern` (`*`, `?`, `[abc]`).
    ///
    /// # Errors
    /// As [`Fs::ls`].
    pub async fn find(&self, path: &str, pattern: &str) -> Result<Listing, ClusterError> {
        self.ask(Asked {
            pattern: Some(pattern),
            ..Asked::new("find", path)
        })
        .await
    }

    /// One file or folder.
    ///
    /// # Errors
    /// As [`Fs::ls`].
    pub async fn stat(&self, path: &str) -> Result<FileInfo, ClusterError> {
        let mut listing: Listing = self.ask(Asked::new("stat", path)).await?;
        listing
            .entries
            .pop()
            .ok_or_else(|| self.error(path, "no answer"))
    }

    /// What matches a pattern of paths (`**` too).
    ///
    /// # Errors
    /// As [`Fs::ls`].
    pub async fn glob(&self, pattern: &str) -> Result<Listing, ClusterError> {
        self.ask(Asked::new("glob", pattern)).await
    }

    /// How much `path` takes.
    ///
    /// # Errors
    /// As [`Fs::ls`].
    pub async fn du(&self, path: &str) -> Result<Usage, ClusterError> {
        self.ask(Asked::new("du", path)).await
    }

    /// At most `limit` bytes (and at most [`READ_LIMIT`]) of a file from `offset` on.
    ///
    /// # Errors
    /// As [`Fs::ls`].
    pub async fn read(&self, path: &str, offset: u64, limit: u64) -> Result<Part, ClusterError> {
        #[derive(Deserialize)]
        struct Size {
            size: u64,
        }
        let limit = limit.min(READ_LIMIT);
        let asked = Asked {
            offset: Some(offset),
            limit: Some(limit),
            ..Asked::new("read", path)
        };
        let (head, bytes) = self.run(&asked).await?;
        let Size { size } = self.parse(path, &head)?;
        Ok(Part { bytes, size })
    }

    async fn ask<T: for<'de> Deserialize<'de>>(&self, asked: Asked<'_>) -> Result<T, ClusterError> {
        let (head, _) = self.run(&asked).await?;
        self.parse(asked.path, &head)
    }

    fn parse<T: for<'de> Deserialize<'de>>(
        &self,
        path: &str,
        head: &[u8],
    ) -> Result<T, ClusterError> {
        #[derive(Deserialize)]
        struct Failure {
            error: String,
        }
        if let Ok(failure) = serde_json::from_slice::<Failure>(head) {
            return Err(self.error(path, &failure.error));
        }
        serde_json::from_slice(head).map_err(|e| self.error(path, &e.to_string()))
    }

    fn error(&self, path: &str, why: &str) -> ClusterError {
        ClusterError::new(
            &self.target.settings().name,
            ErrorKind::File,
            format!("{path} cannot be read there ({why})"),
            "check the path and that you may read it",
        )
    }

    async fn run(&self, asked: &Asked<'_>) -> Result<(Vec<u8>, Vec<u8>), ClusterError> {
        let question =
            serde_json::to_vec(asked).map_err(|e| self.error(asked.path, &e.to_string()))?;
        let mut output = self.run_program(PROGRAM, &question).await?;
        if output.status != 0 {
            return Err(self.error(asked.path, &output.complaint()));
        }
        let end = output
            .stdout
            .iter()
            .position(|&b| b == b'\n')
            .unwrap_or(output.stdout.len());
        let body = output.stdout.split_off((end + 1).min(output.stdout.len()));
        output.stdout.truncate(end);
        Ok((output.stdout, body))
    }

    /// Runs a program of Python over there, in the home folder, with one line of input.
    pub(crate) async fn run_program(
        &self,
        program: &str,
        question: &[u8],
    ) -> Result<Output, ClusterError> {
        let machine = self.target.machine()?;
        let (transport, site) = (&*machine.transport, &machine.site);
        let Some(python) = site.python_path() else {
            return Err(no_python(self.target.settings(), &site.host));
        };
        let script = format!(
            "cd {} 2>/dev/null; exec {} -I -S -c {}",
            quote(&site.home),
            quote(python),
            python_word(program)
        );
        exec(transport, &script, &[question, b"\n"].concat()).await
    }
}
