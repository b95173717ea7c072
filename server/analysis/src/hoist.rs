//! The edit that takes a nested function to the top level of its module.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use hoist_syntax::Document;
use hoist_syntax::scopes::{
    BindingKind, DeclarationKind, Name, ParameterKind, Scope, ScopeId, ScopeKind, Scopes,
};
use hoist_syntax::strict;

use crate::finding::apply;
use crate::opening::{at_start_of, line_break_of};
use crate::place;
use crate::python::{ast, block_of, nodes_around, range_of};
use crate::uses::{Home, Use, Uses};
use crate::{Edit, Fix};
use ast::token::TokenKind;
use ast::{AnyNodeRef, Expr, ModModule};

/// The edits that put a nested function above the top-level statement that holds it, under the same name where that is free.
/// What it captures becomes parameters, and its callers pass them; imports move into its body. White space inside of strings
/// is not touched. None when the function is not nested, or cannot be moved without changing what it means (`nonlocal`,
/// `super()`, private names, captures in its own header, more than one definition).
pub fn hoist_edits(document: &Document, qualname: &str) -> Option<Fix> {
    let scopes = document.scopes();
    edits(document, &scopes, &Uses::read(scopes.clone()), qualname)
}

/// The same for who has read the names already.
pub(crate) fn edits(
    document: &Document,
    scopes: &Scopes,
    uses: &Uses,
    qualname: &str,
) -> Option<Fix> {
    let place = place::find(scopes, document.text(), qualname)?;
    let root = place.root.clone()?;
    let id = place.scope?;
    if place.binding != BindingKind::Def || root.statement != place.statement {
        return None;
    }
    let mover = Mover {
        document,
        module: document.statements_at(root.statement.start),
        scopes,
        uses,
        id,
        root: root.statement.clone(),
        owner: root.function,
        name: root.name,
    };
    mover.fix()
}

/// The edits after which a function gets values as parameters, under the names by which it reads them, and its callers pass
/// them. None when it has more than one definition, or cannot get them where it stands.
pub(crate) fn parameters(
    document: &Document,
    scopes: &Scopes,
    uses: &Uses,
    qualname: &str,
    names: &[String],
) -> Option<Fix> {
    let (mover, home) = Mover::of(document, scopes, uses, qualname)?;
    let mut bindings = uses
        .of(home, &mover.name)
        .filter(|a_use| a_use.binding.is_some());
    let (Some(_), None, false) = (bindings.next(), bindings.next(), names.is_empty()) else {
        return None;
    };
    if !mover.may_take(names) {
        return None;
    }
    let mut edits = vec![mover.new_parameters(names)?];
    for a_use in uses.of(home, &mover.name) {
        if a_use.binding.is_none() {
            edits.extend(mover.reference(&a_use, &mover.name, names)?);
        }
    }
    edits.sort_by_key(|edit| edit.range.start);
    let title = format!("Pass {} to `{}` as a parameter", quoted(names), mover.name);
    Some(Fix::here(title, edits))
}

/// The edit that puts imports at the beginning of a function's body.
pub(crate) fn imports(
    document: &Document,
    scopes: &Scopes,
    uses: &Uses,
    qualname: &str,
    imports: &[String],
) -> Option<Fix> {
    let (mover, _) = Mover::of(document, scopes, uses, qualname)?;
    let edit = at_start_of(document, mover.definition()?, imports, "", "")?;
    let title = format!("Put {} into `{}`", quoted(imports), mover.name);
    Some(Fix::here(title, vec![edit]))
}

fn quoted(names: &[String]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}

struct Mover<'a> {
    document: &'a Document,
    /// At least the top-level statement that holds the function.
    module: Arc<ModModule>,
    scopes: &'a Scopes,
    uses: &'a Uses,
    id: ScopeId,
    root: Range<usize>,
    owner: ScopeId,
    name: Name,
}

impl<'a> Mover<'a> {
    /// A function that is bound by a `def`, and where its name lives.
    fn of(
        document: &'a Document,
        scopes: &'a Scopes,
        uses: &'a Uses,
        qualname: &str,
    ) -> Option<(Mover<'a>, Home)> {
        let place = place::find(scopes, document.text(), qualname)?;
        let id = place.scope?;
        if place.binding != BindingKind::Def {
            return None;
        }
        let (owner, home) = match &place.root {
            Some(root) if root.statement == place.statement => {
                (root.function, Home::Scope(root.function))
            }
            None if place.parent == scopes.module() => (scopes.module(), Home::Module),
            _ => return None,
        };
        let mover = Mover {
            document,
            module: document.statements_at(place.statement.start),
            scopes,
            uses,
            id,
            root: place.statement,
            owner,
            name: scopes.get(id).name.clone(),
        };
        Some((mover, home))
    }

