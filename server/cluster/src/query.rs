//! What becomes of jobs beside their own files: questions to the scheduler, cancelling, removal.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::error::{ClusterError, ErrorKind};
use crate::scheduler::{Outcome, SchedulerState};
use crate::settings::TargetSettings;
use crate::shell::quote;
use crate::site::Site;
use crate::submit::{NativeId, about, check_job};
use crate::transport::{Transport, exec};

/// The scheduler's last answer and when it may be asked again.
#[derive(Default)]
pub(crate) struct Answers {
    states: HashMap<String, SchedulerState>,
    next: Option<Instant>,
    pause: Duration,
}

/// How long a job that ended must have left no exit marker before one is written for it: shared file systems take a
/// while to show files.
const GRACE: Duration = Duration::from_secs(3);

/// The states of these jobs. The scheduler itself is asked at most every `poll_interval`, with growing pauses while
/// nothing changes; in between the last answer is given. For a job that has ended in the scheduler's opinion and has
/// left no exit marker, one is written, so that the follower tells of its end like of any other.
pub(crate) async fn query(
    transport: &dyn Transport,
    settings: &TargetSettings,
    site: &Site,
    answers: &mut Answers,
    jobs: &[(String, NativeId)],
) -> Result<HashMap<String, SchedulerState>, ClusterError> {
    let now = Instant::now();
    if !jobs.is_empty() && answers.next.is_none_or(|next| next <= now) {
        let least = Duration::from_secs(settings.poll_interval.map_or(30, |time| time.0));
        // Set first: a question that fails was a question too.
        answers.next = Some(now + least.max(answers.pause));
        let scheduler = settings.scheduler.get();
        let ids: Vec<&str> = jobs.iter().map(|(_, id)| id.0.as_str()).collect();
        let script = about(&site.work, "") + &scheduler.query(&ids);
        let output = exec(transport, &script, b"").await?;
        let text = output.text();
        if let Some(words) = text
            .lines()
            .find_map(|line| line.strip_prefix("fail scheduler "))
        {
            return Err(no_answer(settings, words));
        }
        if output.status != 0 {
            return Err(no_answer(settings, &output.complaint()));
        }
        let states = scheduler.read(&text);
        let changed = ids
            .iter()
            .any(|id| states.get(*id) != answers.states.get(*id));
        answers.pause = if changed {
            least
        } else {
            (answers.pause.max(least) * 3 / 2).min(least * 4)
        };
        answers.next = Some(now + answers.pause);
        answers.states = states;
        settle(transport, site, jobs, &answers.states).await?;
    }
    Ok(jobs
        .iter()
        .map(|(job, id)| {
            (
                job.clone(),
                answers
                    .states
                    .get(&id.0)
                    .cloned()
                    .unwrap_or(SchedulerState::Unknown),
            )
        })
        .collect())
}

fn no_answer(settings: &TargetSettings, words: &str) -> ClusterError {
    ClusterError::new(
        &settings.name,
        ErrorKind::Scheduler,
        format!("the scheduler does not answer ({words})"),
        "jobs go on meanwhile; Hoist asks again later",
    )
}

/// Writes the exit marker of jobs that ended without writing one.
async fn settle(
    transport: &dyn Transport,
    site: &Site,
    jobs: &[(String, NativeId)],
    states: &HashMap<String, SchedulerState>,
) -> Result<(), ClusterError> {
    let mut script = String::new();
    for (job, id) in jobs {
        let Some(SchedulerState::Ended { outcome, words }) = states.get(&id.0) else {
            continue;
        };
        let (code, state) = match outcome {
            Outcome::Completed => (3, "crashed"),
            Outcome::Failed => (1, "crashed"),
            Outcome::OutOfMemory => (137, "crashed"),
            Outcome::Cancelled => (143, "cancelled"),
            Outcome::TimedOut => (124, "timed_out"),
            Outcome::NodeFailed | Outcome::Preempted | Outcome::Vanished => (143, "lost"),
        };
        let words = if *outcome == Outcome::Completed {
            "the scheduler says that the job completed, but its runner left no exit marker"
        } else {
            words
        };
        script.push_str(&format!("settle {job} {code} {state} {}\n", quote(words)));
    }
    if script.is_empty() {
        return Ok(());
    }
    let head = format!(
        r#"settle() {{
  hoist_job="$work/jobs/$1"
  [ -d "$hoist_job" ] || return 0
  for n in 1 2 3; do
    ls "$hoist_job" | grep -qx exit && return 0
    sleep {}
  done
  mkdir "$hoist_job/claimed" 2>/dev/null
  state=$3
  if [ -e "$hoist_job/cancel" ] && [ "$state" = lost ]; then state=cancelled; fi
  hoist_mark_exit "$2" "$state" "$4"
}}
"#,
        GRACE.as_secs() / 3
    );
    exec(transport, &(about(&site.work, "") + &head + &script), b"")
        .await
        .map(drop)
}

/// Asks for the end of a job. One that has not begun never will, and its exit marker says so at once.
pub(crate) async fn cancel(
    transport: &dyn Transport,
    settings: &TargetSettings,
    site: &Site,
    job: &str,
    id: &NativeId,
) -> Result<(), ClusterError> {
    check_job(&settings.name, job)?;
    let script = [
        &about(&site.work, job),
        r#"
[ -d "$hoist_job" ] || exit 0
[ -e "$hoist_job/exit" ] && exit 0
: >"$hoist_job/cancel" || exit 1
first=
mkdir "$hoist_job/claimed" 2>/dev/null && first=1
"#,
        &format!("id={}\n", quote(&id.0)),
        settings.scheduler.get().cancel(),
        r#"
if [ -n "$first" ]; then hoist_mark_exit 143 cancelled "cancelled before it began"; fi
"#,
    ]
    .concat();
    let output = exec(transport, &script, b"").await?;
    let failure = output
        .text()
        .lines()
        .find_map(|line| line.strip_prefix("fail scheduler ").map(str::to_owned));
    match failure {
        None if output.status == 0 => Ok(()),
        failure => Err(ClusterError::new(
            &settings.name,
            ErrorKind::Scheduler,
            format!(
                "the job could not be cancelled ({})",
                failure.unwrap_or_else(|| output.complaint())
            ),
            "try again, or cancel it there by hand",
        )),
    }
}

/// Removes a job's folder.
pub(crate) async fn remove(
    transport: &dyn Transport,
    settings: &TargetSettings,
    site: &Site,
    job: &str,
) -> Result<(), ClusterError> {
    check_job(&settings.name, job)?;
    let output = exec(
        transport,
        &(about(&site.work, job) + "rm -rf -- \"$hoist_job\"\n"),
        b"",
    )
    .await?;
    if output.status == 0 {
        return Ok(());
    }
    Err(ClusterError::new(
        &settings.name,
        ErrorKind::File,
        format!(
            "the folder of job {job} could not be removed ({})",
            output.complaint()
        ),
        "remove it there by hand",
    ))
}
