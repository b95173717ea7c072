//! Slices: what of a module travels so that an entry runs as it does here.

mod aim;
mod computed;
mod cut;
mod data;
pub(crate) mod emit;
mod file_fixes;
mod folders;
pub(crate) mod inspect;
mod inspect_files;
mod judgement;
mod knowledge;
mod local;
pub(crate) mod paths;
mod program;
mod ranges;
mod readers;
mod reading;
pub(crate) mod refuse;
mod requirements;
mod signature;
mod stars;
mod tree;
mod types;
mod walk;
mod written;

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::Path;

use hoist_syntax::scopes::Name;
use hoist_syntax::strict;

pub(crate) use data::TOGETHER;
pub use inspect_files::data_pattern;
pub(crate) use tree::too_much;
pub use types::{
    EntryCall, FileKind, ImportOrigin, ImportedModule, OnTarget, Refusal, Requirement, Slice,
    SliceFile, StoredFile,
};

use crate::captures::{Carried, Judge, Obstacle, Root};
use crate::files::Files;
use crate::modules::{Collected, Import};
use crate::python::{Source, range_of, start_of};
use crate::uses::Home;
use crate::{Code, DataRules, EntrySpec, Finding, Module, Severity, include};
use aim::Aim;
use cut::{Cut, Want};
use reading::{Depth, Reading};

/// The slice of an entry: the lines of its module that it needs, with the local modules and data files beside it. It is
/// cut from a fresh parse of the text, checked by the strict parser, and refused when it could not run or would give
/// something else than here. `args` is what stands between the parentheses of the call.
pub fn slice(
    module: &Module<'_>,
    files: &dyn Files,
    entry: &EntrySpec,
    args: Option<&str>,
) -> Result<Slice, Refusal> {
    let wishes = Wishes {
        args,
        ..Wishes::default()
    };
    slice_as_wished(module, files, entry, &wishes)
}

/// As [`slice`], but what would be refused only because it probably fails in the job is packaged all the same; what the
/// user was warned of is among the slice's findings.
pub fn slice_anyway(
    module: &Module<'_>,
    files: &dyn Files,
    entry: &EntrySpec,
    args: Option<&str>,
) -> Result<Slice, Refusal> {
    let wishes = Wishes {
        args,
        force: true,
        ..Wishes::default()
    };
    slice_as_wished(module, files, entry, &wishes)
}

/// What is asked of a slice.
#[derive(Clone, Debug, Default)]
pub struct Wishes<'a> {
    /// What stands between the parentheses of the call.
    pub args: Option<&'a str>,
    /// Patterns, from the workspace, of files that travel with every job.
    pub data: &'a [String],
    /// Package also what probably fails in the job, as [`slice_anyway`] does.
    pub force: bool,
    /// How data files reach the target.
    pub rules: DataRules,
}

/// As [`slice`], with the files that comments above functions and the configuration name, however large each is.
pub fn slice_as_wished(
    module: &Module<'_>,
    files: &dyn Files,
    entry: &EntrySpec,
    wishes: &Wishes<'_>,
) -> Result<Slice, Refusal> {
    let mut slice = cut_out(module, files, entry, wishes)?;
    include::include(&mut slice, module, files, wishes, entry)?;
    Ok(slice)
}

/// What stands in the way of a run but can be overridden.
#[derive(Default)]
struct Objections {
    findings: Vec<Finding>,
}

impl Objections {
    fn add(
        &mut self,
        code: Code,
        message: String,
        range: std::ops::Range<usize>,
        entry: &EntrySpec,
    ) {
        self.findings.push(Finding {
            code,
            severity: Severity::Error,
            message,
            range,
            entry: Some(entry.clone()),
            fixes: Vec::new(),
        });
    }

    /// All of them as one refusal.
    fn refusal(self, source: &Source) -> Option<Refusal> {
        let first = self.findings.first()?;
        let message = match self.findings.len() {
            1 => first.message.clone(),
            more => format!("{} (and {} more)", first.message, more - 1),
        };
        Some(Refusal {
            code: first.code,
            message,
            line: Some(source.line(first.range.start)),
            can_force: true,
            findings: self.findings,
        })
    }
}

