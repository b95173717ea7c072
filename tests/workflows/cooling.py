"""How a rod cools down: a simulation that keeps where it is, and goes on from there when it is run once more.

    hoist run tests/workflows/cooling.py::cool --args 'steps=5000' --time 60s --warning 20s
    hoist retry last

Shortly before its time is over a job is warned with SIGUSR1, as by Slurm's own `--signal`. What lies in HOIST_CHECKPOINT_DIR stays
for the next attempt at the same work, and goes when one succeeds.
"""

import json
import os
import signal
from pathlib import Path
from time import sleep

KEPT = Path(os.environ.get("HOIST_CHECKPOINT_DIR", ".")) / "rod.json"


class Warned:
    """Set by the signal; the simulation looks at it between two steps, when all is in order."""

    def __init__(self):
        self.yes = False
        signal.signal(signal.SIGUSR1, self.note)

    def note(self, number, frame):
        self.yes = True


def begin(cells):
    if KEPT.exists():
        return json.loads(KEPT.read_text())
    return {"step": 0, "rod": [100.0] * cells}


def keep(state):
    # Whole or not at all: the job may be ended at any moment.
    new = KEPT.with_suffix(".new")
    new.write_text(json.dumps(state))
    new.replace(KEPT)


def step(rod):
    """One step in time, by finite differences; both ends lie in ice."""
    inner = [t + 0.4 * (left - 2 * t + right) for left, t, right in zip(rod, rod[1:], rod[2:])]
    return [0.0, *inner, 0.0]


def cool(steps=1000, cells=100, pause=0.05):
    warned = Warned()
    state = begin(cells)
    print(f"from step {state['step']}")
    while state["step"] < steps:
        state = {"step": state["step"] + 1, "rod": step(state["rod"])}
        sleep(pause)
        if warned.yes:
            keep(state)
            print(f"kept step {state['step']}")
            warned.yes = False
    return {"steps": state["step"], "middle": round(state["rod"][cells // 2], 6)}


if __name__ == "__main__":
    print(cool(pause=0))
