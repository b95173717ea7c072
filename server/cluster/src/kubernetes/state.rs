//! What the objects of a job say of it, in plain words with what to do.

use std::collections::BTreeMap;

use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{ContainerStateTerminated, ContainerStatus, Pod};

use super::manifest::{JOB, KEEPER};
use crate::error::one_line;
use crate::scheduler::{Outcome, SchedulerState, amount, ended, out_of_memory, timed_out};

/// The objects of one job as they were when they were last looked at.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seen {
    pub(crate) job: Option<Job>,
    /// Oldest first.
    pub(crate) pods: Vec<Pod>,
    /// Why its pod cannot be made, in the words of the cluster.
    pub(crate) refused: Option<String>,
}

impl Seen {
    /// The pod that counts: the last one that was made.
    pub(crate) fn pod(&self) -> Option<&Pod> {
        self.pods.last()
    }

    /// Whether another pod may still be made.
    pub(crate) fn goes_on(&self) -> bool {
        self.job.as_ref().is_some_and(|job| verdict(job).is_none())
    }

    /// The state of the job in the words that all schedulers share.
    pub(crate) fn state(&self) -> SchedulerState {
        if self.job.is_none() && self.pods.is_empty() {
            return ended(
                Outcome::Vanished,
                "its Job is not in the cluster any more: somebody deleted it",
            );
        }
        match self.pod() {
            Some(pod) if is_up(pod) => SchedulerState::Running,
            Some(pod) if is_over(pod) && (!self.goes_on() || !self.starts_again()) => outcome(pod),
            Some(pod) if is_over(pod) => SchedulerState::Pending {
                reason: "its pod was lost; it is started again".to_owned(),
            },
            Some(pod) => SchedulerState::Pending {
                reason: waits_for(pod),
            },
            None => match (&self.refused, self.job.as_ref().and_then(verdict)) {
                (_, Some(verdict)) => verdict,
                (Some(words), None) => SchedulerState::Pending {
                    reason: refusal(words),
                },
                (None, None) => SchedulerState::Pending {
                    reason: "its pod is about to be made".to_owned(),
                },
            },
        }
    }

    /// The same, but for a job that has ended and whose pod waits until that was fetched.
    pub(crate) fn end(&self) -> SchedulerState {
        let up = self.pod().filter(|pod| is_up(pod));
        match up.and_then(|pod| Some((pod, end_of(pod, JOB)?))) {
            Some((pod, end)) => end_words(pod, end),
            None => self.state(),
        }
    }

    /// How often a lost pod is started again.
    pub(crate) fn backoff(&self) -> i32 {
        let spec = self.job.as_ref().and_then(|job| job.spec.as_ref());
        spec.and_then(|spec| spec.backoff_limit).unwrap_or(0)
    }

    /// Whether the cluster makes another pod for one that failed.
    pub(crate) fn starts_again(&self) -> bool {
        self.backoff() > 0
            && self
                .pod()
                .is_some_and(|pod| phase(pod) == "Failed" || is_deleted(pod))
    }

    /// Whether somebody deleted the Job.
    pub(crate) fn is_deleted(&self) -> bool {
        let job = self.job.as_ref();
        job.is_none_or(|job| job.metadata.deletion_timestamp.is_some())
    }
}

/// Whether somebody deleted a pod, which goes when it has ended.
pub(crate) fn is_deleted(pod: &Pod) -> bool {
    pod.metadata.deletion_timestamp.is_some()
}

fn phase(pod: &Pod) -> &str {
    let status = pod.status.as_ref();
    status
        .and_then(|status| status.phase.as_deref())
        .unwrap_or_default()
}

fn container<'p>(pod: &'p Pod, name: &str) -> Option<&'p ContainerStatus> {
    let statuses = pod.status.as_ref()?.container_statuses.as_ref()?;
    statuses.iter().find(|status| status.name == name)
}

/// How a container ended.
pub(crate) fn end_of<'p>(pod: &'p Pod, name: &str) -> Option<&'p ContainerStateTerminated> {
    container(pod, name)?.state.as_ref()?.terminated.as_ref()
}

/// Whether commands can be run in the keeper of the job's folder.
pub(crate) fn is_up(pod: &Pod) -> bool {
    phase(pod) == "Running"
        && container(pod, KEEPER)
            .and_then(|status| status.state.as_ref())
            .is_some_and(|state| state.running.is_some())
}

/// Whether nothing of it will run any more.
pub(crate) fn is_over(pod: &Pod) -> bool {
    matches!(phase(pod), "Succeeded" | "Failed") || end_of(pod, KEEPER).is_some()
}

