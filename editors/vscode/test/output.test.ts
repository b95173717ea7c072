import assert from "node:assert/strict";
import { test } from "node:test";
import { Output } from "../src/output.ts";
import type { OutputAnswer, Stream } from "../src/protocol.ts";

/** A server with two logs, which answers at most `page` bytes at once and somewhat later. ASCII only: bytes are characters. */
function server(logs: Record<Stream, string>, page = 10) {
  const asked: [Stream, number][] = [];
  const fetch = async (stream: Stream, offset: number): Promise<OutputAnswer> => {
    asked.push([stream, offset]);
    await new Promise((resolve) => setTimeout(resolve, 1));
    const text = logs[stream].slice(offset, offset + page);
    return { offset, next: offset + text.length, size: logs[stream].length, text };
  };
  return { logs, asked, fetch };
}
const note = (stream: Stream, offset: number, text: string) => ({ job: "J", stream, offset, next: offset + text.length, text });
const textOf = (output: Output, stream?: Stream) =>
  output.pieces
    .filter((piece) => !stream || piece.stream === stream)
    .map((piece) => piece.text)
    .join("");

test("output that comes in order needs no question", async () => {
  const { asked, fetch } = server({ stdout: "", stderr: "" });
  const output = new Output(fetch);
  const heard: string[] = [];
  output.listen((piece) => heard.push(`${piece.stream} ${piece.text}`));
  await output.take(note("stdout", 0, "one\n"));
  await output.take(note("stderr", 0, "oh\n"));
  await output.take(note("stdout", 4, "two\n"));
  assert.deepEqual(heard, ["stdout one\n", "stderr oh\n", "stdout two\n"]);
  assert.deepEqual(asked, []);
});

test("what is known already is not shown twice", async () => {
  const { fetch } = server({ stdout: "0123456789abcdef", stderr: "" });
  const output = new Output(fetch);
  await output.load();
  await output.take(note("stdout", 8, "89abcdef"));
  assert.equal(textOf(output), "0123456789abcdef");
});

test("streams that were fetched are said to stand one after the other", async () => {
  const live = new Output(server({ stdout: "a", stderr: "b" }).fetch);
  await live.take(note("stdout", 0, "a"));
  await live.take(note("stderr", 0, "b"));
  await live.load();
  assert.equal(live.isApart, false);
  const late = new Output(server({ stdout: "a", stderr: "b" }).fetch);
  await late.load();
  assert.equal(late.isApart, true);
  assert.equal(textOf(late), "ab");
});

test("a client that comes late fetches what came before, in order", async () => {
  const { logs, fetch } = server({ stdout: "", stderr: "" }, 3);
  const output = new Output(fetch);
  logs.stdout = "0123456789";
  const first = output.take(note("stdout", 4, "456789"));
  logs.stdout += "abc";
  const second = output.take(note("stdout", 10, "abc"));
  await Promise.all([first, second]);
  assert.equal(textOf(output), "0123456789abc");
});

test("a piece that overlaps what is known adds only its rest", async () => {
  const { fetch } = server({ stdout: "0123456789", stderr: "" });
  const output = new Output(fetch);
  await output.take(note("stdout", 0, "0123"));
  await output.take(note("stdout", 2, "23456789"));
  assert.equal(textOf(output), "0123456789");
});

test("a question that fails loses nothing: the next piece asks again", async () => {
  const good = server({ stdout: "0123456789", stderr: "" });
  let broken = true;
  const output = new Output((stream, offset) => (broken ? Promise.reject(new Error("gone")) : good.fetch(stream, offset)));
  await assert.rejects(output.take(note("stdout", 4, "4567")), /gone/);
  broken = false;
  await output.take(note("stdout", 8, "89"));
  assert.equal(textOf(output), "0123456789");
});

test("of a very long log the end is kept", async () => {
  const { fetch, asked } = server({ stdout: Array.from({ length: 2000 }, (_, at) => String(at % 10)).join(""), stderr: "" }, 50);
  const output = new Output(fetch, 100);
  await output.load();
  assert.ok(asked.length < 10, `asked ${asked.length} times`);
  assert.ok(textOf(output).endsWith("0123456789"));
  assert.ok(output.dropped >= 1800);
});

test("notifications in any cut and with repetitions give the log, byte for byte", async () => {
  let seed = 3;
  const random = (limit: number) => (seed = (seed * 1103515245 + 12345) % 2147483648) % limit;
  for (let round = 0; round < 30; round++) {
    const full = Array.from({ length: 200 }, () => String.fromCharCode(97 + random(26))).join("");
    const { logs, fetch } = server({ stdout: "", stderr: "" }, 1 + random(20));
    const output = new Output(fetch);
    const work: Promise<void>[] = [];
    for (let at = 0; at < full.length; ) {
      const size = 1 + random(20);
      logs.stdout = full.slice(0, at + size);
      const from = Math.max(0, at - random(10));
      if (random(4) > 0) work.push(output.take(note("stdout", from, full.slice(from, at + size))));
      at += size;
    }
    await Promise.all(work);
    await output.load();
    assert.equal(textOf(output), full);
  }
});
