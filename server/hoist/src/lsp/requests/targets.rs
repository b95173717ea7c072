//! `hoist/targets`: what the configuration offers.

use hoist_cluster::SchedulerKind;
use hoist_jobs::Config;

use crate::lsp::analysis::{config, workspace};
use crate::lsp::ext;
use crate::lsp::snapshot::Snapshot;

/// The targets of a document's workspace, else of the first folder.
///
/// # Errors
/// The configuration's own sentence.
pub(in crate::lsp) fn targets(
    snapshot: &Snapshot,
    params: &ext::TargetsParams,
) -> Result<Vec<ext::Target>, String> {
    let config = config_of(snapshot, params.uri.as_deref())?;
    let default = &config.default_target().name;
    let targets = config.targets().map(|target| ext::Target {
        name: target.name.clone(),
        scheduler: word(target.scheduler),
        host: target.host.clone(),
        default: target.name == *default,
    });
    Ok(targets.collect())
}

/// The configuration of a document's workspace, else of the first folder.
///
/// # Errors
/// Its own sentence.
pub(in crate::lsp) fn config_of(snapshot: &Snapshot, uri: Option<&str>) -> Result<Config, String> {
    let open = uri.and_then(|uri| snapshot.document(uri));
    let folder = match open.and_then(|open| open.path.as_deref()) {
        Some(path) => Some(workspace(snapshot, path)),
        None => snapshot.folders.first().cloned(),
    };
    config(snapshot, folder.as_deref())
}

/// As the configuration spells it.
fn word(scheduler: SchedulerKind) -> String {
    let spelt = serde_json::to_value(scheduler).ok();
    spelt
        .as_ref()
        .and_then(|word| word.as_str())
        .unwrap_or_default()
        .to_owned()
}
