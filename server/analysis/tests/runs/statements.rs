//! Statements that bind names, names that are read by text, and the state of the process.

use super::check;

#[test]
fn statements_and_names() {
    check(&[
        (
            "star import",
            "from math import *\ndef f(): return floor(pow(2, 3))\n",
            "f",
            "",
            "8",
        ),
        (
            "try import",
            "try:\n    import nonexistent_thing as n\nexcept ImportError:\n    n = None\ndef f(): return n\n",
            "f",
            "",
            "None",
        ),
        (
            "try else",
            "try:\n    v = int('3')\nexcept ValueError:\n    v = 0\nelse:\n    v += 1\nfinally:\n    w = v\ndef f(): return w\n",
            "f",
            "",
            "4",
        ),
        (
            "with at the top",
            "import io\nwith io.StringIO('abc') as s:\n    text = s.read()\ndef f(): return text\n",
            "f",
            "",
            "'abc'",
        ),
        (
            "walrus",
            "if (n := 5) > 3:\n    pass\ndef f(): return n\n",
            "f",
            "",
            "5",
        ),
        (
            "globals of a constant",
            "X = 3\ndef f(): return globals()['X']\n",
            "f",
            "",
            "3",
        ),
        (
            "globals of a name",
            "X = 3\ndef f(n): return globals()[n]\n",
            "f",
            "'X'",
            "3",
        ),
        (
            "eval",
            "X = 3\ndef f(e): return eval(e)\n",
            "f",
            "'X + 1'",
            "4",
        ),
        (
            "docstring",
            "'''Text.'''\ndef f(): return __doc__\n",
            "f",
            "",
            "'Text.'",
        ),
        (
            "one line, many statements",
            "a = 1; b = print('no'); c = '''x\ny'''; d = 4\ndef f(): return a, d\n",
            "f",
            "",
            "(1, 4)",
        ),
        (
            "arguments read the module",
            "RATES = [0.1, 0.2]\ndef f(r): return r\n",
            "f",
            "RATES[1]",
            "0.2",
        ),
        (
            "a name bound in a loop",
            "for i in range(4): last = i\ndef f(): return last, i\n",
            "f",
            "",
            "(3, 3)",
        ),
        (
            "match",
            "v = (1, 2)\nmatch v:\n    case (a, b): s = a + b\ndef f(): return s, a\n",
            "f",
            "",
            "(3, 1)",
        ),
        (
            "a builtin that is shadowed",
            "def sum(xs): return 'mine'\ndef f(): return sum([1])\n",
            "f",
            "",
            "'mine'",
        ),
    ]);
}

#[test]
fn state_of_the_process() {
    check(&[
        (
            "shuffle with a seed",
            "import random\nrandom.seed(3)\nT = list(range(5))\nrandom.shuffle(T)\ndef f(): return T == sorted(T), len(T)\n",
            "f",
            "",
            "(False, 5)",
        ),
        (
            "draws before",
            "import random\nrandom.seed(3)\nx = random.random()\ndef f():\n    return random.random() == __import__('random').Random(3).random()\n",
            "f",
            "",
            "False",
        ),
        (
            "decimal context",
            "from decimal import Decimal, getcontext\ngetcontext().prec = 5\ndef f(): return str(Decimal(1) / Decimal(3))\n",
            "f",
            "",
            "'0.33333'",
        ),
        (
            "recursion limit",
            "import sys\nsys.setrecursionlimit(12345)\ndef f(): return __import__('sys').getrecursionlimit()\n",
            "f",
            "",
            "12345",
        ),
        (
            "environment",
            "import os\nos.environ['HOIST_X'] = 'y'\ndef f():\n    import os\n    return os.environ.get('HOIST_X')\n",
            "f",
            "",
            "'y'",
        ),
    ]);
}
