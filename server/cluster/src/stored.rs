//! What is in the store of data files over there, and its removal.

use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use crate::error::{ClusterError, ErrorKind, one_line};
use crate::programme::Programme;
use crate::settings::TargetSettings;
use crate::site::Site;
use crate::transport::Transport;

const PROGRAM: Programme = Programme {
    text: include_str!("stored.py"),
    name: "hoist-data",
    subject: "the store of data files",
};

/// How it stands with a file of the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StoredState {
    /// It is there, whole.
    Stored,
    /// It is being sent.
    Sending,
    /// Its sending was cut off; the next one goes on with it.
    #[serde(rename = "cut off")]
    CutOff,
}

/// A data file in the store.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StoredFile {
    /// Its name in the store: for one that is whole its SHA-256.
    pub name: String,
    /// The SHA-256 of the whole file.
    pub sha256: String,
    /// How it stands with it.
    pub state: StoredState,
    /// Its size, or that of what came of it, in bytes.
    pub size: u64,
    /// When it was last used, by the clock there.
    pub used: Option<SystemTime>,
    /// What jobs call it.
    pub paths: Vec<String>,
    /// The jobs, and arrays of jobs, that need it and are not over.
    pub jobs: Vec<String>,
    /// Those that are over and whose folders are still there.
    pub over: Vec<String>,
}

/// A file of the store that was not removed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KeptFile {
    /// Its name, as of [`StoredFile::name`].
    pub name: String,
    /// Why: "the job J needs it and is not over".
    pub why: String,
}

/// A file as the programme over there tells of it.
#[derive(Deserialize)]
struct Told {
    name: String,
    sha256: String,
    state: StoredState,
    size: u64,
    used: Option<f64>,
    paths: Vec<String>,
    jobs: Vec<String>,
    over: Vec<String>,
}

/// Is it the name of a file of the store, or of what came of one?
fn is_name(text: &str) -> bool {
    let is_sum = |text: &str| {
        let is_digit = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        text.len() == 64 && text.bytes().all(is_digit)
    };
    match text.strip_prefix('.') {
        None => is_sum(text),
        Some(part) => part.split_once('.').is_some_and(|(sum, end)| {
            let is_number = !end.is_empty() && end.bytes().all(|b| b.is_ascii_digit());
            is_sum(sum) && (end == "part" || is_number)
        }),
    }
}

/// The files there, by name.
pub(crate) async fn list(
    transport: &dyn Transport,
    settings: &TargetSettings,
    site: &Site,
) -> Result<Vec<StoredFile>, ClusterError> {
    #[derive(Deserialize)]
    struct Listed {
        files: Vec<Told>,
    }
    let question = serde_json::json!({ "work": site.work, "what": "list" });
    let listed: Listed = PROGRAM.ask(transport, settings, site, &question).await?;
    let known = listed.files.into_iter();
    let ours = known.filter(|told| is_name(&told.name) && told.name.contains(&told.sha256));
    Ok(ours.map(StoredFile::from).collect())
}

impl From<Told> for StoredFile {
    fn from(told: Told) -> Self {
        let at = |seconds: f64| {
            let since = Duration::try_from_secs_f64(seconds).ok()?;
            SystemTime::UNIX_EPOCH.checked_add(since)
        };
        let plain = |words: Vec<String>| words.iter().map(|word| one_line(word)).collect();
        Self {
            name: told.name,
            sha256: told.sha256,
            state: told.state,
            size: told.size,
            used: told.used.and_then(at),
            paths: plain(told.paths),
            jobs: plain(told.jobs),
            over: plain(told.over),
        }
    }
}

/// Removes files; gives those that were not, with why.
pub(crate) async fn remove(
    transport: &dyn Transport,
    settings: &TargetSettings,
    site: &Site,
    names: &[String],
) -> Result<Vec<KeptFile>, ClusterError> {
    #[derive(Deserialize)]
    struct Kept {
        kept: Vec<(String, String)>,
    }
    if let Some(name) = names.iter().find(|name| !is_name(name)) {
        return Err(ClusterError::new(
            &settings.name,
            ErrorKind::Settings,
            format!("{name:?} is no name of a file in the store of data files"),
            "take one of those that `hoist data ls` lists",
        ));
    }
    let question = serde_json::json!({ "work": site.work, "what": "remove", "names": names });
    let kept: Kept = PROGRAM.ask(transport, settings, site, &question).await?;
    let kept = kept.kept.into_iter();
    Ok(kept
        .map(|(name, why)| KeptFile {
            name,
            why: one_line(&why),
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::is_name;

    #[test]
    fn only_names_of_the_store_go_over() {
        let sum = "0123456789abcdef".repeat(4);
        for good in [sum.clone(), format!(".{sum}.part"), format!(".{sum}.4711")] {
            assert!(is_name(&good), "{good}");
        }
        for bad in [
            String::new(),
            sum.to_uppercase(),
            format!("../{sum}"),
            format!("{sum}.seal"),
            format!(".{sum}."),
            format!(".{sum}.part/x"),
            format!(".removed-{sum}-1"),
        ] {
            assert!(!is_name(&bad), "{bad}");
        }
    }
}
