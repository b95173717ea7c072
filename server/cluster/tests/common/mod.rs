//! What the tests of targets share: a runner of ten lines that stands in for the real one, and a reader of events.
#![allow(dead_code, clippy::unwrap_used, missing_docs, unreachable_pub)]

pub mod index;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use hoist_cluster::{
    ArraySubmission, EnvironmentSpec, EnvironmentState, FollowEvent, JobEnvironment, Made,
    NativeId, Nobody, Offsets, Parent, SchedulerKind, SchedulerState, Stream, Submission, Target,
    TargetSettings, connect,
};
use sha2::{Digest, Sha256};
use tokio::sync::mpsc::Receiver;

/// Stands in for the real runner: runs the request's text as Python and leaves the same files.
const RUNNER: &str = r#"
import json, os, signal, sys, traceback
job = sys.argv[1]
def put(name, text):
    with open(os.path.join(job, "." + name), "w") as f: f.write(text)
    os.rename(os.path.join(job, "." + name), os.path.join(job, name))
def end(code, state):
    sys.stdout.flush(); sys.stderr.flush()
    put("exit", json.dumps({"code": code, "state": state, "reason": ""}))
    os._exit(code)
told = lambda *a: end(143, "cancelled" if os.path.exists(job + "/cancel") else "terminated")
signal.signal(signal.SIGTERM, told)
signal.signal(signal.SIGUSR2, told)
put("started", json.dumps({"pid": os.getpid()}))
try:
    text = open(os.path.join(job, "request.json")).read()
    exec(json.loads(text) if text.startswith('"') else text, {"job": job})
    put("result.json", json.dumps({"repr": "None"}))
except BaseException:
    traceback.print_exc()
    end(1, "failed")
end(0, "succeeded")
"#;

/// A job name that no other test of this run has.
pub fn job_name() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .as_nanos();
    format!(
        "T{now:x}x{}x{}",
        std::process::id(),
        NEXT.fetch_add(1, Ordering::Relaxed)
    )
}

/// A job that runs these lines of Python.
pub fn job(python: &str) -> Submission {
    sized_job(python, 0)
}

/// The same with a package of at least `padding` bytes.
pub fn sized_job(python: &str, padding: usize) -> Submission {
    let mut package = RUNNER.as_bytes().to_vec();
    while package.len() < padding {
        package.extend_from_slice(
            b"#0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde\n",
        );
    }
    Submission {
        job: job_name(),
        name: "test job".to_owned(),
        sha256: sum(&package),
        package: Arc::from(package),
        request: python.as_bytes().to_vec(),
        resources: Default::default(),
        after: Vec::new(),
        environment: Default::default(),
        data: Default::default(),
    }
}

/// A job that runs these lines and asks for something.
pub fn asking(python: &str, wanted: &[(&str, &str)]) -> Submission {
    let mut job = job(python);
    for (key, value) in wanted {
        job.resources.set(key, value).unwrap();
    }
    job
}

/// What the scheduler says of a job.
pub async fn state(target: &Target, job: &Submission, id: &NativeId) -> SchedulerState {
    target
        .query(&[(job.job.clone(), id.clone())])
        .await
        .unwrap_or_else(|e| panic!("{e}"))
        .remove(&job.job)
        .unwrap()
}

