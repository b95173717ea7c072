//! Rounds of faults: connections, processes and daemons end at moments chosen by chance, and after each round every job was
//! submitted once, every byte came once, every result is right, and nothing is left behind.
//!
//! `HOIST_FAULTS=300 HOIST_SEED=7` runs so many rounds from this seed; otherwise they end after some time. A round that fails
//! prints its seed, and `HOIST_FAULTS=1` with that one runs it again. `HOIST_TARGET=sge` leaves out the other targets.

mod cli_home;
mod faults;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use cli_home::Home;
use faults::machine::{Controller, Master, descendants, kill, pid_in, processes, wait_until};
use faults::proxy::Proxy;
use faults::{Chance, HOST};
use serde_json::Value;

const PROGRAMME: &str = "\
import os
import time

TABLE = bytes(range(256)) * 8


def piece_of(seed, number, stream):
    start = (seed * 31 + number * 7 + stream * 101) % 256
    length = (seed + number * 13) % 1700
    return b'%d %d %d ' % (seed, number, stream) + TABLE[start:start + length] + b'\\n'


def work(record, seed, count, pause):
    with open(record, 'a') as file:
        file.write('%d\\n' % seed)
    for number in range(count):
        for stream in (1, 2):
            piece = piece_of(seed, number, stream)
            while piece:
                piece = piece[os.write(stream, piece):]
        time.sleep(pause)
    return [seed, count, len(open('noise.bin', 'rb').read())]
";

/// What `work` writes to a stream, 1 or 2.
fn output(seed: u64, count: u64, stream: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    for number in 0..count {
        bytes.extend(format!("{seed} {number} {stream} ").bytes());
        let start = (seed * 31 + number * 7 + stream * 101) % 256;
        let length = (seed + number * 13) % 1700;
        bytes.extend((start..start + length).map(|byte| byte as u8));
        bytes.push(b'\n');
    }
    bytes
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// The connection is cut.
    Cut,
    /// Nothing goes through for a while.
    StandStill,
    /// Processes of sshd that serve us are killed.
    Sessions,
    /// The follower is killed.
    Follower,
    /// A `hoist` is killed; where it was the last one, another goes on.
    Hoist,
    /// One more `hoist` reads along.
    Another,
    /// Slurm's controller, or Grid Engine's master, is stopped for a while.
    Controller,
    /// The same, and the connection is cut meanwhile.
    ControllerAndCut,
    /// The disk is full for a while.
    Disk,
}

/// The server that is spoken to, through the proxy.
struct Rig {
    home: Home,
    proxy: Proxy,
    sshd: i32,
    /// The work folder over there; the account's own.
    work: PathBuf,
    /// A work folder on a small disk, where there is one.
    full: Option<PathBuf>,
    /// Processes that were there before us.
    before: BTreeSet<i32>,
    controller: Controller,
    master: Master,
}

impl Rig {
    fn new(name: &str) -> Self {
        let dir = faults::rig();
        let home = Home::new();
        let proxy = faults::way_from(home.home());
        let work = faults::account().join(format!("faults-{name}-{}", std::process::id()));
        let full = std::env::var("HOIST_TEST_FULL").unwrap_or_default();
        let full = (!full.is_empty()).then(|| PathBuf::from(full).join(name));
        let mut config = String::new();
        let works = [
            ("ssh", Some(&work)),
            ("slurm", Some(&work)),
            ("sge", Some(&work)),
            ("full", full.as_ref()),
        ];
        for (target, work) in works {
            let Some(work) = work else { continue };
            let scheduler = match target {
                "slurm" | "sge" => target,
                _ => "none",
            };
            config += &format!(
                "[targets.{target}]\nhost = '{HOST}'\nscheduler = '{scheduler}'\nwork_dir = {work:?}\npoll_interval = '1s'\n"
            );
        }
        home.write("hoist.toml", config);
        home.write("faulty.py", PROGRAMME);
        Self {
            home,
            proxy,
            sshd: pid_in(&dir.join("sshd/faults.pid")),
            work,
            full,
            before: processes().iter().map(|process| process.pid).collect(),
            controller: Controller::new(),
            master: Master::new(),
        }
    }

