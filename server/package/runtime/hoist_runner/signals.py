"""Signals to the supervisor, which are on their way before it has anything to watch."""
import os
import select
import signal

TOLD_TO_END = ("SIGTERM", "SIGXCPU")
# Schedulers send these shortly before the end of a job's time; a programme may have its own use for them.
WARNINGS = ("SIGUSR1", "SIGUSR2", "SIGHUP", "SIGINT")


class Signals:
    """Signals to this process, as numbers read from a pipe: nothing is missed between looking and waiting."""

    def __init__(self):
        self.reader, self.writer = os.pipe()
        os.set_blocking(self.reader, False)
        os.set_blocking(self.writer, False)
        self.before = {}
        for name in TOLD_TO_END + WARNINGS + ("SIGCHLD",):
            number = getattr(signal, name)
            if name == "SIGHUP" and signal.getsignal(number) == signal.SIG_IGN:
                continue  # nohup
            self.before[number] = signal.signal(number, lambda number, frame: None)
        signal.set_wakeup_fd(self.writer)

    def wait(self, seconds):
        """The numbers of the signals that came, at the latest after so many seconds (None: for ever)."""
        try:
            select.select([self.reader], [], [], seconds)
            return list(os.read(self.reader, 4096))
        except (BlockingIOError, InterruptedError):
            return []

    def forget(self):
        """In the child: as if nothing had been set."""
        signal.set_wakeup_fd(-1)
        for number, handler in self.before.items():
            signal.signal(number, handler)
        os.close(self.reader)
        os.close(self.writer)
