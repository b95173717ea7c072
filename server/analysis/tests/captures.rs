//! What a nested function captures: values that are computed anew where it runs give the same there, all others are refused.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use hoist_analysis::Slice;
use support::{Workspace, refused, run_all, run_whole};

/// A function `inner` in a function `outer`, which gives what `inner` gives.
fn programme(lines: &str, result: &str) -> String {
    let lines = lines.replace('\n', "\n    ");
    format!(
        "import math\nfrom typing import NamedTuple\n\ndef outer(n=3, *rest):\n    {lines}\n    def inner():\n        return {result}\n    return inner()\n"
    )
}

/// Lines of a function, and what a function in it makes of the names that they bind.
const CARRIED: &[(&str, &str)] = &[
    ("table = {hex(i)[2:]: i for i in range(16)}", "table['a']"),
    (
        "squares = [sum(int(c, 10) ** 2 for c in str(i)) for i in range(30)]",
        "squares",
    ),
    (
        "from string import ascii_uppercase\nvalues = {str(ord(c) - 55): c for c in ascii_uppercase}",
        "values",
    ),
    (
        "import string as s\nabc = s.digits + s.ascii_letters[:3].upper()",
        "abc",
    ),
    (
        "codes = {'A': '.-', 'B': '-...'}\nback = {value: key for key, value in codes.items()}",
        "(codes, back)",
    ),
    (
        "codes = {'A': '.-', 'B': '-...'}\ndef other(x):\n    return codes[x], codes.get(x), x in codes, len(codes), [c for c in codes], ' '.join(codes)",
        "codes",
    ),
    (
        "xs = [3, 1, 2]\nfor x in xs:\n    print(x, *xs)\nif xs: print(f'{xs}', sorted(xs), not xs)",
        "xs",
    ),
    (
        "rates = {'g': pow(10, 3), 'kg': round(2.5), 'oz': abs(-1) + divmod(7, 2)[1]}",
        "rates",
    ),
    (
        "pairs = list(zip('abc', range(3)))\nlookup = dict(pairs)\nmore = dict(lookup, d=4)",
        "(pairs, lookup, more)",
    ),
    (
        "words = 'the quick fox'.split()\nlengths = [len(w.strip()) for w in words if w.isalpha()]",
        "(words, lengths)",
    ),
    (
        "order = tuple(sorted({'b', 'a', 'c'}))\nsize = len({'b', 'a'})",
        "(order, size)",
    ),
    (
        "names = sorted(['b', 'Ab'], key=str.lower, reverse=True)",
        "names",
    ),
    (
        "numbers = list(map(int, '123'))\nsome = list(filter(None, [0, 1, 2]))",
        "(numbers, some)",
    ),
    (
        "text = '{:>4}|%s'.format(3) % 'x' + f'{1 + 1:03d}{[1, 2]!r}'",
        "text",
    ),
    (
        "factorials = {str(d): math.factorial(d) for d in range(5)}\ntau = 2 * math.pi",
        "(factorials, tau)",
    ),
    (
        "grid = [[0] * 3 for _ in range(2)]\nrows = len(grid)",
        "(grid, rows)",
    ),
    (
        "ops = {'+': lambda x, y: x + y, 'm': max, 'i': int}",
        "ops['+'](1, ops['i']('2'))",
    ),
    (
        "def add(x, y): return x + y\nops = {'+': add}",
        "ops['+'](1, 2)",
    ),
    (
        "Point = tuple[float, float]\nMaybe = list[int] | None",
        "(str(Point), str(Maybe))",
    ),
    (
        "class FromTo(NamedTuple):\n    'A factor.'\n    there: float\n    back: float\nchart = {'mm': FromTo(0.001, back=1000)}",
        "chart['mm'].back",
    ),
    (
        "table = str.maketrans('ab', 'xy')\nkeys = dict.fromkeys('ab', 0)",
        "('aab'.translate(table), keys)",
    ),
    (
        "first, others = 'ab', [c for c in 'abc']\nmatrix = [list(range(2)), [1]]",
        "(matrix, others)",
    ),
    (
        "seen = {}\ndef remember(x):\n    seen[x] = 1\n    return seen",
        "remember(2)",
    ),
    (
        "base = [1, 2]\nboth = base + [3]\ncopy = base[:]\nsame = None if base is None else base[0]",
        "(both, copy, same)",
    ),
    ("f = lambda x, k=len('abc'): x * k", "f(2)"),
    (
        "flags = tuple(b for b in (True, not 1, 3 > 2 > 1, 'a' in 'abc'))",
        "flags",
    ),
    (
        "deep = {'a': [1, 2]}\nhas = 'a' in deep\nprint(len(deep), 'b' in deep)",
        "(deep, has)",
    ),
];

