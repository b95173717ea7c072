"""Figures of matplotlib as PNG files: those that the programme shows, when it does so, and those still open at its end.

Read only once the programme has imported matplotlib.pyplot; everything of matplotlib's is taken from sys.modules.
"""
import io
import os
import sys
import weakref

from .values import said

MOST = 100
LARGEST = 64 << 20  # bytes of one file
PIXELS = 25 * 1000 * 1000


class Figures:
    def __init__(self, folder):
        self.folder = folder
        self.notes = []
        self.kept = 0
        self.left_out = 0
        # The file that a figure was kept in last, and a hash of it: one that has not changed is not kept twice.
        self.known = weakref.WeakKeyDictionary()

    def take_over(self, pyplot):
        """From here on what the programme shows is kept; with a window it would be closed by the person after that."""
        original = pyplot.show

        def show(*args, **kwargs):
            self.keep_open()
            backend = str(sys.modules["matplotlib"].get_backend())
            if backend.lower() != "agg":
                return original(*args, **kwargs)
            block = kwargs.get("block", args[0] if args else None)
            if block or block is None and not sys.modules["matplotlib"].is_interactive():
                pyplot.close("all")
            return None

        show.__doc__ = original.__doc__
        show.__module__ = original.__module__
        pyplot.show = show

    def keep_open(self):
        """Keeps all open figures, in the order of their numbers."""
        helpers = sys.modules.get("matplotlib._pylab_helpers")
        managers = getattr(getattr(helpers, "Gcf", None), "figs", None) or {}
        for _, manager in sorted(managers.items()):
            self.keep(manager.canvas.figure)

    def keep(self, figure):
        """Gives the figure's file, None when there is none; a figure that cannot be drawn is no failed job."""
        if self.kept >= MOST:
            self.left_out += 1
            return None
        try:
            data = png(figure)
        except BaseException as error:
            self.notes.append("a figure could not be drawn: %s" % said(error))
            return None
        name, digest = self.known.get(figure, (None, None))
        if digest == hash(data):
            return name
        if len(data) > LARGEST:
            self.notes.append("a figure was not kept: its file would be %d MiB long" % (len(data) >> 20))
            return None
        try:
            name = self.write(data)
        except OSError as error:
            self.notes.append("a figure could not be kept: %s" % error)
            return None
        self.known[figure] = (name, hash(data))
        return name

    def write(self, data):
        os.makedirs(self.folder, exist_ok=True)
        while True:
            self.kept += 1
            name = "%d.png" % self.kept
            path = os.path.join(self.folder, name)
            try:
                # A process that the programme forked may have taken the number.
                with open(path, "xb") as file:
                    file.write(data)
                return name
            except FileExistsError:
                continue
            except OSError:
                os.unlink(path)
                raise

    def end(self):
        """Keeps what is still open, and gives what is to be said."""
        try:
            self.keep_open()
        except BaseException as error:
            self.notes.append("the open figures could not be kept: %s" % type(error).__name__)
        if self.left_out:
            self.notes.append("%d more figures were shown than the %d that are kept" % (self.left_out, MOST))
        return self.notes


def png(figure):
    """The figure as its window would show it; one of very many pixels smaller."""
    width, height = figure.get_size_inches()
    dpi = min(float(figure.get_dpi()), (PIXELS / max(float(width * height), 1e-6)) ** 0.5)
    out = io.BytesIO()
    figure.savefig(out, format="png", dpi=dpi)
    return out.getvalue()
