#> multiply() => Matrix([[19, 22], [43, 50]])
class Matrix:
    def __init__(self, rows):
        self.rows = rows

    def __matmul__(self, other):
        columns = list(zip(*other.rows))
        return Matrix([[sum(a * b for a, b in zip(row, column)) for column in columns] for row in self.rows])

    def __repr__(self):
        return f"Matrix({self.rows})"


def multiply():
    return Matrix([[1, 2], [3, 4]]) @ Matrix([[5, 6], [7, 8]])
