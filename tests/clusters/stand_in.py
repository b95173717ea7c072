#!/usr/bin/env python3
"""A stand-in for the commands of PBS and of LSF, which no package registry has, for tests.

It answers as real ones were seen to (statuses, states, what is said on which stream) and really runs the jobs, each under a keeper of
its own. It is called by the name of the command: qsub, qstat, qdel, qselect; bsub, bjobs, bkill. What it keeps lies in the folder
$HOIST_STAND_IN; there a file `history` has PBS keep finished jobs, and a file `down` makes every command fail as without a server.
Queues: workq (the default), and stopped, which starts nothing. Hosts have 8 cores.
"""
import fcntl
import getpass
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time

TOP = os.environ["HOIST_STAND_IN"]
CORES = 8
QUEUES = ("workq", "stopped")


def path(name):
    return os.path.join(TOP, name)


def name_of(number, task=None):
    """Of the files of a job or an array, or of a task of an array."""
    return str(number) if task is None else "%d.%d" % (number, task)


def put(job):
    name = name_of(job["number"], job.get("task"))
    temporary = path(".%s.%d" % (name, os.getpid()))
    with open(temporary, "w") as file:
        json.dump(job, file)
    os.rename(temporary, path(name + ".json"))


def get(number, task=None):
    try:
        with open(path(name_of(number, task) + ".json")) as file:
            return json.load(file)
    except OSError:
        return None


def tasks_of(job):
    """The tasks of an array, as they are now."""
    return [get(job["number"], task + 1) for task in range(job.get("tasks") or 0)]


def every():
    numbers = sorted(int(name[:-5]) for name in os.listdir(TOP) if re.match(r"[0-9]+\.json$", name))
    return [get(number) for number in numbers]


