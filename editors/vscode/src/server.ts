// The server's life in this window: found, started, watched, started again.
import { execFile } from "node:child_process";
import { statSync } from "node:fs";
import { homedir } from "node:os";
import * as vscode from "vscode";
import {
  CloseAction,
  CodeLensRequest,
  ErrorAction,
  ExecuteCommandRequest,
  LanguageClient,
  type LanguageClientOptions,
  ResponseError,
  RevealOutputChannelOn,
  State,
  type StaticFeature,
} from "vscode-languageclient/node";
import { ask } from "./ask.ts";
import { findBinary } from "./binary.ts";
import { type Job, type JobOutput, method, type Question, refused, type ShowFile, type ShowText } from "./protocol.ts";

/** `restricted`: the workspace is not trusted. `missing`: there is no program to start. `stopped`: it has ended and is not started again by itself. */
export type ServerState = "restricted" | "missing" | "starting" | "running" | "stopped";

/** What the server says of its own accord. */
export interface Heard {
  jobChanged(job: Job): void;
  jobOutput(output: JobOutput): void;
  showOutput(job: string): void;
  showText(shown: ShowText): void;
  showFile(shown: ShowFile): void;
}

/** After so many ends within three minutes the server is not started again by itself. */
const endsAtMost = 4;

export class Server implements vscode.Disposable {
  readonly #context: vscode.ExtensionContext;
  readonly #heard: Heard;
  readonly #log: vscode.LogOutputChannel;
  readonly #changed = new vscode.EventEmitter<ServerState>();
  readonly onDidChangeState = this.#changed.event;
  #trace: vscode.LogOutputChannel | undefined;
  #state: ServerState = "starting";
  #client: LanguageClient | undefined;
  /** "hoist 0.1.0, /usr/bin/hoist", for the status bar's tooltip. */
  #what = "";
  #starts: Promise<void> = Promise.resolve();
  #ends: number[] = [];

  constructor(context: vscode.ExtensionContext, heard: Heard) {
    this.#context = context;
    this.#heard = heard;
    this.#log = vscode.window.createOutputChannel("Hoist", { log: true });
  }

  get state(): ServerState {
    return this.#state;
  }
  get what(): string {
    return this.#what;
  }
  get client(): LanguageClient | undefined {
    return this.#state === "running" ? this.#client : undefined;
  }

  showLog(): void {
    this.#log.show(true);
  }

