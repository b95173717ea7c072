"""Builds a virtual environment once, whoever asks for it and from wherever; place.py comes before this.

It is told {"work", "spec", "here", "stale"} on its standard input, or as an argument. Where it is not to be built here and now (in
a job), it answers one JSON object: the environment is there, or it is being built, from now on or already, and that goes on
without us for as long as somebody wants it.
"""
WANTED = 60  # seconds that a build goes on when nobody says that it is wanted
OLD_PIP = (20, 3)  # older ones do not know today's wheels


class Failed(Exception):
    """Why there is no environment: what kind of reason, and one sentence."""

    def __init__(self, kind, why):
        super().__init__(why)
        self.kind = kind


class Build:
    """One attempt, by whoever has the lock."""

    def __init__(self, place, spec, number, is_wanted_by_itself, log):
        self.place, self.spec, self.number, self.log = place, spec, number, log
        self.base = sys.executable
        self.folder = place.folder(number)
        self.own = is_wanted_by_itself
        self.child = None
        self.stopped = None  # why
        self.lost = False  # another one has the lock
        self.lock = threading.Lock()
        self.scratch = None

    def say(self, text):
        os.write(self.log, ("hoist: %s\n" % text).encode("utf-8", "replace"))

    # What goes on beside the work.

    def watch(self):
        beats, wanted, since = 0, None, time.monotonic()
        while True:
            beats += 1
            try:
                with open(os.path.join(self.folder, "beat"), "w") as file:
                    file.write("%d\n" % beats)
            except OSError:
                pass  # a full disk shows itself elsewhere
            try:
                now = os.stat(os.path.join(self.folder, "wanted")).st_mtime_ns
            except OSError:
                now = None
            if now != wanted:
                wanted, since = now, time.monotonic()
            if self.place.newest() != self.number:
                self.stop("another one builds it by now", lost=True)
            elif not self.own and time.monotonic() - since > WANTED:
                self.stop("nobody waits for it any more")
            time.sleep(BEAT)

    def stop(self, why, lost=False):
        with self.lock:
            if self.stopped is None:
                self.stopped, self.lost = why, lost
            child = self.child
        if child is not None:
            end_group(child.pid)

    # The work.

    def run(self, *command, **settings):
        """Runs a command to its end, its words into the log."""
        with self.lock:
            if self.stopped:
                raise Failed("ended", self.stopped)
            self.child = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, env=self.environ(), cwd=self.scratch,
                start_new_session=True, **settings
            )
        write(os.path.join(self.folder, "child"), process(self.child.pid))
        code = self.child.wait()
        with self.lock:
            self.child = None
            if self.stopped:
                raise Failed("ended", self.stopped)
        return code

    def environ(self):
        environ = dict(os.environ, TMPDIR=self.scratch, PYTHONUNBUFFERED="1", PIP_USER="0", PIP_DISABLE_PIP_VERSION_CHECK="1",
                       PIP_NO_INPUT="1", UV_PYTHON_DOWNLOADS="never", UV_NO_PROGRESS="1")
        # Many jobs read it, perhaps at once, and pip does the same.
        environ.setdefault("UV_COMPILE_BYTECODE", "1")
        # Where things go is not for settings that are meant for other installations.
        for name in ("PYTHONPATH", "PYTHONHOME", "PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_REQUIRE_VIRTUALENV", "VIRTUAL_ENV",
                     "UV_SYSTEM_PYTHON", "__PYVENV_LAUNCHER__"):
            environ.pop(name, None)
        return environ

    def work(self):
        spec, place = self.spec, self.place
        version = "%d.%d.%d" % sys.version_info[:3]
        if not (version + ".").startswith(spec["python"] + "."):
            raise Failed("python", "the Python there is %s (%s), but the environment is for Python %s" % (version, self.base, spec["python"]))
        self.scratch = tempfile.mkdtemp(prefix=SCRATCH)
        write(os.path.join(self.folder, "scratch"), "%s %s" % (os.uname().nodename, self.scratch))
        if os.path.exists(os.path.join(place.state, "ready")):
            os.unlink(os.path.join(place.state, "ready"))  # its Python is gone
        place.clear()
        write(os.path.join(place.state, "spec.json"), json.dumps(spec))
        requirements = os.path.join(self.folder, "requirements.txt")
        write(requirements, "".join(line + "\n" for line in spec["requirements"]))
        uv = find_uv() if sys.version_info >= (3, 8) else None
        if uv and self.run(uv, "venv", "--quiet", "--allow-existing", "--python", self.base, place.home) == 0:
            self.say("installing with uv into an environment of Python %s" % version)
            self.install([uv, "pip", "install", "--python", place.python, "--index-strategy", "unsafe-best-match"], requirements)
            tool = "uv"
        else:
            tool = "pip"
            pip = self.with_pip()
            self.install(pip, requirements)
        if self.run(place.python, "-I", "-c", "pass") != 0:
            raise Failed("other", "the Python of the new environment does not start")
        ready = {"python": version, "tool": tool, "made": time.time(), "size": size_of(place.home)}
        if place.newest() != self.number:
            raise Failed("ended", "another one builds it by now")
        touch(os.path.join(place.state, "used"))
        write(os.path.join(place.state, "ready"), json.dumps(ready))

    def install(self, command, requirements):
        spec = self.spec
        if not spec["requirements"]:
            return
        if spec["complete"]:
            command = command + ["--no-deps"]
        if spec["wheels"]:
            command = command + ["--no-index", "--find-links", self.carried()]
        else:
            for index in spec["indexes"]:
                command = command + ["--extra-index-url", index]
        if spec["constraints"]:
            constraints = os.path.join(self.folder, "constraints.txt")
            write(constraints, "".join(line + "\n" for line in spec["constraints"]))
            command = command + ["--constraint", constraints]
        code = self.run(*(command + ["-r", requirements]))
        if code != 0:
            raise Failed("install", telling(os.path.join(self.folder, "stdout")) or "the packages could not be installed (status %d)" % code)

    def carried(self):
        """A folder with the wheels that were carried over."""
        folder = os.path.join(self.folder, "wheels")
        os.makedirs(folder, exist_ok=True)
        for sum, name in self.spec["wheels"]:
            wheel = os.path.join(self.place.work, "wheels", sum, name)
            if not os.path.exists(wheel):
                raise Failed("other", "the wheel %s did not arrive there" % name)
            touch(wheel)
            os.symlink(wheel, os.path.join(folder, name))
        return folder

    def with_pip(self):
        """Makes the environment; the command of a pip that installs into it."""
        place = self.place
        version = "%d.%d.%d" % sys.version_info[:3]
        self.say("making an environment of Python %s" % version)
        # The pip that the Python has can install elsewhere since 22.3, which saves putting one into the environment first.
        base = [self.base, "-I", "-m", "pip"]
        options = ["install", "--no-input"]
        if has("venv") and pip_version(base) >= (22, 3):
            if self.run(self.base, "-m", "venv", "--without-pip", place.home) != 0:
                raise Failed("install", "`python -m venv` failed there")
            base += ["--python", place.python]
            if pip_version(base) >= (22, 3):
                return base + options
        if not has("venv") or not has("ensurepip"):
            # As on Debian without python3-venv.
            raise Failed(
                "tools", "the Python there (%s %s) can make none: it lacks venv or ensurepip, its own pip is absent or older than 22.3, and "
                "there is no uv" % (self.base, version)
            )
        if self.run(self.base, "-m", "venv", place.home) != 0:
            raise Failed("install", "`python -m venv` failed there")
        pip = [place.python, "-I", "-m", "pip"]
        if pip_version(pip) < OLD_PIP and not self.spec["wheels"]:
            self.say("its pip is too old for today's wheels: bringing a newer one")
            indexes = [word for index in self.spec["indexes"] for word in ("--extra-index-url", index)]
            if self.run(*(pip + options + indexes + ["--upgrade", "pip"])) != 0:
                self.say("going on with the old one")
        return pip + options

    def whole(self):
        """From the lock to its release: nothing that anybody may use stays behind unless all went well. Gives why it did not."""
        failed = None
        try:
            self.work()
        except Failed as error:
            failed = error
        except OSError as error:
            failed = Failed("other", "it could not be written (%s)" % error)
        except Exception as error:  # whatever it is, somebody waits for the end
            failed = Failed("other", "%s: %s" % (type(error).__name__, error))
        if self.scratch:
            shutil.rmtree(self.scratch, ignore_errors=True)
        if self.lost or self.place.newest() != self.number:
            return failed or Failed("ended", "another one builds it by now")
        if failed:
            try:
                self.place.clear()
                os.write(self.log, ("hoist: not built (%s): %s\n" % (failed.kind, failed)).encode("utf-8", "replace"))
            except OSError:
                pass  # the disk is full; the end is told all the same
        shutil.rmtree(os.path.join(self.folder, "wheels"), ignore_errors=True)
        end = {"code": 1 if failed else 0, "state": "failed" if failed else "succeeded", "reason": str(failed or "")}
        write(os.path.join(self.folder, "exit"), json.dumps(end))
        return failed


