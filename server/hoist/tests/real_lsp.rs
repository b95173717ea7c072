//! The server against a real sshd and a real Slurm, which `tests/run` starts: output as it comes, failures of nested functions in
//! the buffer, cancel.
#![allow(clippy::unwrap_used)]

mod lsp_client;

use std::path::{Path, PathBuf};

use lsp_client::Client;
use serde_json::{Value, json};

const TARGETS: [&str; 2] = ["ssh", "slurm"];

fn connected() -> Client {
    let home = std::env::var_os("HOIST_TEST_HOME").map(PathBuf::from).expect(
        "HOIST_TEST_HOME is not set: start tests/clusters/sshd.sh and slurm.sh and source their env, as tests/run does",
    );
    Client::connected_at_home(&home)
}

fn run(client: &mut Client, uri: &str, entry: &str, target: &str) -> String {
    let argument = json!({ "uri": uri, "entry": entry, "target": target });
    let answer = client.execute("hoist.run", argument).unwrap();
    answer["job"].as_str().unwrap().to_owned()
}

#[test]
fn output_comes_as_it_is_printed_and_the_result_after_it() {
    let mut client = connected();
    let text = "import sys, time\n\ndef f():\n    for i in range(3):\n        print('line', i)\n        print('é' * i, file=sys.stderr)\n        time.sleep(1)\n    return [1, 2]\n";
    let uri = client.open("stream.py", text);
    for target in TARGETS {
        let job = run(&mut client, &uri, "f", target);
        let end = client.end(&job);
        assert_eq!(end["state"], "succeeded", "{target}: {end}");
        assert_eq!(end["result"]["json"], json!([1, 2]));
        assert_eq!(client.output(&job, "stdout"), "line 0\nline 1\nline 2\n");
        assert_eq!(client.output(&job, "stderr"), "\né\néé\n");
        let received = client.received();
        let pieces = received.iter().filter(|message| {
            message["method"] == "hoist/jobOutput"
                && message["params"]["job"] == job.as_str()
                && message["params"]["stream"] == "stdout"
        });
        assert!(
            pieces.count() >= 2,
            "{target}: all of the output came at once"
        );
    }
}

