// Turns what a job prints into rows, as a terminal would: carriage returns, backspaces, colours, cursor movement of progress bars. Pure, no DOM.
//
// In: pieces of text of two streams. Out: rows that are final, and a short tail of rows that may still change.
// stdout and stderr stay apart: each has its own cursor, so a line that one has begun is finished in place though the other has printed meanwhile.
// Sequences: ECMA-48 (CSI n m/K/J/A/B/C/D/G), OSC is left out but for the text it stands around.
import type { Stream } from "../protocol.ts";

/** A stretch of a row in one style. `style` is a list of CSS classes, with colours outside of the 16 as "fg#rrggbb" or "bg#rrggbb". */
export interface Span {
  text: string;
  style: string;
}

export class Row {
  readonly stream: Stream;
  text = "";
  /** One style for each UTF-16 unit of the text; absent while all of it is plain. */
  #styles: string[] | undefined;
  /** Counts changes, so that a drawer sees which rows to draw again. */
  version = 0;

  constructor(stream: Stream) {
    this.stream = stream;
  }

  /** Writes over what stands from `column` on. */
  put(column: number, text: string, style: string): void {
    this.version++;
    if (column > this.text.length) this.put(this.text.length, " ".repeat(column - this.text.length), "");
    if (style !== "" && !this.#styles) this.#styles = new Array<string>(this.text.length).fill("");
    const end = column + text.length;
    if (this.#styles) {
      while (this.#styles.length < end) this.#styles.push("");
      this.#styles.fill(style, column, end);
    }
    this.text = this.text.slice(0, column) + text + this.text.slice(end);
  }

  /** Keeps only the units from `start` up to `end`; what lies before becomes blanks. */
  cut(start: number, end: number): void {
    this.version++;
    this.text = " ".repeat(Math.min(start, this.text.length)) + this.text.slice(start, end);
    if (this.#styles) {
      this.#styles.fill("", 0, Math.min(start, this.#styles.length));
      this.#styles.length = Math.min(this.#styles.length, this.text.length);
    }
  }

  spans(): Span[] {
    if (!this.#styles) return this.text === "" ? [] : [{ text: this.text, style: "" }];
    const spans: Span[] = [];
    let start = 0;
    for (let at = 1; at <= this.text.length; at++) {
      if (at < this.text.length && this.#styles[at] === this.#styles[start]) continue;
      spans.push({ text: this.text.slice(start, at), style: this.#styles[start] ?? "" });
      start = at;
    }
    return spans;
  }
}

interface Pen {
  row: Row | undefined;
  column: number;
  graphics: Graphics;
  style: string;
  /** The beginning of an escape sequence whose end has not come. */
  pending: string;
}

/** How many rows stay open to changes: as many as a terminal shows. */
const tailLength = 60;

export class Screen {
  #tail: Row[] = [];
  #final: Row[] = [];
  readonly #pens: Record<Stream, Pen> = { stdout: newPen(), stderr: newPen() };

  /** Rows that have become final since the last call, in order. */
  takeFinal(): Row[] {
    const rows = this.#final;
    this.#final = [];
    return rows;
  }

  /** The rows after the final ones. */
  get tail(): readonly Row[] {
    return this.#tail;
  }

  write(stream: Stream, text: string): void {
    const pen = this.#pens[stream];
    let rest = pen.pending + text;
    pen.pending = "";
    while (rest !== "") {
      const at = rest.search(control);
      if (at !== 0) {
        this.#print(stream, pen, at < 0 ? rest : rest.slice(0, at));
        if (at < 0) return;
        rest = rest.slice(at);
      }
      if (rest[0] !== "\x1b") {
        this.#control(stream, pen, rest[0] ?? "");
        rest = rest.slice(1);
        continue;
      }
      const sequence = escape.exec(rest);
      if (!sequence) {
        // Its end comes with the next piece, unless it is not one at all.
        if (rest.length < 4096) pen.pending = rest;
        else this.#print(stream, pen, rest.slice(1));
        return;
      }
      rest = rest.slice(sequence[0].length);
      if (sequence[2]) this.#move(stream, pen, sequence[1] ?? "", sequence[2]);
    }
  }

  #print(stream: Stream, pen: Pen, text: string): void {
    const row = pen.row ?? this.#newRow(stream, pen);
    row.put(pen.column, text, pen.style);
    pen.column += text.length;
  }

  #control(stream: Stream, pen: Pen, character: string): void {
    if (character === "\n") {
      const row = pen.row ?? this.#newRow(stream, pen);
      pen.column = 0;
      pen.row = this.#neighbour(row, 1);
    } else if (character === "\r") {
      pen.column = 0;
      const row = pen.row;
      // A progress bar is drawn anew: it stays at the bottom, below what the other stream has printed since.
      if (row && row !== this.#tail.at(-1) && !this.#neighbour(row, 1)) this.#toEnd(row);
    } else if (character === "\b") pen.column = Math.max(0, pen.column - 1);
  }

  #move(stream: Stream, pen: Pen, parameters: string, kind: string): void {
    const count = Math.min(Math.max(1, Number.parseInt(parameters, 10) || 1), 1000);
    switch (kind) {
      case "m":
        pen.graphics = graphics(pen.graphics, parameters);
        pen.style = styleOf(pen.graphics);
        break;
      case "K": {
        const row = pen.row;
        if (!row) break;
        if (parameters === "1") row.cut(Math.min(pen.column + 1, row.text.length), row.text.length);
        else row.cut(0, parameters === "2" ? 0 : pen.column);
        break;
      }
      case "J":
        // Clearing the screen would take lines from the user that the job has printed: only what stands after the cursor goes.
        if (pen.row && (parameters === "" || parameters === "0")) {
          pen.row.cut(0, pen.column);
          for (let row = this.#neighbour(pen.row, 1); row; row = this.#neighbour(row, 1)) row.cut(0, 0);
        }
        break;
      case "A":
      case "F": {
        let row = pen.row ?? this.#newRow(stream, pen);
        for (let step = 0; step < count; step++) row = this.#neighbour(row, -1) ?? row;
        pen.row = row;
        if (kind === "F") pen.column = 0;
        break;
      }
      case "B":
      case "E": {
        let row = pen.row ?? this.#newRow(stream, pen);
        for (let step = 0; step < count; step++) row = this.#neighbour(row, 1) ?? row;
        pen.row = row;
        if (kind === "E") pen.column = 0;
        break;
      }
      case "C":
        pen.column += count;
        break;
      case "D":
        pen.column = Math.max(0, pen.column - count);
        break;
      case "G":
        pen.column = count - 1;
        break;
      default: // what else there is does not change text
    }
  }

  #newRow(stream: Stream, pen: Pen): Row {
    const row = new Row(stream);
    pen.row = row;
    this.#tail.push(row);
    while (this.#tail.length > tailLength) this.#settle();
    return row;
  }

  /** The next or last row of the same stream in the tail. */
  #neighbour(row: Row, step: 1 | -1): Row | undefined {
    for (let at = this.#tail.indexOf(row) + step; at >= 0 && at < this.#tail.length; at += step) {
      if (this.#tail[at]?.stream === row.stream) return this.#tail[at];
    }
    return undefined;
  }

  #toEnd(row: Row): void {
    this.#tail.splice(this.#tail.indexOf(row), 1);
    this.#tail.push(row);
  }

  /** Makes the first row of the tail final. An unfinished line is not: it stays at the bottom until its end has come. */
  #settle(): void {
    const row = this.#tail[0];
    if (!row) return;
    const pen = this.#pens[row.stream];
    if (pen.row === row) {
      const after = this.#neighbour(row, 1);
      if (!after) {
        this.#toEnd(row);
        return this.#settle();
      }
      pen.row = after;
    }
    this.#tail.shift();
    this.#final.push(row);
  }
}

// eslint-disable-next-line no-control-regex
const control = /[\x00-\x08\x0a-\x1a\x1b\x1c-\x1f\x7f]/;
/** One whole escape sequence: CSI (1: parameters, 2: kind), OSC and its kin up to their end, or two or three characters. */
const escape = /^\x1b(?:\[([0-9;:?<=>]*)[ -/]*([@-~])|[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)|[ -/][0-~]|[0-OQ-WYZ\\`-~])/;

interface Graphics {
  bold: boolean;
  faint: boolean;
  italic: boolean;
  underline: boolean;
  inverse: boolean;
  strike: boolean;
  fg: string;
  bg: string;
}

const plain: Graphics = { bold: false, faint: false, italic: false, underline: false, inverse: false, strike: false, fg: "", bg: "" };

function newPen(): Pen {
  return { row: undefined, column: 0, graphics: plain, style: "", pending: "" };
}

/** Applies the parameters of one `CSI ... m`. */
function graphics(before: Graphics, parameters: string): Graphics {
  let now = { ...before };
  const codes = parameters.split(/[;:]/).map((code) => Number.parseInt(code || "0", 10));
  for (let at = 0; at < codes.length; at++) {
    const code = codes[at] ?? 0;
    if (code === 0) now = { ...plain };
    else if (code === 1) now.bold = true;
    else if (code === 2) now.faint = true;
    else if (code === 3) now.italic = true;
    else if (code === 4) now.underline = true;
    else if (code === 7) now.inverse = true;
    else if (code === 9) now.strike = true;
    else if (code === 22) now.bold = now.faint = false;
    else if (code === 23) now.italic = false;
    else if (code === 24) now.underline = false;
    else if (code === 27) now.inverse = false;
    else if (code === 29) now.strike = false;
    else if (code >= 30 && code <= 37) now.fg = `fg${code - 30}`;
    else if (code >= 90 && code <= 97) now.fg = `fg${code - 82}`;
    else if (code === 39) now.fg = "";
    else if (code >= 40 && code <= 47) now.bg = `bg${code - 40}`;
    else if (code >= 100 && code <= 107) now.bg = `bg${code - 92}`;
    else if (code === 49) now.bg = "";
    else if (code === 38 || code === 48) {
      const side = code === 38 ? "fg" : "bg";
      if (codes[at + 1] === 5) {
        now[side] = side + paletteColour(codes[at + 2] ?? 0);
        at += 2;
      } else if (codes[at + 1] === 2) {
        now[side] = `${side}${hex(codes[at + 2] ?? 0, codes[at + 3] ?? 0, codes[at + 4] ?? 0)}`;
        at += 4;
      }
    }
  }
  return now;
}

function styleOf(now: Graphics): string {
  const words: string[] = [];
  for (const word of ["bold", "faint", "italic", "underline", "strike", "inverse"] as const) if (now[word]) words.push(word);
  if (now.fg) words.push(now.fg);
  if (now.bg) words.push(now.bg);
  return words.join(" ");
}

/** The 256 colours of xterm: 16 of the theme, a cube of 6 by 6 by 6, 24 greys. */
function paletteColour(index: number): string {
  if (index < 16) return String(Math.max(0, index));
  if (index >= 232) {
    const grey = 8 + 10 * (Math.min(index, 255) - 232);
    return hex(grey, grey, grey);
  }
  const level = (step: number) => (step === 0 ? 0 : 55 + 40 * step);
  const cube = index - 16;
  return hex(level(Math.floor(cube / 36)), level(Math.floor(cube / 6) % 6), level(cube % 6));
}

function hex(red: number, green: number, blue: number): string {
  return `#${[red, green, blue].map((part) => Math.min(255, Math.max(0, part)).toString(16).padStart(2, "0")).join("")}`;
}
