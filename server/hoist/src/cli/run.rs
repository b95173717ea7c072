//! `hoist run`: from the click to the result, in a terminal.

use std::io;
use std::time::Duration;

use hoist_analysis::Severity;
use hoist_jobs::{Engine, Event, JobView, RunRequest, State, Stream, Watch, plan};

use super::terminal::{self, Interrupts};
use super::{Done, Failure, Format, REFUSED, RunArgs, TARGET_FAILED, print, source};

/// For how long, when all is shown, what is asked beside the job is waited for.
const PATIENCE: Duration = Duration::from_secs(1);

/// Exit status after the second Ctrl-C: the shell's own for "interrupted".
const LEFT: u8 = 130;

pub(super) fn run(args: &RunArgs) -> Done {
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
    terminal::with_engine(async |engine| {
        // Before the job is there, so that no Ctrl-C leaves one behind that nobody waits for.
        let interrupts = Interrupts::listen().map_err(Failure::target)?;
        let job = engine
            .start_plan(&request, plan)
            .map_err(Failure::refused)?;
        let shown = Shown::new(args.format, None);
        let watch = engine.watch(job, [0, 0]);
        let status = follow(&engine, watch, shown, interrupts, args.detach).await?;
        if status != LEFT {
            tokio::time::timeout(PATIENCE, engine.learnt()).await.ok();
        }
        Ok(status)
    })
}

fn refuse(format: Format, refused: &source::Refused) -> u8 {
    print::refusal(format, &refused.code, &refused.message, refused.line);
    REFUSED
}

/// What the person should know though it runs.
fn warn(request: &RunRequest, plan: &hoist_jobs::Plan) {
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
            Event::Output { stream, bytes, .. } => {
                self.status.clear();
                match stream {
                    Stream::Stdout => {
                        self.in_line = bytes.last().is_some_and(|byte| *byte != b'\n');
                        print::bytes(&mut io::stdout().lock(), bytes)
                    }
                    Stream::Stderr => {
                        self.errors.extend_from_slice(bytes);
                        let surplus = self.errors.len().saturating_sub(ERRORS);
                        self.errors.drain(..surplus);
                        print::bytes(&mut io::stderr().lock(), bytes).ok();
                        Ok(())
                    }
                }
            }
            Event::Finished { .. } => {
                self.status.clear();
                Ok(())
            }
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
    }
    if let Some(error) = job.error.as_ref().filter(|_| !is_traceback_seen) {
        let text = error.traceback.as_deref().map(str::trim_end);
        match text {
            Some(text) => print::say(text),
            None => print::say(&format!("{}: {}", error.kind, error.message)),
        }
    }
    for note in &job.notes {
        print::say(&format!("note: {note}"));
    }
    if let [first, ..] = job.files.as_slice() {
        let more = match job.files.len() {
            1 => String::new(),
            count => format!(" and {} more", count - 1),
        };
        let work_dir = format!("the folder files/ of job {} on {}", job.job, job.target);
        print::say(&format!("note: wrote {}{more}, in {work_dir}", first.path));
    }
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
    Ok(())
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
pub(super) async fn read_along(mut watch: Watch, mut shown: Shown) -> Done {
    while let Some(event) = watch.next().await.map_err(Failure::target)? {
        shown.show(&event)?;
        if let Event::Finished { job } = event {
            shown.end(&job)?;
            return Ok(job.state.exit_status().unwrap_or(TARGET_FAILED));
        }
    }
    Ok(TARGET_FAILED)
}

/// Shows a job until its end, or until it is submitted. Ctrl-C ends it, a second one leaves it running.
async fn follow(
    engine: &Engine,
    mut watch: Watch,
    mut shown: Shown,
    mut interrupts: Interrupts,
    detach: bool,
) -> Done {
    let job = watch.job();
    let mut interrupted = false;
    loop {
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