    /// Takes from a target who takes its jobs.
    fn stop_controller(&self, target: &str) {
        match target {
            "sge" => self.master.stop(),
            _ => self.controller.stop(),
        }
    }

    fn start_controller(&self, target: &str) {
        match target {
            "sge" => self.master.start(),
            _ => self.controller.start(),
        }
    }

    fn names(&self, of: &str) -> BTreeSet<String> {
        let entries = std::fs::read_dir(self.home.store().join(of));
        let names = entries.into_iter().flatten().flatten();
        names
            .filter_map(|entry| entry.file_name().into_string().ok())
            .filter(|name| name.len() == 26)
            .collect()
    }

    fn record(&self, job: &str) -> Value {
        let path = self.home.store().join("jobs").join(job).join("job.json");
        let bytes = std::fs::read(&path).unwrap_or_default();
        let record: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        record["view"].clone()
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        for folder in [Some(&self.work), self.full.as_ref()].into_iter().flatten() {
            if !thread::panicking() {
                std::fs::remove_dir_all(folder).ok();
            }
        }
    }
}

/// A `hoist` that shows a job to its end.
struct Reader {
    child: Child,
    stdout: JoinHandle<Vec<u8>>,
    stderr: JoinHandle<Vec<u8>>,
}

impl Reader {
    fn of(mut child: Child) -> Self {
        fn read(mut from: impl Read + Send + 'static) -> JoinHandle<Vec<u8>> {
            thread::spawn(move || {
                let mut bytes = Vec::new();
                from.read_to_end(&mut bytes).ok();
                bytes
            })
        }
        let stdout = read(child.stdout.take().expect("piped"));
        let stderr = read(child.stderr.take().expect("piped"));
        Self {
            child,
            stdout,
            stderr,
        }
    }

    fn is_over(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(Some(_)))
    }

    fn kill(mut self) {
        // It may have ended by itself.
        self.child.kill().ok();
        self.child.wait().expect("it ends");
    }

    fn ended(mut self) -> (ExitStatus, Vec<u8>, String) {
        let status = self.child.wait().expect("it ends");
        let stdout = self.stdout.join().expect("read");
        let stderr = self.stderr.join().expect("read");
        (
            status,
            stdout,
            String::from_utf8_lossy(&stderr).into_owned(),
        )
    }
}

/// One round.
struct Round<'a> {
    rig: &'a Rig,
    seed: u64,
    chance: Chance,
    target: &'static str,
    work: PathBuf,
    is_sweep: bool,
    tasks: u64,
    count: u64,
    pause: f64,
    noise: u64,
    /// Names that the store had before.
    known: BTreeSet<String>,
    readers: Vec<Reader>,
    faults: Vec<(Duration, Fault)>,
}

/// How a round ended that ended as it must.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Ended {
    Right,
    /// The target could not be reached and nothing was begun.
    Unreached,
    /// The disk was full, and that was said.
    Full,
}

/// Does a job's record say that the disk was full?
fn is_of_a_full_disk(view: &Value) -> bool {
    let text = view.to_string();
    let words = [
        "No space left",
        "disk there is full",
        "disk or quota is full",
    ];
    words.iter().any(|words| text.contains(words))
}

