//! Jobs on disk: one folder each, readable by any number of processes, driven by one.
//!
//! `ROOT/jobs/JOB/` holds `job.json` (by rename), `stdout` and `stderr` (only ever appended to; their length is where
//! the next byte from the other side goes), `environment` (what the building of its environment printed), `request.json`, `result.json` as the
//! runner wrote it, what came of its `figures/`, `files/` and `result.pickle`, `cancel` (someone wants it ended) and `lock` (held by the process
//! that drives the job). `ROOT/packages/SHA256.zip` are the packages, each once
//! however many jobs it has. `ROOT/sweeps/SWEEP/` is what belongs to many jobs together: as long as there is nothing to tell
//! of a task but that it waits, it has no folder, and its record follows from the sweep's.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hoist_cluster::{Resources, TargetSettings};
use hoist_package::TreePath;
use serde::{Deserialize, Serialize};

use crate::environment::Wanted;
use crate::{JobId, JobView, Stream, Sweep, WrittenFile};

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
    /// There is no such file, or one that a crash left empty.
    fn is_nothing_there(&self) -> bool {
        self.source.kind() == io::ErrorKind::NotFound
            || fs::metadata(&self.path).is_ok_and(|meta| meta.len() == 0)
    }

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
    /// The job that began this piece of work, whose name the folder of its checkpoints has; none: this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) began: Option<JobId>,
    /// It is not to be submitted before, in milliseconds since 1970 UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) not_before: Option<u64>,
    /// Names what it needs installed, where an environment is built for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) wanted: Option<String>,
}

impl Record {
    pub(crate) const VERSION: u32 = 1;

    /// The job that began this piece of work.
    pub(crate) fn began(&self) -> JobId {
        self.began.unwrap_or(self.view.job)
    }
}

/// How the name of a file ends that tells what jobs need installed.
const WANTED: &str = ".needs.json";

/// All jobs of this user on this machine.
#[derive(Clone, Debug)]
pub(crate) struct Store {
    root: PathBuf,
    /// The sweep of each job that was asked for; none for a job by itself. What a job is once it is for ever.
    sweeps: Arc<Mutex<HashMap<JobId, Option<Task>>>>,
}

/// A job as a task of its sweep.
#[derive(Clone, Debug)]
pub(crate) struct Task {
    pub(crate) sweep: Arc<Sweep>,
    /// The sweep's folder.
    folder: PathBuf,
    /// From 1.
    index: usize,
}

impl Store {
    /// Makes the folders where they are missing, for this user's eyes only.
    pub(crate) fn open(root: &Path) -> Result<Self, StoreError> {
        for name in ["jobs", "packages", "sweeps"] {
            let path = root.join(name);
            make_private(&path)
                .map_err(|error| StoreError::new(&path, "the folder cannot be made", error))?;
            remove_abandoned(&path);
        }
        Ok(Self {
            root: root.to_owned(),
            sweeps: Arc::default(),
        })
    }

    /// The folder of a job, whether it exists or not.
    pub(crate) fn folder(&self, job: JobId) -> Folder {
        Folder {
            path: self.root.join("jobs").join(job.to_string()),
            task: self.task(job),
        }
    }

    /// The job as a task of its sweep, if it is one.
    fn task(&self, job: JobId) -> Option<Task> {
        let known = || self.sweeps.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = known().get(&job) {
            return known.clone();
        }
        // The sweep's name is the last one before those of its tasks.
        let names = self.sweeps().unwrap_or_default().into_iter();
        let sweep = names.filter(|name| *name < job).max();
        let sweep = sweep.and_then(|name| Sweep::read(self, name).ok());
        let found = sweep.and_then(|sweep| {
            Some(Task {
                index: sweep.sweep.index_of(job, sweep.tasks.len())?,
                folder: self.sweep(sweep.sweep),
                sweep: Arc::new(sweep),
            })
        });
        let mut known = known();
        match &found {
            // Where one is asked about, all are.
            Some(task) => known.extend((1..=task.sweep.tasks.len()).map(|index| {
                let task = Task {
                    index,
                    ..task.clone()
                };
                (task.sweep.sweep.task(index), Some(task))
            })),
            None => {
                known.insert(job, None);
            }
        }
        found
    }

