//! What there is to say about a file's imports and the environment: what is not installed, not declared, of another version,
//! made for this machine, or hidden by a file of the workspace.

pub(crate) mod project;

use std::cell::OnceCell;
use std::collections::BTreeSet;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use pep508_rs::pep440_rs::{Version, VersionSpecifiers};

use crate::audience::Audience;
use crate::environment::provides::is_extension;
use crate::environment::{Environment, Interpreter, normalized};
use crate::files::Files;
use crate::modules::{Import, Provenance, Resolver, Standing, is_library_folder};
use crate::move_import::Moves;
use crate::python::Source;
use crate::settings::{Packages, TargetPython};
use crate::slice::ImportOrigin;
use crate::{Code, Finding, Fix, Module, Severity, supplied};
use project::Project;

/// A module that is asked about, with what is known of it.
pub(crate) struct Subject<'a> {
    pub(crate) module: &'a Module<'a>,
    pub(crate) source: &'a Source,
    pub(crate) audience: &'a Audience<'a, TargetPython>,
    pub(crate) files: &'a dyn Files,
    pub(crate) resolver: &'a Resolver<'a>,
    pub(crate) standing: &'a Standing,
}

/// Adds what there is to say. Silent is what the code runs without. While no Python is found here, only what targets lack is
/// told.
pub(crate) fn findings(of: Subject<'_>, imports: &[Import], found: &mut Vec<Finding>) {
    let here = of.module.environment.and_then(|environment| {
        let interpreter = environment.interpreter()?;
        Some(Here {
            environment,
            interpreter,
        })
    });
    let some_target_was_asked = || {
        let all = of.audience.all();
        all.iter().any(|python| python.packages.is_some())
    };
    if here.is_none() && !some_target_was_asked() {
        return;
    }
    let mut imports_of = About {
        moves: Moves::of(of.module.path, of.source),
        of,
        here,
        project: OnceCell::new(),
        told: BTreeSet::new(),
        looked_at: BTreeSet::new(),
        found,
    };
    for import in imports {
        let is_supplied = import.level == 0 && supplied::module(&import.module).is_some();
        let is_silent = import.optional || import.conditional || import.guarded || is_supplied;
        if !is_silent {
            imports_of.one(import);
        }
    }
}

/// The Python of this machine.
struct Here<'a> {
    environment: &'a Environment,
    interpreter: &'a Interpreter,
}

impl Here<'_> {
    /// In words: `Python 3.11 (.venv)`.
    fn words(&self, workspace: &Path) -> String {
        let prefix = &self.interpreter.prefix;
        let shown = prefix.strip_prefix(workspace).unwrap_or(prefix);
        match self.interpreter.minor() {
            Some(minor) => format!("Python {minor} ({})", shown.display()),
            None => format!("the Python in {}", shown.display()),
        }
    }
}

struct About<'a> {
    moves: Moves<'a>,
    of: Subject<'a>,
    here: Option<Here<'a>>,
    /// Read when somebody asks for it.
    project: OnceCell<Option<Project>>,
    /// Each thing is said once in a file.
    told: BTreeSet<(Code, String)>,
    /// Top-level names with the folders of files that were looked at for what they hide.
    looked_at: BTreeSet<(String, PathBuf)>,
    found: &'a mut Vec<Finding>,
}

