//! The job script: what the scheduler starts, and what starts the runner.
//!
//! It is a POSIX shell script (bash for set-up lines), it claims the job's folder so that a job that was submitted
//! twice by accident runs once, and it leaves an exit marker whatever happens short of its own SIGKILL.

use crate::scheduler::Scheduler;
use crate::settings::TargetSettings;
use crate::shell::quote;
use crate::submit::Submission;

/// Shell function `hoist_start_of PID`: when the process started, empty when there is none (or only its zombie).
pub(crate) const START_OF: &str = r#"hoist_start_of() {
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
    lines.push(format!("hoist_job={}", quote(&job)));
    lines.push(format!(
        "hoist_package={}",
        quote(&format!("{work}/packages/{}.zip", submission.sha256))
    ));
    lines.push(START_OF.trim_end().to_owned());
    lines.push(MARK_EXIT.trim_end().to_owned());
    lines.push(CLAIM.trim().to_owned());
    lines.push(format!(
        "{} >\"$hoist_job/.native_id.$$\" && mv -f \"$hoist_job/.native_id.$$\" \"$hoist_job/native_id\"",
        scheduler.own_id()
    ));
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
    lines.push(choose_python(settings, scheduler, python));
    match &settings.python {
        Some(_) => lines.push(
            "command -v \"$hoist_python\" >/dev/null 2>&1 || hoist_stop 127 \"no python: $hoist_python is not on $(uname -n)\""
                .to_owned(),
        ),
        None if is_known(settings, scheduler, python) => {}
        None => lines.push(
            "[ -n \"$hoist_python\" ] || hoist_stop 127 \"no Python 3.6 or newer on $(uname -n)\""
                .to_owned(),
        ),
    }
    lines.push(RUN.trim().to_owned());
    lines.join("\n") + "\n"
}

/// The variables of the target, as lines.
pub(crate) fn exports(settings: &TargetSettings) -> impl Iterator<Item = String> {
    let variables = settings.env.iter();
    variables.map(|(name, value)| format!("export {name}={}", quote(value)))
}

/// On the machine that was searched, in the same environment, the answer is known.
fn is_known(settings: &TargetSettings, scheduler: &dyn Scheduler, python: Option<&str>) -> bool {
    python.is_some() && !needs_bash(settings, scheduler)
}

/// The lines that set `hoist_python` to the Python of a job, or to nothing where there is none.
pub(crate) fn choose_python(
    settings: &TargetSettings,
    scheduler: &dyn Scheduler,
    python: Option<&str>,
) -> String {
    match &settings.python {
        Some(python) => format!("hoist_python={}", crate::shell::path(python)),
        None if is_known(settings, scheduler, python) => {
            format!("hoist_python={}", quote(python.unwrap_or_default()))
        }
        None => format!(
            "hoist_python=\nfor hoist_candidate in {PYTHONS}; do\n  if \"$hoist_candidate\" -I -S -c 'import sys; sys.exit(sys.version_info < (3, 6))' >/dev/null 2>&1; then hoist_python=$hoist_candidate; break; fi\ndone"
        ),
    }
}

/// Shell function `hoist_mark_exit CODE STATE REASON`: writes the exit marker unless there is one. A link fails where the name
/// exists even if this machine cannot see it yet, which a rename would overwrite.
pub(crate) const MARK_EXIT: &str = r#"hoist_mark_exit() {
  [ -e "$hoist_job/exit" ] && return 0
  printf '{"code": %s, "state": "%s", "reason": "%s"}\n' "$1" "$2" \
    "$(printf %s "$3" | tr '\000-\037"\134' "                                ''")" >"$hoist_job/.exit.$$" || return 1
  if ! ln "$hoist_job/.exit.$$" "$hoist_job/exit" 2>/dev/null; then
    [ -e "$hoist_job/exit" ] || mv -f "$hoist_job/.exit.$$" "$hoist_job/exit"
  fi
  rm -f "$hoist_job/.exit.$$"
}
"#;

