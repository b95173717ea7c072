// Packages the extension together with the release build of the server for this machine: hoist-PLATFORM-VERSION.vsix.
import { execFileSync } from "node:child_process";
import { chmodSync, copyFileSync, existsSync, mkdirSync, rmSync } from "node:fs";

const name = process.platform === "win32" ? "hoist.exe" : "hoist";
const built = new URL(`../../target/release/${name}`, import.meta.url);
if (!existsSync(built)) {
  console.error("There is no release build of hoist: run `cargo build --release` in the repository first.");
  process.exit(1);
}
mkdirSync("server", { recursive: true });
try {
  copyFileSync(built, `server/${name}`);
  chmodSync(`server/${name}`, 0o755);
  const vsce = new URL("node_modules/@vscode/vsce/vsce", import.meta.url).pathname;
  execFileSync(process.execPath, [vsce, "package", "--no-dependencies", "--allow-missing-repository", "--target", `${process.platform}-${process.arch}`], { stdio: "inherit" });
} finally {
  rmSync("server", { recursive: true, force: true });
}
