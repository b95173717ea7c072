//! What was learnt of a target when it was reached last, for findings: nothing is asked for them.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use hoist_analysis::environment::normalized;
use hoist_analysis::{Packages, TargetPython};
use hoist_cluster::{EnvironmentKind, TargetSettings};
use serde::{Deserialize, Serialize};

use crate::environment::builds;

/// For how long what a Python can import is not asked again.
const FRESH: Duration = Duration::from_secs(60);

/// One target as it was.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Site {
    /// The version of its Python: `3.6.8`.
    python: String,
    /// What that can import, once it was asked.
    #[serde(default)]
    packages: Option<Arc<Packages>>,
    /// What of its settings decides that.
    settings: Decisive,
}

/// With other ones than these it may be another Python.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Decisive {
    host: Option<String>,
    python: Option<String>,
    modules: Vec<String>,
    #[serde(default)]
    env: BTreeMap<String, String>,
    #[serde(default)]
    setup: Vec<String>,
    /// Of conda, a folder, an image: another Python than that of the target as it is.
    #[serde(default)]
    environment: Option<String>,
}

impl Decisive {
    fn of(settings: &TargetSettings) -> Self {
        Self {
            host: settings.host.clone(),
            python: settings.python.clone(),
            modules: settings.modules.clone(),
            env: settings.env.clone(),
            setup: settings.setup.clone(),
            environment: settings
                .environment
                .as_ref()
                .filter(|kind| !matches!(kind, EnvironmentKind::System | EnvironmentKind::Venv))
                .map(ToString::to_string),
        }
    }
}

/// Writes down which Python a target has. It is only for findings: what cannot be written is not missed.
pub(crate) fn remember(store: &Path, settings: &TargetSettings, version: &str) {
    let Some(file) = file_of(store, &settings.name) else {
        return;
    };
    let before = read(&file).filter(|site| site.settings == Decisive::of(settings));
    // Another version is another Python, with packages of its own. What is known already is left as old as it is.
    if before.is_none_or(|site| site.python != version) {
        write(&file, settings, version, None);
    }
}

/// Writes down what the Python of a target can import, and which one that is.
pub(crate) fn remember_packages(
    store: &Path,
    settings: &TargetSettings,
    packages: hoist_cluster::Packages,
) {
    let version = packages.python;
    let versions = packages.distributions.into_iter();
    let packages = Packages {
        modules: packages.modules.into_iter().collect(),
        distributions: versions
            .map(|(name, version)| (normalized(&name), version))
            .collect(),
    };
    if let Some(file) = file_of(store, &settings.name) {
        write(&file, settings, &version, Some(Arc::new(packages)));
    }
}

/// Was it asked lately what the Python of a target can import?
pub(crate) fn is_fresh(store: &Path, settings: &TargetSettings) -> bool {
    let age = || {
        let file = file_of(store, &settings.name)?;
        let site = read(&file)?;
        let is_known = site.packages.is_some() && site.settings == Decisive::of(settings);
        let written = std::fs::metadata(&file).ok()?.modified().ok()?;
        is_known.then(|| written.elapsed().unwrap_or_default())
    };
    age().is_some_and(|age| age < FRESH)
}

/// The version of the Python of a target, and how many distributions that has, when it was asked.
pub(crate) fn known_of(store: &Path, settings: &TargetSettings) -> Option<(String, Option<usize>)> {
    let site = read(&file_of(store, &settings.name)?)?;
    let packages = site.packages.as_ref();
    let count = packages.map(|packages| packages.distributions.len());
    (site.settings == Decisive::of(settings)).then(|| (site.python.clone(), count))
}

fn write(file: &Path, settings: &TargetSettings, version: &str, packages: Option<Arc<Packages>>) {
    let site = Site {
        python: version.to_owned(),
        packages,
        settings: Decisive::of(settings),
    };
    let write = || -> std::io::Result<()> {
        std::fs::create_dir_all(file.parent().unwrap_or(file))?;
        // By rename, so that nobody reads half of it.
        let mut fresh = file.to_path_buf();
        fresh.set_extension(format!("{}.new", std::process::id()));
        std::fs::write(&fresh, serde_json::to_vec(&site)?)?;
        std::fs::rename(&fresh, file)
    };
    write().ok();
}

/// The Python of a target: as its settings say, else as it was found.
pub(crate) fn python_of(settings: &TargetSettings) -> Option<TargetPython> {
    python_in(&crate::default_store(), settings)
}

