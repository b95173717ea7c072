//! Jobs over a real sshd that tests/clusters/sshd.sh started: every login shell, one session only, lost connections, host
//! keys, refusals. A stand-in runs in place of the runner.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use std::sync::Arc;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use common::{clean, converse, eventually, job, listen, run, sized_job};
use futures::future::BoxFuture;
use hoist_cluster::{
    Ask, BuildErrorKind, BuildProgress, ClusterError, EnvironmentSpec, ErrorKind, FollowEvent,
    Made, Nobody, Offsets, Question, Target, TargetSettings, connect,
};

/// Makes the rig's home this process's, as a user's HOME is.
fn rig() -> std::path::PathBuf {
    let home = std::env::var_os("HOIST_TEST_HOME")
        .expect("HOIST_TEST_HOME is not set: start tests/clusters/sshd.sh and source its env, or run tests/run");
    // SAFETY: nextest gives each test a process of its own, and nothing else runs in it yet.
    #[allow(unsafe_code)]
    unsafe {
        std::env::set_var("HOME", &home);
        std::env::remove_var("SSH_AUTH_SOCK");
    }
    home.into()
}

fn settings(host: &str) -> TargetSettings {
    TargetSettings {
        name: "cluster".to_owned(),
        host: Some(host.to_owned()),
        work_dir: format!("~/hoist test {}", common::job_name()),
        ..TargetSettings::default()
    }
}

async fn target(host: &str) -> Target {
    rig();
    connect(&settings(host), Arc::new(Nobody))
        .await
        .unwrap_or_else(|e| panic!("{e}"))
}

async fn refusal(host: &str) -> ClusterError {
    rig();
    connect(&settings(host), Arc::new(Nobody))
        .await
        .unwrap_err()
}

/// Answers every question the same way and keeps the questions.
struct Answer(Option<&'static str>, Mutex<Vec<Question>>);

impl Ask for Answer {
    fn ask(&self, question: Question) -> BoxFuture<'_, Option<String>> {
        self.1.lock().unwrap().push(question);
        Box::pin(async { self.0.map(str::to_owned) })
    }
}

#[tokio::test]
async fn a_job_runs_in_every_login_shell_with_a_talkative_start_file() {
    rig();
    let shells = std::env::var("HOIST_TEST_SHELLS").unwrap_or_default();
    for shell in shells.split_whitespace() {
        let host = if shell == "bash" {
            "hoist-ssh".to_owned()
        } else {
            format!("hoist-{shell}")
        };
        let target = connect(&settings(&host), Arc::new(Nobody))
            .await
            .unwrap_or_else(|e| panic!("{shell}: {e}"));
        let job = sized_job(
            "import sys\nprint('it is here')\nprint('oh', file=sys.stderr)",
            100_000,
        );
        let (_, heard) = run(&target, &job).await;
        assert_eq!(
            (
                heard.out().as_str(),
                heard.err().as_str(),
                heard.state().as_str()
            ),
            ("it is here\n", "oh\n", "succeeded"),
            "{shell}"
        );
        clean(&target).await;
    }
}

#[tokio::test]
async fn each_line_is_seen_before_the_next_one_is_printed_and_the_streams_stay_apart() {
    let target = target("hoist-ssh").await;
    converse(&target).await;
    clean(&target).await;
}

#[tokio::test]
async fn one_session_is_enough_for_a_follower_and_for_commands() {
    let target = target("hoist-one").await;
    let long = job("import time\nfor i in range(30):\n  print(i, flush=True); time.sleep(0.1)");
    target.submit(&long, |_| {}).await.unwrap();
    let events = target
        .follow(&long.job, Made::Before, Offsets::default())
        .unwrap();
    let listener = tokio::spawn(listen(events));
    // Meanwhile commands need the one channel that the follower holds.
    for _ in 0..3 {
        let (_, heard) = run(&target, &job("print('beside')")).await;
        assert_eq!(heard.out(), "beside\n");
    }
    let heard = listener.await.unwrap();
    assert_eq!(
        heard.out(),
        (0..30).map(|i| format!("{i}\n")).collect::<String>()
    );
    let large = sized_job("print('large')", 2_000_000);
    assert_eq!(run(&target, &large).await.1.out(), "large\n");
    clean(&target).await;
}

