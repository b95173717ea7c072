//! What the editor shows at imports: hints, hovers, findings and the fix that declares a dependency.
#![allow(clippy::unwrap_used)]

mod lsp_client;

use lsp_client::{Client, uri};
use serde_json::{Value, json};

const SITE: &str = ".venv/lib/python3.11/site-packages";

/// A workspace whose environment has PyYAML.
fn client() -> Client {
    let mut client = Client::start();
    client.write(
        ".venv/pyvenv.cfg",
        "home = /nowhere/bin\nversion = 3.11.4\n",
    );
    client.write(".venv/bin/python3", "");
    client.write(&format!("{SITE}/yaml/__init__.py"), "");
    let info = format!("{SITE}/PyYAML-6.0.1.dist-info");
    client.write(
        &format!("{info}/METADATA"),
        "Name: PyYAML\nVersion: 6.0.1\nSummary: YAML parser and emitter\n",
    );
    client.write(&format!("{info}/RECORD"), "yaml/__init__.py,,\n");
    client.write(
        "pyproject.toml",
        "[project]\nname = \"ours\"\ndependencies = [\"PyYAML\"]\n",
    );
    client.write("helper.py", "");
    client.shake_hands(lsp_client::full_capabilities());
    client
}

const TEXT: &str =
    "import os\nfrom yaml import (\n    safe_load,\n    dump as d,\n)\nimport helper, cv2\n";

fn hints(client: &mut Client, uri: &str) -> Vec<(Value, Value)> {
    let end = json!({ "line": 100, "character": 0 });
    let answer = client.call(
        "textDocument/inlayHint",
        json!({ "textDocument": { "uri": uri }, "range": { "start": { "line": 0, "character": 0 }, "end": end } }),
    );
    let hints = answer.as_array().unwrap().iter();
    hints
        .map(|hint| (hint["position"].clone(), hint["label"].clone()))
        .collect()
}

fn hover(client: &mut Client, uri: &str, line: u32, character: u32) -> String {
    let answer = client.call(
        "textDocument/hover",
        json!({ "textDocument": { "uri": uri }, "position": { "line": line, "character": character } }),
    );
    answer["contents"]["value"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

#[test]
fn imports_tell_what_they_come_from() {
    let mut client = client();
    let uri = client.open("train.py", TEXT);
    assert_eq!(
        hints(&mut client, &uri),
        [(json!({ "line": 1, "character": 18 }), json!("PyYAML 6.0.1"))]
    );
    assert_eq!(
        hover(&mut client, &uri, 3, 6),
        format!(
            "`yaml.dump` is of `PyYAML` 6.0.1\n\nYAML parser and emitter\n\n`{SITE}/yaml/__init__.py`"
        )
    );
    assert!(hover(&mut client, &uri, 0, 8).starts_with("`os` is of Python 3.11's own library"));
    assert_eq!(
        hover(&mut client, &uri, 5, 9),
        "`helper` is local and travels with the function\n\n`helper.py`"
    );
    assert_eq!(
        hover(&mut client, &uri, 5, 16),
        "`cv2` is not installed for Python 3.11; it usually comes with `opencv-python`"
    );
    // While the code is broken the imports are there.
    client.change(&uri, 2, Some([6, 0, 6, 0]), "def f(:\n");
    assert_eq!(hints(&mut client, &uri).len(), 1);
}

#[test]
fn a_missing_distribution_is_declared_in_the_projects_file() {
    let mut client = client();
    let uri_of_file = client.open("train.py", TEXT);
    let found = client.diagnostics(&uri_of_file, |found| {
        found.iter().any(|one| one["code"] == "HST021")
    });
    let missing = found.iter().find(|one| one["code"] == "HST021").unwrap();
    assert_eq!(missing["severity"], 2);
    let place = json!({ "line": 5, "character": 16 });
    let answer = client.call(
        "textDocument/codeAction",
        json!({ "textDocument": { "uri": uri_of_file }, "range": { "start": place, "end": place },
                "context": { "diagnostics": [], "only": ["quickfix"] } }),
    );
    let fix = answer
        .as_array()
        .unwrap()
        .iter()
        .find(|action| action["title"] == "Add `opencv-python` to the project's dependencies")
        .unwrap()
        .clone();
    let project = uri(&client.folder().join("pyproject.toml"));
    assert_eq!(
        fix["edit"]["changes"],
        json!({ project: [{ "range": { "start": { "line": 2, "character": 24 }, "end": { "line": 2, "character": 24 } },
                            "newText": ", \"opencv-python\"" }] })
    );

    // When the distribution is there, the finding goes with the next look.
    client.write(&format!("{SITE}/cv2/__init__.py"), "");
    client.write(
        &format!("{SITE}/opencv_python-4.9.dist-info/RECORD"),
        "cv2/__init__.py,,\n",
    );
    client.write(
        &format!("{SITE}/opencv_python-4.9.dist-info/METADATA"),
        "Name: opencv-python\nVersion: 4.9\n",
    );
    let before = client.mark();
    client.notify("workspace/didChangeWatchedFiles", json!({ "changes": [] }));
    client.diagnostics_after(before, &uri_of_file, |found| {
        found.iter().all(|one| one["code"] != "HST021")
    });
}

#[test]
fn an_import_moves_into_its_only_reader_and_is_offered_once() {
    let mut client = client();
    let text = "import json, cv2\n\ndef f(x):\n    return json.dumps(x)\n\ndef g(x):\n    return cv2.imread(x)\n";
    let uri = client.open("moves.py", text);
    let mut actions = |character: u32| -> Vec<(String, String)> {
        let place = json!({ "line": 0, "character": character });
        let answer = client.call(
            "textDocument/codeAction",
            json!({ "textDocument": { "uri": uri }, "range": { "start": place, "end": place },
                    "context": { "diagnostics": [] } }),
        );
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        answer
            .as_array()
            .unwrap()
            .iter()
            .filter(|action| text(&action["title"]).starts_with("Move"))
            .map(|action| (text(&action["title"]), text(&action["kind"])))
            .collect()
    };
    let fix = (
        "Move `import cv2` into `g`".to_owned(),
        "quickfix".to_owned(),
    );
    let own = (
        "Move `import json` into `f`".to_owned(),
        "refactor.rewrite".to_owned(),
    );
    assert_eq!(actions(8), [fix.clone(), own]);
    assert_eq!(actions(14), [fix]);
}

#[test]
fn a_hover_on_a_function_tells_what_the_cluster_needs() {
    let mut client = client();
    let uri = client.open(
        "main.py",
        "import yaml\nimport helper\n\ndef f(x=1):\n    import cv2\n    return yaml.dump(helper.y), cv2\n\ndef g():\n    return 1\n",
    );
    let text = hover(&mut client, &uri, 3, 5);
    assert!(
        text.ends_with(
            "\n\nThe cluster's Python needs\n\n- `opencv-python` (not installed here): for `cv2`\n- `PyYAML` 6.0.1: for `yaml`"
        ),
        "{text}"
    );
    let text = hover(&mut client, &uri, 7, 5);
    assert!(!text.contains("cluster"), "{text}");
}
