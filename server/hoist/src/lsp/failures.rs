//! Failures of jobs at the lines of the user's files where they were raised, as the files are now.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, UNIX_EPOCH};

use hoist_analysis::Code;
use hoist_jobs::{Frame, JobId, JobView, State};

use super::documents::{Documents, Open};
use super::tracking::LineEdit;

/// How long a comparison of two texts may take before the line is taken as it is.
const PATIENCE: Duration = Duration::from_millis(300);

/// One failure in one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    /// The job.
    pub(super) job: JobId,
    /// The entry's file and the entry: a new run of it clears this.
    of: (PathBuf, String),
    /// Where, 0-based, in the text as it is now.
    pub(super) line: u32,
    /// What kind.
    pub(super) code: Code,
    /// For the user.
    pub(super) message: String,
    /// Other lines of the way there: file, line (0-based), function.
    pub(super) related: Vec<(PathBuf, u32, String)>,
}

/// The failures of every file.
#[derive(Debug, Clone, Default)]
pub(super) struct Failures(BTreeMap<PathBuf, Vec<Failure>>);

impl Failures {
    /// Those of a file.
    pub(super) fn of(&self, path: &Path) -> &[Failure] {
        self.0.get(path).map_or(&[], Vec::as_slice)
    }

    /// Follows an edit of a file: a failure stays at its line, and goes when the line itself is edited.
    pub(super) fn follow(&mut self, path: &Path, edit: LineEdit) {
        let related = self
            .0
            .values_mut()
            .flatten()
            .flat_map(|one| &mut one.related);
        for (_, line, _) in related.filter(|(file, _, _)| file == path) {
            *line = edit.follow(*line).unwrap_or(*line);
        }
        if let Some(failures) = self.0.get_mut(path) {
            failures.retain_mut(|failure| match edit.follow(failure.line) {
                Some(line) => {
                    failure.line = line;
                    true
                }
                None => false,
            });
        }
    }

    /// Forgets the failures of an entry; returns the files in which there were some.
    pub(super) fn clear(&mut self, path: &Path, entry: &str) -> Vec<PathBuf> {
        let mut changed = Vec::new();
        for (file, failures) in &mut self.0 {
            let before = failures.len();
            failures.retain(|failure| failure.of.0 != path || failure.of.1 != entry);
            if failures.len() != before {
                changed.push(file.clone());
            }
        }
        self.0.retain(|_, failures| !failures.is_empty());
        changed
    }

    /// Takes over what [`left_by`] found.
    pub(super) fn add(&mut self, found: Vec<(PathBuf, Failure)>) {
        for (path, failure) in found {
            self.0.entry(path).or_default().push(failure);
        }
    }
}

/// What a job's end leaves in which files. `then` is what was open when the job was made, `now` what is open now. Reads files
/// and compares texts: to be called without the session's lock.
pub(super) fn left_by(
    job: &JobView,
    then: Option<&Documents>,
    now: &Documents,
) -> Vec<(PathBuf, Failure)> {
    let found = failures(job)
        .into_iter()
        .filter_map(|(path, line, failure)| {
            let now = |path: &Path, line| line_now(path, line, then, now, job.created);
            let line = now(&path, line)?;
            let related = failure
                .related
                .into_iter()
                .filter_map(|(path, line, what)| {
                    let line = now(&path, line)?;
                    Some((path, line, what))
                });
            let failure = Failure {
                line,
                related: related.collect(),
                ..failure
            };
            Some((path, failure))
        });
    found.collect()
}

