//! What the Python of a target's jobs is, and what there is to build an environment with.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::EnvironmentKind;
use super::shell::JobShell;
use crate::error::ClusterError;
use crate::settings::TargetSettings;
use crate::site::Site;
use crate::transport::Transport;

const PROGRAM: &str = include_str!("facts.py");

/// The longest text of an answer, in characters.
const LONGEST: usize = 300;

/// For how long the answer is waited for: jobs wait for it too.
const LIMIT: Duration = Duration::from_secs(100);

/// The C library of a machine, with its version as `2.28`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Libc {
    /// The GNU one.
    Glibc(String),
    /// That of Alpine and its like.
    Musl(String),
}

/// The variables of PEP 508 of a Python, by their names there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct MarkerVariables {
    pub os_name: String,
    pub sys_platform: String,
    pub platform_machine: String,
    pub platform_python_implementation: String,
    pub platform_release: String,
    pub platform_system: String,
    pub platform_version: String,
    pub python_version: String,
    pub python_full_version: String,
    pub implementation_name: String,
    pub implementation_version: String,
}

/// The Python that a job of a target gets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// Its path there.
    pub executable: String,
    /// The variables of PEP 508.
    pub markers: MarkerVariables,
    /// The C library, where one says its version.
    pub libc: Option<Libc>,
    /// Whether it has the module `venv`.
    pub venv: bool,
    /// Whether it has the module `ensurepip`, which puts pip into a virtual environment.
    pub ensurepip: bool,
    /// The version of its own pip.
    pub pip: Option<String>,
    /// The version of `uv`, where it is found there.
    pub uv: Option<String>,
    /// The version of NVIDIA's driver on the machine that was asked; compute nodes may have one where it has none.
    pub gpu_driver: Option<String>,
}

/// Asks the Python that a job gets, in the shell that a job gets. None where that cannot be known from outside: in a container.
pub(crate) async fn ask(
    transport: &dyn Transport,
    settings: &TargetSettings,
    site: &Site,
) -> Result<Option<Facts>, ClusterError> {
    if matches!(settings.environment, Some(EnvironmentKind::Image(_))) {
        return Ok(None);
    }
    let shell = JobShell::configured(settings, site);
    let output = shell.ask(transport, PROGRAM, LIMIT).await?;
    let facts = read(&shell.told(&output)?);
    facts.map(Some).ok_or_else(|| shell.odd_answer(&output))
}

/// Reads the answer, which comes from outside.
fn read(line: &str) -> Option<Facts> {
    let mut facts: Facts = serde_json::from_str(line).ok()?;
    let markers = &mut facts.markers;
    for text in [
        &mut facts.executable,
        &mut markers.os_name,
        &mut markers.sys_platform,
        &mut markers.platform_machine,
        &mut markers.platform_python_implementation,
        &mut markers.platform_release,
        &mut markers.platform_system,
        &mut markers.platform_version,
        &mut markers.implementation_name,
    ] {
        if text.chars().count() > LONGEST || text.chars().any(char::is_control) {
            return None;
        }
    }
    for version in [
        &markers.python_version,
        &markers.python_full_version,
        &markers.implementation_version,
    ] {
        if !is_version(version) {
            return None;
        }
    }
    if let Some(Libc::Glibc(version) | Libc::Musl(version)) = &facts.libc
        && !is_version(version)
    {
        facts.libc = None;
    }
    for version in [&mut facts.pip, &mut facts.uv, &mut facts.gpu_driver] {
        if version.as_ref().is_some_and(|text| !is_version(text)) {
            *version = None;
        }
    }
    Some(facts)
}

/// Numbers with dots between them, and perhaps what comes before a release: `3.14.0rc1`, `3.12.1+`.
pub(crate) fn is_version(text: &str) -> bool {
    (1..=40).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_digit())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || ".+".contains(c))
}

#[cfg(test)]
mod tests {
    use std::process::Command;
    use std::sync::Arc;

    use super::*;
    use crate::script::PYTHONS;
    use crate::{Nobody, connect};

