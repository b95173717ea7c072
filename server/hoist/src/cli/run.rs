//! `hoist run`: from the click to the result, in a terminal.

use std::borrow::Cow;
use std::io;
use std::time::{Duration, SystemTime};

use hoist_analysis::Severity;
use hoist_cluster::{DataFile, TargetSettings};
use hoist_jobs::{
    Engine, Event, Forecast, JobView, Plan, RunError, RunRequest, State, Stream, Watch, plan,
};

use super::drawing::Drawing;
use crate::forecast;
use crate::result_text;
use crate::words::size;

use super::terminal::{self, Interrupts};
use super::{Done, Failure, Format, REFUSED, RunArgs, TARGET_FAILED, jobs, print, source, sweep};

/// For how long, when all is shown, what is asked beside the job is waited for.
const PATIENCE: Duration = Duration::from_secs(1);

/// Exit status after the second Ctrl-C: the shell's own for "interrupted".
pub(super) const LEFT: u8 = 130;

pub(super) fn run(args: &RunArgs) -> Done {
    if let Some(values) = &args.sweep {
        return sweep::sweep(args, values);
    }
    let (file, request) = match source::request(&args.entry) {
        Ok(request) => request,
        Err(refused) => return Ok(refuse(args.format, &refused)),
    };
    let plan = match plan(&request) {
        Ok(plan) => plan,
        Err(error) => {
            let refused = source::Refused::by_engine(&error, &file);
            return Ok(refuse(args.format, &refused));
        }
    };
    warn(&request, &plan);
    if args.dry_run {
        return terminal::with_engine(async |engine| dry_run(&engine, &plan, args.format).await);
    }
    terminal::with_engine(async |engine| {
        // Before the job is there, so that no Ctrl-C leaves one behind that nobody waits for.
        let interrupts = Interrupts::listen().map_err(Failure::target)?;
        let request = RunRequest {
            after: jobs::named(&engine, &args.after)?,
            ..request
        };
        if let Some(status) = agree(&engine, &plan, args.yes, args.format).await? {
            return Ok(status);
        }
        let job = match engine.start_plan(&request, plan) {
            Ok(job) => job,
            Err(error) => {
                let refused = source::Refused::by_engine(&error, &file);
                return Ok(refuse(args.format, &refused));
            }
        };
        let shown = Shown::new(args.format, None);
        let watch = engine.watch(job, [0; 3]);
        let status = follow(&engine, watch, shown, interrupts, args.detach).await?;
        if status != LEFT {
            tokio::time::timeout(PATIENCE, engine.learnt()).await.ok();
        }
        Ok(status)
    })
}

/// Asks before much data is sent; the exit status where that was not agreed to.
pub(super) async fn agree(
    engine: &Engine,
    plan: &Plan,
    yes: bool,
    format: Format,
) -> Result<Option<u8>, Failure> {
    agree_to(engine, &plan.settings, &plan.data(), yes, format).await
}

/// The same for these data files.
pub(super) async fn agree_to(
    engine: &Engine,
    settings: &TargetSettings,
    files: &[DataFile],
    yes: bool,
    format: Format,
) -> Result<Option<u8>, Failure> {
    if yes {
        return Ok(None);
    }
    match engine.agree(settings, files).await {
        Ok(()) => Ok(None),
        Err(RunError::Unreached(error)) => Err(Failure::target(error)),
        Err(error) => {
            print::refusal(format, &error.word(), &error.to_string(), None);
            Ok(Some(REFUSED))
        }
    }
}

