"""Watches the folders of jobs and sends what is new in them. Python 3.6+, standard library only.

It reads frames from standard input and writes frames to standard output. A frame is `!BIQI` (kind, job, number, length)
and `length` bytes. It ends when its input ends, or when nobody has said anything for two minutes.

To it:   F follow {"dir", "stdout", "stderr", "later": it may not be there yet}   U unfollow   A `number` more bytes may be sent   P still here
From it: H hello   S started   O, E output at offset `number`   o, e the same, as a zlib stream of at most CHUNK bytes
         R result   L result of `number` bytes, too large   X exit, after everything else   G gone
"""
import json
import os
import select
import struct
import time

HEAD = struct.Struct("!BIQI")
WINDOW = 4 << 20  # bytes of one job on their way at once
CHUNK = 1 << 18
AT_ONCE = 4  # chunks of a stream in one look
RESULT_LIMIT = 32 << 20
EXIT_LIMIT = 1 << 16
FAST, QUIET, SLEEPY = 0.02, 0.1, 0.25  # seconds between two looks
EAGER = 0.005  # the same while somebody has just begun to watch a job, or the job itself has
EAGERLY = 1.0  # for so many seconds
SILENCE = 120  # seconds without a word from the other side
GONE_AFTER = 60  # seconds for which a folder may be out of sight


SLOW = 20 << 20  # bytes per second; a slower way is worth the time that compressing takes
TELLING = 1 << 17  # fewer bytes are gone in no time, whatever the way
SURE = 4  # so many slow sends in a row are no hiccup


class Way:
    """How fast bytes go from here, as seen from what is sent as it is."""

    def __init__(self):
        self.slow = 0  # sends in a row
        self.packed = 0  # since one was sent as it is

    def send_output(self, kind, job, number, data):
        """Compressed where the way is slow and that makes a difference."""
        # Now and then it is tried again.
        if self.slow >= SURE and self.packed < 64 and len(data) > 1024:
            packed = compressed(data)
            if len(packed) < 0.8 * len(data):
                self.packed += 1
                send(kind.lower(), job, number, packed)
                return
        begun = time.monotonic()
        send(kind, job, number, data)
        if len(data) >= TELLING:
            took = time.monotonic() - begun
            self.slow, self.packed = self.slow + 1 if len(data) < SLOW * took else 0, 0


def send(kind, job, number=0, data=b""):
    # What is long is not copied for the sake of its head.
    head = HEAD.pack(ord(kind), job, number, len(data))
    sent = os.writev(1, (head, data))
    if sent < len(head):
        data = head + data
    else:
        sent -= len(head)
    rest = memoryview(data)[sent:]
    while rest:
        rest = rest[os.write(1, rest):]


def compressed(data):
    try:
        import zlib
    except ImportError:
        return data
    return zlib.compress(data, 1)


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


WAY = Way()


class Job:
    def __init__(self, number, wanted):
        self.number = number
        self.dir = wanted["dir"]
        self.offsets = [wanted["stdout"], wanted["stderr"]]
        self.later = wanted["later"]
        self.credit = WINDOW
        self.started = False
        self.starts = False  # just now
        self.missing_since = None

    def copy(self):
        """Sends what is new in the two streams. Returns (sent anything, both at their ends, more is waiting)."""
        sent, whole, more = False, True, False
        for index, (kind, name) in enumerate((("O", "stdout"), ("E", "stderr"))):
            for _ in range(AT_ONCE):
                room = min(CHUNK, self.credit)
                if room <= 0:
                    whole = more = False
                    break
                data = read_at(os.path.join(self.dir, name), self.offsets[index], room)
                if not data:
                    break
                WAY.send_output(kind, self.number, self.offsets[index], data)
                self.offsets[index] += len(data)
                self.credit -= len(data)
                sent, whole = True, False
                more = more or (len(data) == room and self.credit > 0)
                if len(data) < room:
                    break
        return sent, whole, more

    def look(self):
        """One look. Returns (sent anything, more is waiting, the job has ended)."""
        try:
            names = os.listdir(self.dir)
        except OSError as error:
            if self.later:
                return False, False, False
            now = time.monotonic()
            if self.missing_since is None:
                self.missing_since = now
            if now - self.missing_since > GONE_AFTER:
                send("G", self.number, 0, str(error).encode("utf-8", "replace"))
                return True, False, True
            return False, False, False
        self.missing_since, self.later = None, False
        sent = False
        if not self.started and "started" in names:
            data = read_at(os.path.join(self.dir, "started"), 0, EXIT_LIMIT)
            if data is not None:
                self.started = self.starts = sent = True
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
    eager_until = 0
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
                eager_until = busy_at + EAGERLY
            elif kind == ord("U"):
                jobs.pop(number, None)
            elif kind == ord("A") and number in jobs:
                jobs[number].credit += value
                interval = 0.0
        busy = hurry = False
        for job in list(jobs.values()):
            sent, more, ended = job.look()
            busy, hurry = busy or sent, hurry or more
            if job.starts:
                job.starts, eager_until = False, time.monotonic() + EAGERLY
            if ended:
                del jobs[job.number]
        now = time.monotonic()
        if busy:
            interval, busy_at = 0.0 if hurry else FAST, now
        else:
            interval = min(max(interval, FAST) * 1.5, QUIET if now - busy_at < 10 else SLEEPY)
        if now < eager_until:
            interval = min(interval, EAGER)
        # Many quiet jobs share the politeness of one.
        if not busy:
            interval = max(interval, min(SLEEPY * 4, 0.0005 * len(jobs)))


try:
    main()
except (BrokenPipeError, KeyboardInterrupt):
    pass