    /// The folder of a sweep, whether it exists or not.
    pub(crate) fn sweep(&self, sweep: JobId) -> PathBuf {
        self.root.join("sweeps").join(sweep.to_string())
    }

    fn package_path(&self, sha256: &str) -> PathBuf {
        self.root.join("packages").join(format!("{sha256}.zip"))
    }

    /// Keeps a package under the name that its hash gives it.
    pub(crate) fn keep_package(&self, sha256: &str, bytes: &[u8]) -> Result<(), StoreError> {
        let path = self.package_path(sha256);
        // Its age is that of its last use.
        if let Ok(file) = OpenOptions::new().append(true).open(&path)
            && file
                .metadata()
                .is_ok_and(|meta| meta.len() == bytes.len() as u64)
        {
            file.set_modified(SystemTime::now()).ok();
            return Ok(());
        }
        // Its hash tells whether it is whole, so it need not be forced onto the disk.
        put(&path, bytes, false)
            .map_err(|error| StoreError::new(&path, "the package cannot be kept", error))
    }

    /// Whether a package is kept.
    pub(crate) fn has_package(&self, sha256: &str) -> bool {
        self.package_path(sha256).is_file()
    }

    /// A package that was kept.
    pub(crate) fn package(&self, sha256: &str) -> Result<Vec<u8>, StoreError> {
        let path = self.package_path(sha256);
        fs::read(&path).map_err(|error| StoreError::new(&path, "the package cannot be read", error))
    }

    /// Keeps what jobs need installed, under the name that its hash gives it.
    pub(crate) fn keep_wanted(&self, wanted: &Wanted) -> Result<String, StoreError> {
        let (name, bytes) = wanted.kept();
        let path = self.wanted_path(&name);
        put(&path, &bytes, false)
            .map_err(|error| StoreError::new(&path, "what is needed cannot be kept", error))?;
        Ok(name)
    }

    /// What was kept of it.
    pub(crate) fn wanted(&self, name: &str) -> Result<Wanted, StoreError> {
        let path = self.wanted_path(name);
        let fail = |error| StoreError::new(&path, "what is needed cannot be read", error);
        let bytes = fs::read(&path).map_err(fail)?;
        serde_json::from_slice(&bytes)
            .map_err(|error| fail(io::Error::new(io::ErrorKind::InvalidData, error)))
    }

    fn wanted_path(&self, name: &str) -> PathBuf {
        self.root.join("packages").join(format!("{name}{WANTED}"))
    }

    /// Removes a job's folder, if it has one.
    pub(crate) fn remove(&self, job: JobId) -> Result<(), StoreError> {
        let path = self.root.join("jobs").join(job.to_string());
        remove_folder(&path)
    }

    /// Removes a sweep's folder, after those of its tasks.
    pub(crate) fn remove_sweep(&self, sweep: JobId) -> Result<(), StoreError> {
        let mut known = self.sweeps.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, task| task.as_ref().is_none_or(|task| task.sweep.sweep != sweep));
        remove_folder(&self.sweep(sweep))
    }

    /// What a job takes here, in bytes.
    pub(crate) fn size_of(&self, job: JobId) -> u64 {
        size_below(&self.root.join("jobs").join(job.to_string()))
    }

    /// Removes the packages, and what is kept beside them, that are not among `needed` and are older than an hour: a younger one may be that of a job which
    /// is just being made. Unless it is `dry`; gives their number and their bytes.
    pub(crate) fn remove_packages(
        &self,
        needed: &BTreeSet<String>,
        dry: bool,
    ) -> Result<(usize, u64), StoreError> {
        let path = self.root.join("packages");
        let fail = |error| StoreError::new(&path, "the packages cannot be removed", error);
        let (mut count, mut bytes) = (0, 0);
        for entry in fs::read_dir(&path).map_err(fail)?.flatten() {
            let name = entry.file_name();
            let is_needed = name
                .to_str()
                .and_then(|name| name.strip_suffix(".zip").or(name.strip_suffix(WANTED)))
                .is_some_and(|sha256| needed.contains(sha256));
            let Ok(meta) = entry.metadata() else { continue };
            let age = meta.modified().ok().and_then(|at| at.elapsed().ok());
            if is_needed || age.is_none_or(|age| age < Duration::from_secs(3_600)) {
                continue;
            }
            if !dry {
                fs::remove_file(entry.path()).map_err(fail)?;
            }
            count += 1;
            bytes += meta.len();
        }
        Ok((count, bytes))
    }

    /// The names of all jobs, newest first.
    pub(crate) fn list(&self) -> Result<Vec<JobId>, StoreError> {
        let mut jobs: BTreeSet<JobId> = self.named("jobs")?.into_iter().collect();
        for sweep in self.sweeps()? {
            if let Some(task) = self.task(sweep.task(1)) {
                jobs.extend(task.sweep.tasks.iter().map(|task| task.job));
            }
        }
        Ok(jobs.into_iter().rev().collect())
    }

    /// The names of all sweeps, newest first.
    pub(crate) fn sweeps(&self) -> Result<Vec<JobId>, StoreError> {
        self.named("sweeps")
    }

    fn named(&self, folder: &str) -> Result<Vec<JobId>, StoreError> {
        let path = self.root.join(folder);
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
    /// It is one task of many: the folder is made when there is something to put into it.
    task: Option<Task>,
}

