//! `hoist targets` and `hoist doctor`.

use std::path::{Path, PathBuf};

use hoist_cluster::{TargetSettings, probe};
use hoist_jobs::{Config, workspace_of};
use serde::Serialize;

use super::{DoctorArgs, Done, Failure, Format, FormatArgs, TARGET_FAILED, print, terminal};

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
            vec![
                format!("{}{mark}", target.name),
                word(&target.scheduler),
                target
                    .host
                    .clone()
                    .unwrap_or_else(|| "this machine".to_owned()),
                target.work_dir.clone(),
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

#[derive(Serialize)]
struct Checked<'a> {
    target: &'a str,
    step: &'a str,
    ok: bool,
    found: &'a str,
}

pub(super) fn doctor(args: &DoctorArgs) -> Done {
    let (_, config) = config()?;
    let settings = config.target(&args.target).map_err(Failure::refused)?;
    let checks = terminal::with_terminal(async |ask| probe(settings, ask).await)?;
    let mut status = 0;
    for check in checks {
        let (ok, found) = match &check.found {
            Ok(found) => (true, found.clone()),
            Err(error) => (false, error.to_string()),
        };
        if !ok {
            status = TARGET_FAILED;
        }
        match args.format {
            Format::Json => print::json(&Checked {
                target: &settings.name,
                step: check.step,
                ok,
                found: &found,
            })?,
            Format::Text => {
                let mark = if ok { "ok" } else { "no" };
                print::line(format_args!("{mark}  {:<14} {found}", check.step))?;
            }
        }
    }
    Ok(status)
}

/// A value as the configuration writes it.
fn word(value: &impl Serialize) -> String {
    serde_json::to_value(value)
        .ok()
        .and_then(|value| value.as_str().map(str::to_owned))
        .unwrap_or_default()
}
