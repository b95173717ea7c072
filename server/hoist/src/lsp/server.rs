//! Routes requests to their functions, away from the task that reads.

use std::sync::Arc;

use hoist_jobs::{Engine, EngineOptions, default_store};
use serde_json::{Value, json};
use tower_lsp::jsonrpc::{Error, ErrorCode, Result};
use tower_lsp::ls_types::{
    CodeActionParams, CodeActionResponse, CodeLens, CodeLensParams, CompletionParams,
    CompletionResponse, DidChangeWatchedFilesRegistrationOptions, ExecuteCommandParams,
    FileSystemWatcher, GlobPattern, Hover, HoverParams, InitializeParams, InitializeResult,
    InitializedParams, InlayHint, InlayHintParams, MessageType, Registration,
};
use tower_lsp::{Client, LanguageServer};

use super::ask::Person;
use super::follow::{Origin, follow};
use super::session::Session;
use super::snapshot::Snapshot;
use super::{commands, diagnostics, ext, reconnect, requests, to_proto, unlearnt};

/// What the framework calls.
pub(super) struct Backend {
    client: Client,
    session: Arc<Session>,
}

impl Backend {
    /// The backend of one session.
    pub(super) fn new(client: Client, session: Arc<Session>) -> Self {
        Self { client, session }
    }

    /// `hoist/text`.
    pub(super) async fn text(&self, params: ext::TextParams) -> Result<Option<ext::Text>> {
        let snapshot = Snapshot::current()?;
        Ok(requests::text::text(&snapshot, &params))
    }

    /// `hoist/jobs`.
    pub(super) async fn jobs(&self, _: ext::NoParams) -> Result<Vec<ext::Job>> {
        let engine = self.engine()?;
        let session = self.session.clone();
        compute(move |snapshot| {
            let views = engine.jobs().map_err(|error| failed(&error))?;
            session.know_jobs(views.clone());
            Ok(views
                .iter()
                .map(|view| to_proto::job(snapshot, view))
                .collect())
        })
        .await?
    }

    /// `hoist/output`.
    pub(super) async fn output(&self, params: ext::OutputParams) -> Result<ext::OutputAnswer> {
        let engine = self.engine()?;
        let answer = compute(move |_| requests::output::output(&engine, &params));
        answer.await?.map_err(|error| failed(&error))
    }

    /// `hoist/targets`.
    pub(super) async fn targets(&self, params: ext::TargetsParams) -> Result<Vec<ext::Target>> {
        let answer = compute(move |snapshot| requests::targets::targets(snapshot, &params));
        answer.await?.map_err(|error| failed(&error))
    }

    fn engine(&self) -> Result<Engine> {
        self.session
            .engine
            .get()
            .cloned()
            .ok_or_else(Error::internal_error)
    }

    /// Opens the store and goes on with the jobs that earlier sessions left.
    async fn start_engine(&self) {
        let ask = Arc::new(Person::new(self.client.clone(), self.session.clone()));
        let store = default_store();
        let engine = match Engine::start(EngineOptions { store, ask }) {
            Ok(engine) => engine,
            Err(error) => {
                let sentence = format!("Hoist cannot run anything: {error}");
                self.client.show_message(MessageType::ERROR, sentence).await;
                return;
            }
        };
        let engine = self.session.engine.get_or_init(|| engine).clone();
        let person = Person::new(self.client.clone(), self.session.clone());
        tokio::spawn(reconnect::offer(engine.clone(), person));
        tokio::spawn(unlearnt::log(engine.clone(), self.client.clone()));
        let (session, mut seen) = (self.session.clone(), engine.seen());
        tokio::spawn(async move {
            while seen.changed().await.is_ok() {
                session.files_seen();
            }
        });
        let (client, session) = (self.client.clone(), self.session.clone());
        tokio::spawn(async move {
            let (views, going_on) = {
                let engine = engine.clone();
                let read = move || {
                    let views = engine.jobs().unwrap_or_default();
                    let going_on: Vec<_> = views
                        .iter()
                        .filter(|view| !view.state.is_end())
                        .map(|view| view.job)
                        .collect();
                    // What another process drives is only read along.
                    let _ = engine.take_up_all();
                    (views, going_on)
                };
                tokio::task::spawn_blocking(read).await.unwrap_or_default()
            };
            session.know_jobs(views);
            for job in going_on {
                let (client, session, engine) = (client.clone(), session.clone(), engine.clone());
                tokio::spawn(follow(client, session, engine, job, Origin::Earlier));
            }
            if session.snapshot().profile.refresh_lenses {
                // A client that does not answer keeps only this task.
                let _ = client.code_lens_refresh().await;
            }
        });
    }