#[tokio::test]
async fn ten_jobs_at_once_share_the_connection() {
    let target = target("hoist-ssh").await;
    let mut running = Vec::new();
    for i in 0..10 {
        let target = target.clone();
        running.push(tokio::spawn(async move {
            (i, run(&target, &job(&format!("print({i})"))).await.1.out())
        }));
    }
    for job in running {
        let (i, out) = job.await.unwrap();
        assert_eq!(out, format!("{i}\n"));
    }
    clean(&target).await;
}

/// The processes of the sessions on the server that may be killed, parents first.
fn sessions() -> Vec<i32> {
    let dir = std::env::var("HOIST_TEST_DIR").unwrap();
    let mut parents = vec![
        std::fs::read_to_string(format!("{dir}/sshd/frail.pid"))
            .unwrap()
            .trim()
            .parse()
            .unwrap(),
    ];
    let mut found = Vec::new();
    while let Some(parent) = parents.pop() {
        let parent: i32 = parent;
        for entry in std::fs::read_dir("/proc").unwrap().flatten() {
            let Ok(pid) = entry.file_name().to_string_lossy().parse::<i32>() else {
                continue;
            };
            let stat = std::fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
            let is_sshd = stat.contains("(sshd)");
            let rest = stat.rsplit(") ").next().unwrap_or_default().to_owned();
            let mut fields = rest.split(' ');
            if is_sshd
                && fields.next() != Some("Z")
                && fields.next() == Some(parent.to_string().as_str())
            {
                found.push(pid);
                parents.push(pid);
            }
        }
    }
    found
}

#[tokio::test]
async fn a_job_survives_its_connection_and_no_byte_is_lost_or_repeated() {
    let target = target("hoist-frail").await;
    let before = Instant::now();
    let job = job(
        "import time\nfor i in range(4000):\n  print('line', i, 'x' * (i % 97), flush=True)\n  if i % 10 == 0: time.sleep(0.02)",
    );
    let expected: String = (0..4_000)
        .map(|i| format!("line {i} {}\n", "x".repeat(i % 97)))
        .collect();
    target.submit(&job, |_| {}).await.unwrap();
    let events = target
        .follow(&job.job, Made::Before, Offsets::default())
        .unwrap();
    let killer = tokio::spawn(async move {
        let mut killed = 0;
        for round in 0..6 {
            tokio::time::sleep(Duration::from_millis(700 + 131 * round % 400)).await;
            killed += kill_sessions();
        }
        killed
    });
    let heard = listen(events).await;
    assert!(
        killer.await.unwrap() > 2,
        "sessions were killed while the job ran, {:?}",
        before.elapsed()
    );
    assert!(
        heard.stdout == expected.as_bytes(),
        "{} of {} bytes, {}",
        heard.stdout.len(),
        expected.len(),
        heard.state()
    );
    assert_eq!(heard.state(), "succeeded");
    // In the same test, because both kill all sessions of the one server.
    submissions_that_break_off(&target).await;
    builds_that_are_cut_off(&target).await;
    clean(&target).await;
    drop(target);
    logins_that_break_off().await;
}

