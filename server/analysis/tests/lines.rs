//! Whatever is nested, the slice parses, and each line of it is the source's own, an opened header, or empty.

mod support;

use proptest::prelude::*;
use support::text_of;

/// A block of Python that holds the function `g` somewhere.
#[derive(Clone, Debug)]
struct Programme {
    headers: Vec<usize>,
    body: Vec<usize>,
    before: Vec<usize>,
    break_: usize,
    tab: bool,
}

const HEADERS: &[&[&str]] = &[
    &["if condition:"],
    &["for item in items:"],
    &["while True:"],
    &["with thing as t:"],
    &["with (", "    thing as t,", "):"],
    &["try:"],
    &["def inner(a,", "  b=1):"],
    &["async def inner():"],
    &["@decorated", "def inner():"],
];

const BODY: &[&[&str]] = &[
    &["x = 1"],
    &["text = \"\"\"", "at column 0", "  in\"\"\""],
    &["# a comment at column 0"],
    &["y = (1,", "2)"],
    &["z = 'a' \\", "'b'"],
    &["def deep(): return n"],
    &["if n: pass"],
    &[""],
    &["s = f'{n}'"],
    &["a = 1; b = 2"],
];

const BEFORE: &[&[&str]] = &[
    &["import os"],
    &["limit = 3"],
    &["print('é')"],
    &["note = '''", "x", "'''"],
    &["a = 1; b = print(2); c = '''", "d'''"],
];

fn programme() -> impl Strategy<Value = Programme> {
    (
        prop::collection::vec(0..HEADERS.len(), 0..4),
        prop::collection::vec(0..BODY.len(), 0..6),
        prop::collection::vec(0..BEFORE.len(), 0..4),
        0..2usize,
        any::<bool>(),
    )
        .prop_map(|(headers, body, before, break_, tab)| Programme {
            headers,
            body,
            before,
            break_,
            tab,
        })
}

/// The text, and the qualified name of `g` in it.
fn text(programme: &Programme) -> (String, String) {
    let unit = if programme.tab { "\t" } else { "    " };
    let break_ = ["\n", "\r\n"][programme.break_];
    let mut lines: Vec<String> = vec!["import sys".to_owned(), "class A:".to_owned()];
    let mut name = "A.method.<locals>.".to_owned();
    lines.push(format!(
        "{unit}def method(self, condition, items, thing, decorated):"
    ));
    let mut depth = 2;
    let put = |lines: &mut Vec<String>, depth: usize, group: &[&str]| {
        for (index, line) in group.iter().enumerate() {
            let bare = index > 0 || line.starts_with('#') || line.is_empty();
            let closes = line.starts_with(')') || line.starts_with("def ");
            let indentation = if bare && !closes {
                String::new()
            } else {
                unit.repeat(depth)
            };
            lines.push(format!("{indentation}{line}"));
        }
    };
    for header in &programme.headers {
        for before in &programme.before {
            put(&mut lines, depth, BEFORE[*before]);
        }
        put(&mut lines, depth, HEADERS[*header]);
        if HEADERS[*header]
            .iter()
            .any(|line| line.contains("def inner"))
        {
            name.push_str("inner.<locals>.");
        }
        depth += 1;
    }
    put(&mut lines, depth, &["def g(n):"]);
    put(&mut lines, depth + 1, &["\"\"\"Doc", "string\"\"\""]);
    for body in &programme.body {
        put(&mut lines, depth + 1, BODY[*body]);
    }
    put(&mut lines, depth + 1, &["return n"]);
    for (back, header) in programme.headers.iter().enumerate().rev() {
        if HEADERS[*header][0] == "try:" {
            put(&mut lines, back + 2, &["finally: pass"]);
        }
    }
    put(&mut lines, 2, &["return None"]);
    name.push('g');
    (lines.join(break_) + break_, name)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn each_line_is_the_sources_own(programme in programme()) {
        let (source, name) = text(&programme);
        hoist_syntax::strict::check(&source).map_err(|error| TestCaseError::fail(format!("{error}\n{source}")))?;
        let slice = text_of(&source, &name);
        prop_assert!(!slice.starts_with("refused"), "{slice}\n{source}");
        hoist_syntax::strict::check(&slice).map_err(|error| TestCaseError::fail(format!("{error}\n{slice}")))?;
        let (old, new): (Vec<&str>, Vec<&str>) = (source.split('\n').collect(), slice.split('\n').collect());
        prop_assert_eq!(old.len(), new.len());
        for (old, new) in old.iter().zip(&new) {
            let opened = new.trim() == "if True:";
            prop_assert!(new.trim().is_empty() || opened || old == new, "{:?} is not {:?}", new, old);
            if opened {
                let indentation = |line: &str| line.len() - line.trim_start().len();
                prop_assert_eq!(indentation(old), indentation(new));
            }
            prop_assert_eq!(old.ends_with('\r'), new.ends_with('\r'));
        }
        let first = source.find("def g(n):").unwrap();
        let last = source.rfind("return n").unwrap();
        prop_assert!(slice.contains(&source[first..last]), "{slice}");
    }
}
