//! Submission: one script that sends what the other side lacks, makes the job's folder and submits once.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::data::DataFile;
use crate::environment::JobEnvironment;
use crate::error::{ClusterError, ErrorKind, one_line};
use crate::resources::Resources;
use crate::scheduler::Scheduler;
use crate::script::{MARK_EXIT, START_OF};
use crate::settings::TargetSettings;
use crate::shell::quote;
use crate::site::{Site, work_dir_error};
use crate::transport::{Running, Transport, exec};
use crate::upload::{SentFile, Stop, send_file};

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
    /// Jobs that must have succeeded before it begins. They are submitted to the same scheduler and have their folders in the
    /// same work folder; the scheduler holds the job until they are over, and the job itself looks how they ended.
    pub after: Vec<Parent>,
    /// What its Python can import.
    pub environment: JobEnvironment,
    /// The data files that its package names and does not hold.
    pub data: Arc<[DataFile]>,
}

/// A job that another one comes after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parent {
    /// Its name, as of [`Submission::job`].
    pub job: String,
    /// What the scheduler calls it.
    pub native_id: NativeId,
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

/// `fail KIND TEXT` ends the script with an error in one line. `tools NAME [PREFIX]` looks for a scheduler's commands, and for the
/// variables that they need, whose names begin so: many sites give them to login shells only.
const HELPERS: &str = r#"fail() { printf 'fail %s %s\n' "$1" "$(printf %s "$2" | tr '\000-\037' ' ')"; exit 0; }
tools() {
  if [ -n "${2:-}" ] && ! env | grep -q "^$2"; then
    eval "$(bash -lc 'export -p' </dev/null 2>/dev/null | sed -n "s/^declare -x \\($2[A-Z_]*=\".*\"\)\$/export \\1/p")"
  fi
  command -v "$1" >/dev/null 2>&1 && return 0
  path=$(bash -lc 'printf "\n%s" "$PATH"' </dev/null 2>/dev/null | tail -n 1)
  PATH=$PATH:$path
  command -v "$1" >/dev/null 2>&1 || fail scheduler "there is no command $1"
}
"#;

/// What a submission sends and how, whether it is one job's or that of many.
pub(crate) struct Sending<'a> {
    /// The name of its folder.
    pub(crate) job: &'a str,
    pub(crate) package: &'a [u8],
    pub(crate) sha256: &'a str,
    pub(crate) resources: &'a Resources,
    /// What these variables of the script there hold. It comes on standard input: a process's arguments are for all to see, and
    /// have a limit.
    pub(crate) texts: Vec<(&'static str, String)>,
    /// Shell lines that set variables.
    pub(crate) variables: String,
    /// Shell lines that remove what this attempt made.
    pub(crate) clean: &'static str,
    /// Shell commands, joined by `&&`, that fill the folder with `put NAME TEXT`.
    pub(crate) fill: &'static str,
    /// Shell lines that submit.
    pub(crate) submit: &'static str,
    /// What must have succeeded before.
    pub(crate) after: &'a [Parent],
    /// What it needs of the store.
    pub(crate) data: &'a [DataFile],
}

/// Puts down the names of the files of the store that are needed as long as the folder is there.
const FILL_DATA: &str = r#"put data "$data" &&"#;

/// Puts down the jobs that must have succeeded before, a line each: name and native id.
const FILL_AFTER: &str = r#"put after "$parents" &&"#;

/// Sets `$after` to the native ids, one a line, that the scheduler must wait for: of those parents that are not over yet, each
/// array once. One that is over may be forgotten there, and that would be an error.
const AFTER_IDS: &str = r#"after=$(while read -r parent id; do
  [ -e "$work/jobs/$parent/exit" ] || printf '%s\n' "$id"
done <"$hoist_job/after" | "#;

