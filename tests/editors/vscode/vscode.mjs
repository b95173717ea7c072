// A real VS Code in a real browser, as a person uses it: code-server, headless Chromium, keyboard and mouse.
import { spawn } from "node:child_process";
import { appendFileSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

const { chromium } = createRequire(import.meta.url)(process.env.PLAYWRIGHT);

/** Every wait may take this long: two busy cores are slow. */
export const patience = 90_000;

function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

export const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Calls `check` until it gives something truthy; its last answer or error is in the message when it never does. */
export async function until(what, check, limit = patience) {
  const end = Date.now() + limit;
  let last;
  for (;;) {
    try {
      last = await check();
      if (last) return last;
    } catch (error) {
      last = error;
    }
    if (Date.now() > end) throw new Error(`not within ${limit / 1000} s: ${what} (last: ${String(last instanceof Error ? last.message : JSON.stringify(last)).slice(0, 1500)})`);
    await sleep(100);
  }
}

/** code-server with the packaged extension, in a folder of its own. */
export class CodeServer {
  /** @param {{vsix: string, env: Record<string, string>, settings?: object, trusted?: boolean}} options */
  static async start({ vsix, env, settings = {}, trusted = true }) {
    const made = new CodeServer();
    made.folder = mkdtempSync(join(tmpdir(), "hoist-vscode."));
    made.port = await freePort();
    const { folder, port } = made;
    made.settingsFile = join(folder, "user", "User", "settings.json");
    mkdirSync(dirname(made.settingsFile), { recursive: true });
    made.base = {
      "chat.disableAIFeatures": true,
      "workbench.secondarySideBar.defaultVisibility": "hidden",
      "workbench.startupEditor": "none",
      "workbench.colorTheme": "Default Dark Modern",
      "workbench.tips.enabled": false,
      "git.enabled": false,
      "editor.minimap.enabled": false,
      "editor.fontSize": 13,
      "telemetry.telemetryLevel": "off",
      "extensions.autoUpdate": false,
      "extensions.ignoreRecommendations": true,
      "security.workspace.trust.startupPrompt": "never",
      "window.commandCenter": false,
      "remote.autoForwardPorts": false,
      ...settings,
    };
    made.settings({});
    writeFileSync(join(folder, "config.yaml"), "");
    const gallery = JSON.stringify(Object.fromEntries(["serviceUrl", "itemUrl", "resourceUrlTemplate", "controlUrl", "recommendationsUrl", "nlsBaseUrl"].map((key) => [key, ""])));
    const common = ["--disable-telemetry", "--disable-update-check", "--config", join(folder, "config.yaml"), "--user-data-dir", join(folder, "user"), "--extensions-dir", join(folder, "extensions")];
    const full = { ...process.env, EXTENSIONS_GALLERY: gallery, ...env };
    // A terminal of VS Code's own would lend us its variables.
    for (const name of Object.keys(full)) if (/^VSCODE_/.test(name)) delete full[name];
    // The extension host takes this environment, and not that of a login shell of this machine.
    full.VSCODE_CLI = "1";
    const log = openSync(join(folder, "server.log"), "a");
    const start = (args) => spawn(process.execPath, [process.env.CODE_SERVER, ...common, ...args], { env: full, cwd: folder, detached: true, stdio: ["ignore", log, log] });

    const install = start(["--install-extension", vsix]);
    const status = await new Promise((resolve) => install.on("exit", resolve));
    if (status !== 0) throw new Error(`the .vsix does not install: ${readFileSync(join(folder, "server.log"), "utf8")}`);

    made.process = start(["--bind-addr", `127.0.0.1:${port}`, "--auth", "none", "--session-socket", join(folder, "session.sock"), ...(trusted ? ["--disable-workspace-trust"] : [])]);
    if (process.env.HOIST_GROUPS) appendFileSync(process.env.HOIST_GROUPS, `${made.process.pid}\n`);
    await until("code-server answers", async () => (await fetch(`http://127.0.0.1:${port}/healthz`)).ok);
    return made;
  }

  /** Writes the user's settings, and those of the machine the files are on (as `hoist.path` is one); VS Code takes them up by itself. */
  settings(more) {
    writeFileSync(this.settingsFile, JSON.stringify({ ...this.base, ...more }, null, 2));
    const machine = join(this.folder, "user", "Machine");
    mkdirSync(machine, { recursive: true });
    writeFileSync(join(machine, "settings.json"), JSON.stringify(more, null, 2));
  }

  async stop() {
    const { process: child } = this;
    if (child && child.exitCode === null) {
      const gone = new Promise((resolve) => child.on("exit", resolve));
      signal(child.pid, "SIGTERM");
      await Promise.race([gone, sleep(5000)]);
      signal(child.pid, "SIGKILL"); // the whole group: extension hosts and servers with it
    }
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }
}

function signal(group, name) {
  try {
    process.kill(-group, name);
  } catch {
    // it is gone already
  }
}

/** The browser, and what a person does in it. */
export class Editor {
  static async open(server, workspace) {
    const made = new Editor();
    made.browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ["--no-sandbox", "--disable-dev-shm-usage"] });
    const context = await made.browser.newContext({ viewport: { width: 1320, height: 860 }, permissions: ["clipboard-read", "clipboard-write"] });
    made.page = await context.newPage();
    made.page.setDefaultTimeout(patience);
    made.console = [];
    made.page.on("console", (message) => made.console.push(message.text()));
    await made.page.goto(`http://127.0.0.1:${server.port}/?folder=${encodeURI(workspace)}`, { waitUntil: "domcontentloaded" });
    await made.ready();
    return made;
  }

  async ready() {
    await this.page.locator(".monaco-workbench .part.statusbar").waitFor();
    await this.page.locator(".activitybar .action-item").first().waitFor();
  }

  async close() {
    await this.browser.close();
  }

  async screenshot(file, options = {}) {
    await this.page.screenshot({ path: file, ...options });
  }

  async press(keys) {
    await this.page.keyboard.press(keys);
  }

  /** Opens a file by name and waits for its text. */
  async openFile(name) {
    await this.press("Control+p");
    const input = this.page.locator(".quick-input-widget input").first();
    await input.waitFor();
    await input.fill(name);
    await this.page.locator(`.quick-input-list .monaco-list-row[aria-label*="${name}"]`).first().waitFor();
    await this.press("Enter");
    await this.page.locator(`.tab.active[data-resource-name="${name}"]`).first().waitFor();
    await this.page.locator(".editor-instance .view-line").first().waitFor();
  }

  /** Runs a command of the palette by its whole title. */
  async command(title) {
    await this.press("F1");
    const input = this.page.locator(".quick-input-widget input").first();
    await input.waitFor();
    await input.fill(`>${title}`);
    const row = this.page.locator(".quick-input-list .monaco-list-row").filter({ hasText: title }).first();
    await row.waitFor();
    await row.click();
  }

  async goToLine(line, column = 1) {
    await this.focusEditor();
    await this.press("Control+g");
    const input = this.page.locator(".quick-input-widget input").first();
    await input.waitFor();
    await input.fill(`:${line}:${column}`);
    await this.press("Enter");
    await this.page.locator(".quick-input-widget").waitFor({ state: "hidden" });
  }

  async focusEditor() {
    // By keyboard: a click would move the cursor, and may meet something that lies over the text.
    await this.press("Control+1");
    await this.page.locator(".editor-instance .monaco-editor.focused").first().waitFor();
  }

  /** The links of the lens that stands just above the visible line which contains `text`. */
  async lenses(text) {
    return this.page.evaluate((wanted) => {
      const plain = (element) => (element.textContent ?? "").replaceAll("\u00a0", " ");
      const line = [...document.querySelectorAll(".editor-instance .view-line")].find((element) => plain(element).includes(wanted));
      if (!line) return undefined;
      const top = line.getBoundingClientRect().top;
      const above = [...document.querySelectorAll(".editor-instance .codelens-decoration")]
        .map((element) => ({ element, gap: top - element.getBoundingClientRect().top }))
        .filter(({ gap }) => gap > 0 && gap < 40)
        .sort((a, b) => a.gap - b.gap)[0];
      return above ? [...above.element.querySelectorAll("a")].map(plain) : [];
    }, text);
  }

  /** Waits for a lens with this title above that line, and clicks it. */
  async clickLens(text, title) {
    await this.waitForLens(text, title);
    const at = await until(`the lens "${title}" above "${text}" can be clicked`, async () => {
      const found = await this.page.evaluate(
        ([wanted, name]) => {
          const plain = (element) => (element.textContent ?? "").replaceAll("\u00a0", " ");
          const line = [...document.querySelectorAll(".editor-instance .view-line")].find((element) => plain(element).includes(wanted));
          if (!line) return { seen: "no such line" };
          const top = line.getBoundingClientRect().top;
          const above = [...document.querySelectorAll(".editor-instance .codelens-decoration")]
            .map((element) => ({ element, gap: top - element.getBoundingClientRect().top }))
            .filter(({ gap }) => gap > 0 && gap < 40)
            .sort((a, b) => a.gap - b.gap)[0]?.element;
          const link = above && [...above.querySelectorAll("a")].find((element) => plain(element).startsWith(name));
          const box = link?.getBoundingClientRect();
          return box?.width ? { x: box.x + box.width / 2, y: box.y + box.height / 2 } : { seen: above?.outerHTML ?? "no lens" };
        },
        [text, title],
      );
      if ("x" in found) return found;
      throw new Error(`seen: ${JSON.stringify(found.seen)}`);
    });
    await this.page.mouse.click(at.x, at.y);
    if (!title.startsWith("Run with arguments")) return;
    // Lenses that are drawn anew between the button's down and up take no click; who sees no box clicks again.
    const asks = await this.page.locator(".quick-input-widget:visible input").first().waitFor({ timeout: 5000 }).then(() => true, () => false);
    if (!asks) await this.page.mouse.click(at.x, at.y);
  }

  async waitForLens(text, title) {
    let looks = 0;
    await until(`a lens "${title}" above "${text}"`, async () => {
      const found = await this.lenses(text);
      if (found?.some((words) => words.startsWith(title))) return true;
      // As a person would after a while: click into the text, on which VS Code asks for lenses again.
      if (++looks % 150 === 0) await this.focusEditor().catch(() => undefined);
      throw new Error(`lenses there: ${JSON.stringify(found)}`);
    });
  }

  /** The frame of the output panel, where its page is drawn. */
  async panel() {
    return until("the output panel's page", async () => {
      for (const frame of this.page.frames()) {
        if (frame.isDetached()) continue;
        const found = await frame.$("#main #output").catch(() => null);
        if (found && (await (await frame.frameElement()).isVisible().catch(() => false))) return frame;
      }
      return undefined;
    });
  }

  /** What the panel shows: head, rows (stderr's marked "! "), end. */
  async panelText() {
    const frame = await this.panel();
    return frame.evaluate(() => {
      const text = (id) => document.getElementById(id)?.innerText.replaceAll("\u00a0", " ").trim() ?? "";
      return {
        head: text("head").replace(/\s+/g, " "),
        about: text("about"),
        rows: [...document.querySelectorAll(".row")].slice(-300).map((row) => (row.classList.contains("stderr") ? "! " : "") + row.textContent.replace(/\n$/, "")),
        count: document.querySelectorAll(".row").length,
        end: document.getElementById("end")?.hidden ? "" : text("end"),
      };
    });
  }

  /** Waits until the panel shows something that `check` likes. */
  async waitForPanel(what, check, limit = patience) {
    return until(
      what,
      async () => {
        const text = await this.panelText();
        if (check(text)) return text;
        throw new Error(`the panel shows ${JSON.stringify({ ...text, rows: text.rows.slice(-8) })}`);
      },
      limit,
    );
  }

  /** Opens the view of the jobs in the side bar. */
  async showJobs() {
    if (!(await this.page.locator(".part.sidebar .composite.title").filter({ hasText: "Hoist" }).first().isVisible().catch(() => false)))
      await this.page.locator('.activitybar .action-item a[aria-label^="Hoist"]').first().click();
    await this.page.locator(".part.sidebar .composite.title").filter({ hasText: "Hoist" }).first().waitFor();
  }

  /** The rows of the jobs' tree, as text. */
  async jobRows() {
    return this.page.locator(".part.sidebar .monaco-list-row").evaluateAll((rows) =>
      rows.map((row) => [row.querySelector(".label-name")?.textContent ?? "", row.querySelector(".label-description")?.textContent ?? ""].join(" | ").replaceAll("\u00a0", " ")),
    );
  }

  async waitForJob(what, check, limit = patience) {
    await this.showJobs();
    return until(
      what,
      async () => {
        const rows = await this.jobRows();
        const found = rows.find(check);
        if (found) return found;
        throw new Error(`the jobs are ${JSON.stringify(rows.slice(0, 6))}`);
      },
      limit,
    );
  }

  jobRow(text) {
    return this.page.locator(".part.sidebar .monaco-list-row").filter({ hasText: text }).first();
  }

  /** Chooses from a job's context menu. A menu takes no click in its first tenth of a second, sooner than any hand: the click is repeated until the menu is gone. */
  async jobMenu(text, item) {
    await this.jobRow(text).click({ button: "right" });
    const entry = this.page.locator(".context-view .monaco-menu .action-label, .monaco-menu-container .action-label").filter({ hasText: item }).first();
    await entry.waitFor();
    await until(`the menu takes the click on ${item}`, async () => {
      await sleep(150);
      await entry.click({ timeout: 1000 }).catch(() => undefined);
      return (await entry.count()) === 0 || !(await entry.isVisible());
    });
  }

  /** Chooses from the list that VS Code offers. */
  async pick(text) {
    const row = this.page.locator(".quick-input-list .monaco-list-row").filter({ hasText: text }).first();
    await row.waitFor();
    await row.click();
  }

  /** The box that VS Code asks with: answers it. */
  async answer(text) {
    const input = this.page.locator(".quick-input-widget:visible input").first();
    await input.waitFor();
    await input.fill(text);
    await this.press("Enter");
  }

  /** The rows of the view of problems. */
  async problems() {
    return this.page.locator(".markers-panel .monaco-list-row").evaluateAll((rows) => rows.map((row) => (row.textContent ?? "").replaceAll("\u00a0", " ")));
  }

  async toasts() {
    return this.page.locator(".notifications-toasts .notification-list-item").evaluateAll((items) => items.map((item) => (item.textContent ?? "").replaceAll("\u00a0", " ")));
  }

  async statusBar() {
    return (await this.page.locator('.part.statusbar .statusbar-item[id*="hoist.status"]').first().textContent())?.replaceAll("\u00a0", " ") ?? "";
  }
}
