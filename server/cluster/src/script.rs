//! The job script: what the scheduler starts, and what starts the runner.
//!
//! It is a POSIX shell script (bash for set-up lines), it claims the job's folder so that a job that was submitted
//! twice by accident runs once, and it leaves an exit marker whatever happens short of its own SIGKILL.

use crate::scheduler::Scheduler;
use crate::settings::TargetSettings;
use crate::shell::quote;
use crate::submit::Submission;

/// Shell function `start_of PID`: when the process started, empty when there is none (or only its zombie).
pub(crate) const START_OF: &str = r#"start_of() {
  if [ -r /proc/self/stat ]; then
    [ -r "/proc/$1/stat" ] || return 0
    set -- $(sed 's/.*) //' "/proc/$1/stat" 2>/dev/null)
    [ "$1" = Z ] || printf %s "${20:-}"
  else
    ps -o lstart= -p "$1" 2>/dev/null | tr -s ' ' '_'
  fi
}
"#;

/// Pythons to try, best first, when the configuration names none. `platform-python` is all that some login nodes have.
pub(crate) const PYTHONS: &str = "python3 /usr/libexec/platform-python python3.14 python3.13 python3.12 python3.11 \
     python3.10 python3.9 python3.8 python3.7 python3.6 python";

/// Whether the script needs bash: set-up lines and modules are written for it.
fn needs_bash(settings: &TargetSettings, scheduler: &dyn Scheduler) -> bool {
    scheduler.wants_login_shell() || !settings.modules.is_empty() || !settings.setup.is_empty()
}

/// What runs the script when no scheduler reads its first line.
pub(crate) fn shell(settings: &TargetSettings, scheduler: &dyn Scheduler) -> &'static str {
    if needs_bash(settings, scheduler) {
        "bash -l"
    } else {
        "/bin/sh"
    }
}

/// The whole script. `work` is the work folder as the job sees it, `python` what the login node's search found.
pub(crate) fn render(
    settings: &TargetSettings,
    scheduler: &dyn Scheduler,
    submission: &Submission,
    work: &str,
    python: Option<&str>,
) -> String {
    let job = format!("{work}/jobs/{}", submission.job);
    let resources = submission.resources.over(&settings.resources);
    let mut lines = Vec::new();
    let first = if needs_bash(settings, scheduler) {
        "#!/bin/bash -l"
    } else {
        "#!/bin/sh"
    };
    lines.push(first.to_owned());
    lines.extend(scheduler.header(&submission.name, &submission.job, &resources));
    lines.push(format!("job={}", quote(&job)));
    lines.push(format!(
        "package={}",
        quote(&format!("{work}/packages/{}.zip", submission.sha256))
    ));
    lines.push(START_OF.trim_end().to_owned());
    lines.push(MARK_EXIT.trim_end().to_owned());
    lines.push(CLAIM.trim().to_owned());
    lines.push(format!(
        "{} >\"$job/.native_id.$$\" && mv -f \"$job/.native_id.$$\" \"$job/native_id\"",
        scheduler.own_id()
    ));
    for module in &settings.modules {
        let module = quote(module);
        lines.push(format!(
            "module load {module} || stop 126 {}",
            quote(&format!("`module load {module}` failed"))
        ));
    }
    for (name, value) in &settings.env {
        lines.push(format!("export {name}={}", quote(value)));
    }
    for line in &settings.setup {
        let line = line.replace('\r', "");
        let line = line.trim_end_matches('\n');
        let shown = crate::error::one_line(line);
        lines.push(line.to_owned());
        lines.push(format!(
            "hoist_status=$?; [ $hoist_status = 0 ] || stop 126 {}\"$hoist_status\"",
            quote(&format!("the set-up line `{shown}` ended with status "))
        ));
    }
    match &settings.python {
        Some(python) => {
            lines.push(format!("python={}", crate::shell::path(python)));
            lines.push(
                "command -v \"$python\" >/dev/null 2>&1 || stop 127 \"no python: $python is not on $(uname -n)\""
                    .to_owned(),
            );
        }
        // On the machine that was searched, in the same environment, the answer is known.
        None if python.is_some() && !needs_bash(settings, scheduler) => {
            lines.push(format!("python={}", quote(python.unwrap_or_default())));
        }
        None => {
            lines.push(format!(
                "python=\nfor candidate in {PYTHONS}; do\n  if \"$candidate\" -I -S -c 'import sys; sys.exit(sys.version_info < (3, 6))' >/dev/null 2>&1; then python=$candidate; break; fi\ndone"
            ));
            lines.push(
                "[ -n \"$python\" ] || stop 127 \"no Python 3.6 or newer on $(uname -n)\""
                    .to_owned(),
            );
        }
    }
    lines.push(RUN.trim().to_owned());
    lines.join("\n") + "\n"
}

/// Shell function `mark_exit CODE STATE REASON`: writes the exit marker unless there is one. A link fails where the name
/// exists even if this machine cannot see it yet, which a rename would overwrite.
pub(crate) const MARK_EXIT: &str = r#"mark_exit() {
  [ -e "$job/exit" ] && return 0
  printf '{"code": %s, "state": "%s", "reason": "%s"}\n' "$1" "$2" \
    "$(printf %s "$3" | tr '\000-\037"\134' "                                ''")" >"$job/.exit.$$" || return 1
  if ! ln "$job/.exit.$$" "$job/exit" 2>/dev/null; then
    [ -e "$job/exit" ] || mv -f "$job/.exit.$$" "$job/exit"
  fi
  rm -f "$job/.exit.$$"
}
"#;

const CLAIM: &str = r#"
stop() {
  echo "hoist: $2"
  mark_exit "$1" "${3:-failed}" "$2"
  trap - EXIT
  exit "$1"
}
if ! mkdir "$job/claimed" 2>/dev/null; then
  echo "hoist: this job has been started before, or was cancelled"
  exit 0
fi
# A SIGTERM before the runner begins is seen by the file `cancel`.
trap : TERM
trap 'mark_exit 126 failed "the set-up lines ended the job script"' EXIT
"#;

const RUN: &str = r#"
[ -e "$job/cancel" ] && stop 143 "cancelled before the function began" cancelled
"$python" -u "$package" "$job" </dev/null >>"$job/stdout" 2>>"$job/stderr" &
runner=$!
# Some schedulers tell this shell alone; the runner must know.
for signal in TERM XCPU USR1 USR2; do trap "kill -$signal $runner 2>/dev/null" $signal; done
while :; do
  wait $runner
  code=$?
  # A signal ends the wait, not the runner.
  kill -0 $runner 2>/dev/null || break
done
wait $runner 2>/dev/null
last=$?
[ $last = 127 ] || code=$last
trap - EXIT
case $code in
  0) mark_exit 3 crashed "the runner ended without a word" ;;
  127) mark_exit 127 failed "no python: $python cannot be started on $(uname -n)" ;;
  137) mark_exit 137 crashed "the job was killed (SIGKILL), most often for want of memory" ;;
  143) if [ -e "$job/cancel" ]; then mark_exit 143 cancelled "cancelled"; else mark_exit 143 terminated "the job was terminated (SIGTERM)"; fi ;;
  *) mark_exit "$code" crashed "the runner ended with status $code" ;;
esac
exit "$code"
"#;
