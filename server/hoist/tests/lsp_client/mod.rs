//! A client of the real server over its real standard input and output.
//!
//! Everything received is kept in order; tests wait for what they expect with a time limit. Requests of the server are answered
//! at once by [`Client::answer`]'s table, `null` by default.
#![allow(dead_code, unreachable_pub, missing_docs, clippy::unwrap_used)]

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// How long anything may take on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(100);

type Answers = Arc<Mutex<HashMap<String, Value>>>;

#[derive(Default)]
struct Inbox {
    messages: Vec<Value>,
    closed: bool,
}

/// A connected client, its workspace and its home.
pub struct Client {
    child: Child,
    input: Arc<Mutex<Option<ChildStdin>>>,
    inbox: Arc<(Mutex<Inbox>, Condvar)>,
    answers: Answers,
    next: i64,
    root: tempfile::TempDir,
}

impl Client {
    /// Starts a server with an empty home and an empty workspace; nothing is sent yet.
    pub fn start() -> Self {
        Self::start_in(tempfile::tempdir().unwrap())
    }

    /// Starts a server with the home and the workspace of an earlier one.
    pub fn start_in(root: tempfile::TempDir) -> Self {
        let home = root.path().join("home");
        Self::start_at(root, &home)
    }

    /// Starts in a home that is there already, with a store of jobs of its own, and shakes hands.
    pub fn connected_at_home(home: &Path) -> Self {
        let mut client = Self::start_at(tempfile::tempdir().unwrap(), home);
        client.shake_hands(full_capabilities());
        client
    }