/// A build of an environment goes on when its connection breaks, and is found again: no byte of its log is lost or repeated.
async fn builds_that_are_cut_off(target: &Target) {
    let folder = tempfile::tempdir().unwrap();
    let names = ["sunlit", "moonlit", "starlit", "daylit"];
    let files = names.map(|name| (common::index::wheel(folder.path(), name, "1.2", ""), None));
    let index = common::index::Index::serve(files.into()).await;
    index.slow(Duration::from_secs(2));
    let mut settings = TargetSettings {
        work_dir: target.work_dir().to_owned(),
        ..settings("hoist-frail")
    };
    settings.env.extend(index.variables());
    let target = connect(&settings, Arc::new(Nobody)).await.unwrap();
    let wanted = EnvironmentSpec {
        name: "lab".to_owned(),
        python: target
            .facts()
            .await
            .unwrap()
            .unwrap()
            .markers
            .python_version,
        requirements: names.map(|name| format!("{name}==1.2")).into(),
        constraints: Vec::new(),
        complete: true,
        indexes: Vec::new(),
        wheels: Vec::new(),
    };
    let log = Mutex::new(Vec::new());
    let killer = tokio::spawn(async {
        let mut killed = 0;
        for _ in 0..4 {
            tokio::time::sleep(Duration::from_millis(1_900)).await;
            killed += kill_sessions();
        }
        killed
    });
    let hear = |news| {
        if let BuildProgress::Log(bytes) = news {
            log.lock().unwrap().extend_from_slice(&bytes);
        }
    };
    // Before it is followed a break is the caller's to try again; the build that was begun is the one that is found.
    let mut tries = 0;
    let python = loop {
        log.lock().unwrap().clear();
        match target.environment(&wanted, hear).await {
            Ok(python) => break python,
            Err(error) => assert!(error.is_transient() && tries < 5, "{error:#?}"),
        }
        tries += 1;
    };
    assert!(
        killer.await.unwrap() > 1,
        "sessions were killed while it was built"
    );
    let home = format!("{}/envs/lab", target.work_dir());
    assert_eq!(python, format!("{home}/bin/python"));
    let written = std::fs::read(format!("{home}/hoist/builds/1/stdout")).unwrap();
    let heard = String::from_utf8(log.into_inner().unwrap()).unwrap();
    if !heard.is_empty() {
        assert_eq!(heard, String::from_utf8_lossy(&written));
    }
    assert!(!std::path::Path::new(&format!("{home}/hoist/builds/2")).exists());
    assert_eq!(index.fetched(), names.len());
}

/// A login that is cut off at any moment is a connection that broke, never a refusal: who waits for a job tries again.
async fn logins_that_break_off() {
    let end = Instant::now() + Duration::from_secs(4);
    let killer = tokio::spawn(async move {
        while Instant::now() < end {
            tokio::time::sleep(Duration::from_millis(15)).await;
            kill_sessions();
        }
    });
    let mut cut = 0;
    while Instant::now() < end {
        match connect(&settings("hoist-frail"), Arc::new(Nobody)).await {
            Ok(target) => drop(target),
            Err(error) => {
                assert!(error.is_transient(), "{error}");
                cut += 1;
            }
        }
    }
    killer.await.unwrap();
    assert!(cut > 0, "no login was cut off");
}

/// Kills the connection at some moment of each submission, tries again as one should, and counts what ran. Goes on until
/// enough of the moments were within a submission; how long one takes depends on the machine.
async fn submissions_that_break_off(target: &Target) {
    let whole = Instant::now();
    run(target, &job("print('uncut')")).await;
    let whole = whole.elapsed().as_millis() as u64;
    let mut cut = 0;
    let mut round = 0_u64;
    while round < 12 || cut < 3 {
        assert!(round < 100, "only {cut} submissions were cut");
        // Every third package is new and large, so that uploads are hit too.
        let padding = if round.is_multiple_of(3) {
            1_000_000 + 1_000 * round as usize
        } else {
            0
        };
        let job = sized_job(
            "open(job + '/times', 'a').write('x'); print('once')",
            padding,
        );
        let delay = Duration::from_millis(round * 29 % whole);
        let killer = tokio::spawn(async move {
            tokio::time::sleep(delay).await;
            kill_sessions();
        });
        let id = persist(target, &job, &mut cut).await;
        killer.await.unwrap();
        let heard = listen(
            target
                .follow(&job.job, Made::Before, Offsets::default())
                .unwrap(),
        )
        .await;
        assert_eq!(
            (heard.out().as_str(), heard.state().as_str()),
            ("once\n", "succeeded"),
            "round {round} after {delay:?}"
        );
        assert_eq!(persist(target, &job, &mut 0).await, id, "round {round}");
        let folder = target.job_dir(&job.job);
        assert_eq!(
            std::fs::read_to_string(format!("{folder}/times")).unwrap(),
            "x",
            "round {round} ran once"
        );
        round += 1;
    }
    eventually("no upload that was cut leaves a temporary file", || async {
        std::fs::read_dir(format!("{}/packages", target.work_dir()))
            .unwrap()
            .flatten()
            .all(|entry| !entry.file_name().to_string_lossy().starts_with('.'))
    })
    .await;
}

