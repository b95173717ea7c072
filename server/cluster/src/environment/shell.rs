//! The shell of a job without the job: the same modules, variables, set-up lines and Python, for whatever must see them as a job
//! will.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::JobPython;
use crate::error::{ClusterError, ErrorKind};
use crate::script;
use crate::settings::TargetSettings;
use crate::shell::quote;
use crate::site::Site;
use crate::transport::{Output, Transport, exec};

/// The status of `timeout` when what it ran had to be ended.
const TIMED_OUT: i32 = 124;

/// The shell that a job of a target gets.
pub(crate) struct JobShell<'a> {
    settings: &'a TargetSettings,
    site: &'a Site,
    python: JobPython<'a>,
}

/// What the lines print is noise, and they are not to read what is meant for the Python: it answers on stream 7 and is asked on
/// stream 8. A failure is an answer too.
const HEAD: &str = r#"exec 7>&1 1>&2 8<&0 </dev/null
hoist_stop() {
  printf '\n{"stop": "%s"}\n' "$(printf %s "$2" | tr '\000-\037"\134' "                                ''")" >&7
  exit 0
}"#;

impl<'a> JobShell<'a> {
    /// With the Python of the environment that the configuration names, as far as that is there before a job.
    pub(crate) fn configured(settings: &'a TargetSettings, site: &'a Site) -> Self {
        Self {
            settings,
            site,
            python: JobPython::configured(settings),
        }
    }

    /// With the Python that virtual environments are made of.
    pub(crate) fn base(settings: &'a TargetSettings, site: &'a Site) -> Self {
        Self {
            settings,
            site,
            python: JobPython::System,
        }
    }

    /// A script for that shell which ends with the line `run`; there `$hoist_python` is the Python, stream 8 is what comes in, and
    /// stream 7 takes the answer.
    pub(crate) fn script(&self, run: &str) -> String {
        self.script_after("", run)
    }

    /// The same, started by the words `before`.
    fn script_after(&self, before: &str, run: &str) -> String {
        let (settings, site) = (self.settings, self.site);
        let mut lines = vec![
            HEAD.to_owned(),
            script::START_OF.trim_end().to_owned(),
            script::NEWLINE.to_owned(),
        ];
        lines.extend(script::surroundings(
            settings,
            site.scheduler,
            &site.place(),
            &self.python,
        ));
        lines.push("set +eu".to_owned());
        lines.push(run.to_owned());
        let shell = script::shell(settings, site.scheduler);
        format!("exec {before}{shell} -c {}", quote(&lines.join("\n")))
    }

    /// Runs a program in the Python there, which reads nothing; what it prints is the output. Nothing of the folder in which the
    /// Python starts is imported. What takes longer than `limit` is ended over there, where it has `timeout`.
    ///
    /// # Errors
    /// The way there broke, or there was no end within the limit.
    pub(crate) async fn ask(
        &self,
        transport: &dyn Transport,
        program: &str,
        limit: Duration,
    ) -> Result<Output, ClusterError> {
        let boot = format!(
            "import sys;sys.path[:]=[p for p in sys.path if p];import base64;exec(base64.b64decode('{}'))",
            BASE64.encode(program)
        );
        let run = format!("\"$hoist_python\" -c {} </dev/null >&7", quote(&boot));
        let seconds = limit.as_secs();
        // Lines that wait for ever would stay behind on the login node when nobody listens to them any more.
        let script = format!(
            "timeout -k 5 {seconds} true >/dev/null 2>&1 && hoist_limit='timeout -k 5 {seconds}' || hoist_limit=\n{}",
            self.script_after("$hoist_limit ", &run)
        );
        let output = exec(transport, &script, b"").await?;
        if output.status == TIMED_OUT && output.stdout.is_empty() {
            return Err(ClusterError::new(
                &self.settings.name,
                ErrorKind::Command,
                format!(
                    "`modules`, `setup` and the Python of its jobs came to no end within {seconds} s there"
                ),
                "correct `modules` and `setup` of the target: they must not wait for anything",
            ));
        }
        Ok(output)
    }

    /// What it answered: the last line that is a JSON object.
    ///
    /// # Errors
    /// A module, a set-up line or the Python failed there; or it said nothing.
    pub(crate) fn told(&self, output: &Output) -> Result<String, ClusterError> {
        #[derive(serde::Deserialize)]
        struct Stop {
            stop: String,
        }
        let text = output.text();
        let line = text.lines().rev().find(|line| line.starts_with('{'));
        let Some(line) = line else {
            return Err(self.odd_answer(output));
        };
        if let Ok(Stop { stop }) = serde_json::from_str(line) {
            let kind = if stop.starts_with("no ") {
                ErrorKind::NoPython
            } else {
                ErrorKind::Command
            };
            return Err(ClusterError::new(
                &self.settings.name,
                kind,
                stop,
                "correct `modules`, `setup`, `python` or `environment` of the target",
            ));
        }
        Ok(line.to_owned())
    }

    /// The sentence for an answer that is none.
    pub(crate) fn odd_answer(&self, output: &Output) -> ClusterError {
        ClusterError::new(
            &self.settings.name,
            ErrorKind::Command,
            format!(
                "the Python of its jobs did not answer there (status {}, {})",
                output.status,
                output.complaint()
            ),
            "check `modules`, `setup` and `python` of the target",
        )
    }
}
