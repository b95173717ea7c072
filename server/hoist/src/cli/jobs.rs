//! `hoist jobs`, `logs`, `cancel`, `result`: jobs of this and of other processes.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hoist_cluster::{Memory, TimeLimit};
use hoist_jobs::{Engine, Event, JobId, JobView, Old, RunError, State, Stream, Sweep};

use super::run::{self, Shown};
use super::sweep::{self, How};
use super::terminal::Interrupts;
use super::{
    CleanArgs, Done, Failure, Format, JobArgs, JobsArgs, JobsCommand, LogsArgs, REFUSED,
    ResultArgs, RetryArgs, StreamArg, TARGET_FAILED, TableFormat, print, source, terminal,
};
use crate::result_text;
use crate::table::{Table, counted};
use crate::words::size;

/// How long a listing waits for news of jobs that nobody followed.
const CATCH_UP: Duration = Duration::from_secs(3);
/// How long `hoist cancel` waits for the other side to obey.
const OBEY: Duration = Duration::from_secs(60);

pub(super) fn list(args: &JobsArgs) -> Done {
    if let Some(JobsCommand::Clean(args)) = &args.command {
        return clean(args);
    }
    terminal::with_engine(async |engine| {
        catch_up(&engine).await?;
        if let Some(name) = &args.sweep {
            return list_tasks(&engine, name, args.format);
        }
        let mut jobs = engine.jobs().map_err(Failure::refused)?;
        for damaged in engine.damaged() {
            print::say(&format!("warning: {damaged}"));
        }
        let limit = match args.limit {
            0 => usize::MAX,
            limit => limit,
        };
        if args.format == Format::Json {
            jobs.truncate(limit);
            for job in jobs {
                print::json(&*job)?;
            }
            return Ok(0);
        }
        if jobs.is_empty() {
            print::say("no jobs yet; `hoist run FILE::ENTRY` makes one");
            return Ok(0);
        }
        // The tasks of a sweep are one line, where the first of them would stand.
        let sweeps = engine.sweeps().map_err(Failure::refused)?;
        let mut told = BTreeSet::new();
        let mut rows: Vec<Vec<String>> = Vec::new();
        for job in &jobs {
            let sweep = job.sweep.and_then(|task| {
                let sweep = sweeps.iter().find(|sweep| sweep.sweep == task.sweep);
                sweep.filter(|sweep| sweep.tasks.len() > 1)
            });
            match sweep {
                None => rows.push(row(job)),
                Some(sweep) if told.insert(sweep.sweep) => {
                    rows.push(sweep_row(&engine, sweep, job))
                }
                Some(_) => {}
            }
            if rows.len() == limit {
                break;
            }
        }
        print_rows(&rows)?;
        Ok(0)
    })
}

fn clean(args: &CleanArgs) -> Done {
    let than = match args.older.trim() {
        "0" => Duration::ZERO,
        text => {
            let time: TimeLimit = text.parse().map_err(Failure::refused)?;
            Duration::from_secs(time.0)
        }
    };
    let most = match &args.most {
        Some(text) => Some(text.parse::<Memory>().map_err(Failure::refused)?.0),
        None => None,
    };
    let old = Old {
        than,
        most,
        only_here: args.only_here,
        dry: args.dry_run,
    };
    terminal::with_engine(async |engine| {
        let cleaned = engine.clean(old).await.map_err(Failure::refused)?;
        let would = if args.dry_run {
            "would remove"
        } else {
            "removed"
        };
        print::say(&format!(
            "{would} {} and {}, {}",
            many(cleaned.jobs.len(), "job"),
            many(cleaned.packages, "package"),
            size(cleaned.bytes)
        ));
        for (target, (jobs, why)) in &cleaned.kept {
            print::error(&format!(
                "{} stay, because {target} could not be tidied up: {why} (--only-here leaves it alone)",
                many(*jobs, "job")
            ));
        }
        Ok(if cleaned.kept.is_empty() {
            0
        } else {
            TARGET_FAILED
        })
    })
}

fn many(count: usize, what: &str) -> String {
    match count {
        1 => format!("1 {what}"),
        _ => format!("{count} {what}s"),
    }
}

fn print_rows(rows: &[Vec<String>]) -> Result<(), Failure> {
    let titles = [
        "JOB", "STATE", "TARGET", "ENTRY", "AGE", "TIME", "MEMORY", "",
    ];
    print::line(print::table(&titles, rows).trim_end())?;
    Ok(())
}

