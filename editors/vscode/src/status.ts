// The status bar item: whether the server runs, and how many jobs are not at their end.
import * as vscode from "vscode";
import type { Jobs } from "./jobs.ts";
import type { Server } from "./server.ts";
import { description, title } from "./words.ts";

export function statusBar(jobs: Jobs, server: Server): vscode.Disposable {
  const item = vscode.window.createStatusBarItem("hoist.status", vscode.StatusBarAlignment.Left, 10);
  item.name = "Hoist";
  const show = () => {
    item.backgroundColor = undefined;
    item.command = "hoist.jobs.focus";
    const active = jobs.active();
    switch (server.state) {
      case "running": {
        item.text = active.length === 0 ? "$(rocket) Hoist" : `$(sync~spin) Hoist: ${active.length === 1 ? "1 job" : `${active.length} jobs`}`;
        const text = new vscode.MarkdownString();
        for (const job of active.slice(0, 10)) text.appendText(`${title(job)}: ${description(job, Date.now())}\n\n`);
        text.appendText(active.length === 0 ? `No job is running. ${server.what}` : server.what);
        text.isTrusted = { enabledCommands: ["hoist.connectTarget"] };
        text.appendMarkdown("\n\n[Connect to a target...](command:hoist.connectTarget)");
        item.tooltip = text;
        break;
      }
      case "starting":
        item.text = "$(loading~spin) Hoist";
        item.tooltip = "The server of Hoist is starting.";
        break;
      case "restricted":
        item.text = "$(shield) Hoist";
        item.tooltip = "Hoist runs nothing in Restricted Mode.";
        item.command = "workbench.trust.manage";
        break;
      case "missing":
        item.text = "$(warning) Hoist";
        item.tooltip = server.what;
        item.command = { command: "workbench.action.openSettings", title: "Open Settings", arguments: ["hoist.path"] };
        item.backgroundColor = new vscode.ThemeColor("statusBarItem.warningBackground");
        break;
      case "stopped":
        item.text = "$(warning) Hoist";
        item.tooltip = "The server of Hoist has stopped. Click to start it again.";
        item.command = "hoist.restartServer";
        item.backgroundColor = new vscode.ThemeColor("statusBarItem.warningBackground");
    }
    item.show();
  };
  show();
  return vscode.Disposable.from(item, jobs.onChange(show), server.onDidChangeState(show));
}
