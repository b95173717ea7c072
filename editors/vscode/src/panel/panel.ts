// The script of the output panel (runs in the webview). Draws one job: its head, its output as it comes, its end.
// Whatever comes from a job is put into the page as text, never as markup.
import type { FromPanel, Head, ToPanel } from "./messages.ts";
import { type Row, Screen } from "./screen.ts";
import { duration } from "../words.ts";

declare function acquireVsCodeApi(): { postMessage(message: FromPanel): void };
const vscode = acquireVsCodeApi();

const rowsInBlock = 400;
/** More rows than this are not kept in the page; the log has them. */
const rowsAtMost = 150_000;

const element = <T extends HTMLElement>(id: string) => document.getElementById(id) as T;
const main = element("main");
const blocks = element("blocks");
const tail = element("tail");
const end = element("end");
const about = element("about");

let screen = new Screen();
let head: Head | undefined;
let drawn = new WeakMap<Row, { line: HTMLElement; version: number }>();
let rowCount = 0;
let frame = 0;
/** Follows the output while the user has not scrolled away from its end. */
let following = true;

function make(tag: string, className: string, text?: string): HTMLElement {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

/** Says above the first line what the lines do not say. */
function tellAbout(text: string): void {
  about.textContent = text;
  about.hidden = text === "";
}

const place = /File "([^"\n]+)", line (\d+)/;

function fill(line: HTMLElement, row: Row): void {
  const nodes: Node[] = [];
  const spans = row.spans();
  const found = spans.length === 1 && spans[0]?.style === "" ? place.exec(row.text) : null;
  if (found?.[1] && found[2]) {
    // A line of a traceback leads to the file.
    const [file, number] = [found[1], Number(found[2])];
    const link = make("a", "link", found[0]);
    link.setAttribute("role", "link");
    link.tabIndex = 0;
    link.dataset["file"] = file;
    link.dataset["line"] = String(number);
    nodes.push(document.createTextNode(row.text.slice(0, found.index)), link, document.createTextNode(row.text.slice(found.index + found[0].length)));
  } else {
    for (const { text, style } of spans) {
      if (style === "") {
        nodes.push(document.createTextNode(text));
        continue;
      }
      const span = make("span", "", text);
      for (const word of style.split(" ")) {
        if (word.startsWith("fg#")) span.style.color = word.slice(2);
        else if (word.startsWith("bg#")) span.style.backgroundColor = word.slice(2);
        else span.classList.add(word);
      }
      nodes.push(span);
    }
  }
  nodes.push(document.createTextNode("\n"));
  line.replaceChildren(...nodes);
}

function lineOf(row: Row): HTMLElement {
  const known = drawn.get(row);
  if (known && known.version === row.version) return known.line;
  const line = known?.line ?? make("div", `row ${row.stream}`);
  fill(line, row);
  drawn.set(row, { line, version: row.version });
  return line;
}

function draw(): void {
  frame = 0;
  for (const row of screen.takeFinal()) {
    let block = blocks.lastElementChild;
    if (!block || block.childElementCount >= rowsInBlock) {
      block = make("div", "block");
      blocks.append(block);
    }
    block.append(lineOf(row));
    if (++rowCount > rowsAtMost && blocks.firstElementChild) {
      rowCount -= blocks.firstElementChild.childElementCount;
      blocks.firstElementChild.remove();
      tellAbout("The beginning is left out here; \"Open Output in an Editor\" shows more of it.");
    }
  }
  const lines = screen.tail.map(lineOf);
  // Only what is out of place is moved: a selection in the other lines stays.
  lines.forEach((line, at) => {
    if (tail.children[at] !== line) tail.insertBefore(line, tail.children[at] ?? null);
  });
  while (tail.children.length > lines.length) tail.lastElementChild?.remove();
  element("empty").hidden = rowCount + lines.length > 0 || !head;
  if (following) main.scrollTop = main.scrollHeight;
}

/** Draws what waits for its frame. */
function drawNow(): void {
  if (frame === 0) return;
  cancelAnimationFrame(frame);
  clearTimeout(frame);
  draw();
}

