//! Environments by real tools: pip and uv, packages of PyPI, old Pythons, what goes wrong, and builders that die. What PyPI cannot show
//! comes from an index that the test serves.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::index::{Index, source, wheel};
use common::{eventually, job, run};
use hoist_cluster::{
    BuildError, BuildErrorKind, BuildProgress, EnvironmentSpec, JobEnvironment, Nobody, Target,
    TargetSettings, connect,
};

/// These tests install from PyPI; where it is not reached they fail with this one line.
fn needs_pypi() {
    let folder = tempfile::tempdir().unwrap();
    let fetched = Command::new("python3")
        .args([
            "-m",
            "pip",
            "download",
            "--quiet",
            "--no-deps",
            "--retries",
            "1",
            "-d",
        ])
        .arg(folder.path())
        .arg("six==1.16.0")
        .output()
        .expect("python3");
    assert!(
        fetched.status.success(),
        "this test needs PyPI, which cannot be reached from here"
    );
}

/// Puts a real uv into a folder: the path of it.
fn uv(folder: &Path) -> PathBuf {
    let installed = Command::new("python3")
        .args(["-m", "pip", "install", "--quiet", "--no-deps", "--target"])
        .arg(folder.join("uv"))
        .arg("uv==0.9.30")
        .status();
    assert!(installed.unwrap().success(), "this test needs uv of PyPI");
    folder.join("uv/bin/uv")
}

/// The oldest Python 3.6 or newer of pyenv's, or else the `python3` there is.
fn oldest_python() -> String {
    let versions = PathBuf::from(std::env::var("HOME").unwrap()).join(".pyenv/versions");
    let mut found: Vec<(u32, String)> = std::fs::read_dir(versions)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name().to_str()?.to_owned();
            let minor: u32 = name.strip_prefix("3.")?.split('.').next()?.parse().ok()?;
            let python = entry.path().join("bin/python3");
            (minor >= 6 && python.exists()).then(|| (minor, python.display().to_string()))
        })
        .collect();
    found.sort();
    let oldest = found.into_iter().next();
    oldest.map_or_else(|| "python3".to_owned(), |(_, python)| python)
}

struct Bench {
    folder: tempfile::TempDir,
    settings: TargetSettings,
}

impl Bench {
    /// A work folder of its own, and a home in which `~/.local/bin/uv` is a real uv where one is wanted.
    fn new(uv: Option<&Path>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut settings = TargetSettings {
            name: "bench".to_owned(),
            work_dir: folder.path().join("work").display().to_string(),
            ..TargetSettings::default()
        };
        let home = folder.path().join("home");
        std::fs::create_dir_all(home.join(".local/bin")).unwrap();
        if let Some(uv) = uv {
            std::os::unix::fs::symlink(uv, home.join(".local/bin/uv")).unwrap();
        }
        settings
            .env
            .insert("HOME".to_owned(), home.display().to_string());
        Self { folder, settings }
    }

    async fn target(&self) -> Target {
        connect(&self.settings, Arc::new(Nobody)).await.unwrap()
    }

    /// Where an environment stands.
    fn env(&self, name: &str) -> PathBuf {
        self.folder.path().join("work/envs").join(name)
    }
}

async fn spec(target: &Target, name: &str, requirements: &[&str]) -> EnvironmentSpec {
    let facts = target.facts().await.unwrap().unwrap();
    EnvironmentSpec {
        name: name.to_owned(),
        python: facts.markers.python_version,
        requirements: requirements.iter().map(|line| (*line).to_owned()).collect(),
        constraints: Vec::new(),
        complete: true,
        indexes: Vec::new(),
        wheels: Vec::new(),
    }
}

/// What a job in an environment prints.
async fn says(target: &Target, name: &str, python: &str) -> String {
    let mut inside = job(python);
    inside.environment = JobEnvironment::Venv {
        name: name.to_owned(),
    };
    let (_, told) = run(target, &inside).await;
    assert_eq!(
        told.state(),
        "succeeded",
        "{} {}",
        told.reason(),
        told.err()
    );
    told.out()
}

