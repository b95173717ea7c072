//! Wheels for another machine, fetched on this one: for a target that reaches no package index.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use hoist_analysis::lock::Lock;
use hoist_cluster::{BuildError, BuildErrorKind, Facts, Libc};

/// The wheels, which are gone when this is dropped.
pub(crate) struct Wheels {
    pub(crate) files: Vec<PathBuf>,
    _folder: tempfile::TempDir,
}

/// Why they could not be fetched.
pub(crate) enum FetchError {
    /// There is no pip on this machine.
    NoPip,
    /// This machine's own disk, or a program that does not start.
    Here(std::io::Error),
    /// What pip said.
    Pip(String),
}

impl FetchError {
    /// As the end of a build; `instead` is why one was not possible over there.
    pub(crate) fn of(self, target: String, instead: Option<&BuildError>) -> BuildError {
        let why = match self {
            Self::Pip(words) => {
                let log = format!("{words}\nhoist: not built (pip): pip ended with an error\n");
                let told = BuildError::of_log(&target, &log);
                if let Some(mut told) = told {
                    told.why = format!(
                        "the wheels could not be fetched on this machine: {}",
                        told.why
                    );
                    return told;
                }
                "the wheels could not be fetched on this machine".to_owned()
            }
            Self::NoPip => {
                "the wheels cannot be fetched on this machine, which has no pip".to_owned()
            }
            Self::Here(error) => format!("the wheels cannot be fetched on this machine ({error})"),
        };
        match instead {
            Some(instead) => BuildError {
                mend: format!("{}; besides, {why}", instead.mend),
                ..instead.clone()
            },
            None => BuildError {
                target,
                kind: BuildErrorKind::Tools,
                requirement: None,
                words: String::new(),
                why,
                mend: "install pip for the Python of the editor (`python -m ensurepip`), and run again".to_owned(),
            },
        }
    }
}

/// Fetches what a lock lists, for the Python of a target, with the pip of `python` or of any other Python here.
pub(crate) async fn fetch(
    lock: &Lock,
    facts: Option<&Facts>,
    indexes: &[String],
    python: Option<&Path>,
) -> Result<Wheels, FetchError> {
    let folder = tempfile::tempdir().map_err(FetchError::Here)?;
    let own = tempfile::tempdir().map_err(FetchError::Here)?;
    let pip = pip(python).await.ok_or(FetchError::NoPip)?;
    let mut command = tokio::process::Command::new(pip);
    command
        .args([
            "-m",
            "pip",
            "--disable-pip-version-check",
            "--no-input",
            "download",
        ])
        .args([
            "--no-cache-dir",
            "--progress-bar",
            "off",
            "--only-binary",
            ":all:",
            "--dest",
        ])
        .arg(folder.path())
        .args(options(&lock.python, facts));
    if lock.is_complete {
        command.arg("--no-deps");
    }
    for index in indexes {
        command.args(["--extra-index-url", index]);
    }
    if !lock.constraints.is_empty() {
        let constraints = own.path().join("constraints.txt");
        std::fs::write(&constraints, lock.constraints.join("\n")).map_err(FetchError::Here)?;
        command.arg("--constraint").arg(constraints);
    }
    let archives: Vec<&Path> = lock.archives.iter().map(PathBuf::as_path).collect();
    // An archive of this machine stands for the requirement of its name.
    let by_archive = |line: &&String| {
        let name = line.split("==").next().unwrap_or_default();
        archives.iter().any(|archive| is_of(archive, name))
    };
    command
        .args(lock.requirements.iter().filter(|line| !by_archive(line)))
        .args(&archives)
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let output = command.output().await.map_err(FetchError::Here)?;
    if !output.status.success() {
        let words = [output.stdout, output.stderr].concat();
        return Err(FetchError::Pip(
            String::from_utf8_lossy(&words).into_owned(),
        ));
    }
    let entries = std::fs::read_dir(folder.path()).map_err(FetchError::Here)?;
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    files.sort();
    Ok(Wheels {
        files,
        _folder: folder,
    })
}

/// A Python here that has pip.
async fn pip(first: Option<&Path>) -> Option<PathBuf> {
    let others = ["python3", "python"].map(PathBuf::from);
    for python in first.map(Path::to_path_buf).into_iter().chain(others) {
        let mut command = tokio::process::Command::new(&python);
        command
            .args(["-m", "pip", "--version"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        if command.status().await.is_ok_and(|status| status.success()) {
            return Some(python);
        }
    }
    None
}

/// Is an archive, by its name, one of this distribution?
fn is_of(archive: &Path, name: &str) -> bool {
    let file = archive.file_name().unwrap_or_default().to_string_lossy();
    let stem = file.split('-').next().unwrap_or_default();
    hoist_analysis::environment::normalized(stem) == name.split('[').next().unwrap_or_default()
}

/// pip's words for a Python on a platform: the newest wheels that fit come first.
fn options(python: &str, facts: Option<&Facts>) -> Vec<String> {
    let mut options = vec!["--python-version".to_owned(), python.to_owned()];
    let Some(facts) = facts else { return options };
    let mut option = |name: &str, value: String| options.extend([format!("--{name}"), value]);
    if facts.markers.implementation_name == "cpython" {
        let digits = python.replace('.', "");
        option("implementation", "cp".to_owned());
        // Up to 3.7 the name of the interface ends in an `m`.
        for abi in [
            format!("cp{digits}"),
            format!("cp{digits}m"),
            "abi3".to_owned(),
            "none".to_owned(),
        ] {
            option("abi", abi);
        }
    }
    let machine = &facts.markers.platform_machine;
    let minor = |version: &str| -> u32 {
        let minor = version.split('.').nth(1);
        minor
            .and_then(|minor| minor.parse().ok())
            .unwrap_or_default()
    };
    match &facts.libc {
        Some(Libc::Glibc(version)) => {
            for minor in (5..=minor(version).min(99)).rev() {
                option("platform", format!("manylinux_2_{minor}_{machine}"));
                match minor {
                    17 => option("platform", format!("manylinux2014_{machine}")),
                    12 => option("platform", format!("manylinux2010_{machine}")),
                    5 => option("platform", format!("manylinux1_{machine}")),
                    _ => {}
                }
            }
        }
        Some(Libc::Musl(version)) => {
            for minor in (0..=minor(version).min(99)).rev() {
                option("platform", format!("musllinux_1_{minor}_{machine}"));
            }
        }
        None => {}
    }
    option(
        "platform",
        format!("{}_{machine}", facts.markers.sys_platform),
    );
    option("platform", "any".to_owned());
    options
}
