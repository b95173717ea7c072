//! What a job needs of a cluster, for `hoist doctor`.

use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec,
};
use kube::api::PostParams;

use super::api::Api;
use super::manifest::image;
use crate::error::{ClusterError, ErrorKind};
use crate::probe::Check;
use crate::settings::TargetSettings;

/// What we do in the namespace: verb, group, resource, what it is for. The last two can be done without.
const RIGHTS: [(&str, &str, &str, &str); 10] = [
    ("create", "batch", "jobs", "to submit jobs"),
    ("get", "batch", "jobs", "to see what becomes of jobs"),
    ("list", "batch", "jobs", "to see what becomes of jobs"),
    ("delete", "batch", "jobs", "to cancel and remove jobs"),
    ("get", "", "pods", "to see what becomes of jobs"),
    ("list", "", "pods", "to see what becomes of jobs"),
    ("create", "", "pods/exec", "to fetch output and results"),
    ("get", "", "pods/log", "to fetch what a pod left behind"),
    (
        "patch",
        "batch",
        "jobs",
        "to follow a job whose pod was lost",
    ),
    ("list", "", "events", "to say why a pod cannot be made"),
];
/// So many of them are needed.
const NEEDED: usize = 8;

/// Looks at what a job needs, once the API has answered.
pub(crate) async fn checks(settings: &TargetSettings, api: &Api) -> Vec<Check> {
    let mut checks = vec![
        Check {
            step: "cluster",
            found: Ok(format!("{} ({})", api.version, api.place)),
        },
        Check {
            step: "namespace",
            found: Ok(api.namespace.clone()),
        },
    ];
    let mut missing = Vec::new();
    for (index, (verb, group, resource, what)) in RIGHTS.into_iter().enumerate() {
        match may(api, verb, group, resource).await {
            Ok(true) => {}
            Ok(false) => missing.push((index, format!("{verb} {resource} {what}"))),
            Err(error) => {
                checks.push(Check {
                    step: "rights",
                    found: Err(error),
                });
                return checks;
            }
        }
    }
    let words = |missing: &[(usize, String)]| {
        let words: Vec<&str> = missing.iter().map(|(_, words)| words.as_str()).collect();
        words.join(", ")
    };
    let found = if missing.iter().any(|(index, _)| *index < NEEDED) {
        Err(ClusterError::new(
            &settings.name,
            ErrorKind::Auth,
            format!(
                "your account may not {} in the namespace {}",
                words(&missing),
                api.namespace
            ),
            "set `namespace` of the target to one of yours, or ask whoever runs the cluster for the rights in docs/kubernetes.md",
        ))
    } else if missing.is_empty() {
        Ok("all that jobs need".to_owned())
    } else {
        Ok(format!(
            "all that jobs need; missing are {}",
            words(&missing)
        ))
    };
    checks.push(Check {
        step: "rights",
        found,
    });
    checks.push(Check {
        step: "image",
        found: Ok(format!(
            "{}, not looked at before a job runs",
            image(settings)
        )),
    });
    checks
}

/// Whether our account may do something in the namespace.
async fn may(api: &Api, verb: &str, group: &str, resource: &str) -> Result<bool, ClusterError> {
    let (resource, subresource) = match resource.split_once('/') {
        Some((resource, subresource)) => (resource, Some(subresource.to_owned())),
        None => (resource, None),
    };
    let review = SelfSubjectAccessReview {
        spec: SelfSubjectAccessReviewSpec {
            resource_attributes: Some(ResourceAttributes {
                namespace: Some(api.namespace.clone()),
                verb: Some(verb.to_owned()),
                group: Some(group.to_owned()),
                resource: Some(resource.to_owned()),
                subresource,
                ..ResourceAttributes::default()
            }),
            ..SelfSubjectAccessReviewSpec::default()
        },
        ..SelfSubjectAccessReview::default()
    };
    let reviews: kube::Api<SelfSubjectAccessReview> = kube::Api::all(api.client().clone());
    let answer = api
        .call(reviews.create(&PostParams::default(), &review))
        .await?;
    Ok(answer.status.is_some_and(|status| status.allowed))
}