impl About<'_> {
    fn one(&mut self, import: &Import) {
        let path = self.of.module.path;
        if self.is_of_library(import) {
            return;
        }
        if import.names.is_empty() {
            let from = self
                .of
                .resolver
                .source_of(self.of.standing, path, import, None);
            self.name(import, None, from);
        }
        for name in &import.names {
            let name = name.name.as_str();
            let from = self
                .of
                .resolver
                .source_of(self.of.standing, path, import, Some(name));
            self.name(import, Some(name), from);
        }
    }

    /// Does an import, whichever names it takes, come from Python's own library? Nothing is to be said of these, and most are.
    fn is_of_library(&self, import: &Import) -> bool {
        let names = import.names.iter().map(|name| name.name.as_str());
        import.level == 0
            && self.of.resolver.is_library(&import.module)
            && self.of.resolver.absolute(&import.module, names).is_none()
    }

    fn name(&mut self, import: &Import, name: Option<&str>, from: Provenance) {
        let top = import.module.split('.').next().unwrap_or_default();
        match from.origin {
            ImportOrigin::Unknown if self.here.is_some() => {
                self.not_installed(import, from.distribution.as_deref());
            }
            // What nobody knows may be a module that only that machine has.
            ImportOrigin::Unknown => {
                if let Some(distribution) = &from.distribution {
                    self.lacking(import, distribution, None);
                }
            }
            ImportOrigin::Distribution => {
                let Some(provider) = self.of.resolver.provider(&import.module, name) else {
                    return;
                };
                let (name, version) = (provider.name.clone(), provider.version.clone());
                if let Some(wanted) = provider.python.clone() {
                    self.unfit_there(import, &name, &version, &wanted);
                }
                self.installed(import, &name, &version);
                self.lacking(import, &name, Some(&version));
                self.refused_there(import, &name);
            }
            ImportOrigin::Local => {
                let Some(path) = from.path.as_deref() else {
                    return;
                };
                let file = path.file_name().and_then(|name| name.to_str());
                let file = file.unwrap_or_default();
                if self.here.is_none() {
                    return;
                }
                if is_extension(file) {
                    let message = format!(
                        "`{}` is compiled for this machine ({file}): it travels, but loads only where system and Python are the same; build it on the cluster if they are not",
                        import.written()
                    );
                    self.say(
                        Code::LocalExtension,
                        Severity::Warning,
                        file,
                        message,
                        import,
                        None,
                    );
                } else if import.level == 0 && path != self.of.module.path {
                    self.hides(import, top, path);
                }
            }
            ImportOrigin::Stdlib => {}
        }
    }

    fn not_installed(&mut self, import: &Import, distribution: Option<&str>) {
        let Some(here) = &self.here else { return };
        let python = here.words(self.of.module.workspace);
        let message = match distribution {
            Some(distribution) => {
                let there = match self.there(import, distribution) {
                    (has, lack) if has.is_empty() && lack.is_empty() => {
                        "which the cluster needs as well".to_owned()
                    }
                    (has, lack) if lack.is_empty() => format!("which {} has", targets(&has)),
                    (_, lack) => format!("which {} lacks as well", targets(&lack)),
                };
                format!(
                    "`{}` is not installed for {python}; it comes with the distribution `{distribution}`, {there}",
                    import.module
                )
            }
            None => format!(
                "`{}` is no module of the workspace and is not installed for {python}; install what it comes with, or correct the name",
                import.module
            ),
        };
        let fix = distribution.and_then(|distribution| self.declare(distribution));
        let about = distribution.unwrap_or(&import.module).to_owned();
        self.say(
            Code::NotInstalled,
            Severity::Warning,
            &about,
            message,
            import,
            fix,
        );
    }

    /// The targets that have what an import needs, and those that lack it, of those that were asked.
    fn there(
        &self,
        import: &Import,
        distribution: &str,
    ) -> (Vec<&'_ TargetPython>, Vec<&'_ TargetPython>) {
        let met = self.of.audience.of(import.at).iter().copied();
        let asked = met.filter_map(|python| Some((python, python.packages.as_deref()?)));
        let (has, lack): (Vec<_>, Vec<_>) =
            asked.partition(|(_, packages)| self.is_in(packages, &import.module, distribution));
        let pythons = |pairs: Vec<(_, _)>| pairs.into_iter().map(|(python, _)| python).collect();
        (pythons(has), pythons(lack))
    }

    /// Can a module be imported where these packages are?
    fn is_in(&self, packages: &Packages, module: &str, distribution: &str) -> bool {
        let top = module.split('.').next().unwrap_or_default();
        // A namespace is shared by many: that it is there says nothing of one of them.
        let is_namespace = self
            .here
            .as_ref()
            .is_some_and(|here| top != module && here.environment.providers(top).is_empty());
        packages
            .distributions
            .contains_key(&normalized(distribution))
            || (packages.modules.contains(top) && !is_namespace)
    }

    /// Tells the targets whose Python has no such package.
    fn lacking(&mut self, import: &Import, distribution: &str, version: Option<&str>) {
        let (_, lack) = self.there(import, distribution);
        let Some(first) = lack.first() else { return };
        let known = match version {
            Some(version) => format!("comes with `{distribution}` {version} here"),
            None => format!("comes with `{distribution}`"),
        };
        let message = format!(
            "`{}` {known}, which {} lacks (Python {}): install it there, or choose a Python there that has it",
            import.module,
            targets(&lack),
            first.version
        );
        let about = format!("{distribution} {}", targets(&lack));
        let fix = self.declare(distribution);
        let (code, severity) = (Code::NotOnTarget, Severity::Warning);
        self.say(code, severity, &about, message, import, fix);
    }

    /// Tells the targets that have another version than the project asks for.
    fn refused_there(&mut self, import: &Import, distribution: &str) {
        let Some(project) = self.project() else {
            return;
        };
        let name = normalized(distribution);
        let met = self.of.audience.of(import.at).iter();
        let other = met.filter_map(|python| {
            let version = python.packages.as_ref()?.distributions.get(&name)?;
            let asked = project.refuses(distribution, version)?;
            let file = project.file_name();
            let target = &python.target;
            Some(format!(
                "`{distribution}` is {version} on the target {target}, but {file} asks for {asked}; install one of these there, or change what is asked for"
            ))
        });
        for message in other.collect::<Vec<_>>() {
            let about = message.clone();
            let (code, severity) = (Code::OtherVersion, Severity::Warning);
            self.say(code, severity, &about, message, import, None);
        }
    }

    /// Tells the targets for whose Python the release that is here cannot be installed.
    fn unfit_there(&mut self, import: &Import, distribution: &str, version: &str, wanted: &str) {
        let Ok(specifiers) = VersionSpecifiers::from_str(wanted) else {
            return;
        };
        // Of a target's Python no more than `3.9` may be known: the first or the last of its line will do.
        let runs = |python: &TargetPython| {
            let (major, minor) = (
                u64::from(python.version.major),
                u64::from(python.version.minor),
            );
            let first = Version::new([major, minor]);
            specifiers.contains(&first) || specifiers.contains(&Version::new([major, minor, 99]))
        };
        let met = self.of.audience.of(import.at).iter().copied();
        let not: Vec<&TargetPython> = met
            .filter(|python| python.builds && !runs(python))
            .collect();
        let Some(first) = not.first() else { return };
        let message = format!(
            "`{}` comes with `{distribution}` {version} here, which needs Python {wanted}, and {} has Python {}: choose another Python there, or install a version here that runs with both",
            import.module,
            targets(&not),
            first.version
        );
        let about = format!("{distribution} {}", targets(&not));
        let (code, severity) = (Code::UnfitPackage, Severity::Warning);
        self.say(code, severity, &about, message, import, None);
    }

    fn installed(&mut self, import: &Import, distribution: &str, version: &str) {
        let Some(project) = self.project() else {
            return;
        };
        if !project.declares(distribution) {
            let message = format!(
                "`{}` comes with `{distribution}` {version}, which {} does not declare, so the cluster may lack it; add it to the dependencies",
                import.module,
                project.file_name()
            );
            let fix = project.declare(distribution);
            self.say(
                Code::NotDeclared,
                Severity::Hint,
                distribution,
                message,
                import,
                fix,
            );
        } else if let Some(asked) = project.refuses(distribution, version) {
            let message = format!(
                "`{distribution}` is {version} here, but {} asks for {asked}; install one of these, or change what is asked for",
                project.file_name()
            );
            self.say(
                Code::OtherVersion,
                Severity::Warning,
                distribution,
                message,
                import,
                None,
            );
        }
    }

    /// A file of the workspace that stands before a module of the same name.
    fn hides(&mut self, import: &Import, top: &str, path: &Path) {
        let folder = path.parent().unwrap_or(path).to_path_buf();
        if !self.looked_at.insert((top.to_owned(), folder)) {
            return;
        }
        let Some(here) = &self.here else { return };
        let hidden = if here.environment.is_library(top) {
            // Whose workspace is Python's own library hides nothing: it is the module itself.
            if path
                .ancestors()
                .take_while(|folder| folder.starts_with(self.of.module.workspace))
                .any(|folder| is_library_folder(self.of.files, folder))
            {
                return;
            }
            "Python's own module".to_owned()
        } else {
            let Some(provider) = here.environment.providers(top).into_iter().next() else {
                return;
            };
            // A project that is installed is not hidden by its own sources.
            if self.is_own(&provider.name) {
                return;
            }
            format!("the installed `{}` {}", provider.name, provider.version)
        };
        let shown = path.strip_prefix(self.of.module.workspace).unwrap_or(path);
        let message = format!(
            "`{top}` is {} of the workspace here and hides {hidden}, which other modules may want; rename the file",
            shown.display()
        );
        self.say(Code::Hidden, Severity::Warning, top, message, import, None);
    }

    fn project(&self) -> Option<&Project> {
        self.project
            .get_or_init(|| {
                let folder = self.of.module.path.parent()?;
                Project::around(self.of.files, folder, self.of.module.workspace)
            })
            .as_ref()
    }

    /// Is it the name of a project of the workspace, around the module?
    fn is_own(&self, distribution: &str) -> bool {
        let workspace = self.of.module.workspace;
        let folders = self.of.module.path.ancestors().skip(1);
        folders
            .take_while(|folder| folder.starts_with(workspace))
            .any(|folder| project::is_called(self.of.files, folder, distribution))
    }

    fn declare(&self, distribution: &str) -> Option<Fix> {
        let project = self.project()?;
        if project.declares(distribution) {
            return None;
        }
        project.declare(distribution)
    }

    fn say(
        &mut self,
        code: Code,
        severity: Severity,
        about: &str,
        message: String,
        import: &Import,
        fix: Option<Fix>,
    ) {
        if self.told.insert((code, about.to_owned())) {
            // What fails at the top of a module fails for each function of it.
            let fails_there = [Code::NotInstalled, Code::NotOnTarget, Code::LocalExtension];
            let taken_in = match fails_there.contains(&code) {
                true => self.moves.edits(&import.range),
                false => None,
            };
            self.found.push(Finding {
                code,
                severity,
                message,
                range: first_line(self.of.module.document.text(), &import.range),
                entry: None,
                fixes: fix.into_iter().chain(taken_in).collect(),
            });
        }
    }
}

/// Targets in words: `the target far` or `the targets far and near`.
fn targets(pythons: &[&TargetPython]) -> String {
    let names: Vec<&str> = pythons
        .iter()
        .map(|python| python.target.as_str())
        .collect();
    match names.as_slice() {
        [one] => format!("the target {one}"),
        several => format!("each of the targets {}", several.join(", ")),
    }
}

/// As much of a range as stands on its first line.
fn first_line(text: &str, range: &Range<usize>) -> Range<usize> {
    let inside = text.get(range.clone()).unwrap_or_default();
    let end = inside.find(['\n', '\r']).unwrap_or(inside.len());
    range.start..range.start + end
}