/// While it lives, no other process drives the job.
#[derive(Clone, Debug)]
pub(crate) struct Lock {
    _file: Arc<File>,
}

impl Lock {
    /// Takes the lock of a folder that nobody else knows yet.
    pub(crate) fn first(folder: &Path) -> io::Result<Self> {
        let file = lock_file(folder)?;
        file.lock()?;
        Ok(Self {
            _file: Arc::new(file),
        })
    }
}

impl Folder {
    /// Makes the folder, takes its lock, and writes the record: from here on the job exists.
    pub(crate) fn create(&self, record: &Record, request: &[u8]) -> Result<Lock, StoreError> {
        let fail = |error| StoreError::new(&self.path, "the job cannot be recorded", error);
        // Filled under a name that nobody lists, so that no other process meets a job without its lock.
        let hidden = self.path.with_extension(HALF);
        make_private(&hidden).map_err(fail)?;
        let made = (|| {
            let lock = Lock::first(&hidden)?;
            fs::write(hidden.join("request.json"), request)?;
            let json = serde_json::to_vec(record)?;
            replace(&hidden.join("job.json"), &json)?;
            fs::rename(&hidden, &self.path)?;
            Ok(lock)
        })();
        made.map_err(|error| {
            fs::remove_dir_all(&hidden).ok();
            fail(error)
        })
    }

