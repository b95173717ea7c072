//! Submission: one script that sends what the other side lacks, makes the job's folder and submits once.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};

use crate::error::{ClusterError, ErrorKind};
use crate::resources::Resources;
use crate::scheduler::Scheduler;
use crate::script::{MARK_EXIT, START_OF};
use crate::settings::TargetSettings;
use crate::shell::quote;
use crate::site::{Site, work_dir_error};
use crate::transport::{Running, Transport};

/// What the scheduler calls the job: a number of Slurm's, `HOST:PID:START` of a plain process.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NativeId(pub String);

impl std::fmt::Display for NativeId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// One job to submit.
#[derive(Debug, Clone)]
pub struct Submission {
    /// The job's own name, made by us: letters and digits (a ULID). Submitting it twice submits it once.
    pub job: String,
    /// What the scheduler's lists show.
    pub name: String,
    /// The package's bytes.
    pub package: Arc<[u8]>,
    /// Their SHA-256 in hexadecimal, lower case.
    pub sha256: String,
    /// The bytes of `request.json`.
    pub request: Vec<u8>,
    /// What this job asks for; where it asks for nothing the target's own resources hold.
    pub resources: Resources,
}

/// How far the upload of a package is, in bytes. Not told at all when the package is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Upload {
    /// Bytes sent.
    pub sent: u64,
    /// Bytes in all.
    pub total: u64,
}

/// Packages up to this size travel on the submission's own channel; larger ones go by the file protocol first.
const SMALL: usize = 256 * 1024;

/// Whether this can be the name of a job's folder.
pub(crate) fn check_job(target: &str, job: &str) -> Result<(), ClusterError> {
    if !job.is_empty() && job.len() <= 64 && job.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return Ok(());
    }
    Err(ClusterError::new(
        target,
        ErrorKind::Settings,
        format!("{job:?} is not the name of a job"),
        "a job's name is made of letters and digits",
    ))
}

/// The first lines of every script about a job.
pub(crate) fn about(work: &str, job: &str) -> String {
    format!(
        "umask=$(umask)\numask 077\nwork={}\nhoist_job=\"$work/jobs/{job}\"\n{START_OF}{MARK_EXIT}{HELPERS}",
        quote(work)
    )
}

/// `fail KIND TEXT` ends the script with an error in one line. `tools NAME` looks for a scheduler's commands: many sites
/// put them on the path of login shells only.
const HELPERS: &str = r#"fail() { printf 'fail %s %s\n' "$1" "$(printf %s "$2" | tr '\000-\037' ' ')"; exit 0; }
tools() {
  command -v "$1" >/dev/null 2>&1 && return 0
  path=$(bash -lc 'printf "\n%s" "$PATH"' </dev/null 2>/dev/null | tail -n 1)
  PATH=$PATH:$path
  command -v "$1" >/dev/null 2>&1 || fail scheduler "there is no command $1"
}
"#;

fn script(
    scheduler: &dyn Scheduler,
    shell: &str,
    work: &str,
    submission: &Submission,
    small: bool,
) -> String {
    let receive = if small {
        RECEIVE
    } else {
        "fail absent 'the package'\n"
    };
    [
        "IFS= read -r request\nIFS= read -r script\n",
        &about(work, &submission.job),
        &format!("shell={}\nsum={}\n", quote_words(shell), submission.sha256),
        BEFORE,
        receive,
        FOLDER,
        scheduler.find(),
        "fi\nif [ -z \"$id\" ]; then\nmade=1\n",
        scheduler.submit(),
        AFTER,
    ]
    .concat()
}

/// `bash -l` stays two words where `$shell` is used without quotes.
fn quote_words(shell: &str) -> String {
    format!("'{shell}'")
}

