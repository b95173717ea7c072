//! The job script: what the scheduler starts, and what starts the runner.
//!
//! It is a POSIX shell script (bash for set-up lines), it claims the job's folder so that a job that was submitted
//! twice by accident runs once, and it leaves an exit marker whatever happens short of its own SIGKILL.

use crate::array::ArraySubmission;
use crate::environment::{EnvironmentKind, JobPython};
use crate::error::{ClusterError, ErrorKind};
use crate::resources::Resources;
use crate::scheduler::{Array, Asking, JobWords};
use crate::settings::TargetSettings;
use crate::shell;
use crate::submit::Submission;

/// Sets `hoist_here` to this machine's name. Shell function `hoist_since_of PID`: sets `hoist_since` to when the process started, to
/// nothing when there is none (or only its zombie); `hoist_start_of PID` prints it. All without another process where that is
/// possible: a login node is busy, and each one takes its time.
pub(crate) const START_OF: &str = r#"hoist_here=
{ read -r hoist_here </proc/sys/kernel/hostname; } 2>/dev/null
[ -n "$hoist_here" ] || hoist_here=$(uname -n)
hoist_since_of() {
  hoist_since=
  if [ -r /proc/self/stat ]; then
    [ -r "/proc/$1/stat" ] || return 0
    hoist_stat=
    { IFS= read -r hoist_stat <"/proc/$1/stat"; } 2>/dev/null
    # A program's name, between parentheses, may hold a line break.
    case $hoist_stat in
      *") "*) hoist_stat=${hoist_stat##*) } ;;
      *) hoist_stat=$(sed 's/.*) //' "/proc/$1/stat" 2>/dev/null) ;;
    esac
    set -- $hoist_stat
    [ "${1:-Z}" = Z ] || hoist_since=${20:-}
  else
    hoist_since=$(ps -o lstart= -p "$1" 2>/dev/null | tr -s ' ' '_')
  fi
}
hoist_start_of() { hoist_since_of "$1"; printf %s "$hoist_since"; }
"#;

/// Pythons to try, best first, when the configuration names none. `platform-python` is all that some login nodes have.
pub(crate) const PYTHONS: &str = "python3 /usr/libexec/platform-python python3.14 python3.13 python3.12 python3.11 \
     python3.10 python3.9 python3.8 python3.7 python3.6 python";

/// Where a job script runs, as far as it is known when it is written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    /// The work folder, absolute.
    pub(crate) work: &'a str,
    /// What the scheduler's survey found.
    pub(crate) found: &'a str,
    /// The Python that was found there.
    pub(crate) python: Option<&'a str>,
}

/// Whether the script needs bash: set-up lines and modules are written for it.
fn needs_bash(settings: &TargetSettings, scheduler: &dyn JobWords) -> bool {
    scheduler.wants_login_shell()
        || !settings.modules.is_empty()
        || !settings.setup.is_empty()
        // So are the scripts that activate what is in conda's environments.
        || matches!(settings.environment, Some(EnvironmentKind::Conda(_)))
}

/// What runs the script when no scheduler reads its first line.
pub(crate) fn shell(settings: &TargetSettings, scheduler: &dyn JobWords) -> &'static str {
    if needs_bash(settings, scheduler) {
        "bash -l"
    } else {
        "/bin/sh"
    }
}

/// Sets the line break that stands in words of one line. Its own second line, a quote, is nobody's directive.
pub(crate) const NEWLINE: &str = "hoist_newline='\n'";

/// `text` as one word of a shell, on one line: what stands at the beginning of a line may be taken for the scheduler's.
pub(crate) fn quote(text: &str) -> String {
    one_line(&shell::quote(text))
}

