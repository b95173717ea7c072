//! The binary in a home of its own.
#![allow(
    dead_code,
    unreachable_pub,
    reason = "shared by several test binaries, each of which needs a part"
)]

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

/// A home folder with a workspace in it.
pub struct Home {
    folder: tempfile::TempDir,
    /// Where HOME points; the folder's own unless a rig has one.
    home: PathBuf,
}

/// What a command left.
#[derive(Debug)]
pub struct Ran {
    pub status: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Home {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let home = folder.path().join("home");
        std::fs::create_dir_all(&home).expect("made");
        let made = Self { folder, home };
        // A workspace, so that nothing above the temporary folder counts.
        made.write("hoist.toml", "");
        made
    }

    /// With the HOME of the rig that the tests' script has started: its keys, hosts and targets.
    pub fn of_the_rig() -> Self {
        let home = std::env::var_os("HOIST_TEST_HOME").expect("HOIST_TEST_HOME is set: start the rig with tests/clusters/sshd.sh and slurm.sh, or run tests/run");
        Self {
            home: home.into(),
            ..Self::new()
        }
    }

    pub fn workspace(&self) -> PathBuf {
        let workspace = self.folder.path().join("work space");
        std::fs::create_dir_all(&workspace).expect("made");
        workspace
    }

    pub fn home(&self) -> &Path {
        &self.home
    }

    /// Where its jobs are.
    pub fn store(&self) -> PathBuf {
        self.folder.path().join("state/hoist")
    }

    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.workspace().join(name);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).expect("made");
        }
        std::fs::write(&path, text).expect("written");
        path
    }

    /// A virtual environment of this name in the workspace; gives its interpreter.
    pub fn python(&self, name: &str) -> PathBuf {
        let folder = self.workspace().join(name);
        let made = Command::new("python3")
            .args(["-m", "venv", "--without-pip"])
            .arg(&folder)
            .status();
        assert!(made.is_ok_and(|status| status.success()));
        folder.join("bin/python")
    }

    /// Installs a distribution of one module, both of this name, as an installer would leave it.
    pub fn install(&self, python: &Path, name: &str, version: &str) {
        let site = Command::new(python)
            .args(["-c", "import site; print(site.getsitepackages()[0])"])
            .output()
            .expect("it runs");
        let site = String::from_utf8(site.stdout).expect("UTF-8");
        let site = Path::new(site.trim());
        let metadata = site.join(format!("{name}-{version}.dist-info"));
        std::fs::create_dir_all(&metadata).expect("made");
        let files = [
            (site.join(format!("{name}.py")), String::new()),
            (
                metadata.join("METADATA"),
                format!("Name: {name}\nVersion: {version}\n"),
            ),
            (metadata.join("RECORD"), format!("{name}.py,,\n")),
        ];
        for (file, text) in files {
            std::fs::write(file, text).expect("written");
        }
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hoist"));
        command
            .args(args)
            .current_dir(self.workspace())
            .env("HOME", &self.home)
            .env("XDG_STATE_HOME", self.folder.path().join("state"))
            .env_remove("XDG_CONFIG_HOME")
            .env_remove("VIRTUAL_ENV")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    pub fn hoist(&self, args: &[&str]) -> Ran {
        Ran::of(self.spawn(args))
    }

    pub fn spawn(&self, args: &[&str]) -> Child {
        self.command(args).spawn().expect("the binary starts")
    }

    /// The events of a run.
    pub fn events(&self, args: &[&str]) -> (i32, Vec<Value>) {
        let ran = self.hoist(&[args, &["--format", "json"]].concat());
        let events = ran
            .stdout
            .lines()
            .map(|line| {
                serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
            })
            .collect();
        (ran.status, events)
    }
}

impl Ran {
    pub fn of(child: Child) -> Self {
        let output = child.wait_with_output().expect("it ends");
        Self {
            status: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// It ended so; what it printed otherwise.
    #[track_caller]
    pub fn ended(self, status: i32) -> Self {
        assert_eq!(
            self.status, status,
            "stdout: {}\nstderr: {}",
            self.stdout, self.stderr
        );
        self
    }
}

/// Sends a signal to a process that we started.
pub fn signal(child: &Child, name: &str) {
    let status = Command::new("kill")
        .args([&format!("-{name}"), &child.id().to_string()])
        .status();
    assert!(status.expect("kill is there").success());
}
