"""A client of the language server protocol, as small as measuring allows."""

import json
import pathlib
import queue
import subprocess
import threading
import time

# What an editor says of itself; it takes diagnostics that are pushed, and asks for none.
CAPABILITIES = {
    "general": {"positionEncodings": ["utf-16"]},
    "workspace": {"configuration": False, "workspaceFolders": True, "applyEdit": True,
                  "workspaceEdit": {"documentChanges": True},
                  "didChangeWatchedFiles": {"dynamicRegistration": True},
                  "codeLens": {"refreshSupport": False}},
    "textDocument": {
        "synchronization": {"dynamicRegistration": False, "didSave": True},
        "publishDiagnostics": {"relatedInformation": True, "versionSupport": True, "codeDescriptionSupport": True,
                               "dataSupport": True, "tagSupport": {"valueSet": [1, 2]}},
        "codeAction": {"codeActionLiteralSupport": {"codeActionKind": {"valueSet": ["", "quickfix", "refactor"]}},
                       "dataSupport": True, "resolveSupport": {"properties": ["edit"]}},
        "codeLens": {"dynamicRegistration": False}, "hover": {"contentFormat": ["markdown", "plaintext"]},
    },
    "window": {"workDoneProgress": True, "showMessage": {}},
}


class Server:
    """One server over standard input and output. Times are of `time.perf_counter`."""

    def __init__(self, name, command, folder, environment):
        self.name, self.folder = name, folder
        self.started = time.perf_counter()
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, cwd=folder, env=environment)
        self.answers, self.published = {}, queue.Queue()
        self.arrived = threading.Condition()
        self.number = 0
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        """Takes in every message; on a thread of its own, so that the moment of arrival is right."""
        output = self.process.stdout
        while line := output.readline():
            if not line.lower().startswith(b"content-length:"):
                continue
            length = int(line.split(b":")[1])
            while output.readline().strip():
                pass
            body = output.read(length)
            now = time.perf_counter()
            message = json.loads(body)
            if message.get("method") == "textDocument/publishDiagnostics":
                self.published.put((now, message["params"]))
            elif "method" in message and "id" in message:
                self.write({"id": message["id"], "result": None})
            elif "id" in message:
                with self.arrived:
                    self.answers[message["id"]] = (now, message)
                    self.arrived.notify_all()

    def write(self, message):
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self.process.stdin.flush()

    def notify(self, method, params):
        self.write({"method": method, "params": params})

    def request(self, method, params):
        """The answer's moment and the answer."""
        self.number += 1
        self.write({"id": self.number, "method": method, "params": params})
        with self.arrived:
            if not self.arrived.wait_for(lambda: self.number in self.answers, timeout=60):
                raise SystemExit(f"tests/bench: {self.name} does not answer {method}")
            moment, message = self.answers.pop(self.number)
        if "error" in message:
            raise SystemExit(f"tests/bench: {self.name} refuses {method}: {message['error']['message']}")
        return moment, message.get("result")

    def initialize(self):
        root = self.folder.as_uri()
        self.request("initialize", {"processId": None, "rootUri": root, "capabilities": CAPABILITIES,
                                    "workspaceFolders": [{"uri": root, "name": "bench"}]})
        self.notify("initialized", {})

    def open(self, path, text):
        self.uri, self.version = path.as_uri(), 1
        self.notify("textDocument/didOpen", {"textDocument": {"uri": self.uri, "languageId": "python", "version": 1,
                                                              "text": text}})

    def type(self, line, character, text, removed=0):
        """One change; gives the moment before it was sent."""
        self.version += 1
        change = {"range": {"start": {"line": line, "character": character},
                            "end": {"line": line, "character": character + removed}}, "text": text}
        before = time.perf_counter()
        self.notify("textDocument/didChange", {"textDocument": {"uri": self.uri, "version": self.version},
                                               "contentChanges": [change]})
        return before

    def diagnostics(self, timeout=60):
        """The moment at which the first diagnostics of the text of now arrive, and these."""
        while True:
            try:
                moment, params = self.published.get(timeout=timeout)
            except queue.Empty:
                raise SystemExit(f"tests/bench: {self.name} publishes no diagnostics of version {self.version}")
            if params["uri"] == self.uri and params.get("version") == self.version:
                return moment, params["diagnostics"]

    def settled(self, quiet):
        """The last moment at which diagnostics of the text of now arrive before so long a silence; none without."""
        last = None
        while True:
            try:
                moment, params = self.published.get(timeout=quiet)
            except queue.Empty:
                return last
            if params["uri"] == self.uri and params.get("version") == self.version:
                last = moment

    def resident(self):
        """Megabytes of memory that the process has resident (Linux)."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        kilobytes = next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS:"))
        return int(kilobytes) / 1024

    def end(self):
        self.request("shutdown", None)
        self.notify("exit", None)
        self.process.wait(timeout=10)
