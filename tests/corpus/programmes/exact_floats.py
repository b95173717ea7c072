#> sums() => (0.30000000000000004, 0.9999999999999999, 1.0, 1e-320, (-0.0, inf))
import math

TENTHS = [0.1] * 10


def sums():
    return 0.1 + 0.2, sum_plainly(TENTHS), math.fsum(TENTHS), 1e-320, (-0.0, float("inf"))


def sum_plainly(values):
    total = 0.0
    for value in values:
        total = total + value
    return total
