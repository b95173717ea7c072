import assert from "node:assert/strict";
import { test } from "node:test";
import { candidates } from "../src/places.ts";

test("a path of the other machine is matched by its end, the longest first", () => {
  const found = candidates("/home/ada/.hoist/jobs/01J/run/src/pkg/train.py", ["/home/ada/project"]);
  assert.ok(found.indexOf("/home/ada/project/pkg/train.py") < found.indexOf("/home/ada/project/train.py"));
  assert.ok(found.includes("/home/ada/project/src/pkg/train.py"));
});

test("nothing outside of the folders is ever a candidate", () => {
  for (const file of ["../../etc/passwd", "/etc/../etc/passwd", "a/../../../b.py", ""]) {
    for (const found of candidates(file, ["/home/ada/project"])) assert.ok(found.startsWith("/home/ada/project/"), found);
  }
});

test("a path that is here already comes first", () => {
  assert.equal(candidates("/home/ada/project/a/b.py", ["/home/ada/project"])[0], "/home/ada/project/a/b.py");
});