fn python_in(store: &Path, settings: &TargetSettings) -> Option<TargetPython> {
    let site = file_of(store, &settings.name)
        .and_then(|file| read(&file))
        .filter(|site| site.settings == Decisive::of(settings));
    let version = match (&settings.python_version, &site) {
        (Some(version), _) => version,
        (None, Some(site)) => &site.python,
        (None, None) => return None,
    };
    Some(TargetPython {
        target: settings.name.clone(),
        version: version.parse().ok()?,
        // Where an environment is built for each job, it is not what the Python there has that counts.
        packages: site
            .as_ref()
            .and_then(|site| site.packages.clone())
            .filter(|_| !builds(settings)),
        builds: builds(settings),
    })
}

/// A file that was read, by when it was written and how long it is.
type Kept = HashMap<PathBuf, (SystemTime, u64, Option<Arc<Site>>)>;

/// A site's file is read again when it changed: findings ask on each keystroke.
fn read(file: &Path) -> Option<Arc<Site>> {
    static KEPT: LazyLock<Mutex<Kept>> = LazyLock::new(Mutex::default);
    let metadata = std::fs::metadata(file).ok()?;
    let (written, length) = (metadata.modified().ok()?, metadata.len());
    let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((then, long, site)) = kept.get(file)
        && (*then, *long) == (written, length)
    {
        return site.clone();
    }
    let site = std::fs::read(file).ok();
    let site = site.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let site: Option<Arc<Site>> = site.map(Arc::new);
    kept.insert(file.to_path_buf(), (written, length, site.clone()));
    site
}

/// `None` for a name that is no file's.
fn file_of(store: &Path, target: &str) -> Option<PathBuf> {
    let is_plain = !target.is_empty()
        && !target.starts_with('.')
        && target
            .chars()
            .all(|c| c.is_alphanumeric() || "-_. ".contains(c));
    is_plain.then(|| store.join("targets").join(format!("{target}.json")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_targets_python_is_known_until_its_settings_change() {
        let store = tempfile::tempdir().expect("a temporary folder");
        let known = |settings: &TargetSettings| {
            python_in(store.path(), settings).map(|python| python.version.to_string())
        };
        let mut settings = TargetSettings {
            name: "far".to_owned(),
            host: Some("far".to_owned()),
            environment: Some(EnvironmentKind::System),
            ..TargetSettings::default()
        };
        assert_eq!(known(&settings), None);
        remember(store.path(), &settings, "3.6.8");
        remember(store.path(), &settings, "3.6.8");
        assert_eq!(known(&settings).as_deref(), Some("3.6"));
        settings.python_version = Some("3.12".to_owned());
        assert_eq!(known(&settings).as_deref(), Some("3.12"));
        settings.python_version = None;
        settings.modules.push("python/3.11".to_owned());
        assert_eq!(known(&settings), None);
        let packages = |settings: &TargetSettings| {
            let python = python_in(store.path(), settings);
            let packages = python.and_then(|python| python.packages);
            packages.map(|packages| {
                packages
                    .distributions
                    .clone()
                    .into_iter()
                    .collect::<Vec<_>>()
            })
        };
        settings.modules.clear();
        assert!(packages(&settings).is_none() && !is_fresh(store.path(), &settings));
        let found = hoist_cluster::Packages {
            python: "3.6.8".to_owned(),
            modules: vec!["numpy".to_owned()],
            distributions: [("Num.Py".to_owned(), "1.0".to_owned())].into(),
        };
        remember_packages(store.path(), &settings, found);
        let numpy = vec![("num-py".to_owned(), "1.0".to_owned())];
        assert_eq!(packages(&settings), Some(numpy.clone()));
        assert!(is_fresh(store.path(), &settings));
        remember(store.path(), &settings, "3.6.8");
        assert_eq!(packages(&settings), Some(numpy));
        remember(store.path(), &settings, "3.9.1");
        assert_eq!(packages(&settings), None);
        // Where it is built, that does not count.
        let nothing = hoist_cluster::Packages {
            python: "3.9.1".to_owned(),
            ..Default::default()
        };
        remember_packages(store.path(), &settings, nothing);
        settings.environment = None;
        let built = python_in(store.path(), &settings).expect("known");
        assert!(built.builds && built.packages.is_none());
        settings.environment = "conda:lab".parse().ok();
        assert_eq!(known(&settings), None);
        settings.environment = Some(EnvironmentKind::System);
        settings.name = "../far".to_owned();
        remember(store.path(), &settings, "3.6.8");
        assert_eq!(known(&settings), None);
        let files: Vec<_> = std::fs::read_dir(store.path().join("targets"))
            .expect("listed")
            .collect();
        assert_eq!(files.len(), 1);
    }
}