#[test]
fn a_target_is_known_once_it_is_connected_to() {
    let mut client = connected();
    client.write(
        "hoist.toml",
        "[targets.word]\nhost = 'hoist-word'\nenvironment = 'system'\n[targets.nobody]\nhost = 'hoist-refused'\n",
    );
    let text = "import torch\nfrom hoist import cluster_ls\n\n# hoist: target=word\ndef f():\n    return cluster_ls('/usr/none'), torch\n";
    let uri = client.open("far.py", text);
    let at = json!({ "line": 5, "character": 25 });
    let place = json!({ "textDocument": { "uri": uri }, "position": at });
    let hover = |client: &mut Client| {
        let answer = client.call("textDocument/hover", place.clone());
        answer["contents"]["value"].as_str().unwrap().to_owned()
    };
    let offered = |client: &mut Client| -> Vec<Value> {
        let asked = json!({ "textDocument": { "uri": uri }, "range": { "start": at, "end": at }, "context": { "diagnostics": [] } });
        let actions = client.call("textDocument/codeAction", asked);
        let actions = actions.as_array().unwrap().iter();
        let connects = actions.filter(|action| action["command"]["command"] == "hoist.connect");
        connects.cloned().collect()
    };
    let before = hover(&mut client);
    assert!(before.contains("no connection to word"), "{before}");
    let actions = offered(&mut client);
    assert_eq!(actions.len(), 1, "{actions:?}");
    assert_eq!(actions[0]["title"], "Connect to word");

    // What it takes to log in is asked for, and what went wrong is said.
    let told = |message: &Value, part: &str| {
        let text = message["params"]["message"].as_str();
        message["method"] == "window/showMessage" && text.is_some_and(|text| text.contains(part))
    };
    let argument = actions[0]["command"]["arguments"][0].clone();
    client.answer("hoist/ask", json!("not the password"));
    let mark = client.mark();
    assert_eq!(
        client.execute("hoist.connect", argument.clone()),
        Ok(Value::Null)
    );
    let (_, asked) = client.wait_after(mark, "the question", |message| {
        message["method"] == "hoist/ask"
    });
    assert_eq!(asked["params"]["kind"], "secret");
    let (_, refused) = client.wait_after(mark, "the refusal", |message| told(message, "word"));
    assert_eq!(refused["params"]["type"], 1);

    let password = std::env::var("HOIST_TEST_PASSWORD").unwrap();
    client.answer("hoist/ask", json!(password));
    let mark = client.mark();
    client.execute("hoist.connect", argument).unwrap();
    let (_, connected) = client.wait_after(mark, "the connection", |message| {
        told(message, "word is connected: Python 3.")
    });
    assert!(
        connected["params"]["message"]
            .as_str()
            .unwrap()
            .ends_with("packages"),
        "{connected}"
    );

    // Findings, hovers and actions know it from then on.
    let is_told = |found: &[Value]| {
        let says = |part: &str| {
            let mut messages = found.iter().filter_map(|one| one["message"].as_str());
            messages.any(|message| message.contains(part))
        };
        says("which the target word lacks") && says("nothing at `/usr/none` on word")
    };
    client.diagnostics_after(mark, &uri, is_told);
    let now = hover(&mut client);
    assert!(now.ends_with("on `word`: nothing is there"), "{now}");
    assert_eq!(offered(&mut client), Vec::<Value>::new());

    // Without a target it asks which, of those that are not this machine.
    client.answer("hoist/ask", json!("nobody"));
    let mark = client.mark();
    client
        .execute("hoist.connect", json!({ "uri": uri }))
        .unwrap();
    let (_, asked) = client.wait_after(mark, "the choice", |message| {
        message["method"] == "hoist/ask"
    });
    assert_eq!(asked["params"]["title"], "Connect to");
    assert!(
        !asked["params"]["choices"].to_string().contains("local"),
        "{asked}"
    );
    client.wait_after(mark, "the error", |message| told(message, "nobody: "));
    let unknown = client.execute("hoist.connect", json!({ "target": "moon", "uri": uri }));
    assert_eq!(unknown.unwrap_err()["code"], 4001);
}

/// Writes a distribution of one module, as an installer leaves it.
fn install(site: &Path, name: &str, version: &str) {
    let info = site.join(format!("{name}-{version}.dist-info"));
    std::fs::create_dir_all(&info).unwrap();
    let module = format!("VERSION = '{version}'\n");
    std::fs::write(site.join(format!("{name}.py")), module).unwrap();
    let metadata = format!("Name: {name}\nVersion: {version}\n");
    std::fs::write(info.join("METADATA"), metadata).unwrap();
    std::fs::write(info.join("RECORD"), format!("{name}.py,,\n")).unwrap();
}

/// A folder that every account of this machine can read.
fn shared_folder() -> tempfile::TempDir {
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    let folder = tempfile::Builder::new().permissions(mode).tempdir();
    folder.unwrap()
}