impl<'a> Round<'a> {
    fn new(rig: &'a Rig, seed: u64, is_sweep: bool) -> Self {
        let mut chance = Chance(seed);
        let mut targets = vec!["ssh", "ssh", "slurm", "slurm", "sge"];
        if rig.full.is_some() && !is_sweep {
            targets.push("full");
        }
        if let Ok(only) = std::env::var("HOIST_TARGET") {
            targets.retain(|target| *target == only);
            assert!(!targets.is_empty(), "{only} is no target here");
        }
        let target = chance.one_of(&targets);
        let full = rig.full.clone().filter(|_| target == "full");
        let mut kinds = vec![
            Fault::Cut,
            Fault::Cut,
            Fault::StandStill,
            Fault::Sessions,
            Fault::Follower,
            Fault::Hoist,
            Fault::Hoist,
            Fault::Another,
        ];
        if matches!(target, "slurm" | "sge") {
            kinds.extend([Fault::Controller, Fault::ControllerAndCut]);
        }
        let mut faults: Vec<(Duration, Fault)> = (0..=chance.below(4))
            .map(|_| {
                // Half of them while the job is sent and submitted.
                let within = chance.one_of(&[700, 2500]);
                (
                    Duration::from_millis(chance.below(within)),
                    chance.one_of(&kinds),
                )
            })
            .collect();
        if target == "full" {
            faults.push((Duration::from_millis(chance.below(1500)), Fault::Disk));
        }
        faults.sort_by_key(|(at, _)| *at);
        Self {
            rig,
            seed,
            target,
            tasks: if is_sweep { 2 + chance.below(4) } else { 1 },
            count: match (target, is_sweep) {
                ("full", _) => 12,
                (_, true) => 20 + chance.below(60),
                (_, false) => 50 + chance.below(300),
            },
            pause: chance.one_of(&[0.0, 0.005, 0.01]),
            noise: match target {
                "full" => 0,
                _ => chance.one_of(&[0, 100_000, 2_000_000]),
            },
            work: full.unwrap_or_else(|| rig.work.clone()),
            known: rig.names(if is_sweep { "sweeps" } else { "jobs" }),
            is_sweep,
            readers: Vec::new(),
            faults,
            chance,
        }
    }

    fn record(&self) -> PathBuf {
        self.rig.work.with_extension(format!("{:x}", self.seed))
    }

    /// The numbers that the tasks are told apart by.
    fn numbers(&self) -> Vec<u64> {
        let first = self.seed % 1000;
        (first..first + self.tasks).collect()
    }

    /// The job's or the sweep's name, once it is recorded.
    fn name(&self) -> Option<String> {
        let of = if self.is_sweep { "sweeps" } else { "jobs" };
        let names = self.rig.names(of);
        let mut new = names.difference(&self.known);
        let name = new.next().cloned();
        assert_eq!(new.next(), None, "one job is one job");
        name
    }

    /// Begins, or goes on with what has begun.
    fn spawn(&mut self) {
        let child = match self.name() {
            None => {
                let numbers = self.numbers();
                let mut args = format!(
                    "record={:?}, count={}, pause={}",
                    self.record(),
                    self.count,
                    self.pause
                );
                let sweep = format!("seed=range({}, {})", numbers[0], numbers[0] + self.tasks);
                let mut words = vec!["run", "faulty.py::work", "--target", self.target];
                if self.is_sweep {
                    words.extend(["--sweep", &sweep]);
                } else {
                    args += &format!(", seed={}", numbers[0]);
                }
                words.extend(["--args", &args]);
                self.rig.home.spawn(&words)
            }
            Some(sweep) if self.is_sweep => {
                // Whoever asks for one task goes on with all of them.
                let task = 1 + self.chance.below(self.tasks);
                let task = format!("{sweep}.{task}");
                self.rig.home.spawn(&["logs", "--follow", &task])
            }
            Some(job) => self.rig.home.spawn(&["logs", "--follow", &job]),
        };
        self.readers.push(Reader::of(child));
    }