    fn start_at(root: tempfile::TempDir, home: &Path) -> Self {
        for folder in ["work", "home"] {
            std::fs::create_dir_all(root.path().join(folder)).unwrap();
        }
        let mut child = Command::new(env!("CARGO_BIN_EXE_hoist"))
            .arg("lsp")
            .env("HOME", home)
            .env("XDG_STATE_HOME", root.path().join("home/.local/state"))
            .env_remove("XDG_CONFIG_HOME")
            .env_remove("XDG_CACHE_HOME")
            .env_remove("VIRTUAL_ENV")
            .env_remove("CONDA_PREFIX")
            .current_dir(root.path().join("work"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let input = Arc::new(Mutex::new(child.stdin.take()));
        let inbox = Arc::new((Mutex::new(Inbox::default()), Condvar::new()));
        let answers = Answers::default();
        let output = child.stdout.take().unwrap();
        let reader = (input.clone(), inbox.clone(), answers.clone());
        std::thread::spawn(move || read(output, &reader.0, &reader.1, &reader.2));
        Self {
            child,
            input,
            inbox,
            answers,
            next: 0,
            root,
        }
    }

    /// Starts, and shakes hands with everything that this client can do.
    pub fn connected() -> Self {
        Self::connected_with(full_capabilities())
    }

    /// Starts, and shakes hands.
    pub fn connected_with(capabilities: Value) -> Self {
        let mut client = Self::start();
        client.shake_hands(capabilities);
        client
    }

    /// `initialize` and `initialized`; returns what the server can do.
    pub fn shake_hands(&mut self, capabilities: Value) -> Value {
        let root = uri(&self.folder());
        let answer = self.call(
            "initialize",
            json!({
                "processId": null,
                "rootUri": root,
                "capabilities": capabilities,
                "workspaceFolders": [{ "uri": root, "name": "work" }],
            }),
        );
        self.notify("initialized", json!({}));
        answer
    }

    /// The workspace.
    pub fn folder(&self) -> PathBuf {
        self.root.path().canonicalize().unwrap().join("work")
    }

    /// The user's home.
    pub fn home(&self) -> PathBuf {
        self.root.path().join("home")
    }

    /// Writes a file into the workspace.
    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path
    }

    /// Writes a Python file and opens it; returns its URI.
    pub fn open(&mut self, name: &str, text: &str) -> String {
        let uri = uri(&self.write(name, text));
        self.open_text(&uri, text);
        uri
    }

    /// Opens a document whose file need not be like it.
    pub fn open_text(&mut self, uri: &str, text: &str) {
        self.notify(
            "textDocument/didOpen",
            json!({ "textDocument": { "uri": uri, "languageId": "python", "version": 1, "text": text } }),
        );
    }

    /// One change of one document.
    pub fn change(&mut self, uri: &str, version: i32, range: Option<[u32; 4]>, text: &str) {
        let mut change = json!({ "text": text });
        if let Some([line, character, end_line, end_character]) = range {
            change["range"] = json!({
                "start": { "line": line, "character": character },
                "end": { "line": end_line, "character": end_character },
            });
        }
        self.notify(
            "textDocument/didChange",
            json!({ "textDocument": { "uri": uri, "version": version }, "contentChanges": [change] }),
        );
    }

    /// What this client answers to a request of the server from now on.
    pub fn answer(&self, method: &str, result: Value) {
        self.answers
            .lock()
            .unwrap()
            .insert(method.to_owned(), result);
    }

    /// Sends a notification.
    pub fn notify(&mut self, method: &str, params: Value) {
        self.send(&json!({ "jsonrpc": "2.0", "method": method, "params": params }));
    }

    /// Sends a request and does not wait; returns its id.
    pub fn ask(&mut self, method: &str, params: Value) -> i64 {
        self.next += 1;
        let mut message = json!({ "jsonrpc": "2.0", "id": self.next, "method": method });
        if !params.is_null() {
            message["params"] = params;
        }
        self.send(&message);
        self.next
    }

    /// Sends a request and waits for its result.
    pub fn call(&mut self, method: &str, params: Value) -> Value {
        let id = self.ask(method, params);
        let response = self.response(id);
        assert!(response.get("error").is_none(), "{method}: {response}");
        response["result"].clone()
    }

    /// Executes a command and waits for its result or its error.
    pub fn execute(&mut self, command: &str, argument: Value) -> Result<Value, Value> {
        let id = self.ask(
            "workspace/executeCommand",
            json!({ "command": command, "arguments": [argument] }),
        );
        let response = self.response(id);
        match response.get("error") {
            Some(error) => Err(error.clone()),
            None => Ok(response["result"].clone()),
        }
    }

    /// Waits for the response of a request.
    pub fn response(&self, id: i64) -> Value {
        self.wait(&format!("the response to request {id}"), |message| {
            message.get("method").is_none() && message["id"] == json!(id)
        })
    }

    /// Waits for a message, received already or still to come.
    pub fn wait(&self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        self.wait_after(0, what, wanted).1
    }

    /// As [`Client::wait`], among the messages from index `from` on; returns the message's index too.
    pub fn wait_after(
        &self,
        from: usize,
        what: &str,
        wanted: impl Fn(&Value) -> bool,
    ) -> (usize, Value) {
        let deadline = Instant::now() + PATIENCE;
        let (inbox, arrived) = &*self.inbox;
        let mut inbox = inbox.lock().unwrap();
        let mut seen = from;
        loop {
            while seen < inbox.messages.len() {
                if wanted(&inbox.messages[seen]) {
                    return (seen, inbox.messages[seen].clone());
                }
                seen += 1;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(
                !left.is_zero() && !inbox.closed,
                "{what} never came; the last messages: {:#?}",
                inbox.messages.iter().rev().take(12).collect::<Vec<_>>()
            );
            inbox = arrived.wait_timeout(inbox, left).unwrap().0;
        }
    }

    /// Waits for a notification or a request of the server.
    pub fn wait_method(&self, method: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        self.wait(method, |message| {
            message["method"] == method && wanted(&message["params"])
        })["params"]
            .clone()
    }

    /// Everything received so far, in order.
    pub fn received(&self) -> Vec<Value> {
        self.inbox.0.lock().unwrap().messages.clone()
    }

    /// The titles of the questions that were asked so far, in order.
    pub fn questions(&self) -> Vec<String> {
        let received = self.received();
        let asked = received
            .iter()
            .filter(|message| message["method"] == "hoist/ask");
        let title = |message: &Value| message["params"]["title"].as_str().unwrap().to_owned();
        asked.map(title).collect()
    }

    /// Nothing is read from the server while the result is held.
    pub fn hold_reading(&self) -> impl Drop + use<> {
        // The reader needs the inbox for the message that it has; the pipe fills up behind it.
        let (inbox, held) = (self.inbox.clone(), std::sync::mpsc::channel::<()>());
        let (ready, is_ready) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let _inbox = inbox.0.lock().unwrap();
            ready.send(()).unwrap();
            let _ = held.1.recv();
        });
        is_ready.recv().unwrap();
        Held(Some(held.0))
    }

