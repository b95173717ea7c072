//! Building an environment there and listening to it.
//!
//! The programme that builds outlives the connection and writes a folder like a job's, so the follower of the jobs follows it. Here
//! we say every now and then that it is wanted; when nobody does it ends.

use std::collections::HashSet;
use std::path::PathBuf;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::Deserialize;
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::progress::Progress;
use super::shell::JobShell;
use super::spec::{BuildProgress, EnvironmentSpec, JobEnvironment, Wheel};
use super::words::BuildError;
use crate::error::{ClusterError, ErrorKind};
use crate::follower::{FollowEvent, Offsets};
use crate::machine::Machine;
use crate::script::quote as quote_line;
use crate::settings::TargetSettings;
use crate::shell::quote;
use crate::submit::about;
use crate::target::Made;
use crate::transport::exec;
use crate::upload::{SentFile, never, send_file};

const PROGRAM: &str = concat!(include_str!("place.py"), "\n\n", include_str!("build.py"));

/// How often a build is told that it is wanted. It goes on for a minute without.
const WANTED: Duration = Duration::from_secs(15);
/// For so long a build that another machine does gives no sign of life before it is held to be dead.
const STALE: Duration = Duration::from_secs(60);
/// So much of a log is kept for understanding a failure.
const LOG_KEPT: usize = 256 * 1024;
/// So many builds in a row may be lost.
const LOST: usize = 4;

/// What the programme over there answers.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Answer {
    /// It is there; the path of its Python.
    Ready(String),
    /// The number of the build that goes on.
    Building(u64),
    /// It cannot begin.
    Stop(String),
}

/// How a build that was followed ended.
enum End {
    Whole,
    Failed,
    /// It is gone without a word, or gives no sign of life since this one.
    Lost(Option<String>),
}

/// Builds an environment unless it is there; the path of its Python there.
pub(crate) async fn build(
    machine: &Machine,
    settings: &TargetSettings,
    spec: &EnvironmentSpec,
    progress: &(dyn Fn(BuildProgress) + Send + Sync),
) -> Result<String, BuildError> {
    spec.check(&settings.name)?;
    // Most often it is there, and loading the modules of the target takes longer than this.
    if let Some(python) = ready(machine, spec).await? {
        return Ok(python);
    }
    let wheels = carry(machine, settings, spec, progress).await?;
    let told = spec.json(&wheels);
    let mut stale = None;
    let mut followed = None;
    for _ in 0..LOST {
        let number = match begin(machine, settings, &told, stale.take()).await? {
            Answer::Ready(python) => return Ok(python),
            Answer::Building(number) => number,
            Answer::Stop(why) => {
                let error = crate::site::work_dir_error(&settings.name, &settings.work_dir, &why);
                return Err(error.into());
            }
        };
        let mut log = Vec::new();
        let build = Followed {
            folder: format!(
                "{}/envs/{}/hoist/builds/{number}",
                machine.site.work, spec.name
            ),
            // One that was held to be dead and is not has process numbers that are not seen from here.
            is_unseen: followed == Some(number),
        };
        followed = Some(number);
        match follow(machine, settings, spec, &build, &mut log, progress).await? {
            End::Whole => {}
            End::Failed => {
                let text = String::from_utf8_lossy(&log);
                return Err(
                    BuildError::of_log(&settings.name, &text).unwrap_or_else(|| {
                        ended(
                            settings,
                            "the environment was not built, and its log does not say why",
                        )
                        .into()
                    }),
                );
            }
            End::Lost(beat) => stale = beat.map(|beat| (number, beat)),
        }
    }
    Err(ended(
        settings,
        "the build of the environment ends there again and again without a word",
    )
    .into())
}

fn ended(settings: &TargetSettings, why: &str) -> ClusterError {
    ClusterError::new(
        &settings.name,
        ErrorKind::Command,
        why,
        "look whether the machine kills processes of yours, or set `build = \"job\"` for the target",
    )
}

/// Whether it is there: the path of its Python.
async fn ready(machine: &Machine, spec: &EnvironmentSpec) -> Result<Option<String>, ClusterError> {
    let home = format!("{}/envs/{}", machine.site.work, spec.name);
    let script = format!(
        "cd {} 2>/dev/null && [ -e hoist/ready ] && [ -x bin/python ] && touch hoist/used && echo ready",
        quote(&home)
    );
    let output = exec(&*machine.transport, &script, b"").await?;
    let is_ready = output.text().trim() == "ready";
    Ok(is_ready.then(|| format!("{home}/bin/python")))
}

