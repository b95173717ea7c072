//! Folders that the code writes into: where one is there, it travels, empty, as `open("out/a.txt", "w")` makes none.

use std::collections::BTreeSet;
use std::path::Path;

use super::data::{WRITERS, name_of, writes, writes_by};
use super::paths::{Evaluator, Named, parent, tidy};
use crate::python::{ast, dotted, is_main_test, range_of, walk_into, with_stack};
use ast::visitor::{Visitor, walk_stmt};
use ast::{Expr, Stmt};

/// Further functions and methods that write the file which an argument names, or the one that they are a method of.
const OTHER_WRITERS: &[&str] = &[
    "FileHandler",
    "RotatingFileHandler",
    "TimedRotatingFileHandler",
    "VideoWriter",
    "copy",
    "copy2",
    "copyfile",
    "mimsave",
    "move",
    "tofile",
    "touch",
    "write_html",
    "write_image",
];

/// Arguments that name the file which is written.
const KEYWORDS: &[&str] = &["file", "filename", "fname", "out", "path", "path_or_buf"];

/// Functions and methods that ask whether a folder is there, or make it.
const MINDING: &[&str] = &["exists", "is_dir", "isdir", "lexists", "makedirs", "mkdir"];

/// The folders in which statements of a file write, but for those that it asks about or makes itself: what it does then may hang on
/// whether they are there. `keep` tells which places count.
pub(super) fn written(file: &Path, body: &[Stmt], keep: &dyn Fn(usize) -> bool) -> Vec<Named> {
    let mut finder = Finder {
        evaluators: vec![Evaluator::new(file, body)],
        keep,
        written: Vec::new(),
        minded: Vec::new(),
    };
    for stmt in body {
        finder.visit_stmt(stmt);
    }
    let Finder {
        mut written,
        minded,
        ..
    } = finder;
    written.retain(|folder| !minded.contains(folder));
    written
}

/// The folders that are there, as they stand in the tree, when texts count from `cwd`.
pub(super) fn there(
    named: &[Named],
    cwd: &Path,
    is_there: &dyn Fn(&Path) -> bool,
    tree_path: &dyn Fn(&Path) -> Option<String>,
) -> BTreeSet<String> {
    let paths = named.iter().map(|folder| match folder {
        Named::Text(text) => tidy(&cwd.join(text)),
        Named::File(path) => tidy(path),
    });
    let found = paths.filter(|path| !cwd.starts_with(path) && is_there(path));
    let places = found.filter_map(|path| tree_path(&path));
    places.filter(|place| !place.is_empty()).collect()
}

struct Finder<'a> {
    /// That of the module, and those of the functions that the walk is in.
    evaluators: Vec<Evaluator<'a>>,
    keep: &'a dyn Fn(usize) -> bool,
    written: Vec<Named>,
    minded: Vec<Named>,
}

impl<'a> Finder<'a> {
    fn evaluator(&self) -> &Evaluator<'a> {
        &self.evaluators[self.evaluators.len() - 1]
    }

    fn call(&mut self, call: &'a ast::ExprCall, name: &str) {
        let method_of = match &*call.func {
            Expr::Attribute(attribute) => Some(&*attribute.value),
            _ => None,
        };
        let keywords = call.arguments.keywords.iter();
        let keywords = keywords.filter(|keyword| {
            let name = keyword.arg.as_ref();
            name.is_some_and(|name| KEYWORDS.contains(&name.as_str()))
        });
        let subjects = method_of
            .into_iter()
            .chain(&call.arguments.args)
            .chain(keywords.map(|keyword| &keyword.value));
        if MINDING.contains(&name) {
            let folders = subjects.filter_map(|expr| whole(self.evaluator(), expr, 0));
            let folders: Vec<Named> = folders.map(tidied).collect();
            self.minded.extend(folders);
            return;
        }
        let writes_file = match name {
            "open" => writes(call) || method_of.is_some() && writes_by(call, 0),
            "File" => writes(call),
            "basicConfig" => true,
            "connect" => dotted(&call.func).as_deref() == Some(&["sqlite3", "connect"]),
            name => WRITERS.contains(&name) || OTHER_WRITERS.contains(&name),
        };
        if writes_file {
            let folders = subjects.filter_map(|expr| folder(self.evaluator(), expr, 0));
            let folders: Vec<Named> = folders.map(tidied).collect();
            self.written.extend(folders);
        }
    }
}

/// `./out/` is `out`.
fn tidied(folder: Named) -> Named {
    match folder {
        Named::Text(text) => Named::Text(tidy(Path::new(&text)).to_string_lossy().into_owned()),
        Named::File(path) => Named::File(tidy(&path)),
    }
}

/// The path that an expression means, f-strings of known parts among them.
fn whole(evaluator: &Evaluator<'_>, expr: &Expr, depth: u32) -> Option<Named> {
    if depth > DEEPEST {
        return None;
    }
    evaluator.path(expr).or_else(|| match expr {
        Expr::Name(name) => whole(evaluator, evaluator.value(name.id.as_str())?, depth + 1),
        Expr::FString(text) => match begun(evaluator, text, depth + 1) {
            (begun, true) => Some(begun),
            (_, false) => None,
        },
        _ => None,
    })
}

/// How far names and operators are followed.
const DEEPEST: u32 = 12;

