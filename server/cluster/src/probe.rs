//! A walk along everything that a job needs of a target, for `hoist doctor`.

use std::sync::Arc;

use crate::ask::Ask;
use crate::error::{ClusterError, ErrorKind};
use crate::machine::Machine;
use crate::scheduler::SchedulerKind;
use crate::settings::TargetSettings;
use crate::site;
use crate::submit::about;
use crate::target::{Target, connect};
use crate::transport::exec;

/// One thing that a job needs, and whether it is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// What was looked at, in a word or two: "login", "work folder".
    pub step: &'static str,
    /// What was found, or one sentence about why it is not there and what to do.
    pub found: Result<String, ClusterError>,
}

impl Check {
    fn good(step: &'static str, found: impl Into<String>) -> Self {
        Self {
            step,
            found: Ok(found.into()),
        }
    }
}

/// The steps of a connection in their order, and which errors end at which.
const WAY: [(&str, &[ErrorKind]); 5] = [
    ("settings", &[ErrorKind::Settings]),
    ("name", &[ErrorKind::UnknownHost]),
    (
        "connection",
        &[
            ErrorKind::Refused,
            ErrorKind::Timeout,
            ErrorKind::Connection,
        ],
    ),
    ("host key", &[ErrorKind::HostKey]),
    ("login", &[ErrorKind::Auth]),
];

/// Free space below which a job may well fail, in KiB.
const LITTLE: u64 = 64 * 1024;

/// Looks at everything a job needs, in order, up to the first thing without which the rest cannot be looked at.
pub async fn probe(settings: &TargetSettings, ask: Arc<dyn Ask>) -> Vec<Check> {
    let mut checks = Vec::new();
    let reached = connect(settings, ask).await;
    let stopped = reached
        .as_ref()
        .err()
        .and_then(|e| WAY.iter().position(|(_, kinds)| kinds.contains(&e.kind)));
    let is_far = settings.host.is_some() || settings.scheduler == SchedulerKind::Kubernetes;
    let steps = if is_far { &WAY[..] } else { &WAY[..1] };
    for (index, (step, _)) in steps.iter().enumerate() {
        match &reached {
            Err(error) if stopped == Some(index) => {
                checks.push(Check {
                    step,
                    found: Err(error.clone()),
                });
                return checks;
            }
            _ => checks.push(Check::good(step, "ok")),
        }
    }
    match reached {
        Ok(target) => match (target.machine(), target.cluster()) {
            (_, Some(cluster)) => checks.extend(cluster.checks().await),
            (Ok(machine), None) => inside(&target, machine, &mut checks).await,
            (Err(error), None) => checks.push(Check {
                step: "machine",
                found: Err(error),
            }),
        },
        Err(error) => {
            let step = if error.kind == ErrorKind::WorkDir || error.kind == ErrorKind::DiskFull {
                "work folder"
            } else {
                "shell"
            };
            checks.push(Check {
                step,
                found: Err(error),
            });
        }
    }
    checks
}

async fn inside(target: &Target, machine: &Machine, checks: &mut Vec<Check>) {
    let settings = target.settings();
    let (transport, site) = (&*machine.transport, &machine.site);
    let shell = if site.shell.is_empty() {
        "/bin/sh"
    } else {
        &site.shell
    };
    checks.push(Check::good("shell", format!("{shell} on {}", site.host)));
    checks.push(Check::good("home", site.home.clone()));
    checks.push(Check::good(
        "work folder",
        format!("{} can be written", site.work),
    ));
    if let Some(free) = site.free {
        let shown = format!("{} MiB free in {}", free / 1024, site.work);
        let found = if free >= LITTLE {
            Ok(shown)
        } else {
            Err(ClusterError::new(
                &settings.name,
                ErrorKind::DiskFull,
                format!("only {shown}"),
                "free some room there or set `work_dir` of the target to another file system",
            ))
        };
        checks.push(Check {
            step: "free space",
            found,
        });
    }
    let found = match &site.python {
        Some((path, version)) => Ok(format!("{version} ({path})")),
        None => Err(site::no_python(settings, &site.host)),
    };
    checks.push(Check {
        step: "python",
        found,
    });
    if let Some(version) = site.scheduler.version() {
        let output = exec(transport, &(about(&site.work, "") + version), b"").await;
        let found = output.and_then(|output| {
            let text = output.text();
            match text.lines().find_map(|line| line.strip_prefix("fail scheduler ")) {
                None if output.status == 0 => Ok(crate::error::one_line(&text)),
                words => Err(ClusterError::new(
                    &settings.name,
                    ErrorKind::Scheduler,
                    format!("the scheduler does not answer ({})", words.map_or_else(|| output.complaint(), str::to_owned)),
                    "set `scheduler` of the target to what that machine has, or make its commands available to login shells",
                )),
            }
        });
        checks.push(Check {
            step: "scheduler",
            found,
        });
    }
}
