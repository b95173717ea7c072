//! The edits that take an import of the module into the only function that uses it.
//!
//! A local module travels whole, so what stands at its top must succeed for each of its functions; an import inside of the
//! function that needs it is asked for only there. The move is offered where the rest of the file cannot tell the difference:
//! one binding, read in one function alone, and by no way that goes past the names.

use std::cell::OnceCell;
use std::collections::BTreeSet;
use std::ops::Range;
use std::path::Path;

use hoist_syntax::Document;
use hoist_syntax::scopes::{DeclarationKind, ScopeId, ScopeKind};

use crate::opening::at_start_of;
use crate::python::{
    Source, ast, constant_text, dotted, nodes_around, range_of, start_of, with_stack,
};
use crate::uses::Home;
use crate::{Edit, Fix};
use ast::visitor::{Visitor, walk_annotation, walk_expr, walk_stmt};
use ast::{Alias, AnyNodeRef, Expr, Stmt};

/// The moves that can be offered for the imports that a range touches: of one name of a statement where the range lies in it,
/// else of all.
pub fn moves_of_imports(path: &Path, document: &Document, range: &Range<usize>) -> Vec<Fix> {
    let touches = |own: &Range<usize>| own.start <= range.end && range.start <= own.end;
    // Editors ask at each step of the cursor, and most of these are elsewhere.
    let scopes = document.scopes();
    if scopes.piece_at(range.start) == scopes.piece_at(range.end) {
        let module = document.statements_at(range.start);
        let mut imports = module.body.iter().filter(|stmt| names_of(stmt).is_some());
        if !imports.any(|stmt| touches(&range_of(stmt))) {
            return Vec::new();
        }
    }
    let Ok(source) = Source::of(document) else {
        return Vec::new();
    };
    let touched = source.body().iter().filter_map(|stmt| {
        let names = names_of(stmt)?;
        let place = range_of(stmt);
        let of_name = |alias: &&Alias| {
            let own = range_of(*alias);
            own.start <= range.start && range.end <= own.end
        };
        touches(&place).then(|| names.iter().find(of_name).map_or(place, range_of))
    });
    let moves = Moves::of(path, &source);
    touched.filter_map(|place| moves.edits(&place)).collect()
}

/// What could move in a module.
pub(crate) struct Moves<'a> {
    path: &'a Path,
    source: &'a Source,
    /// Found out when the first move is asked for.
    surroundings: OnceCell<Surroundings<'a>>,
}

impl<'a> Moves<'a> {
    pub(crate) fn of(path: &'a Path, source: &'a Source) -> Moves<'a> {
        Moves {
            path,
            source,
            surroundings: OnceCell::new(),
        }
    }

    /// The move of an import: of a whole statement at the top level of the module, or of one of its names. `place` is the range
    /// of either.
    pub(crate) fn edits(&self, place: &Range<usize>) -> Option<Fix> {
        // What stands there is there to be taken from there.
        if self
            .path
            .file_name()
            .is_some_and(|name| name == "__init__.py")
        {
            return None;
        }
        let source = self.source;
        let body = source.body();
        let index = body
            .partition_point(|stmt| start_of(stmt) <= place.start)
            .checked_sub(1)?;
        let moved = Moved::of(body, index, place)?;
        let target = moved.only_reader(source)?;
        let surroundings = self.surroundings.get_or_init(|| Surroundings::read(source));
        if is_compiled(source, target) || !surroundings.spare(&moved, source, target) {
            return None;
        }
        let scope = source.scopes.get(target);
        let around = nodes_around(body, &scope.name_range);
        let function = around.iter().find_map(|node| match node {
            AnyNodeRef::StmtFunctionDef(function)
                if range_of(&function.name) == scope.name_range =>
            {
                Some(function)
            }
            _ => None,
        })?;
        let (removal, comment) = moved.removal(source);
        let code = moved.code(source);
        let insertion = at_start_of(
            &source.document,
            function,
            std::slice::from_ref(&code),
            comment,
            "",
        )?;
        let title = format!("Move `{}` into `{}`", moved.written(), scope.qualname);
        let mut edits = vec![insertion, removal];
        edits.sort_by_key(|edit| edit.range.start);
        Some(Fix::here(title, edits))
    }
}

