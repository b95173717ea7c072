#> squares(5) => [0, 1, 4, 9, 16]
#> spawned([1, 2]) => [Point(x=1, y=1), Point(x=2, y=4)]
#> nested spawned refused: captures `Point`
import multiprocessing
from collections import namedtuple
from concurrent.futures import ProcessPoolExecutor

Point = namedtuple("Point", "x y")


def square(x):
    return x * x


def point(x):
    return Point(x, square(x))


def squares(n):
    with ProcessPoolExecutor(2) as pool:
        return list(pool.map(square, range(n)))


def spawned(values):
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        return pool.map(point, values)
