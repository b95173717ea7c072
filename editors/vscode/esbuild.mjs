// Bundles the extension (for the extension host) and the script of its output panel (for the webview) into dist/.
//   node esbuild.mjs [--production] [--watch]
import * as esbuild from "esbuild";

const production = process.argv.includes("--production");
const common = { bundle: true, minify: production, sourcemap: !production, logLevel: "warning", outdir: "dist", legalComments: "linked" };
const builds = [
  { ...common, entryPoints: ["src/extension.ts"], platform: "node", format: "cjs", target: "node20", external: ["vscode"] },
  { ...common, entryPoints: ["src/panel/panel.ts"], platform: "browser", format: "iife", target: "es2022", outbase: "src/panel" },
];

if (process.argv.includes("--watch")) {
  for (const build of builds) await (await esbuild.context(build)).watch();
} else {
  await Promise.all(builds.map((build) => esbuild.build(build)));
}
