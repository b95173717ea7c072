"""Tells what stands at some paths of this machine, and what folders there hold. Python 3.6+, standard library only.

In: one JSON object on standard input, out: another. Paths and names are bytes, each written as the character of its number.
"""
import errno
import heapq
import json
import os
import stat
import sys
import time

MOST = 5000  # names of one folder
SCANNED = 200000  # entries of one folder that are looked at
SECONDS = 10  # for all
ABSENT = (errno.ENOENT, errno.ENOTDIR)


def is_folder(entry, until):
    try:
        # The kind stands in the folder itself; only a link must be followed for it.
        return entry.is_dir(follow_symlinks=time.monotonic() < until)
    except OSError:
        return False


def names(path, prefix, until):
    count, fit, cut = 0, 0, False

    def fitting(entries):
        nonlocal count, fit, cut
        for entry in entries:
            if count >= SCANNED or time.monotonic() > until:
                cut = True
                return
            count += 1
            if entry.name.startswith(prefix):
                fit += 1
                yield entry

    with os.scandir(path) as entries:
        kept = heapq.nsmallest(MOST, fitting(entries), key=lambda entry: entry.name)
    return {
        "names": [[entry.name.decode("latin-1"), is_folder(entry, until)] for entry in kept],
        "count": count,
        "more": cut or fit > MOST,
        "uncounted": cut,
    }


def look(path, prefix, until):
    path = os.path.expanduser(path)
    is_link = False
    try:
        is_link = stat.S_ISLNK(os.lstat(path).st_mode)
        state = os.stat(path)
    except OSError as error:
        if error.errno in ABSENT:
            return {"absent": True, "link": is_link}
        return {"error": error.strerror or str(error)}
    seen = {
        "kind": "other",
        "link": is_link,
        "size": state.st_size,
        "modified": state.st_mtime,
        "mode": stat.S_IMODE(state.st_mode),
    }
    if stat.S_ISREG(state.st_mode):
        seen["kind"] = "file"
    if stat.S_ISDIR(state.st_mode):
        seen["kind"] = "folder"
        try:
            seen["holds"] = names(path, prefix, until)
        except OSError as error:
            seen["denied"] = error.strerror or str(error)
    return seen


def main():
    asked = json.loads(sys.stdin.readline())
    until = time.monotonic() + SECONDS
    sights = []
    for path, prefix in asked["glances"]:
        try:
            sights.append(look(path.encode("latin-1"), prefix.encode("latin-1"), until))
        except (OSError, ValueError) as error:
            sights.append({"error": str(error)})
    sys.stdout.write(json.dumps({"sights": sights}) + "\n")


main()
