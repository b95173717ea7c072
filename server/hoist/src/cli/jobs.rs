//! `hoist jobs`, `logs`, `cancel`, `result`: jobs of this and of other processes.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hoist_jobs::{Engine, Event, JobId, JobView, Stream};

use super::run::{self, Shown};
use super::{
    Done, Failure, Format, JobArgs, JobsArgs, LogsArgs, REFUSED, StreamArg, TARGET_FAILED, print,
    terminal,
};

/// How long a listing waits for news of jobs that nobody followed.
const CATCH_UP: Duration = Duration::from_secs(3);
/// How long `hoist cancel` waits for the other side to obey.
const OBEY: Duration = Duration::from_secs(60);

pub(super) fn list(args: &JobsArgs) -> Done {
    terminal::with_engine(async |engine| {
        catch_up(&engine).await?;
        let mut jobs = engine.jobs().map_err(Failure::refused)?;
        if args.limit > 0 {
            jobs.truncate(args.limit);
        }
        for damaged in engine.damaged() {
            print::say(&format!("warning: {damaged}"));
        }
        if args.format == Format::Json {
            for job in jobs {
                print::json(&*job)?;
            }
            return Ok(0);
        }
        if jobs.is_empty() {
            print::say("no jobs yet; `hoist run FILE::ENTRY` makes one");
            return Ok(0);
        }
        let rows: Vec<Vec<String>> = jobs.iter().map(|job| row(job)).collect();
        let titles = ["JOB", "STATE", "TARGET", "ENTRY", "AGE", "TIME", ""];
        print::line(print::table(&titles, &rows).trim_end())?;
        Ok(0)
    })
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

/// The one job that a person means by its name, by enough letters of its beginning or end, or by `last`.
fn find(engine: &Engine, text: &str) -> Result<JobId, Failure> {
    let jobs = engine.jobs().map_err(Failure::refused)?;
    if text == "last" {
        let newest = jobs.first().map(|job| job.job);
        return newest.ok_or_else(|| {
            Failure::refused("there is no job yet; `hoist run FILE::ENTRY` makes one")
        });
    }
    if let Ok(job) = text.parse::<JobId>() {
        engine.job(job).map_err(|error| {
            Failure::refused(format!("there is no job {job} that can be read: {error}"))
        })?;
        return Ok(job);
    }
    let wanted = text.to_ascii_uppercase();
    let mut found = jobs.iter().map(|job| job.job).filter(|job| {
        let name = job.to_string();
        wanted.len() >= 4 && (name.starts_with(&wanted) || name.ends_with(&wanted))
    });
    match (found.next(), found.next()) {
        (Some(job), None) => Ok(job),
        (Some(_), Some(_)) => Err(Failure::refused(format!(
            "{text:?} fits more than one job; `hoist jobs` lists them"
        ))),
        (None, _) => Err(Failure::refused(format!(
            "there is no job {text:?}; `hoist jobs` lists them"
        ))),
    }
}

pub(super) fn logs(args: &LogsArgs) -> Done {
    let only = args.stream.map(|stream| match stream {
        StreamArg::Stdout => Stream::Stdout,
        StreamArg::Stderr => Stream::Stderr,
    });
    terminal::with_engine(async |engine| {
        let job = find(&engine, &args.job)?;
        engine.take_up(job).map_err(Failure::refused)?;
        if args.follow {
            let shown = Shown::new(args.format, only);
            return run::read_along(engine.watch(job, [0, 0]), shown).await;
        }
        let mut watch = engine.watch(job, [0, 0]);
        let mut shown = Shown::new(args.format, only);
        // What there is by now: the job's state and its output up to here.
        let lengths = Stream::BOTH.map(|stream| engine.output_length(job, stream));
        let mut seen = [0, 0];
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
                let index = usize::from(*stream == Stream::Stderr);
                seen[index] = (offset + bytes.len() as u64).min(lengths[index]);
                shown.show(&event)?;
            }
        }
        Ok(0)
    })
}

pub(super) fn cancel(args: &JobArgs) -> Done {
    terminal::with_engine(async |engine| {
        let job = find(&engine, &args.job)?;
        engine.cancel(job).map_err(Failure::refused)?;
        engine.take_up(job).map_err(Failure::refused)?;
        match tokio::time::timeout(OBEY, engine.ended(job)).await {
            Ok(Ok(job)) => {
                if args.format == Format::Json {
                    print::json(&*job)?;
                } else {
                    print::line(format_args!("{} {}", job.job, job.state))?;
                }
                Ok(0)
            }
            Ok(Err(error)) => Err(Failure::refused(error)),
            Err(_) => Err(Failure::target(format!(
                "{job} has not ended within {} s; the wish to cancel is kept, `hoist jobs` tells when it is obeyed",
                OBEY.as_secs()
            ))),
        }
    })
}

pub(super) fn result(args: &JobArgs) -> Done {
    terminal::with_engine(async |engine| {
        let job = find(&engine, &args.job)?;
        if engine.take_up(job).map_err(Failure::refused)? {
            tokio::time::timeout(CATCH_UP, engine.ended(job)).await.ok();
        }
        let view = engine.job(job).map_err(Failure::refused)?;
        let Some(status) = view.state.exit_status() else {
            print::error(&format!(
                "it has no result yet: {}; `hoist logs --follow {job}` waits for it",
                run::going_on(&view)
            ));
            return Ok(REFUSED);
        };
        match args.format {
            Format::Json => {
                let finished = Event::Finished { job: view };
                print::line(
                    finished
                        .json()
                        .ok_or_else(|| Failure::target("the result is no JSON"))?,
                )?;
            }
            Format::Text => match &view.result {
                Some(result) => print::line(&result.repr)?,
                None => run::outcome(&view, false)?,
            },
        }
        Ok(status.min(TARGET_FAILED))
    })
}