#[test]
fn what_set_up_lines_bring_is_known_once_they_ran_there() {
    let mut client = connected();
    let folder = shared_folder();
    let (own, env) = (folder.path().join("own"), folder.path().join("env"));
    install(&own, "xarray", "2023.1");
    // The account over there may not read a Python of this one's.
    let made = std::process::Command::new("/usr/bin/python3")
        .args(["-m", "venv", "--without-pip"])
        .arg(&env)
        .status();
    assert!(made.unwrap().success());
    let site = std::fs::read_dir(env.join("lib")).unwrap().next().unwrap();
    let site = site.unwrap().path().join("site-packages");
    install(&site, "xarray", "2022.6");

    // Here both are installed.
    client.write(
        ".venv/pyvenv.cfg",
        "home = /nowhere/bin\nversion = 3.11.4\n",
    );
    client.write(".venv/bin/python3", "");
    let here = client.folder().join(".venv/lib/python3.11/site-packages");
    install(&here, "xarray", "2024.1");
    install(&here, "dask", "2024.1");
    client.write(
        "pyproject.toml",
        "[project]\nname = 'ours'\ndependencies = ['xarray>=2024', 'dask']\n",
    );
    client.write(
        "hoist.toml",
        &format!(
            "[targets.own]\nhost = 'hoist-ssh'\nenvironment = 'system'\nsetup = ['export PYTHONPATH={}']\n\
             [targets.active]\nhost = 'hoist-ssh'\nenvironment = 'system'\nsetup = ['source {}/bin/activate']\n\
             [targets.broken]\nhost = 'hoist-ssh'\nenvironment = 'system'\nsetup = ['source /nowhere/env.sh']\n",
            own.display(),
            env.display()
        ),
    );
    let text = |target: &str| {
        format!(
            "import dask\nimport xarray\n\n# hoist: target={target}\ndef lacks():\n    return dask\n\n\n\
             # hoist: target={target}\ndef has():\n    return xarray.VERSION\n"
        )
    };
    let told = |message: &Value, part: &str| {
        let text = message["params"]["message"].as_str();
        message["method"] == "window/showMessage" && text.is_some_and(|text| text.contains(part))
    };
    let about = |found: &[Value], code: &str| -> Vec<String> {
        let those = found.iter().filter(|one| one["code"] == code);
        those
            .map(|one| one["message"].as_str().unwrap().to_owned())
            .collect()
    };

    // One is connected to, in the other something runs.
    for (target, version) in [("own", "2023.1"), ("active", "2022.6")] {
        let uri = client.open(&format!("{target}.py"), &text(target));
        let mark = client.mark();
        if target == "own" {
            let wish = json!({ "target": target, "uri": uri });
            client.execute("hoist.connect", wish).unwrap();
            let (_, connected) =
                client.wait_after(mark, "the connection", |message| told(message, "own "));
            let sentence = connected["params"]["message"].as_str().unwrap();
            assert!(
                sentence.starts_with("own is connected: Python 3.")
                    && sentence.contains(" package"),
                "{sentence}"
            );
        } else {
            let job = run(&mut client, &uri, "has", target);
            let end = client.end(&job);
            assert_eq!(end["result"]["json"], version, "{end}");
        }
        let found = client.diagnostics_after(mark, &uri, |found| {
            !about(found, "HST026").is_empty() && !about(found, "HST025").is_empty()
        });
        let lacks = about(&found, "HST026");
        assert!(
            lacks.len() == 1
                && lacks[0].starts_with("`dask` comes with `dask` 2024.1 here, which the target ")
                && lacks[0].contains(&format!("{target} lacks")),
            "{lacks:?}"
        );
        let other = about(&found, "HST025");
        let said =
            format!("`xarray` is {version} on the target {target}, but pyproject.toml asks for");
        assert!(other.len() == 1 && other[0].starts_with(&said), "{other:?}");
    }

    // Where a line fails, that is said, and nothing is guessed.
    let uri = client.open("broken.py", &text("broken"));
    let mark = client.mark();
    let wish = json!({ "target": "broken", "uri": uri });
    client.execute("hoist.connect", wish).unwrap();
    let why = "broken: the set-up line `source /nowhere/env.sh` ended with status 1; ";
    let (_, connected) = client.wait_after(mark, "the connection", |message| {
        told(message, "broken is connected, but ")
    });
    assert_eq!(connected["params"]["type"], 2);
    let sentence = connected["params"]["message"].as_str().unwrap();
    assert!(sentence.contains(why), "{sentence}");
    let (_, logged) = client.wait_after(mark, "the log", |message| {
        message["method"] == "window/logMessage"
    });
    let sentence = logged["params"]["message"].as_str().unwrap();
    assert!(sentence.contains(why), "{sentence}");
    let job = run(&mut client, &uri, "has", "broken");
    let end = client.end(&job);
    let reason = end["reason"].as_str().unwrap_or_default();
    assert!(reason.contains("the set-up line"), "{end}");
    // It is left alone for a while then.
    let received = client.received();
    let logs = received
        .iter()
        .filter(|message| message["method"] == "window/logMessage");
    assert_eq!(logs.count(), 1);
    let published = received.iter().filter(|message| {
        message["method"] == "textDocument/publishDiagnostics" && message["params"]["uri"] == uri
    });
    let found = published.flat_map(|message| message["params"]["diagnostics"].as_array());
    let found: Vec<Value> = found.flatten().cloned().collect();
    assert!(about(&found, "HST026").is_empty(), "{found:?}");
}

