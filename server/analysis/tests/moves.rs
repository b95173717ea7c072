//! Imports that move into the only function that uses them: where that is offered, and the file before and after.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::path::Path;

use hoist_analysis::{Fix, apply, moves_of_imports};
use hoist_syntax::Document;

/// A source without its line of carets, and the range above them.
fn marked(source: &str) -> (String, std::ops::Range<usize>) {
    let mut text = String::new();
    let mut above = 0;
    let mut range = None;
    for line in source.split_inclusive('\n') {
        if let Some(from) = line.find('^')
            && line.trim().chars().all(|c| c == '^')
        {
            let to = line.rfind('^').unwrap() + 1;
            range = Some(above + from..above + to);
            continue;
        }
        above = text.len();
        text.push_str(line);
    }
    (text, range.expect("a line of carets"))
}

fn moves(source: &str) -> (String, Vec<Fix>) {
    let (text, range) = marked(source);
    let document = Document::new(text.clone());
    let moves = moves_of_imports(Path::new("/project/train.py"), &document, &range);
    (text, moves)
}

/// The title of the move of the import above the carets, and the file after it.
fn moved(source: &str) -> String {
    let (text, moves) = moves(source);
    match moves.as_slice() {
        [] => "stays".to_owned(),
        [fix] => {
            let after = apply(&text, &fix.edits);
            assert!(
                Document::new(after.clone()).module().is_ok(),
                "no Python any more:\n{after}"
            );
            format!("# {}\n{after}", fix.title)
        }
        _ => panic!("more than one move of\n{source}"),
    }
}