    fn text(&self, range: Range<usize>) -> &str {
        self.document.text().get(range).unwrap_or_default()
    }

    fn scope(&self) -> &Scope {
        self.scopes.get(self.id)
    }

    fn fix(&self) -> Option<Fix> {
        if !self.can_move() {
            return None;
        }
        let captured = self.captured()?;
        let name = self.new_name();
        let mut parameters: Vec<String> = Vec::new();
        let mut imports: Vec<String> = Vec::new();
        for (captured, import) in &captured {
            match import {
                Some(statement) => {
                    let line = self.text(statement.clone()).to_owned();
                    if !imports.contains(&line) {
                        imports.push(line);
                    }
                }
                None => parameters.push(captured.to_string()),
            }
        }
        let mut outer: Vec<Edit> = Vec::new();
        let mut inner: Vec<Edit> = Vec::new();
        if name != *self.name {
            inner.push(Edit {
                range: self.scope().name_range.clone(),
                text: name.clone(),
            });
        }
        if !parameters.is_empty() {
            inner.push(self.new_parameters(&parameters)?);
        }
        if !imports.is_empty() {
            inner.push(self.new_imports(&imports)?);
        }
        for a_use in self.uses.of(Home::Scope(self.owner), &self.name) {
            if a_use.binding.is_some() {
                continue;
            }
            let edits = self.reference(&a_use, &name, &parameters)?;
            let inside = self.root.contains(&a_use.range.start);
            if inside {
                inner.extend(edits)
            } else {
                outer.extend(edits)
            }
        }
        let moved = self.moved(inner)?;
        outer.push(self.insertion(&moved)?);
        outer.push(self.removal()?);
        outer.sort_by_key(|edit| edit.range.start);
        let title = format!("Hoist `{}` to module level", self.name);
        Some(Fix::here(title, outer))
    }

    /// Is there nothing that ties it to its place?
    fn can_move(&self) -> bool {
        let bindings = self
            .uses
            .of(Home::Scope(self.owner), &self.name)
            .filter(|a_use| a_use.binding.is_some())
            .count();
        if bindings != 1 {
            return false;
        }
        for scope in self.scopes.nested(self.id) {
            let inner = self.scopes.get(scope);
            let outside = |name: &str| match crate::uses::home(self.scopes, scope, name) {
                Home::Module => true,
                Home::Scope(owner) => {
                    let range = &self.scopes.get(owner).range;
                    range.start < self.root.start || range.end > self.root.end
                }
            };
            let reaches_out = inner.declarations.iter().any(|declaration| {
                declaration.kind == DeclarationKind::Nonlocal && outside(&declaration.name)
            });
            if reaches_out || (inner.symbols.contains("__class__") && outside("__class__")) {
                return false;
            }
        }
        let mut holder = Some(self.owner);
        let mut in_class = false;
        while let Some(id) = holder {
            in_class |= self.scopes.get(id).kind == ScopeKind::Class;
            holder = self.scopes.get(id).parent;
        }
        !(in_class && self.has_private_names())
    }

    fn has_private_names(&self) -> bool {
        self.text(self.root.clone())
            .split(|c: char| !(c.is_alphanumeric() || c == '_'))
            .any(|word| word.starts_with("__") && !word.ends_with("__"))
    }

    /// What it takes from the functions around it; for an import, its statement. None when its header needs any of it.
    fn captured(&self) -> Option<BTreeMap<Name, Option<Range<usize>>>> {
        let mut captured = BTreeMap::new();
        let body = &self.scope().body_range;
        for a_use in self.uses.within(&self.root) {
            let Home::Scope(owner) = a_use.home else {
                continue;
            };
            let range = &self.scopes.get(owner).range;
            let is_inside = range.start >= self.root.start && range.end <= self.root.end;
            if is_inside || (owner == self.owner && a_use.name == self.name) {
                continue;
            }
            if !body.contains(&a_use.range.start) {
                return None;
            }
            let bindings: Vec<Cow<'_, Use>> = self
                .uses
                .of(a_use.home, &a_use.name)
                .filter(|other| other.binding.is_some())
                .collect();
            let import = match bindings.as_slice() {
                [only] if only.binding == Some(BindingKind::Import) => Some(only.statement.clone()),
                _ => None,
            };
            captured.insert(a_use.name.clone(), import);
        }
        Some(captured)
    }

    /// A name that is free at module level, and means nothing else where the function was.
    fn new_name(&self) -> String {
        let is_free = |name: &str| {
            let name = Name::new(name);
            self.uses.of(Home::Module, &name).next().is_none()
        };
        if is_free(&self.name) {
            return self.name.to_string();
        }
        let holder = self.scopes.get(self.owner);
        let mut name = format!("{}_{}", holder.name, self.name);
        while !is_free(&name) {
            name.push('_');
        }
        name
    }

