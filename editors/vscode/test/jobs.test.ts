import assert from "node:assert/strict";
import { test } from "node:test";
import { type Change, Jobs } from "../src/jobs.ts";
import type { Job, JobState } from "../src/protocol.ts";

const job = (id: string, state: JobState): Job => ({ job: id, state, name: "f", entry: "f", uri: "file:///f.py", target: "local", created: 0 });

test("the newest stands first, changes are told with what they mean", () => {
  const jobs = new Jobs();
  const heard: (Change | undefined)[] = [];
  jobs.onChange((change) => heard.push(change));
  jobs.replace([job("01A", "succeeded")]);
  jobs.change(job("01C", "preparing"));
  jobs.change(job("01B", "running"));
  jobs.change(job("01C", "succeeded"));
  assert.deepEqual(jobs.newestFirst().map((one) => one.job), ["01C", "01B", "01A"]);
  assert.deepEqual(jobs.active().map((one) => one.job), ["01B"]);
  assert.deepEqual(heard.map((change) => change && [change.job.job, change.isNew, change.hasEnded]), [undefined, ["01C", true, false], ["01B", true, false], ["01C", false, true]]);
});

test("a list that was made before a job's end does not bring the job back to life", () => {
  const jobs = new Jobs();
  jobs.change(job("01A", "running"));
  jobs.change(job("01A", "failed"));
  jobs.replace([job("01A", "running")]);
  assert.equal(jobs.get("01A")?.state, "failed");
});