#[test]
fn what_is_computed_from_literals_is_the_same_where_it_runs() {
    let workspaces: Vec<Workspace> = CARRIED
        .iter()
        .map(|(lines, result)| Workspace::new(&[("train.py", &programme(lines, result))]))
        .collect();
    let slices: Vec<_> = workspaces
        .iter()
        .zip(CARRIED)
        .map(|(workspace, (lines, _))| {
            let slice = workspace.slice("train.py", "outer.<locals>.inner", None);
            slice.unwrap_or_else(|refusal| panic!("{lines}\n{}", refusal.message))
        })
        .collect();
    let whole: Vec<_> = workspaces
        .iter()
        .map(|workspace| (workspace, "train.py", "outer", ""))
        .collect();
    let at_home = run_whole(&whole);
    for (((lines, _), there), here) in CARRIED.iter().zip(run_all(&slices)).zip(at_home) {
        let here = here
            .split(" printed ")
            .next()
            .unwrap_or_default()
            .to_owned();
        assert_eq!(there, here, "{lines}");
        assert!(!here.contains("Error"), "{lines}: {here}");
    }
}

/// Lines after which `name` is nothing that can be had elsewhere, and why.
const REFUSED: &[(&str, &str, &str)] = &[
    // Something else each time.
    ("import time\nx = time.time()", "x", "computed"),
    (
        "import random\nx = [random.random() for _ in range(3)]",
        "x",
        "computed",
    ),
    ("x = open('data.csv').read()", "x", "computed"),
    ("x = input()", "x", "computed"),
    ("x = id(3)", "x", "computed"),
    ("x = hash('a')", "x", "computed"),
    ("x = object()", "x", "computed"),
    ("x = __name__", "x", "computed"),
    ("x = list({'a', 'b'})", "x", "computed"),
    ("x = [c for c in {'a', 'b'}]", "x", "computed"),
    ("x = str({'a', 'b'})", "x", "computed"),
    ("x = f'{len}'", "x", "computed"),
    ("x = '%s' % (lambda: 1)", "x", "computed"),
    ("x = ''.join(frozenset('abc'))", "x", "computed"),
    ("x = sorted({'a', 'B'}, key=len)", "x", "computed"),
    ("f = lambda k=print('now'): k", "f", "computed"),
    (
        "import time\nf = {'t': lambda k=time.time(): k}",
        "f",
        "computed",
    ),
    // Of a parameter, a loop, or code of one's own.
    ("x = [n, 2]", "x", "computed"),
    ("x = [i * n for i in range(3)]", "x", "computed"),
    ("x = range(n)", "x", "computed"),
    (
        "for i in range(3):\n    x = [i]",
        "x",
        "only on a condition",
    ),
    ("def g(y): return y\nx = g(1)", "x", "computed"),
    (
        "class A:\n    def __init__(self): print('made')\nx = A()",
        "x",
        "computed",
    ),
    (
        "class A(NamedTuple):\n    n: int = print('now')\nx = A()",
        "x",
        "computed",
    ),
    ("len = max\nx = len([1, 2])", "x", "computed"),
    ("x = [y := 3, y]", "x", "computed"),
    ("x = (i for i in range(3))", "x", "computed"),
    ("x = zip('ab', 'cd')", "x", "computed"),
    ("x = [map(int, '12')]", "x", "computed"),
    // Changed in between, or given to others who may.
    (
        "x = set(range(3, 9, 2))\nx.add(2)",
        "x",
        "also used elsewhere",
    ),
    ("x = [1]\nx[0] = 2", "x", "also used elsewhere"),
    ("x = {'a': 1}\ndel x['a']", "x", "also used elsewhere"),
    ("x = [1]\ny = x\ny.append(2)", "x", "also used elsewhere"),
    ("x = [1]\nprint(x, file=x)", "x", "also used elsewhere"),
    (
        "x = [1]\nimport random\nrandom.shuffle(x)",
        "x",
        "also used elsewhere",
    ),
    (
        "x = [[1], [2]]\nfor row in x: row.append(3)",
        "x",
        "also used elsewhere",
    ),
    ("x = [[1], [2]]\nx[0].append(3)", "x", "also used elsewhere"),
    (
        "x = {'a': []}\nx['a'].append(1)",
        "x",
        "also used elsewhere",
    ),
    (
        "x = {'a': []}\nfor y in x.values(): y.append(1)",
        "x",
        "also used elsewhere",
    ),
    ("x = {'a': 1}\nx.update(b=2)", "x", "also used elsewhere"),
    (
        "x = {'a': 1}\nchange = x.update\nchange(b=2)",
        "x",
        "also used elsewhere",
    ),
    ("x = [1]\nx += [2]", "x", "changed"),
    (
        "x = [3]\ndef len(y): y.append(1)\nlen(x)",
        "x",
        "also used elsewhere",
    ),
    (
        "x = {'f': lambda: 1}\nx['f'].cache = {}",
        "x",
        "also used elsewhere",
    ),
    // Changed by a function that travels and that others call.
    (
        "x = [1]\ndef more(): x.append(2)\nmore()",
        "(x, more)",
        "also used elsewhere",
    ),
    (
        "x = [1]\nmore = {'a': lambda: x.append(2)}\nmore['a']()",
        "(x, more)",
        "also used elsewhere",
    ),
    // Computed from what a function that travels may have changed by then.
    (
        "x = [1]\ndef more(): x.append(2)\nmore()\ny = [*x]",
        "(y, more)",
        "also used elsewhere",
    ),
    (
        "x = [1]\nz = [x]\ndef more(): z[0].append(2)\nmore()\ny = [*x]",
        "(y, more)",
        "also used elsewhere",
    ),
    (
        "x = [1]\ndef more(): x.append(2)\nmore()\ndef head(y=[*x]): return y",
        "(head, more)",
        "also used elsewhere",
    ),
    (
        "x = [1]\ndef more(): x.append(2)\nmore()\nclass A:\n    y = list(x)",
        "(A, more)",
        "also used elsewhere",
    ),
    (
        "x = sorted({frozenset('ab'), frozenset('c')})",
        "x",
        "computed",
    ),
];