#[test]
fn a_failure_of_a_nested_function_lands_in_the_buffer() {
    let mut client = connected();
    let text = "class Lab:\n    def work(self):\n        limit = 3\n\n        def deep(x=4):\n            if x > limit:\n                raise ValueError('too large')\n\n        return deep()\n";
    let uri = client.open("lab.py", text);
    for target in TARGETS {
        let mark = client.mark();
        let job = run(&mut client, &uri, "Lab.work.<locals>.deep", target);
        let end = client.end(&job);
        assert_eq!(end["error"]["type"], "ValueError", "{target}: {end}");
        let is_ours = |one: &Value| {
            one["code"] == "HST900"
                && one["message"]
                    .as_str()
                    .is_some_and(|text| text.contains(target))
        };
        let found = client.diagnostics_after(mark, &uri, |found| found.iter().any(is_ours));
        let failure = found.iter().find(|one| is_ours(one)).unwrap();
        assert_eq!(
            failure["range"]["start"],
            json!({ "line": 6, "character": 16 })
        );
    }
}

#[test]
fn a_cancel_reaches_the_other_side() {
    let mut client = connected();
    let uri = client.open(
        "long.py",
        "import time\n\ndef f():\n    print('here')\n    time.sleep(600)\n",
    );
    for target in TARGETS {
        let job = run(&mut client, &uri, "f", target);
        client.wait_method("hoist/jobOutput", |output| output["job"] == job.as_str());
        client.notify(
            "window/workDoneProgress/cancel",
            json!({ "token": format!("hoist/{job}") }),
        );
        assert_eq!(client.end(&job)["state"], "cancelled", "{target}");
    }
}

#[test]
fn a_hover_tells_when_it_would_start_once_its_target_is_connected() {
    let mut client = connected();
    let uri = client.open(
        "soon.py",
        "# hoist: target=slurm time=1m\ndef soon():\n    return 1\n",
    );
    let hover =
        json!({ "textDocument": { "uri": uri }, "position": { "line": 1, "character": 5 } });
    let text = |client: &mut Client| {
        client.call("textDocument/hover", hover.clone())["contents"].to_string()
    };
    // Nobody is asked for a hover alone.
    assert!(!text(&mut client).contains("would start"));
    let job = run(&mut client, &uri, "soon", "slurm");
    assert_eq!(client.end(&job)["state"], "succeeded");
    let by = std::time::Instant::now() + std::time::Duration::from_secs(30);
    loop {
        let said = text(&mut client);
        if said.contains("It would start ") && said.contains(" on slurm") {
            return;
        }
        assert!(std::time::Instant::now() < by, "{said}");
        std::thread::sleep(std::time::Duration::from_millis(300));
    }
}

