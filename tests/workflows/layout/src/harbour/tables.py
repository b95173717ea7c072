"""The package's own table."""

from pathlib import Path


def constituents():
    """Name, height in metres and period in hours of each part of the tide."""
    text = (Path(__file__).parent / "data" / "constituents.txt").read_text()
    rows = (line.split() for line in text.splitlines() if line and not line.startswith("#"))
    return [(name, float(height), float(period)) for name, height, period in rows]
