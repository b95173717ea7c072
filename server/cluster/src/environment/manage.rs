//! The environments that are there, and their removal.

use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use super::spec::check_name;
use crate::error::{ClusterError, one_line};
use crate::programme::Programme;
use crate::settings::TargetSettings;
use crate::site::Site;
use crate::transport::Transport;

const PROGRAM: Programme = Programme {
    text: concat!(include_str!("place.py"), "\n\n", include_str!("manage.py")),
    name: "hoist-environments",
    subject: "the environments",
};

/// How it stands with an environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EnvironmentState {
    /// Jobs can use it.
    Ready,
    /// It is being built.
    Building,
    /// Its build failed or was ended, and only the log is left; or the Python that it was made of is gone.
    Broken,
}

/// A virtual environment of ours there.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EnvironmentInfo {
    /// Its name.
    pub name: String,
    /// How it stands with it.
    pub state: EnvironmentState,
    /// The version of its Python.
    pub python: Option<String>,
    /// What was installed into it, a line each.
    pub requirements: Vec<String>,
    /// The size of its files when it was built, in bytes.
    pub size: Option<u64>,
    /// When it was built, by the clock there.
    pub made: Option<SystemTime>,
    /// When it was last used, by the clock there.
    pub used: Option<SystemTime>,
    /// The jobs that run in it.
    pub jobs: Vec<String>,
}

/// An environment that was not removed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptEnvironment {
    /// Its name.
    pub name: String,
    /// Why: "it is being built", "the job J runs in it".
    pub why: String,
}

/// An environment as the programme over there tells of it.
#[derive(Deserialize)]
struct Told {
    name: String,
    state: EnvironmentState,
    python: Option<String>,
    requirements: Vec<String>,
    size: Option<u64>,
    made: Option<f64>,
    used: Option<f64>,
    jobs: Vec<String>,
}

/// The environments there, by name.
pub(crate) async fn list(
    transport: &dyn Transport,
    settings: &TargetSettings,
    site: &Site,
) -> Result<Vec<EnvironmentInfo>, ClusterError> {
    #[derive(Deserialize)]
    struct Listed {
        environments: Vec<Told>,
    }
    let question = serde_json::json!({ "work": site.work, "what": "list" });
    let listed: Listed = PROGRAM.ask(transport, settings, site, &question).await?;
    let known = listed.environments.into_iter();
    // Somebody else's folder there is none of ours.
    let ours = known.filter(|told| check_name(&settings.name, &told.name).is_ok());
    Ok(ours.map(EnvironmentInfo::from).collect())
}

impl From<Told> for EnvironmentInfo {
    fn from(told: Told) -> Self {
        let at = |seconds: f64| {
            let since = Duration::try_from_secs_f64(seconds).ok()?;
            SystemTime::UNIX_EPOCH.checked_add(since)
        };
        let plain = |lines: Vec<String>| lines.iter().map(|line| one_line(line)).collect();
        Self {
            name: told.name,
            state: told.state,
            python: told.python.map(|version| one_line(&version)),
            requirements: plain(told.requirements),
            size: told.size,
            made: told.made.and_then(at),
            used: told.used.and_then(at),
            jobs: plain(told.jobs),
        }
    }
}

/// Removes environments; gives those that were not, with why.
pub(crate) async fn remove(
    transport: &dyn Transport,
    settings: &TargetSettings,
    site: &Site,
    names: &[String],
) -> Result<Vec<KeptEnvironment>, ClusterError> {
    #[derive(Deserialize)]
    struct Kept {
        kept: Vec<(String, String)>,
    }
    for name in names {
        check_name(&settings.name, name)?;
    }
    let question = serde_json::json!({ "work": site.work, "what": "remove", "names": names });
    let kept: Kept = PROGRAM.ask(transport, settings, site, &question).await?;
    let kept = kept.kept.into_iter();
    Ok(kept
        .map(|(name, why)| KeptEnvironment {
            name,
            why: one_line(&why),
        })
        .collect())
}
