"""A folder of pictures, one after another: how much of each is leaf, and a small picture of each that comes back.

    hoist run tests/workflows/leaves.py::measure_all --target lab
"""

from pathlib import Path

from PIL import Image, ImageOps

# hoist: data=leaves/*.pgm
FOLDER = Path(__file__).parent / "leaves"


def measure(path, threshold=128):
    """The share of dark pixels."""
    with Image.open(path) as image:
        grey = ImageOps.grayscale(image)
        dark = sum(count for value, count in enumerate(grey.histogram()) if value < threshold)
        small = ImageOps.contain(grey, (12, 12))
        small.save(f"small-{path.stem}.png")
        return round(dark / (grey.width * grey.height), 3)


def measure_all():
    shares = {}
    for path in sorted(FOLDER.glob("*.pgm")):
        shares[path.stem] = measure(path)
        print(f"{path.name}: {shares[path.stem]:.1%}")
    return shares


if __name__ == "__main__":
    print(measure_all())
