"""The value as a pickle, for the user to load. Nothing of Hoist ever loads one."""
import os
import sys

# Of C, with what it needs, before the programme's folders are on sys.path.
try:
    from _pickle import Pickler
except ImportError:
    from pickle import Pickler

from .values import said

# As old as the oldest Python that may load it (3.4), and for large values the first that takes them.
PROTOCOL = 4
LARGEST = 1 << 30


class TooLarge(Exception):
    pass


class Bounded:
    """A file that takes no more than `LARGEST` bytes."""

    def __init__(self, file):
        self.file = file
        self.size = 0

    def write(self, data):
        self.size += len(data)
        if self.size > LARGEST:
            raise TooLarge()
        return self.file.write(data)


class Careful(Pickler):
    """Asks of each array how large it is before its bytes are copied into memory for the pickle, perhaps with no end."""

    def look(self, value):
        array = getattr(sys.modules.get("numpy"), "ndarray", None)
        if isinstance(array, type) and issubclass(type(value), array):
            if array.nbytes.__get__(value) > LARGEST:
                raise TooLarge()

    if sys.version_info >= (3, 8):

        def reducer_override(self, value):
            self.look(value)
            return NotImplemented

    else:

        def persistent_id(self, value):
            self.look(value)
            return None


def keep(value, path, home):
    """Writes the pickle as the file `path`, seen whole or not at all; gives None, or in words why there is none."""
    new = os.path.join(os.path.dirname(path), ".%s.new" % os.path.basename(path))
    try:
        with open(new, "wb") as file:
            Careful(Bounded(file), PROTOCOL).dump(value)
        os.rename(new, path)
        return None
    except TooLarge:
        why = "it would be larger than %d MiB: have the function write it to a file" % (LARGEST >> 20)
    except BaseException as error:
        # The value's own code runs in there, and may do anything.
        why = said(error, home)
    try:
        os.unlink(new)
    except OSError:
        pass
    return why