/// Says what would become of a plan.
async fn dry_run(engine: &Engine, plan: &Plan, format: Format) -> Done {
    let forecast = engine.ask_forecast(plan).await.map_err(Failure::target)?;
    let target = &plan.settings.name;
    let stored = &plan.package.manifest.stored;
    let stored_bytes: u64 = stored.iter().map(|file| file.size).sum();
    if format == Format::Json {
        let starts_in = match &forecast {
            Some(Forecast::Starts(at)) => {
                let wait = at.duration_since(SystemTime::now()).unwrap_or_default();
                Some(wait.as_secs())
            }
            _ => None,
        };
        let refused = match &forecast {
            Some(Forecast::Refused(why)) => Some(why),
            _ => None,
        };
        print::line(serde_json::json!({
            "event": "dry_run", "name": plan.name, "target": target, "sha256": plan.package.sha256,
            "files": plan.slice.files.len(), "bytes": plan.package.bytes.len(),
            "stored_files": stored.len(), "stored_bytes": stored_bytes, "starts_in_seconds": starts_in, "refused": refused,
        }))?;
    } else {
        let when = match &forecast {
            Some(forecast) => forecast::words(forecast, target),
            None => format!("would run on {target}"),
        };
        let files = match plan.slice.files.len() {
            1 => "1 file".to_owned(),
            count => format!("{count} files"),
        };
        let size = crate::words::size(plan.package.bytes.len() as u64);
        let beside = match stored.len() {
            0 => String::new(),
            1 => format!(
                ", and 1 more goes once to the store of data files there, {}",
                crate::words::size(stored_bytes)
            ),
            count => format!(
                ", and {count} more go once to the store of data files there, {}",
                crate::words::size(stored_bytes)
            ),
        };
        print::line(format_args!(
            "{} {when}; it travels in {files}, {size}{beside}",
            plan.name
        ))?;
    }
    Ok(match forecast {
        Some(Forecast::Refused(_)) => TARGET_FAILED,
        _ => 0,
    })
}

pub(super) fn refuse(format: Format, refused: &source::Refused) -> u8 {
    print::refusal(format, &refused.code, &refused.message, refused.line);
    REFUSED
}

/// What the person should know though it runs.
pub(super) fn warn(request: &RunRequest, plan: &hoist_jobs::Plan) {
    for finding in &plan.slice.findings {
        if finding.severity <= Severity::Warning {
            let line = request.document.lines().line_of(finding.range.start) + 1;
            let (file, code, message) = (&plan.file, finding.code, &finding.message);
            print::say(&format!("warning: {file}:{line}: {message} [{code}]"));
        }
    }
}

/// How the events of a job are shown.
pub(super) struct Shown {
    format: Format,
    /// Only this stream.
    only: Option<Stream>,
    status: print::Status,
    /// The last byte on standard output was no line break.
    in_line: bool,
    /// The last of what the job wrote to its standard error.
    errors: Vec<u8>,
    /// What it draws there, where there is a terminal.
    drawing: Drawing,
    /// What was last said to hold it up.
    trouble: Option<String>,
}

/// How much of it is kept.
const ERRORS: usize = 1 << 16;

impl Shown {
    pub(super) fn new(format: Format, only: Option<Stream>) -> Self {
        Self {
            format,
            only,
            status: print::Status::new(format == Format::Text),
            in_line: false,
            errors: Vec::new(),
            drawing: Drawing::default(),
            trouble: None,
        }
    }

    /// Shows one event.
    pub(super) fn show(&mut self, event: &Event) -> io::Result<()> {
        if let Event::Output { stream, .. } = event
            && self.only.is_some_and(|only| only != *stream)
        {
            return Ok(());
        }
        if self.format == Format::Json {
            return event.json().map_or(Ok(()), print::line);
        }
        match event {
            Event::State { job } => {
                if job.state == State::Running && job.message.is_none() {
                    self.status.clear();
                } else {
                    self.status.show(&going_on(job));
                }
                self.tell_trouble(job);
                Ok(())
            }
            Event::Upload { sent, total, .. } => {
                if let Some(percent) = (sent * 100).checked_div(*total) {
                    self.status.show(&format!("uploading {percent} %"));
                }
                Ok(())
            }
            Event::Fetch { sent, total, .. } => {
                if let Some(percent) = (sent * 100).checked_div(*total) {
                    self.status.show(&format!("fetching {percent} %"));
                }
                Ok(())
            }
            Event::Output { stream, bytes, .. } => {
                self.status.clear();
                match stream {
                    Stream::Stdout => {
                        self.in_line = bytes.last().is_some_and(|byte| *byte != b'\n');
                        print::bytes(&mut io::stdout().lock(), bytes)?;
                        if !self.in_line {
                            self.draw();
                        }
                        Ok(())
                    }
                    Stream::Stderr => {
                        self.errors.extend_from_slice(bytes);
                        let surplus = self.errors.len().saturating_sub(ERRORS);
                        self.errors.drain(..surplus);
                        let whole = match self.status.is_shown() {
                            true => self.drawing.take(bytes),
                            false => Cow::Borrowed(&bytes[..]),
                        };
                        print::bytes(&mut io::stderr().lock(), &whole).ok();
                        self.draw();
                        Ok(())
                    }
                    // Whoever asks for it alone wants to do something with it.
                    Stream::Environment if self.only == Some(Stream::Environment) => {
                        print::bytes(&mut io::stdout().lock(), bytes)
                    }
                    Stream::Environment => {
                        print::aside(bytes);
                        Ok(())
                    }
                }
            }
            Event::Finished { .. } => {
                self.status.clear();
                // A bar that was never ended stays where it was drawn last.
                let rest = self.drawing.end();
                print::bytes(&mut io::stderr().lock(), &rest).ok();
                Ok(())
            }
        }
    }