const BEFORE: &str = r#"
package="$work/packages/$sum.zip"
fail() {
  rm -f "$work/packages/.$sum.$$"
  # What this attempt made goes again, unless the scheduler may have the job after all.
  if [ "$1" != uncertain ] && [ -n "${made:-}" ] && [ ! -d "$hoist_job/claimed" ]; then rm -rf "$hoist_job"; fi
  printf 'fail %s %s\n' "$1" "$(printf %s "$2" | tr '\000-\037' ' ')"
  exit 0
}
if [ -s "$hoist_job/native_id" ]; then printf 'id %s\n' "$(cat "$hoist_job/native_id")"; exit 0; fi
words=$(mkdir -p -- "$work/jobs" "$work/packages" 2>&1) || fail write "$words"
if [ -e "$package" ]; then echo have; else
echo need
"#;

const RECEIVE: &str = r#"
words=$( { cat >"$work/packages/.$sum.$$"; } 2>&1 ) || fail write "$words"
"#;

/// The sum of a file by whatever the machine has.
pub(crate) const SUM_OF: &str = r#"sum_of() {
  if command -v sha256sum >/dev/null 2>&1; then sha256sum <"$1" | cut -d' ' -f1
  elif command -v shasum >/dev/null 2>&1; then shasum -a 256 <"$1" | cut -d' ' -f1
  else openssl dgst -sha256 <"$1" | sed 's/.*= *//'; fi
}
"#;

const FOLDER: &str = r#"
got=$(sum_of "$work/packages/.$sum.$$")
[ "$got" = "$sum" ] || fail altered "$got"
words=$(mv -f "$work/packages/.$sum.$$" "$package" 2>&1) || fail write "$words"
fi
id=
[ -d "$hoist_job" ] || made=1
words=$(mkdir -p -- "$hoist_job" 2>&1) || fail write "$words"
if [ ! -d "$hoist_job/submitted" ]; then
  words=$( {
    printf %s "$request" | base64 -d >"$hoist_job/.request" && printf %s "$script" | base64 -d >"$hoist_job/.script" &&
    chmod 700 "$hoist_job/.script" && mv -f "$hoist_job/.script" "$hoist_job/script.sh" && mv -f "$hoist_job/.request" "$hoist_job/request.json" &&
    : >"$hoist_job/stdout" && : >"$hoist_job/stderr"
  } 2>&1 ) || fail write "$words"
fi
if ! mkdir "$hoist_job/submitted" 2>/dev/null; then
  # Somebody was here before and has not said how it went: wait for the id, then ask the scheduler.
  n=0
  while [ $n -lt 20 ] && [ ! -s "$hoist_job/native_id" ]; do sleep 0.1 2>/dev/null || sleep 1; n=$((n+1)); done
  if [ -s "$hoist_job/native_id" ]; then printf 'id %s\n' "$(cat "$hoist_job/native_id")"; exit 0; fi
"#;

const AFTER: &str = r#"
fi
if [ ! -s "$hoist_job/native_id" ]; then
  { printf %s "$id" >"$hoist_job/.native_id.$$" && mv -f "$hoist_job/.native_id.$$" "$hoist_job/native_id"; } 2>/dev/null
fi
printf 'id %s\n' "$id"
"#;

