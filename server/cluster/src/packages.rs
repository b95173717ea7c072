//! What the Python that runs jobs on a target can import.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;

use crate::environment::{EnvironmentKind, JobShell, is_version};
use crate::error::ClusterError;
use crate::settings::TargetSettings;
use crate::site::Site;
use crate::transport::Transport;

const PROGRAM: &str = include_str!("packages.py");

/// More names than this are not kept.
const MOST: usize = 20_000;

/// The longest name or version, in bytes.
const LONGEST: usize = 200;

/// For how long the answer is waited for.
const LIMIT: Duration = Duration::from_secs(60);

/// What a Python can import, as its path has it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Packages {
    /// Its version, as `3.6.8`.
    pub python: String,
    /// Names of top-level modules and packages.
    pub modules: Vec<String>,
    /// Versions of distributions, by the names of their metadata.
    pub distributions: BTreeMap<String, String>,
}

/// Asks the Python that a job gets on the machine that is reached, with the target's modules, variables, set-up lines and
/// environment. None where that cannot be known: an image is not asked, and a Python that says nothing is not taken to have nothing.
///
/// # Errors
/// The machine could not be asked, or one of the modules or set-up lines fails there or comes to no end.
pub(crate) async fn ask(
    transport: &dyn Transport,
    settings: &TargetSettings,
    site: &Site,
) -> Result<Option<Packages>, ClusterError> {
    ask_within(transport, settings, site, LIMIT).await
}

async fn ask_within(
    transport: &dyn Transport,
    settings: &TargetSettings,
    site: &Site,
    limit: Duration,
) -> Result<Option<Packages>, ClusterError> {
    if matches!(settings.environment, Some(EnvironmentKind::Image(_))) {
        return Ok(None);
    }
    let shell = JobShell::configured(settings, site);
    let output = shell.ask(transport, PROGRAM, limit).await?;
    // Of too many names it says none.
    if output.status == 0 && output.text().trim().is_empty() {
        return Ok(None);
    }
    Ok(read(&shell.told(&output)?))
}

/// Reads the answer, which comes from outside and is shown in findings: names and versions that are none are left out.
fn read(line: &str) -> Option<Packages> {
    let mut packages: Packages = serde_json::from_str(line).ok()?;
    if !is_version(&packages.python) {
        return None;
    }
    packages.modules.retain(|name| is_plain(name, "_"));
    packages
        .distributions
        .retain(|name, version| is_plain(name, "_-.") && is_plain(version, "_-.+!"));
    let count = packages.modules.len() + packages.distributions.len();
    (1..=MOST).contains(&count).then_some(packages)
}

/// Is it a short word of letters, digits and these marks?
fn is_plain(word: &str, marks: &str) -> bool {
    (1..=LONGEST).contains(&word.len())
        && word
            .chars()
            .all(|c| c.is_alphanumeric() || marks.contains(c))
}

#[cfg(test)]
mod tests {
    use std::process::Command;
    use std::sync::Arc;

    use super::*;
    use crate::script::PYTHONS;
    use crate::{Nobody, connect};

    /// A virtual environment with a package, a module and an editable install.
    fn environment(folder: &std::path::Path) -> String {
        let made = Command::new("python3")
            .args(["-m", "venv", "--without-pip"])
            .arg(folder)
            .status();
        assert!(made.is_ok_and(|status| status.success()));
        let python = folder.join("bin/python");
        let site = "import site; print(site.getsitepackages()[0])";
        let site = Command::new(&python).args(["-c", site]).output();
        let site = String::from_utf8(site.expect("it runs").stdout).expect("UTF-8");
        let site = std::path::Path::new(site.trim());
        for file in [
            "sunlit/__init__.py",
            "Sun_Lit-1.2.dist-info/METADATA",
            "moon.py",
        ] {
            let file = site.join(file);
            std::fs::create_dir_all(file.parent().expect("a folder")).expect("made");
            std::fs::write(file, "").expect("written");
        }
        let finder = "import sys\nMAPPING = {'away': '/nowhere/away'}\n\
                      class Finder:\n    @classmethod\n    def find_spec(cls, *_): return None\nsys.meta_path.append(Finder)\n";
        std::fs::write(site.join("finder.py"), finder).expect("written");
        std::fs::write(site.join("finder.pth"), "import finder\n").expect("written");
        python.to_str().expect("UTF-8").to_owned()
    }