/// Why a pod has not begun.
fn waits_for(pod: &Pod) -> String {
    let Some(status) = &pod.status else {
        return String::new();
    };
    let conditions = status.conditions.iter().flatten();
    for condition in conditions {
        if condition.type_ == "PodScheduled" && condition.status == "False" {
            return unschedulable(condition.message.as_deref().unwrap_or_default());
        }
    }
    let waiting = status.container_statuses.iter().flatten().find_map(|one| {
        let waiting = one.state.as_ref()?.waiting.as_ref()?;
        Some((one, waiting))
    });
    let Some((container, waiting)) = waiting else {
        return "its pod is being prepared".to_owned();
    };
    let message = one_line(waiting.message.as_deref().unwrap_or_default());
    let said = if message.is_empty() {
        String::new()
    } else {
        format!(" ({message})")
    };
    let image = &container.image;
    match waiting.reason.as_deref().unwrap_or_default() {
        "ErrImagePull" | "ImagePullBackOff" | "RegistryUnavailable" => format!(
            "the image {image} cannot be pulled{said}; check `image` of the target, that the nodes reach its registry, and `image_pull_secrets`"
        ),
        "InvalidImageName" => format!(
            "{image} is no name of an image{said}; cancel the job and correct `image` of the target"
        ),
        "ErrImageNeverPull" => format!(
            "the image {image} is not on the node and image_pull_policy forbids to pull it; cancel the job and correct one of the two"
        ),
        "CreateContainerConfigError" | "CreateContainerError" | "RunContainerError" => {
            format!("its container cannot be made{said}; correct what that says, then run again")
        }
        "ContainerCreating" | "PodInitializing" => {
            "its pod is being made: the image is pulled, or a volume is waited for".to_owned()
        }
        reason => format!("its container waits: {reason}{said}"),
    }
}

/// The scheduler's words for a pod that no node takes: `0/3 nodes are available: 1 Insufficient cpu, 2 node(s) had taint ...`.
fn unschedulable(message: &str) -> String {
    let message = one_line(message);
    let details = message
        .split_once(": ")
        .map_or(message.as_str(), |(_, details)| details);
    let details = details
        .split(" preemption:")
        .next()
        .unwrap_or(details)
        .trim_end_matches(['.', ' ']);
    let mends: BTreeMap<&str, &str> = [
        ("Insufficient cpu", "ask for fewer cores"),
        ("Insufficient memory", "ask for less memory"),
        ("node selector", "correct `node_selector` of the target"),
        ("node affinity", "correct `node_selector` of the target"),
        ("taint", "add to `tolerations` of the target"),
    ]
    .into();
    let mut found: Vec<&str> = mends
        .iter()
        .filter(|(words, _)| details.contains(*words))
        .map(|(_, mend)| *mend)
        .collect();
    found.dedup();
    let other = details
        .split(", ")
        .filter_map(|part| {
            part.split_once("Insufficient ")
                .map(|(_, name)| name.trim())
        })
        .any(|name| !matches!(name, "cpu" | "memory"));
    if other {
        found.push("ask for less of it, or see whether `gpu_resource` of the target is what the nodes call theirs");
    }
    found.push("wait until there is room");
    format!(
        "no node can take it now ({details}); {}",
        found.join(", or ")
    )
}

/// Why the cluster does not let the pod be made, in its own words: `Error creating: pods "x" is forbidden: exceeded quota: ...`.
fn refusal(words: &str) -> String {
    let words = one_line(words);
    let words = words
        .strip_prefix("Error creating: ")
        .unwrap_or(&words)
        .to_owned();
    let low = words.to_ascii_lowercase();
    let mend = if low.contains("exceeded quota") {
        "ask for less, or wait for your other jobs to end"
    } else if low.contains("failed quota") {
        "ask for cores and memory, which its quota counts"
    } else if low.contains("service account") || low.contains("serviceaccount") {
        "correct `service_account` of the target"
    } else {
        "correct what that says, or ask whoever runs the cluster"
    };
    format!("the namespace does not let its pod be made ({words}); {mend}")
}

/// What the Job itself says of its end.
fn verdict(job: &Job) -> Option<SchedulerState> {
    let conditions = job.status.as_ref()?.conditions.as_ref()?;
    let is_true = |kind: &str| {
        conditions
            .iter()
            .find(|one| one.type_ == kind && one.status == "True")
    };
    if is_true("Complete").is_some() {
        return Some(ended(Outcome::Completed, ""));
    }
    let failed = is_true("Failed")?;
    Some(match failed.reason.as_deref() {
        Some("DeadlineExceeded") => timed_out(None),
        _ => ended(
            Outcome::Failed,
            format!(
                "its Job failed ({})",
                one_line(failed.message.as_deref().unwrap_or("nothing says why"))
            ),
        ),
    })
}

