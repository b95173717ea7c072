#> source() => 'def helper(x):\n    # doubles\n    return 2 * x\n'
#> nested source => '        def helper(x):\n            # doubles\n            return 2 * x\n'
import inspect


def helper(x):
    # doubles
    return 2 * x


def source():
    return inspect.getsource(helper)
