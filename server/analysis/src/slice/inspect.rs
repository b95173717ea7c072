//! What a file that parses would have against it in a job, whatever its entry.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use hoist_syntax::scopes::{BindingKind, ScopeId};
use hoist_syntax::words::has;

use super::reading::{Depth, Reading};
use super::{inspect_files, written};
use crate::audience::Audience;
use crate::dependencies::{self, Subject};
use crate::files::Files;
use crate::library::{is_builtin, is_stdlib};
use crate::modules::{Import, Standing};
use crate::python::Source;
use crate::uses::Home;
use crate::{Code, Finding, Fix, Module, Settings, Severity, checks, hoist};

/// Adds what there is to say about names, imports and files of a whole module.
pub(crate) fn file(
    module: &Module<'_>,
    files: &dyn Files,
    source: &Source,
    settings: &Settings,
    found: &mut Vec<Finding>,
) {
    let reading = Reading::new(module, files, source, Depth::OneFile);
    let Reading {
        standing,
        program,
        stars,
        collected,
        ..
    } = &reading;
    let default = settings.default_target.as_deref();
    let audience = Audience::read(source, default, &settings.pythons);
    let subject = Subject {
        module,
        source,
        audience: &audience,
        files,
        resolver: &reading.resolver,
        standing,
    };
    dependencies::findings(subject, &reading.imports, found);
    let mut say = |code, severity, message: String, range: std::ops::Range<usize>, fixes| {
        found.push(Finding::of_file(code, severity, message, range, fixes));
    };
    for (path, import, name) in &collected.missing {
        if path == module.path {
            let end = source
                .text()
                .get(import.at..)
                .and_then(|rest| rest.find(['\n', '\r']))
                .unwrap_or_default();
            let message = match unbuilt(module, files, standing, import.level, name) {
                Some(file) => format!(
                    "`{name}` is compiled from `{file}`, and is not built here: build it, here and on the cluster"
                ),
                None => format!(
                    "there is no module `{name}` in the workspace; add the file or correct the import"
                ),
            };
            say(
                Code::MissingLocalModule,
                Severity::Error,
                message,
                import.at..import.at + end,
                Vec::new(),
            );
        }
    }
    let unknown_star = stars.values().any(Option::is_none);
    let binds_unknown = program.binds_unknown();
    for (unit, module_name) in &program.stars {
        let top = module_name.split('.').next().unwrap_or_default();
        let range = crate::python::range_of(&source.body()[*unit]);
        let is_missing = |(path, import, _): &(PathBuf, Import, String)| {
            path == module.path && import.at == range.start
        };
        let is_told = collected.missing.iter().any(is_missing);
        if stars.get(unit).is_some_and(Option::is_none) && !is_stdlib(top) && !is_told {
            let message = format!(
                "what `{module_name}` brings cannot be seen here, so names that nothing else binds are taken to come from it"
            );
            say(
                Code::StarImport,
                Severity::Information,
                message,
                range,
                Vec::new(),
            );
        }
    }
    let mut told: BTreeSet<(String, Code)> = BTreeSet::new();
    for region in &program.regions {
        for (at, why) in &region.uncertain {
            let message = format!("{why}, so a run that needs this takes the whole module along");
            say(
                Code::WholeModule,
                Severity::Information,
                message,
                *at..*at + 1,
                Vec::new(),
            );
        }
        for at in &region.dynamic_imports {
            let message =
                "the module's name is computed when the code runs; if it is one of yours, import it by its name as well so that it travels".to_owned();
            say(
                Code::DynamicImport,
                Severity::Warning,
                message,
                *at..*at + 1,
                Vec::new(),
            );
        }
        for (name, at) in &region.reads {
            let mut bindings = source
                .uses
                .of(Home::Module, name)
                .filter(|a_use| a_use.binding.is_some())
                .peekable();
            let star_has = stars
                .values()
                .flatten()
                .any(|names| names.contains(&**name));
            if is_builtin(name) || star_has {
                continue;
            }
            // Names private to a class are written otherwise than they are stored.
            let range = match source.uses.at(*at) {
                Some(a_use) => a_use.range.clone(),
                None => *at..*at + name.len(),
            };
            let written = source.text().get(range.clone()).unwrap_or(name);
            if bindings.peek().is_none() {
                let is_put = || {
                    has(source.text(), &format!("builtins.{name}"))
                        || program.regions.iter().any(|r| r.binds.contains(name))
                };
                let key = (name.to_string(), Code::UnresolvedName);
                if !unknown_star
                    && !binds_unknown
                    && !told.contains(&key)
                    && !is_excused(source, range.start)
                    && !is_put()
                {
                    told.insert(key);
                    let message = format!(
                        "`{written}` is bound nowhere in the module and is no builtin; import or define it"
                    );
                    let import = is_stdlib(name).then(|| format!("import {name}"));
                    let fixes = import
                        .and_then(|import| mend(source, region.scope, &Mend::Import(import)))
                        .into_iter()
                        .collect();
                    say(Code::UnresolvedName, Severity::Error, message, range, fixes);
                }
                continue;
            }
            let only_guard = bindings.all(|a_use| {
                program
                    .guards
                    .iter()
                    .any(|guard| guard.contains(&a_use.range.start))
            });
            if only_guard
                && region.scope.is_some()
                && told.insert((name.to_string(), Code::OnlyUnderMain))
            {
                let message = format!(
                    "`{written}` is bound only under `if __name__ == \"__main__\":`, which never runs in a job; bind it at module level or pass it as an argument"
                );
                let imported = source.uses.of(Home::Module, name).find_map(|a_use| {
                    (a_use.binding == Some(BindingKind::Import))
                        .then(|| source.text().get(a_use.statement.clone()))?
                });
                let how = match imported {
                    Some(import) => Mend::Import(import.to_owned()),
                    None => Mend::Parameter(name.to_string()),
                };
                let fixes = mend(source, region.scope, &how).into_iter().collect();
                say(Code::OnlyUnderMain, Severity::Error, message, range, fixes);
            }
        }
    }

    checks::check(
        module.path,
        source,
        &reading.imports,
        &audience,
        &|top| reading.is_local(top),
        found,
    );
    inspect_files::files(module, files, source, settings, standing, found);
    written::written(module, source, standing, found);
}