fn cut_out(
    module: &Module<'_>,
    files: &dyn Files,
    entry: &EntrySpec,
    wishes: &Wishes<'_>,
) -> Result<Slice, Refusal> {
    let Wishes {
        args, force, rules, ..
    } = wishes;
    let (args, force) = (*args, *force);
    let source = Source::parse(module.document.text()).map_err(|error| refuse::syntax(&error))?;
    let source = aim::open_main(source, entry);
    let aim = aim::find(&source, entry)?;
    let entry = &aim.entry;
    let mut objections = Objections::default();
    let call = aim::arguments(&source, &aim, args, &mut objections)?;

    let reading = Reading::new(module, files, &source, Depth::AllModules);
    let judge = Judge {
        document: &source.document,
        scopes: &source.scopes,
        uses: &source.uses,
    };
    let carried = match &aim.root {
        Some(root) => Some((
            root.clone(),
            carry(&judge, root, &call.names, &aim, &source, &mut objections)?,
        )),
        None => None,
    };
    let want = want(&aim, &carried, &call, &reading);
    let (cut, collected) = with_local_modules(&reading, &want);

    let mut findings = Vec::new();
    judge_cut(
        &source,
        &cut,
        &carried,
        &judge,
        entry,
        &mut objections,
        &mut findings,
    )?;

    let mut kept: BTreeSet<usize> = cut
        .units
        .iter()
        .map(|unit| start_of(&source.body()[*unit]))
        .collect();
    if let Some((_, carried)) = &carried {
        kept.extend(carried.statements.keys());
    }
    if let Some(doc) = source.body().first()
        && cut.used.contains("__doc__")
        && crate::python::range_of(doc).start < source.text().len()
        && matches!(doc, crate::python::ast::Stmt::Expr(expr) if expr.value.is_string_literal_expr())
    {
        kept.insert(start_of(doc));
    }
    let text = emit::write(
        source.text(),
        source.document.lines(),
        source.written(),
        &kept,
        &reading.program.removed,
    );
    if let Err(error) = strict::check(&text) {
        return Err(refuse::refusal(
            Code::MeaningChanges,
            format!(
                "{entry} cannot be taken out of its place: line {}: {}",
                error.line + 1,
                error.message
            ),
            Some(error.line + 1),
            aim.name_range.clone(),
            Some(entry),
        ));
    }

    let ground = tree::Ground {
        module,
        files,
        standing: &reading.standing,
        source: &source,
        entry,
        args,
        rules,
        resolver: &reading.resolver,
    };
    let tree = tree::grow(
        &ground,
        &collected,
        &kept,
        &aim,
        text,
        &mut objections,
        &mut findings,
    );
    if force {
        for mut finding in objections.findings {
            finding.severity = Severity::Warning;
            findings.push(finding);
        }
    } else if let Some(refusal) = objections.refusal(&source) {
        return Err(refusal);
    }
    Ok(Slice {
        module_name: reading.standing.name.clone(),
        module_file: tree.module_file,
        roots: tree.roots,
        cwd: tree.cwd,
        folders: tree.folders,
        files: tree.files,
        stored: tree.stored,
        there: tree.there,
        entry: aim.call.clone(),
        args: args
            .map(str::trim)
            .filter(|args| !args.is_empty())
            .map(str::to_owned),
        imports: tree.imports,
        requirements: tree.requirements,
        findings,
    })
}