/// What a job's end leaves in the user's files: file, line (0-based) in the text that ran, and the failure.
fn failures(job: &JobView) -> Vec<(PathBuf, u32, Failure)> {
    let failed = matches!(job.state, State::Failed | State::TimedOut | State::Lost);
    if !failed {
        return Vec::new();
    }
    let failure = |code, message| Failure {
        job: job.job,
        of: (job.path.clone(), job.entry.clone()),
        line: 0,
        code,
        message,
        related: Vec::new(),
    };
    let frames: Vec<(&PathBuf, u32, &Frame)> = job
        .error
        .iter()
        .flat_map(|error| &error.frames)
        .filter_map(|frame| Some((frame.path.as_ref()?, frame.line.saturating_sub(1), frame)))
        .collect();
    let Some((error, (raising, _, _))) = job.error.as_ref().zip(frames.last().copied()) else {
        let reason = job.reason.clone().unwrap_or_else(|| match &job.error {
            Some(error) => said(error),
            None => job.state.to_string(),
        });
        let message = format!("{} on {}: {reason}", job.name, job.target);
        let line = job.line.map_or(0, |line| line.saturating_sub(1));
        return vec![(job.path.clone(), line, failure(Code::RemoteEnd, message))];
    };
    let mut found: Vec<(PathBuf, u32, Failure)> = Vec::new();
    for &(path, line, _) in frames.iter().rev() {
        // The innermost line of each file; the calls that led there are told beside it.
        if found.iter().any(|(known, _, _)| known == path) {
            continue;
        }
        let what = said(error);
        let mut message = if path == raising {
            format!("{what} ({} on {})", job.name, job.target)
        } else {
            format!(
                "{what} (raised in a call from here; {} on {})",
                job.name, job.target
            )
        };
        if let Some(words) = error.build_words() {
            message = format!("{message}\n{words}");
        }
        let others = frames
            .iter()
            .filter(|other| (other.0, other.1) != (path, line));
        let related = others
            .map(|(path, line, frame)| ((*path).clone(), *line, format!("in {}", frame.function)));
        let failure = Failure {
            related: related.collect(),
            ..failure(Code::RemoteFailure, message)
        };
        found.push((path.clone(), line, failure));
    }
    found
}

fn said(error: &hoist_jobs::JobError) -> String {
    if error.message.is_empty() {
        error.kind.clone()
    } else {
        format!("{}: {}", error.kind, error.message)
    }
}

/// Where a line of the text that ran is in the text of now. `None` when it is no longer there, or when that cannot be known.
fn line_now(
    path: &Path,
    line: u32,
    then: Option<&Documents>,
    now: &Documents,
    created: u64,
) -> Option<u32> {
    let in_editor = |documents: &Documents| -> Option<std::sync::Arc<Open>> {
        let mut open = documents.values();
        open.find(|open| open.path.as_deref() == Some(path))
            .cloned()
    };
    let text = match in_editor(now) {
        Some(open) => open.document.text().to_owned(),
        None => String::from_utf8_lossy(&std::fs::read(path).ok()?).into_owned(),
    };
    match then.and_then(in_editor) {
        Some(ran) => same_line(ran.document.text(), &text, line),
        // It ran from the disk, perhaps in an earlier session: then the line holds only if the file is as it was.
        None => {
            let modified = std::fs::metadata(path).ok()?.modified().ok()?;
            let modified = modified.duration_since(UNIX_EPOCH).ok()?.as_millis();
            (modified <= u128::from(created)).then_some(line)
        }
    }
}

/// The line of `new` that is line `line` of `old`, by the shortest difference of the two.
fn same_line(old: &str, new: &str, line: u32) -> Option<u32> {
    if old == new {
        return Some(line);
    }
    let (old, new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    let deadline = Some(Instant::now() + PATIENCE);
    let ops =
        similar::capture_diff_slices_deadline(similar::Algorithm::Myers, &old, &new, deadline);
    let line = line as usize;
    ops.into_iter().find_map(|op| match op {
        similar::DiffOp::Equal {
            old_index,
            new_index,
            len,
        } if (old_index..old_index + len).contains(&line) => {
            u32::try_from(line - old_index + new_index).ok()
        }
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_raising_line_is_found_again_between_edits_above_and_below() {
        let old = "import x\ndef f():\n    a = 1\n    raise E\n\nf()\n";
        let new = "import x\nimport y\ndef f():\n    a = 2\n    raise E\n\nf()\nmore\n";
        assert_eq!(same_line(old, new, 3), Some(4));
        assert_eq!(same_line(old, new, 2), None);
        assert_eq!(same_line(old, old, 2), Some(2));
    }
}
