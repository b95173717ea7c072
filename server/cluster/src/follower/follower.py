"""Watches the folders of jobs and sends what is new in them. Python 3.6+, standard library only.

It reads frames from standard input and writes frames to standard output. A frame is `!BIQI` (kind, job, number, length)
and `length` bytes. It ends when its input ends, or when nobody has said anything for two minutes.

To it:   F follow {"dir", "stdout", "stderr"}   U unfollow   A `number` more bytes may be sent   P still here
From it: H hello   S started   O, E output at offset `number`   R result   L result of `number` bytes, too large
         X exit, after everything else   G gone
"""
import json
import os
import select
import struct
import time

HEAD = struct.Struct("!BIQI")
WINDOW = 4 << 20  # bytes of one job on their way at once
CHUNK = 1 << 18
RESULT_LIMIT = 32 << 20
EXIT_LIMIT = 1 << 16
FAST, QUIET, SLEEPY = 0.02, 0.1, 0.25  # seconds between two looks
SILENCE = 120  # seconds without a word from the other side
GONE_AFTER = 60  # seconds for which a folder may be out of sight


def send(kind, job, number=0, data=b""):
    data = HEAD.pack(ord(kind), job, number, len(data)) + data
    while data:
        data = data[os.write(1, data):]


def read_at(path, offset, limit):
    """Up to `limit` bytes; None when the file is not there. Opened anew each time: so NFS looks at the server."""
    try:
        fd = os.open(path, os.O_RDONLY)
    except OSError:
        return None
    try:
        if offset:
            os.lseek(fd, offset, os.SEEK_SET)
        parts = []
        while limit > 0:
            part = os.read(fd, min(limit, CHUNK))
            if not part:
                break
            parts.append(part)
            limit -= len(part)
        return b"".join(parts)
    except OSError:
        return None
    finally:
        os.close(fd)


class Job:
    def __init__(self, number, wanted):
        self.number = number
        self.dir = wanted["dir"]
        self.offsets = [wanted["stdout"], wanted["stderr"]]
        self.credit = WINDOW
        self.started = False
        self.missing_since = None

    def copy(self):
        """Sends what is new in the two streams. Returns (sent anything, both at their ends, more is waiting)."""
        sent, whole, more = False, True, False
        for index, (kind, name) in enumerate((("O", "stdout"), ("E", "stderr"))):
            room = min(CHUNK, self.credit)
            if room <= 0:
                whole = False
                continue
            data = read_at(os.path.join(self.dir, name), self.offsets[index], room)
            if data:
                send(kind, self.number, self.offsets[index], data)
                self.offsets[index] += len(data)
                self.credit -= len(data)
                sent, whole = True, False
                more = more or (len(data) == room and self.credit > 0)
        return sent, whole, more

    def look(self):
        """One look. Returns (sent anything, more is waiting, the job has ended)."""
        try:
            names = os.listdir(self.dir)
        except OSError as error:
            now = time.monotonic()
            if self.missing_since is None:
                self.missing_since = now
            if now - self.missing_since > GONE_AFTER:
                send("G", self.number, 0, str(error).encode("utf-8", "replace"))
                return True, False, True
            return False, False, False
        self.missing_since = None
        sent = False
        if not self.started and "started" in names:
            data = read_at(os.path.join(self.dir, "started"), 0, EXIT_LIMIT)
            if data is not None:
                self.started = sent = True
                send("S", self.number, 0, data)
        copied, whole, more = self.copy()
        sent = sent or copied
        # The marker was there before the streams were read to their ends: nothing can follow.
        if "exit" not in names or not whole:
            return sent, more, False
        end = read_at(os.path.join(self.dir, "exit"), 0, EXIT_LIMIT)
        if end is None:
            return sent, False, False
        result = read_at(os.path.join(self.dir, "result.json"), 0, RESULT_LIMIT + 1)
        if result is not None and len(result) > RESULT_LIMIT:
            send("L", self.number, os.stat(os.path.join(self.dir, "result.json")).st_size)
        elif result is not None:
            send("R", self.number, 0, result)
        elif "result.json" in names:
            return sent, False, False
        send("X", self.number, 0, end)
        return True, False, True


def main():
    jobs, inbox = {}, b""
    interval, busy_at, heard_at = FAST, time.monotonic(), time.monotonic()
    send("H", 0)
    while True:
        if select.select([0], [], [], interval if jobs else 1.0)[0]:
            data = os.read(0, CHUNK)
            if not data:
                return
            inbox += data
            heard_at = time.monotonic()
        elif time.monotonic() - heard_at > SILENCE:
            return
        while len(inbox) >= HEAD.size:
            kind, number, value, length = HEAD.unpack_from(inbox)
            if len(inbox) < HEAD.size + length:
                break
            body = inbox[HEAD.size:HEAD.size + length]
            inbox = inbox[HEAD.size + length:]
            if kind == ord("F"):
                jobs[number] = Job(number, json.loads(body.decode("utf-8")))
                interval, busy_at = FAST, time.monotonic()
            elif kind == ord("U"):
                jobs.pop(number, None)
            elif kind == ord("A") and number in jobs:
                jobs[number].credit += value
                interval = 0.0
        busy = hurry = False
        for job in list(jobs.values()):
            sent, more, ended = job.look()
            busy, hurry = busy or sent, hurry or more
            if ended:
                del jobs[job.number]
        now = time.monotonic()
        if busy:
            interval, busy_at = 0.0 if hurry else FAST, now
        else:
            interval = min(max(interval, FAST) * 1.5, QUIET if now - busy_at < 10 else SLEEPY)
        # Many quiet jobs share the politeness of one.
        if not busy:
            interval = max(interval, min(SLEEPY * 4, 0.0005 * len(jobs)))


try:
    main()
except (BrokenPipeError, KeyboardInterrupt):
    pass