impl Sending<'_> {
    /// What the variables of the script there hold.
    fn texts(&self) -> Vec<(&'static str, String)> {
        let mut texts = self.texts.clone();
        if !self.after.is_empty() {
            let lines = self.after.iter();
            let lines: String = lines
                .map(|parent| format!("{} {}\n", parent.job, parent.native_id))
                .collect();
            texts.push(("parents", lines));
        }
        if !self.data.is_empty() {
            let lines = self.data.iter();
            let lines = lines.map(|file| format!("{} {}\n", file.sha256, one_line(&file.path)));
            texts.push(("data", lines.collect()));
        }
        texts
    }

    fn is_small(&self) -> bool {
        self.package.len() <= SMALL
    }

    fn script(&self, scheduler: &dyn Scheduler, shell: &str, work: &str) -> String {
        // At once, as `read` takes byte after byte. Nothing else is sent before the script has asked for it.
        let reads = format!(
            "told=\neval \"$(head -c {})\"\n[ -n \"$told\" ] || exit 1\n",
            self.input().len()
        );
        let (fill_after, after) = match self.after {
            [] => ("", "after=\n".to_owned()),
            _ => (FILL_AFTER, format!("{AFTER_IDS}{})\n", scheduler.after())),
        };
        let fill_data = match self.data {
            [] => "",
            _ => FILL_DATA,
        };
        let receive = if self.is_small() {
            RECEIVE
        } else {
            "fail absent 'the package'\n"
        };
        [
            SUM_OF,
            PUT,
            &reads,
            &about(work, self.job),
            &format!("shell={}\nsum={}\n", quote_words(shell), self.sha256),
            &self.variables,
            "clean() {\n",
            self.clean,
            "}\n",
            BEFORE,
            receive,
            FOLDER,
            "fill() {\n",
            fill_after,
            fill_data,
            self.fill,
            "\n}\n",
            FILLED,
            CLAIM,
            scheduler.find(),
            "fi\nif [ -z \"$id\" ]; then\nmade=1\n",
            &after,
            self.submit,
            AFTER,
        ]
        .concat()
    }

    /// Shell lines that set the variables; the last one says that all of them came.
    fn input(&self) -> String {
        let texts = self.texts();
        let texts = texts.iter();
        let texts = texts.map(|(name, text)| format!("{name}={}\n", quote(text)));
        texts.chain(["told=1\n".to_owned()]).collect()
    }
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
  if [ "$1" != uncertain ] && [ -n "${made:-}" ] && [ ! -e "$hoist_job/claimed" ]; then clean; fi
  printf 'fail %s %s\n' "$1" "$(printf %s "$2" | tr '\000-\037' ' ')"
  exit 0
}
if [ -s "$hoist_job/native_id" ]; then printf 'id %s\n' "$(cat "$hoist_job/native_id")"; exit 0; fi
if [ ! -d "$work/jobs" ] || [ ! -d "$work/packages" ]; then
  words=$(mkdir -p -- "$work/jobs" "$work/packages" 2>&1) || fail write "$words"
fi
# Its age is that of its last use.
if [ -e "$package" ]; then touch -c "$package" >/dev/null 2>&1 & echo have; else
echo need
"#;

const RECEIVE: &str = r#"
words=$( { cat >"$work/packages/.$sum.$$"; } 2>&1 ) || fail write "$words"
"#;

/// `sum_of FILE` sets `$got` to the sum of a file by whatever the machine has.
pub(crate) const SUM_OF: &str = r#"sum_of() {
  if command -v sha256sum >/dev/null 2>&1; then got=$(sha256sum <"$1"); got=${got%% *}
  elif command -v shasum >/dev/null 2>&1; then got=$(shasum -a 256 <"$1"); got=${got%% *}
  else got=$(openssl dgst -sha256 <"$1"); got=${got##*= }; fi
}
"#;

const FOLDER: &str = r#"
sum_of "$work/packages/.$sum.$$"
[ "$got" = "$sum" ] || fail altered "$got"
words=$(mv -f "$work/packages/.$sum.$$" "$package" 2>&1) || fail write "$words"
fi
id=
if mkdir "$hoist_job" 2>/dev/null; then made=1
else words=$(mkdir -p -- "$hoist_job" 2>&1) || fail write "$words"; fi
"#;

/// `put NAME TEXT` writes a file of the folder. Who made the folder writes where nobody has written: an attempt that was cut off
/// on our side may go on over there beside the next one, whose job may read its script already. Everybody else replaces.
const PUT: &str = r#"put() {
  if [ -n "${made:-}" ]; then
    set -C; printf %s "$2" >"$hoist_job/$1"; put=$?; set +C
    [ $put = 0 ] || [ "$(cat "$hoist_job/$1"; echo .)" = "$2." ]
  else
    printf %s "$2" >"$hoist_job/.$1.$$" && mv -f "$hoist_job/.$1.$$" "$hoist_job/$1"
  fi
}
"#;

/// Fills the folder. Should that fail, it is tried once more in the other way, to hear why.
const FILLED: &str = r#"
if [ ! -e "$hoist_job/submitted" ]; then
  fill 2>/dev/null || words=$(made=; fill 2>&1) || fail write "$words"
fi
"#;

