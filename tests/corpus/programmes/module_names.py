#> names() => ('module_names', 'The docstring.', 'module_names.py', 'module_names')
#> nested names refused: captures `HERE`
"""The docstring."""
import os
import sys

HERE = os.path.basename(__file__)


def names():
    return __name__, __doc__, HERE, sys.modules[__name__].__name__
