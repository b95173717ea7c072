//! `hoist run --sweep` and `hoist map`: many jobs of one function, shown together; and the table of what became of them.

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::path::Path;

use hoist_analysis::sweep::{Tasks, grid};
use hoist_jobs::{Engine, Event, JobId, JobView, RunRequest, State, Stream, Sweep};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use super::run::{LEFT, agree, refuse, warn};
use super::terminal::{self, Interrupts};
use super::{
    Done, EntryArgs, Failure, Format, MapArgs, RunArgs, TARGET_FAILED, TableFormat, jobs, print,
    source,
};
use crate::bar;
use crate::table::{Table, counted};
use crate::tasks::{Items, plan_of};

pub(super) fn sweep(args: &RunArgs, values: &str) -> Done {
    let tasks = grid(args.entry.args.as_deref(), values);
    let how = How {
        format: args.format,
        detach: args.detach,
        at_once: args.at_once,
        yes: args.yes,
    };
    match tasks {
        Ok(tasks) => start(&args.entry, &args.after, &tasks, |_| None, how),
        Err(error) => Ok(refuse(how.format, &source::Refused::of_sweep(&error))),
    }
}

pub(super) fn map(args: &MapArgs) -> Done {
    let text = read(&args.over).map_err(|error| {
        Failure::refused(format!(
            "{}: the items cannot be read ({error})",
            args.over.display()
        ))
    })?;
    let how = How {
        format: args.format,
        detach: args.detach,
        at_once: args.at_once,
        yes: args.yes,
    };
    let file = match args.over.as_os_str() {
        stdin if stdin == "-" => "standard input".into(),
        _ => args.over.to_string_lossy(),
    };
    match Items::read(args.entry.args.as_deref(), &file, &text) {
        Ok(items) => {
            let place = |number| Some(items.place(number));
            start(&args.entry, &args.after, &items.tasks, place, how)
        }
        Err(error) => Ok(refuse(how.format, &source::Refused::of_sweep(&error))),
    }
}

fn read(path: &Path) -> io::Result<String> {
    if path.as_os_str() == "-" {
        let mut text = String::new();
        io::stdin().lock().read_to_string(&mut text)?;
        return Ok(text);
    }
    std::fs::read_to_string(path)
}

/// How the tasks are started and shown.
#[derive(Clone, Copy)]
pub(super) struct How {
    pub(super) format: Format,
    pub(super) detach: bool,
    pub(super) at_once: Option<u32>,
    /// Send without asking.
    pub(super) yes: bool,
}

/// `place` says where a task was read, by its number from 0.
fn start(
    entry: &EntryArgs,
    after: &[String],
    tasks: &Tasks,
    place: impl Fn(usize) -> Option<String>,
    how: How,
) -> Done {
    let format = how.format;
    let (file, mut request) = match source::request(entry) {
        Ok(request) => request,
        Err(refused) => return Ok(refuse(format, &refused)),
    };
    let plan = match plan_of(&mut request, tasks) {
        Ok(plan) => plan,
        Err(unfit) => {
            let refused = source::Refused::by_engine(&unfit.error, &file);
            let refused = refused.of_item(unfit.task.and_then(place));
            return Ok(refuse(format, &refused));
        }
    };
    warn(&request, &plan);
    terminal::with_engine(async |engine| {
        let interrupts = Interrupts::listen().map_err(Failure::target)?;
        // From before the jobs are there, so that nothing of them is missed.
        let events = engine.subscribe();
        let request = RunRequest {
            after: jobs::named(&engine, after)?,
            ..request
        };
        if let Some(status) = agree(&engine, &plan, how.yes, format).await? {
            return Ok(status);
        }
        let name = match engine.start_sweep(&request, &plan, tasks, how.at_once) {
            Ok(name) => name,
            Err(error) => {
                let refused = source::Refused::by_engine(&error, &file);
                return Ok(refuse(format, &refused));
            }
        };
        let sweep = engine.sweep(name).map_err(Failure::refused)?;
        follow(engine, sweep, how, events, interrupts).await
    })
}

/// Shows the tasks until their end.
pub(super) async fn follow(
    engine: Engine,
    sweep: Sweep,
    how: How,
    events: Receiver<Event>,
    interrupts: Interrupts,
) -> Done {
    Shown::new(engine, sweep, how)?
        .follow(events, interrupts)
        .await
}