/// A quoted word without line breaks of its own, which are all within single quotes.
pub(crate) fn one_line(quoted: &str) -> String {
    quoted.replace('\n', r#"'"$hoist_newline"'"#)
}

/// The whole script of one job.
///
/// # Errors
/// What it asks for cannot be said in the scheduler's words.
pub(crate) fn render(
    settings: &TargetSettings,
    scheduler: &dyn JobWords,
    submission: &Submission,
    place: &Place<'_>,
) -> Result<String, ClusterError> {
    let job = format!("{}/jobs/{}", place.work, submission.job);
    let resources = submission.resources.over(&settings.resources);
    let asking = Asking {
        name: &submission.name,
        job: &submission.job,
        folder: &job,
        resources: &resources,
        settings,
        found: place.found,
    };
    let started = Started {
        header: header(scheduler, &asking)?,
        folder: vec![format!("hoist_job={}", quote(&job))],
        after: (!submission.after.is_empty()).then(|| "$hoist_job/after".to_owned()),
        sha256: &submission.sha256,
        python: JobPython::of(settings, &submission.environment)?,
        resources: &resources,
    };
    Ok(written(settings, scheduler, started, place))
}

/// The whole script of tasks that are submitted as one; each finds its job's name in the array's file `tasks`.
///
/// # Errors
/// As of [`render`].
pub(crate) fn render_array(
    settings: &TargetSettings,
    scheduler: &dyn JobWords,
    array: &Array,
    submission: &ArraySubmission,
    place: &Place<'_>,
) -> Result<String, ClusterError> {
    let resources = submission.resources.over(&settings.resources);
    let jobs = format!("{}/jobs", place.work);
    let name = &submission.array;
    let asking = Asking {
        name: &submission.name,
        job: name,
        folder: &format!("{jobs}/{name}"),
        resources: &resources,
        settings,
        found: place.found,
    };
    let mut header = header(scheduler, &asking)?;
    let gives_way = |line: &String| array.instead_of.is_some_and(|word| line.starts_with(word));
    header.retain(|line| !gives_way(line));
    let tasks = submission.tasks.len();
    header.extend((array.header)(&asking, tasks, submission.at_once));
    let folder = vec![
        format!("hoist_jobs={}", quote(&jobs)),
        format!("hoist_index={}", array.index),
        format!("hoist_task=$(sed -n \"${{hoist_index}}p\" \"$hoist_jobs/{name}/tasks\")"),
        format!("[ ! -e \"$hoist_jobs/{name}/forbidden\" ] || exit 0"),
        "[ -n \"$hoist_task\" ] || { echo \"hoist: there is no task $hoist_index\"; exit 1; }"
            .to_owned(),
        "hoist_job=$hoist_jobs/$hoist_task".to_owned(),
        make_folder(name),
    ];
    let started = Started {
        header,
        folder,
        after: (!submission.after.is_empty()).then(|| format!("$hoist_jobs/{name}/after")),
        sha256: &submission.sha256,
        python: JobPython::of(settings, &submission.environment)?,
        resources: &resources,
    };
    Ok(written(settings, scheduler, started, place))
}

fn header(scheduler: &dyn JobWords, asking: &Asking<'_>) -> Result<Vec<String>, ClusterError> {
    scheduler.header(asking).map_err(|error| {
        let text = error.to_string();
        let (why, mend) = text.split_once("; ").unwrap_or((&text, ""));
        ClusterError::new(&asking.settings.name, ErrorKind::Settings, why, mend)
    })
}

/// Makes the folder of a task, which nobody has made before.
fn make_folder(array: &str) -> String {
    format!(
        r#"(umask 077; mkdir -p "$hoist_job" && printf ' ' >"$hoist_job/{LAST}" && : >>"$hoist_job/stdout" && : >>"$hoist_job/stderr" &&
  sed -n "${{hoist_index}}p" "$hoist_jobs/{array}/requests" >"$hoist_job/.request.$$" && mv -f "$hoist_job/.request.$$" "$hoist_job/request.json")"#
    )
}

/// What differs between the script of a job and that of many.
struct Started<'a> {
    header: Vec<String>,
    /// Lines that set `hoist_job`.
    folder: Vec<String>,
    /// The file with what must have succeeded before, for the shell.
    after: Option<String>,
    sha256: &'a str,
    python: JobPython<'a>,
    resources: &'a Resources,
}

