//! What a job left besides its result (figures, its value's pickle, files that it wrote), fetched into the job's folder here.
//!
//! The other side is not trusted: a path is a [`TreePath`] below the job's folder, no more bytes are taken than were announced, and
//! what is called a figure must be a PNG.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use hoist_cluster::{ClusterError, FETCH_AT_ONCE, Piece, Target, TargetSettings};
use hoist_package::TreePath;

use crate::store::{Folder, StoreError};
use crate::{Engine, JobId, JobView};

/// The largest file that comes back by itself, in bytes, unless the target says otherwise.
const EACH: u64 = 10 << 20;
/// How much of one job comes back by itself, unless the target says otherwise.
const TOTAL: u64 = 100 << 20;
/// The largest figure: nobody draws a larger one.
const FIGURE: u64 = 64 << 20;
/// Pixels of a figure, which an editor must hold all at once.
const PIXELS: u64 = 200_000_000;
/// Pieces in one question.
const PIECES: usize = 200;

/// One file that a job left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Its path below the job's folder, there and here: `figures/1.png`, `result.pickle`, `files/scores.csv`.
    pub path: String,
    /// Its length in bytes, as the other side says.
    pub size: u64,
    /// Where it is on this machine, once it has been fetched.
    pub here: Option<PathBuf>,
}

impl Kept {
    /// Whether a person means it by this word: its path, with or without `files/`, a folder above it, or a pattern.
    pub fn is_meant_by(&self, word: &str) -> bool {
        let word = word.trim_start_matches("./").trim_end_matches('/');
        let short = self.path.strip_prefix("files/").unwrap_or(&self.path);
        let pattern = glob::Pattern::new(word).ok();
        [self.path.as_str(), short].iter().any(|path| {
            *path == word
                || path
                    .strip_prefix(word)
                    .is_some_and(|rest| rest.starts_with('/'))
                || pattern
                    .as_ref()
                    .is_some_and(|pattern| pattern.matches(path))
        })
    }
}

/// How many bytes would have to be fetched of these. Sizes are what the other side says.
pub fn missing_bytes(wanted: &[Kept]) -> u64 {
    let missing = wanted.iter().filter(|kept| kept.here.is_none());
    missing.fold(0, |sum, kept| sum.saturating_add(kept.size))
}

/// Everything that a job left, figures first.
pub(crate) fn kept(view: &JobView) -> Vec<Kept> {
    let named = |prefix: &str, file: &crate::WrittenFile| Kept {
        path: format!("{prefix}{}", file.path),
        size: file.size,
        here: file.here.clone(),
    };
    let pickle = view
        .result
        .as_ref()
        .and_then(|result| result.pickle.as_ref());
    let figures = view.figures.iter().map(|file| named("", file));
    let pickle = pickle.into_iter().map(|file| named("", file));
    let files = view.files.iter().map(|file| named("files/", file));
    figures.chain(pickle).chain(files).collect()
}

/// Those that come back by themselves.
pub(crate) fn by_themselves(view: &JobView, settings: &TargetSettings) -> Vec<Kept> {
    let each = settings.fetch.map_or(EACH, |size| size.0);
    let mut left = settings.fetch_total.map_or(TOTAL, |size| size.0);
    let mut wanted = kept(view);
    wanted.retain(|one| {
        let most = match is_figure(&one.path) {
            true => FIGURE,
            false => each,
        };
        let is_wanted = one.here.is_none() && one.size <= most.min(left) && each > 0;
        if is_wanted {
            left -= one.size;
        }
        is_wanted
    });
    wanted
}

fn is_figure(path: &str) -> bool {
    path.starts_with("figures/")
}

/// Why files of a job are not here.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The job's folder here stands in the way.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The target could not be asked.
    #[error(transparent)]
    Target(#[from] ClusterError),
    /// A file could not be fetched, or was not taken.
    #[error(
        "{target}: {path} of job {job} was not fetched ({why}); `hoist files {job}` lists what it left"
    )]
    Refused {
        /// The target's name.
        target: String,
        /// Whose.
        job: JobId,
        /// The file.
        path: String,
        /// Why.
        why: String,
    },
}

