//! Which literals name something on the machine on which a job runs, and where.

#![allow(clippy::unwrap_used)]

mod support;

use std::path::Path;

use hoist_analysis::{Disk, Module, RemotePath, remote_path_at, remote_paths};
use hoist_syntax::Document;
use support::{Workspace, unmarked};

fn with_module<T>(workspace: &Workspace, text: &str, look: impl FnOnce(&Module<'_>) -> T) -> T {
    workspace.write("train.py", text);
    let (path, document) = (workspace.path("train.py"), Document::new(text.to_owned()));
    look(&Module {
        path: &path,
        document: &document,
        workspace: Path::new(&workspace.path("")),
        environment: None,
    })
}

fn targets(path: &RemotePath) -> String {
    let names = path.targets.iter();
    let names = names.map(|name| name.as_deref().unwrap_or("(default)"));
    names.collect::<Vec<_>>().join("+")
}

fn text_of(bytes: Option<Vec<u8>>) -> String {
    bytes.map_or_else(
        || "(the job's folder)".to_owned(),
        |bytes| bytes.escape_ascii().to_string(),
    )
}

/// The source with carets under each literal that names something over there, what must be there, and on which target.
fn marked(workspace: &Workspace, source: &str) -> String {
    let text = unmarked(source);
    let found = with_module(workspace, &text, |module| remote_paths(module, &Disk));
    let mut shown = String::new();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        shown.push_str(line);
        let end = start + line.len();
        for path in found
            .iter()
            .filter(|path| (start..end).contains(&path.literal.content.start))
        {
            let content = &path.literal.content;
            let mark = format!(
                "{}{} {} {} on {}{}",
                " ".repeat(content.start - start),
                "^".repeat(content.len().max(1)),
                path.function.name(),
                text_of(path.constant()),
                targets(path),
                if path.may_be_missing {
                    ", may be missing"
                } else {
                    ""
                }
            );
            shown.push_str(&mark);
            shown.push('\n');
        }
        start = end;
    }
    shown
}

fn is_marked(source: &str) {
    let workspace = Workspace::new(&[("train.py", "")]);
    assert_eq!(marked(&workspace, source), source);
}

/// What stands at the cursor, a `|`: the folder whose names fit, what is typed of one, and what it takes the place of.
fn completed(source: &str) -> Option<String> {
    let workspace = Workspace::new(&[("train.py", "")]);
    let offset = source.find('|').unwrap();
    let text = source.replacen('|', "", 1);
    with_module(&workspace, &text, |module| {
        let path = remote_path_at(module, &Disk, offset)?;
        let (folder, segment) = path.completes(&text, offset)?;
        Some(format!(
            "{} [{}] {:?}{} on {}",
            text_of(folder),
            segment.typed.escape_ascii(),
            &text[segment.replace.clone()],
            if segment.has_slash { " /" } else { "" },
            targets(&path)
        ))
    })
}

fn completes(source: &str, wanted: &str) {
    assert_eq!(completed(source).as_deref(), Some(wanted), "{source}");
}

#[test]
fn the_path_arguments_of_each_function_are_found() {
    is_marked(
        r#"from hoist import (cluster_ls, cluster_find, cluster_stat, cluster_exists, cluster_isdir,
    cluster_isfile, cluster_glob, cluster_du, cluster_count_files)

cluster_ls("/data/raw")
            ^^^^^^^^^ cluster_ls /data/raw on (default)
cluster_find("*.csv", "/data")
                       ^^^^^ cluster_find /data on (default)
cluster_stat(path='~/x', config=None)
                   ^^^ cluster_stat ~/x on (default)
cluster_exists("/a")
                ^^ cluster_exists /a on (default), may be missing
cluster_isdir(r"/b\c")
                ^^^^ cluster_isdir /b\\c on (default), may be missing
cluster_isfile("""/c""")
                  ^^ cluster_isfile /c on (default), may be missing
cluster_du(config=None, path="/d")
                              ^^ cluster_du /d on (default)
cluster_count_files("e", "*.py")
                     ^ cluster_count_files (the job's folder) on (default)
"#,
    );
}