/// Kills all sessions of the server that may be killed; how many.
fn kill_sessions() -> usize {
    let kill = |pid: i32| {
        std::process::Command::new("kill")
            .args(["-KILL", &pid.to_string()])
            .status()
            .unwrap()
            .success()
    };
    sessions().into_iter().filter(|pid| kill(*pid)).count()
}

/// Submits until it is known to be submitted.
async fn persist(
    target: &Target,
    job: &hoist_cluster::Submission,
    cut: &mut u32,
) -> hoist_cluster::NativeId {
    loop {
        match target.submit(job, |_| {}).await {
            Ok(id) => return id,
            Err(error) => {
                assert!(error.is_transient(), "{error}");
                *cut += 1;
            }
        }
    }
}

#[tokio::test]
async fn a_cancelled_job_ends_and_its_process_too() {
    let target = target("hoist-ssh").await;
    let job = job("import os, time\nprint(os.getpid(), flush=True)\ntime.sleep(100)");
    let id = target.submit(&job, |_| {}).await.unwrap();
    let mut events = target
        .follow(&job.job, Made::Before, Offsets::default())
        .unwrap();
    let pid = loop {
        if let Some(FollowEvent::Output { bytes, .. }) = events.recv().await {
            break String::from_utf8_lossy(&bytes).trim().to_owned();
        }
    };
    target.cancel(&job.job, Made::Before, &id).await.unwrap();
    let heard = listen(
        target
            .follow(&job.job, Made::Before, Offsets::default())
            .unwrap(),
    )
    .await;
    assert_eq!(heard.state(), "cancelled");
    eventually("the process is gone", || async {
        !std::path::Path::new(&format!("/proc/{pid}/cwd")).exists()
    })
    .await;
    clean(&target).await;
}

#[tokio::test]
async fn nothing_stays_on_the_other_side_once_no_job_is_followed() {
    let target = target("hoist-ssh").await;
    run(&target, &job("print(1)")).await;
    eventually("the follower has left", || async {
        !std::fs::read_dir("/proc").unwrap().flatten().any(|entry| {
            let environment = std::fs::read(entry.path().join("environ")).unwrap_or_default();
            let command = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
            let has =
                |text: &[u8], word: &str| text.windows(word.len()).any(|w| w == word.as_bytes());
            has(&command, "hoist-follower")
                && has(&environment, "SSH_CONNECTION")
                && has(
                    &environment,
                    target.settings().host.as_deref().unwrap_or("-"),
                )
        })
    })
    .await;
    clean(&target).await;
}

#[tokio::test]
async fn an_unknown_host_asks_with_its_fingerprint_and_is_known_from_then_on() {
    let home = rig();
    let known = home.join(".ssh/known_none");
    let _ = std::fs::remove_file(&known);
    let error = refusal("hoist-unknown").await;
    assert_eq!(error.kind, ErrorKind::HostKey);
    let text = error.to_string();
    assert!(
        text.starts_with("cluster: the key of [127.0.0.1]:"),
        "{text}"
    );
    assert!(
        text.contains(" is not known (ED25519 SHA256:")
            && text.contains("then accept it with `ssh hoist-unknown`"),
        "{text}"
    );
    assert!(!known.exists());
    let no = Arc::new(Answer(Some("no"), Mutex::default()));
    assert_eq!(
        connect(&settings("hoist-unknown"), no.clone())
            .await
            .unwrap_err()
            .kind,
        ErrorKind::HostKey
    );
    assert!(no.1.lock().unwrap()[0].detail.contains("SHA256:"));
    let yes = Arc::new(Answer(Some("yes"), Mutex::default()));
    let target = connect(&settings("hoist-unknown"), yes).await.unwrap();
    assert!(
        std::fs::read_to_string(&known)
            .unwrap()
            .starts_with("[127.0.0.1]:")
    );
    clean(&target).await;
    std::fs::remove_file(&known).unwrap();
}

