#> summary([3, 1, 2]) => Summary(low=1, high=3, mean=Fraction(2, 1))
#> nested summary refused: captures `Pair`
import collections
from fractions import Fraction
from typing import NamedTuple

Pair = collections.namedtuple("Pair", ["low", "high"])


class Summary(NamedTuple):
    low: int
    high: int
    mean: Fraction


def extremes(values):
    return Pair(min(values), max(values))


def summary(values):
    return Summary(*extremes(values), mean=Fraction(sum(values), len(values)))
