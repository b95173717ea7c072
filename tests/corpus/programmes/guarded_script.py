#> train(2) => 4
import sys


def train(n):
    return n * 2


def plot(values):
    raise SystemExit("plotted")


print("this line is not needed by train", train(1), file=sys.stderr)
results = [train(n) for n in range(3)]
plot(results) if len(sys.argv) > 100 else None

if __name__ == "__main__":
    raise SystemExit("the script ran")