/// How a pod ended that left nothing else.
pub(crate) fn outcome(pod: &Pod) -> SchedulerState {
    let status = pod.status.as_ref();
    let text = |text: Option<&String>| one_line(text.map_or("", String::as_str));
    let message = text(status.and_then(|status| status.message.as_ref()));
    let said = if message.is_empty() {
        String::new()
    } else {
        format!(" ({message})")
    };
    match status.and_then(|status| status.reason.as_deref()) {
        Some("DeadlineExceeded") => {
            let limit = pod
                .spec
                .as_ref()
                .and_then(|spec| spec.active_deadline_seconds);
            #[expect(clippy::cast_precision_loss, reason = "a limit of time in seconds")]
            return timed_out(limit.map(|limit| limit as f64));
        }
        Some("Evicted") => {
            return ended(
                Outcome::NodeFailed,
                format!(
                    "its node had too little of something and sent it away{said}; ask for as much as it needs, or run it again"
                ),
            );
        }
        Some("NodeLost" | "NodeAffinity" | "Shutdown" | "NodeShutdown" | "Terminated") => {
            return ended(
                Outcome::NodeFailed,
                format!("its node failed or was shut down{said}; run it again"),
            );
        }
        Some("Preempting" | "Preempted") => {
            return ended(
                Outcome::Preempted,
                format!("it had to make room for a pod of higher priority{said}; run it again"),
            );
        }
        Some(reason) => {
            return ended(
                Outcome::NotStarted,
                format!("its node did not take it: {reason}{said}; run it again"),
            );
        }
        None => {}
    }
    match end_of(pod, JOB) {
        Some(end) => end_words(pod, end),
        None => ended(
            Outcome::Vanished,
            "its pod is over, and nothing says how the job in it ended",
        ),
    }
}

/// How the job's container ended.
pub(crate) fn end_words(pod: &Pod, end: &ContainerStateTerminated) -> SchedulerState {
    if end.reason.as_deref() == Some("OOMKilled") {
        return out_of_memory(None, memory_limit(pod));
    }
    if matches!(
        end.reason.as_deref(),
        Some("StartError" | "ContainerCannotRun")
    ) {
        return ended(
            Outcome::NotStarted,
            format!(
                "the job's container could not be started ({}); its image needs a shell, /bin/sh, and Python 3.6 or newer",
                one_line(end.message.as_deref().unwrap_or("nothing says why"))
            ),
        );
    }
    match end.exit_code {
        0 => ended(Outcome::Completed, ""),
        137 => ended(Outcome::Killed, "the job's container was killed (SIGKILL)"),
        code => ended(
            Outcome::Failed,
            format!("the job's container ended with status {code}"),
        ),
    }
}

