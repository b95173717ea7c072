//! The server and an environment that a real pip cannot build: what it says stands at the import that wants the package.
#![allow(clippy::unwrap_used)]

mod lsp_client;

use lsp_client::{Client, full_capabilities, uri};
use serde_json::{Value, json};

const SITE: &str = ".venv/lib/python3.11/site-packages";

const TRAIN: &str =
    "import os\n\nimport helper\n\ndef work(n=1):\n    return helper.VERSION * n, os.name\n";

/// `hoist_tiny` on the second line of another file than that of the entry.
const HELPER: &str = "# What it is.\nimport hoist_tiny\n\nVERSION = hoist_tiny.VERSION\n";

/// A workspace whose environment has a release of `hoist-tiny` that no index has; the target's index is empty.
fn client(build: &str) -> Client {
    let mut client = Client::start();
    client.write(
        ".venv/pyvenv.cfg",
        "home = /nowhere/bin\nversion = 3.11.4\n",
    );
    client.write(".venv/bin/python3", "");
    client.write(&format!("{SITE}/hoist_tiny.py"), "VERSION = 'here'\n");
    let info = format!("{SITE}/hoist_tiny-9.9.dist-info");
    client.write(
        &format!("{info}/METADATA"),
        "Metadata-Version: 2.1\nName: hoist-tiny\nVersion: 9.9\n",
    );
    client.write(&format!("{info}/RECORD"), "hoist_tiny.py,,\n");
    let folder = client.folder();
    std::fs::create_dir_all(folder.join("simple")).unwrap();
    let target = format!(
        "default_target = 'lab'\n[targets.lab]\nwork_dir = '{}'\npython = 'python3'\nenvironment = 'venv'\nbuild = '{build}'\n\
         [targets.lab.env]\nPIP_INDEX_URL = 'file://{}'\nUV_DEFAULT_INDEX = 'file://{1}'\nPIP_RETRIES = '1'\n",
        folder.with_file_name("there").display(),
        folder.join("simple").display()
    );
    client.write("hoist.toml", &target);
    client.shake_hands(full_capabilities());
    client
}

fn is_failure(one: &Value) -> bool {
    one["code"] == "HST900"
}

fn has_failure(found: &[Value]) -> bool {
    found.iter().any(is_failure)
}

/// Runs `work` and waits for the finding that its end leaves in a file.
fn failure(client: &mut Client, train: &str, file: &str) -> Value {
    let mark = client.mark();
    let argument = json!({ "uri": train, "entry": "work" });
    let answer = client.execute("hoist.run", argument).unwrap();
    let end = client.end(answer["job"].as_str().unwrap());
    assert_eq!(end["state"], "lost", "{end}");
    let found = client.diagnostics_after(mark, file, has_failure);
    found.into_iter().find(is_failure).unwrap()
}

/// The job's end names the requirement, and pip's own words follow.
fn says_why(failure: &Value) {
    let message = failure["message"].as_str().unwrap();
    let (sentence, words) = message.split_once('\n').unwrap_or((message, ""));
    assert!(
        sentence.contains("hoist-tiny==9.9") && sentence.ends_with("(work on lab)"),
        "{message}"
    );
    assert!(
        words.contains("No matching distribution found for hoist-tiny==9.9")
            || words.contains("hoist-tiny was not found in the package registry"),
        "{message}"
    );
}

#[test]
fn an_environment_that_cannot_be_built_is_a_finding_at_the_import_until_that_goes() {
    for build in ["login", "job"] {
        let mut client = client(build);
        let helper = client.open("helper.py", HELPER);
        let train = client.open("train.py", TRAIN);
        let told = failure(&mut client, &train, &helper);
        says_why(&told);
        assert_eq!(told["severity"], 1, "{told}");
        assert_eq!(
            told["range"],
            json!({ "start": { "line": 1, "character": 0 }, "end": { "line": 1, "character": 17 } }),
            "{build}"
        );

        // It moves with its line while others are typed above it.
        let mark = client.mark();
        client.change(&helper, 2, Some([0, 0, 0, 0]), "# More.\n");
        let is_moved = |found: &[Value]| {
            let mut failures = found.iter().filter(|one| is_failure(one));
            failures.any(|one| one["range"]["start"]["line"] == 2)
        };
        client.diagnostics_after(mark, &helper, is_moved);

        // And goes with the import.
        let mark = client.mark();
        client.change(&helper, 3, Some([2, 0, 3, 0]), "");
        client.diagnostics_after(mark, &helper, |found| !has_failure(found));
    }
}

#[test]
fn the_finding_of_a_build_goes_when_the_next_one_succeeds() {
    let mut client = client("login");
    let helper = uri(&client.write("helper.py", HELPER));
    let train = client.open("train.py", TRAIN);
    // Nobody has opened the file in which it stands.
    says_why(&failure(&mut client, &train, &helper));

    let mark = client.mark();
    client.write("helper.py", "VERSION = 'own'\n");
    let argument = json!({ "uri": train, "entry": "work" });
    let answer = client.execute("hoist.run", argument).unwrap();
    let end = client.end(answer["job"].as_str().unwrap());
    assert_eq!(end["result"]["json"], json!(["own", "posix"]), "{end}");
    client.diagnostics_after(mark, &helper, |found| !has_failure(found));
}