def telling(path):
    """The line of a log that says most of a failure: pip's last error, or all of uv's."""
    try:
        with open(path, "rb") as file:
            file.seek(max(0, os.path.getsize(path) - (1 << 16)))
            lines = [line.strip() for line in file.read().decode("utf-8", "replace").splitlines()]
    except OSError:
        return ""
    for at in reversed(range(len(lines))):
        kind, _, words = lines[at].partition(" ")
        if kind == "ERROR:" and words:
            return words[:300]
        if kind in ("error:", "\u00d7"):
            # uv draws lines beside its words, or says "cause:".
            words = " ".join(lines[at:]).translate(dict.fromkeys(map(ord, "\u00d7\u2570\u2500\u25b6\u251c\u2502"), " "))
            return " ".join(word for word in words.split() if word not in ("error:", "cause:"))[:300]
    return ""


def size_of(home):
    """The bytes of all its files, those with several names once."""
    seen, size = set(), 0
    for folder, _, names in os.walk(home):
        for name in names:
            try:
                state = os.lstat(os.path.join(folder, name))
            except OSError:
                continue
            if state.st_ino not in seen:
                seen.add(state.st_ino)
                size += state.st_size
    return size


def has(module):
    import importlib.util

    return importlib.util.find_spec(module) is not None


