"""Inside the entry's process: makes it as if the module had been started at home, runs the entry, writes the outcome."""
import _thread
import errno
import faulthandler
import io
import json
import os
import signal
import sys

from . import errors, imports, pickles, processes
from .entry import CannotCall, Entry
from .values import clean, describe


# They end a programme that has no handler for them; schedulers use them all to tell a job to end.
SIGNALS = (signal.SIGTERM, signal.SIGXCPU, signal.SIGUSR1, signal.SIGUSR2)


class Stopped(SystemExit):
    """Raised in the main thread when the job is told to end, so that `finally` and `with` of the programme run."""


def heed_not(number, frame):
    """A warning that was asked for disturbs nobody who does not listen for it; unlike SIG_IGN, no started programme inherits
    this."""


class Stop:
    """The handler of the signals that tell the job to end, where the programme sets none of its own."""

    def __init__(self, mask, is_warned):
        self.mask = mask
        self.is_warned = is_warned
        self.pid = os.getpid()
        self.raised = False

    def arm(self):
        """From here on it may be raised, also for what came while the process was set up."""
        for number in SIGNALS:
            if signal.getsignal(number) == signal.SIG_DFL:
                is_warning = self.is_warned and number == signal.SIGUSR1
                signal.signal(number, heed_not if is_warning else self)
        # A shell that starts a job in the background has it ignore SIGINT; Python's own way is KeyboardInterrupt.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        self.guard_forks()
        signal.pthread_sigmask(signal.SIG_SETMASK, self.mask)

    def guard_forks(self):
        """Python forgets a signal with a handler that comes between a fork and the first line of the child, where at
        home it would have ended the child: so it waits until the child has no handler of ours any more."""
        masks = {}

        def before():
            masks[_thread.get_ident()] = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)

        def after_in_parent():
            signal.pthread_sigmask(signal.SIG_SETMASK, masks.pop(_thread.get_ident()))

        def after_in_child():
            for number in SIGNALS:
                if signal.getsignal(number) is self:
                    signal.signal(number, signal.SIG_DFL)
            after_in_parent()

        if hasattr(os, "register_at_fork"):
            os.register_at_fork(before=before, after_in_parent=after_in_parent, after_in_child=after_in_child)
            return
        fork = os.fork  # Python 3.6

        def guarded_fork():
            before()
            try:
                pid = fork()
            except BaseException:
                after_in_parent()
                raise
            (after_in_parent if pid else after_in_child)()
            return pid

        os.fork = guarded_fork

    def __call__(self, number, frame):
        if os.getpid() != self.pid:
            # A process forked by the programme (multiprocessing) dies of it as it does at home.
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
        elif not self.raised:
            # Only once: a second one would break off the programme's own cleaning up.
            self.raised = True
            raise Stopped(128 + number)


