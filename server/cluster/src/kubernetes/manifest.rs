//! The Job of one submission: what the API server is given.
//!
//! Its pod has two containers of the same image, which share a folder that is the pod's own. `job` runs the job script, as on any
//! other target. `hoist` lays the folder out, keeps it until the job's end has been fetched, and is what commands are run in, so that
//! nothing of ours takes from the job's memory. A package that is not too large travels in an annotation of the pod, so that the job
//! begins though nobody is there to send it.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use k8s_openapi::api::batch::v1::Job;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{Volume, WORK};
use crate::environment::EnvironmentKind;
use crate::error::{ClusterError, ErrorKind};
use crate::resources::{Memory, ResourceError, Resources};
use crate::scheduler::{Asking, JobWords};
use crate::script::{PYTHONS, Place, render, shell};
use crate::settings::{PullPolicy, TargetSettings};
use crate::shell::{path, quote};
use crate::submit::{Submission, check_job};

/// The label whose value is the job's own name.
pub(crate) const JOB_LABEL: &str = "hoist/job";
/// The label that all objects of ours have.
pub(crate) const OURS: &str = "app.kubernetes.io/managed-by=hoist";
/// The annotation that holds the package.
pub(crate) const PACKAGE: &str = "hoist/package";
/// The container that runs the job script.
pub(crate) const JOB: &str = "job";
/// The container that keeps the job's folder.
pub(crate) const KEEPER: &str = "hoist";

const KEEPER_PROGRAM: &str = include_str!("keeper.py");

/// All annotations of an object together may have 256 KiB.
const IN_ANNOTATIONS: usize = 240 * 1024;

/// How long a pod waits for its end to be fetched, unless the target says so, in seconds.
const KEEP: u64 = 3_600;
/// How long the API server keeps a Job that has ended, unless the target says so, in seconds.
const TTL: u64 = 86_400;
/// What a pod may take beside its job and the wait for whoever fetches its end, in seconds: the image, the package, the last words.
const BESIDE: u64 = 600;

/// The words of a job script in a pod.
#[derive(Debug)]
pub(crate) struct Pod;

impl JobWords for Pod {
    fn header(&self, asking: &Asking<'_>) -> Result<Vec<String>, ResourceError> {
        let Resources {
            nodes,
            tasks,
            partition,
            account,
            extra,
            ..
        } = asking.resources;
        let refuse = |what: &str, mend: &str| {
            Err(ResourceError(format!(
                "{what} cannot be asked for: a job is one pod, on one node; {mend}"
            )))
        };
        if nodes.is_some_and(|nodes| nodes > 1) {
            return refuse("nodes", "leave it out");
        }
        if tasks.is_some_and(|tasks| tasks > 1) {
            return refuse("tasks", "ask for cores in its place");
        }
        if partition.is_some() {
            return refuse(
                "partition",
                "set `node_selector` of the target in its place",
            );
        }
        if account.is_some() {
            return refuse("account", "set `namespace` of the target in its place");
        }
        if !extra.is_empty() {
            return refuse("extra", "leave it out");
        }
        Ok(Vec::new())
    }

    fn directive(&self) -> Option<&'static str> {
        None
    }

    fn wants_login_shell(&self) -> bool {
        false
    }

    fn own_id(&self) -> &'static str {
        r#"printf %s "$(uname -n)""#
    }
}

/// The name of a job's Job: a DNS label.
pub(crate) fn object_name(job: &str) -> String {
    let low = job.to_ascii_lowercase();
    if low.len() <= 40 {
        return format!("hoist-{low}");
    }
    let sum = Sha256::digest(job.as_bytes());
    let sum: String = sum
        .iter()
        .take(5)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("hoist-{}-{sum}", &low[..30])
}

/// Text as the value of a label: at most 63 of letters, digits, `-`, `_` and `.`, the first and last of them a letter or digit.
/// None when nothing is left of it.
pub(crate) fn label_value(text: &str) -> Option<String> {
    let plain: String = text
        .chars()
        .map(|c| match c {
            c if c.is_ascii_alphanumeric() || "-_.".contains(c) => c,
            _ => '_',
        })
        .collect();
    let within = |c: char| !c.is_ascii_alphanumeric();
    let start = plain.trim_start_matches(within);
    let value = start[..start.len().min(63)].trim_end_matches(within);
    (!value.is_empty()).then(|| value.to_owned())
}