    #[tokio::test]
    async fn the_python_of_the_jobs_is_asked() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut settings = TargetSettings {
            work_dir: folder
                .path()
                .join("work")
                .to_str()
                .expect("UTF-8")
                .to_owned(),
            python: Some(environment(&folder.path().join("env"))),
            ..TargetSettings::local()
        };
        let target = connect(&settings, Arc::new(Nobody)).await.expect("reached");
        let found = target.packages().await.expect("asked").expect("known");
        for module in ["sunlit", "moon", "away", "sys", "json"] {
            assert!(found.modules.iter().any(|name| name == module), "{module}");
        }
        assert_eq!(found.distributions["Sun_Lit"], "1.2");
        assert!(!found.modules.iter().any(|name| name.contains('-')));
        assert!(found.python.starts_with("3."), "{}", found.python);
        settings.environment = Some("image:lab/torch:2".parse().expect("an image"));
        let target = connect(&settings, Arc::new(Nobody)).await.expect("reached");
        assert_eq!(target.packages().await.expect("asked"), None);
    }

    /// This machine with these set-up lines and a work folder of its own.
    async fn set_up(folder: &std::path::Path, setup: &[String]) -> crate::Target {
        let settings = TargetSettings {
            work_dir: folder.join("work").to_str().expect("UTF-8").to_owned(),
            setup: setup.to_vec(),
            ..TargetSettings::local()
        };
        connect(&settings, Arc::new(Nobody)).await.expect("reached")
    }

    #[tokio::test]
    async fn the_set_up_lines_of_a_job_come_first() {
        let folder = tempfile::tempdir().expect("a folder");
        let python = environment(&folder.path().join("env"));
        let bin = python.trim_end_matches("/python");
        std::fs::create_dir_all(folder.path().join("own")).expect("made");
        std::fs::write(folder.path().join("own/star.py"), "").expect("written");
        let lines = [
            "echo '{\"python\": \"9\"}'".to_owned(),
            format!("export PATH={bin}:$PATH"),
            format!("export PYTHONPATH={}", folder.path().join("own").display()),
        ];
        let target = set_up(folder.path(), &lines).await;
        let found = target.packages().await.expect("asked").expect("known");
        for module in ["sunlit", "star", "away"] {
            assert!(found.modules.iter().any(|name| name == module), "{module}");
        }
        assert_eq!(target.python_version(), None);
    }

    #[tokio::test]
    async fn set_up_lines_that_fail_are_told() {
        let folder = tempfile::tempdir().expect("a folder");
        let target = set_up(folder.path(), &["source /nowhere/env.sh".to_owned()]).await;
        let error = target.packages().await.expect_err("it fails");
        let said = error.to_string();
        assert!(
            said.starts_with(
                "local: the set-up line `source /nowhere/env.sh` ended with status 1; "
            ),
            "{said}"
        );
    }

    #[tokio::test]
    async fn set_up_lines_that_wait_are_ended() {
        let folder = tempfile::tempdir().expect("a folder");
        let pid = folder.path().join("pid");
        let lines = [
            format!("echo $$ >{}", pid.display()),
            "sleep 600; true".to_owned(),
        ];
        let target = set_up(folder.path(), &lines).await;
        let machine = target.machine().expect("a machine");
        let (transport, site) = (&*machine.transport, &machine.site);
        let asked = ask_within(transport, target.settings(), site, Duration::from_secs(1)).await;
        let said = asked.expect_err("it waits").to_string();
        assert!(said.contains("came to no end within 1 s"), "{said}");
        let pid = std::fs::read_to_string(pid).expect("it ran");
        let name = std::path::Path::new("/proc").join(pid.trim());
        assert!(!name.exists(), "it still runs");
    }

    #[test]
    fn an_answer_is_not_trusted() {
        let odd = r#"{"python": "3.6.8", "modules": ["numpy", "\u001b[31m", "a b", "", "größe"],
            "distributions": {"numpy": "1.0", "x\ny": "1", "y": "1\u0007", "z": "1!2.0+local-1"}}"#;
        let found = read(&odd.replace('\n', " ")).expect("an answer");
        assert_eq!(found.modules, ["numpy", "größe"]);
        let known: Vec<&str> = found.distributions.keys().map(String::as_str).collect();
        assert_eq!(known, ["numpy", "z"]);
        let many: Vec<String> = (0..=MOST).map(|n| format!("\"m{n}\"")).collect();
        let many = format!(
            "{{\"python\": \"3.6.8\", \"modules\": [{}], \"distributions\": {{}}}}",
            many.join(",")
        );
        for nothing in [
            "",
            "hello",
            "{}",
            r#"{"python": "3.6.8", "modules": [1], "distributions": {}}"#,
            r#"{"python": "3.6.8", "modules": [], "distributions": {}}"#,
            r#"{"python": "three", "modules": ["numpy"], "distributions": {}}"#,
            &many,
        ] {
            assert_eq!(read(nothing), None);
        }
    }

    #[test]
    fn each_python_that_is_at_hand_answers() {
        let mut answered = 0;
        for python in PYTHONS.split_whitespace() {
            let is_there = Command::new(python)
                .args(["-c", "import json; pass"])
                .output();
            if !is_there.is_ok_and(|output| output.status.success()) || python == "python" {
                continue;
            }
            let output = Command::new(python)
                .args(["-c", PROGRAM])
                .output()
                .expect("it runs");
            let text = String::from_utf8_lossy(&output.stdout);
            let line = text.lines().last().unwrap_or_default();
            let found = read(line).unwrap_or_else(|| panic!("{python}: {text}"));
            assert!(found.modules.iter().any(|name| name == "json"), "{python}");
            answered += 1;
        }
        assert!(answered > 0);
    }
}