    /// The right to drive the job; `None` while another process has it.
    pub(crate) fn try_lock(&self) -> Result<Option<Lock>, StoreError> {
        let fail = |error| StoreError::new(&self.path, "the job cannot be locked", error);
        // One process drives all tasks of a sweep.
        let folder = self.task.as_ref().map_or(&self.path, |task| &task.folder);
        let file = lock_file(folder).map_err(fail)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Lock {
                _file: Arc::new(file),
            })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(fail(error)),
        }
    }

    /// Removes what a process that was killed left half written here; only the holder of the lock does.
    pub(crate) fn remove_half_written(&self) {
        remove_half_written(&self.path);
    }

    /// The sweep that the job is a task of.
    pub(crate) fn sweep(&self) -> Option<&Arc<Sweep>> {
        self.task.as_ref().map(|task| &task.sweep)
    }

    /// The record as it was last written; of a task of which nothing was written, what follows from its sweep.
    pub(crate) fn read(&self) -> Result<Record, StoreError> {
        match (self.read_own(), &self.task) {
            (Err(error), Some(task)) if error.is_nothing_there() => {
                Ok(task.sweep.record_of(&task.folder, task.index))
            }
            (read, _) => read,
        }
    }

    fn read_own(&self) -> Result<Record, StoreError> {
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
            .and_then(|json| self.put(&path, &json, record.view.state.is_end()))
            .map_err(|error| StoreError::new(&path, "the job cannot be recorded", error))
    }

    /// Puts a file into the folder. A crash of the machine may lose it: then the job is followed from where it is known to have
    /// been, and what happened comes again; its submission, too, can be repeated. Only that there is a job, and how it ended,
    /// must not be forgotten.
    fn put(&self, path: &Path, bytes: &[u8], durable: bool) -> io::Result<()> {
        if self.task.is_some() {
            make_private(&self.path)?;
        }
        put(path, bytes, durable && self.task.is_none())
    }

    /// What the runner was asked, byte for byte.
    pub(crate) fn request(&self) -> Result<Vec<u8>, StoreError> {
        if let Some(task) = &self.task {
            return Ok(task.sweep.request_of(task.index).to_bytes());
        }
        let path = self.path.join("request.json");
        fs::read(&path).map_err(|error| StoreError::new(&path, "the request cannot be read", error))
    }

    /// The same, read.
    pub(crate) fn asked(&self) -> Result<hoist_package::Request, StoreError> {
        let bytes = self.request()?;
        serde_json::from_slice(&bytes).map_err(|error| {
            let error = io::Error::new(io::ErrorKind::InvalidData, error);
            StoreError::new(&self.path, "the request is damaged", error)
        })
    }

    /// A file that is about to come from the other side, under a name that tells it is not whole.
    pub(crate) fn arriving(&self, number: usize) -> io::Result<(File, PathBuf)> {
        make_private(&self.path)?;
        let name = format!("fetch-{}-{number}.{HALF}", std::process::id());
        let path = self.path.join(name);
        Ok((private_file(&path)?, path))
    }

    /// Puts such a file in its place below the job's folder.
    pub(crate) fn place(&self, temporary: &Path, path: &TreePath) -> io::Result<PathBuf> {
        let place = self.path_of(path.as_str());
        if let Some(folder) = place.parent() {
            make_private(folder)?;
        }
        fs::rename(temporary, &place)?;
        Ok(place)
    }

    /// Keeps bytes as a file in the job's folder.
    pub(crate) fn keep(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.put(&self.path.join(name), bytes, false)
    }

    /// Where a file that the job left is when it has come. All that lies there was put there by us, so there are no links in it.
    pub(crate) fn path_of(&self, path: &str) -> PathBuf {
        self.path.join(path)
    }

    /// Notes which of the files that the job left are here.
    pub(crate) fn find_files(&self, view: &mut JobView) {
        let find = |file: &mut WrittenFile, prefix: &str| {
            let path = self.path_of(&format!("{prefix}{}", file.path));
            let meta = fs::symlink_metadata(&path).ok();
            let is_here = meta.is_some_and(|meta| meta.is_file() && meta.len() == file.size);
            file.here = is_here.then_some(path);
        };
        let pickle = view.result.as_mut().and_then(|it| it.pickle.as_mut());
        pickle.into_iter().for_each(|file| find(file, ""));
        view.figures.iter_mut().for_each(|file| find(file, ""));
        if !view.files.is_empty() && self.path.join("files").is_dir() {
            view.files.iter_mut().for_each(|file| find(file, "files/"));
        }
    }

    /// Keeps the runner's result as it came.
    pub(crate) fn keep_result(&self, bytes: &[u8]) -> Result<(), StoreError> {
        let path = self.path.join("result.json");
        self.put(&path, bytes, true)
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
            if self.task.is_some() && before == 0 {
                make_private(&self.path)?;
            }
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
        let made = match self.task {
            Some(_) => make_private(&self.path),
            None => Ok(()),
        };
        made.and_then(|()| File::create(&path))
            .map(drop)
            .map_err(|error| {
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

fn size_below(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let sizes = entries.map(|entry| match entry.file_type() {
        Ok(kind) if kind.is_dir() => size_below(&entry.path()),
        _ => entry.metadata().map_or(0, |meta| meta.len()),
    });
    sizes.sum()
}

/// A new file, or an empty one in place of an old one, that only its owner can read.
fn private_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).truncate(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn remove_folder(path: &Path) -> Result<(), StoreError> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(StoreError::new(path, "the folder cannot be removed", error))
        }
        _ => Ok(()),
    }
}

/// The file in a folder that whoever drives what is in it has locked.
const LOCK: &str = "lock";

fn lock_file(folder: &Path) -> io::Result<File> {
    OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(folder.join(LOCK))
}

