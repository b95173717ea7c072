//! Edits are applied in the order in which they arrive, and nothing slow delays them, a cancel, or what comes after.
//!
//! What is slow here is slow for certain: the workspace's configuration is a named pipe that nobody writes to, so every request
//! that reads the configuration waits until the test opens the pipe.
#![allow(clippy::unwrap_used)]

mod lsp_client;

use std::fs::OpenOptions;
use std::path::PathBuf;
use std::process::Command;

use lsp_client::Client;
use serde_json::json;

/// A text as the client has it: in UTF-16, the unit of the protocol.
struct Model(Vec<u16>);

impl Model {
    fn text(&self) -> String {
        String::from_utf16(&self.0).unwrap()
    }

    /// Line and character of an index.
    fn place(&self, index: usize) -> (u32, u32) {
        let (mut line, mut start) = (0, 0);
        for at in 0..index {
            let is_break =
                self.0[at] == 10 || (self.0[at] == 13 && self.0.get(at + 1) != Some(&10));
            if is_break {
                line += 1;
                start = at + 1;
            }
        }
        (line, (index - start) as u32)
    }

    /// Whether an edit may begin or end here: not within a character, not within a line break.
    fn is_place(&self, index: usize) -> bool {
        let is_low = |unit: Option<&u16>| unit.is_some_and(|unit| (0xDC00..0xE000).contains(unit));
        let in_break = index > 0 && self.0[index - 1] == 13 && self.0.get(index) == Some(&10);
        !is_low(self.0.get(index)) && !in_break
    }
}

/// Numbers that look random and are the same every time.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit
    }
}

/// A configuration that cannot be read before it is released.
struct Gate {
    pipe: PathBuf,
}

impl Gate {
    fn close(client: &Client) -> Self {
        let pipe = client.folder().join("hoist.toml");
        assert!(
            Command::new("mkfifo")
                .arg(&pipe)
                .status()
                .unwrap()
                .success()
        );
        Self { pipe }
    }

    /// Everyone who waits reads an empty file, and so does everyone who comes later.
    fn open(self) {
        let writer = OpenOptions::new()
            .read(true)
            .write(true)
            .open(&self.pipe)
            .unwrap();
        std::fs::remove_file(&self.pipe).unwrap();
        std::fs::write(&self.pipe, "").unwrap();
        // A reader that was about to open the pipe needs a moment to do so while there is a writer.
        std::thread::sleep(std::time::Duration::from_millis(200));
        drop(writer);
    }
}

#[test]
fn ten_thousand_edits_arrive_in_order_while_slow_requests_run() {
    let mut client = Client::connected();
    let gate = Gate::close(&client);
    let pieces = [
        "x",
        "é",
        "😀",
        "\n",
        "\r\n",
        "    ",
        "def f(a):\n",
        "return 1",
        "'''",
        "(",
        "#",
        "\t",
        "",
    ];
    let mut model = Model(
        "import os\r\ndef größe():\n    return '😀'\n"
            .encode_utf16()
            .collect(),
    );
    let uri = client.open("edited.py", &model.text());

    let mut numbers = Numbers(7);
    let mut slow = Vec::new();
    let mut between = Vec::new();
    for version in 2..10_002 {
        let mut ends = [0, 0].map(|_| {
            let mut index = numbers.below(model.0.len() + 1);
            while !model.is_place(index) {
                index -= 1;
            }
            index
        });
        ends.sort_unstable();
        let [start, mut end] = ends;
        // Mostly small edits, and a text that neither dies out nor grows for ever.
        if end - start > 8 && model.0.len() < 1500 {
            end = start;
        }
        let piece = pieces[numbers.below(pieces.len())];
        let (line, character) = model.place(start);
        let (end_line, end_character) = model.place(end);
        // Some clients skip numbers, and that is no reason to lose an edit.
        client.change(
            &uri,
            version * 3,
            Some([line, character, end_line, end_character]),
            piece,
        );
        model.0.splice(start..end, piece.encode_utf16());
        if version % 50 == 0 {
            slow.push(client.ask("hoist/targets", json!({ "uri": uri })));
            slow.push(client.ask(
                "textDocument/codeLens",
                json!({ "textDocument": { "uri": uri } }),
            ));
        }
        if version % 500 == 0 {
            between.push((
                client.ask("hoist/text", json!({ "uri": uri })),
                version * 3,
                model.text(),
            ));
        }
    }
    let last = client.text(&uri);
    assert_eq!(last["version"], 10_001 * 3);
    assert_eq!(last["text"], model.text().as_str());
    // A request sees the text of its own moment, not a later one.
    for (id, version, text) in between {
        let answer = client.response(id)["result"].clone();
        assert_eq!(answer["version"], version);
        assert_eq!(answer["text"], text.as_str());
    }
    let answered = |client: &Client, id: i64| {
        let received = client.received();
        received
            .iter()
            .any(|message| message.get("method").is_none() && message["id"] == id)
    };
    for id in &slow {
        assert!(
            !answered(&client, *id),
            "the slow request {id} was not slow"
        );
    }
    gate.open();
    for id in slow {
        assert!(client.response(id).get("result").is_some());
    }
    // What was pushed never went back, and the last word is about the last text.
    client.wait("diagnostics of the last version", |message| {
        message["method"] == "textDocument/publishDiagnostics"
            && message["params"]["version"] == 10_001 * 3
    });
    let versions: Vec<i64> = client
        .received()
        .iter()
        .filter(|message| {
            message["method"] == "textDocument/publishDiagnostics"
                && message["params"]["uri"] == uri.as_str()
        })
        .filter_map(|message| message["params"]["version"].as_i64())
        .collect();
    assert!(versions.is_sorted(), "{versions:?}");
}