#[tokio::test]
async fn each_refusal_is_one_sentence_with_the_target_why_and_what_to_do() {
    let home = rig();
    let changed = refusal("hoist-changed").await;
    assert_eq!(changed.kind, ErrorKind::HostKey);
    assert!(
        changed.to_string().contains("has changed") && changed.mend.contains("ssh-keygen -R"),
        "{changed}"
    );
    let refused = refusal("hoist-refused").await;
    assert_eq!(refused.kind, ErrorKind::Refused);
    assert!(
        refused
            .to_string()
            .contains("127.0.0.1 (hoist-refused) does not take a connection on port"),
        "{refused}"
    );
    let key = refusal("hoist-nokey").await;
    assert_eq!(key.kind, ErrorKind::Auth);
    assert!(
        key.to_string().contains("refuses the login as") && key.why.contains("id_stranger"),
        "{key}"
    );
    let tries = refusal("hoist-tries").await;
    assert_eq!(tries.kind, ErrorKind::Auth);
    assert!(
        tries
            .to_string()
            .contains("Too many authentication failures"),
        "{tries}"
    );
    let name = refusal("no-such-host.invalid").await;
    assert_eq!(name.kind, ErrorKind::UnknownHost);
    assert!(
        name.to_string()
            .starts_with("cluster: the name no-such-host.invalid has no address ("),
        "{name}"
    );
    let target = connect(&settings("hoist-nopython"), Arc::new(Nobody))
        .await
        .unwrap();
    let python = target.submit(&job("print(1)"), |_| {}).await.unwrap_err();
    assert_eq!(python.kind, ErrorKind::NoPython);
    assert!(
        python
            .to_string()
            .starts_with("cluster: no Python 3.6+ on cluster: neither python3 nor "),
        "{python}"
    );
    assert_eq!(
        std::fs::read_dir(format!("{}/jobs", target.work_dir()))
            .unwrap()
            .count(),
        0
    );
    clean(&target).await;
    for error in [changed, refused, key, name, python] {
        let text = error.to_string().replace(home.to_str().unwrap(), "~");
        assert!(!text.contains('\n') && text.len() < 700, "{text}");
    }
}

#[tokio::test]
async fn an_unreadable_known_hosts_file_is_an_error_and_no_question() {
    let home = rig();
    // A folder cannot be read as a file, by root neither.
    let known = home.join(".ssh/known_none");
    let _ = std::fs::remove_file(&known);
    std::fs::create_dir(&known).unwrap();
    let yes = Arc::new(Answer(Some("yes"), Mutex::default()));
    let error = connect(&settings("hoist-unknown"), yes.clone())
        .await
        .unwrap_err();
    std::fs::remove_dir(&known).unwrap();
    assert_eq!(error.kind, ErrorKind::HostKey);
    assert!(error.to_string().contains("cannot be checked"), "{error}");
    assert!(yes.1.lock().unwrap().is_empty());
}

/// Answers questions in this order and keeps their titles.
struct Answers(Mutex<Vec<String>>, Mutex<Vec<String>>);

impl Answers {
    fn new(answers: &[&str]) -> Arc<Self> {
        Arc::new(Self(
            Mutex::new(answers.iter().rev().map(|a| (*a).to_owned()).collect()),
            Mutex::default(),
        ))
    }

    fn asked(&self) -> Vec<String> {
        self.1.lock().unwrap().clone()
    }
}

impl Ask for Answers {
    fn ask(&self, question: Question) -> BoxFuture<'_, Option<String>> {
        self.1.lock().unwrap().push(question.title);
        let answer = self.0.lock().unwrap().pop();
        Box::pin(async { answer })
    }
}

async fn logs_in(host: &str, ask: Arc<dyn Ask>) -> Target {
    let target = connect(&settings(host), ask)
        .await
        .unwrap_or_else(|e| panic!("{host}: {e}"));
    assert_eq!(run(&target, &job("print('in')")).await.1.out(), "in\n");
    target
}

#[tokio::test]
async fn a_host_behind_another_one_is_reached() {
    rig();
    for host in ["hoist-jump", "hoist-jumps", "hoist-command"] {
        clean(&logs_in(host, Arc::new(Nobody)).await).await;
    }
}