fn written(
    settings: &TargetSettings,
    scheduler: &dyn JobWords,
    started: Started<'_>,
    place: &Place<'_>,
) -> String {
    let work = place.work;
    let mut lines = Vec::new();
    let first = if needs_bash(settings, scheduler) {
        "#!/bin/bash -l"
    } else {
        "#!/bin/sh"
    };
    lines.push(first.to_owned());
    lines.extend(started.header);
    lines.push(NEWLINE.to_owned());
    lines.extend(started.folder);
    lines.extend(scheduler.prologue().map(str::to_owned));
    lines.push(format!(
        "hoist_package={}",
        quote(&format!("{work}/packages/{}.zip", started.sha256))
    ));
    lines.push(START_OF.trim_end().to_owned());
    lines.push(MARK_EXIT.trim_end().to_owned());
    if let Some(file) = &started.after {
        lines.push(COMES_AFTER.trim().replace("AFTER", file));
    }
    lines.push(CLAIM.trim().to_owned());
    lines.push(format!(
        "{} >\"$hoist_job/.native_id.$$\" && mv -f \"$hoist_job/.native_id.$$\" \"$hoist_job/native_id\"",
        scheduler.own_id()
    ));
    lines.extend(surroundings(settings, scheduler, place, &started.python));
    let mut run = RUN.trim().to_owned();
    if let Some(words) = started.python.before_python(started.resources) {
        run = run.replacen(START, &format!("{words}{START}"), 1);
    }
    if let Some(line) = started.python.after_all() {
        let rest = run.strip_suffix(END).unwrap_or(&run);
        run = format!("{rest}{line}\n{END}");
    }
    lines.push(run);
    lines.join("\n") + "\n"
}

/// The lines that lead to the Python of a job: modules, variables, set-up lines, and the Python itself in `$hoist_python`. Where one of
/// them fails, `hoist_stop CODE REASON` is called; [`START_OF`] and [`NEWLINE`] come before them.
pub(crate) fn surroundings(
    settings: &TargetSettings,
    scheduler: &dyn JobWords,
    place: &Place<'_>,
    wanted: &JobPython<'_>,
) -> Vec<String> {
    let mut lines = Vec::new();
    for module in &settings.modules {
        let module = quote(module);
        lines.push(format!(
            "module load {module} || hoist_stop 126 {}",
            quote(&format!("`module load {module}` failed"))
        ));
    }
    lines.extend(exports(settings));
    for line in &settings.setup {
        let line = line.replace('\r', "");
        let line = line.trim_end_matches('\n');
        let shown = crate::error::one_line(line);
        lines.push(line.to_owned());
        lines.push(format!(
            "hoist_status=$?; [ $hoist_status = 0 ] || hoist_stop 126 {}\"$hoist_status\"",
            quote(&format!("the set-up line `{shown}` ended with status "))
        ));
    }
    if wanted.needs_base() {
        lines.extend(base_python(settings, scheduler, place.python));
    }
    lines.extend(wanted.lines(place.work));
    lines
}

/// The lines that find the Python of the target as it is.
fn base_python(
    settings: &TargetSettings,
    scheduler: &dyn JobWords,
    python: Option<&str>,
) -> Vec<String> {
    let mut lines = vec![choose_python(settings, scheduler, python)];
    match &settings.python {
        Some(_) => lines.push(
            "command -v \"$hoist_python\" >/dev/null 2>&1 || hoist_stop 127 \"no python: $hoist_python is not on $hoist_here\""
                .to_owned(),
        ),
        None if is_known(settings, scheduler, python) => {}
        None => lines.push(
            "[ -n \"$hoist_python\" ] || hoist_stop 127 \"no Python 3.6 or newer on $hoist_here\""
                .to_owned(),
        ),
    }
    lines
}

/// The variables of the target, as lines; [`NEWLINE`] comes before them.
pub(crate) fn exports(settings: &TargetSettings) -> impl Iterator<Item = String> {
    let variables = settings.env.iter();
    variables.map(|(name, value)| format!("export {name}={}", quote(value)))
}

