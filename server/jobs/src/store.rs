//! Jobs on disk: one folder each, readable by any number of processes, driven by one.
//!
//! `ROOT/jobs/JOB/` holds `job.json` (by rename), `stdout` and `stderr` (only ever appended to; their length is where
//! the next byte from the other side goes), `request.json`, `result.json` as the runner wrote it, `cancel` (someone wants it
//! ended) and `lock` (held by the process that drives the job) and, until it is submitted, `package.zip`.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use hoist_cluster::{Resources, TargetSettings};
use serde::{Deserialize, Serialize};

use crate::{JobId, JobView, Stream};

/// Something on this machine's disk stands in the way of a job.
#[derive(Debug, thiserror::Error)]
#[error("{}: {what} ({source}); {mend}", .path.display())]
pub struct StoreError {
    path: PathBuf,
    what: &'static str,
    mend: &'static str,
    source: io::Error,
}

impl StoreError {
    pub(crate) fn new(path: &Path, what: &'static str, source: io::Error) -> Self {
        let mend = match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "make room on this disk",
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                "set XDG_STATE_HOME to a folder that you may write"
            }
            io::ErrorKind::NotFound => "`hoist jobs` lists the jobs there are",
            io::ErrorKind::InvalidData => "remove this folder if the job is of no use any more",
            _ => "look at this folder",
        };
        Self {
            path: path.to_owned(),
            what,
            mend,
            source,
        }
    }
}

/// What must be known of a job to go on with it after a restart.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Record {
    /// Of this layout; a newer one is not touched.
    pub(crate) version: u32,
    /// What people see.
    pub(crate) view: JobView,
    /// The target as it was configured when the job was made.
    pub(crate) settings: TargetSettings,
    /// What was asked of the scheduler, all in all.
    pub(crate) resources: Resources,
    /// Names the package.
    pub(crate) package: String,
    /// Where each file of the package's source tree came from on this machine.
    pub(crate) origins: BTreeMap<String, PathBuf>,
}

impl Record {
    pub(crate) const VERSION: u32 = 1;
}

/// All jobs of this user on this machine.
#[derive(Clone, Debug)]
pub(crate) struct Store {
    root: PathBuf,
}

impl Store {
    /// Makes the folders where they are missing, for this user's eyes only.
    pub(crate) fn open(root: &Path) -> Result<Self, StoreError> {
        let path = root.join("jobs");
        make_private(&path)
            .map_err(|error| StoreError::new(&path, "the folder cannot be made", error))?;
        Ok(Self {
            root: root.to_owned(),
        })
    }

    /// The folder of a job, whether it exists or not.
    pub(crate) fn folder(&self, job: JobId) -> Folder {
        Folder {
            path: self.root.join("jobs").join(job.to_string()),
        }
    }

    /// The names of all jobs, newest first.
    pub(crate) fn list(&self) -> Result<Vec<JobId>, StoreError> {
        let path = self.root.join("jobs");
        let entries = fs::read_dir(&path)
            .map_err(|error| StoreError::new(&path, "the folder cannot be read", error))?;
        let mut jobs: Vec<JobId> = entries
            .flatten()
            .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
            .collect();
        jobs.sort_unstable_by(|a, b| b.cmp(a));
        Ok(jobs)
    }
}

/// The folder of one job.
#[derive(Clone, Debug)]
pub(crate) struct Folder {
    path: PathBuf,
}

/// While it lives, no other process drives the job.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

impl Folder {
    /// Makes the folder, takes its lock, and writes the record: from here on the job exists.
    pub(crate) fn create(
        &self,
        record: &Record,
        request: &[u8],
        package: &[u8],
    ) -> Result<Lock, StoreError> {
        let fail = |error| StoreError::new(&self.path, "the job cannot be recorded", error);
        // Filled under a name that nobody lists, so that no other process meets a job without its lock.
        let hidden = self.path.with_extension("new");
        make_private(&hidden).map_err(fail)?;
        let made = (|| {
            let lock = lock_file(&hidden)?;
            lock.lock()?;
            fs::write(hidden.join("request.json"), request)?;
            fs::write(hidden.join("package.zip"), package)?;
            let json = serde_json::to_vec(record)?;
            replace(&hidden.join("job.json"), &json)?;
            fs::rename(&hidden, &self.path)?;
            Ok(Lock { _file: lock })
        })();
        made.map_err(|error| {
            fs::remove_dir_all(&hidden).ok();
            fail(error)
        })
    }

    /// The right to drive the job; `None` while another process has it.
    pub(crate) fn try_lock(&self) -> Result<Option<Lock>, StoreError> {
        let fail = |error| StoreError::new(&self.path, "the job cannot be locked", error);
        let file = lock_file(&self.path).map_err(fail)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Lock { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(fail(error)),
        }
    }