/// A file on its way.
struct Arriving {
    path: TreePath,
    size: u64,
    have: u64,
    file: File,
    temporary: PathBuf,
}

impl Arriving {
    fn new(folder: &Folder, kept: &Kept, number: usize) -> Result<Self, String> {
        let path = TreePath::new(kept.path.as_str()).map_err(|error| error.to_string())?;
        let (file, temporary) = folder.arriving(number).map_err(|error| error.to_string())?;
        Ok(Self {
            path,
            size: kept.size,
            have: 0,
            file,
            temporary,
        })
    }

    fn take(&mut self, bytes: &[u8]) -> Result<(), String> {
        self.file
            .write_all(bytes)
            .map_err(|error| format!("it could not be written here: {error}"))?;
        self.have += bytes.len() as u64;
        Ok(())
    }

    /// Puts it in its place, if it is what it is said to be.
    fn arrive(self, folder: &Folder) -> Result<PathBuf, String> {
        drop(self.file);
        if is_figure(self.path.as_str()) {
            check_png(&self.temporary)?;
        }
        folder
            .place(&self.temporary, &self.path)
            .map_err(|error| format!("it could not be put in its place here: {error}"))
    }
}

/// Fetches these files of a job. `tell` hears how many bytes have come. Files that did not come are answered with why, and leave the
/// others alone.
///
/// # Errors
/// The target could not be asked; what came before is here.
pub(crate) async fn fetch(
    target: &Target,
    folder: &Folder,
    job: JobId,
    wanted: &[Kept],
    tell: &(dyn Fn(u64) + Send + Sync),
) -> Result<Vec<(String, String)>, ClusterError> {
    let mut problems = Vec::new();
    let mut waiting: Vec<&Kept> = wanted.iter().rev().collect();
    let mut current: Option<Arriving> = None;
    let (mut came, mut number) = (0, 0);
    let name = job.to_string();
    loop {
        // As many pieces as one question takes: the rest of the one that is on its way, and those after it.
        let mut room = FETCH_AT_ONCE;
        let mut pieces = Vec::new();
        let mut arriving = Vec::new();
        while pieces.len() < PIECES && (room > 0 || pieces.is_empty()) {
            let next = match current.take() {
                Some(next) => next,
                None => match waiting.pop() {
                    None => break,
                    Some(kept) => {
                        number += 1;
                        match Arriving::new(folder, kept, number) {
                            Ok(next) => next,
                            Err(why) => {
                                problems.push((kept.path.clone(), why));
                                continue;
                            }
                        }
                    }
                },
            };
            let length = (next.size - next.have).min(room);
            pieces.push(Piece {
                path: next.path.to_string(),
                offset: next.have,
                length,
            });
            room -= length;
            arriving.push(next);
        }
        if pieces.is_empty() {
            return Ok(problems);
        }
        let answers = match target.fetch(&name, &pieces).await {
            Ok(answers) => answers,
            Err(error) => {
                arriving.iter().for_each(|one| remove(&one.temporary));
                return Err(error);
            }
        };
        for ((mut one, piece), answer) in arriving.into_iter().zip(&pieces).zip(answers) {
            let taken = answer.and_then(|bytes| match bytes.len() as u64 == piece.length {
                true => {
                    came += piece.length;
                    one.take(&bytes)
                }
                false => Err("it is shorter there than it was said to be".to_owned()),
            });
            tell(came);
            let path = one.path.to_string();
            let temporary = one.temporary.clone();
            let done = match taken {
                Ok(()) if one.have < one.size => {
                    current = Some(one);
                    continue;
                }
                Ok(()) => one.arrive(folder).map(drop),
                Err(why) => Err(why),
            };
            if let Err(why) = done {
                remove(&temporary);
                problems.push((path, why));
            }
        }
    }
}

fn remove(path: &Path) {
    // What stays does no harm, and goes with the job.
    std::fs::remove_file(path).ok();
}

