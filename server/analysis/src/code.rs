//! The stable codes of findings. Each has a page under `docs/findings/`.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Severity;

// A code's number, slug and title, how bad its findings are, and whether some of them come with a fix: the last two follow from the
// places that make the findings, and a test of the reference looks at findings that were made.
macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $number:literal, $slug:literal, $title:literal, [$($severity:ident),*], $has_fix:literal;)*) => {
        /// What kind of thing a finding is about. The number never changes its meaning.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $($(#[$doc])* $name,)*
        }

        impl Code {
            /// Every code, in the order of its number.
            pub const ALL: &'static [Code] = &[$(Code::$name,)*];

            /// The number: 1 for `HST001`.
            pub fn number(self) -> u16 {
                match self { $(Code::$name => $number,)* }
            }

            /// A short name in words with hyphens: `syntax-error`.
            pub fn slug(self) -> &'static str {
                match self { $(Code::$name => $slug,)* }
            }

            /// The title of the code's page.
            pub fn title(self) -> &'static str {
                match self { $(Code::$name => $title,)* }
            }

            /// How bad its findings are: in the editor, at a check and at a run they may differ.
            pub fn severities(self) -> &'static [Severity] {
                match self { $(Code::$name => &[$(Severity::$severity),*],)* }
            }

            /// Do some of its findings come with a fix?
            pub fn has_fix(self) -> bool {
                match self { $(Code::$name => $has_fix,)* }
            }
        }
    };
}