    /// Shows the bar that the job draws, in one line whatever its width.
    fn draw(&mut self) {
        if let Some(bar) = self.drawing.shown() {
            self.status.show(&bar);
        }
    }

    /// Where nothing can be written over, what holds a job up is said once.
    fn tell_trouble(&mut self, job: &JobView) {
        if let Some(message) = job
            .message
            .as_ref()
            .filter(|message| message.contains(": "))
            && !self.status.is_shown()
            && self.trouble.as_ref() != Some(message)
        {
            print::say(&format!("hoist: {message}"));
            self.trouble = Some(message.clone());
        }
    }

    /// Shows how the job ended, for people.
    fn end(&self, job: &JobView) -> io::Result<()> {
        if self.format == Format::Json {
            return Ok(());
        }
        if self.in_line {
            print::line("")?;
        }
        // A Python that dies prints its traceback by itself: it has been seen then.
        let errors = String::from_utf8_lossy(&self.errors);
        let traceback = job
            .error
            .as_ref()
            .and_then(|error| error.traceback.as_deref());
        let is_seen = traceback.is_some_and(|text| errors.trim_end().ends_with(text.trim_end()));
        outcome(job, is_seen)
    }
}

/// The end of a job for people: its result on standard output, everything else on standard error; the traceback unless it
/// has been seen.
pub(super) fn outcome(job: &JobView, is_traceback_seen: bool) -> io::Result<()> {
    if let Some(result) = &job.result {
        print::line(format_args!("result: {}", result.repr))?;
        print::bytes(
            &mut io::stdout().lock(),
            result_text::previews(job).as_bytes(),
        )?;
    }
    if let Some(error) = job.error.as_ref().filter(|_| !is_traceback_seen) {
        let text = error.traceback.as_deref().map(str::trim_end);
        match text {
            Some(text) => print::say(text),
            None => print::say(&format!("{}: {}", error.kind, error.message)),
        }
    }
    for advice in &job.advice {
        print::say(&format!("note: {advice}"));
    }
    for note in &job.notes {
        print::say(&format!("note: {note}"));
    }
    left(job);
    let reason = job.reason.as_deref().unwrap_or("no reason is known");
    let (name, target) = (&job.name, &job.target);
    match job.state {
        State::Failed if job.error.is_none() => {
            print::error(&format!("{name} failed on {target}: {reason}"))
        }
        State::Cancelled => print::error(&format!("{name} was cancelled on {target}: {reason}")),
        State::TimedOut => print::error(&format!("{name} timed out on {target}: {reason}")),
        State::Lost if reason.starts_with(&format!("{target}:")) => print::error(reason),
        State::Lost => print::error(&format!("{name} was lost on {target}: {reason}")),
        _ => {}
    }
    if let Some(next) = job.next {
        print::say(&format!("note: it runs once more by itself, as {next}"));
        return Ok(());
    }
    if let Some(bytes) = job.checkpoint_bytes.filter(|_| job.goes_on()) {
        let size = size(bytes);
        print::say(&format!(
            "note: `hoist retry {}` goes on from what it kept, {size}",
            job.job
        ));
    }
    if !job.suggests.is_empty() {
        let more = job.suggests.iter();
        let more: String = more
            .map(|(name, value)| format!(" --{name} {value}"))
            .collect();
        print::say(&format!(
            "note: `hoist retry {}{more}` runs it once more with twice as much",
            job.job
        ));
    }
    Ok(())
}

