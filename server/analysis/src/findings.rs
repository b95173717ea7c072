//! What the editor says about a file.

use std::collections::BTreeSet;
use std::ops::Range;

use hoist_syntax::Document;
use hoist_syntax::scopes::{ScopeKind, Scopes};
use hoist_syntax::words::Word;

use crate::captures::{Obstacle, names_of};
use crate::files::Files;
use crate::python::Source;
use crate::runnables::{Candidate, Runnable, RunnableKind, main_blocks, parent_of, survey};
use crate::slice::inspect;
use crate::slice::refuse::{code_of, listed, obstacles_in_words};
use crate::uses::{Home, Use, Uses};
use crate::{Code, EntrySpec, Finding, Module, Settings, Severity, directives, hoist, readability};

/// Everything that there is to say about a file, in source order. While the file does not parse, only what is about its
/// functions and the error itself. Findings that a `# hoist: ignore[HST003]` on their line or above it silences are left out.
pub fn findings(module: &Module<'_>, files: &dyn Files) -> Vec<Finding> {
    findings_with(module, files, &Settings::default())
}

/// The same, with what the configuration says: codes that it ignores are left out, too.
pub fn findings_with(module: &Module<'_>, files: &dyn Files, settings: &Settings) -> Vec<Finding> {
    let document = module.document;
    let scopes = document.scopes();
    // That a file does not parse is told below.
    let source = Source::of(document).ok();
    let own;
    let uses = match &source {
        Some(source) => &source.uses,
        None => {
            own = Uses::read(scopes.clone());
            &own
        }
    };
    let mut found = Vec::new();
    let guards = main_blocks(document);
    for candidate in survey(document, &scopes, uses, &guards) {
        about_function(document, &scopes, uses, &candidate, &mut found);
        if let Some(targets) = &settings.targets {
            about_target(document, &candidate.runnable, targets, &mut found);
        }
    }
    if !settings.ignore.contains(&Code::InstanceMethod) {
        about_methods(&scopes, &guards, &mut found);
    }
    if let Some(source) = &source {
        inspect::file(module, files, source, settings, &mut found);
    }
    found.extend(readability::syntax_error(document));
    silence(document, settings, &mut found);
    found.sort_by(|a, b| {
        (a.range.start, a.range.end, a.code).cmp(&(b.range.start, b.range.end, b.code))
    });
    found.dedup();
    found
}

/// Takes out what a comment in the file or the configuration does not want to hear of.
pub fn silence(document: &Document, settings: &Settings, found: &mut Vec<Finding>) {
    let silenced = Silenced::read(document);
    found.retain(|finding| {
        !settings.ignore.contains(&finding.code) && !silenced.covers(document, finding)
    });
}

/// The target that stands above a function, when no configuration has it.
fn about_target(
    document: &Document,
    runnable: &Runnable,
    targets: &BTreeSet<String>,
    found: &mut Vec<Finding>,
) {
    let Some(target) = &runnable.directives.target else {
        return;
    };
    if targets.contains(target) {
        return;
    }
    let known: Vec<&str> = targets.iter().map(String::as_str).collect();
    // The comment or the decorator that names it is the nearest text above that does.
    let before = document.text().get(..runnable.name_range.start);
    let range = match before.and_then(|before| before.rfind(target)) {
        Some(at) => at..at + target.len(),
        None => runnable.name_range.clone(),
    };
    found.push(Finding {
        code: Code::ConfigTarget,
        severity: Severity::Warning,
        message: format!(
            "`{}` is to run on `{target}`, and no configuration has such a target: known are {}; correct the name, or add [targets.{target}] to hoist.toml",
            runnable.qualname,
            known.join(", ")
        ),
        range,
        entry: Some(runnable.entry.clone()),
        fixes: Vec::new(),
    });
}

