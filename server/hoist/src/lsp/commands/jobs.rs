//! Commands about jobs that are there already.

use hoist_jobs::Stream;
use serde_json::Value;
use tower_lsp::jsonrpc::Result;
use tower_lsp::ls_types::MessageType;

use super::{Context, job_of, off_the_wire, refusal};
use crate::lsp::{ext, follow};

/// `hoist.cancel`.
pub(super) async fn cancel(context: Context, params: ext::CancelArguments) -> Result<Value> {
    let newest = || Some(context.snapshot.jobs.newest_going_on()?.job);
    let job = job_of(params.job.as_deref(), newest, "no job is going on")?;
    let engine = context.engine.clone();
    let done = off_the_wire(move || engine.cancel(job)).await?;
    match done {
        Ok(()) => Ok(Value::Null),
        Err(error) => {
            let sentence = format!("{job} cannot be cancelled: {error}");
            context.person.tell(MessageType::ERROR, &sentence).await;
            Err(refusal(sentence, &ext::RefusedData::default()))
        }
    }
}

/// `hoist.showOutput`.
pub(super) async fn show_output(
    context: Context,
    params: ext::ShowOutputArguments,
) -> Result<Value> {
    let newest = || Some(context.snapshot.jobs.newest()?.job);
    let job = job_of(params.job.as_deref(), newest, "there is no job yet")?;
    let profile = &context.snapshot.profile;
    if profile.announced.output {
        let shown = ext::ShowOutput {
            job: job.to_string(),
        };
        context
            .client
            .send_notification::<ext::ShowOutputs>(shown)
            .await;
        return Ok(Value::Null);
    }
    let engine = context.engine.clone();
    let log = off_the_wire(move || {
        let length = |stream| engine.output_length(job, stream);
        let stream = match params.stream {
            Some(ext::Stream::Stdout) => Stream::Stdout,
            Some(ext::Stream::Stderr) => Stream::Stderr,
            None if length(Stream::Stdout) == 0 && length(Stream::Stderr) > 0 => Stream::Stderr,
            None => Stream::Stdout,
        };
        (length(stream) > 0).then(|| engine.log_path(job, stream))
    })
    .await?;
    match log {
        None => {
            let sentence = "This job has printed nothing so far.";
            context.person.tell(MessageType::INFO, sentence).await;
        }
        Some(path) if profile.show_document => {
            follow::show_file(&context.client, &path, true).await;
        }
        Some(path) => {
            let sentence = format!("The output of this job is in {}", path.display());
            context.person.tell(MessageType::INFO, sentence).await;
        }
    }
    Ok(Value::Null)
}
