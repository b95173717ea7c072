"""Keeps a job's folder in the job's pod. Python 3.6+, standard library only. Arguments: the job, its package's SHA-256, seconds.

It lays the folder out from what the pod is given, or waits until a package is sent; lets the job begin; waits for the job's end; and
then, for so many seconds, until somebody has fetched that end. Whoever does so makes the file `fetched`. When nobody came, or the pod
is told to end, it says its last words on standard output, which the node keeps as the container's log for as long as there is the pod:

    hoist-last 1 {"stdout": bytes, "stderr": bytes, "result": bytes or null}
    o OFFSET BASE64    e OFFSET BASE64    a piece of a stream, deflated
    r BASE64           result.json, deflated
    x BASE64           the exit marker
"""
import base64
import hashlib
import json
import os
import select
import signal
import sys
import time
import zlib

TOP, GIVEN = "/hoist", "/hoist-given"
ROOM = 7 << 20  # a node keeps 10 MiB of a log before it begins another
PIECE = 1 << 18
LOOK = 0.2  # seconds
LATE = 10  # seconds for which a job that ended without a marker waits for somebody who knows why

job, wanted, keep = sys.argv[1], sys.argv[2], float(sys.argv[3])
folder = os.path.join(TOP, "jobs", job)
package = os.path.join(TOP, "packages", wanted + ".zip")
told = []


def path(name):
    return os.path.join(folder, name)


def read(name):
    try:
        with open(name, "rb") as file:
            return file.read()
    except OSError:
        return None


def put(name, data):
    with open(name + ".new", "wb") as file:
        file.write(data)
    os.rename(name + ".new", name)


def touch(name):
    open(os.path.join(TOP, name), "ab").close()


def mark(code, state, reason):
    if not os.path.exists(path("exit")):
        put(path("exit"), json.dumps({"code": code, "state": state, "reason": reason}).encode("ascii"))


def lay_out():
    """False when the job cannot begin; its exit marker says why."""
    os.umask(0o077)
    for name in ("jobs", "packages"):
        os.makedirs(os.path.join(TOP, name), exist_ok=True)
    os.makedirs(folder, exist_ok=True)
    for name in ("stdout", "stderr"):
        open(path(name), "ab").close()
    put(path("script.sh"), read(os.path.join(GIVEN, "script")) or b"")
    given = read(os.path.join(GIVEN, "package"))
    if given is not None:
        put(path("request.json"), base64.b64decode(read(os.path.join(GIVEN, "request")) or b""))
        put(package, base64.b64decode(given))
    end = time.monotonic() + keep
    while not (os.path.exists(package) and os.path.exists(path("request.json"))):
        if told or os.path.exists(path("exit")):
            mark(143, "terminated", "its pod was told to end before its package had come")
            return False
        if time.monotonic() > end:
            mark(126, "failed", "nobody sent its package within %d s of its pod's start" % keep)
            return False
        time.sleep(LOOK)
    if hashlib.sha256(read(package)).hexdigest() != wanted:
        mark(126, "failed", "its package arrived altered")
        return False
    return True


def wait_for_the_job(pipe):
    """Until the last process of the job's container is gone, which held the other end of the pipe."""
    poll = select.poll()
    poll.register(pipe, 0)
    marked_at = None
    # Nobody writes into it: it hangs up when who had it open is gone.
    while not poll.poll(int(LOOK * 1000)):
        # A container that never began cannot end; one that was cancelled may never begin.
        if os.path.exists(path("exit")):
            marked_at = marked_at or time.monotonic()
            if time.monotonic() - marked_at > 30 or os.path.exists(os.path.join(TOP, "fetched")):
                return
        if told and time.monotonic() - told[0] > 10:
            return


def wait(seconds, done):
    end = time.monotonic() + seconds
    while not done() and time.monotonic() < end:
        if told and time.monotonic() - told[0] > 5:
            return
        time.sleep(LOOK)


def last_words():
    sizes = {"stdout": 0, "stderr": 0, "result": None}
    for name in ("stdout", "stderr"):
        sizes[name] = os.path.getsize(path(name))
    result = read(path("result.json"))
    sizes["result"] = None if result is None else len(result)
    lines, room = [], ROOM
    marker = read(path("exit"))
    if marker is not None:
        lines.append("x " + base64.b64encode(marker).decode("ascii"))
        with open("/dev/termination-log", "wb") as file:
            file.write(marker[:4000])
    if result is not None:
        text = base64.b64encode(zlib.compress(result)).decode("ascii")
        if len(text) <= room // 2:
            lines.append("r " + text)
            room -= len(text)
    # Of long streams the ends: what came before was fetched by whoever was there.
    for kind, name in (("e", "stderr"), ("o", "stdout")):
        share = room // 2 if kind == "e" else room
        at = sizes[name]
        with open(path(name), "rb") as file:
            while at > 0:
                start = max(0, at - PIECE)
                file.seek(start)
                text = base64.b64encode(zlib.compress(file.read(at - start))).decode("ascii")
                if len(text) > share:
                    break
                lines.append("%s %d %s" % (kind, start, text))
                share -= len(text)
                room -= len(text)
                at = start
    lines.append("hoist-last 1 " + json.dumps(sizes))
    sys.stdout.write("\n".join(reversed(lines)) + "\n")
    sys.stdout.flush()


def main():
    signal.signal(signal.SIGTERM, lambda *_: told.append(time.monotonic()))
    fetched = os.path.join(TOP, "fetched")
    os.mkfifo(os.path.join(TOP, "alive"))
    pipe = os.open(os.path.join(TOP, "alive"), os.O_RDONLY | os.O_NONBLOCK)
    if lay_out():
        touch("ready")
        wait_for_the_job(pipe)
        wait(LATE, lambda: os.path.exists(path("exit")))
        mark(137, "crashed", "the job's container ended without a word")
    else:
        touch("failed")
    wait(keep, lambda: os.path.exists(fetched))
    if not os.path.exists(fetched):
        last_words()


main()
