//! A programme of ours that answers questions over there, under any Python of its version.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::de::DeserializeOwned;

use crate::error::{ClusterError, ErrorKind};
use crate::settings::TargetSettings;
use crate::shell::quote;
use crate::site::{Site, no_python};
use crate::transport::{Transport, exec};

/// It reads one line of JSON and answers one JSON object, the last line that it prints.
pub(crate) struct Programme {
    /// Its text.
    pub(crate) text: &'static str,
    /// What its own errors call it; a word.
    pub(crate) name: &'static str,
    /// What it looks at, for the sentence that it could not.
    pub(crate) subject: &'static str,
}

impl Programme {
    pub(crate) async fn ask<T: DeserializeOwned>(
        &self,
        transport: &dyn Transport,
        settings: &TargetSettings,
        site: &Site,
        question: &serde_json::Value,
    ) -> Result<T, ClusterError> {
        let Some(python) = site.python_path() else {
            return Err(no_python(settings, &site.host));
        };
        // As one argument it would be too long for some systems.
        let boot = format!(
            "import base64,sys;exec(compile(base64.b64decode(sys.stdin.buffer.readline()),'{}','exec'))",
            self.name
        );
        let script = format!("exec {} -I -S -c {}", quote(python), quote(&boot));
        let input = format!("{}\n{question}\n", BASE64.encode(self.text));
        let output = exec(transport, &script, input.as_bytes()).await?;
        let text = output.text();
        let line = text.lines().rev().find(|line| line.starts_with('{'));
        line.and_then(|line| serde_json::from_str(line).ok())
            .ok_or_else(|| {
                ClusterError::new(
                    &settings.name,
                    ErrorKind::Command,
                    format!(
                        "{} there could not be looked at (status {}, {})",
                        self.subject,
                        output.status,
                        output.complaint()
                    ),
                    "look whether the work folder there can be read and written",
                )
            })
    }
}