const VERSIONS: &str = "import dateutil, six\nprint(dateutil.__version__, six.__version__)";

#[tokio::test]
async fn packages_of_pypi_are_installed_by_pip_and_by_uv() {
    needs_pypi();
    let tools = tempfile::tempdir().unwrap();
    let uv = uv(tools.path());
    for (tool, uv) in [("uv", Some(uv.as_path())), ("pip", None)] {
        let bench = Bench::new(uv);
        let target = bench.target().await;
        let facts = target.facts().await.unwrap().unwrap();
        assert_eq!(facts.uv.as_deref(), uv.map(|_| "0.9.30"));
        let lock = ["six==1.16.0", "python-dateutil==2.8.2"];
        let complete = spec(&target, "complete", &lock).await;
        let log = Mutex::new(String::new());
        target
            .environment(&complete, |news| {
                if let BuildProgress::Log(bytes) = news {
                    *log.lock().unwrap() += &String::from_utf8_lossy(&bytes);
                }
            })
            .await
            .unwrap_or_else(|error| panic!("{error:#?}"));
        assert_eq!(says(&target, "complete", VERSIONS).await, "2.8.2 1.16.0\n");
        let ready = std::fs::read_to_string(bench.env("complete").join("hoist/ready")).unwrap();
        assert!(ready.contains(tool), "{ready}");
        assert!(log.lock().unwrap().contains("six"), "the log is {log:?}");
        // What it needs itself is found where the list is not complete.
        let open = EnvironmentSpec {
            constraints: Vec::new(),
            complete: false,
            ..spec(&target, "open", &["python-dateutil==2.8.2"]).await
        };
        target.environment(&open, |_| {}).await.unwrap();
        assert!(
            says(&target, "open", VERSIONS)
                .await
                .starts_with("2.8.2 1.")
        );
    }
}

#[tokio::test]
async fn the_oldest_python_there_is_has_its_environment_too() {
    needs_pypi();
    let mut bench = Bench::new(None);
    bench.settings.python = Some(oldest_python());
    let target = bench.target().await;
    let wanted = spec(&target, "old", &["six==1.16.0", "python-dateutil==2.8.2"]).await;
    let python = target
        .environment(&wanted, |_| {})
        .await
        .unwrap_or_else(|error| panic!("{error:#?}"));
    let version = Command::new(&python).arg("--version").output().unwrap();
    let version = String::from_utf8_lossy(&version.stdout).into_owned();
    assert!(version.contains(&wanted.python), "{version}");
    assert_eq!(says(&target, "old", VERSIONS).await, "2.8.2 1.16.0\n");
}

/// Builds what cannot be built.
async fn fails(target: &Target, requirements: &[&str]) -> BuildError {
    let wanted = spec(target, "bad", requirements).await;
    let built = target.environment(&wanted, |_| {}).await;
    built.expect_err("it cannot be built")
}

