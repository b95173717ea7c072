#> names() => ['csv', 'json', 'Base']
#> nested names refused: READERS
READERS = {}


def reader(kind):
    def register(function):
        READERS[kind] = function
        return function

    return register


@reader("csv")
def read_csv():
    return "csv"


@reader("json")
def read_json():
    return "json"


class Meta(type):
    def __new__(mcs, name, bases, space):
        cls = super().__new__(mcs, name, bases, space)
        READERS[name] = lambda: name
        return cls


class Base(metaclass=Meta):
    pass


def names():
    return [READERS[kind]() for kind in READERS]
