//! A job that its target loses is run once more by itself, and nobody is asked anything for that: who agreed once has agreed.
#![allow(clippy::unwrap_used)]

mod lsp_client;

use lsp_client::{Client, full_capabilities};
use serde_json::json;

/// Reads two megabytes; the first time it kills everything of its job.
const UNLUCKY: &str = "\
import os
import signal


def total():
    with open('numbers.txt') as file:
        found = sum(map(int, file))
    kept = os.environ['HOIST_CHECKPOINT_DIR'] + '/been'
    if os.path.exists(kept):
        return found
    open(kept, 'w').close()
    script = int(open(os.environ['HOIST_JOB_DIR'] + '/native_id').read().split(':')[1])
    for process in (script, os.getppid(), os.getpid()):
        os.kill(process, signal.SIGKILL)
";

#[test]
fn much_data_that_is_sent_once_more_is_not_asked_about_again() {
    let mut client = Client::start();
    let work = client.folder().with_file_name("there");
    client.write(
        "hoist.toml",
        &format!(
            "default_target = 'here'\n[targets.here]\nwork_dir = '{}'\ndata_ask = '1M'\nresources = {{ retries = 1 }}\n",
            work.display()
        ),
    );
    client.write("numbers.txt", &"0001\n".repeat(500_000));
    client.shake_hands(full_capabilities());
    client.answer("hoist/ask", json!(true));
    let uri = client.open("study.py", UNLUCKY);
    let run = json!({ "uri": uri, "entry": "total" });
    client.execute("hoist.run", run).unwrap();
    let first = client.wait_method("hoist/jobChanged", |job| job["state"] == "lost");
    let first = first["job"].as_str().unwrap().to_owned();
    assert_eq!(client.questions(), ["Send 2.5 MB to here?"]);

    // The next attempt begins after a while, and finds nothing of what was sent.
    let stored = || {
        std::fs::read_dir(work.join("data"))
            .into_iter()
            .flatten()
            .count()
    };
    assert_eq!(stored(), 2, "a file and its seal");
    std::fs::remove_dir_all(work.join("data")).unwrap();
    client.answer("hoist/ask", json!(false));
    let second = client.wait_method("hoist/jobChanged", |job| {
        job["job"] != first.as_str() && job["attempt"] == 2
    });
    let end = client.end(second["job"].as_str().unwrap());
    assert_eq!(end["result"]["json"], json!(500_000), "{end}");
    assert_eq!(stored(), 2, "it was sent again");
    assert_eq!(client.questions(), ["Send 2.5 MB to here?"]);
}
