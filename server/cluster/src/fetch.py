"""Reads pieces of files below one folder. Python 3.6+, standard library only.

In: a line of JSON, {"dir", "pieces": [[path, offset, length], ...]}. Out, for each piece: a line of JSON, {"size": of the file, "length":
of what follows} and so many bytes, or {"error": in words}. No link is followed, and only regular files are read.
"""
import json
import os
import stat
import sys


def opened(top, path):
    parts = path.split("/")
    fd = os.open(top, os.O_RDONLY | os.O_DIRECTORY)
    for at, part in enumerate(parts):
        if part in ("", ".", ".."):
            os.close(fd)
            raise ValueError("it is no path of a file there")
        # What is no regular file must not make us wait.
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
        if at + 1 < len(parts):
            flags |= os.O_DIRECTORY
        try:
            below = os.open(part.encode("utf-8"), flags, dir_fd=fd)
        finally:
            os.close(fd)
        fd = below
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise ValueError("it is no regular file")
    return fd


def read(top, path, offset, length):
    fd = opened(top, path)
    try:
        os.lseek(fd, offset, os.SEEK_SET)
        parts = []
        while length > 0:
            part = os.read(fd, min(length, 1 << 20))
            if not part:
                break
            parts.append(part)
            length -= len(part)
        return os.fstat(fd).st_size, b"".join(parts)
    finally:
        os.close(fd)


def main():
    asked = json.loads(sys.stdin.readline())
    out = sys.stdout.buffer
    for path, offset, length in asked["pieces"]:
        try:
            size, data = read(asked["dir"], path, offset, length)
            head = {"size": size, "length": len(data)}
        except (OSError, ValueError) as error:
            head, data = {"error": getattr(error, "strerror", None) or str(error)}, b""
        out.write(json.dumps(head).encode() + b"\n" + data)
    out.flush()


main()