#[test]
fn an_import_moves_behind_the_docstring_of_its_only_reader() {
    let source = "\
import os
import numpy as np  # arrays
       ^^
def mean(xs):
    \"\"\"The mean.\"\"\"

    # Of what there is.
    return np.mean(xs), [np.sum(x) for x in xs]

def where():
    return os.getcwd()
";
    insta::assert_snapshot!(moved(source), @r#"
    # Move `import numpy as np` into `mean`
    import os
    def mean(xs):
        """The mean."""

        import numpy as np  # arrays
        # Of what there is.
        return np.mean(xs), [np.sum(x) for x in xs]

    def where():
        return os.getcwd()
    "#);
}

#[test]
fn of_several_names_one_may_move() {
    let function = "def f(x):\n    return b.x(x)\n";
    for (import, left) in [
        ("import a, b, c", "import a, c"),
        (
            "from p import (\n    a,\n    b,  # b\n    c,\n)",
            "from p import (\n    a,\n    c,\n)",
        ),
        ("from p import a, b", "from p import a"),
        ("from p import (a,\n  b, )", "from p import (a, )"),
        ("from p import b, \\\n  c", "from p import c"),
        ("from .p import long as b, c", "from .p import c"),
        ("import q.long as b, c", "import c"),
    ] {
        let source = format!("{import}\n{function}");
        let at = source.find('b').unwrap();
        let document = Document::new(source.clone());
        let path = Path::new("/project/train.py");
        let moves = moves_of_imports(path, &document, &(at..at));
        let [fix] = moves.as_slice() else {
            panic!("{import}: {moves:?}")
        };
        let after = apply(&source, &fix.edits);
        assert!(
            after.starts_with(&format!("{left}\ndef f(x):\n    ")),
            "{after}"
        );
        assert!(after.ends_with("b\n    return b.x(x)\n"), "{after}");
        assert!(Document::new(after.clone()).module().is_ok(), "{after}");
    }
}

#[test]
fn a_whole_statement_moves_when_all_of_it_is_read_in_one_function() {
    let source = "\
from torch import (
^^^^
    nn,
    optim as o,  # the optimisers
)

class Model:
    async def fit(self):
        class Layer(nn.Module):
            rate = o.rate
        async def step():
            return o.step()
        return Layer(), step
";
    insta::assert_snapshot!(moved(source), @r"
    # Move `from torch import nn, optim as o` into `Model.fit`

    class Model:
        async def fit(self):
            from torch import (
                nn,
                optim as o,  # the optimisers
            )
            class Layer(nn.Module):
                rate = o.rate
            async def step():
                return o.step()
            return Layer(), step
    ");
}

#[test]
fn it_moves_into_the_innermost_function_that_holds_all_reads() {
    let source = "\
import math
       ^^^^
def outer():
\tdef inner(x):
\t\treturn math.sqrt(x)
\treturn inner
";
    insta::assert_snapshot!(moved(source), @r"
    # Move `import math` into `outer.<locals>.inner`
    def outer():
    	def inner(x):
    		import math
    		return math.sqrt(x)
    	return inner
    ");
}

#[test]
fn bodies_without_a_line_of_their_own() {
    for (function, after) in [
        (
            "def f(x): return m.sqrt(x)",
            "def f(x): import m; return m.sqrt(x)",
        ),
        (
            "def f(x): 'Root.'; return m.sqrt(x)",
            "def f(x): 'Root.'; import m; return m.sqrt(x)",
        ),
        (
            "def f(\n    x): return m.sqrt(x)",
            "def f(\n    x): import m; return m.sqrt(x)",
        ),
        (
            "def f(x): \\\n    return m.sqrt(x)",
            "def f(x): \\\n    import m; return m.sqrt(x)",
        ),
        (
            "def f(x):\n    'Root.'; return m.sqrt(x)",
            "def f(x):\n    'Root.'; import m; return m.sqrt(x)",
        ),
        (
            "def f(x):\n    'Ro' 'ot.'  # of x\n    return m.sqrt(x)",
            "def f(x):\n    'Ro' 'ot.'  # of x\n    import m\n    return m.sqrt(x)",
        ),
        (
            "def f(x):\n    @m.wraps\n    def g(): pass",
            "def f(x):\n    import m\n    @m.wraps\n    def g(): pass",
        ),
    ] {
        let source = format!("import m\n       ^\n{function}\n");
        let expected = format!("# Move `import m` into `f`\n{after}\n");
        assert_eq!(moved(&source), expected);
    }
}

#[test]
fn what_else_stands_on_the_line_stays() {
    let function = "def f(x):\r\n    return m.sqrt(x)\r\n";
    let after = "def f(x):\r\n    import m\r\n    return m.sqrt(x)\r\n";
    for (line, left) in [
        ("import m", ""),
        ("import m;  # roots", ""),
        ("import m; import q", "import q\r\n"),
        ("import q; import m", "import q\r\n"),
        (
            "import q; import m; import r  # r",
            "import q; import r  # r\r\n",
        ),
    ] {
        let source = format!("{line}\r\n{function}");
        let at = source.find('m').unwrap();
        let at = if source.starts_with("import m") {
            7
        } else {
            source.find(" m").unwrap_or(at) + 1
        };
        let document = Document::new(source.clone());
        let moves = moves_of_imports(Path::new("/project/train.py"), &document, &(at..at));
        let [fix] = moves.as_slice() else {
            panic!("{line}: {moves:?}")
        };
        let after = match line.contains("# roots") {
            true => after.replace("import m\r\n", "import m  # roots\r\n"),
            false => after.to_owned(),
        };
        assert_eq!(apply(&source, &fix.edits), format!("{left}{after}"));
    }
}

#[test]
fn where_the_rest_of_the_file_could_tell_the_difference_it_stays() {
    let cases = [
        // Read elsewhere.
        "import m\n       ^\ndef f(): return m\ndef g(): return m\n",
        "import m\n       ^\ndef f(): return m\nx = m.x\n",
        "import m\n       ^\n@m.cache\ndef f(): return m\n",
        "import m\n       ^\ndef f(x=m.x): return m\n",
        "import m\n       ^\ndef f(x: m.X): return m\n",
        "import m\n       ^\ndef f(x: 'list[m.X]'): return m\n",
        "from __future__ import annotations\nimport m\n       ^\ndef f(x: m.X): return m\n",
        "import m\n       ^\nclass A:\n    x = m.x\n    def f(self): return m\n",
        "import m\n       ^\ndef f(): return m\nclass A:\n    m = m.x\n",
        "import m\n       ^\nf = lambda: m\n",
        "import m\n       ^\ndef f(): return 1\n",
        // Bound elsewhere.
        "import m\n       ^\ndef f():\n    global m\n    return m\n",
        "import m\n       ^\nm = 1\ndef f(): return m\n",
        "import m.a\nimport m.b\n       ^^^\ndef f(): return m.b\n",
        "try:\n    import m\n           ^\nexcept ImportError:\n    pass\ndef f(): return m\n",
        // Seen by other ways.
        "import m\n       ^\n__all__ = ['m', 'f']\ndef f(): return m\n",
        "import m as m\n            ^\ndef f(): return m\n",
        "import m\n       ^\ndef f(): return m\ndef g(): return globals()\n",
        "import m\n       ^\ndef f(x): return m, eval(x)\n",
        "import m\n       ^\ndef f(): return m, vars()\n",
        "import m\n       ^\ndef f():\n    \"\"\"\n    >>> m.x\n    \"\"\"\n    return m\n",
        "import sys\nimport m\n       ^\nsys.path.insert(0, 'x')\ndef f(): return m\n",
        "import p\nimport p.q as m\n       ^^^^^^^^\ndef f(): return m\ndef g(): return p.q\n",
        "import p\nfrom p import m\n              ^\ndef f(): return m\ndef g(): return p.m\n",
        // Not for a function, or not for this one.
        "from m import *\n              ^\ndef f(): return m\n",
        "from __future__ import annotations\n                       ^^^^^^^^^^^\ndef f(): return annotations\n",
        "import m\n       ^\n@numba.njit(cache=True)\ndef f(): return m\n",
        "import m\n       ^\ndef f(): return m\nf = jit(f)\n",
        // Each in its own function.
        "from p import m, n\n^^^^\ndef f(): return m\ndef g(): return n\n",
    ];
    for case in cases {
        assert_eq!(moved(case), "stays", "{case}");
    }
}

#[test]
fn an_init_gives_its_names_away() {
    let (text, range) = marked("import m\n       ^\ndef f(): return m\n");
    let document = Document::new(text);
    let path = Path::new("/project/package/__init__.py");
    assert_eq!(moves_of_imports(path, &document, &range), []);
}

/// Every move that is offered in Python's own library leaves a file that Python accepts, in which the name is the function's.
#[test]
fn moves_in_the_library_leave_nothing_behind() {
    let mut made = 0;
    for path in support::library::modules() {
        let Ok(text) = std::fs::read_to_string(&path) else {
            continue;
        };
        let document = Document::new(text.clone());
        let all = 0..text.len();
        for fix in moves_of_imports(&path, &document, &all) {
            let after = Document::new(apply(&text, &fix.edits));
            assert!(after.module().is_ok(), "{}: {}", path.display(), fix.title);
            let names = |document: &Document| {
                let scopes = document.scopes();
                let functions = scopes.functions();
                functions.map(|id| scopes.globals(id).len()).sum::<usize>()
            };
            assert!(
                names(&after) < names(&document),
                "{}: {}",
                path.display(),
                fix.title
            );
            made += 1;
        }
    }
    assert!(made > 100, "{made}");
}
