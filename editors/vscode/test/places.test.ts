import assert from "node:assert/strict";
import { test } from "node:test";
import { candidates } from "../src/places.ts";

test("a path of the other machine is matched by its end, the longest first", () => {
  const found = candidates("/home/ada/.hoist/jobs/01J/run/src/pkg/train.py", ["/work/project"]);
  assert.ok(found.indexOf("/work/project/pkg/train.py") < found.indexOf("/work/project/train.py"));
  assert.ok(found.includes("/work/project/src/pkg/train.py"));
});

test("nothing outside of the folders is ever a candidate", () => {
  for (const file of ["../../etc/passwd", "/etc/../etc/passwd", "a/../../../b.py", ""]) {
    for (const found of candidates(file, ["/work/project"])) assert.ok(found.startsWith("/work/project/"), found);
  }
});

test("a path that is here already comes first", () => {
  assert.equal(candidates("/work/project/a/b.py", ["/work/project"])[0], "/work/project/a/b.py");
});