#[test]
fn of_a_pattern_the_constant_folder_counts() {
    is_marked(
        r#"from clustrix import cluster_glob
import os

cluster_glob("/data/run*/x.csv")
              ^^^^^^^^^^^^^^^^ cluster_glob /data on (default)
cluster_glob("run*/x.csv", "/data")
              ^^^^^^^^^^ cluster_glob /data on (default)
                            ^^^^^ cluster_glob /data on (default)
cluster_glob(pattern="a/b/[xy]", path="~")
                      ^^^^^^^^ cluster_glob ~/a/b on (default)
                                       ^ cluster_glob ~ on (default)
cluster_glob("/*")
              ^^ cluster_glob / on (default)
cluster_glob("*.csv")
              ^^^^^ cluster_glob (the job's folder) on (default)
cluster_glob("*.csv", os.environ["DATA"])
cluster_glob("/abs/*", os.environ["DATA"])
              ^^^^^^ cluster_glob /abs on (default)
"#,
    );
}

#[test]
fn names_are_followed_through_imports_and_nothing_else() {
    is_marked(
        r#"import hoist
import clustrix as cx
from hoist import cluster_ls as ls, cluster_du
try:
    from hoist import cluster_stat
except ImportError:
    from clustrix import cluster_stat

def cluster_du(path):
    return path

def f(cluster_ls):
    cluster_ls("/parameter")
    ls("/alias")
        ^^^^^^ cluster_ls /alias on (default)
    hoist.cluster_isdir("/attribute")
                         ^^^^^^^^^^ cluster_isdir /attribute on (default), may be missing
    cx.cluster_find("*", path="/module")
                               ^^^^^^^ cluster_find /module on (default)
    cluster_stat("/either")
                  ^^^^^^^ cluster_stat /either on (default)
    cluster_du("/rebound")
    cluster_ls("/unknown")
    other.cluster_ls("/other")
    hoist.other("/no")
"#,
    );
    is_marked(
        r#"from hoist import *

cluster_ls("/star")
            ^^^^^ cluster_ls /star on (default)
"#,
    );
}

#[test]
fn only_plain_literals_count() {
    is_marked(
        r#"from hoist import cluster_ls as ls

X = "/data"
ls(f"/data/{X}")
ls("/da" "ta")
ls("/data" + X)
ls(b"/data")
ls(*["/data"])
ls(X, "/config")
ls("\N{BULLET}")
ls()
ls("/a\x2fb")
    ^^^^^^^ cluster_ls /a/b on (default)
ls("\udcff")
    ^^^^^^ cluster_ls (the job's folder) on (default)
if __name__ == "__main__":
    ls("/never")
"#,
    );
}

#[test]
fn what_the_code_reckons_with_is_told_apart() {
    is_marked(
        r#"import os
from hoist import cluster_ls, cluster_exists, cluster_stat

os.makedirs("/scratch/out/deep", exist_ok=True)
cluster_ls("/scratch/out")
            ^^^^^^^^^^^^ cluster_ls /scratch/out on (default), may be missing
cluster_ls("/scratch/outer")
            ^^^^^^^^^^^^^^ cluster_ls /scratch/outer on (default)
if cluster_exists("/asked"):
                   ^^^^^^ cluster_exists /asked on (default), may be missing
    cluster_ls("/asked")
                ^^^^^^ cluster_ls /asked on (default), may be missing
try:
    cluster_stat("/caught")
                  ^^^^^^^ cluster_stat /caught on (default), may be missing
except FileNotFoundError:
    cluster_stat("/not/caught")
                  ^^^^^^^^^^^ cluster_stat /not/caught on (default)
"#,
    );
}

#[test]
fn a_path_is_of_the_targets_that_its_function_goes_to() {
    is_marked(
        r#"from hoist import cluster, cluster_ls

def helper():
    return cluster_ls("/both")
                       ^^^^^ cluster_ls /both on discovery+(default)

# hoist: target=discovery
def far():
    helper()
    return cluster_ls("/far")
                       ^^^^ cluster_ls /far on discovery

@cluster(target="other")
def farther():
    def inner():
        return cluster_ls("/other")
                           ^^^^^^ cluster_ls /other on other
    return inner()

def near():
    return cluster_ls("/near")
                       ^^^^^ cluster_ls /near on (default)
"#,
    );
}

#[test]
fn a_module_of_ones_own_stays_ones_own() {
    let source = "from hoist import cluster_ls\n\ncluster_ls(\"/data\")\n";
    let workspace = Workspace::new(&[("train.py", ""), ("hoist.py", "def cluster_ls(p): ...\n")]);
    assert_eq!(marked(&workspace, source), source);
}

#[test]
fn what_is_completed_is_the_last_segment() {
    let of = |call: &str| format!("from hoist import cluster_ls, cluster_glob\n\n{call}\n");
    completes(&of("cluster_ls('/|')"), "/ [] \"\" on (default)");
    completes(
        &of("cluster_ls('/data/r|')"),
        "/data/ [r] \"r\" on (default)",
    );
    completes(
        &of("cluster_ls('/da|ta/raw')"),
        "/ [da] \"data\" / on (default)",
    );
    completes(&of("cluster_ls('~/|')"), "~/ [] \"\" on (default)");
    completes(
        &of("cluster_ls('|')"),
        "(the job's folder) [] \"\" on (default)",
    );
    completes(
        &of("cluster_ls('a/|')"),
        "(the job's folder) [] \"\" on (default)",
    );
    completes(
        &of("cluster_ls(path=r'/a b/é|')"),
        "/a b/ [\\xc3\\xa9] \"é\" on (default)",
    );
    completes(
        &of("cluster_ls('/a\\'b|c/')"),
        "/ [a\\'b] \"a\\\\'bc\" / on (default)",
    );
    completes(
        &of("cluster_glob('su|', path='/data')"),
        "/data [su] \"su\" on (default)",
    );
    completes(
        &of("cluster_glob('sub/x|*', '/data')"),
        "/data/sub/ [x] \"x*\" on (default)",
    );
    for none in [
        "cluster_glob('*/x|')",
        "cluster_ls(f'/data/{|}')",
        "cluster_ls(f'/data/|')",
        "cluster_ls('/da' '/t|')",
        "cluster_ls('/da\\x|41')",
        "cluster_ls('''/a\nb|''')",
        "cluster_ls|('/data')",
        "print('/data|')",
        "cluster_ls(other('/data|'))",
        "cluster_ls('/data', '|')",
    ] {
        assert_eq!(completed(&of(none)), None, "{none}");
    }
}

#[test]
fn a_literal_that_is_being_typed_is_found() {
    let before =
        "from hoist import cluster_ls as ls, cluster_glob\n\n# hoist: target=far\ndef f(x):\n    ";
    let after = "\n    return x\n\ndef g():\n    return f(1)\n";
    let typed = |line: &str| completed(&format!("{before}{line}{after}"));
    let wanted = |folder: &str, typed: &str| Some(format!("{folder} [{typed}] \"{typed}\" on far"));
    assert_eq!(typed("ls('/da|"), wanted("/", "da"));
    assert_eq!(typed("y = ls(path=\"/data/|"), wanted("/data/", ""));
    assert_eq!(typed("for x in ls('/da|)"), wanted("/", "da"));
    assert_eq!(typed("for x in ls('/da|):"), wanted("/", "da"));
    assert_eq!(typed("print(len(ls('/a/b|)))"), wanted("/a/", "b"));
    assert_eq!(typed("ls('/da|')"), wanted("/", "da"));
    assert_eq!(typed("ls('/da|' + "), wanted("/", "da"));
    assert_eq!(typed("cluster_glob('/x/y|"), wanted("/x/", "y"));
    assert_eq!(typed("if ls('/da|"), wanted("/", "da"));
    assert_eq!(
        completed("import hoist\nhoist.cluster_ls('/a|"),
        Some("/ [a] \"a\" on (default)".to_owned())
    );
}
