//! Environments that were read already.

use std::ffi::OsString;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustc_hash::FxHashMap;

use super::Environment;
use super::find::{Everywhere, Question, find};
use super::variables::Variables;
use crate::files::Files;

/// Reads each environment once, and again only when something in it has changed.
#[derive(Debug)]
pub struct Environments {
    variables: Variables,
    /// How long an answer is given again without looking whether it still holds.
    patience: Duration,
    known: Mutex<Known>,
    /// Held while an environment is read: who asks for the same one meanwhile waits for it.
    reading: Mutex<()>,
}

#[derive(Debug, Default)]
struct Known {
    everywhere: Option<(Instant, Arc<Everywhere>)>,
    answers: FxHashMap<Asked, (Instant, Arc<Environment>)>,
    /// Each with the moment at which it was last seen to be as it is on disk, if that still counts.
    read: Vec<(Option<Instant>, Arc<Environment>)>,
}

/// A question that is kept: workspace, folder, what is configured.
type Asked = (OsString, OsString, Option<String>);

impl Environments {
    /// With these variables; an answer younger than `patience` is not looked at again.
    pub fn new(variables: Variables, patience: Duration) -> Environments {
        Environments {
            variables,
            patience,
            known: Mutex::default(),
            reading: Mutex::default(),
        }
    }

    /// With the variables of this process, looked at again when two seconds have passed.
    pub fn here() -> Environments {
        Environments::new(Variables::here(), Duration::from_secs(2))
    }

    /// The environment that is asked for, as it is now, or as it was a moment ago.
    pub fn get(&self, files: &dyn Files, question: &Question<'_>) -> Arc<Environment> {
        let asked: Asked = (
            question.workspace.as_os_str().to_owned(),
            question.folder.as_os_str().to_owned(),
            question.configured.map(str::to_owned),
        );
        // Whoever panicked while it was held left whole values.
        let lock = || self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let known = lock()
            .answers
            .get(&asked)
            .filter(|(at, _)| at.elapsed() < self.patience)
            .map(|(_, environment)| environment.clone());
        if let Some(environment) = known {
            return environment;
        }
        let everywhere = lock()
            .everywhere
            .as_ref()
            .filter(|(at, _)| at.elapsed() < self.patience)
            .map(|(_, everywhere)| everywhere.clone());
        let everywhere = everywhere.unwrap_or_else(|| {
            let new = Arc::new(Everywhere::find(files, &self.variables));
            lock().everywhere = Some((Instant::now(), new.clone()));
            new
        });
        let interpreter = find(files, &self.variables, &everywhere, question);
        let _turn = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        let read = lock()
            .read
            .iter()
            .find(|(_, known)| known.interpreter == interpreter)
            .cloned();
        let environment = match read {
            // The same one, asked for from another folder a moment ago.
            Some((Some(seen), known)) if seen.elapsed() < self.patience => known,
            Some((_, known)) if known.is_current(files, &self.variables) => {
                lock().keep(known.clone());
                known
            }
            _ => {
                let new = Arc::new(Environment::of(files, &self.variables, interpreter));
                lock().keep(new.clone());
                new
            }
        };
        lock()
            .answers
            .insert(asked, (Instant::now(), environment.clone()));
        environment
    }

    /// Looks at everything again at the next question: files have changed.
    pub fn doubt(&self) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.answers.clear();
        known.everywhere = None;
        for (seen, _) in &mut known.read {
            *seen = None;
        }
    }
}

impl Known {
    /// Takes in what was seen just now, in place of what was read for the same interpreter.
    fn keep(&mut self, environment: Arc<Environment>) {
        self.read
            .retain(|(_, old)| old.interpreter != environment.interpreter);
        self.read.push((Some(Instant::now()), environment));
    }
}

impl Default for Environments {
    fn default() -> Environments {
        Environments::here()
    }
}
