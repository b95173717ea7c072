//! `hoist data`: the data files in the store of a target.

use std::time::{Duration, SystemTime};

use hoist_cluster::{StoredFile, StoredState, TimeLimit};
use serde::Serialize;

use super::env::{ago, millis};
use super::{DataCommand, DataListArgs, DataRemoveArgs, Done, Failure, Format, TARGET_FAILED};
use super::{print, targets, terminal};
use crate::words::size;

/// So much of a sum is shown to people; any beginning that means one file will do.
const SHOWN: usize = 12;

pub(super) fn data(command: &DataCommand) -> Done {
    match command {
        DataCommand::Ls(args) => list(args),
        DataCommand::Rm(args) => remove(args),
    }
}

fn list(args: &DataListArgs) -> Done {
    let (_, config) = targets::config()?;
    let settings = match &args.target {
        Some(name) => config.target(name).map_err(Failure::refused)?,
        None => config.default_target(),
    };
    terminal::with_engine(async |engine| {
        let target = engine.target(settings).await.map_err(Failure::target)?;
        let found = target.stored_data().await.map_err(Failure::target)?;
        match args.format {
            Format::Json => {
                for file in &found {
                    print::json(&Line::of(&settings.name, file))?;
                }
            }
            Format::Text if found.is_empty() => {
                print::say(&format!(
                    "no data file is in the store of {}",
                    settings.name
                ));
            }
            Format::Text => {
                let rows: Vec<Vec<String>> = found.iter().map(row).collect();
                let titles = ["SHA256", "SIZE", "LAST USED", "JOBS", "FILE"];
                print::line(print::table(&titles, &rows).trim_end())?;
                let sum = found.iter().map(|file| file.size).sum();
                print::say(&format!("{} together", size(sum)));
            }
        }
        Ok(0)
    })
}

/// One file as a line of JSON. Times are milliseconds since 1970 UTC.
#[derive(Serialize)]
struct Line<'a> {
    target: &'a str,
    sha256: &'a str,
    state: StoredState,
    size: u64,
    used: Option<u64>,
    paths: &'a [String],
    jobs: &'a [String],
    over: &'a [String],
}

impl<'a> Line<'a> {
    fn of(target: &'a str, file: &'a StoredFile) -> Self {
        Self {
            target,
            sha256: &file.sha256,
            state: file.state,
            size: file.size,
            used: millis(file.used),
            paths: &file.paths,
            jobs: &file.jobs,
            over: &file.over,
        }
    }
}

fn row(file: &StoredFile) -> Vec<String> {
    let jobs = match (file.state, file.jobs.len(), file.over.len()) {
        (StoredState::Sending, ..) => "being sent".to_owned(),
        (StoredState::CutOff, ..) => "cut off".to_owned(),
        (_, 0, 0) => "unused".to_owned(),
        (_, 0, over) => format!("{over} over"),
        (_, jobs, 0) => format!("{jobs} not over"),
        (_, jobs, over) => format!("{jobs} not over, {over} over"),
    };
    let names = match file.paths.as_slice() {
        [] => String::new(),
        [path] => path.clone(),
        [path, more @ ..] => format!("{path} and {} more", more.len()),
    };
    vec![
        file.sha256.chars().take(SHOWN).collect(),
        size(file.size),
        file.used.map(ago).unwrap_or_default(),
        jobs,
        names,
    ]
}

fn remove(args: &DataRemoveArgs) -> Done {
    let (_, config) = targets::config()?;
    let settings = config.target(&args.target).map_err(Failure::refused)?;
    let older = args
        .older
        .as_deref()
        .map(str::parse::<TimeLimit>)
        .transpose();
    let older = older.map_err(Failure::refused)?;
    terminal::with_engine(async |engine| {
        let target = engine.target(settings).await.map_err(Failure::target)?;
        let there = target.stored_data().await.map_err(Failure::target)?;
        let chosen: Vec<&StoredFile> = match older {
            Some(older) => there.iter().filter(|file| is_older(file, older)).collect(),
            None if args.unused => there.iter().filter(|file| file.jobs.is_empty()).collect(),
            None => named(&args.hashes, &there, &settings.name)?,
        };
        if chosen.is_empty() {
            print::say(&format!(
                "nothing is to be removed from the store of {}",
                settings.name
            ));
            return Ok(0);
        }
        let names: Vec<String> = chosen.iter().map(|file| file.name.clone()).collect();
        let kept = target.remove_data(&names).await.map_err(Failure::target)?;
        let mut freed = 0;
        for file in chosen {
            let shown: String = file.sha256.chars().take(SHOWN).collect();
            match kept.iter().find(|kept| kept.name == file.name) {
                Some(kept) => print::error(&format!("{shown} is kept: {}", kept.why)),
                None => {
                    print::line(format_args!("{shown} is removed ({})", size(file.size)))?;
                    freed += file.size;
                }
            }
        }
        if kept.len() < names.len() {
            print::say(&format!(
                "{} together; jobs that are over keep their links to it until they are cleaned away",
                size(freed)
            ));
        }
        Ok(if kept.is_empty() { 0 } else { TARGET_FAILED })
    })
}

/// Was it not used for so long? One that a job needs is not old, whatever its age.
fn is_older(file: &StoredFile, than: TimeLimit) -> bool {
    let age = file
        .used
        .map(|used| SystemTime::now().duration_since(used).unwrap_or_default());
    file.jobs.is_empty() && age.is_some_and(|age| age > Duration::from_secs(than.0))
}

/// The files that beginnings of their sums mean.
fn named<'f>(
    hashes: &[String],
    there: &'f [StoredFile],
    target: &str,
) -> Result<Vec<&'f StoredFile>, Failure> {
    let mut chosen: Vec<&StoredFile> = Vec::new();
    for hash in hashes {
        let start = hash.to_ascii_lowercase();
        let fits: Vec<&StoredFile> = there
            .iter()
            .filter(|file| file.sha256.starts_with(&start))
            .collect();
        match fits.as_slice() {
            _ if start.is_empty() => {
                return Err(Failure::refused(format!(
                    "{target}: an empty beginning of a sum means no file; give some of its digits"
                )));
            }
            [] => {
                return Err(Failure::refused(format!(
                    "{target}: the store has no data file {hash}; `hoist data ls {target}` lists them"
                )));
            }
            // What came of a file and the file itself have the same sum.
            [first, others @ ..] if others.iter().any(|file| file.sha256 != first.sha256) => {
                return Err(Failure::refused(format!(
                    "{target}: {} data files begin with {hash}; give more of its digits",
                    fits.len()
                )));
            }
            fits => {
                for file in fits {
                    if !chosen.contains(file) {
                        chosen.push(file);
                    }
                }
            }
        }
    }
    Ok(chosen)
}
