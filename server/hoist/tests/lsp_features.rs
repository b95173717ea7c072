//! What the editor shows without running anything: hovers, code actions, packages, findings, errors of the configuration.
#![allow(clippy::unwrap_used)]

mod lsp_client;

use lsp_client::{Client, full_capabilities, plain_capabilities, uri};
use serde_json::{Value, json};

const NESTED: &str = "\
import math

def outer(n):
    step = n + 1
    def inner(x):
        return math.sqrt(x) * step
    return inner(n)

def plain(a=1):
    return a
";

fn hover(client: &mut Client, uri: &str, line: u32, character: u32) -> Value {
    client.call(
        "textDocument/hover",
        json!({ "textDocument": { "uri": uri }, "position": { "line": line, "character": character } }),
    )
}

fn actions(client: &mut Client, uri: &str, line: u32, only: Option<&str>) -> Vec<Value> {
    let place = json!({ "line": line, "character": 4 });
    let mut context = json!({ "diagnostics": [] });
    if let Some(only) = only {
        context["only"] = json!([only]);
    }
    let answer = client.call(
        "textDocument/codeAction",
        json!({ "textDocument": { "uri": uri }, "range": { "start": place, "end": place }, "context": context }),
    );
    answer.as_array().unwrap().clone()
}

fn titles(actions: &[Value]) -> Vec<&str> {
    actions
        .iter()
        .map(|action| action["title"].as_str().unwrap())
        .collect()
}

#[test]
fn a_hover_tells_what_travels_and_why() {
    let mut client = Client::connected();
    let helper = client.write("helper.py", "def double(x):\n    return 2 * x\n");
    std::fs::create_dir(helper.with_file_name("out")).unwrap();
    let uri = client.open(
        "main.py",
        "import helper\n\ndef f(x=1):\n    open(f'out/{x}', 'w'); return helper.double(x)\n\nx = 3\n",
    );
    let shown = hover(&mut client, &uri, 2, 5);
    let text = shown["contents"]["value"].as_str().unwrap();
    assert!(text.starts_with("`f` travels in 2 files, "), "{text}");
    assert!(
        text.contains("`main.py`") && text.contains("`helper.py`"),
        "{text}"
    );
    assert!(
        text.contains("- `out/`, empty: the code writes into it"),
        "{text}"
    );
    assert_eq!(
        shown["range"]["start"],
        json!({ "line": 2, "character": 4 })
    );
    // Only the name of a function has something to say.
    assert_eq!(hover(&mut client, &uri, 3, 12), Value::Null);
}

#[test]
fn a_function_that_cannot_run_is_flagged_and_can_be_hoisted() {
    let mut client = Client::connected();
    let uri = client.open("nested.py", NESTED);
    let found = client.diagnostics(&uri, |found| found.iter().any(|one| one["severity"] == 1));
    let error = found.iter().find(|one| one["severity"] == 1).unwrap();
    assert_eq!(error["source"], "hoist");
    assert_eq!(error["code"], "HST003");
    assert!(
        error["message"].as_str().unwrap().contains("step"),
        "{error}"
    );
    assert_eq!(error["range"]["start"]["line"], 4);

    let fixes = actions(&mut client, &uri, 4, Some("quickfix"));
    assert!(!fixes.is_empty());
    let edits = fixes[0]["edit"]["changes"][&uri].as_array().unwrap();
    assert!(!edits.is_empty());
    assert_eq!(fixes[0]["diagnostics"][0]["code"], "HST003");
    // The edits, from the end of the text on, as a client applies them.
    let mut edits = edits.clone();
    edits.sort_by_key(|edit| {
        std::cmp::Reverse((
            edit["range"]["start"]["line"].as_u64(),
            edit["range"]["start"]["character"].as_u64(),
        ))
    });
    for (version, edit) in (2..).zip(edits) {
        let at = |end: &str, part: &str| {
            u32::try_from(edit["range"][end][part].as_u64().unwrap()).unwrap()
        };
        let range = [
            at("start", "line"),
            at("start", "character"),
            at("end", "line"),
            at("end", "character"),
        ];
        client.change(
            &uri,
            version,
            Some(range),
            edit["newText"].as_str().unwrap(),
        );
    }
    client.diagnostics(&uri, |found| found.iter().all(|one| one["severity"] != 1));
    let text = client.text(&uri)["text"].as_str().unwrap().to_owned();
    assert!(
        text.lines().any(|line| line.starts_with("def inner(")),
        "{text}"
    );
}

