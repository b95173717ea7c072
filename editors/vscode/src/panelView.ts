// The view "Output" in the panel: shows one job at a time, the one that was started last or chosen last.
import { randomBytes } from "node:crypto";
import * as vscode from "vscode";
import type { Jobs } from "./jobs.ts";
import type { FromPanel, Head, Link, ToPanel } from "./panel/messages.ts";
import { type Fetch, Output, type Piece } from "./output.ts";
import type { Job, JobOutput } from "./protocol.ts";
import { errorLine, isActive, stateWords, title } from "./words.ts";

export const viewId = "hoist.output";

/** Outputs of so many ended jobs are kept in memory; others are asked for again when they are shown. */
const outputsKept = 12;

export class PanelView implements vscode.WebviewViewProvider, vscode.Disposable {
  readonly #extension: vscode.Uri;
  readonly #jobs: Jobs;
  readonly #fetch: (job: string) => Fetch;
  readonly #openText: (job: Job | undefined, file: string, line: number) => void;
  readonly #outputs = new Map<string, Output>();
  readonly #listener: { dispose(): void };
  #view: vscode.WebviewView | undefined;
  #ready = false;
  #shown: string | undefined;
  /** Pieces that wait for the next message to the page: one message for many small ones. */
  #waiting: Piece[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(extension: vscode.Uri, jobs: Jobs, fetch: (job: string) => Fetch, openText: (job: Job | undefined, file: string, line: number) => void) {
    this.#extension = extension;
    this.#jobs = jobs;
    this.#fetch = fetch;
    this.#openText = openText;
    this.#listener = jobs.onChange((change) => {
      if (!change || change.job.job === this.#shown) this.#sendHead();
    });
  }

  dispose(): void {
    this.#listener.dispose();
    clearTimeout(this.#timer);
  }

  /** The job that the panel shows. */
  get shown(): string | undefined {
    return this.#shown;
  }

  /** Whether the user sees this job's output now. */
  isVisible(job: string): boolean {
    return this.#shown === job && this.#view?.visible === true;
  }

  /** Takes a `hoist/jobOutput`. */
  take(note: JobOutput): void {
    this.#output(note.job)
      .take(note)
      .catch((error: unknown) => console.error("hoist: output", error));
  }

  /** Turns the panel to this job; with `reveal` it is opened, and with `focus` it gets the keyboard. */
  async show(job: string, how: { reveal: boolean; focus: boolean }): Promise<void> {
    const isOther = this.#shown !== job;
    this.#shown = job;
    if (isOther) {
      this.#sendAll();
      this.#load(job);
    }
    if (!how.reveal) return;
    if (this.#view && !how.focus) this.#view.show(true);
    else await vscode.commands.executeCommand(`${viewId}.focus`, { preserveFocus: !how.focus });
  }

  /** Everything the job has printed so far, both streams in the order in which they came, as plain text. */
  async text(job: string): Promise<string> {
    const output = this.#output(job);
    await output.load();
    const head = output.dropped > 0 ? "[the beginning is left out]\n" : "";
    return head + output.pieces.map((piece) => piece.text).join("");
  }

  resolveWebviewView(view: vscode.WebviewView): void {
    this.#view = view;
    this.#ready = false;
    view.webview.options = { enableScripts: true, localResourceRoots: [vscode.Uri.joinPath(this.#extension, "dist"), vscode.Uri.joinPath(this.#extension, "media")] };
    view.webview.onDidReceiveMessage((message: FromPanel) => this.#receive(message));
    view.onDidDispose(() => {
      this.#view = undefined;
      this.#ready = false;
    });
    view.webview.html = this.#page(view.webview);
  }

  #receive(message: FromPanel): void {
    switch (message.type) {
      case "ready":
        this.#ready = true;
        this.#sendAll();
        if (this.#shown) this.#load(this.#shown);
        break;
      case "open":
        void openLink(message.link);
        break;
      case "openText":
        this.#openText(this.#shown ? this.#jobs.get(this.#shown) : undefined, message.file, message.line);
        break;
      case "copy":
        void vscode.env.clipboard.writeText(message.text);
        break;
    }
  }

  #output(job: string): Output {
    let output = this.#outputs.get(job);
    if (output) {
      this.#outputs.delete(job); // the newest use stands last
    } else {
      output = new Output(this.#fetch(job));
      const made = output;
      made.listen((piece) => {
        if (job === this.#shown && this.#outputs.get(job) === made) this.#sendSoon(piece);
      });
    }
    this.#outputs.set(job, output);
    this.#forget();
    return output;
  }

  #forget(): void {
    let surplus = this.#outputs.size - outputsKept;
    for (const id of this.#outputs.keys()) {
      if (surplus <= 0) return;
      const job = this.#jobs.get(id);
      if (id === this.#shown || !job || isActive(job)) continue;
      this.#outputs.delete(id);
      surplus--;
    }
  }

  #load(job: string): void {
    const output = this.#output(job);
    output
      .load()
      .then(() => this.#sendNote(job, output))
      .catch((error: unknown) => console.error("hoist: output", error));
  }

  #sendSoon(piece: Piece): void {
    const last = this.#waiting.at(-1);
    if (last && last.stream === piece.stream) last.text += piece.text;
    else this.#waiting.push({ ...piece });
    this.#timer ??= setTimeout(() => this.#flush(), 25);
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const pieces = this.#waiting;
    this.#waiting = [];
    if (pieces.length > 0 && this.#shown) this.#send({ type: "append", job: this.#shown, pieces });
  }

  #sendAll(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#waiting = [];
    const output = this.#shown ? this.#output(this.#shown) : undefined;
    this.#send({ type: "show", head: this.#head(), pieces: output?.pieces ?? [] });
    if (this.#shown && output) this.#sendNote(this.#shown, output);
    this.#setContext();
  }

  /** What the user must know about the text: that its beginning is not there, or that its order is not the real one. */
  #sendNote(job: string, output: Output): void {
    const notes: string[] = [];
    if (output.dropped > 0) notes.push("The beginning is left out here; the job's log has it.");
    if (output.isApart) notes.push("What was printed while this window did not listen stands here one stream after the other: standard output, then standard error.");
    if (notes.length > 0) this.#send({ type: "note", job, text: notes.join(" ") });
  }

  #sendHead(): void {
    this.#flush(); // what was printed stands before the end
    const head = this.#head();
    if (head) this.#send({ type: "head", head });
    this.#setContext();
  }

  #send(message: ToPanel): void {
    if (this.#view && this.#ready) void this.#view.webview.postMessage(message);
  }

  #setContext(): void {
    const job = this.#shown ? this.#jobs.get(this.#shown) : undefined;
    void vscode.commands.executeCommand("setContext", "hoist.shown", job ? (isActive(job) ? "active" : "ended") : undefined);
  }

  #head(): Head | undefined {
    const job = this.#shown ? this.#jobs.get(this.#shown) : undefined;
    return job ? headOf(job) : undefined;
  }

  #page(webview: vscode.Webview): string {
    const nonce = randomBytes(16).toString("base64");
    const file = (...parts: string[]) => webview.asWebviewUri(vscode.Uri.joinPath(this.#extension, ...parts)).toString();
    return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src ${webview.cspSource}; script-src 'nonce-${nonce}';">
<link rel="stylesheet" href="${file("media", "panel.css")}">
<title>Output of a job</title>
</head>
<body>
<header id="head" hidden>
<span id="state" class="state"></span><span id="title"></span><span id="target"></span><span id="words"></span><span id="note" hidden></span>
<span id="streams" role="group" aria-label="Streams"><button value="both" aria-pressed="true">both</button><button value="stdout" aria-pressed="false">stdout</button><button value="stderr" aria-pressed="false">stderr</button></span>
</header>
<main id="main" data-streams="both" tabindex="0">
<p id="nothing">Click "Run on ..." above a function, or choose a job in the view Hoist.</p>
<p id="about" hidden></p>
<div id="output" role="log" aria-label="Output"><div id="blocks"></div><div id="tail"></div></div>
<p id="empty" hidden></p>
<section id="end" aria-label="End of the job" hidden></section>
</main>
<script nonce="${nonce}" src="${file("dist", "panel.js")}"></script>
</body>
</html>`;
  }
}

function headOf(job: Job): Head {
  const active = isActive(job);
  return {
    job: job.job,
    title: title(job),
    target: job.target,
    state: job.state,
    active,
    words: job.state === "running" ? "running" : stateWords(job, Date.now()),
    since: job.state === "running" && typeof job.started === "number" ? job.started : undefined,
    note: (active ? (job.message ?? job.reason) : job.reason) ?? "",
    result: job.state === "succeeded" && job.result ? job.result.repr : undefined,
    error: job.error
      ? {
          line: errorLine(job) ?? job.error.type,
          frames: (job.error.frames ?? []).map((frame) => ({
            text: `${frame.file}, line ${frame.line}${frame.function ? `, in ${frame.function}` : ""}`,
            link: frame.uri ? { uri: frame.uri, line: frame.line } : undefined,
          })),
        }
      : undefined,
  };
}

/** Opens a place of one of the user's files. */
export async function openLink(link: Link): Promise<void> {
  const at = new vscode.Position(Math.max(0, link.line - 1), 0);
  try {
    const document = await vscode.workspace.openTextDocument(vscode.Uri.parse(link.uri, true));
    const line = document.lineAt(Math.min(at.line, document.lineCount - 1));
    await vscode.window.showTextDocument(document, { selection: new vscode.Range(line.range.start.translate(0, line.firstNonWhitespaceCharacterIndex), line.range.end) });
  } catch (error) {
    void vscode.window.showWarningMessage(`${link.uri} does not open: ${error instanceof Error ? error.message : String(error)}`);
  }
}