    /// Asks to be told when files change that findings or runs depend on.
    fn watch_files(&self) {
        if !self.session.snapshot().profile.watches_files {
            return;
        }
        let watch = |glob: &str| FileSystemWatcher {
            glob_pattern: GlobPattern::String(glob.to_owned()),
            kind: None,
        };
        let options = DidChangeWatchedFilesRegistrationOptions {
            watchers: vec![
                watch("**/*.py"),
                watch("**/hoist.toml"),
                watch("**/pyproject.toml"),
                watch("**/requirements*.txt"),
                watch("**/pyvenv.cfg"),
            ],
        };
        let registration = Registration {
            id: "hoist-files".to_owned(),
            method: "workspace/didChangeWatchedFiles".to_owned(),
            register_options: Some(json!(options)),
        };
        let client = self.client.clone();
        // Without it the configuration is still read at every run.
        tokio::spawn(async move { client.register_capability(vec![registration]).await });
    }
}

/// Computes on a thread for that, so that reading goes on; a panic there is this request's error and nobody else's.
async fn compute<T: Send + 'static>(
    work: impl FnOnce(&Snapshot) -> T + Send + 'static,
) -> Result<T> {
    let snapshot = Snapshot::current()?;
    tokio::task::spawn_blocking(move || work(&snapshot))
        .await
        .map_err(|_| Error::internal_error())
}

fn failed(error: &impl ToString) -> Error {
    Error {
        code: ErrorCode::ServerError(ext::REFUSED),
        message: error.to_string().into(),
        data: None,
    }
}

impl LanguageServer for Backend {
    async fn initialize(&self, _: InitializeParams) -> Result<InitializeResult> {
        // The ingress has read the parameters already.
        Ok(Snapshot::current()?.profile.answer())
    }

    async fn initialized(&self, _: InitializedParams) {
        self.start_engine().await;
        self.watch_files();
        if let Err(error) = diagnostics::push(self.session.clone()) {
            let sentence = format!("Hoist cannot tell what it finds: {error}");
            self.client.show_message(MessageType::ERROR, sentence).await;
        }
    }

    async fn shutdown(&self) -> Result<()> {
        Ok(())
    }

    async fn code_lens(&self, params: CodeLensParams) -> Result<Option<Vec<CodeLens>>> {
        compute(move |snapshot| requests::code_lens::code_lens(snapshot, &params)).await
    }

    async fn code_action(&self, params: CodeActionParams) -> Result<Option<CodeActionResponse>> {
        let engine = self.session.engine.get().cloned();
        compute(move |snapshot| {
            requests::code_action::code_action(snapshot, engine.as_ref(), &params)
        })
        .await
    }

    async fn completion(&self, params: CompletionParams) -> Result<Option<CompletionResponse>> {
        let (wanted, ordinary) = compute(move |snapshot| {
            let wanted = requests::remote_completion::wanted(snapshot, &params);
            (wanted, requests::completion::completion(snapshot, &params))
        })
        .await?;
        match (wanted, self.session.engine.get()) {
            (Some(wanted), Some(engine)) => Ok(Some(
                requests::remote_completion::answer(engine, &wanted).await,
            )),
            _ => Ok(ordinary),
        }
    }

    async fn hover(&self, params: HoverParams) -> Result<Option<Hover>> {
        let engine = self.session.engine.get().cloned();
        let (known, asked) = (engine.clone(), params.clone());
        let (found, wanted) = compute(move |snapshot| {
            let found = requests::hover::hover(snapshot, known.as_ref(), &asked)
                .or_else(|| requests::import_hover::hover(snapshot, &asked));
            let wanted = || requests::remote_hover::wanted(snapshot, &asked);
            let wanted = if found.is_none() { wanted() } else { None };
            (found, wanted)
        })
        .await?;
        let (Some(wanted), Some(engine)) = (wanted, engine) else {
            return Ok(found);
        };
        let snapshot = Snapshot::current()?;
        Ok(requests::remote_hover::answer(&engine, &snapshot, &params, &wanted).await)
    }

    async fn inlay_hint(&self, params: InlayHintParams) -> Result<Option<Vec<InlayHint>>> {
        compute(move |snapshot| requests::inlay_hint::inlay_hint(snapshot, &params)).await
    }

    async fn execute_command(&self, params: ExecuteCommandParams) -> Result<Option<Value>> {
        let answer = commands::execute(&self.client, &self.session, params).await?;
        Ok(Some(answer))
    }
}
