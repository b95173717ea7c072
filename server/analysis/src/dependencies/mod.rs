//! What there is to say about a file's imports and the environment: what is not installed, not declared, of another version,
//! made for this machine, or hidden by a file of the workspace.

mod project;

use std::cell::OnceCell;
use std::collections::BTreeSet;
use std::ops::Range;
use std::path::Path;

use crate::environment::provides::is_extension;
use crate::environment::{Environment, Interpreter};
use crate::files::Files;
use crate::modules::{Import, Provenance, Resolver, Standing};
use crate::slice::ImportOrigin;
use crate::{Code, Finding, Fix, Module, Severity};
use project::Project;

/// Adds what there is to say. Silent is what the code runs without, and everything while no Python is found.
pub(crate) fn findings(
    module: &Module<'_>,
    files: &dyn Files,
    resolver: &Resolver<'_>,
    standing: &Standing,
    imports: &[Import],
    found: &mut Vec<Finding>,
) {
    let Some(environment) = module.environment else {
        return;
    };
    let Some(interpreter) = environment.interpreter() else {
        return;
    };
    let mut imports_of = About {
        module,
        files,
        resolver,
        standing,
        environment,
        interpreter,
        project: OnceCell::new(),
        told: BTreeSet::new(),
        found,
    };
    for import in imports {
        let is_silent = import.optional || import.conditional || import.guarded;
        if !is_silent {
            imports_of.one(import);
        }
    }
}

struct About<'a> {
    module: &'a Module<'a>,
    files: &'a dyn Files,
    resolver: &'a Resolver<'a>,
    standing: &'a Standing,
    environment: &'a Environment,
    interpreter: &'a Interpreter,
    /// Read when somebody asks for it.
    project: OnceCell<Option<Project>>,
    /// Each thing is said once in a file.
    told: BTreeSet<(Code, String)>,
    found: &'a mut Vec<Finding>,
}

impl About<'_> {
    fn one(&mut self, import: &Import) {
        let path = self.module.path;
        if import.names.is_empty() {
            let from = self.resolver.source_of(self.standing, path, import, None);
            self.name(import, None, from);
        }
        for name in &import.names {
            let name = name.name.as_str();
            let from = self
                .resolver
                .source_of(self.standing, path, import, Some(name));
            self.name(import, Some(name), from);
        }
    }

    fn name(&mut self, import: &Import, name: Option<&str>, from: Provenance) {
        let top = import.module.split('.').next().unwrap_or_default();
        match from.origin {
            ImportOrigin::Unknown => self.not_installed(import, from.distribution.as_deref()),
            ImportOrigin::Distribution => {
                let Some(provider) = self.resolver.provider(&import.module, name) else {
                    return;
                };
                let (name, version) = (provider.name.clone(), provider.version.clone());
                self.installed(import, &name, &version);
            }
            ImportOrigin::Local => {
                let Some(path) = from.path.as_deref() else {
                    return;
                };
                let file = path.file_name().and_then(|name| name.to_str());
                let file = file.unwrap_or_default();
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
                } else if import.level == 0 && path != self.module.path {
                    self.hides(import, top, path);
                }
            }
            ImportOrigin::Stdlib => {}
        }
    }

    fn not_installed(&mut self, import: &Import, distribution: Option<&str>) {
        let python = self.python();
        let message = match distribution {
            Some(distribution) => format!(
                "`{}` is not installed for {python}; it comes with the distribution `{distribution}`, which the cluster needs as well",
                import.module
            ),
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
        let hidden = if self.environment.is_library(top) {
            "Python's own module".to_owned()
        } else {
            let Some(provider) = self.environment.providers(top).into_iter().next() else {
                return;
            };
            // A project that is installed is not hidden by its own sources.
            if self
                .project()
                .is_some_and(|project| project.is_called(&provider.name))
            {
                return;
            }
            format!("the installed `{}` {}", provider.name, provider.version)
        };
        let shown = path.strip_prefix(self.module.workspace).unwrap_or(path);
        let message = format!(
            "`{top}` is {} of the workspace here and hides {hidden}, which other modules may want; rename the file",
            shown.display()
        );
        self.say(Code::Hidden, Severity::Warning, top, message, import, None);
    }

    fn project(&self) -> Option<&Project> {
        self.project
            .get_or_init(|| {
                let folder = self.module.path.parent()?;
                Project::around(self.files, folder, self.module.workspace)
            })
            .as_ref()
    }

    fn declare(&self, distribution: &str) -> Option<Fix> {
        let project = self.project()?;
        if project.declares(distribution) {
            return None;
        }
        project.declare(distribution)
    }

    /// The Python in words: `Python 3.11 (.venv)`.
    fn python(&self) -> String {
        let prefix = &self.interpreter.prefix;
        let shown = prefix.strip_prefix(self.module.workspace).unwrap_or(prefix);
        match self.interpreter.minor() {
            Some(minor) => format!("Python {minor} ({})", shown.display()),
            None => format!("the Python in {}", shown.display()),
        }
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
            self.found.push(Finding {
                code,
                severity,
                message,
                range: first_line(self.module.document.text(), &import.range),
                entry: None,
                fixes: fix.into_iter().collect(),
            });
        }
    }
}

/// As much of a range as stands on its first line.
fn first_line(text: &str, range: &Range<usize>) -> Range<usize> {
    let inside = text.get(range.clone()).unwrap_or_default();
    let end = inside.find(['\n', '\r']).unwrap_or(inside.len());
    range.start..range.start + end
}
