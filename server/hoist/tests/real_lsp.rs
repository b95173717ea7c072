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
