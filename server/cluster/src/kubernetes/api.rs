//! The way to a cluster's API, and its errors as sentences.

use std::future::Future;
use std::time::Duration;

use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{Event, Pod};
use kube::config::{
    ExecInteractiveMode, InClusterError, KubeConfigOptions, Kubeconfig, KubeconfigError,
};
use kube::core::Status;
use kube::{Client, Config};

use crate::error::{ClusterError, ErrorKind, one_line};
use crate::settings::TargetSettings;

/// The longest time that a call may take; what stays open (a command in a pod) is no call.
const CALL_LIMIT: Duration = Duration::from_secs(30);

/// A cluster whose API answered.
#[derive(Clone)]
pub(crate) struct Api {
    /// The target's name, for errors.
    target: String,
    client: Client,
    /// The namespace of the jobs.
    pub(crate) namespace: String,
    /// How it was found: a context of the kubeconfig, or from within the cluster.
    pub(crate) place: String,
    /// The server's version, as `v1.20.2`.
    pub(crate) version: String,
}

/// Reads the kubeconfig (or what a pod is given) and asks the API for its version.
///
/// A kubeconfig may name a programme that gives credentials: it runs here, and when they are over.
pub(crate) async fn connect(settings: &TargetSettings) -> Result<Api, ClusterError> {
    let target = &settings.name;
    let (mut config, place) = config(settings).await?;
    if let Some(limit) = settings.connect_timeout {
        config.connect_timeout = Some(Duration::from_secs(limit.0));
    }
    let namespace = settings
        .namespace
        .clone()
        .unwrap_or_else(|| config.default_namespace.clone());
    // The programme is waited for; a runtime must not.
    let client = tokio::task::spawn_blocking(move || Client::try_from(config)).await;
    let client = match client {
        Ok(Ok(client)) => client,
        Ok(Err(error)) => return Err(failed(target, &place, &error)),
        Err(error) => {
            return Err(ClusterError::new(
                target,
                ErrorKind::Connection,
                format!("the connection could not be made ({error})"),
                "try again",
            ));
        }
    };
    let mut api = Api {
        target: target.clone(),
        client,
        namespace,
        place,
        version: String::new(),
    };
    let version = api.call(api.client.apiserver_version()).await?;
    api.version = version.git_version;
    Ok(api)
}

/// The configuration with how it was found.
async fn config(settings: &TargetSettings) -> Result<(Config, String), ClusterError> {
    let target = &settings.name;
    let unreadable = |error: &KubeconfigError| {
        ClusterError::new(
            target,
            ErrorKind::Settings,
            format!("the kubeconfig cannot be read ({error})"),
            "correct the file that KUBECONFIG names, or ~/.kube/config",
        )
    };
    let mut found = Kubeconfig::from_env().map_err(|error| unreadable(&error))?;
    if found.is_none() {
        let home = std::env::var_os("HOME").map(std::path::PathBuf::from);
        let file = home.map(|home| home.join(".kube/config"));
        if let Some(file) = file.filter(|file| file.is_file()) {
            found = Some(Kubeconfig::read_from(file).map_err(|error| unreadable(&error))?);
        }
    }
    let Some(mut kubeconfig) = found else {
        return within(settings);
    };
    for named in &mut kubeconfig.auth_infos {
        // Our standard input and output may be an editor's.
        if let Some(exec) = named.auth_info.as_mut().and_then(|info| info.exec.as_mut()) {
            exec.interactive_mode = Some(ExecInteractiveMode::Never);
        }
    }
    let names: Vec<String> = kubeconfig
        .contexts
        .iter()
        .map(|context| context.name.clone())
        .collect();
    let context = settings
        .context
        .clone()
        .or_else(|| kubeconfig.current_context.clone());
    let options = KubeConfigOptions {
        context: settings.context.clone(),
        ..KubeConfigOptions::default()
    };
    match Config::from_custom_kubeconfig(kubeconfig, &options).await {
        Ok(config) => Ok((config, format!("context {}", context.unwrap_or_default()))),
        Err(KubeconfigError::LoadContext(_) | KubeconfigError::CurrentContextNotSet) => {
            let why = match context {
                Some(name) => format!("there is no context {name} in the kubeconfig"),
                None => "the kubeconfig has no current context".to_owned(),
            };
            Err(ClusterError::new(
                target,
                ErrorKind::Settings,
                why,
                format!("set `context` of the target to one of {}", names.join(", ")),
            ))
        }
        Err(error) => Err(unreadable(&error)),
    }
}

