//! Commands that run something.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hoist_analysis::{EntrySpec, Runnable};
use hoist_jobs::{Config, Engine, JobId, Plan, RunError, RunRequest, plan};
use hoist_syntax::Document;
use serde_json::{Value, json};
use tower_lsp::jsonrpc::{Error, Result};
use tower_lsp::ls_types::{MessageType, Uri};

use super::{Context, job_of, off_the_wire, refusal};
use crate::lsp::analysis::{Overlay, Source, config, workspace};
use crate::lsp::documents::Open;
use crate::lsp::ext::{self, RefusedData, RunArguments};
use crate::lsp::follow::{Origin, follow};
use crate::lsp::from_proto;

const ANYWAY: &str = "Run anyway";

/// What is to be run, of all commands.
#[derive(Debug, Clone, Default)]
pub(super) struct Wish {
    pub(super) uri: String,
    pub(super) entry: String,
    pub(super) target: Option<String>,
    pub(super) args: Option<String>,
    pub(super) resources: BTreeMap<String, String>,
    pub(super) force: bool,
    pub(super) after: Vec<String>,
}

impl From<RunArguments> for Wish {
    fn from(arguments: RunArguments) -> Self {
        Self {
            uri: arguments.uri,
            entry: arguments.entry,
            target: arguments.target,
            args: arguments.args,
            resources: arguments.resources,
            force: arguments.force,
            after: arguments.after,
        }
    }
}

/// Why nothing was run: a sentence, and what programmes want to know of it.
pub(super) struct Refused {
    pub(super) sentence: String,
    data: RefusedData,
}

impl From<String> for Refused {
    fn from(sentence: String) -> Self {
        Self {
            sentence,
            data: RefusedData::default(),
        }
    }
}

impl From<RunError> for Refused {
    fn from(error: RunError) -> Self {
        Self {
            sentence: error.to_string(),
            data: RefusedData {
                code: error.code().map(|code| code.to_string()),
                line: error.line().map(|line| line.saturating_sub(1)),
                forcible: error.can_force(),
            },
        }
    }
}

impl Refused {
    /// The same with a place before the sentence.
    pub(super) fn at(mut self, place: &str) -> Self {
        self.sentence = format!("{place}: {}", self.sentence);
        self
    }

    /// The command's error.
    pub(super) fn error(&self) -> Error {
        refusal(self.sentence.clone(), &self.data)
    }

    /// Shows the sentence, with a button that runs `wish` in spite of it where that is possible, and makes the command's error
    /// of it. The answer to the button is awaited in a task.
    pub(super) fn tell(self, context: &Context, wish: Option<Wish>) -> Error {
        let error = self.error();
        let context = context.clone();
        let wish = wish.filter(|_| self.data.forcible);
        tokio::spawn(async move {
            let Some(wish) = wish else {
                context.person.tell(MessageType::ERROR, self.sentence).await;
                return;
            };
            let buttons = [ANYWAY.to_owned()];
            let answer = context
                .person
                .button(MessageType::ERROR, self.sentence, &buttons)
                .await;
            if answer.as_deref() == Some(ANYWAY) {
                let wish = Wish {
                    force: true,
                    ..wish
                };
                // Boxed, because a refusal of the second run could lead here again.
                let again: futures::future::BoxFuture<'_, _> = Box::pin(start(&context, &wish));
                if let Err(refused) = again.await {
                    context
                        .person
                        .tell(MessageType::ERROR, refused.sentence)
                        .await;
                }
            }
        });
        error
    }
}

/// `hoist.run`. A function that must be given arguments, without any, is asked for them.
pub(super) async fn run(context: Context, arguments: RunArguments) -> Result<Value> {
    let wish = Wish::from(arguments);
    if wish.args.is_none() && !wish.force && context.person.can_type() {
        let function = function(&context, &wish).await?;
        let needs = function.is_some_and(|function| {
            !function.required.is_empty() && function.directives.args.is_none()
        });
        if needs {
            tokio::spawn(ask_and_run(context, wish));
            return Ok(started(None));
        }
    }
    start_or_tell(context, wish).await
}

/// `hoist.runWith`.
pub(super) async fn run_with(context: Context, arguments: RunArguments) -> Result<Value> {
    let wish = Wish::from(arguments);
    tokio::spawn(ask_and_run(context, wish));
    Ok(started(None))
}

/// `hoist.runOn`.
pub(super) async fn run_on(context: Context, arguments: RunArguments) -> Result<Value> {
    let wish = Wish::from(arguments);
    let config = match config_of(&context, &wish).await {
        Ok(config) => config,
        Err(refused) => return Err(refused.tell(&context, None)),
    };
    let default = config.default_target().name.clone();
    let names: Vec<String> = config.targets().map(|target| target.name.clone()).collect();
    tokio::spawn(async move {
        let title = format!("Run {} on", wish.entry);
        let default = wish.target.clone().unwrap_or(default);
        let choice = context.person.choice(title, names, Some(default)).await;
        if choice.is_some() {
            let wish = Wish {
                target: choice,
                ..wish
            };
            // An error was shown already.
            let _ = start_or_tell(context, wish).await;
        }
    });
    Ok(started(None))
}