/// Has it built by a process over there, unless one does already.
async fn begin(
    machine: &Machine,
    settings: &TargetSettings,
    told: &serde_json::Value,
    stale: Option<(u64, String)>,
) -> Result<Answer, ClusterError> {
    let site = &machine.site;
    // The programme and what it is told come on stream 8, as arguments have a limit.
    let question = serde_json::json!({
        "work": site.work,
        "spec": told,
        "here": false,
        "stale": stale,
    });
    let question = format!("{}\n{question}\n", BASE64.encode(PROGRAM));
    let boot = "import sys;sys.path[:]=[p for p in sys.path if p];import base64;exec(compile(base64.b64decode(sys.stdin.buffer.readline()),'hoist-environment','exec'))";
    let run = format!("\"$hoist_python\" -u -c {} <&8 >&7", quote(boot));
    let shell = JobShell::base(settings, site);
    let output = exec(
        &*machine.transport,
        &shell.script(&run),
        question.as_bytes(),
    )
    .await?;
    let line = shell.told(&output)?;
    let answer = serde_json::from_str(&line).map_err(|_| shell.odd_answer(&output))?;
    if let Answer::Ready(python) = &answer
        && (!python.starts_with('/') || python.chars().any(char::is_control))
    {
        return Err(shell.odd_answer(&output));
    }
    Ok(answer)
}

/// A build that goes on.
struct Followed {
    folder: String,
    /// Whether it lives is told by its beat alone.
    is_unseen: bool,
}

/// Follows a build to its end, and says that it is wanted.
async fn follow(
    machine: &Machine,
    settings: &TargetSettings,
    spec: &EnvironmentSpec,
    build: &Followed,
    log: &mut Vec<u8>,
    progress: &(dyn Fn(BuildProgress) + Send + Sync),
) -> Result<End, ClusterError> {
    #[derive(Deserialize)]
    struct Exit {
        code: i32,
    }
    let folder = build.folder.clone();
    let mut events = machine.follow_folder(settings, folder, Made::Before, Offsets::default())?;
    let mut reader = Progress::new(if spec.complete {
        spec.requirements.len()
    } else {
        0
    });
    let mut tick = interval(WANTED);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut beats = Beats::default();
    loop {
        tokio::select! {
            event = events.recv() => match event {
                Some(FollowEvent::Output { bytes, .. }) => {
                    log.extend_from_slice(&bytes);
                    let cut = log.len().saturating_sub(LOG_KEPT);
                    log.drain(..cut);
                    let news = reader.push(&bytes);
                    progress(BuildProgress::Log(bytes));
                    if let Some(news) = news {
                        progress(news);
                    }
                }
                Some(FollowEvent::Exit(bytes)) => {
                    let exit: Option<Exit> = serde_json::from_slice(&bytes).ok();
                    return Ok(match exit {
                        Some(Exit { code: 0 }) => End::Whole,
                        _ => End::Failed,
                    });
                }
                Some(FollowEvent::Lost(error)) => return Err(error),
                Some(FollowEvent::Gone(_)) | None => return Ok(End::Lost(None)),
                Some(_) => {}
            },
            _ = tick.tick() => {
                // A connection that is lost is the follower's to tell of.
                match want(machine, build).await {
                    Ok(Sign::Dead) => return Ok(End::Lost(None)),
                    Ok(Sign::Beat(beat)) => if beats.stand_still(&beat) {
                        return Ok(End::Lost(Some(beat)));
                    },
                    Ok(Sign::Over) | Err(_) => {}
                }
            }
        }
    }
}

/// The signs of life of a build, as they were seen.
#[derive(Default)]
struct Beats {
    last: Option<(String, Instant)>,
}

impl Beats {
    /// Whether there has been none for long. Clocks of two machines need not agree, so it is seen, not read.
    fn stand_still(&mut self, beat: &str) -> bool {
        match &self.last {
            Some((last, since)) if last == beat => since.elapsed() > STALE,
            _ => {
                self.last = Some((beat.to_owned(), Instant::now()));
                false
            }
        }
    }
}

/// What is seen of a build.
enum Sign {
    Over,
    Dead,
    Beat(String),
}

/// Says that a build is wanted, and looks whether it lives.
async fn want(machine: &Machine, build: &Followed) -> Result<Sign, ClusterError> {
    let script = about(&machine.site.work, "")
        + &format!(
            r#"cd {} 2>/dev/null || {{ echo dead; exit 0; }}
[ ! -e exit ] || {{ echo over; exit 0; }}
touch wanted 2>/dev/null
by_host=; by_pid=; by_start=
{{ read -r by_host by_pid by_start <by; }} 2>/dev/null
if [ {} = false ] && [ "$by_host" = "$hoist_here" ] && [ "$(hoist_start_of "$by_pid")" != "$by_start" ]; then
  # It may have ended well just now.
  if [ -e exit ]; then echo over; else echo dead; fi
  exit 0
fi
printf 'beat %s\n' "$(cat beat 2>/dev/null)"
"#,
            quote(&build.folder),
            build.is_unseen,
        );
    let output = exec(&*machine.transport, &script, b"").await?;
    let text = output.text();
    let line = text.lines().last().unwrap_or_default();
    Ok(match line.split_once(' ') {
        Some(("beat", beat)) => Sign::Beat(beat.trim().to_owned()),
        _ if line == "dead" => Sign::Dead,
        _ => Sign::Over,
    })
}