/// Says what a job left: its figures one by one, of its files the first.
pub(super) fn left(job: &JobView) {
    for figure in &job.figures {
        if let Some(here) = &figure.here {
            print::say(&format!("note: figure {}", here.display()));
        }
    }
    if let [first, ..] = job.files.as_slice() {
        let more = match job.files.len() {
            1 => String::new(),
            count => format!(" and {} more", count - 1),
        };
        let (name, target) = (job.job, &job.target);
        let missing = job.files.iter().filter(|file| file.here.is_none()).count();
        let there = match missing {
            0 => String::new(),
            _ if missing == job.files.len() => format!(", on {target}"),
            _ => format!(", {missing} of them only on {target}"),
        };
        print::say(&format!(
            "note: wrote {}{more}{there}; `hoist files {name}` lists and fetches them",
            first.path
        ));
    }
}

/// What a job is doing, in one line.
pub(super) fn going_on(job: &JobView) -> String {
    let mut text = format!("{} {} on {}", job.name, job.state, job.target);
    for more in [&job.reason, &job.message].into_iter().flatten() {
        text.push_str(": ");
        text.push_str(more);
    }
    text
}

/// Shows a job until its end. Whoever reads along has not started it: Ctrl-C leaves it running.
pub(super) async fn read_along(engine: &Engine, mut watch: Watch, mut shown: Shown) -> Done {
    while let Some(event) = watch.next().await.map_err(Failure::target)? {
        shown.show(&event)?;
        if let Event::Finished { job } = event {
            shown.end(&job)?;
            if let Some(next) = job.next {
                watch = engine.watch(next, [0; 3]);
                shown = Shown::new(shown.format, shown.only);
                continue;
            }
            return Ok(job.state.exit_status().unwrap_or(TARGET_FAILED));
        }
    }
    Ok(TARGET_FAILED)
}

/// Shows a job until its end, or until it is submitted. Ctrl-C ends it, a second one leaves it running.
pub(super) async fn follow(
    engine: &Engine,
    mut watch: Watch,
    mut shown: Shown,
    mut interrupts: Interrupts,
    detach: bool,
) -> Done {
    let mut interrupted = false;
    loop {
        let job = watch.job();
        let event = tokio::select! {
            event = watch.next() => event.map_err(Failure::target)?,
            () = interrupts.next() => {
                shown.status.clear();
                if interrupted {
                    engine.keep(job);
                    print::say(&format!("not waiting for it; `hoist logs --follow {job}` follows it, `hoist jobs` tells what became of it"));
                    return Ok(LEFT);
                }
                interrupted = true;
                engine.cancel(job).map_err(Failure::target)?;
                print::say("cancelling; Ctrl-C again does not wait for it");
                continue;
            }
        };
        let Some(event) = event else {
            return Ok(TARGET_FAILED);
        };
        shown.show(&event)?;
        match event {
            Event::Finished { job } => {
                shown.end(&job)?;
                if let Some(next) = job.next {
                    watch = engine.watch(next, [0; 3]);
                    shown = Shown::new(shown.format, shown.only);
                    continue;
                }
                return Ok(job.state.exit_status().unwrap_or(TARGET_FAILED));
            }
            Event::State { job }
                if detach && matches!(job.state, State::Queued | State::Running) =>
            {
                shown.status.clear();
                if shown.format == Format::Text {
                    print::line(job.job)?;
                    print::say(&format!(
                        "submitted to {}; `hoist logs --follow {}` follows it",
                        job.target, job.job
                    ));
                }
                return Ok(0);
            }
            _ => {}
        }
    }
}
