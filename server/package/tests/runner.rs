//! What only one Python has to show: signals, limits, altered packages, running by hand.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use hoist_analysis::{EntryCall, FileKind};
use hoist_package::{Outcome, Request, Started};
use support::{Job, Ran, dedent, file, python3, pythons, run, slice};

/// A programme that says when it is ready, and then does what `rest` says.
fn waiting(rest: &str) -> String {
    format!(
        "import os, signal, sys, time, subprocess\ndef f():\n    print('ready', os.getpid())\n{}",
        rest.lines()
            .map(|line| format!("    {line}\n"))
            .collect::<String>()
    )
}

/// A function that waits in a `try`, whose end is the rest. Whoever sees what it prints finds it in there.
fn waiting_in_try(rest: &str) -> String {
    let source = waiting(&format!("try:\n    time.sleep(60)\n{rest}"));
    let print = "    print('ready', os.getpid())\n";
    source.replace(
        &format!("{print}    try:\n"),
        &format!("    try:\n    {print}"),
    )
}

fn request() -> Request {
    Request {
        job: "01J".to_owned(),
        grace: Some(30),
        ..Request::default()
    }
}

/// Starts the programme, waits until it is ready, does something to its job and waits for the end.
fn disturbed(source: &str, act: impl FnOnce(&Job, u32)) -> Ran {
    let job = Job::new(&slice(source, "f"), &request());
    let child = job.start(&python3());
    job.wait_for("ready");
    act(&job, child.id());
    job.finish(child)
}

fn send(signal: &str, pid: u32) {
    assert!(
        Command::new("kill")
            .args([signal, &pid.to_string()])
            .status()
            .unwrap()
            .success()
    );
}

