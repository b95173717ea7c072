//! `hoist targets`.

use std::path::{Path, PathBuf};

use hoist_cluster::{SchedulerKind, TargetSettings};
use hoist_jobs::{Config, workspace_of};
use serde::Serialize;

use super::{Done, Failure, Format, FormatArgs, print};

/// The configuration as it holds in the current folder.
pub(super) fn config() -> Result<(PathBuf, Config), Failure> {
    let folder = std::env::current_dir().map_err(|error| {
        Failure::refused(format!("the current folder cannot be read ({error})"))
    })?;
    let workspace = workspace_of(&folder.join(Path::new("any.py")));
    let config = Config::load(Some(&workspace)).map_err(Failure::refused)?;
    Ok((workspace, config))
}

#[derive(Serialize)]
struct Line<'a> {
    name: &'a str,
    default: bool,
    #[serde(flatten)]
    settings: &'a TargetSettings,
}

pub(super) fn list(args: &FormatArgs) -> Done {
    let (_, config) = config()?;
    let default = &config.default_target().name;
    if args.format == Format::Json {
        for settings in config.targets() {
            print::json(&Line {
                name: &settings.name,
                default: settings.name == *default,
                settings,
            })?;
        }
        return Ok(0);
    }
    let rows: Vec<Vec<String>> = config
        .targets()
        .map(|target| {
            let mark = if target.name == *default { "*" } else { "" };
            let is_cluster = target.scheduler == SchedulerKind::Kubernetes;
            let context = || match &target.context {
                Some(context) => format!("context {context}"),
                None => "current context".to_owned(),
            };
            let here = || "this machine".to_owned();
            let of_machine = |value: String| if is_cluster { "-".to_owned() } else { value };
            vec![
                format!("{}{mark}", target.name),
                word(&target.scheduler),
                if is_cluster {
                    context()
                } else {
                    target.host.clone().unwrap_or_else(here)
                },
                of_machine(target.work_dir.clone()),
                target
                    .python
                    .clone()
                    .unwrap_or_else(|| "python3".to_owned()),
            ]
        })
        .collect();
    print::line(
        print::table(
            &["TARGET", "SCHEDULER", "HOST", "WORK_DIR", "PYTHON"],
            &rows,
        )
        .trim_end(),
    )?;
    print::say("* is the default");
    for file in config.files() {
        print::say(&format!("from {}", file.display()));
    }
    Ok(0)
}

/// A value as the configuration writes it.
fn word(value: &impl Serialize) -> String {
    serde_json::to_value(value)
        .ok()
        .and_then(|value| value.as_str().map(str::to_owned))
        .unwrap_or_default()
}