/// The names of an import.
fn names_of(stmt: &Stmt) -> Option<&[Alias]> {
    match stmt {
        Stmt::Import(import) => Some(&import.names),
        Stmt::ImportFrom(import) => Some(&import.names),
        _ => None,
    }
}

/// What of an import moves.
struct Moved<'a> {
    body: &'a [Stmt],
    index: usize,
    names: &'a [Alias],
    /// Which of the names.
    which: Range<usize>,
}

impl<'a> Moved<'a> {
    fn of(body: &'a [Stmt], index: usize, place: &Range<usize>) -> Option<Moved<'a>> {
        let stmt = body.get(index)?;
        let names = names_of(stmt)?;
        let which = match range_of(stmt) == *place {
            true => 0..names.len(),
            false => {
                let at = names.iter().position(|alias| range_of(alias) == *place)?;
                at..at + 1
            }
        };
        let moved = Moved {
            body,
            index,
            names,
            which,
        };
        let is_of_the_future = matches!(stmt, Stmt::ImportFrom(import)
            if import.module.as_ref().is_some_and(|module| module.as_str() == "__future__"));
        let stays = moved.aliases().any(|alias| {
            // `import x as x` says that others may take it from here.
            let gives_away = alias
                .asname
                .as_ref()
                .is_some_and(|name| *name.id == *alias.name.id);
            alias.name.as_str() == "*" || gives_away || bound(alias).starts_with("__")
        });
        (!is_of_the_future && !stays).then_some(moved)
    }

    fn statement(&self) -> &'a Stmt {
        &self.body[self.index]
    }

    fn aliases(&self) -> impl Iterator<Item = &'a Alias> + use<'a> {
        self.names[self.which.clone()].iter()
    }

    /// The innermost function in which all reads of the names are; none where another place reads or binds one.
    fn only_reader(&self, source: &Source) -> Option<ScopeId> {
        let mut common: Option<Vec<ScopeId>> = None;
        let place = range_of(self.statement());
        for alias in self.aliases() {
            let mut read = false;
            let mut bindings = 0;
            for a_use in source.uses.of(Home::Module, bound(alias)) {
                if a_use.binding.is_some() {
                    bindings += 1;
                    if !place.contains(&a_use.range.start) {
                        return None;
                    }
                    continue;
                }
                read = true;
                let around = functions_around(source, a_use.scope);
                common = Some(match common {
                    None => around,
                    Some(common) => common
                        .into_iter()
                        .zip(around)
                        .take_while(|(one, other)| one == other)
                        .map(|(one, _)| one)
                        .collect(),
                });
            }
            if !read || bindings != 1 {
                return None;
            }
        }
        common?.last().copied()
    }

    /// The top-level packages of which the import loads modules that `import package` elsewhere in the file would then have.
    fn tops(&self) -> Vec<&'a str> {
        let top = |name: &'a str| name.split('.').next().unwrap_or_default();
        match self.statement() {
            Stmt::ImportFrom(import) if import.level == 0 => {
                import.module.iter().map(|module| top(&module.id)).collect()
            }
            Stmt::ImportFrom(_) => Vec::new(),
            _ => self
                .aliases()
                .filter(|alias| alias.name.contains('.'))
                .map(|alias| top(&alias.name.id))
                .collect(),
        }
    }

    /// The statement that is to stand in the function.
    fn code(&self, source: &Source) -> String {
        let text = |range: Range<usize>| source.text().get(range).unwrap_or_default();
        if self.which.len() == self.names.len() {
            return text(range_of(self.statement())).to_owned();
        }
        self.written()
    }

    /// The same on one line.
    fn written(&self) -> String {
        let names: Vec<String> = self
            .aliases()
            .map(|alias| match &alias.asname {
                Some(name) => format!("{} as {name}", alias.name),
                None => alias.name.to_string(),
            })
            .collect();
        let names = names.join(", ");
        match self.statement() {
            Stmt::ImportFrom(import) => {
                let dots = ".".repeat(import.level as usize);
                let module = import.module.as_ref().map_or("", |module| module.as_str());
                format!("from {dots}{module} import {names}")
            }
            _ => format!("import {names}"),
        }
    }

    /// Takes the names away, with the statement and its lines where nothing else is left on them; then with the comment
    /// behind it, which goes along.
    fn removal<'s>(&self, source: &'s Source) -> (Edit, &'s str) {
        let removed = |range: Range<usize>| Edit {
            range,
            text: String::new(),
        };
        if self.which.len() < self.names.len() {
            let own = range_of(&self.names[self.which.start]);
            let range = match self.names.get(self.which.end) {
                Some(next) => own.start..start_of(next),
                None => range_of(&self.names[self.which.start - 1]).end..own.end,
            };
            return (removed(range), "");
        }
        let text = source.text();
        let lines = source.document.lines();
        let own = range_of(self.statement());
        let is_on = |line: u32, at: usize| lines.line_of(at) == line;
        let (first, last) = (lines.line_of(own.start), lines.line_of(own.end));
        let before = self
            .index
            .checked_sub(1)
            .map(|index| range_of(&self.body[index]).end)
            .filter(|end| is_on(first, *end));
        let after = self
            .body
            .get(self.index + 1)
            .map(start_of)
            .filter(|start| is_on(last, *start));
        match (before, after) {
            (_, Some(next)) => (removed(own.start..next), ""),
            (Some(end), None) => (removed(end..own.end), ""),
            (None, None) => {
                let line = lines.line_range(text, last);
                let rest = text.get(own.end..line.end).unwrap_or_default();
                let end = match last + 1 < lines.line_count() {
                    true => lines.line_start(last + 1),
                    false => text.len(),
                };
                let comment = rest.trim_start_matches([' ', '\t', ';']).trim_end();
                (removed(lines.line_start(first)..end), comment)
            }
        }
    }
}