/// Asks the scheduler until it says so.
pub async fn until_state(
    target: &Target,
    job: &Submission,
    id: &NativeId,
    done: impl Fn(&SchedulerState) -> bool,
) -> SchedulerState {
    let end = Instant::now() + Duration::from_secs(45);
    loop {
        let state = state(target, job, id).await;
        if done(&state) {
            return state;
        }
        assert!(Instant::now() < end, "it stays {state:?}");
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
}

/// A target with this scheduler on this machine, in a work folder of its own, which may be asked often.
pub fn settings(name: &str, scheduler: SchedulerKind) -> TargetSettings {
    TargetSettings {
        name: name.to_owned(),
        scheduler,
        work_dir: format!("~/hoist test {}", job_name()),
        poll_interval: Some("1s".parse().unwrap()),
        ..TargetSettings::default()
    }
}

/// Connects where nobody need be asked.
pub async fn reach(settings: &TargetSettings) -> Target {
    connect(settings, Arc::new(Nobody))
        .await
        .unwrap_or_else(|e| panic!("{e}"))
}

/// Whether a job is over in its scheduler's opinion.
pub fn ended(state: &SchedulerState) -> bool {
    matches!(state, SchedulerState::Ended { .. })
}

/// Makes the rig's home this process's, as a user's HOME is.
pub fn rig(started: &str) {
    let home = std::env::var_os("HOIST_TEST_HOME");
    let home = home.expect("HOIST_TEST_HOME is not set: start tests/clusters/sshd.sh and source its env, or run tests/run");
    assert!(
        std::env::var_os(started).is_some(),
        "start what sets {started} in tests/clusters too"
    );
    set("HOME", home);
}

/// Sets a variable of this process.
pub fn set(name: &str, value: impl AsRef<std::ffi::OsStr>) {
    // SAFETY: nextest gives each test a process of its own, and nothing else runs in it yet.
    #[allow(unsafe_code)]
    unsafe {
        std::env::set_var(name, value);
    }
}

/// Over there it is another account that writes.
fn open_to_all(path: &std::path::Path) {
    let all = std::os::unix::fs::PermissionsExt::from_mode(0o777);
    std::fs::set_permissions(path, all).unwrap();
}

/// Large packages of which an earlier attempt left a part over there, on this machine: its beginning, something else of that
/// length, and something too long.
pub async fn uploads_are_taken_up(target: &Target) {
    const LEFT: usize = 1_000_000;
    for left in ["its beginning", "something else", "too much"] {
        let job = sized_job("print('whole')", 3_000_000);
        let folder = std::path::PathBuf::from(target.job_dir(&job.job));
        let packages = folder.parent().unwrap().parent().unwrap().join("packages");
        std::fs::create_dir_all(&packages).unwrap();
        open_to_all(&packages);
        let package = packages.join(format!("{}.zip", job.sha256));
        let temporary = packages.join(format!(".{}.{}", job.sha256, job.job));
        let _ = std::fs::remove_file(&package);
        let bytes = match left {
            "its beginning" => job.package[..LEFT].to_vec(),
            "something else" => vec![b'x'; LEFT],
            _ => [&job.package, b"x".as_slice()].concat(),
        };
        std::fs::write(&temporary, bytes).unwrap();
        open_to_all(&temporary);
        let told = std::sync::Mutex::new(Vec::new());
        let progress = |upload: hoist_cluster::Upload| told.lock().unwrap().push(upload.sent);
        target.submit(&job, progress).await.unwrap();
        let told = told.into_inner().unwrap();
        let least = told.iter().copied().filter(|sent| *sent > 0).min().unwrap();
        // After what turned out to be something else, all of it is sent.
        let goes_on = least >= LEFT as u64;
        assert_eq!(goes_on, left == "its beginning", "{told:?}");
        assert_eq!(told.last(), Some(&(job.package.len() as u64)));
        let events = target
            .follow(&job.job, Made::Before, Offsets::default())
            .unwrap();
        assert_eq!(listen(events).await.out(), "whole\n");
        assert_eq!(std::fs::read(&package).unwrap(), job.package.as_ref());
        assert!(!temporary.exists());
    }
}

/// A job that waits is cancelled at once and never runs.
pub async fn is_cancelled_while_it_waits(target: &Target, job: &Submission) {
    let id = target.submit(job, |_| {}).await.unwrap();
    let events = target
        .follow(&job.job, Made::Before, Offsets::default())
        .unwrap();
    let begun = Instant::now();
    target.cancel(&job.job, Made::Before, &id).await.unwrap();
    let heard = listen(events).await;
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(15), "{took:?}");
    assert_eq!(
        (heard.state().as_str(), heard.reason().as_str()),
        ("cancelled", "cancelled before it began")
    );
}

