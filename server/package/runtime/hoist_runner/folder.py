"""The job's folder, JOBDIR: what the client wrote into it and what the runner writes."""
import errno
import json
import os

# Blocks kept for the last words of a job whose disk or quota is full.
RESERVE = ".reserve"
RESERVE_BYTES = 64 * 1024
# One block of them, kept since the submission: the exit marker fits into it.
LAST = ".last"
NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class Refused(Exception):
    """The job cannot be run at all; the text is a sentence for the user."""


class Folder:
    def __init__(self, path):
        # Without symbolic links, so that os.getcwd() and __file__ agree in the job.
        self.path = os.path.realpath(path)
        self.run = os.path.join(self.path, "run")
        self.source = os.path.join(self.run, "src")
        self.files = os.path.join(self.path, "files")
        self.outcome = os.path.join(self.run, "outcome.json")
        self.extras = os.path.join(self.run, "extras.json")
        self.fault = os.path.join(self.run, "fault.txt")
        self.pickle = os.path.join(self.path, "result.pickle")
        self.figures = os.path.join(self.path, "figures")
        self.warned = os.path.join(self.path, "warned")
        self.checkpoint = None

    def request(self):
        path = os.path.join(self.path, "request.json")
        try:
            with open(path, encoding="utf-8") as file:
                request = json.load(file)
        except OSError as error:
            raise Refused("the request of the job cannot be read (%s)" % error)
        except ValueError as error:
            raise Refused("the request of the job is broken: %s is no JSON (%s)" % (path, error))
        if not isinstance(request, dict):
            raise Refused("the request of the job is broken: %s holds no object" % path)
        return request

    def has(self, name):
        # A listing sees a new file on NFS before stat does.
        try:
            return name in os.listdir(self.path)
        except OSError:
            return False

    def finished_code(self):
        """The exit status of a job that has ended already (a scheduler may start a job twice), else None."""
        if not self.has("exit"):
            return None
        try:
            with open(os.path.join(self.path, "exit"), encoding="utf-8") as file:
                return int(json.load(file)["code"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def keep_checkpoints(self, name):
        """The folder that stays between the attempts at one piece of work; `name` is that of the first of them."""
        # Beside the folder of all jobs.
        top = os.path.dirname(os.path.dirname(self.path))
        self.checkpoint = os.path.join(top, "checkpoints", name)
        os.makedirs(self.checkpoint, mode=0o700, exist_ok=True)

    def checkpoint_bytes(self):
        """What lies in that folder; an empty one goes."""
        if self.checkpoint is None:
            return 0
        try_to(os.rmdir, self.checkpoint)
        count = 0
        for folder, _, files in os.walk(self.checkpoint):
            for name in files:
                try:
                    count += os.lstat(os.path.join(folder, name)).st_size
                except OSError:
                    pass
        return count

    def reserve(self):
        """Takes the blocks for the last words; a full disk is found out here, before anything runs."""
        with open(os.path.join(self.path, RESERVE), "wb") as file:
            file.write(os.urandom(RESERVE_BYTES))

    def free_reserve(self):
        try:
            os.unlink(os.path.join(self.path, RESERVE))
        except OSError:
            pass

    def write(self, name, value, json_text=None, durable=True):
        """Writes a JSON file so that it is seen whole or not at all, also by who comes after a loss of power where it is
        to be durable; `json_text` becomes its field "json"."""
        # ASCII only: text that is no Unicode (lone surrogates) never gets this far.
        text = json.dumps(value, allow_nan=False)
        if json_text is not None:
            text = '%s, "json": %s}' % (text[:-1], json_text)
        new = os.path.join(self.path, ".%s.new" % name)
        try:
            with open(new, "wb") as file:
                file.write(text.encode("ascii"))
                file.flush()
                if durable:
                    os.fsync(file.fileno())
            os.rename(new, os.path.join(self.path, name))
        except BaseException:
            try:
                os.unlink(new)
            except OSError:
                pass
            raise

    def mark_exit(self, marker):
        """Writes the exit marker; on a full disk in the place that was kept for it. What follows in there is white space."""
        last = os.path.join(self.path, LAST)
        try:
            self.write("exit", marker)
        except OSError as error:
            if error.errno not in NO_SPACE:
                raise
            with open(last, "r+b") as file:
                file.write(json.dumps(marker, allow_nan=False).encode("ascii"))
                file.flush()
                os.fsync(file.fileno())
            os.rename(last, os.path.join(self.path, "exit"))
        try_to(os.unlink, last)

    def clean(self):
        """Removes the unpacked tree. What cannot be removed stays: a job does not fail for it."""
        remove_tree(self.run)
        self.free_reserve()


def remove_tree(top):
    for folder, folders, files in os.walk(top, topdown=False):
        for name in files:
            try_to(os.unlink, os.path.join(folder, name))
        for name in folders:
            path = os.path.join(folder, name)
            try_to(os.unlink if os.path.islink(path) else os.rmdir, path)
    try_to(os.rmdir, top)


def try_to(action, path):
    try:
        action(path)
    except OSError:
        pass
