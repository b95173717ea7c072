//! What the user asked to run, found in the file.

use std::collections::BTreeSet;
use std::ops::Range;

use hoist_syntax::LineIndex;
use hoist_syntax::scopes::{BindingKind, Name, ScopeId, ScopeKind};
use hoist_syntax::strict::{self, CallArguments};

use super::types::{EntryCall, Refusal};
use super::{Objections, cut, refuse, signature};
use crate::captures::Root;
use crate::place::{self, Place};
use crate::python::{Source, ast, range_of, start_of};
use crate::runnables::parent_of;
use crate::{Code, EntrySpec};
use ast::Stmt;

/// An entry with its place.
pub(super) struct Aim {
    /// As it is told to the user: lines that hold one function become its name.
    pub(super) entry: EntrySpec,
    /// What the runner does.
    pub(super) call: EntryCall,
    pub(super) qualname: String,
    /// The function's scope.
    pub(super) scope: Option<ScopeId>,
    /// A nested one is carried out of the function around it.
    pub(super) root: Option<Root>,
    /// The name of the module through which it is reached.
    pub(super) module_name: Option<Name>,
    pub(super) name_range: Range<usize>,
    /// The statements of lines.
    pub(super) units: BTreeSet<usize>,
}

/// Finds the entry, or says why there is none.
pub(super) fn find(source: &Source, entry: &EntrySpec) -> Result<Aim, Refusal> {
    match entry {
        EntrySpec::Name(name) => by_name(source, name),
        EntrySpec::Lines { first, last } => by_lines(source, *first, *last),
    }
}

/// Lines of a main block run as they do when the file is started: the block around them is opened.
pub(super) fn open_main(source: Source, entry: &EntrySpec) -> Source {
    let EntrySpec::Lines { first, last } = entry else {
        return source;
    };
    let lines = source.document.lines().clone();
    source.open_main_blocks(|block| {
        let extent = extent_of(&lines, block);
        extent.start < *last && *first <= extent.end + 1
    })
}

/// The lines of a main block without its other branches, from 0; the end is included.
fn extent_of(lines: &LineIndex, block: &ast::StmtIf) -> Range<u32> {
    let end = block
        .body
        .last()
        .map_or(start_of(block), |stmt| range_of(stmt).end.saturating_sub(1));
    lines.line_of(start_of(block))..lines.line_of(end)
}

/// The statements of lines; the header of a main block stands for the whole of it.
fn units_of_lines(source: &Source, first: u32, last: u32) -> Vec<usize> {
    let units = cut::units_in(source, first, last);
    if !units.is_empty() {
        return units;
    }
    let lines = source.document.lines();
    let is_header = |stmt: &&Stmt| {
        matches!(stmt, Stmt::If(choice)
        if crate::python::is_main_test(&choice.test) && (first..=last).contains(&lines.line_of(start_of(choice))))
    };
    match source.written().iter().find(is_header) {
        Some(Stmt::If(block)) => {
            let extent = extent_of(lines, block);
            cut::units_in(source, extent.start, extent.end)
        }
        _ => units,
    }
}

fn by_name(source: &Source, name: &str) -> Result<Aim, Refusal> {
    let entry = EntrySpec::Name(name.to_owned());
    let Some(place) = place::find(&source.scopes, source.text(), name) else {
        return Err(no_such(source, name));
    };
    let refuse = |code: Code, message: String| {
        let line = source.line(place.name_range.start);
        Err(refuse::refusal(
            code,
            message,
            Some(line),
            place.name_range.clone(),
            Some(&entry),
        ))
    };
    if guards(source)
        .iter()
        .any(|guard| guard.contains(&place.name_range.start))
    {
        return refuse(
            Code::OnlyUnderMain,
            format!(
                "`{name}` is defined under `if __name__ == \"__main__\":`, which never runs in a job; define it at module level"
            ),
        );
    }
    match place.binding {
        BindingKind::Class => {
            return refuse(
                Code::NotRunnable,
                format!(
                    "`{name}` is a class; name a function, or a static or class method such as `{name}.run`"
                ),
            );
        }
        BindingKind::Parameter
        | BindingKind::For
        | BindingKind::With
        | BindingKind::Except
        | BindingKind::Match
            if place.root.is_some() =>
        {
            return refuse(
                Code::NotRunnable,
                format!("`{name}` is a value inside of a function, not a function"),
            );
        }
        _ => {}
    }
    if let Some(property) = property_of(source, &place) {
        return refuse(
            Code::NotRunnable,
            format!(
                "`{name}` is a property (`{property}`), which is read from an instance and cannot be run; call it from a function"
            ),
        );
    }
    let scope = place.scope.map(|id| source.scopes.get(id));
    let module_name = match &place.root {
        Some(_) => None,
        None => place.path.split('.').next().map(Name::new),
    };
    Ok(Aim {
        call: EntryCall::Function {
            qualname: place.path.clone(),
            source_qualname: name.to_owned(),
            is_async: scope.is_some_and(|scope| scope.is_async),
            is_generator: scope.is_some_and(|scope| scope.is_generator),
        },
        qualname: name.to_owned(),
        scope: place.scope,
        root: place.root.clone(),
        module_name,
        name_range: place.name_range.clone(),
        units: BTreeSet::new(),
        entry,
    })
}

