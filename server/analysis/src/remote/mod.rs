//! Paths of the machine on which a job runs, as the code names them: `cluster_ls("/data/raw")`.
//!
//! In: a module, also one that does not parse. Out: the plain string literals that are path arguments of the functions that every
//! job can import from `hoist`, with the targets that they meet there. What lies over there is for others to know.

mod literal;
mod unclosed;

use std::collections::BTreeSet;
use std::ops::Range;

use hoist_syntax::scopes::{BindingKind, ScopeKind};
use hoist_syntax::{Document, Scopes};

use crate::audience::Destinations;
use crate::files::Files;
use crate::modules::{Resolver, imports_in, standing};
use crate::python::{
    Source, ast, constant_text, dotted, nodes_around, range_of, start_of, statement, walk_into,
    with_stack,
};
use crate::runnables::{directives_of, main_blocks};
use crate::uses::{Home, Uses};
use crate::{Module, supplied};
use ast::visitor::{Visitor, walk_stmt};
use ast::{AnyNodeRef, Expr, ExprCall, Stmt};
use hoist_syntax::words::has;

pub use literal::{PathLiteral, Segment};

/// A function that asks for files of the machine on which the job runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RemoteFunction {
    /// `cluster_ls`
    Ls,
    /// `cluster_find`
    Find,
    /// `cluster_stat`
    Stat,
    /// `cluster_exists`
    Exists,
    /// `cluster_isdir`
    IsDir,
    /// `cluster_isfile`
    IsFile,
    /// `cluster_glob`
    Glob,
    /// `cluster_du`
    Du,
    /// `cluster_count_files`
    CountFiles,
}

impl RemoteFunction {
    const ALL: [RemoteFunction; 9] = [
        RemoteFunction::Ls,
        RemoteFunction::Find,
        RemoteFunction::Stat,
        RemoteFunction::Exists,
        RemoteFunction::IsDir,
        RemoteFunction::IsFile,
        RemoteFunction::Glob,
        RemoteFunction::Du,
        RemoteFunction::CountFiles,
    ];

    /// Its name in the modules that have it.
    pub fn name(self) -> &'static str {
        match self {
            RemoteFunction::Ls => "cluster_ls",
            RemoteFunction::Find => "cluster_find",
            RemoteFunction::Stat => "cluster_stat",
            RemoteFunction::Exists => "cluster_exists",
            RemoteFunction::IsDir => "cluster_isdir",
            RemoteFunction::IsFile => "cluster_isfile",
            RemoteFunction::Glob => "cluster_glob",
            RemoteFunction::Du => "cluster_du",
            RemoteFunction::CountFiles => "cluster_count_files",
        }
    }

    /// Is it called to learn whether something is there?
    pub fn is_question(self) -> bool {
        matches!(
            self,
            RemoteFunction::Exists | RemoteFunction::IsDir | RemoteFunction::IsFile
        )
    }

    /// Does it look into a folder, and find nothing in anything else?
    pub fn wants_folder(self) -> bool {
        matches!(
            self,
            RemoteFunction::Ls | RemoteFunction::Find | RemoteFunction::Glob
        )
    }

    /// Where its path stands among its arguments.
    fn path(self) -> usize {
        usize::from(matches!(self, RemoteFunction::Find | RemoteFunction::Glob))
    }
}

/// A literal that names something on the machine on which the job runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemotePath {
    /// Whose argument it is.
    pub function: RemoteFunction,
    /// The literal.
    pub literal: PathLiteral,
    /// It is a pattern of paths.
    pub is_pattern: bool,
    /// The folder in which a relative one begins; none for one that begins where the job does.
    pub below: Option<Vec<u8>>,
    /// The targets that it meets, by name; none stands for the default target.
    pub targets: Vec<Option<String>>,
    /// The code deals with its absence: it asks whether it is there, names it elsewhere too, perhaps to make it, or catches the
    /// error.
    pub may_be_missing: bool,
}

impl RemotePath {
    /// A beginning of the literal's value as a path over there: absolute, or from a home folder. None for one that begins in the
    /// job's working directory, which is made when the job begins.
    pub fn place(&self, value: &[u8]) -> Option<Vec<u8>> {
        if let [b'/' | b'~', ..] = value {
            return Some(value.to_vec());
        }
        let below = self.below.as_ref()?;
        let mut path = below.clone();
        if !path.ends_with(b"/") && !value.is_empty() {
            path.push(b'/');
        }
        path.extend_from_slice(value);
        Some(path)
    }

