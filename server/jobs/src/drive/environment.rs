//! The environment of a job: built on its target, unless it is there, before the job is submitted.

use std::sync::Arc;
use std::time::Duration;

use hoist_analysis::lock::{Lock, LockError};
use hoist_cluster::{
    BuildError, BuildErrorKind, BuildPlace, BuildProgress, EnvironmentSpec, Facts, JobEnvironment,
    Target,
};
use hoist_package::ExitMarker;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::{Driver, wish};
use crate::end::End;
use crate::environment::{self, Place, Wanted};
use crate::wheels::Wheels;
use crate::{Frame, JobError, Stream, plan, wheels};

/// For how long an environment that is there is not asked about again.
const FRESH: Duration = Duration::from_secs(60);
/// For how long a failed attempt is told to others who want the same one.
const AGAIN: Duration = Duration::from_secs(5);
/// The exit status of a job script whose environment was not built.
const UNBUILT: i32 = 126;
/// So much of the errors of such a job is looked at, in bytes.
const LOG: usize = 256 * 1024;

/// How an attempt at an environment ended lately.
pub(crate) struct Attempt {
    at: Instant,
    outcome: Result<JobEnvironment, Failed>,
}

/// Why there is no environment.
#[derive(Clone, Debug)]
enum Failed {
    /// The way to the target broke: another attempt may succeed.
    Broken(String),
    /// It cannot be built.
    Build(Box<BuildError>),
    /// There can be none like that for the Python there.
    Lock(LockError),
    /// The Python there cannot be known.
    Unknown(String),
    /// Somebody wants the job ended.
    Unwanted,
}

/// Why a job is not submitted now.
pub(super) enum Stopped {
    /// Nor ever.
    End(Box<End>),
    /// The connection broke, for this reason.
    Broken(String),
}

impl Driver {
    /// What the job's Python can import over there. Where that is to be built, it is there when this comes back. All jobs of a target
    /// that want the same one wait for the same attempt. Where the submission `began`, the wish to end the job is heeded later: it may
    /// be there already.
    pub(super) async fn environment(
        &mut self,
        target: &Arc<Target>,
        began: bool,
    ) -> Result<JobEnvironment, Stopped> {
        let Some(name) = self.record.wanted.clone() else {
            return Ok(JobEnvironment::Settings);
        };
        let lost = |why: String| Stopped::End(Box::new(End::lost(why)));
        let wanted = self.inner.store.wanted(&name);
        let wanted: Wanted = wanted.map_err(|error| lost(error.to_string()))?;
        let attempts = self.hub.environment(&name);
        let mut attempt = {
            let (folder, cancel, look) = (self.folder.clone(), self.cancel.clone(), self.look());
            tokio::select! {
                attempt = attempts.lock_owned() => attempt,
                () = wish(&folder, &cancel, look), if !began => return Err(cancelled()),
            }
        };
        let known = attempt.as_ref().filter(|last: &&Attempt| {
            let most = if last.outcome.is_ok() { FRESH } else { AGAIN };
            last.at.elapsed() < most && !matches!(last.outcome, Err(Failed::Unwanted))
        });
        let outcome = match known {
            Some(last) => last.outcome.clone(),
            None => {
                let outcome = self.attempt(target, &wanted, began).await;
                *attempt = Some(Attempt {
                    at: Instant::now(),
                    outcome: outcome.clone(),
                });
                outcome
            }
        };
        drop(attempt);
        match outcome {
            Ok(environment) => {
                let name = match &environment {
                    JobEnvironment::Venv { name } => Some(name.clone()),
                    JobEnvironment::Build(spec) => Some(spec.name.clone()),
                    JobEnvironment::Settings => None,
                };
                self.record.view.environment = name;
                self.say_nothing();
                Ok(environment)
            }
            Err(Failed::Unwanted) => Err(cancelled()),
            Err(Failed::Broken(why)) => Err(Stopped::Broken(why)),
            Err(Failed::Unknown(why)) => Err(lost(why)),
            Err(Failed::Lock(error)) => {
                let place = error.distribution().and_then(|name| wanted.place_of(name));
                self.blame(place, error.to_string(), None);
                Err(lost(format!("{}: {error}", self.record.settings.name)))
            }
            Err(Failed::Build(error)) => {
                self.blame_build(&error, &wanted);
                Err(lost(error.to_string()))
            }
        }
    }

    /// The end of a job that was to build its environment itself and did not: what pip said is in its errors. None for all others.
    pub(super) fn unbuilt(&mut self, exit: &[u8]) -> Option<End> {
        let settings = &self.record.settings;
        let marker = ExitMarker::parse(exit).ok()?;
        if marker.code != UNBUILT || settings.build_place() != BuildPlace::Job {
            return None;
        }
        let wanted = self.inner.store.wanted(self.record.wanted.as_ref()?).ok()?;
        let length = self.output.length(Stream::Stderr);
        let from = length.saturating_sub(LOG as u64);
        let log = self.folder.read_log(Stream::Stderr, from, LOG).ok()?;
        let error = BuildError::of_log(&settings.name, &String::from_utf8_lossy(&log))?;
        self.blame_build(&error, &wanted);
        Some(End::lost(error.to_string()))
    }

    /// Says which requirement could not be installed, at the import that wants it.
    fn blame_build(&mut self, error: &BuildError, wanted: &Wanted) {
        let requirement = error.requirement.as_deref().unwrap_or_default();
        let place = wanted.place_of(name_of(requirement));
        let words = Some(error.words.clone()).filter(|words| !words.is_empty());
        self.blame(place, format!("{}; {}", error.why, error.mend), words);
    }