#[tokio::test]
async fn a_connection_that_is_to_be_compressed_carries_the_same_bytes() {
    let target = target("hoist-packed").await;
    let text = "for n in range(200000): print(n, n % 7)";
    let (_, heard) = run(&target, &job(text)).await;
    let lines: String = (0..200_000).map(|n| format!("{n} {}\n", n % 7)).collect();
    assert!(heard.out() == lines);
    clean(&target).await;
}

#[tokio::test]
async fn a_locked_key_asks_for_its_passphrase_and_only_once() {
    rig();
    let error = refusal("hoist-locked").await;
    assert_eq!(error.kind, ErrorKind::Auth);
    assert!(
        error
            .why
            .contains("id_locked (locked by a passphrase that was not given)"),
        "{error}"
    );
    let ask = Answers::new(&["wrong", "open sesame"]);
    let target = logs_in("hoist-locked", ask.clone()).await;
    assert_eq!(ask.asked().len(), 2);
    assert!(
        ask.asked()[0].starts_with("cluster: passphrase of ")
            && ask.asked()[0].ends_with("/id_locked")
    );
    clean(&target).await;
}

#[tokio::test]
async fn keys_of_the_agent_are_used() {
    let home = rig();
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("agent");
    let agent = std::process::Command::new("ssh-agent")
        .args(["-D", "-a"])
        .arg(&socket)
        .stdout(std::process::Stdio::null())
        .spawn();
    let mut agent = agent.unwrap();
    eventually("the agent listens", || async { socket.exists() }).await;
    // SAFETY: nextest gives each test a process of its own.
    #[allow(unsafe_code)]
    unsafe {
        std::env::set_var("SSH_AUTH_SOCK", &socket);
    }
    // A key that the server does not know comes first.
    for key in [
        home.join(".ssh/id_stranger"),
        format!("{}/sshd/id_agent", std::env::var("HOIST_TEST_DIR").unwrap()).into(),
    ] {
        assert!(
            std::process::Command::new("ssh-add")
                .arg("-q")
                .arg(key)
                .status()
                .unwrap()
                .success()
        );
    }
    let target = logs_in("hoist-agent", Arc::new(Nobody)).await;
    clean(&target).await;
    agent.kill().unwrap();
    agent.wait().unwrap();
}

#[tokio::test]
async fn a_certificate_of_a_known_authority_is_accepted_and_no_other() {
    rig();
    clean(&logs_in("hoist-cert", Arc::new(Nobody)).await).await;
    let error = refusal("hoist-evil").await;
    assert_eq!(error.kind, ErrorKind::HostKey);
    assert!(
        error
            .why
            .contains("a certificate that no authority of your known_hosts vouches for"),
        "{error}"
    );
}

#[tokio::test]
async fn passwords_and_questions_are_asked_once() {
    rig();
    let password = std::env::var("HOIST_TEST_PASSWORD").unwrap();
    if password.is_empty() {
        // Only root can make an account with a password.
        return;
    }
    for (host, prompt) in [
        ("hoist-word", "password of "),
        ("hoist-quiz", "Password"),
        ("hoist-two", "Password"),
    ] {
        let ask = Answers::new(&["wrong", &password]);
        let target = logs_in(host, ask.clone()).await;
        let asked = ask.asked();
        assert_eq!(asked.len(), 2, "{host}: {asked:?}");
        assert!(asked[0].contains(prompt), "{host}: {asked:?}");
        clean(&target).await;
        drop(target);
        tokio::time::sleep(Duration::from_millis(2500)).await;
        let error = refusal(host).await;
        assert_eq!(error.kind, ErrorKind::Auth, "{host}: {error}");
        assert!(!error.to_string().contains(&password));
    }
}

/// The one-time code of now.
fn code(secret: &str) -> String {
    let out = std::process::Command::new("oathtool")
        .args(["--totp", "-b", secret])
        .output()
        .expect("oathtool runs");
    String::from_utf8(out.stdout).unwrap().trim().to_owned()
}