/// From within a pod of the cluster.
fn within(settings: &TargetSettings) -> Result<(Config, String), ClusterError> {
    let failed = |why: String| {
        ClusterError::new(
            &settings.name,
            ErrorKind::Settings,
            why,
            "write ~/.kube/config, or let KUBECONFIG name a file",
        )
    };
    if let Some(context) = &settings.context {
        return Err(failed(format!(
            "context = {context:?} is set, but there is no kubeconfig"
        )));
    }
    match Config::incluster() {
        Ok(config) => Ok((config, "from within the cluster".to_owned())),
        Err(InClusterError::ReadEnvironmentVariable(_)) => Err(failed(
            "there is no kubeconfig, and this is no pod of a cluster".to_owned(),
        )),
        Err(error) => Err(failed(format!(
            "there is no kubeconfig, and what this pod is given cannot be used ({error})"
        ))),
    }
}

impl Api {
    pub(crate) fn jobs(&self) -> kube::Api<Job> {
        kube::Api::namespaced(self.client.clone(), &self.namespace)
    }

    pub(crate) fn pods(&self) -> kube::Api<Pod> {
        kube::Api::namespaced(self.client.clone(), &self.namespace)
    }

    pub(crate) fn events(&self) -> kube::Api<Event> {
        kube::Api::namespaced(self.client.clone(), &self.namespace)
    }

    /// For what is of no namespace.
    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// The target's name, for errors.
    pub(crate) fn target(&self) -> &str {
        &self.target
    }

    /// Waits for a call, not for ever.
    pub(crate) async fn call<T>(
        &self,
        call: impl Future<Output = kube::Result<T>>,
    ) -> Result<T, ClusterError> {
        match self.ask(call).await? {
            Ok(answer) => Ok(answer),
            Err(error) => Err(self.failed(&error)),
        }
    }

    /// The same where it matters how the call failed.
    pub(crate) async fn ask<T>(
        &self,
        call: impl Future<Output = kube::Result<T>>,
    ) -> Result<kube::Result<T>, ClusterError> {
        tokio::time::timeout(CALL_LIMIT, call).await.map_err(|_| {
            ClusterError::new(
                &self.target,
                ErrorKind::Timeout,
                format!(
                    "the API server does not answer within {} s",
                    CALL_LIMIT.as_secs()
                ),
                "check the network, then try again",
            )
        })
    }

    pub(crate) fn failed(&self, error: &kube::Error) -> ClusterError {
        failed(&self.target, &self.place, error)
    }
}

/// Whether there is no such object.
pub(crate) fn is_absent(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.is_not_found())
}

fn failed(target: &str, place: &str, error: &kube::Error) -> ClusterError {
    let new = |kind, why: String, mend: &str| ClusterError::new(target, kind, why, mend);
    match error {
        kube::Error::Api(status) => refused(target, place, status),
        kube::Error::Auth(error) => new(
            ErrorKind::Auth,
            format!(
                "the credentials of the kubeconfig cannot be had ({})",
                chain(error)
            ),
            "log in to the cluster as usual, see that `kubectl get pods` works, then try again",
        ),
        kube::Error::UpgradeConnection(error) => new(
            ErrorKind::Connection,
            format!("a command in a pod could not be started ({})", chain(error)),
            "try again; if it stays so, see whether `kubectl exec` works, for which the right `create` on `pods/exec` is needed",
        ),
        kube::Error::Service(_) | kube::Error::HyperError(_) => {
            let words = chain(error);
            let low = words.to_ascii_lowercase();
            let (kind, why) = if low.contains("dns") || low.contains("lookup") {
                (
                    ErrorKind::UnknownHost,
                    "the API server's name has no address",
                )
            } else if low.contains("refused") {
                (ErrorKind::Refused, "the API server cannot be reached")
            } else if low.contains("certificate") {
                let why = format!("the API server's certificate is not trusted ({words})");
                return new(
                    ErrorKind::HostKey,
                    why,
                    "correct `certificate-authority` of the cluster in the kubeconfig",
                );
            } else if low.contains("timed out")
                || low.contains("timeout")
                || low.contains("elapsed")
            {
                (ErrorKind::Timeout, "the API server does not answer in time")
            } else {
                (
                    ErrorKind::Connection,
                    "the connection to the API server broke off",
                )
            };
            new(
                kind,
                format!("{why} ({words})"),
                "check the network and the cluster's address in the kubeconfig, then try again",
            )
        }
        error => new(
            ErrorKind::Command,
            format!("the API server's answer cannot be used ({})", chain(error)),
            "try again; if it stays so, see whether `kubectl get pods` works",
        ),
    }
}

