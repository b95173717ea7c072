import assert from "node:assert/strict";
import { test } from "node:test";
import type { Job } from "../src/protocol.ts";
import { description, duration, endSentence, oneLine, previewWords, stateWords, title } from "../src/words.ts";

const job = (more: Partial<Job>): Job => ({ job: "01J", state: "running", name: "train", entry: "train", uri: "file:///w/my%20train.py", target: "slurm", created: 0, ...more });

test("durations read as people say them", () => {
  const cases: [number, string][] = [[0, "0 s"], [0.24, "0.2 s"], [3, "3 s"], [9.949, "9.9 s"], [9.96, "10 s"], [59.4, "59 s"], [59.6, "1 min"], [185, "3 min 5 s"], [3599.7, "1 h"], [7800, "2 h 10 min"], [273600, "3 d 4 h"]];
  for (const [seconds, words] of cases) assert.equal(duration(seconds), words, String(seconds));
});

test("a preview says where, what and the head of it", () => {
  assert.equal(previewWords({ kind: "array", about: "ndarray (3,) int64", text: "[1 2 3]" }), "ndarray (3,) int64\n[1 2 3]");
  assert.equal(previewWords({ at: "['t']", kind: "frame", about: "DataFrame (9, 1)", text: "   a\n0  1", cut: true }), "['t']: DataFrame (9, 1)\n   a\n0  1\n...");
});

test("titles are the call that the user sees", () => {
  assert.equal(title(job({})), "train()");
  assert.equal(title(job({ args: "lr=0.1,\n  epochs=3" })), "train(lr=0.1, epochs=3)");
  assert.equal(title(job({ entry: "Tests.test_basic.<locals>.work" })), "Tests.test_basic.work()");
  assert.equal(title(job({ entry: "3-9" })), "lines 3-9 of my train.py");
  assert.equal(title(job({ entry: "3" })), "line 3 of my train.py");
});

test("a description says target, state, time and what came of it", () => {
  assert.equal(description(job({ state: "queued", reason: "Resources" }), 0), "slurm · queued · Resources");
  assert.equal(description(job({ started: 1000 }), 3900), "slurm · running 2 s");
  assert.equal(description(job({ started: 1000 }), 13_000), "slurm · running 12 s");
  assert.equal(description(job({ state: "succeeded", wallSeconds: 3.21, result: { repr: "{'loss': 0.25}" } }), 0), "slurm · ok 3.2 s · {'loss': 0.25}");
  assert.equal(description(job({ state: "succeeded", wallSeconds: 3.21, result: { repr: "None" } }), 0), "slurm · ok 3.2 s");
  assert.equal(description(job({ state: "failed", started: 0, ended: 500, error: { type: "ValueError", message: "too\nlarge" } }), 0), "slurm · failed 0.5 s · ValueError: too large");
  assert.equal(stateWords(job({ state: "timed_out" }), 0), "out of time");
});

test("the sentence at the end names job, target and why", () => {
  assert.equal(endSentence(job({ state: "succeeded", wallSeconds: 12, result: { repr: "42" } }), 0), "train() on slurm is done after 12 s: 42");
  assert.equal(endSentence(job({ state: "failed", wallSeconds: 1.04, error: { type: "KeyError", message: "'a'" } }), 0), "train() on slurm failed after 1.0 s: KeyError: 'a'");
  assert.equal(endSentence(job({ state: "lost", reason: "the node went away" }), 0), "train() on slurm was lost: the node went away");
});

test("one line never cuts a character in two", () => {
  assert.equal(oneLine("a\n b", 10), "a b");
  assert.equal(oneLine("\u{1F600}".repeat(30), 5), "\u{1F600}".repeat(4) + "…");
});
