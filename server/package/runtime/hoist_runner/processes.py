"""Everything that the entry started ends with it, also what has put itself into the background."""
import os
import signal
import time

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36


def prctl(option, value):
    """Linux only; elsewhere, and where Python was built without ctypes, process groups have to be enough."""
    try:
        import ctypes

        return ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0) == 0
    except Exception:
        return False


def adopt_orphans():
    """A process whose parent has ended becomes a child of this one, and so can be found and ended."""
    prctl(PR_SET_CHILD_SUBREAPER, 1)


def die_with(parent):
    """The calling process is killed when the supervisor is."""
    prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def end_leftovers(group):
    """Ends what is left of the entry's processes: first by itself (helpers of multiprocessing end when their pipes
    close), then by SIGTERM, then by SIGKILL."""
    for number, seconds in ((None, 0.3), (signal.SIGTERM, 2.0), (signal.SIGKILL, 2.0)):
        if number is not None:
            for pid in descendants():
                send(pid, number)
            send_group(group, number)
        end = time.monotonic() + seconds
        pause = 0.002
        while alive(group):
            if time.monotonic() >= end:
                break
            time.sleep(pause)
            pause = min(2 * pause, 0.05)
        else:
            return


def alive(group):
    reap()
    return send_group(group, 0) or bool(descendants())


def reap():
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def descendants():
    found = []
    waiting = [os.getpid()]
    while waiting:
        for path in tasks(waiting.pop()):
            try:
                with open(path + "/children") as file:
                    children = [int(pid) for pid in file.read().split()]
            except OSError:
                continue
            found += children
            waiting += children
    return found


def tasks(pid):
    """Any of its threads may have started others."""
    top = "/proc/%d/task/" % pid
    try:
        return [top + name for name in os.listdir(top)]
    except OSError:
        return []


def resident(pid):
    """The memory that a process holds, in bytes, what it shares with others by its share."""
    try:
        with open("/proc/%d/smaps_rollup" % pid, "rb") as file:
            for line in file:
                if line.startswith(b"Pss:"):
                    return int(line.split()[1]) * 1024
    except (OSError, ValueError, IndexError):
        pass
    try:
        with open("/proc/%d/statm" % pid) as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0


def send(pid, number):
    try:
        os.kill(pid, number)
        return True
    except OSError:
        return False


def send_group(group, number):
    try:
        os.killpg(group, number)
        return True
    except OSError:
        return False
