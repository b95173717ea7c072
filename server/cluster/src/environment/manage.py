"""Lists environments and removes them; place.py comes before this.

It is told {"work", "what": "list" or "remove", "names"} on its standard input and answers one JSON object.
"""
QUIET = 180  # seconds without a sign of life after which a build is held to be dead, as the file system's own clock has it


def loaded(path):
    try:
        value = json.loads(read(path) or "")
    except ValueError:
        value = None
    return value if isinstance(value, dict) else {}


def modified(path):
    try:
        return os.stat(path).st_mtime
    except OSError:
        return None


def is_being_built(place, now):
    number = place.newest()
    if number == 0 or place.is_over(number):
        return False
    at = modified(os.path.join(place.folder(number), "beat")) or modified(place.folder(number))
    return at is not None and now - at < QUIET


def jobs_in(work, state):
    """The jobs that have begun in it and are not over. One without a folder is not known to anybody any more."""
    jobs = []
    try:
        names = sorted(os.listdir(os.path.join(state, "jobs")))
    except OSError:
        names = []
    for job in names:
        folder = os.path.join(work, "jobs", job)
        if os.path.isdir(folder) and not os.path.exists(os.path.join(folder, "exit")):
            jobs.append(job)
        else:
            try:
                os.unlink(os.path.join(state, "jobs", job))
            except OSError:
                pass
    return jobs


def look(place, now):
    spec, ready = loaded(os.path.join(place.state, "spec.json")), loaded(os.path.join(place.state, "ready"))
    state = "building" if is_being_built(place, now) else "ready" if place.is_ready() else "broken"
    return {
        "name": place.name,
        "state": state,
        "python": ready.get("python") or spec.get("python"),
        "requirements": spec.get("requirements") or [],
        "size": ready.get("size"),
        "made": ready.get("made"),
        "used": modified(os.path.join(place.state, "used")),
        "jobs": jobs_in(place.work, place.state),
    }


def remove(place, now):
    """Why it was not removed; None when it was. It is put aside first, then it is looked who uses it: a job says that it does before it
    looks whether the environment is there."""
    if not os.path.isdir(place.home):
        return "there is no such environment"
    if is_being_built(place, now):
        return "it is being built"
    aside = os.path.join(place.work, "envs", ".removed-%s-%d-%d" % (place.name, os.getpid(), int(time.time())))
    os.rename(place.home, aside)
    jobs = jobs_in(place.work, os.path.join(aside, "hoist"))
    if jobs:
        os.rename(aside, place.home)
        return "the job %s runs in it" % jobs[0] if len(jobs) == 1 else "%d jobs run in it" % len(jobs)
    return None


def sweep(envs):
    """Removes what was put aside, and goes on with that when nobody waits any more: it may take minutes."""
    aside = [os.path.join(envs, name) for name in os.listdir(envs) if name.startswith(".removed-")]
    if not aside or os.fork():
        return
    try:
        os.setsid()
        nothing = os.open(os.devnull, os.O_RDWR)
        for stream in range(3):
            os.dup2(nothing, stream)
        for path in aside:
            shutil.rmtree(path, ignore_errors=True)
    finally:
        os._exit(0)


def main():
    asked = json.loads(sys.stdin.buffer.readline().decode("utf-8"))
    work = os.fsdecode(asked["work"].encode("utf-8"))
    envs = os.path.join(work, "envs")
    os.makedirs(envs, mode=0o700, exist_ok=True)
    clock = tempfile.TemporaryFile(dir=envs)
    now = os.fstat(clock.fileno()).st_mtime
    if asked["what"] == "list":
        names = sorted(name for name in os.listdir(envs) if os.path.isdir(os.path.join(envs, name, "hoist")) and name[0] != ".")
        answer = {"environments": [look(Place(work, name), now) for name in names]}
    else:
        answer = {"kept": []}
        for name in asked["names"]:
            try:
                why = remove(Place(work, name), now)
            except OSError as error:
                why = "it cannot be moved (%s)" % error
            if why:
                answer["kept"].append([name, why])
        sweep(envs)
    print("\n" + json.dumps(answer), flush=True)


main()
