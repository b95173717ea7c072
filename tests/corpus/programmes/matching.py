#> area(('circle', 2)) => ('circle', 4)
#> area({'w': 2, 'h': 3, 'unit': 'm'}) => ('box', 6, {'unit': 'm'})
#> area([1, 2, 3]) => ('points', 1, [2, 3])
#> area(Point(0, 7)) => ('axis', 7)
#> area(None) raises ValueError: no shape: None at 24
class Point:
    __match_args__ = ("x", "y")

    def __init__(self, x, y):
        self.x, self.y = x, y


def area(shape):
    match shape:
        case ("circle", int(r)) if r > 0:
            return "circle", r * r
        case {"w": w, "h": h, **rest}:
            return "box", w * h, rest
        case [first, *others]:
            return "points", first, others
        case Point(0, y) | Point(y, 0):
            return "axis", y
        case _:
            raise ValueError(f"no shape: {shape}")