def new_number():
    with open(path("next"), "a+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        number = int(file.read() or 0) + 1
        file.truncate(0)
        file.write(str(number))
        return number


def fail(words, status):
    sys.stderr.write(words + "\n")
    sys.exit(status)


def submitted(job, script, environment):
    """Records the job and leaves a keeper behind that runs it."""
    job.update(number=new_number(), state="queued", user=getpass.getuser())
    with open(path("%d.sh" % job["number"]), "w") as file:
        file.write(script)
    put(job)
    for task in range(job.get("tasks") or 0):
        put(dict(job, task=task + 1, tasks=None))
    sys.stdout.flush()
    if os.fork() == 0:
        os.setsid()
        null = os.open(os.devnull, os.O_RDWR)
        for stream in range(3):
            os.dup2(null, stream)
        if os.fork() == 0:
            keep_array(job, environment) if job.get("tasks") else keep(job, environment)
        os._exit(0)
    os.wait()
    return job["number"]


def wished(job):
    names = {name_of(job["number"]), name_of(job["number"], job.get("task"))}
    return any(os.path.exists(path(name + ".delete")) for name in names)


def end(job, how, status=None):
    job.update(state="ended", how=how, status=status)
    put(job)


def keep_array(job, environment):
    """All tasks, so many at once as wished, each with a keeper of its own."""
    running = 0
    for task in range(job["tasks"]):
        while job.get("at_once") and running >= job["at_once"]:
            os.wait()
            running -= 1
        if os.fork() == 0:
            keep(get(job["number"], task + 1), environment)
            os._exit(0)
        running += 1
        job["state"] = "running"
        put(job)
    for _ in range(running):
        os.wait()
    end(job, None, max(one["status"] or 0 for one in tasks_of(job)))


def blocked(job):
    """Why the job cannot begin yet; "never" when a job that it comes after did not end as it must."""
    for number in job.get("after") or ():
        parent = get(number)
        if parent and parent["state"] != "ended":
            return "after"
        if job.get("must_succeed") and parent and (parent["how"] or parent["status"]):
            return "never"
    return "queue" if job["queue"] == "stopped" or job.get("never") or job.get("held") else None


def keep(job, environment):
    """From the queue to the end."""
    number, name = job["number"], name_of(job["number"], job.get("task"))
    while blocked(job):
        # The cluster was put away with the test, and nobody is left to wait for.
        if not os.path.exists(path("%d.sh" % number)):
            os._exit(0)
        if wished(job):
            return end(job, "deleted")
        if blocked(job) == "never":
            return end(job, "dropped")
        time.sleep(0.1)
    if wished(job):
        return end(job, "deleted")
    os.umask(0o077)
    environment = {variable: value.format(number=number, task=job.get("task") or "") for variable, value in environment.items()}
    environment = dict(os.environ, HOME=os.path.expanduser("~"), **environment)
    with open(path(name + ".out"), "wb") as out:
        running = subprocess.Popen(
            ["/bin/bash", path("%d.sh" % number)],
            stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd="/", env=environment, start_new_session=True,
        )
    job.update(state="running")
    put(job)
    began, told, how = time.time(), None, None
    while running.poll() is None:
        now = time.time()
        if how is None and wished(job):
            how = "deleted"
        elif how is None and job.get("seconds") and now - began > job["seconds"]:
            how = "time"
        if how and told is None:
            told = now
            os.killpg(running.pid, signal.SIGTERM)
        if told and now - told > 2:
            os.killpg(running.pid, signal.SIGKILL)
        time.sleep(0.05)
    status = running.returncode
    end(job, how, status if status >= 0 else 128 - status)


def options(script, directive):
    """The options of the lines at the top; LSF reads them anywhere."""
    words = []
    for line in script.splitlines():
        if line.startswith(directive + " "):
            words += shlex.split(line[len(directive):])
        elif directive == "#PBS" and line.strip() and not line.startswith("#"):
            break
    return words


def seconds(clock):
    total = 0
    for part in clock.split(":"):
        total = total * 60 + int(part)
    return total


# PBS ----------------------------------------------------------------------------------------------------------------------------------

def pbs_id(job):
    """`14.host`, `14[].host` of an array, `14[2].host` of a task."""
    task = "[]" if job.get("tasks") else "[%d]" % job["task"] if job.get("task") else ""
    return "%d%s.stand-in" % (job["number"], task)


def pbs_job(text):
    """The job of an id, if there is one."""
    number, task = re.match(r"([0-9]*)(?:\[([0-9]*)\])?", text).groups()
    return get(int(number or 0), int(task) if task else None)


def qsub(args):
    with open(args[-1]) as file:
        script = file.read()
    words = args[:-1] + options(script, "#PBS")
    job = {"name": "script.sh", "queue": "workq", "asked": {}, "variables": {}}
    rerunnable = True
    while words:
        option = words.pop(0)
        if option == "-h":
            job["held"] = True
            continue
        value = words.pop(0)
        if option == "-N":
            if len(value) > 15 or not value[0].isalpha():
                fail("qsub: illegal -N value", 2)
            job["name"] = value
        elif option == "-q":
            if value not in QUEUES:
                fail("qsub: Unknown queue", 170)
            job["queue"] = value
        elif option == "-J":
            first, last, most = re.match(r"([0-9]+)-([0-9]+)(?:%([0-9]+))?$", value).groups()
            if int(last) <= int(first):
                fail("qsub: illegal -J value", 2)
            job.update(tasks=int(last), at_once=int(most or 0))
        elif option == "-W":
            kind, *ids = value.split("=", 1)[1].split(":")
            if kind != "afterok" or any((pbs_job(id) or {"state": "ended"})["state"] == "ended" for id in ids):
                fail("qsub: Illegal attribute or resource value", 168)
            job.update(after=[pbs_job(id)["number"] for id in ids], must_succeed=True)
        elif option == "-r":
            rerunnable = value == "y"
        elif option == "-v":
            job["variables"].update(pair.split("=", 1) for pair in value.split(","))
        elif option == "-l":
            for pair in value.split(","):
                name, amount = pair.split("=", 1)
                if name not in ("select", "walltime", "place"):
                    fail("qsub: Unknown resource: %s" % name, 187)
                job["asked"][name] = amount
        elif option not in ("-S", "-j", "-o", "-A"):
            fail("usage: qsub [-a date_time] ...", 2)
    if job.get("tasks") and not rerunnable:
        fail("qsub: Job arrays must be rerunnable", 2)
    chunk = dict(part.split("=") for part in job["asked"].get("select", "1").split(":")[1:])
    if int(chunk.get("ncpus", 1)) > CORES:
        job["never"] = "Can Never Run: Insufficient amount of resource: ncpus (R: %s A: %d T: %d)" % (chunk["ncpus"], CORES, CORES)
    if "walltime" in job["asked"]:
        job["seconds"] = seconds(job["asked"]["walltime"])
    variables = {"PBS_JOBID": "{number}.stand-in", "PBS_ENVIRONMENT": "PBS_BATCH"}
    if job.get("tasks"):
        variables.update(PBS_JOBID="{number}[{task}].stand-in", PBS_ARRAY_ID="{number}[].stand-in", PBS_ARRAY_INDEX="{task}")
    submitted(job, script, variables)
    print(pbs_id(job))


def pbs_view(job):
    waits = job.get("held") or blocked(job) == "after"
    letter = {"queued": "H" if waits else "Q", "running": "B" if job.get("tasks") else "R", "ended": "F"}[job["state"]]
    if job.get("task") and letter == "F" and get(job["number"])["state"] != "ended":
        letter = "X"
    view = {
        "Job_Name": job["name"], "Job_Owner": "%s@stand-in" % job["user"], "job_state": letter, "queue": job["queue"],
        "server": "stand-in", "Resource_List": dict(job["asked"], ncpus=1, nodect=1),
        "substate": {"Q": 10, "H": 22 if job.get("after") else 20, "R": 42, "B": 42, "X": 92, "F": 92}[letter],
        "Variable_List": dict(job["variables"], PBS_O_HOME="/home/\"ada\"", PBS_O_LANG="C.UTF-8"),
    }
    if job.get("never"):
        view["comment"] = job["never"]
    elif job["queue"] == "stopped":
        view["comment"] = "Not Running: Queue not started."
    if letter in "FX":
        status = job["status"]
        view["resources_used"] = {"cpupercent": 0, "mem": "0kb", "walltime": "00:00:01"}
        if job["how"] == "deleted":
            view.update(substate=91, **({} if status is None else {"Exit_status": 271}))
        elif job["how"] == "time":
            view.update(substate=93, Exit_status=-29)
        elif job["how"] == "dropped":
            view.update(comment="Job deleted as result of dependency on job %d.stand-in" % job["after"][0])
        else:
            view.update(substate=93 if status else 92, Exit_status=status)
    return view


def qstat(args):
    if args == ["--version"]:
        return print("pbs_version = 23.06.06 (stand-in)")
    if not args:
        return None
    ids = [word for word in args if word[0] != "-" and word != "json"]
    if "-f" not in args:
        fail("qstat: conflicting options", 2)
    history = os.path.exists(path("history"))
    if "-x" in args and not history:
        fail("qstat: PBS is not configured to maintain job history", 1)
    views, status = {}, 0
    for id in ids:
        job = pbs_job(id)
        if job is None or (job["state"] == "ended" and not history and job.get("forgotten")):
            sys.stderr.write("qstat: Unknown Job Id %s\n" % id)
            status = 153
        elif job["state"] == "ended" and "-x" not in args:
            sys.stderr.write("qstat: %s Job has finished, use -x or -H to obtain historical job information\n" % id)
            status = status or 35
        else:
            views.update((pbs_id(one), pbs_view(one)) for one in [job] + (tasks_of(job) if "-t" in args else []))
    if views:
        print(json.dumps({"timestamp": int(time.time()), "pbs_version": "23.06.06", "pbs_server": "stand-in", "Jobs": views}, indent=4))
    sys.exit(status)


def qselect(args):
    for job in every():
        if job["state"] != "ended" and job["user"] == args[args.index("-u") + 1]:
            print(pbs_id(job))


def qdel(args):
    status = 0
    for id in args:
        job = pbs_job(id)
        if job is None:
            words, status = "Unknown Job Id", 153
        elif job["state"] == "ended":
            words, status = "Job has finished", 35
        elif wished(job):
            words, status = "Request invalid for state of job", 168
        else:
            open(path(name_of(job["number"], job.get("task")) + ".delete"), "w").close()
            continue
        sys.stderr.write("qdel: %s %s\n" % (words, id))
    sys.exit(status)


# LSF ----------------------------------------------------------------------------------------------------------------------------------

def bsub(args):
    script = sys.stdin.read()
    words = args + options(script, "#BSUB")
    job = {"name": "script", "queue": "workq", "about": ""}
    while words:
        option = words.pop(0)
        value = None if option in ("-rn", "-x") else words.pop(0)
        if option == "-q":
            if value not in QUEUES:
                fail("%s: No such queue. Job not submitted." % value, 255)
            job["queue"] = value
        elif option == "-Jd":
            job["about"] = value
        elif option == "-W":
            job["seconds"] = seconds(value) * 60
        elif option == "-w":
            job["after"] = [int(number) for number in re.findall(r"ended\(([0-9]+)\)", value)]
            if not job["after"] or None in map(get, job["after"]):
                fail("%s: No matching job found. Job not submitted." % value, 255)
        elif option == "-J" and "[" in value:
            last, most = re.search(r"\[1-([0-9]+)\](?:%([0-9]+))?$", value).groups()
            job.update(tasks=int(last), at_once=int(most or 0))
        elif option == "-n" and int(value) > CORES:
            job["never"] = "Not enough slots or resources for whole duration of the job"
        elif option not in ("-J", "-L", "-o", "-P", "-M", "-R", "-gpu", "-n", "-rn", "-x"):
            fail("%s: Illegal option. Job not submitted." % option, 255)
    number = submitted(job, script, {"LSB_JOBID": "{number}", "LSB_JOBINDEX": "{task}" if job.get("tasks") else "0"})
    print("Job <%d> is submitted to queue <%s>." % (number, job["queue"]))


def lsf_jobs(text):
    """The job of an id, or the tasks of an array, or one task (`123[4]`)."""
    number, task = re.match(r"([0-9]+)(?:\[([0-9]+)\])?$", text).groups()
    job = get(int(number), int(task) if task else None)
    return [] if job is None else tasks_of(job) or [job]


def bjobs(args):
    if args == ["-V"]:
        return fail("IBM Spectrum LSF Standard 10.1.0.0 (stand-in)", 0)
    if "-o" not in args:
        fail("No unfinished job found", 255)
    at = args.index("-o")
    fields = args[at + 1].replace("delimiter='|'", "").split()
    ids = [word for word in args[at + 2:] if word[0] != "-"]
    named = [one for id in ids for one in lsf_jobs(id)]
    for job in named if ids else [one for job in every() for one in tasks_of(job) or [job]]:
        ended, failed = job["state"] == "ended", job.get("how") or job.get("status")
        pending = job.get("never") or ("The queue is inactivated by the administrator;" if job["queue"] == "stopped" else "-")
        if blocked(job) == "after":
            pending = "Job dependency condition not satisfied;"
        reasons = {
            "deleted": "TERM_OWNER: job killed by owner",
            "time": "TERM_RUNLIMIT: job killed after reaching LSF run time limit",
        }
        view = {
            "jobid": str(job["number"]),
            "jobindex": str(job.get("task") or 0),
            "stat": ("EXIT" if failed else "DONE") if ended else {"queued": "PEND", "running": "RUN"}[job["state"]],
            "exit_code": str(job["status"]) if ended and job["status"] else "-",
            "exit_reason": reasons.get(job.get("how"), "-"),
            "pend_reason": pending if job["state"] == "queued" else "-",
            "job_description": job["about"],
        }
        print("|".join(view.get(field, "-") for field in fields))
    missing = [id for id in ids if not lsf_jobs(id)]
    for id in missing:
        sys.stderr.write("Job <%s> is not found\n" % id)
    sys.exit(255 if missing else 0)


def bkill(args):
    status = 0
    for id in args:
        jobs = lsf_jobs(id)
        going = [job for job in jobs if job["state"] != "ended"]
        if not going:
            words = "Job has already finished" if jobs else "No matching job found"
            sys.stderr.write("Job <%s>: %s\n" % (id, words))
            status = 255
        for job in going:
            open(path(name_of(job["number"], job.get("task")) + ".delete"), "w").close()
            print("Job <%s> is being terminated" % id)
    sys.exit(status)


if __name__ == "__main__":
    command = os.path.basename(sys.argv[0])
    with open(path("log"), "a") as log:
        log.write("%s %s\n" % (command, " ".join(sys.argv[1:])))
    if os.path.exists(path("down")):
        if command[0] == "q":
            fail("Connection refused\n%s: cannot connect to server stand-in (errno=111)" % command, 111)
        fail("Failed in an LSF library call: LIM is down; try later. Job not submitted.", 255)
    {f.__name__: f for f in (qsub, qstat, qselect, qdel, bsub, bjobs, bkill)}[command](sys.argv[1:])