#[tokio::test]
async fn what_goes_wrong_is_told_by_requirement_whatever_installs_it() {
    needs_pypi();
    let tools = tempfile::tempdir().unwrap();
    let uv = uv(tools.path());
    let files = tempfile::tempdir().unwrap();
    let compiler = "import sys\nsys.stderr.write('moonlit.c:1:10: fatal error: moon.h: No such file or directory\\n')";
    let index = Index::serve(vec![
        (wheel(files.path(), "sunlit", "1.2", ""), None),
        (wheel(files.path(), "sunlit", "1.3", ""), None),
        (wheel(files.path(), "daylit", "1", ""), None),
        (
            wheel(files.path(), "starlit", "1.0", "Requires-Python: >=3.99\n"),
            Some(">=3.99"),
        ),
        (source(files.path(), "moonlit", "1.0", compiler), None),
    ])
    .await;
    let old = oldest_python();
    for (uv, python) in [(Some(uv.as_path()), None), (None, None), (None, Some(&old))] {
        let mut bench = Bench::new(uv);
        bench.settings.env.extend(index.variables());
        bench.settings.python = python.cloned();
        let target = bench.target().await;
        for (requirement, kind, part) in [
            (
                "sunlit==9",
                BuildErrorKind::NotFound,
                "no index there has sunlit==9",
            ),
            (
                "nightly==1",
                BuildErrorKind::NotFound,
                "no index there has nightly==1",
            ),
            (
                "starlit==1.0",
                BuildErrorKind::Unfit,
                "starlit==1.0 is for another Python",
            ),
            (
                "moonlit==1.0",
                BuildErrorKind::Source,
                "building it from its source failed",
            ),
        ] {
            let error = fails(&target, &["daylit==1", requirement]).await;
            let named = error.requirement.clone().unwrap_or_default();
            // An old pip does not say why it left a version out.
            let is_old = python.is_some() && requirement.starts_with("starlit");
            assert!(error.kind == kind || is_old, "{error:#?}");
            assert!(
                requirement.starts_with(&named) && named.len() >= 6,
                "{error:#?}"
            );
            assert!(error.to_string().contains(part) || is_old, "{error:#?}");
            assert!(!error.words.is_empty(), "{error:#?}");
            // Nor does it know a build that needs nothing of an index.
            if kind == BuildErrorKind::Source && python.is_none() {
                assert!(error.words.contains("fatal error: moon.h"), "{error:#?}");
            }
            assert!(!bench.env("bad").join("bin").exists());
        }
        let error = fails(&target, &["sunlit==1.2", "sunlit==1.3"]).await;
        assert_eq!(error.kind, BuildErrorKind::Conflict, "{error:#?}");
        // Nobody listens there.
        let closed = {
            let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            format!(
                "http://127.0.0.1:{}/simple",
                socket.local_addr().unwrap().port()
            )
        };
        for (name, value) in [
            ("PIP_INDEX_URL", closed.as_str()),
            ("PIP_RETRIES", "1"),
            ("UV_INDEX_URL", closed.as_str()),
            ("UV_HTTP_RETRIES", "1"),
        ] {
            bench.settings.env.insert(name.to_owned(), value.to_owned());
        }
        let error = fails(&bench.target().await, &["sunlit==1.2"]).await;
        assert_eq!(error.kind, BuildErrorKind::Network, "{error:#?}");
        assert!(error.to_string().contains("on 127.0.0.1"), "{error}");
    }
}

/// The process of a line `HOST PID START`.
fn process(path: &Path) -> Option<i32> {
    let line = std::fs::read_to_string(path).ok()?;
    line.split_whitespace().nth(1)?.parse().ok()
}

fn lives(pid: i32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(") ")
        .next()
        .is_some_and(|rest| !rest.is_empty() && !rest.starts_with('Z'))
}

fn kill(pid: i32) {
    let killed = Command::new("kill")
        .args(["-KILL", &pid.to_string()])
        .status();
    assert!(killed.unwrap().success());
}

/// An environment whose one wheel takes so long to come.
async fn slow(time: Duration) -> (Bench, Index, Target, EnvironmentSpec) {
    let mut bench = Bench::new(None);
    let wheel = wheel(bench.folder.path(), "sunlit", "1.2", "");
    let index = Index::serve(vec![(wheel, None)]).await;
    index.slow(time);
    bench.settings.env.extend(index.variables());
    let target = bench.target().await;
    let wanted = spec(&target, "lab", &["sunlit==1.2"]).await;
    (bench, index, target, wanted)
}

#[tokio::test]
async fn a_builder_that_is_killed_is_followed_by_another_and_leaves_no_pip_behind() {
    let (bench, index, target, wanted) = slow(Duration::from_secs(600)).await;
    let builds = bench.env("lab").join("hoist/builds");
    let waiting = {
        let (target, wanted) = (target.clone(), wanted.clone());
        tokio::spawn(async move { target.environment(&wanted, |_| {}).await })
    };
    eventually("the wheel is asked for", async || index.fetched() == 1).await;
    let builder = process(&builds.join("1/by")).unwrap();
    let pip = process(&builds.join("1/child")).unwrap();
    assert!(lives(builder) && lives(pip));
    index.slow(Duration::ZERO);
    kill(builder);
    waiting.await.unwrap().unwrap();
    assert!(!lives(pip), "the first pip is still there");
    assert!(builds.join("2/exit").exists() && !builds.join("3").exists());
    assert_eq!(
        says(&target, "lab", "import sunlit; print(sunlit.version)").await,
        "1.2\n"
    );
}

