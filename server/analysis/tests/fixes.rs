//! Fixes, applied: the file before and after.

#![allow(clippy::unwrap_used)]

mod support;

use hoist_analysis::{apply, ignore_here};
use hoist_syntax::Document;
use support::Workspace;

/// The file after the first finding of a code is silenced where it stands; the finding must be gone then.
fn ignored(source: &str, code: &str) -> String {
    let workspace = Workspace::new(&[("train.py", source)]);
    let of_code = |workspace: &Workspace| {
        let found = workspace.findings("train.py");
        let mut found = found
            .into_iter()
            .filter(|finding| finding.code.to_string() == code);
        (found.next(), found.count())
    };
    let (finding, more) = of_code(&workspace);
    let finding = finding.expect("such a finding");
    let Some(fix) = ignore_here(&Document::new(source.to_owned()), &finding) else {
        return "cannot be ignored here".to_owned();
    };
    let fixed = apply(source, &fix.edits);
    workspace.write("train.py", &fixed);
    let (left, others) = of_code(&workspace);
    let left = usize::from(left.is_some()) + others;
    assert_eq!(left, more, "{fixed}");
    fixed
}

#[test]
fn a_finding_is_silenced_on_its_line() {
    assert_eq!(
        ignored("def f():\r\n    return open('x.csv')  \r\n", "HST012"),
        "def f():\r\n    return open('x.csv')  # hoist: ignore[HST012]  \r\n"
    );
    assert_eq!(
        ignored("def f():\n    return open('x.csv')  # noqa\n", "HST012"),
        "def f():\n    return open('x.csv')  # noqa  # hoist: ignore[HST012]\n"
    );
    assert_eq!(
        ignored(
            "def f():\n    return open('x.csv')  # hoist: ignore[HST013]\n",
            "HST012"
        ),
        "def f():\n    return open('x.csv')  # hoist: ignore[HST013, HST012]\n"
    );
    assert_eq!(
        ignored("def f(): yield open('#')  # hoist: cores=2\n", "HST007"),
        "def f(): yield open('#')  # hoist: cores=2 ignore[HST007]\n"
    );
}

#[test]
fn where_no_comment_can_stand_nothing_is_offered() {
    for source in [
        "def f():\n    return open('x.csv') + \\\n        '1'\n",
        "def f():\n    return open('x.csv').read() + '''\n'''\n",
    ] {
        assert_eq!(
            ignored(source, "HST012"),
            "cannot be ignored here",
            "{source}"
        );
    }
}

/// The file after the fix whose title begins so.
fn fixed(source: &str, title: &str) -> String {
    let workspace = Workspace::new(&[("train.py", source)]);
    let found = workspace.findings("train.py");
    let fix = found
        .iter()
        .flat_map(|finding| &finding.fixes)
        .find(|fix| fix.title.starts_with(title));
    match fix {
        Some(fix) => format!("# {}\n{}", fix.title, apply(source, &fix.edits)),
        None => "no such fix".to_owned(),
    }
}

#[test]
fn what_a_nested_function_captures_becomes_a_parameter_where_it_stands() {
    let source = "\
def outer(xs, scale):
    def inner(x, /, twice=False):
        return inner(x) if twice else x * scale
    ys = list(map(inner, xs))
    return inner(1), ys
";
    insta::assert_snapshot!(fixed(source, "Pass"), @r"
    # Pass `scale` to `inner` as a parameter
    def outer(xs, scale):
        def inner(x, /, twice=False, *, scale):
            return inner(x, scale=scale) if twice else x * scale
        ys = list(map((lambda *args, **kwargs: inner(*args, scale=scale, **kwargs)), xs))
        return inner(1, scale=scale), ys
    ");
}

#[test]
fn what_only_the_main_block_binds_becomes_a_parameter_or_an_import() {
    let source = "\
def f(x):
    '''What it does.'''
    return np.sum(x) * rate

if __name__ == '__main__':
    import numpy as np
    rate = 3
    print(f([1]))
";
    insta::assert_snapshot!(fixed(source, "Pass"), @r"
    # Pass `rate` to `f` as a parameter
    def f(x, rate):
        '''What it does.'''
        return np.sum(x) * rate

    if __name__ == '__main__':
        import numpy as np
        rate = 3
        print(f([1], rate=rate))
    ");
    insta::assert_snapshot!(fixed(source, "Put"), @r"
    # Put `import numpy as np` into `f`
    def f(x):
        '''What it does.'''
        import numpy as np
        return np.sum(x) * rate

    if __name__ == '__main__':
        import numpy as np
        rate = 3
        print(f([1]))
    ");
}

#[test]
fn a_module_of_the_library_that_nobody_imports() {
    assert_eq!(
        fixed("def f():\n\treturn os.getcwd()\n", "Put"),
        "# Put `import os` into `f`\ndef f():\n\timport os\n\treturn os.getcwd()\n"
    );
    assert_eq!(
        fixed("def f(): return os.getcwd()\n", "Put"),
        "# Put `import os` into `f`\ndef f(): import os; return os.getcwd()\n"
    );
    assert_eq!(
        fixed("def f():\n    return np.sum()\n", "Put"),
        "no such fix"
    );
}
