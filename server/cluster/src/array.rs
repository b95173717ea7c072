//! Many jobs that are submitted as one: an array of the scheduler's.
//!
//! Each task is a job like any other, with a folder of its own, which it makes when it begins; the array has one too, in which
//! lie the script of all tasks and the files `tasks` and `requests`, whose lines are the names of the jobs and what each is
//! asked, in order.

use std::sync::Arc;

use crate::data::DataFile;
use crate::environment::JobEnvironment;
use crate::error::{ClusterError, ErrorKind};
use crate::resources::Resources;
use crate::settings::TargetSettings;
use crate::shell::quote;
use crate::site::Site;
use crate::submit::{
    NativeId, Parent, Sending, Submission, Upload, about, check_job, send, submit, text_of,
};
use crate::transport::{Transport, exec};
use crate::upload::never;

/// Many jobs of one package.
#[derive(Debug, Clone)]
pub struct ArraySubmission {
    /// The array's own name, made by us: letters and digits. Submitting it twice submits it once.
    pub array: String,
    /// What the scheduler's lists show.
    pub name: String,
    /// The package's bytes.
    pub package: Arc<[u8]>,
    /// Their SHA-256 in hexadecimal, lower case.
    pub sha256: String,
    /// The name of each job, as of [`Submission::job`], and the bytes of its `request.json`.
    pub tasks: Vec<(String, Vec<u8>)>,
    /// What each of these jobs asks for; where it asks for nothing the target's own resources hold.
    pub resources: Resources,
    /// How many of them may run at once.
    pub at_once: Option<u32>,
    /// As of [`Submission::after`], for each of them.
    pub after: Vec<Parent>,
    /// What the Python of each of them can import.
    pub environment: JobEnvironment,
    /// The data files that the package names and does not hold.
    pub data: Arc<[DataFile]>,
}

/// Puts down the names of the jobs and what each is asked, a line each. Their folders are made by the jobs themselves: a
/// thousand that wait take no more room than one.
const FILL: &str = r#"put script.sh "$script" && put requests "$requests" && put tasks "$names""#;

/// Submits the tasks, each once, however often this is called for them; gives their native ids in order. Where the scheduler
/// has no arrays they are submitted one by one.
pub(crate) async fn submit_array(
    transport: &dyn Transport,
    settings: &TargetSettings,
    site: &Site,
    submission: &ArraySubmission,
    progress: &(dyn Fn(Upload) + Send + Sync),
) -> Result<Vec<NativeId>, ClusterError> {
    for (job, _) in &submission.tasks {
        check_job(&settings.name, job)?;
    }
    let scheduler = site.scheduler;
    let array = scheduler.array();
    let Some(array) = array.filter(|array| submission.tasks.len() >= array.least) else {
        let mut ids = Vec::with_capacity(submission.tasks.len());
        for one in submission.one_by_one(&settings.name)? {
            ids.push(submit(transport, settings, site, &one, progress, &never).await?);
        }
        return Ok(ids);
    };
    let script =
        crate::script::render_array(settings, scheduler, &array, submission, &site.place())?;
    let lines = submission.tasks.iter();
    let names: String = lines.map(|(job, _)| format!("{job}\n")).collect();
    let mut requests = String::new();
    for (_, request) in &submission.tasks {
        // Between the values of JSON a line break is a space.
        requests += &text_of(&settings.name, request)?.replace(['\n', '\r'], " ");
        requests.push('\n');
    }
    let number = |number: Option<u32>| number.map(|n| n.to_string()).unwrap_or_default();
    let cores = submission.resources.over(&settings.resources).cores;
    let sending = Sending {
        job: &submission.array,
        package: &submission.package,
        sha256: &submission.sha256,
        resources: &submission.resources,
        texts: vec![("script", script), ("names", names), ("requests", requests)],
        variables: format!(
            "log={}\ntasks={}\nat_once={}\ncores={}\n",
            quote(array.log),
            submission.tasks.len(),
            number(submission.at_once),
            cores.unwrap_or(1),
        ),
        clean: "rm -rf \"$hoist_job\"\n",
        fill: FILL,
        submit: array.submit.unwrap_or_else(|| scheduler.submit()),
        after: &submission.after,
        data: &submission.data,
    };
    let id = send(transport, settings, site, &sending, progress, &never).await?;
    let numbers = 1..=submission.tasks.len();
    Ok(numbers
        .map(|index| NativeId((array.task)(&id.0, index)))
        .collect())
}

impl ArraySubmission {
    /// The tasks as jobs of their own.
    ///
    /// # Errors
    /// A limit on tasks at once is asked for, which jobs of their own do not know.
    pub(crate) fn one_by_one(
        &self,
        target: &str,
    ) -> Result<impl Iterator<Item = Submission>, ClusterError> {
        if let Some(most) = self.at_once
            && self.tasks.len() > 1
        {
            return Err(ClusterError::new(
                target,
                ErrorKind::Settings,
                format!(
                    "at most {most} tasks at once cannot be asked for: each task is a job of its own with this scheduler"
                ),
                "leave the limit out, or run fewer values at a time",
            ));
        }
        Ok(self.tasks.iter().map(|(job, request)| Submission {
            job: job.clone(),
            name: self.name.clone(),
            package: self.package.clone(),
            sha256: self.sha256.clone(),
            request: request.clone(),
            resources: self.resources.clone(),
            after: self.after.clone(),
            environment: self.environment.clone(),
            data: self.data.clone(),
        }))
    }
}

/// How many tasks one array may have there; none where nothing limits them.
pub(crate) async fn limit(
    transport: &dyn Transport,
    site: &Site,
) -> Result<Option<usize>, ClusterError> {
    let Some(limit) = site.scheduler.array().and_then(|array| array.limit) else {
        return Ok(None);
    };
    let output = exec(transport, &(about(&site.work, "") + limit), b"").await?;
    let text = output.text();
    let number = text.lines().find_map(|line| line.trim().parse().ok());
    Ok(number.filter(|most| *most > 0))
}