/// The main blocks' bodies.
fn guards(source: &Source) -> Vec<Range<usize>> {
    source
        .body()
        .iter()
        .filter_map(|stmt| match stmt {
            Stmt::If(choice) if crate::python::is_main_test(&choice.test) => {
                Some(range_of(choice.body.first()?).start..range_of(choice.body.last()?).end)
            }
            _ => None,
        })
        .collect()
}

/// The decorator that makes a property of a method.
fn property_of(source: &Source, place: &Place) -> Option<String> {
    let scope = source.scopes.get(place.scope?);
    if source.scopes.get(place.parent).kind != ScopeKind::Class {
        return None;
    }
    scope.decorators.iter().find_map(|range| {
        let decorator = source
            .text()
            .get(range.clone())?
            .trim_start_matches('@')
            .trim();
        let last = decorator.rsplit('.').next().unwrap_or(decorator);
        [
            "property",
            "cached_property",
            "setter",
            "getter",
            "deleter",
            "abstractproperty",
        ]
        .contains(&last)
        .then(|| format!("@{decorator}"))
    })
}

fn no_such(source: &Source, name: &str) -> Refusal {
    let mut known: Vec<String> = source
        .scopes
        .functions()
        .map(|id| source.scopes.get(id).qualname.clone())
        .filter(|name| !name.ends_with("__"))
        .collect();
    known.dedup();
    let last = name.rsplit('.').next().unwrap_or(name);
    let mut near: Vec<(usize, &String)> = known
        .iter()
        .map(|other| {
            let other_last = other.rsplit('.').next().unwrap_or(other);
            let distance =
                distance(name, other).min(distance(last, other_last) + usize::from(name != other));
            (distance, other)
        })
        .filter(|(distance, _)| *distance <= 2.max(last.chars().count() / 2))
        .collect();
    near.sort();
    let names: Vec<String> = near
        .into_iter()
        .take(3)
        .map(|(_, name)| name.clone())
        .collect();
    let hint = if !names.is_empty() {
        format!(
            "; did you mean {}?",
            refuse::listed(&names).replace(" and ", " or ")
        )
    } else if known.is_empty() {
        "; the file defines no functions".to_owned()
    } else {
        let some: Vec<String> = known
            .iter()
            .filter(|name| !name.contains("<locals>"))
            .take(5)
            .cloned()
            .collect();
        format!("; it has {}", refuse::listed(&some))
    };
    let entry = EntrySpec::Name(name.to_owned());
    refuse::refusal(
        Code::NoSuchEntry,
        format!("there is no function `{name}` in this file{hint}"),
        None,
        0..0,
        Some(&entry),
    )
}

