#> 9-17() => [1, 2]
#> 18-22() => 3
#> 23-27() prints '2\n' => None
#> 28-32() => {'a': 1, 'b': 2}
#> 33-36() => 4
#> 37-41() => 'main 5'
"""Cells, each with what it needs of the cells before it."""

# %% Load
import json
import time as clock

text = '{"a": 1, "b": 2}'
table = json.loads(text)

# the values
list(table.values())
# %% Sum
numbers = list(table.values())
numbers.append(0)

sum(numbers)
# %% Show
started = clock.time()
numbers[0] = 2
print(numbers[0])
finished = clock.time()
# %% [again]
numbers = None
if table:
    again = dict(table)
again
# %% Change
table["a"] = 2
shown = table["a"] + table["b"]
shown
# %% Main
if __name__ == "__main__":
    table["b"] += 1
    word = "main"
    f"{word} {sum(table.values())}"
