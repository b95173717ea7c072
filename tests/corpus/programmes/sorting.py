#> ranked() => [('b', 2), ('a', 2), ('c', 1)]
#> nested ranked refused: captures `by_count`
import operator
from functools import cmp_to_key, reduce

RECORDS = (("a", 2), ("c", 1), ("b", 2))
by_count = operator.itemgetter(1)
compare = lambda left, right: (left < right) - (left > right)


def ranked():
    records = sorted(RECORDS, key=cmp_to_key(lambda x, y: compare(x[0], y[0])))
    assert reduce(operator.add, map(by_count, records)) == 5
    return sorted(records, key=by_count, reverse=True)
