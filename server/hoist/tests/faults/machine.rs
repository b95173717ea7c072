//! The processes of the rig: who belongs to whom, killing them, Slurm's controller and Grid Engine's master.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// A process as /proc tells of it.
pub struct Process {
    pub pid: i32,
    parent: i32,
    pub name: String,
    /// Its arguments, with spaces between them.
    pub command: String,
}

/// All processes of this machine, without zombies.
pub fn processes() -> Vec<Process> {
    let entries = std::fs::read_dir("/proc").expect("a Linux machine");
    entries
        .flatten()
        .filter_map(|entry| {
            let pid = entry.file_name().to_str()?.parse().ok()?;
            let stat = std::fs::read_to_string(entry.path().join("stat")).ok()?;
            let (head, rest) = stat.rsplit_once(") ")?;
            let mut fields = rest.split(' ');
            if fields.next() == Some("Z") {
                return None;
            }
            let command = std::fs::read(entry.path().join("cmdline")).ok()?;
            Some(Process {
                pid,
                parent: fields.next()?.parse().ok()?,
                name: head.split_once('(')?.1.to_owned(),
                command: String::from_utf8_lossy(&command).replace('\0', " "),
            })
        })
        .collect()
}

/// Those that descend from a process.
pub fn descendants(of: i32) -> Vec<Process> {
    let mut family = vec![of];
    let mut rest = processes();
    let mut found = Vec::new();
    loop {
        let (near, far): (Vec<_>, Vec<_>) = rest
            .into_iter()
            .partition(|process| family.contains(&process.parent));
        if near.is_empty() {
            return found;
        }
        family = near.iter().map(|process| process.pid).collect();
        found.extend(near);
        rest = far;
    }
}

/// Sends a signal; a process that is gone meanwhile is as well.
pub fn kill(signal: &str, pid: i32) {
    Command::new("kill")
        .args([&format!("-{signal}"), &pid.to_string()])
        .output()
        .expect("kill is there");
}

/// The number in a daemon's file.
pub fn pid_in(file: &Path) -> i32 {
    let text = std::fs::read_to_string(file).unwrap_or_else(|error| panic!("{file:?}: {error}"));
    text.trim().parse().expect("a number")
}

/// The controller of the rig's Slurm.
pub struct Controller {
    conf: PathBuf,
}

impl Controller {
    pub fn new() -> Self {
        let conf = std::env::var_os("HOIST_TEST_SLURM_CONF").expect("the rig has a Slurm");
        Self { conf: conf.into() }
    }

    fn pid_file(&self) -> PathBuf {
        self.conf.with_file_name("slurmctld.pid")
    }

    pub fn stop(&self) {
        let pid = pid_in(&self.pid_file());
        kill("TERM", pid);
        wait_until("slurmctld has ended", || {
            !processes().iter().any(|process| process.pid == pid)
        });
    }

    /// Starts it again with all that it knew.
    pub fn start(&self) {
        std::fs::remove_file(self.pid_file()).ok();
        let started = Command::new("slurmctld")
            .env("SLURM_CONF", &self.conf)
            .status();
        assert!(started.is_ok_and(|status| status.success()));
        wait_until("slurmctld has started", || {
            self.pid_file().exists() && self.ask("sinfo", &["-h"]).is_some()
        });
    }

    /// What one of Slurm's commands prints.
    pub fn ask(&self, command: &str, args: &[&str]) -> Option<String> {
        let output = Command::new(command)
            .args(args)
            .env("SLURM_CONF", &self.conf)
            .output()
            .expect("it is installed");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        output.status.success().then_some(text)
    }
}

/// The master of the rig's Grid Engine.
pub struct Master {
    /// The rig's folder.
    rig: PathBuf,
}

impl Master {
    pub fn new() -> Self {
        assert!(
            std::env::var_os("HOIST_TEST_SGE").is_some(),
            "the rig has a Grid Engine"
        );
        let rig = std::env::var_os("HOIST_TEST_DIR").expect("the rig's folder");
        Self { rig: rig.into() }
    }

    /// Kills it: asked kindly it takes longer to end than anybody waits for it.
    pub fn stop(&self) {
        let pid = pid_in(&self.rig.join("sge/master/qmaster.pid"));
        kill("KILL", pid);
        wait_until("sge_qmaster has ended", || {
            !processes().iter().any(|process| process.pid == pid)
        });
    }

    /// Starts it again with all that it knew.
    pub fn start(&self) {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/clusters/sge.sh");
        let started = Command::new(script)
            .args(["master", "start"])
            .arg(&self.rig)
            .status();
        assert!(started.is_ok_and(|status| status.success()));
    }

    /// The numbers of the jobs, waiting, running or over, whose names end in one of these words.
    pub fn jobs(&self, marks: &[String]) -> BTreeSet<String> {
        let mut ids = BTreeSet::new();
        for mark in marks {
            let name = format!("*.{mark}");
            for (command, key) in [("qstat", "job_number:"), ("qacct", "jobnumber")] {
                // A name that is not known is an error of theirs.
                let output = Command::new(command).args(["-j", &name]).output();
                let text = output.expect("it is installed").stdout;
                let text = String::from_utf8_lossy(&text);
                let values = text.lines().filter_map(|line| line.strip_prefix(key));
                ids.extend(values.map(|value| value.trim().to_owned()));
            }
        }
        ids
    }
}

/// Waits for something that comes soon.
#[track_caller]
pub fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let give_up = Instant::now() + Duration::from_secs(20);
    while !is_so() {
        assert!(Instant::now() < give_up, "not so after 20 s: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
