"""Outside of the entry: watches its process, ends it in time, and writes down how it ended."""
import json
import os
import signal
import sys
import time
from binascii import b2a_base64

from . import processes
from .folder import remove_tree, try_to
from .package import stamp
from .signals import TOLD_TO_END, WARNINGS

GRACE = 10.0
# After these faulthandler has written where it happened.
FATAL = ("SIGSEGV", "SIGABRT", "SIGBUS", "SIGFPE", "SIGILL")
LISTED_FILES = 1000
LONGEST_REASON = 1000
# A pickle of so many bytes travels in the result, which saves a journey.
PICKLE_WITHIN = 64 * 1024


class End:
    """How the entry's process ended, before anybody has drawn a conclusion."""

    def __init__(self):
        self.exit_code = None
        self.signal = None
        self.told = []  # names of the signals that this process was sent
        self.timed_out = False
        self.killed = False  # by us, after the grace
        self.wall_seconds = 0.0
        self.cpu_seconds = 0.0
        self.peak_memory_bytes = 0


class Memory:
    """What all processes of the entry hold at once, looked at from time to time. Of a single one the kernel keeps the peak itself."""

    def __init__(self):
        self.peak = 0
        self.pause = 0.1
        self.at = time.monotonic() + self.pause

    def look(self):
        begun = time.monotonic()
        pids = processes.descendants()
        if len(pids) > 1:
            self.peak = max(self.peak, sum(processes.resident(pid) for pid in pids))
        now = time.monotonic()
        # Looking takes no more than a fiftieth of one core.
        self.pause = max(min(1.5 * self.pause, 5.0), 50 * (now - begun))
        self.at = now + self.pause


class Watch:
    def __init__(self, job, signals, pid):
        self.job = job
        self.signals = signals
        self.pid = pid
        self.end = End()
        self.begun = time.monotonic()
        limit = job.request.get("time_limit")
        self.limit_at = None if limit is None else self.begun + limit
        self.warning = job.request.get("warning")
        self.warn_at = None if limit is None or self.warning is None else self.begun + max(0, limit - self.warning)
        self.is_warned = False
        self.kill_at = None
        grace = job.request.get("grace")
        self.grace = GRACE if grace is None else grace
        self.memory = Memory()

    def until_the_end(self):
        while not self.has_ended():
            now = time.monotonic()
            if self.limit_at is not None and now >= self.limit_at:
                self.limit_at = None
                self.end.timed_out = True
                self.ask_to_end()
            if self.warn_at is not None and now >= self.warn_at:
                self.warn()
            if self.kill_at is not None and now >= self.kill_at:
                self.kill_at = None
                self.end.killed = True
                processes.send_group(self.pid, signal.SIGKILL)
                processes.send(self.pid, signal.SIGKILL)
            if now >= self.memory.at:
                self.memory.look()
            deadlines = [at for at in (self.warn_at, self.limit_at, self.kill_at, self.memory.at) if at is not None]
            for number in self.signals.wait(max(0, min(deadlines) - now)):
                self.react(number)
        self.end.wall_seconds = time.monotonic() - self.begun
        processes.end_leftovers(self.pid)
        self.end.peak_memory_bytes = max(self.end.peak_memory_bytes, self.memory.peak)
        # With what was started and not waited for by the entry itself; in hundredths of a second.
        times = os.times()
        self.end.cpu_seconds = max(self.end.cpu_seconds, times.children_user + times.children_system)
        return self.end

    def has_ended(self):
        while True:
            pid, status, usage = os.wait4(-1, os.WNOHANG)
            if pid == 0:
                return False
            if pid == self.pid:
                break
        if os.WIFSIGNALED(status):
            self.end.signal = os.WTERMSIG(status)
        else:
            self.end.exit_code = os.WEXITSTATUS(status)
        self.end.cpu_seconds = usage.ru_utime + usage.ru_stime
        # Kilobytes on Linux, bytes on macOS.
        self.end.peak_memory_bytes = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
        return True

    def react(self, number):
        name = signal_name(number)
        if name == "SIGCHLD":
            return
        if name in TOLD_TO_END:
            self.ask_to_end()
        elif name == "SIGUSR1" and self.warning is not None:
            self.warn()
            return
        else:
            processes.send(self.pid, number)
            if self.job.by_hand and name == "SIGINT" and name in self.end.told:
                self.kill_at = time.monotonic()  # Ctrl-C twice
        self.end.told.append(name)

    def warn(self):
        """That the time is nearly over, once: the scheduler may say it as well, by its own clock."""
        self.warn_at = None
        if self.is_warned:
            return
        self.is_warned = True
        try_to(touch, self.job.folder.warned)
        processes.send(self.pid, signal.SIGUSR1)

    def ask_to_end(self):
        """SIGTERM for the entry's process alone: it takes its helpers down in its own order. Then the grace."""
        if self.kill_at is None:
            self.kill_at = time.monotonic() + self.grace
            processes.send(self.pid, signal.SIGTERM)


