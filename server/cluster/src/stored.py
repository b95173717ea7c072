"""Lists what is in the store of data files and removes some of it.

It is told {"work", "what": "list" or "remove", "names"} on its standard input and answers one JSON object. Runs on Python 3.6 and newer.

A job names what it needs in the file `data` of its folder, a line each: the SHA-256 and its path. It needs that until its exit marker
is there. A file is sent before its job has a folder: so what was used a moment ago is kept, and all as long as something is being sent.
"""
import json
import os
import re
import sys
import tempfile

# So long after its last use the job that a file is for may not have a folder yet, in seconds of the file system's own clock.
FRESH = 60
# So long after the last byte a sending is held to be going on.
QUIET = 180
# More names of one file than that are not told.
MOST = 20

WHOLE = re.compile(r"[0-9a-f]{64}\Z")
PART = re.compile(r"\.([0-9a-f]{64})\.(part|[0-9]+)\Z")


def entries(folder):
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []


def modified(path):
    try:
        return os.stat(path).st_mtime
    except OSError:
        return None


def lines(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read().splitlines()
    except OSError:
        return []


class Jobs:
    """Who names which file."""

    def __init__(self, work):
        self.folder = os.path.join(work, "jobs")
        self.needed = {}
        self.over = {}
        self.paths = {}
        for job in entries(self.folder):
            named = lines(os.path.join(self.folder, job, "data"))
            if named:
                whose = self.over if self.is_over(job) else self.needed
                for line in named:
                    name, _, path = line.partition(" ")
                    whose.setdefault(name, []).append(job)
                    known = self.paths.setdefault(name, [])
                    if path and path not in known and len(known) < MOST:
                        known.append(path)

    def is_over(self, job):
        """An array is over when all of its tasks are, which have folders of their own once they begin."""
        tasks = lines(os.path.join(self.folder, job, "tasks")) or [job]
        return all(os.path.exists(os.path.join(self.folder, task, "exit")) for task in tasks)


class Store:
    def __init__(self, work):
        self.work = work
        self.folder = os.path.join(work, "data")
        os.makedirs(self.folder, mode=0o700, exist_ok=True)
        with tempfile.TemporaryFile(dir=self.folder) as clock:
            self.now = os.fstat(clock.fileno()).st_mtime

    def path(self, name):
        return os.path.join(self.folder, name)

    def used(self, name):
        """The age of a seal is that of the last use."""
        return modified(self.path(name) + ".seal") or modified(self.path(name))

    def is_sent(self, name):
        at = modified(self.path(name))
        return at is not None and self.now - at < QUIET

    def sendings(self):
        return [name for name in entries(self.folder) if PART.match(name) and self.is_sent(name)]

    def listed(self):
        jobs = Jobs(self.work)
        files = []
        for name in entries(self.folder):
            part = PART.match(name)
            if not part and not WHOLE.match(name):
                continue
            try:
                info = os.stat(self.path(name))
            except OSError:
                continue
            whole = part.group(1) if part else name
            state = "stored" if not part else "sending" if self.is_sent(name) else "cut off"
            files.append(
                {
                    "name": name,
                    "sha256": whole,
                    "state": state,
                    "size": info.st_size,
                    "used": self.used(name),
                    "paths": jobs.paths.get(whole, []),
                    "jobs": jobs.needed.get(whole, []),
                    "over": jobs.over.get(whole, []),
                }
            )
        return files

    def removed(self, names):
        """Removes them, and gives those that are kept, with why."""
        kept = []
        sendings = self.sendings()
        jobs = Jobs(self.work)
        for name in names:
            try:
                why = self.remove(name, jobs, sendings)
            except OSError as error:
                why = "it cannot be removed (%s)" % (error.strerror or error)
            if why:
                kept.append([name, why])
        return kept

    def remove(self, name, jobs, sendings):
        """Why it is kept. It is put aside first, and then it is looked again who uses it: whoever finds a file there says so by its
        seal, or by a job's folder."""
        path = self.path(name)
        if PART.match(name):
            if self.is_sent(name):
                return "it is being sent"
            os.unlink(path)
            return None
        if not os.path.lexists(path):
            return "there is no such file"
        why = self.in_use(name, path + ".seal", jobs)
        if why is None and sendings:
            why = "data files are being sent just now, and their job may need it as well"
        if why:
            return why
        aside = self.path(".removed-%s-%d" % (name, os.getpid()))
        os.rename(path, aside)
        try:
            os.rename(path + ".seal", aside + ".seal")
        except OSError:
            pass
        why = self.in_use(name, aside + ".seal", Jobs(self.work))
        if why and not os.path.lexists(path):
            os.rename(aside, path)
            try:
                os.rename(aside + ".seal", path + ".seal")
            except OSError:
                # Whoever wants it next sums it.
                pass
            return why
        for gone in (aside, aside + ".seal"):
            try:
                os.unlink(gone)
            except OSError:
                pass
        return None

    def in_use(self, name, seal, jobs):
        needed = jobs.needed.get(name, [])
        if len(needed) == 1:
            return "the job %s needs it and is not over" % needed[0]
        if needed:
            return "%d jobs need it that are not over" % len(needed)
        at = modified(seal)
        if at is not None and self.now - at < FRESH:
            return "it was used less than a minute ago, perhaps for a job that is just being submitted"
        return None


def main():
    os.umask(0o077)
    asked = json.loads(sys.stdin.buffer.readline().decode("utf-8"))
    store = Store(os.fsdecode(asked["work"].encode("utf-8")))
    if asked["what"] == "list":
        answer = {"files": store.listed()}
    else:
        answer = {"kept": store.removed(asked["names"])}
    print("\n" + json.dumps(answer), flush=True)


main()
