//! The settings of one target, as `[targets.NAME]` of the configuration gives them.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::{ClusterError, ErrorKind};
use crate::resources::{Resources, TimeLimit};
use crate::scheduler::SchedulerKind;

/// One target: a transport (this machine, or `host` over SSH) and a scheduler.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TargetSettings {
    /// The target's name: the key of its table. Not read from the table itself.
    #[serde(skip)]
    pub name: String,
    /// What starts the job there.
    pub scheduler: SchedulerKind,
    /// An OpenSSH host alias or a host name, `user@host` and `user@host:port` too; none: this machine.
    pub host: Option<String>,
    /// The folder for packages and jobs, shared with the compute nodes. `~` and `$NAME` are read on the other side.
    pub work_dir: String,
    /// The Python that runs the job; none: `python3`, or the newest there is.
    pub python: Option<String>,
    /// The version of that Python, as `"3.9"`, for findings before the target was ever reached; none: the one that was found when
    /// it was reached last.
    #[schemars(regex(pattern = r"^[0-9]+\.[0-9]+(\.[0-9]+)?$"), extend("examples" = ["3.6", "3.9", "3.12"]))]
    pub python_version: Option<String>,
    /// Modules to load before the job, in this order.
    pub modules: Vec<String>,
    /// Environment variables of the job.
    pub env: BTreeMap<String, String>,
    /// Shell lines that run before the job, after modules and variables.
    pub setup: Vec<String>,
    /// What jobs ask for unless they say otherwise.
    pub resources: Resources,
    /// How long to wait for the connection; none: what `~/.ssh/config` says, else 15 s.
    pub connect_timeout: Option<TimeLimit>,
    /// The shortest time between two questions to the scheduler; none: 30 s.
    pub poll_interval: Option<TimeLimit>,
}

impl Default for TargetSettings {
    fn default() -> Self {
        Self {
            name: String::new(),
            scheduler: SchedulerKind::None,
            host: None,
            work_dir: "~/.hoist".to_owned(),
            python: None,
            python_version: None,
            modules: Vec::new(),
            env: BTreeMap::new(),
            setup: Vec::new(),
            resources: Resources::default(),
            connect_timeout: None,
            poll_interval: None,
        }
    }
}

impl TargetSettings {
    /// The target that always exists: a plain process on this machine.
    #[must_use]
    pub fn local() -> Self {
        Self {
            name: "local".to_owned(),
            ..Self::default()
        }
    }

    /// Whether every value can be used.
    ///
    /// # Errors
    /// A sentence that names the key and its value.
    pub fn check(&self) -> Result<(), ClusterError> {
        let refuse = |key: &str, value: &str, why: &str| {
            Err(ClusterError::new(
                &self.name,
                ErrorKind::Settings,
                format!("{key} = {value:?} cannot be used, {why}"),
                format!("correct `{key}` of the target in the configuration"),
            ))
        };
        if self.work_dir.trim().is_empty()
            || self.work_dir.contains('\0')
            || self.work_dir.contains('\n')
        {
            return refuse("work_dir", &self.work_dir, "it is not a folder's path");
        }
        if let Some(host) = &self.host
            && (host.trim().is_empty()
                || host.starts_with('-')
                || host.contains(char::is_whitespace))
        {
            return refuse("host", host, "it is not a host name");
        }
        for (name, value) in &self.env {
            let word = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
            if name.is_empty() || !word || name.as_bytes()[0].is_ascii_digit() {
                return refuse("env", name, "it is not the name of a variable");
            }
            if value.contains('\0') {
                return refuse("env", name, "its value holds a zero byte");
            }
        }
        if let Some(version) = &self.python_version {
            let parts: Vec<&str> = version.trim().split('.').collect();
            let numbers = parts.iter().all(|part| part.parse::<u8>().is_ok());
            if !numbers || !(2..=3).contains(&parts.len()) {
                return refuse(
                    "python_version",
                    version,
                    "it is not a version such as \"3.9\"",
                );
            }
        }
        let texts = self.modules.iter().map(|v| ("modules", v));
        let texts = texts
            .chain(self.setup.iter().map(|v| ("setup", v)))
            .chain(self.python.iter().map(|v| ("python", v)));
        for (key, value) in texts {
            if value.trim().is_empty() || value.contains('\0') {
                return refuse(key, value, "it is empty or holds a zero byte");
            }
        }
        self.resources.check().map_err(|e| {
            ClusterError::new(
                &self.name,
                ErrorKind::Settings,
                e.to_string(),
                "correct the target's resources",
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<TargetSettings, String> {
        let mut settings: TargetSettings = serde_json::from_str(json).map_err(|e| e.to_string())?;
        settings.name = "discovery".to_owned();
        settings.check().map_err(|e| e.to_string())?;
        Ok(settings)
    }

    #[test]
    fn a_whole_table_is_read() {
        let settings = read(
            r#"{"scheduler": "slurm", "host": "discovery", "work_dir": "/scratch/$USER/hoist", "python": "python3",
                "modules": ["python/3.11"], "env": {"OMP_NUM_THREADS": "1"}, "setup": ["source ~/env.sh"],
                "connect_timeout": "20s", "poll_interval": "1m",
                "resources": {"partition": "standard", "cores": 4, "memory": "8G", "time": "1h", "gpus": 0, "extra": ["--qos=short"]}}"#,
        )
        .unwrap();
        assert_eq!(settings.scheduler, SchedulerKind::Slurm);
        assert_eq!(settings.poll_interval, Some(TimeLimit(60)));
        assert_eq!(settings.resources.cores, Some(4));
    }

    #[test]
    fn what_cannot_be_used_is_refused_with_its_key() {
        for (json, part) in [
            (r#"{"schedular": "slurm"}"#, "unknown field `schedular`"),
            (
                r#"{"scheduler": "slrum"}"#,
                "unknown variant `slrum`, expected `none` or `slurm`",
            ),
            (r#"{"resources": {"memory": 8}}"#, "it has no unit"),
            (
                r#"{"env": {"1X": "a"}}"#,
                "discovery: env = \"1X\" cannot be used, it is not the name of a variable",
            ),
            (
                r#"{"host": "-oProxyCommand=x"}"#,
                "discovery: host = \"-oProxyCommand=x\" cannot be used",
            ),
            (
                r#"{"python_version": "three"}"#,
                "discovery: python_version = \"three\" cannot be used, it is not a version such as \"3.9\"",
            ),
            (
                r#"{"work_dir": " "}"#,
                "discovery: work_dir = \" \" cannot be used",
            ),
            (
                r#"{"resources": {"extra": ["qos=1"]}}"#,
                "it must be one option of the scheduler",
            ),
        ] {
            let error = read(json).unwrap_err();
            assert!(error.contains(part), "{json}: {error}");
        }
    }
}