    /// How many messages were received so far.
    pub fn mark(&self) -> usize {
        self.inbox.0.lock().unwrap().messages.len()
    }

    /// The text that the server holds.
    pub fn text(&mut self, uri: &str) -> Value {
        self.call("hoist/text", json!({ "uri": uri }))
    }

    /// Titles and lines of the lenses, in the order of the answer.
    pub fn lenses(&mut self, uri: &str) -> Vec<(u64, String)> {
        let answer = self.call(
            "textDocument/codeLens",
            json!({ "textDocument": { "uri": uri } }),
        );
        answer
            .as_array()
            .unwrap()
            .iter()
            .map(|lens| {
                (
                    lens["range"]["start"]["line"].as_u64().unwrap(),
                    lens["command"]["title"].as_str().unwrap().to_owned(),
                )
            })
            .collect()
    }

    /// Waits until the diagnostics of a document fulfil `wanted`.
    pub fn diagnostics(&self, uri: &str, wanted: impl Fn(&[Value]) -> bool) -> Vec<Value> {
        self.diagnostics_after(0, uri, wanted)
    }

    /// As [`Client::diagnostics`], among the messages from index `from` on.
    pub fn diagnostics_after(
        &self,
        from: usize,
        uri: &str,
        wanted: impl Fn(&[Value]) -> bool,
    ) -> Vec<Value> {
        let (_, message) = self.wait_after(from, &format!("diagnostics of {uri}"), |message| {
            message["method"] == "textDocument/publishDiagnostics"
                && message["params"]["uri"] == uri
                && message["params"]["diagnostics"]
                    .as_array()
                    .is_some_and(|found| wanted(found))
        });
        message["params"]["diagnostics"].as_array().unwrap().clone()
    }

    /// Waits for a job's change into a state.
    pub fn job(&self, job: &str, state: &str) -> Value {
        self.wait(&format!("{job} being {state}"), |message| {
            message["method"] == "hoist/jobChanged"
                && message["params"]["job"] == job
                && message["params"]["state"] == state
        })["params"]
            .clone()
    }

    /// Waits for a job's end, whatever it is.
    pub fn end(&self, job: &str) -> Value {
        const ENDS: [&str; 5] = ["succeeded", "failed", "cancelled", "timed_out", "lost"];
        self.wait(&format!("the end of {job}"), |message| {
            message["method"] == "hoist/jobChanged"
                && message["params"]["job"] == job
                && message["params"]["state"]
                    .as_str()
                    .is_some_and(|state| ENDS.contains(&state))
        })["params"]
            .clone()
    }

    /// Everything that came of a stream so far, checked to be gapless.
    pub fn output(&self, job: &str, stream: &str) -> String {
        let mut text = String::new();
        let mut next = 0;
        for message in self.received() {
            let params = &message["params"];
            if message["method"] == "hoist/jobOutput"
                && params["job"] == job
                && params["stream"] == stream
            {
                assert_eq!(params["offset"].as_u64(), Some(next), "{message}");
                next = params["next"].as_u64().unwrap();
                text.push_str(params["text"].as_str().unwrap());
            }
        }
        text
    }

    /// `shutdown` and `exit`; returns how the server ended.
    pub fn leave(mut self) -> (ExitStatus, tempfile::TempDir) {
        self.call("shutdown", Value::Null);
        self.notify("exit", Value::Null);
        self.wait_end()
    }

