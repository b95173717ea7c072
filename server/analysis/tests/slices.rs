//! What stays of a module, line for line, and what is refused.

mod support;

use support::{refused, shown, text_of};

const PROGRAMME: &str = r#"#!/usr/bin/env python3
# -*- coding: utf-8 -*-
"""What it is."""
from __future__ import annotations
import sys, os
import numpy as np; import matplotlib.pyplot as plt
import unused

sys.setrecursionlimit(5000)
np.random.seed(0)
np.set_printoptions(precision=3)

data = np.loadtxt("data.csv")
TABLE = {}
TABLE["a"] = (1,
    # inside
              2)


def helper(x):
    # a comment that stays
    return TABLE["a"][0] + x


def other():
    return 1


def train(lr: Tensor, epochs=3):
    """Trains."""
    text = """
kept
"""
    return np.array([helper(lr)]), text


plt.plot(data)
plt.show()
print(train(0.1))
result = train(0.2); TABLE["b"] = 1; print(result)
train(0.3)

if __name__ == "__main__":
    print(train(0.4))
"#;

#[test]
fn a_function_with_what_it_needs() {
    insta::assert_snapshot!(shown(PROGRAMME, "train"), @r#"
      1 #!/usr/bin/env python3
      2 # -*- coding: utf-8 -*-
      4 from __future__ import annotations
      5 import sys, os
      6 import numpy as np; 0
      9 sys.setrecursionlimit(5000)
     10 np.random.seed(0)
     11 np.set_printoptions(precision=3)
     14 TABLE = {}
     15 TABLE["a"] = (1,
     16     # inside
     17               2)
     20 def helper(x):
     21     # a comment that stays
     22     return TABLE["a"][0] + x
     29 def train(lr: Tensor, epochs=3):
     30     """Trains."""
     31     text = """
     32 kept
     33 """
     34     return np.array([helper(lr)]), text
     40 0                  ; TABLE["b"] = 1; 0
    "#);
}

#[test]
fn a_function_that_needs_little() {
    insta::assert_snapshot!(shown(PROGRAMME, "other"), @r"
      1 #!/usr/bin/env python3
      2 # -*- coding: utf-8 -*-
      4 from __future__ import annotations
      5 import sys, os
      9 sys.setrecursionlimit(5000)
     25 def other():
     26     return 1
    ");
}

#[test]
fn lines_are_run_with_what_stands_before_them() {
    let source = "import math\nimport os\nx = 2\ny = 3\nprint('no')\nz = math.sqrt(x)\nz + later()\ndef later(): return 1\nx = 9\n";
    insta::assert_snapshot!(shown(source, "6-7"), @r"
      1 import math
      3 x = 2
      6 z = math.sqrt(x)
      7 z + later()
      8 def later(): return 1
    ");
    // What stands after the lines and does not travel replaces nothing.
    let after = "x = 1\ng()\nx = 2\ndef g(a=x): return a\n";
    insta::assert_snapshot!(shown(after, "2"), @r"
      1 x = 1
      2 g()
      4 def g(a=x): return a
    ");
    // Nor does it run for anything else than a name that the lines would lack.
    let below = "xs = []\ndef g(): return later(xs)\ng()\nclass Below:\n    xs.append(n)\ndef g(a=n): pass\nimport os\ndef later(x): return x\n";
    insta::assert_snapshot!(shown(below, "3"), @r"
      1 xs = []
      2 def g(): return later(xs)
      3 g()
      8 def later(x): return x
    ");
    let whole = "xs = [1]\nprint(globals()[input()])\nclass Below:\n    xs.append(n)\n";
    insta::assert_snapshot!(shown(whole, "2"), @r"
      1 xs = [1]
      2 print(globals()[input()])
    ");
    let one = "import math\n\ndef f():\n    return math.pi\n\nprint(f())\n";
    assert_eq!(shown(one, "3-4"), shown(one, "f"));
    assert_eq!(shown(one, "4"), shown(one, "f"));
}

#[test]
fn a_nested_function_stands_where_it_stood() {
    let source = r#"import os
class A(
    object,
):
    def method(self, a):
        import json
        limit = 3; other = a
        with a as b:
            try:
                pass
            except ValueError:
                pass
            else:
                @cached
                def g(n):
# at column 0
                    return """
text""" + json.dumps(limit)
        return g


def cached(f): return f
"#;
    insta::assert_snapshot!(text_of(source, "A.method.<locals>.g"), @r#"

    if True:


        if True:
            import json
            limit = 3; 0        
            if True:




                if True:
                    @cached
                    def g(n):
    # at column 0
                        return """
    text""" + json.dumps(limit)



    def cached(f): return f
    "#);
}

#[test]
fn line_breaks_tabs_and_marks_stay() {
    let source = "\u{feff}# -*- coding: utf-8 -*-\r\nimport os\r\nx = 1\rdef f():\r\n\treturn '''a\r\n b''', x\r\nprint(1)\r\n";
    assert_eq!(
        text_of(source, "f"),
        "\u{feff}# -*- coding: utf-8 -*-\r\n\r\nx = 1\rdef f():\r\n\treturn '''a\r\n b''', x\r\n\r\n"
    );
    // The text travels as UTF-8, so a comment that says otherwise would be a lie.
    let latin = "# coding: latin-1\nx = 'é'\ndef f(): return x\n";
    assert_eq!(text_of(latin, "f"), "\nx = 'é'\ndef f(): return x\n");
}

#[test]
fn the_whole_module_travels_when_names_are_computed() {
    let source = "import os\nA = 1\nB = 2\ndef f(n):\n    return globals()[n]\nprint('loud')\nf('A')\nif __name__ == '__main__':\n    f('B')\n";
    insta::assert_snapshot!(shown(source, "f"), @r"
      1 import os
      2 A = 1
      3 B = 2
      4 def f(n):
      5     return globals()[n]
      6 print('loud')
    ");
}

#[test]
fn what_does_not_run_on_its_own_is_refused() {
    let source = r#"
import numpy as np

def f(lr, epochs=3, *, name): return lr + missing
def g():
    return setting
class A:
    def __init__(self, k): self.k = k
    def run(self, x): return x
    @property
    def size(self): return 1
def outer(a, rate=0.1):
    total = 0
    xs = [1]
    xs.append(2)
    for i in range(3): pass
    def values(): return a, rate, i, xs, len_
    len_ = sorted(locals())
    def counts():
        nonlocal total
        total += 1
    def itself(): return outer(1)
    return values
class C(A):
    def m(self):
        def up(): return super().run(1)
        def private(): return self_.__k
        self_ = None
if __name__ == "__main__":
    setting = 1
    def hidden(): pass
"#;
    let cases: Vec<String> = [
        ("trian", None),
        ("f", Some("0.1")),
        ("f", Some("0.1, name='a'")),
        ("f", Some("1, 2, 3, name='a'")),
        ("f", Some("1, nmae='a'")),
        ("f", Some("lr=1, name='a', lr=2")),
        ("f", Some("1, lr=1, name='a'")),
        ("g", None),
        ("A", None),
        ("A.run", None),
        ("A.run", Some("A(undefined), 1")),
        ("A.size", None),
        ("outer.<locals>.values", None),
        ("outer.<locals>.counts", None),
        ("outer.<locals>.itself", None),
        ("C.m.<locals>.up", None),
        ("C.m.<locals>.private", None),
        ("hidden", None),
        ("999", None),
        ("30", None),
    ]
    .into_iter()
    .map(|(entry, args)| {
        format!(
            "{entry}({})\n    {}",
            args.unwrap_or_default(),
            refused(source, entry, args)
        )
    })
    .collect();
    insta::assert_snapshot!(cases.join("\n"));
    insta::assert_snapshot!(refused("def f():\n    return (\n", "f", None), @"HST001: the file does not parse: line 3: unexpected EOF while parsing");
}

#[test]
fn names_that_would_collide_are_refused() {
    let source = "def size(): return 1\ndef use(): return size()\ndef o():\n    size = 3\n    def g(): return use() + size\n";
    insta::assert_snapshot!(refused(source, "o.<locals>.g", None), @"HST015: `o.<locals>.g` needs `size` of the function around it and something else of the same name at module level; rename one of them");
    let builtin =
        "def use(): return sum([1])\ndef o():\n    sum = 3\n    def g(): return use() + sum\n";
    insta::assert_snapshot!(refused(builtin, "o.<locals>.g", None), @"HST015: `o.<locals>.g` needs `sum` of the function around it and something else of the same name at module level; rename one of them");
}

#[test]
fn python_two_names_behind_a_test_are_no_mistake() {
    let source = "import sys\nif sys.version_info[0] < 3:\n    text = unicode\nelse:\n    text = str\ndef f(): return text(1)\n";
    assert_eq!(refused(source, "f", None), "not refused");
    let caught =
        "try:\n    text = unicode\nexcept NameError:\n    text = str\ndef f(): return text(1)\n";
    assert_eq!(refused(caught, "f", None), "not refused");
}