/// The tasks of a sweep while they go on.
struct Shown {
    engine: Engine,
    sweep: Sweep,
    how: How,
    numbers: HashMap<JobId, usize>,
    states: Vec<State>,
    /// How much of each stream of each task was shown.
    offsets: Vec<[u64; 2]>,
    /// What of its last line was not shown yet, by task and stream.
    begun: HashMap<(usize, Stream), Vec<u8>>,
    status: print::Status,
    trouble: Option<String>,
}

/// How much of a log is read at a time.
const CHUNK: usize = 1 << 16;

impl Shown {
    fn new(engine: Engine, sweep: Sweep, how: How) -> Result<Self, Failure> {
        if how.format == Format::Json {
            let tasks = sweep.tasks.iter().map(|task| task.job);
            let line = serde_json::json!({
                "event": "sweep", "sweep": sweep.sweep, "columns": sweep.columns, "jobs": tasks.collect::<Vec<_>>(),
            });
            print::line(line)?;
        }
        let jobs = sweep.tasks.iter().enumerate();
        Ok(Self {
            numbers: jobs.map(|(number, task)| (task.job, number)).collect(),
            states: vec![State::Preparing; sweep.tasks.len()],
            offsets: vec![[0, 0]; sweep.tasks.len()],
            begun: HashMap::new(),
            status: print::Status::new(how.format == Format::Text),
            trouble: None,
            engine,
            sweep,
            how,
        })
    }

    /// Until the end of all tasks, or until they are submitted. Ctrl-C ends them, a second one leaves them running.
    async fn follow(&mut self, mut events: Receiver<Event>, mut interrupts: Interrupts) -> Done {
        let name = self.sweep.sweep;
        let mut interrupted = false;
        // What became of them before anybody listened.
        self.catch_up()?;
        while !self.is_over() {
            let event = tokio::select! {
                event = events.recv() => event,
                () = interrupts.next() => {
                    self.status.clear();
                    if interrupted {
                        self.sweep.tasks.iter().for_each(|task| self.engine.keep(task.job));
                        print::say(&format!("not waiting for them; `hoist jobs {name}` tells what became of them"));
                        return Ok(LEFT);
                    }
                    interrupted = true;
                    for task in &self.sweep.tasks {
                        self.engine.cancel(task.job).map_err(Failure::target)?;
                    }
                    print::say("cancelling all tasks; Ctrl-C again does not wait for them");
                    continue;
                }
            };
            match event {
                Ok(event) => self.hear(&event)?,
                Err(RecvError::Lagged(_)) => self.catch_up()?,
                Err(RecvError::Closed) => return Ok(TARGET_FAILED),
            }
            if self.how.detach && self.is_submitted() {
                self.status.clear();
                if self.how.format == Format::Text {
                    print::line(name)?;
                    print::say(&format!(
                        "{} tasks submitted to {}; `hoist jobs {name}` lists them, `hoist result {name}` tells what became of them",
                        self.sweep.tasks.len(),
                        self.sweep.target
                    ));
                }
                return Ok(0);
            }
        }
        self.status.clear();
        let table = Table::of(&self.engine, &self.sweep);
        match self.how.format {
            Format::Text => print(&table, TableFormat::Text)?,
            Format::Json => print::json(&table.event())?,
        }
        Ok(table.exit_status().unwrap_or(TARGET_FAILED))
    }

    fn is_over(&self) -> bool {
        self.states.iter().all(|state| state.is_end())
    }

    fn is_submitted(&self) -> bool {
        self.states
            .iter()
            .all(|state| !matches!(state, State::Preparing | State::Uploading))
    }

    fn hear(&mut self, event: &Event) -> Result<(), Failure> {
        let Some(number) = self.numbers.get(&event.job()).copied() else {
            return Ok(());
        };
        match event {
            Event::State { job } => {
                self.states[number] = job.state;
                if self.how.format == Format::Json {
                    self.line(event)?;
                }
                self.tell_trouble(job);
                self.tell_count();
            }
            Event::Upload { sent, total, .. } => {
                if let Some(percent) = (sent * 100).checked_div(*total) {
                    self.status.show(&format!("uploading {percent} %"));
                }
            }
            Event::Fetch { .. } => {}
            Event::Output { .. } => self.output(number, event.job())?,
            Event::Finished { job } => {
                self.output(number, job.job)?;
                self.end_of_output(number)?;
                self.states[number] = match job.next {
                    Some(next) => {
                        self.numbers.insert(next, number);
                        self.offsets[number] = [0, 0];
                        State::Preparing
                    }
                    None => job.state,
                };
                if self.how.format == Format::Json {
                    self.line(event)?;
                }
                self.tell_count();
            }
        }
        Ok(())
    }