/// Does a comment on its line say that a name is known to be bound nowhere: `# noqa: F821`?
fn is_excused(source: &Source, at: usize) -> bool {
    let lines = source.document.lines();
    let line = lines.line_range(source.text(), lines.line_of(at));
    let comment = source
        .text()
        .get(line)
        .and_then(|line| line.split_once("# noqa"));
    comment.is_some_and(|(_, codes)| !codes.trim_start().starts_with(':') || codes.contains("F821"))
}

/// The file from which a module that is not there would be compiled.
fn unbuilt(
    module: &Module<'_>,
    files: &dyn Files,
    standing: &Standing,
    level: u32,
    name: &str,
) -> Option<String> {
    let mut parts: Vec<&str> = name.trim_start_matches('.').split('.').collect();
    let leaf = parts.pop()?;
    let up = (level as usize).checked_sub(1);
    let tops: Vec<&Path> = match up {
        Some(up) => module
            .path
            .parent()?
            .ancestors()
            .nth(up)
            .into_iter()
            .collect(),
        None => vec![&standing.root, module.workspace],
    };
    let endings = ["pyx", "pyx.in", "c", "cc", "cpp", "f", "f90", "pyf", "rs"];
    tops.into_iter().find_map(|top| {
        let folder = parts
            .iter()
            .fold(top.to_path_buf(), |folder, part| folder.join(part));
        let names = files.list(&folder).ok()?;
        let is_source = |name: &str| {
            let ending = name
                .strip_prefix(leaf)
                .and_then(|rest| rest.strip_prefix('.'));
            ending.is_some_and(|ending| endings.contains(&ending))
        };
        names
            .into_iter()
            .map(|(name, _)| name)
            .find(|name| is_source(name))
    })
}

/// How a function can get a name that it lacks.
enum Mend {
    Parameter(String),
    Import(String),
}

fn mend(source: &Source, scope: Option<ScopeId>, how: &Mend) -> Option<Fix> {
    let qualname = &source.scopes.get(scope?).qualname;
    let (document, scopes, uses) = (&source.document, &source.scopes, &source.uses);
    match how {
        Mend::Parameter(name) => {
            hoist::parameters(document, scopes, uses, qualname, std::slice::from_ref(name))
        }
        Mend::Import(import) => hoist::imports(
            document,
            scopes,
            uses,
            qualname,
            std::slice::from_ref(import),
        ),
    }
}
