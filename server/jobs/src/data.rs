//! Data files of jobs: which way each goes, what must be sent, and whether the user agrees to that.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hoist_analysis::{ASK_FROM, DataRules, STORE_FROM};
use hoist_cluster::{DataFile, Question, QuestionKind, SchedulerKind, TargetSettings};
use hoist_package::{Manifest, PackageError, manifest_of};

use crate::engine::Engine;
use crate::{JobId, RunError};

/// How data files reach a target.
pub(crate) fn rules_of(settings: &TargetSettings) -> DataRules {
    let paths = settings.paths.iter();
    DataRules {
        target: settings.name.clone(),
        store_from: Some(settings.data_store.map_or(STORE_FROM, |size| size.0)),
        ask_from: ask_from(settings),
        limit: settings.data_limit.map(|size| size.0),
        paths: paths
            .map(|(here, there)| (from_home(here), there.clone()))
            .collect(),
        volumes: (settings.scheduler == SchedulerKind::Kubernetes)
            .then(|| settings.volumes.keys().cloned().collect()),
    }
}

fn ask_from(settings: &TargetSettings) -> u64 {
    settings.data_ask.map_or(ASK_FROM, |size| size.0)
}

/// A path of the configuration, which may begin at the user's home.
fn from_home(path: &str) -> PathBuf {
    let below = match path {
        "~" => Some(""),
        path => path.strip_prefix("~/"),
    };
    match (below, std::env::home_dir()) {
        (Some(below), Some(home)) => home.join(below),
        _ => PathBuf::from(path),
    }
}

/// The files that a package names and does not hold, with where they lie here.
pub(crate) fn files_of(
    manifest: &Manifest,
    origin: impl Fn(&str) -> Option<PathBuf>,
) -> Arc<[DataFile]> {
    let stored = manifest.stored.iter();
    let files = stored.map(|file| DataFile {
        path: file.path.to_string(),
        size: file.size,
        sha256: file.sha256.clone(),
        // One that is nowhere is told of when it is needed.
        origin: origin(file.path.as_str()).unwrap_or_default(),
    });
    files.collect()
}

/// The same of a package that is kept.
pub(crate) fn files_of_package(
    package: &[u8],
    origins: &BTreeMap<String, PathBuf>,
) -> Result<Arc<[DataFile]>, PackageError> {
    let manifest = manifest_of(package)?;
    Ok(files_of(&manifest, |path| origins.get(path).cloned()))
}

/// A number of bytes as people say it.
fn size(bytes: u64) -> String {
    match bytes {
        0..1_000_000 => format!("{:.1} kB", bytes as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", bytes as f64 / 1e6),
        _ => format!("{:.1} GB", bytes as f64 / 1e9),
    }
}

impl Engine {
    /// Whether the user may have to be asked before the data files of a run are sent. Asks nobody and nothing.
    #[must_use]
    pub fn may_ask(settings: &TargetSettings, files: &[DataFile]) -> bool {
        let sum: u64 = files.iter().map(|file| file.size).sum();
        !files.is_empty() && sum >= ask_from(settings)
    }

    /// Asks the user before much is sent to a target. What is there already is not asked about; for that the target is reached.
    ///
    /// # Errors
    /// The user did not agree, or cannot be asked; or the target cannot be reached.
    pub async fn agree(
        &self,
        settings: &TargetSettings,
        files: &[DataFile],
    ) -> Result<(), RunError> {
        if !Self::may_ask(settings, files) {
            return Ok(());
        }
        let target = self.target(settings).await.map_err(RunError::Unreached)?;
        let missing = target.missing_data(files).await;
        let missing = missing.map_err(RunError::Unreached)?;
        if !Self::may_ask(settings, &missing) {
            return Ok(());
        }
        let bytes = size(missing.iter().map(|file| file.size).sum());
        let largest = missing.iter().max_by_key(|file| file.size);
        let largest = largest.map(|file| format!("`{}` ({})", file.path, size(file.size)));
        let mut detail = largest.unwrap_or_default();
        match missing.len() {
            1 => {}
            2 => detail += " and 1 more",
            more => detail += &format!(" and {} more", more - 1),
        }
        let detail = match target.may_ask_later() {
            true => format!("{detail}: sent into the pod of each job"),
            false => format!("{detail}: once, to the store of data files there"),
        };
        let name = &settings.name;
        let title = format!("Send {bytes} to {name}?");
        let question = Question::new(QuestionKind::Confirm, title, detail);
        match self.ask(question).await.as_deref() {
            Some("yes") => Ok(()),
            _ => Err(RunError::NotSent {
                bytes,
                target: name.clone(),
            }),
        }
    }

    /// The data files that would be sent for a job once more, with the target's settings.
    ///
    /// # Errors
    /// There is no such job, or its package was cleaned away.
    pub fn data_of(&self, job: JobId) -> Result<(TargetSettings, Arc<[DataFile]>), RunError> {
        let record = self.store().folder(job).read()?;
        if !self.store().has_package(&record.package) {
            return Err(RunError::NoPackage);
        }
        let package = self.store().package(&record.package)?;
        let files = files_of_package(&package, &record.origins)?;
        Ok((record.settings, files))
    }
}

/// Is a pattern of files one of what lies on some target already, so that nothing need be here?
pub(crate) fn is_mapped<'t>(
    mut targets: impl Iterator<Item = &'t TargetSettings>,
    workspace: &Path,
    pattern: &str,
) -> bool {
    let named = workspace.join(pattern.trim_start_matches("./"));
    targets.any(|settings| {
        let mut paths = settings.paths.keys();
        paths.any(|here| named.starts_with(workspace.join(from_home(here))))
    })
}