#[test]
fn the_actions_of_a_function_are_those_of_its_lenses_and_more() {
    let mut client = Client::connected();
    client.write(
        "hoist.toml",
        "[targets.far]\nscheduler = \"slurm\"\nhost = \"far\"\n",
    );
    let uri = client.open("nested.py", NESTED);
    let found = actions(&mut client, &uri, 9, None);
    assert_eq!(
        titles(&found),
        [
            "Run plain on local",
            "Run plain with arguments...",
            "Run plain over many values...",
            "Run plain for each item of a file...",
            "Run plain on...",
            "Show the package of plain",
            "Show the job script of plain",
        ]
    );
    assert_eq!(found[0]["command"]["command"], "hoist.run");
    assert_eq!(
        found[0]["command"]["arguments"],
        json!([{ "uri": uri, "entry": "plain" }])
    );
    assert!(actions(&mut client, &uri, 9, Some("refactor")).is_empty());
    let above = actions(&mut client, &uri, 0, None);
    let [moved] = above.as_slice() else {
        panic!("{above:?}")
    };
    assert_eq!(moved["kind"], "refactor.rewrite");
}

#[test]
fn files_whose_names_are_computed_can_travel_with_every_job() {
    let mut client = Client::connected();
    client.write("hoist.toml", "");
    client.write("tables/1999.csv", "1\n");
    let uri = client.open(
        "read.py",
        "def load(year):\n    return open(f'tables/{year}.csv').read()\n",
    );
    let found = actions(&mut client, &uri, 1, Some("quickfix"));
    assert_eq!(
        titles(&found)[..2],
        [
            "Let tables/*.csv travel",
            "Let tables/*.csv travel with every job (hoist.toml)"
        ]
    );
    let text = found[1]["edit"].to_string();
    assert!(text.contains(r#"data = [\"tables/*.csv\"]"#), "{text}");
}

const CELLS: &str = "\
# %% Load
def train(lr):
    return lr * 2

rate = 0.5
# %% Train
result = train(lr=rate)
if __name__ == \"__main__\":
    rate = 2
    train(rate)
    print(rate)
";

#[test]
fn calls_selections_and_cells_are_run_by_their_lines() {
    let mut client = Client::connected();
    let uri = client.open("cells.py", CELLS);
    assert_eq!(
        client.lenses(&uri),
        [
            (0, "Run cell on local".to_owned()),
            (1, "Run on local".to_owned()),
            (1, "Run with arguments...".to_owned()),
            (5, "Run cell on local".to_owned()),
        ]
    );
    let found = actions(&mut client, &uri, 9, None);
    assert_eq!(
        titles(&found),
        [
            "Run `train(rate)` on local",
            "Run cell on local",
            "Show the package of cell",
            "Show the job script of cell"
        ]
    );
    let argument = |action: &Value| action["command"]["arguments"][0]["entry"].clone();
    assert_eq!(
        (argument(&found[0]), argument(&found[1])),
        (json!("10"), json!("7-11"))
    );

    let answer = client.call(
        "textDocument/codeAction",
        json!({
            "textDocument": { "uri": uri }, "context": { "diagnostics": [] },
            "range": { "start": { "line": 4, "character": 0 }, "end": { "line": 7, "character": 0 } },
        }),
    );
    let selected = &answer.as_array().unwrap()[0];
    assert_eq!(selected["title"], "Run selection on local");
    assert_eq!(argument(selected), "5-7");
}

#[test]
fn a_client_without_literal_actions_gets_commands() {
    let mut capabilities = plain_capabilities();
    capabilities["textDocument"]["codeAction"] = json!({});
    let mut client = Client::connected_with(capabilities);
    let uri = client.open("nested.py", NESTED);
    let found = actions(&mut client, &uri, 9, None);
    assert_eq!(found[0]["command"], "hoist.run");
}

#[test]
fn the_package_is_shown_without_running_anything() {
    let mut client = Client::connected_with(plain_capabilities());
    let uri = client.open("nested.py", NESTED);
    let view = client
        .execute("hoist.showPackage", json!({ "uri": uri, "entry": "plain" }))
        .unwrap();
    assert_eq!(view["files"][0]["path"], "nested.py");
    assert_eq!(view["sha256"].as_str().unwrap().len(), 64);
    let shown = client.wait_method("window/showDocument", |_| true);
    let path = shown["uri"]
        .as_str()
        .unwrap()
        .strip_prefix("file://")
        .unwrap();
    let page = std::fs::read_to_string(path).unwrap();
    assert!(
        page.contains("nested.py") && page.contains(view["sha256"].as_str().unwrap()),
        "{page}"
    );
    assert_eq!(client.call("hoist/jobs", json!({})), json!([]));
}

#[test]
fn an_error_in_the_configuration_stands_in_its_file_until_it_is_mended() {
    let mut client = Client::connected();
    let config = client.write(
        "hoist.toml",
        "default_target = \"local\"\ncolour = \"red\"\n",
    );
    let config_uri = uri(&config);
    let uri = client.open("a.py", "def f():\n    return 1\n");
    let found = client.diagnostics(&config_uri, |found| !found.is_empty());
    assert!(
        found[0]["message"].as_str().unwrap().contains("colour"),
        "{found:?}"
    );
    assert_eq!(found[0]["range"]["start"]["line"], 1);
    assert_eq!(client.lenses(&uri)[0].1, "Run");
    let error = client
        .execute("hoist.run", json!({ "uri": uri, "entry": "f" }))
        .unwrap_err();
    assert!(
        error["message"].as_str().unwrap().contains("colour"),
        "{error}"
    );

    client.write("hoist.toml", "default_target = \"local\"\n");
    client.notify(
        "workspace/didChangeWatchedFiles",
        json!({ "changes": [{ "uri": config_uri, "type": 2 }] }),
    );
    client.diagnostics(&config_uri, <[Value]>::is_empty);
    assert_eq!(client.lenses(&uri)[0].1, "Run on local");
}

#[test]
fn targets_are_those_of_the_documents_workspace() {
    let mut client = Client::connected();
    client.write(
        "one/hoist.toml",
        "default_target = \"far\"\n[targets.far]\nscheduler = \"slurm\"\nhost = \"far\"\n",
    );
    let one = client.open("one/a.py", "def f():\n    return 1\n");
    let two = client.open("two/b.py", "def f():\n    return 1\n");
    let targets = client.call("hoist/targets", json!({ "uri": one }));
    assert_eq!(
        targets,
        json!([
            { "name": "far", "scheduler": "slurm", "host": "far", "default": true },
            { "name": "local", "scheduler": "none", "default": false },
        ])
    );
    let targets = client.call("hoist/targets", json!({ "uri": two }));
    assert_eq!(
        targets,
        json!([{ "name": "local", "scheduler": "none", "default": true }])
    );
    assert_eq!(client.lenses(&one)[0].1, "Run on far");
    assert_eq!(client.lenses(&two)[0].1, "Run on local");
}

#[test]
fn documents_without_a_file_and_in_other_languages_are_left_alone() {
    let mut client = Client::connected();
    client.open_text("untitled:Untitled-1", "def f():\n    return 1\n");
    let answer = client.call(
        "textDocument/codeLens",
        json!({ "textDocument": { "uri": "untitled:Untitled-1" } }),
    );
    assert_eq!(answer, Value::Null);
    let path = client.write("notes.md", "def f():\n    pass\n");
    client.notify(
        "textDocument/didOpen",
        json!({ "textDocument": { "uri": uri(&path), "languageId": "markdown", "version": 1, "text": "def f():\n    pass\n" } }),
    );
    let answer = client.call(
        "textDocument/codeLens",
        json!({ "textDocument": { "uri": uri(&path) } }),
    );
    assert_eq!(answer, Value::Null);
}

#[test]
fn what_is_closed_has_no_findings() {
    let mut client = Client::connected();
    let uri = client.open("nested.py", NESTED);
    client.diagnostics(&uri, |found| !found.is_empty());
    let mark = client.mark();
    client.notify(
        "textDocument/didClose",
        json!({ "textDocument": { "uri": uri } }),
    );
    client.diagnostics_after(mark, &uri, <[Value]>::is_empty);
    assert_eq!(client.text(&uri), Value::Null);
}

#[test]
fn opening_a_file_starts_nothing() {
    let mut client = Client::connected();
    // Were any of these programmes started, its file would be there.
    let witness = client.folder().join("started");
    let touch = format!("touch {}", witness.display());
    client.write(
        "hoist.toml",
        &format!(
            "default_target = \"trap\"\n[targets.trap]\npython = \"{0}\"\nsetup = [\"{0}\"]\nwork_dir = \"$({0})\"\n",
            touch
        ),
    );
    let uri = client.open(
        "trap.py",
        &format!("import os\nos.system('{touch}')\n\ndef f():\n    return 1\n"),
    );
    client.diagnostics(&uri, |_| true);
    client.lenses(&uri);
    hover(&mut client, &uri, 3, 5);
    actions(&mut client, &uri, 3, None);
    assert!(!witness.exists());
    assert_eq!(client.call("hoist/jobs", json!({})), json!([]));
}

/// The URI of the configuration file beside the documents.
fn config_uri(client: &Client) -> String {
    uri(&client.folder().join("hoist.toml"))
}

/// Opens a file of the configuration.
fn open_config(client: &mut Client, name: &str, text: &str) -> String {
    let uri = uri(&client.write(name, text));
    client.notify(
        "textDocument/didOpen",
        json!({ "textDocument": { "uri": uri, "languageId": "toml", "version": 1, "text": text } }),
    );
    uri
}

#[test]
fn the_configuration_is_checked_while_it_is_edited() {
    let mut client = Client::connected();
    let uri = open_config(&mut client, "hoist.toml", "[targets.far]\nhost = \"far\"\n");
    client.diagnostics(&uri, <[Value]>::is_empty);
    client.change(
        &uri,
        2,
        None,
        "[targets.far]\nhosts = \"far\"\n[targets.far.resources]\nmemory = 8\n",
    );
    let found = client.diagnostics(&uri, |found| found.len() == 2);
    assert_eq!(found[0]["code"], "HST051");
    assert_eq!(
        found[0]["range"]["start"],
        json!({ "line": 1, "character": 0 })
    );
    assert_eq!(
        found[0]["range"]["end"],
        json!({ "line": 1, "character": 5 })
    );
    assert!(
        found[0]["message"]
            .as_str()
            .unwrap()
            .contains("did you mean \"host\"?")
    );
    assert_eq!(found[1]["code"], "HST052");
    client.change(&uri, 3, None, "default_target = \"nowhere\"\n");
    let found = client.diagnostics(&uri, |found| found.len() == 1);
    assert_eq!(found[0]["code"], "HST053");

    // What is not saved has no say in runs, and on closing the file is what it was.
    let python = client.open("a.py", "def f():\n    return 1\n");
    assert_eq!(client.lenses(&python)[0].1, "Run on local");
    client.notify(
        "textDocument/didClose",
        json!({ "textDocument": { "uri": uri } }),
    );
    client.diagnostics(&uri, <[Value]>::is_empty);
}

#[test]
fn keys_and_values_of_the_configuration_are_completed_and_explained() {
    let mut client = Client::connected();
    let text = "[tool.hoist.targets.far]\nscheduler = \"\"\nho\n";
    let uri = open_config(&mut client, "pyproject.toml", text);
    let at = |line: u32, character: u32| json!({ "textDocument": { "uri": uri }, "position": { "line": line, "character": character } });
    let values = client.call("textDocument/completion", at(1, 13));
    let labels: Vec<&str> = values
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["label"].as_str().unwrap())
        .collect();
    assert!(labels.starts_with(&["none", "slurm"]), "{labels:?}");
    let keys = client.call("textDocument/completion", at(2, 2));
    let host = keys
        .as_array()
        .unwrap()
        .iter()
        .find(|item| item["label"] == "host")
        .unwrap()
        .clone();
    assert_eq!(host["textEdit"]["newText"], "host = \"\"");
    assert_eq!(
        host["textEdit"]["range"]["start"],
        json!({ "line": 2, "character": 0 })
    );
    assert!(
        host["documentation"].as_str().unwrap().contains("OpenSSH"),
        "{host}"
    );
    let shown = client.call("textDocument/hover", at(1, 3));
    assert_eq!(
        shown["contents"]["value"],
        "What starts the jobs there. Without it: `\"none\"`."
    );
    let python = client.open("a.py", "def f():\n    return 1\n");
    let none = client.call(
        "textDocument/completion",
        json!({ "textDocument": { "uri": python }, "position": { "line": 1, "character": 4 } }),
    );
    assert_eq!(none, Value::Null);
}

#[test]
fn a_finding_can_be_ignored_here_in_the_file_and_in_the_workspace() {
    let mut client = Client::connected();
    client.write("hoist.toml", "data = []  # none yet\n");
    let source = "def f():\n    return open('gone.csv').read()\n";
    let uri = client.open("notes/a.py", source);
    let found = client.diagnostics(&uri, |found| {
        found.iter().any(|one| one["code"] == "HST012")
    });
    assert_eq!(found[0]["severity"], 2);
    let found = actions(&mut client, &uri, 1, Some("quickfix"));
    assert_eq!(
        titles(&found),
        [
            "Ignore HST012 here",
            "Ignore HST012 in notes/a.py (hoist.toml)",
            "Ignore HST012 in the workspace (hoist.toml)",
        ]
    );
    assert!(found.iter().all(|action| action["isPreferred"] == false));
    let config = config_uri(&client);
    let edits = found[2]["edit"]["changes"][&config].as_array().unwrap();
    assert_eq!(edits[0]["newText"], "ignore = [\"HST012\"]\n");

    // Once it is done, the findings follow.
    client.write(
        "hoist.toml",
        "data = []  # none yet\nignore = [\"HST012\"]\n",
    );
    client.notify(
        "workspace/didChangeWatchedFiles",
        json!({ "changes": [{ "uri": config, "type": 2 }] }),
    );
    client.diagnostics(&uri, <[Value]>::is_empty);
}

#[test]
fn the_script_of_a_job_is_shown_and_cannot_be_changed() {
    let text = "# hoist: time=2h\ndef work():\n    return 1\n";
    let asked = |uri: &str| json!({ "uri": uri, "entry": "work" });
    // As a file where the client knows no better.
    let mut client = Client::connected();
    client.answer("window/showDocument", json!({ "success": true }));
    let uri = client.open("work.py", text);
    let answer = client.execute("hoist.showScript", asked(&uri)).unwrap();
    assert_eq!(answer, Value::Null);
    let shown = client.wait_method("window/showDocument", |_| true);
    let shown = shown["uri"].as_str().unwrap().replace("%20", " ");
    let path = std::path::Path::new(shown.strip_prefix("file://").unwrap());
    assert!(shown.ends_with("work on local.sh"), "{shown}");
    let script = std::fs::read_to_string(path).unwrap();
    assert!(
        script.starts_with("#!/bin/sh\n") && script.contains("hoist_package="),
        "{script}"
    );
    assert!(std::fs::metadata(path).unwrap().permissions().readonly());
    // Once more takes the place of the one before.
    let mark = client.mark();
    client.execute("hoist.showScript", asked(&uri)).unwrap();
    client.wait_after(mark, "the script", |message| {
        message["method"] == "window/showDocument"
    });

    let mut capabilities = full_capabilities();
    capabilities["experimental"]["hoist"]["text"] = json!(true);
    let mut client = Client::connected_with(capabilities);
    let uri = client.open("work.py", text);
    client.execute("hoist.showScript", asked(&uri)).unwrap();
    let shown = client.wait_method("hoist/showText", |_| true);
    assert_eq!(
        (&shown["title"], &shown["language"]),
        (&json!("work on local.sh"), &json!("shellscript"))
    );
    assert!(shown["text"].as_str().unwrap().starts_with("#!/bin/sh\n"));
    // What cannot run has no script.
    let refused = json!({ "uri": uri, "entry": "nothing" });
    assert!(client.execute("hoist.showScript", refused).is_err());
}