/// Fills the folder of one job. What is in its streams stays: it may have begun by now.
const FILL: &str = r#"put .last ' ' && put script.sh "$script" && put request.json "$request" && true >>"$hoist_job/stdout" && true >>"$hoist_job/stderr""#;

/// Takes the turn to submit. An attempt that was cut off on our side may go on over there, in a scheduler's command that waits for
/// the scheduler: as long as it lives nobody else has a turn, because neither of the two would know of the other's job.
const CLAIM: &str = r#"
# Who has the turn: `unknown`, `elsewhere` (another machine's process), `lives` or `dead`.
look() {
  by_host=; by_pid=; by_start=
  { read -r by_host by_pid by_start <"$turn"; } 2>/dev/null
  if [ -z "$by_start" ]; then holder=unknown
  elif [ "$by_host" != "$hoist_here" ]; then holder=elsewhere
  elif [ "$(hoist_start_of "$by_pid")" = "$by_start" ]; then holder=lives
  else holder=dead; fi
}
# Fails where the file exists, as `mkdir` does, and needs no process.
take() {
  set -C; { true >"$turn"; } 2>/dev/null; taken=$?; set +C
  return $taken
}
turn=$hoist_job/submitted
again=
n=0
while ! take; do
  [ -d "$hoist_job" ] || fail uncertain "an earlier attempt was taken back"
  [ -e "$turn" ] || fail write "$turn cannot be made"
  # Somebody was here before and has not said how it went: wait for the id, then ask the scheduler.
  again=1
  holder=unknown
  while [ ! -s "$hoist_job/native_id" ]; do
    case $holder in unknown|lives) look ;; esac
    case $holder in lives) most=600 ;; elsewhere) most=150 ;; *) most=20 ;; esac
    [ $n -lt $most ] || break
    sleep 0.1 2>/dev/null || sleep 1; n=$((n+1))
  done
  if [ -s "$hoist_job/native_id" ]; then printf 'id %s\n' "$(cat "$hoist_job/native_id")"; exit 0; fi
  [ "$holder" != lives ] || fail uncertain "an earlier attempt still waits for the scheduler"
  turn=$turn.next
done
hoist_since_of $$
{ printf '%s %s %s\n' "$hoist_here" $$ "$hoist_since" >"$turn"; } 2>/dev/null
if [ -n "$again" ]; then
"#;

const AFTER: &str = r#"
fi
if [ ! -s "$hoist_job/native_id" ]; then
  { printf %s "$id" >"$hoist_job/.native_id.$$" && mv -f "$hoist_job/.native_id.$$" "$hoist_job/native_id"; } 2>/dev/null
fi
# Should there be two of it after all, the one that began has written its own.
if [ -s "$hoist_job/native_id" ]; then IFS= read -r id <"$hoist_job/native_id"; fi
printf 'id %s\n' "$id"
"#;

/// The bytes of a request as text, which a variable of a shell can hold.
pub(crate) fn text_of(target: &str, request: &[u8]) -> Result<String, ClusterError> {
    match std::str::from_utf8(request) {
        Ok(text) if !text.contains('\0') => Ok(text.to_owned()),
        _ => Err(ClusterError::new(
            target,
            ErrorKind::Settings,
            "the request is not JSON",
            "correct it and run again",
        )),
    }
}

/// Submits the job, once, however often this is called for it.
pub(crate) async fn submit(
    transport: &dyn Transport,
    settings: &TargetSettings,
    site: &Site,
    submission: &Submission,
    progress: &(dyn Fn(Upload) + Send + Sync),
    stop: &Stop<'_>,
) -> Result<NativeId, ClusterError> {
    let scheduler = site.scheduler;
    let script = crate::script::render(settings, scheduler, submission, &site.place())?;
    let sending = Sending {
        job: &submission.job,
        package: &submission.package,
        sha256: &submission.sha256,
        resources: &submission.resources,
        texts: vec![
            ("request", text_of(&settings.name, &submission.request)?),
            ("script", script),
        ],
        variables: "log=scheduler.log\n".to_owned(),
        clean: "rm -rf \"$hoist_job\"\n",
        fill: FILL,
        submit: scheduler.submit(),
        after: &submission.after,
        data: &submission.data,
    };
    send(transport, settings, site, &sending, progress, stop).await
}