class Report:
    """Writes `result.json`, cleans up, and writes `exit`, in this order."""

    def __init__(self, job):
        self.job = job
        self.folder = job.folder
        self.json_text = None
        self.result = {
            "state": "failed",
            "reason": "",
            "python": "%d.%d.%d" % sys.version_info[:3],
            "host": os.uname().nodename,
            "pid": os.getpid(),
        }

    def could_not_run(self, reason):
        self.result.update(reason=reason, error={"type": "Refused", "message": reason})
        self.tell(reason)
        return self.finish(3)

    def cancelled_before_start(self):
        self.result.update(state="cancelled", reason="it was cancelled before it started")
        return self.finish(143)

    def write(self, end):
        outcome = read_json(self.folder.outcome)
        self.result.update(outcome or {})
        self.json_text = self.result.pop("json_text", None)
        self.result.setdefault("notes", [])
        self.result.update(
            wall_seconds=round(end.wall_seconds, 6),
            cpu_seconds=round(end.cpu_seconds, 6),
            peak_memory_bytes=end.peak_memory_bytes,
        )
        code = self.conclude(end, outcome)
        self.take_extras()
        self.keep_files()
        return self.finish(code)

    def take_extras(self):
        """What was made of the value besides; the process may have died of that."""
        try_to(os.unlink, os.path.join(self.folder.path, ".result.pickle.new"))
        extras = read_json(self.folder.extras) or {}
        self.result["notes"] += extras.pop("notes", [])
        self.result.update(extras)
        self.result["figures"] = self.figures()
        if self.result["state"] != "succeeded" or self.job.by_hand:
            return
        try:
            size = os.path.getsize(self.folder.pickle)
            self.result["pickle"] = {"size": size}
            if size <= PICKLE_WITHIN:
                with open(self.folder.pickle, "rb") as file:
                    self.result["pickle"]["data"] = b2a_base64(file.read(), newline=False).decode("ascii")
        except OSError:
            self.result.setdefault("pickle_problem", "the process ended while it was made")

    def figures(self):
        """The files of the figures, in the order in which they were shown."""
        try:
            names = [name for name in os.listdir(self.folder.figures) if name[:-4].isdigit() and name.endswith(".png")]
        except OSError:
            return []
        found = []
        for name in sorted(names, key=lambda name: int(name[:-4])):
            try:
                found.append({"path": name, "size": os.path.getsize(os.path.join(self.folder.figures, name))})
            except OSError:
                pass
        return found

    def conclude(self, end, outcome):
        state = outcome["state"] if outcome else None
        died_of = signal_name(end.signal) if end.signal else None
        told_to_end = [name for name in end.told if name in TOLD_TO_END]
        stopped = state == "stopped" or died_of in TOLD_TO_END + WARNINGS or end.killed
        if state == "succeeded":
            if told_to_end or end.timed_out:
                self.result["notes"].append(
                    "it was told to end (%s) and returned its value all the same"
                    % ("time limit" if end.timed_out else told_to_end[0])
                )
            if end.signal:
                self.result["notes"].append(
                    "after the value was returned, the process was ended by %s while it shut down" % died_of
                )
            self.result.update(state="succeeded", reason="")
            return 0
        if end.timed_out:
            limit = self.job.request.get("time_limit")
            return self.ended("timed_out", "TimeLimit", "it reached its time limit of %s" % duration(limit), end, 124)
        if (stopped or told_to_end or died_of) and self.folder.has("cancel"):
            self.result["error"] = None
            return self.ended("cancelled", None, "it was cancelled", end, 143)
        if self.job.by_hand and "SIGINT" in end.told:
            return self.ended("cancelled", None, "it was interrupted", end, 130)
        if stopped or told_to_end:
            name = died_of if died_of in TOLD_TO_END + WARNINGS else (told_to_end or end.told or ["SIGTERM"])[0]
            return self.ended("terminated", "Terminated", TERMINATED.get(name, TERMINATED["SIGTERM"]) % name, end, 143)
        if state == "failed":
            self.result["reason"] = self.result.get("reason") or summary(self.result["error"])
            return self.result.pop("code", 1)
        if end.signal:
            peak = size(end.peak_memory_bytes)
            reason = CRASHES.get(died_of, "the process was ended by %s" % died_of).replace("PEAK", peak)
            return self.crashed(died_of, reason, 128 + end.signal)
        reason = (
            "the process ended itself with exit status %d before the function had returned "
            "(os._exit, or a library that does the same)" % end.exit_code
        )
        return self.crashed("Exit", reason, end.exit_code or 1)

    def ended(self, state, kind, reason, end, code):
        """Ended from outside; where it stood is told, as it helps to choose a better limit."""
        if end.killed:
            reason += "; it did not end within %s of being asked and was killed" % duration(self.job_grace())
        self.result.update(state=state, reason=reason)
        if kind is not None:
            self.result["error"] = dict(self.result.get("error") or {}, type=kind, message=reason)
        self.tell(reason)
        return code

    def job_grace(self):
        grace = self.job.request.get("grace")
        return GRACE if grace is None else grace

    def crashed(self, kind, reason, code):
        frames, text = [], ""
        if kind in FATAL:
            from .errors import read_fault  # Costs more time than all else here.

            frames, text = read_fault(self.folder.fault, self.folder.source)
        error = {"type": kind, "message": reason, "frames": frames, "traceback": text}
        self.result.update(state="crashed", reason=reason, error=error)
        self.tell(reason, text)
        return code

    def tell(self, reason, text=""):
        """Into the job's stderr."""
        try:
            os.write(2, (text + "hoist: " + reason + "\n").encode("utf-8", "backslashreplace"))
        except OSError:
            pass

    def keep_files(self):
        """What the job wrote below its tree would be lost with it."""
        source = self.folder.source
        kept, more = [], 0
        for folder, folders, names in os.walk(source):
            folders[:] = sorted(name for name in folders if name != "__pycache__")
            for name in sorted(names):
                path = os.path.join(folder, name)
                relative = os.path.relpath(path, source)
                try:
                    if self.job.unpacked.get(relative.replace(os.sep, "/")) == stamp(path):
                        continue
                    target = os.path.join(self.folder.files, relative)
                    os.makedirs(os.path.dirname(target), exist_ok=True)
                    os.rename(path, target)
                    if os.path.islink(target) or not os.path.isfile(target):
                        continue
                    if len(kept) < LISTED_FILES:
                        relative.encode("utf-8")
                        kept.append({"path": relative, "size": os.path.getsize(target)})
                    else:
                        more += 1
                except UnicodeEncodeError:
                    more += 1
                except OSError as error:
                    self.result["notes"].append("a file that the job wrote was not kept: %s" % error)
        self.result["files"] = kept
        if more:
            self.result["notes"].append("%d more files that the job wrote are kept and not listed" % more)

    def finish(self, code):
        result = self.result
        result["reason"] = one_line(result["reason"])
        marker = {"code": code, "state": result["state"], "reason": result["reason"]}
        if self.job.by_hand:
            return self.show(code)
        if result["state"] != "succeeded":
            result["checkpoint_bytes"] = self.folder.checkpoint_bytes()
        try:
            self.folder.write("result.json", result, self.json_text)
            if result["state"] == "succeeded" and self.folder.checkpoint is not None:
                remove_tree(self.folder.checkpoint)
        except Exception as error:
            # Most often a full disk. What was unpacked and held in reserve makes room for a smaller result.
            self.folder.clean()
            sentence = "the result could not be written (%s)" % error
            small = dict(result, repr=None, files=[], previews=[], pickle=None, notes=[sentence])
            if result["state"] == "succeeded":
                code = 3
                small.update(state="failed", reason=sentence, error={"type": "ResultLost", "message": sentence})
                marker.update(code=3, state="failed", reason=sentence)
            else:
                marker["reason"] = "%s; %s" % (marker["reason"], sentence)
                small["error"] = dict(result.get("error") or {}, traceback="")
            self.tell(sentence)
            try:
                self.folder.write("result.json", small)
            except Exception:
                pass
        self.folder.clean()
        try:
            self.folder.mark_exit(marker)
        except Exception as error:
            self.tell("the end of the job could not be written down (%s)" % error)
            return code or 3
        return code

    def show(self, code):
        """By hand: the value on stdout as the prompt of Python would show it; errors are on stderr already."""
        result = self.result
        if result["state"] == "succeeded" and result.get("repr") not in (None, "None"):
            try:
                sys.stdout.buffer.write((result["repr"] + "\n").encode("utf-8"))
                sys.stdout.flush()
            except (OSError, ValueError):
                pass
        for note in result.get("notes", ()):
            self.tell(note)
        self.folder.clean()
        if result.get("files"):
            self.tell("%d files that it wrote are in %s" % (len(result["files"]), self.folder.files))
        try_to(os.rmdir, self.folder.path)
        return code