    /// What must be there for the call to find something: the path itself; of a pattern the folder before its first wildcard.
    pub fn constant(&self) -> Option<Vec<u8>> {
        let value = &self.literal.value;
        if !self.is_pattern {
            return self.place(value);
        }
        let wild = value.iter().position(|byte| is_wild(*byte));
        let before = &value[..wild.unwrap_or(value.len())];
        let slash = before.iter().rposition(|byte| *byte == b'/');
        self.place(&before[..slash.map_or(0, |slash| slash.max(1))])
    }

    /// The folder over there whose names may stand around a place of the source, and the part of the path that they take the place
    /// of. The folder is none where it is the job's working directory.
    pub fn completes(&self, text: &str, offset: usize) -> Option<(Option<Vec<u8>>, Segment)> {
        let segment = self.literal.segment(text, offset)?;
        if self.is_pattern
            && segment
                .folder
                .iter()
                .chain(&segment.typed)
                .any(|byte| is_wild(*byte))
        {
            return None;
        }
        Some((self.place(&segment.folder), segment))
    }

    /// How a name of such a folder is written here; none where that cannot be done.
    pub fn write(&self, name: &[u8]) -> Option<String> {
        if !self.is_pattern {
            return self.literal.write(name);
        }
        let escaped = name.iter().flat_map(|byte| match is_wild(*byte) {
            true => vec![b'[', *byte, b']'],
            false => vec![*byte],
        });
        self.literal.write(&escaped.collect::<Vec<u8>>())
    }
}

fn is_wild(byte: u8) -> bool {
    matches!(byte, b'*' | b'?' | b'[')
}

/// All literals of a module that name something over there, in source order, but for those of the main block, which never runs
/// in a job. None while the module does not parse.
pub fn remote_paths(module: &Module<'_>, files: &dyn Files) -> Vec<RemotePath> {
    if !may_name(module.document.text()) {
        return Vec::new();
    }
    let Ok(source) = Source::of(module.document) else {
        return Vec::new();
    };
    let calls = Calls::of(module, files, &source.scopes, &source.uses, source.body());
    let destinations =
        Destinations::read(module.document, &source.scopes, &source.uses, source.body());
    let mut walk = Walk {
        calls: &calls,
        found: Vec::new(),
        elsewhere: Vec::new(),
        forgiving: 0,
    };
    for stmt in source.body() {
        walk.visit_stmt(stmt);
    }
    let (mut found, elsewhere) = (walk.found, walk.elsewhere);
    let guards = main_blocks(module.document);
    found.retain(|path| {
        let at = path.literal.range.start;
        !guards.iter().any(|guard| guard.contains(&at))
    });
    let asked: BTreeSet<Vec<u8>> = found
        .iter()
        .filter(|path| path.function.is_question())
        .filter_map(RemotePath::constant)
        .collect();
    for path in &mut found {
        path.targets = targets(
            module,
            &source.scopes,
            Some(&destinations),
            path.literal.range.start,
        );
        let Some(place) = path.constant() else {
            continue;
        };
        let is_in = |other: &[u8]| {
            let rest = other.strip_prefix(place.as_slice());
            rest.is_some_and(|rest| {
                rest.is_empty() || place.ends_with(b"/") || rest.starts_with(b"/")
            })
        };
        path.may_be_missing |= asked.contains(&place) || elsewhere.iter().any(|other| is_in(other));
    }
    found
}

/// The literal around a place of the source, also in a module that does not parse. One that is not closed yet ends at the place.
pub fn remote_path_at(module: &Module<'_>, files: &dyn Files, offset: usize) -> Option<RemotePath> {
    let document = module.document;
    if !may_name(document.text()) {
        return None;
    }
    at(module, files, offset).or_else(|| {
        let statement = document.scopes().piece_at(offset).start;
        let closed = unclosed::closed_at(document.text(), statement, offset)?;
        let document = &Document::new(closed);
        at(
            &Module {
                document,
                ..*module
            },
            files,
            offset,
        )
    })
}

fn at(module: &Module<'_>, files: &dyn Files, offset: usize) -> Option<RemotePath> {
    let document = module.document;
    let scopes = document.scopes();
    let uses = Uses::read(scopes.clone());
    let look = |body: &[Stmt], destinations: Option<&Destinations>| {
        let around = nodes_around(body, &(offset..offset));
        let call = around.iter().find_map(|node| match node {
            AnyNodeRef::ExprCall(call) => Some(*call),
            _ => None,
        })?;
        let calls = Calls::of(module, files, &scopes, &uses, body);
        let paths = calls.paths(call).into_iter();
        let mut path = paths.into_iter().find(|path| path.literal.holds(offset))?;
        path.targets = targets(module, &scopes, destinations, offset);
        Some(path)
    };
    match document.module() {
        Ok(whole) => {
            let destinations = Destinations::read(document, &scopes, &uses, &whole.body);
            look(&whole.body, Some(&destinations))
        }
        Err(_) => Source::with_statements(document.text(), |body| look(body, None))?,
    }
}

