//! `textDocument/codeLens`: what stands above a function or a cell.

use std::path::Path;

use hoist_analysis::{EntrySpec, Runnable, RunnableKind};
use hoist_jobs::{JobView, State};
use serde_json::json;
use tower_lsp::ls_types::{CodeLens, CodeLensParams, Command};

use crate::lsp::analysis::Source;
use crate::lsp::ext::{self, command};
use crate::lsp::placed::placed;
use crate::lsp::snapshot::Snapshot;
use crate::lsp::to_proto;
use crate::result_text;

/// The lenses of a document, in the order of the lines.
pub(in crate::lsp) fn code_lens(
    snapshot: &Snapshot,
    params: &CodeLensParams,
) -> Option<Vec<CodeLens>> {
    let open = snapshot.document(params.text_document.uri.as_str())?;
    let source = Source::of(snapshot, open)?;
    let default = source
        .config(snapshot)
        .ok()
        .map(|config| config.default_target().name.clone());
    let lenses = placed(snapshot, &source).into_iter().flat_map(|placed| {
        let commands = commands(
            snapshot,
            open.uri.as_str(),
            source.path,
            &placed.runnable,
            default.as_deref(),
        );
        commands.into_iter().map(move |command| CodeLens {
            range: placed.range,
            command: Some(command),
            data: None,
        })
    });
    Some(lenses.collect())
}

fn commands(
    snapshot: &Snapshot,
    uri: &str,
    path: &Path,
    runnable: &Runnable,
    default: Option<&str>,
) -> Vec<Command> {
    let shown = &snapshot.profile.options.lenses;
    let mut commands = Vec::new();
    if shown.run {
        commands.push(run(uri, runnable, default));
    }
    // A cell takes no arguments, and is called otherwise as soon as a line is added above it.
    if runnable.kind == RunnableKind::Cell {
        return commands;
    }
    if shown.run_with {
        commands.push(run_with(uri, runnable));
    }
    let newest = snapshot.jobs.newest_of(path, &runnable.entry.to_string());
    if shown.state {
        commands.extend(newest.map(|job| state(job)));
        commands.extend(newest.and_then(|job| with_more(job)));
    }
    commands
}

/// Goes on with a job from what it kept, or runs one again that had too little memory or time, with twice as much.
pub(in crate::lsp) fn with_more(job: &JobView) -> Option<Command> {
    let words: Vec<String> = job
        .suggests
        .iter()
        .map(|(name, value)| match name.as_str() {
            "memory" => value.clone(),
            _ => format!("{name} {value}"),
        })
        .collect();
    let argument = json!(ext::RerunArguments {
        job: Some(job.job.to_string()),
        resources: job.suggests.clone(),
    });
    let (mut title, name) = match job.goes_on() {
        true => ("Go on from its checkpoint".to_owned(), command::RETRY),
        false => ("Run again".to_owned(), command::RERUN),
    };
    if !words.is_empty() {
        title.push_str(&format!(" with {}", words.join(", ")));
    }
    (job.goes_on() || !words.is_empty())
        .then(|| Command::new(title, name.to_owned(), Some(vec![argument])))
}

/// Asks for the values first.
pub(in crate::lsp) fn run_sweep(uri: &str, runnable: &Runnable) -> Command {
    Command::new(
        "Run over many values...".to_owned(),
        command::RUN_SWEEP.to_owned(),
        Some(vec![argument(uri, &runnable.entry)]),
    )
}

/// Asks for the file of items first.
pub(in crate::lsp) fn run_map(uri: &str, runnable: &Runnable) -> Command {
    Command::new(
        "Run for each item of a file...".to_owned(),
        command::RUN_MAP.to_owned(),
        Some(vec![argument(uri, &runnable.entry)]),
    )
}

/// Runs on the target of the comment above the function, else on the default one.
pub(in crate::lsp) fn run(uri: &str, runnable: &Runnable, default: Option<&str>) -> Command {
    let target = runnable.directives.target.as_deref().or(default);
    let what = match runnable.kind {
        RunnableKind::Cell => "Run cell",
        _ => "Run",
    };
    Command::new(
        on(what, target),
        command::RUN.to_owned(),
        Some(vec![argument(uri, &runnable.entry)]),
    )
}

/// What is done, and where. With a configuration that cannot be read no target can be named; the run then says why.
pub(in crate::lsp) fn on(what: &str, target: Option<&str>) -> String {
    match target {
        Some(target) => format!("{what} on {target}"),
        None => what.to_owned(),
    }
}

/// Asks for the arguments first.
pub(in crate::lsp) fn run_with(uri: &str, runnable: &Runnable) -> Command {
    Command::new(
        "Run with arguments...".to_owned(),
        command::RUN_WITH.to_owned(),
        Some(vec![argument(uri, &runnable.entry)]),
    )
}

/// What the commands about an entry are told.
pub(in crate::lsp) fn argument(uri: &str, entry: &EntrySpec) -> serde_json::Value {
    json!({ "uri": uri, "entry": entry.to_string() })
}

/// The state of a job: one that goes on can be cancelled, one at its end shows what it printed.
pub(in crate::lsp) fn state(job: &JobView) -> Command {
    let argument = Some(vec![json!(ext::CancelArguments {
        job: Some(job.job.to_string())
    })]);
    if job.state.is_end() {
        let name = command::SHOW_OUTPUT.to_owned();
        Command::new(ending(job), name, argument)
    } else {
        let title = format!("{} on {} - cancel", job.state, job.target);
        Command::new(title, command::CANCEL.to_owned(), argument)
    }
}

/// How a job ended, in a few words.
pub(in crate::lsp) fn ending(job: &JobView) -> String {
    match (job.state, &job.error) {
        (State::Succeeded, _) => {
            let time = job.wall_seconds.map(to_proto::duration);
            // Only beside what was asked for the memory says something.
            let memory = job
                .memory_asked_bytes
                .and_then(|_| result_text::memory(job));
            let words: Vec<String> = time.into_iter().chain(memory).collect();
            format!("ok {}", words.join(", ")).trim_end().to_owned()
        }
        (State::Failed, Some(error)) => format!("failed: {}", error.kind),
        (State::TimedOut, _) => "timed out".to_owned(),
        (state, _) => state.to_string(),
    }
}