def run(job, parent, mask):
    """Runs the entry; gives the exit status for the process. `mask` are the signals to block once it can take them."""
    folder, manifest = job.folder, job.package.manifest
    os.setsid()
    processes.die_with(parent)
    # Opened now: the programme may use up all file descriptors.
    outcome_file = os.open(folder.outcome, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    fault_file = open(folder.fault, "w")
    faulthandler.enable(fault_file)
    set_streams()
    set_environment(job)
    roots = [os.path.join(folder.source, *root.split("/")).rstrip(os.sep) for root in manifest["roots"]]
    module_file = os.path.join(folder.source, *manifest["module_file"].split("/"))
    entry = Entry(manifest, module_file)
    view = errors.View(folder.source, manifest["module_name"])
    os.chdir(os.path.join(folder.source, *manifest["cwd"].split("/")))
    imports.set_up(roots, module_file)
    extras = None if job.by_hand else Extras(folder, entry.name)
    stop = Stop(mask, bool(job.request.get("warning")))
    outcome, value = run_entry(entry, job.request.get("args"), view, stop)
    write_outcome(outcome, outcome_file, folder.outcome)
    if extras is not None:
        extras.keep(outcome, value)
    # The shutdown that follows is the programme's own: its threads and atexit handlers may still be told to end.
    return 0 if outcome["state"] == "succeeded" else 1


class Extras:
    """What is made of the value once the outcome is safe: previews, a pickle, figures. The job does not fail for want of them."""

    def __init__(self, folder, home):
        self.folder = folder
        self.home = home
        self.figures = None
        sys.meta_path.insert(0, imports.AfterImport("matplotlib.pyplot", self.watch))

    def watch(self, pyplot):
        try:
            self.figures = imports.late("figures").Figures(self.folder.figures)
            self.figures.take_over(pyplot)
        except Exception:
            # Another module of that name; then nothing is kept, as nothing would be at home.
            self.figures = None

    def keep(self, outcome, value):
        extras = {"notes": []}
        try:
            if self.figures is not None:
                extras["notes"] = self.figures.end()
            if outcome["state"] == "succeeded":
                self.preview(value, extras)
                # Last, as it may take the most time and memory.
                extras["pickle_problem"] = pickles.keep(value, self.folder.pickle, self.home)
        except BaseException:
            # Told to end meanwhile; what there is counts.
            pass
        try:
            with open(self.folder.extras, "wb") as file:
                file.write(json.dumps(extras).encode("ascii"))
        except Exception:
            pass
        flush()

    def preview(self, value, extras):
        if not any(name in sys.modules for name in PREVIEWED):
            return
        try:
            extras["previews"] = imports.late("previews").of(value, self.figures, self.home)
        except Exception as error:
            extras["notes"].append("no preview of the value could be made: %s" % type(error).__name__)


# Only of values of their classes there are previews.
PREVIEWED = ("numpy", "pandas", "matplotlib.figure")


def run_entry(entry, args, view, stop):
    """The outcome, and the value where there is one."""
    notes = []
    value = None
    try:
        stop.arm()
        value = entry.run(args)
        outcome = dict(describe(value, notes, entry.name), state="succeeded")
        if stop.raised:
            # The programme swallowed the exception that told it to end: what it returned may be half of the work.
            outcome = {"state": "stopped"}
            notes.append("it was told to end while it ran, so the value that it returned was not taken")
    except CannotCall as refusal:
        described = {"type": "Refused", "message": str(refusal), "frames": [], "traceback": ""}
        outcome = {"state": "failed", "code": 3, "reason": str(refusal), "error": described}
        errors.say("hoist: %s\n" % refusal)
    except BaseException as error:
        outcome = failed(error, entry, view, stop, notes)
    outcome["notes"] = notes
    flush()
    return outcome, value


def failed(error, entry, view, stop, notes):
    described = errors.describe(error, view, fallback(entry, view))
    if stop.raised:
        return {"state": "stopped", "error": described}
    if isinstance(error, SystemExit):
        # As Python does: None and 0 are a good end, a number is the exit status, anything else is shown and is 1.
        code = error.code
        if code is None or code is False or code == 0 and isinstance(code, int):
            notes.append("it ended by SystemExit with status 0 and so has no value")
            return dict(describe(None, notes, entry.name), state="succeeded")
        if isinstance(code, int):
            described["message"] = "the programme ended itself with exit status %d" % code
        else:
            described["message"] = clean(errors.message(error))
            described["traceback"] = described["message"] + "\n"
            errors.say(described["traceback"])
        return {"state": "failed", "error": described}
    errors.show(error, described, view)
    outcome = {"state": "failed", "error": described}
    if entry.phase == "arguments":
        outcome["code"] = 3
        outcome["reason"] = "the arguments raised %s: %s" % (described["type"], described["message"])
    return outcome


def fallback(entry, view):
    """The `def` of the entry, for errors that arise before its first line runs."""
    code = entry.code()
    if code is None or not view.is_user(code.co_filename):
        return None
    return {
        "file": clean(view.shown(code.co_filename)),
        "line": code.co_firstlineno,
        "function": code.co_name,
        "user": True,
    }


def write_outcome(outcome, number, path):
    data = json.dumps(outcome).encode("ascii")
    try:
        write_all(number, path, data)
    except OSError as error:
        # Most often a full disk. A job whose value is lost has not succeeded.
        sentence = "the result could not be written (%s)" % error
        if outcome["state"] == "succeeded":
            outcome["error"] = {"type": "ResultLost", "message": sentence, "frames": [], "traceback": ""}
            outcome.update(state="failed", code=3, reason=sentence)
        else:
            outcome["notes"] = [sentence]
            outcome.get("error", {}).update(traceback="")
        outcome.update(repr=None, json_text=None)
        errors.say("hoist: %s\n" % sentence)
        try:
            write_all(number, path, json.dumps(outcome).encode("ascii"))
        except OSError:
            pass


def write_all(number, path, data):
    try:
        os.ftruncate(number, 0)
        os.lseek(number, 0, os.SEEK_SET)
        while data:
            data = data[os.write(number, data) :]
    except OSError as error:
        if error.errno != errno.EBADF:
            raise
        # The programme has closed every number that it did not know.
        with open(path, "wb") as file:
            file.write(data)


def flush():
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BaseException:
            pass


def set_streams():
    """UTF-8 whatever the locale, written out line by line, never failing for a character."""
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    for name, number in (("stdout", 1), ("stderr", 2)):
        old = getattr(sys, name)
        raw = io.FileIO(number, "wb", closefd=False)
        raw.name = "<%s>" % name
        stream = io.TextIOWrapper(
            io.BufferedWriter(raw), encoding="utf-8", errors="backslashreplace", newline="\n", line_buffering=True
        )
        stream.mode = "w"
        setattr(sys, name, stream)
        setattr(sys, "__%s__" % name, stream)
        # Kept alive: its end would close the number under the new one.
        imports.KEPT.append(old)


def set_environment(job):
    environment = os.environ
    environment["PYTHONUNBUFFERED"] = "1"
    environment.setdefault("PYTHONIOENCODING", "utf-8:backslashreplace")
    if not job.by_hand:
        # There is no screen, and nobody before it.
        environment.setdefault("MPLBACKEND", "Agg")
    environment["HOIST_JOB"] = str(job.request.get("job") or "")
    environment["HOIST_JOB_DIR"] = job.folder.path
    environment["HOIST_WARNING_FILE"] = job.folder.warned
    if job.folder.checkpoint is not None:
        environment["HOIST_CHECKPOINT_DIR"] = job.folder.checkpoint