/// What the job's container may take, in bytes.
pub(crate) fn memory_limit(pod: &Pod) -> Option<f64> {
    let containers = &pod.spec.as_ref()?.containers;
    let job = containers.iter().find(|one| one.name == JOB)?;
    let limits = job.resources.as_ref()?.limits.as_ref()?;
    amount(&limits.get("memory")?.0)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn seen(job: Value, pods: &[Value]) -> Seen {
        Seen {
            job: serde_json::from_value(job).expect("a Job"),
            pods: pods
                .iter()
                .map(|pod| serde_json::from_value(pod.clone()).expect("a Pod"))
                .collect(),
            refused: None,
        }
    }

    fn job() -> Value {
        json!({ "metadata": { "name": "hoist-1" }, "spec": { "backoffLimit": 0, "template": {} } })
    }

    fn waiting(reason: &str, message: &str) -> Value {
        json!({ "status": { "phase": "Pending", "containerStatuses": [
            { "name": "job", "image": "lab/torch:2", "imageID": "", "ready": false, "restartCount": 0,
              "state": { "waiting": { "reason": reason, "message": message } } } ] } })
    }

    fn ended_pod(reason: Value, container: Value) -> Value {
        json!({
            "spec": { "activeDeadlineSeconds": 60, "containers": [ { "name": "job", "resources": { "limits": { "memory": "64Mi" } } } ] },
            "status": { "phase": "Failed", "reason": reason, "message": "The node was low on resource: memory.",
                "containerStatuses": [ { "name": "job", "image": "", "imageID": "", "ready": false, "restartCount": 0,
                  "state": { "terminated": container } } ] } })
    }

    #[test]
    fn every_reason_for_waiting_has_plain_words_and_what_can_be_done() {
        let unschedulable = |message: &str| {
            json!({ "status": { "phase": "Pending", "conditions": [
                { "type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message } ] } })
        };
        let pods = [
            unschedulable("0/1 nodes are available: 1 Insufficient cpu."),
            unschedulable(
                "0/3 nodes are available: 1 Insufficient memory, 2 node(s) had taint {gpu: yes}, that the pod didn't tolerate. preemption: 0/3 nodes are available: 3 No preemption victims found.",
            ),
            unschedulable("0/1 nodes are available: 1 Insufficient nvidia.com/gpu."),
            unschedulable("0/1 nodes are available: 1 node(s) didn't match node selector."),
            waiting("ImagePullBackOff", "Back-off pulling image \"lab/torch:2\""),
            waiting(
                "ErrImagePull",
                "rpc error: code = NotFound desc = failed to pull",
            ),
            waiting("InvalidImageName", "Failed to apply default image tag"),
            waiting("ErrImageNeverPull", ""),
            waiting("CreateContainerConfigError", "secret \"token\" not found"),
            waiting("ContainerCreating", ""),
            json!({ "status": { "phase": "Pending" } }),
        ];
        let mut said: Vec<String> = pods
            .iter()
            .map(|pod| format!("{:?}", seen(job(), std::slice::from_ref(pod)).state()))
            .collect();
        for refused in [
            r#"Error creating: pods "hoist-1-abcde" is forbidden: exceeded quota: small, requested: limits.cpu=2, used: limits.cpu=0, limited: limits.cpu=1"#,
            r#"Error creating: pods "hoist-1-abcde" is forbidden: failed quota: small: must specify limits.cpu"#,
            r#"Error creating: pods "hoist-1-abcde" is forbidden: error looking up service account default/x: serviceaccount "x" not found"#,
        ] {
            let mut seen = seen(job(), &[]);
            seen.refused = Some(refused.to_owned());
            said.push(format!("{:?}", seen.state()));
        }
        said.push(format!("{:?}", seen(job(), &[]).state()));
        insta::assert_snapshot!(said.join("\n"));
    }

    #[test]
    fn every_end_has_plain_words_and_what_can_be_done() {
        let none = Value::Null;
        let mut said: Vec<String> = [
            ended_pod(
                none.clone(),
                json!({ "exitCode": 137, "reason": "OOMKilled" }),
            ),
            ended_pod(none.clone(), json!({ "exitCode": 137, "reason": "Error" })),
            ended_pod(none.clone(), json!({ "exitCode": 1, "reason": "Error" })),
            ended_pod(none.clone(), json!({ "exitCode": 128, "reason": "StartError", "message": "exec: \"/bin/sh\": no such file" })),
            ended_pod(none.clone(), none.clone()),
            ended_pod("DeadlineExceeded".into(), none.clone()),
            ended_pod("Evicted".into(), none.clone()),
            ended_pod("NodeLost".into(), none.clone()),
            ended_pod("Preempting".into(), none.clone()),
            ended_pod("OutOfcpu".into(), none.clone()),
        ]
        .iter()
        .map(|pod| format!("{:?}", seen(job(), std::slice::from_ref(pod)).state()))
        .collect();
        for (kind, reason) in [
            ("Failed", "DeadlineExceeded"),
            ("Failed", "BackoffLimitExceeded"),
            ("Complete", ""),
        ] {
            let mut job = job();
            job["status"] = json!({ "conditions": [ { "type": kind, "status": "True", "reason": reason, "message": "Job has reached the specified backoff limit" } ] });
            said.push(format!("{:?}", seen(job, &[]).state()));
        }
        said.push(format!("{:?}", seen(none, &[]).state()));
        insta::assert_snapshot!(said.join("\n"));
    }

    #[test]
    fn a_lost_pod_is_waited_for_where_another_is_made() {
        let mut job = job();
        job["spec"]["backoffLimit"] = 2.into();
        let pod = ended_pod("Evicted".into(), Value::Null);
        let lost = seen(job.clone(), std::slice::from_ref(&pod));
        assert!(matches!(lost.state(), SchedulerState::Pending { .. }));
        job["status"] = json!({ "conditions": [ { "type": "Failed", "status": "True", "reason": "BackoffLimitExceeded" } ] });
        let lost = seen(job, &[pod]);
        assert!(matches!(
            lost.state(),
            SchedulerState::Ended {
                outcome: Outcome::NodeFailed,
                ..
            }
        ));
    }
}
