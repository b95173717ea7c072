"""Takes in a file: writes what comes on standard input behind what an earlier attempt left, and sums it as it comes.

Arguments: the file to write, where it goes when it is whole, its length, its SHA-256 in hexadecimal. Runs on Python 3.6 and newer.
Out, a line each: `from N` (so many bytes are there, send the rest), then `done`, `fail altered` or `fail write WORDS`; nothing
more when the input ends early: what has come stays for the next attempt. Nobody has looked at the bytes that were there before
the sum of all of them is known.
"""
import hashlib
import os
import sys

CHUNK = 1 << 20


def say(words):
    os.write(1, words.encode("utf-8", "replace") + b"\n")


def take(temporary, path, total, wanted):
    digest = hashlib.sha256()
    buffer = memoryview(bytearray(CHUNK))
    file = os.open(temporary, os.O_RDWR | os.O_CREAT, 0o600)
    have = os.fstat(file).st_size
    if have > total:
        os.ftruncate(file, 0)
        have = 0
    say("from %d" % have)
    with open(file, "r+b", buffering=0) as stored, open(0, "rb", buffering=0) as stream:
        summed = 0
        while summed < have:
            count = stored.readinto(buffer[: min(CHUNK, have - summed)])
            if not count:
                return "fail altered"
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
    if digest.hexdigest() != wanted:
        return "fail altered"
    os.replace(temporary, path)
    return "done"


def main():
    temporary, path, total, wanted = sys.argv[1:]
    try:
        answer = take(temporary, path, int(total), wanted)
    except OSError as error:
        answer = "fail write %s" % (error.strerror or error)
    if answer is None:
        return
    if answer != "done":
        try:
            os.remove(temporary)
        except OSError:
            pass
    say(answer)


main()
