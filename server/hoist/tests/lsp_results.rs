//! What a job gave and left, as a client sees it.
#![allow(clippy::unwrap_used)]

mod lsp_client;

use lsp_client::{Client, full_capabilities, plain_capabilities};
use serde_json::{Value, json};

const PROGRAMME: &str = "\
import os

def draw():
    folder = os.environ['HOIST_JOB_DIR'] + '/figures'
    os.mkdir(folder)
    with open(folder + '/1.png', 'wb') as file:
        file.write(b'\\x89PNG\\r\\n\\x1a\\n\\0\\0\\0\\rIHDR\\0\\0\\0\\x02\\0\\0\\0\\x02')
    with open('scores.csv', 'w') as file:
        file.write('a,b\\n')
    with open('large.txt', 'w') as file:
        file.write('large' * 3000000)
    return {'a': 1}
";

fn run(client: &mut Client, uri: &str) -> Value {
    let answer = client.execute("hoist.run", json!({ "uri": uri, "entry": "draw" }));
    let job = answer.unwrap()["job"].as_str().unwrap().to_owned();
    client.end(&job)
}

fn with_files() -> Value {
    let mut capabilities = full_capabilities();
    capabilities["experimental"]["hoist"]["file"] = json!(true);
    capabilities["experimental"]["hoist"]["text"] = json!(true);
    capabilities
}

#[test]
fn figures_open_by_themselves_and_files_when_they_are_wanted() {
    let mut client = Client::connected_with(with_files());
    let uri = client.open("draw.py", PROGRAMME);
    let end = run(&mut client, &uri);
    let job = end["job"].as_str().unwrap();
    assert_eq!(end["figures"][0]["path"], "figures/1.png");
    let figure = end["figures"][0]["uri"].as_str().unwrap().to_owned();
    assert!(figure.ends_with("/figures/1.png"), "{figure}");
    let paths: Vec<_> = end["files"]
        .as_array()
        .unwrap()
        .iter()
        .map(|file| (file["path"].as_str().unwrap(), file["uri"].is_string()))
        .collect();
    assert_eq!(
        paths,
        [("files/large.txt", false), ("files/scores.csv", true)]
    );
    let shown = client.wait_method("hoist/showFile", |_| true);
    assert_eq!(
        shown,
        json!({ "job": job, "uri": figure, "takeFocus": false })
    );

    let answer = client.execute(
        "hoist.openFiles",
        json!({ "job": job, "paths": ["files/large.txt"] }),
    );
    assert_eq!(answer, Ok(Value::Null));
    let shown = client.wait_method("hoist/showFile", |params| params["takeFocus"] == true);
    let large = shown["uri"].as_str().unwrap().to_owned();
    assert!(large.ends_with("/files/large.txt"), "{large}");
    // Whoever shows the job learns that it is here.
    client.wait_method("hoist/jobChanged", |params| {
        params["files"][0]["uri"] == large.as_str()
    });

    client.answer("hoist/ask", json!("files/scores.csv"));
    client
        .execute("hoist.openFiles", json!({ "job": job }))
        .unwrap();
    client.wait_method("hoist/showFile", |params| {
        params["uri"]
            .as_str()
            .is_some_and(|uri| uri.ends_with("/files/scores.csv"))
    });
    let refused = client
        .execute("hoist.openFiles", json!({ "job": job, "paths": ["../x"] }))
        .unwrap_err();
    assert_eq!(refused["message"], "This job left no file ../x.");
}

#[test]
fn a_result_is_a_page_and_stands_in_the_hover() {
    let mut client = Client::connected_with(with_files());
    let uri = client.open("draw.py", PROGRAMME);
    let end = run(&mut client, &uri);
    client
        .execute("hoist.showResult", json!({ "job": end["job"] }))
        .unwrap();
    let shown = client.wait_method("hoist/showText", |_| true);
    let text = shown["text"].as_str().unwrap();
    assert!(text.starts_with("draw on local: ok "), "{text}");
    assert!(
        text.contains("\n{'a': 1}\n") && text.contains("\nFigures\n    figures/1.png (24 B): /"),
        "{text}"
    );
    assert!(text.contains("large.txt (15 MB): not fetched"), "{text}");
    let place =
        json!({ "textDocument": { "uri": uri }, "position": { "line": 2, "character": 5 } });
    let hover = client.call("textDocument/hover", place);
    let text = hover["contents"]["value"].as_str().unwrap();
    assert!(
        text.contains("Its last result on local:\n") && text.contains("{'a': 1}"),
        "{text}"
    );
}

#[test]
fn a_lens_says_how_much_memory_it_was_of_how_much() {
    let mut client = Client::connected();
    let text = format!("{PROGRAMME}\n# hoist: memory=8G cores=2\ndef used():\n    return 1\n");
    let uri = client.open("draw.py", &text);
    let answer = client.execute("hoist.run", json!({ "uri": uri, "entry": "used" }));
    let end = client.end(answer.unwrap()["job"].as_str().unwrap());
    assert_eq!(
        end["usage"]["memoryAskedBytes"],
        json!(8_u64 << 30),
        "{end}"
    );
    assert_eq!(end["usage"]["coresAsked"], 2);
    assert!(
        end["usage"]["queueSeconds"]
            .as_f64()
            .is_some_and(|waited| (0.0..60.0).contains(&waited))
    );
    assert!(
        end["usage"]["text"]
            .as_str()
            .unwrap()
            .contains(" of 8 GB, after "),
        "{end}"
    );
    let lenses = client.lenses(&uri);
    let ended = lenses
        .iter()
        .find(|(_, title)| title.starts_with("ok "))
        .unwrap();
    assert!(
        ended.1.ends_with(" of 8 GB") && ended.1.contains(" s, 0.0"),
        "{ended:?}"
    );
}

#[test]
fn a_client_without_a_place_for_files_is_shown_texts_and_told_of_others() {
    let mut client = Client::connected_with(plain_capabilities());
    let uri = client.open("draw.py", PROGRAMME);
    let end = run(&mut client, &uri);
    let job = end["job"].as_str().unwrap();
    client
        .execute(
            "hoist.openFiles",
            json!({ "job": job, "paths": ["scores.csv"] }),
        )
        .unwrap();
    client.wait_method("window/showDocument", |params| {
        params["uri"]
            .as_str()
            .is_some_and(|uri| uri.ends_with("/files/scores.csv"))
    });
    client
        .execute(
            "hoist.openFiles",
            json!({ "job": job, "paths": ["figures/1.png"] }),
        )
        .unwrap();
    client.wait_method("window/showMessage", |params| {
        params["message"]
            .as_str()
            .is_some_and(|text| text.starts_with("It is in /") && text.ends_with("/1.png"))
    });
    assert!(
        client
            .received()
            .iter()
            .all(|message| message["method"] != "hoist/showFile")
    );
}