fn about_function(
    document: &Document,
    scopes: &Scopes,
    uses: &Uses,
    candidate: &Candidate,
    found: &mut Vec<Finding>,
) {
    let runnable = &candidate.runnable;
    let entry = Some(runnable.entry.clone());
    let about = |code, severity, message: String, range: Range<usize>, fixes| Finding {
        code,
        severity,
        message,
        range,
        entry: entry.clone(),
        fixes,
    };
    for mistake in &candidate.mistakes {
        let message = format!("this hoist comment is not understood: {}", mistake.message);
        found.push(about(
            Code::Directive,
            Severity::Warning,
            message,
            mistake.range.clone(),
            Vec::new(),
        ));
    }
    if runnable.kind == RunnableKind::Nested {
        let moved = || hoist::edits(document, scopes, uses, &runnable.qualname);
        if candidate.obstacles.is_empty() {
            let message = match candidate.carried.as_slice() {
                [] => format!("`{}` is nested and travels whole", runnable.qualname),
                names => format!(
                    "`{}` is nested and travels whole, with {}",
                    runnable.qualname,
                    listed(names)
                ),
            };
            found.push(about(
                Code::NestedCarried,
                Severity::Information,
                message,
                runnable.name_range.clone(),
                moved().into_iter().collect(),
            ));
        } else if !is_plumbing(document, scopes, uses, candidate) {
            let values: Vec<String> = candidate
                .obstacles
                .iter()
                .filter_map(|obstacle| match obstacle {
                    // Its own name is no value that it could be given.
                    Obstacle::Value { name, .. }
                        if !runnable.qualname.ends_with(&format!(".{name}")) =>
                    {
                        Some(name.to_string())
                    }
                    _ => None,
                })
                .collect();
            let passing = hoist::parameters(document, scopes, uses, &runnable.qualname, &values);
            let fixes = moved().into_iter().chain(passing).collect();
            let message = obstacles_in_words(&runnable.qualname, &candidate.obstacles);
            let code = code_of(&candidate.obstacles);
            found.push(about(
                code,
                Severity::Error,
                message,
                runnable.name_range.clone(),
                fixes,
            ));
        }
    }
    // What a call gives that a decorator stands before, a context manager perhaps, is not known.
    let is_plain = candidate.obstacles.is_empty() && keeps_results(document, scopes, candidate);
    if runnable.is_async && !runnable.is_generator && is_plain {
        let message = format!(
            "`{}` is a coroutine function: a run gives its coroutine to an event loop of its own, and the result is what it returns",
            runnable.qualname
        );
        found.push(about(
            Code::Coroutine,
            Severity::Hint,
            message,
            runnable.name_range.clone(),
            Vec::new(),
        ));
    }
    if runnable.is_generator && is_plain {
        let message = format!(
            "`{}` is a generator: a run goes through it to its end, and the result is the list of what it yields",
            runnable.qualname
        );
        found.push(about(
            Code::Generator,
            Severity::Information,
            message,
            runnable.name_range.clone(),
            Vec::new(),
        ));
    }
}

/// Do all decorators of a function leave what it gives as it is?
fn keeps_results(document: &Document, scopes: &Scopes, candidate: &Candidate) -> bool {
    const KNOWN: &[&str] = &[
        "cache",
        "classmethod",
        "cluster",
        "lru_cache",
        "staticmethod",
    ];
    let name = &candidate.runnable.name_range;
    let scope = scopes
        .around(name.start)
        .find(|(_, scope)| scope.name_range == *name);
    let decorators = scope.iter().flat_map(|(_, scope)| &scope.decorators);
    decorators.into_iter().all(|range| {
        let text = document.text().get(range.clone()).unwrap_or_default();
        let path = text.split('(').next().unwrap_or_default();
        let last = path.trim_start_matches('@').rsplit('.').next();
        last.is_some_and(|last| KNOWN.contains(&last.trim()))
    })
}

