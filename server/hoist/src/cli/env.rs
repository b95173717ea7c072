//! `hoist env`: the environments that were built on a target.

use std::time::SystemTime;

use hoist_cluster::{EnvironmentInfo, EnvironmentState};
use serde::Serialize;

use super::{Done, EnvCommand, EnvListArgs, EnvRemoveArgs, Failure, Format, TARGET_FAILED};
use super::{print, targets, terminal};
use crate::words::size;

pub(super) fn env(command: &EnvCommand) -> Done {
    match command {
        EnvCommand::Ls(args) => list(args),
        EnvCommand::Rm(args) => remove(args),
    }
}

fn list(args: &EnvListArgs) -> Done {
    let (_, config) = targets::config()?;
    let settings = match &args.target {
        Some(name) => config.target(name).map_err(Failure::refused)?,
        None => config.default_target(),
    };
    terminal::with_engine(async |engine| {
        let target = engine.target(settings).await.map_err(Failure::target)?;
        let found = target.environments().await.map_err(Failure::target)?;
        match args.format {
            Format::Json => {
                for info in &found {
                    print::json(&Line::of(&settings.name, info))?;
                }
            }
            Format::Text if found.is_empty() => {
                print::say(&format!("no environment was built on {}", settings.name));
            }
            Format::Text => {
                let rows: Vec<Vec<String>> = found.iter().map(row).collect();
                let titles = [
                    "NAME",
                    "STATE",
                    "PYTHON",
                    "SIZE",
                    "LAST USED",
                    "REQUIREMENTS",
                ];
                print::line(print::table(&titles, &rows).trim_end())?;
            }
        }
        Ok(0)
    })
}

/// One environment as a line of JSON. Times are milliseconds since 1970 UTC.
#[derive(Serialize)]
struct Line<'a> {
    target: &'a str,
    name: &'a str,
    state: EnvironmentState,
    python: Option<&'a str>,
    requirements: &'a [String],
    size: Option<u64>,
    made: Option<u64>,
    used: Option<u64>,
    jobs: &'a [String],
}

impl<'a> Line<'a> {
    fn of(target: &'a str, info: &'a EnvironmentInfo) -> Self {
        Self {
            target,
            name: &info.name,
            state: info.state,
            python: info.python.as_deref(),
            requirements: &info.requirements,
            size: info.size,
            made: millis(info.made),
            used: millis(info.used),
            jobs: &info.jobs,
        }
    }
}

/// How many requirements stand in a row.
const SHOWN: usize = 3;

fn row(info: &EnvironmentInfo) -> Vec<String> {
    let state = match (info.state, info.jobs.len()) {
        (EnvironmentState::Ready, 0) => "ready".to_owned(),
        (EnvironmentState::Ready, jobs) => format!("used by {jobs}"),
        (EnvironmentState::Building, _) => "being built".to_owned(),
        (EnvironmentState::Broken, _) => "broken".to_owned(),
    };
    let mut shown: Vec<&str> = info
        .requirements
        .iter()
        .take(SHOWN)
        .map(String::as_str)
        .collect();
    let more = match info.requirements.len().checked_sub(SHOWN) {
        Some(more) if more > 0 => format!("and {more} more"),
        _ => String::new(),
    };
    shown.extend(Some(more.as_str()).filter(|more| !more.is_empty()));
    vec![
        info.name.clone(),
        state,
        info.python.clone().unwrap_or_default(),
        info.size.map(size).unwrap_or_default(),
        info.used.or(info.made).map(ago).unwrap_or_default(),
        shown.join(", "),
    ]
}

/// Milliseconds since 1970 UTC.
pub(super) fn millis(time: Option<SystemTime>) -> Option<u64> {
    let since = time?.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    u64::try_from(since.as_millis()).ok()
}

/// How long ago something was, by two clocks that may differ a little.
pub(super) fn ago(time: SystemTime) -> String {
    let seconds = time.elapsed().unwrap_or_default().as_secs();
    match seconds {
        0..60 => "now".to_owned(),
        60..3_600 => format!("{} min ago", seconds / 60),
        3_600..172_800 => format!("{} h ago", seconds / 3_600),
        _ => format!("{} days ago", seconds / 86_400),
    }
}

fn remove(args: &EnvRemoveArgs) -> Done {
    let (_, config) = targets::config()?;
    let settings = config.target(&args.target).map_err(Failure::refused)?;
    terminal::with_engine(async |engine| {
        let target = engine.target(settings).await.map_err(Failure::target)?;
        let there = target.environments().await.map_err(Failure::target)?;
        let names: Vec<String> = match args.all {
            true => there.into_iter().map(|info| info.name).collect(),
            false => {
                let unknown = |name: &&String| !there.iter().any(|info| info.name == **name);
                if let Some(name) = args.names.iter().find(unknown) {
                    return Err(Failure::refused(format!(
                        "{}: there is no environment {name:?}; `hoist env ls {}` lists them",
                        settings.name, settings.name
                    )));
                }
                args.names.clone()
            }
        };
        let kept = target.remove_environments(&names).await;
        let kept = kept.map_err(Failure::target)?;
        for name in &names {
            match kept.iter().find(|kept| kept.name == *name) {
                Some(kept) => print::error(&format!("{name} is kept: {}", kept.why)),
                None => print::line(format_args!("{name} is removed"))?,
            }
        }
        Ok(if kept.is_empty() { 0 } else { TARGET_FAILED })
    })
}
