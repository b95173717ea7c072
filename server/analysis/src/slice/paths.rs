//! Evaluates the few expressions by which programmes name files: constants, `__file__`, and joins of these.

use std::path::{Component, Path, PathBuf};

use rustc_hash::FxHashMap;

use crate::files::paths::is_tidy;
use crate::python::{ast, dotted};
use ast::{Expr, Stmt};

/// A path that an expression means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Named {
    /// From the working directory, or absolute: as a constant text says it.
    Text(String),
    /// From the file itself: absolute on this machine.
    File(PathBuf),
}

/// What is needed to evaluate: the file, and module-level names that are bound once, to such an expression.
pub(crate) struct Evaluator<'a> {
    pub(crate) file: &'a Path,
    constants: FxHashMap<&'a str, &'a Expr>,
}

impl<'a> Evaluator<'a> {
    pub(crate) fn new(file: &'a Path, body: &'a [Stmt]) -> Self {
        let mut constants: FxHashMap<&'a str, &'a Expr> = FxHashMap::default();
        let mut twice = Vec::new();
        for stmt in body {
            if let Stmt::Assign(assign) = stmt
                && let [Expr::Name(name)] = assign.targets.as_slice()
                && constants.insert(&name.id, &assign.value).is_some()
            {
                twice.push(name.id.as_str());
            }
        }
        for name in twice {
            constants.remove(name);
        }
        Evaluator { file, constants }
    }

    /// The path that an expression means; none when it is no such expression.
    pub(crate) fn path(&self, expr: &Expr) -> Option<Named> {
        self.evaluate(expr, 0)
    }

    fn evaluate(&self, expr: &Expr, depth: u32) -> Option<Named> {
        if depth > 30 {
            return None;
        }
        let next = |expr: &Expr| self.evaluate(expr, depth + 1);
        match expr {
            Expr::StringLiteral(text) => Some(Named::Text(text.value.to_str().to_owned())),
            Expr::Name(name) if name.id.as_str() == "__file__" => {
                Some(Named::File(self.file.to_path_buf()))
            }
            Expr::Name(name) => next(self.constants.get(name.id.as_str())?),
            Expr::Attribute(attribute) => match attribute.attr.as_str() {
                "parent" => parent(next(&attribute.value)?),
                "pardir" => Some(Named::Text("..".to_owned())),
                "curdir" => Some(Named::Text(".".to_owned())),
                _ => None,
            },
            Expr::Subscript(subscript) => {
                // Path(__file__).parents[1]
                let Expr::Attribute(attribute) = &*subscript.value else {
                    return None;
                };
                let Expr::NumberLiteral(number) = &*subscript.slice else {
                    return None;
                };
                let ast::Number::Int(levels) = &number.value else {
                    return None;
                };
                if attribute.attr.as_str() != "parents" {
                    return None;
                }
                let mut path = next(&attribute.value)?;
                for _ in 0..=levels.as_u64()?.min(64) {
                    path = parent(path)?;
                }
                Some(path)
            }
            Expr::BinOp(binary) if binary.op == ast::Operator::Div => {
                join(next(&binary.left)?, next(&binary.right)?)
            }
            Expr::BinOp(binary) if binary.op == ast::Operator::Add => {
                let Named::Text(right) = next(&binary.right)? else {
                    return None;
                };
                match next(&binary.left)? {
                    Named::Text(left) => Some(Named::Text(left + &right)),
                    Named::File(left) => {
                        let mut path = left.into_os_string();
                        path.push(right);
                        Some(Named::File(tidy(Path::new(&path))))
                    }
                }
            }
            Expr::Call(call) => {
                if let Expr::Attribute(attribute) = &*call.func {
                    let of_path = ["resolve", "absolute", "expanduser", "as_posix", "joinpath"];
                    let method = attribute.attr.as_str();
                    if of_path.contains(&method)
                        && dotted(&call.func).is_none_or(|parts| parts.first() != Some(&"os"))
                    {
                        let mut path = next(&attribute.value)?;
                        if method == "joinpath" {
                            for argument in &call.arguments.args {
                                path = join(path, next(argument)?)?;
                            }
                        }
                        return Some(path);
                    }
                }
                let function = dotted(&call.func)?;
                let arguments = &call.arguments.args;
                match function.last().copied()? {
                    "dirname" => parent(next(arguments.first()?)?),
                    "abspath" | "realpath" | "normpath" | "expanduser" | "str" | "fspath"
                    | "Path" | "PurePath" | "PosixPath" | "join" => {
                        let mut path = next(arguments.first()?)?;
                        for argument in arguments.iter().skip(1) {
                            path = join(path, next(argument)?)?;
                        }
                        Some(path)
                    }
                    _ => None,
                }
            }
            _ => None,
        }
    }
}

fn parent(path: Named) -> Option<Named> {
    Some(match path {
        Named::Text(text) => {
            let parent = Path::new(&text).parent()?.to_str()?.to_owned();
            Named::Text(if parent.is_empty() {
                ".".to_owned()
            } else {
                parent
            })
        }
        Named::File(path) => Named::File(path.parent()?.to_path_buf()),
    })
}

fn join(left: Named, right: Named) -> Option<Named> {
    let Named::Text(right) = right else {
        return Some(right);
    };
    if Path::new(&right).is_absolute() {
        return Some(Named::Text(right));
    }
    Some(match left {
        Named::Text(left) => Named::Text(Path::new(&left).join(&right).to_str()?.to_owned()),
        Named::File(left) => Named::File(tidy(&left.join(&right))),
    })
}

/// A path without `.` and `..`, by its text alone.
pub(crate) fn tidy(path: &Path) -> PathBuf {
    if is_tidy(path) {
        return path.to_path_buf();
    }
    let mut out = PathBuf::with_capacity(path.as_os_str().len());
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                if !out.pop() {
                    out.push("..");
                }
            }
            other => out.push(other.as_os_str()),
        }
    }
    out
}