    fn strike(&mut self, fault: Fault) {
        let rig = self.rig;
        let short = Duration::from_millis(self.chance.below(1500));
        match fault {
            Fault::Cut => rig.proxy.cut(short / 2),
            Fault::StandStill => rig.proxy.stand_still(short * 2),
            Fault::Sessions => {
                let sessions = descendants(rig.sshd);
                for session in sessions.iter().filter(|process| process.name == "sshd") {
                    if self.chance.below(2) == 0 {
                        kill("KILL", session.pid);
                    }
                }
            }
            Fault::Follower => {
                let all = descendants(rig.sshd);
                for follower in all
                    .iter()
                    .filter(|process| process.command.contains("hoist-follower"))
                {
                    kill("KILL", follower.pid);
                }
            }
            Fault::Hoist => {
                if !self.readers.is_empty() {
                    let which = self.chance.below(self.readers.len() as u64);
                    self.readers.swap_remove(which as usize).kill();
                }
                if self.readers.is_empty() || self.chance.below(3) == 0 {
                    thread::sleep(short / 4);
                    self.spawn();
                }
            }
            Fault::Another => {
                if self.name().is_some() {
                    self.spawn();
                }
            }
            Fault::Controller => {
                rig.stop_controller(self.target);
                thread::sleep(short * 2);
                rig.start_controller(self.target);
            }
            Fault::ControllerAndCut => {
                rig.stop_controller(self.target);
                thread::sleep(short);
                rig.proxy.cut(Duration::ZERO);
                thread::sleep(short * 4);
                rig.start_controller(self.target);
            }
            Fault::Disk => {
                let ballast = self.work.with_file_name("ballast");
                // It ends when the disk is full, as it shall.
                std::fs::write(&ballast, vec![1; 1 << 20]).ok();
                thread::sleep(short);
                std::fs::remove_file(&ballast).expect("removed");
            }
        }
    }

    fn run(mut self) -> Ended {
        let noise = Chance(self.seed).bytes(self.noise as usize);
        self.rig.home.write("noise.bin", noise);
        let is_slow = self.chance.below(4) == 0;
        let time = Duration::from_millis(if is_slow { 50 } else { 0 });
        self.rig.proxy.round_trip(time);
        eprintln!(
            "HOIST_SEED={} {} {} tasks{}: {:?}",
            self.seed,
            self.target,
            self.tasks,
            if is_slow { ", slow" } else { "" },
            self.faults
        );
        let begun = Instant::now();
        self.spawn();
        for (at, fault) in std::mem::take(&mut self.faults) {
            thread::sleep(at.saturating_sub(begun.elapsed()));
            self.strike(fault);
        }
        let give_up = Instant::now() + Duration::from_secs(90);
        let mut ended = Vec::new();
        while !self.readers.is_empty() || !self.is_over() {
            assert!(
                Instant::now() < give_up,
                "not at its end after 90 s:\n{}",
                self.situation()
            );
            if self.readers.is_empty() {
                self.spawn();
            }
            for mut reader in std::mem::take(&mut self.readers) {
                if reader.is_over() {
                    ended.push(reader.ended());
                } else {
                    self.readers.push(reader);
                }
            }
            thread::sleep(Duration::from_millis(20));
        }
        let end = self.check();
        if end == Ended::Right && !self.is_sweep {
            let expected = self.shown();
            for (status, stdout, stderr) in &ended {
                assert!(status.success(), "{stderr}");
                same(stdout, &expected, "what a reader saw");
            }
        }
        self.check_nothing_is_left();
        end
    }

    /// The names of its jobs.
    fn jobs(&self) -> Vec<String> {
        let Some(name) = self.name() else {
            return Vec::new();
        };
        if !self.is_sweep {
            return vec![name];
        }
        let path = self
            .rig
            .home
            .store()
            .join("sweeps")
            .join(name)
            .join("sweep.json");
        let sweep: Value =
            serde_json::from_slice(&std::fs::read(path).expect("it is there")).expect("JSON");
        let tasks = sweep["tasks"].as_array().expect("tasks").iter();
        tasks
            .map(|task| task["job"].as_str().expect("a name").to_owned())
            .collect()
    }

    fn is_over(&self) -> bool {
        let jobs = self.jobs();
        let ends = ["succeeded", "failed", "cancelled", "timed_out", "lost"];
        !jobs.is_empty()
            && jobs.iter().all(|job| {
                let state = &self.rig.record(job)["state"];
                state.as_str().is_some_and(|state| ends.contains(&state))
            })
    }