/// A job that runs is cancelled, and says so itself.
pub async fn is_cancelled_while_it_runs(target: &Target) {
    let job = job("import time\nprint('on', flush=True)\ntime.sleep(100)");
    let id = target.submit(&job, |_| {}).await.unwrap();
    let mut events = target
        .follow(&job.job, Made::Before, Offsets::default())
        .unwrap();
    while !matches!(events.recv().await, Some(FollowEvent::Output { .. })) {}
    until_state(target, &job, &id, |state| *state == SchedulerState::Running).await;
    target.cancel(&job.job, Made::Before, &id).await.unwrap();
    let heard = listen(
        target
            .follow(&job.job, Made::Before, Offsets::default())
            .unwrap(),
    )
    .await;
    assert_eq!(heard.state(), "cancelled");
}

/// A job whose answer and whose id were lost is found again, and runs once.
pub async fn is_found_again(target: &Target) {
    // It runs until it was found.
    let job = job(
        "import os, time\nopen(job + '/times', 'a').write('x')\nend = time.time() + 80\n\
         while not os.path.exists(job + '/found') and time.time() < end: time.sleep(0.1)",
    );
    let id = target.submit(&job, |_| {}).await.unwrap();
    let folder = target.job_dir(&job.job);
    eventually("it runs", || async {
        there(&format!("test -e '{folder}/started' && echo yes")) == "yes\n"
    })
    .await;
    there(&format!("rm '{folder}/native_id'"));
    assert_eq!(target.submit(&job, |_| {}).await.unwrap(), id);
    there(&format!("touch '{folder}/found'"));
    let heard = listen(
        target
            .follow(&job.job, Made::Before, Offsets::default())
            .unwrap(),
    )
    .await;
    assert_eq!(heard.state(), "succeeded");
    assert_eq!(there(&format!("cat '{folder}/times'")), "x");
}

/// The host of OpenSSH on which [`there`] is; this machine if there is none.
pub static THERE: std::sync::OnceLock<String> = std::sync::OnceLock::new();

/// What a line of shell prints on the target's machine, whatever its login shell says before.
pub fn there(line: &str) -> String {
    let mut command = match THERE.get() {
        Some(alias) => {
            let mut command = std::process::Command::new("ssh");
            // OpenSSH does not look at HOME, where the rig has its aliases.
            let home = std::env::var("HOME").unwrap();
            let config = std::path::Path::new(&home).join(".ssh/config");
            if config.exists() {
                let known = format!("UserKnownHostsFile={home}/.ssh/known_hosts");
                command.arg("-F").arg(config).args(["-o", &known]);
            }
            command.arg(alias);
            command
        }
        None => {
            let mut command = std::process::Command::new("sh");
            command.arg("-c");
            command
        }
    };
    command.arg(format!("echo {BEGIN}; {line}"));
    let printed = String::from_utf8(command.output().unwrap().stdout).unwrap();
    let (_, printed) = printed.split_once(&format!("{BEGIN}\n")).unwrap();
    printed.to_owned()
}

const BEGIN: &str = "--- begin ---";

/// No folder of a job is there.
pub fn left_nothing(target: &Target) {
    assert_eq!(there(&format!("ls '{}/jobs'", target.work_dir())), "");
}

pub fn sum(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect()
}

/// What was heard of a job.
#[derive(Debug, Default)]
pub struct Heard {
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
    pub started: usize,
    pub result: Option<Vec<u8>>,
    pub exit: Option<serde_json::Value>,
    pub disconnected: usize,
    pub other: Option<FollowEvent>,
}