/// On the machine that was searched, in the same environment, the answer is known.
fn is_known(settings: &TargetSettings, scheduler: &dyn JobWords, python: Option<&str>) -> bool {
    python.is_some() && !needs_bash(settings, scheduler)
}

/// The lines that set `hoist_python` to the Python of a job, or to nothing where there is none; [`NEWLINE`] comes before them.
pub(crate) fn choose_python(
    settings: &TargetSettings,
    scheduler: &dyn JobWords,
    python: Option<&str>,
) -> String {
    match &settings.python {
        Some(python) => format!("hoist_python={}", one_line(&shell::path(python))),
        None if is_known(settings, scheduler, python) => {
            format!("hoist_python={}", quote(python.unwrap_or_default()))
        }
        None => format!(
            "hoist_python=\nfor hoist_candidate in {PYTHONS}; do\n  if \"$hoist_candidate\" -I -S -c 'import sys; sys.exit(sys.version_info < (3, 6))' >/dev/null 2>&1; then hoist_python=$hoist_candidate; break; fi\ndone"
        ),
    }
}

/// Shell function `hoist_mark_exit CODE STATE REASON`: writes the exit marker unless there is one. A link fails where the name
/// exists even if this machine cannot see it yet, which a rename would overwrite. On a full disk it goes into [`LAST`].
pub(crate) const MARK_EXIT: &str = r#"hoist_marker() {
  printf '{"code": %s, "state": "%s", "reason": "%s"}\n' "$1" "$2" \
    "$(printf %s "$3" | tr '\000-\037"\134' "                                ''")"
}
hoist_mark_exit() {
  [ -e "$hoist_job/exit" ] && return 0
  hoist_new=$hoist_job/.exit.$$
  if ! { hoist_marker "$1" "$2" "$3" >"$hoist_new"; } 2>/dev/null; then
    rm -f "$hoist_new"
    hoist_new=$hoist_job/.last
    [ -e "$hoist_new" ] || return 1
    hoist_marker "$1" "$2" "$3 (the job's folder could not be written to: its disk or quota is full)" 1<>"$hoist_new" || return 1
  fi
  if ! ln "$hoist_new" "$hoist_job/exit" 2>/dev/null; then
    [ -e "$hoist_job/exit" ] || mv -f "$hoist_new" "$hoist_job/exit"
  fi
  rm -f "$hoist_new" "$hoist_job/.last"
}
"#;

/// The file of a job's folder that keeps one block of the disk for the exit marker, from the submission on: what is shorter than
/// a block can be written into it when nothing else can be written any more.
pub(crate) const LAST: &str = ".last";

/// Waits for the jobs of the file AFTER, where no scheduler did, and goes on only if all of them succeeded. It comes before the
/// claim: whoever waits has not begun and can be cancelled as such. A job that is over shows its exit marker soon, on whatever
/// file system; a plain process is waited for as long as it lives.
const COMES_AFTER: &str = r#"
hoist_not_run() {
  echo "hoist: not run: $1"
  if mkdir "$hoist_job/claimed" 2>/dev/null; then hoist_mark_exit 143 cancelled "not run: $1"; fi
  exit 1
}
hoist_lives() {
  case $1 in *:*:*) ;; *) return 1 ;; esac
  hoist_host=${1%%:*} hoist_start=${1#*:}
  hoist_pid=${hoist_start%%:*} hoist_start=${hoist_start#*:}
  [ "$hoist_host" != "$hoist_here" ] || [ "$(hoist_start_of "$hoist_pid")" = "${hoist_start%%\[*}" ]
}
while read -r hoist_parent hoist_id; do
  hoist_looks=0
  while :; do
    ls "${hoist_job%/*}/$hoist_parent" >/dev/null 2>&1
    case $(sed -n 's/.*"state": *"\([a-z_]*\)".*/\1/p' "${hoist_job%/*}/$hoist_parent/exit" 2>/dev/null) in
      succeeded) break ;;
      failed|crashed) hoist_not_run "$hoist_parent failed" ;;
      cancelled) hoist_not_run "$hoist_parent was cancelled" ;;
      timed_out) hoist_not_run "$hoist_parent timed out" ;;
      ?*) hoist_not_run "$hoist_parent was lost" ;;
    esac
    hoist_lives "$hoist_id" && hoist_looks=0
    [ $hoist_looks -lt 60 ] || hoist_not_run "$hoist_parent was lost"
    hoist_looks=$((hoist_looks+1))
    sleep 1
  done