/// The folder of the file that an expression names, also where the file's own name is known only when the code runs.
fn folder(evaluator: &Evaluator<'_>, expr: &Expr, depth: u32) -> Option<Named> {
    if depth > DEEPEST {
        return None;
    }
    let next = |expr: &Expr| folder(evaluator, expr, depth + 1);
    let whole = |expr: &Expr| whole(evaluator, expr, depth + 1);
    if let Some(path) = whole(expr) {
        return parent(path);
    }
    let before = |text: &Expr, mark: char| match whole(text)? {
        Named::Text(text) => in_front(&Named::Text(text.split(mark).next()?.to_owned())),
        Named::File(_) => None,
    };
    match expr {
        Expr::Name(name) => next(evaluator.value(name.id.as_str())?),
        Expr::FString(text) => in_front(&begun(evaluator, text, depth).0),
        Expr::BinOp(binary) => match (binary.op, whole(&binary.left)) {
            (ast::Operator::Mod, _) => before(&binary.left, '%'),
            (ast::Operator::Div, Some(left)) => Some(left),
            (ast::Operator::Add, Some(left)) => {
                let right = match &*binary.right {
                    Expr::FString(text) => Some(begun(evaluator, text, depth).0),
                    right => whole(right),
                };
                in_front(&match right {
                    Some(right) => appended(left, right)?,
                    None => left,
                })
            }
            (ast::Operator::Div | ast::Operator::Add, None) => next(&binary.left),
            _ => None,
        },
        Expr::Call(call) => {
            let args = &call.arguments.args;
            let method_of = match &*call.func {
                Expr::Attribute(attribute) => Some(&*attribute.value),
                _ => None,
            };
            match (name_of(call)?, method_of) {
                ("format", Some(text)) => before(text, '{'),
                ("with_name" | "with_stem" | "with_suffix", Some(path)) => next(path),
                ("joinpath", Some(path)) => joined(whole(path)?, args, &whole),
                ("join" | "Path" | "PurePath", _) => {
                    let (first, rest) = args.split_first()?;
                    match (whole(first), rest) {
                        (Some(path), _) => joined(path, rest, &whole),
                        (None, []) => next(first),
                        (None, _) => None,
                    }
                }
                ("str" | "fspath" | "abspath" | "realpath", _) => next(args.first()?),
                _ => None,
            }
        }
        _ => None,
    }
}

/// A folder, and what is joined to it as far as that is known; its last part is the file's own.
fn joined(mut at: Named, parts: &[Expr], whole: &dyn Fn(&Expr) -> Option<Named>) -> Option<Named> {
    for part in parts {
        at = match (whole(part), at) {
            (Some(Named::Text(part)), Named::Text(folder)) => {
                Named::Text(Path::new(&folder).join(part).to_string_lossy().into_owned())
            }
            (Some(Named::Text(part)), Named::File(folder)) => Named::File(folder.join(part)),
            (Some(Named::File(_)), _) => return None,
            // The part may name a folder itself: `f"{kind}/{number}.txt"`.
            (None, at) => return Some(at),
        };
    }
    parent(at)
}

/// A path with a text behind it.
fn appended(path: Named, text: Named) -> Option<Named> {
    let Named::Text(text) = text else {
        return None;
    };
    Some(match path {
        Named::Text(path) => Named::Text(path + &text),
        Named::File(path) => {
            let mut path = path.into_os_string();
            path.push(text);
            Named::File(path.into())
        }
    })
}

/// The folder that a path leads into of which this is the beginning.
fn in_front(beginning: &Named) -> Option<Named> {
    match beginning {
        Named::Text(text) => {
            let (folder, _) = text.rsplit_once('/')?;
            (!folder.is_empty()).then(|| Named::Text(folder.to_owned()))
        }
        Named::File(path) => {
            let (folder, _) = path.to_str()?.rsplit_once('/')?;
            Some(Named::File(folder.into()))
        }
    }
}

/// The beginning of an f-string that is known, and whether that is all of it.
fn begun(evaluator: &Evaluator<'_>, text: &ast::ExprFString, depth: u32) -> (Named, bool) {
    let mut beginning = Named::Text(String::new());
    for element in text.value.elements() {
        let part = match element {
            ast::InterpolatedStringElement::Literal(literal) => {
                Some(Named::Text(literal.value.to_string()))
            }
            ast::InterpolatedStringElement::Interpolation(value) => {
                whole(evaluator, &value.expression, depth + 1)
            }
        };
        let is_empty = matches!(&beginning, Named::Text(text) if text.is_empty());
        beginning = match part {
            Some(part) if is_empty => part,
            Some(Named::Text(part)) => match appended(beginning.clone(), Named::Text(part)) {
                Some(longer) => longer,
                None => return (beginning, false),
            },
            _ => return (beginning, false),
        };
    }
    (beginning, true)
}

impl<'a> Visitor<'a> for Finder<'a> {
    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        match stmt {
            Stmt::If(choice) if is_main_test(&choice.test) => {
                for clause in &choice.elif_else_clauses {
                    clause.body.iter().for_each(|stmt| self.visit_stmt(stmt));
                }
            }
            Stmt::FunctionDef(function) => {
                self.evaluators.push(self.evaluator().inside(function));
                with_stack(|| walk_stmt(self, stmt));
                self.evaluators.pop();
            }
            _ => with_stack(|| walk_stmt(self, stmt)),
        }
    }

    fn visit_expr(&mut self, expr: &'a Expr) {
        if let Expr::Call(call) = expr
            && let Some(name) = name_of(call)
            && (self.keep)(range_of(expr).start)
        {
            self.call(call, name);
        }
        walk_into(self, expr);
    }
}
