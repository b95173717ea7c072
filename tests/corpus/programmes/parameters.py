#> call(1, 2, 3, key=4, other=5) => (1, 2, (3,), 4, {'other': 5})
#> call(*[1], **{'key': 2}) => (1, 10, (), 2, {})
#> call(1) refused: needs `key`
DEFAULT = 10


def call(a, /, b=DEFAULT, *rest, key, **others):
    return a, b, rest, key, others
