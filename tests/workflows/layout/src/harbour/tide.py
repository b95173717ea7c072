"""The tide as a sum of waves.

    hoist run tests/workflows/layout/src/harbour/tide.py::highest --args 'days=14'
"""

from math import cos, pi

from .tables import constituents


def height(hour):
    return sum(height * cos(2 * pi * hour / period) for _, height, period in constituents())


def highest(days=1):
    """When the water is highest, and how high, looking every ten minutes."""
    hours = [minutes / 60 for minutes in range(0, days * 24 * 60, 10)]
    at = max(hours[1:], key=height)
    return {"hour": round(at, 2), "metres": round(height(at), 3)}
