//! The functions and cells of a file that can be run.

use std::collections::BTreeMap;
use std::ops::Range;

use hoist_syntax::scopes::{ParameterKind, Scope, ScopeId, ScopeKind};
use hoist_syntax::words::Word;
use hoist_syntax::{Document, Scopes};
use serde::Serialize;

use crate::captures::{Judge, Obstacle};
use crate::chunks::{self, Cell};
use crate::directives::{self, Mistake};
use crate::python::{Source, ast, range_of, start_of};
use crate::uses::Uses;
use crate::{EntrySpec, Module, place};
use ast::Stmt;

/// A function, or a cell, that can be run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Runnable {
    /// What to ask for to run it.
    pub entry: EntrySpec,
    /// Its qualified name in the file; of a cell `cell` and its lines.
    pub qualname: String,
    /// Line of the `def`, or of the cell's mark, from 0.
    pub line: u32,
    /// Byte range of its name, or of the cell's mark.
    pub name_range: Range<usize>,
    /// Byte range of the whole definition with its decorators, or of the cell's code.
    pub range: Range<usize>,
    /// The parameters that a caller can fill, in order, as they are written (`*args` with its star).
    pub parameters: Vec<String>,
    /// Those without a default, which a run must be given.
    pub required: Vec<String>,
    /// What kind of function.
    pub kind: RunnableKind,
    /// `async def`.
    pub is_async: bool,
    /// Has a `yield` of its own.
    pub is_generator: bool,
    /// What the comment or decorator above it asks for.
    pub directives: Directives,
}

/// Kinds of functions, by how they are reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RunnableKind {
    /// A function of the module.
    Function,
    /// A function inside a function or a method.
    Nested,
    /// A static method, run as `A.smeth`.
    StaticMethod,
    /// A class method, run as `A.cmeth`.
    ClassMethod,
    /// A name bound to a lambda.
    Lambda,
    /// The code between a `# %%` and the next one.
    Cell,
}

/// Settings of a run that stand in the source.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Directives {
    /// The target's name.
    pub target: Option<String>,
    /// The arguments, as for `--args`.
    pub args: Option<String>,
    /// Files that travel though no line names them whole: patterns from the file's folder. All functions that travel are asked.
    pub data: Vec<String>,
    /// `cores`, `memory`, `time`, `gpus`, `nodes`, `tasks`, `partition`, `account`...: as written, unquoted.
    pub resources: BTreeMap<String, String>,
}

/// Every function and cell that can run, in source order. It works on broken code, too; only what the broken part swallows is missing.
///
/// Methods that need an instance, properties, functions that a later definition replaces, functions of the main block and
/// nested functions that capture what will not exist are left out.
pub fn runnables(module: &Module<'_>) -> Vec<Runnable> {
    let scopes = module.document.scopes();
    let uses = Uses::read(scopes.clone());
    let guards = main_blocks(module.document);
    let mut found: Vec<Runnable> = survey(module.document, &scopes, &uses, &guards)
        .into_iter()
        .filter(|candidate| candidate.obstacles.is_empty())
        .map(|candidate| candidate.runnable)
        .collect();
    let cells = chunks::cells(module.document);
    found.extend(
        cells
            .into_iter()
            .map(|cell| runnable_cell(module.document, cell)),
    );
    found.sort_by_key(|runnable| runnable.name_range.start);
    found
}

fn runnable_cell(document: &Document, cell: Cell) -> Runnable {
    let (text, lines) = (document.text(), document.lines());
    let mut directives = Directives::default();
    for line in cell.line + 1..cell.code.0 {
        let range = lines.line_range(text, line);
        if let Some(comment) = directives::hoist_comment(text, range) {
            directives::read_comment(text, comment, &mut directives, &mut Vec::new());
        }
    }
    let entry = EntrySpec::Lines {
        first: cell.code.0 + 1,
        last: cell.code.1 + 1,
    };
    Runnable {
        qualname: format!("cell {entry}"),
        entry,
        line: cell.line,
        name_range: cell.mark,
        range: cell.range,
        parameters: Vec::new(),
        required: Vec::new(),
        kind: RunnableKind::Cell,
        is_async: false,
        is_generator: false,
        directives,
    }
}