#[tokio::test]
async fn two_factors_are_asked_for_one_after_the_other_and_never_behind_ones_back() {
    rig();
    let password = std::env::var("HOIST_TEST_PASSWORD").unwrap();
    let secret = std::env::var("HOIST_TEST_SECRET").expect("this rig is older than its tests");
    if password.is_empty() {
        // Only root can set up PAM.
        return;
    }
    for host in ["hoist-factors", "hoist-both"] {
        let ask = Answers::new(&[&password, &code(&secret)]);
        let target = logs_in(host, ask.clone()).await;
        let asked = ask.asked();
        assert_eq!(asked.len(), 2, "{host}: {asked:?}");
        assert!(asked[0].contains("Password"), "{host}: {asked:?}");
        assert!(asked[1].contains("Verification code"), "{host}: {asked:?}");
        // A second target on the connection asks nothing.
        let again = connect(&settings(host), Arc::new(Nobody)).await;
        assert!(again.is_ok(), "{host}: {again:?}");
        clean(&target).await;
        drop((target, again));
        tokio::time::sleep(Duration::from_millis(2500)).await;
        // A code is good once; whoever made the connection anew by itself would need another one.
        let error = refusal(host).await;
        assert_eq!(error.kind, ErrorKind::Auth, "{host}: {error}");
        let wrong = Answers::new(&[
            &password, "000000", &password, "000000", &password, "000000",
        ]);
        let error = connect(&settings(host), wrong).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Auth, "{host}: {error}");
        assert!(!error.to_string().contains(&password));
    }
}

#[tokio::test]
async fn a_full_disk_is_named_and_nothing_is_left_half_done() {
    let target = target("hoist-ssh").await;
    clean(&target).await;
    let Ok(full) = std::env::var("HOIST_TEST_FULL") else {
        panic!("HOIST_TEST_FULL is not set: this rig is older than its tests");
    };
    if full.is_empty() {
        // Only root can mount a small file system.
        return;
    }
    let settings = TargetSettings {
        work_dir: full.clone(),
        ..settings("hoist-ssh")
    };
    let target = connect(&settings, Arc::new(Nobody))
        .await
        .unwrap_or_else(|e| panic!("{e}"));
    for size in [200_000, 3_000_000] {
        let error = target
            .submit(&sized_job("print('too large')", size), |_| {})
            .await
            .unwrap_err();
        assert_eq!(error.kind, ErrorKind::DiskFull, "{error}");
        assert!(
            error.to_string().starts_with(&format!(
                "cluster: the disk there is full, nothing could be written to {full} ("
            )),
            "{error}"
        );
        for folder in ["packages", "jobs"] {
            let left: Vec<_> = std::fs::read_dir(format!("{full}/{folder}"))
                .unwrap()
                .collect();
            assert!(left.is_empty(), "{left:?}");
        }
    }
    // What fits still runs.
    assert_eq!(run(&target, &job("print('fits')")).await.1.out(), "fits\n");
    // An environment does not.
    let wanted = EnvironmentSpec {
        name: "lab".to_owned(),
        python: target
            .facts()
            .await
            .unwrap()
            .unwrap()
            .markers
            .python_version,
        requirements: vec!["six==1.16.0".to_owned()],
        constraints: Vec::new(),
        complete: true,
        indexes: Vec::new(),
        wheels: Vec::new(),
    };
    let error = target.environment(&wanted, |_| {}).await.unwrap_err();
    let is_full = matches!(
        error.kind,
        BuildErrorKind::DiskFull | BuildErrorKind::Target(ErrorKind::DiskFull)
    );
    assert!(is_full, "{error:#?}");
    assert!(
        error.to_string().contains("the disk there is full"),
        "{error}"
    );
    for folder in ["packages", "jobs", "envs"] {
        std::fs::remove_dir_all(format!("{full}/{folder}")).unwrap();
    }
}

#[tokio::test]
async fn an_upload_that_was_cut_off_goes_on_where_it_stopped() {
    let target = target("hoist-ssh").await;
    common::uploads_are_taken_up(&target).await;
    clean(&target).await;
}

#[tokio::test]
async fn a_server_that_never_speaks_is_given_up() {
    rig();
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut settings = settings(&format!(
        "127.0.0.1:{}",
        silent.local_addr().unwrap().port()
    ));
    settings.connect_timeout = Some("2s".parse().unwrap());
    let begun = Instant::now();
    let error = connect(&settings, Arc::new(Nobody)).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Timeout, "{error}");
    assert!(begun.elapsed() < Duration::from_secs(14));
}
