// Which `hoist` program the extension starts. Pure but for the file system that is handed in.
import * as path from "node:path";

export interface Surroundings {
  /** The setting hoist.path. */
  setting: string;
  /** The extension's own folder. */
  extension: string;
  /** Whether the extension runs from its source (Extension Development Host). */
  developing: boolean;
  home: string;
  /** The environment variable PATH. */
  searchPath: string;
  windows: boolean;
  isFile(path: string): boolean;
}

export type Found = { path: string } | { missing: string };

/** In this order: the setting, a server that came with the extension, the repository's own build when developing, PATH, cargo's folder. */
export function findBinary(around: Surroundings): Found {
  const { join, isAbsolute } = around.windows ? path.win32 : path.posix;
  const name = around.windows ? "hoist.exe" : "hoist";
  const first = (folders: string[]) => folders.map((folder) => join(folder, name)).find((file) => around.isFile(file));
  const onPath = around.searchPath.split(around.windows ? ";" : ":").filter((folder) => isAbsolute(folder));

  const setting = around.setting.trim();
  if (setting !== "") {
    const expanded = setting === "~" || /^~[/\\]/.test(setting) ? join(around.home, setting.slice(1)) : setting;
    if (isAbsolute(expanded)) {
      if (around.isFile(expanded)) return { path: expanded };
      const inside = first([expanded]);
      if (inside) return { path: inside };
      return { missing: `The setting hoist.path names ${expanded}, and there is no such program. Correct the setting, or leave it empty.` };
    }
    if (/[/\\]/.test(expanded)) return { missing: `The setting hoist.path is "${setting}", which is neither an absolute path nor the name of a program on PATH. Correct it, or leave it empty.` };
    const named = onPath.map((folder) => join(folder, expanded)).find((file) => around.isFile(file));
    return named ? { path: named } : { missing: `The setting hoist.path names ${expanded}, which is not on PATH. Write its absolute path, or leave the setting empty.` };
  }

  const bundled = first([join(around.extension, "server")]);
  if (bundled) return { path: bundled };
  if (around.developing) {
    const target = join(around.extension, "..", "..", "target");
    const built = first([join(target, "debug"), join(target, "release")]);
    if (built) return { path: built };
  }
  const installed = first(onPath) ?? first([join(around.home, ".cargo", "bin")]);
  if (installed) return { path: installed };
  return { missing: "The program hoist was not found: it is neither on PATH nor in ~/.cargo/bin. Install it (cargo install --path server/hoist in Hoist's repository), or set hoist.path to where it is." };
}
