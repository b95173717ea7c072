"""Pi from random points: how the estimate settles as points are added.

    hoist run tests/workflows/montecarlo.py::estimate
    hoist run tests/workflows/montecarlo.py::estimate --args 'points=400_000, seed=7'
"""

import math
import random
import time

ROUNDS = 10


def inside(generator, points):
    """How many of so many random points of the unit square lie in the quarter circle."""
    hits = 0
    for _ in range(points):
        x, y = generator.random(), generator.random()
        if x * x + y * y <= 1.0:
            hits += 1
    return hits


def estimate(points=5_000_000, seed=2024):
    generator = random.Random(seed)
    began = time.perf_counter()
    hits = done = 0
    for number in range(1, ROUNDS + 1):
        share = points // ROUNDS
        hits += inside(generator, share)
        done += share
        pi = 4 * hits / done
        print(f"round {number:2} of {ROUNDS}: {done:>9,} points, pi = {pi:.6f}, off by {abs(pi - math.pi):.6f}")
    return {
        "pi": pi,
        "points": done,
        "standard_error": 4 * math.sqrt(hits / done * (1 - hits / done) / done),
        "points_per_second": round(done / (time.perf_counter() - began)),
    }


if __name__ == "__main__":
    print(estimate())