#[test]
fn a_cancel_is_obeyed_at_once_while_slow_requests_run() {
    let mut client = Client::connected();
    let gate = Gate::close(&client);
    let uri = client.open("a.py", "def f():\n    return 1\n");
    let slow: Vec<i64> = (0..150)
        .map(|_| client.ask("hoist/targets", json!({ "uri": uri })))
        .collect();
    client.notify("$/cancelRequest", json!({ "id": slow[149] }));
    assert_eq!(client.response(slow[149])["error"]["code"], -32800);
    client.notify("$/cancelRequest", json!({ "id": slow[0] }));
    assert_eq!(client.response(slow[0])["error"]["code"], -32800);
    gate.open();
    assert!(client.response(slow[1]).get("result").is_some());
}

#[test]
fn leaving_does_not_wait_for_slow_requests() {
    let mut client = Client::connected();
    let _gate = Gate::close(&client);
    let uri = client.open("a.py", "def f():\n    return 1\n");
    for _ in 0..5 {
        client.ask("hoist/targets", json!({ "uri": uri }));
    }
    assert!(client.leave().0.success());
}

#[test]
fn a_client_may_write_everything_before_it_reads_anything() {
    let mut client = Client::connected();
    let line = "x = 1  # a line of some length, so that what goes over the wire is more than any pipe holds\n";
    let uri = client.open("long.py", &line.repeat(2000));
    // About 40 MB of answers. The thread that reads is held up for as long as we write.
    let ids: Vec<i64> = {
        let _nobody_reads = client.hold_reading();
        (0..200)
            .map(|_| client.ask("hoist/text", json!({ "uri": uri })))
            .collect()
    };
    for id in ids {
        assert!(client.response(id)["result"]["text"].is_string());
    }
}

#[test]
fn lenses_do_not_jump_while_a_line_is_typed() {
    let mut client = Client::connected();
    let text = "def first():\n    return 1\n\n\ndef second(a=1):\n    return a\n\n\ndef third():\n    return 3\n# %% A cell\nx = '''\n# %% no cell\n'''\n# %% Another\nthird()\n";
    let uri = client.open("typed.py", text);
    let whole = client.lenses(&uri).len();
    assert_eq!(whole, 8);
    client.diagnostics(&uri, |_| true);
    let typed = "    values = [first(x for x in (1, '''";
    let mut version = 1;
    client.change(&uri, 2, Some([1, 12, 1, 12]), "\n");
    for (column, character) in (0..).zip(typed.chars()) {
        version += 1;
        client.change(
            &uri,
            version,
            Some([2, column, 2, column]),
            &character.to_string(),
        );
        let lenses = client.lenses(&uri);
        assert_eq!(
            lenses.len(),
            whole,
            "after {character:?} in column {column}: {lenses:?}"
        );
        assert_eq!(lenses.last().unwrap().0, 15, "{lenses:?}");
    }
    // A function that is deleted is gone, broken text or not.
    client.change(&uri, version + 1, Some([5, 0, 9, 0]), "");
    let lenses = client.lenses(&uri);
    assert_eq!(lenses.len(), 6, "{lenses:?}");
}

#[test]
fn the_lenses_that_nobody_wants_are_left_out() {
    let mut client = Client::start();
    client.call(
        "initialize",
        json!({
            "capabilities": {},
            "initializationOptions": { "lenses": { "runWith": false } },
        }),
    );
    client.notify("initialized", json!({}));
    let uri = client.open("a.py", "def f():\n    return 1\n");
    assert_eq!(client.lenses(&uri), [(0, "Run on local".to_owned())]);
}
