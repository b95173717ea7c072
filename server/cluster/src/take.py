import hashlib
import os
import sys

CHUNK = 1 << 20


def say(words):
    os.write(1, words.encode("utf-8", "replace") + b"\n")


def take(stored, stream, have, total, wanted):
    """Writes what comes on `stream` behind the `have` bytes that `stored` has already, and sums all: "done", "altered", or None when
    the stream ends early. Nobody has looked at the bytes that were there before the sum of all of them is known."""
    digest = hashlib.sha256()
    buffer = memoryview(bytearray(CHUNK))
    summed = 0
    while summed < have:
        count = stored.readinto(buffer[: min(CHUNK, have - summed)])
        if not count:
            return "altered"
        digest.update(buffer[:count])
        summed += count
    while have < total:
        count = stream.readinto(buffer[: min(CHUNK, total - have)])
        if not count:
            return None
        written = 0
        while written < count:
            written += stored.write(buffer[written:count])
        digest.update(buffer[:count])
        have += count
    return "done" if digest.hexdigest() == wanted else "altered"
