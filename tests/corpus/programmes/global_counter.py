#> run(3) => (3, [0, 1, 2])
#> nested run refused: counter
counter = 0
seen = []


def step():
    global counter
    seen.append(counter)
    counter += 1


def run(n):
    for _ in range(n):
        step()
    return counter, seen
