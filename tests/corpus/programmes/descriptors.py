#> check() => (5, 'Positive:size', '-1 is no size')
class Positive:
    def __set_name__(self, owner, name):
        self.name = name

    def __get__(self, instance, owner=None):
        return self if instance is None else instance.__dict__[self.name]

    def __set__(self, instance, value):
        if value <= 0:
            raise ValueError(f"{value} is no {self.name}")
        instance.__dict__[self.name] = value


class Box:
    size = Positive()
    __slots__ = ("__dict__",)


def check():
    box = Box()
    box.size = 5
    try:
        box.size = -1
    except ValueError as error:
        return box.size, f"Positive:{Box.size.name}", str(error)