done <"AFTER"
"#;

const CLAIM: &str = r#"
hoist_stop() {
  echo "hoist: $2"
  hoist_mark_exit "$1" "${3:-failed}" "$2"
  trap - EXIT
  exit "$1"
}
# It fails where the name exists, as `mkdir` does elsewhere, and needs no process.
set -C
{ true >"$hoist_job/claimed"; } 2>/dev/null
hoist_claimed=$?
set +C
if [ $hoist_claimed != 0 ]; then
  [ -e "$hoist_job/claimed" ] || { echo "hoist: $hoist_job/claimed cannot be made: its disk is full, or the folder is gone"; exit 1; }
  echo "hoist: this job has been started before, or was cancelled"
  exit 0
fi
# A SIGTERM before the runner begins is seen by the file `cancel`; a warning that comes so early is the runner's to repeat.
trap : TERM USR1
trap 'hoist_mark_exit 126 failed "the set-up lines ended the job script"' EXIT
"#;

/// What starts the runner in [`RUN`], and its last line.
const START: &str = "\"$hoist_python\" -u ";
const END: &str = "exit \"$hoist_code\"";

const RUN: &str = r#"
# Whatever the set-up lines switched on.
set +eu
[ -e "$hoist_job/cancel" ] && hoist_stop 143 "cancelled before the function began" cancelled
"$hoist_python" -u "$hoist_package" "$hoist_job" </dev/null >>"$hoist_job/stdout" 2>>"$hoist_job/stderr" &
hoist_runner=$!
# Some schedulers tell this shell alone; the runner must know.
for hoist_signal in TERM XCPU USR1 USR2; do trap "kill -$hoist_signal $hoist_runner 2>/dev/null" $hoist_signal; done
while :; do
  wait $hoist_runner
  hoist_code=$?
  # A signal ends the wait, not the runner.
  kill -0 $hoist_runner 2>/dev/null || break
done
wait $hoist_runner 2>/dev/null
hoist_last=$?
[ $hoist_last = 127 ] || hoist_code=$hoist_last
trap - EXIT
case $hoist_code in
  0) hoist_mark_exit 3 crashed "the runner ended without a word" ;;
  127) hoist_mark_exit 127 failed "no python: $hoist_python cannot be started on $hoist_here" ;;
  137) hoist_mark_exit 137 crashed "the job was killed (SIGKILL), most often for want of memory" ;;
  143) if [ -e "$hoist_job/cancel" ]; then hoist_mark_exit 143 cancelled "cancelled"; else hoist_mark_exit 143 terminated "the job was terminated (SIGTERM)"; fi ;;
  *) hoist_mark_exit "$hoist_code" crashed "the runner ended with status $hoist_code" ;;
