//! Paths of targets in string literals: what the editor completes, tells and warns of, without a connection being made for it.
#![allow(clippy::unwrap_used)]

mod lsp_client;

use std::path::Path;
use std::time::Instant;

use lsp_client::{Client, PATIENCE};
use serde_json::{Value, json};

/// Asks until the answer is what is wanted, as a person types on or looks again.
fn until(what: &str, mut ask: impl FnMut() -> Value, wanted: impl Fn(&Value) -> bool) -> Value {
    let begun = Instant::now();
    loop {
        let answer = ask();
        if wanted(&answer) {
            return answer;
        }
        assert!(begun.elapsed() < PATIENCE, "{what}: {answer}");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}

fn at(uri: &str, line: u32, character: u32) -> Value {
    json!({ "textDocument": { "uri": uri }, "position": { "line": line, "character": character } })
}

/// The list that a client has once everything is known.
fn completed(client: &mut Client, uri: &str, line: u32, character: u32) -> Vec<Value> {
    let ask = || client.call("textDocument/completion", at(uri, line, character));
    let list = until("a whole list", ask, |list| list["isIncomplete"] == false);
    let mut items = list["items"].as_array().unwrap().clone();
    items.sort_by_key(|item| item["sortText"].as_str().unwrap().to_owned());
    items
}

fn texts<'v>(items: &'v [Value], key: &str) -> Vec<&'v str> {
    items
        .iter()
        .map(|item| item[key].as_str().unwrap())
        .collect()
}

fn hover(client: &mut Client, uri: &str, line: u32, character: u32) -> String {
    let ask = || {
        let answer = client.call("textDocument/hover", at(uri, line, character));
        answer["contents"]["value"].clone()
    };
    let is_known = |text: &Value| {
        text.as_str()
            .is_some_and(|text| !text.contains("being asked"))
    };
    until("a hover", ask, is_known).as_str().unwrap().to_owned()
}

fn save(client: &mut Client, uri: &str) {
    client.notify(
        "textDocument/didSave",
        json!({ "textDocument": { "uri": uri } }),
    );
}

/// The messages of the finding.
fn warned(found: &[Value]) -> Vec<&str> {
    let warned = found.iter().filter(|one| one["code"] == "HST028");
    warned.map(|one| one["message"].as_str().unwrap()).collect()
}

fn text(call: &str) -> String {
    format!(
        "from hoist import cluster_ls, cluster_stat, cluster_glob, cluster_exists\n\ndef f():\n    return {call}\n"
    )
}

fn data() -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().canonicalize().unwrap();
    for name in ["raw", "sub folder", ".cache"] {
        std::fs::create_dir(path.join(name)).unwrap();
    }
    for name in ["a'b.csv", ".hidden", "zoo.txt"] {
        std::fs::write(path.join(name), "12345").unwrap();
    }
    let shown = path.to_str().unwrap().to_owned();
    (folder, shown)
}

#[test]
fn a_path_is_completed_segment_by_segment() {
    let (folder, path) = data();
    std::fs::create_dir(folder.path().join("raw/😀é")).unwrap();
    std::fs::write(folder.path().join("raw/😀é/one\ntwo"), "").unwrap();
    let mut client = Client::connected();
    let call = format!("cluster_ls('{path}/')");
    let uri = client.open("train.py", &text(&call));
    let end = 11 + u32::try_from(call.len()).unwrap() - 2;
    let items = completed(&mut client, &uri, 3, end);
    // Folders first, and of both what is hidden last.
    assert_eq!(
        texts(&items, "label"),
        [
            "raw/",
            "sub folder/",
            ".cache/",
            "a'b.csv",
            "zoo.txt",
            ".hidden"
        ]
    );
    assert_eq!(items[0]["kind"], 19);
    assert_eq!(items[3]["kind"], 17);
    assert_eq!(items[0]["labelDetails"]["description"], "local");
    assert_eq!(items[3]["textEdit"]["newText"], "a\\'b.csv");
    let place = json!({ "line": 3, "character": end });
    assert_eq!(
        items[0]["textEdit"]["range"],
        json!({ "start": place, "end": place })
    );

    // Only the last segment is replaced; its place is counted in UTF-16.
    let call = format!("cluster_ls(path='{path}/raw/😀é/on')");
    client.change(&uri, 2, None, &text(&call));
    let start = 11 + u32::try_from(call.encode_utf16().count()).unwrap() - 4;
    let items = completed(&mut client, &uri, 3, start + 2);
    assert_eq!(texts(&items, "label"), ["one\\ntwo"]);
    assert_eq!(items[0]["textEdit"]["newText"], "one\\ntwo");
    assert_eq!(
        items[0]["textEdit"]["range"],
        json!({ "start": { "line": 3, "character": start }, "end": { "line": 3, "character": start + 2 } })
    );

    // In the middle of a path no slash is put beside the one that is there.
    let call = format!("cluster_ls('{path}/ra/x')");
    client.change(&uri, 3, None, &text(&call));
    let within = 11 + u32::try_from(call.len()).unwrap() - 5;
    let items = completed(&mut client, &uri, 3, within);
    assert_eq!(items[0]["textEdit"]["newText"], "raw");

    // A literal that is not closed yet, in a file that does not parse.
    let call = format!("cluster_glob(\"{path}/");
    client.change(&uri, 4, None, &text(&call));
    let end = 11 + u32::try_from(call.len()).unwrap();
    assert_eq!(completed(&mut client, &uri, 3, end).len(), 6);

    // Where a path may begin; and nothing at all elsewhere.
    client.change(&uri, 5, None, &text("cluster_ls('')"));
    let items = completed(&mut client, &uri, 3, 23);
    assert_eq!(texts(&items, "label"), ["/", "~/"]);
    client.change(&uri, 6, None, &text("print('/') / cluster_ls"));
    for character in [18, 19, 22, 25] {
        let answer = client.call("textDocument/completion", at(&uri, 3, character));
        assert_eq!(answer, Value::Null);
    }
}

