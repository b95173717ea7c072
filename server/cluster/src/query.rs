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
use crate::target::Made;
use crate::transport::{Transport, exec};

/// The scheduler's last answer and when it may be asked again.
#[derive(Default)]
pub(crate) struct Answers {
    states: HashMap<String, SchedulerState>,
    /// Since when the scheduler has had no word about a job.
    missing: HashMap<String, Instant>,
    next: Option<Instant>,
    pause: Duration,
}

impl Answers {
    /// Takes back that a job has vanished until that was so for `patience`.
    fn wait_for_the_late(
        &mut self,
        states: &mut HashMap<String, SchedulerState>,
        now: Instant,
        patience: Duration,
    ) {
        let vanished = |state: &SchedulerState| {
            matches!(
                state,
                SchedulerState::Ended {
                    outcome: Outcome::Vanished,
                    ..
                }
            )
        };
        self.missing
            .retain(|id, _| states.get(id).is_some_and(vanished));
        for (id, state) in states.iter_mut().filter(|(_, state)| vanished(state)) {
            let since = *self.missing.entry(id.clone()).or_insert(now);
            if now - since < patience {
                *state = SchedulerState::Unknown;
            }
        }
    }
}

/// For so many jobs a script stays below what the other side takes as one argument (128 KiB on Linux).
const AT_ONCE: usize = 1_000;

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
        let ids: Vec<&str> = jobs.iter().map(|(_, id)| id.0.as_str()).collect();
        let mut states = questions(transport, settings, site, &ids).await?;
        answers.wait_for_the_late(&mut states, now, least * site.scheduler.patience());
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

/// What the scheduler says of these jobs right now.
pub(crate) async fn ask(
    transport: &dyn Transport,
    settings: &TargetSettings,
    site: &Site,
    ids: &[NativeId],
) -> Result<HashMap<NativeId, SchedulerState>, ClusterError> {
    let ids: Vec<&str> = ids.iter().map(|id| id.0.as_str()).collect();
    let states = questions(transport, settings, site, &ids).await?;
    Ok(states
        .into_iter()
        .map(|(id, state)| (NativeId(id), state))
        .collect())
}

/// As many questions to the scheduler as so many jobs need.
async fn questions(
    transport: &dyn Transport,
    settings: &TargetSettings,
    site: &Site,
    ids: &[&str],
) -> Result<HashMap<String, SchedulerState>, ClusterError> {
    let mut states = HashMap::new();
    for ids in ids.chunks(AT_ONCE) {
        states.extend(question(transport, settings, site, ids).await?);
    }
    Ok(states)
}

/// One question to the scheduler.
async fn question(
    transport: &dyn Transport,
    settings: &TargetSettings,
    site: &Site,
    ids: &[&str],
) -> Result<HashMap<String, SchedulerState>, ClusterError> {
    let scheduler = site.scheduler;
    let script = about(&site.work, "") + &scheduler.query(ids);
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
    Ok(scheduler.read(&text))
}

fn no_answer(settings: &TargetSettings, words: &str) -> ClusterError {
    ClusterError::new(
        &settings.name,
        ErrorKind::Scheduler,
        format!("the scheduler does not answer ({words})"),
        "jobs go on meanwhile; Hoist asks again later",
    )
}

/// What the exit marker says of a job that wrote none: its status, state and reason.
pub(crate) fn marker_of(outcome: Outcome, words: &str) -> (i32, &'static str, &str) {
    match outcome {
        Outcome::Completed => (
            3,
            "crashed",
            "the scheduler says that the job completed, but its runner left no exit marker",
        ),
        Outcome::Failed => (1, "crashed", words),
        Outcome::NotStarted => (126, "failed", words),
        Outcome::Killed | Outcome::OutOfMemory => (137, "crashed", words),
        Outcome::Cancelled => (143, "cancelled", words),
        Outcome::TimedOut => (124, "timed_out", words),
        Outcome::NodeFailed | Outcome::Preempted | Outcome::Vanished => (143, "lost", words),
    }
}

/// Writes the exit marker of jobs that ended without writing one.
async fn settle(
    transport: &dyn Transport,
    site: &Site,
    jobs: &[(String, NativeId)],
    states: &HashMap<String, SchedulerState>,
) -> Result<(), ClusterError> {
    let mut ended = Vec::new();
    for (job, id) in jobs {
        let Some(SchedulerState::Ended { outcome, words }) = states.get(&id.0) else {
            continue;
        };
        let (code, state, words) = marker_of(*outcome, words);
        ended.push(format!("settle {job} {code} {state} {}\n", quote(words)));
    }
    let head = about(&site.work, "")
        + &format!(
            r#"lacks() {{ [ -d "$work/jobs/$1" ] && ! ls "$work/jobs/$1" | grep -qx exit; }}
settle() {{
  lacks "$1" || return 0
  hoist_job="$work/jobs/$1"
  if [ -z "$waited" ]; then
    waited=1
    for n in 1 2 3; do sleep {}; lacks "$1" || return 0; done
  fi
  mkdir "$hoist_job/claimed" 2>/dev/null
  state=$3
  if [ -e "$hoist_job/cancel" ] && [ "$state" = lost ]; then state=cancelled; fi
  hoist_mark_exit "$2" "$state" "$4"
}}
waited=
"#,
            GRACE.as_secs() / 3
        );
    for ended in ended.chunks(AT_ONCE / 4) {
        exec(transport, &(head.clone() + &ended.concat()), b"").await?;
    }
    Ok(())
}

