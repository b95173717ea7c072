//! The map of a virtual environment that pip fills, against what Python itself says of it. Where pip does not work, that is said
//! and nothing else is tested.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod pythons;

use std::path::Path;
use std::process::Command;

use hoist_analysis::Disk;
use hoist_analysis::environment::{Environment, Question, Variables};
use pythons::differences;

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
