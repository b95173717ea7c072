// The tree "Jobs": the newest first, each with its state, target, duration and what came of it.
import * as vscode from "vscode";
import type { Jobs } from "./jobs.ts";
import type { Job, JobState } from "./protocol.ts";
import { description, duration, errorLine, fileName, isActive, ran, stateWords, title, previewWords } from "./words.ts";

/** A day's jobs, so that the list of a long year stays readable. */
interface Day {
  label: string;
  jobs: Job[];
}
type Node = Job | Day;

export class JobsView implements vscode.TreeDataProvider<Node>, vscode.Disposable {
  readonly #jobs: Jobs;
  readonly #changed = new vscode.EventEmitter<Node | undefined>();
  readonly onDidChangeTreeData = this.#changed.event;
  readonly #view: vscode.TreeView<Node>;
  readonly #listener: { dispose(): void };
  #clock: NodeJS.Timeout | undefined;
  #later: NodeJS.Timeout | undefined;

  constructor(jobs: Jobs) {
    this.#jobs = jobs;
    this.#view = vscode.window.createTreeView<Node>("hoist.jobs", { treeDataProvider: this, showCollapseAll: false });
    this.#listener = jobs.onChange(() => this.#refreshSoon());
    this.#view.onDidChangeVisibility(() => this.#tick());
  }

  dispose(): void {
    this.#listener.dispose();
    this.#view.dispose();
    clearTimeout(this.#later);
    clearInterval(this.#clock);
  }

  /** Many changes in a short time are drawn once. */
  #refreshSoon(): void {
    this.#later ??= setTimeout(() => {
      this.#later = undefined;
      this.#changed.fire(undefined);
      const running = this.#jobs.active().length;
      this.#view.badge = running > 0 ? { value: running, tooltip: running === 1 ? "1 job is not at its end" : `${running} jobs are not at their end` } : undefined;
      this.#tick();
    }, 60);
  }

  /** Durations count on while somebody looks at them. */
  #tick(): void {
    const needed = this.#view.visible && this.#jobs.active().length > 0;
    if (needed && !this.#clock) this.#clock = setInterval(() => this.#changed.fire(undefined), 1000);
    else if (!needed && this.#clock) {
      clearInterval(this.#clock);
      this.#clock = undefined;
    }
  }

  getChildren(node?: Node): Node[] {
    if (node) return "jobs" in node ? node.jobs : [];
    const jobs = this.#jobs.newestFirst();
    const midnight = new Date().setHours(0, 0, 0, 0);
    // Today's jobs and all that still run stand open; earlier days are folded.
    const recent = jobs.filter((job) => job.created >= midnight || isActive(job));
    const days = new Map<string, Day>();
    for (const job of jobs) {
      if (job.created >= midnight || isActive(job)) continue;
      const label = new Date(job.created).toLocaleDateString(undefined, { year: "numeric", month: "short", day: "numeric" });
      const day = days.get(label) ?? { label, jobs: [] };
      day.jobs.push(job);
      days.set(label, day);
    }
    return [...recent, ...days.values()];
  }

  getTreeItem(node: Node): vscode.TreeItem {
    if ("jobs" in node) {
      const item = new vscode.TreeItem(node.label, vscode.TreeItemCollapsibleState.Collapsed);
      item.id = `day:${node.label}`;
      item.description = node.jobs.length === 1 ? "1 job" : `${node.jobs.length} jobs`;
      item.contextValue = "day";
      return item;
    }
    const now = Date.now();
    const item = new vscode.TreeItem(title(node));
    item.id = node.job;
    item.description = description(node, now);
    item.iconPath = icon(node.state);
    item.contextValue = contextOf(node);
    item.tooltip = tooltip(node, now);
    item.command = { command: "hoist.showJobOutput", title: "Show Output", arguments: [node] };
    item.accessibilityInformation = { label: `${title(node)}, ${description(node, now)}` };
    return item;
  }
}

function icon(state: JobState): vscode.ThemeIcon {
  const colour = (id: string) => new vscode.ThemeColor(id);
  switch (state) {
    case "preparing":
      return new vscode.ThemeIcon("package");
    case "uploading":
      return new vscode.ThemeIcon("cloud-upload");
    case "queued":
      return new vscode.ThemeIcon("clock", colour("charts.yellow"));
    case "running":
      return new vscode.ThemeIcon("sync~spin", colour("charts.blue"));
    case "succeeded":
      return new vscode.ThemeIcon("pass", colour("testing.iconPassed"));
    case "failed":
      return new vscode.ThemeIcon("error", colour("testing.iconFailed"));
    case "cancelled":
      return new vscode.ThemeIcon("circle-slash", colour("disabledForeground"));
    case "timed_out":
      return new vscode.ThemeIcon("watch", colour("testing.iconFailed"));
    case "lost":
      return new vscode.ThemeIcon("question", colour("testing.iconFailed"));
  }
}

/** What the context menu may offer, in words that package.json's `when` clauses look for. */
function contextOf(job: Job): string {
  const words = ["job", isActive(job) ? "active" : "ended"];
  if (job.result) words.push("result");
  if (job.error) words.push("error");
  if (job.figures?.length || job.files?.length) words.push("files");
  return words.join(" ");
}

function tooltip(job: Job, now: number): vscode.MarkdownString {
  const text = new vscode.MarkdownString();
  const row = (name: string, value: string) => text.appendMarkdown(`**${name}**: `).appendText(value).appendMarkdown("  \n");
  text.appendMarkdown("**").appendText(title(job)).appendMarkdown("**\n\n");
  row("State", stateWords(job, now));
  row("Target", job.target);
  row("File", fileName(job.uri));
  row("Made", new Date(job.created).toLocaleString());
  const seconds = ran(job, now);
  if (seconds !== undefined) row("Ran for", duration(seconds));
  if (job.usage) row("Used", job.usage.text);
  for (const advice of job.advice ?? []) row("Advice", advice);
  const note = job.message ?? job.reason;
  if (note && !job.error) row("Note", note);
  if (job.result) text.appendMarkdown("\n**Result**").appendCodeblock(cut(job.result.repr, 600), "python");
  for (const preview of (job.result?.previews ?? []).slice(0, 3)) text.appendCodeblock(cut(previewWords(preview), 1500), "text");
  for (const file of [...(job.figures ?? []), ...(job.files ?? [])].slice(0, 5)) row("Left", file.path);
  if (job.error) text.appendMarkdown("\n**Error**").appendCodeblock(cut(job.error.traceback ?? errorLine(job) ?? job.error.type, 1500), "text");
  row("Job", job.job);
  return text;
}

function cut(text: string, limit: number): string {
  return text.length <= limit ? text : `${text.slice(0, limit)}…`;
}
