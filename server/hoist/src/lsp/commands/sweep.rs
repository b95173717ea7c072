//! Commands about sweeps: many jobs of one function.

use std::sync::Arc;

use hoist_analysis::sweep::{Tasks, grid};
use hoist_jobs::{Engine, JobId, Plan, RunRequest, State};
use serde_json::{Value, json};
use tower_lsp::jsonrpc::Result;
use tower_lsp::ls_types::MessageType;

use super::run::{Refused, Wish, function, request};
use super::{Context, off_the_wire, refusal};
use crate::lsp::ext::{self, RefusedData};
use crate::lsp::follow::{Origin, follow, show_file};
use crate::lsp::shown;
use crate::table::{Table, counted};
use crate::tasks::plan_of;

const SHOW: &str = "Show the table";

/// `hoist.runSweep`. Without values the person is asked for them.
pub(super) async fn run(context: Context, arguments: ext::SweepArguments) -> Result<Value> {
    let at_once = arguments.at_once;
    let wish = Wish::from(arguments.run);
    match arguments.values {
        Some(values) => match start(&context, &wish, &values, at_once).await {
            Ok(sweep) => Ok(started(sweep)),
            Err(refused) => Err(refused.tell(&context, None)),
        },
        None => {
            tokio::spawn(ask_and_run(context, wish, at_once));
            Ok(started(None))
        }
    }
}

pub(super) fn started(sweep: Option<JobId>) -> Value {
    json!(ext::SweepStarted {
        sweep: sweep.map(|sweep| sweep.to_string()),
    })
}

async fn ask_and_run(context: Context, wish: Wish, at_once: Option<u32>) {
    if !context.person.can_type() {
        let sentence = format!(
            "This editor cannot be asked for values: run the sweep from a terminal, as in \
             `hoist run FILE::{} --sweep 'lr=[0.1, 0.01]'`.",
            wish.entry
        );
        context.person.tell(MessageType::INFO, sentence).await;
        return;
    }
    let parameters = match function(&context, &wish).await {
        Ok(function) => function.map(|function| function.parameters),
        Err(_) => return,
    };
    let parameters = parameters.unwrap_or_default().join(", ");
    let title = format!("Values to run {}({parameters}) over", wish.entry);
    let detail = "One run for every combination, as in lr=[0.1, 0.01], seed=range(10)".to_owned();
    if let Some(values) = context.person.text(title, Some(detail), None).await
        && let Err(refused) = start(&context, &wish, &values, at_once).await
    {
        // Nobody hears of the error but by this sentence.
        let _ = refused.tell(&context, None);
    }
}

/// Starts every combination of the values.
async fn start(
    context: &Context,
    wish: &Wish,
    values: &str,
    at_once: Option<u32>,
) -> std::result::Result<Option<JobId>, Refused> {
    let tasks =
        grid(wish.args.as_deref(), values).map_err(|error| Refused::from(error.to_string()))?;
    let many = Many { tasks, at_once };
    let ready = many.ready(context, wish).await;
    ready.map_err(|(refused, _)| refused)?.start(context).await
}

/// Many tasks of one function.
pub(super) struct Many {
    pub(super) tasks: Tasks,
    /// How many may run at the same time.
    pub(super) at_once: Option<u32>,
}

/// The same, found good.
pub(super) struct Ready {
    many: Many,
    request: Arc<RunRequest>,
    plan: Plan,
}

impl Many {
    /// Makes the package that all have.
    ///
    /// # Errors
    /// With the number of the first task that cannot run, from 0, where it is about one.
    pub(super) async fn ready(
        self,
        context: &Context,
        wish: &Wish,
    ) -> std::result::Result<Ready, (Refused, Option<usize>)> {
        let mut request = request(context, wish)
            .await
            .map_err(|error| (error, None))?;
        let planned = off_the_wire(move || {
            let plan = plan_of(&mut request, &self.tasks)
                .map_err(|unfit| (Refused::from(unfit.error), unfit.task))?;
            Ok(Ready {
                many: self,
                request: Arc::new(request),
                plan,
            })
        });
        match planned.await {
            Ok(ready) => ready,
            Err(error) => Err((Refused::from(error.to_string()), None)),
        }
    }
}