/// May a text name such a function at all?
fn may_name(text: &str) -> bool {
    has(text, "cluster_")
}

/// The targets that a place meets: those of the functions around it that name one, else those of whatever needs its statement.
fn targets(
    module: &Module<'_>,
    scopes: &Scopes,
    destinations: Option<&Destinations>,
    offset: usize,
) -> Vec<Option<String>> {
    let functions = scopes
        .around(offset)
        .filter(|(_, scope)| scope.kind == ScopeKind::Function);
    let named: BTreeSet<String> = functions
        .filter_map(|(_, scope)| directives_of(module.document, scope, &mut Vec::new()).target)
        .collect();
    if !named.is_empty() {
        return named.into_iter().map(Some).collect();
    }
    match destinations {
        Some(destinations) => destinations.of(offset).to_vec(),
        None => vec![None],
    }
}

/// Tells the calls of such functions from others.
struct Calls<'a> {
    text: &'a str,
    uses: &'a Uses,
    /// The modules that are supplied and not of the workspace, by name.
    supplied: Vec<&'static str>,
    /// Are all names of one of them imported by a star?
    has_star: bool,
}

impl<'a> Calls<'a> {
    fn of(
        module: &Module<'a>,
        files: &'a dyn Files,
        scopes: &Scopes,
        uses: &'a Uses,
        body: &[Stmt],
    ) -> Calls<'a> {
        let imports = imports_in(module.document, body);
        let standing = standing(files, module.path, module.workspace, &imports);
        let resolver = Resolver::new(
            files,
            module.environment,
            module.path,
            module.workspace,
            &standing,
            (module.document, body),
        );
        let of_import = imports
            .iter()
            .filter(|import| import.level == 0)
            .filter_map(|import| Some((supplied::module(&import.module)?, import)));
        let mut supplied = Vec::new();
        let mut has_star = false;
        for (name, import) in of_import {
            if !resolver.is_local(name) {
                supplied.push(name);
                has_star |= import.is_star() && scopes.get(scopes.module()).has_star_import;
            }
        }
        Calls {
            text: module.document.text(),
            uses,
            supplied,
            has_star,
        }
    }

    /// The literals among the arguments of a call that name something over there.
    fn paths(&self, call: &ExprCall) -> Vec<RemotePath> {
        let Some(function) = self.function(&call.func) else {
            return Vec::new();
        };
        let argument = |position: usize, name: &str| {
            let arguments = &call.arguments;
            let before = arguments.args.get(..=position);
            // What comes behind a `*` stands somewhere else.
            let positional = before.filter(|before| !before.iter().any(Expr::is_starred_expr));
            let keyword = || {
                arguments
                    .keywords
                    .iter()
                    .find(|keyword| keyword.arg.as_ref().is_some_and(|own| own.as_str() == name))
            };
            match positional.and_then(<[Expr]>::last) {
                Some(expression) => Some(expression),
                None => keyword().map(|keyword| &keyword.value),
            }
        };
        let read = |expression: &Expr| PathLiteral::read(self.text, expression);
        let named = |literal: PathLiteral| RemotePath {
            function,
            literal,
            is_pattern: false,
            below: None,
            targets: Vec::new(),
            may_be_missing: false,
        };
        let folder = argument(function.path(), "path");
        let path = folder.and_then(read).map(named);
        let mut found = Vec::new();
        if function == RemoteFunction::Glob
            && let Some(literal) = argument(0, "pattern").and_then(read)
        {
            let below = path
                .as_ref()
                .and_then(|path| path.place(&path.literal.value));
            // Where the folder is computed it is not known in which one a relative pattern begins.
            if folder.is_none()
                || path.is_some()
                || matches!(literal.value.first(), Some(b'/' | b'~'))
            {
                found.push(RemotePath {
                    is_pattern: true,
                    below,
                    ..named(literal)
                });
            }
        }
        found.extend(path);
        found
    }

    /// The function that an expression gives, when nothing but imports binds its name.
    fn function(&self, callee: &Expr) -> Option<RemoteFunction> {
        let parts = dotted(callee)?;
        let (root, rest) = parts.split_first()?;
        // Most calls end here.
        let is_alias = rest.is_empty() && !root.starts_with("cluster_");
        if self.supplied.is_empty() || !is_alias && !parts.last()?.starts_with("cluster_") {
            return None;
        }
        let mut expression = callee;
        while let Expr::Attribute(attribute) = expression {
            expression = &attribute.value;
        }
        let a_use = self.uses.at(start_of(expression))?;
        let mut path: Option<String> = None;
        for other in self.uses.of(a_use.home, &a_use.name) {
            let Some(kind) = other.binding else { continue };
            if kind != BindingKind::Import {
                return None;
            }
            let imported = self.imported(&other.statement, root)?;
            path.get_or_insert(imported);
        }
        let path = match path {
            Some(path) => rest.iter().fold(path, |path, part| path + "." + part),
            None if self.has_star && rest.is_empty() && a_use.home == Home::Module => {
                format!("hoist.{root}")
            }
            None => return None,
        };
        let (_, name) = path.split_once('.')?;
        let mut all = RemoteFunction::ALL.into_iter();
        all.find(|function| function.name() == name)
    }

    /// What a statement imports by a name, as `hoist.cluster_ls`; none when it is not of a supplied module.
    fn imported(&self, place: &Range<usize>, own: &str) -> Option<String> {
        let is_supplied = |module: &str| self.supplied.contains(&module);
        match statement(self.text.get(place.clone())?)? {
            Stmt::Import(import) => import.names.iter().find_map(|alias| {
                let module = alias.name.as_str();
                let name = alias.asname.as_ref().map_or(module, |name| name.as_str());
                (name == own && is_supplied(module)).then(|| module.to_owned())
            }),
            Stmt::ImportFrom(import) if import.level == 0 => {
                let module = import.module.as_ref()?.as_str();
                import.names.iter().find_map(|alias| {
                    let name = alias.asname.as_ref().unwrap_or(&alias.name).as_str();
                    (name == own && is_supplied(module)).then(|| format!("{module}.{}", alias.name))
                })
            }
            _ => None,
        }
    }
}

