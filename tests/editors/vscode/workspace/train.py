"""A small training run: what the editor's tests click on."""
import math
import os
import sys
import time

RATE = 0.1


def loss(step, lr):
    return math.exp(-lr * step)


def train(epochs=10, lr=RATE):
    """Prints a line a second and returns the last loss."""
    for epoch in range(1, epochs + 1):
        print(f"epoch {epoch} of {epochs}: loss {loss(epoch, lr):.3f}", flush=True)
        if epoch == 1:
            print("note: this is a warning", file=sys.stderr, flush=True)
        time.sleep(1)
    return {"loss": round(loss(epochs, lr), 3), "epochs": epochs}


def broken(rate=-1):
    if rate < 0:
        raise ValueError("the learning rate is negative")
    return rate


class Experiment:
    def search(self):
        def inner(values):
            """text that
reaches column 0"""
            return values[7]

        return inner([1, 2, 3])


def endless():
    for second in range(600):
        print(f"still here after {second} s", flush=True)
        time.sleep(1)


def conversation(folder, turns=3):
    """Says a line, and the next one only when the one before was seen."""
    for turn in range(1, turns + 1):
        print(f"turn {turn}", flush=True)
        for _ in range(1200):
            if os.path.exists(os.path.join(folder, f"seen-{turn}")):
                break
            time.sleep(0.1)
        else:
            raise TimeoutError(f"nobody saw turn {turn}")
    return turns


def colourful():
    for percent in range(0, 101, 10):
        print(f"\rprogress {percent:3d} %", end="", file=sys.stderr, flush=True)
        time.sleep(0.05)
    print(file=sys.stderr)
    print("\x1b[32mgreen words\x1b[0m and plain ones: <b>not bold</b> & done")


def flood(lines=100_000):
    for line in range(lines):
        print(f"line {line} of many")
    return lines


print("this line never runs on the other side")
