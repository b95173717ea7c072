#> slow_add(2, 3) => ('<<5>>', 'slow_add', 'Adds.')
import functools


def wrap(left, right):
    def decorate(function):
        @functools.wraps(function)
        def inner(*args, **kwargs):
            return "{}{}{}".format(left, function(*args, **kwargs), right)

        return inner

    return decorate


def named(function):
    @functools.wraps(function)
    def inner(*args):
        return function(*args), function.__name__, function.__doc__

    return inner


@named
@wrap(
    "<<",
    ">>",
)
def slow_add(a, b):
    """Adds."""
    return a + b
