//! What one needs to know of the other side before a job: asked once for each target.

use crate::error::{ClusterError, ErrorKind};
use crate::scheduler::Scheduler;
use crate::script::{PYTHONS, Place};
use crate::settings::TargetSettings;
use crate::shell;
use crate::submit::about;
use crate::transport::{Transport, exec};

/// The other side as the first look found it.
#[derive(Debug, Clone)]
pub(crate) struct Site {
    /// The name of the machine.
    pub(crate) host: String,
    /// The home folder.
    pub(crate) home: String,
    /// The login shell.
    pub(crate) shell: String,
    /// The work folder, absolute.
    pub(crate) work: String,
    /// A Python 3.6 or newer and its version.
    pub(crate) python: Option<(String, String)>,
    /// KiB free in the work folder.
    pub(crate) free: Option<u64>,
    /// The scheduler there.
    pub(crate) scheduler: &'static dyn Scheduler,
    /// What the scheduler's survey printed.
    pub(crate) found: String,
}

/// Looks around and makes the work folder.
pub(crate) async fn look(
    transport: &dyn Transport,
    settings: &TargetSettings,
    scheduler: &'static dyn Scheduler,
) -> Result<Site, ClusterError> {
    let output = exec(transport, &script(settings), b"").await?;
    let text = output.text();
    let fact = |name: &str| {
        text.lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))
            .map(str::to_owned)
    };
    if let Some(words) = fact("fail") {
        return Err(work_dir_error(&settings.name, &settings.work_dir, &words));
    }
    let (Some(host), Some(home), Some(work)) = (fact("host"), fact("home"), fact("work")) else {
        let said = output.complaint();
        let why = if said.contains("is not set") {
            format!(
                "work_dir = \"{}\" names a variable that is not set there ({said})",
                settings.work_dir
            )
        } else {
            format!(
                "the first look at the machine ended with status {} ({said})",
                output.status
            )
        };
        return Err(ClusterError::new(
            &settings.name,
            ErrorKind::WorkDir,
            why,
            "set `work_dir` of the target to a folder that exists or can be made there",
        ));
    };
    let python = fact("python").and_then(|line| {
        let (version, path) = line.split_once(' ')?;
        Some((path.to_owned(), version.to_owned()))
    });
    let found = match scheduler.survey() {
        Some(survey) => exec(transport, &(about(&work, "") + survey), b"")
            .await?
            .text(),
        None => String::new(),
    };
    Ok(Site {
        scheduler,
        found,
        host,
        home,
        work,
        python,
        shell: fact("shell").unwrap_or_default(),
        free: fact("free").and_then(|kib| kib.trim().parse().ok()),
    })
}

/// The sentence for a work folder that cannot be used, from the words of `mkdir` or `cat`.
pub(crate) fn work_dir_error(target: &str, work_dir: &str, words: &str) -> ClusterError {
    let low = words.to_ascii_lowercase();
    if low.contains("no space left") || low.contains("quota") {
        let what = if low.contains("quota") {
            "the disk quota there is used up"
        } else {
            "the disk there is full"
        };
        return ClusterError::new(
            target,
            ErrorKind::DiskFull,
            format!("{what}, nothing could be written to {work_dir} ({words})"),
            "free some room there or set `work_dir` of the target to another file system",
        );
    }
    ClusterError::new(
        target,
        ErrorKind::WorkDir,
        format!("the work folder {work_dir} cannot be written ({words})"),
        "set `work_dir` of the target to a folder that you may write, shared with the compute nodes",
    )
}

/// The sentence for a machine without a usable Python.
pub(crate) fn no_python(settings: &TargetSettings, host: &str) -> ClusterError {
    let target = &settings.name;
    match &settings.python {
        Some(python) => ClusterError::new(
            target,
            ErrorKind::NoPython,
            format!(
                "no Python 3.6+ on {target}: `{python}` does not run on {host}, and no other Python was found"
            ),
            "set `python` of the target to the path of a Python there, or `modules` to a module that brings one",
        ),
        None => ClusterError::new(
            target,
            ErrorKind::NoPython,
            format!(
                "no Python 3.6+ on {target}: neither python3 nor /usr/libexec/platform-python nor python runs on {host}"
            ),
            "set `python` of the target to the path of a Python there, or `modules` to a module that brings one",
        ),
    }
}

fn script(settings: &TargetSettings) -> String {
    let work = shell::path(&settings.work_dir);
    let first = settings
        .python
        .as_deref()
        .map(shell::path)
        .unwrap_or_default();
    let modules = if settings.modules.is_empty() {
        String::new()
    } else {
        let names = settings
            .modules
            .iter()
            .map(|m| shell::quote(m))
            .collect::<Vec<_>>()
            .join(" ");
        let load = format!(
            "module load {names} >/dev/null 2>&1; printf '\\n%s\\n' \"$(command -v python3)\""
        );
        format!(
            "[ -n \"$found\" ] || try \"$(bash -lc {} </dev/null 2>/dev/null | tail -n 1)\"\n",
            shell::quote(&load)
        )
    };
    format!(
        r#"umask 077
printf 'host %s\nhome %s\nshell %s\n' "$(uname -n)" "$HOME" "${{SHELL:-}}"
work={work} || exit 1
case $work in /*) ;; *) work=$HOME/$work ;; esac
if ! words=$(mkdir -p -- "$work/jobs" "$work/packages" 2>&1); then printf 'fail %s\n' "$(echo $words)"; exit 0; fi
if ! words=$( {{ : >"$work/.write.$$" && rm -f "$work/.write.$$"; }} 2>&1); then printf 'fail %s\n' "$(echo $words)"; exit 0; fi
printf 'work %s\n' "$(cd "$work" && pwd)"
printf 'free %s\n' "$(df -Pk "$work" 2>/dev/null | awk 'NR == 2 {{ print $4 }}')"
found=
try() {{
  [ -n "$1" ] || return 1
  found=$("$1" -I -S -c 'import sys
if sys.version_info >= (3, 6): print("%d.%d.%d %s" % (sys.version_info[:3] + (sys.executable,)))' </dev/null 2>/dev/null | tail -n 1)
  [ -n "$found" ]
}}
for python in {first} {PYTHONS}; do try "$python" && break; done
{modules}[ -z "$found" ] || printf 'python %s\n' "$found"
"#
    )
}

impl Site {
    /// Where job scripts run.
    pub(crate) fn place(&self) -> Place<'_> {
        Place {
            work: &self.work,
            found: &self.found,
            python: self.python_path(),
        }
    }

    /// The path of the Python that was found.
    pub(crate) fn python_path(&self) -> Option<&str> {
        self.python.as_ref().map(|(path, _)| path.as_str())
    }
}