/// A function that could be run but for its obstacles.
pub(crate) struct Candidate {
    pub(crate) runnable: Runnable,
    pub(crate) obstacles: Vec<Obstacle>,
    pub(crate) mistakes: Vec<Mistake>,
    /// What of the functions around it travels with it.
    pub(crate) carried: Vec<String>,
}

/// All functions that a user might want to run, with what is in their way. `guards` are the main blocks.
pub(crate) fn survey(
    document: &Document,
    scopes: &Scopes,
    uses: &Uses,
    guards: &[Range<usize>],
) -> Vec<Candidate> {
    let text = document.text();
    let judge = Judge {
        document,
        scopes,
        uses,
    };
    let mut found = Vec::new();
    for (id, scope) in scopes.iter() {
        if scope.is_detached
            || guards
                .iter()
                .any(|guard| guard.contains(&scope.range.start))
        {
            continue;
        }
        let qualname = match scope.kind {
            ScopeKind::Function => scope.qualname.clone(),
            ScopeKind::Lambda => match lambda_name(text, scopes, scope) {
                Some(qualname) => qualname,
                None => continue,
            },
            _ => continue,
        };
        let Some(kind) = kind_of(text, scopes, scope) else {
            continue;
        };
        let Some(place) = place::find(scopes, text, &qualname) else {
            continue;
        };
        if place.scope != Some(id) {
            continue;
        }
        let (obstacles, carried) = match &place.root {
            None => (Vec::new(), Vec::new()),
            Some(root) => {
                let (carried, obstacles) = judge.carry(root, &[]);
                let own = |name: &&hoist_syntax::scopes::Name| **name != root.name;
                let names = carried.names.keys().filter(own);
                (obstacles, names.map(|name| name.to_string()).collect())
            }
        };
        let mut mistakes = Vec::new();
        let directives = directives_of(document, scope, &mut mistakes);
        let skip = usize::from(kind == RunnableKind::ClassMethod);
        let parameters = scope.parameters.iter().skip(skip);
        found.push(Candidate {
            runnable: Runnable {
                entry: EntrySpec::Name(qualname.clone()),
                qualname,
                line: document.lines().line_of(scope.def_range.start),
                name_range: place.name_range.clone(),
                range: place.statement.clone(),
                parameters: parameters
                    .clone()
                    .map(|parameter| match parameter.kind {
                        ParameterKind::VarPositional => format!("*{}", parameter.name),
                        ParameterKind::VarKeyword => format!("**{}", parameter.name),
                        _ => parameter.name.to_string(),
                    })
                    .collect(),
                required: parameters
                    .filter(|parameter| {
                        !parameter.has_default
                            && !matches!(
                                parameter.kind,
                                ParameterKind::VarPositional | ParameterKind::VarKeyword
                            )
                    })
                    .map(|parameter| parameter.name.to_string())
                    .collect(),
                kind,
                is_async: scope.is_async,
                is_generator: scope.is_generator,
                directives,
            },
            obstacles,
            mistakes,
            carried,
        });
    }
    found.sort_by_key(|candidate| candidate.runnable.name_range.start);
    found
}

/// The scope around one, type parameters left out.
pub(crate) fn parent_of(scopes: &Scopes, scope: &Scope) -> Option<ScopeId> {
    let mut at = scope.parent;
    while let Some(id) = at {
        if scopes.get(id).kind != ScopeKind::TypeParameters {
            return Some(id);
        }
        at = scopes.get(id).parent;
    }
    None
}

