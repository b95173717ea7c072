//! What Python itself says of its environment, and how the map differs from it.
#![allow(missing_docs, unreachable_pub, clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use hoist_analysis::Disk;
use hoist_analysis::environment::{Environment, Question, Variables, normalized};

/// Prints the names that `importlib.metadata` knows with their distributions, `sys.path`, and which names truly import.
const ASK: &str = r#"
import importlib.metadata as m, importlib.util as u, json, sys
def there(name):
    try:
        return u.find_spec(name) is not None
    except (ImportError, ValueError):
        return False
names = {n: sorted(set(filter(None, d))) for n, d in m.packages_distributions().items()}
versions = {d.metadata["Name"]: d.version for d in m.distributions() if d.metadata["Name"]}
own = set(sys.stdlib_module_names)
print(json.dumps({"names": {n: d for n, d in names.items() if n.isidentifier() and n not in own and there(n)},
                  "versions": versions, "path": sys.path,
                  "library": [n for n in sorted(own) if there(n)], "version": "%d.%d.%d" % sys.version_info[:3]}))
"#;

#[derive(serde::Deserialize)]
struct Answer {
    names: BTreeMap<String, Vec<String>>,
    versions: BTreeMap<String, String>,
    path: Vec<String>,
    library: Vec<String>,
    version: String,
}

fn ask(python: &Path) -> Answer {
    let ran = Command::new(python).args(["-c", ASK]).output().unwrap();
    assert!(
        ran.status.success(),
        "{}",
        String::from_utf8_lossy(&ran.stderr)
    );
    serde_json::from_slice(&ran.stdout).unwrap()
}

/// What differs, as sentences.
pub fn differences(python: &Path) -> Vec<String> {
    let answer = ask(python);
    let question = Question {
        workspace: Path::new("/"),
        folder: Path::new("/"),
        configured: python.to_str(),
    };
    let environment = Environment::read(&Disk, &Variables::here(), &question);
    let mut found = Vec::new();
    let interpreter = environment.interpreter().unwrap();
    let minor = interpreter.minor().unwrap_or_default();
    if !answer.version.starts_with(&format!("{minor}.")) {
        found.push(format!("version {minor} for {}", answer.version));
    }
    for site in environment.sites() {
        if !answer.path.iter().any(|path| Path::new(path) == site) {
            found.push(format!("{} is not on sys.path", site.display()));
        }
    }
    for (name, theirs) in &answer.names {
        let theirs: BTreeSet<String> = theirs.iter().map(|name| normalized(name)).collect();
        let mut ours: BTreeSet<String> = environment
            .providers(name)
            .iter()
            .map(|one| one.normalized())
            .collect();
        // A namespace is nobody's; those below it are.
        if ours.is_empty() {
            let below = environment
                .modules()
                .filter(|(module, _)| module.starts_with(&format!("{name}.")));
            ours.extend(below.flat_map(|(_, all)| all).map(|one| one.normalized()));
        }
        if ours != theirs {
            found.push(format!("{name}: {ours:?} instead of {theirs:?}"));
        }
    }
    for (name, version) in &answer.versions {
        match environment.distribution(name) {
            Some(ours) if ours.version == *version => {}
            Some(ours) => found.push(format!("{name} {} instead of {version}", ours.version)),
            None => found.push(format!("{name} {version} is not there")),
        }
    }
    for one in environment.distributions() {
        if !answer
            .versions
            .keys()
            .any(|name| normalized(name) == one.normalized())
        {
            found.push(format!("{} is there", one.name));
        }
    }
    for name in &answer.library {
        if !environment.is_library(name) {
            found.push(format!("{name} is of the library"));
        }
    }
    found
}
