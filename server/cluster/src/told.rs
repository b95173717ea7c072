//! What each scheduler makes of what a job asks for, without one at hand: for pages that tell it.

use std::sync::Arc;

use serde_json::Value;

use crate::kubernetes;
use crate::resources::{ResourceError, Resources};
use crate::scheduler::{Asking, SchedulerKind};
use crate::settings::TargetSettings;
use crate::submit::Submission;

/// The example of a job.
const NAME: &str = "train.py::fit";
const JOB: &str = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
const FOLDER: &str = "/home/ada/.hoist/jobs/01ARZ3NDEKTSV4RRFFQ69G5FAV";

/// What a scheduler can do beside starting a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Abilities {
    /// It runs one script many times, as one submission.
    pub arrays: bool,
    /// It holds a job back by itself until others are over.
    pub holds: bool,
    /// It says when a job would start.
    pub forecasts: bool,
}

/// What a scheduler can do.
#[must_use]
pub fn abilities(kind: SchedulerKind) -> Abilities {
    let scheduler = kind.of_machine();
    Abilities {
        arrays: scheduler.is_some_and(|known| known.array().is_some()),
        holds: scheduler.is_some_and(|known| known.after() != crate::scheduler::CANNOT_HOLD),
        forecasts: scheduler.is_some_and(|known| known.forecast().is_some()),
    }
}

/// The lines of a job script that a scheduler reads, for a job that asks for this on a target without further settings. Of
/// Kubernetes, whose Job is no script, the fields of the pod and of its container's resources: `limits.cpu: 4`.
///
/// # Errors
/// The scheduler cannot be asked for that, and what to do.
pub fn told(kind: SchedulerKind, resources: &Resources) -> Result<Vec<String>, ResourceError> {
    let settings = TargetSettings {
        name: "example".to_owned(),
        scheduler: kind,
        ..TargetSettings::default()
    };
    let lines = kind.words().header(&Asking {
        name: NAME,
        job: JOB,
        folder: FOLDER,
        resources,
        settings: &settings,
        found: "",
    })?;
    match kind {
        SchedulerKind::Kubernetes => of_a_pod(&settings, resources),
        _ => Ok(lines),
    }
}

fn of_a_pod(
    settings: &TargetSettings,
    resources: &Resources,
) -> Result<Vec<String>, ResourceError> {
    let submission = Submission {
        job: JOB.to_owned(),
        name: NAME.to_owned(),
        package: Arc::from(Vec::new()),
        sha256: "0".repeat(64),
        request: Vec::new(),
        resources: resources.clone(),
        after: Vec::new(),
        environment: Default::default(),
        data: Default::default(),
    };
    let job = kubernetes::job(settings, &submission).map_err(|error| ResourceError(error.why))?;
    let job = serde_json::to_value(job).unwrap_or_default();
    let pod = &job["spec"]["template"]["spec"];
    let mut lines = Vec::new();
    let resources = &pod["containers"][0]["resources"];
    for part in ["limits", "requests"] {
        fields(part, &resources[part], &mut lines);
    }
    let deadline = "activeDeadlineSeconds";
    fields(deadline, &pod[deadline], &mut lines);
    Ok(lines)
}

/// A line for each value, with its path.
fn fields(path: &str, value: &Value, lines: &mut Vec<String>) {
    match value {
        Value::Null => {}
        Value::Object(inner) => {
            for (key, value) in inner {
                fields(&format!("{path}.{key}"), value, lines);
            }
        }
        Value::String(text) => lines.push(format!("{path}: {text}")),
        other => lines.push(format!("{path}: {other}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_scheduler_says_it_in_its_own_words() {
        let mut resources = Resources::default();
        resources.set("cores", "4").expect("a number");
        let mut lines = Vec::new();
        for kind in SchedulerKind::ALL {
            let none = told(*kind, &Resources::default()).expect("nothing to refuse");
            let all = told(*kind, &resources).expect("all can be asked for cores");
            let own: Vec<String> = all
                .into_iter()
                .filter(|line| !none.contains(line))
                .collect();
            lines.push(format!("{kind:?}: {}", own.join(", ")));
        }
        insta::assert_snapshot!(lines.join("\n"), @r"
        None: 
        Slurm: #SBATCH --cpus-per-task=4
        Sge: #$ -pe smp 4
        Pbs: #PBS -l select=1:ncpus=4
        Lsf: #BSUB -n 4, #BSUB -R span[hosts=1]
        Kubernetes: limits.cpu: 4, requests.cpu: 4
        ");
        resources.set("account", "lab").expect("a word");
        let refused = told(SchedulerKind::Kubernetes, &resources).expect_err("no accounts there");
        assert!(
            refused.0.starts_with("account cannot be asked for"),
            "{refused}"
        );
    }

    #[test]
    fn what_they_can_do_is_read_off_their_scripts() {
        let can = |kind| abilities(kind);
        assert!(can(SchedulerKind::Slurm).forecasts && !can(SchedulerKind::Lsf).forecasts);
        assert!(can(SchedulerKind::Slurm).holds && !can(SchedulerKind::None).holds);
        assert!(can(SchedulerKind::None).arrays && !can(SchedulerKind::Kubernetes).arrays);
    }
}
