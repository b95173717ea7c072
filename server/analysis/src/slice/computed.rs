//! Files whose names are put together when the code runs, of which the folder is known.

use std::ops::Range;
use std::path::{Path, PathBuf};

use super::data::{name_of, writes};
use super::paths::{Evaluator, Named, tidy};
use crate::files::Files;
use crate::python::{ast, dotted, range_of};
use ast::{Expr, Stmt};

/// A place that reads a file of a folder, and does not say which one.
#[derive(Clone, Debug)]
pub(super) struct Computed {
    /// The folder, from the module's folder or from `__file__`.
    pub(super) folder: Named,
    /// What the names end with: `.csv`.
    pub(super) ending: String,
    pub(super) range: Range<usize>,
}

/// All such places among the calls of one file that are by the name of a reader, which [`super::data`] collects.
pub(super) fn computed(file: &Path, body: &[Stmt], calls: &[&ast::ExprCall]) -> Vec<Computed> {
    if calls.is_empty() {
        return Vec::new();
    }
    let mut finder = Finder {
        evaluator: Evaluator::new(file, body),
        found: Vec::new(),
    };
    calls.iter().for_each(|call| finder.called(call));
    finder.found
}

/// The folder as it is here, when it is one: from the module's folder, else from the workspace.
pub(super) fn folder_of(
    files: &dyn Files,
    named: &Named,
    folders: (&Path, &Path),
) -> Option<PathBuf> {
    let candidates = match named {
        Named::File(path) => vec![tidy(path)],
        Named::Text(text) if Path::new(text).is_absolute() => return None,
        Named::Text(text) => vec![tidy(&folders.0.join(text)), tidy(&folders.1.join(text))],
    };
    candidates.into_iter().find(|folder| {
        // The whole tree is never meant to travel.
        !folders.0.starts_with(folder)
            && !folders.1.starts_with(folder)
            && files.metadata(folder).is_ok_and(|meta| meta.is_dir)
    })
}

struct Finder<'e> {
    evaluator: Evaluator<'e>,
    found: Vec<Computed>,
}

impl Finder<'_> {
    fn called(&mut self, call: &ast::ExprCall) {
        match (&*call.func, name_of(call)) {
            // (Path("tables") / name).read_text()
            (Expr::Attribute(attribute), Some("read_text" | "read_bytes")) => {
                self.look(&attribute.value);
            }
            (_, Some(name)) if name != "load" && !writes(call) => {
                if let Some(first) = call.arguments.args.first() {
                    self.look(first);
                }
            }
            _ => {}
        }
    }

    fn look(&mut self, expr: &Expr) {
        if self.evaluator.path(expr).is_none()
            && let Some((folder, ending)) = self.parts(expr)
        {
            self.found.push(Computed {
                folder,
                ending,
                range: range_of(expr),
            });
        }
    }

    /// The folder and the ending of a name of which the middle is computed.
    fn parts(&self, expr: &Expr) -> Option<(Named, String)> {
        match expr {
            Expr::FString(text) => {
                let elements: Vec<_> = text.value.elements().collect();
                let ast::InterpolatedStringElement::Literal(first) = elements.first()? else {
                    return None;
                };
                let (folder, _) = first.value.rsplit_once('/')?;
                let last = match elements.last()? {
                    ast::InterpolatedStringElement::Literal(last) if elements.len() > 1 => {
                        ending(&last.value)
                    }
                    _ => String::new(),
                };
                (!folder.is_empty()).then(|| (Named::Text(folder.to_owned()), last))
            }
            // "tables/" + name, and what follows: ("tables/" + name) + ".csv"
            Expr::BinOp(binary) if binary.op == ast::Operator::Add => {
                let right = self.evaluator.path(&binary.right);
                match self.evaluator.path(&binary.left) {
                    Some(Named::Text(left)) if right.is_none() => {
                        let (folder, _) = left.rsplit_once('/')?;
                        (!folder.is_empty())
                            .then(|| (Named::Text(folder.to_owned()), String::new()))
                    }
                    None => {
                        let (folder, _) = self.parts(&binary.left)?;
                        let last = match right {
                            Some(Named::Text(text)) => ending(&text),
                            _ => String::new(),
                        };
                        Some((folder, last))
                    }
                    _ => None,
                }
            }
            // Path("tables") / name, HERE / "tables" / f"{name}.csv"
            Expr::BinOp(binary) if binary.op == ast::Operator::Div => {
                let folder = self.evaluator.path(&binary.left)?;
                Some((folder, self.ending_of(&binary.right)))
            }
            Expr::Call(call) => {
                let function = dotted(&call.func)?;
                let arguments = &call.arguments.args;
                match function.last().copied()? {
                    "join" if arguments.len() > 1 => {
                        let (last, before) = arguments.split_last()?;
                        let mut folder: Option<Named> = None;
                        for part in before {
                            let part = self.evaluator.path(part)?;
                            folder = Some(match (folder, part) {
                                (None, part) => part,
                                (Some(Named::Text(left)), Named::Text(right)) => {
                                    Named::Text(format!("{left}/{right}"))
                                }
                                (Some(Named::File(left)), Named::Text(right)) => {
                                    Named::File(left.join(right))
                                }
                                (_, Named::File(right)) => Named::File(right),
                            });
                        }
                        Some((folder?, self.ending_of(last)))
                    }
                    "Path" | "str" if arguments.len() == 1 => self.parts(arguments.first()?),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    fn ending_of(&self, expr: &Expr) -> String {
        match expr {
            Expr::FString(text) => match text.value.elements().last() {
                Some(ast::InterpolatedStringElement::Literal(last)) => ending(&last.value),
                _ => String::new(),
            },
            Expr::BinOp(binary) if binary.op == ast::Operator::Add => self.ending_of(&binary.right),
            Expr::StringLiteral(text) => ending(text.value.to_str()),
            _ => String::new(),
        }
    }
}

/// The ending of a file's name, when a text is or ends with nothing else.
fn ending(text: &str) -> String {
    match text.rsplit_once('.') {
        Some((_, ending))
            if !ending.is_empty() && ending.chars().all(|c| c.is_ascii_alphanumeric()) =>
        {
            format!(".{ending}")
        }
        _ => String::new(),
    }
}
