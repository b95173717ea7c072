//! `hoist.connect`: a connection to a target before anything runs there, so that what the editor says of it is true.

use hoist_cluster::{SchedulerKind, TargetSettings};
use hoist_jobs::Learnt;
use serde_json::Value;
use tower_lsp::jsonrpc::Result;
use tower_lsp::ls_types::MessageType;

use super::{Context, off_the_wire, refusal};
use crate::lsp::ext;
use crate::lsp::progress::Progress;
use crate::lsp::requests::targets::config_of;

/// `hoist.connect`. It answers at once: which target, and what it takes to log in there, a person may be asked.
pub(super) async fn connect(context: Context, wish: ext::ConnectArguments) -> Result<Value> {
    let snapshot = context.snapshot.clone();
    let config = off_the_wire(move || config_of(&snapshot, wish.uri.as_deref())).await?;
    let named = config.and_then(|config| match &wish.target {
        Some(name) => config
            .target(name)
            .map(|target| vec![target.clone()])
            .map_err(|error| error.to_string()),
        None => match far(config.targets()) {
            far if far.is_empty() => Err(
                "every target is this machine, so there is nothing to connect to; [targets.NAME] with `host` in hoist.toml names another one"
                    .to_owned(),
            ),
            far => Ok(far),
        },
    });
    match named {
        Ok(targets) => {
            tokio::spawn(choose(context, targets));
            Ok(Value::Null)
        }
        Err(sentence) => {
            context.person.tell(MessageType::ERROR, &sentence).await;
            Err(refusal(sentence, &ext::RefusedData::default()))
        }
    }
}

/// The targets that are not this machine.
fn far<'t>(targets: impl Iterator<Item = &'t TargetSettings>) -> Vec<TargetSettings> {
    let is_far = |target: &&TargetSettings| {
        target.host.is_some() || target.scheduler == SchedulerKind::Kubernetes
    };
    targets.filter(is_far).cloned().collect()
}

/// Connects to the only one, or to the one that the person wants.
async fn choose(context: Context, mut targets: Vec<TargetSettings>) {
    if targets.len() > 1 {
        let names = targets.iter().map(|target| target.name.clone()).collect();
        let title = "Connect to".to_owned();
        let Some(choice) = context.person.choice(title, names, None).await else {
            return;
        };
        targets.retain(|target| target.name == choice);
    }
    let Some(target) = targets.first() else {
        return;
    };
    let progress = match context.snapshot.profile.progress {
        true => {
            let (token, title) = (format!("hoist/connect/{}", target.name), &target.name);
            Some(Progress::of(&context.client, token, format!("Connecting to {title}")).await)
        }
        false => None,
    };
    let learnt = context.engine.connect(target).await;
    let (kind, sentence) = match &learnt {
        Ok(Learnt {
            silence: Some(why), ..
        }) => (
            MessageType::WARNING,
            format!(
                "{} is connected, but what its Python has is not known. {why}",
                target.name
            ),
        ),
        Ok(learnt) => (MessageType::INFO, connected(&target.name, learnt)),
        Err(error) => (MessageType::ERROR, error.to_string()),
    };
    if learnt.is_ok() {
        context.session.files_changed();
    }
    if let Some(progress) = progress {
        progress
            .end(
                if learnt.is_ok() {
                    "connected"
                } else {
                    "not connected"
                }
                .to_owned(),
            )
            .await;
    }
    context.person.tell(kind, sentence).await;
}

/// What there is to say of a connection.
fn connected(target: &str, learnt: &Learnt) -> String {
    let python = learnt.python.as_ref();
    let python = python.map(|version| format!("Python {version}"));
    let packages = learnt.packages.map(|count| match count {
        1 => "1 package".to_owned(),
        count => format!("{count} packages"),
    });
    let known: Vec<String> = [python, packages].into_iter().flatten().collect();
    match known.as_slice() {
        [] => format!("{target} is connected; its Python is known once something ran there"),
        known => format!("{target} is connected: {}", known.join(" with ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_learnt_is_said_in_one_sentence() {
        let said = |python: Option<&str>, packages| {
            let python = python.map(str::to_owned);
            let silence = None;
            connected(
                "far",
                &Learnt {
                    python,
                    packages,
                    silence,
                },
            )
        };
        assert_eq!(
            said(Some("3.6.8"), Some(21)),
            "far is connected: Python 3.6.8 with 21 packages"
        );
        assert_eq!(said(Some("3.6.8"), None), "far is connected: Python 3.6.8");
        assert_eq!(
            said(None, None),
            "far is connected; its Python is known once something ran there"
        );
    }
}
