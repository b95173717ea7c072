import assert from "node:assert/strict";
import { test } from "node:test";
import { findBinary, type Surroundings } from "../src/binary.ts";

function find(files: string[], more: Partial<Surroundings> = {}) {
  return findBinary({ setting: "", extension: "/ext/editors/vscode", developing: false, home: "/home/ada", searchPath: "/usr/bin:bin:/opt/bin", windows: false, isFile: (path) => files.includes(path), ...more });
}

test("the order: setting, bundled, the repository's build, PATH, cargo's folder", () => {
  const all = ["/own/hoist", "/ext/editors/vscode/server/hoist", "/ext/target/debug/hoist", "/opt/bin/hoist", "/home/ada/.cargo/bin/hoist"];
  assert.deepEqual(find(all, { setting: "/own/hoist", developing: true }), { path: "/own/hoist" });
  assert.deepEqual(find(all, { developing: true }), { path: "/ext/editors/vscode/server/hoist" });
  assert.deepEqual(find(all.slice(2), { developing: true }), { path: "/ext/target/debug/hoist" });
  assert.deepEqual(find(all.slice(2)), { path: "/opt/bin/hoist" });
  assert.deepEqual(find(all.slice(4)), { path: "/home/ada/.cargo/bin/hoist" });
});

test("the setting may begin with ~, name a folder, or a program on PATH", () => {
  assert.deepEqual(find(["/home/ada/x/hoist"], { setting: "~/x/hoist" }), { path: "/home/ada/x/hoist" });
  assert.deepEqual(find(["/home/ada/x/hoist"], { setting: "/home/ada/x" }), { path: "/home/ada/x/hoist" });
  assert.deepEqual(find(["/opt/bin/hoist-2"], { setting: "hoist-2" }), { path: "/opt/bin/hoist-2" });
});

test("a setting that is wrong is said to be wrong, and nothing else is started instead", () => {
  const missing = find(["/usr/bin/hoist"], { setting: "/no/hoist" });
  assert.ok("missing" in missing && missing.missing.includes("/no/hoist") && missing.missing.includes("hoist.path"));
  const relative = find(["/usr/bin/hoist"], { setting: "target/hoist" });
  assert.ok("missing" in relative && relative.missing.includes("absolute"));
});

test("a relative folder on PATH is left out: it would be the workspace's program", () => {
  assert.ok("missing" in find(["bin/hoist"]));
});

test("Windows", () => {
  const found = findBinary({ setting: "", extension: "C:\\ext", developing: false, home: "C:\\Users\\Ada", searchPath: "C:\\Windows;D:\\bin", windows: true, isFile: (path) => path === "D:\\bin\\hoist.exe" });
  assert.deepEqual(found, { path: "D:\\bin\\hoist.exe" });
});
