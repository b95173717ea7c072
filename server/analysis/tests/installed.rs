//! The map of environments against what Python itself says: over every Python of pyenv from 3.10 on that is here, and over a
//! virtual environment that pip fills.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
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
fn differences(python: &Path) -> Vec<String> {
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

#[test]
fn every_python_of_pyenv_has_the_map_that_it_has_itself() {
    let root = std::env::var_os("PYENV_ROOT").map(PathBuf::from);
    let versions = root.map(|root| root.join("versions"));
    let folders = versions.and_then(|path| std::fs::read_dir(path).ok());
    let mut compared = 0;
    for folder in folders.into_iter().flatten().flatten() {
        let name = folder.file_name().into_string().unwrap();
        let minor: Option<u32> = name
            .strip_prefix("3.")
            .and_then(|rest| rest.split('.').next()?.parse().ok());
        let python = folder.path().join("bin/python3");
        if minor.is_some_and(|minor| minor >= 10) && python.is_file() {
            assert_eq!(differences(&python), Vec::<String>::new(), "{name}");
            compared += 1;
        }
    }
    println!("compared {compared} Pythons of pyenv");
}

#[test]
fn an_environment_that_pip_fills_has_the_map_that_it_has_itself() {
    let folder = tempfile::tempdir().unwrap();
    let venv = folder.path().join("venv");
    let run = |program: &Path, args: &[&str]| {
        let ran = Command::new(program).args(args).output();
        ran.is_ok_and(|ran| ran.status.success())
    };
    let made = run(
        Path::new("python3"),
        &["-m", "venv", venv.to_str().unwrap()],
    );
    if !made {
        println!("not run: python3 -m venv does not work here");
        return;
    }
    let project = folder.path().join("project");
    std::fs::create_dir_all(project.join("src/ours")).unwrap();
    std::fs::write(project.join("src/ours/__init__.py"), "").unwrap();
    std::fs::write(
        project.join("pyproject.toml"),
        "[build-system]\nrequires = [\"setuptools>=64\"]\nbuild-backend = \"setuptools.build_meta\"\n[project]\nname = \"ours\"\nversion = \"1.0\"\n",
    )
    .unwrap();
    let python = venv.join("bin/python");
    let pip = |args: &[&str]| {
        let mut all = vec!["-m", "pip", "install", "-q", "--disable-pip-version-check"];
        all.extend(args);
        run(&python, &all)
    };
    if !pip(&["six", "python-dateutil", "zope.interface", "attrs"]) {
        println!("not run: pip cannot install here");
        return;
    }
    assert_eq!(differences(&python), Vec::<String>::new());
    let question = Question {
        workspace: &project,
        folder: &project,
        configured: python.to_str(),
    };
    let environment = Environment::read(&Disk, &Variables::default(), &question);
    let name = |module: &str| {
        environment
            .providers(module)
            .first()
            .map(|one| one.name.clone())
    };
    assert_eq!(name("dateutil.parser").as_deref(), Some("python-dateutil"));
    assert_eq!(
        name("zope.interface.common").as_deref(),
        Some("zope.interface")
    );
    if !pip(&["-e", project.to_str().unwrap()]) {
        println!("not run: pip cannot build here");
        return;
    }
    let environment = Environment::read(&Disk, &Variables::default(), &question);
    let ours = environment.distribution("ours").unwrap();
    assert_eq!(
        ours.editable.as_deref(),
        Some(project.canonicalize().unwrap().as_path())
    );
    assert!(environment.providers("ours").is_empty());
}