#[test]
fn paths_of_a_target_are_known_once_something_ran_there() {
    let mut client = connected();
    let text = "from hoist import cluster_ls\n\n# hoist: target=ssh\ndef look():\n    cluster_ls('/usr/no-such')\n    \
                cluster_ls('/usr/l')\n    return 1\n";
    let uri = client.open("paths.py", text);
    let at = |line: u32, character: u32| json!({ "textDocument": { "uri": uri }, "position": { "line": line, "character": character } });
    let hover =
        |client: &mut Client| client.call("textDocument/hover", at(4, 20))["contents"].to_string();
    let complete = |client: &mut Client| client.call("textDocument/completion", at(5, 22));
    // Nobody is asked for a hover alone.
    assert!(hover(&mut client).contains("no connection"));
    assert_eq!(complete(&mut client)["items"], json!([]));
    let mark = client.mark();
    let job = run(&mut client, &uri, "look", "ssh");
    assert_eq!(client.end(&job)["state"], "succeeded");
    let by = std::time::Instant::now() + std::time::Duration::from_secs(60);
    let eventually = |what: &str, look: &mut dyn FnMut() -> bool| {
        while !look() {
            assert!(std::time::Instant::now() < by, "{what}");
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
    };
    eventually("the names of /usr", &mut || {
        let list = complete(&mut client);
        list["isIncomplete"] == false && list["items"].to_string().contains("\"lib/\"")
    });
    eventually("a hover", &mut || {
        hover(&mut client).contains("nothing is there")
    });
    let found = client.diagnostics_after(mark, &uri, |found| {
        found.iter().any(|one| one["code"] == "HST028")
    });
    let warned: Vec<&Value> = found.iter().filter(|one| one["code"] == "HST028").collect();
    assert!(
        warned[0]["message"]
            .as_str()
            .unwrap()
            .contains("`/usr/no-such` on ssh"),
        "{warned:?}"
    );
}

/// The one-time code of so many seconds from now.
fn code(after: u32) -> String {
    let out = std::process::Command::new("oathtool")
        .args(["--totp", "-b", &std::env::var("HOIST_TEST_SECRET").unwrap()])
        .args(["--now", &format!("now + {after} seconds")])
        .output()
        .expect("oathtool runs");
    assert!(
        out.status.success(),
        "{}",
        String::from_utf8_lossy(&out.stderr)
    );
    String::from_utf8(out.stdout).unwrap().trim().to_owned()
}

/// Kills those who serve a connection, by its ports there and here.
fn cut_off(there: &str, here: &str) {
    let ours = format!("sport = :{there} and dport = :{here}");
    let servers = || -> Vec<String> {
        let found = std::process::Command::new("ss")
            .args(["-tnpH", &ours])
            .output()
            .unwrap();
        let found = String::from_utf8(found.stdout).unwrap();
        let servers = found.split("pid=").skip(1);
        servers
            .map(|rest| rest.split(',').next().unwrap().to_owned())
            .collect()
    };
    let found = servers();
    assert!(!found.is_empty(), "nobody serves {there} to {here}");
    // With one of them another may go by itself.
    std::process::Command::new("kill")
        .arg("-9")
        .args(&found)
        .status()
        .unwrap();
    let by = std::time::Instant::now() + std::time::Duration::from_secs(10);
    while !servers().is_empty() {
        assert!(std::time::Instant::now() < by, "{found:?} live on");
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
}

/// What the person was offered so far.
fn offers(client: &Client) -> Vec<String> {
    let received = client.received();
    let offers = received
        .into_iter()
        .filter(|message| message["method"] == "window/showMessageRequest");
    offers
        .map(|offer| offer["params"]["message"].as_str().unwrap().to_owned())
        .collect()
}

/// The first time it kills everything of its job.
const UNLUCKY: &str = "\
import os
import signal


def work():
    print(os.environ['SSH_CONNECTION'], flush=True)
    kept = os.environ['HOIST_CHECKPOINT_DIR'] + '/been'
    if os.path.exists(kept):
        return 'the second time'
    open(kept, 'w').close()
    script = int(open(os.environ['HOIST_JOB_DIR'] + '/native_id').read().split(':')[1])
    for process in (script, os.getppid(), os.getpid()):
        os.kill(process, signal.SIGKILL)
";

#[test]
fn a_job_that_is_run_once_more_by_itself_asks_nobody_to_log_in() {
    let password = std::env::var("HOIST_TEST_PASSWORD").unwrap_or_default();
    if password.is_empty() {
        // Only root can set up PAM.
        return;
    }
    let mut client = connected();
    client.write(
        "hoist.toml",
        "[targets.word]\nhost = 'hoist-word'\nenvironment = 'system'\nresources = { retries = 1 }\n\
         [targets.factors]\nhost = 'hoist-factors'\nenvironment = 'system'\nresources = { retries = 1 }\n",
    );
    let uri = client.open("unlucky.py", UNLUCKY);
    let log_in = |client: &Client, code: String| {
        let answers = json!({ "byTitle": { "assword": password, "Verification code": code } });
        client.answer("hoist/ask", answers);
    };
    // A password is kept in memory; a code is good once, and who would be asked for another one is not there.
    for (target, asked) in [("word", 1), ("factors", 2)] {
        let before = client.questions().len();
        log_in(&client, code(0));
        let mark = client.mark();
        let first = run(&mut client, &uri, "work", target);
        let end = client.end(&first);
        assert_eq!(end["state"], "lost", "{target}: {end}");
        assert_eq!(client.questions().len() - before, asked, "{target}");

        // Before the next attempt begins there is no connection any more.
        let output = client.output(&first, "stdout");
        let ports: Vec<&str> = output.lines().next().unwrap().split(' ').collect();
        cut_off(ports[3], ports[1]);
        let (_, second) = client.wait_after(mark, "the next attempt", |message| {
            let job = &message["params"];
            message["method"] == "hoist/jobChanged"
                && job["job"] != first.as_str()
                && job["attempt"] == 2
        });
        let second = second["params"]["job"].as_str().unwrap().to_owned();
        if target == "factors" {
            client.wait_method("window/showMessageRequest", |_| true);
            // It tries again and again.
            std::thread::sleep(std::time::Duration::from_secs(10));
            assert_eq!(client.questions().len() - before, asked);
            // A person may, and then it goes on.
            log_in(&client, code(30));
            let wish = json!({ "target": target, "uri": uri });
            client.execute("hoist.connect", wish).unwrap();
        }
        let end = client.end(&second);
        assert_eq!(end["result"]["json"], "the second time", "{target}: {end}");
    }
    // What the person who connected was asked came after all of that.
    let asked = client.questions();
    assert_eq!(asked.len(), 5, "{asked:?}");
    let offers = offers(&client);
    assert!(
        offers.len() == 1 && offers[0].contains("to factors was lost"),
        "{offers:?}"
    );
}

#[test]
fn a_lost_connection_that_needs_a_person_is_offered_once_and_its_jobs_go_on() {
    let password = std::env::var("HOIST_TEST_PASSWORD").unwrap_or_default();
    if password.is_empty() {
        // Only root can set up PAM.
        return;
    }
    let mut client = connected();
    client.write("hoist.toml", "[targets.factors]\nhost = 'hoist-factors'\n");
    let log_in = |client: &Client, code: String| {
        let answers = json!({ "byTitle": { "Password": password, "Verification code": code } });
        client.answer("hoist/ask", answers);
    };
    log_in(&client, code(0));
    client.answer("window/showMessageRequest", json!({ "title": "Reconnect" }));
    let uri = client.open(
        "far.py",
        "import os, time\n\ndef far():\n    print(os.environ['SSH_CONNECTION'], flush=True)\n    \
         for n in range(60):\n        print(n, flush=True)\n        time.sleep(0.25)\n    return n\n",
    );
    let job = run(&mut client, &uri, "far", "factors");
    client.wait_method("hoist/jobOutput", |output| output["job"] == job.as_str());
    let output = client.output(&job, "stdout");
    let ports: Vec<&str> = output.lines().next().unwrap().split(' ').collect();
    // A code is good once: the next one is accepted early.
    log_in(&client, code(30));
    cut_off(ports[3], ports[1]);
    let end = client.end(&job);
    assert_eq!(end["state"], "succeeded", "{end}");
    let lines: String = (0..60).map(|n| format!("{n}\n")).collect();
    assert!(client.output(&job, "stdout").ends_with(&lines));
    assert_eq!(
        offers(&client),
        [
            "The connection to factors was lost, and logging in again needs you. Jobs there go on meanwhile."
        ]
    );
}
