// The commands of the palette and the menus. The server's own commands (hoist.run, ...) are registered by vscode-languageclient.
import { existsSync } from "node:fs";
import * as path from "node:path";
import { homedir } from "node:os";
import * as vscode from "vscode";
import { type CodeAction, CodeActionRequest, type Command } from "vscode-languageclient/node";
import type { Jobs } from "./jobs.ts";
import { openLink, type PanelView } from "./panelView.ts";
import { candidates } from "./places.ts";
import { type Job, type RunArguments, serverCommand } from "./protocol.ts";
import { messageOf, type Server } from "./server.ts";
import { description, errorLine, isActive, title } from "./words.ts";

/** The scheme of documents that hold a job's output; their query is the job. */
const outputScheme = "hoist-output";

export interface Parts {
  server: Server;
  jobs: Jobs;
  panel: PanelView;
  refresh(): Promise<void>;
}

export function registerCommands(parts: Parts): vscode.Disposable {
  const { server, jobs, panel } = parts;
  const shown = () => (panel.shown ? jobs.get(panel.shown) : undefined);
  const register = (id: string, run: (argument: unknown) => unknown) =>
    vscode.commands.registerCommand(id, async (argument: unknown) => {
      try {
        return await run(argument);
      } catch (error) {
        void vscode.window.showErrorMessage(messageOf(error));
        return undefined;
      }
    });
  /** A command of one job: the one of the tree's row, else the user chooses among those that fit. */
  const ofJob = (id: string, fits: (job: Job) => boolean, none: string, run: (job: Job) => unknown) =>
    register(id, async (argument) => {
      const job = given(argument, jobs) ?? (await choose(jobs.newestFirst().filter(fits), none));
      if (job) await run(job);
    });
  const any = () => true;
  const cancel = (job: Job) => server.command(serverCommand.cancel, [{ job: job.job }]);
  const again = (job: Job) => server.command(serverCommand.rerun, [{ job: job.job }]);
  // A document of a scheme of our own: it can be read and searched, and is never asked to be saved.
  const changed = new vscode.EventEmitter<vscode.Uri>();
  const open = async (job: Job) => {
    const uri = vscode.Uri.from({ scheme: outputScheme, path: `/${title(job).replaceAll("/", "_")} on ${job.target}.log`, query: job.job });
    changed.fire(uri); // what was printed since it was opened last
    const document = await vscode.languages.setTextDocumentLanguage(await vscode.workspace.openTextDocument(uri), "log");
    await vscode.window.showTextDocument(document, { preview: false });
  };

  return vscode.Disposable.from(
    changed,
    vscode.workspace.registerTextDocumentContentProvider(outputScheme, { onDidChange: changed.event, provideTextDocumentContent: (uri) => panel.text(uri.query) }),
    register("hoist.runAtCursor", () => atCursor(server, serverCommand.run)),
    register("hoist.runAtCursorWith", () => atCursor(server, serverCommand.runWith)),
    register("hoist.runAtCursorOn", () => atCursor(server, serverCommand.runOn)),
    register("hoist.runSweepAtCursor", () => atCursor(server, serverCommand.runSweep)),
    register("hoist.runMapAtCursor", () => atCursor(server, serverCommand.runMap)),
    register("hoist.showPackageAtCursor", () => atCursor(server, serverCommand.showPackage)),
    register("hoist.showScriptAtCursor", () => atCursor(server, serverCommand.showScript)),
    register("hoist.runSelection", () => runSelection(server)),
    register("hoist.runLast", () => server.command(serverCommand.rerun, [{}])),
    ofJob("hoist.cancelJob", isActive, "No job is running.", cancel),
    ofJob("hoist.rerunJob", any, "There is no job yet.", again),
    ofJob("hoist.showJobOutput", any, "There is no job yet.", (job) => panel.show(job.job, { reveal: true, focus: false })),
    ofJob("hoist.openJobOutput", any, "There is no job yet.", open),
    ofJob("hoist.showJobResult", (job) => !isActive(job), "No job is at its end.", (job) => server.command(serverCommand.showResult, [{ job: job.job }])),
    ofJob("hoist.openJobFiles", (job) => !!(job.figures?.length || job.files?.length), "No job has left files.", (job) => server.command(serverCommand.openFiles, [{ job: job.job }])),
    ofJob("hoist.copyResult", (job) => !!job.result, "No job has a result.", (job) => copy(job.result?.repr, "The result")),
    ofJob("hoist.copyError", (job) => !!job.error, "No job has failed.", (job) => copy(job.error?.traceback ?? errorLine(job), "The error")),
    ofJob("hoist.goToFunction", any, "There is no job yet.", (job) => openLink({ uri: job.uri, line: (job.line ?? 0) + 1 })),
    ofJob("hoist.goToError", (job) => !!job.error, "No job has failed.", goToError),
    register("hoist.refreshJobs", () => parts.refresh()),
    register("hoist.connectTarget", () => server.command(serverCommand.connect, [{ uri: vscode.window.activeTextEditor?.document.uri.toString() }])),
    register("hoist.editTargets", editTargets),
    register("hoist.restartServer", () => server.start()),
    register("hoist.showLog", () => server.showLog()),
    register("hoist.cancelShown", () => withJob(shown(), cancel)),
    register("hoist.rerunShown", () => withJob(shown(), again)),
    register("hoist.openShown", () => withJob(shown(), open)),
  );
}

function withJob(job: Job | undefined, run: (job: Job) => unknown): unknown {
  return job ? run(job) : undefined;
}