/// An amount of memory as Kubernetes writes it; `G` means 10^9 there.
fn quantity(memory: Memory) -> String {
    for (shift, unit) in [(40, "Ti"), (30, "Gi"), (20, "Mi"), (10, "Ki")] {
        if memory.0 >= 1 << shift && memory.0.trailing_zeros() >= shift {
            return format!("{}{unit}", memory.0 >> shift);
        }
    }
    memory.0.to_string()
}

/// The image of jobs.
pub(crate) fn image(settings: &TargetSettings) -> String {
    if let Some(EnvironmentKind::Image(image)) = &settings.environment {
        return image.as_str().to_owned();
    }
    match (&settings.image, &settings.python_version) {
        (Some(image), _) => image.clone(),
        (None, Some(version)) => format!("python:{version}-slim"),
        (None, None) => "python:3-slim".to_owned(),
    }
}

/// A toleration as `kubectl taint` writes a taint: `key`, `key=value`, `key:Effect`, `key=value:Effect`; `key` alone tolerates all
/// effects.
pub(crate) fn toleration(text: &str) -> Option<Value> {
    let (taint, effect) = match text.split_once(':') {
        Some((taint, effect)) => (taint, Some(effect)),
        None => (text, None),
    };
    let (key, value) = match taint.split_once('=') {
        Some((key, value)) => (key, Some(value)),
        None => (taint, None),
    };
    let is_good = is_label_key(key)
        && value.is_none_or(is_label_value)
        && effect
            .is_none_or(|effect| ["NoSchedule", "PreferNoSchedule", "NoExecute"].contains(&effect));
    is_good.then(|| {
        let mut toleration = json!({
            "key": key,
            "operator": if value.is_some() { "Equal" } else { "Exists" },
        });
        if let Some(value) = value {
            toleration["value"] = value.into();
        }
        if let Some(effect) = effect {
            toleration["effect"] = effect.into();
        }
        toleration
    })
}

/// Whether this can be the value of a label.
pub(crate) fn is_label_value(text: &str) -> bool {
    text.is_empty() || label_value(text).as_deref() == Some(text)
}

/// Whether this can be the key of a label: `name` or `domain/name`.
pub(crate) fn is_label_key(text: &str) -> bool {
    let (domain, name) = match text.split_once('/') {
        Some((domain, name)) => (Some(domain), name),
        None => (None, text),
    };
    !name.is_empty() && is_label_value(name) && domain.is_none_or(is_domain)
}

/// Whether this can be the name of an object: labels of letters, digits and `-`, with dots between them.
pub(crate) fn is_domain(text: &str) -> bool {
    !text.is_empty() && text.len() <= 253 && text.split('.').all(is_dns_label)
}

/// Whether this can be the name of a namespace.
pub(crate) fn is_dns_label(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let bytes = text.as_bytes();
    text.len() <= 63
        && bytes.first().is_some_and(|b| plain(*b))
        && bytes.last().is_some_and(|b| plain(*b))
        && bytes.iter().all(|b| plain(*b) || *b == b'-')
}

/// The Job of a submission.
///
/// # Errors
/// What it asks for cannot be said so.
pub(crate) fn job(settings: &TargetSettings, submission: &Submission) -> Result<Job, ClusterError> {
    check_job(&settings.name, &submission.job)?;
    serde_json::from_value(manifest(settings, submission)?).map_err(|error| {
        ClusterError::new(
            &settings.name,
            ErrorKind::Settings,
            format!("no Job can be made of the target's settings ({error})"),
            "correct them and run again",
        )
    })
}

