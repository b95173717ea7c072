#> hypotenuse(3, 4) => (5.0, 2.0)
#> nested hypotenuse refused: only allowed at module level
from math import *


def hypotenuse(a, b):
    return sqrt(a * a + b * b), floor(2.5) * 1.0
