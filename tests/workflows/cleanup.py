"""Measurements as they came from the field, made fit for use: pandas on a table that travels with the function.

    hoist run tests/workflows/cleanup.py::clean --target lab
    hoist run tests/workflows/cleanup.py::means --target lab

The table holds what such tables hold: decimal commas, names with spaces and capitals, a line twice, -999 for "no value", and a
date in another order.
"""

from pathlib import Path

import pandas as pd

TABLE = Path(__file__).parent / "stations.csv"


def read():
    table = pd.read_csv(TABLE, sep=";", decimal=",", na_values=["-999"])
    table["station"] = table["station"].str.strip().str.lower()
    iso = pd.to_datetime(table["date"], format="%Y-%m-%d", errors="coerce")
    other = pd.to_datetime(table["date"], format="%d/%m/%Y", errors="coerce")
    table["date"] = iso.fillna(other)
    return table


def clean():
    """The tidy table; it is written to tidy.csv, too, which comes back with the job's files."""
    raw = read()
    table = raw.drop_duplicates().dropna(subset=["temp"]).sort_values(["station", "date"])
    print(f"{len(raw)} lines, {len(table)} kept")
    table.to_csv("tidy.csv", index=False)
    return table.reset_index(drop=True)


def means():
    """The mean temperature of each station."""
    return clean().groupby("station")["temp"].mean().round(2).to_dict()


if __name__ == "__main__":
    print(means())