/// The tasks of one sweep.
fn list_tasks(engine: &Engine, name: &str, format: Format) -> Done {
    let Named::Sweep(sweep) = find(engine, name)? else {
        return Err(Failure::refused(format!(
            "{name} is one job and no sweep; `hoist jobs` lists both"
        )));
    };
    let tasks = sweep.tasks.iter();
    let jobs: Vec<_> = tasks.filter_map(|task| engine.job(task.job).ok()).collect();
    if format == Format::Json {
        for job in jobs {
            print::json(&*job)?;
        }
        return Ok(0);
    }
    let rows: Vec<Vec<String>> = jobs.iter().map(|job| row(job)).collect();
    print_rows(&rows)?;
    Ok(0)
}

fn sweep_row(engine: &Engine, sweep: &Sweep, one: &JobView) -> Vec<String> {
    let table = Table::of(engine, sweep);
    let states = table.states();
    let over = states.iter().filter(|state| state.is_end()).count();
    let mut cells = row(one);
    cells[0] = sweep.sweep.to_string();
    cells[1] = format!("{over} of {}", sweep.tasks.len());
    cells[5] = String::new();
    cells[6] = String::new();
    cells[7] = counted(&states);
    cells
}

fn row(job: &JobView) -> Vec<String> {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_millis());
    let age = now.saturating_sub(u128::from(job.created)) / 1000;
    let since_start = job.started.map(|started| {
        let until = job.ended.map_or(now, u128::from);
        until.saturating_sub(u128::from(started)) / 1000
    });
    let time = match (job.wall_seconds, since_start) {
        (Some(seconds), _) => format!("{seconds:.1} s"),
        (None, Some(seconds)) => span(seconds),
        (None, None) => String::new(),
    };
    let about = match (&job.error, &job.message, &job.reason) {
        (Some(error), _, _) => format!("{}: {}", error.kind, error.message),
        (None, Some(message), _) => message.clone(),
        (None, None, Some(reason)) => reason.clone(),
        (None, None, None) => job
            .result
            .as_ref()
            .map(|result| result.repr.clone())
            .unwrap_or_default(),
    };
    let about: String = about
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(60)
        .collect();
    vec![
        job.job.to_string(),
        job.state.to_string(),
        job.target.clone(),
        format!("{}::{}", job.file, job.entry),
        span(age),
        time,
        result_text::memory(job).unwrap_or_default(),
        about,
    ]
}

/// A time as people say it: `45 s`, `12 min`, `3 h`, `5 d`.
fn span(seconds: u128) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} d", seconds / 86_400),
    }
}

/// Takes up what no other process follows, and waits a moment for news of it.
async fn catch_up(engine: &Engine) -> Result<(), Failure> {
    let jobs = engine.take_up_all().map_err(Failure::refused)?;
    let ended = async {
        for job in jobs {
            engine.ended(job).await.ok();
        }
    };
    tokio::time::timeout(CATCH_UP, ended).await.ok();
    Ok(())
}

/// What a person means by a name.
enum Named {
    Job(JobId),
    Sweep(Box<Sweep>),
}

/// The one job or sweep that a person means by its name, by enough letters of its beginning or end, or by `last`; a task of a
/// sweep by `SWEEP.NUMBER`.
fn find(engine: &Engine, text: &str) -> Result<Named, Failure> {
    let jobs = engine.jobs().map_err(Failure::refused)?;
    let sweeps = engine.sweeps().map_err(Failure::refused)?;
    if let Some((name, number)) = text.split_once('.') {
        let Named::Sweep(sweep) = find(engine, name)? else {
            return Err(Failure::refused(format!(
                "{name} is no sweep, so it has no task {number}"
            )));
        };
        let index = number.parse::<usize>().ok().and_then(|n| n.checked_sub(1));
        let task = index.and_then(|index| sweep.tasks.get(index));
        return task.map(|task| Named::Job(task.job)).ok_or_else(|| {
            Failure::refused(format!(
                "{} has no task {number:?}: its tasks are 1 to {}",
                sweep.sweep,
                sweep.tasks.len()
            ))
        });
    }
    let sweep_of = |name: JobId| {
        let found = sweeps.iter().find(|sweep| sweep.sweep == name);
        found.cloned().map(Box::new)
    };
    if text == "last" {
        let newest = jobs.first().ok_or_else(|| {
            Failure::refused("there is no job yet; `hoist run FILE::ENTRY` makes one")
        })?;
        let sweep = newest.sweep.and_then(|task| sweep_of(task.sweep));
        return Ok(sweep.map_or(Named::Job(newest.job), Named::Sweep));
    }
    if let Ok(name) = text.parse::<JobId>() {
        if let Some(sweep) = sweep_of(name) {
            return Ok(Named::Sweep(sweep));
        }
        engine.job(name).map_err(|error| {
            Failure::refused(format!("there is no job {name} that can be read: {error}"))
        })?;
        return Ok(Named::Job(name));
    }
    let wanted = text.to_ascii_uppercase();
    let names = jobs.iter().map(|job| job.job);
    let names = names.chain(sweeps.iter().map(|sweep| sweep.sweep));
    let mut found = names.filter(|name| {
        let name = name.to_string();
        wanted.len() >= 4 && (name.starts_with(&wanted) || name.ends_with(&wanted))
    });
    match (found.next(), found.next()) {
        (Some(name), None) => Ok(sweep_of(name).map_or(Named::Job(name), Named::Sweep)),
        (Some(_), Some(_)) => Err(Failure::refused(format!(
            "{text:?} fits more than one job; `hoist jobs` lists them"
        ))),
        (None, _) => Err(Failure::refused(format!(
            "there is no job {text:?}; `hoist jobs` lists them"
        ))),
    }
}

