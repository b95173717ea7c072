"""A function inside a method: it runs on a target as it stands.

    hoist run 'tests/workflows/survey.py::Survey.report.<locals>.rank'
    hoist run tests/workflows/survey.py::rank_all
"""

import statistics

STATIONS = {
    "Quay": [4.1, 4.4, 3.9, 4.6],
    "Lock": [2.2, 2.1, 2.6],
    "Weir": [5.0, 4.8, 5.3, 5.1, 4.9],
}


class Survey:
    """Heights that were read at several stations."""

    def __init__(self, stations):
        self.stations = stations

    def report(self):
        def rank(highest_first=True):
            """
Station by station, by the mean of its heights.
  (This text touches column 0 on purpose.)
            """
            means = {name: statistics.fmean(heights) for name, heights in STATIONS.items()}
# So does this comment.
            order = sorted(means, key=means.get, reverse=highest_first)
            for name in order:
                print(f"""{name}:
                mean {means[name]:.2f} m""")
            return order

        return rank()


def rank_all():
    return Survey(STATIONS).report()
