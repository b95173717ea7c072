//! The settings of one target, as `[targets.NAME]` of the configuration gives them.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::environment::{BuildPlace, EnvironmentKind, index_refusal};
use crate::error::{ClusterError, ErrorKind};
use crate::kubernetes;
use crate::resources::{Resources, TimeLimit};
use crate::scheduler::SchedulerKind;
use crate::size::Size;

/// When a node of Kubernetes pulls an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum PullPolicy {
    /// Each time a pod begins.
    Always,
    /// When the node does not have it.
    IfNotPresent,
    /// Not at all: the node has it.
    Never,
}

/// One target: a transport (this machine, or `host` over SSH) and a scheduler.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TargetSettings {
    /// The target's name: the key of its table. Not read from the table itself.
    #[serde(skip)]
    pub name: String,
    /// What starts the jobs there.
    pub scheduler: SchedulerKind,
    /// An OpenSSH host alias or a host name, `user@host` and `user@host:port` too. Without it: this machine.
    pub host: Option<String>,
    /// The folder for packages and jobs, shared with the compute nodes. `~` and `$NAME` are read on the other side.
    pub work_dir: String,
    /// The Python that runs the job, 3.6 or newer. Without it: `python3` there, or the newest there is.
    pub python: Option<String>,
    /// The version of that Python, as `"3.9"`, for findings about other syntax and modules before the target was ever
    /// reached. Without it: the one that was found when it was reached last.
    #[schemars(regex(pattern = r"^[0-9]+\.[0-9]+(\.[0-9]+)?$"), extend("examples" = ["3.6", "3.9", "3.12"]))]
    pub python_version: Option<String>,
    /// Modules to load before the job, in this order: `["python/3.11"]`.
    pub modules: Vec<String>,
    /// Environment variables of the job: `{ OMP_NUM_THREADS = "1" }`.
    pub env: BTreeMap<String, String>,
    /// Shell lines that run before the job, after modules and variables: `["source ~/env.sh"]`.
    pub setup: Vec<String>,
    /// Where what the code imports comes from: `"venv"` builds a virtual environment with it there, once; `"system"` is the Python
    /// there as it is; `"conda:NAME"` an environment of conda's by its name or folder; `"path:/..."` the folder of an environment, or a
    /// Python itself; `"image:..."` a container image. Without it: `"venv"` when the code needs packages, else
    /// `"system"`.
    pub environment: Option<EnvironmentKind>,
    /// Where a virtual environment is built. Without it: `"login"`, on Kubernetes `"job"`.
    pub build: Option<BuildPlace>,
    /// Further package indexes to install from, beside those that pip there is set up with. Passwords in them are refused.
    #[schemars(extend("examples" = ["https://download.pytorch.org/whl/cu121"]))]
    pub indexes: Vec<String>,
    /// What jobs ask for unless they say otherwise.
    pub resources: Resources,
    /// Grid Engine: the parallel environment of jobs with several cores. Without it: `smp`, or the first that keeps a job on
    /// one host.
    #[schemars(extend("examples" = ["smp", "threaded"]))]
    pub parallel_environment: Option<String>,
    /// Grid Engine: the resource that limits memory, asked for in each slot's share. Without it: `h_vmem`.
    #[schemars(extend("examples" = ["h_vmem", "m_mem_free", "mem_free"]))]
    pub memory_resource: Option<String>,
    /// Grid Engine and Kubernetes: the resource that counts GPUs. Without it: `gpu`, or what else is called so; on Kubernetes
    /// `nvidia.com/gpu`.
    #[schemars(extend("examples" = ["gpu", "gpus", "ngpus", "nvidia.com/gpu", "amd.com/gpu"]))]
    pub gpu_resource: Option<String>,
    /// Kubernetes: the context of the kubeconfig. Without it: its current one, or what a pod of the cluster is given.
    pub context: Option<String>,
    /// Kubernetes: the namespace of the jobs. Without it: that of the context, else `default`.
    pub namespace: Option<String>,
    /// Kubernetes: the image of the jobs, with a shell (for `setup` bash) and Python 3.6 or newer. Without it: `python:3-slim`, or
    /// that of `python_version`.
    #[schemars(extend("examples" = ["python:3.12-slim", "pytorch/pytorch:latest"]))]
    pub image: Option<String>,
    /// Kubernetes: when a node pulls the image. Without it: as the cluster does.
    pub image_pull_policy: Option<PullPolicy>,
    /// Kubernetes: the secrets with which the image is pulled.
    pub image_pull_secrets: Vec<String>,
    /// Kubernetes: the account of the jobs' pods in the cluster. Without it: `default`.
    pub service_account: Option<String>,
    /// Kubernetes: the labels of the nodes that may take the jobs, `{ disk = "ssd" }`.
    pub node_selector: BTreeMap<String, String>,
    /// Kubernetes: taints of nodes that the jobs put up with, written as `kubectl taint` does: `["gpu=yes:NoSchedule"]`.
    pub tolerations: Vec<String>,
    /// Kubernetes: what jobs find in their pods, by its place there: `"/data" = "pvc:NAME"`, a PersistentVolumeClaim of the namespace (or
    /// `"pvc:NAME/FOLDER"`), `"nfs:SERVER:/FOLDER"`, or `"node:/FOLDER"`, a folder of the node; with `:ro` at the end jobs only read it.
    pub volumes: BTreeMap<String, String>,
    /// Kubernetes: how often a job whose pod was lost is started again. Without it: never.
    pub backoff_limit: Option<u32>,
    /// Kubernetes: how long the cluster keeps a job that has ended. Without it: a day.
    #[schemars(extend("examples" = ["1h", "7d"]))]
    pub ttl: Option<TimeLimit>,
    /// Kubernetes: how long the pod of a job that has ended waits for its output and result to be fetched, before they go to its log.
    /// Without it: an hour.
    #[schemars(extend("examples" = ["10m", "1d"]))]
    pub keep: Option<TimeLimit>,
    /// The largest file that a job wrote, or pickle of its value, that comes back by itself; with `"0"` none does. Without it: `"10M"`.
    #[schemars(extend("examples" = ["1M", "100M", "0"]))]
    pub fetch: Option<Size>,
    /// How much of one job comes back by itself, figures, pickle and files together. Without it: `"100M"`.
    #[schemars(extend("examples" = ["100M", "2G", "0"]))]
    pub fetch_total: Option<Size>,
    /// From this size on a data file goes to the target's store, once, and is linked into each job; a smaller one travels in the package.
    /// Without it: `"1M"`.
    #[schemars(extend("examples" = ["1M", "100K", "0"]))]
    pub data_store: Option<Size>,
    /// From this sum on you are asked before data files are sent to the store. Without it: `"1G"`.
    #[schemars(extend("examples" = ["1G", "100M", "0"]))]
    pub data_ask: Option<Size>,
    /// The most that the data files of one job may have together; a run with more is refused. Without it: no
    /// limit.
    #[schemars(extend("examples" = ["50G", "500M"]))]
    pub data_limit: Option<Size>,
    /// What lies on the target already: files and folders of the workspace, or of this machine, with their paths there. They do not travel,
    /// and a job finds them at their places: `"data/survey" = "/scratch/lab/survey"`.
    pub paths: BTreeMap<String, String>,
    /// How long to wait for the connection. Without it: what `~/.ssh/config` says, else 15 s.
    #[schemars(extend("examples" = ["10s", "1m"]))]
    pub connect_timeout: Option<TimeLimit>,
    /// The shortest time between two questions to the scheduler. Without it: 30 s.
    #[schemars(extend("examples" = ["30s", "5m"]))]
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
            environment: None,
            build: None,
            indexes: Vec::new(),
            resources: Resources::default(),
            parallel_environment: None,
            memory_resource: None,
            gpu_resource: None,
            context: None,
            namespace: None,
            image: None,
            image_pull_policy: None,
            image_pull_secrets: Vec::new(),
            service_account: None,
            node_selector: BTreeMap::new(),
            tolerations: Vec::new(),
            volumes: BTreeMap::new(),
            backoff_limit: None,
            ttl: None,
            keep: None,
            fetch: None,
            fetch_total: None,
            data_store: None,
            data_ask: None,
            data_limit: None,
            paths: BTreeMap::new(),
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

    /// Where its virtual environments are built.
    #[must_use]
    pub fn build_place(&self) -> BuildPlace {
        self.build.unwrap_or_default()
    }

    fn refuse(&self, key: &str, value: &str, why: &str) -> ClusterError {
        ClusterError::new(
            &self.name,
            ErrorKind::Settings,
            format!("{key} = {value:?} cannot be used, {why}"),
            format!("correct `{key}` of the target in the configuration"),
        )
    }

    /// Whether the values for Kubernetes can be used.
    fn check_cluster(&self) -> Result<(), ClusterError> {
        let name = |text: &String| kubernetes::is_domain(text);
        let image = |text: &String| !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic());
        let mut wrong = Vec::new();
        let mut see = |key, value: Option<&String>, is_good: bool, why| {
            if let Some(value) = value.filter(|_| !is_good) {
                wrong.push(self.refuse(key, value, why));
            }
        };
        let it = self.context.as_ref();
        see(
            "context",
            it,
            it.is_none_or(|text| !text.trim().is_empty()),
            "it is empty",
        );
        let it = self.namespace.as_ref();
        see(
            "namespace",
            it,
            it.is_none_or(|text| kubernetes::is_dns_label(text)),
            "it is no name of a namespace",
        );
        let it = self.image.as_ref();
        see(
            "image",
            it,
            it.is_none_or(image),
            "it is no name of an image",
        );
        let it = self.service_account.as_ref();
        see(
            "service_account",
            it,
            it.is_none_or(name),
            "it is no name of one",
        );
        for secret in &self.image_pull_secrets {
            see(
                "image_pull_secrets",
                Some(secret),
                name(secret),
                "it is no name of a secret",
            );
        }
        for (key, value) in &self.node_selector {
            see(
                "node_selector",
                Some(key),
                kubernetes::is_label_key(key),
                "it is no key of a label",
            );
            see(
                "node_selector",
                Some(value),
                kubernetes::is_label_value(value),
                "it is no value of a label",
            );
        }
        for text in &self.tolerations {
            let is_good = kubernetes::toleration(text).is_some();
            see(
                "tolerations",
                Some(text),
                is_good,
                "it is no taint such as \"gpu=yes:NoSchedule\"",
            );
        }
        for (place, text) in &self.volumes {
            if let Some(why) = kubernetes::place_refusal(place) {
                see("volumes", Some(place), false, why);
            }
            let is_good = kubernetes::Volume::read(place, text).is_some();
            see(
                "volumes",
                Some(text),
                is_good,
                "it is no volume such as \"pvc:lab-data\", \"nfs:server:/data\" or \"node:/mnt/data\"",
            );
        }
        let is_cluster = self.scheduler == SchedulerKind::Kubernetes;
        let it = self.host.as_ref().filter(|_| is_cluster);
        see(
            "host",
            it,
            it.is_none(),
            "a Kubernetes cluster is reached by `context`",
        );
        let it = self.modules.first().filter(|_| is_cluster);
        see(
            "modules",
            it,
            it.is_none(),
            "a pod has no modules: choose an `image` in their place",
        );
        wrong.into_iter().next().map_or(Ok(()), Err)
    }

    /// Whether the path map can be used.
    fn check_paths(&self) -> Result<(), ClusterError> {
        for (here, there) in &self.paths {
            let refuse = |why| Err(self.refuse(&format!("paths.{here:?}"), there, why));
            if here.trim().is_empty() || here.contains(['\0', '\n']) {
                return refuse("there is no path of this machine before it");
            }
            if there.contains(['\0', '\n']) || !there.starts_with(['/', '~', '$']) {
                return refuse(
                    "it is no absolute path on the target such as \"/scratch/lab/data\"",
                );
            }
        }
        Ok(())
    }

    /// Whether what it says of environments can be used.
    fn check_environment(&self) -> Result<(), ClusterError> {
        for index in &self.indexes {
            if let Some(why) = index_refusal(index) {
                // A password is not shown.
                let shown = match index.split_once('@') {
                    Some((_, host)) => format!("...@{host}"),
                    None => index.clone(),
                };
                return Err(self.refuse("indexes", &shown, why));
            }
        }
        let is_cluster = self.scheduler == SchedulerKind::Kubernetes;
        match (&self.environment, &self.image) {
            (Some(kind @ EnvironmentKind::Image(image)), other) if is_cluster => {
                let refuse = |why| Err(self.refuse("environment", &kind.to_string(), why));
                if !image.as_str().bytes().all(|b| b.is_ascii_graphic()) {
                    return refuse("it is no name of an image");
                }
                if other.as_ref().is_some_and(|other| other != image.as_str()) {
                    return refuse("`image` of the target names another one");
                }
            }
            (Some(EnvironmentKind::Venv), _) if is_cluster => {
                return Err(self.refuse(
                    "environment",
                    "venv",
                    "nothing outlives a pod, so each job would build it anew: put what the code imports into an image, and name that in `image`",
                ));
            }
            _ => {}
        }
        if is_cluster && self.build == Some(BuildPlace::Login) {
            return Err(self.refuse(
                "build",
                "login",
                "nothing in a Kubernetes cluster outlives a job",
            ));
        }
        Ok(())
    }

    /// Whether every value can be used.
    ///
    /// # Errors
    /// A sentence that names the key and its value.
    pub fn check(&self) -> Result<(), ClusterError> {
        let refuse = |key: &str, value: &str, why: &str| Err(self.refuse(key, value, why));
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
        for (key, word) in [
            ("parallel_environment", &self.parallel_environment),
            ("memory_resource", &self.memory_resource),
            ("gpu_resource", &self.gpu_resource),
        ] {
            if let Some(word) = word
                && (word.is_empty()
                    || !word
                        .chars()
                        .all(|c| c.is_ascii_alphanumeric() || "_.-/".contains(c)))
            {
                return refuse(key, word, "it is not the name of one");
            }
        }
        self.check_cluster()?;
        self.check_environment()?;
        self.check_paths()?;
        if let Some(directive) = self.scheduler.words().directive() {
            for line in self.setup.iter().flat_map(|lines| lines.lines()) {
                if line.starts_with(directive) {
                    return refuse(
                        "setup",
                        line,
                        &format!(
                            "the scheduler would read a line that begins with {directive} (put a space before it)"
                        ),
                    );
                }
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
    fn what_is_installed_there_is_a_setting() {
        let settings = read(
            r#"{"environment": "conda:lab", "build": "job", "indexes": ["https://download.pytorch.org/whl/cu121"]}"#,
        )
        .unwrap();
        let kind = settings.environment.as_ref().unwrap();
        assert!(matches!(kind, EnvironmentKind::Conda(name) if name.as_str() == "lab"));
        assert_eq!(settings.build_place(), BuildPlace::Job);
        assert_eq!(TargetSettings::local().build_place(), BuildPlace::Login);
        assert!(read(r#"{"scheduler": "kubernetes", "environment": "image:lab/torch:2"}"#).is_ok());
    }

    #[test]
    fn what_cannot_be_used_is_refused_with_its_key() {
        for (json, part) in [
            (r#"{"schedular": "slurm"}"#, "unknown field `schedular`"),
            (
                r#"{"scheduler": "slrum"}"#,
                "unknown variant `slrum`, expected one of `none`, `slurm`",
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
                r##"{"scheduler": "sge", "setup": ["true\n#$ -l gpu=8"]}"##,
                "discovery: setup = \"#$ -l gpu=8\" cannot be used, the scheduler would read a line that begins with #$",
            ),
            (
                r#"{"parallel_environment": "smp 4"}"#,
                "discovery: parallel_environment = \"smp 4\" cannot be used",
            ),
            (
                r#"{"environment": "docker:x"}"#,
                "environment = \"docker:x\" cannot be used, it is none of \"system\", \"venv\"",
            ),
            (
                r#"{"build": "node"}"#,
                "unknown variant `node`, expected `login` or `job`",
            ),
            (
                r#"{"indexes": ["https://ada:secret@host/simple"]}"#,
                "discovery: indexes = \"...@host/simple\" cannot be used, it holds a login",
            ),
            (
                r#"{"scheduler": "kubernetes", "image": "a", "environment": "image:b"}"#,
                "discovery: environment = \"image:b\" cannot be used, `image` of the target names another one",
            ),
            (
                r#"{"scheduler": "kubernetes", "build": "login"}"#,
                "discovery: build = \"login\" cannot be used",
            ),
            (
                r#"{"scheduler": "kubernetes", "environment": "venv"}"#,
                "discovery: environment = \"venv\" cannot be used, nothing outlives a pod, so each job would build it anew: put what the code imports into an image, and name that in `image`",
            ),
            (
                r#"{"scheduler": "kubernetes", "volumes": {"data": "pvc:lab"}}"#,
                "discovery: volumes = \"data\" cannot be used, it is no place in a pod such as",
            ),
            (
                r#"{"scheduler": "kubernetes", "volumes": {"/data": "lab"}}"#,
                "discovery: volumes = \"lab\" cannot be used, it is no volume such as \"pvc:lab-data\"",
            ),
            (
                r#"{"paths": {"data": "lab/data"}}"#,
                "discovery: paths.\"data\" = \"lab/data\" cannot be used, it is no absolute path on the target",
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