/// `hoist.rerun`.
pub(super) async fn rerun(context: Context, params: ext::RerunArguments) -> Result<Value> {
    let newest = || Some(context.snapshot.jobs.newest()?.job);
    let job = job_of(
        params.job.as_deref(),
        newest,
        "there is no job to run again",
    )?;
    let engine = context.engine.clone();
    let view = off_the_wire(move || engine.job(job))
        .await?
        .map_err(|error| refusal(error.to_string(), &RefusedData::default()))?;
    let uri = context.snapshot.uri_of(&view.path);
    let wish = Wish {
        uri: uri.map_or_else(String::new, |uri| uri.as_str().to_owned()),
        entry: view.entry.clone(),
        target: Some(view.target.clone()),
        args: view.args.clone(),
        resources: params.resources,
        ..Wish::default()
    };
    start_or_tell(context, wish).await
}

/// `hoist.retry`.
pub(super) async fn retry(context: Context, params: ext::RerunArguments) -> Result<Value> {
    let newest = || Some(context.snapshot.jobs.newest()?.job);
    let old = job_of(
        params.job.as_deref(),
        newest,
        "there is no job to run again",
    )?;
    let engine = context.engine.clone();
    let needed = off_the_wire(move || engine.data_of(old)).await?;
    // Most often all of it is there still. What stands in the way of a retry is told by that itself.
    if let Ok((settings, data)) = needed
        && Engine::may_ask(&settings, &data)
    {
        tokio::spawn(async move {
            let again = match context.engine.agree(&settings, &data).await {
                Ok(()) => again(&context, old, params.resources).await.map(drop),
                Err(error) => Err(Refused::from(error)),
            };
            if let Err(refused) = again {
                // Nobody hears of the error but by this sentence.
                let _ = refused.tell(&context, None);
            }
        });
        return Ok(started(None));
    }
    match again(&context, old, params.resources).await {
        Ok(job) => Ok(started(Some(job))),
        Err(refused) => Err(refused.tell(&context, None)),
    }
}

/// Runs a job once more as it was, and follows it.
async fn again(
    context: &Context,
    old: JobId,
    resources: BTreeMap<String, String>,
) -> std::result::Result<JobId, Refused> {
    let engine = context.engine.clone();
    let began = off_the_wire(move || {
        let name = engine.again(old, &resources)?;
        Ok::<_, RunError>((engine.job(old)?, name))
    });
    let (old, job) = match began.await {
        Ok(began) => began?,
        Err(error) => return Err(Refused::from(error.to_string())),
    };
    follow_from_here(context, job, &old.path, &old.entry);
    Ok(job)
}

fn started(job: Option<JobId>) -> Value {
    json!(ext::RunStarted {
        job: job.map(|job| job.to_string()),
    })
}

async fn start_or_tell(context: Context, wish: Wish) -> Result<Value> {
    match start(&context, &wish).await {
        Ok(job) => Ok(started(job)),
        Err(refused) => Err(refused.tell(&context, Some(wish))),
    }
}

/// Asks for the arguments, then runs.
async fn ask_and_run(context: Context, wish: Wish) {
    let function = match function(&context, &wish).await {
        Ok(function) => function,
        Err(_) => return,
    };
    if !context.person.can_type() {
        let example = match function.as_ref().map(|function| &function.parameters) {
            Some(parameters) if !parameters.is_empty() => parameters.join(", "),
            _ => "lr=0.1".to_owned(),
        };
        let sentence = format!(
            "This editor cannot be asked for arguments: write them into a comment above {}, as `# hoist: args({example})`, \
             and choose Run.",
            wish.entry
        );
        context.person.tell(MessageType::INFO, sentence).await;
        return;
    }
    let title = match &function {
        Some(function) => format!(
            "Arguments of {}({})",
            wish.entry,
            function.parameters.join(", ")
        ),
        None => format!("Arguments of {}", wish.entry),
    };
    let detail = "Python source, as between the parentheses of a call".to_owned();
    let above = function.and_then(|function| function.directives.args);
    let default = wish
        .args
        .clone()
        .or_else(|| last(&context, &wish))
        .or(above);
    if let Some(args) = context.person.text(title, Some(detail), default).await {
        let wish = Wish {
            args: Some(args),
            ..wish
        };
        // An error was shown already.
        let _ = start_or_tell(context, wish).await;
    }
}

/// The arguments that the function was given last.
fn last(context: &Context, wish: &Wish) -> Option<String> {
    let path = from_proto::path(&wish.uri.parse::<Uri>().ok()?)?;
    let job = context.snapshot.jobs.newest_of(&path, &wish.entry)?;
    job.args.clone()
}

