//! What the scheduler would make of a job, before it is submitted.

use std::time::Duration;

use crate::error::{ClusterError, ErrorKind};
use crate::settings::TargetSettings;
use crate::site::Site;
use crate::submit::{Submission, about, scheduler_error};
use crate::transport::{Transport, exec};

/// A start that is further away is no forecast: somewhere before it is a job without a limit of time.
const FAR: Duration = Duration::from_secs(366 * 86_400);

/// In how long the job would start if it were submitted now; none where the scheduler cannot say.
pub(crate) async fn forecast(
    transport: &dyn Transport,
    settings: &TargetSettings,
    site: &Site,
    submission: &Submission,
) -> Result<Option<Duration>, ClusterError> {
    let scheduler = site.scheduler;
    let Some(question) = scheduler.forecast() else {
        return Ok(None);
    };
    let job_script = crate::script::render(settings, scheduler, submission, &site.place())?;
    let script = about(&site.work, "") + question;
    let output = exec(transport, &script, job_script.as_bytes()).await?;
    let text = output.text();
    let line = |name: &str| {
        text.lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))
    };
    if let Some(words) = line("fail scheduler") {
        return Err(scheduler_error(settings, words));
    }
    let Some(words) = line("start") else {
        return Err(ClusterError::new(
            &settings.name,
            ErrorKind::Scheduler,
            format!(
                "the scheduler does not say when the job would start ({})",
                output.complaint()
            ),
            "run it all the same, or ask again later",
        ));
    };
    let seconds = words.trim().parse::<i64>().unwrap_or_default();
    let wait = Duration::from_secs(u64::try_from(seconds).unwrap_or_default());
    Ok((wait < FAR).then_some(wait))
}