/// Output may hold what only its owner should read.
pub(crate) fn make_private(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// How something is called that is not whole yet.
pub(crate) const HALF: &str = "new";

fn half_written(folder: &Path) -> impl Iterator<Item = PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let paths = entries.map(|entry| entry.path());
    paths.filter(|path| path.extension().is_some_and(|end| end == HALF))
}

/// Removes what is half written in a folder that nobody else writes into.
pub(crate) fn remove_half_written(folder: &Path) {
    for path in half_written(folder) {
        // What stays does no harm.
        fs::remove_file(path).ok();
    }
}

/// How old something must be before it can be abandoned: between being made and being locked it is nobody's.
const MOMENT: Duration = Duration::from_secs(2);

/// Removes what is half written in a folder that many write into, and locked by nobody: its writer was killed.
fn remove_abandoned(folder: &Path) {
    for path in half_written(folder) {
        let age = fs::metadata(&path).and_then(|meta| meta.modified());
        let age = age.ok().and_then(|made| made.elapsed().ok());
        if age.is_none_or(|age| age < MOMENT) {
            continue;
        }
        let is_folder = path.is_dir();
        let lock = if is_folder {
            path.join(LOCK)
        } else {
            path.clone()
        };
        match OpenOptions::new().write(true).open(lock) {
            Ok(lock) if lock.try_lock().is_err() => continue,
            Err(error) if error.kind() != io::ErrorKind::NotFound => continue,
            _ => {}
        }
        // What stays does no harm.
        if is_folder {
            fs::remove_dir_all(path).ok();
        } else {
            fs::remove_file(path).ok();
        }
    }
}

/// The file has the old bytes or the new ones, whatever happens in between.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    put(path, bytes, true)
}

/// The same; unless it is `durable`, a crash of the whole machine may leave an empty file.
fn put(path: &Path, bytes: &[u8], durable: bool) -> io::Result<()> {
    static COUNT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    let count = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}-{count}.{HALF}", std::process::id()));
    let temporary = path.with_file_name(name);
    let written = (|| {
        let mut file = File::create(&temporary)?;
        // Tells others that it is not abandoned; where nothing can be locked they leave it alone.
        file.lock().ok();
        file.write_all(bytes)?;
        if durable {
            file.sync_all()?;
        }
        fs::rename(&temporary, path)
    })();
    written.inspect_err(|_| {
        fs::remove_file(&temporary).ok();
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_killed_process_left_half_written_goes_and_what_is_being_written_stays() {
        let root = tempfile::tempdir().expect("a temporary folder");
        let package = |name: &str| root.path().join("packages").join(name);
        let job = |name: &str| root.path().join("jobs").join(name);
        let old = |path: &Path| {
            let file = File::open(path).expect("it is there");
            let then = SystemTime::now() - Duration::from_secs(60);
            file.set_modified(then).expect("its age is set");
        };
        Store::open(root.path()).expect("made");
        for name in [
            "whole.zip",
            "killed.1-0.new",
            "busy.1-0.new",
            "fresh.1-0.new",
        ] {
            fs::write(package(name), "PK").expect("written");
            if name != "fresh.1-0.new" {
                old(&package(name));
            }
        }
        for name in ["A.new", "B.new", "C.new", "whole"] {
            fs::create_dir(job(name)).expect("made");
        }
        fs::write(job("A.new").join(LOCK), "").expect("written");
        let _mine = Lock::first(&job("B.new")).expect("locked");
        for name in ["A.new", "B.new", "C.new"] {
            old(&job(name));
        }
        let busy = File::open(package("busy.1-0.new")).expect("it is there");
        busy.lock().expect("locked");

        Store::open(root.path()).expect("opened");
        let names = |folder: &str| {
            let entries = fs::read_dir(root.path().join(folder)).expect("read");
            let names = entries.flatten().map(|entry| entry.file_name());
            let mut names: Vec<_> = names.filter_map(|name| name.into_string().ok()).collect();
            names.sort();
            names
        };
        assert_eq!(
            names("packages"),
            ["busy.1-0.new", "fresh.1-0.new", "whole.zip"]
        );
        assert_eq!(names("jobs"), ["B.new", "whole"]);
    }
}
