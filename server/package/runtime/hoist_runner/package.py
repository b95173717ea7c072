"""The package itself: its manifest, its hashes, and its unpacking."""
import json
import os
import zlib

from .folder import NO_SPACE, Refused

SEND_AGAIN = "it was altered or damaged on its way; run the function again to send it anew"


# From so many bytes on OpenSSL's speed makes up for the time that loading it takes.
LARGE = 4 << 20


def hasher(size):
    """A hash for so many bytes. Python's own is in the interpreter, under names that are nobody's promise."""
    if size < LARGE:
        for name in ("_sha2", "_sha256"):
            try:
                return __import__(name).sha256()
            except (ImportError, AttributeError):
                pass
    import hashlib

    return hashlib.sha256()


class Package:
    def __init__(self, loader):
        # The loader that has read this very file from the ZIP reads the rest of it, too.
        self.loader = loader
        self.path = os.path.abspath(loader.archive)
        try:
            self.manifest = json.loads(self.read("manifest.json").decode("utf-8"))
        except ValueError as error:
            raise Refused("the package's manifest is broken (%s): %s" % (error, SEND_AGAIN))

    def read(self, name):
        try:
            return self.loader.get_data(self.loader.archive + os.sep + name.replace("/", os.sep))
        except (OSError, EOFError, ValueError, zlib.error) as error:
            raise Refused("%s cannot be read from the package (%s): %s" % (name, error, SEND_AGAIN))

    def verify(self, sha256):
        """Refuses a package whose bytes are not those that the client named."""
        try:
            digest = hasher(os.path.getsize(self.path))
            with open(self.path, "rb") as file:
                for block in iter(lambda: file.read(1 << 20), b""):
                    digest.update(block)
        except OSError as error:
            raise Refused("the package cannot be read (%s)" % error)
        if digest.hexdigest() != sha256:
            raise Refused(
                "the package's SHA-256 is %s and not %s: %s" % (digest.hexdigest(), sha256, SEND_AGAIN)
            )

    def unpack(self, folder):
        """Writes the tree below `folder`, refusing what differs from the manifest; gives {path: (size, mtime)}."""
        written = {}
        for entry in self.manifest["files"]:
            path = entry["path"]
            parts = parts_of(path)
            data = self.read("src/" + path)
            digest = hasher(len(data))
            digest.update(data)
            if digest.hexdigest() != entry["sha256"]:
                raise Refused("%s differs from the package's manifest: %s" % (path, SEND_AGAIN))
            target = os.path.join(folder, *parts)
            try:
                os.makedirs(os.path.dirname(target), exist_ok=True)
                with open(target, "wb") as file:
                    file.write(data)
                if data.startswith(b"#!"):
                    os.chmod(target, os.stat(target).st_mode | 0o111)
                written[path] = stamp(target)
            except OSError as error:
                if error.errno in NO_SPACE:
                    raise Refused("no space is left to unpack the package into %s (%s)" % (folder, error.strerror))
                raise Refused("the package cannot be unpacked: %s" % error)
        for path in self.manifest["roots"] + [self.manifest["cwd"]]:
            os.makedirs(os.path.join(folder, *path.split("/")), exist_ok=True)
        for path in self.manifest.get("folders", ()):
            os.makedirs(os.path.join(folder, *parts_of(path)), exist_ok=True)
        return written


def parts_of(path):
    """The parts of a path that cannot leave the folder it is joined to; any other is refused."""
    parts = path.split("/")
    if os.path.isabs(path) or "\\" in path or any(part in ("", ".", "..") for part in parts):
        raise Refused("%r is no path of a package: %s" % (path, SEND_AGAIN))
    return parts


def stamp(path):
    """What tells a file that was left alone from one that was written."""
    info = os.stat(path)
    return info.st_size, info.st_mtime_ns