impl Heard {
    /// Takes in one event and checks that each byte comes once and in order; true when it was the last.
    pub fn take(&mut self, event: FollowEvent) -> bool {
        assert!(
            self.exit.is_none(),
            "nothing may come after the exit: {event:?}"
        );
        match event {
            FollowEvent::Started(_) => self.started += 1,
            FollowEvent::Output {
                stream,
                offset,
                bytes,
            } => {
                let log = if stream == Stream::Stdout {
                    &mut self.stdout
                } else {
                    &mut self.stderr
                };
                assert_eq!(offset, log.len() as u64, "the next byte of {stream:?}");
                log.extend_from_slice(&bytes);
            }
            FollowEvent::Result(bytes) => self.result = Some(bytes.to_vec()),
            FollowEvent::Exit(bytes) => {
                self.exit = Some(serde_json::from_slice(&bytes).expect("exit is JSON"));
                return true;
            }
            FollowEvent::Disconnected(_) => self.disconnected += 1,
            FollowEvent::Reconnected => {}
            other => {
                self.other = Some(other);
                return true;
            }
        }
        false
    }

    pub fn out(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    pub fn err(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }

    pub fn state(&self) -> String {
        match &self.exit {
            Some(exit) => exit["state"].as_str().unwrap_or_default().to_owned(),
            None => format!("no exit: {:?}", self.other),
        }
    }

    pub fn reason(&self) -> String {
        self.exit
            .as_ref()
            .and_then(|exit| exit["reason"].as_str())
            .unwrap_or_default()
            .to_owned()
    }
}

/// Listens until the end.
pub async fn listen(mut events: Receiver<FollowEvent>) -> Heard {
    let mut heard = Heard::default();
    let listen = async {
        while let Some(event) = events.recv().await {
            if heard.take(event) {
                break;
            }
        }
    };
    let limit = Duration::from_secs(90);
    let ended = tokio::time::timeout(limit, listen).await.is_ok();
    let (out, disconnected) = (heard.stdout.len(), heard.disconnected);
    assert!(
        ended,
        "the job must end in time: {out} bytes heard, {disconnected} times disconnected"
    );
    heard
}

/// Submits a job and listens to its end.
pub async fn run(target: &Target, job: &Submission) -> (NativeId, Heard) {
    let id = target.submit(job, |_| {}).await.expect("submitted");
    let heard = listen(
        target
            .follow(&job.job, Made::Before, Offsets::default())
            .expect("followed"),
    )
    .await;
    (id, heard)
}

/// A job that comes after another one begins when that one succeeded, and never when it ended otherwise; where the scheduler is
/// `strict` it drops such a job by itself, else the job sees it.
pub async fn comes_after(target: &Target, strict: bool) {
    let parent = |job: &Submission, id: &NativeId| Parent {
        job: job.job.clone(),
        native_id: id.clone(),
    };
    let follow = |job: &Submission| {
        let events = target.follow(&job.job, Made::Before, Offsets::default());
        listen(events.unwrap())
    };
    let good = job("import time; time.sleep(3)");
    let bad = job("import time; time.sleep(3); raise ValueError('no')");
    let good_id = target.submit(&good, |_| {}).await.unwrap();
    let bad_id = target.submit(&bad, |_| {}).await.unwrap();
    let exit = format!("{}/exit", target.job_dir(&good.job));
    let mut second = job(&format!("import os; print(os.path.exists({exit:?}))"));
    second.after = vec![parent(&good, &good_id)];
    let mut never = job("print('never')");
    never.after = vec![parent(&good, &good_id), parent(&bad, &bad_id)];
    target.submit(&second, |_| {}).await.unwrap();
    let never_id = target.submit(&never, |_| {}).await.unwrap();
    let heard = follow(&second).await;
    assert_eq!(
        (heard.out().as_str(), heard.state().as_str()),
        ("True\n", "succeeded"),
        "{}",
        heard.reason()
    );
    let not_run = format!("not run: {} failed", bad.job);
    if strict {
        until_state(target, &never, &never_id, ended).await;
        assert_ne!(follow(&never).await.state(), "succeeded");
    } else {
        let heard = follow(&never).await;
        assert_eq!(
            (heard.state().as_str(), heard.reason().as_str()),
            ("cancelled", not_run.as_str())
        );
    }
    assert_eq!(follow(&never).await.out(), "");
    // What is over is nothing to wait for, also where the scheduler has forgotten it.
    let mut third = job("print('third')");
    let gone = NativeId("99999999".to_owned());
    third.after = vec![parent(&good, &gone)];
    let (_, heard) = run(target, &third).await;
    assert_eq!(heard.out(), "third\n");
    let mut fourth = job("print('fourth')");
    fourth.after = vec![parent(&bad, &gone)];
    let (_, heard) = run(target, &fourth).await;
    assert_eq!((heard.out().as_str(), heard.reason()), ("", not_run));
    // All tasks of an array, before all tasks of another.
    let first = array((1..=3).map(|n| format!("import time; time.sleep({n})")));
    let ids = target.submit_array(&first, |_| {}).await.unwrap();
    let folders: Vec<String> = first
        .tasks
        .iter()
        .map(|(job, _)| target.job_dir(job))
        .collect();
    let looks = format!("import os; print([os.path.exists(f + '/exit') for f in {folders:?}])");
    let mut then = array((1..=2).map(|_| looks.clone()));
    let parents = first.tasks.iter().zip(&ids);
    then.after = parents
        .map(|((job, _), id)| Parent {
            job: job.clone(),
            native_id: id.clone(),
        })
        .collect();
    target.submit_array(&then, |_| {}).await.unwrap();
    for (job, _) in &then.tasks {
        let events = target.follow(job, Made::AtStart, Offsets::default());
        let heard = listen(events.unwrap()).await;
        assert_eq!(heard.out(), "[True, True, True]\n", "{}", heard.reason());
    }
}

/// Many jobs that are submitted as one, each with lines of Python of its own.
pub fn array(tasks: impl IntoIterator<Item = String>) -> ArraySubmission {
    let one = job("");
    ArraySubmission {
        array: job_name(),
        name: "test array".to_owned(),
        package: one.package,
        sha256: one.sha256,
        tasks: tasks
            .into_iter()
            .map(|python| {
                (
                    job_name(),
                    serde_json::json!(python).to_string().into_bytes(),
                )
            })
            .collect(),
        resources: Default::default(),
        at_once: None,
        after: Vec::new(),
        environment: Default::default(),
        data: Default::default(),
    }
}

/// Submits an array and listens to the end of each of its jobs.
pub async fn run_array(target: &Target, array: &ArraySubmission) -> (Vec<NativeId>, Vec<Heard>) {
    let ids = target.submit_array(array, |_| {}).await.expect("submitted");
    let follow =
        |(job, _): &(String, Vec<u8>)| target.follow(job, Made::AtStart, Offsets::default());
    let followed: Vec<_> = array.tasks.iter().map(follow).collect();
    let listening = followed
        .into_iter()
        .map(|events| listen(events.expect("followed")));
    (ids, futures::future::join_all(listening).await)
}

/// Runs a job that goes on to its next line only when the line before was seen here, on both streams.
pub async fn converse(target: &Target) {
    const LINES: usize = 4;
    let job = job(&format!(
        "import os, sys, time
for i in range({LINES}):
  print(i, flush=True); print('e', i, file=sys.stderr, flush=True)
  end = time.time() + 60
  while not os.path.exists(job + '/seen%d' % i):
    if time.time() > end: sys.exit('line %d was not seen' % i)
    time.sleep(0.01)"
    ));
    target.submit(&job, |_| {}).await.expect("submitted");
    let follow = target.follow(&job.job, Made::Before, Offsets::default());
    let mut events = follow.expect("followed");
    let mut heard = Heard::default();
    let mut seen = 0;
    let listen = async {
        while let Some(event) = events.recv().await {
            if heard.take(event) {
                break;
            }
            let whole = |bytes: &[u8]| bytes.iter().filter(|byte| **byte == b'\n').count();
            while seen < whole(&heard.stdout).min(whole(&heard.stderr)) {
                there(&format!(": >'{}/seen{seen}'", target.job_dir(&job.job)));
                seen += 1;
            }
        }
    };
    let limit = Duration::from_secs(90);
    assert!(
        tokio::time::timeout(limit, listen).await.is_ok(),
        "{seen} of {LINES} lines were seen"
    );
    assert_eq!(
        (heard.out().as_str(), heard.err().as_str()),
        ("0\n1\n2\n3\n", "e 0\ne 1\ne 2\ne 3\n")
    );
    assert_eq!(heard.state(), "succeeded");
}

/// Removes the work folder of a target that a test made for itself.
pub async fn clean(target: &Target) {
    assert!(target.work_dir().contains("hoist test"));
    // The script of a job that just ended may still be about its last lines.
    eventually("the work folder can be removed", || async {
        there(&format!(
            "rm -rf '{0}' && echo gone",
            target.work_dir().replace('\'', "'\\''")
        )) == "gone\n"
    })
    .await;
}

/// Waits until `done` says so.
pub async fn eventually<F: Future<Output = bool>>(what: &str, mut done: impl FnMut() -> F) {
    let end = Instant::now() + Duration::from_secs(30);
    while !done().await {
        assert!(Instant::now() < end, "it never came true that {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// An array of which one task fails and one is killed with its script; `variable` has a task's number in its environment and
/// `between` stands in its native id between that of the array and its number.
pub async fn tasks_end_each_in_its_own_way(target: &Target, variable: &str, between: &str) {
    let text = |number: usize| {
        match number {
        3 => "raise ValueError('three')".to_owned(),
        4 => "import os, signal; os.kill(os.getppid(), signal.SIGKILL); os.kill(os.getpid(), signal.SIGKILL)".to_owned(),
        _ => format!("import os; print({number}, os.environ['{variable}'])"),
    }
    };
    let mut array = array((1..=6).map(text));
    array.at_once = Some(2);
    // What the fourth cannot say any more, only the scheduler knows.
    let ask = async {
        let ids = target.submit_array(&array, |_| {}).await.unwrap();
        let names = array.tasks.iter().map(|(job, _)| job.clone());
        let jobs: Vec<(String, NativeId)> = names.zip(ids).collect();
        loop {
            tokio::time::sleep(Duration::from_secs(1)).await;
            target.query(&jobs).await.unwrap();
        }
    };
    let (ids, heard) = tokio::select! {
        ended = run_array(target, &array) => ended,
        () = ask => unreachable!("it asks for ever"),
    };
    assert_eq!(target.submit_array(&array, |_| {}).await.unwrap(), ids);
    // `7_1`, `7.1`, `7[1]`, `7[1].host`
    let id_of = |n: usize| {
        let (first, this) = (format!("{between}1"), format!("{between}{n}"));
        ids[0].0.replacen(&first, &this, 1)
    };
    for (number, (id, heard)) in (1..).zip(ids.iter().zip(&heard)) {
        assert_eq!(id.0, id_of(number));
        let folder = target.job_dir(&array.tasks[number - 1].0);
        assert_eq!(there(&format!("cat '{folder}/native_id'")), id.0);
        match number {
            3 => assert_eq!(heard.state(), "failed"),
            4 => assert_ne!(heard.state(), "succeeded"),
            _ => assert_eq!(heard.out(), format!("{number} {number}\n")),
        }
    }
}

/// An array of which one task runs while the others wait, until all are cancelled at once.
pub async fn tasks_are_cancelled_together(target: &Target) {
    let text = |_| "import time; time.sleep(120)".to_owned();
    let mut array = array((0..30).map(text));
    array.at_once = Some(1);
    let ids = target.submit_array(&array, |_| {}).await.unwrap();
    let names = array.tasks.iter().map(|(job, _)| job.clone());
    let jobs: Vec<(String, NativeId)> = names.zip(ids).collect();
    eventually("one task runs and the others wait", || async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let states = target.query(&jobs).await.unwrap();
        let waits = |state: &&SchedulerState| matches!(state, SchedulerState::Pending { .. });
        let waiting = states.values().filter(waits).count();
        let running = states
            .values()
            .filter(|state| **state == SchedulerState::Running);
        (waiting, running.count()) == (29, 1)
    })
    .await;
    let asked = jobs
        .iter()
        .map(|(job, id)| target.cancel(job, Made::AtStart, id));
    for answer in futures::future::join_all(asked).await {
        answer.unwrap();
    }
    let follow =
        |(job, _): &(String, NativeId)| target.follow(job, Made::AtStart, Offsets::default());
    let events = jobs
        .iter()
        .map(follow)
        .map(|events| listen(events.unwrap()));
    for heard in futures::future::join_all(events).await {
        assert_eq!(heard.state(), "cancelled", "{}", heard.reason());
    }
}

/// The stand-in for the commands of a scheduler, first on this process's PATH.
pub struct StandIn(tempfile::TempDir);

impl StandIn {
    pub fn start(commands: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let bin = folder.path().join("bin");
        std::fs::create_dir(&bin).unwrap();
        let script = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../../tests/clusters/stand_in.py");
        for command in commands {
            std::os::unix::fs::symlink(script.canonicalize().unwrap(), bin.join(command)).unwrap();
        }
        let path = std::env::var("PATH").unwrap();
        set("PATH", format!("{}:{path}", bin.display()));
        set("HOIST_STAND_IN", folder.path());
        // Jobs start login shells, which read the start files of this home.
        set("HOME", folder.path());
        Self(folder)
    }

    /// Makes one of the files that the stand-in looks for, or removes it.
    pub fn is(&self, name: &str, there: bool) {
        let path = self.0.path().join(name);
        if there {
            std::fs::write(path, "").unwrap();
        } else {
            std::fs::remove_file(path).unwrap();
        }
    }

    /// The calls of a command so far.
    pub fn calls(&self, command: &str) -> usize {
        let log = std::fs::read_to_string(self.0.path().join("log")).unwrap();
        log.lines()
            .filter(|line| line.split(' ').next() == Some(command))
            .count()
    }
}

/// The tasks of an array build the environment that they need on the nodes they come to, all of them together once.
pub async fn tasks_build_one_environment(settings: &TargetSettings) {
    let folder = tempfile::tempdir().unwrap();
    let wheel = index::wheel(folder.path(), "sunlit", "1.2", "");
    let index = index::Index::serve(vec![(wheel, None)]).await;
    index.slow(Duration::from_secs(2));
    let mut settings = settings.clone();
    settings.env.extend(index.variables());
    let target = reach(&settings).await;
    let facts = target.facts().await.unwrap().unwrap();
    let mut wanted = array((0..3).map(|_| "import sunlit; print(sunlit.version)".to_owned()));
    wanted.environment = JobEnvironment::Build(EnvironmentSpec {
        name: "lab".to_owned(),
        python: facts.markers.python_version,
        requirements: vec!["sunlit==1.2".to_owned()],
        complete: true,
        constraints: Vec::new(),
        indexes: Vec::new(),
        wheels: Vec::new(),
    });
    let (_, told) = run_array(&target, &wanted).await;
    for heard in told {
        assert_eq!(heard.out(), "1.2\n", "{}\n{}", heard.reason(), heard.err());
    }
    assert_eq!(index.fetched(), 1);
    let known = target.environments().await.unwrap();
    assert_eq!(known.len(), 1);
    assert_eq!(known[0].state, EnvironmentState::Ready);
    clean(&target).await;
}