function drawSoon(): void {
  // A hidden page gets no animation frames; the timer keeps its memory from growing.
  if (frame === 0) frame = document.hidden ? window.setTimeout(draw, 200) : requestAnimationFrame(draw);
}

function drawHead(): void {
  element("head").hidden = !head;
  element("nothing").hidden = !!head;
  end.hidden = !head || head.active;
  if (!head) return;
  element("state").className = `state ${head.state}`;
  element("title").textContent = head.title;
  element("target").textContent = `on ${head.target}`;
  element("empty").textContent = head.active ? "Nothing printed so far." : "It printed nothing.";
  tick();
  element("note").textContent = head.note;
  element("note").hidden = head.note === "";
  const parts: HTMLElement[] = [];
  if (!head.active) parts.push(make("div", `verdict ${head.state}`, head.words + (head.note && !head.error && head.state !== "succeeded" ? `: ${head.note}` : "")));
  if (head.result !== undefined) {
    const result = make("div", "result");
    result.append(make("span", "label", "Result"), make("span", "value", head.result));
    const copy = make("button", "copy", "Copy");
    const { result: text } = head;
    copy.title = "Copy the result";
    copy.addEventListener("click", () => vscode.postMessage({ type: "copy", text }));
    result.append(copy);
    parts.push(result);
  }
  if (head.error) {
    const error = make("div", "error");
    error.append(make("div", "line", head.error.line));
    for (const { text, link } of head.error.frames) {
      const frameLine = make(link ? "a" : "div", link ? "frame link" : "frame", text);
      if (link) {
        frameLine.setAttribute("role", "link");
        frameLine.tabIndex = 0;
        frameLine.dataset["uri"] = link.uri;
        frameLine.dataset["line"] = String(link.line);
      }
      error.append(frameLine);
    }
    parts.push(error);
  }
  end.replaceChildren(...parts);
  if (following) main.scrollTop = main.scrollHeight;
}

function tick(): void {
  if (!head) return;
  const seconds = head.since === undefined ? undefined : (Date.now() - head.since) / 1000;
  element("words").textContent = seconds === undefined ? head.words : `${head.words} ${duration(Math.max(0, Math.floor(seconds)))}`;
}
setInterval(tick, 1000);

main.addEventListener("scroll", () => {
  following = main.scrollTop + main.clientHeight >= main.scrollHeight - 24;
});
new ResizeObserver(() => {
  if (following) main.scrollTop = main.scrollHeight;
}).observe(main);

function follow(event: Event): void {
  const link = (event.target as Element | null)?.closest<HTMLElement>("a.link");
  const { uri, file, line } = link?.dataset ?? {};
  if (uri) vscode.postMessage({ type: "open", link: { uri, line: Number(line) } });
  else if (file) vscode.postMessage({ type: "openText", file, line: Number(line) });
}
document.addEventListener("click", follow);
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter") follow(event);
});

for (const choice of document.querySelectorAll<HTMLButtonElement>("#streams button")) {
  choice.addEventListener("click", () => {
    main.dataset["streams"] = choice.value;
    for (const other of document.querySelectorAll("#streams button")) other.setAttribute("aria-pressed", String(other === choice));
    if (following) main.scrollTop = main.scrollHeight;
  });
}

window.addEventListener("message", (event: MessageEvent<ToPanel>) => {
  const message = event.data;
  switch (message.type) {
    case "show":
      screen = new Screen();
      drawn = new WeakMap();
      rowCount = 0;
      following = true;
      blocks.replaceChildren();
      tail.replaceChildren();
      tellAbout("");
      head = message.head;
      for (const piece of message.pieces) screen.write(piece.stream, piece.text);
      drawHead();
      drawSoon();
      break;
    case "note":
      if (message.job === head?.job) tellAbout(message.text);
      break;
    case "head":
      if (message.head.job !== head?.job) break;
      drawNow(); // the end does not stand before the last lines
      head = message.head;
      drawHead();
      break;
    case "append":
      if (message.job !== head?.job) break;
      for (const piece of message.pieces) screen.write(piece.stream, piece.text);
      drawSoon();
      break;
  }
});

vscode.postMessage({ type: "ready" });