def read_json(path):
    """What the entry's process wrote down before it ended; None when it did not get so far."""
    try:
        with open(path, "rb") as file:
            read = json.loads(file.read().decode("ascii"))
        return read if isinstance(read, dict) else None
    except (OSError, ValueError):
        return None


def touch(path):
    open(path, "a").close()


def signal_name(number):
    try:
        return signal.Signals(number).name
    except ValueError:
        return "signal %d" % number


def summary(error):
    first = (error.get("message") or "").split("\n", 1)[0]
    return "%s: %s" % (error["type"], first) if first else error["type"]


def one_line(reason):
    """A sentence: an exception's message may be a whole page."""
    line = reason.split("\n", 1)[0]
    return line if len(line) <= LONGEST_REASON else line[:LONGEST_REASON] + "..."


def duration(seconds):
    return "%g s" % seconds if seconds < 120 else "%g min" % round(seconds / 60.0, 1)


def size(count):
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if count < 1024:
            break
        count /= 1024.0
    else:
        unit = "TiB"
    return "%.3g %s" % (count, unit)


TERMINATED = {
    "SIGTERM": "it was told to end (%s), by the scheduler or by somebody on the machine",
    "SIGXCPU": "it was told to end (%s): its processor time is used up",
    "SIGUSR1": "it was ended by %s, which schedulers send shortly before the end of a job's time",
    "SIGUSR2": "it was ended by %s, which schedulers send shortly before they end a job: it was deleted, or reached a limit",
    "SIGHUP": "it was ended by %s: the session that it belonged to was closed",
    "SIGINT": "it was interrupted (%s)",
}
CRASHES = {
    "SIGKILL": "the process was killed (SIGKILL), most often for using more memory than it was given; "
    "its largest size was PEAK: ask for more memory, or look into the scheduler's log",
    "SIGSEGV": "the process crashed (SIGSEGV, a segmentation fault) in native code, or by recursion deeper than its stack",
    "SIGABRT": "the process aborted itself (SIGABRT), as native code does when it finds itself broken",
    "SIGBUS": "the process crashed (SIGBUS): a memory-mapped file was cut, or shared memory (/dev/shm) is full",
    "SIGFPE": "the process crashed (SIGFPE): native code divided an integer by zero",
    "SIGILL": "the process crashed (SIGILL): a library was built for another processor than this machine has",
}