/// What is known of the function that is to be run.
pub(super) async fn function(context: &Context, wish: &Wish) -> Result<Option<Runnable>> {
    let (snapshot, wish) = (context.snapshot.clone(), wish.clone());
    off_the_wire(move || {
        let open = snapshot.document(&wish.uri)?;
        let source = Source::of(&snapshot, open)?;
        let runnables = source.runnables();
        let mut found = runnables
            .iter()
            .filter(|runnable| runnable.entry.to_string() == wish.entry);
        found.next().cloned()
    })
    .await
}

async fn config_of(context: &Context, wish: &Wish) -> std::result::Result<Arc<Config>, Refused> {
    Ok(request(context, wish).await?.config)
}

/// Everything that the engine wants to know, of the text as it was when the command was read.
pub(super) async fn request(
    context: &Context,
    wish: &Wish,
) -> std::result::Result<RunRequest, Refused> {
    let (snapshot, wish) = (context.snapshot.clone(), wish.clone());
    let made = off_the_wire(move || {
        let (path, document) = text(snapshot.document(&wish.uri), &wish.uri)?;
        let workspace = workspace(&snapshot, &path);
        let config = config(&snapshot, Some(&workspace))?;
        let Ok(entry) = wish.entry.parse::<EntrySpec>();
        let after: std::result::Result<Vec<JobId>, _> =
            wish.after.iter().map(|name| name.parse()).collect();
        let after = after.map_err(|error: hoist_jobs::NotAJobId| error.to_string())?;
        Ok(RunRequest {
            files: Arc::new(Overlay::of(&snapshot)),
            environments: snapshot.environments.clone(),
            args: wish.args,
            target: wish.target,
            resources: wish.resources,
            force: wish.force,
            after,
            ..RunRequest::new(path, document, workspace, Arc::new(config), entry)
        })
    });
    match made.await {
        Ok(made) => made,
        Err(error) => Err(Refused::from(error.to_string())),
    }
}

/// The file and the text: of the editor when it is open there, else from the disk.
fn text(open: Option<&Arc<Open>>, uri: &str) -> std::result::Result<(PathBuf, Document), Refused> {
    let path = match open {
        Some(open) => open.path.clone(),
        None => uri
            .parse::<Uri>()
            .ok()
            .and_then(|uri| from_proto::path(&uri)),
    };
    let Some(path) = path else {
        let sentence =
            "This document is in no file of this machine: save it as a .py file, then run it"
                .to_owned();
        return Err(sentence.into());
    };
    if let Some(open) = open {
        return Ok((path, open.document.clone()));
    }
    match std::fs::read(&path).map(String::from_utf8) {
        Ok(Ok(text)) => Ok((path, Document::new(text))),
        Ok(Err(_)) => Err(format!(
            "{} is not UTF-8, open it in the editor to run it",
            path.display()
        )
        .into()),
        Err(error) => Err(format!("{} cannot be read: {error}", path.display()).into()),
    }
}

/// Runs, and follows the job in a task of its own. Where the person must first agree to data being sent, that is asked in a task, too,
/// and there is no job yet.
async fn start(context: &Context, wish: &Wish) -> std::result::Result<Option<JobId>, Refused> {
    let request = request(context, wish).await?;
    let request = Arc::new(request);
    let planned = {
        let request = request.clone();
        off_the_wire(move || plan(&request)).await
    };
    let plan = match planned {
        Ok(plan) => plan?,
        Err(error) => return Err(Refused::from(error.to_string())),
    };
    let data = plan.data();
    if !Engine::may_ask(&plan.settings, &data) {
        return Ok(Some(begin(context, request, plan).await?));
    }
    let context = context.clone();
    tokio::spawn(async move {
        let agreed = context.engine.agree(&plan.settings, &data).await;
        let began = match agreed {
            Ok(()) => begin(&context, request, plan).await.map(drop),
            Err(error) => Err(Refused::from(error)),
        };
        if let Err(refused) = began {
            // Nobody hears of the error but by this sentence.
            let _ = refused.tell(&context, None);
        }
    });
    Ok(None)
}

async fn begin(
    context: &Context,
    request: Arc<RunRequest>,
    plan: Plan,
) -> std::result::Result<JobId, Refused> {
    let (path, entry) = (request.path.clone(), request.entry.to_string());
    let engine = context.engine.clone();
    let ran = off_the_wire(move || engine.start_plan(&request, plan)).await;
    let job = match ran {
        Ok(ran) => ran?,
        Err(error) => return Err(Refused::from(error.to_string())),
    };
    follow_from_here(context, job, &path, &entry);
    Ok(job)
}

/// Follows a job of this session in a task of its own.
fn follow_from_here(context: &Context, job: JobId, path: &Path, entry: &str) {
    let documents = context.snapshot.documents.clone();
    context.session.began(job, path, entry, documents);
    tokio::spawn(follow(
        context.client.clone(),
        context.session.clone(),
        context.engine.clone(),
        job,
        Origin::Here,
    ));
}