    fn line(&self, event: &Event) -> io::Result<()> {
        event.json().map_or(Ok(()), print::line)
    }

    /// Looks at every task as it is now.
    fn catch_up(&mut self) -> Result<(), Failure> {
        for number in 0..self.sweep.tasks.len() {
            let job = self.sweep.tasks[number].job;
            if self.states[number].is_end() {
                continue;
            }
            let view = self.engine.last_attempt(job).map_err(Failure::target)?;
            let job = view.job;
            if self.numbers.insert(job, number).is_none() {
                self.offsets[number] = [0, 0];
            }
            if view.state.is_end() {
                self.hear(&Event::Finished { job: view })?;
            } else {
                self.states[number] = view.state;
                self.output(number, job)?;
            }
        }
        self.tell_count();
        Ok(())
    }

    /// Shows what a task has written since it was looked at last.
    fn output(&mut self, number: usize, job: JobId) -> Result<(), Failure> {
        for stream in Stream::BOTH {
            let which = usize::from(stream == Stream::Stderr);
            loop {
                let offset = self.offsets[number][which];
                let bytes = self
                    .engine
                    .output(job, stream, offset, CHUNK)
                    .map_err(Failure::target)?;
                if bytes.is_empty() {
                    break;
                }
                self.offsets[number][which] += bytes.len() as u64;
                match self.how.format {
                    Format::Json => {
                        let bytes = bytes.into();
                        self.line(&Event::Output {
                            job,
                            stream,
                            offset,
                            bytes,
                        })?;
                    }
                    Format::Text => self.lines(number, stream, &bytes)?,
                }
            }
        }
        Ok(())
    }

    /// Whole lines, each with its task's number before it.
    fn lines(&mut self, number: usize, stream: Stream, bytes: &[u8]) -> io::Result<()> {
        let begun = self.begun.entry((number, stream)).or_default();
        begun.extend_from_slice(bytes);
        let last = begun.iter().rposition(|byte| *byte == b'\n');
        let rest = begun.split_off(last.map_or(0, |last| last + 1));
        // Of a line that is drawn over again and again, such as a bar, only what is seen of it.
        let whole = std::mem::replace(begun, bar::as_seen(&rest).to_vec());
        if whole.is_empty() {
            return Ok(());
        }
        let lines = whole.split_inclusive(|byte| *byte == b'\n');
        let seen: Vec<u8> = lines.flat_map(bar::as_seen).copied().collect();
        self.status.clear();
        labelled(number, stream, &seen)
    }

    fn end_of_output(&mut self, number: usize) -> io::Result<()> {
        for stream in Stream::BOTH {
            if let Some(rest) = self.begun.remove(&(number, stream))
                && !rest.is_empty()
            {
                self.status.clear();
                labelled(number, stream, &[rest.as_slice(), b"\n"].concat())?;
            }
        }
        Ok(())
    }

    fn tell_count(&mut self) {
        let text = format!(
            "{} on {}: {}",
            self.sweep.name,
            self.sweep.target,
            counted(&self.states)
        );
        self.status.show(&text);
    }

    /// Where nothing can be written over, what holds them up is said once.
    fn tell_trouble(&mut self, job: &JobView) {
        if let Some(message) = &job.message
            && message.contains(": ")
            && !self.status.is_shown()
            && self.trouble.as_ref() != Some(message)
        {
            print::say(&format!("hoist: {message}"));
            self.trouble = Some(message.clone());
        }
    }
}

fn labelled(number: usize, stream: Stream, lines: &[u8]) -> io::Result<()> {
    let label = format!("[{}] ", number + 1);
    let mut text = Vec::with_capacity(lines.len() + 64);
    for line in lines.split_inclusive(|byte| *byte == b'\n') {
        text.extend_from_slice(label.as_bytes());
        text.extend_from_slice(line);
    }
    match stream {
        Stream::Stdout => print::bytes(&mut io::stdout().lock(), &text),
        Stream::Stderr | Stream::Environment => {
            io::stderr().lock().write_all(&text).ok();
            Ok(())
        }
    }
}

/// Prints the arguments and results of all tasks.
pub(super) fn print(table: &Table<'_>, format: TableFormat) -> Result<(), Failure> {
    match format {
        TableFormat::Json => {
            for row in table.rows() {
                print::json(&row)?;
            }
        }
        TableFormat::Csv => print::bytes(&mut io::stdout().lock(), table.csv().as_bytes())?,
        TableFormat::Text => {
            print::line(table.text().trim_end())?;
            print::say(&format!("{}: {}", table.name(), counted(&table.states())));
        }
    }
    Ok(())
}