    fn new_parameters(&self, names: &[String]) -> Option<Edit> {
        let scope = self.scope();
        let list = range_of(&*self.definition()?.parameters);
        let keywords = scope
            .parameters
            .iter()
            .find(|parameter| parameter.kind == ParameterKind::VarKeyword);
        let has_star = scope.parameters.iter().any(|parameter| {
            matches!(
                parameter.kind,
                ParameterKind::VarPositional | ParameterKind::KeywordOnly
            )
        });
        let has_default = scope
            .parameters
            .iter()
            .any(|parameter| parameter.has_default);
        let needs_star = !has_star && (has_default || keywords.is_some());
        let mut added = names.join(", ");
        if needs_star {
            added = format!("*, {added}");
        }
        if let Some(keywords) = keywords {
            // Before the two stars.
            let before = self.text(list.start..keywords.range.start);
            let at = list.start + before.rfind("**")?;
            return Some(Edit {
                range: at..at,
                text: format!("{added}, "),
            });
        }
        let close = list.end - 1;
        let between = self.text(list.start + 1..close);
        let last = scope.parameters.last().map(|parameter| {
            parameter
                .default
                .as_ref()
                .or(parameter.annotation.as_ref())
                .map_or(parameter.range.end, |range| range.end)
        });
        let Some(last) = last else {
            return between.trim().is_empty().then_some(Edit {
                range: close..close,
                text: added,
            });
        };
        let after = self.text(last..close);
        if after.contains('#') || after.contains('*') {
            return None;
        }
        let text = if after.trim_start().starts_with('/') {
            let at = close;
            return Some(Edit {
                range: at..at,
                text: format!(", {added}"),
            });
        } else {
            format!(", {added}")
        };
        Some(Edit {
            range: last..last,
            text,
        })
    }

    /// May these be parameters: is none of them one already, and none declared to live elsewhere?
    fn may_take(&self, names: &[String]) -> bool {
        let has = |name: &str| names.iter().any(|own| own == name);
        let is_parameter = self.scope().parameters.iter().any(|own| has(&own.name));
        let is_declared = self.scopes.nested(self.id).into_iter().any(|id| {
            let declared = &self.scopes.get(id).declarations;
            declared.iter().any(|declared| has(&declared.name))
        });
        !is_parameter && !is_declared
    }

    fn new_imports(&self, imports: &[String]) -> Option<Edit> {
        // In the text as it will stand at the top level.
        let own = self.indentation(self.document.lines().line_of(self.root.start));
        at_start_of(self.document, self.definition()?, imports, "", own)
    }

    /// A place that names the function: a call passes what it captured; anything else gets a function that does.
    fn reference(&self, a_use: &Use, name: &str, parameters: &[String]) -> Option<Vec<Edit>> {
        let renamed = name != &*self.name;
        if parameters.is_empty() {
            let edit = Edit {
                range: a_use.range.clone(),
                text: name.to_owned(),
            };
            return Some(if renamed { vec![edit] } else { Vec::new() });
        }
        let passed: Vec<String> = parameters
            .iter()
            .map(|name| format!("{name}={name}"))
            .collect();
        let passed = passed.join(", ");
        let module = self.document.statements_at(a_use.range.start);
        if let Some(arguments) = arguments_of(&module, &a_use.range) {
            let list = range_of(arguments);
            let between = list.start + 1..list.end - 1;
            let last = arguments.iter_source_order().last();
            let behind = last.map_or(between.start, |last| range_of(&last).end);
            // A comment may end the list; then the new arguments stand on the last line all the same.
            if self.text(behind..between.end).contains('#') {
                return None;
            }
            let mut edits = Vec::new();
            if renamed {
                edits.push(Edit {
                    range: a_use.range.clone(),
                    text: name.to_owned(),
                });
            }
            let tail = self.text(between.clone()).trim_end();
            let end = between.start + tail.len();
            let (at, text) = match last {
                None => (between.end, passed),
                Some(_) if tail.ends_with(',') => (between.end, format!(" {passed}")),
                Some(_) => (end, format!(", {passed}")),
            };
            edits.push(Edit {
                range: at..at,
                text,
            });
            return Some(edits);
        }
        let text = format!("(lambda *args, **kwargs: {name}(*args, {passed}, **kwargs))");
        Some(vec![Edit {
            range: a_use.range.clone(),
            text,
        }])
    }