/// Sends what is not there and submits, once. A package that is absent was never submitted, so its upload can be stopped without a
/// doubt; nothing else is.
pub(crate) async fn send(
    transport: &dyn Transport,
    settings: &TargetSettings,
    site: &Site,
    sending: &Sending<'_>,
    progress: &(dyn Fn(Upload) + Send + Sync),
    stop: &Stop<'_>,
) -> Result<NativeId, ClusterError> {
    check_job(&settings.name, sending.job)?;
    let refuse = |why: String| {
        Err(ClusterError::new(
            &settings.name,
            ErrorKind::Settings,
            why,
            "correct it and run again",
        ))
    };
    if sending.sha256.len() != 64 || !sending.sha256.bytes().all(|b| b.is_ascii_hexdigit()) {
        return refuse(format!("{:?} is not a SHA-256", sending.sha256));
    }
    if let Err(error) = sending.resources.over(&settings.resources).check_together() {
        return refuse(error.to_string());
    }
    let mut uncertain = 0;
    let mut refused = false;
    loop {
        let answer = match attempt(transport, settings, site, sending, progress).await {
            // One that it comes after may have ended just now, which is an error there, and no longer once its exit marker is seen.
            Err(error)
                if error.kind == ErrorKind::Scheduler && !sending.after.is_empty() && !refused =>
            {
                refused = true;
                tokio::time::sleep(Duration::from_secs(2)).await;
                continue;
            }
            answer => answer?,
        };
        match answer {
            Answer::Id(id) => return Ok(NativeId(id)),
            Answer::Absent => {
                upload(transport, settings, site, sending, progress, stop).await?;
            }
            Answer::Uncertain(words) => {
                uncertain += 1;
                if uncertain > 3 {
                    forbid(transport, site, sending.job).await?;
                    return Err(ClusterError::new(
                        &settings.name,
                        ErrorKind::SchedulerSilent,
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
    sending: &Sending<'_>,
    progress: &(dyn Fn(Upload) + Send + Sync),
) -> Result<Answer, ClusterError> {
    let scheduler = site.scheduler;
    let shell = crate::script::shell(settings, scheduler);
    let script = sending.script(scheduler, shell, &site.work);
    let work = async {
        let mut running = Running::start(transport, &script).await?;
        running.write(sending.input().as_bytes()).await;
        while let Some(line) = running.line().await {
            if let Some(id) = line.strip_prefix("id ") {
                running.finish().await?;
                return Ok(Answer::Id(id.trim().to_owned()));
            } else if line == "need" && sending.is_small() {
                let total = sending.package.len() as u64;
                progress(Upload { sent: 0, total });
                let mut sent = 0;
                for piece in sending.package.chunks(32 * 1024) {
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
        _ => Err(refused(settings, kind, words)),
    }
}

/// The error that a script there names in its line `fail KIND WORDS`.
pub(crate) fn refused(settings: &TargetSettings, kind: &str, words: &str) -> ClusterError {
    match kind {
        "write" => work_dir_error(&settings.name, &settings.work_dir, words),
        "altered" => altered(&settings.name),
        _ => scheduler_error(settings, words),
    }
}

/// The sentence for a scheduler that says no, with what to do about its most frequent words.
pub(crate) fn scheduler_error(settings: &TargetSettings, words: &str) -> ClusterError {
    let low = words.to_ascii_lowercase();
    let scheduler = settings.scheduler.of_machine();
    let mends = scheduler.map_or(&[][..], |scheduler| scheduler.mends());
    let mend = if low.contains("no command") {
        "set `scheduler` of the target to what that machine has, or make its commands available to login shells"
    } else if let Some((_, mend)) = mends.iter().find(|(words, _)| low.contains(words)) {
        mend
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
async fn forbid(transport: &dyn Transport, site: &Site, job: &str) -> Result<(), ClusterError> {
    let script = about(&site.work, job)
        + ": >\"$hoist_job/forbidden\"\nif mkdir \"$hoist_job/claimed\" 2>/dev/null; then : >\"$hoist_job/cancel\"; hoist_mark_exit 143 cancelled 'never submitted for certain'; fi\n";
    exec(transport, &script, b"").await.map(drop)
}

/// Sends a large package.
async fn upload(
    transport: &dyn Transport,
    settings: &TargetSettings,
    site: &Site,
    sending: &Sending<'_>,
    progress: &(dyn Fn(Upload) + Send + Sync),
    stop: &Stop<'_>,
) -> Result<(), ClusterError> {
    let packages = format!("{}/packages", site.work);
    let sent = SentFile {
        temporary: &format!("{packages}/.{}.{}", sending.sha256, sending.job),
        path: &format!("{packages}/{}.zip", sending.sha256),
        sha256: sending.sha256,
        bytes: sending.package,
    };
    send_file(transport, settings, site, &sent, progress, stop).await
}
