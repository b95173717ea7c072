#> mix('red') => (<Colour.RED: 1>, <Access.READ|WRITE: 3>, ['RED', 'BLUE'])
import enum


class Colour(enum.Enum):
    RED = enum.auto()
    BLUE = enum.auto()

    @classmethod
    def parse(cls, text):
        return cls[text.upper()]


class Access(enum.Flag):
    READ = 1
    WRITE = 2


def mix(text):
    return Colour.parse(text), Access.READ | Access.WRITE, [colour.name for colour in Colour]
