"""Takes data files into the store: each once, named by its SHA-256, read-only, with a seal beside it.

Arguments: the store's folder, the length of the question. In: the question as JSON, {"files": [[SHA256, SIZE, PATH or null], ...],
"what": "send", "look" where nothing is to be sent, or "discard"}, PATH being where the file lies on this very machine; then the bytes
of those files that are needed, one after another. Runs on Python 3.6 and newer. Out, a line each: for each file `have I` or `need I N`
(N bytes of it are there, send the rest), `wait I N` while somebody else sends it, then `go`; `done I` for each that came; or
`fail I altered` and `fail I write WORDS`, and no more. What has come of a file stays for the next attempt when the input ends early,
unless that is discarded: nothing is said then, and what somebody else is sending stays.

The seal tells a file's size and the time of its last change as they were when it was summed. Its own age is that of the last use.
"""
import json
import select
import time

# A smaller file is begun anew.
RESUMED = 8 << 20
# So many partly sent files are held open at a time.
MOST_HELD = 64
# For so long another upload of a file may show no progress, in seconds.
PATIENCE = 20
# Linux: shares the blocks of a file until one of the two changes.
FICLONE = 0x40049409




class Store:
    def __init__(self, folder):
        self.folder = folder
        self.held = {}

    def path(self, name):
        return os.path.join(self.folder, name)

    def has(self, name, size):
        """Is it there? What is there and is something else goes."""
        path = self.path(name)
        try:
            info = os.stat(path)
        except OSError:
            return False
        if info.st_size == size:
            try:
                with open(path + ".seal") as file:
                    seal = file.read(100).strip()
            except OSError:
                seal = ""
            if seal == sealed(info):
                os.utime(path + ".seal", None)
                return True
            if sum_of(path) == name:
                self.seal(path)
                return True
        for one in (path + ".seal", path):
            try:
                os.unlink(one)
            except OSError:
                pass
        return False

    def seal(self, path):
        new = "%s.seal.%d" % (path, os.getpid())
        with open(new, "w") as file:
            file.write(sealed(os.stat(path)))
        os.replace(new, path + ".seal")

    def keep(self, temporary, name):
        """Gives a file that is whole its name."""
        with open(temporary, "rb") as file:
            is_script = file.read(2) == b"#!"
        os.chmod(temporary, 0o500 if is_script else 0o400)
        os.replace(temporary, self.path(name))
        self.seal(self.path(name))

    def clone(self, name, size, origin):
        """Shares the blocks of a file of this machine, where its file system can do that."""
        temporary = "%s.%d" % (self.path("." + name), os.getpid())
        try:
            import fcntl

            with open(origin, "rb") as old, open(temporary, "wb") as new:
                fcntl.ioctl(new.fileno(), FICLONE, old.fileno())
            if os.stat(temporary).st_size == size and sum_of(temporary) == name:
                self.keep(temporary, name)
                return True
        except (OSError, ImportError):
            pass
        try:
            os.unlink(temporary)
        except OSError:
            pass
        return False

    def begin(self, number, name, size):
        """Where to go on: at the end of what an earlier attempt left, unless somebody else writes there. None when it has come
        meanwhile."""
        if size < RESUMED or len(self.held) >= MOST_HELD:
            return 0
        temporary = self.path(".%s.part" % name)
        seen, since = -1, time.time()
        while True:
            file = os.open(temporary, os.O_RDWR | os.O_CREAT, 0o600)
            try:
                import fcntl

                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                length = os.fstat(file).st_size
                os.close(file)
                if length != seen:
                    seen, since = length, time.time()
                elif time.time() - since > PATIENCE:
                    return 0
                say("wait %d %d" % (number, length))
                if select.select([0], [], [], 1)[0]:
                    # Nothing is sent before it is asked for: nobody wants it any more.
                    sys.exit()
                continue
            except (OSError, ImportError):
                # No locks on this file system.
                os.close(file)
                return 0
            if not is_at(file, temporary):
                # Whoever had the lock has given it its name, or has thrown it away.
                os.close(file)
                continue
            if self.has(name, size):
                os.unlink(temporary)
                os.close(file)
                return None
            length = os.fstat(file).st_size
            if length > size:
                os.ftruncate(file, 0)
                length = 0
            self.held[name] = file
            return length

    def discard(self, name):
        """Removes what has come of a file. Whoever sends it has its lock."""
        temporary = self.path(".%s.part" % name)
        try:
            file = os.open(temporary, os.O_RDWR)
        except OSError:
            return
        try:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if is_at(file, temporary):
                os.unlink(temporary)
        except (OSError, ImportError):
            pass
        finally:
            os.close(file)

    def receive(self, stream, name, size, have):
        file = self.held.pop(name, None)
        temporary = self.path(".%s.part" % name)
        if file is None:
            temporary = "%s.%d" % (self.path("." + name), os.getpid())
            file = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
        is_resumed = temporary.endswith(".part")
        answer = None
        try:
            with open(file, "r+b", buffering=0) as stored:
                answer = take(stored, stream, have, size, name)
                if answer == "done":
                    self.keep(temporary, name)
        finally:
            if answer == "altered" or answer is None and not is_resumed:
                os.unlink(temporary)
        return answer


def is_at(file, path):
    try:
        there, mine = os.stat(path), os.fstat(file)
    except OSError:
        return False
    return (there.st_dev, there.st_ino) == (mine.st_dev, mine.st_ino)


def sum_of(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for block in iter(lambda: file.read(CHUNK), b""):
            digest.update(block)
    return digest.hexdigest()


def sealed(info):
    return "%d %d" % (info.st_size, info.st_mtime_ns)


def read(stream, length):
    text = b""
    while len(text) < length:
        piece = stream.read(length - len(text))
        if not piece:
            sys.exit(1)
        text += piece
    return json.loads(text.decode("utf-8"))


def fail(number, error):
    say("fail %d write %s" % (number, error.strerror or error))


def main():
    stream = open(0, "rb", buffering=0)
    question = read(stream, int(sys.argv[2]))
    store = Store(sys.argv[1])
    what = question["what"]
    if what == "discard":
        for name, _, _ in question["files"]:
            store.discard(name)
        return
    needed = []
    number = 0
    try:
        os.makedirs(store.folder, 0o700, exist_ok=True)
        for number, (name, size, origin) in enumerate(question["files"]):
            have = 0
            if store.has(name, size):
                have = None
            elif what == "send":
                is_here = origin is not None and store.clone(name, size, origin)
                have = None if is_here else store.begin(number, name, size)
            if have is None:
                say("have %d" % number)
            else:
                say("need %d %d" % (number, have))
                needed.append((number, name, size, have))
        say("go")
        if what == "look":
            return
        for number, name, size, have in needed:
            answer = store.receive(stream, name, size, have)
            if answer is None:
                return
            if answer == "altered":
                return say("fail %d altered" % number)
            say("done %d" % number)
    except OSError as error:
        fail(number, error)


main()