/// How a function is reached; none when it needs an instance or is a property.
pub(crate) fn kind_of(text: &str, scopes: &Scopes, scope: &Scope) -> Option<RunnableKind> {
    let parent = parent_of(scopes, scope)?;
    match scopes.get(parent).kind {
        ScopeKind::Module if scope.kind == ScopeKind::Lambda => Some(RunnableKind::Lambda),
        ScopeKind::Module => Some(RunnableKind::Function),
        ScopeKind::Class => {
            let has = |name: &str| {
                scope.decorators.iter().any(|range| {
                    let decorator = text.get(range.clone()).unwrap_or_default();
                    decorator.trim_start_matches('@').trim() == name
                })
            };
            if has("staticmethod") {
                Some(RunnableKind::StaticMethod)
            } else if has("classmethod") {
                Some(RunnableKind::ClassMethod)
            } else {
                None
            }
        }
        _ => Some(RunnableKind::Nested),
    }
}

/// The qualified name of a lambda that is bound to a name by an assignment.
fn lambda_name(text: &str, scopes: &Scopes, scope: &Scope) -> Option<String> {
    let parent = scopes.get(scope.parent?);
    if parent.kind == ScopeKind::Class {
        return None;
    }
    let binding = parent.bindings.iter().find(|binding| {
        binding.statement.end == scope.range.end && binding.range.end < scope.range.start
    })?;
    let between = text.get(binding.range.end..scope.range.start)?;
    if binding.statement.start != binding.range.start
        || !between.trim_end().ends_with('=')
        || between.matches('=').count() != 1
    {
        return None;
    }
    Some(match parent.kind {
        ScopeKind::Function => format!("{}.<locals>.{}", parent.qualname, binding.name),
        ScopeKind::Module => binding.name.to_string(),
        _ => return None,
    })
}

/// The comments and decorators that stand at a function.
pub(crate) fn directives_of(
    document: &Document,
    scope: &Scope,
    mistakes: &mut Vec<Mistake>,
) -> Directives {
    let text = document.text();
    let lines = document.lines();
    let mut found = Directives::default();
    for range in &scope.decorators {
        directives::read_decorator(text.get(range.clone()).unwrap_or_default(), &mut found);
    }
    let first = lines.line_of(scope.range.start);
    let mut above = first;
    while above > 0 {
        let line = lines.line_range(text, above - 1);
        if !text
            .get(line)
            .unwrap_or_default()
            .trim_start()
            .starts_with('#')
        {
            break;
        }
        above -= 1;
    }
    for line in above..lines.line_of(scope.def_range.start) {
        let range = lines.line_range(text, line);
        if let Some(comment) = directives::hoist_comment(text, range) {
            directives::read_comment(text, comment, &mut found, mistakes);
        }
    }
    found
}

/// The bodies of `if __name__ == "__main__":` at the top level.
pub(crate) fn main_blocks(document: &Document) -> Vec<Range<usize>> {
    let text = document.text();
    if !document.words().have(Word::Main) {
        return Vec::new();
    }
    if let Some(module) = document.parsed_module() {
        return in_statements(text, &module.body);
    }
    let mut blocks = Vec::new();
    for piece in document.scopes().pieces() {
        let own = &text[piece.clone()];
        // The first piece may begin with comments.
        let may_be_one = piece.start == 0 || own.starts_with("if");
        if may_be_one && own.contains("__main__") {
            let found = Source::with_statements(own, |body| in_statements(own, body));
            let found = found.into_iter().flatten();
            blocks.extend(found.map(|block| piece.start + block.start..piece.start + block.end));
        }
    }
    blocks
}

fn in_statements(text: &str, body: &[Stmt]) -> Vec<Range<usize>> {
    let block = |stmt: &Stmt| {
        let Stmt::If(choice) = stmt else { return None };
        let test = text.get(range_of(&*choice.test))?;
        let words: String = test
            .chars()
            .filter(|c| !c.is_whitespace() && !"()".contains(*c))
            .collect();
        let is_main = [
            "__name__==\"__main__\"",
            "__name__=='__main__'",
            "\"__main__\"==__name__",
            "'__main__'==__name__",
        ]
        .contains(&words.as_str());
        let (first, last) = (choice.body.first()?, choice.body.last()?);
        is_main.then(|| start_of(first)..range_of(last).end)
    };
    body.iter().filter_map(block).collect()
}
