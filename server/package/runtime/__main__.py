"""Runs this package: `python3 PACKAGE.zip JOBDIR`, or by hand `python3 PACKAGE.zip 'lr=0.1'`.

This file alone must also be valid Python 2.7: an interpreter that is too old gets a sentence and not a SyntaxError.
"""
import sys

if sys.version_info < (3, 6):
    import json
    import os

    reason = (
        "Python %d.%d (%s) is too old: the target needs Python 3.6 or newer; "
        "set `python` (or `modules`) of the target in the configuration of Hoist"
        % (sys.version_info[0], sys.version_info[1], sys.executable)
    )
    if len(sys.argv) > 1 and os.path.isdir(sys.argv[1]):
        marker = os.path.join(sys.argv[1], "exit")
        with open(marker + ".new", "w") as out:
            json.dump({"code": 3, "state": "failed", "reason": reason}, out)
        os.rename(marker + ".new", marker)
    sys.stderr.write("hoist: " + reason + "\n")
    sys.exit(3)

from hoist_runner import job

# Both processes come back here after the fork, so that the one that ran the entry ends as any Python programme does:
# threads are waited for, atexit handlers run, streams are flushed.
sys.exit(job.main(sys.argv))