    /// The record as it was last written.
    pub(crate) fn read(&self) -> Result<Record, StoreError> {
        let path = self.path.join("job.json");
        let fail = |what, error| StoreError::new(&path, what, error);
        let bytes = fs::read(&path).map_err(|error| fail("the job cannot be read", error))?;
        let invalid = |error: serde_json::Error| {
            fail(
                "the job's record is damaged",
                io::Error::new(io::ErrorKind::InvalidData, error),
            )
        };
        #[derive(Deserialize)]
        struct Version {
            version: u32,
        }
        let version: Version = serde_json::from_slice(&bytes).map_err(invalid)?;
        if version.version != Record::VERSION {
            let message = format!("version {} of the record", version.version);
            return Err(fail(
                "another version of hoist made this job",
                io::Error::new(io::ErrorKind::Unsupported, message),
            ));
        }
        let mut record: Record = serde_json::from_slice(&bytes).map_err(invalid)?;
        record.settings.name.clone_from(&record.view.target);
        Ok(record)
    }

    /// Writes the record, whole or not at all.
    pub(crate) fn write(&self, record: &Record) -> Result<(), StoreError> {
        let path = self.path.join("job.json");
        serde_json::to_vec(record)
            .map_err(io::Error::from)
            .and_then(|json| replace(&path, &json))
            .map_err(|error| StoreError::new(&path, "the job cannot be recorded", error))
    }

    /// What the runner was asked, byte for byte.
    pub(crate) fn request(&self) -> Result<Vec<u8>, StoreError> {
        let path = self.path.join("request.json");
        fs::read(&path).map_err(|error| StoreError::new(&path, "the request cannot be read", error))
    }

    /// The package, while the job is not submitted.
    pub(crate) fn package(&self) -> Result<Vec<u8>, StoreError> {
        let path = self.path.join("package.zip");
        fs::read(&path).map_err(|error| StoreError::new(&path, "the package cannot be read", error))
    }

    /// Drops the package once the target has it; that it is not there is no error.
    pub(crate) fn drop_package(&self) {
        fs::remove_file(self.path.join("package.zip")).ok();
    }

    /// Keeps the runner's result as it came.
    pub(crate) fn keep_result(&self, bytes: &[u8]) -> Result<(), StoreError> {
        let path = self.path.join("result.json");
        replace(&path, bytes)
            .map_err(|error| StoreError::new(&path, "the result cannot be kept", error))
    }

    /// The runner's result, if it has come.
    pub(crate) fn result(&self) -> Option<Vec<u8>> {
        fs::read(self.path.join("result.json")).ok()
    }

    /// The log of a stream, whether it exists yet or not.
    pub(crate) fn log_path(&self, stream: Stream) -> PathBuf {
        self.path.join(stream.word())
    }

    /// How many bytes the log has: the offset at which the next one from the other side goes.
    pub(crate) fn log_length(&self, stream: Stream) -> u64 {
        fs::metadata(self.log_path(stream)).map_or(0, |meta| meta.len())
    }

    /// Appends to a log; only the holder of the lock does. What could not be written whole is taken back.
    pub(crate) fn append(&self, stream: Stream, bytes: &[u8]) -> Result<(), StoreError> {
        let path = self.log_path(stream);
        let before = self.log_length(stream);
        let write = || {
            let mut log = OpenOptions::new().create(true).append(true).open(&path)?;
            log.write_all(bytes).inspect_err(|_| {
                log.set_len(before).ok();
            })
        };
        write().map_err(|error| StoreError::new(&path, "the output cannot be kept", error))
    }

    /// At most `limit` bytes of a log from `offset` on; empty at its end and where there is none yet.
    pub(crate) fn read_log(
        &self,
        stream: Stream,
        offset: u64,
        limit: usize,
    ) -> Result<Vec<u8>, StoreError> {
        let path = self.log_path(stream);
        let fail = |error| StoreError::new(&path, "the output cannot be read", error);
        let mut log = match File::open(&path) {
            Ok(log) => log,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(fail(error)),
        };
        if log.metadata().map_err(fail)?.len() <= offset {
            return Ok(Vec::new());
        }
        let mut bytes = Vec::new();
        log.seek(SeekFrom::Start(offset)).map_err(fail)?;
        log.take(limit as u64)
            .read_to_end(&mut bytes)
            .map_err(fail)?;
        Ok(bytes)
    }

    /// Writes down that someone wants the job ended; any process may.
    pub(crate) fn wish_cancelled(&self) -> Result<(), StoreError> {
        let path = self.path.join("cancel");
        File::create(&path).map(drop).map_err(|error| {
            StoreError::new(&path, "the wish to cancel cannot be written down", error)
        })
    }

    /// Takes that wish back.
    pub(crate) fn unwish_cancelled(&self) {
        fs::remove_file(self.path.join("cancel")).ok();
    }

    /// Whether someone wants the job ended.
    pub(crate) fn is_cancel_wished(&self) -> bool {
        self.path.join("cancel").exists()
    }
}

/// Milliseconds since 1970 UTC.
pub(crate) fn now() -> u64 {
    millis(SystemTime::now())
}

/// Milliseconds since 1970 UTC of a time; 0 for one before.
pub(crate) fn millis(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| {
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    })
}

fn lock_file(folder: &Path) -> io::Result<File> {
    OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(folder.join("lock"))
}

/// Output may hold what only its owner should read.
fn make_private(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// The file has the old bytes or the new ones, whatever happens in between.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    static COUNT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    let count = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}-{count}.new", std::process::id()));
    let temporary = path.with_file_name(name);
    let written = (|| {
        let mut file = File::create(&temporary)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&temporary, path)
    })();
    written.inspect_err(|_| {
        fs::remove_file(&temporary).ok();
    })
}
