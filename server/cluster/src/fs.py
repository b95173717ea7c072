"""Answers one question about files of this machine. Python 3.6+, standard library only.

In: one JSON object on standard input. Out: one JSON object; for `read` then the bytes.
"""
import fnmatch
import glob
import json
import os
import stat
import sys

MOST = 50000  # entries in one answer


def text(name):
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def info(path, name=None):
    link = os.lstat(path)
    try:
        state = os.stat(path)
    except OSError:
        state = link
    kind = "other"
    if stat.S_ISDIR(state.st_mode):
        kind = "folder"
    elif stat.S_ISREG(state.st_mode):
        kind = "file"
    return {
        "name": text(name if name is not None else os.path.basename(path.rstrip("/")) or path),
        "path": text(path),
        "kind": kind,
        "link": stat.S_ISLNK(link.st_mode),
        "size": state.st_size,
        "modified": state.st_mtime,
        "mode": stat.S_IMODE(state.st_mode),
    }


def infos(paths):
    found = []
    for path in paths:
        try:
            found.append(info(path))
        except OSError:
            continue  # it went away meanwhile
        if len(found) >= MOST:
            return found, True
    return found, False


def walk(top):
    for folder, folders, files in os.walk(top):
        folders.sort()
        for name in sorted(folders + files):
            yield os.path.join(folder, name)


def answer(asked):
    path = os.path.expandvars(os.path.expanduser(asked["path"]))
    what = asked["what"]
    if what == "ls":
        if not os.path.isdir(path):
            return {"entries": [info(path)], "more": False}
        entries, more = infos(os.path.join(path, name) for name in sorted(os.listdir(path)))
        return {"entries": entries, "more": more}
    if what == "stat":
        return {"entries": [info(path)], "more": False}
    if what == "glob":
        entries, more = infos(sorted(glob.iglob(path, recursive=True)))
        return {"entries": entries, "more": more}
    if what == "find":
        os.listdir(path)  # os.walk is silent about a folder that it cannot read
        pattern = asked["pattern"]
        entries, more = infos(p for p in walk(path) if fnmatch.fnmatch(os.path.basename(p), pattern))
        return {"entries": entries, "more": more}
    if what == "du":
        top = info(path)
        total, files, seen = 0, 0, set()
        for p in [path] if top["kind"] != "folder" else walk(path):
            try:
                state = os.lstat(p)
            except OSError:
                continue
            if stat.S_ISDIR(state.st_mode) or (state.st_dev, state.st_ino) in seen:
                continue
            if state.st_nlink > 1:
                seen.add((state.st_dev, state.st_ino))
            total += state.st_size
            files += 1
        return {"bytes": total, "files": files}
    raise OSError("there is no operation " + what)


def main():
    asked = json.loads(sys.stdin.readline())
    out = sys.stdout.buffer
    try:
        if asked["what"] == "read":
            path = os.path.expandvars(os.path.expanduser(asked["path"]))
            with open(path, "rb") as f:
                f.seek(asked["offset"])
                data = f.read(asked["limit"])
                size = os.fstat(f.fileno()).st_size
            out.write(json.dumps({"size": size}).encode() + b"\n" + data)
        else:
            out.write(json.dumps(answer(asked)).encode() + b"\n")
    except (OSError, ValueError) as error:
        words = getattr(error, "strerror", None) or str(error)
        out.write(json.dumps({"error": words}).encode() + b"\n")
    out.flush()


main()