/// Levenshtein's distance in characters.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.chars().enumerate() {
        let mut before = row[0];
        row[0] = i + 1;
        for (j, cb) in b.iter().enumerate() {
            let changed = before + usize::from(ca != *cb);
            before = row[j + 1];
            row[j + 1] = changed.min(before + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

fn by_lines(source: &Source, first: u32, last: u32) -> Result<Aim, Refusal> {
    let entry = EntrySpec::Lines { first, last };
    let refuse = |code: Code, message: String| {
        Err(refuse::refusal(
            code,
            message,
            Some(first),
            0..0,
            Some(&entry),
        ))
    };
    let units = units_of_lines(source, first.saturating_sub(1), last.saturating_sub(1));
    let lines = if first == last {
        format!("line {first}")
    } else {
        format!("lines {first} to {last}")
    };
    let [first_unit, ..] = units.as_slice() else {
        return refuse(
            Code::NoSuchEntry,
            format!("there is no statement on {lines}"),
        );
    };
    if let [only] = units.as_slice()
        && matches!(
            &source.body()[*only],
            Stmt::FunctionDef(_) | Stmt::ClassDef(_)
        )
    {
        let index = source.document.lines();
        let inner = source
            .scopes
            .functions()
            .map(|id| source.scopes.get(id))
            .filter(|scope| {
                index.line_of(scope.range.start) < first
                    && last <= index.line_of(scope.range.end.saturating_sub(1)) + 1
            })
            .max_by_key(|scope| scope.range.start);
        return match inner {
            Some(scope) => by_name(source, &scope.qualname),
            None => {
                let stmt = &source.body()[*only];
                if let Stmt::FunctionDef(def) = stmt {
                    return by_name(source, def.name.as_str());
                }
                refuse(
                    Code::NotRunnable,
                    format!("{lines} define a class, which is nothing to run; name a function"),
                )
            }
        };
    }
    let from = source.line(range_of(&source.body()[*first_unit]).start);
    let end = units
        .last()
        .map(|unit| range_of(&source.body()[*unit]))
        .unwrap_or(0..0);
    let to = source.line(end.end.saturating_sub(1).max(end.start));
    Ok(Aim {
        call: EntryCall::Statements {
            first: from,
            last: to,
        },
        qualname: entry.to_string(),
        scope: None,
        root: None,
        module_name: None,
        name_range: range_of(&source.body()[*first_unit]),
        units: units.into_iter().collect(),
        entry,
    })
}

/// Reads the arguments and checks them against the signature.
pub(super) fn arguments(
    source: &Source,
    aim: &Aim,
    args: Option<&str>,
    objections: &mut Objections,
) -> Result<CallArguments, Refusal> {
    let line = Some(source.line(aim.name_range.start));
    let refusal = |code, message| {
        refuse::refusal(
            code,
            message,
            line,
            aim.name_range.clone(),
            Some(&aim.entry),
        )
    };
    let given = match args.map(str::trim).filter(|args| !args.is_empty()) {
        None => CallArguments::default(),
        Some(args) => strict::arguments(args).map_err(|error| {
            refusal(
                Code::Arguments,
                format!(
                    "the arguments `{args}` are not those of a Python call: {}",
                    error.message
                ),
            )
        })?,
    };
    if matches!(aim.call, EntryCall::Statements { .. }) {
        if args.is_some_and(|args| !args.trim().is_empty()) {
            return Err(refusal(
                Code::Arguments,
                "lines take no arguments; name a function to give some".to_owned(),
            ));
        }
        return Ok(given);
    }
    let Some(id) = aim.scope else {
        return Ok(given);
    };
    let scope = source.scopes.get(id);
    let in_class = parent_of(&source.scopes, scope)
        .is_some_and(|id| source.scopes.get(id).kind == ScopeKind::Class);
    let mut skip = 0;
    let mut needs_instance = in_class;
    for range in &scope.decorators {
        let decorator = source.text().get(range.clone()).unwrap_or_default();
        match decorator.trim_start_matches('@').trim() {
            "staticmethod" => needs_instance = false,
            "classmethod" => {
                needs_instance = false;
                skip = 1;
            }
            other if is_transparent(source, other) => {}
            _ => return Ok(given),
        }
    }
    if in_class && ["__new__", "__init_subclass__", "__class_getitem__"].contains(&&*scope.name) {
        needs_instance = false;
    }
    let has_instance = given.positional > 0
        || given.has_star
        || given.has_double_star
        || scope.parameters.first().is_none_or(|first| {
            given
                .keywords
                .iter()
                .any(|keyword| **keyword == *first.name)
                || first.has_default
        });
    if needs_instance && !has_instance {
        let class = aim
            .qualname
            .rsplit_once('.')
            .map(|(class, _)| class)
            .unwrap_or_default();
        return Err(refusal(
            Code::InstanceMethod,
            format!(
                "`{}` is a method and needs an instance: give one as its first argument, such as `{class}(...)`, or run a function that makes one",
                aim.qualname
            ),
        ));
    }
    if let Err(message) = signature::check(&aim.qualname, scope, skip, &given) {
        objections.add(Code::Arguments, message, aim.name_range.clone(), &aim.entry);
    }
    Ok(given)
}

/// Does a decorator leave the signature as it is?
fn is_transparent(source: &Source, decorator: &str) -> bool {
    let name = decorator.split('(').next().unwrap_or(decorator).trim();
    let last = name.rsplit('.').next().unwrap_or(name);
    if [
        "abstractmethod",
        "cache",
        "cluster",
        "contextmanager",
        "deprecated",
        "final",
        "jit",
        "lru_cache",
        "memoize",
        "njit",
        "no_grad",
        "override",
        "profile",
        "timeit",
        "typechecked",
    ]
    .contains(&last)
        && !source
            .scopes
            .functions()
            .any(|id| *source.scopes.get(id).name == *last)
    {
        return true;
    }
    // A decorator of this module whose wrapper passes everything on.
    source
        .scopes
        .functions()
        .map(|id| source.scopes.get(id))
        .any(|scope| {
            if *scope.name != *last {
                return false;
            }
            let text = source
                .text()
                .get(scope.body_range.clone())
                .unwrap_or_default();
            let compact: String = text.chars().filter(|c| !c.is_whitespace()).collect();
            compact.contains("(*args,**kwargs)")
                && !compact.contains(",*args")
                && compact.contains("(*args,**kwargs):")
        })
}
