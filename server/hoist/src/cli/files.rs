//! `hoist files`: what a job left besides its result, and what came of its pickle.

use std::fs;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use hoist_cluster::Size;
use hoist_jobs::{Engine, JobId, Kept, missing_bytes};

use super::{Done, Failure, FilesArgs, Format, jobs, print, terminal};
use crate::words::size;

pub(super) fn files(args: &FilesArgs) -> Done {
    let most: Size = args.most.parse().map_err(Failure::refused)?;
    terminal::with_engine(async |engine| {
        let job = jobs::ended(&engine, &args.job).await?;
        let all = engine.kept(job).map_err(Failure::refused)?;
        if args.paths.is_empty() && args.output.is_none() {
            return list(job, &all, args.format);
        }
        let wanted = wanted(job, all, &args.paths)?;
        let bytes = missing_bytes(&wanted);
        if bytes > most.0 {
            return Err(Failure::refused(format!(
                "{} would have to be fetched, more than {most}: name fewer files, or allow it by --most",
                size(bytes)
            )));
        }
        let here = fetched(&engine, job, &wanted, bytes).await?;
        let places = match &args.output {
            None => here,
            Some(folder) => copied(folder, &wanted, &here)?,
        };
        for place in places {
            match args.format {
                Format::Text => print::line(place.display())?,
                Format::Json => print::json(&place)?,
            }
        }
        Ok(0)
    })
}

fn list(job: JobId, all: &[Kept], format: Format) -> Done {
    if format == Format::Json {
        for kept in all {
            print::json(
                &serde_json::json!({ "path": kept.path, "size": kept.size, "here": kept.here }),
            )?;
        }
        return Ok(0);
    }
    if all.is_empty() {
        print::say(&format!("job {job} left no files"));
        return Ok(0);
    }
    let row = |kept: &Kept| {
        let here = kept.here.as_ref().map(|here| here.display().to_string());
        vec![
            kept.path.clone(),
            size(kept.size),
            here.unwrap_or_else(|| "not fetched".to_owned()),
        ]
    };
    let rows: Vec<Vec<String>> = all.iter().map(row).collect();
    print::line(print::table(&["FILE", "SIZE", "HERE"], &rows).trim_end())?;
    Ok(0)
}

/// Those that the person names; all without a name.
fn wanted(job: JobId, all: Vec<Kept>, words: &[String]) -> Result<Vec<Kept>, Failure> {
    let none = words
        .iter()
        .find(|word| !all.iter().any(|kept| kept.is_meant_by(word)));
    if let Some(word) = none {
        return Err(Failure::refused(format!(
            "job {job} left no file {word:?}; `hoist files {job}` lists what it left"
        )));
    }
    let is_wanted =
        |kept: &Kept| words.is_empty() || words.iter().any(|word| kept.is_meant_by(word));
    Ok(all.into_iter().filter(is_wanted).collect())
}

/// Fetches them where they are not here, and says how far it is where there is a terminal.
pub(super) async fn fetched(
    engine: &Engine,
    job: JobId,
    wanted: &[Kept],
    bytes: u64,
) -> Result<Vec<PathBuf>, Failure> {
    let shows = std::io::stderr().is_terminal() && bytes > 0;
    let tell = |came: u64| {
        if shows {
            let percent = came * 100 / bytes.max(1);
            eprint!("\r\x1b[2Kfetching {percent} % of {}", size(bytes));
        }
    };
    let done = engine.fetch(job, wanted, &tell).await;
    if shows {
        eprint!("\r\x1b[2K");
    }
    done.map_err(Failure::target)
}

/// Copies them into a folder, each at its own place below; what is there already is left alone.
fn copied(folder: &Path, wanted: &[Kept], here: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let place = |kept: &Kept| folder.join(kept.path.strip_prefix("files/").unwrap_or(&kept.path));
    let places: Vec<PathBuf> = wanted.iter().map(place).collect();
    for place in &places {
        if place.symlink_metadata().is_ok() {
            return Err(Failure::refused(format!(
                "{} is there already: choose another folder, or move it away",
                place.display()
            )));
        }
    }
    for (place, here) in places.iter().zip(here) {
        let above = place.parent().unwrap_or(folder);
        fs::create_dir_all(above)
            .and_then(|()| fs::copy(here, place))
            .map_err(|error| cannot(place, &error))?;
    }
    Ok(places)
}

fn cannot(place: &Path, error: &std::io::Error) -> Failure {
    Failure::refused(format!("{} cannot be written ({error})", place.display()))
}

/// Writes the pickle of a job's value to a file.
pub(super) async fn pickle(engine: &Engine, job: JobId, output: &Path) -> Result<(), Failure> {
    let view = engine.job(job).map_err(Failure::refused)?;
    let Some(result) = &view.result else {
        return Err(Failure::refused(format!(
            "job {job} returned nothing, so there is no pickle of it"
        )));
    };
    let all = engine.kept(job).map_err(Failure::refused)?;
    let path = result.pickle.as_ref().map(|pickle| pickle.path.as_str());
    let Some(kept) = all
        .into_iter()
        .find(|kept| Some(kept.path.as_str()) == path)
    else {
        let why = result.pickle_problem.as_deref();
        return Err(Failure::refused(format!(
            "the value of job {job} could not be pickled ({})",
            why.unwrap_or("the hoist that ran it made none")
        )));
    };
    let bytes = kept.size;
    let here = fetched(engine, job, &[kept], bytes).await?;
    for here in here {
        fs::copy(&here, output).map_err(|error| cannot(output, &error))?;
    }
    Ok(())
}