    /// Closes the server's input without a word.
    pub fn hang_up(self) -> (ExitStatus, tempfile::TempDir) {
        self.input.lock().unwrap().take();
        self.wait_end()
    }

    /// Waits for the server's end.
    pub fn wait_end(mut self) -> (ExitStatus, tempfile::TempDir) {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait().unwrap() {
                let root = std::mem::replace(&mut self.root, tempfile::tempdir().unwrap());
                return (status, root);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("the server does not end");
    }

    fn send(&self, message: &Value) {
        let mut input = self.input.lock().unwrap();
        write_message(input.as_mut().unwrap(), message).unwrap();
    }

    /// Sends bytes as they are.
    pub fn send_raw(&self, bytes: &[u8]) {
        let mut input = self.input.lock().unwrap();
        let input = input.as_mut().unwrap();
        input.write_all(bytes).unwrap();
        input.flush().unwrap();
    }
}

struct Held(Option<std::sync::mpsc::Sender<()>>);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.take();
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A client that can do everything.
pub fn full_capabilities() -> Value {
    let mut capabilities = plain_capabilities();
    capabilities["experimental"] = json!({ "hoist": { "ask": true, "output": true } });
    capabilities
}

/// A client that knows LSP and nothing of ours.
pub fn plain_capabilities() -> Value {
    json!({
        "window": { "workDoneProgress": true, "showDocument": { "support": true } },
        "workspace": { "codeLens": { "refreshSupport": true }, "workspaceFolders": true },
        "textDocument": {
            "codeAction": { "codeActionLiteralSupport": { "codeActionKind": { "valueSet": ["", "quickfix"] } } },
            "hover": { "contentFormat": ["markdown", "plaintext"] },
            "publishDiagnostics": { "relatedInformation": true, "versionSupport": true },
        },
    })
}

/// The URI of a path, encoded as VS Code does.
pub fn uri(path: &Path) -> String {
    let mut uri = "file://".to_owned();
    for byte in path.to_str().unwrap().bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' | b'~' => {
                uri.push(char::from(byte));
            }
            _ => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri
}

fn write_message(input: &mut impl Write, message: &Value) -> std::io::Result<()> {
    let body = message.to_string();
    write!(input, "Content-Length: {}\r\n\r\n{body}", body.len())?;
    input.flush()
}

fn read(
    output: impl Read,
    input: &Mutex<Option<ChildStdin>>,
    inbox: &(Mutex<Inbox>, Condvar),
    answers: &Answers,
) {
    let mut output = BufReader::new(output);
    while let Some(message) = read_message(&mut output) {
        if let (Some(id), Some(method)) = (message.get("id"), message["method"].as_str()) {
            let mut result = answers.lock().unwrap().get(method).cloned();
            if let Some(by_title) = result.as_ref().and_then(|result| result.get("byTitle")) {
                // One answer for each question whose title has these words.
                let title = message["params"]["title"].as_str().unwrap_or_default();
                let mut answers = by_title.as_object().into_iter().flatten();
                let answer = answers.find(|(words, _)| title.contains(words.as_str()));
                result = answer.map(|(_, answer)| answer.clone());
            }
            // A table entry "never" stands for a client that does not answer.
            if result != Some(json!("never")) {
                let answer =
                    json!({ "jsonrpc": "2.0", "id": id, "result": result.unwrap_or(Value::Null) });
                if let Some(input) = input.lock().unwrap().as_mut() {
                    let _ = write_message(input, &answer);
                }
            }
        }
        inbox.0.lock().unwrap().messages.push(message);
        inbox.1.notify_all();
    }
    inbox.0.lock().unwrap().closed = true;
    inbox.1.notify_all();
}

fn read_message(output: &mut impl BufRead) -> Option<Value> {
    let mut length = None;
    loop {
        let mut line = String::new();
        if output.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.strip_prefix("Content-Length: ") {
            length = value.parse::<usize>().ok();
        }
    }
    let mut body = vec![0; length?];
    output.read_exact(&mut body).ok()?;
    serde_json::from_slice(&body).ok()
}