/// Submits the job, once, however often this is called for it.
pub(crate) async fn submit(
    transport: &dyn Transport,
    settings: &TargetSettings,
    site: &Site,
    submission: &Submission,
    progress: &(dyn Fn(Upload) + Send + Sync),
) -> Result<NativeId, ClusterError> {
    check_job(&settings.name, &submission.job)?;
    let refuse = |why: String| {
        Err(ClusterError::new(
            &settings.name,
            ErrorKind::Settings,
            why,
            "correct it and run again",
        ))
    };
    if submission.sha256.len() != 64 || !submission.sha256.bytes().all(|b| b.is_ascii_hexdigit()) {
        return refuse(format!("{:?} is not a SHA-256", submission.sha256));
    }
    if let Err(error) = submission.resources.over(&settings.resources).check() {
        return refuse(error.to_string());
    }
    let mut uncertain = 0;
    loop {
        let answer = attempt(transport, settings, site, submission, progress).await?;
        match answer {
            Answer::Id(id) => return Ok(NativeId(id)),
            Answer::Absent => upload(transport, settings, site, submission, progress).await?,
            Answer::Uncertain(words) => {
                uncertain += 1;
                if uncertain > 3 {
                    forbid(transport, site, submission).await?;
                    return Err(ClusterError::new(
                        &settings.name,
                        ErrorKind::Scheduler,
                        format!(
                            "the scheduler does not answer, the job was not submitted ({words})"
                        ),
                        "wait until the scheduler answers again, then run once more",
                    ));
                }
                tokio::time::sleep(Duration::from_secs(3)).await;
            }
        }
    }
}

enum Answer {
    Id(String),
    /// The package is not there and too large for the submission's own channel.
    Absent,
    /// The scheduler did not answer; the job may be in its queue or not.
    Uncertain(String),
}

async fn attempt(
    transport: &dyn Transport,
    settings: &TargetSettings,
    site: &Site,
    submission: &Submission,
    progress: &(dyn Fn(Upload) + Send + Sync),
) -> Result<Answer, ClusterError> {
    let scheduler = settings.scheduler.get();
    let job_script = crate::script::render(
        settings,
        scheduler,
        submission,
        &site.work,
        site.python_path(),
    );
    let small = submission.package.len() <= SMALL;
    let shell = crate::script::shell(settings, scheduler);
    let script = format!(
        "{SUM_OF}{}",
        script(scheduler, shell, &site.work, submission, small)
    );
    let input = format!(
        "{}\n{}\n",
        BASE64.encode(&submission.request),
        BASE64.encode(job_script)
    );
    let work = async {
        let mut running = Running::start(transport, &script).await?;
        running.write(input.as_bytes()).await;
        while let Some(line) = running.line().await {
            if let Some(id) = line.strip_prefix("id ") {
                running.finish().await?;
                return Ok(Answer::Id(id.trim().to_owned()));
            } else if line == "need" && small {
                let total = submission.package.len() as u64;
                progress(Upload { sent: 0, total });
                let mut sent = 0;
                for piece in submission.package.chunks(32 * 1024) {
                    if !running.write(piece).await {
                        break;
                    }
                    sent += piece.len() as u64;
                    progress(Upload { sent, total });
                }
                running.close_input().await;
            } else if let Some(failure) = line.strip_prefix("fail ") {
                let (kind, words) = failure.split_once(' ').unwrap_or((failure, ""));
                return failed(settings, kind, words);
            }
        }
        let output = running.finish().await?;
        Err(ClusterError::new(
            &settings.name,
            ErrorKind::Command,
            format!(
                "the submission there ended with status {} ({})",
                output.status,
                output.complaint()
            ),
            "run `hoist doctor` for this target to see what is wrong with it",
        ))
    };
    match tokio::time::timeout(Duration::from_secs(180), work).await {
        Ok(answer) => answer,
        Err(_) => Ok(Answer::Uncertain(
            "no answer within three minutes".to_owned(),
        )),
    }
}

fn failed(settings: &TargetSettings, kind: &str, words: &str) -> Result<Answer, ClusterError> {
    match kind {
        "absent" => Ok(Answer::Absent),
        "uncertain" => Ok(Answer::Uncertain(words.to_owned())),
        "write" => Err(work_dir_error(&settings.name, &settings.work_dir, words)),
        "altered" => Err(altered(&settings.name)),
        _ => Err(scheduler_error(settings, words)),
    }
}