    fn situation(&self) -> String {
        let mut text = String::new();
        for job in self.jobs() {
            text += &format!("{job}: {:#}\n", self.rig.record(&job));
            for file in walk(&self.work.join("jobs").join(&job)) {
                text += &format!("  {}\n", file.display());
            }
            let log = self.work.join("jobs").join(&job).join("scheduler.log");
            text += &std::fs::read_to_string(log).unwrap_or_default();
        }
        for process in self.left() {
            text += &process;
        }
        text
    }

    fn shown(&self) -> Vec<u8> {
        let number = self.numbers()[0];
        let mut bytes = output(number, self.count, 1);
        bytes.extend(format!("result: [{number}, {}, {}]\n", self.count, self.noise).bytes());
        bytes
    }

    /// Of each task: once, whole, right.
    fn check(&self) -> Ended {
        let record = std::fs::read_to_string(self.record()).unwrap_or_default();
        let mut begun: BTreeMap<u64, usize> = BTreeMap::new();
        for line in record.lines() {
            *begun.entry(line.parse().expect("a number")).or_default() += 1;
        }
        let mut end = Ended::Right;
        for (number, job) in self.numbers().into_iter().zip(self.jobs()) {
            let view = self.rig.record(&job);
            let times = begun.remove(&number).unwrap_or_default();
            for stream in ["stdout", "stderr"] {
                let what = format!("{stream} of {view:#}");
                let here =
                    std::fs::read(self.rig.home.store().join("jobs").join(&job).join(stream));
                let there = std::fs::read(self.work.join("jobs").join(&job).join(stream));
                let (here, there) = (here.unwrap_or_default(), there.unwrap_or_default());
                same(&here, &there, &what);
            }
            match view["state"].as_str() {
                Some("succeeded") => {
                    assert_eq!(times, 1, "it began once: {view:#}");
                    let result = &view["result"]["json"];
                    let expected = serde_json::json!([number, self.count, self.noise]);
                    assert_eq!(result, &expected, "{view:#}");
                    for (stream, name) in [(1, "stdout"), (2, "stderr")] {
                        let log = self.rig.home.store().join("jobs").join(&job).join(name);
                        let log = std::fs::read(log).unwrap_or_default();
                        same(&log, &output(number, self.count, stream), name);
                    }
                }
                Some("lost" | "failed") if self.target == "full" && is_of_a_full_disk(&view) => {
                    assert!(times <= 1);
                    end = Ended::Full;
                }
                Some("lost") if times == 0 && view["native_id"].is_null() => {
                    let reason = view["reason"].as_str().unwrap_or_default();
                    assert!(
                        reason.starts_with(&format!("{}: ", self.target)),
                        "{view:#}"
                    );
                    eprintln!("  not reached: {reason}");
                    end = Ended::Unreached;
                }
                _ => panic!("{view:#}\n{}", self.situation()),
            }
        }
        assert_eq!(begun, BTreeMap::new(), "nothing else began");
        if matches!(self.target, "slurm" | "sge") {
            self.check_scheduler();
        }
        std::fs::remove_file(self.record()).ok();
        end
    }

    /// The scheduler has each job, or the array of all tasks, once.
    fn check_scheduler(&self) {
        let ids: BTreeSet<String> = self
            .jobs()
            .iter()
            .filter_map(|job| {
                let id = self.rig.record(job)["native_id"].as_str()?.to_owned();
                Some(id.split(['_', '.']).next()?.to_owned())
            })
            .collect();
        let marks = self.submissions();
        let there = match self.target {
            "sge" => self.in_grid_engine(&marks, &ids),
            _ => self.in_slurm(&marks),
        };
        assert_eq!(ids, there, "what we know of is what the scheduler has");
        assert!(ids.len() <= 1, "{ids:?}");
    }

    /// What Slurm has of these submissions.
    fn in_slurm(&self, marks: &[String]) -> BTreeSet<String> {
        let all = self
            .rig
            .controller
            .ask("squeue", &["-h", "-t", "all", "-o", "%F|%Z"]);
        let all = all.expect("the controller answers");
        all.lines()
            .filter(|line| marks.iter().any(|mark| line.contains(mark.as_str())))
            .filter_map(|line| Some(line.split('|').next()?.to_owned()))
            .collect()
    }

