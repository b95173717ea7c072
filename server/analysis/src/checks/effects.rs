//! Statements of the module that act on files, processes or the network, and do so again in each job.

use super::names::Names;
use super::{calls, finding};
use crate::python::{ast, range_of};
use crate::{Code, Finding, Severity};
use ast::{Expr, Stmt};

/// Calls as statements that the slice always keeps, for anything may rest on them.
const ALWAYS: &[(&str, &str)] = &[
    (
        "multiprocessing.set_start_method",
        "sets how processes start",
    ),
    ("os.chdir", "changes the working directory"),
    ("os.makedirs", "makes folders"),
    ("os.mkdir", "makes a folder"),
    ("os.rename", "moves a file"),
    ("os.replace", "moves a file"),
    ("os.symlink", "makes a link"),
    ("shutil.copy", "copies a file"),
    ("shutil.copy2", "copies a file"),
    ("shutil.copyfile", "copies a file"),
    ("shutil.copytree", "copies a folder"),
    ("shutil.move", "moves files"),
    ("shutil.rmtree", "removes a folder"),
    ("signal.signal", "sets a handler of signals"),
];

/// Calls that act when their value is needed.
const FOR_A_VALUE: &[(&str, &str)] = &[
    ("os.popen", "starts a programme"),
    ("os.system", "starts a programme"),
    ("requests.get", "asks the network"),
    ("requests.post", "asks the network"),
    ("requests.put", "asks the network"),
    ("subprocess.Popen", "starts a programme"),
    ("subprocess.call", "starts a programme"),
    ("subprocess.check_call", "starts a programme"),
    ("subprocess.check_output", "starts a programme"),
    ("subprocess.getoutput", "starts a programme"),
    ("subprocess.run", "starts a programme"),
    ("urllib.request.urlopen", "asks the network"),
    ("urllib.request.urlretrieve", "asks the network"),
];

/// All functions of which there is something to say.
pub(super) fn told() -> impl Iterator<Item = &'static str> {
    let all = ALWAYS.iter().chain(FOR_A_VALUE);
    all.map(|(path, _)| *path)
}

fn lookup(list: &[(&str, &'static str)], path: &str) -> Option<&'static str> {
    list.iter()
        .find(|(known, _)| *known == path)
        .map(|(_, what)| *what)
}

fn say(path: &str, what: &str, call: &ast::ExprCall, found: &mut Vec<Finding>) {
    let message = format!(
        "`{path}` {what}, and it stays in each job of this file's functions, before the function: move it into the function that needs it, or below `if __name__ == \"__main__\":`"
    );
    let range = range_of(call);
    found.push(finding(
        Code::SideEffect,
        Severity::Information,
        message,
        range,
    ));
}

/// A statement that stays whether or not something reads what it binds.
pub(super) fn at_top_level(
    names: &Names<'_>,
    stmt: &Stmt,
    is_carried: bool,
    found: &mut Vec<Finding>,
) {
    if let Stmt::Expr(expr) = stmt
        && !is_carried
        && let Expr::Call(call) = &*expr.value
        && let Some(path) = names.telling_path(&call.func)
    {
        if let Some(what) = lookup(ALWAYS, &path) {
            say(&path, what, call, found);
        }
        // The slice of a function that plots keeps it.
        if path == calls::BACKEND {
            calls::called(call, &path, found);
        }
    }
}

/// A call in the value of a statement of the module that some function needs.
pub(super) fn in_value(call: &ast::ExprCall, path: &str, found: &mut Vec<Finding>) {
    if let Some(what) = lookup(FOR_A_VALUE, path) {
        say(path, what, call, found);
    }
}
