//! The shell of a job without the job: the same modules, variables, set-up lines and Python, for whatever must see them as a job
//! will.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::JobPython;
use crate::error::{ClusterError, ErrorKind};
use crate::script;
use crate::settings::TargetSettings;
use crate::shell::quote;
use crate::site::Site;
use crate::transport::{Output, Transport, exec};

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
        format!("exec {shell} -c {}", quote(&lines.join("\n")))
    }

    /// Runs a program in the Python there, which reads nothing; what it prints is the output. Nothing of the folder in which the
    /// Python starts is imported.
    pub(crate) async fn ask(
        &self,
        transport: &dyn Transport,
        program: &str,
    ) -> Result<Output, ClusterError> {
        let boot = format!(
            "import sys;sys.path[:]=[p for p in sys.path if p];import base64;exec(base64.b64decode('{}'))",
            BASE64.encode(program)
        );
        let run = format!("\"$hoist_python\" -c {} </dev/null >&7", quote(&boot));
        exec(transport, &self.script(&run), b"").await
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