    #[test]
    fn each_python_that_is_at_hand_says_what_it_is() {
        let mut answered = 0;
        for python in PYTHONS.split_whitespace() {
            let version = Command::new(python)
                .args([
                    "-c",
                    "import sys; assert sys.version_info >= (3, 6); print('%d.%d' % sys.version_info[:2])",
                ])
                .output();
            let Some(version) = version.ok().filter(|output| output.status.success()) else {
                continue;
            };
            let version = String::from_utf8_lossy(&version.stdout).trim().to_owned();
            let output = Command::new(python).args(["-c", PROGRAM]).output();
            let text = String::from_utf8_lossy(&output.expect("it runs").stdout).into_owned();
            let line = text.lines().last().unwrap_or_default();
            let facts = read(line).unwrap_or_else(|| panic!("{python}: {text}"));
            assert_eq!(facts.markers.python_version, version, "{python}");
            assert_eq!(facts.markers.os_name, "posix");
            assert!(facts.markers.python_full_version.starts_with(&version));
            assert!(facts.libc.is_some(), "{python}: {text}");
            answered += 1;
        }
        assert!(answered > 0);
    }

    #[tokio::test]
    async fn the_set_up_lines_of_a_job_come_first_and_their_failure_is_told() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = |name: &str| folder.path().join(name).display().to_string();
        let home = path("home");
        std::fs::create_dir_all(folder.path().join("home/.local/bin")).expect("made");
        let uv = folder.path().join("home/.local/bin/uv");
        std::fs::write(&uv, "#!/bin/sh\necho 'uv 0.9.30 (2026)'\n").expect("written");
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(&uv, mode).expect("its mode");
        let mut settings = TargetSettings {
            work_dir: path("work"),
            setup: vec![
                "echo '{\"executable\": 1}'; read -r line".to_owned(),
                format!("export HOME='{home}'"),
            ],
            ..TargetSettings::local()
        };
        // A line that reads gets nothing, and what it prints is no answer.
        settings.setup[0] += " || true";
        let facts = |settings: TargetSettings| async move {
            let target = connect(&settings, Arc::new(Nobody)).await.expect("reached");
            target.facts().await
        };
        let found = facts(settings.clone())
            .await
            .expect("asked")
            .expect("known");
        assert_eq!(found.uv.as_deref(), Some("0.9.30"));
        assert!(found.executable.starts_with('/'));
        settings.setup.push("source /nowhere/env.sh".to_owned());
        let error = facts(settings.clone()).await.expect_err("it fails");
        assert!(
            error.to_string().starts_with(
                "local: the set-up line `source /nowhere/env.sh` ended with status 1; "
            ),
            "{error}"
        );
        settings.setup.clear();
        settings.python = Some("/nowhere/python".to_owned());
        let error = facts(settings.clone()).await.expect_err("there is none");
        assert_eq!(error.kind, crate::ErrorKind::NoPython, "{error}");
        settings.python = None;
        settings.environment = Some("image:lab/torch:2".parse().expect("an image"));
        assert_eq!(facts(settings).await.expect("not asked"), None);
    }

    #[test]
    fn an_answer_is_not_trusted() {
        let facts = |executable: &str, version: &str, uv: &str| {
            let markers = [
                "os_name",
                "sys_platform",
                "platform_machine",
                "platform_python_implementation",
                "platform_release",
                "platform_system",
                "platform_version",
                "implementation_name",
            ];
            let mut markers: serde_json::Map<String, serde_json::Value> = markers
                .iter()
                .map(|name| ((*name).to_owned(), "x".into()))
                .collect();
            for name in [
                "python_version",
                "python_full_version",
                "implementation_version",
            ] {
                markers.insert(name.to_owned(), version.into());
            }
            let answer = serde_json::json!({
                "executable": executable, "markers": markers, "libc": { "glibc": "2.28\u{1b}" }, "venv": true,
                "ensurepip": true, "pip": null, "uv": uv, "gpu_driver": "1.2\nx",
            });
            read(&answer.to_string())
        };
        let good = facts("/usr/bin/python3", "3.14.0rc1", "0.9.30").expect("an answer");
        assert_eq!(
            (good.uv.as_deref(), good.libc, good.gpu_driver),
            (Some("0.9.30"), None, None)
        );
        assert_eq!(
            facts("/usr/bin/python3", "3.11.7", "$(id)")
                .expect("an answer")
                .uv,
            None
        );
        let long = "x".repeat(LONGEST + 1);
        for executable in ["/usr/bin/\u{1b}[31m", &long] {
            assert_eq!(facts(executable, "3.11.7", "1.0"), None);
        }
        for version in ["", "three", "3.11; os", "3.11\n"] {
            assert_eq!(facts("/usr/bin/python3", version, "1.0"), None, "{version}");
        }
        assert_eq!(read("{}"), None);
    }
}