#[test]
fn what_could_be_something_else_is_refused() {
    for (lines, result, why) in REFUSED {
        let said = refused(&programme(lines, result), "outer.<locals>.inner", None);
        assert!(
            said.starts_with("HST003: ") && said.contains(why),
            "{lines}\n{said}"
        );
    }
}

/// Programmes of some statements each, picked as if by chance, and what `inner` gives in them here and where it is carried.
#[test]
fn what_is_carried_gives_the_same_in_programmes_made_up_at_random() {
    // What binds each name, in the order of the statements.
    const BINDERS: &[&[&str]] = &[
        &["a = [1, 2]", "a = [v for v in range(3)]", "a = [[1], [2]]"],
        &["b = [3]", "b = [*a, 5]", "b = a", "b = [a, 1]"],
        &[
            "c = {1: a, 2: [4]}",
            "c = {len(a): 'x'}",
            "c = dict(enumerate('ab'))",
            "c = {1: 2, 7: 3}",
        ],
        &[
            "d = tuple(b) + (len(a),)",
            "d = sorted(c)",
            "d = list(c.items())",
        ],
        &[
            "def f(): a.append(9); return len(a)",
            "def f(n=len(a), m=[*b]): return n, m",
            "def f(): return c, b[0]",
        ],
        &[
            "def g(): b.extend([7]); return f()",
            "def g(): return [x for x in c], a[0]",
            "def g(): return f()",
        ],
        &[
            "h = lambda: b.pop()",
            "h = {'f': f, 'n': lambda: a.copy()}",
            "h = [f, g]",
        ],
        &["class K: e = list(b)", "class K: e = a", "K = d"],
    ];
    const OTHERS: &[&str] = &[
        "a.append(6)",
        "c[7] = 1",
        "del a[0]",
        "print(a, len(b), c.get(1))",
        "for v in list(a): b.append(v)",
        "for v in a: print(v)",
        "f()",
        "g()",
        "for i in range(2): f()",
        "h[0]",
        "len(c)",
        "x = K.e",
    ];
    const RESULTS: &[&str] = &[
        "a",
        "b, a",
        "c",
        "d, b",
        "f()",
        "g(), b",
        "h['n']()",
        "K.e, a",
        "c, f(), a",
        "a.pop(), f()",
    ];
    // Numbers that are the same in each run of the test.
    let mut state = 0x2545_f491_u64;
    let mut pick = |of: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % of
    };
    let mut programmes = Vec::new();
    for _ in 0..800 {
        let mut lines: Vec<&str> = BINDERS.iter().map(|of| of[pick(of.len())]).collect();
        for _ in 0..pick(2) {
            let at = 2 + pick(lines.len() - 1);
            lines.insert(at, OTHERS[pick(OTHERS.len())]);
        }
        if pick(4) == 0 {
            let (one, other) = (pick(lines.len()), pick(lines.len()));
            lines.swap(one, other);
        }
        programmes.push(programme(&lines.join("\n"), RESULTS[pick(RESULTS.len())]));
    }
    let mut carried = Vec::new();
    for source in &programmes {
        let workspace = Workspace::new(&[("train.py", source)]);
        if let Ok(slice) = workspace.slice("train.py", "outer.<locals>.inner", None) {
            carried.push((workspace, slice, source));
        }
    }
    let slices: Vec<Slice> = carried.iter().map(|(_, slice, _)| slice.clone()).collect();
    let whole: Vec<_> = carried
        .iter()
        .map(|(workspace, ..)| (workspace, "train.py", "outer", ""))
        .collect();
    let mut same = 0;
    for (((_, _, source), there), here) in
        carried.iter().zip(run_all(&slices)).zip(run_whole(&whole))
    {
        let here = here.split(" printed ").next().unwrap_or_default();
        // What stops at home before it comes to `inner` says nothing.
        if !here.contains("Error") {
            assert_eq!(there.split(" printed ").next(), Some(here), "{source}");
            same += 1;
        }
    }
    assert!(same > 30, "{same}");
}