/// The sentence for a scheduler that says no, with what to do about its most frequent words.
fn scheduler_error(settings: &TargetSettings, words: &str) -> ClusterError {
    let low = words.to_ascii_lowercase();
    let mend = if low.contains("no command") {
        "set `scheduler` of the target to what that machine has, or make its commands available to login shells"
    } else if low.contains("partition") {
        "correct `partition` in the target's resources; `sinfo` lists those there are"
    } else if low.contains("account") {
        "correct `account` in the target's resources"
    } else if low.contains("qos") {
        "correct the quality of service in the target's `extra` lines"
    } else if low.contains("limit") {
        "ask for less, or wait for your other jobs to end"
    } else {
        "correct the target's resources and run again"
    };
    ClusterError::new(&settings.name, ErrorKind::Scheduler, words, mend)
}

pub(crate) fn altered(target: &str) -> ClusterError {
    ClusterError::new(
        target,
        ErrorKind::Altered,
        "the package arrived altered and was thrown away",
        "run again; when it happens again, look at the disk and the network there",
    )
}

/// Makes sure that a job of which nobody knows whether it is queued never begins.
async fn forbid(
    transport: &dyn Transport,
    site: &Site,
    submission: &Submission,
) -> Result<(), ClusterError> {
    let script = about(&site.work, &submission.job)
        + "if mkdir \"$hoist_job/claimed\" 2>/dev/null; then : >\"$hoist_job/cancel\"; hoist_mark_exit 143 cancelled 'never submitted for certain'; fi\n";
    crate::transport::exec(transport, &script, b"")
        .await
        .map(drop)
}

/// Sends a large package: by the transport's file protocol, else through a script.
async fn upload(
    transport: &dyn Transport,
    settings: &TargetSettings,
    site: &Site,
    submission: &Submission,
    progress: &(dyn Fn(Upload) + Send + Sync),
) -> Result<(), ClusterError> {
    let total = submission.package.len() as u64;
    let temporary = format!(
        "{}/packages/.{}.{}",
        site.work, submission.sha256, submission.job
    );
    let head = format!(
        "umask 077\n{SUM_OF}temporary={}\npackage={}\n",
        quote(&temporary),
        quote(&format!("{}/packages/{}.zip", site.work, submission.sha256))
    );
    let tail = format!(
        r#"words=
if [ "$(sum_of "$temporary")" = {} ]; then
  words=$(mv -f "$temporary" "$package" 2>&1) && {{ echo done; exit 0; }}
  rm -f "$temporary"; echo "fail write $words"
else
  rm -f "$temporary"; echo "fail altered"
fi
"#,
        submission.sha256
    );
    progress(Upload { sent: 0, total });
    let sent = transport
        .upload(&temporary, &submission.package, &|sent| {
            progress(Upload { sent, total })
        })
        .await;
    let text = match sent {
        Ok(true) => crate::transport::exec(transport, &(head + &tail), b"")
            .await?
            .text(),
        Ok(false) => {
            let script = format!(
                "{head}words=$( {{ cat >\"$temporary\"; }} 2>&1 ) || {{ rm -f \"$temporary\"; echo \"fail write $(echo $words)\"; exit 0; }}\n{tail}"
            );
            let mut running = Running::start(transport, &script).await?;
            let mut sent = 0;
            for piece in submission.package.chunks(256 * 1024) {
                if !running.write(piece).await {
                    break;
                }
                sent += piece.len() as u64;
                progress(Upload { sent, total });
            }
            running.finish().await?.text()
        }
        Err(error) => {
            let script = format!("rm -f {}\n", quote(&temporary));
            // The first error is the one to tell.
            let _ = crate::transport::exec(transport, &script, b"").await;
            return Err(if error.kind == ErrorKind::File {
                work_dir_error(&settings.name, &settings.work_dir, &error.why)
            } else {
                error
            });
        }
    };
    match text.lines().find_map(|line| line.strip_prefix("fail ")) {
        Some(failure) => {
            let (kind, words) = failure.split_once(' ').unwrap_or((failure, ""));
            failed(settings, kind, words).map(drop)
        }
        None => Ok(()),
    }
}