#[tokio::test]
async fn a_build_that_nobody_wants_any_more_ends_by_itself_with_all_it_started() {
    let (bench, index, target, wanted) = slow(Duration::from_secs(600)).await;
    let build = bench.env("lab").join("hoist/builds/1");
    let waiting = {
        let (target, wanted) = (target.clone(), wanted.clone());
        tokio::spawn(async move { target.environment(&wanted, |_| {}).await })
    };
    eventually("the wheel is asked for", async || index.fetched() == 1).await;
    let pip = process(&build.join("child")).unwrap();
    waiting.abort();
    tokio::time::sleep(Duration::from_secs(40)).await;
    assert!(lives(pip), "it goes on for a minute");
    eventually("it ends by itself", async || {
        !lives(pip) && build.join("exit").exists()
    })
    .await;
    let exit = std::fs::read_to_string(build.join("exit")).unwrap();
    assert!(exit.contains("nobody waits for it any more"), "{exit}");
    let left = std::fs::read_dir(bench.env("lab")).unwrap();
    let left: Vec<_> = left.map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["hoist"]);
    // Whoever asks now has it built anew.
    index.slow(Duration::ZERO);
    target.environment(&wanted, |_| {}).await.unwrap();
}

/// A builder whose process is not seen from here, and which is alive for a while: it is waited for, and then for a minute more.
async fn is_replaced_when_it_is_silent(process: &str) {
    let (bench, _, target, wanted) = slow(Duration::ZERO).await;
    let build = bench.env("lab").join("hoist/builds/7");
    std::fs::create_dir_all(&build).unwrap();
    std::fs::write(build.join("by"), process).unwrap();
    std::fs::write(build.join("stdout"), "hoist: it began there\n").unwrap();
    std::fs::write(build.join("beat"), "3\n").unwrap();
    let began = std::time::Instant::now();
    let beats = {
        let beat = build.join("beat");
        tokio::spawn(async move {
            for number in 4..14 {
                tokio::time::sleep(Duration::from_secs(2)).await;
                std::fs::write(&beat, format!("{number}\n")).unwrap();
            }
        })
    };
    target.environment(&wanted, |_| {}).await.unwrap();
    beats.await.unwrap();
    assert!(
        began.elapsed() > Duration::from_secs(75),
        "{:?}",
        began.elapsed()
    );
    assert!(bench.env("lab").join("hoist/builds/8/exit").exists());
}

#[tokio::test]
async fn a_builder_of_another_machine_is_replaced_when_it_gives_no_sign_of_life() {
    is_replaced_when_it_is_silent("elsewhere 1 2\n").await;
}

#[tokio::test]
async fn a_builder_in_a_job_with_process_numbers_of_its_own_is_not_held_to_be_dead() {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    is_replaced_when_it_is_silent(&format!("{} 4000000 1\n", host.trim())).await;
}

#[tokio::test]
async fn a_job_that_is_ended_while_it_builds_ends_the_build() {
    let (bench, index, target, wanted) = slow(Duration::from_secs(600)).await;
    let mut builds = job("print('never')");
    builds.environment = JobEnvironment::Build(wanted);
    let id = target.submit(&builds, |_| {}).await.unwrap();
    let events = target
        .follow(&builds.job, hoist_cluster::Made::Before, Default::default())
        .unwrap();
    eventually("the wheel is asked for", async || index.fetched() == 1).await;
    let pip = process(&bench.env("lab").join("hoist/builds/1/child")).unwrap();
    target
        .cancel(&builds.job, hoist_cluster::Made::Before, &id)
        .await
        .unwrap();
    let told = common::listen(events).await;
    assert_eq!(told.state(), "cancelled", "{}", told.reason());
    assert!(!lives(pip));
    assert!(!bench.env("lab").join("bin").exists());
}