/// The wrapper of a decorator, or what makes it, or what is handed to an object of the function around it (`@app.route("/")`):
/// nobody runs it by itself, so it gets no error.
fn is_plumbing(document: &Document, scopes: &Scopes, uses: &Uses, candidate: &Candidate) -> bool {
    let text = document.text();
    let id = scopes
        .functions()
        .find(|id| scopes.get(*id).name_range == candidate.runnable.name_range);
    let is_handed_over = id.is_some_and(|id| {
        let decorators = scopes.get(id).decorators.iter();
        let of_function = |a_use: &Use| {
            matches!(a_use.home, Home::Scope(owner) if scopes.get(owner).kind == ScopeKind::Function)
        };
        decorators
            .flat_map(|range| uses.within(range))
            .any(of_function)
    });
    if is_handed_over {
        return true;
    }
    let wraps = id.is_some_and(|id| {
        scopes
            .nested(id)
            .iter()
            .flat_map(|id| &scopes.get(*id).decorators)
            .any(|range| {
                text.get(range.clone())
                    .unwrap_or_default()
                    .contains("wraps(")
            })
    });
    let only_values = candidate
        .obstacles
        .iter()
        .all(|obstacle| matches!(obstacle, Obstacle::Value { .. } | Obstacle::Nonlocal(_)));
    wraps && only_values && !names_of(&candidate.obstacles).is_empty()
}

/// Methods that need an instance get a hint that says how they run.
fn about_methods(scopes: &Scopes, guards: &[Range<usize>], found: &mut Vec<Finding>) {
    for id in scopes.functions() {
        let scope = scopes.get(id);
        let in_class = parent_of(scopes, scope)
            .is_some_and(|parent| scopes.get(parent).kind == ScopeKind::Class);
        let is_special = scope.name.starts_with("__") && scope.name.ends_with("__");
        let in_guard = guards
            .iter()
            .any(|guard| guard.contains(&scope.range.start));
        if !in_class
            || is_special
            || in_guard
            || scope.is_detached
            || scope.qualname.contains("<locals>")
        {
            continue;
        }
        let has_decorator = !scope.decorators.is_empty();
        if has_decorator {
            continue;
        }
        let class = scope
            .qualname
            .rsplit_once('.')
            .map(|(class, _)| class)
            .unwrap_or_default();
        found.push(Finding {
            code: Code::InstanceMethod,
            severity: Severity::Hint,
            message: format!(
                "`{}` is a method and needs an instance: it runs with one as its first argument, such as `{class}(...)`",
                scope.qualname
            ),
            range: scope.name_range.clone(),
            entry: Some(EntrySpec::Name(scope.qualname.clone())),
            fixes: Vec::new(),
        });
    }
}

/// The codes that comments silence, by line.
pub(crate) struct Silenced {
    lines: Vec<(u32, BTreeSet<Code>)>,
}

impl Silenced {
    pub(crate) fn read(document: &Document) -> Silenced {
        let text = document.text();
        let index = document.lines();
        let mut lines = Vec::new();
        if document.words().have(Word::Ignore) {
            for line in 0..index.line_count() {
                let content = text.get(index.line_range(text, line)).unwrap_or_default();
                if let Some(at) = content.find('#')
                    && content.get(at..).unwrap_or_default().contains("hoist:")
                {
                    let codes: BTreeSet<Code> =
                        directives::ignored(content.get(at..).unwrap_or_default())
                            .into_iter()
                            .collect();
                    if !codes.is_empty() {
                        lines.push((line, codes));
                    }
                }
            }
        }
        Silenced { lines }
    }

    pub(crate) fn covers(&self, document: &Document, finding: &Finding) -> bool {
        if self.lines.is_empty() {
            return false;
        }
        let text = document.text();
        let index = document.lines();
        let own = index.line_of(finding.range.start);
        let silences = |line: u32| {
            self.lines
                .iter()
                .any(|(at, codes)| *at == line && codes.contains(&finding.code))
        };
        if silences(own) {
            return true;
        }
        // The comments and decorators right above.
        let mut line = own;
        while line > 0 {
            line -= 1;
            let content = text
                .get(index.line_range(text, line))
                .unwrap_or_default()
                .trim_start();
            if !content.starts_with('#') && !content.starts_with('@') {
                return false;
            }
            if silences(line) {
                return true;
            }
        }
        false
    }
}