/** The job of a tree row, as it is now. */
function given(argument: unknown, jobs: Jobs): Job | undefined {
  const id = typeof argument === "object" && argument !== null && "job" in argument ? argument.job : undefined;
  return typeof id === "string" ? jobs.get(id) : undefined;
}

async function choose(fitting: Job[], none: string): Promise<Job | undefined> {
  if (fitting.length === 0) {
    void vscode.window.showInformationMessage(none);
    return undefined;
  }
  if (fitting.length === 1) return fitting[0];
  const now = Date.now();
  const items = fitting.map((job) => ({ label: title(job), description: description(job, now), job }));
  return (await vscode.window.showQuickPick(items, { title: "Which job?", matchOnDescription: true }))?.job;
}

async function copy(text: string | undefined, what: string): Promise<void> {
  if (text === undefined) {
    void vscode.window.showInformationMessage("There is nothing to copy: this job has none.");
    return;
  }
  await vscode.env.clipboard.writeText(text);
  vscode.window.setStatusBarMessage(`${what} is on the clipboard.`, 3000);
}

async function goToError(job: Job): Promise<void> {
  const frame = job.error?.frames?.findLast((candidate) => candidate.uri);
  if (frame?.uri) await openLink({ uri: frame.uri, line: frame.line });
  else void vscode.window.showInformationMessage("The error was raised in no file of this workspace.");
}

/** Runs what the server offers at the cursor: its code actions know which function that is. */
async function atCursor(server: Server, command: string): Promise<void> {
  const editor = vscode.window.activeTextEditor;
  const client = server.client;
  if (!client) return server.tellWhyNot();
  if (editor?.document.languageId !== "python") {
    void vscode.window.showInformationMessage("Put the cursor into a function of a Python file first.");
    return;
  }
  const actions = await client.sendRequest(CodeActionRequest.type, {
    textDocument: client.code2ProtocolConverter.asTextDocumentIdentifier(editor.document),
    range: client.code2ProtocolConverter.asRange(new vscode.Range(editor.selection.active, editor.selection.active)),
    context: { diagnostics: [] },
  });
  const found = (actions ?? []).map(commandOf).find((candidate) => candidate?.command === command);
  if (!found) {
    void vscode.window.showInformationMessage("There is no function at the cursor that can run.");
    return;
  }
  await server.command(found.command, found.arguments ?? []);
}

function commandOf(action: CodeAction | Command): Command | undefined {
  return typeof action.command === "string" ? (action as Command) : action.command;
}

async function runSelection(server: Server): Promise<void> {
  const editor = vscode.window.activeTextEditor;
  const client = server.client;
  if (!client) return server.tellWhyNot();
  if (editor?.document.languageId !== "python") return;
  const { start, end } = editor.selection;
  // A selection that ends at the very beginning of a line does not mean that line.
  const last = end.line > start.line && end.character === 0 ? end.line - 1 : end.line;
  const run: RunArguments = { uri: client.code2ProtocolConverter.asUri(editor.document.uri), entry: `${start.line + 1}-${last + 1}` };
  await server.command(serverCommand.run, [run]);
}

/** Opens a file that a line of the output names, if it is one of this workspace. */
export async function openPlace(job: Job | undefined, file: string, line: number): Promise<void> {
  const frame = job?.error?.frames?.find((candidate) => candidate.line === line && candidate.uri && path.basename(candidate.file) === path.basename(file));
  if (frame?.uri) return openLink({ uri: frame.uri, line });
  const folders = (vscode.workspace.workspaceFolders ?? []).filter((folder) => folder.uri.scheme === "file").map((folder) => folder.uri.fsPath);
  if (job?.uri.startsWith("file:")) folders.push(path.dirname(vscode.Uri.parse(job.uri).fsPath));
  const here = candidates(file, folders).find((candidate) => existsSync(candidate));
  if (here) return openLink({ uri: vscode.Uri.file(here).toString(), line });
  void vscode.window.showInformationMessage(`${file} is a file of the other machine; there is none like it in this workspace.`);
}

const template = `# Where Hoist may run your functions. All keys: docs/configuration.md in Hoist's repository.
#
# default_target = "discovery"
#
# [targets.discovery]
# scheduler = "slurm"        # or "none": a plain process on the host
# host = "discovery"         # a host of your ~/.ssh/config
# work_dir = "~/.hoist"      # seen by the compute nodes too
# modules = ["python/3.11"]
#
# [targets.discovery.resources]
# partition = "standard"
# cores = 4
# memory = "8G"
# time = "1h"
`;

/** Opens the file that names the targets; makes it with an example in comments where there is none. */
async function editTargets(): Promise<void> {
  const config = process.env["XDG_CONFIG_HOME"] ?? path.join(homedir(), ".config");
  const mine = vscode.Uri.file(path.join(config, "hoist", "config.toml"));
  const places = [{ label: "For all my projects", description: mine.fsPath, uri: mine }];
  for (const folder of vscode.workspace.workspaceFolders ?? []) {
    const uri = vscode.Uri.joinPath(folder.uri, "hoist.toml");
    places.push({ label: `For ${folder.name} only`, description: uri.fsPath, uri });
  }
  const place = places.length === 1 ? places[0] : await vscode.window.showQuickPick(places, { title: "Which file of targets?" });
  if (!place) return;
  if (!existsSync(place.uri.fsPath)) await vscode.workspace.fs.writeFile(place.uri, new TextEncoder().encode(template));
  await vscode.window.showTextDocument(place.uri);
}
