#> build(4) => ([[0, 1], [2, 3]], {0: 0, 1: 1, 2: 4, 3: 9}, {0, 1}, [6, 8])
#> scoped() => [[1, 2], [2, 4]]
def build(n):
    x = "outer"
    rows = [[x for x in range(i, i + 2)] for i in range(0, n, 2)]
    squares = {x: x * x for x in range(n)}
    kinds = {x % 2 for x in range(n)}
    doubled = [y for x in range(n) if (y := 2 * x + 2) > 4]
    assert x == "outer"
    return rows, squares, kinds, doubled


class Table:
    sizes = [1, 2]
    rows = [[size * factor for factor in (1, 2)] for size in sizes]


def scoped():
    return Table.rows
