//! Evaluates the few expressions by which programmes name files: constants, `__file__`, and joins of these.

use std::path::{Component, Path, PathBuf};

use rustc_hash::FxHashMap;

use crate::files::paths::is_tidy;
use crate::python::{ast, dotted, walk_into, with_stack};
use ast::visitor::{Visitor, walk_stmt};
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

    /// The same for what stands in a function: its own names that are bound once mean what they are bound to, and its parameters
    /// their defaults, which is what most calls give them.
    pub(crate) fn inside(&self, function: &'a ast::StmtFunctionDef) -> Self {
        let mut own = Bound::default();
        for parameter in function.parameters.iter_non_variadic_params() {
            own.bind(&parameter.parameter.name, parameter.default.as_deref());
        }
        own.visit_body(&function.body);
        let mut constants = self.constants.clone();
        for (name, value) in own.0 {
            match value {
                Some(value) => constants.insert(name, value),
                None => constants.remove(name),
            };
        }
        Evaluator {
            file: self.file,
            constants,
        }
    }

    /// What a name is bound to, where it is bound once.
    pub(crate) fn value(&self, name: &str) -> Option<&'a Expr> {
        self.constants.get(name).copied()
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

/// The names of a function by what they are bound to; none for what is bound more than once, or to nothing that is known.
#[derive(Default)]
struct Bound<'a>(FxHashMap<&'a str, Option<&'a Expr>>);

impl<'a> Bound<'a> {
    fn bind(&mut self, name: &'a str, value: Option<&'a Expr>) {
        let known = self.0.entry(name);
        known.and_modify(|known| *known = None).or_insert(value);
    }
}

impl<'a> Visitor<'a> for Bound<'a> {
    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        match stmt {
            Stmt::FunctionDef(_) | Stmt::ClassDef(_) => {}
            Stmt::Assign(assign) => match assign.targets.as_slice() {
                [Expr::Name(name)] => self.bind(&name.id, Some(&assign.value)),
                targets => targets.iter().for_each(|target| self.visit_expr(target)),
            },
            _ => with_stack(|| walk_stmt(self, stmt)),
        }
    }

    fn visit_expr(&mut self, expr: &'a Expr) {
        if let Expr::Name(name) = expr
            && !name.ctx.is_load()
        {
            self.bind(&name.id, None);
        }
        walk_into(self, expr);
    }
}

pub(super) fn parent(path: Named) -> Option<Named> {
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