/// Asks for the end of jobs. One that has not begun never will, and its exit marker says so at once.
pub(crate) async fn cancel(
    transport: &dyn Transport,
    settings: &TargetSettings,
    site: &Site,
    jobs: &[(String, NativeId, Made)],
) -> Result<(), ClusterError> {
    for jobs in jobs.chunks(AT_ONCE) {
        cancel_some(transport, settings, site, jobs).await?;
    }
    Ok(())
}

async fn cancel_some(
    transport: &dyn Transport,
    settings: &TargetSettings,
    site: &Site,
    jobs: &[(String, NativeId, Made)],
) -> Result<(), ClusterError> {
    let mut script = about(&site.work, "") + WANT;
    for (job, id, made) in jobs {
        check_job(&settings.name, job)?;
        let made = match made {
            Made::Before => "",
            Made::AtStart => " later",
        };
        script.push_str(&format!("want {job} {}{made}\n", quote(&id.0)));
    }
    script.push_str(WANTED);
    script.push_str(site.scheduler.cancel());
    script.push_str(
        r#"
for job in $fresh; do
  hoist_job="$work/jobs/$job"
  hoist_mark_exit 143 cancelled "cancelled before it began"
done
"#,
    );
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

/// Shell function `want JOB ID [later]`: writes down that the job is to end, in its folder and in the lists of those that are
/// asked for.
const WANT: &str = r#"ids=; jobs=; fresh=
want() {
  hoist_job="$work/jobs/$1"
  [ -z "$3" ] || mkdir -p "$hoist_job"
  [ -d "$hoist_job" ] && [ ! -e "$hoist_job/exit" ] || return 0
  : >"$hoist_job/cancel" || exit 1
  mkdir "$hoist_job/claimed" 2>/dev/null && fresh="$fresh $1"
  jobs="$jobs$1 "
  ids="$ids$2
"
}
"#;

/// `$ids` as `"$@"`; a native id has no line break.
const WANTED: &str = r#"
[ -n "$ids" ] || exit 0
set -f; IFS='
'
set -- $ids
set +f; unset IFS
"#;

/// Removes folders of these names in the work folder's `kind`: `jobs` or `checkpoints`.
pub(crate) async fn remove(
    transport: &dyn Transport,
    settings: &TargetSettings,
    site: &Site,
    kind: &str,
    jobs: &[String],
) -> Result<(), ClusterError> {
    for jobs in jobs.chunks(AT_ONCE) {
        for job in jobs {
            check_job(&settings.name, job)?;
        }
        let script = format!(
            "{}failed=\nfor job in {}; do rm -rf -- \"$work/{kind}/$job\" \"$work/packages/.\"*\".$job\" || failed=1; done\n[ -z \"$failed\" ]\n",
            about(&site.work, ""),
            jobs.join(" ")
        );
        let output = exec(transport, &script, b"").await?;
        if output.status != 0 {
            return Err(ClusterError::new(
                &settings.name,
                ErrorKind::File,
                format!(
                    "the folders of jobs could not be removed ({})",
                    output.complaint()
                ),
                "remove them there by hand",
            ));
        }
    }
    Ok(())
}

/// Removes packages that were not used for so many days and that no job's script there names, data files likewise, wheels that no environment was built
/// of for as long, and what is left of uploads that nobody took up again. Whoever else works in the folder is spared by that, too.
pub(crate) async fn remove_packages(
    transport: &dyn Transport,
    site: &Site,
    days: u64,
) -> Result<(), ClusterError> {
    let script = about(&site.work, "")
        + &format!(
            r#"cd "$work/packages" 2>/dev/null || exit 0
find . -type f -name '*.zip' -mtime +{days} | while IFS= read -r package; do
  sum=${{package#./}}; sum=${{sum%.zip}}
  grep -qsF "$sum" "$work"/jobs/*/script.sh || rm -f "$package"
done
find . -type f -name '.*' -mtime +{days} -exec rm -f {{}} +
if cd "$work/data" 2>/dev/null; then
  # The age of a seal is that of the last use. A job that is there may need its files, whether it runs or waits.
  find . -type f -name '*.seal' -mtime +{days} | while IFS= read -r seal; do
    sum=${{seal#./}}; sum=${{sum%.seal}}
    cat "$work"/jobs/*/data 2>/dev/null | cut -d ' ' -f 1 | grep -qxF "$sum" || rm -f "$seal" "$sum"
  done
  find . -type f -mtime +{days} ! -name '*.seal' | while IFS= read -r left; do
    [ -e "$left.seal" ] || rm -f "$left"
  done
fi
cd "$work/wheels" 2>/dev/null || exit 0
find . -type f -mtime +{days} -exec rm -f {{}} +
find . -mindepth 1 -type d -empty -exec rmdir {{}} + 2>/dev/null
"#
        );
    exec(transport, &script, b"").await.map(drop)
}