fn is_running(pid: &str) -> bool {
    // A zombie is no running process.
    fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

#[test]
fn a_cancelled_job_cleans_up_after_itself() {
    let source = waiting_in_try("finally:\n    print('cleaned up')");
    let ran = disturbed(&source, |job, pid| {
        fs::write(job.folder.join("cancel"), "").unwrap();
        send("-TERM", pid);
    });
    assert_eq!(
        (ran.exit.state, ran.code, ran.exit.code),
        (Outcome::Cancelled, 143, 143)
    );
    assert_eq!(ran.exit.reason, "it was cancelled");
    assert!(ran.result.error.is_none());
    assert!(ran.stdout.ends_with("cleaned up\n"), "{}", ran.stdout);
}

#[test]
fn a_scheduler_that_ends_the_job_is_no_failure_of_the_programme() {
    let ran = disturbed(&waiting("time.sleep(60)"), |_, pid| send("-TERM", pid));
    assert_eq!((ran.exit.state, ran.code), (Outcome::Terminated, 143));
    assert_eq!(
        ran.exit.reason,
        "it was told to end (SIGTERM), by the scheduler or by somebody on the machine"
    );
    // The signal may come before `print`, whose line was seen, has returned.
    let frames = ran.frames();
    assert!(
        frames == ["train.py:4 f"] || frames == ["train.py:3 f"],
        "{frames:?}"
    );
}

#[test]
fn signals_that_announce_the_end_run_the_programmes_finally() {
    for signal in ["USR1", "USR2", "XCPU"] {
        let source = waiting_in_try("finally:\n    print('cleaned up')");
        let ran = disturbed(&source, |_, pid| send(&format!("-{signal}"), pid));
        assert_eq!((ran.exit.state, ran.code), (Outcome::Terminated, 143));
        assert!(
            ran.exit.reason.contains(&format!("SIG{signal}")),
            "{}",
            ran.exit.reason
        );
        assert!(ran.stdout.ends_with("cleaned up\n"), "{}", ran.stdout);
    }
}

#[test]
fn the_programmes_own_handlers_are_respected() {
    let source = waiting(
        "told = []\nsignal.signal(signal.SIGUSR1, lambda *_: told.append('usr1'))\n\
         signal.signal(signal.SIGTERM, lambda *_: told.append('term'))\nprint('now')\n\
         while 'term' not in told:\n    time.sleep(0.01)\nreturn told",
    );
    let job = Job::new(&slice(&source, "f"), &request());
    let child = job.start(&python3());
    job.wait_for("now");
    send("-USR1", child.id());
    std::thread::sleep(Duration::from_millis(100));
    send("-TERM", child.id());
    let ran = job.finish(child);
    assert_eq!(ran.value(), "['usr1', 'term']");
    assert_eq!(
        ran.result.notes,
        ["it was told to end (SIGTERM) and returned its value all the same"]
    );
}

#[test]
fn a_value_returned_because_the_end_was_swallowed_is_not_taken() {
    let source = waiting_in_try("except:\n    pass\nreturn 'half of the work'");
    let ran = disturbed(&source, |_, pid| send("-TERM", pid));
    assert_eq!(
        (ran.exit.state, ran.result.repr),
        (Outcome::Terminated, None)
    );
}

#[test]
fn a_programme_that_does_not_listen_is_killed_after_the_grace() {
    let source = waiting(
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('now')\nwhile True:\n    time.sleep(60)",
    );
    let impatient = Request {
        grace: Some(1),
        ..request()
    };
    let job = Job::new(&slice(&source, "f"), &impatient);
    let child = job.start(&python3());
    job.wait_for("now");
    let begun = Instant::now();
    send("-TERM", child.id());
    let ran = job.finish(child);
    assert!(begun.elapsed() > Duration::from_millis(900));
    assert_eq!(ran.exit.state, Outcome::Terminated);
    assert!(
        ran.exit
            .reason
            .ends_with("it did not end within 1 s of being asked and was killed"),
        "{}",
        ran.exit.reason
    );
}

#[test]
fn the_time_limit_ends_the_job() {
    let source = waiting("inner()").replace("def f", "def inner():\n    time.sleep(60)\ndef f");
    let job = Job::new(
        &slice(&source, "f"),
        &Request {
            time_limit: Some(4),
            ..request()
        },
    );
    let ran = job.run(&python3());
    assert_eq!((ran.exit.state, ran.code), (Outcome::TimedOut, 124));
    assert_eq!(ran.exit.reason, "it reached its time limit of 4 s");
    assert_eq!(ran.frames(), ["train.py:6 f", "train.py:3 inner"]);
    assert!(ran.result.wall_seconds.unwrap() >= 4.0);
}

#[test]
fn a_job_cancelled_before_it_starts_does_not_run() {
    let job = Job::new(&slice(&waiting(""), "f"), &request());
    fs::write(job.folder.join("cancel"), "").unwrap();
    let ran = job.run(&python3());
    assert_eq!(
        (ran.exit.state, ran.code, ran.stdout.as_str()),
        (Outcome::Cancelled, 143, "")
    );
}

#[test]
fn a_job_started_twice_runs_once() {
    let ran = run(&python3(), &waiting("return 1"), "f", "");
    assert_eq!(ran.value(), "1");
    let again = ran.job.command(&python3()).status().unwrap();
    assert_eq!(
        (again.code(), ran.job.read("stdout").as_str()),
        (Some(0), "")
    );
}

#[test]
fn nothing_that_the_entry_started_outlives_it() {
    // One in the background, one in a session of its own, one that ignores SIGTERM, one whose parent has gone.
    let ran = run(
        &python3(),
        &waiting(
            "sleep = [sys.executable, '-S', '-c']\n\
             wait = 'import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); time.sleep(100)'\n\
             a = subprocess.Popen(['sleep', '100'])\n\
             b = subprocess.Popen(['sleep', '100'], start_new_session=True)\n\
             c = subprocess.Popen(sleep + [wait], stdout=subprocess.PIPE, start_new_session=True)\n\
             c.stdout.readline()\n\
             d = subprocess.check_output(['sh', '-c', 'setsid sleep 100 >/dev/null & echo $!'])\n\
             return a.pid, b.pid, c.pid, int(d)",
        ),
        "f",
        "",
    );
    let pids: Vec<u32> = serde_json::from_str({
        ran.value();
        ran.json()
    })
    .unwrap();
    assert_eq!(pids.len(), 4);
    let left: Vec<_> = pids
        .iter()
        .filter(|pid| is_running(&pid.to_string()))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn the_entry_dies_with_its_supervisor() {
    let job = Job::new(&slice(&waiting("time.sleep(60)"), "f"), &request());
    let mut child = job.start(&python3());
    job.wait_for("ready");
    let stdout = job.read("stdout");
    let pid = stdout.split_whitespace().last().unwrap();
    assert!(is_running(pid));
    child.kill().unwrap();
    child.wait().unwrap();
    let begun = Instant::now();
    while is_running(pid) {
        assert!(
            begun.elapsed() < Duration::from_secs(60),
            "the entry outlived its supervisor"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn output_is_seen_as_it_is_printed() {
    let source = waiting("while not os.path.exists('go'):\n    time.sleep(0.01)\nprint('later')");
    let ran = disturbed(&source, |job, _| {
        assert!(!job.read("stdout").contains("later"));
        fs::write(job.folder.join("run/src/go"), "").unwrap();
    });
    assert!(ran.stdout.ends_with("later\n"));
}

#[test]
fn started_says_where() {
    let ran = run(
        &python3(),
        "def f():\n    return __import__('socket').gethostname()\n",
        "f",
        "",
    );
    let started = Started::parse(&fs::read(ran.job.folder.join("started")).unwrap()).unwrap();
    assert_eq!(format!("'{}'", started.host), ran.value());
    assert_eq!(Some(started.pid), ran.result.pid);
    assert_eq!(Some(started.python), ran.result.python);
    assert!(
        ran.result.peak_memory_bytes.unwrap() > 1 << 20 && ran.result.cpu_seconds.unwrap() > 0.0
    );
}

#[test]
fn the_users_modules_are_theirs_whatever_they_are_called() {
    // The runner itself has imported most of these names before the programme's folder is on sys.path.
    let names = [
        "runner",
        "json",
        "random",
        "queue",
        "test",
        "errors",
        "hashlib",
        "job",
        "types",
        "traceback",
        "hoist_runner",
    ];
    let source = format!(
        "import {}\ndef f():\n    return [m.MINE for m in ({},)]\ndef g():\n    raise ValueError(json.MINE)\n",
        names.join(", "),
        names.join(", ")
    );
    for (entry, state) in [("f", Outcome::Succeeded), ("g", Outcome::Failed)] {
        let mut slice = slice(&source, entry);
        for name in names {
            slice.files.push(file(
                &format!("{name}.py"),
                format!("MINE = {name:?}\n").as_bytes(),
                FileKind::Module,
            ));
        }
        let ran = Job::new(&slice, &request()).run(&python3());
        assert_eq!(ran.exit.state, state, "{}", ran.stderr);
        if entry == "f" {
            assert_eq!(ran.json(), serde_json::to_string(&names).unwrap());
        } else {
            assert_eq!(ran.error(), ("ValueError".to_owned(), "json".to_owned()));
            assert!(
                ran.stderr.contains("raise ValueError(json.MINE)"),
                "{}",
                ran.stderr
            );
        }
    }
}

#[test]
fn an_entry_module_called_like_a_core_module_leaves_that_one_alone() {
    let mut slice = slice(
        "import time\ndef f():\n    return time.time() > 0, __name__\n",
        "f",
    );
    slice.files[0].path = "time.py".to_owned();
    slice.module_file = "time.py".to_owned();
    slice.module_name = "time".to_owned();
    assert_eq!(
        Job::new(&slice, &request()).run(&python3()).value(),
        "(True, 'time')"
    );
}

#[test]
fn a_package_with_relative_imports_and_data() {
    let mut slice = slice(
        "from . import helper\nfrom .. import TOP\ndef f():\n    with open('data/x.txt') as file:\n        \
         return file.read(), helper.NAME, TOP, __package__\n",
        "f",
    );
    slice.module_name = "pkg.sub.train".to_owned();
    slice.module_file = "src/pkg/sub/train.py".to_owned();
    slice.roots = vec!["src".to_owned()];
    slice.cwd = "work".to_owned();
    slice.files = vec![
        file("src/pkg/__init__.py", b"TOP = 1\n", FileKind::PackageInit),
        file("src/pkg/sub/__init__.py", b"", FileKind::PackageInit),
        file(
            "src/pkg/sub/helper.py",
            b"NAME = __name__\n",
            FileKind::Module,
        ),
        file(
            "src/pkg/sub/train.py",
            &slice.files[0].contents,
            FileKind::Slice,
        ),
        file("work/data/x.txt", b"data", FileKind::Data),
    ];
    let ran = Job::new(&slice, &request()).run(&python3());
    assert_eq!(ran.value(), "('data', 'pkg.sub.helper', 1, 'pkg.sub')");
    assert!(ran.result.files.is_empty());
}

#[test]
fn statements_of_a_module_with_a_cookie_and_crlf() {
    let mut slice = slice("", "2-4");
    slice.files[0].contents =
        b"# -*- coding: latin-1 -*-\r\nx = '\xe9'\r\ny = '''a\r\nb'''\r\nx + y\r\n".to_vec();
    slice.entry = EntryCall::Statements { first: 2, last: 5 };
    assert_eq!(
        Job::new(&slice, &request()).run(&python3()).value(),
        "'éa\\nb'"
    );
}

#[test]
fn an_altered_package_is_refused() {
    let job = Job::new(&slice("def f():\n    return 1\n", "f"), &request());
    let mut bytes = fs::read(&job.zip).unwrap();
    bytes.extend_from_slice(b"\0");
    fs::write(&job.zip, &bytes).unwrap();
    let ran = job.run(&python3());
    assert_eq!(
        (ran.exit.state, ran.code, ran.stdout.as_str()),
        (Outcome::Failed, 3, "")
    );
    assert!(ran.exit.reason.contains("SHA-256"), "{}", ran.exit.reason);
    assert!(
        ran.exit.reason.ends_with(
            "it was altered or damaged on its way; run the function again to send it anew"
        )
    );
}

#[test]
fn a_file_that_differs_from_the_manifest_is_refused() {
    // Packed anew with another source, and with no hash of the whole asked for.
    let job = Job::new(&slice("def f():\n    return 1\n", "f"), &request());
    let mut parts = BTreeMap::new();
    let mut archive = zip::ZipArchive::new(fs::File::open(&job.zip).unwrap()).unwrap();
    for at in 0..archive.len() {
        let mut entry = archive.by_index(at).unwrap();
        let mut bytes = Vec::new();
        std::io::copy(&mut entry, &mut bytes).unwrap();
        parts.insert(entry.name().unwrap().into_owned(), bytes);
    }
    for (path, contents, reason) in [
        (
            "src/train.py",
            "def f():\n    return 2\n",
            "train.py differs from the package's manifest",
        ),
        (
            "manifest.json",
            r#"{"files": [{"path": "../train.py", "sha256": ""}]}"#,
            "'../train.py' is no path of a package",
        ),
        ("manifest.json", "{", "the package's manifest is broken"),
    ] {
        let mut altered = parts.clone();
        altered.insert(path.to_owned(), contents.as_bytes().to_vec());
        let mut zip = zip::ZipWriter::new(fs::File::create(&job.zip).unwrap());
        for (name, bytes) in altered {
            zip.start_file(name, zip::write::SimpleFileOptions::default())
                .unwrap();
            zip.write_all(&bytes).unwrap();
        }
        zip.finish().unwrap();
        fs::write(job.folder.join("request.json"), request().to_bytes()).unwrap();
        let _ = fs::remove_file(job.folder.join("exit"));
        let status = job.command(&python3()).status().unwrap();
        let exit = hoist_package::ExitMarker::read(&job.folder.join("exit")).unwrap();
        assert_eq!((status.code(), exit.state), (Some(3), Outcome::Failed));
        assert!(exit.reason.starts_with(reason), "{}", exit.reason);
        assert_eq!(job.read("stderr"), format!("hoist: {}\n", exit.reason));
    }
}

#[test]
fn a_broken_request_is_refused() {
    for (text, reason) in [
        ("{", "the request of the job is broken"),
        ("[]", "the request of the job is broken"),
    ] {
        let job = Job::new(&slice("def f():\n    return 1\n", "f"), &request());
        fs::write(job.folder.join("request.json"), text).unwrap();
        let ran = job.run(&python3());
        assert_eq!((ran.exit.state, ran.code), (Outcome::Failed, 3));
        assert!(ran.exit.reason.starts_with(reason), "{}", ran.exit.reason);
    }
}

#[test]
fn a_package_runs_by_hand() {
    let job = Job::new(
        &slice(
            &dedent(
                "
            def f(lr, n=1):
                print('working')
                open('out.txt', 'w').close()
                return {'lr': lr, 'n': n}
            ",
            ),
            "f",
        ),
        &request(),
    );
    let by_hand = |args: &[&str]| {
        let out = Command::new(python3())
            .arg(&job.zip)
            .args(args)
            .env("TMPDIR", job.home.path())
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (
            out.status.code().unwrap(),
            text(out.stdout),
            text(out.stderr),
        )
    };
    let (code, stdout, stderr) = by_hand(&["lr=0.1", "n=2"]);
    assert_eq!(
        (code, stdout.as_str()),
        (0, "working\n{'lr': 0.1, 'n': 2}\n"),
        "{stderr}"
    );
    assert!(
        stderr.starts_with("hoist: 1 files that it wrote are in "),
        "{stderr}"
    );
    let (code, stdout, stderr) = by_hand(&["lr=1/0"]);
    assert_eq!((code, stdout.as_str()), (3, ""));
    assert!(
        stderr.ends_with("ZeroDivisionError: division by zero\n"),
        "{stderr}"
    );
    let scratch = |entry: &fs::DirEntry| entry.file_name().to_string_lossy().starts_with("hoist-");
    let left = fs::read_dir(job.home.path())
        .unwrap()
        .flatten()
        .filter(scratch)
        .count();
    assert_eq!(left, 1, "only the folder with the written file stays");
}

/// What the runner keeps of itself beside packages.
fn kept(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().flatten();
    let is_kept = |path: &PathBuf| {
        path.file_name()
            .unwrap()
            .to_string_lossy()
            .starts_with(".runner-")
    };
    entries.map(|entry| entry.path()).filter(is_kept).collect()
}

/// A job beside what an earlier one left; with it, which loader read the runner.
fn again(source: &str, beside: &Path, python: &Path) -> (Ran, bool) {
    let job = Job::new(&slice(source, "f"), &request());
    let file = beside.file_name().unwrap();
    fs::copy(beside, job.home.path().join(file)).unwrap();
    let mut command = job.command(python);
    let child = command.env("PYTHONVERBOSE", "1").spawn().unwrap();
    let ran = job.finish(child);
    let is_known = ran
        .stderr
        .contains("import 'hoist_runner.job' # <__main__.Compiled");
    (ran, is_known)
}

#[test]
fn a_runner_that_was_compiled_once_is_used_by_later_jobs_and_shows_nothing_of_itself() {
    for (_, python) in pythons() {
        let first = run(&python, &waiting("return 1"), "f", "");
        let [file] = kept(first.job.home.path()).try_into().unwrap();
        assert_eq!(fs::metadata(&file).unwrap().mode() & 0o777, 0o600);

        let source = waiting(
            "own = [str(finder) for finder in sys.meta_path if 'Compiled' in str(finder)]\n\
             assert not own and 'hoist_runner' not in sys.modules, own\n\
             return subprocess.check_output([sys.executable, '-c', 'print(5)'])",
        );
        let (ran, is_known) = again(&source, &file, &python);
        assert!(is_known, "{}", ran.stderr);
        assert_eq!(ran.value(), "b'5\\n'");

        let (ran, is_known) = again(&waiting("return 1 / 0"), &file, &python);
        assert!(is_known, "{}", ran.stderr);
        assert_eq!(ran.frames(), ["train.py:4 f"]);
        let text = &ran.result.error.as_ref().unwrap().traceback;
        assert!(!text.contains("hoist_runner"), "{text}");
    }
}

#[test]
fn what_is_no_compiled_runner_of_the_users_own_is_made_anew() {
    let python = python3();
    let first = run(&python, &waiting("return 1"), "f", "");
    let [file] = kept(first.job.home.path()).try_into().unwrap();
    let whole = fs::read(&file).unwrap();
    let mut altered = whole.clone();
    altered[100] ^= 1;
    let others_may_write = |mode: u32| fs::set_permissions(&file, fs::Permissions::from_mode(mode));
    for (bytes, mode) in [
        (&whole[..], 0o660),
        (&whole[..50], 0o600),
        (b"", 0o600),
        (&altered, 0o600),
        (&whole[..], 0o600),
    ] {
        fs::write(&file, bytes).unwrap();
        others_may_write(mode).unwrap();
        let (ran, is_known) = again(&waiting("return 1"), &file, &python);
        assert_eq!(ran.value(), "1");
        assert_eq!(is_known, bytes == whole && mode == 0o600);
        let [new] = kept(ran.job.home.path()).try_into().unwrap();
        assert_eq!(fs::read(new).unwrap(), whole);
    }
}

#[test]
fn a_bare_environment_is_enough() {
    // No HOME, a locale that is not UTF-8, standard streams closed.
    let source = waiting(
        "print('Grüße')\nreturn os.environ.get('HOME'), sys.stdout.encoding, open(__file__).encoding",
    );
    let job = Job::new(&slice(&source, "f"), &request());
    let mut command = job.command(&python3());
    let path = std::env::var_os("PATH").unwrap();
    let ran = job_with(job, command.env_clear().env("PATH", path).env("LANG", "C"));
    assert!(
        ran.value().starts_with("(None, 'utf-8', 'UTF-8')") || ran.value().contains("'utf-8'"),
        "{}",
        ran.value()
    );
    assert!(ran.stdout.ends_with("Grüße\n"));

    let job = Job::new(
        &slice(
            "def f():\n    print('x')\n    return open('/dev/null').fileno() > 2\n",
            "f",
        ),
        &request(),
    );
    let mut shell = Command::new("sh");
    shell
        .arg("-c")
        .arg(r#""$0" "$1" "$2" <&- >&- 2>&-"#)
        .arg(python3())
        .arg(&job.zip)
        .arg(&job.folder);
    assert_eq!(job_with(job, &mut shell).value(), "True");
}

fn job_with(job: Job, command: &mut Command) -> Ran {
    let child = command.spawn().unwrap();
    job.finish(child)
}

#[test]
fn a_full_device_for_the_output_is_an_error_of_the_print() {
    let job = Job::new(
        &slice("def f():\n    print('x' * 100000)\n    return 1\n", "f"),
        &request(),
    );
    let full = fs::OpenOptions::new()
        .write(true)
        .open("/dev/full")
        .unwrap();
    let mut command = job.command(&python3());
    let ran = job_with(job, command.stdout(full));
    assert_eq!(
        (ran.exit.state, ran.error().0.as_str()),
        (Outcome::Failed, "OSError")
    );
}

#[test]
fn a_full_disk_is_named() {
    // A limit on the size of files stands in for the disk: writing beyond it fails in the same places.
    let source = "def f(n):\n    return 'x' * n\n";
    let job = |args: &str| {
        let request = Request {
            args: Some(args.to_owned()),
            ..request()
        };
        Job::new(&slice(source, "f"), &request)
    };
    let limited = |job: Job| {
        let mut shell = Command::new("sh");
        shell
            .arg("-c")
            .arg(r#"ulimit -f 200; exec "$0" "$1" "$2""#)
            .arg(python3())
            .arg(&job.zip)
            .arg(&job.folder);
        job_with(job, shell.stdout(Stdio::null()).stderr(Stdio::null()))
    };
    assert_eq!(limited(job("3")).value(), "'xxx'");
    let ran = limited(job("400000"));
    assert_eq!(
        (ran.exit.state, ran.code),
        (Outcome::Failed, 3),
        "{}",
        ran.exit.reason
    );
    assert!(
        ran.exit.reason.contains("File too large"),
        "{}",
        ran.exit.reason
    );
}

#[test]
fn python_2_gets_a_sentence() {
    let versions = std::env::var_os("HOME").map(|home| Path::new(&home).join(".pyenv/versions"));
    let old = versions
        .and_then(|versions| fs::read_dir(versions).ok())
        .into_iter()
        .flatten()
        .flatten();
    let old = old
        .map(|version| version.path().join("bin/python2.7"))
        .find(|python| python.exists());
    // Without one here, its grammar is checked by what it shares with Python 3: no newer syntax in __main__.py.
    let Some(python) = old else {
        let main = include_str!("../runtime/__main__.py");
        assert!(!main.contains("f\"") && !main.contains(": str"));
        return;
    };
    let job = Job::new(&slice("def f():\n    return 1\n", "f"), &request());
    let status = job.command(&python).status().unwrap();
    let exit = hoist_package::ExitMarker::read(&job.folder.join("exit")).unwrap();
    assert_eq!(
        (status.code(), exit.code, exit.state),
        (Some(3), 3, Outcome::Failed)
    );
    assert!(exit.reason.starts_with("Python 2.7"), "{}", exit.reason);
    assert!(job.read("stderr").contains("is too old"));
}