/// The jobs and sweeps that these name.
pub(super) fn named(engine: &Engine, names: &[String]) -> Result<Vec<JobId>, Failure> {
    let found = names.iter().map(|name| {
        Ok(match find(engine, name)? {
            Named::Job(job) => job,
            Named::Sweep(sweep) => sweep.sweep,
        })
    });
    found.collect()
}

/// The same where only one job will do.
fn find_job(engine: &Engine, text: &str) -> Result<JobId, Failure> {
    match find(engine, text)? {
        Named::Job(job) => Ok(job),
        Named::Sweep(sweep) => Err(Failure::refused(format!(
            "{} is a sweep of {} tasks; name one of them, as in {}.1",
            sweep.sweep,
            sweep.tasks.len(),
            sweep.sweep
        ))),
    }
}

pub(super) fn logs(args: &LogsArgs) -> Done {
    let only = args.stream.map(|stream| match stream {
        StreamArg::Stdout => Stream::Stdout,
        StreamArg::Stderr => Stream::Stderr,
        StreamArg::Environment => Stream::Environment,
    });
    terminal::with_engine(async |engine| {
        let job = find_job(&engine, &args.job)?;
        engine.take_up(job).map_err(Failure::refused)?;
        if args.follow {
            let shown = Shown::new(args.format, only);
            return run::read_along(&engine, engine.watch(job, [0; 3]), shown).await;
        }
        let mut watch = engine.watch(job, [0; 3]);
        let mut shown = Shown::new(args.format, only);
        // What there is by now: the job's state and its output up to here.
        let lengths = Stream::ALL.map(|stream| engine.output_length(job, stream));
        let mut seen = [0; 3];
        while seen != lengths {
            let Some(event) = watch.next().await.map_err(Failure::refused)? else {
                break;
            };
            if let Event::Output {
                stream,
                offset,
                bytes,
                ..
            } = &event
            {
                let index = Stream::ALL.iter().position(|known| known == stream);
                let index = index.unwrap_or_default();
                seen[index] = (offset + bytes.len() as u64).min(lengths[index]);
                shown.show(&event)?;
            }
        }
        Ok(0)
    })
}

pub(super) fn cancel(args: &JobArgs) -> Done {
    terminal::with_engine(async |engine| {
        let (name, jobs) = match find(&engine, &args.job)? {
            Named::Job(job) => (job, vec![job]),
            Named::Sweep(sweep) => (
                sweep.sweep,
                sweep.tasks.iter().map(|task| task.job).collect(),
            ),
        };
        for job in &jobs {
            engine.cancel(*job).map_err(Failure::refused)?;
        }
        for job in &jobs {
            engine.take_up(*job).map_err(Failure::refused)?;
        }
        let all = async {
            let mut ended = Vec::with_capacity(jobs.len());
            for job in &jobs {
                ended.push(engine.ended(*job).await.map_err(Failure::refused)?);
            }
            Ok::<_, Failure>(ended)
        };
        let ended = tokio::time::timeout(OBEY, all).await.map_err(|_| {
            Failure::target(format!(
                "{name} has not ended within {} s; the wish to cancel is kept, `hoist jobs` tells when it is obeyed",
                OBEY.as_secs()
            ))
        })??;
        let states: Vec<State> = ended.iter().map(|job| job.state).collect();
        match (args.format, ended.as_slice()) {
            (Format::Json, jobs) => jobs.iter().try_for_each(|job| print::json(&**job))?,
            (Format::Text, [job]) => print::line(format_args!("{} {}", job.job, job.state))?,
            (Format::Text, _) => print::line(format_args!("{name} {}", counted(&states)))?,
        }
        Ok(0)
    })
}

