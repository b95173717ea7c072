"""Files that are not in the package: data files of the target's store, and what lies on the target already.

The store is the folder `data` beside the folders of all jobs and packages. A file there is named by its SHA-256, it is read-only, and
beside it SHA256.seal tells its size and the time of its last change as they were when it was summed: as long as they hold nobody
sums it again. A job gets a hard link, so that the file stays for as long as the job needs it; where that cannot be a symbolic link,
and a copy where that cannot be either, or where a link would not keep the job from changing what others share: root writes whatever
the mode says.
"""
import errno
import os
import stat

from .folder import NO_SPACE, Refused
from .package import hasher, parts_of, stamp

# Linux: shares the blocks of a file until one of the two changes.
FICLONE = 0x40049409


class Data:
    def __init__(self, job):
        self.job = job
        self.manifest = job.package.manifest
        self.source = job.folder.source
        self.store = os.path.join(os.path.dirname(os.path.dirname(job.package.path)), "data")
        self.is_own = bool(job.request.get("own_store"))

    def put(self):
        """Puts everything at its place; gives {path: stamp} of what the job did not write itself."""
        put = {}
        for entry in self.manifest.get("stored", ()):
            self.put_stored(entry, put)
        # What lies in a folder comes before it, so that nothing is ever put into a folder of somebody else's.
        for entry in sorted(self.manifest.get("there", ()), key=lambda entry: -(entry.get("place") or "").count("/")):
            self.put_there(entry, put)
        return put

    def put_stored(self, entry, put):
        place = os.path.join(self.source, *parts_of(entry["path"]))
        stored = os.path.join(self.store, entry["sha256"])
        try:
            self.check(entry, stored)
            make_folder(os.path.dirname(place))
            self.link(stored, place)
            put[entry["path"]] = stamp(place)
        except OSError as error:
            if error.errno in NO_SPACE:
                raise Refused("no space is left for a copy of `%s` in the job's folder (%s)" % (entry["path"], error.strerror))
            raise Refused("`%s` cannot be had from the store of data files: %s" % (entry["path"], error))

    def check(self, entry, stored):
        """Refuses what is not there, or is not what the manifest says."""
        name, size, again = entry["path"], entry["size"], "run the function again, and it is sent anew"
        try:
            info = os.stat(stored)
        except FileNotFoundError:
            if self.job.by_hand:
                raise Refused(
                    "`%s` (%d bytes) is not in this package but in the store of a target: "
                    "`hoist package --all` writes one with everything in it" % (name, size)
                )
            raise Refused("`%s` is not in the store of data files any more (%s): %s" % (name, stored, again))
        if info.st_size != size:
            self.remove(stored)
            raise Refused("`%s` has %d bytes in the store and not %d: %s" % (name, info.st_size, size, again))
        if sealed(info) == read_text(stored + ".seal").strip():
            return
        digest = hasher(size)
        with open(stored, "rb") as file:
            for block in iter(lambda: file.read(1 << 20), b""):
                digest.update(block)
        if digest.hexdigest() != entry["sha256"]:
            self.remove(stored)
            raise Refused("`%s` was altered in the store of data files: %s" % (name, again))
        try:
            if info.st_mode & 0o222:
                os.chmod(stored, info.st_mode & ~0o222)
            new = "%s.seal.%d" % (stored, os.getpid())
            with open(new, "w") as file:
                file.write(sealed(info))
            os.rename(new, stored + ".seal")
        except OSError:
            # The next one sums it again.
            pass

    def remove(self, stored):
        """What is wrong must be in nobody's way; who has a link to it keeps it."""
        for path in (stored + ".seal", stored):
            try:
                os.unlink(path)
            except OSError:
                pass

    def link(self, stored, place):
        if self.is_own or os.geteuid() != 0:
            for way in (os.link, os.symlink):
                try:
                    return way(stored, place)
                except OSError as error:
                    if error.errno in (errno.EEXIST, errno.ENOENT):
                        raise
        copy(stored, place)

    def put_there(self, entry, put):
        shown = entry["path"]
        path = os.path.expanduser(os.path.expandvars(shown))
        place = entry.get("place")
        if not os.path.isabs(path) or "$" in path.split("/")[0]:
            raise Refused("%s, which `paths` of the target names, is no absolute path in the job: a variable is not set" % shown)
        for need in entry.get("needs", ()):
            wanted = os.path.join(path, *parts_of(need)) if need else path
            named = "/".join(part for part in (place, need) if part) or wanted
            try:
                os.stat(wanted)
            except OSError as error:
                where = "" if named == wanted else ", where `paths` of the target says that `%s` lies" % named
                in_pod = " (a pod has what `volumes` of the target names, and its image)" if "KUBERNETES_SERVICE_HOST" in os.environ else ""
                raise Refused(
                    "%s cannot be found on %s (%s)%s: put it there%s, or correct `paths`"
                    % (wanted, os.uname().nodename, error.strerror, where, in_pod)
                )
        if place is None:
            return
        target = os.path.join(self.source, *parts_of(place))
        try:
            make_folder(os.path.dirname(target))
            merge(path, target, place, put)
        except OSError as error:
            raise Refused("`%s` cannot be linked to %s in the job's folder: %s" % (place, path, error))


def merge(path, target, place, put):
    """Links `target` to `path`; where the package has something in that folder already, what else lies there beside it."""
    if not os.path.lexists(target):
        os.symlink(path, target)
        if not os.path.isdir(path):
            try:
                put[place] = stamp(target)
            except OSError:
                # Nobody says that it must be there.
                os.unlink(target)
    elif os.path.isdir(target) and not os.path.islink(target) and os.path.isdir(path):
        for name in os.listdir(path):
            merge(os.path.join(path, name), os.path.join(target, name), place + "/" + name, put)


def make_folder(path):
    os.makedirs(path, exist_ok=True)


def copy(source, target):
    """A copy that costs no room where the file system can do that."""
    with open(source, "rb") as old, open(target, "wb") as new:
        try:
            import fcntl

            fcntl.ioctl(new.fileno(), FICLONE, old.fileno())
        except (OSError, ImportError):
            for block in iter(lambda: old.read(1 << 20), b""):
                new.write(block)
        # As a link would be, but for root.
        os.fchmod(new.fileno(), stat.S_IMODE(os.fstat(old.fileno()).st_mode))


def sealed(info):
    return "%d %d" % (info.st_size, info.st_mtime_ns)


def read_text(path):
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            return file.read(100)
    except OSError:
        return ""
