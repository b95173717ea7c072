// Where a file that a remote traceback names lies here. Pure.
import * as path from "node:path";

/**
 * The candidates for `file`, best first, all of them below one of `folders`. A path from the other machine
 * ("/home/ada/.hoist/jobs/01J/run/src/pkg/train.py") is matched by its end, the longest first.
 */
export function candidates(file: string, folders: readonly string[]): string[] {
  const found: string[] = [];
  const add = (folder: string, relative: string) => {
    const full = path.resolve(folder, relative);
    const isInside = full.startsWith(folder.endsWith(path.sep) ? folder : folder + path.sep);
    if (isInside && !found.includes(full)) found.push(full);
  };
  const parts = file.split(/[/\\]/).filter((part) => part !== "" && part !== ".");
  for (const folder of folders) {
    if (path.isAbsolute(file) && path.resolve(file).startsWith(folder + path.sep)) add(folder, path.relative(folder, file));
  }
  for (let start = 0; start < parts.length; start++) {
    const end = parts.slice(start);
    if (end.includes("..")) continue;
    for (const folder of folders) add(folder, end.join(path.sep));
  }
  return found;
}
