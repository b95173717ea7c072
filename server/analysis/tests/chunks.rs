//! Top-level code that runs by its lines: calls under the cursor, selections, cells.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::path::Path;

use hoist_analysis::{Module, RunnableKind, chunk, runnables};
use hoist_syntax::Document;

/// What there is to run between the marks `<` and `>` of a text, or at `|`.
fn found(marked: &str) -> String {
    let clean = marked.replace(['\u{ab}', '\u{bb}', '\u{a6}'], "");
    let start = marked.find(['\u{ab}', '\u{a6}']).unwrap();
    let length = marked
        .split_once('\u{ab}')
        .and_then(|(_, rest)| rest.split_once('\u{bb}'))
        .map_or(0, |(inside, _)| inside.len());
    match chunk(&Document::new(clean), &(start..start + length)) {
        None => "nothing".to_owned(),
        Some(chunk) => format!("{} {}", chunk.entry, chunk.call.unwrap_or_default())
            .trim_end()
            .to_owned(),
    }
}

#[test]
fn a_call_under_the_cursor() {
    assert_eq!(found("import x\n\u{a6}train(lr=0.1)\n"), "2 train(lr=0.1)");
    assert_eq!(
        found("x = 1\nresult = model.\u{a6}fit(1)\n"),
        "2 model.fit(1)"
    );
    assert_eq!(found("a = b = f(\n    1,\n\u{a6}    2)\n"), "1-3 f( 1, 2)");
    assert_eq!(found("await f(1)\u{a6}\n"), "1 f(1)");
    assert_eq!(found("n: int = f\u{a6}()\n"), "1 f()");
    assert_eq!(
        found("if __name__ == '__main__':\n    x = 1\n    \u{a6}main(x)\n"),
        "3 main(x)"
    );
    let long = "train\u{a6}(aaaaaaaaaaaaaaaaaaaa, bbbbbbbbbbbbbbbbbbbb, c)\n";
    assert_eq!(found(long), "1 train(...)");
    // Broken code elsewhere changes nothing.
    assert_eq!(
        found("def f(:\n    pass\n\n\ntrain(\u{a6}1)\n"),
        "5 train(1)"
    );
    for nothing in [
        "x = \u{a6}1\n",
        "def f():\n    g(\u{a6}1)\n",
        "for x in y:\n    g(\u{a6}x)\n",
        "a = f(1)\n\u{a6}\nb = f(2)\n",
        "import \u{a6}os\n",
        "\u{a6}",
    ] {
        assert_eq!(found(nothing), "nothing", "{nothing}");
    }
}

#[test]
fn statements_that_are_selected() {
    assert_eq!(found("a = 1\n\u{ab}b = 2\nc = 3\n\u{bb}d = 4\n"), "2-3");
    assert_eq!(
        found("a = 1\nfor x in y:\n    f(\u{ab}x)\n    g(x)\nh\u{bb} = 4\n"),
        "2-5"
    );
    assert_eq!(found("\u{ab}train(1)\u{bb}\n"), "1 train(1)");
    assert_eq!(
        found(
            "x = 0\n\u{ab}y = x\nif __name__ == '__main__':\n    x = 1\n    main\u{bb}(x)\n    end()\n"
        ),
        "2-5"
    );
    assert_eq!(
        found("\u{ab}import os\ndef f(): pass\nclass A: pass\n\u{bb}f()\n"),
        "nothing"
    );
    assert_eq!(found("# a\n\u{ab}# b\n\u{bb}f()\n"), "nothing");
}

fn cells(text: &str) -> Vec<(u32, String)> {
    let document = Document::new(text.to_owned());
    let module = Module {
        path: Path::new("/home/user/cells.py"),
        document: &document,
        workspace: Path::new("/home/user"),
        environment: None,
    };
    let found = runnables(&module).into_iter();
    found
        .filter(|runnable| runnable.kind == RunnableKind::Cell)
        .map(|cell| (cell.line, cell.entry.to_string()))
        .collect()
}

const CELLS: &str = "import os\n# %% Load\n# hoist: target=big\nx = 1\n\n#%%\n# nothing but words\n# %% [markdown]\n# Words\n# In[3]:\ny = '''\n# %% no mark\n'''\ndef f():\n    a = 1\n# %% none either\n    return a\n# %% Last\nprint(x)\n";

#[test]
fn cells_with_code() {
    let expected = [(1, "4"), (9, "11-17"), (17, "19")];
    let expected: Vec<_> = expected
        .into_iter()
        .map(|(line, entry)| (line, entry.to_owned()))
        .collect();
    assert_eq!(cells(CELLS), expected);
    let document = Document::new(CELLS.to_owned());
    let module = Module {
        path: Path::new("/home/user/cells.py"),
        document: &document,
        workspace: Path::new("/home/user"),
        environment: None,
    };
    let first = &runnables(&module)[0];
    assert_eq!(first.directives.target.as_deref(), Some("big"));
}

/// Whatever is typed, letter by letter, on the last line: the cells stay as many.
#[test]
fn cells_stay_while_code_is_written() {
    let count = cells(CELLS).len();
    let typed = "values = [sum(x for x in (1, 2)) if f'{x!r:>{3}}' else {'a': \"\"\"b\"\"\"}]";
    for end in (0..=typed.len()).filter(|end| typed.is_char_boundary(*end)) {
        let text = format!("{CELLS}{}\n", &typed[..end]);
        assert_eq!(cells(&text).len(), count, "{text}");
        let above = CELLS.replacen("x = 1\n", &format!("x = 1\n{}\n", &typed[..end]), 1);
        let found = cells(&above).len();
        // A string that is open hides the marks that stand in it, as it hides the functions.
        if !typed[..end].contains("\"\"\"") || end == typed.len() {
            assert_eq!(found, count, "{above}");
        }
    }
}