    async fn attempt(
        &mut self,
        target: &Arc<Target>,
        wanted: &Wanted,
        began: bool,
    ) -> Result<JobEnvironment, Failed> {
        let settings = self.record.settings.clone();
        self.say("looking at the Python there".to_owned());
        let facts = self
            .hub
            .facts(target)
            .await
            .map_err(|error| match error.is_transient() {
                true => Failed::Broken(error.to_string()),
                false => Failed::Unknown(error.to_string()),
            })?;
        let platform = facts.as_ref().and_then(environment::platform);
        let platform = platform.ok_or_else(|| {
            Failed::Unknown(format!(
                "{}: what Python the jobs there get cannot be known, so no environment can be built for it; set `environment` of the target to \"system\", or to the environment that they have",
                settings.name
            ))
        })?;
        let lock = wanted.lock(&platform).map_err(Failed::Lock)?;
        let mut spec = environment::spec(&lock, &settings);
        let in_job = settings.build_place() == BuildPlace::Job;
        let fetched = if spec.wheels.is_empty() {
            if in_job {
                return Ok(environment::of_job(spec, &settings));
            }
            match self.build(target, &spec, began).await {
                Err(Failed::Build(error)) if error.kind == BuildErrorKind::Network => {
                    self.say(
                        "no index can be reached from there: fetching the wheels here".to_owned(),
                    );
                    self.fetch(wanted, &lock, facts.as_ref(), &spec, Some(error))
                        .await?
                }
                built => {
                    return built.map(|()| environment::of_job(spec, &settings));
                }
            }
        } else {
            // Archives of this machine are carried over, and all else with them.
            self.fetch(wanted, &lock, facts.as_ref(), &spec, None)
                .await?
        };
        spec.wheels.clone_from(&fetched.files);
        self.build(target, &spec, began).await?;
        let name = spec.name;
        Ok(JobEnvironment::Venv { name })
    }

    /// Fetches what is to be installed to this machine.
    async fn fetch(
        &self,
        wanted: &Wanted,
        lock: &Lock,
        facts: Option<&Facts>,
        spec: &EnvironmentSpec,
        instead: Option<Box<BuildError>>,
    ) -> Result<Wheels, Failed> {
        let fetching = wheels::fetch(lock, facts, &spec.indexes, wanted.python.as_deref());
        let (folder, cancel, look) = (self.folder.clone(), self.cancel.clone(), self.look());
        let fetched = tokio::select! {
            fetched = fetching => fetched,
            () = wish(&folder, &cancel, look) => return Err(Failed::Unwanted),
        };
        fetched.map_err(|error| {
            let target = self.record.settings.name.clone();
            Failed::Build(Box::new(error.of(target, instead.as_deref())))
        })
    }

    /// Has it built, and tells how far that is.
    async fn build(
        &mut self,
        target: &Arc<Target>,
        spec: &EnvironmentSpec,
        began: bool,
    ) -> Result<(), Failed> {
        let (tell, mut told) = mpsc::unbounded_channel();
        let building = target.environment(spec, move |progress| {
            // That nobody listens is no error.
            tell.send(progress).ok();
        });
        tokio::pin!(building);
        let (folder, cancel, look) = (self.folder.clone(), self.cancel.clone(), self.look());
        let built = loop {
            tokio::select! {
                biased;
                Some(progress) = told.recv() => self.hear_build(progress),
                built = &mut building => break built,
                () = wish(&folder, &cancel, look), if !began => return Err(Failed::Unwanted),
            }
        };
        while let Ok(progress) = told.try_recv() {
            self.hear_build(progress);
        }
        built.map(drop).map_err(|error| match error.is_transient() {
            true => Failed::Broken(error.to_string()),
            false => Failed::Build(Box::new(error)),
        })
    }

    fn hear_build(&mut self, progress: BuildProgress) {
        match progress {
            BuildProgress::Building { done, total, what } => {
                let count = match total {
                    0 => String::new(),
                    total => format!(" ({done} of {total})"),
                };
                self.say(format!("building the environment{count}, {what}"));
            }
            BuildProgress::Log(bytes) => {
                let end = self.output.length(Stream::Environment);
                // It is for people to read; the build does not depend on it.
                if let Err(error) = self.output.take(Stream::Environment, end, &bytes) {
                    self.say(error.to_string());
                }
            }
        }
    }

    /// Says at which import of the user's it failed.
    fn blame(&mut self, place: Option<&Place>, message: String, words: Option<String>) {
        let view = &mut self.record.view;
        let frames = place.map(|place| Frame {
            file: plan::shown(&place.path, &view.workspace),
            line: place.line,
            function: "<module>".to_owned(),
            path: Some(place.path.clone()),
        });
        view.error = Some(JobError {
            kind: JobError::UNBUILT.to_owned(),
            message,
            frames: frames.into_iter().collect(),
            traceback: words,
        });
    }
}

fn cancelled() -> Stopped {
    Stopped::End(Box::new(End::cancelled(
        "cancelled before it was submitted",
    )))
}

/// The name at the beginning of a requirement.
fn name_of(requirement: &str) -> &str {
    let is_of_name = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let end = requirement
        .find(|c| !is_of_name(c))
        .unwrap_or(requirement.len());
    requirement.get(..end).unwrap_or_default()
}