esac
exit "$hoist_code"
"#;

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::process::Command;
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::scheduler::SchedulerKind;

    fn submission() -> Submission {
        Submission {
            job: "01ARZ3NDEKTSV4RRFFQ69G5FAV".to_owned(),
            name: "train.py::train".to_owned(),
            package: Arc::from(Vec::new()),
            sha256: "ab".repeat(32),
            request: Vec::new(),
            resources: Default::default(),
            after: Vec::new(),
            environment: Default::default(),
            data: Default::default(),
        }
    }

    fn settings(scheduler: SchedulerKind) -> TargetSettings {
        TargetSettings {
            scheduler,
            ..TargetSettings::local()
        }
    }

    fn place(work: &str) -> Place<'_> {
        Place {
            work,
            python: Some("/usr/bin/python3"),
            found: "",
        }
    }

    fn script(settings: &TargetSettings, submission: &Submission, work: &str) -> String {
        let scheduler = settings.scheduler.words();
        render(settings, scheduler, submission, &place(work)).expect("it can be said")
    }

    #[test]
    fn the_script_of_a_plain_process() {
        let settings = settings(SchedulerKind::None);
        insta::assert_snapshot!(script(&settings, &submission(), "/home/ada/.hoist"));
    }

    #[test]
    fn a_job_with_an_environment_of_its_own_notes_itself_there_while_it_runs() {
        let settings = settings(SchedulerKind::None);
        let submission = Submission {
            environment: crate::environment::JobEnvironment::Venv {
                name: "py3.11-0a1b2c".to_owned(),
            },
            ..submission()
        };
        insta::assert_snapshot!(script(&settings, &submission, "/home/ada/.hoist"));
    }

    #[test]
    fn the_script_of_slurm() {
        let mut settings = settings(SchedulerKind::Slurm);
        settings.modules = vec!["python/3.11".to_owned()];
        settings
            .env
            .insert("OMP_NUM_THREADS".to_owned(), "1".to_owned());
        settings.setup = vec!["source ~/env.sh".to_owned()];
        settings.resources.set("memory", "8G").expect("a size");
        let mut submission = submission();
        submission.resources.set("time", "1h").expect("a time");
        insta::assert_snapshot!(script(&settings, &submission, "/home/ada/my work"));
    }

    #[test]
    fn a_job_that_comes_after_another_looks_how_that_one_ended() {
        let settings = settings(SchedulerKind::Slurm);
        let alone = script(&settings, &submission(), "/home/ada/.hoist");
        let mut second = submission();
        second.after.push(crate::Parent {
            job: "01BX5ZZKBKACTAV9WEVGEMMVRZ".to_owned(),
            native_id: crate::NativeId("7".to_owned()),
        });
        let second = script(&settings, &second, "/home/ada/.hoist");
        let alone: Vec<&str> = alone.lines().collect();
        let added = second.lines().filter(|line| !alone.contains(line));
        insta::assert_snapshot!(added.collect::<Vec<_>>().join("\n"));
    }

    #[test]
    fn every_scheduler_says_the_same_in_its_own_words() {
        let mut asked = submission();
        for (key, value) in [
            ("cores", "4"),
            ("memory", "16 GiB"),
            ("time", "1-12"),
            ("warning", "90s"),
            ("gpus", "4"),
            ("queue", "long"),
            ("account", "lab"),
        ] {
            asked.resources.set(key, value).expect(key);
        }
        // What a Job is asked for stands elsewhere.
        let kinds = || {
            let all = SchedulerKind::ALL.iter().copied();
            all.filter(|kind| kind.of_machine().is_some())
        };
        let headers = kinds().map(|kind| {
            let text = script(&settings(kind), &asked, "/home/ada/.hoist");
            let Some(directive) = kind.words().directive() else {
                return format!("{kind:?}: nothing");
            };
            let lines = text.lines().filter(|line| line.starts_with(directive));
            format!("{kind:?}:\n{}", lines.collect::<Vec<_>>().join("\n"))
        });
        insta::assert_snapshot!(headers.collect::<Vec<_>>().join("\n\n"));
        // However it was written.
        for (key, values) in [
            ("memory", ["16G", "16GB", "16 GiB", "16384M"]),
            ("time", ["36h", "1-12", "36:00:00", "1d 12h"]),
        ] {
            for value in values {
                let mut same = asked.clone();
                same.resources.set(key, value).expect(value);
                for kind in kinds() {
                    let text = |submission| script(&settings(kind), submission, "/home/ada/.hoist");
                    assert_eq!(text(&same), text(&asked), "{kind:?} {key} {value}");
                }
            }
        }
    }

    /// What a shell, or a scheduler that reads the script, might take for its own.
    const HOSTILE: [&str; 24] = [
        "'",
        "\"",
        "\n",
        "$(touch owned)",
        "`touch owned`",
        "\\",
        "!",
        "*",
        "é",
        "\u{202e}",
        " ",
        "#",
        ";",
        "&",
        "${HOME}",
        "%",
        "x",
        "\r",
        "\t",
        "\n#$ -l owned\n",
        "\n#SBATCH --owned\n",
        "\n#PBS -l owned\n",
        "\n#BSUB -owned\n",
        "\n'\n",
    ];

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn nothing_of_the_configuration_is_interpreted(
            parts in proptest::collection::vec(prop::sample::select(HOSTILE.to_vec()), 1..12),
            text in "[^\0/]{1,60}",
            times in prop::sample::select(vec![1_usize, 1, 1, 60]),
            kind in prop::sample::select(SchedulerKind::ALL.to_vec()),
        ) {
            let top = tempfile::tempdir().expect("a folder");
            // As the name of a folder, of a job and of a Python, and as the value of a variable, there up to 4 KB; the name of a file has at
            // most 255 bytes.
            let nasty = (parts.concat() + &text).repeat(times);
            let nasty: String = nasty.chars().take(4096).collect();
            let short: String = nasty.chars().filter(|c| *c != '/').take(50).collect();
            let work = top.path().join(format!("w{short}"));
            let python = top.path().join(format!("it's a $(python) {short}"));
            std::fs::create_dir_all(work.join("jobs/01ARZ3NDEKTSV4RRFFQ69G5FAV")).expect("a folder");
            std::fs::write(&python, "#!/bin/sh\nprintf %s \"$NASTY\"; echo '{}' >\"$3/exit\"\n").expect("a file");
            std::fs::set_permissions(&python, std::fs::Permissions::from_mode(0o755)).expect("its mode");
            let mut settings = settings(kind);
            settings.env.insert("NASTY".to_owned(), nasty.clone());
            settings.python = Some(python.to_str().expect("UTF-8").to_owned());
            let mut submission = submission();
            submission.name = nasty.clone();
            let text = script(&settings, &submission, work.to_str().expect("UTF-8"));
            let path = top.path().join("script.sh");
            std::fs::write(&path, &text).expect("written");
            let shells: &[&str] = if kind.words().wants_login_shell() { &["bash"] } else { &["sh", "bash", "dash"] };
            for shell in shells {
                let mut command = Command::new(shell);
                command.arg(&path).current_dir(top.path()).env("HOME", top.path());
                for id in ["SLURM_JOB_ID", "JOB_ID", "PBS_JOBID", "LSB_JOBID"] {
                    command.env(id, "7");
                }
                let Ok(out) = command.output() else { continue };
                prop_assert!(out.status.success(), "{}\n{text}", String::from_utf8_lossy(&out.stderr));
                let stdout = std::fs::read(work.join("jobs/01ARZ3NDEKTSV4RRFFQ69G5FAV/stdout")).expect("output");
                prop_assert_eq!(&stdout, nasty.as_bytes(), "{}", shell);
                prop_assert!(!top.path().join("owned").exists());
                std::fs::remove_dir_all(work.join("jobs/01ARZ3NDEKTSV4RRFFQ69G5FAV")).expect("removed");
                std::fs::create_dir(work.join("jobs/01ARZ3NDEKTSV4RRFFQ69G5FAV")).expect("made again");
            }
            // A scheduler reads its own lines: those of the header, which is at the top and of plain words.
            if let Some(directive) = kind.words().directive() {
                let read: Vec<usize> = text.lines().enumerate().filter(|(_, line)| line.starts_with(directive)).map(|(at, _)| at).collect();
                prop_assert!(read.iter().enumerate().all(|(n, at)| *at == n + 1), "{text}");
                let plain = |c: char| c.is_ascii_alphanumeric() || " -_.:=/".contains(c);
                prop_assert!(text.lines().filter_map(|line| line.strip_prefix(directive)).all(|line| line.chars().all(plain)), "{text}");
            }
        }
    }
}