/// The one job that a person names, once it is at its end.
pub(super) async fn ended(engine: &Engine, name: &str) -> Result<JobId, Failure> {
    let job = find_job(engine, name)?;
    if engine.take_up(job).map_err(Failure::refused)? {
        tokio::time::timeout(CATCH_UP, engine.ended(job)).await.ok();
    }
    let view = engine.job(job).map_err(Failure::refused)?;
    if view.state.is_end() {
        return Ok(job);
    }
    Err(Failure::refused(format!(
        "it has no result yet: {}; `hoist logs --follow {job}` waits for it",
        run::going_on(&view)
    )))
}

pub(super) fn result(args: &ResultArgs) -> Done {
    terminal::with_engine(async |engine| {
        if let Named::Sweep(sweep) = find(&engine, &args.job)?
            && args.pickle.is_none()
        {
            return result_of_sweep(&engine, &sweep, args.format).await;
        }
        let job = ended(&engine, &args.job).await?;
        if let Some(output) = &args.pickle {
            super::files::pickle(&engine, job, output).await?;
            return Ok(0);
        }
        let view = engine.job(job).map_err(Failure::refused)?;
        let status = view.state.exit_status().unwrap_or(REFUSED);
        match args.format {
            TableFormat::Json => {
                let finished = Event::Finished { job: view };
                print::line(
                    finished
                        .json()
                        .ok_or_else(|| Failure::target("the result is no JSON"))?,
                )?;
            }
            TableFormat::Csv => {
                return Err(Failure::refused(format!(
                    "{job} is one job, and csv is for the table of a sweep; use --format text or json"
                )));
            }
            TableFormat::Text => match &view.result {
                Some(result) => {
                    print::line(&result.repr)?;
                    print::bytes(
                        &mut std::io::stdout().lock(),
                        result_text::previews(&view).as_bytes(),
                    )?;
                    run::left(&view);
                    if let Some(usage) = result_text::usage(&view) {
                        print::say(&format!("note: used {usage}"));
                    }
                    for advice in &view.advice {
                        print::say(&format!("note: {advice}"));
                    }
                }
                None => run::outcome(&view, false)?,
            },
        }
        Ok(status.min(TARGET_FAILED))
    })
}

pub(super) fn retry(args: &RetryArgs) -> Done {
    let asked = source::resources(&args.resources);
    terminal::with_engine(async |engine| {
        let named = find(&engine, &args.job)?;
        let refused = |error: RunError| {
            print::refusal(args.format, &error.word(), &error.to_string(), None);
            Ok(REFUSED)
        };
        let how = How {
            format: args.format,
            detach: args.detach,
            at_once: None,
            yes: args.yes,
        };
        let first = match &named {
            Named::Job(job) => Some(*job),
            Named::Sweep(old) => old.tasks.first().map(|task| task.job),
        };
        // What a retry says of a job that has nothing to send any more is said below.
        if let Some(Ok((settings, data))) = first.map(|job| engine.data_of(job))
            && let Some(status) =
                run::agree_to(&engine, &settings, &data, args.yes, args.format).await?
        {
            return Ok(status);
        }
        // From before anything is there, so that nothing is missed.
        let interrupts = Interrupts::listen().map_err(Failure::target)?;
        let events = engine.subscribe();
        match named {
            Named::Job(job) => match engine.again(job, &asked) {
                Ok(job) => {
                    let watch = engine.watch(job, [0; 3]);
                    let shown = Shown::new(args.format, None);
                    run::follow(&engine, watch, shown, interrupts, args.detach).await
                }
                Err(error) => refused(error),
            },
            Named::Sweep(old) => match engine.sweep_again(old.sweep, &asked) {
                Ok(name) => {
                    let sweep = engine.sweep(name).map_err(Failure::refused)?;
                    sweep::follow(engine, sweep, how, events, interrupts).await
                }
                Err(error) => refused(error),
            },
        }
    })
}

/// What there is by now of all tasks.
async fn result_of_sweep(engine: &Engine, sweep: &Sweep, format: TableFormat) -> Done {
    let mut taken_up = Vec::new();
    for task in &sweep.tasks {
        if engine.take_up(task.job).unwrap_or(false) {
            taken_up.push(task.job);
        }
    }
    let ended = async {
        for job in taken_up {
            engine.ended(job).await.ok();
        }
    };
    tokio::time::timeout(CATCH_UP, ended).await.ok();
    let table = Table::of(engine, sweep);
    sweep::print(&table, format)?;
    Ok(table.exit_status().unwrap_or(REFUSED))
}