/// The name that one of an import's names binds.
fn bound(alias: &Alias) -> &str {
    match &alias.asname {
        Some(name) => name.as_str(),
        None => alias.name.split('.').next().unwrap_or_default(),
    }
}

/// The functions around a scope, with it, from the outermost on.
fn functions_around(source: &Source, scope: ScopeId) -> Vec<ScopeId> {
    let mut around = Vec::new();
    let mut at = Some(scope);
    while let Some(id) = at {
        let scope = source.scopes.get(id);
        if scope.kind == ScopeKind::Function {
            around.push(id);
        }
        at = scope.parent;
    }
    around.reverse();
    around
}

/// May the function be read by a compiler that knows no imports inside of functions?
fn is_compiled(source: &Source, target: ScopeId) -> bool {
    const COMPILERS: &[&str] = &[
        "cfunc",
        "cython",
        "guvectorize",
        "jit",
        "jitclass",
        "kernel",
        "njit",
        "numba",
        "pythran",
        "script",
        "stencil",
        "taichi",
        "transonic",
        "triton",
        "vectorize",
    ];
    let text = source.text();
    let mut at = Some(target);
    let mut by_decorator = false;
    while let Some(id) = at {
        let scope = source.scopes.get(id);
        by_decorator |= scope.decorators.iter().any(|range| {
            let decorator = text.get(range.clone()).unwrap_or_default();
            words_of(decorator).any(|word| COMPILERS.contains(&word))
        });
        at = scope.parent;
    }
    by_decorator
}