/// Carries the wheels over that are not there yet; gives the sum and the name of each.
async fn carry(
    machine: &Machine,
    settings: &TargetSettings,
    spec: &EnvironmentSpec,
    progress: &(dyn Fn(BuildProgress) + Send + Sync),
) -> Result<Vec<(String, String)>, ClusterError> {
    let mut wheels = Vec::new();
    let mut names = HashSet::new();
    let total = spec.wheels.len();
    for (done, path) in spec.wheels.iter().enumerate() {
        let wheel = read(settings, path.clone()).await?;
        if !names.insert(wheel.name.clone()) {
            continue;
        }
        progress(BuildProgress::Building {
            done,
            total,
            what: format!("carrying over {}", wheel.name),
        });
        let folder = format!("{}/wheels/{}", machine.site.work, wheel.sha256);
        let at = format!("{folder}/{}", wheel.name);
        if !is_there(machine, settings, &folder, &wheel.name).await? {
            let file = SentFile {
                temporary: &format!("{folder}/.{}", wheel.name),
                path: &at,
                sha256: &wheel.sha256,
                bytes: &wheel.bytes,
            };
            let (transport, site) = (&*machine.transport, &machine.site);
            send_file(transport, settings, site, &file, &|_| {}, &never).await?;
        }
        wheels.push((wheel.sha256, wheel.name));
    }
    Ok(wheels)
}

/// Whether a file is in a folder, which is made where there is none.
async fn is_there(
    machine: &Machine,
    settings: &TargetSettings,
    folder: &str,
    name: &str,
) -> Result<bool, ClusterError> {
    let script = format!(
        "umask 077\nif words=$(mkdir -p -- {folder} 2>&1); then [ ! -e {folder}/{name} ] || echo there; else printf 'fail %s\\n' \"$(echo $words)\"; fi",
        folder = quote(folder),
        name = quote(name)
    );
    let output = exec(&*machine.transport, &script, b"").await?;
    let text = output.text();
    match text.trim().strip_prefix("fail ") {
        Some(words) => Err(crate::site::work_dir_error(
            &settings.name,
            &settings.work_dir,
            words,
        )),
        None => Ok(text.trim() == "there"),
    }
}

/// Reads a wheel where that holds up nobody.
async fn read(settings: &TargetSettings, path: PathBuf) -> Result<Wheel, ClusterError> {
    let target = settings.name.clone();
    let read = tokio::task::spawn_blocking(move || Wheel::read(&target, &path));
    read.await
        .unwrap_or_else(|_| Err(ended(settings, "a wheel could not be read here")))
}

/// Sends the wheels of an environment that a job is to build.
pub(crate) async fn send_wheels(
    machine: &Machine,
    settings: &TargetSettings,
    wanted: &JobEnvironment,
) -> Result<(), ClusterError> {
    if let JobEnvironment::Build(spec) = wanted
        && !spec.wheels.is_empty()
        && ready(machine, spec).await?.is_none()
    {
        carry(machine, settings, spec, &|_| {}).await?;
    }
    Ok(())
}

/// The lines with which a job builds its environment before it begins. `$hoist_python` is what it is made of; a signal that ends the
/// job ends the build as well, with all that it started.
pub(super) fn in_job(work: &str, spec: &serde_json::Value) -> String {
    let question =
        serde_json::json!({ "work": work, "spec": spec, "here": true, "stale": null }).to_string();
    format!(
        r#""$hoist_python" -u - {} >"$hoist_job/.environment" 2>>"$hoist_job/stderr" <<'HOIST_ENVIRONMENT' &
import sys
sys.path[:] = [path for path in sys.path if path]
{}
HOIST_ENVIRONMENT
hoist_builder=$!
trap "kill -TERM $hoist_builder 2>/dev/null" TERM
while :; do
  wait $hoist_builder
  hoist_code=$?
  kill -0 $hoist_builder 2>/dev/null || break
done
wait $hoist_builder 2>/dev/null
hoist_last=$?
[ $hoist_last = 127 ] || hoist_code=$hoist_last
trap : TERM
[ -e "$hoist_job/cancel" ] && hoist_stop 143 "cancelled before the function began" cancelled
if [ $hoist_code != 0 ]; then
  hoist_words=$(cat "$hoist_job/.environment")
  hoist_stop 126 "${{hoist_words:-the build of the environment ended with status $hoist_code}}"
fi
rm -f "$hoist_job/.environment""#,
        quote_line(&question),
        PROGRAM.trim_end(),
    )
}
