#> draw(3) => [97, 53, 5]
#> nested draw refused: rng
import random

rng = random.Random(0)
rng.random()
random.seed(7)


def draw(n):
    return [rng.randint(0, 99) for _ in range(n)]
