//! The engine in a terminal: its runtime, and questions to the person who sits there.

use std::io::{self, BufRead, IsTerminal, Write};
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use hoist_cluster::{Ask, Question, QuestionKind};
use hoist_jobs::{Engine, EngineOptions, default_store};

use super::{Done, Failure};

/// How long a target may take to hear that the end of a job has been fetched; then what waits there waits for as long as it may.
const PATIENCE: Duration = Duration::from_secs(5);

/// Starts an engine, does something with it, and stops. Jobs that are not at their end stay where they are.
pub(super) fn with_engine(what: impl AsyncFnOnce(Engine) -> Done) -> Done {
    with_terminal(async |ask| {
        let engine = Engine::start(EngineOptions {
            store: default_store(),
            ask,
        })
        .map_err(Failure::refused)?;
        let done = what(engine.clone()).await;
        tokio::time::timeout(PATIENCE, engine.released()).await.ok();
        done
    })?
}

/// Does something that may ask the person who sits at the terminal.
pub(super) fn with_terminal<T>(what: impl AsyncFnOnce(Arc<dyn Ask>) -> T) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::target(format!("no threads can be started ({error})")))?;
    let done = runtime.block_on(what(Arc::new(Terminal)));
    // What still goes on over there is taken up by the next start; nobody waits for it here.
    runtime.shutdown_background();
    Ok(done)
}

/// Every Ctrl-C since it was made. One that comes while something else is being done waits here; a listener made anew for each
/// wait would never hear of it.
pub(super) struct Interrupts(Signals);

#[cfg(unix)]
type Signals = tokio::signal::unix::Signal;
#[cfg(windows)]
type Signals = tokio::signal::windows::CtrlC;

impl Interrupts {
    /// From now on a Ctrl-C no longer ends this process.
    pub(super) fn listen() -> io::Result<Self> {
        #[cfg(unix)]
        let signals = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::interrupt());
        #[cfg(windows)]
        let signals = tokio::signal::windows::ctrl_c();
        signals.map(Self)
    }

    /// Waits for the next one; may be given up and asked again without losing any.
    pub(super) async fn next(&mut self) {
        if self.0.recv().await.is_none() {
            std::future::pending::<()>().await;
        }
    }
}

/// Asks on the terminal, where there is one.
#[derive(Debug)]
struct Terminal;

impl Ask for Terminal {
    fn ask(&self, question: Question) -> BoxFuture<'_, Option<String>> {
        Box::pin(async move {
            if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
                return None;
            }
            // Reading waits for a person: not on a thread that others need.
            tokio::task::spawn_blocking(move || answer(&question))
                .await
                .ok()
                .flatten()
        })
    }
}

fn answer(question: &Question) -> Option<String> {
    let mut err = io::stderr().lock();
    write!(err, "\r\x1b[2K").ok()?;
    if !question.detail.is_empty() {
        writeln!(err, "{}", question.detail).ok()?;
    }
    for (number, choice) in question.choices.iter().enumerate() {
        writeln!(err, "  {}  {choice}", number + 1).ok()?;
    }
    let hint = match question.kind {
        QuestionKind::Confirm => " [yes/no]",
        QuestionKind::Choice => " [number]",
        QuestionKind::Text | QuestionKind::Secret => "",
    };
    write!(err, "{}{hint} ", question.title.trim_end()).ok()?;
    err.flush().ok()?;
    drop(err);
    if question.kind == QuestionKind::Secret {
        return rpassword::read_password().ok();
    }
    let mut line = String::new();
    if io::stdin().lock().read_line(&mut line).ok()? == 0 {
        return None;
    }
    let line = line.trim();
    match question.kind {
        QuestionKind::Confirm => Some(
            if matches!(line, "y" | "yes" | "Y" | "Yes") {
                "yes"
            } else {
                "no"
            }
            .to_owned(),
        ),
        QuestionKind::Choice => match line.parse::<usize>() {
            Ok(number) => question.choices.get(number.checked_sub(1)?).cloned(),
            Err(_) => question
                .choices
                .iter()
                .find(|choice| *choice == line)
                .cloned(),
        },
        QuestionKind::Text | QuestionKind::Secret => Some(line.to_owned()),
    }
}
