#> numbers('a -1.5e3 b .25 c') => ['-1.5e3', '.25']
#> nested numbers refused: captures `NUMBER`
import re

NUMBER = re.compile(
    r"""
    [-+]?           # a sign
    (?:
\d+ (?: \.\d* )?    # digits at column 0
    |   \.\d+
    )
    (?: [eE] [-+]? \d+ )?
    """,
    re.VERBOSE,
)


def numbers(text):
    return NUMBER.findall(text)
