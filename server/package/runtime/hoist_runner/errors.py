"""An exception as the user would see it at home: their files, their lines, nothing of the runner."""
import linecache
import os
import re
import sys
import traceback

from .imports import PACKAGE
from .values import clean, type_name

MOST_FRAMES = 200
LONGEST_MESSAGE = 64 * 1000
LONGEST_TRACEBACK = 256 * 1000
ARGUMENTS = "<arguments>"


class View:
    """Whose files are whose."""

    def __init__(self, source, module):
        self.source = source + os.sep
        self.module = module
        self.runner = PACKAGE + os.sep

    def is_user(self, filename):
        return filename.startswith(self.source)

    def is_ours(self, filename):
        return filename.startswith((self.runner, "<frozen importlib"))

    def shown(self, filename):
        return filename[len(self.source) :].replace(os.sep, "/") if self.is_user(filename) else filename

    def shown_text(self, text):
        return text.replace('File "' + self.source, 'File "')


def describe(error, view, fallback=None):
    """The field error of the result. `fallback` is the frame for an exception that no frame of the user's raised,
    such as a call with the wrong arguments."""
    try:
        return carefully(error, view, fallback)
    except BaseException as second:
        # An exception can be made so that looking at it raises; the job must end with a name all the same.
        return {
            "type": type_name(type(error), view.module),
            "message": "<this exception cannot be shown: %s>" % type(second).__name__,
            "frames": [fallback] if fallback else [],
            "traceback": "",
        }


def carefully(error, view, fallback):
    tb = user_traceback(error, view)
    if isinstance(error, MemoryError):
        # The frames hold what filled the memory, and showing them takes some.
        traceback.clear_frames(error.__traceback__)
    depth = length(tb)
    limit = -MOST_FRAMES if depth > MOST_FRAMES else None
    shown = traceback.TracebackException(type(error), error, tb, limit=limit)
    strip(shown, view, set())
    frames = [frame(summary, view) for summary in shown.stack]
    if isinstance(error, SyntaxError):
        frames += syntax_frame(error, view)
    text = view.shown_text("".join(shown.format()))
    if limit is not None:
        text = text.replace("\n", "\n  [%d earlier calls are not shown]\n" % (depth - MOST_FRAMES), 1)
    return {
        "type": type_name(type(error), view.module),
        "message": cut(clean(message(error)), LONGEST_MESSAGE),
        "frames": frames or ([fallback] if fallback else []),
        "traceback": cut(clean(text), LONGEST_TRACEBACK),
    }


def user_traceback(error, view):
    """The traceback from the first frame of the user on; what called it (the runner, asyncio) is not theirs."""
    tb = error.__traceback__
    while tb is not None:
        if view.is_user(tb.tb_frame.f_code.co_filename) or tb.tb_frame.f_code.co_filename == ARGUMENTS:
            return tb
        tb = tb.tb_next
    tb = error.__traceback__
    while tb is not None and view.is_ours(tb.tb_frame.f_code.co_filename):
        tb = tb.tb_next
    return tb


def length(tb):
    count = 0
    while tb is not None:
        count, tb = count + 1, tb.tb_next
    return count


def strip(shown, view, seen):
    """Takes the runner's frames out of an exception and of all that it refers to."""
    if shown is None or id(shown) in seen:
        return
    seen.add(id(shown))
    shown.stack[:] = [summary for summary in shown.stack if not view.is_ours(summary.filename)]
    strip(shown.__cause__, view, seen)
    strip(shown.__context__, view, seen)
    for part in getattr(shown, "exceptions", None) or ():
        strip(part, view, seen)


def message(error):
    if isinstance(error, SyntaxError) and error.msg:
        return str(error.msg)
    try:
        return str(error)
    except BaseException as second:
        return "<its message raised %s>" % type(second).__name__


def frame(summary, view):
    found = {
        "file": clean(view.shown(summary.filename)),
        "line": max(summary.lineno or 1, 1),
        "function": clean(summary.name),
        "user": view.is_user(summary.filename),
    }
    if getattr(summary, "colno", None) is not None:
        found["column"] = characters(summary.filename, summary.lineno, summary.colno)
        if summary.end_lineno is not None and summary.end_colno is not None:
            found["end_line"] = summary.end_lineno
            found["end_column"] = characters(summary.filename, summary.end_lineno, summary.end_colno)
    return found


def characters(filename, line, bytes_before):
    """Python counts the bytes of UTF-8."""
    return len(linecache.getline(filename, line).encode("utf-8")[:bytes_before].decode("utf-8", "replace"))


def syntax_frame(error, view):
    if not error.filename or not error.lineno or not view.is_user(str(error.filename)):
        return []
    found = {
        "file": clean(view.shown(error.filename)),
        "line": error.lineno,
        "function": "<module>",
        "user": True,
    }
    if error.offset:
        found["column"] = max(error.offset - 1, 0)
    return [found]


def cut(text, limit):
    if len(text) <= limit:
        return text
    half = limit // 2
    return "%s\n[... %d characters ...]\n%s" % (text[:half], len(text) - 2 * half, text[-half:])


def show(error, described, view):
    """To the job's stderr, by the user's own sys.excepthook if there is one."""
    if sys.excepthook is not sys.__excepthook__:
        try:
            tb = user_traceback(error, view)
            sys.excepthook(type(error), error.with_traceback(tb), tb)
            return
        except BaseException:
            pass
    say(described["traceback"] or "%s: %s\n" % (described["type"], described["message"]))


def say(text):
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except BaseException:
        # Closed or replaced by the user's code; number 2 is still the job's.
        try:
            os.write(2, text.encode("utf-8", "backslashreplace"))
        except OSError:
            pass


# `  File "/x/train.py", line 3 in inner`, most recent call first.
FAULT_LINE = re.compile(r'^  File "(.*)", line (\d+) in (.*)$')


def read_fault(path, source):
    """The frames that faulthandler wrote when the process crashed, and its text."""
    try:
        with open(path, encoding="utf-8", errors="backslashreplace") as file:
            text = file.read(LONGEST_TRACEBACK)
    except OSError:
        return [], ""
    view = View(source, None)
    frames, lines = [], []
    current = False
    for line in text.splitlines():
        found = FAULT_LINE.match(line)
        if found and view.is_ours(found.group(1)) or line.startswith("Extension modules:"):
            continue
        lines.append(line)
        # The first thread is the one that crashed.
        if line.startswith(("Current thread", "Stack (most recent")):
            current = True
        elif line.startswith("Thread 0x"):
            current = False
        elif found and current:
            frames.insert(
                0,
                {
                    "file": view.shown(found.group(1)),
                    "line": int(found.group(2)),
                    "function": found.group(3),
                    "user": view.is_user(found.group(1)),
                },
            )
    while frames and not frames[0]["user"] and any(frame["user"] for frame in frames):
        frames.pop(0)
    text = view.shown_text("\n".join(lines))
    return frames[-MOST_FRAMES:], text + "\n" if text else ""