/// Whether a file is a PNG that an editor can hold.
fn check_png(path: &Path) -> Result<(), String> {
    // The signature, then the first chunk: its length, `IHDR`, width and height.
    let mut head = [0; 24];
    let read: io::Result<()> = File::open(path).and_then(|mut file| file.read_exact(&mut head));
    if read.is_err() || !head.starts_with(b"\x89PNG\r\n\x1a\n") || &head[12..16] != b"IHDR" {
        return Err("it is no PNG".to_owned());
    }
    let number = |at: usize| {
        let bytes = [head[at], head[at + 1], head[at + 2], head[at + 3]];
        u64::from(u32::from_be_bytes(bytes))
    };
    match number(16) * number(20) {
        0 => Err("it is no PNG".to_owned()),
        pixels if pixels > PIXELS => Err(format!("it has {pixels} pixels")),
        _ => Ok(()),
    }
}

impl Engine {
    /// Everything that a job left besides its result, figures first.
    ///
    /// # Errors
    /// There is no such job, or its record is damaged.
    pub fn kept(&self, job: JobId) -> Result<Vec<Kept>, StoreError> {
        Ok(kept(&*self.job(job)?))
    }

    /// Fetches files that a job left, however large, unless they are here; gives where they are, in order. `tell` hears how many
    /// bytes have come.
    ///
    /// # Errors
    /// The first of them that is not here then, in a sentence that says why.
    pub async fn fetch(
        &self,
        job: JobId,
        wanted: &[Kept],
        tell: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<Vec<PathBuf>, FetchError> {
        let folder = self.store().folder(job);
        let missing: Vec<Kept> = wanted
            .iter()
            .filter(|kept| kept.here.is_none())
            .cloned()
            .collect();
        if !missing.is_empty() {
            let settings = self.settings(job)?;
            let target = self.target(&settings).await?;
            let problems = fetch(&target, &folder, job, &missing, tell).await?;
            if let Some((path, why)) = problems.into_iter().next() {
                let target = settings.name;
                return Err(FetchError::Refused {
                    target,
                    job,
                    path,
                    why,
                });
            }
        }
        let paths = wanted.iter().map(|kept| match &kept.here {
            Some(here) => here.clone(),
            None => folder.path_of(&kept.path),
        });
        Ok(paths.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str) -> Kept {
        Kept {
            path: path.to_owned(),
            size: 1,
            here: None,
        }
    }

    #[test]
    fn a_person_names_files_as_the_function_did() {
        let is_meant = |path, word| file(path).is_meant_by(word);
        assert!(is_meant("files/out/a.csv", "out/a.csv"));
        assert!(is_meant("files/out/a.csv", "files/out/a.csv"));
        assert!(is_meant("files/out/a.csv", "./out/"));
        assert!(is_meant("files/out/a.csv", "*.csv"));
        assert!(is_meant("figures/1.png", "figures"));
        assert!(!is_meant("files/out/a.csv", "ou"));
        assert!(!is_meant("files/out/a.csv", "a.csv"));
        assert!(!is_meant("files/[a", "["));
    }

    #[test]
    fn sizes_that_cannot_be_are_no_way_around_a_limit() {
        let kept = |size| Kept {
            size,
            ..file("files/a")
        };
        let huge = [kept(u64::MAX), kept(10)];
        assert_eq!(missing_bytes(&huge), u64::MAX);
        let here = Kept {
            here: Some(PathBuf::new()),
            ..kept(u64::MAX)
        };
        assert_eq!(missing_bytes(&[here, kept(10)]), 10);
    }

    #[test]
    fn only_pngs_are_figures() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("1.png");
        let is_png = |bytes: &[u8]| {
            std::fs::write(&path, bytes).expect("written");
            check_png(&path).is_ok()
        };
        let png = |width: u32, height: u32| {
            let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
            bytes.extend(width.to_be_bytes());
            bytes.extend(height.to_be_bytes());
            bytes
        };
        assert!(is_png(&png(640, 480)));
        assert!(!is_png(&png(0, 480)));
        assert!(!is_png(&png(u32::MAX, u32::MAX)));
        assert!(!is_png(&png(640, 480)[..23]));
        assert!(!is_png(b"<svg onload='x'>  <!-- long enough to be one -->"));
    }
}
