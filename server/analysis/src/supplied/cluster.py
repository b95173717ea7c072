"""The files of the machine on which the job runs, and names that only mean something at home.

It stands in for `hoist` and for `clustrix` in a job: `from hoist import cluster_ls`. Paths are those of the cluster; a
relative one begins in the job's working directory. Runs on Python 3.6 and newer.
"""
import datetime
import fnmatch
import glob as _glob
import os

__all__ = [
    "ClusterConfig",
    "DiskUsage",
    "FileInfo",
    "cluster",
    "cluster_count_files",
    "cluster_du",
    "cluster_exists",
    "cluster_find",
    "cluster_glob",
    "cluster_isdir",
    "cluster_isfile",
    "cluster_ls",
    "cluster_stat",
    "configure",
    "get_config",
]


def cluster(function=None, **options):
    """Says at home where a function is to run; here it runs."""
    if callable(function):
        return function
    return lambda decorated: decorated


class ClusterConfig(object):
    """What is configured at home; here it is accepted and has no effect."""

    def __init__(self, **settings):
        self.__dict__.update(settings)


_config = ClusterConfig()


def configure(**settings):
    """Accepted and without effect: the job is where it is."""
    _config.__dict__.update(settings)
    return _config


def get_config():
    """What `configure` was told."""
    return _config


class _Value(object):
    """Shown and compared by its fields."""

    _fields = ()

    def __repr__(self):
        fields = ", ".join("%s=%r" % (name, getattr(self, name)) for name in self._fields)
        return "%s(%s)" % (type(self).__name__, fields)

    def __eq__(self, other):
        if type(other) is not type(self):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in self._fields)

    __hash__ = None


class FileInfo(_Value):
    """What a path is: `size` in bytes, `modified` in seconds since 1970, `permissions` as "644"."""

    _fields = ("name", "size", "modified", "is_dir", "permissions")

    def __init__(self, size, modified, is_dir, permissions, name=""):
        self.size = size
        self.modified = modified
        self.is_dir = is_dir
        self.permissions = permissions
        self.name = name

    @property
    def is_file(self):
        return not self.is_dir

    @property
    def modified_datetime(self):
        """In the local time of this machine."""
        return datetime.datetime.fromtimestamp(self.modified)


class DiskUsage(_Value):
    """What lies below a path."""

    _fields = ("total_bytes", "file_count")

    def __init__(self, total_bytes, file_count):
        self.total_bytes = total_bytes
        self.file_count = file_count

    @property
    def total_mb(self):
        return self.total_bytes / (1024.0 * 1024)

    @property
    def total_gb(self):
        return self.total_bytes / (1024.0 * 1024 * 1024)


def _place(path):
    return os.path.expanduser(os.fspath(path))


def _files(top):
    """Every file below a folder, or the path itself where it is a file."""
    if os.path.isfile(top):
        yield top
    for folder, _, names in os.walk(top):
        for name in names:
            yield os.path.join(folder, name)


def cluster_ls(path=".", config=None):
    """The names in a folder, sorted; of what is no folder, or is not there, none."""
    try:
        return sorted(os.listdir(_place(path)))
    except OSError:
        return []


def cluster_find(pattern, path=".", config=None):
    """The paths below a folder whose names match a pattern, relative to the folder, sorted."""
    top = _place(path)
    found = []
    for folder, folders, names in os.walk(top):
        for name in folders + names:
            if fnmatch.fnmatchcase(name, pattern):
                found.append(os.path.relpath(os.path.join(folder, name), top).replace(os.sep, "/"))
    return sorted(found)


def cluster_stat(path, config=None):
    """What a path is; FileNotFoundError where there is nothing."""
    place = _place(path)
    state = os.stat(place)
    return FileInfo(
        size=state.st_size,
        modified=state.st_mtime,
        is_dir=os.path.isdir(place),
        permissions="%03o" % (state.st_mode & 0o777),
        name=os.path.basename(os.path.normpath(place)),
    )


def cluster_exists(path, config=None):
    """Is there anything of this name?"""
    return os.path.exists(_place(path))


def cluster_isdir(path, config=None):
    """Is it a folder?"""
    return os.path.isdir(_place(path))


def cluster_isfile(path, config=None):
    """Is it a file?"""
    return os.path.isfile(_place(path))


def cluster_glob(pattern, path=".", config=None):
    """The paths that match a pattern, relative to the folder, sorted; `**` stands for any folders."""
    pattern = os.path.expanduser(pattern)
    top = _place(path)
    found = _glob.glob(os.path.join(_glob.escape(top), pattern), recursive=True)
    if os.path.isabs(pattern):
        return sorted(found)
    return sorted(os.path.relpath(match, top) for match in found)


def cluster_du(path=".", config=None):
    """How much lies below a path, links not followed; what cannot be read is left out."""
    total, count = 0, 0
    for name in _files(_place(path)):
        try:
            total += os.lstat(name).st_size
            count += 1
        except OSError:
            pass
    return DiskUsage(total, count)


def cluster_count_files(path=".", pattern="*", config=None):
    """How many files lie below a folder whose names match a pattern."""
    files = _files(_place(path))
    return sum(1 for name in files if fnmatch.fnmatchcase(os.path.basename(name), pattern))
