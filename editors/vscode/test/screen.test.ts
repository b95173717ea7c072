import assert from "node:assert/strict";
import { test } from "node:test";
import { Screen } from "../src/panel/screen.ts";
import type { Stream } from "../src/protocol.ts";

/** Writes pieces ("2:..." goes to stderr) and reads back the rows, stderr's marked with "! ". */
function rows(...pieces: string[]): string[] {
  const screen = new Screen();
  for (const piece of pieces) {
    const stream: Stream = piece.startsWith("2:") ? "stderr" : "stdout";
    screen.write(stream, stream === "stderr" ? piece.slice(2) : piece);
  }
  return [...screen.takeFinal(), ...screen.tail].map((row) => (row.stream === "stderr" ? `! ${row.text}` : row.text));
}

test("lines come out as lines, however they are cut into pieces", () => {
  assert.deepEqual(rows("one\ntwo\nthree"), ["one", "two", "three"]);
  assert.deepEqual(rows("o", "ne\nt", "wo\n", "three"), ["one", "two", "three"]);
  assert.deepEqual(rows("a\n\nb\n"), ["a", "", "b"]);
  assert.deepEqual(rows("a\r\nb\r\n"), ["a", "b"]);
});

test("a carriage return writes over the line, as a progress bar expects", () => {
  assert.deepEqual(rows("10 %\r20 %\r100 %\ndone\n"), ["100 %", "done"]);
  assert.deepEqual(rows("loading...\rok\n"), ["okading..."]);
  assert.deepEqual(rows("loading...\r\x1b[Kok\n"), ["ok"]);
  assert.deepEqual(rows("abc\b\bX\n"), ["aXc"]);
});

test("stdout and stderr stay apart, and a line begun is finished in its place", () => {
  assert.deepEqual(rows("epoch 1 ", "2:a warning\n", "done\n"), ["epoch 1 done", "! a warning"]);
});

test("a progress bar on stderr stays below what stdout prints", () => {
  assert.deepEqual(rows("2:\r 10 %", "step 1\n", "2:\r 20 %", "step 2\n", "2:\r 30 %"), ["step 1", "step 2", "! 30 %".replace("30", " 30")]);
});

test("nested progress bars move the cursor up and down", () => {
  assert.deepEqual(rows("2:outer 0\n", "2:inner 5\x1b[A", "2:\router 1\n", "2:\rinner 7\n"), ["! outer 1", "! inner 7"]);
});

test("rows leave the tail for good, an unfinished one stays", () => {
  const screen = new Screen();
  screen.write("stderr", "unfinished");
  for (let line = 0; line < 200; line++) screen.write("stdout", `line ${line}\n`);
  const final = screen.takeFinal();
  assert.equal(final[0]?.text, "line 0");
  assert.ok(final.every((row) => row.stream === "stdout"));
  screen.write("stderr", " now finished\n");
  assert.ok(screen.tail.some((row) => row.text === "unfinished now finished"));
  assert.equal(new Set([...final, ...screen.tail].map((row) => row.text)).size, 201);
});

test("colours become spans, and a sequence may come in two pieces", () => {
  const screen = new Screen();
  screen.write("stdout", "plain \x1b[1;3");
  screen.write("stdout", "1mred\x1b[0m \x1b[38;5;208morange\x1b[38;2;1;2;3mexact\x1b[m end");
  assert.deepEqual(screen.tail[0]?.spans(), [
    { text: "plain ", style: "" },
    { text: "red", style: "bold fg1" },
    { text: " ", style: "" },
    { text: "orange", style: "fg#ff8700" },
    { text: "exact", style: "fg#010203" },
    { text: " end", style: "" },
  ]);
});

test("titles, links and unknown sequences leave only their text", () => {
  assert.deepEqual(rows("\x1b]0;title\x07a\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\b\x1b[?25l\x1b(Bc\x07\n"), ["alinkbc"]);
  assert.deepEqual(rows("clear\x1b[2J\x1b[Hed\n"), ["cleared"]);
});

test("a lone escape character does not swallow what follows for ever", () => {
  const screen = new Screen();
  screen.write("stdout", "\x1b]never ended ");
  for (let at = 0; at < 600; at++) screen.write("stdout", "some text ");
  assert.match([...screen.takeFinal(), ...screen.tail].map((row) => row.text).join(""), /some text/);
});

test("random pieces give the same rows as the whole", () => {
  const text = "a\x1b[31mred\x1b[0m\nb\rc\n\x1b[1mbold\x1b[22m \u{1F600} end\n\x1b]0;t\x07x\r\ny\x1b[2Kz\n";
  const whole = rows(text);
  let seed = 7;
  const random = (limit: number) => (seed = (seed * 1103515245 + 12345) % 2147483648) % limit;
  for (let round = 0; round < 200; round++) {
    const pieces: string[] = [];
    for (let at = 0; at < text.length; ) {
      const size = 1 + random(6);
      pieces.push(text.slice(at, at + size));
      at += size;
    }
    assert.deepEqual(rows(...pieces), whole);
  }
});

test("100,000 lines take less than two seconds", () => {
  const screen = new Screen();
  const began = performance.now();
  let count = 0;
  for (let block = 0; block < 1000; block++) {
    screen.write("stdout", Array.from({ length: 100 }, (_, line) => `epoch ${block} step ${line} loss=0.25\n`).join(""));
    count += screen.takeFinal().length;
  }
  assert.equal(count + screen.tail.length, 100_000);
  assert.ok(performance.now() - began < 2000);
});
