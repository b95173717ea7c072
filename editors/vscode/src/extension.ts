// Hoist for VS Code. The server (`hoist lsp`) finds what can run, runs it and knows the jobs; this extension starts it and shows what it says.
//
// server.ts     the server's life            jobs.ts      the jobs, as told          words.ts   jobs in words
// jobsView.ts   the tree of jobs             panelView.ts, panel/  the output        status.ts  the status bar
// ask.ts        the server's questions       commands.ts  palette and menus          output.ts  each byte once
// texts.ts      documents that it shows
import * as vscode from "vscode";
import { openPlace, registerCommands } from "./commands.ts";
import { Jobs } from "./jobs.ts";
import { JobsView } from "./jobsView.ts";
import { PanelView, viewId } from "./panelView.ts";
import { type Job, method, type OutputAnswer, type ShowFile } from "./protocol.ts";
import { messageOf, Server } from "./server.ts";
import { statusBar } from "./status.ts";
import { Texts } from "./texts.ts";
import { endSentence } from "./words.ts";

let server: Server | undefined;

export async function activate(context: vscode.ExtensionContext): Promise<void> {
  const began = Date.now();
  const jobs = new Jobs();
  const texts = new Texts();
  const made = new Server(context, {
    jobChanged: (job) => jobs.change(job),
    jobOutput: (output) => panel.take(output),
    showOutput: (job) => void panel.show(job, { reveal: true, focus: false }),
    showText: (shown) => void texts.show(shown),
    showFile: (shown) => void showFile(shown),
  });
  server = made;
  const panel = new PanelView(
    context.extensionUri,
    jobs,
    (job) => (stream, offset) => made.request<OutputAnswer>(method.output, { job, stream, offset }),
    (job, file, line) => void openPlace(job, file, line),
  );
  const refresh = async () => {
    jobs.replace(await made.request<Job[]>(method.jobs, {}));
  };

  const settings = () => vscode.workspace.getConfiguration("hoist");
  const setContexts = () => {
    void vscode.commands.executeCommand("setContext", "hoist.hasJobs", jobs.newestFirst().length > 0);
    void vscode.commands.executeCommand("setContext", "hoist.hasActiveJobs", jobs.active().length > 0);
  };
  context.subscriptions.push(
    made,
    texts,
    panel,
    vscode.window.registerWebviewViewProvider(viewId, panel),
    new JobsView(jobs),
    statusBar(jobs, made),
    registerCommands({ server: made, jobs, panel, refresh }),
    jobs.onChange((change) => {
      setContexts();
      if (!change) return;
      // A job of this session: its output is what the user wants to see now. Older ones are only listed.
      if (change.isNew && change.job.created >= began - 2000) void panel.show(change.job.job, { reveal: settings().get("output.reveal", true), focus: false });
      if (change.hasEnded && !panel.isVisible(change.job.job)) void tellEnd(change.job, settings().get("notify", "ended"));
    }),
    made.onDidChangeState((state) => {
      if (state === "running") refresh().catch((error: unknown) => void vscode.window.showWarningMessage(`The list of jobs does not come: ${messageOf(error)}`));
    }),
    // VS Code asks for lenses once when a document is shown. When that answer is lost on a busy machine, none would stand there until the next edit.
    vscode.window.onDidChangeActiveTextEditor((editor) => {
      if (editor?.document.languageId === "python") setTimeout(() => made.refreshLenses(editor.document), 2000);
    }),
    vscode.workspace.onDidGrantWorkspaceTrust(() => void made.start()),
    vscode.workspace.onDidChangeConfiguration((event) => {
      if (["hoist.path", "hoist.defaultTarget", "hoist.lenses", "hoist.figures", "hoist.trace.server"].some((section) => event.affectsConfiguration(section))) void made.start();
    }),
  );
  // Not awaited: the views are there while the server starts.
  void made.start();
}

export async function deactivate(): Promise<void> {
  await server?.stop();
}

/** Opens a file of a job in the editor that VS Code has for it: a picture as a picture. One that came by itself stands beside the code, and the cursor stays where it is. */
async function showFile({ uri, takeFocus }: ShowFile): Promise<void> {
  const how = takeFocus ? { preview: false } : { preview: false, preserveFocus: true, viewColumn: vscode.ViewColumn.Beside };
  await vscode.commands.executeCommand("vscode.open", vscode.Uri.parse(uri), how);
}

/** A message at a job's end, where the user does not see it end. */
async function tellEnd(job: Job, when: string): Promise<void> {
  if (when === "never" || (when === "failed" && job.state === "succeeded")) return;
  if (job.state === "cancelled") return; // it was the user's own wish
  const sentence = endSentence(job, Date.now());
  const isGood = job.state === "succeeded";
  const buttons = isGood && job.result && job.result.repr !== "None" ? ["Show Output", "Copy Result"] : ["Show Output"];
  const choice = isGood ? await vscode.window.showInformationMessage(sentence, ...buttons) : await vscode.window.showErrorMessage(sentence, ...buttons);
  if (choice === "Show Output") await vscode.commands.executeCommand("hoist.showJobOutput", job);
  else if (choice) await vscode.commands.executeCommand("hoist.copyResult", job);
}