#[test]
fn a_folder_of_thousands_is_listed_as_one_types() {
    let folder = tempfile::tempdir().unwrap();
    for number in 0..6_000 {
        std::fs::write(folder.path().join(format!("n{number:04}")), "").unwrap();
    }
    let path = folder.path().canonicalize().unwrap();
    let mut client = Client::connected();
    let ask = |client: &mut Client, version: i32, typed: &str| {
        let call = format!("cluster_ls('{}/{typed}')", path.display());
        let uri = client.open("train.py", &text(&call));
        client.change(&uri, version, None, &text(&call));
        let end = 11 + u32::try_from(call.len()).unwrap() - 2;
        let ask = || client.call("textDocument/completion", at(&uri, 3, end));
        until("names", ask, |list| list["items"] != json!([]))
    };
    let list = ask(&mut client, 2, "");
    assert_eq!(list["isIncomplete"], true);
    assert_eq!(list["items"].as_array().unwrap().len(), 1_000);
    // What lies behind the cut is found by its beginning.
    let call = format!("cluster_ls('{}/n599')", path.display());
    let uri = client.open("other.py", &text(&call));
    let end = 11 + u32::try_from(call.len()).unwrap() - 2;
    let ask = || client.call("textDocument/completion", at(&uri, 3, end));
    let has_it = |list: &Value| list["items"].to_string().contains("\"n5999\"");
    let list = until("the last name", ask, has_it);
    assert_eq!(list["isIncomplete"], true);
}

#[test]
fn a_hover_tells_what_is_there() {
    let (_folder, path) = data();
    let mut client = Client::connected();
    let source = format!(
        "from hoist import cluster_stat as stat, cluster_glob\n\nstat('{path}')\nstat('{path}/zoo.txt')\n\
         stat('{path}/none')\nstat('zoo.txt')\ncluster_glob('{path}/*.csv')\n"
    );
    let uri = client.open("train.py", &source);
    let folder = hover(&mut client, &uri, 2, 8);
    assert!(
        folder.starts_with(&format!(
            "`{path}` on `local`: folder with 6 entries, changed 20"
        )),
        "{folder}"
    );
    let file = hover(&mut client, &uri, 3, 8);
    assert!(
        file.contains("/zoo.txt` on `local`: file, 5 B, changed 20"),
        "{file}"
    );
    assert!(file.ends_with("permissions rw-r--r-- (644)"), "{file}");
    let none = hover(&mut client, &uri, 4, 8);
    assert!(none.ends_with("`local`: nothing is there"), "{none}");
    let relative = hover(&mut client, &uri, 5, 8);
    assert!(
        relative.starts_with("`zoo.txt` begins in the job's working directory"),
        "{relative}"
    );
    // Of a pattern its folder.
    let pattern = hover(&mut client, &uri, 6, 16);
    assert!(
        pattern.starts_with(&format!("`{path}` on `local`: folder")),
        "{pattern}"
    );
    // What they come from needs no installation.
    assert_eq!(
        hover(&mut client, &uri, 0, 22),
        "`hoist.cluster_stat` can be imported in every job, without being installed"
    );
}