    /// What Grid Engine has of these submissions in its queue or in its accounting; those that we know of come there in time.
    fn in_grid_engine(&self, marks: &[String], known: &BTreeSet<String>) -> BTreeSet<String> {
        let mut there = BTreeSet::new();
        wait_until("all jobs are in the queue or in the accounting", || {
            there.extend(self.rig.master.jobs(marks));
            known.is_subset(&there)
        });
        there
    }

    /// The names of the folders that were submitted.
    fn submissions(&self) -> Vec<String> {
        let Some(name) = self.name().filter(|_| self.is_sweep) else {
            return self.jobs();
        };
        let path = self
            .rig
            .home
            .store()
            .join("sweeps")
            .join(name)
            .join("arrays.json");
        let arrays: Value =
            serde_json::from_slice(&std::fs::read(path).unwrap_or_default()).unwrap_or_default();
        let arrays = arrays.as_array().cloned().unwrap_or_default();
        arrays
            .iter()
            .filter_map(|array| Some(array[0].as_str()?.to_owned()))
            .collect()
    }

    /// Processes of the account over there that this test has made.
    fn left(&self) -> Vec<String> {
        let Ok(owner) =
            std::fs::metadata(&self.rig.work).or_else(|_| std::fs::metadata(&self.work))
        else {
            return Vec::new();
        };
        processes()
            .iter()
            .filter(|process| !self.rig.before.contains(&process.pid))
            .filter(|process| {
                let path = format!("/proc/{}", process.pid);
                let is_theirs = std::fs::metadata(path).is_ok_and(|of| of.uid() == owner.uid());
                let work = self.work.to_string_lossy();
                is_theirs
                    && (owner.uid() != own_uid()
                        || process.command.contains("hoist-follower")
                        || process.command.contains(&*work))
            })
            .map(|process| format!("{} {}\n", process.pid, process.command))
            .collect()
    }

    fn check_nothing_is_left(&self) {
        let give_up = Instant::now() + Duration::from_secs(20);
        while !self.left().is_empty() {
            assert!(
                Instant::now() < give_up,
                "processes are left: {:?}",
                self.left()
            );
            thread::sleep(Duration::from_millis(50));
        }
        wait_until("no connection is open", || self.rig.proxy.is_idle());
        let store = self.rig.home.store();
        if !half_written(&store).is_empty() {
            // The next start removes what a killed one has left, after a moment.
            thread::sleep(Duration::from_secs(2));
            self.rig.home.hoist(&["jobs"]).ended(0);
        }
        for folder in [&self.work, &store] {
            assert_eq!(half_written(folder), Vec::<PathBuf>::new(), "left");
        }
        if self.target == "full" {
            std::fs::remove_dir_all(&self.work).ok();
        }
    }
}

fn own_uid() -> u32 {
    std::fs::metadata("/proc/self").map_or(0, |of| of.uid())
}

/// All files and folders below one.
fn walk(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            found.extend(walk(&path));
        }
        found.push(path);
    }
    found
}

/// What is not whole yet below a folder, or never will be.
fn half_written(folder: &Path) -> Vec<PathBuf> {
    let is_half = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        // The compiled runner, which has a number behind it while it is written.
        let is_kept = name
            .strip_prefix(".runner-")
            .is_some_and(|rest| !rest.contains('.'));
        name.starts_with('.') && !is_kept || name.ends_with(".new")
    };
    walk(folder).into_iter().filter(is_half).collect()
}

#[track_caller]
fn same(got: &[u8], expected: &[u8], what: &str) {
    if got == expected {
        return;
    }
    let at = got.iter().zip(expected).take_while(|(a, b)| a == b).count();
    let part = |bytes: &[u8]| {
        let end = bytes.len().min(at + 60);
        String::from_utf8_lossy(&bytes[at..end]).into_owned()
    };
    panic!(
        "{what}: {} bytes instead of {}, which differ at {at}: {:?} instead of {:?}",
        got.len(),
        expected.len(),
        part(got),
        part(expected)
    );
}

