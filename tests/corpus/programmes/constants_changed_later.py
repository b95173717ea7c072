#> table() => ([1, 2, 3, 4], {'a': 1, 'b': 4}, 11, 'x-y')
#> nested table refused: VALUES
VALUES = [1]
VALUES.append(2)
VALUES += [3]
for n in range(4, 5):
    VALUES.append(n)
OPTIONS = {"a": 1}
OPTIONS["b"] = len(VALUES)
total = 0
for value in VALUES:
    total += value
total += 1
if total > 5:
    NAME = "x"
else:
    NAME = "z"
NAME = NAME + "-y"


def table():
    return VALUES, OPTIONS, total, NAME
