//! Commands about what a job gave and left.

use std::path::Path;

use hoist_jobs::{Engine, JobId, Kept, missing_bytes};
use serde_json::Value;
use tower_lsp::jsonrpc::Result;
use tower_lsp::ls_types::MessageType;

use super::{Context, job_of, off_the_wire, refusal};
use crate::lsp::requests::code_lens;
use crate::lsp::{ext, follow, shown, to_proto};
use crate::result_text;

/// More is not fetched by a click; the command line does.
const MOST: u64 = 2 << 30;

/// `hoist.showResult`.
pub(super) async fn show_result(context: Context, params: ext::CancelArguments) -> Result<Value> {
    let (job, engine) = (named(&context, &params)?, context.engine.clone());
    let view = off_the_wire(move || engine.job(job)).await?;
    match view {
        Ok(view) if view.state.is_end() => {
            let title = format!("result of {}.txt", view.name);
            let text = result_text::page(&view, &code_lens::ending(&view));
            let profile = &context.snapshot.profile;
            shown::show(&context.client, profile, title, "plaintext", text).await;
            Ok(Value::Null)
        }
        Ok(_) => refused(&context, "This job is not at its end yet.".to_owned()).await,
        Err(error) => refused(&context, error.to_string()).await,
    }
}

/// `hoist.openFiles`: answers at once; what must be fetched, or asked, takes its time.
pub(super) async fn open_files(context: Context, params: ext::OpenFilesArguments) -> Result<Value> {
    let about = ext::CancelArguments {
        job: params.job.clone(),
    };
    let (job, engine) = (named(&context, &about)?, context.engine.clone());
    let all = match off_the_wire(move || engine.kept(job)).await? {
        Ok(all) if all.is_empty() => {
            return refused(&context, "This job left no files.".to_owned()).await;
        }
        Ok(all) => all,
        Err(error) => return refused(&context, error.to_string()).await,
    };
    let unknown = params.paths.iter().find(|path| !knows(&all, path));
    if let Some(path) = unknown {
        return refused(&context, format!("This job left no file {path}.")).await;
    }
    tokio::spawn(async move {
        let paths = match params.paths.is_empty() {
            true => choose(&context, &all).await,
            false => params.paths,
        };
        let is_wanted = |kept: &Kept| paths.iter().any(|path| kept.is_meant_by(path));
        let wanted: Vec<Kept> = all.into_iter().filter(is_wanted).collect();
        if let Err(sentence) = open(&context, job, &wanted).await {
            context.person.tell(MessageType::ERROR, sentence).await;
        }
    });
    Ok(Value::Null)
}

fn knows(all: &[Kept], path: &str) -> bool {
    all.iter().any(|kept| kept.is_meant_by(path))
}

/// Which one the person wants; the only one without a question, and the first where nobody can be asked.
async fn choose(context: &Context, all: &[Kept]) -> Vec<String> {
    let first = all.first().map(|kept| kept.path.clone());
    if all.len() == 1 || !context.person.can_type() {
        return first.into_iter().collect();
    }
    let title = "Open a file that the job left".to_owned();
    let choices = all.iter().map(|kept| kept.path.clone()).collect();
    let chosen = context.person.choice(title, choices, first).await;
    chosen.into_iter().collect()
}

/// Fetches them where they are not here, and opens them.
async fn open(context: &Context, job: JobId, wanted: &[Kept]) -> std::result::Result<(), String> {
    let bytes = missing_bytes(wanted);
    if bytes > MOST {
        return Err(format!(
            "{} are too much for a click; `hoist files {job}` in a terminal fetches them",
            to_proto::size(bytes)
        ));
    }
    let engine: &Engine = &context.engine;
    let here = engine.fetch(job, wanted, &|_| {}).await;
    let here = here.map_err(|error| error.to_string())?;
    for path in here {
        show(context, job, &path).await;
    }
    if let Ok(view) = engine.job(job) {
        // That it is here now.
        context.session.update_job(view.clone());
        let told = to_proto::job(&context.session.snapshot(), &view);
        context
            .client
            .send_notification::<ext::JobChanged>(told)
            .await;
    }
    Ok(())
}

async fn show(context: &Context, job: JobId, path: &Path) {
    let profile = &context.snapshot.profile;
    follow::show_left(&context.client, profile, job, path, true).await;
}

fn named(context: &Context, params: &ext::CancelArguments) -> Result<JobId> {
    let newest = || Some(context.snapshot.jobs.newest()?.job);
    job_of(params.job.as_deref(), newest, "there is no job yet")
}

async fn refused(context: &Context, sentence: String) -> Result<Value> {
    context.person.tell(MessageType::ERROR, &sentence).await;
    Err(refusal(sentence, &ext::RefusedData::default()))
}
