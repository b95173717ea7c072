//! What a file that parses would have against it in a job, whatever its entry.

use std::collections::BTreeSet;

use super::data::{self, LARGEST};
use super::reading::{Depth, Reading};
use super::tree_path;
use crate::files::Files;
use crate::library::{is_builtin, is_stdlib};
use crate::python::Source;
use crate::uses::Home;
use crate::{Code, Finding, Module, Severity};

/// Adds what there is to say about names, imports and files of a whole module.
pub(crate) fn file(
    module: &Module<'_>,
    files: &dyn Files,
    source: &Source,
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
    crate::dependencies::findings(
        module,
        files,
        &reading.resolver,
        standing,
        &reading.imports,
        found,
    );
    let mut say = |code, severity, message: String, range: std::ops::Range<usize>| {
        found.push(Finding {
            code,
            severity,
            message,
            range,
            entry: None,
            fixes: Vec::new(),
        });
    };

    for (path, import, name) in &collected.missing {
        if path == module.path {
            let end = source
                .text()
                .get(import.at..)
                .and_then(|rest| rest.find(['\n', '\r']))
                .unwrap_or_default();
            let message = format!(
                "there is no module `{name}` in the workspace; add the file or correct the import"
            );
            say(
                Code::MissingLocalModule,
                Severity::Error,
                message,
                import.at..import.at + end,
            );
        }
    }
    let unknown_star = stars.values().any(Option::is_none);
    let binds_unknown = program.binds_unknown();
    for (unit, module_name) in &program.stars {
        let top = module_name.split('.').next().unwrap_or_default();
        if stars.get(unit).is_some_and(Option::is_none) && !is_stdlib(top) {
            let range = crate::python::range_of(&source.body()[*unit]);
            let message = format!(
                "what `{module_name}` brings cannot be seen here, so names that nothing else binds are taken to come from it"
            );
            say(Code::StarImport, Severity::Information, message, range);
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
                let put = source.text().contains(&format!("builtins.{name}"))
                    || program.regions.iter().any(|r| r.binds.contains(name));
                if !unknown_star
                    && !binds_unknown
                    && !put
                    && told.insert((name.to_string(), Code::UnresolvedName))
                {
                    let message = format!(
                        "`{written}` is bound nowhere in the module and is no builtin; import or define it"
                    );
                    say(Code::UnresolvedName, Severity::Error, message, range);
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
                say(Code::OnlyUnderMain, Severity::Error, message, range);
            }
        }
    }

    let folder = module.path.parent().unwrap_or(std::path::Path::new("/"));
    let mentions = data::mentions(module.path, source.body(), &|_| true);
    let located = data::locate(files, &mentions, (folder, module.workspace), &standing.base);
    for (name, range) in located.missing {
        let message = format!(
            "`{name}` does not exist here, so it does not travel; a job has it only if it makes it itself"
        );
        say(Code::MissingData, Severity::Warning, message, range);
    }
    for (name, range) in located.absolute {
        let message = format!(
            "`{name}` is an absolute path: it must exist on the cluster under the same name"
        );
        say(Code::AbsolutePath, Severity::Warning, message, range);
    }
    for (path, (len, range)) in located.found {
        if len > LARGEST {
            let shown = tree_path(&standing.base, &path).unwrap_or_default();
            let message = format!(
                "`{shown}` is {:.1} MB, more than the {:.1} MB that travel with a job; put it on the cluster and give its path there",
                len as f64 / 1e6,
                LARGEST as f64 / 1e6
            );
            say(Code::TooLarge, Severity::Error, message, range);
        }
    }
    for (path, range) in located.outside {
        let message = format!(
            "`{}` lies outside of the workspace and does not travel; move it into the workspace",
            path.display()
        );
        say(Code::MissingData, Severity::Warning, message, range);
    }
}