#[test]
fn a_path_that_is_not_there_is_warned_of_until_it_is_made() {
    let (folder, path) = data();
    let mut client = Client::connected();
    let source = format!(
        "from hoist import cluster_ls, cluster_stat, cluster_glob, cluster_exists\n\ndef f():\n    cluster_ls('{path}/new')\n    \
         cluster_stat('{path}/none')  # hoist: ignore[HST028]\n    cluster_exists('{path}/asked')\n    cluster_ls('none')\n    \
         cluster_ls('{path}/zoo.txt')\n    cluster_glob('{path}/*.none')\n    cluster_ls('{path}/raw')\n"
    );
    let uri = client.open("train.py", &source);
    // An answer may come while the file is looked at: then the rest of it is told with the next look.
    let found = client.diagnostics(&uri, |found| warned(found).len() == 2);
    assert_eq!(
        warned(&found),
        [
            format!(
                "there is nothing at `{path}/new` on local, so `cluster_ls` finds nothing; correct the path, or make it there before the job needs it"
            ),
            format!(
                "there is no folder at `{path}/zoo.txt` on local, so `cluster_ls` finds nothing; correct the path, or make it there before the job needs it"
            ),
        ]
    );
    let warning = found.iter().find(|one| one["code"] == "HST028").unwrap();
    assert_eq!(warning["severity"], 2);
    assert_eq!(
        warning["range"]["start"],
        json!({ "line": 3, "character": 15 })
    );
    // It can be silenced where it stands.
    let place = json!({ "line": 3, "character": 20 });
    let actions = client.call(
        "textDocument/codeAction",
        json!({ "textDocument": { "uri": uri }, "range": { "start": place, "end": place }, "context": { "diagnostics": [], "only": ["quickfix"] } }),
    );
    assert!(actions.to_string().contains("Ignore HST028"), "{actions}");
    // It stays under its literal while one types above it.
    let mark = client.mark();
    client.change(&uri, 2, Some([0, 0, 0, 0]), "import os\n");
    let moved = client.diagnostics_after(mark, &uri, |found| !found.is_empty());
    assert_eq!(warned(&moved).len(), 2, "{moved:?}");

    std::fs::create_dir(folder.path().join("new")).unwrap();
    let mark = client.mark();
    save(&mut client, &uri);
    let found = client.diagnostics_after(mark, &uri, |found| warned(found).len() == 1);
    assert!(warned(&found)[0].contains("zoo.txt"), "{found:?}");
}

#[test]
fn opening_hovering_and_completing_starts_nothing_and_connects_nowhere() {
    let mut client = Client::start();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    let ssh = client.home().join(".ssh");
    std::fs::create_dir_all(&ssh).unwrap();
    std::fs::write(
        ssh.join("config"),
        format!("Host far\n  HostName 127.0.0.1\n  Port {port}\n"),
    )
    .unwrap();
    let evil = client.write("evil", "#!/bin/sh\ntouch \"$0.ran\"\n");
    let mode: std::fs::Permissions = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&evil, mode).unwrap();
    let (python, work) = (evil.display(), client.folder().join("made"));
    client.write(
        "hoist.toml",
        &format!(
            "[targets.far]\nhost = 'far'\npython = '{python}'\n[targets.local]\npython = '{python}'\nwork_dir = '{}'\nsetup = ['{python}']\n",
            work.display()
        ),
    );
    client.shake_hands(lsp_client::full_capabilities());
    let source = "from hoist import cluster_ls\n\n# hoist: target=far\ndef f():\n    return cluster_ls('/usr/none')\n\n\
                  def g():\n    return cluster_ls('/usr/none')\n";
    let uri = client.open("train.py", source);
    let far = hover(&mut client, &uri, 4, 25);
    assert_eq!(
        far,
        "`/usr/none` on `far`: not known, as there is no connection to far; `Connect to far`, an action at this place, makes one, and so does a run"
    );
    let list = client.call("textDocument/completion", at(&uri, 4, 28));
    assert_eq!(list, json!({ "isIncomplete": true, "items": [] }));
    // On this machine the same path is looked at, by the server itself.
    let found = client.diagnostics(&uri, |found| !warned(found).is_empty());
    let lines: Vec<&Value> = found
        .iter()
        .filter(|one| one["code"] == "HST028")
        .map(|one| &one["range"]["start"]["line"])
        .collect();
    assert_eq!(lines, [7]);
    assert!(hover(&mut client, &uri, 7, 25).ends_with("on `local`: nothing is there"));
    let refused = listener.accept().map_err(|error| error.kind());
    assert_eq!(
        refused.err(),
        Some(std::io::ErrorKind::WouldBlock),
        "somebody connected"
    );
    assert!(!Path::new(&format!("{python}.ran")).exists() && !work.exists());
}
