//! Runs programmes through the real runner: builds the package, makes the job's folder and starts a Python.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "each test binary uses its own part; a test may panic"
)]

pub mod cases;
pub mod corpus;
pub mod matrix;
pub mod random;

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use hoist_analysis::{EntryCall, FileKind, Slice, SliceFile};
use hoist_package::{ExitMarker, Outcome, Package, PackageError, Request, RunResult, Sum};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

/// A slice made by hand: the file `train.py` with one entry.
pub fn slice(source: &str, entry: &str) -> Slice {
    let files = vec![file("train.py", source.as_bytes(), FileKind::Slice)];
    let entry = match entry.split_once('-') {
        Some((first, last)) => EntryCall::Statements {
            first: first.parse().unwrap(),
            last: last.parse().unwrap(),
        },
        None => EntryCall::Function {
            qualname: entry.to_owned(),
            source_qualname: entry.to_owned(),
            is_async: source.contains(&format!("async def {entry}")),
            is_generator: false,
        },
    };
    Slice {
        requirements: Vec::new(),
        stored: Vec::new(),
        there: Vec::new(),
        module_name: "train".to_owned(),
        module_file: "train.py".to_owned(),
        roots: vec![String::new()],
        cwd: String::new(),
        folders: Vec::new(),
        files,
        entry,
        args: None,
        imports: Vec::new(),
        findings: Vec::new(),
    }
}

/// The package of a slice.
pub fn build(slice: &Slice) -> Result<Package, PackageError> {
    hoist_package::build(slice, &|path| {
        let bytes = fs::read(path)?;
        Ok(Sum {
            size: bytes.len() as u64,
            sha256: sum_of(&bytes),
        })
    })
}

/// The SHA-256 of these bytes.
pub fn sum_of(bytes: &[u8]) -> String {
    let sum = Sha256::digest(bytes);
    sum.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// One file of a slice.
pub fn file(path: &str, contents: &[u8], kind: FileKind) -> SliceFile {
    SliceFile {
        path: path.to_owned(),
        contents: contents.to_vec(),
        origin: PathBuf::from("/home/user/project").join(path),
        why: "a test needs it".to_owned(),
        kind,
    }
}

/// Takes the indentation of a programme in a Rust test away: that of its first line.
pub fn dedent(text: &str) -> String {
    let text = text.strip_prefix('\n').unwrap_or(text);
    let indent = text.len() - text.trim_start_matches(' ').len();
    let mut out: String = text
        .lines()
        .map(|line| line.get(indent..).unwrap_or("").to_owned() + "\n")
        .collect();
    while out.ends_with("\n\n") {
        out.pop();
    }
    out
}

/// A job's folder with its package, ready to be started.
pub struct Job {
    pub home: TempDir,
    pub folder: PathBuf,
    pub package: Package,
    pub zip: PathBuf,
}

/// How a job went.
pub struct Ran {
    pub job: Job,
    pub code: i32,
    pub exit: ExitMarker,
    pub result: RunResult,
    pub stdout: String,
    pub stderr: String,
}

impl Job {
    pub fn new(slice: &Slice, request: &Request) -> Self {
        let package = build(slice).unwrap();
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("jobs").join("01J");
        fs::create_dir_all(&folder).unwrap();
        let zip = home.path().join(format!("{}.zip", package.sha256));
        fs::write(&zip, &package.bytes).unwrap();
        let request = Request {
            package_sha256: Some(package.sha256.clone()),
            ..request.clone()
        };
        fs::write(folder.join("request.json"), request.to_bytes()).unwrap();
        Self {
            home,
            folder,
            package,
            zip,
        }
    }

    /// The command as the job script has it.
    pub fn command(&self, python: &Path) -> Command {
        let mut command = Command::new(python);
        command
            .arg("-u")
            .arg(&self.zip)
            .arg(&self.folder)
            .stdin(Stdio::null());
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("PYTHON") {
                command.env_remove(name);
            }
        }
        command.stdout(File::create(self.folder.join("stdout")).unwrap());
        command.stderr(File::create(self.folder.join("stderr")).unwrap());
        command
    }

    pub fn start(&self, python: &Path) -> Child {
        self.command(python).spawn().unwrap()
    }

    pub fn run(self, python: &Path) -> Ran {
        let child = self.start(python);
        self.finish(child)
    }

    /// Waits for the end, at most a minute, and reads what is left of it.
    pub fn finish(self, mut child: Child) -> Ran {
        let begun = Instant::now();
        let status = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break status;
            }
            if begun.elapsed() > Duration::from_secs(60) {
                child.kill().unwrap();
                panic!("the job did not end; its stderr:\n{}", self.read("stderr"));
            }
            std::thread::sleep(Duration::from_millis(3));
        };
        let (stdout, stderr) = (self.read("stdout"), self.read("stderr"));
        let exit = ExitMarker::read(&self.folder.join("exit"))
            .unwrap_or_else(|error| panic!("{error}\n{stderr}"));
        let result = RunResult::read(&self.folder.join("result.json"))
            .unwrap_or_else(|error| panic!("{error}\n{stderr}"));
        assert!(
            !self.folder.join("run").exists(),
            "the unpacked tree was left behind"
        );
        let left: BTreeSet<String> = fs::read_dir(&self.folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
            .filter(|name| name.starts_with('.'))
            .collect();
        assert!(
            left.is_empty(),
            "temporary files were left behind: {left:?}"
        );
        Ran {
            code: status.code().unwrap_or(-1),
            exit,
            result,
            stdout,
            stderr,
            job: self,
        }
    }

    pub fn read(&self, name: &str) -> String {
        String::from_utf8_lossy(&fs::read(self.folder.join(name)).unwrap_or_default()).into_owned()
    }

    /// Waits until the job's stdout holds this text.
    pub fn wait_for(&self, text: &str) {
        let begun = Instant::now();
        while !self.read("stdout").contains(text) {
            assert!(
                begun.elapsed() < Duration::from_secs(60),
                "no {text:?} in stdout; stderr:\n{}",
                self.read("stderr")
            );
            std::thread::sleep(Duration::from_millis(3));
        }
    }
}