fn manifest(settings: &TargetSettings, submission: &Submission) -> Result<Value, ClusterError> {
    let resources = submission.resources.over(&settings.resources);
    let place = Place {
        work: WORK,
        found: "",
        python: None,
    };
    let mut script = render(settings, &Pod, submission, &place)?;
    let backoff = settings.backoff_limit.unwrap_or(0);
    if backoff > 0 {
        // Whoever came so far is not to be started again: that is for pods that were lost.
        let last = "exit \"$hoist_code\"\n";
        if let Some(rest) = script.strip_suffix(last) {
            script = format!("{rest}exit 0\n");
        }
    }
    let request = BASE64.encode(&submission.request);
    let package = BASE64.encode(&submission.package);
    let mut labels = json!({
        "app.kubernetes.io/managed-by": "hoist",
        JOB_LABEL: submission.job,
    });
    if let Some(name) = label_value(&submission.name) {
        labels["app.kubernetes.io/name"] = name.into();
    }
    let mut annotations = json!({ "hoist/name": submission.name });
    let mut inside = json!({ "hoist/script": script });
    let mut given = vec![given("script")];
    // What needs more than its package begins when that has come.
    let is_alone = submission.data.is_empty();
    if is_alone
        && package.len() + request.len() + script.len() + submission.name.len() <= IN_ANNOTATIONS
    {
        inside[PACKAGE] = package.into();
        inside["hoist/request"] = request.into();
        given.extend([self::given("package"), self::given("request")]);
    }
    annotations["hoist/sha256"] = submission.sha256.as_str().into();
    let keep = settings.keep.map_or(KEEP, |keep| keep.0);
    let mut pod = json!({
        "restartPolicy": "Never",
        "enableServiceLinks": false,
        "terminationGracePeriodSeconds": 15,
        "containers": [
            container(settings, JOB, &["/bin/sh", "-c", &boot(settings, submission)], &wanted(settings, &resources)),
            container(
                settings,
                KEEPER,
                &[
                    "/bin/sh", "-c", &keeper(settings), "hoist", KEEPER_PROGRAM, &submission.job, &submission.sha256,
                    &keep.to_string(),
                ],
                &json!({
                    "requests": { "cpu": "20m", "memory": "64Mi" },
                    "limits": { "cpu": "500m", "memory": "256Mi" },
                }),
            ),
        ],
        "volumes": [
            { "name": "work", "emptyDir": {} },
            { "name": "given", "downwardAPI": { "items": given } },
        ],
    });
    let volumes = settings.volumes.iter();
    let volumes = volumes.filter_map(|(place, text)| Volume::read(place, text));
    for (number, volume) in volumes.enumerate() {
        let name = format!("volume-{number}");
        push(&mut pod["volumes"], volume.of_pod(&name));
        // The keeper needs none: what a job writes there does not come back.
        push(
            &mut pod["containers"][0]["volumeMounts"],
            volume.of_container(&name),
        );
    }
    if let Some(time) = resources.time {
        // The runner ends the function in time. This is for what does not let itself be ended, and leaves room for whoever fetches it.
        pod["activeDeadlineSeconds"] = (time.0 + keep + BESIDE).into();
    }
    if let Some(account) = &settings.service_account {
        pod["serviceAccountName"] = account.as_str().into();
    }
    if !settings.node_selector.is_empty() {
        pod["nodeSelector"] = json!(settings.node_selector);
    }
    let tolerations = settings.tolerations.iter();
    let tolerations: Vec<Value> = tolerations.filter_map(|text| toleration(text)).collect();
    if !tolerations.is_empty() {
        pod["tolerations"] = tolerations.into();
    }
    if !settings.image_pull_secrets.is_empty() {
        let secrets = settings.image_pull_secrets.iter();
        pod["imagePullSecrets"] = secrets.map(|name| json!({ "name": name })).collect();
    }
    let mut merged = annotations.clone();
    for (key, value) in inside.as_object().into_iter().flatten() {
        merged[key] = value.clone();
    }
    Ok(json!({
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": { "name": object_name(&submission.job), "labels": labels, "annotations": annotations },
        "spec": {
            "backoffLimit": backoff,
            "ttlSecondsAfterFinished": settings.ttl.map_or(TTL, |ttl| ttl.0),
            "template": {
                "metadata": { "labels": labels, "annotations": merged },
                "spec": pod,
            },
        },
    }))
}

/// Adds to a list.
fn push(list: &mut Value, one: Value) {
    if let Some(list) = list.as_array_mut() {
        list.push(one);
    }
}

/// A file of the folder of what the pod is given.
fn given(name: &str) -> Value {
    json!({ "path": name, "fieldRef": { "fieldPath": format!("metadata.annotations['hoist/{name}']") } })
}

fn container(settings: &TargetSettings, name: &str, command: &[&str], resources: &Value) -> Value {
    let mut container = json!({
        "name": name,
        "image": image(settings),
        "command": command.iter().map(|word| literal(word)).collect::<Vec<_>>(),
        "resources": resources,
        "volumeMounts": [
            { "name": "work", "mountPath": WORK },
            { "name": "given", "mountPath": format!("{WORK}-given"), "readOnly": true },
        ],
    });
    if let Some(policy) = settings.image_pull_policy {
        container["imagePullPolicy"] = match policy {
            PullPolicy::Always => "Always",
            PullPolicy::IfNotPresent => "IfNotPresent",
            PullPolicy::Never => "Never",
        }
        .into();
    }
    container
}

/// A word of a container's command: there, `$(NAME)` would be a variable.
fn literal(word: &str) -> String {
    word.replace("$(", "$$(")
}

