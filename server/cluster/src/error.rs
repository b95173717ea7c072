//! The one error of this room: which target, what happened, what to do.

/// What went wrong, for programmes; people read the sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// A setting of the target cannot be used.
    Settings,
    /// The host's name has no address.
    UnknownHost,
    /// Nothing listens there, or it does not speak SSH.
    Refused,
    /// No answer in time.
    Timeout,
    /// The host's key is unknown, changed or revoked, or known_hosts cannot be read.
    HostKey,
    /// No way to log in was accepted.
    Auth,
    /// The connection broke off.
    Connection,
    /// No Python 3.6 or newer on the other side.
    NoPython,
    /// The work folder cannot be made or written.
    WorkDir,
    /// The disk or the quota on the other side is full.
    DiskFull,
    /// The scheduler refused the job, or is not there.
    Scheduler,
    /// The scheduler is there and does not answer.
    SchedulerSilent,
    /// The package arrived altered.
    Altered,
    /// It was given up because someone wished so.
    Stopped,
    /// A file or folder on the other side cannot be read.
    File,
    /// A command on the other side failed in a way that has no kind of its own.
    Command,
}

/// One sentence: the target, why it failed, what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{target}: {why}; {mend}")]
pub struct ClusterError {
    /// The target's name in the configuration.
    pub target: String,
    /// The kind, for programmes.
    pub kind: ErrorKind,
    /// What happened.
    pub why: String,
    /// What the person can do about it.
    pub mend: String,
}

impl ClusterError {
    pub(crate) fn new(
        target: &str,
        kind: ErrorKind,
        why: impl Into<String>,
        mend: impl Into<String>,
    ) -> Self {
        Self {
            target: target.to_owned(),
            kind,
            why: one_line(&why.into()),
            mend: one_line(&mend.into()),
        }
    }

    /// Whether trying again, without a person and without a change, may help.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(
            self.kind,
            ErrorKind::UnknownHost
                | ErrorKind::Refused
                | ErrorKind::Timeout
                | ErrorKind::Connection
        )
    }
}

/// Text from the other side, made fit for a sentence: one line, no control characters, at most 400 characters.
pub(crate) fn one_line(text: &str) -> String {
    let mut line = String::new();
    for word in text
        .split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|w| !w.is_empty())
    {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    if line.chars().count() > 400 {
        line = line.chars().take(400).collect::<String>() + "...";
    }
    line.trim_end_matches(['.', ';']).to_owned()
}