/// Gathers the paths of all calls, and the texts that stand elsewhere.
struct Walk<'a> {
    calls: &'a Calls<'a>,
    found: Vec<RemotePath>,
    elsewhere: Vec<Vec<u8>>,
    /// How many statements are around that catch the error of a file that is not there.
    forgiving: u32,
}

impl Walk<'_> {
    fn attempt(&mut self, attempt: &ast::StmtTry) {
        const CAUGHT: [&str; 6] = [
            "OSError",
            "IOError",
            "EnvironmentError",
            "FileNotFoundError",
            "Exception",
            "BaseException",
        ];
        fn catches(caught: &Expr) -> bool {
            match caught {
                Expr::Tuple(several) => several.elts.iter().any(catches),
                other => dotted(other)
                    .and_then(|parts| parts.last().copied())
                    .is_some_and(|name| CAUGHT.contains(&name)),
            }
        }
        let mut handlers = attempt.handlers.iter();
        let forgives = handlers.any(|ast::ExceptHandler::ExceptHandler(handler)| {
            handler.type_.as_deref().is_none_or(catches)
        });
        self.forgiving += u32::from(forgives);
        attempt.body.iter().for_each(|stmt| self.visit_stmt(stmt));
        self.forgiving -= u32::from(forgives);
        for ast::ExceptHandler::ExceptHandler(handler) in &attempt.handlers {
            handler.body.iter().for_each(|stmt| self.visit_stmt(stmt));
        }
        let rest = attempt.orelse.iter().chain(&attempt.finalbody);
        rest.for_each(|stmt| self.visit_stmt(stmt));
    }
}

impl<'a> Visitor<'a> for Walk<'_> {
    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        match stmt {
            Stmt::Try(attempt) => with_stack(|| self.attempt(attempt)),
            _ => with_stack(|| walk_stmt(self, stmt)),
        }
    }

    fn visit_expr(&mut self, expr: &'a Expr) {
        match expr {
            Expr::Call(call) => {
                let mut paths = self.calls.paths(call);
                for path in &mut paths {
                    path.may_be_missing = self.forgiving > 0;
                }
                self.found.append(&mut paths);
            }
            Expr::StringLiteral(_) => {
                let range = range_of(expr);
                let mut latest = self.found.iter().rev().take(2);
                let is_path = latest.any(|path| path.literal.range == range);
                if !is_path && let Some(text) = constant_text(expr) {
                    self.elsewhere.push(text.as_bytes().to_vec());
                }
            }
            _ => {}
        }
        walk_into(self, expr);
    }
}