#[test]
fn what_is_computed_in_a_loop_sees_what_changed_below() {
    let of = |lines: &str| {
        format!(
            "def outer():\n    x = [1]\n    for i in range(2):\n{lines}        def inner():\n            return y, more\n"
        )
    };
    let changes = of("        y = [*x]\n        def more(): x.append(2)\n        more()\n");
    let said = refused(&changes, "outer.<locals>.inner", None);
    assert!(said.contains("also used elsewhere"), "{said}");
    let anew = of("        x = [1]\n        y = [*x]\n        def more(): x.append(2)\n");
    let anew = anew.replacen("    x = [1]\n", "", 1);
    let said = refused(&anew, "outer.<locals>.inner", None);
    assert_eq!(said, "not refused");
}

#[test]
fn a_function_that_changes_what_is_computed_from_it_later_may_travel() {
    let lines = "x = [1]\ny = [*x]\ndef more(): x.append(2)";
    let workspace = Workspace::new(&[("train.py", &programme(lines, "(y, more)"))]);
    assert!(
        workspace
            .slice("train.py", "outer.<locals>.inner", None)
            .is_ok()
    );
}

#[test]
fn private_names_of_a_class_are_judged_and_passed_as_they_are_written() {
    let source = "\
class A:
    def method(self, n):
        __rates = {'a': 1}
        def __double(x):
            return 2 * x + __rates['a']
        def inner(x):
            return x
        __changed = {}
        __changed['a'] = n
        def reads():
            return __changed
        return inner(1)
";
    let workspace = Workspace::new(&[("train.py", source)]);
    let slice = workspace.slice("train.py", "A.method.<locals>.inner", Some("__double(3)"));
    assert_eq!(run_all(&[slice.unwrap()]), ["7"]);
    let said = refused(source, "A.method.<locals>.reads", None);
    assert!(said.contains("also used elsewhere"), "{said}");
    let said = refused(source, "A.method.<locals>.inner", Some("n"));
    assert!(
        said.contains("`n` in the arguments is a parameter of `A.method`"),
        "{said}"
    );
}