impl Ran {
    /// The value's repr, when the job succeeded.
    pub fn value(&self) -> &str {
        assert_eq!(
            self.exit.state,
            Outcome::Succeeded,
            "{}\n{}",
            self.exit.reason,
            self.stderr
        );
        assert_eq!(
            (self.code, self.exit.code, self.result.state),
            (0, 0, Outcome::Succeeded)
        );
        self.result.repr.as_deref().unwrap_or("<no repr>")
    }

    /// The value's JSON, "" when it has none.
    pub fn json(&self) -> &str {
        self.result.json.as_ref().map_or("", |json| json.get())
    }

    /// The error's type and message, when the job failed.
    pub fn error(&self) -> (String, String) {
        let error = self
            .result
            .error
            .as_ref()
            .unwrap_or_else(|| panic!("no error; {}", self.exit.reason));
        (error.type_name.clone(), error.message.clone())
    }

    /// The frames as `file:line function`.
    pub fn frames(&self) -> Vec<String> {
        let error = self.result.error.as_ref().unwrap();
        error
            .frames
            .iter()
            .map(|frame| format!("{}:{} {}", frame.file, frame.line, frame.function))
            .collect()
    }
}

/// Builds, starts and waits, with a programme as it stands in a test.
pub fn run(python: &Path, source: &str, entry: &str, args: &str) -> Ran {
    let request = Request {
        job: "01J".to_owned(),
        args: (!args.is_empty()).then(|| args.to_owned()),
        ..Request::default()
    };
    Job::new(&slice(&dedent(source), entry), &request).run(python)
}

/// The Python of the fast suite.
pub fn python3() -> PathBuf {
    PathBuf::from("python3")
}

/// Every Python 3.6 or newer of this machine by its minor version, one for each: those of HOIST_TEST_PYTHONS (separated by `:`),
/// pyenv's, and python3.X on PATH. Sorted by version.
pub fn pythons() -> Vec<(u32, PathBuf)> {
    let mut candidates: Vec<PathBuf> = Vec::new();
    if let Some(list) = std::env::var_os("HOIST_TEST_PYTHONS") {
        candidates.extend(std::env::split_paths(&list));
    }
    let pyenv = std::env::var_os("PYENV_ROOT")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| Path::new(&home).join(".pyenv")));
    if let Some(versions) = pyenv.and_then(|root| fs::read_dir(root.join("versions")).ok()) {
        candidates.extend(
            versions
                .flatten()
                .map(|version| version.path().join("bin/python3")),
        );
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    for folder in std::env::split_paths(&path) {
        candidates.push(folder.join("python3"));
        candidates.extend((6..30).map(|minor| folder.join(format!("python3.{minor}"))));
    }
    let mut found: Vec<(u32, PathBuf)> = Vec::new();
    for candidate in candidates
        .into_iter()
        .filter(|candidate| candidate.exists())
    {
        let Some(minor) = minor_version(&candidate) else {
            continue;
        };
        if minor >= 6 && found.iter().all(|(known, _)| *known != minor) {
            found.push((minor, candidate));
        }
    }
    found.sort();
    found
}

fn minor_version(python: &Path) -> Option<u32> {
    let out = Command::new(python)
        .args([
            "-S",
            "-c",
            "import sys; print('%d %d' % sys.version_info[:2])",
        ])
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let text = String::from_utf8(out.stdout).ok()?;
    text.trim().strip_prefix("3 ")?.parse().ok()
}
