"""A picture that comes back: how the logistic map falls into chaos.

    hoist run tests/workflows/figure.py::draw --target lab
"""

import matplotlib.pyplot as plt
import numpy as np


def orbit(rates, forget=200, keep=100):
    """The values that x -> r x (1 - x) settles on, for each rate."""
    x = np.full_like(rates, 0.5)
    for _ in range(forget):
        x = rates * x * (1 - x)
    values = []
    for _ in range(keep):
        x = rates * x * (1 - x)
        values.append(x)
    return np.array(values)


def draw(points=400):
    rates = np.linspace(2.5, 4.0, points)
    values = orbit(rates)
    plt.figure(figsize=(6, 4))
    plt.plot(np.tile(rates, len(values)), values.ravel(), ",k", alpha=0.5)
    plt.xlabel("growth rate")
    plt.ylabel("population")
    plt.title("The logistic map")
    plt.show()
    return {"points": int(values.size), "at_3_2": sorted({round(float(v), 3) for v in orbit(np.array([3.2])).ravel()})}


if __name__ == "__main__":
    print(draw())