def find_uv():
    home = os.path.expanduser("~")
    for program in (shutil.which("uv"), home + "/.local/bin/uv", home + "/.cargo/bin/uv"):
        if program and os.access(program, os.X_OK):
            return program
    return None


def pip_version(pip):
    try:
        done = subprocess.run(pip + ["--version"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    except OSError:
        return (0,)
    found = re.search(r"pip (\d+)\.(\d+)", done.stdout.decode("utf-8", "replace"))
    return tuple(int(number) for number in found.groups()) if found else (0,)


def attempt(place, spec, number, is_wanted_by_itself, log):
    """Builds it in this process; why not, when that failed."""
    build = Build(place, spec, number, is_wanted_by_itself, log)
    for name in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(name, lambda *_: threading.Thread(target=build.stop, args=("it was ended",)).start())
    write(os.path.join(build.folder, "by"), process(os.getpid()))
    threading.Thread(target=build.watch, daemon=True).start()
    return build.whole()


def detach(place, spec, number):
    """Builds it in a process that outlives this one."""
    come, gone = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.setsid()
            os.nice(10)  # others are on this machine, too
            os.close(come)
            log = os.open(os.path.join(place.folder(number), "stdout"), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            nothing = os.open(os.devnull, os.O_RDONLY)
            os.dup2(nothing, 0)
            for stream in (1, 2):
                os.dup2(log, stream)
            for stream in range(3, 64):
                if stream not in (gone, log):
                    try:
                        os.close(stream)
                    except OSError:
                        pass
            touch(os.path.join(place.folder(number), "wanted"))
            write(os.path.join(place.folder(number), "by"), process(os.getpid()))
            os.close(gone)
            attempt(place, spec, number, False, log)
        finally:
            os._exit(0)
    os.close(gone)
    os.read(come, 1)  # until it has said who it is
    os.close(come)


def begin(place, spec, stale):
    for _ in range(20):
        if place.is_ready():
            touch(os.path.join(place.state, "used"))
            return {"ready": place.python}
        number = place.take(stale)
        if number is not None:
            # It may have become ready in between.
            if place.is_ready():
                write(os.path.join(place.folder(number), "exit"), json.dumps({"code": 0, "state": "succeeded", "reason": ""}))
                return {"ready": place.python}
            detach(place, spec, number)
        number = place.newest()
        if number and not place.is_over(number):
            touch(os.path.join(place.folder(number), "wanted"))
            return {"building": number}
        if number:
            # It ended at once; its log tells.
            return {"building": number}
    return {"stop": "the environment %s cannot be built there: others begin and end it again and again" % place.name}


def follow(place, number):
    """Copies the log of another one's build to our errors until it is over; gives why it failed, or None. `stale` as for `take` comes
    second, where it gave no sign of life."""
    folder = place.folder(number)
    copy = Copy(os.path.join(folder, "stdout"))
    beat, since = None, time.monotonic()
    while True:
        copy.more()
        if place.is_over(number):
            copy.more()
            try:
                end = json.loads(read(os.path.join(folder, "exit")) or "")
                return (end["reason"] if end["code"] else None), None
            except (ValueError, KeyError, TypeError):
                return None, None  # it is gone without a word
        touch(os.path.join(folder, "wanted"))
        now = beat_of(folder)
        if now != beat:
            beat, since = now, time.monotonic()
        elif time.monotonic() - since > STALE:
            return None, (number, beat)
        time.sleep(0.5)


class Copy:
    """Copies what is new in a file to our errors."""

    def __init__(self, path):
        self.path, self.offset = path, 0

    def more(self):
        try:
            with open(self.path, "rb") as file:
                file.seek(self.offset)
                for part in iter(lambda: file.read(1 << 16), b""):
                    self.offset += len(part)
                    sys.stderr.buffer.write(part)
            sys.stderr.flush()
        except OSError:
            pass

    def go_on(self, ended):
        while not ended.wait(0.2):
            self.more()
        self.more()


def here(place, spec):
    """Builds it, or waits for the one who does; gives why there is none."""
    stale = None
    while not place.is_ready():
        number = place.take(stale)
        if number is None:
            number = place.newest()
            failed, stale = follow(place, number) if number and not place.is_over(number) else (None, None)
        elif place.is_ready():
            write(os.path.join(place.folder(number), "exit"), json.dumps({"code": 0, "state": "succeeded", "reason": ""}))
            continue
        else:
            path = os.path.join(place.folder(number), "stdout")
            log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            ended = threading.Event()
            copier = threading.Thread(target=Copy(path).go_on, args=(ended,))
            copier.start()
            failed = attempt(place, spec, number, True, log)
            ended.set()
            copier.join()
        if failed:
            return str(failed)
    return None


def main():
    text = sys.argv[1] if len(sys.argv) > 1 else sys.stdin.buffer.readline().decode("utf-8")
    asked = json.loads(text)
    place = Place(os.fsdecode(asked["work"].encode("utf-8")), asked["spec"]["name"])
    nothing = "no environment can be made in %s (%s)"
    try:
        if asked["here"]:
            signal.signal(signal.SIGUSR1, signal.SIG_IGN)  # a warning is for the job itself
            failed = here(place, asked["spec"])
            if failed:
                print("the environment was not built, " + failed, flush=True)
                sys.exit(1)
            return
        answer = begin(place, asked["spec"], asked["stale"])
    except OSError as error:
        answer = {"stop": nothing % (os.path.dirname(place.home), error)}
    if asked["here"]:
        print(answer["stop"], flush=True)
        sys.exit(1)
    print("\n" + json.dumps(answer), flush=True)


main()