    /// The function's text at the top level: inner edits applied, indentation taken away from lines that do not begin inside
    /// of a string.
    fn moved(&self, mut inner: Vec<Edit>) -> Option<String> {
        let lines = self.document.lines();
        let text = self.document.text();
        let first = lines.line_of(self.root.start);
        let last = lines.line_of(self.root.end.saturating_sub(1));
        let indentation = self.indentation(first).to_owned();
        let strings = self.multi_line_strings();
        for line in first..=last {
            let range = lines.line_range(text, line);
            if strings
                .iter()
                .any(|string| string.start < range.start && range.start < string.end)
            {
                continue;
            }
            let content = text.get(range.clone())?;
            let common = content
                .bytes()
                .zip(indentation.bytes())
                .take_while(|(own, taken)| own == taken)
                .count();
            if common > 0 {
                inner.push(Edit {
                    range: range.start..range.start + common,
                    text: String::new(),
                });
            }
        }
        let start = lines.line_start(first);
        let end = lines.line_range(text, last).end;
        let own = text.get(start..end)?;
        let shifted: Vec<Edit> = inner
            .into_iter()
            .map(|edit| Edit {
                range: edit.range.start - start..edit.range.end - start,
                text: edit.text,
            })
            .collect();
        Some(apply(own, &shifted))
    }

    /// Strings that span lines.
    fn multi_line_strings(&self) -> Vec<Range<usize>> {
        let mut strings = Vec::new();
        let mut open = Vec::new();
        for (kind, place) in strict::tokens(self.text(self.root.clone())) {
            let place = self.root.start + place.start..self.root.start + place.end;
            match kind {
                TokenKind::String => strings.push(place),
                TokenKind::FStringStart | TokenKind::TStringStart => open.push(place.start),
                TokenKind::FStringEnd | TokenKind::TStringEnd => {
                    strings.extend(open.pop().map(|start| start..place.end));
                }
                _ => {}
            }
        }
        let lines = self.document.lines();
        strings.retain(|string| lines.line_of(string.start) != lines.line_of(string.end - 1));
        strings
    }

    /// Above the top-level statement, and above the comments that stand right above that.
    fn insertion(&self, moved: &str) -> Option<Edit> {
        let top = self.module.body.iter().map(range_of).find(|statement| {
            statement.start <= self.root.start && self.root.end <= statement.end
        })?;
        let lines = self.document.lines();
        let text = self.document.text();
        let mut line = lines.line_of(top.start);
        while line > 0 {
            let above = text.get(lines.line_range(text, line - 1))?;
            if !above.starts_with('#') || above.starts_with("#!") {
                break;
            }
            line -= 1;
        }
        let at = lines.line_start(line);
        let break_ = line_break_of(self.document.text());
        Some(Edit {
            range: at..at,
            text: format!("{moved}{break_}{break_}{break_}"),
        })
    }

    /// The old lines go; a block that would be empty gets a `pass`.
    fn removal(&self) -> Option<Edit> {
        let lines = self.document.lines();
        let text = self.document.text();
        let first = lines.line_of(self.root.start);
        let last = lines.line_of(self.root.end.saturating_sub(1));
        let start = lines.line_start(first);
        let end = if last + 1 < lines.line_count() {
            lines.line_start(last + 1)
        } else {
            text.len()
        };
        let block = block_of(&self.module.body, &self.root)?;
        let replacement = if block.len() <= 1 {
            format!(
                "{}pass{}",
                self.indentation(first),
                line_break_of(self.document.text())
            )
        } else {
            String::new()
        };
        Some(Edit {
            range: start..end,
            text: replacement,
        })
    }

    fn indentation(&self, line: u32) -> &str {
        let text = self.document.text();
        let content = text
            .get(self.document.lines().line_range(text, line))
            .unwrap_or_default();
        let end = content
            .find(|c: char| c != ' ' && c != '\t')
            .unwrap_or(content.len());
        content.get(..end).unwrap_or_default()
    }

    /// The function itself.
    fn definition(&self) -> Option<&ast::StmtFunctionDef> {
        let name = &self.scope().name_range;
        let around = nodes_around(&self.module.body, name);
        around.into_iter().find_map(|node| match node {
            AnyNodeRef::StmtFunctionDef(definition) if range_of(&definition.name) == *name => {
                Some(definition)
            }
            _ => None,
        })
    }
}

/// What is passed in the parentheses behind a name, when it is called there.
fn arguments_of<'m>(module: &'m ModModule, name: &Range<usize>) -> Option<&'m ast::Arguments> {
    let around = nodes_around(&module.body, name);
    let [AnyNodeRef::ExprName(name), AnyNodeRef::ExprCall(call), ..] = around.as_slice() else {
        return None;
    };
    let is_generator =
        matches!(&*call.arguments.args, [Expr::Generator(inner)] if !inner.parenthesized);
    let is_called = matches!(&*call.func, Expr::Name(function) if function.range == name.range);
    (is_called && !is_generator).then_some(&call.arguments)
}
