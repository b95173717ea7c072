"""The way of a job: check, unpack, fork, watch, write down.

Reading a module takes longer than most of what it then does, so each process reads its own, at the same time as the other.
"""
import os
import signal
import sys
import time

from . import processes
from .folder import Folder, Refused, remove_tree, try_to
from .package import Package
from .signals import Signals


class Job:
    """What both sides of the fork know."""

    def __init__(self, folder, by_hand):
        self.folder = folder
        self.by_hand = by_hand
        self.request = {}
        self.package = None
        self.unpacked = {}


def main(argv):
    open_missing_streams()
    settle_locale()
    by_hand = not (len(argv) > 1 and os.path.isdir(argv[1]))
    folder = Folder(scratch_folder() if by_hand else argv[1])
    code = folder.finished_code()
    if code is not None:
        return code
    job = Job(folder, by_hand)
    signals = Signals()
    try:
        job.request = {"args": ", ".join(argv[1:])} if by_hand else folder.request()
        prepare(job)
    except Refused as refusal:
        return report(job).could_not_run(str(refusal))
    except OSError as error:
        return report(job).could_not_run("the job's folder cannot be used: %s" % error)
    if folder.has("cancel"):
        return report(job).cancelled_before_start()

    sys.stdout.flush()
    sys.stderr.flush()
    parent = os.getpid()
    # What comes between the fork and the child's own handlers waits until the child can take it.
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, signals.before)
    pid = os.fork()
    if pid == 0:
        signals.forget()
        from . import child

        return child.run(job, parent, mask)
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    try:
        from . import supervisor
    except BaseException:
        # Nobody would watch it.
        os.kill(pid, signal.SIGKILL)
        raise
    watch = supervisor.Watch(job, signals, pid)
    return supervisor.Report(job).write(watch.until_the_end())


def report(job):
    from .supervisor import Report

    return Report(job)


def prepare(job):
    folder = job.folder
    processes.adopt_orphans()
    # A scheduler may start a job anew after a node was lost: nothing of the first try must be in the way.
    folder.clean()
    try_to(os.unlink, folder.pickle)
    remove_tree(folder.figures)
    folder.reserve()
    if not job.by_hand:
        python = "%d.%d.%d" % sys.version_info[:3]
        started = {"pid": os.getpid(), "host": os.uname().nodename, "python": python, "time": time.time()}
        folder.write("started", started, durable=False)
    job.package = Package(__loader__)
    if job.request.get("package_sha256"):
        job.package.verify(job.request["package_sha256"])
    os.makedirs(folder.source, exist_ok=True)
    job.unpacked = job.package.unpack(folder.source)
    if job.package.manifest.get("stored") or job.package.manifest.get("there"):
        from . import data

        job.unpacked.update(data.Data(job).put())
    if job.request.get("checkpoint"):
        folder.keep_checkpoints(job.request["checkpoint"])


def scratch_folder():
    # The tempfile module would cost more time than the rest of the start.
    for top in (os.environ.get("TMPDIR"), "/tmp", "/var/tmp", os.getcwd()):
        if top:
            path = os.path.join(top, "hoist-%d-%s" % (os.getpid(), os.urandom(4).hex()))
            try:
                os.mkdir(path, 0o700)
                return path
            except OSError:
                continue
    sys.stderr.write("hoist: no folder for temporary files can be written: set TMPDIR\n")
    sys.exit(3)


def open_missing_streams():
    """A file must never be opened as number 0, 1 or 2, where output would be written into it."""
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    for name, number in (("stdout", 1), ("stderr", 2)):
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, "w", closefd=False))


def settle_locale():
    """What Python 3.7 and newer do by themselves (PEP 538): in the locale C, text is UTF-8 all the same.

    Python 3.6 settles the encoding of file names at its start, so it has to start again.
    """
    if sys.version_info >= (3, 7) or sys.getfilesystemencoding() != "ascii" or "HOIST_LOCALE" in os.environ:
        return
    import _locale

    for name in ("C.UTF-8", "C.utf8", "en_US.UTF-8", "en_US.utf8"):
        try:
            _locale.setlocale(_locale.LC_CTYPE, name)
        except _locale.Error:
            continue
        variable = "LC_ALL" if os.environ.get("LC_ALL") else "LC_CTYPE"
        os.environ[variable] = os.environ["HOIST_LOCALE"] = name
        flags = ["-u"] if sys.flags.unbuffered else []
        os.execv(sys.executable, [sys.executable] + flags + sys.argv)