/// Cuts, and follows the imports of what is kept; once more when the local modules bring libraries with them, for they may
/// need what sets up these libraries.
fn with_local_modules(reading: &Reading<'_>, want: &Want) -> (Cut, Collected) {
    let mut known: BTreeSet<String> = BTreeSet::new();
    loop {
        let foreign: Vec<String> = known.iter().cloned().collect();
        let cut = cut::cut(reading, want, &foreign);
        let kept: Vec<Range<usize>> = cut
            .units
            .iter()
            .map(|unit| range_of(&reading.source.body()[*unit]))
            .chain(want.carried.iter().cloned())
            .collect();
        let imports: Vec<Import> = reading
            .imports
            .iter()
            .filter(|import| !import.guarded)
            .filter(|import| kept.iter().any(|range| range.contains(&import.at)))
            .cloned()
            .collect();
        let collected = reading.follow(&imports);
        let foreign: BTreeSet<String> = collected.foreign.keys().cloned().collect();
        if foreign.is_subset(&known) {
            return (cut, collected);
        }
        known.extend(foreign);
    }
}

/// Judges a nested entry; obstacles that would change its meaning refuse it, captured values object.
fn carry(
    judge: &Judge<'_>,
    root: &Root,
    wanted: &[String],
    aim: &Aim,
    source: &Source,
    objections: &mut Objections,
) -> Result<Carried, Refusal> {
    let (carried, obstacles) = judge.carry(root, wanted);
    let (values, hard): (Vec<Obstacle>, Vec<Obstacle>) = obstacles
        .into_iter()
        .partition(|obstacle| matches!(obstacle, Obstacle::Value { .. }));
    if !values.is_empty() {
        let message = refuse::obstacles_in_words(&aim.qualname, &values);
        objections.add(
            Code::NestedCaptures,
            message,
            aim.name_range.clone(),
            &aim.entry,
        );
    }
    if hard.is_empty() {
        return Ok(carried);
    }
    let all: Vec<Obstacle> = values.into_iter().chain(hard).collect();
    Err(refuse::refusal(
        refuse::code_of(&all),
        refuse::obstacles_in_words(&aim.qualname, &all),
        Some(source.line(aim.name_range.start)),
        aim.name_range.clone(),
        Some(&aim.entry),
    ))
}

fn want(
    aim: &Aim,
    carried: &Option<(Root, Carried)>,
    call: &strict::CallArguments,
    reading: &Reading<'_>,
) -> Want {
    let Reading {
        source,
        program,
        imports,
        ..
    } = reading;
    let mut want = Want {
        units: aim.units.clone(),
        entry: aim.scope,
        ..Want::default()
    };
    for name in &call.names {
        want.names.insert(Name::new(name), None);
    }
    if let Some(name) = &aim.module_name {
        want.names.insert(name.clone(), Some(aim.name_range.start));
    }
    if let Some((root, carried)) = carried {
        // What the arguments read may be carried, too.
        want.names
            .retain(|name, _| !carried.names.contains_key(name));
        want.carried = carried.statements.values().cloned().collect();
        let inside =
            |ranges: &[Range<usize>], at: usize| ranges.iter().any(|range| range.contains(&at));
        let lazy = source.scopes.future_annotations();
        for range in want.carried.clone() {
            for a_use in source.uses.within(&range) {
                let at = a_use.range.start;
                let scope = &source.scopes.get(a_use.scope).range;
                // A variable's annotation that a function leaves alone is evaluated where the statement stands in the module.
                let is_outer = scope.start < range.start && range.end <= scope.end && !lazy;
                let is_read = !inside(&program.skipped, at) || is_outer;
                if a_use.home == Home::Module && is_read && !inside(&program.lenient, at) {
                    want.names.entry(a_use.name.clone()).or_insert(Some(at));
                }
            }
        }
        want.opened = source
            .body()
            .iter()
            .position(|stmt| range_of(stmt).contains(&root.statement.start));
        want.imports = imports
            .iter()
            .filter(|import| {
                carried
                    .statements
                    .values()
                    .any(|range| range.contains(&import.at))
            })
            .map(|import| format!("{}{}", ".".repeat(import.level as usize), import.module))
            .collect();
    }
    want
}