/// What in a module could miss a name at its top, although it does not read it by its name.
struct Surroundings<'a> {
    /// Names are looked for in ways that cannot be followed.
    is_opaque: bool,
    /// Where the places that modules are taken from were last named.
    last_path: Option<usize>,
    /// Words of doctests and of annotations that are texts, and the texts of a file with a list of what others may take.
    words: BTreeSet<&'a str>,
    /// What `global` declares, and what classes read before they bind it themselves.
    kept: BTreeSet<&'a str>,
    /// Names in annotations that are never evaluated, but may be read later all the same.
    annotated: Vec<(&'a str, Range<usize>)>,
    /// Plain imports, wherever they stand, by the top of what they name.
    plain: Vec<(&'a str, Range<usize>)>,
    is_exporting: bool,
}

impl<'a> Surroundings<'a> {
    fn read(source: &'a Source) -> Surroundings<'a> {
        let text = source.text();
        let reads_globals = ["eval", "exec", "globals"]
            .iter()
            .any(|reader| source.uses.of(Home::Module, reader).next().is_some());
        let looks_around = ["__dict__", "sys.modules", "get_type_hints", "getmembers"]
            .iter()
            .any(|word| text.contains(word));
        let is_compiled_by_call = ["jit(", "jitclass(", "vectorize("]
            .iter()
            .any(|call| text.contains(call));
        let mut found = Surroundings {
            is_opaque: reads_globals || looks_around || is_compiled_by_call,
            last_path: text.rfind("sys.path"),
            words: BTreeSet::new(),
            kept: BTreeSet::new(),
            annotated: Vec::new(),
            plain: Vec::new(),
            is_exporting: text.contains("__all__"),
        };
        let is_of_doctest = |line: &&str| line.starts_with(">>>") || line.starts_with("...");
        for line in text.lines().map(str::trim_start).filter(is_of_doctest) {
            found.words.extend(words_of(line));
        }
        for (_, scope) in source.scopes.iter() {
            let declared = scope.declarations.iter();
            let global = declared.filter(|one| one.kind == DeclarationKind::Global);
            found.kept.extend(global.map(|one| one.name.as_str()));
            if scope.is_detached {
                let references = scope.references.iter();
                found.annotated.extend(
                    references.map(|reference| (reference.name.as_str(), scope.range.clone())),
                );
            }
            if scope.kind == ScopeKind::Class {
                let read_and_bound = scope
                    .symbols
                    .iter()
                    .filter(|(_, symbol)| symbol.is_referenced && !symbol.resolution.is_global());
                found
                    .kept
                    .extend(read_and_bound.map(|(name, _)| name.as_str()));
            }
        }
        source.body().iter().for_each(|stmt| found.visit_stmt(stmt));
        found
    }

    /// Is there nothing that would miss the names?
    fn spare(&self, moved: &Moved<'_>, source: &Source, target: ScopeId) -> bool {
        let after = range_of(moved.statement()).end;
        let inside = &source.scopes.get(target).body_range;
        let is_outside =
            |range: &Range<usize>| range.start < inside.start || inside.end < range.end;
        let is_missed = |name: &str| {
            self.words.contains(name)
                || self.kept.contains(name)
                || self
                    .annotated
                    .iter()
                    .any(|(other, range)| *other == name && is_outside(range))
        };
        // Where modules are looked for may be another place by then.
        let moves_path = self.last_path.is_some_and(|at| at >= after);
        let tops = moved.tops();
        let is_own = |place: &Range<usize>| moved.aliases().any(|alias| range_of(alias) == *place);
        let loads_for_others = self
            .plain
            .iter()
            .any(|(top, place)| tops.contains(top) && !is_own(place));
        !self.is_opaque
            && !moves_path
            && !loads_for_others
            && !moved.aliases().map(bound).any(is_missed)
    }
}

/// The names in a text, and its other words.
fn words_of(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !(c.is_alphanumeric() || c == '_'))
        .filter(|word| !word.is_empty())
}

impl<'a> Visitor<'a> for Surroundings<'a> {
    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        if let Stmt::Import(import) = stmt {
            self.plain.extend(import.names.iter().map(|alias| {
                let top = alias.name.split('.').next().unwrap_or_default();
                (top, range_of(alias))
            }));
        }
        with_stack(|| walk_stmt(self, stmt));
    }

    fn visit_annotation(&mut self, annotation: &'a Expr) {
        struct Texts<'a>(Vec<&'a str>);
        impl<'a> Visitor<'a> for Texts<'a> {
            fn visit_expr(&mut self, expr: &'a Expr) {
                self.0.extend(constant_text(expr));
                with_stack(|| walk_expr(self, expr));
            }
        }
        let mut texts = Texts(Vec::new());
        texts.visit_expr(annotation);
        self.words.extend(texts.0.into_iter().flat_map(words_of));
        with_stack(|| walk_annotation(self, annotation));
    }

    fn visit_expr(&mut self, expr: &'a Expr) {
        match expr {
            Expr::StringLiteral(text) if self.is_exporting => {
                self.words.insert(text.value.to_str());
            }
            // All names there are, without a word of which is meant.
            Expr::Call(call) if call.arguments.is_empty() => {
                self.is_opaque |= matches!(
                    dotted(&call.func).as_deref(),
                    Some(["dir" | "locals" | "vars"])
                );
            }
            _ => {}
        }
        with_stack(|| walk_expr(self, expr));
    }
}