codes! {
    /// The file does not parse: nothing of it can run.
    SyntaxError = 1, "syntax-error", "The file does not parse", [Error], false;
    /// A nested function that travels whole.
    NestedCarried = 2, "nested-function-carried", "A nested function travels whole", [Information], true;
    /// A nested function that captures values which will not exist in the job.
    NestedCaptures = 3, "nested-function-captures", "A nested function captures values that will not exist", [Error], true;
    /// A name that nothing binds.
    UnresolvedName = 4, "unresolved-name", "A name is bound nowhere", [Error], true;
    /// A relative import, or an import inside a local package, of a module that does not exist.
    MissingLocalModule = 5, "missing-local-module", "A local module is missing", [Error], false;
    /// A method that needs an instance: its run is refused, until then it is only a thought.
    InstanceMethod = 6, "instance-method", "A method needs an instance", [Error, Hint], false;
    /// A generator as an entry: its result is the list of what it yields.
    Generator = 7, "generator-entry", "A generator runs to its end", [Information], false;
    /// A needed name is bound only under `if __name__ == "__main__":`.
    OnlyUnderMain = 8, "only-under-main", "A name is bound only in the main block", [Error], true;
    /// The code reads names in ways that cannot be followed: the whole module travels.
    WholeModule = 9, "whole-module", "The whole module travels", [Information], false;
    /// The file has no such function, or no statement in these lines.
    NoSuchEntry = 10, "no-such-entry", "There is nothing of that name to run", [Error], false;
    /// The arguments do not fit the function's signature.
    Arguments = 11, "arguments", "The arguments do not fit the signature", [Error], false;
    /// A data file that the code reads does not exist.
    MissingData = 12, "missing-data-file", "A data file is missing", [Warning], true;
    /// A data file is named by an absolute path.
    AbsolutePath = 13, "absolute-path", "A path that must exist on the cluster", [Warning], true;
    /// A file is too large for the package.
    TooLarge = 14, "too-large", "Data files are more than the target's limit", [Error, Warning], false;
    /// Taken out of its place, the code would mean something else.
    MeaningChanges = 15, "meaning-changes", "The function would mean something else outside of its place", [Error], true;
    /// What was named cannot be run: a class, a property, lines that only define a class.
    NotRunnable = 16, "not-runnable", "This cannot be run", [Error], false;
    /// A star import of a module that cannot be read here.
    StarImport = 17, "star-import", "A star import cannot be resolved", [Information], false;
    /// A module is imported by a name that is computed when the code runs.
    DynamicImport = 18, "dynamic-import", "A module is imported by a computed name", [Warning], false;
    /// A file that should travel cannot be read.
    Unreadable = 19, "unreadable-file", "A file cannot be read", [Error, Warning], false;
    /// A `# hoist:` comment that cannot be understood.
    Directive = 20, "directive", "A hoist comment cannot be understood", [Warning], false;
    /// A module that no environment has.
    NotInstalled = 21, "not-installed", "A module is not installed", [Warning], true;
    /// An installed distribution that the project does not declare.
    NotDeclared = 22, "not-declared", "A dependency is not declared", [Hint], true;
    /// A compiled extension of the workspace.
    LocalExtension = 23, "local-extension", "A local extension is compiled for this machine", [Warning], true;
    /// A local module that hides one of the same name.
    Hidden = 24, "hidden-module", "A file hides a module of the same name", [Warning], false;
    /// An installed version that the project excludes.
    OtherVersion = 25, "other-version", "Another version is installed than the project asks for", [Warning], false;
    /// A module that is here, or is known, and that the target's Python does not have.
    NotOnTarget = 26, "not-on-target", "The target lacks a package", [Warning], true;
    /// A release that is installed here and does not run with the target's Python.
    UnfitPackage = 27, "unfit-package", "A package does not run with the target's Python", [Warning], false;
    /// A path that does not exist on the target.
    NotThere = 28, "missing-on-target", "A path does not exist on the target", [Warning], false;
    /// A coroutine function as an entry: it is run by an event loop of its own.
    Coroutine = 35, "coroutine-entry", "A coroutine runs to its end", [Hint], false;
    /// A data file that the code reads, and that travels.
    DataTravels = 36, "data-file-travels", "A data file travels with the job", [Hint], false;
    /// A file that the code reads lies where nothing travels from.
    OutsideWorkspace = 37, "outside-workspace", "A file lies outside of the workspace", [Warning], true;
    /// A path with a drive letter or backslashes.
    ForeignPath = 38, "foreign-path", "A path of another system", [Warning], true;
    /// `input()` and the like: nobody types there.
    AsksForInput = 39, "asks-for-input", "Nobody can answer a question in a job", [Warning], false;
    /// `breakpoint()` and the like.
    Debugger = 40, "debugger", "A debugger would wait for somebody", [Warning], false;
    /// A window or a browser: there is no screen.
    NeedsDisplay = 41, "needs-display", "There is no screen in a job", [Warning, Information], false;
    /// A file's name is computed when the code runs.
    ComputedPath = 42, "computed-path", "A file's name is computed when the code runs", [Information], true;
    /// A statement of the module that does something to files or to the process, and stays in each job.
    SideEffect = 43, "side-effect-kept", "A statement of the module acts in each job", [Information], false;
    /// A function changes a global: the change stays in the job.
    GlobalChanged = 44, "global-changed", "A global that changes in the job stays there", [Information, Hint], false;
    /// The result holds something of which only its text comes back.
    TextOnly = 45, "text-only-result", "Only the text of the result comes back", [Information], false;
    /// Syntax or a module that the target's Python does not have.
    OtherPython = 46, "other-python", "The target's Python does not have this", [Error, Warning], true;
    /// A secret in a literal.
    Secret = 47, "secret-in-literal", "A secret would travel", [Warning], false;
    /// A file named from `__file__` is written.
    WrittenBeside = 48, "written-beside-module", "A file is written beside the module", [Warning, Information], false;
    /// The configuration is no TOML.
    ConfigSyntax = 50, "configuration-syntax", "The configuration cannot be read", [Error], false;
    /// A key that the configuration does not have.
    ConfigKey = 51, "configuration-key", "The configuration has no such key", [Error], false;
    /// A value that cannot be used.
    ConfigValue = 52, "configuration-value", "A value of the configuration cannot be used", [Error], false;
    /// A target that no file defines.
    ConfigTarget = 53, "configuration-target", "There is no such target", [Error, Warning], false;
    /// The job raised an exception; shown at the line that raised.
    RemoteFailure = 900, "remote-failure", "The job raised an exception", [Error], false;
    /// The job ended without a result: killed, out of memory, out of time, or lost.
    RemoteEnd = 901, "remote-end", "The job ended without a result", [Error], false;
}

impl Code {
    /// The address of the code's page inside the documentation: `docs/findings/HST001.md`.
    pub fn page(self) -> String {
        format!("docs/findings/{self}.md")
    }

    /// The code written `HST001`, in any case.
    pub fn parse(text: &str) -> Option<Code> {
        let digits = text
            .get(..3)
            .filter(|head| head.eq_ignore_ascii_case("HST"))
            .and(text.get(3..))?;
        let number: u16 = digits.parse().ok()?;
        Code::ALL
            .iter()
            .copied()
            .find(|code| code.number() == number)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "HST{:03}", self.number())
    }
}

impl Serialize for Code {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Code {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        Code::parse(&text)
            .ok_or_else(|| serde::de::Error::custom(format!("{text} is no code of a finding")))
    }
}

#[cfg(test)]
mod tests {
    use super::Code;

    #[test]
    fn each_code_has_a_page_with_its_title() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        for code in Code::ALL {
            let page = std::fs::read_to_string(root.join(code.page())).unwrap_or_default();
            assert!(
                page.starts_with(&format!("# {code}: {}\n", code.title())),
                "{code}"
            );
            assert_eq!(Code::parse(&code.to_string().to_lowercase()), Some(*code));
        }
    }
}