/// Rounds until their time is over, or as many as are asked for; where a fault and its target are given, of that alone.
fn rounds(name: &str, is_sweep: bool, only: Option<(&'static str, Fault)>, time: Duration) {
    let number = |name: &str| std::env::var(name).ok()?.parse::<u64>().ok();
    let many = number("HOIST_FAULTS");
    let mut seed = number("HOIST_SEED").unwrap_or_else(|| u64::from(std::process::id()) * 100_003);
    let rig = Rig::new(name);
    let begun = Instant::now();
    let mut ends: BTreeMap<Ended, usize> = BTreeMap::new();
    let mut done = 0;
    while many.map_or(begun.elapsed() < time, |many| done < many) {
        let mut round = Round::new(&rig, seed, is_sweep);
        if let Some((target, fault)) = only {
            let at = Duration::from_millis(round.chance.below(700));
            (round.target, round.faults) = (target, vec![(at, fault)]);
            round.work.clone_from(&rig.work);
        }
        *ends.entry(round.run()).or_default() += 1;
        seed += 1;
        done += 1;
    }
    eprintln!("{done} rounds in {} s: {ends:?}", begun.elapsed().as_secs());
    let many = |end: Ended| ends.get(&end).copied().unwrap_or_default() as u64;
    // Where the disk is full there is no result, however it goes.
    let possible = done - many(Ended::Full);
    // A few rounds may all be cut off before anything begins.
    assert!(
        possible < 8 || many(Ended::Right) * 2 >= possible,
        "most rounds come to a right result: {ends:?}"
    );
}

/// Longer than the files of a job that is over may lag behind its scheduler.
#[test]
fn a_job_is_not_lost_while_the_follower_hangs() {
    let target = "sge";
    let rig = Rig::new("hangs");
    let record = rig.work.with_extension("record");
    let args = format!("record={record:?}, seed=7, count=50, pause=0.1");
    let run = [
        "run",
        "faulty.py::work",
        "--target",
        target,
        "--args",
        &args,
    ];
    rig.home.write("noise.bin", "");
    let mut reader = Reader::of(rig.home.spawn(&run));
    let output_of = |job: &str| rig.home.store().join("jobs").join(job).join("stdout");
    let mut halted = Vec::new();
    wait_until("it runs, and its follower is halted", || {
        let came = |job: &String| std::fs::metadata(output_of(job)).is_ok_and(|of| of.len() > 0);
        if rig.names("jobs").iter().any(came) {
            let all = descendants(rig.sshd).into_iter();
            let all = all.filter(|process| process.command.contains("hoist-follower"));
            halted.extend(all.map(|process| process.pid));
            halted.iter().for_each(|pid| kill("STOP", *pid));
        }
        !halted.is_empty()
    });
    let give_up = Instant::now() + Duration::from_secs(60);
    while !reader.is_over() && Instant::now() < give_up {
        thread::sleep(Duration::from_millis(50));
    }
    halted.iter().for_each(|pid| kill("KILL", *pid));
    let (status, stdout, stderr) = reader.ended();
    assert!(status.success(), "{target}: {stderr}");
    let mut expected = output(7, 50, 1);
    expected.extend(b"result: [7, 50, 0]\n");
    same(&stdout, &expected, target);
    std::fs::remove_file(record).ok();
}

#[test]
fn a_job_survives_every_fault() {
    rounds("job", false, None, Duration::from_secs(35));
}

#[test]
fn a_sweep_survives_every_fault() {
    rounds("sweep", true, None, Duration::from_secs(25));
}

#[test]
fn a_submission_that_is_cut_off_while_the_controller_is_away_is_not_repeated() {
    let fault = Some(("slurm", Fault::ControllerAndCut));
    rounds("away", false, fault, Duration::from_secs(15));
}

#[test]
fn a_submission_that_is_cut_off_while_the_master_of_grid_engine_is_away_is_not_repeated() {
    let fault = Some(("sge", Fault::ControllerAndCut));
    rounds("master", false, fault, Duration::from_secs(10));
}