/// Says what is wrong with a cut.
fn judge_cut(
    source: &Source,
    cut: &Cut,
    carried: &Option<(Root, Carried)>,
    judge: &Judge<'_>,
    entry: &EntrySpec,
    objections: &mut Objections,
    findings: &mut Vec<Finding>,
) -> Result<(), Refusal> {
    let place = |at: Option<usize>, name: &str| match at {
        Some(at) => (format!(" (line {})", source.line(at)), at..at + name.len()),
        None => (String::new(), 0..0),
    };
    if let Some((root, carried)) = carried {
        let mut obstacles: Vec<Obstacle> = Vec::new();
        for name in &cut.enclosing {
            obstacles.push(Obstacle::Enclosing(name.to_string()));
        }
        for (name, statement) in &carried.names {
            if cut.used.contains(name) && !judge.is_same_import(statement, name) {
                obstacles.push(Obstacle::Collision(name.to_string()));
            }
        }
        if !obstacles.is_empty() {
            let qualname = entry.to_string();
            return Err(refuse::refusal(
                Code::MeaningChanges,
                refuse::obstacles_in_words(&qualname, &obstacles),
                Some(source.line(root.statement.start)),
                root.statement.clone(),
                Some(entry),
            ));
        }
    }
    for (name, at) in &cut.only_main {
        let (line, range) = place(*at, name);
        let message = format!(
            "`{name}`{line} is bound only under `if __name__ == \"__main__\":`, which never runs in a job; bind it at module level or pass it as an argument"
        );
        objections.add(Code::OnlyUnderMain, message, range, entry);
    }
    for (name, at, function) in &cut.only_after {
        let (line, range) = place(*at, name);
        let message = format!(
            "`{name}`{line} gets its value only when `{function}` runs, and nothing that the entry needs runs it; bind it at module level or pass it as an argument"
        );
        objections.add(Code::UnresolvedName, message, range, entry);
    }
    for (name, at) in &cut.unresolved {
        let (line, range) = place(*at, name);
        let message = match at {
            Some(_) => format!(
                "`{name}`{line} is bound nowhere in the module and is no builtin; import or define it"
            ),
            None => match carried
                .as_ref()
                .and_then(|(root, _)| judge.lacking(root, name))
            {
                Some(Obstacle::Value { owner, why, .. }) => format!(
                    "`{name}` in the arguments is {}, which will not exist in the job; give its value itself",
                    why.words(&owner)
                ),
                _ => format!(
                    "`{name}` in the arguments is bound nowhere in the module; import or define it there"
                ),
            },
        };
        objections.add(Code::UnresolvedName, message, range, entry);
    }
    let mut inform = |code: Code, severity: Severity, message: String, at: usize| {
        findings.push(Finding {
            code,
            severity,
            message,
            range: at..at + 1,
            entry: Some(entry.clone()),
            fixes: Vec::new(),
        });
    };
    if let Some((at, why)) = &cut.whole {
        let message = format!(
            "{why} (line {}), so the whole module travels but for its main block and the calls of {entry}",
            source.line(*at)
        );
        inform(Code::WholeModule, Severity::Information, message, *at);
    }
    for (name, at) in &cut.from_star {
        let at = at.unwrap_or_default();
        let message = format!(
            "`{name}` can only come from a star import, which is not checked; import it by its name"
        );
        inform(Code::StarImport, Severity::Information, message, at);
    }
    for at in &cut.dynamic {
        let message =
            "a module is imported by a name that is computed when the code runs; if it is one of yours, import it by its name as well so that it travels".to_owned();
        inform(Code::DynamicImport, Severity::Warning, message, *at);
    }
    Ok(())
}

/// The path of a file in the tree, `/`-separated.
pub(crate) fn tree_path(base: &Path, path: &Path) -> Option<String> {
    let relative = path.strip_prefix(base).ok()?;
    let mut parts = Vec::new();
    for component in relative.components() {
        match component {
            std::path::Component::Normal(part) => parts.push(part.to_str()?),
            _ => return None,
        }
    }
    Some(parts.join("/"))
}
