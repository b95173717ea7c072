//! The server's life: the handshake, goodbyes of every kind, and messages that make no sense.
#![allow(clippy::unwrap_used)]

mod lsp_client;

use lsp_client::{Client, full_capabilities, plain_capabilities};
use serde_json::{Value, json};

#[test]
fn it_says_what_it_can_do() {
    let mut client = Client::start();
    let answer = client.shake_hands(plain_capabilities());
    let can = &answer["capabilities"];
    assert_eq!(answer["serverInfo"]["name"], "hoist");
    assert_eq!(can["positionEncoding"], "utf-16");
    assert_eq!(can["textDocumentSync"]["change"], 2);
    let commands = can["executeCommandProvider"]["commands"]
        .as_array()
        .unwrap();
    assert!(commands.contains(&json!("hoist.run")), "{commands:?}");
    assert!(can["experimental"]["hoist"]["version"].is_string());
    assert!(client.leave().0.success());
}

#[test]
fn it_counts_in_utf_8_when_the_client_can() {
    let mut client = Client::start();
    let mut capabilities = full_capabilities();
    capabilities["general"] = json!({ "positionEncodings": ["utf-16", "utf-8"] });
    let answer = client.shake_hands(capabilities);
    assert_eq!(answer["capabilities"]["positionEncoding"], "utf-8");

    let uri = client.open("a.py", "é = '😀'\n");
    client.change(&uri, 2, Some([0, 6, 0, 10]), "x");
    assert_eq!(client.text(&uri)["text"], "é = 'x'\n");
}

#[test]
fn characters_count_two_units_where_utf_16_does() {
    let mut client = Client::connected();
    let uri = client.open("a.py", "é = '😀'\n");
    client.change(&uri, 2, Some([0, 5, 0, 7]), "x");
    assert_eq!(client.text(&uri)["text"], "é = 'x'\n");
}

#[test]
fn exit_without_shutdown_ends_it_with_status_one() {
    let mut client = Client::connected();
    client.notify("exit", Value::Null);
    assert_eq!(client.wait_end().0.code(), Some(1));
}

#[test]
fn a_client_that_vanishes_ends_it_too() {
    let client = Client::connected();
    assert_eq!(client.hang_up().0.code(), Some(1));
}

#[test]
fn what_makes_no_sense_is_an_error_and_not_the_end() {
    let mut client = Client::connected();
    let id = client.ask("hoist/noSuchThing", json!({}));
    assert_eq!(client.response(id)["error"]["code"], -32601);
    let id = client.ask("textDocument/hover", json!({ "position": 3 }));
    assert_eq!(client.response(id)["error"]["code"], -32602);
    client.notify("textDocument/didChange", json!({ "nonsense": true }));
    client.notify("hoist/noSuchNotification", json!([1]));
    client.send_raw(b"Content-Length: 9\r\n\r\n{\"json\":]");
    client.send_raw(b"Content-Length: many\r\n\r\n");
    let uri = client.open("a.py", "x = 1\n");
    assert_eq!(client.text(&uri)["text"], "x = 1\n");
    // Half of a surrogate pair, as an edit in the middle of an emoji leaves it.
    let body = format!(
        r#"{{"jsonrpc":"2.0","method":"textDocument/didChange","params":{{"textDocument":{{"uri":"{uri}","version":2}},"contentChanges":[{{"text":"y = '\ud83d'\n"}}]}}}}"#
    );
    client.send_raw(format!("Content-Length: {}\r\n\r\n{body}", body.len()).as_bytes());
    assert_eq!(client.text(&uri)["text"], "y = '\u{fffd}'\n");
    assert!(client.leave().0.success());
}

#[test]
fn a_request_before_the_handshake_is_refused_and_one_after_shutdown_too() {
    let mut client = Client::start();
    let id = client.ask("hoist/text", json!({ "uri": "file:///a.py" }));
    assert_eq!(client.response(id)["error"]["code"], -32002);
    client.shake_hands(plain_capabilities());
    client.call("shutdown", Value::Null);
    let id = client.ask("hoist/text", json!({ "uri": "file:///a.py" }));
    assert_eq!(client.response(id)["error"]["code"], -32600);
    client.notify("exit", Value::Null);
    assert!(client.wait_end().0.success());
}

#[test]
fn a_document_may_be_opened_before_the_answer_to_initialize_is_read() {
    let mut client = Client::start();
    let id = client.ask("initialize", json!({ "capabilities": {} }));
    client.notify("initialized", json!({}));
    client.open_text("file:///nowhere/a.py", "x = 1\n");
    client.change("file:///nowhere/a.py", 2, Some([0, 4, 0, 5]), "2");
    assert!(client.response(id).get("result").is_some());
    let text = client.text("file:///nowhere/a.py");
    assert_eq!(text, json!({ "version": 2, "text": "x = 2\n" }));
}