/// What the job's container asks for. Limits are what is asked for, as everywhere else.
fn wanted(settings: &TargetSettings, resources: &Resources) -> Value {
    let mut amounts: BTreeMap<&str, String> = BTreeMap::new();
    if let Some(cores) = resources.cores {
        amounts.insert("cpu", cores.to_string());
    }
    if let Some(memory) = resources.memory {
        amounts.insert("memory", quantity(memory));
    }
    if let Some(gpus) = resources.gpus.filter(|gpus| *gpus > 0) {
        let name = settings.gpu_resource.as_deref().unwrap_or("nvidia.com/gpu");
        amounts.insert(name, gpus.to_string());
    }
    json!({ "requests": amounts, "limits": amounts })
}

/// The first process of the job's container: it waits until everything is laid out, holds the pipe by whose end the keeper learns of
/// its own, and becomes the job script.
fn boot(settings: &TargetSettings, submission: &Submission) -> String {
    format!(
        r#"trap 'exit 143' TERM
while [ ! -e {WORK}/ready ]; do
  [ ! -e {WORK}/failed ] || exit 126
  sleep 0.1 2>/dev/null || sleep 1
done
trap - TERM
exec 9>{WORK}/alive
exec {} {WORK}/jobs/{}/script.sh"#,
        shell(settings, &Pod),
        submission.job
    )
}