impl Ready {
    /// Where they are to run.
    pub(super) fn target(&self) -> &str {
        &self.plan.settings.name
    }

    /// Starts the tasks. Where the person must first agree to data being sent, that is asked in a task, and there is no sweep yet.
    pub(super) async fn start(
        self,
        context: &Context,
    ) -> std::result::Result<Option<JobId>, Refused> {
        let data = self.plan.data();
        if !Engine::may_ask(&self.plan.settings, &data) {
            return Ok(Some(begin(context, self).await?));
        }
        let context = context.clone();
        tokio::spawn(async move {
            let agreed = context.engine.agree(&self.plan.settings, &data).await;
            let began = match agreed {
                Ok(()) => begin(&context, self).await.map(drop),
                Err(error) => Err(Refused::from(error)),
            };
            if let Err(refused) = began {
                // Nobody hears of the error but by this sentence.
                let _ = refused.tell(&context, None);
            }
        });
        Ok(None)
    }
}

/// Starts the tasks and follows each in a task of its own; one more tells of the end of all.
async fn begin(context: &Context, ready: Ready) -> std::result::Result<JobId, Refused> {
    let Ready {
        many,
        request,
        plan,
    } = ready;
    let (path, entry) = (request.path.clone(), request.entry.to_string());
    let engine = context.engine.clone();
    let began = off_the_wire(move || {
        let name = engine.start_sweep(&request, &plan, &many.tasks, many.at_once)?;
        Ok::<_, hoist_jobs::RunError>(engine.sweep(name)?)
    });
    let sweep = match began.await {
        Ok(began) => began?,
        Err(error) => return Err(Refused::from(error.to_string())),
    };
    for task in &sweep.tasks {
        let documents = context.snapshot.documents.clone();
        context.session.began(task.job, &path, &entry, documents);
        tokio::spawn(follow(
            context.client.clone(),
            context.session.clone(),
            context.engine.clone(),
            task.job,
            Origin::Task,
        ));
    }
    let name = sweep.sweep;
    let context = context.clone();
    tokio::spawn(async move {
        let mut states: Vec<State> = Vec::with_capacity(sweep.tasks.len());
        for task in &sweep.tasks {
            let mut ended = context.engine.ended(task.job).await;
            while let Ok(job) = &ended
                && let Some(next) = job.next
            {
                ended = context.engine.ended(next).await;
            }
            if let Ok(job) = ended {
                states.push(job.state);
            }
        }
        let kind = match states.iter().all(|state| *state == State::Succeeded) {
            true => MessageType::INFO,
            false => MessageType::WARNING,
        };
        let sentence = format!("{} on {}: {}", sweep.name, sweep.target, counted(&states));
        let buttons = [SHOW.to_owned()];
        let answer = context.person.button(kind, sentence, &buttons).await;
        if answer.as_deref() == Some(SHOW) {
            // A table that cannot be read now could not be read when it was shown either.
            let _ = show_table(&context, name).await;
        }
    });
    Ok(name)
}

/// `hoist.showSweep`.
pub(super) async fn show(context: Context, params: ext::ShowSweepArguments) -> Result<Value> {
    let refused = |sentence: String| refusal(sentence, &RefusedData::default());
    let name = params.sweep.parse::<JobId>();
    let name = name.map_err(|error| refused(error.to_string()))?;
    let csv = show_table(&context, name).await?;
    Ok(json!(ext::SweepTable { csv }))
}

/// Shows the table as a document where the client can; gives it as comma-separated values.
async fn show_table(context: &Context, name: JobId) -> Result<String> {
    let engine = context.engine.clone();
    let made = off_the_wire(move || {
        let sweep = engine.sweep(name)?;
        let table = Table::of(&engine, &sweep);
        let page = format!(
            "{}\n{}: {}\n",
            table.text(),
            sweep.name,
            counted(&table.states())
        );
        Ok::<_, hoist_jobs::StoreError>((table.csv(), shown::write("sweep.txt", &page)))
    });
    let (csv, path) = made
        .await?
        .map_err(|error| refusal(error.to_string(), &RefusedData::default()))?;
    if let (true, Some(path)) = (context.snapshot.profile.show_document, path) {
        show_file(&context.client, &path, true).await;
    }
    Ok(csv)
}
