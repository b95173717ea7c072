// `hoist/ask`: the server's questions, shown with what VS Code has for them.
import * as vscode from "vscode";
import type { Question } from "./protocol.ts";

/** The user's answer, or null when they turned away. A secret is kept nowhere. */
export async function ask(question: Question, token: vscode.CancellationToken): Promise<string | boolean | null> {
  const detail = question.detail ?? undefined;
  switch (question.kind) {
    case "text":
    case "secret": {
      const answer = await vscode.window.showInputBox(
        {
          title: question.title,
          ...(detail === undefined ? {} : { prompt: detail }),
          value: typeof question.default === "string" && question.kind === "text" ? question.default : "",
          password: question.kind === "secret",
          ignoreFocusOut: true,
        },
        token,
      );
      return answer ?? null;
    }
    case "choice": {
      const choices = [...(question.choices ?? [])];
      const first = typeof question.default === "string" ? choices.indexOf(question.default) : -1;
      if (first > 0) choices.unshift(...choices.splice(first, 1));
      const answer = await vscode.window.showQuickPick(choices, { title: question.title, ...(detail === undefined ? {} : { placeHolder: detail }), ignoreFocusOut: true }, token);
      return answer ?? null;
    }
    case "confirm": {
      const yes: vscode.MessageItem = { title: "Yes" };
      const no: vscode.MessageItem = { title: "No", isCloseAffordance: true };
      const answer = await vscode.window.showWarningMessage(question.title, { modal: true, ...(detail === undefined ? {} : { detail }) }, yes, no);
      return answer === undefined ? null : answer === yes;
    }
    default:
      return null;
  }
}