  /** Starts the server, or ends it and starts it anew. One start after the other. */
  start(): Promise<void> {
    this.#starts = this.#starts.then(
      () => this.#startNow(),
      () => this.#startNow(),
    );
    return this.#starts;
  }

  async stop(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    if (client) await client.dispose(3000).catch(() => undefined);
  }

  dispose(): void {
    void this.stop();
    this.#trace?.dispose();
    this.#log.dispose();
    this.#changed.dispose();
  }

  /** Sends a request of Hoist's own. */
  async request<Answer>(name: string, parameters: unknown): Promise<Answer> {
    const client = this.client;
    if (!client) throw new Error("the server of Hoist is not running");
    return client.sendRequest<Answer>(name, parameters);
  }

  /** Has the server carry out a command. The server itself tells the user why it refuses one; anything else that goes wrong is told here. */
  async command<Answer>(command: string, args: unknown[]): Promise<Answer | undefined> {
    const client = this.client;
    if (!client) {
      await this.tellWhyNot();
      return undefined;
    }
    try {
      return (await client.sendRequest(ExecuteCommandRequest.type, { command, arguments: args })) as Answer;
    } catch (error) {
      if (error instanceof ResponseError && error.code === refused) return undefined;
      this.#log.error(`${command}: ${messageOf(error)}`);
      void vscode.window.showErrorMessage(messageOf(error));
      return undefined;
    }
  }

  /** Has VS Code ask for the lenses of a document again. */
  refreshLenses(document: vscode.TextDocument): void {
    this.client?.getFeature(CodeLensRequest.method).getProvider(document)?.onDidChangeCodeLensEmitter.fire();
  }

  /** Tells why nothing can run now, with the way out as a button. */
  async tellWhyNot(): Promise<void> {
    switch (this.#state) {
      case "restricted":
        if (await vscode.window.showInformationMessage("Hoist runs nothing in Restricted Mode.", "Manage Workspace Trust")) await vscode.commands.executeCommand("workbench.trust.manage");
        break;
      case "missing":
        await this.#tellMissing();
        break;
      case "starting":
        void vscode.window.showInformationMessage("The server of Hoist is still starting.");
        break;
      case "stopped":
        if (await vscode.window.showWarningMessage("The server of Hoist has stopped.", "Start It Again")) await this.start();
        break;
      case "running":
    }
  }

  async #startNow(): Promise<void> {
    await this.stop();
    if (!vscode.workspace.isTrusted) return this.#turn("restricted");
    this.#turn("starting");
    const settings = vscode.workspace.getConfiguration("hoist");
    const found = findBinary({
      setting: settings.get("path", ""),
      extension: this.#context.extensionPath,
      developing: this.#context.extensionMode === vscode.ExtensionMode.Development,
      home: homedir(),
      searchPath: process.env["PATH"] ?? "",
      windows: process.platform === "win32",
      isFile: (file) => statSync(file, { throwIfNoEntry: false })?.isFile() === true,
    });
    if ("missing" in found) {
      this.#what = found.missing;
      this.#turn("missing");
      void this.#tellMissing();
      return;
    }
    const version = await versionOf(found.path);
    if ("error" in version) {
      this.#what = `${found.path} does not start: ${version.error}. Install Hoist's program, or set hoist.path to where it is.`;
      this.#turn("missing");
      void this.#tellMissing();
      return;
    }
    this.#what = `${version.text}, ${found.path}`;
    this.#log.info(`starting ${found.path} (${version.text})`);
    const client = this.#makeClient(found.path, settings);
    this.#client = client;
    try {
      await client.start();
    } catch (error) {
      if (this.#client !== client) return;
      this.#log.error(`the server does not start: ${messageOf(error)}`);
      this.#turn("stopped");
      if (await vscode.window.showErrorMessage(`The server of Hoist does not start: ${messageOf(error)}`, "Show Log")) this.showLog();
    }
  }

  #makeClient(command: string, settings: vscode.WorkspaceConfiguration): LanguageClient {
    const trace = settings.get("trace.server", "off") !== "off" ? this.#traceChannel() : undefined;
    const defaultTarget = settings.get("defaultTarget", "").trim();
    const options: LanguageClientOptions = {
      documentSelector: [
        { language: "python", scheme: "file" },
        // By name: without an extension for TOML they have no language of their own.
        { pattern: "**/{hoist,pyproject}.toml", scheme: "file" },
      ],
      outputChannel: this.#log,
      ...(trace ? { traceOutputChannel: trace } : {}),
      revealOutputChannelOn: RevealOutputChannelOn.Never,
      initializationOptions: {
        lenses: { run: settings.get("lenses.run", true), runWith: settings.get("lenses.runWith", true), state: settings.get("lenses.state", true) },
        figures: { open: settings.get("figures.open", true) },
        ...(defaultTarget ? { defaultTarget } : {}),
      },
      initializationFailedHandler: () => false,
      errorHandler: {
        error: () => ({ action: ErrorAction.Continue, handled: true }),
        closed: () => this.#closed(client),
      },
      middleware: {
        executeCommand: (name: string, args: unknown[]) => this.command(name, args),
        provideCompletionItem: async (document, position, context, token, next) => {
          const found = await next(document, position, context, token);
          const items = Array.isArray(found) ? found : (found?.items ?? []);
          // Behind a folder's slash the path goes on.
          for (const item of items) if (item.kind === vscode.CompletionItemKind.Folder) item.command = { title: "Suggest", command: "editor.action.triggerSuggest" };
          return found;
        },
      },
    };
    const client: LanguageClient = new LanguageClient("hoist", "Hoist", { command, args: ["lsp"] }, options);
    client.registerFeature(announcement);
    client.onNotification(method.jobChanged, (job: Job) => this.#heard.jobChanged(job));
    client.onNotification(method.jobOutput, (output: JobOutput) => this.#heard.jobOutput(output));
    client.onNotification(method.showOutput, ({ job }: { job: string }) => this.#heard.showOutput(job));
    client.onNotification(method.showText, (shown: ShowText) => this.#heard.showText(shown));
    client.onNotification(method.showFile, (shown: ShowFile) => this.#heard.showFile(shown));
    client.onRequest(method.ask, (question: Question, token: vscode.CancellationToken) => ask(question, token));
    client.onDidChangeState(({ newState }) => {
      if (this.#client !== client) return;
      if (newState === State.Running) this.#turn("running");
      else if (newState === State.Starting) this.#turn("starting");
    });
    return client;
  }

  /** The server has ended without having been asked to: once more, but not for ever. Its jobs run on and are taken up by the next start. */
  #closed(client: LanguageClient): { action: CloseAction; handled: boolean } {
    if (this.#client !== client) return { action: CloseAction.DoNotRestart, handled: true };
    const now = Date.now();
    this.#ends = [...this.#ends.filter((end) => now - end < 180_000), now];
    if (this.#ends.length < endsAtMost) {
      this.#log.warn("the server has ended, starting it again");
      return { action: CloseAction.Restart, handled: true };
    }
    this.#log.error("the server has ended too often");
    this.#ends = [];
    this.#turn("stopped");
    void vscode.window.showErrorMessage("The server of Hoist has ended several times in a short while. Your jobs run on.", "Start It Again", "Show Log").then((choice) => {
      if (choice === "Start It Again") void this.start();
      else if (choice) this.showLog();
    });
    return { action: CloseAction.DoNotRestart, handled: true };
  }

  #turn(state: ServerState): void {
    this.#state = state;
    void vscode.commands.executeCommand("setContext", "hoist.server", state);
    this.#changed.fire(state);
  }

  async #tellMissing(): Promise<void> {
    const choice = await vscode.window.showErrorMessage(this.#what, "Open Settings", "Look Again");
    if (choice === "Open Settings") await vscode.commands.executeCommand("workbench.action.openSettings", "hoist.path");
    else if (choice) await this.start();
  }

  /** vscode-languageclient traces at the log level "trace" only; the setting shall be enough. */
  #traceChannel(): vscode.LogOutputChannel {
    const channel = (this.#trace ??= vscode.window.createOutputChannel("Hoist Trace", { log: true }));
    return new Proxy({} as vscode.LogOutputChannel, {
      get(_target, key) {
        if (key === "logLevel") return vscode.LogLevel.Trace;
        if (key === "trace") return (message: string, ...rest: unknown[]) => channel.info(message, ...rest);
        const value: unknown = Reflect.get(channel, key);
        return typeof value === "function" ? (value as (...args: unknown[]) => unknown).bind(channel) : value;
      },
    });
  }
}

/** Tells the server that this client answers questions and shows output by itself. */
const announcement: StaticFeature = {
  fillClientCapabilities(capabilities) {
    const before = (capabilities.experimental ?? {}) as object;
    capabilities.experimental = { ...before, hoist: { ask: true, output: true, text: true, file: true } };
  },
  initialize() {},
  getState() {
    return { kind: "static" };
  },
  clear() {},
};

/** Asks the program for its version: something else by the same name, or one for another machine, is told from it in words. */
function versionOf(program: string): Promise<{ text: string } | { error: string }> {
  return new Promise((resolve) => {
    execFile(program, ["--version"], { timeout: 20_000, windowsHide: true }, (error, stdout) => {
      const first = stdout.split(/\r?\n/)[0]?.trim() ?? "";
      if (error) resolve({ error: error.message.split("\n")[0] ?? error.message });
      else if (!/^hoist\b/.test(first)) resolve({ error: `it is another program ("${first.slice(0, 60)}")` });
      else resolve({ text: first });
    });
  });
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
