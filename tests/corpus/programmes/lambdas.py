#> area(3) => 27
#> late() => ([2, 2, 2], [0, 1, 2])
FACTOR = 3
area = lambda r: FACTOR * r * r


def late():
    return [f() for f in [lambda: i for i in range(3)]], [f() for f in [lambda i=i: i for i in range(3)]]