const CLAIM: &str = r#"
hoist_stop() {
  echo "hoist: $2"
  hoist_mark_exit "$1" "${3:-failed}" "$2"
  trap - EXIT
  exit "$1"
}
if ! mkdir "$hoist_job/claimed" 2>/dev/null; then
  echo "hoist: this job has been started before, or was cancelled"
  exit 0
fi
# A SIGTERM before the runner begins is seen by the file `cancel`.
trap : TERM
trap 'hoist_mark_exit 126 failed "the set-up lines ended the job script"' EXIT
"#;

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
  127) hoist_mark_exit 127 failed "no python: $hoist_python cannot be started on $(uname -n)" ;;
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
        }
    }

    fn settings(scheduler: SchedulerKind) -> TargetSettings {
        TargetSettings {
            scheduler,
            ..TargetSettings::local()
        }
    }

    #[test]
    fn the_script_of_a_plain_process() {
        let settings = settings(SchedulerKind::None);
        let text = render(
            &settings,
            settings.scheduler.get(),
            &submission(),
            "/home/ada/.hoist",
            Some("/usr/bin/python3"),
        );
        insta::assert_snapshot!(text);
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
        let text = render(
            &settings,
            settings.scheduler.get(),
            &submission,
            "/home/ada/my work",
            Some("/usr/bin/python3"),
        );
        insta::assert_snapshot!(text);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn nothing_of_the_configuration_is_interpreted(
            parts in proptest::collection::vec(
                prop::sample::select(vec!["'", "\"", "\n", "$(touch owned)", "`touch owned`", "\\", "!", "*", "é", " ", "#", ";", "&", "${HOME}", "%", "x"]), 1..12),
            text in "[^\0/]{1,60}",
            slurm in any::<bool>(),
        ) {
            let top = tempfile::tempdir().expect("a folder");
            // Both as the name of a folder and as the value of a variable; a folder's name has at most 255 bytes.
            let nasty = parts.concat() + &text;
            let folder: String = nasty.chars().filter(|c| *c != '/').take(50).collect();
            let work = top.path().join(format!("w{folder}"));
            let python = top.path().join("it's a $(python)");
            std::fs::create_dir_all(work.join("jobs/01ARZ3NDEKTSV4RRFFQ69G5FAV")).expect("a folder");
            std::fs::write(&python, "#!/bin/sh\nprintf %s \"$NASTY\"; echo '{}' >\"$3/exit\"\n").expect("a file");
            std::fs::set_permissions(&python, std::fs::Permissions::from_mode(0o755)).expect("its mode");
            let mut settings = settings(if slurm { SchedulerKind::Slurm } else { SchedulerKind::None });
            settings.env.insert("NASTY".to_owned(), nasty.clone());
            settings.python = Some(python.to_str().expect("UTF-8").to_owned());
            let mut submission = submission();
            submission.name = nasty.clone();
            let text = render(&settings, settings.scheduler.get(), &submission, work.to_str().expect("UTF-8"), None);
            let script = top.path().join("script.sh");
            std::fs::write(&script, &text).expect("written");
            let shell = if slurm { "bash" } else { "sh" };
            let out = Command::new(shell).arg(&script).current_dir(top.path()).env("SLURM_JOB_ID", "7").output().expect("runs");
            prop_assert!(out.status.success(), "{}\n{text}", String::from_utf8_lossy(&out.stderr));
            let stdout = std::fs::read(work.join("jobs/01ARZ3NDEKTSV4RRFFQ69G5FAV/stdout")).expect("output");
            prop_assert_eq!(stdout, nasty.into_bytes());
            prop_assert!(!top.path().join("owned").exists());
            prop_assert!(text.lines().filter(|l| l.starts_with("#SBATCH")).all(|l| !l.contains('$')));
        }
    }
}