/// The first process of the keeper's container: finds a Python, which commands in the pod use as well, and becomes it.
fn keeper(settings: &TargetSettings) -> String {
    let first = settings.python.as_deref().map(path).unwrap_or_default();
    format!(
        r#"for python in {first} {PYTHONS}; do
  if "$python" -I -S -c 'import sys; sys.exit(sys.version_info < (3, 6))' >/dev/null 2>&1; then
    ln -sf "$(command -v "$python")" {WORK}/python
    exec {WORK}/python -I -S -u -c "$@"
  fi
done
: >{WORK}/failed
printf %s {} >/dev/termination-log
exit 127"#,
        quote(&format!(
            "{{\"code\": 127, \"state\": \"failed\", \"reason\": \"no python: there is no Python 3.6 or newer in the image {}\"}}",
            image(settings).replace(['"', '\\'], "")
        ))
    )
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::scheduler::SchedulerKind;

    fn submission(name: &str, package: usize) -> Submission {
        Submission {
            job: "01ARZ3NDEKTSV4RRFFQ69G5FAV".to_owned(),
            name: name.to_owned(),
            package: Arc::from(vec![b'z'; package]),
            sha256: "ab".repeat(32),
            request: b"{}".to_vec(),
            resources: Resources::default(),
            after: Vec::new(),
            environment: Default::default(),
            data: Default::default(),
        }
    }

    fn settings() -> TargetSettings {
        TargetSettings {
            name: "lab".to_owned(),
            scheduler: SchedulerKind::Kubernetes,
            ..TargetSettings::default()
        }
    }

    /// Without the long texts, which have tests of their own.
    fn shown(settings: &TargetSettings, submission: &Submission) -> String {
        let mut manifest = manifest(settings, submission).expect("it can be said");
        let template = &mut manifest["spec"]["template"];
        template["metadata"]["annotations"]["hoist/script"] = "...".into();
        template["spec"]["containers"][1]["command"][4] = "...".into();
        serde_json::to_string_pretty(&manifest).expect("JSON")
    }

    #[test]
    fn the_job_of_a_function_that_asks_for_nothing() {
        insta::assert_snapshot!(shown(&settings(), &submission("train", 3)));
    }

    #[test]
    fn the_job_of_a_function_that_asks_for_everything() {
        let mut settings = settings();
        settings.image = Some("registry.example/lab/torch:2".to_owned());
        settings.image_pull_policy = Some(PullPolicy::Always);
        settings.image_pull_secrets = vec!["pull".to_owned()];
        settings.service_account = Some("runner".to_owned());
        settings.node_selector = [("disk".to_owned(), "ssd".to_owned())].into();
        settings.tolerations = vec!["gpu=yes:NoSchedule".to_owned(), "old".to_owned()];
        settings.volumes = [("/data", "pvc:lab/sets:ro"), ("/scratch", "node:/mnt/fast")]
            .map(|(place, text)| (place.to_owned(), text.to_owned()))
            .into();
        settings.backoff_limit = Some(2);
        settings.ttl = "2h".parse().ok();
        settings.keep = "10m".parse().ok();
        settings.python = Some("/opt/conda/bin/python".to_owned());
        settings.setup = vec!["source /opt/env.sh".to_owned()];
        let mut submission = submission("Zürich's \"best\"", 300_000);
        for (key, value) in [
            ("cores", "4"),
            ("memory", "16G"),
            ("time", "1h"),
            ("gpus", "2"),
        ] {
            submission.resources.set(key, value).expect(key);
        }
        insta::assert_snapshot!(shown(&settings, &submission));
    }

    #[test]
    fn only_a_lost_pod_is_started_again() {
        let script = |backoff| {
            let settings = TargetSettings {
                backoff_limit: backoff,
                ..settings()
            };
            let job = job(&settings, &submission("train", 3)).expect("a Job");
            let template = job.spec.expect("a spec").template.metadata;
            template
                .expect("metadata")
                .annotations
                .expect("annotations")["hoist/script"]
                .clone()
        };
        assert!(script(None).ends_with("esac\nexit \"$hoist_code\"\n"));
        assert!(script(Some(1)).ends_with("esac\nexit 0\n"));
    }

    #[test]
    fn what_no_pod_can_be_asked_for_is_refused() {
        for (key, value, mend) in [
            ("nodes", "2", "leave it out"),
            ("tasks", "2", "ask for cores"),
            ("partition", "long", "node_selector"),
            ("account", "lab", "namespace"),
            ("extra", "--qos=short", "leave it out"),
        ] {
            let mut submission = submission("train", 3);
            submission.resources.set(key, value).expect(key);
            let error = manifest(&settings(), &submission)
                .expect_err(key)
                .to_string();
            assert!(error.contains(key) && error.contains(mend), "{error}");
        }
    }

    #[test]
    fn tolerations_are_written_as_taints_are() {
        for good in [
            "gpu",
            "gpu:NoSchedule",
            "gpu=yes",
            "example.com/gpu=yes:NoExecute",
        ] {
            assert!(toleration(good).is_some(), "{good}");
        }
        for bad in [
            "",
            "=yes",
            "gpu:Never",
            "g pu",
            "gpu=ye s",
            "/gpu",
            ":NoSchedule",
        ] {
            assert!(toleration(bad).is_none(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn whatever_a_job_is_called_its_names_can_be_used(name in "\\PC{0,200}", job in "[A-Za-z0-9]{1,64}") {
            if let Some(value) = label_value(&name) {
                prop_assert!(value.len() <= 63);
                prop_assert!(value.starts_with(|c: char| c.is_ascii_alphanumeric()));
                prop_assert!(value.ends_with(|c: char| c.is_ascii_alphanumeric()));
                prop_assert!(value.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b)));
                prop_assert!(is_label_value(&value));
            } else {
                prop_assert!(!name.contains(|c: char| c.is_ascii_alphanumeric()));
            }
            let object = object_name(&job);
            // The name of a pod has six characters more.
            prop_assert!(is_dns_label(&object) && object.len() <= 57, "{object}");
        }

        #[test]
        fn nothing_that_a_person_writes_changes_what_is_around_it(
            name in "\\PC{0,60}", request in prop::collection::vec(any::<u8>(), 0..200),
            value in "[^\\x00]{0,60}", line in "[ -~]{0,60}",
        ) {
            let mut settings = settings();
            settings.env.insert("TEXT".to_owned(), value.clone());
            settings.setup = vec![format!(": {line}")];
            let mut submission = submission(&name, 3);
            submission.request = request.clone();
            let job = job(&settings, &submission).expect("a Job");
            let template = job.spec.expect("a spec").template;
            let annotations = template.metadata.expect("metadata").annotations.expect("annotations");
            prop_assert_eq!(&annotations["hoist/name"], &name);
            prop_assert_eq!(BASE64.decode(&annotations["hoist/request"]).expect("base64"), request);
            // Nothing of it is in a command.
            let containers = template.spec.expect("a spec").containers;
            let words: Vec<String> = containers.iter().flat_map(|one| one.command.clone()).flatten().collect();
            let plain = manifest(&self::settings(), &self::submission("", 3)).expect("a Job");
            let plain: Vec<&str> = plain["spec"]["template"]["spec"]["containers"].as_array().expect("a list").iter()
                .flat_map(|one| one["command"].as_array().expect("a list")).filter_map(Value::as_str).collect();
            let plain: Vec<String> = plain.iter().map(|word| word.replace("exec /bin/sh /hoist", "exec bash -l /hoist")).collect();
            prop_assert_eq!(words, plain);
            prop_assert!(containers.iter().all(|one| one.env.is_none()));
        }
    }
}