/// What the API server answers in place of an object.
fn refused(target: &str, place: &str, status: &Status) -> ClusterError {
    let words = one_line(&status.message);
    let new = |kind, why: String, mend: &str| ClusterError::new(target, kind, why, mend);
    let low = words.to_ascii_lowercase();
    match status.code {
        401 => new(
            ErrorKind::Auth,
            format!("the API server does not accept the credentials of {place} ({words})"),
            "log in to the cluster as usual, see that `kubectl get pods` works, then try again",
        ),
        403 if low.contains("quota") => new(
            ErrorKind::Scheduler,
            format!("the namespace's quota does not allow it ({words})"),
            "ask for less, or wait for your other jobs to end",
        ),
        403 if low.contains("cannot") => new(
            ErrorKind::Auth,
            format!("your account of the cluster may not do that ({words})"),
            "set `namespace` of the target to one of yours, or ask whoever runs the cluster for the rights in docs/kubernetes.md",
        ),
        403 => new(
            ErrorKind::Scheduler,
            format!("the cluster does not allow it ({words})"),
            "correct the target's settings as it says, or ask whoever runs the cluster",
        ),
        404 if low.contains("namespace") => new(
            ErrorKind::Settings,
            words,
            "set `namespace` of the target to one that exists",
        ),
        404 => new(ErrorKind::Scheduler, words, "run it again"),
        409 if low.contains("being terminated") => new(
            ErrorKind::Scheduler,
            words,
            "set `namespace` of the target to one that stays",
        ),
        400 | 422 => new(
            ErrorKind::Settings,
            format!("the API server refuses it ({words})"),
            "correct the target's settings or resources and run again",
        ),
        429 | 500..=599 => new(
            ErrorKind::Connection,
            format!("the API server cannot answer now ({words})"),
            "try again",
        ),
        code => new(
            ErrorKind::Command,
            format!("the API server answered with status {code} ({words})"),
            "try again; if it stays so, see whether `kubectl get pods` works",
        ),
    }
}

/// An error with what is behind it.
fn chain(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut inner = error.source();
    while let Some(error) = inner {
        let text = error.to_string();
        if !words.contains(&text) {
            words = format!("{words}: {text}");
        }
        inner = error.source();
    }
    one_line(&words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_api_server_says_has_plain_words_and_a_mend() {
        let said = |code, message: &str| {
            let status = Status::failure(message, "").with_code(code);
            refused("lab", "context admin", &status).to_string()
        };
        let answers = [
            (401, "Unauthorized"),
            (
                403,
                r#"jobs.batch is forbidden: User "guest" cannot create resource "jobs" in API group "batch" in the namespace "default""#,
            ),
            (
                403,
                r#"jobs.batch "hoist-1" is forbidden: exceeded quota: small, requested: count/jobs.batch=1, used: count/jobs.batch=2, limited: count/jobs.batch=2"#,
            ),
            (404, r#"namespaces "nowhere" not found"#),
            (
                422,
                r#"Job.batch "hoist-1" is invalid: spec.template.spec.containers[0].image: Required value"#,
            ),
            (503, "apiserver is shutting down"),
        ];
        let said = answers.map(|(code, message)| said(code, message));
        insta::assert_snapshot!(said.join("\n"));
    }
}
