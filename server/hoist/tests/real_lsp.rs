//! The server against a real sshd and a real Slurm, which `tests/run` starts: output as it comes, failures of nested functions in
//! the buffer, cancel.
#![allow(clippy::unwrap_used)]

mod lsp_client;

use std::path::PathBuf;

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
    let ours = format!("sport = :{} and dport = :{}", ports[3], ports[1]);
    let found = std::process::Command::new("ss")
        .args(["-tnpH", &ours])
        .output()
        .unwrap();
    let found = String::from_utf8(found.stdout).unwrap();
    let servers = found.split("pid=").skip(1);
    let servers: Vec<&str> = servers
        .map(|rest| rest.split(',').next().unwrap())
        .collect();
    assert!(!servers.is_empty(), "{found}");
    let killed = std::process::Command::new("kill")
        .arg("-9")
        .args(&servers)
        .status();
    assert!(killed.unwrap().success());
    let offers = |client: &Client| {
        let received = client.received();
        let offers = received
            .into_iter()
            .filter(|message| message["method"] == "window/showMessageRequest");
        offers
            .map(|offer| offer["params"]["message"].as_str().unwrap().to_owned())
            .collect::<Vec<String>>()
    };
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
