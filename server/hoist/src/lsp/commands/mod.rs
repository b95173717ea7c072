//! `workspace/executeCommand`: every command answers at once; what takes time is a task of its own.

mod connect;
mod jobs;
mod map;
mod package;
mod results;
mod run;
mod sweep;

use std::sync::Arc;

use hoist_jobs::{Engine, JobId};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tower_lsp::Client;
use tower_lsp::jsonrpc::{Error, ErrorCode, Result};
use tower_lsp::ls_types::ExecuteCommandParams;

use super::ask::Person;
use super::ext::{self, command};
use super::session::Session;
use super::snapshot::Snapshot;

/// What every command works with.
#[derive(Clone)]
struct Context {
    client: Client,
    session: Arc<Session>,
    engine: Engine,
    person: Person,
    /// As it was when the command was read from the wire.
    snapshot: Snapshot,
}

/// Executes a command.
///
/// # Errors
/// The sentence for the user, which has been shown already where it is a refusal.
pub(super) async fn execute(
    client: &Client,
    session: &Arc<Session>,
    params: ExecuteCommandParams,
) -> Result<Value> {
    let engine = session.engine.get().ok_or_else(no_engine)?.clone();
    let context = Context {
        person: Person::new(client.clone(), session.clone()),
        client: client.clone(),
        session: session.clone(),
        engine,
        snapshot: Snapshot::current()?,
    };
    // A task of its own: when the client cancels the request, what has begun is still finished.
    tokio::spawn(dispatch(context, params))
        .await
        .map_err(|_| Error::internal_error())?
}

async fn dispatch(context: Context, params: ExecuteCommandParams) -> Result<Value> {
    let name = params.command;
    let argument = params.arguments.into_iter().next();
    match name.as_str() {
        command::RUN => run::run(context, read(&name, argument)?).await,
        command::RUN_WITH => run::run_with(context, read(&name, argument)?).await,
        command::RUN_ON => run::run_on(context, read(&name, argument)?).await,
        command::RERUN => run::rerun(context, read_or_default(&name, argument)?).await,
        command::RETRY => run::retry(context, read_or_default(&name, argument)?).await,
        command::RUN_SWEEP => sweep::run(context, read(&name, argument)?).await,
        command::RUN_MAP => map::run(context, read(&name, argument)?).await,
        command::SHOW_SWEEP => sweep::show(context, read(&name, argument)?).await,
        command::CANCEL => jobs::cancel(context, read_or_default(&name, argument)?).await,
        command::SHOW_OUTPUT => jobs::show_output(context, read_or_default(&name, argument)?).await,
        command::SHOW_RESULT => {
            results::show_result(context, read_or_default(&name, argument)?).await
        }
        command::OPEN_FILES => {
            results::open_files(context, read_or_default(&name, argument)?).await
        }
        command::CONNECT => connect::connect(context, read_or_default(&name, argument)?).await,
        command::SHOW_PACKAGE => package::show_package(context, read(&name, argument)?).await,
        command::SHOW_SCRIPT => package::show_script(context, read(&name, argument)?).await,
        _ => Err(Error::invalid_params(format!(
            "there is no command {name:?}; there are {}",
            command::ALL.join(", ")
        ))),
    }
}

fn read<T: DeserializeOwned>(name: &str, argument: Option<Value>) -> Result<T> {
    serde_json::from_value(argument.unwrap_or_default())
        .map_err(|error| Error::invalid_params(format!("{name} cannot use its argument: {error}")))
}

fn read_or_default<T: DeserializeOwned + Default>(
    name: &str,
    argument: Option<Value>,
) -> Result<T> {
    match argument {
        None | Some(Value::Null) => Ok(T::default()),
        some => read(name, some),
    }
}

fn no_engine() -> Error {
    refusal(
        "the folder of the jobs could not be opened when the server started, so nothing can run; the message of then says why",
        &ext::RefusedData::default(),
    )
}

/// A refusal as an error of the protocol.
fn refusal(sentence: impl Into<String>, data: &ext::RefusedData) -> Error {
    Error {
        code: ErrorCode::ServerError(ext::REFUSED),
        message: sentence.into().into(),
        data: Some(json!(data)),
    }
}

/// The job that is meant: the one named, else what `default` finds.
fn job_of(
    named: Option<&str>,
    default: impl FnOnce() -> Option<JobId>,
    none: &str,
) -> Result<JobId> {
    let refused = |sentence: String| refusal(sentence, &ext::RefusedData::default());
    match named {
        Some(name) => name
            .parse()
            .map_err(|error: hoist_jobs::NotAJobId| refused(error.to_string())),
        None => default().ok_or_else(|| refused(none.to_owned())),
    }
}

/// Does what reads or writes files on a thread for that.
async fn off_the_wire<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| Error::internal_error())
}
