//! What was learnt of a target when it was reached last, for findings: nothing is asked for them.

use std::path::{Path, PathBuf};

use hoist_analysis::TargetPython;
use hoist_cluster::TargetSettings;
use serde::{Deserialize, Serialize};

/// One target as it was.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Site {
    /// The version of its Python: `3.6.8`.
    python: String,
    /// What of its settings decides that.
    settings: Decisive,
}

/// With other ones than these it may be another Python.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Decisive {
    host: Option<String>,
    python: Option<String>,
    modules: Vec<String>,
}

impl Decisive {
    fn of(settings: &TargetSettings) -> Self {
        Self {
            host: settings.host.clone(),
            python: settings.python.clone(),
            modules: settings.modules.clone(),
        }
    }
}

/// Writes down which Python a target has. It is only for findings: what cannot be written is not missed.
pub(crate) fn remember(store: &Path, settings: &TargetSettings, version: &str) {
    let site = Site {
        python: version.to_owned(),
        settings: Decisive::of(settings),
    };
    let Some(file) = file_of(store, &settings.name) else {
        return;
    };
    if read(&file).as_ref() == Some(&site) {
        return;
    }
    let write = || -> std::io::Result<()> {
        let folder = file.parent().unwrap_or(store);
        std::fs::create_dir_all(folder)?;
        // By rename, so that nobody reads half of it.
        let mut fresh = file.clone();
        fresh.set_extension(format!("{}.new", std::process::id()));
        std::fs::write(&fresh, serde_json::to_vec(&site)?)?;
        std::fs::rename(&fresh, &file)
    };
    write().ok();
}

/// The Python of a target: as its settings say, else as it was found.
pub(crate) fn python_of(settings: &TargetSettings) -> Option<TargetPython> {
    python_in(&crate::default_store(), settings)
}

fn python_in(store: &Path, settings: &TargetSettings) -> Option<TargetPython> {
    let version = match &settings.python_version {
        Some(version) => version.parse().ok()?,
        None => {
            let site = read(&file_of(store, &settings.name)?)?;
            if site.settings != Decisive::of(settings) {
                return None;
            }
            site.python.parse().ok()?
        }
    };
    Some(TargetPython {
        target: settings.name.clone(),
        version,
    })
}

fn read(file: &Path) -> Option<Site> {
    serde_json::from_slice(&std::fs::read(file).ok()?).ok()
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
        settings.name = "../far".to_owned();
        remember(store.path(), &settings, "3.6.8");
        assert_eq!(known(&settings), None);
        let files: Vec<_> = std::fs::read_dir(store.path().join("targets"))
            .expect("listed")
            .collect();
        assert_eq!(files.len(), 1);
    }
}
