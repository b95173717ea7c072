//! `hoist doctor`: the whole way of a job, step by step, and a real job at its end.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use hoist_analysis::EntrySpec;
use hoist_cluster::{Check, TargetSettings, TimeLimit, probe};
use hoist_jobs::{Config, Engine, EngineOptions, Event, JobView, RunRequest, State};
use hoist_syntax::Document;
use serde::Serialize;

use super::{DoctorArgs, Done, Failure, Format, TARGET_FAILED, print, targets, terminal};

/// What is run: as long as it says, and it answers what only the machine there knows.
const PROGRAMME: &str =
    "import platform, time\n\ndef hello():\n    time.sleep(1)\n    return platform.node()\n";

/// For how long the end of a job is waited for that was waited for long enough.
const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Serialize)]
struct Step<'a> {
    target: &'a str,
    step: &'a str,
    ok: bool,
    found: &'a str,
}

pub(super) fn doctor(args: &DoctorArgs) -> Done {
    let (workspace, config) = targets::config()?;
    let settings = config.target(&args.target).map_err(Failure::refused)?;
    let wait: TimeLimit = args.wait.parse().map_err(|error| {
        Failure::refused(format!("--wait {:?} cannot be used: {error}", args.wait))
    })?;
    let told = |step: &str, found: Result<String, String>| -> Result<bool, Failure> {
        let (ok, found) = match found {
            Ok(found) => (true, found),
            Err(why) => (false, why),
        };
        match args.format {
            Format::Json => print::json(&Step {
                target: &settings.name,
                step,
                ok,
                found: &found,
            })?,
            Format::Text => {
                let mark = if ok { "ok" } else { "no" };
                print::line(format_args!("{mark}  {step:<14} {found}"))?;
            }
        }
        Ok(ok)
    };
    terminal::with_terminal(async |ask| {
        let mut good = true;
        for Check { step, found } in probe(settings, ask.clone()).await {
            good &= told(step, found.map_err(|error| error.to_string()))?;
        }
        if good && !args.no_job {
            let wait = Duration::from_secs(wait.0);
            let found = try_job(&workspace, &config, settings, ask, wait).await;
            good &= told("job", found)?;
        }
        Ok(if good { 0 } else { TARGET_FAILED })
    })?
}

/// Runs a job of a second, in a store of its own that nobody sees, and removes it.
async fn try_job(
    workspace: &std::path::Path,
    config: &Config,
    settings: &TargetSettings,
    ask: Arc<dyn hoist_cluster::Ask>,
    wait: Duration,
) -> Result<String, String> {
    let store =
        tempfile::tempdir().map_err(|error| format!("nothing can be kept here ({error})"))?;
    let engine = Engine::start(EngineOptions {
        store: store.path().to_owned(),
        ask,
    })
    .map_err(|error| error.to_string())?;
    let request = RunRequest {
        target: Some(settings.name.clone()),
        ..RunRequest::new(
            PathBuf::from(workspace).join("hello.py"),
            Document::new(PROGRAMME.to_owned()),
            workspace.to_owned(),
            Arc::new(config.clone()),
            EntrySpec::Name("hello".to_owned()),
        )
    };
    let job = engine.run(&request).map_err(|error| error.to_string())?;
    let mut watch = engine.watch(job, [0; 3]);
    let mut seen: Option<Arc<JobView>> = None;
    let ended = async {
        while let Ok(Some(event)) = watch.next().await {
            match event {
                Event::Finished { job } => return Some(job),
                Event::State { job } => seen = Some(job),
                _ => {}
            }
        }
        None
    };
    let ended = tokio::time::timeout(wait, ended).await;
    let words = match ended {
        Ok(Some(view)) => end_of(&view),
        Ok(None) => Err("what became of it could not be read here".to_owned()),
        Err(_) => {
            engine.cancel(job).map_err(|error| error.to_string())?;
            tokio::time::timeout(PATIENCE, engine.ended(job)).await.ok();
            Err(waited(seen.as_deref(), wait))
        }
    };
    if let Ok(target) = engine.target(settings).await {
        // It goes with the next `hoist jobs clean` on any machine, too.
        target.remove(&job.to_string()).await.ok();
    }
    words
}

fn end_of(view: &JobView) -> Result<String, String> {
    let result = view
        .result
        .as_ref()
        .map(|result| result.repr.trim_matches('\''));
    if view.state == State::Succeeded
        && let Some(host) = result
    {
        let queued = view
            .started
            .unwrap_or(view.created)
            .saturating_sub(view.created);
        let ran = view.wall_seconds.unwrap_or_default();
        let python = view.python.as_deref().unwrap_or("an unknown version");
        #[expect(clippy::cast_precision_loss, reason = "milliseconds for a sentence")]
        let queued = queued as f64 / 1000.0;
        return Ok(format!(
            "ran {ran:.1} s on {host} with Python {python}, {queued:.1} s after it was asked for"
        ));
    }
    let why = view.reason.clone();
    let why = why.or_else(|| {
        view.error
            .as_ref()
            .map(|error| format!("{}: {}", error.kind, error.message))
    });
    Err(format!(
        "a job of one second {} there ({})",
        view.state,
        why.unwrap_or_else(|| "without a reason".to_owned())
    ))
}

fn waited(view: Option<&JobView>, wait: Duration) -> String {
    let state = view.map_or(State::Preparing, |view| view.state);
    let why = view.and_then(|view| view.reason.as_deref().or(view.message.as_deref()));
    let why = why.map(|why| format!(", {why}")).unwrap_or_default();
    format!(
        "a job of one second is {state} after {} s{why}; it was cancelled; wait longer with --wait, or ask for less in the target's resources",
        wait.as_secs()
    )
}
