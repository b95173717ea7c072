#> 24() => (0.5, 3, 'quick')
#> 25() => [0.25, 2, 'slow']
#> 26() => 28
#> 27() prints 'seen 2\n' => None
#> 36() => (0.1, 4, 'late')
#> 37() => (0.1, 8, 'late')
#> 39() prints '0 (0, 1, 'late')\n1 (1, 1, 'late')\n' => None
#> 41() => (0.1, 15, 'quick')
#> 34-38() => None
#> 31() prints '0 (0, 1, 'late')\n1 (1, 1, 'late')\n' => (0.1, 15, 'quick')
"""Calls at the top level and in the main block are run by their lines, with the names in their arguments."""
import argparse

NAMES = ["quick", "slow"]
unused = NAMES.missing if False else None


def train(lr, epochs=1, name=NAMES[0]):
    return lr, epochs, name


halves = 2
epochs = halves + 1
train(1 / halves, epochs)
first = result = list(train(0.25, epochs - 1, name=NAMES[1]))
total: int = sum([train(k)[0] for k in range(1, 8)])
print("seen", halves)
halves = 1 / 0


if (
    __name__ == "__main__"
):
    def settings(): return argparse.Namespace(lr=0.1, epochs=len(NAMES) * 2)
    options = settings(); NAMES.append("late")
    train(options.lr, options.epochs, NAMES[-1])
    last = train(options.lr, options.epochs * 2, NAMES[-1])

    for k in range(2): print(k, train(k, name=NAMES[-1]))
    options.epochs = 15
    train(options.lr, options.epochs)
else:
    train = None
